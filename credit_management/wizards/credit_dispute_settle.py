from odoo import api, fields, models
from odoo.exceptions import UserError

TITLES = [
    ("ask", "Ask the Customer"),
    ("accept", "Accept and Credit"),
    ("reject", "Reject"),
    ("withdraw", "Withdrawn by the Customer"),
]


class CreditDisputeSettle(models.TransientModel):
    """What becomes of a dispute, and what the customer is told."""

    _name = "credit.dispute.settle"
    _description = "Settle a Dispute"

    dispute_id = fields.Many2one("credit.dispute", required=True, readonly=True)
    kind = fields.Selection(TITLES, required=True, readonly=True)
    currency_id = fields.Many2one(related="dispute_id.currency_id")
    amount_disputed = fields.Monetary(related="dispute_id.amount_disputed")
    amount_accepted = fields.Monetary(related="dispute_id.amount_accepted")
    cause_id = fields.Many2one(
        "credit.dispute.cause",
        string="Root Cause",
        compute="_compute_cause_id",
        store=True,
        readonly=False,
    )
    text = fields.Text(string="Message to the Customer")
    pay_by = fields.Date(
        compute="_compute_pay_by",
        store=True,
        readonly=False,
        help="Reminders about what is not accepted go on after this day.",
    )
    is_partial = fields.Boolean(compute="_compute_is_partial")
    may_write_off = fields.Boolean(compute="_compute_may_write_off")
    is_write_off = fields.Boolean(
        string="Write Off",
        help="No credit note: the amount goes to the write-off account. Taxes stay as"
        " they are.",
    )
    is_to_approve = fields.Boolean(compute="_compute_is_to_approve")

    @api.depends("dispute_id")
    def _compute_cause_id(self):
        for wizard in self:
            dispute = wizard.dispute_id
            # sudo: an owner may not read reasons.
            wizard.cause_id = dispute.cause_id or dispute.sudo().reason_id.cause_id

    @api.depends("dispute_id")
    def _compute_pay_by(self):
        for wizard in self:
            company = wizard.dispute_id.company_id
            wizard.pay_by = company and company._credit_calendar().next_working_day(
                fields.Date.add(
                    company._credit_today(), days=company.credit_dispute_pay_days
                )
            )

    @api.depends("dispute_id.amount_accepted", "dispute_id.amount_disputed")
    def _compute_is_partial(self):
        for wizard in self:
            wizard.is_partial = (
                wizard.currency_id.compare_amounts(
                    wizard.amount_accepted, wizard.amount_disputed
                )
                < 0
                if wizard.currency_id
                else False
            )

    @api.depends("dispute_id.amount_accepted")
    def _compute_is_to_approve(self):
        is_manager = self.env.user.has_group("credit_management.group_credit_manager")
        for wizard in self:
            wizard.is_to_approve = (
                wizard.kind == "accept"
                and not is_manager
                and wizard.dispute_id._needs_approval()
            )

    @api.depends("dispute_id.amount_accepted", "kind")
    def _compute_may_write_off(self):
        for wizard in self:
            wizard.may_write_off = (
                wizard.kind == "accept" and wizard.dispute_id._may_write_off()
            )

    def _get_title(self):
        return dict(self._fields["kind"]._description_selection(self.env))[self.kind]

    def action_apply(self):
        """Do what the window says.

        :raise UserError: what is missing, or why it cannot be done
        """
        self.ensure_one()
        dispute = self.dispute_id
        dispute.check_access("write")
        if self.kind != "ask":
            dispute._check_may_settle()
        dispute._check_is_open()
        text = (self.text or "").strip()
        if self.kind in ("ask", "reject") and not text:
            raise UserError(self.env._("Write to the customer what this is about."))
        if self.kind == "ask":
            dispute._ask(text)
            return {"type": "ir.actions.act_window_close"}
        today = dispute.company_id._credit_today()
        owes = self.kind == "reject" or (self.kind == "accept" and self.is_partial)
        if owes and (not self.pay_by or self.pay_by < today):
            raise UserError(self.env._("Choose the day to pay by: today or later."))
        if self.cause_id:
            dispute.cause_id = self.cause_id
        if self.kind == "reject":
            dispute._reject(text, self.pay_by)
        elif self.kind == "withdraw":
            dispute._withdraw(text)
        else:
            dispute._accept_or_ask(
                text, self.pay_by if owes else False, write_off=self.is_write_off
            )
        return {"type": "ir.actions.act_window_close"}
