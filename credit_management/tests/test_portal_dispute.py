"""A customer disputes an invoice online; nobody else does, nor anything but that."""

import re
from unittest.mock import patch

from lxml import html

from odoo import http
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..logic import uploads
from ..models import credit_profile
from .test_portal import PRIVATE, XSS, CreditPortalCommon

PDF = b"%PDF-1.4\n%%EOF"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
# Name, content: none of them is taken, whatever it calls itself.
REFUSED = (
    ("a.html", b"<html><script>alert(1)</script></html>"),
    ("a.pdf", b"<html><script>alert(1)</script></html>"),
    ("a.txt", b"  <svg onload=alert(1)>"),
    ("a.svg", b"<?xml version='1.0'?><svg/>"),
    ("a.xht", b"\xef\xbb\xbf<html/>"),
    ("a.js", b"\x00alert(1)"),
    ("a.exe", b"MZ\x90\x00\x03"),
    ("a.png", b"GIF89a\x01\x00"),
    ("bomb.zip", b"PK\x03\x04\x00\x00"),
    ("empty.pdf", b""),
    ("blank.txt", b"   \n"),
)
NAMES = (
    "../../etc/passwd.pdf",
    "..\\..\\boot.pdf",
    "x" * 300 + ".pdf",
    "invoice\u202efdp.exe",
    '"><img src=x onerror=alert(1)>.pdf',
    "a\r\nSet-Cookie: x=1.pdf",
    ".htaccess",
    "'; DROP TABLE x; --.html",
)
LOGS = ("odoo.http", "werkzeug", "odoo.addons.base.models.ir_rule")


