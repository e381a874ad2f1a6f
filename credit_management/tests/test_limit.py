"""Limits: asked for, decided, in force, over; nobody walks around it."""

from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditCommon

LOGS = ("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")


class LimitCommon(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls._create_user("limit_manager", "group_credit_manager")
        cls.second = cls._create_user("limit_second", "group_credit_manager")
        cls.collector = cls._create_user("limit_collector", "group_credit_user")
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )
        cls.partner = cls.customer.with_company(cls.company)

    @classmethod
    def _create_user(cls, login, group=None):
        groups = "base.group_user"
        if group:
            groups += f",credit_management.{group}"
        return new_test_user(
            cls.env,
            login=login,
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _ask(self, limit=5000.0, user=None, submit=True, **values):
        request = (
            self.env["credit.limit.request"]
            .with_user(user or self.collector)
            .create(
                {
                    "partner_id": self.customer.id,
                    "asked_limit": limit,
                    "reason": "Orders to come",
                }
                | values
            )
        )
        if submit:
            request.action_submit()
        return request

    def _grant(self, limit=5000.0, **values):
        request = self._ask(limit, **values)
        request.with_user(self.manager).action_approve()
        return request

    def _grant_until(self, limit, days, **values):
        return self._grant(
            limit, date_until=self.today + timedelta(days=days), **values
        )

    def _pass_days(self, days):
        """Let the job run on a day to come."""
        with freeze_time(f"{self.today + timedelta(days=days)} 09:00:00"):
            self._run_cron("ir_cron_advance_limits")

    def _get_requests(self):
        return self.env["credit.limit.request"].search(
            [("partner_id", "=", self.customer.id)], order="id"
        )


@tagged("post_install", "-at_install", "credit_once")
class TestLimit(LimitCommon):
    # === ASKED, DECIDED, IN FORCE === #

    def test_what_is_approved_stands_where_the_host_keeps_it(self):
        request = self._ask()
        self.assertEqual(request.state, "submitted")
        self.assertEqual(self.partner.credit_limit, 0.0)
        request.with_user(self.manager).action_approve()
        self.assertEqual(request.state, "in_force")
        self.assertEqual(self.partner.credit_limit, 5000.0)
        self.assertEqual(self.profile.credit_limit, 5000.0)
        self.assertEqual(request.decided_by, self.manager)
        self.assertEqual(request.decided_date, self.today)

    def test_file_and_customer_have_the_trace_the_customer_without_an_amount(self):
        self._grant()
        self.assertIn("5,000", self.profile.message_ids[0].body)
        trace = self.customer.message_ids[0].body
        self.assertIn("credit limit", trace)
        self.assertNotIn("5,000", trace)

    def test_the_figures_of_the_decision_stay(self):
        self._create_late_invoice(5, 500.0)
        request = self._grant()
        self._create_late_invoice(5, 700.0)
        self.profile._refresh()
        self.env.invalidate_all()
        self.assertEqual(request.exposure_amount, 500.0)
        self.assertEqual(self.profile.exposure_amount, 1200.0)
        self.assertEqual(request.current_limit, 0.0)

    def test_until_it_is_decided_the_figures_are_those_of_now(self):
        request = self._ask()
        self._create_late_invoice(5, 500.0)
        self.profile._refresh()
        request.invalidate_recordset()
        self.assertEqual(request.exposure_amount, 500.0)

    def test_a_limit_to_come_begins_on_its_day(self):
        request = self._grant(date_from=self.today + timedelta(days=3))
        self.assertEqual(request.state, "approved")
        self._pass_days(2)
        self.assertEqual(self.partner.credit_limit, 0.0)
        self._pass_days(3)
        self.assertEqual(request.state, "in_force")
        self.assertEqual(self.partner.credit_limit, 5000.0)

    def test_a_new_limit_for_good_supersedes_the_old_one(self):
        old = self._grant(5000.0)
        new = self._grant(7000.0)
        self.assertEqual((old.state, new.state), ("superseded", "in_force"))
        self.assertEqual(new.limit_before, 5000.0)
        self.assertEqual(self.partner.credit_limit, 7000.0)

    def test_a_limit_that_was_filled_in_before_is_taken_as_it_is(self):
        self.partner.sudo().with_context(credit_limit_door=True).credit_limit = 900.0
        self.assertFalse(self._get_requests())
        request = self._grant_until(2000.0, 5)
        self.assertEqual(request.limit_before, 900.0)
        self._pass_days(6)
        self.assertEqual(self.partner.credit_limit, 900.0)

    def test_a_request_without_a_reason_is_refused(self):
        with self.assertRaises(ValidationError):
            self._ask(reason="  ")

    def test_a_limit_that_ends_before_it_begins_is_refused(self):
        with self.assertRaises(ValidationError):
            self._ask(date_until=self.today - timedelta(days=1))

    def test_a_refusal_says_why_and_changes_nothing(self):
        request = self._ask()
        window = self._open_window(request, "refuse")
        with self.assertRaises(UserError):
            window.action_apply()
        window.reason = "Too much is overdue"
        window.action_apply()
        self.assertEqual(request.state, "refused")
        self.assertEqual(request.decision_reason, "Too much is overdue")
        self.assertEqual(self.partner.credit_limit, 0.0)

    def _open_window(self, request, kind):
        action = {"refuse": "action_refuse", "less": "action_grant_less"}[kind]
        opened = getattr(request.with_user(self.manager), action)()
        return (
            self.env["credit.limit.decide"]
            .with_user(self.manager)
            .browse(opened["res_id"])
        )

    def test_less_may_be_granted_but_never_more(self):
        request = self._ask()
        window = self._open_window(request, "less")
        window.write({"reason": "A beginning", "granted_limit": 6000.0})
        with self.assertRaises(UserError):
            window.action_apply()
        window.granted_limit = 0.0  # no limit at all would be more
        with self.assertRaises(UserError):
            window.action_apply()
        window.granted_limit = 3000.0
        window.action_apply()
        self.assertEqual(request.granted_limit, 3000.0)
        self.assertEqual(self.partner.credit_limit, 3000.0)

    def test_who_asked_hears_of_the_decision_by_a_task(self):
        request = self._ask()
        self.assertTrue(request.activity_ids)
        self.assertNotEqual(request.activity_ids.user_id, self.collector)
        request.with_user(self.manager).action_approve()
        self.assertEqual(request.activity_ids.user_id, self.collector)

    def test_a_draft_is_withdrawn_or_deleted_what_was_handed_in_is_kept(self):
        draft = self._ask(submit=False)
        with self.assertRaises(UserError):
            draft.with_user(self.manager).unlink()
        draft.unlink()
        request = self._ask()
        with self.assertRaises(UserError):
            request.unlink()
        request.action_withdraw()
        self.assertEqual(request.state, "withdrawn")
        with self.assertRaises(UserError):
            request.with_user(self.manager).action_approve()

    def test_a_form_is_filled_in(self):
        Request = self.env["credit.limit.request"].with_user(self.collector)
        with Form(Request) as form:
            form.partner_id = self.customer
            form.asked_limit = 1200.0
            form.reason = "Season"
        self.assertEqual(form.record.profile_id, self.profile)
        self.assertEqual(form.record.requested_by, self.collector)

    # === WHO MAY === #

    @mute_logger(*LOGS)
    def test_collectors_ask_and_do_not_decide(self):
        request = self._ask()
        for action in ("action_approve", "action_refuse", "action_grant_less"):
            with self.assertRaises(AccessError):
                getattr(request, action)()
        self.assertEqual(request.state, "submitted")

    def test_below_the_amount_a_manager_may_approve_the_own_request(self):
        self.company.credit_limit_four_eyes_amount = 5000.0
        request = self._ask(5000.0, user=self.manager)
        request.action_approve()
        self.assertEqual(request.state, "in_force")

    def test_above_the_amount_somebody_else_decides(self):
        self.company.credit_limit_four_eyes_amount = 5000.0
        request = self._ask(5000.01, user=self.manager)
        self.assertFalse(request.may_approve)
        with self.assertRaisesRegex(UserError, "four eyes"):
            request.action_approve()
        request.with_user(self.second).action_approve()
        self.assertEqual(request.state, "in_force")

    def test_no_limit_is_above_every_amount(self):
        self.company.credit_limit_four_eyes_amount = 5000.0
        self.partner.sudo().with_context(credit_limit_door=True).credit_limit = 900.0
        request = self._ask(0.0, user=self.manager)
        with self.assertRaises(UserError):
            request.action_approve()

    def test_without_an_amount_one_person_is_enough(self):
        request = self._ask(10**9, user=self.manager)
        request.action_approve()
        self.assertEqual(request.state, "in_force")

    def test_nobody_puts_words_into_the_mouth_of_another(self):
        """Four eyes mean nothing if one may write the wish of another."""
        request = self._ask(100.0, submit=False)
        with self.assertRaises(UserError):
            request.with_user(self.manager).asked_limit = 90000.0
        with self.assertRaises(UserError):
            request.with_user(self.manager).action_submit()
        request.action_submit()
        with self.assertRaises(UserError):
            request.asked_limit = 90000.0

    def test_nothing_that_happens_is_written_by_hand(self):
        Request = self.env["credit.limit.request"].with_user(self.manager)
        values = {
            "state": "in_force",
            "granted_limit": 9.0,
            "requested_by": self.second.id,
            "submitted_by": self.second.id,
            "decided_by": self.second.id,
            "source": "system",
            "profile_id": self.profile.id,
            "limit_after": 9.0,
            "figures": {},
            "answer": "x",
        }
        request = self._ask(user=self.manager, submit=False)
        for name, value in values.items():
            with self.subTest(field=name), self.assertRaises(UserError):
                request.write({name: value})
            with self.subTest(created=name), self.assertRaises(UserError):
                Request.create(
                    {
                        "partner_id": self.customer.id,
                        "asked_limit": 1.0,
                        "reason": "x",
                        name: value,
                    }
                )
        for name in ("partner_id", "company_id"):
            with self.subTest(field=name), self.assertRaises(UserError):
                request.write({name: 1})

    # === TYPED IN DIRECTLY === #

    def test_a_limit_typed_in_on_the_file_is_noted_as_in_force(self):
        old = self._grant(5000.0)
        self.profile.with_user(self.manager).credit_limit = 800.0
        noted = self._get_requests()[-1]
        self.assertEqual(noted.state, "in_force")
        self.assertEqual((noted.limit_before, noted.granted_limit), (5000.0, 800.0))
        self.assertEqual(noted.decided_by, self.manager)
        self.assertEqual(old.state, "superseded")
        self.assertEqual(self.partner.credit_limit, 800.0)

    def test_a_limit_typed_in_on_the_customer_is_noted_too(self):
        biller = self._create_user("limit_biller")
        biller.group_ids += self.env.ref("account.group_account_invoice")
        biller.group_ids += self.env.ref("base.group_partner_manager")
        self.partner.with_user(biller).credit_limit = 800.0
        noted = self._get_requests()
        self.assertEqual(noted.state, "in_force")
        self.assertEqual(noted.requested_by, biller)
        self.partner.with_user(biller).credit_limit = 800.0
        self.assertEqual(self._get_requests(), noted)

    def test_above_the_amount_nothing_is_typed_in_directly(self):
        self.company.credit_limit_four_eyes_amount = 5000.0
        self.manager.group_ids += self.env.ref("base.group_partner_manager")
        self.partner.with_user(self.manager).credit_limit = 4000.0
        values = {"name": "New", "credit_limit": 9000.0}
        doors = (
            lambda: self.profile.with_user(self.manager).write(
                {"credit_limit": 9000.0}
            ),
            lambda: self.partner.with_user(self.manager).write(
                {"credit_limit": 9000.0}
            ),
            # The context of the program opens nothing from outside.
            lambda: (
                self.partner.with_user(self.manager)
                .with_context(credit_limit_door=True)
                .write({"credit_limit": 9000.0})
            ),
            lambda: self.partner.with_user(self.manager).write({"credit_limit": 0.0}),
            lambda: self.partner.with_user(self.manager).write(
                {"use_partner_credit_limit": False}
            ),
            lambda: self.env["res.partner"].with_user(self.manager).create(values),
        )
        for door in doors:
            with self.assertRaisesRegex(UserError, "request"), self.env.cr.savepoint():
                door()
                self.env.flush_all()
            self.env.invalidate_all()
        self.assertEqual(self.partner.credit_limit, 4000.0)

    # === TEMPORARY === #

    def test_a_temporary_limit_holds_its_last_day_and_falls_back_by_itself(self):
        self._grant(5000.0)
        request = self._grant_until(8000.0, 10)
        self.assertEqual(self.partner.credit_limit, 8000.0)
        self.assertIn("5,000", self.profile.limit_note)
        self._pass_days(10)
        self.assertEqual(request.state, "in_force")
        self._pass_days(11)
        self.assertEqual(request.state, "expired")
        self.assertEqual(self.partner.credit_limit, 5000.0)

    def test_where_there_was_no_limit_there_is_none_again(self):
        self._grant_until(8000.0, 10)
        self._pass_days(20)
        self.assertEqual(self.partner.credit_limit, 0.0)

    def test_what_a_person_changed_meanwhile_stays(self):
        self._grant(5000.0)
        request = self._grant_until(8000.0, 10)
        self.profile.with_user(self.manager).credit_limit = 6000.0
        self.assertEqual(request.state, "superseded")
        self._pass_days(11)
        self.assertEqual(self.partner.credit_limit, 6000.0)

    def test_what_was_changed_behind_our_back_stays_and_it_says_so(self):
        self._grant(5000.0)
        request = self._grant_until(8000.0, 10)
        self.partner.sudo().with_context(credit_limit_door=True).credit_limit = 6500.0
        self._pass_days(11)
        self.assertEqual(request.state, "expired")
        self.assertEqual(self.partner.credit_limit, 6500.0)
        for record in (request, self.profile):
            self.assertIn("6,500", "".join(record.message_ids.mapped("body")))

    def test_of_two_temporary_limits_the_last_one_to_begin_holds(self):
        self._grant(5000.0)
        first = self._grant_until(8000.0, 10)
        second = self._grant_until(9000.0, 5)
        self.assertEqual(self.partner.credit_limit, 9000.0)
        self._pass_days(6)
        self.assertEqual(self.partner.credit_limit, 8000.0)
        self._pass_days(11)
        self.assertEqual(self.partner.credit_limit, 5000.0)
        self.assertEqual((first + second).mapped("state"), ["expired", "expired"])

    def test_the_one_below_ends_and_what_holds_goes_on(self):
        self._grant(5000.0)
        self._grant_until(8000.0, 5)
        self._grant_until(9000.0, 10)
        self._pass_days(6)
        self.assertEqual(self.partner.credit_limit, 9000.0)
        self._pass_days(11)
        self.assertEqual(self.partner.credit_limit, 5000.0)

    def test_both_end_at_once_after_an_outage(self):
        self._grant(5000.0)
        self._grant_until(8000.0, 5)
        self._grant_until(9000.0, 10)
        self._pass_days(30)
        self.assertEqual(self.partner.credit_limit, 5000.0)

    def test_a_limit_for_good_comes_after_the_temporary_one(self):
        self._grant(5000.0)
        self._grant_until(8000.0, 10)
        self._grant(6000.0)
        self.assertEqual(self.partner.credit_limit, 8000.0)
        self._pass_days(11)
        self.assertEqual(self.partner.credit_limit, 6000.0)

    def test_one_ends_and_the_next_begins_on_the_same_day(self):
        self._grant(5000.0)
        self._grant_until(8000.0, 10)
        self._grant(
            9000.0,
            date_from=self.today + timedelta(days=11),
            date_until=self.today + timedelta(days=20),
        )
        self._pass_days(11)
        self.assertEqual(self.partner.credit_limit, 9000.0)
        self._pass_days(21)
        self.assertEqual(self.partner.credit_limit, 5000.0)

    def test_a_limit_whose_days_passed_unseen_never_holds(self):
        request = self._grant(
            date_from=self.today + timedelta(days=1),
            date_until=self.today + timedelta(days=2),
        )
        self._pass_days(5)
        self.assertEqual(request.state, "expired")
        self.assertEqual(self.partner.credit_limit, 0.0)

    def test_a_manager_ends_a_temporary_limit_at_once(self):
        self._grant(5000.0)
        request = self._grant_until(8000.0, 10)
        request.with_user(self.manager).action_end()
        self.assertEqual(self.partner.credit_limit, 5000.0)
        self.assertEqual(request.state, "expired")

    def test_limits_of_two_companies_do_not_touch_each_other(self):
        other = self.setup_other_company()["company"]
        self.customer.with_company(other).sudo().with_context(
            credit_limit_door=True
        ).credit_limit = 70.0
        self._grant_until(8000.0, 10)
        self._pass_days(11)
        self.assertEqual(self.customer.with_company(other).credit_limit, 70.0)

    def test_a_limit_that_was_approved_for_later_may_be_withdrawn(self):
        request = self._grant(date_from=self.today + timedelta(days=3))
        request.with_user(self.manager).action_withdraw()
        self._pass_days(4)
        self.assertEqual(request.state, "withdrawn")
        self.assertEqual(self.partner.credit_limit, 0.0)

    def test_one_request_that_cannot_begin_stops_no_other(self):
        other = self._create_customer("Later")
        first = self._grant(date_from=self.today + timedelta(days=1))
        second = self._grant(
            partner_id=other.id, date_from=self.today + timedelta(days=1)
        )
        Request = type(self.env["credit.limit.request"])
        begin = Request._begin

        def fail_for_first(records):
            if records.id == first.id:
                raise ValidationError("Not today")  # pylint: disable=translation-required
            return begin(records)

        with patch.object(Request, "_begin", fail_for_first):
            self._pass_days(1)
        self.assertEqual((first.state, second.state), ("approved", "in_force"))
        # The job comes again: the task is there already.
        with patch.object(Request, "_begin", fail_for_first):
            self._pass_days(1)
        summaries = first.activity_ids.mapped("summary")
        self.assertEqual(summaries.count("Not today"), 1)

    # === THE SUGGESTION === #

    def _sell(self):
        """73 000 in a year, 30 days to pay, all of it paid on time but one part."""
        for days_ago in (40, 100):
            invoice = self._create_late_invoice(days_ago - 30, 36500.0)
            invoice.line_ids.flush_recordset()
        return invoice

    def test_the_suggestion_shows_its_arithmetic(self):
        self._sell()
        facts = self.env["credit.limit.facts"]
        figures = facts._gather(self.company, self.customer, self.today)
        figures = figures[self.customer.id]
        self.assertEqual(figures.annual_sales, 73000)
        self.assertEqual(figures.peak_sales, 36500)
        self.assertEqual(figures.terms_days, 30)
        self.assertEqual(figures.days_late, 40)  # 10 and 70 days, by amount
        # 73 000 / 365 × 70 = 14 000; 36 500 / 30 × 70 = 85 166.67; half without a class
        self.assertEqual(self.profile.suggested_limit, 42500.0)
        text = self.profile.suggestion_text
        for part in ("73,000.00", "14,000.00", "36,500.00", "85,166.67", "50%"):
            self.assertIn(part, text)

    def test_the_agreed_term_goes_before_what_invoices_gave(self):
        self._sell()
        term = self.env["account.payment.term"].create(
            {
                "name": "45 days",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 100, "nb_days": 45}
                    )
                ],
            }
        )
        self.partner.property_payment_term_id = term
        figures = self.env["credit.limit.facts"]._gather(
            self.company, self.customer, self.today
        )
        self.assertEqual(figures[self.customer.id].terms_days, 45)

    def test_a_credit_report_bounds_it(self):
        self._sell()
        self.env["credit.bureau.report"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "source": "Bureau",
                "date": self.today,
                "limit_amount": 3000.0,
            }
        )
        self.assertEqual(self.profile.suggested_limit, 1500.0)

    def test_credit_notes_count_against_sales(self):
        self._create_late_invoice(-10, 1000.0)
        self._create_credit_note(400.0)
        figures = self.env["credit.limit.facts"]._gather(
            self.company, self.customer, self.today
        )
        self.assertEqual(figures[self.customer.id].annual_sales, 600)

    def test_nothing_is_suggested_without_figures(self):
        self.assertEqual(self.profile.suggested_limit, 0.0)
        self.assertFalse(self.profile.suggestion_text)
        with self.assertRaises(UserError):
            self.profile.action_use_suggestion()

    def test_a_suggestion_is_used_by_a_person_only(self):
        self._sell()
        self.profile._refresh()
        self.assertEqual(self.partner.credit_limit, 0.0)
        request = self._ask(100.0, submit=False)
        request.action_use_suggestion()
        self.assertEqual(request.asked_limit, 42500.0)
        self.assertEqual(self.partner.credit_limit, 0.0)
        action = self.profile.action_use_suggestion()
        self.assertEqual(action["context"]["default_asked_limit"], 42500.0)

    def test_facts_cost_the_same_for_one_customer_and_for_many(self):
        others = self.env["res.partner"].union(
            *(self._create_customer(f"Many {number}") for number in range(8))
        )
        for partner in others:
            self._create_late_invoice(5, 100.0, partner=partner)
        facts = self.env["credit.limit.facts"]
        counts = []
        for partners in (others[:1], others):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            facts._gather(self.company, partners, self.today)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)

    # === THE POLICY === #

    def _apply_policy(self):
        self._run_cron("ir_cron_apply_limits")

    def _switch_on(self, cap=50000.0):
        self.company.write({"credit_limit_auto": True, "credit_limit_auto_cap": cap})

    def test_nothing_is_set_until_the_policy_says_so(self):
        self._sell()
        self._apply_policy()
        self.assertEqual(self.partner.credit_limit, 0.0)

    def test_the_policy_sets_what_is_suggested_up_to_its_cap(self):
        self._sell()
        self._switch_on(20000.0)
        self._apply_policy()
        self.assertEqual(self.partner.credit_limit, 20000.0)
        noted = self._get_requests()
        self.assertEqual((noted.source, noted.state), ("system", "in_force"))
        self.assertFalse(noted.decided_by)
        self.assertEqual(noted.suggested_limit, 42500.0)
        self._apply_policy()
        self.assertEqual(self._get_requests(), noted)

    def test_the_policy_lowers_what_it_set_itself(self):
        self._sell()
        self._switch_on()
        self._apply_policy()
        self.env["credit.bureau.report"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "source": "Bureau",
                "date": self.today,
                "limit_amount": 3000.0,
            }
        )
        self._apply_policy()
        self.assertEqual(self.partner.credit_limit, 1500.0)

    def test_the_policy_leaves_what_a_person_decided(self):
        self._sell()
        self._switch_on()
        self._grant(100.0)
        self._apply_policy()
        self.assertEqual(self.partner.credit_limit, 100.0)

    def test_the_policy_leaves_limits_that_were_filled_in_before(self):
        self._sell()
        self._switch_on()
        self.partner.sudo().with_context(credit_limit_door=True).credit_limit = 900.0
        self._apply_policy()
        self.assertEqual(self.partner.credit_limit, 900.0)

    def test_the_policy_waits_while_somebody_asks(self):
        self._sell()
        self._switch_on()
        self._ask(100.0)
        self._apply_policy()
        self.assertEqual(self.partner.credit_limit, 0.0)

    def test_nothing_suggested_is_left_to_a_person(self):
        self._sell()
        self._switch_on()
        self._apply_policy()
        self.env["credit.score.review"].create(
            {
                "profile_id": self.profile.id,
                "risk_class": "E",
                "reason": "Insolvent",
                "until": self.today + timedelta(days=30),
            }
        )
        self._apply_policy()
        self.assertEqual(self.partner.credit_limit, 42500.0)
        self.assertTrue(self._get_reviews())

    def test_no_cap_no_policy_and_none_above_four_eyes(self):
        with self.assertRaises(ValidationError):
            self._switch_on(0.0)
        self.company.credit_limit_four_eyes_amount = 1000.0
        with self.assertRaises(ValidationError):
            self._switch_on(1000.5)
        self._switch_on(1000.0)

    # === REVIEW === #

    def _get_reviews(self):
        activity_type = self.env.ref(
            "credit_management.mail_activity_type_limit_review"
        )
        return self.profile.activity_ids.filtered(
            lambda each: each.activity_type_id == activity_type
        )

    def _review_on(self, days):
        with freeze_time(f"{self.today + timedelta(days=days)} 09:00:00"):
            self._run_cron("ir_cron_review_limits")

    def test_the_review_date_follows_from_the_class(self):
        self._grant()
        self.assertEqual(self.profile.limit_review_date, self._in(180))
        self.env["credit.score.review"].create(
            {
                "profile_id": self.profile.id,
                "risk_class": "E",
                "reason": "Bad news",
                "until": self.today + timedelta(days=90),
            }
        )
        self._review_on(0)
        self.assertEqual(self.profile.limit_review_date, self._in(30))

    def _in(self, days):
        return self.today + timedelta(days=days)

    def test_a_limit_of_before_counts_from_the_day_it_was_seen(self):
        self.partner.sudo().with_context(credit_limit_door=True).credit_limit = 900.0
        self._review_on(0)
        self.assertEqual(self.profile.limit_review_date, self._in(180))
        self.assertFalse(self._get_reviews())

    def test_without_a_limit_there_is_nothing_to_review(self):
        self._review_on(0)
        self.assertFalse(self.profile.limit_review_date)

    def test_zero_days_is_never(self):
        self.company.credit_review_days_none = 0
        self._grant()
        self._review_on(400)
        self.assertFalse(self.profile.limit_review_date)
        self.assertFalse(self._get_reviews())

    def test_one_task_is_made_when_a_review_is_due_and_no_mail_goes(self):
        self.profile.user_id = self.collector
        self._grant()
        self._review_on(179)
        self.assertFalse(self._get_reviews())
        mails = self.env["mail.mail"].sudo().search_count([])
        self._review_on(180)
        self._review_on(181)
        review = self._get_reviews()
        self.assertEqual(len(review), 1)
        self.assertEqual(review.user_id, self.collector)
        self.assertEqual(self.env["mail.mail"].sudo().search_count([]), mails)
        review.action_feedback()
        self._review_on(182)
        self.assertFalse(self._get_reviews())
        due = self.env["credit.profile"].search(
            [("limit_review_date", "<=", self._in(180))]
        )
        self.assertIn(self.profile, due)

    def test_a_review_that_was_made_counts_anew(self):
        self._grant()
        self._review_on(180)
        with self.assertRaises(AccessError):
            self.profile.with_user(self.collector).action_limit_reviewed()
        with freeze_time(f"{self._in(190)} 09:00:00"):
            self.profile.with_user(self.manager).action_limit_reviewed()
        self.assertFalse(self._get_reviews())
        self.assertEqual(self.profile.limit_review_date, self._in(370))

    def test_review_dates_are_not_written_by_hand(self):
        with self.assertRaises(UserError):
            self.profile.with_user(self.manager).limit_review_date = self.today

    # === SALES === #

    @mute_logger(*LOGS)
    def test_a_salesperson_asks_for_an_own_customer_and_knows_no_more(self):
        seller = self._create_user("limit_seller")
        self.customer.user_id = seller
        partner = self.customer.with_user(seller)
        self.assertTrue(partner.credit_may_ask_limit)
        window = self._ask_as(seller)
        window.action_ask()
        request = self._get_requests()
        self.assertEqual((request.source, request.state), ("salesperson", "submitted"))
        self.assertEqual(request.requested_by, seller)
        partner.invalidate_recordset()
        self.assertIn("not decided", partner.credit_limit_asked)
        with self.assertRaises(AccessError):
            request.with_user(seller).read(["state"])
        with self.assertRaises(UserError):
            self._ask_as(seller).action_ask()
        request.with_user(self.manager).action_approve()
        partner.invalidate_recordset()
        self.assertIn("approved", partner.credit_limit_asked)
        task = self.customer.activity_ids
        self.assertEqual(task.user_id, seller)
        self.assertNotIn("700", task.summary)

    def _ask_as(self, seller, partner=None):
        return (
            self.env["credit.limit.ask"]
            .with_user(seller)
            .create(
                {
                    "partner_id": (partner or self.customer).id,
                    "amount": 700.0,
                    "reason": "A large order",
                }
            )
        )

    @mute_logger(*LOGS)
    def test_a_salesperson_does_not_ask_for_customers_of_others(self):
        seller = self._create_user("limit_seller")
        partner = self.customer.with_user(seller)
        self.assertFalse(partner.credit_may_ask_limit)
        with self.assertRaises(AccessError):
            partner.action_ask_credit_limit()
        with self.assertRaises(AccessError):
            self._ask_as(seller)
        own = self._create_customer("Own", user_id=seller.id)
        window = self._ask_as(seller, own)
        with self.assertRaises(AccessError):
            window.partner_id = self.customer
        self.assertFalse(self._get_requests())

    def test_who_sold_on_an_invoice_may_ask(self):
        seller = self._create_user("limit_seller")
        self._create_late_invoice(5, 100.0, invoice_user_id=seller.id)
        self.assertTrue(self.customer.with_user(seller).credit_may_ask_limit)

    def test_a_salesperson_does_not_see_what_others_asked(self):
        seller = self._create_user("limit_seller")
        self.customer.user_id = seller
        self._grant(5000.0)
        self.assertFalse(self.customer.with_user(seller).credit_limit_asked)

    # === CUSTOMERS THAT BECOME ONE, TIMELINE === #

    def test_merged_customers_keep_the_history_and_the_limit_that_holds(self):
        other = self._create_customer("Twin")
        lost = self._grant(300.0, partner_id=other.id)
        waiting = self._ask(400.0, partner_id=other.id)
        kept = self._grant(5000.0)
        self.env["credit.profile"]._merge_partners(other, self.customer)
        self.assertEqual((lost + waiting).profile_id, self.profile)
        self.assertEqual((lost.state, waiting.state), ("superseded", "withdrawn"))
        self.assertEqual(kept.state, "in_force")

    def test_the_timeline_tells_of_limits(self):
        self._grant(5000.0)
        entries = [each for each in self.profile.history if each["kind"] == "limit"]
        self.assertEqual(len(entries), 1)
        self.assertIn("5,000", entries[0]["amount"])

    def test_the_list_is_opened_from_the_file(self):
        request = self._grant()
        action = self.profile.action_view_limit_requests()
        found = self.env["credit.limit.request"].search(action["domain"])
        self.assertEqual(found, request)
        self.assertEqual(self.profile.limit_request_count, 1)
        self.assertTrue(fields.Domain(action["domain"]))
