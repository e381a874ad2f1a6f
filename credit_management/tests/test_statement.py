"""Statements of account, on the ledger of the host."""

import io
from unittest.mock import patch

import openpyxl
from lxml import html

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, freeze_time, new_test_user, tagged
from odoo.tools import format_date, mute_logger

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from .common import CreditCommon

QUEUE_LOG = "odoo.addons.mail.models.mail_mail"
MAIL_LOG = "odoo.addons.credit_management.models.mail_mail"
SENDING_LOG = "odoo.addons.credit_management.models.credit_outgoing_mixin"
STATEMENT_LOG = "odoo.addons.credit_management.models.credit_statement_sending"
BEGIN_OF_MAY = "2026-05-04 09:00:00"


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


@tagged("post_install", "-at_install", "credit_once")
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

    def test_its_text_states_what_a_manager_put_into_it(self):
        """Not the example that the writer left between the tags."""
        self._create_late_invoice(10)
        self.env.ref("credit_management.mail_template_statement").body_html = (
            "<p>Hello <t t-out=\"object.partner_id.name or ''\">Alex</t>, until"
            ' <t t-out="format_date(object.date_to)">12 May</t></p>'
        )
        _subject, body = self._statement()._render_mail()
        self.assertIn(f"Hello {self.customer.name}", body)
        self.assertIn(format_date(self.env, self.today), body)
        self.assertNotIn("12 May", body)

    def _hand_over(self, **values):
        """Return a statement whose mail waits in the host's queue."""
        if not self._ledger_balance(self.today):
            self._create_late_invoice(10)
        one = self._statement(**values)
        one.action_send()
        self._run_cron("ir_cron_send_statements")
        self.assertEqual(one.state, "sending")
        return one

    def _deliver_statements(self, error=None):
        """Let the jobs run; the mail server may answer with an error."""
        self._run_cron("ir_cron_send_statements")
        Mail = self.env["mail.mail"].sudo()
        waiting = Mail.search(
            [("state", "=", "outgoing"), ("model", "=", "credit.statement")]
        )
        with self.mock_mail_gateway(mail_unlink_sent=False), mute_logger(QUEUE_LOG):
            if error:
                self.send_email_mocked.side_effect = error
            if waiting:
                Mail.process_email_queue(waiting.ids)
        self.env.invalidate_all()

    def _redirect(self):
        self.company.write(
            {"credit_mode": "redirect", "credit_redirect_email": "me@us.example.com"}
        )

    def _set_company(self, **values):
        """Change the company behind the back of what recalls mails."""
        for name, value in values.items():
            self.env.cr.execute(
                f"UPDATE res_company SET {name} = %s WHERE id = %s",
                [value, self.company.id],
            )
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
        self._redirect()
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

    # === STOP AND MODE === #

    def test_the_stop_and_leaving_live_recall_what_the_mail_queue_holds(self):
        for values in (
            {"credit_stopped": True},
            {"credit_mode": "simulate"},
            {"credit_mode": "redirect", "credit_redirect_email": "me@us.example.com"},
        ):
            one = self._hand_over()
            mail = one.sudo().mail_ids
            self.company.write(values)
            self.assertEqual((one.state, mail.state), ("queued", "cancel"))
            self.assertFalse(
                self.env["ir.attachment"].search_count(
                    [("res_model", "=", one._name), ("res_id", "=", one.id)]
                )
            )
            one.sudo().state = "draft"
            self.company.write({"credit_stopped": False, "credit_mode": "live"})

    def test_the_mail_queue_itself_obeys_the_stop_and_the_mode(self):
        one = self._hand_over()
        self._set_company(credit_stopped=True)
        self._deliver_statements()
        self.assertEqual((one.state, self._mails), ("queued", []))
        self._set_company(credit_stopped=False)
        self._run_cron("ir_cron_send_statements")
        self.assertEqual(one.state, "sending")
        self._set_company(credit_mode="redirect", credit_redirect_email="me@us.test")
        Mail = self.env["mail.mail"].sudo()
        with self.mock_mail_gateway():
            Mail.process_email_queue(one.sudo().mail_ids.ids)
        self.env.invalidate_all()
        self.assertEqual((one.state, self._mails), ("queued", []))
        self._deliver_statements()
        self.assertEqual((one.state, one.is_test), ("sent", True))
        self.assertEqual(self._mails[0]["email_to"], ["me@us.test"])

    def test_asked_for_in_redirect_it_never_goes_to_the_customer(self):
        self._redirect()
        handed = self._hand_over()
        queued = self._statement()
        queued.action_send()
        self.company.credit_mode = "live"
        self._deliver_statements()
        self.assertEqual((handed.state, queued.state), ("sent", "sent"))
        self.assertEqual(
            [mail["email_to"] for mail in self._mails], [["me@us.example.com"]] * 2
        )

    def test_nobody_but_the_queue_sends_statements(self):
        one = self._hand_over()
        with self.mock_mail_gateway():
            one.sudo().mail_ids.send()
        self.assertFalse(self._mails)

    # === WHAT BECAME OF THE MAIL === #

    def test_a_passing_failure_is_tried_again_with_back_off_and_a_cap(self):
        one = self._hand_over()
        error = MailDeliveryException("(451, b'4.7.1 Greylisted')")
        for attempt in range(1, 6):
            self._deliver_statements(error)
            self.assertEqual((one.state, one.attempt_count), ("sending", attempt))
            self.assertGreater(one.queued_until, fields.Datetime.now())
            self._run_cron("ir_cron_supervise")
            self.assertEqual(one.sudo().mail_ids.state, "exception")  # not yet
            one.sudo().queued_until = self.today
            self._run_cron("ir_cron_supervise")
            self.assertEqual(one.sudo().mail_ids.state, "outgoing")
        self._deliver_statements(error)
        self.assertEqual(one.state, "failed")
        self.assertTrue(one.profile_id.activity_ids)

    def test_tried_again_it_keeps_its_message_id(self):
        one = self._hand_over()
        message_id = one.sudo().mail_ids.message_id
        self._deliver_statements(ConnectionRefusedError("Connection refused"))
        one.sudo().queued_until = self.today
        self._run_cron("ir_cron_supervise")
        self._deliver_statements()
        self.assertEqual(one.state, "sent")
        self.assertEqual(self._mails[0]["message_id"], message_id)

    def test_a_lasting_refusal_fails_at_once(self):
        one = self._hand_over()
        self._deliver_statements(Exception("(550, b'5.1.1 User unknown')"))
        self.assertEqual(one.state, "failed")
        self.assertIn("User unknown", one.state_reason)
        self.assertTrue(one.profile_id.activity_ids)

    def test_told_later_that_it_did_leave_a_failed_one_is_sent(self):
        one = self._hand_over()
        self._deliver_statements(Exception("(550, b'5.1.1 User unknown')"))
        mail = one.sudo().mail_ids
        mail.state = "sent"
        one.sudo()._apply_mail_results(mail, False, None)
        self.assertEqual(one.state, "sent")
        self.assertTrue(one.sent_date)

    def test_tried_again_in_the_mail_queue_a_failed_one_goes(self):
        one = self._hand_over()
        self._deliver_statements(Exception("(550, b'5.1.1 User unknown')"))
        one.sudo().mail_ids.action_retry()
        self._deliver_statements()
        self.assertEqual((one.state, len(self._mails)), ("sent", 1))

    def test_a_test_without_a_redirect_address_fails(self):
        self._redirect()
        self._create_late_invoice(10)
        one = self._statement()
        one.action_send()
        self.company.write({"credit_mode": "live", "credit_redirect_email": False})
        self._deliver_statements()
        self.assertEqual((one.state, self._mails), ("failed", []))

    def test_a_bounce_fails_it_with_a_task(self):
        one = self._hand_over()
        self._deliver_statements()
        one.sudo()._message_receive_bounce("boss@example.com", self.customer)
        self.assertEqual(one.state, "sent")  # a copy bounced
        one.sudo()._message_receive_bounce(self.customer.email, self.customer)
        self.assertEqual(one.state, "failed")
        self.assertTrue(one.profile_id.activity_ids)
        with self.assertRaises(UserError):
            one.note = "Something else"  # it may have been read
        with self.assertRaises(UserError):
            one.unlink()

    def test_what_the_mail_queue_could_not_tell_is_found_out(self):
        for state, expected in (
            ("sent", "sent"),
            ("exception", "failed"),
            ("cancel", "failed"),
            (None, "failed"),
        ):
            one = self._hand_over()
            mail = one.sudo().mail_ids
            if state:
                mail.write({"state": state, "failure_type": "mail_email_invalid"})
            else:
                mail.unlink()
            self._run_cron("ir_cron_supervise")
            self.assertEqual(one.state, expected, state)

    def test_a_missed_result_does_not_send_it_again(self):
        one = self._hand_over()
        Statement = type(self.env["credit.statement"])
        with (
            patch.object(Statement, "_apply_mail_results", side_effect=ValueError),
            mute_logger(MAIL_LOG),
        ):
            self._deliver_statements()
        self.assertEqual((one.state, len(self._mails)), ("sending", 1))
        self._run_cron("ir_cron_supervise")
        self.assertEqual(one.state, "sent")

    # === MADE BY WORKERS THAT DIE === #

    def test_the_attempt_is_noted_before_it_is_made(self):
        self._create_late_invoice(10)
        one = self._statement()
        one.action_send()
        counts = []
        with patch.object(
            type(one), "_hand_over", lambda self: counts.append(self.failure_count)
        ):
            self._run_cron("ir_cron_send_statements")
        self.assertEqual(counts[0], 1)

    def test_one_that_keeps_killing_its_worker_is_parked(self):
        self._create_late_invoice(10)
        deadly, other = self._statement(), self._statement()
        (deadly + other).action_send()
        deadly.sudo().failure_count = 3  # taken, and never heard of again
        self._run_cron("ir_cron_send_statements")
        self.assertEqual((deadly.state, other.state), ("failed", "sending"))
        self.assertTrue(deadly.profile_id.activity_ids)

    def test_one_that_cannot_be_made_is_parked_and_the_others_go(self):
        self._create_late_invoice(10)
        bad, good = self._statement(), self._statement()
        (bad + good).action_send()
        render = type(bad)._render_pdf

        def fail(statement):
            if statement.id == bad.id:
                raise ValueError("no paper")
            return render(statement)

        with patch.object(type(bad), "_render_pdf", fail), mute_logger(SENDING_LOG):
            for _attempt in range(3):
                bad.sudo().queued_until = False
                self._run_cron("ir_cron_send_statements")
        self.assertEqual((bad.state, good.state), ("failed", "sending"))
        self.assertIn("no paper", bad.state_reason)

    # === WHO MAY CHANGE WHAT === #

    def test_what_was_sent_goes_again_only_as_a_new_one(self):
        one = self._hand_over()
        self._deliver_statements()
        with self.assertRaisesRegex(UserError, "new one"):
            (one + self._statement()).action_send()

    def test_the_context_forges_nothing(self):
        forged = {
            "default_state": "sent",
            "default_sent_date": "2026-01-01",
            "default_is_monthly": True,
            "default_is_test": True,
            "default_note": "Mine",
        }
        one = (
            self.env["credit.statement"]
            .with_context(**forged)
            .create({"profile_id": self._profile().id})
        )
        self.assertEqual((one.state, one.note), ("draft", "Mine"))
        self.assertFalse(one.sent_date or one.is_monthly or one.is_test)

    def test_the_pdf_that_was_sent_cannot_be_deleted(self):
        one = self._hand_over()
        self._deliver_statements()
        attachment = self.env["ir.attachment"].search(
            [("res_model", "=", "credit.statement"), ("res_id", "=", one.id)]
        )
        self.assertTrue(attachment)
        with self.assertRaises(UserError):
            attachment.unlink()
        own = self.env["ir.attachment"].create(
            {"name": "note", "raw": b"x", "res_model": one._name, "res_id": one.id}
        )
        own.unlink()

    # === WHO HEARS OF IT === #

    def _collector(self, login="statement_collector", **values):
        return new_test_user(
            self.env,
            login=login,
            groups="credit_management.group_credit_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
            **values,
        )

    def test_the_task_goes_to_the_collector_the_default_or_who_asked(self):
        self.customer.email = False
        self._create_late_invoice(10)
        asked, default, own = (
            self._collector(login) for login in ("asked", "default", "own")
        )
        profile = self._profile()
        for expected, change in (
            (asked, lambda: None),
            (default, lambda: self.company.write({"credit_user_id": default.id})),
            (own, lambda: profile.write({"user_id": own.id})),
        ):
            change()
            profile.activity_ids.unlink()
            one = self._statement().with_user(asked).copy()
            one.action_send()
            self._run_cron("ir_cron_send_statements")
            self.assertEqual(profile.activity_ids.user_id, expected)

    def test_the_task_of_what_the_calendar_made_is_not_the_robots(self):
        self.customer.email = False
        with freeze_time(BEGIN_OF_MAY):
            self._create_late_invoice(10)
            profile = self._profile()
            profile.statement_monthly = True
            profile.sudo().statement_monthly_since = "2026-01-01"
            one = self.env["credit.statement"].sudo()._make_monthly(self.company)
            self._run_cron("ir_cron_send_statements")
        self.assertEqual(one.state, "failed")
        self.assertTrue(profile.activity_ids.user_id)
        self.assertNotEqual(
            profile.activity_ids.user_id, self.env.ref("base.user_root")
        )

    def test_a_reply_tells_the_collector_also_by_mail(self):
        collector = self._collector(
            notification_type="email", email="collector@us.example.com"
        )
        self._profile().user_id = collector
        one = self._hand_over()
        self.assertIn(collector.partner_id, one.message_partner_ids)
        with self.mock_mail_gateway():
            one.sudo().message_post(
                body="I do not agree",
                author_id=self.customer.id,
                message_type="email",
                subtype_xmlid="mail.mt_comment",
            )
        told = self.env["mail.mail"].sudo().search([("is_notification", "=", True)])
        self.assertTrue(told.filtered(lambda mail: mail.model == one._name))
        self.assertTrue(self._mails)

    def test_the_file_tells_the_real_recipient_in_the_language_of_the_collector(self):
        self.env["res.lang"]._activate_lang("nl_NL")
        self._profile().user_id = self._collector(lang="nl_NL")
        self._redirect()
        one = self._hand_over()
        self._deliver_statements()
        self.assertEqual(one.recipient_email, "me@us.example.com")
        told = one.profile_id.message_ids[0].body
        self.assertIn("me@us.example.com", told)
        self.assertNotIn(self.customer.email, told)
        self.assertIn("13-05-2026", told)

    # === EVERY MONTH === #

    def _monthly(self, partner=None, since="2026-01-01"):
        profile = self._profile(partner)
        profile.statement_monthly = True
        profile.sudo().statement_monthly_since = since
        return profile

    def _make_monthly(self, day="2026-05-04"):
        with freeze_time(f"{day} 09:00:00"):
            return self.env["credit.statement"]._make_monthly(self.company)

    def test_the_monthly_statement_is_made_once_and_of_the_last_day(self):
        self._create_late_invoice(10)
        self._monthly()
        one = self._make_monthly()
        self.assertEqual(one.date_to, fields.Date.to_date("2026-04-30"))
        self.assertEqual((one.state, one.is_monthly), ("queued", True))
        self.assertFalse(self._make_monthly())
        later = self._make_monthly("2026-06-10")
        self.assertEqual(later.date_to, fields.Date.to_date("2026-05-31"))

    def test_who_owes_nothing_gets_no_monthly_statement(self):
        self._monthly()
        self.assertFalse(self._make_monthly())

    def test_what_was_open_on_the_last_day_decides_not_what_is_open_now(self):
        paid, new = self.customer, self._create_customer("New")
        self._pay(self._create_late_invoice(10))  # today, in May
        self._create_late_invoice(-30, partner=new, invoice_date=self.today)
        for partner in (paid, new):
            self._monthly(partner)._refresh()
        made = self._make_monthly("2026-05-09")
        self.assertEqual(made.commercial_partner_id, paid)

    def test_late_in_the_month_no_monthly_statement_is_made(self):
        self._create_late_invoice(10)
        self._monthly()
        self.assertFalse(self._make_monthly("2026-05-11"))
        self.assertTrue(self._make_monthly("2026-05-10"))

    def test_no_monthly_statement_of_a_month_before_it_was_asked_for(self):
        self._create_late_invoice(10)
        profile = self._profile()
        profile.statement_monthly = True
        self.assertEqual(profile.sudo().statement_monthly_since, self.today)
        self.assertFalse(self._make_monthly())
        self.assertTrue(self._make_monthly("2026-06-03"))
        profile.statement_monthly = False
        self.assertFalse(profile.sudo().statement_monthly_since)
        with self.assertRaises(UserError):
            profile.write({"statement_monthly_since": "2020-01-01"})

    def test_of_several_months_that_waited_only_the_last_goes(self):
        self._create_late_invoice(10)
        self._monthly()
        self.company.credit_stopped = True
        first = self._make_monthly()
        second = self._make_monthly("2026-06-03")
        self.company.credit_stopped = False
        self._deliver_statements()
        self.assertEqual((first.state, second.state), ("draft", "sent"))
        self.assertTrue(first.state_reason)
        self.assertEqual(len(self._mails), 1)

    def test_one_of_a_test_is_not_the_one_of_the_month(self):
        self._create_late_invoice(10)
        self._monthly()
        self._redirect()
        test = self._make_monthly()
        self.assertTrue(test.is_test)
        self.assertFalse(self._make_monthly())
        self.company.credit_mode = "live"
        real = self._make_monthly()
        self.assertEqual(len(real), 1)
        self.assertFalse(real.is_test)
        self._deliver_statements()
        told = sorted("me@us" in mail["email_to"][0] for mail in self._mails)
        self.assertEqual(told, [False, True])

    def test_one_bad_customer_stops_no_monthly_statement(self):
        bad, good = self.customer, self._create_customer("Good")
        for partner in (bad, good):
            self._create_late_invoice(10, partner=partner)
            self._monthly(partner)
        with self._refused(bad), mute_logger(STATEMENT_LOG):
            made = self._make_monthly()
            self._make_monthly()
        self.assertEqual(made.commercial_partner_id, good)
        self.assertEqual(len(self._profile(bad).activity_ids), 1)

    def _refused(self, partner):
        """Let nobody make statements for one customer."""
        Statement = type(self.env["credit.statement"])
        create = Statement.create
        refused = self._profile(partner)

        def refuse(statements, vals_list):
            vals_list = vals_list if isinstance(vals_list, list) else [vals_list]
            if refused.id in [vals["profile_id"] for vals in vals_list]:
                raise ValueError("refused")
            return create(statements, vals_list)

        return patch.object(Statement, "create", refuse)

    # === CONTACTS, LANGUAGES === #

    def test_a_contact_of_another_company_is_not_written_to(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        theirs = self._create_customer(
            "Theirs", parent_id=self.customer.id, is_company=False, type="dunning"
        )
        theirs.company_id = other
        self.assertEqual(theirs.parent_id.company_id, self.env["res.company"])
        self.assertEqual(self._statement().partner_id, self.customer)

    def test_a_language_that_is_not_active_any_more_does_no_harm(self):
        lang = self.env["res.lang"]._activate_lang("nl_NL")
        self.env["res.lang"]._activate_lang("de_DE")
        self.customer.lang = "nl_NL"
        self.company.partner_id.lang = "de_DE"
        self._create_late_invoice(10)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_lang SET active = FALSE WHERE id = %s", [lang.id]
        )
        self.env.registry.clear_all_caches()
        self.env.invalidate_all()
        one = self._statement()
        self.assertEqual(one._get_lang(), "de_DE")
        one.action_send()
        self._deliver_statements()
        self.assertEqual(one.state, "sent")

    # === MERGING AND DELETING === #

    def test_merging_customers_keeps_their_statements(self):
        second = self._create_customer("Second")
        self._create_late_invoice(10)
        self._create_late_invoice(10, partner=second)
        self._monthly()
        kept = self._monthly(second)
        months = self._make_monthly()
        sent = self._hand_over()
        self._deliver_statements()
        self.assertEqual(len(months), 2)
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo().create({})
        wizard._merge((self.customer + second).ids, second)
        self.env.invalidate_all()
        statements = months + sent
        self.assertEqual(statements.exists(), statements)
        self.assertEqual(statements.profile_id, kept)
        self.assertEqual(statements.commercial_partner_id, second)
        self.assertEqual(statements.partner_id, second)
        self.assertEqual(len(months.filtered("is_monthly")), 1)

    def test_merged_into_a_file_without_the_tick_it_is_ticked(self):
        second = self._create_customer("Second")
        self._monthly()
        kept = self._profile(second)
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo().create({})
        wizard._merge((self.customer + second).ids, second)
        self.assertTrue(kept.statement_monthly)
        self.assertEqual(
            kept.sudo().statement_monthly_since, fields.Date.to_date("2026-01-01")
        )

    def test_a_file_with_statements_cannot_be_deleted(self):
        one = self._statement()
        with self.assertRaisesRegex(UserError, "statements"):
            one.profile_id.unlink()
        self.assertTrue(one.exists())

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

    def test_one_bad_customer_does_not_stop_the_window(self):
        other = self._create_customer("Other")
        profiles = self._profile() + self._profile(other)
        wizard = self.env["credit.statement.make"].create(
            {"profile_ids": [Command.set(profiles.ids)]}
        )
        with self._refused(self.customer), mute_logger(STATEMENT_LOG):
            wizard.action_export()
            self.assertEqual(profiles.statement_ids.commercial_partner_id, other)
            self.assertTrue(self._profile().activity_ids)
            told = wizard.action_send()["params"]
            self.assertEqual(told["type"], "warning")
            self.assertIn("For 1 customers none", told["message"])
            wizard.profile_ids = self._profile()
            with self.assertRaisesRegex(UserError, "refused"):
                wizard.action_export()

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


@tagged("post_install", "-at_install", "credit_once")
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


@tagged("post_install", "-at_install", "credit_once")
class TestStatementPaper(CreditCommon):
    """A statement is laid out as our letters: in the page, for any wkhtmltopdf."""

    def test_the_address_and_the_letterhead_stand_in_the_page(self):
        self._create_late_invoice(10)
        self.customer.write({"street": "Main Street 1", "city": "Ghent"})
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        statement = self.env["credit.statement"].create({"profile_id": profile.id})
        page, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "credit_management.report_credit_statement", statement.ids
        )
        tree = html.fromstring(page)
        (address,) = tree.find_class("o_credit_address")
        self.assertIn("Main Street 1", address.text_content())
        (letterhead,) = tree.find_class("o_credit_letterhead")
        self.assertTrue(letterhead.text_content().strip() or letterhead.xpath(".//img"))
        self.assertFalse(tree.find_class("header"))
        report = self.env.ref("credit_management.credit_statement_report")
        self.assertLess(report.paperformat_id.margin_top, 20)
