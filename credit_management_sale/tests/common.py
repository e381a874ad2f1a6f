from odoo import Command

from odoo.addons.credit_management.tests.common import CreditCommon


class CreditOrderCommon(CreditCommon):
    """Goods at 100, a builder of orders, and the credit file of their customer."""

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref(
            "sales_team.group_sale_manager"
        )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )
        cls.goods = cls.env["product.product"].create(
            {
                "name": "Goods",
                "type": "consu",
                "invoice_policy": "delivery",
                "list_price": 100.0,
                "taxes_id": [Command.clear()],
            }
        )

    def order(self, quantity=10.0, price=100.0, confirm=True, **values):
        line = values.pop("line", {})
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": self.goods.id,
                            "product_uom_qty": quantity,
                            "price_unit": price,
                            "tax_ids": [Command.clear()],
                        }
                        | line
                    )
                ],
            }
            | values
        )
        if confirm:
            order.action_confirm()
        return order
