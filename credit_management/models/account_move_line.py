from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..logic.statement import AGEING
from .credit_sql import say_age, say_comparison

# Named so that groups stand in this order: the database sorts them by name.
AGE_LABELS = [
    ("due_later", "Not due"),
    ("late_01", "1–30 days late"),
    ("late_31", "31–60 days late"),
    ("late_61", "61–90 days late"),
    ("late_91", "Over 90 days late"),
]
AGES = tuple(age for age, _label in AGE_LABELS)


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    credit_letter_line_ids = fields.One2many(
        "credit.dunning.letter.line",
        "move_line_id",
        string="Dunning Letters",
        groups="credit_management.group_credit_user",
    )
    credit_level_id = fields.Many2one(
        "credit.dunning.level",
        string="Dunning Level",
        compute="_compute_credit_level",
        search="_search_credit_level_id",
        groups="credit_management.group_credit_user",
    )
    credit_last_letter_date = fields.Date(
        string="Last Letter",
        compute="_compute_credit_level",
        search="_search_credit_last_letter_date",
        groups="credit_management.group_credit_user",
    )
    credit_age = fields.Selection(
        AGE_LABELS,
        string="Age",
        compute="_compute_credit_age",
        search="_search_credit_age",
        groups="credit_management.group_credit_user",
        help="How long an open item of a customer is late today.",
    )
    credit_user_id = fields.Many2one(
        "res.users",
        string="Collector",
        compute="_compute_credit_user_id",
        search="_search_credit_user_id",
        groups="credit_management.group_credit_user",
    )
    credit_days_late = fields.Integer(
        string="Days Late",
        compute="_compute_credit_days_late",
        groups="credit_management.group_credit_user",
    )

    credit_promise_line_ids = fields.One2many(
        "credit.promise.line",
        "move_line_id",
        string="Promises",
        groups="credit_management.group_credit_user",
    )
    credit_promise_date = fields.Date(
        string="Promised For",
        compute="_compute_credit_promises",
        groups="credit_management.group_credit_user",
        help="Day by which the customer promised to pay.",
    )
    credit_broken_promise_count = fields.Integer(
        string="Broken Promises",
        compute="_compute_credit_promises",
        groups="credit_management.group_credit_user",
        help="So many promises to pay this item were broken.",
    )

    @api.depends("credit_promise_line_ids.state")
    def _compute_credit_promises(self):
        """Read the open promise of each item, and count those that were broken."""
        found = self.env["credit.promise.line"].search_fetch(
            [("move_line_id", "in", self.ids), ("state", "in", ("open", "broken"))],
            ["move_line_id", "state", "promise_id"],
        )
        by_item = found.grouped("move_line_id")
        for line in self:
            promised = by_item.get(line._origin, found.browse())
            standing = promised.filtered(lambda each: each.state == "open")
            line.credit_promise_date = standing.promise_id.date
            line.credit_broken_promise_count = len(promised - standing)

    @api.depends("credit_letter_line_ids.state", "credit_letter_line_ids.is_excluded")
    def _compute_credit_level(self):
        """Read level and last letter from what left; nothing is stored here."""
        self.credit_level_id = self.credit_last_letter_date = False
        ids = [id_ for id_ in self._origin.ids if id_]
        told = self.env["credit.dunning.letter.line"]._say_told(
            "move_line_id", SQL("told.move_line_id = ANY(%s)", ids)
        )
        found = {id_: rest for id_, *rest in self.env.execute_query(told)}
        for line in self:
            level_id, line.credit_last_letter_date = found.get(
                line._origin.id, (False, False)
            )
            line.credit_level_id = level_id

    def _search_credit_level_id(self, operator, value):
        return self._search_credit_told("level_id", operator, value)

    def _search_credit_last_letter_date(self, operator, value):
        return self._search_credit_told("last_date", operator, value)

    @api.model
    def _search_credit_told(self, name, operator, value):
        """Find items, in one pass over the letters, by what these told."""
        LetterLine = self.env["credit.dunning.letter.line"]
        return LetterLine._search_told("move_line_id", name, operator, value)

    @api.depends("date_maturity", "reconciled", "amount_residual", "parent_state")
    def _compute_credit_age(self):
        """Read the age of each open item; nothing is stored here."""
        self.credit_age = False
        ids = [id_ for id_ in self._origin.ids if id_]
        if not ids:
            return
        alias = SQL.identifier(self._table)
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %s FROM account_move_line WHERE id = ANY(%s)",
                self._say_credit_age(alias),
                ids,
            )
        )
        ages = dict(rows)
        for line in self:
            line.credit_age = ages.get(line._origin.id)

    def _search_credit_age(self, operator, value):
        # The ORM does not ask who may use a search of this kind.
        self.env["credit.profile"].check_access("read")
        if operator != "in":
            return NotImplemented
        return Domain.custom(
            to_sql=lambda model, alias, query: say_comparison(
                model._say_credit_age(SQL.identifier(alias)), operator, value
            )
        )

    @api.depends("partner_id", "company_id")
    def _compute_credit_user_id(self):
        """Read the collector from the customer's credit file."""
        profiles = self.env["credit.profile"].search(
            [
                ("company_id", "in", self.company_id.ids),
                ("partner_id", "in", self.partner_id.commercial_partner_id.ids),
                ("user_id", "!=", False),
            ]
        )
        found = {(each.company_id, each.partner_id): each.user_id for each in profiles}
        for line in self:
            key = (line.company_id, line.partner_id.commercial_partner_id)
            line.credit_user_id = found.get(key)

    def _search_credit_user_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        self.env["credit.profile"].check_access("read")
        return Domain.custom(
            to_sql=lambda model, alias, query: say_comparison(
                model._say_credit_user_id(SQL.identifier(alias)), operator, value
            )
        )

    @api.model
    def _say_credit_user_id(self, alias):
        """Return the expression for the collector of the customer of an item."""
        self.env["credit.profile"].flush_model(["user_id"])
        return SQL(
            "(SELECT profile.user_id FROM credit_profile profile"
            " JOIN res_partner customer"
            " ON customer.commercial_partner_id = profile.partner_id"
            " WHERE profile.company_id = %(alias)s.company_id"
            " AND customer.id = %(alias)s.partner_id)",
            alias=alias,
        )

    @api.model
    def _say_credit_age(self, alias):
        """Return the expression for the age of an open item, as of today."""
        self.flush_model(
            ["date_maturity", "reconciled", "amount_residual", "parent_state"]
        )
        # sudo: which accounts are receivable is asked of those one may not see, too.
        accounts_sudo = (
            self.env["account.account"]
            .sudo()
            .with_context(active_test=False)
            ._search([("account_type", "=", "asset_receivable")])
        )
        return SQL(
            "(CASE WHEN %(alias)s.parent_state = 'posted'"
            " AND %(alias)s.reconciled IS NOT TRUE"
            " AND %(alias)s.amount_residual > 0"
            " AND %(alias)s.account_id IN %(accounts)s THEN %(age)s END)::varchar",
            alias=alias,
            accounts=accounts_sudo.subselect(),
            age=say_age(
                SQL("%s.date_maturity", alias),
                self.env["credit.profile"]._say_today(alias),
                AGES,
                AGEING,
            ),
        )

    def _field_to_sql(self, alias, field_expr, query=None):
        """Override: lists sort and group by what is asked and not stored."""
        told = {"credit_level_id": "level_id", "credit_last_letter_date": "last_date"}
        says = {
            "credit_age": self._say_credit_age,
            "credit_user_id": self._say_credit_user_id,
        }
        if field_expr not in told and field_expr not in says:
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], "read")
        table = SQL.identifier(alias)
        if field_expr in says:
            return says[field_expr](table)
        return self.env["credit.dunning.letter.line"]._say_told_of(
            "move_line_id", told[field_expr], table
        )

    @api.depends("date_maturity", "company_id")
    def _compute_credit_days_late(self):
        for line in self:
            today = line.company_id._credit_today() if line.company_id else None
            late = today and line.date_maturity and (today - line.date_maturity).days
            line.credit_days_late = max(late or 0, 0)

    def _reconcile_post_hook(self, data):
        """Override of `account`: what was paid changes the customer's figures."""
        res = super()._reconcile_post_hook(data)
        for company, lines in self.grouped("company_id").items():
            receivable = lines.filtered(
                lambda line: line.account_id.account_type == "asset_receivable"
            )
            self.env["credit.profile"]._touch(company, receivable.partner_id)
            self.env["credit.dispute"]._notice_matched(receivable)
            self.env["credit.promise"]._notice_matched(receivable)
            self.env["credit.payment.plan"]._notice_matched(receivable)
        return res

    def action_open_credit_invoice(self):
        """Open the invoice of the item."""
        self.ensure_one()
        return self.move_id._get_records_action()
