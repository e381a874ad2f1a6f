from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from ..logic import instalments

RHYTHMS = [
    (instalments.WEEKLY, "Every Week"),
    (instalments.FORTNIGHTLY, "Every Two Weeks"),
    (instalments.MONTHLY, "Every Month"),
    (instalments.NAMED_DAYS, "On Named Days"),
]
ROUNDINGS = [
    ("none", "To the cent"),
    ("whole", "To whole amounts"),
    ("tens", "To tens"),
]


class CreditPaymentPlanMake(models.TransientModel):
    """Makes the draft of a payment plan: who pays what, in which parts."""

    _name = "credit.payment.plan.make"
    _description = "Make a Payment Plan"

    profile_id = fields.Many2one(
        "credit.profile", string="Credit File", required=True, readonly=True
    )
    company_id = fields.Many2one(related="profile_id.company_id")
    partner_id = fields.Many2one(related="profile_id.partner_id", string="Customer")
    counter_of_id = fields.Many2one(
        "credit.payment.plan",
        string="Instead Of",
        readonly=True,
        help="What the customer proposed: refused when this one is proposed.",
    )
    item_ids = fields.Many2many("account.move.line", string="What")
    currency_id = fields.Many2one(
        "res.currency", compute="_compute_currency_id", string="Currency of the Items"
    )
    open_amount = fields.Monetary(
        compute="_compute_open_amount", string="Open", help="What is open of the items."
    )
    first_date = fields.Date(
        string="First Payment",
        required=True,
        default=lambda self: self.env.company._credit_today(),
    )
    first_amount = fields.Monetary(
        string="Down Payment", help="0: the first part is like the others."
    )
    rhythm = fields.Selection(RHYTHMS, required=True, default=instalments.MONTHLY)
    pay_day = fields.Integer(
        help="Day of the month on which the customer pays, from the second part on. 0:"
        " the day of the first payment.",
    )
    mode = fields.Selection(
        [("count", "So Many Parts"), ("amount", "So Much a Part")],
        string="Divide By",
        required=True,
        default="count",
    )
    part_count = fields.Integer(string="Number of Parts", default=3)
    part_amount = fields.Monetary(string="Amount of a Part")
    day_ids = fields.One2many(
        "credit.payment.plan.make.day", "window_id", string="Days"
    )
    rounding = fields.Selection(ROUNDINGS, required=True, default="none")
    cost_fee = fields.Monetary(string="Fee", help="Without taxes.")
    cost_rate = fields.Float(
        string="Interest a Year (%)",
        digits=(6, 3),
        help="On each part, from today to the day of the part.",
    )
    may_charge = fields.Boolean(compute="_compute_may_charge")
    cost = fields.Monetary(
        compute="_compute_preview",
        string="Cost of Paying in Parts",
        help="Taxes included. It comes with the last part, and is invoiced when the"
        " plan starts.",
    )
    preview = fields.Text(compute="_compute_preview", string="Parts")
    problem = fields.Char(compute="_compute_preview", string="What Is Wrong")
    note = fields.Text()

    _pay_day_sensible = models.Constraint(
        "CHECK (pay_day BETWEEN 0 AND 31)", "A month has days from 1 to 31."
    )
    _cost_sensible = models.Constraint(
        "CHECK (cost_fee >= 0 AND cost_rate BETWEEN 0 AND 100)",
        "A fee is not less than nothing, interest is between 0 and 100 % a year.",
    )

    # === COMPUTE METHODS === #

    @api.depends("item_ids")
    def _compute_currency_id(self):
        for window in self:
            currencies = window.item_ids.currency_id
            window.currency_id = currencies[:1] or window.profile_id.currency_id

    @api.depends("item_ids")
    def _compute_open_amount(self):
        for window in self:
            window.open_amount = sum(window.item_ids.mapped("amount_residual_currency"))

    @api.depends(
        "item_ids",
        "first_date",
        "first_amount",
        "rhythm",
        "pay_day",
        "mode",
        "part_count",
        "part_amount",
        "rounding",
        "day_ids.date",
        "day_ids.amount",
        "cost_fee",
        "cost_rate",
    )
    def _compute_preview(self):
        """Show the parts as they would be, or what to put right."""
        for window in self:
            window.preview = window.problem = False
            window.cost = 0
            if not window.item_ids or not window.first_date:
                continue
            try:
                parts = window._find_parts()
                _net, cost = self.env["credit.payment.plan"]._find_cost(
                    window.profile_id,
                    window.currency_id,
                    parts,
                    window.cost_fee,
                    window.cost_rate,
                )
            except UserError as error:
                window.problem = str(error)
                continue
            window.cost = float(cost)
            parts = instalments.add_cost(parts, cost)
            window.preview = "\n".join(
                f"\N{BULLET} {format_date(self.env, part.day)}:"
                f" {window.currency_id.format(float(part.amount))}"
                for part in parts
            )

    @api.depends("partner_id")
    def _compute_may_charge(self):
        Plan = self.env["credit.payment.plan"]
        for window in self:
            window.may_charge = Plan._may_charge(window.partner_id)

    # === CONSTRAINT METHODS === #

    @api.constrains("profile_id", "item_ids", "counter_of_id")
    def _check_profile_id(self):
        """Take nothing that one may not see: the browser names it."""
        self.sudo(False).profile_id.check_access("read")
        self.sudo(False).counter_of_id.check_access("read")
        self.sudo(False).item_ids.check_access("read")

    # === ACTION METHODS === #

    @api.model
    def _open_for(self, profile, items=None, counter_of=None):
        """Return the window, with what is probably meant filled in.

        :param items: items that are looked at; the overdue ones when left out
        :param counter_of: what the customer proposed about them, if this answers it
        :raise UserError: nothing is open that could be planned
        """
        profile.check_access("write")
        # Open items are read by SQL: what was just posted or paid counts.
        self.env.flush_all()
        company = profile.company_id
        today = company._credit_today()
        free = profile._find_plannable(counter_of)
        if items is not None:
            free &= items
        late = free.filtered(
            lambda item: item.date_maturity and item.date_maturity < today
        )
        chosen = late if late and items is None else free
        chosen = chosen.sorted(lambda item: (item.date_maturity or today, item.id))
        first = chosen[:1]
        chosen = chosen.filtered(
            lambda item: (
                item.currency_id == first.currency_id
                and item.account_id == first.account_id
            )
        )
        if not chosen:
            raise UserError(
                self.env._("Nothing is open that no payment plan covers already.")
            )
        calendar = company._credit_calendar()
        wizard = self.create(
            {
                "profile_id": profile.id,
                "counter_of_id": counter_of and counter_of.id,
                "item_ids": [fields.Command.set(chosen.ids)],
                "first_date": calendar.next_working_day(fields.Date.add(today, days=7)),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Payment Plan"),
            "res_model": self._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_make(self):
        """Make the draft and show it: parts can be changed there by hand."""
        self.ensure_one()
        self.check_access("write")
        self.profile_id.check_access("write")
        if self.item_ids - self.profile_id.open_item_ids:
            raise ValidationError(
                self.env._(
                    "Choose open items of %(customer)s.",
                    customer=self.profile_id.partner_id.display_name,
                )
            )
        if not self.item_ids:
            raise UserError(
                self.env._("Choose what is to be paid: something that is still open.")
            )
        plan_sudo = self.env["credit.payment.plan"]._make(
            self.profile_id,
            self.item_ids,
            self._find_parts(),
            counter_of=self._get_countered(),
            fee=self.cost_fee,
            rate=self.cost_rate,
            note=self.note,
        )
        return plan_sudo.with_env(self.env)._get_records_action()

    # === BUSINESS METHODS === #

    def _get_countered(self):
        """Return the proposal of this customer that the new plan answers, if any."""
        return self.counter_of_id.filtered(
            lambda plan: (
                plan.profile_id == self.profile_id
                and plan.state == "proposed"
                and plan.source != "staff"
            )
        )

    def _find_parts(self):
        """Return the parts as they would be.

        :raise UserError: the wish makes no plan
        """
        self.ensure_one()
        return self.env["credit.payment.plan"]._propose_parts(
            self.currency_id.round(self.open_amount),
            {
                "first_date": self.first_date,
                "rhythm": self.rhythm,
                "mode": self.mode,
                "count": self.part_count,
                "amount": self.part_amount,
                "first_amount": self.first_amount,
                "pay_day": self.pay_day,
                "rounding": self.rounding,
                "days": [(row.date, row.amount) for row in self.day_ids if row.date],
            },
            self.currency_id,
            self.company_id._credit_calendar(),
        )


class CreditPaymentPlanMakeDay(models.TransientModel):
    """A day on which the customer wants to pay, and how much."""

    _name = "credit.payment.plan.make.day"
    _description = "Named Day of a Payment Plan"
    _order = "date, id"

    window_id = fields.Many2one(
        "credit.payment.plan.make", required=True, ondelete="cascade", index=True
    )
    currency_id = fields.Many2one(related="window_id.currency_id")
    date = fields.Date(string="Day", required=True)
    amount = fields.Monetary(help="0: an even share of what the others leave.")

    _amount_positive = models.Constraint(
        "CHECK (amount >= 0)", "An amount is not less than nothing."
    )
