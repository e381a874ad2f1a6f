from odoo import api, fields, models
from odoo.exceptions import UserError


class CreditCallLog(models.TransientModel):
    """The window of a call: the facts, what to say, and what came of it.

    A window of its own, and not a new call: the host saves a new record when the
    browser is closed, and nobody has called then.
    """

    _name = "credit.call.log"
    _description = "Log a Call"
    _inherit = ["credit.call.mixin", "credit.promise.mixin"]

    profile_id = fields.Many2one(ondelete="cascade")
    # What was promised or disputed: one screen for all that may come of a call.
    item_ids = fields.Many2many(compute="_compute_item_ids", store=True, readonly=False)
    company_id = fields.Many2one(related="profile_id.company_id")
    partner_id = fields.Many2one(related="profile_id.partner_id", string="Customer")
    dispute_reason_id = fields.Many2one(
        "credit.dispute.reason", string="What Is Wrong", check_company=True
    )
    dispute_amount = fields.Monetary(
        string="Disputed",
        compute="_compute_dispute_amount",
        store=True,
        readonly=False,
        help="What of the items is in question; the oldest first.",
    )
    facts = fields.Html(compute="_compute_facts", sanitize=False)
    script = fields.Text(compute="_compute_facts", string="What to Say")

    @api.depends("profile_id")
    def _compute_facts(self):
        for window in self:
            profile = window.profile_id
            window.facts = profile and profile._render_call_facts()
            window.script = profile._get_call_script()

    @api.depends("profile_id", "result")
    def _compute_item_ids(self):
        """Suggest what is overdue once it is known that it was spoken about."""
        for window in self:
            if window.result not in ("promised", "disputed"):
                window.item_ids = False
            elif not window.item_ids and window.profile_id:
                window.item_ids = self._suggest_items(window.profile_id)

    @api.depends("item_ids")
    def _compute_dispute_amount(self):
        for window in self:
            window.dispute_amount = window.open_amount

    @api.constrains("profile_id")
    def _check_profile_access(self):
        """Show nobody the facts of a file that they may not read."""
        self.sudo(False).profile_id.check_access("read")

    def action_log(self):
        """Log the call, with what follows from it."""
        self.ensure_one()
        self.check_access("write")
        call = self.env["credit.call"].create(self._prepare_call_values())
        if self.result == "promised":
            self._give_promise(call_id=call.id, note=self.note)
        elif self.result == "disputed":
            self._open_dispute()
        elif self.result == "planned":
            return self.profile_id.action_payment_plan()
        return {"type": "ir.actions.act_window_close"}

    def _open_dispute(self):
        """Open the dispute that the customer told of.

        :raise UserError: says what is missing
        """
        self._check_is_of_customer()
        if not self.dispute_reason_id:
            raise UserError(self.env._("Choose what is wrong."))
        left, lines = self.dispute_amount, []
        for item in self.item_ids.sorted(lambda item: (item.date_maturity, item.id)):
            part = min(left, item.amount_residual_currency)
            if self.currency_id.compare_amounts(part, 0) > 0:
                lines.append({"move": item.move_id, "item": item, "amount": part})
                left -= part
        dispute_sudo = self.env["credit.dispute"]._open(
            self.profile_id, self.dispute_reason_id, lines, self.note
        )
        dispute_sudo.with_env(self.env)._tell_opened()

    def _prepare_call_values(self):
        """Return the values of the call; extend to note more of it."""
        return {
            "profile_id": self.profile_id.id,
            "result": self.result,
            "note": self.note,
            "next_step": self.next_step,
            "next_date": self.next_date,
            "pause_until": self.next_step == "pause" and self.pause_until,
        }
