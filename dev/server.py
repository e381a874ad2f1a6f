"""Odoo's command line with database, add-on path and server filled in."""

import itertools
import os
import shlex
import subprocess

from . import odoo_source, packages, programs, settings
from .postgres import Cluster
from .steps import lock, need_disk, say

# Subcommands of Odoo that take the configuration file after a word of their own, and
# those that take none.
NESTED = ("i18n", "module")
WITHOUT_CONFIG = ("deploy", "help", "scaffold", "upgrade_code")


def place_config(arguments, config):
    """Put the configuration file where Odoo's command line wants it.

    >>> " ".join(place_config(["-d", "demo"], "c.conf"))
    '-c c.conf -d demo'
    >>> " ".join(place_config(["shell", "-d", "demo"], "c.conf"))
    'shell -c c.conf -d demo'
    >>> " ".join(place_config(["db", "drop", "demo"], "c.conf"))
    'db -c c.conf drop demo'
    >>> " ".join(place_config(["i18n", "export", "-d", "demo", "base"], "c.conf"))
    'i18n export -c c.conf -d demo base'
    >>> " ".join(place_config(["module", "--help"], "c.conf"))
    'module --help'
    >>> " ".join(place_config(["scaffold", "new"], "c.conf"))
    'scaffold new'
    """
    words = list(itertools.takewhile(lambda word: word[:1] != "-", arguments[:2]))
    first = 2 if words[:1] and words[0] in NESTED else min(len(words), 1)
    if len(words) < first or (words and words[0] in WITHOUT_CONFIG):
        return arguments
    return [*arguments[:first], "-c", config, *arguments[first:]]


class Host:
    """Everything a command of Odoo needs, made ready."""

    def __init__(self, cluster="main", programs_too=False):
        with lock("prepare"):
            if not (settings.STATE / "venv").exists():
                need_disk()
            self.python = packages.ensure()
            self.root = odoo_source.find()
            self.lacking = programs.ensure() if programs_too else []
        self.cluster = Cluster(cluster).ensure()
        self.config = self.write_config()

    def write_config(self):
        """Write the configuration file all commands of Odoo are given."""
        self.cluster.files.mkdir(parents=True, exist_ok=True)
        folders = odoo_source.addon_folders(self.root)
        folders += [settings.ROOT] if settings.own_addons() else []
        folders += settings.extra_addons()
        options = {
            "addons_path": ",".join(map(str, folders)),
            "data_dir": self.cluster.files,
            "db_host": self.cluster.host,
            "db_port": self.cluster.port,
            "db_user": self.cluster.user,
            "db_password": settings.text("PGPASSWORD") if self.cluster.given else "",
            "http_interface": settings.http_interface(),
            "http_port": settings.http_port(),
            "gevent_port": settings.http_port() + 3,
            "max_cron_threads": 0,
            "admin_passwd": "admin",
        }
        path = settings.STATE / f"odoo-{self.cluster.name}.conf"
        lines = [f"{key} = {value}" for key, value in options.items()]
        path.write_text("\n".join(["[options]", *lines, ""]))
        path.chmod(0o600)
        return path

    def command(self, *arguments):
        """Return the command line; leading words are a subcommand of Odoo."""
        arguments = [str(part) for part in arguments]
        placed = place_config(arguments, str(self.config))
        return [str(self.python), "-m", "odoo", *placed]

    def environment(self):
        """Return the environment Odoo runs in, free of the caller's settings."""
        keep = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("PG") and key not in ("ODOO_RC", "PYTHONHOME")
        }
        keep["PYTHONPATH"] = str(self.root)
        keep["PYTHONUNBUFFERED"] = "1"
        return keep

    def call(self, *arguments, **options):
        """Run a command of Odoo in the foreground and return its exit code."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            check=False,
            **options,
        ).returncode


def odoo():
    """`make odoo`: run the host's own command line."""
    return Host().call(*shlex.split(settings.text("ARGS", "--help")))


def shell():
    """`make shell`: open Odoo's shell on a database."""
    name = settings.text("DB", "demo")
    say(f"           opening the shell of database {name} …")
    return Host().call("shell", "-d", name, "--no-http", "--log-level=warn")
