"""Whether a customer has room for another order, as a salesperson sees it."""

from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditOrderCommon


@tagged("post_install", "-at_install", "credit_once")
class TestRoom(CreditOrderCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_check_orders = "hold"
        cls.profile.credit_limit = 1000.0
        cls.seller = new_test_user(
            cls.env,
            login="room_seller",
            groups="sales_team.group_sale_salesman",
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def see(self, partner=None):
        """Return room and note as the salesperson sees them now."""
        self.env.invalidate_all()
        seen = (partner or self.customer).with_user(self.seller)
        return seen.credit_room, seen.credit_room_note or ""

    def test_there_is_room_until_the_limit_is_used_up(self):
        self.order(9.99)
        self.assertEqual(self.see(), ("yes", ""))
        self.order(0.01)
        room, note = self.see()
        self.assertEqual(room, "no")
        self.assertIn("The credit limit is used up", note)
        self.assertIn("Ask ", note)

    def test_a_salesperson_sees_no_amount_unless_the_company_says_so(self):
        self.order(4)
        self.assertNotRegex("".join(self.see()), r"\d")
        self.company.credit_sales_amounts = True
        self.assertIn("600.00", self.see()[1])
        self.company.credit_sales_amounts = False
        self._create_late_invoice(90, 777.0)
        self.assertEqual(self.see()[0], "no")
        self.assertNotRegex(self.see()[1], r"\d")

    def test_what_would_hold_the_next_order_leaves_no_room(self):
        self.profile.write({"manual_hold": True, "hold_reason": "HOUSEREASON"})
        room, note = self.see()
        self.assertEqual(room, "no")
        self.assertIn("Held by Hand", note)
        self.assertNotIn("HOUSEREASON", note)

    def test_orders_on_hold_are_told(self):
        order = self.order(20, user_id=self.seller.id)
        other = self.order(30)
        self.assertEqual((order.state, other.state), ("draft", "draft"))
        room, note = self.see()
        self.assertEqual(room, "yes")  # a smaller one would pass
        self.assertIn(order.name, note)
        self.assertNotIn(other.name, note)  # a colleague's

    def test_a_customer_without_a_limit_has_room(self):
        self.profile.credit_limit = 0
        self.assertEqual(self.see(), ("yes", ""))

    def test_a_contact_of_the_customer_shows_the_same(self):
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.customer.id}
        )
        self.order(10)
        self.assertEqual(self.see(contact)[0], "no")

    def test_nothing_is_said_where_orders_are_not_checked(self):
        self.order(10)
        self.company.credit_check_orders = "off"
        self.assertEqual(self.see(), (False, ""))

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_other_employees_are_told_nothing(self):
        employee = new_test_user(self.env, login="room_employee")
        with self.assertRaises(AccessError):
            self.customer.with_user(employee).read(["credit_room"])
        with self.assertRaises(AccessError):
            self.customer.with_user(employee).read(["credit_room_note"])
