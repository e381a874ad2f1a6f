"""Payment plans: how an amount is split into parts, and what is paid of each.

A plan stands beside the ledger: no entry is touched, and what is paid is derived from
what is still open. Amounts are decimals in the currency of the plan.
"""

import calendar as months
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from .workdays import WorkCalendar, days_after

ZERO = Decimal(0)

WEEKLY, FORTNIGHTLY, MONTHLY = "weekly", "fortnightly", "monthly"
RHYTHMS = (WEEKLY, FORTNIGHTLY, MONTHLY)
NAMED_DAYS = "days"
DAYS = {WEEKLY: 7, FORTNIGHTLY: 14}

OPEN, PAID, LATE = "open", "paid", "late"
DROPPED = "dropped"  # credited or in dispute: nobody asks for it


class UnsuitablePlan(ValueError):
    """What was asked for makes no plan."""


@dataclass(frozen=True, slots=True)
class Instalment:
    """One part of a plan."""

    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """What is paid of a part, and how it stands on a day."""

    instalment: Instalment
    paid: Decimal
    state: str

    @property
    def remaining(self) -> Decimal:
        """What is still to be paid of it."""
        return self.instalment.amount - self.paid


def split_evenly(total: Decimal, count: int, step: Decimal) -> tuple[Decimal, ...]:
    """Split an amount into parts that add up to it, none more than a step apart.

    By the largest remainder: each gets the share rounded down to the step, and what is
    left goes to the first parts, a step each. What is less than a step comes with the
    first part.

    :param step: what parts are rounded to: the currency's, or whole, or tens
    :raise UnsuitablePlan: no part, or more parts than steps

    >>> [str(part) for part in split_evenly(Decimal("100.00"), 3, Decimal("0.01"))]
    ['33.34', '33.33', '33.33']
    >>> [str(part) for part in split_evenly(Decimal("100.50"), 3, Decimal(10))]
    ['40.50', '30', '30']
    >>> split_evenly(Decimal("0.02"), 3, Decimal("0.01"))
    Traceback (most recent call last):
      ...
    credit_management.logic.instalments.UnsuitablePlan: More parts than amount
    """
    if count < 1:
        raise UnsuitablePlan("No parts")
    steps = int((total / step).quantize(Decimal(1), ROUND_DOWN))
    if steps < count:
        raise UnsuitablePlan("More parts than amount")
    each, more = divmod(steps, count)
    parts = [(each + (index < more)) * step for index in range(count)]
    parts[0] += total - steps * step
    return tuple(parts)


def split_by_amount(
    total: Decimal, amount: Decimal, step: Decimal
) -> tuple[Decimal, ...]:
    """Split into parts of an amount; what is left over is the last part.

    :raise UnsuitablePlan: the amount is less than a step

    >>> [int(part) for part in split_by_amount(Decimal(250), Decimal(100), Decimal(1))]
    [100, 100, 50]
    """
    if amount < step or total <= ZERO:
        raise UnsuitablePlan("No amount")
    count, rest = divmod(total, amount)
    parts = [amount] * int(count)
    return (*parts, rest) if rest else tuple(parts)


def find_days(
    first: date,
    count: int,
    rhythm: str,
    pay_day: int | None = None,
    calendar: WorkCalendar | None = None,
) -> tuple[date, ...]:
    """Return the days on which parts fall due; a month never swallows one.

    :param pay_day: day of the month, for the monthly rhythm; the last one of a month
        that is shorter. The first part keeps its day.
    :param calendar: a part that would fall due on a day off falls due on the next
        working day; the days after it are not moved by that

    >>> [str(day) for day in find_days(date(2026, 1, 31), 3, MONTHLY)]
    ['2026-01-31', '2026-02-28', '2026-03-31']
    >>> [str(day) for day in find_days(date(2026, 1, 20), 3, MONTHLY, pay_day=1)]
    ['2026-01-20', '2026-02-01', '2026-03-01']
    >>> [str(day) for day in find_days(date(2026, 1, 5), 3, FORTNIGHTLY)]
    ['2026-01-05', '2026-01-19', '2026-02-02']
    """
    days = [first]
    for index in range(1, count):
        if rhythm == MONTHLY:
            days.append(_add_months(first, index, pay_day or first.day))
        else:
            days.append(first + timedelta(days=DAYS[rhythm] * index))
    if calendar:
        days = [calendar.next_working_day(day) for day in days]
    return tuple(days)


