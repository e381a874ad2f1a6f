from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import CreditCommon


@tagged("post_install", "-at_install", "credit_once")
class TestReview(CreditCommon):
    """A person sees what is odd in a run, and leaves out many at once."""

    def _flags(self, letters):
        return (letters.flag_codes or "").split(",") if letters.flag_codes else []

    def _leave_out(self, letters, scope="letter", **values):
        wizard = self.env["credit.dunning.letter.skip"].create(
            {"letter_ids": letters.ids, "reason": "Agreed", "scope": scope} | values
        )
        wizard.action_skip()

    # === FLAGS === #

    def test_a_first_letter_is_flagged_and_the_second_is_not(self):
        self._create_late_invoice(4)
        run = self._propose()
        self.assertEqual(self._flags(run.letter_ids), ["first_contact"])
        self.assertEqual(run.letter_ids.flag, "first_contact")
        self._send(run)
        self._create_late_invoice(5, 60.0)
        self.policy.min_interval_days = 0
        self.assertEqual(self._flags(self._propose().letter_ids), [])

    def test_a_redirected_letter_was_no_contact(self):
        self.company.write(
            {"credit_mode": "redirect", "credit_redirect_email": "me@us.example.com"}
        )
        self._create_late_invoice(4)
        self._send(self._propose())
        self.company.credit_mode = "live"
        self.assertIn("first_contact", self._flags(self._propose().letter_ids))

    def test_the_company_says_what_is_large(self):
        self.company.credit_large_amount = 250
        self._create_late_invoice(4, 249.99)
        other = self._create_customer("Other")
        self._create_late_invoice(4, 250.0, other)
        run = self._propose()
        large = run.letter_ids.filtered(lambda ltr: "large" in self._flags(ltr))
        self.assertEqual(large.commercial_partner_id, other)
        self.company.credit_large_amount = 0
        run.action_propose()
        self.assertNotIn("large", "".join(run.letter_ids.mapped("flag_codes")))

    def test_a_partial_payment_is_flagged(self):
        invoice = self._create_late_invoice(4)
        self._pay(invoice, 30.0)
        self._create_late_invoice(4, partner=self._create_customer("Other"))
        run = self._propose()
        partly = run.letter_ids.filtered(lambda ltr: "partly_paid" in self._flags(ltr))
        self.assertEqual(partly.commercial_partner_id, self.customer)

    def test_an_item_that_is_left_out_takes_its_flag_along(self):
        self._pay(self._create_late_invoice(4), 30.0)
        self._create_late_invoice(5, 40.0)
        letter = self._propose().letter_ids
        self.assertIn("partly_paid", self._flags(letter))
        letter.line_ids.filtered(
            lambda line: line.amount == 70.0
        ).action_toggle_excluded()
        self.assertNotIn("partly_paid", self._flags(letter))

    def test_a_contact_whose_mail_bounced_is_flagged(self):
        self.customer.message_bounce = 1
        self._create_late_invoice(4)
        self.assertEqual(self._propose().letter_ids.flag, "failed_before")

    def test_a_letter_that_failed_flags_until_the_address_is_put_right(self):
        self._create_late_invoice(4)
        run = self._propose()
        self._send(run, deliver=False)
        run.letter_ids.sudo()._fail("550 no such user")
        run.letter_ids.action_close_failure()
        again = self._propose()
        self.assertIn("failed_before", self._flags(again.letter_ids))
        self.customer.email = "right@example.com"
        again.action_propose()
        self.assertNotIn("failed_before", self._flags(again.letter_ids))

    def test_without_an_address_the_letter_says_so(self):
        self.customer.email = False
        self._create_late_invoice(4)
        letter = self._propose().letter_ids
        self.assertEqual(letter.flag, "no_address")
        letter.recipient_ids = [
            Command.set(self._create_customer("Deputy", parent_id=False).ids)
        ]
        self.assertNotIn("no_address", self._flags(letter))

    def test_opening_the_review_looks_anew(self):
        self._create_late_invoice(4)
        run = self._propose()
        self.customer.message_bounce = 1
        self.assertNotIn("failed_before", self._flags(run.letter_ids))
        run.action_view_letters()
        self.assertIn("failed_before", self._flags(run.letter_ids))

    def test_flags_are_told_with_what_to_do_and_filtered(self):
        self.customer.message_bounce = 1
        self._create_late_invoice(4)
        self._create_late_invoice(4, partner=self._create_customer("Other"))
        run = self._propose()
        odd = run.letter_ids.filtered(
            lambda ltr: ltr.commercial_partner_id == self.customer
        )
        self.assertEqual(odd.flags, "bounced before, first contact")
        self.assertEqual(
            [badge["code"] for badge in odd.flag_badges],
            ["failed_before", "first_contact"],
        )
        self.assertTrue(all(badge["hint"] for badge in odd.flag_badges))
        found = self.env["credit.dunning.letter"].search(
            [("run_id", "=", run.id), ("flag_codes", "ilike", "failed_before")]
        )
        self.assertEqual(found, odd)
        groups = self.env["credit.dunning.letter"]._read_group(
            [("run_id", "=", run.id)], ["flag"], ["__count"]
        )
        self.assertEqual(sorted(groups), [("failed_before", 1), ("first_contact", 1)])

    def test_flags_stay_as_seen_once_the_letter_is_queued(self):
        self._create_late_invoice(4)
        run = self._propose()
        run.action_approve_and_send()
        self.customer.message_bounce = 1
        run.letter_ids._refresh_flags()
        self.assertEqual(self._flags(run.letter_ids), ["first_contact"])

    # === LEAVING OUT === #

    def test_what_is_left_out_stays_in_sight_and_comes_back(self):
        self._create_late_invoice(4)
        self._create_late_invoice(4, partner=self._create_customer("Other"))
        run = self._propose()
        action = run.action_view_letters()
        self.assertNotIn("search_default_to_go", action["context"])
        self._leave_out(run.letter_ids)
        self.assertEqual(set(run.letter_ids.mapped("state")), {"skipped"})
        self.assertEqual(set(run.letter_ids.mapped("state_reason")), {"Agreed"})
        run.letter_ids.action_unskip()
        self.assertEqual(set(run.letter_ids.mapped("state")), {"proposed"})

    def test_a_mixed_selection_is_left_out_and_taken_back(self):
        self._create_late_invoice(4)
        self._create_late_invoice(4, partner=self._create_customer("Other"))
        letters = self._propose().letter_ids
        self._leave_out(letters[0], reason="First")
        self._leave_out(letters, reason="Second")
        self.assertEqual(letters.mapped("state_reason"), ["First", "Second"])
        letters[0].action_unskip()
        letters.action_unskip()
        self.assertEqual(set(letters.mapped("state")), {"proposed"})

    def test_a_customer_with_two_letters_is_excluded_once(self):
        contact = self._create_customer(
            "Contact", parent_id=self.customer.id, is_company=False
        )
        self._create_late_invoice(4)
        self._create_late_invoice(4, partner=contact)
        letters = self._propose().letter_ids
        self.assertEqual(len(letters), 2)
        self._leave_out(letters, "customer")
        exclusions = self.env["credit.exclusion"].search(
            [("partner_id", "=", self.customer.id)]
        )
        self.assertEqual(len(exclusions), 1)

    def test_leaving_out_takes_no_more_queries_for_many(self):
        def count(number):
            for index in range(number):
                partner = self._create_customer(f"C{number} {index}")
                self._create_late_invoice(4, partner=partner)
            letters = self._propose().letter_ids
            self.assertEqual(len(letters), number)
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self._leave_out(letters, "customer")
            self.env.flush_all()
            return self.env.cr.sql_log_count - start

        count(2)  # fills the caches of the host
        few = count(3)
        self.assertLessEqual(count(12), few + 3)

    # === CUSTOMERS === #

    def _exclude(self, profiles, **values):
        return (
            self.env["credit.exclude"]
            .with_context(active_model="credit.profile", active_ids=profiles.ids)
            .create({"reason": "Court"} | values)
            .action_exclude()
        )

    def test_customers_are_left_out_at_once_with_their_proposed_letters(self):
        others = self._create_customer("Other") | self._create_customer("Third")
        for partner in self.customer | others:
            self._create_late_invoice(4, partner=partner)
        run = self._propose()
        profiles = run.letter_ids.filtered(
            lambda ltr: ltr.commercial_partner_id in others
        ).profile_id
        self._exclude(profiles)
        exclusions = self.env["credit.exclusion"].search(
            [("partner_id", "in", others.ids)]
        )
        self.assertEqual(exclusions.partner_id, others)
        self.assertEqual(set(exclusions.mapped("reason")), {"Court"})
        left = run.letter_ids.filtered(lambda ltr: ltr.state == "proposed")
        self.assertEqual(left.commercial_partner_id, self.customer)
        again = self._propose()
        self.assertEqual(
            set(
                again.outcome_ids.filtered(lambda o: o.partner_id in others).mapped(
                    "reason"
                )
            ),
            {"excluded"},
        )

    def test_an_approved_letter_is_not_left_out_behind_ones_back(self):
        self._create_late_invoice(4)
        run = self._propose()
        run.action_approve()
        self._exclude(run.letter_ids.profile_id)
        self.assertEqual(run.letter_ids.state, "proposed")

    def test_a_last_day_that_has_passed_is_refused(self):
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        with self.assertRaisesRegex(UserError, "has passed"):
            self._exclude(profile, until=self._day(1))

    def test_who_has_no_right_on_customers_excludes_nobody(self):
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        employee = new_test_user(
            self.env, "nobody", "base.group_user", company_id=self.company.id
        )
        with self.assertRaises(AccessError):
            self.env["credit.exclude"].with_user(employee).create(
                {"profile_ids": profile.ids, "reason": "No"}
            )
        self.assertFalse(self.env["credit.exclusion"].search([("reason", "=", "No")]))
