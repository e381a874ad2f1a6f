"""Odoo 19: an existing checkout, an earlier download, git, or Debian's package."""

import glob
import os
import re
import shutil
from pathlib import Path

from . import settings
from .steps import Failure, ask, run, step, warn

HOME = settings.STATE / "odoo"
BUILD = settings.STATE / "odoo.part"
APT = settings.STATE / "apt"
PUBLIC_REPOSITORY = "https://github.com/odoo/odoo.git"

# What Debian leaves out of the package and links to instead.
LINKED_PACKAGES = (
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-font-awesome/stable",  # 4.7; newer suites have another drawing
)
# Not free enough for Debian; without the file every backend page logs an error.
LEFT_OUT = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"


def find():
    """Return the folder to put on PYTHONPATH; fetch Odoo when there is none."""
    if own := settings.text("ODOO_DIR"):
        folder = Path(own).expanduser().resolve()
        if not python_root(folder):
            raise Failure(
                f"ODOO_DIR={own} holds no Odoo {settings.ODOO_SERIES}.",
                "Point it to a checkout of the branch 19.0, or unset it.",
            )
        return python_root(folder)
    if python_root(HOME):
        return python_root(HOME)
    return fetch()


def fetch():
    """Try each source in turn and return the first that works."""
    ways = (from_git, from_debian, from_package_file)
    troubles = []
    for way in ways:
        shutil.rmtree(BUILD, ignore_errors=True)
        try:
            way()
        except Failure as trouble:
            troubles.append(str(trouble))
            continue
        shutil.rmtree(HOME, ignore_errors=True)
        BUILD.rename(HOME)
        return python_root(HOME)
    shutil.rmtree(BUILD, ignore_errors=True)
    for trouble in troubles:
        warn(trouble)
    raise Failure(
        "Odoo 19 could not be fetched.",
        "Check the network, or set ODOO_DIR to a checkout of Odoo's branch 19.0.",
    )


def python_root(folder):
    """Return the folder that holds the `odoo` package of the right series."""
    for root in (folder, folder / "usr/lib/python3/dist-packages"):
        release = root / "odoo" / "release.py"
        if release.exists() and "(19, 0," in release.read_text():
            return root
    return None


def addon_folders(root):
    """Return the add-on folders of a checkout (Debian's are all in `odoo`)."""
    inside = root / "odoo" / "addons"
    if (inside / "account" / "views").is_dir():
        return [inside]
    return [root / "addons", inside]


def from_git():
    """Clone the branch, when the public repository can be reached."""
    address = settings.text("ODOO_REPOSITORY", PUBLIC_REPOSITORY)
    quiet = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    branch = ("--heads", address, settings.ODOO_SERIES)
    if not ask(["git", "ls-remote", *branch], env=quiet, timeout=30):
        raise Failure("Odoo's public git repository cannot be reached.")
    with step("cloning Odoo 19 (a few minutes)", "Odoo 19 cloned"):
        run(
            ["git", "clone", "--depth", "1", "-b", settings.ODOO_SERIES]
            + [address, BUILD],
            "Cloning Odoo 19 failed.",
            log="odoo-clone",
            env=quiet,
        )


def from_debian():
    """Download Debian's package through a private apt root, then unpack it."""
    with step("downloading Odoo 19 from Debian", "Odoo 19 downloaded from Debian"):
        packages = download(["sid", "stable"], ["odoo-19", *LINKED_PACKAGES])
    with step("unpacking Odoo 19", "Odoo 19 unpacked"):
        build(packages)
    shutil.rmtree(APT)


def from_package_file():
    """Unpack the package file named by ODOO_DEB, with what it links to if it can."""
    files = sorted(glob.glob(settings.text("ODOO_DEB")))
    if not files:
        raise Failure("ODOO_DEB names no package file.")
    try:
        linked = download(["stable"], LINKED_PACKAGES)
    except Failure as trouble:
        warn(f"Fonts and scripts beside Odoo are left out. {trouble}")
        linked = []
    with step("unpacking Odoo 19", f"Odoo 19 unpacked from {files[-1]}"):
        build([Path(files[-1]), *linked])
    shutil.rmtree(APT, ignore_errors=True)


def download(suites, packages):
    """Download packages of Debian, no root needed; return their files."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise Failure("Debian's package odoo-19 needs apt-get and dpkg-deb.")
    apt = private_apt(suites)
    run([*apt, "update"], "Reading Debian's package list failed.", log="apt-update")
    folder = APT / "packages"
    folder.mkdir(exist_ok=True)
    what = "Downloading from Debian failed."
    run([*apt, "download", *packages], what, log="apt-download", cwd=folder)
    return sorted(folder.glob("*.deb"))


def build(packages):
    """Unpack the packages into one tree and complete it."""
    for package in packages:
        unpack(package)
    complete_tree()


def unpack(package):
    """Unpack one Debian package into the tree being built."""
    BUILD.mkdir(parents=True, exist_ok=True)
    run(["dpkg-deb", "-x", package, BUILD], f"Unpacking {package.name} failed.")


def complete_tree():
    """Put the file that Debian's build lacks, and keep links from dangling."""
    addons = BUILD / "usr/lib/python3/dist-packages/odoo/addons"
    left_out = addons / LEFT_OUT
    left_out.parent.mkdir(parents=True, exist_ok=True)
    left_out.touch()
    for link in addons.rglob("*"):
        if link.is_symlink() and not link.exists():
            link.unlink()
            link.touch()


def private_apt(suites):
    """Return an apt-get command whose state and sources lie in `.dev/apt`."""
    entry = debian_source()
    shutil.rmtree(APT, ignore_errors=True)
    for folder in ("sources", "lists/partial", "cache/archives/partial"):
        (APT / folder).mkdir(parents=True)
    stanza = (
        f"Types: deb\nURIs: {entry['uri']}\nSuites: {' '.join(suites)}\n"
        f"Components: main\nSigned-By: {entry['keyring']}\n"
    )
    (APT / "sources" / "kit.sources").write_text(stanza)
    options = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": APT / "sources",
        "Dir::State::lists": APT / "lists",
        "Dir::Cache": APT / "cache",
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
        "Acquire::Retries": "2",
        "Acquire::Languages": "none",
    }
    command = ["apt-get", "-qq"]
    for key, value in options.items():
        command += ["-o", f"{key}={value}"]
    return command


def debian_source():
    """Return address and keyring of the machine's own Debian source."""
    keyrings = sorted(glob.glob("/usr/share/keyrings/debian-archive-keyring.*"))
    if not keyrings:
        raise Failure("This machine has no keyring of Debian.")
    for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
        for stanza in re.split(r"\n\s*\n", Path(path).read_text()):
            for uri in re.findall(r"^URIs:\s*(\S+)", stanza, re.M):
                if is_debian(uri):
                    signed = re.search(r"^Signed-By:\s*(/\S+)", stanza, re.M)
                    keyring = signed.group(1) if signed else keyrings[0]
                    return {"uri": uri, "keyring": keyring}
    lists = ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.list")]
    for path in lists:
        if not os.path.exists(path):
            continue
        for line in Path(path).read_text().splitlines():
            found = re.match(r"deb\s+(?:\[[^]]*\]\s*)?(\S+)\s", line)
            if found and is_debian(found.group(1)):
                return {"uri": found.group(1), "keyring": keyrings[0]}
    raise Failure("This machine has no package source of Debian.")


def is_debian(uri):
    """Tell Debian's main archive from the security archive and others."""
    return uri.rstrip("/").endswith("/debian")
