"""`make test`: rules, linters, and the add-on in Odoo."""

import concurrent.futures
import hashlib
import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field

from . import database, lint, odoo_log, programs, settings
from .server import Host
from .steps import Failure, lock, say, short, step

MINIMAL = ("account_payment",)
FULL = (
    *("account_payment", "sale_management", "sale_stock", "sms"),
    *("website_sale", "payment_demo"),
)
DOCTESTS = (
    "bench/bench.py",
    "bench/report.py",
    "dev/host_suites.py",
    "dev/odoo_log.py",
    "dev/server.py",
)
PYTEST_FOUND_NOTHING = 5
# Tests of what asks nothing of other modules: they run once, on the full database.
ONCE = "credit_once"
# Beside the others on the full database, and not again on the small one.
FULL_ONLY = "credit_full"
COPYING = threading.Lock()  # PostgreSQL copies a database to one at a time


@dataclass
class Outcome:
    """How one part of the tests ended."""

    name: str
    seconds: float = 0
    note: str = ""
    failures: list = field(default_factory=list)
    not_run: list = field(default_factory=list)
    tests: int = 0


def test():
    """`make test`: everything; exit code 1 when anything fails."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with lock("test", wait=False):
        host = Host("test", programs_too=True)
        try:
            outcomes = [timed(rules, host), timed(linters, host)]
            outcomes += addon_tests(host)
        finally:
            host.cluster.stop_if_ours()
    return summary(outcomes, host)


def timed(part, *arguments):
    """Run one part and note how long it took."""
    start = time.monotonic()
    outcome = part(*arguments)
    outcome.seconds = time.monotonic() - start
    return outcome


def rules(host):
    """Run the rules' own tests and doctests: no Odoo, no database."""
    outcome = Outcome("rules (pytest, hypothesis, doctests)")
    logic = [f"{addon}/logic" for addon in settings.own_addons()]
    wanted = ("tests", *logic, *DOCTESTS)
    places = [place for place in wanted if (settings.ROOT / place).exists()]
    command = [host.python, "-m", "pytest", "-q", "--doctest-modules", *places]
    log = settings.LOGS / "rules.log"
    with step("testing the rules", "rules tested"):
        with open(log, "wb") as output:
            code = subprocess.run(
                [str(part) for part in command],
                cwd=settings.ROOT,
                stdout=output,
                stderr=output,
                check=False,
            ).returncode
    said = log.read_text(errors="replace").strip()
    outcome.note = said.splitlines()[-1].strip("= ") if said else ""
    if code == PYTEST_FOUND_NOTHING:
        outcome.failures.append("no test of the rules was found")
    elif code:
        failed = [
            line for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))
        ]
        outcome.failures += failed or [f"pytest failed, see {short(log)}"]
    return outcome


def linters(host):
    """Run the linters."""
    outcome = Outcome("lint (ruff, pylint-odoo)")
    outcome.failures = lint.findings(host.python)
    return outcome


def addon_tests(host):
    """Run the add-on's tests on a small and on full databases, side by side.

    What runs on a full one is split in two, so that no processor waits for the other.
    """
    own = settings.own_addons()
    if settings.PRODUCT not in own:
        return [Outcome("add-on", failures=[f"there is no add-on {settings.PRODUCT}"])]
    wanted = settings.text("TAGS")
    own_tags = [wanted] if wanted else [f"/{settings.PRODUCT}", f"-{ONCE}"]
    jobs = [
        Database(
            *("minimal", MINIMAL, [settings.PRODUCT], ["--skip-auto-install"]),
            own_tags if wanted else [*own_tags, f"-{FULL_ONLY}"],
        ),
        Database("full", FULL, own, [], own_tags),
    ]
    if not wanted:
        bridges = [f"/{addon}" for addon in own if addon != settings.PRODUCT]
        jobs.append(Database("full", FULL, own, [], [ONCE, *bridges], "once"))
    with step("testing the add-on on two kinds of databases", "add-on tested"):
        for job in jobs:
            job.template(host)
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            outcomes = list(pool.map(lambda job: timed(job.test, host), jobs))
    # Alone: other work would let fewer kills fall where they hurt.
    return [*outcomes, timed(faults, host, jobs[0])]


