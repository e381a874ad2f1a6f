from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..logic import exposure
from ..logic.money import to_decimal


class CreditCover(models.Model):
    """What an insurer or guarantor bears if a customer does not pay."""

    _name = "credit.cover"
    _description = "Credit Insurance or Guarantee"
    _inherit = ["credit.customer.mixin", "mail.thread"]
    _order = "until desc, id desc"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    name = fields.Char(string="Policy Number", required=True, tracking=True)
    kind = fields.Selection(
        [
            ("insurance", "Credit Insurance"),
            ("guarantee", "Guarantee"),
        ],
        required=True,
        default="insurance",
        tracking=True,
    )
    provider = fields.Char(string="Insurer or Guarantor", tracking=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        domain=["|", ("is_company", "=", True), ("parent_id", "=", False)],
        tracking=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self._default_company_id()
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount = fields.Monetary(
        string="Up To",
        required=True,
        tracking=True,
        help="The most that is borne, in the currency of the company.",
    )
    percentage = fields.Float(
        string="Share",
        default=100.0,
        required=True,
        tracking=True,
        help="How much of each debt is borne, in percent. The rest is your own risk.",
    )
    since = fields.Date(string="From", tracking=True)
    until = fields.Date(
        string="Expires",
        tracking=True,
        help="Last day on which it counts. Empty: it has no end.",
    )
    note = fields.Text(string="Remark")
    is_in_force = fields.Boolean(compute="_compute_is_in_force", string="In Force")

    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "What is borne must be more than zero."
    )
    _percentage_valid = models.Constraint(
        "CHECK (percentage > 0 AND percentage <= 100)",
        "The share that is borne is above 0 and at most 100 percent.",
    )

    @api.model
    def _default_company_id(self):
        return self.env.company

    # === COMPUTE METHODS === #

    @api.depends("since", "until", "active", "company_id")
    def _compute_is_in_force(self):
        for cover in self:
            today = cover.company_id._credit_today()
            cover.is_in_force = cover.active and cover._to_logic().is_in_force(today)

    # === CONSTRAINT METHODS === #

    @api.constrains("since", "until")
    def _check_days(self):
        for cover in self:
            if cover.since and cover.until and cover.since > cover.until:
                raise ValidationError(
                    self.env._(
                        "%(policy)s expires before it begins. Put the days right.",
                        policy=cover.name,
                    )
                )

    # === BUSINESS METHODS === #

    def _explain_stays(self):
        return self.env._(
            "Insurance and guarantees stay with their company. Archive this one and"
            " enter it in the other company."
        )

    def _describe(self):
        """Return policy number and who bears it."""
        self.ensure_one()
        return f"{self.name} – {self.provider}" if self.provider else self.name

    def _to_logic(self):
        """Return what the rule wants to know of it."""
        self.ensure_one()
        row = {name: self[name] for name in ("amount", "percentage", "since", "until")}
        row |= {"id": self.id, "partner_id": self.partner_id.id}
        ((cover,),) = self._to_covers([row]).values()
        return cover

    @api.model
    def _get_query(self, company, partners):
        """Return the query that tells the covers of customers, those ending first."""
        return SQL(
            """
            SELECT id, partner_id, amount::text AS amount, percentage, since, until
              FROM credit_cover
             WHERE active AND company_id = %s AND partner_id = ANY(%s)
          ORDER BY until, id
            """,
            company.id,
            partners.ids,
        )

    @api.model
    def _to_covers(self, rows):
        """Return rows of ``_get_query`` as the rule wants them, by customer id."""
        found = {}
        for row in rows:
            found.setdefault(row["partner_id"], []).append(
                exposure.Cover(
                    limit=to_decimal(row["amount"]),
                    share=to_decimal(row["percentage"]) / 100,
                    since=fields.Date.to_date(row["since"]),
                    until=fields.Date.to_date(row["until"]),
                    document=("credit.cover", row["id"]),
                )
            )
        return found

    @api.model
    def _find_for_partners(self, company, partners):
        """Return the covers of customers: dict customer id -> ``exposure.Cover``s.

        What is borne counts for whoever may see the exposure.
        """
        self.flush_model()
        rows = self.env.execute_query_dict(self._get_query(company, partners))
        return self._to_covers(rows)
