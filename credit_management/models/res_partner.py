from odoo import api, fields, models
from odoo.fields import Domain


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
        currency_field="credit_currency_id",
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
            partner.credit_overdue_amount = profile.overdue_amount
            partner.credit_currency_id = company.currency_id
            partner.credit_level_id = profile.level_id

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
        if operator != "in":
            return NotImplemented
        levels = [level_id for level_id in value if level_id]
        query = self.env["credit.profile"]._search(
            [
                ("company_id", "=", self.env.company.id),
                ("level_id", "in", levels) if levels else ("level_id", "!=", False),
            ]
        )
        reached = Domain(
            "commercial_partner_id",
            "any",
            [("id", "in", query.subselect("partner_id"))],
        )
        return ~reached if False in value and not levels else reached

    # === ACTION METHODS === #

    def action_open_credit_profile(self):
        """Open the credit file of the customer, making it when first needed."""
        self.ensure_one()
        self.env["credit.profile"].check_access("read")
        profile = self.env["credit.profile"]._get_or_create(self.env.company, self)
        profile._refresh()
        return profile._get_records_action()
