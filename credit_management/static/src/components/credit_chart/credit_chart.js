import { loadBundle } from "@web/core/assets";
import { cookie } from "@web/core/browser/cookie";
import { getColor, getCustomColor } from "@web/core/colors/colors";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { Component, onWillStart, useEffect, useRef } from "@odoo/owl";

// Dark is what is so, pale what is still to come.
const COLORS = { late: 0, collected: 0, open: 1, expected: 1 };

/**
 * Bars of amounts, with the chart library of the host.
 *
 * The same numbers stand in a table for those who cannot see the picture.
 */
export class CreditChart extends Component {
    static template = "credit_management.CreditChart";
    static props = { ...standardFieldProps };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => {
                const chart =
                    this.canvas.el && new Chart(this.canvas.el, this.getConfig());
                return () => chart && chart.destroy();
            },
            () => [this.chart]
        );
    }

    get chart() {
        return this.props.record.data[this.props.name];
    }

    getConfig() {
        const scheme = cookie.get("color_scheme");
        const { rows, keys } = this.chart;
        // Rows of one name share a place: what came in this week, and what falls due.
        const places = [...new Set(rows.map((row) => row.name))];
        const find = (name, key) =>
            rows.find((row) => row.name === name && row.key === key);
        const gridColor = getCustomColor(scheme, "#d8dadd", "#3C3E4B");
        const labelColor = getCustomColor(scheme, "#111827", "#E4E4E4");
        return {
            type: "bar",
            data: {
                labels: places.map((name) => rows.find((row) => row.name === name).label),
                datasets: keys.map(({ key, label }) => ({
                    label,
                    data: places.map((name) => find(name, key)?.amount ?? null),
                    backgroundColor: getColor(COLORS[key], scheme, "odoo"),
                })),
            },
            options: {
                animation: false,
                maintainAspectRatio: false,
                plugins: {
                    legend: {
                        display: keys.length > 1,
                        position: "bottom",
                        labels: { color: labelColor },
                    },
                    tooltip: {
                        callbacks: {
                            title: ([item]) => places[item.dataIndex],
                            label: (item) => {
                                const { key, label } = keys[item.datasetIndex];
                                return `${label}: ${find(places[item.dataIndex], key).text}`;
                            },
                        },
                    },
                },
                scales: {
                    x: {
                        stacked: true,
                        grid: { display: false },
                        ticks: { color: labelColor },
                    },
                    y: {
                        beginAtZero: true,
                        grid: { color: gridColor },
                        ticks: { color: labelColor, maxTicksLimit: 5 },
                    },
                },
            },
        };
    }
}

registry.category("fields").add("credit_chart", {
    component: CreditChart,
    supportedTypes: ["json"],
});
