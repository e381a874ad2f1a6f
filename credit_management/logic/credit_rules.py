"""Whether an order may go on: the credit rules, and the verdict with all its reasons.

Facts of a customer and a document go in, a verdict comes out: pass, warn or hold. Each
rule shows its value against its threshold, so that whoever decides sees what was asked.
Amounts are decimals in the currency of the company.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .exposure import compute_utilisation

ZERO = Decimal(0)

PASS, WARN, HOLD = "pass", "warn", "hold"
_SEVERITY = (PASS, WARN, HOLD)

# What a rule looks at.
UTILISATION = "utilisation"
ORDER_AMOUNT = "order_amount"
DAYS_OVERDUE = "days_overdue"
OVERDUE_AMOUNT = "overdue_amount"
LEVEL_HOLDS = "level_holds"
SCORE_BELOW = "score_below"
BROKEN_PROMISES = "broken_promises"
COVER_ENDED = "cover_ended"
MANUAL = "manual"

# A rule trips when its value is above its threshold, these when it is below.
_BELOW = {SCORE_BELOW}
# Whether they trip is in the fact itself: they have no threshold.
_FLAGS = {LEVEL_HOLDS, COVER_ENDED}


@dataclass(frozen=True, slots=True)
class Rule:
    """One check.

    :param kind: what it looks at
    :param threshold: tripped above it (a score: below it)
    :param verdict: what it says when it trips
    :param scope: how close it is to the customer: 0 for the customer itself, 1 for a
        tag or class, 2 for all. Of the rules of a kind only the closest count.
    """

    ref: Hashable
    kind: str
    threshold: Decimal = ZERO
    verdict: str = HOLD
    scope: int = 2


@dataclass(frozen=True, slots=True)
class Facts:
    """A customer on the moment an order is confirmed.

    :param exposure: without the order itself
    :param limit: none when there is none
    :param order_amount: what the order adds to the exposure; zero for one that is paid
    :param days_overdue: of the oldest item that is overdue, beyond what is under way
    :param score: none when there is not enough history for one
    :param manual_reason: why a person holds all orders; empty when nobody does
    """

    exposure: Decimal = ZERO
    limit: Decimal | None = None
    order_amount: Decimal = ZERO
    days_overdue: int = 0
    overdue_amount: Decimal = ZERO
    level_holds: bool = False
    score: int | None = None
    broken_promises: int = 0
    cover_until: date | None = None
    manual_reason: str = ""
    is_prepaid: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """What one rule found.

    :param value: none when there is nothing to compare, then it passes
    """

    rule: Rule
    value: Decimal | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all rules say together: the worst of them, and each by itself."""

    checks: tuple[Check, ...] = ()

    @property
    def verdict(self) -> str:
        """Pass, warn or hold."""
        return max(
            (check.verdict for check in self.checks),
            key=_SEVERITY.index,
            default=PASS,
        )

    @property
    def reasons(self) -> tuple[Check, ...]:
        """The checks that do not pass, the gravest first."""
        tripped = [check for check in self.checks if check.verdict != PASS]
        return tuple(sorted(tripped, key=lambda check: -_SEVERITY.index(check.verdict)))


@dataclass(frozen=True, slots=True)
class Way:
    """What would let an order go on.

    :param kind: the check that it is about
    :param amount: what would have to be paid, or taken off the order; none where no
        amount helps
    """

    kind: str
    amount: Decimal | None = None


def find_ways_out(facts: Facts, verdict: Verdict) -> tuple[Way, ...]:
    """Return for each check that holds what would free the order.

    A limit is kept when the excess is paid or not ordered; an overdue amount when what
    is above the threshold is paid, and old items when all that is overdue is. Nothing
    that is paid changes a score, an insurance or what a person decided.

    >>> rules = [Rule(1, UTILISATION, Decimal(100)), Rule(2, DAYS_OVERDUE, Decimal(30))]
    >>> facts = Facts(Decimal(900), Decimal(1000), Decimal(300), 40, Decimal(250))
    >>> verdict = check_credit(facts, rules, date(2026, 5, 1))
    >>> [(way.kind, int(way.amount)) for way in find_ways_out(facts, verdict)]
    [('utilisation', 200), ('days_overdue', 250)]
    """
    ways = []
    for check in verdict.reasons:
        if check.verdict != HOLD:
            continue
        amount = None
        if check.rule.kind == UTILISATION:
            allowed = facts.limit * check.rule.threshold / 100
            amount = facts.exposure + facts.order_amount - allowed
        elif check.rule.kind == ORDER_AMOUNT:
            amount = facts.order_amount - check.rule.threshold
        elif check.rule.kind == OVERDUE_AMOUNT:
            amount = facts.overdue_amount - check.rule.threshold
        elif check.rule.kind in (DAYS_OVERDUE, LEVEL_HOLDS):
            amount = facts.overdue_amount
        ways.append(Way(check.rule.kind, amount))
    return tuple(ways)


