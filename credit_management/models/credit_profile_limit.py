from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date, formatLang

from ..logic import limits as rule
from ..logic.money import to_decimal
from .credit_outgoing_mixin import NO_NOTICE
from .credit_score import CLASSES, TOLD_TO
from .credit_sql import take_turn
from .res_partner import DOOR

REVIEW_TYPE = "credit_management.mail_activity_type_limit_review"
BATCH = 200


class CreditProfileLimit(models.Model):
    """How a limit comes about: what is suggested, who decided, when to look again.

    The limit itself stays on the customer, where the host keeps it; it is written by
    ``_apply_limit`` alone, and what was typed in directly is noted as a request.
    """

    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    limit_request_ids = fields.One2many(
        "credit.limit.request", "profile_id", string="Limit Requests", readonly=True
    )
    limit_request_count = fields.Integer(compute="_compute_limit_request_count")
    limit_note = fields.Char(
        compute="_compute_limit_note", help="Until when the limit holds, and what then."
    )
    suggested_limit = fields.Monetary(
        compute="_compute_suggestion",
        groups=TOLD_TO,
        help="What the figures suggest. Nothing applies it but a person, or the policy"
        " of the company where that is switched on.",
    )
    suggestion_text = fields.Html(
        compute="_compute_suggestion", string="How It Is Reckoned", groups=TOLD_TO
    )
    limit_decided_date = fields.Date(
        string="Limit Decided On",
        readonly=True,
        copy=False,
        help="Day on which somebody last decided on the limit, or looked at it.",
    )
    limit_review_date = fields.Date(
        string="Review of the Limit",
        readonly=True,
        copy=False,
        help="Day on which somebody looks at the limit again, by the class of the"
        " customer.",
    )
    limit_review_asked = fields.Date(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="The review for which a task was made.",
    )

    _limit_review_idx = models.Index(
        "(company_id, limit_review_date) WHERE limit_review_date IS NOT NULL"
    )

    # === COMPUTE METHODS === #

    def _compute_limit_request_count(self):
        counts = dict(
            self.env["credit.limit.request"]._read_group(
                [("profile_id", "in", self.ids)], ["profile_id"], ["__count"]
            )
        )
        for profile in self:
            profile.limit_request_count = counts.get(profile, 0)

    @api.depends("credit_limit", "limit_request_ids.state")
    @api.depends_context("lang")
    def _compute_limit_note(self):
        Request = self.env["credit.limit.request"]
        holding = {each.profile_id: each for each in Request._find_temporary(self)}
        for profile in self:
            profile.limit_note = False
            request_sudo = holding.get(profile)
            if request_sudo and not profile.currency_id.compare_amounts(
                request_sudo.granted_limit, profile.credit_limit
            ):
                profile.limit_note = self.env._(
                    "Until %(day)s, then %(limit)s again",
                    day=format_date(self.env, request_sudo.date_until),
                    limit=profile._format_limit(request_sudo.limit_after),
                )

    @api.depends("partner_id", "company_id")
    @api.depends_context("lang")
    def _compute_suggestion(self):
        suggestions = self._suggest_limits()
        for profile in self:
            suggestion = suggestions.get(profile) or {}
            profile.suggested_limit = suggestion.get("amount", 0.0)
            profile.suggestion_text = self._render_suggestion(
                suggestion, profile.currency_id
            )

    # === THE SUGGESTION === #

    def _suggest_limits(self):
        """Return what is suggested for these files now, in sets.

        :return: dict file -> figures and result, as they are kept with a decision
        """
        found = {}
        for company, profiles in self.grouped("company_id").items():
            suggestions = (
                self.env["credit.limit.facts"]
                .sudo()  # sudo: figures of the file, whoever may read the ledger
                .with_company(company)
                ._suggest(company, profiles.sudo().partner_id)
            )
            for profile in profiles:
                # sudo: whose file it is.
                id_ = profile.sudo().partner_id.id
                if id_ in suggestions:
                    found[profile] = self._dump_suggestion(*suggestions[id_])
        return found

    @api.model
    def _dump_suggestion(self, figures, suggestion):
        """Return a suggestion as it is kept: numbers, no words."""

        def number(value):
            return None if value is None else float(value)

        return {
            "annual": number(figures.annual_sales),
            "peak": number(figures.peak_sales),
            "terms": figures.terms_days,
            "late": number(figures.days_late),
            "equity": number(figures.tangible_equity),
            "working": number(figures.working_capital),
            "bureau": number(figures.bureau_limit),
            "risk_class": figures.risk_class,
        } | (
            {
                "ways": [[way.code, float(way.amount)] for way in suggestion.ways],
                "bound": float(suggestion.bound),
                "factor": float(suggestion.factor),
                "amount": float(suggestion.amount),
            }
            if suggestion
            else {}
        )

    @api.model
    def _render_suggestion(self, suggestion, currency):
        """Return the arithmetic as a table: each way, the smallest, the class, the end.

        :param suggestion: as ``_dump_suggestion`` made it
        """
        if not suggestion or not suggestion.get("ways"):
            return False
        row = Markup("<tr><td>{}</td><td class='text-end text-nowrap'>{}</td></tr>")
        rows = [
            row.format(
                self._describe_way(code, suggestion, currency), currency.format(amount)
            )
            for code, amount in suggestion["ways"]
        ]
        rows += [
            row.format(
                self.env._("The least of what is needed and what can be borne"),
                currency.format(suggestion["bound"]),
            ),
            row.format(
                self._describe_factor_of_class(suggestion),
                currency.format(suggestion["bound"] * suggestion["factor"]),
            ),
        ]
        total = Markup(
            "<tr><td><strong>{}</strong></td>"
            "<td class='text-end text-nowrap'><strong>{}</strong></td></tr>"
        ).format(
            self.env._("Suggested, rounded down to hundreds"),
            currency.format(suggestion["amount"]),
        )
        return Markup(
            "<table class='table table-sm mb-0'><tbody>{}{}</tbody></table>"
        ).format(Markup().join(rows), total)

    @api.model
    def _describe_factor_of_class(self, suggestion):
        percent = formatLang(self.env, suggestion["factor"] * 100, digits=0)
        if not suggestion["risk_class"]:
            return self.env._("Of that %(percent)s%%: no class yet", percent=percent)
        return self.env._(
            "Of that %(percent)s%%: class %(class)s",
            **{"percent": percent, "class": suggestion["risk_class"]},
        )

    @api.model
    def _describe_way(self, code, suggestion, currency):
        """Say in words, with its numbers, how one way reckons."""

        def money(name):
            return currency.format(suggestion[name])

        days = {
            "terms": suggestion["terms"],
            "late": formatLang(self.env, suggestion["late"], digits=1),
        }
        match code:
            case rule.NEED:
                return self.env._(
                    "Need: sales of 365 days %(amount)s ÷ 365 × (%(terms)s days to pay"
                    " + %(late)s days late)",
                    amount=money("annual"),
                    **days,
                )
            case rule.PEAK:
                return self.env._(
                    "Peak: sales of the largest month %(amount)s ÷ 30 × (%(terms)s days"
                    " to pay + %(late)s days late)",
                    amount=money("peak"),
                    **days,
                )
            case rule.NET_WORTH:
                return self.env._("10%% of own funds of %s", money("equity"))
            case rule.WORKING_CAPITAL:
                return self.env._("20%% of working capital of %s", money("working"))
            case rule.BUREAU:
                return self.env._("Recommended by the latest credit report")
        return code

    # === ACTION METHODS === #

    def action_ask_limit(self):
        """Open a new request for this customer."""
        return self._open_new_request()

    def action_use_suggestion(self):
        """Open a new request for the limit that is suggested."""
        self.ensure_one()
        self.check_access("write")
        if self.suggested_limit <= 0:
            raise UserError(
                self.env._("Nothing is suggested that could be used as a limit.")
            )
        return self._open_new_request(
            default_asked_limit=self.suggested_limit,
            default_reason=self.env._("As the figures suggest"),
        )

    def _open_new_request(self, **context):
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Ask for a Limit"),
            "res_model": "credit.limit.request",
            "view_mode": "form",
            "context": {
                "default_partner_id": self.partner_id.id,
                "default_company_id": self.company_id.id,
                **context,
            },
        }

    def action_view_limit_requests(self):
        """Open the requests of this customer: the history of the limit."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_limit_request_action"
        )
        return action | {
            "domain": [("profile_id", "=", self.id)],
            "context": {
                "default_partner_id": self.partner_id.id,
                "default_company_id": self.company_id.id,
            },
        }

    def action_limit_reviewed(self):
        """Note that the limit was looked at and stays: the next review is counted anew.

        :raise AccessError: of who does not manage credit
        """
        self.check_access("write")
        if not self.env.user.has_group("credit_management.group_credit_manager"):
            raise AccessError(
                self.env._("Only credit managers review limits. Ask one of them.")
            )
        # sudo: what happened is written by what happens, after the checks.
        for profile_sudo in self.sudo():
            profile_sudo._note_limit_decided()
            profile_sudo._message_log(
                body=self.env._(
                    "Limit reviewed: %(limit)s stays.",
                    limit=profile_sudo._format_limit(profile_sudo.credit_limit),
                )
            )

    # === THE ONE DOOR === #

    def _inverse_credit_limit(self):
        """Write a limit that was typed in and note it as a request; or it needs one.

        :raise AccessError: of who does not manage credit
        :raise UserError: a limit below zero, or one that needs four eyes
        """
        if not self.env.su and not self.env.user.has_group(
            "credit_management.group_credit_manager"
        ):
            raise AccessError(
                self.env._("Only credit managers set credit limits. Ask one of them.")
            )
        for profile in self:
            if profile.credit_limit < 0:
                raise UserError(
                    self.env._(
                        "A credit limit cannot be below zero. 0 means: no limit."
                    )
                )
        for company, profiles in self.grouped("company_id").items():
            changes = {}
            for profile in profiles:
                # sudo: a credit manager need not be allowed to edit contacts.
                partner_sudo = profile.partner_id.with_company(company).sudo()
                if partner_sudo.credit_limit != profile.credit_limit:
                    changes[profile.partner_id] = (
                        partner_sudo.credit_limit,
                        profile.credit_limit,
                    )
            self._change_limits_directly(company, changes)

    @api.model
    def _change_limits_directly(self, company, changes):
        """Write limits that a person typed in on the credit file, and note them."""
        if not changes:
            return
        self._check_limits_directly(company, changes)
        for partner, (_before, now) in changes.items():
            self._get_or_create(company, partner).sudo()._apply_limit(now)
        self.env["credit.limit.request"]._record(
            company, changes, "staff", self.env._("Changed directly")
        )

    @api.model
    def _check_limits_directly(self, company, changes):
        """Refuse limits that one person alone may not set.

        :raise UserError: says to make a request
        """
        if self.env.su:
            return
        for partner, (_before, now) in changes.items():
            if company._credit_needs_four_eyes(now):
                raise UserError(
                    self.env._(
                        "A limit above %(amount)s needs two people. Make a limit"
                        " request for %(customer)s: Credit Management > Credit > Limit"
                        " Requests.",
                        # sudo: the amount is told to whom it stops.
                        amount=company.currency_id.format(
                            company.sudo().credit_limit_four_eyes_amount
                        ),
                        customer=partner.sudo().name,
                    )
                )

    def _apply_limit(self, limit):
        """Write the limit where the host keeps it, and say so on file and customer.

        The caller decided, with sudo; nobody is asked here.
        """
        self.ensure_one()
        partner_sudo = self._get_limit_partner()
        before = partner_sudo.credit_limit
        if not self.currency_id.compare_amounts(before, limit):
            return
        partner_sudo.with_context(**{DOOR: True}).credit_limit = limit
        self._note_limit_changed(before, limit)

    def _get_limit_partner(self):
        # sudo: whoever decides on a limit need not be allowed to edit contacts.
        return self.partner_id.with_company(self.company_id).sudo()

    def _note_limit_changed(self, before, now):
        """Leave a trace on file and customer; on the customer without amounts.

        Those who may see a customer may not see what it is trusted with.
        """
        self.ensure_one()
        self._message_log(
            body=self.env._(
                "Credit limit: %(before)s → %(now)s",
                before=self._format_limit(before),
                now=self._format_limit(now),
            )
        )
        self._get_limit_partner()._message_log(
            body=self.env._("The credit limit was changed: see the credit file.")
        )

    def _take_turn(self):
        """Let those who change the limit, or pay, come one after the other."""
        take_turn(self)

    # === REVIEW === #

    def _note_limit_decided(self):
        """Count the time to the next review from today; tasks to review are done."""
        for company, profiles_sudo in self.sudo().grouped("company_id").items():
            # sudo: what happened is written by what happens.
            profiles_sudo.limit_decided_date = company._credit_today()
            self._refresh_review_dates(company, profiles_sudo)
        self.sudo().activity_unlink([REVIEW_TYPE])

    @api.model
    def _refresh_review_dates(self, company, profiles=None):
        """Write when limits are reviewed, by the class in force, by one UPDATE.

        Limits that were there before us count from the day on which we first saw them.
        Without a limit there is nothing to review.
        """
        self.env.flush_all()
        today = company._credit_today()
        # sudo: choices of the company, whoever asks.
        company_sudo = company.sudo()
        days = {
            name: company_sudo[f"credit_review_days_{name.lower()}"]
            for name, _label in CLASSES
        }
        fallback = (
            self.env["res.partner"]
            .with_company(company)
            ._fields["credit_limit"]
            .get_company_dependent_fallback(
                self.env["res.partner"].with_company(company)
            )
        )
        self.env.execute_query(
            SQL(
                """
                WITH known AS (
                    SELECT profile.id,
                           COALESCE((customer.credit_limit ->> %(key)s)::numeric,
                                    %(fallback)s) > 0 AS has_limit,
                           COALESCE(profile.limit_decided_date, %(today)s) AS decided,
                           COALESCE((%(days)s::jsonb ->>
                               COALESCE(review.risk_class, profile.risk_class))::int,
                               %(other)s) AS days
                      FROM credit_profile profile
                      JOIN res_partner customer ON customer.id = profile.partner_id
         LEFT JOIN LATERAL (SELECT risk_class
                              FROM credit_score_review review
                             WHERE review.profile_id = profile.id
                               AND review.until >= %(today)s
                          ORDER BY review.date DESC, review.id DESC
                             LIMIT 1) review ON TRUE
                     WHERE profile.company_id = %(company)s AND %(which)s
                ), due AS (
                    SELECT id, CASE WHEN has_limit THEN decided END AS decided,
                           CASE WHEN has_limit AND days > 0 THEN decided + days END
                               AS review
                      FROM known
                )
                UPDATE credit_profile profile
                   SET limit_decided_date = due.decided,
                       limit_review_date = due.review
                  FROM due
                 WHERE profile.id = due.id
                   AND (profile.limit_decided_date IS DISTINCT FROM due.decided
                        OR profile.limit_review_date IS DISTINCT FROM due.review)
             RETURNING profile.id
                """,
                key=str(company.id),
                fallback=fallback or 0,
                today=today,
                days=self._dump_days(days),
                other=company_sudo.credit_review_days_none,
                company=company.id,
                which=SQL("profile.id = ANY(%s)", profiles.ids)
                if profiles is not None
                else SQL("TRUE"),
            )
        )
        self.invalidate_model(["limit_decided_date", "limit_review_date"])

    @api.model
    def _dump_days(self, days):
        return SQL(
            "jsonb_build_object(%s)",
            SQL(", ").join(SQL("%s, %s", name, each) for name, each in days.items()),
        )

    @api.model
    def _cron_review_limits(self, batch_size=BATCH):
        """Say when limits are reviewed, and give a task for each that is due, once."""
        due = Domain.FALSE
        for (company,) in self._read_group([], ["company_id"]):
            self._refresh_review_dates(company)
            due |= Domain("company_id", "=", company.id) & Domain(
                "limit_review_date", "<=", company._credit_today()
            )
        self.env.flush_all()
        profiles = self.search(
            due
            & Domain.custom(
                to_sql=lambda model, alias, query: SQL(
                    "%(alias)s.limit_review_asked IS DISTINCT FROM"
                    " %(alias)s.limit_review_date",
                    alias=SQL.identifier(alias),
                )
            ),
            order="id",
        )
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=len(profiles))
        for start in range(0, len(profiles), batch_size):
            batch = profiles[start : start + batch_size].try_lock_for_update()
            batch._ask_reviews()
            if not commit_progress(min(batch_size, len(profiles) - start)):
                return

    def _ask_reviews(self):
        """Give one task a file to who looks after it; nobody gets a mail for each."""
        activity_type = self.env.ref(REVIEW_TYPE)
        Activity = self.env["mail.activity"].with_context(**NO_NOTICE)
        asked = Activity.search(
            [
                ("res_model", "=", self._name),
                ("res_id", "in", self.ids),
                ("activity_type_id", "=", activity_type.id),
            ]
        )
        model_id = self.env["ir.model"]._get_id(self._name)
        summaries, values = {}, []
        for profile in self - self.browse(asked.mapped("res_id")):
            user = profile._get_informed_user(self.env["res.users"])
            if user._is_superuser():
                continue
            if user not in summaries:
                spoken = self.with_context(lang=user.lang or self.env.lang)
                summaries[user] = spoken.env._("Look at the credit limit again")
            values.append(
                {
                    "activity_type_id": activity_type.id,
                    # What is done by deciding on the limit.
                    "automated": True,
                    "summary": summaries[user],
                    "res_model_id": model_id,
                    "res_id": profile.id,
                    "user_id": user.id,
                    "date_deadline": profile.limit_review_date
                    or profile.company_id._credit_today(),
                }
            )
        Activity.create(values)
        for day, profiles in self.grouped("limit_review_date").items():
            # sudo: what happened is written by what happens.
            profiles.sudo().limit_review_asked = day

    # === THE POLICY === #

    @api.model
    def _cron_apply_suggestions(self, batch_size=BATCH):
        """Set the limits that a company lets the figures set, up to its cap."""
        commit_progress = self.env["ir.cron"]._commit_progress
        companies = self.env["res.company"].search([("credit_limit_auto", "=", True)])
        profiles = self.browse()
        for company in companies:
            profiles |= self._find_automatic(company)
        commit_progress(remaining=len(profiles))
        for start in range(0, len(profiles), batch_size):
            batch = profiles[start : start + batch_size].try_lock_for_update()
            for company, files in batch.grouped("company_id").items():
                files._apply_suggestions(company)
            if not commit_progress(min(batch_size, len(profiles) - start)):
                return

    @api.model
    def _find_automatic(self, company):
        """Return the files whose limit the policy may set.

        Those whose limit it set itself, and those without a limit on which no person
        ever decided. What a person decided stays.
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT profile.id
                  FROM credit_profile profile
                 WHERE profile.company_id = %s
                   AND NOT EXISTS (
                       SELECT FROM credit_limit_request request
                        WHERE request.profile_id = profile.id
                          AND (request.state IN ('submitted', 'approved')
                               OR request.state = 'in_force'
                                  AND request.source <> 'system'
                               OR request.decided_by IS NOT NULL
                                  AND request.state <> 'refused'))
              ORDER BY profile.id
                """,
                company.id,
            )
        )
        profiles = self.browse(id_ for (id_,) in rows)
        # sudo: the limits the policy set, and no other.
        own_sudo = self.env["credit.limit.request"]._find_for_good(profiles)
        return profiles.filtered(
            lambda profile: not profile.credit_limit or profile in own_sudo.profile_id
        )

    def _apply_suggestions(self, company):
        """Set what is suggested for these files of one company, and note it."""
        cap = to_decimal(company.credit_limit_auto_cap)
        changes, left = {}, self.browse()
        for profile, suggestion in self._suggest_limits().items():
            amount = to_decimal(suggestion.get("amount"))
            current = profile.credit_limit
            limit = rule.find_automatic(amount, to_decimal(current), cap)
            if limit:
                changes[profile.partner_id] = (current, float(limit))
            elif current and suggestion.get("ways") and not amount:
                left |= profile
        for profile in self:
            if profile.partner_id in changes:
                profile._apply_limit(changes[profile.partner_id][1])
        self.env["credit.limit.request"]._record(
            company, changes, "system", self.env._("As the figures suggest")
        )
        # Nothing is suggested any more: 0 would be no limit, so a person decides.
        left._ask_reviews()

    # === TIMELINE === #

    @api.model
    def _read_history(self, company, profiles):
        """Override: the requests are read by SQL."""
        self.env["credit.limit.request"].flush_model()
        return super()._read_history(company, profiles)

    @api.model
    def _get_history_sources(self, company, profiles, accounts):
        """Override: limits that were decided on."""
        return [
            *super()._get_history_sources(company, profiles, accounts),
            SQL(
                """
                SELECT request.profile_id, 'limit', request.decided_date,
                       request.create_date, request.reason,
                       (CASE WHEN request.state = 'refused' THEN request.asked_limit
                             ELSE request.granted_limit END)::numeric,
                       company.currency_id, NULL, request.state,
                       'credit.limit.request', request.id
                  FROM credit_limit_request request
                  JOIN res_company company ON company.id = request.company_id
                 WHERE request.profile_id = ANY(%s)
                """,
                profiles.ids,
            ),
        ]

    @api.model
    def _say_history(self, row):
        if row["kind"] == "limit":
            states = dict(
                self.env["credit.limit.request"]
                ._fields["state"]
                ._description_selection(self.env)
            )
            return self.env._("Credit limit: %(state)s", state=states[row["state"]])
        return super()._say_history(row)
