"""What is shown of plans: to who answers them, and of those that have ended."""

from lxml import etree

from odoo.tests import tagged

from .test_plan import PlanCommon
from .test_portal_plan import PortalPlanCommon


@tagged("post_install", "-at_install", "credit_once")
class TestPlanShown(PlanCommon):
    def test_what_has_ended_has_no_next_part(self):
        for end in (
            lambda plan: plan.action_break(),
            lambda plan: plan.action_cancel(),
        ):
            plan = self._plan(self._create_late_invoice(20, 300.0))
            self.assertTrue(plan.next_date)
            end(plan)
            self.assertFalse(plan.next_date, plan.state)

    def test_nor_has_what_nobody_agreed_to(self):
        declined, unanswered, countered = (
            self._plan(self._create_late_invoice(20, 300.0), running=False, **values)
            for values in ({}, {}, {"source": "portal"})
        )
        (declined + unanswered).action_propose()
        declined._decline("Too much", by_customer=True)
        countered.sudo()._move("proposed")
        countered.sudo()._decline("Too late")
        with self._on("2026-12-01"):
            self.env["credit.payment.plan"].sudo()._end_unanswered()
        plans = declined + unanswered + countered
        self.assertEqual(plans.mapped("state"), ["refused", "cancelled", "refused"])
        self.assertEqual(plans.mapped("next_date"), [False] * 3)

    def test_who_answers_reads_at_once_why_the_customer_asks(self):
        view = self.env["credit.payment.plan"].get_view(view_type="form")
        (shown,) = etree.fromstring(view["arch"]).xpath(
            "//div[@role='status'][field[@name='reason']]"
        )
        self.assertFalse(shown.xpath("ancestor::page"))


@tagged("post_install", "-at_install", "credit_once")
class TestPortalPlanShown(PortalPlanCommon):
    def test_of_what_has_ended_nothing_is_asked(self):
        running = self._running()
        running.action_cancel()
        proposed = self._proposed()
        self._login(self.azure_user)
        page = self._read("/my/payment-plans")
        rows = {
            self._get_text(row.xpath(".//strong")[0]): self._get_text(row)
            for row in page.xpath("//div[@name='plan_row']")
        }
        self.assertIn("Still to pay: $ 300.00", rows[proposed.name])
        self.assertIn("Next part", rows[proposed.name])
        for words in ("Still to pay", "Next part"):
            self.assertNotIn(words, rows[running.name])

    def test_the_page_says_whether_parts_are_collected(self):
        self.provider.allow_tokenization = True
        stored = self.env["payment.token"].create(
            {
                "provider_id": self.provider.id,
                "payment_method_id": self.method.id,
                "payment_details": "4242",
                "partner_id": self.azure_user.partner_id.id,
                "provider_ref": "ref",
            }
        )
        plan = self._running()
        self._login(self.azure_user)
        for title in ("Let us collect the parts", "The parts are collected"):
            page = self._read(self._path(plan))
            (shown,) = page.xpath("//h2[@id='collection_title']")
            self.assertEqual(self._get_text(shown), title)
            plan.sudo()._consent(stored, self.azure_user.partner_id)

    def test_each_page_leads_back_to_one_that_the_visitor_may_open(self):
        plan = self._running()
        token = self._plan_token(plan)
        self.authenticate(None, None)
        page = self._read(self._path(plan, f"?access_token={token}"))
        self.assertFalse(page.xpath("//ol//a[@href='/my/payment-plans']"))
        pay = self._read(self._path(plan, f"/pay?access_token={token}"))
        (back,) = pay.xpath("//a[@name='back']")
        self.assertEqual(self._get_text(back), "Back to the payment plan")
        self.assertIn(self._path(plan), back.get("href"))
        self.assertEqual(self.url_open(back.get("href")).status_code, 200)
        self._login(self.azure_user)
        page = self._read(self._path(plan))
        self.assertTrue(page.xpath("//ol//a[@href='/my/payment-plans']"))
