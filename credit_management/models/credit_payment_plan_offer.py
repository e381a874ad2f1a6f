from collections import Counter
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import formatLang

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
    amount_to = fields.Monetary(string="Up To", help="Most total. 0: any.")
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
        string="Plans a Year",
        default=1,
        help="So many plans of a customer in twelve months.",
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
        currency = plan_sudo.currency_id
        total = to_decimal(
            currency._convert(
                plan_sudo.amount - plan_sudo.cost, company.currency_id, company, today
            )
        )
        # Nobody is charged what was not agreed to.
        is_free = not plan_sudo._may_charge(plan_sudo.partner_id)
        terms = {"fee": plan_sudo.cost_fee, "rate": plan_sudo.cost_rate}
        asked = {plan_sudo: (plan_sudo.partner_id.id, total)}
        return self._find_open(company, asked, but=plan_sudo)[plan_sudo].filtered(
            lambda offer: (
                (is_free or offer._get_terms(currency) == terms)
                and rule.fits(
                    offer._to_logic(),
                    total,
                    [part.day for part in plan_sudo.line_ids._to_parts()],
                    today,
                    company._credit_calendar().next_working_day(today),
                    # How many there were is asked before.
                    0,
                )
            )
        )

    def _say_cost(self, partner):
        """Say what a plan of the offer costs a customer, in this record's language.

        :return: a sentence, or nothing where it is free
        """
        self.ensure_one()
        is_free = not (self.fee or self.interest_rate)
        if is_free or not self.env["credit.payment.plan"]._may_charge(partner):
            return ""
        return self.env._(
            "It costs %(fee)s and %(rate)s %% interest a year, without taxes.",
            fee=self.currency_id.format(self.fee),
            rate=formatLang(self.env, self.interest_rate, digits=2),
        )

    def _get_terms(self, currency):
        """Return what a plan of the offer costs: as ``_make`` of plans wants it.

        :param currency: of the plan, in which the fee is returned
        """
        self.ensure_one()
        company = self.company_id
        fee = self.currency_id._convert(
            self.fee, currency, company, company._credit_today()
        )
        return {"fee": fee, "rate": self.interest_rate}

    @api.model
    def _find_open(self, company, asked, but=None):
        """Return which offers are open to customers for what is asked of them.

        One at most, as offers do not overlap. None while a proposal waits for its
        answer, and none after a plan that was broken in the last twelve months or of
        which something is left: then a person decides. Read in sets.

        :param asked: dict of anything -> (customer id, total in company currency)
        :param but: plans that do not count
        :return: dict of the same -> offer, with sudo, or none
        """
        # sudo: what a company offers is told to who may take it, whoever asks.
        Offer_sudo = self.sudo()
        found = dict.fromkeys(asked, Offer_sudo)
        offers_sudo = Offer_sudo.search([("company_id", "=", company.id)])
        partner_ids = list({partner_id for partner_id, _total in asked.values()})
        if not offers_sudo or not partner_ids:
            return found
        plans_before, barred = self._read_plans_before(company, partner_ids, but)
        profiles_sudo = (
            self.env["credit.profile"]
            .sudo()
            .search(
                [("company_id", "=", company.id), ("partner_id", "in", partner_ids)]
            )
        )
        class_of = {
            profile_sudo.partner_id.id: profile_sudo.risk_class_used
            for profile_sudo in profiles_sudo
        }
        rules = {offer_sudo: offer_sudo._to_logic() for offer_sudo in offers_sudo}
        for key, (partner_id, total) in asked.items():
            if partner_id in barred:
                continue
            found[key] = offers_sudo.filtered(
                lambda offer, partner_id=partner_id, total=total: (
                    offer.risk_class in (False, class_of.get(partner_id))
                    and rule.is_open(rules[offer], total, plans_before[partner_id])
                )
            )[:1]
        return found

    @api.model
    def _read_plans_before(self, company, partner_ids, but=None):
        """Read how many plans customers had in twelve months, and whose answer waits.

        :return: a counter by customer id, and the ids of those to whom none is offered
        """
        since = company._credit_today() - YEAR
        # sudo: whether a plan fits an offer does not depend on who asks.
        plans_sudo = (
            self.env["credit.payment.plan"]
            .sudo()
            .search_fetch(
                [
                    ("company_id", "=", company.id),
                    ("partner_id", "in", partner_ids),
                    ("id", "not in", but.ids if but else []),
                    "|",
                    ("active_date", ">", since),
                    ("state", "in", (rule.PROPOSED, rule.BROKEN)),
                ],
                ["partner_id", "state", "active_date", "closed_date", "amount_left"],
            )
        )
        counts, barred = Counter(), set()
        for plan_sudo in plans_sudo:
            partner_id = plan_sudo.partner_id.id
            if plan_sudo.active_date and plan_sudo.active_date > since:
                counts[partner_id] += 1
            is_broken = plan_sudo.state == rule.BROKEN and (
                plan_sudo.amount_left > 0
                or (plan_sudo.closed_date and plan_sudo.closed_date > since)
            )
            if plan_sudo.state == rule.PROPOSED or is_broken:
                barred.add(partner_id)
        return counts, barred
