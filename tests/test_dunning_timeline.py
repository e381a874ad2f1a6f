"""What is always so over many days, with payments, new items and outages."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic.dunning import ZERO, Level, Policy, decide
from credit_management.logic.workdays import WorkCalendar

from .builders import (
    EUR,
    POLICY,
    TODAY,
    USD,
    days,
    make_credit,
    make_customer,
    make_item,
    message_key,
    send,
)
from .strategies import cases, policies

LAST_DAY = 60
NEVER = 1000
MAYBE_LATER = st.just(NEVER) | st.integers(0, LAST_DAY)


@dataclass(frozen=True)
class Story:
    """What happens to a customer day by day; day 0 is ``TODAY``.

    :param known_from: per item, the day on which it is entered; 0 where missing
    :param paid_from: per item, the day on which it is paid; never where missing
    :param outages: days on which nothing runs
    :param credit_from: day on which a credit note of 150 comes
    """

    policy: Policy
    items: tuple
    known_from: Mapping = field(default_factory=dict)
    paid_from: Mapping = field(default_factory=dict)
    outages: frozenset = frozenset()
    credit_from: int = NEVER

    def play(self, last_day=LAST_DAY):
        """Decide and send on each day; return the days with their decisions."""
        customer = make_customer(*self.items)
        played = []
        for day in sorted(set(range(last_day + 1)) - self.outages):
            today = TODAY + days(day)
            decision = decide(self._get_facts(customer, day), self.policy, today)
            customer = _keep(customer, send(customer, decision, today))
            played.append((today, decision))
        return played

    def _get_facts(self, customer, day):
        items = [
            replace(item, residual=ZERO)
            if self.paid_from.get(item.ref, NEVER) <= day
            else item
            for item in customer.items
            if self.known_from.get(item.ref, 0) <= day
        ]
        credits_ = (make_credit(150),) if self.credit_from <= day else ()
        return replace(customer, items=tuple(items), credits=credits_)


def _keep(before, after):
    """The customer after sending, with the items that are not entered yet."""
    known = {item.ref: item for item in after.items}
    items = tuple(known.get(item.ref, item) for item in before.items)
    return replace(after, items=items)


def chases_of(played):
    """Per item, its chases in order: (day, level, rank)."""
    chases = {}
    for today, decision in played:
        for outcome in decision.outcomes:
            if outcome.is_chased:
                step = (today, outcome.level, outcome.rank)
                chases.setdefault(outcome.item.ref, []).append(step)
    return chases


def dunnings_of(played):
    return {
        ref: [step for step in steps if not step[1].is_reminder]
        for ref, steps in chases_of(played).items()
    }


def message_days(played):
    return [today for today, decision in played if decision.messages]


def _make_story(policy, rows, outages, credit_from):
    items, known_from, paid_from = [], {}, {}
    for ref, (late, known, paid, contact, currency) in enumerate(rows, start=1):
        items.append(make_item(ref, late, contact=contact, currency=currency))
        known_from[ref], paid_from[ref] = known, paid
    down = {day for first, count in outages for day in range(first, first + count)}
    return Story(
        policy, tuple(items), known_from, paid_from, frozenset(down), credit_from
    )


def stories(paid=MAYBE_LATER, credit=MAYBE_LATER, **policy):
    """Stories of one to four items, with up to two outages of up to twenty days."""
    item = st.tuples(
        st.integers(-20, 10),
        st.integers(0, 20),
        paid,
        st.sampled_from(["office", "plant"]),
        st.sampled_from([EUR, EUR, USD]),
    )
    outage = st.tuples(st.integers(0, LAST_DAY), st.integers(1, 20))
    return st.builds(
        _make_story,
        policies(**policy),
        st.lists(item, min_size=1, max_size=4),
        st.lists(outage, max_size=2),
        credit,
    )


@given(stories())
def test_the_ranks_of_an_item_rise_one_by_one(story):
    for steps in dunnings_of(story.play()).values():
        assert [rank for _day, _level, rank in steps] == list(range(1, len(steps) + 1))


@given(stories())
def test_the_levels_of_an_item_come_in_the_order_of_the_policy(story):
    for steps in dunnings_of(story.play()).values():
        levels = tuple(level for _day, level, _rank in steps)
        assert levels == story.policy.dunning_levels[: len(levels)]


@given(stories())
def test_no_item_gets_two_chases_on_one_day(story):
    for steps in chases_of(story.play()).values():
        chase_days = [day for day, _level, _rank in steps]
        assert len(set(chase_days)) == len(chase_days)


@given(stories())
def test_no_item_is_given_the_same_notice_twice(story):
    for steps in chases_of(story.play()).values():
        levels = [level for _day, level, _rank in steps]
        assert len(set(levels)) == len(levels)


@given(stories())
def test_two_messages_are_never_closer_than_the_interval(story):
    interval = days(story.policy.min_interval_days)
    for before, after in pairwise(message_days(story.play())):
        assert after - before >= interval


@given(stories())
def test_each_level_keeps_its_days_from_the_level_before(story):
    for steps in dunnings_of(story.play()).values():
        for (before, _level, _rank), (after, level, _same) in pairwise(steps):
            assert after - before >= days(max(level.min_days_after_previous, 1))


@given(stories())
def test_a_day_brings_at_most_one_message_for_a_contact_and_currency(story):
    for _today, decision in story.play():
        keys = [message_key(message, story.policy) for message in decision.messages]
        assert len(set(keys)) == len(keys)


@given(stories())
def test_an_item_that_is_paid_is_never_chased_again(story):
    for ref, steps in chases_of(story.play()).items():
        for day, _level, _rank in steps:
            assert day < TODAY + days(story.paid_from[ref])


@given(
    stories(
        paid=st.just(NEVER),
        credit=st.just(NEVER),
        levels=POLICY.levels,
        minimum_amount=ZERO,
        calendar=WorkCalendar(),
    )
)
def test_in_the_end_each_unpaid_item_has_had_each_level_whatever_was_missed(story):
    dunnings = dunnings_of(story.play(last_day=150))
    for item in story.items:
        levels = tuple(level for _day, level, _rank in dunnings[item.ref])
        assert levels == POLICY.dunning_levels


@given(cases())
def test_a_second_run_on_the_same_day_sends_nothing(case):
    customer, policy = case
    after = send(customer, decide(customer, policy, TODAY), TODAY)
    if after != customer:
        assert not decide(after, policy, TODAY).messages


@given(stories(), st.sets(st.sampled_from(["A", "B", "C"]), min_size=1))
def test_a_policy_that_changes_halfway_lowers_no_rank_and_repeats_no_level(story, new):
    changed = [Level(ref, 2 + place) for place, ref in enumerate(sorted(new))]
    kept = story.policy.dunning_levels[1:]
    policy = replace(story.policy, levels=(*changed, *kept))
    customer, _none = play_on(make_customer(*story.items), story.policy, 0, 25)
    after, chased = play_on(customer, policy, 26, LAST_DAY)
    for before, item in zip(customer.items, after.items, strict=True):
        assert item.rank >= before.rank
        sent = (before.level, *before.earlier_levels)
        assert not chased.get(item.ref, set()) & set(sent)


def play_on(customer, policy, first_day, last_day):
    """The customer after these days, and per item the levels that were sent."""
    sent = {}
    for day in range(first_day, last_day + 1):
        today = TODAY + days(day)
        decision = decide(customer, policy, today)
        for outcome in decision.outcomes:
            if outcome.is_chased:
                sent.setdefault(outcome.item.ref, set()).add(outcome.level.ref)
        customer = send(customer, decision, today)
    return customer, sent


def test_after_an_outage_one_message_goes_and_the_next_keeps_its_distance():
    policy = replace(POLICY, min_interval_days=7)
    story = Story(policy, (make_item(1, late=3),), outages=frozenset(range(40)))
    chases = [(day, level.ref) for day, level, _rank in chases_of(story.play())[1]]
    assert chases == [
        (TODAY + days(40), "first"),
        (TODAY + days(47), "second"),
        (TODAY + days(54), "third"),
    ]


def test_to_pay_the_oldest_item_skips_no_level_of_the_next():
    policy = replace(POLICY, min_interval_days=1)
    items = make_item(1, late=2), make_item(2, late=-10)
    story = Story(policy, items, paid_from={1: 12})
    levels = [level.ref for _day, level, _rank in chases_of(story.play())[2]]
    assert levels == ["notice", "first", "second", "third"]
