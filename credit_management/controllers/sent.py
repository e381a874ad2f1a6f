from odoo import http
from odoo.http import request

from .portal import CreditPortal

SENT_SHOWN = 20


class CreditSentPortal(CreditPortal):
    """What was sent to the customer: listed on the page, each as it left."""

    # === PAGES === #

    @http.route(
        "/my/credit/<int:profile_id>/letter/<int:letter_id>",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_letter(self, profile_id, letter_id, access_token=None, **kwargs):
        """Hand out a letter that reached the customer, as it was sent."""
        return self._answer_credit_sent(
            profile_id, access_token, "credit.dunning.letter", letter_id
        )

    @http.route(
        "/my/credit/<int:profile_id>/statement/<int:statement_id>",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_sent_statement(
        self, profile_id, statement_id, access_token=None, **kwargs
    ):
        """Hand out a statement of account that was sent: the file that was kept."""
        return self._answer_credit_sent(
            profile_id, access_token, "credit.statement", statement_id
        )

    # === WHAT WAS SENT === #

    def _answer_credit_sent(self, profile_id, access_token, model, record_id):
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        found_sudo = self._find_credit_sent(profile_sudo, model, record_id)
        content = found_sudo and found_sudo._get_sent_pdf()
        if not content:
            # The same answer whether it exists, was never sent, or is another's.
            return self._make_credit_private(request.redirect("/my"))
        return self._make_credit_file(content, found_sudo._get_sent_filename())

    def _find_credit_sent(self, profile_sudo, model, record_id=None):
        """Return what was really sent to the customer, with sudo, newest first."""
        domain = [
            ("profile_id", "in", profile_sudo.ids),
            ("state", "=", "sent"),
            ("is_test", "=", False),
        ]
        if record_id is not None:
            domain += [("id", "=", record_id)]
        order = "sent_date desc, id desc"
        if model == "credit.dunning.letter":
            # A level that is a task of the house and no message has no text.
            domain += [("body_sha256", "!=", False)]
            order = "message_date desc, id desc"
        # sudo: who may see the file may see what was sent to its customer.
        Model_sudo = request.env[model].sudo()
        return Model_sudo.search(domain, order=order, limit=SENT_SHOWN)

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Override: list what was sent, each with its file."""
        values = super()._prepare_credit_page_values(company_sudo, partner_sudo)
        profile_sudo = values["profile_sudo"]
        letters_sudo = self._find_credit_sent(profile_sudo, "credit.dunning.letter")
        statements_sudo = self._find_credit_sent(profile_sudo, "credit.statement")
        rows = [
            {
                "date": letter_sudo.message_date,
                "name": letter_sudo.level_id.name,
                "amount": letter_sudo.amount_total or letter_sudo.amount_upcoming,
                "currency": letter_sudo.currency_id,
                "url": self._get_credit_address(
                    f"{profile_sudo.access_url}/letter/{letter_sudo.id}"
                ),
            }
            for letter_sudo in letters_sudo
        ] + [
            {
                "date": company_sudo._credit_local(statement_sudo.sent_date).date(),
                "name": statement_sudo._get_title(),
                "amount": None,
                "currency": None,
                "url": self._get_credit_address(
                    f"{profile_sudo.access_url}/statement/{statement_sudo.id}"
                ),
            }
            for statement_sudo in statements_sudo
        ]
        rows.sort(key=lambda row: row["date"], reverse=True)
        values["letters"] = rows[:SENT_SHOWN]
        return values
