"""Deliveries of the demo orders: goods that stay, and goods that may leave again."""

from datetime import timedelta

from odoo import api, models

# Customer, amount of the order, why it is held since it passed, what became of that.
DELIVERIES = (
    ("lakeshore", 3600, "Their bank returned the cheque this morning", ""),
    (
        "seidel",
        1450,
        "The direct debit came back",
        "It was a wrong account number; the money is there now.",
    ),
)


class CreditDemoDeliveries(models.AbstractModel):
    _name = "credit.demo.deliveries"
    _description = "Demo Deliveries of Credit Management"

    @api.model
    def _build(self):
        """Hold the goods of orders that had passed, once, where the demo is there."""
        other = self.env.ref(
            "credit_management.demo_company_eur", raise_if_not_found=False
        )
        if not other or self.env["credit.hold"].search_count(
            [("stage", "=", "deliver")], limit=1
        ):
            return
        companies = self.env.ref("base.main_company") + other
        for key, amount, reason, release in DELIVERIES:
            partner = self.env.ref(f"credit_management.demo_partner_{key}")
            orders = self.env["credit.demo.orders"]
            company = orders._find_company(companies, partner)
            orders = orders.with_company(company).with_context(
                allowed_company_ids=company.ids,
                tracking_disable=True,
                mail_activity_quick_update=True,
                mail_notify_force_send=False,
            )
            orders._give_warehouse(company)
            order = orders._make_order(company, partner, amount, 2, "passes", "", key)
            self._hold(order, reason, release)

    @api.model
    def _hold(self, order, reason, release):
        """Let somebody try to deliver what is held by now."""
        profile = order.env["credit.profile"]._get_or_create(
            order.company_id, order.partner_invoice_id.commercial_partner_id
        )
        profile.write({"manual_hold": True, "hold_reason": reason})
        order.picking_ids.button_validate()
        hold = order.env["credit.hold"]._find_live(order).get(order.id)
        if hold and release:
            manager = order.env.ref("credit_management.demo_user_creditmanager")
            hold.date -= timedelta(days=1)
            hold.with_user(manager).sudo()._release(release)
            profile.write({"manual_hold": False, "hold_reason": False})
