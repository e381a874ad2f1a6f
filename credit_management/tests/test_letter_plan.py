"""Letters say that what they ask for can be paid in parts, where an offer has it."""

from lxml import html

from odoo.tests import tagged

from .common import CreditCommon


@tagged("post_install", "-at_install", "credit_full")
class TestLetterPlan(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"credit_portal_plans": True, "credit_plan_most_parts": 6})
        cls.offer = cls.env["credit.payment.plan.offer"].create(
            {
                "name": "Small",
                "company_id": cls.company.id,
                "amount_from": 100.0,
                "amount_to": 500.0,
                "most_parts": 3,
                "longest_days": 90,
                "first_now": False,
            }
        )

    def _read_plan(self, body):
        """What a letter says of it, and where that leads."""
        found = html.fromstring(str(body)).find_class("o_credit_plan")
        if not found:
            return None, None
        (said,) = found
        return " ".join(said.text_content().split()), said.xpath("a/@href")

    def _words(self, letter=None):
        letter = letter or self._propose().letter_ids
        return letter._find_plan_words().get(letter.id)

    def test_the_mail_says_so_and_leads_to_the_page(self):
        self._create_late_invoice(4, 300.0)
        run = self._propose()
        preview = self.env["credit.dunning.letter.preview"].create(
            {"letter_id": run.letter_ids.id}
        )
        said, links = self._read_plan(preview.body)
        self._send(run)
        letter = run.letter_ids
        self.assertEqual(self._read_plan(letter.body), (said, links), "as shown before")
        self.assertEqual(
            said,
            "You can pay this in up to 3 parts within 90 days. Choose the parts",
        )
        profile = letter.profile_id
        self.assertEqual(
            links,
            [
                f"{profile.get_base_url()}/my/credit/{profile.id}/plan"
                f"?access_token={profile.access_token}"
            ],
        )

    def test_it_says_what_it_costs_companies(self):
        self.company.credit_plan_product_id = self.env["product.product"].create(
            {"name": "Parts", "type": "service"}
        )
        self.offer.write({"fee": 8.0, "interest_rate": 3.0})
        self._create_late_invoice(4, 300.0)
        self.assertIn(
            "It costs $\N{NO-BREAK SPACE}8.00 and 3.00 % interest", self._words()
        )
        self.customer.is_company = False
        self.assertFalse(self.offer._say_cost(self.customer))

    def test_what_was_said_stays_said(self):
        self.policy.level_ids.write({"send_letter": True})
        self._create_late_invoice(4, 300.0)
        letter = self._send_all_due().letter_ids
        self.offer.active = False
        self.assertEqual(letter.plan_words, self._read_plan(letter.body)[0][:-17])
        paper = letter._prepare_papers()[letter.id]
        self.assertEqual(paper["plan_words"], letter.plan_words, "as in the e-mail")

    def test_on_paper_too(self):
        self.policy.level_ids.write({"send_letter": True, "send_email": False})
        self._create_late_invoice(4, 300.0)
        letter = self._propose().letter_ids
        content, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "credit_management.credit_dunning_letter_report", letter.ids
        )
        said, _links = self._read_plan(content.decode())
        self.assertIn("up to 3 parts", said)
        self.assertIn("on the same page", said)

    def test_only_what_an_offer_has(self):
        self._create_late_invoice(4, 300.0)
        letter = self._propose().letter_ids
        self.assertTrue(self._words(letter))
        for record, values in (
            (letter.level_id, {"offer_plans": False}),
            (self.company, {"credit_portal_plans": False}),
            (self.offer, {"amount_from": 301.0}),
            (self.offer, {"amount_to": 299.0}),
            (self.offer, {"risk_class": "C"}),
            (self.offer, {"active": False}),
        ):
            before = {name: record[name] for name in values}
            record.write(values)
            self.assertFalse(self._words(letter), values)
            record.write(before)
            self.assertTrue(self._words(letter), values)
        self.assertIsNone(self._read_plan("<p>x</p>")[0])

    def test_the_class_of_the_customer_counts(self):
        self._create_late_invoice(4, 300.0)
        letter = self._propose().letter_ids
        self.offer.risk_class = "B"
        self.env["credit.score.review"].create(
            {
                "profile_id": letter.profile_id.id,
                "risk_class": "B",
                "reason": "Known for years",
                "until": self._day(-90),
            }
        )
        self.env.invalidate_all()
        self.assertTrue(self._words(letter))

    def test_a_credit_does_not_make_the_plan_smaller(self):
        self._create_late_invoice(4, 600.0)
        self._create_credit_note(200.0)
        letter = self._propose().letter_ids
        self.assertEqual(letter.amount_total, 400.0)
        self.assertFalse(self._words(letter), "a plan would be about 600")

    def test_the_first_part_and_the_most_of_the_page_are_told(self):
        self._create_late_invoice(4, 300.0)
        self.offer.write({"first_now": True, "most_parts": 12})
        words = self._words()
        self.assertIn("up to 6 parts", words)
        self.assertIn("at once", words)

    def test_a_notice_before_the_due_date_says_nothing(self):
        self._create_late_invoice(-3, 300.0)
        letter = self._propose().letter_ids
        self.assertTrue(letter.is_reminder)
        self.assertFalse(self._words(letter))

    def test_after_a_broken_plan_nothing_is_said(self):
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        move = self._create_late_invoice(4, 300.0)
        item = self._receivable_line(move)
        Plan = self.env["credit.payment.plan"]
        wish = {"first_date": self.today, "rhythm": "weekly"}
        wish |= {"mode": "count", "count": 2}
        calendar = self.company._credit_calendar()
        parts = Plan._propose_parts(300.0, wish, item.currency_id, calendar)
        plan = Plan._make(profile, item, parts).sudo(False)
        plan.action_activate()
        plan.action_break()
        self.offer.plans_a_year = 5
        self.assertFalse(self._words())

    def test_it_is_said_in_the_language_of_the_letter(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.customer.lang = "de_DE"
        self._create_late_invoice(4, 300.0)
        letter = self._propose().letter_ids
        spoken = letter.with_context(lang="de_DE")
        self.assertEqual(self._words(letter), spoken._say_plan_offer(self.offer))

    def test_it_is_asked_once_for_all_letters(self):
        def count(letters):
            self.env.flush_all()
            self.env.invalidate_all()
            letters = letters.browse(letters.ids)  # what is read together, is
            before = self.env.cr.sql_log_count
            words = letters._find_plan_words()
            self.assertEqual(len(words), len(letters))
            return self.env.cr.sql_log_count - before

        for number in range(12):
            partner = self._create_customer(f"Many {number}")
            self._create_late_invoice(4, 200.0, partner=partner)
        letters = self._propose().letter_ids
        self.assertEqual(len(letters), 12)
        count(letters)
        self.assertEqual(count(letters[:2]), count(letters))
