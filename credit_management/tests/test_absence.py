"""While a collector is away somebody stands in, and afterwards all is as it was."""

from datetime import timedelta

import psycopg2

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditCommon


class AbsenceCommon(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna, cls.bert, cls.carl = (
            new_test_user(
                cls.env,
                login=f"absence_{name}",
                groups="base.group_user,credit_management.group_credit_user",
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )
            for name in ("anna", "bert", "carl")
        )
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )
        cls.profile.user_id = cls.anna

    @classmethod
    def _away(cls, user, substitute, first=0, last=0):
        return cls.env["credit.absence"].create(
            {
                "user_id": user.id,
                "substitute_id": substitute.id,
                "date_from": cls.today + timedelta(days=first),
                "date_to": cls.today + timedelta(days=last),
            }
        )


@tagged("post_install", "-at_install", "credit_once")
class TestAbsence(AbsenceCommon):
    def _informed(self):
        return self.profile._get_informed_user(self.env["res.users"])

    def _mine(self, user):
        profiles = self.env["credit.profile"].with_user(user)
        return profiles.search([("is_mine", "=", True)]).sudo(False)

    def test_new_tasks_go_to_who_stands_in_on_those_days(self):
        self._away(self.anna, self.bert, 1, 2)
        found = []
        for day in range(4):
            with freeze_time(f"{self.today + timedelta(days=day)} 09:00:00"):
                found.append(self._informed())
        self.assertEqual(found, [self.anna, self.bert, self.bert, self.anna])
        self.assertEqual(self.profile.user_id, self.anna)

    def test_customers_of_both_are_in_the_lists_of_who_stands_in(self):
        other = self.env["credit.profile"]._get_or_create(
            self.company, self._create_customer("Other")
        )
        other.user_id = self.bert
        self.assertEqual(self._mine(self.bert), other)
        absence = self._away(self.anna, self.bert)
        self.assertEqual(self._mine(self.bert), other + self.profile)
        self.assertTrue(self.profile.with_user(self.bert).is_mine)
        self.assertFalse(self.profile.with_user(self.carl).is_mine)
        later = self.today + timedelta(days=5)
        absence.write({"date_from": later, "date_to": later})
        self.assertEqual(self._mine(self.bert), other)

    def test_who_stands_in_and_is_away_has_somebody_too(self):
        self._away(self.anna, self.bert)
        self._away(self.bert, self.carl)
        self.assertEqual(self._informed(), self.carl)
        self.assertIn(self.profile, self._mine(self.carl))
        self.assertNotIn(self.profile, self._mine(self.bert))

    def test_a_circle_leaves_the_work_where_it_is(self):
        self._away(self.anna, self.bert)
        self._away(self.bert, self.anna)
        self.assertEqual(self._informed(), self.anna)

    def test_who_lost_the_right_stands_in_no_more(self):
        self._away(self.anna, self.bert)
        self.bert.group_ids -= self.env.ref("credit_management.group_credit_user")
        self.assertEqual(self._informed(), self.anna)

    def test_only_who_may_see_files_stands_in(self):
        employee = new_test_user(self.env, login="absence_employee")
        with self.assertRaises(ValidationError):
            self._away(self.anna, employee)

    def test_nobody_is_away_twice_or_stands_in_for_oneself(self):
        self._away(self.anna, self.bert, 0, 5)
        with self.assertRaises(ValidationError):
            self._away(self.anna, self.carl, 5, 6)
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.IntegrityError):
            self._away(self.bert, self.bert)

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_a_collector_writes_the_own_absences_a_manager_all(self):
        absences = self.env["credit.absence"]
        values = {
            "user_id": self.anna.id,
            "substitute_id": self.bert.id,
            "date_from": self.today,
            "date_to": self.today,
        }
        with self.assertRaises(AccessError):
            absences.with_user(self.bert).create(values)
        absence = absences.with_user(self.anna).create(values)
        self.assertEqual(absence.with_user(self.bert).substitute_id, self.bert)
        with self.assertRaises(AccessError):
            absence.with_user(self.bert).unlink()
        self.carl.group_ids += self.env.ref("credit_management.group_credit_manager")
        absence.with_user(self.carl).substitute_id = self.carl
        self.assertEqual(self._informed(), self.carl)


