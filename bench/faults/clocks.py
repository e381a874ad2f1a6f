"""Trials of the calendar: the clock of the server jumps ahead, back, and over DST.

The server runs under libfaketime, and PostgreSQL's `now()` is moved with it. What
should have gone is worked out beside it, by a few lines that know the policy only.
"""

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from dev import settings
from dev.steps import Failure

from .servers import AlarmClock

NIGHTLY = "credit_management.ir_cron_nightly_run"
# As scripts/populate.py makes them.
LEVEL_DAYS = (3, 20, 40)
INTERVAL = 7
RUN_HOUR = 4
HOME = "Europe/Brussels"


@dataclass
class Visit:
    """The server is switched on at a moment, for as long as there is work."""

    moment: datetime
    why: str
    zone: str = HOME


@dataclass
class Item:
    """An invoice as the oracle sees it."""

    number: str
    customer: str
    due: date
    level: int = 0


class Oracle:
    """Says what should go at each visit."""

    def __init__(self, items):
        self.items = items
        self.last = {}  # customer -> day of the last message
        self.nights = set()  # days on which a nightly run was made

    def expect(self, visit):
        """Return what should arrive: (customer, numbers, level) for each letter."""
        local = visit.moment.astimezone(ZoneInfo(visit.zone))
        today = local.date()
        if local.hour < RUN_HOUR or today in self.nights:
            return set()
        self.nights.add(today)
        rising = {}
        for item in self.items:
            last = self.last.get(item.customer)
            waited = last is None or (today - last).days >= INTERVAL
            late = (today - item.due).days
            if waited and item.level < 3 and late >= LEVEL_DAYS[item.level]:
                rising.setdefault(item.customer, []).append(item)
        letters = set()
        for customer, items in rising.items():
            for item in items:
                item.level += 1
            self.last[customer] = today
            numbers = frozenset(item.number for item in items)
            letters.add((customer, numbers, max(item.level for item in items)))
        return letters


def jumps(today):
    """Return the visits of a clock that jumps ahead and back."""

    def at(days, hour=9):
        return datetime.combine(today + timedelta(days=days), time(hour), UTC)

    return [
        Visit(at(0), "first day"),
        Visit(at(0, 7), "two hours back"),
        Visit(at(0, 21), "the evening of the same day"),
        Visit(at(1), "a day ahead"),
        Visit(at(11), "ten days off"),
        Visit(at(30), "thirty days ahead"),
        Visit(at(30, 7), "two hours back"),
        Visit(at(29), "a day back"),
        Visit(at(40), "ten days off"),
        Visit(at(41), "the day after"),
        Visit(at(400), "a year later"),
    ]


def daylight(today):
    """Return visits around the hours that are skipped, and that come twice."""
    year = today.year + 1

    def last_sunday(month):
        day = date(year, month, 31)
        return day - timedelta(days=(day.weekday() + 1) % 7)

    def at(day, hour, minute=30):
        return datetime.combine(day, time(hour, minute), UTC)

    spring, autumn = last_sunday(3), last_sunday(10)
    eve = timedelta(days=1)
    return [
        Visit(at(spring - eve, 22), "half an hour before midnight"),
        Visit(at(spring, 0), "before the hour that is skipped"),
        Visit(at(spring, 1), "after the hour that is skipped"),
        Visit(at(spring, 2), "the nightly hour of a short night"),
        Visit(at(autumn - eve, 23), "half past one"),
        Visit(at(autumn, 0), "half past two"),
        Visit(at(autumn, 1), "half past two again"),
        Visit(at(autumn, 3), "the nightly hour of a long night"),
        Visit(at(autumn, 22), "the evening of the long day"),
        Visit(at(autumn, 23), "half past midnight"),
        Visit(at(autumn + 8 * eve, 15), "Auckland is a day ahead", "Pacific/Auckland"),
        Visit(at(autumn + 9 * eve, 13), "three in Honolulu", "Pacific/Honolulu"),
        Visit(at(autumn + 9 * eve, 14), "four in Honolulu", "Pacific/Honolulu"),
    ]


