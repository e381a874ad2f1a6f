from odoo import models


class PaymentToken(models.Model):
    """A way to pay that its owner takes away collects nothing any more."""

    _inherit = "payment.token"

    def _handle_archiving(self):
        """Override of `payment`: parts of plans are not collected from it any more."""
        res = super()._handle_archiving()
        # sudo: whoever takes away a way to pay may not read plans.
        plans_sudo = (
            self.env["credit.payment.plan"]
            .sudo()
            .search([("token_id", "in", self.ids)])
        )
        for plan_sudo in plans_sudo:
            plan_sudo._end_consent(
                self.env._(
                    "%(method)s was taken away.", method=plan_sudo.token_id.display_name
                )
            )
        return res
