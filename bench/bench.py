"""`make bench`: what dunning costs as ledgers grow, and `bench/RESULTS.md`.

    make bench                          10 000 and 100 000 open items, all parts
    make bench SIZES="100000 1000000"   other sizes
    make bench ONLY=queuing             one part, or several: proposal,lists

Each part runs in a process of its own. What was measured is kept in `.dev/bench/`, and
the page is written from all that is there: parts measured again replace their figures.
"""

import json
import subprocess
import sys
import time

from dev import database, settings
from dev.server import Host
from dev.steps import Failure, lock, say, step

from . import portal, report

PARTS = (
    "proposal",
    "memory",
    "night",
    "queuing",
    "lists",
    "figures",
    "index",
    "portal",
    "workers",
    "orders",
    "plans",
    "install",
)
ONCE = ("portal", "workers", "orders", "plans", "install")  # of one size of their own
DEFAULT_SIZES = ["10000", "100000"]
FOLDER = settings.STATE / "bench"
BASE = "bench_base"
LANGUAGES = "en_US,nl_NL,de_DE"
WORKERS_ITEMS = 100000
PORTAL_ITEMS = 100000
ORDERS_ITEMS = 10000
PLANS_ITEMS = 110000  # more than 10 000 customers, each with one plan
INSTALL_ITEMS = 110000  # more than 100 000 invoices
QUEUE_OF_WORKERS = 1000
LARGEST_FOR_QUEUING = 100000  # a letter costs the same whatever the ledger holds
LOADING_SECONDS = 12  # two processes load Odoo at once


def main():
    """Measure what was asked for and write the page."""
    parts = settings.words("ONLY") or PARTS
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise Failure(f"No such part: {unknown.pop()}.", f"Parts: {', '.join(PARTS)}")
    sizes = [int(word) for word in settings.words("SIZES") or DEFAULT_SIZES]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with lock("bench", wait=False):
        host = Host()
        try:
            Bench(host, sizes).run(parts)
        finally:
            host.cluster.stop_if_ours()
    return 0


