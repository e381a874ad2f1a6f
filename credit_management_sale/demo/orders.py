"""Orders of the last days: one that passes, others on hold, released and refused."""

from datetime import timedelta

from odoo import Command, api, models

# Customer, amount, days ago, and what becomes of it: with whose words.
ORDERS = (
    ("lakeshore", 4200, 3, "passes", ""),
    ("brightwater", 2300, 1, "quotation", ""),
    ("portal", 1850, 2, "asked", "They have ordered from us for years; cheque is out."),
    ("highland", 3400, 4, "released", "Insurer raised the limit to 10 000 yesterday."),
    (
        "cardinal",
        5100,
        6,
        "refused",
        "Nothing until the invoices of September are paid.",
    ),
    ("granite", 980, 1, "held", ""),
    ("graanschuur", 6500, 2, "held", ""),
    ("vandermeer", 4900, 1, "quotation", ""),
    ("debolder", 1250, 1, "held", ""),
    ("garnier", 2700, 5, "refused", "Final notice is out: prepayment only."),
    ("lindenhof", 1900, 3, "released", "Paid by card on the phone, see the receipt."),
    ("westkoel", 760, 2, "asked", "Spare part for a repair that is under way."),
)
BY_HAND = {
    "granite": "A lien was filed against them",
    "westkoel": "Insolvency is being looked into",
}


class CreditDemoOrders(models.AbstractModel):
    _name = "credit.demo.orders"
    _description = "Demo Orders of Credit Management"

    @api.model
    def _build(self):
        """Make the orders, once, where the demo of the credit files is there."""
        other = self.env.ref(
            "credit_management.demo_company_eur", raise_if_not_found=False
        )
        if not other or self.env["credit.hold"].search_count([], limit=1):
            return
        companies = self.env.ref("base.main_company") + other
        for company in companies:
            company.write(
                {"credit_check_orders": "hold", "credit_release_amount": 2500.0}
            )
            self._give_warehouse(company)
        for key, amount, days, fate, words in ORDERS:
            partner = self.env.ref(f"credit_management.demo_partner_{key}")
            company = self._find_company(companies, partner)
            demo = self.with_company(company).with_context(
                allowed_company_ids=company.ids,
                tracking_disable=True,
                mail_activity_quick_update=True,
                mail_notify_force_send=False,
            )
            demo._make_order(company, partner, amount, days, fate, words, key)

    @api.model
    def _give_warehouse(self, company):
        """Let a company deliver, where there are deliveries: it was made before."""
        warehouses = self.env.get("stock.warehouse")
        if warehouses is not None and not warehouses.search_count(
            [("company_id", "=", company.id)], limit=1
        ):
            warehouses.create({"company_id": company.id, "code": "WH", "name": "Shop"})

    @api.model
    def _find_company(self, companies, partner):
        """Return the company that has business with a customer."""
        profile = self.env["credit.profile"].search(
            [("partner_id", "=", partner.id), ("company_id", "in", companies.ids)],
            order="open_amount DESC",
            limit=1,
        )
        return profile.company_id or companies[0]

    @api.model
    def _make_order(self, company, partner, amount, days, fate, words, key):
        """Return the order, confirmed if the rules let it, and what became of it."""
        seller = self.env.ref("credit_management.demo_user_seller")
        profile = self.env["credit.profile"]._get_or_create(company, partner)
        if key in BY_HAND:
            profile.write({"manual_hold": True, "hold_reason": BY_HAND[key]})
        product = self.env.ref("credit_management.demo_product_desk")
        order = self.env["sale.order"].create(
            {
                "partner_id": partner.id,
                "company_id": company.id,
                "user_id": seller.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": product.id,
                            "product_uom_qty": 10,
                            "price_unit": amount / 10,
                        }
                    )
                ],
            }
        )
        if fate == "quotation":
            return order
        # While modules are loading the gate is not before the host's method yet.
        order._credit_gate(lambda passed: passed.action_confirm())
        hold = self.env["credit.hold"]._find_live(order).get(order.id)
        if hold:
            self._decide(hold, seller, days, fate, words)
        return order

    @api.model
    def _decide(self, hold, seller, days, fate, words):
        """Let time go by for a hold, and somebody ask or decide about it."""
        hold.date -= timedelta(days=days)
        manager = self.env.ref("credit_management.demo_user_creditmanager")
        if fate == "asked":
            hold.with_user(seller)._ask(words)
            return
        decided = hold.with_user(manager).sudo()
        if fate == "refused":
            decided._refuse(words)
        elif fate == "released":
            decided._release(words)
        if hold.decided_date:
            hold.decided_date = hold.date + timedelta(hours=3 + days)
