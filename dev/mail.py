"""Starting the mail sink and counting what it kept."""

import time

from . import processes, settings
from .steps import Failure, short

FOLDER = settings.STATE / "mail"
NAME = "mail-sink"


def ensure(python, folder=FOLDER, name=NAME):
    """Start the sink unless it runs; return its port and whether we started it."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / "port"
    if processes.running(name) and note.exists():
        return int(note.read_text()), False
    note.unlink(missing_ok=True)
    port = settings.text("MAIL_PORT", "0")
    command = [python, "-m", "dev.mail_sink", folder, port]
    process = processes.start(name, command, cwd=settings.ROOT)
    deadline = time.monotonic() + 15
    while process.poll() is None and time.monotonic() < deadline:
        if note.exists() and note.read_text():
            return int(note.read_text()), True
        time.sleep(0.05)
    processes.stop(name)
    where = f"See {short(settings.LOGS / name)}.log."
    if port != "0":
        where = f"Is port {port} in use? Choose another with MAIL_PORT=…"
    raise Failure("The mail sink did not start.", where)


def kept():
    """Return how many messages the sink holds."""
    return len(list(FOLDER.glob("*.eml")))
