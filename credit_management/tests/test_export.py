import csv
import io
import json

import openpyxl

from odoo import http
from odoo.tests import HttpCase, tagged

from .common import CreditCommon

LINK = '=HYPERLINK("http://evil.example","Open")'
STARTS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1")


@tagged("post_install", "-at_install")
class TestExport(CreditCommon, HttpCase):
    """What customers write is text in every export of our models, never a formula."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.name = LINK
        cls.customer.ref = LINK
        cls.contact = cls._create_customer(
            "Contact", parent_id=cls.customer.id, is_company=False
        )
        cls.contact.name = LINK
        invoice = cls._create_late_invoice(4, ref=LINK)
        cls._create_late_invoice(1, partner=cls._create_customer("Other"))
        run = cls._propose()
        letter = run.letter_ids.filtered(
            lambda ltr: ltr.commercial_partner_id == cls.customer
        )
        letter.custom_text = LINK
        letter._skip(LINK)
        profile = letter.profile_id
        profile.pause_reason = LINK
        exclusion = cls.env["credit.exclusion"].create(
            {
                "scope": "customer",
                "partner_id": cls.customer.id,
                "company_id": cls.company.id,
                "reason": LINK,
            }
        )
        call = cls.env["credit.call"].create(
            {
                "profile_id": profile.id,
                "note": LINK,
                "next_step": "none",
            }
        )
        statement = cls.env["credit.statement"].create(
            {"profile_id": profile.id, "note": LINK}
        )
        run.outcome_ids.move_id.partner_id.commercial_partner_id.name = LINK
        invoice.flush_recordset()
        cls.records = [
            run,
            letter,
            letter.line_ids,
            profile,
            exclusion,
            call,
            statement,
            run.outcome_ids,
            run.summary_ids,
        ]

    def _export(self, kind, records, groupby=()):
        fields = [
            {"name": name, "label": name, "store": field.store, "type": field.type}
            for name, field in sorted(records._fields.items())
            if field.type in ("char", "text", "html", "many2one") and field.exportable
        ]
        if groupby:
            fields = [field for field in fields if field["store"]]
        self.env.flush_all()
        data = {
            "model": records._name,
            "fields": fields,
            "ids": records.ids,
            "domain": [("id", "in", records.ids)],
            "groupby": list(groupby),
            "context": {"allowed_company_ids": self.company.ids},
            "import_compat": False,
        }
        response = self.url_open(
            f"/web/export/{kind}",
            data={
                "data": json.dumps(data),
                "csrf_token": http.Request.csrf_token(self),
            },
        )
        self.assertEqual(response.status_code, 200, response.text[:300])
        return response.content

    def _cells(self, content):
        book = openpyxl.load_workbook(io.BytesIO(content))
        return [cell for row in book.active.iter_rows() for cell in row]

    def _log_in(self):
        self.env.user.group_ids += self.env.ref("base.group_allow_export")
        self.env.user.password = "export_password"
        self.authenticate(self.env.user.login, "export_password")

    def test_no_text_of_a_customer_is_a_formula_in_a_workbook(self):
        self._log_in()
        seen = 0
        for records in self.records:
            with self.subTest(model=records._name):
                cells = self._cells(self._export("xlsx", records))
                self.assertFalse([c.value for c in cells if c.data_type == "f"])
                self.assertFalse([c.value for c in cells if c.hyperlink])
                seen += sum(LINK in str(cell.value) for cell in cells)
        self.assertGreater(seen, 12)  # it is there, as text

    def test_nor_in_the_heads_of_groups(self):
        self._log_in()
        letter = self.records[1]
        for groupby in (["commercial_partner_id"], ["partner_id", "level_id"]):
            cells = self._cells(self._export("xlsx", letter, groupby))
            self.assertFalse([c.value for c in cells if c.data_type == "f"])
            heads = [c for c in cells if str(c.value).startswith("=HYPERLINK")]
            self.assertTrue(heads)

    def test_no_text_begins_like_a_formula_in_a_csv(self):
        self._log_in()
        exclusion = self.records[4]
        for text in (LINK, *STARTS):
            exclusion.reason = text
            self.customer.name = text
            content = self._export("csv", exclusion).decode()
            values = [v for row in csv.reader(io.StringIO(content)) for v in row]
            self.assertTrue([value for value in values if text.strip() in value])
            for value in values:
                self.assertFalse(
                    value.startswith(("=", "+", "-", "@", "\t", "\r")), value
                )

    def test_the_statement_of_such_a_customer_holds_text(self):
        cells = self._cells(self.records[6]._render_xlsx())
        self.assertFalse([cell.value for cell in cells if cell.data_type == "f"])
