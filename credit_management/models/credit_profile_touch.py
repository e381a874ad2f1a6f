from odoo import fields, models


class CreditProfileTouch(models.Model):
    """A mark that a customer's figures are to be refreshed; appended, then eaten."""

    _name = "credit.profile.touch"
    _description = "Credit File to Refresh"
    _log_access = False

    company_id = fields.Many2one("res.company", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", required=True, ondelete="cascade")
