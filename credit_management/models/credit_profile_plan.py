from odoo import fields, models

from ..logic import plan as rule


class CreditProfilePlan(models.Model):
    """What a customer pays in parts, and how such plans were kept."""

    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    plan_ids = fields.One2many(
        "credit.payment.plan", "profile_id", string="Payment Plans", readonly=True
    )
    planned_amount = fields.Monetary(
        string="In Payment Plans",
        readonly=True,
        help="Of the open items, what the customer pays in parts by a running plan.",
    )
    plan_count = fields.Integer(compute="_compute_plans")
    broken_plan_count = fields.Integer(
        string="Broken Plans",
        compute="_compute_plans",
        help="So many payment plans of this customer were broken.",
    )

    # === COMPUTE METHODS === #

    def _compute_plans(self):
        """Count the plans, by one query."""
        groups = self.env["credit.payment.plan"]._read_group(
            [("profile_id", "in", self.ids), ("state", "!=", rule.CANCELLED)],
            ["profile_id", "state"],
            ["__count"],
        )
        counts = {}
        for profile, state, count in groups:
            counts.setdefault(profile, {})[state] = count
        for profile in self:
            found = counts.get(profile, {})
            profile.plan_count = sum(found.values())
            profile.broken_plan_count = found.get(rule.BROKEN, 0)

    # === ACTION METHODS === #

    def action_payment_plan(self):
        """Open the window to make a payment plan for this customer."""
        self.ensure_one()
        self.check_access("write")
        return self.env["credit.payment.plan.make"]._open_for(self)

    def action_view_plans(self):
        """Open the payment plans of this customer."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_payment_plan_action"
        )
        return action | {"domain": [("profile_id", "=", self.id)], "context": {}}

    # === BUSINESS METHODS === #

    def _find_plannable(self, besides=None):
        """Return the open items of the customer that no plan covers yet.

        :param besides: a proposal that is to be answered by another one
        """
        self.ensure_one()
        items = self.open_item_ids.filtered(
            lambda item: item.amount_residual_currency > 0
        )
        standing = self.env["credit.payment.plan"]._find_holding(items)
        if besides:
            standing -= besides.sudo()
        return items - standing.item_ids.move_line_id
