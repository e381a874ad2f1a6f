"""What is always so of an SMS: its hour, its text, its number, what it costs."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from credit_management_sms.logic import failure, hours, phone, text

ZONES = ("Europe/Amsterdam", "America/New_York", "Asia/Tokyo", "Pacific/Auckland")
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31))
windows = st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(
    lambda window: window[0] < window[1]
)
weeks = st.sets(st.integers(0, 6), min_size=1)
names = st.sampled_from(text.PLACES)
cheap = st.text(st.sampled_from("abc äé@€{}[]\\~1,.!"))


@given(moments, windows, weeks, st.sampled_from(ZONES))
def test_it_goes_in_the_hours_of_a_working_day_of_the_customer(now, window, week, zone):
    opens, closes = window
    local = now.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    opening = hours.find_opening(local, opens, closes, lambda d: d.weekday() in week)
    when = opening or local
    assert opens <= when.hour < closes
    assert when.weekday() in week
    assert local <= when <= local + timedelta(days=8)


@given(moments, windows)
def test_an_hour_that_is_allowed_is_not_put_off(now, window):
    opens, closes = window
    opening = hours.find_opening(now, opens, closes, lambda day: True)
    assert (opening is None) == (opens <= now.hour < closes)


def test_a_calendar_without_a_working_day_holds_nothing_for_ever():
    now = datetime(2026, 5, 13, 3)
    assert hours.find_opening(now, 8, 20, lambda day: False) is None


@given(st.lists(st.sampled_from(ZONES)), st.sampled_from(ZONES) | st.none())
def test_the_zone_is_one_of_the_customers_country_if_it_has_any(zones, own):
    zone = hours.choose_zone(zones, own, "Europe/Paris")
    assert zone in (zones or [own or "Europe/Paris"])


@given(st.text())
def test_simplified_twice_is_simplified_once_and_on_one_line(written):
    once = text.simplify(written)
    assert text.simplify(once) == once
    assert "\n" not in once and once == once.strip()


@given(st.text())
def test_simplifying_makes_no_text_dearer(written):
    flat = " ".join(written.split())
    assume(len(flat) == len(text.simplify(flat)))
    assert text.count_parts(text.simplify(flat)) <= text.count_parts(flat)


@given(cheap)
def test_the_parts_hold_the_text_and_not_one_more(body):
    count, parts = text.count_characters(body), text.count_parts(body)
    if parts <= 1:
        assert count <= 160 and parts == (count > 0)
    else:
        assert 153 * (parts - 1) < count <= 153 * parts


@given(st.text(), st.dictionaries(names, st.text()))
def test_only_known_places_are_filled_and_what_fills_them_is_left_alone(body, values):
    filled = text.fill(body, values)
    if not any(f"{{{name}}}" in body for name in values):
        assert filled == body
    assert text.fill("{company}", {"company": body}) == body


@given(st.text(), st.integers(1, 999) | st.none())
def test_a_number_is_in_the_form_of_the_wire_or_none(written, prefix):
    number = phone.to_e164(written, prefix)
    if number is not None:
        assert number[0] == "+" and number[1:].isdigit() and 7 <= len(number) - 1 <= 15
        assert phone.to_e164(number, prefix) == number


def test_the_ways_to_write_a_number():
    for written in ("06 1234 5678", "+31 6 12345678", "0031612345678", "06-12345678"):
        assert phone.to_e164(written, 31) == "+31612345678"


def test_what_is_not_known_is_not_tried_again():
    assert failure.classify("something new") == failure.HARD
