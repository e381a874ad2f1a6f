"""A customer agrees that parts are collected, and takes it back; nobody else does."""

from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_portal_plan import LOGS, PortalPlanCommon


@tagged("post_install", "-at_install", "credit_once")
class TestPortalPlanCollection(PortalPlanCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider.allow_tokenization = True
        cls.stored = cls._store(cls.azure_user.partner_id, "4242")
        cls.foreign_stored = cls._store(cls.other_user.partner_id, "6666")

    @classmethod
    def _store(cls, partner, details):
        return cls.env["payment.token"].create(
            {
                "provider_id": cls.provider.id,
                "payment_method_id": cls.method.id,
                "payment_details": details,
                "partner_id": partner.id,
                "provider_ref": details,
            }
        )

    def _agree(self, plan, stored=None, agree="1"):
        stored = stored or self.stored
        return self._send(
            self._path(plan, "/collect"), token_id=str(stored.id), agree=agree
        )

    def test_a_customer_agrees_and_takes_it_back(self):
        plan = self._running()
        self._login(self.azure_user)
        page = self._read(self._path(plan))
        (words,) = page.xpath("//form[@name='collect']//label")
        response = self._agree(plan)
        self.assertEqual(response.status_code, 303)
        plan.invalidate_recordset()
        self.assertEqual(plan.token_id, self.stored)
        self.assertEqual(plan.consent_text, self._get_text(words))
        self.assertEqual(plan.consent_name, self.azure_user.name)
        page = self._read(self._path(plan))
        (method,) = page.xpath("//section[@name='collection']//strong[@name='method']")
        self.assertIn("4242", method.text_content())
        self.assertFalse(page.xpath("//form[@name='collect']"))
        self._send(self._path(plan, "/collect/stop"))
        plan.invalidate_recordset()
        self.assertFalse(plan.token_id)
        self.assertEqual(plan.state, "active")

    def test_agreed_to_twice_it_is_told_once(self):
        plan = self._running()
        self._login(self.azure_user)
        for _click in range(2):
            self.assertEqual(self._agree(plan).status_code, 303)
        told = plan.message_ids.filtered(
            lambda message: "parts are collected" in (message.subject or "")
        )
        self.assertEqual(len(told), 1)

    def test_while_a_part_is_being_charged_nobody_pays_it(self):
        plan = self._running()
        charge = (
            self.env["credit.payment.plan.charge"]
            .sudo()
            .create(
                {
                    "plan_id": plan.id,
                    "line_id": plan.line_ids[0].id,
                    "date": self.today,
                    "amount": 100.0,
                }
            )
        )
        self._assert_refused(plan, "part", 100.0)
        charge._set_state("failed")
        self.assertTrue(self._begin(plan, "part", 100.0))

    def test_nothing_is_agreed_without_the_tick(self):
        plan = self._running()
        self._login(self.azure_user)
        self.assertEqual(self._agree(plan, agree=None).status_code, 400)
        self.assertFalse(plan.token_id)

    def test_what_is_stored_for_somebody_else_is_neither_shown_nor_taken(self):
        plan = self._running()
        colleague = self._create_portal_user("azure.colleague", self.customer)
        self._login(colleague)
        page = self._read(self._path(plan))
        self.assertFalse(page.xpath("//form[@name='collect']"))
        self.assertNotIn("4242", page.text_content())
        for stored in (self.stored, self.foreign_stored):
            self.assertEqual(self._agree(plan, stored).status_code, 400)
        self.assertEqual(
            self._send(
                self._path(plan, "/collect"), token_id="x", agree="1"
            ).status_code,
            400,
        )
        self.assertFalse(plan.token_id)

    def test_another_customer_neither_agrees_nor_takes_it_back(self):
        plan = self._running()
        self._login(self.other_user)
        self.assertEqual(self._agree(plan, self.foreign_stored).status_code, 303)
        self.assertFalse(plan.token_id)
        plan.sudo()._consent(self.stored, self.azure_user.partner_id)
        self._send(self._path(plan, "/collect/stop"))
        plan.invalidate_recordset()
        self.assertEqual(plan.token_id, self.stored)

    def test_a_link_shows_nothing_of_it_and_agrees_to_nothing(self):
        plan = self._running()
        token = self._plan_token(plan)
        page = self._read(self._path(plan, f"?access_token={token}"))
        self.assertFalse(page.xpath("//section[@name='collection']"))
        for suffix in ("/collect", "/collect/stop"):
            self._send(
                self._path(plan, suffix),
                token_id=str(self.stored.id),
                agree="1",
                access_token=token,
            )
        self.assertFalse(plan.token_id)

    @mute_logger(*LOGS)
    def test_no_form_without_its_token_and_no_plan_that_ended(self):
        plan = self._running()
        self._login(self.azure_user)
        response = self.url_open(
            self._path(plan, "/collect"),
            data={"token_id": str(self.stored.id), "agree": "1"},
            allow_redirects=False,
        )
        self.assertEqual(response.status_code, 400)
        self.assertFalse(plan.token_id)
        plan.action_cancel()
        self.env.flush_all()
        self.assertEqual(self._agree(plan).status_code, 400)
        self.assertFalse(plan.token_id)
