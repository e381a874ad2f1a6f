from odoo import api, fields, models


class CreditDunningLetterPreview(models.TransientModel):
    """Shows a letter exactly as it would go now, in the customer's language."""

    _name = "credit.dunning.letter.preview"
    _description = "Dunning Letter Preview"

    letter_id = fields.Many2one("credit.dunning.letter", required=True)
    recipient_emails = fields.Char(related="letter_id.recipient_emails")
    email_cc = fields.Char(related="letter_id.email_cc")
    language = fields.Char(related="letter_id.language")
    subject = fields.Char(compute="_compute_message")
    body = fields.Html(compute="_compute_message", sanitize=False)

    @api.constrains("letter_id")
    def _check_letter_access(self):
        """Show nobody a letter that they may not read: related fields would."""
        self.sudo(False).letter_id.check_access("read")

    @api.depends("letter_id")
    def _compute_message(self):
        for preview in self:
            letter = preview.letter_id
            if letter.body:  # it went: show what went
                preview.subject, preview.body = letter.subject, letter.body
            elif not letter.level_id._has_text():  # a task, or a channel of its own
                preview.subject = preview.body = False
            else:
                preview.subject, preview.body = letter._render_texts()[letter.id]
