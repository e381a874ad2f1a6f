import re
import uuid
from urllib.parse import urlencode

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import format_date

from ..logic import instalments
from ..logic import plan as rule
from ..logic.money import to_decimal
from .opened import CreditOpenedPortal

COUNT = re.compile(r"\d{1,3}")
LONGEST_REASON = 2000


class CreditPlanProposalPortal(CreditOpenedPortal):
    """Where a customer proposes to pay in parts, or takes what is offered.

    A link proposes; only a login takes an offer. Amounts are read from the ledger,
    never from the browser.
    """

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
