from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL

from .credit_sql import COMPARISONS

# Its context, of the program only, says that a limit was decided on and is noted.
DOOR = "credit_limit_door"
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

    credit_may_ask_limit = fields.Boolean(
        compute="_compute_credit_limit_ask",
        compute_sudo=True,
        groups="base.group_user",
        help="Whether one may ask for a credit limit: for customers of one's own.",
    )
    credit_limit_asked = fields.Char(
        compute="_compute_credit_limit_ask",
        compute_sudo=True,
        groups="base.group_user",
        help="What became of the limit that one asked for oneself.",
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

    @api.depends("commercial_partner_id")
    @api.depends_context("uid", "company", "lang")
    def _compute_credit_limit_ask(self):
        """Tell who asked what became of it: nothing of others, no score, no reason.

        sudo: a salesperson may not read requests, but may know of the own ones.
        """
        states = {
            "submitted": self.env._("You asked for a credit limit: not decided yet."),
            "refused": self.env._("The credit limit you asked for was refused."),
            "withdrawn": self.env._("The credit limit you asked for was withdrawn."),
        }
        approved = self.env._("The credit limit you asked for was approved.")
        for partner in self:
            partner.credit_may_ask_limit = partner._may_ask_limit()
            request_sudo = partner._find_own_limit_request(self.env.company)
            partner.credit_limit_asked = (
                states.get(request_sudo.state, approved) if request_sudo else False
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

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base`: the limit of a new customer is noted, too."""
        partners = super().create(vals_list)
        limited = self.browse(
            partner.id
            for partner, vals in zip(partners, vals_list, strict=True)
            if vals.get("credit_limit")
        )
        limited._note_credit_limits(dict.fromkeys(limited.ids, 0.0))
        return partners

    def write(self, vals):
        """Override of `base`: another credit limit reaches the lists of the files.

        It is noted as a limit request, wherever it was typed in; one that needs two
        people is refused.
        """
        is_changed = bool({"credit_limit", "use_partner_credit_limit"} & set(vals))
        # sudo: the limit that was, for the history of the file.
        before = is_changed and {each.id: each.credit_limit for each in self.sudo()}
        res = super().write(vals)
        if not is_changed:
            return res
        self._note_credit_limits(before)
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

    def _note_credit_limits(self, before):
        """Note limits that were changed without a request; refuse what needs one.

        Contacts have the limit of their customer, who alone counts. What the program
        itself decided came through the door and is noted there: nobody who calls from
        outside has its rights.

        :param before: dict id -> limit that held until now, in the current company
        :raise UserError: a limit that needs two people
        """
        if self.env.su and self.env.context.get(DOOR):
            return
        changes = {
            customer_sudo.sudo(False): (before[customer_sudo.id], limit)
            for customer_sudo in self.sudo()  # sudo: the limit, for the history
            if customer_sudo == customer_sudo.commercial_partner_id
            and (limit := customer_sudo.credit_limit) != before[customer_sudo.id]
        }
        if not changes:
            return
        company, Profile = self.env.company, self.env["credit.profile"]
        Profile._check_limits_directly(company, changes)
        self.env["credit.limit.request"]._record(
            company, changes, "staff", self.env._("Changed on the customer")
        )
        for partner, (old, new) in changes.items():
            # sudo: whoever edits customers may not know of credit files.
            Profile._get_or_create(company, partner).sudo()._note_limit_changed(
                old, new
            )

    # === ACTION METHODS === #

    def action_open_credit_profile(self):
        """Open the credit file of the customer, making it when first needed."""
        self.ensure_one()
        self.env["credit.profile"].check_access("read")
        profile = self.env["credit.profile"]._get_or_create(self.env.company, self)
        profile._refresh()
        return profile._get_records_action()

    def action_ask_credit_limit(self):
        """Open the window in which somebody of sales asks for a limit.

        :raise AccessError: it is somebody else's customer
        """
        self.ensure_one()
        self.check_access("read")
        self._check_may_ask_limit()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Ask for a Credit Limit"),
            "res_model": "credit.limit.ask",
            "view_mode": "form",
            "target": "new",
            "context": {"default_partner_id": self.commercial_partner_id.id},
        }

    # === BUSINESS METHODS === #

    def _get_credit_postal_lines(self, company):
        """Return the lines of the address; the country only where it is another.

        The country stands in the language of the sender, in capitals, as the post of
        the sender reads it.
        """
        self.ensure_one()
        names = [self.commercial_partner_id.name, self.name]
        spoken = self.with_context(lang=company.partner_id.lang)
        lines = spoken._display_address(without_company=True).split("\n")
        country = spoken.country_id.name
        if country and lines and country in lines:
            lines.remove(country)
        if country and self.country_id != company.country_id:
            lines.append(country.upper())
        return [
            line.strip()
            for line in dict.fromkeys((*filter(None, names), *lines))
            if line.strip()
        ]

    def _may_ask_limit(self):
        """Say whether the user may ask for a limit for this customer.

        Salespeople for their own ones: named on the customer or a contact of it, or on
        an invoice in the company they work in. Who may see credit files, for all.
        """
        user = self.env.user
        if not self or not user._is_internal():
            return False
        if user.has_group("credit_management.group_credit_user"):
            return True
        # sudo: whose customer it is, for nobody but the one who asks.
        customer_sudo = self.sudo().commercial_partner_id
        sellers_sudo = customer_sudo.user_id | customer_sudo.child_ids.user_id
        return user in sellers_sudo or bool(
            self.env["account.move"]
            .sudo()
            .search_count(
                [
                    ("commercial_partner_id", "=", customer_sudo.id),
                    ("company_id", "=", self.env.company.id),
                    ("invoice_user_id", "=", user.id),
                    ("move_type", "in", ("out_invoice", "out_refund")),
                ],
                limit=1,
            )
        )

    def _check_may_ask_limit(self):
        """Refuse who may not ask for a limit for this customer.

        :raise AccessError: it is somebody else's customer
        """
        if not self._may_ask_limit():
            raise AccessError(
                self.env._(
                    "You ask for limits for customers of your own. Let the salesperson"
                    " of this one ask, or somebody of accounting."
                )
            )

    def _find_own_limit_request(self, company):
        """Return, with sudo, the latest limit that the user asked for, or none."""
        return (
            self.env["credit.limit.request"]
            .sudo()  # sudo: of the user's own ones alone
            .search(
                [
                    ("partner_id", "=", self.commercial_partner_id.id),
                    ("company_id", "=", company.id),
                    ("requested_by", "=", self.env.uid),
                    ("source", "=", "salesperson"),
                ],
                limit=1,
            )
        )
