from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import CreditCommon


@tagged("post_install", "-at_install", "credit_once")
class TestPolicy(CreditCommon):
    def test_two_levels_on_one_day_are_refused(self):
        with self.assertRaisesRegex(ValidationError, "same day"):
            self._create_policy((3, 3))

    def test_levels_out_of_order_are_refused(self):
        with self.assertRaisesRegex(ValidationError, "comes later"):
            self._create_policy((10, 3))
        with self.assertRaisesRegex(ValidationError, "comes later"):
            self.first.delay_days = 15

    def test_a_notice_that_is_never_reached_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "never reached"):
            self._create_policy((-5, -2, 3), min_interval_days=5)
        with self.assertRaisesRegex(ValidationError, "day of the next notice"):
            self._create_policy((-7, -3, -1, 3), min_interval_days=6)

    def test_a_level_with_a_message_needs_a_text(self):
        with self.assertRaisesRegex(ValidationError, "has no text"):
            self.first.mail_template_id = False

    def test_a_level_that_reaches_nobody_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "reaches nobody"):
            self.first.send_email = False

    def test_the_ready_made_policies_are_right(self):
        business = self.env.ref("credit_management.policy_business")
        self.assertEqual(business.level_ids.mapped("delay_days"), [-3, 3, 10, 20, 30])
        self.assertTrue(business.level_ids[-1].hold_orders)
        self.assertTrue(business.level_ids[-1].activity_type_id)
        consumer = self.env.ref("credit_management.policy_consumer")
        gaps = consumer.level_ids.mapped("delay_days")[1:]
        self.assertEqual(
            [b - a for a, b in zip(gaps, gaps[1:], strict=False)], [14, 14]
        )

    def test_own_choice_comes_before_a_filter_and_a_filter_before_the_default(self):
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        self.env.ref("credit_management.policy_consumer").active = False
        self.assertEqual(profile.policy_used_id, self.policy)
        self.assertEqual(profile.policy_origin, "Default of the company")
        filtered = self._create_policy(
            (3,), partner_domain=f"[('id', '=', {self.customer.id})]"
        )
        profile.invalidate_recordset()
        self.assertEqual(profile.policy_used_id, filtered)
        self.assertEqual(profile.policy_origin, "Matches the policy's filter")
        chosen = self._create_policy((4,))
        profile.policy_id = chosen
        self.assertEqual(profile.policy_used_id, chosen)
        self.assertEqual(profile.policy_origin, "Own choice")

    def test_a_filter_that_cannot_be_read_is_refused(self):
        for domain in ("[(", "__import__('os')", "[('no_such_field', '=', 1)]"):
            with self.assertRaisesRegex(ValidationError, "cannot be read"):
                self.policy.partner_domain = domain

    def test_a_changed_policy_does_not_move_what_is_under_way(self):
        invoice = self._create_late_invoice(4)
        self._send_all_due()
        self.second.delay_days = 12
        self.assertEqual(invoice.credit_level_id, self.first)
        self.assertEqual(self._reason(self._propose(), invoice), "waiting")
