from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property

from odoo import api, fields, models
from odoo.tools import SQL

from ..logic import dispute, dunning
from ..logic.money import to_decimal
from ..logic.open_amount import OpenLine, PaymentUnderWay, spread_payments

# A letter in one of these states has left, or may have: its levels count.
LIVE_STATES = ("queued", "sending", "sent", "unknown")
# In these it is not decided yet: its items stay out of other runs.
OPEN_STATES = ("proposed", "queued", "sending")
# So many customers are looked at together: enough to make queries few, little enough
# to keep memory the same however large the ledger is.
BATCH_CUSTOMERS = 2000


@dataclass
class DunningFacts:
    """What was gathered for one company and day, and what the decisions need.

    :param customers: dict customer id -> ``dunning.Customer``
    :param lines: dict receivable line id -> its row (see ``_read_lines``)
    :param policies: dict customer id -> (policy, how it was found)
    :param receipts: dict customer id -> (dict currency id -> amount, amount in the
        company's currency), of money in the bank that nobody has matched; customers
        with nothing open included
    :param disputed: dict receivable line id -> what of it is in dispute today
    :param promised: dict receivable line id -> what of it is promised today, whether
        that holds reminders back or not
    :param planned: dict receivable line id -> what of it a running plan covers
    :param exposures: dict customer id -> (``exposure.Exposure``, credit limit or None),
        of the customers whose figures are written
    """

    company: models.BaseModel
    today: fields.Date
    customers: dict = field(default_factory=dict)
    lines: dict = field(default_factory=dict)
    policies: dict = field(default_factory=dict)
    receipts: dict = field(default_factory=dict)
    disputed: dict = field(default_factory=dict)
    promised: dict = field(default_factory=dict)
    planned: dict = field(default_factory=dict)
    exposures: dict = field(default_factory=dict)
    _rules: dict = field(default_factory=dict)

    @cached_property
    def calendar(self):
        """The working days of the company."""
        return self.company._credit_calendar()

    def decide(self):
        """Yield (customer id, decision) for every customer."""
        for partner_id, customer in self.customers.items():
            rule = self.get_rule(partner_id)
            yield partner_id, dunning.decide(customer, rule, self.today)

    def get_rule(self, partner_id):
        """Return the policy of a customer as the rule wants it, or None."""
        policy, _origin = self.policies[partner_id]
        if policy not in self._rules:
            self._rules[policy] = policy._to_logic(self.calendar) if policy else None
        return self._rules[policy]

    def get_company_amount(self, line_id, amount):
        """Return a part of what is open on an item in the company's currency."""
        row = self.lines[line_id]
        if amount == row["residual"]:
            return row["residual_company"]
        return row["residual_company"] * (amount / row["residual"])


