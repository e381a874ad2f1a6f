"""While a collector is away somebody stands in, and afterwards all is as it was."""

from datetime import timedelta

import psycopg2

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditCommon


@tagged("post_install", "-at_install", "credit_once")
class TestAbsence(CreditCommon):
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
