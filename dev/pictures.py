"""`make pictures`: a picture of each screen, mail and PDF, wide and narrow.

Makes a database with the demo's data, has the follow-up of some weeks happen in it
(`scripts/pictures_scene.py`), starts a server on it, and has a browser take what the
table says (`shots.py`, `camera.py`). Nothing of `make demo` is touched.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

from . import database, demo, mail, processes, programs, settings
from .server import Host
from .steps import Failure, lock, run, say, short, step

NAME = "pictures"
FOLDER = settings.STATE / "pictures"
MAILS = FOLDER / "mail"
SCENE = FOLDER / "scene.json"
STAMP = FOLDER / "stamp"
SINK = "pictures-mail"
VENV = settings.STATE / "pictures-venv"
REQUIREMENTS = settings.ROOT / "dev" / "pictures-requirements.txt"


def take():
    """Take all pictures, or those that `ONLY` names."""
    demo.check_port(settings.http_port())
    with lock("pictures", wait=False):
        host = Host(programs_too=True)
        browser = programs.browser()
        if not browser:
            raise Failure("There is no browser.", "Install Chromium.")
        python = ensure_packages()
        try:
            set_scene(host)
            demo.start_server(host, NAME, cron_threads=1)
            return photograph(python, browser)
        finally:
            processes.stop(demo.SERVER)
            processes.stop(SINK)
            host.cluster.stop_if_ours()


def ensure_packages():
    """Make the environment of the browser match its list; return its Python."""
    python = VENV / "bin" / "python"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    stamp = VENV / "kit-stamp"
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    trouble = "Installing what drives the browser failed."
    with step("installing what drives the browser", "browser can be driven"):
        shutil.rmtree(VENV, ignore_errors=True)
        run([sys.executable, "-m", "venv", VENV], trouble, log="pictures-venv")
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        run([*pip, "-r", REQUIREMENTS], trouble, log="pictures-packages")
    stamp.write_text(wanted)
    return python


def set_scene(host):
    """Make the database and let things happen in it; `KEEP=1` takes it as it is."""
    kept = STAMP.exists() and database.exists(host, NAME)
    if kept and (settings.flag("KEEP") or STAMP.read_text() == fingerprint()):
        return
    STAMP.unlink(missing_ok=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    database.create(
        host,
        NAME,
        demo.MODULES,
        "--with-demo",
        f"--load-language={demo.LANGUAGES}",
    )
    mail_port, _started = mail.ensure(host.python, MAILS, SINK)
    play_scene(host, mail_port)
    STAMP.write_text(fingerprint())


def fingerprint():
    """Return what tells one state of add-on and scene from another."""
    scene = (settings.SCRIPTS / "pictures_scene.py").read_text()
    return hashlib.sha256(f"{demo.fingerprint()} {scene}".encode()).hexdigest()


def play_scene(host, mail_port):
    """Run the scene in Odoo's shell."""
    SCENE.unlink(missing_ok=True)
    log = settings.LOGS / "pictures-scene.log"
    environment = host.environment() | {
        "KIT_ADDRESS": demo.address(),
        "KIT_MAIL_FOLDER": str(MAILS),
        "KIT_MAIL_PORT": str(mail_port),
        "KIT_REPORT": str(SCENE),
        "KIT_ROOT": str(settings.ROOT),
    }
    command = host.command("shell", "-d", NAME, "--no-http")
    with step("some weeks of dunning", "some weeks of dunning done"):
        with (
            open(settings.SCRIPTS / "pictures_scene.py", "rb") as script,
            open(log, "wb") as output,
        ):
            subprocess.run(
                command,
                stdin=script,
                stdout=output,
                stderr=output,
                env=environment,
                check=False,
            )
    if not SCENE.exists():
        raise Failure("The scene of the pictures failed.", f"See {short(log)}.")


def photograph(python, browser):
    """Have the camera take the pictures; return 1 where one could not be taken."""
    order = {
        "address": demo.address(),
        "browser": browser,
        "database": NAME,
        "mails": str(MAILS),
        "only": settings.words("ONLY"),
        "records": json.loads(SCENE.read_text()),
        "target": str(settings.ROOT / settings.PRODUCT / "static" / "description"),
    }
    say("           taking pictures …")
    done = subprocess.run(
        [str(python), "-m", "dev.camera"],
        input=json.dumps(order),
        text=True,
        cwd=settings.ROOT,
        env={**os.environ, "PYTHONPATH": str(settings.ROOT)},
        check=False,
    )
    return done.returncode
