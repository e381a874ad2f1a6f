"""Confirmed orders in the exposure: once, whole, and in the right part."""

from odoo import Command, fields
from odoo.tests import tagged

from .common import CreditOrderCommon


@tagged("post_install", "-at_install")
class TestOrders(CreditOrderCommon):
    def parts(self):
        """Return delivered, ordered, deposits, drafts, open and total, as columns."""
        self.profile._refresh()
        return tuple(
            self.profile[f"{name}_amount"]
            for name in (
                "delivered",
                "ordered",
                "deposit",
                "draft",
                "open",
                "exposure",
            )
        )

    # === PARTLY DELIVERED AND INVOICED === #

    def test_an_order_counts_whole_from_its_confirmation(self):
        order = self.order(confirm=False)
        self.assertEqual(self.parts(), (0, 0, 0, 0, 0, 0))
        order.action_confirm()
        self.assertEqual(self.parts(), (0, 1000, 0, 0, 0, 1000))
        # The host sees nothing of it: it would invoice nothing today.
        self.company.account_use_credit_limit = True
        self.assertEqual(order.amount_to_invoice, 0.0)
        order._action_cancel()
        self.assertEqual(self.parts(), (0, 0, 0, 0, 0, 0))

    def test_each_step_moves_an_order_on_and_the_total_stays(self):
        order = self.order()
        order.order_line.qty_delivered = 4.0
        self.assertEqual(self.parts(), (400, 600, 0, 0, 0, 1000))
        invoice = order._create_invoices()
        self.assertEqual(self.parts(), (0, 600, 0, 400, 0, 1000))
        invoice.invoice_date = self.today
        invoice.action_post()
        self.assertEqual(self.parts(), (0, 600, 0, 0, 400, 1000))
        order.order_line.qty_delivered = 10.0
        self.assertEqual(self.parts(), (600, 0, 0, 0, 400, 1000))
        self._pay(invoice)
        self.assertEqual(self.parts(), (600, 0, 0, 0, 0, 600))

    def test_where_drafts_do_not_count_they_are_in_the_order(self):
        self.company.credit_count_drafts = False
        order = self.order()
        order.order_line.qty_delivered = 4.0
        order._create_invoices()
        self.assertEqual(self.parts(), (400, 600, 0, 0, 0, 1000))

    def test_a_partly_written_draft_leaves_the_rest_in_the_order(self):
        order = self.order()
        order.order_line.qty_delivered = 4.0
        order._create_invoices().invoice_line_ids.quantity = 1.0
        self.assertEqual(self.parts(), (300, 600, 0, 100, 0, 1000))

    def test_more_delivered_than_ordered_counts(self):
        order = self.order()
        order.order_line.qty_delivered = 12.0
        self.assertEqual(self.parts(), (1200, 0, 0, 0, 0, 1200))

    def test_an_invoice_in_dozens_is_told_in_units_of_the_order(self):
        dozen = self.env.ref("uom.product_uom_dozen")
        order = self.order(
            quantity=1.0, price=1200.0, line={"product_uom_id": dozen.id}
        )
        order.order_line.qty_delivered = 1.0
        line = order._create_invoices().invoice_line_ids
        line.write(
            {
                "product_uom_id": self.env.ref("uom.product_uom_unit").id,
                "quantity": 6.0,
                "price_unit": 100.0,
            }
        )
        self.assertEqual(self.parts(), (600, 0, 0, 600, 0, 1200))

    def test_taxes_and_discounts_are_part_of_what_is_owed(self):
        tax = self.company_data["default_tax_sale"]  # 15 %
        order = self.order(line={"tax_ids": [Command.set(tax.ids)], "discount": 10.0})
        order.order_line.qty_delivered = 4.0
        self.assertEqual(self.parts()[:2], (414.0, 621.0))
        self.assertEqual(order.amount_total, 1035.0)
        self.assertEqual(self.parts()[-1], 1035.0)

    def test_a_line_that_takes_off_and_an_expense_count(self):
        order = self.order()
        order.order_line = [
            Command.create(
                {
                    "product_id": self.goods.id,
                    "name": "Bonus",
                    "product_uom_qty": 1.0,
                    "price_unit": -50.0,
                    "tax_ids": [Command.clear()],
                }
            ),
            Command.create(
                {
                    "product_id": self.goods.id,
                    "name": "Travel",
                    "product_uom_qty": 0.0,
                    "price_unit": 20.0,
                    "qty_delivered": 2.0,
                    "tax_ids": [Command.clear()],
                }
            ),
        ]
        self.assertEqual(self.parts(), (40, 950, 0, 0, 0, 990))

    # === DEPOSITS === #

    def _create_downpayment(self, order, amount):
        wizard = (
            self.env["sale.advance.payment.inv"]
            .with_context(active_model="sale.order", active_ids=order.ids)
            .create({"advance_payment_method": "fixed", "fixed_amount": amount})
        )
        wizard.create_invoices()
        invoice = order.invoice_ids[-1:]
        invoice.invoice_date = self.today
        return invoice

    def test_a_down_payment_counts_once_and_what_is_paid_no_more(self):
        order = self.order()
        deposit = self._create_downpayment(order, 300.0)
        self.assertEqual(self.parts(), (0, 1000, 300, 300, 0, 1000))
        deposit.action_post()
        self.assertEqual(self.parts(), (0, 1000, 300, 0, 300, 1000))
        self._pay(deposit)
        self.assertEqual(self.parts(), (0, 1000, 300, 0, 0, 700))
        order.order_line.filtered("product_id")[0].qty_delivered = 10.0
        final = order._create_invoices(final=True)
        final.invoice_date = self.today
        final.action_post()
        self.assertEqual(final.amount_total, 700.0)
        self.assertEqual(self.parts(), (0, 0, 0, 0, 700, 700))

    def test_money_on_its_way_online_covers_the_order_and_no_more(self):
        order = self.order()
        provider = self.env["payment.provider"].sudo().search([], limit=1)
        method = (
            self.env["payment.method"]
            .sudo()
            .with_context(active_test=False)
            .search([], limit=1)
        )
        tx = (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": provider.id,
                    "payment_method_id": method.id,
                    "reference": "web",
                    "amount": 1500.0,
                    "currency_id": self.company.currency_id.id,
                    "partner_id": self.customer.id,
                    "operation": "online_direct",
                    "sale_order_ids": [Command.set(order.ids)],
                }
            )
        )
        self.assertEqual(self.parts()[-1], 1000)
        tx.state = "done"  # the ledger does not know of it yet
        self.assertEqual(self.parts(), (0, 1000, 1000, 0, 0, 0))
        tx.amount = 250.0
        self.assertEqual(self.parts(), (0, 1000, 250, 0, 0, 750))

    # === WHOSE, WHERE, IN WHICH CURRENCY === #

    def test_an_order_is_owed_by_the_customer_of_the_invoice_address(self):
        payer = self._create_customer("Head office")
        address = self.env["res.partner"].create(
            {"name": "Accounts", "type": "invoice", "parent_id": payer.id}
        )
        order = self.order(partner_invoice_id=address.id)
        self.assertEqual(self.parts()[-1], 0)
        profile = self.env["credit.profile"]._get_or_create(self.company, payer)
        profile._refresh()
        self.assertEqual(profile.ordered_amount, 1000)
        customer, result, _limit = self.env["credit.exposure"]._compute_for_document(
            order
        )
        self.assertEqual((customer, result.total), (payer, 1000))

    def test_another_currency_counts_at_the_rate_of_the_day_of_the_order(self):
        currency = self.setup_other_currency(
            "EUR", rates=[("2016-01-01", 2.0), ("2026-05-10", 4.0)]
        )
        pricelist = self.env["product.pricelist"].create(
            {"name": "EUR", "currency_id": currency.id}
        )
        early = {"date_order": fields.Datetime.to_datetime("2026-05-01 10:00:00")}
        order = self.order(pricelist_id=pricelist.id, confirm=False)
        order.action_confirm()
        order.write(early)
        self.assertEqual(order.currency_id, currency)
        self.order(pricelist_id=pricelist.id)
        self.assertEqual(self.parts()[1], 500 + 250)
        lines = self.env["credit.exposure.line"]._make(self.profile, ("ordered",))
        self.assertEqual(lines.mapped("document_amount"), [1000, 1000])
        self.assertEqual(sum(lines.mapped("amount")), self.profile.ordered_amount)

    def test_orders_of_another_company_do_not_count(self):
        data = self.setup_other_company()
        other = data["company"]
        self.goods.company_id = False
        self.env["sale.order"].with_company(other).create(
            {
                "partner_id": self.customer.id,
                "company_id": other.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": self.goods.id,
                            "price_unit": 77.0,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        ).action_confirm()
        self.assertEqual(self.parts()[-1], 0)
        profile = self.env["credit.profile"]._get_or_create(other, self.customer)
        profile._refresh()
        self.assertEqual(profile.ordered_amount, 77)

    def test_what_is_on_order_is_not_insured(self):
        self.order()
        self.env["credit.cover"].create(
            {
                "name": "4711",
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "amount": 5000.0,
            }
        )
        self.assertEqual(self.parts()[-1], 1000)

    # === ONCE === #

    def compute_for(self, document):
        found = self.env["credit.exposure"]._compute_for_document(document)
        return found[1].total

    def test_the_order_itself_counts_once_before_and_after_it_is_confirmed(self):
        self.order()
        order = self.order(quantity=2.0, confirm=False)
        self.order(quantity=3.0, confirm=False)
        self.assertEqual(self.compute_for(order), 1200)
        order.action_confirm()
        self.assertEqual(self.compute_for(order), 1200)

    def test_a_draft_invoice_of_an_order_counts_once_whatever_drafts_do(self):
        order = self.order()
        order.order_line.qty_delivered = 4.0
        invoice = order._create_invoices()
        self.assertEqual(self.compute_for(invoice), 1000)
        self.company.credit_count_drafts = False
        self.assertEqual(self.compute_for(invoice), 1000)

    # === LISTS === #

    def test_each_part_opens_to_orders_that_add_up_to_it(self):
        for quantity in (1.0, 3.0):
            order = self.order(quantity=quantity, price=33.33)
            order.order_line.qty_delivered = quantity / 2
            self._create_downpayment(order, 10.0).action_post()
        self.parts()
        for part, name, sign in (
            ("delivered", "delivered_amount", 1),
            ("ordered", "ordered_amount", 1),
            ("deposits", "deposit_amount", -1),
            (None, "exposure_amount", 1),
        ):
            with self.subTest(part):
                action = self.profile.with_context(
                    credit_part=part
                ).action_view_exposure()
                lines = self.env["credit.exposure.line"].search(action["domain"])
                self.assertTrue(self.profile[name])
                self.assertAlmostEqual(
                    sum(lines.mapped("amount")), sign * self.profile[name], 6
                )
        orders = lines.filtered(lambda line: line.part == "ordered")
        self.assertEqual(orders[0].action_open()["res_model"], "sale.order")

    def test_the_job_hears_of_orders_lines_and_cancellations(self):
        def ordered():
            self._run_cron("ir_cron_refresh_profiles")
            return self.profile.ordered_amount

        order = self.order()
        self.assertEqual(ordered(), 1000)
        order.order_line.product_uom_qty = 5.0
        self.assertEqual(ordered(), 500)
        other = self._create_customer("Other")
        order.partner_invoice_id = other
        self.assertEqual(ordered(), 0)
        order.partner_invoice_id = self.customer
        self.assertEqual(ordered(), 500)
        order._action_cancel()
        self.assertEqual(ordered(), 0)

    def test_several_customers_take_as_many_queries_as_one(self):
        customers = self.customer
        for number in range(8):
            customer = self._create_customer(f"Customer {number}")
            self.order(partner_id=customer.id)
            self._create_late_invoice(5, partner=customer)
            customers |= customer
        profiles = self.env["credit.profile"]._get_or_create(self.company, customers)
        counts = []
        for some in (profiles[1:3], profiles[1:3], profiles[1:]):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            some._refresh()
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(counts[2], counts[1])
        self.assertEqual(set(profiles[1:].mapped("ordered_amount")), {1000.0})
