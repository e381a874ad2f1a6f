"""A customer changes where reminders go: asked, confirmed, told."""

import re
from datetime import timedelta
from unittest.mock import patch

from lxml import html

from odoo import fields, http
from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger
from odoo.tools.misc import hash_sign

from ..models.credit_address_change import REQUESTS_A_DAY, SCOPE
from .test_portal import PRIVATE, XSS, CreditPortalCommon

NEW = "new.address@example.com"
BROKEN_IN = "//img[@src='x'] | //*[@onerror and not(self::script)]"


@tagged("post_install", "-at_install", "credit_full")
class TestPortalAddress(CreditPortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._create_late_invoice(4, 250.0)
        cls.profile = cls._get_profile()
        cls.profile.user_id = cls.env.user
        cls.token = cls.profile._portal_ensure_token()

    # === HELPERS === #

    def _ask(self, email=NEW, token=None, profile=None, **values):
        """Send the form as a browser does."""
        if not self.session:
            self.authenticate(None, None)  # a session, whoever it is
        profile = profile or self.profile
        data = {
            "csrf_token": http.Request.csrf_token(self),
            "access_token": self.token if token is None else token,
            "email": email,
        }
        return self.url_open(
            f"/my/credit/{profile.id}/address",
            data={key: value for key, value in (data | values).items() if value},
            allow_redirects=False,
            method="POST",
        )

    def _get_changes(self):
        return self.env["credit.address.change"].search([])

    def _get_mails(self, email):
        return (
            self.env["mail.mail"]
            .sudo()
            .search([("email_to", "=", email), ("model", "=", "credit.profile")])
        )

    def _get_confirm_link(self, email=NEW):
        body = str(self._get_mails(email)[:1].body_html)
        (path,) = re.findall(r'href="[^"]*(/my/credit/address\?token=[^"]+)"', body)
        return path

    def _press(self, link):
        """Open the page of the message and press its button."""
        page = html.fromstring(self.url_open(link).content)
        form = page.xpath("//form[@name='address_confirm']")
        if not form:
            return page
        data = {
            field.get("name"): field.get("value")
            for field in form[0].xpath(".//input[@type='hidden']")
        }
        response = self.url_open(form[0].get("action"), data=data)
        return html.fromstring(response.content)

    def _get_recipients(self):
        self.env.invalidate_all()
        return self.profile._get_reminder_contacts().mapped("email_normalized")

    def _assert_refused(self, response, text):
        self.assertEqual(response.status_code, 200)
        page = html.fromstring(response.content)
        (error,) = page.xpath("//*[@name='address_error']")
        self.assertIn(text, self._get_text(error))
        self.assertFalse(self._get_changes())
        return page

    # === THE WAY THROUGH === #

    def test_reminders_go_to_the_new_address_once_it_confirmed(self):
        response = self._ask()
        self.assertEqual(response.status_code, 303)
        self.assertIn(f"/my/credit/{self.profile.id}", response.headers["Location"])
        page = self._open(response.headers["Location"])
        self.assertTrue(page.xpath("//*[@name='address_asked']"))
        self.assertEqual(self._get_recipients(), ["azure@example.com"])
        page = self._press(self._get_confirm_link())
        self.assertIn(NEW, self._get_text(page.xpath("//*[@name='address_done']")[0]))
        self.assertEqual(self._get_recipients(), [NEW])
        self.assertEqual(self._send_all_due().letter_ids.recipient_emails, NEW)

    def test_a_dunning_contact_is_made_beside_the_customer_who_keeps_its_own(self):
        self.customer.write({"street": "Kade 1", "city": "Delft", "lang": "en_US"})
        self._ask()
        self._press(self._get_confirm_link())
        contact = self.profile._get_reminder_contacts()
        self.assertEqual((contact.type, contact.parent_id), ("dunning", self.customer))
        self.assertEqual((contact.street, contact.city), ("Kade 1", "Delft"))
        self.assertEqual(self.customer.email, "azure@example.com")

    def test_the_dunning_contact_that_is_there_gets_the_address(self):
        contact = self.env["res.partner"].create(
            {
                "parent_id": self.customer.id,
                "type": "dunning",
                "email": "old@example.com",
            }
        )
        self._ask()
        self._press(self._get_confirm_link())
        self.assertEqual(contact.email, NEW)
        self.assertEqual(self.profile._get_reminder_contacts(), contact)
        self.assertTrue(self._get_mails("old@example.com"))

    def test_the_old_address_and_the_collector_are_told_and_the_file_notes_it(self):
        self._ask()
        self.assertFalse(self._get_mails("azure@example.com"))
        self._press(self._get_confirm_link())
        told = self._get_mails("azure@example.com")
        self.assertIn(NEW, told.body_html)
        self.assertEqual(told.state, "outgoing")
        task = self.profile.activity_ids
        self.assertEqual(task.user_id, self.env.user)
        notes = [str(body) for body in self.profile.message_ids.mapped("body")]
        (note,) = [body for body in notes if "link of a letter" in body]
        for text in (task.note, note):
            self.assertIn(NEW, text)
            self.assertIn("azure@example.com", text)
            self.assertIn("link of a letter", text)

    def test_the_note_says_whose_login_asked(self):
        self._login(self.azure_user)
        self._ask(token="")
        self._press(self._get_confirm_link())
        self.assertIn("asked by azure.contact", self.profile.activity_ids.note)

    def test_each_company_that_writes_to_the_customer_finds_the_note(self):
        company = self.setup_other_company()["company"]
        other = self._get_profile(company=company)
        self._ask()
        self._press(self._get_confirm_link())
        self.assertIn(NEW, other.sudo().message_ids[0].body)

    def test_the_page_shows_the_present_address_only_to_who_knows_it(self):
        page = self._open(self._get_link())
        section = page.xpath("//section[@name='address']")[0]
        self.assertIn("az…@example.com", self._get_text(section))
        self.assertNotIn("azure@example.com", self._get_text(section))

    # === ATTACKS === #

    def test_asking_changes_nothing_and_following_the_link_neither(self):
        self._ask()
        link = self._get_confirm_link()
        self.url_open(link)
        before = self._count_writes()
        for method in ("GET", "HEAD"):
            response = self.url_open(link, method=method)
            self.assertEqual(response.status_code, 200)
        self.assertEqual(self._count_writes(), before)
        for name, value in PRIVATE.items():
            self.assertEqual(response.headers[name], value)
        self.assertEqual(self._get_recipients(), ["azure@example.com"])

    def test_a_confirmation_works_once(self):
        self._ask()
        link = self._get_confirm_link()
        self._press(link)
        contact = self.profile._get_reminder_contacts()
        contact.email = "put.right@example.com"
        page = self._press(link)
        self.assertTrue(page.xpath("//*[@name='address_gone']"))
        token = link.split("token=")[1]
        response = self.url_open(
            "/my/credit/address/confirm",
            data={"csrf_token": http.Request.csrf_token(self), "token": token},
        )
        self.assertIn('name="address_gone"', response.text)
        self.assertEqual(contact.email, "put.right@example.com")

    def test_a_confirmation_comes_too_late_after_two_days(self):
        self._ask()
        link = self._get_confirm_link()
        with freeze_time(fields.Datetime.now() + timedelta(hours=47)):
            page = html.fromstring(self.url_open(link).content)
            self.assertTrue(page.xpath("//form[@name='address_confirm']"))
        with freeze_time(fields.Datetime.now() + timedelta(hours=49)):
            page = self._press(link)
        self.assertTrue(page.xpath("//*[@name='address_gone']"))
        self.assertEqual(self._get_recipients(), ["azure@example.com"])

    def test_a_token_that_is_guessed_or_altered_confirms_nothing(self):
        self._ask()
        token = self._get_confirm_link().split("token=")[1]
        change, env = self._get_changes(), self.env(su=True)
        forged = hash_sign(env, SCOPE, [change.id, "x@example.com"], expiration_hours=1)
        elsewhere = hash_sign(env, "other", [change.id, NEW], expiration_hours=1)
        gone = hash_sign(env, SCOPE, [change.id + 10**6, NEW], expiration_hours=1)
        for guess in (
            "",
            "x",
            "AQ",
            token[:-2],
            token[:-1] + ("A" if token[-1] != "A" else "B") + "A",
            token.swapcase(),
            "x" * 10_000,
            "%ff%fe",
            "ünïcödé",
            self.token,
            forged,
            elsewhere,
            gone,
        ):
            with self.subTest(guess=guess[:40]):
                response = self.url_open(f"/my/credit/address?token={guess}")
                self.assertEqual(response.status_code, 200)
                self.assertIn('name="address_gone"', response.text)
                response = self.url_open(
                    "/my/credit/address/confirm",
                    data={
                        "csrf_token": http.Request.csrf_token(self),
                        "token": guess,
                    },
                )
                self.assertIn('name="address_gone"', response.text)
        self.assertEqual(self._get_recipients(), ["azure@example.com"])

    def test_another_customer_cannot_ask(self):
        for token in ("x", self._get_profile(self.other)._portal_ensure_token()):
            response = self._ask(token=token)
            self.assertEqual(response.status_code, 303)
            self.assertURLEqual(response.headers["Location"], "/my")
        self._login(self.other_user)
        self.assertURLEqual(self._ask(token="").headers["Location"], "/my")
        self.assertFalse(self._get_changes())

    @mute_logger("odoo.http")
    def test_a_form_of_another_site_is_refused(self):
        for csrf_token in ("", "x"):
            response = self._ask(csrf_token=csrf_token)
            self.assertEqual(response.status_code, 400)
        self._ask()
        token = self._get_confirm_link().split("token=")[1]
        response = self.url_open("/my/credit/address/confirm", data={"token": token})
        self.assertEqual(response.status_code, 400)
        self.assertEqual(self._get_recipients(), ["azure@example.com"])

    def test_what_is_no_address_is_refused_in_words(self):
        for text in (
            "",
            "x",
            "two@example.com, other@example.com",
            "two@example.com other@example.com",
            "Name <name@example.com>",
            "name@example.com\nBcc: victim@example.com",
            "name@example.com\r\nBcc:victim@example.com",
            "name@exam\rple.com",
            "name@example.com\x00",
            "<b>name@example.com</b>",
            f"{XSS}@example.com",
            "name@",
            "@example.com",
            "a" * 250 + "@example.com",
            "x" * 10_000,
            "name@example.com" * 640,
        ):
            with self.subTest(text=text[:60]):
                page = self._assert_refused(self._ask(text), "one e-mail address")
                self.assertFalse(page.xpath(BROKEN_IN))

    def test_the_address_that_is_there_already_needs_no_change(self):
        self._assert_refused(self._ask("AZURE@example.com"), "already")

    def test_there_is_an_end_to_asking(self):
        for number in range(REQUESTS_A_DAY):
            response = self._ask(f"new{number}@example.com")
            self.assertEqual(response.status_code, 303)
        response = self._ask("one.more@example.com")
        self.assertIn("several times", response.text)
        self.assertEqual(len(self._get_changes()), REQUESTS_A_DAY)
        self.assertFalse(self._get_mails("one.more@example.com"))
        with freeze_time(fields.Datetime.now() + timedelta(days=1)):
            self.assertEqual(self._ask("one.more@example.com").status_code, 303)

    def test_two_requests_at_one_moment_are_no_way_round_it(self):
        Change = self.env["credit.address.change"]
        user = self.env["res.users"]
        Change._request(self.profile, NEW, user)
        # The other one has not seen the first yet.
        with (
            patch.object(self.registry[Change._name], "search_count", return_value=0),
            mute_logger("odoo.sql_db"),
            self.assertRaises(UserError),
        ):
            Change._request(self.profile, "second@example.com", user)
        self.assertEqual(len(self._get_changes()), 1)

    def test_names_break_no_mail(self):
        self.customer.name = f"Azure {XSS}"
        self.company.name = "Company\r\nBcc: victim@example.com"
        self._ask()
        mail = self._get_mails(NEW)
        self.assertNotIn("<script>", str(mail.body_html))
        self.assertNotIn("token=", str(mail.body))

    # === WHERE IT IS NOT OFFERED === #

    def test_it_is_offered_only_where_reminders_really_go(self):
        for values in (
            {"credit_address_change": False},
            {"credit_mode": "simulate"},
            {"credit_mode": "redirect", "credit_redirect_email": "x@us.example.com"},
            {"credit_mode": "off"},
            {"credit_stopped": True},
        ):
            self.company.write(
                {
                    "credit_mode": "live",
                    "credit_stopped": False,
                    "credit_address_change": True,
                }
                | values
            )
            with self.subTest(**values):
                page = self._open(self._get_link())
                self.assertFalse(page.xpath("//section[@name='address']"))
                self.assertURLEqual(self._ask().headers["Location"], "/my")
        self.assertFalse(self._get_changes())

    def test_what_was_asked_before_it_was_forbidden_is_not_confirmed(self):
        self._ask()
        self.company.credit_address_change = False
        page = self._press(self._get_confirm_link())
        self.assertTrue(page.xpath("//*[@name='address_gone']"))

    def test_what_nobody_confirmed_is_forgotten_and_the_rest_is_kept(self):
        self._ask()
        self._press(self._get_confirm_link())
        confirmed = self._get_changes()
        self._ask("second@example.com")
        Change = self.env["credit.address.change"].sudo()
        with freeze_time(fields.Datetime.now() + timedelta(days=31)):
            Change._gc_unconfirmed()
        self.assertEqual(self._get_changes(), confirmed)
