from odoo import fields, models


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