def clock(stage, plan):
    """Switch the server on at each moment of a plan; compare with the oracle."""
    library = find_library()
    stage.put(stage.keys, "skipped")  # the run of the population makes room
    stage.database.run("UPDATE credit_dunning_run SET state = 'done'")
    oracle = Oracle(read_items(stage))
    wrong, arrived, visits = [], 0, plan(stage.database.value("SELECT current_date"))
    for visit in visits:
        expected = oracle.expect(visit)
        before = stage.sink.count()
        switch_on(stage, visit, library)
        found = read_letters(stage, stage.sink.lines()[before:])
        arrived += len(found)
        if sorted(found, key=str) != sorted(expected, key=str):
            wrong.append(
                f"{visit.why} ({visit.moment:%Y-%m-%d %H:%M}Z, {visit.zone}):"
                f" {len(found)} letters instead of {len(expected)}"
            )
    stage.keys = stage.all_keys()
    figures = stage.figures(may_skip=Everybody())
    figures.wrong = len(wrong)
    figures.must(not wrong, "; ".join(wrong))
    figures.must(not figures.copies, f"{figures.copies} copies")
    figures.notes.append(
        f"{len(visits)} moments, {arrived} letters, {len(wrong)} deviations"
    )
    return figures


class Everybody:
    """Contains whomever one asks for."""

    def __contains__(self, _customer):
        return True


def read_items(stage):
    """Return the invoices of the population for the oracle."""
    rows = stage.database.run(
        "SELECT move.name, partner.email, move.invoice_date_due FROM account_move move"
        " JOIN res_company company ON company.id = move.company_id"
        " JOIN res_partner partner ON partner.id = move.partner_id"
        " WHERE company.name = 'Fault Trials' AND move.move_type = 'out_invoice'"
    )
    return [Item(*row) for row in rows]


def read_letters(stage, lines):
    """Return what arrived, as the oracle puts it."""
    letters = []
    for _moment, _file, recipient, _message_id, key in lines:
        rows = stage.database.run(
            "SELECT line.name, line.level_rank FROM credit_dunning_letter_line line"
            " JOIN credit_dunning_letter letter ON letter.id = line.letter_id"
            " WHERE letter.key = %s AND kind = 'chased' AND NOT is_excluded",
            [key],
        )
        numbers = frozenset(name for name, _rank in rows)
        letters.append((recipient, numbers, max(rank for _name, rank in rows)))
    return letters


def switch_on(stage, visit, library):
    """Run the server at a moment until its nightly job is done and nothing waits."""
    stage.database.run("UPDATE res_company SET credit_tz = %s", [visit.zone])
    stage.database.run(
        "UPDATE ir_cron SET active = TRUE, lastcall = NULL FROM ir_model_data data"
        " WHERE data.res_id = ir_cron.id AND module || '.' || data.name = %s",
        [NIGHTLY],
    )
    offset = int((visit.moment - datetime.now(UTC)).total_seconds())
    stage.database.run(
        "CREATE OR REPLACE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS"
        f" $$ SELECT pg_catalog.now() + interval '{offset} seconds' $$"
    )
    server = stage.server(
        environment={
            "LD_PRELOAD": str(library),
            "FAKETIME": f"{offset:+d}",
            "ODOO_FAKETIME_TEST_MODE": "1",
        }
    )
    alarm = AlarmClock(stage.host, stage.name, more=(NIGHTLY,))
    try:
        if not stage.wait(lambda: is_done(stage), 120, 1):
            raise Failure(f"The nightly job did not run: {visit.why}.", str(server.log))
    finally:
        alarm.stop()
        server.end()
        stage.servers.remove(server)


def is_done(stage):
    """Tell whether the nightly job has run and all its letters have gone."""
    return not stage.left() and stage.database.value(
        "SELECT lastcall IS NOT NULL FROM ir_cron JOIN ir_model_data data"
        " ON data.res_id = ir_cron.id AND module || '.' || data.name = %s",
        [NIGHTLY],
    )


def find_library():
    """Return libfaketime: of the system, of the kit, or fetched with apt."""
    kept = settings.STATE / "faketime"
    pattern = "usr/lib/*/faketime/libfaketimeMT.so.1"
    for root in (Path("/"), kept):
        if found := sorted(root.glob(pattern)):
            return found[0]
    if shutil.which("apt-get") and shutil.which("dpkg"):
        kept.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["apt-get", "download", "libfaketime"],
            cwd=kept,
            capture_output=True,
            check=False,
        )
        for package in kept.glob("libfaketime_*.deb"):
            subprocess.run(["dpkg", "-x", package, kept], check=False)
    if found := sorted(kept.glob(pattern)):
        return found[0]
    raise Failure("libfaketime was not found.", "Install it: apt install libfaketime")
