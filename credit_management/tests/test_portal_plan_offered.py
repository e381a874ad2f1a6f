"""What the page offers at once, where a customer wants more than an offer has."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_portal_plan import LOGS, PortalPlanCommon


@tagged("post_install", "-at_install", "credit_full")
class TestPortalPlanOffered(PortalPlanCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.offer = cls.env["credit.payment.plan.offer"].create(
            {
                "name": "Small",
                "company_id": cls.company.id,
                "amount_from": 100.0,
                "amount_to": 500.0,
                "most_parts": 3,
                "longest_days": 90,
                "first_now": True,
            }
        )
        cls.form = f"/my/credit/{cls.profile.id}/plan"

    def _ask(self, token=None, **values):
        """Fill in the calculator, and read the page that answers."""
        wish = {
            "items": str(self.item.id),
            "count": "6",
            "rhythm": "monthly",
            "first": str(self.today + timedelta(days=7)),
        } | values
        if token:
            wish["access_token"] = token
        query = "&".join(f"{name}={value}" for name, value in wish.items())
        return self._read(f"{self.form}?{query}")

    def _offered(self, page):
        """The parts that run at once: days and amounts as shown."""
        rows = page.xpath("//section[@name='offered']//table[@name='parts']/tbody/tr")
        return [
            (self._get_text(row[0]), self._get_amount(row.xpath("td[2]")[0]))
            for row in rows
        ]

    def _fields(self, page, form):
        inputs = page.xpath(f"//form[@name='{form}']//input")
        sent = {each.get("name"): each.get("value") for each in inputs}
        del sent["csrf_token"]
        return sent

    def test_the_nearest_plan_is_shown_and_runs_when_it_is_taken(self):
        self._login(self.azure_user)
        before = self._count_writes()
        page = self._ask()
        self.assertEqual(self._count_writes(), before, "looking writes nothing")
        self.assertEqual(
            self._offered(page),
            [("05/13/2026", "100.00"), ("06/22/2026", "100.00")]
            + [("07/20/2026", "100.00")],
            "three at most, the first at once, the others on the day that was asked",
        )
        self.assertFalse(page.xpath("//p[@name='cost']"), "nothing is said of nothing")
        sent = self._fields(page, "take")
        response = self._send(f"{self.form}/propose", **sent)
        plan = self._plans()
        self.assertURLEqual(response.headers["Location"], self._path(plan))
        self.assertEqual((plan.state, plan.offer_id), ("active", self.offer))
        self.assertEqual(
            [str(line.date) for line in plan.line_ids],
            ["2026-05-13", "2026-06-22", "2026-07-20"],
            "as shown",
        )
        self._send(f"{self.form}/propose", **sent)
        self.assertEqual(self._plans(), plan, "a double click takes it once")

    def test_the_own_wish_goes_to_a_person_as_before(self):
        self._login(self.azure_user)
        page = self._ask()
        button = page.xpath("//form[@name='propose']//button")[0]
        self.assertIn("anyway", self._get_text(button))
        self._send(f"{self.form}/propose", **self._fields(page, "propose"))
        plan = self._plans()
        self.assertEqual((plan.state, len(plan.line_ids)), ("proposed", 6))
        self.assertFalse(plan.offer_id)

    def test_a_wish_within_the_offer_needs_no_second_question(self):
        self._login(self.azure_user)
        page = self._ask(count="2", first=str(self.today))
        self.assertEqual(len(self._offered(page)), 2)
        self.assertFalse(page.xpath("//form[@name='propose']"))
        self._send(f"{self.form}/propose", **self._fields(page, "take"))
        self.assertEqual(self._plans().state, "active")

    def test_it_is_shown_before_anything_is_asked(self):
        self._login(self.azure_user)
        page = self._read(self.form)
        self.assertEqual(len(self._offered(page)), 3)
        self._send(f"{self.form}/propose", **self._fields(page, "take"))
        self.assertEqual(self._plans().state, "active")

    def test_only_what_the_form_takes_can_be_chosen(self):
        page = self._ask(self.token)
        rhythms = page.xpath("//select[@name='rhythm']/option/@value")
        for rhythm in rhythms:
            self._ask(self.token, rhythm=rhythm, count="2")
        self.assertEqual(rhythms, ["weekly", "fortnightly", "monthly"])

    def test_by_a_link_alone_nothing_runs(self):
        page = self._ask(self.token)
        self.assertEqual(len(self._offered(page)), 3)
        self.assertFalse(page.xpath("//form[@name='take']"))
        (login,) = page.xpath("//div[@name='take_login']/a/@href")
        self.assertNotIn(self.token, login)
        back = urlsplit(parse_qs(urlsplit(login).query)["redirect"][0])
        self.assertEqual(back.path, self.form)
        self._login(self.azure_user)
        page = self._read(f"{back.path}?{back.query}")
        self.assertEqual(len(self._offered(page)), 3, "after the login as before it")
        self.assertTrue(page.xpath("//form[@name='take']"))
        self.authenticate(None, None)
        wish = parse_qs(back.query)
        response = self._propose_online(
            take="1", **{name: value[0] for name, value in wish.items()}
        )
        self.assertEqual(response.status_code, 400)
        self.assertIn("log in", response.text)
        self.assertFalse(self._plans())

    def test_what_no_offer_has_cannot_be_taken(self):
        self._login(self.azure_user)
        late = {"first": str(self.today + timedelta(days=7)), "access_token": None}
        for values in ({"count": "4"}, late, {"rhythm": "x"}, {"pay_day": "30"}):
            sent = {"access_token": None, "first": str(self.today)} | values
            if "pay_day" in values:
                self.offer.longest_days = 62
            response = self._propose_online(take="1", **sent)
            self.assertEqual(response.status_code, 400, values)
        self.assertFalse(self._plans())

    def test_where_no_offer_is_open_nothing_is_shown(self):
        self._login(self.azure_user)
        class_c = self.env["credit.payment.plan.offer"].create(
            {"name": "C", "company_id": self.company.id, "risk_class": "C"}
            | {"amount_from": 9000.0}
        )
        for values in ({"amount_from": 301.0}, {"amount_to": 299.0}):
            self.offer.write({"amount_from": 100.0, "amount_to": 500.0} | values)
            self.assertFalse(self._offered(self._ask()), values)
            self.assertTrue(self._ask().xpath("//form[@name='propose']"))
        self.offer.write({"amount_from": 100.0, "amount_to": 500.0})
        self.offer.longest_days = 3
        self.assertFalse(self._offered(self._ask()), "no two parts in three days")
        self.offer.longest_days = 90
        class_c.active = False
        self.offer.risk_class = "C"
        self.assertFalse(self._offered(self._ask()), "another class")
        self.offer.risk_class = False
        self.assertTrue(self._offered(self._ask()))

    def test_once_a_year_and_never_after_a_broken_one(self):
        plan = self._running()
        plan.action_cancel()
        self._login(self.azure_user)
        self.assertFalse(self._offered(self._ask()))
        self.offer.plans_a_year = 3
        self.assertTrue(self._offered(self._ask()))
        plan = self._running()
        plan.action_break()
        self._pay(self.invoice, 300.0)
        self._night("2026-05-14")
        other = self._receivable_line(self._create_late_invoice(5, 200.0))
        self.assertFalse(self._offered(self._ask(items=str(other.id))))
        self._propose_online(
            access_token=None, items=str(other.id), first=str(self.today)
        )
        self.assertEqual(self._plans()[-1].state, "proposed", "a person decides")

    def test_an_amount_of_another_currency_counts_at_its_worth(self):
        chf = self.setup_other_currency("CHF", rates=[("2020-01-01", 2.0)])
        move = self._create_late_invoice(5, 800.0, currency_id=chf.id)
        item = str(self._receivable_line(move).id)
        self._login(self.azure_user)
        parts = self._offered(self._ask(items=item))
        self.assertEqual(sum(float(amount) for _day, amount in parts), 800.0)

    @mute_logger(*LOGS)
    def test_nobody_else_is_offered_anything(self):
        contact = self._create_customer(
            "Anna", parent_id=self.customer.id, is_company=False
        )
        self._login(self._create_portal_user("plan_colleague", contact))
        self.assertTrue(self._offered(self._ask()), "a contact of the customer may")
        self._login(self.other_user)
        self._assert_sent_away(self.form)
        self._assert_sent_away(f"{self.form}?access_token={self.foreign_token}")
        response = self._propose_online(
            take="1", access_token=None, first=str(self.today), count="2"
        )
        self.assertURLEqual(response.headers["Location"], "/my")
        self.assertFalse(self._plans())

    # === WHAT IT COSTS === #

    def _cost(self, **values):
        self.company.credit_plan_product_id = self.env["product.product"].create(
            {
                "name": "Paying in parts",
                "type": "service",
                "company_id": self.company.id,
                "taxes_id": False,
                "property_account_income_id": self.company_data[
                    "default_account_revenue"
                ].id,
            }
        )
        self.offer.write({"fee": 6.0, "amount_to": 302.0} | values)

    def test_the_cost_is_shown_and_agreed_to_with_the_plan(self):
        self._cost()
        self._login(self.azure_user)
        page = self._ask(count="3", first=str(self.today))
        amounts = [amount for _day, amount in self._offered(page)]
        self.assertEqual(amounts, ["100.00", "100.00", "106.00"])
        (said,) = page.xpath("//p[@name='cost']/strong")
        self.assertEqual(self._get_amount(said), "6.00")
        sent = self._fields(page, "take")
        for cost in ("0", "5", "x", ""):
            response = self._send(f"{self.form}/propose", **(sent | {"cost": cost}))
            self.assertEqual(response.status_code, 400, "not the one that was shown")
        self.assertFalse(self._plans())
        self._send(f"{self.form}/propose", **sent)
        plan = self._plans()
        self.assertEqual((plan.state, plan.cost, plan.amount), ("active", 6.0, 306.0))
        self.assertEqual(plan.cost_move_id.amount_total, 6.0)
        self.assertIn("6.00", plan.accepted_text)

    def test_who_was_shown_no_cost_takes_no_plan_that_costs(self):
        self._cost()
        self._login(self.azure_user)
        self._propose_online(access_token=None, first=str(self.today))
        plan = self._plans()
        self.assertEqual((plan.state, plan.cost), ("proposed", 0.0))

    def test_a_private_person_pays_nothing_for_it(self):
        self._cost()
        self.customer.is_company = False
        self._login(self.azure_user)
        page = self._ask(count="3", first=str(self.today))
        self.assertFalse(page.xpath("//p[@name='cost']"))
        self._send(f"{self.form}/propose", **self._fields(page, "take"))
        self.assertEqual((self._plans().state, self._plans().cost), ("active", 0.0))

    # === ON THE HOME PAGE === #

    def _count(self):
        counters = {"counters": ["credit_plan_count"]}
        return self.make_jsonrpc_request("/my/counters", counters)["credit_plan_count"]

    def test_the_home_page_leads_to_plans_where_there_are_any_or_could_be(self):
        self._login(self.azure_user)
        home = self.url_open("/my/home")
        self.assertIn("/my/payment-plans", home.text)
        before = self._count_writes()
        self.assertEqual(self._count(), 1, "one could be proposed")
        self.assertEqual(self._count_writes(), before)
        page = self._read("/my/payment-plans")
        self.assertEqual(page.xpath("//p[@name='propose']/a/@href"), [self.form])
        self.company.credit_portal_plans = False
        self.assertEqual(self._count(), 0)
        self.company.credit_portal_plans = True
        self._plan()
        self.assertEqual(self._count(), 1, "a draft is ours alone")
        self._running()
        self.assertEqual(self._count(), 1)
        page = self._read("/my/payment-plans")
        self.assertFalse(page.xpath("//p[@name='propose']"))
        self._pay(self.foreign_invoice, 90.0)
        self._login(self.other_user)
        self.assertEqual(self._count(), 0, "nothing of others")
