import logging

from odoo import models

_logger = logging.getLogger(__name__)


class MailMail(models.Model):
    _inherit = "mail.mail"

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        """Override of `mail`: the last door obeys the company's mode and stop too.

        A letter may be committed just after the stop that should have held it.
        """
        # sudo: the mail queue may run as somebody who has no credit rights.
        letters_sudo = self.env["credit.dunning.letter"].sudo()
        held = letters_sudo._recall_if_closed(self)
        return super(MailMail, self - held).send(
            auto_commit=auto_commit,
            raise_exception=raise_exception,
            post_send_callback=post_send_callback,
        )

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Override of `mail` to tell the dunning letters what became of their mail.

        The message has left already: whatever goes wrong here must not undo that, or
        the host would send it again. What is missed is taken over by the supervisor.
        """
        mails = self.filtered(lambda mail: mail.model == "credit.dunning.letter")
        if mails:
            # sudo: the mail queue may run as somebody who has no credit rights.
            letters_sudo = self.env["credit.dunning.letter"].sudo()
            try:
                with self.env.cr.savepoint():
                    letters_sudo._apply_mail_results(
                        mails, failure_reason, failure_type
                    )
            except Exception:
                self.env.invalidate_all(flush=False)
                _logger.warning(
                    "Result of mails %s will be taken over later",
                    mails.ids,
                    exc_info=True,
                )
        return super()._postprocess_sent_message(
            success_pids,
            success_emails,
            failure_reason=failure_reason,
            failure_type=failure_type,
        )
