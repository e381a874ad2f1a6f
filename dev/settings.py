"""Where things are and what the caller may change: paths and environment."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".dev"  # everything the kit makes; `make clean` removes it
LOGS = STATE / "log"
REQUIREMENTS = ROOT / "dev" / "requirements.txt"
SCRIPTS = ROOT / "dev" / "scripts"

PRODUCT = "credit_management"
ODOO_SERIES = "19.0"
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
FREE_GB_NEEDED = 4  # Odoo 1.5, packages 0.6, databases and spare


def text(name, default=""):
    """Return the environment variable, or the default when unset or empty."""
    return os.environ.get(name, "").strip() or default


def words(name):
    """Return a comma- or space-separated environment variable as a list."""
    return text(name).replace(",", " ").split()


def flag(name):
    """Tell whether an environment variable says yes."""
    return text(name, "0").lower() not in ("0", "no", "off", "false")


def http_port():
    """Port of the web server (`PORT`)."""
    return int(text("PORT", "8069"))


def http_interface():
    """Address the web server listens on (`HOST`)."""
    return text("HOST", "127.0.0.1")


def own_addons():
    """Names of the add-ons of this repository, the product first."""
    found = {path.parent.name for path in ROOT.glob("*/__manifest__.py")}
    return sorted(found, key=lambda name: (name != PRODUCT, name))


def extra_addons():
    """Folders added to the add-on path with `EXTRA_ADDONS`."""
    return [Path(folder).expanduser().resolve() for folder in words("EXTRA_ADDONS")]
