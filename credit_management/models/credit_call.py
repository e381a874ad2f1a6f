from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

CALL_TYPE = "credit_management.mail_activity_type_call"
# What is written down of a call; nobody changes it later.
WRITABLE = {
    "profile_id",
    "result",
    "note",
    "next_step",
    "next_date",
    "pause_until",
}


class CreditCall(models.Model):
    """A call with a customer: who called, what came of it, and what comes next.

    Made in a window that shows the facts and what to say. Logging it does what follows:
    the due call is done, the next one is planned or the customer paused, and the file
    keeps a note.
    """

    _name = "credit.call"
    _description = "Call"
    _inherit = ["credit.call.mixin"]
    _order = "date desc, id desc"
    _rec_name = "date"

    profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        required=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(related="profile_id.company_id", store=True)
    partner_id = fields.Many2one(
        related="profile_id.partner_id", store=True, string="Customer"
    )
    date = fields.Datetime(
        string="When",
        required=True,
        readonly=True,
        default=fields.Datetime.now,
    )
    user_id = fields.Many2one(
        "res.users",
        string="Called By",
        required=True,
        readonly=True,
        default=lambda self: self._default_user_id(),
    )

    @api.model
    def _default_user_id(self):
        return self.env.user

    # === CONSTRAINT METHODS === #

    @api.constrains("next_step", "next_date", "pause_until")
    def _check_next_step(self):
        for call in self:
            today = call.company_id._credit_today()
            if call.next_step == "again" and (
                not call.next_date or call.next_date < today
            ):
                raise ValidationError(
                    self.env._("Choose the day of the next call: today or later.")
                )
            if call.next_step == "pause" and (
                not call.pause_until or call.pause_until < today
            ):
                raise ValidationError(
                    self.env._("Choose the last day of the pause: today or later.")
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Log calls, with what follows from each."""
        for vals in vals_list:
            closed = set(vals) - WRITABLE
            if closed and not self.env.su:
                raise UserError(
                    self.env._(
                        "This part of a call cannot be written by hand: %(fields)s",
                        fields=", ".join(sorted(closed)),
                    )
                )
        calls = super().create(vals_list)
        calls.profile_id.check_access("write")
        for call in calls:
            call._apply()
        return calls

    # === BUSINESS METHODS === #

    def _apply(self):
        """Do what follows from the call."""
        self.ensure_one()
        profile = self.profile_id
        label = dict(self._fields["result"]._description_selection(self.env))
        profile._find_due_activities(only_calls=True).action_feedback(
            feedback=label[self.result]
        )
        profile._set_work_done()
        if self.next_step == "again":
            self._plan_next_call()
        elif self.next_step == "pause":
            profile.write(
                {
                    "pause_from": False,
                    "pause_until": self.pause_until,
                    "pause_reason": (self.note or "").split("\n")[0]
                    or self.env._("Agreed in a call"),
                }
            )
        profile._message_log(body=self._prepare_trace())

    def _plan_next_call(self):
        profile = self.profile_id
        user = profile._get_informed_user(self.user_id)
        in_own_words = profile.with_context(lang=user.lang or self.env.lang)
        in_own_words.activity_schedule(
            CALL_TYPE,
            date_deadline=self.next_date,
            summary=in_own_words.env._("Call again"),
            note=in_own_words._render_call_facts(in_own_words._get_call_script()),
            user_id=user.id,
        )

    def _prepare_trace(self):
        """Return the note for the file: result, words, what comes next."""
        label = dict(self._fields["result"]._description_selection(self.env))
        body = Markup("<p>%s</p>") % self.env._(
            "Call: %(result)s", result=label[self.result]
        )
        for line in (self.note or "").splitlines():
            body += Markup("<p>%s</p>") % line
        next_step = self._describe_next_step()
        return body + Markup("<p>%s</p>") % next_step if next_step else body

    def _describe_next_step(self):
        self.ensure_one()
        if self.next_step == "again":
            return self.env._(
                "Call again on %(day)s", day=format_date(self.env, self.next_date)
            )
        if self.next_step == "pause":
            return self.env._(
                "Paused until %(day)s", day=format_date(self.env, self.pause_until)
            )
        return ""
