"""What is always so of the parts of a payment plan."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import instalments as rule

ROUNDINGS = st.sampled_from([Decimal(1), Decimal("0.01"), Decimal("0.001")])
DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
COUNTS = st.integers(1, 60)


@st.composite
def plans(draw):
    """Return a plan, its total and the rounding of its currency."""
    rounding, count = draw(ROUNDINGS), draw(COUNTS)
    total = draw(st.integers(count, 10**9)) * rounding
    days = rule.find_days(draw(DAYS), count, draw(st.sampled_from(rule.RHYTHMS)))
    return rule.make_plan(total, days, rounding), total, rounding


@given(plans())
def test_parts_add_up_to_the_cent_and_none_is_nothing(made):
    plan, total, rounding = made
    amounts = [part.amount for part in plan]
    assert sum(amounts) == total
    assert min(amounts) > 0
    assert max(amounts) - min(amounts) <= rounding
    assert all(amount % rounding == 0 for amount in amounts)


@given(
    total=st.integers(1, 10**8),
    count=st.integers(1, 36),
    step=st.sampled_from([Decimal(1), Decimal(10)]),
)
def test_rounded_parts_add_up_to_what_is_not_round(total, count, step):
    amount = Decimal(total) / 100
    try:
        parts = rule.split_evenly(amount, count, step)
    except rule.UnsuitablePlan:
        assert amount < step * count
        return
    assert sum(parts) == amount
    assert all(part % step == 0 for part in parts[1:])


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_parts_of_an_amount_add_up(total, amount):
    total, amount = Decimal(total) / 100, Decimal(amount) / 100
    parts = rule.split_by_amount(total, amount, Decimal("0.01"))
    assert sum(parts) == total
    assert all(part == amount for part in parts[:-1])
    assert 0 < parts[-1] <= amount


@given(DAYS, COUNTS, st.sampled_from(rule.RHYTHMS), st.integers(1, 31) | st.none())
def test_days_rise_and_no_month_is_left_out(first, count, rhythm, pay_day):
    days = rule.find_days(first, count, rhythm, pay_day)
    assert len(days) == count
    assert days[0] == first
    assert all(after > before for before, after in zip(days, days[1:], strict=False))
    if rhythm == rule.MONTHLY:
        months = [day.year * 12 + day.month for day in days]
        assert months == list(range(months[0], months[0] + count))


@given(plans(), st.decimals(0, 1, places=3), st.integers(-400, 4000))
def test_what_is_paid_and_what_remains_is_the_plan(made, share, after):
    plan, total, rounding = made
    remaining = (total * share).quantize(rounding)
    today = plan[0].day + timedelta(days=after)
    standings = rule.find_standing(plan, remaining, today)
    assert sum(one.paid for one in standings) == total - remaining
    assert sum(one.remaining for one in standings) == remaining
    # The oldest first: after a part with something left nothing is paid.
    left = [one.remaining > 0 for one in standings]
    assert (
        all(not one.paid for one in standings[left.index(True) + 1 :])
        if any(left)
        else remaining == 0
    )


@given(plans(), st.decimals(0, 1, places=3), st.decimals(0, 1, places=3))
def test_paying_more_never_makes_a_part_worse(made, one, other):
    plan, total, rounding = made
    more, less = sorted((total * share).quantize(rounding) for share in (one, other))
    today = plan[-1].day
    better = rule.find_standing(plan, more, today)
    worse = rule.find_standing(plan, less, today)
    assert all(a.paid >= b.paid for a, b in zip(better, worse, strict=True))


@given(plans(), st.decimals(0, 2, places=3))
def test_what_is_credited_comes_off_the_last_parts(made, share):
    plan, total, rounding = made
    off = (total * share).quantize(rounding)
    reduced = rule.reduce_plan(plan, off)
    assert sum(part.amount for part in reduced) == max(total - off, 0)
    assert reduced[:-1] == plan[: max(len(reduced) - 1, 0)]


def test_what_makes_no_plan_is_refused():
    day = date(2026, 1, 1)
    for days, first in (
        ((day, day), 0),
        ((day,), 10),
        ((day, day + timedelta(1)), 100),
        ((), 0),
    ):
        with pytest.raises(rule.UnsuitablePlan):
            rule.make_plan(Decimal(100), days, Decimal("0.01"), Decimal(first))


@given(
    total=st.integers(1, 10**8),
    wishes=st.lists(st.tuples(DAYS, st.integers(0, 10**7)), max_size=12),
    rounding=ROUNDINGS,
)
def test_named_days_are_kept_and_come_to_the_total(total, wishes, rounding):
    total *= rounding
    wishes = [(day, amount * rounding) for day, amount in wishes]
    try:
        plan = rule.design_by_days(total, wishes, rounding)
    except rule.UnsuitablePlan:
        days = [day for day, _amount in wishes]
        named = sum(amount for _day, amount in wishes)
        free = sum(not amount for _day, amount in wishes)
        assert (
            len(set(days)) < len(days)
            or (free and total - named < free * rounding)
            or (not free and named != total)
        )
        return
    assert sum(part.amount for part in plan) == total
    assert [part.day for part in plan] == sorted(day for day, _amount in wishes)
    asked = {day: amount for day, amount in wishes if amount}
    assert all(part.amount == asked.get(part.day, part.amount) for part in plan)
    assert all(part.amount > 0 for part in plan)


def test_a_negative_amount_is_no_part():
    day = date(2026, 5, 1)
    wishes = [(day, Decimal(-5)), (day + timedelta(days=9), Decimal(0))]
    with pytest.raises(rule.UnsuitablePlan):
        rule.design_by_days(Decimal(100), wishes, Decimal(1))


@given(plans(), st.integers(0, 1000), st.integers(0, 40), st.integers(0, 800))
def test_what_a_plan_costs_grows_with_fee_rate_and_time(made, fee, rate, later):
    plan, total, rounding = made
    start = plan[0].day - timedelta(days=later)
    fee *= rounding
    cost = rule.find_cost(plan, start, fee, Decimal(rate), rounding)
    assert cost % rounding == 0
    assert rule.find_cost(plan, start, fee, Decimal(0), rounding) == fee
    assert fee <= cost <= rule.find_cost(plan, start, fee, Decimal(rate + 1), rounding)
    # By no more than all of it would bear until the last day.
    days = (plan[-1].day - start).days
    assert cost - fee <= total * rate * days / 36500 + rounding
    parts = rule.add_cost(plan, cost)
    assert sum(part.amount for part in parts) == total + cost
    assert parts[:-1] == plan[:-1]
