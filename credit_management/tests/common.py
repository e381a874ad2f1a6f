from datetime import timedelta

from odoo import Command
from odoo.tests import freeze_time

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.mail.tests.common import MailCase

TODAY = "2026-05-13"  # a Wednesday


class CreditCommon(AccountTestInvoicingCommon, MailCase):
    """One policy, one customer, a day that stands still, and builders for the rest."""

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref(
            "credit_management.group_credit_manager"
        )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        frozen = freeze_time(f"{TODAY} 09:00:00")
        frozen.start()
        cls.addClassCleanup(frozen.stop)
        cls.company = cls.company_data["company"]
        cls.company.write(
            {
                "credit_mode": "live",
                "credit_tz": "Europe/Amsterdam",
                "email": "money@us.example.com",
            }
        )
        cls.today = cls.company._credit_today()
        cls.text = cls.env["mail.template"].create(
            {
                "name": "Text of a level",
                "model_id": cls.env["ir.model"]._get_id("credit.dunning.letter"),
                "subject": "Reminder of {{ object.company_id.name }}",
                "body_html": "<p>Please pay <t t-out='object.amount_total'/></p>",
                "lang": "{{ object.lang }}",
            }
        )
        cls.policy = cls._create_policy((-3, 3, 10, 20), min_interval_days=5)
        cls.notice, cls.first, cls.second, cls.third = cls.policy.level_ids
        cls.company.credit_policy_id = cls.policy
        cls.customer = cls._create_customer("Azure")

    # === BUILDERS === #

    @classmethod
    def _create_policy(cls, delays, **values):
        return cls.env["credit.dunning.policy"].create(
            {
                "name": "Policy",
                "working_days_only": False,
                "level_ids": [
                    Command.create(
                        {
                            "name": f"Level at {delay}",
                            "delay_days": delay,
                            "sequence": index,
                            "is_reminder": delay < 0,
                            "mail_template_id": cls.text.id,
                        }
                    )
                    for index, delay in enumerate(delays)
                ],
            }
            | values
        )

    @classmethod
    def _create_customer(cls, name, **values):
        return cls.env["res.partner"].create(
            {
                "name": name,
                "is_company": True,
                "email": f"{name.lower().replace(' ', '.')}@example.com",
                "property_account_receivable_id": cls.company_data[
                    "default_account_receivable"
                ].id,
            }
            | values
        )

    @classmethod
    def _day(cls, days_ago):
        return cls.today - timedelta(days=days_ago)

    @classmethod
    def _create_late_invoice(cls, days_late, amount=100.0, partner=None, **values):
        """A posted invoice that was due ``days_late`` days ago (negative: will be)."""
        partner = partner or cls.customer
        due = cls._day(days_late)
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": min(due, cls._day(days_late + 30)),
                "invoice_date_due": due,
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Work", "price_unit": amount, "tax_ids": False}
                    )
                ],
            }
            | values
        )
        move.action_post()
        return move

    @classmethod
    def _create_credit_note(cls, amount, partner=None, **values):
        return cls._create_late_invoice(
            0, amount, partner, move_type="out_refund", **values
        )

    @classmethod
    def _pay(cls, moves, amount=None):
        """Pay by the host's own wizard, today."""
        wizard = (
            cls.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=moves.ids)
            .create({"payment_date": cls.today})
        )
        if amount is not None:
            wizard.amount = amount
        return wizard._create_payments()

    @classmethod
    def _receivable_line(cls, move):
        return move.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        ).sorted("date_maturity")

    # === THE WAY THROUGH === #

    @classmethod
    def _propose(cls, **values):
        run = cls.env["credit.dunning.run"].create(
            {"company_id": cls.company.id, "date": cls.company._credit_today()} | values
        )
        run.action_propose()
        return run

    def _run_cron(self, name):
        with self.enter_registry_test_mode():
            self.env.ref(f"credit_management.{name}").sudo().method_direct_trigger()
        self.env.invalidate_all()

    def _send(self, run, deliver=True):
        """Approve and send a run, through the jobs and the host's mail queue."""
        run.action_approve()
        run.action_send()
        self._run_cron("ir_cron_send_letters")
        if deliver:
            self._deliver()

    def _deliver(self):
        """Let the host's mail queue send our mails; they land in ``self.emails``."""
        Mail = self.env["mail.mail"].sudo()
        waiting = Mail.search(
            [("state", "=", "outgoing"), ("model", "=", "credit.dunning.letter")]
        )
        with self.mock_mail_gateway():
            if waiting:
                Mail.process_email_queue(waiting.ids)
        self.env.invalidate_all()

    def _send_all_due(self):
        run = self._propose()
        self._send(run)
        return run

    def _reason(self, run, move):
        """The reason why a run left an invoice alone, or None if it is chased."""
        return run.outcome_ids.filtered(lambda o: o.move_id == move).reason or None

    def _letters_of(self, partner):
        return self.env["credit.dunning.letter"].search(
            [("commercial_partner_id", "=", partner.id)]
        )
