import { registry } from "@web/core/registry";

/** A customer says on which day it pays. */
registry.category("web_tour.tours").add("credit_promise_customer_tour", {
    steps: () => [
        {
            content: "On the statement of account, say when",
            trigger: "a[name=promise]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The invoice is ticked; name the furthest day",
            trigger: "form[name=promise]:has(input[name=items]:checked) input[name=day]",
            run() {
                this.anchor.value = this.anchor.max;
            },
        },
        {
            content: "Promise",
            trigger: "form[name=promise] button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It is noted",
            trigger: "p[name=promise_given]",
        },
        {
            content: "And can be taken back",
            trigger: "div[name=promise]:contains(100.00) form[name=promise_withdraw]",
        },
    ],
});

const openFromBoard = (state) => [
    {
        content: `The promise stands among those that are ${state}`,
        trigger: `.o_kanban_group:contains(${state}) .o_kanban_record:contains(Tour Customer)`,
        run: "click",
    },
    {
        content: `It is ${state}`,
        trigger: `.o_arrow_button_current:contains(${state})`,
    },
];

/** Staff sees that it was kept. */
registry.category("web_tour.tours").add("credit_promise_kept_tour", {
    steps: () => [
        ...openFromBoard("Kept"),
        {
            content: "All of it was paid in time",
            trigger: "div[name=amount_kept]:contains(100.00)",
        },
    ],
});

/** Staff sees that it was broken, and gets to do something about it. */
registry.category("web_tour.tours").add("credit_promise_broken_tour", {
    steps: () => [
        ...openFromBoard("Broken"),
        {
            content: "Somebody is asked to look at it",
            trigger: ".o-mail-Activity",
        },
    ],
});
