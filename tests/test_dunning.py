"""What is always so in the decision about one customer on one day.

The edges of each threshold are in ``test_dunning_edges.py``, what is so over many days
in ``test_dunning_timeline.py``.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import dunning
from credit_management.logic.dunning import (
    CHASED,
    ZERO,
    Withheld,
    decide,
    find_next_level,
)
from credit_management.logic.workdays import EVERY_DAY

from .builders import (
    EUR,
    POLICY,
    TODAY,
    chased_refs,
    days,
    make_credit,
    make_customer,
    make_item,
    message_key,
    refs_of,
)
from .strategies import amounts, cases, cases_of_one_item, changed_policies

REASONS_OF_DATES = {
    dunning.NOT_DUE,
    dunning.DUE_TODAY,
    dunning.WITHIN_GRACE,
    dunning.WAITING,
    dunning.TOO_SOON,
    dunning.NOT_WORKING_DAY,
}
REASONS_OF_CALLER = {"excluded", "disputed", "paused"}  # as in ``strategies``


def decide_on(case, today=TODAY):
    return decide(*case, today)


def outcomes_of(case, today=TODAY):
    return decide_on(case, today).outcomes


def chased_items(case):
    return [outcome.item for outcome in outcomes_of(case) if outcome.is_chased]


def is_overdue(outcome, today=TODAY):
    return outcome.item.due_date is not None and outcome.item.due_date < today


def total(outcomes):
    return sum((outcome.amount for outcome in outcomes), ZERO)


def netted(message):
    return sum((part for _credit, part in message.credits), ZERO)


def withheld_part(item, today=TODAY):
    """What is withheld of an item, by the words of ``Withheld``."""
    in_force = [w for w in item.withheld if w.until is None or w.until >= today]
    if any(held.amount is None for held in in_force):
        return item.residual
    return sum((held.amount for held in in_force), ZERO)


# === EACH ITEM IS CHASED, OR HAS ONE REASON WHY NOT === #


@given(cases())
def test_every_item_has_one_outcome_in_the_order_of_the_facts(case):
    customer, _policy = case
    assert tuple(outcome.item for outcome in outcomes_of(case)) == customer.items


@given(cases())
def test_every_reason_comes_from_the_list_or_from_the_caller(case):
    reasons = {outcome.reason for outcome in outcomes_of(case)}
    assert reasons <= {CHASED, *dunning.REASONS, *REASONS_OF_CALLER}


@given(cases())
def test_an_item_is_chased_by_one_message_or_by_none_and_then_has_a_reason(case):
    decision = decide_on(case)
    in_messages = [o for message in decision.messages for o in message.chased]
    chased = [outcome for outcome in decision.outcomes if outcome.is_chased]
    assert sorted(refs_of(in_messages)) == refs_of(chased)


@given(cases())
def test_only_what_is_chased_has_a_level(case):
    for outcome in outcomes_of(case):
        assert (outcome.level is not None) == outcome.is_chased


def test_no_reason_is_listed_twice():
    assert len(set(dunning.REASONS)) == len(dunning.REASONS)


# === WHO IS NEVER CHASED === #


@given(cases())
def test_nothing_is_claimed_that_is_paid_or_under_way(case):
    for item in chased_items(case):
        assert item.residual - item.under_way > 0


@given(cases())
def test_of_an_item_partly_in_dispute_only_the_rest_is_claimed(case):
    for outcome in outcomes_of(case):
        if outcome.is_chased:
            item = outcome.item
            rest = item.residual - item.under_way - withheld_part(item)
            assert outcome.amount == rest > 0


@given(cases())
def test_an_item_that_is_withheld_is_never_chased(case):
    for item in chased_items(case):
        in_force = [held for held in item.withheld if held.holds_on(TODAY)]
        assert all(held.amount is not None for held in in_force)


@given(cases())
def test_a_customer_who_is_paused_gets_no_message(case):
    customer, policy = case
    customer = replace(customer, withheld=(Withheld("paused", until=TODAY),))
    assert not decide(customer, policy, TODAY).messages


@given(cases())
def test_a_customer_without_policy_gets_no_message(case):
    customer, _policy = case
    assert not decide(customer, None, TODAY).messages


@given(cases(customer={"withheld": (), "credits": (make_credit(200),)}))
def test_nobody_is_dunned_whose_overdue_items_net_to_a_credit(case):
    customer, _policy = case
    for currency in {item.currency for item in customer.items}:
        overdue = sum(
            max(item.residual - item.under_way - withheld_part(item), ZERO)
            for item in customer.items
            if item.currency == currency and item.due_date and item.due_date < TODAY
        )
        credit = sum(c.amount for c in customer.credits if c.currency == currency)
        if overdue <= credit:
            chased = [i for i in chased_items(case) if i.currency == currency]
            assert all(item.due_date > TODAY for item in chased)


@given(cases())
def test_no_message_is_about_less_than_the_minimum(case):
    customer, policy = case
    for message in decide_on(case).messages:
        notices = [o for o in message.chased if not is_overdue(o)]
        worth = (message.claim + total(notices)) * customer.rates.get(
            message.currency, 1
        )
        assert worth >= policy.minimum_amount
        assert worth >= max(o.level.minimum_amount for o in message.chased)


@given(cases())
def test_no_overdue_item_rises_in_a_message_that_claims_less_than_the_minimum(case):
    customer, policy = case
    for message in decide_on(case).messages:
        claim = message.claim * customer.rates.get(message.currency, 1)
        for outcome in message.chased:
            if is_overdue(outcome):
                assert claim >= policy.minimum_amount
                assert claim >= outcome.level.minimum_amount


@given(cases())
def test_nothing_is_chased_on_its_due_date_or_without_one(case):
    assert all(item.due_date not in (None, TODAY) for item in chased_items(case))


@given(cases())
def test_nobody_is_chased_for_what_may_be_in_the_bank_already(case):
    customer, _policy = case
    for message in decide_on(case).messages:
        notices = [o for o in message.chased if not is_overdue(o)]
        receipt = customer.receipts.get(message.currency, ZERO)
        assert receipt < message.claim + total(notices)


@given(cases())
def test_nobody_is_dunned_within_the_grace(case):
    _customer, policy = case
    for item in chased_items(case):
        if item.due_date < TODAY:
            assert TODAY > item.due_date + days(policy.grace_days)


# === LEVELS === #


@given(cases())
def test_an_item_rises_by_one_rank_when_it_is_dunned_and_else_keeps_its_own(case):
    for outcome in outcomes_of(case):
        is_dunned = outcome.is_chased and is_overdue(outcome)
        assert outcome.rank == outcome.item.rank + is_dunned


@given(cases())
def test_levels_come_in_order_and_none_is_skipped(case):
    _customer, policy = case
    for outcome in outcomes_of(case):
        if outcome.is_chased and is_overdue(outcome):
            assert outcome.level == policy.dunning_levels[outcome.item.rank]


@given(cases())
def test_a_level_waits_for_its_days_after_the_due_date_and_after_the_level_before(case):
    for outcome in outcomes_of(case):
        item, level = outcome.item, outcome.level
        if outcome.is_chased:
            assert TODAY >= item.due_date + days(level.delay_days)
        if outcome.is_chased and item.level_date and is_overdue(outcome):
            assert TODAY >= item.level_date + days(level.min_days_after_previous)
            assert TODAY > item.level_date


@given(cases())
def test_a_notice_goes_before_the_due_date_only_and_a_level_after_it_only(case):
    for outcome in outcomes_of(case):
        if outcome.is_chased:
            assert outcome.level.is_reminder == (TODAY < outcome.item.due_date)


@given(cases())
def test_no_notice_goes_twice_and_no_earlier_one_after_a_later_one(case):
    _customer, policy = case
    order = [None] + [level.ref for level in policy.reminders]
    for outcome in outcomes_of(case):
        if outcome.is_chased and outcome.level.is_reminder:
            place = order.index(outcome.level.ref)
            assert place > order.index(outcome.item.reminder)


@given(changed_policies(), st.integers(0, 3))
def test_a_changed_policy_repeats_no_level(policies, count):
    before, after = policies
    sent = [level.ref for level in before.dunning_levels[:count]]
    outcome = decide_after(sent, after)
    assert outcome.level is None or outcome.level.ref not in sent


@given(changed_policies(), st.integers(0, 3))
def test_a_changed_policy_never_lowers_a_rank_nor_raises_it_by_two(policies, count):
    before, after = policies
    sent = [level.ref for level in before.dunning_levels[:count]]
    outcome = decide_after(sent, after)
    assert outcome.rank == len(sent) + outcome.is_chased


def decide_after(sent, policy):
    """Decide about an item that is long overdue and has had these levels."""
    item = make_item(
        late=60,
        residual=1000,
        level=sent[-1] if sent else None,
        earlier_levels=tuple(sent[:-1]),
        rank=len(sent),
        level_date=TODAY - days(30) if sent else None,
    )
    return outcomes_of((make_customer(item), policy))[0]


# === DAYS === #


@given(cases_of_one_item(policy={"calendar": EVERY_DAY}), st.integers(1, 60))
def test_what_is_dunned_on_a_day_would_be_dunned_on_any_later_day(case, count):
    (outcome,) = outcomes_of(case)
    if outcome.is_chased and is_overdue(outcome):
        (later,) = outcomes_of(case, TODAY + days(count))
        assert (later.is_chased, later.level) == (True, outcome.level)


@given(cases(policy={"calendar": EVERY_DAY}), st.integers(1, 60))
def test_what_other_items_become_later_saves_no_item_from_being_dunned(case, count):
    dunned = {o.item.ref for o in outcomes_of(case) if o.is_chased and is_overdue(o)}
    assert dunned <= chased_refs(decide_on(case, TODAY + days(count)))


@given(cases(customer={"last_message": TODAY - days(4)}))
def test_the_interval_blocks_every_message_to_every_contact(case):
    customer, policy = case
    policy = replace(policy, min_interval_days=5)
    assert not decide(customer, policy, TODAY).messages


@given(cases())
def test_messages_go_on_working_days_only(case):
    _customer, policy = case
    if decide_on(case).messages:
        assert policy.calendar.is_working_day(TODAY)


@given(cases())
def test_payment_is_asked_by_a_working_day_that_leaves_the_days_of_the_level(case):
    _customer, policy = case
    for message in decide_on(case).messages:
        assert policy.calendar.is_working_day(message.pay_by)
        assert message.pay_by >= TODAY + days(message.level.deadline_days)


# === NEXT DATE === #


@given(cases())
def test_the_next_date_is_after_today(case):
    for outcome in outcomes_of(case):
        assert outcome.next_date is None or outcome.next_date > TODAY


@given(cases())
def test_what_waits_for_a_day_or_a_fact_is_not_chased_before_its_next_date(case):
    decisions = {}
    for place, outcome in enumerate(outcomes_of(case)):
        if outcome.reason in REASONS_OF_DATES | REASONS_OF_CALLER and outcome.next_date:
            last_day = (outcome.next_date - TODAY).days - 1
            for count in {1, last_day // 2, last_day} - {0}:
                if count <= last_day:
                    day = TODAY + days(count)
                    decisions[day] = decisions.get(day) or decide_on(case, day)
                    assert not decisions[day].outcomes[place].is_chased


@given(cases())
def test_on_its_next_date_no_item_waits_for_a_day(case):
    for place, outcome in enumerate(outcomes_of(case)):
        if outcome.next_date:
            later = outcomes_of(case, outcome.next_date)[place]
            assert later.reason not in REASONS_OF_DATES | REASONS_OF_CALLER


@given(cases())
def test_the_level_foretold_for_a_day_is_the_one_that_comes(case):
    _customer, policy = case
    for place, outcome in enumerate(outcomes_of(case)):
        day = outcome.next_date or TODAY
        coming = outcomes_of(case, day)[place]
        if coming.is_chased:
            assert find_next_level(outcome.item, policy, day) == coming.level


@given(cases_of_one_item())
def test_an_only_item_is_not_chased_before_its_next_date(case):
    (outcome,) = outcomes_of(case)
    next_date = outcome.next_date or TODAY
    for count in range(1, (next_date - TODAY).days):
        assert not decide_on(case, TODAY + days(count)).messages


@given(cases_of_one_item())
def test_an_only_item_without_a_next_date_is_never_chased_by_time_alone(case):
    (outcome,) = outcomes_of(case)
    if not outcome.is_chased and outcome.next_date is None:
        for count in range(1, 40):
            assert not decide_on(case, TODAY + days(count)).messages


# === MESSAGES === #


@given(cases())
def test_one_message_goes_to_a_contact_in_a_currency(case):
    _customer, policy = case
    keys = [message_key(message, policy) for message in decide_on(case).messages]
    assert len(set(keys)) == len(keys)


@given(cases())
def test_a_message_is_about_items_of_its_contact_and_currency_alone(case):
    _customer, policy = case
    for message in decide_on(case).messages:
        about = [o.item for o in message.chased + message.carried]
        assert {(item.contact, item.currency) for item in about} == {
            (message.contact, message.currency)
        }
        if policy.bundle_by_document:
            assert len({item.document for item in about}) == 1


@given(cases())
def test_a_message_is_at_the_highest_level_of_what_it_chases(case):
    _customer, policy = case
    for message in decide_on(case).messages:
        places = [policy.levels.index(outcome.level) for outcome in message.chased]
        assert policy.levels.index(message.level) == max(places)


@given(cases())
def test_the_message_at_the_highest_level_comes_first(case):
    _customer, policy = case
    places = [policy.levels.index(m.level) for m in decide_on(case).messages]
    assert places == sorted(places, reverse=True)


@given(cases())
def test_a_claim_is_what_is_overdue_less_the_credits(case):
    for message in decide_on(case).messages:
        overdue = [o for o in message.chased + message.carried if is_overdue(o)]
        assert message.claim == total(overdue) - netted(message) >= 0


@given(cases())
def test_a_message_of_nothing_but_notices_claims_nothing(case):
    for message in decide_on(case).messages:
        if message.level.is_reminder:
            assert (message.claim, message.carried, message.credits) == (0, (), ())


@given(cases())
def test_what_is_claimed_along_is_overdue_and_was_chased_or_is_held_back(case):
    reasons = {dunning.WAITING, dunning.LAST_LEVEL, dunning.BELOW_MINIMUM}
    for message in decide_on(case).messages:
        for outcome in message.carried:
            assert is_overdue(outcome)
            assert outcome.reason in reasons
            assert outcome.item.rank > 0 or outcome.reason == dunning.BELOW_MINIMUM


@given(
    cases(
        policy={"bundle_by_document": False},
        item={"contact": "office", "currency": EUR},
    )
)
def test_whoever_was_dunned_before_is_asked_for_that_again_in_the_next_dunning(case):
    decision = decide_on(case)
    earlier = {
        outcome.item.ref
        for outcome in decision.outcomes
        if outcome.reason in (dunning.WAITING, dunning.LAST_LEVEL)
        and outcome.item.rank > 0
    }
    for message in decision.messages:
        if not message.level.is_reminder:
            assert earlier <= set(refs_of(message.chased + message.carried))


@given(cases(customer={"credits": (make_credit(30, 1), make_credit(40, 2))}))
def test_no_credit_is_netted_beyond_its_amount_over_all_messages(case):
    customer, _policy = case
    spent = dict.fromkeys(customer.credits, ZERO)
    for message in decide_on(case).messages:
        for credit, part in message.credits:
            assert part > 0
            assert credit.currency == message.currency
            spent[credit] += part
    assert all(part <= credit.amount for credit, part in spent.items())


@given(
    cases(
        policy={"bundle_by_document": False},
        item={"contact": "office"},
        customer={"credits": (make_credit(30, 1), make_credit(40, 2))},
    )
)
def test_the_only_contact_of_a_customer_is_credited_all_there_is(case):
    for message in decide_on(case).messages:
        if message.currency == EUR and not message.level.is_reminder:
            assert netted(message) == 70


@given(cases())
def test_all_claims_together_are_no_more_than_what_is_overdue_less_the_credits(case):
    customer, _policy = case
    decision = decide_on(case)
    for currency in {message.currency for message in decision.messages}:
        overdue = [
            outcome
            for outcome in decision.outcomes
            if is_overdue(outcome) and outcome.item.currency == currency
        ]
        credit = sum(c.amount for c in customer.credits if c.currency == currency)
        claims = [m.claim for m in decision.messages if m.currency == currency]
        assert sum(claims) <= max(total(overdue) - credit, ZERO)


@given(st.integers(-60, 120), st.integers(1, 6), st.booleans())
def test_of_instalments_only_those_that_are_late_are_claimed(late, count, bundle):
    policy = replace(POLICY, bundle_by_document=bundle)
    instalments = [
        make_item(ref, late - 30 * ref, document="INV/1") for ref in range(count)
    ]
    late_ones = [item for item in instalments if item.due_date < TODAY]
    for message in decide(make_customer(*instalments), policy, TODAY).messages:
        assert message.claim <= 100 * len(late_ones)


# === CURRENCIES === #


@given(cases())
def test_two_currencies_are_decided_as_if_each_were_alone(case):
    customer, policy = case
    together = decide_on(case)
    for currency in {item.currency for item in customer.items}:
        alone = decide(_only(customer, currency), policy, TODAY)
        assert alone.outcomes == tuple(
            o for o in together.outcomes if o.item.currency == currency
        )
        assert alone.messages == tuple(
            m for m in together.messages if m.currency == currency
        )


def _only(customer, currency):
    return replace(
        customer,
        items=tuple(i for i in customer.items if i.currency == currency),
        credits=tuple(c for c in customer.credits if c.currency == currency),
    )


# === THE SAME QUESTION, THE SAME ANSWER === #


@given(cases())
def test_the_same_facts_get_the_same_decision(case):
    assert decide_on(case) == decide_on(case)


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_items_changes_no_outcome(case, random):
    customer, policy = case
    shuffled = list(customer.items)
    random.shuffle(shuffled)
    outcomes = outcomes_of((replace(customer, items=tuple(shuffled)), policy))
    by_ref = {outcome.item.ref: outcome for outcome in outcomes}
    assert by_ref == {outcome.item.ref: outcome for outcome in outcomes_of(case)}


# === LEAVING AN ITEM ALONE === #


def withhold(case, ref):
    """The same case, with one item left alone for a reason nobody has heard of."""
    customer, policy = case
    known = [
        replace(item, withheld=(Withheld("a new law"),)) if item.ref == ref else item
        for item in customer.items
    ]
    return replace(customer, items=tuple(known)), policy


@given(cases())
def test_an_item_that_would_be_chased_has_the_reason_that_withholds_it(case):
    before, after = outcomes_of(case)[0], outcomes_of(withhold(case, 1))[0]
    if before.is_chased:
        assert (after.reason, after.next_date) == ("a new law", None)


@given(
    cases(
        sizes=(2, 5),
        policy={"minimum_amount": ZERO, "levels": POLICY.levels},
        customer={"credits": (), "receipts": {}},
    )
)
def test_to_withhold_an_item_changes_nothing_for_the_others(case):
    before, after = outcomes_of(case), outcomes_of(withhold(case, 1))
    assert after[1:] == before[1:]


@given(cases(sizes=(2, 5)))
def test_to_withhold_an_item_gets_no_other_item_chased(case):
    before, after = decide_on(case), decide_on(withhold(case, 1))
    assert chased_refs(after) <= chased_refs(before) - {1}


@given(cases(sizes=(2, 5)))
def test_to_withhold_an_item_raises_the_amount_of_no_other_item(case):
    before, after = outcomes_of(case), outcomes_of(withhold(case, 1))
    assert [o.amount for o in after[1:]] == [o.amount for o in before[1:]]


@given(cases(sizes=(2, 5)))
def test_to_withhold_an_item_raises_no_claim(case):
    before, after = claims_of(case), claims_of(withhold(case, 1))
    assert all(claim <= before[key] for key, claim in after.items())


def claims_of(case):
    _customer, policy = case
    return {message_key(m, policy): m.claim for m in decide_on(case).messages}


@given(cases(), amounts)
def test_to_withhold_a_part_raises_no_claim_on_the_item(case, amount):
    customer, policy = case
    item, *others = customer.items
    part = replace(item, withheld=(*item.withheld, Withheld("a new law", amount)))
    before = outcomes_of(case)[0]
    after = outcomes_of((replace(customer, items=(part, *others)), policy))[0]
    if after.is_chased:
        assert before.is_chased
        assert after.amount == before.amount - amount
