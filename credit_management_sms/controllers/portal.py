from odoo import http
from odoo.http import request

from odoo.addons.credit_management.controllers.portal import CreditPortal

from ..models.credit_dunning_letter import LEFT_STATES


class CreditSmsPortal(CreditPortal):
    @http.route(
        "/c/<int:profile_id>/<string:code>",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        multilang=False,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_short(self, profile_id, code, **kwargs):
        """Lead from the short link of an SMS to the customer's page."""
        # sudo: who may see the file is said by the code, and by nothing else.
        profile_sudo = (
            request.env["credit.profile"].sudo().search([("id", "=", profile_id)])
        )
        url = "/my"  # the same answer whether the file exists or not
        if profile_sudo and profile_sudo._is_short_code(code):
            url = profile_sudo.get_portal_url()
        return self._make_credit_private(request.redirect(url))

    def _prepare_credit_letter(self, letter_sudo):
        """Override of `credit_management` to tell of the SMS, by its last digits."""
        values = super()._prepare_credit_letter(letter_sudo)
        if letter_sudo.sms_state in LEFT_STATES:
            values["sms"] = letter_sudo._mask_sms_number()
        return values
