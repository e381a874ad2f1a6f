import { registry } from "@web/core/registry";

/** An accountant proposes a run, looks at it, approves and sends it. */
registry.category("web_tour.tours").add("credit_run_tour", {
    steps: () => [
        {
            content: "Propose: decide for every open item",
            trigger: "button[name=action_propose]",
            run: "click",
        },
        {
            content: "The late customer is chased",
            trigger: ".o_field_widget[name=letter_ids]:contains(Tour Customer)",
        },
        {
            content: "The one that is not late enough is left alone, with its reason",
            trigger:
                ".o_field_widget[name=reason_summary_ids]:contains(Next level not reached)",
        },
        {
            content: "Look at exactly what would go",
            trigger: ".o_field_widget[name=letter_ids] button[name=action_preview]",
            run: "click",
        },
        {
            content: "The message is shown",
            trigger: ".modal .o_field_widget[name=body]",
        },
        {
            content: "Close it",
            trigger: ".modal footer button:contains(Close)",
            run: "click",
        },
        {
            content: "Approve and send",
            trigger: "body:not(:has(.modal)) button[name=action_approve_and_send]",
            run: "click",
        },
        {
            content: "Yes",
            trigger: ".modal footer .btn-primary",
            run: "click",
        },
        {
            content: "The letter is in the queue",
            trigger: ".o_statusbar_status button[aria-current=step]:contains(Sending)",
        },
    ],
});
