from odoo import api, fields, models
from odoo.tools import SQL

from ..logic import work

WEIGHT_LABELS = [
    (work.NO_REACTION, "No reaction to the last letter"),
    (work.LIMIT_NEARLY_USED, "Limit nearly used"),
    (work.BROKE_BEFORE, "Broke a promise before"),
    (work.LARGE_OVERDUE, "Large amount overdue"),
]


class CreditProfilePoints(models.Model):
    """How pressing a customer on the work list is: points, and what they are for.

    The points are asked by SQL at the moment of looking, as the reason is; each of them
    is a condition of the rule in ``logic.work``, and a test compares the two.
    """

    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    work_points = fields.Integer(
        string="Points",
        compute="_compute_work_points",
        aggregator=None,
        help="The more points, the more pressing: the list begins with the most.",
    )
    work_points_why = fields.Char(
        string="Because",
        compute="_compute_work_points",
        help="What the points are for.",
    )
    # The words of the points; never set.
    work_weight = fields.Selection(WEIGHT_LABELS, store=False, readonly=True)

    @api.depends(
        "pause_from",
        "pause_until",
        "work_done_date",
        "work_snooze_until",
        "activity_ids",
    )
    @api.depends_context("lang")
    def _compute_work_points(self):
        self.work_points = 0
        self.work_points_why = False
        ids = [id_ for id_ in self.ids if id_]
        if not ids:
            return
        self._flush_points()
        alias = SQL.identifier(self._table)
        today = self._say_today(alias)
        conditions = self._say_point_conditions(alias, today)
        rows = self.env.execute_query(
            SQL(
                "SELECT id, ARRAY_REMOVE(ARRAY[%s], NULL) FROM credit_profile"
                " WHERE id = ANY(%s) AND NOT COALESCE(%s, FALSE)",
                SQL(", ").join(
                    SQL("CASE WHEN %s THEN %s END", condition, code)
                    for code, condition in conditions.items()
                ),
                ids,
                self._say_is_held(alias, today),
            )
        )
        labels = dict(self._fields["work_reason"]._description_selection(self.env))
        labels |= dict(self._fields["work_weight"]._description_selection(self.env))
        worths = self._get_worths()
        for profile_id, codes in rows:
            if not any(code in work.BY_CODE for code in codes):
                continue
            profile = self.browse(profile_id)
            worth = worths.get(profile.company_id.id, work.WORTH)
            codes = sorted(codes, key=lambda code: (-worth[code], code))
            profile.work_points = sum(worth[code] for code in codes)
            profile.work_points_why = ", ".join(
                f"{labels[code]} +{worth[code]}" for code in codes
            )

    def _field_to_sql(self, alias, field_expr, query=None):
        """Override: lists sort by the points, as they are at this moment."""
        if field_expr != "work_points":
            return super()._field_to_sql(alias, field_expr, query)
        self._flush_points()
        return self._say_work_points(SQL.identifier(alias))

    @api.model
    def _get_worths(self):
        """Return what reasons and weights are worth where a company says so itself.

        :return: dict company id -> dict code -> points
        """
        # sudo: points are no secret to whoever sees the list.
        rows_sudo = self.env["credit.work.point"].sudo().search([("code", "!=", False)])
        return {
            company.id: work.WORTH | {row.code: row.points for row in rows}
            for company, rows in rows_sudo.grouped("company_id").items()
        }

    @api.model
    def _say_worth(self, alias, worths, code):
        """Return the expression for what a reason or a weight is worth."""
        cases = [
            SQL("WHEN %s.company_id = %s THEN %s", alias, company_id, worth[code])
            for company_id, worth in worths.items()
            if worth[code] != work.WORTH[code]
        ]
        if not cases:
            return SQL("%s", work.WORTH[code])
        return SQL("CASE %s ELSE %s END", SQL(" ").join(cases), work.WORTH[code])

    @api.model
    def _flush_points(self):
        self._flush_work()
        self.env["credit.call"].flush_model()
        self.flush_model(["last_letter_date", "limit_used", "overdue_amount"])

    @api.model
    def _say_point_conditions(self, alias, today):
        """Return the conditions of points: dict code -> expression."""
        sources = self._find_waiting_sources(alias, today)
        conditions = {}
        for reason in work.REASONS:
            if reason.rests:
                conditions[reason.code] = SQL(
                    "%s AND NOT %s AND NOT %s",
                    self._say_ledger_waits(alias, today, reason.code),
                    self._say_is_done(alias, today, reason.code),
                    self._say_is_planned(alias, today),
                )
            else:
                _day, source = sources[reason.code]
                conditions[reason.code] = SQL("EXISTS (SELECT %s)", source)
        return conditions | {
            work.NO_REACTION: SQL(
                "%(alias)s.last_letter_date <= %(today)s - %(days)s"
                " AND NOT EXISTS (SELECT FROM credit_call call"
                " WHERE call.profile_id = %(alias)s.id"
                " AND call.date >= %(alias)s.last_letter_date)",
                alias=alias,
                today=today,
                days=work.REACTION_DAYS,
            ),
            work.LIMIT_NEARLY_USED: SQL("%s.limit_used >= %s", alias, work.NEARLY_USED),
            work.BROKE_BEFORE: SQL(
                "EXISTS (SELECT FROM credit_promise broken"
                " WHERE broken.profile_id = %s.id AND broken.state = 'broken'"
                # The one that waits has its points already.
                " AND NOT EXISTS (SELECT FROM mail_activity task"
                " WHERE task.res_model = 'credit.promise' AND task.active"
                " AND task.res_id = broken.id))"
                " OR EXISTS (SELECT FROM credit_payment_plan broken"
                " WHERE broken.profile_id = %s.id AND broken.state = 'broken'"
                " AND NOT EXISTS (SELECT FROM mail_activity task"
                " WHERE task.res_model = 'credit.payment.plan' AND task.active"
                " AND task.res_id = broken.id))",
                alias,
                alias,
            ),
            work.LARGE_OVERDUE: SQL(
                "%(alias)s.overdue_amount >= (SELECT NULLIF(owner.credit_large_amount,"
                " 0) FROM res_company owner WHERE owner.id = %(alias)s.company_id)",
                alias=alias,
            ),
        }

    @api.model
    def _say_work_points(self, alias):
        """Return the expression for the points; 0 for who is not on the list."""
        today = self._say_today(alias)
        worths = self._get_worths()
        cases = {
            code: SQL(
                "CASE WHEN %s THEN %s ELSE 0 END",
                condition,
                self._say_worth(alias, worths, code),
            )
            for code, condition in self._say_point_conditions(alias, today).items()
        }
        waits = [cases.pop(reason.code) for reason in work.REASONS]
        return SQL(
            "(CASE WHEN %s THEN 0 ELSE COALESCE(NULLIF(%s, 0) + %s, 0) END)",
            self._say_is_held(alias, today),
            SQL(" + ").join(waits),
            SQL(" + ").join(cases.values()),
        )
