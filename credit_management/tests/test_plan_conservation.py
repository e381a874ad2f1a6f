"""Whatever happens in the books, the sums of a plan are those of the ledger."""

import random
from datetime import timedelta
from decimal import Decimal

from odoo.tests import tagged

from ..logic import instalments
from .test_plan import PlanCommon

# So many stories, of so many turns each; the same ones every time.
STORIES, TURNS = 20, 12
CENT = Decimal("0.01")


@tagged("post_install", "-at_install", "credit_once")
class TestPlanConservation(PlanCommon):
    def test_sums_are_those_of_the_ledger_whatever_happens(self):
        for seed in range(STORIES):
            with self.subTest(seed=seed):
                self._tell_story(random.Random(seed))

    def _tell_story(self, chance):
        partner = self._create_customer(f"Story {chance.random()}")
        self.partner = partner
        self.moves = self.env["account.move"].union(
            *(
                self._create_late_invoice(
                    chance.randint(5, 60), chance.randint(100, 99999) / 100, partner
                )
                for _each in range(chance.randint(1, 3))
            )
        )
        if chance.random() < 0.5:
            # Something from before the plan.
            self._take_payment(chance)
            self._take_credit(chance)
        if not any(self.moves.mapped("amount_residual")):
            return
        owed = self.moves.filtered("amount_residual")
        total = sum(
            Decimal(str(round(amount, 2))) for amount in owed.mapped("amount_residual")
        )
        count = min(chance.randint(1, 6), int(total / CENT))
        days = [self.today + timedelta(days=30 * (index + 1)) for index in range(count)]
        self.plan = self._plan(owed, instalments.make_plan(total, days, CENT))
        self.turn = self._plan
        self._compare()
        for _turn in range(TURNS):
            self.turn = chance.choice(
                (
                    self._take_payment,
                    self._take_payment,
                    self._take_credit,
                    self._take_back,
                    self._dispute,
                    self._settle,
                    self._pass_night,
                )
            )
            self.turn(chance)
            self._compare()

    # === WHAT MAY HAPPEN === #

    def _choose(self, chance):
        owed = self.moves.filtered("amount_residual")
        return chance.choice(list(owed)) if owed else owed

    def _some(self, chance, most):
        return round(most * chance.choice((1, 1, chance.random())), 2)

    def _take_payment(self, chance):
        move = self._choose(chance)
        amount = move and self._some(chance, move.amount_residual)
        if amount:
            self._pay(move, amount)

    def _take_credit(self, chance):
        move = self._choose(chance)
        amount = move and self._some(chance, move.amount_residual)
        if amount:
            note = self._create_credit_note(amount, self.partner)
            self._items(move | note).reconcile()

    def _take_back(self, chance):
        items = self._items(self.moves)
        matches = items.matched_credit_ids
        if matches:
            chance.choice(list(matches)).unlink()

    def _dispute(self, chance):
        move = self._choose(chance)
        free = move and self.env["credit.dispute"]._get_undisputed(move)
        amount = free and self._some(chance, free)
        if amount and amount > 0:
            profile = self.env["credit.profile"]._get_or_create(
                self.company, self.partner
            )
            self.env["credit.dispute"]._open(
                profile,
                self.env.ref("credit_management.dispute_reason_price"),
                [{"move": move, "amount": amount}],
                "Too much",
            )

    def _settle(self, chance):
        disputes = self.env["credit.dispute"].search(
            [("partner_id", "=", self.partner.id), ("closed_date", "=", False)]
        )
        if disputes:
            chance.choice(list(disputes))._withdraw()

    def _pass_night(self, chance):
        self.plan.sudo()._refresh(self.today, is_night=True)

    # === WHAT IS ALWAYS SO === #

    def _compare(self):
        plan = self.plan.sudo()
        plan.invalidate_recordset()
        plan.line_ids.invalidate_recordset()
        account, standings = plan._find_standings(self.today)[plan]
        if plan.state not in ("active", "kept"):
            return
        ledger = sum(
            min(
                max(Decimal(str(item.move_line_id.amount_residual_currency)), 0),
                Decimal(str(item.amount)),
            )
            for item in plan.item_ids
        )
        parts = standings.values()
        self.assertEqual(account.remaining + account.disputed, ledger)
        self.assertEqual(sum(each.remaining for each in parts), account.remaining)
        self.assertEqual(sum(each.paid for each in parts), account.paid)
        self.assertEqual(account.opening, Decimal(str(plan.amount)))
        self.assertEqual(
            account.opening,
            account.paid + account.credited + account.disputed + account.remaining,
        )
        self.assertFalse(
            plan.currency_id.compare_amounts(plan.amount_paid, float(account.paid)),
            (self.turn.__name__, plan.amount_paid, account),
        )
        self.assertFalse(
            plan.currency_id.compare_amounts(
                sum(plan.line_ids.mapped("amount_left")), float(account.remaining)
            )
        )
