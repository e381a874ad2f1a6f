from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..logic import plan as rule
from ..logic.money import to_decimal
from .credit_score import CLASSES

YEAR = timedelta(days=365)


class CreditPaymentPlanOffer(models.Model):
    """A plan that a customer takes without asking: within its bounds it runs at once.

    Only with a login: a link is easily forwarded. After a plan that was broken a person
    of ours decides in any case.
    """

    _name = "credit.payment.plan.offer"
    _description = "Offer of Payment Plans"
    _order = "amount_from, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount_from = fields.Monetary(
        string="From", help="Least total, in the company's currency."
    )
    amount_to = fields.Monetary(string="To", help="Most total. 0: any.")
    risk_class = fields.Selection(
        CLASSES, string="Class", help="Only customers of this class. Empty: all."
    )
    most_parts = fields.Integer(default=3)
    longest_days = fields.Integer(
        string="Longest Run",
        default=90,
        help="So many days from today to the last part at most.",
    )
    first_now = fields.Boolean(
        string="First Part at Once",
        default=True,
        help="The first part falls due today, or on the next working day.",
    )
    fee = fields.Monetary(
        help="What a plan costs the customer, without taxes, in the company's currency."
        " Private persons are charged nothing.",
    )
    interest_rate = fields.Float(
        string="Interest a Year (%)",
        digits=(6, 3),
        help="On each part, until the day of the part. Private persons are charged"
        " nothing.",
    )
    plans_a_year = fields.Integer(
        default=1, help="So many plans of a customer in twelve months."
    )

    _bounds_sensible = models.Constraint(
        "CHECK (amount_from >= 0 AND amount_to >= 0"
        " AND (amount_to = 0 OR amount_from <= amount_to)"
        " AND most_parts BETWEEN 2 AND 60 AND longest_days BETWEEN 1 AND 1500"
        " AND plans_a_year BETWEEN 1 AND 12"
        " AND COALESCE(fee, 0) >= 0 AND COALESCE(interest_rate, 0) BETWEEN 0 AND 100)",
        "An offer has 2 to 60 parts, runs 1 to 1500 days and is taken 1 to 12 times a"
        " year; its amounts rise; interest is between 0 and 100 % a year.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains("company_id")
    def _check_company_id(self):
        allowed = self.env.user._get_company_ids()
        for offer in self:
            if offer.company_id.id not in allowed:
                raise ValidationError(self.env._("Choose one of your own companies."))

    @api.constrains("active", "company_id", "amount_from", "amount_to", "risk_class")
    def _check_no_overlap(self):
        """Refuse offers of which nobody could say which one counts."""
        for offer in self.filtered("active"):
            others = self.search(
                [("company_id", "=", offer.company_id.id), ("id", "!=", offer.id)]
            )
            for other in others:
                if rule.overlap(offer._to_logic(), other._to_logic()):
                    raise ValidationError(
                        self.env._(
                            "“%(one)s” and “%(other)s” are for the same amounts and"
                            " class. Put their bounds right.",
                            one=offer.name,
                            other=other.name,
                        )
                    )

    @api.constrains("fee", "interest_rate", "company_id")
    def _check_product(self):
        """Refuse a cost that could not be invoiced when a customer takes the offer."""
        for offer in self:
            # sudo: whether a company has said as what it invoices is no secret.
            company = offer.company_id.sudo()
            if (offer.fee or offer.interest_rate) and not (
                company.credit_plan_product_id
            ):
                raise ValidationError(
                    self.env._(
                        "Choose in the settings of %(company)s as which product the"
                        " cost of payment plans is invoiced.",
                        company=company.name,
                    )
                )

    # === BUSINESS METHODS === #

    def _to_logic(self):
        self.ensure_one()
        return rule.Offer(
            lowest=to_decimal(self.amount_from),
            highest=to_decimal(self.amount_to),
            most_parts=self.most_parts,
            longest_days=self.longest_days,
            risk_class=self.risk_class or "",
            first_now=self.first_now,
            plans_a_year=self.plans_a_year,
        )

    @api.model
    def _find_fitting(self, plan_sudo):
        """Return the offer that a proposed plan fits, or none."""
        company = plan_sudo.company_id
        today = company._credit_today()
        # sudo: which plans a company offers is told to who may take one.
        Plan_sudo = plan_sudo.sudo()
        earlier = Plan_sudo.search(
            [
                ("profile_id", "=", plan_sudo.profile_id.id),
                ("id", "!=", plan_sudo.id),
                ("active_date", ">", today - YEAR),
            ]
        )
        risk_class = plan_sudo.profile_id.sudo().risk_class_used or ""
        offers_sudo = self.sudo().search([("company_id", "=", company.id)])
        return offers_sudo.filtered(
            lambda offer: (
                offer.risk_class in (False, risk_class)
                and rule.fits(
                    offer._to_logic(),
                    to_decimal(company.currency_id.round(plan_sudo.amount_company)),
                    [part.day for part in plan_sudo.line_ids._to_parts()],
                    today,
                    company._credit_calendar().next_working_day(today),
                    len(earlier),
                )
            )
        )[:1]
