"""An order on hold in a real browser: asked by who sells, released by who decides."""

from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common import CreditOrderCommon


@tagged("post_install", "-at_install")
class TestHoldTour(CreditOrderCommon, HttpCase):
    def test_a_salesperson_asks_and_a_manager_releases(self):
        self.company.write({"credit_check_orders": "hold", "name": "Tour Company"})
        self.profile.credit_limit = 1000.0
        self.customer.name = "Tour Customer"
        for login, groups in (
            ("tour_seller", "sales_team.group_sale_salesman_all_leads"),
            ("tour_decider", "credit_management.group_credit_manager"),
        ):
            new_test_user(
                self.env,
                login=login,
                groups=groups,
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
                tour_enabled=False,
            )
        order = self.order(11.0, confirm=False)
        self.start_tour(
            f"/odoo/sales/{order.id}", "credit_hold_ask_tour", login="tour_seller"
        )
        hold = self.env["credit.hold"].search([("res_id", "=", order.id)])
        self.assertEqual((order.state, hold.state), ("draft", "held"))
        self.assertEqual(hold.asked_text, "They pay on Friday.")
        self.start_tour(
            "/odoo/credit-holds", "credit_hold_release_tour", login="tour_decider"
        )
        self.assertEqual((order.state, hold.state), ("sale", "released"))
        self.assertEqual(hold.reason, "Friday is fine.")
