import psycopg2

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import format_amount, format_date

from ..logic import limits as rule
from ..models.credit_limit_request import CUSTOMER_SOURCES
from .dispute import AMOUNT
from .opened import CreditOpenedPortal

LONGEST_REASON = 2000
# Ten figures and more are a slip of the hand.
LARGEST_LIMIT = 1_000_000_000


class AskedTooOften(UserError):
    """The customer wrote as often as one may on a day."""


class CreditLimitPortal(CreditOpenedPortal):
    """What a customer sees of the credit limit, and how one is asked for.

    Both are off until the company switches them on. Whoever comes by a link alone is
    nobody whose name we know: the request says "by link".
    """

    @http.route(
        "/my/credit/<int:profile_id>/limit",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_limit(
        self, profile_id, access_token=None, amount=None, reason=None, **kwargs
    ):
        """Take the wish for a limit; a credit manager decides."""
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if not profile_sudo or not self._may_ask_credit_limit(profile_sudo):
            # The same answer whether the file exists or not.
            return self._make_credit_private(request.redirect("/my"))
        self._speak_to_visitor(profile_sudo.partner_id)
        try:
            with self._all_or_nothing():
                self._ask_credit_limit(profile_sudo, amount, reason)
        except UserError as error:
            typed = {
                "amount": self._clean_credit_text(amount, 20),
                "reason": self._clean_credit_text(reason, LONGEST_REASON),
            }
            response = self._render_credit_page(
                profile_sudo.company_id,
                profile_sudo.partner_id,
                limit=self._prepare_credit_limit(profile_sudo)
                | {"error": str(error), "typed": typed},
            )
            response.status_code = 429 if isinstance(error, AskedTooOften) else 400
            return response
        path = self._get_credit_address(profile_sudo.access_url)
        return self._make_credit_private(
            request.redirect(f"{path}#credit_limit", local=True)
        )

    # === WHO MAY === #

    def _may_ask_credit_limit(self, profile_sudo):
        """Tell whether the visitor is a customer whom the company lets ask."""
        return bool(
            profile_sudo.company_id.credit_portal_ask_limit
            and self._is_credit_visitor()
        )

    # === WHAT WAS SENT === #

    def _ask_credit_limit(self, profile_sudo, amount, reason):
        """Hand in what was typed.

        :raise UserError: in words for the customer
        """
        limit = self._read_credit_limit(amount)
        text = self._clean_credit_text(reason, LONGEST_REASON)
        if not text:
            raise UserError(request.env._("Please tell us why you need this limit."))
        Request = request.env["credit.limit.request"]
        waits = request.env._("You asked for a limit already: we have not decided yet.")
        if Request._find_open_of_customer(profile_sudo):
            raise UserError(waits)
        if not profile_sudo._use_portal_quota():
            raise AskedTooOften(request.env["credit.profile"]._explain_portal_quota())
        user = request.env.user
        by_link = user._is_public()
        contact_sudo = (
            profile_sudo._get_reminder_contacts().filtered(
                lambda contact: contact.commercial_partner_id == profile_sudo.partner_id
            )[:1]
            if by_link
            else user.partner_id.sudo()  # sudo: the visitor's own contact
        )
        try:
            with request.env.cr.savepoint():
                Request._hand_in(
                    profile_sudo,
                    "link" if by_link else "customer",
                    limit,
                    text,
                    contact_id=contact_sudo.id,
                    requested_by=not by_link and user.id,
                )
        except psycopg2.errors.UniqueViolation:
            # Sent twice at the same moment: the first one counts.
            raise UserError(waits) from None

    def _read_credit_limit(self, text):
        """Return the amount in a text.

        :raise UserError: it is none
        """
        text = text.strip() if isinstance(text, str) else ""
        limit = (
            float(text.replace(",", "."))
            if text.isascii() and AMOUNT.fullmatch(text)
            else 0.0
        )
        if not 0 < limit <= LARGEST_LIMIT:
            raise UserError(
                request.env._("Please write the limit as a number, like 5000.")
            )
        return limit

    # === WHAT IS SHOWN === #

    def _get_credit_companies(self, partner_sudo):
        """Override: also those that show a limit, where nothing is open."""
        companies_sudo = super()._get_credit_companies(partner_sudo)
        # sudo: files of the visitor's own customer; only the company is told.
        profiles_sudo = (
            request.env["credit.profile"]
            .sudo()
            .search([("partner_id", "in", partner_sudo.ids)])
        )
        others_sudo = profiles_sudo.company_id.filtered(
            lambda company: (
                company.credit_portal_show_limit or company.credit_portal_ask_limit
            )
        )
        return (companies_sudo | others_sudo).sorted("name")

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Override: show the limit, and offer to ask for one."""
        values = super()._prepare_credit_page_values(company_sudo, partner_sudo)
        profile_sudo = values["profile_sudo"]
        if profile_sudo:
            values["limit"] = self._prepare_credit_limit(profile_sudo)
        return values

    def _prepare_credit_limit(self, profile_sudo):
        """Return what the customer may know of the limit: plain values, or nothing."""
        company_sudo = profile_sudo.company_id
        shown = company_sudo.credit_portal_show_limit
        asks = company_sudo.credit_portal_ask_limit
        if not shown and not asks:
            return {}
        latest_sudo = self._find_limit_asked(profile_sudo) if asks else None
        is_waiting = latest_sudo and latest_sudo.state == rule.SUBMITTED
        may_ask = self._may_ask_credit_limit(profile_sudo) and not is_waiting
        return {
            "currency": company_sudo.currency_id,
            "shown": shown and self._prepare_limit_shown(profile_sudo),
            "asked": latest_sudo and self._prepare_limit_asked(latest_sudo),
            "url": may_ask and f"{profile_sudo.access_url}/limit",
            "access_token": request.params.get("access_token"),
            "typed": {"amount": "", "reason": ""},
        }

    def _prepare_limit_shown(self, profile_sudo):
        """Return limit, used and free, as they are at this moment."""
        company_sudo, partner_sudo = profile_sudo.company_id, profile_sudo.partner_id
        found = request.env["credit.exposure"].sudo()  # sudo: of who was proved
        result, limit = found._compute_live(company_sudo, partner_sudo)[partner_sudo.id]
        used = max(float(result.total), 0.0)
        limit = float(limit or 0)
        # sudo: of the customer who was proved.
        holding_sudo = (
            request.env["credit.limit.request"]
            .sudo()
            ._find_temporary(profile_sudo)[-1:]
        )
        is_temporary = holding_sudo and not company_sudo.currency_id.compare_amounts(
            holding_sudo.granted_limit, limit
        )
        return {
            "limit": limit,
            "until": is_temporary and holding_sudo.date_until,
            "used": used,
            "free": max(limit - used, 0.0),
            "percent": min(round(used * 100 / limit), 100) if limit else 0,
        }

    def _find_limit_asked(self, profile_sudo):
        """Return, with sudo, the latest request of the customer."""
        return (
            request.env["credit.limit.request"]
            .sudo()  # sudo: of the customer who was proved, its own ones alone
            .search(
                [
                    ("profile_id", "=", profile_sudo.id),
                    ("source", "in", CUSTOMER_SOURCES),
                ],
                limit=1,
            )
        )

    def _prepare_limit_asked(self, request_sudo):
        """Return what became of a request, in words: no figures, no reasons of ours."""
        values = {
            "limit": format_amount(
                request.env, request_sudo.asked_limit, request_sudo.currency_id
            ),
            "day": format_date(request.env, request_sudo.submitted_date),
        }
        if request_sudo.state == rule.SUBMITTED:
            sentence = request.env._(
                "On %(day)s you asked for a credit limit of %(limit)s. We have not"
                " decided yet.",
                **values,
            )
        elif request_sudo.state in (rule.WITHDRAWN, rule.SUPERSEDED, rule.EXPIRED):
            sentence = request.env._(
                "The credit limit of %(limit)s that you asked for on %(day)s does not"
                " hold any more.",
                **values,
            )
        else:
            sentence = request_sudo.with_context(lang=request.env.lang)._say_decision()
        answer = request_sudo.decided_date and request_sudo.answer
        return {"sentence": sentence, "answer": (answer or "").splitlines()}
