import { registry } from "@web/core/registry";

const tours = registry.category("web_tour.tours");

/** Choose the demo provider in the host's payment form, and pay. */
function payByDemo(amount) {
    return [
        {
            content: "The server says how much that is",
            trigger: `td[name=total]:contains(${amount})`,
        },
        {
            content: "Choose the way to pay",
            trigger: "input[name=o_payment_radio][data-provider-code=demo]",
            run: "click",
        },
        {
            content: "Fill in the form of the provider",
            trigger: "input[name=customer_input]",
            run: "edit 4242",
        },
        {
            content: "Pay",
            trigger: "button[name=o_payment_submit_button]:not(:disabled)",
            run: "click",
            expectUnloadPage: true,
        },
    ];
}

/** From the statement of account to the calculator, filled in, and sent. */
function propose(form) {
    return [
        {
            content: "On the statement of account, ask to pay in parts",
            trigger: "a[name=plan]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "What is overdue is ticked",
            trigger: "form[name=plan] input[name=items]:checked",
        },
        {
            content: "In three parts",
            trigger: "select[name=count]",
            run: "select 3",
        },
        {
            content: "Say why",
            trigger: "textarea[name=reason]",
            run: "edit Our season begins in spring.",
        },
        {
            content: "See what it comes to",
            trigger: "form[name=plan] button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Three parts of a hundred",
            trigger: "table[name=parts] tbody tr:nth-child(3):contains(100.00)",
        },
        {
            content: "Send it",
            trigger: `form[name=${form}] button[type=submit]`,
            run: "click",
            expectUnloadPage: true,
        },
    ];
}

/** A customer asks to pay in three parts, and reads that somebody will answer. */
tours.add("credit_plan_ask_tour", {
    steps: () => [
        ...propose("propose"),
        {
            content: "It waits for an answer",
            trigger: "p[name=waits]",
        },
        {
            content: "Nothing is to be paid by it yet",
            trigger: "body:not(:has(div[name=ways])) span[name=state]:contains(Proposed)",
        },
    ],
});

/** Somebody of the staff finds what was asked, and proposes four parts instead. */
tours.add("credit_plan_counter_tour", {
    steps: () => [
        {
            content: "It stands among what was proposed",
            trigger: ".o_kanban_record:contains(Tour Customer)",
            run: "click",
        },
        {
            content: "The customer says why",
            trigger: ".alert .o_field_widget[name=reason]:contains(Our season begins)",
        },
        {
            content: "Answer by another plan",
            trigger: "button[name=action_counter]",
            run: "click",
        },
        {
            content: "In four parts",
            trigger: ".modal .o_field_widget[name=part_count] input",
            run: "edit 4 && press Tab",
        },
        {
            content: "They are shown before anything is made",
            trigger: ".modal .o_field_widget[name=preview]:contains(75.00)",
        },
        {
            content: "Make it",
            trigger: ".modal button[name=action_make]",
            run: "click",
        },
        {
            content: "It is a draft",
            trigger: ".o_arrow_button_current:contains(Draft)",
        },
        {
            content: "Propose it",
            trigger: "button[name=action_propose]",
            run: "click",
        },
        {
            content: "It waits for the customer",
            trigger: ".o_arrow_button_current:contains(Proposed)",
        },
        {
            content: "The talk shows that the customer was told",
            trigger: ".o-mail-Message:contains(We propose that you pay)",
        },
    ],
});

/** The customer accepts what was proposed instead, and pays two parts, one by one. */
tours.add("credit_plan_accept_and_pay_tour", {
    steps: () => [
        {
            content: "Four parts of 75, the name is filled in: accept",
            trigger:
                "body:has(table[name=parts] tbody tr:nth-child(4)) form[name=accept] button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It runs, and says who agreed",
            trigger: "p[name=accepted]:contains(Buyer)",
        },
        {
            content: "Pay the next part",
            trigger: "div[name=ways] a:contains(75.00)",
            run: "click",
            expectUnloadPage: true,
        },
        ...payByDemo("75.00"),
        {
            content: "Back on the plan: one part is paid",
            trigger:
                "body:has(td[name=left]:contains(225.00)) div[name=ways] a:contains(75.00)",
            run: "click",
            expectUnloadPage: true,
        },
        ...payByDemo("75.00"),
        {
            content: "Two parts are paid, two are left",
            trigger:
                "body:has(td[name=paid]:contains(150.00)) td[name=left]:contains(150.00)",
        },
    ],
});

/** The customer comes back and reads that the plan is at its end if nothing comes. */
tours.add("credit_plan_warned_tour", {
    steps: () => [
        {
            content: "A part is late",
            trigger: "p[name=warned]",
        },
        {
            content: "It can still be paid",
            trigger: "div[name=ways] a:contains(75.00)",
        },
    ],
});

/** A customer takes what is offered: it runs at once, and nobody else did anything. */
tours.add("credit_plan_offer_tour", {
    steps: () => [
        ...propose("take"),
        {
            content: "It runs",
            trigger: "span[name=state]:contains(Running)",
        },
        {
            content: "The first part can be paid now",
            trigger: "div[name=ways] a:contains(100.00)",
        },
    ],
});

/** A customer agrees on the page of the plan that the parts are collected. */
tours.add("credit_plan_collect_tour", {
    steps: () => [
        {
            content: "Tick that one agrees; the text names the card",
            trigger:
                "form[name=collect]:has(label:contains(4242)) input[name=agree][type=checkbox]",
            run: "click",
        },
        {
            content: "Agree",
            trigger: "form[name=collect] button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It is collected from now on",
            trigger: "form[name=collect_stop] strong[name=method]:contains(4242)",
        },
    ],
});

/** Later the customer looks what became of it, and takes the agreement back. */
tours.add("credit_plan_collect_stop_tour", {
    steps: () => [
        {
            content: "One part is paid",
            trigger: "td[name=paid]:contains(100.00)",
        },
        {
            content: "Collect no more",
            trigger: "form[name=collect_stop] button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The plan goes on, to be paid by hand",
            trigger: "body:has(form[name=collect]) div[name=ways] a:contains(100.00)",
        },
    ],
});
