"""What is wrong with a dunning policy, found before it is saved."""

from dataclasses import dataclass
from itertools import zip_longest

from .dunning import Level, Policy

# === PROBLEMS === #

TWO_ON_ONE_DAY = "two_on_one_day"
OUT_OF_ORDER = "out_of_order"
REMINDER_NOT_BEFORE_DUE = "reminder_not_before_due"
LEVEL_NOT_AFTER_DUE = "level_not_after_due"
NEVER_REACHED = "never_reached"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a policy, and the level that has it."""

    code: str
    level: Level


def find_problems(policy: Policy) -> list[Problem]:
    """Return what keeps the levels of a policy from working as they read.

    Levels are read in their order. A level with nothing wrong is not mentioned, and a
    level is mentioned once, with its first problem.

    >>> def codes(*levels, **values):
    ...     return [p.code for p in find_problems(Policy(levels=levels, **values))]
    >>> codes(Level(1, -3, is_reminder=True), Level(2, 3), Level(3, 10))
    []
    >>> codes(Level(1, 10), Level(2, 3)), codes(Level(1, 3), Level(2, 3))
    (['out_of_order'], ['two_on_one_day'])
    >>> codes(Level(1, 0, is_reminder=True)), codes(Level(1, 0))
    (['reminder_not_before_due'], ['level_not_after_due'])

    A notice is never reached when the interval after the one before ends on the due
    date or later, or when the next notice has come by then:

    >>> first, second = Level(1, -7, is_reminder=True), Level(2, -3, is_reminder=True)
    >>> codes(first, second, min_interval_days=6)
    []
    >>> codes(first, second, min_interval_days=7)
    ['never_reached']
    >>> third = Level(3, -1, is_reminder=True)
    >>> find_problems(Policy((first, second, third), min_interval_days=6))[0].level.ref
    2
    """
    problems = []
    before = None
    never_reached = _find_never_reached(policy)
    for level in policy.levels:
        code = _find_problem(level, before)
        if code is None and level in never_reached:
            code = NEVER_REACHED
        if code:
            problems.append(Problem(code, level))
        before = level
    return problems


def _find_problem(level, before):
    if level.is_reminder and level.delay_days >= 0:
        return REMINDER_NOT_BEFORE_DUE
    if not level.is_reminder and level.delay_days <= 0:
        return LEVEL_NOT_AFTER_DUE
    if before is None:
        return None
    if level.delay_days == before.delay_days:
        return TWO_ON_ONE_DAY
    if level.delay_days < before.delay_days:
        return OUT_OF_ORDER
    return None


def _find_never_reached(policy):
    """Return the notices that none of the days before the due date is left for.

    A notice has the days from its own, or from the end of the interval, until the next
    notice or the due date.
    """
    ends = [level.delay_days for level in policy.reminders[1:]]
    free_from = min((level.delay_days for level in policy.reminders), default=0)
    never_reached = []
    for level, end in zip_longest(policy.reminders, ends, fillvalue=0):
        day = max(level.delay_days, free_from)
        if day < end:
            free_from = day + policy.min_interval_days
        else:
            never_reached.append(level)
    return never_reached
