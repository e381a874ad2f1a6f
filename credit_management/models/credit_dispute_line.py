from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class CreditDisputeLine(models.Model):
    """What of an invoice is in dispute: a line of it, an instalment, or an amount."""

    _name = "credit.dispute.line"
    _description = "Disputed Amount"
    _order = "dispute_id, id"
    _rec_name = "name"

    dispute_id = fields.Many2one(
        "credit.dispute", required=True, ondelete="cascade", index=True, readonly=True
    )
    company_id = fields.Many2one(related="dispute_id.company_id", store=True)
    partner_id = fields.Many2one(related="dispute_id.partner_id", store=True)
    currency_id = fields.Many2one(related="dispute_id.currency_id", store=True)
    company_currency_id = fields.Many2one(related="dispute_id.company_currency_id")
    reason_id = fields.Many2one(related="dispute_id.reason_id", store=True)
    cause_id = fields.Many2one(related="dispute_id.cause_id", store=True)
    state = fields.Selection(related="dispute_id.state", store=True)
    opened_date = fields.Date(related="dispute_id.opened_date", store=True)

    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        required=True,
        index=True,
        ondelete="restrict",
        readonly=True,
    )
    item_id = fields.Many2one(
        "account.move.line",
        string="Instalment",
        index="btree_not_null",
        ondelete="set null",
        readonly=True,
        help="Empty: the amount is spread over what is open, the oldest first.",
    )
    invoice_line_id = fields.Many2one(
        "account.move.line",
        index="btree_not_null",
        ondelete="set null",
        readonly=True,
    )
    name = fields.Char(string="What", readonly=True)
    product_id = fields.Many2one("product.product", readonly=True, ondelete="set null")
    seller_id = fields.Many2one("res.users", string="Salesperson", readonly=True)

    amount = fields.Monetary(string="Disputed", required=True, readonly=True)
    amount_accepted = fields.Monetary(
        string="Accepted",
        help="What we accept of it. A credit note is made for exactly this.",
    )
    amount_credited = fields.Monetary(string="Credited", readonly=True)
    amount_company = fields.Monetary(
        string="Disputed, Company Currency",
        currency_field="company_currency_id",
        readonly=True,
    )
    amount_credited_company = fields.Monetary(
        string="Cost",
        currency_field="company_currency_id",
        readonly=True,
        help="What was credited, in the company's currency.",
    )

    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "What is disputed is more than nothing."
    )

    @api.constrains("amount_accepted")
    def _check_amount_accepted(self):
        for line in self:
            compare = line.currency_id.compare_amounts
            if (
                compare(line.amount_accepted, 0) < 0
                or compare(line.amount_accepted, line.amount) > 0
            ):
                raise ValidationError(
                    self.env._(
                        "Of “%(name)s”, accept between nothing and the disputed"
                        " amount.",
                        name=line.name or line.move_id.name,
                    )
                )

    def write(self, vals):
        """Let people say what they accept, until the case is settled."""
        if not self.env.su:
            if set(vals) - {"amount_accepted"}:
                raise UserError(
                    self.env._(
                        "What the customer disputes cannot be changed. Say what you"
                        " accept of it."
                    )
                )
            self.dispute_id._check_is_open()
            if any(dispute.approval == "asked" for dispute in self.dispute_id):
                raise UserError(
                    self.env._(
                        "A manager is asked to approve these amounts. Take the request"
                        " back first."
                    )
                )
        return super().write(vals)

    def action_open_invoice(self):
        """Open the invoice."""
        self.ensure_one()
        self.check_access("read")
        return self.move_id._get_records_action()
