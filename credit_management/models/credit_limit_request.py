from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_amount

from ..logic import limits as rule
from ..logic.money import to_decimal
from .credit_score import CLASSES, TOLD_TO

STATES = [
    (rule.DRAFT, "Draft"),
    (rule.SUBMITTED, "To Decide"),
    (rule.APPROVED, "Approved"),
    (rule.IN_FORCE, "In Force"),
    (rule.EXPIRED, "Expired"),
    (rule.SUPERSEDED, "Superseded"),
    (rule.REFUSED, "Refused"),
    (rule.WITHDRAWN, "Withdrawn"),
]
SOURCES = [
    ("staff", "Our Staff"),
    ("salesperson", "Salesperson"),
    ("customer", "Customer"),
    ("link", "By Link"),
    ("system", "Policy"),
]
# Who is told of the decision on the page and by mail.
CUSTOMER_SOURCES = ("customer", "link")
# What people may say when they ask; all else is written by what happens.
ASKED = {
    "partner_id",
    "company_id",
    "asked_limit",
    "reason",
    "date_from",
    "date_until",
    "contact_id",
}
# Whose request it is stays.
WRITABLE = ASKED - {"partner_id", "company_id"}
BATCH = 200


class CreditLimitRequest(models.Model):
    """A limit that was asked for: by whom, why, from when, until when, and what became
    of it.

    Its state is changed by ``_move`` alone. What is in force stands where the host
    keeps the limit, on the customer; nothing is kept twice. All limits that ever held
    since are here, those that a person typed in and those of the policy, too.
    """

    _name = "credit.limit.request"
    _description = "Credit Limit Request"
    _inherit = [
        "credit.customer.mixin",
        "credit.telling.mixin",
        "credit.task.mixin",
    ]
    _order = "id desc"
    _check_company_auto = True
    _mail_post_access = "read"

    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        domain=["|", ("is_company", "=", True), ("parent_id", "=", False)],
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self._default_company_id()
    )
    profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        index=True,
        readonly=True,
        copy=False,
        ondelete="restrict",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    contact_id = fields.Many2one(
        "res.partner",
        help="Who hears of the decision, at the customer's.",
        domain="[('commercial_partner_id', '=', partner_id)]",
    )

    # What is asked
    asked_limit = fields.Monetary(
        required=True,
        tracking=True,
        help="In the currency of the company. 0: no limit.",
    )
    reason = fields.Text(required=True, help="Why this customer needs this limit.")
    date_from = fields.Date(
        string="From", required=True, default=lambda self: self._default_date_from()
    )
    date_until = fields.Date(
        string="Until",
        help="Last day on which it holds; then the limit falls back by itself. Empty:"
        " for good.",
    )
    is_temporary = fields.Boolean(compute="_compute_is_temporary", store=True)
    source = fields.Selection(
        SOURCES,
        string="Asked By",
        default="staff",
        required=True,
        readonly=True,
        copy=False,
        help="By link: somebody who had the link of a letter, without a login.",
    )
    requested_by = fields.Many2one(
        "res.users",
        string="Requester",
        readonly=True,
        copy=False,
        help="Empty: somebody without a login, or the policy.",
    )
    submitted_by = fields.Many2one("res.users", readonly=True, copy=False)
    submitted_date = fields.Date(string="Asked On", readonly=True, copy=False)

    # What became of it
    state = fields.Selection(
        STATES,
        default=rule.DRAFT,
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
        group_expand="_expand_states",
    )
    granted_limit = fields.Monetary(readonly=True, copy=False, tracking=True)
    decided_by = fields.Many2one("res.users", readonly=True, copy=False)
    decided_date = fields.Date(string="Decided On", readonly=True, copy=False)
    decision_reason = fields.Text(readonly=True, copy=False)
    answer = fields.Text(
        readonly=True,
        copy=False,
        help="What the customer was told beside the decision.",
    )
    began_at = fields.Datetime(string="In Force Since", readonly=True, copy=False)
    ended_date = fields.Date(string="Ended On", readonly=True, copy=False)
    limit_before = fields.Monetary(
        readonly=True, copy=False, help="The limit that held until then."
    )
    limit_after = fields.Monetary(
        string="Falls Back To",
        readonly=True,
        copy=False,
        help="The limit that holds without any temporary one.",
    )
    figures = fields.Json(
        readonly=True,
        copy=False,
        groups=TOLD_TO,
        help="What was known when it was decided.",
    )

    # What is known: now, or when it was decided
    current_limit = fields.Monetary(
        compute="_compute_figures", string="Limit Now", groups=TOLD_TO
    )
    exposure_amount = fields.Monetary(
        compute="_compute_figures", string="Exposure", groups=TOLD_TO
    )
    overdue_amount = fields.Monetary(
        compute="_compute_figures", string="Overdue", groups=TOLD_TO
    )
    score = fields.Integer(compute="_compute_figures", groups=TOLD_TO)
    risk_class = fields.Selection(
        CLASSES, string="Class", compute="_compute_figures", groups=TOLD_TO
    )
    suggested_limit = fields.Monetary(
        compute="_compute_figures", string="Suggested", groups=TOLD_TO
    )
    suggestion_text = fields.Html(
        compute="_compute_figures", string="How It Is Reckoned", groups=TOLD_TO
    )
    needs_four_eyes = fields.Boolean(compute="_compute_needs_four_eyes")
    is_own = fields.Boolean(compute="_compute_is_own")
    may_approve = fields.Boolean(compute="_compute_is_own")
    holding_until = fields.Date(
        compute="_compute_holding_until",
        help="Last day of the temporary limit that holds now.",
    )

    _asked_positive = models.Constraint(
        "CHECK (asked_limit >= 0)", "A credit limit cannot be below zero."
    )
    _customer_open_uniq = models.UniqueIndex(
        "(profile_id) WHERE state = 'submitted' AND source IN ('customer', 'link')",
        "The customer has asked already.",
    )
    _due_idx = models.Index(
        "(company_id, state) WHERE state IN ('approved', 'in_force')"
    )

    @api.model
    def _default_company_id(self):
        return self.env.company

    @api.model
    def _default_date_from(self):
        return self.env.company._credit_today()

    @api.model
    def _expand_states(self, states, domain):
        """Return the columns of the board: those that move, always, in their order."""
        shown = (rule.DRAFT, rule.SUBMITTED, rule.APPROVED, rule.IN_FORCE)
        return [state for state, _label in STATES if state in states or state in shown]

    # === COMPUTE METHODS === #

    @api.depends("partner_id", "asked_limit", "granted_limit", "state")
    def _compute_display_name(self):
        for request in self:
            limit = request._get_limit()
            request.display_name = (
                f"{request.partner_id.display_name}: {request._say_limit(limit)}"
                if request.partner_id
                else False
            )

    @api.depends("date_until")
    def _compute_is_temporary(self):
        for request in self:
            request.is_temporary = bool(request.date_until)

    @api.depends("state", "figures", "partner_id", "company_id")
    @api.depends_context("lang")
    def _compute_figures(self):
        """Tell what was frozen at the decision; until then what is known now."""
        undecided = self.filtered(lambda request: not request.figures)
        known = undecided._gather_figures()
        for request in self:
            figures = request.figures or known.get(request, {})
            request.current_limit = figures.get("limit", 0.0)
            request.exposure_amount = figures.get("exposure", 0.0)
            request.overdue_amount = figures.get("overdue", 0.0)
            request.score = figures.get("score", 0)
            request.risk_class = figures.get("risk_class", False)
            suggestion = figures.get("suggestion") or {}
            request.suggested_limit = suggestion.get("amount", 0.0)
            request.suggestion_text = self.env["credit.profile"]._render_suggestion(
                suggestion, request.currency_id
            )

    @api.depends("asked_limit", "granted_limit", "state", "company_id")
    def _compute_needs_four_eyes(self):
        for request in self:
            request.needs_four_eyes = request.company_id._credit_needs_four_eyes(
                request._get_limit()
            )

    @api.depends("requested_by", "submitted_by", "state", "needs_four_eyes")
    @api.depends_context("uid")
    def _compute_is_own(self):
        is_manager = self.env.user.has_group("credit_management.group_credit_manager")
        for request in self:
            people = request.requested_by | request.submitted_by
            request.is_own = not request.id or self.env.user in people
            request.may_approve = (
                is_manager
                and request.state == rule.SUBMITTED
                and not (request.is_own and request.needs_four_eyes)
            )

    @api.depends("profile_id", "state")
    def _compute_holding_until(self):
        holding = {
            request.profile_id: request
            for request in self._find_temporary(self.profile_id)
        }
        for request in self:
            other = holding.get(request.profile_id, self.browse())
            request.holding_until = other != request and other.date_until

    # === CONSTRAINT METHODS === #

    @api.constrains("date_from", "date_until")
    def _check_days(self):
        for request in self:
            if request.date_until and request.date_until < request.date_from:
                raise ValidationError(
                    self.env._("The limit ends before it begins. Put the days right.")
                )

    @api.constrains("contact_id", "partner_id")
    def _check_contact_id(self):
        """Override: the customer may change, too."""
        return super()._check_contact_id()

    @api.constrains("reason")
    def _check_reason(self):
        for request in self:
            if not (request.reason or "").strip():
                raise ValidationError(
                    self.env._("Say why the customer needs this limit.")
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Let people say what they ask; who asks is never chosen."""
        for vals in vals_list:
            if not self.env.su:
                self._check_written_by_hand(vals, ASKED)
            vals.setdefault("requested_by", self.env.uid)
            if vals.get("partner_id") and not vals.get("profile_id"):
                company = self.env["res.company"].browse(
                    vals.get("company_id") or self.env.company.id
                )
                partner = self.env["res.partner"].browse(vals["partner_id"])
                profile = self.env["credit.profile"]._get_or_create(company, partner)
                vals["profile_id"] = profile.id
        return super().create(vals_list)

    def write(self, vals):
        """Let who asks put the wish right until it is handed in; the rest happens."""
        if not self.env.su:
            self._check_written_by_hand(vals, WRITABLE)
            if WRITABLE & set(vals):
                self.check_access("write")
                self._check_is_own_draft()
        return super().write(vals)

    def _check_written_by_hand(self, vals, allowed):
        closed = {
            name
            for name in set(vals) - allowed
            if not name.startswith(("activity_", "message_"))
        }
        if closed:
            raise UserError(
                self.env._(
                    "This part of a limit request cannot be written by hand:"
                    " %(fields)s",
                    fields=", ".join(sorted(closed)),
                )
            )

    def _check_is_own_draft(self):
        """Keep a wish as it was: four eyes mean that two people saw the same one.

        :raise UserError: it was handed in, or somebody else is asking
        """
        for request in self:
            if request.state != rule.DRAFT:
                raise UserError(
                    self.env._(
                        "This request was handed in and stays as it is. Withdraw it"
                        " and make a new one."
                    )
                )
            if request.requested_by != self.env.user:
                raise UserError(
                    self.env._(
                        "This is the request of %(requester)s. Make one of your own.",
                        requester=request.requested_by.name,
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_handed_in(self):
        if any(request.state != rule.DRAFT for request in self):
            raise UserError(
                self.env._(
                    "A request that was handed in is evidence and is kept. Withdraw it"
                    " instead."
                )
            )
        if not self.env.su:
            self._check_is_own_draft()

    def _explain_stays(self):
        return self.env._(
            "A request stays with its company. Make one in the other company."
        )

    # === BUSINESS METHODS === #

    def _get_limit(self):
        """Return the limit that was granted; until then the one that is asked for."""
        self.ensure_one()
        granted = self.state in rule.DECIDED_STATES and self.state != rule.REFUSED
        return self.granted_limit if granted else self.asked_limit

    def _say_limit(self, limit):
        """Return a limit in words: an amount, or that there is none."""
        if not limit or not self.currency_id:
            return self.env._("no limit")
        return format_amount(self.env, limit, self.currency_id)

    def _gather_figures(self):
        """Return what is known now, in sets: dict request -> figures."""
        found = {}
        for company, requests in (
            self.filtered("partner_id").grouped("company_id").items()
        ):
            # sudo: the figures are of the file, whoever decides.
            profiles_sudo = (
                self.env["credit.profile"]
                .sudo()
                .search(
                    Domain("company_id", "=", company.id)
                    & Domain("partner_id", "in", requests.partner_id.ids)
                )
            )
            suggestions = profiles_sudo._suggest_limits()
            files = {each.partner_id.id: each for each in profiles_sudo}
            for request in requests:
                profile_sudo = files.get(request.partner_id.id)
                if profile_sudo:
                    found[request] = {
                        "limit": profile_sudo.credit_limit,
                        "exposure": profile_sudo.exposure_amount,
                        "overdue": profile_sudo.overdue_amount,
                        "score": profile_sudo.score,
                        "risk_class": profile_sudo.risk_class_used,
                        "suggestion": suggestions.get(profile_sudo),
                    }
        return found

    def _move(self, target, **vals):
        """Bring requests to another state: the one door, whoever asks.

        The caller checked who may.

        :raise UserError: the state does not allow it
        """
        labels = dict(self._fields["state"]._description_selection(self.env))
        for request in self:
            if not rule.may_move(request.state, target):
                raise UserError(
                    self.env._(
                        "The request “%(name)s” is “%(state)s” and cannot become"
                        " “%(target)s”.",
                        name=request.display_name,
                        state=labels[request.state],
                        target=labels[target],
                    )
                )
            # sudo: what happened is written by what happens, after the checks.
            request_sudo = request.sudo()
            request_sudo.write({"state": target} | vals)
            if target != rule.SUBMITTED:
                # sudo: the tasks of colleagues, too, are done with.
                request_sudo.activity_unlink(["mail.mail_activity_data_todo"])

    # === IN FORCE === #

    @api.model
    def _find_temporary(self, profiles):
        """Return, with sudo, the temporary limits in force, as they began."""
        # sudo: what holds does not depend on who asks.
        return self.sudo().search(
            [
                ("profile_id", "in", profiles.ids),
                ("state", "=", rule.IN_FORCE),
                ("is_temporary", "=", True),
            ],
            order="began_at, id",
        )

    @api.model
    def _find_layers(self, profile_sudo):
        """Return the temporary limits of a file that really hold, as they began.

        Where the limit is not what they say, somebody changed it without us, and they
        mean nothing any more.
        """
        temporary_sudo = self._find_temporary(profile_sudo)
        if temporary_sudo and profile_sudo.currency_id.compare_amounts(
            temporary_sudo[-1].granted_limit, profile_sudo.credit_limit
        ):
            temporary_sudo._supersede(
                lambda env: env._("The limit was changed by somebody meanwhile.")
            )
            return temporary_sudo.browse()
        return temporary_sudo

    def _supersede(self, say=None):
        """Note that something newer holds.

        :param say: function that puts into words why, given the environment
        """
        for request_sudo in self.sudo():  # sudo: what happened, whoever did it
            today = request_sudo.company_id._credit_today()
            request_sudo._move(rule.SUPERSEDED, ended_date=today)
            if say:
                request_sudo._message_log(body=say(request_sudo.env))

    def _begin(self):
        """Let approved limits hold from now on, each on top of what holds."""
        for request_sudo in self.sudo():  # sudo: decided by who may, or by the job
            profile_sudo = request_sudo.profile_id
            profile_sudo._take_turn()
            layers_sudo = self._find_layers(profile_sudo)
            before, granted = profile_sudo.credit_limit, request_sudo.granted_limit
            values = {"began_at": fields.Datetime.now(), "limit_before": before}
            if request_sudo.is_temporary:
                values["limit_after"] = (
                    layers_sudo[-1].limit_after if layers_sudo else before
                )
                request_sudo._move(rule.IN_FORCE, **values)
                profile_sudo._apply_limit(granted)
                continue
            self._find_for_good(profile_sudo)._supersede()
            request_sudo._move(rule.IN_FORCE, **values)
            if layers_sudo:
                # What is temporary goes on, and falls back to this one.
                layers_sudo.write({"limit_after": granted})
            else:
                profile_sudo._apply_limit(granted)
            profile_sudo._note_limit_decided()

    @api.model
    def _find_for_good(self, profiles):
        """Return, with sudo, the limits in force that have no end."""
        # sudo: what holds does not depend on who asks.
        return self.sudo().search(
            [
                ("profile_id", "in", profiles.ids),
                ("state", "=", rule.IN_FORCE),
                ("is_temporary", "=", False),
            ]
        )

    def _end(self):
        """Let temporary limits end: what would hold without them holds again."""
        for request_sudo in self.sudo():  # sudo: decided by who may, or by the job
            profile_sudo = request_sudo.profile_id
            profile_sudo._take_turn()
            temporary_sudo = self._find_temporary(profile_sudo)
            holding = temporary_sudo[-1:].granted_limit
            today = request_sudo.company_id._credit_today()
            request_sudo._move(rule.EXPIRED, ended_date=today)
            if profile_sudo.currency_id.compare_amounts(
                holding, profile_sudo.credit_limit
            ):
                request_sudo._note_left_alone()
                continue
            layers_sudo = temporary_sudo - request_sudo
            limit = rule.find_holding(
                request_sudo.limit_after, layers_sudo.mapped("granted_limit")
            )
            profile_sudo._apply_limit(limit)
            request_sudo._message_log(
                body=self.env._(
                    "The temporary limit ended. What holds now: %(limit)s",
                    limit=request_sudo._say_limit(limit),
                )
            )

    def _note_left_alone(self):
        """Say that a limit was changed by a person meanwhile, and stays."""
        self.ensure_one()
        profile_sudo = self.profile_id.sudo()  # sudo: the job, or who ends it
        body = self.env._(
            "The temporary limit of %(limit)s ended. The limit had been changed to"
            " %(now)s meanwhile: it stays.",
            limit=self._say_limit(self.granted_limit),
            now=self._say_limit(profile_sudo.credit_limit),
        )
        self._message_log(body=body)
        profile_sudo._message_log(body=body)

    @api.model
    def _record(self, company, changes, source, reason):
        """Note limits that hold already, without having been asked for.

        What was in force before is over: a person, or the policy, decided anew.

        :param changes: dict customer -> (limit before, limit now)
        :return: the requests, with sudo
        """
        if not changes:
            return self.sudo()
        partners = self.env["res.partner"].union(*changes)
        profiles = self.env["credit.profile"]._get_or_create(company, partners)
        # sudo: whoever may change the limit of a customer need not know of requests.
        Request_sudo = self.sudo().with_company(company)
        old_sudo = Request_sudo.search(
            [("profile_id", "in", profiles.ids), ("state", "=", rule.IN_FORCE)]
        )
        old_sudo.filtered("is_temporary")._supersede(
            lambda env: env._("The limit was changed by somebody meanwhile.")
        )
        old_sudo.filtered(lambda each: not each.is_temporary)._supersede()
        today, now = company._credit_today(), fields.Datetime.now()
        user = self.env.user.browse() if source == "system" else self.env.user
        requests_sudo = Request_sudo.create(
            [
                {
                    "partner_id": profile_sudo.partner_id.id,
                    "company_id": company.id,
                    "profile_id": profile_sudo.id,
                    "asked_limit": changes[profile_sudo.partner_id][1],
                    "granted_limit": changes[profile_sudo.partner_id][1],
                    "limit_before": changes[profile_sudo.partner_id][0],
                    "reason": reason,
                    "date_from": today,
                    "source": source,
                    "requested_by": user.id,
                    "submitted_by": user.id,
                    "submitted_date": today,
                    "decided_by": user.id,
                    "decided_date": today,
                    "began_at": now,
                    "state": rule.IN_FORCE,
                }
                for profile_sudo in profiles.sudo()
            ]
        )
        for request, figures in requests_sudo._gather_figures().items():
            figures["limit"] = request.limit_before
            request.figures = figures
        profiles.sudo()._note_limit_decided()
        return requests_sudo

    # === CRON === #

    @api.model
    def _cron_advance(self):
        """Let begin what begins today, and end what ended yesterday."""
        commit_progress = self.env["ir.cron"]._commit_progress
        due = self._find_due()
        commit_progress(remaining=len(due))
        for start in range(0, len(due), BATCH):
            batch = due[start : start + BATCH].try_lock_for_update()
            for request in batch.with_user(SUPERUSER_ID):
                request._advance()
            if not commit_progress(min(BATCH, len(due) - start)):
                return

    @api.model
    def _find_due(self):
        """Return what begins or ends, the oldest first: days are each company's own."""
        waiting = Domain("state", "in", (rule.APPROVED, rule.IN_FORCE))
        due = Domain.FALSE
        for (company,) in self._read_group(waiting, ["company_id"]):
            today = company._credit_today()
            due |= Domain("company_id", "=", company.id) & (
                Domain("state", "=", rule.APPROVED) & Domain("date_from", "<=", today)
                | Domain("state", "=", rule.IN_FORCE) & Domain("date_until", "<", today)
            )
        # What ends goes first: the next one then begins on top of what really holds.
        return self.search(waiting & due, order="state desc, date_from, id")

    def _advance(self):
        """Let one request begin or end; one that cannot stops no other."""
        self.ensure_one()
        today = self.company_id._credit_today()
        try:
            with self.env.cr.savepoint():
                if self.state == rule.IN_FORCE and self.is_temporary:
                    self._end()
                elif self.date_until and self.date_until < today:
                    # The job stood still while it would have held.
                    self._move(rule.EXPIRED, ended_date=today)
                elif self.state == rule.APPROVED:
                    self._begin()
        except UserError as error:
            words = str(error)
            if words not in self.activity_ids.mapped("summary"):
                self._give_task(self.decided_by, lambda env, words=words: words)

    # === SAID === #

    @api.model
    def _is_more(self, limit, other):
        return rule.is_above(to_decimal(limit), to_decimal(other))
