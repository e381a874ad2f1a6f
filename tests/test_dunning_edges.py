"""Each threshold of the decision: the day before, the day, the day after."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from credit_management.logic import dunning
from credit_management.logic.dunning import (
    CHASED,
    Level,
    Policy,
    Withheld,
    decide,
    find_next_level,
)
from credit_management.logic.workdays import WorkCalendar

from .builders import (
    EUR,
    FIRST,
    NOTICE,
    POLICY,
    SECOND,
    THIRD,
    TODAY,
    USD,
    days,
    decide_message,
    decide_one,
    make_credit,
    make_customer,
    make_item,
    make_item_at,
    reason_of,
    refs_of,
    send,
)

TOMORROW = TODAY + days(1)
YESTERDAY = TODAY - days(1)
NO_WORKING_DAY = WorkCalendar(weekdays=frozenset({7}))


def examples(*rows):
    """Pairs of a value and what is expected of it, under names that say both."""
    names = [f"{value}-{expected}" for value, expected in rows]
    return pytest.mark.parametrize(("value", "expected"), rows, ids=names)


# === DAYS FROM THE DUE DATE === #


@examples((-1, dunning.NOT_DUE), (0, dunning.DUE_TODAY), (1, CHASED))
def test_an_item_is_late_from_the_day_after_its_due_date(value, expected):
    policy = Policy(levels=(Level("first", 1),))
    assert reason_of(make_item(late=value), policy) == expected


@examples((-4, dunning.NOT_DUE), (-3, CHASED), (-2, CHASED), (-1, CHASED))
def test_a_notice_goes_from_its_day_on(value, expected):
    assert reason_of(make_item(late=value)) == expected


@examples((-1, CHASED), (0, dunning.DUE_TODAY), (1, dunning.WAITING))
def test_a_notice_that_was_missed_is_not_made_up_for(value, expected):
    assert reason_of(make_item(late=value)) == expected


@examples((-8, None), (-7, "early"), (-4, "early"), (-3, "notice"))
def test_of_two_notices_the_later_one_goes_once_its_day_has_come(value, expected):
    policy = Policy(levels=(Level("early", -7, is_reminder=True), NOTICE, FIRST))
    level = decide_one(make_item(late=value), policy).level
    assert (level and level.ref) == expected


def test_the_second_notice_goes_after_the_first():
    policy = Policy(levels=(Level("early", -7, is_reminder=True), NOTICE, FIRST))
    item = make_item(late=-3, reminder="early")
    assert decide_one(item, policy).level == NOTICE


@pytest.mark.parametrize("reminder", ["notice", "notice of an older policy"])
def test_one_notice_is_enough(reminder):
    assert reason_of(make_item(late=-1, reminder=reminder)) == dunning.NOT_DUE


def test_a_notice_is_enough_even_where_the_policy_has_none():
    policy = Policy(levels=(FIRST,))
    assert reason_of(make_item(late=-1, reminder="notice"), policy) == dunning.NOT_DUE


@examples((2, dunning.WAITING), (3, CHASED), (4, CHASED))
def test_a_level_goes_from_its_day_on(value, expected):
    assert reason_of(make_item(late=value)) == expected


def test_after_an_outage_the_level_that_was_missed_goes_first():
    assert decide_one(make_item(late=300)).level == FIRST


@examples((3, dunning.WITHIN_GRACE), (4, dunning.WITHIN_GRACE), (5, CHASED))
def test_the_last_day_of_grace_is_a_day_of_grace(value, expected):
    assert reason_of(make_item(late=value), replace(POLICY, grace_days=4)) == expected


@examples((2, dunning.WAITING), (3, CHASED))
def test_the_level_that_comes_after_the_grace_waits_for_its_own_day(value, expected):
    assert reason_of(make_item(late=value), replace(POLICY, grace_days=1)) == expected


def test_an_item_without_a_due_date_is_left_alone_for_that():
    assert reason_of(make_item(due_date=None)) == dunning.NO_DUE_DATE


# === DAYS FROM THE LEVEL BEFORE === #


@examples((6, dunning.WAITING), (7, CHASED), (8, CHASED))
def test_a_level_keeps_its_days_from_the_level_before(value, expected):
    policy = Policy(levels=(FIRST, replace(SECOND, min_days_after_previous=7)))
    assert reason_of(make_item_at(FIRST, sent_days_ago=value), policy) == expected


@examples((9, dunning.WAITING), (10, CHASED), (11, CHASED))
def test_the_second_level_waits_for_its_own_day_too(value, expected):
    assert reason_of(make_item_at(FIRST, late=value, sent_days_ago=7)) == expected


@examples((0, dunning.WAITING), (1, CHASED))
def test_two_levels_never_go_on_one_day(value, expected):
    assert reason_of(make_item_at(FIRST, sent_days_ago=value)) == expected


def test_after_the_last_level_nothing_follows():
    outcome = decide_one(make_item_at(THIRD))
    assert (outcome.reason, outcome.next_date) == (dunning.LAST_LEVEL, None)


# === LEVELS OF A CHANGED POLICY === #


def test_a_level_put_before_the_one_reached_is_not_sent():
    policy = Policy(levels=(Level("new", 1), FIRST, SECOND))
    outcome = decide_one(make_item_at(FIRST), policy)
    assert (outcome.level, outcome.rank) == (SECOND, 2)


def test_a_level_put_after_the_one_reached_comes_next():
    new = Level("new", 5)
    policy = Policy(levels=(FIRST, new, SECOND))
    assert decide_one(make_item_at(FIRST), policy).level == new


def test_levels_taken_away_before_the_one_reached_do_not_lower_the_rank():
    outcome = decide_one(make_item_at(SECOND), Policy(levels=(SECOND, THIRD)))
    assert (outcome.level, outcome.rank) == (THIRD, 3)


def test_where_the_level_reached_is_gone_the_one_before_it_counts():
    policy = Policy(levels=(Level("new", 1), Level("newer", 2), FIRST, THIRD))
    assert decide_one(make_item_at(SECOND), policy).level == THIRD


def test_where_all_the_levels_reached_are_gone_their_number_counts():
    new = Policy(levels=(Level("a", 1), Level("b", 2), Level("c", 3)))
    assert decide_one(make_item_at(SECOND), new).level.ref == "c"


def test_where_fewer_levels_are_left_than_an_item_has_had_nothing_follows():
    policy = Policy(levels=(Level("new", 1),))
    outcome = decide_one(make_item_at(SECOND), policy)
    assert (outcome.reason, outcome.rank) == (dunning.LAST_LEVEL, 2)


@pytest.mark.parametrize("policy", [None, Policy(), Policy(levels=(NOTICE,))])
def test_an_overdue_item_without_a_level_to_go_to_has_no_policy(policy):
    assert reason_of(policy=policy) == dunning.NO_POLICY


@pytest.mark.parametrize("policy", [None, Policy()])
def test_an_item_that_is_not_due_says_so_where_there_is_no_policy(policy):
    outcome = decide_one(make_item(late=-5), policy)
    assert (outcome.reason, outcome.next_date) == (dunning.NOT_DUE, None)


def test_a_policy_of_nothing_but_notices_sends_them():
    assert reason_of(make_item(late=-1), Policy(levels=(NOTICE,))) == CHASED


# === DAYS BETWEEN MESSAGES === #


@examples((0, dunning.TOO_SOON), (4, dunning.TOO_SOON), (5, CHASED), (6, CHASED))
def test_a_customer_has_the_days_of_the_interval_between_messages(value, expected):
    policy = replace(POLICY, min_interval_days=5)
    assert reason_of(policy=policy, last_message=TODAY - days(value)) == expected


def test_the_interval_holds_back_a_notice():
    policy = replace(POLICY, min_interval_days=2)
    assert reason_of(make_item(late=-3), policy, last_message=YESTERDAY) == (
        dunning.TOO_SOON
    )


def test_without_an_interval_a_new_item_may_be_chased_on_the_same_day():
    assert reason_of(last_message=TODAY) == CHASED


# === WITHHELD === #


@examples((-1, CHASED), (0, "promised"), (1, "promised"))
def test_an_item_is_withheld_to_the_end_of_the_last_day(value, expected):
    withheld = (Withheld("promised", until=TODAY + days(value)),)
    assert reason_of(make_item(withheld=withheld)) == expected


@examples((-1, CHASED), (0, dunning.PAUSED), (1, dunning.PAUSED))
def test_a_customer_is_paused_to_the_end_of_the_last_day(value, expected):
    withheld = (Withheld(dunning.PAUSED, until=TODAY + days(value)),)
    assert reason_of(withheld=withheld) == expected


def test_what_is_withheld_without_end_has_no_next_date():
    outcome = decide_one(make_item(withheld=(Withheld("excluded"),)))
    assert (outcome.reason, outcome.next_date) == ("excluded", None)


def test_a_pause_holds_back_a_notice():
    item = make_item(late=-1)
    assert reason_of(item, withheld=(Withheld("paused"),)) == "paused"


@examples((99, CHASED), (100, dunning.DISPUTED), (101, dunning.DISPUTED))
def test_an_item_is_in_dispute_when_nothing_is_left_of_it(value, expected):
    withheld = (Withheld(dunning.DISPUTED, Decimal(value)),)
    assert reason_of(make_item(withheld=withheld)) == expected


def test_only_what_is_not_in_dispute_is_claimed():
    withheld = (Withheld(dunning.DISPUTED, Decimal(30)), Withheld("plan", Decimal(20)))
    assert decide_message(make_item(withheld=withheld)).claim == 50


@examples(("99.99", "0.01"), ("100", "100"))
def test_the_last_cent_that_is_not_in_dispute_is_claimed(value, expected):
    withheld = (Withheld(dunning.DISPUTED, Decimal(value)),)
    assert decide_one(make_item(withheld=withheld)).amount == Decimal(expected)


def test_a_dispute_that_is_over_is_claimed_again():
    withheld = (Withheld(dunning.DISPUTED, Decimal(30), until=YESTERDAY),)
    assert decide_message(make_item(withheld=withheld)).claim == 100


def test_what_withholds_the_whole_item_is_the_reason_before_a_part():
    part, whole = Withheld("disputed", Decimal(100)), Withheld("excluded")
    assert reason_of(make_item(withheld=(part, whole))) == "excluded"


def test_what_withholds_the_item_is_the_reason_before_what_withholds_the_customer():
    item = make_item(withheld=(Withheld("excluded"),))
    assert reason_of(item, withheld=(Withheld("paused"),)) == "excluded"


def test_the_first_of_two_reasons_of_the_same_kind_is_stated():
    withheld = (Withheld("old", until=YESTERDAY), Withheld("a"), Withheld("b"))
    assert reason_of(make_item(withheld=withheld)) == "a"
    assert reason_of(withheld=withheld) == "a"


def test_an_item_left_alone_shows_all_that_is_open():
    withheld = (Withheld("disputed", Decimal(30)), Withheld("excluded"))
    item = make_item(withheld=withheld, under_way=Decimal(20))
    assert decide_one(item).amount == 80


def test_an_item_wholly_in_dispute_shows_all_that_is_open():
    withheld = (Withheld("disputed", Decimal(100)),)
    assert decide_one(make_item(withheld=withheld)).amount == 100


# === MONEY THAT HAS COME OR IS COMING === #


@examples(("0", dunning.PAID), ("-0.01", dunning.PAID), ("0.01", CHASED))
def test_an_item_is_paid_when_nothing_is_left_in_the_ledger(value, expected):
    assert reason_of(make_item(residual=value)) == expected


@examples(
    ("99.99", CHASED),
    ("100", dunning.PAYMENT_UNDER_WAY),
    ("100.01", dunning.PAYMENT_UNDER_WAY),
)
def test_an_item_is_left_alone_when_money_under_way_covers_it(value, expected):
    assert reason_of(make_item(under_way=Decimal(value))) == expected


def test_only_what_is_not_under_way_is_claimed():
    assert decide_message(make_item(under_way=Decimal(30))).claim == 70


@pytest.mark.parametrize("values", [{"residual": 0}, {"residual": 100}])
def test_what_is_paid_or_covered_shows_its_residual(values):
    outcome = decide_one(make_item(under_way=Decimal(120), **values))
    assert outcome.amount == values["residual"]


@examples(
    ("99.99", CHASED), ("100", dunning.NET_CREDIT), ("100.01", dunning.NET_CREDIT)
)
def test_a_customer_is_left_alone_when_credits_cover_what_is_overdue(value, expected):
    assert reason_of(credits=(make_credit(value),)) == expected


def test_a_credit_in_another_currency_covers_nothing():
    assert reason_of(credits=(make_credit(500, currency=USD),)) == CHASED


def test_what_is_not_due_does_not_make_up_for_a_credit():
    customer = make_customer(
        make_item(1), make_item(2, late=-9, residual=900), credits=(make_credit(100),)
    )
    reasons = [o.reason for o in decide(customer, POLICY, TODAY).outcomes]
    assert reasons == [dunning.NET_CREDIT, dunning.NOT_DUE]


@pytest.mark.parametrize("policy", [POLICY, replace(POLICY, grace_days=5)])
def test_a_net_credit_is_the_reason_of_what_waits_too(policy):
    item = make_item(late=2)
    assert reason_of(item, policy, credits=(make_credit(100),)) == dunning.NET_CREDIT


def test_what_is_overdue_but_not_chased_yet_makes_up_for_a_credit():
    customer = make_customer(
        make_item_at(FIRST, ref=1, residual=500, sent_days_ago=0),
        make_item(2),
        credits=(make_credit(150),),
    )
    (message,) = decide(customer, POLICY, TODAY).messages
    assert (message.claim, refs_of(message.carried)) == (450, [1])


@examples(("99.99", CHASED), ("100", dunning.NET_CREDIT))
def test_a_notice_does_not_go_when_credits_cover_it(value, expected):
    item = make_item(late=-1)
    assert reason_of(item, credits=(make_credit(value),)) == expected


@examples(("149.99", CHASED), ("150", dunning.NET_CREDIT))
def test_for_a_notice_only_what_the_overdue_items_leave_of_a_credit_counts(
    value, expected
):
    notice = make_item(1, late=-1)
    waiting = make_item(2, late=2, residual=50)
    customer = make_customer(notice, waiting, credits=(make_credit(value),))
    assert decide(customer, POLICY, TODAY).outcomes[0].reason == expected


@examples(
    ("99.99", CHASED),
    ("100", dunning.RECEIPT_UNMATCHED),
    ("100.01", dunning.RECEIPT_UNMATCHED),
)
def test_nothing_is_claimed_that_an_unmatched_receipt_covers(value, expected):
    assert reason_of(receipts={EUR: Decimal(value)}) == expected


def test_a_receipt_in_another_currency_covers_nothing():
    assert reason_of(receipts={USD: Decimal(500)}) == CHASED


# === MINIMUM AMOUNTS === #


@examples(("99.99", CHASED), ("100", CHASED), ("100.01", dunning.BELOW_MINIMUM))
def test_a_claim_reaches_the_minimum_of_the_policy(value, expected):
    policy = replace(POLICY, minimum_amount=Decimal(value))
    assert reason_of(policy=policy) == expected


@examples(("99.99", CHASED), ("100", CHASED), ("100.01", dunning.BELOW_MINIMUM))
def test_a_claim_reaches_the_minimum_of_the_level(value, expected):
    policy = Policy(levels=(replace(FIRST, minimum_amount=Decimal(value)),))
    assert reason_of(policy=policy) == expected


@examples(("0.49", dunning.BELOW_MINIMUM), ("0.50", CHASED), ("0.51", CHASED))
def test_the_minimum_is_in_the_currency_of_the_company(value, expected):
    policy = replace(POLICY, minimum_amount=Decimal(50))
    item = make_item(currency=USD)
    assert reason_of(item, policy, rates={USD: Decimal(value)}) == expected


def test_the_minimum_is_of_the_message_not_of_the_item():
    policy = replace(POLICY, minimum_amount=Decimal(150))
    message = decide_message(make_item(1), make_item(2), policy=policy)
    assert message.claim == 200


def test_the_minimum_is_of_the_claim_after_credits():
    policy = replace(POLICY, minimum_amount=Decimal(50))
    assert reason_of(policy=policy, credits=(make_credit(51),)) == (
        dunning.BELOW_MINIMUM
    )


def test_a_level_with_a_minimum_of_its_own_leaves_lower_levels_alone():
    dear = replace(SECOND, minimum_amount=Decimal(500))
    policy = Policy(levels=(FIRST, dear))
    message = decide_message(make_item_at(FIRST, ref=1), make_item(2), policy=policy)
    assert (message.level, message.claim) == (FIRST, 200)
    assert refs_of(message.carried) == [1]


@examples((100, CHASED), (101, dunning.BELOW_MINIMUM))
def test_a_notice_on_its_own_must_be_worth_a_message(value, expected):
    policy = replace(POLICY, minimum_amount=Decimal(value))
    assert reason_of(make_item(late=-1), policy) == expected


def test_a_notice_goes_along_with_a_dunning_whatever_its_amount():
    policy = replace(POLICY, minimum_amount=Decimal(100))
    items = make_item(1), make_item(2, late=-1, residual=5)
    message = decide_message(*items, policy=policy)
    assert refs_of(message.chased) == [1, 2]


def test_what_is_below_the_minimum_is_not_claimed_by_a_notice_either():
    policy = replace(POLICY, minimum_amount=Decimal(50))
    message = decide_message(
        make_item(1, residual=10), make_item(2, late=-1), policy=policy
    )
    assert (message.level, message.claim, message.carried) == (NOTICE, 0, ())


def test_what_may_be_in_the_bank_is_not_claimed_by_a_notice_either():
    message = decide_message(
        make_item_at(FIRST, ref=1, residual=10),
        make_item(2, late=-1),
        receipts={EUR: Decimal(10)},
    )
    assert (message.level, message.claim, message.carried) == (NOTICE, 0, ())


@pytest.mark.parametrize("credit", [0, 20])
def test_a_waiting_item_lends_no_worth_to_a_notice(credit):
    policy = replace(POLICY, minimum_amount=Decimal(50))
    notice = make_item(1, late=-1, residual=10)
    waiting = make_item_at(FIRST, ref=2, sent_days_ago=0)
    customer = make_customer(notice, waiting, credits=(make_credit(credit),))
    outcome = decide(customer, policy, TODAY).outcomes[0]
    assert outcome.reason == dunning.BELOW_MINIMUM


# === WORKING DAYS === #


@examples(
    ("2026-05-22", CHASED),  # Friday
    ("2026-05-23", dunning.NOT_WORKING_DAY),
    ("2026-05-24", dunning.NOT_WORKING_DAY),
    ("2026-05-25", CHASED),
)
def test_messages_wait_over_the_weekend(value, expected):
    policy = replace(POLICY, calendar=WorkCalendar())
    assert reason_of(policy=policy, today=date.fromisoformat(value)) == expected


@examples((2, "2026-05-22"), (3, "2026-05-25"), (5, "2026-05-25"), (6, "2026-05-26"))
def test_payment_is_asked_by_the_next_working_day(value, expected):
    policy = Policy(
        levels=(replace(FIRST, deadline_days=value),), calendar=WorkCalendar()
    )
    message = decide_message(make_item(), policy=policy)
    assert message.pay_by == date.fromisoformat(expected)


def test_payment_is_asked_at_once_where_a_level_gives_no_days():
    assert decide_message(make_item()).pay_by == TODAY


def test_a_calendar_without_working_days_stops_no_message():
    assert reason_of(policy=replace(POLICY, calendar=NO_WORKING_DAY)) == CHASED


# === NEXT DATE === #


def next_in(item=None, policy=POLICY, **values):
    """In how many days the item could be chased."""
    next_date = decide_one(item, policy, **values).next_date
    return next_date and (next_date - TODAY).days


@examples((-9, 6), (-4, 1), (0, 3), (1, 2), (2, 1), (3, None))
def test_an_item_is_looked_at_again_on_the_day_of_its_next_level(value, expected):
    assert next_in(make_item(late=value)) == expected


def test_an_item_that_had_its_notice_is_looked_at_again_for_the_first_level():
    assert next_in(make_item(late=-1, reminder="notice")) == 4


@examples((0, 6), (3, 3), (5, 1))
def test_an_item_within_its_grace_is_looked_at_again_after_it(value, expected):
    assert next_in(make_item(late=value), replace(POLICY, grace_days=5)) == expected


@examples((0, 5), (4, 1))
def test_a_customer_is_looked_at_again_after_the_interval(value, expected):
    policy = replace(POLICY, min_interval_days=5)
    assert next_in(policy=policy, last_message=TODAY - days(value)) == expected


@examples((0, 1), (4, 5))
def test_a_pause_is_over_on_the_day_after_its_last(value, expected):
    withheld = (Withheld("paused", until=TODAY + days(value)),)
    assert next_in(withheld=withheld) == expected
    assert next_in(make_item(withheld=withheld)) == expected


def test_of_two_pauses_the_later_one_counts():
    item = make_item(withheld=(Withheld("promised", until=TODAY + days(3)),))
    assert next_in(item, withheld=(Withheld("paused", until=TODAY + days(7)),)) == 8


def test_a_pause_without_end_leaves_no_next_date():
    item = make_item(withheld=(Withheld("promised", until=TODAY + days(3)),))
    assert next_in(item, withheld=(Withheld("paused"),)) is None


def test_the_next_date_is_the_day_on_which_a_part_is_free_again():
    short = Withheld("disputed", Decimal(60), until=TODAY + days(2))
    for until in (TODAY + days(9), None):
        long = Withheld("disputed", Decimal(60), until=until)
        assert next_in(make_item(withheld=(long, short))) == 3


def test_the_next_date_is_the_day_on_which_the_last_cent_is_free_again():
    long = Withheld("disputed", Decimal("99.99"))
    short = Withheld("disputed", Decimal(60), until=TODAY + days(2))
    assert next_in(make_item(withheld=(long, short))) == 3


def test_a_dispute_that_is_over_gives_no_next_date():
    policy = replace(POLICY, minimum_amount=Decimal(101))
    over = Withheld("disputed", Decimal(30), until=YESTERDAY)
    assert next_in(make_item(withheld=(over,)), policy) is None


def test_a_pause_that_is_over_moves_no_next_date_into_the_past():
    policy = replace(POLICY, calendar=WorkCalendar(holidays=frozenset({TODAY})))
    over = Withheld("paused", until=TODAY - days(9))
    assert next_in(policy=policy, withheld=(over,)) == 1


def test_a_grace_below_zero_is_no_grace():
    policy = Policy(levels=(Level("on the due date", 0),), grace_days=-2)
    assert next_in(make_item(late=-5), policy) == 6


def test_a_claim_that_is_too_small_is_looked_at_again_when_a_dispute_ends():
    policy = replace(POLICY, minimum_amount=Decimal(50))
    part = Withheld("disputed", Decimal(60), until=TODAY + days(4))
    outcome = decide_one(make_item(withheld=(part,)), policy)
    assert outcome.reason == dunning.BELOW_MINIMUM
    assert outcome.next_date == TODAY + days(5)


def test_of_two_disputes_the_one_that_ends_first_gives_the_next_date():
    policy = replace(POLICY, minimum_amount=Decimal(50))
    ends = (TODAY + days(9), TODAY + days(4))
    parts = tuple(Withheld("disputed", Decimal(40), until=until) for until in ends)
    assert next_in(make_item(withheld=parts), policy) == 5


def test_a_net_credit_is_looked_at_again_when_a_dispute_ends():
    part = Withheld("disputed", Decimal(60), until=TODAY + days(4))
    outcome = decide_one(make_item(withheld=(part,)), credits=(make_credit(50),))
    assert outcome.reason == dunning.NET_CREDIT
    assert outcome.next_date == TODAY + days(5)


def test_a_claim_that_is_too_small_for_good_has_no_next_date():
    policy = replace(POLICY, minimum_amount=Decimal(101))
    assert next_in(policy=policy) is None


def test_a_notice_that_is_too_small_is_looked_at_again_for_the_first_level():
    policy = Policy(levels=(replace(NOTICE, minimum_amount=Decimal(500)), FIRST))
    assert next_in(make_item(late=-2), policy) == 5


def test_a_notice_that_is_too_small_is_looked_at_again_when_a_dispute_ends():
    policy = Policy(levels=(NOTICE,), minimum_amount=Decimal(50))
    part = Withheld("disputed", Decimal(60), until=TODAY)
    assert next_in(make_item(late=-3, withheld=(part,)), policy) == 1


def test_the_next_date_is_a_working_day():
    policy = replace(POLICY, calendar=WorkCalendar())
    assert next_in(make_item(late=0), policy) == 5  # Saturday, so on Monday


def test_a_notice_that_falls_on_days_off_gives_way_to_the_first_level():
    policy = replace(POLICY, calendar=WorkCalendar())
    due = make_item(due_date=date(2026, 5, 25))  # Monday, its notice on Friday
    assert next_in(due, policy) == 2
    outcome = decide_one(due, policy, today=date(2026, 5, 23))
    assert outcome.reason == dunning.NOT_WORKING_DAY
    assert outcome.next_date == date(2026, 5, 28)


# === MESSAGES === #


def test_messages_go_by_contact_and_currency():
    customer = make_customer(
        make_item(1, contact="office", document="A"),
        make_item(2, contact="plant"),
        make_item(3, contact="office", currency=USD),
        make_item(4, contact="office", document="B"),
    )
    messages = decide(customer, POLICY, TODAY).messages
    assert sorted(refs_of(message.chased) for message in messages) == [[1, 4], [2], [3]]


@examples((False, [[1, 2]]), (True, [[1], [2]]))
def test_a_policy_may_want_a_message_for_each_invoice(value, expected):
    customer = make_customer(make_item(1, document="A"), make_item(2, document="B"))
    policy = replace(POLICY, bundle_by_document=value)
    messages = decide(customer, policy, TODAY).messages
    assert [refs_of(message.chased) for message in messages] == expected


def test_a_message_is_at_its_highest_level():
    message = decide_message(make_item(1), make_item_at(FIRST, ref=2))
    assert message.level == SECOND


def test_the_message_at_the_highest_level_is_the_first():
    customer = make_customer(
        make_item(1, contact="a", late=-1),
        make_item(2, contact="b"),
        make_item_at(FIRST, ref=3, contact="c"),
    )
    messages = decide(customer, POLICY, TODAY).messages
    assert [message.level for message in messages] == [SECOND, FIRST, NOTICE]


def test_the_message_at_the_highest_level_is_the_first_even_if_another_went_further():
    customer = make_customer(
        make_item_at(THIRD, ref=1, contact="a"),
        make_item(2, contact="a", late=-1),
        make_item(3, contact="b"),
    )
    messages = decide(customer, POLICY, TODAY).messages
    assert [message.level for message in messages] == [FIRST, NOTICE]


def test_a_dunning_level_leads_before_a_notice():
    assert decide_message(make_item(1, late=-1), make_item(2)).level == FIRST


def test_among_notices_the_one_closest_to_the_due_date_leads():
    policy = Policy(levels=(Level("early", -7, is_reminder=True), NOTICE))
    items = make_item(1, late=-6), make_item(2, late=-1)
    assert decide_message(*items, policy=policy).level == NOTICE


def test_what_was_chased_before_is_claimed_along():
    message = decide_message(make_item(1), make_item_at(THIRD, ref=2, residual=50))
    assert (refs_of(message.carried), message.claim) == ([2], 150)


def test_what_was_never_chased_is_not_claimed_along():
    message = decide_message(make_item(1), make_item(2, late=2))
    assert (message.carried, message.claim) == ((), 100)


def test_what_was_chased_before_sends_no_message_of_its_own():
    customer = make_customer(make_item_at(THIRD))
    assert decide(customer, POLICY, TODAY).messages == ()


def test_credits_are_netted_in_their_order():
    small, large = make_credit(30, "small"), make_credit(50, "large")
    message = decide_message(make_item(), credits=(small, large))
    assert message.credits == ((small, 30), (large, 50))
    assert message.claim == 20


def test_a_credit_is_netted_to_the_cent():
    message = decide_message(make_item(), credits=(make_credit("0.01"),))
    assert message.claim == Decimal("99.99")


def test_of_a_credit_one_contact_gets_what_another_one_leaves():
    customer = make_customer(
        make_item(1, contact="a", residual=500),
        make_item_at(FIRST, ref=2, contact="b"),
        credits=(make_credit(80, "small"), make_credit(50, "large")),
    )
    (message,) = decide(customer, POLICY, TODAY).messages
    assert (message.contact, message.claim) == ("a", 470)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_the_contact_who_was_chased_furthest_is_netted_first(order):
    items = (
        make_item(1, contact="a"),
        make_item_at(FIRST, ref=2, contact="b"),
        make_item(3, contact="b"),
    )
    customer = make_customer(*(items[n] for n in order), credits=(make_credit(60),))
    messages = decide(customer, POLICY, TODAY).messages
    assert {m.contact: m.claim for m in messages} == {"a": 100, "b": 140}


def test_a_contact_who_gets_no_dunning_uses_up_no_credit():
    customer = make_customer(
        make_item(1, contact="a"),
        make_item_at(THIRD, ref=2, contact="b"),
        make_item(3, contact="b", late=-1),
        credits=(make_credit(60),),
    )
    messages = decide(customer, POLICY, TODAY).messages
    assert {m.contact: m.claim for m in messages} == {"a": 40, "b": 0}


def test_a_contact_whose_part_is_covered_by_a_credit_gets_no_message():
    customer = make_customer(
        make_item(1, contact="a"),
        make_item_at(FIRST, ref=2, contact="b"),
        credits=(make_credit(100),),
    )
    decision = decide(customer, POLICY, TODAY)
    assert [o.reason for o in decision.outcomes] == [CHASED, dunning.NET_CREDIT]


def test_a_customer_without_items_gets_no_message():
    decision = decide(make_customer(), POLICY, TODAY)
    assert (decision.outcomes, decision.messages) == ((), ())


def test_asking_again_after_the_message_has_left_chases_nobody():
    customer = make_customer(make_item(1), make_item(2, late=-1))
    after = send(customer, decide(customer, POLICY, TODAY), TODAY)
    assert decide(after, POLICY, TODAY).messages == ()


# === THE LEVEL TO COME === #


@examples((-1, "notice"), (0, "first"), (1, "first"))
def test_the_notices_come_before_the_due_date_and_the_levels_from_it_on(
    value, expected
):
    item = make_item(late=value)
    assert find_next_level(item, POLICY, TODAY).ref == expected


def test_an_item_without_a_due_date_stands_before_its_first_level():
    assert find_next_level(make_item(due_date=None), POLICY, TODAY) == FIRST


# === DAYS AT THE END OF THE CALENDAR === #


@pytest.mark.parametrize("due_date", [date.min, date(1900, 1, 1)])
def test_an_item_due_in_the_year_one_is_overdue(due_date):
    assert reason_of(make_item(due_date=due_date)) == CHASED


def test_an_item_due_on_the_last_day_there_is_is_not_due():
    assert reason_of(make_item(due_date=date.max)) == dunning.NOT_DUE


def test_a_pause_to_the_last_day_there_is_never_ends():
    forever = Withheld("excluded", until=date.max)
    outcome = decide_one(make_item(withheld=(forever,)))
    assert (outcome.reason, outcome.next_date) == ("excluded", None)
