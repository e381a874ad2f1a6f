from odoo import fields, models


class CreditPromiseLine(models.Model):
    """An open item that a promise is about, and how much of it was promised."""

    _name = "credit.promise.line"
    _description = "Promised Item"
    _order = "promise_id, date_maturity, id"
    _rec_name = "name"

    promise_id = fields.Many2one(
        "credit.promise", required=True, ondelete="cascade", index=True, readonly=True
    )
    company_id = fields.Many2one(related="promise_id.company_id", store=True)
    partner_id = fields.Many2one(related="promise_id.partner_id", store=True)
    currency_id = fields.Many2one(related="promise_id.currency_id", store=True)
    state = fields.Selection(related="promise_id.state", store=True)
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Item",
        index="btree_not_null",
        ondelete="set null",
        readonly=True,
        help="Empty once the invoice was set back to draft: nobody owes it any more.",
    )
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        index="btree_not_null",
        ondelete="set null",
        readonly=True,
    )
    name = fields.Char(string="Number", readonly=True)
    date_maturity = fields.Date(string="Due Date", readonly=True)
    amount = fields.Monetary(string="Promised", required=True, readonly=True)
    paid_before = fields.Monetary(
        readonly=True,
        help="What was paid of the item when the promise was given.",
    )

    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "What is promised is more than nothing."
    )
    _one_open_uniq = models.UniqueIndex(
        "(move_line_id) WHERE state = 'open' AND move_line_id IS NOT NULL",
        "This item is promised already. Withdraw that promise first.",
    )

    def action_open_invoice(self):
        """Open the invoice."""
        self.ensure_one()
        self.check_access("read")
        return self.move_id._get_records_action()
