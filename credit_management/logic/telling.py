"""What a customer may be told of why no reminder goes.

The rule gives one reason for each item that is left alone. Most of them are matters of
the house: flags, minimum amounts, runs under review. The few that the customer brought
about, agreed to or can see anyway are told; never who decided, and never why.
"""

from datetime import date

from . import dunning

# What holds for the customer, in the order in which it is said.
OF_CUSTOMER = (
    dunning.PAUSED,
    dunning.PAYMENT_UNDER_WAY,
    dunning.RECEIPT_UNMATCHED,
    dunning.NET_CREDIT,
    dunning.UNDELIVERABLE,
)
# What is said of the item itself.
OF_ITEM = (
    dunning.EXCLUDED,
    dunning.DISPUTED,
    dunning.DISPUTE_ANSWERED,
    dunning.PROMISED,
    dunning.PLANNED,
)


def find_customer_stops(customer, decision, today: date) -> tuple:
    """Return what stops reminders to the customer: pairs (reason, last day or None).

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> policy = dunning.Policy(levels=(dunning.Level("first", 3),))
    >>> def tell(*withheld, **facts):
    ...     item = dunning.OpenItem(1, date(2026, 5, 1), Decimal(100), "EUR", **facts)
    ...     azure = dunning.Customer("Azure", items=(item,), withheld=withheld)
    ...     today = date(2026, 5, 13)
    ...     return find_customer_stops(
    ...         azure, dunning.decide(azure, policy, today), today
    ...     )
    >>> tell()
    ()
    >>> tell(dunning.Withheld("paused", until=date(2026, 5, 20)))
    (('paused', datetime.date(2026, 5, 20)),)
    >>> tell(under_way=Decimal(100))
    (('payment_under_way', None),)

    What is the house's own is not told:

    >>> tell(withheld=(dunning.Withheld("no_followup"),))
    ()
    """
    found = {outcome.reason for outcome in decision.outcomes}
    return tuple(
        (reason, _last_day(customer.withheld, reason, today))
        for reason in OF_CUSTOMER
        if reason in found
    )


def find_item_stops(decision, today: date) -> dict:
    """Return what stops reminders about single items: ref -> (reason, last day).

    >>> from datetime import date
    >>> from decimal import Decimal
    >>> policy = dunning.Policy(levels=(dunning.Level("first", 3),))
    >>> held = (dunning.Withheld("excluded", until=date(2026, 5, 20)),)
    >>> items = tuple(
    ...     dunning.OpenItem(ref, date(2026, 5, 1), Decimal(100), "EUR", withheld=why)
    ...     for ref, why in ((1, held), (2, ()))
    ... )
    >>> today = date(2026, 5, 13)
    >>> azure = dunning.Customer("Azure", items=items)
    >>> find_item_stops(dunning.decide(azure, policy, today), today)
    {1: ('excluded', datetime.date(2026, 5, 20))}
    """
    return {
        outcome.item.ref: (
            outcome.reason,
            _last_day(outcome.item.withheld, outcome.reason, today),
        )
        for outcome in decision.outcomes
        if outcome.reason in OF_ITEM
    }


def _last_day(withheld, reason, today):
    """Return the day until which a reason holds; ``None`` where nobody knows."""
    days = [
        held.until
        for held in withheld
        if held.reason == reason and held.holds_on(today)
    ]
    return max(days) if days and all(days) else None
