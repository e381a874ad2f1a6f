from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import format_date

from .credit_score import CLASSES, TOLD_TO


class CreditScoreReview(models.Model):
    """A person looked at a score and decided on the class, for a time.

    Whoever is rated by a program may ask for it. The class of the latest review holds
    until its last day, whatever is computed; nobody changes it later.
    """

    _name = "credit.score.review"
    _description = "Review of a Score by a Person"
    _order = "date desc, id desc"
    _rec_name = "profile_id"

    profile_id = fields.Many2one(
        "credit.profile",
        string="Customer",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="profile_id.company_id", store=True, index=True
    )
    date = fields.Date(
        string="Reviewed On",
        required=True,
        default=fields.Date.context_today,
        readonly=True,
    )
    user_id = fields.Many2one(
        "res.users",
        string="Reviewed By",
        default=lambda self: self._default_user_id(),
        readonly=True,
        required=True,
    )
    risk_class = fields.Selection(
        CLASSES, string="Class", required=True, groups=TOLD_TO
    )
    reason = fields.Text(required=True, groups=TOLD_TO)
    until = fields.Date(
        required=True, help="Last day on which this class holds.", groups=TOLD_TO
    )

    @api.model
    def _default_user_id(self):
        return self.env.user

    @api.constrains("until", "date")
    def _check_until(self):
        for review in self:
            if review.until < review.date:
                raise ValidationError(
                    self.env._("The review ends before it begins. Choose a later day.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        """Note who decided, on the file: that is never chosen.

        :raise AccessError: of who does not manage credit
        """
        self._check_manager()
        for vals in vals_list:
            vals["user_id"] = self.env.uid
            vals["date"] = fields.Date.context_today(self)
        reviews = super().create(vals_list)
        for review in reviews:
            review.profile_id.check_access("write")
            review.profile_id._message_log(
                body=self.env._(
                    "Class %(class)s until %(day)s, decided by a person: %(reason)s",
                    **{
                        "class": review.risk_class,
                        "day": format_date(self.env, review.until),
                        "reason": review.reason,
                    },
                )
            )
        reviews.profile_id.invalidate_recordset(["risk_class_used", "review_id"])
        return reviews

    def _check_manager(self):
        if not self.env.su and not self.env.user.has_group(
            "credit_management.group_credit_manager"
        ):
            raise AccessError(
                self.env._("Only credit managers decide on a class. Ask one of them.")
            )
