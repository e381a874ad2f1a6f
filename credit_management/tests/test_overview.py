"""What waits for a person, and what is wrong, each with the way to it."""

from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditCommon

RUN_LOG = "odoo.addons.credit_management.models.credit_dunning_run"


@tagged("post_install", "-at_install")
class TestOverview(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # As on a server whose jobs were all run a moment ago.
        cls.crons = cls.env["ir.cron"].sudo().with_context(active_test=False)
        for name in cls.env["credit.overview"]._get_job_names():
            cls.crons |= cls.env.ref(name).sudo()
        now = fields.Datetime.now()
        cls.crons.write({"nextcall": now, "active": True, "failure_count": 0})
        cls.env["credit.dunning.run"]._make_nightly_run(cls.company)
        cls.collector = new_test_user(
            cls.env,
            login="overview_collector",
            groups="credit_management.group_credit_user",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _open(self):
        Overview = self.env["credit.overview"].with_user(self.collector)
        return Overview.browse(Overview.action_open()["res_id"])

    def _alarm(self, code):
        alarms = self._open().alarm_ids
        self.assertEqual(alarms.mapped("code"), [code])
        return alarms

    def _queued_letter(self):
        self._create_late_invoice(4)
        run = self._propose()
        run.action_approve_and_send()
        return run.letter_ids.sudo()

    def test_no_alarm_when_all_is_well(self):
        self._queued_letter()
        self.assertFalse(self._open().alarm_ids)

    def test_jobs_that_stand_still_are_named(self):
        now = fields.Datetime.now()
        self.crons[0].nextcall = now - timedelta(hours=1)
        alarm = self._alarm("jobs_stand_still")
        self.assertTrue(alarm.is_grave)
        self.assertIn("nightly dunning run", alarm.details)

    def test_a_job_that_is_switched_off_is_named(self):
        for cron in self.crons:
            cron.active = False
            alarm = self._alarm("job_switched_off")
            self.assertIn(cron.name.split(": ", 1)[-1], alarm.details)
            cron.active = True

    def test_each_job_of_ours_is_watched(self):
        ours = self.env["ir.model.data"].search(
            [("module", "=", "credit_management"), ("model", "=", "ir.cron")]
        )
        self.assertLessEqual(set(ours.mapped("res_id")), set(self.crons.ids))

    def test_a_job_that_fails_is_named(self):
        self.crons[0].failure_count = 2
        self.assertIn("2", self._alarm("job_fails").details)

    def test_a_nightly_run_that_failed_says_why(self):
        Run = self.env["credit.dunning.run"]
        tonight = Run.search(
            [("is_nightly", "=", True), ("company_id", "=", self.company.id)]
        )
        tonight.sudo().state = "cancelled"  # it had nothing to say, and was done
        tonight.unlink()
        self.company.credit_run_hour = 2  # hours ago
        with (
            patch.object(type(Run), "_propose", side_effect=ValueError("no rate")),
            mute_logger(RUN_LOG),
        ):
            self._run_cron("ir_cron_nightly_run")
        alarm = self._alarm("run_missed")
        self.assertIn("no rate", alarm.details)
        self.assertTrue(alarm.is_grave)
        self._run_cron("ir_cron_nightly_run")
        self.assertFalse(self._open().alarm_ids)
        self.assertFalse(self.company.credit_run_error)

    def test_a_letter_that_does_not_leave_the_queue(self):
        letter = self._queued_letter()
        letter.queued_date -= timedelta(hours=1)
        self._alarm("letters_stuck")
        # One that waits for a working day is not stuck.
        letter.queued_until = fields.Datetime.now() + timedelta(days=1)
        self.assertFalse(self._open().alarm_ids)

    def test_a_mail_that_does_not_leave_the_queue_of_the_host(self):
        letter = self._queued_letter()
        self._run_cron("ir_cron_send_letters")
        self.env.cr.execute(
            "UPDATE mail_mail SET write_date = write_date - interval '1 hour'"
            " WHERE id = %s",
            letter.mail_ids.ids,
        )
        self.env.invalidate_all()
        self._alarm("mails_stuck")

    def test_a_mail_server_that_refuses_is_quoted(self):
        letter = self._queued_letter()
        letter.write(
            {
                "state": "sending",
                "attempt_count": 1,
                "queued_until": fields.Datetime.now() + timedelta(minutes=5),
                "state_reason": "451 Greylisted",
            }
        )
        self.assertIn("451 Greylisted", self._alarm("mail_refused").details)

    def test_unknown_and_failed_open_their_letters(self):
        for state, vals in (("unknown", {}), ("failed", {"failure_open": True})):
            letter = self._queued_letter()
            letter.write({"state": state} | vals)
            alarm = self._alarm(state)
            action = alarm.action_open()
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(found, letter)
            letter.write({"state": "reversed", "failure_open": False})

    def _queued_statement(self):
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        self._create_late_invoice(4)
        self.env["credit.statement.make"].create(
            {"profile_ids": [Command.set(profile.ids)]}
        ).action_send()
        return self.env["credit.statement"].search(
            [("profile_id", "=", profile.id)], order="id desc", limit=1
        )

    def test_a_statement_that_does_not_leave_the_queue(self):
        statement = self._queued_statement()
        self.assertEqual(statement.state, "queued")
        self.assertFalse(self._open().alarm_ids)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE credit_statement SET write_date = %s WHERE id = %s",
            [fields.Datetime.now() - timedelta(hours=1), statement.id],
        )
        self.env.invalidate_all()
        alarm = self._alarm("statements_stuck")
        self.assertTrue(alarm.is_grave)
        action = alarm.action_open()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, statement)

    def test_a_statement_that_failed_until_a_newer_one_goes(self):
        statement = self._queued_statement()
        statement._fail("550 No such user")
        alarm = self._alarm("statements_failed")
        action = alarm.action_open()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, statement)
        overview = self._open()
        self.assertEqual(overview.statement_count, 1)
        action = overview.action_view_statements()
        self.assertEqual(self.env["credit.statement"].search(action["domain"]), found)
        self.env.cr.execute(
            "UPDATE credit_statement SET create_date = %s WHERE id = %s",
            [fields.Datetime.now() - timedelta(days=32), statement.id],
        )
        self.env.invalidate_all()
        self.assertFalse(self._open().statement_count)
        other = self._queued_statement()
        other._fail("550 No such user")
        self.assertEqual(self._open().statement_count, 1)
        self._queued_statement()
        self.assertFalse(self._open().statement_count)

    def test_the_emergency_stop_says_how_many_wait(self):
        self._queued_letter()
        self.company.credit_stopped = True
        self.assertIn("1", self._alarm("stopped").details)

    def test_each_figure_counts_what_its_list_shows(self):
        review = self._create_late_invoice(4).partner_id
        self._propose()
        other = self._create_customer("Other")
        self._create_late_invoice(4, partner=other)
        self._send_all_due()
        overview = self._open()
        for name in ("sent", "review", "waiting", "trouble", "print"):
            action = getattr(overview, f"action_view_{name}")()
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(overview[f"{name}_count"], len(found), name)
        self.assertEqual((overview.sent_count, overview.review_count), (1, 1))
        self.assertNotEqual(review, other)

    def test_disputes_and_holds_are_counted_while_they_wait_for_us(self):
        invoice = self._create_late_invoice(4)
        profile = self.env["credit.profile"]._get_or_create(
            self.company, invoice.partner_id
        )
        reason = self.env["credit.dispute.reason"].search([], limit=1)
        dispute = self.env["credit.dispute"]._open(
            profile, reason, [{"move": invoice, "amount": 10.0}], "Broken"
        )
        hold = (
            self.env["credit.hold"]
            .sudo()
            .create(
                {
                    "name": "Order",
                    "res_model": "account.move",
                    "res_id": invoice.id,
                    "stage": "confirm",
                    "profile_id": profile.id,
                    "currency_id": self.company.currency_id.id,
                    "date": fields.Datetime.now(),
                }
            )
        )
        dispute._hear_customer("Two of them", invoice.partner_id)
        message = self.env["credit.message"].search([("res_id", "=", dispute.id)])
        overview = self._open()
        self.assertEqual((overview.dispute_count, overview.hold_count), (1, 1))
        self.assertEqual(overview.message_count, 1)
        cases = {"disputes": dispute, "holds": hold, "messages": message}
        for name, record in cases.items():
            action = getattr(overview, f"action_view_{name}")()
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(found.ids, record.ids)
        dispute._ask("Which ones?")
        hold._refuse("No")
        overview = self._open()
        self.assertEqual((overview.dispute_count, overview.hold_count), (0, 0))
        self.assertEqual(overview.message_count, 0)

    # === AGES === #

    def test_ages_are_told_apart_by_the_day(self):
        for days_late in (0, 1, 30, 31, 60, 61, 90, 91):
            self._create_late_invoice(days_late, 1000.0 + days_late)
        self._create_credit_note(50.0)
        ages = {age.kind: (age.amount, age.count) for age in self._open().age_ids}
        self.assertEqual(
            ages,
            {
                "not_due": (1000.0, 1),
                "to_30": (2031.0, 2),
                "to_60": (2091.0, 2),
                "to_90": (2151.0, 2),
                "over_90": (1091.0, 1),
                "credits": (-50.0, 1),
            },
        )

    def test_each_age_is_made_of_its_list_and_all_of_them_of_the_ledger(self):
        foreign = self.setup_other_currency("EUR")
        for days_late in (-5, 10, 45, 75, 200):
            self._create_late_invoice(days_late, 100.0 - days_late / 7)
        self._create_late_invoice(10, 50.0, currency_id=foreign.id)
        self._pay(self._create_late_invoice(3, 80.0), 30.0)
        self._create_credit_note(50.0)
        total = 0.0
        for age in self._open().age_ids:
            items = self.env["account.move.line"].search(age.action_open()["domain"])
            self.assertEqual(len(items), age.count)
            amount = sum(items.mapped("amount_residual"))
            self.assertAlmostEqual(amount, age.amount)
            total += age.amount
        receivable = self.env["account.move.line"].search(
            [
                ("company_id", "=", self.company.id),
                ("account_id.account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
            ]
        )
        self.assertAlmostEqual(total, sum(receivable.mapped("balance")))

    def test_nothing_of_another_company_is_counted(self):
        self._queued_letter().write({"state": "unknown"})
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        elsewhere.write({"credit_mode": "off", "credit_start_skipped": True})
        self.env.user.company_ids += elsewhere
        Overview = self.env["credit.overview"].with_context(
            allowed_company_ids=elsewhere.ids
        )
        overview = Overview.browse(Overview.action_open()["res_id"])
        self.assertFalse(overview.alarm_ids)
        self.assertFalse(overview.trouble_count)

    def test_only_people_of_credit_see_it(self):
        seller = new_test_user(
            self.env,
            login="overview_seller",
            groups="base.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        with self.assertRaises(AccessError):
            self.env["credit.overview"].with_user(seller).action_open()

    # === BY LEVEL, AND CHARTS === #

    def test_what_left_since_yesterday_is_told_by_level(self):
        self._create_late_invoice(4, 100.0)
        self._send_all_due()
        self._create_late_invoice(2, 40.0, self._create_customer("Not Yet"))
        level = self._open().level_ids
        self.assertEqual(level.level_id, self.first)
        self.assertEqual((level.count, level.amount), (1, 100.0))
        action = level.action_open()
        letters = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(letters, self._letters_of(self.customer))
        letters.sudo().sent_date -= timedelta(hours=25)
        self.assertFalse(self._open().level_ids)

    def test_the_chart_of_ages_shows_the_amounts_of_the_list(self):
        self.assertFalse(self._open().age_chart)
        for days_late, amount in ((0, 5.0), (10, 30.0), (70, 20.0)):
            self._create_late_invoice(days_late, amount)
        self._create_credit_note(50.0)
        overview = self._open()
        amounts = [row["amount"] for row in overview.age_chart["rows"]]
        self.assertEqual(amounts, [5.0, 30.0, 0, 20.0, 0])
        late = [row["key"] for row in overview.age_chart["rows"]]
        self.assertEqual(late, ["open", *["late"] * 4])

    def test_cash_is_told_by_week(self):
        paid = self._create_late_invoice(20, 100.0)
        self._pay(paid, 60.0)  # this week, which began two days ago
        credited = self._create_late_invoice(20, 11.0)
        credit = self._create_credit_note(11.0)
        (self._receivable_line(credited) + self._receivable_line(credit)).reconcile()
        self._create_late_invoice(0, 7.0)  # due today: it may still come
        self._create_late_invoice(-5, 13.0)  # next Monday
        self._create_late_invoice(-26, 1000.0)  # beyond the four weeks
        rows = self._open().cash_chart["rows"]
        found = {(row["key"], row["amount"]) for row in rows if row["amount"]}
        self.assertEqual(
            found, {("collected", 60.0), ("expected", 7.0), ("expected", 13.0)}
        )
        self.assertEqual(rows[7]["amount"], 60.0)
        self.assertEqual([row["amount"] for row in rows[8:]], [7.0, 13.0, 0, 0])
        self.assertIn("60.00", rows[7]["text"])

    def test_several_currencies_stand_in_no_chart(self):
        self._create_late_invoice(10)
        euro = self.setup_other_currency("EUR")
        elsewhere = self.env["res.company"].create(
            {"name": "Elsewhere", "currency_id": euro.id}
        )
        elsewhere.write({"credit_mode": "off", "credit_start_skipped": True})
        self.collector.company_ids += elsewhere
        Overview = (
            self.env["credit.overview"]
            .with_user(self.collector)
            .with_context(allowed_company_ids=(self.company + elsewhere).ids)
        )
        overview = Overview.browse(Overview.action_open()["res_id"])
        self.assertTrue(overview.age_ids)
        self.assertFalse(overview.age_chart or overview.cash_chart)
        self.assertTrue(overview.has_currencies)  # it says why
        alone = overview.with_context(allowed_company_ids=self.company.ids)
        alone = alone.browse(alone.action_open()["res_id"])
        self.assertFalse(alone.has_currencies)
