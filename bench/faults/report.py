"""The figures in words: on the screen, and as `bench/FAULTS.md`."""

import json
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime

from dev import settings

PAGE = settings.ROOT / "bench" / "FAULTS.md"
KEPT = settings.STATE / "faults-results.json"
COLUMNS = {
    "letters": "letters",
    "kills": "kills",
    "received": "received",
    "lost": "lost",
    "silent": "silently lost",
    "doubles": "database doubles",
    "copies": "copies",
    "most_copies": "most of one letter",
    "once_copies": "copies, at most once",
    "unknown": "unknown",
    "unknown_arrived": "of which arrived",
    "failed": "failed",
    "wrong": "wrong",
    "human": "human actions",
    "resume": "resumes (middle / longest)",
    "minutes": "minutes of back-off",
    "seconds": "seconds",
}


def lines(figures):
    """Return a few lines about one trial."""
    yield ", ".join(
        f"{words} {shown(getattr(figures, name))}"
        for name, words in COLUMNS.items()
        if getattr(figures, name) or name in ("lost", "silent", "doubles", "copies")
    )
    yield from figures.notes
    for text in figures.broken:
        yield f"BROKEN: {text}"


def shown(value):
    """Return a figure as text."""
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def keep(name, seed, figures):
    """Keep the figures of a trial for the page."""
    kept = read()
    kept[name] = asdict(figures) | {
        "seed": seed,
        "day": datetime.now(UTC).date().isoformat(),
        "state": state(),
    }
    KEPT.write_text(json.dumps(kept, indent=1))


def read():
    """Return the figures kept so far, by trial."""
    try:
        return json.loads(KEPT.read_text())
    except (OSError, ValueError):
        return {}


def state():
    """Return which state of the sources was tried."""
    found = subprocess.run(
        ["git", "-C", str(settings.ROOT), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "?"


def write():
    """Write the page from the last figures of every trial."""
    kept = read()
    columns = [("trial", "trial"), *COLUMNS.items(), ("seed", "seed"), ("state", "at")]
    rows = [
        [shown({"trial": name, **row}.get(key, "")) for key, _words in columns]
        for name, row in kept.items()
    ]
    head = [words for _key, words in columns]
    text = [INTRODUCTION.format(machine=machine()), table(head, rows), ""]
    text += [f"- `{name}`: {line}" for name, row in kept.items() for line in said(row)]
    PAGE.write_text("\n".join(text).rstrip() + "\n")


def said(row):
    """Return the remarks about a trial."""
    yield from row["notes"]
    yield from (f"**broken**: {text}" for text in row["broken"])


def table(head, rows):
    """Return a table in Markdown."""
    lines = [
        "| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)
    ]
    return "\n".join(lines)


def machine():
    """Describe the machine: cores, memory, system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


INTRODUCTION = """\
# Fault trials

Real server processes, PostgreSQL that waits for the disk, a real SMTP server on the
same machine ({machine}). Written by `make faults`; each line names the seed and the
commit it was measured at.
"""
