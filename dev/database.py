"""Databases: fresh ones, copies of templates, and the files that go with them."""

import shutil

from . import settings
from .server import Host
from .steps import Failure, explain, lock, run, say, short, step


def make():
    """`make db`: a fresh database with the modules asked for."""
    name = settings.text("DB")
    if not name:
        raise Failure("No database named.", "Say: make db DB=name MODULES=a,b [DEMO=1]")
    modules = settings.words("MODULES") or [settings.PRODUCT]
    options = ["--with-demo"] if settings.flag("DEMO") else []
    host = Host()
    with lock(f"db-{name}"):
        log = create(host, name, modules, *options)
    say(f"           its log is {short(log)}")
    return 0


def exists(host, name):
    """Tell whether a database is there."""
    found = f"SELECT 1 FROM pg_database WHERE datname = '{name}'"
    return host.cluster.query(found) == "1"


def drop(host, name):
    """Remove a database and its files."""
    administer(host, "dropdb", "--if-exists", "--force", name)
    shutil.rmtree(filestore(host, name), ignore_errors=True)


def empty(host, name):
    """Make an empty database the way Odoo does, without its noise.

    Odoo asks for `pg_trgm` and logs an error where the server lacks it.
    """
    drop(host, name)
    administer(
        host, "createdb", "-T", "template0", "-E", "UTF8", "--lc-collate=C", name
    )
    query = host.cluster.query
    if query("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'") == "1":
        query("CREATE EXTENSION IF NOT EXISTS pg_trgm", name)
    query("GRANT CREATE ON SCHEMA public TO public", name)


def copy(host, source, name):
    """Make a database as a copy of another, its files included."""
    drop(host, name)
    administer(host, "createdb", "-T", source, name)
    if filestore(host, source).exists():
        shutil.copytree(filestore(host, source), filestore(host, name))


def create(host, name, modules, *options):
    """Make a database anew with these modules; return the log's path."""
    log = settings.LOGS / f"db-{name}.log"
    arguments = ["-d", name, "-i", ",".join(modules), "--no-http", "--stop-after-init"]
    with step(f"making database {name}", f"database {name} made"):
        empty(host, name)
        with open(log, "wb") as output:
            code = host.call(*arguments, *options, stdout=output, stderr=output)
    said = log.read_text(errors="replace")
    if code:
        advice = f"See {short(log)}."
        raise explain(said, f"Database {name} could not be made.", advice)
    return log


def filestore(host, name):
    """Return the folder of a database's attachments."""
    return host.cluster.files / "filestore" / name


def administer(host, program, *arguments):
    """Run createdb or dropdb."""
    what = f"{program} {arguments[-1]} failed."
    command = host.cluster.client(program, *arguments)
    run(command, what, log=program, env=host.cluster.environment())
