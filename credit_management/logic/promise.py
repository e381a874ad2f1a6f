"""What becomes of a promise to pay, how long it holds, and who may give one online.

A promise is an amount by a day, on open items. Whether it was kept is read from the
ledger and from nothing else: payments that are matched with its items since it was
given, and dated by its last day. Bank days take their time, so that its last day is
some working days after the day that was named.

What is decided is not decided for ever: a payment that is taken back opens the
question again, one that was matched late answers it anew.

Money is ``Decimal``, in the currency of the items; days are those of the company.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .workdays import WorkCalendar, days_after

ZERO = Decimal(0)

# === STATES === #

OPEN = "open"
KEPT = "kept"
PARTLY_KEPT = "partly_kept"
BROKEN = "broken"
WITHDRAWN = "withdrawn"  # by a person, or because nothing is owed any more

DECIDED_STATES = (KEPT, PARTLY_KEPT, BROKEN)
# The better a promise ended, the higher.
RANK = {BROKEN: 0, PARTLY_KEPT: 1, OPEN: 2, WITHDRAWN: 3, KEPT: 4}


@dataclass(frozen=True, slots=True)
class Payment:
    """Money matched with items of the promise since it was given.

    :param day: of the payment, not of the day on which somebody matched it
    """

    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise as it was given, and what is owed of its items.

    :param amount: promised, above zero
    :param last_day: see ``find_last_day``
    :param owed: what was open of its items when it was given, less what credit notes
        took off since; what nobody owes nobody has to pay
    """

    amount: Decimal
    last_day: date
    owed: Decimal


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a promise.

    :param kept: paid by its last day, at most what had to be paid
    :param due: what had to be paid: the promise, or less where less is owed
    """

    state: str
    kept: Decimal
    due: Decimal


def find_last_day(day: date, tolerance: int, calendar: WorkCalendar) -> date:
    """Return the last day for a payment to count as in time.

    >>> calendar = WorkCalendar()
    >>> find_last_day(date(2026, 5, 15), 2, calendar)  # a Friday
    datetime.date(2026, 5, 19)
    >>> find_last_day(date(2026, 5, 15), 0, calendar)
    datetime.date(2026, 5, 15)
    """
    return calendar.add_working_days(day, max(tolerance, 0))


def decide(promise: Promise, payments: Iterable[Payment], today: date) -> Verdict:
    """Say what became of a promise, as the ledger shows it today.

    >>> day, hundred = date(2026, 5, 19), Decimal(100)
    >>> given = Promise(hundred, day, owed=hundred)
    >>> def tell(payments, today=day, promise=given):
    ...     verdict = decide(promise, [Payment(*each) for each in payments], today)
    ...     return verdict.state, int(verdict.kept)
    >>> tell([]), tell([], date(2026, 5, 20))
    (('open', 0), ('broken', 0))
    >>> tell([(day, hundred)], date(2026, 5, 13))  # kept at once
    ('kept', 100)
    >>> tell([(day, Decimal(40))]), tell([(day, Decimal(40))], date(2026, 5, 20))
    (('open', 40), ('partly_kept', 40))
    >>> tell([(date(2026, 5, 20), hundred)], date(2026, 5, 20))  # too late
    ('broken', 0)

    What a credit note took off need not be paid any more:

    >>> tell([(day, Decimal(70))], promise=Promise(hundred, day, owed=Decimal(70)))
    ('kept', 70)
    >>> tell([], date(2026, 5, 20), Promise(hundred, day, owed=Decimal(0)))
    ('withdrawn', 0)
    """
    due = max(min(promise.amount, promise.owed), ZERO)
    in_time = sum(
        (payment.amount for payment in payments if payment.day <= promise.last_day),
        ZERO,
    )
    kept = max(min(in_time, due), ZERO)
    if due == 0:
        state = WITHDRAWN
    elif kept >= due:
        state = KEPT
    elif today <= promise.last_day:
        state = OPEN
    else:
        state = PARTLY_KEPT if kept > 0 else BROKEN
    return Verdict(state, kept, due)


def react(state: str, verdict: Verdict) -> str:
    """Return the state at the moment somebody matches a payment, or undoes that.

    What is kept is kept at once. What is worse than it was is open again and decided
    by the job, some time later: who undoes a match often makes another one next.

    >>> broken = Verdict("broken", Decimal(0), Decimal(100))
    >>> react("kept", broken), react("broken", broken)
    ('open', 'broken')
    >>> react("broken", Verdict("kept", Decimal(100), Decimal(100)))
    'kept'
    """
    return verdict.state if RANK[verdict.state] >= RANK[state] else OPEN


# === HOW OFTEN THEY ARE KEPT === #


@dataclass(frozen=True, slots=True)
class KeptRate:
    """How a customer keeps promises, each between 0 and 1.

    :param by_count: promises kept in full, of those that are decided
    :param by_amount: what was paid in time, of what was promised
    """

    by_count: Decimal
    by_amount: Decimal


def find_kept_rate(
    groups: Iterable[tuple[str, int, Decimal, Decimal]],
) -> KeptRate | None:
    """Return how promises were kept; ``None`` where none is decided.

    :param groups: state, how many promises, what of them was due, what of it was paid
        in time; amounts of one currency

    >>> find_kept_rate([
    ...     ("kept", 1, Decimal(100), Decimal(100)),
    ...     ("partly_kept", 1, Decimal(100), Decimal(50)),
    ... ])
    KeptRate(by_count=Decimal('0.5'), by_amount=Decimal('0.75'))
    >>> find_kept_rate([("open", 1, Decimal(100), Decimal(0))])
    """
    decided = [group for group in groups if group[0] in DECIDED_STATES]
    due = sum((due for _state, _count, due, _kept in decided), ZERO)
    total = sum(count for _state, count, _due, _kept in decided)
    if due <= 0 or not total:
        return None
    whole = sum(count for state, count, _due, _kept in decided if state == KEPT)
    kept = sum((kept for _state, _count, _due, kept in decided), ZERO)
    return KeptRate(Decimal(whole) / total, min(kept / due, Decimal(1)))


# === WHAT IT IS ABOUT === #


def share_out(amount: Decimal, items: Sequence[Decimal]) -> list[Decimal]:
    """Share what is promised out over items, the oldest first.

    :param items: what is open of each; together at least ``amount``

    >>> share_out(Decimal(120), [Decimal(100), Decimal(50), Decimal(30)])
    [Decimal('100'), Decimal('20'), Decimal('0')]
    """
    parts = []
    for free in items:
        part = max(min(amount, free), ZERO)
        parts.append(part)
        amount -= part
    return parts


# === WHO MAY GIVE ONE ONLINE === #


def find_latest_day(
    today: date, window: int, first_given: date | None, has_broken: bool
) -> date | None:
    """Return the furthest day that a customer may promise online, or none.

    The days count from the first promise about the item, so that taking a promise back
    and giving it anew holds reminders no longer than giving it once. After one that was
    broken a person of ours decides.

    :param window: days that the policy gives; 0 for none
    :param first_given: day of the first promise about the item that was given online

    >>> today = date(2026, 5, 13)
    >>> find_latest_day(today, 14, None, has_broken=False)
    datetime.date(2026, 5, 27)
    >>> find_latest_day(today, 14, date(2026, 5, 6), has_broken=False)
    datetime.date(2026, 5, 20)
    >>> find_latest_day(today, 14, None, has_broken=True)
    >>> find_latest_day(today, 14, date(2026, 4, 6), has_broken=False)
    >>> find_latest_day(today, 0, None, has_broken=False)
    """
    if window <= 0 or has_broken:
        return None
    latest = days_after(first_given or today, window)
    return latest if latest >= today else None
