from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.credit_management.models import (
    credit_dunning_facts,
    credit_dunning_run,
)

from .common import CreditCommon

# Stored and computed: what the proposal gives so that nobody has to compute it.
COMPUTED = (
    "name",
    "recipient_emails",
    "amount_total",
    "amount_company",
    "amount_upcoming",
    "flag_codes",
    "flag",
)


@tagged("post_install", "-at_install", "credit_once")
class TestScale(CreditCommon):
    """What is written in bulk and in batches is what would be written one by one."""

    def setUp(self):
        super().setUp()
        # One customer a batch: whatever must hold across batches is seen.
        self.patch(credit_dunning_facts, "BATCH_CUSTOMERS", 1)
        self.patch(credit_dunning_run, "RECORD_BATCH", 1)
        self.patch(type(self.env["res.company"]), "_credit_bank_is_stale", _never)
        self.env["res.company"].search([("id", "!=", self.company.id)]).write(
            {"credit_mode": "off"}
        )

    def _create_mixed_ledger(self):
        """Three customers: levels, a notice, a credit, another currency, a contact."""
        self._create_late_invoice(4)
        self._create_late_invoice(-2, 30.0)
        self._create_credit_note(15.55)
        other = self._create_customer("Tab\there", email=False)
        self._create_late_invoice(12, 77.77, other, currency_id=self._euro().id)
        third = self._create_customer("Dunned \\N elsewhere")
        self.env["res.partner"].create(
            {
                "name": "Dunning",
                "parent_id": third.id,
                "type": "dunning",
                "email": "dunning@example.com",
            }
        )
        self._create_late_invoice(25, 1000.0, third)
        self._create_late_invoice(1, 5.0, third)
        return self.customer | other | third

    def _euro(self):
        return self.setup_other_currency("EUR", rates=[("2020-01-01", 3.0)])

    def _read_columns(self, records, *but):
        """Return all stored columns of records, as they are in the database."""
        self.env.flush_all()
        self.env.cr.execute(
            f"SELECT * FROM {records._table} WHERE id = ANY(%s) ORDER BY id",
            [records.ids],
        )
        ours = {"id", "create_date", "write_date", *but}
        return [
            {name: value for name, value in row.items() if name not in ours}
            for row in self.env.cr.dictfetchall()
        ]

    # === IN BULK === #

    def _make_both_ways(self):
        """Propose, and write the same values again by the host's own ``create``."""
        given = {}
        cls = type(self.env["credit.bulk.mixin"])
        bulk = cls._create_in_bulk

        def note(model, vals_list):
            records = bulk(model, vals_list)
            given.setdefault(model._name, []).extend(
                zip(records.ids, vals_list, strict=True)
            )
            return records

        with patch.object(cls, "_create_in_bulk", note):
            run = self._propose()
        return run, given

    def test_letters_in_bulk_have_the_columns_that_create_would_write(self):
        self.env["credit.profile"]._get_or_create(self.company, self.customer).write(
            {"email_cc": "a@example.com, b@example.com", "user_id": self.env.uid}
        )
        self._create_mixed_ledger()
        run, given = self._make_both_ways()
        Letter = self.env["credit.dunning.letter"].sudo()
        names = COMPUTED
        bulk = Letter.browse([id_ for id_, _vals in given[Letter._name]])
        self.assertEqual(bulk, run.letter_ids.sorted("id").sudo())
        self.assertEqual(len(bulk), 3)
        rows = self._read_columns(bulk, "key")
        lines = bulk.line_ids.sorted("id")
        line_rows = self._read_columns(lines, "letter_id", "amount_company")
        company_amounts = lines.mapped("amount_company")
        recipients = [letter.recipient_ids for letter in bulk]
        # The live items would collide: the first ones go.
        line_vals = dict(given["credit.dunning.letter.line"])
        letter_of = {line.id: bulk.ids.index(line.letter_id.id) for line in lines}
        lines.unlink()
        create = Letter.with_context(
            tracking_disable=True, mail_create_nolog=True, mail_create_nosubscribe=True
        ).create
        by_host = create(
            [
                {
                    name: value
                    for name, value in vals.items()
                    if name not in names and name != "key"
                }
                for _id, vals in given[Letter._name]
            ]
        )
        copied = {"company_id", "partner_id", "currency_id", "state", "is_test"}
        lines_by_host = by_host.line_ids.create(
            [
                {name: value for name, value in vals.items() if name not in copied}
                | {"letter_id": by_host[letter_of[id_]].id}
                for id_, vals in line_vals.items()
            ]
        )
        self.assertEqual(rows, self._read_columns(by_host, "key"))
        self.assertEqual(
            line_rows,
            self._read_columns(lines_by_host, "letter_id", "amount_company"),
        )
        lines_by_host.invalidate_recordset()
        for amount, line in zip(company_amounts, lines_by_host, strict=True):
            # The host keeps more digits here than the currency has.
            self.assertEqual(
                amount, line.company_currency_id.round(line.amount_company)
            )
        self.assertEqual(recipients, [letter.recipient_ids for letter in by_host])

    def test_reasons_in_bulk_have_the_columns_that_create_would_write(self):
        self._create_mixed_ledger()
        _run, given = self._make_both_ways()
        Outcome = self.env["credit.dunning.outcome"].sudo()
        ids, vals_list = zip(*given[Outcome._name], strict=True)
        self.assertGreater(len(ids), 1)
        rows = self._read_columns(Outcome.browse(ids), "amount_company")
        by_host = Outcome.create(list(vals_list))
        self.assertEqual(rows, self._read_columns(by_host, "amount_company"))

    def test_a_letter_in_bulk_leaves_nothing_to_compute_again(self):
        self._create_mixed_ledger()
        letters = self._propose().letter_ids.sudo()
        before = self._read_columns(letters)
        for name in COMPUTED:
            self.env.add_to_compute(letters._fields[name], letters)
        self.assertEqual(before, self._read_columns(letters))

    def test_a_computed_field_that_is_not_given_is_computed(self):
        self._create_mixed_ledger()
        Letter = type(self.env["credit.dunning.letter"])
        prepare = Letter._prepare_computed_values

        def give_less(letter, vals, items):
            return {
                name: value
                for name, value in prepare(letter, vals, items).items()
                if name in ("name", "amount_company")
            }

        expected = self._propose().letter_ids.mapped(_get_computed)
        with patch.object(Letter, "_prepare_computed_values", give_less):
            run = self.env["credit.dunning.run"].search([], limit=1)
            run.action_propose()
        self.assertEqual(run.letter_ids.mapped(_get_computed), expected)

    # === LISTS === #

    def test_a_list_of_letters_asks_no_query_for_each_of_them(self):
        self.patch(credit_dunning_facts, "BATCH_CUSTOMERS", 100)
        for index in range(8):
            self._create_late_invoice(4, partner=self._create_customer(f"C{index}"))
        letters = self._propose().letter_ids
        names = (
            "flag_badges",
            "chased_count",
            "recipient_emails",
            "commercial_partner_id",
        )
        specification = {name: {} for name in names}

        def count(limit):
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            letters.web_search_read(
                [("id", "in", letters.ids)], specification, limit=limit
            )
            return self.env.cr.sql_log_count - start

        count(8)  # fills the caches of the host
        self.assertEqual(count(8), count(3))

    # === IN BATCHES === #

    def test_letters_are_queued_and_dropped_in_batches(self):
        self._create_mixed_ledger()
        run = self._propose()
        dropped = run.letter_ids
        run.action_propose()
        self.assertFalse(dropped.exists())
        self.assertEqual(len(run.letter_ids), 3)
        empty = run.letter_ids[0]
        empty._get_chased_lines().action_toggle_excluded()
        run.action_approve_and_send()
        self.assertEqual(empty.state, "skipped")
        self.assertEqual((run.letter_ids - empty).mapped("state"), ["queued"] * 2)
        self.assertEqual(run.state, "sending")

    def test_batches_of_one_customer_say_the_same_as_one_batch(self):
        self._create_mixed_ledger()

        def said(run):
            letters = run.letter_ids.sorted(lambda ltr: (ltr.partner_id.id, ltr.id))
            outcomes = run.outcome_ids.sorted(lambda o: o.move_line_id.id)
            return (
                letters.mapped(lambda ltr: (ltr.name, ltr.amount_total, ltr.level_id)),
                outcomes.mapped(lambda o: (o.move_line_id, o.reason, o.next_date)),
            )

        run = self._propose()
        in_batches = said(run)
        self.patch(credit_dunning_facts, "BATCH_CUSTOMERS", 100)
        run.action_propose()
        self.assertEqual(said(run), in_batches)
        self.assertEqual(len(in_batches[0]), 3)

    def test_queries_do_not_grow_with_customers(self):
        self.patch(credit_dunning_facts, "BATCH_CUSTOMERS", 100)

        def count(partners):
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            run = self._propose()
            self.env.flush_all()
            queries = self.env.cr.sql_log_count - start
            self.assertEqual(len(run.letter_ids), partners)
            run.action_cancel()
            return queries

        customers = [self._create_customer(f"Customer {index}") for index in range(12)]
        for customer in customers:
            self.env["credit.profile"]._get_or_create(self.company, customer)
        for customer in customers[:3]:
            self._create_late_invoice(4, partner=customer)
        count(3)  # fills the caches of the host
        few = count(3)
        for customer in customers[3:]:
            self._create_late_invoice(4, partner=customer)
        self.assertLessEqual(count(12), few)

    def test_a_customer_who_paid_all_is_forgotten_by_the_next_evaluation(self):
        invoice = self._create_late_invoice(1)
        Outcome = self.env["credit.dunning.outcome"]
        Outcome._evaluate(self.company)
        present = [("company_id", "=", self.company.id), ("run_id", "=", False)]
        self.assertEqual(Outcome.search(present).move_id, invoice)
        profile = self.env["credit.profile"]._get_or_create(self.company, self.customer)
        self.assertEqual(profile.open_amount, 100.0)
        self._pay(invoice)
        Outcome._evaluate(self.company)
        self.assertFalse(Outcome.search(present))
        self.assertFalse(profile.open_amount)

    # === CUT SHORT === #

    def _make_night(self, batches):
        """Make the nightly run with time for so many batches, or until it is killed."""
        left = iter(range(batches, 0, -1))

        def commit():
            return next(left, 1) - 1

        return self.env["credit.dunning.run"]._make_nightly_run(
            self.company, commit=commit
        )

    def test_a_night_cut_short_is_no_proposal(self):
        self._create_mixed_ledger()
        run = self._make_night(batches=1)
        self.assertEqual(run.state, "draft")
        self.assertEqual(len(run.letter_ids), 1)
        self.assertTrue(self.env["credit.dunning.run"]._is_nightly_due(self.company))

    def test_a_night_cut_short_is_gone_on_with_and_says_nothing_twice(self):
        customers = self._create_mixed_ledger()
        run = self._make_night(batches=2)
        kept = run.letter_ids
        self.assertEqual(self._make_night(batches=9), run)
        self.assertEqual(run.state, "proposed")
        self.assertLess(kept, run.letter_ids)
        self.assertEqual(run.letter_ids.commercial_partner_id, customers)
        self.assertEqual(len(run.letter_ids), 3)
        self.assertFalse(self.env["credit.dunning.run"]._is_nightly_due(self.company))

    def test_the_letters_of_automatic_policies_wait_for_the_whole_proposal(self):
        self.policy.automatic = True
        self._create_mixed_ledger()
        run = self._make_night(batches=2)
        self.assertEqual(set(run.letter_ids.mapped("state")), {"proposed"})
        self._make_night(batches=9)
        self.assertEqual(set(run.letter_ids.mapped("state")), {"queued"})

    def test_a_night_cut_short_makes_room_for_the_next_one(self):
        self._create_mixed_ledger()
        old = self._make_night(batches=2)
        old.sudo().date = self._day(1)
        run = self._make_night(batches=9)
        self.assertFalse(old.exists())
        self.assertEqual(len(run.letter_ids), 3)

    def test_a_night_cancelled_between_two_batches_stays_cancelled(self):
        self._create_mixed_ledger()
        Run = self.env["credit.dunning.run"]

        def cancel():
            Run.search([("state", "=", "draft")]).action_cancel()
            return 1

        run = Run._make_nightly_run(self.company, commit=cancel)
        self.assertEqual(run.state, "cancelled")
        self.assertEqual(run.letter_ids.mapped("state"), ["skipped"])

    def test_the_job_commits_each_batch_and_finishes_the_night(self):
        self._create_mixed_ledger()
        Cron = type(self.env["ir.cron"])
        calls = []
        commit_progress = Cron._commit_progress

        def note(cron, processed=0, **values):
            calls.append(processed)
            return commit_progress(cron, processed, **values)

        self.patch(Cron, "_commit_progress", note)
        self._run_cron("ir_cron_nightly_run")
        run = self.env["credit.dunning.run"].search(
            [("company_id", "=", self.company.id), ("is_nightly", "=", True)]
        )
        self.assertEqual(run.state, "proposed")
        self.assertEqual(len(run.letter_ids), 3)
        # The beginning, three customers, the company.
        self.assertEqual(calls[:5], [0, 1, 1, 1, 1])

    def test_a_proposal_by_hand_finishes_a_night_cut_short(self):
        self._create_mixed_ledger()
        run = self._make_night(batches=1)
        run.action_propose()
        self.assertEqual(run.state, "proposed")
        self.assertEqual(len(run.letter_ids), 3)


def _get_computed(letter):
    return {name: letter[name] for name in COMPUTED}


def _never(company, today):
    return False
