"""For which customers a person of ours must do something today, and who that is.

``find_reasons`` is the rule of the work list: what waits for us on a customer, the most
pressing first. A customer for whom nothing waits is not on the list: one who is paused,
left out, in time, or whose next step comes by itself.

What waits comes from three sides. Letters and activities say themselves that they wait
for a person. What the ledger shows is found by ``find_ledger_work`` from what was
decided of each overdue item; it rests while a next step is planned, and for some days
after a person has dealt with it.

Money is ``Decimal``, in the company's currency.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from . import dunning

ZERO = Decimal(0)

# === WHO MUST ACT === #

COLLECTOR = "collector"
BOOKKEEPING = "bookkeeping"
MANAGER = "manager"
CUSTOMER = "customer"
NOBODY = "nobody"  # it changes by itself
HOUSE = (COLLECTOR, BOOKKEEPING, MANAGER)

# Who must act on an item that is left alone. A reason of another module adds its own.
ACTORS = {
    dunning.PAID: NOBODY,
    dunning.PAYMENT_UNDER_WAY: NOBODY,
    dunning.NO_DUE_DATE: BOOKKEEPING,
    dunning.NOT_DUE: CUSTOMER,
    dunning.DUE_TODAY: CUSTOMER,
    dunning.DISPUTED: COLLECTOR,
    dunning.DISPUTE_ANSWERED: CUSTOMER,
    dunning.PROMISED: CUSTOMER,
    dunning.PLANNED: CUSTOMER,
    dunning.EXCLUDED: COLLECTOR,
    dunning.NO_FOLLOWUP: BOOKKEEPING,
    dunning.BLOCKED: BOOKKEEPING,
    dunning.IN_OPEN_RUN: COLLECTOR,
    dunning.PAUSED: NOBODY,
    dunning.ARCHIVED: COLLECTOR,
    dunning.UNDELIVERABLE: COLLECTOR,
    dunning.REFUND_UNMATCHED: BOOKKEEPING,
    dunning.NO_POLICY: MANAGER,
    dunning.NET_CREDIT: BOOKKEEPING,
    dunning.WITHIN_GRACE: CUSTOMER,
    dunning.LAST_LEVEL: COLLECTOR,
    dunning.WAITING: CUSTOMER,
    dunning.RECEIPT_UNMATCHED: BOOKKEEPING,
    dunning.BELOW_MINIMUM: CUSTOMER,
    dunning.TOO_SOON: NOBODY,
    dunning.NOT_WORKING_DAY: NOBODY,
}


def find_actor(reason: str, until: date | None = None) -> str:
    """Return who must act on an item left alone for this reason.

    What ends by itself on a day waits for that day. An unknown reason is ours to look
    at: nobody else would.

    >>> find_actor("no_policy"), find_actor("excluded")
    ('manager', 'collector')
    >>> find_actor("excluded", until=date(2026, 5, 20)), find_actor("of another module")
    ('nobody', 'collector')
    """
    actor = ACTORS.get(reason, COLLECTOR)
    return NOBODY if until and actor in HOUSE else actor


# === WHAT WAITS === #

LETTER_UNKNOWN = "letter_unknown"
BROKEN_PROMISE = "broken_promise"
CALL_DUE = "call_due"
LETTER_FAILED = "letter_failed"
TASK_DUE = "task_due"
RECEIPT = "receipt"
ALL_LEVELS = "all_levels"
NEW_LARGE = "new_large"
NO_EMAIL = "no_email"
NO_POLICY = "no_policy"
ARCHIVED = "archived"
NO_DUE_DATE = "no_due_date"
NET_CREDIT = "net_credit"
REFUND = "refund"
REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a customer is on the work list.

    :param actor: who must act
    :param points: how much it weighs: who has most comes first on the list
    :param rests: it comes from the ledger: it rests while a next step is planned, and
        after somebody has dealt with it
    """

    code: str
    actor: str
    points: int
    rests: bool = False


