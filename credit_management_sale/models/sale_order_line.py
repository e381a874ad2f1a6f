from odoo import api, models

# What changes how much a line counts. A delivery only moves it from one part to
# another: that is seen when the file is opened, and in lists with the next refresh.
COUNTS = {"discount", "price_unit", "product_uom_id", "product_uom_qty", "tax_ids"}


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `sale`: lines of confirmed orders are part of the exposure.

        :raise RedirectWarning: the order grows and would be held
        """
        ids = {vals["order_id"] for vals in vals_list if vals.get("order_id")}
        orders = (
            self.env["sale.order"]
            .browse(ids)
            .filtered(lambda order: order.state == "sale")
        )
        before = orders._get_credit_amounts()
        lines = super().create(vals_list)
        lines.order_id._touch_credit()
        orders._credit_check_growth(before)
        return lines

    def write(self, vals):
        """Override of `sale`: see ``create``."""
        if not COUNTS & set(vals):
            return super().write(vals)
        orders = self.order_id.filtered(lambda order: order.state == "sale")
        before = orders._get_credit_amounts()
        res = super().write(vals)
        self.order_id._touch_credit()
        orders._credit_check_growth(before)
        return res

    def unlink(self):
        """Override of `sale`: see ``create``."""
        orders = self.order_id
        res = super().unlink()
        orders._touch_credit()
        return res
