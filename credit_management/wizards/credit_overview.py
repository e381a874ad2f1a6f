from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from ..logic import health
from ..logic.statement import AGEING
from ..models.credit_dunning_letter_sending import HAND_OVER_JOBS

# What is open by days past the due date, in the places of the ageing, and what is not.
AGES = ("not_due", "to_30", "to_60", "to_90", "over_90")
CREDITS = "credits"
# So long a statement that failed is somebody's task.
STATEMENT_DAYS = 31
# Cases that wait for one of us: the model is `credit.` and the name.
CASES = ("dispute", "hold", "message", "payment_plan")
JOBS = (
    "credit_management.ir_cron_nightly_run",
    *(f"credit_management.{name}" for name in HAND_OVER_JOBS),
    "credit_management.ir_cron_supervise",
    "credit_management.ir_cron_refresh_profiles",
    "credit_management.ir_cron_make_statements",
    "credit_management.ir_cron_send_statements",
    "credit_management.ir_cron_watch_disputes",
    "credit_management.ir_cron_decide_promises",
    "credit_management.ir_cron_watch_plans",
    "credit_management.ir_cron_collect_parts",
    "credit_management.ir_cron_refresh_scores",
    "credit_management.ir_cron_forget_scores",
    "credit_management.ir_cron_advance_limits",
    "credit_management.ir_cron_review_limits",
    "credit_management.ir_cron_apply_limits",
    "credit_management.ir_cron_settle_tasks",
    "mail.ir_cron_mail_scheduler_action",
)


