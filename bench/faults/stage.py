"""The stage of one trial: its database, sink and servers, all ended at the end."""

import contextlib
import random
import shutil
import time

import psycopg2

from dev import database as kit_database
from dev import settings
from dev.testing import free_port

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
        self.seed = seed
        self.dice = random.Random(f"{seed} {name}")
        self.folder = settings.STATE / "faults" / name
        self.servers = []
        self.clock = None
        self.kills = 0
        self.resumes = []
        self.minutes = 0.0  # that `hasten` let pass
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
        self.keys = self.queued_keys()
        self.letters = len(self.keys)
        self.began = time.monotonic()
        return self

    def __exit__(self, *_error):
        if self.clock:
            self.clock.stop()
        for server in self.servers:
            server.end()
        self.sink.stop()
        self.database.close()
        if not settings.flag("KEEP"):
            with contextlib.suppress(Exception):
                kit_database.drop(self.host, self.name)

    # Letters

    def queued_keys(self):
        """Return the keys of the queued letters, in the order they go."""
        return self.all_keys(("queued",))

    def all_keys(self, states=(*counting.UNDER_WAY, "sent", "failed", "unknown")):
        """Return the keys of the letters in some states."""
        rows = self.database.run(
            "SELECT letter.key FROM credit_dunning_letter letter"
            " JOIN res_company company ON company.id = letter.company_id"
            " WHERE company.name = %s AND state IN %s ORDER BY letter.id",
            [COMPANY, tuple(states)],
        )
        return [key for (key,) in rows]

    def put(self, keys, state):
        """Put letters, and their items, into a state before the trial begins."""
        self.database.run(
            "WITH moved AS (UPDATE credit_dunning_letter SET state = %s"
            " WHERE key = ANY(%s) RETURNING id)"
            " UPDATE credit_dunning_letter_line SET state = %s"
            " WHERE letter_id IN (SELECT id FROM moved)",
            [state, keys, state],
        )

    def take(self, number):
        """Work with that many letters only; the others are held back.

        :return: the keys held back
        """
        held = self.keys[number:]
        self.keys = self.keys[:number]
        self.letters = len(self.keys)
        self.put(held, "skipped")
        return held

    # Acting

    def server(self, workers=0, crons=2, options=(), environment=None, http_port=None):
        """Start an Odoo server with its cron workers or threads."""
        web = ("--http-port", http_port) if http_port else ("--no-http",)
        if http_port and workers:
            web += ("--gevent-port", free_port())
        server = Server(
            self.host,
            self.name,
            self.folder / f"odoo-{len(self.servers)}.log",
            (
                *("--workers", workers, "--max-cron-threads", crons, *web),
                *("--log-level", "warn", "--log-handler", "odoo.addons.rpc:ERROR"),
                *options,
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

    def left(self, states=counting.UNDER_WAY, waiting=True):
        """Return how many letters are under way.

        :param waiting: count those that wait for their next attempt, too
        """
        return self.database.value(
            "SELECT count(*) FROM credit_dunning_letter letter"
            " JOIN res_company company ON company.id = letter.company_id"
            " WHERE company.name = %s AND state IN %s AND (%s OR"
            " coalesce(queued_until <= now() AT TIME ZONE 'UTC', TRUE))",
            [COMPANY, tuple(states), waiting],
            patience=60,
        )

    def attempted(self):
        """Return how many letters were tried in vain, or ended otherwise."""
        return self.database.value(
            "SELECT count(*) FROM credit_dunning_letter WHERE key = ANY(%s)"
            " AND (attempt_count > 0 OR state IN ('sent', 'unknown', 'failed'))",
            [self.keys],
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

    def rest(self, attempts, most=120.0):
        """Wait until every letter has been tried that often, or has met its fate.

        That it waits is no sign: so does a letter that is being made.
        """
        return self.wait(lambda: not self.untried(attempts), most, 0.2)

    def untried(self, attempts):
        """Return how many letters under way were tried less often than that."""
        return self.database.value(
            "SELECT count(*) FROM credit_dunning_letter WHERE key = ANY(%s)"
            " AND state IN %s AND attempt_count < %s",
            [self.keys, counting.UNDER_WAY, attempts],
        )

    def arrived(self):
        """Return how many messages of the letters of now arrived."""
        keys = set(self.keys)
        return sum(line[-1] in keys for line in self.sink.lines())

    def hasten(self):
        """Let time pass for the letters that wait, until the last of them is due.

        The clock of the machine stays; their moments move.
        """
        with contextlib.suppress(psycopg2.Error):
            for (minutes,) in self.database.run(
                """
                WITH waiting AS (
                    SELECT id, queued_until - now() AT TIME ZONE 'UTC' AS wait
                      FROM credit_dunning_letter
                     WHERE state IN ('queued', 'sending') AND queued_until IS NOT NULL
                       FOR NO KEY UPDATE SKIP LOCKED  -- nobody works on them now
                ), late AS (
                    SELECT max(wait) AS wait FROM waiting
                    HAVING max(wait) > interval '0'
                ), moved AS (
                    UPDATE credit_dunning_letter letter
                       SET queued_until = queued_until - late.wait
                      FROM late, waiting
                     WHERE waiting.id = letter.id
                 RETURNING 1
                )
                SELECT extract(epoch FROM wait) / 60 FROM late
                """
            ):
                self.minutes += float(minutes)

    def note_resume(self, since, before):
        """Measure how long after a fault letters move again."""
        while self.left() and time.monotonic() - since < PATIENCE:
            if not self.left(waiting=False):
                self.hasten()
            if self.wait(lambda: self.progress() != before, 1, 0.05):
                self.resumes.append(time.monotonic() - since)
                return

    # Counting

    def figures(self, may_skip=()):
        """Return the figures as they are now."""
        figures = counting.count(
            self.database, self.sink, COMPANY, self.keys, may_skip, self.kills
        )
        figures.seconds = time.monotonic() - self.began
        figures.minutes = self.minutes
        if self.resumes:
            middle = sorted(self.resumes)[len(self.resumes) // 2]
            figures.resume = f"{middle:.1f} / {max(self.resumes):.1f} s"
        return figures
