"""A customer who signs a quotation that is held: thanked, kept, and not lost."""

from odoo.tests import HttpCase, tagged

from .common import CreditOrderCommon

SIGNATURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


@tagged("post_install", "-at_install")
class TestHoldPortal(CreditOrderCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.company.credit_check_orders = "hold"
        self.profile.credit_limit = 1000.0

    def sign(self, quantity):
        order = self.order(quantity, confirm=False)
        order.write({"require_signature": True, "require_payment": False})
        order.action_quotation_sent()
        order._portal_ensure_token()
        self.env.flush_all()
        answer = self.make_jsonrpc_request(
            f"/my/orders/{order.id}/accept",
            {
                "access_token": order.access_token,
                "name": "Customer",
                "signature": SIGNATURE,
            },
        )
        self.env.invalidate_all()
        page = self.url_open(answer["redirect_url"])
        self.assertEqual(page.status_code, 200)
        return order, page.text

    def test_a_signature_is_kept_and_the_customer_hears_that_we_will_confirm(self):
        order, page = self.sign(11.0)
        self.assertEqual((order.state, order.signed_by), ("sent", "Customer"))
        self.assertEqual(order.credit_hold_state, "held")
        self.assertIn("We will confirm it shortly", page)
        for secret in ("On hold", "limit", "credit"):
            self.assertNotIn(f"{secret} used", page)
        hold = self.env["credit.hold"].search([("res_id", "=", order.id)])
        hold.action_release("Known")
        self.assertEqual(order.state, "sale")
        self.assertTrue(hold.sends_email, "the customer accepted and is told")

    def test_one_that_passes_is_confirmed_at_once(self):
        order, page = self.sign(9.0)
        self.assertEqual(order.state, "sale")
        self.assertIn("Your order has been confirmed", page)
