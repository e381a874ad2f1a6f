import re
import uuid

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import format_amount, format_date

from ..logic import promise as rule
from ..logic import uploads
from .opened import CreditOpenedPortal

AMOUNT = re.compile(r"\d{1,12}([.,]\d{1,3})?")
PROMISES_SHOWN = 20


class CreditPromisePortal(CreditOpenedPortal):
    """Where a customer says when it pays, and takes that back.

    Who may, is decided by the login or by the token of the file, and by nothing else;
    how far ahead, by the policy. What is open is read from the ledger when the form is
    sent: the browser only names the items.
    """

    # === GIVE === #

    @http.route(
        "/my/credit/<int:profile_id>/promise",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_promise_form(self, profile_id, access_token=None, **kwargs):
        """Show the form to promise a payment; nothing is written."""
        profile_sudo = self._get_credit_promiser(profile_id, access_token)
        if not profile_sudo:
            # The same answer whether the file exists or not.
            return self._make_credit_private(request.redirect("/my"))
        return self._render_promise_form(profile_sudo)

    @http.route(
        "/my/credit/<int:profile_id>/promise/give",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_promise_give(self, profile_id, access_token=None, **kwargs):
        """Note a promise, once for each form that was shown."""
        profile_sudo = self._get_credit_promiser(profile_id, access_token)
        if not profile_sudo:
            return self._make_credit_private(request.redirect("/my"))
        key = self._clean_credit_key(kwargs.get("key"))
        given_sudo = profile_sudo.env["credit.promise"].search(
            [("profile_id", "=", profile_sudo.id), ("portal_key", "=", key)]
        )
        if not given_sudo:
            try:
                asked = self._read_promise_form(profile_sudo, kwargs)
                if not profile_sudo._use_portal_quota():
                    error = request.env["credit.profile"]._explain_portal_quota()
                    return self._render_promise_form(profile_sudo, error, kwargs, 429)
                with self._all_or_nothing():
                    self._give_promise(profile_sudo, asked, key)
            except UserError as error:
                return self._render_promise_form(profile_sudo, str(error), kwargs, 400)
        path = self._get_credit_address(profile_sudo.access_url, promise="given")
        return self._make_credit_private(
            request.redirect(f"{path}#credit_promises", local=True)
        )

    # === TAKE BACK === #

    @http.route(
        "/my/credit/<int:profile_id>/promise/<int:promise_id>/withdraw",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_promise_withdraw(
        self, profile_id, promise_id, access_token=None, **kwargs
    ):
        """Take a promise back; by a link only what was given by a link."""
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if not profile_sudo or not self._is_credit_visitor():
            return self._make_credit_private(request.redirect("/my"))
        promise_sudo = profile_sudo.env["credit.promise"].search(
            [("id", "=", promise_id), ("profile_id", "=", profile_sudo.id)]
        )
        if self._may_withdraw_promise(promise_sudo):
            promise_sudo._withdraw("customer")
        path = self._get_credit_address(profile_sudo.access_url)
        return self._make_credit_private(
            request.redirect(f"{path}#credit_promises", local=True)
        )

    def _may_withdraw_promise(self, promise_sudo):
        return promise_sudo.state == rule.OPEN and (
            promise_sudo.source == "link" or bool(self._get_credit_partner())
        )

    # === WHO MAY === #

    def _get_credit_promiser(self, profile_id, access_token):
        """Return the credit file, with sudo, for which the visitor may promise."""
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if not profile_sudo or not self._is_credit_visitor():
            return profile_sudo.browse()
        self._speak_to_visitor(profile_sudo.partner_id)
        return profile_sudo

    def _find_promisable(self, facts):
        """Return the overdue items that may be promised online now.

        :return: list of pairs (item, furthest day)
        """
        overdue = [
            item
            for item in self._sort_credit_items(facts)["overdue"]
            if item.ref not in facts.promised
            and item.ref not in facts.planned
            and self._get_asked_amount(facts, item) > 0
        ]
        windows = {
            item.ref: policy.promise_window_days
            for item in overdue
            for policy, _origin in facts.policies.values()
        }
        days = (
            request.env["credit.promise"]
            .sudo()  # sudo: promises about items of the customer who was proved
            ._find_online_days(facts.today, windows)
        )
        return [(item, days[item.ref]) for item in overdue if days[item.ref]]

    # === WHAT WAS SENT === #

    def _read_promise_form(self, profile_sudo, sent):
        """Return what a form asks for, checked against the ledger.

        :return: dict of items, day and amount
        :raise UserError: in words for the customer
        """
        facts = self._gather_credit_facts(
            profile_sudo.company_id, profile_sudo.partner_id
        )
        ticked = set(request.httprequest.form.getlist("items"))
        chosen = [
            (item, latest)
            for item, latest in self._find_promisable(facts)
            if str(item.ref) in ticked
        ]
        if not chosen:
            raise UserError(request.env._("Please tick what you are going to pay."))
        day = self._read_credit_day(sent.get("day"))
        latest = min(latest for _item, latest in chosen)
        if not day or not facts.today <= day <= latest:
            raise UserError(
                request.env._(
                    "Please choose a day from today up to %(day)s. If you need more"
                    " time, contact us.",
                    day=format_date(request.env, latest),
                )
            )
        return {
            "items": [item.ref for item, _latest in chosen],
            "day": day,
            "amount": self._read_promise_amount(sent.get("amount")),
        }

    def _read_promise_amount(self, text):
        """Return the amount in a text, none for all that is open.

        :raise UserError: it is no amount
        """
        text = text.strip() if isinstance(text, str) else ""
        if not text:
            return None
        if not text.isascii() or not AMOUNT.fullmatch(text):
            raise UserError(request.env._("Please write amounts like 12.50."))
        return float(text.replace(",", "."))

    def _give_promise(self, profile_sudo, asked, key):
        user = request.env.user
        by_link = user._is_public()
        request.env["credit.promise"]._give(
            profile_sudo,
            profile_sudo.env["account.move.line"].browse(asked["items"]),
            asked["day"],
            asked["amount"],
            source="link" if by_link else "portal",
            given_by=False if by_link else user.partner_id.id,
            portal_key=key,
        )

    # === WHAT IS SHOWN === #

    def _render_promise_form(self, profile_sudo, error=None, sent=None, status=200):
        company_sudo = profile_sudo.company_id
        facts = self._gather_credit_facts(company_sudo, profile_sudo.partner_id)
        promisable = self._find_promisable(facts)
        # sudo: the items are the customer's own.
        lines_sudo = request.env["account.move.line"].sudo()
        ticked = set(request.httprequest.form.getlist("items"))
        sent = sent or {}
        rows, first = [], None
        for item, latest in promisable:
            line_sudo = lines_sudo.browse(item.ref)
            first = first or line_sudo.currency_id
            rows.append(
                {
                    "id": item.ref,
                    "name": line_sudo.move_id.name,
                    "due_date": item.due_date,
                    "amount": float(self._get_asked_amount(facts, item)),
                    "currency": line_sudo.currency_id,
                    "latest": latest,
                    # One promise is in one currency.
                    "is_ticked": str(item.ref) in ticked
                    if sent
                    else line_sudo.currency_id == first,
                }
            )
        furthest = max((row["latest"] for row in rows), default=None)
        response = self._render_credit_private(
            "credit_management.portal_credit_promise",
            {
                "page_name": "credit_promise",
                "res_company": company_sudo,
                "credit_company_name": company_sudo.name,
                "rows": rows,
                "today": facts.today,
                "latest": furthest,
                "latest_words": furthest
                and request.env._(
                    "Up to %(day)s", day=format_date(request.env, furthest)
                ),
                "form_url": f"{profile_sudo.access_url}/promise/give",
                "back_url": self._get_credit_address(profile_sudo.access_url),
                "access_token": request.params.get("access_token"),
                "key": uuid.uuid4().hex,
                "typed": {
                    name: uploads.clean_text(sent[name], 20)
                    if isinstance(sent.get(name), str)
                    else ""
                    for name in ("day", "amount")
                },
                "error": error,
            },
        )
        response.status_code = status
        return response

    def _say_amount(self, promise_sudo, amount):
        return format_amount(request.env, amount, promise_sudo.currency_id)

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Override: show what was promised, and offer to promise."""
        values = super()._prepare_credit_page_values(company_sudo, partner_sudo)
        profile_sudo = values["profile_sudo"]
        if not profile_sudo:
            return values
        promises_sudo = profile_sudo.promise_ids.filtered(
            lambda promise_sudo: promise_sudo.state == rule.OPEN
        )
        is_visitor = self._is_credit_visitor()
        is_held = bool(profile_sudo.policy_used_id.promise_hold)
        values["promises"] = [
            {
                "invoices": promise_sudo.invoice_names,
                "words": request.env._(
                    "You promised %(amount)s by %(day)s.",
                    amount=self._say_amount(promise_sudo, promise_sudo.amount),
                    day=format_date(request.env, promise_sudo.date),
                ),
                "paid": promise_sudo.amount_kept
                and request.env._(
                    "Paid so far: %(amount)s",
                    amount=self._say_amount(promise_sudo, promise_sudo.amount_kept),
                ),
                "is_held": is_held and promise_sudo.last_date >= values["today"],
                "withdraw_url": is_visitor
                and self._may_withdraw_promise(promise_sudo)
                and f"{profile_sudo.access_url}/promise/{promise_sudo.id}/withdraw",
            }
            for promise_sudo in promises_sudo[:PROMISES_SHOWN]
        ]
        values["promise_given"] = request.params.get("promise") == "given"
        values["promise_token"] = request.params.get("access_token")
        facts = values["facts"]
        values["promise_url"] = (
            is_visitor
            and bool(self._find_promisable(facts))
            and self._get_credit_address(f"{profile_sudo.access_url}/promise")
        )
        return values
