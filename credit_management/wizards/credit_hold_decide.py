from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.credit_hold import CONDITIONS


class CreditHoldDecide(models.TransientModel):
    """Releases or refuses what is on hold: the decision, its condition, its reason."""

    _name = "credit.hold.decide"
    _description = "Decide About Holds"

    hold_ids = fields.Many2many(
        "credit.hold", string="Holds", required=True, readonly=True
    )
    kind = fields.Selection(
        [("release", "Release"), ("refuse", "Refuse")], required=True, readonly=True
    )
    condition = fields.Selection(
        CONDITIONS, default="order", string="What Goes On", required=True
    )
    until = fields.Date()
    partner_ids = fields.Many2many("res.partner", compute="_compute_partner_ids")
    move_ids = fields.Many2many(
        "account.move",
        string="Invoices",
        help="It is released by itself when all of them are paid.",
    )
    reason = fields.Text(required=True)

    @api.depends("hold_ids")
    def _compute_partner_ids(self):
        for wizard in self:
            wizard.partner_ids = wizard.hold_ids.partner_id

    def action_decide(self):
        """Do what the window says.

        :raise UserError: what is missing
        :raise AccessError: of who may not decide about one of them
        """
        self.ensure_one()
        holds = self.hold_ids
        holds._check_may_decide()
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why: the decision is kept."))
        if self.kind == "refuse":
            holds._refuse(reason)
            return {"type": "ir.actions.act_window_close"}
        if self.condition == "until" and (
            not self.until
            or any(self.until < hold.company_id._credit_today() for hold in holds)
        ):
            raise UserError(self.env._("Choose the last day: today or later."))
        if self.condition == "payment":
            self._check_moves()
        holds._release(reason, self.condition, self.until, self.move_ids)
        return {"type": "ir.actions.act_window_close"}

    def _check_moves(self):
        """Refuse invoices that nobody can wait for.

        :raise UserError: says which
        """
        if not self.move_ids:
            raise UserError(self.env._("Choose the invoices to wait for."))
        self.move_ids.check_access("read")
        for move in self.move_ids:
            if move.state != "posted" or move.currency_id.is_zero(move.amount_residual):
                raise UserError(
                    self.env._(
                        "%(invoice)s is not open: there is nothing to wait for.",
                        invoice=move.display_name,
                    )
                )
