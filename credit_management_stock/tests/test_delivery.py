"""Goods of an order that may not leave stay, and leave once released."""

from datetime import timedelta

from odoo import fields
from odoo.tests import freeze_time, new_test_user, tagged

from odoo.addons.credit_management_sale.tests.common import CreditOrderCommon


@tagged("post_install", "-at_install")
class TestDelivery(CreditOrderCommon):
    """Limit 1 000; an order of 500 that passed."""

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref("stock.group_stock_user")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_check_orders = "hold"
        cls.profile.credit_limit = 1000.0

    def delivery(self, quantity=5.0, **values):
        order = self.order(quantity, **values)
        self.assertEqual(order.state, "sale")
        picking = order.picking_ids
        picking.move_ids.quantity = quantity
        picking.move_ids.picked = True
        return order, picking

    def hold_of(self, order):
        return self.env["credit.hold"].search(
            [("res_id", "=", order.id), ("state", "!=", "obsolete")]
        )

    def test_goods_leave_while_nothing_holds_them(self):
        order, picking = self.delivery()
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertFalse(self.hold_of(order))

    def test_goods_stay_when_the_customer_has_become_late(self):
        order, picking = self.delivery()
        self._create_late_invoice(40, 50.0)
        told = picking.button_validate()
        self.assertEqual(told["tag"], "display_notification")
        self.assertNotEqual(picking.state, "done")
        hold = self.hold_of(order)
        self.assertEqual((hold.state, hold.stage), ("held", "deliver"))
        self.assertIn("40 days overdue", picking.credit_hold_note)
        hold.action_release("They paid by cheque")
        picking.button_validate()
        self.assertEqual(picking.state, "done")
        self.assertFalse(picking.credit_hold_note)

    def test_of_several_deliveries_the_others_leave(self):
        _order, first = self.delivery()
        other = self._create_customer("Other")
        _order, second = self.delivery(partner_id=other.id)
        self._create_late_invoice(40, 50.0)
        (first | second).button_validate()
        self.assertEqual(second.state, "done")
        self.assertNotEqual(first.state, "done")

    def test_what_is_asked_about_the_others_is_still_asked(self):
        _order, first = self.delivery()
        other = self._create_customer("Other")
        _order, second = self.delivery(partner_id=other.id)
        second.move_ids.quantity = 2.0
        self._create_late_invoice(40, 50.0)
        asked = (first | second).button_validate()
        self.assertEqual(asked["res_model"], "stock.backorder.confirmation")
        self.assertNotEqual(second.state, "done")
        self.assertTrue(first.credit_hold_note)

    def test_what_was_released_as_an_order_leaves_within_the_days_of_grace(self):
        self._create_late_invoice(40, 50.0)
        order = self.order(5.0)
        hold = self.hold_of(order)
        hold.action_release("Good customer")
        picking = order.picking_ids
        picking.move_ids.quantity = 2.0
        picking.move_ids.picked = True
        picking.with_context(skip_backorder=True).button_validate()
        self.assertEqual(picking.state, "done")
        rest = order.picking_ids - picking
        rest.move_ids.quantity = 3.0
        rest.move_ids.picked = True
        later = fields.Datetime.now() + timedelta(days=15)
        with freeze_time(later):
            rest.button_validate()
        self.assertNotEqual(rest.state, "done")
        again = self.hold_of(order)
        self.assertEqual((again.state, hold.state), ("held", "obsolete"))

    def test_an_order_to_be_paid_at_once_is_seen_to_when_goods_leave(self):
        term = self.env.ref("account.account_payment_term_immediate")
        term.credit_passes = True
        order, picking = self.delivery(15.0, payment_term_id=term.id)
        picking.button_validate()
        self.assertEqual(self.hold_of(order).state, "held")
        order.order_line.qty_delivered = 15.0
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        picking.button_validate()
        self.assertEqual(picking.state, "done")

    def test_goods_that_come_back_or_in_are_no_matter_of_credit(self):
        _order, picking = self.delivery()
        picking.button_validate()
        self.profile.write({"manual_hold": True, "hold_reason": "Insolvent"})
        wizard = self.env["stock.return.picking"].create({"picking_id": picking.id})
        wizard.product_return_moves.quantity = 5.0
        back = self.env["stock.picking"].browse(
            wizard.action_create_returns()["res_id"]
        )
        back.move_ids.picked = True
        back.button_validate()
        self.assertEqual(back.state, "done")

    def test_whoever_handles_goods_sees_that_and_no_amounts(self):
        keeper = new_test_user(
            self.env,
            login="stock_keeper",
            groups="stock.group_stock_user",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        order, picking = self.delivery()
        self._create_late_invoice(40, 700.0)
        picking.with_user(keeper).button_validate()
        self.assertEqual(self.hold_of(order).state, "held")
        note = picking.with_user(keeper).credit_hold_note
        self.assertIn("Invoices are overdue", note)
        self.assertNotRegex(note, r"\d")
