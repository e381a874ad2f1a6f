import logging
from datetime import timedelta

import psycopg2
from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import email_normalize, formataddr

from .credit_outgoing_mixin import NO_NOTICE, SENDING_MODES

_logger = logging.getLogger(__name__)

# Until this day of the month the statements of the month before are made.
LAST_DAY_TO_MAKE_MONTHLY = 10


class CreditStatementSending(models.Model):
    """How a queued statement goes, what becomes of it, and those of every month."""

    _inherit = "credit.statement"

    # A failed one whose mail somebody tries again in the mail queue may go.
    _departing_states = ("sending", "failed")

    # === BUSINESS METHODS - HANDED OVER === #

    def _queue(self):
        """Put statements into our own queue.

        One that is asked for in redirect mode is a test, and never goes to the
        customer, whatever the mode is later.
        """
        # sudo: where a statement stands is written by its own methods only.
        for company, statements_sudo in self.sudo().grouped("company_id").items():
            statements_sudo._cancel_mails()
            statements_sudo.write(
                {
                    "state": "queued",
                    "state_reason": False,
                    "failure_count": 0,
                    "attempt_count": 0,
                    "queued_until": False,
                    "is_test": company.credit_mode == "redirect",
                }
            )
        self._wake()

    @api.model
    def _wake(self):
        # sudo: whoever queues a statement may ask for it to be sent.
        self.env.ref("credit_management.ir_cron_send_statements").sudo()._trigger()

    def _hand_over(self):
        """Make the mails, the PDF attached; the mail queue sends them."""
        for one in self:
            one._make_mail()

    def _make_mail(self):
        company = self.company_id
        # The mode of this moment decides, too: not only that of when it was asked for.
        is_test = self.is_test or company.credit_mode == "redirect"
        email = self.partner_id.email_normalized
        recipient = email_normalize(company.credit_redirect_email) if is_test else email
        if not email or not recipient:
            words = self._speak_to_collector().env
            self._fail(
                words._("The company has no redirect address")
                if email
                else words._("The customer has no e-mail address")
            )
            return
        # sudo: the mail queue belongs to the system.
        mail = self.env["mail.mail"].sudo().create(self._prepare_mail_values(is_test))
        self.write(
            {
                "state": "sending",
                "is_test": is_test,
                "recipient_email": recipient,
                "mail_ids": [fields.Command.set(mail.ids)],
                "queued_until": False,
            }
        )
        user = self._get_informed_user()
        # A reply to the mail lands here; this is who hears of it.
        self.message_subscribe(user.partner_id.ids)

    def _prepare_mail_values(self, is_test):
        """Return the values of the outgoing mail; extend to add to it."""
        company = self.company_id
        subject, body = self._render_mail()
        to = formataddr(
            # One line: a line break in a name must not begin a new header.
            (
                " ".join((self.partner_id.name or "").split()),
                self.partner_id.email_normalized,
            )
        )
        cc = self.profile_id.email_cc
        if is_test:
            subject = f"[{to}] {subject}"
            to, cc = company.credit_redirect_email, False
        sender = self._get_sender()
        return {
            "model": self._name,
            "res_id": self.id,
            "subject": subject,
            "body": Markup("<p>%s</p>") % subject,
            "body_html": body,
            "email_from": sender,
            "email_to": to,
            "email_cc": cc,
            "reply_to": self._notify_get_reply_to(default=sender)[self.id],
            "author_id": company.partner_id.id,
            "message_type": "email_outgoing",
            "auto_delete": False,
            "attachment_ids": [fields.Command.set(self._make_attachment().ids)],
        }

    def _render_mail(self):
        """Return subject and text in the language of the statement."""
        lang = self._get_lang()
        template = self.env.ref("credit_management.mail_template_statement")
        template_sudo = self._get_text(template).with_context(lang=lang)
        subject, body = (
            template_sudo._render_field(field, self.ids, set_lang=lang)[self.id]
            for field in ("subject", "body_html")
        )
        return " ".join((subject or "").split()), body

    def _make_attachment(self):
        one = self.with_context(lang=self._get_lang())
        return (
            self.env["ir.attachment"]
            .sudo()  # sudo: the PDF is the program's own, whoever asked for it
            .create(
                {
                    "name": one._get_filename("pdf"),
                    "raw": one._render_pdf(),
                    "mimetype": "application/pdf",
                    "res_model": self._name,
                    "res_id": self.id,
                }
            )
        )

    def _requeue(self):
        """The mails were cancelled: what they carried is made again when it goes."""
        # sudo: the mail queue belongs to the system; only our own PDF goes.
        self.sudo().mail_ids.attachment_ids.unlink()
        self.write({"state": "queued", "recipient_email": False, "queued_until": False})

    # === BUSINESS METHODS - AS SENT === #

    def _get_sent_filename(self):
        return self._get_filename("pdf")

    def _get_sent_pdf(self):
        """Return the PDF that was sent, or nothing if it was not kept."""
        self.ensure_one()
        # sudo: the caller may see the statement; its file hangs on the mail.
        kept_sudo = self.sudo().mail_ids.attachment_ids.filtered(
            lambda file: (file.res_model, file.res_id) == (self._name, self.id)
        )
        return kept_sudo[:1].raw

    # === BUSINESS METHODS - WHAT BECAME OF IT === #

    def _get_addresses(self):
        return [self.recipient_email]

    def _get_informed_user(self):
        """Return who hears of what becomes of this statement."""
        return self.profile_id._get_informed_user(self.create_uid)

    def _speak_to_collector(self):
        """Return this statement in the language of who hears of it."""
        return self.with_context(lang=self._get_informed_user().lang)

    def _set_sent(self):
        """The message left: from now on it is a fact, with its trace on the file."""
        for one in self:
            one.write(
                {
                    "state": "sent",
                    "sent_date": fields.Datetime.now(),
                    "state_reason": False,
                    "queued_until": False,
                }
            )
            told = one._speak_to_collector()
            note = told.env._(
                "Statement of account to %(email)s: %(title)s",
                email=one.recipient_email,
                title=told._get_title(),
            )
            profile = one.profile_id
            profile._message_log_batch({profile.id: Markup("<p>%s</p>") % note})

    def _fail(self, reason):
        """The statement did not arrive: say why, and give a person the task."""
        for one in self:
            # sudo: where a statement stands is written by its own methods only.
            one.sudo().write(
                {"state": "failed", "state_reason": reason, "queued_until": False}
            )
            one.profile_id.with_context(**NO_NOTICE).activity_schedule(
                "mail.mail_activity_data_todo",
                summary=one._speak_to_collector().env._(
                    "A statement of account did not go"
                ),
                note=reason,
                user_id=one._get_informed_user().id,
            )

    # === BUSINESS METHODS - MADE FOR MANY === #

    @api.model
    def _create_each(self, vals_list):
        """Make statements; a customer for whom it fails gets a task and stops nobody.

        :return: the statements, and what went wrong, one text a customer
        """
        try:
            with self.env.cr.savepoint():
                return self.create(vals_list), []
        except (AccessError, psycopg2.extensions.TransactionRollbackError):
            raise
        except Exception:
            _logger.info("%s statements are made one by one", len(vals_list))
        statements, errors = self.browse(), []
        for vals in vals_list:
            try:
                with self.env.cr.savepoint():
                    statements |= self.create(vals)
            except (AccessError, psycopg2.extensions.TransactionRollbackError):
                raise
            except Exception as error:
                profile = self.env["credit.profile"].browse(vals["profile_id"])
                _logger.warning("No statement for %s", profile, exc_info=True)
                errors.append(f"{profile.partner_id.display_name}: {error}")
                self._tell_not_made(profile, str(error))
        return statements, errors

    @api.model
    def _tell_not_made(self, profile, reason):
        """Give a person the task, once, to see why there is no statement."""
        user = profile._get_informed_user(self.env.user)
        summary = self.with_context(lang=user.lang).env._(
            "A statement of account could not be made"
        )
        if summary not in profile.activity_ids.mapped("summary"):
            profile.with_context(**NO_NOTICE).activity_schedule(
                "mail.mail_activity_data_todo",
                summary=summary,
                note=reason,
                user_id=user.id,
            )

    @api.model
    def _make_monthly(self, company):
        """Queue the statements of the last day of last month that are not there yet.

        Only in the first days of a month: later nobody waits for them any more.
        """
        today = company._credit_today()
        last_day = today + relativedelta(day=1) - timedelta(days=1)
        self._drop_older_monthly(company, last_day)
        if today.day > LAST_DAY_TO_MAKE_MONTHLY:
            return self.browse()
        is_test = company.credit_mode == "redirect"
        profiles = self.env["credit.profile"].search(
            [
                ("company_id", "=", company.id),
                ("statement_monthly", "=", True),
                "|",
                ("statement_monthly_since", "=", False),
                ("statement_monthly_since", "<=", last_day),
            ]
        )
        made = self.search(
            [
                ("profile_id", "in", profiles.ids),
                ("is_monthly", "=", True),
                ("is_test", "=", is_test),
                ("date_to", "=", last_day),
            ]
        )
        profiles -= made.profile_id
        contents = self.env["credit.statement.builder"]._build(
            company, profiles.partner_id, "open", last_day
        )
        statements, _errors = self.sudo()._create_each(
            [
                {
                    "profile_id": profile.id,
                    "date_to": last_day,
                    "is_monthly": True,
                    "is_test": is_test,
                    "state": "queued",
                }
                for profile in profiles
                if contents.get(profile.partner_id.id)
            ]
        )
        if statements:
            self._wake()
        return statements

    @api.model
    def _drop_older_monthly(self, company, last_day):
        """Take monthly statements that never went, and are outdated, off the queue."""
        # sudo: where a statement stands is written by its own methods only.
        self.sudo().search(
            [
                ("company_id", "=", company.id),
                ("is_monthly", "=", True),
                ("state", "=", "queued"),
                ("sent_date", "=", False),
                ("date_to", "<", last_day),
            ]
        ).try_lock_for_update(allow_referencing=True).write(
            {
                "state": "draft",
                "state_reason": self.env._("Not sent in time: a newer month is over"),
            }
        )

    # === CRON === #

    @api.model
    def _cron_send_statements(self):
        """Send the statements that wait, one a transaction, until time is over."""
        self._hand_over_queued()

    @api.model
    def _cron_make_monthly(self):
        """Queue last month's statement of each customer who gets one every month.

        Looks at what is missing: a day that was missed is made up for, once.
        """
        companies = self.env["res.company"].search(
            [("credit_mode", "in", SENDING_MODES)]
        )
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=len(companies))
        for company in companies:
            try:
                self.with_company(company)._make_monthly(company)
                if company.credit_statement_error:
                    company.credit_statement_error = False
                self.env.flush_all()
            except Exception as error:
                # One company's ledger keeps no other company waiting.
                self.env.cr.rollback()
                _logger.exception(
                    "Monthly statements of company %s could not be made", company.id
                )
                company.credit_statement_error = str(error)
            if not commit_progress(1):
                break
