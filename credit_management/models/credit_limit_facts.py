from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..logic import limits
from ..logic.money import to_decimal
from .credit_score_facts import REPORT_COUNTS

YEAR = relativedelta(days=365)


class CreditLimitFacts(models.AbstractModel):
    """Gathers in sets what a credit limit is reckoned from.

    The number of queries does not depend on the number of customers. Amounts are in
    the currency of the company, tax included: that is what a customer comes to owe.
    """

    _name = "credit.limit.facts"
    _description = "Facts of the Credit Limit"

    @api.model
    def _gather(self, company, partners, day):
        """Return the figures of customers as of a day.

        :return: dict customer id -> ``limits.Figures``
        """
        if not partners:
            return {}
        # Plain SQL reads what the ORM has not written yet only after this.
        self.env.flush_all()
        sales = self._read_sales(company, partners, day)
        terms = self._read_terms(company, partners, day)
        scores = self.env["credit.score.facts"].with_company(company)
        items = scores._read_items(company, partners, day)
        reports = self._read_reports(company, partners, day)
        classes = self._read_classes(company, partners)
        found = {}
        for id_ in partners.ids:
            annual, peak = sales.get(id_, (None, None))
            equity, working, bureau = reports.get(id_, (None, None, None))
            found[id_] = limits.Figures(
                annual_sales=annual,
                peak_sales=peak,
                terms_days=terms.get(id_, 0),
                days_late=round(limits.compute_days_late(items.get(id_, ()), day), 1),
                tangible_equity=equity,
                working_capital=working,
                bureau_limit=bureau,
                risk_class=classes.get(id_),
            )
        return found

    @api.model
    def _suggest(self, company, partners):
        """Return the suggestions of today, and what they are reckoned from.

        :return: dict customer id -> (``limits.Figures``, ``limits.Suggestion`` or None)
        """
        figures = self._gather(company, partners, company._credit_today())
        return {
            id_: (each, limits.suggest_limit(each)) for id_, each in figures.items()
        }

    @api.model
    def _read_sales(self, company, partners, day):
        """Return sales of 365 days and of the largest month: dict customer id -> both.

        Credit notes count against sales, in the month of their own day.
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT month.customer_id, SUM(month.amount)::text,
                       MAX(month.amount)::text
                  FROM (SELECT customer.commercial_partner_id AS customer_id,
                               SUM(move.amount_total_signed) AS amount
                          FROM res_partner customer
                          -- by the contact, which the host has an index for
                          JOIN account_move move ON move.partner_id = customer.id
                         WHERE move.company_id = %(company)s
                           AND move.state = 'posted'
                           AND move.move_type
                               IN ('out_invoice', 'out_receipt', 'out_refund')
                           AND move.invoice_date > %(first)s
                           AND move.invoice_date <= %(day)s
                           AND customer.commercial_partner_id = ANY(%(partners)s)
                      GROUP BY customer.commercial_partner_id,
                               date_trunc('month', move.invoice_date)) month
              GROUP BY month.customer_id
                """,
                company=company.id,
                first=day - YEAR,
                day=day,
                partners=partners.ids,
            )
        )
        return {
            id_: (to_decimal(annual), to_decimal(peak)) for id_, annual, peak in rows
        }

    @api.model
    def _read_terms(self, company, partners, day):
        """Return days from invoice to due date: dict customer id -> days.

        As agreed with the customer; where nothing is, as the invoices of the last 365
        days gave them, by amount.
        """
        given = dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT customer.commercial_partner_id,
                           ROUND(SUM(line.balance
                                     * (line.date_maturity - move.invoice_date))
                                 / SUM(line.balance))::int
                      FROM res_partner customer
                      JOIN account_move move ON move.partner_id = customer.id
                      JOIN account_move_line line ON line.move_id = move.id
                     WHERE move.company_id = %(company)s
                       AND move.state = 'posted'
                       AND move.move_type IN ('out_invoice', 'out_receipt')
                       AND move.invoice_date > %(first)s
                       AND move.invoice_date <= %(day)s
                       AND customer.commercial_partner_id = ANY(%(partners)s)
                       AND line.display_type = 'payment_term'
                       AND line.date_maturity >= move.invoice_date
                       AND line.balance > 0
                  GROUP BY customer.commercial_partner_id
                    """,
                    company=company.id,
                    first=day - YEAR,
                    day=day,
                    partners=partners.ids,
                )
            )
        )
        # sudo: terms count for whoever may see the limit.
        partners_sudo = partners.with_company(company).sudo()
        partners_sudo.fetch(["property_payment_term_id"])
        for term_sudo, of_term in partners_sudo.grouped(
            "property_payment_term_id"
        ).items():
            if term_sudo:
                last = max(line._get_due_date(day) for line in term_sudo.line_ids)
                given |= dict.fromkeys(of_term.ids, max((last - day).days, 0))
        return given

    @api.model
    def _read_reports(self, company, partners, day):
        """Return own funds, working capital and limit of the latest credit report.

        Of those that give any of them; what is 0 was not filled in.

        :return: dict customer id -> the three
        """
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (partner_id) partner_id,
                       NULLIF(equity_amount, 0)::text,
                       NULLIF(working_capital_amount, 0)::text,
                       NULLIF(limit_amount, 0)::text
                  FROM credit_bureau_report
                 WHERE company_id = %s AND partner_id = ANY(%s) AND active
                   AND date <= %s AND date > %s
                   AND (keep_until IS NULL OR keep_until >= %s)
                   AND (equity_amount <> 0 OR working_capital_amount <> 0
                        OR limit_amount <> 0)
              ORDER BY partner_id, date DESC, id DESC
                """,
                company.id,
                partners.ids,
                day,
                day - REPORT_COUNTS,
                day,
            )
        )
        return {
            id_: tuple(each and to_decimal(each) for each in amounts)
            for id_, *amounts in rows
        }

    @api.model
    def _read_classes(self, company, partners):
        """Return the risk classes in force: dict customer id -> class."""
        # sudo: the class decides for people who may not read it.
        profiles_sudo = (
            self.env["credit.profile"]
            .sudo()
            .search(
                Domain("company_id", "=", company.id)
                & Domain("partner_id", "in", partners.ids)
            )
        )
        return {
            profile_sudo.partner_id.id: profile_sudo.risk_class_used or None
            for profile_sudo in profiles_sudo
        }
