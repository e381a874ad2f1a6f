"""What is always so of the work list."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import dunning, work

TODAY = date(2026, 5, 13)
CODES = [reason.code for reason in work.REASONS]
days = st.integers(-40, 40).map(lambda days: TODAY + timedelta(days=days))
situations = st.builds(
    work.Situation,
    waiting=st.dictionaries(st.sampled_from(CODES), days),
    is_paused=st.booleans(),
    is_excluded=st.booleans(),
    snoozed_until=st.none() | days,
    is_planned=st.booleans(),
    done_date=st.none() | days,
    done=st.frozensets(st.sampled_from(CODES)),
)
late_items = st.builds(
    work.LateItem,
    reason=st.sampled_from([dunning.CHASED, *dunning.REASONS]),
    amount=st.integers(1, 20000).map(Decimal),
    due_date=st.none() | st.integers(1, 60).map(lambda n: TODAY - timedelta(days=n)),
    rank=st.integers(0, 3),
    pay_by=st.none() | days,
    is_reachable=st.booleans(),
)


def codes(**facts):
    reasons = work.find_reasons(work.Situation(**facts), TODAY)
    return [reason.code for reason in reasons]


@given(situations)
def test_who_is_on_the_list_waits_for_one_of_the_house(situation):
    for reason in work.find_reasons(situation, TODAY):
        assert reason.actor in work.HOUSE
        assert situation.waiting[reason.code] <= TODAY


@given(situations)
def test_a_paused_or_excluded_customer_is_never_on_the_list(situation):
    if situation.is_paused or situation.is_excluded:
        assert work.find_reasons(situation, TODAY) == ()


@given(situations)
def test_reasons_come_in_the_order_of_the_table(situation):
    found = [reason.code for reason in work.find_reasons(situation, TODAY)]
    assert found == sorted(found, key=CODES.index)


def test_a_due_call_shows_even_where_another_step_is_planned():
    assert codes(waiting={work.CALL_DUE: TODAY}, is_planned=True) == [work.CALL_DUE]


def test_what_the_ledger_asks_rests_while_a_step_is_planned():
    assert codes(waiting={work.NO_POLICY: TODAY}, is_planned=True) == []


def test_what_was_dealt_with_comes_back_after_a_week():
    facts = {"waiting": {work.ALL_LEVELS: TODAY}, "done": frozenset([work.ALL_LEVELS])}
    assert codes(done_date=TODAY - timedelta(days=6), **facts) == []
    assert codes(done_date=TODAY - timedelta(days=7), **facts) == [work.ALL_LEVELS]


def test_every_reason_for_leaving_alone_has_somebody_who_must_act():
    actors = {work.COLLECTOR, work.BOOKKEEPING, work.MANAGER, work.CUSTOMER}
    assert set(work.ACTORS) == set(dunning.REASONS)
    assert set(work.ACTORS.values()) == actors | {work.NOBODY}


@given(st.lists(late_items), st.integers(0, 5000).map(Decimal))
def test_the_ledger_asks_only_what_the_table_knows(items, receipts):
    for code in work.find_ledger_work(items, receipts, TODAY):
        assert work.BY_CODE[code].rests


@given(st.lists(late_items, min_size=1))
def test_money_that_covers_all_that_is_late_is_looked_at(items):
    total = sum(item.amount for item in items)
    assert work.RECEIPT in work.find_ledger_work(items, total, TODAY)


@given(st.lists(late_items))
def test_a_customer_in_dispute_or_in_time_asks_nothing(items):
    calm = {dunning.DISPUTED, dunning.EXCLUDED, dunning.PAUSED, dunning.WAITING}
    items = [
        item
        for item in items
        if item.reason in calm and item.is_reachable and item.rank
    ]
    assert work.find_ledger_work(items, Decimal(0), TODAY) == {}


def test_the_last_level_asks_when_its_time_to_pay_is_over():
    item = work.LateItem(
        dunning.LAST_LEVEL, Decimal(50), date(2026, 4, 1), 3, pay_by=TODAY
    )
    asked = work.find_ledger_work([item], Decimal(0), TODAY)
    assert asked == {work.ALL_LEVELS: TODAY + timedelta(days=1)}


def test_large_means_all_that_is_newly_late_together():
    def asked(amount, days_late=5, **facts):
        due = TODAY - timedelta(days=days_late)
        half = work.LateItem(dunning.WAITING, Decimal(amount) / 2, due, **facts)
        return work.NEW_LARGE in work.find_ledger_work([half, half], Decimal(0), TODAY)

    assert asked(10000)
    assert not asked(9999)
    assert asked(10000, days_late=14)
    assert not asked(10000, days_late=15)
    assert not asked(10000, rank=1)


# === POINTS === #

weighings = st.builds(
    work.Weighing,
    last_letter=st.none() | days,
    last_call=st.none() | days,
    limit_used=st.none() | st.integers(0, 200).map(Decimal),
    has_broken=st.booleans(),
    overdue=st.integers(0, 20000).map(Decimal),
    large_amount=st.integers(0, 20000).map(Decimal),
)


@given(situations, weighings)
def test_only_who_is_on_the_list_has_points(situation, weighing):
    reasons = work.find_reasons(situation, TODAY)
    points = work.find_points(reasons, weighing, TODAY)
    assert bool(points) == bool(reasons)
    assert {reason.code for reason in reasons} <= {code for code, _points in points}
    assert all(worth > 0 for _code, worth in points)


@given(situations, weighings, st.sampled_from(CODES))
def test_one_more_reason_never_makes_less_pressing(situation, weighing, code):
    reasons = work.find_reasons(situation, TODAY)
    more = {*reasons, work.BY_CODE[code]}
    before, after = (
        sum(worth for _code, worth in work.find_points(some, weighing, TODAY))
        for some in (reasons, more)
    )
    assert after >= before


@given(situations)
def test_who_is_put_off_is_not_on_the_list_before_the_day(situation):
    if situation.snoozed_until and TODAY < situation.snoozed_until:
        assert work.find_reasons(situation, TODAY) == ()


@given(st.lists(st.integers(1, 5), max_size=20), st.integers(0, 10))
def test_nobody_is_put_off_for_ever_a_day_at_a_time(steps, most):
    first, now = None, TODAY
    for step in steps:
        until = now + timedelta(days=step)
        if work.may_snooze(first, until, now, most):
            first, now = first or now, until
    assert now <= TODAY + timedelta(days=most)
