import re
import uuid
from datetime import date

from odoo import http
from odoo.http import request

from ..logic import uploads
from .portal import CreditPortal

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
KEY = re.compile(r"[0-9a-f]{32}")


class CreditOpenedPortal(CreditPortal):
    """Stamps when a customer looked at the page.

    Not when the page is fetched: scanners of mail fetch whatever stands in one. The
    page itself calls, once it is in sight and somebody moves on it.
    """

    @http.route(
        "/my/credit/<int:profile_id>/opened",
        type="jsonrpc",
        auth="public",
        website=True,
    )
    def portal_credit_opened(
        self, profile_id, access_token=None, letter=None, **kwargs
    ):
        """Note that the page is looked at; tells nothing, whoever asks."""
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if profile_sudo and self._is_credit_visitor():
            profile_sudo._note_opened(self._cast_credit_letter(letter))
        return True

    def _is_credit_visitor(self):
        """Tell whether a customer looks, and not somebody of the house."""
        return not request.env.user._is_internal()

    def _clean_credit_text(self, text, longest):
        """Return what was typed, to be kept or shown again: plain text."""
        return uploads.clean_text(text, longest) if isinstance(text, str) else ""

    def _clean_credit_key(self, key):
        """Return the key of a form that was shown; a new one if it was made up."""
        return key if isinstance(key, str) and KEY.fullmatch(key) else uuid.uuid4().hex

    def _read_credit_day(self, text):
        """Return the day that a form names, or None."""
        if not isinstance(text, str) or not text.isascii() or not DAY.fullmatch(text):
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None

    def _cast_credit_letter(self, letter):
        """Return the id of a letter from whatever stood in the address."""
        text = str(letter)[:20]
        return int(text) if text.isascii() and text.isdecimal() else None

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Override: tell the page where to say that it is looked at."""
        values = super()._prepare_credit_page_values(company_sudo, partner_sudo)
        profile_sudo = values["profile_sudo"]
        values["opened"] = (
            profile_sudo
            and self._is_credit_visitor()
            and {
                "url": f"{profile_sudo.access_url}/opened",
                "access_token": request.params.get("access_token"),
                "letter": self._cast_credit_letter(request.params.get("letter")),
            }
        )
        return values
