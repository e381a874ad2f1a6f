"""A credit limit that may be suggested, with its arithmetic.

Several ways to reckon are used in practice; each that has its figures is shown, and the
smallest is suggested, times a factor for how the customer pays. Amounts are decimals in
the currency of the company. Nothing here applies a limit: a person does.
"""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

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
    """The limit suggested: the smallest of the ways, times the factor, rounded down."""

    ways: tuple[Way, ...]
    factor: Decimal
    amount: Decimal


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
    amount = max(min(bounds), Decimal(0)) * factor
    amount = (amount / step).quantize(Decimal(1), ROUND_DOWN) * step
    return Suggestion(tuple(use + bear), factor, amount)
