import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { Interaction } from "@web/public/interaction";

/**
 * Says once that a person looks at the page: it is in sight, and somebody moves,
 * touches, scrolls or types. Programs that only fetch it never come here.
 */
export class CreditOpened extends Interaction {
    static selector = ".o_credit_portal[data-opened-url]";
    dynamicContent = {
        _window: {
            "t-on-pointermove": this.onSign,
            "t-on-pointerdown": this.onSign,
            "t-on-keydown": this.onSign,
            "t-on-wheel": this.onSign,
        },
    };

    setup() {
        this.isTold = false;
    }

    onSign() {
        if (this.isTold || document.visibilityState !== "visible") {
            return;
        }
        this.isTold = true;
        const { openedUrl, accessToken, letter } = this.el.dataset;
        // Nobody waits for it, and nothing is said if it fails.
        rpc(
            openedUrl,
            { access_token: accessToken, letter },
            { silent: true }
        ).catch(() => {});
    }
}

registry.category("public.interactions").add("credit_management.opened", CreditOpened);
