"""Random stories about payment plans, against the books of the host.

Needs hypothesis, which is for developers: whoever only runs the add-on has no use for
it, so nothing but the test imports this file, and that test is skipped without it.
"""

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from odoo.exceptions import UserError

from ..logic import dunning, instalments
from ..logic import plan as life
from ..logic.money import to_decimal

WHOLE = 1000
shares = st.one_of(st.just(WHOLE), st.integers(1, WHOLE - 1))  # in thousandths
choices = st.integers(0, 5)
LIVING = (life.ACTIVE, life.KEPT, life.BROKEN)


class PlanStories(RuleBasedStateMachine):
    """One customer, one to three invoices in one currency, and what happens to them.

    ``case`` is the test, with its builders; all that a story wrote is taken back when
    it ends.
    """

    case = None
    clock = None  # moves the day of everybody
    told = None  # Counter of turns
    moves_seen = None  # Counter of pairs of states

    def __init__(self):
        super().__init__()
        self.env = self.case.env
        self.savepoint = self.env.cr.savepoint()
        self.plan = self.plans = self.env["credit.payment.plan"]
        self.partner = self.env["res.partner"]
        self.today = self.case.today
        self.pass_days(0)

    def teardown(self):
        """Take back what was written: stories know nothing of each other."""
        self.savepoint.close(rollback=True)
        self.clock.move_to(f"{self.case.today} 09:00:00")

    # === BEFORE === #

    @initialize(
        currency=st.sampled_from(("own", "CHF", "JPY", "KWD")),
        amounts=st.lists(st.integers(1, 99999), min_size=1, max_size=3),
        paid=st.integers(0, WHOLE),
        credited=st.integers(0, WHOLE),
        count=st.integers(1, 6),
    )
    def begin(self, currency, amounts, paid, credited, count):
        """Have invoices, some of it paid and credited before, and a plan that runs."""
        self.currency = self.case.currencies[currency]
        self.partner = self.case._create_customer("Story")
        rounding = self.currency.rounding
        self.moves = self.env["account.move"].union(
            *(
                self.case._create_late_invoice(
                    5 + 20 * index,
                    self.currency.round(amount * rounding),
                    self.partner,
                    currency_id=self.currency.id,
                )
                for index, amount in enumerate(amounts)
            )
        )
        self.look("begin")
        if paid:
            self._pay(self.moves[:1], paid)
        if credited:
            self._credit(self.moves[-1:], credited)
        self.make(count, 30)
        self.start()

    # === THE LEDGER === #

    @precondition(lambda self: self.owed)
    @rule(which=choices, share=shares)
    def pay(self, which, share):
        """Pay an invoice, or a part of it."""
        self._pay(self._choose(self.owed, which), share)
        self.look("pay")

    @precondition(lambda self: self.owed)
    @rule(which=choices, share=st.integers(WHOLE + 1, 2 * WHOLE))
    def pay_too_much(self, which, share):
        """Pay more than an invoice comes to: the rest waits for another one."""
        self._pay(self._choose(self.owed, which), share)
        self.look("pay too much")

    @precondition(lambda self: self.owed)
    @rule()
    def pay_all(self):
        """Pay all invoices by one payment."""
        self._register(self.owed, group_payment=True)
        self.look("pay all")

    @precondition(lambda self: self.plan.state == life.ACTIVE)
    @rule()
    def pay_what_is_asked(self):
        """Pay what the host's window suggests: the part of the plan."""
        open_moves = self.plan.item_ids.move_id & self.owed
        if open_moves:
            self._register(open_moves[:1])
        self.look("pay what is asked")

    @precondition(lambda self: self.owed)
    @rule(which=choices, share=shares)
    def credit(self, which, share):
        """Take something off an invoice by a credit note."""
        self._credit(self._choose(self.owed, which), share)
        self.look("credit")

    @precondition(lambda self: self.matches)
    @rule(which=choices)
    def take_back(self, which):
        """Undo a match: a payment came back, or was put on the wrong invoice."""
        self._choose(self.matches, which).unlink()
        self.look("take back")

    @precondition(lambda self: self.credits and self.owed)
    @rule(which=choices, where=choices)
    def match_again(self, which, where):
        """Put money that waits on an invoice."""
        item = self._choose(self.credits, which)
        move = self._choose(self.owed, where)
        (item + self._open_items(move)[:1]).reconcile()
        self.look("match again")

    @precondition(lambda self: self.moves)
    @rule(which=choices)
    def set_back(self, which):
        """Set an invoice back to draft and post it again, as who corrects a text."""
        move = self._choose(self.moves, which)
        if self._attempt(move.button_draft):
            move.action_post()
        self.look("set back")

    # === DISPUTES === #

    @precondition(lambda self: self.owed)
    @rule(which=choices, share=shares)
    def dispute(self, which, share):
        """Open a dispute about what is not in dispute yet of an invoice."""
        move = self._choose(self.owed, which)
        amount = self._part(self.env["credit.dispute"]._get_undisputed(move), share)
        if amount > 0:
            self.env["credit.dispute"]._open(
                self._profile(),
                self.env.ref("credit_management.dispute_reason_price"),
                [{"move": move, "amount": amount}],
                "Too much",
            )
        self.look("dispute")

    @precondition(lambda self: self.disputes)
    @rule(which=choices)
    def withdraw(self, which):
        """The customer gives a dispute up."""
        self._choose(self.disputes, which)._withdraw()
        self.look("withdraw")

    @precondition(lambda self: self.disputes)
    @rule(which=choices, share=shares)
    def accept(self, which, share):
        """Settle a dispute by a credit note for what is accepted."""
        case = self._choose(self.disputes, which)
        accepted = self._part(case.line_ids.amount, share)
        if accepted > 0:
            case.line_ids.amount_accepted = accepted
            self._attempt(lambda: case._accept("Yes", self.today))
        self.look("accept")

    # === THE PLAN === #

    @precondition(lambda self: self.plan.state in (life.DRAFT, *life.CLOSED_STATES))
    @precondition(lambda self: self.owed)
    @rule(count=st.integers(1, 6), days=st.sampled_from((7, 30)))
    def make(self, count, days):
        """Make the draft of a plan over all that is open."""
        if self.plan.state == life.DRAFT:
            self.plan.action_cancel()
        items = self._open_items(self.owed)
        total = sum(map(to_decimal, items.mapped("amount_residual_currency")))
        step = to_decimal(self.currency.rounding)
        count = min(count, int(total / step))
        dates = [self.today + timedelta(days=days * index) for index in range(count)]
        parts = total and instalments.make_plan(total, dates, step)
        made = parts and self._attempt(
            lambda: self.env["credit.payment.plan"]._make(self._profile(), items, parts)
        )
        if made:
            self.plan = made.sudo(False)
            self.plans |= self.plan
        self.look("make")

    @precondition(lambda self: self.plan.state == life.DRAFT)
    @rule(which=choices, share=shares, is_kept=st.booleans())
    def change_parts(self, which, share, is_kept):
        """Take something off one part of a draft; and put it on another, or not."""
        line = self._choose(self.plan.line_ids, which)
        other = (self.plan.line_ids - line)[:1]
        amount = self._part(line.amount, share)
        if other and 0 < amount < line.amount:
            line.amount = self.currency.round(line.amount - amount)
            if is_kept:
                other.amount = self.currency.round(other.amount + amount)
        self.look("change parts")

    @precondition(lambda self: self.plan.state == life.DRAFT)
    @rule()
    def start(self):
        """Let the draft run, if its parts add up and something is left to pay."""
        self._attempt(self.plan.action_activate)
        self.look("start")

    @precondition(lambda self: self.plan.state == life.ACTIVE)
    @rule()
    def cancel(self):
        """End the plan by agreement."""
        self.plan.action_cancel()
        self.look("cancel")

    @precondition(lambda self: self.plan.state == life.ACTIVE)
    @rule()
    def end(self):
        """Say that the plan was not kept."""
        self.plan.action_break()
        self.look("end")

    @precondition(lambda self: self.plans.filtered(lambda p: p.state == life.BROKEN))
    @rule(which=choices)
    def revive(self, which):
        """Let a plan that was broken run again."""
        broken = self.plans.filtered(lambda plan: plan.state == life.BROKEN)
        plan = self._choose(broken, which)
        if self._attempt(plan.action_revive):
            self.plan = plan
        self.look("revive")

    @rule(days=st.sampled_from((0, 1, 8, 31)))
    def night(self, days):
        """Let days pass, and then a night."""
        self.pass_days(days)
        self.plans.sudo()._refresh(self.today, is_night=True)
        for plan in self.plans.filtered(lambda plan: plan.state == life.ACTIVE):
            account, _standings = self._read(plan)
            assert account.remaining + account.disputed > 0, "it runs on for nothing"
        self.look("night")

    # === HELPERS === #

    def pass_days(self, days):
        """Move everybody's clock ahead."""
        self.today += timedelta(days=days)
        self.clock.move_to(f"{self.today} 09:00:00")

    def look(self, turn):
        """See what there is now, for the next turn."""
        self.told[turn] += 1
        self.env.flush_all()
        # What parts come to is read anew by each request.
        self.plans.line_ids.invalidate_recordset()
        items = self._items(self.moves)
        posted = self.moves.filtered(lambda move: move.state == "posted")
        self.owed = posted.filtered("amount_residual")
        self.matches = items.matched_credit_ids.sorted("id")
        self.disputes = self.env["credit.dispute"].search(
            [("partner_id", "=", self.partner.id), ("closed_date", "=", False)],
            order="id",
        )
        self.credits = self.env["account.move.line"].search(
            [
                ("partner_id", "=", self.partner.id),
                ("account_id", "=", items.account_id.id),
                ("currency_id", "=", self.currency.id),
                ("parent_state", "=", "posted"),
                ("amount_residual_currency", "<", 0),
            ],
            order="id",
        )

    def _choose(self, records, which):
        return records[which % len(records)]

    def _part(self, amount, share):
        return self.currency.round(amount * share / WHOLE)

    def _items(self, moves):
        return self.case._items(moves) if moves else self.env["account.move.line"]

    def _open_items(self, moves):
        return self._items(moves).filtered("amount_residual_currency")

    def _profile(self):
        return self.env["credit.profile"]._get_or_create(
            self.case.company, self.partner
        )

    def _pay(self, move, share):
        amount = self._part(move.amount_residual, share)
        if amount > 0:
            self._register(move, amount=amount)

    def _register(self, moves, **values):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=moves.ids)
            .create({"payment_date": self.today})
        )
        for name, value in values.items():
            wizard[name] = value
        return wizard._create_payments()

    def _credit(self, move, share):
        amount = self._part(move.amount_residual, share)
        if amount > 0:
            note = self.case._create_credit_note(
                amount, self.partner, currency_id=self.currency.id
            )
            self._open_items(move | note).reconcile()

    def _attempt(self, act):
        """Do what may be refused; return what it returns, or True, or None."""
        try:
            with self.env.cr.savepoint():
                return act() or True
        except UserError:
            return None

    def _read(self, plan):
        plan_sudo = plan.sudo()
        return plan_sudo._find_standings(self.today)[plan_sudo]

    # === WHAT IS ALWAYS SO === #

    @invariant()
    def moves_are_legal(self):
        """Every change of a state that was written is one of the table."""
        for before, after in self.moves_seen:
            assert life.may_move(before, after), (before, after)

    @invariant()
    def sums_are_those_of_the_ledger(self):
        """What the plan says is what the books say, to the last unit."""
        for plan in self.plans:
            lines, items = plan.line_ids, plan.item_ids
            if plan.state != life.DRAFT:
                agreed = sum(map(to_decimal, lines.mapped("amount")))
                if plan.state != life.CANCELLED or plan.active_date:
                    assert agreed == to_decimal(plan.amount), "the parts agreed"
            if plan.state not in LIVING:
                continue
            account, standings = self._read(plan)
            opening = to_decimal(plan.amount)
            ledger = sum(self._covered(item) for item in items)
            assert opening == sum(to_decimal(item.amount) for item in items)
            assert account.opening == opening
            assert account.remaining + account.disputed == ledger, "the ledger"
            assert opening == (
                account.paid + account.credited + account.disputed + account.remaining
            )
            assert min(account.paid, account.credited, account.disputed) >= 0
            parts = list(standings.values())
            assert sum(part.remaining for part in parts) == account.remaining
            assert sum(part.paid for part in parts) == account.paid
            shown = sum(map(to_decimal, lines.mapped("amount_left")))
            assert shown == account.remaining, "what the parts show"
            assert to_decimal(plan.amount_paid) == account.paid, "what was written"
            behind = [part for part in parts if part.remaining][1:]
            assert not any(part.paid for part in behind), "the oldest part first"

    @invariant()
    def the_end_is_seen(self):
        """A plan that was kept has nothing open, unless another has it now."""
        for plan in self.plans:
            if plan.state == life.KEPT:
                account, _standings = self._read(plan)
                others = self.plans.filtered(
                    lambda other: other.state in life.HOLDING_STATES
                )
                assert account.remaining + account.disputed == 0 or others

    @invariant()
    def everybody_asks_for_the_same(self):
        """The host's portal asks for what the plan asks; reminders leave it alone."""
        covered = {}
        for plan in self.plans:
            if plan.state != life.ACTIVE:
                continue
            for item in plan.item_ids:
                assert item.move_line_id not in covered, "two plans for one item"
                covered[item.move_line_id] = item
            self._check_asked(plan)
        facts = self.env["credit.dunning.facts"]._gather(
            self.case.company, self.today, self.partner
        )
        customers = facts.customers.values()
        for item in (item for customer in customers for item in customer.items):
            held = [each for each in item.withheld if each.reason == dunning.PLANNED]
            line = self.env["account.move.line"].browse(item.ref)
            if line not in covered:
                assert not held
                continue
            assert len(held) == 1
            assert held[0].holds_on(self.today)
            amount = self._covered(covered[line])
            assert min(held[0].amount or item.residual, item.residual) == amount

    def _check_asked(self, plan):
        open_parts = [line for line in plan.line_ids if line.amount_left]
        late = [line for line in open_parts if line.date < self.today]
        asked = sum(to_decimal(line.amount_left) for line in late or open_parts[:1])
        for move in plan.item_ids.move_id & self.owed if asked else ():
            values = move._get_invoice_next_payment_values()
            expected = min(asked, to_decimal(move.amount_residual))
            assert to_decimal(values["next_amount_to_pay"]) == expected, (
                values["next_amount_to_pay"],
                expected,
            )

    def _covered(self, item):
        line = item.move_line_id
        if line.parent_state != "posted":
            return Decimal(0)
        residual = max(to_decimal(line.amount_residual_currency), Decimal(0))
        return min(residual, to_decimal(item.amount))
