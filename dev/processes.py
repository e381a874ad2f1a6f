"""Background programs of the kit, known by pid and start time."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from . import settings
from .steps import ask

PIDS = settings.STATE / "pids"


def start(name, command, **options):
    """Start a program in the background and remember it under `name`."""
    PIDS.mkdir(parents=True, exist_ok=True)
    settings.LOGS.mkdir(parents=True, exist_ok=True)
    with open(settings.LOGS / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )
    note = {"pid": process.pid, "born": born(process.pid)}
    (PIDS / f"{name}.json").write_text(json.dumps(note))
    return process


def running(name):
    """Return the pid of a program the kit started, or None."""
    try:
        note = json.loads((PIDS / f"{name}.json").read_text())
    except (OSError, ValueError):
        return None
    return note["pid"] if note["born"] == born(note["pid"]) else None


def stop(name, patience=20):
    """End a program the kit started: asked first, then made to."""
    pid = running(name)
    if pid:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while running(name) and time.monotonic() < deadline:
            time.sleep(0.1)
        if running(name):
            os.kill(pid, signal.SIGKILL)
    (PIDS / f"{name}.json").unlink(missing_ok=True)
    return bool(pid)


def names():
    """Return the names of all programs the kit has noted."""
    return sorted(path.stem for path in PIDS.glob("*.json"))


def born(pid):
    """Return what tells a process from a later one with the same pid.

    A process that ended but was not waited for yet counts as gone.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except OSError:
        if Path("/proc/self").exists():
            return None
    return ask(["ps", "-o", "lstart=", "-p", pid]) or None
