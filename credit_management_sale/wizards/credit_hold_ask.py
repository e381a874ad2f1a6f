from odoo import api, fields, models
from odoo.exceptions import UserError


class CreditHoldAsk(models.TransientModel):
    """Lets whoever sells ask for the release of an order, and say why."""

    _name = "credit.hold.ask"
    _description = "Ask for a Release"

    order_id = fields.Many2one("sale.order", required=True, readonly=True)
    currency_id = fields.Many2one(related="order_id.currency_id")
    amount = fields.Monetary(
        string="Wanted Amount",
        readonly=True,
        help="What the order is to come to.",
    )
    note = fields.Text(compute="_compute_note")
    text = fields.Text(string="Why It Should Go On", required=True)

    @api.depends("order_id")
    def _compute_note(self):
        for wizard in self:
            wizard.note = wizard.order_id.credit_hold_note

    def action_ask(self):
        """Ask: whoever decides gets a task.

        :raise UserError: nothing is said, or nothing is on hold
        """
        self.ensure_one()
        order = self.order_id
        order.check_access("write")
        text = (self.text or "").strip()
        if not text:
            raise UserError(self.env._("Say why it should go on."))
        holds = self.env["credit.hold"]
        hold_sudo = holds._find_live(order).get(order.id)
        if self.amount:
            result = order._credit_check()
            hold_sudo = holds._stop(order, result, "raise")
        if not hold_sudo:
            raise UserError(
                self.env._("%(order)s is not on hold.", order=order.display_name)
            )
        hold_sudo.with_env(self.env)._ask(text, self.amount)
        return {"type": "ir.actions.act_window_close"}
