from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditCommon

MODELS = (
    "credit.profile",
    "credit.dunning.policy",
    "credit.dunning.level",
    "credit.dunning.run",
    "credit.dunning.letter",
    "credit.dunning.letter.line",
    "credit.dunning.outcome",
    "credit.exclusion",
)


@tagged("post_install", "-at_install")
class TestAccess(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.collector = cls._create_user(
            "collector", "credit_management.group_credit_user"
        )
        cls.employee = cls._create_user("employee", "base.group_user")
        cls.portal = cls._create_user("portal_customer", "base.group_portal")

    @classmethod
    def _create_user(cls, login, groups):
        return new_test_user(
            cls.env,
            login=login,
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")
    def test_employees_and_customers_read_nothing(self):
        self._create_late_invoice(4)
        self._propose()
        for user in (self.employee, self.portal):
            for model in MODELS:
                with self.assertRaises(AccessError, msg=f"{user.login} {model}"):
                    self.env[model].with_user(user).search([]).read(["id"])

    def test_a_colleague_is_told_that_a_customer_is_chased_and_no_more(self):
        invoice = self._create_late_invoice(4)
        partner = self.customer.with_user(self.employee)
        self.assertFalse(partner.credit_notice)
        self._send_all_due()
        self.env["credit.profile"]._get_or_create(self.company, self.customer).write(
            {"user_id": self.collector.id}
        )
        self._run_cron("ir_cron_refresh_profiles")
        self.assertIn(self.first.name, partner.credit_notice)
        self.assertIn(self.collector.name, partner.credit_notice)
        self.assertNotIn("100", partner.credit_notice)
        for name in ("credit_level_id", "credit_overdue_amount", "credit_profile_id"):
            with self.assertRaises(AccessError, msg=name):
                partner.read([name])
        with self.assertRaises(AccessError):
            self.customer.with_user(self.portal).read(["credit_notice"])
        self.assertEqual(invoice.credit_notice, self.first.name)
        self._pay(invoice)
        self._run_cron("ir_cron_refresh_profiles")
        self.assertFalse(partner.credit_notice)
        self.assertFalse(invoice.credit_notice)

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_forms_show_the_notice_to_colleagues_and_the_level_to_collectors(self):
        biller = self._create_user("biller", "account.group_account_invoice")
        for model, colleague in (
            ("res.partner", self.employee),
            ("account.move", biller),
        ):
            for user, shown, hidden in (
                (colleague, "credit_notice", "credit_level_id"),
                (self.collector, "credit_level_id", "credit_notice"),
            ):
                arch = self.env[model].with_user(user).get_view(view_type="form")
                self.assertIn(f'"{shown}"', arch["arch"], f"{model} {user.login}")
                self.assertNotIn(f'"{hidden}"', arch["arch"], f"{model} {user.login}")

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_customers_cannot_start_a_run_or_reverse_a_letter(self):
        self._create_late_invoice(4)
        run = self._propose()
        for method in ("action_propose", "action_approve", "action_send"):
            with self.assertRaises(AccessError, msg=method):
                getattr(run.with_user(self.portal), method)()
        for method in ("action_reverse", "action_send_now", "action_skip"):
            with self.assertRaises(AccessError, msg=method):
                getattr(run.letter_ids.with_user(self.portal), method)()
        with self.assertRaises(AccessError):
            self.env["credit.dunning.outcome"].with_user(self.portal).action_evaluate()

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_a_collector_runs_the_day_but_does_not_change_policies(self):
        self._create_late_invoice(4)
        run = (
            self.env["credit.dunning.run"]
            .with_user(self.collector)
            .create({"company_id": self.company.id, "date": self.today})
        )
        run.action_propose()
        run.letter_ids.action_preview().get("res_id")
        run.action_approve_and_send()
        self.assertEqual(run.letter_ids.state, "queued")
        with self.assertRaises(AccessError):
            self.policy.with_user(self.collector).name = "Mine"

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_a_collector_cannot_forge_what_became_of_a_letter(self):
        self._create_late_invoice(4)
        letter = self._propose().letter_ids.with_user(self.collector)
        for vals in (
            {"state": "sent"},
            {"body": "<p>Never said</p>"},
            {"is_test": True},
            {"message_date": self.today},
        ):
            with self.assertRaises(UserError, msg=str(vals)):
                letter.write(vals)
        for vals in ({"amount": 1.0}, {"level_rank": 4}, {"kind": "carried"}):
            with self.assertRaises(UserError, msg=str(vals)):
                letter.line_ids.write(vals)
        with self.assertRaises(AccessError):
            letter.copy()
        with self.assertRaises(AccessError):
            letter.unlink()

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_nobody_reads_the_files_of_a_company_that_is_not_theirs(self):
        other = self.setup_other_company()["company"]
        profile = self.env["credit.profile"]._get_or_create(other, self.customer)
        with self.assertRaises(AccessError):
            profile.with_user(self.collector).read(["overdue_amount"])
        found = self.env["credit.profile"].with_user(self.collector).search([])
        self.assertNotIn(profile, found)

    def test_a_collector_opens_the_file_with_the_figures_of_now(self):
        invoice = self._create_late_invoice(4)
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        values = profile.with_user(self.collector).web_read(
            {"overdue_amount": {}, "open_amount": {}, "next_action": {}}
        )[0]
        self.assertEqual(values["overdue_amount"], 100.0)
        self._pay(invoice, 60.0)
        values = profile.with_user(self.collector).web_read({"overdue_amount": {}})[0]
        self.assertEqual(values["overdue_amount"], 40.0)
