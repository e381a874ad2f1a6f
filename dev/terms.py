"""`make terms`: the translations of an add-on brought up to its terms."""

import subprocess
import tempfile
from pathlib import Path

from . import settings
from .server import Host
from .steps import Failure, say


def update():
    """Export the terms of `MODULE` from the database `DB`, and merge them.

    The database must have been made without demo data and with the code as it is.
    `ADD` names a JSON file with translations of new terms.
    """
    name = settings.text("DB")
    if not name:
        raise Failure(
            "No database named.", "Say: make terms DB=name [MODULE=a] [ADD=file.json]"
        )
    module = settings.text("MODULE", settings.PRODUCT)
    added = [settings.text("ADD")] if settings.text("ADD") else []
    host = Host()
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / f"{module}.pot"
        options = ["-d", name, "-l", "pot", "-o", exported, module]
        if host.call("i18n", "export", *options, stderr=subprocess.DEVNULL):
            raise Failure("The terms could not be exported.", f"Is {name} there?")
        script = settings.SCRIPTS / "merge_terms.py"
        command = [host.python, script, exported, settings.ROOT / module / "i18n"]
        lacking = subprocess.run([*command, *added], check=False).returncode
    say(f"           {module}: {'terms lack a text' if lacking else 'complete'}")
    return lacking
