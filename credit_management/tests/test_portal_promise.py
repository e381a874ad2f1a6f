"""A customer says online when it pays; nobody else does, nor anything but that."""

from datetime import timedelta
from unittest.mock import patch

from lxml import html

from odoo import http
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..models import credit_profile
from .test_portal import PRIVATE, XSS, CreditPortalCommon

LOGS = ("odoo.http", "werkzeug", "odoo.addons.base.models.ir_rule")
FRIDAY = "2026-05-15"


class PortalPromiseCommon(CreditPortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy.write({"promise_tolerance_days": 2, "promise_window_days": 14})
        cls.invoice = cls._create_late_invoice(12, 250.0)
        cls.item = cls._receivable_line(cls.invoice)
        cls.profile = cls._get_profile()
        cls.token = cls.profile._portal_ensure_token()
        cls.foreign_invoice = cls._create_late_invoice(12, 90.0, partner=cls.other)
        cls.foreign_item = cls._receivable_line(cls.foreign_invoice)
        cls.foreign_token = cls._get_profile(cls.other)._portal_ensure_token()

    def _send(self, path, **values):
        """Send a form as a browser does."""
        if not self.session:
            self.authenticate(None, None)
        data = {"csrf_token": http.Request.csrf_token(self)} | values
        return self.url_open(
            path,
            data={key: value for key, value in data.items() if value is not None},
            allow_redirects=False,
            method="POST",
        )

    def _promise_online(self, profile=None, **values):
        profile = profile or self.profile
        return self._send(
            f"/my/credit/{profile.id}/promise/give",
            **{
                "access_token": self.token,
                "items": str(self.item.id),
                "day": FRIDAY,
            }
            | values,
        )

    def _withdraw_online(self, promise, profile=None, **values):
        profile = profile or self.profile
        return self._send(
            f"/my/credit/{profile.id}/promise/{promise.id}/withdraw", **values
        )

    def _get_promises(self):
        self.env.invalidate_all()
        return self.env["credit.promise"].search([], order="id")


@tagged("post_install", "-at_install", "credit_full")
class TestPortalPromise(PortalPromiseCommon):
    def test_a_customer_promises_sees_it_and_takes_it_back(self):
        self._login(self.azure_user)
        page = self._open("/my/credit")
        (link,) = page.xpath("//a[@name='promise']/@href")
        response = self.url_open(link)
        for name, value in PRIVATE.items():
            self.assertEqual(response.headers[name], value)
        form = html.fromstring(response.content)
        self.assertEqual(
            form.xpath("//input[@name='items'][@checked]/@value"), [str(self.item.id)]
        )
        self.assertEqual(form.xpath("//input[@name='day']/@max"), ["2026-05-27"])
        (key,) = form.xpath("//input[@name='key']/@value")
        response = self._promise_online(access_token=None, key=key)
        self.assertURLEqual(
            response.headers["Location"],
            f"/my/credit/{self.profile.id}?promise=given#credit_promises",
        )
        promise = self._get_promises()
        self.assertEqual((promise.amount, str(promise.date)), (250.0, FRIDAY))
        self.assertEqual((promise.source, promise.state), ("portal", "open"))
        self.assertEqual(promise.given_by, self.azure_user.partner_id)
        # Sent twice by a double click, it is one.
        self.assertEqual(
            self._promise_online(access_token=None, key=key).status_code, 303
        )
        self.assertEqual(self._get_promises(), promise)

        page = self._open(f"/my/credit/{self.profile.id}?promise=given")
        (told,) = page.xpath("//section[@name='promises']")
        text = self._get_text(told)
        self.assertIn("Thank you!", text)
        self.assertIn("You promised $ 250.00 by 05/15/2026.", text)
        self.assertIn("Reminders about it wait until then.", text)
        self.assertFalse(page.xpath("//a[@name='promise']"))
        run = self._propose()
        self.assertEqual(self._reason(run, self.invoice), "promised")

        self._withdraw_online(promise)
        self.assertEqual(self._get_promises().state, "withdrawn")
        self.assertEqual(promise.withdrawn_by, "customer")
        self.assertFalse(self._open("/my/credit").xpath("//section[@name='promises']"))

    def test_who_has_the_link_promises_by_link_and_takes_back_only_that(self):
        by_login = self.env["credit.promise"]._give(
            self.profile,
            self._receivable_line(self._create_late_invoice(5, 10.0)),
            self.today,
            source="portal",
        )
        self._promise_online()
        promise = self._get_promises() - by_login.sudo(False)
        self.assertEqual((promise.source, promise.given_by.id), ("link", False))
        self._withdraw_online(by_login, access_token=self.token)
        self._withdraw_online(promise, access_token=self.token)
        self.env.invalidate_all()
        self.assertEqual(by_login.state, "open")
        self.assertEqual(promise.state, "withdrawn")

    def test_a_smaller_amount_may_be_promised_and_never_more_than_what_is_open(self):
        self._promise_online(amount="99,5")
        promise = self._get_promises()
        self.assertEqual(promise.amount, 99.5)
        promise.action_withdraw()
        self._promise_online(amount="999999999999")
        self.assertEqual(self._get_promises()[-1].amount, 250.0)

    def test_the_policy_sets_the_window_and_none_closes_the_page(self):
        for day, status in (("2026-05-28", 400), ("2026-05-27", 303)):
            self.assertEqual(self._promise_online(day=day).status_code, status)
        self._get_promises().action_withdraw()
        self.policy.promise_window_days = 0
        self.assertEqual(self._promise_online().status_code, 400)
        page = self._open(self._get_link())
        self.assertFalse(page.xpath("//a[@name='promise']"))
        self.assertEqual(len(self._get_promises()), 1)

    def test_taking_back_and_promising_again_holds_no_longer_than_once(self):
        self._promise_online(day="2026-05-27")
        self._withdraw_online(self._get_promises(), access_token=self.token)
        with freeze_time("2026-05-20 09:00:00"):
            self.assertEqual(self._promise_online(day="2026-05-28").status_code, 400)
            self.assertEqual(self._promise_online(day="2026-05-27").status_code, 303)

    def test_after_a_broken_one_a_person_decides(self):
        self._promise_online()
        self._get_promises().sudo()._decide(self.today + timedelta(days=10))
        self.assertEqual(self._get_promises().state, "broken")
        with freeze_time("2026-05-23 09:00:00"):
            self.assertEqual(self._promise_online(day="2026-05-25").status_code, 400)
            page = self._open(self._get_link())
            self.assertFalse(page.xpath("//a[@name='promise']"))

    def test_what_is_disputed_or_not_due_is_not_offered(self):
        upcoming = self._receivable_line(self._create_late_invoice(-5, 10.0))
        self.env["credit.dispute"]._open(
            self.profile,
            self.env.ref("credit_management.dispute_reason_price"),
            [{"move": self.invoice, "amount": 250.0}],
            "All of it",
        )
        for item in (upcoming, self.item):
            response = self._promise_online(items=str(item.id))
            self.assertEqual(response.status_code, 400)
        self.assertFalse(self._get_promises())

    # === ATTACKS === #

    def _assert_nothing(self, response):
        self.assertLess(response.status_code, 500)
        self.assertFalse(self._get_promises())

    @mute_logger(*LOGS)
    def test_other_customers_and_guessed_tokens_promise_nothing(self):
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
            self.invoice._portal_ensure_token(),
        )
        for user in (None, self.other_user):
            if user:
                self._login(user)
            else:
                self.authenticate(None, None)
            for token in tokens:
                with self.subTest(user=user and user.login, token=token):
                    response = self._promise_online(access_token=token)
                    self._assert_nothing(response)
                    self.assertURLEqual(response.headers["Location"], "/my")
                    form = self.url_open(
                        f"/my/credit/{self.profile.id}/promise?access_token={token}",
                        allow_redirects=False,
                    )
                    self.assertURLEqual(form.headers["Location"], "/my")
        for profile_id in (0, 10**30, self.profile.id + 10**6):
            response = self._send(
                f"/my/credit/{profile_id}/promise/give", access_token=self.token
            )
            self._assert_nothing(response)

    @mute_logger(*LOGS)
    def test_a_promise_is_taken_back_by_its_customer_alone(self):
        self._promise_online()
        promise = self._get_promises()
        foreign = self._get_profile(self.other)
        for user in (None, self.other_user):
            if user:
                self._login(user)
            else:
                self.authenticate(None, None)
            for profile in (self.profile, foreign):
                for token in (None, "x", self.foreign_token):
                    response = self._withdraw_online(
                        promise, profile, access_token=token
                    )
                    self.assertLess(response.status_code, 500)
        self._withdraw_online(promise, foreign, access_token=self.token)
        self._send(
            f"/my/credit/{self.profile.id}/promise/{10**30}/withdraw",
            access_token=self.token,
        )
        self.assertEqual(self._get_promises().state, "open")

    @mute_logger(*LOGS)
    def test_a_form_of_another_site_is_refused(self):
        for csrf_token in (None, "x"):
            response = self._promise_online(csrf_token=csrf_token)
            self.assertEqual(response.status_code, 400)
        self.assertFalse(self._get_promises())
        self._promise_online()
        promise = self._get_promises()
        response = self._withdraw_online(
            promise, access_token=self.token, csrf_token=None
        )
        self.assertEqual(response.status_code, 400)
        self.assertEqual(self._get_promises().state, "open")

    @mute_logger(*LOGS)
    def test_items_of_others_and_further_keys_are_not_taken(self):
        receipt = self._create_credit_note(5.0)
        for item in (
            self.foreign_item.id,
            self.invoice.invoice_line_ids.id,
            self._receivable_line(receipt).id,
            0,
            -1,
            10**30,
            "x",
            "",
        ):
            self._assert_nothing(self._promise_online(items=str(item)))
        self._promise_online(
            items=[str(self.item.id), str(self.foreign_item.id)],
            state="kept",
            source="staff",
            given_by=str(self.other_user.partner_id.id),
            tolerance_days="99",
            last_date="2027-01-01",
            profile_id=str(self._get_profile(self.other).id),
        )
        promise = self._get_promises()
        self.assertEqual(promise.line_ids.move_line_id, self.item)
        self.assertEqual((promise.state, promise.source), ("open", "link"))
        self.assertEqual(promise.partner_id, self.customer)
        self.assertEqual(str(promise.last_date), "2026-05-19")

    @mute_logger(*LOGS)
    def test_odd_days_and_amounts_are_refused_in_words(self):
        days = (
            None,
            "",
            "2026-05-12",
            "2026-06-30",
            "9999-12-31",
            "0001-01-01",
            "2026-02-31",
            "15/05/2026",
            "2026-05-15T00:00",
            "٢٠٢٦-٠٥-١٥",
            "x" * 5000,
        )
        for day in days:
            with self.subTest(day=day):
                response = self._promise_online(day=day)
                self.assertEqual(response.status_code, 400)
                page = html.fromstring(response.content)
                self.assertTrue(page.xpath("//p[@name='promise_error']"))
        for amount in ("-5", "1e9", "NaN", "0", "0.00", "١٢", "1.2345", "9" * 40):
            with self.subTest(amount=amount):
                response = self._promise_online(amount=amount)
                self.assertEqual(response.status_code, 400)
        self.assertFalse(self._get_promises())

    @mute_logger(*LOGS)
    def test_markup_is_text_wherever_it_is_shown(self):
        for name in ("day", "amount", "items", "key"):
            response = self._promise_online(**({"day": FRIDAY} | {name: XSS}))
            root = html.fromstring(response.content)
            self.assertFalse(root.xpath("//img[@src='x']"))
            self.assertNotIn("<script>alert", response.text)
        self.customer.name = XSS
        page = self.url_open(self._get_link())
        self.assertNotIn("<script>alert", page.text)

    @mute_logger(*LOGS)
    def test_a_second_promise_for_the_same_item_is_refused(self):
        self.assertEqual(self._promise_online().status_code, 303)
        self.assertEqual(self._promise_online().status_code, 400)
        self.assertEqual(len(self._get_promises()), 1)

    @mute_logger(*LOGS)
    def test_a_flood_is_stopped_in_words_and_tomorrow_it_works_again(self):
        with patch.object(credit_profile, "PORTAL_WRITES_A_DAY", 2):
            codes = []
            for _again in range(4):
                codes.append(self._promise_online().status_code)
                self._get_promises().filtered(
                    lambda promise: promise.state == "open"
                ).action_withdraw()
            self.assertEqual(codes, [303, 303, 429, 429])
            self.profile.sudo().portal_date = self._day(1)
            self.assertEqual(self._promise_online().status_code, 303)

    def test_looking_writes_nothing(self):
        self._login(self.azure_user)
        before = self._count_writes()
        self.url_open(f"/my/credit/{self.profile.id}/promise")
        self.assertEqual(self._count_writes(), before)
