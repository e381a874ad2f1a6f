"""The life of a payment plan: which move leads where, when it is warned of and broken.

A plan is proposed by one side and accepted by the other, or agreed at once. While it is
kept, what it covers is left alone. Where a part is not paid, the customer is warned
once; where the last day of the warning passes, the whole is due again, at the level and
the due date it had.

Money is ``Decimal``; days are those of the company.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from .instalments import (
    DROPPED,
    FORTNIGHTLY,
    MONTHLY,
    PAID,
    WEEKLY,
    ZERO,
    Account,
    Instalment,
    Standing,
    UnsuitablePlan,
    design,
    find_days,
)
from .workdays import WorkCalendar, days_after

DRAFT = "draft"
PROPOSED = "proposed"
ACTIVE = "active"
KEPT = "kept"
BROKEN = "broken"
REFUSED = "refused"
CANCELLED = "cancelled"

# In these no other plan may cover the same items.
HOLDING_STATES = (PROPOSED, ACTIVE)
CLOSED_STATES = (KEPT, BROKEN, REFUSED, CANCELLED)
# The one table of moves: target -> states it may come from.
SOURCES = {
    PROPOSED: (DRAFT,),
    ACTIVE: (DRAFT, PROPOSED, BROKEN, KEPT),
    KEPT: (ACTIVE,),
    BROKEN: (ACTIVE,),
    REFUSED: (PROPOSED,),
    CANCELLED: (DRAFT, PROPOSED, ACTIVE),
}


def may_move(state: str, target: str) -> bool:
    """Say whether a plan in a state may come into another.

    >>> may_move("proposed", "active"), may_move("cancelled", "active")
    (True, False)
    """
    return state in SOURCES.get(target, ())


# === WHAT A NIGHT DECIDES === #

NOTHING, WARN, BREAK, KEEP, END, CALM = (
    "nothing",
    "warn",
    "break",
    "keep",
    "end",
    "calm",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an active plan on a day.

    :param under_way: money on its way that the ledger does not know yet
    :param warned_until: last day that a warning gave, if it stands
    """

    account: Account
    standings: tuple[Standing, ...]
    under_way: Decimal = ZERO
    warned_until: date | None = None


def find_late(
    standings: Iterable[Standing], under_way: Decimal, today: date, grace_days: int
) -> Decimal:
    """Return what should have been paid by now, with its grace, and is not under way.

    >>> from .instalments import Instalment
    >>> part = Standing(Instalment(date(2026, 5, 1), Decimal(100)), Decimal(30), "late")
    >>> find_late([part], Decimal(0), date(2026, 5, 4), 3)
    Decimal('0')
    >>> find_late([part], Decimal(20), date(2026, 5, 5), 3)
    Decimal('50')
    """
    late = sum(
        (
            each.remaining
            for each in standings
            if today > days_after(each.instalment.day, grace_days)
        ),
        ZERO,
    )
    return max(late - under_way, ZERO)


def decide(facts: Facts, today: date, grace_days: int) -> str:
    """Say what happens to an active plan today.

    Nothing is broken without a warning whose last day has passed.

    >>> from .instalments import Instalment
    >>> day = date(2026, 5, 1)
    >>> part = Standing(Instalment(day, Decimal(100)), ZERO, "late")
    >>> owed = Account(Decimal(100), remaining=Decimal(100))
    >>> def on(number, **known):
    ...     return decide(Facts(owed, (part,), **known), date(2026, 5, number), 3)
    >>> on(4), on(5), on(5, under_way=Decimal(100))
    ('nothing', 'warn', 'nothing')
    >>> until = date(2026, 5, 12)
    >>> on(12, warned_until=until), on(13, warned_until=until)
    ('nothing', 'break')

    Where it is paid the warning is over; where nothing is left, so is the plan:

    >>> paid = Account(Decimal(100), paid=Decimal(100))
    >>> done = (Standing(part.instalment, Decimal(100), "paid"),)
    >>> decide(Facts(paid, done), day, 3)
    'keep'
    >>> decide(Facts(Account(Decimal(100), credited=Decimal(100)), ()), day, 3)
    'end'
    >>> on(5, under_way=Decimal(100), warned_until=until)
    'nothing'
    """
    account = facts.account
    if account.remaining + account.disputed <= 0:
        return KEEP if account.paid > 0 else END
    if find_late(facts.standings, ZERO, today, grace_days) <= 0:
        return CALM if facts.warned_until else NOTHING
    if find_late(facts.standings, facts.under_way, today, grace_days) <= 0:
        return NOTHING
    if not facts.warned_until:
        return WARN
    return BREAK if today > facts.warned_until else NOTHING


def find_warned_until(today: date, days: int, calendar: WorkCalendar) -> date:
    """Return the last day that a warning gives: a working day.

    >>> find_warned_until(date(2026, 5, 16), 7, WorkCalendar())  # a Saturday
    datetime.date(2026, 5, 25)
    """
    return calendar.next_working_day(days_after(today, max(days, 1)))


