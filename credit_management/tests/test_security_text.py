"""What people write stays text, wherever it comes out: trials S10, S23 and S24."""

import ast
from email import policy as email_policy
from email.parser import BytesParser
from pathlib import Path

from lxml import html

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .security_common import SecurityCommon
from .security_tables import TEXTS_RENDERED

SECRET = "PLANTEDSECRET"
PARAMETER = "credit_management.test_secret"
READ_SECRET = f"env['ir.config_parameter'].sudo().get_param('{PARAMETER}')"
# Each would print the secret, or 1337, if anything ever ran it.
PAYLOADS = (
    "{{ 7*191 }}",
    f"{{{{ object.{READ_SECRET} }}}}",
    f"{{{{ user.{READ_SECRET} }}}}",
    '<t t-out="7*191"/>',
    f'<t t-out="object.{READ_SECRET}"/>',
    f'<t t-esc="{READ_SECRET}"/>',
    f'<t t-set="x" t-value="{READ_SECRET}"/><t t-out="x"/>',
    '<t t-call="web.layout"/>',
    "${7*191}",
    "%(secret)s %s %d",
    "{0.env} {object.env}",
    "#{7*191}",
)
ALL_PAYLOADS = " ".join(PAYLOADS)
# What a new header would need, as each system spells a new line.
BREAKS = ("\r\n", "\n", "\r", "\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1e")
MARKUP = (
    "<script>fetch('//evil')</script><iframe src='file:///etc/passwd'></iframe>"
    "<img src=x onerror=alert(1)><svg onload=alert(1)><object data='//evil'></object>"
    "<link rel='stylesheet' href='//evil'><form action='//evil'>"
)
EVIL = "Evil|Bcc: evil@example.com|X-Evil: 1"


