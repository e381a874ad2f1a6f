from odoo import api, models
from odoo.tools import consteq, hmac

# Hexadecimal digits: 64 bits that nobody can guess, in the cheap alphabet of SMS.
CODE_LENGTH = 16


class CreditProfile(models.Model):
    _inherit = "credit.profile"

    def _get_short_code(self):
        """Return what opens the customer's page instead of its long token.

        Made from the token, so that a new token ends it; nothing is stored.

        :return: the code, or False where the file has no token yet
        """
        self.ensure_one()
        # sudo: whoever sends a letter hands out its link.
        token = self.sudo().access_token
        if not token:
            return False
        code = hmac(self.env(su=True), "credit_management_sms", (self.id, token))
        return code[:CODE_LENGTH]

    def _get_short_url(self):
        """Return the short address of the customer's page, or False without a token."""
        self.ensure_one()
        code = self._get_short_code()
        return bool(code) and f"{self.get_base_url()}/c/{self.id}/{code}"

    def _is_short_code(self, code):
        """Say whether a code opens this file, whatever was sent as a code."""
        own = self._get_short_code()
        # ``consteq`` fails on text that is not ASCII; no code is.
        return bool(own) and code.isascii() and consteq(own, code)

    @api.model
    def _goes_by_email_alone(self, level_id):
        """Override of `credit_management`: an SMS reaches those without an address."""
        level = self.env["credit.dunning.level"].browse(level_id)
        return not level.send_sms and super()._goes_by_email_alone(level_id)