def find_next(standings: Iterable[Standing]) -> Standing | None:
    """Return the oldest part of which something is to be paid.

    >>> find_next([])
    """
    for each in standings:
        if each.state not in (PAID, DROPPED):
            return each
    return None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a plan asks for on a day.

    :param amount: all that is late; else what is left of the next part
    :param day: of the oldest part of it
    """

    amount: float
    day: date
    is_late: bool


def find_asked(standings: Iterable[Standing], today: date) -> Asked | None:
    """Return what is to be paid now, or next.

    >>> from .instalments import Instalment
    >>> parts = [
    ...     Standing(Instalment(date(2026, month, 1), Decimal(100)), ZERO, "open")
    ...     for month in (4, 5, 6)
    ... ]
    >>> asked = find_asked(parts, date(2026, 5, 13))
    >>> asked.amount, asked.is_late, find_asked(parts, date(2026, 4, 1)).amount
    (200.0, True, 100.0)
    >>> find_asked([], date(2026, 4, 1))
    """
    standings = [each for each in standings if each.remaining > 0]
    if not standings:
        return None
    late = [each for each in standings if each.instalment.day < today]
    amount = sum((each.remaining for each in late or standings[:1]), ZERO)
    return Asked(float(amount), standings[0].instalment.day, bool(late))


# === OFFERS: WHO MAY TAKE WHICH PLAN WITHOUT ASKING === #


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan within these bounds needs nobody's answer.

    :param lowest: least total; ``highest``: most total, zero for any
    :param risk_class: only customers of this class; empty for all
    :param longest_days: so many days from today to the last part at most
    :param first_now: the first part falls due today or on the next working day
    :param plans_a_year: so many plans in twelve months, this one included
    """

    lowest: Decimal
    highest: Decimal
    most_parts: int
    longest_days: int
    risk_class: str = ""
    first_now: bool = False
    plans_a_year: int = 1


def overlap(one: Offer, other: Offer) -> bool:
    """Say whether a plan could fit two offers.

    >>> first = Offer(Decimal(100), Decimal(500), 3, 90)
    >>> overlap(first, Offer(Decimal(500), ZERO, 6, 180))
    True
    >>> overlap(first, Offer(Decimal("500.01"), ZERO, 6, 180))
    False
    >>> overlap(Offer(ZERO, ZERO, 3, 90, "A"), Offer(ZERO, ZERO, 3, 90, "B"))
    False
    """
    if one.risk_class and other.risk_class and one.risk_class != other.risk_class:
        return False
    return (not one.highest or other.lowest <= one.highest) and (
        not other.highest or one.lowest <= other.highest
    )


def fits(
    offer: Offer,
    total: Decimal,
    days: Iterable[date],
    today: date,
    first_day: date,
    plans_before: int,
) -> bool:
    """Say whether a plan is within an offer.

    :param total: in the currency of the company
    :param first_day: today, or the next working day
    :param plans_before: of this customer, in the last twelve months

    >>> day = date(2026, 5, 13)
    >>> offer = Offer(Decimal(100), Decimal(500), 2, 40, first_now=True)
    >>> days = [day, date(2026, 6, 15)]
    >>> fits(offer, Decimal(500), days, day, day, 0)
    True
    >>> fits(offer, Decimal("500.01"), days, day, day, 0)
    False
    >>> fits(offer, Decimal(500), days, day, day, 1)
    False
    >>> fits(offer, Decimal(500), [date(2026, 5, 14), days[1]], day, day, 0)
    False
    """
    days = tuple(days)
    return (
        bool(days)
        and is_open(offer, total, plans_before)
        and len(days) <= offer.most_parts
        and days[-1] <= days_after(today, offer.longest_days)
        and (not offer.first_now or days[0] <= first_day)
    )


def is_open(offer: Offer, total: Decimal, plans_before: int) -> bool:
    """Say whether some plan about an amount could be within an offer.

    :param total: in the currency of the company
    :param plans_before: of this customer, in the last twelve months

    >>> offer = Offer(Decimal(100), Decimal(500), 2, 40)
    >>> is_open(offer, Decimal(500), 0), is_open(offer, Decimal(500), 1)
    (True, False)
    >>> is_open(offer, Decimal("99.99"), 0)
    False
    """
    return (
        offer.lowest <= total
        and (not offer.highest or total <= offer.highest)
        and plans_before < offer.plans_a_year
    )


# === THE NEAREST PLAN THAT AN OFFER HAS === #

