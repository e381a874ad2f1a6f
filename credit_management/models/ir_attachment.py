from odoo import api, models
from odoo.exceptions import UserError


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent_statement(self):
        """Keep the PDF that went to a customer; what people attached is theirs."""
        # sudo: whether a statement was sent does not depend on who deletes.
        ours_sudo = self.sudo().filtered(
            lambda attachment: attachment.res_model == "credit.statement"
        )
        if not ours_sudo:
            return
        sent_sudo = (
            self.env["credit.statement"]
            .sudo()
            .browse(set(ours_sudo.mapped("res_id")))
            .exists()
            .filtered("sent_date")
        )
        mails_sudo = (
            self.env["mail.mail"]
            .sudo()
            .search(
                [
                    ("model", "=", "credit.statement"),
                    ("res_id", "in", sent_sudo.ids),
                    ("is_notification", "=", False),
                ]
            )
        )
        if mails_sudo.attachment_ids & ours_sudo:
            raise UserError(
                self.env._("The statement that was sent to a customer is kept.")
            )