def _add_months(day, count, day_of_month):
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    last = months.monthrange(year, month)[1]
    return date(year, month, min(day_of_month, last))


def make_plan(
    total: Decimal,
    days: Iterable[date],
    step: Decimal,
    first_amount: Decimal = ZERO,
) -> tuple[Instalment, ...]:
    """Return the parts of a plan: they add up to the total, in every currency.

    :param days: when parts fall due, in order
    :param first_amount: what the first part comes to; the others share the rest evenly
    :raise UnsuitablePlan: a part would be nothing, or days do not rise

    >>> days = find_days(date(2026, 3, 1), 3, MONTHLY)
    >>> plan = make_plan(Decimal("1000.00"), days, Decimal("0.01"), Decimal(400))
    >>> [str(part.amount) for part in plan]
    ['400', '300.00', '300.00']
    """
    days = tuple(days)
    if any(after <= before for before, after in zip(days, days[1:], strict=False)):
        raise UnsuitablePlan("Days do not rise")
    if first_amount:
        if not ZERO < first_amount < total or len(days) < 2:
            raise UnsuitablePlan("The first part is not a part")
        rest = split_evenly(total - first_amount, len(days) - 1, step)
        amounts = (first_amount, *rest)
    else:
        amounts = split_evenly(total, len(days), step)
    return tuple(map(Instalment, days, amounts))


def design(
    total: Decimal,
    *,
    first: date,
    rhythm: str,
    step: Decimal,
    count: int | None = None,
    amount: Decimal = ZERO,
    first_amount: Decimal = ZERO,
    pay_day: int | None = None,
    calendar: WorkCalendar | None = None,
    most: int = 120,
) -> tuple[Instalment, ...]:
    """Return the parts that somebody's wish comes to.

    :param count: so many parts, the first payment included; or else, by ``amount``
    :param amount: of each part after the first payment; the last one takes the rest
    :param most: more parts than that are no plan
    :raise UnsuitablePlan: the wish makes no plan

    >>> wish = {"first": date(2026, 3, 2), "rhythm": MONTHLY, "step": Decimal(1)}
    >>> [int(part.amount) for part in design(Decimal(250), count=2, **wish)]
    [125, 125]
    >>> [int(part.amount) for part in design(Decimal(250), amount=Decimal(100), **wish)]
    [100, 100, 50]
    >>> [int(part.amount) for part in design(
    ...     Decimal(250), amount=Decimal(100), first_amount=Decimal(80), **wish)]
    [80, 100, 70]
    >>> len(design(Decimal(250), count=1, **wish))
    1
    """
    if count is None:
        if first_amount < ZERO or (first_amount and first_amount >= total):
            raise UnsuitablePlan("The first part is not a part")
        if amount < step or (total - first_amount) / amount > most:
            raise UnsuitablePlan("No amount")
        amounts = split_by_amount(total - first_amount, amount, step)
        if first_amount:
            amounts = (first_amount, *amounts)
        days = find_days(first, len(amounts), rhythm, pay_day, calendar)
        plan = tuple(map(Instalment, days, amounts))
    elif 0 < count <= most:
        days = find_days(first, count, rhythm, pay_day, calendar)
        plan = make_plan(total, days, step, first_amount)
    else:
        raise UnsuitablePlan("Too few or too many parts")
    days = [part.day for part in plan]
    if len(plan) > most or days != sorted(set(days)):
        raise UnsuitablePlan("Too many parts, or days do not rise")
    return plan


