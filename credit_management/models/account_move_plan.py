from odoo import fields, models


class AccountMovePlan(models.Model):
    """What payment plans add to an invoice."""

    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    credit_plan_count = fields.Integer(
        compute="_compute_credit_plan_count",
        groups="credit_management.group_credit_user",
    )

    def _compute_credit_plan_count(self):
        counts = dict(
            self.env["credit.payment.plan.item"]._read_group(
                [("move_id", "in", self.ids)],
                ["move_id"],
                ["plan_id:count_distinct"],
            )
        )
        for move in self:
            move.credit_plan_count = counts.get(move, 0)

    # === ACTION METHODS === #

    def action_credit_plan(self):
        """Open the window to make a payment plan for this invoice."""
        self.ensure_one()
        self.check_access("read")
        self.env["credit.payment.plan"].check_access("write")
        profile = self.env["credit.profile"]._get_or_create(
            self.company_id, self.commercial_partner_id
        )
        items = self.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        return self.env["credit.payment.plan.make"]._open_for(profile, items)

    def action_view_credit_plans(self):
        """Open the payment plans that cover this invoice."""
        self.ensure_one()
        self.check_access("read")
        self.env["credit.payment.plan"].check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_payment_plan_action"
        )
        return action | {"domain": [("item_ids.move_id", "=", self.id)], "context": {}}

    # === WHAT IS ASKED FOR === #

    def _get_invoice_next_payment_values(self, custom_amount=None):
        """Override of `account`: where a plan runs, its part is asked for."""
        values = super()._get_invoice_next_payment_values(custom_amount)
        if not values or custom_amount is not None:
            return values
        items = self.line_ids.filtered(lambda line: line.display_type == "payment_term")
        asked = self.env["credit.payment.plan"]._find_asked(items)
        amount = min(sum(each.amount for each in asked.values()), self.amount_residual)
        if (
            self.currency_id.compare_amounts(amount, 0) <= 0
            or self.currency_id.compare_amounts(amount, self.amount_residual) >= 0
        ):
            return values
        is_late = any(each.is_late for each in asked.values())
        return values | {
            "installment_state": "overdue" if is_late else "next",
            "amount_due": self.amount_residual,
            "next_amount_to_pay": self.currency_id.round(amount),
            "next_payment_reference": self.name,
            "next_due_date": min(each.day for each in asked.values()),
        }
