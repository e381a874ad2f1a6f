import logging
import smtplib

import psycopg2

from odoo import models

from .credit_outgoing_mixin import OUTGOING_MODELS

_logger = logging.getLogger(__name__)


class MailMail(models.Model):
    """The mail queue of the host, with a doorkeeper for letters and statements.

    The queue itself takes no lock, sends whatever is ``outgoing`` whoever else does so
    too, and knows neither that an invoice was paid a second ago nor that a message
    must not go twice. So each mail of a letter, or of a statement of account, is
    looked at once more, under a lock, just before it is handed to the mail server
    (``_take_for_departure``).
    """

    _inherit = "mail.mail"

    def _get_credit_mails(self):
        """Return those mails that carry a letter or a statement.

        Not those that tell colleagues of a reply to one.
        """
        return self.filtered(
            lambda mail: mail.model in OUTGOING_MODELS and not mail.is_notification
        )

    def process_email_queue(self, email_ids=(), batch_size=1000):
        """Override of `mail`: the queue, and it alone, sends ours.

        Where some are left when the time of this call is over, the queue is woken
        again: the host's own stops at 1 000 an hour.
        """
        queue = self.with_context(credit_queue=True)
        res = super(MailMail, queue).process_email_queue(email_ids, batch_size)
        # sudo: the queue may run as somebody who has no credit rights.
        if any(self.env[name].sudo()._count_outgoing(1) for name in OUTGOING_MODELS):
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
        return res

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        """Override of `mail`: nobody but the queue sends ours.

        A second sender in a request would hold its locks for all of its mails, and
        send them all again if it failed at the end. It wakes the queue instead.
        """
        held = self.browse()
        if not self.env.context.get("credit_queue"):
            held = self._get_credit_mails()
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
        """Override of `mail`: ours go one by one, each past the doorkeeper.

        Others' mails go first. Ours share the connection that is open, until the
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
        ours = self._get_credit_mails()
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
            if not self.browse(mail_id)._send_guarded(options):
                break
        return True

    def _send_guarded(self, options):
        """Send the mail of one letter or statement, if it may go.

        :return: whether there is time, and a connection, for the next one
        """
        self.ensure_one()
        auto_commit = options["auto_commit"]
        # sudo: the queue may run as somebody who has no credit rights.
        records_sudo = self.env[self.model].sudo()
        try:
            if records_sudo._take_for_departure(self, commit=auto_commit):
                self.with_context(credit_taken=True)._send(**options)
        except psycopg2.Error:
            if not auto_commit:
                raise
            # Somebody else was faster, or the database hung up: it is looked
            # at again by the next call, or told apart by the supervisor.
            self.env.cr.rollback()
            _logger.info("Mail %s of ours is left to the next call", self.id)
            return True
        except smtplib.SMTPServerDisconnected as error:
            # Whether the message arrived is not known. The connection is gone.
            records_sudo._apply_mail_results(self, str(error), "unknown")
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
        for model in OUTGOING_MODELS:
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
