from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..logic import keywords

MEASURED_DAYS = 365
OWNERS = "credit_management.group_credit_case"


class CreditDisputeReason(models.Model):
    """What customers say is wrong: who looks into it, and how soon they hear."""

    _name = "credit.dispute.reason"
    _description = "Dispute Reason"
    _order = "sequence, id"
    _check_company_domain = models.check_company_domain_parent_of

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one("res.company", help="Empty: for all companies.")
    is_for_customers = fields.Boolean(
        string="Shown to Customers",
        default=True,
        help="Customers may choose this reason on their page.",
    )
    user_ids = fields.Many2many(
        "res.users",
        string="Owners",
        domain="[('share', '=', False)]",
        help="Who looks into it: collectors, or people of sales, logistics and the like"
        " who have the right “Own Disputes”. Of several, the one with the fewest open"
        " disputes gets the next one. Empty: the collector of the customer.",
    )
    deadline_days = fields.Integer(
        string="Answer Within",
        default=5,
        help="Working days until the customer has our answer. Days on which we wait for"
        " the customer do not count.",
    )
    wait_days = fields.Integer(
        string="Wait for the Customer",
        default=14,
        help="Days for which a question to the customer keeps reminders back. Without"
        " an answer they go on after that.",
    )
    keywords = fields.Text(
        translate=True,
        help="Words or short phrases, separated by commas. A message of a customer with"
        " one of them is shown as perhaps a dispute; a person of yours decides. Fill"
        " them in for each language that your customers write.",
    )
    cause_id = fields.Many2one(
        "credit.dispute.cause",
        string="Usual Cause",
        help="Proposed when a dispute for this reason is settled.",
    )

    open_count = fields.Integer(compute="_compute_measures", string="Open")
    settled_count = fields.Integer(
        compute="_compute_measures", string="Settled in a Year"
    )
    mean_days = fields.Float(
        compute="_compute_measures",
        digits=(16, 1),
        help="Days from opened to settled, on average over the last year.",
    )
    median_days = fields.Float(
        compute="_compute_measures",
        digits=(16, 1),
        help="Half of the disputes of the last year were settled within so many days.",
    )

    _days_positive = models.Constraint(
        "CHECK (deadline_days >= 0 AND wait_days >= 0)", "Days cannot be negative."
    )

    def _compute_measures(self):
        """Count and measure the disputes of the companies one works in."""
        self.env["credit.dispute"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT reason_id,
                       COUNT(*) FILTER (WHERE closed_date IS NULL),
                       COUNT(*) FILTER (WHERE closed_date >= %(since)s),
                       AVG(days_to_settle) FILTER (WHERE closed_date >= %(since)s),
                       PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY days_to_settle)
                           FILTER (WHERE closed_date >= %(since)s)
                  FROM credit_dispute
                 WHERE reason_id = ANY(%(reasons)s)
                   AND company_id = ANY(%(companies)s)
              GROUP BY reason_id
                """,
                since=fields.Date.add(
                    fields.Date.context_today(self), days=-MEASURED_DAYS
                ),
                reasons=self.ids,
                companies=self.env.companies.ids,
            )
        )
        found = {id_: rest for id_, *rest in rows}
        for reason in self:
            is_open, settled, mean, median = found.get(reason.id, (0, 0, 0, 0))
            reason.open_count, reason.settled_count = is_open, settled
            reason.mean_days, reason.median_days = float(mean or 0), median or 0

    def _find_owner(self, company, profile):
        """Return who looks into a new dispute for this reason."""
        self.ensure_one()
        # sudo: who has how much work is told to nobody.
        owners_sudo = self.sudo().user_ids.filtered(
            lambda user: (
                user.active and company in user.company_ids and user.has_group(OWNERS)
            )
        )
        if not owners_sudo:
            return profile._get_informed_user(self.env["res.users"])
        counts = dict(
            self.env["credit.dispute"]
            .sudo()
            ._read_group(
                [("user_id", "in", owners_sudo.ids), ("closed_date", "=", False)],
                ["user_id"],
                ["__count"],
            )
        )
        owner_sudo = min(owners_sudo, key=lambda user: (counts.get(user, 0), user.id))
        return owner_sudo.with_env(self.env)

    @api.model
    def _guess_reason(self, company, text, lang):
        """Return the reason that the words of a customer look like, perhaps none.

        :param text: plain
        :param lang: of the customer, looked at first; then the others of this database
        """
        # sudo: reasons are no secret; the message comes in without a person of ours.
        reasons_sudo = self.sudo().search([("company_id", "in", [False, company.id])])
        installed = [code for code, _name in self.env["res.lang"].get_installed()]
        known = [lang] if lang in installed else []
        found = keywords.find_reason_of_languages(
            text,
            (
                [
                    (reason.id, reason.keywords or "")
                    for reason in reasons_sudo.with_context(lang=code)
                ]
                for code in dict.fromkeys(known + installed)
            ),
        )
        return self.browse(found)

    @api.constrains("user_ids")
    def _check_user_ids(self):
        # sudo: who has which rights is told to nobody here.
        self._check_may_own(self.sudo().user_ids)

    @api.model
    def _check_may_own(self, users_sudo):
        """Refuse owners who could not see their cases.

        :raise ValidationError: names the first one
        """
        for user_sudo in users_sudo:
            if not user_sudo.has_group(OWNERS):
                raise ValidationError(
                    self.env._(
                        "%(name)s could not see the disputes. Give the right “Credit"
                        " Management / Own Disputes” first, in Settings > Users.",
                        name=user_sudo.name,
                    )
                )

    @api.constrains("company_id")
    def _check_company_id(self):
        for record in self:
            allowed = self.env.user._get_company_ids()
            if record.company_id.id not in (False, *allowed):
                raise ValidationError(
                    self.env._("Choose one of your own companies, or none for all.")
                )
