"""Payment plans in browsers, from both sides, and what nights make of them."""

from datetime import UTC, datetime, timedelta
from unittest import SkipTest

from odoo import Command
from odoo.tests import freeze_time, new_test_user, tagged

from odoo.addons.account.tests.common import AccountTestInvoicingHttpCommon

from ..logic import instalments
from ..logic.money import to_decimal


class PlanTourCommon(AccountTestInvoicingHttpCommon):
    """A customer with an invoice of 300 that is late, a login of it, and ours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data["company"]
        cls.policy = cls.env["credit.dunning.policy"].create(
            {
                "name": "Policy",
                "working_days_only": False,
                "level_ids": [
                    Command.create(
                        {
                            "name": name,
                            "sequence": number,
                            "delay_days": days,
                            "mail_template_id": cls.env.ref(
                                "credit_management.mail_template_business_1"
                            ).id,
                        }
                    )
                    for number, (name, days) in enumerate(
                        (("First", 3), ("Second", 10), ("Third", 400))
                    )
                ],
            }
        )
        cls.company.write(
            {
                "credit_mode": "live",
                # It is about noon there, so that no tour runs into the next day.
                "credit_tz": f"Etc/GMT{datetime.now(UTC).hour - 12:+d}",
                "email": "us@us.example.com",
                "credit_policy_id": cls.policy.id,
                "credit_portal_plans": True,
                "credit_plan_most_parts": 6,
                "credit_plan_first_days": 14,
                "credit_plan_answer_days": 14,
                "credit_plan_grace_days": 3,
                "credit_plan_warning_days": 7,
            }
        )
        cls.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "True"
        )
        cls.today = cls.company._credit_today()
        cls.customer = cls.env["res.partner"].create(
            {"name": "Tour Customer", "is_company": True, "email": "tour@example.com"}
        )
        cls.buyer = cls.env["res.partner"].create(
            {
                "name": "Buyer",
                "parent_id": cls.customer.id,
                "email": "buyer@example.com",
            }
        )
        cls.invoice = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": cls.customer.id,
                "invoice_date": cls.today - timedelta(days=40),
                "invoice_date_due": cls.today - timedelta(days=5),
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Work", "price_unit": 300.0, "tax_ids": False}
                    )
                ],
            }
        )
        cls.invoice.action_post()
        cls.item = cls.invoice.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )
        cls.collector = cls._create_user(
            "tour_accountant", "credit_management.group_credit_user"
        )
        cls.profile.user_id = cls.collector
        cls._create_user(
            "tour_customer",
            "base.group_portal",
            name="Buyer",
            partner_id=cls.buyer.id,
        )

    @classmethod
    def _create_user(cls, login, groups, **values):
        return new_test_user(
            cls.env,
            login=login,
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            **values,
        )

    @classmethod
    def _set_up_provider(cls):
        """Let the company be paid through the host's provider for demonstrations."""
        provider = cls.env.ref("payment.payment_provider_demo").sudo()
        if provider.code != "demo":
            raise SkipTest("payment_demo is not installed")
        cls.env["payment.provider"].sudo().search(
            [("company_id", "=", cls.company.id)]
        ).state = "disabled"
        if provider.company_id != cls.company:
            provider = provider.copy({"company_id": cls.company.id})
        provider.write(
            {"state": "test", "is_published": True, "allow_tokenization": True}
        )
        if not provider.journal_id:
            provider.journal_id = cls.company_data["default_journal_bank"]
        cls.provider = provider

    def _plans(self):
        self.env.invalidate_all()
        return self.env["credit.payment.plan"].search(
            [("profile_id", "=", self.profile.id)], order="id"
        )

    def _told(self, plan):
        """What the customer was mailed of it, the newest first."""
        mails = self.env["mail.mail"].sudo()
        mails = mails.search([("model", "=", plan._name), ("res_id", "=", plan.id)])
        mails = mails.filtered(lambda mail: plan.contact_id in mail.recipient_ids)
        return mails.sorted("id", reverse=True).mapped("subject")

    def _tasks(self, plan):
        return self.env["mail.activity"].search(
            [("res_model", "=", plan._name), ("res_id", "in", plan.ids)]
        )

    def _run_job(self, name, day):
        """Run a nightly job on a day to come."""
        with freeze_time(f"{day} 11:30:00"):
            self.env.ref(f"credit_management.{name}").sudo().method_direct_trigger()
        self.env.invalidate_all()

    def _propose_run(self, day):
        with freeze_time(f"{day} 11:30:00"):
            run = self.env["credit.dunning.run"].create(
                {"company_id": self.company.id, "date": day}
            )
            run.action_propose()
        return run

    def _reason(self, run):
        return run.outcome_ids.filtered(lambda one: one.move_id == self.invoice).reason


