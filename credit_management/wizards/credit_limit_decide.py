from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.credit_limit_request import CUSTOMER_SOURCES

TITLES = [
    ("less", "Grant Less"),
    ("refuse", "Refuse"),
]


class CreditLimitDecide(models.TransientModel):
    """What a credit manager decides on a limit, and what the customer is told."""

    _name = "credit.limit.decide"
    _description = "Decide on a Credit Limit"

    request_id = fields.Many2one("credit.limit.request", required=True, readonly=True)
    kind = fields.Selection(TITLES, required=True, readonly=True)
    currency_id = fields.Many2one(related="request_id.currency_id")
    asked_limit = fields.Monetary(related="request_id.asked_limit")
    granted_limit = fields.Monetary(
        compute="_compute_granted_limit", store=True, readonly=False
    )
    reason = fields.Text(help="For the house. Customers never see it.")
    answer = fields.Text(string="Message to the Customer")
    is_of_customer = fields.Boolean(compute="_compute_is_of_customer")

    @api.depends("request_id")
    def _compute_granted_limit(self):
        for wizard in self:
            suggested = wizard.request_id.suggested_limit
            asked = wizard.request_id.asked_limit
            # Asked for no limit at all, anything is less.
            wizard.granted_limit = min(suggested or asked, asked or suggested)

    @api.depends("request_id.source")
    def _compute_is_of_customer(self):
        for wizard in self:
            wizard.is_of_customer = wizard.request_id.source in CUSTOMER_SOURCES

    def _get_title(self):
        return dict(self._fields["kind"]._description_selection(self.env))[self.kind]

    def action_apply(self):
        """Do what the window says.

        :raise UserError: what is missing, or why it cannot be done
        """
        self.ensure_one()
        request = self.request_id
        request._check_is_manager()
        if not (self.reason or "").strip():
            raise UserError(self.env._("Say why, for those who look at it later."))
        if self.kind == "refuse":
            request._refuse(self.reason, self.answer)
            return {"type": "ir.actions.act_window_close"}
        if self.granted_limit <= 0:
            raise UserError(
                self.env._("Say how much is granted. To grant nothing, refuse.")
            )
        request._approve(self.granted_limit, self.reason, self.answer)
        return {"type": "ir.actions.act_window_close"}
