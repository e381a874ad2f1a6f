"""What is always so of exposure, score, credit rules and suggested limits."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic import credit_rules, exposure, limits, score

TODAY = date(2026, 5, 1)
amounts = st.integers(1, 10**7).map(lambda n: Decimal(n) / 100)
signed = st.integers(-(10**6), 10**6).map(lambda n: Decimal(n) / 100)
parts = st.builds(
    exposure.Part, st.sampled_from(exposure.PARTS[:-1]), signed, st.integers(0, 9)
)
covers = st.builds(
    exposure.Cover,
    amounts,
    st.integers(0, 100).map(lambda n: Decimal(n) / 100),
    until=st.sampled_from((None, TODAY, TODAY - timedelta(days=1))),
)
paid_items = st.builds(
    lambda amount, due, late: score.PaidItem(
        amount,
        TODAY - timedelta(days=due),
        None if late is None else TODAY - timedelta(days=due - late),
    ),
    amounts,
    st.integers(-20, 800),
    st.none() | st.integers(-60, 400),
)
histories = st.builds(
    score.History,
    st.lists(paid_items, max_size=12).map(tuple),
    st.none() | st.integers(0, 300).map(Decimal),
    st.none() | st.integers(0, 100).map(lambda n: Decimal(n) / 100),
    st.none() | st.integers(0, 4000).map(lambda n: TODAY - timedelta(days=n)),
    st.none() | st.integers(0, 100),
)


@given(st.lists(parts), st.lists(covers, max_size=3))
def test_the_parts_of_an_exposure_add_up_to_it(found, borne):
    result = exposure.compute_exposure(found, borne, TODAY)
    assert sum(result.list_amounts().values()) == result.total


@given(st.lists(parts), st.lists(covers, max_size=3))
def test_what_others_bear_is_never_more_than_was_invoiced(found, borne):
    result = exposure.compute_exposure(found, borne, TODAY)
    invoiced = result.get_amount(*exposure.INSURABLE)
    assert 0 <= -result.get_amount(exposure.COVER) <= max(invoiced, 0)


@given(st.lists(parts), st.lists(covers, max_size=3), covers)
def test_another_cover_never_raises_an_exposure(found, borne, another):
    before = exposure.compute_exposure(found, borne, TODAY).total
    after = exposure.compute_exposure(found, [*borne, another], TODAY).total
    assert after <= before


@given(histories)
def test_a_score_is_the_sum_of_its_points(history):
    result = score.compute_score(history, TODAY)
    if result:
        assert 0 <= result.value <= 100
        assert sum(factor.most for factor in result.factors) == 100
        for factor in result.factors:
            assert 0 <= factor.points <= factor.most


@given(histories, st.integers(0, 11), st.integers(1, 400))
def test_paying_later_never_raises_a_score(history, place, days):
    if not history.items:
        return
    place %= len(history.items)
    items = list(history.items)
    if items[place].paid is None:
        return
    items[place] = replace(items[place], paid=items[place].paid + timedelta(days=days))
    later = replace(history, items=tuple(items))
    before = score.compute_score(history, TODAY)
    after = score.compute_score(later, TODAY)
    if before:
        assert after is not None
        assert after.value <= before.value


def test_what_is_open_counts_however_old_it_is():
    def day(days):
        return TODAY - timedelta(days=days)

    prompt = [score.PaidItem(Decimal(100), day(n), day(n)) for n in (30, 60, 90)]
    old = score.PaidItem(Decimal(900), day(1200))
    good = score.compute_score(score.History(tuple(prompt)), TODAY)
    bad = score.compute_score(score.History((*prompt, old)), TODAY)
    assert bad.value < good.value - 40
    # Paid at last, it lies too far back.
    settled = replace(old, paid=day(1))
    assert score.compute_score(score.History((*prompt, settled)), TODAY) == good


def test_parts_of_an_item_are_no_history():
    parts = tuple(
        score.PaidItem(Decimal(10), TODAY - timedelta(days=30), TODAY, ref=1)
        for _part in range(5)
    )
    assert score.compute_score(score.History(parts), TODAY) is None
    others = tuple(replace(parts[0], ref=ref) for ref in (2, 3))
    assert score.compute_score(score.History(parts + others), TODAY)


@given(histories, st.integers(0, 11))
def test_not_paying_at_all_is_no_better_than_paying_today(history, place):
    if not history.items:
        return
    place %= len(history.items)
    items = list(history.items)
    items[place] = replace(items[place], paid=TODAY)
    today = score.compute_score(replace(history, items=tuple(items)), TODAY)
    items[place] = replace(items[place], paid=None)
    never = score.compute_score(replace(history, items=tuple(items)), TODAY)
    if today:
        assert never.value <= today.value


@given(histories)
def test_what_happens_later_is_not_known_yet(history):
    known = [
        replace(item, paid=None) if item.paid and item.paid > TODAY else item
        for item in history.items
        if item.due < TODAY
    ]
    before = score.compute_score(history, TODAY)
    assert before == score.compute_score(replace(history, items=tuple(known)), TODAY)


@given(st.integers(-60, 300), st.integers(0, 100))
def test_the_payment_index_falls_with_the_days(days, more):
    assert score.compute_index(days + more) <= score.compute_index(days)


rules = st.builds(
    credit_rules.Rule,
    st.integers(),
    st.sampled_from(
        (
            credit_rules.UTILISATION,
            credit_rules.ORDER_AMOUNT,
            credit_rules.DAYS_OVERDUE,
            credit_rules.OVERDUE_AMOUNT,
            credit_rules.LEVEL_HOLDS,
            credit_rules.SCORE_BELOW,
            credit_rules.BROKEN_PROMISES,
            credit_rules.COVER_ENDED,
        )
    ),
    st.integers(0, 200).map(Decimal),
    st.sampled_from((credit_rules.WARN, credit_rules.HOLD)),
    st.integers(0, 2),
)
facts = st.builds(
    credit_rules.Facts,
    exposure=signed,
    limit=st.none() | st.integers(0, 10**4).map(Decimal),
    order_amount=amounts,
    days_overdue=st.integers(0, 300),
    overdue_amount=amounts,
    level_holds=st.booleans(),
    score=st.none() | st.integers(0, 100),
    broken_promises=st.integers(0, 5),
    cover_until=st.none() | st.sampled_from((TODAY, TODAY - timedelta(days=1))),
)


@given(facts, st.lists(rules, max_size=6), amounts)
def test_a_larger_order_is_never_judged_more_mildly(known, asked, more):
    larger = replace(known, order_amount=known.order_amount + more)
    before = credit_rules.check_credit(known, asked, TODAY).verdict
    after = credit_rules.check_credit(larger, asked, TODAY).verdict
    order = (credit_rules.PASS, credit_rules.WARN, credit_rules.HOLD)
    assert order.index(after) >= order.index(before)


@given(facts, st.lists(rules, max_size=6))
def test_a_verdict_is_the_worst_of_its_checks(known, asked):
    verdict = credit_rules.check_credit(known, asked, TODAY)
    said = {check.verdict for check in verdict.checks}
    for worst in (credit_rules.HOLD, credit_rules.WARN, credit_rules.PASS):
        if worst in said:
            assert verdict.verdict == worst
            break
    else:
        assert verdict.verdict == credit_rules.PASS
    assert bool(verdict.reasons) == (verdict.verdict != credit_rules.PASS)


@given(facts, st.lists(rules, max_size=6))
def test_a_manual_hold_holds_whatever_the_rules_say(known, asked):
    held = replace(known, manual_reason="said so", is_prepaid=True)
    assert credit_rules.check_credit(held, asked, TODAY).verdict == credit_rules.HOLD


@given(facts, st.lists(rules, max_size=6))
def test_what_is_paid_in_advance_passes(known, asked):
    paid = replace(known, is_prepaid=True)
    assert credit_rules.check_credit(paid, asked, TODAY).verdict == credit_rules.PASS


@given(
    amounts,
    amounts,
    st.integers(0, 90),
    st.sampled_from(sorted(filter(None, limits.CLASS_FACTORS))),
)
def test_a_worse_class_is_never_suggested_more(sales, bureau, terms, risk_class):
    figures = limits.Figures(
        annual_sales=sales,
        terms_days=terms,
        bureau_limit=bureau,
        risk_class=risk_class,
    )
    suggested = limits.suggest_limit(figures)
    assert suggested.amount <= min(bureau, max(way.amount for way in suggested.ways))
    worse = limits.suggest_limit(replace(figures, risk_class="E"))
    assert worse.amount <= suggested.amount
