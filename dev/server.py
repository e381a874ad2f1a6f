"""Odoo's command line with database, add-on path and server filled in."""

import os
import shlex
import subprocess

from . import odoo_source, packages, programs, settings
from .postgres import Cluster
from .steps import lock, need_disk, say


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
        """Return the command line; a leading word is a subcommand of Odoo."""
        arguments = [str(part) for part in arguments]
        first = []
        if arguments and not arguments[0].startswith("-"):
            first = [arguments.pop(0)]
        return [str(self.python), "-m", "odoo", *first, "-c", str(self.config)] + (
            arguments
        )

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
