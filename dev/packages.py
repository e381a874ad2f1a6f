"""Python packages: a virtual environment from the pinned list."""

import hashlib
import shutil
import sys

from . import settings
from .programs import apt_install
from .steps import ask, run, step

VENV = settings.STATE / "venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "kit-stamp"


def ensure():
    """Make the environment match the list; return its Python."""
    wanted = fingerprint()
    usable = works()
    if usable and STAMP.exists() and STAMP.read_text() == wanted:
        return PYTHON
    with step("installing Python packages", "Python packages installed"):
        if not usable:
            shutil.rmtree(VENV, ignore_errors=True)
        if shutil.which("uv"):
            with_uv(make=not usable)
        else:
            with_pip(make=not usable)
    STAMP.write_text(wanted)
    return PYTHON


def fingerprint():
    """Return what tells one list of packages from another."""
    return hashlib.sha256(settings.REQUIREMENTS.read_bytes()).hexdigest()


def works():
    """Tell whether the environment still starts (its folder may have moved)."""
    needed = "sys" if shutil.which("uv") else "sys, pip"
    return ask([PYTHON, "-c", f"import {needed}; print(sys.prefix)"]) == str(VENV)


def with_uv(make):
    """Make or complete the environment with uv."""
    what = "Installing the Python packages failed."
    if make:
        run(["uv", "venv", "-q", "--python", sys.executable, VENV], what, log="venv")
    run(
        ["uv", "pip", "install", "-q", "--python", PYTHON]
        + ["-r", settings.REQUIREMENTS],
        what,
        log="packages",
    )


def with_pip(make):
    """Make or complete the environment with venv and pip."""
    if make:
        make_venv()
    run(
        [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        + ["-r", settings.REQUIREMENTS],
        "Installing the Python packages failed.",
        log="packages",
    )


def make_venv():
    """Make an empty environment, with Debian's python3-venv where it is apart."""
    if ask([sys.executable, "-c", "import ensurepip, venv"]) is None:
        apt_install("python3-venv", "needed to make a virtual environment")
    run(
        [sys.executable, "-m", "venv", VENV],
        "Making a virtual environment failed.",
        "Install python3-venv (Debian, Ubuntu) or uv, then run the command again.",
        log="venv",
    )
