"""The part of the benchmarks that runs inside Odoo: one task, one process.

    python -m bench.inside <odoo.conf> <database> <task> <parameters as JSON>

Prints one line of JSON: what was measured, the highest memory of this process, and
how many queries it sent.
"""

import contextlib
import importlib
import json
import resource
import sys

import odoo
from odoo import api
from odoo.modules.registry import Registry


@contextlib.contextmanager
def environment(database):
    """Open the database as a job would: as the system's user, one cursor."""
    with Registry(database).cursor() as cr:
        user = odoo.SUPERUSER_ID
        yield api.Environment(cr, user, {"lang": "en_US", "tz": "UTC"})
        cr.rollback()


def peak_mb():
    """Return the highest resident memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(config, database, task, parameters):
    """Run a task: `module.function`, called with an environment."""
    odoo.tools.config.parse_config(
        ["-c", config, "-d", database, "--log-level=warn", "--no-http"],
        setup_logging=True,
    )
    module, _dot, function = task.partition(".")
    call = getattr(importlib.import_module(f"bench.{module}"), function)
    with environment(database) as env:
        before = peak_mb()
        result = call(env, **json.loads(parameters))
    result = {"start_mb": before, "peak_mb": peak_mb()} | (result or {})
    sys.stdout.write(f"{json.dumps(result)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