def design_by_days(
    total: Decimal,
    wishes: Iterable[tuple[date, Decimal]],
    step: Decimal,
) -> tuple[Instalment, ...]:
    """Return the parts that named days come to.

    :param wishes: pairs of (day, amount), in any order; what has no amount shares
        evenly what the others leave
    :raise UnsuitablePlan: a day twice, no day, or amounts that cannot come to the total

    >>> wishes = [(date(2026, 5, 29), ZERO), (date(2026, 3, 2), Decimal(100)),
    ...           (date(2026, 4, 10), ZERO)]
    >>> [(str(part.day), int(part.amount))
    ...  for part in design_by_days(Decimal(250), wishes, Decimal(1))]
    [('2026-03-02', 100), ('2026-04-10', 75), ('2026-05-29', 75)]
    >>> [int(part.amount) for part in design_by_days(
    ...     Decimal(250), [(date(2026, 3, 2), Decimal(250))], Decimal(1))]
    [250]
    """
    wishes = sorted(wishes)
    days = [day for day, _amount in wishes]
    if not days or len(set(days)) < len(days):
        raise UnsuitablePlan("No day, or a day twice")
    if any(amount < ZERO for _day, amount in wishes):
        raise UnsuitablePlan("Less than nothing")
    left = total - sum((amount for _day, amount in wishes), ZERO)
    open_days = [day for day, amount in wishes if not amount]
    if not open_days:
        if left:
            raise UnsuitablePlan("The amounts do not come to the total")
        return tuple(Instalment(day, amount) for day, amount in wishes)
    shares = iter(split_evenly(left, len(open_days), step))
    return tuple(Instalment(day, amount or next(shares)) for day, amount in wishes)


# === WHAT IT COSTS === #

YEAR_DAYS = 365


