"""Looks for English that was left: on screens, in mails, on paper, on the page."""

import re

from lxml import html

from odoo.tests import tagged

from .test_portal import CreditPortalCommon

LANGUAGES = ("nl_NL", "de_DE", "fr_FR")
# Words that are the same in a language; all others that are the same were left.
SAME_WORDS = {
    "nl_NL": {
        "alarm",
        "contact",
        "details",
        "mail",
        "mails",
        "order",
        "post",
        "product",
        *("score", "scores"),
        "start",
        "status",
        "week",
    },
    "de_DE": {
        *("alarm", "details", "journal", "limit", "manager", "name", "normal"),
        *("partner", "pause", "position", "post", "score", "scores", "status", "text"),
    },
    "fr_FR": {
        "absences",
        *(
            "cause",
            "condition",
            "configuration",
            "contact",
            "date",
            "digest",
            "exclusions",
            "journal",
        ),
        *("mail", "mails", "message", "messages", "mode", "pause", "points"),
        *("position", "total"),
        *("score", "scores", "source", "urgent"),
    },
}
# What no reader sees, what is an example of an address, and what the host says.
TECHNICAL = {"print_report_name", "website_form_label"}
NEUTRAL = {
    *("pdf", "name", "example", "com", "logo"),
    *("this block is not always present depending on the printed document".split()),
    *("united", "states", "dollar", "ratings"),
}
ATTRIBUTES = ("title", "aria-label", "placeholder", "alt", "value", "content")
WORD = re.compile(r"[^\W\d_]{3,}")
TAG = re.compile(r"<[^>]*>")


def find_words(text):
    """Return the words of a text, without its tags.

    >>> sorted(find_words('<b class="big">PDF</b> E-mail 3x'))
    ['mail', 'pdf']
    """
    return {word.lower() for word in WORD.findall(TAG.sub(" ", text))}


def read_texts(markup):
    """Return each piece of text that a reader sees or hears, with a word in it."""
    root = html.fromstring(markup)
    for node in root.xpath("//script | //style | //head"):
        node.drop_tree()
    pieces = [text for text in root.itertext() if isinstance(text, str)]
    for name in ATTRIBUTES:
        pieces += root.xpath(f"//@{name}[not(ancestor::input[@type='hidden'])]")
    return {" ".join(piece.split()) for piece in pieces if find_words(piece)}


@tagged("post_install", "-at_install", "credit_once")
class TestLanguages(CreditPortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in LANGUAGES:
            lang = cls.env["res.lang"]._activate_lang(code)
            if "website" in cls.env:  # it offers languages of its own choice
                cls.env["website"].sudo().search([]).language_ids |= lang
        cls.module = cls.env["ir.module.module"].search(
            [("name", "=", "credit_management")]
        )
        cls.module._update_translations(list(LANGUAGES))

    def _assert_translated(self, english, others, data=()):
        """Nothing that is said in English may be said in another language too.

        :param english: the pieces of text in English
        :param dict others: language -> the pieces of text in it
        :param data: what is nobody's language: names, addresses, numbers
        """
        data = NEUTRAL.union(*(find_words(text) for text in data))
        for code, texts in others.items():
            known = data | SAME_WORDS[code]
            left = {text for text in english & texts if not find_words(text) <= known}
            self.assertFalse(left, f"English was left in {code}")

    # === SCREENS === #

    def _read_records(self, model, ids, code):
        """Return the terms of the add-on's records in a language, and how many."""
        terms = {}
        records = self.env[model].browse(ids).exists().with_context(lang=code)
        for name, field in self.env[model]._fields.items():
            if not (field.translate and field.store) or name in TECHNICAL:
                continue
            for record in records:
                value = record[name]
                if value:
                    terms[record.id, name] = (
                        {value}
                        if field.translate is True
                        else set(field.get_trans_terms(value))
                    )
        return terms

    def test_fields_views_menus_and_texts_speak_the_language(self):
        # The demo's customers and terms are data, in the language of their company.
        data = self.env["ir.model.data"].search(
            [("module", "=", "credit_management"), ("name", "not =like", "demo\\_%")]
        )
        checked = 0
        for model, rows in data.grouped("model").items():
            if model not in self.env:
                continue
            ids = rows.mapped("res_id")
            english = self._read_records(model, ids, "en_US")
            checked += len(english)
            for code in LANGUAGES:
                other = self._read_records(model, ids, code)
                same = {
                    text
                    for key, texts in english.items()
                    for text in texts & other.get(key, set())
                    if find_words(text)
                }
                with self.subTest(model=model, lang=code):
                    self._assert_translated(same, {code: same})
        self.assertGreater(checked, 1000)

    # === WHAT LEAVES, AND THE CUSTOMER'S PAGE === #

    def _prepare_customer(self, code):
        """Return the credit file of a customer who has all that can be said."""
        customer = self._create_customer(f"Kunde {code}", lang=code)
        customer.write({"street": "Laan", "city": "Ort", "ref": "Ref"})
        for days_late in (-20, -2, 4, 40, 400):
            self._create_late_invoice(days_late, 100.0, partner=customer)
        self._create_credit_note(30.0, partner=customer)
        return self._get_profile(customer)

    def _send_letters(self):
        """Send a letter of each level of the ready-made policies to each customer."""
        for level in self.policy.level_ids:
            level.mail_template_id = self.env.ref(
                "credit_management.mail_template_business_1"
            )
        return self._send_all_due().letter_ids

    def test_letters_pages_and_paper_speak_the_language_of_the_customer(self):
        profiles = {
            code: self._prepare_customer(code) for code in ("en_US", *LANGUAGES)
        }
        letters = {one.profile_id: one for one in self._send_letters()}
        seen = {code: {} for code in profiles}
        for code, profile in profiles.items():
            letter = letters[profile]
            self.assertEqual(letter.state, "sent")
            statement = self.env["credit.statement"].create({"profile_id": profile.id})
            pieces = seen[code]
            pieces["letter"] = letter.body
            pieces["paper"] = self._render("credit_dunning_letter", letter)
            pieces["statement"] = self._render("credit_statement", statement)
            page = self._open(self._get_link(profile))
            (root,) = page.xpath("//*[hasclass('o_credit_portal')]")
            pieces["page"] = html.tostring(root, encoding="unicode")
        data = [
            "company_1_data Laan Ort Ref USD",
            *self.policy.level_ids.mapped("name"),
            *(profile.partner_id.name for profile in profiles.values()),
            *self.env["account.move"].search([]).mapped("name"),
            *filter(None, self.env["res.partner"].search([]).mapped("email")),
        ]
        for name in seen["en_US"]:
            with self.subTest(name):
                texts = {code: read_texts(str(seen[code][name])) for code in seen}
                english = texts.pop("en_US")
                self.assertTrue(english)
                self._assert_translated(english, texts, data)

    def _render(self, report, record):
        report = f"credit_management.report_{report}"
        content, _kind = (
            self.env["ir.actions.report"].sudo()._render_qweb_html(report, record.ids)
        )
        return content.decode()
