from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class AccountJournal(models.Model):
    _inherit = "account.journal"

    def _fill_sale_purchase_dashboard_data(self, dashboard_data):
        """Override of `account`: say on sales journals what dunning waits for.

        Of the late invoices that the card shows anyway, those nobody was written to
        about; and the letters that wait for a review. Only for those who may read them.
        """
        res = super()._fill_sale_purchase_dashboard_data(dashboard_data)
        sales = self.filtered(lambda journal: journal.type == "sale")
        if not sales or not self.env["credit.dunning.letter"].has_access("read"):
            return res
        silent = sales._read_credit_silent()
        letters = sales._count_credit_letters()
        for journal in sales:
            # sudo: who may read a journal may not always read its company.
            currency = journal.currency_id or journal.company_id.sudo().currency_id
            currency = currency.with_env(self.env)
            count, amount = self._count_results_and_sum_amounts(
                silent.get(journal.id, []), currency
            )
            dashboard_data[journal.id].update(
                {
                    "credit_silent_count": count,
                    "credit_silent_amount": currency.format(amount),
                    "credit_letter_count": letters.get(journal.id, 0),
                }
            )
        return res

    def _read_credit_silent(self):
        """Return late invoices that no letter told of, as the host sums them up.

        Late is an invoice with an open instalment past its due date. What is left of
        it counts as a whole, as in the list behind the figure.

        :return: dict journal id -> list of dicts, one a company and currency
        """
        today = fields.Date.context_today(self)
        late = self.env["account.move.line"]._search(
            Domain("company_id", "in", self.env.companies.ids)
            & Domain("account_id.account_type", "=", "asset_receivable")
            & Domain("parent_state", "=", "posted")
            & Domain("reconciled", "=", False)
            & Domain("amount_residual", ">", 0)
            & Domain("date_maturity", "<", today)
            & Domain("journal_id", "in", self.ids)
        )
        query = self.env["account.move"]._search(
            Domain("id", "in", late.subselect("move_id"))
            & Domain("company_id", "in", self.env.companies.ids)
            & Domain("move_type", "in", ("out_invoice", "out_receipt"))
            & Domain("payment_state", "in", ("not_paid", "partial"))
            & Domain("credit_level_id", "=", False)
        )
        rows = self.env.execute_query_dict(
            SQL(
                "%s GROUP BY journal_id, company_id, currency_id",
                query.select(
                    SQL("journal_id"),
                    SQL("company_id"),
                    SQL("currency_id AS currency"),
                    SQL("SUM(amount_residual_signed) AS amount_total_company"),
                    SQL("SUM(amount_residual) AS amount_total"),
                    SQL("COUNT(*)"),
                ),
            )
        )
        found = {}
        for row in rows:
            found.setdefault(row["journal_id"], []).append(row)
        return found

    def _get_credit_letter_domain(self):
        """Return which letter items wait for a review and name invoices of these."""
        return (
            Domain("state", "=", "proposed")
            & Domain("letter_id.run_id.state", "=", "proposed")
            & Domain("company_id", "in", self.env.companies.ids)
            & Domain("move_id.journal_id", "in", self.ids)
        )

    def _count_credit_letters(self):
        """Return how many letters wait for a review: dict journal id -> number."""
        return {
            journal.id: count
            for journal, count in self.env["credit.dunning.letter.line"]._read_group(
                self._get_credit_letter_domain(),
                ["move_id.journal_id"],
                ["letter_id:count_distinct"],
            )
        }

    def action_view_credit_letters(self):
        """Open the letters about invoices of this journal that wait for a review."""
        self.ensure_one()
        self.check_access("read")
        lines = self.env["credit.dunning.letter.line"]._search(
            self._get_credit_letter_domain()
        )
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_letter_action"
        )
        letter_ids = [
            row[0] for row in self.env.execute_query(lines.select("letter_id"))
        ]
        return action | {
            "display_name": self.env._("To Review"),
            "domain": [("id", "in", sorted(set(letter_ids)))],
            "context": {},
        }
