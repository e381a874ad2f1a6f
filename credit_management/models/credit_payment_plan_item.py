from odoo import fields, models


class CreditPaymentPlanItem(models.Model):
    """An open item that a plan covers, and what was open of it: evidence."""

    _name = "credit.payment.plan.item"
    _description = "Item of a Payment Plan"
    _order = "plan_id, date_maturity, id"
    _rec_name = "name"

    plan_id = fields.Many2one(
        "credit.payment.plan",
        required=True,
        ondelete="cascade",
        index=True,
        readonly=True,
    )
    company_id = fields.Many2one(related="plan_id.company_id", store=True)
    currency_id = fields.Many2one(related="plan_id.currency_id", store=True)
    state = fields.Selection(related="plan_id.state", store=True)
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
    amount = fields.Monetary(
        string="Open at the Start",
        required=True,
        readonly=True,
        help="What was open when the plan was made. What is more than it, since a"
        " payment from before was taken back, is no part of the plan.",
    )
    credited_before = fields.Monetary(
        readonly=True, help="What credit notes had taken off when the plan was made."
    )

    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "What a plan covers is more than nothing."
    )
    _one_plan_uniq = models.UniqueIndex(
        "(move_line_id) WHERE state IN ('proposed', 'active')"
        " AND move_line_id IS NOT NULL",
        "Another payment plan covers this item already. End that one first.",
    )

    def action_open_invoice(self):
        """Open the invoice."""
        self.ensure_one()
        self.check_access("read")
        return self.move_id._get_records_action()
