from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestStart(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"credit_mode": "simulate", "credit_user_id": False})
        cls.manager = cls._create_user("start_manager", "group_credit_manager")

    @classmethod
    def _create_user(cls, login, group):
        return new_test_user(
            cls.env,
            login=login,
            email=f"{login}@us.example.com",
            groups=f"credit_management.{group}",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _begin(self, user=None, **values):
        guide = self.env["credit.start"].with_user(user or self.manager)
        return guide.with_company(self.company).create(values)

    def _reach_test(self, **values):
        start = self._begin(**values)
        start.action_next()
        return start

    # === WHO, AND WHAT IS WRITTEN === #

    def test_the_choices_become_those_of_the_company(self):
        other = self._create_policy((5,), name="Other")
        self._begin(
            mode="redirect", redirect_email="try@us.example.com", policy_id=other.id
        ).action_next()
        self.assertEqual(self.company.credit_mode, "redirect")
        self.assertEqual(self.company.credit_redirect_email, "try@us.example.com")
        self.assertEqual(self.company.credit_policy_id, other)
        self.assertEqual(self.company.credit_user_id, self.manager)

    def test_a_company_that_is_live_stays_so_unless_told_otherwise(self):
        self.company.credit_mode = "live"
        self._begin().action_next()
        self.assertEqual(self.company.credit_mode, "live")

    def test_a_collector_sets_nothing_up(self):
        collector = self._create_user("start_collector", "group_credit_user")
        with self.assertRaises(AccessError):
            self._begin(collector)
        self.assertEqual(self.company.credit_mode, "simulate")

    def test_nobody_sets_up_a_company_in_which_they_do_not_work(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        with self.assertRaises(AccessError):
            self._begin(company_id=elsewhere.id)

    def test_redirecting_to_no_address_is_refused(self):
        with self.assertRaises(ValidationError):
            self._begin(mode="redirect", redirect_email="nobody")

    def test_it_opens_first_until_there_is_a_run_or_it_is_skipped(self):
        Overview = self.env["credit.overview"].with_user(self.manager)
        Overview = Overview.with_company(self.company)
        self.assertEqual(Overview.action_open()["res_model"], "credit.start")
        run = self._propose()
        self.assertEqual(Overview.action_open()["res_model"], "credit.overview")
        run.action_cancel()
        run.unlink()
        self.assertEqual(Overview.action_open()["res_model"], "credit.start")
        self.assertEqual(self._begin().action_skip()["res_model"], "credit.overview")
        self.assertEqual(Overview.action_open()["res_model"], "credit.overview")

    def test_it_opens_first_for_managers_only(self):
        collector = self._create_user("start_collector", "group_credit_user")
        Overview = self.env["credit.overview"].with_user(collector)
        action = Overview.with_company(self.company).action_open()
        self.assertEqual(action["res_model"], "credit.overview")

    def test_the_policy_reads_like_a_line_of_days(self):
        timeline = self._begin().timeline
        for words in (
            "3 days before it is due:",
            "3 days late:",
            "Level at 20 by e-mail",
        ):
            self.assertIn(words, timeline)

    # === THE TEST LETTER === #

    def _send_test(self, start):
        known = self.env["mail.mail"].search([])
        start.action_send_test()
        return self.env["mail.mail"].search([]) - known

    def test_the_test_letter_goes_to_oneself_alone(self):
        self._create_late_invoice(5, 321.0)
        mail = self._send_test(self._reach_test())
        self.assertEqual(mail.email_to, self.manager.email_formatted)
        self.assertFalse(mail.recipient_ids or mail.email_cc)
        self.assertIn("[Test]", mail.subject)
        self.assertIn("321", mail.body_html)
        self.assertIn("No customer got it", mail.body_html)

    def test_the_test_letter_is_kept_nowhere_and_raises_no_level(self):
        move = self._create_late_invoice(5)
        start = self._reach_test()
        self._send_test(start)
        self.assertFalse(self._letters_of(self.customer))
        self.assertFalse(move.credit_level_id)
        letter = self._propose().letter_ids
        self.assertEqual(letter.level_id, self.first)

    def test_without_a_late_customer_one_is_made_up(self):
        before = self.env["res.partner"].search_count([])
        start = self._reach_test()
        self.assertIn("made up", start.letter_about)
        mail = self._send_test(start)
        self.assertIn("EXAMPLE/0001", mail.body_html)
        self.assertEqual(self.env["res.partner"].search_count([]), before)

    def test_the_emergency_stop_holds_the_test_letter_too(self):
        start = self._reach_test()
        self.company.credit_stopped = True
        with self.assertRaises(UserError):
            start.action_send_test()

    def test_who_has_no_address_is_told_so(self):
        start = self._reach_test()
        self.manager.email = False
        with self.assertRaises(UserError):
            start.action_send_test()

    # === WHAT WOULD BE SENT TODAY === #

    def test_it_ends_in_a_proposal_and_nothing_is_sent(self):
        move = self._create_late_invoice(5)
        action = self._reach_test().action_propose()
        run = self.env["credit.dunning.run"].browse(action["res_id"])
        self.assertEqual(run.state, "proposed")
        self.assertEqual(run.letter_ids.line_ids.move_id, move)
        self.assertFalse(run.letter_ids.mail_ids)

    def test_asked_twice_it_shows_the_one_proposal_of_the_day(self):
        self._create_late_invoice(5)
        start = self._reach_test()
        first = start.action_propose()["res_id"]
        self.assertEqual(start.action_propose()["res_id"], first)

    def test_a_proposal_that_somebody_edited_is_not_made_anew(self):
        self._create_late_invoice(5)
        start = self._reach_test()
        start.action_propose()
        letter = self._letters_of(self.customer)
        letter.with_user(self.manager).custom_text = "<p>In our own words</p>"
        start.action_propose()
        self.assertEqual(self._letters_of(self.customer), letter)
        self.assertIn("own words", letter.custom_text)
