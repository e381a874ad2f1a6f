"""What a review flags is what is odd, each thing once and the most pressing first."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import review
from credit_management.logic.review import LetterFacts, find_flags

PLAIN = LetterFacts(amount=Decimal(100), threshold=Decimal(1000))
any_facts = st.builds(
    LetterFacts,
    amount=st.decimals(0, 2000, places=2),
    threshold=st.decimals(-1, 2000, places=2),
    receipt=st.decimals(0, 10, places=2),
)


def test_a_plain_letter_has_no_flag():
    assert find_flags(PLAIN) == ()


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"has_address": False}, review.NO_ADDRESS),
        ({"failed_before": True}, review.FAILED_BEFORE),
        ({"receipt": Decimal("0.01")}, review.RECEIPT),
        ({"amount": Decimal(1000)}, review.LARGE),
        ({"partly_paid": True}, review.PARTLY_PAID),
        ({"wrote_before": False}, review.FIRST_CONTACT),
    ],
)
def test_each_oddity_has_its_flag(change, flag):
    assert find_flags(replace(PLAIN, **change)) == (flag,)


def test_just_below_the_threshold_is_not_large():
    assert find_flags(replace(PLAIN, amount=Decimal("999.99"))) == ()


def test_without_a_threshold_nothing_is_large():
    assert find_flags(replace(PLAIN, threshold=Decimal(0))) == ()


def test_an_address_that_is_missing_hides_what_failed_before():
    facts = replace(PLAIN, has_address=False, failed_before=True)
    assert find_flags(facts) == (review.NO_ADDRESS,)


def test_all_at_once_come_in_the_order_of_their_weight():
    odd = LetterFacts(
        Decimal(9), Decimal(9), Decimal(1), True, True, True, wrote_before=False
    )
    assert find_flags(odd) == review.FLAGS[1:]


@given(any_facts)
def test_flags_keep_their_order_and_stand_once(facts):
    found = find_flags(facts)
    assert list(found) == [flag for flag in review.FLAGS if flag in found]
