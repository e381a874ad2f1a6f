import hashlib
from collections import defaultdict
from datetime import timedelta

import psycopg2
from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date, formataddr

from ..logic import dunning
from ..logic.money import to_decimal
from .credit_dunning_facts import LIVE_STATES
from .credit_outgoing_mixin import NO_NOTICE, OUTGOING_MODELS

# The wire knows the letter by this header, so that anyone can count copies.
KEY_HEADER = "X-Credit-Key"
# Letters handed over in one transaction.
HAND_OVER_BATCH = 40
# Jobs of the same work: as many workers can hand letters over at once.
HAND_OVER_JOBS = ("ir_cron_send_letters", "ir_cron_send_letters_too")
# Facts of the day that a letter under way does not wait for again: it was decided.
DECIDED_REASONS = {dunning.CHASED, dunning.WAITING, dunning.LAST_LEVEL}
# These pass by themselves: the letter stays in the queue.
WAITING_REASONS = {dunning.NOT_WORKING_DAY, dunning.TOO_SOON}


class CreditDunningLetterSending(models.Model):
    """How a queued letter goes: checked again, frozen, handed over, and its fate."""

    # Printing is another matter, in a file of its own.
    _inherit = "credit.dunning.letter"  # pylint: disable=consider-merging-classes-inherited

    _hand_over_order = "failure_count, run_id.id, id"
    _hand_over_batch = HAND_OVER_BATCH

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
        return self._has_changed(*self._gather_facts())

    def _has_changed(self, facts, outcomes):
        """Say whether the letter would say something else now."""
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
        self.run_id._update_done()

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
        spoken = self.filtered(lambda letter: letter.level_id._has_text())
        spoken._freeze_texts()
        waiting = self._hand_over_channels()
        reasons = {letter: letter._explain_unreachable() for letter in self - waiting}
        lost = self.filtered(reasons.get)
        for reason, letters in lost.grouped(reasons.get).items():
            letters._fail(reason)
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
            if not to_print and letter not in waiting:
                done |= letter
        done._set_sent()
        (gone - done)._touch_profiles()

    def _hand_over_channels(self):
        """Hand letters to the queues of their channels, all but paper.

        Extend to add a channel: call ``super()`` and add the letters it took. Such a
        letter stays *sending* until the channel calls ``_set_sent`` or ``_fail``.

        :return: the letters that now wait for a queue to send them
        """
        by_mail = self.filtered(
            lambda letter: letter.level_id.send_email and letter.recipient_emails
        )
        by_mail._create_mails()
        return by_mail

    def _explain_unreachable(self):
        """Return why a letter that no queue took reaches nobody, or None if it does.

        Extend it along with ``_hand_over_channels``.
        """
        self.ensure_one()
        level = self.level_id
        if level.send_email and not level.send_letter and not self.recipient_emails:
            return self.env._("The customer has no e-mail address")
        return None

    def _freeze_texts(self):
        """Render the texts for the last time and keep them with their hashes."""
        plan_words = self._find_plan_words()
        texts = self._render_texts(plan_words=plan_words)
        for letter_id, (subject, body) in texts.items():
            self.browse(letter_id).write(
                {
                    "subject": subject,
                    "body": body,
                    "plan_words": plan_words.get(letter_id),
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
            .sudo()  # sudo: the mail queue belongs to the system
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
        """Give the collector the task of the level, for instance a call.

        With what one must know to do it: what is owed and since when, which items,
        whom to call under which number, and what to say.
        """
        level = self.level_id
        if not level.activity_type_id:
            return
        user = self._get_informed_user()
        letter = self.with_context(lang=user.lang or self.env.lang)
        letter.profile_id.with_context(**NO_NOTICE).activity_schedule(
            activity_type_id=level.activity_type_id.id,
            summary=letter.name,
            note=letter.profile_id._render_facts(letter._prepare_task_facts()),
            user_id=user.id,
        )

    def _get_informed_user(self):
        """Return who hears of what becomes of this letter: never the program itself."""
        self.ensure_one()
        if self.user_id:
            return self.user_id
        asked = self.run_id.user_id or self.env.user
        return self.profile_id._get_informed_user(asked)

    def _prepare_task_facts(self):
        """Return the facts of the letter for the task of its level.

        sudo: contacts of the customer are told to whoever does the task.
        """
        self.ensure_one()
        letter_sudo = self.sudo()
        lines = letter_sudo.line_ids.filtered(
            lambda line: not line.is_excluded and line.kind != "credit"
        ).sorted(lambda line: (line.date_maturity or fields.Date.today(), line.id))
        due_dates = [line.date_maturity for line in lines if line.date_maturity]
        amount = letter_sudo.amount_total or letter_sudo.amount_upcoming
        return {
            "overdue": letter_sudo.currency_id.format(amount),
            "oldest": due_dates
            and letter_sudo.profile_id._say_oldest(
                due_dates[0], max(lines.mapped("days_late"))
            ),
            "items": [
                {
                    "name": line.name,
                    "due_date": format_date(self.env, line.date_maturity),
                    "days_late": line.days_late,
                    "amount": line.currency_id.format(line.amount),
                }
                for line in lines
            ],
            "phones": letter_sudo.profile_id._find_phones(letter_sudo.partner_id),
            "language": letter_sudo.profile_id.lang,
            "script": letter_sudo.level_id.activity_note or "",
        }

    def _log_on_documents(self):
        """Leave a trace on the customers' files and on each invoice."""
        on_profiles, on_moves = defaultdict(Markup), defaultdict(Markup)
        for letter in self:
            note = self.env._(
                "%(level)s to %(recipient)s: %(amount)s",
                level=letter.level_id.name,
                recipient=letter._describe_recipients(),
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

    def _describe_recipients(self):
        """Return where a letter went, in words; extend to add a channel."""
        self.ensure_one()
        return self.recipient_emails or self.partner_id.display_name

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
                            "Not delivered (%(reason)s): goes by post", reason=reason
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
            letter.with_context(**NO_NOTICE).activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Put the address right"),
                note=self.env._(
                    "A dunning letter to %(customer)s did not arrive: %(reason)s",
                    customer=letter.partner_id.display_name,
                    reason=reason,
                ),
                user_id=letter._get_informed_user().id,
            )
        self.run_id._update_done()
        self._touch_profiles()

    def _reverse(self):
        """Give levels back. A mail still in the queue does not go."""
        self._cancel_mails()
        for letter in self:
            # sudo: where a letter stands is written by its own methods only.
            letter.sudo().write(
                {
                    "state": "reversed",
                    "to_print": False,
                    "reversed_date": fields.Datetime.now(),
                }
            )
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

    def _touch_profiles(self):
        for company, letters in self.grouped("company_id").items():
            self.env["credit.profile"]._touch(company, letters.commercial_partner_id)

    # === BUSINESS METHODS - WHAT BECAME OF THE MAIL === #

    def _goes_once(self):
        return self.level_id.send_once

    def _get_addresses(self):
        return (self.recipient_emails or "").split(", ")

    def _wait_after_failure(self, wait, reason):
        res = super()._wait_after_failure(wait, reason)
        self.claimed_date = False
        return res

    def _set_unknown(self, reason):
        """Leave it to a person whether a letter that goes at most once arrived."""
        self._cancel_mails()
        self.write({"state": "unknown", "state_reason": reason})
        self._ask_person()
        self._touch_profiles()

    def _ask_person(self):
        """Ask whether a letter that goes at most once arrived."""
        for letter in self:
            letter.with_context(**NO_NOTICE).activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Did this letter arrive?"),
                note=letter._explain_doubt(),
                user_id=letter._get_informed_user().id,
            )
        self.run_id._update_done()

    def _explain_doubt(self):
        """Say why it is not known whether a letter arrived, and what to do."""
        self.ensure_one()
        return self.env._(
            "The mail server was cut off. Look at its log, or ask the customer,"
            " then confirm the letter or send it again."
        )

    # === BUSINESS METHODS - THE LAST DOOR === #

    def _may_depart(self, mail, commit):
        """Override: the ledger is asked once more; what goes once is claimed.

        A letter that goes at most once is claimed, for good, before the mail server
        hears of it: found claimed and not locked, its sender died on the way, and only
        a person can find out whether it arrived.
        """
        if self._is_overtaken():
            self._recall()
            self._wake()
            return False
        if not self.level_id.send_once:
            return True
        if self.claimed_date:
            self._set_unknown(self.env._("The server stopped while it was sent"))
            return False
        self.claimed_date = fields.Datetime.now()
        if not commit:
            return True
        self.env["ir.cron"]._commit_progress()
        return bool(self._lock_departing(mail))

    def _requeue(self):
        self.write(
            {
                "state": "queued",
                "message_date": False,
                "queued_until": False,
                "claimed_date": False,
            }
        )

    @api.model
    def _lock_next(self):
        """Override: of one run only."""
        letters = super()._lock_next()
        first = letters[:1]
        return letters.filtered(
            lambda letter: (
                (letter.company_id, letter.run_id, letter.failure_count)
                == (first.company_id, first.run_id, first.failure_count)
            )
        )

    def _prepare_hand_over(self):
        """Override: give invoices the tokens that letters need, before they are made.

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

    @api.model
    def _get_mailed_domain(self):
        """Override: one that is only printed has no mail."""
        return Domain("to_print", "=", False)

    # === CRON === #

    @api.model
    def _wake(self):
        """Wake the jobs that hand letters over; they share what is queued."""
        for name in HAND_OVER_JOBS:
            # sudo: whoever queues a letter may ask for it to be handed over.
            self.env.ref(f"credit_management.{name}").sudo()._trigger()

    @api.model
    def _cron_send_letters(self):
        """Hand queued letters over, until time is over."""
        self._hand_over_queued()

    @api.model
    def _cron_supervise(self):
        """Keep letters and statements moving."""
        for model in OUTGOING_MODELS:
            self.env[model]._supervise()
