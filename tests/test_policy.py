"""A policy in which no problem is found does what it reads like."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import policy as policy_rules
from credit_management.logic.dunning import Level, Policy, decide
from credit_management.logic.policy import find_problems

from .builders import TODAY, days, make_customer, make_item, send

any_levels = st.lists(st.tuples(st.integers(-8, 8), st.booleans()), max_size=5).map(
    lambda rows: tuple(
        Level(ref, delay, is_reminder=is_reminder)
        for ref, (delay, is_reminder) in enumerate(rows)
    )
)
any_policies = st.builds(Policy, levels=any_levels, min_interval_days=st.integers(0, 8))
notices = st.sets(st.integers(-12, -1), max_size=4).map(
    lambda delays: tuple(
        Level(ref, delay, is_reminder=True)
        for ref, delay in enumerate(sorted(delays), start=1)
    )
)


def codes_of(*levels, **values):
    return [problem.code for problem in find_problems(Policy(levels, **values))]


def notice(delay_days, ref=1):
    return Level(ref, delay_days, is_reminder=True)


def levels_sent(policy, last_day=60):
    """The levels that an item gets that is never paid, when no night is missed."""
    customer = make_customer(make_item(late=-20))
    sent = []
    for day in range(last_day):
        today = TODAY + days(day)
        decision = decide(customer, policy, today)
        sent += [outcome.level for outcome in decision.outcomes if outcome.is_chased]
        customer = send(customer, decision, today)
    return sent


@given(any_policies)
def test_a_level_is_mentioned_once_and_in_order(policy):
    levels = [problem.level for problem in find_problems(policy)]
    assert levels == [level for level in policy.levels if level in levels]


@given(any_policies)
def test_a_policy_without_problems_has_its_levels_in_the_order_of_their_days(policy):
    if not find_problems(policy):
        delays = [level.delay_days for level in policy.levels]
        assert delays == sorted(set(delays))


@given(any_policies)
def test_a_policy_without_problems_has_notices_before_the_due_date_alone(policy):
    if not find_problems(policy):
        for level in policy.levels:
            assert level.is_reminder == (level.delay_days < 0)


@given(any_policies)
def test_a_policy_without_problems_sends_every_level_in_order(policy):
    if not find_problems(policy):
        assert tuple(levels_sent(policy)) == policy.levels


@given(notices, st.integers(0, 9))
def test_the_notices_that_are_never_reached_are_those_never_sent(notices, interval):
    policy = Policy((*notices, Level("first", 1)), min_interval_days=interval)
    unsent = [level for level in policy.levels if level not in levels_sent(policy)]
    assert [problem.level for problem in find_problems(policy)] == unsent


@given(any_policies)
def test_amounts_and_grace_change_no_problem(policy):
    other = replace(policy, grace_days=9, minimum_amount=100)
    assert find_problems(other) == find_problems(policy)


@pytest.mark.parametrize(
    ("delay", "expected"),
    [(-1, []), (0, ["reminder_not_before_due"]), (1, ["reminder_not_before_due"])],
)
def test_a_notice_comes_before_the_due_date(delay, expected):
    assert codes_of(notice(delay)) == expected


@pytest.mark.parametrize(
    ("delay", "expected"),
    [(-1, ["level_not_after_due"]), (0, ["level_not_after_due"]), (1, [])],
)
def test_a_level_comes_after_the_due_date(delay, expected):
    assert codes_of(Level(1, delay)) == expected


@pytest.mark.parametrize(
    ("delay", "expected"), [(4, ["out_of_order"]), (5, ["two_on_one_day"]), (6, [])]
)
def test_a_level_comes_after_the_level_before(delay, expected):
    assert codes_of(Level(1, 5), Level(2, delay)) == expected


@pytest.mark.parametrize(
    ("interval", "expected"), [(5, []), (6, []), (7, ["never_reached"])]
)
def test_a_notice_has_a_day_left_after_the_interval(interval, expected):
    levels = notice(-7, 1), notice(-3, 2)
    assert codes_of(*levels, min_interval_days=interval) == expected


@pytest.mark.parametrize(
    ("interval", "expected"), [(2, []), (3, [3]), (5, [3]), (6, [2]), (7, [2, 3])]
)
def test_a_notice_has_a_day_left_before_the_next_one(interval, expected):
    levels = notice(-7, 1), notice(-3, 2), notice(-1, 3)
    problems = find_problems(Policy(levels, min_interval_days=interval))
    assert [problem.level.ref for problem in problems] == expected


def test_a_level_after_a_notice_is_reached_whatever_the_interval():
    assert codes_of(notice(-1), Level(2, 1), min_interval_days=30) == []


def test_a_policy_without_levels_has_no_problem():
    assert codes_of() == []


def test_a_problem_names_its_level():
    (problem,) = find_problems(Policy((Level("first", 3), Level("late", 1))))
    assert problem == policy_rules.Problem("out_of_order", Level("late", 1))
