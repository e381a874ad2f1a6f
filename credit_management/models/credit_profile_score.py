import json

import psycopg2
from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, formatLang

from ..logic import score
from .credit_score import CLASSES, TOLD_TO


class CreditProfileScore(models.Model):
    """How a customer pays, from 0 to 100, and every point of it explained.

    The columns are refreshed in sets every day, after something changed, and at once
    for the file that is opened. Without a class there is no score: a column of whole
    numbers reads nothing as 0.
    """

    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    score = fields.Integer(
        readonly=True,
        copy=False,
        aggregator="avg",
        groups=TOLD_TO,
        help="How the customer pays: 100 is the best. None without enough history.",
    )
    risk_class = fields.Selection(
        CLASSES,
        string="Computed Class",
        readonly=True,
        copy=False,
        groups=TOLD_TO,
        help="From A, the best, to E. Empty: not enough history.",
    )
    score_factors = fields.Json(readonly=True, copy=False, groups=TOLD_TO)
    score_date = fields.Date(
        string="Score Of", readonly=True, copy=False, groups=TOLD_TO
    )
    score_explanation = fields.Html(
        compute="_compute_score_explanation", groups=TOLD_TO
    )
    score_ids = fields.One2many(
        "credit.score", "profile_id", string="Scores", readonly=True, groups=TOLD_TO
    )
    review_ids = fields.One2many(
        "credit.score.review",
        "profile_id",
        string="Reviews",
        readonly=True,
        groups=TOLD_TO,
    )
    review_id = fields.Many2one(
        "credit.score.review",
        string="Review in Force",
        compute="_compute_review_id",
        groups=TOLD_TO,
    )
    risk_class_used = fields.Selection(
        CLASSES,
        string="Class",
        compute="_compute_review_id",
        search="_search_risk_class_used",
        groups=TOLD_TO,
        help="As a person decided, else as computed.",
    )
    bureau_report_ids = fields.One2many(
        "credit.bureau.report",
        compute="_compute_bureau_report_ids",
        string="Credit Reports",
        groups=TOLD_TO,
    )

    _risk_class_idx = models.Index("(company_id, risk_class)")

    # === COMPUTE METHODS === #

    @api.depends("risk_class", "review_ids.until", "review_ids.risk_class")
    def _compute_review_id(self):
        Review = self.env["credit.score.review"]
        domains = [
            Domain("profile_id", "in", profiles.ids)
            & Domain("until", ">=", company._credit_today())
            for company, profiles in self.grouped("company_id").items()
        ]
        latest = {}
        # Oldest first: the latest one remains.
        for review in Review.search(Domain.OR(domains), order="date, id"):
            latest[review.profile_id.id] = review
        for profile in self:
            review = latest.get(profile.id, Review)
            profile.review_id = review
            profile.risk_class_used = review.risk_class or profile.risk_class

    def _search_risk_class_used(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = fields.Date.context_today(self)
        reviews = self.env["credit.score.review"].search(
            [("until", ">=", today)], order="date, id"
        )
        # Oldest first: the latest one remains.
        latest = {review.profile_id.id: review.risk_class for review in reviews}
        named = [id_ for id_, risk_class in latest.items() if risk_class in value]
        computed = Domain("risk_class", "in", list(value))
        return Domain("id", "in", named) | (
            computed & Domain("id", "not in", list(latest))
        )

    def _compute_bureau_report_ids(self):
        reports = self.env["credit.bureau.report"].search(
            [
                ("company_id", "in", self.company_id.ids),
                ("partner_id", "in", self.partner_id.ids),
            ]
        )
        for profile in self:
            profile.bureau_report_ids = reports.filtered(
                lambda report, profile=profile: (
                    report.company_id == profile.company_id
                    and report.partner_id == profile.partner_id
                )
            )

    @api.depends("score_factors")
    @api.depends_context("lang")
    def _compute_score_explanation(self):
        for profile in self:
            profile.score_explanation = self._render_factors(
                profile.score_factors or []
            )

    @api.model
    def _render_factors(self, factors):
        """Return the factors as a table: what was measured, its points, their sum."""
        if not factors:
            return False
        row = Markup(
            "<tr><td>{}</td><td class='text-end text-nowrap'>{} / {}</td></tr>"
        )
        rows = Markup().join(
            row.format(self._describe_factor(one), one["points"], one["most"])
            for one in factors
        )
        total = Markup(
            "<tr class='fw-bold'><td>{}</td>"
            "<td class='text-end text-nowrap'>{} / 100</td></tr>"
        ).format(self.env._("Score"), sum(one["points"] for one in factors))
        return Markup(
            "<table class='table table-sm mb-0'><tbody>{}{}</tbody></table>"
        ).format(rows, total)

    @api.model
    def _describe_factor(self, factor):
        """Say in words what a factor measured."""
        value = formatLang(self.env, factor["value"], digits=0)
        years = formatLang(self.env, factor["value"], digits=1)
        return {
            score.INDEX: self.env._(
                "Payment index over two years, by amount, open items with the days they"
                " are late by now: %s (80 is on terms, 50 a month late)",
                value,
            ),
            score.RECENTLY: self.env._(
                "Trend: payment index of what fell due in the last six months: %s",
                value,
            ),
            score.SHARE_LATE: self.env._(
                "%s%% of the amounts were paid, or are open, more than five days late",
                value,
            ),
            score.OLDEST: self.env._("Oldest open item: %s days late", value),
            score.UTILISATION: self.env._("%s%% of the credit limit is used", value),
            score.PROMISES: self.env._("%s%% of the promises were kept", value),
            score.AGE: self.env._("Customer for %s years", years),
            score.EXTERNAL: self.env._("Latest credit report: %s of 100", value),
        }[factor["code"]]

    # === ACTION METHODS === #

    def action_view_scores(self):
        """Open the scores of this customer over time."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_score_action"
        )
        return action | {"domain": [("profile_id", "=", self.id)], "context": {}}

    def action_view_score_items(self):
        """Open the items that the score counts."""
        self.ensure_one()
        self.check_access("read")
        facts = self.env["credit.score.facts"]._gather(
            self.company_id, self.partner_id, self.company_id._credit_today()
        )
        ids = {item.ref for item in facts[self.partner_id.id].items}
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Items of the Score"),
            "res_model": "account.move.line",
            "view_mode": "list",
            "domain": [("id", "in", sorted(ids))],
        }

    def action_review_score(self):
        """Open the window in which a person decides on the class.

        :raise AccessError: of who does not manage credit
        """
        self.ensure_one()
        self.check_access("write")
        self.env["credit.score.review"]._check_manager()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Review by a Person"),
            "res_model": "credit.score.review",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_profile_id": self.id,
                "default_risk_class": self.risk_class,
            },
        }

    # === BUSINESS METHODS === #

    def _get_risk_class(self):
        """Return the class that holds: a person's, else the computed one, else None.

        Whoever asks: a rule of credit holds for all. Show it to credit users only.
        """
        self.ensure_one()
        # sudo: the class decides for people who may not read it.
        return self.sudo().risk_class_used or None

    def _move_scores(self, kept):
        """Give scores and reviews to the file that remains; a day has one score."""
        self.ensure_one()
        days = set(kept.score_ids.mapped("date"))
        moved = self.score_ids.filtered(lambda score: score.date not in days)
        moved.profile_id = kept
        self.review_ids.profile_id = kept

    def _refresh(self):
        """Override: the score follows the figures."""
        res = super()._refresh()
        self._refresh_scores()
        return res

    def _refresh_scores(self):
        """Compute and write the scores of these files as of today, in sets."""
        for company, profiles in self.grouped("company_id").items():
            day = company._credit_today()
            scores = profiles._compute_scores(company, day)
            rows = [
                (
                    profile.id,
                    result.value if result else None,
                    result.risk_class if result else None,
                    self._dump_factors(result) if result else None,
                )
                for profile, result in scores.items()
            ]
            try:
                with self.env.cr.savepoint():
                    self._write_scores(day, rows)
                    self.env["credit.score"]._keep(
                        company, day, [row for row in rows if row[1] is not None]
                    )
            except psycopg2.errors.SerializationFailure:
                # Somebody else wrote one of them meanwhile: the job does it again.
                self._touch(company, profiles.partner_id)
        self.invalidate_model(["score", "risk_class", "score_factors", "score_date"])

    def _compute_scores(self, company, day):
        """Return the scores of these files as they were known on a day.

        :return: dict file -> ``score.Score`` or None
        """
        # sudo: the score is of the file, whoever may read the ledger.
        facts = self.sudo().env["credit.score.facts"]
        histories = facts._gather(company, self.sudo().partner_id, day)
        return {
            profile: score.compute_score(histories[profile.sudo().partner_id.id], day)
            for profile in self
        }

    @api.model
    def _dump_factors(self, result):
        return json.dumps(
            [
                {
                    "code": factor.code,
                    "value": float(round(factor.value, 1)),
                    "points": factor.points,
                    "most": factor.most,
                }
                for factor in result.factors
            ]
        )

    @api.model
    def _write_scores(self, day, rows):
        ids, values, classes, factors = (list(each) for each in zip(*rows, strict=True))
        self.env.execute_query(
            SQL(
                """
                UPDATE credit_profile
                   SET score = new.score, risk_class = new.risk_class,
                       score_factors = new.factors, score_date = %s
                  FROM unnest(%s::int[], %s::int[], %s::varchar[], %s::jsonb[])
                       AS new (id, score, risk_class, factors)
                 WHERE credit_profile.id = new.id
             RETURNING credit_profile.id
                """,
                day,
                ids,
                values,
                classes,
                factors,
            )
        )

    # === CRON === #

    @api.model
    def _cron_refresh_scores(self, batch_size=1000):
        """Refresh the scores that are not of today, and go on while there are some."""
        stale = Domain.OR(
            Domain("company_id", "=", company.id)
            & (
                Domain("score_date", "=", False)
                | Domain("score_date", "<", company._credit_today())
            )
            for (company,) in self._read_group([], ["company_id"])
        )
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=self.search_count(stale))
        profiles = self.search(stale, limit=batch_size, order="id")
        profiles = profiles.try_lock_for_update()
        profiles._refresh_scores()
        commit_progress(len(profiles))

    @api.model
    def _cron_forget_scores(self):
        """Delete scores, reviews and credit reports that were kept long enough."""
        # What an archived company kept is deleted in time, too.
        Company = self.env["res.company"].with_context(active_test=False)
        for company in Company.search([("credit_score_months", ">=", 0)]):
            today, months = company._credit_today(), company.credit_score_months
            own = Domain("company_id", "=", company.id)
            Report = self.env["credit.bureau.report"].with_context(active_test=False)
            Report.search(own & Domain("keep_until", "<", today)).unlink()
            if months > 0:
                old = today - relativedelta(months=months)
                self.env["credit.score"].search(own & Domain("date", "<", old)).unlink()
                self.env["credit.score.review"].search(
                    own & Domain("until", "<", old)
                ).unlink()
