"""What is always so of promises, whatever is promised, paid and taken back."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import dunning, promise
from credit_management.logic.promise import Payment, Promise, Verdict
from credit_management.logic.workdays import MONDAY_TO_FRIDAY, WorkCalendar

from .builders import TODAY, days, decide_one, make_item

CENT = Decimal("0.01")
cents = st.integers(0, 100_000).map(lambda count: count * CENT)
positive = st.integers(1, 100_000).map(lambda count: count * CENT)
near_days = st.integers(-30, 30).map(lambda count: TODAY + timedelta(days=count))
payments = st.lists(st.builds(Payment, day=near_days, amount=positive), max_size=6)
promises = st.builds(Promise, amount=positive, last_day=near_days, owed=cents)
states = st.sampled_from(sorted(promise.RANK))
verdicts = st.builds(Verdict, state=states, kept=cents, due=positive)


# === WHAT BECOMES OF IT === #


@given(promises, payments, st.builds(Payment, day=near_days, amount=positive))
def test_paying_more_never_makes_it_worse(given_, paid, more):
    before = promise.decide(given_, paid, TODAY)
    after = promise.decide(given_, [*paid, more], TODAY)
    assert promise.RANK[after.state] >= promise.RANK[before.state]
    assert after.kept >= before.kept


@given(promises, payments)
def test_paying_earlier_never_makes_it_worse(given_, paid):
    before = promise.decide(given_, paid, TODAY)
    earlier = [Payment(each.day - days(1), each.amount) for each in paid]
    after = promise.decide(given_, earlier, TODAY)
    assert promise.RANK[after.state] >= promise.RANK[before.state]


@given(promises, payments)
def test_nothing_is_decided_before_its_last_day_unless_all_is_paid(given_, paid):
    verdict = promise.decide(given_, paid, TODAY)
    if TODAY <= given_.last_day:
        assert verdict.state not in (promise.BROKEN, promise.PARTLY_KEPT)
        assert (verdict.state == promise.KEPT) == (0 < verdict.due <= verdict.kept)


@given(promises, payments)
def test_after_its_last_day_nothing_stays_open(given_, paid):
    verdict = promise.decide(given_, paid, given_.last_day + days(1))
    assert verdict.state != promise.OPEN


@given(promises, payments)
def test_what_was_kept_is_between_nothing_and_what_is_due(given_, paid):
    verdict = promise.decide(given_, paid, TODAY)
    assert 0 <= verdict.kept <= verdict.due <= given_.amount


@given(promises, payments)
def test_money_that_came_too_late_changes_nothing(given_, paid):
    late = [Payment(given_.last_day + days(1), each.amount) for each in paid]
    assert promise.decide(given_, late, TODAY) == promise.decide(given_, [], TODAY)


@given(promises, payments)
def test_the_order_of_payments_does_not_matter(given_, paid):
    there = promise.decide(given_, paid, TODAY)
    assert there == promise.decide(given_, paid[::-1], TODAY)


@given(positive, near_days)
def test_a_promise_about_what_nobody_owes_any_more_is_never_broken(amount, last_day):
    gone = Promise(amount, last_day, owed=Decimal(0))
    for day in (last_day, last_day + days(1), last_day + days(400)):
        assert promise.decide(gone, [], day).state == promise.WITHDRAWN


# === TAKEN BACK === #


@given(promises, payments)
def test_taking_a_payment_back_reopens_what_was_kept(given_, paid):
    kept = promise.decide(given_, paid, TODAY)
    without = promise.decide(given_, [], TODAY)
    if kept.state == promise.KEPT:
        assert promise.react(kept.state, without) == promise.OPEN


@given(states, verdicts)
def test_nothing_gets_worse_than_open_while_somebody_works_on_the_ledger(state, now):
    after = promise.react(state, now)
    if promise.RANK[after] < promise.RANK[state]:
        assert after == promise.OPEN


@given(states, verdicts)
def test_what_is_kept_is_kept_at_once(state, now):
    if now.state == promise.KEPT:
        assert promise.react(state, now) == promise.KEPT


@given(verdicts)
def test_looking_twice_changes_nothing(now):
    once = promise.react(now.state, now)
    assert once == now.state


# === DAYS === #


@given(near_days, st.integers(0, 10), st.sets(st.integers(0, 30), max_size=8))
def test_the_tolerance_counts_working_days_alone(day, tolerance, off):
    holidays = frozenset(day + days(count) for count in off)
    calendar = WorkCalendar(MONDAY_TO_FRIDAY, holidays)
    last = promise.find_last_day(day, tolerance, calendar)
    worked = sum(
        calendar.is_working_day(day + days(count))
        for count in range(1, (last - day).days + 1)
    )
    assert worked == tolerance
    assert last == day or calendar.is_working_day(last)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6))
def test_no_number_of_promises_holds_longer_than_the_window(tries):
    """Whoever takes a promise back and gives another one gains no day."""
    window, first, now, furthest = 14, None, TODAY, TODAY
    for wait, _wanted in tries:
        now += days(wait)
        latest = promise.find_latest_day(now, window, first, has_broken=False)
        if latest is None:
            continue
        first = first or now
        furthest = max(furthest, latest)
    assert first is None or furthest <= first + days(window)


# === AMOUNTS === #


@given(positive, st.lists(cents, min_size=1, max_size=6))
def test_shares_add_up_and_begin_with_the_oldest(amount, items):
    parts = promise.share_out(amount, items)
    assert sum(parts) == min(amount, sum(items))
    assert all(0 <= part <= free for part, free in zip(parts, items, strict=True))
    full = [part == free for part, free in zip(parts, items, strict=True)]
    if False in full:
        assert not any(parts[full.index(False) + 1 :])


@given(st.lists(st.tuples(states, st.integers(1, 9), positive, cents), max_size=8))
def test_rates_lie_between_nothing_and_all(groups):
    groups = [(state, count, due, min(kept, due)) for state, count, due, kept in groups]
    rate = promise.find_kept_rate(groups)
    if rate:
        assert 0 <= rate.by_count <= 1
        assert 0 <= rate.by_amount <= 1
    else:
        assert not any(group[0] in promise.DECIDED_STATES for group in groups)


# === DUNNING === #


@given(positive, st.integers(0, 20))
def test_a_promised_item_is_left_alone_and_returns_on_the_day_after(residual, later):
    until = TODAY + days(later)
    held = dunning.Withheld(dunning.PROMISED, residual, until)
    item = make_item(residual=residual, withheld=(held,))
    outcome = decide_one(item)
    assert outcome.reason == dunning.PROMISED
    assert outcome.next_date == until + days(1)


def test_what_is_not_promised_of_an_item_stays_due():
    held = dunning.Withheld(dunning.PROMISED, Decimal(40), TODAY)
    outcome = decide_one(make_item(residual=Decimal(100), withheld=(held,)))
    assert outcome.is_chased
    assert outcome.amount == 60
