from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class CreditExclude(models.TransientModel):
    """Leaves customers out of dunning, several at once, for one reason."""

    _name = "credit.exclude"
    _description = "Leave Customers Out of Dunning"

    profile_ids = fields.Many2many(
        "credit.profile",
        string="Customers",
        required=True,
        default=lambda self: self._default_profile_ids(),
    )
    reason = fields.Char(required=True)
    until = fields.Date(
        help="Last day of the exclusion; it ends by itself. Empty: until somebody"
        " ends it."
    )

    @api.model
    def _default_profile_ids(self):
        if self.env.context.get("active_model") == "credit.profile":
            return self.env.context.get("active_ids")
        return []

    @api.constrains("until", "profile_ids")
    def _check_until(self):
        for wizard in self:
            for company in wizard.profile_ids.company_id:
                if wizard.until and wizard.until < company._credit_today():
                    raise ValidationError(
                        self.env._("The last day has passed. Choose a later one.")
                    )

    def action_exclude(self):
        """Leave the customers out, and what is proposed to them now as well.

        Letters that are proposed but not approved are left out with the same reason:
        whoever excludes a customer does not expect the run under review to write.
        """
        self.ensure_one()
        profiles = self.profile_ids
        if not profiles:
            raise UserError(self.env._("Choose at least one customer."))
        profiles.check_access("write")
        self.env["credit.exclusion"].create(
            [
                {
                    "company_id": profile.company_id.id,
                    "partner_id": profile.partner_id.id,
                    "scope": "customer",
                    "reason": self.reason,
                    "until": self.until,
                }
                for profile in profiles
            ]
        )
        self.env["credit.dunning.letter"].search(
            [
                ("profile_id", "in", profiles.ids),
                ("state", "=", "proposed"),
                ("run_id.state", "=", "proposed"),
            ]
        )._skip(self.reason)
        return {"type": "ir.actions.act_window_close"}
