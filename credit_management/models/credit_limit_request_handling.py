from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date

from ..logic import limits as rule
from .credit_limit_request import CUSTOMER_SOURCES
from .credit_outgoing_mixin import NO_NOTICE


class CreditLimitRequestHandling(models.Model):
    """Who asks, who decides, and who hears of it."""

    _inherit = "credit.limit.request"  # pylint: disable=consider-merging-classes-inherited

    # === ACTION METHODS === #

    def action_submit(self):
        """Hand requests in: whoever manages credit decides."""
        self.check_access("write")
        for request in self:
            request._check_is_own_draft()
            request._submit()

    def action_approve(self):
        """Grant what was asked for.

        :raise AccessError: of who does not manage credit
        :raise UserError: it needs a second person, or is not to be decided
        """
        self._check_is_manager()
        for request in self:
            request._approve(request.asked_limit)

    def action_grant_less(self):
        """Open the window to grant less than was asked for."""
        return self._open_decide("less")

    def action_refuse(self):
        """Open the window to refuse."""
        return self._open_decide("refuse")

    def action_withdraw(self):
        """Withdraw requests that do not hold yet: one's own, or as a manager."""
        self.check_access("write")
        for request in self:
            request._withdraw()

    def action_end(self):
        """Let temporary limits end today: what holds without them holds again."""
        self._check_is_manager()
        for request in self:
            if request.state != rule.IN_FORCE or not request.is_temporary:
                raise UserError(
                    self.env._(
                        "Only a temporary limit in force can end. Ask for another"
                        " limit instead."
                    )
                )
            request._end()

    def action_use_suggestion(self):
        """Ask for the limit that is suggested."""
        self.check_access("write")
        for request in self:
            request._check_is_own_draft()
            if request.suggested_limit <= 0:
                raise UserError(
                    self.env._("Nothing is suggested that could be used as a limit.")
                )
            request.asked_limit = request.suggested_limit

    def action_open_profile(self):
        """Open the credit file of the customer."""
        self.ensure_one()
        self.check_access("read")
        return self.profile_id._get_records_action()

    def _open_decide(self, kind):
        self.ensure_one()
        self._check_is_manager()
        self._check_is_submitted()
        wizard = self.env["credit.limit.decide"].create(
            {"request_id": self.id, "kind": kind}
        )
        return {
            "type": "ir.actions.act_window",
            "name": wizard._get_title(),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "target": "new",
        }

    # === WHO MAY === #

    def _check_is_manager(self):
        self.check_access("write")
        if not self.env.user.has_group("credit_management.group_credit_manager"):
            raise AccessError(
                self.env._("Only credit managers decide on limits. Ask one of them.")
            )

    def _check_is_submitted(self):
        """Refuse where nothing is to be decided.

        :raise UserError: says what to do
        """
        for request in self:
            if request.state == rule.DRAFT:
                raise UserError(self.env._("This request is a draft. Submit it first."))
            if request.state != rule.SUBMITTED:
                raise UserError(self.env._("This request was decided already."))

    def _check_four_eyes(self, limit):
        """Keep who asked from deciding above the amount of the company.

        :raise UserError: another manager has to decide
        """
        self.ensure_one()
        company = self.company_id
        if company._credit_needs_four_eyes(limit) and self.env.user in (
            self.requested_by | self.submitted_by
        ):
            raise UserError(
                self.env._(
                    "Limits above %(amount)s need four eyes, and you asked for this"
                    " one. Another credit manager has to decide.",
                    amount=self._say_limit(
                        company.sudo().credit_limit_four_eyes_amount
                    ),
                )
            )

    # === BUSINESS METHODS === #

    def _submit(self):
        self.ensure_one()
        today = self.company_id._credit_today()
        if self.date_until and self.date_until < today:
            raise UserError(
                self.env._("The limit would end before today. Put the days right.")
            )
        self._move(rule.SUBMITTED, submitted_by=self.env.uid, submitted_date=today)
        self._give_task(self._find_decider(), lambda env: env._("Decide on a limit"))

    def _find_decider(self):
        """Return a credit manager who may decide: not who asks, if there is another."""
        self.ensure_one()
        # sudo: who may use which company is told to nobody.
        managers_sudo = self.env.ref("credit_management.group_credit_manager").sudo()
        others_sudo = managers_sudo.all_user_ids - self.requested_by - self.submitted_by
        return self.env["credit.profile"]._find_person(
            self.company_id.sudo(), others_sudo
        )

    def _filter_doable_by(self, user):
        """Override: what is to be decided is for a manager who did not ask for it."""
        # sudo: which rights a colleague has is told to nobody here.
        is_manager = user.sudo().has_group("credit_management.group_credit_manager")
        return (
            super()
            ._filter_doable_by(user)
            .filtered(
                lambda request: (
                    request.state != rule.SUBMITTED
                    or is_manager
                    and user not in request.requested_by | request.submitted_by
                )
            )
        )

    def _approve(self, granted, reason="", answer=""):
        """Grant a limit; the caller checked that a manager decides.

        :raise UserError: it is not to be decided, needs another person, or is more
            than what was asked for
        """
        self.ensure_one()
        self._check_is_submitted()
        self._check_four_eyes(granted)
        today = self.company_id._credit_today()
        if self._is_more(granted, self.asked_limit):
            raise UserError(
                self.env._(
                    "More than what was asked for cannot be granted: make a request"
                    " of your own."
                )
            )
        if self.date_until and self.date_until < today:
            raise UserError(
                self.env._("Its last day is over. Refuse it and make a new request.")
            )
        self._decide(rule.APPROVED, reason, answer, granted_limit=granted)
        if self.date_from <= today:
            self._begin()
        self._tell_decision()

    def _refuse(self, reason, answer=""):
        """Refuse it; the caller checked that a manager decides."""
        self.ensure_one()
        self._check_is_submitted()
        self._decide(rule.REFUSED, reason, answer)
        self._tell_decision()

    def _decide(self, target, reason, answer, **vals):
        """Note a decision with all that was known."""
        # The figures of the file as they are, not as the last job left them.
        self.profile_id.sudo()._refresh()  # sudo: figures are the program's
        figures = self._gather_figures().get(self, {})
        self._move(
            target,
            decided_by=self.env.uid,
            decided_date=self.company_id._credit_today(),
            decision_reason=(reason or "").strip() or False,
            answer=(answer or "").strip() or False,
            figures=figures,
            **vals,
        )

    def _withdraw(self):
        """Withdraw it, before it holds.

        :raise UserError: it is somebody else's, or a customer's
        """
        self.ensure_one()
        if self.source in CUSTOMER_SOURCES and self.state != rule.APPROVED:
            raise UserError(
                self.env._("A customer asked for this. Refuse it, and say why.")
            )
        is_own = self.env.user in (self.requested_by | self.submitted_by)
        if not is_own:
            self._check_is_manager()
        self._move(rule.WITHDRAWN, ended_date=self.company_id._credit_today())

    # === ASKED BY OTHERS === #

    @api.model
    def _hand_in(self, profile, source, limit, reason, **vals):
        """Make a request of somebody who has no access to requests, and hand it in.

        The caller checked who may.

        :return: the request, with sudo
        """
        profile_sudo = profile.sudo()  # sudo: of a customer for whom one may ask
        company = profile_sudo.company_id
        # sudo: asked by who may ask and nothing else. For customers the program acts:
        # they are no authors of notes and tasks.
        Request_sudo = (
            self.with_user(SUPERUSER_ID) if source in CUSTOMER_SOURCES else self.sudo()
        )
        request_sudo = Request_sudo.with_company(company).create(
            {
                "partner_id": profile_sudo.partner_id.id,
                "company_id": company.id,
                "profile_id": profile_sudo.id,
                "asked_limit": limit,
                "reason": reason,
                "source": source,
                "date_from": company.sudo()._credit_today(),
            }
            | vals
        )
        request_sudo._submit()
        request_sudo.submitted_by = request_sudo.requested_by
        return request_sudo

    @api.model
    def _find_open_of_customer(self, profile):
        """Return, with sudo, the request of the customer that waits, or none."""
        # sudo: whether one waits, for the customer who was proved.
        return self.sudo().search(
            [
                ("profile_id", "=", profile.id),
                ("state", "=", rule.SUBMITTED),
                ("source", "in", CUSTOMER_SOURCES),
            ],
            limit=1,
        )

    # === SAID === #

    def _tell_decision(self):
        """Tell who asked: the customer by mail, colleagues by a task."""
        self.ensure_one()
        if self.source in CUSTOMER_SOURCES:
            self._tell_customer(self._speak()._say_decision(), self.answer)
            return
        user = self.requested_by
        if not user or user == self.env.user:
            return
        say = (
            (lambda env: env._("The limit you asked for was refused"))
            if self.state == rule.REFUSED
            else (lambda env: env._("The limit you asked for was approved"))
        )
        if self.source != "salesperson":
            self._give_task(user, say)
            return
        # A salesperson sees the customer, not the request.
        spoken = self.partner_id.sudo().with_context(  # sudo: a task of a colleague
            lang=user.lang or self.env.lang, **NO_NOTICE
        )
        spoken.activity_schedule(
            "mail.mail_activity_data_todo", summary=say(spoken.env), user_id=user.id
        )

    def _say_decision(self):
        """Say what was decided, in words for the customer."""
        self.ensure_one()
        company = self.company_id.sudo().name  # sudo: who decides is no secret
        if self.state == rule.REFUSED:
            return self.env._(
                "We cannot give you the credit limit of %(limit)s at %(company)s that"
                " you asked for.",
                limit=self._say_limit(self.asked_limit),
                company=company,
            )
        values = {
            "limit": self._say_limit(self.granted_limit),
            "company": company,
            "day": format_date(self.env, self.date_from),
        }
        if self.date_until:
            return self.env._(
                "Your credit limit at %(company)s is %(limit)s from %(day)s until"
                " %(last)s.",
                last=format_date(self.env, self.date_until),
                **values,
            )
        return self.env._(
            "Your credit limit at %(company)s is %(limit)s from %(day)s.", **values
        )

    def _tell_customer(self, sentence, text=""):
        """Tell the customer a decision by mail, where mails go; the page shows it.

        :param sentence: ours, in the customer's language
        :param text: of a person, plain
        """
        self.ensure_one()
        # sudo: it is the program that tells, after the checks of whoever acts.
        spoken = self.sudo()._speak()
        subject = spoken.env._(
            "Your credit limit at %(company)s", company=spoken.company_id.name
        )
        spoken._post_to_customer(subject, sentence, text)

    def _get_page_button(self):
        """Override: the page of the customer."""
        url = self.profile_id._get_customer_url()
        return {"url": url, "title": self.env._("Open Your Page")}

    # === CUSTOMERS THAT BECOME ONE === #

    @api.model
    def _move_to(self, sources, kept):
        """Take the requests of a file that goes to the one that remains.

        The limit of the remaining customer holds; what waited is over, since it was
        about another one.
        """
        # sudo: merging contacts is guarded by its own group.
        requests_sudo = self.sudo().search([("profile_id", "in", sources.ids)])
        today = kept.company_id._credit_today()
        for request_sudo in requests_sudo:
            if request_sudo.state in (rule.APPROVED, rule.IN_FORCE):
                request_sudo._move(rule.SUPERSEDED, ended_date=today)
            elif request_sudo.state in rule.OPEN_STATES:
                request_sudo._move(rule.WITHDRAWN, ended_date=today)
        requests_sudo.write({"profile_id": kept.id, "partner_id": kept.partner_id.id})

    # === FOR FORMS === #

    @api.onchange("partner_id")
    def _onchange_partner_id(self):
        if self.contact_id.commercial_partner_id != self.partner_id:
            self.contact_id = False
