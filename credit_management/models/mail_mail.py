import logging
import smtplib

import psycopg2

from odoo import models

_logger = logging.getLogger(__name__)


class MailMail(models.Model):
    """The mail queue of the host, with a doorkeeper for the mails of letters.

    The queue itself takes no lock, sends whatever is ``outgoing`` whoever else does so
    too, and knows neither that an invoice was paid a second ago nor that a message
    must not go twice. So each mail of a letter is looked at once more, under a lock,
    just before it is handed to the mail server (``_take_for_departure``).
    """

    _inherit = "mail.mail"

    def _get_letter_mails(self):
        """Return those mails that carry a dunning letter."""
        return self.filtered(lambda mail: mail.model == "credit.dunning.letter")

    def process_email_queue(self, email_ids=(), batch_size=1000):
        """Override of `mail`: the queue, and it alone, sends letters.

        Where some are left when the time of this call is over, the queue is woken
        again: the host's own stops at 1 000 an hour.
        """
        queue = self.with_context(credit_queue=True)
        res = super(MailMail, queue).process_email_queue(email_ids, batch_size)
        # sudo: the queue may run as somebody who has no credit rights.
        if self.env["credit.dunning.letter"].sudo()._count_outgoing(limit=1):
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
        return res

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        """Override of `mail`: nobody but the queue sends letters.

        A second sender in a request would hold its locks for all of its mails, and
        send them all again if it failed at the end. It wakes the queue instead.
        """
        held = self.browse()
        if not self.env.context.get("credit_queue"):
            held = self._get_letter_mails()
            if held:
                # sudo: whoever may send mails may ask for it to be done.
                self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        return super(MailMail, self - held).send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            post_send_callback=post_send_callback,
        )

    def _send(
        self,
        auto_commit=False,
        raise_exception=False,
        smtp_session=None,
        alias_domain_id=False,
        mail_server=False,
        post_send_callback=None,
    ):
        """Override of `mail`: letters go one by one, each past the doorkeeper.

        Others' mails go first. Letters share the connection that is open, until the
        time of the job is over or the connection is cut.
        """
        options = {
            "auto_commit": auto_commit,
            "raise_exception": raise_exception,
            "smtp_session": smtp_session,
            "alias_domain_id": alias_domain_id,
            "mail_server": mail_server,
            "post_send_callback": post_send_callback,
        }
        if self.env.context.get("credit_taken"):
            return super()._send(**options)
        ours = self._get_letter_mails()
        others = self - ours
        if others:
            super(MailMail, others)._send(**options)
        # The progress of the job is told here, mail by mail.
        options["post_send_callback"] = None
        if ours and auto_commit:
            # Each one begins with a fresh look at the ledger; so does the first.
            self.env["ir.cron"]._commit_progress()
        for mail_id in ours.ids:
            # By itself: a commit forgets what was read ahead for the others.
            if not self.browse(mail_id)._send_letter(options):
                break
        return True

    def _send_letter(self, options):
        """Send the mail of one letter, if it may go.

        :return: whether there is time, and a connection, for the next one
        """
        self.ensure_one()
        auto_commit = options["auto_commit"]
        # sudo: the queue may run as somebody who has no credit rights.
        letters_sudo = self.env["credit.dunning.letter"].sudo()
        try:
            if letters_sudo._take_for_departure(self, commit=auto_commit):
                self.with_context(credit_taken=True)._send(**options)
        except psycopg2.Error:
            if not auto_commit:
                raise
            # Somebody else was faster, or the database hung up: the letter is looked
            # at again by the next call, or told apart by the supervisor.
            self.env.cr.rollback()
            _logger.info("Mail %s of a letter is left to the next call", self.id)
            return True
        except smtplib.SMTPServerDisconnected as error:
            # Whether the message arrived is not known. The connection is gone.
            letters_sudo._apply_mail_results(self, str(error), "unknown")
            if not auto_commit:
                raise
            self.env["ir.cron"]._commit_progress(1)
            return False
        if not auto_commit:
            return True
        # The mail server may have hung up after it refused the message.
        is_connected = getattr(options["smtp_session"], "sock", True) is not None
        return self.env["ir.cron"]._commit_progress(1) > 0 and is_connected

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Override of `mail` to tell letters and statements what became of their mail.

        The message has left already: whatever goes wrong here must not undo that, or
        the host would send it again. What is missed is taken over by the supervisor.
        """
        for model in ("credit.dunning.letter", "credit.statement"):
            mails = self.filtered(lambda mail, model=model: mail.model == model)
            if mails:
                mails._tell_results(model, failure_reason, failure_type)
        return super()._postprocess_sent_message(
            success_pids,
            success_emails,
            failure_reason=failure_reason,
            failure_type=failure_type,
        )

    def _tell_results(self, model, failure_reason, failure_type):
        """Let the letters or statements take over what became of their mails."""
        # sudo: the mail queue may run as somebody who has no credit rights.
        records_sudo = self.env[model].sudo()
        try:
            with self.env.cr.savepoint():
                records_sudo._apply_mail_results(self, failure_reason, failure_type)
        except Exception:
            self.env.invalidate_all(flush=False)
            _logger.warning(
                "Result of mails %s will be taken over later", self.ids, exc_info=True
            )
