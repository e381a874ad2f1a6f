from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL, format_amount, format_date

from ..logic import statement
from ..logic.money import to_decimal


class CreditStatementBuilder(models.AbstractModel):
    """Gathers the ledger of customers, in sets, and makes statements of account of it.

    The booking date counts, not the invoice date: so the balance is that of the ledger
    on the same day.
    """

    _name = "credit.statement.builder"
    _description = "Statement of Account Builder"

    @api.model
    def _build(self, company, partners, kind, date_to, date_from=None, overdue=False):
        """Return what the statements of customers say.

        :param partners: commercial partners
        :param kind: ``open`` items at the end of ``date_to``, or the ``activity`` from
            ``date_from`` until then
        :param overdue: of the open items, only those past their due date
        :return: dict customer id -> list of dicts, one a currency
        """
        self.env.flush_all()
        lines = self._read_lines(company, partners, date_to)
        matchings = self._read_matchings(lines, date_to)
        by_customer = defaultdict(list)
        for line in lines:
            by_customer[line["customer_id"]].append(line)
        of_line = {line["id"]: line for line in lines}
        of_now = self._read_of_now(company, partners, date_to)
        statements = {}
        for partner in partners:
            own = by_customer[partner.id]
            entries = [self._to_entry(line) for line in own]
            refs = {line["id"] for line in own}
            matched = [
                matching
                for ref in refs
                for matching in matchings[ref]
                # One between two entries of the customer is found twice.
                if matching.debit == ref or matching.debit not in refs
            ]
            if kind == "activity":
                sections = statement.build_activity(
                    entries, matched, date_from, date_to
                )
            else:
                sections = statement.build_open_items(entries, matched, date_to)
            statements[partner.id] = [
                self._prepare_section(section, of_line, date_to, overdue, of_now)
                for section in sections
                if not overdue or section.overdue
            ]
        return statements

    @api.model
    def _read_lines(self, company, partners, date_to):
        """Read all receivable lines of customers that were booked until a day."""
        accounts = self.env["credit.dunning.facts"]._get_receivable_accounts(company)
        return self.env.execute_query_dict(
            SQL(
                """
                SELECT line.id, line.date, line.date_maturity, line.currency_id,
                       line.amount_currency::text AS amount,
                       customer.commercial_partner_id AS customer_id,
                       move.id AS move_id, move.name, move.ref, move.move_type,
                       move.invoice_date, journal.type AS journal_type,
                       line.payment_id IS NOT NULL AS is_payment, line.name AS label
                  FROM account_move_line line
                  JOIN account_move move ON move.id = line.move_id
                  JOIN account_journal journal ON journal.id = line.journal_id
                  JOIN res_partner customer ON customer.id = line.partner_id
                 WHERE line.company_id = %s
                   AND line.account_id = ANY(%s)
                   AND line.parent_state = 'posted'
                   AND line.date <= %s
                   -- exchange differences change no amount in the currency
                   AND line.amount_currency != 0
                   AND line.partner_id IN (
                       SELECT id FROM res_partner WHERE commercial_partner_id = ANY(%s))
              ORDER BY line.date, line.id
                """,
                company.id,
                accounts.ids,
                date_to,
                partners.ids,
            )
        )

    @api.model
    def _read_matchings(self, lines, date_to):
        """Read what was matched with lines until a day.

        :return: dict line id -> list of ``statement.Matching``
        """
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT debit_move_id, credit_move_id, max_date,
                       debit_amount_currency::text AS debit_amount,
                       credit_amount_currency::text AS credit_amount
                  FROM account_partial_reconcile
                 WHERE max_date <= %(date_to)s
                   AND (debit_move_id = ANY(%(ids)s) OR credit_move_id = ANY(%(ids)s))
                """,
                ids=[line["id"] for line in lines],
                date_to=date_to,
            )
        )
        matchings = defaultdict(list)
        for row in rows:
            matching = statement.Matching(
                day=row["max_date"],
                debit=row["debit_move_id"],
                credit=row["credit_move_id"],
                debit_amount=to_decimal(row["debit_amount"]),
                credit_amount=to_decimal(row["credit_amount"]),
            )
            matchings[matching.debit].append(matching)
            matchings[matching.credit].append(matching)
        return matchings

    @api.model
    def _read_of_now(self, company, partners, date_to):
        """Read what a statement of now says beyond the ledger.

        Payments in process that have no entry yet, what is in dispute, and what is paid
        in parts: the customer knows of them, and so do the page and the letters.

        :return: dict of what -> dict line id -> amount in its currency; for plans there
            are also their words
        """
        today = company._credit_today()
        if date_to < today:
            return dict.fromkeys(("in_process", "disputed", "planned", "plans"), {})
        facts = self.env["credit.dunning.facts"].with_company(company)
        rows = facts._read_lines(company, partners)
        planned = self._read_planned(company, today, rows)
        return {
            "in_process": facts._read_under_way(company, rows),
            "disputed": facts._read_disputed(company, today, rows),
            "planned": planned,
            "plans": self._say_plans(list(planned)),
        }

    @api.model
    def _read_planned(self, company, today, rows):
        """Read what running plans cover of open items: dict line id -> amount."""
        residuals = {row["id"]: row["residual"] for row in rows}
        holds = self.env["credit.payment.plan"]._read_holds(
            company, today, list(residuals)
        )
        return {
            line_id: min(held.amount or residuals[line_id], residuals[line_id])
            for line_id, held in holds.items()
        }

    @api.model
    def _say_plans(self, line_ids):
        """Say of items in which plan they are, and what that asks for next.

        :return: dict line id -> words
        """
        if not line_ids:
            return {}
        lines = self.env["account.move.line"].browse(line_ids)
        Plan = self.env["credit.payment.plan"]
        asked_of, words = Plan._find_asked(lines), {}
        for plan_sudo in Plan._find_holding(lines):
            values = {"plan": plan_sudo.name}
            said = self.env._("in payment plan %(plan)s", **values)
            if asked := asked_of.get(plan_sudo):
                values |= {
                    "amount": format_amount(
                        self.env, asked.amount, plan_sudo.currency_id
                    ),
                    "day": format_date(self.env, asked.day),
                }
                said = (
                    self.env._(
                        "in payment plan %(plan)s, %(amount)s late since %(day)s",
                        **values,
                    )
                    if asked.is_late
                    else self.env._(
                        "in payment plan %(plan)s, next part %(amount)s on %(day)s",
                        **values,
                    )
                )
            words |= dict.fromkeys(plan_sudo.item_ids.move_line_id.ids, said)
        return words

    @api.model
    def _to_entry(self, line):
        # Whoever was paid money back owes it, but nobody set a day for it.
        is_money = line["journal_type"] in ("bank", "cash", "credit")
        return statement.Entry(
            ref=line["id"],
            day=line["date"],
            amount=to_decimal(line["amount"]),
            currency=line["currency_id"],
            due=None if is_money else line["date_maturity"],
        )

    @api.model
    def _prepare_section(self, section, of_line, date_to, overdue, of_now):
        """Return one currency of a statement in plain values, amounts as floats.

        What is overdue is shown with the credits that a letter takes off it, too. What
        is paid in parts is taken off below: its plan asks for it.

        :param of_now: see ``_read_of_now``
        """
        in_process, disputed = of_now["in_process"], of_now["disputed"]
        rows, total = section.rows, section.closing
        if overdue:
            rows = [
                row for row in rows if row.amount < 0 or (row.due and row.due < date_to)
            ]
            total = section.overdue + section.credits
        under_way = sum(
            (
                in_process.get(row.ref, statement.ZERO)
                for row in rows
                if row.open_amount
            ),
            statement.ZERO,
        )
        planned = sum(
            (
                min(
                    of_now["planned"][row.ref],
                    row.open_amount - in_process.get(row.ref, statement.ZERO),
                )
                for row in rows
                if row.open_amount > 0 and row.ref in of_now["planned"]
            ),
            statement.ZERO,
        )
        currency = self.env["res.currency"].browse(section.currency)
        prepared = []
        for row in rows:
            values = self._prepare_row(row, of_line[row.ref], date_to)
            if row.open_amount and row.ref in disputed:
                values["what"] = self.env._(
                    "%(what)s, in dispute: %(amount)s",
                    what=values["what"],
                    amount=format_amount(self.env, float(disputed[row.ref]), currency),
                )
            if row.open_amount and row.ref in of_now["planned"]:
                values["what"] += ", " + of_now["plans"][row.ref]
            prepared.append(values)
        return {
            "total": float(total),
            "total_label": self._get_total_label(section, overdue),
            "in_process": float(under_way),
            "planned": float(planned),
            "remaining": float(total - under_way - planned),
            "remaining_label": self._get_remaining_label(planned, overdue),
            "currency": currency,
            "rows": prepared,
            "opening": float(section.opening),
            "closing": float(section.closing),
            "overdue": float(section.overdue),
            "ageing": [float(amount) for amount in section.ageing],
        }

    @api.model
    def _get_remaining_label(self, planned, overdue):
        """Say what is left below the total."""
        if not planned:
            return self.env._("Then open")
        if overdue:
            return self.env._("To pay now")
        return self.env._("Open besides payment plans")

    @api.model
    def _get_total_label(self, section, overdue):
        """Say what the last line of a currency comes to."""
        if not overdue:
            return self.env._("Balance")
        if section.credits:
            return self.env._("Overdue less credits")
        return self.env._("Overdue")

    @api.model
    def _prepare_row(self, row, line, date_to):
        late = (date_to - row.due).days if row.due and row.amount > 0 else 0
        return {
            "line_id": row.ref,
            "date": row.day,
            "name": line["name"],
            "what": self._say_what(row, line),
            "reference": line["ref"] or "",
            "due": row.due if row.amount > 0 else None,
            "days_late": max(late, 0),
            "amount": float(row.amount),
            "open_amount": float(row.open_amount),
            "balance": float(row.balance),
        }

    @api.model
    def _say_what(self, row, line):
        """Say what a line of the statement is."""
        if row.is_elsewhere:
            return self.env._("Settled in another currency or by another customer")
        if line["move_type"] in ("out_invoice", "out_receipt"):
            return self.env._("Invoice")
        if line["move_type"] == "out_refund":
            return self.env._("Credit note")
        if line["is_payment"] or line["journal_type"] in ("bank", "cash", "credit"):
            is_receipt = row.amount < 0
            return self.env._("Payment") if is_receipt else self.env._("Repayment")
        return self.env._("Entry")

    @api.model
    def _get_ageing_labels(self):
        """Return the headings of the ageing."""
        return [
            self.env._("Not due"),
            self.env._("1–30 days"),
            self.env._("31–60 days"),
            self.env._("61–90 days"),
            self.env._("Over 90 days"),
            self.env._("Credits"),
        ]
