import hashlib
import logging
import uuid
from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize, formataddr, html2plaintext

from ..logic import delivery, dunning
from ..logic.money import to_decimal
from .credit_dunning_facts import LIVE_STATES

_logger = logging.getLogger(__name__)

# The wire knows the letter by this header, so that anyone can count copies.
KEY_HEADER = "X-Credit-Key"
# A letter that fails to be made this often is parked with a task.
MAX_FAILURES = 3
# Facts of the day that a letter under way does not wait for again: it was decided.
DECIDED_REASONS = {dunning.CHASED, dunning.WAITING, dunning.LAST_LEVEL}
LARGE_AMOUNT = 10000
# What a person may change: while it is proposed, and at any time.
EDITABLE = {
    "level_id",
    "custom_text",
    "recipient_ids",
    "email_cc",
    "pay_by_date",
    "line_ids",
}
OPEN_FIELDS = {"user_id"}


class CreditDunningLetter(models.Model):
    """One message to one contact in one currency, and the evidence of it.

    A letter is proposed, put into the queue, handed to the mail queue of the host and
    then sent, failed or unknown. Its text is kept as sent and never rendered again.
    """

    _name = "credit.dunning.letter"
    _description = "Dunning Letter"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _mail_post_access = "read"

    # What and whom
    name = fields.Char(compute="_compute_name", store=True)
    run_id = fields.Many2one(
        "credit.dunning.run", index="btree_not_null", ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, index=True)
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    profile_id = fields.Many2one(
        "credit.profile", required=True, index=True, ondelete="restrict"
    )
    commercial_partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, index=True
    )
    partner_id = fields.Many2one("res.partner", string="Contact", required=True)
    recipient_ids = fields.Many2many("res.partner", string="Recipients")
    recipient_emails = fields.Char(
        string="To", compute="_compute_recipient_emails", store=True
    )
    email_cc = fields.Char(string="Cc")
    lang = fields.Char(compute="_compute_lang")
    user_id = fields.Many2one("res.users", string="Collector")

    # Which level, how much
    policy_id = fields.Many2one("credit.dunning.policy", ondelete="restrict")
    level_id = fields.Many2one(
        "credit.dunning.level",
        required=True,
        ondelete="restrict",
        domain="[('policy_id', '=', policy_id)]",
        tracking=True,
    )
    level_rank = fields.Integer(string="Levels So Far", readonly=True)
    is_reminder = fields.Boolean(related="level_id.is_reminder")
    currency_id = fields.Many2one("res.currency", required=True)
    line_ids = fields.One2many("credit.dunning.letter.line", "letter_id")
    amount_total = fields.Monetary(
        string="Claimed",
        compute="_compute_amounts",
        store=True,
        help="Overdue items less credits; a notice before the due date claims nothing.",
    )
    amount_company = fields.Monetary(
        string="Claimed, in Company Currency",
        compute="_compute_amounts",
        store=True,
        currency_field="company_currency_id",
    )
    amount_upcoming = fields.Monetary(
        string="Due Soon", compute="_compute_amounts", store=True
    )
    pay_by_date = fields.Date(string="Pay By")
    partner_bank_id = fields.Many2one(
        "res.partner.bank", compute="_compute_partner_bank_id", compute_sudo=True
    )

    # The way it goes
    state = fields.Selection(
        [
            ("proposed", "Proposed"),
            ("skipped", "Left Out"),
            ("queued", "Queued"),
            ("sending", "Sending"),
            ("sent", "Sent"),
            ("unknown", "Unknown"),
            ("failed", "Failed"),
            ("reversed", "Reversed"),
        ],
        default="proposed",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
    )
    state_reason = fields.Char(string="Why", readonly=True, copy=False)
    failure_open = fields.Boolean(
        default=False,
        help="The failure waits for a person or for a better address.",
        readonly=True,
    )
    failed_email = fields.Char(readonly=True)
    failure_count = fields.Integer(readonly=True)
    attempt_count = fields.Integer(readonly=True)
    queued_until = fields.Datetime(string="Not Before", readonly=True)
    is_test = fields.Boolean(
        default=False,
        string="Redirected",
        help="Went to the company's own address.",
        readonly=True,
    )
    is_edited = fields.Boolean(default=False, string="Edited by Hand", readonly=True)
    message_date = fields.Date(
        string="Day of the Message",
        help="Day on which the message was handed over, in the company's time zone.",
        readonly=True,
    )
    sent_date = fields.Datetime(string="Sent On", readonly=True, copy=False)
    to_print = fields.Boolean(default=False, readonly=True)
    printed_date = fields.Datetime(readonly=True)
    mail_ids = fields.Many2many("mail.mail", string="E-mails", readonly=True)
    key = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        index=True,
        default=lambda self: self._default_key(),
    )

    # The text
    custom_text = fields.Html(
        string="Own Text",
        sanitize=True,
        help="Replaces the text of the level for this letter. The table of items and"
        " the payment details are added below it.",
    )
    subject = fields.Char(readonly=True)
    body = fields.Html(string="Text as Sent", sanitize=False, readonly=True)
    body_sha256 = fields.Char(string="SHA-256 of the Text", readonly=True)

    # For the review
    flags = fields.Char(compute="_compute_flags", string="Look At")
    chased_count = fields.Integer(compute="_compute_chased_count", string="Items")
    oldest_days_late = fields.Integer(
        compute="_compute_chased_count", string="Days Late"
    )

    _key_uniq = models.Constraint("UNIQUE (key)", "A letter has a key of its own.")
    _customer_live_idx = models.Index("(company_id, commercial_partner_id, state)")

    @api.model
    def _default_key(self):
        return uuid.uuid4().hex

    # === COMPUTE METHODS === #

    @api.depends("level_id", "commercial_partner_id")
    def _compute_name(self):
        for letter in self:
            level, customer = letter.level_id.name, letter.commercial_partner_id.name
            letter.name = f"{level or ''} – {customer or ''}"

    @api.depends("recipient_ids", "partner_id")
    def _compute_recipient_emails(self):
        for letter in self:
            recipients = letter.recipient_ids or letter.partner_id
            emails = [email for email in recipients.mapped("email_normalized") if email]
            letter.recipient_emails = ", ".join(emails)

    @api.depends("partner_id.lang", "commercial_partner_id.lang")
    def _compute_lang(self):
        for letter in self:
            letter.lang = (
                letter.partner_id.lang
                or letter.commercial_partner_id.lang
                or letter.company_id.partner_id.lang
                or self.env.lang
            )

    @api.depends("line_ids.amount", "line_ids.kind", "line_ids.is_excluded")
    def _compute_amounts(self):
        for letter in self:
            lines = letter.line_ids.filtered(lambda line: not line.is_excluded)
            overdue = lines.filtered(lambda line: not line.is_reminder)
            upcoming = lines - overdue
            # Where items were unticked, the credits may be worth more than the rest.
            total = max(sum(overdue.mapped("amount")), 0.0)
            company_total = max(sum(overdue.mapped("amount_company")), 0.0)
            letter.amount_total = letter.currency_id.round(total) if total else 0.0
            letter.amount_company = letter.company_currency_id.round(company_total)
            letter.amount_upcoming = sum(upcoming.mapped("amount"))

    @api.depends("currency_id", "company_id", "line_ids.move_id")
    def _compute_partner_bank_id(self):
        for letter in self:
            letter.partner_bank_id = letter._choose_bank_account()

    @api.depends("line_ids.kind", "line_ids.is_excluded", "line_ids.days_late")
    def _compute_chased_count(self):
        for letter in self:
            chased = letter._get_chased_lines()
            letter.chased_count = len(chased)
            letter.oldest_days_late = max(chased.mapped("days_late"), default=0)

    @api.depends("line_ids.amount", "partner_id", "amount_company", "recipient_emails")
    def _compute_flags(self):
        before = dict(
            self.env["credit.dunning.letter"]._read_group(
                [
                    ("profile_id", "in", self.profile_id.ids),
                    ("state", "in", LIVE_STATES + ("reversed",)),
                    ("sent_date", "!=", False),
                ],
                ["profile_id"],
                ["__count"],
            )
        )
        for letter in self:
            flags = []
            if letter.state in ("proposed", "queued"):
                if letter.profile_id not in before:
                    flags.append(self.env._("first contact"))
                if letter.amount_company >= LARGE_AMOUNT:
                    flags.append(self.env._("large amount"))
                if not letter.recipient_emails:
                    flags.append(self.env._("no e-mail address"))
                # sudo: whether mail to a contact bounced is told to collectors.
                if any(letter.sudo().partner_id.mapped("message_bounce")):
                    flags.append(self.env._("bounced before"))
                if letter._has_part_payment():
                    flags.append(self.env._("partly paid"))
            letter.flags = ", ".join(flags)

    def _has_part_payment(self):
        """Say whether an item of the letter is paid in part."""
        items = self._get_chased_lines().move_line_id
        return any(
            not item.currency_id.is_zero(
                item.amount_currency - item.amount_residual_currency
            )
            for item in items
        )

    def _choose_bank_account(self):
        """Return the company's account to pay to: by currency, else the first one.

        The account that the newest invoice names comes first.
        """
        self.ensure_one()
        named = self.line_ids.move_id.partner_bank_id[:1]
        if named:
            return named
        accounts = self.company_id.partner_id.bank_ids.filtered(
            lambda bank: not bank.company_id or bank.company_id == self.company_id
        )
        return (
            accounts.filtered(lambda bank: bank.currency_id == self.currency_id)
            or accounts.filtered(lambda bank: not bank.currency_id)
            or accounts
        )[:1]

    # === CONSTRAINT METHODS === #

    @api.constrains("email_cc")
    def _check_email_cc(self):
        for letter in self:
            for part in (letter.email_cc or "").replace(";", ",").split(","):
                if part.strip() and not email_normalize(part):
                    raise ValidationError(
                        self.env._(
                            "“%(address)s” is not an e-mail address. Separate several"
                            " addresses with commas.",
                            address=part.strip(),
                        )
                    )

    # === CRUD METHODS === #

    def write(self, vals):
        """Let people edit a letter until it is approved, and note that they did.

        What a letter says, where it stands and what became of it is written by its own
        methods only: it is evidence.
        """
        if self.env.su:
            return super().write(vals)
        closed = {
            name
            for name in set(vals) - EDITABLE - OPEN_FIELDS
            if not name.startswith(("message_", "activity_"))
        }
        # "message_date" is ours, not one of the thread's.
        closed |= {"message_date"} & set(vals)
        if closed:
            raise UserError(
                self.env._(
                    "This part of a dunning letter cannot be written by hand:"
                    " %(fields)s",
                    fields=", ".join(sorted(closed)),
                )
            )
        if not EDITABLE & set(vals):
            return super().write(vals)
        if any(letter.state != "proposed" for letter in self):
            raise UserError(
                self.env._(
                    "A letter that was approved cannot be edited. Take it out of the"
                    " queue or reverse it."
                )
            )
        leading = {letter.id: letter.level_id for letter in self}
        res = super().write(vals)
        if "level_id" in vals:
            for letter in self:
                letter._move_lines_to_level(leading[letter.id])
        self._mark_edited()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_left(self):
        if any(letter.state not in ("proposed", "skipped") for letter in self):
            raise UserError(
                self.env._("A letter that left is evidence and cannot be deleted.")
            )

    def _mark_edited(self):
        self.filtered(lambda letter: not letter.is_edited).sudo().is_edited = True

    def _follow_items(self):
        """Stand at the highest level of the items that are left in the letter."""
        self.ensure_one()
        chased = self._get_chased_lines()
        if not chased:
            return
        level = max(
            chased.level_id, key=lambda step: (not step.is_reminder, step.delay_days)
        )
        rank = max(chased.mapped("level_rank"))
        if (self.level_id, self.level_rank) != (level, rank):
            # sudo: follows what may be written; it is no edit by itself.
            self.sudo().write({"level_id": level.id, "level_rank": rank})

    def _move_lines_to_level(self, before):
        """Lower or raise the items that led the letter to its new level."""
        self.ensure_one()
        level = self.level_id
        levels = level.policy_id.level_ids.filtered(lambda step: not step.is_reminder)
        if level.is_reminder != before.is_reminder:
            raise ValidationError(
                self.env._(
                    "A notice before the due date cannot become a dunning level, nor"
                    " the other way round."
                )
            )
        if level.is_reminder:
            return
        rank = levels.ids.index(level.id) + 1
        moved = self._get_chased_lines().filtered(
            lambda line: (
                not line.is_reminder
                and (line.level_id == before or line.level_rank > rank)
            )
        )
        # sudo: levels of items follow the letter; by hand only the letter is set.
        moved.sudo().write({"level_id": level.id, "level_rank": rank})
        self.sudo().level_rank = rank

    # === ACTION METHODS === #

    def action_skip(self):
        """Open the window that asks why, and until when."""
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Leave Out"),
            "res_model": "credit.dunning.letter.skip",
            "view_mode": "form",
            "target": "new",
            "context": {"default_letter_ids": self.ids},
        }

    def action_unskip(self):
        """Take letters that were left out back into their proposal."""
        self.check_access("write")
        for letter in self:
            if letter.state != "skipped" or letter.run_id.state != "proposed":
                raise UserError(
                    self.env._(
                        "Only a letter left out of a run that is still proposed can be"
                        " taken back."
                    )
                )
        self.sudo().write({"state": "proposed", "state_reason": False})

    def action_preview(self):
        """Show exactly what would go now, in the customer's language."""
        self.ensure_one()
        self.check_access("read")
        self.profile_id._get_customer_url()  # its token, while one may write
        preview = self.env["credit.dunning.letter.preview"].create(
            {"letter_id": self.id}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Preview"),
            "res_model": preview._name,
            "res_id": preview.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_send_now(self):
        """Put proposed letters into the queue without the rest of their run."""
        self.check_access("write")
        if any(letter.state != "proposed" for letter in self):
            raise UserError(self.env._("Only a proposed letter can be sent."))
        self.company_id._check_credit_may_send()
        for run, letters in self.grouped("run_id").items():
            run._queue(letters)

    def action_unqueue(self):
        """Take letters out of the queue, back into review."""
        self.check_access("write")
        letters = self.filtered(lambda letter: letter.state == "queued")
        letters.sudo().write({"state": "proposed"})
        # sudo: where a run stands is written by its own methods only.
        letters.run_id.sudo().filtered(
            lambda run: run.state in ("sending", "done")
        ).state = "proposed"

    def action_retry(self):
        """Try a failed letter again, to the address as it is now."""
        self.check_access("write")
        for letter in self:
            if letter.state not in ("failed", "unknown"):
                raise UserError(
                    self.env._("Only a failed or unknown letter can be tried again.")
                )
        self.company_id._check_credit_may_send()
        self._cancel_mails()
        letters_sudo = self.sudo()
        letters_sudo._compute_recipient_emails()
        letters_sudo.write(
            {
                "state": "queued",
                "state_reason": False,
                "failure_open": False,
                "failure_count": 0,
                "attempt_count": 0,
                "queued_until": False,
            }
        )
        self.env.ref("credit_management.ir_cron_send_letters")._trigger()

    def action_confirm_sent(self):
        """A person found out that an unknown letter did arrive."""
        self.check_access("write")
        for letter in self:
            if letter.state != "unknown":
                raise UserError(
                    self.env._("Only a letter whose fate is unknown can be confirmed.")
                )
        self._cancel_mails()
        self.sudo()._set_sent()

    def action_close_failure(self):
        """Drop a failed letter; its items may be chased again by a later run."""
        self.check_access("write")
        for letter in self:
            if letter.state not in ("failed", "unknown"):
                raise UserError(
                    self.env._("Only a failed or unknown letter can be dropped.")
                )
        self._cancel_mails()
        self.sudo().write({"state": "failed", "failure_open": False})
        self.activity_feedback(
            ["mail.mail_activity_data_todo"], feedback=self.env._("Dropped")
        )

    def action_mark_printed(self):
        """The letters were printed and posted."""
        self.check_access("write")
        letters_sudo = self.sudo().filtered("to_print")
        letters_sudo.write({"to_print": False, "printed_date": fields.Datetime.now()})
        # Those that go by post alone have left now.
        letters_sudo.filtered(
            lambda letter: letter.state == "sending" and not letter.mail_ids
        )._set_sent()

    def action_reverse(self):
        """Take letters back: the levels return, a trace stays."""
        self.check_access("write")
        letters = self.filtered(
            lambda letter: letter.state not in ("skipped", "reversed")
        )
        if not letters:
            raise UserError(self.env._("There is nothing to reverse."))
        letters._reverse()

    def action_open_profile(self):
        """Open the credit file of the customer."""
        self.ensure_one()
        return self.profile_id._get_records_action()

    # === BUSINESS METHODS - PROPOSAL === #

    @api.model
    def _create_from_messages(self, run, facts, messages):
        """Write the letters that were decided, with their items, in bulk.

        :param messages: pairs of (customer id, ``dunning.Message``)
        """
        if not messages:
            return self.browse()
        partners = self.env["res.partner"].browse(
            {partner_id for partner_id, _message in messages}
        )
        profiles = self.env["credit.profile"]._get_or_create(facts.company, partners)
        profile_of = {profile.partner_id.id: profile for profile in profiles}
        # sudo: letters are made by runs, which one must be allowed to write.
        run.check_access("write")
        quiet = self.sudo().with_context(
            tracking_disable=True,
            mail_create_nolog=True,
            mail_create_nosubscribe=True,
        )
        letters = quiet.create(
            [
                self._prepare_letter_values(run, facts, profile_of[partner_id], message)
                for partner_id, message in messages
            ]
        )
        quiet.line_ids.create(
            [
                vals | {"letter_id": letter.id}
                for letter, (_partner_id, message) in zip(
                    letters, messages, strict=True
                )
                for vals in self._prepare_line_values(facts, message)
            ]
        )
        return self.browse(letters.ids)

    @api.model
    def _prepare_letter_values(self, run, facts, profile, message):
        """Return the values of a letter; extend to freeze more of the moment."""
        policy, _origin = facts.policies[profile.partner_id.id]
        return {
            "run_id": run.id,
            "company_id": facts.company.id,
            "profile_id": profile.id,
            "commercial_partner_id": profile.partner_id.id,
            "partner_id": message.contact,
            "recipient_ids": [fields.Command.set([message.contact])],
            "email_cc": profile.email_cc,
            "user_id": (profile.user_id or facts.company.credit_user_id).id,
            "policy_id": policy.id,
            "level_id": message.level.ref,
            "level_rank": max((o.rank for o in message.chased), default=0),
            "currency_id": message.currency,
            "pay_by_date": message.pay_by,
            "is_test": facts.company.credit_mode == "redirect",
        }

    @api.model
    def _prepare_line_values(self, facts, message):
        """Return the values of the items of a letter, frozen from the ledger."""
        vals_list = []
        for kind, outcomes in (
            ("chased", message.chased),
            ("carried", message.carried),
        ):
            for outcome in outcomes:
                vals = self._prepare_item_values(
                    facts, outcome.item.ref, outcome.amount
                )
                level = outcome.level
                vals_list.append(
                    vals
                    | {
                        "kind": kind,
                        "level_id": level.ref if level else outcome.item.level,
                        "level_rank": outcome.rank,
                        "is_reminder": bool(level and level.is_reminder),
                    }
                )
        for credit, part in message.credits:
            vals = self._prepare_item_values(facts, credit.ref, -part)
            vals_list.append(vals | {"kind": "credit"})
        return vals_list

    @api.model
    def _prepare_item_values(self, facts, line_id, amount):
        row = facts.lines[line_id]
        due = row["date_maturity"]
        share = amount / row["residual"]
        return {
            "move_line_id": line_id,
            "move_id": row["move_id"],
            "name": row["move_name"],
            "invoice_date": row["invoice_date"],
            "date_maturity": due,
            "days_late": max((facts.today - due).days, 0) if due else 0,
            "amount": float(amount),
            "amount_company": float(row["residual_company"] * share),
        }

    def _get_chased_lines(self):
        """Return the items that rise to a level with these letters."""
        return self.line_ids.filtered(
            lambda line: line.kind == "chased" and not line.is_excluded
        )

    def _skip(self, reason):
        """Leave letters out, for a reason that is kept."""
        self.sudo().write({"state": "skipped", "state_reason": reason})

    # === BUSINESS METHODS - TEXT === #

    def _render_texts(self):
        """Render subject and whole body of letters, each in its own language.

        :return: dict letter id -> (subject, html)
        """
        rendered = {}
        for letter, (subject, text) in self._render_level_texts().items():
            # In the language of the letter: headings, dates and amounts too.
            body = letter.env["ir.qweb"]._render(
                "credit_management.credit_dunning_letter_mail",
                letter._prepare_frame_values() | {"text": Markup(text or "")},
            )
            rendered[letter.id] = (subject, str(body))
        return rendered

    def _render_level_texts(self):
        """Render subject and text of the levels, in batches per level and language.

        :return: dict letter, in its language -> (subject, text)
        """
        rendered = {}
        for (level, lang), letters in self.grouped(
            lambda letter: (letter.level_id, letter.lang)
        ).items():
            # sudo: collectors do not edit templates, yet their letters use them.
            template_sudo = level.sudo().mail_template_id
            subjects = template_sudo._render_field(
                "subject", letters.ids, set_lang=lang
            )
            texts = template_sudo._render_field("body_html", letters.ids, set_lang=lang)
            for letter in letters.with_context(lang=lang):
                text = letter.custom_text or texts[letter.id]
                rendered[letter] = (subjects[letter.id], text)
        return rendered

    def _prepare_papers(self):
        """Return what stands on the printed letters.

        :return: dict letter id -> values for the report
        """
        return {
            letter.id: letter._prepare_frame_values()
            | {"subject": letter.subject or subject, "text": Markup(text or "")}
            for letter, (subject, text) in self._render_level_texts().items()
        }

    def _prepare_frame_values(self):
        """Return what the table of items and the payment details are made of.

        sudo: invoices of other salespeople and the bank account of the company stand
        in the letter whoever sends it.
        """
        self.ensure_one()
        letter_sudo = self.sudo()
        lines = letter_sudo.line_ids.filtered(lambda line: not line.is_excluded)
        return {
            "letter": letter_sudo,
            "overdue_lines": lines.filtered(
                lambda line: line.kind != "credit" and not line.is_reminder
            ),
            "upcoming_lines": lines.filtered("is_reminder"),
            "credit_lines": lines.filtered(lambda line: line.kind == "credit"),
            "bank": letter_sudo.partner_bank_id,
            "reference": letter_sudo._get_payment_reference(),
            "url": letter_sudo.profile_id._get_customer_url(),
            "company": letter_sudo.company_id,
            "base_url": letter_sudo.get_base_url(),
        }

    def _get_payment_reference(self):
        """Return what the customer writes on the payment: one invoice, or its own."""
        self.ensure_one()
        moves = self.line_ids.filtered(
            lambda line: line.kind != "credit" and not line.is_excluded
        ).move_id
        if len(moves) == 1:
            return moves.payment_reference or moves.name
        return ", ".join(moves.sorted("invoice_date_due").mapped("name"))

    # === BUSINESS METHODS - SENDING === #

    def _recheck(self):
        """Read again what is open, now, and keep only what still has to be said.

        Runs in the transaction that hands the letter over. Items that were paid,
        disputed, excluded … meanwhile are dropped with that reason, amounts and
        credits are put right.

        :return: the reason why the letter must wait or not go, or None
        """
        self.ensure_one()
        company = self.company_id
        facts = (
            self.with_company(company)
            .env["credit.dunning.facts"]
            ._gather(company, company._credit_today(), self.commercial_partner_id, self)
        )
        decisions = dict(facts.decide())
        decision = decisions.get(self.commercial_partner_id.id)
        outcomes = {
            outcome.item.ref: outcome
            for outcome in (decision.outcomes if decision else ())
        }
        chased = self._get_chased_lines()
        late = {}
        for line in chased:
            outcome = outcomes.get(line.move_line_id.id)
            if outcome is None:
                late[line] = dunning.PAID
            elif outcome.reason not in DECIDED_REASONS:
                late[line] = outcome.reason
        if late and len(late) == len(chased):
            reason = next(iter(late.values()))
            if reason in (dunning.NOT_WORKING_DAY, dunning.TOO_SOON):
                first = outcomes[chased[0].move_line_id.id]
                self._wait_until(first.next_date or facts.today + timedelta(days=1))
            return reason
        for line, reason in late.items():
            line.write({"is_excluded": True, "excluded_reason": self._say(reason)})
        self._follow_items()
        self._refresh_amounts(facts, outcomes)
        return self._find_too_small()

    def _find_too_small(self):
        """Return why what is left after review and payments is not worth a letter."""
        self.ensure_one()
        if not self.amount_total and not self.amount_upcoming:
            return dunning.NET_CREDIT
        minimum = max(self.policy_id.minimum_amount, self.level_id.minimum_amount)
        if not self.is_reminder and self.amount_company < minimum:
            return dunning.BELOW_MINIMUM
        return None

    def _refresh_amounts(self, facts, outcomes):
        """Write the amounts of this moment; drop what was paid, net the credits."""
        claim = dunning.ZERO
        for line in self.line_ids.filtered(lambda line: not line.is_excluded):
            if line.kind == "credit":
                continue
            outcome = outcomes.get(line.move_line_id.id)
            if outcome is None or outcome.reason not in DECIDED_REASONS:
                line.unlink()  # claimed along, and settled meanwhile
                continue
            amount = outcome.amount
            line.write(self._prepare_item_values(facts, line.move_line_id.id, amount))
            if not line.is_reminder:
                claim += amount
        self.line_ids.filtered(lambda line: line.kind == "credit").unlink()
        customer = facts.customers[self.commercial_partner_id.id]
        netted = self._get_netted_elsewhere()
        for credit in customer.credits:
            part = min(credit.amount - netted.get(credit.ref, dunning.ZERO), claim)
            if credit.currency == self.currency_id.id and part > 0:
                vals = self._prepare_item_values(facts, credit.ref, -part)
                self.env["credit.dunning.letter.line"].create(
                    vals | {"letter_id": self.id, "kind": "credit"}
                )
                claim -= part
        calendar = self.company_id._credit_calendar()
        asked = facts.today + timedelta(days=self.level_id.deadline_days)
        if not self.is_edited or not self.pay_by_date or self.pay_by_date < asked:
            self.pay_by_date = (
                calendar.next_working_day(asked)
                if self.policy_id.working_days_only
                else asked
            )

    def _get_netted_elsewhere(self):
        """Return what other letters of the run take off for the same credits.

        A customer with two contacts gets two letters; a credit counts once.

        :return: dict receivable line id -> amount
        """
        others = self.search(
            [
                ("run_id", "=", self.run_id.id),
                ("id", "!=", self.id),
                ("commercial_partner_id", "=", self.commercial_partner_id.id),
                ("state", "in", ("proposed", *LIVE_STATES)),
            ]
        )
        netted = {}
        for line in others.line_ids.filtered(lambda line: line.kind == "credit"):
            line_id = line.move_line_id.id
            netted[line_id] = netted.get(line_id, dunning.ZERO) - to_decimal(
                line.amount
            )
        return netted

    def _say(self, reason):
        """Put a reason of the rule into words."""
        Outcome = self.env["credit.dunning.outcome"]
        labels = dict(Outcome._fields["reason"]._description_selection(self.env))
        return labels.get(reason, reason)

    def _wait_until(self, day):
        self.queued_until = fields.Datetime.to_datetime(day)

    def _hand_over(self):
        """Hand one queued letter over to the channels of its level.

        In one transaction: the check against the ledger, the text as it will be sent,
        the outgoing mail, the level, the tasks. The host's mail queue does the rest.
        """
        self.ensure_one()
        reason = self._recheck()
        if reason in (dunning.NOT_WORKING_DAY, dunning.TOO_SOON):
            return
        if reason:
            self._skip(self._say(reason))
            self._touch_profiles()
            return
        self._compute_recipient_emails()
        self.message_date = self.company_id._credit_today()
        # The mode of this moment decides, not that of the day it was approved.
        self.is_test = self.company_id.credit_mode == "redirect"
        level = self.level_id
        can_email = level.send_email and self.recipient_emails
        # The customer opens and pays these from the page, without a login.
        for move in self._get_chased_lines().move_id:
            move.with_context(skip_is_manually_modified=True)._portal_ensure_token()
        if level.send_email or level.send_letter:
            self._freeze_text()
        if can_email:
            self._create_mail()
        elif level.send_email and not level.send_letter:
            self._fail(self.env._("The customer has no e-mail address"))
            return
        # Paper goes once, and a letter redirected for a test never goes by post.
        self.to_print = level.send_letter and not self.is_test and not self.printed_date
        self.state = "sending" if can_email or self.to_print else "sent"
        if self.state == "sent":
            self.sent_date = fields.Datetime.now()
        self._apply_task()
        self._log_on_documents()
        self._touch_profiles()

    def _freeze_text(self):
        """Render the text for the last time and keep it with its hash."""
        subject, body = self._render_texts()[self.id]
        self.write(
            {
                "subject": subject,
                "body": body,
                "body_sha256": hashlib.sha256(str(body).encode()).hexdigest(),
            }
        )

    def _create_mail(self):
        """Create the outgoing mail, with a Message-ID that stays the same."""
        self.ensure_one()
        mail = self.env["mail.mail"].sudo().create(self._prepare_mail_values())
        self.mail_ids = [fields.Command.set(mail.ids)]
        if self.user_id.partner_id:
            # A reply to the mail lands here; this is who hears of it.
            self.message_subscribe(self.user_id.partner_id.ids)
        return mail

    def _prepare_mail_values(self):
        """Return the values of the outgoing mail; extend to add to it."""
        company = self.company_id
        sender = company.email_formatted or self.env.user.email_formatted
        recipients = self.recipient_ids or self.partner_id
        to = ", ".join(
            # One line: a line break in a name must not begin a new header.
            formataddr(
                (" ".join((partner.name or "").split()), partner.email_normalized)
            )
            for partner in recipients
            if partner.email_normalized
        )
        subject = self.subject
        cc = self.email_cc
        if self.is_test:
            subject = f"[{to}] {subject}"
            to, cc = company.credit_redirect_email, False
        return {
            "model": self._name,
            "res_id": self.id,
            "subject": subject,
            "body": self.body,
            "body_html": self.body,
            "email_from": sender,
            "email_to": to,
            "email_cc": cc,
            "reply_to": self._notify_get_reply_to(default=sender)[self.id],
            "message_id": f"<credit-{self.key}@{self._get_mail_host()}>",
            "headers": repr({KEY_HEADER: self.key}),
            "author_id": company.partner_id.id,
            "message_type": "email_outgoing",
            "auto_delete": False,
            "mail_server_id": self.level_id.mail_template_id.mail_server_id.id,
            "attachment_ids": [fields.Command.set(self._get_attachments().ids)],
        }

    def _get_mail_host(self):
        """Return the right-hand side of the Message-ID (RFC 5322 §3.6.4)."""
        company = self.company_id
        address = email_normalize(company.email or "") or "@localhost"
        return company.alias_domain_id.name or address.rpartition("@")[2]

    def _get_attachments(self):
        """Return what goes along: the invoices where the level says so."""
        if not self.level_id.attach_invoices:
            return self.env["ir.attachment"]
        # sudo: invoices of other salespeople go along too.
        moves_sudo = (
            self.sudo().line_ids.filtered(lambda line: not line.is_excluded).move_id
        )
        vals_list = []
        for move_sudo in moves_sudo.filtered(lambda move: move.is_sale_document()):
            # The invoice as it was sent, else printed now; never a pro forma.
            kept_sudo = move_sudo.invoice_pdf_report_id
            vals_list.append(
                {
                    "name": kept_sudo.name or move_sudo._get_invoice_report_filename(),
                    "raw": kept_sudo.raw or self._print_invoice(move_sudo),
                    "mimetype": "application/pdf",
                    "res_model": self._name,
                    "res_id": self.id,
                }
            )
        return self.env["ir.attachment"].sudo().create(vals_list)

    @api.model
    def _print_invoice(self, move_sudo):
        content, _kind = (
            self.env["ir.actions.report"]
            .sudo()  # sudo: as the host does for its own mails
            ._render_qweb_pdf("account.account_invoices", move_sudo.ids)
        )
        return content

    # === BUSINESS METHODS - EFFECTS === #

    def _apply_task(self):
        """Give the collector the task of the level, for instance a call."""
        level = self.level_id
        if not level.activity_type_id:
            return
        self.profile_id.with_context(lang=self.user_id.lang).activity_schedule(
            activity_type_id=level.activity_type_id.id,
            summary=self.name,
            note=level.activity_note or "",
            user_id=(self.user_id or self.env.user).id,
        )

    def _log_on_documents(self):
        """Leave a trace on the customer's file and on each invoice."""
        for letter in self:
            note = self.env._(
                "%(level)s to %(recipient)s: %(amount)s",
                level=letter.level_id.name,
                recipient=letter.recipient_emails or letter.partner_id.display_name,
                amount=letter.currency_id.format(
                    letter.amount_total or letter.amount_upcoming
                ),
            )
            body = Markup("<p>%s</p>") % note
            letter.profile_id._message_log_batch({letter.profile_id.id: body})
            moves = letter._get_chased_lines().move_id
            moves._message_log_batch({move.id: body for move in moves})

    def _set_sent(self):
        """The message left: from now on it is a fact."""
        now = fields.Datetime.now()
        for letter in self:
            letter.write(
                {
                    "state": "sent",
                    "sent_date": letter.sent_date or now,
                    "state_reason": False,
                    "failure_open": False,
                }
            )
        self.run_id._update_done()
        self._touch_profiles()

    def _fail(self, reason):
        """The message did not leave: no level, a task for a person.

        Where the level also goes by post, the letter takes that road instead.
        """
        for letter in self:
            if letter.printed_date:
                letter._set_sent()  # it did reach the customer, on paper
                continue
            by_post = letter.level_id.send_letter and not letter.is_test
            if by_post and letter.state in ("sending", "sent"):
                letter.write(
                    {
                        "state": "sending",
                        "to_print": True,
                        "sent_date": False,
                        "mail_ids": [fields.Command.clear()],
                        "state_reason": self.env._(
                            "E-mail failed (%(reason)s): goes by post", reason=reason
                        ),
                    }
                )
                continue
            letter.write(
                {
                    "state": "failed",
                    "state_reason": reason,
                    "failure_open": True,
                    "failed_email": (letter.recipient_emails or "").split(",")[0],
                    "sent_date": False,
                }
            )
            letter.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Put the address right"),
                note=self.env._(
                    "A dunning letter to %(customer)s did not arrive: %(reason)s",
                    customer=letter.partner_id.display_name,
                    reason=reason,
                ),
                user_id=(letter.user_id or letter.run_id.user_id or self.env.user).id,
            )
        self.run_id._update_done()
        self._touch_profiles()

    def _reverse(self):
        """Give levels back. A mail still in the queue does not go."""
        self._cancel_mails()
        for letter in self:
            letter.sudo().write({"state": "reversed", "to_print": False})
            body = Markup("<p>%s</p>") % self.env._(
                "%(level)s reversed by %(user)s",
                level=letter.level_id.name,
                user=self.env.user.name,
            )
            letter._message_log_batch({letter.id: body})
            letter.profile_id._message_log_batch({letter.profile_id.id: body})
            moves = letter.line_ids.move_id
            moves._message_log_batch({move.id: body for move in moves})
        self._touch_profiles()

    def _cancel_mails(self):
        # sudo: the mail queue belongs to the system; only our own mails are touched.
        self.sudo().mail_ids.filtered(
            lambda mail: mail.state in ("outgoing", "exception")
        ).cancel()

    def _touch_profiles(self):
        for company, letters in self.grouped("company_id").items():
            self.env["credit.profile"]._touch(company, letters.commercial_partner_id)

    # === BUSINESS METHODS - WHAT BECAME OF THE MAIL === #

    @api.model
    def _apply_mail_results(self, mails, failure_reason, failure_type):
        """Take over what the host's mail queue found out.

        Called by the queue for each mail, in its transaction. Passing failures are
        tried again later; lasting ones fail the letter; where it is not known whether
        the message arrived, a level that goes at most once asks a person.
        """
        letters = self.search(
            [("mail_ids", "in", mails.ids), ("state", "=", "sending")]
        )
        for letter in letters:
            mail = letter.mail_ids & mails
            if mail.state == "sent":
                letter._set_sent()
                continue
            reason = failure_reason or mail.failure_reason
            kind = delivery.classify_failure(reason, failure_type)
            attempts = letter.attempt_count + 1
            wait = delivery.wait_before_attempt(attempts)
            letter.attempt_count = attempts
            reason_line = (html2plaintext(reason or "") or "").strip().split("\n")[0]
            if kind == delivery.UNKNOWN and letter.level_id.send_once:
                letter.write({"state": "unknown", "state_reason": reason_line})
                letter._ask_person()
            elif kind == delivery.HARD or wait is None:
                letter._fail(reason_line or self.env._("Not delivered"))
            else:
                letter.write(
                    {
                        "queued_until": fields.Datetime.now() + wait,
                        "state_reason": reason_line,
                    }
                )

    def _ask_person(self):
        """Ask whether a letter that goes at most once arrived."""
        for letter in self:
            letter.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Did this letter arrive?"),
                note=self.env._(
                    "The mail server was cut off. Look at its log, or ask the customer,"
                    " then confirm the letter or send it again."
                ),
                user_id=(letter.user_id or letter.run_id.user_id or self.env.user).id,
            )
        self.run_id._update_done()

    def _message_receive_bounce(self, email, partner):
        """Override of `mail`: a bounced letter is not a letter."""
        res = super()._message_receive_bounce(email, partner)
        # The bounce of a copy is no bounce of the letter.
        letters = self.filtered(
            lambda letter: (
                letter.state in ("sending", "sent", "unknown")
                and email in (letter.recipient_emails or "").split(", ")
            )
        )
        letters._fail(self.env._("The e-mail to %(address)s bounced", address=email))
        return res

    @api.model
    def _recall_if_closed(self, mails):
        """Take back what is about to leave although its company does not send.

        :return: the mails that must not go
        """
        letters = self.search(
            [("mail_ids", "in", mails.ids), ("state", "=", "sending")]
        ).filtered(lambda letter: letter._is_closed())
        held = letters.mail_ids & mails
        letters._recall()
        return held

    def _is_closed(self):
        """Say whether the company holds back a letter like this one now."""
        self.ensure_one()
        company = self.company_id
        if company.credit_stopped or company.credit_mode not in ("redirect", "live"):
            return True
        return company.credit_mode == "redirect" and not self.is_test

    @api.model
    def _recall_outgoing(self, companies):
        """Take what the mail queue has not sent back into our own queue."""
        self.search(
            [("company_id", "in", companies.ids), ("state", "=", "sending")]
        )._recall()

    def _recall(self):
        """Cancel the mails that have not left, and queue their letters again."""
        waiting = self.filtered(
            lambda letter: (
                letter.mail_ids
                and all(
                    mail.state in ("outgoing", "exception") for mail in letter.mail_ids
                )
            )
        )
        waiting._cancel_mails()
        waiting.write({"state": "queued", "message_date": False, "queued_until": False})

    # === CRON === #

    @api.model
    def _get_sendable_domain(self):
        """Return which letters the sending job takes."""
        return [
            ("state", "=", "queued"),
            ("company_id.credit_stopped", "=", False),
            ("company_id.credit_mode", "in", ("redirect", "live")),
            "|",
            ("queued_until", "=", False),
            ("queued_until", "<=", fields.Datetime.now()),
        ]

    @api.model
    def _cron_send_letters(self, batch_size=50):
        """Hand queued letters over, one transaction a letter.

        May be killed anywhere and run twice at once: a letter leaves the domain in the
        transaction that creates its mail. One that cannot be made is tried again, and
        parked with a task after a few times; the others go on.
        """
        domain = self._get_sendable_domain()
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=self.search_count(domain))
        for letter_id in self.search(domain, limit=batch_size, order="id").ids:
            letter = self.browse(letter_id).try_lock_for_update()
            letter = letter.filtered_domain(domain)
            if not letter:
                continue
            company = letter.company_id
            letter = letter.with_company(company).with_context(
                allowed_company_ids=company.ids
            )
            try:
                letter._hand_over()
                self.env.flush_all()
            except Exception as error:
                self.env.cr.rollback()
                _logger.exception("Dunning letter %s could not be made", letter_id)
                letter._note_failure(error)
            letter.run_id._update_done()
            if not commit_progress(1):
                break
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _note_failure(self, error):
        """Count a letter that could not be made; park it after a few times."""
        self.ensure_one()
        self.failure_count += 1
        if self.failure_count >= MAX_FAILURES:
            self._fail(self.env._("Could not be made: %(error)s", error=error))
        else:
            self.queued_until = fields.Datetime.now() + timedelta(minutes=10)

    @api.model
    def _cron_supervise(self):
        """Keep letters moving: wake the queues, try again what failed in passing."""
        now = fields.Datetime.now()
        again = self.search(
            [
                ("state", "=", "sending"),
                ("mail_ids", "!=", False),
                ("queued_until", "!=", False),
                ("queued_until", "<=", now),
                ("company_id.credit_stopped", "=", False),
            ]
        )
        again.mail_ids.filtered(lambda mail: mail.state == "exception").mark_outgoing()
        again.queued_until = False
        self._settle_finished_mails()
        if self.search_count(self._get_sendable_domain(), limit=1):
            self.env.ref("credit_management.ir_cron_send_letters")._trigger()
        if self.search_count(
            [("state", "=", "sending"), ("mail_ids.state", "=", "outgoing")], limit=1
        ):
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    @api.model
    def _settle_finished_mails(self):
        """Take over results that the mail queue could not tell: it was killed."""
        for letter in self.search(
            [
                ("state", "=", "sending"),
                ("mail_ids.state", "in", ("sent", "exception", "cancel")),
                ("queued_until", "=", False),
            ]
        ):
            mail = letter.mail_ids[:1]
            if mail.state == "cancel":
                letter._fail(self.env._("The e-mail was cancelled in the mail queue"))
            else:
                self._apply_mail_results(mail, mail.failure_reason, mail.failure_type)
