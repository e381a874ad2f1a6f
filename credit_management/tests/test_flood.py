"""Five hundred posts of one customer in a row: few are taken, all are answered."""

from lxml import html

from odoo import http
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.credit_profile import PORTAL_DISPUTES_A_DAY, PORTAL_WRITES_A_DAY
from .test_portal import CreditPortalCommon

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
POSTS = 500
# In turn; refusing by a page takes longer than refusing in the talk.
DOORS = ("dispute", "promise", "talk", "talk", "talk")
# A promise is for an item that no other one is about: one more than can be taken.
ITEMS = PORTAL_WRITES_A_DAY // len(DOORS) + 1


@tagged("post_install", "-at_install", "credit_full")
class TestFlood(CreditPortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy.promise_window_days = 14
        cls.reason = cls.env.ref("credit_management.dispute_reason_price")
        cls.invoice = cls._create_late_invoice(12, 900.0)
        cls.items = [
            cls._receivable_line(cls._create_late_invoice(12, 10.0))
            for _at in range(ITEMS)
        ]
        cls.foreign_invoice = cls._create_late_invoice(12, 90.0, partner=cls.other)
        cls.profile = cls._get_profile()

    def _dispute(self, invoice, **values):
        return self.url_open(
            f"/my/invoices/{invoice.id}/dispute/open",
            data={
                "csrf_token": self.form_token,
                "reason": str(self.reason.id),
                "amount": "1.00",
                "text": "The price is wrong.",
            }
            | values,
            files=[("files", ("photo.png", PNG))],
            allow_redirects=False,
        )

    def _promise(self, item):
        return self.url_open(
            f"/my/credit/{self.profile.id}/promise/give",
            data={
                "csrf_token": self.form_token,
                "items": str(item.id),
                "day": str(self.today),
            },
            allow_redirects=False,
        )

    def _talk(self, invoice, text):
        data = {"body": text, "message_type": "comment"}
        params = {
            "thread_model": "account.move",
            "thread_id": invoice.id,
            "post_data": data | {"subtype_xmlid": "mail.mt_comment"},
        }
        return self.url_open(
            "/mail/message/post", json={"jsonrpc": "2.0", "params": params}
        )

    def _enter(self, user):
        """Come as a customer; the token of its forms is read once."""
        self._login(user)
        self.form_token = http.Request.csrf_token(self)

    def _count(self):
        """Return how much of what a customer may write there is."""
        self.env.invalidate_all()
        counts = {
            model: self.env[model].sudo().search_count([])
            for model in ("credit.dispute", "credit.promise", "credit.message")
        }
        counts["photos"] = (
            self.env["ir.attachment"].sudo().search_count([("name", "=", "photo.png")])
        )
        return counts

    @mute_logger("odoo.http", "werkzeug")
    def test_five_hundred_posts_leave_what_the_quota_takes(self):
        self._enter(self.azure_user)
        before = self._count()
        taken, refused = dict.fromkeys(DOORS, 0), 0
        words = self.profile._explain_portal_quota()
        for at in range(POSTS):
            door, number = DOORS[at % len(DOORS)], at // len(DOORS)
            if door == "talk":
                response = self._talk(self.invoice, f"Hello {at}")
                self.assertEqual(response.status_code, 200)
                answer = response.json()
                is_taken = "result" in answer
                said = "" if is_taken else answer["error"]["data"]["message"]
            else:
                if door == "dispute":
                    response = self._dispute(self.invoice, key=f"{at:032x}")
                else:
                    response = self._promise(self.items[min(number, ITEMS - 1)])
                self.assertIn(response.status_code, (303, 429), door)
                is_taken = response.status_code == 303
                said = response.text
            taken[door] += is_taken
            if not is_taken:
                refused += 1
                self.assertIn(words, said)
        self.assertEqual(sum(taken.values()), PORTAL_WRITES_A_DAY)
        self.assertEqual(refused, POSTS - PORTAL_WRITES_A_DAY)
        after = self._count()
        written = {name: after[name] - before[name] for name in after}
        self.assertEqual(
            written,
            {
                "credit.dispute": taken["dispute"],
                "credit.promise": taken["promise"],
                # What is said when a case is opened stands in it; the inbox has both.
                "credit.message": taken["talk"] + taken["dispute"],
                "photos": taken["dispute"],  # of the refused ones none is kept
            },
        )
        self.assertLessEqual(taken["dispute"], PORTAL_DISPUTES_A_DAY)
        # Who wrote too much still sees, and nobody else is kept from writing.
        page = self._open("/my/credit")
        self.assertTrue(page.xpath("//section[@name='promises']"))
        self._enter(self.other_user)
        self.assertEqual(self._dispute(self.foreign_invoice).status_code, 303)
        self.assertIn("result", self._talk(self.foreign_invoice, "Hello").json())
        form = self.url_open(f"/my/invoices/{self.foreign_invoice.id}/dispute")
        self.assertTrue(html.fromstring(form.content).xpath("//form[@name='dispute']"))
