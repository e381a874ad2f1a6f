from collections import defaultdict
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..logic import dunning
from ..logic import promise as rule
from ..logic.money import to_decimal

STATES = [
    (rule.OPEN, "Open"),
    (rule.BROKEN, "Broken"),
    (rule.PARTLY_KEPT, "Kept in Part"),
    (rule.KEPT, "Kept"),
    (rule.WITHDRAWN, "Withdrawn"),
]
# What people may write; all else is written by what happens.
WRITABLE = {"note", "user_id"}
# What was decided is looked at again for so long: a payment may be booked late.
LOOK_BACK_DAYS = 90
BATCH = 500


class CreditPromise(models.Model):
    """What a customer said: this amount, by that day, for these items.

    The ledger decides what became of it, by the rule in ``logic.promise``: at once when
    somebody matches a payment, and by a job when its day has passed.
    """

    _name = "credit.promise"
    _description = "Promise to Pay"
    _inherit = ["mail.thread", "credit.task.mixin"]
    _order = "date desc, id desc"
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
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    user_id = fields.Many2one(
        "res.users",
        string="Collector",
        tracking=True,
        domain="[('share', '=', False)]",
        help="Gets a task if the promise is not kept.",
    )
    given_by = fields.Many2one(
        "res.partner",
        readonly=True,
        ondelete="restrict",
        help="Who gave the promise, at the customer's.",
    )
    source = fields.Selection(
        [("staff", "Our Staff"), ("portal", "Customer"), ("link", "By Link")],
        string="Noted By",
        required=True,
        readonly=True,
        help="By link: somebody who had the link of a letter, without a login.",
    )
    call_id = fields.Many2one(
        "credit.call", readonly=True, ondelete="set null", index="btree_not_null"
    )
    note = fields.Text()

    given_date = fields.Date(string="Given On", required=True, readonly=True)
    date = fields.Date(
        string="Pays By", required=True, readonly=True, tracking=True, index=True
    )
    tolerance_days = fields.Integer(
        readonly=True,
        help="Working days after the promised day on which a payment still counts as in"
        " time.",
    )
    last_date = fields.Date(
        string="Last Day",
        required=True,
        readonly=True,
        help="Promised day with its tolerance: paid by then, the promise is kept.",
    )
    state = fields.Selection(
        STATES,
        default=rule.OPEN,
        required=True,
        readonly=True,
        tracking=True,
        group_expand="_expand_states",
    )
    decided_date = fields.Date(string="Decided On", readonly=True, copy=False)
    withdrawn_by = fields.Selection(
        [
            ("staff", "Our Staff"),
            ("customer", "Customer"),
            ("ledger", "Nothing owed any more"),
            ("newer", "A newer promise"),
            ("plan", "A payment plan"),
        ],
        readonly=True,
        copy=False,
    )
    task_date = fields.Date(
        readonly=True,
        copy=False,
        help="Day on which somebody was asked to look after the broken promise.",
    )

    line_ids = fields.One2many(
        "credit.promise.line", "promise_id", string="Items", readonly=True
    )
    invoice_names = fields.Char(
        compute="_compute_invoice_names", store=True, string="Invoices"
    )
    amount = fields.Monetary(
        string="Promised",
        required=True,
        readonly=True,
        tracking=True,
        aggregator="sum_currency",
    )
    amount_due = fields.Monetary(
        string="To Be Paid",
        readonly=True,
        aggregator="sum_currency",
        help="What was promised, less where credit notes took it off since.",
    )
    amount_kept = fields.Monetary(
        string="Paid in Time", readonly=True, aggregator="sum_currency"
    )
    amount_company = fields.Monetary(
        string="Promised, Company Currency",
        currency_field="company_currency_id",
        readonly=True,
    )
    amount_due_company = fields.Monetary(
        compute="_compute_amounts_company",
        store=True,
        string="To Be Paid, Company Currency",
        currency_field="company_currency_id",
    )
    amount_kept_company = fields.Monetary(
        compute="_compute_amounts_company",
        store=True,
        string="Paid in Time, Company Currency",
        currency_field="company_currency_id",
    )
    kept_share = fields.Float(
        compute="_compute_kept_share",
        store=True,
        string="Kept Rate",
        aggregator="avg",
        help="1 for a promise that was kept in full, 0 for any other.",
    )
    portal_key = fields.Char(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="Of the form the customer sent: sent twice, it makes one promise.",
    )

    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "What is promised is more than nothing."
    )
    _portal_key_uniq = models.UniqueIndex(
        "(profile_id, portal_key) WHERE portal_key IS NOT NULL",
        "This form was sent already.",
    )
    _open_idx = models.Index("(company_id, last_date) WHERE state = 'open'")

    @api.model
    def _expand_states(self, states, domain):
        """Return the columns of the board in their order; withdrawn only if any."""
        return [
            state
            for state, _label in STATES
            if state in states or state != rule.WITHDRAWN
        ]

    # === COMPUTE METHODS === #

    @api.depends("name", "partner_id")
    def _compute_display_name(self):
        for promise in self:
            names = (promise.name, promise.partner_id.display_name)
            promise.display_name = " – ".join(filter(None, names))

    @api.depends("line_ids.name")
    def _compute_invoice_names(self):
        for promise in self:
            names = dict.fromkeys(filter(None, promise.line_ids.mapped("name")))
            promise.invoice_names = ", ".join(names)

    @api.depends("amount", "amount_due", "amount_kept", "amount_company")
    def _compute_amounts_company(self):
        """Take the rate of the day on which the promise was given."""
        for promise in self:
            rate = promise.amount_company / promise.amount if promise.amount else 0
            promise.amount_due_company = promise.amount_due * rate
            promise.amount_kept_company = promise.amount_kept * rate

    @api.depends("state")
    def _compute_kept_share(self):
        for promise in self:
            promise.kept_share = float(promise.state == rule.KEPT)

    # === CRUD METHODS === #

    def write(self, vals):
        """Let people choose the collector and note something; the rest is evidence."""
        closed = {
            name
            for name in set(vals) - WRITABLE
            if not name.startswith(("activity_", "message_"))
        }
        if closed and not self.env.su:
            raise UserError(
                self.env._(
                    "This part of a promise cannot be written by hand: %(fields)s."
                    " Withdraw it and note a new one.",
                    fields=", ".join(sorted(closed)),
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._("A promise is evidence and is kept. Withdraw it instead.")
        )

    # === ACTION METHODS === #

    def action_withdraw(self):
        """Note that the promise does not hold any more: reminders go on."""
        self.check_access("write")
        self._check_is_open()
        self._withdraw("staff")

    def action_open_profile(self):
        """Open the credit file of the customer."""
        self.ensure_one()
        self.check_access("read")
        return self.profile_id._get_records_action()

    def action_view_invoices(self):
        """Open the invoices that it is about."""
        self.ensure_one()
        self.check_access("read")
        moves = self.line_ids.move_id
        return moves._get_records_action(name=self.env._("Invoices"))

    def action_log_call(self):
        """Open the window of a call with the customer."""
        self.ensure_one()
        return self.profile_id.action_log_call()

    # === GIVEN === #

    @api.model
    def _give(self, profile, items, day, amount=None, **vals):
        """Note a promise; the caller checked who may, and that the items are theirs.

        :param items: open items of one currency
        :param amount: in that currency; all that is open of the items and not in
            dispute when left out, and never more than that
        :param vals: further values, such as ``source`` and ``given_by``
        :return: the promise, with sudo
        :raise UserError: says what to put right
        """
        company = profile.company_id
        today = company._credit_today()
        if not day or day < today:
            raise UserError(
                self.env._("Choose the day of the payment: today or later.")
            )
        items = self._check_items(items)
        currency = items.currency_id
        # sudo: an open item of a customer whose file one may use.
        items_sudo = items.sudo().sorted(
            lambda item: (item.date_maturity or today, item.id)
        )
        free = self._find_free(company, today, items_sudo)
        asked = sum(free) if amount is None else to_decimal(currency.round(amount))
        if sum(free) <= 0:
            raise UserError(self.env._("All of it is in dispute: nobody asks for it."))
        if asked <= 0:
            raise UserError(self.env._("Say how much is promised: more than nothing."))
        parts = rule.share_out(min(asked, sum(free)), free)
        total = float(sum(parts))
        vals.setdefault("source", "staff")
        # sudo: noted by whoever may. For customers the program acts.
        by_staff = vals["source"] == "staff"
        Promise_sudo = self.sudo() if by_staff else self.with_user(SUPERUSER_ID)
        Promise_sudo = Promise_sudo.with_company(company)
        policy = profile.sudo().policy_used_id  # sudo: the rules of this customer
        paid = self._read_paid(items_sudo.ids)
        promise_sudo = Promise_sudo.create(
            {
                "name": Promise_sudo.env["ir.sequence"].next_by_code("credit.promise"),
                "profile_id": profile.id,
                "currency_id": currency.id,
                "user_id": profile._get_informed_user(self.env.user).id,
                "given_date": today,
                "date": day,
                "tolerance_days": policy.promise_tolerance_days,
                "last_date": rule.find_last_day(
                    day, policy.promise_tolerance_days, company._credit_calendar()
                ),
                "amount": total,
                "amount_due": total,
                "amount_company": currency._convert(
                    total, company.currency_id, company, today
                ),
                "line_ids": [
                    fields.Command.create(
                        {
                            "move_line_id": item_sudo.id,
                            "move_id": item_sudo.move_id.id,
                            "name": item_sudo.move_id.name,
                            "date_maturity": item_sudo.date_maturity,
                            "amount": float(part),
                            "paid_before": float(paid.get(item_sudo.id, 0)),
                        }
                    )
                    for item_sudo, part in zip(items_sudo, parts, strict=True)
                    if part > 0
                ],
            }
            | vals
        )
        # Now, and not at the end: an item that is promised already is told here.
        promise_sudo.flush_recordset()
        promise_sudo.line_ids.flush_recordset()
        promise_sudo._settle_tasks()
        promise_sudo._touch()
        return promise_sudo

    @api.model
    def _find_free(self, company, today, items_sudo):
        """Return what is open of items and not in dispute, in their order."""
        Facts_sudo = self.env["credit.dunning.facts"].sudo()  # sudo: see ``_give``
        self.env.flush_all()
        rows = Facts_sudo._read_lines(
            company, items_sudo.partner_id.commercial_partner_id
        )
        disputed = Facts_sudo._read_disputed(company, today, rows)
        return [
            max(
                to_decimal(item_sudo.amount_residual_currency)
                - disputed.get(item_sudo.id, 0),
                rule.ZERO,
            )
            for item_sudo in items_sudo
        ]

    @api.model
    def _check_items(self, items):
        """Return the items of which something is open.

        :raise UserError: nothing is, currencies differ, or one is promised already
        """
        # sudo: open items of a customer whose file one may use.
        items_sudo = items.sudo().filtered(
            lambda item: (
                item.parent_state == "posted" and item.amount_residual_currency > 0
            )
        )
        if not items_sudo:
            raise UserError(
                self.env._("Choose what is to be paid: something that is still open.")
            )
        if len(items_sudo.currency_id) > 1:
            raise UserError(
                self.env._(
                    "One promise is about amounts in one currency. Note one for each."
                )
            )
        planned_sudo = self.env["credit.payment.plan"]._find_holding(items_sudo)[:1]
        if planned_sudo:
            raise UserError(
                self.env._(
                    "%(invoices)s: payment plan %(name)s covers it. It is not promised"
                    " as well.",
                    invoices=planned_sudo.invoice_names,
                    name=planned_sudo.name,
                )
            )
        standing_sudo = self._find_open(items_sudo)[:1]
        if standing_sudo:
            raise UserError(
                self.env._(
                    "%(invoices)s: promised already, by %(day)s. Withdraw that promise"
                    " first.",
                    invoices=standing_sudo.invoice_names,
                    day=format_date(self.env, standing_sudo.date),
                )
            )
        return items.browse(items_sudo.ids)

    @api.model
    def _find_open(self, items):
        """Return, with sudo, the open promises about any of the items."""
        # sudo: whether an item is promised does not depend on who asks.
        return self.sudo().search(
            [("state", "=", rule.OPEN), ("line_ids.move_line_id", "in", items.ids)]
        )

    def _settle_tasks(self):
        """End the tasks about earlier promises: the customer gave a new one."""
        # sudo: the tasks of colleagues, too, are done with.
        earlier_sudo = self.sudo().search(
            [
                ("profile_id", "in", self.profile_id.ids),
                ("state", "in", (rule.BROKEN, rule.PARTLY_KEPT)),
                ("line_ids.move_line_id", "in", self.line_ids.move_line_id.ids),
            ]
        )
        earlier_sudo.activity_unlink(["mail.mail_activity_data_todo"])

    def _check_is_open(self):
        """Refuse where a promise is decided or withdrawn.

        :raise UserError: names the first one that is
        """
        for promise in self:
            if promise.state != rule.OPEN:
                raise UserError(
                    self.env._(
                        "Promise %(name)s is not open any more.", name=promise.name
                    )
                )

    def _withdraw(self, by):
        """Take promises back; the caller checked who may."""
        for promise in self:
            # sudo: what happened is written by what happens, after the checks.
            promise.sudo().write(
                {
                    "state": rule.WITHDRAWN,
                    "withdrawn_by": by,
                    "decided_date": promise.company_id._credit_today(),
                }
            )
            promise.sudo().activity_unlink(["mail.mail_activity_data_todo"])
        # Now: the same item may be promised anew in this very transaction.
        self.env.flush_all()
        self._touch()

    def _touch(self):
        """Have the figures of the customers looked at again."""
        for company, promises in self.grouped("company_id").items():
            self.env["credit.profile"]._touch(company, promises.partner_id)

    # === WHAT THE LEDGER SAYS === #

    @api.model
    def _read_matches(self, item_ids):
        """Return what was paid of items: rows (item id, day, amount as text).

        By the day of the payment. What a credit note took off, or a write-off, was not
        paid.
        """
        return self.env.execute_query(
            SQL(
                """
                SELECT match.debit_move_id, paying.date,
                       SUM(match.debit_amount_currency)::text
                  FROM account_partial_reconcile match
                  JOIN account_move_line paying ON paying.id = match.credit_move_id
                  JOIN account_move move ON move.id = paying.move_id
                 WHERE match.debit_move_id = ANY(%s)
                   AND move.move_type != 'out_refund'
                   AND NOT EXISTS (SELECT FROM credit_dispute dispute
                                    WHERE dispute.write_off_id = move.id)
              GROUP BY 1, 2
              ORDER BY 1, 2
                """,
                item_ids,
            )
        )

    @api.model
    def _read_paid(self, item_ids):
        """Return what was paid of items so far: dict item id -> amount."""
        self.env.flush_all()
        paid = defaultdict(lambda: rule.ZERO)
        for item_id, _day, amount in self._read_matches(item_ids):
            paid[item_id] += to_decimal(amount)
        return paid

    @api.model
    def _read_payments(self, lines):
        """Return what was paid of items since they were promised.

        :param lines: rows with ``id``, ``move_line_id`` and ``paid_before``
        :return: dict id of the row -> list of ``promise.Payment``
        """
        matches = defaultdict(list)
        ids = list({line["move_line_id"] for line in lines if line["move_line_id"]})
        for item_id, day, amount in self._read_matches(ids):
            matches[item_id].append((day, to_decimal(amount)))
        payments = {}
        for line in lines:
            # What had been paid before is the oldest of what is matched now.
            before = to_decimal(line["paid_before"])
            found = payments.setdefault(line["id"], [])
            for day, amount in matches[line["move_line_id"]]:
                old = min(before, amount)
                before -= old
                if amount > old:
                    found.append(rule.Payment(day, amount - old))
        return payments

    def _find_verdicts(self, today):
        """Return what became of promises of one company: dict promise -> verdict."""
        self.env.flush_all()
        lines = self.env.execute_query_dict(
            SQL(
                """
                SELECT line.id, line.promise_id, line.move_line_id,
                       COALESCE(line.paid_before, 0)::text AS paid_before,
                       CASE WHEN item.parent_state = 'posted'
                            THEN GREATEST(item.amount_residual_currency, 0)
                            ELSE 0 END::text AS open_amount
                  FROM credit_promise_line line
             LEFT JOIN account_move_line item ON item.id = line.move_line_id
                 WHERE line.promise_id = ANY(%s)
              ORDER BY line.promise_id, line.id
                """,
                self.ids,
            )
        )
        paid = self._read_payments(lines)
        payments, owed = defaultdict(list), defaultdict(lambda: rule.ZERO)
        for line in lines:
            found = paid[line["id"]]
            payments[line["promise_id"]] += found
            owed[line["promise_id"]] += to_decimal(line["open_amount"]) + sum(
                (payment.amount for payment in found), rule.ZERO
            )
        return {
            promise: rule.decide(
                rule.Promise(
                    to_decimal(promise.amount), promise.last_date, owed[promise.id]
                ),
                payments[promise.id],
                today,
            )
            for promise in self
        }

    @api.model
    def _notice_matched(self, items):
        """Look at promises about items at the moment their matching changes.

        Where nothing is promised this is one question.

        :param items: receivable lines; some may be gone
        """
        # sudo: whoever matches payments may not know of promises.
        touched_sudo = self.sudo().search(
            [("line_ids.move_line_id", "in", items.ids)]
            + self._get_undecided_domain(None)
        )
        for company, promises_sudo in touched_sudo.grouped("company_id").items():
            verdicts = promises_sudo._find_verdicts(company._credit_today())
            for promise_sudo, verdict in verdicts.items():
                state = rule.react(promise_sudo.state, verdict)
                promise_sudo._set_verdict(state, verdict)

    @api.model
    def _get_undecided_domain(self, since):
        """Return which promises the ledger may still decide, or decide anew.

        :param since: of what is decided, only with a last day from this day on
        """
        by_ledger = Domain("state", "!=", rule.WITHDRAWN) | Domain(
            "withdrawn_by", "=", "ledger"
        )
        if since:
            by_ledger &= Domain("state", "=", rule.OPEN) | Domain(
                "last_date", ">=", since
            )
        return list(by_ledger)

    def _set_verdict(self, state, verdict):
        """Write what became of a promise, and do what follows from it."""
        self.ensure_one()
        values = {
            "amount_kept": float(verdict.kept),
            "amount_due": float(verdict.due),
        }
        changed = {
            name: value
            for name, value in values.items()
            if self.currency_id.compare_amounts(self[name], value)
        }
        if state != self.state:
            if state == rule.OPEN and self._has_successor():
                # No item is promised twice: this one is over, whatever it was.
                state = verdict.state if verdict.state != rule.OPEN else rule.WITHDRAWN
            changed |= self._prepare_state(state, verdict)
        if not changed:
            return
        was = self.state
        self.write(changed)
        if self.state != was:
            if self.state in (rule.BROKEN, rule.PARTLY_KEPT):
                self._ask_collector()
            elif self.state in (rule.KEPT, rule.WITHDRAWN):
                self.activity_unlink(["mail.mail_activity_data_todo"])
        self._touch()

    def _prepare_state(self, state, verdict):
        withdrawn_by = False
        if state == rule.WITHDRAWN:
            withdrawn_by = "ledger" if verdict.state == rule.WITHDRAWN else "newer"
        is_open = state == rule.OPEN
        return {
            "state": state,
            "withdrawn_by": withdrawn_by,
            "decided_date": not is_open and self.company_id._credit_today(),
        }

    def _has_successor(self):
        """Say whether an item of this promise is promised by another one now."""
        return bool(self._find_open(self.line_ids.move_line_id) - self)

    def _ask_collector(self):
        """Give the collector a task about a promise that was not kept, once.

        sudo: what happened is written by what happens.
        """
        self.ensure_one()
        if self.task_date:
            return
        today = self.company_id._credit_today()
        self.task_date = today
        self._give_task(
            self.profile_id._get_informed_user(self.user_id),
            lambda env: env._("A promise to pay was not kept"),
            today,
        )

    # === FACTS FOR DUNNING === #

    @api.model
    def _read_holds(self, company, today, item_ids):
        """Return what is promised of items today: dict item id -> ``Withheld``.

        Of what is promised, what was paid since is not promised any more.
        """
        self.flush_model()
        self.env["credit.promise.line"].flush_model()
        lines = self.env.execute_query_dict(
            SQL(
                """
                SELECT line.id, line.move_line_id, line.amount::text AS amount,
                       COALESCE(line.paid_before, 0)::text AS paid_before,
                       promise.last_date
                  FROM credit_promise_line line
                  JOIN credit_promise promise ON promise.id = line.promise_id
                 WHERE promise.company_id = %s AND promise.state = 'open'
                   AND promise.last_date >= %s
                   AND line.move_line_id = ANY(%s)
                """,
                company.id,
                today,
                item_ids,
            )
        )
        if not lines:
            return {}
        paid = self._read_payments(lines)
        holds = {}
        for line in lines:
            since = sum((each.amount for each in paid[line["id"]]), rule.ZERO)
            left = to_decimal(line["amount"]) - since
            if left > 0:
                holds[line["move_line_id"]] = dunning.Withheld(
                    dunning.PROMISED, left, line["last_date"]
                )
        return holds

    # === ONLINE === #

    @api.model
    def _find_online_days(self, today, windows):
        """Return the furthest day that a customer may promise for items online.

        :param windows: dict item id -> days that the policy gives
        :return: dict item id -> day, or None where it may not be promised
        """
        self.flush_model()
        self.env["credit.promise.line"].flush_model()
        history = {
            item_id: (first_given, has_broken)
            for item_id, first_given, has_broken in self.env.execute_query(
                SQL(
                    """
                    SELECT line.move_line_id,
                           MIN(promise.given_date) FILTER (WHERE source != 'staff'),
                           BOOL_OR(promise.state IN ('broken', 'partly_kept'))
                      FROM credit_promise_line line
                      JOIN credit_promise promise ON promise.id = line.promise_id
                     WHERE line.move_line_id = ANY(%s)
                  GROUP BY line.move_line_id
                    """,
                    list(windows),
                )
            )
        }
        return {
            item_id: rule.find_latest_day(
                today, window, *history.get(item_id, (None, False))
            )
            for item_id, window in windows.items()
        }

    # === THE JOB === #

    @api.model
    def _cron_decide(self):
        """Decide promises whose day has passed, and look at the others again."""
        commit_progress = self.env["ir.cron"]._commit_progress
        since = fields.Date.context_today(self) - timedelta(days=LOOK_BACK_DAYS)
        domain = self._get_undecided_domain(since)
        ids = self.search(domain, order="id").ids
        commit_progress(remaining=len(ids))
        for start in range(0, len(ids), BATCH):
            batch = self.browse(ids[start : start + BATCH])
            batch = batch.try_lock_for_update().filtered_domain(domain)
            for company, promises in batch.grouped("company_id").items():
                promises.with_company(company)._decide(company._credit_today())
            if not commit_progress(min(BATCH, len(ids) - start)):
                return

    def _decide(self, today):
        """Write what became of promises of one company."""
        for promise, verdict in self._find_verdicts(today).items():
            promise._set_verdict(verdict.state, verdict)
