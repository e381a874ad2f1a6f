import { registry } from "@web/core/registry";

const TALK = "#chatterRoot:shadow";

/** A customer asks something on the page of an invoice. */
registry.category("web_tour.tours").add("credit_talk_customer_tour", {
    steps: () => [
        {
            content: "Write on the invoice",
            trigger: `${TALK} .o-mail-Composer-input`,
            run: "edit Where is the second box?",
        },
        {
            content: "Send",
            trigger: `${TALK} .o-mail-Composer-send:enabled`,
            run: "click",
        },
        {
            content: "It stands in the talk",
            trigger: `${TALK} .o-mail-Message-body:contains(Where is the second box?)`,
        },
    ],
});

/** The collector finds it in the inbox and answers from there. */
registry.category("web_tour.tours").add("credit_talk_staff_tour", {
    steps: () => [
        {
            content: "The message is in the inbox",
            trigger: ".o_data_row:contains(Where is the second box?) button[name=action_answer]",
            run: "click",
        },
        {
            content: "What was asked stands above",
            trigger: ".modal div[name=asked]:contains(Where is the second box?)",
        },
        {
            content: "Answer",
            trigger: ".modal div[name=text] textarea",
            run: "edit It left yesterday.",
        },
        {
            content: "Send",
            trigger: ".modal button[name=action_answer]",
            run: "click",
        },
        {
            content: "Nobody waits any more",
            trigger: ".o_view_nocontent:contains(No customer waits for an answer)",
        },
    ],
});

/** The customer reads the answer, and nothing that was said in the house. */
registry.category("web_tour.tours").add("credit_talk_answered_tour", {
    steps: () => [
        {
            content: "The answer stands in the talk, below the question",
            trigger: `${TALK} .o-mail-Message-body:contains(It left yesterday.)`,
        },
        {
            content: "So does the question",
            trigger: `${TALK} .o-mail-Message-body:contains(Where is the second box?)`,
            run() {
                const talk = document.querySelector("#chatterRoot").shadowRoot;
                if (talk.textContent.includes("Never pays in time")) {
                    throw new Error("What was said in the house is shown outside");
                }
            },
        },
    ],
});
