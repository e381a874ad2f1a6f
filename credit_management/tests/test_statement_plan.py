"""A statement of account marks what is paid in parts, and does not ask for it."""

import io

import openpyxl

from odoo.tests import freeze_time, tagged

from .test_plan import FIRST, SECOND, PlanCommon


@tagged("post_install", "-at_install", "credit_once")
class TestStatementPlan(PlanCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._create_late_invoice(12, 300.0)
        cls.other = cls._create_late_invoice(5, 100.0)
        cls.plan = cls._plan(cls.invoice)

    def _statement(self, **values):
        return self.env["credit.statement"].create(
            {"profile_id": self.profile.id, "date_to": self.company._credit_today()}
            | values
        )

    def _section(self, **values):
        (content,) = self._statement(**values)._prepare_content()
        (section,) = content["sections"]
        return section

    def _cells(self, statement):
        book = openpyxl.load_workbook(io.BytesIO(statement._render_xlsx()))
        rows = book.active.iter_rows(values_only=True)
        return [cell for row in rows for cell in row]

    def _what(self, section, move):
        (row,) = [row for row in section["rows"] if row["name"] == move.name]
        return row["what"].replace("\xa0", " ")

    def test_what_is_in_a_plan_is_marked_with_its_next_part(self):
        section = self._section()
        self.assertEqual(
            self._what(section, self.invoice),
            f"Invoice, in payment plan {self.plan.name}, next part $ 100.00 on"
            f" {FIRST:%m/%d/%Y}",
        )
        self.assertEqual(self._what(section, self.other), "Invoice")

    def test_a_part_that_is_late_is_told(self):
        with freeze_time(f"{SECOND} 09:00:00"):
            what = self._what(self._section(), self.invoice)
        self.assertIn(f"$ 100.00 late since {FIRST:%m/%d/%Y}", what)

    def test_the_last_line_asks_only_for_what_is_asked(self):
        section = self._section()
        self.assertEqual(section["total"], 400.0, "the balance is that of the ledger")
        self.assertEqual((section["planned"], section["remaining"]), (300.0, 100.0))
        self._pay(self.invoice, 100.0)
        section = self._section(only_overdue=True)
        self.assertEqual((section["total"], section["planned"]), (300.0, 200.0))
        self.assertEqual(
            (section["remaining_label"], section["remaining"]), ("To pay now", 100.0)
        )
        self.plan.action_break()
        section = self._section()
        self.assertEqual((section["planned"], section["remaining"]), (0.0, 300.0))
        self.assertEqual(self._what(section, self.invoice), "Invoice")

    def test_of_the_activity_only_what_is_open_is_marked(self):
        self._pay(self.invoice, 50.0)
        section = self._section(kind="activity", date_from=self._day(100))
        marked = [row["what"] for row in section["rows"] if "plan" in row["what"]]
        self.assertEqual(len(marked), 1)
        self.assertEqual((section["closing"], section["planned"]), (350.0, 250.0))

    def test_an_earlier_day_knows_of_no_plan(self):
        section = self._section(date_to=self._day(1))
        self.assertEqual(section["planned"], 0.0)
        self.assertEqual(self._what(section, self.invoice), "Invoice")

    def test_what_is_more_than_the_plan_is_asked_for(self):
        """A payment of before the plan that is taken back is no matter of it."""
        invoice = self._create_late_invoice(20, 500.0)
        self._pay(invoice, 200.0)
        self._plan(invoice)
        self.assertEqual(self._section()["planned"], 600.0)
        self._unmatch(invoice)
        section = self._section()
        self.assertEqual(section["planned"], 600.0)

    def test_on_paper_and_in_the_workbook(self):
        statement = self._statement()
        content, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "credit_management.credit_statement_report", statement.ids
        )
        page = " ".join(content.decode().split())
        for text in (self.plan.name, "paid in parts", "Open besides payment plans"):
            self.assertIn(text, page)
        book = openpyxl.load_workbook(io.BytesIO(statement._render_xlsx()))
        cells = [
            cell for row in book.active.iter_rows(values_only=True) for cell in row
        ]
        self.assertIn("Open besides payment plans", cells)
        self.assertIn(-300, cells)
        self.plan.action_cancel()
        book = openpyxl.load_workbook(io.BytesIO(statement._render_xlsx()))
        cells = [
            cell for row in book.active.iter_rows(values_only=True) for cell in row
        ]
        self.assertNotIn("Open besides payment plans", cells)
