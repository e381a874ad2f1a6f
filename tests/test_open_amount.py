"""Money under way is spread over what it will settle, and over nothing else."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic.open_amount import (
    OpenLine,
    PaymentUnderWay,
    spread_payments,
)

from .builders import TODAY, days

ZERO = Decimal(0)


def make_line(ref=1, residual=100, document="INV/1", due_date=TODAY):
    return OpenLine(ref, document, due_date, Decimal(residual))


def make_payment(amount, *documents):
    return PaymentUnderWay(documents or ("INV/1",), Decimal(amount))


amounts = st.integers(0, 300).map(lambda cents: Decimal(cents) / 100)
documents = st.sampled_from(["INV/1", "INV/2", "INV/3"])
due_dates = st.none() | st.integers(0, 3).map(lambda count: TODAY + days(count))
line_facts = st.tuples(amounts, documents, due_dates)
lines = st.lists(line_facts, max_size=5).map(
    lambda rows: [make_line(ref, *row) for ref, row in enumerate(rows)]
)
payments = st.builds(
    lambda amount, documents: make_payment(amount, *documents),
    amounts,
    st.lists(documents, min_size=1, max_size=3),
)
payment_lists = st.lists(payments, max_size=3)


@given(lines, payment_lists)
def test_no_line_gets_more_than_its_residual(lines, payments):
    residuals = {line.ref: line.residual for line in lines}
    for ref, amount in spread_payments(lines, payments).items():
        assert 0 < amount <= residuals[ref]


@given(lines, payment_lists)
def test_no_line_gets_money_that_is_meant_for_other_documents(lines, payments):
    meant = {document for payment in payments for document in payment.documents}
    spread = spread_payments(lines, payments)
    assert all(line.document in meant for line in lines if line.ref in spread)


@given(lines, payment_lists)
def test_no_more_is_spread_than_is_paid(lines, payments):
    paid = sum(payment.amount for payment in payments)
    assert sum(spread_payments(lines, payments).values()) <= paid


@given(lines, payments)
def test_a_payment_is_spread_as_far_as_it_goes(lines, payment):
    meant = [line.residual for line in lines if line.document in payment.documents]
    spread = sum(spread_payments(lines, [payment]).values())
    assert spread == min(payment.amount, sum(meant))


@given(lines, st.lists(amounts, max_size=3))
def test_many_payments_of_an_invoice_are_spread_like_one_of_their_sum(lines, amounts):
    many = [make_payment(amount) for amount in amounts]
    one = make_payment(sum(amounts, ZERO))
    assert spread_payments(lines, many) == spread_payments(lines, [one])


@given(lines, payments)
def test_no_line_gets_anything_before_the_older_ones_are_covered(lines, payment):
    spread = spread_payments(lines, [payment])
    for line in lines:
        older = [
            other
            for other in lines
            if other.document in payment.documents
            and (other.due_date or date.max) < (line.due_date or date.max)
        ]
        if line.ref in spread:
            assert all(spread.get(o.ref, ZERO) == o.residual for o in older)


@given(lines, payment_lists, st.randoms(use_true_random=False))
def test_the_order_of_the_lines_changes_nothing(lines, payments, random):
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert spread_payments(shuffled, payments) == spread_payments(lines, payments)


@given(lines, payment_lists, payments)
def test_more_money_under_way_takes_nothing_from_a_line(lines, payments, another):
    total = sum(spread_payments(lines, payments).values())
    assert sum(spread_payments(lines, [*payments, another]).values()) >= total


@pytest.mark.parametrize(
    ("paid", "expected"), [("99.99", "99.99"), ("100", "100"), ("100.01", "100")]
)
def test_a_line_is_covered_to_the_cent(paid, expected):
    assert spread_payments([make_line()], [make_payment(paid)]) == {
        1: Decimal(expected)
    }


@pytest.mark.parametrize(
    ("paid", "expected"),
    [("99.99", {1: "99.99"}), ("100", {1: "100"}), ("100.01", {1: "100", 2: "0.01"})],
)
def test_the_second_instalment_gets_what_the_first_one_leaves(paid, expected):
    instalments = [make_line(2, due_date=TODAY + days(30)), make_line(1)]
    spread = spread_payments(instalments, [make_payment(paid)])
    assert spread == {ref: Decimal(amount) for ref, amount in expected.items()}


def test_a_line_without_a_due_date_comes_last():
    lines = [make_line(1, due_date=None), make_line(2)]
    assert spread_payments(lines, [make_payment(50)]) == {2: 50}


def test_lines_of_one_day_come_in_the_order_of_their_refs():
    assert spread_payments([make_line(2), make_line(1)], [make_payment(50)]) == {1: 50}


def test_a_document_that_is_named_twice_counts_once():
    payment = make_payment(150, "INV/1", "INV/1")
    assert spread_payments([make_line()], [payment]) == {1: 100}


def test_a_payment_of_one_invoice_goes_before_one_that_can_go_elsewhere():
    lines = [make_line(1), make_line(2, document="INV/2", due_date=TODAY + days(1))]
    both, one = make_payment(100, "INV/1", "INV/2"), make_payment(100, "INV/1")
    assert spread_payments(lines, [both, one]) == {1: 100, 2: 100}


@pytest.mark.parametrize("amount", [0, -50])
def test_nothing_and_less_than_nothing_are_not_spread(amount):
    assert spread_payments([make_line()], [make_payment(amount)]) == {}
    assert spread_payments([make_line(residual=amount)], [make_payment(50)]) == {}
