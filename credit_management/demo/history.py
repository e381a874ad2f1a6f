"""Letters of the past weeks, so that the demo shows every level and not just the first.

They are decided by the rule, as of the day they bear, and kept as sent. No mail is
made: nothing leaves while demo data are installed.
"""

from datetime import datetime, time, timedelta

from odoo import api, models

# Days ago on which the demo's companies wrote to their late customers.
DAYS_AGO = (48, 38, 28, 18, 9)
CALLS = 2  # due in each company
PAYERS = 3  # who paid a part after a letter, in each company


class CreditDemoHistory(models.AbstractModel):
    _name = "credit.demo.history"
    _description = "Demo Letters of Credit Management"

    @api.model
    def _build(self):
        """Write the letters of the past weeks, once, for the demo's companies."""
        other = self.env.ref("credit_management.demo_company_eur")
        if self.env["credit.dunning.letter"].search_count([], limit=1):
            return
        business = self.env.ref("credit_management.policy_business")
        for company in self.env.ref("base.main_company") + other:
            company.credit_policy_id = company.credit_policy_id or business
            history = self.with_company(company).with_context(
                allowed_company_ids=company.ids, tracking_disable=True
            )
            for days_ago in DAYS_AGO:
                history._write_to_late_customers(company, days_ago)
            history._call_late_customers(company)
            history._pay_after_letters(company)

    def _pay_after_letters(self, company):
        """Let some customers pay a part of what a letter claimed, three days ago."""
        lines = self.env["credit.dunning.letter.line"].search(
            [
                ("company_id", "=", company.id),
                ("kind", "=", "chased"),
                ("state", "=", "sent"),
                ("is_reminder", "=", False),
                ("move_line_id.reconciled", "=", False),
            ],
            order="amount_company, id",
        )
        of_customers = lines.grouped("partner_id")
        for _customer, told in list(of_customers.items())[:PAYERS]:
            self.env["account.payment.register"].with_context(
                active_model="account.move.line", active_ids=told[:1].move_line_id.ids
            ).create(
                {
                    "payment_date": company._credit_today() - timedelta(days=3),
                    "amount": told[:1].currency_id.round(told[:1].amount * 0.4),
                    "payment_difference_handling": "open",
                }
            )._create_payments()

    def _call_late_customers(self, company):
        """Let calls be due, and one be made: nobody answered."""
        accountant = self.env.ref("credit_management.demo_user_accountant")
        letters = self.env["credit.dunning.letter"].search(
            [
                ("company_id", "=", company.id),
                ("state", "=", "sent"),
                ("level_id.activity_type_id", "!=", False),
            ],
            order="message_date desc, id desc",
        )
        profiles = letters.profile_id
        profiles._refresh()
        called = profiles.filtered("overdue_amount")[:CALLS]
        for profile in called:
            letter = letters.filtered(lambda one, file=profile: one.profile_id == file)
            letter[:1].user_id = accountant
            letter[:1].with_context(mail_activity_quick_update=True)._apply_task()
        if len(called) < CALLS:
            return
        call = (
            self.env["credit.call"]
            .with_user(accountant)
            .with_context(mail_activity_quick_update=True)
            .create(
                {
                    "profile_id": called[-1].id,
                    "result": "not_reached",
                    "note": self.env._("Voice mail; asked to be called back."),
                    "next_step": "again",
                    "next_date": company._credit_today(),
                }
            )
        )
        # sudo: nobody changes a call; this one was made two days ago.
        call.sudo().date -= timedelta(days=2)

    def _write_to_late_customers(self, company, days_ago):
        calendar = company._credit_calendar()
        day = company._credit_today() - timedelta(days=days_ago)
        while not calendar.is_working_day(day):
            day -= timedelta(days=1)
        run = self.env["credit.dunning.run"].create(
            {"company_id": company.id, "date": day}
        )
        run._propose()
        letters = run.letter_ids
        # Some customers were written to less often: they stand at a lower level.
        letters.filtered(lambda letter: letter.partner_id.id % 3 == days_ago % 3)._skip(
            self.env._("Left out after a call")
        )
        written = letters.filtered(lambda letter: letter.state == "proposed")
        written._freeze_texts()
        for letter in written:
            letter.write(
                {
                    "state": "sent" if letter.recipient_emails else "skipped",
                    "message_date": day,
                    "sent_date": datetime.combine(day, time(4, 12)),
                }
            )
        run.write({"state": "done"})
        # A customer who could not be reached then shows up in the next run.
        run.letter_ids.filtered(lambda letter: letter.state == "skipped").unlink()