@tagged("post_install", "-at_install")
class TestSecurityTemplates(SecurityCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].sudo().set_param(PARAMETER, SECRET)
        cls.text.body_html = "<p>Dear <t t-out='object.partner_id.name'/>, pay.</p>"
        cls.text.subject = "{{ object.partner_id.name }} {{ object.level_id.name }}"

    def _assert_literal(self, rendered, where):
        self.assertTrue(rendered, where)
        self.assertNotIn(SECRET, str(rendered), where)
        self.assertNotIn("1337", str(rendered), where)

    def _write_everywhere(self, actor):
        """Write the payloads into each text that the actor may write; return where."""
        written = set()
        records = self.records | {
            "credit.dunning.letter": self.open_letter,
            "credit.dunning.run": self.open_run,
        }
        for record in records.values():
            mine = record[:1].with_user(self.actors[actor])
            for name, field in record._fields.items():
                if field.type not in ("char", "text", "html") or not field.store:
                    continue
                try:
                    with self.env.cr.savepoint():
                        mine.write({name: ALL_PAYLOADS})
                        self.env.flush_all()
                    written.add(str(field))
                except (AccessError, UserError, ValidationError):
                    self.env.invalidate_all(flush=False)
        return written

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")
    def test_no_text_that_people_write_is_run_by_preview_paper_page_or_mail(self):
        manager = self._write_everywhere("manager")
        collector = self._write_everywhere("collector")
        self.assertEqual(manager | collector, TEXTS_RENDERED)
        for partner in (self.open_letter.partner_id, self.company.partner_id):
            partner.write({"name": ALL_PAYLOADS, "street": ALL_PAYLOADS})
        self.second_invoice.payment_reference = ALL_PAYLOADS
        for custom_text in (False, ALL_PAYLOADS):
            self.open_letter.sudo().custom_text = custom_text
            for where, rendered in self._render_everywhere(self.open_letter):
                with self.subTest(where=where, custom_text=bool(custom_text)):
                    self._assert_literal(rendered, where)

    def _render_everywhere(self, letter):
        """Return all that comes out of a letter: where, text."""
        letter = letter.with_user(self.actors["collector"])
        self.env.invalidate_all()
        preview = self.env["credit.dunning.letter.preview"].browse(
            letter.action_preview()["res_id"]
        )
        yield "subject of preview", preview.subject
        yield "preview", preview.body
        report = self.env["ir.actions.report"].with_user(self.actors["collector"])
        html, _kind = report._render_qweb_html(
            "credit_management.report_credit_dunning_letter", letter.ids
        )
        yield "paper", html.decode()
        html, _kind = report._render_qweb_html(
            "credit_management.report_credit_statement", self.statement.ids
        )
        yield "statement", html.decode()
        subject, body = letter.sudo()._render_texts()[letter.id]
        yield "subject of mail", subject
        yield "mail", body
        yield "reason", letter.sudo().profile_id.next_action or "none"

    # === WHO WRITES TEMPLATES === #

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")
    def test_a_manager_edits_the_texts_but_puts_no_code_into_them(self):
        template = self.env.ref("credit_management.mail_template_business_1")
        for user in (self.actors["manager"], self.actors["collector"]):
            mine = template.with_user(user)
            for payload in PAYLOADS:
                for name in ("body_html", "subject"):
                    if name == "subject" and not payload.startswith("{{"):
                        continue
                    if name == "body_html" and "t-" not in payload:
                        continue
                    with self.subTest(user=user.login, field=name, payload=payload):
                        with self.assertRaises(AccessError):
                            mine.write({name: payload})
                        with self.assertRaises(AccessError):
                            mine.update_field_translations(name, {"en_US": payload})

    def test_a_manager_rewords_a_text_with_the_placeholders_it_has(self):
        manager = self.actors["manager"]
        names = self.env["ir.model.data"].search(
            [("module", "=", "credit_management"), ("model", "=", "mail.template")]
        )
        self.assertGreater(len(names), 5)
        for template in self.env["mail.template"].browse(names.mapped("res_id")):
            body = str(template.body_html).replace("</p>", " Regards.</p>", 1)
            template.with_user(manager).write(
                {"body_html": body, "subject": f"{template.subject}!"}
            )
            self.assertIn("Regards.", str(template.body_html))
        self.open_letter.custom_text = False
        template = self.env.ref("credit_management.mail_template_business_1")
        copied = template.with_user(manager).copy({"name": "Another"})
        self.first.with_user(manager).mail_template_id = copied
        _subject, body = self.open_letter._render_texts()[self.open_letter.id]
        self.assertIn("Regards.", body)

    def test_a_manager_writes_no_templates_of_other_models(self):
        template = self.env["mail.template"].create(
            {"name": "x", "model_id": self.env["ir.model"]._get_id("res.partner")}
        )
        with (
            self.assertRaises(AccessError),
            mute_logger("odoo.addons.base.models.ir_rule"),
        ):
            template.with_user(self.actors["manager"]).name = "Mine"

    def test_a_text_of_another_model_is_never_rendered_for_a_letter(self):
        self.text.write({"subject": "Text", "body_html": "<p>Text</p>"})
        self.text.model_id = self.env["ir.model"]._get_id("res.users")
        with self.assertRaises(UserError):
            self.open_letter._render_texts()

    # === FILTERS === #

    def test_a_filter_asks_for_nothing_that_its_writer_may_not_read(self):
        """It is evaluated by the nightly job, which may read everything."""
        manager = self.policy.with_user(self.actors["manager"])
        for domain in (
            "[('user_ids.totp_secret', '=like', 'A%')]",
            "[('signup_type', '=', 'reset')]",
            "[('user_ids.api_key_ids.key', 'like', 'a')]",
            "[('user_ids', 'any', [('password', 'like', 'a')])]",
            "__import__('os').system('true')",
            "[('id', '=', uid)]",
            "{'a': 1}",
            "x" * 10_000,
        ):
            with self.subTest(domain=domain[:60]):
                self.assertTrue(self._is_refused(manager, domain))
        self.assertFalse(self._is_refused(manager, "[('country_id.code', '=', 'NL')]"))

    def _is_refused(self, policy, domain):
        try:
            with self.env.cr.savepoint():
                policy.write({"partner_domain": domain})
        except (AccessError, ValidationError):
            return True
        return False


