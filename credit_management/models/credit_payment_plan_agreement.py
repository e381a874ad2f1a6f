import hashlib
import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, format_datetime
from odoo.tools.misc import hash_sign, verify_hash_signed

from ..logic import plan as rule
from ..logic.money import to_decimal

SCOPE = "credit.payment.plan.accept"
REPORT = "credit_management.credit_payment_plan_report"
# A part in the text of the agreement, see ``_say_agreement``.
PART_LINE = re.compile(r"(?P<number>\d{1,3})\. (?P<day>.+): (?P<amount>.+)")
LONGEST_TOKEN = 1000
LONGEST_NAME = 100
TASK_DAYS = 2


class CreditPaymentPlanAgreement(models.Model):
    """How both sides come to agree: proposed by one, accepted by the other.

    What was accepted is kept as it was shown: who, when, the text and its hash. A link
    that opens the page accepts nothing; that takes a login, or a link of its own that
    was mailed to the address on record and is good once and for some days.
    """

    _inherit = "credit.payment.plan"  # pylint: disable=consider-merging-classes-inherited

    answer_by = fields.Date(
        string="To Be Answered By",
        readonly=True,
        copy=False,
        help="A proposal of ours that is not accepted by then has ended.",
    )
    reason = fields.Text(
        string="Why in Parts",
        readonly=True,
        copy=False,
        help="In the customer's own words.",
    )
    counter_of_id = fields.Many2one(
        "credit.payment.plan",
        string="Instead Of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="What the customer proposed: refused when this one is proposed.",
    )
    accepted_way = fields.Selection(
        [
            ("staff", "Noted by Our Staff"),
            ("portal", "With a Login"),
            ("link", "By a Mailed Link"),
        ],
        string="Accepted How",
        readonly=True,
        copy=False,
        tracking=True,
    )
    accepted_name = fields.Char(string="Accepted By", readonly=True, copy=False)
    accepted_date = fields.Datetime(string="Accepted On", readonly=True, copy=False)
    accepted_text = fields.Text(
        string="Text of the Agreement",
        readonly=True,
        copy=False,
        help="As it was shown to who accepted it.",
    )
    accepted_hash = fields.Char(string="SHA-256 of the Text", readonly=True, copy=False)
    offer_id = fields.Many2one(
        "credit.payment.plan.offer",
        string="Taken as Offered",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
    )
    portal_key = fields.Char(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="Of the form the customer sent: sent twice, it makes one plan.",
    )

    _portal_key_uniq = models.UniqueIndex(
        "(profile_id, portal_key) WHERE portal_key IS NOT NULL",
        "This form was sent already.",
    )

    # === ACTION METHODS === #

    def action_propose(self):
        """Propose drafts to their customers, who accept or decline them."""
        self.check_access("write")
        for plan in self:
            plan._propose()

    def action_accept(self):
        """Accept what customers proposed: it runs from now on."""
        self.check_access("write")
        for plan in self:
            if plan.state != rule.PROPOSED or plan.source == "staff":
                raise UserError(
                    self.env._(
                        "%(name)s is no proposal of the customer.", name=plan.name
                    )
                )
            plan._activate()
            plan._tell_running()

    def action_refuse(self):
        """Open the window to refuse what a customer proposed."""
        self.ensure_one()
        self.check_access("write")
        return self._open_refuse()

    def action_counter(self):
        """Open the calculator for another plan about the same."""
        self.ensure_one()
        self.check_access("write")
        if self.state != rule.PROPOSED or self.source == "staff":
            self._refuse_move(rule.REFUSED)
        return self.env["credit.payment.plan.make"]._open_for(
            self.profile_id, self.item_ids.move_line_id, counter_of=self
        )

    def action_view_customer_page(self):
        """Open the page of the customer about it."""
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_url",
            "url": self._get_plan_url(),
            "target": "new",
        }

    def _open_refuse(self):
        window = self.env["credit.payment.plan.refuse"].create({"plan_id": self.id})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Refuse the Proposal"),
            "res_model": window._name,
            "res_id": window.id,
            "view_mode": "form",
            "target": "new",
        }

    # === PROPOSED === #

    def _propose(self):
        """Propose a draft to the customer; the caller checked who may."""
        self.ensure_one()
        company, today = self.company_id, self.company_id._credit_today()
        # sudo: how long a proposal stands is no secret; the parts of one's own draft.
        plan_sudo = self.sudo()
        self._check_agreed_parts(today)
        days = company.sudo().credit_plan_answer_days
        if plan_sudo.counter_of_id.state == rule.PROPOSED:
            plan_sudo.counter_of_id._move(
                rule.REFUSED, end_reason=self.env._("We propose another plan.")
            )
            plan_sudo.counter_of_id._end_tasks()
        self._move(rule.PROPOSED, answer_by=today + timedelta(days=days))
        spoken = self._speak()
        spoken._post_to_customer(
            spoken.env._("Proposal: payment plan %(name)s", name=self.name),
            spoken.env._(
                "We propose that you pay %(amount)s in parts: plan %(name)s. Please"
                " look at it and accept it by %(day)s.",
                amount=self.currency_id.format(self.amount),
                name=self.name,
                day=format_date(spoken.env, self.answer_by),
            ),
        )
        plan_sudo._send_accept_link()

    def _check_agreed_parts(self, today):
        """Refuse parts that do not add up or whose first day has passed."""
        # sudo: the parts of a plan that one may propose or start.
        parts = self.sudo().line_ids._to_parts()
        self._check_parts(self.currency_id, parts, to_decimal(self.amount), today)

    @api.model
    def _propose_online(self, profile, items, parts, **vals):
        """Take what a customer proposes; the caller checked who it is.

        :return: the plan, with sudo, proposed
        :raise UserError: says what to put right
        """
        plan_sudo = self._make(profile, items, parts, **vals)
        plan_sudo._move(rule.PROPOSED)
        calendar = plan_sudo.company_id._credit_calendar()
        plan_sudo._ask_collector(
            lambda env: env._("A customer proposes to pay in parts"),
            calendar.add_working_days(plan_sudo.start_date, TASK_DAYS),
        )
        return plan_sudo

    def _take_offer(self):
        """Let a plan of the customer run at once where an offer has it; say whether.

        The caller proved by a login who proposes it.
        """
        self.ensure_one()
        plan_sudo = self.sudo()  # sudo: the program answers
        offer_sudo = self.env["credit.payment.plan.offer"]._find_fitting(plan_sudo)
        if not offer_sudo:
            return False
        costs = any(offer_sudo._get_terms(plan_sudo.currency_id).values())
        if costs and self._may_charge(plan_sudo.partner_id) and not plan_sudo.cost:
            return False  # the customer has not agreed to the cost
        plan_sudo.offer_id = offer_sudo
        plan_sudo._activate()
        plan_sudo._end_tasks()
        plan_sudo._tell_running()
        return True

    # === ACCEPTED === #

    def _say_agreement(self):
        """Return the text that is agreed on, in the language of this record."""
        self.ensure_one()
        env, money = self.env, self.currency_id.format
        rows = [
            f"{number}. {format_date(env, line.date)}: {money(line.amount)}"
            for number, line in enumerate(self.line_ids, start=1)
        ]
        return "\n".join(
            [
                env._(
                    "Payment plan %(name)s between %(company)s and %(customer)s",
                    name=self.name,
                    company=self.company_id.name,
                    customer=self.partner_id.name,
                ),
                env._("Invoices: %(invoices)s", invoices=self.invoice_names),
                env._(
                    "Open: %(amount)s, to be paid in these parts:",
                    amount=money(self.amount - self.cost),
                ),
                *rows,
                *self._say_cost(),
                env._(
                    "While the plan is kept no reminders go. Where a part is not paid"
                    " in time we warn you once; if it is not paid by the day named"
                    " then, the plan ends and the whole of what is open is due."
                ),
            ]
        )

    def _accept(self, name, way):
        """Note that the customer accepts; the caller proved who it is.

        :param name: of the person, as it was typed or as the login has it
        :raise UserError: it was accepted or has ended already, or a day has passed
        """
        self.ensure_one()
        self._lock()
        today = self.company_id._credit_today()
        if self.state != rule.PROPOSED or self.source != "staff":
            raise UserError(self.env._("This plan cannot be accepted any more."))
        if self.answer_by and self.answer_by < today:
            raise UserError(
                self.env._("This proposal has ended. Please ask us for a new one.")
            )
        self._check_agreed_parts(today)
        self._keep_agreement(name, way)
        self._activate()
        self._tell_running()

    def _keep_agreement(self, name, way):
        """Keep who agreed, when, and to what."""
        text = self._speak()._say_agreement()
        # sudo: what happened is written by what happens, after the checks.
        self.sudo().write(
            {
                "accepted_way": way,
                "accepted_name": name[:LONGEST_NAME],
                "accepted_date": fields.Datetime.now(),
                "accepted_text": text,
                "accepted_hash": hashlib.sha256(text.encode()).hexdigest(),
            }
        )

    # === ON PAPER === #

    def _prepare_agreement(self):
        """Return what stands on the paper of the agreement: plain values.

        The text is the one that was agreed and is kept, whatever changed since; of a
        proposal, what would be agreed.
        """
        spoken = self._speak()
        company = spoken.company_id
        labels = dict(self._fields["accepted_way"]._description_selection(spoken.env))
        text = self.accepted_text or spoken._say_agreement()
        moment = self.accepted_date and format_datetime(
            spoken.env, self.accepted_date, tz=company._credit_tz_name()
        )
        paragraphs = []
        for line in text.splitlines():
            row = PART_LINE.fullmatch(line)
            if not row:
                paragraphs.append({"text": line, "parts": []})
                continue
            if not paragraphs or not paragraphs[-1]["parts"]:
                paragraphs.append({"text": "", "parts": []})
            paragraphs[-1]["parts"].append(row.groupdict())
        # sudo: the address of a plan that one may read.
        address = (self.contact_id or self.partner_id).sudo()
        return {
            "plan": spoken,
            "lang": spoken.env.lang,
            "paragraphs": paragraphs,
            "is_agreed": bool(self.accepted_text),
            "accepted_date": moment and f"{moment} ({company._credit_tz_name()})",
            "way": labels.get(self.accepted_way),
            "sender": company._credit_sender_line(),
            "address": address._get_credit_postal_lines(company),
        }

    def _get_agreement_filename(self):
        self.ensure_one()
        name = "".join(c if c.isalnum() else "_" for c in self.name)
        return f"{name}.pdf"

    def _render_agreement(self):
        """Return the agreement as PDF; the caller checked who may have it."""
        self.ensure_one()
        content, _kind = (
            self.env["ir.actions.report"]
            .sudo()  # sudo: the caller proved that the plan is theirs
            ._render_qweb_pdf(REPORT, self.ids)
        )
        return content

    def _tell_running(self):
        spoken = self._speak()
        spoken._post_to_customer(
            spoken.env._("Payment plan %(name)s runs", name=self.name),
            spoken.env._(
                "Payment plan %(name)s is agreed. Please pay the first part by %(day)s."
                " No reminders go while you keep it.",
                name=self.name,
                day=format_date(spoken.env, self.next_date),
            ),
            self.accepted_text or spoken._say_agreement(),
        )

    def _decline(self, reason, by_customer=False):
        """Refuse a proposal of the other side; the caller checked who may."""
        self.ensure_one()
        self._move(rule.REFUSED, end_reason=reason)
        self._end_tasks()
        if by_customer:
            return
        spoken = self._speak()
        spoken._post_to_customer(
            spoken.env._("Payment plan %(name)s", name=self.name),
            spoken.env._(
                "We cannot agree to the plan %(name)s that you proposed.",
                name=self.name,
            ),
            reason,
        )

    # === THE LINK THAT ACCEPTS === #

    def _get_accept_token(self):
        """Return what accepts the plan: good for some days, and once."""
        hours = 24 * max((self.answer_by - self.company_id._credit_today()).days, 1)
        # sudo: the secret with which the program signs.
        return hash_sign(
            self.sudo().env,
            SCOPE,
            [self.id, self.contact_id.email_normalized or ""],
            expiration_hours=hours,
        )

    @api.model
    def _find_by_accept_token(self, token):
        """Return the plan, with sudo, that a token may accept now, or none."""
        # sudo: who has the token may accept; nothing else opens a plan here.
        Plan_sudo = self.sudo()
        if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN:
            return Plan_sudo
        try:
            signed = verify_hash_signed(Plan_sudo.env, SCOPE, token)
        except ValueError:  # no token at all
            signed = None
        if not signed:
            return Plan_sudo
        plan_id, email = signed
        plan_sudo = Plan_sudo.browse(plan_id).exists()
        is_open = (
            plan_sudo.state == rule.PROPOSED
            and plan_sudo.source == "staff"
            # The address changed since: the link went to somebody else.
            and (plan_sudo.contact_id.email_normalized or "") == email
            and plan_sudo.answer_by >= plan_sudo.company_id._credit_today()
        )
        return plan_sudo if is_open else Plan_sudo

    def _send_accept_link(self):
        """Mail the link that accepts to the address on record; say whether it went."""
        self.ensure_one()
        email = self.contact_id.email_normalized
        if not email or self.is_mail_held:
            return False
        spoken = self._speak()
        company = spoken.company_id
        body = spoken.env["ir.qweb"]._render(
            "credit_management.credit_plan_accept_mail",
            {
                "company": company,
                "asked": spoken.env._(
                    "%(company)s proposes payment plan %(name)s to %(customer)s.",
                    company=company.name,
                    name=spoken.name,
                    customer=spoken.partner_id.name,
                ),
                "confirm": spoken.env._(
                    "To accept it open this page by %(day)s. The link works once; do"
                    " not forward it.",
                    day=format_date(spoken.env, spoken.answer_by),
                ),
                "url": f"{spoken.get_base_url()}/my/payment-plans/accept"
                f"?token={spoken._get_accept_token()}",
            },
        )
        sender = company.email_formatted or self.env.user.email_formatted
        # sudo: the mail queue belongs to the system. Not in the talk: who may read that
        # would hold the link.
        self.env["mail.mail"].sudo().create(
            {
                "subject": spoken.env._(
                    "Please accept: payment plan %(name)s", name=spoken.name
                ),
                "body_html": body,
                "email_from": sender,
                "email_to": email,
                "reply_to": sender,
                "author_id": company.partner_id.id,
                "message_type": "email_outgoing",
                "auto_delete": True,
            }
        )
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        return True

    # === PAGE === #

    def _get_plan_url(self):
        """Return the address of the page about it, good without a login."""
        self.ensure_one()
        plan_sudo = self.sudo()  # sudo: whoever writes about a plan hands out its link
        plan_sudo._portal_ensure_token()
        return plan_sudo.get_base_url() + plan_sudo.get_portal_url()

    def _get_page_button(self):
        """Override: the page of the plan."""
        return {"url": self._get_plan_url(), "title": self.env._("View Payment Plan")}

    # === REMINDERS OF PARTS, AND THE END OF PROPOSALS === #

    def _remind(self, standings, under_way, today):
        """Remind of the next part: some days before, and on its day; each once.

        :param standings: dict line id -> standing
        """
        self.ensure_one()
        if self.is_mail_held or under_way > 0:
            return
        days = self.company_id.credit_plan_notice_days
        for line in self.line_ids:
            standing = standings.get(line.id)
            if not standing or standing.remaining <= 0 or line.date < today:
                continue
            is_day = line.date == today
            if line.date - timedelta(days=days) > today or not days:
                return
            if line.told_date and (not is_day or line.told_date == today):
                return
            line.told_date = today
            spoken = self._speak()
            values = {
                "name": self.name,
                "amount": self.currency_id.format(float(standing.remaining)),
                "day": format_date(spoken.env, line.date),
            }
            spoken._post_to_customer(
                spoken.env._("Payment plan %(name)s: next part", name=self.name),
                spoken.env._(
                    "Today %(amount)s of payment plan %(name)s is due.", **values
                )
                if is_day
                else spoken.env._(
                    "%(amount)s of payment plan %(name)s is due on %(day)s.", **values
                ),
            )
            return

    @api.model
    def _end_unanswered(self):
        """End our proposals that nobody accepted in time."""
        for company, plans in (
            self.search([("state", "=", rule.PROPOSED), ("source", "=", "staff")])
            .grouped("company_id")
            .items()
        ):
            today = company._credit_today()
            for plan in plans.filtered(
                lambda plan, today=today: plan.answer_by and plan.answer_by < today
            ):
                plan._move(
                    rule.CANCELLED, end_reason=self.env._("Nobody answered in time.")
                )
