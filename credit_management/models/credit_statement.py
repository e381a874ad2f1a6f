import io

import xlsxwriter

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

REPORT = "credit_management.credit_statement_report"
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
    "attempt_count",
    "queued_until",
    "sent_date",
    "mail_ids",
    "recipient_email",
    "is_monthly",
    "is_test",
}


class CreditStatement(models.Model):
    """A statement of account to a customer: what was open, or what happened.

    Made when it is asked for, by a person or by the calendar, and sent by a job; the
    PDF that was sent is kept.
    """

    _name = "credit.statement"
    _description = "Statement of Account"
    _inherit = ["credit.outgoing.mixin"]
    _order = "id desc"
    _check_company_auto = True
    _allowed_expressions = ALLOWED_EXPRESSIONS

    name = fields.Char(compute="_compute_name", store=True)
    profile_id = fields.Many2one(
        "credit.profile",
        string="Credit File",
        required=True,
        index=True,
        ondelete="restrict",
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
    is_monthly = fields.Boolean(default=False, readonly=True, copy=False)
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
    recipient_email = fields.Char(
        string="Sent To",
        readonly=True,
        copy=False,
        help="The address it really went to: in redirect mode the company's own.",
    )

    _monthly_uniq = models.UniqueIndex(
        "(profile_id, date_to) WHERE is_monthly AND NOT is_test",
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
            contacts = facts._get_contacts(rows, company)
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
        # The context sets none of these either; adding to it would not remove them.
        closed = {f"default_{name}" for name in WRITTEN_BY_METHODS}
        context = {
            key: value for key, value in self.env.context.items() if key not in closed
        }
        clean = self.with_context(context)  # pylint: disable=context-overridden
        return super(CreditStatement, clean).create(vals_list)

    def write(self, vals):
        """Let people change a statement until it is sent; what was sent stays."""
        self._check_written_by_hand(vals)
        if "profile_id" in vals and not self.env.su:
            raise UserError(
                self.env._("A statement stays with its customer. Make a new one.")
            )
        asked = {"kind", "date_from", "date_to", "only_overdue", "note", "partner_id"}
        if not self.env.su and asked & set(vals):
            if any(
                one.sent_date or one.state not in ("draft", "failed") for one in self
            ):
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
        if any(
            one.sent_date or one.state in ("queued", "sending", "sent") for one in self
        ):
            raise UserError(self.env._("A statement that was sent cannot be deleted."))

    def _move_to(self, profile):
        """Move statements to the file into which theirs is merged.

        Where both have one of the same month, that of the file that remains counts.
        """
        taken = set(
            self.search([("profile_id", "=", profile.id), ("is_monthly", "=", True)])
            .filtered(lambda one: not one.is_test)
            .mapped("date_to")
        )
        for one in self:
            vals = {"profile_id": profile.id, "partner_id": one.partner_id.id}
            if one.is_monthly and not one.is_test and one.date_to in taken:
                vals["is_monthly"] = False
                if one.state == "queued":
                    vals["state"] = "draft"
            one.write(vals)

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
                raise UserError(
                    self.env._(
                        "The statement %(statement)s is on its way already.",
                        statement=one.name,
                    )
                )
            if one.state == "sent":
                raise UserError(
                    self.env._(
                        "The statement %(statement)s was sent already. To send it"
                        " again, make a new one.",
                        statement=one.name,
                    )
                )
        self._queue()

    # === BUSINESS METHODS - CONTENT === #

    def _get_lang(self):
        """Return the language of the statement: that of its contact, if it is active.

        Else one like it, else that of the customer, else that of the company.
        """
        self.ensure_one()
        partners = (
            self.partner_id | self.profile_id.partner_id | self.company_id.partner_id
        )
        active = [code for code, _name in self.env["res.lang"].get_installed()]
        for wanted in filter(None, partners.mapped("lang")):
            if wanted in active:
                return wanted
            alike = [code for code in active if code[:2] == wanted[:2]]
            if alike:
                return alike[0]
        return self.env.lang

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
                    "sender": one_sudo.company_id._credit_sender_line(),
                    "address": one_sudo.partner_id._get_credit_postal_lines(
                        one_sudo.company_id
                    ),
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
            taken_off = (
                (env._("Payments in process, not booked yet"), section["in_process"]),
                (env._("In a payment plan, paid in parts"), section["planned"]),
            )
            for label, amount in taken_off:
                if amount:
                    place += 1
                    sheet.write_string(place, 2, label)
                    sheet.write_number(place, 7, -amount, money)
            if any(amount for _label, amount in taken_off):
                place += 1
                sheet.write_string(place, 2, section["remaining_label"], bold)
                sheet.write_number(place, 7, section["remaining"], money)
            for label, amount in zip(
                values["ageing_labels"], section["ageing"], strict=True
            ):
                place += 1
                sheet.write_string(place, 2, label)
                sheet.write_number(place, 7, amount, money)
            place += 2
