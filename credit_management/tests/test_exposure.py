from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestExposure(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )

    def refresh(self):
        self.profile._refresh()
        return self.profile

    def create_cover(self, **values):
        return self.env["credit.cover"].create(
            {
                "name": "4711",
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "amount": 500.0,
            }
            | values
        )

    def test_the_parts_add_up_to_the_exposure(self):
        self._create_invoice(amount=1000.0)
        self._create_invoice(amount=250.0, move_type="out_refund")
        self._create_invoice(amount=300.0, post=False)
        self.create_cover()
        profile = self.refresh()
        self.assertEqual(profile.open_amount, 1000.0)
        self.assertEqual(profile.unapplied_amount, 250.0)
        self.assertEqual(profile.draft_amount, 300.0)
        self.assertEqual(profile.covered_amount, 500.0)
        self.assertEqual(profile.exposure_amount, 1000 - 250 + 300 - 500)

    def test_without_the_other_parts_it_is_the_balance_of_the_ledger(self):
        self.company.credit_count_drafts = False
        self._create_invoice(amount=1000.0)
        self._create_invoice(amount=100.0, move_type="out_refund")
        self._create_invoice(amount=300.0, post=False)
        profile = self.refresh()
        self.assertEqual(profile.draft_amount, 0.0)
        credit = self.customer.with_company(self.company).credit
        self.assertEqual(profile.exposure_amount, credit)

    def test_another_currency_counts_in_that_of_the_company(self):
        currency = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        move = self._create_invoice(amount=1000.0, currency_id=currency.id)
        draft = self._create_invoice(
            amount=200.0, currency_id=currency.id, post=False
        )
        profile = self.refresh()
        self.assertEqual(move.amount_residual_signed, 500.0)
        self.assertEqual(draft.amount_total_signed, 100.0)
        self.assertEqual(profile.exposure_amount, 600.0)

    def test_each_part_opens_to_documents_that_add_up_to_it(self):
        self._create_invoice(amount=1000.0)
        self._create_invoice(amount=70.0, move_type="out_refund")
        self._create_invoice(amount=300.0, post=False)
        self._create_invoice(amount=20.0, post=False)
        profile = self.refresh()
        amounts = {
            "receivables": ("amount_residual", profile.open_amount),
            "credits": ("amount_residual", -profile.unapplied_amount),
            "drafts": ("amount_total_signed", profile.draft_amount),
        }
        for kind, (field, amount) in amounts.items():
            with self.subTest(kind):
                action = profile.with_context(credit_part=kind).action_view_exposure()
                records = self.env[action["res_model"]].search(action["domain"])
                if kind == "receivables":
                    records = records.filtered(lambda item: item.amount_residual > 0)
                self.assertEqual(sum(records.mapped(field)), amount)

    def test_a_part_without_documents_says_so(self):
        with self.assertRaises(UserError):
            self.profile.with_context(credit_part="drafts").action_view_exposure()

    def test_drafts_of_vendors_and_of_others_do_not_count(self):
        other = self._create_customer("Other")
        self._create_invoice(partner=other, amount=300.0, post=False)
        self._create_invoice(amount=300.0, move_type="in_invoice", post=False)
        self.assertEqual(self.refresh().exposure_amount, 0.0)

    def test_a_draft_for_a_contact_counts_for_the_customer(self):
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.customer.id}
        )
        self._create_invoice(partner=contact, amount=300.0, post=False)
        self.assertEqual(self.refresh().draft_amount, 300.0)

    def test_several_customers_take_as_many_queries_as_one(self):
        customers = self.customer
        for number in range(12):
            customer = self._create_customer(f"Customer {number}")
            self._create_invoice(partner=customer, amount=100.0)
            self._create_invoice(partner=customer, amount=10.0, post=False)
            customers |= customer
        profiles = self.env["credit.profile"]._get_or_create(self.company, customers)
        profiles[0]._refresh()
        self.env.flush_all()
        counts = []
        for some in (profiles[1:3], profiles[1:]):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            some._refresh()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(*counts)

    # === INSURANCE AND GUARANTEES === #

    def test_the_own_share_is_not_borne(self):
        self._create_invoice(amount=1000.0)
        self.create_cover(amount=5000.0, percentage=90.0)
        self.assertEqual(self.refresh().exposure_amount, 100.0)

    def test_an_expired_cover_bears_nothing(self):
        self._create_invoice(amount=1000.0)
        cover = self.create_cover(until=self.today)
        self.assertTrue(cover.is_in_force)
        self.assertEqual(self.refresh().exposure_amount, 500.0)
        cover.until = self.today - timedelta(days=1)
        self.assertFalse(cover.is_in_force)
        self.assertEqual(self.refresh().exposure_amount, 1000.0)

    def test_drafts_are_not_borne(self):
        self._create_invoice(amount=1000.0, post=False)
        self.create_cover()
        self.assertEqual(self.refresh().exposure_amount, 1000.0)

    def test_a_cover_of_another_company_bears_nothing(self):
        other = self.company_data_2["company"] if hasattr(
            self, "company_data_2"
        ) else self.env["res.company"].create({"name": "Elsewhere"})
        self._create_invoice(amount=1000.0)
        self.create_cover(company_id=other.id)
        self.assertEqual(self.refresh().exposure_amount, 1000.0)

    def test_a_cover_marks_its_customer_for_the_job(self):
        self.env["credit.profile.touch"].search([]).unlink()
        self._create_invoice(amount=1000.0)
        self.refresh()
        self.env["credit.profile.touch"].search([]).unlink()
        self.create_cover()
        self.env["credit.profile"]._cron_refresh()
        self.assertEqual(self.profile.exposure_amount, 500.0)

    def test_a_cover_that_makes_no_sense_is_refused(self):
        with self.assertRaises(ValidationError):
            self.create_cover(since=self.today, until=self.today - timedelta(days=1))
        for values in ({"amount": 0.0}, {"percentage": 0.0}, {"percentage": 101.0}):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.cr.savepoint(),
            ):
                self.create_cover(**values)

    # === THE LIMIT === #

    def test_the_limit_is_the_hosts_own(self):
        partner = self.customer.with_company(self.company)
        partner.credit_limit = 2000.0
        self._create_invoice(amount=500.0)
        profile = self.refresh()
        self.assertEqual(profile.credit_limit, 2000.0)
        self.assertEqual(profile.available_credit, 1500.0)
        self.assertEqual(profile.limit_used, 25.0)
        profile.credit_limit = 400.0
        self.assertEqual(partner.credit_limit, 400.0)
        self.assertEqual(profile.available_credit, -100.0)
        self.assertIn("400", profile.message_ids[0].body)

    def test_zero_is_no_limit(self):
        self._create_invoice(amount=500.0)
        profile = self.refresh()
        self.assertEqual(profile.available_credit, 0.0)
        self.assertEqual(profile.limit_used, 0.0)
        found = self.env["credit.profile"].search([("limit_used", ">", 80)])
        self.assertNotIn(profile, found)

    def test_a_limit_below_zero_is_refused(self):
        with self.assertRaises(UserError):
            self.profile.credit_limit = -1.0

    def test_limits_are_found_by_amount(self):
        self.customer.with_company(self.company).credit_limit = 2000.0
        Profile = self.env["credit.profile"]
        self.assertIn(self.profile, Profile.search([("credit_limit", ">=", 2000)]))
        self.assertNotIn(self.profile, Profile.search([("credit_limit", ">", 2000)]))

    def test_only_managers_set_limits(self):
        user = new_test_user(
            self.env,
            login="credit_collector",
            groups="credit_management.group_credit_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        with self.assertRaises(AccessError):
            self.profile.with_user(user).credit_limit = 5.0
            self.env.flush_all()
        with self.assertRaises(AccessError):
            self.create_cover().with_user(user).amount = 1.0

    def test_another_limit_on_the_customer_reaches_the_lists(self):
        self._create_invoice(amount=500.0)
        self.refresh()
        self.env["credit.profile.touch"].search([]).unlink()
        self.customer.with_company(self.company).credit_limit = 100.0
        self.env["credit.profile"]._cron_refresh()
        self.assertEqual(self.profile.limit_used, 500.0)
