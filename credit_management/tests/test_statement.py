"""Statements of account, on the ledger of the host."""

import io
from datetime import timedelta

import openpyxl

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, freeze_time, new_test_user, tagged

from .common import CreditCommon


class StatementCommon(CreditCommon):
    def _profile(self, partner=None):
        return self.env["credit.profile"]._get_or_create(
            self.company, partner or self.customer
        )

    def _statement(self, **values):
        return self.env["credit.statement"].create(
            {"profile_id": self._profile().id, "date_to": self.today} | values
        )

    def _sections(self, **values):
        """What stands on a statement, by the name of the currency."""
        content = self._statement(**values)._prepare_content()[0]
        return {section["currency"].name: section for section in content["sections"]}

    def _own(self, **values):
        return self._sections(**values)[self.company.currency_id.name]

    def _ledger_balance(self, day):
        lines = self.env["account.move.line"].search(
            [
                ("partner_id", "child_of", self.customer.id),
                ("account_id.account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("date", "<=", day),
            ]
        )
        return sum(lines.mapped("balance"))


@tagged("post_install", "-at_install")
class TestStatement(StatementCommon):
    def test_both_kinds_close_with_the_balance_of_the_ledger(self):
        old = self._create_late_invoice(40, 300.0)
        self._create_late_invoice(-10, 80.0)
        self._create_credit_note(50.0)
        self._pay(old, 120.0)
        for day in (self._day(60), self._day(20), self.today):
            ledger = self._ledger_balance(day)
            for kind in ("open", "activity"):
                sections = self._sections(
                    kind=kind, date_to=day, date_from=self._day(100)
                )
                closing = sum(section["closing"] for section in sections.values())
                self.assertAlmostEqual(closing, ledger, msg=f"{kind} {day}")

    def test_open_items_are_those_of_the_day_not_of_now(self):
        invoice = self._create_late_invoice(40)
        self._pay(invoice)
        before = self._own(date_to=self._day(1))
        self.assertEqual([row["name"] for row in before["rows"]], [invoice.name])
        self.assertEqual(before["rows"][0]["days_late"], 39)
        self.assertFalse(self._sections())

    def test_activity_opens_with_what_was_owed_and_runs_on(self):
        invoice = self._create_late_invoice(40)  # booked seventy days ago
        self._pay(invoice, 30.0)
        section = self._own(kind="activity", date_from=self._day(10))
        self.assertEqual((section["opening"], section["closing"]), (100.0, 70.0))
        self.assertEqual([row["balance"] for row in section["rows"]], [70.0])
        self.assertEqual(section["rows"][0]["what"], "Payment")

    def test_ageing_adds_up_to_the_balance(self):
        for days_late in (-5, 10, 45, 75, 200):
            self._create_late_invoice(days_late, 100.0 + days_late)
        self._create_credit_note(20.0)
        section = self._own()
        self.assertEqual(section["ageing"], [95.0, 110.0, 145.0, 175.0, 300.0, -20.0])
        self.assertEqual(sum(section["ageing"]), section["closing"])

    def test_overdue_items_only(self):
        late = self._create_late_invoice(10)
        self._create_late_invoice(-10, 80.0)
        section = self._own(only_overdue=True)
        self.assertEqual([row["name"] for row in section["rows"]], [late.name])
        self.assertEqual(section["overdue"], 100.0)

    def test_overdue_items_come_with_the_credits_that_a_letter_takes_off(self):
        self._create_late_invoice(10)
        self._create_late_invoice(-10, 80.0)
        note = self._create_credit_note(30.0)
        section = self._own(only_overdue=True)
        self.assertIn(note.name, [row["name"] for row in section["rows"]])
        self.assertEqual(len(section["rows"]), 2)
        self.assertEqual((section["overdue"], section["total"]), (100.0, 70.0))
        self.assertEqual(section["total_label"], "Overdue less credits")

    def test_money_paid_back_is_never_overdue(self):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "outbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": 70.0,
                "date": self._day(30),
            }
        )
        payment.action_post()
        section = self._own()
        self.assertEqual((section["closing"], section["overdue"]), (70.0, 0.0))
        self.assertEqual(section["rows"][0]["days_late"], 0)

    def test_an_exchange_difference_is_no_line(self):
        foreign = self.setup_other_currency(
            "EUR", rates=[(self._day(400), 2.0), (self._day(20), 3.0)]
        )
        invoice = self._create_late_invoice(40, 120.0, currency_id=foreign.id)
        self._pay(invoice)
        self.assertFalse(invoice.amount_residual)
        sections = self._sections(kind="activity", date_from=self._day(200))
        self.assertEqual(len(sections["EUR"]["rows"]), 2)
        self.assertEqual(sections["EUR"]["closing"], 0.0)

    def test_what_is_open_on_an_archived_account_is_owed(self):
        invoice = self._create_late_invoice(10)
        account = self._receivable_line(invoice).account_id
        account.active = False
        self.assertEqual(self._own()["closing"], 100.0)
        run = self._propose()
        self.assertEqual(run.letter_ids.amount_total, 100.0)

    def test_a_payment_in_process_stands_under_the_balance_of_today(self):
        invoice = self._create_late_invoice(10)
        self.assertEqual(self._own()["in_process"], 0.0)
        provider = self.env["payment.provider"].sudo().create({"name": "Provider"})
        self.env["payment.transaction"].sudo().create(
            {
                "provider_id": provider.id,
                "payment_method_id": self.env.ref("payment.payment_method_unknown").id,
                "reference": "under way",
                "amount": 60.0,
                "currency_id": invoice.currency_id.id,
                "partner_id": invoice.partner_id.id,
                "invoice_ids": [Command.set(invoice.ids)],
                "state": "pending",
                "last_state_change": fields.Datetime.now(),
            }
        )
        section = self._own()
        self.assertEqual((section["closing"], section["remaining"]), (100.0, 40.0))
        self.assertEqual(self._own(date_to=self._day(1))["in_process"], 0.0)

    def test_currencies_are_never_added(self):
        foreign = self.setup_other_currency("EUR")
        self._create_late_invoice(10)
        self._create_late_invoice(10, 50.0, currency_id=foreign.id)
        sections = self._sections()
        closings = {name: section["closing"] for name, section in sections.items()}
        self.assertEqual(
            closings, {self.company.currency_id.name: 100.0, foreign.name: 50.0}
        )

    def test_a_payment_in_another_currency_closes_both(self):
        foreign = self.setup_other_currency("EUR")
        invoice = self._create_late_invoice(10, 50.0, currency_id=foreign.id)
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create(
                {
                    "payment_date": self.today,
                    "currency_id": self.company.currency_id.id,
                }
            )
        )
        wizard._create_payments()
        self.assertFalse(invoice.amount_residual)
        sections = self._sections(kind="activity", date_from=self._day(100))
        closings = {section["closing"] for section in sections.values()}
        self.assertEqual(closings, {0.0})

    def test_invoices_of_all_contacts_of_the_customer_are_on_it(self):
        contact = self._create_customer(
            "Branch", parent_id=self.customer.id, is_company=False
        )
        invoice = self._create_late_invoice(10, partner=contact)
        self.assertEqual(self._own()["rows"][0]["name"], invoice.name)

    def test_dates_that_make_no_sense_are_refused(self):
        with self.assertRaises(ValidationError):
            self._statement(kind="activity")
        with self.assertRaises(ValidationError):
            self._statement(kind="activity", date_from=self.today, date_to=self._day(1))

    def test_it_speaks_the_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("nl_NL")
        self.customer.lang = "nl_NL"
        self._create_late_invoice(10)
        content = self._statement()._prepare_content()[0]
        self.assertEqual(content["lang"], "nl_NL")

    def test_the_workbook_holds_numbers_and_no_formulas(self):
        self._create_late_invoice(10, ref="=HYPERLINK('http://evil.example')")
        book = openpyxl.load_workbook(io.BytesIO(self._statement()._render_xlsx()))
        cells = [cell for row in book.active.iter_rows() for cell in row]
        self.assertFalse([cell for cell in cells if cell.data_type == "f"])
        self.assertIn(100.0, [cell.value for cell in cells])

    # === SENDING === #

    def _deliver_statements(self):
        self._run_cron("ir_cron_send_statements")
        Mail = self.env["mail.mail"].sudo()
        waiting = Mail.search(
            [("state", "=", "outgoing"), ("model", "=", "credit.statement")]
        )
        with self.mock_mail_gateway():
            if waiting:
                Mail.process_email_queue(waiting.ids)
        self.env.invalidate_all()

    def test_it_goes_by_mail_with_the_pdf(self):
        self._create_late_invoice(10)
        one = self._statement()
        one.action_send()
        self._deliver_statements()
        self.assertEqual(one.state, "sent")
        mail = self._mails[0]
        self.assertIn(self.customer.email, mail["email_to"][0])
        (name, _content, kind) = mail["attachments"][0]
        self.assertEqual((name[-4:], kind), (".pdf", "application/pdf"))

    def test_what_is_sent_cannot_be_changed_nor_forged(self):
        self._create_late_invoice(10)
        one = self._statement()
        with self.assertRaises(UserError):
            one.state = "sent"
        one.action_send()
        with self.assertRaises(UserError):
            one.note = "Something else"
        with self.assertRaises(UserError):
            one.unlink()

    def test_nothing_goes_in_simulation_nor_while_stopped(self):
        self._create_late_invoice(10)
        one = self._statement()
        self.company.credit_mode = "simulate"
        with self.assertRaises(UserError):
            one.action_send()
        self.company.credit_mode = "live"
        one.action_send()
        self.company.credit_stopped = True
        self._deliver_statements()
        self.assertEqual((one.state, len(self._mails)), ("queued", 0))
        self.company.credit_stopped = False
        self._deliver_statements()
        self.assertEqual(one.state, "sent")

    def test_redirected_it_goes_to_the_own_address(self):
        self.company.write(
            {"credit_mode": "redirect", "credit_redirect_email": "me@us.example.com"}
        )
        self._create_late_invoice(10)
        self._statement().action_send()
        self._deliver_statements()
        self.assertEqual(self._mails[0]["email_to"], ["me@us.example.com"])

    def test_without_an_address_it_fails_with_a_task(self):
        self.customer.email = False
        self._create_late_invoice(10)
        one = self._statement()
        one.action_send()
        self._deliver_statements()
        self.assertEqual(one.state, "failed")
        self.assertTrue(one.profile_id.activity_ids)

    # === EVERY MONTH === #

    def test_the_monthly_statement_is_made_once_and_of_the_last_day(self):
        self._create_late_invoice(10)
        profile = self._profile()
        profile._refresh()
        profile.statement_monthly = True
        Statement = self.env["credit.statement"]
        one = Statement._make_monthly(self.company)
        self.assertEqual(one.date_to, fields.Date.to_date("2026-04-30"))
        self.assertFalse(Statement._make_monthly(self.company))
        with freeze_time(self.today + timedelta(days=31)):
            later = Statement._make_monthly(self.company)
            self.assertEqual(later.date_to, fields.Date.to_date("2026-05-31"))

    def test_who_owes_nothing_gets_no_monthly_statement(self):
        profile = self._profile()
        profile.statement_monthly = True
        self.assertFalse(self.env["credit.statement"]._make_monthly(self.company))

    # === THE WINDOW === #

    def test_the_window_makes_one_for_each_customer(self):
        other = self._create_customer("Other", email=False)
        self._create_late_invoice(10)
        self._create_late_invoice(10, partner=other)
        profiles = self._profile() + self._profile(other)
        wizard = self.env["credit.statement.make"].create(
            {"profile_ids": [Command.set(profiles.ids)]}
        )
        self.assertEqual(wizard.without_email_count, 1)
        wizard.action_export()
        self.assertTrue(wizard.file_data)
        self.assertEqual(len(profiles.statement_ids), 2)

    def test_a_seller_has_no_statements(self):
        seller = new_test_user(
            self.env,
            login="statement_seller",
            groups="base.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        one = self._statement()
        with self.assertRaises(AccessError):
            one.with_user(seller)._prepare_content()
        with self.assertRaises(AccessError):
            self.env["credit.statement.make"].with_user(seller).create(
                {"profile_ids": [Command.set(one.profile_id.ids)]}
            )


@tagged("post_install", "-at_install")
class TestStatementPortal(StatementCommon, HttpCase):
    def _url(self, extension, token=None, kind=None):
        profile = self._profile()
        query = f"?access_token={token or profile._portal_ensure_token()}"
        query += f"&kind={kind}" if kind else ""
        return f"/my/credit/{profile.id}/statement.{extension}{query}"

    def test_the_link_of_the_letter_opens_the_workbook(self):
        invoice = self._create_late_invoice(10)
        for kind in (None, "activity", "nonsense"):
            response = self.url_open(self._url("xlsx", kind=kind))
            self.assertEqual(response.status_code, 200)
            book = openpyxl.load_workbook(io.BytesIO(response.content))
            values = {cell.value for row in book.active.iter_rows() for cell in row}
            self.assertIn(invoice.name, values)
        self.assertEqual(response.headers["Cache-Control"], "no-store")

    def test_the_link_of_the_letter_opens_the_pdf(self):
        self._create_late_invoice(10)
        response = self.url_open(self._url("pdf"))
        self.assertEqual(response.status_code, 200)
        self.assertTrue(response.content.startswith((b"%PDF", b"<!DOCTYPE", b"<html")))

    def test_without_the_right_token_nothing_is_told(self):
        self._create_late_invoice(10)
        for url in (self._url("pdf", token="wrong"), self._url("exe")):
            response = self.url_open(url, allow_redirects=False)
            self.assertEqual(response.status_code, 303)

    def test_the_page_offers_the_files(self):
        self._create_late_invoice(10)
        profile = self._profile()
        profile._portal_ensure_token()
        page = self.url_open(profile.get_portal_url()).text
        self.assertIn(f"/my/credit/{profile.id}/statement.pdf?access_token", page)

    def test_nothing_is_kept_of_a_download(self):
        self._create_late_invoice(10)
        before = self.env["credit.statement"].search_count([])
        self.url_open(self._url("xlsx"))
        self.url_open(self._url("pdf"))
        self.assertEqual(self.env["credit.statement"].search_count([]), before)
