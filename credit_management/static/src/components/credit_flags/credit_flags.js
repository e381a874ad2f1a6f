import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component } from "@odoo/owl";

/** Shows a text of several points, separated by commas, as one small tag a point. */
export class CreditFlags extends Component {
    static template = "credit_management.CreditFlags";
    static props = { ...standardFieldProps };

    get flags() {
        const text = this.props.record.data[this.props.name] || "";
        return text
            .split(",")
            .map((flag) => flag.trim())
            .filter(Boolean);
    }
}

registry.category("fields").add("credit_flags", {
    component: CreditFlags,
    supportedTypes: ["char"],
});
