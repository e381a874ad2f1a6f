"""At which hours a telephone may ring."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

# A calendar without a working day within a year must not hold an SMS for ever.
SEARCH_LIMIT_DAYS = 366


def find_opening(
    now: datetime, opens: int, closes: int, is_working_day: Callable[[date], bool]
) -> datetime | None:
    """Return when an SMS may go, or ``None`` if it may go now.

    :param now: date and time where the sender is
    :param opens: first hour at which one may go
    :param closes: hour from which none goes any more

    >>> from datetime import datetime
    >>> every_day = lambda day: True
    >>> find_opening(datetime(2026, 5, 13, 8, 0), 8, 20, every_day) is None
    True
    >>> find_opening(datetime(2026, 5, 13, 7, 59), 8, 20, every_day)
    datetime.datetime(2026, 5, 13, 8, 0)
    >>> find_opening(datetime(2026, 5, 13, 20, 0), 8, 20, every_day)
    datetime.datetime(2026, 5, 14, 8, 0)
    >>> friday = datetime(2026, 5, 15, 21, 30)
    >>> find_opening(friday, 8, 20, lambda day: day.weekday() < 5)
    datetime.datetime(2026, 5, 18, 8, 0)
    """
    first = now.date()
    for count in range(SEARCH_LIMIT_DAYS):
        day = first + timedelta(days=count)
        start = datetime.combine(day, datetime.min.time(), now.tzinfo)
        if not is_working_day(day):
            continue
        if count or now.hour < opens:
            return start.replace(hour=opens)
        if now.hour < closes:
            return None
    return None
