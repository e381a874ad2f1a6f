"""`make host-tests`: do the host's own suites end with our add-ons as without them?"""

import json
import re
import signal
from dataclasses import dataclass

from . import database, odoo_log, settings
from .server import Host
from .steps import lock, run, say, short, step
from .testing import FULL, Database, Outcome, run_tests, summary, timed

TAGS = "/account,/account_payment,/payment,/portal,/sale,/sale_stock"
BAD = ("failed", "error", "did not run")
# What differs between two runs of the same test: numbers, and the values of a row.
CHANCE = re.compile(r"\d+|VALUES .*")


@dataclass(frozen=True)
class Difference:
    """A test of the host that ends otherwise with our add-ons than without them."""

    test: str
    without: str
    beside: str
    cause: str = ""

    @property
    def is_new_failure(self):
        """Tell whether it ended well, or was skipped, and does not any more."""
        return self.beside in BAD and self.without not in BAD

    def __str__(self):
        cause = f" — {self.cause}" if self.cause else ""
        return f"{self.test}: {self.without} without, {self.beside} with us{cause}"


def host_tests():
    """`make host-tests`: only what fails with our add-ons alone fails it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with lock("test", wait=False):
        host = Host("test", programs_too=True)
        try:
            outcome = timed(compare_suites, host)
        finally:
            host.cluster.stop_if_ours()
    return summary([outcome], host)


def compare_suites(host):
    """Run the host's tests on two copies of its database, one of them with us."""
    tags = settings.text("TAGS", TAGS)
    template = Database("full", FULL, [], []).template(host)
    logs = {}
    for side, addons in (("without", []), ("beside", settings.own_addons())):
        name = f"host_{side}"
        database.copy(host, template, name)
        install(host, name, addons)
        with step(f"the host's tests, {side} ({tags})", f"host's tests {side} done"):
            log, _code = run_tests(host, name, f"--test-tags={tags}")
        logs[side] = log.read_text(errors="replace")
    return judge(logs, tags)


def install(host, name, addons):
    """Install our add-ons, with their demo data, on a database of the host."""
    if not addons:
        return
    with step("installing our add-ons beside the host", "our add-ons installed"):
        run(
            host.command(
                *("-d", name, "-i", ",".join(addons), "--with-demo"),
                *("--no-http", "--stop-after-init"),
            ),
            "Our add-ons could not be installed.",
            log="host-tests-install",
            env=host.environment(),
        )


def judge(logs, tags):
    """Compare the two logs; a new failure that nobody explained fails the command."""
    ended = {side: odoo_log.results(text) for side, text in logs.items()}
    differences = compare(ended["without"], ended["beside"])
    differences += compare_logs(logs["without"], logs["beside"])
    explained = odoo_log.known_errors("host_differences.txt")
    outcome = Outcome("host's own tests, without and with our add-ons")
    for difference in differences:
        reason = odoo_log.excused(str(difference), explained)
        if difference.is_new_failure and not reason:
            outcome.failures.append(str(difference))
        else:
            say(f"  differs            {difference}")
            say(f"                     {reason or 'no failure of ours'}")
    outcome.tests = len(ended["beside"])
    outcome.note = ", ".join(
        f"{side}: {count(results)}" for side, results in ended.items()
    )
    for side, results in ended.items():
        if not results:
            outcome.failures.append(f"no test ran {side} our add-ons")
    file = settings.LOGS / "host-tests.json"
    file.write_text(
        json.dumps(
            {
                "tags": tags,
                "results": ended,
                "differences": [str(difference) for difference in differences],
            },
            indent=1,
        )
    )
    say(f"           test by test in {short(file)}")
    return outcome


def count(results):
    """Say how many tests ended how.

    >>> count({"a": ("passed", ""), "b": ("passed", ""), "c": ("skipped", "why")})
    '3 tests, 2 passed, 1 skipped'
    """
    outcomes = [outcome for outcome, _cause in results.values()]
    kinds = (f"{outcomes.count(kind)} {kind}" for kind in sorted(set(outcomes)))
    return ", ".join([f"{len(outcomes)} tests", *kinds])


def compare(without, beside):
    """Return the tests that ended otherwise.

    >>> for difference in compare(
    ...     {"a": ("passed", ""), "b": ("failed", "x"), "c": ("passed", "")},
    ...     {"a": ("error", "KeyError: 1"), "b": ("failed", "y")},
    ... ):
    ...     print(difference.is_new_failure, difference)
    True a: passed without, error with us — KeyError: 1
    True c: passed without, did not run with us
    """
    absent = ("did not run", "")
    differences = []
    for test in sorted(without.keys() | beside.keys()):
        before, _cause = without.get(test, absent)
        after, cause = beside.get(test, absent)
        if before != after:
            differences.append(Difference(test, before, after, cause))
    return differences


def compare_logs(without, beside):
    """Return the errors beside the tests that only the log with us has."""
    known = {CHANCE.sub("N", line) for line in errors(without)}
    return [
        Difference("log", "passed", "error", line)
        for line in errors(beside)
        if CHANCE.sub("N", line) not in known
    ]


def errors(text):
    """Return what failed in a log and is no result of a test."""
    return [
        line
        for line in odoo_log.examine(text).failures
        if not odoo_log.RESULT.match(line)
    ]
