from dateutil.relativedelta import relativedelta

from odoo import http
from odoo.http import request

from .portal import CreditPortal

TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class CreditStatementPortal(CreditPortal):
    """The statement of account as a file, for the customer of a login or of a link."""

    @http.route(
        "/my/credit/<int:profile_id>/statement.<string:extension>",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_statement(
        self, profile_id, extension, access_token=None, kind="open", **kwargs
    ):
        """Hand out what is open today, or what happened in the last twelve months.

        Nothing is kept of it: scanners of mail follow every link.
        """
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if not profile_sudo or extension not in TYPES:
            # The same answer whether the file exists or not.
            return self._make_credit_private(request.redirect("/my"))
        statement_sudo = profile_sudo.env["credit.statement"].new(
            self._prepare_statement_values(profile_sudo, kind)
        )
        content = statement_sudo._render_loose(extension)
        return self._make_credit_file(
            content, statement_sudo._get_filename(extension), TYPES[extension]
        )

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Override: offer the files of the statement."""
        values = super()._prepare_credit_page_values(company_sudo, partner_sudo)
        profile_sudo = values["profile_sudo"]
        values["statement_urls"] = profile_sudo and {
            "open_pdf": self._get_statement_url(profile_sudo, "pdf"),
            "open_xlsx": self._get_statement_url(profile_sudo, "xlsx"),
            "activity_pdf": self._get_statement_url(profile_sudo, "pdf", "activity"),
        }
        return values

    def _get_statement_url(self, profile_sudo, extension, kind=None):
        return self._get_credit_address(
            f"{profile_sudo.access_url}/statement.{extension}", kind=kind
        )

    def _prepare_statement_values(self, profile_sudo, kind):
        today = profile_sudo.company_id._credit_today()
        is_activity = kind == "activity"
        return {
            "profile_id": profile_sudo.id,
            "company_id": profile_sudo.company_id.id,
            "partner_id": profile_sudo.partner_id.id,
            "kind": "activity" if is_activity else "open",
            "date_from": today - relativedelta(months=12) if is_activity else False,
            "date_to": today,
        }
