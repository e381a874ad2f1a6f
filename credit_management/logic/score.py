"""How a customer pays, as a score from 0 to 100 that can be checked by hand.

100 is the best. The score is the sum of the points of its factors; each factor says
what it measured and how many points of how many it gives. It counts what is open as
well as what was paid: an item that is 90 days late and unpaid is at least 90 days late.
Leaving it out would make the worst customers look best.

Paying later never raises the score: each factor is a falling function of the days an
item is late, paid items are chosen by their due date, not by the day they were paid,
what is open is never left out, and whether a factor counts does not depend on how late
anything was.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)
HUNDRED = Decimal(100)

# The payment index: 80 is on terms, 50 a month late. The knots follow the chart that
# Dun & Bradstreet publishes for its own index (dandb.com, glossary); between two knots
# it runs straight.
KNOTS = (
    (-30, 100),
    (-20, 90),
    (0, 80),
    (15, 70),
    (22, 60),
    (30, 50),
    (60, 40),
    (90, 30),
    (120, 20),
    (180, 1),
)

# How far back items count, by due date.
HISTORY = timedelta(days=730)
RECENT = timedelta(days=180)
# Fewer items that fell due are no history: the score would be a guess.
FEWEST_ITEMS = 3
# A few days late is how banks work, not how a customer pays.
LATE_AFTER = 5

# The factors and their weights, in percent.
INDEX = "index"
RECENTLY = "recently"
SHARE_LATE = "share_late"
OLDEST = "oldest"
UTILISATION = "utilisation"
PROMISES = "promises"
AGE = "age"
EXTERNAL = "external"
WEIGHTS = {
    INDEX: 35,
    RECENTLY: 20,
    SHARE_LATE: 10,
    OLDEST: 15,
    UTILISATION: 5,
    PROMISES: 5,
    AGE: 5,
    EXTERNAL: 5,
}

# From this score on a customer is in the class.
CLASSES = (("A", 85), ("B", 70), ("C", 55), ("D", 35), ("E", 0))


@dataclass(frozen=True, slots=True)
class PaidItem:
    """An amount that fell due: paid on a day, or open.

    An item that was paid in parts is one for each part.

    :param amount: in the currency of the company, above zero
    :param paid: none while it is open
    :param ref: of what fell due, the same for its parts; none: the item is whole
    """

    amount: Decimal
    due: date
    paid: date | None = None
    ref: int | None = None

    def find_days_late(self, today: date) -> int:
        """Return how late it was paid, or how late it is by now; below zero early."""
        return ((self.paid or today) - self.due).days


@dataclass(frozen=True, slots=True)
class History:
    """What is known of how a customer pays.

    :param utilisation: of the credit limit in percent, none without a limit
    :param promises_kept: share of its promises that it kept, none when it gave none
    :param customer_since: day of the first invoice
    :param external: what a bureau or insurer says, from 0 to 100, none when not asked
    """

    items: tuple[PaidItem, ...] = ()
    utilisation: Decimal | None = None
    promises_kept: Decimal | None = None
    customer_since: date | None = None
    external: int | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """What one factor gives: points of the most it could give, for a value.

    :param value: days, percent, years or an index, as the factor measures
    """

    code: str
    value: Decimal
    points: int
    most: int


@dataclass(frozen=True, slots=True)
class Score:
    """The score with its class and the factors that add up to it."""

    factors: tuple[Factor, ...] = field(default=())

    @property
    def value(self) -> int:
        """From 0 to 100."""
        return sum(factor.points for factor in self.factors)

    @property
    def risk_class(self) -> str:
        """From A, the best, to E."""
        return next(name for name, least in CLASSES if self.value >= least)


def compute_index(days_late) -> Decimal:
    """Return the payment index of a number of days late.

    >>> [int(compute_index(days)) for days in (-40, -30, 0, 15, 30, 60, 120, 500)]
    [100, 100, 80, 70, 50, 40, 20, 1]
    >>> compute_index(Decimal("7.5"))
    Decimal('75.0')
    """
    days = Decimal(days_late)
    if days <= KNOTS[0][0]:
        return Decimal(KNOTS[0][1])
    for (start, high), (end, low) in zip(KNOTS, KNOTS[1:], strict=False):
        if days <= end:
            return high - (days - start) * (high - low) / (end - start)
    return Decimal(KNOTS[-1][1])


def compute_score(history: History, today: date) -> Score | None:
    """Return the score of a customer on a day, or none without enough history.

    What fell due after that day, or was paid after it, is not known on it. What is open
    counts however long ago it fell due; parts of one item are one experience.

    >>> day = date(2026, 5, 1)
    >>> days = [day - timedelta(30 * n) for n in range(1, 5)]
    >>> prompt = [PaidItem(Decimal(100), due, due) for due in days]
    >>> compute_score(History(tuple(prompt)), day).value
    86
    >>> late = prompt + [PaidItem(Decimal(900), day - timedelta(90))]
    >>> score = compute_score(History(tuple(late)), day)
    >>> score.value, score.risk_class
    (40, 'D')
    >>> [(factor.code, factor.points, factor.most) for factor in score.factors]
    [('index', 20, 44), ('recently', 11, 25), ('share_late', 4, 12), ('oldest', 5, 19)]
    >>> compute_score(History(tuple(prompt[:2])), day) is None
    True
    """
    items = [
        PaidItem(
            item.amount,
            item.due,
            item.paid if item.paid and item.paid <= today else None,
            item.ref,
        )
        for item in history.items
        if item.amount > 0 and item.due < today
    ]
    # Never by the day of a payment that was made: paying later must not hide an item.
    items = [item for item in items if not item.paid or item.due >= today - HISTORY]
    wholes = sum(item.ref is None for item in items)
    if wholes + len({item.ref for item in items} - {None}) < FEWEST_ITEMS:
        return None
    measured = dict(_measure(items, history, today))
    most = _share_out(measured)
    return Score(
        tuple(
            Factor(code, value, _round(most[code] * share), most[code])
            for code, (value, share) in measured.items()
        )
    )


def _measure(items, history, today):
    """Yield each factor that counts, its value and the share of its points it gives."""
    index = _average_index(items, today)
    yield INDEX, (index, index / HUNDRED)
    recent = [item for item in items if item.due >= today - RECENT]
    if recent:
        index = _average_index(recent, today)
        yield RECENTLY, (index, index / HUNDRED)
    total = sum(item.amount for item in items)
    late = sum(item.amount for item in items if item.find_days_late(today) > LATE_AFTER)
    yield SHARE_LATE, (late * 100 / total, 1 - late / total)
    oldest = max(
        (item.find_days_late(today) for item in items if not item.paid), default=0
    )
    # Nothing late and open gives all of it, four months and more give none of it.
    yield OLDEST, (Decimal(oldest), _fall(oldest, LATE_AFTER, 120))
    if history.utilisation is not None:
        share = _fall(history.utilisation, 80, 120)
        yield UTILISATION, (history.utilisation, share)
    if history.promises_kept is not None:
        yield PROMISES, (history.promises_kept * 100, history.promises_kept)
    if history.customer_since:
        years = Decimal((today - history.customer_since).days) / 365
        yield AGE, (years, min(max(years, ZERO) / 5, Decimal(1)))
    if history.external is not None:
        yield EXTERNAL, (Decimal(history.external), history.external / HUNDRED)


def _average_index(items, today):
    """Return the payment index of items, weighted by their amounts."""
    total = sum(item.amount for item in items)
    return (
        sum(item.amount * compute_index(item.find_days_late(today)) for item in items)
        / total
    )


def _fall(value, best, worst):
    """Return 1 up to the best value, 0 from the worst on, straight between them.

    >>> [float(_fall(value, 80, 120)) for value in (10, 80, 100, 120, 500)]
    [1.0, 1.0, 0.5, 0.0, 0.0]
    """
    value = min(max(Decimal(value), Decimal(best)), Decimal(worst))
    return (worst - value) / (worst - best)


def _share_out(codes: Iterable[str]) -> dict[str, int]:
    """Share 100 points out over the factors that count, by weight.

    By the largest remainder, so that they add up to 100.

    >>> _share_out([INDEX, RECENTLY, SHARE_LATE, OLDEST])
    {'index': 44, 'recently': 25, 'share_late': 12, 'oldest': 19}
    >>> sum(_share_out(WEIGHTS).values())
    100
    """
    codes = list(codes)
    weight = sum(WEIGHTS[code] for code in codes)
    exact = {code: Decimal(WEIGHTS[code] * 100) / weight for code in codes}
    points = {code: int(share) for code, share in exact.items()}
    by_remainder = sorted(codes, key=lambda code: points[code] - exact[code])
    for code in by_remainder[: 100 - sum(points.values())]:
        points[code] += 1
    return points


def _round(value):
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))
