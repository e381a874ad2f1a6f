"""A credit limit: what is suggested, how one is asked for, what holds and until when.

Several ways to reckon are used in practice; each that has its figures is shown, and the
smallest is suggested, times a factor for how the customer pays. Nothing here applies a
limit: a person does, or a policy that a person switched on.

A limit for good holds until the next one. A temporary one lies on top of it: the one
that began last holds, and when it ends, what would hold without it holds again.

Amounts are decimals in the currency of the company. A limit of 0 is no limit at all, so
it counts as more than any amount.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

from .score import PaidItem

# === STATES AND MOVES === #

DRAFT = "draft"
SUBMITTED = "submitted"
APPROVED = "approved"  # waits for its first day
IN_FORCE = "in_force"
EXPIRED = "expired"
SUPERSEDED = "superseded"
REFUSED = "refused"
WITHDRAWN = "withdrawn"

OPEN_STATES = (DRAFT, SUBMITTED)
# Somebody decided on it; the figures of that moment are kept.
DECIDED_STATES = (APPROVED, IN_FORCE, EXPIRED, SUPERSEDED, REFUSED)

# From each state, where a request may go. What is over stays over: a further wish is a
# further request.
MOVES = {
    DRAFT: (SUBMITTED, WITHDRAWN),
    SUBMITTED: (APPROVED, REFUSED, WITHDRAWN),
    APPROVED: (IN_FORCE, WITHDRAWN, SUPERSEDED, EXPIRED),
    IN_FORCE: (EXPIRED, SUPERSEDED),
    EXPIRED: (),
    SUPERSEDED: (),
    REFUSED: (),
    WITHDRAWN: (),
}


def may_move(state: str, target: str) -> bool:
    """Say whether a request may go from one state to another.

    >>> may_move("draft", "submitted"), may_move("submitted", "approved")
    (True, True)
    >>> may_move("draft", "in_force"), may_move("refused", "approved")
    (False, False)
    """
    return target in MOVES.get(state, ())


# === WHO DECIDES === #


def is_above(limit: Decimal, other: Decimal) -> bool:
    """Say whether a limit allows more than another one; 0 allows everything.

    >>> is_above(Decimal(6), Decimal(5)), is_above(Decimal(5), Decimal(5))
    (True, False)
    >>> is_above(Decimal(0), Decimal(5)), is_above(Decimal(5), Decimal(0))
    (True, False)
    """
    return bool(other) and (not limit or limit > other)


def needs_four_eyes(limit: Decimal, threshold: Decimal) -> bool:
    """Say whether a limit needs a second person.

    :param threshold: above it two people decide; 0: one is always enough

    >>> needs_four_eyes(Decimal(5001), Decimal(5000))
    True
    >>> needs_four_eyes(Decimal(5000), Decimal(5000))
    False
    >>> needs_four_eyes(Decimal(0), Decimal(5000))
    True
    >>> needs_four_eyes(Decimal(0), Decimal(0))
    False
    """
    return is_above(limit, threshold)


# === WHAT HOLDS === #


def find_holding(for_good: Decimal, temporary: Sequence[Decimal]) -> Decimal:
    """Return the limit that holds.

    :param for_good: what holds without any temporary one
    :param temporary: those in force, in the order in which they began

    >>> find_holding(Decimal(10), []), find_holding(Decimal(10), [Decimal(7)])
    (Decimal('10'), Decimal('7'))
    """
    return temporary[-1] if temporary else for_good


def find_review_date(decided: date, days: int) -> date | None:
    """Return the day on which a limit is looked at again; none where nobody has to.

    >>> find_review_date(date(2026, 5, 13), 30)
    datetime.date(2026, 6, 12)
    >>> find_review_date(date(2026, 5, 13), 0) is None
    True
    """
    return decided + timedelta(days=days) if days > 0 else None


# === WHAT A POLICY APPLIES BY ITSELF === #

# A limit that would move by less than this share stays as it is.
LEAST_CHANGE = Decimal("0.1")


def find_automatic(
    suggested: Decimal, current: Decimal, cap: Decimal
) -> Decimal | None:
    """Return the limit that a policy sets without a person; none to leave it.

    A suggestion of nothing is left to a person: 0 would mean no limit.

    :param cap: the most that is set without a person; 0: nothing is

    >>> find_automatic(Decimal(9000), Decimal(0), Decimal(5000))
    Decimal('5000')
    >>> find_automatic(Decimal(3000), Decimal(2900), Decimal(5000)) is None
    True
    >>> find_automatic(Decimal(0), Decimal(2900), Decimal(5000)) is None
    True
    >>> find_automatic(Decimal(3000), Decimal(0), Decimal(0)) is None
    True
    """
    limit = min(suggested, cap)
    if limit <= 0 or limit == current:
        return None
    if current and abs(limit - current) < current * LEAST_CHANGE:
        return None
    return limit


# === WHAT IS SUGGESTED === #

NEED = "need"
PEAK = "peak"
NET_WORTH = "net_worth"
WORKING_CAPITAL = "working_capital"
BUREAU = "bureau"

# How much of what was reckoned a class of the score gets.
CLASS_FACTORS = {
    "A": Decimal(1),
    "B": Decimal(1),
    "C": Decimal("0.75"),
    "D": Decimal("0.5"),
    "E": Decimal(0),
    # Without a score: caution, but a beginning.
    None: Decimal("0.5"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a limit is reckoned from; none where it is not known.

    :param annual_sales: of the last 365 days, tax included
    :param peak_sales: of the largest of the last twelve months, tax included
    :param terms_days: days of the customer's payment term
    :param days_late: mean days late, weighted by amount; early payers count as 0
    :param tangible_equity: own funds without what cannot be sold
    :param working_capital: current assets less current liabilities
    :param bureau_limit: what a bureau or insurer recommends
    """

    annual_sales: Decimal | None = None
    peak_sales: Decimal | None = None
    terms_days: int = 0
    days_late: Decimal = Decimal(0)
    tangible_equity: Decimal | None = None
    working_capital: Decimal | None = None
    bureau_limit: Decimal | None = None
    risk_class: str | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reckon, and what it comes to."""

    code: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The limit suggested: the smallest of the ways, times the factor, rounded down.

    :param bound: what the ways come to, before the factor
    """

    ways: tuple[Way, ...]
    bound: Decimal
    factor: Decimal
    amount: Decimal


