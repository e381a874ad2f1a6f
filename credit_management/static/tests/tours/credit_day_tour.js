import { registry } from "@web/core/registry";

const noWindow = "body:not(:has(.modal))";

function row(customer) {
    return `${noWindow} .o_data_row:contains(${customer})`;
}

/**
 * An accountant's day: look, review the letters of the night and send them, call who
 * is to be called, pause one, and make a statement for another.
 */
registry.category("web_tour.tours").add("credit_day_tour", {
    steps: () => [
        // Overview
        {
            content: "The overview says how many letters wait for a review",
            trigger: "button[name=action_view_review]:contains(2)",
        },
        {
            content: "Open the runs",
            trigger: ".o_menu_sections button:contains(Dunning)",
            run: "click",
        },
        {
            trigger: ".dropdown-item:contains(Runs)",
            run: "click",
        },
        // Review
        {
            content: "Open the run of the night",
            trigger: ".o_data_row:contains(Nightly run) td[name=name]",
            run: "click",
        },
        {
            content: "Leave a customer out of it",
            trigger:
                ".o_field_widget[name=letter_ids] .o_data_row:contains(Left Out) button[name=action_skip]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit Talks about a refund",
        },
        {
            trigger: ".modal button[name=action_skip]",
            run: "click",
        },
        {
            content: "Approve and send the rest",
            trigger: `${noWindow} button[name=action_approve_and_send]`,
            run: "click",
        },
        {
            trigger: ".modal footer .btn-primary",
            run: "click",
        },
        {
            trigger: ".o_statusbar_status button[aria-current=step]:contains(Sending)",
        },
        // Call
        {
            content: "Open the work list",
            trigger: ".o_menu_sections a:contains(Work List)",
            run: "click",
        },
        {
            content: "A call is due: log it",
            trigger: `${row("To Be Called")} button[name=action_log_call]`,
            run: "click",
        },
        {
            content: "The facts are there",
            trigger: ".modal .o_credit_facts:contains(100.00)",
        },
        {
            trigger: ".modal .o_field_widget[name=note] textarea",
            run: "edit Pays on Friday",
        },
        {
            trigger: ".modal footer button:contains(Log Call)",
            run: "click",
        },
        {
            content: "The customer is gone from the list",
            trigger: `${noWindow} .o_list_view:not(:has(.o_data_row:contains(To Be Called)))`,
        },
        // Pause
        {
            content: "Pause another",
            trigger: `${row("To Be Paused")} button:has(.fa-pause)`,
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit Owner is ill",
        },
        {
            trigger: ".modal button[name=action_pause]",
            run: "click",
        },
        {
            trigger: `${noWindow} .o_list_view:not(:has(.o_data_row:contains(To Be Paused)))`,
        },
        // Statement
        {
            content: "Open a customer",
            trigger: `${row("Wants Statement")} td[name=partner_id]`,
            run: "click",
        },
        {
            trigger: ".o_form_view button:contains(Statement of Account)",
            run: "click",
        },
        {
            trigger: ".modal button[name=action_send]",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(on their way)",
        },
        {
            content: "Back on the list",
            trigger: `${noWindow} .o_back_button`,
            run: "click",
        },
        {
            content: "Dealt with: done",
            trigger: `${row("Wants Statement")} button[name=action_work_done]`,
            run: "click",
        },
        {
            content: "Nothing is left",
            trigger: ".o_view_nocontent:contains(Nothing waits for you)",
        },
    ],
});
