"""What is really open on an item: its residual less the money that is under way.

Odoo keeps a receivable line open while a payment has no journal entry yet (a payment
method without outstanding account, a portal payment that is not post-processed), and
may even call the invoice *paid* for a payment of any amount. Chasing on the residual
alone would chase people who paid; trusting the state alone would forgive a payment of
10 on an invoice of 1000.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A receivable line that money under way can settle.

    :param residual: still open in the ledger, in the currency of the document
    """

    ref: Hashable
    document: Hashable
    due_date: date | None
    residual: Decimal


@dataclass(frozen=True, slots=True)
class PaymentUnderWay:
    """Money promised by the host that the ledger does not know yet.

    :param documents: the invoices it is meant for
    :param amount: in the currency of those documents, positive
    """

    documents: tuple
    amount: Decimal


def spread_payments(
    lines: Iterable[OpenLine], payments: Iterable[PaymentUnderWay]
) -> dict[Hashable, Decimal]:
    """Spread money under way over the lines it will settle, oldest due date first.

    This is the order in which the host reconciles. Nothing is spread beyond the
    residual of a line: what is left over stays with the payment. Payments meant for
    fewer invoices come first, as they have nowhere else to go.

    :return: amount under way per line; lines without any are not in the result

    >>> first = OpenLine(1, "INV/1", date(2026, 1, 31), Decimal(100))
    >>> second = OpenLine(2, "INV/1", date(2026, 2, 28), Decimal(100))
    >>> spread_payments([second, first], [PaymentUnderWay(("INV/1",), Decimal(130))])
    {1: Decimal('100'), 2: Decimal('30')}
    >>> spread_payments([first], [PaymentUnderWay(("INV/9",), Decimal(130))])
    {}
    >>> spread_payments([first], [PaymentUnderWay(("INV/1",), Decimal(130))])
    {1: Decimal('100')}
    """
    by_document: dict[Hashable, list[OpenLine]] = {}
    for line in lines:
        by_document.setdefault(line.document, []).append(line)
    spread: dict[Hashable, Decimal] = {}
    for payment in sorted(payments, key=lambda payment: len(set(payment.documents))):
        candidates = [
            line
            for document in dict.fromkeys(payment.documents)
            for line in by_document.get(document, ())
        ]
        candidates.sort(key=lambda line: (line.due_date or date.max, str(line.ref)))
        left = payment.amount
        for line in candidates:
            taken = min(left, line.residual - spread.get(line.ref, ZERO))
            if taken > 0:
                spread[line.ref] = spread.get(line.ref, ZERO) + taken
                left -= taken
    return spread
