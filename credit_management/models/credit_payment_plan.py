from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, format_date

from ..logic import instalments
from ..logic import plan as rule
from ..logic.money import to_decimal
from .credit_sql import take_turn

STATES = [
    (rule.DRAFT, "Draft"),
    (rule.PROPOSED, "Proposed"),
    (rule.ACTIVE, "Running"),
    (rule.KEPT, "Kept"),
    (rule.BROKEN, "Broken"),
    (rule.REFUSED, "Refused"),
    (rule.CANCELLED, "Cancelled"),
]
# What people may write; all else is written by what happens.
WRITABLE = {"note", "user_id", "contact_id"}
MOST_PARTS = 120


class CreditPaymentPlan(models.Model):
    """A customer pays open items in parts: an agreement beside the ledger.

    No entry is touched. What is paid is derived from what is still open of the items
    (``logic.instalments``), so that whatever happens in the books is seen here. Its
    state is changed by ``_move`` alone, which knows the allowed moves.
    """

    _name = "credit.payment.plan"
    _description = "Payment Plan"
    _inherit = ["credit.telling.mixin", "portal.mixin", "credit.task.mixin"]
    _order = "start_date desc, id desc"
    _check_company_auto = True
    _mail_post_access = "read"

    name = fields.Char(string="Number", readonly=True, copy=False)
    profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        required=True,
        index=True,
        readonly=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(related="profile_id.company_id", store=True)
    partner_id = fields.Many2one(
        related="profile_id.partner_id", store=True, string="Customer"
    )
    contact_id = fields.Many2one(
        "res.partner",
        help="Who hears from us about it, at the customer's.",
        domain="[('commercial_partner_id', '=', partner_id)]",
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    account_id = fields.Many2one(
        "account.account",
        string="Receivable Account",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Collector",
        tracking=True,
        domain="[('share', '=', False)]",
        help="Gets a task if the plan is broken.",
    )
    source = fields.Selection(
        [("staff", "Our Staff"), ("portal", "Customer"), ("link", "By Link")],
        string="Proposed By",
        required=True,
        readonly=True,
        default="staff",
        help="By link: somebody who had the link of a letter, without a login.",
    )
    note = fields.Text(help="For us: the customer does not see it.")
    state = fields.Selection(
        STATES,
        default=rule.DRAFT,
        required=True,
        readonly=True,
        tracking=True,
        group_expand="_expand_states",
        copy=False,
    )

    item_ids = fields.One2many(
        "credit.payment.plan.item", "plan_id", string="Items", readonly=True
    )
    line_ids = fields.One2many("credit.payment.plan.line", "plan_id", string="Parts")
    invoice_names = fields.Char(
        compute="_compute_invoice_names", store=True, string="Invoices"
    )
    amount = fields.Monetary(
        string="Agreed",
        required=True,
        readonly=True,
        tracking=True,
        aggregator="sum_currency",
        help="What was open of the items when the plan was made, and the cost of paying"
        " in parts.",
    )
    amount_company = fields.Monetary(
        string="Agreed, Company Currency",
        currency_field="company_currency_id",
        readonly=True,
    )
    amount_paid = fields.Monetary(
        string="Paid", readonly=True, aggregator="sum_currency", copy=False
    )
    amount_off = fields.Monetary(
        string="Credited or in Dispute",
        readonly=True,
        aggregator="sum_currency",
        copy=False,
        help="Taken off the last parts: credit notes, and what is in dispute now.",
    )
    amount_left = fields.Monetary(
        string="Still to Pay", readonly=True, aggregator="sum_currency", copy=False
    )
    amount_late = fields.Monetary(
        string="Late", readonly=True, aggregator="sum_currency", copy=False
    )
    next_date = fields.Date(string="Next Part", readonly=True, copy=False, index=True)
    part_count = fields.Integer(
        compute="_compute_days", store=True, string="Number of Parts"
    )
    end_date = fields.Date(compute="_compute_days", store=True, string="Last Part")

    start_date = fields.Date(string="Made On", required=True, readonly=True)
    active_date = fields.Date(string="Running Since", readonly=True, copy=False)
    closed_date = fields.Date(string="Ended On", readonly=True, copy=False)
    warned_date = fields.Date(
        string="Warned On", readonly=True, copy=False, tracking=True
    )
    warned_until = fields.Date(
        readonly=True,
        copy=False,
        help="Last day to pay what is late; after it the plan is broken.",
    )
    revived_date = fields.Date(string="Revived On", readonly=True, copy=False)
    end_reason = fields.Text(readonly=True, copy=False, tracking=True)

    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "A plan is about more than nothing."
    )
    _active_idx = models.Index("(company_id) WHERE state = 'active'")

    @api.model
    def _expand_states(self, states, domain):
        """Return the columns of the board in their order; the dead ones only if any."""
        shown = (rule.DRAFT, rule.PROPOSED, rule.ACTIVE, rule.KEPT, rule.BROKEN)
        return [state for state, _label in STATES if state in states or state in shown]

    # === COMPUTE METHODS === #

    def _compute_access_url(self):
        res = super()._compute_access_url()
        for plan in self:
            plan.access_url = f"/my/payment-plans/{plan.id}"
        return res

    @api.depends("name", "partner_id")
    def _compute_display_name(self):
        for plan in self:
            names = (plan.name, plan.partner_id.display_name)
            plan.display_name = " – ".join(filter(None, names))

    @api.depends("item_ids.name")
    def _compute_invoice_names(self):
        for plan in self:
            names = dict.fromkeys(filter(None, plan.item_ids.mapped("name")))
            plan.invoice_names = ", ".join(names)

    @api.depends("line_ids.date")
    def _compute_days(self):
        for plan in self:
            plan.part_count = len(plan.line_ids)
            plan.end_date = max(
                filter(None, plan.line_ids.mapped("date")), default=False
            )

    # === CRUD METHODS === #

    def write(self, vals):
        """Let people note something, and change the parts of a draft."""
        closed = {
            name
            for name in set(vals) - WRITABLE
            if not name.startswith(("activity_", "message_"))
        }
        if self and all(plan.state == rule.DRAFT for plan in self):
            closed.discard("line_ids")
        if closed and not self.env.su:
            raise UserError(
                self.env._(
                    "This part of a plan cannot be written by hand: %(fields)s."
                    " Cancel it and make a new one.",
                    fields=", ".join(sorted(closed)),
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._("A payment plan is evidence and is kept. Cancel it instead.")
        )

    # === ACTION METHODS === #

    def action_activate(self):
        """Start plans that were agreed with the customer, by phone for instance."""
        self.check_access("write")
        for plan in self:
            if plan.state not in (rule.DRAFT, rule.PROPOSED):
                plan._refuse_move(rule.ACTIVE)
            plan._keep_agreement(self.env.user.name, "staff")
            plan._activate()
            plan._tell_running()

    def action_cancel(self):
        """End plans by agreement: reminders go on."""
        self.check_access("write")
        for plan in self:
            plan._cancel()

    def action_break(self):
        """End running plans that were not kept: the whole is due again."""
        self.check_access("write")
        for plan in self:
            plan._break()

    def action_revive(self):
        """Let a broken plan run again, once; the late parts get a new last day."""
        self._check_is_manager()
        for plan in self:
            plan._revive()

    def action_open_profile(self):
        """Open the credit file of the customer."""
        self.ensure_one()
        self.check_access("read")
        return self.profile_id._get_records_action()

    def action_view_invoices(self):
        """Open the invoices that it covers."""
        self.ensure_one()
        self.check_access("read")
        moves = self.item_ids.move_id
        return moves._get_records_action(name=self.env._("Invoices"))

    def _check_is_manager(self):
        self.check_access("write")
        if not self.env.user.has_group("credit_management.group_credit_manager"):
            raise AccessError(
                self.env._("Only a credit manager lets a broken plan run again.")
            )

    # === MADE === #

    @api.model
    def _make(self, profile, items, parts, counter_of=None, fee=0, rate=0, **vals):
        """Make the draft of a plan; the caller checked who may, and whose items.

        :param items: open items of one currency and one receivable account
        :param counter_of: what the customer proposed for the same, if this answers it
        :param fee: what paying in parts costs, without taxes, in the currency of the
            items; ``rate``: interest, percent a year. It comes with the last part.
        :param parts: rows of ``instalments.Instalment`` that add up to what is open
        :return: the plan, with sudo
        :raise UserError: says what to put right
        """
        company = profile.company_id
        today = company._credit_today()
        counter_of = counter_of or self.browse()
        items_sudo = counter_of._check_items(profile, items).sudo()
        total = sum(map(to_decimal, items_sudo.mapped("amount_residual_currency")))
        currency = items_sudo.currency_id
        self._check_parts(currency, parts, total, today)
        net, cost = self._find_cost(profile, currency, parts, fee, rate)
        if cost:
            parts = instalments.add_cost(parts, cost)
            total += cost
            vals |= {"cost": float(cost), "cost_net": float(net)}
        if self._may_charge(profile.partner_id):
            vals |= {"cost_fee": fee, "cost_rate": rate}
        vals.setdefault("source", "staff")
        # sudo: made by whoever may. For customers the program acts.
        by_staff = vals["source"] == "staff"
        Plan_sudo = self.sudo() if by_staff else self.with_user(SUPERUSER_ID)
        Plan_sudo = Plan_sudo.with_company(company)
        credited = Plan_sudo._read_credited(items_sudo.ids)
        return Plan_sudo.create(
            {
                "name": Plan_sudo.env["ir.sequence"].next_by_code(
                    "credit.payment.plan"
                ),
                "profile_id": profile.id,
                "counter_of_id": counter_of.id,
                "contact_id": self._find_contact(company, items_sudo).id,
                "currency_id": currency.id,
                "account_id": items_sudo.account_id.id,
                "user_id": profile._get_informed_user(self.env.user).id,
                "start_date": today,
                "amount": float(total),
                "amount_left": float(total),
                "amount_company": currency._convert(
                    float(total), company.currency_id, company, today
                ),
                "next_date": parts[0].day,
                "item_ids": [
                    fields.Command.create(
                        {
                            "move_line_id": item_sudo.id,
                            "move_id": item_sudo.move_id.id,
                            "name": item_sudo.move_id.name,
                            "date_maturity": item_sudo.date_maturity,
                            "amount": item_sudo.amount_residual_currency,
                            "credited_before": float(credited.get(item_sudo.id, 0)),
                        }
                    )
                    for item_sudo in items_sudo
                ],
                "line_ids": [
                    fields.Command.create(
                        {"date": part.day, "amount": float(part.amount)}
                    )
                    for part in parts
                ],
            }
            | vals
        )

    @api.model
    def _find_contact(self, company, items_sudo):
        """Return who hears of it: who would hear of a reminder of the oldest item."""
        oldest_sudo = items_sudo[:1]
        customer = oldest_sudo.partner_id.commercial_partner_id
        asked = oldest_sudo.move_id.partner_id or customer
        # sudo: who is written to is found as for letters.
        contacts = (
            self.env["credit.dunning.facts"]
            .sudo()
            ._get_contacts(
                [{"customer_id": customer.id, "move_partner_id": asked.id}], company
            )
        )
        return self.env["res.partner"].browse(contacts[customer.id, asked.id])

    def _check_items(self, profile, items):
        """Return what a plan may cover, by due date.

        :raise UserError: currencies or accounts differ, a discount for early payment
            still runs, all is in dispute, or another plan covers it
        """
        company = profile.company_id
        today = company._credit_today()
        # sudo: open items of a customer whose file one may use.
        items_sudo = items.sudo().filtered(
            lambda item: (
                item.parent_state == "posted"
                and item.amount_residual_currency > 0
                and item.account_id.account_type == "asset_receivable"
            )
        )
        items_sudo = items_sudo.sorted(
            lambda item: (item.date_maturity or today, item.id)
        )
        if not items_sudo:
            raise UserError(
                self.env._("Choose what is to be paid: something that is still open.")
            )
        if len(items_sudo.currency_id) > 1:
            raise UserError(
                self.env._(
                    "One plan is about amounts in one currency. Make one for each."
                )
            )
        if len(items_sudo.account_id) > 1:
            raise UserError(
                self.env._(
                    "These items stand on several receivable accounts: %(accounts)s."
                    " Make one plan for each.",
                    accounts=", ".join(items_sudo.account_id.mapped("display_name")),
                )
            )
        if (
            items_sudo.company_id != company
            or items_sudo.partner_id.commercial_partner_id != profile.partner_id
        ):
            raise UserError(
                self.env._(
                    "Choose open items of %(customer)s.",
                    customer=profile.partner_id.display_name,
                )
            )
        self._check_no_discount(items_sudo, today)
        self._check_no_other(items_sudo)
        free = self.env["credit.promise"]._find_free(company, today, items_sudo)
        disputed = [
            item.move_id.name
            for item, amount in zip(items_sudo, free, strict=True)
            if amount <= 0
        ]
        if disputed:
            raise UserError(
                self.env._(
                    "%(invoices)s: all of it is in dispute. Leave it out, or settle the"
                    " dispute first.",
                    invoices=", ".join(disputed),
                )
            )
        return items.browse(items_sudo.ids)

    @api.model
    def _check_no_discount(self, items_sudo, today):
        discounted = items_sudo.move_id.filtered(
            lambda move: (
                move.invoice_date
                and move._is_eligible_for_early_payment_discount(
                    move.currency_id, today
                )
            )
        )
        if discounted:
            raise UserError(
                self.env._(
                    "%(invoices)s: the discount for early payment still runs. Make the"
                    " plan when it is over.",
                    invoices=", ".join(discounted.mapped("name")),
                )
            )

    def _check_no_other(self, items_sudo):
        """Refuse what another plan covers; the database refuses two at once."""
        other_sudo = self._find_holding(items_sudo) - self.sudo()
        if other_sudo:
            raise UserError(
                self.env._(
                    "%(invoices)s: payment plan %(name)s covers it already. End that"
                    " one first.",
                    invoices=other_sudo[:1].invoice_names,
                    name=other_sudo[:1].name,
                )
            )

    @api.model
    def _find_holding(self, items):
        """Return, with sudo, the plans, running or proposed, that cover any item."""
        # sudo: whether an item is planned does not depend on who asks.
        return self.sudo().search(
            [
                ("state", "in", rule.HOLDING_STATES),
                ("item_ids.move_line_id", "in", items.ids),
            ]
        )

    @api.model
    def _check_parts(self, currency, parts, total, today):
        """Refuse parts that make no plan.

        :raise UserError: says what to put right
        """
        parts = list(parts)
        if not 0 < len(parts) <= MOST_PARTS:
            raise UserError(
                self.env._("A plan has between 1 and %(most)s parts.", most=MOST_PARTS)
            )
        days = [part.day for part in parts]
        if any(not day or day < today for day in days):
            raise UserError(self.env._("Each part falls due today or later."))
        if days != sorted(set(days)):
            raise UserError(self.env._("Each part falls due after the one before."))
        if any(part.amount <= 0 for part in parts):
            raise UserError(self.env._("Each part is more than nothing."))
        asked = sum((part.amount for part in parts), rule.ZERO)
        if asked != total:
            raise UserError(
                self.env._(
                    "The parts come to %(parts)s, what is to be paid is %(total)s.",
                    parts=currency.format(float(asked)),
                    total=currency.format(float(total)),
                )
            )

    # === MOVES === #

    def _refuse_move(self, target):
        self.ensure_one()
        labels = dict(self._fields["state"]._description_selection(self.env))
        raise UserError(
            self.env._(
                "Payment plan %(name)s is “%(state)s” and cannot become “%(target)s”.",
                name=self.name,
                state=labels[self.state],
                target=labels[target],
            )
        )

    def _move(self, target, **vals):
        """Bring a plan to another state: the one door, whoever asks.

        The caller checked who may.

        :raise UserError: the state does not allow it, or another plan covers the same
        """
        self.ensure_one()
        self._lock()
        if not rule.may_move(self.state, target):
            self._refuse_move(target)
        if target in rule.HOLDING_STATES and self.state not in rule.HOLDING_STATES:
            # sudo: see ``_find_holding``.
            self._check_no_other(self.sudo().item_ids.move_line_id)
        today = self.company_id._credit_today()
        closed = target in rule.CLOSED_STATES
        # sudo: what happened is written by what happens, after the checks.
        plan_sudo = self.sudo()
        values = {"state": target, "closed_date": today if closed else False}
        if closed:
            values["next_date"] = False
        plan_sudo.write(values | vals)
        # Now: that another plan covers an item is told here and not at the end.
        plan_sudo.flush_recordset()
        plan_sudo.item_ids.flush_recordset()
        self.env["credit.profile"]._touch(self.company_id, self.partner_id)

    def _lock(self):
        """Wait for whoever moves this plan: two at once move it one by one."""
        self.flush_recordset()
        self.env.execute_query(
            SQL("SELECT id FROM credit_payment_plan WHERE id = %s FOR UPDATE", self.id)
        )

    def _take_turn(self):
        """Let those who pay a plan, or what it covers, come one after the other."""
        self.profile_id._take_turn()
        take_turn(self)

    def _activate(self):
        """Let a plan run; the caller checked who may.

        :raise UserError: nothing is left to pay, or the parts do not add up
        """
        self.ensure_one()
        today = self.company_id._credit_today()
        plan_sudo = self.sudo()  # sudo: the parts of a plan one may start.
        if self.state in (rule.DRAFT, rule.PROPOSED):
            # Parts of a draft may have been changed by hand, days may have passed.
            self._check_agreed_parts(today)
        account = plan_sudo._read_accounts(today)[plan_sudo]
        if account.remaining <= 0:
            raise UserError(
                self.env._(
                    "Nothing is left to pay of what %(name)s covers.", name=self.name
                )
            )
        self._check_no_discount(plan_sudo.item_ids.move_line_id, today)
        self._move(rule.ACTIVE, active_date=today)
        plan_sudo._invoice_cost()
        # What was promised of it is agreed anew, and better.
        self.env["credit.promise"]._find_open(
            plan_sudo.item_ids.move_line_id
        )._withdraw("plan")
        plan_sudo._refresh(today)

    def _cancel(self, reason=False):
        """End plans by agreement; the caller checked who may."""
        self.ensure_one()
        was = self.state
        self._move(rule.CANCELLED, end_reason=reason, warned_until=False)
        self._end_tasks()
        if was != rule.DRAFT:
            spoken = self._speak()
            spoken._post_to_customer(
                spoken.env._("Payment plan %(name)s has ended", name=self.name),
                spoken.env._(
                    "Payment plan %(name)s has ended. What is still open is due as the"
                    " invoices say.",
                    name=self.name,
                ),
                reason or "",
            )

    def _break(self):
        """Note that a plan was not kept: the whole is due again."""
        self.ensure_one()
        self._move(rule.BROKEN)
        spoken = self._speak()
        spoken._post_to_customer(
            spoken.env._("Payment plan %(name)s has ended", name=self.name),
            spoken.env._(
                "Payment plan %(name)s was not kept and has ended. The whole of what is"
                " still open, %(amount)s, is due again.",
                name=self.name,
                amount=self.currency_id.format(self.amount_left),
            ),
        )
        self._ask_collector(lambda env: env._("A payment plan was broken"))

    def _revive(self):
        """Let a broken plan run again; what is late gets a new last day."""
        self.ensure_one()
        if self.revived_date:
            raise UserError(
                self.env._(
                    "Payment plan %(name)s was revived once already. Make a new one.",
                    name=self.name,
                )
            )
        if self.state != rule.BROKEN:
            self._refuse_move(rule.ACTIVE)
        company, today = self.company_id, self.company_id._credit_today()
        # sudo: how many days a company gives is no secret.
        until = rule.find_warned_until(
            today, company.sudo().credit_plan_warning_days, company._credit_calendar()
        )
        plan_sudo = self.sudo()  # sudo: figures are the program's
        plan_sudo._refresh(today)
        warned = {}
        if self.amount_late:
            warned = {"warned_date": today, "warned_until": until}
        self._move(rule.ACTIVE, revived_date=today, **warned)
        self._end_tasks()
        plan_sudo._refresh(today)
        spoken = self._speak()
        spoken._post_to_customer(
            spoken.env._("Payment plan %(name)s goes on", name=self.name),
            spoken.env._(
                "Payment plan %(name)s goes on. Please pay what is late, %(amount)s, by"
                " %(day)s.",
                name=self.name,
                amount=self.currency_id.format(self.amount_late),
                day=format_date(spoken.env, until),
            )
            if warned
            else spoken.env._(
                "Payment plan %(name)s goes on as it was agreed.", name=self.name
            ),
        )

    def _end_tasks(self):
        # sudo: the tasks of colleagues, too, are done with.
        self.sudo().activity_unlink(["mail.mail_activity_data_todo"])

    def _ask_collector(self, say, deadline=None):
        """Give the collector a task, see ``_give_task``; for today if not said else."""
        self.ensure_one()
        self._give_task(
            self.profile_id._get_informed_user(self.user_id),
            say,
            deadline or self.company_id._credit_today(),
        )

    @api.model
    def _propose_parts(self, total, wish, currency, calendar):
        """Return the parts that a wish comes to; the calculator of both sides.

        :param wish: dict with ``first_date``, ``rhythm``, ``mode`` (count or amount),
            ``count``, ``amount``, ``first_amount``, ``pay_day`` and ``rounding``; or,
            for named days, ``days``: pairs of day and amount, 0 for a share of the rest
        :raise UserError: it makes no plan
        """
        steps = {"whole": 1, "tens": 10}
        step = to_decimal(steps.get(wish.get("rounding"), currency.rounding))
        if wish["rhythm"] == instalments.NAMED_DAYS:
            return self._propose_days(total, wish["days"], step, currency)
        try:
            return instalments.design(
                to_decimal(total),
                first=wish["first_date"],
                rhythm=wish["rhythm"],
                step=max(step, to_decimal(currency.rounding)),
                count=wish["count"] if wish["mode"] == "count" else None,
                amount=to_decimal(wish.get("amount")),
                first_amount=to_decimal(wish.get("first_amount")),
                pay_day=wish.get("pay_day") or None,
                calendar=calendar,
                most=MOST_PARTS,
            )
        except instalments.UnsuitablePlan as error:
            raise UserError(
                self.env._(
                    "This makes no plan: choose fewer parts, a larger amount or a"
                    " smaller first payment."
                )
            ) from error

    @api.model
    def _propose_days(self, total, wishes, step, currency):
        """Return the parts that named days come to: pairs of day and amount."""
        wishes = [(day, to_decimal(currency.round(amount))) for day, amount in wishes]
        try:
            return instalments.design_by_days(to_decimal(total), wishes, step)
        except instalments.UnsuitablePlan as error:
            raise UserError(
                self.env._(
                    "These days make no plan: name each day once, and amounts that come"
                    " to %(total)s, or leave some empty to share the rest.",
                    total=currency.format(float(total)),
                )
            ) from error