def choose_rules(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return, of each kind, the rules that are closest to the customer.

    A manual hold is for one customer by itself and needs no rule.

    >>> general = Rule(1, UTILISATION, Decimal(100))
    >>> own = Rule(2, UTILISATION, Decimal(120), scope=0)
    >>> [rule.ref for rule in choose_rules([general, own])]
    [2]
    """
    rules = tuple(rules)
    closest = {}
    for rule in rules:
        closest[rule.kind] = min(rule.scope, closest.get(rule.kind, rule.scope))
    return tuple(rule for rule in rules if rule.scope == closest[rule.kind])


def check_credit(facts: Facts, rules: Iterable[Rule], today: date) -> Verdict:
    """Ask each rule; an order that is paid in advance passes them all.

    Even so a manual hold holds it: a person said so, and only a person takes it back.

    >>> today = date(2026, 5, 1)
    >>> rules = [
    ...     Rule(1, UTILISATION, Decimal(100)),
    ...     Rule(2, UTILISATION, Decimal(80), WARN),
    ... ]
    >>> facts = Facts(Decimal(700), Decimal(1000), order_amount=Decimal(100))
    >>> check_credit(facts, rules, today).verdict
    'pass'
    >>> facts = Facts(Decimal(700), Decimal(1000), order_amount=Decimal(200))
    >>> verdict = check_credit(facts, rules, today)
    >>> verdict.verdict, [int(check.value) for check in verdict.reasons]
    ('warn', [90])
    >>> check_credit(Facts(Decimal(999), Decimal(10)), rules, today).verdict
    'hold'
    >>> check_credit(Facts(Decimal(999), Decimal(10), is_prepaid=True), rules, today)
    Verdict(checks=())
    >>> held = Facts(manual_reason="bankrupt", is_prepaid=True)
    >>> check_credit(held, [], today).verdict
    'hold'
    """
    checks = []
    if facts.manual_reason:
        rule = Rule(None, MANUAL, verdict=HOLD, scope=0)
        checks.append(Check(rule, None, HOLD))
    if not facts.is_prepaid:
        checks += [_ask(rule, facts, today) for rule in choose_rules(rules)]
    return Verdict(tuple(checks))


def _ask(rule, facts, today):
    value = _VALUES[rule.kind](facts, today)
    if value is None:
        trips = False
    elif rule.kind in _FLAGS:
        trips = value > 0
    elif rule.kind in _BELOW:
        trips = value < rule.threshold
    else:
        trips = value > rule.threshold
    return Check(rule, value, rule.verdict if trips else PASS)


def _find_utilisation(facts, _today):
    return compute_utilisation(facts.limit, facts.exposure + facts.order_amount)


def _find_score(facts, _today):
    return None if facts.score is None else Decimal(facts.score)


def _find_days_uncovered(facts, today):
    if facts.cover_until is None:
        return None
    return Decimal(max((today - facts.cover_until).days, 0))


# What each kind of rule compares; none where there is nothing to compare.
_VALUES = {
    UTILISATION: _find_utilisation,
    ORDER_AMOUNT: lambda facts, _today: facts.order_amount,
    DAYS_OVERDUE: lambda facts, _today: Decimal(facts.days_overdue),
    OVERDUE_AMOUNT: lambda facts, _today: facts.overdue_amount,
    LEVEL_HOLDS: lambda facts, _today: Decimal(facts.level_holds),
    SCORE_BELOW: _find_score,
    BROKEN_PROMISES: lambda facts, _today: Decimal(facts.broken_promises),
    COVER_ENDED: _find_days_uncovered,
}


def must_ask_again(released: Decimal, amount: Decimal, percent: Decimal) -> bool:
    """Say whether a released order has grown so much that it is checked again.

    :param released: what the order came to when it was released
    :param percent: by how much it may grow

    >>> must_ask_again(Decimal(100), Decimal(110), Decimal(10))
    False
    >>> must_ask_again(Decimal(100), Decimal("110.01"), Decimal(10))
    True
    """
    return amount > released * (100 + percent) / 100
