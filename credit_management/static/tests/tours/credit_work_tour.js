import { registry } from "@web/core/registry";

const NOTICE = ".o_credit_work_rest:contains(1 more of your customers)";
const ROW = ".o_data_row, .o_kanban_record:not(.o_kanban_ghost)";

/** The list says that the cap of a day hides a customer, and shows it with one click. */
registry.category("web_tour.tours").add("credit_work_rest_tour", {
    steps: () => [
        {
            content: "One customer is for today",
            trigger: `.o_content:contains(Pressing Customer):not(:contains(Other Customer))`,
        },
        {
            content: "That another one waits for tomorrow stands above, and fits",
            trigger: NOTICE,
            run() {
                const { left, right } = this.anchor.getBoundingClientRect();
                if (left < 0 || right > window.innerWidth) {
                    throw new Error("The notice is wider than the screen");
                }
                const row = document.querySelector(ROW).getBoundingClientRect();
                if (this.anchor.getBoundingClientRect().bottom > row.top + 1) {
                    throw new Error("The notice is not above the customers");
                }
            },
        },
        {
            content: "Show it",
            trigger: `${NOTICE} button`,
            run: "click",
        },
        {
            content: "There it is, and nothing is said to be hidden",
            trigger: `.o_content:contains(Other Customer):not(:contains(Pressing Customer)):not(:has(.o_credit_work_rest))`,
        },
    ],
});
