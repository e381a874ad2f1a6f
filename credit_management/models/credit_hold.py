import logging

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..logic import credit_rules
from ..logic.money import to_decimal
from .credit_rule import KINDS, MANUAL_KIND

_logger = logging.getLogger(__name__)

HELD, RELEASED, REFUSED, OBSOLETE = "held", "released", "refused", "obsolete"
STATES = [
    (HELD, "On Hold"),
    (RELEASED, "Released"),
    (REFUSED, "Refused"),
    (OBSOLETE, "Not Needed Any More"),
]
LIVE = (HELD, RELEASED, REFUSED)
STAGES = [("confirm", "Order"), ("raise", "Larger Order"), ("deliver", "Delivery")]
CONDITIONS = [
    ("order", "This order, at this amount"),
    ("until", "This order, until a day"),
    ("payment", "After payment of invoices"),
]
# So many of the last decisions tell how long one takes.
DECISIONS_LOOKED_AT = 50


class CreditHold(models.Model):
    """A document that was stopped, what was found, and what a person decided.

    What was found is frozen when it was stopped, and again when it is looked at anew.
    Its state is changed by ``_move`` alone. Another module that holds documents of its
    own gives them the methods that ``_call_document`` names.
    """

    _name = "credit.hold"
    _description = "Credit Hold"
    _inherit = ["mail.thread", "credit.task.mixin"]
    _order = "state, date desc, id desc"
    _rec_name = "name"

    name = fields.Char(string="Document", required=True, readonly=True)
    res_model = fields.Char(string="Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        model_field="res_model", string="Document ID", required=True, readonly=True
    )
    stage = fields.Selection(STAGES, string="Stopped", required=True, readonly=True)
    profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(related="profile_id.company_id", store=True)
    partner_id = fields.Many2one(
        related="profile_id.partner_id", store=True, string="Customer"
    )
    user_id = fields.Many2one("res.users", string="Salesperson", readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(
        readonly=True, help="Of the document, when it was stopped or last looked at."
    )
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    order_amount = fields.Monetary(
        string="Adds to the Exposure",
        readonly=True,
        currency_field="company_currency_id",
    )
    exposure_amount = fields.Monetary(
        string="Exposure Without It",
        readonly=True,
        currency_field="company_currency_id",
    )
    credit_limit = fields.Monetary(
        string="Limit Then", readonly=True, currency_field="company_currency_id"
    )
    excess_amount = fields.Monetary(
        string="Over the Limit",
        readonly=True,
        currency_field="company_currency_id",
        help="By how much exposure and document together exceed the limit.",
    )
    overdue_amount = fields.Monetary(
        string="Overdue Then", readonly=True, currency_field="company_currency_id"
    )
    check_ids = fields.One2many(
        "credit.hold.check", "hold_id", string="Checks", readonly=True
    )
    reasons = fields.Char(compute="_compute_reasons")
    is_by_hand = fields.Boolean(
        string="Held by Hand",
        readonly=True,
        help="A person holds all orders of the customer: only a credit manager releases"
        " one, and nothing does so by itself.",
    )
    state = fields.Selection(
        STATES,
        default=HELD,
        required=True,
        readonly=True,
        tracking=True,
        group_expand=True,
    )
    date = fields.Datetime(string="Stopped On", required=True, readonly=True)
    checked_date = fields.Datetime(string="Last Looked At", readonly=True)
    age_days = fields.Integer(compute="_compute_age_days", string="Days")
    would_pass = fields.Boolean(
        string="Would Pass Now",
        readonly=True,
        help="Looked at again, nothing holds it any more. Somebody may confirm it.",
    )

    asked_by_id = fields.Many2one("res.users", readonly=True)
    asked_date = fields.Datetime(string="Asked On", readonly=True)
    asked_text = fields.Text(string="Why It Should Go On", readonly=True)
    asked_amount = fields.Monetary(
        string="Wanted Amount",
        readonly=True,
        help="What the order is to come to, where it is to grow.",
    )
    decided_by_id = fields.Many2one("res.users", readonly=True)
    decided_date = fields.Datetime(string="Decided On", readonly=True)
    reason = fields.Text(string="Reason of the Decision", readonly=True)
    condition = fields.Selection(CONDITIONS, readonly=True)
    valid_until = fields.Date(readonly=True, help="Last day of the release.")
    waiting_move_ids = fields.Many2many(
        "account.move",
        string="Waits for Payment Of",
        readonly=True,
        help="It is released by itself when these invoices are paid.",
    )
    released_amount = fields.Monetary(
        readonly=True, help="The amount at which it was released."
    )
    released_by_hand = fields.Boolean(readonly=True)
    sends_email = fields.Boolean(
        readonly=True,
        help="The customer gets the confirmation by e-mail, as if nothing had been"
        " held: it was the customer who accepted.",
    )
    may_decide = fields.Boolean(compute="_compute_may_decide")

    _live_uniq = models.UniqueIndex(
        "(res_model, res_id) WHERE state IN ('held', 'released', 'refused')",
        "This document is on hold already.",
    )
    _held_idx = models.Index("(company_id, partner_id) WHERE state = 'held'")

    # === COMPUTE METHODS === #

    @api.depends("name", "partner_id")
    def _compute_display_name(self):
        for hold in self:
            names = (hold.name, hold.partner_id.display_name)
            hold.display_name = " – ".join(filter(None, names))

    @api.depends("check_ids.verdict")
    @api.depends_context("lang")
    def _compute_reasons(self):
        for hold in self:
            held = hold.check_ids.filtered(
                lambda check: check.verdict == credit_rules.HOLD
            )
            hold.reasons = " · ".join(held.mapped("description"))

    @api.depends("date", "decided_date", "state")
    def _compute_age_days(self):
        now = fields.Datetime.now()
        for hold in self:
            is_over = hold.state != HELD and hold.decided_date
            end = hold.decided_date if is_over else now
            hold.age_days = (end - hold.date).days if hold.date else 0

    @api.depends("order_amount", "asked_amount", "is_by_hand", "state")
    @api.depends_context("uid")
    def _compute_may_decide(self):
        for hold in self:
            hold.may_decide = hold.state != OBSOLETE and hold._has_authority()

    # === CRUD METHODS === #

    def write(self, vals):
        """Let people plan tasks; what was found and decided is not theirs to write."""
        self.check_access("write")
        closed = {
            name for name in vals if not name.startswith(("activity_", "message_"))
        }
        if closed and not self.env.su:
            raise UserError(
                self.env._(
                    "A hold cannot be written by hand: use its buttons to release or"
                    " refuse it."
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A hold is evidence and is kept."))

    # === ACTION METHODS === #

    def action_open_document(self):
        """Open the document that was stopped."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "view_mode": "form",
        }

    def action_open_profile(self):
        """Open the credit file of the customer."""
        self.ensure_one()
        return self.profile_id._get_records_action()

    def action_release(self, reason=None):
        """Release holds; without a reason the window that asks for one opens.

        :raise AccessError: of who may not decide about this amount
        """
        self._check_may_decide()
        if not (reason or "").strip():
            return self._open_window("release")
        self._release(reason.strip())
        return True

    def action_refuse(self, reason=None):
        """Refuse holds; see ``action_release``."""
        self._check_may_decide()
        if not (reason or "").strip():
            return self._open_window("refuse")
        self._refuse(reason.strip())
        return True

    def action_recheck(self):
        """Look at the documents again, with what is true now."""
        self.check_access("write")
        self._recheck()
        return True

    def _open_window(self, kind):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Release")
            if kind == "release"
            else self.env._("Refuse"),
            "res_model": "credit.hold.decide",
            "view_mode": "form",
            "target": "new",
            "context": {"default_kind": kind, "default_hold_ids": self.ids},
        }

    # === WHO MAY === #

    def _has_authority(self):
        """Whether who asks may decide: managers always, others up to an amount."""
        self.ensure_one()
        user = self.env.user
        if self.env.su or user.has_group("credit_management.group_credit_manager"):
            return True
        if self.is_by_hand or not user.has_group("credit_management.group_credit_user"):
            return False
        company_sudo = self.company_id.sudo()  # sudo: up to what, the company chooses
        wanted = self.currency_id._convert(
            self.asked_amount,
            self.company_currency_id,
            company_sudo,
            company_sudo._credit_today(),
        )
        amount = max(self.order_amount, self.excess_amount, wanted)
        most = company_sudo.credit_release_amount
        return self.company_currency_id.compare_amounts(amount, most) <= 0

    def _filter_doable_by(self, user):
        """Override: what is held is decided by who may decide it."""
        return (
            super()
            ._filter_doable_by(user)
            .filtered(
                lambda hold: (
                    hold.state != HELD
                    or hold.with_user(user).sudo(False)._has_authority()
                )
            )
        )

    def _check_may_decide(self):
        """Refuse whoever may not decide.

        :raise AccessError: says who may
        """
        self.check_access("write")
        for hold in self:
            if not hold._has_authority():
                raise AccessError(
                    self.env._(
                        "Only a credit manager decides about %(document)s: it is held"
                        " by hand, or above the amount up to which you may release.",
                        document=hold.name,
                    )
                )

    # === MOVES === #

    def _move(self, target, **vals):
        """Bring holds to another state: the one door. The caller checked who may.

        :raise UserError: it is not needed any more
        """
        for hold in self:
            if hold.state == OBSOLETE:
                raise UserError(
                    self.env._(
                        "%(document)s is not on hold any more.", document=hold.name
                    )
                )
            # sudo: what happened is written by what happens, after the checks.
            hold_sudo = hold.sudo()
            hold_sudo.write({"state": target} | vals)
            if target != HELD:
                hold_sudo.activity_unlink(["mail.mail_activity_data_todo"])

    def _release(self, reason, condition="order", until=False, moves=None):
        """Let documents go on, now or when invoices are paid; the caller checked who.

        :param moves: invoices, for the condition ``payment``
        """
        for hold in self:
            decision = {
                "decided_by_id": self.env.uid,
                "decided_date": fields.Datetime.now(),
                "reason": reason,
                "condition": condition,
                "valid_until": until if condition == "until" else False,
                "released_by_hand": hold.is_by_hand,
                "released_amount": max(hold.amount, hold.asked_amount),
            }
            if condition == "payment":
                decision["waiting_move_ids"] = [fields.Command.set(moves.ids)]
                hold._move(HELD, **decision)
                names = ", ".join(moves.mapped("name"))
                hold._tell(
                    lambda env, names=names: env._(
                        "goes on when %(invoices)s are paid: %(reason)s",
                        invoices=names,
                        reason=reason,
                    )
                )
            else:
                hold._move(RELEASED, **decision)
                hold._tell(lambda env: env._("is released: %(reason)s", reason=reason))
                hold._call_document("_credit_go_on", hold)

    def _refuse(self, reason):
        for hold in self:
            hold._move(
                REFUSED,
                decided_by_id=self.env.uid,
                decided_date=fields.Datetime.now(),
                reason=reason,
                condition=False,
                waiting_move_ids=[fields.Command.clear()],
            )
            hold._tell(lambda env: env._("is refused: %(reason)s", reason=reason))

    def _ask(self, text, amount=0.0):
        """Note that somebody asks for a release; whoever decides gets a task."""
        self.ensure_one()
        self._move(
            HELD,
            asked_by_id=self.env.uid,
            asked_date=fields.Datetime.now(),
            asked_text=text,
            asked_amount=amount or 0.0,
        )
        # sudo: a salesperson writes nothing on holds; the question is the program's.
        hold_sudo = self.sudo()
        asker = self.env.user
        body = Markup("<b>%s</b>: %s") % (asker.name, text)
        hold_sudo.message_post(body=body, author_id=asker.partner_id.id)
        hold_sudo.activity_unlink(
            ["mail.mail_activity_data_todo"]
        )  # one task is enough
        hold_sudo._ask_decider(
            lambda env: env._("%(name)s asks for a release", name=asker.name)
        )

    def _is_valid_release(self, amount, is_by_hand):
        """Whether a release still lets its document go on.

        :param amount: what the document comes to now, in its currency
        :param is_by_hand: whether a person holds all orders of the customer now
        """
        self.ensure_one()
        if self.state != RELEASED or is_by_hand and not self.released_by_hand:
            return False
        company_sudo = self.company_id.sudo()  # sudo: choices of the company
        if self.valid_until and self.valid_until < company_sudo._credit_today():
            return False
        return not credit_rules.must_ask_again(
            to_decimal(self.released_amount),
            to_decimal(self.currency_id.round(amount)),
            to_decimal(company_sudo.credit_growth_percent),
        )

    def _is_within_grace(self):
        """Whether deliveries of what was released are not asked about again yet."""
        self.ensure_one()
        # sudo: how long is a choice of the company.
        days = self.company_id.sudo().credit_release_days
        decided = self.decided_date or self.date
        return fields.Datetime.now() <= fields.Datetime.add(decided, days=days)

    # === STOPPING === #

    @api.model
    def _find_live(self, documents):
        """Return the holds of documents that count: dict document id -> hold."""
        # sudo: whether a document is held counts for whoever handles it.
        holds_sudo = self.sudo().search(
            [
                ("res_model", "=", documents._name),
                ("res_id", "in", documents.ids),
                ("state", "in", LIVE),
            ]
        )
        return {hold_sudo.res_id: hold_sudo for hold_sudo in holds_sudo}

    @api.model
    def _stop(self, document, result, stage, **vals):
        """Hold a document, or look anew at the hold it has.

        :param result: what ``credit.check`` found
        :return: the hold, with sudo
        """
        # sudo: whoever sells holds nothing; the program does.
        Hold_sudo = self.sudo().with_company(result.company)
        hold_sudo = Hold_sudo._find_live(document).get(document.id)
        found = Hold_sudo._prepare_found(document, result)
        if hold_sudo and hold_sudo.state == RELEASED:
            hold_sudo._move(OBSOLETE)
            hold_sudo.flush_recordset()  # one that counts at a time
            hold_sudo = None
        if hold_sudo:
            hold_sudo.check_ids.unlink()
            hold_sudo.write(found | {"would_pass": False})
            return hold_sudo
        now = fields.Datetime.now()
        profile = Hold_sudo.env["credit.profile"]._get_or_create(
            result.company, result.customer
        )
        hold_sudo = Hold_sudo.create(
            found
            | {
                "name": document.display_name,
                "res_model": document._name,
                "res_id": document.id,
                "stage": stage,
                "profile_id": profile.id,
                "date": now,
            }
            | vals
        )
        hold_sudo._ask_decider(
            lambda env: env._("Decide about %(document)s", document=hold_sudo.name)
        )
        hold_sudo._tell(
            lambda env: env._(
                "is on hold: %(reasons)s",
                reasons=" · ".join(
                    self.with_env(env)
                    .env["credit.check"]
                    ._list_reasons(result, with_amounts=False)
                ),
            )
        )
        return hold_sudo

    @api.model
    def _prepare_found(self, document, result):
        """Return what was found as values of a hold."""
        facts, checks = result.facts, self.env["credit.check"]._list_checks(result)
        total = facts.exposure + facts.order_amount
        over = max(total - facts.limit, 0) if facts.limit is not None else 0
        return {
            "currency_id": document.currency_id.id,
            "amount": document.amount_total,
            "order_amount": float(facts.order_amount),
            "exposure_amount": float(facts.exposure),
            "credit_limit": float(facts.limit or 0),
            "excess_amount": float(over),
            "overdue_amount": float(facts.overdue_amount),
            "is_by_hand": result.is_by_hand,
            "checked_date": fields.Datetime.now(),
            "user_id": document.user_id.id,
            "check_ids": [fields.Command.create(check) for check in checks],
        }

    def _drop(self):
        """Close holds that are not needed: the document went on or is gone."""
        for hold in self.filtered(lambda hold: hold.state != OBSOLETE):
            hold._move(OBSOLETE)

    # === LOOKING AGAIN === #

    def _recheck(self):
        """Look again at documents on hold; let go on what waited for a payment.

        Where nothing holds a document any more it is marked, and confirmed if the
        company wants that. What a person holds by hand waits for a person.
        """
        for hold in self.filtered(lambda hold: hold.state == HELD):
            document_sudo = hold.sudo()._get_document()
            if not document_sudo or not document_sudo._credit_is_stoppable(hold.stage):
                hold._drop()
                continue
            if hold.condition == "payment" and hold._is_waited_for_paid():
                hold._move(RELEASED)
                hold._tell(lambda env: env._("is released: the invoices are paid."))
                hold._call_document("_credit_go_on", hold)
                continue
            result = document_sudo._credit_check()
            hold_sudo = hold.sudo()
            hold_sudo.check_ids.unlink()
            hold_sudo.write(self._prepare_found(document_sudo, result))
            if result.holds or hold_sudo.asked_amount:
                hold_sudo.would_pass = False
            # sudo: a choice of the company.
            elif hold.company_id.sudo().credit_auto_release:
                hold._move(
                    RELEASED,
                    decided_date=fields.Datetime.now(),
                    condition="order",
                    released_amount=hold.amount,
                )
                hold._tell(lambda env: env._("is released: nothing holds it any more."))
                hold._call_document("_credit_go_on", hold)
            elif not hold_sudo.would_pass:
                hold_sudo.would_pass = True
                hold._tell(
                    lambda env: env._("would pass now: it can be confirmed again.")
                )

    def _is_waited_for_paid(self):
        # sudo: whether invoices are paid is told to nobody.
        moves_sudo = self.sudo().waiting_move_ids
        return bool(moves_sudo) and all(
            move.currency_id.is_zero(move.amount_residual) for move in moves_sudo
        )

    @api.model
    def _recheck_customers(self, company, partners):
        """Look again at what is held of customers for whom something changed."""
        holds = self.search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "in", partners.ids),
                ("state", "=", HELD),
            ]
        )
        for hold in holds:
            try:
                with self.env.cr.savepoint():
                    hold._recheck()
            except UserError as error:
                # One order that cannot be confirmed does not stop the others.
                _logger.info("Hold %s: %s", hold.id, error)
                hold._tell(
                    lambda env, error=error: env._(
                        "could not be confirmed: %(error)s", error=error
                    )
                )

    # === THE DOCUMENT === #

    def _get_document(self):
        """Return the document; none where its module is gone, or it is."""
        self.ensure_one()
        documents = self.env.get(self.res_model)
        if documents is None or not hasattr(documents, "_credit_check"):
            return None
        return documents.browse(self.res_id).exists()

    def _call_document(self, name, *arguments):
        """Tell the document something, if its module is there.

        Documents that can be held have ``_credit_go_on(hold)`` (the way is free),
        ``_credit_check()``, ``_credit_is_stoppable(stage)`` and ``_credit_note(body)``.
        """
        # sudo: who decides may not handle the documents of sales.
        document_sudo = self.sudo()._get_document()
        if document_sudo:
            return getattr(document_sudo, name)(*arguments)
        return None

    # === TELLING === #

    def _tell(self, say):
        """Tell the salesperson, and note on the document, what became of it.

        :param say: function that says it, after the name, given an environment
        """
        for hold in self:
            # sudo: how the salesperson reads is no secret.
            user_sudo = hold.sudo().user_id
            spoken = hold.with_context(lang=user_sudo.lang or self.env.lang)
            body = spoken.env._(
                "%(document)s %(what)s", document=hold.name, what=say(spoken.env)
            )
            hold._call_document("_credit_note", body)
            is_told = user_sudo.active and user_sudo != self.env.user
            if is_told and not user_sudo._is_superuser():
                document_sudo = hold.sudo()._get_document()
                if document_sudo:
                    document_sudo.message_notify(
                        partner_ids=user_sudo.partner_id.ids,
                        body=body,
                        subject=body,
                    )

    def _ask_decider(self, say):
        """Give whoever decides a task, see ``_give_task``."""
        self.ensure_one()
        self._give_task(self._find_decider(), say, self.company_id._credit_today())

    def _find_decider(self):
        """Return who is asked: the company's choice, else the collector, who may."""
        self.ensure_one()
        # sudo: who decides is a choice of the company.
        company_sudo = self.sudo().company_id
        profile_sudo = self.sudo().profile_id
        today, absences = company_sudo._credit_today(), self.env["credit.absence"]
        people = [company_sudo.credit_hold_user_id, profile_sudo.user_id]
        # Who stands in decides only what that person may decide.
        able = [
            user
            for each in people
            for user in dict.fromkeys((absences._find_substitute(each, today), each))
            if user and self.with_user(user).sudo(False)._has_authority()
        ]
        return profile_sudo._find_person(company_sudo, able)

    @api.model
    def _estimate_delay(self, company):
        """Return how many hours a decision takes, in the middle; none if unknown."""
        self.flush_model(["state", "date", "decided_date", "decided_by_id"])
        ((hours,),) = self.env.execute_query(
            SQL(
                """
                SELECT percentile_cont(0.5) WITHIN GROUP (
                           ORDER BY EXTRACT(EPOCH FROM last.decided_date - last.date)
                       ) / 3600
                  FROM (SELECT decided_date, date FROM credit_hold
                         WHERE company_id = %s AND decided_by_id IS NOT NULL
                           AND decided_date IS NOT NULL
                      ORDER BY decided_date DESC LIMIT %s) AS last
                """,
                company.id,
                DECISIONS_LOOKED_AT,
            )
        )
        return hours

    def _describe_state(self):
        """Say in words how it stands; nothing where it just waits for a decision."""
        self.ensure_one()
        if self.state == REFUSED:
            return self.env._("Refused: %(reason)s", reason=self.reason or "")
        if self.state == RELEASED and self.valid_until:
            return self.env._(
                "Released until %(day)s", day=format_date(self.env, self.valid_until)
            )
        if self.condition == "payment":
            # sudo: the salesperson is told what the order waits for.
            return self.env._(
                "Goes on when paid: %(invoices)s",
                invoices=", ".join(self.sudo().waiting_move_ids.mapped("name")),
            )
        if self.would_pass:
            return self.env._("Would pass now: confirm it again.")
        if self.state == RELEASED:
            return self.env._("Released")
        return ""

    @api.model
    def _search_documents(self, model, states):
        """Return the ids of documents that have a hold in one of some states."""
        # sudo: whether a document is held may be known by whoever sees it.
        holds_sudo = self.sudo().search(
            Domain("res_model", "=", model) & Domain("state", "in", list(states))
        )
        return holds_sudo.mapped("res_id")


class CreditHoldCheck(models.Model):
    """What one rule found when a document was stopped, frozen."""

    _name = "credit.hold.check"
    _description = "Check of a Credit Hold"
    _order = "sequence, id"

    hold_id = fields.Many2one(
        "credit.hold", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="hold_id.company_id", store=True)
    sequence = fields.Integer()
    rule_id = fields.Many2one("credit.rule", ondelete="set null")
    kind = fields.Selection([*KINDS, MANUAL_KIND], required=True)
    value = fields.Float(digits=(16, 2))
    has_value = fields.Boolean()
    threshold = fields.Float(digits=(16, 2))
    verdict = fields.Selection(
        [
            (credit_rules.PASS, "Pass"),
            (credit_rules.WARN, "Warn"),
            (credit_rules.HOLD, "Hold"),
        ],
        required=True,
    )
    limit_of = fields.Selection([("customer", "Customer"), ("group", "Group")])
    note = fields.Char()
    description = fields.Char(compute="_compute_description")

    @api.depends("kind", "value", "threshold", "verdict")
    @api.depends_context("lang")
    def _compute_description(self):
        for check in self:
            check.description = self.env["credit.check"]._describe_check(
                {name: check[name] for name in ("kind", "value", "threshold", "note")}
                | {"has_value": check.has_value, "limit_of": check.limit_of},
                check.hold_id.company_currency_id,
            )
