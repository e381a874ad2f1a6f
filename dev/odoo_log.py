"""Reading Odoo's log: what in it makes a test run fail, and how many tests ran."""

import re
from dataclasses import dataclass, field

from . import settings

ENTRY = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \d+ "
    r"(?P<level>[A-Z]+) \S+ (?P<logger>\S+): (?P<text>.*)$"
)
TOTAL = re.compile(
    r"(?P<failed>\d+) failed, (?P<errors>\d+) error\(s\) of (?P<total>\d+) tests"
)
SKIPPED = re.compile(r"skipped (?P<test>\S+) : (?P<reason>.*)")
RESULT = re.compile(r"(?:FAIL|ERROR): (?P<test>\S+)")
STARTED = re.compile(r"Starting (?P<test>\S+) \.\.\.")
ENDED_BADLY = re.compile(
    r"(?P<how>FAIL|ERROR): (?:Subtest )?(?P<test>setUpClass .*|tearDownClass .*|\S+)"
)
RAISED = re.compile(r"[\w.]+: \S")
FORBIDDEN = ("demo data failed to install", "have no access rules")


@dataclass
class Findings:
    """What a log says about a run."""

    tests: int = 0
    skipped: list = field(default_factory=list)
    known: list = field(default_factory=list)
    failures: list = field(default_factory=list)


def entries(text):
    """Yield (level, logger, message) with continuation lines joined.

    >>> log = "2026-01-02 03:04:05,678 12 ERROR db odoo.x: bad" + chr(10) + "more"
    >>> list(entries(log))
    [('ERROR', 'odoo.x', 'bad\\nmore')]
    """
    current = None
    for line in text.splitlines():
        if found := ENTRY.match(line):
            if current:
                yield tuple(current)
            current = [found["level"], found["logger"], found["text"]]
        elif current:
            current[2] += "\n" + line
    if current:
        yield tuple(current)


def known_errors(name="known_errors.txt"):
    """Return (pattern, reason) of the lines that are no fault of the add-on."""
    pairs = []
    for line in (settings.ROOT / "dev" / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, _mark, reason = line.partition(" ## ")
            pairs.append((re.compile(pattern.strip()), reason.strip()))
    return pairs


def examine(text):
    """Return what makes a run fail, what was skipped, and how many tests ran."""
    findings = Findings()
    known = known_errors()
    for level, logger, message in entries(text):
        if found := SKIPPED.match(message):
            findings.skipped.append(f"{found['test']}: {found['reason']}")
        elif found := TOTAL.search(message):
            findings.tests = int(found["total"])
        elif reason := excused(f"{logger}: {message}", known):
            findings.known.append(reason)
        elif is_failure(level, f"{logger}: {message}"):
            findings.failures.append(sentence(level, logger, message))
    findings.failures = list(dict.fromkeys(findings.failures))
    return findings


def results(text):
    """Return how each test of a run ended: dict of its name -> (outcome, cause).

    >>> moment = "2026-01-02 03:04:05,678 12 "
    >>> logger = " db odoo.addons.sale.tests.test_sale: "
    >>> log = [
    ...     moment + "INFO" + logger + "Starting TestSale.test_a ... ",
    ...     moment + "INFO" + logger + "Starting TestSale.test_b ... ",
    ...     moment + "ERROR" + logger + "FAIL: Subtest TestSale.test_b (x=1)",
    ...     "Traceback:", "AssertionError: 1 != 2",
    ...     moment + "INFO" + logger + "Starting TestSale.test_c ... ",
    ...     moment + "INFO" + logger + "skipped TestSale.test_c : no Chrome",
    ... ]
    >>> for name, result in results(chr(10).join(log)).items():
    ...     print(name, result)
    sale.tests.test_sale.TestSale.test_a ('passed', '')
    sale.tests.test_sale.TestSale.test_b ('failed', 'AssertionError: 1 != 2')
    sale.tests.test_sale.TestSale.test_c ('skipped', 'no Chrome')
    """
    found = {}
    for level, logger, message in entries(text):
        place = logger.removeprefix("odoo.addons.")
        if started := STARTED.match(message):
            found.setdefault(f"{place}.{started['test']}", ("passed", ""))
        elif skipped := SKIPPED.match(message):
            found[f"{place}.{skipped['test']}"] = ("skipped", skipped["reason"])
        elif level == "ERROR" and (ended := ENDED_BADLY.match(message)):
            outcome = "failed" if ended["how"] == "FAIL" else "error"
            found[f"{place}.{ended['test']}"] = (outcome, exception(message))
    return found


def excused(line, known):
    """Return the reason why a line is known, or None."""
    return next((reason for pattern, reason in known if pattern.search(line)), None)


def is_failure(level, line):
    """Tell whether an entry makes the run fail."""
    if level in ("ERROR", "CRITICAL"):
        return True
    if any(words in line for words in FORBIDDEN):
        return True
    return level == "WARNING" and settings.PRODUCT in line


def exception(message):
    """Return the line of a traceback that names the exception.

    >>> exception(chr(10).join(["Traceback:", "  in f", "a.B: no", "more"]))
    'a.B: no'
    """
    lines = [line for line in message.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if RAISED.match(line)), lines[-1])


def sentence(level, logger, message):
    """Return an entry as one line."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    cause = f" — {exception(message)}" if "Traceback" in message else ""
    if RESULT.match(first):
        return first + cause
    return f"{level.lower()} in the log of {logger}: {first}{cause}"
