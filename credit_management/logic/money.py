"""The border between the floats of the host and the decimals of the rules."""

from decimal import Decimal


def to_decimal(value: float | str | None) -> Decimal:
    """Return the amount as people read it; nothing is rounded.

    A float becomes the shortest decimal that stands for it, so that 0.1 is 0.1.

    >>> to_decimal(0.1) + to_decimal(0.2)
    Decimal('0.3')
    >>> to_decimal("12.50"), to_decimal(None)
    (Decimal('12.50'), Decimal('0'))
    """
    return Decimal(str(value or 0))
