"""`make stop`, `make clean`, `make help`, and the measurements."""

import shutil
import subprocess

from . import packages, processes, settings
from .postgres import Cluster, socket_folder
from .steps import lock, say

HELP = """\
make demo        Odoo with demo data, one dunning run sent into a local mail sink
make test        rules, linters, and the add-on's tests in Odoo
make lint        ruff and pylint-odoo
make db          a fresh database: DB=name MODULES=a,b [DEMO=1]
make odoo        Odoo's own command line: ARGS="…" (any option or subcommand)
make shell       Odoo's shell: DB=name
make host-tests  the host's own tests without and with our add-ons: [TAGS=/account,…]
make bench       benchmarks: [SIZES="10000 100000"] [ONLY=proposal,queuing,…]
make faults      letters under kills and cuts: [TRIAL=kill-prefork,ledger,…]
make pictures    a picture of each screen, mail and PDF: [ONLY=overview,…] [KEEP=1]
make readme      README.rst of each add-on from its readme/*.md
make terms       translations up to the code: DB=name [MODULE=a] [ADD=file.json]
make stop        end everything the kit started
make clean       stop, then remove .dev/

Variables: PORT · HOST · MAIL_PORT · EXTRA_ADDONS=dir,dir · ODOO_DIR=checkout
           ODOO_DEB=package file · PGHOST, PGPORT, PGUSER, PGPASSWORD
           more in dev/README.md"""


def show_help():
    """Print what there is."""
    say(HELP)
    return 0


def stop():
    """End the background programs and the embedded PostgreSQL servers."""
    stopped = [name for name in processes.names() if processes.stop(name)]
    if packages.PYTHON.exists():
        for name in ("main", "test"):
            if Cluster(name).stop():
                stopped.append(f"PostgreSQL ({name})")
    say(f"           stopped: {', '.join(stopped) or 'nothing was running'}")
    return 0


def clean():
    """Remove everything the kit made."""
    if settings.STATE.exists():
        stop()
        sockets = socket_folder()
        if sockets.parent != settings.STATE:
            shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(settings.STATE)
    say("           .dev/ removed")
    return 0


def bench():
    """Run the benchmarks: `SIZES` and `ONLY` say which."""
    return program("bench.bench")


def faults():
    """Run the fault trials: `TRIAL`, `KILLS`, `CUSTOMERS`, `SEED` say which."""
    return program("bench.faults")


def program(module):
    """Run a module of the measurements on the kit's Python."""
    with lock("prepare"):
        python = packages.ensure()
    command = [str(python), "-m", module]
    return subprocess.run(command, cwd=settings.ROOT, check=False).returncode