@tagged("post_install", "-at_install", "credit_once")
class TestPlanLifeTour(PlanTourCommon):
    def test_asked_countered_accepted_paid_missed_warned_broken_and_chased_again(self):
        self._set_up_provider()
        # Before: the first letter went.
        run = self._propose_run(self.today)
        letter = run.letter_ids
        run.action_approve_and_send()
        letter.sudo()._hand_over()
        letter.sudo()._set_sent()
        self.assertEqual(letter.level_id, self.policy.level_ids[0])
        due_date = self.item.date_maturity

        self.start_tour("/my/credit", "credit_plan_ask_tour", login="tour_customer")
        asked = self._plans()
        self.assertEqual((asked.state, asked.source), ("proposed", "portal"))
        self.assertEqual(self._tasks(asked).user_id, self.collector)

        self.start_tour(
            "/odoo/payment-plans", "credit_plan_counter_tour", login="tour_accountant"
        )
        plan = self._plans() - asked
        self.assertEqual((asked.state, plan.state), ("refused", "proposed"))

        self.start_tour(
            f"/my/payment-plans/{plan.id}",
            "credit_plan_accept_and_pay_tour",
            login="tour_customer",
            timeout=120,
        )
        self._plans()
        self.assertEqual((plan.state, plan.accepted_way), ("active", "portal"))
        self.assertEqual(self.invoice.amount_residual, 150.0)
        self.assertEqual(
            plan.line_ids.mapped("state"), ["paid", "paid", "open", "open"]
        )
        self.assertEqual(plan.amount_left, 150.0)

        missed = plan.line_ids[2].date
        run = self._propose_run(missed)
        self.assertFalse(run.letter_ids)
        self.assertEqual(self._reason(run), "planned")

        late = missed + timedelta(days=4)
        self._run_job("ir_cron_watch_plans", late)
        self.assertEqual((plan.state, plan.warned_date), ("active", late))
        self.assertIn("a part is late", self._told(plan)[0])
        self.start_tour(
            f"/my/payment-plans/{plan.id}",
            "credit_plan_warned_tour",
            login="tour_customer",
        )
        self._run_job("ir_cron_watch_plans", plan.warned_until)
        self.assertEqual(plan.state, "active", "the last day is the customer's")
        over = plan.warned_until + timedelta(days=1)
        self._run_job("ir_cron_watch_plans", over)
        self.assertEqual(plan.state, "broken")
        self.assertIn("has ended", self._told(plan)[0])
        self.assertEqual(self._tasks(plan).user_id, self.collector)

        run = self._propose_run(over)
        line = run.letter_ids.line_ids
        self.assertEqual(line.move_id, self.invoice)
        self.assertEqual(line.amount, 150.0)
        self.assertEqual(line.date_maturity, due_date)
        # On from where it was: the first letter is not written a second time.
        self.assertEqual(line.level_id, self.policy.level_ids[1])


