"""What is always so of a payment plan, whatever happens in the books."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import instalments, plan
from credit_management.logic.workdays import WorkCalendar

DAY = date(2026, 5, 20)
CENT = Decimal("0.01")


@st.composite
def coverings(draw):
    """Return items of a plan with anything that may have happened to them."""
    opening = draw(st.integers(1, 10**6)) * CENT
    amounts = st.integers(-100, 2 * 10**6).map(lambda cents: cents * CENT)
    return instalments.Covered(opening, *(draw(amounts) for _ in range(3)))


@st.composite
def plans(draw):
    """Return parts, the account of the plan, and a day to look at them."""
    items = draw(st.lists(coverings(), min_size=1, max_size=5))
    account = instalments.take_account(items)
    steps = int(account.opening / CENT)
    count = draw(st.integers(1, min(12, steps)))
    days = instalments.find_days(DAY, count, instalments.MONTHLY)
    parts = instalments.make_plan(account.opening, days, CENT)
    return parts, account, items, DAY + timedelta(days=draw(st.integers(-40, 500)))


@given(plans())
def test_the_sums_of_a_plan_are_those_of_the_ledger(made):
    parts, account, items, today = made
    standings = instalments.settle_parts(parts, account, today)
    assert account.opening == (
        account.paid + account.credited + account.disputed + account.remaining
    )
    owed = sum(min(max(item.residual, 0), item.opening) for item in items)
    assert account.remaining + account.disputed == owed
    assert sum(each.remaining for each in standings) == account.remaining
    assert sum(each.paid for each in standings) == account.paid
    assert len(standings) == len(parts)
    assert all(0 <= each.paid <= each.instalment.amount for each in standings)
    assert min(account.paid, account.credited, account.disputed) >= 0


@given(plans(), st.integers(0, 30))
def test_older_parts_are_paid_first_and_later_ones_dropped_first(made, grace):
    parts, account, _items, today = made
    states = [
        each.state for each in instalments.settle_parts(parts, account, today, grace)
    ]
    order = {"paid": 0, "late": 1, "open": 2, "dropped": 3}
    assert states == sorted(states, key=order.get)


@given(plans(), st.integers(0, 30))
def test_nothing_is_broken_without_a_warning_whose_day_has_passed(made, grace):
    parts, account, _items, today = made
    standings = instalments.settle_parts(parts, account, today)
    for until in (None, today, today + timedelta(days=1)):
        facts = plan.Facts(account, standings, warned_until=until)
        assert plan.decide(facts, today, grace) != plan.BREAK


@given(plans(), st.integers(0, 30))
def test_money_under_way_for_all_of_it_warns_of_nothing(made, grace):
    parts, account, _items, today = made
    standings = instalments.settle_parts(parts, account, today)
    facts = plan.Facts(account, standings, under_way=account.remaining)
    assert plan.decide(facts, today, grace) not in (plan.WARN, plan.BREAK)


def test_what_ended_moves_nowhere_but_where_the_ledger_takes_it():
    ways = {
        state: {target for target in plan.SOURCES if plan.may_move(state, target)}
        for state in plan.CLOSED_STATES
    }
    assert ways == {
        plan.KEPT: {plan.ACTIVE},
        plan.BROKEN: {plan.ACTIVE},
        plan.REFUSED: set(),
        plan.CANCELLED: set(),
    }


@given(
    st.integers(1, 10**7).map(lambda cents: cents * CENT),
    st.integers(1, 60),
    st.sampled_from([CENT, Decimal(1), Decimal(10)]),
    st.sampled_from(instalments.RHYTHMS),
    st.integers(0, 31),
)
def test_a_wish_is_a_plan_that_adds_up_or_none(total, count, step, rhythm, pay_day):
    try:
        parts = instalments.design(
            total,
            first=DAY,
            rhythm=rhythm,
            step=step,
            count=count,
            pay_day=pay_day or None,
        )
    except instalments.UnsuitablePlan:
        assert int(total / step) < count
        return
    assert sum(part.amount for part in parts) == total
    assert all(part.amount > 0 for part in parts)


# === THE NEAREST PLAN THAT AN OFFER HAS === #


@st.composite
def wishes(draw):
    """Return an offer, an amount, a wish, and the day and calendar it is asked on."""
    today = DAY + timedelta(days=draw(st.integers(0, 400)))
    offer = plan.Offer(
        Decimal(0),
        Decimal(0),
        most_parts=draw(st.integers(2, 12)),
        longest_days=draw(st.integers(1, 400)),
        first_now=draw(st.booleans()),
    )
    wish = plan.Wish(
        draw(st.integers(2, 12)),
        today + timedelta(days=draw(st.integers(0, 20))),
        draw(st.sampled_from(instalments.RHYTHMS)),
        draw(st.sampled_from([None, 1, 15, 31])),
    )
    total = draw(st.integers(1, 10**6)) * CENT
    calendar = draw(st.sampled_from([None, WorkCalendar()]))
    return offer, total, wish, today, calendar


def _fits(offer, parts, today, calendar):
    first_day = calendar.next_working_day(today) if calendar else today
    days = [part.day for part in parts]
    return plan.fits(offer, Decimal(1), days, today, first_day, 0)


def _design(total, wish, calendar):
    return instalments.design(
        total,
        first=wish.first,
        rhythm=wish.rhythm,
        count=wish.count,
        pay_day=wish.pay_day,
        step=CENT,
        calendar=calendar,
    )


@given(wishes())
def test_the_nearest_plan_is_within_the_offer_and_adds_up(asked):
    offer, total, wish, today, calendar = asked
    found = plan.find_nearest(offer, total, wish, today, step=CENT, calendar=calendar)
    if not found:
        return
    nearest, parts = found
    assert _fits(offer, parts, today, calendar)
    assert parts == _design(total, nearest, calendar), "made anew it is the same"
    assert sum(part.amount for part in parts) == total
    assert 2 <= len(parts) <= wish.count
    assert nearest.first <= max(wish.first, parts[0].day)


@given(wishes())
def test_a_wish_within_the_offer_stays_as_it_is(asked):
    offer, total, wish, today, calendar = asked
    try:
        parts = _design(total, wish, calendar)
    except instalments.UnsuitablePlan:
        return
    found = plan.find_nearest(offer, total, wish, today, step=CENT, calendar=calendar)
    if _fits(offer, parts, today, calendar):
        assert found == (wish, parts)
    else:
        assert not found or found[0] != wish


@given(wishes())
def test_where_two_parts_at_once_would_do_something_is_found(asked):
    offer, total, wish, today, calendar = asked
    found = plan.find_nearest(offer, total, wish, today, step=CENT, calendar=calendar)
    week = plan.Wish(2, today, instalments.WEEKLY)
    month = plan.Wish(2, today, instalments.MONTHLY)
    fitting = {
        each.rhythm
        for each in (week, month)
        if total >= 2 * CENT
        and _fits(offer, _design(total, each, calendar), today, calendar)
    }
    if fitting:
        assert found
    if wish.rhythm in fitting:
        assert found[0].rhythm == wish.rhythm, "the rhythm is kept if it can be"


def test_what_is_changed_is_as_little_as_possible():
    def say(offer, *wish):
        wish, parts = plan.find_nearest(
            offer, Decimal(600), plan.Wish(*wish), DAY, step=CENT
        )
        return wish.rhythm, len(parts), str(parts[0].day), str(parts[-1].day)

    def make(most, longest, first_now=False):
        return plan.Offer(Decimal(0), Decimal(0), most, longest, first_now=first_now)

    # Fewer parts: the day stays.
    assert say(make(3, 90), 6, date(2026, 5, 30), "monthly") == (
        ("monthly", 3, "2026-05-30", "2026-07-30")
    )
    # At once: the others keep the day of the month.
    assert say(make(6, 90, True), 3, date(2026, 5, 30), "monthly") == (
        ("monthly", 3, "2026-05-20", "2026-07-30")
    )
    # Twice in a week is not by the month: then the day of the month moves.
    assert say(make(3, 90, True), 6, date(2026, 6, 3), "monthly") == (
        ("monthly", 3, "2026-05-20", "2026-07-20")
    )
    # So short a run: the first part comes sooner, but no sooner than it has to.
    assert say(make(6, 28), 2, date(2026, 6, 5), "fortnightly") == (
        ("fortnightly", 2, "2026-06-03", "2026-06-17")
    )
    # Shorter yet: another rhythm.
    assert say(make(6, 8), 2, date(2026, 5, 20), "monthly") == (
        ("weekly", 2, "2026-05-20", "2026-05-27")
    )
