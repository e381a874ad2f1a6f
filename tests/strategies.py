"""Random facts, dense around the edges: small numbers that meet each other often.

A case is a pair: the facts of a customer, and the policy that the customer is under.
Each byte of a random string chooses one fact. This is many times faster than a strategy
for each fact, and it shrinks as well: byte zero chooses the plainest option.
"""

from dataclasses import replace
from decimal import Decimal
from functools import partial

from hypothesis import strategies as st

from credit_management.logic.dunning import (
    Credit,
    Customer,
    Level,
    OpenItem,
    Policy,
    Withheld,
)
from credit_management.logic.workdays import EVERY_DAY, WorkCalendar

from .builders import EUR, TODAY, USD, days

CALENDARS = (
    EVERY_DAY,
    EVERY_DAY,
    EVERY_DAY,
    WorkCalendar(),
    WorkCalendar(holidays=frozenset({TODAY, TODAY + days(1)})),
    WorkCalendar(weekdays=frozenset({0, 2})),
)

amounts = st.integers(1, 20).map(lambda tens: Decimal(tens * 10))


class _Dice:
    """Chooses facts by the bytes of a string, one after the other."""

    def __init__(self, data):
        self.rolls = iter(data)

    def pick(self, *options):
        return options[next(self.rolls) % len(options)]

    def happens(self, one_time_in):
        return next(self.rolls) % one_time_in == one_time_in - 1

    def number(self, first, last):
        return first + next(self.rolls) % (last - first + 1)

    def amount(self):
        return Decimal(10 * self.number(1, 20))

    def until(self):
        return self.pick(None, *(TODAY + days(count) for count in range(-2, 13)))


# === POLICIES === #


def _make_policy(data, fixed):
    dice = _Dice(data)
    values = {
        "levels": (*_make_notices(dice), *_make_dunning_levels(dice)),
        "grace_days": dice.pick(0, 0, 0, 2, 4),
        "min_interval_days": dice.pick(0, 0, 1, 5),
        "minimum_amount": Decimal(dice.pick(0, 0, 0, 0, 50, 100)),
        "bundle_by_document": dice.happens(one_time_in=6),
        "calendar": dice.pick(*CALENDARS),
    }
    return Policy(**values | fixed)


def _make_notices(dice):
    delays = [delay for delay in (-7, -3, -1) if dice.happens(one_time_in=2)]
    return [Level(f"notice {-delay}", delay, is_reminder=True) for delay in delays]


def _make_dunning_levels(dice):
    delays = [delay for delay in (1, 3, 5, 10, 20) if not dice.happens(one_time_in=3)]
    return [
        Level(
            ref=f"level {delay}",
            delay_days=delay,
            min_days_after_previous=dice.pick(0, 0, 1, 7),
            deadline_days=dice.number(0, 9),
            minimum_amount=Decimal(dice.pick(0, 0, 0, 0, 50, 100)),
        )
        for delay in delays
    ]


def policies(**fixed):
    data = st.binary(min_size=30, max_size=30)
    return st.builds(partial(_make_policy, fixed=fixed), data)


# === CUSTOMERS === #


def _make_item(ref, data, policy, fixed):
    dice = _Dice(data)
    late = dice.pick(30, 1, 2, 3, 4, 5, 10, 11, 13, 20, 45, 0, -1, -2, -3, -5, -9, None)
    values = {
        "due_date": None if late is None else TODAY - days(late),
        "residual": Decimal(0) if dice.happens(one_time_in=12) else dice.amount(),
        "currency": dice.pick(EUR, EUR, USD),
        "under_way": dice.amount() if dice.happens(one_time_in=8) else Decimal(0),
        "contact": dice.pick("office", "office", "plant"),
        "document": dice.pick("INV/1", "INV/2"),
        "withheld": _make_withheld(dice),
        **_make_history(dice, policy),
    }
    return OpenItem(ref=ref, **values | fixed)


def _make_withheld(dice):
    withheld = []
    for _count in range(dice.pick(0, 0, 0, 0, 0, 1, 2)):
        if dice.happens(one_time_in=3):
            withheld.append(Withheld("excluded", until=dice.until()))
        else:
            withheld.append(Withheld("disputed", dice.amount(), dice.until()))
    return tuple(withheld)


def _make_history(dice, policy):
    """Let an item have had some of the levels of the policy, from the first one on."""
    sent = [level.ref for level in policy.dunning_levels[: dice.pick(0, 0, 1, 2, 3)]]
    noticed = [level.ref for level in policy.reminders[: dice.pick(0, 0, 1, 2)]]
    sent_ago = dice.pick(10, 0, 1, 2, 6, 7, 8, 30)
    return {
        "level": sent[-1] if sent else None,
        "earlier_levels": tuple(sent[:-1]),
        "rank": len(sent),
        "level_date": TODAY - days(sent_ago) if sent else None,
        "reminder": noticed[-1] if noticed else None,
    }


def _make_case(policy, rows, data, item, customer):
    dice = _Dice(data)
    values = {
        "items": tuple(
            _make_item(ref, row, policy, item) for ref, row in enumerate(rows, start=1)
        ),
        "credits": tuple(
            Credit(ref, dice.pick(EUR, EUR, USD), dice.amount())
            for ref in range(1, 1 + dice.pick(0, 0, 0, 1, 2))
        ),
        "withheld": tuple(
            Withheld("paused", until=dice.until())
            for _count in range(dice.pick(0, 0, 0, 0, 0, 0, 0, 0, 1, 2))
        ),
        "last_message": dice.pick(
            None, *(TODAY - days(count) for count in (0, 1, 4, 5, 6))
        ),
        "receipts": {EUR: dice.amount()} if dice.happens(one_time_in=8) else {},
        "rates": dice.pick({}, {USD: Decimal("0.5")}),
    }
    return Customer("customer", **values | customer), policy


def cases(sizes=(1, 5), policy=None, item=None, customer=None):
    """Pairs of customer and policy.

    :param sizes: least and most items
    :param policy: values that every policy has; the same for ``item``, ``customer``
    """
    rows = st.binary(min_size=24, max_size=24)
    return st.builds(
        partial(_make_case, item=item or {}, customer=customer or {}),
        policies(**policy or {}),
        st.lists(rows, min_size=sizes[0], max_size=sizes[1]),
        st.binary(min_size=16, max_size=16),
    )


def cases_of_one_item(**values):
    return cases(sizes=(1, 1), **values)


# === CHANGED POLICIES === #


@st.composite
def changed_policies(draw):
    """A policy, and one of some of its levels and of new ones, in any order."""
    before = draw(policies())
    added = [Level(f"new level {n}", n) for n in draw(st.sets(st.integers(1, 25)))]
    pool = [*before.dunning_levels, *added]
    after = draw(st.lists(st.sampled_from(pool), unique=True)) if pool else []
    return before, replace(before, levels=tuple(after))
