"""`make demo`: database with demo data, one dunning run sent, server started."""

import hashlib
import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from . import database, mail, odoo_log, processes, settings
from .server import Host
from .steps import Failure, explain, lock, say, short, step, warn

NAME = "demo"
MODULES = (settings.PRODUCT, "payment_demo", "sale_management", "sale_stock")
LANGUAGES = "en_US,nl_NL,de_DE,fr_FR"
STAMP = settings.STATE / "demo.stamp"
REPORT = settings.STATE / "demo.json"
SERVER = "demo-server"


def run():
    """Prepare everything, show it, and stay until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    port = settings.http_port()
    check_port(port)
    start = time.monotonic()
    with lock("demo", wait=False):
        host = Host(programs_too=True)
        try:
            show(host, start)
            if settings.flag("DEMO_EXIT"):
                check_logins(port)
            else:
                stay()
        finally:
            end(host)
    return 0


def show(host, start):
    """Make the database, send the run, start the server, say what there is."""
    mail_port, _started = mail.ensure(host.python)
    prepare_database(host)
    send_run(host, mail_port)
    start_server(host)
    report = json.loads(REPORT.read_text())
    print_report(report)
    say(f"           ready after {time.monotonic() - start:.0f} s")


def end(host):
    """Stop what this command started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C changes nothing
    say("           stopping …")
    processes.stop(SERVER)
    processes.stop(mail.NAME)
    host.cluster.stop_if_ours()
    say("           stopped; the database and the mails stay in .dev/")


def check_port(port):
    """Stop early when the web server's port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.http_interface(), port))
        except OSError as error:
            raise Failure(
                f"Port {port} is in use by another program.",
                f"Choose another one: make demo PORT={port + 100}",
            ) from error


def prepare_database(host):
    """Reuse the demo database; update it when the add-on has changed."""
    now = fingerprint()
    if STAMP.exists() and database.exists(host, NAME):
        if STAMP.read_text() != now:
            update(host)
            STAMP.write_text(now)
        return
    STAMP.unlink(missing_ok=True)
    log = database.create(
        host, NAME, MODULES, "--with-demo", f"--load-language={LANGUAGES}"
    )
    if "demo data failed to install" in log.read_text(errors="replace"):
        raise Failure("The demo data could not be loaded.", f"See {short(log)}.")
    STAMP.write_text(now)


def update(host):
    """Bring the database to the add-on's present state."""
    log = settings.LOGS / "demo-update.log"
    with step("updating the demo database", "demo database updated"):
        with open(log, "wb") as output:
            code = host.call(
                *("-d", NAME, "-u", settings.PRODUCT, "--no-http", "--stop-after-init"),
                stdout=output,
                stderr=output,
            )
    if code:
        raise explain(
            log.read_text(errors="replace"),
            "The demo database could not be updated.",
            f"See {short(log)}, or begin anew: make clean demo",
        )


def fingerprint():
    """Return what tells one state of the add-on's files from another."""
    digest = hashlib.sha256()
    for path in sorted((settings.ROOT / settings.PRODUCT).rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


def send_run(host, mail_port):
    """Have Odoo make and send one dunning run into the sink."""
    REPORT.unlink(missing_ok=True)
    log = settings.LOGS / "demo-run.log"
    environment = host.environment() | {
        "KIT_MAIL_PORT": str(mail_port),
        "KIT_ADDRESS": address(),
        "KIT_REPORT": str(REPORT),
    }
    command = host.command("shell", "-d", NAME, "--no-http")
    with step("dunning run over the demo's invoices", "dunning run done"):
        with (
            open(settings.SCRIPTS / "demo_run.py", "rb") as script,
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
    if not REPORT.exists():
        raise Failure("The demo's dunning run failed.", f"See {short(log)}.")
    said = log.read_text(errors="replace")
    errors = [text for level, _name, text in odoo_log.entries(said) if level == "ERROR"]
    for error in errors:
        warn(f"Odoo logged during the run: {error.splitlines()[0]} ({short(log)})")


def start_server(host, name=NAME, cron_threads=2):
    """Start the web server with its cron threads and wait until it answers."""
    command = host.command("-d", name, "--max-cron-threads", cron_threads)
    with step("starting Odoo", f"Odoo answers on {address()}"):
        server = processes.start(SERVER, command, env=host.environment())
        deadline = time.monotonic() + 90
        while server.poll() is None and time.monotonic() < deadline:
            if answers():
                return
            time.sleep(0.2)
        log = settings.LOGS / f"{SERVER}.log"
        raise Failure("Odoo did not start.", f"See {short(log)}.")


def answers():
    """Tell whether the login page is served."""
    try:
        with urllib.request.urlopen(f"{address()}/web/login", timeout=60) as page:
            return page.status == 200
    except (urllib.error.URLError, OSError):
        return False


def address():
    """Return the address of the server as a browser uses it."""
    return f"http://localhost:{settings.http_port()}"


def check_logins(port):
    """Log in as each user of the demo, as a browser would."""
    for user in json.loads(REPORT.read_text())["logins"]:
        question = {
            "jsonrpc": "2.0",
            "params": {
                "db": NAME,
                "login": user["login"],
                "password": user["login"],
            },
        }
        request = urllib.request.Request(
            f"http://localhost:{port}/web/session/authenticate",
            data=json.dumps(question).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            if "error" in json.load(reply):
                raise Failure(f"The demo's login {user['login']} does not work.")
    say("           every login works")


def print_report(report):
    """Say what was sent, to whom, at which level, and where to look."""
    say()
    for run in report["runs"]:
        show_run(run)
    say(f"\nOpen        {address()}")
    for user in report["logins"]:
        say(f"  {user['login']:15s} password {user['login']:15s} {user['role']}")
    say(f"Mails       {mail.kept()} in {short(mail.FOLDER)}/ (.eml, index.log)")
    say(f"Server log  {short(settings.LOGS / SERVER)}.log\n")


def show_run(run):
    """Say what one company's run sent and what it left alone."""
    if run["fresh"]:
        say(f"Sent just now by {run['name']} of {run['company']}:")
    else:
        say(f"{run['company']}: nothing new to send. Sent before, by {run['name']}:")
    say(table(run["letters"], ("customer", "to", "level", "amount", "state")))
    if run["left_alone"]:
        say("\nOpen items left alone, and why:")
        for reason, count in sorted(run["left_alone"].items()):
            say(f"  {count:5d}  {reason}")
    say()


def table(rows, columns):
    """Return rows as aligned text."""
    widths = [max([len(name), *(len(row[name]) for row in rows)]) for name in columns]
    lines = [dict(zip(columns, columns, strict=True)), *rows]
    return "\n".join(
        "  "
        + "  ".join(
            f"{row[name]:{w}}" for name, w in zip(columns, widths, strict=True)
        ).rstrip()
        for row in lines
    )


def stay():
    """Stay in the foreground until Ctrl-C or until the server ends."""
    say("Ctrl-C ends the demo.")
    try:
        while processes.running(SERVER):
            time.sleep(0.5)
    except KeyboardInterrupt:
        say()
        return
    raise Failure("Odoo has ended.", f"See {short(settings.LOGS / SERVER)}.log.")
