import random
import re
from datetime import timedelta
from decimal import Decimal
from itertools import product

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import SQL

from ..logic import work
from ..models.credit_profile_work import WORK_LABELS
from .common import CreditCommon

CALL_TYPE = "credit_management.mail_activity_type_call"
TO_DO = "mail.mail_activity_data_todo"


class WorkCommon(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile = cls._get_profile(cls.customer)

    @classmethod
    def _get_profile(cls, partner):
        return cls.env["credit.profile"]._get_or_create(cls.company, partner)

    def _reason(self, profile=None):
        """Return the reason as it is shown; the list must agree with it."""
        profile = profile or self.profile
        self.env.flush_all()
        self.env.invalidate_all()
        is_listed = profile in self.env["credit.profile"].search(
            [("work_reason", "!=", False)]
        )
        self.assertEqual(is_listed, bool(profile.work_reason))
        return profile.work_reason

    def _plan(self, kind, days, profile=None):
        return (profile or self.profile).activity_schedule(
            kind, date_deadline=self.today + timedelta(days=days)
        )


@tagged("post_install", "-at_install", "credit_once")
class TestWorkList(WorkCommon):
    # === THE RULE IN SQL === #

    def test_each_reason_of_the_rule_has_a_label(self):
        self.assertEqual(
            [code for code, _label in WORK_LABELS],
            [reason.code for reason in work.REASONS],
        )

    def test_the_database_says_what_the_rule_says(self):
        """Customers in all kinds of situations: list, search and rule agree."""
        ledgers = (
            None,
            {"no_policy": self.today},
            {"all_levels": self.today + timedelta(days=1), "no_email": self.today},
        )
        cases = list(
            product(
                ledgers,
                (None, (CALL_TYPE, 0), (TO_DO, -2), (CALL_TYPE, 3)),
                (None, (0, ["no_policy"]), (-6, ["no_email"]), (-7, ["no_policy"])),
                (None, (None, 0), (1, 5), (None, -1)),
            )
        )
        partners = self.env["res.partner"].create(
            [{"name": f"Case {number}"} for number in range(len(cases))]
        )
        profiles = self._get_profile(partners).sorted("id")
        by_profile = dict(zip(profiles, cases, strict=True))
        for profile, (ledger, activity, done, pause) in by_profile.items():
            if activity:
                self._plan(*activity, profile=profile)
            vals = {}
            if done:
                day = self.today + timedelta(days=done[0])
                vals |= {"work_done_date": day, "work_done": done[1]}
            if pause:
                begin, end = pause
                vals["pause_until"] = self.today + timedelta(days=end)
                vals["pause_from"] = begin and self.today + timedelta(days=begin)
            if ledger:
                vals["work_ledger"] = {c: str(day) for c, day in ledger.items()}
            profile.sudo().write(vals)
        self.env.flush_all()
        self.env.invalidate_all()
        found = {
            reason: self.env["credit.profile"].search(
                [("work_reason", "=", reason), ("id", "in", profiles.ids)]
            )
            for reason in work.BY_CODE
        }
        for profile, case in by_profile.items():
            reasons = work.find_reasons(self._situation(*case), self.today)
            expected = reasons[0].code if reasons else False
            self.assertEqual(profile.work_reason, expected, case)
            for code, listed in found.items():
                self.assertEqual(profile in listed, code == expected, (code, case))

    def test_points_rank_the_list_and_are_what_the_rule_says(self):
        """Customers of all weights: what is shown, the order of the list, the rule."""
        self.company.credit_large_amount = 500.0
        cases = list(
            product(
                (None, {"all_levels": self.today}, {"no_email": self.today}),
                (None, -2),
                (None, 6, 7, 30),
                (None, 5),
                (None, 89, 90),
                (0, 500),
            )
        )
        partners = self.env["res.partner"].create(
            [{"name": f"Case {number}"} for number in range(len(cases))]
        )
        profiles = self._get_profile(partners).sorted("id")
        by_profile = dict(zip(profiles, cases, strict=True))
        for profile, case in by_profile.items():
            ledger, activity, letter, call, used, overdue = case
            if activity:
                self._plan(TO_DO, activity, profile=profile)
            if call:
                self.env["credit.call"].create({"profile_id": profile.id})
                profile.call_ids.sudo().date -= timedelta(days=call)
            profile.sudo().write(
                {
                    "work_ledger": ledger and {c: str(d) for c, d in ledger.items()},
                    "work_done": [],
                    "last_letter_date": letter and self._day(letter),
                    "limit_used": used or 0,
                    "overdue_amount": overdue,
                }
            )
            if activity and call:
                self._plan(TO_DO, activity, profile=profile)  # the call ended it
        self.env.flush_all()
        self.env.invalidate_all()
        for profile, case in by_profile.items():
            ledger, activity, letter, call, used, overdue = case
            waiting = dict(ledger or {}) | (
                {work.TASK_DUE: self.today} if activity else {}
            )
            points = work.find_points(
                work.find_reasons(work.Situation(waiting=waiting), self.today),
                work.Weighing(
                    last_letter=letter and self._day(letter),
                    last_call=call and self._day(call),
                    limit_used=used and Decimal(used),
                    overdue=Decimal(overdue),
                    large_amount=Decimal(500),
                ),
                self.today,
            )
            self.assertEqual(profile.work_points, sum(n for _c, n in points), case)
            why = profile.work_points_why or ""
            self.assertEqual(why.count("+"), len(points), case)
        listed = self.env["credit.profile"].search(
            [("id", "in", profiles.ids), ("work_reason", "!=", False)],
            order="work_points desc, id",
        )
        self.assertEqual(listed, listed.sorted(lambda one: (-one.work_points, one.id)))
        self.assertTrue(all(profile.work_points for profile in listed))

    def test_put_off_a_customer_comes_back_and_not_for_ever(self):
        self.company.credit_snooze_days = 2
        self._plan(CALL_TYPE, 0)
        self.assertEqual(self._reason(), work.CALL_DUE)
        self.profile.action_snooze()
        self.assertFalse(self._reason())
        self.assertEqual(self.profile.work_points, 0)
        with freeze_time("2026-05-14 09:00:00"):  # a Thursday
            self.assertEqual(self._reason(), work.CALL_DUE)
            self.profile.action_snooze()
            self.assertFalse(self._reason())
        with freeze_time("2026-05-15 09:00:00"):
            self.assertEqual(self._reason(), work.CALL_DUE)
            with self.assertRaises(UserError):
                self.profile.action_snooze()
            self.profile.action_work_done()
            self.assertFalse(self.profile.work_snooze_from)
        with self.assertRaises(UserError):
            self.profile.write({"work_snooze_until": self.today})

    def test_points_of_the_company_rank_its_list_and_who_changed_them_is_kept(self):
        self.profile.sudo().write(
            {"work_ledger": {"all_levels": str(self.today)}, "limit_used": 95}
        )
        Point = self.env["credit.work.point"]
        action = Point._open()
        points = Point.search(action["domain"])
        self.assertEqual(set(points.mapped("code")), set(work.WORTH))
        self.assertEqual(Point.search(Point._open()["domain"]), points)
        self.env.invalidate_all()
        self.assertEqual(self.profile.work_points, 45)
        row = points.filtered(lambda each: each.code == "all_levels")
        row = row.with_context(tracking_disable=False, mail_notrack=False)
        self.flush_tracking()
        row.points = 80
        self.flush_tracking()
        self.env.invalidate_all()
        self.assertEqual(self.profile.work_points, 95)
        self.assertIn("not paid +80", self.profile.work_points_why)
        found = self.env["credit.profile"]._read_group(
            [("id", "=", self.profile.id), ("work_reason", "!=", False)], [], ["id:max"]
        )
        self.assertEqual(found, [(self.profile.id,)])
        values = row.message_ids.sudo().tracking_value_ids
        self.assertEqual(
            [(value.old_value_integer, value.new_value_integer) for value in values],
            [(30, 80)],
        )
        expected = work.find_points(
            [work.BY_CODE["all_levels"]],
            work.Weighing(limit_used=Decimal(95)),
            self.today,
            {"all_levels": 80},
        )
        self.assertEqual(expected, (("all_levels", 80), ("limit_nearly_used", 15)))
        for wrong in (0, 101):
            with self.assertRaises(ValidationError):
                row.points = wrong

    def test_points_of_one_company_are_not_those_of_another(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.env["credit.work.point"].sudo().create(
            {"company_id": other.id, "code": "all_levels", "points": 99}
        )
        self.profile.sudo().work_ledger = {"all_levels": str(self.today)}
        self.env.invalidate_all()
        self.assertEqual(self.profile.work_points, 30)
        listed = self.env["credit.profile"].search(
            [("id", "=", self.profile.id)], order="work_points desc"
        )
        self.assertEqual(listed, self.profile)

    def test_a_collector_gets_so_many_customers_a_day_the_most_pressing_ones(self):
        self.company.credit_work_cap = 2
        partners = self.env["res.partner"].create(
            [{"name": f"Turn {at}"} for at in range(5)]
        )
        profiles = self._get_profile(partners).sorted("id")
        mine, others = profiles[:4], profiles[4]
        mine.user_id = self.env.user
        others.user_id = False
        for at, profile in enumerate(profiles):
            profile.sudo().write(
                {
                    "work_ledger": {"all_levels": str(self.today)},
                    "limit_used": 95 if at == 3 else 0,
                    "overdue_amount": at,
                }
            )

        def turns(turn):
            self.env.flush_all()
            self.env.invalidate_all()
            found = self.env["credit.profile"].search(
                [("id", "in", profiles.ids), ("work_turn", "=", turn)], order="id"
            )
            shown = profiles.filtered(lambda profile: profile.work_turn == turn)
            self.assertEqual(found, shown)
            return found

        self.assertEqual(turns("today"), mine[2] + mine[3] + others)
        self.assertEqual(turns("tomorrow"), mine[:2])
        mine[3].action_work_done()
        self.assertEqual(turns("today"), mine[2] + others)  # one of two is done
        self.assertFalse(mine[3].work_turn)
        with freeze_time(f"{self.today + timedelta(days=1)} 09:00:00"):
            self.assertEqual(turns("today"), mine[1] + mine[2] + others)
        self.company.credit_work_cap = 0
        self.assertEqual(turns("today"), mine[:3] + others)
        self.assertFalse(turns("tomorrow"))

    def test_whose_turn_it_is_the_database_and_the_rule_say_alike(self):
        """Random customers of several collectors, caps and days: both ways agree."""
        dice = random.Random(6)
        users = [
            new_test_user(self.env, login=f"turn_{at}", groups="base.group_user")
            for at in range(3)
        ]
        partners = self.env["res.partner"].create(
            [{"name": f"Turn {at}"} for at in range(40)]
        )
        profiles = self._get_profile(partners).sorted("id")
        for _round in range(8):
            self.company.credit_work_cap = cap = dice.choice((0, 1, 2, 4, 50))
            for profile in profiles:
                waits = dice.random() < 0.7
                # What was done and asks anew counts as done, and is on the list.
                is_done = dice.random() < 0.15
                profile.sudo().write(
                    {
                        "user_id": dice.choice([False, *(user.id for user in users)]),
                        "work_ledger": {"all_levels": str(self.today)}
                        if waits
                        else None,
                        "work_done": [],
                        "work_done_date": self.today if is_done else False,
                        "limit_used": dice.choice((0, 95)),
                        "overdue_amount": dice.choice((0, 5, 5, 80)),
                    }
                )
            self.env.flush_all()
            self.env.invalidate_all()
            expected = {
                profile: self._find_turn(profile, profiles, cap) for profile in profiles
            }
            self.assertEqual(
                {profile: profile.work_turn for profile in profiles}, expected
            )
            for turn in ("today", "tomorrow", False):
                found = self.env["credit.profile"].search(
                    [("id", "in", profiles.ids), ("work_turn", "=", turn)]
                )
                self.assertEqual(
                    set(found), {one for one in profiles if expected[one] == turn}
                )

    def _find_turn(self, profile, profiles, cap):
        """Return whose turn the rule says it is."""
        if not profile.work_reason:
            return False
        if not profile.user_id:
            return "today"
        mine = profiles.filtered(lambda one: one.user_id == profile.user_id)
        line = mine.filtered("work_reason").sorted(
            lambda one: (-one.work_points, -one.overdue_amount, one.id)
        )
        place = line.ids.index(profile.id) + 1
        done = len(mine.filtered(lambda one: one.work_done_date == self.today))
        return "today" if work.is_for_today(place, cap, done) else "tomorrow"

    def test_points_say_what_they_are_for(self):
        self.profile.sudo().write(
            {"work_ledger": {"all_levels": str(self.today)}, "limit_used": 95}
        )
        self.env.invalidate_all()
        self.assertEqual(self.profile.work_points, 45)
        self.assertEqual(
            self.profile.work_points_why,
            "All levels done, not paid +30, Limit nearly used +15",
        )
        self.profile.pause_until = self.today
        self.env.invalidate_all()
        self.assertEqual(self.profile.work_points, 0)

    def _situation(self, ledger, activity, done, pause):
        waiting, is_planned = dict(ledger or {}), False
        if activity:
            kind, days = activity
            if days > 0:
                is_planned = True
            else:
                code = work.CALL_DUE if kind == CALL_TYPE else work.TASK_DUE
                waiting[code] = self.today
        return work.Situation(
            waiting=waiting,
            is_planned=is_planned,
            is_paused=bool(pause and not pause[0] and pause[1] >= 0),
            done_date=done and self.today + timedelta(days=done[0]),
            done=frozenset(done[1] if done else ()),
        )

    # === WHO IS ON THE LIST === #

    def test_a_customer_for_whom_nothing_waits_is_not_on_the_list(self):
        self._create_late_invoice(1)
        self.profile._refresh()
        self.assertFalse(self._reason())

    def test_a_proposed_letter_waits_for_a_review_until_it_is_sent(self):
        self._create_late_invoice(4)
        run = self._propose()
        self.assertEqual(self._reason(), work.REVIEW)
        self._send(run)
        self.assertFalse(self._reason())

    def test_a_letter_of_a_run_that_was_cut_short_waits_for_nobody(self):
        self._create_late_invoice(4)
        self._propose().sudo().state = "draft"
        self.assertFalse(self._reason())

    def test_letters_in_trouble_wait_until_they_are_settled(self):
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        letter.sudo()._set_unknown("cut off")
        self.assertEqual(self._reason(), work.LETTER_UNKNOWN)
        letter.sudo()._fail("550 no such user")
        self.assertEqual(self._reason(), work.LETTER_FAILED)
        letter.action_close_failure()
        self.assertNotEqual(self._reason(), work.LETTER_FAILED)

    def test_the_last_level_waits_for_us_after_its_days_to_pay(self):
        self.policy.level_ids.filtered(
            lambda level: level in (self.second, self.third)
        ).unlink()
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        self.assertFalse(self._reason())
        letter.sudo().message_date = self._day(self.first.deadline_days)
        self.profile._refresh()
        self.assertFalse(self._reason())
        letter.sudo().message_date = self._day(self.first.deadline_days + 1)
        self.profile._refresh()
        self.assertEqual(self._reason(), work.ALL_LEVELS)
        self.assertEqual(self.profile.work_actor, work.COLLECTOR)
        self.assertEqual(self.profile.work_since, self.today)

    def test_a_customer_without_address_waits_for_us(self):
        self.customer.email = False
        self._create_late_invoice(4)
        self.profile._refresh()
        self.assertEqual(self._reason(), work.NO_EMAIL)
        self.policy.level_ids.send_letter = True
        self.profile._refresh()
        self.assertFalse(self._reason())

    def test_a_customer_without_policy_waits_for_the_manager(self):
        self._create_late_invoice(4)
        self.env["credit.dunning.policy"].search([]).write(
            {"partner_domain": "[('id', '=', 0)]"}
        )
        self.company.credit_policy_id = False
        self.profile._refresh()
        self.assertEqual(self._reason(), work.NO_POLICY)
        self.assertEqual(self.profile.work_actor, work.MANAGER)

    def test_a_large_amount_that_is_newly_late_waits_for_a_call(self):
        self._create_late_invoice(1, self.company.credit_large_amount)
        self.profile._refresh()
        self.assertEqual(self._reason(), work.NEW_LARGE)

    # === IT IS SO THE MOMENT SOMEBODY ACTS === #

    def test_a_pause_takes_the_customer_off_the_list_at_once(self):
        self._plan(CALL_TYPE, 0)
        self.assertEqual(self._reason(), work.CALL_DUE)
        self.env["credit.pause"].create(
            {"profile_ids": [Command.set(self.profile.ids)], "reason": "Ill"}
        ).action_pause()
        self.assertFalse(self._reason())
        self.assertEqual(self.profile.pause_until, self.today + timedelta(days=14))
        self.profile.pause_until = False
        self.assertEqual(self._reason(), work.CALL_DUE)

    def test_an_exclusion_takes_the_customer_off_the_list_at_once(self):
        self._plan(TO_DO, -1)
        exclusion = self.env["credit.exclusion"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "reason": "Merger",
            }
        )
        self.assertFalse(self._reason())
        exclusion.action_end()
        self.assertEqual(self._reason(), work.TASK_DUE)

    def test_a_call_planned_for_tomorrow_is_no_work_of_today(self):
        self._plan(CALL_TYPE, 1)
        self.assertFalse(self._reason())

    def test_done_does_the_tasks_and_lets_the_ledger_rest(self):
        self._plan(TO_DO, 0)
        self.profile.sudo().work_ledger = {"no_policy": str(self.today)}
        self.assertEqual(self._reason(), work.TASK_DUE)
        self.profile.action_work_done()
        self.assertFalse(self._reason())
        self.assertFalse(self.profile.activity_ids)
        self.profile.sudo().work_ledger = {"no_due_date": str(self.today)}
        self.assertEqual(self._reason(), work.NO_DUE_DATE)

    def test_done_is_no_answer_to_a_letter_that_waits(self):
        self._create_late_invoice(4)
        self._propose()
        with self.assertRaises(UserError):
            self.profile.action_work_done()

    def test_nobody_marks_a_customer_as_done_by_hand(self):
        user = self.env.user
        self.assertTrue(user.has_group("credit_management.group_credit_manager"))
        with self.assertRaises(UserError):
            self.profile.with_user(user).write({"work_done_date": self.today})

    # === WHAT THE LIST SHOWS AND COSTS === #

    def test_the_list_sorts_and_groups_by_the_reason(self):
        other = self._get_profile(self._create_customer("Other"))
        self._plan(CALL_TYPE, 0)
        self._plan(TO_DO, 0, profile=other)
        both = self.profile + other
        groups = self.env["credit.profile"].formatted_read_group(
            [("id", "in", both.ids)], ["work_reason"], ["__count"]
        )
        counts = {group["work_reason"]: group["__count"] for group in groups}
        self.assertEqual(counts, {work.CALL_DUE: 1, work.TASK_DUE: 1})
        found = self.env["credit.profile"].search(
            [("id", "in", both.ids)], order="work_reason desc"
        )
        self.assertEqual(found, other + self.profile)

    def test_a_page_of_the_list_costs_the_same_for_few_and_for_many(self):
        fields = {
            name: {}
            for name in (
                "partner_id",
                "work_reason",
                "work_since",
                "work_actor",
                "next_action",
                "last_contact_date",
                "overdue_amount",
            )
        }

        def count_queries(number):
            partners = self.env["res.partner"].create(
                [{"name": f"Many {number}-{index}"} for index in range(number)]
            )
            profiles = self._get_profile(partners)
            for profile in profiles:
                self._plan(CALL_TYPE, 0, profile=profile)
                profile.sudo().next_action_date = self.today
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            page = self.env["credit.profile"].web_search_read(
                [("work_reason", "!=", False), ("id", "in", profiles.ids)], fields
            )
            self.assertEqual(page["length"], number)
            return self.env.cr.sql_log_count - before

        count_queries(1)  # warms the registry's own caches
        self.assertEqual(count_queries(2), count_queries(20))

    def test_the_overview_counts_what_the_list_shows(self):
        self.company.credit_start_skipped = True
        self._plan(CALL_TYPE, 0)
        companies = self.env["credit.overview"].with_context(
            allowed_company_ids=self.company.ids
        )
        overview = companies.browse(companies.action_open()["res_id"])
        action = overview.action_view_work()
        found = self.env["credit.profile"].search(action["domain"])
        self.assertEqual(found, self.profile)
        self.assertEqual(overview.work_count, 1)

    def test_what_waits_opens_in_a_window_over_the_list(self):
        self._create_late_invoice(4)
        self._propose()
        action = self.profile.action_open_work()
        self.assertEqual(action["target"], "new")
        self.assertEqual(action["res_model"], "credit.dunning.letter")

    def test_a_letter_proposed_from_the_list_is_shown_over_it(self):
        self._create_late_invoice(4)
        action = self.profile.action_propose_letter()
        letter = self._letters_of(self.customer)
        self.assertEqual((action["target"], action["res_id"]), ("new", letter.id))


@tagged("post_install", "-at_install", "credit_once")
class TestCall(WorkCommon):
    def _log(self, **values):
        return self.env["credit.call"].create({"profile_id": self.profile.id} | values)

    def test_a_call_does_the_due_one_and_takes_the_customer_off_the_list(self):
        self._plan(CALL_TYPE, -2)
        self._plan(TO_DO, 5)
        self.assertEqual(self._reason(), work.CALL_DUE)
        call = self._log(result="reached", note="Pays on Friday")
        self.assertFalse(self._reason())
        self.assertEqual(self.profile.activity_ids.activity_type_id.category, "default")
        self.assertEqual((call.user_id, call.next_step), (self.env.user, "none"))

    def test_a_call_lets_rest_what_the_ledger_asks(self):
        self._create_late_invoice(1, self.company.credit_large_amount)
        self.profile._refresh()
        self.assertEqual(self._reason(), work.NEW_LARGE)
        self._log()
        self.assertFalse(self._reason())

    def test_a_call_leaves_a_trace_of_who_what_and_which_result(self):
        self._log(result="not_reached", note="Voice mail\nfull", next_step="none")
        message = self.profile.message_ids[0]
        self.assertIn("Not reached", message.body)
        self.assertIn("Voice mail", message.body)
        self.assertEqual(message.author_id, self.env.user.partner_id)

    def test_who_was_not_reached_is_called_again_on_the_next_working_day(self):
        call = self._log(result="not_reached")
        self.assertEqual(call.next_step, "again")
        self.assertEqual(call.next_date, self.today + timedelta(days=1))
        planned = self.profile.activity_ids
        self.assertEqual(planned.date_deadline, call.next_date)
        self.assertEqual(planned.activity_type_id, self.env.ref(CALL_TYPE))

    def test_a_call_may_pause_the_customer(self):
        until = self.today + timedelta(days=10)
        self._log(next_step="pause", pause_until=until, note="Owner is ill")
        self.assertEqual(self.profile.pause_until, until)
        self.assertEqual(self.profile.pause_reason, "Owner is ill")

    def test_the_next_step_needs_a_day_that_has_not_passed(self):
        for values in (
            {"next_step": "again", "next_date": self._day(1)},
            {"next_step": "pause"},
            {"next_step": "pause", "pause_until": self._day(1)},
        ):
            with self.subTest(**values), self.assertRaises(UserError):
                self._log(**values)

    def test_nobody_calls_in_the_name_of_somebody_else(self):
        user = self.env.user
        for values in (
            {"user_id": self.env.ref("base.user_admin").id},
            {"date": "2020-01-01"},
        ):
            with self.assertRaises(UserError):
                self.env["credit.call"].with_user(user).create(
                    {"profile_id": self.profile.id} | values
                )

    def test_the_window_shows_facts_and_script(self):
        self.customer.phone = "+1 202-555-0101"
        self.first.activity_note = "Ask when it comes"
        invoice = self._create_late_invoice(4, 250.0)
        self._send_all_due()
        self.profile._refresh()
        call = self.env["credit.call.log"].new({"profile_id": self.profile.id})
        for words in ("250.00", invoice.name, "+1 202-555-0101", "Level at 3"):
            self.assertIn(words, call.facts)
        self.assertEqual(call.script, "Ask when it comes")

    def test_an_open_window_is_no_call_before_it_is_logged(self):
        """The host saves what is open when the browser is closed."""
        self._plan(CALL_TYPE, 0)
        window = self.env["credit.call.log"].create(
            {"profile_id": self.profile.id, "result": "not_reached"}
        )
        self.assertFalse(self.profile.call_ids)
        self.assertEqual(self._reason(), work.CALL_DUE)
        window.action_log()
        call = self.profile.call_ids
        self.assertEqual(
            (call.result, call.next_date), ("not_reached", window.next_date)
        )
        self.assertFalse(self._reason())

    def test_the_task_of_a_level_carries_facts_and_script(self):
        self.customer.phone = "+1 202-555-0101"
        self.first.activity_type_id = self.env.ref(CALL_TYPE)
        self.first.activity_note = "Ask when it comes"
        invoice = self._create_late_invoice(4, 250.0)
        self._send_all_due()
        note = self.profile.activity_ids.note
        for words in ("250.00", invoice.name, "+1 202-555-0101", "Ask when it comes"):
            self.assertIn(words, note)
        self.assertEqual(self._reason(), work.CALL_DUE)

    def test_the_calls_of_a_merged_customer_go_to_the_file_that_remains(self):
        call = self._log()
        other = self._create_customer("Other")
        kept = self._get_profile(other)
        self.env["credit.profile"]._merge_partners(self.customer, other)
        self.assertEqual(call.profile_id, kept)
        self.assertEqual(call.partner_id, other)


@tagged("post_install", "-at_install", "credit_once")
class TestCockpit(WorkCommon):
    def _count_rows(self):
        self.env.flush_all()
        return [
            self.env.execute_query(SQL("SELECT COUNT(*) FROM %s", SQL.identifier(name)))
            for name in (
                "credit_dunning_letter",
                "credit_dunning_letter_line",
                "credit_dunning_run",
                "mail_mail",
                "mail_message",
            )
        ]

    # === NEXT LETTER === #

    def test_the_next_letter_is_shown_as_it_will_go_and_nothing_stays(self):
        self._activate_language()
        self.customer.lang = "nl_NL"
        self._create_late_invoice(1, 321.0)
        self.profile._refresh()
        before = self._count_rows()
        action = self.profile.action_preview_next()
        shown = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(self._count_rows(), before)
        self.assertEqual(shown.day, self.today + timedelta(days=2))
        self.assertEqual(shown.level_id, self.first)
        self.assertEqual(shown.recipient_emails, "azure@example.com")
        self.assertIn("321", shown.body)
        self.assertIn("Dutch", shown.lang)
        self.assertFalse(self.profile.level_id)

    def _activate_language(self):
        self.env["res.lang"]._activate_lang("nl_NL")

    def test_the_preview_says_what_is_sent_on_the_day(self):
        self._create_late_invoice(3, 321.0)
        self.profile._refresh()
        action = self.profile.action_preview_next()
        shown = self.env[action["res_model"]].browse(action["res_id"])
        letter = self._send_all_due().letter_ids
        self.assertEqual(shown.subject, letter.subject)
        # Only the number of the letter in the link is not known before.
        told = re.compile(r"letter=\d+")
        self.assertEqual(told.sub("", str(shown.body)), told.sub("", str(letter.body)))

    def test_a_letter_in_a_proposal_is_shown_as_it_stands_there(self):
        self._create_late_invoice(4)
        letter = self._propose().letter_ids
        action = self.profile.action_preview_next()
        preview = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(preview.letter_id, letter)

    def test_a_letter_on_its_way_is_shown_as_it_goes(self):
        self._create_late_invoice(4)
        run = self._propose()
        self._send(run, deliver=False)
        self.assertEqual(run.letter_ids.state, "sending")
        action = self.profile.action_preview_next()
        preview = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(preview.letter_id, run.letter_ids)

    def test_where_nothing_would_go_the_reason_is_said(self):
        self._create_late_invoice(4)
        self.profile.pause_until = self.today + timedelta(days=30)
        self.env["credit.exclusion"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "reason": "Merger",
            }
        )
        self.profile._refresh()
        with self.assertRaisesRegex(UserError, "Excluded"):
            self.profile.action_preview_next()

    # === TIMELINE === #

    def test_the_timeline_has_letters_calls_payments_and_levels_taken_back(self):
        invoice = self._create_late_invoice(4, 100.0)
        letter = self._send_all_due().letter_ids
        self._pay(invoice, 40.0)
        self.env["credit.call"].create(
            {"profile_id": self.profile.id, "note": "<b>Friday</b>"}
        )
        letter.action_reverse()
        self.env.invalidate_all()
        history = self.profile.history
        kinds = sorted(entry["kind"] for entry in history)
        self.assertEqual(kinds, ["call", "letter", "payment", "reversal"])
        by_kind = {entry["kind"]: entry for entry in history}
        self.assertIn("40.00", by_kind["payment"]["amount"])
        self.assertEqual(by_kind["letter"]["title"], self.first.name)
        for entry in history:
            record = self.env[entry["res_model"]].browse(entry["res_id"])
            self.assertTrue(record.exists())

    def test_the_timeline_is_newest_first_and_of_this_customer_only(self):
        other = self._create_customer("Other")
        self._pay(self._create_late_invoice(4, 70.0, partner=other))
        self._create_credit_note(30.0)
        for days in (3, 1, 2):
            call = self.env["credit.call"].create({"profile_id": self.profile.id})
            call.sudo().date = self.today - timedelta(days=days)
            call.flush_recordset()
        self.env.invalidate_all()
        history = self.profile.history
        self.assertEqual(
            [entry["kind"] for entry in history], [*["call"] * 3, "credit_note"]
        )
        order = self.env["credit.call"].search([("profile_id", "=", self.profile.id)])
        self.assertEqual([entry["res_id"] for entry in history[:3]], order.ids)

    # === WHY NOT CHASED === #

    def test_every_item_left_alone_says_who_must_act_and_since_when(self):
        for days_late in (1, 2, 40):
            self._create_late_invoice(days_late)
        self._create_late_invoice(9).payment_state = "blocked"
        self.env["credit.dunning.outcome"]._evaluate(self.company)
        outcomes = self.env["credit.dunning.outcome"].search(
            [("company_id", "=", self.company.id), ("run_id", "=", False)]
        )
        self.assertTrue(outcomes)
        for outcome in outcomes:
            self.assertTrue(outcome.actor, outcome.reason)
            self.assertLessEqual(outcome.since, self.today)
        blocked = outcomes.filtered(lambda outcome: outcome.reason == "blocked")
        self.assertEqual(blocked.actor, work.BOOKKEEPING)

    def test_the_day_stays_as_long_as_the_reason_does(self):
        self._create_late_invoice(9).payment_state = "blocked"
        Outcome = self.env["credit.dunning.outcome"]
        domain = [("company_id", "=", self.company.id), ("run_id", "=", False)]
        Outcome._evaluate(self.company)
        Outcome.search(domain).sudo().since = self._day(5)
        Outcome._evaluate(self.company)
        self.assertEqual(Outcome.search(domain).since, self._day(5))
