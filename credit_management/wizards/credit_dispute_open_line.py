from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CreditDisputeOpenLine(models.TransientModel):
    """What might be disputed, and how much of it is."""

    _name = "credit.dispute.open.line"
    _description = "Amount to Dispute"

    wizard_id = fields.Many2one(
        "credit.dispute.open", required=True, ondelete="cascade"
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", required=True, readonly=True
    )
    item_id = fields.Many2one("account.move.line", string="Instalment", readonly=True)
    invoice_line_id = fields.Many2one("account.move.line", readonly=True)
    name = fields.Char(string="What", readonly=True)
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount_open = fields.Monetary(string="Amount", readonly=True)
    amount = fields.Monetary(string="Disputed")

    @api.constrains("move_id", "item_id", "invoice_line_id")
    def _check_move_id(self):
        """Take no invoice that one may not see, and no line but its own."""
        self.sudo(False).move_id.check_access("read")
        for line in self.sudo():
            if (line.item_id | line.invoice_line_id).move_id - line.move_id:
                raise ValidationError(
                    self.env._("This line is not one of the invoice.")
                )

    def _is_of_customer(self):
        """Say whether the row is what the window offers: rows come from outside."""
        self.ensure_one()
        profile = self.wizard_id.profile_id
        return (
            self.move_id.commercial_partner_id == profile.partner_id
            and self.move_id.company_id == profile.company_id
            and self.move_id.state == "posted"
            and self.move_id.is_sale_document(include_receipts=True)
            and (self.item_id | self.invoice_line_id).move_id <= self.move_id
        )
