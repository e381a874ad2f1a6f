"""What is told to a customer of why no reminder goes, and what never is."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import dunning, telling

TODAY = date(2026, 5, 13)
POLICY = dunning.Policy(levels=(dunning.Level("first", 3),))
# A module may bring reasons that nobody here has heard of.
REASONS = (*dunning.REASONS, "insolvent", "something new")

withheld = st.builds(
    dunning.Withheld,
    reason=st.sampled_from(REASONS),
    until=st.none()
    | st.integers(-5, 60).map(lambda days: TODAY + timedelta(days=days)),
)


def tell(of_item, of_customer):
    item = dunning.OpenItem(
        1, TODAY - timedelta(days=30), Decimal(100), "EUR", withheld=tuple(of_item)
    )
    customer = dunning.Customer("Azure", items=(item,), withheld=tuple(of_customer))
    decision = dunning.decide(customer, POLICY, TODAY)
    return (
        decision.outcomes[0].reason,
        telling.find_customer_stops(customer, decision, TODAY),
        telling.find_item_stops(decision, TODAY),
    )


@given(st.lists(withheld, max_size=4), st.lists(withheld, max_size=4))
def test_what_is_not_on_the_lists_is_never_told(of_item, of_customer):
    _reason, stops, of_items = tell(of_item, of_customer)
    told = {reason for reason, _until in (*stops, *of_items.values())}
    assert told <= {*telling.OF_CUSTOMER, *telling.OF_ITEM}


@given(st.lists(withheld, max_size=4), st.lists(withheld, max_size=4))
def test_only_what_really_stops_the_item_is_told(of_item, of_customer):
    reason, stops, of_items = tell(of_item, of_customer)
    told = {told for told, _until in (*stops, *of_items.values())}
    assert told <= {reason}


@given(st.lists(withheld, min_size=1, max_size=4))
def test_the_last_day_is_told_only_where_all_of_them_have_one(of_item):
    _reason, _stops, of_items = tell(of_item, ())
    for reason, until in of_items.values():
        days = [
            held.until
            for held in of_item
            if held.reason == reason and held.holds_on(TODAY)
        ]
        assert until == (max(days) if all(days) else None)
