from odoo import models


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Override of `mail` to tell the dunning letters what became of their mail."""
        mails = self.filtered(lambda mail: mail.model == "credit.dunning.letter")
        if mails:
            # sudo: the mail queue may run as somebody who has no credit rights.
            letters_sudo = self.env["credit.dunning.letter"].sudo()
            letters_sudo._apply_mail_results(mails, failure_reason, failure_type)
        return super()._postprocess_sent_message(
            success_pids,
            success_emails,
            failure_reason=failure_reason,
            failure_type=failure_type,
        )
