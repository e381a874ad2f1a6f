from odoo import api, fields, models
from odoo.exceptions import UserError


class CreditMessageAnswer(models.TransientModel):
    """Answers a message of a customer, perhaps with words that are ready."""

    _name = "credit.message.answer"
    _description = "Answer a Customer"

    credit_message_id = fields.Many2one(
        "credit.message", required=True, readonly=True, ondelete="cascade"
    )
    author_name = fields.Char(related="credit_message_id.author_name")
    document_name = fields.Char(related="credit_message_id.document_name")
    asked = fields.Text(related="credit_message_id.text", string="They Wrote")
    canned_id = fields.Many2one(
        "mail.canned.response",
        string="Ready Answer",
        help="Words that are ready to use. Add some under Discuss > Configuration >"
        " Canned Responses.",
    )
    text = fields.Text(
        compute="_compute_text", store=True, readonly=False, string="Answer"
    )

    @api.depends("canned_id")
    def _compute_text(self):
        for wizard in self:
            wizard.text = wizard.canned_id.substitution or wizard.text

    def action_answer(self):
        """Send the answer.

        :raise UserError: nothing is said
        """
        self.ensure_one()
        message = self.credit_message_id
        message.check_access("write")
        text = (self.text or "").strip()
        if not text:
            raise UserError(self.env._("Write an answer."))
        message._answer(text)
        return {"type": "ir.actions.act_window_close"}
