"""A trial of holds: many confirm orders of one customer at the same moment (R15)."""

import threading
import time

from dev.steps import Failure
from dev.testing import free_port

from .counting import Figures
from .servers import Client, Database

PRICE, LIMIT = 100, 1000
WORKERS = 8
SOLD = """
    SELECT coalesce(sum(amount_total), 0), count(*)
      FROM sale_order WHERE partner_id = %s AND state = 'sale'
"""


def confirmations(stage, orders):
    """Confirm orders of 100 in parallel against a limit of 1 000, in real processes.

    Meanwhile the exposure that is committed is looked at, again and again.
    """
    install_sales(stage)
    port = free_port()
    stage.server(workers=WORKERS, crons=0, http_port=port)
    client = Client(port, stage.name).log_in()
    customer, ids = prepare(client, orders)
    watch = Watch(stage, customer)
    answers = confirm_all(stage, port, ids)
    peak = watch.stop()
    figures = Figures(seconds=answers["seconds"])  # no letters are sent here
    amount, confirmed = stage.database.run(SOLD, [customer])[0]
    held = stage.database.value(
        "SELECT count(*) FROM credit_hold WHERE state = 'held' AND partner_id = %s",
        [customer],
    )
    most = LIMIT // PRICE
    figures.must(confirmed <= most, f"{confirmed} orders confirmed, {most} fit")
    figures.must(peak <= LIMIT, f"{peak} was committed against a limit of {LIMIT}")
    figures.must(
        confirmed + held + answers["refused"] >= orders,
        f"{orders - confirmed - held} orders neither confirmed nor held nor refused",
    )
    figures.notes.append(
        f"{orders} orders of {PRICE} confirmed at once by {WORKERS} workers against a"
        f" limit of {LIMIT}: {confirmed} confirmed ({amount:.0f}), {held} held,"
        f" {answers['refused']} given up after the host's five tries; highest exposure"
        f" seen {peak:.0f} in {watch.looks} looks; {answers['seconds']:.1f} s"
    )
    return figures


def install_sales(stage):
    """Install the bridge to sales into the database of the trial."""
    log = stage.folder / "install.log"
    with open(log, "wb") as output:
        code = stage.host.call(
            *("-d", stage.name, "-i", "credit_management_sale", "--no-http"),
            "--stop-after-init",
            stdout=output,
            stderr=output,
        )
    if code:
        raise Failure("The bridge to sales could not be installed.", f"See {log}.")


def prepare(client, orders):
    """Make a customer with a limit, and its quotations; return their ids."""
    company = client.call("res.users", "read", [client.uid], ["company_id"])[0]
    company = company["company_id"][0]
    client.call("res.company", "write", [company], {"credit_check_orders": "hold"})
    customer = client.call("res.partner", "create", {"name": "Race"})
    profile = client.call(
        "credit.profile", "create", {"partner_id": customer, "company_id": company}
    )
    client.call("credit.profile", "write", [profile], {"credit_limit": LIMIT})
    goods = client.call("product.product", "create", {"name": "Goods", "taxes_id": []})
    line = {"product_id": goods, "product_uom_qty": 1, "price_unit": PRICE}
    line |= {"tax_ids": []}
    values = {"partner_id": customer, "order_line": [(0, 0, line)]}
    return customer, client.call("sale.order", "create", [values] * orders)


def confirm_all(stage, port, ids):
    """Press Confirm on all orders at the same moment; return how it went."""
    answers = {"refused": 0}
    start = threading.Barrier(len(ids) + 1)

    def confirm(order):
        client = Client(port, stage.name).log_in()
        start.wait()
        try:
            client.call("sale.order", "action_confirm", [order])
        except (RuntimeError, OSError):
            answers["refused"] += 1

    threads = [threading.Thread(target=confirm, args=(order,)) for order in ids]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.monotonic()
    for thread in threads:
        thread.join(120)
    answers["seconds"] = time.monotonic() - began
    return answers


class Watch:
    """Looks at what is committed, until told to stop."""

    def __init__(self, stage, customer):
        self.database = Database(stage.host, stage.name)
        self.customer = customer
        self.peak = self.looks = 0
        self.wanted = True
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self):
        """Note the highest sum of confirmed orders that anybody could read."""
        while self.wanted:
            self.look_once()
            time.sleep(0.01)

    def stop(self):
        """Return the highest sum."""
        self.wanted = False
        self.thread.join(10)
        self.look_once()
        self.database.close()
        return self.peak

    def look_once(self):
        """Look at it now."""
        amount, _count = self.database.run(SOLD, [self.customer])[0]
        self.peak = max(self.peak, amount)
        self.looks += 1
