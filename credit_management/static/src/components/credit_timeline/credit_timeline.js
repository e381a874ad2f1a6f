import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { X2ManyField, x2ManyField } from "@web/views/fields/x2many/x2many_field";

import { useEffect } from "@odoo/owl";

/** Shows levels as cards on a line of days, with the due date in its place. */
export class CreditTimelineRenderer extends KanbanRenderer {
    static template = "credit_management.CreditTimelineRenderer";

    setup() {
        super.setup();
        useEffect(
            () => {
                this.keepOrder();
            },
            () => [this.levels.map((level) => `${level.id} ${level.data.delay_days}`).join()]
        );
    }

    get levels() {
        return this.props.list.records;
    }

    /** The levels after which the due date stands, and those before which it does. */
    get levelsBefore() {
        return this.levels.filter((level) => level.data.delay_days < 0);
    }

    get levelsAfter() {
        return this.levels.filter((level) => level.data.delay_days >= 0);
    }

    /** Say how far from the due date a level stands. */
    describeDay(level) {
        const days = level.data.delay_days;
        if (Math.abs(days) === 1) {
            return days < 0 ? _t("1 day before") : _t("1 day after");
        }
        return days < 0 ? _t("%s days before", -days) : _t("%s days after", days);
    }

    /** Move the first level that stands after a later day to where it belongs. */
    async keepOrder() {
        if (this.props.readonly) {
            return;
        }
        const levels = this.levels;
        const late = levels.findIndex(
            (level, index) => index && level.data.delay_days < levels[index - 1].data.delay_days
        );
        if (late < 0) {
            return;
        }
        const days = levels[late].data.delay_days;
        const next = levels.findIndex((level) => level.data.delay_days > days);
        const previous = levels[next - 1];
        await this.props.list.resequence(levels[late].id, previous ? previous.id : null);
    }
}

export class CreditTimelineField extends X2ManyField {
    static components = { ...X2ManyField.components, KanbanRenderer: CreditTimelineRenderer };
}

registry.category("fields").add("credit_timeline", {
    ...x2ManyField,
    component: CreditTimelineField,
    supportedTypes: ["one2many"],
});
