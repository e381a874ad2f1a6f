"""The demo shows goods that stay, and goods that may leave again."""

from odoo.tests import TransactionCase, tagged

from odoo.addons.credit_management.tests.test_demo import DemoMixin


@tagged("post_install", "-at_install", "credit_once")
class TestDemoDeliveries(DemoMixin, TransactionCase):
    def test_a_delivery_is_on_hold_and_another_released(self):
        holds = self.env["credit.hold"].search([("stage", "=", "deliver")])
        self.assertEqual(sorted(holds.mapped("state")), ["held", "released"])
        orders = self.env["sale.order"].browse(holds.mapped("res_id"))
        self.assertEqual(set(orders.mapped("state")), {"sale"})
        self.assertNotIn("done", orders.picking_ids.mapped("state"))
        self.assertTrue(orders.picking_ids)
