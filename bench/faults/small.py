"""The small fixed form of the trials, a part of `make test`.

`python -m bench.faults.small <cluster> <database>`: 5 ways of a mail server to fail,
then 30 kills, over 300 customers on one prefork server. The database has the add-on
installed; it is copied. The last line printed is the outcome as JSON.
"""

import json
import signal
import sys

from dev.server import Host

from . import kills, mails, population, report
from .stage import Stage

SEED = 19
CUSTOMERS = 300
KILLS = 30
ONCE = 2  # every second letter goes at most once: there a copy is a fault
MODES = ("refused", "451", f"bad:{mails.HALF}", "cut", "lost")
SHARE = 10  # letters of each mode


def main(cluster, base):
    """Run the small form; print what was found."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host = Host(cluster)
    template = population.template(host, CUSTOMERS, base, ONCE)
    with Stage(host, "small", template, SEED) as stage:
        found = play(stage)
    failures = [
        f"{name}: {text}" for name, figures in found.items() for text in figures.broken
    ]
    for name, figures in found.items():
        for line in report.lines(figures):
            print(f"{name}: {line}")
    outcome = {"failures": failures, "summary": summary(found.values())}
    print(json.dumps(outcome), flush=True)
    return int(bool(failures))


def summary(found):
    """Return all of it in one line."""
    total = {
        name: sum(getattr(figures, name) for figures in found)
        for name in ("letters", "kills", "received", "lost", "copies", "human")
    }
    return (
        "{letters} letters, {kills} kills and cuts: {received} messages, {lost} lost,"
        " {copies} copies, a person asked for {human}".format(**total)
    )


def play(stage):
    """Let the mail server fail in its ways, then kill; return the figures of each."""
    found = {}
    every = stage.keys
    stage.put(every, "skipped")
    server = stage.server(workers=1)
    stage.wake()
    for number, mode in enumerate(MODES):
        release(stage, every[number * SHARE : (number + 1) * SHARE])
        mails.begin(stage, mode)
        mails.endure(stage, mode, rounds=2)
        found[f"mail server, {mode.partition(':')[0]}"] = mails.recover(stage, mode)
    release(stage, every[len(MODES) * SHARE :])
    found[f"{KILLS} kills"] = kills.kill_storm(stage, KILLS, 1, server=server)
    return found


def release(stage, keys):
    """Queue letters that were held back, and count from here."""
    stage.keys, stage.letters = keys, len(keys)
    stage.kills, stage.minutes, stage.resumes = 0, 0.0, []
    stage.put(keys, "queued")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
