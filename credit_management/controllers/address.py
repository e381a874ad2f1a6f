from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from ..models.credit_address_change import LONGEST_ADDRESS
from .opened import CreditOpenedPortal


class CreditAddressPortal(CreditOpenedPortal):
    """Where reminders go, and how a customer changes it."""

    # === ASKED === #

    @http.route(
        "/my/credit/<int:profile_id>/address",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_address(
        self, profile_id, access_token=None, email=None, **kwargs
    ):
        """Take the wish for another address; nothing changes until it is confirmed."""
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if not profile_sudo or not self._may_change_address(profile_sudo):
            # The same answer whether the file exists or not.
            return self._make_credit_private(request.redirect("/my"))
        user = request.env.user
        if user._is_public():
            self._speak_language_of(profile_sudo.partner_id)
            user = user.browse()
        try:
            with self._all_or_nothing():
                request.env["credit.address.change"]._request(profile_sudo, email, user)
        except UserError as error:
            typed = email[:LONGEST_ADDRESS] if isinstance(email, str) else ""
            typed = "".join(sign for sign in typed if sign.isprintable())
            told = {"error": str(error), "typed": typed}
            return self._render_credit_page(
                profile_sudo.company_id,
                profile_sudo.partner_id,
                address=self._prepare_credit_address(
                    profile_sudo, profile_sudo._get_reminder_contacts()
                )
                | told,
            )
        path = self._get_credit_address(profile_sudo.access_url, address="asked")
        return self._make_credit_private(
            request.redirect(f"{path}#credit_address", local=True)
        )

    def _may_change_address(self, profile_sudo):
        """Tell whether the visitor is a customer whose reminders really go out."""
        company_sudo = profile_sudo.company_id
        return bool(
            company_sudo.credit_address_change
            and company_sudo.credit_mode == "live"
            and not company_sudo.credit_stopped
            and self._is_credit_visitor()
        )

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Override: say where reminders go, and offer to change it."""
        values = super()._prepare_credit_page_values(company_sudo, partner_sudo)
        profile_sudo = values["profile_sudo"]
        if profile_sudo and self._may_change_address(profile_sudo):
            # sudo: shown to who knows them, see below.
            contacts_sudo = request.env["res.partner"].sudo()
            contacts_sudo = contacts_sudo.browse(sorted(values["reminder_contacts"]))
            values["address"] = self._prepare_credit_address(
                profile_sudo, contacts_sudo or profile_sudo._get_reminder_contacts()
            )
        return values

    def _prepare_credit_address(self, profile_sudo, contacts_sudo):
        emails = dict.fromkeys(contacts_sudo.mapped("email_normalized"))
        return {
            "url": f"{profile_sudo.access_url}/address",
            "access_token": request.params.get("access_token"),
            "current": [self._mask_address(email) for email in emails if email],
            "is_asked": request.params.get("address") == "asked",
        }

    def _mask_address(self, email):
        """Return an address that only who knows it recognises."""
        name, _at, domain = email.partition("@")
        return f"{name[:2]}…@{domain}"

    # === CONFIRMED === #

    @http.route(
        "/my/credit/address",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_address_asked(self, token=None, **kwargs):
        """Show what is to be confirmed: programs follow links, too."""
        change_sudo = request.env["credit.address.change"]._find_by_token(token)
        return self._render_address_page(change_sudo, token, is_done=False)

    @http.route(
        "/my/credit/address/confirm",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_address_confirm(self, token=None, **kwargs):
        """Send reminders to the new address from now on."""
        change_sudo = request.env["credit.address.change"]._find_by_token(token)
        if change_sudo:
            change_sudo._confirm()
        return self._render_address_page(change_sudo, token, is_done=True)

    def _render_address_page(self, change_sudo, token, is_done):
        values = {"page_name": "credit_address", "change": None}
        if change_sudo:
            self._speak_to_visitor(change_sudo.profile_id.partner_id)
            names = change_sudo._get_names()
            values |= {
                "res_company": change_sudo.company_id,
                "change": {
                    "token": token,
                    "is_done": is_done,
                    "done": request.env._(
                        "From now on reminders of %(company)s go to %(email)s. Thank"
                        " you!",
                        **names,
                    ),
                    "question": request.env._(
                        "Shall reminders of %(company)s to %(customer)s go to"
                        " %(email)s from now on?",
                        **names,
                    ),
                },
            }
        return self._render_credit_private(
            "credit_management.portal_credit_address", values
        )
