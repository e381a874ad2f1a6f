"""A dispute from its first day to its end: what it holds, who acts, how it ends."""

from datetime import timedelta
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, new_test_user, tagged

from .common import CreditCommon


class DisputeCommon(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.price = cls.env.ref("credit_management.dispute_reason_price")
        cls.quality = cls.env.ref("credit_management.dispute_reason_quality")
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )
        cls.collector = new_test_user(
            cls.env,
            login="dispute_collector",
            groups="base.group_user,credit_management.group_credit_user",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.tax = cls.company_data["default_tax_sale"]  # 15 %

    @classmethod
    def _dispute(cls, move, amount, reason=None, source="staff", **line):
        return (
            cls.env["credit.dispute"]
            ._open(
                cls.env["credit.profile"]._get_or_create(
                    move.company_id, move.commercial_partner_id
                ),
                reason or cls.price,
                [{"move": move, "amount": amount, **line}],
                "This is not what we agreed.",
                source=source,
            )
            .sudo(False)
        )

    @classmethod
    def _settle(cls, dispute, kind, user=None, accepted=None, **values):
        if accepted is not None:
            dispute.line_ids.amount_accepted = accepted
        wizard = (
            cls.env["credit.dispute.settle"]
            .with_user(user or cls.env.user)
            .create({"dispute_id": dispute.id, "kind": kind, "text": "So it is."})
        )
        wizard.write(values)
        wizard.action_apply()

    @classmethod
    def _create_taxed_invoice(cls, prices, days_late=30, taxes=None, **values):
        taxes = cls.tax if taxes is None else taxes
        return cls._create_late_invoice(
            days_late,
            invoice_line_ids=[
                Command.create(
                    {"name": f"Good {at}", "price_unit": price, "tax_ids": taxes.ids}
                )
                for at, price in enumerate(prices, start=1)
            ],
            **values,
        )

    def _claimed(self, move):
        """What the next run would claim of an invoice."""
        run = self._propose()
        lines = run.letter_ids.line_ids.filtered(lambda line: line.move_id == move)
        amount = sum(lines.mapped("amount"))
        run.action_cancel()
        return amount


@tagged("post_install", "-at_install", "credit_once")
class TestDispute(DisputeCommon):
    # === WHAT IT HOLDS === #

    def test_only_what_is_disputed_is_left_alone(self):
        move = self._create_late_invoice(30, 100.0)
        dispute = self._dispute(move, 30.0)
        self.assertEqual(self._claimed(move), 70.0)
        self._settle(dispute, "withdraw")
        self.assertEqual(self._claimed(move), 100.0)

    def test_an_invoice_in_dispute_as_a_whole_is_left_alone_for_that_reason(self):
        move = self._create_late_invoice(30, 100.0)
        self._dispute(move, 100.0)
        run = self._propose()
        self.assertEqual(self._reason(run, move), "disputed")
        self.profile._refresh()
        self.assertEqual(self.profile.disputed_amount, 100.0)
        self.assertEqual(self.profile.silence_reason, "disputed")
        self.assertEqual(self.profile.overdue_amount, 100.0)

    def test_a_payment_is_taken_for_what_is_not_in_dispute_first(self):
        move = self._create_late_invoice(30, 100.0)
        dispute = self._dispute(move, 30.0)
        self._pay(move, 70.0)
        self.assertEqual(self._reason(self._propose(), move), "disputed")
        self._run_cron("ir_cron_watch_disputes")
        self.assertEqual(dispute.state, "new")

    def test_of_instalments_the_oldest_is_held_first_or_the_one_that_is_named(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two",
                "line_ids": [
                    Command.create(
                        {
                            "value": "percent",
                            "value_amount": 50,
                            "nb_days": days,
                            "delay_type": "days_after",
                        }
                    )
                    for days in (0, 20)
                ],
            }
        )
        move = self._create_late_invoice(
            10, 100.0, invoice_payment_term_id=term.id, invoice_date_due=False
        )
        first, last = self._receivable_line(move)

        def held():
            facts = self.env["credit.dunning.facts"]._gather(
                self.company, self.today, self.customer
            )
            items = facts.customers[self.customer.id].items
            return {
                item.ref: sum(float(held.amount) for held in item.withheld)
                for item in items
            }

        self._dispute(move, 60.0)
        self.assertEqual(held(), {first.id: 50.0, last.id: 10.0})
        self._dispute(move, 30.0, item=last)
        self.assertEqual(held(), {first.id: 50.0, last.id: 40.0})

    def test_nothing_is_disputed_twice_nor_more_than_is_open(self):
        move = self._create_late_invoice(30, 100.0)
        self.assertEqual(self._dispute(move, 80.0).amount_disputed, 80.0)
        self.assertEqual(self._dispute(move, 80.0).amount_disputed, 20.0)
        with self.assertRaises(UserError):
            self._dispute(move, 80.0)

    def test_the_same_again_holds_nothing_until_a_person_says_so(self):
        move = self._create_late_invoice(30, 100.0)
        self._settle(self._dispute(move, 30.0, source="portal"), "reject")
        again = self._dispute(move, 30.0, source="portal")
        self.assertTrue(again.is_unconfirmed)
        with freeze_time("2026-06-13 09:00:00"):  # after the new day to pay
            self.assertEqual(self._claimed(move), 100.0)
            again.with_user(self.collector).action_confirm_hold()
            self.assertEqual(self._claimed(move), 70.0)

    def test_who_never_answers_does_not_stop_reminders_for_ever(self):
        move = self._create_late_invoice(30, 100.0)
        dispute = self._dispute(move, 30.0, source="portal")
        self._settle(dispute, "ask")
        self.assertEqual(dispute.state, "waiting")
        self.assertEqual(self._claimed(move), 70.0)
        with freeze_time("2026-05-28 09:00:00"):  # a day after the fourteen
            self.assertEqual(self._claimed(move), 100.0)
            self._run_cron("ir_cron_watch_disputes")
            self.assertEqual(dispute.state, "in_progress")
            self.assertEqual(self._claimed(move), 100.0)

    # === DEADLINE === #

    def test_the_clock_stands_still_while_we_wait_for_the_customer(self):
        dispute = self._dispute(self._create_late_invoice(30), 30.0)
        self.assertEqual(str(dispute.deadline), "2026-05-20")
        self._settle(dispute, "ask")
        with freeze_time("2026-05-18 09:00:00"):  # Thursday, Friday, Monday
            dispute.action_resume()
            self.assertEqual(str(dispute.deadline), "2026-05-25")
        with freeze_time("2026-05-26 09:00:00"):
            dispute.invalidate_recordset(["is_late"])
            self.assertTrue(dispute.is_late)
            self.assertIn(
                dispute, self.env["credit.dispute"].search([("is_late", "=", True)])
            )

    def test_what_is_not_answered_in_time_goes_to_a_manager_once(self):
        boss = new_test_user(
            self.env,
            login="dispute_boss",
            groups="base.group_user,credit_management.group_credit_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.company.credit_dispute_user_id = boss
        dispute = self._dispute(self._create_late_invoice(30), 30.0)
        self._run_cron("ir_cron_watch_disputes")
        self.assertFalse(dispute.escalated_date)
        for day in ("2026-05-21", "2026-05-22"):
            with freeze_time(f"{day} 09:00:00"):
                self._run_cron("ir_cron_watch_disputes")
        tasks = dispute.activity_ids.filtered(lambda task: task.user_id == boss)
        self.assertEqual(len(tasks), 1)
        self.assertEqual(str(dispute.escalated_date), "2026-05-21")
        self.assertIn("dispute_boss", str(dispute.message_ids.mapped("body")))

    def test_tasks_are_in_the_language_of_whoever_gets_them(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.collector.lang = "fr_FR"
        self.price.user_ids = self.collector
        self.customer.lang = "en_US"
        move = self._create_late_invoice(30, 100.0)
        with patch.object(
            type(self.env), "_", lambda env, source, *args, **kwargs: env.lang or ""
        ):
            dispute = self._dispute(move, 30.0, source="portal")
        self.assertEqual(dispute.activity_ids.summary, "fr_FR")

    def test_the_owner_with_the_fewest_open_disputes_gets_the_next_one(self):
        others = [
            new_test_user(
                self.env,
                login=f"dispute_owner_{at}",
                groups="base.group_user,credit_management.group_credit_user",
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for at in range(2)
        ]
        self.price.user_ids = others[0] + others[1]
        move = self._create_late_invoice(30, 100.0)
        owners = [self._dispute(move, 10.0).user_id for _at in range(4)]
        self.assertEqual(owners, others * 2)

    # === REJECTED === #

    def test_after_a_rejection_it_is_chased_at_its_level_once_the_new_day_is_over(self):
        move = self._create_late_invoice(12, 100.0)
        run = self._send_all_due()
        self.assertEqual(run.letter_ids.level_id, self.first)
        dispute = self._dispute(move, 100.0)
        with freeze_time("2026-05-25 09:00:00"):
            self._settle(dispute, "reject", pay_by="2026-06-01")
            self.assertEqual(self._reason(self._propose(), move), "dispute_answered")
            self.assertEqual(move.credit_level_id, self.first)
        with freeze_time("2026-06-02 09:00:00"):
            run = self._propose()
            letter = run.letter_ids.filtered(lambda each: move in each.line_ids.move_id)
            self.assertEqual(letter.level_id, self.second)
        told = dispute._get_customer_messages()[-1]
        self.assertIn("cannot agree", str(told.body))
        self.assertIn("So it is.", str(told.body))

    def test_a_rejection_says_why_and_until_when_to_pay(self):
        dispute = self._dispute(self._create_late_invoice(30), 30.0)
        wizard = self.env["credit.dispute.settle"].create(
            {"dispute_id": dispute.id, "kind": "reject"}
        )
        with self.assertRaises(UserError):
            wizard.action_apply()
        wizard.write({"text": "No", "pay_by": self._day(1)})
        with self.assertRaises(UserError):
            wizard.action_apply()

    # === ENDS BY ITSELF === #

    def test_it_ends_by_itself_when_the_disputed_rest_is_paid(self):
        move = self._create_late_invoice(30, 100.0)
        dispute = self._dispute(move, 30.0)
        self._pay(move)
        self._run_cron("ir_cron_watch_disputes")
        self.assertEqual(dispute.state, "withdrawn")
        self.assertEqual(dispute.closed_by, "payment")

    def test_matching_a_payment_wakes_the_job_that_ends_it(self):
        move = self._create_late_invoice(30, 100.0)
        self._dispute(move, 30.0)
        cron = self.env.ref("credit_management.ir_cron_watch_disputes")
        domain = [("cron_id", "=", cron.id)]
        before = self.env["ir.cron.trigger"].sudo().search_count(domain)
        self._pay(self._create_late_invoice(30, 55.0))
        self.assertEqual(
            self.env["ir.cron.trigger"].sudo().search_count(domain), before
        )
        self._pay(move)
        self.assertGreater(
            self.env["ir.cron.trigger"].sudo().search_count(domain), before
        )

    def test_it_ends_by_itself_when_somebody_credits_it_by_hand(self):
        move = self._create_late_invoice(30, 100.0)
        dispute = self._dispute(move, 30.0)
        credit = self._create_credit_note(30.0)
        (self._receivable_line(move) + self._receivable_line(credit)).reconcile()
        self._run_cron("ir_cron_watch_disputes")
        self.assertEqual(dispute.state, "accepted")
        self.assertEqual(dispute.closed_by, "credit_note")
        self.assertEqual(dispute.amount_credited, 30.0)

    def test_the_credit_note_of_one_dispute_ends_no_other(self):
        move = self._create_late_invoice(30, 100.0)
        one, other = self._dispute(move, 60.0), self._dispute(move, 30.0, self.quality)
        self._settle(one, "accept")
        self._run_cron("ir_cron_watch_disputes")
        self.assertEqual(other.state, "new")

    # === DOORS === #

    def test_what_is_settled_moves_no_more(self):
        dispute = self._dispute(self._create_late_invoice(30), 30.0)
        self._settle(dispute, "withdraw")
        for door in ("action_start", "action_confirm_hold", "action_accept"):
            with self.subTest(door=door), self.assertRaises(UserError):
                getattr(dispute, door)()

    def test_people_write_no_state_no_amount_and_no_date(self):
        dispute = self._dispute(self._create_late_invoice(30), 30.0)
        mine = dispute.with_user(self.collector)
        for vals in (
            {"state": "accepted"},
            {"pay_by": "2027-01-01"},
            {"is_unconfirmed": True},
            {"description": "Other"},
            {"answer_by": "2099-01-01"},
        ):
            with self.subTest(vals=vals), self.assertRaises(UserError):
                mine.write(vals)
        with self.assertRaises(UserError):
            mine.line_ids.write({"amount": 99})
        with self.assertRaises(ValidationError):
            mine.line_ids.write({"amount_accepted": 31})
        mine.line_ids.write({"amount_accepted": 20})
        with self.assertRaises(AccessError):
            mine.unlink()

    def test_the_window_disputes_what_is_filled_in_of_its_own_customer(self):
        move = self._create_taxed_invoice([100.0, 50.0])
        action = move.with_user(self.collector).action_credit_dispute()
        wizard = (
            self.env[action["res_model"]]
            .with_user(self.collector)
            .browse(action["res_id"])
        )
        self.assertEqual(wizard.line_ids.mapped("amount_open"), [115.0, 57.5])
        wizard.line_ids[1].amount = 20.0
        other = self._create_late_invoice(30, 9.0, partner=self._create_customer("B"))
        wizard.line_ids = [
            Command.create({"move_id": other.id, "amount_open": 9.0, "amount": 9.0})
        ]
        dispute = self.env["credit.dispute"].browse(wizard.action_open()["res_id"])
        self.assertEqual(dispute.line_ids.move_id, move)
        self.assertEqual(dispute.line_ids.invoice_line_id, move.invoice_line_ids[1])
        self.assertEqual(dispute.amount_disputed, 20.0)

    def test_a_short_payment_is_disputed_for_just_what_is_missing(self):
        move = self._create_taxed_invoice([100.0, 50.0])
        self._pay(move, 100.0)
        action = move.action_credit_dispute_short()
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(wizard.line_ids.amount, 72.5)
        dispute = self.env["credit.dispute"].browse(wizard.action_open()["res_id"])
        self.assertEqual(dispute.amount_disputed, 72.5)

    def test_from_a_letter_what_it_asks_for_may_be_disputed(self):
        move = self._create_late_invoice(12, 100.0)
        letter = self._propose().letter_ids
        action = letter.action_dispute()
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(wizard.line_ids.move_id, move)

    # === SHOWN === #

    def test_letter_and_statement_say_what_is_in_dispute_and_not_asked_for(self):
        move = self._create_late_invoice(12, 100.0)
        self._dispute(move, 30.0)
        letter = self._propose().letter_ids
        line = letter.line_ids
        self.assertEqual((line.amount, line.disputed_amount), (70.0, 30.0))
        _subject, body = letter._render_texts()[letter.id]
        self.assertIn("In dispute, not asked for", body)
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "credit_management.report_credit_dunning_letter", letter.ids
        )
        self.assertIn("In dispute, not asked for", html.decode())
        Builder = self.env["credit.statement.builder"]
        (section,) = Builder._build(self.company, self.customer, "open", self.today)[
            self.customer.id
        ]
        self.assertIn("in dispute", section["rows"][0]["what"])
        self.assertIn("30.00", section["rows"][0]["what"])
        (before,) = Builder._build(self.company, self.customer, "open", self._day(1))[
            self.customer.id
        ]
        self.assertNotIn("in dispute", before["rows"][0]["what"])

    def test_the_timeline_of_the_customer_has_its_disputes(self):
        dispute = self._dispute(self._create_late_invoice(30), 30.0)
        kinds = {(row["kind"], row["res_id"]) for row in self.profile.history}
        self.assertIn(("dispute", dispute.id), kinds)

    # === TOLD === #

    def test_nothing_leaves_where_the_company_writes_to_nobody(self):
        dispute = self._dispute(self._create_late_invoice(30), 30.0)
        mails = [("model", "=", "credit.dispute"), ("res_id", "=", dispute.id)]
        self.company.credit_mode = "simulate"
        dispute._tell_opened()
        self.assertFalse(self.env["mail.mail"].sudo().search(mails))
        self.company.credit_mode = "live"
        dispute._tell_opened()
        mail = self.env["mail.mail"].sudo().search(mails)
        self.assertEqual(mail.recipient_ids, self.customer)
        self.assertIn(f"/my/disputes/{dispute.id}", mail.body_html)
        self.assertEqual(mail.state, "outgoing")  # the queue of the host sends it

    def test_the_reason_measures_how_long_its_disputes_take(self):
        move = self._create_late_invoice(30, 100.0)
        disputes = [self._dispute(move, 10.0) for _at in range(4)]
        for dispute, days in zip(disputes[:3], (2, 3, 10), strict=True):
            with freeze_time(f"{self.today + timedelta(days=days)} 09:00:00"):
                self._settle(dispute, "withdraw")
        with freeze_time("2026-06-13 09:00:00"):
            self.price.invalidate_recordset()
            self.assertEqual(self.price.median_days, 3)
            self.assertEqual(self.price.mean_days, 5)
            self.assertEqual(self.price.open_count, 1)
            ages = dict(
                self.env["credit.dispute"]._read_group(
                    [("closed_date", "=", False)], ["age"], ["__count"]
                )
            )
            self.assertEqual(ages, {"over_30": 1})

    # === REPORTED === #

    def test_opened_and_settled_are_counted_by_week_with_days_to_settle(self):
        move = self._create_late_invoice(60, 100.0)
        disputes = [self._dispute(move, 10.0) for _at in range(4)]
        for dispute, day in zip(disputes, (14, 15, 28), strict=False):
            with freeze_time(f"2026-05-{day} 09:00:00"):
                self._settle(dispute, "withdraw")
        self.env.flush_all()
        Report = self.env["credit.dispute.report"].with_user(self.collector)
        domain = [("dispute_id", "in", [dispute.id for dispute in disputes])]
        weeks = {
            (kind, str(week)): count
            for kind, week, count in Report._read_group(
                domain, ["kind", "date:week"], ["__count"]
            )
        }
        self.assertEqual(
            weeks,
            {
                ("opened", "2026-05-10"): 4,
                ("settled", "2026-05-10"): 2,
                ("settled", "2026-05-24"): 1,
            },
        )
        [(count, median, mean)] = Report._read_group(
            domain + [("kind", "=", "settled")],
            [],
            ["__count", "days_median:avg", "days_mean:avg"],
        )
        self.assertEqual((count, median), (3, 2))
        self.assertAlmostEqual(mean, 6.0)
        # As the web client asks.
        groups = Report.formatted_read_group(domain, ["kind"], ["days_median:avg"])
        self.assertEqual([each["days_median:avg"] for each in groups], [False, 2])
        row = Report.search(domain + [("kind", "=", "settled")], limit=1)
        self.assertEqual(row.action_open_dispute()["res_id"], row.dispute_id.id)
