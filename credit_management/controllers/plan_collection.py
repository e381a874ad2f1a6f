from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from ..logic import collection
from ..logic import plan as rule
from .plan import CreditPlanPortal


class CreditPlanCollectionPortal(CreditPlanPortal):
    """Where a customer agrees that parts of a plan are collected, and takes it back.

    With a login only: what somebody has stored to pay with is nothing for whoever has
    a link. Only what is stored for the visitor is offered and taken.
    """

    @http.route(
        "/my/payment-plans/<int:plan_id>/collect",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_plan_collect(self, plan_id, token_id=None, agree=None, **kwargs):
        """Agree that the parts are collected from a stored way to pay."""
        plan_sudo = self._get_own_plan(plan_id)
        if not plan_sudo:
            return self._make_credit_private(request.redirect("/my"))
        partner = request.env.user.partner_id
        token_sudo = self._find_plan_tokens(plan_sudo).filtered(
            lambda token: str(token.id) == token_id
        )
        if not token_sudo:
            error = request.env._("Choose a way to pay that you have stored.")
            return self._render_plan(plan_sudo, error, 400)
        if not agree:
            error = request.env._("Please tick that you agree.")
            return self._render_plan(plan_sudo, error, 400)
        if not plan_sudo.profile_id._use_portal_quota():
            error = request.env["credit.profile"]._explain_portal_quota()
            return self._render_plan(plan_sudo, error, 429)
        try:
            with self._all_or_nothing():
                plan_sudo._consent(token_sudo, partner)
        except UserError as error:
            return self._render_plan(plan_sudo, str(error), 400)
        return self._go_to_plan(plan_sudo)

    @http.route(
        "/my/payment-plans/<int:plan_id>/collect/stop",
        type="http",
        auth="user",
        methods=["POST"],
        website=True,
        sitemap=False,
    )
    def portal_credit_plan_collect_stop(self, plan_id, **kwargs):
        """Take back that the parts are collected."""
        plan_sudo = self._get_own_plan(plan_id)
        if not plan_sudo:
            return self._make_credit_private(request.redirect("/my"))
        if plan_sudo.token_id:
            name = request.env.user.name
            plan_sudo._end_consent(request.env._("%(name)s took it back.", name=name))
        return self._go_to_plan(plan_sudo)

    def _get_own_plan(self, plan_id):
        """Return the plan, with sudo, of the customer whose login this is, or none."""
        plan_sudo = self._get_credit_plan(plan_id, None)
        return plan_sudo if self._get_credit_partner() else plan_sudo.browse()

    def _go_to_plan(self, plan_sudo):
        path = self._get_credit_address(plan_sudo.access_url)
        return self._make_credit_private(request.redirect(path, local=True))

    def _find_plan_tokens(self, plan_sudo):
        return plan_sudo._find_tokens(request.env.user.partner_id)

    def _find_plan_payable(self, plan_sudo):
        """Override: nothing while a part is being charged."""
        if collection.SENDING in plan_sudo.charge_ids.mapped("state"):
            return {}
        return super()._find_plan_payable(plan_sudo)

    def _render_plan(self, plan_sudo, error=None, status=200):
        """Override: with what is collected, or could be."""
        response = super()._render_plan(plan_sudo, error, status)
        response.qcontext["collection"] = (
            self._prepare_collection(plan_sudo)
            if plan_sudo.state == rule.ACTIVE and self._get_credit_partner()
            else None
        )
        return response

    def _prepare_collection(self, plan_sudo):
        """Return what the page shows of collecting: plain values."""
        if plan_sudo.token_id:
            return {"method": plan_sudo.token_id.display_name, "choices": []}
        tokens_sudo = self._find_plan_tokens(plan_sudo)
        spoken_sudo = plan_sudo.with_env(request.env).sudo()
        providers_sudo = self._get_credit_providers(
            plan_sudo.profile_id, 0.0, force_tokenization=True
        )
        if not tokens_sudo and not providers_sudo:
            return None  # nothing can be stored here
        return {
            "method": None,
            "choices": [
                {
                    "id": token_sudo.id,
                    "name": token_sudo.display_name,
                    "words": spoken_sudo._get_consent_words(token_sudo),
                }
                for token_sudo in tokens_sudo
            ],
        }
