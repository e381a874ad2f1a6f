"""Money in the bank that nobody has matched: shown to people, minded by the rule."""

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from .common import CreditCommon


@tagged("post_install", "-at_install", "credit_once")
class TestReceipts(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bank = cls.company_data["default_journal_bank"]

    def _receive(self, amount, partner=None, **values):
        return self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.bank.id,
                "payment_ref": "thank you",
                "partner_id": (partner or self.customer).id,
                "amount": amount,
                "date": self.today,
            }
            | values
        )

    def _profile(self, partner=None):
        profile = self.env["credit.profile"]._get_or_create(
            self.company, partner or self.customer
        )
        profile._refresh()
        return profile

    def _opened(self, profile):
        """The bank entries behind the figure."""
        domain = profile.action_view_receipts()["domain"]
        return self.env["account.bank.statement.line"].search(domain)

    def _match(self, receipt, amount):
        """Put part of a receipt onto the customer, as a person does in its entry."""
        liquidity, rest = receipt._prepare_move_line_default_vals()
        matched = rest | {
            "account_id": self.customer.property_account_receivable_id.id,
            "credit": amount,
            "amount_currency": -amount,
        }
        left = rest["credit"] - amount
        rest |= {"credit": left, "amount_currency": -left}
        lines = [liquidity, matched, rest] if left else [liquidity, matched]
        receipt.with_context(force_delete=True).write(
            {"line_ids": [Command.clear(), *map(Command.create, lines)]}
        )

    # === THE FIGURE === #

    def test_receipts_of_the_customer_and_its_contacts_make_the_figure(self):
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.customer.id}
        )
        self._create_late_invoice(4)
        receipts = self._receive(30.0) + self._receive(12.5, contact)
        self._receive(99.0, self._create_customer("Other"))
        self._receive(-20.0)
        profile = self._profile()
        self.assertEqual(profile.receipt_amount, 42.5)
        self.assertEqual(profile.open_amount, 100.0)
        self.assertEqual(self._opened(profile), receipts)
        self.assertEqual(sum(receipts.mapped("credit_receipt_amount")), 42.5)

    def test_the_figure_is_written_by_a_run_and_shown_in_its_review(self):
        self._create_late_invoice(4)
        self._receive(30.0)
        run = self._propose()
        profile = run.letter_ids.profile_id
        self.assertEqual(profile.receipt_amount, 30.0)
        self.assertTrue(run.has_receipts)
        self.assertEqual(run.letter_ids.receipt_amount, 30.0)
        self.assertIn("receipt not matched", run.letter_ids.flags)
        opened = run.letter_ids.action_view_receipts()["domain"]
        self.assertEqual(opened, profile.action_view_receipts()["domain"])

    def test_a_run_without_receipts_shows_none(self):
        self._create_late_invoice(4)
        run = self._propose()
        self.assertFalse(run.has_receipts)
        self.assertNotIn("receipt", run.letter_ids.flags)

    def test_reading_a_review_takes_no_query_a_letter(self):
        for number in range(6):
            customer = self._create_customer(f"Customer {number}")
            self._create_late_invoice(4, partner=customer)
            self._receive(30.0, customer)
        letters = self._propose().letter_ids
        letters = letters.browse(letters.ids)  # as a list reads them
        self.env.flush_all()

        def count(records):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            rows = records.web_read({"receipt_amount": {}, "company_currency_id": {}})
            self.assertEqual({row["receipt_amount"] for row in rows}, {30.0})
            return self.env.cr.sql_log_count - before

        count(letters)  # what is cached for all goes first
        self.assertEqual(count(letters), count(letters[:1]))

    def test_receipts_show_where_nothing_is_open(self):
        profile = self._profile()
        self._receive(30.0)
        profile._refresh()
        self.assertEqual((profile.receipt_amount, profile.open_amount), (30.0, 0.0))

    def test_a_run_brings_figures_of_those_with_nothing_but_a_receipt(self):
        profile = self._profile()
        receipt = self._receive(30.0)
        self._propose()
        self.assertEqual(profile.receipt_amount, 30.0)
        receipt.partner_id = False
        self._propose()
        self.assertEqual(profile.receipt_amount, 0.0)

    def test_of_a_receipt_matched_in_part_the_rest_counts(self):
        invoice = self._create_late_invoice(4)
        receipt = self._receive(150.0)
        self.assertEqual(self._reason(self._propose(), invoice), "receipt_unmatched")
        self._match(receipt, 80.0)
        profile = self._profile()
        self.assertEqual(profile.receipt_amount, 70.0)
        self.assertEqual(sum(self._opened(profile).mapped("credit_receipt_amount")), 70)
        # 100 less the 80 that are not applied: 70 in the bank cover these 20.
        self.assertEqual(self._reason(self._propose(), invoice), "receipt_unmatched")
        self._create_late_invoice(5, 60.0)
        self.assertTrue(self._propose().letter_ids)  # 80 are claimed, 70 are there
        self._match(receipt, 150.0)
        self.assertEqual(self._profile().receipt_amount, 0.0)
        self.assertFalse(self._opened(profile))

    def test_foreign_receipts_count_at_the_rate_of_today_and_add_up(self):
        currency = self.setup_other_currency(
            "CHF", rates=[("2026-01-01", 2.0), (self.today, 3.0)]
        )
        journal = self.env["account.journal"].create(
            {
                "name": "CHF",
                "type": "bank",
                "code": "CHF",
                "currency_id": currency.id,
            }
        )
        self._receive(10.0)
        for _number in range(3):  # 3.33 a piece, not a third of 10
            self._receive(10.0, journal_id=journal.id, date="2026-02-01")
        self._receive(  # in a journal of the company's currency
            5.0, foreign_currency_id=currency.id, amount_currency=10.0
        )
        profile = self._profile()
        self.assertEqual(profile.receipt_amount, 10.0 + 4 * 3.33)
        opened = self._opened(profile)
        self.assertEqual(len(opened), 5)
        self.assertAlmostEqual(
            sum(opened.mapped("credit_receipt_amount")), profile.receipt_amount
        )

    # === HOW IT KEEPS UP === #

    def test_a_bank_entry_brings_the_figures_up_to_date(self):
        other = self._create_customer("Other")
        mine, theirs = self._profile(), self._profile(other)
        for change, figures in (
            (lambda: self._receive(30.0), (30.0, 0.0)),
            (lambda: self._opened(mine).write({"amount": 25.0}), (25.0, 0.0)),
            (lambda: self._opened(mine).write({"partner_id": other.id}), (0.0, 25.0)),
            (lambda: self._opened(theirs).unlink(), (0.0, 0.0)),
        ):
            change()
            self._run_cron("ir_cron_refresh_profiles")
            self.assertEqual((mine.receipt_amount, theirs.receipt_amount), figures)

    def test_a_bank_entry_of_a_stranger_makes_no_credit_file(self):
        vendor = self._create_customer("Vendor")
        self._receive(30.0, vendor)
        self._run_cron("ir_cron_refresh_profiles")
        self._propose()
        Profile = self.env["credit.profile"]
        self.assertFalse(Profile.search([("partner_id", "=", vendor.id)]))

    # === THE GUARD === #

    def test_the_guard_decides_who_is_set_aside_and_not_what_is_shown(self):
        invoice = self._create_late_invoice(4)
        self._receive(100.0)
        run = self._propose()
        self.assertEqual(self._reason(run, invoice), "receipt_unmatched")
        self.assertEqual(self._profile().receipt_amount, 100.0)
        self.company.credit_guard_receipts = False
        facts = self.env["credit.dunning.facts"]._gather(self.company, self.today)
        self.assertEqual(facts.customers[self.customer.id].receipts, {})
        run = self._propose()
        self.assertEqual(run.letter_ids.amount_total, 100.0)
        self.assertIn("receipt not matched", run.letter_ids.flags)
        self.assertEqual(self._profile().receipt_amount, 100.0)

    # === WHO MAY SEE === #

    def test_a_collector_opens_receipts_and_others_do_not(self):
        self._create_late_invoice(4)
        receipt = self._receive(30.0)
        profile = self._profile()
        collector = new_test_user(
            self.env, "collector", "credit_management.group_credit_user"
        )
        collector.company_ids = collector.company_id = self.company
        mine = profile.with_user(collector)
        self.assertEqual(self._opened(mine), receipt)
        receipt_seen = receipt.with_user(collector)
        self.assertEqual(receipt_seen.credit_receipt_amount, 30.0)
        entry = receipt_seen.action_open_credit_entry()
        self.assertEqual(entry["res_id"], receipt.move_id.id)
        seller = new_test_user(self.env, "receipts_seller", "base.group_user")
        seller.company_ids = seller.company_id = self.company
        with self.assertRaises(AccessError):
            profile.with_user(seller).action_view_receipts()

    def test_the_review_form_shows_the_receipts(self):
        self._create_late_invoice(4)
        self._receive(30.0)
        run = self._propose()
        with Form(run) as form:
            self.assertTrue(form.has_receipts)
            with form.letter_ids.edit(0) as letter:
                self.assertEqual(letter.receipt_amount, 30.0)
