from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain


class CreditExclusion(models.Model):
    """Why a customer, an invoice or one instalment is left alone, and until when."""

    _name = "credit.exclusion"
    _description = "Dunning Exclusion"
    _inherit = ["mail.thread"]
    _order = "create_date desc, id desc"
    _check_company_auto = True
    _rec_name = "reason"

    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self._default_company_id()
    )
    scope = fields.Selection(
        [
            ("customer", "Customer"),
            ("invoice", "Invoice"),
            ("item", "One Instalment"),
        ],
        required=True,
        default="customer",
        tracking=True,
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        compute="_compute_partner_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", index="btree_not_null", check_company=True
    )
    move_line_id = fields.Many2one(
        "account.move.line",
        string="Instalment",
        index="btree_not_null",
        check_company=True,
    )
    reason = fields.Char(required=True, tracking=True)
    until = fields.Date(
        tracking=True,
        help="Last day of the exclusion; it ends by itself. Empty: until somebody"
        " ends it.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Excluded By",
        default=lambda self: self._default_user_id(),
        readonly=True,
        copy=False,
    )
    is_current = fields.Boolean(
        compute="_compute_is_current", search="_search_is_current", string="In Force"
    )

    @api.model
    def _default_company_id(self):
        return self.env.company

    @api.model
    def _default_user_id(self):
        return self.env.user

    # === COMPUTE METHODS === #

    @api.depends("move_id", "move_line_id", "scope")
    def _compute_partner_id(self):
        for exclusion in self:
            move = exclusion.move_line_id.move_id or exclusion.move_id
            if move and exclusion.scope != "customer":
                exclusion.partner_id = move.commercial_partner_id

    @api.depends("active", "until")
    def _compute_is_current(self):
        for exclusion in self:
            today = exclusion.company_id._credit_today()
            exclusion.is_current = exclusion.active and (
                not exclusion.until or exclusion.until >= today
            )

    def _search_is_current(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = fields.Date.context_today(self)
        current = Domain("active", "=", True) & (
            Domain("until", "=", False) | Domain("until", ">=", today)
        )
        return current if True in value else ~current

    # === CONSTRAINT METHODS === #

    @api.constrains("scope", "move_id", "move_line_id")
    def _check_scope(self):
        for exclusion in self:
            if exclusion.scope == "invoice" and not exclusion.move_id:
                raise ValidationError(
                    self.env._("Choose the invoice that is to be left alone.")
                )
            if exclusion.scope == "item" and not exclusion.move_line_id:
                raise ValidationError(
                    self.env._("Choose the instalment that is to be left alone.")
                )

    @api.constrains("until")
    def _check_until(self):
        for exclusion in self:
            if (
                exclusion.until
                and exclusion.until < exclusion.company_id._credit_today()
            ):
                raise ValidationError(
                    self.env._(
                        "The last day of the exclusion, %(day)s, has passed. Choose a"
                        " later day, or leave it empty.",
                        day=exclusion.until,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_own_name(vals)
        exclusions = super().create(vals_list)
        exclusions._touch()
        return exclusions

    def write(self, vals):
        self._check_own_name(vals)
        res = super().write(vals)
        self._touch()
        return res

    def _check_own_name(self, vals):
        """Let nobody exclude in the name of somebody else: it is evidence."""
        name = vals.get("user_id", self.env.uid)
        if name != self.env.uid and not self.env.su:
            raise UserError(
                self.env._("An exclusion bears the name of whoever makes it.")
            )

    # === ACTION METHODS === #

    def action_end(self):
        """End the exclusion today; it stays as a trace."""
        self.check_access("write")
        self.active = False

    # === BUSINESS METHODS === #

    def _touch(self):
        """Have the figures of the customers looked at again."""
        for company, exclusions in self.grouped("company_id").items():
            self.env["credit.profile"]._touch(
                company, exclusions.partner_id.commercial_partner_id
            )
