"""`make faults`: run the fault trials and print what held.

TRIAL=name,name   only these (without it: all)    SEED=7        for everything random
KILLS=100         blows of the kill trials        CUSTOMERS=2000 customers of a run
KEEP=1            leaves the databases there      (logs and mails: .dev/faults/)
"""

import signal
import sys

from dev import settings
from dev.server import Host
from dev.steps import Failure, say, step

from . import population, report
from .stage import Stage
from .trials import TRIALS


def main():
    """Run the trials asked for; exit code 1 when a promise was broken."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = settings.words("TRIAL") or list(TRIALS)
    unknown = sorted(set(wanted) - set(TRIALS))
    if unknown:
        raise Failure(
            f"No trial {', '.join(unknown)}.", f"There are: {' '.join(TRIALS)}"
        )
    seed = int(settings.text("SEED", "7"))
    host = Host()
    broken = False
    for name in wanted:
        figures = run(host, name, seed)
        report.keep(name, seed, figures)
        broken |= bool(figures.broken)
    report.write()
    if host.cluster.started_here:
        host.cluster.stop_if_ours()
    return int(broken)


def run(host, name, seed, base=None, **given):
    """Run one trial on a copy of its database; return its figures."""
    trial = TRIALS[name]
    options = trial.options | given
    customers = options.pop("customers")
    template = population.template(host, customers, base)
    with step(f"trial {name}: {trial.says}", f"trial {name}"):
        with Stage(host, name, template, seed) as stage:
            figures = trial.function(stage, **options)
    for line in report.lines(figures):
        say(f"             {line}")
    return figures


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        say(f"FAILED     {failure}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
