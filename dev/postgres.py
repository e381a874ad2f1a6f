"""PostgreSQL: the server named by PGHOST, or an embedded one from the packages.

Two embedded clusters: `main` keeps what you work with, `test` is for tests only
and does not wait for the disk (`KIT_FSYNC=1` makes it).
"""

import json
import os
import pwd
import shutil
import tempfile
from pathlib import Path

from . import packages, settings
from .steps import Failure, ask, lock, run, step

ROLE = "odoo"  # Odoo refuses to work as `postgres`
PORT = "5432"  # only names the socket file; no network port is opened
LONGEST_SOCKET = 100  # the system's limit is 107 characters, file name included
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
}
FOR_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Cluster:
    """One PostgreSQL server: given from outside, or embedded in `.dev/`."""

    def __init__(self, name="main"):
        self.name = name
        self.given = bool(settings.text("PGHOST"))
        self.data = settings.STATE / "postgres" / name
        self.files = settings.STATE / "data" / name  # Odoo's attachments
        self.started_here = False

    @property
    def host(self):
        """Host name, or the folder of the socket."""
        return settings.text("PGHOST") or str(socket_folder())

    @property
    def port(self):
        """Port, which for a socket is only part of its name."""
        if self.given:
            return settings.text("PGPORT", PORT)
        return str(int(PORT) + ("main", "test").index(self.name))

    @property
    def user(self):
        """Role that owns the databases."""
        return settings.text("PGUSER", ROLE) if self.given else ROLE

    def tool(self, name):
        """Return a PostgreSQL client or server program of the packages."""
        found = sorted(
            packages.VENV.glob(f"lib/*/site-packages/*/pginstall18/bin/{name}")
        )
        if not found:
            raise Failure(
                "The PostgreSQL package is not usable here.",
                "Set PGHOST, PGPORT, PGUSER and PGPASSWORD to a server of your own.",
            )
        return found[0]

    def client(self, name, *arguments):
        """Return a client command with the connection filled in."""
        where = ("-h", self.host, "-p", self.port, "-U", self.user)
        return [self.tool(name), *where, *arguments]

    def query(self, statement, database="postgres"):
        """Return what a statement prints, or None when it fails."""
        command = self.client("psql", "-d", database, "-XAtqc", statement)
        return ask(command, env=self.environment())

    def environment(self):
        """Return the environment for PostgreSQL's own programs."""
        return {**os.environ, "PGCONNECT_TIMEOUT": "10"}

    def answers(self):
        """Tell whether the server can be used."""
        return self.query("SELECT 1") == "1"

    def ensure(self):
        """Make sure the server runs; remember whether we started it."""
        if self.given:
            if not self.answers():
                raise Failure(
                    f"PostgreSQL at {self.host} port {self.port} does not answer.",
                    "Start it, or unset PGHOST to let the kit start its own.",
                )
            return self
        with lock(f"postgres-{self.name}"):
            if not self.answers():
                with step("starting PostgreSQL", f"PostgreSQL started ({self.name})"):
                    self.start_or_rebuild()
                self.started_here = True
        return self

    def start_or_rebuild(self):
        """Start the server; one for tests that a crash has spoilt is made anew."""
        try:
            self.start()
        except Failure:
            if not self.unsafe():
                raise
            shutil.rmtree(self.data)
            self.start()

    def start(self):
        """Start the embedded server, made first when it is new."""
        what = "PostgreSQL did not start."
        account = server_account()
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if not (self.data / "PG_VERSION").exists():
            shutil.rmtree(self.data, ignore_errors=True)
            self.data.mkdir(mode=0o700)
            give(self.data, account)
            quick = ["--no-sync"] if self.unsafe() else []
            run(
                as_account(account, self.tool("initdb"), self.data)
                + ["-D", self.data, "-U", ROLE, "-A", "trust", "-E", "UTF8"]
                + ["--locale=C", "--locale-provider=builtin"]
                + ["--builtin-locale=C.UTF-8", *quick],
                "PostgreSQL could not make its data folder.",
                log="postgres-init",
                cwd="/",
            )
        options = {**SETTINGS, **(FOR_TESTS if self.unsafe() else {})}
        options |= {"unix_socket_directories": self.host, "port": self.port}
        give(Path(self.host), account)
        log = self.data / "server.log"
        run(
            as_account(account, self.tool("pg_ctl"), self.data)
            + ["-D", self.data, "-w", "-t", "60", "-l", log, "start", "-o"]
            + [" ".join(f"-c {key}='{value}'" for key, value in options.items())],
            what,
            f"See {log}.",
            log="postgres-start",
            cwd="/",
        )

    def unsafe(self):
        """Tell whether this server may lose data when the machine stops."""
        return self.name == "test" and not settings.flag("KIT_FSYNC")

    def stop(self):
        """Stop the embedded server; tell whether it ran."""
        if self.given or not (self.data / "postmaster.pid").exists():
            return False
        account = server_account()
        command = as_account(account, self.tool("pg_ctl"), self.data)
        command += ["-D", self.data, "-m", "fast", "-w", "stop"]
        return ask(command, cwd="/") is not None

    def stop_if_ours(self):
        """Stop the server when this command started it and nobody else uses it."""
        others = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        if self.started_here and self.query(others) == "0":
            self.stop()


def server_account():
    """Return the account the server runs as: PostgreSQL refuses root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def give(path, account):
    """Give a folder to the server's account."""
    if account:
        os.chown(path, account.pw_uid, account.pw_gid)


def as_account(account, program, folder):
    """Return a command that runs a server program as that account.

    Where the checkout lies in a folder closed to others (root's home, say), the
    server is allowed to pass through it; nothing on the machine is changed.
    """
    if not account:
        return [program]
    setpriv = [shutil.which("setpriv") or "setpriv", "--clear-groups"]
    setpriv += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"]
    if not (passable(program) and passable(folder)):
        setpriv += ["--securebits=+no_setuid_fixup"]
        setpriv += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*setpriv, program]


def passable(path):
    """Tell whether every folder above a path lets others through."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def socket_folder():
    """Return a folder for the sockets whose path is short enough."""
    near = settings.STATE / "run"
    if len(str(near)) + len("/.s.PGSQL.5432.lock") <= LONGEST_SOCKET:
        near.mkdir(mode=0o700, parents=True, exist_ok=True)
        return near
    note = settings.STATE / "run.json"
    if note.exists():
        folder = Path(json.loads(note.read_text()))
        if folder.is_dir():
            return folder
    folder = Path(tempfile.mkdtemp(prefix="credit-kit-"))
    note.write_text(json.dumps(str(folder)))
    return folder
