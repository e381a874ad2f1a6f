from odoo import api, fields, models


class CreditDunningLetterPreview(models.TransientModel):
    _inherit = "credit.dunning.letter.preview"

    send_sms = fields.Boolean(related="letter_id.send_sms")
    sms_number = fields.Char(string="SMS To", compute="_compute_sms")
    sms_body = fields.Text(string="SMS Text", compute="_compute_sms")
    sms_reason = fields.Char(string="No SMS", compute="_compute_sms")
    sms_size = fields.Char(
        string="SMS Length",
        compute="_compute_sms",
        help="The SMS service charges for each part: 160 characters, or 153 where there"
        " are several. Letters that its alphabet lacks make the parts of 67 to 70.",
    )

    @api.depends("letter_id")
    def _compute_sms(self):
        for preview in self:
            letter = preview.letter_id
            body, number, reason = letter.sms_body, letter.sms_number, letter.sms_reason
            if letter.send_sms and letter.state in ("proposed", "queued"):
                number, reason = letter._find_sms_numbers()[letter]
                body = letter._render_sms_text()
            preview.sms_body, preview.sms_number = body, number
            preview.sms_reason = reason if not number else False
            preview.sms_size = body and letter.level_id._say_sms_size(body)
