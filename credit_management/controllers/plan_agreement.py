from odoo import http
from odoo.http import request

from .plan import CreditPlanPortal


class CreditPlanAgreementPortal(CreditPlanPortal):
    """The agreement of a payment plan as a file, for whoever may see the plan."""

    @http.route(
        "/my/payment-plans/<int:plan_id>/agreement.pdf",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_plan_agreement(self, plan_id, access_token=None, **kwargs):
        """Hand out what was agreed; nothing is written by it."""
        plan_sudo = self._get_credit_plan(plan_id, access_token)
        if not plan_sudo or not plan_sudo.accepted_text:
            # The same answer whether the plan exists or not.
            return self._make_credit_private(request.redirect("/my"))
        return self._make_credit_file(
            plan_sudo._render_agreement(), plan_sudo._get_agreement_filename()
        )

    def _render_plan(self, plan_sudo, error=None, status=200):
        """Override: offer the agreement, and say what paying in parts costs."""
        response = super()._render_plan(plan_sudo, error, status)
        path = f"{plan_sudo.access_url}/agreement.pdf"
        response.qcontext |= {
            "cost": plan_sudo.cost,
            "agreement_url": bool(plan_sudo.accepted_text)
            and self._get_credit_address(path),
        }
        return response
