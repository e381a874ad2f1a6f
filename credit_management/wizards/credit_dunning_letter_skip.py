from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError


class CreditDunningLetterSkip(models.TransientModel):
    """Leaves letters out of a run, and their customers or invoices for longer."""

    _name = "credit.dunning.letter.skip"
    _description = "Leave Out of Dunning"

    letter_ids = fields.Many2many("credit.dunning.letter", required=True)
    reason = fields.Char(required=True)
    scope = fields.Selection(
        [
            ("letter", "This run only"),
            ("invoice", "The invoices of the letter"),
            ("customer", "The whole customer"),
        ],
        default="letter",
        required=True,
    )
    until = fields.Date(
        help="Last day of the exclusion. Empty: until somebody ends it."
    )

    @api.constrains("until")
    def _check_until(self):
        for wizard in self:
            today = fields.Date.context_today(self)
            if wizard.until and wizard.until < today:
                raise ValidationError(
                    self.env._("The last day has passed. Choose a later one.")
                )

    def action_skip(self):
        """Leave the letters out, with the reason and for as long as chosen."""
        self.ensure_one()
        self.letter_ids.check_access("write")
        # What was left out before, and is selected along, stays with its reason.
        letters = self.letter_ids.filtered(lambda letter: letter.state != "skipped")
        if not letters or any(letter.state != "proposed" for letter in letters):
            raise UserError(self.env._("Only proposed letters can be left out."))
        self.env["credit.exclusion"].create(self._prepare_exclusion_values(letters))
        letters._skip(self.reason)
        return {"type": "ir.actions.act_window_close"}

    def _prepare_exclusion_values(self, letters):
        """Return the values of the exclusions that outlast this run: one each.

        A customer may have several letters of a run, to contacts or in currencies.
        """
        vals_list = []
        customers = set()
        for letter in letters:
            vals = {
                "company_id": letter.company_id.id,
                "partner_id": letter.commercial_partner_id.id,
                "scope": self.scope,
                "reason": self.reason,
                "until": self.until,
            }
            if self.scope == "customer":
                customer = (vals["company_id"], vals["partner_id"])
                if customer not in customers:
                    vals_list.append(vals)
                customers.add(customer)
            elif self.scope == "invoice":
                vals_list += [
                    vals | {"move_id": move.id}
                    for move in letter._get_chased_lines().move_id
                ]
        return vals_list
