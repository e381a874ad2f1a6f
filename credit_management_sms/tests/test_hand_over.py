"""When an SMS goes: hours, modes, stop, and how it stands beside the other channels."""

from datetime import datetime, timedelta

from psycopg2 import IntegrityError

from odoo.exceptions import ValidationError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..hooks import uninstall_hook
from .common import MOBILE, SmsCommon


@tagged("post_install", "-at_install")
class TestHandOver(SmsCommon):
    # === BESIDE AND INSTEAD === #

    def test_beside_an_email_the_letter_goes_by_both_and_follows_the_email(self):
        letter = self._hand_over()
        self.assertEqual((letter.state, letter.sms_state), ("sending", "waiting"))
        self.assertFalse(letter.sms_leads)
        self._run_sms_queue()
        self.assertEqual((letter.state, letter.sms_state), ("sending", "sent"))
        self._deliver()
        self.assertEqual(letter.state, "sent")
        [(number, body, key)] = self.service.taken
        self.assertEqual(
            (number, body, key), (MOBILE, letter.sms_body, letter.sms_uuid)
        )
        self.assertIn(MOBILE, str(letter.profile_id.message_ids.mapped("body")))

    def test_instead_of_an_email_the_letter_follows_the_sms(self):
        self._only_sms()
        letter = self._hand_over()
        invoice = letter.line_ids.move_id
        self.assertEqual((letter.state, letter.sms_leads), ("sending", True))
        self.assertFalse(letter.sudo().mail_ids)
        self._run_sms_queue()
        self.assertEqual((letter.state, letter.sms_state), ("sent", "sent"))
        self.assertEqual(invoice.credit_level_id, self.first)
        self.assertEqual(letter.run_id.state, "done")
        self._report(letter, "delivered")
        self.assertEqual(letter.sms_state, "delivered")

    def test_the_sms_leads_where_the_customer_has_no_address(self):
        self.customer.email = False
        letter = self._hand_over()
        self.assertTrue(letter.sms_leads)
        self._run_sms_queue()
        self.assertEqual(letter.state, "sent")

    def test_who_has_neither_address_nor_number_makes_a_task(self):
        self.customer.write({"email": False, "phone": False})
        letter = self._hand_over()
        self.assertEqual((letter.state, letter.failure_open), ("failed", True))
        self.assertIn("no e-mail address", letter.state_reason)
        self.assertIn("no telephone number", letter.state_reason)
        self.assertTrue(letter.activity_ids)

    def test_without_a_number_the_email_goes_and_the_letter_says_so(self):
        self.customer.phone = False
        letter = self._hand_over()
        self._deliver()
        self.assertEqual((letter.state, letter.sms_state), ("sent", "left_out"))
        self.assertIn("no telephone number", str(letter.message_ids.mapped("body")))

    def test_beside_paper_the_letter_waits_for_the_printer(self):
        self.first.write({"send_email": False, "send_letter": True})
        letter = self._hand_over()
        self._run_sms_queue()
        self.assertEqual((letter.state, letter.sms_state), ("sending", "sent"))
        letter.action_mark_printed()
        self.assertEqual(letter.state, "sent")

    # === ONCE === #

    def test_a_letter_sends_one_sms_whatever_is_tried_again(self):
        letter = self._hand_over()
        for _again in range(2):
            self._run_sms_queue()
            self._run_cron("ir_cron_supervise")
        self._deliver()
        letter.sudo()._fail("bounced")
        letter.action_retry()
        self._run_cron("ir_cron_send_letters")
        self._run_sms_queue()
        self.assertEqual(len(self.service.taken), 1)

    def test_nobody_but_the_queue_sends(self):
        letter = self._hand_over()
        sms = letter.sudo()._get_sms().with_context(credit_sms_told=False)
        sms.send()
        sms.with_context(credit_queue=False).resend_failed()
        self.assertFalse(self.service.calls)
        self._run_sms_queue()
        self.assertEqual(len(self.service.taken), 1)

    # === HOURS === #

    def test_at_night_the_email_goes_and_the_sms_waits_for_the_morning(self):
        with freeze_time(f"{self.today} 18:00:00"):  # eight in the evening there
            letter = self._hand_over()
            self._deliver()
            self._run_sms_queue()
            self._run_cron("ir_cron_supervise")
            self._run_sms_queue()
        self.assertEqual((letter.state, letter.sms_state), ("sent", "waiting"))
        self.assertFalse(self.service.calls)
        self.assertEqual(letter.sms_not_before, datetime(2026, 5, 14, 6))
        with freeze_time("2026-05-14 06:00:00"):
            self._run_cron("ir_cron_supervise")
            self._run_sms_queue()
        self.assertEqual(letter.sms_state, "sent")

    def test_the_hours_are_those_of_the_customer(self):
        self.customer.country_id = self.env.ref("base.jp")
        self.customer.phone = "+81 90 1234 5678"
        self.customer.tz = "Europe/Amsterdam"  # of whoever made the contact
        with freeze_time(f"{self.today} 11:30:00"):  # half past eight in the evening
            letter = self._hand_over()
        self.assertEqual(letter.sms_not_before, datetime(2026, 5, 13, 23))

    def test_working_days_count_where_the_policy_says_so(self):
        self.policy.working_days_only = True
        with freeze_time("2026-05-15 19:00:00"):  # a Friday evening
            letter = self._hand_over()
        self.assertEqual(letter.sms_not_before, datetime(2026, 5, 18, 6))

    def test_what_the_queue_comes_to_too_late_waits_too(self):
        letter = self._hand_over()
        with freeze_time(f"{self.today} 18:30:00"):
            self._run_sms_queue()
        self.assertFalse(self.service.calls)
        self.assertEqual(letter.sms_not_before, datetime(2026, 5, 14, 6))
        self.assertEqual(letter.sms_state, "waiting")

    def test_hours_that_are_none_are_refused(self):
        for hours in ((20, 8), (-1, 8), (8, 25)):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.cr.savepoint(),
            ):
                values = zip(
                    ("credit_sms_from_hour", "credit_sms_to_hour"), hours, strict=True
                )
                self.company.write(dict(values))
                self.env.flush_all()

    # === MODES AND STOP === #

    def _redirect(self, phone):
        self.company.write(
            {
                "credit_mode": "redirect",
                "credit_redirect_email": "me@us.example.com",
                "credit_redirect_phone": phone,
            }
        )

    def test_redirected_every_sms_goes_to_the_house(self):
        self._redirect("06 8765 4321")
        self._send_by_sms()
        self.assertEqual([sms[0] for sms in self.service.taken], ["+31687654321"])

    def test_redirected_without_a_number_nothing_goes(self):
        self._redirect(False)
        letter = self._send_by_sms()
        self.assertFalse(self.service.calls)
        self.assertEqual((letter.state, letter.sms_state), ("sent", "left_out"))
        with self.assertRaises(ValidationError):
            self.company.credit_redirect_phone = "none"

    def test_the_emergency_stop_takes_it_back_and_it_goes_when_released(self):
        self._only_sms()
        letter = self._hand_over()
        self.company.credit_stopped = True
        self._run_sms_queue()
        self.assertFalse(self.service.calls)
        self.assertEqual((letter.state, letter.sms_state), ("queued", "left_out"))
        self.company.credit_stopped = False
        self._run_cron("ir_cron_send_letters")
        self._run_sms_queue()
        self.assertEqual((letter.state, letter.sms_state), ("sent", "sent"))
        self.assertEqual(len(self.service.taken), 1)

    def test_what_waits_beside_a_letter_that_went_obeys_the_stop_too(self):
        for values in ({"credit_stopped": True}, {"credit_mode": "simulate"}):
            self._create_late_invoice(
                4, partner=self._create_customer(str(values), phone=MOBILE)
            )
            run = self._propose()
            self._send(run)
            letter = run.letter_ids
            self.assertEqual((letter.state, letter.sms_state), ("sent", "waiting"))
            self.company.write(values)
            self._run_sms_queue()
            self.assertEqual((letter.state, letter.sms_state), ("sent", "left_out"))
            self.company.write({"credit_stopped": False, "credit_mode": "live"})
            self._run_sms_queue()
        self.assertFalse(self.service.calls)

    # === THE LEDGER === #

    def test_who_has_paid_meanwhile_gets_none(self):
        self._only_sms()
        letter = self._hand_over()
        self._pay(letter.line_ids.move_id)
        self._run_sms_queue()
        self._run_cron("ir_cron_send_letters")
        self.assertFalse(self.service.calls)
        self.assertEqual(letter.state, "skipped")

    def test_who_has_paid_a_part_is_asked_for_the_rest(self):
        self._only_sms()
        letter = self._hand_over(amount=100.0)
        self._pay(letter.line_ids.move_id, 40.0)
        self._run_sms_queue()
        self._run_cron("ir_cron_send_letters")
        self._run_sms_queue()
        [(_number, body, _key)] = self.service.taken
        self.assertIn("60.00", body)
        self.assertEqual(letter.state, "sent")

    def test_paid_after_the_email_there_is_no_sms(self):
        letter = self._hand_over()
        self._deliver()
        self._pay(letter.line_ids.move_id)
        self._run_sms_queue()
        self.assertFalse(self.service.calls)
        self.assertEqual((letter.state, letter.sms_state), ("sent", "left_out"))
        self.assertIn("paid or changed", letter.sms_reason)

    def test_a_letter_taken_back_takes_its_sms_along(self):
        letter = self._hand_over()
        letter.action_reverse()
        self._run_sms_queue()
        self.assertFalse(self.service.calls)
        self.assertEqual((letter.state, letter.sms_state), ("reversed", "left_out"))

    def test_uninstalled_nothing_waits_and_no_level_reaches_nobody(self):
        self._only_sms()
        letter = self._hand_over()
        uninstall_hook(self.env)
        self.assertEqual((letter.state, letter.sms_state), ("queued", "left_out"))
        self.assertTrue(self.first.activity_type_id)

    def test_the_wait_of_the_supervisor_ends_with_the_letter(self):
        with freeze_time(f"{self.today} 18:00:00"):
            letter = self._hand_over()
            self._deliver()
            letter.sudo()._fail("bounced")
        self.assertEqual((letter.state, letter.sms_state), ("failed", "left_out"))
        with freeze_time(self.today + timedelta(days=1, hours=9)):
            self._run_cron("ir_cron_supervise")
            self._run_sms_queue()
        self.assertFalse(self.service.calls)
