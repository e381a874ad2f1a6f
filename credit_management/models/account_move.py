from odoo import api, fields, models
from odoo.fields import Domain


class AccountMove(models.Model):
    _inherit = "account.move"

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
        groups="credit_management.group_credit_user",
    )
    credit_letter_count = fields.Integer(
        compute="_compute_credit_letter_count",
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
        """Show the highest level that an instalment of the invoice has reached."""
        lines = self.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        for move in self:
            of_move = lines.filtered(lambda line, move=move: line.move_id == move)
            reached = of_move.filtered("credit_level_id")
            highest = reached.sorted(
                lambda line: (
                    not line.credit_level_id.is_reminder,
                    line.credit_level_id.delay_days,
                )
            )[-1:]
            move.credit_level_id = highest.credit_level_id
            days = [day for day in of_move.mapped("credit_last_letter_date") if day]
            move.credit_last_letter_date = max(days, default=False)

    @api.depends("credit_level_id", "payment_state")
    def _compute_credit_notice(self):
        """Name the level of an invoice that is still open.

        sudo: who may read an invoice may know what its customer was told about it.
        """
        for move in self:
            is_open = move.payment_state in ("not_paid", "partial")
            move.credit_notice = is_open and move.credit_level_id.name

    def _search_credit_level_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        wanted = [level_id for level_id in value if level_id]
        Line = self.env["account.move.line"]
        domain = Domain.FALSE
        if wanted:
            at_level = Line._search(Domain("credit_level_id", "in", wanted))
            domain |= Domain("id", "in", at_level.subselect("move_id"))
        if False in value:
            chased = self.env["credit.dunning.letter.line"]._search(
                Domain("state", "in", ("queued", "sending", "sent", "unknown"))
                & Domain("kind", "=", "chased")
                & Domain("move_id", "!=", False)
            )
            domain |= ~Domain("id", "in", chased.subselect("move_id"))
        return domain

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

    # === ACTION METHODS === #

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
