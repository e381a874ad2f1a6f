from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..logic import exposure
from ..logic.money import to_decimal
from .common import CreditCommon


@tagged("post_install", "-at_install", "credit_full")
class TestExposure(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )

    def refresh(self):
        """Refresh the figures; what is asked live says the same, part by part."""
        self.profile._refresh()
        found = self.env["credit.exposure"]._compute_live(self.company, self.customer)
        result, _limit = found[self.customer.id]
        self.assertEqual(result.total, to_decimal(self.profile.exposure_amount))
        amounts = result.list_amounts()
        columns = self.env["credit.exposure"]._get_part_columns() | {
            exposure.RECEIVABLES: ("open_amount", 1),
            exposure.CREDITS: ("unapplied_amount", -1),
        }
        for kind, (name, sign) in columns.items():
            amount = to_decimal(self.profile[name])
            self.assertEqual(sign * amounts.get(kind, 0), amount, name)
        return self.profile

    def create_draft(self, amount, partner=None, **values):
        return self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": (partner or self.customer).id,
                "invoice_date": self.today,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Work", "price_unit": amount, "tax_ids": False}
                    )
                ],
            }
            | values
        )

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
        self._create_late_invoice(5, 1000.0)
        self._create_credit_note(250.0)
        self.create_draft(300.0)
        self.create_cover()
        profile = self.refresh()
        self.assertEqual(profile.open_amount, 1000.0)
        self.assertEqual(profile.unapplied_amount, 250.0)
        self.assertEqual(profile.draft_amount, 300.0)
        self.assertEqual(profile.covered_amount, 500.0)
        self.assertEqual(profile.exposure_amount, 1000 - 250 + 300 - 500)

    def test_without_the_other_parts_it_is_the_balance_of_the_ledger(self):
        self.company.credit_count_drafts = False
        self._create_late_invoice(5, 1000.0)
        self._create_credit_note(100.0)
        self.create_draft(300.0)
        profile = self.refresh()
        self.assertEqual(profile.draft_amount, 0.0)
        credit = self.customer.with_company(self.company).credit
        self.assertEqual(profile.exposure_amount, credit)

    def test_another_currency_counts_in_that_of_the_company(self):
        currency = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        move = self._create_late_invoice(5, 1000.0, currency_id=currency.id)
        draft = self.create_draft(200.0, currency_id=currency.id)
        profile = self.refresh()
        self.assertEqual(move.amount_residual_signed, 500.0)
        self.assertEqual(draft.amount_total_signed, 100.0)
        self.assertEqual(profile.exposure_amount, 600.0)

    def view(self, part=None):
        """Return the documents that a part, or the whole, opens to."""
        action = self.profile.with_context(credit_part=part).action_view_exposure()
        return self.env[action["res_model"]].search(action["domain"])

    def test_each_part_opens_to_documents_that_add_up_to_it(self):
        currency = self.setup_other_currency("EUR", rates=[("2016-01-01", 3.0)])
        moves = self._create_late_invoice(5, 1000.0)
        moves += self._create_late_invoice(5, 100.0, currency_id=currency.id)
        moves += self._create_late_invoice(5, 100.01, currency_id=currency.id)
        self._create_credit_note(70.0)
        drafts = self.create_draft(300.0) + self.create_draft(20.01)
        self.create_draft(10.0, currency_id=currency.id)
        self.create_cover(amount=900.0, percentage=33.3)
        profile = self.refresh()
        amounts = {
            "receivables": profile.open_amount,
            "credits": -profile.unapplied_amount,
            "drafts": profile.draft_amount,
        }
        for part, amount in amounts.items():
            with self.subTest(part):
                self.assertTrue(amount)
                self.assertMoney(sum(self.view(part).mapped("amount")), amount)
        self.assertEqual(
            self.view("receivables").mapped("res_id"),
            self._receivable_line(moves).ids,
        )
        self.assertLess(set(drafts.ids), set(self.view("drafts").mapped("res_id")))
        self.assertEqual(self.view("cover"), profile.cover_ids)
        whole = self.view()
        self.assertMoney(sum(whole.mapped("amount")), profile.exposure_amount)
        cover = whole.filtered(lambda line: line.part == "cover")
        self.assertMoney(cover.amount, -profile.covered_amount)

    def assertMoney(self, amount, expected):
        self.assertEqual(self.company.currency_id.compare_amounts(amount, expected), 0)

    def test_a_document_opens_and_shows_what_counts_in_its_currency(self):
        currency = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        move = self._create_late_invoice(5, 1000.0, currency_id=currency.id)
        line = self.view("receivables")
        self.assertEqual((line.amount, line.document_amount), (500.0, 1000.0))
        self.assertEqual(line.name, move.name)
        self.assertEqual(line.action_open()["res_id"], move.id)

    def test_a_payment_in_process_counts_once_and_at_most_what_is_open(self):
        move = self._create_late_invoice(5, 1000.0)
        self._pay(move, 400.0)
        self.assertEqual(self.refresh().exposure_amount, 600.0)
        other = self._create_late_invoice(5, 100.0)
        self.env.flush_all()
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_id": self.customer.id,
                "amount": 150.0,
                "invoice_ids": [Command.set(other.ids)],
            }
        )
        payment.outstanding_account_id = False  # no account, no entry
        payment.state = "in_process"
        self.assertFalse(payment.move_id)
        profile = self.refresh()
        self.assertEqual(profile.in_process_amount, 100.0)
        self.assertEqual(profile.exposure_amount, 600.0)
        line = self.view("in_process")
        self.assertEqual(line.amount, -100.0)
        self.assertEqual(line.action_open()["res_id"], other.id)

    def test_a_part_without_documents_opens_to_nothing(self):
        self.assertFalse(self.view("drafts"))

    def test_who_may_not_read_the_file_is_told_no_document(self):
        user = new_test_user(
            self.env, login="credit_none", groups="account.group_account_invoice"
        )
        with self.assertRaises(AccessError):
            self.profile.with_user(user).action_view_exposure()

    # === A DOCUMENT === #

    def compute_for(self, document):
        customer, result, _limit = self.env["credit.exposure"]._compute_for_document(
            document
        )
        self.assertEqual(customer, self.customer)
        return result.total

    def test_the_document_itself_counts_once_whatever_drafts_do(self):
        self._create_late_invoice(5, 1000.0)
        draft = self.create_draft(300.0)
        self.create_draft(50.0)
        self.assertEqual(self.compute_for(draft), 1350)
        self.company.credit_count_drafts = False
        self.assertEqual(self.compute_for(draft), 1300)
        draft.action_post()
        self.assertEqual(self.compute_for(draft), 1300)

    def test_a_document_is_looked_at_in_its_own_company(self):
        other = self.setup_other_company()["company"]
        self._create_late_invoice(5, 1000.0)
        draft = self.create_draft(300.0)
        found = self.compute_for(draft.with_company(other))
        self.assertEqual(found, 1300)

    def test_a_limit_is_that_of_the_company_of_the_document(self):
        other = self.setup_other_company()["company"]
        self.customer.with_company(self.company).credit_limit = 700.0
        self.customer.with_company(other).credit_limit = 5.0
        draft = self.create_draft(300.0).with_company(other)
        gatherer = self.env["credit.exposure"].with_company(other)
        _customer, _result, limit = gatherer._compute_for_document(draft)
        self.assertEqual(limit, 700)

    def test_companies_are_kept_apart(self):
        other = self.setup_other_company()["company"]
        self._create_late_invoice(5, 1000.0)
        self.create_draft(300.0)
        profile = self.env["credit.profile"]._get_or_create(other, self.customer)
        profile._refresh()
        self.assertEqual(profile.exposure_amount, 0.0)
        self.assertEqual(self.refresh().exposure_amount, 1300.0)

    def test_a_draft_marks_its_customer_for_the_job(self):
        def refresh_by_job():
            self._run_cron("ir_cron_refresh_profiles")
            return self.profile.draft_amount

        draft = self.create_draft(300.0)
        self.assertEqual(refresh_by_job(), 300.0)
        draft.write(
            {
                "invoice_line_ids": [
                    Command.update(draft.invoice_line_ids.id, {"price_unit": 400.0})
                ]
            }
        )
        self.assertEqual(refresh_by_job(), 400.0)
        other = self._create_customer("Other")
        draft.partner_id = other
        self.assertEqual(refresh_by_job(), 0.0)
        draft.partner_id = self.customer
        self.assertEqual(refresh_by_job(), 400.0)
        draft.unlink()
        self.assertEqual(refresh_by_job(), 0.0)

    def test_drafts_of_vendors_and_of_others_do_not_count(self):
        other = self._create_customer("Other")
        self.create_draft(300.0, other)
        self.create_draft(300.0, move_type="in_invoice")
        self.assertEqual(self.refresh().exposure_amount, 0.0)

    def test_a_draft_for_a_contact_counts_for_the_customer(self):
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.customer.id}
        )
        self.create_draft(300.0, contact)
        self.assertEqual(self.refresh().draft_amount, 300.0)

    def test_several_customers_take_as_many_queries_as_one(self):
        customers = self.customer
        for number in range(12):
            customer = self._create_customer(f"Customer {number}")
            self._create_late_invoice(5, 100.0, customer)
            self.create_draft(10.0, customer)
            customers |= customer
        profiles = self.env["credit.profile"]._get_or_create(self.company, customers)
        profiles[1:3]._refresh()  # what the host keeps for later is there
        self.env.flush_all()
        counts = []
        for some in (profiles[1:3], profiles[1:]):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            some._refresh()
            counts.append(self.cr.sql_log_count - before)
        few, many = counts
        self.assertLessEqual(many, few)

    # === INSURANCE AND GUARANTEES === #

    def test_asking_live_costs_the_same_for_two_invoices_and_for_twenty(self):
        def ask():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.env["credit.exposure"]._compute_live(self.company, self.customer)
            return self.env.cr.sql_log_count - before

        for _invoice in range(2):
            self._create_late_invoice(5, 10.0)
        ask()
        few = ask()
        for _invoice in range(18):
            self._create_late_invoice(5, 10.0)
        self.assertEqual(ask(), few)
        self.assertLessEqual(few, 10)

    def test_the_own_share_is_not_borne(self):
        self._create_late_invoice(5, 1000.0)
        self.create_cover(amount=5000.0, percentage=90.0)
        self.assertEqual(self.refresh().exposure_amount, 100.0)

    def test_an_expired_cover_bears_nothing(self):
        self._create_late_invoice(5, 1000.0)
        cover = self.create_cover(until=self.today)
        self.assertTrue(cover.is_in_force)
        self.assertEqual(self.refresh().exposure_amount, 500.0)
        cover.until = self.today - timedelta(days=1)
        self.assertFalse(cover.is_in_force)
        self.assertEqual(self.refresh().exposure_amount, 1000.0)

    def test_drafts_are_not_borne(self):
        self.create_draft(1000.0)
        self.create_cover()
        self.assertEqual(self.refresh().exposure_amount, 1000.0)

    def test_a_cover_of_another_company_bears_nothing(self):
        other = self.setup_other_company()["company"]
        self._create_late_invoice(5, 1000.0)
        self.create_cover(company_id=other.id)
        self.assertEqual(self.refresh().exposure_amount, 1000.0)

    def test_a_cover_marks_its_customer_for_the_job(self):
        self.env["credit.profile.touch"].sudo().search([]).unlink()
        self._create_late_invoice(5, 1000.0)
        self.refresh()
        self.env["credit.profile.touch"].sudo().search([]).unlink()
        self.create_cover()
        self._run_cron("ir_cron_refresh_profiles")
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

    def test_a_cover_stays_with_its_company(self):
        cover = self.create_cover()
        other = self.setup_other_company()["company"]
        cover.company_id = self.company
        with self.assertRaises(UserError):
            cover.company_id = other

    # === THE LIMIT === #

    def test_the_limit_is_the_hosts_own(self):
        partner = self.customer.with_company(self.company)
        partner.credit_limit = 2000.0
        self._create_late_invoice(5, 500.0)
        profile = self.refresh()
        self.assertEqual(profile.credit_limit, 2000.0)
        self.assertEqual(profile.available_credit, 1500.0)
        self.assertEqual(profile.limit_used, 25.0)
        profile.credit_limit = 400.0
        self.assertEqual(partner.credit_limit, 400.0)
        self.assertEqual(profile.available_credit, -100.0)
        self.assertIn("400", profile.message_ids[0].body)

    def test_zero_is_no_limit(self):
        self._create_late_invoice(5, 500.0)
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
        self._create_late_invoice(5, 500.0)
        self.refresh()
        self.env["credit.profile.touch"].sudo().search([]).unlink()
        self.customer.with_company(self.company).credit_limit = 100.0
        self._run_cron("ir_cron_refresh_profiles")
        self.assertEqual(self.profile.limit_used, 500.0)
