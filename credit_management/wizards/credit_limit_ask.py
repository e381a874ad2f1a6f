from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class CreditLimitAsk(models.TransientModel):
    """A salesperson asks for a limit for a customer of theirs, and knows no more.

    Every employee may open the window; for which customers somebody may ask is decided
    here. Whoever asks sees the own request and what became of it, on the customer.
    """

    _name = "credit.limit.ask"
    _description = "Ask for a Credit Limit"
    _check_company_auto = True

    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        check_company=True,
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self._company(),
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount = fields.Monetary(string="Credit Limit", required=True)
    reason = fields.Text(
        required=True, help="Credit managers read it: orders to come, season, promises."
    )
    date_until = fields.Date(string="Until", help="Empty: for good.")

    @api.model
    def _company(self):
        return self.env.company

    @api.model_create_multi
    def create(self, vals_list):
        """Let nobody even open it for a customer who is not theirs.

        :raise AccessError: it is somebody else's customer
        """
        windows = super().create(vals_list)
        for window in windows:
            window.partner_id._check_may_ask_limit()
        return windows

    @api.constrains("company_id", "partner_id")
    def _check_company_id(self):
        """Keep the window with its customer and company, whoever writes into it."""
        allowed = self.env.user._get_company_ids()
        for window in self:
            if window.company_id.id not in allowed:
                raise AccessError(
                    self.env._("Ask for a limit in a company that you work for.")
                )
            window.partner_id._check_may_ask_limit()

    def action_ask(self):
        """Hand the request in.

        :raise AccessError: it is somebody else's customer
        :raise UserError: what is missing, or one waits already
        """
        self.ensure_one()
        self.check_access("write")
        partner = self.partner_id
        partner._check_may_ask_limit()
        if self.company_id not in self.env.companies:
            raise AccessError(
                self.env._("Ask for a limit in a company that you work for.")
            )
        if self.amount <= 0 or not (self.reason or "").strip():
            raise UserError(self.env._("Say how much, and why."))
        profile = self.env["credit.profile"]._get_or_create(self.company_id, partner)
        if partner._find_own_limit_request(self.company_id).state == "submitted":
            raise UserError(
                self.env._(
                    "You asked for a limit for this customer already: it is not decided"
                    " yet."
                )
            )
        self.env["credit.limit.request"]._hand_in(
            profile,
            "salesperson",
            self.amount,
            self.reason.strip(),
            date_until=self.date_until,
            requested_by=self.env.uid,
        )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "Asked. You get a task once it is decided; the customer shows it,"
                    " too."
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
