from odoo import api, fields, models
from odoo.tools import SQL

OPENED, SETTLED = "opened", "settled"


class CreditDisputeReport(models.Model):
    """Disputes as they come and go: a row for the day each was opened, and settled.

    Not a table: asked of the disputes whenever somebody looks.
    """

    _name = "credit.dispute.report"
    _description = "Dispute Analysis"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "dispute_id"

    _depends = {
        "credit.dispute": [
            "amount_disputed_company",
            "cause_id",
            "closed_date",
            "company_id",
            "days_to_settle",
            "opened_date",
            "partner_id",
            "reason_id",
            "user_id",
        ],
        "res.company": ["currency_id"],
    }

    dispute_id = fields.Many2one("credit.dispute", readonly=True)
    kind = fields.Selection(
        [(OPENED, "Opened"), (SETTLED, "Settled")], string="What", readonly=True
    )
    date = fields.Date(string="Day", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    reason_id = fields.Many2one("credit.dispute.reason", readonly=True)
    cause_id = fields.Many2one(
        "credit.dispute.cause", string="Root Cause", readonly=True
    )
    user_id = fields.Many2one("res.users", string="Owner", readonly=True)
    amount = fields.Monetary(
        string="Disputed", readonly=True, help="In the currency of the company."
    )
    dispute_count = fields.Integer(string="Disputes", readonly=True)
    days_mean = fields.Float(
        string="Days to Settle, Mean",
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="From the day a dispute was opened to the day it was settled.",
    )
    days_median = fields.Float(
        string="Days to Settle, Median",
        readonly=True,
        aggregator="avg",
        digits=(16, 1),
        help="Half of the disputes were settled within so many days.",
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT dispute.id * 2 + (event.kind = 'settled')::int AS id,
                   dispute.id AS dispute_id, event.kind, event.date,
                   dispute.company_id, company.currency_id, dispute.partner_id,
                   dispute.reason_id, dispute.cause_id, dispute.user_id,
                   1 AS dispute_count,
                   dispute.amount_disputed_company AS amount,
                   event.days AS days_mean, event.days AS days_median
              FROM credit_dispute dispute
              JOIN res_company company ON company.id = dispute.company_id
        CROSS JOIN LATERAL (
                       VALUES ('opened', dispute.opened_date, NULL::int),
                              ('settled', dispute.closed_date, dispute.days_to_settle)
                   ) AS event (kind, date, days)
             WHERE event.date IS NOT NULL
            """
        )

    def _read_group_select(self, aggregate_spec, query):
        """Override: the median is what the days of a group are summed up to."""
        if aggregate_spec != "days_median:avg":
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY %s)",
            self._field_to_sql(self._table, "days_median", query),
        )

    # === ACTION METHODS === #

    @api.readonly
    def action_open_dispute(self):
        """Open the dispute."""
        self.ensure_one()
        self.check_access("read")
        return self.dispute_id._get_records_action()
