from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from ..logic import exposure
from ..logic.money import to_decimal
from .credit_dunning_facts import DunningFacts
from .credit_sql import ask_together

PART_LABELS = [
    (exposure.RECEIVABLES, "Open Items"),
    (exposure.CREDITS, "Credits Not Applied"),
    (exposure.IN_PROCESS, "Payments in Process"),
    (exposure.DRAFTS, "Draft Invoices"),
    (exposure.DELIVERED, "Delivered, Not Invoiced"),
    (exposure.ORDERED, "Confirmed, Not Delivered"),
    (exposure.DEPOSITS, "Deposits"),
    (exposure.COVER, "Insured or Guaranteed"),
]


class CreditExposureGatherer(models.AbstractModel):
    """Gathers in sets what customers owe and may come to owe, document by document.

    Figures of lists and the documents behind a figure come from the same rows, so that
    the documents add up to the figure to the cent. Another module adds a part (orders,
    deliveries) by extending ``_get_part_queries``, gives it a column on the credit file
    and names it in ``_get_part_columns``; the rule and its callers stay as they are.
    """

    _name = "credit.exposure"
    _description = "Parts of the Exposure"

    # === THE WAY THROUGH === #

    @api.model
    def _compute_for_document(self, document):
        """Return the exposure of whoever pays a document, the document counted once.

        In the company of the document, whatever company one works in; for the customer
        of its invoice address. A draft or a quotation counts as if it were confirmed;
        what is posted or confirmed is in the exposure already.

        :return: (customer, ``exposure.Exposure``, credit limit or None)
        """
        document.ensure_one()
        customer = self._get_document_customer(document)
        found = self._compute_live(document.company_id, customer, document)
        return customer, *found[customer.id]

    @api.model
    def _find_exceeded_limit(self, document):
        """Return which limit a document exceeds: ``group``, ``customer`` or None.

        The limit of the group is looked at first: what a customer may owe by itself
        does not matter where all together owe too much.
        """
        customer, result, limit = self._compute_for_document(document)
        limits = [("customer", limit, result.total)]
        # sudo: the limit holds, whoever asks.
        groups_sudo = self.env["credit.group"].sudo()
        group_sudo = groups_sudo._find_limited(document.company_id, customer)
        if group_sudo:
            together = group_sudo._compute_live(document)
            limits.insert(0, ("group", to_decimal(group_sudo.credit_limit), together))
        return exposure.find_exceeded(limits)

    @api.model
    def _get_document_customer(self, document):
        """Return who owes a document: the customer of the invoice address."""
        return document.commercial_partner_id

    @api.model
    def _compute_exposures(self, facts, partners, document=None):
        """Return the exposures of customers, in the currency of the company.

        :param facts: what the ledger says of them, see ``credit.dunning.facts``
        :param document: counts as if it were posted or confirmed
        :return: dict customer id -> (``exposure.Exposure``, credit limit or None)
        """
        parts = self._list_ledger_parts(facts)
        rows = self._read_documents(facts.company, partners, document)
        covers = self.env["credit.cover"]._find_for_partners(facts.company, partners)
        return self._add_up(facts.company, facts.today, partners, parts, rows, covers)

    @api.model
    def _compute_live(self, company, partners, document=None):
        """Return the exposures of customers as they are now, without their items.

        The ledger adds up what is open, so that it costs the same for a customer of
        two invoices and of two thousand: an order waits for it.

        :param document: counts as if it were posted or confirmed
        :return: dict customer id -> (``exposure.Exposure``, credit limit or None)
        """
        return self._ask_live(company, partners, document)[0]

    @api.model
    def _ask_live(self, company, partners, document=None, **more):
        """Return the exposures as they are now, and what else is asked by the way.

        All is asked by one query, whatever parts other modules add: a second one only
        where money is under way that has no entry yet.

        :param more: name -> function that returns SQL, given the receivable accounts
        :return: (exposures as ``_compute_live`` returns them, dict name -> rows)
        """
        self = self.with_company(company)
        gatherer = self.env["credit.dunning.facts"]
        accounts = gatherer._get_receivable_accounts(company)
        documents = self._get_part_queries(company, partners, document)
        answers = ask_together(
            self.env,
            {
                "sums": gatherer._get_sum_query(company, partners, accounts),
                "under_way": gatherer._get_under_way_query(company, partners, accounts),
                "covers": self.env["credit.cover"]._get_query(company, partners),
                **{f"part {index}": query for index, query in enumerate(documents)},
                **{name: make(accounts) for name, make in more.items()},
            },
        )
        parts = defaultdict(list)
        for row in answers["sums"]:
            kind = exposure.RECEIVABLES if row["is_owed"] else exposure.CREDITS
            parts[row["customer_id"]].append(
                exposure.Part(kind, to_decimal(row["amount"]))
            )
        if answers["under_way"]:
            self._add_under_way(company, partners, parts)
        rows = [
            row
            for index, _q in enumerate(documents)
            for row in answers[f"part {index}"]
        ]
        covers = self.env["credit.cover"]._to_covers(answers["covers"])
        today = company._credit_today()
        found = self._add_up(company, today, partners, parts, rows, covers)
        return found, {name: answers[name] for name in more}

    @api.model
    def _add_up(self, company, today, partners, parts, rows, covers):
        """Add what is no ledger item to the parts, and what others bear; the limit.

        :param rows: as ``_get_part_queries`` describes them
        :param covers: dict customer id -> list of ``exposure.Cover``
        """
        for row in rows:
            parts[row["customer_id"]].append(
                exposure.Part(
                    row["kind"],
                    to_decimal(row["amount"]),
                    (row["res_model"], row["res_id"]),
                )
            )
        rounding = to_decimal(company.currency_id.rounding)
        found = {}
        # sudo: the limit is of the file, whoever may read the customer.
        partners_sudo = partners.with_company(company).sudo()
        partners_sudo.fetch(["credit_limit"])
        for partner_sudo in partners_sudo:
            limit = partner_sudo.credit_limit
            found[partner_sudo.id] = (
                exposure.compute_exposure(
                    parts.get(partner_sudo.id, ()),
                    covers.get(partner_sudo.id, ()),
                    today,
                    rounding,
                ),
                to_decimal(limit) if limit > 0 else None,
            )
        return found

    # === THE PARTS === #

    @api.model
    def _list_ledger_parts(self, facts):
        """Return the open items as parts, by customer.

        What is under way for an item is at most what is open on it, and is rounded in
        the currency of the company.
        """
        parts = defaultdict(list)
        for customer_id, customer in facts.customers.items():
            for item in (*customer.items, *customer.credits):
                amount = facts.lines[item.ref]["residual_company"]
                kind = exposure.RECEIVABLES if amount >= 0 else exposure.CREDITS
                document = ("account.move.line", item.ref)
                parts[customer_id].append(exposure.Part(kind, amount, document))
            for item in customer.items:
                if item.under_way:
                    parts[customer_id].append(
                        self._make_under_way_part(facts, item.ref, item.under_way)
                    )
        return parts

    @api.model
    def _add_under_way(self, company, partners, parts):
        """Add what takes off the items that money is under way for, one by one."""
        facts = DunningFacts(company, company._credit_today())
        gatherer = self.env["credit.dunning.facts"]
        lines = gatherer._read_lines(company, partners, only_under_way=True)
        facts.lines = {row["id"]: row for row in lines}
        under_way = gatherer._read_under_way(company, lines)
        for line_id, amount in under_way.items():
            parts[facts.lines[line_id]["customer_id"]].append(
                self._make_under_way_part(facts, line_id, amount)
            )

    @api.model
    def _make_under_way_part(self, facts, line_id, under_way):
        """Return what takes off an item that money is under way for."""
        amount = min(under_way, facts.lines[line_id]["residual"])
        amount = facts.get_company_amount(line_id, amount)
        rounded = to_decimal(facts.company.currency_id.round(float(amount)))
        document = ("account.move.line", line_id)
        return exposure.Part(exposure.IN_PROCESS, -rounded, document)

    @api.model
    def _read_documents(self, company, partners, document=None):
        """Return what customers owe or may come to owe beside the open items.

        :return: rows as ``_get_part_queries`` describes them
        """
        self.env.flush_all()
        return [
            row
            for query in self._get_part_queries(company, partners, document)
            for row in self.env.execute_query_dict(query)
        ]

    @api.model
    def _get_part_queries(self, company, partners, document=None):
        """Return queries that tell the parts, a row a document; extend to add one.

        :param document: counts as if it were posted or confirmed
        :return: list of SQL with columns customer_id, kind, res_model, res_id, amount
            (text; in the currency of the company, rounded as that rounds)
        """
        is_draft = document and document._name == "account.move"
        return [
            SQL(
                """
                SELECT move.commercial_partner_id AS customer_id, %(kind)s AS kind,
                       'account.move' AS res_model, move.id AS res_id,
                       move.amount_total_signed::text AS amount
                  FROM account_move move
                 WHERE move.company_id = %(company)s
                   AND move.state = 'draft'
                   AND move.move_type IN ('out_invoice', 'out_receipt')
                   AND move.commercial_partner_id = ANY(%(partners)s)
                   AND move.amount_total_signed > 0
                   AND (%(drafts_count)s OR move.id = %(document)s)
              ORDER BY move.id
                """,
                kind=exposure.DRAFTS,
                company=company.id,
                partners=partners.ids,
                drafts_count=self._counts_drafts(company),
                document=document.id if is_draft else 0,
            )
        ]

    @api.model
    def _counts_drafts(self, company):
        # sudo: what counts is a choice of the company, whoever asks.
        return company.sudo().credit_count_drafts

    @api.model
    def _get_part_columns(self):
        """Return the column of the credit file that shows each part, and its sign.

        What is open and what is not applied have their columns there already.
        """
        return {
            exposure.IN_PROCESS: ("in_process_amount", -1),
            exposure.DRAFTS: ("draft_amount", 1),
            exposure.COVER: ("covered_amount", -1),
        }
