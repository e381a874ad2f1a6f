"""`make lint`: ruff and pylint-odoo, with OCA's lists; no finding is allowed."""

import ast
import subprocess

from . import packages, settings
from .steps import lock, say, step

FOLDERS = ("dev", "tests", "bench")


def lint():
    """Run all linters and print what they find."""
    with lock("prepare"):
        python = packages.ensure()
    found = findings(python)
    for line in found:
        say(line)
    return 1 if found else 0


def findings(python):
    """Return the findings of all linters as lines."""
    addons = settings.own_addons()
    folders = [name for name in FOLDERS if (settings.ROOT / name).exists()]
    folders += addons
    lines = []
    with step("linting", "linted"):
        lines += check(python, "ruff", "check", "--output-format=concise", *folders)
        lines += check(
            python, "ruff", "format", "--check", "--output-format=concise", *folders
        )
        if addons:
            author = f"--manifest-required-authors={authors()}"
            lines += check(python, "pylint", "--rcfile=.pylintrc", author, *addons)
    return lines


def authors():
    """Return the authors in the product's manifest: all add-ons name one of them."""
    manifest = settings.ROOT / settings.PRODUCT / "__manifest__.py"
    return ast.literal_eval(manifest.read_text()).get("author", "")


def check(python, program, *arguments):
    """Run one linter; return its lines when it is not content."""
    done = subprocess.run(
        [str(python), "-m", program, *arguments],
        cwd=settings.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.returncode:
        return []
    lines = (done.stdout + done.stderr).splitlines()
    return [line for line in lines if line.strip() and not is_chatter(line)]


def is_chatter(line):
    """Tell a linter's headings from its findings."""
    return line.startswith(("*****", "-----", "Your code", "Found ", "[*]"))
