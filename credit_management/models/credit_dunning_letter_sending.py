import hashlib
import logging
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import email_normalize, formataddr, html2plaintext

from ..logic import delivery, dunning
from ..logic.money import to_decimal
from .credit_dunning_facts import LIVE_STATES

_logger = logging.getLogger(__name__)

# The wire knows the letter by this header, so that anyone can count copies.
KEY_HEADER = "X-Credit-Key"
# A letter that fails to be made this often is parked with a task.
MAX_FAILURES = 3
# Facts of the day that a letter under way does not wait for again: it was decided.
DECIDED_REASONS = {dunning.CHASED, dunning.WAITING, dunning.LAST_LEVEL}


class CreditDunningLetterSending(models.Model):
    """How a queued letter goes: checked again, frozen, handed over, and its fate."""

    _inherit = "credit.dunning.letter"

    # === BUSINESS METHODS - SENDING === #

    def _recheck(self):
        """Read again what is open, now, and keep only what still has to be said.

        Runs in the transaction that hands the letter over. Items that were paid,
        disputed, excluded … meanwhile are dropped with that reason, amounts and
        credits are put right.

        :return: the reason why the letter must wait or not go, or None
        """
        self.ensure_one()
        company = self.company_id
        facts = (
            self.with_company(company)
            .env["credit.dunning.facts"]
            ._gather(company, company._credit_today(), self.commercial_partner_id, self)
        )
        decisions = dict(facts.decide())
        decision = decisions.get(self.commercial_partner_id.id)
        outcomes = {
            outcome.item.ref: outcome
            for outcome in (decision.outcomes if decision else ())
        }
        chased = self._get_chased_lines()
        late = {}
        for line in chased:
            outcome = outcomes.get(line.move_line_id.id)
            if outcome is None:
                late[line] = dunning.PAID
            elif outcome.reason not in DECIDED_REASONS:
                late[line] = outcome.reason
        if late and len(late) == len(chased):
            reason = next(iter(late.values()))
            if reason in (dunning.NOT_WORKING_DAY, dunning.TOO_SOON):
                first = outcomes[chased[0].move_line_id.id]
                self._wait_until(first.next_date or facts.today + timedelta(days=1))
            return reason
        for line, reason in late.items():
            line.write({"is_excluded": True, "excluded_reason": self._say(reason)})
        self._follow_items()
        self._refresh_amounts(facts, outcomes)
        return self._find_too_small()

    def _find_too_small(self):
        """Return why what is left after review and payments is not worth a letter."""
        self.ensure_one()
        if not self.amount_total and not self.amount_upcoming:
            return dunning.NET_CREDIT
        minimum = max(self.policy_id.minimum_amount, self.level_id.minimum_amount)
        if not self.is_reminder and self.amount_company < minimum:
            return dunning.BELOW_MINIMUM
        return None

    def _refresh_amounts(self, facts, outcomes):
        """Write the amounts of this moment; drop what was paid, net the credits."""
        claim = dunning.ZERO
        for line in self.line_ids.filtered(lambda line: not line.is_excluded):
            if line.kind == "credit":
                continue
            outcome = outcomes.get(line.move_line_id.id)
            if outcome is None or outcome.reason not in DECIDED_REASONS:
                line.unlink()  # claimed along, and settled meanwhile
                continue
            amount = outcome.amount
            line.write(self._prepare_item_values(facts, line.move_line_id.id, amount))
            if not line.is_reminder:
                claim += amount
        self.line_ids.filtered(lambda line: line.kind == "credit").unlink()
        customer = facts.customers[self.commercial_partner_id.id]
        netted = self._get_netted_elsewhere()
        for credit in customer.credits:
            part = min(credit.amount - netted.get(credit.ref, dunning.ZERO), claim)
            if credit.currency == self.currency_id.id and part > 0:
                vals = self._prepare_item_values(facts, credit.ref, -part)
                self.env["credit.dunning.letter.line"].create(
                    vals | {"letter_id": self.id, "kind": "credit"}
                )
                claim -= part
        calendar = self.company_id._credit_calendar()
        asked = facts.today + timedelta(days=self.level_id.deadline_days)
        if not self.is_edited or not self.pay_by_date or self.pay_by_date < asked:
            self.pay_by_date = (
                calendar.next_working_day(asked)
                if self.policy_id.working_days_only
                else asked
            )

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

    def _hand_over(self):
        """Hand one queued letter over to the channels of its level.

        In one transaction: the check against the ledger, the text as it will be sent,
        the outgoing mail, the level, the tasks. The host's mail queue does the rest.
        """
        self.ensure_one()
        reason = self._recheck()
        if reason in (dunning.NOT_WORKING_DAY, dunning.TOO_SOON):
            return
        if reason:
            self._skip(self._say(reason))
            self._touch_profiles()
            return
        self._compute_recipient_emails()
        self.message_date = self.company_id._credit_today()
        # The mode of this moment decides, not that of the day it was approved.
        self.is_test = self.company_id.credit_mode == "redirect"
        level = self.level_id
        can_email = level.send_email and self.recipient_emails
        # The customer opens and pays these from the page, without a login.
        for move in self._get_chased_lines().move_id:
            move.with_context(skip_is_manually_modified=True)._portal_ensure_token()
        if level.send_email or level.send_letter:
            self._freeze_text()
        if can_email:
            self._create_mail()
        elif level.send_email and not level.send_letter:
            self._fail(self.env._("The customer has no e-mail address"))
            return
        # Paper goes once, and a letter redirected for a test never goes by post.
        self.to_print = level.send_letter and not self.is_test and not self.printed_date
        self.state = "sending" if can_email or self.to_print else "sent"
        if self.state == "sent":
            self.sent_date = fields.Datetime.now()
        self._apply_task()
        self._log_on_documents()
        self._touch_profiles()

    def _freeze_text(self):
        """Render the text for the last time and keep it with its hash."""
        subject, body = self._render_texts()[self.id]
        self.write(
            {
                "subject": subject,
                "body": body,
                "body_sha256": hashlib.sha256(str(body).encode()).hexdigest(),
            }
        )

    def _create_mail(self):
        """Create the outgoing mail, with a Message-ID that stays the same."""
        self.ensure_one()
        mail = self.env["mail.mail"].sudo().create(self._prepare_mail_values())
        self.mail_ids = [fields.Command.set(mail.ids)]
        if self.user_id.partner_id:
            # A reply to the mail lands here; this is who hears of it.
            self.message_subscribe(self.user_id.partner_id.ids)
        return mail

    def _prepare_mail_values(self):
        """Return the values of the outgoing mail; extend to add to it."""
        company = self.company_id
        sender = company.email_formatted or self.env.user.email_formatted
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
            "body": self.body,
            "body_html": self.body,
            "email_from": sender,
            "email_to": to,
            "email_cc": cc,
            "reply_to": self._notify_get_reply_to(default=sender)[self.id],
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
        """Leave a trace on the customer's file and on each invoice."""
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
            letter.profile_id._message_log_batch({letter.profile_id.id: body})
            moves = letter._get_chased_lines().move_id
            moves._message_log_batch({move.id: body for move in moves})

    def _set_sent(self):
        """The message left: from now on it is a fact."""
        now = fields.Datetime.now()
        for letter in self:
            letter.write(
                {
                    "state": "sent",
                    "sent_date": letter.sent_date or now,
                    "state_reason": False,
                    "failure_open": False,
                }
            )
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
                letter.write({"state": "unknown", "state_reason": reason_line})
                letter._ask_person()
            elif kind == delivery.HARD or wait is None:
                letter._fail(reason_line or self.env._("Not delivered"))
            else:
                letter.write(
                    {
                        "queued_until": fields.Datetime.now() + wait,
                        "state_reason": reason_line,
                    }
                )

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

    @api.model
    def _recall_if_closed(self, mails):
        """Take back what is about to leave although its company does not send.

        :return: the mails that must not go
        """
        letters = self.search(
            [("mail_ids", "in", mails.ids), ("state", "=", "sending")]
        ).filtered(lambda letter: letter._is_closed())
        held = letters.mail_ids & mails
        letters._recall()
        return held

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
        waiting.write({"state": "queued", "message_date": False, "queued_until": False})

    # === CRON === #

    @api.model
    def _get_sendable_domain(self):
        """Return which letters the sending job takes."""
        return [
            ("state", "=", "queued"),
            ("company_id.credit_stopped", "=", False),
            ("company_id.credit_mode", "in", ("redirect", "live")),
            "|",
            ("queued_until", "=", False),
            ("queued_until", "<=", fields.Datetime.now()),
        ]

    @api.model
    def _cron_send_letters(self, batch_size=50):
        """Hand queued letters over, one transaction a letter.

        May be killed anywhere and run twice at once: a letter leaves the domain in the
        transaction that creates its mail. One that cannot be made is tried again, and
        parked with a task after a few times; the others go on.
        """
        domain = self._get_sendable_domain()
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=self.search_count(domain))
        for letter_id in self.search(domain, limit=batch_size, order="id").ids:
            letter = self.browse(letter_id).try_lock_for_update()
            letter = letter.filtered_domain(domain)
            if not letter:
                continue
            company = letter.company_id
            letter = letter.with_company(company).with_context(
                allowed_company_ids=company.ids
            )
            try:
                letter._hand_over()
                self.env.flush_all()
            except Exception as error:
                self.env.cr.rollback()
                _logger.exception("Dunning letter %s could not be made", letter_id)
                letter._note_failure(error)
            letter.run_id._update_done()
            if not commit_progress(1):
                break
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _note_failure(self, error):
        """Count a letter that could not be made; park it after a few times."""
        self.ensure_one()
        self.failure_count += 1
        if self.failure_count >= MAX_FAILURES:
            self._fail(self.env._("Could not be made: %(error)s", error=error))
        else:
            self.queued_until = fields.Datetime.now() + timedelta(minutes=10)

    @api.model
    def _cron_supervise(self):
        """Keep letters moving: wake the queues, try again what failed in passing."""
        now = fields.Datetime.now()
        again = self.search(
            [
                ("state", "=", "sending"),
                ("mail_ids", "!=", False),
                ("queued_until", "!=", False),
                ("queued_until", "<=", now),
                ("company_id.credit_stopped", "=", False),
            ]
        )
        again.mail_ids.filtered(lambda mail: mail.state == "exception").mark_outgoing()
        again.queued_until = False
        self._settle_finished_mails()
        if self.search_count(self._get_sendable_domain(), limit=1):
            self.env.ref("credit_management.ir_cron_send_letters")._trigger()
        if self.search_count(
            [("state", "=", "sending"), ("mail_ids.state", "=", "outgoing")], limit=1
        ):
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    @api.model
    def _settle_finished_mails(self):
        """Take over results that the mail queue could not tell: it was killed."""
        for letter in self.search(
            [
                ("state", "=", "sending"),
                ("mail_ids.state", "in", ("sent", "exception", "cancel")),
                ("queued_until", "=", False),
            ]
        ):
            mail = letter.mail_ids[:1]
            if mail.state == "cancel":
                letter._fail(self.env._("The e-mail was cancelled in the mail queue"))
            else:
                self._apply_mail_results(mail, mail.failure_reason, mail.failure_type)
