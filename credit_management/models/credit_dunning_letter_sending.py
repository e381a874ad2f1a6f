import hashlib
import logging
from collections import defaultdict
from datetime import timedelta

import psycopg2
from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize, formataddr, html2plaintext

from ..logic import delivery, dunning
from ..logic.money import to_decimal
from .credit_dunning_facts import LIVE_STATES

_logger = logging.getLogger(__name__)

# The wire knows the letter by this header, so that anyone can count copies.
KEY_HEADER = "X-Credit-Key"
# Letters handed over in one transaction.
HAND_OVER_BATCH = 40
# A letter taken so often without success is parked with a task.
MAX_FAILURES = 3
# One that was taken is not taken again for so long, should the worker have died.
PATIENCE = timedelta(minutes=1)
# After a clash with somebody who works on the same documents.
CLASH_WAIT = timedelta(seconds=5)
# Jobs of the same work: as many workers can hand letters over at once.
HAND_OVER_JOBS = ("ir_cron_send_letters", "ir_cron_send_letters_too")
# Facts of the day that a letter under way does not wait for again: it was decided.
DECIDED_REASONS = {dunning.CHASED, dunning.WAITING, dunning.LAST_LEVEL}
# These pass by themselves: the letter stays in the queue.
WAITING_REASONS = {dunning.NOT_WORKING_DAY, dunning.TOO_SOON}


