"""A promise to pay from its first day to its end: what it holds, who decides it."""

from datetime import date, timedelta
from unittest.mock import patch

import psycopg2

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditCommon

FRIDAY, TUESDAY, WEDNESDAY = (date(2026, 5, day) for day in (15, 19, 20))


class PromiseCommon(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy.write(
            {
                "promise_hold": True,
                "promise_tolerance_days": 2,
                "promise_window_days": 14,
            }
        )
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )
        cls.collector = new_test_user(
            cls.env,
            login="promise_collector",
            groups="base.group_user,credit_management.group_credit_user",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.profile.user_id = cls.collector

    @classmethod
    def _promise(cls, moves, day=FRIDAY, amount=None, **values):
        """Promised on Wednesday for Friday; two working days more end on Tuesday."""
        items = cls.env["account.move.line"].union(
            *(cls._receivable_line(move) for move in moves)
        )
        profile = cls.env["credit.profile"]._get_or_create(
            cls.company, moves.commercial_partner_id
        )
        promise_sudo = cls.env["credit.promise"]._give(
            profile, items, day, amount, **values
        )
        return promise_sudo.sudo(False)

    def _pay_on(self, moves, day, amount=None):
        """Pay by the host's own wizard, dated on a day."""
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=moves.ids)
            .create({"payment_date": day})
        )
        if amount is not None:
            wizard.amount = amount
        return wizard._create_payments()

    def _unmatch(self, move):
        self._receivable_line(move).remove_move_reconcile()

    def _decide_on(self, day):
        with freeze_time(f"{day} 09:00:00"):
            self._run_cron("ir_cron_decide_promises")

    def _tasks(self, promise):
        return self.env["mail.activity"].search(
            [("res_model", "=", promise._name), ("res_id", "in", promise.ids)]
        )


