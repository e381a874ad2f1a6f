"""What a level says by SMS, to whom, and what a person sees of it beforehand."""

from types import SimpleNamespace
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from ..logic.text import count_parts
from ..models import phone
from .common import MOBILE, SmsCommon

LANGUAGES = ("en_US", "nl_NL", "de_DE", "fr_FR")


@tagged("post_install", "-at_install")
class TestLevel(SmsCommon):
    # === TEXT === #

    def test_each_kind_of_level_has_a_text_in_four_languages(self):
        for lang in LANGUAGES:
            self.env["res.lang"]._activate_lang(lang)
        self.env["ir.module.module"].search(
            [("name", "=", "credit_management_sms")]
        )._update_translations(LANGUAGES)
        texts = {}
        for level in (self.notice, self.first, self.third):
            for lang in LANGUAGES:
                sample = level.with_context(lang=lang).sms_sample
                texts[level, lang] = sample
                self.assertIn("/c/1234/0123456789abcdef", sample)
                self.assertIn(self.company.name, sample)
                self.assertNotIn("{", sample)
                self.assertLessEqual(count_parts(sample), 2, sample)
        self.assertEqual(len(set(texts.values())), 12)

    def test_a_letter_speaks_the_language_of_its_customer(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.first.sms_text = "{company}: {amount}, {date}, {link}"
        self.first.with_context(lang="de_DE").sms_text = "Bitte {amount} bis {date}"
        self.customer.lang = "de_DE"
        letter = self._hand_over(amount=1250.5)
        self.assertEqual(letter.lang, "de_DE")
        self.assertRegex(letter.sms_body, r"^Bitte .*1\.250,50.* bis \d\d\.\d\d\.2026$")

    def test_no_more_is_told_than_company_amount_day_and_link(self):
        self.customer.name = "Azure SECRET"
        invoice = self._create_late_invoice(4, 777.0)
        letter = self._propose().letter_ids
        body = letter._render_sms_text()
        self.assertIn("777.00", body)
        self.assertIn(letter.profile_id._get_short_url(), body)
        self.assertNotIn("SECRET", body)
        self.assertNotIn(invoice.name, body)
        self.assertNotIn(letter.profile_id.sudo().access_token, body)

    def test_a_text_that_asks_for_what_is_not_known_is_refused(self):
        for text in ("{amont}", "{{ object.env }}", "{company.name}", "{}"):
            with self.assertRaises(ValidationError):
                self.first.sms_text = text

    def test_nothing_in_a_name_or_a_text_is_filled_in_twice_or_run(self):
        self.company.name = "{link} {{ 7*191 }} %(amount)s"
        self.first.sms_text = "{company}!"
        self._create_late_invoice(4)
        body = self._propose().letter_ids._render_sms_text()
        self.assertEqual(body, "{link} {{ 7*191 }} %(amount)s!")

    def test_the_form_shows_the_text_and_what_it_costs(self):
        with Form(self.first) as form:
            form.sms_text = "x" * 161
            self.assertEqual(form.sms_size, "2 parts (161 characters)")
            form.sms_text = "x" * 160
            self.assertEqual(form.sms_size, "1 part (160 characters)")
            self.assertEqual(form.sms_sample, "x" * 160)

    def test_a_level_of_an_sms_alone_needs_no_other_text(self):
        self._only_sms()
        self.assertTrue(self.first._writes_to_customer())
        with self.assertRaises(ValidationError):
            self.first.send_sms = False

    def test_the_preview_shows_number_text_and_length_or_why_there_is_none(self):
        self._create_late_invoice(4)
        letter = self._propose().letter_ids
        preview = self.env["credit.dunning.letter.preview"].create(
            {"letter_id": letter.id}
        )
        self.assertEqual(preview.sms_number, MOBILE)
        self.assertIn("part", preview.sms_size)
        self.assertTrue(preview.body)
        self.customer.phone = False
        preview.invalidate_recordset()
        self.assertEqual(preview.sms_reason, "The customer has no telephone number")
        self._only_sms()
        preview.invalidate_recordset()
        self.assertFalse(preview.body)
        self.assertTrue(preview.sms_body)

    # === WHOM === #

    def _find(self):
        letter = self._propose().letter_ids
        return letter, letter._find_sms_numbers()[letter]

    def test_a_number_that_is_none_or_blocked_gets_nothing_and_is_marked(self):
        self._create_late_invoice(4)
        letter, found = self._find()
        self.assertEqual(found, (MOBILE, False))
        self.assertNotIn("number", letter.flags)
        for written in (False, "ask Jan", "12"):
            self.customer.phone = written
            letter.invalidate_recordset()
            number, reason = letter._find_sms_numbers()[letter]
            self.assertFalse(number)
            self.assertIn(written or "no telephone number", reason)
            self.assertIn("no number for the SMS", letter.flags)
        self.customer.phone = MOBILE
        self.env["phone.blacklist"].sudo().add(MOBILE)
        number, reason = letter._find_sms_numbers()[letter]
        self.assertFalse(number)
        self.assertIn("blacklist", reason)

    def test_a_landline_gets_no_sms_where_the_host_can_tell(self):
        kinds = SimpleNamespace(MOBILE=1, FIXED_LINE_OR_MOBILE=2)
        self._create_late_invoice(4)
        letter = self._propose().letter_ids
        for kind, expected in ((0, None), (1, MOBILE), (2, MOBILE)):
            library = SimpleNamespace(
                PhoneNumberType=kinds,
                parse=lambda number: number,
                number_type=lambda number, kind=kind: kind,
            )
            with patch.object(phone, "phonenumbers", library):
                self.assertEqual(letter._find_sms_numbers()[letter][0], expected)

    def test_the_contact_comes_before_the_company(self):
        contact = self.env["res.partner"].create(
            {"name": "Ann", "parent_id": self.customer.id, "phone": "+49 151 23456789"}
        )
        self._create_late_invoice(4)
        letter = self._propose().letter_ids
        letter.recipient_ids = contact
        self.assertEqual(letter._find_sms_numbers()[letter][0], "+4915123456789")
