"""Talking to the person at the terminal: steps with their time, plain failures."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time

from . import settings


class Failure(Exception):
    """Something the user can act on: what happened, and what to try."""

    def __init__(self, what, attempt=""):
        super().__init__(what)
        self.what = what
        self.attempt = attempt

    def __str__(self):
        return f"{self.what} {self.attempt}".strip()


def say(message=""):
    """Print a line at once and whole, also from two threads or into a file."""
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


def warn(message):
    """Print something that does not stop the command but should be read."""
    say(f"   note    {message}")


@contextlib.contextmanager
def step(doing, done=None):
    """Announce what is done, and how long it took when it worked."""
    say(f"           {doing} …")
    start = time.monotonic()
    yield
    say(f"[{time.monotonic() - start:6.1f} s] {done or doing}")


@contextlib.contextmanager
def lock(name, wait=True):
    """Let only one kit command at a time do what `name` stands for."""
    folder = settings.STATE / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / name, "a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if not wait:
                raise Failure(
                    f"Another `make {name}` runs in this folder.", "End it first."
                ) from error
            say(f"           waiting for another kit command ({name}) …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


# What a failed program says -> one sentence, and what to try.
KNOWN_TROUBLE = (
    (
        ("No space left on device", "Disk quota exceeded"),
        "The disk is full.",
        "Free some space (about 4 GB are needed) and run the same command again.",
    ),
    (
        (
            "Temporary failure in name resolution",
            "Could not resolve",
            "Failed to resolve",
            "Temporary failure resolving",
            "Network is unreachable",
            "NewConnectionError",
            "Connection refused",
            "Connection timed out",
            "Read timed out",
            "dns error",
            "Could not connect",
            "Cannot initiate the connection",
            "error sending request",
        ),
        "The network, or the server asked, cannot be reached.",
        "Check the connection or the proxy and run the same command again.",
    ),
)


def explain(output, what, attempt=""):
    """Return the Failure that fits the output of a program that failed."""
    for signs, sentence, advice in KNOWN_TROUBLE:
        if any(sign in output for sign in signs):
            return Failure(f"{what} {sentence}", advice)
    return Failure(what, attempt)


def run(command, what, attempt="", log=None, **options):
    """Run a program quietly; when it fails raise a plain sentence.

    Its output goes to `.dev/log/<log>.log`, named in the failure.
    """
    settings.LOGS.mkdir(parents=True, exist_ok=True)
    name = log or os.path.basename(str(command[0]))
    path = settings.LOGS / f"{name}.log"
    with open(path, "wb") as output:
        try:
            code = subprocess.run(
                [str(part) for part in command],
                stdin=options.pop("stdin", subprocess.DEVNULL),
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **options,
            ).returncode
        except OSError as error:
            raise explain(str(error), f"{what} ({error.strerror}).", attempt) from error
    said = path.read_text(errors="replace")
    if code:
        advice = attempt or f"See {short(path)}."
        raise explain(said, what, advice)
    return said


def ask(command, **options):
    """Run a program and return what it prints, or None when it fails."""
    try:
        answer = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            **options,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def short(path):
    """Return a path as seen from the repository when it lies in it."""
    try:
        return path.relative_to(settings.ROOT)
    except ValueError:
        return path


def need_disk():
    """Stop early when the first build would not fit."""
    free = shutil.disk_usage(settings.ROOT).free / 1e9
    if free < settings.FREE_GB_NEEDED:
        raise Failure(
            f"The disk has {free:.1f} GB left and {settings.FREE_GB_NEEDED} GB are "
            "needed.",
            "Free some space, or clone to another disk.",
        )
