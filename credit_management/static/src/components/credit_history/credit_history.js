import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component } from "@odoo/owl";

/** Shows what passed between us and a customer, newest first; each entry opens its document. */
export class CreditHistory extends Component {
    static template = "credit_management.CreditHistory";
    static props = { ...standardFieldProps };

    setup() {
        this.action = useService("action");
    }

    get entries() {
        return this.props.record.data[this.props.name] || [];
    }

    open(entry) {
        this.action.doAction({
            type: "ir.actions.act_window",
            res_model: entry.res_model,
            res_id: entry.res_id,
            views: [[false, "form"]],
        });
    }
}

registry.category("fields").add("credit_history", {
    component: CreditHistory,
    supportedTypes: ["json"],
});
