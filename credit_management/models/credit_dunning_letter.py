import uuid

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.image import image_data_uri

REPORT = "credit_management.credit_dunning_letter_report"
# An e-mail on paper: it brings its own head.
PAPER_OF_MAIL = {
    "data-report-margin-top": 10,
    "data-report-margin-bottom": 10,
    "data-report-header-spacing": 0,
}
# No grey around it: that is for screens.
PAPER_STYLE = (
    "<style>body, body > table { background-color: #ffffff !important; }</style>"
)
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
# What a text may name although its writer may not run code, beyond the host's few.
ALLOWED_EXPRESSIONS = (
    "format_amount(object.amount_total, object.currency_id)",
    "format_amount(object.amount_upcoming, object.currency_id)",
    "format_date(object.pay_by_date)",
    "object.amount_total",
    "object.amount_upcoming",
    "object.chased_count",
    "object.commercial_partner_id.name",
    "object.commercial_partner_id.ref or ''",
    "object.company_id.email",
    "object.company_id.name",
    "object.company_id.phone",
    "object.currency_id.name",
    "object.lang",
    "object.level_id.name",
    "object.oldest_days_late",
    "object.partner_id.name or ''",
    "object.pay_by_date",
    "object.user_id.email",
    "object.user_id.phone",
)


