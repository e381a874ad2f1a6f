from unittest.mock import patch

import psycopg2

from odoo.exceptions import ConcurrencyError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditCommon

STATEMENT_LOG = "odoo.addons.credit_management.models.credit_statement_sending"


@tagged("post_install", "-at_install", "credit_once")
class TestNights(CreditCommon):
    """What jobs leave behind for people: names, tasks, empty runs, other companies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        others = cls.env["res.company"].search([("id", "!=", cls.company.id)])
        others.write({"credit_mode": "off"})
        cls.bot = cls.env.ref("base.user_root")
        cls.manager = new_test_user(
            cls.env,
            "night_manager",
            "base.group_user,credit_management.group_credit_manager",
            company_id=cls.company.id,
        )

    def _nightly(self):
        self._run_cron("ir_cron_nightly_run")
        return self.env["credit.dunning.run"].search(
            [("company_id", "=", self.company.id), ("is_nightly", "=", True)]
        )

    # === THE RUN === #

    def test_a_run_is_named_in_the_language_of_its_company(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["res.lang"]._activate_lang("nl_NL")
        self.company.partner_id.lang = "de_DE"
        self._create_late_invoice(4)
        by_night = self._nightly()
        german = by_night.with_context(lang="de_DE").env._("Nightly run")
        self.assertEqual(by_night.name, f"{german} {self.today}")
        Run = self.env["credit.dunning.run"].with_context(lang="nl_NL")
        by_hand = Run.create({"company_id": self.company.id, "date": self.today})
        german = by_hand.with_context(lang="de_DE").env._("Run")
        self.assertEqual(by_hand.name, f"{german} {self.today}")

    def test_a_night_with_nothing_to_say_closes_itself(self):
        self._create_late_invoice(1)  # before the first level
        run = self._nightly()
        self.assertEqual(run.state, "done")
        self.assertEqual(run.outcome_count, 1)
        self.assertIn("Nobody is chased tonight", str(run.message_ids.mapped("body")))
        self.assertEqual(self._nightly(), run)
        with freeze_time("2026-05-14 09:00:00"):
            self.assertEqual(self._nightly().date, self.company._credit_today())

    def test_a_night_with_letters_waits_for_a_person(self):
        self._create_late_invoice(4)
        run = self._nightly()
        self.assertEqual(run.state, "proposed")
        self.assertFalse(run.hold_reason)

    def test_a_clash_with_the_night_is_tried_again_and_no_error(self):
        self._create_late_invoice(4)
        self._propose()
        run = self.env["credit.dunning.run"].create({"company_id": self.company.id})
        Facts = type(self.env["credit.dunning.facts"])
        # What another transaction commits meanwhile is not seen in this one.
        with (
            patch.object(Facts, "_add_open_letters", lambda *args: None),
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(flush=False) as savepoint,
        ):
            with self.assertRaises(ConcurrencyError):
                run.action_propose()
            savepoint.rollback()
        self.env.invalidate_all()
        run.action_propose()
        self.assertEqual(run.outcome_ids.reason, "in_open_run")

    def test_another_broken_rule_of_the_database_is_not_tried_again(self):
        self._create_late_invoice(4)
        run = self.env["credit.dunning.run"].create({"company_id": self.company.id})
        Letter = type(self.env["credit.dunning.letter"])
        error = psycopg2.errors.UniqueViolation()
        with (
            patch.object(Letter, "_create_from_messages", side_effect=error),
            self.assertRaises(psycopg2.errors.UniqueViolation),
        ):
            run.action_propose()

    # === TASKS === #

    def _assert_task_of(self, record, user):
        self.assertTrue(record.activity_ids)
        self.assertEqual(record.activity_ids.user_id, user)

    def test_tasks_without_collector_go_to_a_person_and_not_to_the_program(self):
        self.policy.automatic = True
        self.first.activity_type_id = self.env.ref("mail.mail_activity_data_todo")
        self._create_late_invoice(4)
        run = self._nightly()
        run.user_id = False
        letter = run.letter_ids
        self.assertFalse(letter.user_id)
        letter.with_user(self.bot).sudo()._fail("550 no such user")
        self.assertTrue(letter.activity_ids)
        self.assertNotIn(self.bot, letter.activity_ids.user_id)
        letter.activity_ids.unlink()
        letter.with_user(self.bot).sudo()._set_unknown("cut off")
        self.assertTrue(letter.activity_ids)
        self.assertNotIn(self.bot, letter.activity_ids.user_id)
        profile = letter.profile_id
        profile.activity_ids.unlink()
        letter.with_user(self.bot).sudo()._set_sent()
        self.assertTrue(profile.activity_ids)
        self.assertNotIn(self.bot, profile.activity_ids.user_id)

    def test_the_one_of_the_company_is_asked_before_who_manages_credit(self):
        self._create_late_invoice(4)
        letter = self._propose().letter_ids
        self.company.credit_user_id = self.manager
        letter.with_user(self.bot).sudo()._fail("550 no such user")
        self._assert_task_of(letter, self.manager)

    def test_the_salesperson_is_asked_when_nobody_else_is_there(self):
        seller = new_test_user(
            self.env,
            "night_seller",
            "base.group_user,credit_management.group_credit_user",
            company_id=self.company.id,
        )
        self.customer.user_id = seller
        self._create_late_invoice(4)
        letter = self._propose().letter_ids
        self.env.cr.execute(
            "DELETE FROM res_groups_users_rel WHERE gid = %s",
            [self.env.ref("credit_management.group_credit_manager").id],
        )
        self.env.invalidate_all()
        profile = letter.profile_id.with_user(self.bot).sudo()
        self.assertEqual(profile._get_informed_user(self.bot), seller)
        # Who may not read the letter cannot be given its task.
        self.customer.user_id = new_test_user(
            self.env, "night_outsider", "base.group_user", company_id=self.company.id
        )
        self.assertNotEqual(profile._get_informed_user(self.bot), self.customer.user_id)

    def test_a_held_run_asks_a_person(self):
        self.policy.automatic = True
        self._create_late_invoice(4)
        run = self._nightly()
        run.user_id = False
        run.with_user(self.bot).sudo()._hold_for_bank()
        self.assertNotIn(self.bot, run.activity_ids.user_id)

    # === CONTACTS === #

    def test_a_letter_goes_to_no_contact_of_another_company(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = self._create_customer(
            "Foreign",
            parent_id=self.customer.id,
            is_company=False,
            type="dunning",
            company_id=other.id,
        )
        self._create_late_invoice(4)
        run = self._propose()
        self.assertEqual(run.letter_ids.partner_id, self.customer)
        foreign.company_id = False
        run.action_propose()
        self.assertEqual(run.letter_ids.partner_id, foreign)

    # === STATEMENTS === #

    def _make_statements(self):
        with freeze_time("2026-05-04 09:00:00"):
            self._run_cron("ir_cron_make_statements")

    def test_one_company_with_a_broken_ledger_keeps_no_other_waiting(self):
        self._create_late_invoice(10)
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        profile.statement_monthly = True
        profile.sudo().statement_monthly_since = "2026-01-01"
        broken = self.env["res.company"].create(
            {"name": "Broken", "credit_mode": "live"}
        )
        broken.sequence = self.company.sequence - 1
        Statement = type(self.env["credit.statement"])
        make = Statement._make_monthly

        def make_or_break(statements, company):
            if company == broken:
                raise ValueError("no rate of the day")
            return make(statements, company)

        with (
            patch.object(Statement, "_make_monthly", make_or_break),
            mute_logger(STATEMENT_LOG),
        ):
            self._make_statements()
        made = self.env["credit.statement"].search([("profile_id", "=", profile.id)])
        self.assertEqual(made.state, "queued")
        self.assertIn("no rate", broken.credit_statement_error)
        self.assertFalse(self.company.credit_statement_error)
        self._make_statements()
        self.assertFalse(broken.credit_statement_error)

    def test_the_overview_tells_that_statements_were_not_made(self):
        self.company.sudo().credit_statement_error = "no rate of the day"
        collector = new_test_user(
            self.env,
            "night_collector",
            "base.group_user,credit_management.group_credit_user",
            company_id=self.company.id,
        )
        Overview = self.env["credit.overview"].with_user(collector)
        alarms = Overview.browse(Overview.action_open()["res_id"]).alarm_ids
        alarm = alarms.filtered(lambda a: a.code == "monthly_failed")
        self.assertIn("no rate of the day", alarm.details)

    # === WHAT THE SERVER SAID === #

    def test_a_failed_letter_says_what_the_mail_server_said(self):
        self._create_late_invoice(4)
        run = self._propose()
        self._send(run, deliver=False)
        letter = run.letter_ids
        reason = (
            "Mail Delivery Failed\nMail delivery failed via SMTP server 'mx'.\n"
            "SMTPRecipientsRefused: {'a@example.com': (550, b'<a> no such user')}"
        )
        mail = letter.sudo().mail_ids
        mail.write({"state": "exception", "failure_reason": reason})
        letter.sudo()._apply_mail_results(mail, reason, "unknown")
        self.assertEqual(letter.state, "failed")
        self.assertEqual(letter.state_reason, "550 <a> no such user")
