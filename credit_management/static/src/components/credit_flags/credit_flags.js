import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component } from "@odoo/owl";

/** Shows what is odd about a record as small tags; what to do about it as a tooltip. */
export class CreditFlags extends Component {
    static template = "credit_management.CreditFlags";
    static props = { ...standardFieldProps };

    get flags() {
        return this.props.record.data[this.props.name] || [];
    }
}

registry.category("fields").add("credit_flags", {
    component: CreditFlags,
    supportedTypes: ["json"],
});
