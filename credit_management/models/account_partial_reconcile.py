from odoo import models


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    def unlink(self):
        """Override of `account`: a payment that is taken back reopens what it kept."""
        items = self.debit_move_id
        res = super().unlink()
        self.env["credit.promise"]._notice_matched(items)
        self.env["credit.payment.plan"]._notice_matched(items)
        return res
