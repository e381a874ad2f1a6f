from odoo import api, models


class CreditStart(models.TransientModel):
    _inherit = "credit.start"

    @api.model
    def _say_message(self, level):
        """Override of `credit_management` to name the SMS."""
        words = super()._say_message(level)
        if level.send_sms:
            words = self.env._("%(message)s, with an SMS", message=words)
        return words
