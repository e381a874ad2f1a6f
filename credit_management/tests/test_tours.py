from datetime import timedelta

from odoo import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.account.tests.common import AccountTestInvoicingHttpCommon


@tagged("post_install", "-at_install")
class TestTours(AccountTestInvoicingHttpCommon):
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

    def _create_user(self, company, login, group):
        return new_test_user(
            self.env,
            login=login,
            groups=f"credit_management.{group}",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    def _create_late_customer(self, company, name, days_late):
        """Return the credit file of a new customer with an invoice that is late."""
        today = company._credit_today()
        partner = self.env["res.partner"].create(
            {"name": name, "is_company": True, "email": "tour@example.com"}
        )
        self.env["account.move"].create(
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
        return self.env["credit.profile"]._get_or_create(company, partner)