class Bench:
    """One call of `make bench`."""

    def __init__(self, host, sizes):
        self.host = host
        self.sizes = sizes
        self.results = report.load(FOLDER)

    def run(self, parts):
        """Measure the parts, size by size, and write down each as it comes."""
        by_size = [part for part in parts if part not in ONCE]
        for size in self.sizes if by_size else ():
            name = self.ledger(size)
            for part in by_size:
                getattr(self, part)(name, size)
        for part in ONCE:
            if part in parts:
                getattr(self, part)()
        say(report.ratios(self.results))

    def keep(self, size, part, figures):
        """Keep figures and write the page anew."""
        figures["measured"] = report.circumstances()
        self.results.setdefault(str(size), {})[part] = figures
        self.results["machine"] = report.machine(self.host)
        report.save(FOLDER, self.results)

    # === DATABASES === #

    def base(self):
        """Return a database with the add-on and a chart of accounts, as it is now."""
        stamp = FOLDER / "base.stamp"
        now = report.fingerprint()
        known = stamp.exists() and stamp.read_text() == now
        if not (known and database.exists(self.host, BASE)):
            database.create(
                self.host, BASE, [settings.PRODUCT], f"--load-language={LANGUAGES}"
            )
            stamp.write_text(now)
        return BASE

    def ledger(self, size, companies=1):
        """Return a database with a checked ledger of this size."""
        name = f"bench_{size}" + (f"_{companies}" if companies > 1 else "")
        stamp = FOLDER / f"{name}.stamp"
        now = report.fingerprint()
        if database.exists(self.host, name) and stamp.exists():
            if stamp.read_text() != now:
                self.change(name, "-u")
                stamp.write_text(now)
            return name
        database.copy(self.host, self.base(), name)
        with step(
            f"making a ledger of {size:,} open items", f"ledger of {size:,} made"
        ):
            made = self.call(name, "ledger.make", items=size, companies=companies)
            self.call(name, "ledger.analyze")
        stamp.write_text(now)
        self.keep(size if companies == 1 else "workers", "ledger", made)
        return name

    def change(self, name, option, module=settings.PRODUCT):
        """Install or update an add-on as a server does; return the seconds."""
        with step(f"odoo {option} {module}, {name}"):
            log = settings.LOGS / f"bench{option}-{name}.log"
            start = time.monotonic()
            with open(log, "wb") as output:
                code = self.host.call(
                    *("-d", name, option, module),
                    *("--no-http", "--stop-after-init"),
                    stdout=output,
                    stderr=output,
                )
        if code:
            raise Failure(f"odoo {option} failed on database {name}.", f"See {log}.")
        return time.monotonic() - start

    # === PARTS === #

    def proposal(self, name, size):
        """Proposal against floor, in turn, in one process."""
        repeat = 7 if size <= 10000 else 5 if size <= 100000 else 3
        with step(f"proposal and floor, {size:,} items"):
            figures = self.call(name, "proposal.measure", repeat=repeat)
        self.keep(size, "proposal", figures)

    def memory(self, name, size):
        """One proposal in one transaction, alone in its process."""
        with step(f"memory of a proposal, {size:,} items"):
            self.keep(size, "memory", self.call(name, "proposal.peak"))

    def night(self, name, size):
        """The nightly run, each batch committed."""
        with step(f"a night, {size:,} items"):
            self.keep(size, "night", self.call(name, "proposal.night"))

    def queuing(self, name, size):
        """Our way and the host's with the same letters, on a copy."""
        if size > LARGEST_FOR_QUEUING:
            return
        with self.scratch(name) as copy, step(f"queuing, {size:,} items"):
            self.keep(size, "queuing", self.call(copy, "queuing.measure"))

    def lists(self, name, size):
        """Lists of 80 rows."""
        with step(f"lists, {size:,} items"):
            self.call(name, "proposal.fill")
            self.keep(size, "lists", self.call(name, "lists.measure"))
            self.call(name, "proposal.empty")

    def figures(self, name, size):
        """The figures of all credit files, batch by batch."""
        with step(f"figures of all customers, {size:,} items"):
            self.call(name, "proposal.fill")
            self.keep(size, "figures", self.call(name, "figures.measure"))
            self.call(name, "proposal.empty")

    def index(self, name, size):
        """The partial covering index, without and with."""
        with step(f"covering index, {size:,} items"):
            self.keep(size, "index", self.call(name, "index.measure"))

    def portal(self):
        """The customer's page with thousands of invoices, by many at once."""
        name = self.ledger(PORTAL_ITEMS)
        with self.scratch(name) as copy:
            with step("giving one customer thousands of invoices"):
                made = self.call(copy, "portal.prepare")
            with step("the customer's page and the host's list, by many at once"):
                figures = portal.measure(self.host, copy, made["url"])
        self.keep("portal", "portal", figures | {"items": made["items"]})

    def orders(self):
        """Confirming an order, with the credit check and without."""
        with self.scratch(self.ledger(ORDERS_ITEMS)) as copy:
            self.change(copy, "-i", "credit_management_sale")
            with step("confirming orders, with the check and without"):
                self.keep("orders", "orders", self.call(copy, "orders.measure"))

    def plans(self):
        """A night that looks at all plans that run, and their list."""
        with (
            self.scratch(self.ledger(PLANS_ITEMS)) as copy,
            step("a night over all payment plans"),
        ):
            self.keep("plans", "plans", self.call(copy, "plans.measure"))

    def workers(self):
        """One worker against two: proposals of two companies, letters of one queue."""
        name = self.ledger(WORKERS_ITEMS, companies=2)
        figures = {}
        with step("proposals of two companies: one worker, two workers"):
            figures["propose_one"] = self.together(
                name, [("workers.propose", {"numbers": [0, 1]})], "workers.clear"
            )
            figures["propose_two"] = self.together(
                name,
                [("workers.propose", {"numbers": [number]}) for number in (0, 1)],
                "workers.clear",
            )
        for count, key in ((1, "send_one"), (2, "send_two")):
            with (
                self.scratch(name) as copy,
                step(f"handing {QUEUE_OF_WORKERS} letters over: {count} at work"),
            ):
                self.call(copy, "workers.prepare", letters=QUEUE_OF_WORKERS)
                figures[key] = self.together(copy, [("workers.send", {})] * count)
        figures["letters"] = QUEUE_OF_WORKERS
        self.keep("workers", "workers", figures)

    def install(self):
        """Install on a large ledger, use, update, uninstall; see what was touched."""
        name = "bench_install"
        database.create(
            self.host, name, ["sale_management"], f"--load-language={LANGUAGES}"
        )
        with step(f"making a ledger of {INSTALL_ITEMS:,} open items", "ledger made"):
            made = self.call(name, "ledger.make", items=INSTALL_ITEMS)
            sold = self.call(name, "install.order")
            self.call(name, "ledger.analyze")
        figures = {"items": made["items"], "invoices": sold["invoices"]}
        looks = {"before": self.look(name, "before")}
        figures["install_seconds"] = self.change(name, "-i")
        looks["after"] = self.look(name, "after")
        with step("using the add-on once"):
            self.call(name, "install.work")
        kept = self.call(name, "install.keep")["counts"]
        looks["used"] = self.look(name, "used")
        figures["update_seconds"] = self.change(name, "-u")
        looks["updated"] = self.look(name, "updated")
        figures["update_keeps"] = kept == self.call(name, "install.keep")["counts"]
        with step("uninstalling the add-on"):
            figures["uninstall_seconds"] = self.call(name, "install.leave")["seconds"]
        looks["gone"] = self.look(name, "gone")
        figures["rewritten"] = {
            what: self.call(name, "install.rewritten", one=one, other=other)["counts"]
            for what, one, other in (
                ("install", "before", "after"),
                ("update", "used", "updated"),
                ("uninstall", "updated", "gone"),
            )
        }
        figures["left"] = differences(looks["before"], looks["gone"])
        figures["missing"] = differences(looks["gone"], looks["before"])
        with step("selling and being paid without it"):
            figures["paid"] = self.call(name, "install.trade", before=sold)["state"]
        self.keep("install", "install", figures)
        database.drop(self.host, name)

    def look(self, name, label):
        """Return what a database has; its row versions are kept under the label."""
        return self.call(name, "install.look", label=label)

    def together(self, name, tasks, afterwards=None):
        """Run tasks at the same time; return the seconds from first start to end."""
        at = time.time() + LOADING_SECONDS
        processes = [self.start(name, task, at=at, **given) for task, given in tasks]
        done = [self.finish(process) for process in processes]
        if afterwards:
            self.call(name, afterwards)
        return max(row["to"] for row in done) - min(row["from"] for row in done)

    # === PROCESSES === #

    def scratch(self, name):
        """Return a copy of a database that goes when it is not needed any more."""
        return Scratch(self.host, name)

    def call(self, name, task, **parameters):
        """Run a task inside Odoo and return what it measured."""
        return self.finish(self.start(name, task, **parameters))

    def start(self, name, task, **parameters):
        """Start a task inside Odoo."""
        environment = self.host.environment()
        paths = (str(settings.ROOT), environment["PYTHONPATH"])
        environment["PYTHONPATH"] = ":".join(paths)
        command = (str(self.host.python), "-m", "bench.inside", str(self.host.config))
        return subprocess.Popen(
            [*command, name, task, json.dumps(parameters)],
            cwd=settings.ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process):
        """Wait for a task; return its figures, or fail with what it said."""
        output, errors = process.communicate()
        if process.returncode:
            raise Failure("A task of the benchmark failed:", errors.strip()[-2000:])
        return json.loads(output.strip().splitlines()[-1])


def differences(one, other):
    """Return the names that only the other has, kind by kind.

    >>> differences({"jobs": ["a"], "tables": ["t"]}, {"jobs": ["a", "b"]})
    {'jobs': ['b']}
    """
    return {
        kind: added
        for kind, names in other.items()
        if isinstance(names, list) and (added := sorted(set(names) - set(one[kind])))
    }


class Scratch:
    """A copy of a database, dropped at the end."""

    def __init__(self, host, source):
        self.host = host
        self.source = source
        self.name = f"{source}_scratch"

    def __enter__(self):
        database.copy(self.host, self.source, self.name)
        return self.name

    def __exit__(self, *_trouble):
        database.drop(self.host, self.name)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        say(f"FAILED     {failure}")
        sys.exit(1)
