from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from ..logic import exposure
from ..logic.money import to_decimal


class CreditExposureGatherer(models.AbstractModel):
    """Gathers in sets what a customer may come to owe beside the open items.

    Another module adds a part (orders, deliveries) by extending ``_get_part_queries``,
    gives it a column on the credit file and names it in ``_get_part_columns``; the rule
    and its callers stay as they are.
    """

    _name = "credit.exposure"
    _description = "Parts of the Exposure"

    @api.model
    def _read_parts(self, company, partners):
        """Return the parts of customers beside what the ledger says is open.

        In the currency of the company, each kind summed up by the database.

        :return: dict customer id -> list of ``exposure.Part``
        """
        self.env.flush_all()
        parts = defaultdict(list)
        for query in self._get_part_queries(company, partners):
            for customer_id, kind, amount in self.env.execute_query(
                SQL(
                    "SELECT customer_id, kind, SUM(amount)::text FROM (%s) AS parts"
                    " GROUP BY customer_id, kind",
                    query,
                )
            ):
                parts[customer_id].append(exposure.Part(kind, to_decimal(amount)))
        return parts

    @api.model
    def _find_documents(self, company, partner, kind):
        """Return the records that make a part of one customer.

        :return: a recordset of one model, or None where there are none
        """
        self.env.flush_all()
        rows = [
            row
            for query in self._get_part_queries(company, partner)
            for row in self.env.execute_query(
                SQL(
                    "SELECT res_model, res_id FROM (%s) AS parts WHERE kind = %s",
                    query,
                    kind,
                )
            )
        ]
        ids = sorted({res_id for _model, res_id in rows})
        return self.env[rows[0][0]].browse(ids) if rows else None

    @api.model
    def _get_part_queries(self, company, partners):
        """Return queries that tell the parts; extend to add one.

        :return: list of SQL with columns customer_id, kind, amount (in the currency of
            the company), res_model and res_id
        """
        if not company.credit_count_drafts:
            return []
        drafts = SQL(
            """
            SELECT move.commercial_partner_id AS customer_id, %(kind)s AS kind,
                   move.amount_total_signed AS amount,
                   'account.move' AS res_model, move.id AS res_id
              FROM account_move move
             WHERE move.company_id = %(company)s
               AND move.state = 'draft'
               AND move.move_type IN ('out_invoice', 'out_receipt')
               AND move.commercial_partner_id = ANY(%(partners)s)
               AND move.amount_total_signed > 0
            """,
            kind=exposure.DRAFTS,
            company=company.id,
            partners=partners.ids,
        )
        return [drafts]

    @api.model
    def _get_part_columns(self):
        """Return the column of the credit file that shows each part, and its sign."""
        return {
            exposure.IN_PROCESS: ("in_process_amount", -1),
            exposure.DRAFTS: ("draft_amount", 1),
            exposure.COVER: ("covered_amount", -1),
        }