class CreditDunningFactsGatherer(models.AbstractModel):
    """Gathers in sets, by SQL, all that the rule wants to know of the customers of a
    company: the same number of queries for one customer and for all.

    Another module adds a fact of its own (a dispute, a promise, a plan) by extending
    ``_get_withheld_items`` or ``_get_withheld_customers``; the rule and its callers
    stay as they are.
    """

    _name = "credit.dunning.facts"
    _description = "Facts for Dunning"

    @api.model
    def _gather_in_batches(self, company, today, partners=None, after=0):
        """Yield (customers, facts) for batches of customers, in the order of their ids.

        All who have anything open, or of whom an earlier evaluation says so.

        :param partners: commercial partners to look at; all when left out
        :param after: id of the last customer that was looked at already
        """
        if partners is None:
            self.env.flush_all()
            ids = self._find_customer_ids(company, after)
        else:
            ids = sorted(id_ for id_ in partners.ids if id_ > after)
        for start in range(0, len(ids), BATCH_CUSTOMERS):
            customers = self.env["res.partner"].browse(
                ids[start : start + BATCH_CUSTOMERS]
            )
            yield customers, self._gather(company, today, customers)

    @api.model
    def _find_customer_ids(self, company, after=0):
        """Return who has anything open, or is noted to have."""
        accounts = self._get_receivable_accounts(company)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT customer.commercial_partner_id
                  FROM (SELECT DISTINCT line.partner_id
                          FROM account_move_line line
                         WHERE %(open_lines)s) AS owing
                  JOIN res_partner customer ON customer.id = owing.partner_id
                 WHERE customer.commercial_partner_id > %(after)s
                 UNION
                SELECT partner_id FROM credit_dunning_outcome
                 WHERE company_id = %(company)s AND run_id IS NULL
                   AND partner_id > %(after)s
                 UNION
                SELECT partner_id FROM credit_profile
                 WHERE company_id = %(company)s AND partner_id > %(after)s
                   AND (open_amount != 0 OR unapplied_amount != 0
                        OR receipt_amount != 0 OR exposure_amount != 0)
                 UNION
                SELECT profile.partner_id
                  FROM account_bank_statement_line line
                  JOIN res_partner customer ON customer.id = line.partner_id
                  -- who has nothing but a receipt needs no file
                  JOIN credit_profile profile
                    ON profile.partner_id = customer.commercial_partner_id
                   AND profile.company_id = line.company_id
                 WHERE line.company_id = %(company)s AND line.amount > 0
                   AND line.is_reconciled IS NOT TRUE
                   AND profile.partner_id > %(after)s
              ORDER BY 1
                """,
                open_lines=self._is_open_line(company, accounts),
                company=company.id,
                after=after,
            )
        )
        return [id_ for (id_,) in rows]

    @api.model
    def _is_open_line(self, company, accounts):
        """Return the condition that makes a ledger line (``line``) an open item."""
        return SQL(
            """
            line.company_id = %s
            AND line.account_id = ANY(%s)
            AND line.parent_state = 'posted'
            AND line.reconciled IS NOT TRUE
            AND line.amount_residual_currency != 0
            """,
            company.id,
            accounts.ids,
        )

    @api.model
    def _gather(self, company, today, partners=None, letters=None):
        """Gather the facts of a company's customers who have anything open.

        :param partners: commercial partners to look at; all when left out
        :param letters: letters of one run about to go: their own lines are no facts
        :return: ``DunningFacts``
        """
        self.env.flush_all()
        facts = DunningFacts(company, today)
        facts.receipts = self._read_unmatched_receipts(company, partners)
        rows = self._read_lines(company, partners)
        if not rows:
            return facts
        facts.lines = {row["id"]: row for row in rows}
        partner_ids = list(dict.fromkeys(row["customer_id"] for row in rows))
        customers = self.env["res.partner"].browse(partner_ids)
        facts.policies = self.env["credit.dunning.policy"]._find_for_partners(
            company, customers
        )
        currencies = self.env["res.currency"].browse(
            dict.fromkeys(row["currency_id"] for row in rows)
        )
        contacts = self._get_contacts(rows, company)
        for row in rows:
            row["contact_id"] = contacts[row["customer_id"], row["move_partner_id"]]
        under_way = self._read_under_way(company, rows)
        levels = self._read_levels(company, rows, letters)
        withheld_items = self._get_withheld_items(facts, letters)
        withheld_customers = self._get_withheld_customers(facts)
        last_messages = self._read_last_messages(company, partner_ids, letters)
        # They are shown to people in any case; the rule minds them where wanted.
        receipts = facts.receipts if company.credit_guard_receipts else {}
        rates = {
            currency.id: to_decimal(
                currency._get_conversion_rate(
                    currency, company.currency_id, company, today
                )
            )
            for currency in currencies
        }
        facts.disputed = self._sum_disputed(facts, withheld_items)
        items, credits_ = defaultdict(list), defaultdict(list)
        for row in rows:
            if row["residual"] < 0:
                credits_[row["customer_id"]].append(
                    dunning.Credit(row["id"], row["currency_id"], -row["residual"])
                )
                continue
            items[row["customer_id"]].append(
                dunning.OpenItem(
                    ref=row["id"],
                    due_date=row["date_maturity"],
                    residual=row["residual"],
                    currency=row["currency_id"],
                    under_way=under_way.get(row["id"], dunning.ZERO),
                    contact=row["contact_id"],
                    document=row["move_id"],
                    withheld=tuple(withheld_items.get(row["id"], ())),
                    **levels.get(row["id"], {}),
                )
            )
        for partner_id in partner_ids:
            facts.customers[partner_id] = dunning.Customer(
                ref=partner_id,
                items=tuple(items[partner_id]),
                credits=tuple(credits_[partner_id]),
                withheld=tuple(withheld_customers.get(partner_id, ())),
                last_message=last_messages.get(partner_id),
                receipts=receipts.get(partner_id, ({}, None))[0],
                rates=rates,
            )
        return facts

    # === WITHHELD: THE FACTS THAT OTHER MODULES ADD TO === #

    @api.model
    def _get_withheld_items(self, facts, letters=None):
        """Return why items must be left alone; extend to add a reason of your own.

        :return: dict receivable line id -> list of ``dunning.Withheld``
        """
        withheld = defaultdict(list)
        for row in facts.lines.values():
            if row["no_followup"]:
                withheld[row["id"]].append(dunning.Withheld(dunning.NO_FOLLOWUP))
            if row["payment_state"] == "blocked":
                withheld[row["id"]].append(dunning.Withheld(dunning.BLOCKED))
            if row["journal_type"] in ("bank", "cash", "credit"):
                withheld[row["id"]].append(dunning.Withheld(dunning.REFUND_UNMATCHED))
        self._add_disputes(facts, withheld)
        self._add_promises(facts, withheld)
        self._add_plans(facts, withheld)
        self._add_exclusions(facts, withheld)
        self._add_open_letters(facts, withheld, letters)
        return withheld

    @api.model
    def _get_withheld_customers(self, facts):
        """Return why customers must be left alone; extend to add a reason.

        :return: dict customer id -> list of ``dunning.Withheld``
        """
        withheld = defaultdict(list)
        for row in facts.lines.values():
            if not row["customer_active"] and not withheld[row["customer_id"]]:
                withheld[row["customer_id"]].append(dunning.Withheld(dunning.ARCHIVED))
        for profile in self.env["credit.profile"].search_fetch(
            [
                ("company_id", "=", facts.company.id),
                ("partner_id", "in", list(facts.policies)),
                ("pause_until", ">=", facts.today),
            ],
            ["partner_id", "pause_from", "pause_until"],
        ):
            if not profile.pause_from or profile.pause_from <= facts.today:
                withheld[profile.partner_id.id].append(
                    dunning.Withheld(dunning.PAUSED, until=profile.pause_until)
                )
        return withheld

    @api.model
    def _add_disputes(self, facts, withheld):
        """Add what is in dispute: of an instalment, or spread over those of an invoice.

        No part of an item is in dispute twice.
        """
        by_move, free = defaultdict(list), {}
        for row in facts.lines.values():
            if row["residual"] > 0:
                by_move[row["move_id"]].append(row["id"])
                free[row["id"]] = row["residual"]
        holds = self.env["credit.dispute"]._read_holds(
            facts.company, facts.today, list(by_move)
        )
        # Those that name an instalment first: the others take what these leave.
        for move_id, item_id, held in sorted(holds, key=lambda hold: not hold[1]):
            line_ids = [item_id] if item_id in free else by_move[move_id]
            parts = dispute.spread(
                held.amount, [(line_id, free[line_id]) for line_id in line_ids]
            )
            for line_id, part in parts.items():
                free[line_id] -= part
                withheld[line_id].append(replace(held, amount=part))

    @api.model
    def _add_promises(self, facts, withheld):
        """Add what is promised, where the policy of the customer waits for it."""
        holds = self.env["credit.promise"]._read_holds(
            facts.company, facts.today, list(facts.lines)
        )
        for line_id, held in holds.items():
            row = facts.lines[line_id]
            facts.promised[line_id] = min(held.amount, row["residual"])
            policy, _origin = facts.policies[row["customer_id"]]
            if policy.promise_hold:
                withheld[line_id].append(held)

    @api.model
    def _add_plans(self, facts, withheld):
        """Add what is paid in parts by a plan that runs."""
        holds = self.env["credit.payment.plan"]._read_holds(
            facts.company, facts.today, list(facts.lines)
        )
        for line_id, held in holds.items():
            residual = facts.lines[line_id]["residual"]
            facts.planned[line_id] = min(held.amount or residual, residual)
            withheld[line_id].append(held)

    @api.model
    def _sum_disputed(self, facts, withheld):
        """Return what is in dispute today: receivable line id -> amount."""
        amounts = {
            line_id: dunning.sum_disputed(
                withheld.get(line_id, ()), row["residual"], facts.today
            )
            for line_id, row in facts.lines.items()
        }
        return {line_id: amount for line_id, amount in amounts.items() if amount}

    @api.model
    def _read_disputed(self, company, today, rows):
        """Return what is in dispute today of open items, without any other fact.

        :param rows: see ``_read_lines``
        :return: dict receivable line id -> amount in its currency
        """
        facts = DunningFacts(company, today, lines={row["id"]: row for row in rows})
        withheld = defaultdict(list)
        self._add_disputes(facts, withheld)
        return self._sum_disputed(facts, withheld)

    @api.model
    def _add_exclusions(self, facts, withheld):
        """Add the exclusions in force, of customers, invoices and instalments."""
        by_move, by_customer = defaultdict(list), defaultdict(list)
        for row in facts.lines.values():
            by_move[row["move_id"]].append(row["id"])
            by_customer[row["customer_id"]].append(row["id"])
        for exclusion in self.env["credit.exclusion"].search(
            [
                ("company_id", "=", facts.company.id),
                ("partner_id.commercial_partner_id", "in", list(facts.policies)),
                "|",
                ("until", "=", False),
                ("until", ">=", facts.today),
            ]
        ):
            if exclusion.scope == "customer":
                customer = exclusion.partner_id.commercial_partner_id
                line_ids = by_customer[customer.id]
            elif exclusion.scope == "invoice":
                line_ids = by_move[exclusion.move_id.id]
            else:
                line_ids = exclusion.move_line_id.ids
            for line_id in line_ids:
                withheld[line_id].append(
                    dunning.Withheld(dunning.EXCLUDED, until=exclusion.until or None)
                )

    @api.model
    def _add_open_letters(self, facts, withheld, letters):
        """Keep items out that stand in an open run, or whose letter came back."""
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT line.move_line_id, letter.state, letter.failed_email,
                       letter.partner_id
                  FROM credit_dunning_letter_line line
                  JOIN credit_dunning_letter letter ON letter.id = line.letter_id
                 WHERE line.move_line_id = ANY(%s)
                   AND line.kind = 'chased'
                   AND NOT line.is_excluded
                   AND letter.id NOT IN %s
                   AND (letter.state IN %s
                        OR letter.state = 'failed' AND letter.failure_open
                           AND letter.is_test = %s)
                """,
                list(facts.lines),
                self._ids_or_none(letters),
                OPEN_STATES,
                facts.company.credit_mode == "redirect",
            )
        )
        contacts = self.env["res.partner"].browse({row["partner_id"] for row in rows})
        emails = {contact.id: contact.email_normalized for contact in contacts}
        for row in rows:
            if row["state"] != "failed":
                reason = dunning.IN_OPEN_RUN
            elif (emails[row["partner_id"]] or "") == (row["failed_email"] or ""):
                reason = dunning.UNDELIVERABLE
            else:
                continue  # the address was put right since
            withheld[row["move_line_id"]].append(dunning.Withheld(reason))

    # === WHAT THE LEDGER AND THE LETTERS SAY === #

    @api.model
    def _get_sum_query(self, company, partners, accounts):
        """Return the query that adds up the open receivable lines of customers.

        :return: SQL with columns customer_id, is_owed, amount (text; in the currency
            of the company)
        """
        return SQL(
            """
            SELECT customer.commercial_partner_id AS customer_id,
                   line.amount_residual >= 0 AS is_owed,
                   SUM(line.amount_residual)::text AS amount
              FROM account_move_line line
              JOIN res_partner customer ON customer.id = line.partner_id
             WHERE %s
               AND customer.commercial_partner_id = ANY(%s)
          GROUP BY 1, 2
          ORDER BY 1, 2
            """,
            self._is_open_line(company, accounts),
            partners.ids,
        )

    @api.model
    def _get_under_way_query(self, company, partners, accounts):
        """Return the query that has a row if money may be under way for a line."""
        return SQL(
            """
            SELECT line.id
              FROM account_move_line line
             WHERE %s
               AND line.partner_id IN (SELECT id FROM res_partner
                                        WHERE commercial_partner_id = ANY(%s))
               AND %s
             LIMIT 1
            """,
            self._is_open_line(company, accounts),
            partners.ids,
            self._may_be_under_way(),
        )

    @api.model
    def _may_be_under_way(self):
        """Return the condition that money may be under way for a ledger line."""
        return SQL(
            """
            (EXISTS (SELECT FROM account_move__account_payment link
                       JOIN account_payment payment ON payment.id = link.payment_id
                      WHERE link.invoice_id = line.move_id
                        AND payment.move_id IS NULL)
             OR EXISTS (SELECT FROM account_invoice_transaction_rel link
                         WHERE link.invoice_id = line.move_id))
            """
        )

    @api.model
    def _read_lines(self, company, partners=None, only_under_way=False):
        """Read the open receivable lines of a company, by customer and due date.

        A residual is in the currency of the document. Lines of entry-less payments do
        not exist; see ``_read_under_way`` for those.

        :param only_under_way: lines of documents that money may be under way for
        """
        accounts = self._get_receivable_accounts(company)
        if not accounts:
            return []
        condition = SQL()
        if partners is not None:
            # Invoices carry their commercial partner, other entries any contact.
            condition = SQL(
                "AND line.partner_id IN (SELECT id FROM res_partner"
                " WHERE commercial_partner_id = ANY(%s))",
                partners.ids,
            )
        if only_under_way:
            condition = SQL("%s AND %s", condition, self._may_be_under_way())
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT line.id, line.move_id, line.date_maturity, line.currency_id,
                       line.amount_residual_currency::text AS residual,
                       line.amount_residual::text AS residual_company,
                       COALESCE(line.no_followup, FALSE) AS no_followup,
                       move.partner_id AS move_partner_id, move.payment_state,
                       move.move_type, move.invoice_date, move.name AS move_name,
                       journal.type AS journal_type,
                       customer.commercial_partner_id AS customer_id,
                       commercial.active AS customer_active
                  FROM account_move_line line
                  JOIN account_move move ON move.id = line.move_id
                  JOIN account_journal journal ON journal.id = line.journal_id
                  JOIN res_partner customer ON customer.id = line.partner_id
                  JOIN res_partner commercial
                    ON commercial.id = customer.commercial_partner_id
                 WHERE %s
                   %s
              ORDER BY customer.commercial_partner_id, line.date_maturity, line.id
                """,
                self._is_open_line(company, accounts),
                condition,
            )
        )
        for row in rows:
            row["residual"] = to_decimal(row["residual"])
            row["residual_company"] = to_decimal(row["residual_company"])
            row["move_partner_id"] = row["move_partner_id"] or row["customer_id"]
        return rows

    @api.model
    def _get_receivable_accounts(self, company):
        """Return the receivable accounts; what is open on an archived one is owed."""
        # sudo: which accounts are receivable is no secret.
        return (
            self.env["account.account"]
            .sudo()
            .with_context(active_test=False)
            .search(
                [
                    ("account_type", "=", "asset_receivable"),
                    ("company_ids", "in", company.parent_ids.ids),
                ]
            )
        )

    @api.model
    def _get_contacts(self, rows, company=None):
        """Choose who is written to, per customer and contact of the invoice.

        In this order, the first with an e-mail address: the dunning contact, the
        contact on the invoice, the invoice address, the company itself. When none has
        an address, the first that exists.

        :param company: only contacts that this company may use
        :return: dict (customer id, contact of the invoice id) -> contact id
        """
        keys = {(row["customer_id"], row["move_partner_id"]) for row in rows}
        customer_ids = list({customer_id for customer_id, _contact in keys})
        partner_ids = list({partner_id for key in keys for partner_id in key})
        self.env["res.partner"].flush_model(
            [
                "active",
                "type",
                "commercial_partner_id",
                "email_normalized",
                "company_id",
            ]
        )
        addresses = self.env.execute_query_dict(
            SQL(
                """
                SELECT id, type, commercial_partner_id, email_normalized
                  FROM res_partner
                 WHERE active
                   AND (id = ANY(%s)
                        OR commercial_partner_id = ANY(%s)
                           AND type IN ('dunning', 'invoice'))
                   AND (%s OR company_id IS NULL OR company_id = ANY(%s))
              ORDER BY id
                """,
                partner_ids,
                customer_ids,
                not company,
                company.parent_ids.ids if company else [],
            )
        )
        emails = {row["id"]: row["email_normalized"] for row in addresses}
        special = defaultdict(list)
        for row in addresses:
            special[row["commercial_partner_id"], row["type"]].append(row["id"])
        contacts = {}
        for customer_id, invoice_contact in keys:
            order = [
                *special[customer_id, "dunning"],
                *([invoice_contact] if invoice_contact != customer_id else []),
                *special[customer_id, "invoice"],
                customer_id,
            ]
            contacts[customer_id, invoice_contact] = next(
                (partner_id for partner_id in order if emails.get(partner_id)),
                next((p for p in order if p in emails), customer_id),
            )
        return contacts

    @api.model
    def _read_under_way(self, company, rows):
        """Spread money that has no entry yet over the lines it is meant for.

        Payments in process without journal entry, and online payments that are
        pending, authorized, or done but not post-processed. A pending one is believed
        for ``credit_pending_days`` only: a customer who chose a bank transfer and
        never made it must not stop dunning for ever.

        :return: dict receivable line id -> amount in the currency of the line
        """
        move_ids = list({row["move_id"] for row in rows if row["residual"] > 0})
        believed_from = fields.Datetime.now() - timedelta(
            days=company.credit_pending_days
        )
        payments = self.env.execute_query_dict(
            SQL(
                """
                SELECT payment.amount::text AS amount, payment.currency_id,
                       array_agg(link.invoice_id) AS move_ids
                  FROM account_payment payment
                  JOIN account_move__account_payment link
                    ON link.payment_id = payment.id
                 WHERE link.invoice_id = ANY(%(moves)s)
                   AND payment.move_id IS NULL
                   AND payment.state IN ('in_process', 'paid')
              GROUP BY payment.id
             UNION ALL
                SELECT tx.amount::text, tx.currency_id, array_agg(link.invoice_id)
                  FROM payment_transaction tx
                  JOIN account_invoice_transaction_rel link
                    ON link.transaction_id = tx.id
                 WHERE link.invoice_id = ANY(%(moves)s)
                   AND (tx.state = 'done' AND tx.is_post_processed IS NOT TRUE
                        OR tx.state IN ('pending', 'authorized')
                           AND tx.last_state_change >= %(believed_from)s)
                   AND tx.operation IS DISTINCT FROM 'refund'
              GROUP BY tx.id
                """,
                moves=move_ids,
                believed_from=believed_from,
            )
        )
        if not payments:
            return {}
        currency_of = {row["move_id"]: row["currency_id"] for row in rows}
        lines = [
            OpenLine(row["id"], row["move_id"], row["date_maturity"], row["residual"])
            for row in rows
            if row["residual"] > 0
        ]
        return spread_payments(
            lines,
            [
                PaymentUnderWay(
                    tuple(payment["move_ids"]),
                    self._convert(
                        to_decimal(payment["amount"]),
                        payment["currency_id"],
                        currency_of[payment["move_ids"][0]],
                        company,
                    ),
                )
                for payment in payments
            ],
        )

    @api.model
    def _convert(self, amount, from_currency_id, to_currency_id, company):
        """Convert at the company's rate of today, rounded as the target rounds."""
        if from_currency_id == to_currency_id:
            return amount
        currency = self.env["res.currency"].browse(from_currency_id)
        target = self.env["res.currency"].browse(to_currency_id)
        converted = currency._convert(
            float(amount), target, company, company._credit_today()
        )
        return to_decimal(converted)

    @api.model
    def _read_levels(self, company, rows, letters):
        """Read the level that each item has, from letters that left.

        :return: dict receivable line id -> values of ``dunning.OpenItem``
        """
        self.env["credit.dunning.letter"].flush_model()
        self.env["credit.dunning.letter.line"].flush_model()
        lines = self.env.execute_query_dict(
            SQL(
                """
                SELECT line.move_line_id, line.level_id, line.level_rank,
                       line.is_reminder, letter.message_date
                  FROM credit_dunning_letter_line line
                  JOIN credit_dunning_letter letter ON letter.id = line.letter_id
                 WHERE line.move_line_id = ANY(%s)
                   AND line.kind = 'chased'
                   AND NOT line.is_excluded
                   AND letter.state IN %s
                   AND letter.id NOT IN %s
                   AND letter.is_test = %s
              ORDER BY line.level_rank, letter.message_date, line.id
                """,
                [row["id"] for row in rows],
                LIVE_STATES,
                self._ids_or_none(letters),
                company.credit_mode == "redirect",
            )
        )
        levels = defaultdict(dict)
        for line in lines:  # the highest level comes last and stays
            known = levels[line["move_line_id"]]
            if line["is_reminder"]:
                known["reminder"] = line["level_id"]
            else:
                if known.get("level"):
                    earlier = known.get("earlier_levels", ())
                    known["earlier_levels"] = (*earlier, known["level"])
                known.update(
                    level=line["level_id"],
                    rank=line["level_rank"],
                    level_date=line["message_date"],
                )
        return levels

    @api.model
    def _ids_or_none(self, letters):
        """Return ids for SQL's ``IN``, which wants at least one."""
        return tuple(letters.ids) if letters else (0,)

    @api.model
    def _read_last_messages(self, company, partner_ids, letters):
        """Return the day of each customer's last message, on any channel."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT commercial_partner_id, MAX(message_date)
                  FROM credit_dunning_letter
                 WHERE company_id = %s
                   AND commercial_partner_id = ANY(%s)
                   AND (state IN %s
                        -- taken back, but the customer did get it
                        OR state = 'reversed' AND sent_date IS NOT NULL)
                   AND id NOT IN %s
                   AND (run_id != %s OR run_id IS NULL)
                   AND is_test = %s
                   AND message_date IS NOT NULL
              GROUP BY commercial_partner_id
                """,
                company.id,
                partner_ids,
                LIVE_STATES,
                self._ids_or_none(letters),
                # Letters of one run go together: to two contacts, in two currencies.
                letters.run_id.id if letters and letters.run_id else 0,
                company.credit_mode == "redirect",
            )
        )
        return dict(rows)

    @api.model
    def _read_unmatched_receipts(self, company, partners=None):
        """Return money in the bank that nobody has matched, per customer.

        Of a receipt that is matched in part, the rest counts. Amounts are added per
        currency; in the company's currency each receipt is converted by itself, so
        that a list of them adds up to the cent.

        :return: dict customer id -> (dict currency id -> amount, amount in the
            company's currency)
        """
        condition = SQL()
        if partners is not None:
            condition = SQL(
                "AND partner.commercial_partner_id = ANY(%s)", list(partners.ids)
            )
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT partner.commercial_partner_id AS customer_id,
                       COALESCE(line.foreign_currency_id, line.currency_id)
                           AS currency_id,
                       SUM(-line.amount_residual::numeric)::text AS amount,
                       ARRAY_AGG((-line.amount_residual::numeric)::text)
                           FILTER (WHERE COALESCE(line.foreign_currency_id,
                                                  line.currency_id) != %s) AS parts
                  FROM account_bank_statement_line line
                  JOIN account_move move ON move.id = line.move_id
                  JOIN res_partner partner ON partner.id = line.partner_id
                 WHERE line.company_id = %s
                   AND line.is_reconciled IS NOT TRUE
                   AND move.state = 'posted'
                   AND line.amount > 0
                   AND line.amount_residual < 0
                   %s
              GROUP BY 1, 2
                """,
                company.currency_id.id,
                company.id,
                condition,
            )
        )
        receipts = defaultdict(lambda: ({}, dunning.ZERO))
        for row in rows:
            amounts, total = receipts[row["customer_id"]]
            currency_id = row["currency_id"]
            amounts[currency_id] = to_decimal(row["amount"])
            total += sum(
                self._convert(
                    to_decimal(part), currency_id, company.currency_id.id, company
                )
                for part in row["parts"] or [row["amount"]]
            )
            receipts[row["customer_id"]] = (amounts, total)
        return dict(receipts)
