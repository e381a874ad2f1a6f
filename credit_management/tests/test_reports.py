"""What users of other systems report as wrong, each as a test that it is right here.

T01–T08, T21, T22: never chase wrongly · T09–T16: the right message to the right person
· T17–T20: a run that cannot double, stop or lie · T23–T25: the same truth for every
company, currency and language.
"""

from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import Command
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .common import CreditCommon

LETTER_LOG = "odoo.addons.credit_management.models.credit_outgoing_mixin"


@tagged("post_install", "-at_install", "credit_once")
class TestReports(CreditCommon):
    def _pay_without_entry(self, invoice, amount):
        """Register a payment that the host keeps without journal entry."""
        journal = self.company_data["default_journal_bank"]
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": invoice.partner_id.id,
                "amount": amount,
                "currency_id": invoice.currency_id.id,
                "journal_id": journal.id,
                "invoice_ids": [Command.link(invoice.id)],
            }
        )
        # As it is where the payment method has no outstanding account.
        payment.outstanding_account_id = False
        payment.action_post()
        self.assertFalse(payment.move_id)
        invoice.invalidate_recordset()
        invoice._compute_payment_state()
        return payment

    def _create_transaction(self, invoice, amount, state):
        provider = (
            self.env["payment.provider"]
            .sudo()
            .create(
                {"name": "Provider", "company_id": self.company.id, "state": "test"}
            )
        )
        method = (
            self.env["payment.method"]
            .with_context(active_test=False)
            .search([], limit=1)
        )
        transaction = (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": provider.id,
                    "payment_method_id": method.id,
                    "amount": amount,
                    "currency_id": invoice.currency_id.id,
                    "partner_id": invoice.partner_id.id,
                    "operation": "online_redirect",
                    "reference": f"tx-{invoice.id}-{state}",
                    "invoice_ids": [Command.set(invoice.ids)],
                }
            )
        )
        transaction.write(
            {"state": state, "last_state_change": f"{self.today} 08:00:00"}
        )
        return transaction

    # === NEVER CHASE WRONGLY === #

    def test_t01_who_paid_without_journal_entry_is_not_chased(self):
        invoice = self._create_late_invoice(4)
        self._pay_without_entry(invoice, 100.0)
        self.assertEqual(invoice.amount_residual, 100.0)  # the host's open residual
        self.assertEqual(self._reason(self._propose(), invoice), "payment_under_way")

    def test_t02_a_payment_of_ten_does_not_forgive_a_thousand(self):
        invoice = self._create_late_invoice(4, 1000.0)
        self._pay_without_entry(invoice, 10.0)
        self.assertIn(invoice.payment_state, ("paid", "in_payment", "partial"))
        run = self._propose()
        self.assertEqual(run.letter_ids.amount_total, 990.0)

    def test_t03_credits_not_applied_are_netted_and_a_net_credit_is_not_chased(self):
        invoice = self._create_late_invoice(4, 100.0)
        self._create_credit_note(30.0)
        run = self._propose()
        self.assertEqual(run.letter_ids.amount_total, 70.0)
        credit = run.letter_ids.line_ids.filtered(lambda line: line.kind == "credit")
        self.assertEqual(credit.amount, -30.0)
        run.action_cancel()
        self._create_credit_note(80.0)
        run = self._propose()
        self.assertFalse(run.letter_ids)
        self.assertEqual(self._reason(run, invoice), "net_credit")

    def test_t03_a_letter_with_credits_is_sent_with_the_credits_of_that_moment(self):
        self._create_late_invoice(4, 100.0)
        self._create_credit_note(30.0)
        run = self._propose()
        self._create_credit_note(20.0)
        self._send(run)
        letter = run.letter_ids
        self.assertEqual(letter.state, "sent")
        self.assertEqual(letter.amount_total, 50.0)
        credits = letter.line_ids.filtered(lambda line: line.kind == "credit")
        self.assertEqual(sorted(credits.mapped("amount")), [-30.0, -20.0])

    def test_t03_a_credit_counts_once_for_a_customer_with_two_contacts(self):
        first, second = (
            self._create_customer(
                name, parent_id=self.customer.id, is_company=False, type="contact"
            )
            for name in ("Anna", "Bert")
        )
        self._create_late_invoice(4, 100.0, first)
        self._create_late_invoice(4, 100.0, second)
        self._create_credit_note(30.0)
        run = self._propose()
        self.assertEqual(len(run.letter_ids), 2)
        self.assertEqual(sum(run.letter_ids.mapped("amount_total")), 170.0)
        self._send(run)
        self.assertEqual(run.letter_ids.mapped("state"), ["sent", "sent"])
        self.assertEqual(sum(run.letter_ids.mapped("amount_total")), 170.0)

    def test_t04_only_the_late_instalment_is_claimed(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Half now, half in 60 days",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": days}
                    )
                    for days in (0, 60)
                ],
            }
        )
        invoice = self._create_late_invoice(
            4,
            1000.0,
            invoice_date=self._day(4),
            invoice_date_due=False,
            invoice_payment_term_id=term.id,
        )
        self.assertEqual(len(self._receivable_line(invoice)), 2)
        self.assertEqual(self._propose().letter_ids.amount_total, 500.0)

    def test_t05_an_online_payment_under_way_stops_the_letter_for_some_days(self):
        for state in ("pending", "done"):
            customer = self._create_customer(f"Online {state}")
            invoice = self._create_late_invoice(4, partner=customer)
            self._create_transaction(invoice, 100.0, state)
            run = self._propose()
            self.assertEqual(self._reason(run, invoice), "payment_under_way", state)
            run.action_cancel()
        with freeze_time(self.today + timedelta(days=8)):
            run = self._propose()  # a transfer that was chosen and never made
            chased = run.letter_ids.commercial_partner_id.mapped("name")
            self.assertEqual(chased, ["Online pending"])

    def test_t05_a_cancelled_online_payment_stops_nothing(self):
        invoice = self._create_late_invoice(4)
        self._create_transaction(invoice, 100.0, "cancel")
        self.assertTrue(self._propose().letter_ids)

    def test_t06_what_is_paid_between_proposal_and_sending_is_dropped(self):
        paid = self._create_late_invoice(4)
        still_open = self._create_late_invoice(5, 40.0)
        run = self._propose()
        self._pay(paid)
        self._send(run)
        letter = run.letter_ids
        self.assertEqual(letter.amount_total, 40.0)
        dropped = letter.line_ids.filtered("is_excluded")
        self.assertEqual(dropped.move_id, paid)
        self.assertEqual(dropped.excluded_reason, "Paid")
        self.assertNotIn(paid.name, letter.body)
        self.assertFalse(paid.credit_level_id)
        self.assertEqual(still_open.credit_level_id, self.first)

    def test_t06_a_letter_with_nothing_left_does_not_go(self):
        invoice = self._create_late_invoice(4)
        run = self._propose()
        self._pay(invoice)
        self._send(run)
        self.assertEqual(run.letter_ids.state, "skipped")
        self.assertEqual(run.letter_ids.state_reason, "Paid")

    def test_t06_a_part_payment_before_sending_lowers_the_claim(self):
        invoice = self._create_late_invoice(4)
        run = self._propose()
        self._pay(invoice, 60.0)
        self._send(run)
        self.assertEqual(run.letter_ids.amount_total, 40.0)

    def test_t07_flags_of_the_host_and_exclusions_are_honoured_with_their_reason(self):
        flagged = self._create_late_invoice(4, partner=self._create_customer("Flagged"))
        flagged.no_followup = True
        blocked = self._create_late_invoice(4, partner=self._create_customer("Blocked"))
        blocked.action_toggle_block_payment()
        excluded = self._create_late_invoice(4, partner=self._create_customer("Left"))
        self.env["credit.exclusion"].create(
            {
                "scope": "invoice",
                "move_id": excluded.id,
                "reason": "Delivery note missing",
                "until": self.today,
                "company_id": self.company.id,
            }
        )
        run = self._propose()
        self.assertEqual(self._reason(run, flagged), "no_followup")
        self.assertEqual(self._reason(run, blocked), "blocked")
        self.assertEqual(self._reason(run, excluded), "excluded")
        self.assertFalse(run.letter_ids)
        with freeze_time(self.today + timedelta(days=1)):  # it ends by itself
            self.assertEqual(self._propose().letter_ids.line_ids.move_id, excluded)

    def test_t07_a_paused_customer_is_left_alone_until_the_last_day(self):
        invoice = self._create_late_invoice(4)
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        profile.write(
            {"pause_until": self.today + timedelta(days=2), "pause_reason": "Holiday"}
        )
        self.assertEqual(self._reason(self._propose(), invoice), "paused")
        with freeze_time(self.today + timedelta(days=2)):
            self.assertEqual(self._reason(self._propose(), invoice), "paused")
        with freeze_time(self.today + timedelta(days=3)):
            self.assertTrue(self._propose().letter_ids)

    def test_t08_money_in_the_bank_that_nobody_matched_sets_the_customer_aside(self):
        invoice = self._create_late_invoice(4)
        self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.company_data["default_journal_bank"].id,
                "payment_ref": "thank you",
                "partner_id": self.customer.id,
                "amount": 100.0,
                "date": self.today,
            }
        )
        self.assertEqual(self._reason(self._propose(), invoice), "receipt_unmatched")
        self.company.credit_guard_receipts = False
        self.assertTrue(self._propose().letter_ids)

    def test_t21_a_notice_before_the_due_date_raises_no_level(self):
        invoice = self._create_late_invoice(-3)
        letter = self._send_all_due().letter_ids
        self.assertEqual(letter.level_id, self.notice)
        self.assertEqual(letter.amount_total, 0.0)
        with freeze_time(self.today + timedelta(days=3)):  # due today
            self.assertFalse(self._propose().letter_ids)
        with freeze_time(self.today + timedelta(days=6)):
            self.assertEqual(self._propose().letter_ids.level_id, self.first)
            self.assertEqual(invoice.payment_state, "not_paid")

    def test_t22_an_archived_customer_is_left_alone_with_that_reason(self):
        invoice = self._create_late_invoice(4)
        self.customer.active = False
        self.assertEqual(self._reason(self._propose(), invoice), "archived")

    def test_t22_small_sums_are_left_alone(self):
        self.policy.minimum_amount = 50.0
        invoice = self._create_late_invoice(4, 49.99)
        self.assertEqual(self._reason(self._propose(), invoice), "below_minimum")
        self._create_late_invoice(4, 0.01)
        self.assertEqual(self._propose().letter_ids.amount_total, 50.0)

    # === THE RIGHT MESSAGE TO THE RIGHT PERSON === #

    def test_t09_one_message_a_customer_at_the_highest_level(self):
        old = self._create_late_invoice(6)
        self._send_all_due()
        with freeze_time(self.today + timedelta(days=7)):
            new = self._create_late_invoice(-3)
            self.assertEqual(new.invoice_date_due, self.today + timedelta(days=3))
            letter = self._propose().letter_ids
            self.assertEqual(len(letter), 1)
            self.assertEqual(letter.level_id, self.second)
            levels = {line.move_id: line.level_id for line in letter.line_ids}
            self.assertEqual(levels, {old: self.second, new: self.first})

    def test_t10_after_an_outage_one_message_goes_and_no_level_is_skipped(self):
        self._create_late_invoice(45)
        run = self._send_all_due()
        self.assertEqual(run.letter_ids.level_id, self.first)
        self.assertFalse(self._propose().letter_ids)
        with freeze_time(self.today + timedelta(days=5)):
            self.assertEqual(self._propose().letter_ids.level_id, self.second)

    def test_t11_the_interval_counts_every_message_to_the_customer(self):
        self._create_late_invoice(4)
        self._send_all_due()
        other = self._create_late_invoice(3)
        self.assertEqual(self._reason(self._propose(), other), "too_soon")
        with freeze_time(self.today + timedelta(days=4)):
            self.assertEqual(self._reason(self._propose(), other), "too_soon")
        with freeze_time(self.today + timedelta(days=5)):
            self.assertIn(other, self._propose().letter_ids.line_ids.move_id)

    def test_t12_opening_balances_are_shown_with_their_reason_not_lost(self):
        account = self.company_data["default_account_receivable"]
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "date": self._day(60),
                "line_ids": [
                    Command.create(
                        {
                            "account_id": account.id,
                            "partner_id": self.customer.id,
                            "date_maturity": self._day(30),
                            "debit": 80.0,
                        }
                    ),
                    Command.create(
                        {
                            "account_id": self.company_data[
                                "default_account_revenue"
                            ].id,
                            "credit": 80.0,
                        }
                    ),
                ],
            }
        )
        entry.action_post()
        self.assertEqual(self._reason(self._propose(), entry), "no_followup")
        self._receivable_line(entry).no_followup = False
        self.assertEqual(self._propose().letter_ids.amount_total, 80.0)

    def test_t13_the_letter_goes_to_dunning_contact_else_invoice_contact_else_address(
        self,
    ):
        contact = self._create_customer("Anna", parent_id=self.customer.id)
        contact.write({"is_company": False, "type": "contact"})
        address = self._create_customer(
            "Billing", parent_id=self.customer.id, is_company=False, type="invoice"
        )
        invoice = self._create_late_invoice(4, partner=contact)

        def contact_now():
            run = self._propose()
            found = run.letter_ids.partner_id
            run.action_cancel()
            return found

        self.assertEqual(contact_now(), contact)
        contact.email = False
        self.assertEqual(contact_now(), address)
        address.email = False
        self.assertEqual(contact_now(), self.customer)
        dunning = self._create_customer(
            "Dunning", parent_id=self.customer.id, is_company=False, type="dunning"
        )
        self.assertEqual(contact_now(), dunning)
        self.assertEqual(invoice.commercial_partner_id, self.customer)

    def test_t14_a_bounce_takes_the_level_back_and_makes_a_task(self):
        invoice = self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        self.assertEqual(invoice.credit_level_id, self.first)
        letter.sudo()._message_receive_bounce(self.customer.email, self.customer)
        self.env.invalidate_all()
        self.assertEqual(letter.state, "failed")
        self.assertFalse(invoice.credit_level_id)
        self.assertTrue(letter.activity_ids)

    def test_t15_a_reply_lands_on_the_letter_and_tells_the_collector(self):
        collector = self.env["res.users"].create(
            {
                "name": "Colin Collector",
                "login": "colin",
                "email": "colin@us.example.com",
                "notification_type": "inbox",
                "company_ids": [Command.set(self.company.ids)],
                "company_id": self.company.id,
                "group_ids": [
                    Command.link(self.env.ref("credit_management.group_credit_user").id)
                ],
            }
        )
        self.company.credit_user_id = collector
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        sent_id = letter.sudo().mail_ids.message_id
        with self.mock_mail_gateway():
            self.env["mail.thread"].sudo().message_process(
                False,
                "From: Azure <azure@example.com>\n"
                "To: money@us.example.com\n"
                "Subject: Re: Reminder\n"
                "Message-ID: <reply-1@example.com>\n"
                f"In-Reply-To: {sent_id}\nReferences: {sent_id}\n\n"
                "We have paid on Monday",
            )
        reply = letter.message_ids.sorted("id")[-1]
        self.assertIn("We have paid on Monday", reply.body)
        self.assertIn(collector.partner_id, reply.sudo().notified_partner_ids)

    def test_t16_a_letter_on_a_day_off_waits_for_the_next_working_day(self):
        self.policy.working_days_only = True
        saturday = self.today + timedelta(days=3)
        invoice = self._create_late_invoice(1)
        with freeze_time(saturday):
            run = self._propose()
            self.assertEqual(self._reason(run, invoice), "not_working_day")
            self.assertEqual(run.outcome_ids.next_date, saturday + timedelta(days=2))

    # === A RUN THAT CANNOT DOUBLE, STOP OR LIE === #

    def test_t17_a_run_made_twice_sends_once(self):
        self._create_late_invoice(4)
        first = self._propose()
        second = self._propose()
        self.assertFalse(second.letter_ids)
        self.assertEqual(second.outcome_ids.reason, "in_open_run")
        self._send(first)
        self._run_cron("ir_cron_send_letters")
        self._deliver()
        self.assertEqual(len(self._letters_of(self.customer)), 1)
        self.assertFalse(self._propose().letter_ids)

    def test_t17_the_database_refuses_a_second_live_line_at_a_level(self):
        self._create_late_invoice(4)
        line = self._propose().letter_ids.line_ids
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.env.cr.savepoint(),
        ):
            line.sudo().copy()
            self.env.flush_all()

    def test_t18_one_bad_customer_stops_nobody_and_is_parked_with_a_task(self):
        bad = self._create_customer("Bad")
        self._create_late_invoice(4)
        self._create_late_invoice(4, partner=bad)
        run = self._propose()
        Letter = type(self.env["credit.dunning.letter"])
        freeze_texts = Letter._freeze_texts

        def break_for_bad(letters):
            if bad in letters.commercial_partner_id:
                raise ValueError("cannot be rendered")
            return freeze_texts(letters)

        letter = run.letter_ids.filtered(
            lambda letter: letter.commercial_partner_id == bad
        )
        with (
            patch.object(Letter, "_freeze_texts", break_for_bad),
            mute_logger(LETTER_LOG),
        ):
            self._send(run)
            good = run.letter_ids - letter
            self.assertEqual(good.state, "sent")
            for _attempt in range(2):
                letter.sudo().queued_until = False
                self._run_cron("ir_cron_send_letters")
        self.assertEqual(letter.state, "failed")
        self.assertIn("cannot be rendered", letter.state_reason)
        self.assertTrue(letter.activity_ids)

    def test_t19_no_address_no_level(self):
        self.customer.email = False
        invoice = self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        self.assertEqual(letter.state, "failed")
        self.assertFalse(invoice.credit_level_id)

    def test_t20_every_item_left_alone_says_from_when_it_could_change(self):
        invoice = self._create_late_invoice(1)
        run = self._propose()
        self.assertEqual(run.outcome_ids.move_id, invoice)
        self.assertEqual(run.outcome_ids.next_date, self.today + timedelta(days=2))

    def test_t20_an_item_without_due_date_says_so(self):
        invoice = self._create_late_invoice(4)
        self._receivable_line(invoice).date_maturity = False
        self.assertEqual(self._reason(self._propose(), invoice), "no_due_date")

    # === THE SAME TRUTH FOR EVERY COMPANY, CURRENCY AND LANGUAGE === #

    def test_t23_each_company_chases_its_own_invoices_only(self):
        other_data = self.setup_other_company()
        other = other_data["company"]
        other.write({"credit_mode": "live", "credit_policy_id": self.policy.id})
        here = self._create_late_invoice(4)
        run = self._propose()
        self.assertEqual(run.letter_ids.line_ids.move_id, here)
        there = (
            self.env["credit.dunning.run"]
            .with_company(other)
            .create({"company_id": other.id})
        )
        there.action_propose()
        self.assertFalse(there.letter_ids)

    def test_t24_currencies_are_never_added(self):
        currency = self.setup_other_currency("EUR", rates=[("2026-01-01", 2.0)])
        self._create_late_invoice(4, 100.0)
        self._create_late_invoice(4, 300.0, currency_id=currency.id)
        self._create_credit_note(30.0, currency_id=currency.id)
        letters = self._propose().letter_ids
        totals = {letter.currency_id.name: letter.amount_total for letter in letters}
        self.assertEqual(
            totals, {self.company.currency_id.name: 100.0, currency.name: 270.0}
        )
        foreign = letters.filtered(lambda letter: letter.currency_id == currency)
        self.assertEqual(foreign.amount_company, 135.0)

    def test_t25_everything_is_in_the_language_of_the_contact(self):
        self.env["res.lang"]._activate_lang("nl_NL")
        self.env["res.lang"]._lang_get("nl_NL").date_format = "%d-%m-%Y"
        self.text.with_context(lang="nl_NL").write(
            {
                "subject": "Herinnering van {{ object.company_id.name }}",
                "body_html": "<p>Wilt u betalen</p>",
            }
        )
        self.customer.lang = "nl_NL"
        invoice = self._create_late_invoice(4, 1234.5)
        letter = self._send_all_due().letter_ids
        self.assertIn("Herinnering van", letter.subject)
        body = str(letter.body)
        self.assertIn("Wilt u betalen", body)
        self.assertIn(invoice.invoice_date_due.strftime("%d-%m-%Y"), body)
        self.assertIn('lang="nl-NL"', body)

    def test_t25_the_ready_made_letters_speak_dutch_german_and_french(self):
        words = {
            "nl_NL": ("Betalingsherinnering", "Geachte", "Vervaldatum"),
            "de_DE": ("Zahlungserinnerung", "Sehr geehrte", "Fälligkeit"),
            "fr_FR": ("Rappel", "Madame, Monsieur", "Échéance"),
        }
        self.company.credit_policy_id = self.env.ref(
            "credit_management.policy_business"
        )
        for lang in words:
            self.env["res.lang"]._activate_lang(lang)
        self.env["ir.module.module"]._load_module_terms(
            ["credit_management"], list(words)
        )
        for lang in words:
            self._create_late_invoice(4, partner=self._create_customer(lang, lang=lang))
        for letter in self._propose().letter_ids:
            subject, body = letter._render_texts()[letter.id]
            title, greeting, heading = words[letter.lang]
            self.assertIn(title.lower(), subject.lower())
            self.assertIn(greeting, body)
            self.assertIn(heading.lower(), body.lower())
