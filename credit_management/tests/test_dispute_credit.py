"""The credit note of a dispute: exactly what was accepted, taxes and currency right."""

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged

from .test_dispute import DisputeCommon


@tagged("post_install", "-at_install", "credit_once")
class TestDisputeCredit(DisputeCommon):
    def _credit(self, move, amount, accepted=None, **line):
        dispute = self._dispute(move, amount, **line)
        self._settle(dispute, "accept", accepted=accepted)
        return dispute, dispute.credit_note_ids

    def test_a_whole_line_is_credited_with_its_tax(self):
        move = self._create_taxed_invoice([100.0, 50.0])
        line = move.invoice_line_ids[1]
        dispute, note = self._credit(move, 57.5, invoice_line=line)
        self.assertEqual(note.move_type, "out_refund")
        self.assertEqual(note.reversed_entry_id, move)
        self.assertEqual(note.state, "posted")
        self.assertEqual(note.amount_untaxed, 50.0)
        self.assertEqual(note.amount_tax, 7.5)
        self.assertEqual(note.invoice_line_ids.account_id, line.account_id)
        self.assertEqual(move.amount_residual, 115.0)
        self.assertEqual(note.amount_residual, 0)
        self.assertEqual(dispute.state, "accepted")
        self.assertEqual(dispute.amount_credited, 57.5)
        self.assertFalse(dispute.pay_by)
        told = dispute._get_customer_messages()[-1]
        self.assertIn(note.name, str(told.body))

    def test_late_in_the_evening_it_is_of_the_day_of_the_company(self):
        """The person's clock and the company's are not on the same day for an hour."""
        self.env.user.tz = "UTC"
        move = self._create_taxed_invoice([100.0, 50.0])
        with freeze_time("2026-05-13 22:30:00"):  # half past midnight in Amsterdam
            _dispute, note = self._credit(move, 57.5)
            self.assertEqual(str(self.company._credit_today()), "2026-05-14")
        self.assertEqual(note.state, "posted")
        self.assertEqual(str(note.invoice_date), "2026-05-14")
        self.assertEqual(note.auto_post, "no")

    def test_a_part_of_a_line_is_credited_to_the_cent(self):
        for amount in (0.01, 0.02, 0.05, 1.0, 10.01, 33.33, 57.49):
            move = self._create_taxed_invoice([100.0, 50.0])
            _dispute, note = self._credit(
                move, amount, invoice_line=move.invoice_line_ids[1]
            )
            with self.subTest(amount=amount):
                self.assertEqual(note.amount_total, amount)
                self.assertAlmostEqual(note.amount_tax, amount * 15 / 115, delta=0.011)
                self.assertAlmostEqual(move.amount_residual, 172.5 - amount)

    def test_an_amount_without_a_line_is_shared_out_over_all_taxes(self):
        other = self.tax.copy({"name": "7 %", "amount": 7})
        move = self._create_late_invoice(
            30,
            invoice_line_ids=[
                Command.create({"name": name, "price_unit": 100, "tax_ids": tax.ids})
                for name, tax in (
                    ("A", self.tax),
                    ("B", other),
                    ("C", self.tax.browse()),
                )
            ],
        )
        self.assertEqual(move.amount_total, 322.0)
        _dispute, note = self._credit(move, 161.0)
        self.assertEqual(note.amount_total, 161.0)
        self.assertEqual(note.invoice_line_ids.mapped("price_unit"), [50.0] * 3)
        self.assertEqual(note.amount_tax, 11.0)

    def test_prices_with_tax_included_and_discounts_come_out_right(self):
        included = self.tax.copy(
            {"name": "15 % included", "price_include_override": "tax_included"}
        )
        move = self._create_late_invoice(
            30,
            invoice_line_ids=[
                Command.create(
                    {
                        "name": "A",
                        "quantity": 3,
                        "price_unit": 115,
                        "discount": 20,
                        "tax_ids": included.ids,
                    }
                )
            ],
        )
        self.assertEqual(move.amount_total, 276.0)
        _dispute, note = self._credit(move, 92.01)
        self.assertEqual(note.amount_total, 92.01)
        self.assertAlmostEqual(note.amount_tax, 12.0, delta=0.011)

    def test_a_foreign_currency_is_credited_in_that_currency(self):
        euro = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        move = self._create_taxed_invoice([100.0], currency_id=euro.id)
        self.env["res.currency.rate"].create(
            {
                "name": self.today,
                "rate": 4.0,
                "currency_id": euro.id,
                "company_id": self.company.id,
            }
        )
        dispute, note = self._credit(move, 40.0)
        self.assertEqual(note.currency_id, euro)
        self.assertEqual(note.amount_total, 40.0)
        self.assertEqual(move.amount_residual, 75.0)
        self.assertEqual(dispute.amount_credited_company, 10.0)
        # What the rates differ by is booked by the host.
        self.assertEqual(sum(self._receivable_line(note).mapped("amount_residual")), 0)

    def test_what_is_not_accepted_gets_a_new_day_and_is_chased_after_it(self):
        move = self._create_late_invoice(30, 100.0)
        dispute, note = self._credit(move, 80.0, accepted=30.0)
        self.assertEqual(note.amount_total, 30.0)
        self.assertTrue(dispute.pay_by)
        self.assertEqual(self._claimed(move), 20.0)
        self.assertIn("Please pay the rest", str(dispute.message_ids.mapped("body")))

    def test_a_paid_invoice_leaves_the_credit_open_for_the_customer(self):
        move = self._create_late_invoice(30, 100.0)
        dispute = self._dispute(move, 80.0)
        self._pay(move, 60.0)
        self._settle(dispute, "accept")
        self.assertEqual(move.amount_residual, 0)
        self.assertEqual(dispute.credit_note_ids.amount_residual, 40.0)

    def test_above_the_amount_a_manager_approves(self):
        self.company.credit_dispute_approval = 50
        move = self._create_late_invoice(30, 100.0)
        dispute = self._dispute(move, 51.0)
        mine = dispute.with_user(self.collector)
        self._settle(dispute, "accept", user=self.collector)
        self.assertEqual(dispute.approval, "asked")
        self.assertEqual(dispute.state, "new")
        self.assertFalse(dispute.credit_note_ids)
        with self.assertRaises(AccessError):
            mine.action_approve()
        with self.assertRaises(UserError):
            mine.line_ids.write({"amount_accepted": 1})
        dispute.action_approve()
        self.assertEqual(dispute.state, "accepted")
        self.assertEqual(dispute.credit_note_ids.amount_total, 51.0)
        small = self._dispute(move, 49.0)
        self._settle(small, "accept", user=self.collector)
        self.assertEqual(small.state, "accepted")

    def test_nothing_accepted_is_no_credit(self):
        dispute = self._dispute(self._create_late_invoice(30), 30.0)
        with self.assertRaises(UserError):
            self._settle(dispute, "accept", accepted=0)

    def test_cost_is_counted_by_cause_and_salesperson(self):
        move = self._create_late_invoice(30, 100.0)
        dispute, _note = self._credit(move, 30.0)
        cause = self.env.ref("credit_management.dispute_cause_price")
        self.assertEqual(dispute.cause_id, cause)
        rows = self.env["credit.dispute.line"]._read_group(
            [("dispute_id", "=", dispute.id)],
            ["cause_id", "seller_id"],
            ["amount_credited_company:sum"],
        )
        self.assertEqual(rows, [(cause, move.invoice_user_id, 30.0)])


