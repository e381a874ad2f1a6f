from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestRun(CreditCommon):
    def test_a_late_invoice_is_proposed_and_nothing_is_sent(self):
        invoice = self._create_late_invoice(4)
        run = self._propose()
        letter = run.letter_ids
        self.assertEqual(letter.level_id, self.first)
        self.assertEqual(letter.line_ids.move_id, invoice)
        self.assertEqual(letter.amount_total, 100.0)
        self.assertEqual(letter.state, "proposed")
        self.assertFalse(self.env["mail.mail"].search([("res_id", "=", letter.id)]))

    def test_a_run_goes_from_proposal_to_sent(self):
        invoice = self._create_late_invoice(4)
        run = self._propose()
        self._send(run)
        letter = run.letter_ids
        self.assertEqual(letter.state, "sent")
        self.assertEqual(run.state, "done")
        self.assertEqual(run.progress, 100)
        self.assertEqual(invoice.credit_level_id, self.first)
        self.assertSentEmail(
            self.company.email_formatted, [self.customer.email_formatted]
        )

    def test_a_letter_that_failed_or_waits_for_review_is_not_called_sent(self):
        other = self._create_customer("Other")
        self._create_late_invoice(4)
        self._create_late_invoice(4, partner=other)
        run = self._propose()
        self.assertEqual(run.progress, 0)
        self._send(run)
        self.assertEqual(run.progress, 100)
        run.letter_ids[0].sudo()._fail("No such address")
        self.assertEqual((run.state, run.progress), ("done", 50))

    def test_every_overdue_item_is_chased_or_has_a_reason(self):
        invoices = self.env["account.move"]
        for days_late in (-10, 0, 1, 3, 9, 15, 40):
            customer = self._create_customer(f"Customer {days_late}")
            invoices += self._create_late_invoice(days_late, partner=customer)
        invoices[3].action_toggle_block_payment()
        run = self._propose()
        chased = run.letter_ids.line_ids.move_id
        left = run.outcome_ids.move_id
        self.assertFalse(chased & left)
        self.assertEqual(chased | left, invoices[2:])
        self.assertEqual(self._reason(run, invoices[3]), "blocked")
        self.assertEqual(self._reason(run, invoices[2]), "waiting")

    def test_the_summary_adds_up_to_the_letters_and_the_items(self):
        self._create_late_invoice(4)
        other = self._create_customer("Other")
        self._create_late_invoice(11, 50.0, other)
        self._create_late_invoice(1, 70.0, self._create_customer("Third"))
        run = self._propose()
        levels = run.summary_ids.filtered(lambda row: row.kind == "level")
        self.assertEqual(sum(levels.mapped("count")), 2)
        self.assertEqual(sum(levels.mapped("amount")), 150.0)
        reasons = run.summary_ids - levels
        self.assertEqual(reasons.mapped("reason"), ["waiting"])
        self.assertEqual(reasons.amount, 70.0)
        opened = self.env["credit.dunning.outcome"].search(
            reasons.action_open()["domain"]
        )
        self.assertEqual(opened, run.outcome_ids)

    def test_the_summary_shows_what_falls_due_soon_where_notices_claim_nothing(self):
        self._create_late_invoice(-3)
        other = self._create_customer("Other")
        self._create_late_invoice(-2, 50.0, other)
        self._create_late_invoice(4, 30.0, self._create_customer("Third"))
        run = self._propose()
        by_level = {row.level_id: row for row in run.level_summary_ids}
        self.assertEqual(by_level[self.notice].amount, 150.0)
        self.assertTrue(by_level[self.notice].is_reminder)
        self.assertEqual(by_level[self.first].amount, 30.0)
        notices = run.letter_ids.filtered("is_reminder")
        self.assertEqual(sum(notices.mapped("amount_upcoming")), 150.0)
        self.assertEqual(run.amount_total, 30.0)  # claimed
        notices[0].line_ids.action_toggle_excluded()
        self.env.invalidate_all()
        left = 150.0 - notices[0].line_ids.amount
        self.assertEqual(by_level[self.notice].amount, left)

    def test_a_level_set_higher_by_hand_goes_at_that_level(self):
        invoice = self._create_late_invoice(4)
        run = self._propose()
        run.letter_ids.level_id = self.third
        self.assertTrue(run.letter_ids.is_edited)
        self._send(run)
        self.assertEqual(invoice.credit_level_id, self.third)

    def test_an_unticked_item_is_not_claimed(self):
        kept = self._create_late_invoice(4)
        dropped = self._create_late_invoice(5, 40.0)
        run = self._propose()
        line = run.letter_ids.line_ids.filtered(lambda ln: ln.move_id == dropped)
        line.action_toggle_excluded()
        self.assertEqual(run.letter_ids.amount_total, 100.0)
        self._send(run)
        self.assertEqual(kept.credit_level_id, self.first)
        self.assertFalse(dropped.credit_level_id)

    def test_a_customer_left_out_with_an_end_date_comes_back_after_it(self):
        invoice = self._create_late_invoice(4)
        run = self._propose()
        wizard = self.env["credit.dunning.letter.skip"].create(
            {
                "letter_ids": run.letter_ids.ids,
                "reason": "Talking with them",
                "scope": "customer",
                "until": self.today + timedelta(days=2),
            }
        )
        wizard.action_skip()
        self.assertEqual(run.letter_ids.state, "skipped")
        self.assertEqual(self._reason(self._propose(), invoice), "excluded")
        with freeze_time(self.today + timedelta(days=3)):
            self.assertEqual(self._propose().letter_ids.level_id, self.first)

    def test_a_run_cannot_be_sent_before_it_is_approved(self):
        self._create_late_invoice(4)
        run = self._propose()
        with self.assertRaisesRegex(UserError, "Approve run"):
            run.action_send()

    def test_simulate_proposes_and_does_not_send(self):
        self.company.credit_mode = "simulate"
        self._create_late_invoice(4)
        run = self._propose()
        run.action_approve()
        with self.assertRaisesRegex(UserError, "does not send"):
            run.action_send()
        self.assertEqual(run.letter_ids.state, "proposed")

    def test_redirected_letters_go_to_the_company_and_do_not_count_when_live(self):
        self.company.write(
            {"credit_mode": "redirect", "credit_redirect_email": "me@us.example.com"}
        )
        invoice = self._create_late_invoice(4)
        self._send(self._propose())
        mail = self._letters_of(self.customer).sudo().mail_ids
        self.assertEqual(mail.email_to, "me@us.example.com")
        self.assertIn(self.customer.email, mail.subject)
        self.assertEqual(self._reason(self._propose(), invoice), "waiting")
        self.company.credit_mode = "live"
        self.assertEqual(self._propose().letter_ids.level_id, self.first)

    def test_the_emergency_stop_keeps_the_queue_and_does_not_flood_after(self):
        self._create_late_invoice(4)
        run = self._propose()
        run.action_approve_and_send()
        self.company.credit_stopped = True
        self._run_cron("ir_cron_send_letters")
        self.assertEqual(run.letter_ids.state, "queued")
        with freeze_time(self.today + timedelta(days=12)):
            self.company.credit_stopped = False
            self._run_cron("ir_cron_send_letters")
            self._deliver()
            self.assertEqual(len(self._letters_of(self.customer)), 1)
            self.assertEqual(run.letter_ids.state, "sent")

    def test_the_emergency_stop_recalls_what_the_mail_queue_holds(self):
        self._create_late_invoice(4)
        run = self._propose()
        self._send(run, deliver=False)
        mail = run.letter_ids.sudo().mail_ids
        self.company.credit_stopped = True
        self.assertEqual(mail.state, "cancel")
        self.assertEqual(run.letter_ids.state, "queued")

    def test_leaving_live_recalls_what_the_mail_queue_holds(self):
        self._create_late_invoice(4)
        run = self._propose()
        self._send(run, deliver=False)
        self.company.credit_mode = "simulate"
        self.assertEqual(run.letter_ids.sudo().mail_ids.state, "cancel")
        self.assertEqual(run.letter_ids.state, "queued")
        self._run_cron("ir_cron_send_letters")
        self.assertEqual(run.letter_ids.state, "queued")

    def test_the_nightly_run_sends_automatic_policies_and_leaves_the_rest(self):
        by_hand = self._create_policy((3,), name="By hand")
        self.policy.automatic = True
        careful = self._create_customer("Careful")
        self._create_late_invoice(4)
        self._create_late_invoice(4, partner=careful)
        self.env["credit.profile"]._get_or_create(
            self.company, careful
        ).policy_id = by_hand
        self.env["res.company"].search([("id", "!=", self.company.id)]).write(
            {"credit_mode": "off"}
        )
        self._run_cron("ir_cron_nightly_run")
        self._run_cron("ir_cron_nightly_run")
        run = self.env["credit.dunning.run"].search(
            [("company_id", "=", self.company.id), ("is_nightly", "=", True)]
        )
        self.assertEqual(len(run), 1)
        states = {ltr.commercial_partner_id: ltr.state for ltr in run.letter_ids}
        self.assertEqual(states[self.customer], "queued")
        self.assertEqual(states[careful], "proposed")

    def test_an_old_bank_holds_the_automatic_letters_and_says_so(self):
        self.policy.automatic = True
        self.company.credit_bank_max_age_days = 3
        self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "payment_ref": "old",
                "amount": 1.0,
                "date": self._day(5),
            }
        )
        self._create_late_invoice(4)
        run = self.env["credit.dunning.run"]._make_nightly_run(self.company)
        self.assertEqual(run.letter_ids.state, "proposed")
        self.assertIn("bank", run.hold_reason)
        self.assertTrue(run.activity_ids)

    def test_a_reversed_run_gives_the_levels_back_and_leaves_a_trace(self):
        invoice = self._create_late_invoice(4)
        run = self._send_all_due()
        run.action_reverse()
        self.assertEqual(run.letter_ids.state, "reversed")
        self.assertFalse(invoice.credit_level_id)
        self.assertIn("reversed", run.letter_ids.profile_id.message_ids[0].body)
        self.assertIn("reversed", invoice.message_ids[0].body)
        with freeze_time(self.today + timedelta(days=6)):
            self.assertEqual(self._propose().letter_ids.level_id, self.first)

    def test_a_run_of_the_past_night_makes_room_unless_somebody_edits_it(self):
        self._create_late_invoice(4)
        Run = self.env["credit.dunning.run"]
        old = Run._make_nightly_run(self.company)
        with freeze_time(self.today + timedelta(days=1)):
            new = Run._make_nightly_run(self.company)
            self.assertFalse(old.exists())
            self.assertEqual(new.letter_ids.state, "proposed")
            new.letter_ids.custom_text = "<p>Dear Azure</p>"
        with freeze_time(self.today + timedelta(days=2)):
            third = Run._make_nightly_run(self.company)
            self.assertEqual(new.letter_ids.state, "proposed")
            self.assertFalse(third.letter_ids)
