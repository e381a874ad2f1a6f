"""Tours of both sides: what a customer asks or promises, and what becomes of it."""

from datetime import timedelta

from lxml import html

from odoo import Command
from odoo.tests import new_test_user, tagged

from .test_tours import ToursCommon


@tagged("post_install", "-at_install", "credit_once")
class TestToursTalk(ToursCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        company = cls.company_data["company"]
        policy = cls.env.ref("credit_management.policy_business")
        policy.write({"working_days_only": False, "promise_window_days": 7})
        company.write(
            {
                "credit_mode": "live",
                "email": "us@us.example.com",
                "credit_policy_id": policy.id,
            }
        )
        cls.company = company
        cls.profile = cls._create_late_customer(company, "Tour Customer", 5)
        cls.invoice = cls.env["account.move"].search(
            [("partner_id", "=", cls.profile.partner_id.id)]
        )
        contact = cls.env["res.partner"].create(
            {"name": "Buyer", "parent_id": cls.profile.partner_id.id}
        )
        new_test_user(
            cls.env,
            login="tour_customer",
            groups="base.group_portal",
            partner_id=contact.id,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        cls.staff = cls._create_user(company, "tour_accountant", "group_credit_user")
        cls.profile.user_id = cls.staff

    def _as_customer(self, path, tour):
        self.start_tour(path, tour, login="tour_customer")

    def _as_staff(self, path, tour):
        self.start_tour(path, tour, login="tour_accountant")
        self.env.invalidate_all()

    def test_a_customer_asks_on_the_invoice_and_is_answered(self):
        self.invoice.message_post(
            body="Never pays in time", subtype_xmlid="mail.mt_note"
        )
        path = f"/my/invoices/{self.invoice.id}"
        self._as_customer(path, "credit_talk_customer_tour")
        message = self.env["credit.message"].search(
            [("profile_id", "=", self.profile.id)]
        )
        self.assertEqual((message.state, message.user_id), ("unread", self.staff))
        self._as_staff("/odoo/credit-messages", "credit_talk_staff_tour")
        self.assertEqual(
            (message.state, message.answered_by_id.id), ("answered", self.staff.id)
        )
        self._as_customer(path, "credit_talk_answered_tour")

    def _promise(self):
        self._as_customer("/my/credit", "credit_promise_customer_tour")
        promise = self.env["credit.promise"].search(
            [("profile_id", "=", self.profile.id)]
        )
        self.assertEqual((promise.state, promise.amount), ("open", 100.0))
        self.assertEqual(promise.date, self.company._credit_today() + timedelta(days=7))
        return promise

    def test_a_customer_promises_pays_and_has_kept_it(self):
        promise = self._promise()
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.invoice.ids
        ).create({"payment_date": self.company._credit_today()})._create_payments()
        self.assertEqual(promise.state, "kept")
        self._as_staff("/odoo/promises", "credit_promise_kept_tour")
        self.authenticate("tour_customer", "tour_customer")
        page = self.url_open("/my/credit").text
        self.assertIn("Nothing is open at the moment", page)

    def test_a_customer_promises_does_not_pay_and_has_broken_it(self):
        promise = self._promise()
        promise.sudo()._decide(promise.last_date + timedelta(days=1))
        self.assertEqual(promise.state, "broken")
        self._as_staff("/odoo/promises", "credit_promise_broken_tour")
        self.authenticate("tour_customer", "tour_customer")
        page = html.fromstring(self.url_open("/my/credit").content)
        self.assertFalse(page.xpath("//section[@name='promises']"))
        self.assertTrue(page.xpath("//table[@name='overdue']"))


class WorkRestCommon(ToursCommon):
    def check_rest(self):
        """See the notice above the work list where a collector gets one a day."""
        company = self.company_data["company"]
        company.credit_work_cap = 1
        user = self._create_user(company, "tour_accountant", "group_credit_user")
        for name, days in (("Pressing Customer", 9), ("Other Customer", 5)):
            profile = self._create_late_customer(company, name, days)
            profile.user_id = user
            profile.sudo().overdue_amount = days
            profile.activity_schedule(
                "mail.mail_activity_data_todo",
                date_deadline=company._credit_today(),
                user_id=user.id,
            )
        # As by a favourite of the collector; on a phone the menu of filters is hidden.
        self.env.ref("credit_management.credit_work_action").context = {
            "search_default_mine_today": 1,
            "credit_open_groups": True,
        }
        self.start_tour("/odoo/credit-work", "credit_work_rest_tour", login=user.login)


@tagged("post_install", "-at_install", "credit_once")
class TestWorkRest(WorkRestCommon):
    def test_the_list_says_how_many_wait_for_tomorrow_and_shows_them(self):
        self.check_rest()


@tagged("post_install", "-at_install", "credit_once")
class TestWorkRestPhone(WorkRestCommon):
    browser_size = "390x844"
    touch_enabled = True

    def test_on_a_phone_too(self):
        self.check_rest()
