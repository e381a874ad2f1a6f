from odoo import api, fields, models

# What makes a bank entry another receipt than it was, or another customer's.
RECEIPT_FIELDS = {
    "partner_id",
    "amount",
    "amount_currency",
    "foreign_currency_id",
    "line_ids",
    "checked",
}


class AccountBankStatementLine(models.Model):
    _inherit = "account.bank.statement.line"

    credit_receipt_amount = fields.Monetary(
        string="Not Matched",
        compute="_compute_credit_receipt_amount",
        currency_field="company_currency_id",
        groups="credit_management.group_credit_user",
        help="What is left to match, in the company's currency at the rate of today.",
    )

    # === COMPUTE METHODS === #

    @api.depends("amount_residual", "currency_id", "foreign_currency_id", "company_id")
    def _compute_credit_receipt_amount(self):
        for line in self:
            company = line.company_id
            currency = line.foreign_currency_id or line.currency_id
            line.credit_receipt_amount = currency._convert(
                -line.amount_residual,
                company.currency_id,
                company,
                company._credit_today(),
            )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `account`: a receipt shows among the customer's figures."""
        lines = super().create(vals_list)
        lines._touch_credit_profiles()
        return lines

    def write(self, vals):
        """Override of `account`: so does a receipt that becomes another one."""
        if not RECEIPT_FIELDS & set(vals):
            return super().write(vals)
        self._touch_credit_profiles()
        res = super().write(vals)
        if "partner_id" in vals:
            self._touch_credit_profiles()
        return res

    def unlink(self):
        """Override of `account`: and one that is gone."""
        self._touch_credit_profiles()
        return super().unlink()

    # === ACTION METHODS === #

    def action_open_credit_entry(self):
        """Open the journal entry of the bank entry."""
        self.ensure_one()
        return self.move_id._get_records_action()

    # === BUSINESS METHODS === #

    def _touch_credit_profiles(self):
        """Note that receipts changed for customers who have a credit file."""
        for company, lines in self.filtered("partner_id").grouped("company_id").items():
            # sudo: whoever imports the bank may not know of credit files.
            profiles_sudo = (
                self.env["credit.profile"]
                .sudo()
                .search(
                    [
                        ("company_id", "=", company.id),
                        (
                            "partner_id",
                            "in",
                            lines.partner_id.commercial_partner_id.ids,
                        ),
                    ]
                )
            )
            profiles_sudo._touch(company, profiles_sudo.partner_id)