class CreditDunningLetterSending(models.Model):
    """How a queued letter goes: checked again, frozen, handed over, and its fate."""

    _inherit = "credit.dunning.letter"

    # === BUSINESS METHODS - CHECKED AGAIN === #

    def _gather_facts(self):
        """Read, now, what the rule says of the items of these letters of one run.

        :return: the facts, and a dict receivable line id -> ``dunning.Outcome``
        """
        company = self.company_id
        facts = (
            self.with_company(company)
            .env["credit.dunning.facts"]
            ._gather(company, company._credit_today(), self.commercial_partner_id, self)
        )
        outcomes = {
            outcome.item.ref: outcome
            for _partner_id, decision in facts.decide()
            for outcome in decision.outcomes
        }
        return facts, outcomes

    def _recheck(self, facts, outcomes):
        """Keep only what still has to be said, at the amounts of now.

        Items that were paid, disputed, excluded … meanwhile are dropped with that
        reason, amounts and credits are put right.

        :return: the reason why the letter must wait or not go, or None
        """
        self.ensure_one()
        chased = self._get_chased_lines()
        late = self._find_late(chased, outcomes)
        if late and len(late) == len(chased):
            reason = next(iter(late.values()))
            if reason in WAITING_REASONS:
                first = outcomes[chased[0].move_line_id.id]
                self._wait_until(first.next_date or facts.today + timedelta(days=1))
            return reason
        for line, reason in late.items():
            line.write({"is_excluded": True, "excluded_reason": self._say(reason)})
        if late:
            self._follow_items()
        self._refresh_amounts(facts, outcomes)
        return self._find_too_small()

    @api.model
    def _find_late(self, lines, outcomes):
        """Return which items need not be said any more.

        :return: dict item of the letter -> reason
        """
        late = {}
        for line in lines:
            outcome = outcomes.get(line.move_line_id.id)
            if outcome is None:
                late[line] = dunning.PAID
            elif outcome.reason not in DECIDED_REASONS:
                late[line] = outcome.reason
        return late

    def _find_too_small(self):
        """Return why what is left after review and payments is not worth a letter."""
        self.ensure_one()
        if not self.amount_total and not self.amount_upcoming:
            return dunning.NET_CREDIT
        minimum = max(self.policy_id.minimum_amount, self.level_id.minimum_amount)
        if not self.is_reminder and self.amount_company < minimum:
            return dunning.BELOW_MINIMUM
        return None

    def _is_overtaken(self):
        """Say whether something has changed since the text was frozen.

        Asked in the transaction that sends, just before the mail server is.
        """
        self.ensure_one()
        facts, outcomes = self._gather_facts()
        if self._find_late(self._get_chased_lines(), outcomes):
            return True
        frozen = {
            line.move_line_id.id: to_decimal(line.amount)
            for line in self.line_ids
            if not line.is_excluded
        }
        return self._find_amounts(facts, outcomes) != frozen

    def _find_amounts(self, facts, outcomes):
        """Return what the letter says at this moment: claims, and credits below zero.

        :return: dict receivable line id -> amount, in the currency of the letter
        """
        self.ensure_one()
        amounts, claim = {}, dunning.ZERO
        for line in self.line_ids:
            outcome = outcomes.get(line.move_line_id.id)
            if line.is_excluded or line.kind == "credit" or outcome is None:
                continue
            if outcome.reason in DECIDED_REASONS:
                amounts[line.move_line_id.id] = outcome.amount
                claim += dunning.ZERO if line.is_reminder else outcome.amount
        customer = facts.customers.get(self.commercial_partner_id.id)
        held = [
            credit
            for credit in (customer.credits if customer else ())
            if credit.currency == self.currency_id.id
        ]
        netted = self._get_netted_elsewhere() if held and claim else {}
        for credit in held:
            part = min(credit.amount - netted.get(credit.ref, dunning.ZERO), claim)
            if part > 0:
                amounts[credit.ref] = -part
                claim -= part
        return amounts

    def _refresh_amounts(self, facts, outcomes):
        """Write the amounts of this moment; drop what was paid, net the credits."""
        amounts = self._find_amounts(facts, outcomes)
        for line in self.line_ids.filtered(lambda line: not line.is_excluded):
            line_id = line.move_line_id.id
            if line_id not in amounts:
                line.unlink()  # claimed or netted along, and settled meanwhile
                continue
            vals = self._prepare_item_values(facts, line_id, amounts.pop(line_id))
            changed = {
                name: value
                for name, value in vals.items()
                if line._fields[name].convert_to_write(line[name], line) != value
            }
            if changed:
                line.write(changed)
        self.line_ids.create(
            [
                self._prepare_item_values(facts, line_id, amount)
                | {"letter_id": self.id, "kind": "credit"}
                for line_id, amount in amounts.items()
            ]
        )
        asked = facts.today + timedelta(days=self.level_id.deadline_days)
        if not self.is_edited or not self.pay_by_date or self.pay_by_date < asked:
            pay_by = (
                facts.calendar.next_working_day(asked)
                if self.policy_id.working_days_only
                else asked
            )
            if self.pay_by_date != pay_by:
                self.pay_by_date = pay_by

    def _get_netted_elsewhere(self):
        """Return what other letters of the run take off for the same credits.

        A customer with two contacts gets two letters; a credit counts once.

        :return: dict receivable line id -> amount
        """
        others = self.search(
            [
                ("run_id", "=", self.run_id.id),
                ("id", "!=", self.id),
                ("commercial_partner_id", "=", self.commercial_partner_id.id),
                ("state", "in", ("proposed", *LIVE_STATES)),
            ]
        )
        netted = {}
        for line in others.line_ids.filtered(lambda line: line.kind == "credit"):
            line_id = line.move_line_id.id
            netted[line_id] = netted.get(line_id, dunning.ZERO) - to_decimal(
                line.amount
            )
        return netted

    def _say(self, reason):
        """Put a reason of the rule into words."""
        Outcome = self.env["credit.dunning.outcome"]
        labels = dict(Outcome._fields["reason"]._description_selection(self.env))
        return labels.get(reason, reason)

    def _wait_until(self, day):
        self.queued_until = fields.Datetime.to_datetime(day)

    # === BUSINESS METHODS - HANDED OVER === #

    def _hand_over(self):
        """Hand queued letters of one run over to the channels of their levels.

        In one transaction: the check against the ledger, the text as it will be sent,
        the outgoing mail, the level. The host's mail queue does the rest.
        """
        facts, outcomes = self._gather_facts()
        going = self.browse()
        for letter in self:
            reason = letter._recheck(facts, outcomes)
            if not reason:
                going |= letter
            elif reason not in WAITING_REASONS:
                letter._skip(letter._say(reason))
        (self - going)._touch_profiles()
        if going:
            going._go()

    def _go(self):
        """Freeze the texts and make the mails; what asks for neither has gone."""
        self._compute_recipient_emails()
        company = self.company_id
        self.write(
            {
                "message_date": company._credit_today(),
                # The mode of this moment decides, not that of the day of approval.
                "is_test": company.credit_mode == "redirect",
            }
        )
        # The customer opens and pays these from the page, without a login. A token
        # changes nothing in the entry: the host need not go over its lines.
        moves = self._get_chased_lines().move_id.with_context(
            skip_is_manually_modified=True,
            skip_invoice_sync=True,
            check_move_validity=False,
        )
        for move in moves:
            move._portal_ensure_token()
        spoken = self.filtered(
            lambda letter: letter.level_id.send_email or letter.level_id.send_letter
        )
        spoken._freeze_texts()
        by_mail = self.filtered(
            lambda letter: letter.level_id.send_email and letter.recipient_emails
        )
        by_mail._create_mails()
        lost = self.filtered(
            lambda letter: (
                letter.level_id.send_email
                and not letter.level_id.send_letter
                and not letter.recipient_emails
            )
        )
        lost._fail(self.env._("The customer has no e-mail address"))
        gone = self - lost
        done = self.browse()
        for letter in gone:
            # Paper goes once, and one redirected for a test never goes by post.
            to_print = (
                letter.level_id.send_letter
                and not letter.is_test
                and not letter.printed_date
            )
            letter.write(
                {
                    "to_print": to_print,
                    "state": "sending",
                    "sent_date": False,
                    "queued_until": False,
                    "claimed_date": False,
                }
            )
            if not to_print and letter not in by_mail:
                done |= letter
        done._set_sent()
        (gone - done)._touch_profiles()

    def _freeze_texts(self):
        """Render the texts for the last time and keep them with their hashes."""
        for letter_id, (subject, body) in self._render_texts().items():
            self.browse(letter_id).write(
                {
                    "subject": subject,
                    "body": body,
                    "body_sha256": hashlib.sha256(str(body).encode()).hexdigest(),
                }
            )

    def _create_mails(self):
        """Create the outgoing mails, each with a Message-ID that stays the same."""
        if not self:
            return
        sender = self._get_sender()
        reply_to = self._notify_get_reply_to(default=sender)
        mails = (
            self.env["mail.mail"]
            .sudo()
            .create(
                [
                    letter._prepare_mail_values()
                    | {"email_from": sender, "reply_to": reply_to[letter.id]}
                    for letter in self
                ]
            )
        )
        for letter, mail in zip(self, mails, strict=True):
            letter.mail_ids = [fields.Command.set(mail.ids)]
        for user, letters in self.grouped("user_id").items():
            if user:
                # A reply to the mail lands here; this is who hears of it.
                letters.message_subscribe(user.partner_id.ids)

    def _get_sender(self):
        """Return the address letters of a company come from."""
        return self.company_id.email_formatted or self.env.user.email_formatted

    def _prepare_mail_values(self):
        """Return the values of the outgoing mail; extend to add to it."""
        company = self.company_id
        recipients = self.recipient_ids or self.partner_id
        to = ", ".join(
            # One line: a line break in a name must not begin a new header.
            formataddr(
                (" ".join((partner.name or "").split()), partner.email_normalized)
            )
            for partner in recipients
            if partner.email_normalized
        )
        subject = self.subject
        cc = self.email_cc
        if self.is_test:
            subject = f"[{to}] {subject}"
            to, cc = company.credit_redirect_email, False
        return {
            "model": self._name,
            "res_id": self.id,
            "subject": subject,
            # On the thread; the letter itself shows its text as sent.
            "body": Markup("<p>%s</p>") % subject,
            "body_html": self.body,
            "email_to": to,
            "email_cc": cc,
            "message_id": f"<credit-{self.key}@{self._get_mail_host()}>",
            "headers": repr({KEY_HEADER: self.key}),
            "author_id": company.partner_id.id,
            "message_type": "email_outgoing",
            "auto_delete": False,
            "mail_server_id": self.level_id.mail_template_id.mail_server_id.id,
            "attachment_ids": [fields.Command.set(self._get_attachments().ids)],
        }

    def _get_mail_host(self):
        """Return the right-hand side of the Message-ID (RFC 5322 §3.6.4)."""
        company = self.company_id
        address = email_normalize(company.email or "") or "@localhost"
        return company.alias_domain_id.name or address.rpartition("@")[2]

    def _get_attachments(self):
        """Return what goes along: the invoices where the level says so."""
        if not self.level_id.attach_invoices:
            return self.env["ir.attachment"]
        # sudo: invoices of other salespeople go along too.
        moves_sudo = (
            self.sudo().line_ids.filtered(lambda line: not line.is_excluded).move_id
        )
        vals_list = []
        for move_sudo in moves_sudo.filtered(lambda move: move.is_sale_document()):
            # The invoice as it was sent, else printed now; never a pro forma.
            kept_sudo = move_sudo.invoice_pdf_report_id
            vals_list.append(
                {
                    "name": kept_sudo.name or move_sudo._get_invoice_report_filename(),
                    "raw": kept_sudo.raw or self._print_invoice(move_sudo),
                    "mimetype": "application/pdf",
                    "res_model": self._name,
                    "res_id": self.id,
                }
            )
        return self.env["ir.attachment"].sudo().create(vals_list)

    @api.model
    def _print_invoice(self, move_sudo):
        content, _kind = (
            self.env["ir.actions.report"]
            .sudo()  # sudo: as the host does for its own mails
            ._render_qweb_pdf("account.account_invoices", move_sudo.ids)
        )
        return content

    # === BUSINESS METHODS - EFFECTS === #

    def _apply_task(self):
        """Give the collector the task of the level, for instance a call."""
        level = self.level_id
        if not level.activity_type_id:
            return
        self.profile_id.with_context(lang=self.user_id.lang).activity_schedule(
            activity_type_id=level.activity_type_id.id,
            summary=self.name,
            note=level.activity_note or "",
            user_id=(self.user_id or self.env.user).id,
        )

    def _log_on_documents(self):
        """Leave a trace on the customers' files and on each invoice."""
        on_profiles, on_moves = defaultdict(Markup), defaultdict(Markup)
        for letter in self:
            note = self.env._(
                "%(level)s to %(recipient)s: %(amount)s",
                level=letter.level_id.name,
                recipient=letter.recipient_emails or letter.partner_id.display_name,
                amount=letter.currency_id.format(
                    letter.amount_total or letter.amount_upcoming
                ),
            )
            body = Markup("<p>%s</p>") % note
            on_profiles[letter.profile_id.id] += body
            for move in letter._get_chased_lines().move_id:
                on_moves[move.id] += body
        self.profile_id._message_log_batch(on_profiles)
        self.env["account.move"].browse(on_moves)._message_log_batch(on_moves)

    def _set_sent(self):
        """The message left: from now on it is a fact, with its task and its traces."""
        now = fields.Datetime.now()
        new = self.filtered(lambda letter: not letter.sent_date)
        for letter in self:
            letter.write(
                {
                    "state": "sent",
                    "sent_date": letter.sent_date or now,
                    "state_reason": False,
                    "failure_open": False,
                }
            )
        for letter in new:
            letter._apply_task()
        new._log_on_documents()
        self.run_id._update_done()
        self._touch_profiles()

    def _fail(self, reason):
        """The message did not leave: no level, a task for a person.

        Where the level also goes by post, the letter takes that road instead.
        """
        for letter in self:
            if letter.printed_date:
                letter._set_sent()  # it did reach the customer, on paper
                continue
            by_post = letter.level_id.send_letter and not letter.is_test
            if by_post and letter.state in ("sending", "sent"):
                letter.write(
                    {
                        "state": "sending",
                        "to_print": True,
                        "sent_date": False,
                        "mail_ids": [fields.Command.clear()],
                        "state_reason": self.env._(
                            "E-mail failed (%(reason)s): goes by post", reason=reason
                        ),
                    }
                )
                continue
            letter.write(
                {
                    "state": "failed",
                    "state_reason": reason,
                    "failure_open": True,
                    "failed_email": (letter.recipient_emails or "").split(",")[0],
                    "sent_date": False,
                }
            )
            letter.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Put the address right"),
                note=self.env._(
                    "A dunning letter to %(customer)s did not arrive: %(reason)s",
                    customer=letter.partner_id.display_name,
                    reason=reason,
                ),
                user_id=(letter.user_id or letter.run_id.user_id or self.env.user).id,
            )
        self.run_id._update_done()
        self._touch_profiles()

    def _reverse(self):
        """Give levels back. A mail still in the queue does not go."""
        self._cancel_mails()
        for letter in self:
            letter.sudo().write({"state": "reversed", "to_print": False})
            body = Markup("<p>%s</p>") % self.env._(
                "%(level)s reversed by %(user)s",
                level=letter.level_id.name,
                user=self.env.user.name,
            )
            letter._message_log_batch({letter.id: body})
            letter.profile_id._message_log_batch({letter.profile_id.id: body})
            moves = letter.line_ids.move_id
            moves._message_log_batch({move.id: body for move in moves})
        self._touch_profiles()

    def _cancel_mails(self):
        # sudo: the mail queue belongs to the system; only our own mails are touched.
        self.sudo().mail_ids.filtered(
            lambda mail: mail.state in ("outgoing", "exception")
        ).cancel()

    def _touch_profiles(self):
        for company, letters in self.grouped("company_id").items():
            self.env["credit.profile"]._touch(company, letters.commercial_partner_id)

    # === BUSINESS METHODS - WHAT BECAME OF THE MAIL === #

    @api.model
    def _apply_mail_results(self, mails, failure_reason, failure_type):
        """Take over what the host's mail queue found out.

        Called by the queue for each mail, in its transaction. Passing failures are
        tried again later; lasting ones fail the letter; where it is not known whether
        the message arrived, a level that goes at most once asks a person.
        """
        letters = self.search(
            [("mail_ids", "in", mails.ids), ("state", "=", "sending")]
        )
        for letter in letters:
            mail = letter.mail_ids & mails
            if mail.state == "sent":
                letter._set_sent()
                continue
            reason = failure_reason or mail.failure_reason
            kind = delivery.classify_failure(reason, failure_type)
            attempts = letter.attempt_count + 1
            wait = delivery.wait_before_attempt(attempts)
            letter.attempt_count = attempts
            reason_line = (html2plaintext(reason or "") or "").strip().split("\n")[0]
            if kind == delivery.UNKNOWN and letter.level_id.send_once:
                letter._set_unknown(reason_line)
            elif kind == delivery.HARD or wait is None:
                letter._fail(reason_line or self.env._("Not delivered"))
            else:
                letter.write(
                    {
                        "queued_until": fields.Datetime.now() + wait,
                        "state_reason": reason_line,
                        "claimed_date": False,
                    }
                )
                mail.state = "exception"  # until the supervisor tries again

    def _set_unknown(self, reason):
        """Leave it to a person whether a letter that goes at most once arrived."""
        self._cancel_mails()
        self.write({"state": "unknown", "state_reason": reason})
        self._ask_person()
        self._touch_profiles()

    def _ask_person(self):
        """Ask whether a letter that goes at most once arrived."""
        for letter in self:
            letter.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Did this letter arrive?"),
                note=self.env._(
                    "The mail server was cut off. Look at its log, or ask the customer,"
                    " then confirm the letter or send it again."
                ),
                user_id=(letter.user_id or letter.run_id.user_id or self.env.user).id,
            )
        self.run_id._update_done()

    def _message_receive_bounce(self, email, partner):
        """Override of `mail`: a bounced letter is not a letter."""
        res = super()._message_receive_bounce(email, partner)
        # The bounce of a copy is no bounce of the letter.
        letters = self.filtered(
            lambda letter: (
                letter.state in ("sending", "sent", "unknown")
                and email in (letter.recipient_emails or "").split(", ")
            )
        )
        letters._fail(self.env._("The e-mail to %(address)s bounced", address=email))
        return res

    # === BUSINESS METHODS - THE LAST DOOR === #

    @api.model
    def _take_for_departure(self, mail, commit=True):
        """Say whether a mail may be handed to the mail server now, and take it.

        The letter is locked until the result is committed: two senders never send the
        same one, and the lock of a sender that dies is free at once. A letter that
        goes at most once is also claimed, for good, before the mail server hears of
        it: found claimed and not locked, its sender died on the way, and only a
        person can find out whether it arrived.

        :param commit: whether this is the queue, which commits mail by mail
        """
        letter = self._lock_departing(mail)
        if not letter:
            return False
        if letter._is_closed():
            letter._recall()
            return False
        if letter._is_overtaken():
            letter._recall()
            self._wake()
            return False
        if not letter.level_id.send_once:
            return True
        if letter.claimed_date:
            letter._set_unknown(self.env._("The server stopped while it was sent"))
            return False
        letter.claimed_date = fields.Datetime.now()
        if commit:
            self.env["ir.cron"]._commit_progress()
            letter = self._lock_departing(mail)
        return bool(letter)

    @api.model
    def _lock_departing(self, mail):
        """Return the letter that waits for this mail to leave, locked, if it does."""
        letters = self.search([("mail_ids", "in", mail.ids)])
        letter = letters.try_lock_for_update(allow_referencing=True)
        leaving = letter.state == "sending" and mail.state == "outgoing"
        return letter if len(letter) == 1 and leaving else self.browse()

    @api.model
    def _count_outgoing(self, limit=None):
        """Return how many letters wait in the mail queue."""
        return self.search_count(
            [("state", "=", "sending"), ("mail_ids.state", "=", "outgoing")],
            limit=limit,
        )

    def _is_closed(self):
        """Say whether the company holds back a letter like this one now."""
        self.ensure_one()
        company = self.company_id
        if company.credit_stopped or company.credit_mode not in ("redirect", "live"):
            return True
        return company.credit_mode == "redirect" and not self.is_test

    @api.model
    def _recall_outgoing(self, companies):
        """Take what the mail queue has not sent back into our own queue."""
        self.search(
            [("company_id", "in", companies.ids), ("state", "=", "sending")]
        )._recall()

    def _recall(self):
        """Cancel the mails that have not left, and queue their letters again."""
        waiting = self.filtered(
            lambda letter: (
                letter.mail_ids
                and all(
                    mail.state in ("outgoing", "exception") for mail in letter.mail_ids
                )
            )
        )
        waiting._cancel_mails()
        waiting.write(
            {
                "state": "queued",
                "message_date": False,
                "queued_until": False,
                "claimed_date": False,
            }
        )

    # === CRON === #

    @api.model
    def _wake(self):
        """Wake the jobs that hand letters over; they share what is queued."""
        for name in HAND_OVER_JOBS:
            # sudo: whoever queues a letter may ask for it to be handed over.
            self.env.ref(f"credit_management.{name}").sudo()._trigger()

    @api.model
    def _get_sendable_domain(self):
        """Return which letters may be handed over now."""
        return Domain(
            [
                ("state", "=", "queued"),
                ("company_id.credit_stopped", "=", False),
                ("company_id.credit_mode", "in", ("redirect", "live")),
            ]
        ) & (
            Domain("queued_until", "=", False)
            | Domain("queued_until", "<=", fields.Datetime.now())
        )

    @api.model
    def _cron_send_letters(self):
        """Hand queued letters over, a small batch a transaction, until time is over.

        May be killed anywhere and run many times at once: batches are locked, and a
        letter leaves the domain in the transaction that creates its mail. One that
        cannot be made is tried again by itself, and parked with a task after a few
        times; the others go on.
        """
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=self.search_count(self._get_sendable_domain()))
        while letters := self._take_for_hand_over():
            letters._hand_over_or_note()
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
            if not commit_progress(len(letters)):
                return

    @api.model
    def _take_for_hand_over(self):
        """Lock the next letters of one run, and note that they were taken.

        The note is committed before anything is done: a letter that kills its worker
        is known by it. Such a letter is taken by itself from then on, and after a few
        times parked.
        """
        letters = self._lock_next()
        if not letters:
            return letters
        worn = letters.filtered(lambda letter: letter.failure_count >= MAX_FAILURES)
        worn._fail(self.env._("Could not be made: the server stopped at it"))
        letters -= worn
        patience = fields.Datetime.now() + PATIENCE
        for count, taken in letters.grouped("failure_count").items():
            taken.write({"failure_count": count + 1, "queued_until": patience})
        self.env["ir.cron"]._commit_progress()
        letters._prepare_invoices()
        letters = letters._lock_queued()
        # All of them parked, or taken by somebody else: go on to the next ones.
        return letters or self._take_for_hand_over()

    def _prepare_invoices(self):
        """Give invoices the tokens that letters need, in a transaction of their own.

        In the long one that makes the letters, whoever works on one of the invoices
        meanwhile would undo all of it, again and again. In SQL, since a token changes
        nothing in the entry; the host would go over its lines. Those that somebody
        works on right now get theirs along with the letters.
        """
        try:
            self.env.execute_query(
                SQL(
                    """
                    UPDATE account_move
                       SET access_token = gen_random_uuid()
                     WHERE id IN (
                        SELECT move.id
                          FROM account_move move
                          JOIN credit_dunning_letter_line line
                            ON line.move_id = move.id
                         WHERE line.letter_id = ANY(%s)
                           AND line.kind = 'chased'
                           AND move.access_token IS NULL
                           FOR NO KEY UPDATE OF move SKIP LOCKED)
                    RETURNING id
                    """,
                    self.ids,
                )
            )
            self.env["ir.cron"]._commit_progress()
        except psycopg2.extensions.TransactionRollbackError:
            self.env.cr.rollback()

    def _lock_queued(self):
        """Lock those of these letters that still wait and that nobody else took."""
        return self.try_lock_for_update(allow_referencing=True).filtered(
            lambda letter: letter.state == "queued"
        )

    @api.model
    def _lock_next(self):
        """Lock the next letters that nobody works on: one run, one way of going.

        Those that failed before come last, one at a time.
        """
        query = self._search(
            self._get_sendable_domain(),
            order="failure_count, run_id.id, id",
            limit=HAND_OVER_BATCH,
        )
        rows = self.env.execute_query(
            SQL(
                "%s FOR NO KEY UPDATE OF %s SKIP LOCKED",
                query.select(),
                SQL.identifier(self._table),
            )
        )
        letters = self.browse(row[0] for row in rows)
        first = letters[:1]
        if first.failure_count:
            return first
        return letters.filtered(
            lambda letter: (
                (letter.company_id, letter.run_id, letter.failure_count)
                == (first.company_id, first.run_id, 0)
            )
        )

    def _hand_over_or_note(self):
        """Hand letters over that were taken; a failure is noted and stops nobody."""
        company = self.company_id
        # What the machine does with a letter stands on it by its dates, not in words.
        letters = self.with_company(company).with_context(
            allowed_company_ids=company.ids, mail_notrack=True
        )
        try:
            letters._hand_over()
            letters.filtered("failure_count").failure_count = 0
            letters.run_id._update_done()
            self.env.flush_all()
        except psycopg2.extensions.TransactionRollbackError:
            # Somebody works on the same documents: no fault of the letters.
            self.env.cr.rollback()
            _logger.info("Dunning letters %s clashed and are taken again", self.ids)
            soon = fields.Datetime.now() + CLASH_WAIT
            for letter in self._lock_queued():
                count = letter.failure_count - 1
                letter.write({"failure_count": count, "queued_until": soon})
        except Exception as error:
            self.env.cr.rollback()
            _logger.exception("Dunning letters %s could not be made", self.ids)
            self._lock_queued()._note_failure(error)

    def _note_failure(self, error):
        """Try letters that could not be made again, one by one; park one in the end."""
        for letter in self:
            if letter.failure_count >= MAX_FAILURES:
                letter._fail(self.env._("Could not be made: %(error)s", error=error))
                continue
            alone = len(self) == 1
            letter.queued_until = alone and fields.Datetime.now() + timedelta(
                minutes=10
            )

    @api.model
    def _cron_supervise(self):
        """Keep letters moving: wake the queues, try again what failed in passing."""
        again = self.search(
            [
                ("state", "=", "sending"),
                ("mail_ids", "!=", False),
                ("queued_until", "!=", False),
                ("queued_until", "<=", fields.Datetime.now()),
                ("company_id.credit_stopped", "=", False),
            ]
        ).try_lock_for_update(allow_referencing=True)
        again.mail_ids.filtered(lambda mail: mail.state == "exception").mark_outgoing()
        again.queued_until = False
        self.env["ir.cron"]._commit_progress()
        self._settle_finished_mails()
        if self.search_count(self._get_sendable_domain(), limit=1):
            self._wake()
        if self._count_outgoing(limit=1):
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    @api.model
    def _settle_finished_mails(self):
        """Take over results that the mail queue could not tell: it was killed."""
        letters = self.search(
            [
                ("state", "=", "sending"),
                ("mail_ids.state", "in", ("sent", "exception", "cancel")),
                ("queued_until", "=", False),
            ]
        ).try_lock_for_update(allow_referencing=True)
        for letter in letters:
            mail = letter.mail_ids[:1]
            if mail.state == "cancel":
                letter._fail(self.env._("The e-mail was cancelled in the mail queue"))
            else:
                self._apply_mail_results(mail, mail.failure_reason, mail.failure_type)
