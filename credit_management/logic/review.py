"""What is odd about a proposed letter: the one rule of the flags in a review.

A person looks through a run in minutes when only what is odd asks for a look. The facts
are gathered in sets by ``credit.dunning.letter``; this rule decides, letter by letter.
"""

from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)

# === FLAGS === #

NO_ADDRESS = "no_address"
FAILED_BEFORE = "failed_before"
RECEIPT = "receipt"
LARGE = "large"
PARTLY_PAID = "partly_paid"
FIRST_CONTACT = "first_contact"

# The most pressing first: by the first one of a letter a review is grouped. That a
# customer never had a letter comes last: in the first run of a company all are so.
FLAGS = (NO_ADDRESS, FAILED_BEFORE, RECEIPT, LARGE, PARTLY_PAID, FIRST_CONTACT)


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """What is known of a letter and its customer when the letter is looked at.

    :param amount: what it claims, in the currency of the company
    :param threshold: from which amount on a claim is large, in the same currency; zero
        or less: none is
    :param receipt: money of the customer in the bank that nobody has matched
    :param has_address: whether it has an e-mail address to go to
    :param failed_before: whether mail to its contact failed or came back
    :param partly_paid: whether one of its items is paid in part
    :param wrote_before: whether the customer was ever sent a letter, tests aside
    """

    amount: Decimal = ZERO
    threshold: Decimal = ZERO
    receipt: Decimal = ZERO
    has_address: bool = True
    failed_before: bool = False
    partly_paid: bool = False
    wrote_before: bool = True


def find_flags(facts: LetterFacts) -> tuple[str, ...]:
    """Return what is odd about a letter, the most pressing first; empty: nothing.

    >>> find_flags(LetterFacts(amount=Decimal(90)))
    ()
    >>> find_flags(LetterFacts(Decimal(90), threshold=Decimal(90), wrote_before=False))
    ('large', 'first_contact')

    Without an address nothing can have come back; there is one thing to do:

    >>> find_flags(LetterFacts(has_address=False, failed_before=True))
    ('no_address',)
    """
    found = {
        NO_ADDRESS: not facts.has_address,
        FAILED_BEFORE: facts.failed_before and facts.has_address,
        RECEIPT: facts.receipt > 0,
        LARGE: 0 < facts.threshold <= facts.amount,
        PARTLY_PAID: facts.partly_paid,
        FIRST_CONTACT: not facts.wrote_before,
    }
    return tuple(flag for flag in FLAGS if found[flag])
