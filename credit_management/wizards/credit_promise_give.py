from odoo import api, fields, models
from odoo.exceptions import UserError


class CreditPromiseGive(models.TransientModel):
    """Notes what a customer promised to pay, and by when."""

    _name = "credit.promise.give"
    _description = "Note a Promise"
    _inherit = ["credit.promise.mixin"]

    profile_id = fields.Many2one(
        "credit.profile", string="Credit File", required=True, readonly=True
    )
    company_id = fields.Many2one(related="profile_id.company_id")
    partner_id = fields.Many2one(related="profile_id.partner_id", string="Customer")
    given_by = fields.Many2one(
        "res.partner",
        domain="[('commercial_partner_id', '=', partner_id)]",
        help="Who gave the promise, at the customer's.",
    )
    note = fields.Text()

    @api.constrains("profile_id", "given_by")
    def _check_profile_id(self):
        """Take no customer and no contact that one may not see."""
        self.sudo(False).profile_id.check_access("read")
        self.sudo(False).given_by.check_access("read")

    @api.model
    def _open_for(self, profile, items=None):
        """Return the window, with what is probably meant filled in.

        :param items: items that are looked at; the overdue ones when left out
        :raise UserError: nothing is open that could be promised
        """
        profile.check_access("write")
        # Open items are read by SQL: what was just posted or paid counts.
        self.env.flush_all()
        chosen = self._suggest_items(profile, items)
        if not chosen:
            raise UserError(
                self.env._(
                    "Nothing is open that is not promised already. Withdraw the promise"
                    " to note another one."
                )
            )
        wizard = self.create(
            {"profile_id": profile.id, "item_ids": [fields.Command.set(chosen.ids)]}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Promise to Pay"),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_give(self):
        """Note the promise and show it."""
        self.ensure_one()
        self.check_access("write")
        if self.given_by.commercial_partner_id not in (
            self.partner_id,
            self.env["res.partner"],
        ):
            raise UserError(
                self.env._(
                    "Choose a contact of the customer, %(customer)s.",
                    customer=self.partner_id.display_name,
                )
            )
        promise = self._give_promise(given_by=self.given_by.id, note=self.note)
        return promise._get_records_action()