class CreditDunningLetter(models.Model):
    """One message to one contact in one currency, and the evidence of it.

    A letter is proposed, put into the queue, handed to the mail queue of the host and
    then sent, failed or unknown. Its text is kept as sent and never rendered again.
    """

    _name = "credit.dunning.letter"
    _description = "Dunning Letter"
    _inherit = [
        "credit.talk.mixin",
        "credit.outgoing.mixin",
        "credit.task.mixin",
        "credit.bulk.mixin",
    ]
    _order = "id desc"
    _check_company_auto = True
    _mail_post_access = "read"
    _allowed_expressions = ALLOWED_EXPRESSIONS

    # What and whom
    name = fields.Char(compute="_compute_name", store=True)
    run_id = fields.Many2one(
        "credit.dunning.run", index="btree_not_null", ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True)
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
    language = fields.Char(compute="_compute_language")
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
    failure_open = fields.Boolean(
        default=False,
        help="The failure waits for a person or for a better address.",
        readonly=True,
    )
    failed_email = fields.Char(readonly=True)
    queued_date = fields.Datetime(
        string="Queued On", readonly=True, copy=False, help="Since when it waits."
    )
    claimed_date = fields.Datetime(
        string="Claimed On",
        readonly=True,
        copy=False,
        help="When a letter that goes at most once was taken to the mail server.",
    )
    is_edited = fields.Boolean(default=False, string="Edited by Hand", readonly=True)
    message_date = fields.Date(
        string="Day of the Message",
        help="Day on which the message was handed over, in the company's time zone.",
        readonly=True,
    )
    to_print = fields.Boolean(default=False, readonly=True)
    printed_date = fields.Datetime(readonly=True)
    reversed_date = fields.Datetime(string="Taken Back On", readonly=True, copy=False)
    key = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: self._default_key(),
    )
    opened_date = fields.Datetime(
        string="Opened On",
        readonly=True,
        copy=False,
        help="When the customer first came to the page by the link in this letter.",
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
    receipt_amount = fields.Monetary(
        related="profile_id.receipt_amount", currency_field="company_currency_id"
    )
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

    @api.depends("lang")
    def _compute_language(self):
        for letter in self:
            letter.language = self.env["credit.profile"]._name_language(letter.lang)

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
            self.env["credit.profile"]._check_addresses(letter.email_cc)

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
        if "recipient_ids" in vals:
            # Nobody learns, by writing to it, the address of a contact they cannot see.
            recipients_sudo = self.sudo().recipient_ids
            recipients_sudo.with_env(self.env).check_access("read")
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
        # Of what was selected, what still stands needs nothing.
        skipped = self.filtered(lambda letter: letter.state != "proposed")
        for letter in skipped:
            if letter.state != "skipped" or letter.run_id.state != "proposed":
                raise UserError(
                    self.env._(
                        "Only a letter left out of a run that is still proposed can be"
                        " taken back."
                    )
                )
        skipped.sudo().write({"state": "proposed", "state_reason": False})

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
                "claimed_date": False,
            }
        )
        self._wake()

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

    def action_reverse(self):
        """Take letters back: the levels return, a trace stays."""
        self.check_access("write")
        letters = self.filtered(
            lambda letter: letter.state not in ("skipped", "reversed")
        )
        if not letters:
            raise UserError(self.env._("There is nothing to reverse."))
        letters._reverse()

    def action_view_receipts(self):
        """Open the customer's bank entries that nobody has matched yet."""
        self.ensure_one()
        return self.profile_id.action_view_receipts()

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
        # sudo: letters are made by runs, which one must be allowed to write.
        run.check_access("write")
        letters_sudo, lines_sudo = self.sudo(), self.sudo().line_ids
        profile_of = self._get_profiles_of_messages(facts, messages)
        vals_list, items_list = [], []
        for partner_id, message in messages:
            profile = profile_of[partner_id]
            vals = self._prepare_letter_values(run, facts, profile, message)
            items = self._prepare_line_values(facts, message)
            vals |= self._prepare_computed_values(vals, items)
            vals_list.append(vals)
            items_list.append(items)
        self._add_flags(facts, vals_list, items_list)
        letters = letters_sudo._create_in_bulk(vals_list)
        given = [self._fields[name] for name in vals_list[0]]
        computed = [field for field in given if field.store and field.compute]
        # What was given of the letters is not computed again for their items.
        with self.env.protecting(computed, letters):
            lines_sudo._create_in_bulk(
                [
                    item | lines_sudo._prepare_copied_values(letter_id, vals)
                    for letter_id, vals, items in zip(
                        letters.ids, vals_list, items_list, strict=True
                    )
                    for item in items
                ]
            )
        return self.browse(letters.ids)

    @api.model
    def _get_profiles_of_messages(self, facts, messages):
        """Return the credit files by customer id, with all that letters read of them.

        Read here in one go: the host would read every column of every contact.
        """
        partners = self.env["res.partner"].browse(
            dict.fromkeys(partner_id for partner_id, _message in messages)
        )
        contacts = partners.browse(
            dict.fromkeys(message.contact for _partner_id, message in messages)
        )
        (partners | contacts).sudo().fetch(["name", "email_normalized"])
        profiles = self.env["credit.profile"]._get_or_create(facts.company, partners)
        profiles.fetch(["partner_id", "email_cc", "user_id"])
        return {profile.partner_id.id: profile for profile in profiles}

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
            "key": self._default_key(),
        }

    @api.model
    def _prepare_computed_values(self, vals, items):
        """Return what the compute methods would say of a new letter, without reading.

        Who extends one of those methods extends this, or takes its field out of the
        result: what is not here is computed by the host. A test compares the two.

        :param vals: values of the letter
        :param items: list of values of its items
        """
        # sudo: whoever proposes names the customer, whoever looks after it.
        partners_sudo = self.env["res.partner"].sudo()
        recipients_sudo = partners_sudo.browse(
            [id_ for _set, _zero, ids in vals["recipient_ids"] for id_ in ids]
            or vals["partner_id"]
        )
        emails = [partner_sudo.email_normalized for partner_sudo in recipients_sudo]
        level = self.env["credit.dunning.level"].browse(vals["level_id"])
        customer_sudo = partners_sudo.browse(vals["commercial_partner_id"])
        currency = self.env["res.currency"].browse(vals["currency_id"])
        company = self.env["res.company"].browse(vals["company_id"])
        total = company_total = upcoming = 0.0
        for item in items:
            if item.get("is_reminder"):
                upcoming += item["amount"]
            else:
                total += item["amount"]
                company_total += company.currency_id.round(item["amount_company"])
        return {
            "name": f"{level.name or ''} – {customer_sudo.name or ''}",
            "recipient_emails": ", ".join(email for email in emails if email),
            "amount_total": currency.round(max(total, 0.0)),
            "amount_company": company.currency_id.round(max(company_total, 0.0)),
            "amount_upcoming": currency.round(upcoming),
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
        return {
            "move_line_id": line_id,
            "move_id": row["move_id"],
            "name": row["move_name"],
            "invoice_date": row["invoice_date"],
            "date_maturity": due,
            "days_late": max((facts.today - due).days, 0) if due else 0,
            "amount": float(amount),
            "amount_company": float(facts.get_company_amount(line_id, amount)),
            "disputed_amount": float(facts.disputed.get(line_id, 0)),
        }

    def _get_chased_lines(self):
        """Return the items that rise to a level with these letters."""
        return self.line_ids.filtered(
            lambda line: line.kind == "chased" and not line.is_excluded
        )

    def _skip(self, reason):
        """Leave letters out, for a reason that is kept."""
        self.sudo().write({"state": "skipped", "state_reason": reason})

    def _get_talk_items(self):
        """Override: what the letter asks for."""
        return self.line_ids.move_line_id

    def action_dispute(self):
        """Open the window for a new dispute about what the letter asks for."""
        self.ensure_one()
        self.check_access("write")
        items = self.line_ids.move_line_id
        return self.env["credit.dispute.open"]._open_for(self.profile_id, items)

    def action_promise(self):
        """Open the window to note a promise to pay what the letter asks for."""
        self.ensure_one()
        self.check_access("write")
        items = self.line_ids.move_line_id
        return self.env["credit.promise.give"]._open_for(self.profile_id, items)

    # === BUSINESS METHODS - TEXT === #

    def _render_texts(self, note="", plan_words=None):
        """Render subject and whole body of letters, each in its own language.

        :param note: a line above the letter, for instance that it is a test
        :param plan_words: dict letter id -> what it says of paying in parts, if that
            was found already
        :return: dict letter id -> (subject, html)
        """
        if plan_words is None:
            plan_words = self._find_plan_words()
        rendered = {}
        for letter, (subject, text) in self._render_level_texts().items():
            words = plan_words.get(letter.id)
            # In the language of the letter: headings, dates and amounts too.
            body = letter.env["ir.qweb"]._render(
                "credit_management.credit_dunning_letter_mail",
                letter._prepare_frame_values()
                | {
                    "text": Markup(text or ""),
                    "note": note,
                    "plan_words": words,
                    "plan_url": words and letter._get_plan_form_url(),
                },
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
            template_sudo = self._get_text(level.sudo().mail_template_id)
            if template_sudo.model != self._name:
                raise UserError(
                    self.env._(
                        "The text of level “%(level)s” is not one for dunning letters.",
                        level=level.name,
                    )
                )
            # A letter to look at is in memory only, and has no id of the database.
            ids = [letter.id for letter in letters]
            subjects = template_sudo._render_field("subject", ids, set_lang=lang)
            texts = template_sudo._render_field("body_html", ids, set_lang=lang)
            for letter in letters.with_context(lang=lang):
                text = letter.custom_text or texts[letter.id]
                # One line: no name in it may begin a new header, or spoil the mail.
                subject = " ".join((subjects[letter.id] or "").split())
                rendered[letter] = (subject, text)
        return rendered

    def _prepare_frame_values(self):
        """Return what the table of items and the payment details are made of.

        sudo: invoices of other salespeople and the bank account of the company stand
        in the letter whoever sends it.
        """
        self.ensure_one()
        letter_sudo = self.sudo()
        lines = letter_sudo.line_ids.filtered(lambda line: not line.is_excluded)
        base_url = letter_sudo.get_base_url()
        profile_sudo = letter_sudo.profile_id
        return {
            "letter": letter_sudo,
            "overdue_lines": lines.filtered(
                lambda line: line.kind != "credit" and not line.is_reminder
            ),
            "upcoming_lines": lines.filtered("is_reminder"),
            "credit_lines": lines.filtered(lambda line: line.kind == "credit"),
            "bank": letter_sudo.partner_bank_id,
            "reference": letter_sudo._get_payment_reference(),
            # A customer who is made up has no page.
            "url": profile_sudo._get_customer_url(letter_sudo)
            if profile_sudo
            else base_url,
            "company": letter_sudo.company_id,
            "base_url": base_url,
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

    # === BUSINESS METHODS - AS SENT === #

    def _get_sent_filename(self):
        self.ensure_one()
        name = f"{self.level_id.name} {self.message_date}"
        return "".join(c if c.isalnum() else "_" for c in name) + ".pdf"

    def _get_sent_pdf(self):
        """Return the letter as the customer got it, as PDF; no text is made anew.

        One that went by post alone is drawn as the paper was, any other as the mail
        was, both from the text and the amounts that were frozen. Writes nothing.
        """
        self.ensure_one()
        # sudo: the caller may see the letter; templates and logos are the program's.
        letter_sudo = self.sudo().with_company(self.company_id)
        Report_sudo = letter_sudo.env["ir.actions.report"]
        if letter_sudo.printed_date and not letter_sudo.mail_ids:
            return letter_sudo._render_papers()
        return Report_sudo._run_wkhtmltopdf(
            [letter_sudo._get_self_contained_body()],
            report_ref=REPORT,
            specific_paperformat_args=PAPER_OF_MAIL,
        )

    def _get_self_contained_body(self):
        """Return the text as sent, with the logo in it instead of its address."""
        self.ensure_one()
        company = self.company_id
        body = str(self.body).replace("</head>", f"{PAPER_STYLE}</head>", 1)
        logo = company.logo_web
        if not logo:
            return body
        address = f"{self.get_base_url()}/logo.png?company={company.id}"
        return body.replace(f'"{address}"', f'"{image_data_uri(logo)}"')
