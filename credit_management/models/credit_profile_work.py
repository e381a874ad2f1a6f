from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..logic import work
from .credit_dunning_facts import OPEN_STATES
from .credit_dunning_outcome import ACTOR_LABELS

WORK_LABELS = [
    (work.LETTER_UNKNOWN, "Did the letter arrive?"),
    (work.BROKEN_PROMISE, "Promise was not kept"),
    (work.CALL_DUE, "Call is due"),
    (work.LETTER_FAILED, "Letter did not arrive"),
    (work.TASK_DUE, "Task is due"),
    (work.RECEIPT, "Money is in the bank, not matched"),
    (work.ALL_LEVELS, "All levels done, not paid"),
    (work.NEW_LARGE, "Large amount, newly late"),
    (work.NO_EMAIL, "No e-mail address"),
    (work.NO_POLICY, "No dunning policy"),
    (work.ARCHIVED, "Archived, but still owes"),
    (work.NO_DUE_DATE, "Item without due date"),
    (work.NET_CREDIT, "Credits to be matched"),
    (work.REFUND, "Money paid out, to be matched"),
    (work.REVIEW, "Letter to review"),
]
LETTER_REASONS = {work.LETTER_UNKNOWN, work.LETTER_FAILED, work.REVIEW}


class CreditProfileWork(models.Model):
    """What waits for a person of ours on the credit file: the work list.

    What the ledger asks is a column, written with the figures. What letters,
    activities, pauses and exclusions say is read at the moment of looking: whoever has
    made a call finds the customer gone from the list. Both are put in order by the
    table of ``logic.work``.
    """

    # One file a topic: figures, work, calls, timeline.
    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    work_ledger = fields.Json(
        readonly=True,
        help="What the ledger asks of us, and from which day on: codes of the rule.",
    )
    work_done_date = fields.Date(
        string="Dealt With On",
        readonly=True,
        copy=False,
        help="When somebody last dealt with what the ledger asks of us.",
    )
    work_done = fields.Json(readonly=True, copy=False)
    work_snooze_from = fields.Date(
        string="First Put Off On",
        readonly=True,
        copy=False,
        help="Since when the customer is put off, again and again, without anything"
        " done.",
    )
    work_snooze_until = fields.Date(
        string="Put Off Until",
        readonly=True,
        copy=False,
        help="On this day the customer comes back to the work list. Letters go on.",
    )
    work_reason = fields.Selection(
        WORK_LABELS,
        string="What Waits",
        compute="_compute_work",
        search="_search_work_reason",
        help="The most pressing thing that waits for one of us.",
    )
    work_actor = fields.Selection(
        ACTOR_LABELS, string="Who Must Act", compute="_compute_work"
    )
    work_since = fields.Date(string="Waits Since", compute="_compute_work")
    last_contact_date = fields.Date(
        string="Last Contact",
        compute="_compute_last_contact_date",
        help="Last letter, statement or call.",
    )
    call_ids = fields.One2many(
        "credit.call", "profile_id", string="Calls", readonly=True
    )

    # === COMPUTE METHODS === #

    @api.depends(
        "pause_from",
        "pause_until",
        "work_done_date",
        "work_snooze_until",
        "activity_ids",
    )
    def _compute_work(self):
        self.work_reason = self.work_actor = self.work_since = False
        ids = [id_ for id_ in self.ids if id_]
        if not ids:
            return
        self._flush_work()
        alias, found = SQL.identifier(self._table), SQL.identifier("found")
        today = self._say_today(found)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id, reason, %s
                  FROM (SELECT id, company_id, work_ledger, %s AS reason
                          FROM credit_profile WHERE id = ANY(%s)
                        OFFSET 0) AS found
                 WHERE reason IS NOT NULL
                """,
                self._say_work_since(found, today, SQL("reason")),
                self._say_work_reason(alias),
                ids,
            )
        )
        for profile_id, code, since in rows:
            profile = self.browse(profile_id)
            profile.work_reason = code
            profile.work_actor = work.BY_CODE[code].actor
            profile.work_since = since

    def _search_work_reason(self, operator, value):
        if operator != "in":
            return NotImplemented
        codes = tuple(code or "" for code in value)
        self._flush_work()
        return Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "COALESCE(%s, '') IN %s",
                model._say_work_reason(SQL.identifier(alias)),
                codes,
            )
        )

    def _field_to_sql(self, alias, field_expr, query=None):
        """Override: lists sort and group by the reason, as it is at this moment."""
        if field_expr == "work_reason":
            self._flush_work()
            return self._say_work_reason(SQL.identifier(alias))
        return super()._field_to_sql(alias, field_expr, query)

    @api.model
    @api.readonly
    def web_read_group(self, domain, groupby, *args, **kwargs):
        """Override of `web`: open the column of those who have no level, too.

        The host folds it; on a phone the work list would begin with nothing.
        """
        if self.env.context.get("credit_open_groups") and not kwargs.get(
            "opening_info"
        ):
            limit = kwargs.get("unfold_read_default_limit") or 80
            kwargs["opening_info"] = [
                {"value": False, "folded": False, "limit": limit, "offset": 0}
            ]
        return super().web_read_group(domain, groupby, *args, **kwargs)

    def _compute_last_contact_date(self):
        calls = dict(
            self.env["credit.call"]._read_group(
                [("profile_id", "in", self.ids)], ["profile_id"], ["date:max"]
            )
        )
        statements = dict(
            self.env["credit.statement"]._read_group(
                [("profile_id", "in", self.ids), ("sent_date", "!=", False)],
                ["profile_id"],
                ["sent_date:max"],
            )
        )
        for profile in self:
            moments = [found.get(profile) for found in (calls, statements)]
            days = [moment.date() for moment in moments if moment]
            if profile.last_letter_date:
                days.append(profile.last_letter_date)
            profile.last_contact_date = max(days, default=False)

    # === THE RULE, IN SQL === #

    @api.model
    def _flush_work(self):
        """Write what is pending of all that the conditions below read."""
        self.flush_model(
            [
                "pause_from",
                "pause_until",
                "work_done",
                "work_done_date",
                "work_snooze_until",
            ]
        )
        for name in (
            "mail.activity",
            "credit.exclusion",
            "credit.dunning.letter",
            "credit.dunning.run",
            "credit.promise",
            "credit.payment.plan",
        ):
            self.env[name].flush_model()

    @api.model
    def _say_work_reason(self, alias, today=None):
        """Return the expression for the main reason, in the order of the rule.

        The table of the rule is read here as ``work.find_reasons`` reads it; a test
        compares the two.

        :param today: the expression for the day, where it is known already
        """
        today = today or self._say_today(alias)
        sources = self._find_waiting_sources(alias, today)
        runs, parts = [], []  # neighbours that rest alike
        for reason in work.REASONS:
            if not runs or runs[-1][-1].rests != reason.rests:
                runs.append([])
            runs[-1].append(reason)
        for reasons in runs:
            rests = reasons[0].rests
            cases = [SQL("WHEN %s THEN NULL", self._say_is_planned(alias, today))]
            for reason in reasons:
                if rests:
                    condition = SQL(
                        "%s AND NOT %s",
                        self._say_ledger_waits(alias, today, reason.code),
                        self._say_is_done(alias, today, reason.code),
                    )
                else:
                    _day, source = sources[reason.code]
                    condition = SQL("EXISTS (SELECT %s)", source)
                cases.append(SQL("WHEN %s THEN %s", condition, reason.code))
            # A step that is planned lets rest what can: asked once for all of those.
            parts.append(SQL("CASE %s END", SQL(" ").join(cases[not rests :])))
        return SQL(
            "(CASE WHEN %s THEN NULL ELSE COALESCE(%s) END)::varchar",
            self._say_is_held(alias, today),
            SQL(", ").join(parts),
        )

    @api.model
    def _say_work_since(self, alias, today, reason):
        """Return the expression for the day since when a reason waits.

        :param reason: the expression for the reason
        """
        sources = self._find_waiting_sources(alias, today)
        days = {
            code: SQL("(SELECT %s %s)", day, source)
            for code, (day, source) in sources.items()
        }
        cases = [
            SQL(
                "WHEN %s THEN %s",
                reason.code,
                days.get(reason.code)
                or SQL("(%s.work_ledger->>%s)::date", alias, reason.code),
            )
            for reason in work.REASONS
        ]
        return SQL("(CASE %s %s END)", reason, SQL(" ").join(cases))

    @api.model
    def _find_waiting_sources(self, alias, today):
        """Return where it stands that a letter or an activity waits.

        :return: dict code of the reason -> (expression for the day, FROM … WHERE …)
        """
        letters = {
            work.LETTER_UNKNOWN: SQL("letter.state = 'unknown'"),
            work.LETTER_FAILED: SQL("letter.state = 'failed' AND letter.failure_open"),
            work.REVIEW: SQL(
                "letter.state = 'proposed' AND EXISTS (SELECT FROM credit_dunning_run"
                " run WHERE run.id = letter.run_id AND run.state = 'proposed')"
            ),
        }
        activities = {
            work.CALL_DUE: SQL("kind.category = 'phonecall'"),
            work.TASK_DUE: SQL("kind.category IS DISTINCT FROM 'phonecall'"),
        }
        return (
            {
                code: (
                    SQL("MIN(letter.create_date)::date"),
                    SQL(
                        "FROM credit_dunning_letter letter"
                        " WHERE letter.profile_id = %s.id AND %s",
                        alias,
                        condition,
                    ),
                )
                for code, condition in letters.items()
            }
            | {
                code: (
                    SQL("MIN(activity.date_deadline)"),
                    SQL(
                        "FROM mail_activity activity"
                        " LEFT JOIN mail_activity_type kind"
                        " ON kind.id = activity.activity_type_id"
                        " WHERE activity.res_model = 'credit.profile'"
                        " AND activity.res_id = %s.id AND activity.active"
                        " AND activity.date_deadline <= %s AND %s",
                        alias,
                        today,
                        condition,
                    ),
                )
                for code, condition in activities.items()
            }
            | {
                # The task about it: done with, nothing waits any more.
                work.BROKEN_PROMISE: (
                    SQL("MIN(activity.date_deadline)"),
                    SQL(
                        "FROM (SELECT id, 'credit.promise' AS model"
                        " FROM credit_promise WHERE profile_id = %s.id"
                        " AND state IN ('broken', 'partly_kept')"
                        " UNION ALL SELECT id, 'credit.payment.plan'"
                        " FROM credit_payment_plan WHERE profile_id = %s.id"
                        " AND state = 'broken') AS given"
                        " JOIN mail_activity activity"
                        " ON activity.res_model = given.model"
                        " AND activity.res_id = given.id AND activity.active"
                        " WHERE activity.date_deadline <= %s",
                        alias,
                        alias,
                        today,
                    ),
                ),
            }
        )

    @api.model
    def _say_ledger_waits(self, alias, today, code):
        return SQL(
            "COALESCE((%s.work_ledger->>%s)::date <= %s, FALSE)",
            alias,
            code,
            today,
        )

    @api.model
    def _say_is_done(self, alias, today, code):
        return SQL(
            "COALESCE(%s.work_done_date > %s - %s"
            " AND %s.work_done @> to_jsonb(%s::text), FALSE)",
            alias,
            today,
            work.REST_DAYS,
            alias,
            code,
        )

    @api.model
    def _say_is_planned(self, alias, today):
        return SQL(
            "EXISTS (SELECT FROM mail_activity planned"
            " WHERE planned.res_model = 'credit.profile' AND planned.res_id = %s.id"
            " AND planned.active AND planned.date_deadline > %s)",
            alias,
            today,
        )

    @api.model
    def _say_is_held(self, alias, today):
        """Return the condition under which nothing is done about the customer."""
        return SQL(
            """
            %(alias)s.work_snooze_until > %(today)s
            OR %(alias)s.pause_until >= %(today)s
            AND (%(alias)s.pause_from IS NULL OR %(alias)s.pause_from <= %(today)s)
            OR EXISTS (SELECT FROM credit_exclusion exclusion
                         JOIN res_partner excluded
                           ON excluded.id = exclusion.partner_id
                        WHERE exclusion.active AND exclusion.scope = 'customer'
                          AND excluded.commercial_partner_id = %(alias)s.partner_id
                          AND exclusion.company_id = %(alias)s.company_id
                          AND (exclusion.until IS NULL
                               OR exclusion.until >= %(today)s))
            """,
            alias=alias,
            today=today,
        )

    @api.model
    def _say_today(self, alias):
        """Return the expression for the day it is for the company of the file."""
        # sudo: what day it is somewhere is no secret.
        companies_sudo = self.env["res.company"].sudo().search_fetch([], ["credit_tz"])
        by_day = {}
        for company_sudo in companies_sudo:
            by_day.setdefault(company_sudo._credit_today(), []).append(company_sudo.id)
        days = sorted(by_day, key=lambda day: -len(by_day[day]))
        if len(days) == 1:
            return SQL("%s::date", days[0])
        return SQL(
            "(CASE %s ELSE %s END)::date",
            SQL(" ").join(
                SQL("WHEN %s.company_id = ANY(%s) THEN %s", alias, by_day[day], day)
                for day in days[1:]
            ),
            days[0],
        )

    # === ACTION METHODS === #

    def action_work_done(self):
        """Note that somebody has dealt with what waits: it leaves the work list.

        Due activities are done. What the ledger asks rests for a week, unless it asks
        something new. A letter that waits wants a decision of its own.
        """
        self.check_access("write")
        for profile in self:
            if profile.work_reason in LETTER_REASONS:
                raise UserError(
                    self.env._(
                        "A letter to %(customer)s waits: open it and decide.",
                        customer=profile.partner_id.display_name,
                    )
                )
        labels = dict(self._fields["work_reason"]._description_selection(self.env))
        notes = {
            profile.id: Markup("<p>%s</p>")
            % self.env._(
                "Dealt with: %(reason)s",
                reason=labels.get(profile.work_reason, self.env._("Nothing waited")),
            )
            for profile in self
        }
        self._find_due_activities().action_feedback()
        self._set_work_done()
        self._message_log_batch(notes)

    def action_snooze(self):
        """Put customers off until the next working day; letters go on meanwhile.

        :raise UserError: put off for as long as the company allows already
        """
        self.check_access("write")
        for company, profiles in self.grouped("company_id").items():
            today = company._credit_today()
            until = self._find_next_working_day(company)
            most = company.credit_snooze_days
            for profile in profiles:
                first = profile.work_snooze_from
                if not work.may_snooze(first or None, until, today, most):
                    raise UserError(
                        self.env._(
                            "%(customer)s was put off for %(days)s days already. Deal"
                            " with it, or pause the customer and say why.",
                            customer=profile.partner_id.display_name,
                            days=most,
                        )
                    )
                # sudo: written by methods only, whoever may write the file.
                profile.sudo().write(
                    {"work_snooze_from": first or today, "work_snooze_until": until}
                )
            body = self.env._("Put off until %(day)s", day=format_date(self.env, until))
            profiles._message_log_batch(dict.fromkeys(profiles.ids, body))

    def action_open_work(self):
        """Open what waits, in a window over the list."""
        self.ensure_one()
        self.check_access("read")
        match self.work_reason:
            case work.LETTER_UNKNOWN | work.LETTER_FAILED | work.REVIEW:
                return self._open_waiting_letters()
            case work.BROKEN_PROMISE | work.CALL_DUE | work.ALL_LEVELS | work.NEW_LARGE:
                return self.action_log_call()
            case work.RECEIPT:
                return self.action_view_receipts() | {"target": "new"}
            case work.NO_EMAIL | work.ARCHIVED:
                return self.partner_id._get_records_action(target="new")
            case work.NO_DUE_DATE | work.NET_CREDIT | work.REFUND:
                return self.action_view_open_items() | {"target": "new"}
        return self._get_records_action()

    def action_log_call(self):
        """Open the window of a call with this customer."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_call_log_action"
        )
        return action | {"context": {"default_profile_id": self.id}}

    def action_propose_letter(self):
        """Propose this customer's letter today and show it, over the list."""
        self.ensure_one()
        run = self._propose_today()
        return self._open_letters(run.letter_ids)

    def action_preview_next(self):
        """Show the message that goes next, as it will go; nothing is saved.

        One that stands in a proposal or is on its way is shown as it stands there.
        """
        self.ensure_one()
        self.check_access("read")
        standing = self.env["credit.dunning.letter"].search(
            [("profile_id", "=", self.id), ("state", "in", OPEN_STATES)],
            limit=1,
        )
        if standing:
            return standing.action_preview()
        return self.env["credit.next.letter"]._preview(self)[:1]._show()

    def _open_waiting_letters(self):
        states = {
            work.LETTER_UNKNOWN: [("state", "=", "unknown")],
            work.LETTER_FAILED: [("state", "=", "failed"), ("failure_open", "=", True)],
            work.REVIEW: [
                ("state", "=", "proposed"),
                ("run_id.state", "=", "proposed"),
            ],
        }
        return self._open_letters(
            self.env["credit.dunning.letter"].search(
                [("profile_id", "=", self.id), *states[self.work_reason]]
            )
        )

    @api.model
    def _open_letters(self, letters):
        """Open letters in a window: the one, or the list of them."""
        action = letters._get_records_action(target="new")
        return action | {"name": self.env._("Letter")}

    # === BUSINESS METHODS === #

    def _find_due_activities(self, only_calls=False):
        """Return the activities of these files that are due, or all open calls."""
        domain = [("res_model", "=", self._name), ("res_id", "in", self.ids)]
        if only_calls:
            domain.append(("activity_type_id.category", "=", "phonecall"))
        activities = self.env["mail.activity"].search(domain)
        # Who speaks with the customer, speaks of what was promised.
        promised = self._find_promise_tasks()
        if only_calls:
            return activities | promised
        today = {profile.id: profile.company_id._credit_today() for profile in self}
        return activities.filtered(
            lambda activity: activity.date_deadline <= today[activity.res_id]
        ) | promised.filtered(
            lambda activity: activity.date_deadline <= max(today.values())
        )

    def _set_work_done(self):
        """Note what the ledger asks now as dealt with."""
        for company, profiles in self.grouped("company_id").items():
            today = company._credit_today()
            for profile in profiles:
                # sudo: written by methods only, whoever may write the file.
                profile.sudo().write(
                    {
                        "work_done_date": today,
                        "work_done": sorted(profile.work_ledger or {}),
                        "work_snooze_from": False,
                        "work_snooze_until": False,
                    }
                )

    @api.model
    def _find_next_working_day(self, company, days=1):
        """Return the working day that comes so many days from today."""
        day = company._credit_today() + timedelta(days=days)
        return company._credit_calendar().next_working_day(day)
