import hashlib

from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import format_date, mute_logger

from ..models.credit_dunning_letter_sending import KEY_HEADER
from .common import CreditCommon

QUEUE_LOG = "odoo.addons.mail.models.mail_mail"


@tagged("post_install", "-at_install", "credit_once")
class TestLetter(CreditCommon):
    def _send_with_error(self, run, error):
        """Send a run while the mail server answers with an error."""
        self._send(run, deliver=False)
        with self.mock_mail_gateway(mail_unlink_sent=False):
            self.send_email_mocked.side_effect = error
            mails = run.letter_ids.sudo().mail_ids
            mails.process_email_queue(mails.ids)
        self.env.invalidate_all()

    def test_the_mail_carries_the_key_and_a_message_id_that_stays(self):
        self._create_late_invoice(4)
        run = self._send_all_due()
        letter = run.letter_ids
        mail = letter.sudo().mail_ids
        self.assertIn(letter.key, mail.message_id)
        self.assertEqual(self._mails[0]["headers"][KEY_HEADER], letter.key)
        self.assertEqual(self._mails[0]["message_id"], mail.message_id)

    def test_the_text_as_sent_is_kept_with_its_hash(self):
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        body = str(letter.body)
        self.assertEqual(letter.body_sha256, hashlib.sha256(body.encode()).hexdigest())
        self.assertEqual(str(letter.sudo().mail_ids.body_html), body)
        self.text.body_html = "<p>Something else</p>"
        preview = self.env["credit.dunning.letter.preview"].create(
            {"letter_id": letter.id}
        )
        self.assertEqual(str(preview.body), body)

    def test_the_mail_shows_items_total_date_account_and_link(self):
        bank = self.env["res.partner.bank"].create(
            {
                "acc_number": "NL02ABNA0123456789",
                "partner_id": self.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        invoice = self._create_late_invoice(4, 1234.5)
        invoice.partner_bank_id = bank
        letter = self._send_all_due().letter_ids
        body = str(letter.body)
        profile = letter.profile_id
        for text in (
            invoice.name,
            "1,234.50",
            "NL02ABNA0123456789",
            invoice.payment_reference,
            f"/my/credit/{profile.id}?access_token={profile.sudo().access_token}",
            "05/20/2026",  # pay by: a week from the frozen Wednesday
        ):
            self.assertIn(text, body)

    def test_own_text_replaces_that_of_the_level_and_keeps_the_items(self):
        invoice = self._create_late_invoice(4)
        run = self._propose()
        run.letter_ids.custom_text = "<p>As we said on the phone</p>"
        self._send(run)
        body = str(run.letter_ids.body)
        self.assertIn("As we said on the phone", body)
        self.assertNotIn("Please pay", body)
        self.assertIn(invoice.name, body)

    def test_own_text_is_never_rendered_as_code(self):
        self._create_late_invoice(4)
        run = self._propose()
        run.letter_ids.custom_text = "<p>{{ object.key }} <t t-out='object.key'/></p>"
        self._send(run)
        body = str(run.letter_ids.body)
        text = body[
            body.index("o_credit_text") : body.index(
                "<table", body.index("o_credit_text")
            )
        ]
        self.assertNotIn(run.letter_ids.key, text)

    def test_a_letter_that_was_sent_cannot_be_changed_or_deleted(self):
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        with self.assertRaises(UserError):
            letter.custom_text = "<p>No</p>"
        with self.assertRaises(UserError):
            letter.line_ids.amount = 1
        with self.assertRaises(UserError):
            letter.unlink()
        with self.assertRaises(UserError):
            letter.line_ids.unlink()

    def test_a_refused_connection_is_tried_again_with_the_same_message_id(self):
        self._create_late_invoice(4)
        run = self._propose()
        with mute_logger(QUEUE_LOG):
            self._send_with_error(run, ConnectionRefusedError("Connection refused"))
        letter = run.letter_ids
        self.assertEqual(letter.state, "sending")
        self.assertEqual(letter.attempt_count, 1)
        message_id = letter.sudo().mail_ids.message_id
        letter.sudo().queued_until = self.today
        self._run_cron("ir_cron_supervise")
        self.assertEqual(letter.sudo().mail_ids.state, "outgoing")
        self._deliver()
        self.assertEqual(letter.state, "sent")
        self.assertEqual(self._mails[0]["message_id"], message_id)

    def test_a_lasting_refusal_fails_the_letter_and_makes_a_task(self):
        invoice = self._create_late_invoice(4)
        run = self._propose()
        with mute_logger(QUEUE_LOG):
            self._send_with_error(run, Exception("(550, b'5.1.1 User unknown')"))
        letter = run.letter_ids
        self.assertEqual(letter.state, "failed")
        self.assertIn("User unknown", letter.state_reason)
        self.assertFalse(invoice.credit_level_id)
        self.assertTrue(letter.activity_ids)

    def test_at_most_once_asks_a_person_when_the_line_was_cut(self):
        self.first.send_once = True
        invoice = self._create_late_invoice(4)
        run = self._propose()
        with mute_logger(QUEUE_LOG):
            self._send_with_error(run, Exception("Connection unexpectedly closed"))
        letter = run.letter_ids
        self.assertEqual(letter.state, "unknown")
        self.assertTrue(letter.activity_ids)
        letter.action_confirm_sent()
        self.assertEqual(letter.state, "sent")
        self.assertEqual(invoice.credit_level_id, self.first)

    def test_a_failed_letter_goes_again_to_the_new_address(self):
        self.customer.email = False
        self._create_late_invoice(4)
        run = self._send_all_due()
        letter = run.letter_ids
        self.assertEqual(letter.state, "failed")
        self.customer.email = "new@example.com"
        letter.action_retry()
        self._run_cron("ir_cron_send_letters")
        self._deliver()
        self.assertEqual(letter.state, "sent")
        self.assertEqual(letter.recipient_emails, "new@example.com")

    def test_a_failed_letter_is_not_repeated_every_night(self):
        self.customer.email = False
        invoice = self._create_late_invoice(4)
        self._send_all_due()
        self.assertEqual(self._reason(self._propose(), invoice), "undeliverable")
        self.customer.email = "new@example.com"
        self.assertEqual(self._propose().letter_ids.level_id, self.first)

    def test_a_letter_by_post_counts_once_it_is_printed(self):
        self.first.write({"send_email": False, "send_letter": True})
        invoice = self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        self.assertTrue(letter.to_print)
        self.assertEqual(letter.state, "sending")
        letter.action_mark_printed()
        self.assertEqual(letter.state, "sent")
        self.assertEqual(invoice.credit_level_id, self.first)

    def test_where_there_is_no_address_the_letter_goes_by_post(self):
        self.first.send_letter = True
        self.customer.email = False
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        self.assertEqual(letter.state, "sending")
        self.assertTrue(letter.to_print)

    def test_a_call_level_gives_the_collector_a_task(self):
        call = self.env.ref("credit_management.mail_activity_type_call")
        self.first.write(
            {"send_email": False, "activity_type_id": call.id, "activity_note": "Ask"}
        )
        invoice = self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        self.assertEqual(letter.state, "sent")
        self.assertEqual(letter.profile_id.activity_ids.activity_type_id, call)
        self.assertEqual(invoice.credit_level_id, self.first)

    def test_tasks_of_a_night_send_no_mail_each(self):
        collector = new_test_user(
            self.env,
            "credit_task",
            "credit_management.group_credit_user",
            email="collector@example.com",
            notification_type="email",
        )
        self.company.credit_user_id = collector
        call = self.env.ref("credit_management.mail_activity_type_call")
        self.first.write({"send_email": False, "activity_type_id": call.id})
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        self.assertEqual(letter.profile_id.activity_ids.user_id, collector)
        self.assertFalse(
            self.env["mail.notification"].search(
                [("res_partner_id", "=", collector.partner_id.id)]
            )
        )

    def test_copies_go_to_the_addresses_of_the_file(self):
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        profile.email_cc = "boss@example.com"
        self._create_late_invoice(4)
        mail = self._send_all_due().letter_ids.sudo().mail_ids
        self.assertEqual(mail.email_cc, "boss@example.com")
        with self.assertRaises(ValidationError):
            profile.email_cc = "not an address"

    def test_line_breaks_in_names_do_not_reach_the_headers(self):
        self.customer.name = "Evil\r\nBcc: spy@example.com"
        self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        self.assertNotIn("\n", letter.sudo().mail_ids.email_to)
        self.assertEqual(letter.state, "sent")

    def test_a_trace_stays_on_the_file_and_on_the_invoice(self):
        invoice = self._create_late_invoice(4)
        letter = self._send_all_due().letter_ids
        for record in (letter.profile_id, invoice):
            self.assertIn(self.first.name, record.message_ids[0].body)

    def test_the_invoices_go_along_where_the_level_says_so(self):
        self.first.attach_invoices = True
        invoice = self._create_late_invoice(4)
        mail = self._send_all_due().letter_ids.sudo().mail_ids
        self.assertEqual(
            mail.attachment_ids.name, invoice._get_invoice_report_filename()
        )
        self.assertTrue(mail.attachment_ids.raw)

    def test_the_ready_made_texts_state_the_figures_and_not_their_examples(self):
        """The host leaves what stands between the tags where it runs nothing."""
        for name in ("business", "consumer"):
            policy = self.env.ref(f"credit_management.policy_{name}")
            self.company.credit_policy_id = policy
            policy.partner_domain = False
            customer = self._create_customer(f"Jansen {name}")
            self._create_late_invoice(40, 4321.0, partner=customer)
            letter = self._propose().letter_ids.filtered(
                lambda one, customer=customer: one.partner_id == customer
            )
            for level in policy.level_ids:
                letter.sudo().write(
                    {"level_id": level.id, "amount_upcoming": letter.amount_total}
                )
                _subject, text = letter._render_level_texts()[letter]
                with self.subTest(level=level.name):
                    self.assertIn("4,321.00", text)
                    for example in ("1,250.00", "12 May", "Alex"):
                        self.assertNotIn(example, text)
                    if not level.is_reminder:
                        day = format_date(self.env, letter.pay_by_date)
                        self.assertIn(day, text)
                    if name == "consumer":
                        self.assertIn(customer.name, text)
