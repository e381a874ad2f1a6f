"""Figures where the accountant already is: dashboard, digest, reports."""

import json
from datetime import datetime, timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged

from .common import CreditCommon


class InsightCommon(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.collector = cls._create_user("collector", "group_credit_user")
        cls.biller = new_test_user(
            cls.env,
            login="insight_biller",
            groups="base.group_user,account.group_account_invoice",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    @classmethod
    def _create_user(cls, login, group):
        return new_test_user(
            cls.env,
            login=f"insight_{login}",
            groups=f"base.group_user,credit_management.{group}",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _at(self, days):
        return freeze_time(datetime(2026, 5, 13, 9) + timedelta(days=days))

    @classmethod
    def _pay(cls, moves, amount=None):
        """Pay on the day it is, not on that of the class."""
        today, cls.today = cls.today, cls.company._credit_today()
        try:
            return super()._pay(moves, amount)
        finally:
            cls.today = today


@tagged("post_install", "-at_install", "credit_once")
class TestJournalDashboard(InsightCommon):
    def _card(self, user=None):
        self.env.invalidate_all()
        journal = self.company_data["default_journal_sale"]
        return json.loads(journal.with_user(user or self.collector).kanban_dashboard)

    def test_late_invoices_that_nobody_was_told_of(self):
        self._create_late_invoice(5, 40)
        self._send_all_due()
        self._create_late_invoice(1, 70)
        self._create_late_invoice(0, 1000)
        self._pay(self._create_late_invoice(1, 500))
        card = self._card()
        self.assertEqual(card["credit_silent_count"], 1)
        self.assertIn("70.00", card["credit_silent_amount"])

    def test_the_list_behind_the_line_has_the_same_invoices(self):
        expected = self._create_late_invoice(1)
        journal = self.company_data["default_journal_sale"].with_user(self.collector)
        action = journal.open_action()
        view = self.env["account.move"].get_view(
            self.env.ref("account.view_account_invoice_filter").id, "search"
        )
        self.assertIn("credit_not_chased", view["arch"])
        found = self.env["account.move"].search(
            [
                *action["domain"],
                ("credit_level_id", "=", False),
                ("credit_age", "not in", [False, "due_later"]),
            ]
        )
        self.assertEqual(found, expected)

    def test_reminders_that_wait_are_counted_and_opened(self):
        self._create_late_invoice(5)
        self._create_late_invoice(6)
        run = self._propose()
        self.assertEqual(self._card()["credit_letter_count"], 1)
        journal = self.company_data["default_journal_sale"].with_user(self.collector)
        action = journal.action_view_credit_letters()
        letters = self.env["credit.dunning.letter"].search(action["domain"])
        self.assertEqual(letters, run.letter_ids)
        run.action_cancel()
        self.assertEqual(self._card()["credit_letter_count"], 0)

    def test_only_members_of_the_credit_groups_see_the_lines(self):
        self._create_late_invoice(5)
        self.assertFalse([key for key in self._card(self.biller) if "credit_" in key])

    def test_purchase_journals_have_no_such_line(self):
        journal = self.company_data["default_journal_purchase"]
        card = json.loads(journal.with_user(self.collector).kanban_dashboard)
        self.assertNotIn("credit_silent_count", card)

    def test_queries_do_not_grow_with_the_invoices(self):
        def count():
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._card()
            return self.env.cr.sql_log_count - before

        self._create_late_invoice(1)
        count()
        few = count()
        for _number in range(5):
            self._create_late_invoice(1)
        self.env.flush_all()
        self.assertLessEqual(count(), few)


@tagged("post_install", "-at_install", "credit_once")
class TestDigest(InsightCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.digest = cls.env["digest.digest"].create(
            {
                "name": "Digest",
                "company_id": cls.company.id,
                "kpi_credit_overdue": True,
                "kpi_credit_letters": True,
                "kpi_credit_collected": True,
            }
        )

    def _value(self, name, days=1, user=None):
        """Return a figure of the days until now."""
        self.env.invalidate_all()
        end = fields.Datetime.now()
        digest = self.digest.with_user(user or self.collector).with_context(
            start_datetime=end - timedelta(days=days), end_datetime=end
        )
        return digest[f"kpi_credit_{name}_value"]

    def test_overdue_is_that_of_the_end_of_the_time(self):
        self._create_late_invoice(0, 10)
        paid = self._create_late_invoice(5, 100)
        self._create_late_invoice(1, 7)
        self.assertEqual(self._value("overdue"), 107)
        with self._at(3):
            self._pay(paid, 60)
            self.env.invalidate_all()
            self.assertEqual(self._value("overdue"), 57)
        # Three days ago it was open.
        self.assertEqual(self._value("overdue"), 107)

    def test_letters_that_left_in_the_time(self):
        self._create_late_invoice(5)
        self._send_all_due()
        with self._at(0.5):
            self.assertEqual(self._value("letters"), 1)
        with self._at(5):
            self.assertEqual(self._value("letters"), 0)

    def test_what_was_collected_after_a_letter(self):
        told = self._create_late_invoice(5, 100)
        self._send_all_due()
        silent = self._create_late_invoice(1, 30)
        with self._at(1):
            self._pay(told, 80)
            self._pay(silent)
            self.assertEqual(self._value("collected"), 80)
        with self._at(5):
            self.assertEqual(self._value("collected"), 0)
            self.assertEqual(self._value("collected", days=7), 80)

    def test_other_readers_are_not_shown_them(self):
        for name in ("overdue", "letters", "collected"):
            with self.subTest(figure=name), self.assertRaises(AccessError):
                self._value(name, user=self.biller)
        kpis = self.digest._compute_kpis(self.company, self.biller)
        self.assertFalse([kpi for kpi in kpis if "credit" in kpi["kpi_name"]])

    def test_a_collector_gets_each_with_its_way(self):
        kpis = self.digest._compute_kpis(self.company, self.collector)
        ours = {
            kpi["kpi_name"]: kpi["kpi_action"]
            for kpi in kpis
            if "credit" in kpi["kpi_name"]
        }
        self.assertEqual(len(ours), 3)
        for action in ours.values():
            self.assertTrue(self.env.ref(action.split("?")[0]))


@tagged("post_install", "-at_install", "credit_once")
class TestLetterReport(InsightCommon):
    def _rows(self, user=None):
        self.env.invalidate_all()
        Report = self.env["credit.letter.report"].with_user(user or self.collector)
        return Report.search([("partner_id", "=", self.customer.id)], order="id")

    def test_each_receipt_counts_for_the_letter_before_it(self):
        invoice = self._create_late_invoice(4, 100)
        self._send_all_due()
        with self._at(2):
            self._pay(invoice, 10)
        with self._at(8):
            self._send_all_due()
            self._pay(invoice, 20)
        with self._at(9):
            self._pay(invoice, 30)
        first, second = self._rows()
        self.assertEqual((first.level_id, second.level_id), (self.first, self.second))
        self.assertEqual((first.amount, second.amount), (100, 90))
        self.assertEqual((first.paid_amount, second.paid_amount), (10, 50))
        self.assertEqual(first.item_count, 1)

    def test_a_credit_note_is_not_money(self):
        invoice = self._create_late_invoice(4, 100)
        self._send_all_due()
        credit = self._create_credit_note(40)
        lines = self._receivable_line(invoice) + self._receivable_line(credit)
        lines.reconcile()
        self.assertEqual(self._rows().paid_amount, 0)

    def test_what_was_paid_before_the_letter_does_not_count(self):
        invoice = self._create_late_invoice(4, 100)
        self._pay(invoice, 25)
        with self._at(1):
            self._send_all_due()
        self.assertEqual((self._rows().amount, self._rows().paid_amount), (75, 0))

    def test_only_letters_that_left_stand_in_it(self):
        self._create_late_invoice(4)
        run = self._propose()
        self.assertFalse(self._rows())
        self._send(run)
        row = self._rows()
        self.assertEqual(row.letter_id, run.letter_ids)
        self.assertEqual(row.action_open_letter()["res_id"], run.letter_ids.id)

    def test_letters_of_the_test_mode_do_not_count(self):
        self.company.write(
            {"credit_mode": "redirect", "credit_redirect_email": "test@us.example.com"}
        )
        self._create_late_invoice(4)
        self._send_all_due()
        self.assertFalse(self._rows())

    def test_overdue_items_by_age_level_and_collector(self):
        self._create_late_invoice(40, 100)
        self._send_all_due()
        self._create_late_invoice(1, 50)
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        profile.user_id = self.collector
        Line = self.env["account.move.line"].with_user(self.collector)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "credit_management.credit_overdue_report_action"
        )
        domain = [
            ("account_type", "=", "asset_receivable"),
            ("partner_id", "=", self.customer.id),
        ]
        self.assertEqual(action["res_model"], "account.move.line")
        rows = Line.formatted_read_group(
            domain,
            ["credit_level_id", "credit_age", "credit_user_id"],
            ["amount_residual:sum"],
        )
        found = {
            (row["credit_level_id"] and row["credit_level_id"][0], row["credit_age"]): (
                row["amount_residual:sum"],
                row["credit_user_id"][0],
            )
            for row in rows
        }
        self.assertEqual(
            found,
            {
                (self.first.id, "late_31"): (100, self.collector.id),
                (False, "late_01"): (50, self.collector.id),
            },
        )
        mine = Line.search([*domain, ("credit_user_id", "=", self.collector.id)])
        self.assertEqual(len(mine), 2)
        self.assertEqual(mine.credit_user_id, self.collector)
        sets = Line.formatted_read_grouping_sets(
            domain,
            [[], ["credit_level_id"], ["credit_level_id", "credit_age"]],
            ["amount_residual:sum"],
        )
        self.assertEqual(sets[0][0]["amount_residual:sum"], 150)
