"""Owners outside the credit groups: their own cases, and nothing else of credit."""

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .test_dispute import DisputeCommon


@tagged("post_install", "-at_install", "credit_once")
class TestDisputeOwner(DisputeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = cls._create_user(
            "dispute_logistics", "credit_management.group_credit_case"
        )
        cls.profile.user_id = cls.collector
        cls.quality.user_ids = cls.owner
        cls.invoice = cls._create_late_invoice(30, 100.0)
        cls.own = cls._dispute(cls.invoice, 40.0, cls.quality)
        cls.foreign = cls._dispute(cls._create_late_invoice(9, 70.0), 20.0)

    @classmethod
    def _create_user(cls, login, group):
        return new_test_user(
            cls.env,
            login=login,
            groups=f"base.group_user,{group}",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def as_owner(self, record):
        self.env.invalidate_all()
        return record.with_user(self.owner)

    def test_the_owner_of_the_reason_gets_the_case_and_a_task(self):
        self.assertEqual(self.own.user_id, self.owner)
        self.assertEqual(self.own.activity_ids.user_id, self.owner)

    def test_own_cases_are_found_and_no_others(self):
        found = self.as_owner(self.env["credit.dispute"]).search([])
        self.assertEqual(found, self.own)
        lines = self.as_owner(self.env["credit.dispute.line"]).search([])
        self.assertEqual(lines, self.own.line_ids)
        for record in (self.foreign, self.foreign.line_ids):
            with self.assertRaises(AccessError), mute_logger("odoo.models"):
                self.as_owner(record).read(["display_name"])
            with self.assertRaises(AccessError), mute_logger("odoo.models"):
                self.as_owner(record).write({})

    def test_the_form_shows_the_case_and_no_invoice_nor_credit_file(self):
        with Form(self.as_owner(self.own)) as form:
            form.priority = "1"
        own = self.as_owner(self.own)
        self.assertEqual(own.amount_disputed, 40.0)
        for path in ("profile_id", "line_ids.move_id", "partner_id.credit_profile_ids"):
            with self.subTest(path=path), mute_logger("odoo.models", "odoo.orm.models"):
                record, last = own, path.split(".")[-1]
                if "." in path:
                    record = own[path.split(".")[0]]
                if last not in record._fields:
                    continue
                target = record[last]
                self.assertTrue(target)
                with self.assertRaises(AccessError):
                    target.read()
        for name in ("credit.profile", "credit.message", "credit.call", "account.move"):
            self.assertFalse(self.as_owner(self.env[name]).has_access("read"), name)

    @mute_logger("odoo.models", "odoo.orm.models")
    def test_nothing_is_guessed_by_a_search_through_the_case(self):
        disputes = self.as_owner(self.env["credit.dispute"])
        for domain in (
            [("profile_id.overdue_amount", ">", 1)],
            [("line_ids.move_id.amount_total", ">", 1)],
        ):
            with self.subTest(domain=domain), self.assertRaises(AccessError):
                disputes.search(domain)

    def test_the_owner_asks_notes_and_hands_over(self):
        own = self.as_owner(self.own)
        own.action_start()
        own.cause_id = self.env.ref("credit_management.dispute_cause_damage")
        own.line_ids.amount_accepted = 30.0
        own.message_post(body="Two of three", subtype_xmlid="mail.mt_note")
        self._settle(own, "ask", user=self.owner)
        self.assertEqual(own.state, "waiting")
        own.action_resume()
        own.action_hand_over()
        self.assertEqual(self.own.user_id, self.collector)
        self.assertEqual(self.own.activity_ids.user_id, self.collector)
        self.assertIn("dispute_logistics", self.own.activity_ids.summary)
        self.assertFalse(self.as_owner(self.env["credit.dispute"]).search([]))
        self._settle(self.own, "accept", user=self.collector, pay_by="2026-06-01")
        self.assertEqual(self.invoice.amount_residual, 70.0)

    def test_the_owner_settles_nothing(self):
        own = self.as_owner(self.own)
        for name in (
            "action_accept",
            "action_reject",
            "action_withdraw",
            "action_confirm_hold",
            "action_approve",
            "action_refuse_approval",
        ):
            with self.subTest(method=name), self.assertRaises(AccessError):
                getattr(own, name)()
        for kind in ("accept", "reject", "withdraw"):
            with self.subTest(kind=kind), self.assertRaises(AccessError):
                self._settle(own, kind, user=self.owner, pay_by="2026-06-01")
        self.assertEqual(self.own.state, "new")

    def test_the_owner_takes_no_case_and_gives_none_away(self):
        for vals in (
            {"user_id": self.collector.id},
            {"reason_id": self.price.id},
            {"contact_id": False},
            {"state": "accepted"},
        ):
            with self.subTest(vals=vals), self.assertRaises(UserError):
                self.as_owner(self.own).write(vals)

    def test_nobody_owns_cases_whom_their_rights_would_refuse(self):
        stranger = self._create_user("dispute_stranger", "base.group_partner_manager")
        with self.assertRaises(ValidationError):
            self.quality.user_ids = stranger
        with self.assertRaises(ValidationError):
            self.own.user_id = stranger

    def test_who_lost_the_right_gets_no_new_cases(self):
        self.owner.sudo().group_ids -= self.env.ref(
            "credit_management.group_credit_case"
        )
        dispute = self._dispute(self.invoice, 10.0, self.quality)
        self.assertEqual(dispute.user_id, self.collector)

    def test_the_tasks_go_with_the_case(self):
        self.own.with_user(self.collector).user_id = self.collector
        self.assertEqual(self.own.activity_ids.user_id, self.collector)
        self.foreign.activity_ids.unlink()
        self.foreign.user_id = self.owner
        self.assertEqual(self.foreign.activity_ids.user_id, self.owner)
        self.assertEqual(
            self.as_owner(self.env["credit.dispute"]).search([]), self.foreign
        )

    def test_the_owner_has_the_menu_of_disputes_and_no_other_of_credit(self):
        root = self.env.ref("credit_management.credit_management_menu")
        menus = self.as_owner(self.env["ir.ui.menu"])
        seen = menus.browse(menus._visible_menu_ids()).sudo()
        self.assertEqual(
            (root.child_id & seen).mapped("name"),
            ["Disputes"],
        )
