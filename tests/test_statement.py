"""What is always so of a statement of account."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic.statement import (
    Entry,
    Matching,
    build_activity,
    build_open_items,
)

FIRST = date(2026, 1, 1)
days = st.integers(0, 400).map(lambda n: FIRST + timedelta(days=n))
cents = st.integers(1, 10**7).map(lambda n: Decimal(n) / 100)


@st.composite
def ledgers(draw):
    """Entries in two currencies, and matchings that never take more than is there."""
    entries = []
    for ref in range(draw(st.integers(1, 8))):
        amount = draw(cents) * draw(st.sampled_from((1, -1)))
        day = draw(days)
        due = day + timedelta(days=draw(st.integers(0, 90)))
        entries.append(
            Entry(ref, day, amount, draw(st.sampled_from(("EUR", "USD"))), due)
        )
    left = {entry.ref: abs(entry.amount) for entry in entries}
    # Somebody else's payments and invoices settle some of them, too.
    strangers = {100: Decimal(-(10**9)), 101: Decimal(10**9)}
    debits = [entry.ref for entry in entries if entry.amount > 0] + [101]
    credits_ = [entry.ref for entry in entries if entry.amount < 0] + [100]
    by_ref = {entry.ref: entry for entry in entries}
    matchings = []
    for _step in range(draw(st.integers(0, 6))):
        debit = draw(st.sampled_from(debits))
        credit = draw(st.sampled_from(credits_))
        if debit in strangers and credit in strangers:
            continue
        share = Decimal(draw(st.integers(1, 100))) / 100
        wanted = [
            (left[ref] * share).quantize(Decimal("0.01"))
            for ref in (debit, credit)
            if ref in left
        ]
        same = debit in by_ref and credit in by_ref
        same = same and by_ref[debit].currency == by_ref[credit].currency
        of_debit = min(wanted) if same else wanted[0]
        of_credit = min(wanted) if same else wanted[-1]
        for ref, amount in ((debit, of_debit), (credit, of_credit)):
            if ref in left:
                left[ref] -= amount
        later = [by_ref[ref].day for ref in (debit, credit) if ref in by_ref]
        matchings.append(Matching(max(later), debit, credit, of_debit, of_credit))
    return entries, matchings


def by_currency(sections):
    return {
        section.currency: section.closing for section in sections if section.closing
    }


@given(ledgers(), days)
def test_both_kinds_close_with_the_same_balance(ledger, day):
    activity = build_activity(*ledger, FIRST, day)
    assert by_currency(activity) == by_currency(build_open_items(*ledger, day))


@given(ledgers(), days)
def test_what_is_open_adds_up_to_the_balance_and_to_the_ageing(ledger, day):
    for section in build_open_items(*ledger, day):
        open_amount = sum(row.open_amount for row in section.rows)
        assert open_amount == section.closing == sum(section.ageing)


@given(ledgers(), days, days)
def test_one_period_opens_with_what_the_one_before_closed(ledger, one, other):
    middle, end = sorted((one, other))
    before = build_activity(*ledger, FIRST, middle - timedelta(days=1))
    opened = {
        section.currency: section.opening
        for section in build_activity(*ledger, middle, end)
        if section.opening
    }
    assert opened == by_currency(before)


@given(ledgers(), days, days)
def test_the_balance_runs_from_opening_to_closing(ledger, one, other):
    start, end = sorted((one, other))
    for section in build_activity(*ledger, start, end):
        balance = section.opening
        for row in section.rows:
            balance += row.amount
            assert row.balance == balance
        assert section.closing == balance


@given(ledgers(), days)
def test_nothing_booked_later_is_seen(ledger, day):
    entries, matchings = ledger
    known = [entry for entry in entries if entry.day <= day]
    earlier = [matching for matching in matchings if matching.day <= day]
    assert build_open_items(entries, matchings, day) == build_open_items(
        known, earlier, day
    )


@given(ledgers(), days)
def test_only_what_is_past_its_due_date_is_overdue(ledger, day):
    entries, matchings = ledger
    for section in build_open_items(entries, matchings, day):
        late = sum(
            row.open_amount
            for row in section.rows
            if row.amount > 0 and row.due and row.due < day
        )
        assert section.overdue == late


@given(ledgers(), days)
def test_what_is_owed_to_the_customer_stands_apart_from_the_ages(ledger, day):
    for section in build_open_items(*ledger, day):
        owed_to_them = sum(row.open_amount for row in section.rows if row.amount < 0)
        assert section.credits == owed_to_them <= 0
        assert all(amount >= 0 for amount in section.ageing[:-1])


def test_an_exchange_difference_moves_nothing():
    entry = Entry(1, FIRST, Decimal(120), "GBP", FIRST)
    paid = Entry(2, FIRST, Decimal(-120), "GBP")
    difference = Matching(FIRST, 1, 3, Decimal(0), Decimal(0))
    matched = Matching(FIRST, 1, 2, Decimal(120), Decimal(120))
    (section,) = build_activity([entry, paid], [matched, difference], FIRST, FIRST)
    assert [row.ref for row in section.rows] == [1, 2]
