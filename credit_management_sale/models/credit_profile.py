from odoo import api, fields, models


class CreditProfile(models.Model):
    _inherit = "credit.profile"

    delivered_amount = fields.Monetary(
        string="Delivered, Not Invoiced",
        readonly=True,
        help="What was delivered of confirmed orders and stands on no invoice yet.",
    )
    ordered_amount = fields.Monetary(
        string="Confirmed, Not Delivered",
        readonly=True,
        help="What is left to deliver of confirmed orders.",
    )
    deposit_amount = fields.Monetary(
        string="Deposits",
        readonly=True,
        help="Down payments that are invoiced, and online payments for orders that are"
        " under way: they cover part of the orders.",
    )

    @api.model
    def _get_figures(self):
        """Override: the parts of orders are figures, too."""
        return super()._get_figures() | dict.fromkeys(
            ("delivered_amount", "ordered_amount", "deposit_amount"), "numeric"
        )
