import io
import logging
from datetime import timedelta

import xlsxwriter
from dateutil.relativedelta import relativedelta
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date, formataddr

_logger = logging.getLogger(__name__)

REPORT = "credit_management.credit_statement_report"
MAX_FAILURES = 3
# What managers may put into the text of the mail.
ALLOWED_EXPRESSIONS = (
    "format_date(object.date_from)",
    "format_date(object.date_to)",
    "object.commercial_partner_id.name",
    "object.commercial_partner_id.ref or ''",
    "object.company_id.email",
    "object.company_id.name",
    "object.company_id.phone",
    "object.partner_id.lang",
    "object.partner_id.name or ''",
)
WRITTEN_BY_METHODS = {
    "name",
    "company_id",
    "commercial_partner_id",
    "state",
    "state_reason",
    "failure_count",
    "sent_date",
    "mail_id",
    "is_monthly",
}


class CreditStatement(models.Model):
    """A statement of account to a customer: what was open, or what happened.

    Made when it is asked for, by a person or by the calendar, and sent by a job; the
    PDF that was sent is kept.
    """

    _name = "credit.statement"
    _description = "Statement of Account"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char(compute="_compute_name", store=True)
    profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        required=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="profile_id.company_id", store=True)
    commercial_partner_id = fields.Many2one(
        related="profile_id.partner_id", store=True, string="Customer"
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Contact",
        compute="_compute_partner_id",
        store=True,
        readonly=False,
        check_company=True,
    )
    kind = fields.Selection(
        [("open", "Open Items"), ("activity", "Activity")],
        required=True,
        default="open",
        help="Open items: what was not paid at the end of the day. Activity: all"
        " invoices, credit notes and payments of the period, with the balance.",
    )
    date_from = fields.Date(string="From")
    date_to = fields.Date(
        string="Until", required=True, default=lambda self: self._default_date_to()
    )
    only_overdue = fields.Boolean(default=False, string="Overdue Items Only")
    note = fields.Text(string="Remark", help="Stands above the tables.")
    is_monthly = fields.Boolean(default=False, readonly=True)
    state = fields.Selection(
        [
            ("draft", "Not Sent"),
            ("queued", "Queued"),
            ("sending", "Sending"),
            ("sent", "Sent"),
            ("failed", "Failed"),
        ],
        default="draft",
        required=True,
        readonly=True,
        copy=False,
    )
    state_reason = fields.Char(string="Why", readonly=True, copy=False)
    failure_count = fields.Integer(default=0, readonly=True, copy=False)
    sent_date = fields.Datetime(string="Sent On", readonly=True, copy=False)
    mail_id = fields.Many2one(
        "mail.mail", readonly=True, copy=False, groups="base.group_system"
    )

    _monthly_uniq = models.UniqueIndex(
        "(profile_id, date_to) WHERE is_monthly",
        "A customer gets one monthly statement a month.",
    )

    @api.model
    def _default_date_to(self):
        return self.env.company._credit_today()

    # === COMPUTE METHODS === #

    @api.depends("kind", "date_to", "profile_id.partner_id.name")
    def _compute_name(self):
        for one in self:
            customer = one.profile_id.partner_id.name or ""
            one.name = f"{customer} {one.date_to or ''}".strip()

    @api.depends("profile_id")
    def _compute_partner_id(self):
        for company, statements in self.grouped("company_id").items():
            partners = statements.profile_id.partner_id
            rows = [
                {"customer_id": partner.id, "move_partner_id": partner.id}
                for partner in partners
            ]
            facts = self.env["credit.dunning.facts"].with_company(company)
            contacts = facts._get_contacts(rows)
            for one in statements:
                customer = one.profile_id.partner_id
                one.partner_id = contacts.get((customer.id, customer.id))

    # === CONSTRAINT METHODS === #

    @api.constrains("kind", "date_from", "date_to")
    def _check_dates(self):
        for one in self:
            if one.kind == "activity" and not one.date_from:
                raise ValidationError(
                    self.env._("Say from which day on the activity is to be shown.")
                )
            if one.date_from and one.date_from > one.date_to:
                raise ValidationError(
                    self.env._("The statement ends before it begins.")
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_written_by_hand(vals)
        return super().create(vals_list)

    def write(self, vals):
        """Let people change a statement until it is sent; what was sent stays."""
        self._check_written_by_hand(vals)
        if "profile_id" in vals and not self.env.su:
            raise UserError(
                self.env._("A statement stays with its customer. Make a new one.")
            )
        asked = {"kind", "date_from", "date_to", "only_overdue", "note", "partner_id"}
        if not self.env.su and asked & set(vals):
            if any(one.state not in ("draft", "failed") for one in self):
                raise UserError(
                    self.env._(
                        "A statement that was sent cannot be changed. Make a new one."
                    )
                )
        return super().write(vals)

    def _check_written_by_hand(self, vals):
        closed = set(vals) & WRITTEN_BY_METHODS
        if closed and not self.env.su:
            raise UserError(
                self.env._(
                    "This part of a statement cannot be written by hand: %(fields)s",
                    fields=", ".join(sorted(closed)),
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        if any(one.state in ("queued", "sending", "sent") for one in self):
            raise UserError(self.env._("A statement that was sent cannot be deleted."))

    # === ACTION METHODS === #

    def action_print(self):
        """Show the statements as PDF."""
        self.check_access("read")
        return self.env.ref(REPORT).report_action(self)

    def action_send(self):
        """Put statements into the queue; a job sends them."""
        self.check_access("write")
        self.company_id._check_credit_may_send()
        for one in self:
            if one.state in ("queued", "sending"):
                raise UserError(self.env._("This statement is on its way already."))
        # sudo: where a statement stands is written by its own methods only.
        self.sudo().write(
            {"state": "queued", "state_reason": False, "failure_count": 0}
        )
        self.env.ref("credit_management.ir_cron_send_statements").sudo()._trigger()

    # === BUSINESS METHODS - CONTENT === #

    @api.model
    def mail_allowed_qweb_expressions(self):
        """Override of `mail`: what managers may put into texts without being able to
        run code. It all stands on the statement anyway.
        """
        return super().mail_allowed_qweb_expressions() + ALLOWED_EXPRESSIONS

    def _get_lang(self):
        """Return the language of the statement: that of its contact."""
        self.ensure_one()
        return (
            self.partner_id.lang
            or self.profile_id.partner_id.lang
            or self.company_id.partner_id.lang
            or self.env.lang
        )

    def _prepare_content(self):
        """Return what stands on the statements, each in its own language.

        :return: list of dicts of plain values
        """
        # sudo: invoices of all salespeople stand on it, whoever prints it; that one may
        # read the statement was checked.
        self.check_access("read")
        contents = []
        for one in self:
            lang = one._get_lang()
            one_sudo = one.sudo().with_context(lang=lang).with_company(one.company_id)
            builder_sudo = one_sudo.env["credit.statement.builder"]
            partner = one_sudo.profile_id.partner_id
            sections = builder_sudo._build(
                one_sudo.company_id,
                partner,
                one.kind,
                one.date_to,
                one.date_from,
                one.kind == "open" and one.only_overdue,
            )[partner.id]
            contents.append(
                {
                    "statement": one_sudo,
                    "lang": lang,
                    "customer": partner,
                    "sections": sections,
                    "ageing_labels": builder_sudo._get_ageing_labels(),
                    "title": one_sudo._get_title(),
                    # A file that is not kept makes no link either: that would write.
                    "url": one.id and one_sudo.profile_id._get_customer_url(),
                }
            )
        return contents

    def _get_title(self):
        """Return the heading: the day, or the period."""
        self.ensure_one()
        end = format_date(self.env, self.date_to)
        if self.kind == "activity":
            start = format_date(self.env, self.date_from)
            return self.env._(
                "Statement of account from %(start)s to %(end)s", start=start, end=end
            )
        return self.env._("Open items on %(end)s", end=end)

    def _get_filename(self, extension):
        self.ensure_one()
        name = "".join(c if c.isalnum() else "_" for c in self.name)
        return f"{name}.{extension}"

    def _render_pdf(self):
        """Return the statements as one PDF."""
        content, _kind = (
            self.env["ir.actions.report"]
            .sudo()  # sudo: as the host does for its own mails
            ._render_qweb_pdf(REPORT, self.ids)
        )
        return content

    def _render_loose(self, extension):
        """Return the file of a statement that is not kept."""
        self.ensure_one()
        if extension == "xlsx":
            return self._render_xlsx()
        values = {
            name: self._fields[name].convert_to_write(self[name], self)
            for name in (
                "profile_id",
                "company_id",
                "partner_id",
                "kind",
                "date_from",
                "date_to",
            )
        }
        content, _kind = (
            self.env["ir.actions.report"]
            .sudo()  # sudo: the caller proved that the customer is theirs
            ._render_qweb_pdf(REPORT, data={"credit_statement": values})
        )
        return content

    def _render_xlsx(self):
        """Return the statements as a workbook, a sheet for each.

        Text is text: what a customer wrote is never taken for a formula.
        """
        stream = io.BytesIO()
        options = {"in_memory": True, "strings_to_formulas": False}
        with xlsxwriter.Workbook(stream, options | {"strings_to_urls": False}) as book:
            for number, values in enumerate(self._prepare_content(), start=1):
                sheet = book.add_worksheet(str(number))
                self._write_sheet(book, sheet, values)
        return stream.getvalue()

    @api.model
    def _write_sheet(self, book, sheet, values):
        """Write one statement: a block for each currency."""
        env = values["statement"].env
        bold = book.add_format({"bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        is_activity = values["statement"].kind == "activity"
        last = env._("Balance") if is_activity else env._("Open amount")
        sheet.set_column(0, 0, 12)
        sheet.set_column(1, 3, 24)
        sheet.set_column(4, 7, 14)
        sheet.write_string(0, 0, values["customer"].name or "", bold)
        sheet.write_string(1, 0, values["title"])
        place = 3
        for section in values["sections"]:
            currency = section["currency"]
            decimals = "0" * currency.decimal_places
            money = book.add_format(
                {"num_format": f"#,##0.{decimals}" if decimals else "#,##0"}
            )
            headings = (
                env._("Date"),
                env._("Number"),
                env._("What"),
                env._("Your reference"),
                env._("Due date"),
                env._("Days late"),
                env._("Amount"),
                last,
            )
            sheet.write_string(place, 0, currency.name, bold)
            for column, heading in enumerate(headings):
                sheet.write_string(place + 1, column, heading, bold)
            place += 2
            if is_activity:
                sheet.write_string(place, 2, env._("Opening balance"))
                sheet.write_number(place, 7, section["opening"], money)
                place += 1
            for row in section["rows"]:
                sheet.write_datetime(place, 0, row["date"], day)
                for column, name in ((1, "name"), (2, "what"), (3, "reference")):
                    sheet.write_string(place, column, row[name] or "")
                if row["due"]:
                    sheet.write_datetime(place, 4, row["due"], day)
                sheet.write_number(place, 5, row["days_late"])
                sheet.write_number(place, 6, row["amount"], money)
                amount = row["balance"] if is_activity else row["open_amount"]
                sheet.write_number(place, 7, amount, money)
                place += 1
            sheet.write_string(place, 2, section["total_label"], bold)
            sheet.write_number(place, 7, section["total"], money)
            if section["in_process"]:
                place += 1
                label = env._("Payments in process, not booked yet")
                sheet.write_string(place, 2, label)
                sheet.write_number(place, 7, -section["in_process"], money)
                place += 1
                sheet.write_string(place, 2, env._("Then open"), bold)
                sheet.write_number(place, 7, section["remaining"], money)
            for label, amount in zip(
                values["ageing_labels"], section["ageing"], strict=True
            ):
                place += 1
                sheet.write_string(place, 2, label)
                sheet.write_number(place, 7, amount, money)
            place += 2

    # === BUSINESS METHODS - SENDING === #

    def _send_one(self):
        """Make the mail of one statement, its PDF attached; the mail queue sends it."""
        self.ensure_one()
        company = self.company_id
        email = self.partner_id.email_normalized
        if not email:
            self._fail(self.env._("The customer has no e-mail address"))
            return
        one = self.with_context(lang=self._get_lang()).with_company(company)
        template = self.env.ref("credit_management.mail_template_statement")
        # sudo: collectors do not edit templates, yet their statements use them.
        template_sudo = template.sudo()
        subject = template_sudo._render_field("subject", one.ids, set_lang=one.env.lang)
        body = template_sudo._render_field("body_html", one.ids, set_lang=one.env.lang)
        attachment_sudo = (
            self.env["ir.attachment"]
            .sudo()
            .create(
                {
                    "name": one._get_filename("pdf"),
                    "raw": one._render_pdf(),
                    "mimetype": "application/pdf",
                    "res_model": self._name,
                    "res_id": self.id,
                }
            )
        )
        name = " ".join((self.partner_id.name or "").split())
        to, cc = formataddr((name, email)), self.profile_id.email_cc
        # One line: no name in it may begin a new header.
        line = " ".join((subject[self.id] or "").split())
        if company.credit_mode == "redirect":
            line, to, cc = f"[{to}] {line}", company.credit_redirect_email, False
        sender = company.email_formatted or self.env.user.email_formatted
        self.sudo().mail_id = (
            self.env["mail.mail"]
            .sudo()
            .create(
                {
                    "model": self._name,
                    "res_id": self.id,
                    "subject": line,
                    "body": Markup("<p>%s</p>") % line,
                    "body_html": body[self.id],
                    "email_from": sender,
                    "email_to": to,
                    "email_cc": cc,
                    "reply_to": self._notify_get_reply_to(default=sender)[self.id],
                    "author_id": company.partner_id.id,
                    "message_type": "email_outgoing",
                    "auto_delete": False,
                    "attachment_ids": [fields.Command.set(attachment_sudo.ids)],
                }
            )
        )
        self.sudo().state = "sending"
        note = self.env._(
            "Statement of account to %(email)s: %(title)s",
            email=email,
            title=self._get_title(),
        )
        self.profile_id._message_log_batch(
            {self.profile_id.id: Markup("<p>%s</p>") % note}
        )

    @api.model
    def _apply_mail_results(self, mails, failure_reason, failure_type):
        """Take over what the host's mail queue found out; called by the queue."""
        for one in self.search(
            [("mail_id", "in", mails.ids), ("state", "=", "sending")]
        ):
            if one.mail_id.state == "sent":
                one.write({"state": "sent", "sent_date": fields.Datetime.now()})
            else:
                reason = failure_reason or one.mail_id.failure_reason or failure_type
                one._fail(reason or self.env._("Not delivered"))

    def _fail(self, reason):
        """The statement cannot go: say why, and give a person the task."""
        self.ensure_one()
        self.sudo().write({"state": "failed", "state_reason": reason})
        profile = self.profile_id
        profile.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=self.env._("A statement of account did not go"),
            note=reason,
            user_id=(
                profile.user_id or self.company_id.credit_user_id or self.env.user
            ).id,
        )

    # === CRON === #

    @api.model
    def _cron_send_statements(self):
        """Send the statements that wait, one a transaction; then let the queue run."""
        domain = [
            ("state", "=", "queued"),
            ("company_id.credit_stopped", "=", False),
            ("company_id.credit_mode", "in", ("redirect", "live")),
        ]
        commit_progress = self.env["ir.cron"]._commit_progress
        commit_progress(remaining=self.search_count(domain))
        for one_id in self.search(domain, order="failure_count, id", limit=100).ids:
            one = self.browse(one_id).try_lock_for_update(allow_referencing=True)
            if not one.filtered_domain(domain):
                continue
            try:
                one._send_one()
                self.env.flush_all()
            except Exception as error:
                self.env.cr.rollback()
                _logger.exception("Statement %s could not be made", one_id)
                one.failure_count += 1
                if one.failure_count >= MAX_FAILURES:
                    one._fail(self.env._("Could not be made: %(error)s", error=error))
            if not commit_progress(1):
                break
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    @api.model
    def _cron_make_monthly(self):
        """Queue last month's statement of each customer who gets one every month.

        Looks at what is missing: a day that was missed is made up for, once.
        """
        companies = self.env["res.company"].search(
            [("credit_mode", "in", ("redirect", "live"))]
        )
        commit_progress = self.env["ir.cron"]._commit_progress
        for company in companies:
            self.with_company(company)._make_monthly(company)
            commit_progress(1)

    @api.model
    def _make_monthly(self, company):
        """Queue the statements of the last day of last month that are not there yet."""
        today = company._credit_today()
        last_day = today + relativedelta(day=1) - timedelta(days=1)
        profiles = self.env["credit.profile"].search(
            [
                ("company_id", "=", company.id),
                ("statement_monthly", "=", True),
                "|",
                ("open_amount", "!=", 0),
                ("unapplied_amount", "!=", 0),
            ]
        )
        made = self.search(
            [
                ("profile_id", "in", profiles.ids),
                ("is_monthly", "=", True),
                ("date_to", "=", last_day),
            ]
        )
        statements = self.sudo().create(
            [
                {
                    "profile_id": profile.id,
                    "date_to": last_day,
                    "is_monthly": True,
                    "state": "queued",
                }
                for profile in profiles - made.profile_id
            ]
        )
        if statements:
            self.env.ref("credit_management.ir_cron_send_statements")._trigger()
        return statements
