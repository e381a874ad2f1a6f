from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class CreditDisputeOpen(models.TransientModel):
    """Opens a dispute for a customer: what of which invoice, and why."""

    _name = "credit.dispute.open"
    _description = "Open a Dispute"

    profile_id = fields.Many2one("credit.profile", required=True, readonly=True)
    company_id = fields.Many2one(related="profile_id.company_id")
    partner_id = fields.Many2one(related="profile_id.partner_id", string="Customer")
    reason_id = fields.Many2one("credit.dispute.reason", required=True)
    description = fields.Text(string="What Is Wrong")
    line_ids = fields.One2many("credit.dispute.open.line", "wizard_id", string="Lines")
    credit_message_id = fields.Many2one(
        "credit.message", readonly=True, ondelete="cascade"
    )
    tell_customer = fields.Boolean(
        default=True, help="The customer hears that we look into it, and until when."
    )

    @api.constrains("profile_id")
    def _check_profile_id(self):
        """Take no customer that one may not see: the browser names it."""
        self.sudo(False).profile_id.check_access("read")

    @api.model
    def _open_for(
        self, profile, items, reason=None, amount=None, message=None, description=None
    ):
        """Return the window, with what may be disputed filled in.

        :param items: open items; an invoice among them is offered line by line
        :param amount: of the first of them, where it is known what is missing
        :param message: that of the customer which it comes from
        :raise UserError: nothing is open
        """
        profile.check_access("write")
        items = items.filtered(lambda item: item.amount_residual_currency > 0)
        if not items:
            raise UserError(
                self.env._(
                    "Nothing is open that could be disputed. Open a credit note."
                )
            )
        reason = reason or self.env["credit.dispute.reason"].search(
            [("company_id", "in", [False, profile.company_id.id])], limit=1
        )
        wizard = self.create(
            {
                "profile_id": profile.id,
                "reason_id": reason.id,
                "description": description,
                "credit_message_id": message and message.id,
                "line_ids": self._prepare_lines(items, amount),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Open a Dispute"),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    @api.model
    def _prepare_lines(self, items, amount=None):
        """Return a row for each line of an only invoice, else one for each item."""
        moves = items.move_id
        products = moves.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and line.price_total > 0
        )
        if amount is None and len(moves) == 1 and len(products) > 1:
            return [
                Command.create(
                    {
                        "move_id": moves.id,
                        "invoice_line_id": product.id,
                        "name": product.name,
                        "amount_open": product.price_total,
                    }
                )
                for product in products
            ]
        by_move = items.grouped("move_id")
        return [
            Command.create(
                {
                    "move_id": item.move_id.id,
                    # An invoice of one instalment is disputed as a whole.
                    "item_id": item.id if len(by_move[item.move_id]) > 1 else False,
                    "name": products.name if len(products) == 1 else item.name,
                    "amount_open": item.amount_residual_currency,
                    "amount": amount or 0,
                }
            )
            for item in items
        ]

    def action_open(self):
        """Open the dispute and show it.

        :raise UserError: nothing is disputed
        """
        self.ensure_one()
        self.profile_id.check_access("write")
        self.line_ids.move_id.check_access("read")
        lines = [
            {
                "move": line.move_id,
                "item": line.item_id,
                "invoice_line": line.invoice_line_id,
                "amount": line.amount,
            }
            for line in self.line_ids
            if line.amount > 0 and line._is_of_customer()
        ]
        dispute_sudo = self.env["credit.dispute"]._open(
            self.profile_id, self.reason_id, lines, self.description
        )
        dispute = dispute_sudo.with_env(self.env)
        message = self.credit_message_id
        if message and message.profile_id == self.profile_id:
            message.check_access("write")
            # sudo: the program notes what became of a message.
            message.sudo().dispute_id = dispute
        if self.tell_customer:
            dispute._tell_opened()
        return dispute._get_records_action()