# The most pressing first: what is said first of a customer is the main reason.
REASONS = (
    Reason(LETTER_UNKNOWN, COLLECTOR, 50),
    Reason(BROKEN_PROMISE, COLLECTOR, 40),
    Reason(CALL_DUE, COLLECTOR, 40),
    Reason(LETTER_FAILED, COLLECTOR, 30),
    Reason(TASK_DUE, COLLECTOR, 25),
    # Before anybody asks for money, look at whether it has come.
    Reason(RECEIPT, BOOKKEEPING, 25, rests=True),
    Reason(ALL_LEVELS, COLLECTOR, 30, rests=True),
    Reason(NEW_LARGE, COLLECTOR, 30, rests=True),
    Reason(NO_EMAIL, COLLECTOR, 15, rests=True),
    Reason(NO_POLICY, MANAGER, 15, rests=True),
    Reason(ARCHIVED, COLLECTOR, 10, rests=True),
    Reason(NO_DUE_DATE, BOOKKEEPING, 10, rests=True),
    Reason(NET_CREDIT, BOOKKEEPING, 10, rests=True),
    Reason(REFUND, BOOKKEEPING, 10, rests=True),
    # Reviewed in the run, together with all others: not customer by customer.
    Reason(REVIEW, COLLECTOR, 5),
)
BY_CODE = {reason.code: reason for reason in REASONS}

REST_DAYS = 7  # what a person has dealt with comes back after so many days

# What a reason for leaving an item alone asks of us.
WORK_OF_SILENCE = {
    dunning.RECEIPT_UNMATCHED: RECEIPT,
    dunning.LAST_LEVEL: ALL_LEVELS,
    dunning.NO_POLICY: NO_POLICY,
    dunning.ARCHIVED: ARCHIVED,
    dunning.NO_DUE_DATE: NO_DUE_DATE,
    dunning.NET_CREDIT: NET_CREDIT,
    dunning.REFUND_UNMATCHED: REFUND,
}
# Nothing but time stands between the item and its next message.
MESSAGE_COMES = {
    dunning.CHASED,
    dunning.IN_OPEN_RUN,
    dunning.WAITING,
    dunning.WITHIN_GRACE,
    dunning.TOO_SOON,
    dunning.NOT_WORKING_DAY,
}
NEW_DAYS = 14  # late for no longer than this is newly late


@dataclass(frozen=True, slots=True)
class LateItem:
    """An overdue item and what was decided of it.

    :param reason: of its outcome, see ``dunning``
    :param amount: in the company's currency
    :param rank: dunning levels it has had
    :param pay_by: last day to pay that its last message gave
    :param is_reachable: its next message has an address to go to
    """

    reason: str
    amount: Decimal
    due_date: date | None
    rank: int = 0
    pay_by: date | None = None
    is_reachable: bool = True


def find_ledger_work(
    items: Iterable[LateItem],
    receipts: Decimal,
    today: date,
    large_amount: Decimal = Decimal(10000),
) -> dict[str, date]:
    """Return what the overdue items of a customer ask of us, and from which day on.

    A day may lie ahead: the last level asks of us once its time to pay is over.

    :param receipts: money in the bank that nobody has matched
    :param large_amount: newly late from which on a person is asked; zero for never

    >>> due, today = date(2026, 5, 1), date(2026, 5, 13)
    >>> find_ledger_work([LateItem("waiting", Decimal(90), due)], Decimal(0), today)
    {}
    >>> find_ledger_work([LateItem("waiting", Decimal(90), due)], Decimal(90), today)
    {'receipt': datetime.date(2026, 5, 13)}
    >>> find_ledger_work(
    ...     [LateItem("last_level", Decimal(90), due, 3, pay_by=date(2026, 5, 20))],
    ...     Decimal(0), today)
    {'all_levels': datetime.date(2026, 5, 21)}
    >>> find_ledger_work(
    ...     [LateItem("waiting", Decimal(20000), due, is_reachable=False)],
    ...     Decimal(0), today)
    {'no_email': datetime.date(2026, 5, 2), 'new_large': datetime.date(2026, 5, 2)}
    >>> find_ledger_work(
    ...     [LateItem("waiting", Decimal(20000), due)], Decimal(0), today, Decimal(0))
    {}
    """
    items = list(items)
    work: dict[str, date] = {}

    def ask(code, since):
        work[code] = min(work.get(code, since), since)

    for item in items:
        since = _late_since(item, today)
        code = WORK_OF_SILENCE.get(item.reason)
        if code == ALL_LEVELS:
            ask(code, dunning.days_after(item.pay_by, 1) if item.pay_by else since)
        elif code:
            ask(code, since)
        if item.reason in MESSAGE_COMES and not item.is_reachable:
            ask(NO_EMAIL, since)
    if items and ZERO < receipts >= sum((item.amount for item in items), ZERO):
        ask(RECEIPT, today)
    new = [item for item in items if _is_new(item, today)]
    if ZERO < large_amount <= sum((item.amount for item in new), ZERO):
        ask(NEW_LARGE, min(_late_since(item, today) for item in new))
    return work


