"""What the SMS service may do wrong, over real HTTP."""

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MOBILE, SmsCommon

LOGS = ("odoo.addons.iap.tools.iap_tools", "odoo.addons.sms.models.sms_sms")


@tagged("post_install", "-at_install")
class TestFaults(SmsCommon):
    def _try_again(self, letters):
        """Let the supervisor and the queue come by when the wait is over."""
        self.assertTrue(all(letters.mapped("sms_not_before")))
        letters.sudo().sms_not_before = fields.Datetime.now()
        self._run_cron("ir_cron_supervise")
        self._run_sms_queue()

    # === LASTING === #

    def test_a_number_that_the_service_refuses_makes_a_task_on_the_letter(self):
        self.service.answer = "wrong_number_format"
        letter = self._send_by_sms()
        self.assertEqual((letter.state, letter.sms_state), ("failed", "failed"))
        self.assertIn("Wrong Number Format", letter.state_reason)
        self.assertIn(MOBILE, letter.state_reason)
        self.assertTrue(letter.activity_ids)
        self.assertFalse(letter.line_ids.move_id.credit_level_id)

    def test_beside_an_email_it_is_told_on_the_letter_and_changes_nothing(self):
        self.service.answer = "wrong_number_format"
        letter = self._hand_over()
        self._run_sms_queue()
        self._deliver()
        self.assertEqual((letter.state, letter.sms_state), ("sent", "failed"))
        self.assertFalse(letter.activity_ids)
        self.assertIn("Wrong Number Format", str(letter.message_ids.mapped("body")))

    def test_one_that_is_reported_undelivered_later_takes_the_level_back(self):
        letter = self._send_by_sms()
        invoice = letter.line_ids.move_id
        self.assertEqual(invoice.credit_level_id, self.first)
        self._report(letter, "not_delivered")
        self.assertEqual((letter.state, letter.sms_state), ("failed", "failed"))
        self.assertFalse(invoice.credit_level_id)

    # === CREDIT === #

    def test_without_credit_no_letter_is_lost_and_none_is_asked_for_twice(self):
        self._only_sms()
        others = [self._create_customer(f"Owing {n}", phone=MOBILE) for n in range(3)]
        for partner in others:
            self._create_late_invoice(4, partner=partner)
        for answer in ("insufficient_credit", "no_credit", "unregistered"):
            self.service.answer = answer
            self.service.calls.clear()
            if answer == "insufficient_credit":
                run = self._propose()
                self._send(run, deliver=False)
                self._run_sms_queue()
            else:
                self._try_again(run.letter_ids)
            letters = run.letter_ids
            self.assertEqual(len(self.service.calls), 1, answer)
            self.assertEqual(letters.mapped("state"), ["sending"] * 3)
            self.assertEqual(letters.mapped("sms_state"), ["waiting"] * 3)
            self.assertTrue(all(letters.mapped("sms_reason")))
        health = self.env["credit.overview"]._gather_health(self.company)
        self.assertEqual(health.refused, 3)
        self.service.answer = "success"
        self._try_again(letters)
        self.assertEqual(letters.mapped("state"), ["sent"] * 3)
        self.assertEqual(len(self.service.taken), 3)

    # === PASSING === #

    @mute_logger(*LOGS)
    def test_a_service_that_is_busy_is_tried_again_under_the_same_key(self):
        self.service.answer = "busy"
        letter = self._send_by_sms()
        self.assertEqual((letter.state, letter.sms_state), ("sending", "waiting"))
        self.assertEqual(letter.sms_attempt_count, 1)
        key = letter.sms_uuid
        self.service.answer = "success"
        self._try_again(letter)
        self.assertEqual((letter.state, letter.sms_state), ("sent", "sent"))
        self.assertEqual([sms[2] for sms in self.service.taken], [key])

    @mute_logger(*LOGS)
    def test_one_that_never_answers_ends_as_a_task(self):
        self.service.answer = "server_error"
        letter = self._send_by_sms()
        for _attempt in range(8):
            if letter.sms_state != "waiting":
                break
            self._try_again(letter)
        self.assertEqual((letter.state, letter.sms_state), ("failed", "failed"))
        self.assertFalse(self.service.taken)

    @mute_logger(*LOGS)
    def test_one_that_is_not_there_has_heard_nothing(self):
        self._set_endpoint("http://127.0.0.1:9")  # nobody listens
        letter = self._send_by_sms()
        self.assertEqual((letter.sms_state, letter.sms_attempt_count), ("waiting", 1))
        self.assertFalse(letter.sms_claimed_date)

    # === NOT KNOWN === #

    @mute_logger(*LOGS)
    def test_hung_up_after_it_was_taken_it_is_never_sent_again(self):
        for answer in ("cut", "broken"):
            self.service.answer = answer
            self.service.taken.clear()
            customer = self._create_customer(answer, phone=MOBILE)
            letter = self._send_by_sms(partner=customer)
            self.assertEqual((letter.state, letter.sms_state), ("unknown", "unknown"))
            self.assertIn("SMS service", letter.activity_ids.note)
            for _again in range(2):
                self._run_cron("ir_cron_supervise")
                self._run_sms_queue()
            self.assertEqual(len(self.service.taken), 1)

    @mute_logger(*LOGS)
    def test_a_report_settles_what_was_not_known(self):
        self.service.answer = "cut"
        letter = self._send_by_sms()
        self._report(letter, "delivered")
        self.assertEqual((letter.state, letter.sms_state), ("sent", "delivered"))

    @mute_logger(*LOGS)
    def test_a_person_may_send_again_what_did_not_arrive(self):
        self.service.answer = "cut"
        letter = self._send_by_sms()
        self.service.answer = "success"
        letter.action_retry()
        self._run_cron("ir_cron_send_letters")
        self._run_sms_queue()
        self.assertEqual((letter.state, letter.sms_state), ("sent", "sent"))
        self.assertEqual(len(self.service.taken), 2)

    def test_one_whose_sender_died_on_the_way_asks_a_person(self):
        self._only_sms()
        letter = self._hand_over()
        letter.sudo().sms_claimed_date = fields.Datetime.now()
        self._run_sms_queue()
        self.assertFalse(self.service.calls)
        self.assertEqual((letter.state, letter.sms_state), ("unknown", "unknown"))

    # === THE QUEUE OF THE HOST === #

    def test_one_cancelled_or_deleted_in_the_queue_is_told_on_the_letter(self):
        for act in ("action_set_canceled", "unlink"):
            self._only_sms()
            customer = self._create_customer(act, phone=MOBILE)
            letter = self._hand_over(partner=customer)
            sms = letter.sudo()._get_sms().with_context(credit_sms_told=False)
            getattr(sms, act)()
            self._run_cron("ir_cron_supervise")
            self.assertEqual((letter.state, letter.sms_state), ("failed", "failed"))

    def test_what_the_queue_could_not_tell_is_taken_over_later(self):
        self._only_sms()
        letter = self._hand_over()
        letter.sudo()._get_sms().write({"state": "pending"})
        self._run_cron("ir_cron_supervise")
        self.assertEqual((letter.state, letter.sms_state), ("sent", "sent"))

    def test_sms_of_others_go_as_ever(self):
        sms = (
            self.env["sms.sms"]
            .sudo()
            .create({"number": "+3165555555", "body": "Hello"})
        )
        letter = self._hand_over()
        self._run_sms_queue()
        self.assertEqual(len(self.service.taken), 2)
        self.assertEqual(sms.state, "pending")
        self.assertEqual(letter.sms_state, "sent")
