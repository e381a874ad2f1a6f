from datetime import timedelta

from odoo.tests import HttpCase, TransactionCase, tagged

from odoo.addons.credit_management.demo import people, story

MAIL_DOMAINS = ("example.com", "example.org", "example.net")


class DemoMixin:
    """The records of the demo, and the day it was built on."""

    def setUp(self):
        super().setUp()
        if not self.env.ref(
            "credit_management.demo_company_eur", raise_if_not_found=False
        ):
            self.skipTest("database without demo data")
        self.company_usd = self.env.ref("base.main_company")
        self.company_eur = self.demo("company_eur")
        # The database may be older than today: this one was due when it was built.
        self.day = self.demo("invoice_due_today").invoice_date_due
        self.customers = self.env["res.partner"].browse(
            [self.demo(f"partner_{one.key}").id for one in people.CUSTOMERS]
        )

    def demo(self, name):
        return self.env.ref(f"credit_management.demo_{name}")

    def contacts(self, customers):
        """Return their contacts, those of the archived customer too."""
        partners = self.env["res.partner"].with_context(active_test=False)
        return partners.search([("parent_id", "in", customers.ids)])

    def invoices(self, customers=None, move_type="out_invoice"):
        customers = self.customers if customers is None else customers
        return self.env["account.move"].search(
            [
                ("commercial_partner_id", "in", customers.ids),
                ("move_type", "=", move_type),
            ]
        )

    def receivable_lines(self, moves):
        return moves.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )

    def open_lines(self, moves):
        return self.receivable_lines(moves).filtered(lambda line: not line.reconciled)

    def days_late(self, line):
        return (self.day - line.date_maturity).days

    def overdue(self, partner):
        """Return the open invoices of the customer that are late."""
        lines = self.open_lines(self.invoices(partner))
        return lines.filtered(lambda line: self.days_late(line) > 0).move_id