def _late_since(item, today):
    return dunning.days_after(item.due_date, 1) if item.due_date else today


def _is_new(item, today):
    """Say whether an item has become late lately and nobody has asked for it yet."""
    return (
        item.reason in MESSAGE_COMES
        and item.rank == 0
        and item.due_date is not None
        and (today - item.due_date).days <= NEW_DAYS
    )


# === THE RULE === #


@dataclass(frozen=True, slots=True)
class Situation:
    """What stands on a customer at this moment.

    :param waiting: code of a reason -> since when it waits
    :param is_paused: nothing is done about the customer for now
    :param is_excluded: the whole customer is left out of dunning
    :param snoozed_until: first day on which it comes back to the list
    :param is_planned: an activity is planned for a later day
    :param done_date: day on which a person dealt with what the ledger showed
    :param done: codes that stood then
    """

    waiting: Mapping[str, date] = field(default_factory=dict)
    is_paused: bool = False
    is_excluded: bool = False
    snoozed_until: date | None = None
    is_planned: bool = False
    done_date: date | None = None
    done: frozenset = frozenset()


def find_reasons(situation: Situation, today: date) -> tuple[Reason, ...]:
    """Return why a customer is on the work list, the main reason first.

    >>> today = date(2026, 5, 13)
    >>> def codes(**facts):
    ...     return [reason.code for reason in find_reasons(Situation(**facts), today)]
    >>> codes()
    []
    >>> codes(waiting={"review": today, "call_due": today})
    ['call_due', 'review']
    >>> codes(waiting={"call_due": today}, is_paused=True)
    []
    >>> codes(waiting={"all_levels": date(2026, 5, 14)})
    []
    >>> codes(waiting={"all_levels": today, "letter_failed": today}, is_planned=True)
    ['letter_failed']

    Put off, it comes back on the day, whatever waits:

    >>> codes(waiting={"call_due": today}, snoozed_until=date(2026, 5, 14))
    []
    >>> codes(waiting={"call_due": today}, snoozed_until=today)
    ['call_due']

    What was dealt with rests for a week; what is new comes at once:

    >>> seen = {"done": frozenset(["all_levels"]), "waiting": {"all_levels": today}}
    >>> codes(done_date=date(2026, 5, 7), **seen)
    []
    >>> codes(done_date=date(2026, 5, 6), **seen)
    ['all_levels']
    >>> codes(done_date=today, done=frozenset(), waiting={"no_policy": today})
    ['no_policy']
    """
    if situation.is_paused or situation.is_excluded:
        return ()
    if situation.snoozed_until is not None and today < situation.snoozed_until:
        return ()
    return tuple(
        reason
        for reason in REASONS
        if reason.code in situation.waiting
        and situation.waiting[reason.code] <= today
        and not (reason.rests and _is_at_rest(situation, reason.code, today))
    )


def is_for_today(place: int, cap: int, done: int) -> bool:
    """Say whether a customer is one of those for today, or waits for tomorrow.

    :param place: on the list of its collector, the most pressing one is 1
    :param cap: so many customers a collector gets a day; 0 for no limit
    :param done: how many of its customers were dealt with today

    >>> is_for_today(2, cap=3, done=1), is_for_today(3, cap=3, done=1)
    (True, False)
    >>> is_for_today(500, cap=0, done=20)
    True
    """
    return cap <= 0 or place <= cap - done


def may_snooze(first: date | None, until: date, today: date, most_days: int) -> bool:
    """Say whether a customer may be put off until a day.

    The days count from the first time, until somebody has dealt with the customer:
    nobody is put off for ever, a day at a time.

    :param first: day on which it was first put off
    :param most_days: so many days at most

    >>> today = date(2026, 5, 13)
    >>> may_snooze(None, date(2026, 5, 20), today, 7)
    True
    >>> may_snooze(date(2026, 5, 12), date(2026, 5, 20), today, 7)
    False
    >>> may_snooze(None, today, today, 7)
    False
    """
    return today < until <= dunning.days_after(first or today, most_days)


