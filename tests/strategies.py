"""Random facts, dense around the edges: small numbers that meet each other often.

A case is a pair: the facts of a customer, and the policy that the customer is under.
"""

from dataclasses import replace
from decimal import Decimal

from credit_management.logic.dunning import (
    Credit,
    Customer,
    Level,
    OpenItem,
    Policy,
    Withheld,
)
from credit_management.logic.workdays import EVERY_DAY, WorkCalendar
from hypothesis import strategies as st

from .builders import EUR, TODAY, USD, days

ZERO = Decimal(0)


def mostly(usual, rare):
    return st.one_of(usual, usual, usual, rare)


def few(values, max_size=2):
    return mostly(st.just(()), st.lists(values, max_size=max_size).map(tuple))


def days_ago(first, last):
    return st.integers(first, last).map(lambda count: TODAY - days(count))


# === POLICIES === #

minimums = st.sampled_from([0, 0, 0, 50, 100]).map(Decimal)
calendars = st.sampled_from(
    [
        EVERY_DAY,
        EVERY_DAY,
        WorkCalendar(),
        WorkCalendar(holidays=frozenset({TODAY, TODAY + days(1)})),
        WorkCalendar(weekdays=frozenset({0, 2})),
    ]
)


def _make_levels(notices, delays, gaps, least):
    reminders = [
        Level(f"notice {-delay} days before", delay, is_reminder=True)
        for delay in sorted(notices)
    ]
    steps = [
        Level(f"level after {delay} days", delay, gap, gap + 2, minimum)
        for delay, gap, minimum in zip(sorted(delays), gaps, least, strict=False)
    ]
    return (*reminders, *steps)


level_lists = st.builds(
    _make_levels,
    notices=st.sets(st.sampled_from([-7, -3, -1]), max_size=2),
    delays=st.sets(st.sampled_from([1, 3, 5, 10, 20]), max_size=3),
    gaps=st.tuples(*[st.sampled_from([0, 0, 1, 7])] * 3),
    least=st.tuples(*[minimums] * 3),
)


def policies(**fixed):
    values = {
        "levels": level_lists,
        "grace_days": st.sampled_from([0, 0, 2, 4]),
        "min_interval_days": st.sampled_from([0, 0, 1, 5]),
        "minimum_amount": minimums,
        "bundle_by_document": mostly(st.just(False), rare=st.just(True)),
        "calendar": calendars,
    }
    return st.builds(Policy, **values | fixed)


# === CUSTOMERS === #

amounts = st.integers(1, 20).map(lambda tens: Decimal(tens * 10))
ends = st.none() | days_ago(-12, 2)
whole = st.builds(Withheld, reason=st.just("excluded"), until=ends)
parts = st.builds(Withheld, reason=st.just("disputed"), amount=amounts, until=ends)
paused = st.builds(Withheld, reason=st.just("paused"), until=ends)
currencies = st.sampled_from([EUR, EUR, USD])
due_dates = mostly(days_ago(-9, 45), rare=st.none() | days_ago(0, 0))
histories = st.fixed_dictionaries(
    {
        "sent": st.integers(0, 3),
        "sent_day": days_ago(0, 30),
        "noticed": st.integers(0, 2),
        "is_forgotten": mostly(st.just(False), rare=st.just(True)),
    }
)


def items(**fixed):
    values = {
        "ref": st.none(),
        "due_date": due_dates,
        "residual": mostly(amounts, rare=st.just(ZERO)),
        "currency": currencies,
        "under_way": mostly(st.just(ZERO), rare=amounts),
        "contact": st.sampled_from(["office", "office", "plant"]),
        "document": st.sampled_from(["INV/1", "INV/2"]),
        "withheld": few(whole | parts, max_size=3),
    }
    return st.builds(OpenItem, **values | fixed)


def _give_history(ref, item, history, policy):
    """Let an item have had some of the levels of the policy, from the first one on."""
    sent = [level.ref for level in policy.dunning_levels[: history["sent"]]]
    noticed = [level.ref for level in policy.reminders[: history["noticed"]]]
    if sent and history["is_forgotten"]:
        sent[-1] = "level that the policy does not have any more"
    return replace(
        item,
        ref=ref,
        level=sent[-1] if sent else None,
        earlier_levels=tuple(sent[:-1]),
        rank=len(sent),
        level_date=history["sent_day"] if sent else None,
        reminder=noticed[-1] if noticed else None,
    )


def _make_case(policy, rows, money, **facts):
    known = [_give_history(n, *row, policy) for n, row in enumerate(rows, start=1)]
    credits_ = [Credit(n, *part) for n, part in enumerate(money, start=1)]
    customer = Customer("customer", tuple(known), tuple(credits_), **facts)
    return customer, policy


def cases(policy=None, item=None, sizes=(0, 5), **fixed):
    """Pairs of customer and policy; ``fixed`` takes the place of facts by their name.

    :param sizes: least and most items
    """
    rows = st.tuples(items() if item is None else item, histories)
    values = {
        "policy": policies() if policy is None else policy,
        "rows": st.lists(rows, min_size=sizes[0], max_size=sizes[1]),
        "money": few(st.tuples(currencies, amounts)),
        "withheld": few(paused, max_size=2),
        "last_message": st.none() | days_ago(0, 8),
        "receipts": mostly(
            st.just({}), rare=st.dictionaries(currencies, amounts, max_size=2)
        ),
        "rates": st.sampled_from([{}, {USD: Decimal("0.5")}]),
    }
    return st.builds(_make_case, **values | fixed)


def cases_of_one_item(**values):
    return cases(sizes=(1, 1), **values)
