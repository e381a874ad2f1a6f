import re
import uuid
from urllib.parse import urlencode

from odoo import http
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.http import request
from odoo.tools import format_date

from ..logic import instalments
from ..logic import plan as rule
from ..logic.money import to_decimal
from ..models.credit_payment_plan_agreement import LONGEST_NAME
from .opened import CreditOpenedPortal
from .payment import CreditPaymentPortal

COUNT = re.compile(r"\d{1,3}")
LONGEST_REASON = 2000
PLANS_SHOWN = 80
PART, LATE, ALL = "part", "late", "all"


class CreditPlanPortal(CreditOpenedPortal, CreditPaymentPortal):
    """Where a customer sees, proposes, accepts and pays a payment plan.

    Who may, is decided by the login or by the token of the plan or of the file. A token
    opens the page and pays; it accepts nothing: that takes a login, or the link that
    was mailed for it. Amounts are read from the ledger, never from the browser.
    """

    # === HOME === #

    def _prepare_home_portal_values(self, counters):
        """Override: the plans of the customer, or else those it could propose."""
        values = super()._prepare_home_portal_values(counters)
        if "credit_plan_count" in counters:
            partner_sudo = self._get_credit_partner()
            # sudo: those of the visitor's own customer
            count = (
                request.env["credit.payment.plan"]
                .sudo()
                .search_count(self._get_plans_domain(partner_sudo))
            )
            values["credit_plan_count"] = count or len(
                self._find_plan_forms(partner_sudo)
            )
        return values

    # === PAGES === #

    @http.route(
        "/my/payment-plans",
        type="http",
        auth="user",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_plans(self, **kwargs):
        """Show the plans of the customer whose login this is."""
        partner_sudo = self._get_credit_partner()
        plans_sudo = (
            request.env["credit.payment.plan"]
            .sudo()  # sudo: those of the visitor's own customer
            .search(self._get_plans_domain(partner_sudo), limit=PLANS_SHOWN)
        )
        return self._render_credit_private(
            "credit_management.portal_credit_plans",
            {
                "page_name": "credit_plans",
                "plans": self._prepare_plan_rows(plans_sudo),
                "forms": self._find_plan_forms(partner_sudo),
            },
        )

    @http.route(
        "/my/payment-plans/<int:plan_id>",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_plan(self, plan_id, access_token=None, **kwargs):
        """Show a plan: its parts, what is paid, what comes next."""
        plan_sudo = self._get_credit_plan(plan_id, access_token)
        if not plan_sudo:
            # The same answer whether the plan exists or not.
            return self._make_credit_private(request.redirect("/my"))
        return self._render_plan(plan_sudo)

    # === ANSWERS === #

    @http.route(
        "/my/payment-plans/<int:plan_id>/accept",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_plan_accept(self, plan_id, name=None, **kwargs):
        """Accept what we proposed, with the login of the customer."""
        plan_sudo = self._get_credit_plan(plan_id, None)
        if not plan_sudo or not self._get_credit_partner():
            return self._make_credit_private(request.redirect("/my"))
        return self._take_acceptance(plan_sudo, name, "portal", plan_sudo.access_url)

    @http.route(
        "/my/payment-plans/accept",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_plan_accept_page(self, token=None, **kwargs):
        """Show what the mailed link accepts: programs follow links, too."""
        plan_sudo = request.env["credit.payment.plan"]._find_by_accept_token(token)
        return self._render_accept_page(plan_sudo, token)

    @http.route(
        "/my/payment-plans/accept/confirm",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_plan_accept_confirm(self, token=None, name=None, **kwargs):
        """Accept by the link that was mailed to the address on record; once."""
        plan_sudo = request.env["credit.payment.plan"]._find_by_accept_token(token)
        if not plan_sudo:
            return self._render_accept_page(plan_sudo, token)
        self._speak_to_visitor(plan_sudo.partner_id)
        plan_sudo._portal_ensure_token()
        return self._take_acceptance(
            plan_sudo, name, "link", plan_sudo.get_portal_url(), token
        )

    @http.route(
        "/my/payment-plans/<int:plan_id>/link",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_plan_link(self, plan_id, access_token=None, **kwargs):
        """Mail the link that accepts once more; to the address on record alone."""
        plan_sudo = self._get_credit_plan(plan_id, access_token)
        if not plan_sudo or not self._is_credit_visitor():
            return self._make_credit_private(request.redirect("/my"))
        error = None
        if not self._may_accept_plan(plan_sudo):
            error = request.env._("This plan cannot be accepted any more.")
        elif not plan_sudo.profile_id._use_portal_quota():
            error = request.env["credit.profile"]._explain_portal_quota()
            return self._render_plan(plan_sudo, error, 429)
        elif not plan_sudo._send_accept_link():
            error = request.env._("We cannot send a link now. Please contact us.")
        if error:
            return self._render_plan(plan_sudo, error, 400)
        path = self._get_credit_address(plan_sudo.access_url, link="sent")
        return self._make_credit_private(request.redirect(path, local=True))

    @http.route(
        "/my/payment-plans/<int:plan_id>/decline",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_plan_decline(
        self, plan_id, access_token=None, reason=None, **kwargs
    ):
        """Decline our proposal, or take one's own back."""
        plan_sudo = self._get_credit_plan(plan_id, access_token)
        if not plan_sudo or not self._is_credit_visitor():
            return self._make_credit_private(request.redirect("/my"))
        if self._may_decline_plan(plan_sudo):
            text = self._clean_credit_text(reason, LONGEST_REASON)
            plan_sudo._decline(text or False, by_customer=True)
        path = self._get_credit_address(plan_sudo.access_url)
        return self._make_credit_private(request.redirect(path, local=True))

    def _take_acceptance(self, plan_sudo, name, way, path, token=None):
        """Accept a plan in the name that was typed, and show it."""
        name = self._clean_credit_text(name, LONGEST_NAME)
        try:
            if not name:
                raise UserError(request.env._("Please write your name."))
            # The program acts: whoever accepts has no right to plans.
            with self._all_or_nothing():
                plan_sudo.sudo()._accept(name, way)
        except UserError as error:
            if token:
                return self._render_accept_page(plan_sudo, token, str(error))
            return self._render_plan(plan_sudo, str(error), 400)
        return self._make_credit_private(request.redirect(path, local=True))

    # === WHO MAY === #

    def _get_credit_plan(self, plan_id, access_token):
        """Return the plan, with sudo, that the visitor may see, or none."""
        # sudo: who may see the plan is checked below, and by nothing else.
        Plan_sudo = request.env["credit.payment.plan"].sudo()
        plan_sudo = Plan_sudo.search(
            [("id", "=", plan_id), ("state", "!=", rule.DRAFT)]
        )
        own_sudo = self._get_credit_partner()
        is_own = own_sudo and own_sudo == plan_sudo.partner_id
        if not is_own and not self._is_credit_token(plan_sudo, access_token):
            return Plan_sudo
        self._speak_to_visitor(plan_sudo.partner_id)
        return plan_sudo

    def _get_plans_domain(self, partner_sudo):
        return [("partner_id", "in", partner_sudo.ids), ("state", "!=", rule.DRAFT)]

    def _find_plan_forms(self, partner_sudo):
        """Return where the customer of the login may propose a plan now.

        :return: list of dicts of ``company`` (name) and ``url``
        """
        forms = []
        for company_sudo in self._get_credit_companies(partner_sudo):
            profile_sudo = self._find_credit_profile(company_sudo, partner_sudo)
            if profile_sudo and self._get_plan_proposer(profile_sudo.id, None):
                facts = self._gather_credit_facts(company_sudo, partner_sudo)
                if self._find_online_plannable(profile_sudo, facts):
                    url = f"{profile_sudo.access_url}/plan"
                    forms.append({"company": company_sudo.name, "url": url})
        return forms

    def _may_accept_plan(self, plan_sudo):
        """Tell whether it waits for the customer."""
        today = plan_sudo.company_id._credit_today()
        return (
            plan_sudo.state == rule.PROPOSED
            and plan_sudo.source == "staff"
            and bool(plan_sudo.answer_by)
            and plan_sudo.answer_by >= today
        )

    def _may_decline_plan(self, plan_sudo):
        """Tell whether the visitor may end it: by a link only what a link proposed."""
        return plan_sudo.state == rule.PROPOSED and (
            plan_sudo.source == "link" or bool(self._get_credit_partner())
        )

    # === WHAT IS SHOWN === #

    def _prepare_plan_rows(self, plans_sudo):
        """Return a row a plan: plain values."""
        labels = dict(plans_sudo._fields["state"]._description_selection(request.env))
        return [
            {
                "name": plan_sudo.name,
                "invoices": plan_sudo.invoice_names,
                "state": plan_sudo.state,
                "state_name": labels[plan_sudo.state],
                "amount": plan_sudo.amount,
                "left": plan_sudo.amount_left,
                "next_date": plan_sudo.next_date,
                "currency": plan_sudo.currency_id,
                "company": plan_sudo.company_id.name,
                "url": self._get_plan_link(plan_sudo),
            }
            for plan_sudo in plans_sudo
        ]

    def _get_plan_link(self, plan_sudo):
        """Return the address of a plan that the visitor may open; a GET makes none."""
        if not request.env.user._is_public():
            return plan_sudo.access_url
        return plan_sudo.access_token and plan_sudo.get_portal_url()

    def _render_plan(self, plan_sudo, error=None, status=200):
        company_sudo = plan_sudo.company_id
        today = company_sudo._credit_today()
        account, standings = plan_sudo._find_standings(today)[plan_sudo]
        labels = dict(plan_sudo._fields["state"]._description_selection(request.env))
        part_labels = dict(
            plan_sudo.line_ids._fields["state"]._description_selection(request.env)
        )
        is_login = bool(self._get_credit_partner())
        payable = self._find_plan_payable(plan_sudo)
        can_pay = payable and bool(self._get_credit_providers(plan_sudo.profile_id, 0))
        response = self._render_credit_private(
            "credit_management.portal_credit_plan",
            {
                "page_name": "credit_plan",
                "res_company": company_sudo,
                "error": error,
                "access_token": request.params.get("access_token"),
                "csrf_token": request.csrf_token(),
                "url": plan_sudo.access_url,
                "is_login": is_login,
                "visitor_name": is_login and request.env.user.name,
                "currency": plan_sudo.currency_id,
                "plan": {
                    "name": plan_sudo.name,
                    "company": company_sudo.name,
                    "invoices": plan_sudo.invoice_names,
                    "state": plan_sudo.state,
                    "state_name": labels[plan_sudo.state],
                    "is_ours": plan_sudo.source == "staff",
                    "amount": plan_sudo.amount,
                    "paid": float(account.paid),
                    "off": float(account.off),
                    "left": float(account.remaining),
                    "answer_by": plan_sudo.answer_by,
                    "warned_until": plan_sudo.state == rule.ACTIVE
                    and plan_sudo.warned_until,
                    "end_reason": plan_sudo.state == rule.REFUSED
                    and plan_sudo.end_reason,
                    "accepted": self._say_accepted(plan_sudo),
                },
                "parts": [
                    {
                        "number": number,
                        "date": line_sudo.date,
                        "amount": float(standing.instalment.amount),
                        "paid": float(standing.paid),
                        "left": float(standing.remaining),
                        "state": standing.state,
                        "state_name": part_labels[standing.state],
                    }
                    for number, line_sudo in enumerate(plan_sudo.line_ids, start=1)
                    for standing in (standings[line_sudo.id],)
                ],
                "ways": can_pay and self._prepare_plan_ways(plan_sudo, payable),
                "may_accept": self._is_credit_visitor()
                and self._may_accept_plan(plan_sudo),
                "may_decline": self._is_credit_visitor()
                and self._may_decline_plan(plan_sudo),
                "is_link_sent": request.params.get("link") == "sent",
            },
        )
        response.status_code = status
        return response

    def _say_accepted(self, plan_sudo):
        if not plan_sudo.accepted_date or plan_sudo.accepted_way == "staff":
            return False
        return request.env._(
            "Accepted by %(name)s on %(day)s.",
            name=plan_sudo.accepted_name,
            day=format_date(request.env, plan_sudo.accepted_date),
        )

    def _render_accept_page(self, plan_sudo, token, error=None):
        values = {"page_name": "credit_plan", "plan": None}
        if plan_sudo:
            self._speak_to_visitor(plan_sudo.partner_id)
            text = plan_sudo.with_env(request.env).sudo()._speak()._say_agreement()
            values |= {
                "res_company": plan_sudo.company_id,
                "error": error,
                "token": token,
                "csrf_token": request.csrf_token(),
                "plan": {"name": plan_sudo.name, "lines": text.splitlines()},
            }
        return self._render_credit_private(
            "credit_management.portal_credit_plan_accept", values
        )

    # === PAYING === #

    @http.route(
        "/my/payment-plans/<int:plan_id>/pay",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_plan_pay(self, plan_id, what=PART, access_token=None, **kwargs):
        """Show what is to be paid, and the host's form to pay it."""
        plan_sudo = self._get_credit_plan(plan_id, access_token)
        if not plan_sudo:
            return self._make_credit_private(request.redirect("/my"))
        payable = self._find_plan_payable(plan_sudo)
        amount = payable.get(what) if isinstance(what, str) else None
        back = self._get_credit_address(plan_sudo.access_url)
        values = {
            "page_name": "credit_plan_pay",
            "credit_company_name": plan_sudo.company_id.name,
            "res_company": plan_sudo.company_id,
            "back_url": back,
            "rows": [],
        }
        if amount:
            values |= self._get_credit_form_values(
                {
                    "partner": plan_sudo.partner_id,
                    "company": plan_sudo.company_id,
                    "total_amount": amount,
                    "currency": plan_sudo.currency_id,
                    "amount_residual": amount,
                    "landing_route": back,
                    "transaction_route": f"{plan_sudo.access_url}/transaction/{what}",
                },
                access_token,
            ) | {
                "amount": amount,
                "rows": [
                    {
                        "name": plan_sudo.name,
                        "due_date": plan_sudo.next_date,
                        "amount": amount,
                    }
                ],
            }
        return self._render_credit_private(
            "credit_management.portal_credit_pay", values
        )

    @http.route(
        "/my/payment-plans/<int:plan_id>/transaction/<string:what>",
        type="jsonrpc",
        auth="public",
        website=True,
    )
    def portal_credit_plan_transaction(
        self, plan_id, what, access_token=None, **kwargs
    ):
        """Begin the payment of a part, of what is late, or of all.

        :raise ValidationError: when the link is wrong, or when other amounts are open
            by now than the form has shown
        """
        plan_sudo = self._get_credit_plan(plan_id, access_token)
        if not plan_sudo:
            raise ValidationError(request.env._("The access token is invalid."))
        self._validate_transaction_kwargs(kwargs)
        plan_sudo._take_turn()
        amount = self._find_plan_payable(plan_sudo).get(what)
        currency_sudo = plan_sudo.currency_id
        shown = self._cast_as_float(kwargs.get("amount")) or 0.0
        if not amount or currency_sudo.compare_amounts(shown, amount):
            raise ValidationError(
                request.env._(
                    "Something was paid or changed in the meantime. Please go back and"
                    " look at what is open now."
                )
            )
        profile_sudo = plan_sudo.profile_id
        providers_sudo = self._get_credit_providers(
            profile_sudo, amount, currency_id=currency_sudo.id
        )
        if self._cast_as_int(kwargs.get("provider_id")) not in providers_sudo.ids:
            raise ValidationError(
                request.env._("This way to pay is not available. Choose another one.")
            )
        self._check_credit_stored(kwargs)
        moves_sudo = self._find_plan_moves(plan_sudo)
        kwargs |= {
            "amount": amount,
            "currency_id": currency_sudo.id,
            "partner_id": self._get_credit_payer(profile_sudo).id,
            "is_validation": False,
            "landing_route": self._get_credit_address(plan_sudo.access_url),
            "reference_prefix": self._get_credit_reference(profile_sudo, moves_sudo),
        }
        transaction_sudo = self._create_transaction(
            custom_create_values={"invoice_ids": [Command.set(moves_sudo.ids)]},
            **kwargs,
        )
        return transaction_sudo._get_processing_values()

    def _find_plan_moves(self, plan_sudo):
        """Return the invoices of a plan of which something is open."""
        return plan_sudo.item_ids.move_line_id.filtered(
            lambda item_sudo: item_sudo.amount_residual_currency > 0
        ).move_id

    def _find_plan_payable(self, plan_sudo):
        """Return what may be paid online now: dict of what -> amount.

        Nothing while a payment is in process: the ledger does not know of it yet, and
        the host would ask twice.
        """
        moves_sudo = self._find_plan_moves(plan_sudo)
        if (
            plan_sudo.state != rule.ACTIVE
            or not moves_sudo
            or not all(move_sudo._has_to_be_paid() for move_sudo in moves_sudo)
            # The host asks again for what was paid until it is in the books.
            or any(
                transaction_sudo.state == "done"
                and not transaction_sudo.is_post_processed
                for transaction_sudo in moves_sudo.transaction_ids
            )
        ):
            return {}
        today = plan_sudo.company_id._credit_today()
        account, standings = plan_sudo._find_standings(today)[plan_sudo]
        parts = tuple(standings.values())
        following = rule.find_next(parts)
        late = rule.find_late(parts, rule.ZERO, today, 0)
        payable = {
            PART: following.remaining if following else rule.ZERO,
            LATE: late,
            ALL: account.remaining,
        }
        return {what: float(amount) for what, amount in payable.items() if amount > 0}

    def _prepare_plan_ways(self, plan_sudo, payable):
        """Return what to choose from: each amount once."""
        names = {
            LATE: request.env._("Pay what is late"),
            PART: request.env._("Pay the next part"),
            ALL: request.env._("Pay all that is left"),
        }
        ways, seen = [], set()
        for what in (LATE, PART, ALL):
            amount = payable.get(what)
            if not amount or amount in seen:
                continue
            seen.add(amount)
            ways.append(
                {
                    "name": names[what],
                    "amount": amount,
                    "url": self._get_credit_address(
                        f"{plan_sudo.access_url}/pay", what=what
                    ),
                }
            )
        return ways

    # === PROPOSED BY THE CUSTOMER === #

    @http.route(
        "/my/credit/<int:profile_id>/plan",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_plan_form(self, profile_id, access_token=None, **kwargs):
        """Show the calculator, and the parts where it was filled in; writes nothing."""
        profile_sudo = self._get_plan_proposer(profile_id, access_token)
        if not profile_sudo:
            return self._make_credit_private(request.redirect("/my"))
        if "count" not in kwargs:
            return self._render_plan_form(profile_sudo)
        try:
            asked = self._read_plan_form(profile_sudo, kwargs)
        except UserError as error:
            return self._render_plan_form(profile_sudo, str(error), kwargs, status=400)
        return self._render_plan_form(profile_sudo, sent=kwargs, asked=asked)

    @http.route(
        "/my/credit/<int:profile_id>/plan/propose",
        type="http",
        auth="public",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_plan_propose(self, profile_id, access_token=None, **kwargs):
        """Take a proposal, once for each form that was shown; our staff answers."""
        profile_sudo = self._get_plan_proposer(profile_id, access_token)
        if not profile_sudo:
            return self._make_credit_private(request.redirect("/my"))
        key = self._clean_credit_key(kwargs.get("key"))
        plan_sudo = profile_sudo.env["credit.payment.plan"].search(
            [("profile_id", "=", profile_sudo.id), ("portal_key", "=", key)]
        )
        if not plan_sudo:
            try:
                asked = self._read_plan_form(profile_sudo, kwargs)
                if kwargs.get("take"):
                    asked["terms"] = self._check_plan_offered(
                        profile_sudo, asked, kwargs.get("cost") or "0"
                    )
                if not profile_sudo._use_portal_quota():
                    error = request.env["credit.profile"]._explain_portal_quota()
                    return self._render_plan_form(
                        profile_sudo, error, kwargs, status=429
                    )
                with self._all_or_nothing():
                    plan_sudo = self._propose_plan(profile_sudo, asked, key)
            except UserError as error:
                return self._render_plan_form(
                    profile_sudo, str(error), kwargs, status=400
                )
        if request.env.user._is_public():
            plan_sudo._portal_ensure_token()
            path = plan_sudo.get_portal_url()
        else:
            path = plan_sudo.access_url
        return self._make_credit_private(request.redirect(path, local=True))

    def _get_plan_proposer(self, profile_id, access_token):
        """Return the credit file, with sudo, for which the visitor may propose."""
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if (
            not profile_sudo
            or not self._is_credit_visitor()
            or not profile_sudo.company_id.credit_portal_plans
        ):
            return profile_sudo.browse()
        self._speak_to_visitor(profile_sudo.partner_id)
        return profile_sudo

    def _find_online_plannable(self, profile_sudo, facts):
        """Return the overdue items, with sudo, that a customer may propose to divide.

        Not while an earlier proposal waits, and not after a plan that was broken: then
        a person of ours decides.
        """
        none = profile_sudo.env["account.move.line"]
        if any(
            plan_sudo.state == rule.PROPOSED
            or (plan_sudo.state == rule.BROKEN and plan_sudo.amount_left)
            for plan_sudo in profile_sudo.plan_ids
        ):
            return none
        refs = [
            item.ref
            for item in self._sort_credit_items(facts)["overdue"]
            if item.ref not in facts.planned
            and not item.under_way
            and self._get_asked_amount(facts, item) > 0
        ]
        return none.browse(refs).filtered(
            lambda item_sudo: not self._has_credit_discount(facts, item_sudo.move_id)
        )

    def _read_plan_form(self, profile_sudo, sent):
        """Return what a form asks for, checked against the ledger.

        :return: dict of items, wish, parts and reason
        :raise UserError: in words for the customer
        """
        company_sudo = profile_sudo.company_id
        facts = self._gather_credit_facts(company_sudo, profile_sudo.partner_id)
        ticked = set(request.httprequest.values.getlist("items"))
        items_sudo = self._find_online_plannable(profile_sudo, facts).filtered(
            lambda item_sudo: str(item_sudo.id) in ticked
        )
        if not items_sudo:
            raise UserError(request.env._("Please tick what you want to pay in parts."))
        if len(items_sudo.currency_id) > 1:
            raise UserError(
                request.env._("Please tick amounts in one currency; then the others.")
            )
        together_sudo = self._find_plan_together(items_sudo)
        if together_sudo != items_sudo:
            raise UserError(
                request.env._(
                    "Please choose these first: %(invoices)s. The others need a plan of"
                    " their own.",
                    invoices=", ".join(together_sudo.move_id.mapped("name")),
                )
            )
        most = company_sudo.credit_plan_most_parts
        text = sent.get("count")
        is_count = isinstance(text, str) and text.isascii() and COUNT.fullmatch(text)
        count = int(text) if is_count else 0
        if not 2 <= count <= most:
            raise UserError(
                request.env._("Please choose between 2 and %(most)s parts.", most=most)
            )
        latest = instalments.days_after(
            facts.today, company_sudo.credit_plan_first_days
        )
        first = self._read_credit_day(sent.get("first"))
        if not first or not facts.today <= first <= latest:
            raise UserError(
                request.env._(
                    "Please pay the first part between today and %(day)s.",
                    day=format_date(request.env, latest),
                )
            )
        rhythm = sent.get("rhythm")
        if rhythm not in instalments.RHYTHMS:
            raise UserError(request.env._("Please choose how often you pay."))
        text = sent.get("pay_day")
        is_day = isinstance(text, str) and text.isascii() and COUNT.fullmatch(text)
        # Only of use for months: a plan that we offered keeps the day that was asked.
        pay_day = min(int(text), 31) if is_day else 0
        total = sum(items_sudo.mapped("amount_residual_currency"))
        Plan_sudo = profile_sudo.env["credit.payment.plan"]
        parts = Plan_sudo.with_env(request.env)._propose_parts(
            items_sudo.currency_id.round(total),
            {
                "first_date": first,
                "rhythm": rhythm,
                "mode": "count",
                "count": count,
                "pay_day": pay_day,
            },
            items_sudo.currency_id,
            company_sudo._credit_calendar(),
        )
        return {
            "items": items_sudo,
            "wish": rule.Wish(count, first, rhythm, pay_day or None),
            "parts": parts,
            "reason": self._clean_credit_text(sent.get("reason"), LONGEST_REASON),
        }

    def _find_plan_together(self, items_sudo):
        """Return what can be in one plan with the first: one currency, one account.

        Which accounts there are is no matter of the customer.
        """
        first_sudo = items_sudo[:1]
        return items_sudo.filtered(
            lambda item_sudo: (
                item_sudo.currency_id == first_sudo.currency_id
                and item_sudo.account_id == first_sudo.account_id
            )
        )

    def _check_plan_offered(self, profile_sudo, asked, cost):
        """Refuse what was shown as running at once, and does not any more.

        :param cost: as it was shown
        :return: the terms of the offer, see ``_get_terms``
        :raise UserError: in words for the customer
        """
        if not self._get_credit_partner():
            raise UserError(
                request.env._(
                    "Please log in: then the plan runs at once. A link is easily"
                    " forwarded."
                )
            )
        offered = self._find_plan_offered(profile_sudo, asked["items"], asked["wish"])
        if (
            not offered
            or offered["parts"] != asked["parts"]
            or str(offered["cost"]) != cost
        ):
            raise UserError(
                request.env._(
                    "We cannot agree to this plan at once any more. Please look at"
                    " the parts again."
                )
            )
        return offered["terms"]

    def _find_plan_offered(self, profile_sudo, items_sudo, wish=None):
        """Return the plan nearest to a wish that runs without our answer, or None.

        :param wish: without one, as many parts as we offer
        :return: dict of ``wish``, ``parts`` without the ``cost``, which is in their
            currency, and the ``terms`` of the offer
        """
        company_sudo, currency_sudo = profile_sudo.company_id, items_sudo.currency_id
        if len(currency_sudo) != 1:
            return None
        today = company_sudo._credit_today()
        total = currency_sudo.round(sum(items_sudo.mapped("amount_residual_currency")))
        in_company = currency_sudo._convert(
            total, company_sudo.currency_id, company_sudo, today
        )
        asked = {profile_sudo: (profile_sudo.partner_id.id, to_decimal(in_company))}
        Offer = request.env["credit.payment.plan.offer"]
        offer_sudo = Offer._find_open(company_sudo, asked)[profile_sudo]
        if not offer_sudo:
            return None
        most = min(offer_sudo.most_parts, company_sudo.credit_plan_most_parts)
        found = rule.find_nearest(
            offer_sudo._to_logic(),
            to_decimal(total),
            wish or rule.Wish(most, today, instalments.MONTHLY),
            today,
            step=to_decimal(currency_sudo.rounding),
            calendar=company_sudo._credit_calendar(),
        )
        if not found:
            return None
        nearest, parts = found
        terms = offer_sudo._get_terms(currency_sudo)
        try:
            _net, cost = (
                request.env["credit.payment.plan"]
                .sudo()  # sudo: what it costs is told to who may take it
                ._find_cost(profile_sudo, currency_sudo, parts, **terms)
            )
        except UserError:  # nobody could invoice it
            return None
        return {"wish": nearest, "parts": parts, "cost": cost, "terms": terms}

    def _prepare_plan_offered(self, profile_sudo, items_sudo, asked):
        """Return what the page says of a plan that runs without our answer."""
        offered = self._find_plan_offered(
            profile_sudo, items_sudo, asked and asked["wish"]
        )
        if not offered:
            return None
        wish = offered["wish"]
        values = {
            "count": wish.count,
            "first": wish.first,
            "rhythm": wish.rhythm,
            "pay_day": wish.pay_day or "",
        }
        parts = instalments.add_cost(offered["parts"], offered["cost"])
        path = f"{profile_sudo.access_url}/plan?" + urlencode(
            values | {"items": items_sudo.ids}, doseq=True
        )
        return {
            "values": values | {"cost": str(offered["cost"])},
            "items": items_sudo.ids,
            "parts": self._prepare_plan_parts(parts),
            "currency": items_sudo.currency_id,
            "cost": float(offered["cost"]),
            "is_wish": bool(asked) and offered["parts"] == asked["parts"],
            "is_login": bool(self._get_credit_partner()),
            "login_url": f"/web/login?{urlencode({'redirect': path})}",
        }

    def _prepare_plan_parts(self, parts):
        return [{"date": part.day, "amount": float(part.amount)} for part in parts]

    def _propose_plan(self, profile_sudo, asked, key):
        user = request.env.user
        by_link = user._is_public()
        plan_sudo = request.env["credit.payment.plan"]._propose_online(
            profile_sudo,
            asked["items"],
            asked["parts"],
            source="link" if by_link else "portal",
            reason=asked["reason"] or False,
            portal_key=key,
            **asked.get("terms", {}),
        )
        if not by_link:
            # Who proposes agrees: with the login, in its name.
            plan_sudo._keep_agreement(user.name, "portal")
            plan_sudo._take_offer()
        return plan_sudo

    def _render_plan_form(
        self, profile_sudo, error=None, sent=None, asked=None, status=200
    ):
        company_sudo = profile_sudo.company_id
        facts = self._gather_credit_facts(company_sudo, profile_sudo.partner_id)
        items_sudo = self._find_online_plannable(profile_sudo, facts)
        ticked = set(request.httprequest.values.getlist("items"))
        sent = sent or {}
        typed = {
            name: self._clean_credit_text(sent.get(name), longest)
            for name, longest in (
                ("count", 3),
                ("first", 10),
                ("rhythm", 20),
                ("pay_day", 3),
                ("reason", LONGEST_REASON),
            )
        }
        chosen_sudo = asked["items"] if asked else self._find_plan_together(items_sudo)
        # sudo: what a company offers is told to its customers.
        offers_sudo = (
            request.env["credit.payment.plan.offer"]
            .sudo()
            .search([("company_id", "=", company_sudo.id)])
        )
        risk_class = profile_sudo.risk_class_used
        Wizard = request.env["credit.payment.plan.make"]
        rhythms = [
            (rhythm, label)
            for rhythm, label in Wizard._fields["rhythm"]._description_selection(
                request.env
            )
            if rhythm in instalments.RHYTHMS
        ]
        response = self._render_credit_private(
            "credit_management.portal_credit_plan_form",
            {
                "page_name": "credit_plan_form",
                "res_company": company_sudo,
                "credit_company_name": company_sudo.name,
                "rows": [
                    {
                        "id": item_sudo.id,
                        "name": item_sudo.move_id.name,
                        "due_date": item_sudo.date_maturity,
                        "amount": item_sudo.amount_residual_currency,
                        "currency": item_sudo.currency_id,
                        "is_ticked": str(item_sudo.id) in ticked
                        if sent
                        else item_sudo in chosen_sudo,
                    }
                    for item_sudo in items_sudo
                ],
                "counts": range(2, company_sudo.credit_plan_most_parts + 1),
                "rhythms": rhythms,
                "offers": bool(self._get_credit_partner())
                and [
                    self._say_offer(offer_sudo, profile_sudo.partner_id)
                    for offer_sudo in offers_sudo
                    if offer_sudo.risk_class in (False, risk_class)
                ],
                "today": facts.today,
                "latest": instalments.days_after(
                    facts.today, company_sudo.credit_plan_first_days
                ),
                "typed": typed
                | {
                    "count": typed["count"] or "3",
                    "rhythm": typed["rhythm"] or instalments.MONTHLY,
                    "first": typed["first"] or str(facts.today),
                },
                "parts": asked and self._prepare_plan_parts(asked["parts"]),
                # Where something is wrong with the wish, nothing is said of another.
                "offered": not error
                and chosen_sudo
                and self._prepare_plan_offered(profile_sudo, chosen_sudo, asked),
                "chosen": asked and asked["items"].ids,
                "currency": asked and asked["items"].currency_id,
                "form_url": f"{profile_sudo.access_url}/plan",
                "back_url": self._get_credit_address(profile_sudo.access_url),
                "access_token": request.params.get("access_token"),
                "csrf_token": request.csrf_token(),
                "key": uuid.uuid4().hex,
                "error": error,
            },
        )
        response.status_code = status
        return response

    def _say_offer(self, offer_sudo, partner_sudo):
        """Say what runs without anybody's answer, and what it costs this customer."""
        money = offer_sudo.currency_id.format
        values = {
            "least": money(offer_sudo.amount_from),
            "most": money(offer_sudo.amount_to),
            "parts": offer_sudo.most_parts,
            "days": offer_sudo.longest_days,
        }
        words = (
            request.env._(
                "From %(least)s to %(most)s: up to %(parts)s parts within %(days)s"
                " days.",
                **values,
            )
            if offer_sudo.amount_to
            else request.env._(
                "From %(least)s: up to %(parts)s parts within %(days)s days.", **values
            )
        )
        if cost := offer_sudo._say_cost(partner_sudo):
            words += " " + cost
        if offer_sudo.first_now:
            words += " " + request.env._("The first part is paid at once.")
        return words

    # === ON OTHER PAGES === #

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Override: show the plans, and offer to propose one."""
        values = super()._prepare_credit_page_values(company_sudo, partner_sudo)
        profile_sudo = values["profile_sudo"]
        if not profile_sudo:
            return values
        plans_sudo = profile_sudo.plan_ids.filtered(
            lambda plan_sudo: plan_sudo.state in rule.HOLDING_STATES
        )
        values["plans"] = self._prepare_plan_rows(plans_sudo)
        values["plan_url"] = (
            bool(self._get_plan_proposer(profile_sudo.id, profile_sudo.access_token))
            and bool(self._find_online_plannable(profile_sudo, values["facts"]))
            and self._get_credit_address(f"{profile_sudo.access_url}/plan")
        )
        return values