def _is_at_rest(situation, code, today):
    if situation.is_planned:
        return True
    return (
        situation.done_date is not None
        and situation.done_date > today - timedelta(days=REST_DAYS)
        and code in situation.done
    )


# === HOW PRESSING IT IS === #

# What adds to the points of who is on the list, and puts nobody on it.
NO_REACTION = "no_reaction"
LIMIT_NEARLY_USED = "limit_nearly_used"
BROKE_BEFORE = "broke_before"
LARGE_OVERDUE = "large_overdue"
WEIGHTS = {
    NO_REACTION: 15,
    LIMIT_NEARLY_USED: 15,
    BROKE_BEFORE: 10,
    LARGE_OVERDUE: 10,
}
WORTH = {reason.code: reason.points for reason in REASONS} | WEIGHTS
MOST_POINTS = 100
REACTION_DAYS = 7  # a letter without a word for so long got no reaction
NEARLY_USED = 90  # percent of the limit


@dataclass(frozen=True, slots=True)
class Weighing:
    """What makes a customer more pressing than another one.

    :param last_letter: day of the last dunning letter
    :param last_call: day of the last call
    :param limit_used: of the credit limit in percent, none without a limit
    :param has_broken: broke a promise before the one that waits
    :param large_amount: see ``find_ledger_work``; zero for never
    """

    last_letter: date | None = None
    last_call: date | None = None
    limit_used: Decimal | None = None
    has_broken: bool = False
    overdue: Decimal = ZERO
    large_amount: Decimal = ZERO


def find_points(
    reasons: Iterable[Reason],
    weighing: Weighing,
    today: date,
    worth: Mapping[str, int] | None = None,
) -> tuple[tuple[str, int], ...]:
    """Return what a customer has points for, the most first: pairs (code, points).

    :param worth: points of the company, by code; those of the rule for all others

    They are what is said of the customer on the list; nothing else ranks it.

    >>> today = date(2026, 5, 13)
    >>> waiting = [BY_CODE["all_levels"], BY_CODE["broken_promise"]]
    >>> find_points(waiting, Weighing(limit_used=Decimal(95)), today)
    (('broken_promise', 40), ('all_levels', 30), ('limit_nearly_used', 15))
    >>> find_points([], Weighing(limit_used=Decimal(95)), today)
    ()
    >>> letter = Weighing(last_letter=date(2026, 5, 6))
    >>> find_points([BY_CODE["review"]], letter, today)
    (('no_reaction', 15), ('review', 5))
    """
    worth = WORTH | dict(worth or {})
    points = {reason.code: worth[reason.code] for reason in reasons}
    if not points:
        return ()
    if _got_no_reaction(weighing, today):
        points[NO_REACTION] = worth[NO_REACTION]
    if weighing.limit_used is not None and weighing.limit_used >= NEARLY_USED:
        points[LIMIT_NEARLY_USED] = worth[LIMIT_NEARLY_USED]
    if weighing.has_broken:
        points[BROKE_BEFORE] = worth[BROKE_BEFORE]
    if ZERO < weighing.large_amount <= weighing.overdue:
        points[LARGE_OVERDUE] = worth[LARGE_OVERDUE]
    return tuple(sorted(points.items(), key=lambda pair: (-pair[1], pair[0])))


def may_be_worth(code: str, points: int) -> bool:
    """Say whether so many points may be given; who is on the list has one at least.

    >>> may_be_worth("call_due", 0), may_be_worth("call_due", 1)
    (False, True)
    >>> may_be_worth("no_reaction", 0), may_be_worth("no_reaction", 101)
    (True, False)
    """
    return (code not in WEIGHTS) <= points <= MOST_POINTS


def _got_no_reaction(weighing, today):
    """Say whether nobody has spoken with the customer since a letter some days ago."""
    letter, call = weighing.last_letter, weighing.last_call
    return (
        letter is not None
        and (today - letter).days >= REACTION_DAYS
        and (call is None or call < letter)
    )
