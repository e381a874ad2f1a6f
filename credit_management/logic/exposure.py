"""What a customer owes and may come to owe, part by part.

Amounts are decimals in the currency of the company, above zero what makes the customer
owe more. The parts add up to the total, and each part opens to its documents, so a
total can be checked by hand. Definition: receivables, drafts, deliveries and orders,
less what is paid in advance, less credits nobody has applied, less what an insurer or
guarantor bears (SAP and Dynamics 365 count the same).
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal

ZERO = Decimal(0)

# The parts, in the order in which they are shown.
RECEIVABLES = "receivables"
CREDITS = "credits"
IN_PROCESS = "in_process"
DRAFTS = "drafts"
DELIVERED = "delivered"
ORDERED = "ordered"
DEPOSITS = "deposits"
COVER = "cover"
PARTS = (
    RECEIVABLES,
    CREDITS,
    IN_PROCESS,
    DRAFTS,
    DELIVERED,
    ORDERED,
    DEPOSITS,
    COVER,
)

# An insurer bears what was invoiced: goods on order are not a debt yet.
INSURABLE = (RECEIVABLES, CREDITS, IN_PROCESS)


@dataclass(frozen=True, slots=True)
class Part:
    """One document's share of the exposure.

    :param document: what it is, for whoever wants to open it
    """

    kind: str
    amount: Decimal
    document: Hashable = None


@dataclass(frozen=True, slots=True)
class Cover:
    """What somebody else bears if the customer does not pay.

    :param limit: the most they bear
    :param share: of a debt, between 0 and 1; the rest is the company's own risk
    :param until: last day of it, none when it has no end
    """

    limit: Decimal
    share: Decimal = Decimal(1)
    since: date | None = None
    until: date | None = None
    document: Hashable = None

    def is_in_force(self, day: date) -> bool:
        """Whether it counts on a day."""
        return (not self.since or self.since <= day) and (
            not self.until or day <= self.until
        )


@dataclass(frozen=True, slots=True)
class Exposure:
    """The parts and what they add up to."""

    parts: tuple[Part, ...] = ()

    @property
    def total(self) -> Decimal:
        """What is at risk; below zero where we owe the customer."""
        return sum((part.amount for part in self.parts), ZERO)

    def get_amount(self, *kinds: str) -> Decimal:
        """Return the sum of some kinds of parts."""
        return sum((part.amount for part in self.parts if part.kind in kinds), ZERO)

    def list_amounts(self) -> dict[str, Decimal]:
        """Return the sum of each kind that has a part, in the order shown."""
        present = {part.kind for part in self.parts}
        return {kind: self.get_amount(kind) for kind in PARTS if kind in present}


def compute_exposure(
    parts: Iterable[Part],
    covers: Iterable[Cover] = (),
    day: date = date.min,
    rounding: Decimal = Decimal("0.01"),
) -> Exposure:
    """Add up the parts of one customer, less what others bear of its invoices.

    Each cover bears its share of what is invoiced and not borne by one before it, up to
    its limit. None bears more than there is, so it never makes up for other parts: a
    floor of zero for each, and none for the total.

    :param rounding: of the currency; what is borne is rounded down

    >>> owed = [Part(RECEIVABLES, Decimal(1000)), Part(ORDERED, Decimal(500))]
    >>> compute_exposure(owed).total
    Decimal('1500')
    >>> insured = Cover(Decimal(5000), share=Decimal("0.9"))
    >>> compute_exposure(owed, [insured]).list_amounts()[COVER]
    Decimal('-900.00')
    >>> compute_exposure(owed, [Cover(Decimal(300))]).total
    Decimal('1200.00')
    >>> ended = Cover(Decimal(5000), until=date(2026, 1, 31))
    >>> compute_exposure(owed, [ended], date(2026, 2, 1)).total
    Decimal('1500')
    >>> compute_exposure([Part(CREDITS, Decimal(-50))], [insured]).total
    Decimal('-50')
    """
    parts = tuple(parts)
    left = sum((part.amount for part in parts if part.kind in INSURABLE), ZERO)
    borne = []
    for cover in covers:
        if not cover.is_in_force(day) or left <= 0:
            continue
        amount = min(cover.limit, left * cover.share)
        amount = (amount / rounding).quantize(Decimal(1), ROUND_DOWN) * rounding
        if amount > 0:
            left -= amount
            borne.append(Part(COVER, -amount, cover.document))
    return Exposure(parts + tuple(borne))


def find_exceeded(
    limits: Iterable[tuple[Hashable, Decimal | None, Decimal]],
) -> Hashable | None:
    """Return the first limit that is exceeded, or None.

    :param limits: (which, limit or None, exposure), the widest first: what a group may
        owe comes before what its customer may

    >>> own = ("customer", Decimal(100), Decimal(150))
    >>> find_exceeded([("group", Decimal(900), Decimal(901)), own])
    'group'
    >>> find_exceeded([("group", Decimal(900), Decimal(900)), own])
    'customer'
    >>> find_exceeded([("group", None, Decimal(10**9))]) is None
    True
    """
    for which, limit, exposed in limits:
        if limit is not None and exposed > limit:
            return which
    return None


def compute_available(limit: Decimal | None, exposure: Decimal) -> Decimal | None:
    """Return what may still be sold on credit; below zero when it is too much already.

    Nothing is returned where there is no limit.

    >>> compute_available(Decimal(1000), Decimal(1200))
    Decimal('-200')
    >>> compute_available(None, Decimal(1200)) is None
    True
    """
    return None if limit is None else limit - exposure


def compute_utilisation(limit: Decimal | None, exposure: Decimal) -> Decimal | None:
    """Return the share of the limit that is used, in percent, without rounding.

    Where anything is owed against a limit of zero it is infinite: no percentage is
    large enough to be above each threshold.

    >>> compute_utilisation(Decimal(1000), Decimal(800))
    Decimal('80')
    >>> compute_utilisation(Decimal(0), Decimal(1))
    Decimal('Infinity')
    >>> compute_utilisation(Decimal(0), Decimal(0))
    Decimal('0')
    >>> compute_utilisation(Decimal(1000), Decimal(-5))
    Decimal('0')
    """
    if limit is None:
        return None
    if exposure <= 0:
        return ZERO
    if limit <= 0:
        return Decimal("Infinity")
    return (exposure * 100 / limit).normalize() + ZERO
