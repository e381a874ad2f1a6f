"""Automatic collection: when a part of a plan is charged, and when never again.

A part is charged on its day, with what is open of it at that moment. A charge that
failed is tried again some days later; one that cannot succeed, or that came back after
it had succeeded, never. As long as the fate of a charge is not known there is no other
one, so that nothing is charged twice whatever breaks down in between.

Days are those of the company, money is ``Decimal`` in the currency of the plan.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

SENDING, PENDING, DONE = "sending", "pending", "done"
FAILED, REFUSED, UNKNOWN = "failed", "refused", "unknown"

# While one of these stands nobody knows yet whether it was paid.
OPEN_STATES = (SENDING, PENDING, UNKNOWN)

NOTHING, CHARGE, GIVE_UP = "nothing", "charge", "give_up"

# So many days after a charge that failed it is tried again. Far below what card schemes
# allow (Visa: 15 tries in 30 days): many tries annoy, and cost a fee each.
RETRY_DAYS = (3, 5)

# A refusal that no later try can turn: words for the response codes 04, 07, 14, 41, 43,
# 46, 54 and 57 of ISO 8583; of direct debits AC01, AC04, AC06, AG01, MD01 and MD07 of
# the external code sets of ISO 20022.
FINAL_WORDS = re.compile(
    r"""
    \b(
        expired | lost | stolen | pick[ -]?up | closed | revoked | blocked | deceased
      | invalid\ (card|account|iban|number) | no\ such\ (card|issuer|account)
      | not\ (permitted|allowed) | no\ (valid\ )?mandate
      | (AC0[146]|AG01|MD0[17])
    )\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge of a part that was begun."""

    day: date
    state: str


def is_final(message: str) -> bool:
    """Say whether a provider's words mean that a later try cannot succeed.

    Providers have codes of their own; the host keeps their words. Words that are not
    known are taken for a refusal that may pass, and tries are few.

    >>> is_final("Your card has expired."), is_final("Insufficient funds.")
    (True, False)
    >>> is_final("Rejected: AC04 ClosedAccountNumber"), is_final("")
    (True, False)
    """
    return bool(FINAL_WORDS.search(message or ""))


def find_fate(state: str, message: str) -> str | None:
    """Return what became of a charge, from the host's state of its transaction.

    :return: None while the provider has said nothing

    >>> find_fate("draft", ""), find_fate("authorized", ""), find_fate("done", "")
    (None, 'pending', 'done')
    >>> find_fate("error", "Insufficient funds."), find_fate("error", "Card expired")
    ('failed', 'refused')
    >>> find_fate("cancel", "")
    'refused'
    """
    if state == "error":
        return REFUSED if is_final(message) else FAILED
    return {
        "pending": PENDING,
        "authorized": PENDING,
        "done": DONE,
        "cancel": REFUSED,
    }.get(state)


def decide_charge(
    due: Decimal,
    day: date,
    charges: Sequence[Charge],
    today: date,
    retry_days: Sequence[int] = RETRY_DAYS,
) -> str:
    """Say whether a part is charged today.

    :param due: what is open of the part and not under way
    :param day: when the part falls due
    :param charges: those of this part, the oldest first
    :return: NOTHING, CHARGE, or GIVE_UP where a person must see to it

    On its day, not before, and only what is open:

    >>> may = date(2026, 5, 1)
    >>> on = lambda number, *charges: decide_charge(
    ...     Decimal(100), may, charges, date(2026, 5, number))
    >>> decide_charge(Decimal(100), may, (), date(2026, 4, 30)), on(1), on(9)
    ('nothing', 'charge', 'charge')
    >>> decide_charge(Decimal(0), may, (), may)
    'nothing'

    Again 3 days after it failed, once more 5 days later, then no more:

    >>> first, second, third = (Charge(date(2026, 5, n), FAILED) for n in (1, 4, 9))
    >>> on(3, first), on(4, first), on(8, first, second), on(9, first, second)
    ('nothing', 'charge', 'nothing', 'charge')
    >>> on(30, first, second, third)
    'give_up'

    Never while one is under way, and never after one that cannot succeed, or that had
    succeeded and came back:

    >>> on(30, Charge(may, UNKNOWN)), on(30, Charge(may, PENDING))
    ('nothing', 'nothing')
    >>> on(30, Charge(may, REFUSED)), on(30, Charge(may, DONE))
    ('give_up', 'give_up')
    """
    if due <= 0 or today < day:
        return NOTHING
    if any(charge.state in OPEN_STATES for charge in charges):
        return NOTHING
    if any(charge.state in (REFUSED, DONE) for charge in charges):
        return GIVE_UP
    if not charges:
        return CHARGE
    if len(charges) > len(retry_days):
        return GIVE_UP
    again = charges[-1].day + timedelta(days=retry_days[len(charges) - 1])
    return CHARGE if today >= again else NOTHING