@tagged("post_install", "-at_install", "credit_once")
class TestPromise(PromiseCommon):
    # === GIVEN === #

    def test_its_last_day_is_the_promised_one_and_the_tolerance_of_the_policy(self):
        promise = self._promise(self._create_late_invoice(30))
        self.assertEqual(promise.given_date, self.today)
        self.assertEqual((promise.date, promise.last_date), (FRIDAY, TUESDAY))
        self.policy.promise_tolerance_days = 0
        self.assertEqual(promise.last_date, TUESDAY, "as it was when it was given")

    def test_all_that_is_open_is_promised_where_nobody_says_an_amount(self):
        moves = self._create_late_invoice(30) + self._create_late_invoice(20, 50.0)
        promise = self._promise(moves)
        self.assertEqual(promise.amount, 150.0)
        self.assertEqual(promise.line_ids.mapped("amount"), [100.0, 50.0])

    def test_a_smaller_amount_is_taken_for_the_oldest_items_first(self):
        moves = self._create_late_invoice(20, 50.0) + self._create_late_invoice(30)
        promise = self._promise(moves, amount=120.0)
        self.assertEqual(
            {line.move_id: line.amount for line in promise.line_ids},
            {moves[1]: 100.0, moves[0]: 20.0},
        )

    def test_no_more_is_promised_than_what_is_open(self):
        self.assertEqual(
            self._promise(self._create_late_invoice(30), amount=9999.0).amount, 100.0
        )

    def test_what_cannot_be_promised_is_refused_in_words(self):
        move = self._create_late_invoice(30)
        for day, amount in (
            (self._day(1), None),
            (False, None),
            (FRIDAY, 0.0),
            (FRIDAY, -5.0),
        ):
            with self.assertRaises(UserError):
                self._promise(move, day, amount)
        self._pay(move)
        with self.assertRaises(UserError):
            self._promise(move)

    def test_what_is_in_dispute_is_not_promised(self):
        move = self._create_late_invoice(30)
        self.env["credit.dispute"]._open(
            self.profile,
            self.env.ref("credit_management.dispute_reason_price"),
            [{"move": move, "amount": 30.0}],
            "Too much",
        )
        wizard = self.env["credit.promise.give"].browse(
            self.profile.action_promise()["res_id"]
        )
        with self.assertRaises(UserError), self.cr.savepoint():
            wizard.action_give()
        self.assertEqual(self._promise(move).amount, 70.0)
        self.assertFalse(self._propose().letter_ids)

    def test_currencies_do_not_mix(self):
        other = self.setup_other_currency("CHF")
        moves = self._create_late_invoice(30) + self._create_late_invoice(
            30, currency_id=other.id
        )
        with self.assertRaises(UserError):
            self._promise(moves)

    def test_an_item_is_promised_once_at_a_time(self):
        move = self._create_late_invoice(30)
        first = self._promise(move)
        with self.assertRaisesRegex(UserError, "promised already"):
            self._promise(move, WEDNESDAY)
        first.action_withdraw()
        self.assertEqual(self._promise(move, WEDNESDAY).state, "open")

    def test_the_database_itself_lets_no_item_be_promised_twice(self):
        move = self._create_late_invoice(30)
        self._promise(move)
        with (
            patch.object(
                self.env.registry["credit.promise"], "_check_items", lambda s, i: i
            ),
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.cr.savepoint(),
        ):
            self._promise(move)

    # === WHAT IT HOLDS === #

    def test_a_promised_item_is_left_alone_for_that_reason_and_returns_on_the_day(self):
        move, other = self._create_late_invoice(30), self._create_late_invoice(29)
        self._promise(move)
        run = self._propose()
        self.assertEqual(self._reason(run, move), "promised")
        self.assertEqual(run.outcome_ids.next_date, WEDNESDAY)
        self.assertEqual(run.outcome_ids.actor, "customer")
        self.assertEqual(run.letter_ids.line_ids.move_id, other)
        run.action_cancel()
        for day, reason in ((TUESDAY, "promised"), (WEDNESDAY, None)):
            with freeze_time(f"{day} 09:00:00"):
                run = self._propose()
                self.assertEqual(self._reason(run, move), reason, day)
                run.action_cancel()

    def test_where_the_policy_says_so_reminders_go_on(self):
        self.policy.promise_hold = False
        move = self._create_late_invoice(30)
        self._promise(move)
        self.assertEqual(self._propose().letter_ids.line_ids.move_id, move)
        self.profile._refresh()
        self.assertEqual(self.profile.promised_amount, 100.0)

    def test_what_is_not_promised_of_an_item_stays_due_and_payments_count_first(self):
        move = self._create_late_invoice(30)
        self._promise(move, amount=60.0)
        self.assertEqual(self._claimed(move), 40.0)
        self._pay(move, 30.0)
        self.assertEqual(self._claimed(move), 40.0)

    def _claimed(self, move):
        run = self._propose()
        lines = run.letter_ids.line_ids.filtered(lambda line: line.move_id == move)
        amount = sum(lines.mapped("amount"))
        run.action_cancel()
        return amount

    def test_the_file_says_what_is_promised_and_the_item_by_when(self):
        move = self._create_late_invoice(30)
        self._create_late_invoice(20, 50.0)
        self._promise(move)
        self.profile._refresh()
        self.assertEqual(self.profile.promised_amount, 100.0)
        self.assertEqual(self.profile.overdue_amount, 150.0)
        self.assertEqual(self._receivable_line(move).credit_promise_date, FRIDAY)
        self._pay(move, 30.0)
        self.profile._refresh()
        self.assertEqual(self.profile.promised_amount, 70.0)

    # === DECIDED BY THE LEDGER === #

    def test_paid_it_is_kept_at_once(self):
        move = self._create_late_invoice(30)
        promise = self._promise(move)
        self._pay(move, 40.0)
        self.assertEqual((promise.state, promise.amount_kept), ("open", 40.0))
        self._pay(move)
        self.assertEqual((promise.state, promise.amount_kept), ("kept", 100.0))
        self.assertEqual(promise.decided_date, self.today)
        self.assertFalse(self._tasks(promise))

    def test_nothing_is_decided_on_its_last_day(self):
        promise = self._promise(self._create_late_invoice(30))
        self._decide_on(TUESDAY)
        self.assertEqual(promise.state, "open")
        self._decide_on(WEDNESDAY)
        self.assertEqual(promise.state, "broken")
        self.assertEqual(promise.decided_date, WEDNESDAY)

    def test_a_part_that_was_paid_in_time_is_a_part_that_was_kept(self):
        move = self._create_late_invoice(30)
        promise = self._promise(move)
        self._pay(move, 40.0)
        self._decide_on(WEDNESDAY)
        self.assertEqual((promise.state, promise.amount_kept), ("partly_kept", 40.0))
        self.assertEqual(len(self._tasks(promise)), 1)

    def test_a_payment_booked_late_counts_by_its_own_day(self):
        move, late = self._create_late_invoice(30), self._create_late_invoice(30)
        in_time, too_late = self._promise(move), self._promise(late)
        self._decide_on(WEDNESDAY)
        with freeze_time("2026-05-22 09:00:00"):
            self._pay_on(move, TUESDAY)
            self._pay_on(late, WEDNESDAY)
        self.assertEqual(in_time.state, "kept")
        self.assertFalse(self._tasks(in_time))
        self.assertEqual((too_late.state, too_late.amount_kept), ("broken", 0.0))

    def test_what_was_paid_before_it_was_given_keeps_nothing(self):
        move = self._create_late_invoice(30)
        self._pay(move, 30.0)
        promise = self._promise(move)
        self.assertEqual(promise.amount, 70.0)
        self._decide_on(WEDNESDAY)
        self.assertEqual((promise.state, promise.amount_kept), ("broken", 0.0))

    def test_matching_an_old_payment_anew_keeps_nothing(self):
        move = self._create_late_invoice(30)
        self._pay_on(move, self._day(5), 30.0)
        promise = self._promise(move)
        line = self._receivable_line(move)
        paying = line.matched_credit_ids.credit_move_id
        self._unmatch(move)
        (line + paying).reconcile()
        self.assertEqual((promise.state, promise.amount_kept), ("open", 0.0))

    def test_an_unmatched_payment_reopens_it_and_the_job_decides_later(self):
        move = self._create_late_invoice(30)
        promise = self._promise(move)
        self._pay(move)
        self.assertEqual(promise.state, "kept")
        with freeze_time(f"{WEDNESDAY} 09:00:00"):
            self._unmatch(move)
            self.assertEqual((promise.state, promise.amount_kept), ("open", 0.0))
            self.assertFalse(promise.decided_date)
            self.assertFalse(self._tasks(promise))
        self._decide_on(WEDNESDAY)
        self.assertEqual(promise.state, "broken")

    def test_reopened_it_never_stands_beside_another_open_one(self):
        move = self._create_late_invoice(30)
        first = self._promise(move, amount=40.0)
        self._pay(move, 40.0)
        self.assertEqual(first.state, "kept")
        second = self._promise(move)
        self._unmatch(move)
        self.assertEqual((first.state, first.withdrawn_by), ("withdrawn", "newer"))
        self.assertEqual(second.state, "open")

    def test_a_credit_note_takes_off_what_has_to_be_paid(self):
        move = self._create_late_invoice(30)
        promise = self._promise(move)
        credit = self._create_credit_note(40.0)
        (self._receivable_line(move) + self._receivable_line(credit)).reconcile()
        self.assertEqual((promise.state, promise.amount_due), ("open", 60.0))
        self._pay(move)
        self.assertEqual((promise.state, promise.amount_kept), ("kept", 60.0))

    def test_what_was_credited_in_full_is_nobodys_broken_promise(self):
        move = self._create_late_invoice(30)
        promise = self._promise(move)
        credit = self._create_credit_note(100.0)
        (self._receivable_line(move) + self._receivable_line(credit)).reconcile()
        self.assertEqual((promise.state, promise.withdrawn_by), ("withdrawn", "ledger"))
        self._unmatch(move)
        self.assertEqual((promise.state, promise.withdrawn_by), ("open", False))

    def test_an_invoice_set_back_to_draft_is_nobodys_broken_promise(self):
        move = self._create_late_invoice(30)
        promise = self._promise(move)
        move.button_draft()
        self._decide_on(WEDNESDAY)
        self.assertEqual(promise.state, "withdrawn")
        self.assertEqual(self.profile.broken_promise_count, 0)

    def test_what_a_person_withdrew_stays_withdrawn(self):
        move = self._create_late_invoice(30)
        promise = self._promise(move)
        promise.action_withdraw()
        self._pay(move)
        self._decide_on(WEDNESDAY)
        self.assertEqual((promise.state, promise.withdrawn_by), ("withdrawn", "staff"))
        with self.assertRaises(UserError):
            promise.action_withdraw()

    def test_of_a_foreign_currency_its_own_amounts_count(self):
        other = self.setup_other_currency("CHF")
        move = self._create_late_invoice(30, currency_id=other.id)
        promise = self._promise(move)
        self.assertEqual(promise.currency_id, other)
        self._pay(move)
        self.assertEqual((promise.state, promise.amount_kept), ("kept", 100.0))
        self.assertAlmostEqual(promise.amount_kept_company, promise.amount_company)

    def test_whoever_matches_for_others_asks_once_and_writes_nothing(self):
        self._promise(self._create_late_invoice(30))
        other = self._create_late_invoice(30, partner=self._create_customer("Other"))
        Promise = self.env.registry["credit.promise"]
        with patch.object(Promise, "_find_verdicts") as looked:
            self._pay(other)
        looked.assert_not_called()

    # === BROKEN === #

    def test_a_broken_one_is_a_task_once_and_counts_on_item_and_customer(self):
        move = self._create_late_invoice(30)
        promise = self._promise(move)
        self._decide_on(WEDNESDAY)
        task = self._tasks(promise)
        self.assertEqual(task.user_id, self.collector)
        self.assertEqual(self.profile.broken_promise_count, 1)
        line = self._receivable_line(move)
        self.assertEqual(line.credit_broken_promise_count, 1)
        self.assertFalse(line.credit_promise_date)
        task.action_feedback()
        self._decide_on(date(2026, 5, 21))
        self.assertFalse(self._tasks(promise))

    def test_the_next_level_comes_at_once_after_a_broken_one(self):
        move = self._create_late_invoice(30)
        self._send_all_due()
        self._promise(move, date(2026, 5, 25))
        with freeze_time("2026-05-28 09:00:00"):
            self._run_cron("ir_cron_decide_promises")
            run = self._propose()
            self.assertEqual(run.letter_ids.line_ids.level_id, self.second)

    def test_the_customer_stands_on_the_work_list_until_somebody_called(self):
        self.policy.automatic = True
        move = self._create_late_invoice(5)
        promise = self._promise(move)
        self._decide_on(WEDNESDAY)
        with freeze_time(f"{WEDNESDAY} 09:00:00"):
            self.profile._refresh()
            self.profile.invalidate_recordset()
            self.assertEqual(self.profile.work_reason, "broken_promise")
            self.assertEqual(self.profile.work_actor, "collector")
            self.assertEqual(self.profile.work_since, WEDNESDAY)
            self.assertEqual(self.profile.work_points_why, "Promise was not kept +40")
            self.env["credit.call"].create(
                {"profile_id": self.profile.id, "result": "reached"}
            )
            self.profile.invalidate_recordset()
            self.assertFalse(self.profile.work_reason)
            self.assertFalse(self._tasks(promise))

    def test_what_waits_for_a_promise_is_not_on_the_work_list(self):
        self.company.credit_large_amount = 50.0
        move = self._create_late_invoice(5)
        self.profile._refresh()
        self.assertEqual(self.profile.work_reason, "new_large")
        self._promise(move)
        self.profile._refresh()
        self.profile.invalidate_recordset()
        self.assertFalse(self.profile.work_reason)
        self.assertEqual(self.profile.silence_reason, "promised")

    def test_a_new_promise_ends_the_task_about_the_old_one(self):
        move = self._create_late_invoice(30)
        first = self._promise(move)
        self._decide_on(WEDNESDAY)
        self.assertTrue(self._tasks(first))
        with freeze_time(f"{WEDNESDAY} 09:00:00"):
            self._promise(move, date(2026, 5, 22))
        self.assertFalse(self._tasks(first))

    def test_rates_are_told_by_count_and_by_amount(self):
        kept, partly, broken = (
            self._create_late_invoice(30, amount) for amount in (100.0, 100.0, 200.0)
        )
        for move in (kept, partly, broken):
            self._promise(move)
        self._promise(self._create_late_invoice(30, 999.0))
        self._promise(self._create_late_invoice(30, 999.0)).action_withdraw()
        self._pay(kept)
        self._pay(partly, 50.0)
        self._pay(broken, 50.0)
        open_one = self.env["credit.promise"].search([("amount", "=", 999.0)])
        open_one.filtered(lambda one: one.state == "open").action_withdraw()
        self._decide_on(WEDNESDAY)
        self.profile.invalidate_recordset()
        self.assertEqual(self.profile.promise_rate, 33)
        self.assertEqual(self.profile.promise_amount_rate, 50)

    def test_the_score_knows_how_promises_were_kept(self):
        Facts = self.env["credit.score.facts"]
        move, other = self._create_late_invoice(30), self._create_late_invoice(30)
        self._promise(move)
        self._promise(other)
        self.assertEqual(
            Facts._read_promises(self.company, self.customer, self.today), {}
        )
        self._pay(move)
        self._decide_on(WEDNESDAY)
        self.assertEqual(
            Facts._read_promises(self.company, self.customer, self.today),
            {self.customer.id: 1},
            "what happened later is not known on that day",
        )
        shares = Facts._read_promises(self.company, self.customer, WEDNESDAY)
        self.assertEqual(float(shares[self.customer.id]), 0.5)

    # === WINDOWS AND RIGHTS === #

    def test_the_window_suggests_what_is_overdue_and_notes_it(self):
        move = self._create_late_invoice(30)
        self._create_late_invoice(-10)
        action = self.profile.with_user(self.collector).action_promise()
        wizard = (
            self.env["credit.promise.give"]
            .with_user(self.collector)
            .browse(action["res_id"])
        )
        self.assertEqual(wizard.item_ids.move_id, move)
        self.assertEqual(wizard.promise_amount, 100.0)
        self.assertEqual(wizard.promise_date, WEDNESDAY)
        opened = wizard.action_give()
        promise = self.env["credit.promise"].browse(opened["res_id"])
        self.assertEqual((promise.amount, promise.source), (100.0, "staff"))
        self.assertEqual(promise.user_id, self.collector)

    def test_the_window_takes_no_more_than_what_is_open_and_nothing_of_others(self):
        self._create_late_invoice(30)
        wizard = self.env["credit.promise.give"].browse(
            self.profile.action_promise()["res_id"]
        )
        wizard.promise_amount = 100.01
        with self.assertRaises(UserError):
            wizard.action_give()
        other = self._create_late_invoice(30, partner=self._create_customer("Other"))
        wizard.item_ids = self._receivable_line(other)
        with self.assertRaises(ValidationError):
            wizard.action_give()

    def test_invoice_and_letter_open_the_window_with_their_items(self):
        move = self._create_late_invoice(30)
        self._create_late_invoice(29)
        letter = self._propose().letter_ids
        for record, count in ((move, 1), (letter, 2)):
            action = (
                record.action_credit_promise()
                if record == move
                else record.action_promise()
            )
            wizard = self.env["credit.promise.give"].browse(action["res_id"])
            self.assertEqual(len(wizard.item_ids), count)

    def test_what_was_promised_is_not_changed_by_hand(self):
        promise = self._promise(self._create_late_invoice(30)).with_user(self.collector)
        promise.note = "pays after the fair"
        for name, value in (("date", WEDNESDAY), ("amount", 1.0), ("state", "kept")):
            with self.assertRaises(UserError):
                promise.write({name: value})
        with self.assertRaises(AccessError):
            promise.line_ids.write({"amount": 1.0})
        with self.assertRaises(UserError):
            promise.sudo().unlink()

    def test_a_day_of_another_time_zone_counts_as_the_company_counts(self):
        self.company.credit_tz = "Pacific/Auckland"
        move = self._create_late_invoice(30)
        with freeze_time("2026-05-13 14:00:00"):  # the 14th there
            with self.assertRaises(UserError):
                self._promise(move, self.today)
            self.assertEqual(
                self._promise(move, self.today + timedelta(days=1)).given_date,
                self.today + timedelta(days=1),
            )

    def test_the_file_that_remains_after_a_merge_has_the_promises(self):
        promise = self._promise(self._create_late_invoice(30))
        target = self._create_customer("Target")
        kept = self.env["credit.profile"]._get_or_create(self.company, target)
        self.env["credit.profile"]._merge_partners(self.customer, target)
        self.assertEqual(promise.profile_id, kept)
        self.assertEqual(promise.partner_id, target)

    # === CALLS === #

    def _open_call(self, **values):
        self.env.flush_all()
        return (
            self.env["credit.call.log"]
            .with_user(self.collector)
            .create({"profile_id": self.profile.id} | values)
        )

    def test_a_call_notes_a_promise_at_once(self):
        move = self._create_late_invoice(30)
        window = self._open_call(result="promised", note="pays on Friday")
        self.assertEqual(window.item_ids.move_id, move)
        self.assertEqual(window.promise_amount, 100.0)
        self.assertEqual(window.next_step, "none")
        window.promise_date = FRIDAY
        window.action_log()
        promise = self.profile.promise_ids
        self.assertEqual((promise.date, promise.amount), (FRIDAY, 100.0))
        self.assertEqual(promise.call_id.result, "promised")
        self.assertEqual(promise.call_id.user_id, self.collector)

    def test_a_call_whose_promise_fails_is_not_logged_either(self):
        self._create_late_invoice(30)
        window = self._open_call(result="promised")
        window.promise_date = self._day(1)
        with self.assertRaises(UserError), self.cr.savepoint():
            window.action_log()
        self.assertFalse(self.profile.call_ids)

    def test_a_call_opens_a_dispute_at_once(self):
        move = self._create_late_invoice(30)
        window = self._open_call(result="disputed", note="too expensive")
        with self.assertRaises(UserError):
            window.action_log()
        window.dispute_reason_id = self.env.ref(
            "credit_management.dispute_reason_price"
        )
        window.dispute_amount = 30.0
        window.action_log()
        dispute = self.profile.dispute_ids
        self.assertEqual((dispute.move_ids, dispute.amount_disputed), (move, 30.0))

    def test_a_call_takes_no_items_of_others(self):
        other = self._create_late_invoice(30, partner=self._create_customer("Other"))
        for result in ("promised", "disputed"):
            window = self._open_call(
                result=result,
                item_ids=[Command.set(self._receivable_line(other).ids)],
                dispute_reason_id=self.env.ref(
                    "credit_management.dispute_reason_price"
                ).id,
            )
            with self.assertRaises(ValidationError):
                window.action_log()
