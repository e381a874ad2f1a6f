from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import format_date

from ..logic import dispute as rule
from ..logic.money import to_decimal

BATCH = 100
# Shares of a cent that the prices of a credit note may leave in its tax.
TAX_CENTS = 5


class CreditDisputeSettlement(models.Model):
    """How a case ends in money: by a credit note for what we accept, or by itself."""

    _inherit = "credit.dispute"  # pylint: disable=consider-merging-classes-inherited

    # === ACCEPTED === #

    def _accept_or_ask(self, answer, pay_by, write_off=False):
        """Accept what the lines say, or ask a manager where it is too much for that.

        :param write_off: no credit note: the amount is small and written off
        """
        self.ensure_one()
        self._check_is_open()
        if self.currency_id.compare_amounts(self.amount_accepted, 0) <= 0:
            raise UserError(
                self.env._(
                    "Nothing is accepted. Say in the lines how much you accept, or"
                    " reject the dispute."
                )
            )
        # sudo: what happens is written by what happens, after the checks.
        self.sudo().is_write_off = write_off
        if write_off:
            self._check_may_write_off()
        if self._needs_approval() and not self.env.user.has_group(
            "credit_management.group_credit_manager"
        ):
            self._ask_approval(answer, pay_by)
        else:
            self._accept(answer, pay_by)

    def _needs_approval(self):
        """Say whether a manager must approve what the lines accept."""
        # sudo: the limit is told to whoever handles a case.
        limit = self.company_id.sudo().credit_dispute_approval
        return rule.must_be_approved(self._get_accepted(), to_decimal(limit))

    def _may_write_off(self):
        """Say whether what the lines accept may be written off."""
        # sudo: the limit is told to whoever handles a case.
        company_sudo = self.company_id.sudo()
        return bool(company_sudo.credit_write_off_account_id) and rule.may_write_off(
            self._get_accepted(), to_decimal(company_sudo.credit_write_off_limit)
        )

    def _check_may_write_off(self):
        if not self._may_write_off():
            raise UserError(
                self.env._(
                    "%(amount)s cannot be written off: the settings allow less, or name"
                    " no account. Make a credit note instead.",
                    amount=self._say_amount(self.amount_accepted),
                )
            )

    def _get_accepted(self):
        """Return what the lines accept, in the company's currency of today."""
        company = self.company_id
        return to_decimal(
            self.currency_id._convert(
                self.amount_accepted,
                company.currency_id,
                company,
                company._credit_today(),
            )
        )

    def _filter_doable_by(self, user):
        """Override: what is to be approved is for managers."""
        # sudo: which rights a colleague has is told to nobody here.
        is_manager = user.sudo().has_group("credit_management.group_credit_manager")
        return (
            super()
            ._filter_doable_by(user)
            .filtered(lambda dispute: is_manager or dispute.approval != "asked")
        )

    def _ask_approval(self, answer, pay_by):
        dispute_sudo = self.sudo()
        dispute_sudo.write({"approval": "asked", "answer": answer, "pay_by": pay_by})
        manager = self.env["credit.profile"]._find_person(
            dispute_sudo.company_id, (dispute_sudo.company_id.credit_dispute_user_id,)
        )
        amount = self._say_amount(self.amount_accepted)
        dispute_sudo._give_task(
            manager,
            lambda env: env._("Approve a credit of %(amount)s", amount=amount),
        )

    def _accept(self, answer, pay_by):
        """Make the credit notes and settle the case, in one transaction."""
        self.ensure_one()
        self._check_is_open()
        credit_notes = self.env["account.move"]
        if self.is_write_off:
            self._check_may_write_off()
            # sudo: what happens is written by what happens, after the checks.
            self.sudo().write_off_id = self._make_write_off()
        else:
            credit_notes = self._make_credit_notes()
        company = self.company_id
        for line in self.line_ids.sudo():
            line.amount_credited = line.amount_accepted
            line.amount_credited_company = self.currency_id._convert(
                line.amount_accepted,
                company.currency_id,
                company,
                company._credit_today(),
            )
        left = self.amount_disputed - self.amount_accepted
        is_whole = self.currency_id.is_zero(left)
        self.sudo().credit_note_ids |= credit_notes
        self._move(rule.ACCEPTED, answer=answer, pay_by=False if is_whole else pay_by)
        spoken = self._speak()
        words = {
            "amount": spoken._say_amount(self.amount_accepted),
            "names": ", ".join(credit_notes.mapped("name")),
            "rest": spoken._say_amount(left),
            "day": pay_by and format_date(spoken.env, pay_by),
        }
        self._tell_customer(spoken._say_accepted(words, is_whole or not pay_by), answer)

    def _say_accepted(self, words, is_all):
        """Return what the customer is told of what we accepted, in this language.

        :param words: amounts and names, put into words
        :param is_all: nothing else is asked for
        """
        if self.is_write_off and is_all:
            return self.env._(
                "We take %(amount)s off your account: you need not pay it.", **words
            )
        if self.is_write_off:
            return self.env._(
                "We take %(amount)s off your account: you need not pay it. Please pay"
                " the rest, %(rest)s, by %(day)s.",
                **words,
            )
        if is_all:
            return self.env._(
                "You are right: we credit %(amount)s with credit note %(names)s.",
                **words,
            )
        return self.env._(
            "We credit %(amount)s with credit note %(names)s. Please pay the rest,"
            " %(rest)s, by %(day)s.",
            **words,
        )

    def _make_credit_notes(self):
        """Return a posted credit note for each invoice of which we accept something."""
        credit_notes = self.env["account.move"]
        for move, lines in self.line_ids.grouped("move_id").items():
            accepted = lines.filtered("amount_accepted")
            if accepted:
                credit_notes |= self._make_credit_note(move, accepted)
        return credit_notes

    def _make_write_off(self):
        """Return a posted entry that takes what we accept off the invoices.

        Each item is written off at the rate at which it is in the books: there is no
        gain or loss of exchange. Taxes stay as they are.

        :raise UserError: so much is not open any more, or no journal takes the entry
        """
        company = self.company_id
        # sudo: which account, is told to whoever may write off.
        account = company.sudo().credit_write_off_account_id.sudo(False)
        journal = self.env["account.journal"].search(
            [
                *self.env["account.journal"]._check_company_domain(company),
                ("type", "=", "general"),
            ],
            limit=1,
        )
        if not journal:
            raise UserError(
                self.env._("Make a journal of type “Miscellaneous” for write-offs.")
            )
        parts = self._share_by_item()
        lines = [
            {
                "name": self.name,
                "account_id": item.account_id.id,
                "partner_id": item.partner_id.id,
                "currency_id": item.currency_id.id,
                "amount_currency": -float(amount),
                "balance": -company.currency_id.round(
                    float(amount) * item.balance / item.amount_currency
                ),
            }
            for item, amount in parts
        ]
        lines.append(
            {
                "name": self.name,
                "account_id": account.id,
                "partner_id": self.partner_id.id,
                "currency_id": self.currency_id.id,
                "amount_currency": -sum(line["amount_currency"] for line in lines),
                "balance": -sum(line["balance"] for line in lines),
            }
        )
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "journal_id": journal.id,
                "date": company._credit_today(),
                "ref": self.name,
                "auto_post": "no",
                "line_ids": [Command.create(line) for line in lines],
            }
        )
        entry.action_post()
        for (item, _amount), line in zip(
            parts, entry.line_ids.sorted("id"), strict=False
        ):
            (item + line).reconcile()
        for move in self.line_ids.filtered("amount_accepted").move_id:
            move._message_log(
                body=self.env._(
                    "%(entry)s writes off what dispute %(dispute)s accepted.",
                    entry=entry._get_html_link(title=entry.name),
                    dispute=self._get_html_link(title=self.name),
                )
            )
        return entry

    def _share_by_item(self):
        """Return which part of each open item is accepted: pairs (item, ``Decimal``).

        Named instalments take their own; the rest goes to the oldest first.

        :raise UserError: so much is not open any more
        """
        accounts = self.env["credit.dunning.facts"]._get_receivable_accounts(
            self.company_id
        )
        parts = {}
        for move, lines in self.line_ids.grouped("move_id").items():
            items = move.line_ids.filtered(
                lambda line: line.account_id in accounts and not line.reconciled
            ).sorted(lambda line: (line.date_maturity or line.date, line.id))
            free = {item: to_decimal(item.amount_residual_currency) for item in items}
            # Lines that name an instalment first: nobody else takes theirs.
            for line in lines.sorted(lambda line: not line.item_id):
                wanted = to_decimal(line.amount_accepted)
                named = line.item_id & items or items
                taken = rule.spread(wanted, [(item, free[item]) for item in named])
                if sum(taken.values(), rule.ZERO) < wanted:
                    raise UserError(
                        self.env._(
                            "Of %(invoice)s less is open than you accept. Accept less,"
                            " or make a credit note.",
                            invoice=move.name,
                        )
                    )
                for item, part in taken.items():
                    free[item] -= part
                    parts[item] = parts.get(item, rule.ZERO) + part
        return list(parts.items())

    def _make_credit_note(self, move, lines):
        """Return a posted credit note for exactly what is accepted of an invoice.

        By the host's own reversal: number, accounts, taxes and rate are what they are
        in any credit note. It is matched with the invoice, as far as that is open.
        """
        shares = self._share_by_invoice_line(move, lines)
        total = sum(shares.values())
        today = self.company_id._credit_today()
        reversal = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create(
                {
                    "date": today,
                    "reason": self.name,
                    "journal_id": move.journal_id.id,
                }
            )
        )
        values = reversal._prepare_default_reversal(move) | {
            "invoice_payment_term_id": False,
            "invoice_cash_rounding_id": False,
            # Of the company's day: the host compares with that of the person's clock.
            "auto_post": "no",
            "line_ids": [
                Command.create(self._prepare_credit_line(line, share))
                for line, share in shares.items()
            ],
        }
        credit_note = move._reverse_moves([values])
        self._fit_total(credit_note, float(total))
        credit_note.action_post()
        move._message_log(
            body=self.env._(
                "Credit note %(credit_note)s settles dispute %(dispute)s.",
                credit_note=credit_note._get_html_link(title=credit_note.name),
                dispute=self._get_html_link(title=self.name),
            )
        )
        self._match(move, credit_note, lines)
        return credit_note

    def _share_by_invoice_line(self, move, lines):
        """Return which part of each line of an invoice is accepted, tax included.

        An amount that names no line is shared out over all of them by what they cost,
        so that each tax gets its part.

        :return: dict invoice line -> ``Decimal``, in the order of the invoice
        """
        rounding = to_decimal(self.currency_id.rounding)
        products = move.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and line.price_total > 0
        )
        shares = dict.fromkeys(products, rule.ZERO)
        for line in lines:
            accepted = to_decimal(line.amount_accepted)
            if line.invoice_line_id in shares:
                shares[line.invoice_line_id] += accepted
                continue
            weights = [to_decimal(product.price_total) for product in products]
            parts = rule.share_out(accepted, weights, rounding)
            for product, part in zip(products, parts, strict=True):
                shares[product] += part
        if not products:
            raise UserError(
                self.env._(
                    "Invoice %(name)s has no line that could be credited. Make the"
                    " credit note by hand: the dispute closes by itself.",
                    name=move.name,
                )
            )
        return {line: share for line, share in shares.items() if share > 0}

    def _prepare_credit_line(self, line, share):
        """Return the line of a credit note for a part of a line of the invoice."""
        line = line.with_context(include_business_fields=True)
        values = line.copy_data()[0]
        whole = to_decimal(line.price_total)
        for name in ("move_id", "tax_tag_ids", "deferred_start_date"):
            values.pop(name, None)
        if share != whole:
            values |= {
                "quantity": 1,
                "discount": 0,
                # The part of the price without discount; the taxes follow.
                "price_unit": line.price_unit
                * line.quantity
                * (1 - (line.discount or 0) / 100)
                * float(share / whole),
            }
        return values

    def _fit_total(self, credit_note, total):
        """Bring a draft to its total: prices with tax do not meet every cent.

        What is missing, a few cents, is put into its tax, as the host lets people do
        by hand; without tax into a price.

        :raise UserError: it is more than that: something else changed the total
        """
        currency = credit_note.currency_id
        missing = currency.round(total - credit_note.amount_total)
        if currency.is_zero(missing):
            return
        limit = currency.rounding * (TAX_CENTS + len(credit_note.invoice_line_ids))
        if abs(missing) > limit:
            raise UserError(
                self.env._(
                    "The credit note comes to %(total)s instead of %(wanted)s. Make it"
                    " by hand: the dispute closes by itself.",
                    total=self._say_amount(credit_note.amount_total),
                    wanted=self._say_amount(total),
                )
            )
        totals = credit_note.tax_totals
        groups = [
            group
            for subtotal in totals["subtotals"]
            for group in subtotal["tax_groups"]
            if not currency.is_zero(group["tax_amount_currency"])
        ]
        if groups:
            groups[0]["tax_amount_currency"] += missing
            credit_note.tax_totals = totals
        else:
            line = credit_note.invoice_line_ids[:1]
            line.price_unit += missing / (line.quantity or 1)
        if currency.compare_amounts(credit_note.amount_total, total):
            raise UserError(
                self.env._(
                    "The credit note comes to %(total)s instead of %(wanted)s. Make it"
                    " by hand: the dispute closes by itself.",
                    total=self._say_amount(credit_note.amount_total),
                    wanted=self._say_amount(total),
                )
            )

    def _match(self, move, credit_note, lines):
        """Match a credit note with what it is about: named instalments first."""
        accounts = self.env["credit.dunning.facts"]._get_receivable_accounts(
            self.company_id
        )
        credit_lines = credit_note.line_ids.filtered(
            lambda line: line.account_id in accounts
        )
        items = move.line_ids.filtered(
            lambda line: line.account_id in accounts and not line.reconciled
        )
        named = lines.item_id & items
        for chosen in (*named, items - named):
            for account in chosen.account_id:
                left = credit_lines.filtered(
                    lambda line, account=account: (
                        line.account_id == account and not line.reconciled
                    )
                )
                if left:
                    (
                        chosen.filtered(
                            lambda line, account=account: line.account_id == account
                        )
                        + left
                    ).reconcile()

    # === ENDS BY ITSELF === #

    def _find_end(self):
        """Return how the case ends by what the ledger shows, see the rule."""
        self.ensure_one()
        moves = self.line_ids.move_id
        if any(move.state != "posted" for move in moves):
            return None
        residual = sum(moves.mapped("amount_residual"))
        credited = max(self._sum_credited() - self.credited_before, 0)
        return rule.find_end(
            to_decimal(self.amount_disputed),
            to_decimal(residual),
            to_decimal(self.currency_id.round(credited)),
        )

    def _sum_credited(self):
        """Return what credit notes took off its invoices, but those of other cases."""
        items = self.line_ids.move_id.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        partials = items.matched_credit_ids.filtered(
            lambda partial: partial.credit_move_id.move_id.move_type == "out_refund"
        )
        credit_notes = partials.credit_move_id.move_id
        others = self.search(
            [("credit_note_ids", "in", credit_notes.ids), ("id", "!=", self.id)]
        )
        partials = partials.filtered(
            lambda partial: partial.credit_move_id.move_id not in others.credit_note_ids
        )
        return sum(partials.mapped("debit_amount_currency"))

    def _close_if_settled(self):
        """Close cases whose disputed rest was paid or credited."""
        for dispute in self:
            end = dispute._find_end()
            if not end:
                continue
            state, accepted = end
            if state == rule.WITHDRAWN:
                dispute._withdraw(closed_by="payment")
                continue
            dispute._close_credited(accepted)

    def _close_credited(self, accepted):
        """Close a case that somebody settled by a credit note of their own."""
        self.ensure_one()
        rounding = to_decimal(self.currency_id.rounding)
        weights = [to_decimal(line.amount) for line in self.line_ids]
        parts = rule.share_out(accepted, weights, rounding)
        company = self.company_id
        for line, part in zip(self.line_ids, parts, strict=True):
            line.write(
                {
                    "amount_accepted": float(part),
                    "amount_credited": float(part),
                    "amount_credited_company": self.currency_id._convert(
                        float(part),
                        company.currency_id,
                        company,
                        company._credit_today(),
                    ),
                }
            )
        self._move(rule.ACCEPTED, closed_by="credit_note")
        spoken = self._speak()
        self._tell_customer(
            spoken.env._(
                "What you disputed was credited: %(amount)s. The dispute is settled.",
                amount=spoken._say_amount(float(accepted)),
            )
        )

    @api.model
    def _notice_matched(self, lines):
        """Wake the job where something about an open case was paid or credited.

        Called in the transaction of whoever matches: one question, no work.
        """
        # sudo: whoever matches payments may not know of disputes.
        open_sudo = self.sudo().search(
            [
                ("closed_date", "=", False),
                ("line_ids.move_id", "in", lines.move_id.ids),
            ],
            limit=1,
        )
        if open_sudo:
            self.env.ref("credit_management.ir_cron_watch_disputes").sudo()._trigger()

    # === THE JOB === #

    @api.model
    def _cron_watch(self):
        """Close what was settled, ask a manager about what is late, remind owners."""
        commit_progress = self.env["ir.cron"]._commit_progress
        open_ids = self.search([("closed_date", "=", False)]).ids
        commit_progress(remaining=len(open_ids))
        for start in range(0, len(open_ids), BATCH):
            batch = self.browse(open_ids[start : start + BATCH])
            batch = batch.try_lock_for_update().filtered_domain(
                [("closed_date", "=", False)]
            )
            for company, disputes in batch.grouped("company_id").items():
                disputes.with_company(company)._watch(company._credit_today())
            if not commit_progress(min(BATCH, len(open_ids) - start)):
                return

    def _watch(self, today):
        for dispute in self:
            try:
                with self.env.cr.savepoint():
                    dispute._watch_one(today)
            except UserError as error:
                # One that cannot be closed stops no other: a person looks at it.
                if not dispute.activity_ids:
                    words = str(error)
                    dispute._give_task(dispute.user_id, lambda env, words=words: words)

    def _watch_one(self, today):
        self._close_if_settled()
        if self.state not in rule.OPEN_STATES:
            return
        if self.state == rule.WAITING and self.answer_by < today:
            # Who never answers does not stop reminders for ever.
            self._resume()
            self.is_unconfirmed = True
            self._give_task(
                self.user_id, lambda env: env._("The customer did not answer")
            )
        if rule.is_late(self.state, self.deadline, today) and not self.escalated_date:
            self._escalate(today)

    def _escalate(self, today):
        """Give a manager a task, once, and note it."""
        company = self.company_id
        manager = self.env["credit.profile"]._find_person(
            company, (company.credit_dispute_user_id,)
        )
        self.escalated_date = today
        self._give_task(
            manager, lambda env: env._("A dispute was not answered in time")
        )
        self._message_log(
            body=self.env._(
                "Not answered by %(day)s: %(manager)s was asked to look into it.",
                day=format_date(self.env, self.deadline),
                manager=manager.name,
            )
        )