def compute_days_late(items: Iterable[PaidItem], today: date) -> Decimal:
    """Return the mean days late, by amount; who pays early counts as on time.

    >>> item = PaidItem(Decimal(300), date(2026, 5, 1), date(2026, 5, 11))
    >>> early = PaidItem(Decimal(100), date(2026, 5, 1), date(2026, 4, 1))
    >>> compute_days_late([item, early], date(2026, 5, 13))
    Decimal('7.5')
    >>> compute_days_late([], date(2026, 5, 13))
    Decimal('0')
    """
    total = weighted = Decimal(0)
    for item in items:
        total += item.amount
        weighted += item.amount * max(item.find_days_late(today), 0)
    return weighted / total if total else Decimal(0)


def suggest_limit(figures: Figures, step: Decimal = Decimal(100)) -> Suggestion | None:
    """Reckon a limit in every way there are figures for; none without any.

    Need and peak say what the customer uses: the larger of them, as a limit below the
    busiest month would stop good orders. The others say what the customer can bear.

    :param step: the limit is rounded down to a multiple of it

    >>> known = Figures(annual_sales=Decimal(73000), terms_days=30, risk_class="B")
    >>> int(suggest_limit(known).amount)
    6000
    >>> known = Figures(annual_sales=Decimal(73000), terms_days=30, risk_class="D",
    ...                 bureau_limit=Decimal(5000))
    >>> suggestion = suggest_limit(known)
    >>> int(suggestion.amount), [(way.code, int(way.amount)) for way in suggestion.ways]
    (2500, [('need', 6000), ('bureau', 5000)])
    >>> suggest_limit(Figures()) is None
    True
    """
    days = figures.terms_days + max(figures.days_late, Decimal(0))
    use = []
    if figures.annual_sales is not None:
        use.append(Way(NEED, figures.annual_sales * days / 365))
    if figures.peak_sales is not None:
        use.append(Way(PEAK, figures.peak_sales * days / 30))
    bear = []
    if figures.tangible_equity is not None:
        bear.append(Way(NET_WORTH, figures.tangible_equity / 10))
    if figures.working_capital is not None:
        bear.append(Way(WORKING_CAPITAL, figures.working_capital / 5))
    if figures.bureau_limit is not None:
        bear.append(Way(BUREAU, figures.bureau_limit))
    if not use and not bear:
        return None
    bounds = [way.amount for way in bear]
    if use:
        bounds.append(max(way.amount for way in use))
    factor = CLASS_FACTORS[figures.risk_class]
    bound = max(min(bounds), Decimal(0))
    amount = (bound * factor / step).quantize(Decimal(1), ROUND_DOWN) * step
    return Suggestion(tuple(use + bear), bound, factor, amount)
