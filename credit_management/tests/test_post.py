from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from ..models.credit_dunning_letter_printing import ROWS_IN_LETTER, ROWS_ON_PAGE
from .common import CreditCommon

REPORT = "credit_management.report_credit_dunning_letter"


@tagged("post_install", "-at_install", "credit_full")
class TestPost(CreditCommon):
    """Letters on paper: one PDF of a run, nothing in it that was settled since."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first.write({"send_email": False, "send_letter": True})
        cls.company.country_id = cls.env.ref("base.nl")
        cls.customer.write(cls._address("1011 AB", "base.nl"))

    @classmethod
    def _address(cls, code, country):
        return {
            "street": "Long Street 1",
            "city": "Town",
            "zip": code,
            "country_id": cls.env.ref(country).id,
        }

    def _hand_over(self, **values):
        run = self._propose(**values)
        self._send(run)
        return run

    def _get_pages(self, letters):
        content, _kind = self.env["ir.actions.report"]._render_qweb_html(
            REPORT, letters.ids
        )
        return content.decode()

    def _get_traces(self, record):
        return " ".join(str(body) for body in record.message_ids.mapped("body"))

    # === PRINTED === #

    def test_all_letters_of_a_run_are_one_pdf_kept_with_the_run(self):
        self._create_late_invoice(4)
        other = self._create_customer("Beta", **self._address("1000 AA", "base.nl"))
        self._create_late_invoice(4, partner=other)
        run = self._hand_over()
        self.assertEqual(run.print_count, 2)
        action = run.action_print_post()
        paper = run.letter_ids.paper_id
        self.assertEqual(len(paper), 1)
        self.assertEqual((paper.res_model, paper.res_id), (run._name, run.id))
        self.assertIn(str(paper.id), action["url"])
        self.assertIn("2 letters for post printed", self._get_traces(run))
        self.assertEqual(run.printed_count, 2)
        self.assertEqual(run.letter_ids.mapped("state"), ["sending", "sending"])

    def test_the_own_country_comes_first_then_the_postal_code(self):
        places = {"D": ("1", "base.de"), "N2": ("2000", "base.nl")}
        places["N1"] = ("1000", "base.nl")
        self._create_late_invoice(4)
        for name, place in places.items():
            partner = self._create_customer(name, **self._address(*place))
            self._create_late_invoice(4, partner=partner)
        letters = self._hand_over().letter_ids
        pile = letters.sorted(lambda letter: letter._get_postal_order())
        self.assertEqual(
            pile.commercial_partner_id.mapped("name"), ["N1", "Azure", "N2", "D"]
        )

    def test_what_was_printed_is_posted_in_one_go_and_nothing_else(self):
        invoice = self._create_late_invoice(4)
        other = self._create_customer("Beta", **self._address("1000 AA", "base.nl"))
        self._create_late_invoice(4, partner=other)
        run = self._hand_over()
        late = self._letters_of(other)
        self._letters_of(self.customer).action_print_post()
        run.action_mark_printed()
        self.assertEqual(self._letters_of(self.customer).state, "sent")
        self.assertEqual(invoice.credit_level_id, self.first)
        self.assertTrue(late.to_print)
        self.assertIn("1 letters printed and posted", self._get_traces(run))

    def test_nothing_is_said_to_be_posted_that_was_not_printed(self):
        self._create_late_invoice(4)
        run = self._hand_over()
        with self.assertRaises(UserError):
            run.action_mark_printed()

    def test_a_letter_can_be_printed_again_and_seen_again(self):
        self._create_late_invoice(4)
        run = self._hand_over()
        run.action_print_post()
        first = run.letter_ids.paper_id
        run.action_print_post()
        self.assertNotEqual(run.letter_ids.paper_id, first)
        run.action_mark_printed()
        kept = run.letter_ids.paper_id
        self.assertIn(str(kept.id), run.letter_ids.action_view_paper()["url"])

    # === CHECKED AGAIN === #

    def test_what_was_paid_since_is_taken_off_the_pile_with_the_reason(self):
        invoice = self._create_late_invoice(4)
        run = self._hand_over()
        self._pay(invoice)
        run.action_print_post()
        letter = run.letter_ids
        self.assertEqual((letter.state, letter.state_reason), ("skipped", "Paid"))
        self.assertFalse(letter.to_print)
        self.assertFalse(letter.paper_id)
        self.assertIn("Azure (Paid)", self._get_traces(run))
        self.assertEqual(run.state, "done")
        self.assertFalse(invoice.credit_level_id)

    def test_what_was_paid_in_part_is_printed_with_what_is_open_now(self):
        paid = self._create_late_invoice(4)
        self._pay(self._create_late_invoice(5, 40.0), 10.0)
        run = self._hand_over()
        self._pay(paid)
        run.action_print_post()
        letter = run.letter_ids
        self.assertEqual(letter.amount_total, 30.0)
        page = self._get_pages(letter)
        self.assertNotIn(paid.name, page)
        self.assertIn("30.00", page)
        self.assertIn("Please pay 30.0", letter.body)

    def test_a_letter_that_went_by_mail_says_the_same_on_paper_or_is_not_printed(self):
        self.first.send_email = True
        invoice = self._create_late_invoice(4)
        run = self._hand_over()
        letter = run.letter_ids
        self.assertEqual((letter.state, letter.to_print), ("sent", True))
        body = letter.body
        self._pay(invoice, 10.0)
        run.action_print_post()
        self.assertEqual((letter.state, letter.to_print), ("sent", False))
        self.assertEqual(letter.body, body)
        self.assertIn("since the e-mail went", self._get_traces(run))

    def test_neither_a_day_off_nor_the_interval_holds_back_what_was_decided(self):
        self.policy.working_days_only = True
        self._create_late_invoice(4)
        run = self._hand_over()
        with freeze_time(self.today + timedelta(days=3)):  # a Saturday
            run.action_print_post()
            self.assertTrue(run.letter_ids.paper_id)
            self.assertEqual(
                run.letter_ids.message_date, self.today + timedelta(days=3)
            )

    def test_a_letter_without_postal_address_stays_on_the_pile_and_is_named(self):
        self.customer.street = False
        self._create_late_invoice(4)
        run = self._hand_over()
        action = run.action_print_post()
        self.assertEqual(action["tag"], "display_notification")
        self.assertTrue(run.letter_ids.to_print)
        self.assertFalse(run.letter_ids.paper_id)
        self.assertIn("Azure (no postal address)", self._get_traces(run))

    def test_nothing_is_printed_while_nothing_goes_to_customers(self):
        self._create_late_invoice(4)
        run = self._hand_over()
        for values in (
            {"credit_stopped": True},
            {"credit_stopped": False, "credit_mode": "simulate"},
        ):
            self.company.write(values)
            with self.assertRaises(UserError):
                run.action_print_post()
        self.assertTrue(run.letter_ids.to_print)

    # === ON PAPER === #

    def test_the_paper_says_what_was_frozen_whatever_the_text_of_the_level_is_now(self):
        self._create_late_invoice(4)
        letter = self._hand_over().letter_ids
        self.text.body_html = "<p>Something else</p>"
        page = self._get_pages(letter)
        self.assertIn("Please pay", page)
        self.assertNotIn("Something else", page)

    def test_the_country_stands_in_the_address_only_abroad(self):
        self._create_late_invoice(4)
        letter = self._propose().letter_ids
        lines = letter.partner_id._get_credit_postal_lines(letter.company_id)
        self.assertEqual(lines, ["Azure", "Long Street 1", "1011 AB Town"])
        self.customer.country_id = self.env.ref("base.de")
        self.assertEqual(
            letter.partner_id._get_credit_postal_lines(letter.company_id)[-1], "GERMANY"
        )

    def test_a_long_table_goes_on_pages_of_its_own_and_the_last_one_has_the_total(self):
        line = self._create_late_invoice(4).line_ids[:1]
        letter = self._propose().letter_ids
        item = letter.line_ids
        for count in (ROWS_IN_LETTER, ROWS_IN_LETTER + 1, ROWS_ON_PAGE + 1):
            items = item
            for _copy in range(count - len(letter.line_ids)):
                items |= item.sudo().copy({"move_line_id": False, "move_id": False})
            letter.invalidate_recordset(["line_ids"])
            self.assertEqual(len(letter.line_ids), count)
            lists = letter._prepare_paper_values()["lists"]
            expected = -(-count // ROWS_ON_PAGE) if count > ROWS_IN_LETTER else 0
            self.assertEqual(len(lists), expected)
            page = self._get_pages(letter)
            # A head for each table; the total at the end, and where one pays.
            self.assertEqual(page.count("<thead"), expected or 1)
            self.assertEqual(page.count("To pay now"), 2 if expected else 1)
        self.assertTrue(line)

    # === EVIDENCE === #

    def test_the_pdf_that_was_posted_cannot_be_changed_or_deleted(self):
        self._create_late_invoice(4)
        run = self._hand_over()
        run.action_print_post()
        paper = run.letter_ids.paper_id
        run.action_mark_printed()
        for vals in ({"raw": b"other"}, {"datas": b"b3RoZXI="}, {"res_id": 0}):
            with self.assertRaises(UserError):
                paper.write(vals)
        with self.assertRaises(UserError):
            paper.unlink()
        paper.name = "Another name.pdf"  # what it is called is no evidence
