from odoo import api, fields, models

# Goods are handled by people of the house; what it thinks of customers is not for more.
TOLD_TO = "base.group_user"


class StockPicking(models.Model):
    """Asks the credit rules before goods of an order leave.

    It is the order that is on hold, with the same record as when it was confirmed: what
    was released goes out, for as long as the company allows.
    """

    _inherit = "stock.picking"

    credit_hold_note = fields.Text(
        compute="_compute_credit_hold_note", string="Credit Hold", groups=TOLD_TO
    )

    @api.depends("sale_id", "state")
    @api.depends_context("uid", "lang")
    def _compute_credit_hold_note(self):
        for picking in self:
            held = picking._get_credit_orders().filtered(
                lambda order: order.credit_hold_state in ("held", "refused")
            )
            is_open = picking.state not in ("done", "cancel")
            picking.credit_hold_note = (
                "\n".join(filter(None, held.mapped("credit_hold_note")))
                if is_open
                else False
            )

    def button_validate(self):
        """Override of `stock`: goods of an order that is on hold stay.

        The others leave; what the host asks about them it asks, and those that stay
        say so themselves. No error is raised, so that the hold stays.
        """
        self.check_access("write")
        held = self.filtered(lambda picking: not picking._credit_may_leave())
        if not held:
            return super().button_validate()
        others = self - held
        res = super(StockPicking, others).button_validate() if others else True
        if res is not True:
            return res
        return held._get_credit_orders()._tell_credit_held()

    def _get_credit_orders(self):
        """Return the orders whose goods leave, with sudo; not of what comes in."""
        leaving = self.filtered(lambda picking: picking.picking_type_code == "outgoing")
        # sudo: whoever handles goods may not read orders; only holds are told of them.
        orders_sudo = leaving.sudo().move_ids.sale_line_id.order_id
        return orders_sudo | leaving.sudo().sale_id

    def _credit_may_leave(self):
        """Ask the rules about each order whose goods would leave."""
        self.ensure_one()
        if self.state in ("done", "cancel"):
            return True
        # Each is asked, so that each that is held has its hold.
        held = [
            order_sudo
            for order_sudo in self._get_credit_orders()
            if not order_sudo._credit_may_go_on("deliver")
        ]
        return not held
