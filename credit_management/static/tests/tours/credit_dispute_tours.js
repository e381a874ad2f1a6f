import { registry } from "@web/core/registry";

/** A customer says what is wrong with an invoice, and sends a file along. */
registry.category("web_tour.tours").add("credit_dispute_customer_tour", {
    steps: () => [
        {
            content: "On the page of the invoice, say that something is wrong",
            trigger: "a[name=credit_dispute]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Choose what",
            trigger: "select[name=reason]",
            run: "selectByLabel Damaged or faulty",
        },
        {
            content: "It is about the second line",
            trigger: "form[name=dispute] .form-check:contains(Glasses) input",
            run: "click",
        },
        {
            content: "And only about a part of it",
            trigger:
                "form[name=dispute] .border-bottom:contains(Glasses) input[type=text]",
            run: "edit 40",
        },
        {
            content: "Say what happened",
            trigger: "textarea[name=text]",
            run: "edit Four of them are broken.",
        },
        {
            content: "Add a photo",
            trigger: "input[name=files]",
            run() {
                const photo = new File(
                    [new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
                    "broken.png",
                    { type: "image/png" }
                );
                const files = new DataTransfer();
                files.items.add(photo);
                this.anchor.files = files.files;
            },
        },
        {
            content: "Send",
            trigger: "form[name=dispute] button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The case is there, with what was said and sent",
            trigger: "div[name=message]:contains(Four of them are broken.)",
        },
        {
            content: "The file, too",
            trigger: "div[name=message] a:contains(broken.png)",
        },
        {
            content: "And until when there is an answer",
            trigger: "dd[name=deadline]",
        },
    ],
});

/** An accountant finds the case, looks into it, and settles it by a credit note. */
registry.category("web_tour.tours").add("credit_dispute_staff_tour", {
    steps: () => [
        {
            content: "The case stands among the new ones",
            trigger: ".o_kanban_record:contains(Tour Customer)",
            run: "click",
        },
        {
            content: "Begin to look into it",
            trigger: "button[name=action_start]",
            run: "click",
        },
        {
            content: "It is in progress",
            trigger: ".o_arrow_button_current:contains(In Progress)",
        },
        {
            content: "What the customer said and sent is there",
            trigger: ".o-mail-Message:contains(Four of them are broken.)",
        },
        {
            content: "Accept it",
            trigger: "button.btn-primary[name=action_accept]",
            run: "click",
        },
        {
            content: "Tell the customer",
            trigger: ".modal div[name=text] textarea",
            run: "edit Sorry about that!",
        },
        {
            content: "Make the credit note",
            trigger: ".modal button[name=action_apply]:visible",
            run: "click",
        },
        {
            content: "It is accepted",
            trigger: ".o_arrow_button_current:contains(Accepted)",
        },
        {
            content: "The credit note can be opened",
            trigger: "button[name=action_view_credit_notes]:contains(1)",
        },
    ],
});

/** The customer comes back and sees what became of it. */
registry.category("web_tour.tours").add("credit_dispute_settled_tour", {
    steps: () => [
        {
            content: "It is accepted",
            trigger: "span[name=state]:contains(Accepted)",
        },
        {
            content: "This much was credited",
            trigger: "td[name=credited]:contains(40.00)",
        },
        {
            content: "And that was said",
            trigger: "div[name=message]:contains(Sorry about that!)",
        },
    ],
});
