"""The customer's page against the host's plain list of invoices, by many at once.

One customer gets thousands of the open invoices of a ledger. A prefork server answers
as many clients at once; our page, by its link, and the host's list, by a login, are
fetched in turn, so that both meet the same machine. First the clients ask on and on,
which measures what the machine can do; then they read, as people do.
"""

import http.client
import http.cookies
import os
import random
import re
import statistics
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

from dev import settings
from dev.steps import Failure
from dev.testing import free_port

from .faults.servers import Database, Server

INVOICES = 2000
CLIENTS = 20
ROUNDS = 3
PAGES = 5  # of each client in a round
READING = 3.0  # seconds that one who reads stays on a page, a third more or less
WORKERS = 2
PATIENCE = 120
LOGIN = "bench_portal"
TICK = os.sysconf("SC_CLK_TCK")


# === INSIDE ODOO === #


def prepare(env, invoices=INVOICES):
    """Give one customer that many open invoices, a login and a way to pay online."""
    company = env.company
    env["ir.config_parameter"].set_param(
        "account_payment.enable_portal_payment", "True"
    )
    company.credit_mode = "live"
    make_provider(env, company)
    env.cr.execute(
        """
        SELECT commercial_partner_id FROM account_move
         WHERE company_id = %s AND move_type = 'out_invoice' AND state = 'posted'
      ORDER BY id DESC LIMIT 1
        """,
        [company.id],
    )
    customer = env["res.partner"].browse(env.cr.fetchone()[0])
    customer.lang = "en_US"  # the host sends others on to addresses of their language
    move_invoices(env, company, customer, invoices)
    env["res.users"].create(
        {
            "name": LOGIN,
            "login": LOGIN,
            "password": LOGIN,
            # The host lists the invoices of whoever is followed or addressed.
            "partner_id": customer.id,
            "group_ids": [(6, 0, env.ref("base.group_portal").ids)],
        }
    )
    profile = env["credit.profile"]._get_or_create(company, customer)
    url = profile._get_customer_url().removeprefix(profile.get_base_url())
    env.cr.commit()
    env.cr.execute("ANALYZE account_move, account_move_line")
    env.cr.commit()
    env.cr.execute(
        "SELECT count(*) FROM account_move_line line JOIN account_account account"
        " ON account.id = line.account_id AND account.account_type = 'asset_receivable'"
        " WHERE line.partner_id = %s AND line.reconciled IS NOT TRUE"
        " AND line.parent_state = 'posted'",
        [customer.id],
    )
    return {"url": url, "items": env.cr.fetchone()[0]}


def make_provider(env, company):
    """Make a way to pay that needs no other module."""
    method = env["payment.method"].create(
        {"name": "Method", "code": "bench_method", "active": True}
    )
    env["payment.provider"].create(
        {
            "name": "Provider",
            "company_id": company.id,
            "state": "test",
            "is_published": True,
            "payment_method_ids": [(6, 0, method.ids)],
        }
    )


def move_invoices(env, company, customer, count):
    """Make open invoices those of one customer, with the links of their letters."""
    env.flush_all()
    env.cr.execute(
        """
        WITH moved AS (
            UPDATE account_move
               SET partner_id = %(customer)s, commercial_partner_id = %(customer)s,
                   partner_shipping_id = %(customer)s,
                   access_token = gen_random_uuid()
             WHERE id IN (
                SELECT id FROM account_move
                 WHERE company_id = %(company)s AND move_type = 'out_invoice'
                   AND state = 'posted' AND payment_state = 'not_paid'
              ORDER BY id LIMIT %(count)s)
         RETURNING id)
        UPDATE account_move_line line SET partner_id = %(customer)s
          FROM moved WHERE line.move_id = moved.id
        """,
        {"customer": customer.id, "company": company.id, "count": count},
    )
    env.invalidate_all()


# === OUTSIDE === #


