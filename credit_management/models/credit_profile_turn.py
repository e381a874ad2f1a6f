from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

TODAY, TOMORROW = "today", "tomorrow"


class CreditProfileTurn(models.Model):
    """Whose turn it is today, where a collector gets so many customers a day.

    The rule is ``work.is_for_today``; it is asked by SQL at the moment of looking, as
    the points are. A customer without a collector has no turn to wait for.
    """

    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    is_mine = fields.Boolean(
        string="Mine",
        compute="_compute_is_mine",
        search="_search_is_mine",
        help="One's own customers, and those of colleagues for whom one stands in.",
    )
    work_turn = fields.Selection(
        [(TODAY, "Today"), (TOMORROW, "Tomorrow")],
        string="Turn",
        compute="_compute_work_turn",
        search="_search_work_turn",
        help="A collector gets so many customers a day, the most pressing ones; the"
        " rest waits for tomorrow. See the settings.",
    )

    @api.depends("work_reason", "user_id")
    def _compute_work_turn(self):
        waiting = self.filtered("work_reason")
        (self - waiting).work_turn = False
        waiting.work_turn = TODAY
        capped = waiting.filtered(
            # sudo: how much work there is a day is told to whoever sees the list.
            lambda profile: (
                profile.user_id and profile.company_id.sudo().credit_work_cap
            )
        )
        if not capped:
            return
        self._flush_turns()
        rows = self.env.execute_query(
            self._say_ids_of_today(capped.user_id.ids, capped.company_id.ids)
        )
        (capped - self.browse(id_ for (id_,) in rows)).work_turn = TOMORROW

    @api.depends("user_id")
    @api.depends_context("uid")
    def _compute_is_mine(self):
        mine = self._get_stood_in_for()
        for profile in self:
            profile.is_mine = profile.user_id.id in mine

    def _search_is_mine(self, operator, value):
        if operator != "in":
            return NotImplemented
        mine = Domain("user_id", "in", self._get_stood_in_for())
        return mine if True in value else ~mine

    def _get_stood_in_for(self):
        return self.env["credit.absence"]._find_stood_in_for(
            self.env.user, fields.Date.context_today(self)
        )

    def _search_work_turn(self, operator, value):
        if operator != "in":
            return NotImplemented
        waits = Domain("work_reason", "!=", False)
        # sudo: how much work there is a day is told to whoever sees the list.
        capped = self.env.companies.sudo().filtered("credit_work_cap")
        free = Domain("company_id", "not in", capped.ids) | Domain(
            "user_id", "=", False
        )
        self._flush_turns()
        ranked = Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s IN (%s)",
                SQL.identifier(alias, "id"),
                model._say_ids_of_today(None, capped.ids),
            )
        )
        of_today = free | ranked if capped else Domain.TRUE
        domains = {TODAY: waits & of_today, TOMORROW: waits & ~of_today, False: ~waits}
        return Domain.OR(domains[code] for code in value if code in domains)

    def _flush_turns(self):
        self._flush_points()
        self.flush_model(["company_id", "user_id", "overdue_amount", "work_ledger"])
        self.env["res.company"].flush_model(["credit_work_cap"])

    @api.model
    def _say_ids_of_today(self, user_ids, company_ids):
        """Return the query for the files whose turn it is today, where there is a cap.

        :param user_ids: collectors, ``None`` for all
        """
        one, done = SQL.identifier("one"), SQL.identifier("done")
        return SQL(
            """
            SELECT ranked.id
              FROM (SELECT one.id, one.company_id, one.user_id,
                           ROW_NUMBER() OVER (
                               PARTITION BY one.company_id, one.user_id
                               ORDER BY %(points)s DESC,
                                        one.overdue_amount DESC NULLS LAST, one.id
                           ) AS place
                      FROM credit_profile one
                     WHERE one.company_id = ANY(%(companies)s)
                       AND one.user_id IS NOT NULL
                       AND (%(every)s OR one.user_id = ANY(%(users)s))
                       AND %(reason)s IS NOT NULL) ranked
              JOIN res_company owner ON owner.id = ranked.company_id
             WHERE ranked.place <= owner.credit_work_cap - (
                       SELECT COUNT(*) FROM credit_profile done
                        WHERE done.company_id = ranked.company_id
                          AND done.user_id = ranked.user_id
                          AND done.work_done_date = %(today)s)
            """,
            points=self._say_work_points(one),
            companies=company_ids,
            every=user_ids is None,
            users=user_ids or [],
            reason=self._say_work_reason(one),
            today=self._say_today(done),
        )
