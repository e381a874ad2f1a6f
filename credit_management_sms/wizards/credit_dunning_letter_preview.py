from odoo import api, fields, models

from ..logic.text import count_parts


class CreditDunningLetterPreview(models.TransientModel):
    _inherit = "credit.dunning.letter.preview"

    send_sms = fields.Boolean(related="letter_id.send_sms")
    sms_number = fields.Char(string="SMS To", compute="_compute_sms")
    sms_body = fields.Text(string="SMS Text", compute="_compute_sms")
    sms_reason = fields.Char(string="No SMS", compute="_compute_sms")
    sms_parts = fields.Integer(
        string="Parts",
        compute="_compute_sms",
        help="The SMS service charges for each part: 160 characters, or 153 where there"
        " are several.",
    )

    @api.depends("letter_id")
    def _compute_sms(self):
        for preview in self:
            letter = preview.letter_id
            body, number, reason = letter.sms_body, letter.sms_number, False
            if letter.send_sms and letter.state in ("proposed", "queued"):
                number, reason = letter._find_sms_number()
                body = letter._render_sms_texts()[letter.id]
            preview.sms_body, preview.sms_number = body, number
            preview.sms_reason = reason if not number else False
            preview.sms_parts = count_parts(body or "")
