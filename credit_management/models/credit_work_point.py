from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..logic import work
from .credit_profile_points import WEIGHT_LABELS
from .credit_profile_work import WORK_LABELS


class CreditWorkPoint(models.Model):
    """What a reason on the work list, or what adds to it, is worth at a company.

    Its talk keeps who changed the points when. A company without rows ranks by the
    points of the rule.
    """

    _name = "credit.work.point"
    _description = "Points of the Work List"
    _inherit = ["mail.thread"]
    _order = "company_id, points desc, id"
    _rec_name = "code"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    code = fields.Selection(
        WORK_LABELS + WEIGHT_LABELS, string="For", required=True, readonly=True
    )
    points = fields.Integer(
        required=True,
        tracking=True,
        help="The more points, the higher a customer stands on the work list.",
    )
    default_points = fields.Integer(
        string="As Delivered", compute="_compute_default_points"
    )

    _code_uniq = models.Constraint(
        "UNIQUE (company_id, code)", "Each reason has its points once."
    )

    @api.depends("code")
    def _compute_default_points(self):
        for row in self:
            row.default_points = work.WORTH.get(row.code, 0)

    @api.constrains("company_id")
    def _check_company_id(self):
        allowed = self.env.user._get_company_ids()
        for row in self:
            if row.company_id.id not in allowed:
                raise ValidationError(self.env._("Choose one of your own companies."))

    @api.constrains("points", "code")
    def _check_points(self):
        for row in self:
            if not work.may_be_worth(row.code, row.points):
                raise ValidationError(
                    self.env._(
                        "Give between 1 and %(most)s points; 0 is only for what adds to"
                        " a customer who is on the list already.",
                        most=work.MOST_POINTS,
                    )
                )

    @api.model
    def _open(self):
        """Return the list of the company one works in, with all that has points."""
        company = self.env.company
        known = self.search([("company_id", "=", company.id)]).mapped("code")
        self.create(
            [
                {"company_id": company.id, "code": code, "points": points}
                for code, points in work.WORTH.items()
                if code not in known
            ]
        )
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_work_point_action"
        )
        return action | {"domain": [("company_id", "=", company.id)]}
