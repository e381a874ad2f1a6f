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
        today = company._credit_today()
        for name, days_late in (("Tour Customer", 5), ("Almost Late", 1)):
            partner = self.env["res.partner"].create(
                {"name": name, "is_company": True, "email": "tour@example.com"}
            )
            move = self.env["account.move"].create(
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
            )
            move.action_post()
        user = new_test_user(
            self.env,
            login="tour_accountant",
            groups="credit_management.group_credit_user",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        run = (
            self.env["credit.dunning.run"]
            .with_user(user)
            .create({"company_id": company.id, "date": today})
        )
        self.start_tour(
            f"/odoo/dunning-runs/{run.id}", "credit_run_tour", login="tour_accountant"
        )
        self.assertEqual(run.letter_ids.state, "queued")
