"""Working days: the next one, the n-th one, and calendars that have none."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_management.logic.workdays import (
    EVERY_DAY,
    SEARCH_LIMIT_DAYS,
    WorkCalendar,
    days_after,
)

from .builders import TODAY, days

FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 5, day) for day in (22, 23, 24, 25))

dates = st.dates(date(2020, 1, 1), date(2030, 1, 1))
calendars = st.builds(
    WorkCalendar,
    weekdays=st.frozensets(st.integers(0, 6)),
    holidays=st.frozensets(
        st.integers(-3, 20).map(lambda count: TODAY + days(count)), max_size=12
    ),
)
near_today = st.integers(-10, 30).map(lambda count: TODAY + days(count))


@given(calendars, near_today)
def test_the_next_working_day_is_the_first_one_from_the_day_on(calendar, day):
    found = calendar.next_working_day(day)
    assert calendar.is_working_day(found)
    for count in range((found - day).days):
        assert not calendar.is_working_day(day + days(count))


@given(calendars, near_today)
def test_the_next_working_day_of_a_working_day_is_itself(calendar, day):
    found = calendar.next_working_day(day)
    assert calendar.next_working_day(found) == found


@given(calendars, near_today, st.integers(0, 10))
def test_a_later_day_has_no_earlier_next_working_day(calendar, day, count):
    later = calendar.next_working_day(day + days(count))
    assert later >= calendar.next_working_day(day)


@given(calendars, near_today, st.integers(1, 8))
def test_as_many_working_days_lie_between_as_were_added(calendar, day, count):
    found = calendar.add_working_days(day, count)
    between = [day + days(n) for n in range(1, (found - day).days + 1)]
    assert sum(map(calendar.is_working_day, between)) == count
    assert calendar.is_working_day(found)


@given(calendars, near_today, st.integers(0, 4), st.integers(0, 4))
def test_working_days_may_be_added_in_two_steps(calendar, day, first, second):
    step_by_step = calendar.add_working_days(
        calendar.add_working_days(day, first), second
    )
    assert calendar.add_working_days(day, first + second) == step_by_step


@given(dates)
def test_every_day_is_a_working_day_where_no_weekday_is_named(day):
    assert EVERY_DAY.is_working_day(day)


@pytest.mark.parametrize(
    ("day", "expected"),
    [(FRIDAY, FRIDAY), (SATURDAY, MONDAY), (SUNDAY, MONDAY), (MONDAY, MONDAY)],
)
def test_a_weekend_ends_on_monday(day, expected):
    assert WorkCalendar().next_working_day(day) == expected


def test_a_holiday_after_the_weekend_makes_it_longer():
    calendar = WorkCalendar(holidays=frozenset({MONDAY}))
    assert calendar.next_working_day(SATURDAY) == MONDAY + days(1)


def test_a_holiday_counts_where_every_weekday_is_a_working_day():
    calendar = WorkCalendar(weekdays=frozenset(), holidays=frozenset({FRIDAY}))
    assert calendar.next_working_day(FRIDAY) == SATURDAY


@pytest.mark.parametrize(
    ("length", "expected"),
    [(SEARCH_LIMIT_DAYS - 1, SEARCH_LIMIT_DAYS - 1), (SEARCH_LIMIT_DAYS, 0)],
)
def test_a_calendar_closed_for_more_than_a_year_is_not_believed(length, expected):
    closed = frozenset(TODAY + days(count) for count in range(length))
    calendar = WorkCalendar(weekdays=frozenset(), holidays=closed)
    assert calendar.next_working_day(TODAY) == TODAY + days(expected)


@given(dates, st.integers(-1000, 1000))
def test_days_are_added_as_a_calendar_adds_them(day, count):
    assert days_after(day, count) == day + timedelta(days=count)


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date.max, 0, date.max),
        (date.max, 1, date.max),
        (date.max - timedelta(days=1), 1, date.max),
        (date.min, 0, date.min),
        (date.min, -1, date.min),
        (date.min + timedelta(days=1), -1, date.min),
        (TODAY, 10**9, date.max),
    ],
)
def test_no_day_lies_beyond_the_calendar(day, count, expected):
    assert days_after(day, count) == expected


def test_a_holiday_on_the_last_day_there_is_ends_the_search():
    calendar = WorkCalendar(weekdays=frozenset(), holidays=frozenset({date.max}))
    assert calendar.next_working_day(date.max) == date.max
