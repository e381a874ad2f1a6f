"""Level, last letter, next contact and age of invoices, items and contacts."""

from datetime import timedelta

from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged

from .common import CreditCommon


@tagged("post_install", "-at_install", "credit_once")
class TestLedgerState(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Move = cls.env["account.move"]

    def _found(self, *conditions):
        """Return the invoices of our customer that a search finds."""
        return self.Move.search(
            [("partner_id", "=", self.customer.id), *conditions], order="id"
        )

    def _groups(self, groupby, model="account.move"):
        domain = [("partner_id", "=", self.customer.id)]
        if model == "account.move.line":
            domain.append(("account_type", "=", "asset_receivable"))
        return dict(self.env[model]._read_group(domain, [groupby], ["__count"]))

    def _refresh(self):
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        profile._refresh()
        self.env.invalidate_all()
        return profile

    def test_only_the_level_an_invoice_has_now_finds_it(self):
        invoice = self._create_late_invoice(4)
        self._send_all_due()
        self.assertEqual(self._found(("credit_level_id", "=", self.first.id)), invoice)
        with freeze_time(self.today + timedelta(days=8)):
            self._send_all_due()
            self.assertEqual(invoice.credit_level_id, self.second)
            found = self._found(("credit_level_id", "=", self.second.id))
            self.assertEqual(found, invoice)
            self.assertFalse(self._found(("credit_level_id", "=", self.first.id)))

    def test_groups_by_level_agree_with_what_they_open(self):
        self._create_late_invoice(4)
        self._send_all_due()
        self._create_late_invoice(1)
        self._create_late_invoice(-10)
        for model in ("account.move", "account.move.line"):
            groups = self._groups("credit_level_id", model)
            none = self.env["credit.dunning.level"]
            self.assertEqual(groups, {self.first: 1, none: 2})
        for level, count in self._groups("credit_level_id").items():
            self.assertEqual(
                len(self._found(("credit_level_id", "=", level.id))), count
            )

    def test_letters_of_the_test_mode_give_no_level_when_it_is_over(self):
        self.company.write(
            {"credit_mode": "redirect", "credit_redirect_email": "test@us.example.com"}
        )
        invoice = self._create_late_invoice(4)
        self._send_all_due()
        self.assertEqual(self._found(("credit_level_id", "!=", False)), invoice)
        self.company.credit_mode = "live"
        self.env.invalidate_all()
        self.assertFalse(invoice.credit_level_id)
        self.assertFalse(self._found(("credit_level_id", "!=", False)))
        self.assertEqual(self._found(("credit_level_id", "=", False)), invoice)

    def test_last_letter_is_found_by_its_day(self):
        told = self._create_late_invoice(4)
        self._send_all_due()
        silent = self._create_late_invoice(1)
        self.assertEqual(told.credit_last_letter_date, self.today)
        today = str(self.today)
        for name in ("credit_last_letter_date",):
            self.assertEqual(self._found((name, "=", today)), told)
            self.assertEqual(self._found((name, ">=", "today")), told)
            self.assertFalse(self._found((name, "<", today)))
            self.assertEqual(self._found((name, "=", False)), silent)
            self.assertEqual(self._found((name, "!=", False)), told)

    def test_age_is_that_of_the_oldest_instalment_still_open(self):
        ages = {
            -1: "due_later",
            0: "due_later",
            1: "late_01",
            30: "late_01",
            31: "late_31",
        }
        ages |= {60: "late_31", 61: "late_61", 90: "late_61", 91: "late_91"}
        for late, age in ages.items():
            invoice = self._create_late_invoice(late)
            with self.subTest(late=late):
                self.assertEqual(invoice.credit_age, age)
                self.assertEqual(self._receivable_line(invoice).credit_age, age)
                self.assertIn(invoice, self._found(("credit_age", "=", age)))
                self.assertNotIn(invoice, self._found(("credit_age", "!=", age)))
        for model in ("account.move", "account.move.line"):
            self.assertEqual(self._groups("credit_age", model)["late_61"], 2)

    def test_age_follows_instalments(self):
        """The host calls an invoice overdue when its last instalment is."""
        invoice = self._create_late_invoice(
            0,
            invoice_date=self._day(40),
            invoice_date_due=False,
            invoice_payment_term_id=self.env["account.payment.term"]
            .create(
                {
                    "name": "Half now, half in 60 days",
                    "line_ids": [
                        (0, 0, {"value": "percent", "value_amount": 50, "nb_days": 0}),
                        (0, 0, {"value": "percent", "value_amount": 50, "nb_days": 60}),
                    ],
                }
            )
            .id,
        )
        self.assertEqual(invoice.credit_age, "late_31")
        self._pay(invoice, 50)
        self.env.invalidate_all()
        self.assertEqual(invoice.credit_age, "due_later")

    def test_what_is_paid_or_a_credit_has_no_age_and_no_next_contact(self):
        self._create_late_invoice(1)
        paid = self._create_late_invoice(4)
        self._pay(paid)
        credit = self._create_credit_note(10)
        self._refresh()
        for move in paid + credit:
            self.assertFalse(move.credit_age)
            self.assertFalse(move.credit_next_date)
        found = self._found(("credit_age", "=", False))
        self.assertLessEqual(paid + credit, found)

    def test_next_contact_is_that_of_the_credit_file(self):
        invoice = self._create_late_invoice(1)
        profile = self._refresh()
        day = profile.next_action_date
        self.assertEqual(day, self.today + timedelta(days=2))
        self.assertEqual(invoice.credit_next_date, day)
        self.assertEqual(self.customer.credit_next_date, day)
        self.assertEqual(self._found(("credit_next_date", "=", str(day))), invoice)
        self.assertFalse(self._found(("credit_next_date", "<=", "today")))
        self.assertEqual(self._groups("credit_next_date:day"), {day: 1})
        # The day passes, nothing runs, the figures are those of then.
        with freeze_time(day + timedelta(days=3)):
            self.env.invalidate_all()
            late = day + timedelta(days=3)
            self.assertEqual(invoice.credit_next_date, late)
            self.assertEqual(self.customer.credit_next_date, late)
            self.assertEqual(self._found(("credit_next_date", "=", str(late))), invoice)

    def test_an_invoice_left_alone_for_good_has_no_next_contact(self):
        chased = self._create_late_invoice(1)
        left = self._create_late_invoice(1)
        left.no_followup = True
        self.env["credit.dunning.outcome"]._evaluate(self.company, self.customer)
        self.assertFalse(left.credit_next_date)
        self.assertTrue(chased.credit_next_date)
        self.assertEqual(self._found(("credit_next_date", "!=", False)), chased)

    def test_contacts_are_found_and_grouped_by_their_credit_file(self):
        self._create_late_invoice(4, 80)
        self._send_all_due()
        self._create_late_invoice(1, 20)
        self._refresh()
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": self.customer.id}
        )
        without = self._create_customer("Never Invoiced")
        ours = self.customer + contact + without
        Partner = self.env["res.partner"]

        def found(*condition):
            return Partner.search([("id", "in", ours.ids), condition])

        late = self.customer + contact
        for condition, expected in {
            ("credit_overdue_amount", ">", 0): late,
            ("credit_overdue_amount", ">", 100): Partner,
            ("credit_overdue_amount", ">=", 100): late,
            ("credit_overdue_amount", "<", 50): without,
            ("credit_overdue_amount", "=", 0): without,
            ("credit_overdue_amount", "!=", 0): late,
            ("credit_level_id", "=", self.first.id): late,
            ("credit_level_id", "!=", self.first.id): without,
            ("credit_level_id", "=", False): without,
            ("credit_last_letter_date", "=", str(self.today)): late,
            ("credit_next_date", ">", "today"): late,
            ("credit_next_date", "=", False): without,
        }.items():
            with self.subTest(condition=condition):
                self.assertEqual(found(*condition).sorted(), expected.sorted())
        groups = Partner._read_group(
            [("id", "in", ours.ids)], ["credit_level_id"], ["__count"]
        )
        self.assertEqual(
            dict(groups), {self.first: 2, self.env["credit.dunning.level"]: 1}
        )
        by_amount = Partner.search(
            [("id", "in", late.ids + without.ids)], order="credit_overdue_amount, id"
        )
        self.assertIn(self.customer, by_amount)

    def test_the_client_is_told_that_it_may_group(self):
        names = {
            "account.move": (
                "credit_level_id",
                "credit_last_letter_date",
                "credit_next_date",
                "credit_age",
            ),
            "account.move.line": ("credit_level_id", "credit_age"),
            "res.partner": ("credit_level_id", "credit_next_date"),
        }
        for model, fields_ in names.items():
            told = self.env[model].fields_get(fields_, ["groupable", "searchable"])
            for name in fields_:
                with self.subTest(model=model, field=name):
                    self.assertTrue(told[name]["groupable"])
                    self.assertTrue(told[name]["searchable"])

    def test_a_biller_may_not_ask(self):
        biller = new_test_user(
            self.env,
            login="state_biller",
            groups="base.group_user,account.group_account_invoice",
        )
        Move = self.Move.with_user(biller)
        names = ["credit_level_id", "credit_last_letter_date"]
        for name in [*names, "credit_next_date", "credit_age"]:
            spec = f"{name}:month" if name.endswith("date") else name
            with self.subTest(field=name), self.assertRaises(AccessError):
                Move._read_group([], [spec], ["__count"])
            with self.subTest(field=name), self.assertRaises(AccessError):
                Move.search([(name, "!=", False)])
