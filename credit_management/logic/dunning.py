"""Who is chased, at which level, and why the others are left alone.

``decide`` is the one rule. The nightly run, the preview on a customer, "next step in
words", the simulation of today and the replay of the past all call it; no view and no
SQL repeats it. It takes what is known of one customer, a policy and the day, and gives
for **every** open item exactly one outcome: chased at a level, or left alone for one
stated reason, with the first day on which it could be chased.

A new kind of fact (a dispute, a promise, a plan, a law) needs no change here: the
caller gathers it as ``Withheld``, with its reason, its amount and its last day.

Money is ``Decimal`` in the currency of the document. Amounts of different currencies
are never added; minimum amounts, which policies state in the currency of the company,
are compared through ``Customer.rates``.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from .workdays import EVERY_DAY, WorkCalendar, days_after

ZERO = Decimal(0)
ONE = Decimal(1)

# === OUTCOMES === #

CHASED = "chased"

# Reasons of an item. Further ones arrive from the caller as ``Withheld.reason``.
PAID = "paid"
PAYMENT_UNDER_WAY = "payment_under_way"
NO_DUE_DATE = "no_due_date"
NOT_DUE = "not_due"
DUE_TODAY = "due_today"
WITHIN_GRACE = "within_grace"
WAITING = "waiting"
LAST_LEVEL = "last_level"
# Reasons of a customer or of a message.
NO_POLICY = "no_policy"
NET_CREDIT = "net_credit"
BELOW_MINIMUM = "below_minimum"
RECEIPT_UNMATCHED = "receipt_unmatched"
TOO_SOON = "too_soon"
NOT_WORKING_DAY = "not_working_day"

# Reasons that callers give through ``Withheld``; named here so that there is one list.
DISPUTED = "disputed"
DISPUTE_ANSWERED = "dispute_answered"  # rejected: a new day to pay was given
PROMISED = "promised"
PLANNED = "planned"  # paid in parts, by a payment plan
EXCLUDED = "excluded"
NO_FOLLOWUP = "no_followup"
BLOCKED = "blocked"
PAUSED = "paused"
IN_OPEN_RUN = "in_open_run"
ARCHIVED = "archived"
UNDELIVERABLE = "undeliverable"
REFUND_UNMATCHED = "refund_unmatched"

REASONS = (
    PAID,
    PAYMENT_UNDER_WAY,
    NO_DUE_DATE,
    NOT_DUE,
    DUE_TODAY,
    DISPUTED,
    DISPUTE_ANSWERED,
    PROMISED,
    PLANNED,
    EXCLUDED,
    NO_FOLLOWUP,
    BLOCKED,
    IN_OPEN_RUN,
    PAUSED,
    ARCHIVED,
    UNDELIVERABLE,
    REFUND_UNMATCHED,
    NO_POLICY,
    NET_CREDIT,
    WITHIN_GRACE,
    LAST_LEVEL,
    WAITING,
    RECEIPT_UNMATCHED,
    BELOW_MINIMUM,
    TOO_SOON,
    NOT_WORKING_DAY,
)

# === FACTS === #


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why an item, or part of it, or a customer must be left alone.

    :param reason: a code that the caller can put into words
    :param amount: the part that is withheld, in the currency of the item, positive;
        ``None`` for the whole item
    :param until: the last day on which it holds; ``None`` until a person lifts it
    """

    reason: str
    amount: Decimal | None = None
    until: date | None = None

    def holds_on(self, today: date) -> bool:
        """Say whether it still holds.

        >>> Withheld("paused", until=date(2026, 5, 12)).holds_on(date(2026, 5, 12))
        True
        >>> Withheld("paused", until=date(2026, 5, 12)).holds_on(date(2026, 5, 13))
        False
        """
        return self.until is None or today <= self.until


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A posted receivable line that is not reconciled in full.

    :param ref: the caller's own handle
    :param due_date: of the line, thus of one instalment
    :param residual: open in the ledger, in ``currency``
    :param under_way: money under way for it, see ``open_amount.spread_payments``
    :param contact: who gets the message about it
    :param document: its invoice
    :param level: last dunning level whose message left (ref of the level)
    :param earlier_levels: dunning levels whose messages left before that one; a changed
        policy repeats none of them
    :param rank: how many dunning levels that makes; used where a changed policy does
        not have these levels any more
    :param level_date: day on which that message left
    :param reminder: last notice before the due date (ref of the level)
    """

    ref: Hashable
    due_date: date | None
    residual: Decimal
    currency: Hashable
    under_way: Decimal = ZERO
    contact: Hashable = None
    document: Hashable = None
    level: Hashable = None
    rank: int = 0
    level_date: date | None = None
    reminder: Hashable = None
    withheld: tuple = ()
    earlier_levels: tuple = ()


@dataclass(frozen=True, slots=True)
class Credit:
    """Money of the customer that is not applied yet: a credit note or a receipt.

    :param amount: positive, in ``currency``
    """

    ref: Hashable
    currency: Hashable
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Customer:
    """All that the rule wants to know of one customer of one company.

    :param last_message: day of the last automatic message, on any channel
    :param receipts: per currency, money in the bank of this customer that nobody has
        matched yet; empty where the company does not want this guard
    :param rates: per currency, value of one unit in the company's currency; 1 where
        missing
    """

    ref: Hashable
    items: tuple = ()
    credits: tuple = ()
    withheld: tuple = ()
    last_message: date | None = None
    receipts: Mapping = field(default_factory=dict)
    rates: Mapping = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a policy.

    :param delay_days: days after the due date; negative for a notice before it
    :param min_days_after_previous: days since the message of the level before; one at
        the least
    :param deadline_days: days the customer is given to pay
    :param minimum_amount: least claim of the message, in the company's currency
    :param is_reminder: a notice before the due date, which is no dunning level
    """

    ref: Hashable
    delay_days: int
    min_days_after_previous: int = 0
    deadline_days: int = 0
    minimum_amount: Decimal = ZERO
    is_reminder: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How a kind of customer is followed up; the levels are in order.

    :param grace_days: days after the due date on which an item does not count as late
    :param min_interval_days: least days between two automatic messages to a customer
    :param minimum_amount: least claim of a message, in the company's currency
    :param bundle_by_document: one message an invoice instead of one a contact
    :param calendar: the days on which messages go out and payments may fall due
    """

    levels: tuple = ()
    grace_days: int = 0
    min_interval_days: int = 0
    minimum_amount: Decimal = ZERO
    bundle_by_document: bool = False
    calendar: WorkCalendar = EVERY_DAY
    reminders: tuple = field(init=False, repr=False, compare=False)
    dunning_levels: tuple = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        # Sorted out once: asked for at each item.
        reminders = tuple(level for level in self.levels if level.is_reminder)
        dunning = tuple(level for level in self.levels if not level.is_reminder)
        object.__setattr__(self, "reminders", reminders)
        object.__setattr__(self, "dunning_levels", dunning)


# === DECISION === #


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to one open item today.

    :param reason: ``CHASED`` or the one reason why not
    :param amount: what is claimed or left alone, in the currency of the item: the
        residual less money under way, and less a part that is in dispute
    :param level: the level at which it is chased (``Level``)
    :param rank: how many dunning levels the item has had once this message left
    :param next_date: first day on which it could be chased if nothing else changed;
        ``None`` where only a person or another document can change it
    """

    item: OpenItem
    reason: str
    amount: Decimal
    level: Level | None = None
    rank: int = 0
    next_date: date | None = None

    @property
    def is_chased(self) -> bool:
        return self.reason == CHASED


