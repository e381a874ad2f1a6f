"""What a dispute holds back, how it may move, until when it must be answered.

A dispute holds back what is really in question and nothing else: the rest of an invoice
stays due. What it holds is told to the rule of dunning as ``dunning.Withheld``.

Disputing again and again does not stop dunning for ever. A case that a customer opens
about an item that was settled before, for the same reason, or for any reason once it
was settled twice, holds nothing until a person of ours says so. A case that waits for
the customer's answer holds for some days only.

Money is ``Decimal``, in the currency of the document; days are those of the company.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from . import dunning
from .workdays import WorkCalendar, days_after

ZERO = Decimal(0)

# === STATES AND MOVES === #

NEW = "new"
IN_PROGRESS = "in_progress"
WAITING = "waiting"  # for the customer: the clock stands still
ACCEPTED = "accepted"
REJECTED = "rejected"
WITHDRAWN = "withdrawn"

OPEN_STATES = (NEW, IN_PROGRESS, WAITING)
CLOSED_STATES = (ACCEPTED, REJECTED, WITHDRAWN)

# From each state, where a case may go. What is closed stays closed: a new question is a
# new case, which knows of the old one.
MOVES = {
    NEW: (IN_PROGRESS, WAITING, ACCEPTED, REJECTED, WITHDRAWN),
    IN_PROGRESS: (WAITING, ACCEPTED, REJECTED, WITHDRAWN),
    WAITING: (IN_PROGRESS, ACCEPTED, REJECTED, WITHDRAWN),
    ACCEPTED: (),
    REJECTED: (),
    WITHDRAWN: (),
}


def may_move(state: str, target: str) -> bool:
    """Say whether a case may go from one state to another.

    >>> may_move("new", "accepted"), may_move("waiting", "in_progress")
    (True, True)
    >>> may_move("rejected", "in_progress"), may_move("new", "new")
    (False, False)
    """
    return target in MOVES.get(state, ())


# === WHAT IT HOLDS BACK === #

# So often may an item have been settled before a further case about it, whatever its
# reason, holds nothing without a person.
SETTLED_OFTEN = 2


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier case about the same item, closed by now."""

    reason: Hashable
    state: str


