"""A payment plan from its draft to its end: what it covers, who ends it."""

from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

import psycopg2

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from ..logic import instalments
from .common import CreditCommon

FIRST, SECOND, THIRD = date(2026, 5, 20), date(2026, 6, 22), date(2026, 7, 20)


class PlanCommon(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"credit_plan_grace_days": 3, "credit_plan_warning_days": 7})
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )
        cls.collector = new_test_user(
            cls.env,
            login="plan_collector",
            groups="base.group_user,credit_management.group_credit_user",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.profile.user_id = cls.collector

    @classmethod
    def _items(cls, moves):
        return cls.env["account.move.line"].union(
            *(cls._receivable_line(move) for move in moves)
        )

    @classmethod
    def _plan(cls, moves, parts=None, running=True, **values):
        """Three months, unless said otherwise; the first part on Wednesday next."""
        items = cls._items(moves)
        total = Decimal(str(round(sum(items.mapped("amount_residual_currency")), 2)))
        parts = parts or instalments.make_plan(
            total, [FIRST, SECOND, THIRD], Decimal("0.01")
        )
        profile = cls.env["credit.profile"]._get_or_create(
            cls.company, moves.commercial_partner_id
        )
        plan = cls.env["credit.payment.plan"]._make(profile, items, parts, **values)
        plan = plan.sudo(False)
        if running:
            plan.action_activate()
        return plan

    @contextmanager
    def _on(self, day):
        with freeze_time(f"{day} 09:00:00"):
            yield

    def _night(self, day):
        with self._on(day):
            self._run_cron("ir_cron_watch_plans")

    def _parts(self, plan):
        plan.line_ids.invalidate_recordset()
        return [
            (line.amount_due, line.amount_paid, line.state) for line in plan.line_ids
        ]

    def _told(self, plan):
        """What the customer was told of it, the newest first."""
        return plan.message_ids.filtered(
            lambda message: message.subtype_id == self.env.ref("mail.mt_comment")
        ).mapped("subject")

    def _unmatch(self, move):
        self._receivable_line(move).remove_move_reconcile()

    def _tasks(self, plan):
        return self.env["mail.activity"].search(
            [("res_model", "=", plan._name), ("res_id", "in", plan.ids)]
        )


@tagged("post_install", "-at_install", "credit_once")
class TestPlan(PlanCommon):
    # === MADE === #

    def test_it_freezes_what_was_open_of_each_item(self):
        moves = self._create_late_invoice(30, 200.0) + self._create_late_invoice(20)
        self._pay(moves[0], 50.0)
        plan = self._plan(moves, running=False)
        self.assertEqual(plan.state, "draft")
        self.assertEqual(plan.item_ids.mapped("amount"), [150.0, 100.0])
        self.assertEqual(sum(plan.line_ids.mapped("amount")), 250.0)
        self.assertEqual(plan.contact_id, self.customer)
        self._pay(moves[1], 10.0)
        self.assertEqual(plan.item_ids.mapped("amount"), [150.0, 100.0])

    def test_what_makes_no_plan_is_refused_in_words(self):
        move = self._create_late_invoice(30, 300.0)
        part = instalments.Instalment
        for parts in (
            [part(FIRST, Decimal(299))],
            [part(FIRST, Decimal(310)), part(SECOND, Decimal(-10))],
            [part(SECOND, Decimal(150)), part(FIRST, Decimal(150))],
            [part(self._day(1), Decimal(300))],
            [part(FIRST + timedelta(days=n), Decimal(1)) for n in range(300)],
        ):
            with self.assertRaises(UserError):
                self._plan(move, parts)
        self._pay(move)
        with self.assertRaises(UserError):
            self._plan(move, [part(FIRST, Decimal(300))])

    def test_one_currency_one_account_one_customer(self):
        move = self._create_late_invoice(30)
        other = self.setup_other_currency("CHF")
        foreign = self._create_late_invoice(30, currency_id=other.id)
        with self.assertRaises(UserError):
            self._plan(move + foreign)
        account = self.company_data["default_account_receivable"].copy()
        second = self._create_customer("Second", parent_id=self.customer.id)
        second.property_account_receivable_id = account
        elsewhere = self._create_late_invoice(30)
        elsewhere.button_draft()
        self._receivable_line(elsewhere).account_id = account
        elsewhere.action_post()
        if self._receivable_line(elsewhere).account_id == account:
            with self.assertRaises(UserError):
                self._plan(move + elsewhere)
        stranger = self._create_late_invoice(30, partner=self._create_customer("Else"))
        with self.assertRaises(UserError):
            self.env["credit.payment.plan"]._make(
                self.profile,
                self._items(stranger),
                [instalments.Instalment(FIRST, Decimal(100))],
            )

    def test_a_discount_that_still_runs_comes_first(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "2/10",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 10,
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 100, "nb_days": 30}
                    )
                ],
            }
        )
        move = self._create_late_invoice(
            0,
            invoice_date=self._day(5),
            invoice_date_due=False,
            invoice_payment_term_id=term.id,
        )
        with self.assertRaises(UserError):
            self._plan(move)
        with self._on("2026-05-19"):
            self.assertEqual(self._plan(move).state, "active")

    def test_what_is_all_in_dispute_is_left_out(self):
        move = self._create_late_invoice(30)
        self._dispute(move, 100.0)
        with self.assertRaises(UserError):
            self._plan(move)

    def _dispute(self, move, amount):
        return self.env["credit.dispute"]._open(
            self.profile,
            self.env.ref("credit_management.dispute_reason_price"),
            [{"move": move, "amount": amount}],
            "Too much",
        )

    def test_no_item_is_in_two_plans(self):
        move = self._create_late_invoice(30)
        draft = self._plan(move, running=False)
        self._plan(move)
        with self.assertRaises(UserError):
            draft.action_activate()
        with self.assertRaises(UserError):
            self._plan(move)

    @mute_logger("odoo.sql_db")
    def test_two_at_once_are_stopped_by_the_database(self):
        move = self._create_late_invoice(30)
        draft = self._plan(move, running=False)
        self._plan(move)
        with self.assertRaises(psycopg2.IntegrityError), self.cr.savepoint():
            draft.sudo().write({"state": "active"})
            self.env.flush_all()

    # === PAID === #

    def test_what_is_paid_goes_to_the_oldest_part(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        self._pay(move, 130.0)
        self.assertEqual(
            self._parts(plan),
            [(100.0, 100.0, "paid"), (100.0, 30.0, "open"), (100.0, 0.0, "open")],
        )
        self.assertEqual((plan.amount_paid, plan.amount_left), (130.0, 170.0))
        self.assertEqual(plan.next_date, SECOND)

    def test_a_credit_note_takes_off_the_last_parts(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        self._match(move, self._create_credit_note(150.0))
        self.assertEqual(
            self._parts(plan),
            [(100.0, 0.0, "open"), (50.0, 0.0, "open"), (0.0, 0.0, "dropped")],
        )
        self.assertEqual((plan.amount_off, plan.amount_left), (150.0, 150.0))

    def _match(self, *moves):
        self._items(self.env["account.move"].union(*moves)).reconcile()

    def test_a_credit_note_from_before_the_plan_does_not(self):
        move = self._create_late_invoice(30, 300.0)
        self._match(move, self._create_credit_note(30.0))
        plan = self._plan(move)
        self.assertEqual((plan.amount, plan.amount_off), (270.0, 0.0))
        self._pay(move, 90.0)
        self.assertEqual(plan.amount_paid, 90.0)

    def test_a_dispute_takes_off_while_it_is_open(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        dispute = self._dispute(move, 120.0)
        self.assertEqual(
            [due for due, _paid, _state in self._parts(plan)], [100.0, 80.0, 0.0]
        )
        dispute._withdraw()
        self.assertEqual(
            [due for due, _paid, _state in self._parts(plan)], [100.0, 100.0, 100.0]
        )

    def test_a_payment_that_is_taken_back_opens_the_part_again(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        self._pay(move, 300.0)
        self.assertEqual(plan.state, "kept")
        self.assertIn("thank you", self._told(plan)[0])
        self._unmatch(move)
        self.assertEqual(plan.state, "active")
        self.assertEqual(plan.amount_left, 300.0)

    def test_a_payment_from_before_that_is_taken_back_is_chased(self):
        move = self._create_late_invoice(30, 300.0)
        payment = self._pay(move, 100.0)
        plan = self._plan(move)
        self._unmatch(move)
        payment.action_draft()
        payment.action_cancel()
        self.assertEqual((plan.amount, plan.amount_left), (200.0, 200.0))
        run = self._propose()
        self.assertEqual(run.letter_ids.amount_total, 100.0)

    def test_where_nothing_is_owed_any_more_it_ends(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        self._match(move, self._create_credit_note(300.0))
        self.assertEqual(plan.state, "cancelled")

    def test_an_invoice_that_is_gone_is_no_payment(self):
        move = self._create_late_invoice(30, 300.0)
        other = self._create_late_invoice(25, 60.0)
        plan = self._plan(move + other)
        other.button_draft()
        self._night(self.today)
        self.assertEqual((plan.amount_paid, plan.amount_off), (0.0, 60.0))
        self.assertEqual(plan.amount_left, 300.0)

    # === LEFT ALONE === #

    def test_what_it_covers_is_left_alone_while_it_runs(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move, running=False)
        self.assertTrue(self._propose().letter_ids, "a draft holds nothing")
        self.env["credit.dunning.run"].search(
            [("company_id", "=", self.company.id)]
        ).action_cancel()
        plan.action_activate()
        run = self._propose()
        self.assertFalse(run.letter_ids)
        self.assertEqual(self._reason(run, move), "planned")
        self.assertEqual(
            run.outcome_ids.filtered(lambda o: o.move_id == move).next_date,
            THIRD + timedelta(days=1),
        )
        self._run_cron("ir_cron_refresh_profiles")
        self.assertEqual(self.profile.planned_amount, 300.0)
        plan.action_cancel()
        self.assertTrue(self._propose().letter_ids)

    def test_broken_it_is_chased_at_the_level_and_day_it_had(self):
        move = self._create_late_invoice(30, 300.0)
        self._send_all_due()
        due = move.invoice_date_due
        plan = self._plan(move)
        with self._on("2026-06-15"):
            plan.action_break()
            letter = self._propose(date="2026-06-15").letter_ids
        self.assertEqual(letter.level_id, self.second)
        self.assertEqual(move.invoice_date_due, due)

    # === THE NIGHT === #

    def test_late_it_is_warned_once_and_then_broken(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        self._night("2026-05-23")
        self.assertFalse(plan.warned_until, "three days of grace")
        self.assertEqual(plan.amount_late, 100.0)
        self._night("2026-05-24")
        self.assertEqual(plan.warned_until, date(2026, 6, 1), "seven days, a Monday")
        self.assertIn("late", self._told(plan)[0])
        self._night("2026-06-01")
        self.assertEqual(plan.state, "active")
        warnings = [subject for subject in self._told(plan) if "late" in subject]
        self.assertEqual(len(warnings), 1)
        self._night("2026-06-02")
        self.assertEqual(plan.state, "broken")
        self.assertEqual(self._tasks(plan).user_id, self.collector)

    def test_paid_in_time_the_warning_is_over(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        self._night("2026-05-24")
        with self._on("2026-05-26"):
            self._pay(move, 100.0)
            self.assertFalse(plan.warned_until)
        self._night("2026-06-10")
        self.assertEqual(plan.state, "active")

    def test_nothing_is_broken_of_which_nobody_could_be_warned(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        self.company.credit_stopped = True
        self._night("2026-06-15")
        self.assertEqual((plan.state, plan.warned_until), ("active", False))

    def test_a_manager_lets_it_run_again_once(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        with self._on("2026-06-01"):
            plan.action_break()
            with self.assertRaises(AccessError):
                plan.with_user(self.collector).action_revive()
            plan.action_revive()
        self.assertEqual((plan.state, plan.warned_until), ("active", date(2026, 6, 8)))
        self.assertFalse(self._tasks(plan))
        plan.action_break()
        with self.assertRaises(UserError):
            plan.action_revive()

    def test_it_is_not_revived_over_another_plan(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        plan.action_break()
        self._plan(move)
        with self.assertRaises(UserError):
            plan.action_revive()

    def test_each_state_allows_its_moves_only(self):
        plan = self._plan(self._create_late_invoice(30, 300.0))
        plan.action_cancel()
        for move in ("activate", "break", "cancel", "revive"):
            with self.assertRaises(UserError):
                getattr(plan, f"action_{move}")()

    def test_a_night_asks_as_often_for_many_as_for_few(self):
        def count(number):
            for index in range(number):
                partner = self._create_customer(f"Many {number} {index}")
                self._plan(self._create_late_invoice(30, 90.0, partner))
            plans = self.env["credit.payment.plan"].search(
                [("state", "=", "active"), ("company_id", "=", self.company.id)]
            )
            plans.sudo()._refresh(self.today, is_night=True)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            plans.sudo()._refresh(self.today, is_night=True)
            return self.cr.sql_log_count - before

        few = count(2)
        self.assertLessEqual(count(10), few)

    # === BY HAND === #

    def test_parts_of_a_draft_are_changed_by_hand_and_must_add_up(self):
        plan = self._plan(self._create_late_invoice(30, 300.0), running=False)
        plan = plan.with_user(self.collector)
        plan.line_ids[0].amount = 150.0
        with self.assertRaises(UserError):
            plan.action_activate()
        plan.line_ids[2].unlink()
        plan.line_ids[1].amount = 150.0
        plan.action_activate()
        with self.assertRaises(UserError):
            plan.line_ids[0].amount = 1.0
        with self.assertRaises(UserError):
            plan.line_ids[0].unlink()
        with self.assertRaises(UserError):
            plan.write({"amount": 1.0})
        with self.assertRaises(AccessError):
            plan.unlink()

    def test_the_window_shows_the_parts_and_makes_the_draft(self):
        self._create_late_invoice(30, 1000.0)
        action = self.profile.with_user(self.collector).action_payment_plan()
        window = self.env["credit.payment.plan.make"].browse(action["res_id"])
        with Form(window.with_user(self.collector)) as form:
            form.mode = "amount"
            form.part_amount = 0
            self.assertTrue(form.problem)
            form.part_amount = 300.0
            form.first_amount = 250.0
            form.pay_day = 1
            self.assertEqual(len(form.preview.splitlines()), 4)
        plan = self.env["credit.payment.plan"].browse(
            window.with_user(self.collector).action_make()["res_id"]
        )
        self.assertEqual(plan.line_ids.mapped("amount"), [250.0, 300.0, 300.0, 150.0])
        self.assertEqual(plan.line_ids[1].date, date(2026, 6, 1))

    def test_customers_that_become_one_keep_their_plans(self):
        other = self._create_customer("Azure Two")
        plan = self._plan(self._create_late_invoice(30, 90.0, other))
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (self.customer | other).ids, self.customer
        )
        self.assertEqual(plan.profile_id, self.profile)
        self.assertEqual(plan.state, "active")


@tagged("post_install", "-at_install", "credit_once")
class TestPlanElsewhere(PlanCommon):
    """All that has to know of plans."""

    def _promise(self, move):
        return self.env["credit.promise"]._give(
            self.profile, self._items(move), self.today + timedelta(days=2)
        )

    def test_what_is_planned_is_not_promised(self):
        move = self._create_late_invoice(30, 300.0)
        self._plan(move)
        with self.assertRaises(UserError):
            self._promise(move)
        with self.assertRaises(UserError):
            self.profile.action_promise()

    def test_a_plan_takes_the_place_of_a_promise(self):
        move = self._create_late_invoice(30, 300.0)
        promise = self._promise(move)
        self._plan(move)
        self.assertEqual(promise.state, "withdrawn")
        self.assertEqual(promise.withdrawn_by, "plan")

    def test_the_invoice_asks_for_the_part(self):
        move = self._create_late_invoice(30, 300.0)
        self._plan(move)
        values = move._get_invoice_next_payment_values()
        self.assertEqual(values["next_amount_to_pay"], 100.0)
        self.assertEqual(values["installment_state"], "next")
        self.assertEqual(values["next_due_date"], FIRST)
        self.assertEqual(values["amount_due"], 300.0)
        with self._on("2026-06-25"):
            values = move._get_invoice_next_payment_values()
        self.assertEqual(
            (values["next_amount_to_pay"], values["installment_state"]),
            (200.0, "overdue"),
        )

    def test_an_invoice_asks_for_no_more_than_what_is_open_of_it(self):
        small = self._create_late_invoice(30, 30.0)
        large = self._create_late_invoice(20, 270.0)
        self._plan(small + large)
        for move, amount in ((small, 30.0), (large, 100.0)):
            values = move._get_invoice_next_payment_values()
            self.assertEqual(values["next_amount_to_pay"], amount)

    def test_the_payment_window_suggests_the_part(self):
        move = self._create_late_invoice(30, 300.0)
        plan = self._plan(move)
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"payment_date": self.today})
        )
        self.assertEqual(wizard.amount, 100.0)
        self.assertEqual(wizard.installments_mode, "next")
        self.assertEqual(wizard.installments_switch_amount, 300.0)
        self.assertEqual(wizard.payment_difference, 0.0)
        wizard._create_payments()
        self.assertEqual(plan.amount_left, 200.0)
        self.assertEqual(move.amount_residual, 200.0)

    def test_the_payment_window_leaves_other_invoices_whole(self):
        planned = self._create_late_invoice(30, 300.0)
        other = self._create_late_invoice(20, 50.0)
        self._plan(planned)
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=(planned + other).ids)
            .create({"payment_date": self.today, "group_payment": True})
        )
        self.assertEqual(wizard.amount, 150.0)

    def test_a_broken_plan_counts_as_a_broken_promise(self):
        plan = self._plan(self._create_late_invoice(30, 300.0))
        facts = self.env["credit.score.facts"]
        self.assertFalse(facts._read_promises(self.company, self.customer, self.today))
        plan.action_break()
        shares = facts._read_promises(self.company, self.customer, self.today)
        self.assertEqual(shares, {self.customer.id: 0})
        self.assertEqual(self.profile.broken_plan_count, 1)
        self.assertEqual(self.profile.work_reason, "broken_promise")

    def test_a_call_about_paying_in_parts_opens_the_window(self):
        self._create_late_invoice(30, 300.0)
        window = self.env["credit.call.log"].create(
            {"profile_id": self.profile.id, "result": "planned"}
        )
        action = window.action_log()
        self.assertEqual(action["res_model"], "credit.payment.plan.make")

    def test_the_timeline_and_the_overview_show_it(self):
        plan = self._plan(self._create_late_invoice(30, 300.0))
        self._night("2026-05-22")
        self.assertEqual(plan.amount_late, 100.0)
        Overview = self.env["credit.overview"].with_user(self.collector)
        overview = Overview.browse(Overview.action_open()["res_id"])
        self.assertEqual(overview.payment_plan_count, 1)
        found = overview.action_view_plans()["domain"]
        self.assertEqual(self.env["credit.payment.plan"].search(found), plan)
        history = self.env["credit.profile"]._read_history(self.company, self.profile)
        self.assertIn("plan", [row["kind"] for row in history])