class CreditOverview(models.TransientModel):
    """What waits for a person, and whether the sending is alive, at this moment.

    Opened anew from the menu: all of it is read then.
    """

    _name = "credit.overview"
    _description = "Credit Overview"

    company_ids = fields.Many2many("res.company", readonly=True)
    is_several = fields.Boolean(
        string="Several Companies", compute="_compute_is_several"
    )
    is_bare = fields.Boolean(
        string="No Invoice Yet", readonly=True, help="No customer was ever invoiced."
    )
    alarm_ids = fields.One2many("credit.overview.alarm", "overview_id", readonly=True)
    age_ids = fields.One2many("credit.overview.age", "overview_id", readonly=True)
    last_run_date = fields.Date(string="Last Nightly Run", readonly=True)
    sent_count = fields.Integer(
        string="Sent, Last 24 Hours", compute="_compute_letter_counts"
    )
    review_count = fields.Integer(string="To Review", compute="_compute_letter_counts")
    waiting_count = fields.Integer(
        string="On Their Way", compute="_compute_letter_counts"
    )
    trouble_count = fields.Integer(
        string="Failed or Unknown", compute="_compute_letter_counts"
    )
    print_count = fields.Integer(string="To Print", compute="_compute_letter_counts")
    statement_count = fields.Integer(
        string="Statements Failed", compute="_compute_statement_count"
    )
    dispute_count = fields.Integer(
        string="Disputes to Answer", compute="_compute_case_counts"
    )
    payment_plan_count = fields.Integer(
        string="Plans to Look At",
        compute="_compute_case_counts",
        help="Proposed by customers, or late.",
    )
    message_count = fields.Integer(
        string="Messages to Answer", compute="_compute_case_counts"
    )
    hold_count = fields.Integer(string="Orders on Hold", compute="_compute_case_counts")
    work_count = fields.Integer(
        string="On the Work List",
        compute="_compute_work_count",
        help="Customers for whom something waits for one of us.",
    )

    def _compute_display_name(self):
        for overview in self:
            overview.display_name = self.env._("Overview")

    @api.depends("company_ids")
    def _compute_is_several(self):
        for overview in self:
            overview.is_several = len(overview.company_ids) > 1

    def _compute_letter_counts(self):
        Letter = self.env["credit.dunning.letter"]
        for overview in self:
            for name in ("sent", "review", "waiting", "trouble", "print"):
                domain = overview._get_letter_domain(name)
                overview[f"{name}_count"] = Letter.search_count(domain)

    def _compute_statement_count(self):
        Statement = self.env["credit.statement"]
        for overview in self:
            domain = self._get_statement_domain("failed", overview.company_ids)
            overview.statement_count = Statement.search_count(domain)

    def _compute_case_counts(self):
        for overview in self:
            for name in CASES:
                domain = overview._get_case_domain(name)
                model = f"credit.{name.replace('_', '.')}"
                found = self.env[model].search_count(domain)
                overview[f"{name}_count"] = found

    def _get_case_domain(self, name):
        """Return which cases a figure counts, and its list shows."""
        domains = {
            "dispute": [("state", "in", ("new", "in_progress"))],
            "hold": [("state", "=", "held")],
            "message": [("state", "!=", "answered")],
            # Customers wait for an answer, or we wait for a part.
            "payment_plan": [
                "|",
                *("&", ("state", "=", "proposed"), ("source", "!=", "staff")),
                *("&", ("state", "=", "active"), ("amount_late", ">", 0)),
            ],
        }
        return [("company_id", "in", self.company_ids.ids), *domains[name]]

    def _compute_work_count(self):
        for overview in self:
            domain = overview._get_work_domain()
            overview.work_count = self.env["credit.profile"].search_count(domain)

    def _get_work_domain(self):
        """Return which customers the figure counts, and the work list shows."""
        return [
            ("company_id", "in", self.company_ids.ids),
            ("work_reason", "!=", False),
        ]

    def _get_letter_domain(self, name):
        """Return which letters a figure counts, and its list shows."""
        domains = {
            "sent": [
                ("state", "=", "sent"),
                ("sent_date", ">=", fields.Datetime.now() - timedelta(days=1)),
            ],
            "review": [("state", "=", "proposed"), ("run_id.state", "=", "proposed")],
            "waiting": [
                ("state", "in", ("queued", "sending")),
                ("to_print", "=", False),
            ],
            "trouble": [
                "|",
                ("state", "=", "unknown"),
                "&",
                ("state", "=", "failed"),
                ("failure_open", "=", True),
            ],
            "print": [("to_print", "=", True)],
        }
        return [("company_id", "in", self.company_ids.ids), *domains[name]]

    # === ACTION METHODS === #

    @api.model
    def action_open(self):
        """Look at the companies one works in, now.

        A manager whose company has not begun yet is shown the guided start first.
        """
        self.check_access("read")
        if self.env["credit.start"]._is_wanted():
            return self.env["credit.start"].action_open()
        companies = self.env.companies
        # sudo: the window tells what is so; nobody writes into it by hand.
        overview = self.sudo().create(self._prepare_overview(companies))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Overview"),
            "res_model": self._name,
            "res_id": overview.id,
            "view_mode": "form",
            "target": "main",
            "context": {"form_view_initial_mode": "readonly"},
        }

    def action_refresh(self):
        """Look again."""
        self.check_access("read")
        return self.action_open()

    def action_view_work(self):
        """Open the work list."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_work_action"
        )
        return action | {"domain": self._get_work_domain(), "target": "current"}

    def action_view_disputes(self):
        """Open the disputes that wait for our answer."""
        return self._view_cases("dispute", self.env._("Disputes to Answer"))

    def action_view_plans(self):
        """Open the payment plans that wait for an answer, or are late."""
        return self._view_cases("payment_plan", self.env._("Plans to Look At"))

    def action_view_messages(self):
        """Open what customers wrote and nobody answered."""
        return self._view_cases("message", self.env._("Messages to Answer"))

    def action_view_holds(self):
        """Open the orders that are on hold."""
        return self._view_cases("hold", self.env._("Orders on Hold"))

    def _view_cases(self, name, title):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            f"credit_management.credit_{name}_action"
        )
        return action | {
            "display_name": title,
            "domain": self._get_case_domain(name),
            "context": {},
            "target": "current",
        }

    def action_view_sent(self):
        """Open the letters that were sent since yesterday at this time."""
        return self._view_letters("sent", self.env._("Sent, Last 24 Hours"))

    def action_view_review(self):
        """Open the letters that wait for a review."""
        return self._view_letters("review", self.env._("To Review"))

    def action_view_waiting(self):
        """Open the letters that are on their way."""
        return self._view_letters("waiting", self.env._("On Their Way"))

    def action_view_trouble(self):
        """Open the letters that failed or whose fate is not known."""
        return self._view_letters("trouble", self.env._("Failed or Unknown"))

    def action_view_print(self):
        """Open the letters that wait to be printed."""
        return self._view_letters("print", self.env._("To Print"))

    def action_view_statements(self):
        """Open the statements that failed."""
        return self._view_statements("failed", self.env._("Statements Failed"))

    def _view_statements(self, name, title):
        self.ensure_one()
        domain = self._get_statement_domain(name, self.company_ids)
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_statement_action"
        )
        found = self.env["credit.statement"].search(domain)
        return action | {
            "display_name": title,
            "domain": [("id", "in", found.ids)],
            "context": {},
            "target": "current",
        }

    def _view_letters(self, name, title):
        self.ensure_one()
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_letter_action"
        )
        return action | {
            "display_name": title,
            "domain": self._get_letter_domain(name),
            "context": {},
            "target": "current",
        }

    # === BUSINESS METHODS === #

    @api.model
    def _has_entries(self, companies):
        """Say whether a customer was ever invoiced in one of the companies."""
        return bool(
            self.env["account.move"].search_count(
                [
                    ("company_id", "in", companies.ids),
                    ("move_type", "=", "out_invoice"),
                    ("state", "=", "posted"),
                ],
                limit=1,
            )
        )

    @api.model
    def _prepare_overview(self, companies):
        """Return the values of the window; extend to show more."""
        last_runs = self.env["credit.dunning.run"].search(
            [("company_id", "in", companies.ids), ("is_nightly", "=", True)],
            limit=1,
            order="date desc",
        )
        return {
            "company_ids": [fields.Command.set(companies.ids)],
            "last_run_date": last_runs.date,
            "is_bare": not self._has_entries(companies),
            "alarm_ids": [
                fields.Command.create(vals) for vals in self._prepare_alarms(companies)
            ],
            "age_ids": [
                fields.Command.create(vals) for vals in self._prepare_ages(companies)
            ],
        }

    @api.model
    def _prepare_alarms(self, companies):
        """Return the values of what is wrong: with the server, then per company."""
        now = fields.Datetime.now()
        server = health.Health(jobs=self._gather_jobs())
        found = [(False, alarm) for alarm in health.find_alarms(server, now)]
        for company in companies:
            alarms = health.find_alarms(self._gather_health(company), now)
            found += [(company.id, alarm) for alarm in alarms]
        return [
            {
                "company_id": company_id,
                "code": alarm.code,
                "is_grave": alarm.is_grave,
                "count": alarm.count,
                "since": alarm.since,
                "cause": alarm.cause,
            }
            for company_id, alarm in found
        ]

    @api.model
    def _prepare_ages(self, companies):
        """Return the values of what is owed by age, company by company.

        In the currency of the company, as the ledger has it. What is owed and the
        credits nobody has applied add up to the balance of the receivable accounts.
        """
        found = self.env["credit.overview.age"]._sum_up(companies)
        largest = {}
        for (company_id, _kind), (amount, _count) in found.items():
            largest[company_id] = max(largest.get(company_id, 0), abs(amount))
        return [
            {
                "company_id": company.id,
                "kind": kind,
                "amount": amount,
                "count": count,
                "share": 100 * abs(amount) / (largest[company.id] or 1),
            }
            for company in companies
            for kind in (*AGES, CREDITS)
            for amount, count in [found.get((company.id, kind), (0, 0))]
            if count
        ]

    @api.model
    def _gather_health(self, company):
        """Gather what the runs and letters of a company show."""
        Letter = self.env["credit.dunning.letter"]
        of_company = [("company_id", "=", company.id)]

        def count(*domain):
            return Letter.search_count([*of_company, *domain])

        def first(order, *domain):
            return Letter.search([*of_company, *domain], order=order, limit=1)

        queued = first(
            "queued_date", *Letter._get_sendable_domain(), ("queued_date", "!=", False)
        )
        # sudo: since when a mail waits is told, not what is in it.
        waiting_sudo = Letter.sudo().search(
            [
                *of_company,
                ("state", "=", "sending"),
                ("mail_ids.state", "=", "outgoing"),
            ],
            order="id",
            limit=1,
        )
        mail_sudo = waiting_sudo.mail_ids[:1]
        refused = [
            ("state", "=", "sending"),
            ("queued_until", "!=", False),
            ("attempt_count", ">", 0),
        ]
        return health.Health(
            run_due=self._find_run_due(company),
            run_error=company.credit_run_error or "",
            statement_error=company.credit_statement_error or "",
            oldest_queued=queued.queued_date or None,
            oldest_mail=mail_sudo.write_date or None,
            refused=count(*refused),
            refusal=first("id desc", *refused).state_reason or "",
            unknown=count(("state", "=", "unknown")),
            failed=count(("state", "=", "failed"), ("failure_open", "=", True)),
            is_stopped=company.credit_stopped,
            held=count(("state", "=", "queued")),
            oldest_statement=self._find_oldest_statement(company),
            failed_statements=self.env["credit.statement"].search_count(
                self._get_statement_domain("failed", company)
            ),
        )

    @api.model
    def _get_statement_domain(self, name, companies):
        """Return which statements wait, or failed and nobody has seen to them.

        A newer statement of the customer ends the matter, and so does a month.
        """
        Statement = self.env["credit.statement"]
        in_companies = Domain("company_id", "in", companies.ids)
        if name == "waiting":
            return in_companies & Domain("state", "in", ("queued", "sending"))
        Statement.flush_model(["state", "profile_id"])
        newer = SQL(
            "(SELECT failed.id FROM credit_statement failed"
            " JOIN credit_statement newer ON newer.profile_id = failed.profile_id"
            " AND newer.id > failed.id"
            " AND newer.state IN ('queued', 'sending', 'sent')"
            " WHERE failed.state = 'failed')"
        )
        month = fields.Datetime.now() - timedelta(days=STATEMENT_DAYS)
        return (
            in_companies
            & Domain("state", "=", "failed")
            & Domain("create_date", ">=", month)
            & Domain("id", "not in", newer)
        )

    @api.model
    def _find_oldest_statement(self, company):
        """Return since when a statement waits that could go, in either queue."""
        Statement = self.env["credit.statement"]
        queued = Statement.search(
            Statement._get_sendable_domain() & Domain("company_id", "=", company.id),
            order="write_date",
            limit=1,
        )
        # sudo: since when a mail waits is told, not what is in it.
        sending_sudo = Statement.sudo().search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "sending"),
                ("mail_ids.state", "=", "outgoing"),
            ],
            order="id",
            limit=1,
        )
        mail_sudo = sending_sudo.mail_ids[:1]
        moments = [m for m in (queued.write_date, mail_sudo.write_date) if m]
        return min(moments, default=None)

    @api.model
    def _get_job_names(self):
        """Return the jobs that letters and statements depend on; extend to add one."""
        return JOBS

    @api.model
    def _gather_jobs(self):
        # sudo: whether the jobs work is told to those who depend on them.
        crons_sudo = self.env["ir.cron"].sudo()
        for name in self._get_job_names():
            crons_sudo |= self.env.ref(name).sudo()
        return tuple(
            health.Job(
                # Without the name of the app before it, in whatever language.
                name=cron.name.split(": ", 1)[-1],
                due=cron.nextcall,
                active=cron.active,
                failures=cron.failure_count,
            )
            for cron in crons_sudo
        )

    @api.model
    def _find_run_due(self, company):
        """Return since when the nightly run of today is missing, if it is."""
        Run = self.env["credit.dunning.run"]
        if company.credit_mode == "off" or not Run._is_nightly_due(company):
            return None
        now = company._credit_now()
        start = now.replace(
            hour=company.credit_run_hour, minute=0, second=0, microsecond=0
        )
        return start.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


class CreditOverviewAlarm(models.TransientModel):
    """One thing that is wrong, in words, with the way to what it is about."""

    _name = "credit.overview.alarm"
    _description = "Credit Alarm"
    _order = "is_grave desc, id"

    overview_id = fields.Many2one("credit.overview", required=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", readonly=True)
    code = fields.Selection(
        [
            (health.JOBS_STAND_STILL, "Scheduled jobs do not run"),
            (health.JOB_SWITCHED_OFF, "A scheduled job is switched off"),
            (health.RUN_MISSED, "The nightly run is missing"),
            (health.LETTERS_STUCK, "Letters do not leave the queue"),
            (health.MAILS_STUCK, "The mail queue stands still"),
            (health.UNKNOWN, "Letters whose fate is not known"),
            (health.JOB_FAILS, "A scheduled job fails"),
            (health.MAIL_REFUSED, "Letters are not taken, and tried again"),
            (health.FAILED, "Letters did not arrive"),
            (health.MONTHLY_FAILED, "Monthly statements were not made"),
            (health.STOPPED, "Emergency stop: nothing is sent"),
            (health.STATEMENTS_STUCK, "Statements do not leave the queue"),
            (health.STATEMENTS_FAILED, "Statements did not go"),
        ],
        string="What",
        readonly=True,
    )
    is_grave = fields.Boolean(readonly=True)
    count = fields.Integer(readonly=True)
    since = fields.Datetime(readonly=True)
    cause = fields.Char(readonly=True)
    details = fields.Char(compute="_compute_details")

    @api.depends("code", "count", "since", "cause")
    @api.depends_context("lang", "tz")
    def _compute_details(self):
        for alarm in self:
            alarm.details = alarm._describe()

    def _describe(self):
        """Say how many, since when and why, and what to do about it."""
        self.ensure_one()
        values = {
            "count": self.count,
            "since": self.since and format_datetime(self.env, self.since),
            "cause": self.cause,
        }
        match self.code:
            case health.JOBS_STAND_STILL:
                return self.env._(
                    "Nothing since %(since)s: %(cause)s. Ask your administrator to"
                    " restart the server's job workers.",
                    **values,
                )
            case health.JOB_SWITCHED_OFF:
                return self.env._(
                    "%(cause)s. An administrator can switch it on again under Settings,"
                    " Scheduled Actions.",
                    **values,
                )
            case health.RUN_MISSED if self.cause:
                return self.env._(
                    "Due since %(since)s. The last attempt failed: %(cause)s", **values
                )
            case health.RUN_MISSED:
                return self.env._(
                    "Due since %(since)s and not tried yet. Do scheduled jobs run?",
                    **values,
                )
            case health.LETTERS_STUCK | health.STATEMENTS_STUCK:
                return self.env._(
                    "The oldest waits since %(since)s. Do scheduled jobs run?", **values
                )
            case health.MAILS_STUCK:
                return self.env._(
                    "The oldest e-mail waits since %(since)s. Does the e-mail job run?",
                    **values,
                )
            case health.UNKNOWN:
                return self.env._(
                    "%(count)s: find out whether they arrived, then confirm them or"
                    " send them again.",
                    **values,
                )
            case health.JOB_FAILS:
                return self.env._(
                    "%(cause)s failed %(count)s times in a row. The server's log says"
                    " why.",
                    **values,
                )
            case health.MAIL_REFUSED:
                return self.env._(
                    "%(count)s wait for another attempt. It said: %(cause)s", **values
                )
            case health.FAILED:
                return self.env._(
                    "%(count)s: put the address right and send them again, or drop"
                    " them.",
                    **values,
                )
            case health.MONTHLY_FAILED:
                return self.env._(
                    "It is tried again every day until the 10th. The last attempt"
                    " failed: %(cause)s",
                    **values,
                )
            case health.STATEMENTS_FAILED:
                return self.env._(
                    "%(count)s: each says why. Put that right, then send them again.",
                    **values,
                )
            case health.STOPPED:
                return self.env._(
                    "%(count)s letters wait. They go when the stop is lifted.", **values
                )
        return ""

    def action_open(self):
        """Open what the alarm is about."""
        self.ensure_one()
        self.check_access("read")
        overview = self.overview_id
        states = {
            health.LETTERS_STUCK: "waiting",
            health.MAILS_STUCK: "waiting",
            health.MAIL_REFUSED: "waiting",
            health.STOPPED: "waiting",
            health.UNKNOWN: "trouble",
            health.FAILED: "trouble",
        }
        label = dict(self._fields["code"]._description_selection(self.env))[self.code]
        if self.code in states:
            return overview._view_letters(states[self.code], label)
        if self.code == health.MONTHLY_FAILED:
            return self.env["ir.actions.actions"]._for_xml_id(
                "credit_management.credit_statement_action"
            )
        statements = {
            health.STATEMENTS_STUCK: "waiting",
            health.STATEMENTS_FAILED: "failed",
        }
        if self.code in statements:
            return overview._view_statements(statements[self.code], label)
        if self.code == health.RUN_MISSED or not self.env.user.has_group(
            "base.group_system"
        ):
            return self.env["ir.actions.actions"]._for_xml_id(
                "credit_management.credit_dunning_run_action"
            )
        return self.env["ir.actions.actions"]._for_xml_id("base.ir_cron_act")


class CreditOverviewAge(models.TransientModel):
    """What is owed since how long, of one company; opens its journal items."""

    _name = "credit.overview.age"
    _description = "Open Amount by Age"

    overview_id = fields.Many2one("credit.overview", required=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    kind = fields.Selection(
        [
            ("not_due", "Not due"),
            ("to_30", "1–30 days late"),
            ("to_60", "31–60 days late"),
            ("to_90", "61–90 days late"),
            ("over_90", "Over 90 days late"),
            (CREDITS, "Credits not applied"),
        ],
        string="Age",
        readonly=True,
    )
    amount = fields.Monetary(readonly=True)
    count = fields.Integer(string="Items", readonly=True)
    share = fields.Float(
        readonly=True, help="In percent of the largest amount of the company."
    )

    @api.model
    def _get_open_domain(self, companies):
        return [
            ("company_id", "in", companies.ids),
            ("account_id.account_type", "=", "asset_receivable"),
            ("parent_state", "=", "posted"),
            ("reconciled", "=", False),
            ("amount_residual", "!=", 0),
        ]

    @api.model
    def _sum_up(self, companies):
        """Return what is open, for each company in one pass over its open items.

        Those that one may read: the rules of journal items apply.

        :return: dict (company id, kind) -> (amount, number of items)
        """
        found = {}
        for company in companies:
            today = company._credit_today()
            query = self.env["account.move.line"]._search(
                self._get_open_domain(company)
            )
            late = [
                SQL(
                    "WHEN account_move_line.date_maturity <= %s THEN %s",
                    today - timedelta(days=start),
                    kind,
                )
                for kind, start in zip(AGES, AGEING, strict=True)
                if start
            ]
            kind = SQL(
                "CASE WHEN account_move_line.amount_residual < 0"
                " THEN %s %s ELSE %s END",
                CREDITS,
                SQL(" ").join(reversed(late)),
                AGES[0],
            )
            rows = self.env.execute_query(
                SQL(
                    "SELECT kind, SUM(amount), COUNT(*) FROM (%s) item GROUP BY kind",
                    query.select(
                        SQL("account_move_line.amount_residual AS amount"),
                        SQL("%s AS kind", kind),
                    ),
                )
            )
            for kind, amount, count in rows:
                found[company.id, kind] = (float(amount), count)
        return found

    def _get_domain(self):
        """Return which journal items the amount is made of."""
        self.ensure_one()
        domain = self._get_open_domain(self.company_id)
        if self.kind == CREDITS:
            return [*domain, ("amount_residual", "<", 0)]
        domain.append(("amount_residual", ">", 0))
        today = self.company_id._credit_today()
        start, *next_starts = AGEING[AGES.index(self.kind) :]
        if start:
            domain.append(("date_maturity", "<=", today - timedelta(days=start)))
        else:
            domain += ["|", ("date_maturity", "=", False)]
        if next_starts:
            younger = today - timedelta(days=next_starts[0])
            domain.append(("date_maturity", ">", younger))
        return domain

    def action_open(self):
        """Open the journal items."""
        self.ensure_one()
        label = dict(self._fields["kind"]._description_selection(self.env))[self.kind]
        lists = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_open_item_action"
        )
        return lists | {
            "display_name": label,
            "domain": self._get_domain(),
            "context": {},
            "target": "current",
        }
