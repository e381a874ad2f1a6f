"""What is always so of charges, whatever becomes of them and whenever one looks."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import collection
from credit_management.logic.collection import Charge

from .builders import TODAY

DUE = Decimal(100)
fates = st.lists(
    st.sampled_from(
        [
            collection.FAILED,
            collection.REFUSED,
            collection.DONE,
            collection.UNKNOWN,
            collection.PENDING,
        ]
    ),
    min_size=1,
    max_size=6,
)
retries = st.lists(st.integers(1, 10), max_size=4)


def run(fates, retry_days, nights, due=DUE):
    """Charge as the job would, night by night; each charge meets the next fate.

    :return: charges that were begun, and what was said on the last night
    """
    begun, said = [], collection.NOTHING
    left = list(fates)
    for night in range(nights):
        today = TODAY + timedelta(days=night)
        said = collection.decide_charge(due, TODAY, begun, today, retry_days)
        if said == collection.CHARGE:
            begun.append(Charge(today, left.pop(0) if left else collection.FAILED))
    return begun, said


@given(fates, retries)
def test_there_are_no_more_tries_than_allowed(fates, retry_days):
    begun, _said = run(fates, retry_days, 80)
    assert 1 <= len(begun) <= len(retry_days) + 1


@given(fates, retries)
def test_only_a_failure_is_tried_again(fates, retry_days):
    begun, _said = run(fates, retry_days, 80)
    assert all(charge.state == collection.FAILED for charge in begun[:-1])


@given(fates, retries)
def test_tries_lie_as_far_apart_as_said(fates, retry_days):
    begun, _said = run(fates, retry_days, 80)
    gaps = [
        (after.day - before.day).days
        for before, after in zip(begun, begun[1:], strict=False)
    ]
    assert gaps == retry_days[: len(gaps)]


@given(fates, retries)
def test_a_person_is_asked_unless_the_fate_is_open(fates, retry_days):
    begun, said = run(fates, retry_days, 80)
    is_open = begun[-1].state in collection.OPEN_STATES
    assert said == (collection.NOTHING if is_open else collection.GIVE_UP)


@given(fates, retries, st.integers(1, 80))
def test_two_looks_on_one_day_charge_once(fates, retry_days, nights):
    begun, _said = run(fates, retry_days, nights)
    today = TODAY + timedelta(days=nights - 1)
    again = collection.decide_charge(DUE, TODAY, begun, today, retry_days)
    assert again != collection.CHARGE


@given(fates, retries)
def test_nothing_is_charged_that_is_not_open(fates, retry_days):
    assert run(fates, retry_days, 80, Decimal(0)) == ([], collection.NOTHING)
