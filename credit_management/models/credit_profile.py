import json
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, email_normalize, format_date

from ..logic import dunning, work
from ..logic.money import to_decimal
from .credit_dunning_outcome import REASON_LABELS

# The figures, and the types of their columns.
FIGURES = {
    "open_amount": "numeric",
    "overdue_amount": "numeric",
    "unapplied_amount": "numeric",
    "receipt_amount": "numeric",
    "disputed_amount": "numeric",
    "promised_amount": "numeric",
    "planned_amount": "numeric",
    "oldest_due_date": "date",
    "level_id": "int",
    "level_rank": "int",
    "last_letter_date": "date",
    "next_action_date": "date",
    "next_level_id": "int",
    "silence_reason": "varchar",
    "work_ledger": "jsonb",
    "figures_date": "date",
    "in_process_amount": "numeric",
    "draft_amount": "numeric",
    "covered_amount": "numeric",
    "exposure_amount": "numeric",
    "limit_used": "numeric",
}
WRITTEN_BY_METHODS = {
    "access_token",
    "last_opened_date",
    "portal_count",
    "portal_date",
    "portal_file_count",
    "statement_monthly_since",
    "work_done_date",
    "work_done",
    "work_snooze_from",
    "work_snooze_until",
    "score",
    "risk_class",
    "score_factors",
    "score_date",
    "limit_decided_date",
    "limit_review_date",
    "limit_review_asked",
}
# So often may customers write to us on one day, and open disputes among that.
PORTAL_WRITES_A_DAY = 30
PORTAL_DISPUTES_A_DAY = 10
PORTAL_FILES_A_DAY = 60  # in the talk, where they come before the words
# Looks at the page within this time are one.
OPENED_AGAIN = timedelta(minutes=10)


def is_never_empty(name):
    """Say whether a figure is 0 where there is nothing."""
    return name.endswith("_amount") or name == "level_rank"


