from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import CreditCommon


@tagged("post_install", "-at_install", "credit_once")
class TestScore(CreditCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customer
        )
        cls.invoices = [cls._create_late_invoice(days) for days in (100, 70, 40)]

    def score_of(self, day=None):
        found = self.profile._compute_scores(self.company, day or self.today)
        return found[self.profile]

    def pay_on(self, moves, day):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=moves.ids)
            .create({"payment_date": day})
        )
        return wizard._create_payments()

    def create_report(self, **values):
        return self.env["credit.bureau.report"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "source": "Bureau",
                "date": self.today,
                "has_rating": True,
                "rating": 40,
            }
            | values
        )

    def create_review(self, **values):
        return self.env["credit.score.review"].create(
            {
                "profile_id": self.profile.id,
                "risk_class": "B",
                "reason": "Our own mistake",
                "until": self.today + timedelta(days=10),
            }
            | values
        )

    # === FACTS === #

    def test_unpaid_items_count_and_are_worse_than_paid_ones(self):
        unpaid = self.score_of()
        self.pay_on(self.invoices[0], self._day(90))
        paid = self.score_of()
        self.assertLess(unpaid.value, paid.value)

    def test_paying_later_is_no_better(self):
        self.pay_on(self.invoices[0], self._day(95))
        early = self.score_of()
        self._receivable_line(self.invoices[0]).remove_move_reconcile()
        self.pay_on(self.invoices[0], self._day(20))
        self.assertLess(self.score_of().value, early.value)

    def test_too_few_items_give_no_score(self):
        other = self._create_customer("New")
        self._create_late_invoice(10, partner=other)
        profile = self.env["credit.profile"]._get_or_create(self.company, other)
        profile._refresh()
        self.assertFalse(profile.risk_class)
        self.assertFalse(profile.score_ids)
        self.assertIsNone(profile._get_risk_class())

    def test_parts_of_one_invoice_are_one_item(self):
        other = self._create_customer("Parts")
        move = self._create_late_invoice(10, partner=other)
        for amount in (20.0, 30.0, 10.0):
            self._pay(move, amount)
        facts = self.env["credit.score.facts"]
        items = facts._gather(self.company, other, self.today)[other.id].items
        self.assertEqual(len(items), 4)
        self.assertEqual(sum(item.amount for item in items), 100)
        self.assertEqual(len({item.ref for item in items}), 1)

    def test_what_was_credited_was_never_owed(self):
        refund = self._create_credit_note(100.0)
        lines = self._receivable_line(self.invoices[0]) + self._receivable_line(refund)
        lines.reconcile()
        refs = {
            item.ref
            for item in self.env["credit.score.facts"]
            ._gather(self.company, self.customer, self.today)[self.customer.id]
            .items
        }
        self.assertNotIn(self._receivable_line(self.invoices[0]).id, refs)
        self.assertEqual(len(refs), 2)

    def test_what_happened_later_is_not_known(self):
        day = self._day(15)
        before = self.score_of(day)
        self.assertTrue(before)
        self.pay_on(self.invoices[1], self._day(10))
        self.create_report(date=self._day(5))
        self._create_late_invoice(3, 5000.0)
        self.assertEqual(self.score_of(day), before)
        self.assertNotEqual(self.score_of(), before)

    def test_the_same_facts_give_the_same_score(self):
        self.assertEqual(self.score_of(), self.score_of())

    def test_customers_do_not_cost_queries(self):
        partners = self.customer
        for number in range(4):
            other = self._create_customer(f"Other {number}")
            for days in (20, 30, 40):
                self._create_late_invoice(days, partner=other)
            partners += other
        profiles = self.env["credit.profile"]._get_or_create(self.company, partners)
        profiles._refresh_scores()
        counts = []
        # The first time fills caches that do not depend on customers.
        for some in (self.profile, self.profile, profiles):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some._refresh_scores()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    # === WHAT IS KEPT AND SHOWN === #

    def test_the_explanation_adds_up_to_the_score(self):
        self.profile._refresh()
        factors = self.profile.score_factors
        self.assertEqual(self.profile.score, self.score_of().value)
        self.assertEqual(sum(one["points"] for one in factors), self.profile.score)
        self.assertEqual(sum(one["most"] for one in factors), 100)
        text = self.profile.score_explanation
        self.assertIn(f"{self.profile.score} / 100", text)
        self.assertIn("100 days late", text)

    def test_a_score_is_kept_once_a_day_and_when_it_changes(self):
        self.profile._refresh()
        self.profile._refresh()
        first = self.profile.score_ids
        self.assertEqual(first.score, self.profile.score)
        first.sudo().date = self._day(2)
        self.env.flush_all()
        self.profile._refresh()
        self.assertEqual(self.profile.score_ids, first)
        self._create_late_invoice(60, 9000.0)
        self.profile._refresh()
        self.assertEqual(len(self.profile.score_ids), 2)

    def test_a_score_is_kept_every_month(self):
        self.profile._refresh()
        self.profile.score_ids.sudo().date = self.today - relativedelta(months=1)
        self.env.flush_all()
        self.profile._refresh()
        self.assertEqual(len(self.profile.score_ids), 2)

    def test_the_job_refreshes_what_is_of_yesterday(self):
        self.assertFalse(self.profile.score_date)
        self._run_cron("ir_cron_refresh_scores")
        self.assertEqual(self.profile.score_date, self.today)
        self.assertEqual(self.profile.score, self.score_of().value)

    def test_the_items_counted_open(self):
        action = self.profile.action_view_score_items()
        items = self.env["account.move.line"].search(action["domain"])
        self.assertEqual(items.move_id.ids, sorted(m.id for m in self.invoices)[::-1])

    def test_nobody_writes_a_score_by_hand(self):
        for name, value in (("score", 99), ("risk_class", "A"), ("score_factors", [])):
            with self.assertRaises(UserError):
                self.profile.write({name: value})

    # === REPORTS OF BUREAUS === #

    def test_the_latest_report_counts_until_it_is_old(self):
        def external():
            return (
                self.env["credit.score.facts"]
                ._read_external(self.company, self.customer, self.today)
                .get(self.customer.id)
            )

        self.assertIsNone(external())
        self.create_report(date=self.today - relativedelta(years=1), rating=10)
        self.env.flush_all()
        self.assertIsNone(external())
        self.create_report(date=self._day(30), rating=20)
        report = self.create_report(date=self._day(3), rating=0)
        self.env.flush_all()
        self.assertEqual(external(), 0)
        report.has_rating = False
        self.env.flush_all()
        self.assertEqual(external(), 20)

    def test_a_report_without_a_rating_rates_nobody(self):
        before = self.score_of()
        self.env["credit.bureau.report"].create(
            {
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "source": "Bureau",
                "limit_amount": 5000.0,
            }
        )
        self.assertEqual(self.score_of(), before)

    def test_a_report_that_makes_no_sense_is_refused(self):
        with self.assertRaises(ValidationError):
            self.create_report(date=self.today + timedelta(days=1))

    # === A PERSON DECIDES === #

    def test_a_person_overrides_the_class_for_a_time(self):
        self.profile._refresh()
        computed = self.profile.risk_class
        self.assertNotEqual(computed, "B")
        review = self.create_review()
        self.assertEqual(self.profile._get_risk_class(), "B")
        self.assertEqual(self.profile.risk_class, computed)
        self.assertEqual(review.user_id, self.env.user)
        self.assertIn("Our own mistake", self.profile.message_ids[0].body)
        # Nobody changes it, not even who made it.
        with self.assertRaises(AccessError):
            review.until = self.today
        review.sudo().write(
            {"date": self._day(9), "until": self.today - timedelta(days=1)}
        )
        self.assertEqual(self.profile._get_risk_class(), computed)

    @mute_logger("odoo.models.unlink")
    def test_lists_find_the_class_that_holds(self):
        self.profile._refresh()
        computed = self.profile.risk_class
        review = self.create_review()
        self.assertNotEqual(computed, "B")
        Profile = self.env["credit.profile"]

        def found(risk_class):
            return self.profile in Profile.search(
                [("risk_class_used", "=", risk_class)]
            )

        self.assertEqual((found("B"), found(computed)), (True, False))
        self.assertFalse(self.profile in Profile.search([("risk_class_used", "=", 0)]))
        later = self.create_review(risk_class="A")
        self.assertEqual((found("A"), found("B")), (True, False))
        over = {"date": self._day(5), "until": self._day(1)}
        (review + later).sudo().write(over)
        self.assertEqual((found("A"), found(computed)), (False, True))

    def test_scores_and_reviews_of_a_merged_customer_are_kept(self):
        self.profile._refresh()
        review = self.create_review()
        score = self.profile.score_ids
        self.assertTrue(score)
        target = self._create_customer("Target")
        kept = self.env["credit.profile"]._get_or_create(self.company, target)
        self.env["credit.profile"]._merge_partners(self.customer, target)
        self.assertEqual((kept.score_ids, kept.review_ids), (score, review))

    def test_what_was_kept_long_enough_is_deleted(self):
        self.profile._refresh()
        report, review = self.create_report(), self.create_review()
        snapshot = self.profile.score_ids
        self.assertEqual(report.keep_until, self.today + relativedelta(months=36))
        self._run_cron("ir_cron_forget_scores")
        self.assertTrue(report.exists() and review.exists() and snapshot.exists())
        old = self._day(1200)
        snapshot.sudo().date = old
        review.sudo().write({"date": old, "until": old})
        report.keep_until = self._day(1)
        self._run_cron("ir_cron_forget_scores")
        for record in (report, review, snapshot):
            self.assertFalse(record.exists())

    # === NOBODY ELSE === #

    def test_salespeople_and_customers_get_nothing(self):
        self.profile._refresh()
        report, review = self.create_report(), self.create_review()
        seller = new_test_user(
            self.env, "score_seller", "base.group_user,base.group_allow_export"
        )
        portal = new_test_user(self.env, "score_visitor", "base.group_portal")
        rows = (
            (self.profile, "score"),
            (self.profile.score_ids, "score"),
            (review, "risk_class"),
            (report, "rating"),
        )
        for user in (seller, portal):
            for records, name in rows:
                theirs = records.with_user(user)
                model = theirs.browse()
                for road in (
                    lambda theirs=theirs, name=name: theirs.read([name]),
                    lambda theirs=theirs, name=name: theirs.export_data([name]),
                    lambda m=model, name=name: m.search([(name, "!=", False)]),
                    lambda m=model, name=name: m.search([], order=name),
                    lambda m=model, name=name: m.formatted_read_group([], [name]),
                    lambda m=model, name=name: m.search_read([], [name]),
                ):
                    with (
                        self.subTest(user=user.login, model=records._name),
                        # The host refuses portal users the export before ours does.
                        self.assertRaises(AccessError if user == seller else UserError),
                        mute_logger("odoo.models", "odoo.addons.base.models.ir_rule"),
                    ):
                        road()

    def test_no_road_leads_from_the_customer_to_a_score(self):
        ours = ("credit.score", "credit.score.review", "credit.bureau.report")
        for model in ("res.partner", "account.move", "res.company", "res.users"):
            for name, field in self.env[model]._fields.items():
                self.assertNotIn(field.comodel_name, ours, name)

    def test_letters_have_no_placeholder_for_a_score(self):
        for model in ("credit.dunning.letter", "credit.statement"):
            words = self.env[model].mail_allowed_qweb_expressions()
            self.assertFalse(
                [word for word in words if "score" in word or "risk" in word]
            )

    def test_only_managers_decide_on_a_class(self):
        user = new_test_user(
            self.env, "collector_of_scores", "credit_management.group_credit_user"
        )
        self.assertTrue(self.profile.with_user(user).read(["score"]))
        with self.assertRaises(AccessError):
            self.profile.with_user(user).action_review_score()
        with self.assertRaises(AccessError):
            self.env["credit.score.review"].with_user(user).create(
                {
                    "profile_id": self.profile.id,
                    "risk_class": "A",
                    "reason": "I like them",
                    "until": self.today,
                }
            )

    def test_a_manager_of_another_company_decides_on_nothing(self):
        other = self.setup_other_company()["company"]
        user = new_test_user(
            self.env,
            "manager_elsewhere",
            "credit_management.group_credit_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            self.env["credit.score.review"].with_user(user).create(
                {
                    "profile_id": self.profile.id,
                    "risk_class": "A",
                    "reason": "Not mine",
                    "until": self.today,
                }
            )
