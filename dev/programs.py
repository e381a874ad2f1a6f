"""The two programs that come from the system: a browser and wkhtmltopdf."""

import os
import shutil

from .steps import Failure, run, step, warn

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
USES = {
    "chromium": "browser tours",
    "wkhtmltopdf": "PDF letters and reports",
}


def browser():
    """Return the path of a browser Odoo's tours can use, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def missing():
    """Return the names of the programs this machine lacks."""
    lacking = [] if browser() else ["chromium"]
    if not shutil.which("wkhtmltopdf"):
        lacking.append("wkhtmltopdf")
    return lacking


def ensure():
    """Install what is missing where that is possible; return what is not there."""
    for name in missing():
        try:
            apt_install(name, f"needed for {USES[name]}")
        except Failure as trouble:
            warn(str(trouble))
    return missing()


def apt_install(package, reason):
    """Install one package of Debian as root, or say what to install."""
    advice = f"Install it, for example with: apt-get install {package}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failure(f"{package} is not installed ({reason}).", advice)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", package]
    what = f"Installing {package} failed ({reason})."
    with step(f"installing {package}", f"{package} installed"):
        try:
            run(command, what, log=f"apt-{package}", env=quiet)
        except Failure:
            run(["apt-get", "-qq", "update"], what, log="apt-update", env=quiet)
            run(command, what, advice, log=f"apt-{package}", env=quiet)


def not_run(lacking):
    """Return one line for each thing that cannot run on this machine."""
    return [f"{USES[name]} ({name} is missing)" for name in lacking]
