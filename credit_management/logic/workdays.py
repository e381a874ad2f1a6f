"""Working days of a company: on which days letters go out and payments fall due."""

from dataclasses import dataclass
from datetime import date

MONDAY_TO_FRIDAY = frozenset(range(5))
# A calendar without a working day in this many days is taken for a mistake.
SEARCH_LIMIT_DAYS = 366
FIRST, LAST = date.min.toordinal(), date.max.toordinal()


def days_after(day: date, count: int) -> date:
    """Return the day ``count`` days later; earlier where ``count`` is negative.

    Old books hold days such as 0001-01-01 and 9999-12-31: what lies beyond the calendar
    counts as its first or last day.

    >>> days_after(date(2026, 12, 31), 1)
    datetime.date(2027, 1, 1)
    >>> days_after(date(9999, 12, 31), 1)
    datetime.date(9999, 12, 31)
    """
    ordinal = day.toordinal() + count
    if ordinal < FIRST:
        return date.min
    return date.fromordinal(ordinal) if ordinal <= LAST else date.max


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The days on which a company works.

    :param weekdays: 0 is Monday; an empty set means that every day is a working day
    :param holidays: days off that the whole company shares
    """

    weekdays: frozenset = MONDAY_TO_FRIDAY
    holidays: frozenset = frozenset()

    def is_working_day(self, day: date) -> bool:
        """Say whether the company works on this day.

        >>> calendar = WorkCalendar(holidays=frozenset({date(2026, 12, 25)}))
        >>> calendar.is_working_day(date(2026, 12, 24))  # a Thursday
        True
        >>> calendar.is_working_day(date(2026, 12, 25))  # a Friday, but Christmas
        False
        >>> calendar.is_working_day(date(2026, 12, 26))  # a Saturday
        False
        """
        works = not self.weekdays or day.weekday() in self.weekdays
        return works and day not in self.holidays

    def next_working_day(self, day: date) -> date:
        """Return the day itself if it is a working day, else the next one.

        A calendar that has no working day within a year answers with the day itself:
        a mistake in the calendar must not stop letters for ever.

        >>> WorkCalendar().next_working_day(date(2026, 12, 26))  # Saturday
        datetime.date(2026, 12, 28)
        >>> WorkCalendar().next_working_day(date(2026, 12, 28))  # Monday
        datetime.date(2026, 12, 28)
        """
        for count in range(SEARCH_LIMIT_DAYS):
            candidate = days_after(day, count)
            if self.is_working_day(candidate):
                return candidate
        return day

    def add_working_days(self, day: date, count: int) -> date:
        """Return the ``count``-th working day after ``day``.

        >>> WorkCalendar().add_working_days(date(2026, 12, 24), 1)  # Thursday
        datetime.date(2026, 12, 25)
        >>> WorkCalendar().add_working_days(date(2026, 12, 25), 1)  # Friday
        datetime.date(2026, 12, 28)
        >>> WorkCalendar().add_working_days(date(2026, 12, 26), 0)  # Saturday
        datetime.date(2026, 12, 26)
        """
        for _step in range(count):
            day = self.next_working_day(days_after(day, 1))
        return day


EVERY_DAY = WorkCalendar(weekdays=frozenset())
