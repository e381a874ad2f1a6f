"""What customers write: in the inbox, answered from there, and nothing internal out."""

from markupsafe import Markup

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..logic import uploads
from ..models.credit_profile import PORTAL_FILES_A_DAY, PORTAL_WRITES_A_DAY
from .common import CreditCommon
from .test_portal import XSS, CreditPortalCommon
from .test_portal_dispute import NAMES, REFUSED

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
LOGS = (
    "odoo.http",
    "odoo.addons.base.models.ir_rule",
    "odoo.addons.mail.models.mail_thread",
    "werkzeug",
)


@tagged("post_install", "-at_install", "credit_once")
class TestTalk(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._create_late_invoice(4)
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )
        cls.profile.user_id = cls.env.user

    def inbox(self):
        return self.env["credit.message"].search(
            [("profile_id", "=", self.profile.id)], order="id"
        )

    def customer_writes(self, record=None, body="Where is the second box?", **values):
        record = self.invoice if record is None else record
        values = {"author_id": self.customer.id, "message_type": "comment"} | values
        return record.sudo().message_post(
            body=body, subtype_xmlid="mail.mt_comment", **values
        )

    def answer(self, message, text="It left yesterday."):
        wizard = self.env["credit.message.answer"].create(
            {"credit_message_id": message.id, "text": text}
        )
        wizard.action_answer()

    def test_what_a_customer_writes_lands_in_the_inbox_of_the_collector(self):
        self.customer_writes()
        message = self.inbox()
        self.assertEqual((message.state, message.user_id), ("unread", self.env.user))
        self.assertEqual(message.text, "Where is the second box?")
        self.assertEqual(message.document_name, self.invoice.display_name)
        self.assertEqual(message.author_name, self.customer.display_name)
        self.assertEqual(message.action_open_document()["res_id"], self.invoice.id)
        self.assertEqual(message.state, "read")

    def test_what_we_write_or_the_program_notes_is_no_message_of_theirs(self):
        for subtype in ("mail.mt_comment", "mail.mt_note"):
            self.invoice.message_post(
                body="Ours", message_type="comment", subtype_xmlid=subtype
            )
        self.invoice.sudo().message_post(body="Paid", author_id=self.customer.id)
        self.invoice._message_log(body="Changed")
        self.assertFalse(self.inbox())

    def test_talk_on_a_purchase_is_not_ours(self):
        bill = self.init_invoice("in_invoice", partner=self.customer, amounts=[10])
        self.customer_writes(bill)
        self.assertFalse(self.inbox())

    def test_an_answer_goes_to_who_wrote_and_closes_what_waited(self):
        self.customer_writes()
        self.customer_writes(body="Hello?")
        first, second = self.inbox()
        with self.mock_mail_gateway():
            self.answer(second)
        self.assertEqual((first + second).mapped("state"), ["answered"] * 2)
        self.assertEqual(first.answered_by_id, self.env.user)
        said = self.invoice.message_ids[0]
        self.assertIn("It left yesterday.", said.body)
        self.assertFalse(said.is_internal)
        self.assertIn(self.customer, said.notified_partner_ids)

    def test_answered_in_the_talk_of_the_invoice_is_answered_too(self):
        self.customer_writes()
        spoken = {"message_type": "comment", "body": "Soon"}
        self.invoice.message_post(subtype_xmlid="mail.mt_note", **spoken)
        self.assertEqual(self.inbox().state, "unread")
        self.invoice.message_post(subtype_xmlid="mail.mt_comment", **spoken)
        self.assertEqual(self.inbox().state, "answered")

    def test_ready_answers_fill_in_and_can_be_changed(self):
        self.customer_writes()
        canned = self.env["mail.canned.response"].create(
            {"source": "bank", "substitution": "Our bank account is on the invoice."}
        )
        wizard = self.env["credit.message.answer"].create(
            {"credit_message_id": self.inbox().id, "canned_id": canned.id}
        )
        self.assertEqual(wizard.text, "Our bank account is on the invoice.")
        wizard.text = " "
        with self.assertRaises(UserError):
            wizard.action_answer()

    def test_an_answer_is_plain_text(self):
        self.customer_writes()
        with self.mock_mail_gateway():
            self.answer(self.inbox(), "<script>x</script>")
        self.assertIn("&lt;script&gt;", self.invoice.message_ids[0].body)

    def test_words_on_a_dispute_land_there_and_its_answer_closes_them(self):
        reason = self.env["credit.dispute.reason"].search([], limit=1)
        dispute = self.env["credit.dispute"]._open(
            self.profile, reason, [{"move": self.invoice, "amount": 10.0}], "Broken"
        )
        dispute._hear_customer("Two of them", self.customer)
        self.assertEqual(self.inbox().res_model, "credit.dispute")
        dispute._ask("Which two?")
        self.assertEqual(self.inbox().state, "answered")

    def test_a_reply_by_mail_to_a_letter_lands_on_it(self):
        letter = self._send_all_due().letter_ids
        self.assertEqual(letter.state, "sent")
        mail = letter.mail_ids[:1]
        message_id = mail.message_id or self._mails[0]["message_id"]
        self._reply(message_id, "I have paid on Monday.")
        message = self.inbox()
        self.assertEqual((message.res_model, message.res_id), (letter._name, letter.id))
        self.assertIn("I have paid on Monday.", message.text)
        self.assertEqual(message.author_name, self.customer.display_name)

    @mute_logger("odoo.addons.mail.models.mail_thread")
    def _reply(self, message_id, text):
        with self.mock_mail_gateway():
            self.env["mail.thread"].sudo().message_process(
                False,
                f"From: {self.customer.email}\n"
                "To: catchall@example.com\nSubject: Re: Reminder\n"
                f"In-Reply-To: {message_id}\nReferences: {message_id}\n"
                f"Message-Id: <reply.1@example.com>\n\n{text}\n",
            )

    # === WORDS THAT LOOK LIKE A DISPUTE === #

    def reason(self, keywords, **values):
        return self.env["credit.dispute.reason"].create(
            {"name": keywords, "keywords": keywords, "sequence": 0} | values
        )

    def test_a_reply_by_mail_proposes_a_dispute_and_a_person_opens_it(self):
        reason = self.reason("leaky lid, spilt")
        letter = self._send_all_due().letter_ids
        message_id = letter.mail_ids.message_id or self._mails[0]["message_id"]
        self._reply(message_id, "All was SPILT.\n\n> Please pay.")
        message = self.inbox()
        self.assertEqual(message.proposed_reason_id, reason)
        self.assertFalse(self.env["credit.dispute"].search(self.of_profile()))
        action = message.action_dispute()
        window = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(window.reason_id, reason)
        self.assertEqual(window.line_ids.move_id, self.invoice)
        self.assertEqual(window.description, "All was SPILT.")
        window.line_ids[0].amount = 10.0
        window.action_open()
        dispute = self.env["credit.dispute"].search(self.of_profile())
        self.assertEqual(message.dispute_id, dispute)
        self.assertEqual(dispute.reason_id, reason)

    def of_profile(self):
        return [("profile_id", "=", self.profile.id)]

    def test_what_a_reply_quotes_proposes_nothing(self):
        self.reason("spilt")
        quoted = "<p>Thanks.</p><blockquote><p>Was it spilt?</p></blockquote>"
        self.customer_writes(body=Markup(quoted), message_type="email")
        self.assertFalse(self.inbox().proposed_reason_id)

    def test_words_of_the_language_of_the_customer_go_first(self):
        self.env["res.lang"]._activate_lang("nl_NL")
        dutch = self.reason("spilt", sequence=2)
        dutch.with_context(lang="nl_NL").keywords = "gelekt"
        english = self.reason("leaked")
        english.with_context(lang="nl_NL").keywords = "gebarsten"
        self.customer.lang = "nl_NL"
        self.customer_writes(body="Het heeft gelekt, it leaked.")
        self.assertEqual(self.inbox().proposed_reason_id, dutch)

    def test_what_is_in_dispute_already_is_not_proposed_again(self):
        reason = self.reason("spilt")
        self.env["credit.dispute"]._open(
            self.profile, reason, [{"move": self.invoice, "amount": 10.0}], "Broken"
        )
        self.customer_writes(body="It was spilt.")
        self.assertFalse(self.inbox().proposed_reason_id)

    def test_a_person_says_that_it_is_no_dispute(self):
        self.reason("spilt")
        self.customer_writes(body="Nothing was spilt.")
        self.assertTrue(self.inbox().proposed_reason_id)
        self.inbox().action_no_dispute()
        self.assertFalse(self.inbox().proposed_reason_id)

    def test_reasons_of_another_company_propose_nothing_here(self):
        other = self.env["res.company"].create({"name": "Another"})
        self.env.user.company_ids |= other
        self.reason("spilt", company_id=other.id)
        self.customer_writes(body="It was spilt.")
        self.assertFalse(self.inbox().proposed_reason_id)

    def test_a_window_keeps_to_messages_of_its_customer(self):
        self.customer_writes()
        other = self.env["credit.profile"]._get_or_create(
            self.company, self.env["res.partner"].create({"name": "Somebody"})
        )
        window = self.env["credit.dispute.open"].create(
            {
                "profile_id": other.id,
                "reason_id": self.reason("x").id,
                "credit_message_id": self.inbox().id,
            }
        )
        with self.assertRaises(UserError):
            window.action_open()
        self.assertFalse(self.inbox().dispute_id)

    def test_nobody_rewrites_what_was_said(self):
        self.customer_writes()
        with self.assertRaises(UserError):
            self.inbox().write({"state": "answered"})
        with self.assertRaises(AccessError):
            self.inbox().unlink()

    def test_salespeople_do_not_read_the_inbox(self):
        self.customer_writes()
        seller = new_test_user(self.env, login="talk_seller", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.inbox().with_user(seller).read(["text"])


@tagged("post_install", "-at_install", "credit_once")
class TestTalkOnline(CreditPortalCommon):
    """The host's talk on the page of an invoice, by login and by link."""

    def setUp(self):
        super().setUp()
        self.invoice = self._create_late_invoice(4)
        self.invoice._portal_ensure_token()
        self.profile = self._get_profile(self.customer)

    def post(self, body="Where is it?", token=True, **values):
        data = {"body": body, "message_type": "comment"} | values
        data["subtype_xmlid"] = "mail.mt_comment"
        params = {
            "thread_model": "account.move",
            "thread_id": self.invoice.id,
            "post_data": data,
        }
        if token:
            own = self.invoice.access_token
            params["token"] = own if token is True else token
        self.env.flush_all()
        answer = self.url_open(
            "/mail/message/post", json={"jsonrpc": "2.0", "params": params}
        )
        self.env.invalidate_all()
        self.assertLess(answer.status_code, 500)
        return answer.json()

    def inbox(self):
        return self.env["credit.message"].search(
            [("profile_id", "=", self.profile.id)], order="id"
        )

    def test_by_link_nobody_is_named_and_only_text_comes_in(self):
        answer = self.post("<p>Hello <b>you</b><script>alert(1)</script></p>")
        self.assertIn("result", answer)
        message = self.inbox()
        self.assertEqual(message.author_name, "By link")
        self.assertIn("Hello", message.text)
        body = self.invoice.message_ids[0].body
        for tag in ("<script", "<b>"):
            self.assertNotIn(tag, body)
        self.assertNotEqual(self.invoice.message_ids[0].author_id, self.customer)

    def test_without_the_token_or_with_that_of_another_nothing_comes_in(self):
        other = self._create_late_invoice(5)
        other._portal_ensure_token()
        with mute_logger("odoo.http"):
            self.assertIn("error", self.post(token=False))
            self.assertIn("error", self.post(token=other.access_token))
            self.assertIn("error", self.post(token="x" * 36))
        self.assertFalse(self.inbox())

    def test_as_often_as_one_may_and_no_more(self):
        profile = self.profile.sudo()
        profile.write({"portal_date": self.today, "portal_count": 29})
        self.assertIn("result", self.post())
        with mute_logger("odoo.http"):
            self.assertIn("error", self.post())
        self.assertEqual(len(self.inbox()), 1)

    def test_a_flood_leaves_what_the_quota_takes_and_tells_nothing(self):
        """Many posts in a row: so many are taken, the rest hears why and no more."""
        written = self.env["mail.message"].search_count([])
        taken, refused = 0, set()
        with mute_logger("odoo.http"):
            for at in range(PORTAL_WRITES_A_DAY * 3):
                answer = self.post(f"Hello {at}")
                if "result" in answer:
                    taken += 1
                else:
                    refused.add(answer["error"]["data"]["message"])
        self.assertEqual(taken, PORTAL_WRITES_A_DAY)
        self.assertEqual(len(self.inbox()), PORTAL_WRITES_A_DAY)
        self.assertEqual(
            self.env["mail.message"].search_count([]) - written, PORTAL_WRITES_A_DAY
        )
        self.assertEqual(refused, {self.profile._explain_portal_quota()})

    def test_files_are_told_by_what_is_in_them(self):
        def attach(name, content):
            files = self.env["ir.attachment"].with_user(
                self.env.ref("base.public_user")
            )
            return files.sudo().create(
                {
                    "name": name,
                    "raw": content,
                    "res_model": "mail.compose.message",
                    "res_id": 0,
                }
            )

        good, bad = attach("photo.exe", PNG), attach("photo.png", b"MZ\x00\x01")
        for file, taken in ((good, True), (bad, False)):
            with mute_logger("odoo.http"):
                answer = self.post(
                    attachment_ids=file.ids,
                    attachment_tokens=[file._get_ownership_token()],
                )
            self.assertEqual("result" in answer, taken, answer)
        self.assertEqual(good.name, "photo.png")
        self.assertEqual(self.inbox().attachment_ids, good)

    # === ATTACKS === #

    def ask(self, route, token=None, **params):
        """Ask a door of the host as its pages do."""
        if token:
            params["token"] = token
        self.env.flush_all()
        answer = self.url_open(route, json={"jsonrpc": "2.0", "params": params})
        self.env.invalidate_all()
        self.assertLess(answer.status_code, 500)
        return answer.json()

    def upload(self, name="photo.png", content=PNG, record=None, **values):
        record = self.invoice if record is None else record
        if not self.session:
            self.authenticate(None, None)
        data = {
            "csrf_token": http.Request.csrf_token(self),
            "thread_model": record._name,
            "thread_id": str(record.id),
            "is_pending": "true",
            "token": record.sudo().access_token,
        }
        self.env.flush_all()
        answer = self.url_open(
            "/mail/attachment/upload",
            data={key: value for key, value in (data | values).items() if value},
            files=[("ufile", (name, content))],
        )
        self.env.invalidate_all()
        self.assertLess(answer.status_code, 500)
        return answer

    def files(self):
        return (
            self.env["ir.attachment"]
            .sudo()
            # Style sheets are made when a page is first shown.
            .search([("url", "=", False)], order="id")
        )

    @mute_logger(*LOGS)
    def test_others_with_a_login_write_nothing_and_hear_nothing(self):
        self._login(self.other_user)
        before = self.files()
        for token in (False, "x", self.profile.sudo()._portal_ensure_token()):
            self.assertIn("error", self.post(token=token))
            self.assertEqual(self.upload(token=token or None).status_code, 404)
        answer = self.ask(
            "/mail/thread/messages",
            thread_model="account.move",
            thread_id=self.invoice.id,
        )
        self.assertNotIn('"message_id"', str(answer))
        self.assertFalse(self.inbox())
        self.assertEqual(self.files(), before)

    @mute_logger(*LOGS)
    def test_each_contact_of_the_customer_writes_under_the_own_name(self):
        second = self._create_portal_user("azure.second", self.customer)
        moved = self._create_portal_user("azure.moved", self.customer)
        moved.partner_id.parent_id = self.other
        for user in (self.azure_user, second):
            self._login(user)
            self.assertIn("result", self.post(token=False))
            self.assertEqual(
                self.inbox()[-1].message_id.sudo().author_id, user.partner_id
            )
        self._login(moved)
        self.assertIn("error", self.post(token=False))
        self.assertEqual(len(self.inbox()), 2)

    @mute_logger(*LOGS)
    def test_it_is_a_comment_of_who_writes_whatever_else_is_sent(self):
        self.post(
            message_type="notification",
            subtype_xmlid="mail.mt_note",
            author_id=self.env.user.partner_id.id,
            email_from="boss@us.example.com",
            partner_ids=self.other.ids,
            partner_emails=["victim@example.com"],
            is_internal=True,
            model="credit.profile",
            res_id=self.profile.id,
            tracking_value_ids=[[0, 0, {}]],
        )
        message = self.inbox().message_id.sudo()
        self.assertEqual(message.message_type, "comment")
        self.assertEqual(message.subtype_id, self.env.ref("mail.mt_comment"))
        self.assertEqual(
            (message.model, message.res_id), ("account.move", self.invoice.id)
        )
        self.assertEqual(message.author_id, self.env.ref("base.public_partner"))
        self.assertNotIn("boss@", message.email_from or "")
        self.assertFalse(message.partner_ids)

    @mute_logger(*LOGS)
    def test_nobody_rewrites_what_a_customer_said_not_even_the_customer(self):
        self._login(self.azure_user)
        self.post("The first words", token=False)
        message = self.inbox().message_id.sudo()
        bad = self.files().create({"name": "a.png", "raw": b"MZ\x00"})
        for values in (
            {"body": XSS},
            {"body": ""},
            {"attachment_ids": bad.ids, "attachment_tokens": ["x"]},
        ):
            for token in (None, self.invoice.access_token):
                answer = self.ask(
                    "/mail/message/update_content",
                    token,
                    message_id=message.id,
                    update_data=values,
                )
                self.assertIn("error", answer)
        self.assertIn("The first words", message.body)
        self.assertFalse(message.attachment_ids)

    @mute_logger(*LOGS)
    def test_a_form_of_another_site_writes_nothing(self):
        self._login(self.azure_user)
        answer = self.url_open(
            "/mail/message/post",
            data={"thread_model": "account.move", "thread_id": self.invoice.id},
        )
        self.assertIn(answer.status_code, (400, 415))
        before = self.files()
        self.assertEqual(self.upload(csrf_token=None).status_code, 400)
        self.assertFalse(self.inbox())
        self.assertEqual(self.files(), before)

    @mute_logger(*LOGS)
    def test_an_upload_is_known_by_what_is_in_it_and_is_nowhere_until_it_is_said(self):
        before = self.files()
        large = ("large.pdf", b"%PDF-1.4" + b"0" * uploads.LARGEST_BYTES)
        for name, content in (*REFUSED, large):
            with self.subTest(name=name):
                self.assertIn("error", self.upload(name, content).json())
        self.assertEqual(self.files(), before)
        for name in NAMES:
            with self.subTest(name=name):
                self.upload(name, b"%PDF-1.4\n%%EOF", is_pending=None)
                file = self.files()[-1]
                self.assertRegex(file.name, r"^[^/\\<>\"'\r\n\u202e]{1,84}$")
                self.assertTrue(file.name.endswith(".pdf"))
                self.assertEqual(file.mimetype, "application/pdf")
                self.assertEqual(file.res_model, "mail.compose.message")
        self.assertEqual(len(self.files() - before), len(NAMES))
        for odd in ("x", "-1", "9" * 30):
            self.assertEqual(self.upload(thread_id=odd).status_code, 404)

    @mute_logger(*LOGS)
    def test_so_many_files_a_day_are_taken(self):
        before = self.files()
        self.profile.sudo().write(
            {
                "portal_date": self.today,
                "portal_file_count": PORTAL_FILES_A_DAY - 2,
            }
        )
        answers = [self.upload().json() for _again in range(5)]
        self.assertEqual(
            ["error" in answer for answer in answers], [False] * 2 + [True] * 3
        )
        self.assertEqual(answers[-1]["error"], self.profile._explain_portal_quota())
        self.assertEqual(len(self.files() - before), 2)
        self.assertIn("result", self.post())  # words are counted by themselves
        self.profile.sudo().portal_date = self._day(1)
        self.assertNotIn("error", self.upload().json())

    @mute_logger(*LOGS)
    def test_the_link_of_a_case_or_plan_opens_its_page_and_not_the_hosts_talk(self):
        dispute = self.env["credit.dispute"]._open(
            self.profile,
            self.env.ref("credit_management.dispute_reason_price"),
            [{"move": self.invoice, "amount": 10.0}],
            "Broken",
        )
        dispute.message_post(body="HOUSE", subtype_xmlid="mail.mt_note")
        records = [dispute.sudo()]
        before, files = self.env["mail.message"].sudo().search_count([]), self.files()
        for record in records:
            token = record._portal_ensure_token()
            answer = self.ask(
                "/mail/message/post",
                token,
                thread_model=record._name,
                thread_id=record.id,
                post_data={
                    "body": XSS,
                    "message_type": "comment",
                    "subtype_xmlid": "mail.mt_comment",
                },
            )
            self.assertIn("error", answer)
            self.assertEqual(self.upload(record=record).status_code, 404)
            answer = self.ask(
                "/mail/thread/messages",
                token,
                thread_model=record._name,
                thread_id=record.id,
            )
            self.assertNotIn("HOUSE", str(answer))
        self.assertEqual(self.env["mail.message"].sudo().search_count([]), before)
        self.assertEqual(self.files(), files)
