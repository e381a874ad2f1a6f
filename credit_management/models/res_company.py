from datetime import datetime
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize

from odoo.addons.base.models.res_partner import _tz_get

from ..logic import limits
from ..logic.money import to_decimal
from ..logic.workdays import WorkCalendar
from .credit_outgoing_mixin import OUTGOING_MODELS, SENDING_MODES

CREDIT_MODES = [
    ("off", "Off"),
    ("simulate", "Simulate: propose, send nothing"),
    ("redirect", "Redirect: send everything to one own address"),
    ("live", "Live: send to customers"),
]
# How a company chases is no matter of its customers, who may read their company.
TOLD_TO = "base.group_user"
# A day off shorter than this many hours is not a holiday of the company.
HOLIDAY_MIN_HOURS = 6


class ResCompany(models.Model):
    _inherit = "res.company"

    credit_mode = fields.Selection(
        CREDIT_MODES,
        string="Dunning Mode",
        default="simulate",
        required=True,
        help="Whether dunning letters leave the house. Installing never sends"
        " anything: a company starts with Simulate.",
        groups=TOLD_TO,
    )
    credit_redirect_email = fields.Char(
        string="Redirect Address",
        help="In redirect mode every dunning letter goes to this address instead of"
        " the customer. Letters redirected do not count once the company is live.",
        groups=TOLD_TO,
    )
    credit_stopped = fields.Boolean(
        string="Emergency Stop",
        help="Nothing leaves while this is on. Letters stay in the queue; when it is"
        " released, each is checked again before it goes.",
        groups=TOLD_TO,
    )
    credit_policy_id = fields.Many2one(
        "credit.dunning.policy",
        string="Default Dunning Policy",
        help="Policy of customers who have no choice of their own and match no filter.",
        groups=TOLD_TO,
    )
    credit_user_id = fields.Many2one(
        "res.users",
        string="Default Collector",
        help="Gets the tasks and the replies of customers without a collector.",
        groups=TOLD_TO,
    )
    credit_tz = fields.Selection(
        _tz_get,
        string="Dunning Time Zone",
        help="Decides which day it is for this company. Empty: that of its working"
        " hours.",
        groups=TOLD_TO,
    )
    credit_run_hour = fields.Integer(
        string="Nightly Run From",
        default=4,
        help="Hour of the day, in the company's time zone, from which the nightly run"
        " may start.",
        groups=TOLD_TO,
    )
    credit_bank_max_age_days = fields.Integer(
        string="Hold When the Bank Is Older Than",
        help="An automatic run waits for a person when the last bank entry is older"
        " than this many days. 0: never.",
        groups=TOLD_TO,
    )
    credit_guard_receipts = fields.Boolean(
        string="Set Aside Customers with an Unmatched Receipt",
        default=True,
        help="A customer whose money is in the bank but not matched yet is not chased"
        " when it covers what would be claimed.",
        groups=TOLD_TO,
    )
    credit_pending_days = fields.Integer(
        string="Trust a Pending Online Payment For",
        default=7,
        help="Days for which an online payment that is pending or authorized counts as"
        " money under way.",
        groups=TOLD_TO,
    )

    credit_start_skipped = fields.Boolean(
        string="Guided Start Skipped",
        default=False,
        copy=False,
        help="The guided start does not open by itself any more; it stays in the menu.",
        groups=TOLD_TO,
    )
    credit_letter_window = fields.Selection(
        [("left", "Left"), ("right", "Right")],
        string="Window of the Envelope",
        default="left",
        required=True,
        help="Where the address stands on printed letters: DIN 5008 form B and most"
        " C5/6 envelopes have the window on the left, many French and Dutch ones on the"
        " right.",
        groups=TOLD_TO,
    )
    credit_address_change = fields.Boolean(
        string="Customers May Change the Address for Reminders",
        default=True,
        help="On their page customers may ask for another address. It has to confirm;"
        " the old one and the collector are told.",
        groups=TOLD_TO,
    )
    credit_large_amount = fields.Monetary(
        string="Large Amount",
        currency_field="currency_id",
        default=10000,
        help="In the review of a run, a letter that claims so much or more, in the"
        " company's currency, is marked, and a customer who is newly late with so much"
        " stands on the work list. 0: never.",
        groups=TOLD_TO,
    )
    credit_count_drafts = fields.Boolean(
        string="Count Draft Invoices",
        default=True,
        help="Draft invoices are part of what a customer owes us: goods or services"
        " have usually left already.",
        groups=TOLD_TO,
    )

    credit_check_orders = fields.Selection(
        [("off", "Off"), ("warn", "Warn Only"), ("hold", "Hold")],
        string="Credit Check of Orders",
        default="off",
        required=True,
        help="Off: nobody asks. Warn: the order says what would hold it. Hold: it stops"
        " until it passes, or somebody entitled releases it.",
        groups=TOLD_TO,
    )
    credit_hold_user_id = fields.Many2one(
        "res.users",
        string="Who Decides About Holds",
        domain=[("share", "=", False)],
        help="Gets a task for each order on hold. Empty: the collector of the customer,"
        " else a credit manager.",
        groups=TOLD_TO,
    )
    credit_release_amount = fields.Monetary(
        string="Users May Release Up To",
        currency_field="currency_id",
        help="Credit users release orders up to this amount, and by no more over the"
        " limit. Above it only credit managers do. 0: managers only.",
        groups=TOLD_TO,
    )
    credit_growth_percent = fields.Float(
        string="Order May Grow By (%)",
        default=10.0,
        help="An order that went on is asked about again when it grows by more.",
        groups=TOLD_TO,
    )
    credit_auto_release = fields.Boolean(
        string="Release by Itself",
        help="An order on hold goes on as soon as nothing holds it any more, for"
        " example when the customer has paid. Otherwise somebody confirms it.",
        groups=TOLD_TO,
    )
    credit_sales_amounts = fields.Boolean(
        string="Salespeople See Amounts",
        help="Salespeople see limit, exposure and what is overdue of an order that is"
        " on hold. Otherwise only that it is, why, and whom to ask.",
        groups=TOLD_TO,
    )
    credit_release_days = fields.Integer(
        string="Grace After a Release",
        default=14,
        help="For so many days after the decision deliveries of a released order are"
        " not asked about again.",
        groups=TOLD_TO,
    )
    credit_dispute_approval = fields.Monetary(
        string="Approve Credits Above",
        currency_field="currency_id",
        default=1000,
        help="A credit note out of a dispute above this amount, in the company's"
        " currency, needs a credit manager. 0: none does.",
        groups=TOLD_TO,
    )
    credit_write_off_limit = fields.Monetary(
        string="Write Off up to",
        currency_field="currency_id",
        help="What is accepted of a dispute may be written off instead of credited, up"
        " to this amount in the company's currency. 0: never.",
        groups=TOLD_TO,
    )
    credit_write_off_account_id = fields.Many2one(
        "account.account",
        string="Write-Off Account",
        check_company=True,
        domain="[('account_type', 'not in', ('asset_receivable', 'liability_payable',"
        " 'asset_cash', 'liability_credit_card', 'off_balance'))]",
        help="Where small amounts go that are written off.",
        groups=TOLD_TO,
    )
    credit_dispute_pay_days = fields.Integer(
        string="Days to Pay After a Rejection",
        default=7,
        help="When a dispute is rejected the customer gets so many days to pay before"
        " reminders go on.",
        groups=TOLD_TO,
    )
    credit_dispute_user_id = fields.Many2one(
        "res.users",
        string="Late Disputes Go To",
        help="Gets a task for each dispute that was not answered in time. Empty: a"
        " credit manager.",
        groups=TOLD_TO,
    )
    credit_portal_disputes = fields.Boolean(
        string="Customers May Dispute Online",
        default=True,
        help="Customers open disputes on the page of an invoice.",
        groups=TOLD_TO,
    )

    credit_plan_grace_days = fields.Integer(
        string="Grace of Parts",
        default=3,
        help="So many days after its day, a part of a payment plan that is not paid is"
        " not late yet.",
        groups=TOLD_TO,
    )
    credit_plan_warning_days = fields.Integer(
        string="Time after the Warning",
        default=7,
        help="When a part is late the customer is warned once, and has so many days to"
        " pay it before the plan is broken.",
        groups=TOLD_TO,
    )

    credit_work_cap = fields.Integer(
        string="Customers a Day",
        default=0,
        help="So many customers a collector gets on the work list a day, the most"
        " pressing ones; the rest waits for tomorrow. 0: all.",
        groups=TOLD_TO,
    )
    credit_plan_notice_days = fields.Integer(
        string="Notice of Parts",
        default=3,
        help="So many days before a part falls due, and on its day, the customer is"
        " reminded of it. 0: not at all.",
        groups=TOLD_TO,
    )
    credit_plan_answer_days = fields.Integer(
        string="Time to Accept",
        default=14,
        help="A plan that we propose is to be accepted within so many days.",
        groups=TOLD_TO,
    )
    credit_portal_plans = fields.Boolean(
        string="Customers May Propose Plans",
        help="Customers propose on their page to pay in parts; our staff answers.",
        groups=TOLD_TO,
    )
    credit_plan_most_parts = fields.Integer(
        string="Most Parts",
        default=6,
        help="A customer may propose so many parts at most.",
        groups=TOLD_TO,
    )
    credit_plan_first_days = fields.Integer(
        string="First Part Within",
        default=14,
        help="A customer may propose to pay the first part within so many days.",
        groups=TOLD_TO,
    )

    credit_plan_product_id = fields.Many2one(
        "product.product",
        string="Cost of Plans",
        help="As what fee and interest of payment plans are invoiced: its account and"
        " its taxes count.",
        groups=TOLD_TO,
    )

    credit_snooze_days = fields.Integer(
        string="Put Off At Most",
        default=7,
        help="So many days a customer may be put off on the work list before somebody"
        " must do something. 0: never.",
        groups=TOLD_TO,
    )
    credit_limit_four_eyes_amount = fields.Monetary(
        string="Limits That Need Four Eyes",
        currency_field="currency_id",
        default=0,
        help="A credit limit above this amount, in the company's currency, is decided"
        " by a credit manager who did not ask for it. No limit counts as above. 0: one"
        " person is always enough.",
        groups=TOLD_TO,
    )
    credit_limit_auto = fields.Boolean(
        string="Set Suggested Limits",
        default=False,
        help="A job sets the limits that the figures suggest, of customers on whose"
        " limit no person ever decided. Each stands in the history.",
        groups=TOLD_TO,
    )
    credit_limit_auto_cap = fields.Monetary(
        string="Set Up To",
        currency_field="currency_id",
        default=0,
        help="The most that is set without a person, in the company's currency.",
        groups=TOLD_TO,
    )
    credit_review_days_a = fields.Integer(
        string="Review Limits of Class A", default=365, groups=TOLD_TO
    )
    credit_review_days_b = fields.Integer(
        string="Review Limits of Class B", default=365, groups=TOLD_TO
    )
    credit_review_days_c = fields.Integer(
        string="Review Limits of Class C", default=180, groups=TOLD_TO
    )
    credit_review_days_d = fields.Integer(
        string="Review Limits of Class D", default=90, groups=TOLD_TO
    )
    credit_review_days_e = fields.Integer(
        string="Review Limits of Class E", default=30, groups=TOLD_TO
    )
    credit_review_days_none = fields.Integer(
        string="Review Limits Without a Class", default=180, groups=TOLD_TO
    )
    credit_portal_show_limit = fields.Boolean(
        string="Customers See Their Limit",
        default=False,
        help="On their page customers see their credit limit, what is used and what is"
        " free.",
        groups=TOLD_TO,
    )
    credit_portal_ask_limit = fields.Boolean(
        string="Customers May Ask for a Limit",
        default=False,
        help="On their page customers ask for a credit limit, and see what became of"
        " it.",
        groups=TOLD_TO,
    )

    credit_score_months = fields.Integer(
        string="Keep Scores For",
        default=36,
        help="Scores, reviews of them and credit reports are deleted after so many"
        " months. 0: never.",
        groups=TOLD_TO,
    )
    credit_run_error = fields.Char(
        string="Nightly Run Failed",
        readonly=True,
        copy=False,
        groups="credit_management.group_credit_user",
        help="What went wrong when the last nightly run was tried.",
    )
    credit_statement_error = fields.Char(
        string="Monthly Statements Failed",
        readonly=True,
        copy=False,
        groups="credit_management.group_credit_user",
        help="What went wrong when the monthly statements were last tried.",
    )

    _credit_run_hour_valid = models.Constraint(
        "CHECK (credit_run_hour BETWEEN 0 AND 23)",
        "The hour of the nightly run is between 0 and 23.",
    )
    _credit_days_positive = models.Constraint(
        "CHECK (credit_bank_max_age_days >= 0 AND credit_pending_days >= 0)",
        "Days cannot be negative.",
    )

    _credit_dispute_positive = models.Constraint(
        "CHECK (credit_dispute_approval >= 0 AND credit_dispute_pay_days >= 0"
        " AND COALESCE(credit_write_off_limit, 0) >= 0"
        " AND COALESCE(credit_work_cap, 0) >= 0)",
        "Amounts and days cannot be negative.",
    )

    _credit_limits_positive = models.Constraint(
        "CHECK (credit_limit_four_eyes_amount >= 0 AND credit_limit_auto_cap >= 0"
        " AND LEAST(credit_review_days_a, credit_review_days_b, credit_review_days_c,"
        " credit_review_days_d, credit_review_days_e, credit_review_days_none) >= 0)",
        "Amounts and days cannot be negative.",
    )

    _credit_plans_sensible = models.Constraint(
        "CHECK (credit_plan_grace_days BETWEEN 0 AND 60"
        " AND credit_plan_warning_days BETWEEN 1 AND 60"
        " AND credit_plan_notice_days BETWEEN 0 AND 30"
        " AND credit_plan_answer_days BETWEEN 1 AND 90"
        " AND credit_plan_most_parts BETWEEN 2 AND 60"
        " AND credit_plan_first_days BETWEEN 1 AND 90)",
        "Payment plans: grace 0 to 60 days, warning 1 to 60, notice 0 to 30, time to"
        " accept 1 to 90, first part within 1 to 90 days, 2 to 60 parts.",
    )

    # === CONSTRAINT METHODS === #

    @api.constrains(
        "credit_limit_auto", "credit_limit_auto_cap", "credit_limit_four_eyes_amount"
    )
    def _check_credit_limit_auto(self):
        for company in self:
            if not company.credit_limit_auto:
                continue
            if not company.credit_limit_auto_cap:
                raise ValidationError(
                    self.env._(
                        "Say up to which amount limits are set without a person at"
                        " %(company)s.",
                        company=company.name,
                    )
                )
            if company._credit_needs_four_eyes(company.credit_limit_auto_cap):
                raise ValidationError(
                    self.env._(
                        "What needs two people cannot be set without any: at"
                        " %(company)s limits are set up to the amount that needs four"
                        " eyes at most.",
                        company=company.name,
                    )
                )

    @api.constrains("credit_mode", "credit_redirect_email")
    def _check_credit_redirect_email(self):
        for company in self:
            if company.credit_mode == "redirect" and not email_normalize(
                company.credit_redirect_email or ""
            ):
                raise ValidationError(
                    self.env._(
                        "Redirect mode of %(company)s needs one valid e-mail address"
                        " to which all letters go. Enter it, or choose another mode.",
                        company=company.name,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        policy = self.env.ref(
            "credit_management.policy_business", raise_if_not_found=False
        )
        if policy:
            for vals in vals_list:
                vals.setdefault("credit_policy_id", policy.id)
        return super().create(vals_list)

    def write(self, vals):
        closed = self.browse()
        if vals.get("credit_stopped") or vals.get("credit_mode", "live") != "live":
            closed = self.filtered(lambda company: company.credit_mode in SENDING_MODES)
        res = super().write(vals)
        if closed:
            # What the mail queue has not sent yet comes back into our own.
            for model in OUTGOING_MODELS:
                self.env[model].sudo()._recall_outgoing(closed)
        return res

    # === BUSINESS METHODS === #

    def _credit_tz_name(self):
        """Return the name of the time zone in which this company's days begin."""
        self.ensure_one()
        return (
            self.credit_tz
            or self.resource_calendar_id.tz
            or self.partner_id.tz
            or "UTC"
        )

    def _credit_now(self):
        """Return the local date and time of the company."""
        self.ensure_one()
        return self._credit_local(fields.Datetime.now())

    def _credit_local(self, moment):
        """Return a stored moment in the company's own time."""
        utc = moment.replace(tzinfo=ZoneInfo("UTC"))
        return utc.astimezone(ZoneInfo(self._credit_tz_name()))

    def _credit_sender_line(self):
        """Return the address of the company on one line, as it stands in the window."""
        place = " ".join(filter(None, (self.zip, self.city)))
        return " · ".join(filter(None, (self.name, self.street, place)))

    def _credit_today(self):
        """Return the day it is for the company, which is not always UTC's."""
        return self._credit_now().date()

    def _credit_calendar(self):
        """Return the working days of the company, as the rules want them."""
        self.ensure_one()
        calendar = self.resource_calendar_id
        weekdays = {int(day) for day in calendar.attendance_ids.mapped("dayofweek")}
        return WorkCalendar(frozenset(weekdays), frozenset(self._credit_holidays()))

    def _credit_holidays(self):
        """Return the company's days off, from a month ago to two years ahead."""
        tz = ZoneInfo(self._credit_tz_name())
        now = fields.Datetime.now()
        # sudo: days off are no secret, but a collector may not read the calendar.
        leaves_sudo = (
            self.env["resource.calendar.leaves"]
            .sudo()
            .search(
                [
                    ("resource_id", "=", False),
                    ("company_id", "in", [self.id, False]),
                    ("calendar_id", "in", [self.resource_calendar_id.id, False]),
                    ("date_to", ">=", now - relativedelta(months=1)),
                    ("date_from", "<=", now + relativedelta(years=2)),
                ]
            )
        )
        days = set()
        for leave in leaves_sudo:
            start, end = (
                moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(tz)
                for moment in (leave.date_from, leave.date_to)
            )
            day = start.date()
            while day <= end.date():
                opens = max(start, datetime.combine(day, datetime.min.time(), tz))
                closes = min(end, datetime.combine(day, datetime.max.time(), tz))
                if (closes - opens).total_seconds() >= HOLIDAY_MIN_HOURS * 3600:
                    days.add(day)
                day += relativedelta(days=1)
        return days

    def _credit_last_bank_date(self):
        """Return the date of the last bank entry, or False if there is none."""
        self.ensure_one()
        # sudo: a day is told, not the entries, which a collector may not all read.
        line_sudo = (
            self.env["account.bank.statement.line"]
            .sudo()
            .search([("company_id", "=", self.id)], order="date desc, id desc", limit=1)
        )
        return line_sudo.date

    def _credit_bank_is_stale(self, today):
        """Say whether the bank is older than the company tolerates.

        A company without any bank entry is not stale: it keeps its bank elsewhere.
        """
        self.ensure_one()
        last = self._credit_last_bank_date()
        limit = self.credit_bank_max_age_days
        return bool(limit and last and (today - last).days > limit)

    def _credit_may_write(self):
        """Say whether anything may leave to customers now."""
        self.ensure_one()
        return self.credit_mode == "live" and not self.credit_stopped

    def _credit_needs_four_eyes(self, limit):
        """Say whether a credit limit, in the company's currency, needs two people.

        0 is no limit and counts as more than any amount.
        """
        # sudo: whether it does is told to whoever wants to set a limit.
        return limits.needs_four_eyes(
            to_decimal(limit), to_decimal(self.sudo().credit_limit_four_eyes_amount)
        )

    def _check_credit_may_send(self):
        """Refuse to send where the company does not want letters to leave.

        :raise UserError: the mode is off or simulate, with what to do
        """
        for company in self:
            if company.credit_mode not in SENDING_MODES:
                raise UserError(
                    self.env._(
                        "%(company)s does not send dunning letters yet: its mode is"
                        " “%(mode)s”. A credit manager changes it under Configuration"
                        " > Guided Start, first to Redirect for a test, then to Live.",
                        company=company.name,
                        mode=dict(
                            self._fields["credit_mode"]._description_selection(self.env)
                        )[company.credit_mode],
                    )
                )

    def _check_credit_may_post(self):
        """Refuse to print letters for post where nothing goes to customers now.

        :raise UserError: says why, and what to do
        """
        for company in self:
            if company.credit_stopped:
                raise UserError(
                    self.env._(
                        "Emergency stop of %(company)s: nothing leaves, by post"
                        " neither. Letters wait until an administrator releases it.",
                        company=company.name,
                    )
                )
            if company.credit_mode != "live":
                raise UserError(
                    self.env._(
                        "%(company)s does not write to customers: its mode is not Live."
                        " Letters for post wait.",
                        company=company.name,
                    )
                )
