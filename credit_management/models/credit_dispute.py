from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..logic import dispute as rule
from ..logic.money import to_decimal
from .credit_sql import say_comparison

STATES = [
    (rule.NEW, "New"),
    (rule.IN_PROGRESS, "In Progress"),
    (rule.WAITING, "Waiting for the Customer"),
    (rule.ACCEPTED, "Accepted"),
    (rule.REJECTED, "Rejected"),
    (rule.WITHDRAWN, "Withdrawn"),
]
# How long a case has been open; named so that groups stand in this order.
AGES = [
    ("to_07", "Up to 7 days"),
    ("to_14", "8–14 days"),
    ("to_30", "15–30 days"),
    ("over_30", "Over 30 days"),
]
# What people may write; all else is written by what happens.
WRITABLE = {"reason_id", "cause_id", "user_id", "line_ids", "priority", "contact_id"}
# What of it an owner outside the credit groups may write.
WRITABLE_BY_OWNER = {"cause_id", "line_ids", "priority"}


class CreditDispute(models.Model):
    """A case: what a customer says is wrong with an invoice, and what became of it.

    It holds back from dunning what is in question, and only that. Its state is changed
    by ``_move`` alone, which knows the allowed moves; whatever is said to the customer
    stands in its talk, which the customer reads on a page of its own.
    """

    _name = "credit.dispute"
    _description = "Dispute"
    _inherit = [
        "credit.talk.mixin",
        "credit.telling.mixin",
        "portal.mixin",
        "credit.task.mixin",
    ]
    _order = "closed_date desc, priority desc, deadline, id desc"
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
    source = fields.Selection(
        [("staff", "Our Staff"), ("portal", "Customer"), ("link", "By Link")],
        string="Opened By",
        required=True,
        readonly=True,
        help="By link: somebody who had the link of an invoice, without a login.",
    )
    opened_date = fields.Date(string="Date Opened", required=True, readonly=True)
    description = fields.Text(
        string="What Is Wrong", readonly=True, help="In the customer's own words."
    )
    reason_id = fields.Many2one(
        "credit.dispute.reason", required=True, tracking=True, check_company=True
    )
    cause_id = fields.Many2one(
        "credit.dispute.cause",
        string="Root Cause",
        tracking=True,
        check_company=True,
        help="What we found was really wrong.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Owner",
        tracking=True,
        domain="[('share', '=', False)]",
        help="Who looks into it. Somebody outside the credit groups needs the right"
        " “Own Disputes”, and sees nothing but the cases given to them.",
    )
    priority = fields.Selection([("0", "Normal"), ("1", "Urgent")], default="0")

    state = fields.Selection(
        STATES,
        default=rule.NEW,
        required=True,
        readonly=True,
        tracking=True,
        group_expand="_expand_states",
    )
    deadline = fields.Date(
        compute="_compute_deadline",
        store=True,
        tracking=True,
        help="Last day for our answer, in working days of the reason. It moves while we"
        " wait for the customer.",
    )
    waited_days = fields.Integer(readonly=True, string="Working Days Waited")
    waiting_since = fields.Date(readonly=True)
    answer_by = fields.Date(
        readonly=True,
        string="Held Until",
        help="Without an answer of the customer, reminders go on after this day.",
    )
    is_unconfirmed = fields.Boolean(
        string="To Be Confirmed",
        readonly=True,
        help="The same was settled before. Reminders go on until somebody confirms that"
        " this dispute holds them back.",
    )
    escalated_date = fields.Date(readonly=True, string="Escalated On")
    is_late = fields.Boolean(compute="_compute_is_late", search="_search_is_late")
    age = fields.Selection(
        AGES, compute="_compute_age", search="_search_age", string="Open For"
    )

    line_ids = fields.One2many("credit.dispute.line", "dispute_id", string="Lines")
    move_ids = fields.Many2many(
        "account.move", compute="_compute_move_ids", string="Invoices"
    )
    invoice_names = fields.Char(
        compute="_compute_invoice_names", store=True, string="Invoice Numbers"
    )
    amount_disputed = fields.Monetary(
        compute="_compute_amounts", store=True, aggregator="sum_currency"
    )
    amount_accepted = fields.Monetary(
        compute="_compute_amounts", store=True, aggregator="sum_currency"
    )
    amount_credited = fields.Monetary(
        compute="_compute_amounts", store=True, aggregator="sum_currency"
    )
    amount_disputed_company = fields.Monetary(
        compute="_compute_amounts",
        store=True,
        string="Disputed, Company Currency",
        currency_field="company_currency_id",
    )
    amount_credited_company = fields.Monetary(
        compute="_compute_amounts",
        store=True,
        string="Cost",
        currency_field="company_currency_id",
        help="What was credited, in the company's currency.",
    )

    approval = fields.Selection(
        [("asked", "To Approve"), ("approved", "Approved")],
        readonly=True,
        copy=False,
        tracking=True,
    )
    answer = fields.Text(readonly=True, help="What the customer was told at the end.")
    pay_by = fields.Date(
        readonly=True,
        help="New day to pay what was not accepted. Reminders go on after it, at the"
        " level that was reached.",
    )
    credited_before = fields.Monetary(
        readonly=True,
        help="What credit notes had taken off the invoices when it was opened.",
    )
    closed_date = fields.Date(readonly=True, string="Settled On", copy=False)
    closed_by = fields.Selection(
        [
            ("staff", "Our Decision"),
            ("customer", "Withdrawn by the Customer"),
            ("payment", "Paid"),
            ("credit_note", "Credited"),
        ],
        string="Settled By",
        readonly=True,
        copy=False,
    )
    days_to_settle = fields.Integer(readonly=True, aggregator="avg", copy=False)
    credit_note_ids = fields.Many2many(
        "account.move",
        "credit_dispute_credit_note_rel",
        "dispute_id",
        "move_id",
        string="Credit Notes",
        readonly=True,
        copy=False,
    )
    is_write_off = fields.Boolean(
        string="Write Off",
        readonly=True,
        copy=False,
        tracking=True,
        help="What is accepted is written off, without a credit note.",
    )
    write_off_id = fields.Many2one(
        "account.move",
        string="Write-Off",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    credit_note_count = fields.Integer(compute="_compute_credit_note_count")
    earlier_count = fields.Integer(
        compute="_compute_earlier_count",
        string="Earlier Disputes",
        help="Disputes about the same invoices that were settled before.",
    )
    portal_key = fields.Char(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="Of the form the customer sent: sent twice, it opens one dispute.",
    )

    _portal_key_uniq = models.UniqueIndex(
        "(profile_id, portal_key) WHERE portal_key IS NOT NULL",
        "This form was sent already.",
    )
    _open_idx = models.Index("(company_id, state) WHERE closed_date IS NULL")

    @api.model
    def _expand_states(self, states, domain):
        """Return the columns of the board: the open ones always, in their order."""
        return [
            state
            for state, _label in STATES
            if state in states or state in rule.OPEN_STATES
        ]

    # === COMPUTE METHODS === #

    def _compute_access_url(self):
        res = super()._compute_access_url()
        for dispute in self:
            dispute.access_url = f"/my/disputes/{dispute.id}"
        return res

    @api.depends("name", "partner_id")
    def _compute_display_name(self):
        for dispute in self:
            names = (dispute.name, dispute.partner_id.display_name)
            dispute.display_name = " – ".join(filter(None, names))

    @api.depends("line_ids.move_id")
    def _compute_move_ids(self):
        for dispute in self:
            dispute.move_ids = dispute.line_ids.move_id

    @api.depends("line_ids.move_id")
    def _compute_invoice_names(self):
        for dispute in self:
            # sudo: the number of an invoice is no secret to who handles its dispute.
            moves_sudo = dispute.line_ids.sudo().move_id
            dispute.invoice_names = ", ".join(moves_sudo.mapped("name"))

    @api.depends(
        "line_ids.amount",
        "line_ids.amount_accepted",
        "line_ids.amount_credited",
        "line_ids.amount_company",
        "line_ids.amount_credited_company",
    )
    def _compute_amounts(self):
        for dispute in self:
            lines = dispute.line_ids
            dispute.amount_disputed = sum(lines.mapped("amount"))
            dispute.amount_accepted = sum(lines.mapped("amount_accepted"))
            dispute.amount_credited = sum(lines.mapped("amount_credited"))
            dispute.amount_disputed_company = sum(lines.mapped("amount_company"))
            dispute.amount_credited_company = sum(
                lines.mapped("amount_credited_company")
            )

    @api.depends("opened_date", "reason_id", "waited_days", "company_id")
    def _compute_deadline(self):
        """Count the days of the reason; what is closed keeps the deadline it had."""
        calendars = {company: company._credit_calendar() for company in self.company_id}
        for dispute in self:
            if dispute.closed_date or not dispute.opened_date:
                continue
            dispute.deadline = rule.find_deadline(
                dispute.opened_date,
                dispute.reason_id.deadline_days,
                dispute.waited_days,
                calendars[dispute.company_id],
            )

    @api.depends("state", "deadline")
    def _compute_is_late(self):
        for dispute in self:
            today = dispute.company_id._credit_today()
            dispute.is_late = rule.is_late(dispute.state, dispute.deadline, today)

    def _search_is_late(self, operator, value):
        if operator != "in":
            return NotImplemented
        late = Domain("state", "in", (rule.NEW, rule.IN_PROGRESS)) & Domain(
            "deadline", "<", fields.Date.context_today(self)
        )
        return late if True in value else ~late

    @api.depends("opened_date", "closed_date")
    def _compute_age(self):
        limits = ((7, "to_07"), (14, "to_14"), (30, "to_30"))
        for dispute in self:
            if dispute.closed_date or not dispute.opened_date:
                dispute.age = False
                continue
            days = (dispute.company_id._credit_today() - dispute.opened_date).days
            dispute.age = next((age for last, age in limits if days <= last), "over_30")

    def _search_age(self, operator, value):
        if operator != "in":
            return NotImplemented
        self.check_access("read")
        return Domain.custom(
            to_sql=lambda model, alias, query: say_comparison(
                model._say_age(SQL.identifier(alias)), operator, value
            )
        )

    @api.model
    def _say_age(self, alias):
        """Return the expression for how long a case has been open, as of today."""
        self.flush_model(["opened_date", "closed_date", "company_id"])
        return SQL(
            "(CASE WHEN %(alias)s.closed_date IS NOT NULL THEN NULL"
            " WHEN %(today)s - %(alias)s.opened_date <= 7 THEN 'to_07'"
            " WHEN %(today)s - %(alias)s.opened_date <= 14 THEN 'to_14'"
            " WHEN %(today)s - %(alias)s.opened_date <= 30 THEN 'to_30'"
            " ELSE 'over_30' END)::varchar",
            alias=alias,
            today=self.env["credit.profile"]._say_today(alias),
        )

    def _field_to_sql(self, alias, field_expr, query=None):
        """Override: lists and charts group by the age, which is not stored."""
        if field_expr != "age":
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], "read")
        return self._say_age(SQL.identifier(alias))

    def _compute_credit_note_count(self):
        for dispute in self:
            # sudo: their number is told to whoever sees the case.
            dispute.credit_note_count = len(dispute.sudo().credit_note_ids)

    def _compute_earlier_count(self):
        for dispute in self:
            dispute.earlier_count = self.search_count(self._get_earlier_domain(dispute))

    @api.model
    def _get_earlier_domain(self, dispute):
        return [
            ("id", "!=", dispute._origin.id),
            ("line_ids.move_id", "in", dispute.line_ids.move_id.ids),
            ("closed_date", "!=", False),
        ]

    # === CONSTRAINT METHODS === #

    @api.constrains("user_id")
    def _check_user_id(self):
        for dispute in self:
            # sudo: who has which rights is told to nobody here.
            owner_sudo = dispute.user_id.sudo()
            if owner_sudo and not owner_sudo._is_superuser():
                self.env["credit.dispute.reason"]._check_may_own(owner_sudo)

    # === CRUD METHODS === #

    def write(self, vals):
        """Let people choose owner, reason and cause; the rest is what happened."""
        may_all = self.env["credit.profile"].has_access("read")
        closed = set(vals) - (WRITABLE if may_all else WRITABLE_BY_OWNER)
        closed = {
            name for name in closed if not name.startswith(("activity_", "message_"))
        }
        if closed and not self.env.su:
            raise UserError(
                self.env._(
                    "This part of a dispute cannot be written by hand: %(fields)s",
                    fields=", ".join(sorted(closed)),
                )
            )
        owners = {dispute: dispute.user_id for dispute in self}
        res = super().write(vals)
        for dispute, owner in owners.items():
            if owner and owner != dispute.user_id:
                dispute._pass_tasks(owner)
        if "reason_id" in vals or "state" in vals or "is_unconfirmed" in vals:
            self._touch()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._("A dispute is evidence and is kept. Reject it instead.")
        )

    # === BUSINESS METHODS === #

    def _touch(self):
        """Have the figures of the customers looked at again."""
        for company, disputes in self.grouped("company_id").items():
            self.env["credit.profile"]._touch(company, disputes.partner_id)

    def _check_is_open(self):
        """Refuse where a case is settled.

        :raise UserError: names the first one that is
        """
        for dispute in self:
            if dispute.state not in rule.OPEN_STATES:
                raise UserError(
                    self.env._(
                        "Dispute %(name)s is settled. Open a new one if something else"
                        " is wrong.",
                        name=dispute.name,
                    )
                )

    def _move(self, target, **vals):
        """Bring cases to another state: the one door, whoever asks.

        The caller checked who may.

        :raise UserError: the state does not allow it
        """
        labels = dict(self._fields["state"]._description_selection(self.env))
        for dispute in self:
            if not rule.may_move(dispute.state, target):
                raise UserError(
                    self.env._(
                        "Dispute %(name)s is “%(state)s” and cannot become"
                        " “%(target)s”.",
                        name=dispute.name,
                        state=labels[dispute.state],
                        target=labels[target],
                    )
                )
            today = dispute.company_id._credit_today()
            values = {"state": target} | vals
            if dispute.waiting_since:
                values |= {
                    "waiting_since": False,
                    "answer_by": False,
                    "waited_days": dispute.waited_days
                    + rule.count_working_days(
                        dispute.waiting_since,
                        today,
                        dispute.company_id._credit_calendar(),
                    ),
                }
            if target == rule.WAITING:
                values |= {
                    "waiting_since": today,
                    "answer_by": fields.Date.add(
                        today,
                        # sudo: an owner may not read reasons.
                        days=dispute.sudo().reason_id.wait_days,
                    ),
                }
            if target in rule.CLOSED_STATES:
                values |= {
                    "closed_date": today,
                    "days_to_settle": (today - dispute.opened_date).days,
                    "closed_by": vals.get("closed_by", "staff"),
                }
            # sudo: what happened is written by what happens, after the checks.
            dispute.sudo().write(values)
            if target in rule.CLOSED_STATES:
                # sudo: the tasks of colleagues, too, are done with.
                dispute.sudo().activity_unlink(["mail.mail_activity_data_todo"])

    @api.model
    def _open(self, profile, reason, lines, description, **vals):
        """Open a case; the caller checked who may, and that the invoices are theirs.

        :param profile: the customer's credit file
        :param lines: list of dicts: ``move`` and ``amount`` in its currency, and
            perhaps ``item`` (an open item of it) or ``invoice_line`` (a line of it)
        :param description: plain text
        :return: the case, with sudo
        :raise UserError: nothing is open of what is disputed, or currencies differ
        """
        lines = self._cap_lines(lines)
        currencies = {line["move"].currency_id for line in lines}
        if len(currencies) != 1:
            raise UserError(
                self.env._(
                    "One dispute is about amounts in one currency. Open one for each."
                )
                if lines
                else self.env._(
                    "Say how much is disputed: something that is still open."
                )
            )
        company = profile.company_id
        today = company._credit_today()
        vals.setdefault("source", "staff")
        # sudo: opened by whoever may; the file is that of the customer. For customers
        # the program acts: they are no authors of notes and tasks.
        by_staff = vals["source"] == "staff"
        Dispute_sudo = self.sudo() if by_staff else self.with_user(SUPERUSER_ID)
        Dispute_sudo = Dispute_sudo.with_company(company)
        dispute_sudo = Dispute_sudo.create(
            {
                "name": Dispute_sudo.env["ir.sequence"].next_by_code("credit.dispute"),
                "profile_id": profile.id,
                "reason_id": reason.id,
                "currency_id": currencies.pop().id,
                "opened_date": today,
                "description": description,
                "line_ids": [
                    fields.Command.create(self._prepare_line_values(company, line))
                    for line in lines
                ],
            }
            | vals
        )
        dispute_sudo._begin()
        return dispute_sudo

    def _begin(self):
        """Give a new case its owner, and decide whether it holds anything by itself."""
        self.ensure_one()
        earlier = [
            rule.Earlier(case.reason_id, case.state)
            for case in self.search(self._get_earlier_domain(self))
        ]
        values = {
            "credited_before": self._sum_credited(),
            "is_unconfirmed": rule.needs_confirmation(
                self.reason_id, earlier, by_customer=self.source != "staff"
            ),
        }
        if not self.user_id:
            values["user_id"] = self.reason_id._find_owner(
                self.company_id, self.profile_id
            ).id
        self.write(values)
        if not self.contact_id:
            self.contact_id = self.profile_id._get_reminder_contacts().filtered(
                lambda contact: contact.commercial_partner_id == self.partner_id
            )[:1]
        self._portal_ensure_token()
        if self.contact_id:
            self.message_subscribe(self.contact_id.ids)
        self._give_task(
            self.user_id,
            lambda env: env._("A customer disputes an amount"),
            self.deadline,
        )
        self._note_on_invoices(
            lambda env, link: env._(
                "Dispute %(dispute)s was opened about this invoice.", dispute=link
            )
        )
        self._touch()

    def _pass_tasks(self, former):
        """Give what a former owner had to do for a case to the new one."""
        self.ensure_one()
        # sudo: tasks of colleagues, too.
        tasks_sudo = self.sudo().activity_ids
        formers_sudo = tasks_sudo.filtered(lambda task: task.user_id == former)
        owner = self.user_id
        if owner and formers_sudo:
            formers_sudo.write({"user_id": owner.id})
        elif owner and not self.closed_date and owner not in tasks_sudo.user_id:
            self._give_task(
                owner, lambda env: env._("A dispute was given to you"), self.deadline
            )

    def _note_on_invoices(self, say):
        """Note something in the house's talk on the invoices.

        :param say: function that puts it into words, given the environment whose
            language is that of the house, and the link to the case
        """
        for dispute in self:
            # sudo: how the house speaks is no secret.
            lang = dispute.company_id.sudo().partner_id.lang
            house = dispute.with_context(lang=lang or self.env.lang)
            body = say(house.env, dispute._get_html_link(title=dispute.name))
            # sudo: whoever handles the case may not write invoices.
            moves_sudo = dispute.line_ids.sudo().move_id
            moves_sudo._message_log_batch(dict.fromkeys(moves_sudo.ids, body))

    @api.model
    def _cap_lines(self, lines):
        """Return lines of more than nothing, none of an invoice above what is open.

        What is in dispute already cannot be disputed a second time.
        """
        found = []
        left = {}
        for line in lines:
            move = line["move"].sudo()  # sudo: the caller proved whose it is
            if move not in left:
                left[move] = self._get_undisputed(move)
            limit = left[move]
            if line.get("item"):
                # sudo: an item of that invoice.
                limit = min(limit, line["item"].sudo().amount_residual_currency)
            amount = move.currency_id.round(min(line["amount"], limit))
            if move.currency_id.compare_amounts(amount, 0) > 0:
                left[move] -= amount
                found.append({**line, "amount": amount})
        return found

    @api.model
    def _get_undisputed(self, move_sudo):
        """Return what is open of an invoice and not in dispute yet."""
        disputed = (
            self.env["credit.dispute.line"]
            .sudo()  # sudo: what others dispute of it counts, whoever asks
            .search(
                [
                    ("move_id", "=", move_sudo.id),
                    ("dispute_id.closed_date", "=", False),
                ]
            )
        )
        return move_sudo.amount_residual - sum(disputed.mapped("amount"))

    @api.model
    def _prepare_line_values(self, company, line):
        move = line["move"].sudo()  # sudo: the caller proved whose it is
        invoice_line = (line.get("invoice_line") or move.line_ids.browse()).sudo()
        item = line.get("item") or move.line_ids.browse()
        return {
            "move_id": move.id,
            "item_id": item.id,
            "invoice_line_id": invoice_line.id,
            "name": invoice_line.name and " ".join(invoice_line.name.split())[:200],
            "product_id": invoice_line.product_id.id,
            "seller_id": move.invoice_user_id.id,
            "amount": line["amount"],
            "amount_accepted": line["amount"],
            "amount_company": move.currency_id._convert(
                line["amount"], company.currency_id, company, move.date
            ),
        }

    # === FACTS FOR DUNNING === #

    @api.model
    def _read_holds(self, company, today, move_ids):
        """Return what cases say of invoices today, the oldest case first.

        :return: list of (invoice id, item id or None, ``dunning.Withheld``)
        """
        self.flush_model()
        self.env["credit.dispute.line"].flush_model()
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT line.move_id, line.item_id, line.amount::text AS amount,
                       line.amount_accepted::text AS accepted, dispute.state,
                       COALESCE(dispute.is_unconfirmed, FALSE) AS unconfirmed,
                       dispute.answer_by, dispute.pay_by
                  FROM credit_dispute_line line
                  JOIN credit_dispute dispute ON dispute.id = line.dispute_id
                 WHERE dispute.company_id = %s
                   AND (dispute.closed_date IS NULL OR dispute.pay_by >= %s)
                   AND line.move_id = ANY(%s)
              ORDER BY dispute.id, line.id
                """,
                company.id,
                today,
                move_ids,
            )
        )
        holds = []
        for row in rows:
            move_id, item_id = row.pop("move_id"), row.pop("item_id")
            row["amount"] = to_decimal(row["amount"])
            row["accepted"] = to_decimal(row["accepted"])
            held = rule.find_hold(rule.Claim(**row), today)
            if held:
                holds.append((move_id, item_id, held))
        return holds