@tagged("post_install", "-at_install", "credit_once")
class TestAbsenceTasks(AbsenceCommon):
    """Tasks that were there before, too: passed on, and what is left of them back."""

    def _task(self, days=0, user=None, record=None):
        return (record or self.profile).activity_schedule(
            "mail.mail_activity_data_todo",
            summary=f"In {days} days",
            date_deadline=self.today + timedelta(days=days),
            user_id=(user or self.anna).id,
        )

    def _settle(self, days=0):
        """Let the job run in so many days."""
        with freeze_time(f"{self.today + timedelta(days=days)} 09:00:00"):
            self._run_cron("ir_cron_settle_tasks")

    def test_what_falls_due_meanwhile_goes_at_once_and_what_is_open_comes_back(self):
        due, late, done = self._task(2), self._task(-3), self._task(1)
        later, others = self._task(3), self._task(0, self.carl)
        given = self._task(1, self.bert)
        absence = self._away(self.anna, self.bert, 0, 2)
        passed = due | late | done
        self.assertEqual(passed.user_id, self.bert)
        self.assertEqual(later.user_id, self.anna)
        self.assertEqual(others.user_id, self.carl)
        self.assertEqual(absence.with_user(self.anna).passed_count, 3)
        done.action_feedback()
        self._settle(2)
        self.assertEqual(absence.passed_count, 2)
        self._settle(3)
        self.assertEqual((due | late).user_id, self.anna)
        # What Bert did, and what he had anyway, is his.
        self.assertEqual(done.with_context(active_test=False).user_id, self.bert)
        self.assertEqual(given.user_id, self.bert)
        self.assertEqual(absence.passed_count, 0)

    def test_it_is_noted_where_the_task_stands(self):
        self._task()
        said = len(self.profile.message_ids)
        self._away(self.anna, self.bert, 0, 1)
        words = self.profile.message_ids[0].preview
        for part in (self.anna.name, self.bert.name, "In 0 days", "05/14/2026"):
            self.assertIn(part, words)
        self.assertEqual(len(self.profile.message_ids), said + 1)
        self._settle(2)
        self.assertIn("is back", self.profile.message_ids[0].preview)
        self._settle(3)
        self.assertEqual(len(self.profile.message_ids), said + 2)

    def test_one_that_begins_later_waits_for_its_day(self):
        task, much_later = self._task(0), self._task(9)
        self._away(self.anna, self.bert, 1, 2)
        self._settle(0)
        self.assertEqual(task.user_id, self.anna)
        self._settle(1)
        self.assertEqual(task.user_id, self.bert)
        self.assertEqual(much_later.user_id, self.anna)
        # What somebody gives to Anna meanwhile goes the same way.
        new = self._task(2)
        self._settle(2)
        self.assertEqual(new.user_id, self.bert)

    def test_what_people_do_with_it_holds(self):
        back, away = self._task(1), self._task(1)
        self._away(self.anna, self.bert, 0, 2)
        back.user_id = self.anna
        away.user_id = self.carl
        self._settle(1)
        self.assertEqual(back.user_id, self.anna)
        self._settle(3)
        self.assertEqual(away.user_id, self.carl)

    def test_who_stands_in_and_is_away_passes_it_on_and_each_gets_back_the_own(self):
        for first_back, second_back in (("anna", "bert"), ("bert", "anna")):
            with self.subTest(first_back=first_back):
                task, own = self._task(1), self._task(1, self.bert)
                absences = {"anna": self._away(self.anna, self.bert, 0, 9)}
                absences["bert"] = self._away(self.bert, self.carl, 0, 9)
                self.assertEqual((task | own).user_id, self.carl)
                absences[first_back].unlink()
                holder = self.anna if first_back == "anna" else self.bert
                self.assertEqual(task.user_id, holder)
                absences[second_back].unlink()
                self.assertEqual(task.user_id, self.anna)
                self.assertEqual(own.user_id, self.bert)
                (task | own).unlink()

    def test_both_back_on_one_day(self):
        task = self._task(1)
        self._away(self.anna, self.bert, 0, 2)
        self._away(self.bert, self.carl, 0, 2)
        self.assertEqual(task.user_id, self.carl)
        self._settle(3)
        self.assertEqual(task.user_id, self.anna)

    def test_another_one_stands_in_or_one_is_back_early(self):
        task = self._task(1)
        absence = self._away(self.anna, self.bert, 0, 5)
        absence.with_user(self.anna).substitute_id = self.carl
        self.assertEqual(task.user_id, self.carl)
        absence.write(
            {
                "date_from": self.today + timedelta(days=3),
                "date_to": self.today + timedelta(days=5),
            }
        )
        self.assertEqual(task.user_id, self.anna)

    def test_what_the_substitute_may_not_do_stays(self):
        hidden = self.env["res.company"].create({"name": "Another"})
        self.anna.company_ids |= hidden
        foreign = self.env["credit.profile"]._get_or_create(hidden, self.customer)
        tasks = [self._task(0, record=foreign.sudo())]
        request = (
            self.env["credit.limit.request"]
            .sudo()
            .create(
                {
                    "partner_id": self.customer.id,
                    "company_id": self.company.id,
                    "asked_limit": 900.0,
                    "reason": "Grows",
                }
            )
        )
        request.state = "submitted"
        tasks.append(self._task(0, record=request))
        elsewhere = self.customer.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.anna.id
        )
        self._away(self.anna, self.bert)
        for task in (*tasks, elsewhere):
            self.assertEqual(task.user_id, self.anna)

    def test_nobody_says_by_hand_what_was_passed_on(self):
        task = self._task(1, self.carl)
        absence = self._away(self.bert, self.anna, 2, 3)
        values = {"passed_tasks": {str(task.id): self.carl.id}}
        with self.assertRaises(AccessError):
            absence.with_user(self.bert).write(values)

    def test_a_hundred_tasks_go_in_one_sweep(self):
        partners = self.env["res.partner"].create(
            [{"name": f"Sweep {number}"} for number in range(30)]
        )
        profiles = self.env["credit.profile"]._get_or_create(self.company, partners)
        for profile in profiles[:3]:
            self._task(record=profile)
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        absence = self._away(self.anna, self.bert)
        self.env.flush_all()
        few = self.env.cr.sql_log_count - before
        absence.unlink()
        for profile in profiles[3:]:
            self._task(record=profile)
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        self._away(self.anna, self.bert)
        self.env.flush_all()
        many = self.env.cr.sql_log_count - before
        self.assertLess(many, few + 30)  # not some for each of 27 more