@tagged("post_install", "-at_install", "credit_once")
class TestDisputeWriteOff(DisputeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.env["account.account"].create(
            {"name": "Small Amounts", "code": "658900", "account_type": "expense"}
        )
        cls.company.write(
            {
                "credit_write_off_limit": 20.0,
                "credit_write_off_account_id": cls.account.id,
            }
        )

    def _write_off(self, move, amount, accepted=None, user=None, **values):
        dispute = self._dispute(move, amount)
        self._settle(
            dispute, "accept", user=user, accepted=accepted, is_write_off=True, **values
        )
        return dispute

    def test_a_small_amount_is_written_off_by_an_entry_that_is_matched(self):
        move = self._create_taxed_invoice([100.0])
        dispute = self._write_off(move, 15.0, user=self.collector)
        self.assertEqual(move.amount_residual, 100.0)
        entry = dispute.write_off_id
        self.assertEqual((entry.state, entry.move_type), ("posted", "entry"))
        self.assertEqual(entry.journal_id.type, "general")
        line = entry.line_ids.filtered(lambda each: each.account_id == self.account)
        self.assertEqual(line.balance, 15.0)
        self.assertFalse(entry.line_ids.tax_ids)
        self.assertEqual((dispute.state, dispute.amount_credited), ("accepted", 15.0))
        self.assertFalse(dispute.credit_note_ids)
        self.assertIn("15.00", str(dispute._get_customer_messages()[-1].body))
        self.assertEqual(dispute.action_view_write_off()["res_id"], entry.id)

    def test_without_a_setting_or_above_it_nothing_is_written_off(self):
        move = self._create_late_invoice(30, 100.0)
        for limit, account, amount in (
            (0, self.account, 5.0),
            (20.0, self.account.browse(), 5.0),
            (20.0, self.account, 20.01),
        ):
            self.company.write(
                {
                    "credit_write_off_limit": limit,
                    "credit_write_off_account_id": account.id,
                }
            )
            with self.subTest(limit=limit, amount=amount):
                dispute = self._dispute(move, amount)
                with self.assertRaises(UserError), self.env.cr.savepoint():
                    self._settle(dispute, "accept", is_write_off=True)
                wizard = self.env["credit.dispute.settle"].create(
                    {"dispute_id": dispute.id, "kind": "accept"}
                )
                self.assertFalse(wizard.may_write_off)
                dispute.sudo()._withdraw()
        self.assertEqual(move.amount_residual, 100.0)

    def test_above_the_amount_of_credits_a_manager_approves_it_too(self):
        self.company.credit_dispute_approval = 10.0
        move = self._create_late_invoice(30, 100.0)
        dispute = self._write_off(move, 15.0, user=self.collector)
        self.assertEqual((dispute.approval, dispute.is_write_off), ("asked", True))
        self.assertEqual(move.amount_residual, 100.0)
        dispute.action_refuse_approval()
        self.assertFalse(dispute.is_write_off)
        self._settle(dispute, "accept", user=self.collector, is_write_off=True)
        dispute.action_approve()
        self.assertEqual(move.amount_residual, 85.0)
        self.assertTrue(dispute.write_off_id)

    def test_what_is_not_accepted_is_asked_for_by_a_day(self):
        move = self._create_late_invoice(30, 100.0)
        dispute = self._write_off(move, 50.0, accepted=12.0, pay_by="2026-06-01")
        self.assertEqual(move.amount_residual, 88.0)
        self.assertEqual(str(dispute.pay_by), "2026-06-01")
        self.assertIn("38.00", str(dispute._get_customer_messages()[-1].body))

    def test_a_foreign_currency_is_written_off_without_gain_or_loss(self):
        currency = self.setup_other_currency("CHF", rates=[("2026-01-01", 2.0)])
        move = self._create_late_invoice(30, 100.0, currency_id=currency.id)
        self.env["res.currency.rate"].create(
            {
                "currency_id": currency.id,
                "name": "2026-05-01",
                "rate": 4.0,
                "company_id": self.company.id,
            }
        )
        dispute = self._write_off(move, 10.0)
        self.assertEqual(move.amount_residual, 90.0)
        line = dispute.write_off_id.line_ids.filtered(
            lambda each: each.account_id == self.account
        )
        self.assertEqual((line.balance, line.amount_currency), (5.0, 10.0))
        self.assertFalse(move.line_ids.matched_credit_ids.exchange_move_id)

    def test_what_was_paid_meanwhile_is_not_written_off(self):
        move = self._create_late_invoice(30, 100.0)
        dispute = self._dispute(move, 15.0)
        self._pay(move, 95.0)
        with self.assertRaises(UserError):
            self._settle(dispute, "accept", is_write_off=True)

    def test_a_write_off_is_no_payment(self):
        move = self._create_late_invoice(30, 15.0)
        self._send_all_due()
        self.env["credit.promise"]._give(
            self.profile, self._receivable_line(move), self.company._credit_today()
        )
        self._write_off(move, 15.0)
        item = self._receivable_line(move)
        self.env.flush_all()
        self.assertFalse(self.env["credit.promise"]._read_paid(item.ids)[item.id])
        report = self.env["credit.letter.report"].search(
            [("partner_id", "=", self.customer.id)]
        )
        self.assertEqual(sum(report.mapped("paid_amount")), 0)
