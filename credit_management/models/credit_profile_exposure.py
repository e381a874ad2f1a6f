from odoo import api, fields, models
from odoo.fields import Domain

from ..logic import exposure

# A share of a limit of nothing has no measure; lists show it as this many percent.
WITHOUT_MEASURE = 999999


class CreditProfileExposure(models.Model):
    """What a customer owes and may come to owe, and how much of it is allowed.

    The limit stays where the host keeps it, on the customer; its parts are columns, so
    that lists add and sort them, and are refreshed with the other figures.
    """

    _inherit = "credit.profile"

    in_process_amount = fields.Monetary(
        string="Payments in Process",
        readonly=True,
        help="Payments under way that the ledger does not know yet.",
    )
    draft_amount = fields.Monetary(
        string="Draft Invoices",
        readonly=True,
        help="Invoices that are written but not posted yet.",
    )
    covered_amount = fields.Monetary(
        string="Insured or Guaranteed",
        readonly=True,
        help="What somebody else bears if the customer does not pay.",
    )
    exposure_amount = fields.Monetary(
        string="Exposure",
        readonly=True,
        help="What is open and may come, less credits, payments in process and what"
        " somebody else bears.",
    )
    limit_used = fields.Float(
        string="Limit Used (%)",
        readonly=True,
        digits=(16, 0),
        aggregator=None,
        help="Exposure in percent of the credit limit. Empty without a limit.",
    )
    credit_limit = fields.Monetary(
        compute="_compute_credit_limit",
        inverse="_inverse_credit_limit",
        search="_search_credit_limit",
        help="The most this customer may owe. 0: no limit. It is the limit on the"
        " customer, of this company.",
    )
    available_credit = fields.Monetary(
        string="Available",
        compute="_compute_available_credit",
        help="What may still be sold on credit.",
    )
    cover_ids = fields.One2many(
        "credit.cover", compute="_compute_cover_ids", string="Insurance and Guarantees"
    )
    group_id = fields.Many2one(
        "credit.group",
        compute="_compute_group_id",
        help="The parent company and its subsidiaries, and what they may owe together.",
    )
    group_currency_id = fields.Many2one(
        "res.currency", string="Currency of the Group", compute="_compute_group_id"
    )
    group_exposure_amount = fields.Monetary(
        string="Exposure of the Group",
        compute="_compute_group_id",
        currency_field="group_currency_id",
    )
    group_credit_limit = fields.Monetary(
        string="Limit of the Group",
        compute="_compute_group_id",
        currency_field="group_currency_id",
    )
    group_available_credit = fields.Monetary(
        string="Available to the Group",
        compute="_compute_group_id",
        currency_field="group_currency_id",
    )
    group_limit_used = fields.Float(
        string="Group Limit Used (%)", compute="_compute_group_id", digits=(16, 0)
    )
    group_share_amount = fields.Monetary(
        string="In the Currency of the Group",
        compute="_compute_group_id",
        currency_field="group_currency_id",
        help="The exposure of this customer at the rate of today.",
    )
    is_limit_editable = fields.Boolean(compute="_compute_is_limit_editable")

    _limit_used_idx = models.Index("(company_id, limit_used) WHERE limit_used > 0")

    # === COMPUTE METHODS === #

    @api.depends("partner_id.credit_limit", "company_id")
    def _compute_credit_limit(self):
        for company, profiles in self.grouped("company_id").items():
            for profile in profiles:
                # sudo: whoever may read the file may read the limit.
                partner_sudo = profile.partner_id.with_company(company).sudo()
                profile.credit_limit = partner_sudo.credit_limit

    def _format_limit(self, limit):
        return self.currency_id.format(limit) if limit else self.env._("no limit")

    def _search_credit_limit(self, operator, value):
        # sudo: whoever may read the file may read the limit.
        partners_sudo = self.env["res.partner"].sudo()
        return Domain.OR(
            Domain("company_id", "=", company.id)
            & Domain(
                "partner_id",
                "in",
                partners_sudo.with_company(company)._search(
                    [("credit_limit", operator, value)]
                ),
            )
            for company in self.env.companies
        )

    @api.depends("credit_limit", "exposure_amount")
    def _compute_available_credit(self):
        for profile in self:
            limit = profile.credit_limit
            profile.available_credit = (
                profile.currency_id.round(limit - profile.exposure_amount)
                if limit > 0
                else 0.0
            )

    @api.depends("partner_id", "company_id", "exposure_amount")
    def _compute_group_id(self):
        today = fields.Date.context_today(self)
        # sudo: the group is told where the file is, if the company is one of its.
        groups_sudo = self.env["credit.group"].sudo()
        found = groups_sudo._find_for_partners(self.partner_id)
        for profile in self:
            group_sudo = found.get(profile.partner_id.id, groups_sudo)
            if profile.company_id not in group_sudo.company_ids:
                group_sudo = groups_sudo
            profile.group_id = group_sudo.sudo(False)
            profile.group_currency_id = group_sudo.currency_id
            profile.group_exposure_amount = group_sudo.exposure_amount
            profile.group_credit_limit = group_sudo.credit_limit
            profile.group_available_credit = group_sudo.available_credit
            profile.group_limit_used = group_sudo.limit_used
            profile.group_share_amount = group_sudo and group_sudo._convert(
                profile.exposure_amount, profile.company_id, today
            )

    def _compute_cover_ids(self):
        covers = self.env["credit.cover"].search(
            [
                ("company_id", "in", self.company_id.ids),
                ("partner_id", "in", self.partner_id.ids),
            ]
        )
        for profile in self:
            profile.cover_ids = covers.filtered(
                lambda cover, profile=profile: (
                    cover.company_id == profile.company_id
                    and cover.partner_id == profile.partner_id
                )
            )

    @api.depends_context("uid")
    def _compute_is_limit_editable(self):
        self.is_limit_editable = self.env.user.has_group(
            "credit_management.group_credit_manager"
        )

    # === ACTION METHODS === #

    def action_view_exposure(self):
        """Open the documents of the exposure, or of the part that the context names."""
        self.ensure_one()
        self.check_access("read")
        kind = self.env.context.get("credit_part")
        if kind == exposure.COVER:
            return self._open_covers()
        Line = self.env["credit.exposure.line"]
        lines = Line._make(self, (kind,) if kind else ())
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_exposure_line_action"
        )
        labels = dict(Line._fields["part"]._description_selection(self.env))
        return action | {
            "display_name": labels.get(kind) or self.env._("Exposure"),
            "domain": [("id", "in", lines.ids)],
            "context": {},
        }

    def _open_covers(self):
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_cover_action"
        )
        return action | {
            "domain": [("id", "in", self.cover_ids.ids)],
            "context": {
                "default_partner_id": self.partner_id.id,
                "default_company_id": self.company_id.id,
            },
        }

    # === BUSINESS METHODS === #

    @api.model
    def _write_figures(self, facts, decisions, profiles):
        """Override: the exposures are gathered in sets before any is computed."""
        if profiles:
            facts.exposures = self.env["credit.exposure"]._compute_exposures(
                facts, profiles.partner_id
            )
        return super()._write_figures(facts, decisions, profiles)

    @api.model
    def _compute_figures(self, facts, partner_id, decision, emails):
        """Override: the exposure and its parts beside what is open."""
        figures = super()._compute_figures(facts, partner_id, decision, emails)
        result, limit = facts.exposures[partner_id]
        amounts = result.list_amounts()
        columns = self.env["credit.exposure"]._get_part_columns()
        for kind, (name, sign) in columns.items():
            figures[name] = sign * amounts.get(kind, exposure.ZERO)
        figures["exposure_amount"] = result.total
        used = exposure.compute_utilisation(limit, result.total)
        if used is not None:
            figures["limit_used"] = min(used, WITHOUT_MEASURE)
        return figures
