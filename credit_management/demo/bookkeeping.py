"""Books the demo's story in one company, as its accountant would have.

Everything is done by the host's own means and in bulk: invoices are created and
posted together, money arrives on the bank journal, matching is real.
"""

from collections import defaultdict
from datetime import timedelta

from odoo import Command

COLLECT_EVERY = 30  # days between the collections of direct debits


class Bookkeeper:
    """The books of one company, `books` in the story.

    `partners`, `products` and `terms` are records by their key in the story.
    """

    def __init__(self, books, company, today, partners, products, terms):
        self.books = books
        self.env = company.with_company(company).env
        self.company = company.with_env(self.env)
        self.today = today
        self.partners = partners
        self.products = products
        self.terms = terms
        self.sales = self._journal("sale")
        self.bank = self._journal("bank")

    def _journal(self, kind):
        journals = self.env["account.journal"]
        return journals.search(
            [*journals._check_company_domain(self.company), ("type", "=", kind)],
            limit=1,
        )

    # === DAYS AND CUSTOMERS === #

    def day(self, offset):
        """Return the date of a day of the story."""
        return self.today + timedelta(days=offset)

    def working_day(self, offset):
        """Return the same, or the Friday before it when that is in a weekend."""
        day = self.day(offset)
        return day - timedelta(days=max(0, day.weekday() - 4))

    def partner(self, key):
        """Return the customer as this company sees it."""
        return self.partners[key].with_env(self.env)

    def _currency(self, customer):
        if not customer.currency:
            return self.company.currency_id
        return self.env.ref(f"base.{customer.currency}")

    def _taxes(self, partner):
        """Return the usual tax at home, none across the border."""
        if partner.country_id == self.company.account_fiscal_country_id:
            return self.company.account_sale_tax_id
        return self.env["account.tax"]

    # === INVOICES AND CREDIT NOTES === #

    def invoice(self, invoices):
        """Create and post the invoices; return them in the same order."""
        moves = self.env["account.move"].create(
            [self._prepare_invoice_values(invoice) for invoice in invoices]
        )
        moves._post(soft=False)
        return moves

    def _prepare_invoice_values(self, invoice):
        partner = self.partner(invoice.customer.key)
        # What is open must be exactly as late as the story says, in a weekend or not.
        day = self.working_day if invoice.is_settled else self.day
        return {
            "move_type": "out_invoice",
            "journal_id": self.sales.id,
            "partner_id": partner.address_get(["invoice"])["invoice"],
            "currency_id": self._currency(invoice.customer).id,
            "invoice_date": day(invoice.day),
            "invoice_payment_term_id": self.terms[invoice.customer.term].id,
            "invoice_user_id": partner.user_id.id,
            "invoice_line_ids": [
                Command.create(self._prepare_line_values(partner, *line))
                for line in invoice.lines
            ],
        }

    def _prepare_line_values(self, partner, product, quantity, price):
        if not product:  # a round amount of the story
            return {
                "name": self.products["upkeep"].with_context(lang=partner.lang).name,
                "price_unit": price,
                "tax_ids": [Command.clear()],
            }
        return {
            "product_id": self.products[product].id,
            "quantity": quantity,
            "price_unit": price,
            "tax_ids": [Command.set(self._taxes(partner).ids)],
        }

    def credit(self, notes):
        """Post credit notes, each (partner, day, amount, taxes, invoice or none).

        The invoice is where the note is applied, as far as it goes.
        """
        moves = self.env["account.move"].create(
            [
                {
                    "move_type": "out_refund",
                    "journal_id": self.sales.id,
                    "partner_id": partner.address_get(["invoice"])["invoice"],
                    "currency_id": (invoice or self.company).currency_id.id,
                    "invoice_date": self.working_day(day),
                    "invoice_payment_term_id": False,
                    "invoice_user_id": partner.user_id.id,
                    "reversed_entry_id": invoice.id if invoice else False,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "name": in_lang(partner)._("Returned goods"),
                                "price_unit": amount,
                                "tax_ids": [Command.set(taxes.ids)],
                            }
                        )
                    ],
                }
                for partner, day, amount, taxes, invoice in notes
            ]
        )
        moves._post(soft=False)
        self._match(
            open_lines(move) + open_lines(invoice)
            for move, (*_others, invoice) in zip(moves, notes, strict=True)
            if invoice
        )
        return moves

    def take_back(self, invoices, moves):
        """Post and apply the credit notes of the goods the customers returned."""
        notes = []
        for invoice, move in zip(invoices, moves, strict=True):
            if invoice.returned:
                day, share = invoice.returned
                amount = move.currency_id.round(move.amount_untaxed * share)
                taxes = move.invoice_line_ids.tax_ids
                partner = self.partner(invoice.customer.key)
                notes.append((partner, day, amount, taxes, move))
        return self.credit(notes)

    # === MONEY === #

    def receive(self, invoices, moves):
        """Book and match every payment of the story.

        Those who pay by direct debit are collected together once a month; all the
        others transfer the money themselves.
        """
        transfers, collected = {}, {}
        for (customer, *key), paid in self._receipts(invoices, moves).items():
            receipts = collected if customer.collected else transfers
            receipts[customer, *key] = paid
        self._receive_transfers(transfers)
        self._collect(collected)

    def _receipts(self, invoices, moves):
        """Return what came in: (customer, day, part) -> the lines paid, and how much.

        Money that comes on one day from one customer is one receipt. A payment in part
        stands alone, or the matching would spread it over the others.
        """
        receipts = {}
        for invoice, move in zip(invoices, moves, strict=True):
            currency = move.currency_id
            lines = receivable_lines(move).sorted("date_maturity")
            left = {line: line.amount_residual_currency for line in lines}
            for payment in invoice.payments:
                line = lines[payment.instalment]
                amount = currency.round(left[line] * payment.share)
                if currency.is_zero(amount):  # credited in the meantime
                    continue
                left[line] -= amount
                part = line.id if payment.share < 1 else 0
                key = (invoice.customer, payment.day, part)
                known_lines, known_amount = receipts.get(key, (lines.browse(), 0))
                receipts[key] = (known_lines + line, known_amount + amount)
        return receipts

    def _receive_transfers(self, receipts):
        """Enter bank statement lines against the receivable, and match them."""
        values = []
        for (customer, day, _part), (lines, amount) in receipts.items():
            values.append(
                self._prepare_bank_values(
                    self.partner(customer.key),
                    self.working_day(day),
                    amount,
                    " ".join(lines.move_id.mapped("payment_reference")),
                    lines.account_id,
                    lines.currency_id,
                )
            )
        bank_lines = self._enter(values)
        self._match(
            open_lines(bank_line.move_id) + lines
            for bank_line, (lines, _amount) in zip(
                bank_lines, receipts.values(), strict=True
            )
        )

    def _collect(self, receipts):
        """Register payments, match them, and let the bank pay each month in one sum."""
        payments = self.env["account.payment"].create(
            [
                self._prepare_payment_values(
                    self.partner(customer.key),
                    self.working_day(day),
                    amount,
                    " ".join(lines.move_id.mapped("payment_reference")),
                )
                for (customer, day, _part), (lines, amount) in receipts.items()
            ]
        )
        payments.action_post()
        self._match(
            open_lines(payment.move_id) + lines
            for payment, (lines, _amount) in zip(
                payments, receipts.values(), strict=True
            )
        )
        months = defaultdict(payments.browse)
        for payment, (_customer, day, _part) in zip(payments, receipts, strict=True):
            months[-(-day // COLLECT_EVERY)] += payment
        months = {end: paid for end, paid in months.items() if end < 0}
        bank_lines = self._enter(
            [
                self._prepare_bank_values(
                    self.env["res.partner"],
                    self.working_day(month * COLLECT_EVERY),
                    sum(paid.mapped("amount")),
                    self.env._("Direct debits, %(count)s", count=len(paid)),
                    paid.outstanding_account_id,
                    self.company.currency_id,
                )
                for month, paid in months.items()
            ]
        )
        self._match(
            lines_on(paid.outstanding_account_id, bank_line.move_id + paid.move_id)
            for bank_line, paid in zip(bank_lines, months.values(), strict=True)
        )

    def receive_unapplied(self, partner, day, amount, reference):
        """Post a customer's payment that nobody has matched yet."""
        payment = self.env["account.payment"].create(
            self._prepare_payment_values(partner, self.day(day), amount, reference)
        )
        payment.action_post()
        return payment

    def receive_unmatched(self, partner, day, amount, reference):
        """Enter a bank statement line that nobody has matched yet."""
        return self._enter(
            [self._prepare_bank_values(partner, self.day(day), amount, reference)]
        )

    def _prepare_payment_values(self, partner, day, amount, reference):
        return {
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id": partner.id,
            "journal_id": self.bank.id,
            "date": day,
            "amount": amount,
            "memo": reference,
        }

    def _prepare_bank_values(
        self, partner, day, amount, reference, account=None, currency=None
    ):
        """Return a statement line; without account it stays on the suspense account."""
        values = {
            "journal_id": self.bank.id,
            "date": day,
            "payment_ref": reference,
            "partner_id": partner.id,
            "amount": amount,
        }
        if account:
            values["counterpart_account_id"] = account.id
        if currency and currency != self.company.currency_id:
            values |= {
                "amount": currency._convert(
                    amount, self.company.currency_id, self.company, day
                ),
                "foreign_currency_id": currency.id,
                "amount_currency": amount,
            }
        return values

    def _enter(self, values):
        """Create bank statement lines in the order of their days."""
        order = sorted(range(len(values)), key=lambda index: values[index]["date"])
        created = self.env["account.bank.statement.line"].create(
            [values[index] for index in order]
        )
        ids = dict(zip(order, created.ids, strict=True))
        return created.browse(ids[index] for index in range(len(values)))

    def _match(self, groups):
        """Reconcile each group of journal items."""
        self.env["account.move.line"]._reconcile_plan(list(groups))


def in_lang(partner):
    """Return an environment that speaks the partner's language."""
    return partner.with_context(lang=partner.lang).env


def lines_on(account, moves):
    """Return the lines of the moves on that account."""
    return moves.line_ids.filtered(lambda line: line.account_id == account)


def receivable_lines(moves):
    """Return the receivable lines of the moves."""
    return moves.line_ids.filtered(
        lambda line: line.account_id.account_type == "asset_receivable"
    )


def open_lines(moves):
    """Return those of them that are not matched in full."""
    return receivable_lines(moves).filtered(lambda line: not line.reconciled)
