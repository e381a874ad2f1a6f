from datetime import timedelta

from odoo import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account.tests.common import AccountTestInvoicingHttpCommon


class ToursCommon(AccountTestInvoicingHttpCommon):
    @classmethod
    def _create_user(cls, company, login, group):
        return new_test_user(
            cls.env,
            login=login,
            groups=f"credit_management.{group}",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def _create_late_customer(cls, company, name, days_late):
        """Return the credit file of a new customer with an invoice that is late."""
        today = company._credit_today()
        partner = cls.env["res.partner"].create(
            {"name": name, "is_company": True, "email": "tour@example.com"}
        )
        cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": today - timedelta(days=40),
                "invoice_date_due": today - timedelta(days=days_late),
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Work", "price_unit": 100.0, "tax_ids": False}
                    )
                ],
            }
        ).action_post()
        return cls.env["credit.profile"]._get_or_create(company, partner)


@tagged("post_install", "-at_install")
class TestTours(ToursCommon):
    def test_an_accountant_proposes_reviews_and_sends_a_run(self):
        company = self.company_data["company"]
        company.write(
            {
                "credit_mode": "live",
                "email": "us@us.example.com",
                "credit_policy_id": self.env.ref(
                    "credit_management.policy_business"
                ).id,
            }
        )
        self.env.ref("credit_management.policy_business").working_days_only = False
        for name, days_late in (("Tour Customer", 5), ("Almost Late", 1)):
            self._create_late_customer(company, name, days_late)
        user = self._create_user(company, "tour_accountant", "group_credit_user")
        run = (
            self.env["credit.dunning.run"]
            .with_user(user)
            .create({"company_id": company.id, "date": company._credit_today()})
        )
        self.start_tour(
            f"/odoo/dunning-runs/{run.id}", "credit_run_tour", login="tour_accountant"
        )
        self.assertEqual(run.letter_ids.state, "queued")

    def test_a_customer_disputes_and_staff_settles_by_a_credit_note(self):
        company = self.company_data["company"]
        company.write({"credit_mode": "live", "email": "us@us.example.com"})
        profile = self._create_late_customer(company, "Tour Customer", 5)
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": profile.partner_id.id,
                "invoice_date": company._credit_today(),
                "invoice_line_ids": [
                    Command.create({"name": name, "price_unit": price, "tax_ids": []})
                    for name, price in (("Plates", 100), ("Glasses", 60))
                ],
            }
        )
        move.action_post()
        new_test_user(
            self.env,
            login="tour_customer",
            groups="base.group_portal",
            partner_id=self.env["res.partner"]
            .create({"name": "Buyer", "parent_id": profile.partner_id.id})
            .id,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self._create_user(company, "tour_accountant", "group_credit_user")
        self.start_tour(
            f"/my/invoices/{move.id}",
            "credit_dispute_customer_tour",
            login="tour_customer",
        )
        dispute = self.env["credit.dispute"].search([])
        self.assertEqual(dispute.amount_disputed, 40)
        self.start_tour(
            "/odoo/disputes", "credit_dispute_staff_tour", login="tour_accountant"
        )
        self.assertEqual(dispute.credit_note_ids.amount_total, 40)
        self.assertEqual(move.amount_residual, 120)
        self.start_tour(
            f"/my/disputes/{dispute.id}",
            "credit_dispute_settled_tour",
            login="tour_customer",
        )

    def test_an_accountant_does_the_work_of_a_day(self):
        company = self.company_data["company"]
        policy = self.env.ref("credit_management.policy_business")
        policy.working_days_only = False
        company.write(
            {
                "credit_mode": "live",
                "email": "us@us.example.com",
                "credit_policy_id": policy.id,
                "credit_run_hour": 0,
            }
        )
        late = {"Gets Letter": 5, "Left Out": 5, "To Be Called": 1}
        late |= {"To Be Paused": 1, "Wants Statement": 1}
        profiles = {
            name: self._create_late_customer(company, name, days)
            for name, days in late.items()
        }
        user = self._create_user(company, "tour_accountant", "group_credit_user")
        for name, kind in (
            ("To Be Called", "credit_management.mail_activity_type_call"),
            ("To Be Paused", "mail.mail_activity_data_todo"),
            ("Wants Statement", "mail.mail_activity_data_todo"),
        ):
            profiles[name].activity_schedule(
                kind, date_deadline=company._credit_today(), user_id=user.id
            )
        Run = self.env["credit.dunning.run"].with_company(company)
        run = Run._make_nightly_run(company)
        self.start_tour(
            "/odoo/credit-overview", "credit_day_tour", login="tour_accountant"
        )
        letters = {
            letter.commercial_partner_id.name: letter for letter in run.letter_ids
        }
        self.assertEqual(letters["Gets Letter"].state, "queued")
        self.assertEqual(letters["Left Out"].state, "skipped")
        self.assertEqual(letters["Left Out"].state_reason, "Talks about a refund")
        call = self.env["credit.call"].search(
            [("profile_id", "=", profiles["To Be Called"].id)]
        )
        self.assertEqual((call.user_id, call.note), (user, "Pays on Friday"))
        self.assertFalse(profiles["To Be Called"].activity_ids)
        paused = profiles["To Be Paused"]
        self.assertTrue(paused.is_paused)
        self.assertEqual(paused.pause_reason, "Owner is ill")
        statement = profiles["Wants Statement"].statement_ids
        self.assertEqual(statement.state, "queued")
        self.assertFalse(profiles["Wants Statement"].activity_ids)

    def test_a_manager_reaches_a_first_proposal_in_six_clicks(self):
        company = self.company_data["company"]
        company.email = "us@us.example.com"
        company.credit_policy_id.working_days_only = False
        self._create_late_customer(company, "First Customer", 5)
        user = self._create_user(company, "tour_manager", "group_credit_manager")
        user.email = "tour_manager@us.example.com"
        mails = self.env["mail.mail"].search([])
        self.start_tour(
            "/odoo/credit-overview", "credit_first_minutes_tour", login=user.login
        )
        run = self.env["credit.dunning.run"].search([("company_id", "=", company.id)])
        self.assertEqual(run.state, "proposed")
        self.assertEqual(run.letter_ids.commercial_partner_id.name, "First Customer")
        mail = self.env["mail.mail"].search([]) - mails
        self.assertEqual(mail.email_to, user.email_formatted)

    # === THE CUSTOMER === #

    def _prepare_customer(self, name, amounts):
        """Return a customer with overdue invoices, chased by a live company."""
        company = self.company_data["company"]
        policy = self.env.ref("credit_management.policy_business")
        policy.working_days_only = False
        company.write(
            {
                "credit_mode": "live",
                "email": "us@us.example.com",
                "credit_policy_id": policy.id,
            }
        )
        customer = self.env["res.partner"].create(
            {"name": name, "is_company": True, "email": "tour@example.com"}
        )
        today = company._credit_today()
        moves = self.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": customer.id,
                    "invoice_date": today - timedelta(days=40),
                    "invoice_date_due": today - timedelta(days=10 + number),
                    "invoice_payment_term_id": False,
                    "invoice_line_ids": [
                        Command.create(
                            {"name": "Work", "price_unit": amount, "tax_ids": False}
                        )
                    ],
                }
                for number, amount in enumerate(amounts)
            ]
        )
        moves.action_post()
        profile = self.env["credit.profile"]._get_or_create(company, customer)
        return profile, moves

    def _propose(self, profile):
        run = self.env["credit.dunning.run"].create(
            {
                "company_id": profile.company_id.id,
                "date": profile.company_id._credit_today(),
            }
        )
        run.action_propose()
        return run

    def test_a_customer_pays_two_of_three_and_the_next_run_chases_the_third(self):
        provider = self.env.ref("payment.payment_provider_demo").sudo()
        if provider.code != "demo":
            self.skipTest("payment_demo is not installed")
        profile, moves = self._prepare_customer("Tour Customer", (250.0, 100.0, 75.0))
        self.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "True"
        )
        company = profile.company_id
        self.env["payment.provider"].sudo().search(
            [("company_id", "=", company.id)]
        ).state = "disabled"
        if provider.company_id != company:
            provider = provider.copy({"company_id": company.id})
        provider.write({"state": "test", "is_published": True})
        link = profile._get_customer_url().removeprefix(profile.get_base_url())
        self.start_tour(link, "credit_customer_pays_tour", timeout=120)
        self.env.invalidate_all()
        self.assertEqual([move.amount_residual for move in moves], [0.0, 0.0, 75.0])
        run = self._propose(profile)
        letter = run.letter_ids.filtered(lambda one: one.profile_id == profile)
        self.assertEqual(letter.line_ids.move_id, moves[2])
        self.assertEqual(letter.amount_total, 75.0)
        # Somebody moved on the page: that is a look at it.
        self.assertTrue(profile.last_opened_date)

    def test_a_stranger_sees_neither_the_page_nor_its_files(self):
        profile, _moves = self._prepare_customer("Watched Customer", (250.0,))
        run = self._propose(profile)
        letter = run.letter_ids.filtered(lambda one: one.profile_id == profile)
        run.action_approve_and_send()
        letter.sudo()._hand_over()
        letter.sudo()._set_sent()
        self.assertEqual(letter.state, "sent")
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        new_test_user(
            self.env,
            login="tour_stranger",
            groups="base.group_portal",
            partner_id=stranger.id,
            company_id=profile.company_id.id,
            company_ids=[Command.set(profile.company_id.ids)],
        )
        self.start_tour(
            f"/my/credit/{profile.id}#profile={profile.id}&letter={letter.id}",
            "credit_customer_stranger",
            login="tour_stranger",
        )