def needs_confirmation(
    reason: Hashable, earlier: Iterable[Earlier], by_customer: bool
) -> bool:
    """Say whether a new case holds nothing until a person of ours confirms it.

    >>> once = [Earlier("price", "rejected")]
    >>> needs_confirmation("price", once, by_customer=True)
    True
    >>> needs_confirmation("delivery", once, by_customer=True)
    False
    >>> needs_confirmation("quality", once + [Earlier("delivery", "withdrawn")], True)
    True
    >>> needs_confirmation("price", once, by_customer=False)  # a person opened it
    False
    """
    if not by_customer:
        return False
    settled = [case for case in earlier if case.state in CLOSED_STATES]
    return len(settled) >= SETTLED_OFTEN or any(
        case.reason == reason for case in settled
    )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a case says about one invoice or one open item, as it stands.

    :param amount: disputed, in the currency of the document
    :param accepted: of it, what we accepted; counts once the case is closed
    :param unconfirmed: it holds nothing until a person confirms it
    :param answer_by: while it waits for the customer: the last day on which it holds
    :param pay_by: after it was closed: last day to pay what we did not accept
    """

    state: str
    amount: Decimal
    accepted: Decimal = ZERO
    unconfirmed: bool = False
    answer_by: date | None = None
    pay_by: date | None = None


def find_hold(claim: Claim, today: date) -> dunning.Withheld | None:
    """Return what a case holds back from dunning today, if anything.

    >>> day, eighty = date(2026, 5, 13), Decimal(80)
    >>> find_hold(Claim("new", eighty), day)
    Withheld(reason='disputed', amount=Decimal('80'), until=None)
    >>> find_hold(Claim("new", eighty, unconfirmed=True), day)
    >>> find_hold(Claim("waiting", eighty, answer_by=date(2026, 5, 12)), day)
    >>> find_hold(Claim("withdrawn", eighty), day)

    What was rejected may be paid until a new day, before it is chased again at the
    level it had:

    >>> find_hold(Claim("rejected", eighty, pay_by=date(2026, 5, 20)), day).until
    datetime.date(2026, 5, 20)
    >>> part = Claim("accepted", eighty, Decimal(50), pay_by=date(2026, 5, 20))
    >>> find_hold(part, day).amount
    Decimal('30')
    """
    if claim.state in OPEN_STATES:
        until = claim.answer_by if claim.state == WAITING else None
        held = dunning.Withheld(dunning.DISPUTED, claim.amount, until)
        in_force = not claim.unconfirmed and held.holds_on(today)
    else:
        left = claim.amount - claim.accepted
        held = dunning.Withheld(dunning.DISPUTE_ANSWERED, left, claim.pay_by)
        in_force = left > 0 and claim.pay_by is not None and held.holds_on(today)
    return held if in_force and held.amount > 0 else None


def spread(
    amount: Decimal, items: Sequence[tuple[Hashable, Decimal]]
) -> dict[Hashable, Decimal]:
    """Spread what is disputed of an invoice over its open items, the oldest first.

    As a credit note about it would be applied: what is asked for meanwhile is what is
    owed if the customer is right.

    :param items: pairs of (item, what of it nobody disputes yet), the oldest first
    :return: item -> part, without those that get nothing; together never more than
        ``amount``, nor than what there is

    >>> spread(Decimal(120), [("first", Decimal(100)), ("second", Decimal(100))])
    {'first': Decimal('100'), 'second': Decimal('20')}
    >>> spread(Decimal(120), [("last", Decimal(80))])
    {'last': Decimal('80')}
    """
    parts = {}
    for ref, free in items:
        part = min(amount, free)
        if part > 0:
            parts[ref] = part
            amount -= part
    return parts


# === WHEN IT MUST BE ANSWERED === #


def find_deadline(opened: date, days: int, waited: int, calendar: WorkCalendar) -> date:
    """Return the last day to answer.

    :param days: working days that the reason gives
    :param waited: working days on which we waited for the customer: they do not count

    >>> calendar = WorkCalendar()
    >>> find_deadline(date(2026, 5, 13), 5, 0, calendar)  # a Wednesday
    datetime.date(2026, 5, 20)
    >>> find_deadline(date(2026, 5, 13), 5, 3, calendar)
    datetime.date(2026, 5, 25)
    """
    return calendar.add_working_days(opened, max(days, 0) + max(waited, 0))


def count_working_days(start: date, end: date, calendar: WorkCalendar) -> int:
    """Return how many working days lie after ``start``, up to and with ``end``.

    >>> count_working_days(date(2026, 5, 13), date(2026, 5, 18), WorkCalendar())
    3
    >>> count_working_days(date(2026, 5, 13), date(2026, 5, 13), WorkCalendar())
    0
    """
    days = (end - start).days
    return sum(
        calendar.is_working_day(days_after(start, count))
        for count in range(1, days + 1)
    )


def is_late(state: str, deadline: date | None, today: date) -> bool:
    """Say whether we owe an answer by now: never while we wait for the customer.

    >>> due = date(2026, 5, 13)
    >>> is_late("new", due, due), is_late("new", due, date(2026, 5, 14))
    (False, True)
    >>> is_late("waiting", due, date(2026, 5, 14))
    False
    """
    return state in (NEW, IN_PROGRESS) and deadline is not None and today > deadline


# === HOW IT ENDS === #


def find_end(
    disputed: Decimal, residual: Decimal, credited: Decimal
) -> tuple[str, Decimal] | None:
    """Return how a case ends by what the ledger shows, or ``None`` while it goes on.

    A payment is taken for what is not in dispute first. So the disputed rest is settled
    once nothing is open: by a credit note, then we accepted it, or else by payment,
    then the customer dropped it.

    :param residual: what is open of all that the case is about
    :param credited: what credit notes took off since it was opened
    :return: (state, what was accepted)

    >>> find_end(Decimal(80), residual=Decimal(10), credited=Decimal(0))
    >>> find_end(Decimal(80), residual=Decimal(0), credited=Decimal(0))
    ('withdrawn', Decimal('0'))
    >>> find_end(Decimal(80), residual=Decimal(0), credited=Decimal(80))
    ('accepted', Decimal('80'))
    >>> find_end(Decimal(80), residual=Decimal(0), credited=Decimal(30))
    ('accepted', Decimal('30'))
    >>> find_end(Decimal(80), residual=Decimal(920), credited=Decimal(80))
    ('accepted', Decimal('80'))
    """
    if credited >= disputed > 0:
        return ACCEPTED, disputed
    if residual > 0:
        return None
    return (ACCEPTED, credited) if credited > 0 else (WITHDRAWN, ZERO)


def must_be_approved(amount: Decimal, limit: Decimal) -> bool:
    """Say whether a credit of this amount needs a manager; 0 as a limit asks nobody.

    >>> must_be_approved(Decimal(1000), Decimal(1000))
    False
    >>> must_be_approved(Decimal("1000.01"), Decimal(1000))
    True
    >>> must_be_approved(Decimal(5000), Decimal(0))
    False
    """
    return limit > 0 and amount > limit


def may_write_off(amount: Decimal, limit: Decimal) -> bool:
    """Say whether so little may be written off; 0 as a limit is never.

    Both in the company's currency.

    >>> may_write_off(Decimal(20), Decimal(20)), may_write_off(Decimal(21), Decimal(20))
    (True, False)
    >>> may_write_off(Decimal(1), Decimal(0))
    False
    """
    return 0 < amount <= limit


def share_out(
    amount: Decimal, weights: Sequence[Decimal], rounding: Decimal
) -> list[Decimal]:
    """Share an amount out by weights; the parts add up to it, to the last cent.

    By the largest remainder: nobody is more than one cent away from the exact share.

    :param weights: zero or more each; where all are zero, the first one takes all
    :param rounding: of the currency

    >>> share_out(Decimal(100), [Decimal(1)] * 3, Decimal("0.01"))
    [Decimal('33.34'), Decimal('33.33'), Decimal('33.33')]
    >>> share_out(Decimal(5), [Decimal(0), Decimal(0)], Decimal(1))
    [Decimal('5'), Decimal('0')]
    """
    if not weights:
        return []
    total = sum(weights, ZERO)
    if total <= 0:
        return [amount] + [ZERO] * (len(weights) - 1)
    exact = [amount * weight / total for weight in weights]
    parts = [(share // rounding) * rounding for share in exact]
    units = (amount - sum(parts, ZERO)) / rounding
    left = int(units.to_integral_value(ROUND_HALF_UP))
    order = sorted(range(len(exact)), key=lambda at: (parts[at] - exact[at], at))
    for at in order[:left]:
        parts[at] += rounding
    return parts