def find_cost(
    parts: Iterable[Instalment],
    start: date,
    fee: Decimal,
    yearly_rate: Decimal,
    step: Decimal,
) -> Decimal:
    """Return what paying in parts costs, without tax: a fee, and simple interest.

    Interest runs on each part from the start of the plan to the day of that part, by
    actual days over 365, and is rounded once, half up.

    :param parts: of what is open, without the cost
    :param fee: in the currency of the plan
    :param yearly_rate: percent a year
    :param step: what amounts of the currency are rounded to

    >>> days = [date(2027, 1, 31), date(2027, 3, 2)]
    >>> parts = [Instalment(day, Decimal(1000)) for day in days]
    >>> find_cost(parts, date(2027, 1, 1), Decimal(5), Decimal("7.3"), Decimal("0.01"))
    Decimal('23.00')
    >>> find_cost(parts, days[0], Decimal(0), Decimal(0), Decimal("0.01"))
    Decimal('0.00')
    """
    weighted = sum(
        (part.amount * max((part.day - start).days, 0) for part in parts), ZERO
    )
    cost = fee + weighted * yearly_rate / 100 / YEAR_DAYS
    return (cost / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def add_cost(parts: Iterable[Instalment], cost: Decimal) -> tuple[Instalment, ...]:
    """Return the parts with the cost, which is paid with the last of them.

    >>> parts = [Instalment(date(2026, 3, day), Decimal(50)) for day in (1, 8)]
    >>> [int(part.amount) for part in add_cost(parts, Decimal(7))]
    [50, 57]
    """
    *others, last = parts
    return (*others, Instalment(last.day, last.amount + cost))


def find_standing(
    plan: Iterable[Instalment], remaining: Decimal, today: date, grace_days: int = 0
) -> tuple[Standing, ...]:
    """Return how the parts stand, from what is still open of what the plan covers.

    What was paid goes to the oldest part first; what was taken off by a credit note
    lowers the amounts beforehand (``reduce_plan``). A payment that is returned makes
    more remain, and parts open again.

    :param remaining: what is open now of the items of the plan
    :param grace_days: so many days after its day a part is not late yet

    >>> days = find_days(date(2026, 1, 1), 3, MONTHLY)
    >>> plan = make_plan(Decimal(300), days, Decimal(1))
    >>> [(str(one.paid), one.state) for one in
    ...  find_standing(plan, Decimal(150), date(2026, 2, 10))]
    [('100', 'paid'), ('50', 'late'), ('0', 'open')]
    """
    plan = tuple(plan)
    total = sum((part.amount for part in plan), ZERO)
    left = min(max(total - remaining, ZERO), total)
    standings = []
    for part in plan:
        paid = min(left, part.amount)
        left -= paid
        if paid == part.amount:
            state = PAID
        elif today > part.day + timedelta(days=grace_days):
            state = LATE
        else:
            state = OPEN
        standings.append(Standing(part, paid, state))
    return tuple(standings)


def reduce_plan(plan: Iterable[Instalment], amount: Decimal) -> tuple[Instalment, ...]:
    """Take off what is not owed any more: the last parts first, as a debt ends sooner.

    >>> days = find_days(date(2026, 1, 1), 3, MONTHLY)
    >>> plan = make_plan(Decimal(300), days, Decimal(1))
    >>> [int(part.amount) for part in reduce_plan(plan, Decimal(130))]
    [100, 70]
    """
    kept = []
    for part in reversed(tuple(plan)):
        off = min(amount, part.amount)
        amount -= off
        if part.amount - off > ZERO:
            kept.append(Instalment(part.day, part.amount - off))
    return tuple(reversed(kept))


# === WHAT AN AGREED PLAN COMES TO === #


@dataclass(frozen=True, slots=True)
class Covered:
    """What became of one open item since the plan was made.

    :param opening: open when the plan was made
    :param residual: open now, zero where nobody owes it any more
    :param credited: what credit notes took off since, or all where the item is gone
    :param disputed: what of it is in dispute
    """

    opening: Decimal
    residual: Decimal
    credited: Decimal = ZERO
    disputed: Decimal = ZERO

    @property
    def still_open(self) -> Decimal:
        """Return what of the opening amount is open: more than it is no plan's."""
        return min(max(self.residual, ZERO), self.opening)


@dataclass(frozen=True, slots=True)
class Account:
    """What a plan comes to: ``opening`` is always the sum of the other four.

    :param paid: by payments since it was made
    :param credited: not owed any more
    :param disputed: not asked for at present
    :param remaining: to be paid
    """

    opening: Decimal = ZERO
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    disputed: Decimal = ZERO
    remaining: Decimal = ZERO

    @property
    def off(self) -> Decimal:
        """Return what the parts need not bring in."""
        return self.credited + self.disputed


def take_account(items: Iterable[Covered]) -> Account:
    """Return what a plan comes to, from what is open of its items.

    >>> hundred = Decimal(100)
    >>> tell = lambda *items: [int(x) for x in (
    ...     take_account(items).paid, take_account(items).credited,
    ...     take_account(items).disputed, take_account(items).remaining)]
    >>> tell(Covered(hundred, Decimal(60)))
    [40, 0, 0, 60]
    >>> tell(Covered(hundred, Decimal(60), credited=Decimal(30)))
    [10, 30, 0, 60]

    A payment from before the plan that is taken back is no matter of the plan:

    >>> held = Covered(hundred, hundred, disputed=hundred)
    >>> tell(Covered(hundred, Decimal(150)), held)
    [0, 0, 100, 100]
    """
    opening = paid = credited = disputed = remaining = ZERO
    for item in items:
        still_open = item.still_open
        down = item.opening - still_open
        off = min(max(item.credited, ZERO), down)
        held = min(max(item.disputed, ZERO), still_open)
        opening += item.opening
        paid += down - off
        credited += off
        disputed += held
        remaining += still_open - held
    return Account(opening, paid, credited, disputed, remaining)


def settle_parts(
    parts: Iterable[Instalment], account: Account, today: date, grace_days: int = 0
) -> tuple[Standing, ...]:
    """Return how each part stands: as many as there are, in their order.

    What need not be paid is taken off the last parts first; what was paid goes to the
    oldest. What then remains of the parts adds up to what remains of the plan.

    >>> days = find_days(date(2026, 1, 1), 3, MONTHLY)
    >>> plan = make_plan(Decimal(300), days, Decimal(1))
    >>> account = Account(Decimal(300), Decimal(120), Decimal(130), ZERO, Decimal(50))
    >>> [(int(one.instalment.amount), int(one.paid), one.state)
    ...  for one in settle_parts(plan, account, date(2026, 2, 10))]
    [(100, 100, 'paid'), (70, 20, 'late'), (0, 0, 'dropped')]
    """
    parts, off = tuple(parts), account.off
    amounts = []
    for part in reversed(parts):
        less = min(off, part.amount)
        off -= less
        amounts.append(part.amount - less)
    left, standings = account.paid, []
    for part, amount in zip(parts, reversed(amounts), strict=True):
        paid = min(left, amount)
        left -= paid
        if not amount:
            state = DROPPED
        elif paid == amount:
            state = PAID
        elif today > days_after(part.day, grace_days):
            state = LATE
        else:
            state = OPEN
        standings.append(Standing(Instalment(part.day, amount), paid, state))
    return tuple(standings)
