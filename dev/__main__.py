"""Command line of the host kit: ``python3 -m dev <command>``."""

import sys

if sys.version_info[:2] < (3, 11):  # noqa: UP036
    sys.exit(
        "The kit needs Python 3.11 or newer and this is {}.{}. "
        "Try: make PYTHON=python3.11 …".format(*sys.version_info[:2])
    )

from .cli import main

sys.exit(main(sys.argv[1:]))
