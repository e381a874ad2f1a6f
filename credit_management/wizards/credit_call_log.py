from odoo import api, fields, models


class CreditCallLog(models.TransientModel):
    """The window of a call: the facts, what to say, and what came of it.

    A window of its own, and not a new call: the host saves a new record when the
    browser is closed, and nobody has called then.
    """

    _name = "credit.call.log"
    _description = "Log a Call"
    _inherit = ["credit.call.mixin"]

    profile_id = fields.Many2one(ondelete="cascade")
    facts = fields.Html(compute="_compute_facts", sanitize=False)
    script = fields.Text(compute="_compute_facts", string="What to Say")

    @api.depends("profile_id")
    def _compute_facts(self):
        for window in self:
            profile = window.profile_id
            window.facts = profile and profile._render_call_facts()
            window.script = profile._get_call_script()

    @api.constrains("profile_id")
    def _check_profile_access(self):
        """Show nobody the facts of a file that they may not read."""
        self.sudo(False).profile_id.check_access("read")

    def action_log(self):
        """Log the call, with what follows from it."""
        self.ensure_one()
        self.check_access("write")
        self.env["credit.call"].create(self._prepare_call_values())
        return {"type": "ir.actions.act_window_close"}

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