@tagged("post_install", "-at_install", "credit_once")
class TestPlanOfferTour(PlanTourCommon):
    def test_an_offer_is_taken_alone(self):
        offer = self.env["credit.payment.plan.offer"].create(
            {
                "name": "Small",
                "company_id": self.company.id,
                "amount_from": 100.0,
                "amount_to": 500.0,
                "most_parts": 3,
                "longest_days": 120,
            }
        )
        self.env["payment.provider"].sudo().search(
            [("company_id", "=", self.company.id)]
        ).state = "disabled"
        method = self.env["payment.method"].create(
            {"name": "Method", "code": "credit_plan_method", "active": True}
        )
        self.env["payment.provider"].create(
            {
                "name": "Provider",
                "company_id": self.company.id,
                "state": "test",
                "is_published": True,
                "payment_method_ids": [Command.set(method.ids)],
            }
        )
        self.start_tour("/my/credit", "credit_plan_offer_tour", login="tour_customer")
        plan = self._plans()
        self.assertEqual((plan.state, plan.offer_id), ("active", offer))
        self.assertEqual((plan.accepted_way, plan.accepted_name), ("portal", "Buyer"))
        self.assertFalse(self._tasks(plan), "nobody is asked for anything")
        self.assertEqual(self._reason(self._propose_run(self.today)), "planned")


@tagged("post_install", "-at_install", "credit_once")
class TestPlanCollectionTour(PlanTourCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_provider()
        first = cls.today + timedelta(days=7)
        days = [first, first + timedelta(days=30), first + timedelta(days=60)]
        parts = instalments.make_plan(to_decimal(300), days, to_decimal("0.01"))
        cls.plan = (
            cls.env["credit.payment.plan"]
            ._make(cls.profile, cls.item, parts)
            .sudo(False)
        )
        cls.plan.action_activate()
        cls.first, cls.second = days[:2]

    def _agree(self, simulated_state):
        """Agree in the browser to be charged from a card that acts like that."""
        self.env["payment.token"].create(
            {
                "provider_id": self.provider.id,
                "payment_method_id": self.provider.payment_method_ids[:1].id
                or self.env["payment.method"].search([], limit=1).id,
                "payment_details": "4242",
                "partner_id": self.buyer.id,
                "provider_ref": "ref",
                "demo_simulated_state": simulated_state,
            }
        )
        self._open("credit_plan_collect_tour")
        self.assertTrue(self.plan.token_id)
        self.assertIn("4242", self.plan.consent_text)

    def _open(self, tour):
        self.start_tour(
            f"/my/payment-plans/{self.plan.id}", tour, login="tour_customer"
        )
        self.env.invalidate_all()

    def _collect(self, day):
        self._run_job("ir_cron_collect_parts", day)
        charged = self.plan.charge_ids.transaction_id
        charged.filtered(lambda one: not one.is_post_processed)._post_process()

    def test_a_part_is_collected_once_and_the_customer_takes_it_back(self):
        self._agree("done")
        self._collect(self.first - timedelta(days=1))
        self.assertFalse(self.plan.charge_ids)
        for _again in range(2):
            self._collect(self.first)
        self.assertEqual(self.plan.charge_ids.mapped("state"), ["done"])
        self.assertEqual(self.invoice.amount_residual, 200.0)
        self.assertEqual(self.plan.amount_paid, 100.0)
        self._open("credit_plan_collect_stop_tour")
        self.assertFalse(self.plan.token_id)
        self._collect(self.second)
        self.assertEqual(self.invoice.amount_residual, 200.0)

    def test_a_failing_card_is_tried_three_times_and_then_a_person_is_asked(self):
        self._agree("error")
        tried = []
        for after in range(12):
            before = len(self.plan.charge_ids)
            self._collect(self.first + timedelta(days=after))
            tried += [after] * (len(self.plan.charge_ids) - before)
        self.assertEqual(tried, [0, 3, 8])
        self.assertEqual(set(self.plan.charge_ids.mapped("state")), {"failed"})
        told = [name for name in self._told(self.plan) if "not collected" in name]
        self.assertEqual(len(told), 3)
        self.assertTrue(self.plan.has_charge_trouble)
        self.assertEqual(self._tasks(self.plan).user_id, self.collector)
        self.assertEqual(self.invoice.amount_residual, 300.0)

    def test_a_card_that_is_refused_for_good_is_tried_once(self):
        self._agree("cancel")
        for after in (0, 3, 8, 20):
            self._collect(self.first + timedelta(days=after))
        self.assertEqual(self.plan.charge_ids.mapped("state"), ["refused"])
        self.assertEqual(self._tasks(self.plan).user_id, self.collector)
