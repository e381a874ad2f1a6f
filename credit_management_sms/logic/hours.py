"""At which hours a telephone may ring."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

# A calendar without a working day within a year must not hold an SMS for ever.
SEARCH_LIMIT_DAYS = 366


def choose_zone(zones: Sequence[str], own: str | None, house: str) -> str:
    """Return the time zone in which a customer's day is counted.

    That noted on the customer counts where it lies in the customer's country: the host
    fills it in with the zone of whoever made the contact.

    :param zones: the zones of the customer's country, none if that is not known
    :param own: the zone noted on the customer
    :param house: the zone of the company

    >>> choose_zone(["Europe/Berlin"], "Europe/Amsterdam", "Europe/Amsterdam")
    'Europe/Berlin'
    >>> usa = ["America/New_York", "America/Los_Angeles"]
    >>> choose_zone(usa, "America/Los_Angeles", "Europe/Paris")
    'America/Los_Angeles'
    >>> choose_zone(usa, "Europe/Paris", "Europe/Paris")
    'America/New_York'
    >>> choose_zone(usa, None, "America/Los_Angeles")
    'America/Los_Angeles'
    >>> choose_zone([], None, "Europe/Paris")
    'Europe/Paris'
    """
    if not zones:
        return own or house
    return next((zone for zone in (own, house) if zone in zones), zones[0])


def find_opening(
    now: datetime, opens: int, closes: int, is_working_day: Callable[[date], bool]
) -> datetime | None:
    """Return when an SMS may go, or ``None`` if it may go now.

    :param now: date and time where the customer is
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
    for count in range(SEARCH_LIMIT_DAYS):
        day = now.date() + timedelta(days=count)
        if not is_working_day(day):
            continue
        if count or now.hour < opens:
            return datetime.combine(day, datetime.min.time(), now.tzinfo).replace(
                hour=opens
            )
        if now.hour < closes:
            return None
    return None
