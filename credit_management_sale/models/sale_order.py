from odoo import api, models

# What changes how much an order counts, and for whom.
COUNTS = {
    "company_id",
    "currency_id",
    "date_order",
    "order_line",
    "partner_id",
    "partner_invoice_id",
    "pricelist_id",
    "state",
}


class SaleOrder(models.Model):
    _inherit = "sale.order"

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `sale`: confirmed orders are part of the exposure."""
        orders = super().create(vals_list)
        orders._touch_credit()
        return orders

    def write(self, vals):
        """Override of `sale`: see ``create``; who was to pay before is told, too."""
        if not COUNTS & set(vals):
            return super().write(vals)
        self._touch_credit()
        res = super().write(vals)
        self._touch_credit()
        return res

    def unlink(self):
        """Override of `sale`: see ``create``."""
        self._touch_credit()
        return super().unlink()

    # === BUSINESS METHODS === #

    def _touch_credit(self):
        """Note that the confirmed orders among these change what customers may owe."""
        confirmed = self.filtered(lambda order: order.state == "sale")
        for company, orders in confirmed.grouped("company_id").items():
            # sudo: whoever sells may not read each invoice address.
            customers = orders.sudo().partner_invoice_id.commercial_partner_id
            self.env["credit.profile"]._touch(company, customers)
