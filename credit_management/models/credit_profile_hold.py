from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError


class CreditProfileHold(models.Model):
    """Orders of a customer that a person holds, and those that the rules hold."""

    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    manual_hold = fields.Boolean(
        string="Hold All Orders",
        tracking=True,
        help="No order goes on until a credit manager releases it. It never ends by"
        " itself.",
    )
    hold_reason = fields.Char(string="Why Held", tracking=True)
    hold_ids = fields.One2many("credit.hold", "profile_id", string="Holds")
    held_count = fields.Integer(compute="_compute_held_count", string="Orders on Hold")
    hold_count = fields.Integer(compute="_compute_held_count", string="Holds So Far")

    def _compute_held_count(self):
        counts = {}
        for profile, state, count in self.env["credit.hold"]._read_group(
            [("profile_id", "in", self.ids)], ["profile_id", "state"], ["__count"]
        ):
            counts[profile, state] = count
        for profile in self:
            profile.held_count = counts.get((profile, "held"), 0)
            profile.hold_count = sum(
                count for (one, _state), count in counts.items() if one == profile
            )

    @api.constrains("manual_hold", "hold_reason")
    def _check_hold_reason(self):
        for profile in self:
            if profile.manual_hold and not (profile.hold_reason or "").strip():
                raise ValidationError(
                    self.env._(
                        "Say why all orders of %(customer)s are held.",
                        customer=profile.partner_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        """Override: see ``write``."""
        for vals in vals_list:
            if vals.get("manual_hold"):
                self._check_holds_by_hand()
        return super().create(vals_list)

    def write(self, vals):
        """Override: only a credit manager holds all orders, or lets them go again."""
        self.check_access("write")
        if {"manual_hold", "hold_reason"} & set(vals):
            self._check_holds_by_hand()
        res = super().write(vals)
        if "manual_hold" in vals:
            for company, profiles in self.grouped("company_id").items():
                self._touch(company, profiles.partner_id)
        return res

    @api.model
    def _check_holds_by_hand(self):
        """Refuse whoever does not manage credit.

        :raise AccessError: says who may
        """
        if not self.env.su and not self.env.user.has_group(
            "credit_management.group_credit_manager"
        ):
            raise AccessError(
                self.env._(
                    "Only credit managers hold all orders of a customer. Ask one of"
                    " them."
                )
            )

    def action_view_holds(self):
        """Open the holds of this customer."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_hold_action"
        )
        return action | {"domain": [("profile_id", "=", self.id)], "context": {}}
