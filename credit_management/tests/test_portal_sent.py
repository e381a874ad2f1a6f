"""What was sent, as it was sent, and whether the customer has looked at it."""

from datetime import timedelta
from unittest import skipUnless
from unittest.mock import patch

from odoo import Command, fields
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.misc import find_in_path

from ..models.credit_dunning_letter import PAPER_STYLE
from .test_portal import PRIVATE, CreditPortalCommon

HUGE = (0, 2**31 - 1, 2**31, 2**63, 10**30)


def has_program(name):
    try:
        return bool(find_in_path(name))
    except OSError:
        return False


class SentCommon(CreditPortalCommon):
    """A letter that was sent, and how its file is asked for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._create_late_invoice(4, 250.0)
        cls.profile = cls._get_profile()
        cls.token = cls.profile._portal_ensure_token()

    def setUp(self):
        super().setUp()
        self.letter = self._send_all_due().letter_ids

    def _get_path(self, letter=None, profile=None, token=None, kind="letter"):
        letter, profile = letter or self.letter, profile or self.profile
        token = self.token if token is None else token
        return f"/my/credit/{profile.id}/{kind}/{letter.id}?access_token={token}"

    def _stub_printer(self):
        """Hand out the HTML that would be printed: fast, and it can be read."""

        def print_html(report, bodies, **kwargs):
            return "".join(bodies).encode()

        return patch.object(
            self.registry["ir.actions.report"], "_run_wkhtmltopdf", print_html
        )


@tagged("post_install", "-at_install", "credit_full")
class TestPortalSent(SentCommon):
    def _fetch(self, path=None):
        with self._stub_printer():
            return self.url_open(path or self._get_path(), allow_redirects=False)

    def test_each_letter_is_listed_with_its_file(self):
        page = self._open(self._get_link())
        (url,) = page.xpath("//section[@name='letters']//tbody//a/@href")
        response = self._fetch(url)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.headers["Content-Type"], "application/pdf")
        self.assertIn("attachment", response.headers["Content-Disposition"])
        self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")
        for name, value in PRIVATE.items():
            self.assertEqual(response.headers[name], value)

    def test_it_is_the_text_as_sent_whatever_was_changed_since(self):
        sent = str(self.letter.body)
        self.text.body_html = "<p>Another text</p>"
        self.customer.name = "Another name"
        self.assertEqual(self._fetch().text.replace(PAPER_STYLE, ""), sent)

    def test_the_logo_is_in_it_so_that_printing_asks_nobody(self):
        pixel = (
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
            "awAAAABJRU5ErkJggg=="
        )
        self.company.logo = pixel
        self._create_late_invoice(4, 60.0, partner=self.other)
        letter = self._send_all_due().letter_ids
        self.assertIn("/logo.png?company=", letter.body)
        printed = letter._get_self_contained_body()
        self.assertNotIn("/logo.png", printed)
        self.assertIn("data:image/png;base64,", printed)

    @skipUnless(has_program("wkhtmltopdf"), "wkhtmltopdf is not installed")
    def test_it_really_is_a_pdf(self):
        self.assertTrue(self.letter._get_sent_pdf().startswith(b"%PDF"))

    def test_of_a_letter_by_post_alone_it_is_the_paper_with_no_other_customer(self):
        self.first.write({"send_email": False, "send_letter": True})
        for partner in (self.other, self._create_customer("Third")):
            partner.write({"street": "High Street 1", "city": "Town"})
            self._create_late_invoice(4, 60.0, partner=partner)
        letters = self._send_all_due().letter_ids
        letter = letters.filtered(lambda one: one.commercial_partner_id == self.other)
        with self._stub_printer():
            letters.action_print_post()
        self.assertGreater(len(letters), 1)
        self.assertEqual(len(letters.paper_id), 1)
        letters.action_mark_printed()
        self.assertEqual(letter.state, "sent")
        profile = letter.profile_id
        path = self._get_path(letter, profile, profile._portal_ensure_token())
        paper = self._fetch(path).text
        self.assertIn("High Street 1", paper)
        self.assertIn(letter.line_ids.move_id.name, paper)
        for one in letters - letter:
            self.assertNotIn(one.line_ids.move_id.name, paper)

    def test_only_what_reached_the_customer_is_handed_out(self):
        for state in self.letter._fields["state"].get_values(self.env):
            self.letter.sudo().state = state
            if state == "sent":
                self.assertEqual(self._fetch().status_code, 200)
                continue
            with self.subTest(state=state):
                self._assert_sent_away(self._get_path())
        self.letter.sudo().write({"state": "sent", "is_test": True})
        self._assert_sent_away(self._get_path())

    def test_a_task_of_the_house_is_no_message_to_the_customer(self):
        task = self.env.ref("mail.mail_activity_data_call")
        self.first.write(
            {"send_email": False, "send_letter": False, "activity_type_id": task.id}
        )
        self._create_late_invoice(4, 60.0, partner=self.other)
        letter = self._send_all_due().letter_ids
        self.assertEqual(letter.state, "sent")
        profile = letter.profile_id
        token = profile._portal_ensure_token()
        self._assert_sent_away(self._get_path(letter, profile, token))
        page = self._open(self._get_link(profile))
        self.assertFalse(page.xpath("//section[@name='letters']"))

    def test_letters_of_others_and_ids_that_are_guessed_look_alike(self):
        self._create_late_invoice(4, 60.0, partner=self.other)
        foreign = self._send_all_due().letter_ids
        self.assertEqual(foreign.state, "sent")
        answers = {
            (response.headers["Location"], response.content)
            for response in (
                self._assert_sent_away(
                    f"/my/credit/{self.profile.id}/{kind}/{number}"
                    f"?access_token={self.token}"
                )
                for number in (foreign.id, self.letter.id + 10**6, *HUGE)
                for kind in ("letter", "statement")
                if (kind, number) != ("letter", self.letter.id)
            )
        }
        self.assertEqual(len(answers), 1)

    def test_a_wrong_link_or_another_login_hands_out_nothing(self):
        for token in ("", "x", self.token[:-1], "%ff"):
            self._assert_sent_away(self._get_path(token=token))
        self._login(self.other_user)
        self._assert_sent_away(self._get_path(token=""))
        self._login(self.azure_user)
        self.assertEqual(self._fetch(self._get_path(token="")).status_code, 200)

    def test_a_letter_of_another_company_stays_there(self):
        company = self.setup_other_company()["company"]
        profile = self._get_profile(company=company)
        token = profile._portal_ensure_token()
        self._assert_sent_away(self._get_path(profile=profile, token=token))

    def test_handing_it_out_writes_nothing(self):
        self._fetch()
        before = self._count_writes()
        self._fetch()
        self.assertEqual(self._count_writes(), before)

    def test_a_statement_that_was_sent_is_listed_with_the_file_that_was_kept(self):
        statement = self.env["credit.statement"].create({"profile_id": self.profile.id})
        statement.sudo().write(
            {"state": "sent", "sent_date": fields.Datetime.now(), "is_test": False}
        )
        self._assert_sent_away(self._get_path(statement, kind="statement"))
        file = self.env["ir.attachment"].create(
            {
                "name": "statement.pdf",
                "raw": b"%PDF the statement",
                "res_model": statement._name,
                "res_id": statement.id,
            }
        )
        mail = self.env["mail.mail"].sudo().create({"attachment_ids": file.ids})
        statement.sudo().mail_ids = mail
        page = self._open(self._get_link())
        urls = page.xpath("//section[@name='letters']//tbody//a/@href")
        self.assertEqual(len(urls), 2)
        response = self._fetch(next(url for url in urls if "/statement/" in url))
        self.assertEqual(response.content, file.raw)
        statement.sudo().state = "draft"
        self._assert_sent_away(self._get_path(statement, kind="statement"))


@tagged("post_install", "-at_install", "credit_full")
class TestPortalOpened(SentCommon):
    def _open_as_person(self, letter=None, token=None, profile=None, **params):
        """Say that the page is looked at, as its script does."""
        params |= {"access_token": self.token if token is None else token}
        if letter is not None:
            params["letter"] = letter
        profile = profile or self.profile
        return self.make_jsonrpc_request(f"/my/credit/{profile.id}/opened", params)

    def test_the_link_in_a_letter_names_it_and_the_page_hands_it_on(self):
        link = self._get_link()
        self.assertIn(f"{link}&amp;letter={self.letter.id}", self.letter.body)
        page = self._open(f"{link}&letter={self.letter.id}")
        (root,) = page.xpath("//*[@data-opened-url]")
        self.assertEqual(root.get("data-letter"), str(self.letter.id))
        self.assertEqual(root.get("data-access-token"), self.token)

    def test_fetching_the_page_stamps_nothing(self):
        self._open(f"{self._get_link()}&letter={self.letter.id}")
        self.assertFalse(self.letter.opened_date)
        self.assertFalse(self.profile.last_opened_date)

    def test_a_look_is_noted_on_the_letter_once_and_on_the_file_the_last_time(self):
        self._open_as_person(self.letter.id)
        first = fields.Datetime.now()
        self.assertEqual(self.letter.opened_date, first)
        self.assertEqual(self.profile.last_opened_date, first)
        with freeze_time(first + timedelta(hours=2)):
            self._open_as_person(self.letter.id)
            self.assertEqual(self.letter.opened_date, first)
            self.assertEqual(self.profile.last_opened_date, first + timedelta(hours=2))

    def test_looks_in_a_row_write_once(self):
        self._open_as_person(self.letter.id)
        before = self._count_writes()
        for _look in range(5):
            self._open_as_person(self.letter.id)
        self.assertEqual(self._count_writes(), before)

    def test_a_look_by_login_counts_too(self):
        self._login(self.azure_user)
        self._open_as_person(token="")
        self.assertTrue(self.profile.last_opened_date)

    def test_colleagues_who_look_at_the_page_are_not_counted(self):
        employee = new_test_user(
            self.env,
            login="employee",
            groups="base.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self._login(employee)
        page = self._open(f"{self._get_link()}&letter={self.letter.id}")
        self.assertFalse(page.xpath("//*[@data-opened-url]"))
        self._open_as_person(self.letter.id)
        self.assertFalse(self.letter.opened_date)
        self.assertFalse(self.profile.last_opened_date)

    def test_only_who_may_see_the_page_stamps(self):
        for token in ("x", None, ["x"], {}, 7):
            self._open_as_person(self.letter.id, token=token or "x")
        self._login(self.other_user)
        self._open_as_person(self.letter.id, token="")
        self.assertFalse(self.letter.opened_date)
        self.assertFalse(self.profile.last_opened_date)

    def test_a_link_stamps_no_letter_of_others_and_none_that_was_not_sent(self):
        self._create_late_invoice(4, 60.0, partner=self.other)
        foreign = self._send_all_due().letter_ids
        self._open_as_person(foreign.id)
        self.assertFalse(foreign.opened_date)
        self.letter.sudo().state = "queued"
        self._open_as_person(self.letter.id)
        self.assertFalse(self.letter.opened_date)

    @mute_logger("odoo.http")
    def test_nonsense_does_no_harm(self):
        for letter in ("x", "-1", "²", [1], {"a": 1}, 1e9, "9" * 400, "1;--"):
            self.assertTrue(self._open_as_person(letter))
        for number in HUGE:
            self.make_jsonrpc_request(f"/my/credit/{number}/opened", {})
        self.assertFalse(self.letter.opened_date)

    def test_letters_and_files_are_found_by_whether_they_were_opened(self):
        opened = [("opened_date", "!=", False), ("id", "=", self.letter.id)]
        Letter = self.env["credit.dunning.letter"]
        self.assertFalse(Letter.search(opened))
        self._open_as_person(self.letter.id)
        self.env.invalidate_all()
        self.assertEqual(Letter.search(opened), self.letter)

    def test_nobody_writes_the_stamps_by_hand(self):
        for record, name in (
            (self.letter, "opened_date"),
            (self.profile, "last_opened_date"),
        ):
            with self.assertRaisesRegex(Exception, "by hand"):
                record.write({name: fields.Datetime.now()})


@tagged("post_install", "-at_install", "credit_full")
class TestPortalStops(SentCommon):
    """What keeps reminders from going, in words for the customer."""

    def _get_stops(self):
        page = self._open(self._get_link())
        return [
            self._get_text(stop)
            for stop in page.xpath("//section[@name='next']//p[@name='stop']")
        ]

    def _get_item_stops(self):
        page = self._open(self._get_link())
        return [self._get_text(s) for s in page.xpath("//td//*[@name='stop']")]

    def test_where_nothing_stops_them_nothing_is_said(self):
        self.assertEqual(self._get_stops() + self._get_item_stops(), [])

    def test_a_pause_is_told_with_its_last_day_and_without_its_reason(self):
        self.profile.write(
            {"pause_until": self._day(-7), "pause_reason": "SECRET reason"}
        )
        self.assertEqual(
            self._get_stops(), ["We send you no reminders until 05/20/2026."]
        )
        self.assertNotIn("SECRET", self.url_open(self._get_link()).text)

    def test_an_item_that_is_left_out_says_until_when(self):
        exclusion = self.env["credit.exclusion"].create(
            {
                "scope": "invoice",
                "move_id": self.invoice.id,
                "company_id": self.company.id,
                "reason": "SECRET reason",
                "until": self._day(-7),
            }
        )
        self.assertEqual(self._get_item_stops(), ["No reminder until 05/20/2026"])
        exclusion.until = False
        self.assertEqual(self._get_item_stops(), ["No reminder at the moment"])
        self.assertNotIn("SECRET", self.url_open(self._get_link()).text)

    def test_flags_of_the_house_are_not_told(self):
        self.invoice.no_followup = True
        self.assertEqual(self._get_stops() + self._get_item_stops(), [])

    def test_credits_that_cover_everything_are_told(self):
        self._create_credit_note(400.0)
        self.assertEqual(
            self._get_stops(),
            ["Your credits cover what is overdue: no reminder goes."],
        )

    def test_a_receipt_that_is_seen_stops_reminders_and_is_told_at_once(self):
        journal = self.company_data["default_journal_bank"]
        self.env["account.bank.statement.line"].create(
            {
                "journal_id": journal.id,
                "payment_ref": "Azure",
                "partner_id": self.customer.id,
                "amount": 300.0,
                "date": self.today,
            }
        )
        self._create_late_invoice(5, 10.0)
        (stop,) = self._get_stops()
        self.assertIn("still matching", stop)
        self.assertFalse(self._propose().letter_ids)

    def test_where_nothing_is_sent_at_all_nothing_is_said_to_stop_it(self):
        self.profile.pause_until = self._day(-7)
        self.company.credit_mode = "simulate"
        self.assertEqual(self._get_stops(), [])
