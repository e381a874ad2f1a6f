from odoo import http
from odoo.http import request

from odoo.addons.credit_management.controllers.portal import PRIVATE_HEADERS


class CreditShortLink(http.Controller):
    """The short link of an SMS. It writes nothing and tells nothing by itself."""

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
    def credit_short_link(self, profile_id, code, **kwargs):
        """Lead from the short link of an SMS to the customer's page.

        The code is 64 bits that follow from the secret of the database: nobody gets
        there by trying. A wrong one is answered like one of a file that is not there.
        """
        # sudo: who may see the file is said by the code, and by nothing else.
        profile_sudo = (
            request.env["credit.profile"].sudo().search([("id", "=", profile_id)])
        )
        url = "/my"
        if profile_sudo and profile_sudo._is_short_code(code):
            url = profile_sudo.get_portal_url()
        response = request.redirect(url)
        response.headers.update(PRIVATE_HEADERS)
        return response
