from odoo import fields, models


class AccountPaymentTerm(models.Model):
    _inherit = "account.payment.term"

    credit_passes = fields.Boolean(
        string="Orders Pass the Credit Check",
        groups="base.group_user",
        help="Orders with these terms are paid at once: they are confirmed without a"
        " check. Before delivery it is seen whether they were paid.",
    )
