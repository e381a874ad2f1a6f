"""The processes of a trial: Odoo under a supervisor, the mail sink, the alarm clock.

All are real processes, known by their process id and ended by it.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import psycopg2

from dev import processes, settings

SCRIPT = Path(__file__).parent / "scripts" / "odoo_bin.py"
CRONS = (
    "credit_management.ir_cron_send_letters",
    "credit_management.ir_cron_send_letters_too",
    "credit_management.ir_cron_supervise",
    "mail.ir_cron_mail_scheduler_action",
)


class Database:
    """A connection that lives through restarts of PostgreSQL."""

    def __init__(self, host, name):
        self.name = name
        cluster = host.cluster
        self.where = {"host": cluster.host, "port": cluster.port, "user": cluster.user}
        self.connection = None

    def run(self, statement, values=None, patience=0):
        """Run one statement, committed at once; return its rows, if it has any.

        :param patience: seconds to go on trying while the server is away
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                if not self.connection or self.connection.closed:
                    self.connection = psycopg2.connect(dbname=self.name, **self.where)
                    self.connection.autocommit = True
                with self.connection.cursor() as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchall() if cursor.description else []
            except (psycopg2.DatabaseError, psycopg2.InterfaceError) as error:
                # One that was cut says so in any class, but gives no code.
                if error.pgcode and not isinstance(error, psycopg2.OperationalError):
                    raise
                self.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def value(self, statement, values=None, patience=0):
        """Return the one value a statement selects."""
        return self.run(statement, values, patience)[0][0]

    def close(self):
        """Drop the connection."""
        if self.connection:
            with contextlib.suppress(psycopg2.Error):
                self.connection.close()
        self.connection = None


class Server:
    """One Odoo under a supervisor that starts it again whenever it ends."""

    def __init__(self, host, database, log, options=(), environment=None):
        self.command = host.command("-d", database, *options)
        self.command[1:3] = [str(SCRIPT)]  # instead of -m odoo
        self.environment = host.environment() | (environment or {})
        self.log = log
        self.starts = 0
        self.process = None
        self.wanted = True
        self.start()
        self.supervisor = threading.Thread(target=self.supervise, daemon=True)
        self.supervisor.start()

    def start(self):
        """Start the process; its log goes on where the last one ended."""
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.starts += 1

    def supervise(self):
        """Restart what ended, after half a second, as systemd would."""
        while self.wanted:
            if self.process.poll() is not None:
                time.sleep(0.5)
                if self.wanted:
                    self.start()
            time.sleep(0.05)

    def children(self):
        """Return the process ids of the workers of a prefork server."""
        pid = self.process.pid
        try:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            return []
        return [int(word) for word in text.split() if processes.born(int(word))]

    def end(self):
        """End the server and what it left behind."""
        self.wanted = False
        left = [self.process.pid, *self.children()]
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait(15)
        self.supervisor.join(5)
        if self.process.poll() is None:  # restarted at the last moment
            self.process.kill()
            self.process.wait(15)

    def kill(self, pid, number):
        """Send a signal to one process of this server; tell whether it was there."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True


class Sink:
    """The kit's mail sink with a folder of its own, on a port that stays."""

    def __init__(self, host, folder):
        self.python = host.python
        self.folder = folder
        self.port = 0
        self.process = None
        folder.mkdir(parents=True)
        self.start()

    def start(self):
        """Start listening, on the same port as before."""
        note = self.folder / "port"
        note.unlink(missing_ok=True)
        with open(self.folder / "sink.log", "ab") as output:
            self.process = subprocess.Popen(
                [str(self.python), "-m", "dev.mail_sink", self.folder, str(self.port)],
                cwd=settings.ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + 20
        while not (note.exists() and note.read_text()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The mail sink did not start, see {self.folder}.")
            time.sleep(0.05)
        self.port = int(note.read_text())

    def stop(self):
        """Stop listening: connections are refused."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def answer(self, mode):
        """Set how messages are answered from now on."""
        (self.folder / "mode").write_text(mode)

    def lines(self):
        """Return what arrived: (time, file, recipients, Message-ID, key)."""
        try:
            text = (self.folder / "index.log").read_text()
        except OSError:
            return []
        return [line.split("\t") for line in text.splitlines()]

    def count(self):
        """Return how many messages arrived."""
        return len(self.lines())


class AlarmClock:
    """Wakes the sending jobs every now and then, so that no trial waits for minutes.

    It only makes jobs due that are due within minutes anyway, the way Odoo's own
    triggers do.
    """

    def __init__(self, host, name, every=0.7, more=()):
        self.every = every
        self.jobs = [*CRONS, *more]
        self.name = name
        self.database = Database(host, name)
        self.postgres = Database(host, "postgres")
        self.wanted = True
        self.thread = threading.Thread(target=self.ring, daemon=True)
        self.thread.start()

    def ring(self):
        """Make the jobs due and tell the servers, until stopped."""
        while self.wanted:
            with contextlib.suppress(psycopg2.Error):
                self.database.run(
                    """
                    INSERT INTO ir_cron_trigger (cron_id, call_at)
                    SELECT res_id, '2000-01-01' FROM ir_model_data
                     WHERE module || '.' || name = ANY(%s)
                       AND NOT EXISTS (SELECT 1 FROM ir_cron_trigger
                                        WHERE cron_id = res_id)
                    """,
                    [self.jobs],
                )
                self.postgres.run("SELECT pg_notify('cron_trigger', %s)", [self.name])
            time.sleep(self.every)

    def stop(self):
        """Let it sleep."""
        self.wanted = False
        self.thread.join(30)
        self.database.close()
        self.postgres.close()


class Client:
    """Calls methods of the server as a logged-in user, by JSON-RPC."""

    def __init__(self, port, database, login="admin"):
        self.address = f"http://127.0.0.1:{port}/jsonrpc"
        self.database = database
        self.login = login
        self.uid = None

    def ask(self, service, method, *arguments):
        """Make one call; raise RuntimeError with what the server says went wrong."""
        question = {
            "jsonrpc": "2.0",
            "method": "call",
            "params": {"service": service, "method": method, "args": arguments},
        }
        request = urllib.request.Request(
            self.address,
            data=json.dumps(question, default=str).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=90) as reply:
            answer = json.load(reply)
        if "error" in answer:
            raise RuntimeError(answer["error"]["data"].get("message", "error"))
        return answer.get("result")

    def log_in(self, patience=60):
        """Log in, waiting for a server that is still starting."""
        deadline = time.monotonic() + patience
        while True:
            try:
                self.uid = self.ask(
                    "common", "login", self.database, self.login, self.login
                )
                return self
            except (OSError, RuntimeError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def call(self, model, method, *arguments, **keywords):
        """Call a method of a model."""
        return self.ask(
            *("object", "execute_kw", self.database, self.uid, self.login),
            *(model, method, arguments, keywords),
        )
