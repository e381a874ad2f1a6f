from odoo import api, fields, models
from odoo.fields import Domain


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
        groups="credit_management.group_credit_user",
    )
    credit_days_late = fields.Integer(
        string="Days Late",
        compute="_compute_credit_days_late",
        groups="credit_management.group_credit_user",
    )

    @api.depends("credit_letter_line_ids.state", "credit_letter_line_ids.is_excluded")
    def _compute_credit_level(self):
        """Read level and last letter from what left; nothing is stored here."""
        facts = self.env["credit.dunning.facts"]
        for company, lines in self.grouped("company_id").items():
            rows = [{"id": line_id} for line_id in lines.ids]
            levels = facts._read_levels(company, rows, None)
            for line in lines:
                level = levels.get(line._origin.id or line.id, {})
                line.credit_level_id = level.get("level") or level.get("reminder")
                line.credit_last_letter_date = level.get("level_date")

    def _search_credit_level_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        wanted = [level_id for level_id in value if level_id]
        LetterLine = self.env["credit.dunning.letter.line"]
        live = Domain("state", "in", ("queued", "sending", "sent", "unknown"))
        live &= Domain("kind", "=", "chased") & Domain("is_excluded", "=", False)
        chased = LetterLine._search(live & Domain("move_line_id", "!=", False))
        domain = Domain.FALSE
        if wanted:
            at_level = LetterLine._search(live & Domain("level_id", "in", wanted))
            domain |= Domain("id", "in", at_level.subselect("move_line_id"))
        if False in value:
            domain |= ~Domain("id", "in", chased.subselect("move_line_id"))
        return domain

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
        return res

    def action_open_credit_invoice(self):
        """Open the invoice of the item."""
        self.ensure_one()
        return self.move_id._get_records_action()
