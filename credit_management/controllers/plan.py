from odoo import http
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.http import request
from odoo.tools import format_date

from ..logic import plan as rule
from ..models.credit_payment_plan_agreement import LONGEST_NAME
from .payment import CreditPaymentPortal
from .plan_proposal import LONGEST_REASON, CreditPlanProposalPortal

PLANS_SHOWN = 80
PART, LATE, ALL = "part", "late", "all"


class CreditPlanPortal(CreditPlanProposalPortal, CreditPaymentPortal):
    """Where a customer sees, accepts and pays a payment plan.

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
