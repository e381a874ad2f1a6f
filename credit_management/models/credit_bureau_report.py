from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .credit_score import TOLD_TO


class CreditBureauReport(models.Model):
    """What a credit bureau or insurer says of a customer, typed in by hand."""

    _name = "credit.bureau.report"
    _description = "Credit Report"
    _inherit = ["credit.customer.mixin", "mail.thread"]
    _order = "date desc, id desc"
    _rec_name = "source"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="cascade",
        check_company=True,
        domain=["|", ("is_company", "=", True), ("parent_id", "=", False)],
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self._default_company_id()
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    source = fields.Char(
        required=True,
        tracking=True,
        help="Who says so: the bureau or insurer.",
        groups=TOLD_TO,
    )
    date = fields.Date(
        required=True,
        default=fields.Date.context_today,
        tracking=True,
        groups=TOLD_TO,
    )
    has_rating = fields.Boolean(string="Gives a Rating", groups=TOLD_TO)
    rating = fields.Integer(
        aggregator="avg",
        tracking=True,
        groups=TOLD_TO,
        help="From 0, the worst, to 100, the best. Convert other scales.",
    )
    limit_amount = fields.Monetary(
        string="Recommended Limit", tracking=True, groups=TOLD_TO
    )
    equity_amount = fields.Monetary(string="Own Funds", groups=TOLD_TO)
    working_capital_amount = fields.Monetary(string="Working Capital", groups=TOLD_TO)
    keep_until = fields.Date(
        compute="_compute_keep_until",
        store=True,
        readonly=False,
        groups=TOLD_TO,
        help="After this day the report is deleted and no longer counts.",
    )
    note = fields.Text(string="Remark", groups=TOLD_TO)

    _rating_valid = models.Constraint(
        "CHECK (rating >= 0 AND rating <= 100)", "A rating is from 0 to 100."
    )

    @api.model
    def _default_company_id(self):
        return self.env.company

    @api.depends("date", "company_id")
    def _compute_keep_until(self):
        for report in self:
            # sudo: the time is of the company, whoever enters the report.
            months = report.company_id.sudo().credit_score_months
            report.keep_until = (
                report.date and months and report.date + relativedelta(months=months)
            )

    @api.constrains("date")
    def _check_date(self):
        for report in self:
            if report.date > report.company_id._credit_today():
                raise ValidationError(
                    self.env._(
                        "A report cannot be of a day to come. Put the date right."
                    )
                )

    def _explain_stays(self):
        return self.env._("A report stays with its company. Enter it in the other one.")
