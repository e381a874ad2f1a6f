from odoo import api, fields, models
from odoo.exceptions import ValidationError


class CreditDisputeCause(models.Model):
    """What we found was wrong: the root cause, for the reports."""

    _name = "credit.dispute.cause"
    _description = "Dispute Cause"
    _order = "sequence, id"
    _check_company_domain = models.check_company_domain_parent_of

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one("res.company", help="Empty: for all companies.")

    @api.constrains("company_id")
    def _check_company_id(self):
        for record in self:
            allowed = self.env.user._get_company_ids()
            if record.company_id.id not in (False, *allowed):
                raise ValidationError(
                    self.env._("Choose one of your own companies, or none for all.")
                )
