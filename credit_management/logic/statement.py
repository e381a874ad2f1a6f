"""What a statement of account says: what was open on a day, or what happened until it.

Amounts are decimals in the currency of their entry, debit above zero, and never added
across currencies. Both kinds of statement end in the same figure: for every currency,
the closing balance is the sum of what is open.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

ZERO = Decimal(0)

# Days past the due date with which a column of the ageing begins, the first being what
# is not due. The last has no end.
AGEING = (None, 1, 31, 61, 91)


@dataclass(frozen=True)
class Entry:
    """A posted receivable line.

    :param day: day on which it was booked
    :param amount: what the customer owes by it; below zero what is owed to them
    :param due: none where nothing is claimed by it, as when money was paid back
    """

    ref: int
    day: date
    amount: Decimal
    currency: int | str
    due: date | None = None


@dataclass(frozen=True)
class Matching:
    """A debit and a credit that were matched, each in its own currency.

    :param debit_amount: taken off the debit, in its currency, not below zero
    :param credit_amount: taken off the credit, in its currency, not below zero
    """

    day: date
    debit: int
    credit: int
    debit_amount: Decimal
    credit_amount: Decimal


@dataclass(frozen=True)
class Row:
    """A line of the statement: an entry, or a matching that moves money elsewhere.

    :param open_amount: what is open of the entry on the last day
    :param balance: what was owed after it, in a statement of activity
    """

    ref: int
    day: date
    amount: Decimal
    open_amount: Decimal = ZERO
    due: date | None = None
    balance: Decimal = ZERO
    is_elsewhere: bool = False


@dataclass(frozen=True)
class Section:
    """One currency of a statement."""

    currency: int | str
    rows: tuple[Row, ...]
    opening: Decimal
    closing: Decimal
    overdue: Decimal
    # By days past the due date; what is owed to the customer stands in a column of its
    # own at the end, so that it makes no debt look younger.
    ageing: tuple[Decimal, ...]

    @property
    def credits(self) -> Decimal:
        """What is owed to the customer: zero or less."""
        return self.ageing[-1]


def build_open_items(entries, matchings, day: date) -> list[Section]:
    """Return, per currency, what was open at the end of a day.

    >>> invoice = Entry(1, date(2026, 1, 5), Decimal(100), "EUR", date(2026, 2, 4))
    >>> payment = Entry(2, date(2026, 3, 1), Decimal(-60), "EUR")
    >>> paid = Matching(date(2026, 3, 1), 1, 2, Decimal(60), Decimal(60))
    >>> def closing(day):
    ...     sections = build_open_items([invoice, payment], [paid], day)
    ...     return [int(section.closing) for section in sections]
    >>> closing(date(2026, 1, 4)), closing(date(2026, 1, 5)), closing(date(2026, 3, 1))
    ([], [100], [40])
    """
    return [
        replace(section, rows=tuple(row for row in section.rows if row.open_amount))
        for section in _build(entries, matchings, date.min, day)
        if any(row.open_amount for row in section.rows)
    ]


def build_activity(entries, matchings, start: date, end: date) -> list[Section]:
    """Return, per currency, what happened from a day to another, and the balances.

    >>> invoice = Entry(1, date(2026, 1, 5), Decimal(100), "EUR", date(2026, 2, 4))
    >>> payment = Entry(2, date(2026, 3, 1), Decimal(-60), "EUR")
    >>> february = build_activity(
    ...     [invoice, payment], [], date(2026, 2, 1), date(2026, 2, 28))[0]
    >>> int(february.opening), february.rows, int(february.closing)
    (100, (), 100)
    >>> year = build_activity(
    ...     [invoice, payment], [], date(2026, 1, 1), date(2026, 12, 31))[0]
    >>> [int(row.balance) for row in year.rows]
    [100, 40]

    Money that settles a debt in another currency, or of another customer, is moved:

    >>> dollars = Entry(3, date(2026, 3, 1), Decimal(-110), "USD")
    >>> matched = Matching(date(2026, 3, 1), 1, 3, Decimal(100), Decimal(110))
    >>> sections = build_activity(
    ...     [invoice, dollars], [matched], date(2026, 1, 1), date(2026, 12, 31))
    >>> [(section.currency, int(section.closing)) for section in sections]
    [('EUR', 0), ('USD', 0)]
    """
    sections = []
    for section in _build(entries, matchings, start, end):
        if section.rows or section.opening or section.closing:
            sections.append(section)
    return sections


def find_age(due: date | None, day: date) -> int:
    """Return in which column of the ageing an item stands.

    >>> due = date(2026, 5, 10)
    >>> [find_age(due, date(2026, 5, day)) for day in (10, 11)]
    [0, 1]
    >>> [find_age(due, day) for day in (date(2026, 6, 9), date(2026, 6, 10))]
    [1, 2]
    >>> find_age(due, date(2027, 1, 1)), find_age(None, due)
    (4, 0)
    """
    late = (day - due).days if due else 0
    return max(
        place for place, start in enumerate(AGEING) if not start or late >= start
    )


def _build(entries, matchings, start, end):
    known = {entry.ref: entry for entry in entries if entry.day <= end}
    matched = [matching for matching in matchings if matching.day <= end]
    left = {ref: entry.amount for ref, entry in known.items()}
    moved = []
    for matching in matched:
        debit, credit = known.get(matching.debit), known.get(matching.credit)
        if debit:
            left[debit.ref] -= matching.debit_amount
        if credit:
            left[credit.ref] += matching.credit_amount
        if not (debit and credit and debit.currency == credit.currency):
            # One with an exchange difference moves nothing in the currency.
            if debit and matching.debit_amount:
                moved.append((debit, matching.day, -matching.debit_amount))
            if credit and matching.credit_amount:
                moved.append((credit, matching.day, matching.credit_amount))
    rows = defaultdict(list)
    for entry in known.values():
        rows[entry.currency].append(
            Row(entry.ref, entry.day, entry.amount, left[entry.ref], entry.due)
        )
    for entry, day, amount in moved:
        rows[entry.currency].append(Row(entry.ref, day, amount, is_elsewhere=True))
    return [
        _build_section(currency, rows[currency], start, end)
        for currency in sorted(rows, key=str)
    ]


def _build_section(currency, rows, start, end):
    rows = sorted(rows, key=lambda row: (row.day, row.is_elsewhere, row.ref))
    opening = sum((row.amount for row in rows if row.day < start), ZERO)
    balance, shown = opening, []
    for row in rows:
        if row.day >= start:
            balance += row.amount
            shown.append(replace(row, balance=balance))
    ageing = [ZERO] * (len(AGEING) + 1)
    for row in rows:
        column = find_age(row.due, end) if row.amount > 0 else len(AGEING)
        ageing[column] += row.open_amount
    return Section(
        currency=currency,
        rows=tuple(shown),
        opening=opening,
        closing=balance,
        overdue=sum(ageing[1 : len(AGEING)], ZERO),
        ageing=tuple(ageing),
    )
