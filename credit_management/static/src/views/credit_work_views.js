import { registry } from "@web/core/registry";
import { useBus, useService } from "@web/core/utils/hooks";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { KanbanRenderer } from "@web/views/kanban/kanban_renderer";
import { listView } from "@web/views/list/list_view";
import { ListRenderer } from "@web/views/list/list_renderer";

import { Component, onWillStart, useState } from "@odoo/owl";

const WAITING = [
    ["is_mine", "=", true],
    ["work_turn", "=", "tomorrow"],
];

/** Says above "Mine Today" how many customers the cap of a day hides, and shows them. */
export class CreditWorkRest extends Component {
    static template = "credit_management.CreditWorkRest";
    static props = { list: Object };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ count: 0 });
        onWillStart(() => this.load());
        // What was dealt with makes room for nobody else, but may have been one of them.
        useBus(this.props.list.model.bus, "update", () => this.load());
    }

    getFilter(name) {
        const [filter] = this.env.searchModel.getSearchItems(
            (item) => item.type === "filter" && item.name === name
        );
        return filter;
    }

    async load() {
        this.state.count = this.getFilter("mine_today")?.isActive
            ? await this.orm.searchCount("credit.profile", WAITING)
            : 0;
    }

    show() {
        for (const name of ["mine_today", "mine_tomorrow"]) {
            this.env.searchModel.toggleSearchItem(this.getFilter(name).id);
        }
    }
}

export class CreditWorkListRenderer extends ListRenderer {
    static template = "credit_management.CreditWorkListRenderer";
    static components = { ...ListRenderer.components, CreditWorkRest };
}

export class CreditWorkKanbanRenderer extends KanbanRenderer {
    static template = "credit_management.CreditWorkKanbanRenderer";
    static components = { ...KanbanRenderer.components, CreditWorkRest };
}

registry.category("views").add("credit_work_list", {
    ...listView,
    Renderer: CreditWorkListRenderer,
});
registry.category("views").add("credit_work_kanban", {
    ...kanbanView,
    Renderer: CreditWorkKanbanRenderer,
});