@tagged("post_install", "-at_install", "credit_full")
class TestSecurityHeaders(SecurityCommon):
    """A name is one line of one header, whatever stands in it."""

    def _send_with(self, name):
        """Send a letter where the names in its headers hold the text; return it."""
        customer = self._create_customer("Header")
        customer.name = name
        self.first.name = name
        self._create_late_invoice(4, partner=customer)
        self.text.subject = "{{ object.level_id.name }} {{ object.partner_id.name }}"
        run = self._propose()
        run.action_approve_and_send()
        self._run_cron("ir_cron_send_letters")
        return run.letter_ids.filtered(lambda one: one.partner_id == customer)

    def test_a_line_break_in_a_name_makes_no_new_header_and_stops_no_letter(self):
        plain = self._build_message(self._send_with("Plain"))
        for line_break in BREAKS:
            with self.subTest(line_break=repr(line_break)):
                letter = self._send_with(EVIL.replace("|", line_break))
                self.assertEqual(letter.state, "sending", letter.state_reason)
                message = self._build_message(letter)
                self.assertEqual(sorted(message.keys()), sorted(plain.keys()))
                self.assertEqual(len(message["To"].addresses), 1)
                self.assertEqual(message["To"].addresses[0].domain, "example.com")
                self.assertIn("evil@example.com", message["Subject"])

    def test_a_line_break_in_the_name_of_the_company_makes_no_new_header(self):
        """The host refuses to build such a message; it must not let it pass instead."""
        plain = self._build_message(self._send_with("Plain"))
        for line_break in BREAKS:
            with self.subTest(line_break=repr(line_break)):
                self.company.partner_id.name = EVIL.replace("|", line_break)
                letter = self._send_with(f"Plain {line_break!r}")
                try:
                    message = self._build_message(letter)
                except ValueError:
                    continue
                self.assertEqual(sorted(message.keys()), sorted(plain.keys()))

    def _build_message(self, letter):
        """Return the message as a mail server would read it."""
        mail = letter.sudo().mail_ids
        values = {
            "email_from": mail.email_from,
            "email_to": [mail.email_to],
            "email_cc": [mail.email_cc] if mail.email_cc else [],
            "subject": mail.subject,
            "body": mail.body_html,
            "subtype": "html",
            "reply_to": mail.reply_to,
            "message_id": mail.message_id,
        }
        message = self.env["ir.mail_server"]._build_email__(**values)
        return BytesParser(policy=email_policy.SMTP).parsebytes(message.as_bytes())

    def test_markup_in_names_stays_text_on_paper_in_mail_and_preview(self):
        self.open_letter.custom_text = f"<p>Own text</p>{MARKUP}"
        for record in (
            self.open_letter.partner_id,
            self.company.partner_id,
            self.first,
            self.second_invoice,
        ):
            record.name = f"Name {MARKUP}"
        self.open_letter.line_ids.sudo().name = f"Line {MARKUP}"
        self.second_invoice.payment_reference = f"Reference {MARKUP}"
        self.env.flush_all()
        letter = self.open_letter
        _subject, mail = letter._render_texts()[letter.id]
        paper, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "credit_management.report_credit_dunning_letter", letter.ids
        )
        for where, rendered in (("mail", mail), ("paper", paper.decode())):
            page = html.fromstring(rendered)
            with self.subTest(where=where):
                self.assertIn("Own text", page.text_content())
                self.assertIn("<iframe", page.text_content())
                self.assertFalse(
                    page.xpath(
                        "//iframe | //object | //form | //*[@onload]"
                        " | //*[@onerror and not(self::script)]"
                        " | //script[contains(., 'evil')]"
                        " | //link[contains(@href, 'evil')]"
                    )
                )

    def test_the_add_on_makes_no_spreadsheets_of_its_own(self):
        """The host exports, past our guards of its writers. Who writes one, escapes.

        See `TestExport`, and `test_the_workbook_holds_numbers_and_no_formulas`.
        """
        makers = {"csv", "openpyxl", "xlsxwriter", "xlwt"}
        root = Path(__file__).parents[1]
        for path in root.rglob("*.py"):
            # Tests read what was written.
            if path.name == "credit_statement.py" or path.parent.name == "tests":
                continue
            tree = ast.parse(path.read_text())
            names = {
                name.split(".")[0]
                for node in ast.walk(tree)
                if isinstance(node, (ast.Import, ast.ImportFrom))
                for name in [
                    getattr(node, "module", None) or "",
                    *(alias.name for alias in node.names),
                ]
            }
            self.assertFalse(names & makers, path.name)

    def test_a_copy_goes_to_addresses_only(self):
        for address in (
            "a@example.com\nBcc: evil@example.com",
            "a@example.com\r\n\r\nbody",
            "a@example.com%0aBcc:evil@example.com,",
        ):
            for record in (self.open_letter, self.profile):
                with self.subTest(address=address, record=record._name):
                    with self.assertRaises(ValidationError):
                        record.email_cc = address
                        self.env.flush_all()
