"""The stage of one trial: its database, sink and servers, all ended at the end."""

import contextlib
import random
import shutil
import time

import psycopg2

from dev import database as kit_database
from dev import settings

from . import counting, population
from .servers import AlarmClock, Database, Server, Sink

COMPANY = population.COMPANY
# Nothing moves for this long: the letters are stuck.
PATIENCE = 90


class Stage:
    """Everything a trial acts on. Use as a context manager."""

    def __init__(self, host, name, template, seed):
        self.host = host
        self.name = f"faults_trial_{name}".replace("-", "_")
        self.template = template
        self.dice = random.Random(f"{seed} {name}")
        self.folder = settings.STATE / "faults" / name
        self.servers = []
        self.clock = None
        self.kills = 0
        self.resumes = []
        self.began = time.monotonic()

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        kit_database.copy(self.host, self.template, self.name)
        self.database = Database(self.host, self.name)
        self.sink = Sink(self.host, self.folder / "mail")
        self.database.run(
            "UPDATE ir_mail_server SET smtp_port = %s WHERE active", [self.sink.port]
        )
        self.letters = self.left()
        self.began = time.monotonic()
        return self

    def __exit__(self, *_error):
        if self.clock:
            self.clock.stop()
        for server in self.servers:
            server.end()
        self.sink.stop()
        self.database.close()
        with contextlib.suppress(Exception):
            kit_database.drop(self.host, self.name)

    # Acting

    def server(self, workers=0, crons=2, options=(), environment=None, http_port=None):
        """Start an Odoo server with its cron workers or threads."""
        web = ("--http-port", http_port) if http_port else ("--no-http",)
        if http_port and workers:
            web += ("--gevent-port", http_port + 1)
        server = Server(
            self.host,
            self.name,
            self.folder / f"odoo-{len(self.servers)}.log",
            (
                *("--workers", workers, "--max-cron-threads", crons, *web),
                *("--log-level", "warn", *options),
            ),
            environment,
        )
        self.servers.append(server)
        return server

    def wake(self):
        """Keep waking the jobs from now on."""
        self.clock = AlarmClock(self.host, self.name)

    def progress(self):
        """Return what grows while letters move: arrived, and past the queue."""
        return self.sink.count(), self.left(("queued",))

    def left(self, states=counting.UNDER_WAY):
        """Return how many letters are under way."""
        return self.database.value(
            "SELECT count(*) FROM credit_dunning_letter letter"
            " JOIN res_company company ON company.id = letter.company_id"
            " WHERE company.name = %s AND state IN %s",
            [COMPANY, tuple(states)],
            patience=60,
        )

    def wait(self, done, most=60.0, every=0.01):
        """Wait until something is true; tell whether it became so in time."""
        deadline = time.monotonic() + most
        while not done():
            if time.monotonic() > deadline:
                return False
            time.sleep(every)
        return True

    def settle(self, most=900, patience=PATIENCE, hasten=True):
        """Wait until no letter is under way, or nothing moves any more.

        :param hasten: move the waits of the back-off to now, so that hours pass in
            seconds
        :return: seconds it took
        """
        start = moved = time.monotonic()
        before = None
        while self.left():
            now = self.progress()
            if now != before:
                before, moved = now, time.monotonic()
            elif hasten and time.monotonic() - moved > 3:
                self.hasten()
            if time.monotonic() - moved > patience or time.monotonic() - start > most:
                break
            time.sleep(0.3)
        return time.monotonic() - start

    def hasten(self):
        """Let time pass for letters that wait for their next attempt."""
        with contextlib.suppress(psycopg2.Error):
            self.database.run(
                "UPDATE credit_dunning_letter SET queued_until = now() AT TIME ZONE"
                " 'UTC' - interval '1 second' WHERE state IN ('queued', 'sending')"
                " AND queued_until > now() AT TIME ZONE 'UTC'"
            )

    def note_resume(self, since, before):
        """Measure how long after a fault letters move again."""
        if self.left() and self.wait(lambda: self.progress() != before, PATIENCE, 0.05):
            self.resumes.append(time.monotonic() - since)

    # Counting

    def figures(self, may_skip=()):
        """Return the figures as they are now."""
        figures = counting.count(
            self.database, self.sink, COMPANY, may_skip, self.kills
        )
        figures.seconds = time.monotonic() - self.began
        if self.resumes:
            middle = sorted(self.resumes)[len(self.resumes) // 2]
            figures.resume = f"{middle:.1f} / {max(self.resumes):.1f} s"
        return figures
