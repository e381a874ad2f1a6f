"""Which command of the kit does what."""

import errno

from . import (
    database,
    demo,
    host_suites,
    housekeeping,
    lint,
    pictures,
    readme,
    server,
    terms,
    testing,
)
from .steps import Failure, say

COMMANDS = {
    "demo": demo.run,
    "test": testing.test,
    "lint": lint.lint,
    "db": database.make,
    "odoo": server.odoo,
    "shell": server.shell,
    "host-tests": host_suites.host_tests,
    "bench": housekeeping.bench,
    "faults": housekeeping.faults,
    "pictures": pictures.take,
    "readme": readme.write,
    "terms": terms.update,
    "stop": housekeeping.stop,
    "clean": housekeeping.clean,
    "help": housekeeping.show_help,
}


def main(arguments):
    """Run one command; a failure is one plain sentence, not a traceback."""
    name = arguments[0] if arguments else "help"
    if name not in COMMANDS:
        name = "help"
    try:
        return COMMANDS[name]()
    except Failure as failure:
        say(f"FAILED     {failure}")
        return 1
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        say("FAILED     The disk is full. Free some space and run it again.")
        return 1
    except KeyboardInterrupt:
        say("           stopped")
        return 130