def faults(host, job):
    """Let a run of letters meet failing mail servers and kills; count them."""
    outcome = Outcome("letters under faults (5 failures of a mail server, 30 kills)")
    if not database.exists(host, job.full_name):
        outcome.failures.append(f"there is no database {job.full_name}")
        return outcome
    log = settings.LOGS / "faults.log"
    command = [host.python, "-m", "bench.faults.small", host.cluster.name]
    with step("failing mail servers and kills", "letters counted"):
        with open(log, "wb") as output:
            code = subprocess.run(
                [str(part) for part in (*command, job.full_name)],
                cwd=settings.ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            ).returncode
    said = log.read_text(errors="replace").splitlines()
    try:
        found = json.loads(said[-1])
    except (IndexError, ValueError):
        outcome.failures.append(f"ended with code {code}, see {short(log)}")
        return outcome
    outcome.failures = found["failures"]
    outcome.note = f"{found['summary']}, log in {short(log)}"
    return outcome


@dataclass
class Database:
    """A database the add-on is tested on."""

    name: str
    host_modules: tuple
    addons: list
    options: list
    tags: list
    part: str = ""

    @property
    def full_name(self):
        """Name of the database."""
        return "_".join(filter(None, ("test", self.name, self.part)))

    def test(self, host):
        """Install the add-ons with demo data on a fresh database and test them."""
        kind = " ".join(filter(None, (self.name, "database", self.part)))
        outcome = Outcome(f"add-on, {kind} ({', '.join(self.addons)})")
        try:
            with COPYING:
                database.copy(host, self.template(host), self.full_name)
            log, code = self.odoo(host)
        except Failure as failure:
            outcome.failures.append(str(failure))
            return outcome
        found = odoo_log.examine(log.read_text(errors="replace"))
        outcome.tests = found.tests
        outcome.failures = found.failures
        outcome.not_run = found.skipped
        outcome.note = f"{found.tests} tests, log in {short(log)}"
        if not found.tests:
            outcome.failures.append(f"no test of the add-on ran, see {short(log)}")
        if code and not outcome.failures:
            outcome.failures.append(f"Odoo ended with code {code}, see {short(log)}")
        return outcome

    def odoo(self, host):
        """Run Odoo with the tests; return its log and exit code."""
        return run_tests(
            host,
            self.full_name,
            *("-i", ",".join(self.addons), "--with-demo", *self.options),
            f"--test-tags={','.join(self.tags)}",
        )

    def template(self, host):
        """Return a database with the host's modules only, made once."""
        name = f"host_{self.name}_{template_key(host, self)}"
        ready = settings.STATE / "templates" / name
        if not (ready.exists() and database.exists(host, name)):
            for old in ready.parent.glob(f"host_{self.name}_*"):
                database.drop(host, old.name)
                old.unlink()
            database.create(host, name, self.host_modules, "--with-demo", *self.options)
            ready.parent.mkdir(parents=True, exist_ok=True)
            ready.touch()
        return name


def template_key(host, job):
    """Return what tells one state of the host's modules from another."""
    digest = hashlib.sha256(" ".join([*job.host_modules, *job.options]).encode())
    digest.update((host.root / "odoo" / "release.py").read_bytes())
    digest.update(str((host.root / "odoo" / "addons").stat().st_mtime_ns).encode())
    return digest.hexdigest()[:10]


def run_tests(host, name, *arguments):
    """Run Odoo's tests on a database; return the log and the exit code."""
    log = settings.LOGS / f"{name}.log"
    screens = settings.STATE / "screenshots" / name
    shutil.rmtree(screens, ignore_errors=True)
    command = host.command(
        *("-d", name, "--http-port", free_port(), "--stop-after-init"),
        *("--screenshots", screens, "--max-cron-threads", "0"),
        *arguments,
    )
    with open(log, "wb") as output:
        code = subprocess.run(
            command,
            env=host.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        ).returncode
    return log, code


def free_port():
    """Return a port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def summary(outcomes, host):
    """Print what passed and failed, and return the exit code."""
    say("\nSummary")
    for outcome in outcomes:
        mark = "FAILED" if outcome.failures else "passed"
        say(f"  {mark}  {outcome.seconds:6.1f} s  {outcome.name}")
        if outcome.note:
            say(f"                     {outcome.note}")
    lines = programs.not_run(host.lacking)
    lines += [line for outcome in outcomes for line in outcome.not_run]
    for line in lines:
        say(f"  not run            {line}")
    failures = [(one.name, text) for one in outcomes for text in one.failures]
    for name, failure in failures:
        say(f"  FAILED             {name}: {failure}")
    failed = sum(bool(one.failures) for one in outcomes)
    say(f"\n{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failures else 0