def measure(host, name, url):
    """Start a server, let clients fetch both pages in turn, return the figures."""
    port = free_port()
    log = settings.LOGS / f"bench-portal-{name}.log"
    server = Server(
        host,
        name,
        log,
        (
            *("--workers", WORKERS, "--max-cron-threads", 0),
            *("--http-port", port, "--gevent-port", free_port()),
            *("--log-level", "warn", "--limit-time-real", 600),
            # One database: visitors without a session are at home in it.
            *("--db-filter", f"^{name}$"),
        ),
    )
    database = Database(host, name)
    try:
        wait_for(port, url)
        cookie = log_in(port)
        pages = {"ours": (url, ""), "host": ("/my/invoices", cookie)}
        for path, session in pages.values():  # style sheets and caches are made
            crowd(port, path, session, WORKERS * 2, 3)
        figures = {
            "workers": WORKERS,
            "clients": CLIENTS,
            "invoices": INVOICES,
            "reading": READING,
        }
        for suffix, reading in (("", 0.0), ("_read", READING)):
            found = take_turns(server, database, port, pages, reading)
            figures |= {f"{key}{suffix}": values for key, values in found.items()}
        return figures
    finally:
        database.close()
        server.end()


def take_turns(server, database, port, pages, reading):
    """Let a crowd fetch each page in turn; return the figures of each.

    :param reading: seconds that a client stays on a page, 0 to ask on and on
    """
    seconds = {key: [] for key in pages}
    cpu = dict.fromkeys(pages, 0.0)
    sizes = {}
    for _round in range(ROUNDS):
        for key, (path, session) in pages.items():
            before = cpu_seconds(server, database)
            taken, size = crowd(port, path, session, CLIENTS, PAGES, reading)
            cpu[key] += cpu_seconds(server, database) - before
            seconds[key] += taken
            sizes[key] = size
    figures = {}
    for key, taken in seconds.items():
        taken.sort()
        figures[key] = {
            "pages": len(taken),
            "p50": statistics.median(taken),
            "p95": taken[int(0.95 * len(taken)) - 1],
            "longest": taken[-1],
            "cpu": cpu[key] / len(taken),
            "bytes": sizes[key],
        }
    return figures


def crowd(port, path, cookie, clients, pages, reading=0.0):
    """Let clients fetch a page at the same time; return seconds of each, and a size."""
    taken, sizes, wrong = [], [], []
    gate = threading.Barrier(clients)

    def client():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            gate.wait(PATIENCE)
            for _page in range(pages):
                # People neither come nor leave at the same moment.
                time.sleep(reading * random.uniform(2 / 3, 4 / 3))
                start = time.perf_counter()
                status, body, _headers = fetch(connection, path, cookie)
                taken.append(time.perf_counter() - start)
                sizes.append(len(body))
                if status != 200:
                    wrong.append(status)
        except OSError as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=client) for _number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise Failure(f"The page {path[:60]} was not answered: {wrong[0]}")
    return taken, max(sizes)


def fetch(connection, path, cookie="", form=None):
    """Send one request; return status, body and headers."""
    headers = {"Cookie": cookie, "Accept-Language": "en"}
    body = None
    if form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form)
    connection.request("POST" if form else "GET", path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def wait_for(port, path):
    """Wait until the server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            if fetch(connection, path)[0] == 200:
                return
            raise Failure("The customer's page does not open by its link.")
        except OSError:
            if time.monotonic() > deadline:
                raise Failure("The server did not start.") from None
            time.sleep(0.5)
        finally:
            connection.close()


def log_in(port):
    """Log in as the customer; return the cookie."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    _status, body, headers = fetch(connection, "/web/login")
    (token,) = re.findall(r'name="csrf_token" value="([^"]+)"', body.decode())[:1]
    form = {"login": LOGIN, "password": LOGIN, "csrf_token": token}
    status, _body, headers = fetch(connection, "/web/login", get_session(headers), form)
    connection.close()
    if status != 303:
        raise Failure("The customer could not log in.")
    return get_session(headers)


def get_session(headers):
    """Return the cookie of the session that an answer sets."""
    cookie = http.cookies.SimpleCookie("; ".join(headers.get_all("Set-Cookie")))
    return f"session_id={cookie['session_id'].value}"


def cpu_seconds(server, database):
    """Return what the workers and their database processes have used so far."""
    backends = database.run(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid != pg_backend_pid()"
    )
    pids = [*server.children(), *(pid for (pid,) in backends)]
    return sum(map(cpu_of, pids))


def cpu_of(pid):
    """Return the CPU seconds of one process, user and system."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    # The name in brackets may hold blanks; the times are the 14th and 15th field.
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
