import { registry } from "@web/core/registry";

/** A salesperson confirms an order, is told that it is on hold, and asks. */
registry.category("web_tour.tours").add("credit_hold_ask_tour", {
    steps: () => [
        {
            content: "The quotation says beforehand what would happen",
            trigger: ".alert:contains(Would be on hold when confirmed.)",
        },
        {
            content: "Confirm it all the same",
            trigger: "button[name=action_confirm]:visible",
            run: "click",
        },
        {
            content: "A message says that it is on hold, and why",
            trigger: ".o_notification:contains(On hold):contains(Over the credit limit)",
        },
        {
            content: "So does the order",
            trigger: ".alert-danger:contains(On hold.)",
        },
        {
            content: "Ask for a release",
            trigger: ".alert-danger button[name=action_credit_ask]",
            run: "click",
        },
        {
            content: "Say why",
            trigger: ".modal div[name=text] textarea",
            run: "edit They pay on Friday.",
        },
        {
            content: "Ask",
            trigger: ".modal button[name=action_ask]",
            run: "click",
        },
        {
            content: "Back on the order",
            trigger: "body:not(:has(.modal)) .alert-danger:contains(On hold.)",
        },
    ],
});

/** Whoever decides finds the question, looks at what was found, and releases. */
registry.category("web_tour.tours").add("credit_hold_release_tour", {
    steps: () => [
        {
            content: "The order waits in the list",
            trigger: ".o_data_row:contains(Tour Customer) td[name=reasons]",
            run: "click",
        },
        {
            content: "What was asked stands there",
            trigger: ".o_field_widget[name=asked_text]:contains(They pay on Friday.)",
        },
        {
            content: "And what was found",
            trigger: ".o_field_widget[name=check_ids]:contains(of the limit used)",
        },
        {
            content: "Release",
            trigger: ".o_form_statusbar button[name=action_release]",
            run: "click",
        },
        {
            content: "Say why",
            trigger: ".modal div[name=reason] textarea",
            run: "edit Friday is fine.",
        },
        {
            content: "Release it",
            trigger: ".modal button[name=action_decide]:visible",
            run: "click",
        },
        {
            content: "It is released",
            trigger: ".o_arrow_button_current:contains(Released)",
        },
    ],
});
