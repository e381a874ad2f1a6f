from odoo import api, models
from odoo.exceptions import UserError

# What leaves with mails that carry PDFs of ours.
MAILED_MODELS = ("credit.statement", "credit.dunning.letter")
# Where PDFs of ours hang.
OWNERS = (*MAILED_MODELS, "credit.dunning.run")
# What a file says, and what it belongs to; its name and description are people's.
CONTENT = {
    "raw",
    "datas",
    "db_datas",
    "store_fname",
    "checksum",
    "mimetype",
    "type",
    "url",
    "res_model",
    "res_id",
    "res_field",
}


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    def write(self, vals):
        """Override of `base`: what went to a customer says for ever what it said."""
        touched = CONTENT & set(vals)
        if touched and any(
            one[name] != vals[name] or name in ("raw", "datas")
            for one in self._find_credit_evidence()
            for name in touched
        ):
            raise UserError(
                self.env._("What was sent to a customer is kept as it was sent.")
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_credit_evidence(self):
        """Keep the PDF that went to a customer; what people attached is theirs."""
        if self._find_credit_evidence():
            raise UserError(self.env._("What was sent to a customer is kept."))

    def _find_credit_evidence(self):
        """Return which of these left: by e-mail, or on paper.

        sudo throughout: whether something was sent does not depend on who asks.
        """
        ours_sudo = self.sudo().filtered(lambda one: one.res_model in OWNERS)
        if not ours_sudo:
            return ours_sudo
        sent_sudo = ours_sudo.browse()
        for model in MAILED_MODELS:
            of_model = ours_sudo.filtered(
                lambda one, model=model: one.res_model == model
            )
            owners_sudo = (
                self.env[model]
                .sudo()
                .browse(set(of_model.mapped("res_id")))
                .exists()
                .filtered("sent_date")
            )
            if not owners_sudo:
                continue
            mails_sudo = (
                self.env["mail.mail"]
                .sudo()
                .search(
                    [
                        ("model", "=", model),
                        ("res_id", "in", owners_sudo.ids),
                        ("is_notification", "=", False),
                    ]
                )
            )
            sent_sudo |= mails_sudo.attachment_ids & ours_sudo
        printed_sudo = (
            self.env["credit.dunning.letter"]
            .sudo()
            .search([("paper_id", "in", ours_sudo.ids), ("printed_date", "!=", False)])
        )
        return sent_sudo | (printed_sudo.paper_id & ours_sudo)
