"""What paying in parts costs, on which days, and the agreement on paper."""

from datetime import date
from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, freeze_time, tagged

from .test_plan import FIRST, SECOND, THIRD, PlanCommon
from .test_portal_plan import PortalPlanCommon

REPORT = "credit_management.report_credit_payment_plan"


class PlanCostCommon(PlanCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tax = cls.env["account.tax"].create(
            {
                "name": "Fifteen",
                "amount": 15.0,
                "company_id": cls.company.id,
                "country_id": cls.company.account_fiscal_country_id.id,
            }
        )
        cls.product = cls.env["product.product"].create(
            {
                "name": "Paying in parts",
                "type": "service",
                "taxes_id": [(6, 0, cls.tax.ids)],
            }
        )
        cls.company.credit_plan_product_id = cls.product
        cls.invoice = cls._create_late_invoice(30, 300.0)

    def _ledger(self, plan):
        return sum(plan.sudo().item_ids.move_line_id.mapped("amount_residual_currency"))


@tagged("post_install", "-at_install", "credit_once")
class TestPlanCost(PlanCostCommon):
    # A hundred for 7, 40 and 68 days at 7.3 % come to 2.30, with the fee to 10.00.
    TERMS = {"fee": 7.7, "rate": 7.3}

    # === COST === #

    def test_it_comes_with_the_last_part_and_is_invoiced_when_the_plan_starts(self):
        plan = self._plan(self.invoice, running=False, **self.TERMS)
        self.assertEqual((plan.cost_net, plan.cost), (10.0, 11.5))
        self.assertEqual(plan.amount, 311.5)
        self.assertEqual(plan.line_ids.mapped("amount"), [100.0, 100.0, 111.5])
        self.assertFalse(plan.cost_move_id)

        plan.action_activate()
        invoice = plan.cost_move_id
        self.assertEqual(invoice.state, "posted")
        self.assertEqual(invoice.move_type, "out_invoice")
        self.assertEqual(
            (invoice.amount_untaxed, invoice.amount_tax, invoice.amount_total),
            (10.0, 1.5, 11.5),
        )
        self.assertEqual(invoice.invoice_line_ids.product_id, self.product)
        self.assertEqual(invoice.invoice_date_due, THIRD)
        self.assertEqual(invoice.invoice_origin, plan.name)
        self.assertIn(self._receivable_line(invoice), plan.item_ids.move_line_id)
        self.assertEqual(sum(plan.item_ids.mapped("amount")), plan.amount)
        self.assertEqual(plan.amount_left, self._ledger(plan))

    def test_its_sums_stay_those_of_the_ledger(self):
        plan = self._plan(self.invoice, **self.TERMS)
        self._pay(self.invoice, 250.0)
        self.assertEqual(plan.amount_left, 61.5)
        self.assertEqual(plan.line_ids.mapped("amount_left"), [0.0, 0.0, 61.5])
        self._pay(self.invoice + plan.cost_move_id, 61.5)
        self.assertEqual(plan.state, "kept")
        self.assertEqual(self._ledger(plan), 0.0)

    def test_a_cost_that_is_waived_comes_off_the_last_part(self):
        plan = self._plan(self.invoice, **self.TERMS)
        note = self._create_credit_note(11.5)
        self._items(plan.cost_move_id | note).reconcile()
        self.assertEqual(plan.line_ids.mapped("amount_due"), [100.0, 100.0, 100.0])
        self.assertEqual(plan.amount_off, 11.5)

    def test_a_private_person_is_charged_nothing(self):
        person = self._create_customer("Somebody", is_company=False)
        move = self._create_late_invoice(30, 300.0, person)
        plan = self._plan(move, **self.TERMS)
        self.assertEqual((plan.cost, plan.amount), (0.0, 300.0))
        self.assertFalse(plan.cost_move_id)
        self.assertNotIn("costs", plan.accepted_text)

    def test_without_a_product_nothing_is_made(self):
        self.company.credit_plan_product_id = False
        with self.assertRaisesRegex(UserError, "Choose in the settings"):
            self._plan(self.invoice, running=False, **self.TERMS)
        self.assertFalse(self.profile.plan_ids)
        with self.assertRaisesRegex(ValidationError, "Choose in the settings"):
            self.env["credit.payment.plan.offer"].create(
                {"name": "Dear", "company_id": self.company.id, "fee": 5.0}
            )
        self.assertEqual(self._plan(self.invoice).state, "active")

    def test_where_taxes_changed_since_nothing_starts(self):
        plan = self._plan(self.invoice, running=False, **self.TERMS)
        self.tax.amount = 20.0
        moves = self.env["account.move"].search_count([])
        with self.assertRaisesRegex(UserError, "taxes changed"), self.cr.savepoint():
            plan.action_activate()
        self.env.invalidate_all()
        self.assertEqual(plan.state, "draft")
        self.assertEqual(self.env["account.move"].search_count([]), moves)

    def test_it_is_invoiced_once_whatever_becomes_of_the_plan(self):
        plan = self._plan(self.invoice, **self.TERMS)
        invoice = plan.cost_move_id
        plan.action_break()
        plan.action_revive()
        self.assertEqual(plan.cost_move_id, invoice)
        self.assertEqual(len(plan.item_ids), 2)
        self._pay(self.invoice + invoice)
        self.assertEqual(plan.state, "kept")
        self._unmatch(invoice)
        self.assertEqual(plan.state, "active")
        self.assertEqual(plan.cost_move_id, invoice)
        plan.action_cancel()
        self.assertEqual(invoice.amount_residual, 11.5)

    def test_late_in_the_evening_it_is_of_the_day_of_the_company(self):
        self.env.user.tz = "UTC"
        with freeze_time("2026-05-13 22:30:00"):  # half past midnight in Amsterdam
            plan = self._plan(self.invoice, **self.TERMS)
        self.assertEqual(str(plan.cost_move_id.invoice_date), "2026-05-14")
        self.assertEqual(plan.cost_move_id.state, "posted")

    def test_in_another_currency_and_on_another_account(self):
        other = self.setup_other_currency("CHF")
        move = self._create_late_invoice(30, 300.0, currency_id=other.id)
        plan = self._plan(move, running=False, **self.TERMS)
        account = self.company_data["default_account_receivable"].copy()
        self.customer.property_account_receivable_id = account
        plan.action_activate()
        invoice = plan.cost_move_id
        self.assertEqual((invoice.currency_id, invoice.amount_total), (other, 11.5))
        self.assertEqual(self._receivable_line(invoice).account_id, plan.account_id)

    def test_the_agreement_says_it(self):
        plan = self._plan(self.invoice, **self.TERMS)
        self.assertIn("costs $\N{NO-BREAK SPACE}11.50", plan.accepted_text)
        self.assertIn("Open: $\N{NO-BREAK SPACE}300.00", plan.accepted_text)
        self.assertIn("$\N{NO-BREAK SPACE}111.50", plan.accepted_text)

    # === THE WINDOW === #

    def test_the_window_shows_the_cost_and_makes_the_plan_with_it(self):
        action = self.profile.with_user(self.collector).action_payment_plan()
        window = self.env["credit.payment.plan.make"].browse(action["res_id"])
        with Form(window.with_user(self.collector)) as form:
            form.first_date = FIRST
            form.cost_fee = 10.0
            self.assertEqual(form.cost, 11.5)
            self.assertIn("111.50", form.preview)
        plan = self.env["credit.payment.plan"].browse(
            window.with_user(self.collector).action_make()["res_id"]
        )
        self.assertEqual(plan.cost, 11.5)
        plan.with_user(self.collector).action_activate()
        self.assertEqual(plan.cost_move_id.amount_total, 11.5)

    def test_the_window_takes_named_days(self):
        action = self.profile.with_user(self.collector).action_payment_plan()
        window = self.env["credit.payment.plan.make"].browse(action["res_id"])
        with Form(window.with_user(self.collector)) as form:
            form.rhythm = "days"
            self.assertIn("These days make no plan", form.problem)
            for day, amount in (
                (date(2026, 7, 3), 0),
                (date(2026, 5, 29), 120),
                (date(2026, 6, 5), 0),
            ):
                with form.day_ids.new() as row:
                    row.date = day
                    row.amount = amount
            self.assertFalse(form.problem)
            self.assertEqual(len(form.preview.splitlines()), 3)
        plan = self.env["credit.payment.plan"].browse(
            window.with_user(self.collector).action_make()["res_id"]
        )
        self.assertEqual(
            [(str(line.date), line.amount) for line in plan.line_ids],
            [("2026-05-29", 120.0), ("2026-06-05", 90.0), ("2026-07-03", 90.0)],
        )

    def test_named_days_that_make_no_plan_are_refused(self):
        action = self.profile.with_user(self.collector).action_payment_plan()
        window = self.env["credit.payment.plan.make"].browse(action["res_id"])
        window = window.with_user(self.collector)
        window.rhythm = "days"
        for rows in (
            [],
            [(FIRST, 100.0)],
            [(FIRST, 150.0), (FIRST, 150.0)],
            [(FIRST, 400.0), (SECOND, 0.0)],
            [(date(2026, 5, 1), 0.0), (SECOND, 0.0)],
        ):
            with self.subTest(rows=rows):
                window.day_ids = [(5, 0, 0)] + [
                    (0, 0, {"date": day, "amount": amount}) for day, amount in rows
                ]
                with self.assertRaises(UserError):
                    window.action_make()
        self.assertFalse(self.profile.plan_ids)

    # === ON PAPER === #

    def _paper(self, plan):
        report = self.env["ir.actions.report"]
        content, _kind = report._render_qweb_html(REPORT, plan.ids)
        return " ".join(content.decode().split())

    def test_the_paper_shows_what_was_agreed_whatever_changed_since(self):
        plan = self._plan(self.invoice, running=False, **self.TERMS)
        self.assertIn("it is not agreed yet", self._paper(plan))
        plan.action_activate()
        self.invoice.sudo().company_id.name = "Renamed"
        paper = self._paper(plan)
        self.assertNotIn("it is not agreed yet", paper)
        self.assertIn(plan.accepted_hash, paper)
        self.assertNotIn("between Renamed and", paper)
        self.assertEqual(paper.count('class="o_credit_day"'), 3)
        self.assertIn("111.50", paper)
        self.assertIn("Noted by Our Staff", paper)

    def test_the_paper_is_in_the_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.customer.lang = "de_DE"
        plan = self._plan(self.invoice)
        self.assertIn("20.07.2026", self._paper(plan))


@tagged("post_install", "-at_install", "credit_once")
class TestPortalPlanOfferedCost(PortalPlanCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_plan_product_id = cls.env["product.product"].create(
            {"name": "Parts", "type": "service", "taxes_id": False}
        )
        cls.offer = cls.env["credit.payment.plan.offer"].create(
            {
                "name": "Dear",
                "company_id": cls.company.id,
                "most_parts": 3,
                "longest_days": 90,
                "fee": 8.0,
                "interest_rate": 3.0,
            }
        )
        cls.form = f"/my/credit/{cls.profile.id}/plan"

    def _take(self, **changed):
        self._login(self.azure_user)
        page = self._read(self.form)
        inputs = page.xpath("//form[@name='take']//input")
        sent = {each.get("name"): each.get("value") for each in inputs}
        del sent["csrf_token"]
        return page, self._send(f"{self.form}/propose", **sent | changed)

    def test_what_it_costs_is_shown_and_charged(self):
        page, _answer = self._take()
        plan = self._plans()
        self.assertEqual((plan.state, plan.offer_id), ("active", self.offer))
        self.assertGreater(plan.cost, 8.0)
        shown = page.xpath("string(//section[@name='offered']//p[@name='cost']/strong)")
        self.assertEqual(
            shown.strip().lstrip("$\N{NO-BREAK SPACE}"), f"{plan.cost:.2f}"
        )
        self.assertEqual(plan.cost_move_id.amount_total, plan.cost)
        self.assertIn("8.00", page.xpath("string(//div[@name='offers'])"))
        self.assertIn(f"{plan.cost:.2f}", plan.accepted_text)

    def test_where_the_invoice_fails_nothing_is_half_done(self):
        """The page says what is wrong, and what was begun is taken back."""
        Plan = type(self.env["credit.payment.plan"])
        refusal = patch.object(Plan, "_invoice_cost", side_effect=UserError("No"))
        with refusal:
            _page, answer = self._take()
        self.assertEqual(answer.status_code, 400)
        self.assertFalse(self._plans())
        plan = self._proposed()
        with refusal:
            answer = self._send(self._path(plan, "/accept"), name="Me")
        self.assertEqual(answer.status_code, 400)
        plan.invalidate_recordset()
        self.assertEqual((plan.state, plan.accepted_text), ("proposed", False))

    def test_what_could_not_be_invoiced_is_not_offered(self):
        self.company.credit_plan_product_id = False
        self._login(self.azure_user)
        page = self._read(self.form)
        self.assertFalse(page.xpath("//section[@name='offered']"))


@tagged("post_install", "-at_install", "credit_once")
class TestPortalPlanAgreement(PortalPlanCommon):
    def _get(self, path):
        return self.url_open(path, allow_redirects=False)

    def test_the_agreement_is_handed_to_whose_it_is(self):
        plan = self._running()
        path = self._path(plan, "/agreement.pdf")
        token = self._plan_token(plan)
        self.authenticate(None, None)
        for query in ("", f"?access_token={self.foreign_token}", "?access_token=x"):
            self.assertEqual(self._get(path + query).status_code, 303, query)
        answer = self._get(f"{path}?access_token={token}")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        page = self._read(f"{self._path(plan)}?access_token={token}")
        (link,) = page.xpath("//p[@name='agreement']/a/@href")
        self.assertEqual(self._get(link).status_code, 200)

    def test_what_is_not_agreed_has_none(self):
        plan = self._proposed()
        token = self._plan_token(plan)
        path = self._path(plan, f"/agreement.pdf?access_token={token}")
        self.assertEqual(self._get(path).status_code, 303)
        page = self._read(f"{self._path(plan)}?access_token={token}")
        self.assertFalse(page.xpath("//p[@name='agreement']"))

    def test_the_page_says_what_it_costs(self):
        product = self.env["product.product"].create(
            {"name": "Parts", "type": "service", "taxes_id": False}
        )
        self.company.credit_plan_product_id = product
        plan = self._plan(fee=9.0)
        plan.action_propose()
        token = self._plan_token(plan)
        page = self._read(f"{self._path(plan)}?access_token={token}")
        self.assertIn("9.00", page.xpath("string(//p[@name='cost'])"))