@tagged("post_install", "-at_install")
class TestDemo(DemoMixin, TransactionCase):
    def test_the_story_is_the_same_each_time_it_is_told(self):
        self.assertEqual(story.tell(), story.tell())

    def test_building_again_changes_nothing(self):
        before = self.env["account.move"].search_count([])
        self.env["credit.demo"]._build()
        self.assertEqual(self.env["account.move"].search_count([]), before)

    def test_the_demo_is_found_again_after_uninstalling(self):
        company, user = self.company_eur, self.demo("user_accountant")
        self.env["credit.demo"]._let_go()
        name = "credit_management.demo_company_eur"
        self.assertFalse(self.env.ref(name, raise_if_not_found=False))
        role = self.env.ref("credit_management.group_credit_user")
        user.group_ids -= role
        self.env["credit.demo"]._build()
        self.assertEqual(self.env.ref(name), company)
        self.assertIn(role, user.group_ids)

    # === WHAT CAME OF IT === #

    def test_each_company_has_a_promise_in_each_state(self):
        for company in self.company_usd + self.company_eur:
            promises = self.env["credit.promise"].search(
                [("company_id", "=", company.id)]
            )
            self.assertLessEqual(
                {"kept", "partly_kept", "broken", "withdrawn"},
                set(promises.mapped("state")),
            )

    def test_each_company_has_a_payment_plan_in_each_state(self):
        for company in self.company_usd + self.company_eur:
            plans = self.env["credit.payment.plan"].search(
                [("company_id", "=", company.id)]
            )
            self.assertLessEqual(
                {
                    *("draft", "proposed", "active", "kept"),
                    *("broken", "refused", "cancelled"),
                },
                set(plans.mapped("state")),
            )
            self.assertTrue(plans.filtered("warned_until"))
            self.assertTrue(plans.filtered("cost"), "one costs something")

    def test_the_parts_of_one_plan_are_collected_where_something_can_be_stored(self):
        plan = self.env["credit.payment.plan"].search(
            [("company_id", "=", self.company_usd.id), ("token_id", "!=", False)]
        )
        provider = self.env["payment.provider"].search(
            [
                ("code", "=", "demo"),
                ("state", "!=", "disabled"),
                ("company_id", "=", self.company_usd.id),
            ]
        )
        if not provider:
            self.skipTest("payment_demo is not installed")
        self.assertEqual(plan.state, "active")
        self.assertEqual(
            plan.token_id.partner_id, self.demo("user_customer").partner_id
        )
        self.assertIn("4242", plan.consent_text)

    # === WHO === #

    def test_two_companies_invoice_in_dollars_and_euros(self):
        self.assertEqual(self.company_eur.currency_id.name, "EUR")
        self.assertNotEqual(self.company_usd, self.company_eur)
        self.assertEqual(
            self.invoices().company_id, self.company_usd + self.company_eur
        )

    def test_there_are_customers_of_four_languages(self):
        self.assertGreaterEqual(len(self.customers), 44)
        self.assertEqual(
            set(self.customers.mapped("lang")), {"nl_NL", "en_US", "de_DE", "fr_FR"}
        )

    def test_every_customer_has_an_address(self):
        for partner in self.customers:
            self.assertTrue(partner.street and partner.city and partner.country_id)

    def test_every_business_has_a_contact(self):
        for partner in self.customers.filtered("is_company"):
            self.assertTrue(self.contacts(partner), partner.name)

    def test_some_customers_have_a_contact_for_reminders(self):
        kinds = self.contacts(self.customers).mapped("type")
        self.assertGreaterEqual(kinds.count("dunning"), 5)
        self.assertGreaterEqual(kinds.count("invoice"), 30)

    def test_no_mail_can_reach_anybody(self):
        partners = self.customers + self.contacts(self.customers)
        for email in partners.mapped("email"):
            if email:
                self.assertIn(
                    ".".join(email.split("@")[1].split(".")[-2:]), MAIL_DOMAINS
                )

    def test_users_log_in_with_their_login(self):
        for login in ("accountant", "creditmanager", "seller", "customer"):
            user = self.demo(f"user_{login}")
            self.assertEqual(user.login, login)
            credential = {"type": "password", "login": login, "password": login}
            user.with_user(user)._check_credentials(credential, {"interactive": True})

    def test_users_have_their_roles_in_both_companies(self):
        both = self.company_usd + self.company_eur
        for login, group in (
            ("accountant", "group_credit_user"),
            ("creditmanager", "group_credit_manager"),
        ):
            user = self.demo(f"user_{login}")
            self.assertTrue(user.has_group(f"credit_management.{group}"))
            self.assertEqual(user.company_ids, both)
        self.assertFalse(
            self.demo("user_accountant").has_group(
                "credit_management.group_credit_manager"
            )
        )
        self.assertTrue(self.demo("user_seller").has_group("base.group_user"))

    # === THE LEDGER === #

    def test_hundreds_of_invoices_over_18_months_are_posted(self):
        invoices = self.invoices()
        self.assertGreaterEqual(len(invoices), 320)
        self.assertEqual(set(invoices.mapped("state")), {"posted"})
        days = [(self.day - day).days for day in invoices.mapped("invoice_date")]
        self.assertGreater(max(days), 500)
        self.assertGreaterEqual(min(days), 0)

    def test_every_entry_is_balanced(self):
        moves = self.env["account.move"].search(
            [("company_id", "in", (self.company_usd + self.company_eur).ids)]
        )
        for move in moves:
            balance = sum(move.line_ids.mapped("balance"))
            self.assertTrue(move.company_currency_id.is_zero(balance), move.name)

    def test_open_amounts_add_up_to_the_ledger(self):
        for company in self.company_usd + self.company_eur:
            lines = self.env["account.move.line"].search(
                [
                    ("company_id", "=", company.id),
                    ("account_id.account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                ]
            )
            self.assertAlmostEqual(
                sum(lines.mapped("balance")), sum(lines.mapped("amount_residual")), 2
            )

    def test_about_three_quarters_are_paid(self):
        invoices = self.invoices()
        settled = invoices.filtered(lambda move: not move.amount_residual)
        self.assertAlmostEqual(len(settled) / len(invoices), 0.75, delta=0.04)

    def test_customers_pay_early_on_time_late_and_very_late(self):
        delays = [
            (partial.max_date - line.date_maturity).days
            for line in self.receivable_lines(self.invoices())
            for partial in line.matched_credit_ids
        ]
        for at_least, at_most in ((-90, -4), (-3, 3), (6, 30), (35, 90)):
            with self.subTest(days=(at_least, at_most)):
                number = sum(at_least <= delay <= at_most for delay in delays)
                self.assertGreaterEqual(number, 20)

    def test_money_came_through_the_bank(self):
        for company in self.company_usd + self.company_eur:
            lines = self.env["account.bank.statement.line"].search(
                [("company_id", "=", company.id), ("date", "<=", self.day)]
            )
            self.assertGreater(len(lines), 80)
            self.assertGreaterEqual(
                max(lines.mapped("date")), self.day - timedelta(days=2)
            )

    def test_open_items_are_of_every_age(self):
        ages = [self.days_late(line) for line in self.open_lines(self.invoices())]
        buckets = [(-3, -3), (0, 0), *((day, day) for day in range(1, 6))]
        buckets += [(10, 20), (21, 30), (31, 60), (61, 90), (91, 600)]
        for at_least, at_most in buckets:
            with self.subTest(days=(at_least, at_most)):
                self.assertTrue(any(at_least <= age <= at_most for age in ages))

    def test_each_company_has_overdue_items_to_follow_up(self):
        for company in self.company_usd + self.company_eur:
            moves = self.invoices().filtered(
                lambda move, company=company: move.company_id == company
            )
            late = self.open_lines(moves).filtered(
                lambda line: self.days_late(line) > 0
            )
            self.assertGreaterEqual(len(late), 15)

    # === SPECIAL CASES === #

    def test_one_overdue_customer_has_no_email(self):
        partner = self.demo("partner_no_email")
        self.assertTrue(self.overdue(partner))
        self.assertFalse(any((partner + self.contacts(partner)).mapped("email")))

    def test_one_overdue_customer_is_archived(self):
        partner = self.demo("partner_archived")
        self.assertFalse(partner.active)
        self.assertIn(self.demo("invoice_archived"), self.overdue(partner))

    def test_one_overdue_customer_bounced(self):
        partner = self.demo("partner_bounced")
        self.assertGreater(partner.message_bounce, 0)
        self.assertEqual(partner.email, "bounce@example.net")
        self.assertTrue(self.overdue(partner))

    def test_one_customer_is_owed_more_than_is_late(self):
        partner = self.demo("partner_net_credit")
        late = sum(self.overdue(partner).mapped("amount_residual"))
        credit = self.demo("credit_note_net_credit").amount_residual
        self.assertGreater(late, 0)
        self.assertGreater(credit, late)

    def test_one_customer_is_invoiced_in_a_foreign_currency(self):
        invoices = self.invoices(self.demo("partner_foreign"))
        self.assertEqual(invoices.company_id, self.company_eur)
        self.assertEqual(invoices.currency_id.name, "USD")
        self.assertTrue(self.overdue(self.demo("partner_foreign")))
        self.assertGreater(len(set(invoices.mapped("invoice_currency_rate"))), 2)
        partials = self.receivable_lines(invoices).matched_credit_ids
        self.assertTrue(partials.exchange_move_id)

    def test_one_customer_owes_less_than_it_is_worth(self):
        overdue = self.overdue(self.demo("partner_small"))
        self.assertEqual(overdue, self.demo("invoice_small"))
        self.assertLess(overdue.amount_residual, 10)

    def test_one_payment_is_posted_and_not_matched(self):
        payment = self.demo("receipt_unapplied_payment")
        self.assertTrue(payment.move_id)
        lines = self.open_lines(payment.move_id)
        self.assertAlmostEqual(sum(lines.mapped("amount_residual")), -payment.amount)
        self.assertTrue(self.overdue(payment.partner_id))

    def test_one_receipt_in_the_bank_is_not_matched(self):
        receipt = self.demo("receipt_unmatched_receipt")
        self.assertFalse(receipt.is_reconciled)
        overdue = self.overdue(receipt.partner_id)
        self.assertGreater(sum(overdue.mapped("amount_residual")), receipt.amount)

    def test_one_receipt_in_the_bank_covers_the_claim(self):
        receipt = self.demo("receipt_covered_by_receipt")
        self.assertFalse(receipt.is_reconciled)
        overdue = self.overdue(receipt.partner_id)
        self.assertTrue(overdue)
        self.assertAlmostEqual(sum(overdue.mapped("amount_residual")), receipt.amount)

    def test_some_invoices_are_left_out_of_follow_up(self):
        flagged = self.invoices(self.demo("partner_no_followup")).filtered(
            "no_followup"
        )
        self.assertGreaterEqual(len(flagged), 2)
        self.assertEqual(self.overdue(self.demo("partner_no_followup")), flagged)

    def test_one_invoice_is_blocked(self):
        invoice = self.demo("invoice_blocked")
        self.assertEqual(invoice.payment_state, "blocked")
        self.assertIn(invoice, self.overdue(self.demo("partner_blocked")))

    def test_instalments_are_late_one_by_one(self):
        term = self.demo("term_instalments")
        invoices = self.invoices().filtered(
            lambda move: move.invoice_payment_term_id == term
        )
        for invoice in invoices:
            self.assertEqual(len(self.receivable_lines(invoice)), 3)
        lines = self.receivable_lines(self.demo("invoice_instalments"))
        first, second, third = lines.sorted("date_maturity")
        self.assertTrue(first.reconciled)
        self.assertFalse(second.reconciled or third.reconciled)
        self.assertEqual([self.days_late(second), self.days_late(third)], [8, -22])

    def test_some_invoices_are_paid_in_part(self):
        states = self.invoices().mapped("payment_state")
        self.assertGreaterEqual(states.count("partial"), 3)
        invoice = self.demo("invoice_partial")
        self.assertAlmostEqual(invoice.amount_residual, invoice.amount_total * 0.6)

    def test_credit_notes_are_applied_in_full_or_in_part(self):
        notes = self.invoices(move_type="out_refund")
        self.assertGreaterEqual(len(notes), 10)
        self.assertTrue(notes.filtered(lambda note: not note.amount_residual))
        partly = self.demo("credit_note_partly_applied")
        self.assertGreater(partly.amount_residual, 0)
        self.assertLess(partly.amount_residual, partly.amount_total)


@tagged("post_install", "-at_install")
class TestDemoPortal(DemoMixin, HttpCase):
    def test_the_customer_sees_what_is_overdue_on_the_portal(self):
        user = self.demo("user_customer")
        overdue = self.overdue(user.commercial_partner_id)
        self.assertTrue(overdue)
        self.authenticate("customer", "customer")
        page = self.url_open("/my/invoices").text
        for invoice in overdue:
            self.assertIn(invoice.name, page)