LEAST_DAYS = {WEEKLY: 7, FORTNIGHTLY: 14, MONTHLY: 28}
# Who pays by the month and keeps his day does not pay twice in so many days.
LEAST_GAP = 15
# A rhythm, and those that come to an end sooner.
FASTER = {
    MONTHLY: (MONTHLY, FORTNIGHTLY, WEEKLY),
    FORTNIGHTLY: (FORTNIGHTLY, WEEKLY),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants to pay: so many parts from a day on, in a rhythm.

    :param pay_day: day of the month on which the others fall due, if not that of the
        first one
    """

    count: int
    first: date
    rhythm: str
    pay_day: int | None = None


def find_nearest(
    offer: Offer,
    total: Decimal,
    wish: Wish,
    today: date,
    *,
    step: Decimal,
    calendar: WorkCalendar | None = None,
) -> tuple[Wish, tuple[Instalment, ...]] | None:
    """Return the plan within an offer that is nearest to a wish; the wish, if it is.

    What changes least is taken: the rhythm is kept where possible, then the day of the
    month, then as many of the number of parts and the first day as can be. Nobody is
    given more parts, or a later day, than he asked for.

    :param offer: one that is open to the customer for the amount (``is_open``)
    :param total: what is paid in parts, in its currency
    :param step: what parts are rounded to
    :return: what to wish for, and its parts; None where the offer has none of two parts

    >>> day, money = date(2026, 5, 13), {"step": Decimal("0.01")}
    >>> offer = Offer(ZERO, ZERO, 3, 90, first_now=True)
    >>> def say(offer, *wish):
    ...     wish, parts = find_nearest(offer, Decimal(300), Wish(*wish), day, **money)
    ...     return wish.rhythm, [f"{part.day:%d.%m.}" for part in parts]
    >>> say(offer, 6, date(2026, 5, 20), MONTHLY)
    ('monthly', ['13.05.', '20.06.', '20.07.'])
    >>> say(Offer(ZERO, ZERO, 6, 90), 6, date(2026, 5, 20), MONTHLY)
    ('monthly', ['20.05.', '20.06.', '20.07.'])
    >>> say(Offer(ZERO, ZERO, 6, 21), 6, date(2026, 5, 20), MONTHLY)
    ('fortnightly', ['20.05.', '03.06.'])
    >>> say(offer, 2, day, WEEKLY)
    ('weekly', ['13.05.', '20.05.'])
    >>> find_nearest(Offer(ZERO, ZERO, 6, 5), ZERO, Wish(2, day, WEEKLY), day, **money)
    """
    first_day = calendar.next_working_day(today) if calendar else today
    # What it is for was asked before: here only the parts count.
    bounds = replace(offer, lowest=ZERO, highest=ZERO)
    candidates = _find_candidates(offer, wish, first_day, today)
    for candidate in sorted(candidates, key=lambda each: _measure(wish, each)):
        try:
            parts = design(
                total,
                first=candidate.first,
                rhythm=candidate.rhythm,
                step=step,
                count=candidate.count,
                pay_day=candidate.pay_day,
                calendar=calendar,
            )
        except UnsuitablePlan:
            continue
        if fits(bounds, ZERO, (part.day for part in parts), today, first_day, 0):
            return candidate, parts
    return None


def _find_candidates(offer, wish, first_day, today):
    """Return what could be wished for instead: no more parts, and no later day.

    What is too long anyhow is left out: of months the second part may come soon.
    """
    last = days_after(today, offer.longest_days)
    later = 0 if offer.first_now else (wish.first - first_day).days
    firsts = {wish.first} | {
        first_day + timedelta(days=more) for more in range(max(later, 0) + 1)
    }
    counts = range(2, min(wish.count, offer.most_parts) + 1)
    return [
        Wish(count, first, rhythm, pay_day)
        for rhythm in FASTER.get(wish.rhythm, (wish.rhythm,))
        for first in firsts
        for pay_day in _find_pay_days(wish, first, rhythm)
        for count in counts
        if days_after(first, LEAST_DAYS.get(rhythm, 0) * (count - 2)) <= last
    ]


def _find_pay_days(wish, first, rhythm):
    """Return on which day of the month the later parts could fall due."""
    own = _get_pay_day(wish)
    if rhythm != MONTHLY or own == first.day:
        return (wish.pay_day,) if first == wish.first else (None,)
    second = find_days(first, 2, MONTHLY, own)[1]
    is_soon = second < days_after(first, LEAST_GAP) and first != wish.first
    return (None,) if is_soon else (None, own)


def _get_pay_day(wish):
    return wish.pay_day or wish.first.day


def _measure(wish, other):
    """Return how far one wish is from another: what matters most comes first."""
    rhythms = FASTER.get(wish.rhythm, (wish.rhythm,))
    is_moved = other.rhythm == MONTHLY and _get_pay_day(other) != _get_pay_day(wish)
    return (
        rhythms.index(other.rhythm),
        is_moved,
        (other.count != wish.count) + (other.first != wish.first),
        (wish.first - other.first).days,
        wish.count - other.count,
    )
