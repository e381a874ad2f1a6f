from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

PAYS_AFTER_DAYS = 7  # suggested where nobody said a day


class CreditPromiseMixin(models.AbstractModel):
    """What a window asks of a promise: which items, how much, and by which day.

    A model that uses it has a ``profile_id``, the credit file of the customer.
    """

    _name = "credit.promise.mixin"
    _description = "Entry of a Promise"

    item_ids = fields.Many2many("account.move.line", string="What")
    currency_id = fields.Many2one(
        "res.currency", compute="_compute_currency_id", string="Currency of the Items"
    )
    open_amount = fields.Monetary(
        compute="_compute_open_amount", string="Open", help="What is open of the items."
    )
    promise_amount = fields.Monetary(
        string="Amount",
        compute="_compute_promise_amount",
        store=True,
        readonly=False,
        help="What is promised: all that is open of the items, or less.",
    )
    promise_date = fields.Date(
        string="Pays By",
        compute="_compute_promise_date",
        store=True,
        readonly=False,
    )

    @api.depends("item_ids")
    def _compute_currency_id(self):
        for window in self:
            currencies = window.item_ids.currency_id
            window.currency_id = currencies[:1] or window.profile_id.currency_id

    @api.depends("item_ids")
    def _compute_open_amount(self):
        for window in self:
            window.open_amount = sum(window.item_ids.mapped("amount_residual_currency"))

    @api.depends("item_ids")
    def _compute_promise_amount(self):
        for window in self:
            window.promise_amount = window.open_amount

    @api.depends("profile_id")
    def _compute_promise_date(self):
        for window in self:
            company = window.profile_id.company_id
            if company and not window.promise_date:
                day = company._credit_today() + timedelta(days=PAYS_AFTER_DAYS)
                calendar = company._credit_calendar()
                window.promise_date = calendar.next_working_day(day)

    @api.constrains("item_ids")
    def _check_item_ids(self):
        """Take no items that one may not see: the browser names them."""
        self.sudo(False).item_ids.check_access("read")

    @api.model
    def _suggest_items(self, profile, items=None):
        """Return what is probably meant: overdue items of one currency.

        :param items: those that are looked at; all that are open when left out
        """
        today = profile.company_id._credit_today()
        free = profile._find_promisable()
        if items is not None:
            free &= items
        late = free.filtered(
            lambda item: item.date_maturity and item.date_maturity < today
        )
        chosen = late if late and items is None else free
        chosen = chosen.sorted(lambda item: (item.date_maturity or today, item.id))
        currency = chosen[:1].currency_id
        return chosen.filtered(lambda item: item.currency_id == currency)

    def _check_is_of_customer(self):
        """Refuse items that are not open items of the customer.

        :raise ValidationError: rows come from outside
        """
        self.ensure_one()
        if self.item_ids - self.profile_id.open_item_ids:
            raise ValidationError(
                self.env._(
                    "Choose open items of %(customer)s.",
                    customer=self.profile_id.partner_id.display_name,
                )
            )

    def _give_promise(self, **vals):
        """Note the promise that the window describes; return it.

        :raise UserError: says what to put right
        """
        self.ensure_one()
        self.profile_id.check_access("write")
        self._check_is_of_customer()
        if self.currency_id.compare_amounts(self.promise_amount, self.open_amount) > 0:
            raise UserError(
                self.env._(
                    "No more can be promised than what is open of the items:"
                    " %(amount)s.",
                    amount=self.currency_id.format(self.open_amount),
                )
            )
        promise_sudo = self.env["credit.promise"]._give(
            self.profile_id,
            self.item_ids,
            self.promise_date,
            self.promise_amount,
            **vals,
        )
        promise = promise_sudo.with_env(self.env)
        if self.currency_id.compare_amounts(self.promise_amount, promise.amount) > 0:
            raise UserError(
                self.env._(
                    "Some of it is in dispute: at most %(amount)s can be promised.",
                    amount=self.currency_id.format(promise.amount),
                )
            )
        return promise