@dataclass(frozen=True, slots=True)
class Message:
    """One message: to one contact, in one currency, at the highest level reached.

    :param chased: outcomes of the items that rise to a level with this message
    :param carried: outcomes of overdue items claimed along without a new level: chased
        before and still open, or too little for the minimum of their own next level
    :param credits: pairs of (credit, part of it that is netted here)
    :param claim: overdue amount asked for, net of the credits; a message of nothing
        but notices before the due date claims nothing and carries nothing
    :param pay_by: last day to pay, a working day
    """

    contact: Hashable
    currency: Hashable
    level: Level
    chased: tuple
    carried: tuple
    credits: tuple
    claim: Decimal
    pay_by: date


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of every item, in the order of the facts, and the messages.

    The message at the highest level comes first.
    """

    outcomes: tuple
    messages: tuple


# === THE RULE === #


def decide(customer: Customer, policy: Policy | None, today: date) -> Decision:
    """Decide for every open item of a customer what happens today.

    Days compare with ≥, so that a missed night skips nobody. Levels are taken in order
    and an item rises by one level a message, so that after an outage one message goes
    and not a flood.

    The edges of the first level, three days after the due date:

    >>> from dataclasses import replace
    >>> policy = Policy(levels=(
    ...     Level("notice", -3, is_reminder=True),
    ...     Level("first", 3), Level("second", 10, min_days_after_previous=5),
    ... ), min_interval_days=5)
    >>> item = OpenItem(1, date(2026, 5, 10), Decimal(100), "EUR")
    >>> def on(day, policy=policy, **facts):
    ...     known = Customer("Azure", items=(replace(item, **facts),))
    ...     outcome = decide(known, policy, date(2026, 5, day)).outcomes[0]
    ...     return outcome.reason, outcome.level and outcome.level.ref
    >>> on(6), on(7)
    (('not_due', None), ('chased', 'notice'))
    >>> on(9, reminder="notice"), on(10), on(12), on(13)
    (('not_due', None), ('due_today', None), ('waiting', None), ('chased', 'first'))

    The second level needs ten days and five days since the first one:

    >>> late = {"level": "first", "rank": 1}
    >>> on(19, level_date=date(2026, 5, 13), **late)
    ('waiting', None)
    >>> on(20, level_date=date(2026, 5, 13), **late)
    ('chased', 'second')
    >>> on(20, level_date=date(2026, 5, 16), **late)
    ('waiting', None)
    >>> on(21, level_date=date(2026, 5, 16), **late)
    ('chased', 'second')
    >>> on(31, level="second", rank=2, level_date=date(2026, 5, 20))
    ('last_level', None)

    With three days of grace the item is not late before the fourth day:

    >>> graceful = replace(policy, grace_days=3)
    >>> on(13, graceful), on(14, graceful)
    (('within_grace', None), ('chased', 'first'))
    """
    verdicts = [_own_verdict(item, customer, policy, today) for item in customer.items]
    open_verdicts = [verdict for verdict in verdicts if verdict.may_go]
    spare = _leave_net_credit(open_verdicts, customer, policy, today)
    for verdict in open_verdicts:
        if verdict.may_go and verdict.is_overdue:
            _take_level(verdict, customer, policy, today)
    drafts = _draft_messages(verdicts, customer, policy, today, spare)
    outcomes = {id(verdict): verdict.to_outcome() for verdict in verdicts}
    return Decision(
        outcomes=tuple(outcomes[id(verdict)] for verdict in verdicts),
        messages=tuple(draft.to_message(outcomes, policy, today) for draft in drafts),
    )


class _Verdict:
    """What is found out, step by step, about one item."""

    __slots__ = ("item", "amount", "reason", "level", "rank", "next_date", "is_overdue")

    def __init__(self, item, amount):
        self.item = item
        self.amount = amount
        self.reason = None
        self.level = None
        self.rank = item.rank
        self.next_date = None
        self.is_overdue = False

    @property
    def may_go(self):
        return self.reason is None

    def leave(self, reason, next_date=None):
        self.reason = reason
        self.level = None
        self.rank = self.item.rank
        self.next_date = next_date

    def to_outcome(self):
        return Outcome(
            item=self.item,
            reason=self.reason or CHASED,
            amount=self.amount,
            level=self.level,
            rank=self.rank,
            next_date=self.next_date,
        )


def _own_verdict(item, customer, policy, today):
    """Look at the item alone, and at what holds for every item of the customer."""
    open_amount = item.residual - item.under_way
    claimable = _claimable(item, today)
    verdict = _Verdict(item, claimable if claimable > 0 else open_amount)
    reason = None
    if item.residual <= 0:
        reason = PAID
        verdict.amount = item.residual
    elif open_amount <= 0:
        reason = PAYMENT_UNDER_WAY
        verdict.amount = item.residual
    elif item.due_date is None:
        reason = NO_DUE_DATE
    elif claimable <= 0:
        in_force = [held for held in item.withheld if held.holds_on(today)]
        # What withholds the whole item says more than what withholds a part of it.
        reason = min(in_force, key=lambda held: held.amount is not None).reason
    elif today == item.due_date:
        reason = DUE_TODAY
    elif today < item.due_date:
        verdict.level = _reminder_reached(item, policy, today)
        reason = None if verdict.level else NOT_DUE
    if reason is None:
        held = next((held for held in customer.withheld if held.holds_on(today)), None)
        if held:
            reason = held.reason
        elif not verdict.level and (policy is None or not policy.dunning_levels):
            reason = NO_POLICY
    if reason is None:
        verdict.is_overdue = today > item.due_date
    else:
        verdict.leave(reason, _next_day(item, customer, policy, today))
    return verdict


def get_disputed(item: OpenItem, day: date) -> Decimal:
    """Return how much of an item is in dispute on a day, in its currency.

    >>> item = OpenItem(1, date(2026, 5, 10), Decimal(100), "EUR", withheld=(
    ...     Withheld("disputed", Decimal(30)), Withheld("excluded"),
    ...     Withheld("disputed", Decimal(20), until=date(2026, 5, 12)),
    ... ))
    >>> get_disputed(item, date(2026, 5, 12)), get_disputed(item, date(2026, 5, 13))
    (Decimal('50'), Decimal('30'))
    """
    return sum_disputed(item.withheld, item.residual, day)


def sum_disputed(withheld: Iterable[Withheld], residual: Decimal, day: date) -> Decimal:
    """Return how much is in dispute on a day: never more than what is open.

    >>> day = date(2026, 5, 12)
    >>> sum_disputed([Withheld("disputed", Decimal(80))], Decimal(50), day)
    Decimal('50')
    >>> sum_disputed([Withheld("disputed")], Decimal(50), day)
    Decimal('50')
    """
    parts = (
        residual if held.amount is None else held.amount
        for held in withheld
        if held.reason == DISPUTED and held.holds_on(day)
    )
    return min(sum(parts, ZERO), max(residual, ZERO))


def _claimable(item, day):
    """Return what nobody withholds of an item on a day; zero or less for nothing."""
    if not item.withheld:
        return item.residual - item.under_way
    in_force = [held for held in item.withheld if held.holds_on(day)]
    if any(held.amount is None for held in in_force):
        return ZERO
    withheld = sum((held.amount for held in in_force), ZERO)
    return item.residual - item.under_way - withheld


def _leave_net_credit(verdicts, customer, policy, today):
    """Leave alone a customer whose overdue items net to a credit, per currency.

    :return: per currency, what the credits exceed the overdue items by
    """
    credit: dict = {}
    for held in customer.credits:
        credit[held.currency] = credit.get(held.currency, ZERO) + held.amount
    overdue: dict = {}
    for verdict in verdicts:
        if verdict.is_overdue:
            currency = verdict.item.currency
            overdue[currency] = overdue.get(currency, ZERO) + verdict.amount
    for verdict in verdicts:
        currency = verdict.item.currency
        if verdict.is_overdue and overdue[currency] <= credit.get(currency, ZERO):
            day = _next_chance(verdict, customer, policy, today)
            verdict.leave(NET_CREDIT, day)
    return {
        currency: max(amount - overdue.get(currency, ZERO), ZERO)
        for currency, amount in credit.items()
    }


def _take_level(verdict, customer, policy, today):
    """Find the level that an overdue item has reached."""
    item = verdict.item
    level, rank = _next_level(item, policy)
    if (today - item.due_date).days <= policy.grace_days:
        verdict.leave(WITHIN_GRACE, _next_day(item, customer, policy, today))
    elif level is None:
        verdict.leave(LAST_LEVEL)
    elif today < _level_day(item, level):
        verdict.leave(WAITING, _next_day(item, customer, policy, today))
    else:
        verdict.level, verdict.rank = level, rank


# === LEVELS AND DAYS === #


def _next_level(item, policy):
    """Return the level after those already sent, with the rank that it makes."""
    levels = policy.dunning_levels
    refs = [level.ref for level in levels]
    sent = {item.level, *item.earlier_levels}
    places = [place for place, ref in enumerate(refs, start=1) if ref in sent]
    reached = max(places, default=item.rank)
    # A changed policy moves the places of its levels, but never a rank.
    if reached < len(levels):
        return levels[reached], item.rank + 1
    return None, item.rank


def _level_day(item, level):
    """Return the first day of a level, by the due date and the level before."""
    day = days_after(item.due_date, level.delay_days)
    if item.level_date is not None:
        # A day at the least: a second run on the same day sends no second level.
        gap = max(level.min_days_after_previous, 1)
        day = max(day, days_after(item.level_date, gap))
    return day


def _reminders_left(item, policy):
    """Return the notices before the due date that the item has not had."""
    reminders = policy.reminders if policy else ()
    if item.reminder is None:
        return reminders
    refs = [level.ref for level in reminders]
    # A notice by a level that is gone was a notice all the same: one is enough.
    done = refs.index(item.reminder) + 1 if item.reminder in refs else len(refs)
    return reminders[done:]


def _reminder_reached(item, policy, today):
    """Return the latest notice whose day has come; a missed one is not made up for."""
    reached = [
        level
        for level in _reminders_left(item, policy)
        if today >= days_after(item.due_date, level.delay_days)
    ]
    return reached[-1] if reached else None


def _interval_day(customer, policy):
    """Return the first day on which the customer may get a message again."""
    if customer.last_message is None or not policy.min_interval_days:
        return None
    return days_after(customer.last_message, policy.min_interval_days)


def _free_day(item, customer, start):
    """Return the first day on which neither item nor customer is withheld, if any."""
    if not item.withheld and not customer.withheld:
        return start if item.residual > item.under_way else None
    held_back = (*item.withheld, *customer.withheld)
    untils = {held.until for held in held_back if held.until and held.until >= start}
    for day in sorted({start} | {days_after(until, 1) for until in untils}):
        paused = any(held.holds_on(day) for held in customer.withheld)
        if not paused and _claimable(item, day) > 0:
            return day
    return None


def _next_day(item, customer, policy, start):
    """Return the first day, from ``start`` on, on which the item could be chased.

    ``None`` where a person has to lift something, or where no level is left.
    """
    free_day = _free_day(item, customer, start)
    if policy is None or item.due_date is None or free_day is None:
        return None
    start = max(free_day, _interval_day(customer, policy) or free_day)
    for level in _reminders_left(item, policy):
        day = max(start, days_after(item.due_date, level.delay_days))
        day = policy.calendar.next_working_day(day)
        if day < item.due_date:
            return day
    level, _rank = _next_level(item, policy)
    if level is None:
        return None
    out_of_grace = days_after(item.due_date, max(policy.grace_days, 0) + 1)
    day = max(start, out_of_grace, _level_day(item, level))
    return policy.calendar.next_working_day(day)


def _next_chance(verdict, customer, policy, today):
    """Return the first day on which time alone helps where too little is claimed.

    That is when a part is not withheld any more, or, for a notice before the due date,
    when the next level comes.
    """
    item = verdict.item
    held_back = [held for held in item.withheld if held.until and held.holds_on(today)]
    starts = [(item, days_after(held.until, 1)) for held in held_back]
    if not verdict.is_overdue:
        starts.append((replace(item, reminder=verdict.level.ref), today))
    days = [_next_day(later, customer, policy, start) for later, start in starts]
    return min((day for day in days if day), default=None)


# === MESSAGES === #


class _Draft:
    """A message in the making: what rises, what is claimed along, what is netted."""

    __slots__ = (
        "contact",
        "currency",
        "rank",
        "overdue",
        "notices",
        "carried",
        "credits",
        "claim",
    )

    def __init__(self, contact, currency):
        self.contact = contact
        self.currency = currency
        self.rank = 0
        self.overdue = []
        self.notices = []
        self.carried = []
        self.credits = ()
        self.claim = ZERO

    @property
    def chased(self):
        return [v for v in self.overdue + self.notices if v.may_go]

    def add(self, verdict):
        rank = verdict.item.rank
        self.rank = max(self.rank, rank)
        if verdict.may_go:
            (self.overdue if verdict.is_overdue else self.notices).append(verdict)
        elif rank > 0 and verdict.reason in (WAITING, LAST_LEVEL):
            self.carried.append(verdict)

    def leading_level(self):
        """The highest level; among notices only, the one closest to the due date."""
        return max((verdict.level for verdict in self.chased), key=_get_height)

    def to_message(self, outcomes, policy, today):
        level = self.leading_level()
        pay_by = days_after(today, level.deadline_days)
        return Message(
            contact=self.contact,
            currency=self.currency,
            level=level,
            chased=tuple(outcomes[id(verdict)] for verdict in self.chased),
            carried=tuple(outcomes[id(verdict)] for verdict in self.carried),
            credits=self.credits,
            claim=self.claim,
            pay_by=policy.calendar.next_working_day(pay_by),
        )


def _draft_messages(verdicts, customer, policy, today, spare):
    """Group by contact, currency and invoice, net the credits, hold back the rest.

    The group that was chased furthest is the first to be netted. This order rests on
    the facts alone: if it followed from what is chased today, to leave one item alone
    could move a credit and raise the claim on another.
    """
    groups: dict = {}
    for verdict in verdicts:
        item = verdict.item
        document = item.document if policy and policy.bundle_by_document else None
        key = (item.contact, item.currency, document)
        groups.setdefault(key, _Draft(item.contact, item.currency)).add(verdict)
    order = sorted(groups, key=lambda key: (-groups[key].rank, str(key)))
    left = {held.ref: held.amount for held in customer.credits}
    for draft in (groups[key] for key in order):
        net = _net(draft, customer, left) if draft.overdue else ZERO
        for verdict in draft.overdue:
            _hold_back(verdict, net, customer, policy, today)
        if any(verdict.may_go for verdict in draft.overdue):
            # Held back at its own level, it is still overdue: it is claimed along.
            draft.carried += [v for v in draft.overdue if not v.may_go]
            draft.claim = net
        else:
            draft.carried, draft.credits = [], ()
        upcoming = sum((verdict.amount for verdict in draft.notices), ZERO)
        upcoming -= spare.get(draft.currency, ZERO)
        for verdict in draft.notices:
            _hold_back(verdict, draft.claim + upcoming, customer, policy, today)
    drafts = [groups[key] for key in order if groups[key].chased]
    return sorted(
        drafts, key=lambda draft: _get_height(draft.leading_level()), reverse=True
    )


def _get_height(level):
    return (not level.is_reminder, level.delay_days)


def _net(draft, customer, left):
    """Take what is left of the customer's credits off the overdue amount.

    :return: what remains to be claimed, never below zero
    """
    net = sum((verdict.amount for verdict in draft.overdue + draft.carried), ZERO)
    netted = []
    for held in customer.credits:
        part = min(left[held.ref], net) if held.currency == draft.currency else ZERO
        if part > 0:
            netted.append((held, part))
            left[held.ref] -= part
            net -= part
    draft.credits = tuple(netted)
    return net


def _hold_back(verdict, claim, customer, policy, today):
    """State the first thing that speaks against a message with this claim."""
    item = verdict.item
    receipt = customer.receipts.get(item.currency, ZERO)
    value = claim * customer.rates.get(item.currency, ONE)
    minimum = max(policy.minimum_amount, verdict.level.minimum_amount)
    interval_day = _interval_day(customer, policy)
    if claim <= 0:
        verdict.leave(NET_CREDIT, _next_chance(verdict, customer, policy, today))
    elif receipt >= claim:
        verdict.leave(RECEIPT_UNMATCHED, _next_chance(verdict, customer, policy, today))
    elif value < minimum:
        verdict.leave(BELOW_MINIMUM, _next_chance(verdict, customer, policy, today))
    elif interval_day and today < interval_day:
        verdict.leave(TOO_SOON, _next_day(item, customer, policy, today))
    elif today < policy.calendar.next_working_day(today):
        verdict.leave(NOT_WORKING_DAY, _next_day(item, customer, policy, today))


def find_next_level(item: OpenItem, policy: Policy, day: date) -> Level | None:
    """Return the level at which an item would be chased on a day, if it may be.

    >>> policy = Policy(levels=(Level("notice", -3, is_reminder=True), Level("1", 3)))
    >>> item = OpenItem(1, date(2026, 5, 10), Decimal(100), "EUR")
    >>> find_next_level(item, policy, date(2026, 5, 8)).ref
    'notice'
    >>> find_next_level(item, policy, date(2026, 5, 13)).ref
    '1'
    """
    if item.due_date is not None and day < item.due_date:
        return _reminder_reached(item, policy, day)
    return _next_level(item, policy)[0]
