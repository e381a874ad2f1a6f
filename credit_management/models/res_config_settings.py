from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    credit_mode = fields.Selection(related="company_id.credit_mode", readonly=False)
    credit_redirect_email = fields.Char(
        related="company_id.credit_redirect_email", readonly=False
    )
    credit_stopped = fields.Boolean(related="company_id.credit_stopped", readonly=False)
    credit_policy_id = fields.Many2one(
        related="company_id.credit_policy_id", readonly=False
    )
    credit_user_id = fields.Many2one(
        related="company_id.credit_user_id", readonly=False
    )
    credit_tz = fields.Selection(related="company_id.credit_tz", readonly=False)
    credit_run_hour = fields.Integer(
        related="company_id.credit_run_hour", readonly=False
    )
    credit_bank_max_age_days = fields.Integer(
        related="company_id.credit_bank_max_age_days", readonly=False
    )
    credit_guard_receipts = fields.Boolean(
        related="company_id.credit_guard_receipts", readonly=False
    )
    credit_check_orders = fields.Selection(
        related="company_id.credit_check_orders", readonly=False
    )
    credit_hold_user_id = fields.Many2one(
        related="company_id.credit_hold_user_id", readonly=False
    )
    credit_release_amount = fields.Monetary(
        related="company_id.credit_release_amount",
        currency_field="currency_id",
        readonly=False,
    )
    credit_growth_percent = fields.Float(
        related="company_id.credit_growth_percent", readonly=False
    )
    credit_auto_release = fields.Boolean(
        related="company_id.credit_auto_release", readonly=False
    )
    credit_sales_amounts = fields.Boolean(
        related="company_id.credit_sales_amounts", readonly=False
    )
    credit_release_days = fields.Integer(
        related="company_id.credit_release_days", readonly=False
    )
    credit_dispute_approval = fields.Monetary(
        related="company_id.credit_dispute_approval",
        currency_field="currency_id",
        readonly=False,
    )
    credit_write_off_limit = fields.Monetary(
        related="company_id.credit_write_off_limit",
        readonly=False,
        currency_field="currency_id",
    )
    credit_write_off_account_id = fields.Many2one(
        related="company_id.credit_write_off_account_id", readonly=False
    )
    credit_dispute_pay_days = fields.Integer(
        related="company_id.credit_dispute_pay_days", readonly=False
    )
    credit_dispute_user_id = fields.Many2one(
        related="company_id.credit_dispute_user_id", readonly=False
    )
    credit_portal_disputes = fields.Boolean(
        related="company_id.credit_portal_disputes", readonly=False
    )
    credit_plan_grace_days = fields.Integer(
        related="company_id.credit_plan_grace_days", readonly=False
    )
    credit_plan_warning_days = fields.Integer(
        related="company_id.credit_plan_warning_days", readonly=False
    )
    credit_plan_notice_days = fields.Integer(
        related="company_id.credit_plan_notice_days", readonly=False
    )
    credit_plan_answer_days = fields.Integer(
        related="company_id.credit_plan_answer_days", readonly=False
    )
    credit_plan_most_parts = fields.Integer(
        related="company_id.credit_plan_most_parts", readonly=False
    )
    credit_plan_product_id = fields.Many2one(
        related="company_id.credit_plan_product_id", readonly=False
    )
    credit_plan_first_days = fields.Integer(
        related="company_id.credit_plan_first_days", readonly=False
    )
    credit_portal_plans = fields.Boolean(
        related="company_id.credit_portal_plans", readonly=False
    )
    credit_pending_days = fields.Integer(
        related="company_id.credit_pending_days", readonly=False
    )
    credit_letter_window = fields.Selection(
        related="company_id.credit_letter_window", readonly=False
    )
    credit_address_change = fields.Boolean(
        related="company_id.credit_address_change", readonly=False
    )
    credit_large_amount = fields.Monetary(
        related="company_id.credit_large_amount",
        currency_field="currency_id",
        readonly=False,
    )
    credit_count_drafts = fields.Boolean(
        related="company_id.credit_count_drafts", readonly=False
    )
    credit_work_cap = fields.Integer(
        related="company_id.credit_work_cap", readonly=False
    )
    credit_snooze_days = fields.Integer(
        related="company_id.credit_snooze_days", readonly=False
    )
    credit_score_months = fields.Integer(
        related="company_id.credit_score_months", readonly=False
    )
    credit_limit_four_eyes_amount = fields.Monetary(
        related="company_id.credit_limit_four_eyes_amount",
        currency_field="currency_id",
        readonly=False,
    )
    credit_limit_auto_cap = fields.Monetary(
        related="company_id.credit_limit_auto_cap",
        currency_field="currency_id",
        readonly=False,
    )
    credit_limit_auto = fields.Boolean(
        related="company_id.credit_limit_auto", readonly=False
    )
    credit_review_days_a = fields.Integer(
        related="company_id.credit_review_days_a", readonly=False
    )
    credit_review_days_b = fields.Integer(
        related="company_id.credit_review_days_b", readonly=False
    )
    credit_review_days_c = fields.Integer(
        related="company_id.credit_review_days_c", readonly=False
    )
    credit_review_days_d = fields.Integer(
        related="company_id.credit_review_days_d", readonly=False
    )
    credit_review_days_e = fields.Integer(
        related="company_id.credit_review_days_e", readonly=False
    )
    credit_review_days_none = fields.Integer(
        related="company_id.credit_review_days_none", readonly=False
    )
    credit_portal_show_limit = fields.Boolean(
        related="company_id.credit_portal_show_limit", readonly=False
    )
    credit_portal_ask_limit = fields.Boolean(
        related="company_id.credit_portal_ask_limit", readonly=False
    )