class CreditProfile(models.Model):
    """The credit file of a customer in a company: figures, choices, what comes next.

    Made when first needed: a customer without one has the defaults. The figures are
    columns, so that lists sort and group by them; they are refreshed in sets shortly
    after something changed, and at once for the file that is opened.
    """

    _name = "credit.profile"
    _description = "Credit File"
    _inherit = ["portal.mixin", "mail.thread", "credit.task.mixin"]
    _order = "overdue_amount desc, id"
    _rec_name = "partner_id"
    _check_company_auto = True

    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="restrict",
        domain=["|", ("is_company", "=", True), ("parent_id", "=", False)],
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self._default_company_id(),
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    email = fields.Char(related="partner_id.email", string="Customer E-mail")
    phone = fields.Char(related="partner_id.phone")
    lang = fields.Char(string="Language", compute="_compute_lang")
    country_id = fields.Many2one(related="partner_id.country_id")

    # Choices
    policy_id = fields.Many2one(
        "credit.dunning.policy",
        string="Own Policy",
        tracking=True,
        check_company=True,
        help="Empty: the first policy whose filter matches, else the default.",
    )
    policy_used_id = fields.Many2one(
        "credit.dunning.policy", string="Policy", compute="_compute_policy_used"
    )
    policy_origin = fields.Char(string="Chosen By", compute="_compute_policy_used")
    user_id = fields.Many2one("res.users", string="Collector", tracking=True)
    email_cc = fields.Char(
        string="Copy To",
        help="These addresses get a copy of each dunning letter, separated by commas.",
    )
    statement_monthly = fields.Boolean(
        default=False,
        string="Monthly Statement",
        tracking=True,
        help="At the beginning of each month the customer gets a statement of account"
        " of the last day of the month before, if anything is open.",
    )
    statement_monthly_since = fields.Date(
        compute="_compute_statement_monthly_since",
        store=True,
        groups="base.group_system",
        help="Months that were over on this day get no statement any more.",
    )
    pause_from = fields.Date(tracking=True)
    pause_until = fields.Date(
        tracking=True,
        help="Last day on which this customer gets no dunning letter.",
    )
    pause_reason = fields.Char(tracking=True)
    is_paused = fields.Boolean(compute="_compute_is_paused", search="_search_is_paused")
    exclusion_ids = fields.One2many(
        "credit.exclusion", compute="_compute_exclusion_ids", string="Exclusions"
    )

    # Figures, in the company's currency
    open_amount = fields.Monetary(readonly=True, help="Open items, before credits.")
    overdue_amount = fields.Monetary(
        string="Overdue", readonly=True, help="Open items past their due date."
    )
    unapplied_amount = fields.Monetary(
        string="Credits Not Applied",
        readonly=True,
        help="Credit notes and receipts that are not matched with an invoice.",
    )
    receipt_amount = fields.Monetary(
        string="Receipts Not Matched",
        readonly=True,
        help="Money of this customer in the bank that nobody has matched yet, whatever"
        " it is for. Not taken off what is open.",
    )
    disputed_amount = fields.Monetary(
        string="Disputed",
        readonly=True,
        help="Of the open items, what is in dispute now: it is not chased.",
    )
    oldest_due_date = fields.Date(readonly=True)
    level_id = fields.Many2one(
        "credit.dunning.level", readonly=True, ondelete="set null"
    )
    level_rank = fields.Integer(string="Levels So Far", readonly=True)
    last_letter_date = fields.Date(string="Last Letter", readonly=True)
    next_action_date = fields.Date(string="Next On", readonly=True)
    next_level_id = fields.Many2one(
        "credit.dunning.level", readonly=True, ondelete="set null"
    )
    silence_reason = fields.Selection(
        REASON_LABELS,
        string="Why Not Chased",
        readonly=True,
        help="Why nothing goes to this customer today, although something is overdue.",
    )
    figures_date = fields.Date(string="Figures Of", readonly=True)
    last_opened_date = fields.Datetime(
        string="Page Last Opened",
        readonly=True,
        copy=False,
        help="When the customer last looked at the page, by a link or a login.",
    )
    portal_date = fields.Date(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="Day on which the customer last wrote on the page.",
    )
    portal_count = fields.Integer(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="How often the customer wrote on that day.",
    )
    portal_file_count = fields.Integer(
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="How many files the customer sent in the talk on that day.",
    )
    next_action = fields.Char(compute="_compute_next_action", string="Next Step")

    # Documents
    letter_ids = fields.One2many(
        "credit.dunning.letter", "profile_id", string="Letters", readonly=True
    )
    statement_ids = fields.One2many(
        "credit.statement", "profile_id", string="Statements", readonly=True
    )
    dispute_ids = fields.One2many(
        "credit.dispute", "profile_id", string="Disputes", readonly=True
    )
    open_dispute_count = fields.Integer(compute="_compute_open_dispute_count")
    letter_count = fields.Integer(compute="_compute_letter_count")
    open_item_ids = fields.Many2many(
        "account.move.line", compute="_compute_open_item_ids", string="Open Items"
    )

    _company_partner_uniq = models.UniqueIndex(
        "(company_id, partner_id)", "A customer has one credit file in a company."
    )
    _overdue_idx = models.Index("(company_id, overdue_amount)")

    @api.model
    def _default_company_id(self):
        return self.env.company

    # === COMPUTE METHODS === #

    @api.depends("partner_id.lang")
    def _compute_lang(self):
        for profile in self:
            profile.lang = self._name_language(profile.partner_id.lang)

    @api.model
    def _name_language(self, code):
        """Return the name of a language, or the code of one that is not there."""
        language = self.env["res.lang"]._get_data(code=code) if code else None
        return (language and language.name) or code

    def _compute_access_url(self):
        res = super()._compute_access_url()
        for profile in self:
            profile.access_url = f"/my/credit/{profile.id}"
        return res

    @api.depends("statement_monthly")
    def _compute_statement_monthly_since(self):
        for profile in self:
            profile.statement_monthly_since = profile.statement_monthly and (
                profile.statement_monthly_since or profile.company_id._credit_today()
            )

    @api.depends("policy_id", "partner_id", "company_id")
    def _compute_policy_used(self):
        words = {
            "own": self.env._("Own choice"),
            "filter": self.env._("Matches the policy's filter"),
            "default": self.env._("Default of the company"),
            "none": self.env._("No policy found"),
        }
        self.policy_used_id = self.policy_origin = False
        for company, profiles in self.grouped("company_id").items():
            found = self.env["credit.dunning.policy"]._find_for_partners(
                company, profiles.partner_id
            )
            for profile in profiles:
                policy, origin = found.get(profile.partner_id.id, (False, "none"))
                if profile.policy_id:
                    policy, origin = profile.policy_id, "own"
                profile.policy_used_id = policy
                profile.policy_origin = words[origin]

    @api.depends("pause_from", "pause_until", "company_id")
    def _compute_is_paused(self):
        for profile in self:
            today = profile.company_id._credit_today()
            profile.is_paused = bool(
                profile.pause_until
                and profile.pause_until >= today
                and (not profile.pause_from or profile.pause_from <= today)
            )

    def _search_is_paused(self, operator, value):
        if operator != "in":
            return NotImplemented
        today = fields.Date.context_today(self)
        paused = Domain("pause_until", ">=", today) & (
            Domain("pause_from", "=", False) | Domain("pause_from", "<=", today)
        )
        return paused if True in value else ~paused

    def _compute_exclusion_ids(self):
        exclusions = self.env["credit.exclusion"].search(
            [
                ("company_id", "in", self.company_id.ids),
                ("partner_id.commercial_partner_id", "in", self.partner_id.ids),
            ]
        )
        for profile in self:
            profile.exclusion_ids = exclusions.filtered(
                lambda exclusion, profile=profile: (
                    exclusion.company_id == profile.company_id
                    and exclusion.partner_id.commercial_partner_id == profile.partner_id
                )
            )

    def _compute_letter_count(self):
        counts = dict(
            self.env["credit.dunning.letter"]._read_group(
                [("profile_id", "in", self.ids), ("state", "!=", "skipped")],
                ["profile_id"],
                ["__count"],
            )
        )
        for profile in self:
            profile.letter_count = counts.get(profile, 0)

    def _compute_open_dispute_count(self):
        counts = dict(
            self.env["credit.dispute"]._read_group(
                [("profile_id", "in", self.ids), ("closed_date", "=", False)],
                ["profile_id"],
                ["__count"],
            )
        )
        for profile in self:
            profile.open_dispute_count = counts.get(profile, 0)

    def _compute_open_item_ids(self):
        for company, profiles in self.grouped("company_id").items():
            rows = self.env["credit.dunning.facts"]._read_lines(
                company, profiles.partner_id
            )
            by_customer = {}
            for row in rows:
                by_customer.setdefault(row["customer_id"], []).append(row["id"])
            for profile in profiles:
                profile.open_item_ids = self.env["account.move.line"].browse(
                    by_customer.get(profile.partner_id.id, [])
                )

    @api.depends(
        "next_action_date", "next_level_id", "silence_reason", "overdue_amount"
    )
    @api.depends_context("lang")
    def _compute_next_action(self):
        recipients = self.filtered("next_action_date")._get_next_recipients()
        for profile in self:
            profile.next_action = profile._describe_next_action(
                recipients.get(profile.partner_id.id)
            )

    def _describe_next_action(self, recipient):
        """Say in words what happens next, when, and to whom."""
        self.ensure_one()
        labels = dict(self._fields["silence_reason"]._description_selection(self.env))
        if not self.next_action_date:
            if self.silence_reason:
                return labels[self.silence_reason]
            return self.env._("Nothing is due.") if not self.overdue_amount else ""
        level = self.next_level_id.name or self.env._("a message")
        return self.env._(
            "On %(day)s: %(level)s to %(recipient)s",
            day=format_date(self.env, self.next_action_date),
            level=level,
            recipient=recipient or self.env._("nobody: no e-mail address"),
        )

    def _get_next_recipients(self):
        """Return the addresses that the next letters go to, by customer id."""
        if not self:
            return {}
        contacts = self._get_next_contacts()
        return {id_: contact.email_normalized for id_, contact in contacts.items()}

    def _get_next_contacts(self):
        """Return who is written to, by customer id."""
        rows = [
            {"customer_id": partner.id, "move_partner_id": partner.id}
            for partner in self.partner_id
        ]
        contacts = self.env["credit.dunning.facts"]._get_contacts(rows)
        chosen = self.env["res.partner"].browse(contacts.values())
        return {
            customer_id: contact
            for (customer_id, _contact), contact in zip(contacts, chosen, strict=True)
        }

    # === CONSTRAINT METHODS === #

    @api.constrains("partner_id")
    def _check_partner_id(self):
        for profile in self:
            if profile.partner_id != profile.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "Credit is managed on %(customer)s, to which the contact"
                        " belongs. Choose that customer.",
                        customer=profile.partner_id.commercial_partner_id.display_name,
                    )
                )

    @api.constrains("pause_from", "pause_until", "pause_reason")
    def _check_pause(self):
        for profile in self:
            if profile.pause_from and not profile.pause_until:
                raise ValidationError(
                    self.env._(
                        "Say until when %(customer)s is paused.",
                        customer=profile.partner_id.display_name,
                    )
                )
            if profile.pause_from and profile.pause_from > profile.pause_until:
                raise ValidationError(
                    self.env._(
                        "The pause of %(customer)s ends before it begins.",
                        customer=profile.partner_id.display_name,
                    )
                )

    @api.constrains("email_cc")
    def _check_email_cc(self):
        for profile in self:
            self._check_addresses(profile.email_cc)

    @api.model
    def _check_addresses(self, text):
        """Refuse a list of e-mail addresses that holds anything else.

        :raise ValidationError: names the first part that is no address
        """
        for part in (text or "").replace(";", ",").split(","):
            address = part.strip()
            # A line break would begin a new header of the mail.
            if address and not (address.isprintable() and email_normalize(address)):
                raise ValidationError(
                    self.env._(
                        "“%(address)s” is not an e-mail address. Separate several"
                        " addresses with commas.",
                        address=address,
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_written_by_hand(
                vals, {*self._get_figures(), *WRITTEN_BY_METHODS}
            )
        return super().create(vals_list)

    def write(self, vals):
        """Let people make their choices; figures, customer and link are not theirs."""
        self._check_written_by_hand(
            vals,
            {
                *self._get_figures(),
                *WRITTEN_BY_METHODS,
                "partner_id",
                "company_id",
            },
        )
        res = super().write(vals)
        if {"policy_id", "pause_from", "pause_until"} & set(vals):
            for company, profiles in self.grouped("company_id").items():
                self._touch(company, profiles.partner_id)
        return res

    def _check_written_by_hand(self, vals, closed):
        closed &= set(vals)
        if closed and not self.env.su:
            raise UserError(
                self.env._(
                    "This part of a credit file cannot be written by hand: %(fields)s",
                    fields=", ".join(sorted(closed)),
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_statements(self):
        """Keep a file whose customer got statements: they are evidence."""
        # sudo: statements of companies one does not see count, too.
        statement_sudo = (
            self.env["credit.statement"]
            .sudo()
            .search([("profile_id", "in", self.ids)], limit=1)
        )
        if statement_sudo:
            raise UserError(
                self.env._(
                    "The credit file of %(customer)s has statements of account and"
                    " cannot be deleted.",
                    customer=statement_sudo.commercial_partner_id.display_name,
                )
            )

    @api.model
    def _get_thread_with_access(self, thread_id, *, mode="read", **kwargs):
        """Override of `portal`: the customer's link opens the page, nothing else.

        What colleagues say to each other about a customer is no talk with the customer,
        and a forwarded link must not speak for the customer either.
        """
        kwargs |= {"hash": None, "pid": None, "token": None}
        return super()._get_thread_with_access(thread_id, mode=mode, **kwargs)

    def web_read(self, specification):
        """Override of `web`: the file that is opened shows the figures of now."""
        # Not for a list that happens to have one row: the host reads those read-only.
        is_opened = len(self) == 1 and not self.env.cr.readonly
        if is_opened and "overdue_amount" in specification:
            self._refresh()
        return super().web_read(specification)

    # The host reads in a read-only transaction; refreshing needs a writable one.
    web_read._readonly = False

    # === ACTION METHODS === #

    def action_send_now(self):
        """Decide for this customer today and put its letters up for review."""
        self.ensure_one()
        return self._propose_today()._get_records_action()

    def _propose_today(self):
        """Propose this customer's letters of today.

        :return: the run that they stand in
        :raise UserError: nothing goes today, with the reason
        """
        self.check_access("write")
        run = self.env["credit.dunning.run"].create(
            {"company_id": self.company_id.id, "user_id": self.env.uid}
        )
        run._propose_by_hand(self.partner_id)
        if not run.letter_ids:
            outcome = run.outcome_ids.sorted("days_late")[-1:]
            labels = dict(
                self._fields["silence_reason"]._description_selection(self.env)
            )
            reason = labels.get(outcome.reason, self.env._("Nothing is overdue."))
            raise UserError(
                self.env._(
                    "Nothing goes to %(customer)s today: %(reason)s",
                    customer=self.partner_id.display_name,
                    reason=reason,
                )
            )
        return run

    def action_view_letters(self):
        """Open the letters to this customer."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_letter_action"
        )
        return action | {"domain": [("profile_id", "=", self.id)], "context": {}}

    def action_view_disputes(self):
        """Open the disputes of this customer."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dispute_action"
        )
        return action | {"domain": [("profile_id", "=", self.id)], "context": {}}

    def action_dispute(self):
        """Open the window for a new dispute of this customer."""
        self.ensure_one()
        self.check_access("write")
        return self.env["credit.dispute.open"]._open_for(self, self.open_item_ids)

    def action_view_open_items(self):
        """Open the items that make the open amount."""
        self.ensure_one()
        return self._open_items(self.env._("Open Items"), self.open_item_ids)

    def action_view_overdue_items(self):
        """Open the items that make the overdue amount."""
        self.ensure_one()
        today = self.company_id._credit_today()
        overdue = self.open_item_ids.filtered(
            lambda item: (
                item.amount_residual_currency > 0
                and item.date_maturity
                and item.date_maturity < today
            )
        )
        return self._open_items(self.env._("Overdue Items"), overdue)

    def action_view_receipts(self):
        """Open the bank entries that make the receipts not matched."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_receipt_action"
        )
        return action | {
            "domain": [
                ("company_id", "=", self.company_id.id),
                ("partner_id.commercial_partner_id", "=", self.partner_id.id),
                ("is_reconciled", "=", False),
                ("state", "=", "posted"),
                ("amount", ">", 0),
                ("amount_residual", "<", 0),
            ],
            "context": {},
        }

    def action_view_customer_page(self):
        """Open the page that the customer sees."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_url",
            "url": self._get_customer_url(),
            "target": "new",
        }

    def _open_items(self, name, items):
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_open_item_action"
        )
        return action | {"display_name": name, "domain": [("id", "in", items.ids)]}

    # === BUSINESS METHODS === #

    @api.model
    def _get_or_create(self, company, partners):
        """Return the credit files of customers, making those that are missing.

        Two workers at once make one file: the database decides, nobody fails.
        """
        # Only the customer is read: the host would fetch every column of contacts.
        partners.fetch(["commercial_partner_id"])
        partners = partners.commercial_partner_id
        domain = [("company_id", "=", company.id), ("partner_id", "in", partners.ids)]
        # sudo: a file is a technical row; what it shows is guarded when it is read.
        profiles_sudo = self.sudo().search_fetch(domain, ["partner_id"])
        missing = partners - profiles_sudo.partner_id
        if missing:
            zero = [name for name in self._get_figures() if is_never_empty(name)]
            self.env.execute_query(
                SQL(
                    """
                    INSERT INTO credit_profile (company_id, partner_id,
                                statement_monthly, create_uid, write_uid,
                                create_date, write_date, %(names)s)
                         SELECT %(company)s, id, FALSE, %(uid)s, %(uid)s,
                                now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC',
                                %(zeros)s
                           FROM unnest(%(partners)s) AS id
                    ON CONFLICT (company_id, partner_id) DO NOTHING
                      RETURNING id
                    """,
                    company=company.id,
                    uid=self.env.uid,
                    partners=missing.ids,
                    names=SQL(", ").join(SQL.identifier(name) for name in zero),
                    zeros=SQL(", ").join(SQL("0") for _name in zero),
                )
            )
            profiles_sudo = self.sudo().search_fetch(domain, ["partner_id"])
        return self.browse(profiles_sudo.ids)

    def _get_informed_user(self, asked):
        """Return who hears of what happens on this file: never the program itself.

        The collector, else the one of the company, else who asked for it, else the
        salesperson where it is one who may see the file, else somebody who manages
        credit. Or who stands in for that person today.
        """
        self.ensure_one()
        # sudo: who looks after a customer is told to nobody here.
        profile_sudo = self.sudo()
        company_sudo = profile_sudo.company_id
        seller_sudo = profile_sudo.partner_id.user_id
        if seller_sudo and not seller_sudo.has_group(
            "credit_management.group_credit_user"
        ):
            seller_sudo = seller_sudo.browse()
        person = self._find_person(
            company_sudo,
            (
                profile_sudo.user_id,
                company_sudo.credit_user_id,
                asked.sudo(),
                seller_sudo,
            ),
        )
        present = self.env["credit.absence"]._find_substitute(
            person, company_sudo._credit_today()
        )
        # sudo: in which companies a colleague works is told to nobody here.
        return present if company_sudo in present.sudo().company_ids else person

    @api.model
    def _find_person(self, company_sudo, users):
        """Return the first of users who is a person and may use the company.

        Else somebody who manages credit there; the program itself at the very last.
        """
        # sudo: who may use which company is told to nobody.
        managers_sudo = self.env.ref("credit_management.group_credit_manager").sudo()
        for user_sudo in (*users, *managers_sudo.all_user_ids):
            is_person = user_sudo.active and not user_sudo._is_superuser()
            if is_person and company_sudo in user_sudo.company_ids:
                return user_sudo.with_env(self.env)
        return self.env.user

    @api.model
    def _merge_partners(self, sources, target):
        """Move letters, statements and choices to the file that remains.

        Where both have a file in a company, the remaining one keeps its own choices
        and takes those it lacks.
        """
        # sudo: merging contacts is guarded by its own group.
        for profile in self.sudo().search([("partner_id", "in", sources.ids)]):
            kept = self.sudo().search(
                [
                    ("company_id", "=", profile.company_id.id),
                    ("partner_id", "=", target.id),
                ]
            )
            if not kept:
                profile.limit_request_ids.partner_id = target
                profile.partner_id = target
                profile.letter_ids.commercial_partner_id = target
                profile.flush_recordset()
                continue
            for name in ("policy_id", "user_id", "email_cc"):
                kept[name] = kept[name] or profile[name]
            if not kept.pause_until and profile.pause_until:
                names = ("pause_from", "pause_until", "pause_reason")
                kept.write({name: profile[name] for name in names})
            if profile.statement_monthly and not kept.statement_monthly:
                kept.statement_monthly = True
                kept.statement_monthly_since = profile.statement_monthly_since
            looks = filter(None, (kept.last_opened_date, profile.last_opened_date))
            kept.last_opened_date = max(looks, default=False)
            profile.letter_ids.write(
                {"profile_id": kept.id, "commercial_partner_id": target.id}
            )
            profile.statement_ids._move_to(kept)
            profile.call_ids.profile_id = kept
            profile.dispute_ids.profile_id = kept
            profile._move_scores(kept)
            profile.hold_ids.profile_id = kept
            if profile.manual_hold and not kept.manual_hold:
                kept.write({"manual_hold": True, "hold_reason": profile.hold_reason})
            profile.promise_ids.profile_id = kept
            profile.plan_ids.profile_id = kept
            self.env["credit.limit.request"]._move_to(profile, kept)
            profile.message_change_thread(kept)
            profile.unlink()

    def _get_customer_url(self, letter=None):
        """Return the address of the customer's page, good without a login.

        :param letter: the one in which it stands; only tells which one was opened
        """
        self.ensure_one()
        # sudo: whoever sends a letter hands out its link.
        profile_sudo = self.sudo()
        profile_sudo._portal_ensure_token()
        hint = f"&letter={letter.id}" if letter else ""
        return profile_sudo.get_base_url() + profile_sudo.get_portal_url(
            query_string=hint
        )

    def _use_portal_quota(self, opens=False, is_file=False):
        """Take one of the messages, or files, that a customer may send on a day.

        Two at once are counted one after the other: both write the same row, and the
        second one is tried again by the host.

        :param opens: it opens a dispute
        :param is_file: a file by itself, for a message that comes later
        :return: whether there was one left
        """
        self.ensure_one()
        # sudo: customers write nothing themselves; the count is the program's.
        profile_sudo, today = self.sudo(), self.sudo().company_id._credit_today()
        is_today = profile_sudo.portal_date == today
        count = profile_sudo.portal_count if is_today else 0
        files = profile_sudo.portal_file_count if is_today else 0
        if is_file:
            if files >= PORTAL_FILES_A_DAY:
                return False
            profile_sudo.write(
                {
                    "portal_date": today,
                    "portal_count": count,
                    "portal_file_count": files + 1,
                }
            )
            return True
        opened = opens and profile_sudo.env["credit.dispute"].search_count(
            [
                ("profile_id", "=", profile_sudo.id),
                ("opened_date", "=", today),
                ("source", "!=", "staff"),
            ]
        )
        if count >= PORTAL_WRITES_A_DAY or opened and opened >= PORTAL_DISPUTES_A_DAY:
            return False
        profile_sudo.write(
            {
                "portal_date": today,
                "portal_count": count + 1,
                "portal_file_count": files,
            }
        )
        return True

    @api.model
    def _explain_portal_quota(self):
        """Say to a customer that nothing more is taken today."""
        return self.env._(
            "You wrote to us very often today. Please try again tomorrow, or contact"
            " us."
        )

    def _get_reminder_contacts(self):
        """Return to whom reminders about what is open go now, each once."""
        self.ensure_one()
        # sudo: to which contacts reminders go does not depend on who asks.
        profile_sudo = self.sudo()
        company_sudo, partner_sudo = profile_sudo.company_id, profile_sudo.partner_id
        facts_sudo = profile_sudo.env["credit.dunning.facts"].with_company(company_sudo)
        rows = facts_sudo._read_lines(company_sudo, partner_sudo) or [
            {"customer_id": partner_sudo.id, "move_partner_id": partner_sudo.id}
        ]
        contacts = facts_sudo._get_contacts(rows)
        return partner_sudo.browse(sorted(set(contacts.values())))

    def _set_reminder_address(self, email):
        """Let reminders to this customer go to an address: that of a dunning contact.

        The one that is there gets the address; where there is none, one is made, with
        the postal address of the customer, since letters on paper go there, too.
        """
        self.ensure_one()
        customer = self.partner_id
        dunning_contacts = customer.child_ids.filtered(
            lambda contact: contact.type == "dunning"
        ).sorted("id")
        contact = (
            dunning_contacts.filtered("email_normalized")[:1] or dunning_contacts[:1]
        )
        if contact:
            contact.email = email
            return contact
        # What stands on paper is in the customer's language.
        active = dict(self.env["res.lang"].get_installed())
        lang = customer.lang if customer.lang in active else self.env.lang
        name = self.with_context(lang=lang).env._("Accounts Payable")
        return customer.create(
            {
                "type": "dunning",
                "parent_id": customer.id,
                "name": name if customer.is_company else customer.name,
                "email": email,
                "lang": customer.lang,
                "company_id": customer.company_id.id,
            }
            | {
                name: customer._fields[name].convert_to_write(customer[name], customer)
                for name in customer._address_fields()
            }
        )

    def _note_opened(self, letter_id=None):
        """Note that the customer looked at the page, maybe by the link of a letter.

        The first look counts for a letter, the last one for the file. Whose page it is
        was proved; a letter of another customer, or one that was never sent, is not
        one that could have been opened.
        """
        self.ensure_one()
        # sudo: customers write nothing themselves; these stamps are the program's.
        profile_sudo, now = self.sudo(), fields.Datetime.now()
        last = profile_sudo.last_opened_date
        if not last or last < now - OPENED_AGAIN:
            profile_sudo.last_opened_date = now
        if not letter_id:
            return
        letter_sudo = profile_sudo.env["credit.dunning.letter"].search(
            [
                ("id", "=", letter_id),
                ("profile_id", "=", profile_sudo.id),
                ("state", "=", "sent"),
                ("is_test", "=", False),
                ("opened_date", "=", False),
            ]
        )
        letter_sudo.opened_date = now

    def _refresh(self):
        """Bring the figures of these files up to date, in sets."""
        for company, profiles in self.grouped("company_id").items():
            facts = (
                self.with_company(company)
                .env["credit.dunning.facts"]
                ._gather(company, company._credit_today(), profiles.partner_id)
            )
            self._write_figures(facts, dict(facts.decide()), profiles)

    @api.model
    def _write_figures(self, facts, decisions, profiles):
        """Write the figures that follow from decisions, by one UPDATE.

        :param decisions: dict customer id -> ``dunning.Decision``
        :param profiles: files to write; those without a decision have nothing open
        """
        if not profiles:
            return
        names = self._get_figures()
        levels = self._read_last_letters(profiles)
        emails = self._read_contact_emails(facts)
        rows = []
        # sudo: figures are of the file, whoever may read the customer.
        for profile_sudo in profiles.sudo():
            partner_id = profile_sudo.partner_id.id
            figures = self._compute_figures(
                facts, partner_id, decisions.get(partner_id), emails
            )
            figures.update(levels.get(profile_sudo.id, {}))
            rows.append((profile_sudo.id, *(figures.get(name) for name in names)))
        columns = [list(column) for column in zip(*rows, strict=True)]
        update = SQL(
            "UPDATE credit_profile SET %s FROM unnest(%s) AS figures (id, %s)"
            " WHERE credit_profile.id = figures.id RETURNING credit_profile.id",
            SQL(", ").join(
                SQL(
                    "%s = COALESCE(figures.%s, 0)"
                    if is_never_empty(name)
                    else "%s = figures.%s",
                    SQL.identifier(name),
                    SQL.identifier(name),
                )
                for name in names
            ),
            SQL(", ").join(
                SQL(f"%s::{kind}[]", column)
                for kind, column in zip(("int", *names.values()), columns, strict=True)
            ),
            SQL(", ").join(SQL.identifier(name) for name in names),
        )
        try:
            with self.env.cr.savepoint():
                self.env.execute_query(update)
        except psycopg2.errors.SerializationFailure:
            # Somebody refreshed one of them meanwhile: a run is not lost for that, the
            # figures are written by the job.
            self._touch(facts.company, profiles.partner_id)
        self.invalidate_model(names)

    @api.model
    def _get_figures(self):
        """Return the figures and the types of their columns; extend to add some."""
        return FIGURES

    @api.model
    def _compute_figures(self, facts, partner_id, decision, emails):
        """Return the figures of one customer, in the company's currency.

        :param emails: dict contact id -> address, see ``_read_contact_emails``
        """
        _amounts, receipts = facts.receipts.get(partner_id, ({}, 0))
        figures = {"figures_date": facts.today, "receipt_amount": receipts}
        if decision is None:
            return figures
        customer = facts.customers[partner_id]
        for outcome in decision.outcomes:
            item = outcome.item
            amount = facts.lines[item.ref]["residual_company"]
            figures["open_amount"] = figures.get("open_amount", 0) + amount
            if item.due_date and item.due_date < facts.today:
                figures["overdue_amount"] = figures.get("overdue_amount", 0) + amount
            disputed = dunning.get_disputed(item, facts.today)
            if disputed:
                figures["disputed_amount"] = figures.get(
                    "disputed_amount", 0
                ) + facts.get_company_amount(item.ref, disputed)
            promised = facts.promised.get(item.ref)
            if promised:
                figures["promised_amount"] = figures.get(
                    "promised_amount", 0
                ) + facts.get_company_amount(item.ref, promised)
            planned = facts.planned.get(item.ref)
            if planned:
                figures["planned_amount"] = figures.get(
                    "planned_amount", 0
                ) + facts.get_company_amount(item.ref, planned)
            if item.due_date:
                oldest = figures.get("oldest_due_date") or item.due_date
                figures["oldest_due_date"] = min(oldest, item.due_date)
        figures["unapplied_amount"] = -sum(
            facts.lines[credit.ref]["residual_company"] for credit in customer.credits
        )
        figures.update(self._find_next_step(facts, partner_id, decision))
        ledger_work = work.find_ledger_work(
            self._get_late_items(facts, partner_id, decision, emails),
            to_decimal(receipts),
            facts.today,
            to_decimal(facts.company.credit_large_amount),
        )
        if ledger_work:
            figures["work_ledger"] = json.dumps(ledger_work, default=str)
        return figures

    @api.model
    def _get_late_items(self, facts, partner_id, decision, emails):
        """Return the overdue items as the rule of the work list wants them."""
        rule = facts.get_rule(partner_id)
        levels = {level.ref: level for level in rule.levels} if rule else {}
        late = []
        for outcome in decision.outcomes:
            item = outcome.item
            if item.due_date and item.due_date >= facts.today:
                continue
            step = outcome.level
            if not step and rule and item.due_date:
                step = dunning.find_next_level(item, rule, facts.today)
            last, pay_by = levels.get(item.level), None
            if last and item.level_date:
                pay_by = rule.calendar.next_working_day(
                    dunning.days_after(item.level_date, last.deadline_days)
                )
            late.append(
                work.LateItem(
                    reason=outcome.reason,
                    amount=facts.lines[item.ref]["residual_company"],
                    due_date=item.due_date,
                    rank=item.rank,
                    pay_by=pay_by,
                    is_reachable=bool(emails.get(item.contact))
                    or not step
                    or not self._goes_by_email_alone(step.ref),
                )
            )
        return late

    @api.model
    def _goes_by_email_alone(self, level_id):
        level = self.env["credit.dunning.level"].browse(level_id)
        return level.send_email and not level.send_letter

    @api.model
    def _read_contact_emails(self, facts):
        """Return the addresses of those who are written to: contact id -> address."""
        contacts = self.env["res.partner"].browse(
            {row["contact_id"] for row in facts.lines.values() if row["residual"] > 0}
        )
        # sudo: whether somebody can be reached is told, whoever looks after them.
        contacts_sudo = contacts.sudo()
        contacts_sudo.fetch(["email_normalized"])
        return {contact.id: contact.email_normalized for contact in contacts_sudo}

    @api.model
    def _find_next_step(self, facts, partner_id, decision):
        """Return when the customer hears from us next, at which level, or why not."""
        policy, _origin = facts.policies[partner_id]
        if decision.messages:
            first = decision.messages[0]
            return {
                "next_action_date": facts.today,
                "next_level_id": first.level.ref,
            }
        waiting = [o for o in decision.outcomes if o.next_date]
        step = {}
        if waiting and policy:
            soonest = min(waiting, key=lambda outcome: outcome.next_date)
            level = dunning.find_next_level(
                soonest.item, facts.get_rule(partner_id), soonest.next_date
            )
            step = {
                "next_action_date": soonest.next_date,
                "next_level_id": level.ref if level else None,
            }
        overdue = [
            outcome
            for outcome in decision.outcomes
            if outcome.item.due_date is None or outcome.item.due_date < facts.today
        ]
        if overdue:
            worst = max(overdue, key=lambda outcome: outcome.amount)
            step["silence_reason"] = worst.reason
        return step

    @api.model
    def _read_last_letters(self, profiles):
        """Return highest level of what is still open, and day of the last letter."""
        rows = self.env.execute_query_dict(
            SQL(
                """
                SELECT letter.profile_id,
                       MAX(letter.message_date) AS last_letter_date,
                       MAX(line.level_rank) FILTER (WHERE item.reconciled IS NOT TRUE)
                           AS level_rank,
                       (ARRAY_AGG(line.level_id ORDER BY line.level_rank DESC)
                           FILTER (WHERE item.reconciled IS NOT TRUE
                                     AND NOT line.is_reminder))[1] AS level_id
                  FROM credit_dunning_letter letter
                  JOIN credit_dunning_letter_line line ON line.letter_id = letter.id
                  JOIN res_company company ON company.id = letter.company_id
             LEFT JOIN account_move_line item ON item.id = line.move_line_id
                 WHERE letter.profile_id = ANY(%s)
                   AND letter.state IN ('sending', 'sent', 'unknown')
                   AND letter.is_test = (company.credit_mode = 'redirect')
                   AND line.kind = 'chased' AND NOT line.is_excluded
              GROUP BY letter.profile_id
                """,
                profiles.ids,
            )
        )
        return {row.pop("profile_id"): row for row in rows}

    @api.model
    def _touch(self, company, partners):
        """Note that something changed for customers; a job refreshes their figures.

        Appends only: whoever posts or pays never waits for somebody else's figures.
        """
        if not partners:
            return
        # sudo: whoever posts an invoice may not know of credit files.
        self.env["credit.profile.touch"].sudo().create(
            [
                {"company_id": company.id, "partner_id": partner.id}
                for partner in partners.commercial_partner_id
            ]
        )
        self.env.ref("credit_management.ir_cron_refresh_profiles").sudo()._trigger(
            fields.Datetime.now() + timedelta(seconds=30)
        )

    # === CRON === #

    @api.model
    def _cron_refresh(self, batch_size=500):
        """Refresh the figures of customers for whom something changed."""
        Touch = self.env["credit.profile.touch"]
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=Touch.search_count([]))
        touches = Touch.search([], limit=batch_size).try_lock_for_update()
        for company, marks in touches.grouped("company_id").items():
            partners = marks.partner_id
            env_company = self.with_company(company)
            env_company._get_or_create(company, partners)
            profiles = env_company.search(
                [("company_id", "=", company.id), ("partner_id", "in", partners.ids)]
            )
            profiles._refresh()
            self.env["credit.hold"]._recheck_customers(company, partners)
        count = len(touches)
        touches.unlink()
        commit_progress(count)
