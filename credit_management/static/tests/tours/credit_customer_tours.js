import { registry } from "@web/core/registry";

/** A customer comes by the link of a letter and pays two of three overdue invoices. */
registry.category("web_tour.tours").add("credit_customer_pays_tour", {
    steps: () => [
        {
            content: "Three invoices are overdue, all of them ticked",
            trigger: "table[name=totals] tr[name=overdue]:contains(425.00)",
        },
        {
            content: "Leave one out",
            trigger:
                "table[name=overdue] tbody tr:contains(75.00) input[name=items]:checked",
            run: "click",
        },
        {
            content: "Pay the other two",
            trigger:
                "form[name=pay_selected]:has(input[name=currency]) button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "The server says how much that is",
            trigger: "td[name=total]:contains(350.00)",
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
        {
            content: "Back on the page: one is left, and the payment is seen at once",
            trigger: "table[name=totals] tr[name=overdue]:contains(75.00)",
        },
        {
            content: "What was paid is gone",
            trigger: "table[name=overdue]:not(:contains(250.00)):contains(75.00)",
        },
    ],
});

/** Somebody of another customer guesses the addresses of the page and of its files. */
registry.category("web_tour.tours").add("credit_customer_stranger", {
    steps: () => [
        {
            content: "The page of another customer leads to one's own home",
            trigger: ".o_portal_docs, .o_portal_my_home",
            async run() {
                const ids = new URLSearchParams(browserHash());
                const paths = [
                    `/my/credit/${ids.get("profile")}`,
                    `/my/credit/${ids.get("profile")}/letter/${ids.get("letter")}`,
                    `/my/credit/${ids.get("profile")}/statement.pdf`,
                    "/my/credit",
                ];
                for (const path of paths) {
                    const response = await fetch(path);
                    const text = await response.text();
                    const isPage = response.headers
                        .get("Content-Type")
                        .startsWith("text/html");
                    if (!isPage || text.includes("Watched Customer")) {
                        throw new Error(`${path} tells a stranger of a customer`);
                    }
                }
            },
        },
    ],
});

/** What the test put behind the address: which records to guess. */
function browserHash() {
    return window.location.hash.slice(1);
}
