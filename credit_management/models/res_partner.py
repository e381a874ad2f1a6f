from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .credit_sql import COMPARISONS

# What contacts show of the credit file, in the company one works in.
FROM_PROFILE = {
    "credit_level_id": "level_id",
    "credit_overdue_amount": "overdue_amount",
    "credit_last_letter_date": "last_letter_date",
    "credit_next_date": "next_action_date",
}


class ResPartner(models.Model):
    _inherit = "res.partner"

    type = fields.Selection(
        selection_add=[("dunning", "Dunning Contact")],
        ondelete={"dunning": "set default"},
    )
    credit_profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        compute="_compute_credit_profile",
        groups="credit_management.group_credit_user",
    )
    credit_overdue_amount = fields.Monetary(
        string="Overdue",
        compute="_compute_credit_profile",
        search="_search_credit_overdue_amount",
        currency_field="credit_currency_id",
        # Contacts of one customer show the same amount: a sum would count it again.
        aggregator=None,
        groups="credit_management.group_credit_user",
    )
    credit_currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_credit_profile",
        groups="credit_management.group_credit_user",
    )
    credit_level_id = fields.Many2one(
        "credit.dunning.level",
        string="Dunning Level",
        compute="_compute_credit_profile",
        search="_search_credit_level_id",
        groups="credit_management.group_credit_user",
    )
    credit_last_letter_date = fields.Date(
        string="Last Dunning Letter",
        compute="_compute_credit_profile",
        search="_search_credit_last_letter_date",
        groups="credit_management.group_credit_user",
    )
    credit_next_date = fields.Date(
        string="Next Contact",
        compute="_compute_credit_profile",
        search="_search_credit_next_date",
        groups="credit_management.group_credit_user",
        help="Day on which the customer is next written to.",
    )

    credit_notice = fields.Char(
        compute="_compute_credit_notice",
        compute_sudo=True,
        groups="base.group_user",
        help="What colleagues without access to credit files are told.",
    )

    # === COMPUTE METHODS === #

    @api.depends("commercial_partner_id")
    @api.depends_context("company")
    def _compute_credit_profile(self):
        company = self.env.company
        profiles = self.env["credit.profile"].search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "in", self.commercial_partner_id.ids),
            ]
        )
        by_partner = {profile.partner_id: profile for profile in profiles}
        for partner in self:
            profile = by_partner.get(
                partner.commercial_partner_id, self.env["credit.profile"]
            )
            partner.credit_profile_id = profile
            partner.credit_currency_id = company.currency_id
            for name, source in FROM_PROFILE.items():
                partner[name] = profile[source]
            if partner.credit_next_date:
                # Its day has passed and nothing went: today, until it is looked at.
                today = company._credit_today()
                partner.credit_next_date = max(partner.credit_next_date, today)

    @api.depends("credit_level_id", "credit_overdue_amount")
    @api.depends_context("company", "lang")
    def _compute_credit_notice(self):
        """Tell that the customer is chased, and whom to ask: no amount, no score.

        sudo: a salesperson may not read the credit file, but must not promise more to
        a customer who does not pay.
        """
        for partner in self:
            profile = partner.credit_profile_id
            partner.credit_notice = False
            if not profile.level_id or profile.overdue_amount <= 0:
                continue
            collector = profile.user_id or profile.company_id.credit_user_id
            partner.credit_notice = self.env._(
                "Overdue, last message: %(level)s. Before you promise anything, ask"
                " %(collector)s.",
                level=profile.level_id.name,
                collector=collector.name or self.env._("accounting"),
            )

    def _search_credit_level_id(self, operator, value):
        return self._search_credit_profile("level_id", operator, value)

    def _search_credit_overdue_amount(self, operator, value):
        return self._search_credit_profile("overdue_amount", operator, value)

    def _search_credit_last_letter_date(self, operator, value):
        return self._search_credit_profile("last_letter_date", operator, value)

    def _search_credit_next_date(self, operator, value):
        return self._search_credit_profile("next_action_date", operator, value)

    @api.model
    def _search_credit_profile(self, name, operator, value):
        """Find contacts by a figure of the credit file; without a file it is empty."""
        Profile = self.env["credit.profile"]
        in_company = Domain("company_id", "=", self.env.company.id)

        def find(condition):
            query = Profile._search(in_company & condition)
            return Domain(
                "commercial_partner_id",
                "any",
                [("id", "in", query.subselect("partner_id"))],
            )

        if operator == "in":
            wanted = [each for each in value if each]
            found = find(Domain(name, "in", wanted)) if wanted else Domain.FALSE
            if len(wanted) < len(value):
                found |= ~find(Domain(name, "not in", [False, 0]))
            return found
        if operator not in COMPARISONS:
            return NotImplemented
        condition = Domain(name, operator, value)
        if Profile._fields[name].type == "monetary" and {
            "<": value > 0,
            "<=": value >= 0,
            ">": value < 0,
            ">=": value <= 0,
        }.get(operator):
            # Nothing is overdue where there is no file: that is 0, and 0 fits.
            return ~find(~condition)
        return find(condition)

    def _field_to_sql(self, alias, field_expr, query=None):
        """Override: lists sort and group by what the credit file says."""
        if field_expr not in FROM_PROFILE:
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], "read")
        self.flush_model(["commercial_partner_id"])
        self.env["credit.profile"].flush_model()
        return SQL(
            "(SELECT profile.%s FROM credit_profile profile"
            " WHERE profile.company_id = %s"
            " AND profile.partner_id = %s.commercial_partner_id)",
            SQL.identifier(FROM_PROFILE[field_expr]),
            self.env.company.id,
            SQL.identifier(alias),
        )

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `base`: another credit limit reaches the lists of the files."""
        res = super().write(vals)
        if {"credit_limit", "use_partner_credit_limit"} & set(vals):
            # sudo: whoever edits customers may not know of credit files.
            profiles_sudo = (
                self.env["credit.profile"]
                .sudo()
                .search(
                    [
                        ("company_id", "=", self.env.company.id),
                        ("partner_id", "in", self.commercial_partner_id.ids),
                    ]
                )
            )
            profiles_sudo._touch(self.env.company, profiles_sudo.partner_id)
        return res

    # === ACTION METHODS === #

    def action_open_credit_profile(self):
        """Open the credit file of the customer, making it when first needed."""
        self.ensure_one()
        self.env["credit.profile"].check_access("read")
        profile = self.env["credit.profile"]._get_or_create(self.env.company, self)
        profile._refresh()
        return profile._get_records_action()
