"""What could go wrong between a proposal and the customer, each as a test."""

from datetime import timedelta
from smtplib import SMTPServerDisconnected
from unittest.mock import patch

import psycopg2

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from .common import CreditCommon

QUEUE_LOG = "odoo.addons.mail.models.mail_mail"
SENDING_LOG = "odoo.addons.credit_management.models.credit_outgoing_mixin"
MAIL_LOG = "odoo.addons.credit_management.models.mail_mail"


@tagged("post_install", "-at_install", "credit_once")
class TestFaults(CreditCommon):
    def _level_two_and_one(self):
        """Return a proposal with an item at the second level and one at the first."""
        old = self._create_late_invoice(6)
        self._send_all_due()
        new = self._create_late_invoice(-3, 40.0)
        return old, new

    # === ONCE === #

    def test_a_nightly_run_that_was_reversed_is_not_made_again_that_day(self):
        self.policy.automatic = True
        self._create_late_invoice(4)
        Run = self.env["credit.dunning.run"]
        run = Run._make_nightly_run(self.company)
        self._run_cron("ir_cron_send_letters")
        self._deliver()
        self.assertEqual(run.letter_ids.state, "sent")
        run.action_reverse()
        self.assertFalse(Run._is_nightly_due(self.company))
        self.assertFalse(self._propose().letter_ids)  # it did reach the customer

    def test_a_clash_after_the_mail_left_does_not_send_it_again(self):
        for error in (psycopg2.errors.SerializationFailure, ValueError):
            customer = self._create_customer(f"Clash {error.__name__}")
            self._create_late_invoice(4, partner=customer)
            run = self._propose()
            self._send(run, deliver=False)
            Letter = type(self.env["credit.dunning.letter"])
            with (
                patch.object(Letter, "_apply_mail_results", side_effect=error("clash")),
                mute_logger(MAIL_LOG),
            ):
                self._deliver()
            letter = run.letter_ids
            self.assertEqual(letter.sudo().mail_ids.state, "sent")
            self._run_cron("ir_cron_supervise")
            self.assertEqual(letter.state, "sent")

    def test_a_letter_whose_mail_was_cancelled_or_deleted_asks_a_person(self):
        for act in ("cancel", "unlink"):
            customer = self._create_customer(f"Mail {act}")
            self._create_late_invoice(4, partner=customer)
            run = self._propose()
            self._send(run, deliver=False)
            letter = run.letter_ids
            getattr(letter.sudo().mail_ids, act)()
            self._run_cron("ir_cron_supervise")
            self.assertEqual((letter.state, letter.failure_open), ("failed", True))

    def test_a_letter_for_post_only_waits_for_the_printer_and_nothing_else(self):
        self.first.write({"send_email": False, "send_letter": True})
        self._create_late_invoice(4)
        run = self._propose()
        self._send(run, deliver=False)
        self._run_cron("ir_cron_supervise")
        self.assertEqual(run.letter_ids.state, "sending")
        self.assertTrue(run.letter_ids.to_print)

    def test_a_cancelled_run_takes_its_queued_letters_along(self):
        other = self._create_customer("Other")
        self._create_late_invoice(4)
        self._create_late_invoice(4, partner=other)
        run = self._propose()
        run.action_approve_and_send()
        run.letter_ids[0].action_unqueue()
        run.action_cancel()
        self.assertEqual(set(run.letter_ids.mapped("state")), {"skipped"})

    # === THE RIGHT LETTER === #

    def test_the_letter_steps_down_when_the_item_that_led_it_is_paid(self):
        old, new = self._level_two_and_one()
        with freeze_time(self.today + timedelta(days=7)):
            run = self._propose()
            self.assertEqual(run.letter_ids.level_id, self.second)
            self._pay(old)
            self._send(run)
            letter = run.letter_ids
            self.assertEqual((letter.level_id, letter.level_rank), (self.first, 1))
            self.assertEqual(new.credit_level_id, self.first)

    def test_the_letter_steps_down_when_the_item_that_led_it_is_unticked(self):
        old, _new = self._level_two_and_one()
        with freeze_time(self.today + timedelta(days=7)):
            letter = self._propose().letter_ids
            line = letter.line_ids.filtered(lambda one: one.move_id == old)
            line.action_toggle_excluded()
            self.assertEqual(letter.level_id, self.first)
            line.action_toggle_excluded()
            self.assertEqual(letter.level_id, self.second)

    def test_a_letter_that_would_claim_nothing_does_not_go(self):
        large = self._create_late_invoice(5, 1000.0)
        self._create_late_invoice(4, 50.0)
        self._create_credit_note(100.0)
        run = self._propose()
        run.letter_ids.line_ids.filtered(
            lambda line: line.move_id == large
        ).action_toggle_excluded()
        self._send(run)
        self.assertEqual(run.letter_ids.state, "skipped")

    def test_a_letter_below_the_minimum_after_the_review_does_not_go(self):
        self.policy.minimum_amount = 60.0
        large = self._create_late_invoice(5, 1000.0)
        self._create_late_invoice(4, 50.0)
        run = self._propose()
        run.letter_ids.line_ids.filtered(
            lambda line: line.move_id == large
        ).action_toggle_excluded()
        self._send(run)
        self.assertEqual(run.letter_ids.state, "skipped")
        self.assertEqual(run.letter_ids.state_reason, "Below the minimum amount")

    def test_an_emptied_pay_by_date_is_filled_in_again(self):
        self._create_late_invoice(4)
        run = self._propose()
        run.letter_ids.pay_by_date = False
        self._send(run)
        self.assertEqual(run.letter_ids.state, "sent")
        self.assertTrue(run.letter_ids.pay_by_date)

    def test_a_reordered_policy_repeats_no_level(self):
        invoice = self._create_late_invoice(40)
        for days in (0, 6, 12):
            with freeze_time(self.today + timedelta(days=days)):
                self._send_all_due()
        self.assertEqual(invoice.credit_level_id, self.third)
        self.policy.write(
            {
                "level_ids": [
                    Command.update(self.second.id, {"delay_days": 30, "sequence": 9})
                ]
            }
        )
        with freeze_time(self.today + timedelta(days=40)):
            run = self._propose()
            self.assertEqual(self._reason(run, invoice), "last_level")

    # === REDIRECT AND STOP === #

    def _redirect(self):
        self.company.write(
            {"credit_mode": "redirect", "credit_redirect_email": "me@us.example.com"}
        )

    def test_going_from_live_to_redirect_and_back_proposes_without_a_clash(self):
        invoice = self._create_late_invoice(4)
        self._send_all_due()
        self._redirect()
        run = self._propose()
        self.assertTrue(run.letter_ids.is_test)
        second = self._propose()
        self.assertEqual(self._reason(second, invoice), "in_open_run")
        self._send(run)
        self.company.credit_mode = "live"
        self.assertEqual(invoice.credit_level_id, self.first)
        self.assertEqual(self._reason(self._propose(), invoice), "waiting")

    def test_redirected_letters_do_not_stay_on_the_file_when_live(self):
        self._redirect()
        self._create_late_invoice(4)
        profile = self._send_all_due().letter_ids.profile_id
        self.company.credit_mode = "live"
        profile._refresh()
        self.assertFalse(profile.level_id)

    def test_nothing_redirected_is_put_on_the_pile_to_print(self):
        self.first.send_letter = True
        self._redirect()
        self._create_late_invoice(4)
        self.assertFalse(self._send_all_due().letter_ids.to_print)

    def test_the_mail_queue_itself_obeys_the_emergency_stop(self):
        self._create_late_invoice(4)
        run = self._propose()
        self._send(run, deliver=False)
        # As when the letter was committed just after the stop.
        self.env.cr.execute(
            "UPDATE res_company SET credit_stopped = TRUE WHERE id = %s",
            [self.company.id],
        )
        self.env.invalidate_all()
        self._deliver()
        self.assertFalse(self._mails)
        self.assertEqual(run.letter_ids.state, "queued")

    # === THE LAST DOOR === #

    def _handed_over(self, level=None, **values):
        """Return the letter of an overdue invoice, its mail in the host's queue."""
        if level:
            level.write(values)
        invoice = self._create_late_invoice(4)
        run = self._propose()
        self._send(run, deliver=False)
        self.assertEqual(run.letter_ids.state, "sending")
        return invoice, run.letter_ids

    def _deliver_with(self, error):
        """Let the mail queue run while the mail server answers with an error."""
        Mail = self.env["mail.mail"].sudo()
        waiting = Mail.search(
            [("state", "=", "outgoing"), ("model", "=", "credit.dunning.letter")]
        )
        with self.mock_mail_gateway(mail_unlink_sent=False), mute_logger(QUEUE_LOG):
            self.send_email_mocked.side_effect = error
            Mail.process_email_queue(waiting.ids)
        self.env.invalidate_all()

    def test_paid_while_the_mail_waits_in_the_queue_nothing_is_said(self):
        invoice, letter = self._handed_over()
        self._pay(invoice)
        self._deliver()
        self.assertFalse(self._mails)
        self.assertEqual(letter.state, "queued")
        self._run_cron("ir_cron_send_letters")
        self.assertEqual(letter.state, "skipped")
        self.assertFalse(invoice.credit_level_id)

    def test_excluded_while_the_mail_waits_in_the_queue_nothing_is_said(self):
        invoice, letter = self._handed_over()
        invoice.no_followup = True
        self._deliver()
        self.assertFalse(self._mails)
        self.assertEqual(letter.state, "queued")

    def test_paid_in_part_while_the_mail_waits_the_new_amount_is_said(self):
        invoice, letter = self._handed_over()
        message_id = letter.sudo().mail_ids.message_id
        self._pay(invoice, 30.0)
        self._deliver()
        self.assertFalse(self._mails)
        self._run_cron("ir_cron_send_letters")
        self._deliver()
        self.assertEqual(letter.state, "sent")
        self.assertEqual(letter.amount_total, 70.0)
        self.assertEqual(letter.sudo().mail_ids.message_id, message_id)

    def test_made_twice_a_letter_leaves_its_traces_once(self):
        self.first.activity_type_id = self.env.ref("mail.mail_activity_data_call")
        invoice, letter = self._handed_over()
        traced = (letter.profile_id, invoice)
        before = [len(record.message_ids) for record in traced]
        self._pay(invoice, 30.0)
        self._deliver()
        self._run_cron("ir_cron_send_letters")
        self._deliver()
        self.assertEqual(letter.state, "sent")
        self.assertEqual(len(letter.profile_id.activity_ids), 1)
        for record, known in zip(traced, before, strict=True):
            told = [
                message.body
                for message in record.message_ids
                if self.first.name in message.body
            ]
            self.assertEqual(len(told), 1)
            self.assertIn("70", told[0])
            self.assertGreater(len(record.message_ids), known)

    def test_left_out_at_the_last_moment_a_letter_leaves_no_trace(self):
        self.first.activity_type_id = self.env.ref("mail.mail_activity_data_call")
        invoice, letter = self._handed_over()
        self._pay(invoice)
        self._deliver()
        self._run_cron("ir_cron_send_letters")
        self.assertEqual(letter.state, "skipped")
        self.assertFalse(letter.profile_id.activity_ids)
        for record in (letter.profile_id, invoice):
            for message in record.message_ids:
                self.assertNotIn(self.first.name, message.body)

    def test_a_credit_note_that_came_meanwhile_is_taken_off(self):
        _invoice, letter = self._handed_over()
        self._create_credit_note(25.0)
        self._deliver()
        self._run_cron("ir_cron_send_letters")
        self._deliver()
        self.assertEqual((letter.state, letter.amount_total), ("sent", 75.0))

    def test_a_letter_that_goes_once_is_claimed_before_the_mail_server_hears(self):
        _invoice, letter = self._handed_over(self.first, send_once=True)
        claimed = []
        self._deliver_with(lambda *args, **kwargs: claimed.append(letter.claimed_date))
        self.assertTrue(claimed[0])

    def test_found_claimed_a_letter_that_goes_once_asks_a_person(self):
        _invoice, letter = self._handed_over(self.first, send_once=True)
        # As after a server was killed while it talked to the mail server.
        letter.sudo().claimed_date = "2026-05-13 08:59:00"
        self._deliver()
        self.assertFalse(self._mails)
        self.assertEqual(letter.state, "unknown")
        self.assertTrue(letter.activity_ids)
        self._deliver()
        self.assertFalse(self._mails)

    def test_both_ways_out_of_unknown(self):
        for way, mails in (("action_confirm_sent", 0), ("action_retry", 1)):
            customer = self._create_customer(f"Unknown {way}")
            self.first.send_once = True
            invoice = self._create_late_invoice(4, partner=customer)
            run = self._propose()
            self._send(run, deliver=False)
            letter = run.letter_ids
            letter.sudo().claimed_date = "2026-05-13 08:59:00"
            self._deliver()
            self.assertEqual(letter.state, "unknown")
            getattr(letter, way)()
            self._run_cron("ir_cron_send_letters")
            self._deliver()
            self.assertEqual((letter.state, len(self._mails)), ("sent", mails))
            self.assertEqual(invoice.credit_level_id, self.first)

    def test_refused_for_now_the_claim_is_given_back(self):
        _invoice, letter = self._handed_over(self.first, send_once=True)
        self._deliver_with(MailDeliveryException("(451, b'4.7.1 Greylisted')"))
        self.assertEqual((letter.state, letter.claimed_date), ("sending", False))
        letter.sudo().queued_until = self.today - timedelta(days=1)
        self._run_cron("ir_cron_supervise")
        self._deliver()
        self.assertEqual((letter.state, len(self._mails)), ("sent", 1))

    def test_cut_off_a_friendly_letter_is_tried_again_one_that_goes_once_is_not(self):
        for once, state in ((False, "sending"), (True, "unknown")):
            customer = self._create_customer(f"Cut {once}")
            self.first.send_once = once
            self._create_late_invoice(4, partner=customer)
            run = self._propose()
            self._send(run, deliver=False)
            letter = run.letter_ids
            self._deliver_with(SMTPServerDisconnected("Connection unexpectedly closed"))
            self.assertEqual(letter.state, state)
            self.assertEqual(bool(letter.queued_until), not once)

    def test_nobody_but_the_queue_sends_letters(self):
        _invoice, letter = self._handed_over()
        triggers = self.env["ir.cron.trigger"].sudo()
        queue = self.env.ref("mail.ir_cron_mail_scheduler_action")
        before = triggers.search_count([("cron_id", "=", queue.id)])
        with self.mock_mail_gateway():
            letter.sudo().mail_ids.send()
        self.assertFalse(self._mails)
        self.assertEqual(letter.sudo().mail_ids.state, "outgoing")
        self.assertGreater(triggers.search_count([("cron_id", "=", queue.id)]), before)

    # === MADE BY WORKERS THAT DIE === #

    def test_a_letter_that_keeps_killing_its_worker_is_parked(self):
        self._create_late_invoice(4)
        other = self._create_customer("Other")
        self._create_late_invoice(4, partner=other)
        run = self._propose()
        run.action_approve_and_send()
        deadly = run.letter_ids.filtered(
            lambda letter: letter.commercial_partner_id == self.customer
        )
        deadly.sudo().failure_count = 3  # taken, and never heard of again
        self._run_cron("ir_cron_send_letters")
        self.assertEqual(deadly.state, "failed")
        self.assertTrue(deadly.activity_ids)
        self.assertEqual((run.letter_ids - deadly).state, "sending")

    def test_a_clash_with_somebody_at_work_is_no_fault_of_the_letter(self):
        self._create_late_invoice(4)
        run = self._propose()
        run.action_approve_and_send()
        letter = run.letter_ids
        clash = psycopg2.errors.SerializationFailure("concurrent update")
        with patch.object(type(letter), "_hand_over", side_effect=clash):
            self._run_cron("ir_cron_send_letters")
        self.assertEqual((letter.state, letter.failure_count), ("queued", 0))
        letter.sudo().queued_until = False
        self._run_cron("ir_cron_send_letters")
        self.assertEqual(letter.state, "sending")

    def test_the_making_of_letters_does_not_write_on_invoices(self):
        invoice = self._create_late_invoice(4)
        run = self._propose()
        run.action_approve_and_send()
        self.assertFalse(invoice.access_token)
        clash = psycopg2.errors.SerializationFailure("concurrent update")
        with patch.object(type(run.letter_ids), "_hand_over", side_effect=clash):
            self._run_cron("ir_cron_send_letters")
        self.assertTrue(invoice.access_token)

    def test_after_a_failure_letters_that_another_took_are_left_to_it(self):
        self._create_late_invoice(4)
        run = self._propose()
        run.action_approve_and_send()
        letter = run.letter_ids.sudo()
        Letter = type(letter)
        for error in (psycopg2.errors.SerializationFailure("clash"), ValueError("no")):
            letter.write({"failure_count": 0, "queued_until": False})
            taken = patch.object(
                Letter, "try_lock_for_update", lambda self, **_options: self.browse()
            )

            def fail(letters, error=error, taken=taken):
                taken.start()
                raise error

            with patch.object(Letter, "_hand_over", fail), mute_logger(SENDING_LOG):
                self._run_cron("ir_cron_send_letters")
            taken.stop()
            self.assertEqual(letter.failure_count, 1)
            self.assertEqual(
                letter.queued_until, fields.Datetime.now() + timedelta(minutes=1)
            )

    def test_letters_of_two_runs_to_one_customer_do_not_go_together(self):
        self._create_late_invoice(4)
        first = self._propose()
        first.action_approve_and_send()
        self._create_late_invoice(5)
        second = self._propose()
        second.action_approve_and_send()
        self._run_cron("ir_cron_send_letters")
        self.assertEqual(first.letter_ids.state, "sending")
        self.assertEqual(second.letter_ids.state, "queued")
        self.assertTrue(second.letter_ids.queued_until)

    # === E-MAIL AND POST === #

    def test_a_bounce_after_the_letter_was_posted_keeps_the_level(self):
        self.first.send_letter = True
        invoice = self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        letter.action_mark_printed()
        letter.sudo()._message_receive_bounce(self.customer.email, self.customer)
        self.assertEqual(letter.state, "sent")
        self.assertFalse(letter.to_print)
        self.assertEqual(invoice.credit_level_id, self.first)

    def test_a_bounce_before_the_post_leaves_the_letter_to_be_posted(self):
        self.first.send_letter = True
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        letter.sudo()._message_receive_bounce(self.customer.email, self.customer)
        self.assertEqual((letter.state, letter.to_print), ("sending", True))
        letter.action_mark_printed()
        self.assertEqual(letter.state, "sent")

    def test_the_bounce_of_a_copy_is_not_a_bounce_of_the_letter(self):
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        letter.sudo()._message_receive_bounce("boss@example.com", self.customer)
        self.assertEqual(letter.state, "sent")

    # === WHO MAY WRITE WHAT === #

    def test_a_collector_cannot_turn_a_run_or_a_file_into_another(self):
        collector = new_test_user(
            self.env,
            login="fault_collector",
            groups="credit_management.group_credit_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self._create_late_invoice(4)
        run = self._propose().with_user(collector)
        profile = run.letter_ids.profile_id
        other = self._create_customer("Other")
        for record, vals in (
            (run, {"state": "approved"}),
            (run, {"company_id": self.company.id}),
            (run, {"is_nightly": True}),
            (profile, {"partner_id": other.id}),
            (profile, {"overdue_amount": 0.0}),
            (profile, {"access_token": "known"}),
        ):
            with self.assertRaises(UserError, msg=str(vals)):
                record.write(vals)
        with self.assertRaises(UserError):
            run.create({"company_id": self.company.id, "is_nightly": True})
        with self.assertRaises(UserError):
            run.letter_ids = [Command.update(run.letter_ids.id, {"state": "sent"})]
        # What is theirs to set.
        profile.pause_until = self.today
        run.letter_ids = [
            Command.update(run.letter_ids.id, {"level_id": self.third.id})
        ]
        self.assertEqual(run.letter_ids.line_ids.level_id, self.third)

    # === MERGING === #

    def test_two_files_merge_into_a_customer_without_one(self):
        second = self._create_customer("Second")
        target = self._create_customer("Target")
        self._create_late_invoice(4)
        self._create_late_invoice(4, partner=second)
        letters = self._send_all_due().letter_ids
        letters.profile_id[-1].pause_until = self.today
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo().create({})
        wizard._merge((self.customer + second + target).ids, target)
        profile = letters.profile_id
        self.assertEqual(len(profile), 1)
        self.assertEqual(profile.partner_id, target)
        self.assertEqual(profile.pause_until, self.today)
        self.assertEqual(letters.commercial_partner_id, target)
