"""Every road by which an order goes on, and the hold that stands in each."""

from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, RedirectWarning, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .common import CreditOrderCommon


@tagged("post_install", "-at_install")
class TestHold(CreditOrderCommon):
    """Limit 1 000; goods cost 100 each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_check_orders = "hold"
        cls.profile.credit_limit = 1000.0
        cls.seller = new_test_user(
            cls.env,
            login="hold_seller",
            groups="sales_team.group_sale_salesman_all_leads",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def hold_of(self, order):
        hold = self.env["credit.hold"].search(
            [("res_model", "=", "sale.order"), ("res_id", "=", order.id)]
        )
        return hold.filtered(lambda one: one.state != "obsolete") or hold[:1]

    def held_order(self, quantity=11.0, **values):
        order = self.order(quantity, **values)
        self.assertEqual(order.state, "draft")
        self.assertEqual(self.hold_of(order).state, "held")
        return order

    # === PASS, WARN, HOLD === #

    def test_up_to_the_limit_an_order_passes_and_over_it_is_held(self):
        order = self.order(10.0)
        self.assertEqual(order.state, "sale")
        self.assertFalse(self.hold_of(order))
        second = self.order(0.01)
        hold = self.hold_of(second)
        self.assertEqual((second.state, hold.state), ("draft", "held"))
        self.assertEqual(hold.exposure_amount, 1000.0)
        self.assertEqual(hold.order_amount, 1.0)
        self.assertEqual(hold.excess_amount, 1.0)
        self.assertIn("100.1% of the limit used", hold.reasons)

    def test_switched_off_or_warning_nothing_is_held(self):
        self.company.credit_check_orders = "off"
        self.assertEqual(self.order(50.0).state, "sale")
        self.company.credit_check_orders = "warn"
        order = self.order(50.0, confirm=False)
        self.assertEqual(order.credit_status, "warn")
        self.assertIn("1000% of the limit used", order.credit_hold_note)
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_a_quotation_says_what_would_happen_and_what_would_free_it(self):
        order = self.order(12.0, confirm=False)
        self.assertEqual(order.credit_status, "would_hold")
        self.assertIn("120% of the limit used", order.credit_hold_note)
        self.assertIn("$\N{NO-BREAK SPACE}200.00 paid", order.credit_hold_note)
        small = self.order(2.0, confirm=False)
        self.assertFalse(small.credit_status)
        near = self.order(9.0, confirm=False)
        self.assertEqual(near.credit_status, "warn")
        seen = near.with_user(self.seller).credit_hold_note
        self.assertEqual(seen, "The credit limit is nearly used")

    def test_the_button_tells_and_several_orders_are_asked_one_by_one(self):
        orders = self.order(6.0, confirm=False) | self.order(6.0, confirm=False)
        told = orders.action_confirm()
        self.assertEqual(orders.mapped("state"), ["sale", "draft"])
        self.assertEqual(told["tag"], "display_notification")
        self.assertIn(orders[1].name, told["params"]["title"])

    def test_an_order_that_passes_answers_as_the_host_does(self):
        self.assertIs(self.order(1.0, confirm=False).action_confirm(), True)

    def test_trying_again_keeps_one_hold_with_what_is_true_now(self):
        order = self.held_order(12.0)
        hold = self.hold_of(order)
        order.order_line.product_uom_qty = 15.0
        order.action_confirm()
        self.assertEqual(self.hold_of(order), hold)
        self.assertEqual(hold.excess_amount, 500.0)
        order.order_line.product_uom_qty = 5.0
        self.assertIs(order.action_confirm(), True)
        self.assertEqual((order.state, hold.state), ("sale", "obsolete"))

    # === EVERY ROAD === #

    def test_a_quotation_that_was_sent_is_held_too(self):
        order = self.order(11.0, confirm=False)
        order.action_quotation_sent()
        order.action_confirm()
        self.assertEqual((order.state, self.hold_of(order).state), ("sent", "held"))

    def test_writing_the_state_or_importing_confirmed_orders_is_refused(self):
        order = self.order(11.0, confirm=False)
        with self.assertRaises(UserError) as caught:
            order.write({"state": "sale"})
        self.assertIn("would be on hold: 110% of the limit", caught.exception.args[0])
        with self.assertRaises(RedirectWarning) as caught:
            self.order(11.0, confirm=False, state="sale")
        self.assertIn("110% of the limit used", caught.exception.args[0])
        passed = self.order(3.0, confirm=False, state="sale")
        self.assertEqual(passed.state, "sale")

    def test_what_is_released_may_be_written_as_confirmed_by_a_program(self):
        order = self.held_order(11.0)
        self.hold_of(order)._move("released", released_amount=1100.0)
        order.write({"state": "sale"})
        self.assertEqual(order.state, "sale")
        self.assertEqual(self.hold_of(order).state, "released")

    def test_a_context_from_outside_opens_nothing(self):
        order = self.order(11.0, confirm=False)
        order = order.with_context(
            credit_cleared_orders=[order.id], import_file=True, send_email=True
        )
        order.action_confirm()
        self.assertEqual(order.state, "draft")

    def test_a_copy_of_a_released_order_is_asked_about(self):
        order = self.held_order()
        self.hold_of(order).action_release("Good customer")
        self.assertEqual(order.state, "sale")
        copy = order.copy()
        copy.action_confirm()
        self.assertEqual(copy.state, "draft")
        self.assertEqual(self.hold_of(copy).state, "held")

    def test_another_salesperson_or_company_in_view_changes_nothing(self):
        other = self.setup_other_company()["company"]
        order = self.order(11.0, confirm=False)
        order.with_user(self.seller).with_company(other).action_confirm()
        self.assertEqual(order.state, "draft")

    def test_the_customer_of_the_invoice_address_is_asked_about(self):
        payer = self._create_customer("Payer")
        order = self.order(11.0, partner_invoice_id=payer.id)
        self.assertEqual(order.state, "sale")  # the payer has no limit
        self.env["credit.profile"]._get_or_create(
            self.company, payer
        ).credit_limit = 500.0
        order = self.order(1.0, partner_invoice_id=payer.id)
        self.assertEqual(order.state, "draft")

    def test_a_confirmed_order_that_goes_to_another_payer_is_asked_about(self):
        payer = self._create_customer("Payer")
        order = self.order(11.0, partner_invoice_id=payer.id)
        with self.assertRaises(UserError) as caught:
            order.partner_invoice_id = self.customer
        self.assertIn("would be on hold", caught.exception.args[0])

    # === ORDERS THAT GROW === #

    def test_a_confirmed_order_may_grow_a_little_and_not_over_the_limit(self):
        order = self.order(9.0)
        order.order_line.product_uom_qty = 9.5
        with self.assertRaises(RedirectWarning) as caught:
            order.order_line.product_uom_qty = 10.5
        self.assertIn("cannot grow", caught.exception.args[0])
        with self.assertRaises(RedirectWarning):
            order.write(
                {"order_line": [Command.create({"product_id": self.goods.id})] * 3}
            )

    def test_little_by_little_is_counted_from_what_was_asked_about(self):
        order = self.order(10.0)
        for quantity in (10.4, 10.8):
            order.order_line.product_uom_qty = quantity
        with self.assertRaises(RedirectWarning):
            order.order_line.product_uom_qty = 11.2

    def test_growing_within_the_limit_needs_nobody(self):
        order = self.order(2.0)
        order.order_line.product_uom_qty = 9.0
        self.assertEqual(order.credit_checked_amount, 900.0)

    def test_what_is_asked_for_a_larger_order_is_released_up_to_it(self):
        order = self.order(9.0)
        with self.assertRaises(RedirectWarning) as caught:
            order.order_line.product_uom_qty = 14.0
        order.invalidate_recordset()
        wizard = self.env["credit.hold.ask"].create(
            {"order_id": order.id, "amount": 1400.0, "text": "They asked for it"}
        )
        self.assertEqual(caught.exception.args[3]["default_amount"], 1400.0)
        wizard.action_ask()
        hold = self.hold_of(order)
        self.assertEqual((hold.stage, hold.state), ("raise", "held"))
        hold._recheck()
        self.assertEqual(hold.state, "held", "as it is the order passes, not as wanted")
        hold.action_release("Agreed")
        order.order_line.product_uom_qty = 14.0
        self.assertEqual(order.amount_total, 1400.0)
        with self.assertRaises(RedirectWarning):
            order.order_line.product_uom_qty = 16.0

    def test_who_releases_up_to_an_amount_does_not_release_a_larger_wish(self):
        clerk = self.create_clerk("hold_clerk_wish")
        self.company.credit_release_amount = 1000.0
        order = self.order(9.0)
        self.env["credit.hold.ask"].create(
            {"order_id": order.id, "amount": 90000.0, "text": "They asked for it"}
        ).action_ask()
        hold = self.hold_of(order)
        with self.assertRaises(AccessError):
            hold.with_user(clerk).action_release("Sure")
        self.assertEqual(hold.state, "held")

    def test_carriage_that_is_added_leaves_no_room_to_grow(self):
        order = self.order(8.0, confirm=False)
        order.order_line.create(
            {
                "order_id": order.id,
                "product_id": self.goods.id,
                "price_unit": 100.0,
                "tax_ids": [Command.clear()],
                "is_expense": True,
            }
        )
        order.action_confirm()
        self.assertEqual((order.state, order.amount_total), ("sale", 900.0))
        self.assertEqual(order.credit_checked_amount, 800.0)

    def test_a_released_order_that_grows_is_asked_about_again(self):
        order = self.held_order(11.0)
        self.hold_of(order).action_release("Good customer")
        order.order_line.product_uom_qty = 12.0
        with self.assertRaises(RedirectWarning):
            order.order_line.product_uom_qty = 13.0

    def test_a_released_quotation_that_grows_is_held_again(self):
        order = self.held_order(11.0)
        first = self.hold_of(order)
        self.company.credit_growth_percent = 10.0
        first._move("released", released_amount=order.amount_total)
        order.order_line.product_uom_qty = 13.0
        order.action_confirm()
        second = self.hold_of(order)
        self.assertEqual(order.state, "draft")
        self.assertEqual((first.state, second.state), ("obsolete", "held"))
        self.assertNotEqual(first, second)

    def test_orders_of_before_the_check_are_measured_as_they_were(self):
        self.company.credit_check_orders = "off"
        order = self.order(20.0)
        self.company.credit_check_orders = "hold"
        order.order_line.product_uom_qty = 21.0
        with self.assertRaises(RedirectWarning):
            order.order_line.product_uom_qty = 30.0

    # === PAID ONES PASS === #

    def pay_online(self, order, amount=None, state="done"):
        provider = self.env["payment.provider"].sudo().search([], limit=1)
        provider.company_id = self.company
        methods = self.env["payment.method"].sudo().with_context(active_test=False)
        method = methods.search([], limit=1)
        return (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": provider.id,
                    "payment_method_id": method.id,
                    "reference": f"TX {order.id} {amount}",
                    "amount": order.amount_total if amount is None else amount,
                    "currency_id": order.currency_id.id,
                    "partner_id": order.partner_id.id,
                    "state": state,
                    "sale_order_ids": [Command.set(order.ids)],
                }
            )
        )

    def test_an_order_paid_online_is_confirmed_whatever_is_owed(self):
        self._create_late_invoice(90, 5000.0)
        order = self.order(50.0, confirm=False)
        tx = self.pay_online(order)
        tx._check_amount_and_confirm_order()
        self.assertEqual(order.state, "sale")
        self.assertFalse(self.hold_of(order))

    def test_a_part_paid_online_is_held_without_an_error_and_the_money_stays(self):
        order = self.order(50.0, confirm=False)
        order.write({"require_payment": True, "prepayment_percent": 0.2})
        tx = self.pay_online(order, amount=1000.0)
        tx._check_amount_and_confirm_order()
        self.assertEqual((order.state, tx.state), ("draft", "done"))
        hold = self.hold_of(order)
        self.assertEqual(hold.order_amount, 4000.0, "what is paid is no risk")
        hold.action_release("Known")
        self.assertEqual(order.state, "sale")

    def test_terms_that_mean_payment_at_once_pass_when_the_company_says_so(self):
        term = self.env.ref("account.account_payment_term_immediate")
        order = self.order(50.0, payment_term_id=term.id)
        self.assertEqual(order.state, "draft")
        term.credit_passes = True
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_a_held_customer_is_held_even_when_paid(self):
        self.profile.write({"manual_hold": True, "hold_reason": "Insolvent"})
        order = self.order(1.0, confirm=False)
        tx = self.pay_online(order)
        tx._post_process()
        self.assertTrue(tx.is_post_processed and tx.payment_id, "the money is booked")
        hold = self.hold_of(order)
        self.assertEqual((order.state, hold.is_by_hand), ("draft", True))
        self.assertIn("Insolvent", hold.reasons)

    # === OTHER RULES === #

    def test_overdue_items_hold_but_not_what_is_in_dispute(self):
        invoice = self._create_late_invoice(40, 50.0)
        order = self.held_order(1.0)
        self.assertIn("40 days overdue, at most 30", self.hold_of(order).reasons)
        reason = self.env["credit.dispute.reason"].search([], limit=1)
        self.env["credit.dispute"]._open(
            self.profile, reason, [{"move": invoice, "amount": 50.0}], "Wrong"
        )
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_a_level_that_holds_orders_holds_while_its_item_is_open(self):
        self.first.hold_orders = True
        invoice = self._create_late_invoice(4, 50.0)
        self._send_all_due()
        order = self.held_order(1.0)
        self.assertIn("dunning level holds", self.hold_of(order).reasons)
        self._pay(invoice)
        order.action_confirm()
        self.assertEqual(order.state, "sale")

    def test_promises_broken_within_a_year_hold_if_a_rule_says_so(self):
        self.env["credit.rule"].create(
            {"name": "Promises", "kind": "broken_promises", "threshold": 1.0}
        )
        values = {
            "profile_id": self.profile.id,
            "currency_id": self.company.currency_id.id,
            "source": "staff",
            "given_date": self._day(90),
            "date": self._day(80),
            "last_date": self._day(80),
            "amount": 10.0,
            "state": "broken",
        }
        Promise = self.env["credit.promise"].sudo()
        Promise.create([values, values | {"date": self._day(400)}])
        self.assertEqual(self.order(1.0).state, "sale")
        Promise.create(values)
        order = self.held_order(1.0)
        self.assertIn("2 broken promises, at most 1", self.hold_of(order).reasons)

    def test_of_a_kind_only_the_closest_rules_count(self):
        Rule = self.env["credit.rule"]
        own = Rule.create(
            {
                "name": "Ours",
                "kind": "utilisation",
                "threshold": 150.0,
                "partner_ids": [Command.set(self.customer.ids)],
            }
        )
        self.assertEqual(self.order(15.0).state, "sale")
        self.assertEqual(self.order(0.1).state, "draft")
        own.active = False
        self.env["credit.rule"].create(
            {
                "name": "Large",
                "kind": "order_amount",
                "threshold": 10.0,
                "exclusion_ids": [
                    Command.create(
                        {"partner_id": self.customer.id, "reason": "Our own daughter"}
                    )
                ],
            }
        )
        other = self._create_customer("Other")
        self.assertEqual(self.order(1.0, partner_id=other.id).state, "draft")
        self.profile.credit_limit = 9000.0
        self.assertEqual(self.order(1.0).state, "sale")

    def test_the_limit_of_the_group_holds_before_that_of_its_customer(self):
        sister = self._create_customer("Sister", parent_id=self.customer.id)
        self.profile.credit_limit = 0.0
        self.env["credit.group"].create(
            {
                "partner_id": self.customer.id,
                "credit_limit": 1500.0,
                "currency_id": self.company.currency_id.id,
                "company_ids": [Command.set(self.company.ids)],
            }
        )
        self.assertEqual(self.order(10.0).state, "sale")
        order = self.order(6.0, partner_id=sister.id)
        self.assertEqual(order.state, "draft")
        self.assertIn("of the group's limit used", self.hold_of(order).reasons)

    # === DECISIONS === #

    def test_a_release_confirms_and_keeps_who_and_why(self):
        order = self.held_order()
        hold = self.hold_of(order)
        hold.action_release("Insurer agreed")
        self.assertEqual((order.state, hold.state), ("sale", "released"))
        self.assertEqual(hold.decided_by_id, self.env.user)
        self.assertEqual(hold.reason, "Insurer agreed")
        self.assertIn("Insurer agreed", "".join(order.message_ids.mapped("body")))

    def test_a_decision_needs_a_reason(self):
        hold = self.hold_of(self.held_order())
        self.assertEqual(hold.action_release()["res_model"], "credit.hold.decide")
        self.assertEqual(hold.action_refuse(" ")["res_model"], "credit.hold.decide")
        self.assertEqual(hold.state, "held")

    def test_refused_stays_refused_until_it_passes_or_is_asked_again(self):
        order = self.held_order()
        hold = self.hold_of(order)
        hold.action_refuse("They never pay")
        order.action_confirm()
        self.assertEqual((order.state, hold.state), ("draft", "refused"))
        self.assertIn("They never pay", order.credit_hold_note)
        wizard = self.env["credit.hold.ask"].with_user(self.seller)
        wizard.create({"order_id": order.id, "text": "New guarantee"}).action_ask()
        self.assertEqual((hold.state, hold.asked_text), ("held", "New guarantee"))
        self.assertEqual(hold.asked_by_id, self.seller)

    def test_a_release_until_a_day_ends_after_it(self):
        order = self.held_order()
        hold = self.hold_of(order)
        hold._move("released", valid_until=self.today, released_amount=1100.0)
        self.assertTrue(hold._is_valid_release(1100.0, False))
        hold.sudo().valid_until = self.today - timedelta(days=1)
        self.assertFalse(hold._is_valid_release(1100.0, False))

    def test_after_payment_of_an_invoice_it_goes_on_by_itself(self):
        invoice = self._create_late_invoice(5, 300.0)
        order = self.held_order(9.0)
        hold = self.hold_of(order)
        with Form(
            self.env["credit.hold.decide"].with_context(
                default_kind="release", default_hold_ids=hold.ids
            )
        ) as form:
            form.condition = "payment"
            form.move_ids.add(invoice)
            form.reason = "Cash first"
        form.record.action_decide()
        self.assertEqual((order.state, hold.state), ("draft", "held"))
        self._pay(invoice)
        self._run_cron("ir_cron_refresh_profiles")
        self.assertEqual((order.state, hold.state), ("sale", "released"))

    def test_when_nothing_holds_it_any_more_it_is_marked_or_goes_on(self):
        invoice = self._create_late_invoice(5, 300.0)
        order = self.held_order(9.0)
        hold = self.hold_of(order)
        self._pay(invoice)
        self._run_cron("ir_cron_refresh_profiles")
        self.assertEqual((order.state, hold.would_pass), ("draft", True))
        self.company.credit_auto_release = True
        hold.action_recheck()
        self.assertEqual((order.state, hold.state), ("sale", "released"))
        self.assertFalse(hold.decided_by_id, "nobody decided")

    def test_a_hold_by_hand_is_never_released_by_itself(self):
        self.company.credit_auto_release = True
        self.profile.write({"manual_hold": True, "hold_reason": "Insolvent"})
        order = self.held_order(1.0)
        self.hold_of(order).action_recheck()
        self.assertEqual(order.state, "draft")

    def test_a_release_of_before_does_not_open_a_hold_by_hand(self):
        order = self.held_order(11.0)
        hold = self.hold_of(order)
        hold._move("released", released_amount=1100.0)
        self.profile.write({"manual_hold": True, "hold_reason": "Insolvent"})
        order.action_confirm()
        self.assertEqual(order.state, "draft")

    def test_cancelled_or_deleted_orders_are_held_no_more(self):
        order, other = self.held_order(), self.held_order()
        holds = self.hold_of(order) | self.hold_of(other)
        order.action_cancel()
        other.unlink()
        self.assertEqual(holds.mapped("state"), ["obsolete"] * 2)

    # === WHO MAY, AND WHO SEES WHAT === #

    def test_users_release_up_to_an_amount_and_managers_above(self):
        clerk = self.create_clerk("hold_clerk")
        small, large = self.held_order(11.0), self.held_order(30.0)
        with self.assertRaises(AccessError):
            self.hold_of(small).with_user(clerk).action_release("Yes")
        self.company.credit_release_amount = 1500.0
        self.hold_of(small).with_user(clerk).action_release("Yes")
        self.assertEqual(small.state, "sale")
        with self.assertRaises(AccessError):
            self.hold_of(large).with_user(clerk).action_release("Yes")

    def test_salespeople_see_that_why_and_whom_to_ask_and_no_amounts(self):
        self._create_late_invoice(40, 700.0)
        order = self.held_order(11.0, user_id=self.seller.id)
        seen = order.with_user(self.seller)
        self.assertEqual(seen.credit_status, "held")
        self.assertIn("Over the credit limit", seen.credit_hold_note)
        self.assertIn("Ask ", seen.credit_hold_note)
        self.assertNotRegex(seen.credit_hold_note, r"\d")
        with self.assertRaises(AccessError):
            self.hold_of(order).with_user(self.seller).read(["reasons"])
        with self.assertRaises(AccessError):
            self.hold_of(order).with_user(self.seller).action_release("Please")
        self.company.credit_sales_amounts = True
        order.invalidate_recordset()
        self.assertRegex(seen.credit_hold_note, r"180% of the limit used")

    def test_the_salesperson_hears_and_the_decider_has_a_task(self):
        decider = new_test_user(
            self.env,
            login="hold_decider",
            groups="credit_management.group_credit_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.company.credit_hold_user_id = decider
        order = self.held_order(11.0, user_id=self.seller.id)
        hold = self.hold_of(order)
        self.assertEqual(hold.activity_ids.user_id, decider)
        told = self.env["mail.notification"].search(
            [("res_partner_id", "=", self.seller.partner_id.id)]
        )
        self.assertIn("is on hold", told.mail_message_id.body)
        hold.action_refuse("No")
        self.assertFalse(hold.activity_ids)

    def test_who_stands_in_decides_only_with_the_authority_for_it(self):
        away, present = (
            new_test_user(
                self.env,
                login=f"hold_{name}",
                groups="credit_management.group_credit_user",
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for name in ("away", "present")
        )
        manager = self.env.ref("credit_management.group_credit_manager")
        away.group_ids += manager
        self.company.write({"credit_hold_user_id": away.id, "credit_release_amount": 1})
        self.env["credit.absence"].create(
            {
                "user_id": away.id,
                "substitute_id": present.id,
                "date_from": self.today,
                "date_to": self.today,
            }
        )
        hold = self.hold_of(self.held_order())
        self.assertEqual(hold._find_decider(), away)
        present.group_ids += manager
        self.assertEqual(hold._find_decider(), present)

    def test_nobody_writes_or_deletes_a_hold(self):
        hold = self.hold_of(self.held_order())
        for vals in ({"state": "released"}, {"released_amount": 1e9}):
            with self.assertRaises(UserError):
                hold.write(vals)
        with self.assertRaises(UserError):
            hold.sudo().unlink()

    def test_only_managers_hold_all_orders_and_only_with_a_reason(self):
        clerk = self.create_clerk("hold_clerk_2")
        with self.assertRaises(AccessError):
            self.profile.with_user(clerk).write(
                {"manual_hold": True, "hold_reason": "x"}
            )
        with self.assertRaises(ValidationError):
            self.profile.manual_hold = True

    def create_clerk(self, login):
        return new_test_user(
            self.env,
            login=login,
            groups="credit_management.group_credit_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    # === INVOICES ARE NEVER STOPPED === #

    def test_delivered_goods_are_invoiced_whatever_is_owed(self):
        order = self.order(10.0)
        order.order_line.qty_delivered = 10.0
        self._create_late_invoice(90, 5000.0)
        self.profile.write({"manual_hold": True, "hold_reason": "Insolvent"})
        invoice = order._create_invoices()
        invoice.action_post()
        self.assertEqual(invoice.state, "posted")

    # === COST === #

    def test_the_check_costs_few_queries_however_many_invoices(self):
        counts = []
        for invoices in (1, 30):
            for _index in range(invoices):
                self._create_late_invoice(-20, 1.0)
            order = self.order(1.0, confirm=False)
            self.env.flush_all()
            self.env.invalidate_all()
            order._credit_may_go_on("confirm")  # warm
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            order._credit_may_go_on("confirm")
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[1], 12)

    def test_the_day_of_the_hold_is_told(self):
        hold = self.hold_of(self.held_order())
        self.assertEqual(hold.date, fields.Datetime.now())
        self.assertEqual(hold.age_days, 0)
