from odoo import models


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    def _get_total_amounts_to_pay(self, batch_results):
        """Override of `account`: where plans run, their parts are the default.

        The full amount stays one click away. With other amounts in between it is the
        host's to say: a plan in another currency than the payment changes nothing.
        """
        amounts = super()._get_total_amounts_to_pay(batch_results)
        lines = amounts["lines"]
        asked = self.env["credit.payment.plan"]._find_asked(lines)
        if not asked or amounts["epd_applied"]:
            return amounts
        currency = self.currency_id
        if any(plan.currency_id != currency for plan in asked):
            return amounts
        less = 0.0
        for plan, each in asked.items():
            covered = lines & plan.item_ids.move_line_id
            full = sum(covered.mapped("amount_residual_currency"))
            less += max(full - each.amount, 0.0)
        if currency.compare_amounts(less, 0) <= 0:
            return amounts
        amount = currency.round(max(amounts["amount_by_default"] - less, 0.0))
        if currency.is_zero(amount):
            return amounts
        is_late = any(each.is_late for each in asked.values())
        return amounts | {
            "amount_by_default": amount,
            "amount_for_difference": amount,
            "full_amount": max(amounts["full_amount"], amounts["amount_by_default"]),
            "installment_mode": "overdue" if is_late else "next",
        }
