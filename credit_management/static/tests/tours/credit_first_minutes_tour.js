import { registry } from "@web/core/registry";

/** A manager's first minutes: from the menu to a proposal, in at most six clicks. */
registry.category("web_tour.tours").add("credit_first_minutes_tour", {
    steps: () => [
        {
            content: "The app opens with the guide; its choices are filled in",
            trigger: ".o_field_widget[name=mode] input:checked",
        },
        {
            content: "Go on",
            trigger: "button[name=action_next]:visible",
            run: "click",
        },
        {
            content: "The letter of a customer is shown",
            trigger: ".o_field_widget[name=letter_about]:contains(First Customer)",
        },
        {
            content: "Get it",
            trigger: "button[name=action_send_test]:visible",
            run: "click",
        },
        {
            trigger: ".alert-success:contains(On its way to you)",
        },
        {
            content: "See what would be sent today",
            trigger: "button[name=action_propose]",
            run: "click",
        },
        {
            content: "A proposal waits for a review",
            trigger: ".o_statusbar_status button[aria-current=step]:contains(Proposed)",
        },
    ],
});
