"""Parts of a plan that are charged by themselves: on the day, once, not for ever."""

import hashlib
from datetime import date, timedelta
from unittest import SkipTest

import psycopg2

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .test_plan import FIRST, SECOND, PlanCommon

TOO_HIGH = "The amount is too high."
MODEL = "odoo.addons.credit_management.models.credit_payment_plan_collection"


class CollectionCommon(PlanCommon):
    """A plan of 300 in three parts, and a stored way to pay of the customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_mode = "live"
        method = cls.env["payment.method"].create(
            {"name": "Card", "code": "credit_card_test", "active": True}
        )
        cls.provider = cls.env["payment.provider"].create(
            {
                "name": "Provider",
                "company_id": cls.company.id,
                "state": "test",
                "allow_tokenization": True,
                "payment_method_ids": [Command.set(method.ids)],
            }
        )
        cls.env["account.payment.method.line"].create(
            {
                "name": "Provider",
                "payment_method_id": cls.env.ref(
                    "account.account_payment_method_manual_in"
                ).id,
                "journal_id": cls.company_data["default_journal_bank"].id,
                "payment_provider_id": cls.provider.id,
            }
        )
        cls.buyer = cls.env["res.partner"].create(
            {
                "name": "Anna Buyer",
                "email": "anna@azure.example.com",
                "parent_id": cls.customer.id,
            }
        )
        cls.token = cls.env["payment.token"].create(
            {
                "provider_id": cls.provider.id,
                "payment_method_id": method.id,
                "payment_details": "4242",
                "partner_id": cls.buyer.id,
                "provider_ref": "ref-1",
            }
        )
        cls.invoice = cls._create_late_invoice(20, 300.0)
        cls.plan = cls._plan(cls.invoice)

    def setUp(self):
        super().setUp()
        self.asked = []  # (reference, amount) of each time the provider was asked
        self.answer = "done"
        case = self

        def send(transaction):
            case.asked.append((transaction.reference, transaction.amount))
            answer = case.answer
            if callable(answer):
                return answer(transaction)
            if answer == "done":
                transaction._set_done()
            elif answer == "pending":
                transaction._set_pending()
            elif answer == "cancel":
                transaction._set_canceled()
            elif answer:
                transaction._set_error(answer)
            return None

        self.patch(
            self.env.registry["payment.transaction"], "_send_payment_request", send
        )

    def consent(self):
        self.plan.sudo()._consent(self.token, self.buyer)

    def collect(self, day):
        with freeze_time(f"{day} 09:00:00"):
            self._run_cron("ir_cron_collect_parts")

    def book(self):
        """Let the host put into the books what was collected."""
        transactions = self.plan.charge_ids.transaction_id
        transactions.filtered(lambda tx: not tx.is_post_processed)._post_process()
        self.env.flush_all()


@tagged("post_install", "-at_install", "credit_once")
class TestPlanCollection(CollectionCommon):
    # === ON THE DAY, ONCE === #

    def test_nothing_is_charged_without_consent(self):
        self.collect(FIRST)
        self.assertFalse(self.asked)

    def test_a_part_is_charged_on_its_day_and_once(self):
        self.consent()
        self.collect(FIRST - timedelta(days=1))
        self.assertFalse(self.asked)
        self.collect(FIRST)
        self.collect(FIRST)
        self.assertEqual([amount for _reference, amount in self.asked], [100.0])
        charge = self.plan.charge_ids
        self.assertEqual((charge.state, charge.amount), ("done", 100.0))
        self.book()
        self.assertEqual(self.invoice.amount_residual, 200.0)
        self.collect(FIRST + timedelta(days=3))
        self.assertEqual(len(self.asked), 1)
        self.collect(SECOND)
        self.assertEqual(len(self.asked), 2)
        self.book()
        self.assertEqual(self.invoice.amount_residual, 100.0)

    def test_only_what_is_open_of_the_part_is_charged(self):
        self.consent()
        self._pay(self.invoice, 40.0)
        self.collect(FIRST)
        self.assertEqual([amount for _reference, amount in self.asked], [60.0])

    def test_what_is_under_way_is_not_charged_again(self):
        self.consent()
        self.answer = "pending"
        self.collect(FIRST)
        self.collect(FIRST + timedelta(days=9))
        self.assertEqual(len(self.asked), 1)
        self.assertEqual(self.plan.charge_ids.state, "pending")

    def test_the_database_refuses_a_second_charge_under_way(self):
        self.consent()
        self.answer = "pending"
        self.collect(FIRST)
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.IntegrityError):
            self.plan.charge_ids.sudo().copy({"state": "sending"}).flush_recordset()

    def test_where_the_company_writes_to_nobody_nothing_is_charged(self):
        self.consent()
        for values in (
            {"credit_mode": "simulate"},
            {"credit_mode": "live", "credit_stopped": True},
        ):
            self.company.write(values)
            self.collect(FIRST)
            self.assertFalse(self.asked, values)

    def test_a_plan_that_ended_is_not_charged(self):
        self.consent()
        self.plan.action_cancel()
        self.collect(FIRST)
        self.assertFalse(self.asked)

    def test_all_parts_are_charged_and_the_plan_is_kept(self):
        self.consent()
        for part in self.plan.line_ids:
            self.collect(part.date)
            self.book()
        self.assertEqual(self.invoice.amount_residual, 0.0)
        self.assertEqual(self.plan.state, "kept")
        self.collect(date(2026, 9, 1))
        self.assertEqual(len(self.asked), 3)

    # === WHAT FAILS === #

    def test_a_failed_charge_is_tried_again_some_days_later_and_given_up(self):
        self.consent()
        self.answer = "Insufficient funds."
        days = []
        for after in range(20):
            day = FIRST + timedelta(days=after)
            before = len(self.asked)
            self.collect(day)
            days += [after] * (len(self.asked) - before)
        self.assertEqual(days, [0, 3, 8])
        self.assertEqual(set(self.plan.charge_ids.mapped("state")), {"failed"})
        self.assertTrue(self.plan.has_charge_trouble)
        self.assertEqual(len(self._tasks(self.plan)), 1)
        told = [name for name in self._told(self.plan) if "not collected" in name]
        self.assertEqual(len(told), 3)

    def test_a_charge_that_cannot_succeed_is_not_tried_again(self):
        self.consent()
        self.answer = "Your card has expired."
        self.collect(FIRST)
        self.collect(FIRST + timedelta(days=10))
        self.assertEqual(len(self.asked), 1)
        self.assertEqual(self.plan.charge_ids.state, "refused")
        self.assertEqual(self._tasks(self.plan).user_id, self.collector)

    def test_what_came_back_after_it_succeeded_is_not_charged_again(self):
        self.consent()
        self.collect(FIRST)
        self.book()
        self._unmatch(self.invoice)
        self.collect(FIRST + timedelta(days=10))
        self.assertEqual(len(self.asked), 1)
        self.assertTrue(self._tasks(self.plan))

    @mute_logger(MODEL)
    def test_whatever_breaks_down_nothing_is_charged_twice(self):
        self.consent()

        def break_down(transaction):
            transaction._set_pending()
            raise KeyError("a fault of the module of the provider")

        self.answer = break_down
        self.collect(FIRST)
        charge = self.plan.charge_ids
        self.assertEqual(charge.state, "unknown")
        self.answer = "done"
        for after in (0, 3, 30):
            self.collect(FIRST + timedelta(days=after))
        self.assertEqual(len(self.asked), 1)
        self.assertEqual(len(self._tasks(self.plan)), 1)

    def test_a_provider_that_says_nothing_is_asked_by_a_person(self):
        self.consent()
        self.answer = None
        self.collect(FIRST)
        charge = self.plan.charge_ids
        self.assertEqual(charge.state, "unknown")
        with self.assertRaises(AccessError):
            charge.with_user(self.collector).action_was_not_charged()
        self.answer = "done"
        charge.action_was_not_charged()
        self.collect(FIRST + timedelta(days=2))
        self.assertEqual(len(self.asked), 1)
        self.collect(FIRST + timedelta(days=3))
        self.assertEqual(len(self.asked), 2)
        with self.assertRaises(UserError):
            charge.action_was_charged()

    def test_what_the_provider_says_later_counts(self):
        self.consent()
        self.answer = None
        self.collect(FIRST)
        self.plan.charge_ids.transaction_id._set_done()
        self.collect(FIRST + timedelta(days=1))
        self.assertEqual(self.plan.charge_ids.state, "done")
        self.assertEqual(len(self.asked), 1)

    def test_a_refusal_that_the_module_raises_is_a_failure(self):
        self.consent()

        def refuse(_transaction):
            raise ValidationError(TOO_HIGH)

        self.answer = refuse
        self.collect(FIRST)
        self.assertEqual(self.plan.charge_ids.state, "failed")

    # === CONSENT === #

    def test_consent_is_kept_word_for_word(self):
        self.consent()
        text = self.plan.consent_text
        self.assertIn("4242", text)
        self.assertIn(self.plan.name, text)
        self.assertEqual(self.plan.consent_name, "Anna Buyer")
        self.assertEqual(
            self.plan.consent_hash, hashlib.sha256(text.encode()).hexdigest()
        )

    def test_consent_taken_back_ends_collection_and_not_the_plan(self):
        self.consent()
        self.plan.with_user(self.collector).action_stop_collection()
        self.collect(FIRST)
        self.assertFalse(self.asked)
        self.assertEqual(self.plan.state, "active")
        self.assertTrue(self.plan.consent_text)  # evidence

    def test_a_way_to_pay_that_is_taken_away_ends_collection(self):
        self.consent()
        self.token.active = False
        self.assertFalse(self.plan.token_id)
        self.collect(FIRST)
        self.assertFalse(self.asked)

    def test_a_provider_that_is_switched_off_ends_collection(self):
        self.consent()
        self.provider._write({"state": "disabled"})
        self.provider.invalidate_recordset()
        self.collect(FIRST)
        self.assertFalse(self.asked)
        self.assertFalse(self.plan.token_id)

    def test_only_what_is_stored_for_the_person_is_offered(self):
        other = self.env["res.partner"].create(
            {"name": "Colleague", "parent_id": self.customer.id}
        )
        self.assertFalse(self.plan._find_tokens(other))

    def test_nobody_gives_consent_by_hand(self):
        with self.assertRaises(UserError):
            self.plan.with_user(self.collector).write({"token_id": self.token.id})
        with self.assertRaises(AccessError):
            self.env["credit.payment.plan.charge"].with_user(self.collector).create(
                {"plan_id": self.plan.id}
            )


@tagged("post_install", "-at_install", "credit_once")
class TestPlanCollectionDemo(PlanCommon):
    """The same through a provider of the host, as far as one can without money."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_mode = "live"
        demo = cls.env["payment.provider"].search([("code", "=", "demo")], limit=1)
        if not demo:
            raise SkipTest("payment_demo is not installed")
        cls.provider = demo.copy({"company_id": cls.company.id})
        cls.provider.write(
            {
                "state": "test",
                "allow_tokenization": True,
                "journal_id": cls.company_data["default_journal_bank"].id,
            }
        )
        cls.invoice = cls._create_late_invoice(20, 300.0)
        cls.plan = cls._plan(cls.invoice)

    def _agree(self, simulated_state):
        token = self.env["payment.token"].create(
            {
                "provider_id": self.provider.id,
                "payment_method_id": self.provider.payment_method_ids[:1].id
                or self.env["payment.method"].search([], limit=1).id,
                "payment_details": "4242",
                "partner_id": self.customer.id,
                "provider_ref": "ref",
                "demo_simulated_state": simulated_state,
            }
        )
        self.plan.sudo()._consent(token, self.customer)

    def _collect(self, day):
        with freeze_time(f"{day} 09:00:00"):
            self._run_cron("ir_cron_collect_parts")

    def test_a_part_is_collected_and_booked(self):
        self._agree("done")
        self._collect(FIRST)
        transaction = self.plan.charge_ids.transaction_id
        self.assertEqual((transaction.state, transaction.amount), ("done", 100.0))
        transaction._post_process()
        self.assertEqual(self.invoice.amount_residual, 200.0)

    def test_a_failing_card_is_told_and_tried_again(self):
        self._agree("error")
        self._collect(FIRST)
        self.assertEqual(self.plan.charge_ids.state, "failed")
        self.assertIn("not collected", self._told(self.plan)[0])
        self._collect(FIRST + timedelta(days=3))
        self.assertEqual(self.plan.charge_ids.mapped("state"), ["failed"] * 2)
        self.assertEqual(self.invoice.amount_residual, 300.0)
