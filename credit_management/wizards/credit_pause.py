from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

DEFAULT_DAYS = "14"


class CreditPause(models.TransientModel):
    """Pauses customers: from a day to a day, for a reason."""

    _name = "credit.pause"
    _description = "Pause Customers"

    profile_ids = fields.Many2many(
        "credit.profile",
        string="Customers",
        required=True,
        default=lambda self: self._default_profile_ids(),
    )
    days = fields.Selection(
        [
            ("7", "One week"),
            ("14", "Two weeks"),
            ("30", "30 days"),
            ("other", "Until a day of my choice"),
        ],
        string="How Long",
        default=DEFAULT_DAYS,
        required=True,
    )
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self._default_date_from()
    )
    date_until = fields.Date(
        string="Until",
        required=True,
        compute="_compute_date_until",
        store=True,
        readonly=False,
        precompute=True,
        help="Last day on which the customers get no dunning letter.",
    )
    reason = fields.Char(required=True)

    @api.model
    def _default_profile_ids(self):
        if self.env.context.get("active_model") == "credit.profile":
            return self.env.context.get("active_ids")
        return []

    @api.model
    def _default_date_from(self):
        return self.env.company._credit_today()

    @api.depends("days", "date_from")
    def _compute_date_until(self):
        for pause in self:
            if pause.days != "other" and pause.date_from:
                pause.date_until = pause.date_from + timedelta(days=int(pause.days))

    @api.constrains("date_from", "date_until")
    def _check_dates(self):
        for pause in self:
            if pause.date_until < pause.date_from:
                raise ValidationError(self.env._("The pause ends before it begins."))

    def action_pause(self):
        """Pause the customers; each file keeps who did so, and why."""
        self.ensure_one()
        profiles = self.profile_ids
        profiles.check_access("write")
        if not profiles:
            raise UserError(self.env._("Choose at least one customer."))
        for company, paused in profiles.grouped("company_id").items():
            today = company._credit_today()
            if self.date_until < today:
                raise UserError(
                    self.env._("The last day has passed. Choose a later one.")
                )
            paused.write(
                {
                    # Empty is at once: a day of today would begin late elsewhere.
                    "pause_from": self.date_from if self.date_from > today else False,
                    "pause_until": self.date_until,
                    "pause_reason": self.reason,
                }
            )
        return {"type": "ir.actions.act_window_close"}
