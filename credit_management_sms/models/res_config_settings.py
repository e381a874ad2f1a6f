from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    credit_sms_from_hour = fields.Integer(
        related="company_id.credit_sms_from_hour", readonly=False
    )
    credit_sms_to_hour = fields.Integer(
        related="company_id.credit_sms_to_hour", readonly=False
    )
    credit_redirect_phone = fields.Char(
        related="company_id.credit_redirect_phone", readonly=False
    )
