"""What is always so of disputes, whatever is disputed, paid and credited."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import dispute, dunning
from credit_management.logic.workdays import WorkCalendar

from .builders import TODAY, days, decide_one, make_item

CENT = Decimal("0.01")
cents = st.integers(0, 100_000).map(lambda count: count * CENT)
positive = st.integers(1, 100_000).map(lambda count: count * CENT)
states = st.sampled_from(dispute.OPEN_STATES + dispute.CLOSED_STATES)
some_days = st.none() | st.integers(-5, 30).map(lambda count: TODAY + days(count))
claims = st.builds(
    dispute.Claim,
    state=states,
    amount=positive,
    accepted=cents,
    unconfirmed=st.booleans(),
    answer_by=some_days,
    pay_by=some_days,
)


# === MOVES === #


def test_every_open_case_may_be_settled_and_no_settled_one_moves():
    for state in dispute.OPEN_STATES:
        for target in dispute.CLOSED_STATES:
            assert dispute.may_move(state, target)
    for state in dispute.CLOSED_STATES:
        for target in (*dispute.OPEN_STATES, *dispute.CLOSED_STATES):
            assert not dispute.may_move(state, target)


def test_an_unknown_state_moves_nowhere():
    assert not dispute.may_move("of another module", "accepted")


# === WHAT IT HOLDS === #


@given(claims)
def test_a_case_never_holds_more_than_is_disputed(claim):
    held = dispute.find_hold(claim, TODAY)
    assert held is None or 0 < held.amount <= claim.amount
    assert held is None or held.holds_on(TODAY)


@given(claims)
def test_what_was_accepted_or_withdrawn_without_a_new_day_holds_nothing(claim):
    held = dispute.find_hold(claim, TODAY)
    if claim.state in dispute.CLOSED_STATES and held:
        assert held.reason == dunning.DISPUTE_ANSWERED
        assert held.until == claim.pay_by >= TODAY
        assert held.amount == claim.amount - claim.accepted


@given(claims, st.integers(1, 400))
def test_nothing_that_waits_for_the_customer_or_is_settled_holds_for_ever(claim, later):
    if claim.state == dispute.WAITING and claim.answer_by is None:
        return
    if claim.state in (dispute.NEW, dispute.IN_PROGRESS):
        return
    assert dispute.find_hold(claim, TODAY + days(31 + later)) is None


@given(claims)
def test_what_is_not_confirmed_holds_nothing_while_it_is_open(claim):
    if claim.unconfirmed and claim.state in dispute.OPEN_STATES:
        assert dispute.find_hold(claim, TODAY) is None


@given(positive, st.lists(cents, min_size=1, max_size=5))
def test_spread_gives_each_item_at_most_what_it_has_and_all_that_fits(amount, free):
    parts = dispute.spread(amount, list(enumerate(free)))
    assert all(0 < part <= free[ref] for ref, part in parts.items())
    assert sum(parts.values(), Decimal(0)) == min(amount, sum(free, Decimal(0)))


@given(positive, st.lists(cents, min_size=1, max_size=5))
def test_spread_begins_with_the_oldest(amount, free):
    parts = dispute.spread(amount, list(enumerate(free)))
    full = [parts.get(ref, 0) == free[ref] for ref in range(len(free))]
    if False in full:
        after = full.index(False) + 1
        assert all(parts.get(ref, 0) == 0 for ref in range(after, len(free)))


@given(claims, positive)
def test_the_rule_of_dunning_claims_what_no_case_holds(claim, residual):
    held = dispute.find_hold(claim, TODAY)
    item = make_item(residual=residual, withheld=(held,) if held else ())
    outcome = decide_one(item)
    if held and held.amount >= residual:
        assert outcome.reason == held.reason
    else:
        assert outcome.is_chased
        assert outcome.amount == residual - (held.amount if held else 0)


@given(claims, positive)
def test_what_is_settled_comes_back_the_day_after_its_new_day_to_pay(claim, residual):
    held = dispute.find_hold(claim, TODAY)
    if held and held.until and held.amount >= residual:
        item = make_item(residual=residual, withheld=(held,))
        assert decide_one(item).next_date == held.until + days(1)


# === AGAIN AND AGAIN === #


@given(st.lists(st.tuples(st.integers(0, 3), states), max_size=8), st.integers(0, 3))
def test_a_customer_holds_by_himself_three_times_at_most(earlier, reason):
    cases = [dispute.Earlier(*case) for case in earlier]
    settled = [case for case in cases if case.state in dispute.CLOSED_STATES]
    needs = dispute.needs_confirmation(reason, cases, by_customer=True)
    assert needs or len(settled) < dispute.SETTLED_OFTEN
    assert needs or reason not in {case.reason for case in settled}
    assert not dispute.needs_confirmation(reason, cases, by_customer=False)


# === DEADLINE === #

calendars = st.builds(
    WorkCalendar,
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    holidays=st.frozensets(st.integers(0, 40).map(lambda n: TODAY + days(n))),
)


@given(calendars, st.integers(0, 20), st.integers(0, 20))
def test_a_deadline_leaves_the_working_days_of_the_reason(calendar, count, waited):
    deadline = dispute.find_deadline(TODAY, count, waited, calendar)
    assert dispute.count_working_days(TODAY, deadline, calendar) == count + waited


@given(calendars, st.integers(1, 20), st.integers(0, 30))
def test_waiting_takes_no_working_day_off_the_deadline(calendar, count, waited):
    """What is left of the working days is the same before and after."""
    start, end = TODAY, TODAY + timedelta(days=waited)
    passed = dispute.count_working_days(start, end, calendar)
    before = dispute.find_deadline(start, count, 0, calendar)
    after = dispute.find_deadline(start, count, passed, calendar)
    left = dispute.count_working_days(end, after, calendar)
    assert left == dispute.count_working_days(start, before, calendar)


@given(states, some_days)
def test_nobody_is_late_who_waits_or_has_answered(state, deadline):
    late = dispute.is_late(state, deadline, TODAY)
    assert not late or (state in ("new", "in_progress") and deadline < TODAY)


# === THE END === #


@given(positive, cents, cents)
def test_a_case_goes_on_while_the_disputed_rest_is_open(disputed, residual, credited):
    end = dispute.find_end(disputed, residual, credited)
    if residual > 0 and credited < disputed:
        assert end is None
    else:
        state, accepted = end
        assert accepted == min(credited, disputed) or accepted == credited
        assert (state == dispute.ACCEPTED) == (accepted > 0)


@given(cents, st.lists(cents, min_size=1, max_size=6))
def test_shares_add_up_to_the_cent_and_are_fair_to_the_cent(amount, weights):
    parts = dispute.share_out(amount, weights, CENT)
    total = sum(weights, Decimal(0))
    assert sum(parts, Decimal(0)) == amount
    assert all(part >= 0 for part in parts)
    if total:
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part - amount * weight / total) < CENT
            assert weight or not part


def test_a_manager_is_asked_above_the_limit_and_never_without_one():
    assert not dispute.must_be_approved(Decimal(100), Decimal(100))
    assert dispute.must_be_approved(Decimal("100.01"), Decimal(100))
    assert not dispute.must_be_approved(Decimal(10**9), Decimal(0))


def test_days_of_old_books_do_no_harm():
    calendar = WorkCalendar()
    assert dispute.find_deadline(date.max, 5, 0, calendar) == date.max
