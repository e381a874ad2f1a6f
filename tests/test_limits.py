"""What is always so of limits that are asked for, and of those a policy sets."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import limits, score

TODAY = date(2026, 5, 1)
amounts = st.integers(0, 10**7).map(lambda n: Decimal(n) / 100)
days = st.integers(-400, 400)


def test_what_is_over_stays_over_and_all_else_comes_to_an_end():
    over = [state for state, targets in limits.MOVES.items() if not targets]
    assert set(over) == {
        limits.EXPIRED,
        limits.SUPERSEDED,
        limits.REFUSED,
        limits.WITHDRAWN,
    }
    for state in limits.MOVES:
        seen = {state}
        while more := {t for s in seen for t in limits.MOVES[s]} - seen:
            seen |= more
        assert seen & set(over)


def test_nothing_holds_without_a_decision():
    ways = [s for s, targets in limits.MOVES.items() if limits.IN_FORCE in targets]
    assert ways == [limits.APPROVED]
    ways = [s for s, targets in limits.MOVES.items() if limits.APPROVED in targets]
    assert ways == [limits.SUBMITTED]


@given(amounts, amounts, amounts)
def test_above_is_an_order_with_no_limit_at_its_top(one, other, third):
    assert not (limits.is_above(one, other) and limits.is_above(other, one))
    assert limits.is_above(one, other) or limits.is_above(other, one) or one == other
    if limits.is_above(one, other) and limits.is_above(other, third):
        assert limits.is_above(one, third)
    assert not limits.is_above(one, Decimal(0))


@given(amounts, amounts, amounts)
def test_what_needs_four_eyes_does_so_when_it_is_more(limit, more, threshold):
    if limits.needs_four_eyes(limit, threshold) and limits.is_above(more, limit):
        assert limits.needs_four_eyes(more, threshold)
    assert not limits.needs_four_eyes(limit, Decimal(0))


@given(amounts, amounts, amounts)
def test_a_policy_stays_below_its_cap_and_never_lifts_a_limit(suggested, current, cap):
    limit = limits.find_automatic(suggested, current, cap)
    if limit is None:
        return
    assert 0 < limit <= cap
    assert limit <= suggested
    assert limit != current
    # Applied once, it has nothing more to do.
    assert limits.find_automatic(suggested, limit, cap) is None


@given(st.lists(st.tuples(amounts, days, st.none() | days), max_size=8))
def test_mean_days_late_lies_between_none_and_the_worst(rows):
    items = [
        score.PaidItem(
            amount,
            TODAY - timedelta(days=due),
            None if late is None else TODAY - timedelta(days=due - late),
        )
        for amount, due, late in rows
    ]
    late = limits.compute_days_late(items, TODAY)
    worst = max((item.find_days_late(TODAY) for item in items), default=0)
    assert 0 <= late <= max(worst, 0)
