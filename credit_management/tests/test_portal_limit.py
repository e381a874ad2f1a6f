"""A customer sees the own limit and asks for one; nobody else does."""

from unittest.mock import patch

from lxml import html

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models import credit_profile
from .test_portal import PRIVATE, XSS
from .test_portal_dispute import LOGS, PortalDisputeCommon


@tagged("post_install", "-at_install", "credit_full")
class TestPortalLimit(PortalDisputeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {"credit_portal_show_limit": True, "credit_portal_ask_limit": True}
        )
        cls.profile = cls._get_profile()
        cls.link = cls.profile._portal_ensure_token()
        cls.foreign_link = cls._get_profile(cls.other)._portal_ensure_token()
        cls.customer.with_company(cls.company).credit_limit = 1000.0

    def _ask_online(self, profile=None, **values):
        profile = profile or self.profile
        return self._send(
            f"/my/credit/{profile.id}/limit",
            **{
                "access_token": self.link,
                "amount": "5000",
                "reason": "A large order is coming.",
            }
            | values,
        )

    def _get_asked(self):
        self.env.invalidate_all()
        return self.env["credit.limit.request"].search(
            [("source", "in", ("customer", "link"))], order="id"
        )

    def _get_card(self, page):
        return {
            name: self._get_text(element[0]).lstrip("$ ")
            for name in ("limit_amount", "limit_used", "limit_free")
            if (element := page.xpath(f"//dd[@name='{name}']"))
        }

    def _open_page(self):
        return self._open(f"/my/credit/{self.profile.id}?access_token={self.link}")

    # === WHAT IS SHOWN === #

    def test_the_card_shows_limit_used_and_free(self):
        self._login(self.azure_user)
        self.assertEqual(
            self._get_card(self._open("/my/credit")),
            {
                "limit_amount": "1,000.00",
                "limit_used": "250.00",
                "limit_free": "750.00",
            },
        )
        self._create_late_invoice(3, 2000.0)
        self.assertEqual(self._get_card(self._open("/my/credit"))["limit_free"], "0.00")

    def test_without_a_limit_none_is_shown_as_free(self):
        self.customer.with_company(self.company).credit_limit = 0.0
        card = self._get_card(self._open_page())
        self.assertEqual(card["limit_amount"], "None is set")
        self.assertNotIn("limit_free", card)

    def test_a_temporary_limit_says_until_when(self):
        request = self.env["credit.limit.request"].create(
            {
                "partner_id": self.customer.id,
                "asked_limit": 3000.0,
                "reason": "HOUSEREASON",
                "date_until": self._day(-9),
            }
        )
        request.action_submit()
        request.action_approve()
        page = self._open_page()
        self.assertEqual(self._get_card(page)["limit_amount"], "3,000.00")
        self.assertTrue(page.xpath("//dd[@name='limit_until']"))
        self.assertNotIn("HOUSEREASON", page.text_content())
        # What colleagues ask for is no request of the customer.
        self.assertFalse(page.xpath("//div[@name='limit_asked']"))

    def test_switched_off_nothing_is_shown_and_nothing_taken(self):
        self.company.write(
            {"credit_portal_show_limit": False, "credit_portal_ask_limit": False}
        )
        page = self._open_page()
        self.assertFalse(page.xpath("//section[@name='limit']"))
        response = self._ask_online()
        self.assertURLEqual(response.headers["Location"], "/my")
        self._login(self.azure_user)
        response = self._ask_online(access_token=None)
        self.assertURLEqual(response.headers["Location"], "/my")
        self.assertFalse(self._get_asked())

    def test_each_switch_is_one_of_its_own(self):
        self.company.credit_portal_ask_limit = False
        page = self._open_page()
        self.assertTrue(self._get_card(page))
        self.assertFalse(page.xpath("//form[@name='limit']"))
        self.company.write(
            {"credit_portal_show_limit": False, "credit_portal_ask_limit": True}
        )
        page = self._open_page()
        self.assertFalse(self._get_card(page))
        self.assertTrue(page.xpath("//form[@name='limit']"))

    def test_a_customer_with_nothing_open_finds_the_page(self):
        self._pay(self.invoice)
        self._login(self.azure_user)
        self.assertTrue(self._get_card(self._open("/my/credit")))

    # === ASKED === #

    def test_a_customer_asks_and_hears_of_the_decision(self):
        self._login(self.azure_user)
        response = self._ask_online(access_token=None, amount="5000,50")
        self.assertURLEqual(
            response.headers["Location"], f"/my/credit/{self.profile.id}#credit_limit"
        )
        for name, value in PRIVATE.items():
            self.assertEqual(response.headers[name], value)
        request = self._get_asked()
        self.assertEqual((request.source, request.state), ("customer", "submitted"))
        self.assertEqual(request.requested_by, self.azure_user)
        self.assertEqual(request.contact_id, self.azure_user.partner_id)
        self.assertEqual(request.asked_limit, 5000.5)
        self.assertTrue(request.activity_ids)
        page = self._open("/my/credit")
        (asked,) = page.xpath("//div[@name='limit_asked']")
        self.assertIn("not decided", asked.text_content())
        self.assertFalse(page.xpath("//form[@name='limit']"))

        self.azure_user.partner_id.email = "azure.contact@example.com"
        with self.mock_mail_gateway():
            request._approve(2000.0, reason="HOUSEREASON", answer="Welcome!\nAnna")
        (mail,) = self._new_mails.filtered(
            lambda one: self.azure_user.partner_id in one.recipient_ids
        )
        self.assertIn("2,000.00", mail.body_html)
        self.assertIn("Welcome!", mail.body_html)
        self.assertIn(f"/my/credit/{self.profile.id}", mail.body_html)
        self.assertNotIn("HOUSEREASON", mail.body_html)
        page = self._open("/my/credit")
        (asked,) = page.xpath("//div[@name='limit_asked']")
        self.assertIn("2,000.00", asked.text_content())
        self.assertIn("Welcome!", asked.text_content())
        self.assertNotIn("HOUSEREASON", page.text_content())
        self.assertTrue(page.xpath("//form[@name='limit']"))
        self.assertEqual(self._get_card(page)["limit_amount"], "2,000.00")

    def test_a_refusal_is_told_without_our_reasons(self):
        self._ask_online()
        self._get_asked()._refuse("HOUSEREASON", "Pay what is overdue first.")
        page = self._open_page()
        (asked,) = page.xpath("//div[@name='limit_asked']")
        self.assertIn("cannot give", asked.text_content())
        self.assertIn("Pay what is overdue first.", asked.text_content())
        self.assertNotIn("HOUSEREASON", page.text_content())

    def test_no_mail_leaves_where_the_company_writes_to_nobody(self):
        self.company.credit_mode = "simulate"
        self._login(self.azure_user)
        self._ask_online(access_token=None)
        request = self._get_asked()
        with self.mock_mail_gateway():
            request._refuse("No", "Sorry")
        self.assertFalse(
            self._new_mails.filtered(
                lambda one: self.azure_user.partner_id in one.recipient_ids
            )
        )
        self.assertIn("Sorry", self._open_page().text_content())

    def test_who_has_the_link_is_nobody_whose_name_we_know(self):
        response = self._ask_online()
        self.assertIn(self.link, response.headers["Location"])
        request = self._get_asked()
        self.assertEqual(request.source, "link")
        self.assertFalse(request.requested_by)
        self.assertNotIn(
            self.azure_user.partner_id, request.message_ids.mapped("author_id")
        )

    def test_one_waits_at_a_time(self):
        self._ask_online()
        response = self._ask_online(amount="6000")
        self.assertEqual(response.status_code, 400)
        self.assertIn("already", html.fromstring(response.content).text_content())
        self._login(self.azure_user)
        self.assertEqual(self._ask_online(access_token=None).status_code, 400)
        self.assertEqual(self._get_asked().asked_limit, 5000.0)

    def test_four_eyes_hold_for_what_customers_ask_too(self):
        """A customer asked: any one manager decides, as two people are in it."""
        self.company.credit_limit_four_eyes_amount = 100.0
        self._ask_online()
        self._get_asked().action_approve()
        self.assertEqual(self.profile.credit_limit, 5000.0)

    # === ATTACKS === #

    @mute_logger(*LOGS)
    def test_other_customers_and_guessed_links_ask_for_nothing(self):
        tokens = (
            None,
            "",
            "x",
            "é",
            "False",
            self.foreign_link,
            self.link[:-1],
            self.link + "x" * 5000,
            self.token,
        )
        for user in (None, self.other_user):
            if user:
                self._login(user)
            else:
                self.authenticate(None, None)
            for token in tokens:
                with self.subTest(user=user and user.login, token=token):
                    response = self._ask_online(access_token=token)
                    self.assertURLEqual(response.headers["Location"], "/my")
                    page = self.url_open(
                        f"/my/credit/{self.profile.id}?access_token={token}",
                        allow_redirects=False,
                    )
                    self.assertNotIn("1,000", page.text)
        for profile_id in (0, 10**30, self.profile.id + 10**6):
            response = self._send(
                f"/my/credit/{profile_id}/limit", access_token=self.link, amount="1"
            )
            self.assertLess(response.status_code, 500)
        self.assertFalse(self._get_asked())

    @mute_logger(*LOGS)
    def test_people_of_the_house_do_not_ask_by_the_link(self):
        self._login(self._create_employee())
        response = self._ask_online()
        self.assertURLEqual(response.headers["Location"], "/my")
        self.assertFalse(self._get_asked())

    def _create_employee(self):
        return new_test_user(self.env, login="limit_employee", groups="base.group_user")

    @mute_logger(*LOGS)
    def test_a_form_of_another_site_is_refused(self):
        for csrf_token in (None, "x"):
            response = self._ask_online(csrf_token=csrf_token)
            self.assertEqual(response.status_code, 400)
        self.assertFalse(self._get_asked())

    @mute_logger(*LOGS)
    def test_what_is_no_amount_or_has_no_reason_is_refused_in_words(self):
        for amount in ("-5", "1e9", "NaN", "inf", "0", "", "١٢", "1.2345", "9" * 40):
            with self.subTest(amount=amount):
                response = self._ask_online(amount=amount)
                self.assertEqual(response.status_code, 400)
        for reason in ("", "   ", "\u200b\n"):
            with self.subTest(reason=reason):
                self.assertEqual(self._ask_online(reason=reason).status_code, 400)
        response = self._ask_online(amount="x")
        page = html.fromstring(response.content)
        self.assertIn("A large order", page.xpath("//textarea")[0].text)
        self.assertTrue(page.xpath("//*[@name='limit_error']"))
        self.assertFalse(self._get_asked())

    @mute_logger(*LOGS)
    def test_further_keys_are_not_taken(self):
        self._ask_online(
            state="in_force",
            granted_limit="9",
            requested_by="1",
            company_id="1",
            partner_id=str(self.other.id),
            date_until="2099-01-01",
            source="staff",
        )
        request = self._get_asked()
        self.assertEqual(request.state, "submitted")
        self.assertEqual(request.partner_id, self.customer)
        self.assertFalse(request.date_until or request.requested_by)
        self.assertEqual(self.profile.credit_limit, 1000.0)

    @mute_logger(*LOGS)
    def test_markup_is_text_wherever_it_is_shown(self):
        self._login(self.azure_user)
        pages = [self._ask_online(access_token=None, amount=XSS, reason=XSS)]
        self._ask_online(access_token=None, reason=XSS)
        request = self._get_asked()
        request._refuse(XSS, XSS)
        pages.append(self.url_open("/my/credit"))
        for page in pages:
            self.assertFalse(html.fromstring(page.content).xpath("//img[@src='x']"))
            self.assertNotIn("<script>alert", page.text)
        for body in request.message_ids.mapped("body"):
            self.assertNotIn("<script", str(body))
            self.assertNotIn("<img", str(body))

    @mute_logger(*LOGS)
    def test_a_flood_is_stopped_in_words(self):
        with patch.object(credit_profile, "PORTAL_WRITES_A_DAY", 2):
            codes = []
            for _again in range(4):
                codes.append(self._ask_online().status_code)
                for waiting in self._get_asked().filtered_domain(
                    [("state", "=", "submitted")]
                ):
                    waiting._refuse("No")
            self.assertEqual(codes, [303, 303, 429, 429])
            self.profile.sudo().portal_date = self._day(1)
            self.assertEqual(self._ask_online().status_code, 303)