class PortalDisputeCommon(CreditPortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reason = cls.env.ref("credit_management.dispute_reason_price")
        cls.invoice = cls._create_late_invoice(12, 250.0)
        cls.token = cls.invoice._portal_ensure_token()
        cls.foreign_invoice = cls._create_late_invoice(12, 90.0, partner=cls.other)
        cls.foreign_token = cls.foreign_invoice._portal_ensure_token()

    def _send(self, path, files=(), **values):
        """Send a form as a browser does."""
        if not self.session:
            self.authenticate(None, None)
        data = {"csrf_token": http.Request.csrf_token(self)} | values
        return self.url_open(
            path,
            data={key: value for key, value in data.items() if value is not None},
            files=[("files", file) for file in files] or None,
            allow_redirects=False,
            method="POST",
        )

    def _dispute_online(self, invoice=None, files=(), **values):
        invoice = invoice or self.invoice
        return self._send(
            f"/my/invoices/{invoice.id}/dispute/open",
            files,
            **{
                "access_token": self.token,
                "reason": str(self.reason.id),
                "amount": "30.00",
                "text": "The price is wrong.",
            }
            | values,
        )

    def _get_disputes(self):
        self.env.invalidate_all()
        return self.env["credit.dispute"].search([], order="id")


@tagged("post_install", "-at_install", "credit_full")
class TestPortalDispute(PortalDisputeCommon):
    def test_a_customer_disputes_a_line_with_a_file_and_follows_it(self):
        self._login(self.azure_user)
        page = html.fromstring(self.url_open(f"/my/invoices/{self.invoice.id}").content)
        (link,) = page.xpath("//a[@name='credit_dispute']/@href")
        form = html.fromstring(self.url_open(link).content)
        key = form.xpath("//input[@name='key']/@value")[0]
        line = self.invoice.invoice_line_ids
        response = self._dispute_online(
            files=[("photo.png", PNG)],
            access_token=None,
            amount=None,
            key=key,
            lines=str(line.id),
            **{f"amount_{line.id}": "30,5"},
        )
        dispute = self._get_disputes()
        self.assertURLEqual(response.headers["Location"], f"/my/disputes/{dispute.id}")
        self.assertEqual(dispute.amount_disputed, 30.5)
        self.assertEqual(dispute.line_ids.invoice_line_id, line)
        self.assertEqual(dispute.source, "portal")
        self.assertEqual(dispute.contact_id, self.azure_user.partner_id)
        # Sent twice by a double click, it is one.
        self._dispute_online(access_token=None, key=key)
        self.assertEqual(self._get_disputes(), dispute)

        response = self.url_open(f"/my/disputes/{dispute.id}")
        page = html.fromstring(response.content)
        self.assertIn("The price is wrong.", page.text_content())
        self.assertIn("azure.contact", page.text_content())
        for name, value in PRIVATE.items():
            self.assertEqual(response.headers[name], value)
        (file_url,) = page.xpath("//div[@name='message']//a/@href")
        file = self.url_open(file_url)
        self.assertEqual(file.content, PNG)
        self.assertIn("attachment", file.headers["Content-Disposition"])
        self.assertEqual(file.headers["X-Content-Type-Options"], "nosniff")

        # What colleagues say to each other stays in the house.
        dispute.message_post(body="HOUSE", subtype_xmlid="mail.mt_note")
        dispute._ask("Which box was it?")
        page = html.fromstring(self.url_open(f"/my/disputes/{dispute.id}").content)
        self.assertNotIn("HOUSE", page.text_content())
        self.assertIn("Which box was it?", page.text_content())
        self._send(f"/my/disputes/{dispute.id}/message", text="The second one.")
        self.env.invalidate_all()
        self.assertEqual(dispute.state, "in_progress")
        self.assertIn("The second one.", str(dispute.message_ids.mapped("body")))

        self._send(f"/my/disputes/{dispute.id}/withdraw")
        self.env.invalidate_all()
        self.assertEqual(dispute.state, "withdrawn")
        self.assertEqual(dispute.closed_by, "customer")

    def test_who_has_the_link_is_shown_as_by_link_and_withdraws_nothing(self):
        response = self._dispute_online()
        dispute = self._get_disputes()
        self.assertEqual(dispute.source, "link")
        self.assertIn(dispute.access_token, response.headers["Location"])
        page = html.fromstring(self.url_open(response.headers["Location"]).content)
        self.assertIn("By link", page.text_content())
        self.assertNotIn("azure.contact", page.text_content())
        self.assertFalse(page.xpath("//form[@name='dispute_withdraw']"))
        self._send(
            f"/my/disputes/{dispute.id}/withdraw", access_token=dispute.access_token
        )
        self.env.invalidate_all()
        self.assertEqual(dispute.state, "new")
        said = dispute._get_customer_messages()[0]
        self.assertEqual(said.author_id, self.env.ref("base.public_partner"))
        self.assertIn("Written by link", str(said.body))

    def test_on_the_customers_page_it_stands_apart_and_is_not_asked_for(self):
        self._dispute_online()
        self._login(self.azure_user)
        page = self._open("/my/credit")
        self.assertEqual(self._get_totals(page)["overdue"], "250.00")
        self.assertEqual(self._get_totals(page)["disputed"], "-30.00")
        self.assertEqual(self._get_totals(page)["to_pay"], "220.00")
        self.assertEqual(self._get_totals(page)["balance"], "250.00")
        self.assertEqual(len(page.xpath("//section[@name='disputes']//tbody/tr")), 1)
        self.assertTrue(page.xpath("//a[@name='dispute']"))
        profile = self._get_profile()
        page = self._open(f"/my/credit/{profile.id}/pay?currency=USD&items=overdue")
        (total,) = page.xpath("//td[@name='total']")
        self.assertEqual(self._get_amount(total), "220.00")

    # === ATTACKS === #

    def _assert_nothing(self, response):
        self.assertLess(response.status_code, 500)
        self.assertFalse(self._get_disputes())

    @mute_logger(*LOGS)
    def test_other_customers_and_guessed_tokens_open_nothing(self):
        tokens = (
            None,
            "",
            "x",
            "é",
            "None",
            "False",
            self.foreign_token,
            self.token[:-1],
            self.token.upper() + "x" * 5000,
            self._get_profile()._portal_ensure_token(),
        )
        for user in (None, self.other_user):
            if user:
                self._login(user)
            else:
                self.authenticate(None, None)
            for token in tokens:
                with self.subTest(user=user and user.login, token=token):
                    response = self._dispute_online(access_token=token)
                    self._assert_nothing(response)
                    self.assertURLEqual(response.headers["Location"], "/my")
                    form = self.url_open(
                        f"/my/invoices/{self.invoice.id}/dispute?access_token={token}",
                        allow_redirects=False,
                    )
                    self.assertURLEqual(form.headers["Location"], "/my")
        for invoice_id in (0, 10**30, self.invoice.id + 10**6):
            response = self._send(
                f"/my/invoices/{invoice_id}/dispute/open", access_token=self.token
            )
            self._assert_nothing(response)

    @mute_logger(*LOGS)
    def test_a_case_is_seen_and_moved_by_its_customer_alone(self):
        self._dispute_online(files=[("a.pdf", PDF)])
        dispute = self._get_disputes()
        file = dispute.message_ids.attachment_ids
        count = len(dispute.message_ids)
        for user in (None, self.other_user, self.env.user):
            if user == self.env.user:
                continue  # of the house: by the screens of the house
            if user:
                self._login(user)
            else:
                self.authenticate(None, None)
            for token in (None, "x", self.token, self.foreign_token):
                for path in ("", f"/file/{file.id}"):
                    response = self.url_open(
                        f"/my/disputes/{dispute.id}{path}?access_token={token}",
                        allow_redirects=False,
                    )
                    self.assertIn(response.status_code, (302, 303))
                    self.assertNotIn(dispute.name, response.text)
                for path in ("message", "withdraw"):
                    response = self._send(
                        f"/my/disputes/{dispute.id}/{path}",
                        access_token=token,
                        text="Mine",
                    )
                    self.assertLess(response.status_code, 500)
        self.env.invalidate_all()
        self.assertEqual(dispute.state, "new")
        self.assertEqual(len(dispute.message_ids), count)
        # Nor is a file of another case handed out by an own one.
        self._login(self.other_user)
        self._dispute_online(self.foreign_invoice, access_token=None)
        own = self._get_disputes()[-1]
        response = self.url_open(
            f"/my/disputes/{own.id}/file/{file.id}", allow_redirects=False
        )
        self.assertURLEqual(response.headers["Location"], "/my")

    @mute_logger(*LOGS)
    def test_a_form_of_another_site_is_refused(self):
        for csrf_token in (None, "x"):
            response = self._dispute_online(csrf_token=csrf_token)
            self.assertEqual(response.status_code, 400)
        self.assertFalse(self._get_disputes())
        self._login(self.azure_user)
        self._dispute_online()
        dispute = self._get_disputes()
        count = len(dispute.message_ids)
        for path in ("message", "withdraw"):
            for csrf_token in (None, "x"):
                response = self._send(
                    f"/my/disputes/{dispute.id}/{path}",
                    csrf_token=csrf_token,
                    text="More",
                )
                self.assertEqual(response.status_code, 400)
        self.env.invalidate_all()
        self.assertEqual(dispute.state, "new")
        self.assertEqual(len(dispute.message_ids), count)

    @mute_logger(*LOGS)
    def test_lines_and_reasons_of_others_and_further_keys_are_not_taken(self):
        foreign = self.foreign_invoice.invoice_line_ids
        hidden = self.env.ref("credit_management.dispute_reason_short_payment")
        self._assert_nothing(self._dispute_online(lines=str(foreign.id), amount=None))
        for reason in (str(hidden.id), "0", "x", "", str(10**30)):
            self._assert_nothing(self._dispute_online(reason=reason))
        for amount in ("-5", "1e9", "NaN", "0", "0.00", "١٢", "1.2345", "9" * 40):
            self._assert_nothing(self._dispute_online(amount=amount))
        self._dispute_online(
            amount="99999",
            state="accepted",
            company_id="1",
            user_id="1",
            approval="approved",
            profile_id=str(self._get_profile(self.other).id),
            line_ids="[(0,0,{})]",
        )
        dispute = self._get_disputes()
        self.assertEqual(dispute.state, "new")
        self.assertEqual(dispute.amount_disputed, 250.0)  # what is open, no more
        self.assertEqual(dispute.partner_id, self.customer)
        self.assertFalse(dispute.approval)

    @mute_logger(*LOGS)
    def test_markup_is_text_wherever_it_is_shown(self):
        self._login(self.azure_user)
        self._dispute_online(text=XSS, files=[(f"{XSS}.pdf", PDF)])
        dispute = self._get_disputes()
        self._send(f"/my/disputes/{dispute.id}/message", text=XSS)
        response = self._dispute_online(text=XSS, amount=XSS, key=XSS, reason=XSS)
        pages = [response, self.url_open(f"/my/disputes/{dispute.id}")]
        pages.append(self.url_open("/my/credit"))
        for page in pages:
            root = html.fromstring(page.content)
            self.assertFalse(root.xpath("//img[@src='x']"))
            self.assertNotIn("<script>alert", page.text)
        for body in dispute.message_ids.mapped("body"):
            self.assertNotIn("<script", str(body))
            self.assertNotIn("<img", str(body))
        self.assertIn("<script>alert('x')", dispute.description)  # literally

    @mute_logger(*LOGS)
    def test_files_are_known_by_what_is_in_them(self):
        for name, content in REFUSED:
            with self.subTest(name=name):
                response = self._dispute_online(files=[(name, content)])
                self._assert_nothing(response)
        with patch("odoo.addons.credit_management.logic.uploads.LARGEST_BYTES", 10):
            self._assert_nothing(self._dispute_online(files=[("a.pdf", PDF)]))
        self._assert_nothing(self._dispute_online(files=[("a.pdf", PDF)] * 6))
        self._dispute_online(files=[(name, PDF) for name in NAMES[:5]])
        self._dispute_online(files=[(name, PDF) for name in NAMES[5:]])
        disputes = self._get_disputes()
        large = ("large.pdf", PDF + b"0" * uploads.LARGEST_BYTES)
        self._dispute_online(files=[large])
        self.assertEqual(self._get_disputes(), disputes)
        # What is said later takes no others.
        path = f"/my/disputes/{disputes[0].id}/message"
        token = disputes[0].access_token
        for file in (*REFUSED, large):
            response = self._send(path, [file], access_token=token, text="More")
            self.assertEqual(response.status_code, 400, file[0])
        files = self._get_disputes().message_ids.attachment_ids
        self.assertEqual(len(files), len(NAMES))
        for file in files:
            with self.subTest(name=file.name):
                self.assertTrue(re.fullmatch(r"[^/\\<>\"'\r\n\u202e]{1,84}", file.name))
                self.assertTrue(file.name.endswith(".pdf"))
                self.assertEqual(file.mimetype, "application/pdf")
                self.assertFalse(file.public)
                # Not by the doors of the host either.
                response = self.url_open(f"/web/content/{file.id}")
                self.assertEqual(response.status_code, 404)

    @mute_logger(*LOGS)
    def test_a_flood_is_stopped_in_words_and_tomorrow_it_works_again(self):
        with (
            patch.object(credit_profile, "PORTAL_WRITES_A_DAY", 4),
            patch.object(credit_profile, "PORTAL_DISPUTES_A_DAY", 2),
        ):
            codes = [
                self._dispute_online(amount="1").status_code for _again in range(5)
            ]
            self.assertEqual(codes, [303, 303, 429, 429, 429])
            dispute = self._get_disputes()[0]
            path = f"/my/disputes/{dispute.id}/message"
            codes = [
                self._send(
                    path, access_token=dispute.access_token, text="More"
                ).status_code
                for _again in range(5)
            ]
            self.assertEqual(codes, [303, 303, 429, 429, 429])
            self.assertEqual(len(self._get_disputes()), 2)
            self._get_profile().sudo().portal_date = self._day(1)
            response = self._send(
                path, access_token=dispute.access_token, text="Tomorrow"
            )
            self.assertEqual(response.status_code, 303)

    @mute_logger(*LOGS)
    def test_what_is_settled_takes_no_words_and_what_is_forbidden_no_disputes(self):
        self._dispute_online()
        dispute = self._get_disputes()
        dispute._withdraw()
        response = self._send(
            f"/my/disputes/{dispute.id}/message",
            access_token=dispute.access_token,
            text="More",
        )
        self.assertEqual(response.status_code, 400)
        self.company.credit_portal_disputes = False
        response = self._dispute_online()
        self.assertURLEqual(response.headers["Location"], "/my")
        self.assertEqual(len(self._get_disputes()), 1)
