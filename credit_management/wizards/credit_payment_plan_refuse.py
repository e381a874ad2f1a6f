from odoo import fields, models
from odoo.exceptions import UserError

from ..logic import plan as rule


class CreditPaymentPlanRefuse(models.TransientModel):
    """Refuses what a customer proposed: the reason goes to the customer."""

    _name = "credit.payment.plan.refuse"
    _description = "Refuse a Payment Plan"

    plan_id = fields.Many2one(
        "credit.payment.plan", string="Payment Plan", required=True, readonly=True
    )
    reason = fields.Text(
        string="Why", help="The customer reads it.", default=lambda self: ""
    )

    def action_refuse(self):
        """Refuse the proposal and tell the customer why."""
        self.ensure_one()
        self.check_access("write")
        plan = self.plan_id
        plan.check_access("write")
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(self.env._("Say why: the customer reads it."))
        if plan.state != rule.PROPOSED or plan.source == "staff":
            plan._refuse_move(rule.REFUSED)
        plan._decline(reason)
        return {"type": "ir.actions.act_window_close"}
