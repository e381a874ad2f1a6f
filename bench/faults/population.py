"""The databases of the trials: made once as templates, copied for each trial."""

import hashlib
import subprocess
from pathlib import Path

from dev import database, settings
from dev.steps import Failure, short, step

SCRIPTS = Path(__file__).parent / "scripts"
COMPANY = "Fault Trials"  # as in scripts/populate.py
KEPT = settings.STATE / "templates"


def template(host, customers, base=None, once=5):
    """Return the name of a database with a queued run over that many customers.

    :param base: a database with the add-on installed, copied; else one is made
    :param once: every how many customers one gets letters that go at most once
    """
    base = base or installed(host)
    sources = [settings.ROOT / settings.PRODUCT, SCRIPTS]
    state = key(sources, base, today(host), str(once))
    name = f"faults_{host.cluster.name}_{customers}_{state}"
    if not ready(host, name):
        forget(host, f"faults_{host.cluster.name}_{customers}_*")
        with step(f"making {customers} customers with late invoices", "customers made"):
            database.copy(host, base, name)
            sizes = {"FAULTS_CUSTOMERS": str(customers), "FAULTS_ONCE": str(once)}
            run_script(host, name, "populate.py", **sizes)
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / name).touch()
    return name


def installed(host):
    """Return the name of a database with the add-on as it is now."""
    name = f"faults_base_{key([settings.ROOT / settings.PRODUCT])}"
    if not ready(host, name):
        forget(host, "faults_base_*")
        database.create(host, name, [settings.PRODUCT])
        KEPT.mkdir(parents=True, exist_ok=True)
        (KEPT / name).touch()
    return name


def ready(host, name):
    """Tell whether a template was made to the end and is still there."""
    return (KEPT / name).exists() and database.exists(host, name)


def forget(host, pattern):
    """Remove templates that were made of an older state."""
    for note in KEPT.glob(pattern):
        database.drop(host, note.name)
        note.unlink()


def key(folders, *more):
    """Return what tells one state of the sources from another."""
    digest = hashlib.sha256(" ".join(more).encode())
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.suffix in (".py", ".xml", ".csv", ".sql") and "tests" not in path.parts:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:10]


def today(host):
    """Return the day it is for PostgreSQL: late invoices are late as of a day."""
    return host.cluster.query("SELECT current_date")


def run_script(host, name, script, environment=None, options=(), **variables):
    """Run a script in Odoo's shell on a database; return what it printed."""
    log = settings.LOGS / f"faults-{Path(script).stem}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(SCRIPTS / script, "rb") as source, open(log, "wb") as output:
        subprocess.run(
            host.command(
                *("shell", "-d", name, "--no-http", "--log-level=warn", *options)
            ),
            stdin=source,
            stdout=output,
            stderr=output,
            env=(environment or host.environment()) | variables,
            check=False,
        )
    said = log.read_text(errors="replace")
    if "POPULATED" not in said:
        raise Failure(f"{script} failed on {name}.", f"See {short(log)}.")
    return said
