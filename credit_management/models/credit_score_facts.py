from collections import defaultdict

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from ..logic import score
from ..logic.money import to_decimal

# An older report says little of a customer today.
REPORT_COUNTS = relativedelta(years=1)


class CreditScoreFacts(models.AbstractModel):
    """Gathers in sets how customers pay, as it was known on a day.

    The number of queries does not depend on the number of customers. What happened
    after the day is not read: a payment counts from the later of the days of the two
    entries it joins, a report from its own date, a promise from the day on which it
    was decided.
    """

    _name = "credit.score.facts"
    _description = "Facts of the Score"

    @api.model
    def _gather(self, company, partners, day):
        """Return what is known of customers on a day.

        :return: dict customer id -> ``score.History``
        """
        if not partners:
            return {}
        # Plain SQL reads what the ORM has not written yet only after this.
        self.env.flush_all()
        items = self._read_items(company, partners, day)
        since = self._read_customer_since(company, partners, day)
        used = self._read_utilisation(company, partners, day)
        promises = self._read_promises(company, partners, day)
        external = self._read_external(company, partners, day)
        return {
            id_: score.History(
                items=tuple(items.get(id_, ())),
                utilisation=used.get(id_),
                promises_kept=promises.get(id_),
                customer_since=since.get(id_),
                external=external.get(id_),
            )
            for id_ in partners.ids
        }

    @api.model
    def _read_items(self, company, partners, day):
        """Return what fell due before a day: dict customer id -> list of items.

        In the currency of the company. What a credit note took away was never owed and
        is left out from its day on; whatever else settles an item counts as paid.
        """
        accounts = self.env["credit.dunning.facts"]._get_receivable_accounts(company)
        if not accounts:
            return {}
        rows = self.env.execute_query(
            SQL(
                """
                WITH item AS (
                    SELECT line.id, customer.commercial_partner_id AS customer_id,
                           COALESCE(line.date_maturity, move.invoice_date, move.date)
                               AS due,
                           line.balance
                      FROM account_move_line line
                      JOIN account_move move ON move.id = line.move_id
                      JOIN account_journal journal ON journal.id = line.journal_id
                      JOIN res_partner customer ON customer.id = line.partner_id
                     WHERE line.company_id = %(company)s
                       AND line.parent_state = 'posted'
                       AND line.account_id = ANY(%(accounts)s)
                       AND line.balance > 0
                       AND line.date <= %(day)s
                       AND COALESCE(line.date_maturity, move.invoice_date, move.date)
                           < %(day)s
                       AND customer.commercial_partner_id = ANY(%(partners)s)
                       AND (move.move_type IN ('out_invoice', 'out_receipt')
                            OR (move.move_type = 'entry'
                                AND journal.type IN ('sale', 'general')
                                AND journal.id IS DISTINCT FROM %(exchange)s))
                ), part AS (
                    SELECT item.id, match.amount, match.max_date,
                           other.move_type = 'out_refund'
                           OR EXISTS (SELECT FROM credit_dispute dispute
                                       WHERE dispute.write_off_id = other.id)
                           AS is_credit
                      FROM item
                      JOIN account_partial_reconcile match
                        ON match.debit_move_id = item.id
                       AND match.max_date <= %(day)s
                      JOIN account_move_line other_line
                        ON other_line.id = match.credit_move_id
                      JOIN account_move other ON other.id = other_line.move_id
                ), settled AS (
                    SELECT id, SUM(amount) AS amount FROM part GROUP BY id
                )
                SELECT item.customer_id, item.id, item.due, part.amount::text,
                       part.max_date
                  FROM part JOIN item ON item.id = part.id
                 WHERE NOT part.is_credit AND item.due >= %(first)s
                 UNION ALL
                SELECT item.customer_id, item.id, item.due,
                       (item.balance - COALESCE(settled.amount, 0))::text, NULL
                  FROM item LEFT JOIN settled ON settled.id = item.id
                 WHERE item.balance > COALESCE(settled.amount, 0)
              ORDER BY 1, 3, 2, 5
                """,
                company=company.id,
                accounts=accounts.ids,
                day=day,
                partners=partners.ids,
                exchange=company.currency_exchange_journal_id.id or None,
                first=day - score.HISTORY,
            )
        )
        found = defaultdict(list)
        for customer_id, ref, due, amount, paid in rows:
            found[customer_id].append(
                score.PaidItem(to_decimal(amount), due, paid, ref)
            )
        return found

    @api.model
    def _read_customer_since(self, company, partners, day):
        """Return the day of the first invoice: dict customer id -> date."""
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT customer.commercial_partner_id, MIN(move.invoice_date)
                      FROM res_partner customer
                      -- by the contact, which the host has an index for
                      JOIN account_move move ON move.partner_id = customer.id
                     WHERE move.company_id = %s AND move.state = 'posted'
                       AND move.move_type IN ('out_invoice', 'out_receipt')
                       AND move.invoice_date <= %s
                       AND customer.commercial_partner_id = ANY(%s)
                  GROUP BY customer.commercial_partner_id
                    """,
                    company.id,
                    day,
                    partners.ids,
                )
            )
        )

    @api.model
    def _read_utilisation(self, company, partners, day):
        """Return the share of the limits used, in percent: dict customer id -> it.

        It is known of the day of the figures alone: of a day in the past nothing.
        """
        return {
            id_: to_decimal(used)
            for id_, used in self.env.execute_query(
                SQL(
                    """
                    SELECT partner_id, limit_used::text
                      FROM credit_profile
                     WHERE company_id = %s AND figures_date = %s
                       AND limit_used IS NOT NULL AND partner_id = ANY(%s)
                    """,
                    company.id,
                    day,
                    partners.ids,
                )
            )
        }

    @api.model
    def _read_promises(self, company, partners, day):
        """Return the share of promises kept: dict customer id -> 0 to 1.

        Of those decided by the day, as they are judged today. A payment plan is a
        promise, too.
        """
        return {
            id_: to_decimal(share)
            for id_, share in self.env.execute_query(
                SQL(
                    """
                    SELECT partner_id,
                           AVG(CASE WHEN state = 'kept' THEN 1 ELSE 0 END)::text
                      FROM (SELECT company_id, partner_id, state, decided_date
                              FROM credit_promise
                             UNION ALL
                            SELECT company_id, partner_id, state, closed_date
                              FROM credit_payment_plan) AS given
                     WHERE company_id = %s AND partner_id = ANY(%s)
                       AND state IN ('kept', 'partly_kept', 'broken')
                       AND decided_date <= %s AND decided_date >= %s
                  GROUP BY partner_id
                    """,
                    company.id,
                    partners.ids,
                    day,
                    day - score.HISTORY,
                )
            )
        }

    @api.model
    def _read_external(self, company, partners, day):
        """Return the latest rating of a report: dict customer id -> 0 to 100."""
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT DISTINCT ON (partner_id) partner_id, rating
                      FROM credit_bureau_report
                     WHERE company_id = %s AND partner_id = ANY(%s) AND active
                       AND has_rating AND date <= %s AND date > %s
                       AND (keep_until IS NULL OR keep_until >= %s)
                  ORDER BY partner_id, date DESC, id DESC
                    """,
                    company.id,
                    partners.ids,
                    day,
                    day - REPORT_COUNTS,
                    day,
                )
            )
        )
