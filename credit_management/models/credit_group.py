from collections import defaultdict

from odoo import Command, api, fields, models, tools
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import SQL

from ..logic import exposure
from ..logic.money import to_decimal


class CreditGroup(models.Model):
    """A parent company with its subsidiaries, and what they all may owe together.

    Who belongs to it is told by the contacts: companies below the parent, at any depth.
    Which of our companies count is chosen. A limit of a group comes before those of its
    customers.
    """

    _name = "credit.group"
    _description = "Group of Customers"
    _inherit = ["mail.thread"]
    _rec_name = "partner_id"
    _order = "partner_id, id"

    active = fields.Boolean(default=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Parent Company",
        required=True,
        index=True,
        ondelete="restrict",
        domain=[("is_company", "=", True)],
        tracking=True,
        help="It and all companies below it, as contacts tell, are the group.",
    )
    company_ids = fields.Many2many(
        "res.company",
        string="All Our Companies",
        default=lambda self: self._default_company_ids(),
        help="What the group owes to these counts. Whoever works in one of them sees"
        " the total.",
    )
    own_company_ids = fields.Many2many(
        "res.company",
        string="Our Companies",
        compute="_compute_own_company_ids",
        inverse="_inverse_own_company_ids",
        help="What the group owes to these counts, and to the other companies that"
        " somebody who works there has added. Whoever works in one of them sees the"
        " total.",
    )
    other_company_count = fields.Integer(
        string="Other Companies",
        compute="_compute_own_company_ids",
        help="Companies in which you do not work now; they count, too.",
    )
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self._default_currency_id()
    )
    credit_limit = fields.Monetary(
        string="Group Limit",
        tracking=True,
        help="The most that all customers of the group together may owe. 0: no limit.",
    )
    note = fields.Text(string="Remark")
    profile_ids = fields.Many2many(
        "credit.profile", compute="_compute_exposure", string="Customers"
    )
    file_count = fields.Integer(compute="_compute_exposure", string="Credit Files")
    exposure_amount = fields.Monetary(
        string="Exposure",
        compute="_compute_exposure",
        help="The exposures of all customers of the group, each converted at the rate"
        " of today.",
    )
    available_credit = fields.Monetary(string="Available", compute="_compute_exposure")
    limit_used = fields.Float(
        string="Limit Used (%)", compute="_compute_exposure", digits=(16, 0)
    )
    rate_date = fields.Date(compute="_compute_exposure", string="Rates Of")

    _limit_positive = models.Constraint(
        "CHECK (credit_limit >= 0)",
        "A credit limit cannot be below zero. 0 means: no limit.",
    )

    @api.model
    def _default_company_ids(self):
        return self.env.companies

    @api.model
    def _default_currency_id(self):
        return self.env.company.currency_id

    # === COMPUTE METHODS === #

    @api.depends("company_ids")
    @api.depends_context("allowed_company_ids")
    def _compute_own_company_ids(self):
        mine = set(self.env.companies.ids)
        for group in self:
            # sudo: of companies that one may not see only the number is told.
            every = set(group.sudo().company_ids.ids)
            # By id: records that came along would be read, and refused, together.
            group.own_company_ids = self.env["res.company"].browse(sorted(every & mine))
            group.other_company_count = len(every - mine)

    def _inverse_own_company_ids(self):
        mine = set(self.env.companies.ids)
        for group in self:
            wanted = mine & set(group.own_company_ids.ids)
            # sudo: companies that one may not see stay.
            group_sudo = group.sudo()
            others = set(group_sudo.company_ids.ids) - mine
            group_sudo.company_ids = [Command.set(sorted(others | wanted))]

    @api.depends("partner_id", "company_ids", "currency_id", "credit_limit")
    @api.depends_context("allowed_company_ids")
    def _compute_exposure(self):
        today = fields.Date.context_today(self)
        profiles = self._origin._find_profiles()
        allowed = self.env["credit.profile"].search(
            [("id", "in", [id_ for ids in profiles.values() for id_ in ids])]
        )
        for group in self:
            # sudo: whoever may see the group is told its total, see `company_ids`.
            ids = profiles.get(group._origin.id, ())
            all_sudo = self.env["credit.profile"].sudo().browse(ids)
            total = sum(
                group._convert(profile.exposure_amount, profile.company_id, today)
                for profile in all_sudo
            )
            total = group.currency_id.round(total) if group.currency_id else total
            group.profile_ids = all_sudo.sudo(False) & allowed
            group.file_count = len(all_sudo)
            group.rate_date = today
            group.exposure_amount = total
            limit = group.credit_limit
            group.available_credit = limit - total if limit > 0 else 0.0
            group.limit_used = 100 * max(total, 0) / limit if limit > 0 else 0.0

    def _convert(self, amount, company, day):
        """Return an amount of a company in the currency of the group, rounded.

        At the rates of one of the companies that keep their books in that currency;
        where none does, at those of the company itself.
        """
        # sudo: rates are no secret of a company.
        keepers = self.sudo().company_ids.filtered(
            lambda each: each.currency_id == self.currency_id
        )
        return company.currency_id._convert(
            amount, self.currency_id, keepers[:1] or company, day
        )

    # === CONSTRAINT METHODS === #

    @api.constrains("partner_id", "active", "company_ids")
    def _check_partner_id(self):
        # sudo: a group that one may not see has its customers all the same.
        every_sudo = self.sudo().search([("active", "=", True)])
        members = every_sudo._find_members()
        for group in self.filtered("active"):
            if not group.partner_id.is_company:
                raise ValidationError(
                    self.env._(
                        "%(contact)s is no company. Choose the parent company.",
                        contact=group.partner_id.display_name,
                    )
                )
            # sudo: whose contact it is, is asked of one that may be out of sight.
            owner_sudo = group.partner_id.sudo().company_id
            if owner_sudo and owner_sudo not in group.sudo().company_ids:
                raise ValidationError(
                    self.env._(
                        "The parent company is a contact of another company. Choose one"
                        " that all companies share."
                    )
                )
            for other_sudo in every_sudo - group:
                if members[group.id] & members[other_sudo.id]:
                    raise ValidationError(
                        self.env._(
                            "%(customer)s and %(group)s have customers in common. A"
                            " customer is in one group only: keep that of the parent.",
                            customer=group.partner_id.display_name,
                            group=other_sudo.partner_id.display_name,
                        )
                    )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Let people add the companies in which they work."""
        groups = super().create(vals_list)
        self.env.registry.clear_cache()  # whether there are limits
        # sudo: to tell companies that one may not see from one's own.
        groups._check_added(groups.sudo().company_ids)
        return groups

    def write(self, vals):
        """Override: see ``create``."""
        if {"credit_limit", "active"} & set(vals):
            self.check_access("write")
            self.env.registry.clear_cache()  # whether there are limits
        before = {group: group.sudo().company_ids for group in self}
        res = super().write(vals)
        for group in self:
            group._check_added(group.sudo().company_ids - before[group])
        return res

    def _check_added(self, companies):
        """Refuse companies in which one does not work.

        :raise AccessError: names none of them
        """
        if not self.env.su and set(companies.ids) - set(self.env.user.company_ids.ids):
            raise AccessError(
                self.env._("Add only companies in which you work yourself.")
            )

    def web_read(self, specification):
        """Override of `web`: the group that is opened shows the figures of now."""
        if len(self) == 1 and not self.env.cr.readonly:
            self.check_access("read")
            # sudo: files of all companies of the group; only their sum is told.
            found = self._find_profiles()[self.id]
            self.env["credit.profile"].sudo().browse(found)._refresh()
        return super().web_read(specification)

    # The host reads in a read-only transaction; refreshing needs a writable one.
    web_read._readonly = False

    # === BUSINESS METHODS === #

    def _find_members(self):
        """Return the customers of groups: dict group id -> set of customer ids.

        The parent and the companies below it, at any depth, archived ones included:
        they may owe all the same.
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE tree AS (
                    SELECT id AS group_id, partner_id AS id
                      FROM credit_group
                     WHERE id = ANY(%s)
                     UNION
                    SELECT tree.group_id, child.id
                      FROM tree
                      JOIN res_partner child ON child.parent_id = tree.id
                     WHERE child.is_company
                )
                SELECT group_id, id FROM tree
                """,
                self.ids,
            )
        )
        members = defaultdict(set)
        for group_id, partner_id in rows:
            members[group_id].add(partner_id)
        return members

    def _find_profiles(self):
        """Return the credit files that count: dict group id -> list of file ids."""
        members = self._find_members()
        pairs = [(group, one) for group, some in members.items() for one in some]
        rows = self.env.execute_query(
            SQL(
                """
                SELECT members.group_id, profile.id
                  FROM unnest(%s::int[], %s::int[]) AS members (group_id, partner_id)
                  JOIN credit_group_res_company_rel rel
                    ON rel.credit_group_id = members.group_id
                  JOIN credit_profile profile
                    ON profile.partner_id = members.partner_id
                   AND profile.company_id = rel.res_company_id
              ORDER BY profile.exposure_amount DESC NULLS LAST, profile.id
                """,
                [group for group, _one in pairs],
                [one for _group, one in pairs],
            )
        )
        found = defaultdict(list)
        for group_id, profile_id in rows:
            found[group_id].append(profile_id)
        return found

    @api.model
    @tools.ormcache()
    def _has_limits(self):
        """Whether any group has a limit: most companies have none, and none to ask."""
        # sudo: asked for whoever sells.
        groups_sudo = self.sudo()
        return bool(groups_sudo.search_count([("credit_limit", ">", 0)], limit=1))

    @api.model
    def _find_limited(self, company, customer):
        """Return the group of a customer with a limit that counts in a company."""
        none = self.browse()
        if not self._has_limits():
            return none
        group = self._find_for_partners(customer).get(customer.id, none)
        counts = group.credit_limit > 0 and company in group.company_ids
        return group if counts else none

    @api.model
    def _find_for_partners(self, partners):
        """Return the group of customers: dict customer id -> group."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE up AS (
                    SELECT id AS customer_id, id, 0 AS height
                      FROM res_partner WHERE id = ANY(%s)
                     UNION
                    SELECT up.customer_id, child.parent_id, up.height + 1
                      FROM up
                      JOIN res_partner child ON child.id = up.id
                     WHERE child.is_company AND child.parent_id IS NOT NULL
                       AND up.height < 50
                )
                SELECT up.customer_id, credit_group.id
                  FROM up
                  JOIN credit_group ON credit_group.partner_id = up.id
                 WHERE credit_group.active
              -- the topmost comes last and stays
              ORDER BY up.height, credit_group.id DESC
                """,
                partners.ids,
            )
        )
        return {customer_id: self.browse(group_id) for customer_id, group_id in rows}

    def _compute_live(self, document=None):
        """Return what the group owes now, in its currency, read from the documents.

        :param document: counts as if it were posted or confirmed
        """
        self.ensure_one()
        # sudo: a limit holds for all companies, whoever asks in one of them.
        group_sudo = self.sudo()
        partners = group_sudo.partner_id.browse(self._find_members()[self.id])
        total = exposure.ZERO
        for company in group_sudo.company_ids:
            own = document if document and document.company_id == company else None
            found = group_sudo.env["credit.exposure"]._compute_live(
                company, partners, own
            )
            today = company._credit_today()
            for result, _limit in found.values():
                amount = group_sudo._convert(float(result.total), company, today)
                total += to_decimal(amount)
        return total
