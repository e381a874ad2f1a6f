from odoo import api, fields, models
from odoo.tools import SQL

from ..logic import score

CLASSES = [(name, name) for name, _least in score.CLASSES]
TOLD_TO = "credit_management.group_credit_user"


class CreditScore(models.Model):
    """The score of a customer on a day, as it was computed then.

    One a month, and one whenever it changed; one a day at most.
    """

    _name = "credit.score"
    _description = "Credit Score"
    _order = "date desc, id desc"
    _rec_name = "date"

    profile_id = fields.Many2one(
        "credit.profile",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    date = fields.Date(required=True, readonly=True)
    score = fields.Integer(readonly=True, aggregator="avg", groups=TOLD_TO)
    risk_class = fields.Selection(CLASSES, readonly=True, groups=TOLD_TO)
    factors = fields.Json(readonly=True, groups=TOLD_TO)
    explanation = fields.Html(compute="_compute_explanation", groups=TOLD_TO)

    _profile_date_uniq = models.UniqueIndex(
        "(profile_id, date)", "A customer has one score a day."
    )

    @api.depends("factors")
    @api.depends_context("lang")
    def _compute_explanation(self):
        for snapshot in self:
            snapshot.explanation = self.env["credit.profile"]._render_factors(
                snapshot.factors or []
            )

    @api.model
    def _keep(self, company, day, rows):
        """Keep the scores that are new this month or changed, by one INSERT.

        :param rows: (file id, score, class, factors as JSON)
        """
        if not rows:
            return
        ids, values, classes, factors = (list(each) for each in zip(*rows, strict=True))
        self.env.execute_query(
            SQL(
                """
                INSERT INTO credit_score (profile_id, company_id, date, score,
                            risk_class, factors, create_uid, write_uid, create_date,
                            write_date)
                     SELECT new.id, %(company)s, %(day)s, new.score, new.risk_class,
                            new.factors, %(uid)s, %(uid)s,
                            now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
                       FROM unnest(%(ids)s::int[], %(values)s::int[],
                                   %(classes)s::varchar[], %(factors)s::jsonb[])
                            AS new (id, score, risk_class, factors)
          LEFT JOIN LATERAL (SELECT old.date, old.score, old.risk_class
                               FROM credit_score old
                              WHERE old.profile_id = new.id
                           ORDER BY old.date DESC LIMIT 1) last ON TRUE
                      WHERE last.date IS NULL
                         OR date_trunc('month', last.date)
                            <> date_trunc('month', %(day)s::date)
                         OR last.score <> new.score
                         OR last.risk_class <> new.risk_class
                ON CONFLICT (profile_id, date) DO UPDATE
                        SET score = EXCLUDED.score, risk_class = EXCLUDED.risk_class,
                            factors = EXCLUDED.factors
                  RETURNING id
                """,
                company=company.id,
                day=day,
                uid=self.env.uid,
                ids=ids,
                values=values,
                classes=classes,
                factors=factors,
            )
        )
        self.invalidate_model()
