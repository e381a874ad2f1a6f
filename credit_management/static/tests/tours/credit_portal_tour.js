import { registry } from "@web/core/registry";

/** A customer follows the link in a letter, reads what is open and opens an invoice. */
registry.category("web_tour.tours").add("credit_portal_tour", {
    steps: () => [
        {
            content: "The page says what is overdue",
            trigger: "table[name=totals] tr[name=overdue]:contains(250.00)",
        },
        {
            content: "The late invoice is listed, with its days",
            trigger: "table[name=overdue] td[name=days_late]:contains(10)",
        },
        {
            content: "The one that is not due yet stands apart",
            trigger: "table[name=upcoming] td[name=open_amount]:contains(80.00)",
        },
        {
            content: "It says whom to ask",
            trigger: "section[name=contact] a[href^='mailto:']",
        },
        {
            content: "Open the late invoice",
            trigger: "table[name=overdue] tbody a:not(.btn)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It is shown without a login",
            trigger: ".o_portal_invoice_sidebar",
        },
    ],
});
