from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .account_move_line import AGE_LABELS
from .credit_sql import say_comparison

# What changes how much a draft counts, and for whom.
COUNTS_IN_DRAFT = {
    "company_id",
    "currency_id",
    "invoice_date",
    "invoice_line_ids",
    "line_ids",
    "move_type",
    "partner_id",
    "state",
}


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "credit.talk.mixin"]

    credit_level_id = fields.Many2one(
        "credit.dunning.level",
        string="Dunning Level",
        compute="_compute_credit_level",
        search="_search_credit_level_id",
        groups="credit_management.group_credit_user",
    )
    credit_last_letter_date = fields.Date(
        string="Last Dunning Letter",
        compute="_compute_credit_level",
        search="_search_credit_last_letter_date",
        groups="credit_management.group_credit_user",
        help="Day of the last dunning letter that named this invoice.",
    )
    credit_next_date = fields.Date(
        string="Next Contact",
        compute="_compute_credit_state",
        search="_search_credit_next_date",
        groups="credit_management.group_credit_user",
        help="Day on which the customer is next written to. Empty: nothing goes, or"
        " this invoice is left alone until somebody acts.",
    )
    credit_age = fields.Selection(
        AGE_LABELS,
        string="Age",
        compute="_compute_credit_state",
        search="_search_credit_age",
        groups="credit_management.group_credit_user",
        help="How long the oldest open instalment is late today.",
    )
    credit_letter_count = fields.Integer(
        compute="_compute_credit_letter_count",
        groups="credit_management.group_credit_user",
    )

    credit_dispute_count = fields.Integer(
        compute="_compute_credit_dispute_count",
        groups="credit_management.group_credit_user",
    )

    credit_promise_count = fields.Integer(
        compute="_compute_credit_promise_count",
        groups="credit_management.group_credit_user",
    )

    credit_notice = fields.Char(
        string="Dunning",
        compute="_compute_credit_notice",
        compute_sudo=True,
        groups="base.group_user",
        help="What colleagues without access to dunning are told of the invoice.",
    )

    # === COMPUTE METHODS === #

    @api.depends("line_ids.credit_level_id", "line_ids.credit_last_letter_date")
    def _compute_credit_level(self):
        """Show the highest level that an instalment reached, and the last letter."""
        self.credit_level_id = self.credit_last_letter_date = False
        ids = [id_ for id_ in self._origin.ids if id_]
        told = self.env["credit.dunning.letter.line"]._say_told(
            "move_id", SQL("told.move_id = ANY(%s)", ids)
        )
        found = {id_: rest for id_, *rest in self.env.execute_query(told)}
        for move in self:
            level_id, move.credit_last_letter_date = found.get(
                move._origin.id, (False, False)
            )
            move.credit_level_id = level_id

    @api.depends("state", "payment_state", "line_ids.date_maturity")
    def _compute_credit_state(self):
        """Read the next contact from the credit file, the age from the open items."""
        self.credit_next_date = self.credit_age = False
        ids = [id_ for id_ in self._origin.ids if id_]
        if not ids:
            return
        alias = SQL.identifier(self._table)
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %s, %s FROM account_move WHERE id = ANY(%s)",
                self._say_credit_next_date(alias),
                self._say_credit_age(alias),
                ids,
            )
        )
        found = {id_: rest for id_, *rest in rows}
        for move in self:
            move.credit_next_date, move.credit_age = found.get(
                move._origin.id, (False, False)
            )

    @api.depends("credit_level_id", "payment_state")
    def _compute_credit_notice(self):
        """Name the level of an invoice that is still open.

        sudo: who may read an invoice may know what its customer was told about it.
        """
        for move in self:
            is_open = move.payment_state in ("not_paid", "partial")
            move.credit_notice = is_open and move.credit_level_id.name

    def _search_credit_level_id(self, operator, value):
        LetterLine = self.env["credit.dunning.letter.line"]
        return LetterLine._search_told("move_id", "level_id", operator, value)

    def _search_credit_last_letter_date(self, operator, value):
        LetterLine = self.env["credit.dunning.letter.line"]
        return LetterLine._search_told("move_id", "last_date", operator, value)

    def _search_credit_next_date(self, operator, value):
        return self._search_credit_state("_say_credit_next_date", operator, value)

    def _search_credit_age(self, operator, value):
        return self._search_credit_state("_say_credit_age", operator, value)

    @api.model
    def _search_credit_state(self, say, operator, value):
        # The ORM does not ask who may use a search of this kind.
        self.env["credit.profile"].check_access("read")
        if say_comparison(SQL("x"), operator, value) is NotImplemented:
            return NotImplemented
        return Domain.custom(
            to_sql=lambda model, alias, query: say_comparison(
                getattr(model, say)(SQL.identifier(alias)), operator, value
            )
        )

    @api.model
    def _say_credit_is_open(self, alias):
        """Return the condition under which an invoice may be chased at all."""
        self.flush_model(["state", "move_type", "payment_state"])
        return SQL(
            "(%(alias)s.state = 'posted'"
            " AND %(alias)s.move_type IN ('out_invoice', 'out_receipt')"
            " AND %(alias)s.payment_state IN ('not_paid', 'partial'))",
            alias=alias,
        )

    @api.model
    def _say_credit_next_date(self, alias):
        """Return the expression for the day of the next message to the customer.

        Where the day has passed and nothing went it is today.
        """
        self.flush_model(["commercial_partner_id", "company_id"])
        self.env["credit.profile"].flush_model()
        self.env["credit.dunning.outcome"].flush_model()
        return SQL(
            """
            (CASE WHEN %(is_open)s AND NOT EXISTS (
                SELECT FROM account_move_line item
                  JOIN credit_dunning_outcome outcome
                    ON outcome.move_line_id = item.id
                 WHERE item.move_id = %(alias)s.id
                   AND outcome.run_id IS NULL AND outcome.next_date IS NULL)
             THEN (SELECT GREATEST(profile.next_action_date, %(today)s)
                     FROM credit_profile profile
                    WHERE profile.company_id = %(alias)s.company_id
                      AND profile.partner_id = %(alias)s.commercial_partner_id
                      AND profile.next_action_date IS NOT NULL)
             END)
            """,
            alias=alias,
            today=self.env["credit.profile"]._say_today(SQL.identifier("profile")),
            is_open=self._say_credit_is_open(alias),
        )

    @api.model
    def _say_credit_age(self, alias):
        """Return the expression for the age of the oldest instalment still open."""
        item = SQL.identifier("credit_item")
        Line = self.env["account.move.line"]
        age = Line._say_credit_age(item)
        return SQL(
            """
            (CASE WHEN %(is_open)s THEN (
                SELECT found.age FROM (
                    SELECT %(age)s AS age, credit_item.date_maturity
                      FROM account_move_line credit_item
                     WHERE credit_item.move_id = %(alias)s.id) found
                 WHERE found.age IS NOT NULL
              ORDER BY found.date_maturity LIMIT 1)
             END)
            """,
            alias=alias,
            age=age,
            is_open=self._say_credit_is_open(alias),
        )

    def _field_to_sql(self, alias, field_expr, query=None):
        """Override: lists sort and group by what is asked and not stored."""
        told = {"credit_level_id": "level_id", "credit_last_letter_date": "last_date"}
        says = {
            "credit_next_date": self._say_credit_next_date,
            "credit_age": self._say_credit_age,
        }
        if field_expr not in told and field_expr not in says:
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], "read")
        table = SQL.identifier(alias)
        if field_expr in says:
            return says[field_expr](table)
        return self.env["credit.dunning.letter.line"]._say_told_of(
            "move_id", told[field_expr], table
        )

    def _compute_credit_letter_count(self):
        counts = dict(
            self.env["credit.dunning.letter.line"]._read_group(
                [("move_id", "in", self.ids), ("state", "!=", "skipped")],
                ["move_id"],
                ["letter_id:count_distinct"],
            )
        )
        for move in self:
            move.credit_letter_count = counts.get(move, 0)

    def _compute_credit_dispute_count(self):
        counts = dict(
            self.env["credit.dispute.line"]._read_group(
                [("move_id", "in", self.ids)],
                ["move_id"],
                ["dispute_id:count_distinct"],
            )
        )
        for move in self:
            move.credit_dispute_count = counts.get(move, 0)

    def _compute_credit_promise_count(self):
        counts = dict(
            self.env["credit.promise.line"]._read_group(
                [("move_id", "in", self.ids)],
                ["move_id"],
                ["promise_id:count_distinct"],
            )
        )
        for move in self:
            move.credit_promise_count = counts.get(move, 0)

    # === ACTION METHODS === #

    def action_view_credit_promises(self):
        """Open the promises about this invoice."""
        self.ensure_one()
        self.check_access("read")
        self.env["credit.promise"].check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_promise_action"
        )
        return action | {"domain": [("line_ids.move_id", "=", self.id)], "context": {}}

    def action_credit_promise(self):
        """Open the window to note a promise to pay this invoice."""
        self.ensure_one()
        self.check_access("read")
        self.env["credit.promise"].check_access("write")
        profile = self.env["credit.profile"]._get_or_create(
            self.company_id, self.commercial_partner_id
        )
        items = self.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        return self.env["credit.promise.give"]._open_for(profile, items)

    def action_view_credit_disputes(self):
        """Open the disputes about this invoice."""
        self.ensure_one()
        self.check_access("read")
        self.env["credit.dispute"].check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dispute_action"
        )
        return action | {"domain": [("line_ids.move_id", "=", self.id)], "context": {}}

    def action_credit_dispute(self):
        """Open the window for a new dispute about this invoice, line by line."""
        return self._open_credit_dispute()

    def action_credit_dispute_short(self):
        """Ask why the rest of this invoice is missing: a dispute about just that."""
        reason = self.env.ref(
            "credit_management.dispute_reason_short_payment", raise_if_not_found=False
        )
        return self._open_credit_dispute(reason, self.amount_residual)

    def _open_credit_dispute(self, reason=None, amount=None):
        self.ensure_one()
        self.check_access("read")
        self.env["credit.dispute"].check_access("write")
        profile = self.env["credit.profile"]._get_or_create(
            self.company_id, self.commercial_partner_id
        )
        items = self.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        return self.env["credit.dispute.open"]._open_for(profile, items, reason, amount)

    def action_view_credit_letters(self):
        """Open the dunning letters that name this invoice."""
        self.ensure_one()
        self.check_access("read")
        self.env["credit.dunning.letter"].check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_letter_action"
        )
        return action | {
            "domain": [("line_ids.move_id", "=", self.id), ("state", "!=", "skipped")],
            "context": {},
        }

    def action_credit_exclude(self):
        """Open a new exclusion for this invoice."""
        self.ensure_one()
        self.env["credit.exclusion"].check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Leave Out of Dunning"),
            "res_model": "credit.exclusion",
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_scope": "invoice",
                "default_move_id": self.id,
                "default_partner_id": self.commercial_partner_id.id,
                "default_company_id": self.company_id.id,
            },
        }

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: drafts are part of what customers may come to owe."""
        moves = super().create(vals_list)
        moves._touch_drafts()
        return moves

    def write(self, vals):
        """Override of `account`: see ``create``; posting is noticed by ``_post``."""
        if not COUNTS_IN_DRAFT & set(vals) or vals.get("state") == "posted":
            return super().write(vals)
        self._touch_drafts()
        drafts = self.filtered(lambda move: move.state == "draft")
        before = {
            move: (move.commercial_partner_id, move.company_id) for move in drafts
        }
        res = super().write(vals)
        changed = self.filtered(
            lambda move: (
                move not in before
                or before[move] != (move.commercial_partner_id, move.company_id)
            )
        )
        changed._touch_drafts()
        return res

    def unlink(self):
        """Override of `account`: see ``create``."""
        self._touch_drafts()
        return super().unlink()

    def _touch_drafts(self):
        """Note that the draft invoices among these change what customers may owe."""
        drafts = self.filtered(
            lambda move: (
                move.state == "draft"
                and move.move_type in ("out_invoice", "out_receipt")
                and move.commercial_partner_id
            )
        )
        for company, moves in drafts.grouped("company_id").items():
            self.env["credit.profile"]._touch(company, moves.commercial_partner_id)

    # === BUSINESS METHODS === #

    def _post(self, soft=True):
        """Override of `account`: a new invoice changes the customer's figures."""
        posted = super()._post(soft=soft)
        for company, moves in (
            posted.filtered(lambda move: move.is_sale_document(include_receipts=True))
            .grouped("company_id")
            .items()
        ):
            self.env["credit.profile"]._touch(company, moves.commercial_partner_id)
        return posted

    def _get_talk_items(self):
        """Override: the receivable items of the invoice."""
        self.ensure_one()
        return self.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )

    def _get_talk_profile(self):
        """Override: customers write on what they owe us for, and on nothing else."""
        self.ensure_one()
        profiles = self.env["credit.profile"]
        if not self.is_sale_document() or not self.commercial_partner_id:
            return profiles
        return profiles._get_or_create(
            self.company_id, self.commercial_partner_id
        ).sudo()  # sudo: called with it; making a file gives it back without
