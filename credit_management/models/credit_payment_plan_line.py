from odoo import api, fields, models
from odoo.exceptions import UserError

from ..logic import instalments as rule
from ..logic import plan
from ..logic.money import to_decimal

STATES = [
    (rule.OPEN, "Open"),
    (rule.PAID, "Paid"),
    (rule.LATE, "Late"),
    (rule.DROPPED, "Not Asked For"),
]


class CreditPaymentPlanLine(models.Model):
    """One part of a plan: so much by that day. What is paid of it is derived."""

    _name = "credit.payment.plan.line"
    _description = "Part of a Payment Plan"
    _order = "plan_id, date, id"
    _rec_name = "date"

    plan_id = fields.Many2one(
        "credit.payment.plan", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="plan_id.company_id", store=True)
    currency_id = fields.Many2one(related="plan_id.currency_id", store=True)
    date = fields.Date(string="Due On", required=True)
    amount = fields.Monetary(string="Agreed", required=True)
    told_date = fields.Date(
        string="Reminded On",
        readonly=True,
        copy=False,
        help="When the customer was last told that this part falls due.",
    )
    amount_due = fields.Monetary(
        compute="_compute_standing",
        string="To Pay",
        help="As agreed, less what credit notes and disputes take off the last parts.",
    )
    amount_paid = fields.Monetary(compute="_compute_standing", string="Paid")
    amount_left = fields.Monetary(compute="_compute_standing", string="Still to Pay")
    state = fields.Selection(STATES, compute="_compute_standing")

    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "A part is more than nothing."
    )

    # === COMPUTE METHODS === #

    @api.depends("date", "amount", "plan_id.state", "plan_id.amount_paid")
    def _compute_standing(self):
        """Read from the ledger what is paid, for all plans at once."""
        known = {}
        # sudo: what is open is read for plans that one may read.
        for company, plans in self.plan_id._origin.sudo().grouped("company_id").items():
            known |= plans._find_standings(company._credit_today())
        for line in self:
            _account, standings = known.get(line.plan_id._origin, (None, {}))
            standing = standings.get(line._origin.id)
            due = float(standing.instalment.amount) if standing else line.amount
            line.amount_due = due
            line.amount_paid = float(standing.paid) if standing else 0.0
            line.amount_left = float(standing.remaining) if standing else due
            line.state = standing.state if standing else rule.OPEN

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._check_is_draft()
        return lines

    def write(self, vals):
        """Let people change parts of drafts only, and move none to another plan."""
        self._check_is_draft()
        if not self.env.su and set(vals) - {"date", "amount"}:
            raise UserError(self.env._("Change the day or the amount of a part."))
        return super().write(vals)

    def unlink(self):
        """Let people take out parts of drafts only."""
        self._check_is_draft()
        return super().unlink()

    def _check_is_draft(self):
        if self.env.su:
            return
        self.check_access("write")
        for line in self:
            if line.plan_id.state != plan.DRAFT:
                raise UserError(
                    self.env._(
                        "The parts of %(name)s are agreed and stay as they are."
                        " Cancel it and make a new one.",
                        name=line.plan_id.name,
                    )
                )

    # === BUSINESS METHODS === #

    def _to_parts(self):
        """Return the parts as the rules want them, by day."""
        return tuple(
            rule.Instalment(line.date, to_decimal(line.amount))
            for line in self.sorted(lambda line: (line.date, line.id))
        )
