"""Paying several items at once from the customer's page."""

from odoo import Command, fields
from odoo.tests import JsonRpcException, tagged
from odoo.tools import mute_logger

from .test_portal import CreditPortalCommon


@tagged("post_install", "-at_install", "credit_full")
class TestPortalPayment(CreditPortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "True"
        )
        cls.method = cls.env["payment.method"].create(
            {"name": "Method", "code": "credit_method", "active": True}
        )
        cls.provider = cls._create_provider(cls.company)
        cls.late = cls._create_late_invoice(20, 250.0)
        cls.later = cls._create_late_invoice(10, 100.0)
        cls.upcoming = cls._create_late_invoice(-5, 70.0)
        cls.foreign = cls._create_late_invoice(15, 999.0, partner=cls.other)
        cls.profile = cls._get_profile()
        cls.token = cls.profile._portal_ensure_token()

    @classmethod
    def _create_provider(cls, company):
        provider = cls.env["payment.provider"].create(
            {
                "name": "Provider",
                "company_id": company.id,
                "state": "test",
                "is_published": True,
                "payment_method_ids": [Command.set(cls.method.ids)],
            }
        )
        return provider

    @classmethod
    def _items(cls, *moves):
        return [cls._receivable_line(move).id for move in moves]

    def _get_pay_path(self, *moves, currency="USD", token=None, items=None):
        chosen = items or [str(item) for item in self._items(*moves)]
        query = "".join(f"&items={item}" for item in chosen)
        token = self.token if token is None else token
        return (
            f"/my/credit/{self.profile.id}/pay"
            f"?access_token={token}&currency={currency}{query}"
        )

    def _get_chosen(self, page):
        """Return what the form asks for: numbers, the total, and the route."""
        numbers = page.xpath("//table[@name='chosen']/tbody/tr/td[1]")
        total = page.xpath("//td[@name='total']")
        form = page.xpath("//form[@id='o_payment_form']")
        return (
            [self._get_text(number) for number in numbers],
            self._get_amount(total[0]) if total else None,
            form[0].get("data-transaction-route") if form else None,
        )

    def _begin(self, route, amount, **values):
        """Call the route as the host's form does."""
        params = {
            "provider_id": self.provider.id,
            "payment_method_id": self.method.id,
            "token_id": None,
            "amount": amount,
            "flow": "redirect",
            "tokenization_requested": False,
            "landing_route": "https://evil.example.com/",
            "is_validation": False,
            "access_token": self.token,
        }
        result = self.make_jsonrpc_request(route, params | values)
        return (
            self.env["payment.transaction"]
            .sudo()
            .search([("reference", "=", result["reference"])])
        )

    @mute_logger("odoo.http")
    def _assert_refused(self, route, amount, **values):
        before = self.env["payment.transaction"].sudo().search_count([])
        with self.assertRaises(JsonRpcException):
            self._begin(route, amount, **values)
        after = self.env["payment.transaction"].sudo().search_count([])
        self.assertEqual(after, before)

    # === THE PAGE === #

    def test_the_page_offers_all_that_is_overdue_and_a_choice(self):
        page = self._open(self._get_link())
        ticked = page.xpath("//input[@name='items'][@checked]/@value")
        self.assertEqual(ticked, [str(i) for i in self._items(self.late, self.later)])
        offered = page.xpath("//input[@type='checkbox'][@name='items']/@value")
        self.assertEqual(len(offered), 3)
        for form in ("pay_overdue", "pay_selected"):
            (action,) = page.xpath(f"//form[@name='{form}']/@action")
            self.assertEqual(action, f"/my/credit/{self.profile.id}/pay")

    def test_where_there_is_no_way_to_pay_online_none_is_offered(self):
        self.provider.state = "disabled"
        page = self._open(self._get_link())
        self.assertFalse(page.xpath("//form[starts-with(@name, 'pay_')]"))
        self.assertFalse(page.xpath("//input[@name='items']"))
        self.assertEqual(len(self._get_rows(page, "overdue")), 2)

    def test_two_of_three_are_paid_at_what_is_open(self):
        self._pay(self.later, 40.0)
        page = self._open(self._get_pay_path(self.late, self.later))
        numbers, total, route = self._get_chosen(page)
        self.assertEqual(numbers, [self.late.name, self.later.name])
        self.assertEqual(total, "310.00")
        transaction = self._begin(route, 310.0)
        self.assertEqual(transaction.amount, 310.0)
        self.assertEqual(transaction.currency_id.name, "USD")
        self.assertEqual(transaction.invoice_ids, self.late + self.later)
        self.assertEqual(transaction.partner_id, self.customer)
        self.assertTrue(
            transaction.landing_route.startswith(f"/my/credit/{self.profile.id}?")
        )

    def test_all_overdue_is_what_the_page_says(self):
        page = self._open(self._get_pay_path(items=["overdue"]))
        _numbers, total, route = self._get_chosen(page)
        self.assertEqual(total, "350.00")
        transaction = self._begin(route, 350.0)
        self.assertEqual(transaction.invoice_ids, self.late + self.later)

    def test_all_overdue_takes_credits_off_as_the_page_and_the_letter_do(self):
        self._create_credit_note(90.0)
        to_pay = self._get_totals(self._open(self._get_link()))["to_pay"]
        page = self._open(self._get_pay_path(items=["overdue"]))
        _numbers, total, route = self._get_chosen(page)
        self.assertEqual((total, to_pay), ("260.00", "260.00"))
        self.assertEqual(self._begin(route, 260.0).amount, 260.0)
        self._create_credit_note(500.0)
        page = self._open(self._get_pay_path(items=["overdue"]))
        self.assertEqual(self._get_chosen(page), ([], None, None))
        self._assert_refused(route, 350.0)

    def test_what_costs_less_when_paid_now_has_a_page_of_its_own(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "2 % for ten days",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 10,
                "line_ids": [Command.create({"value_amount": 100, "nb_days": 30})],
            }
        )
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_date": self.today,
                "invoice_payment_term_id": term.id,
                "invoice_line_ids": [
                    Command.create({"name": "Work", "price_unit": 100.0, "tax_ids": []})
                ],
            }
        )
        move.action_post()
        (item,) = self._items(move)
        offered = self._open(self._get_link()).xpath("//input[@type='checkbox']/@value")
        self.assertNotIn(str(item), offered)
        page = self._open(self._get_pay_path(move))
        self.assertEqual(self._get_chosen(page), ([], None, None))

    def test_one_invoice_keeps_its_name_as_the_reference(self):
        _numbers, _total, route = self._get_chosen(
            self._open(self._get_pay_path(self.upcoming))
        )
        self.assertIn(self.upcoming.name, self._begin(route, 70.0).reference)

    def test_a_payment_under_way_takes_them_off_the_page_and_the_next_run(self):
        route = f"/my/credit/{self.profile.id}/transaction/USD/overdue"
        transaction = self._begin(route, 350.0)
        transaction.write(
            {"state": "pending", "last_state_change": fields.Datetime.now()}
        )
        page = self._open(self._get_pay_path(self.late, self.later))
        self.assertEqual(self._get_chosen(page), ([], None, None))
        run = self._propose()
        chased = run.letter_ids.line_ids.filtered(lambda line: line.kind == "chased")
        self.assertFalse(chased.move_id & (self.late + self.later))

    # === WHO, AND HOW MUCH === #

    def test_the_server_says_how_much(self):
        route = f"/my/credit/{self.profile.id}/transaction/USD/overdue"
        for amount in (1.0, 349.99, 0, -350.0, None, "x", 1e9):
            with self.subTest(amount=amount):
                self._assert_refused(route, amount)

    def test_what_changed_since_the_form_was_shown_is_not_charged(self):
        _numbers, _total, route = self._get_chosen(
            self._open(self._get_pay_path(self.late, self.later))
        )
        self._pay(self.later, 40.0)
        self._assert_refused(route, 350.0)

    def test_who_pays_at_the_same_moment_waits_and_looks_again(self):
        Profile, turns = self.env.registry[self.profile._name], []
        self.patch(Profile, "_take_turn", lambda one: turns.append(one.id))
        route = f"/my/credit/{self.profile.id}/transaction/USD/overdue"
        self._begin(route, 350.0)
        self.assertEqual(turns, self.profile.ids)

    def test_items_of_others_are_nobody_elses(self):
        page = self._open(self._get_pay_path(self.late, self.foreign))
        self.assertEqual(self._get_chosen(page)[0], [self.late.name])
        self.assertNotIn(self.foreign.name, page.text_content())
        (item,) = self._items(self.foreign)
        self._assert_refused(
            f"/my/credit/{self.profile.id}/transaction/USD/{item}", 999.0
        )

    def test_without_the_right_link_nothing_is_told_nor_begun(self):
        path = self._get_pay_path(self.late, token="wrong")
        self._assert_sent_away(path)
        self._login(self.other_user)
        self._assert_sent_away(path)
        route = f"/my/credit/{self.profile.id}/transaction/USD/overdue"
        for token in ("wrong", "", None, ["x"]):
            self._assert_refused(route, 350.0, access_token=token)

    def test_who_is_logged_in_pays_without_a_link(self):
        self._login(self.azure_user)
        page = self._open("/my/credit")
        (action,) = page.xpath("//form[@name='pay_overdue']/@action")
        page = self._open(f"{action}?currency=USD&items=overdue")
        _numbers, total, route = self._get_chosen(page)
        self.assertEqual(total, "350.00")
        transaction = self._begin(route, 350.0, access_token=None)
        self.assertEqual(transaction.partner_id, self.azure_user.partner_id)

    def test_currencies_are_paid_apart(self):
        euro = self.setup_other_currency("EUR")
        invoice = self._create_late_invoice(10, 50.0, currency_id=euro.id)
        both = (self.late, invoice)
        numbers = [
            self._get_chosen(self._open(self._get_pay_path(*both, currency=name)))[0]
            for name in ("USD", "EUR", "XXX")
        ]
        self.assertEqual(numbers, [[self.late.name], [invoice.name], []])

    def test_a_way_to_pay_of_another_company_is_refused(self):
        other = self._create_provider(self.setup_other_company()["company"])
        route = f"/my/credit/{self.profile.id}/transaction/USD/overdue"
        self._assert_refused(route, 350.0, provider_id=other.id)
        self.provider.state = "disabled"
        self._assert_refused(route, 350.0)

    def test_no_other_values_get_into_the_payment(self):
        route = f"/my/credit/{self.profile.id}/transaction/USD/overdue"
        self._assert_refused(route, 350.0, invoice_ids=[])
        self._assert_refused(route, 350.0, partner_id=self.other.id)
        transaction = self._begin(route, 350.0, is_validation=True)
        self.assertEqual(
            (transaction.amount, transaction.operation[:6]), (350.0, "online")
        )

    def test_nonsense_is_answered_with_a_page(self):
        for items in (["x"], ["-1"], ["99999999999999"], ["1e9"], ["²"], ["'"]):
            page = self._open(self._get_pay_path(items=items))
            self.assertEqual(self._get_chosen(page), ([], None, None))

    def test_looking_at_the_form_writes_nothing(self):
        self._open(self._get_pay_path(self.late))
        before = self._count_writes()
        self._open(self._get_pay_path(self.late, self.later))
        self.assertEqual(self._count_writes(), before)
