"""What the credit check adds to confirming an order, however much a customer owes.

Two orders of the same customer are confirmed in turn, one with the check and one
without, each in a fresh cache, as a request has it; what was written is flushed.
"""

import statistics
import time

INVOICES = (1, 100, 2000)
ORDERS = 30  # each with and without the check


def measure(env):
    """Return milliseconds and queries, without and with, by number of open invoices."""
    company = env.company
    goods = env["product.product"].create({"name": "Goods", "taxes_id": []})
    env.cr.execute(
        """
        SELECT id FROM account_move
         WHERE company_id = %s AND move_type = 'out_invoice' AND state = 'posted'
           AND payment_state = 'not_paid' AND invoice_date_due >= CURRENT_DATE - 20
      ORDER BY id LIMIT %s
        """,
        [company.id, sum(INVOICES)],
    )
    moves = [row[0] for row in env.cr.fetchall()]
    figures = []
    for count in INVOICES:
        own, moves = moves[:count], moves[count:]
        customer = make_customer(env, company, own, f"Customer of {count}")
        figures.append({"invoices": len(own)} | compare(env, company, customer, goods))
    return {"customers": figures}


def make_customer(env, company, moves, name):
    """Return a customer with a limit to whom these invoices belong."""
    customer = env["res.partner"].create({"name": name, "is_company": True})
    env.flush_all()
    for table in ("account_move", "account_move_line"):
        column = "id" if table == "account_move" else "move_id"
        extra = ", commercial_partner_id = %(id)s" if table == "account_move" else ""
        env.cr.execute(
            f"UPDATE {table} SET partner_id = %(id)s{extra}"
            f" WHERE {column} = ANY(%(ids)s)",
            {"id": customer.id, "ids": moves},
        )
    env.invalidate_all()
    profile = env["credit.profile"]._get_or_create(company, customer)
    profile.credit_limit = 1e9
    env.cr.execute("ANALYZE account_move_line")
    return customer


def compare(env, company, customer, goods):
    """Confirm orders with and without the check, in turn."""
    values = {
        "partner_id": customer.id,
        "order_line": [(0, 0, {"product_id": goods.id, "price_unit": 10})],
    }
    orders = env["sale.order"].create([values] * (2 * ORDERS + 4))
    env.flush_all()
    found = {"off": [], "hold": []}
    for index, order in enumerate(orders):
        mode = ("off", "hold")[index % 2]
        company.credit_check_orders = mode
        env.flush_all()
        env.invalidate_all()
        order.mapped("order_line.product_id.name")  # what is on the screen
        queries, begun = env.cr.sql_log_count, time.perf_counter()
        if order.action_confirm() is not True:
            raise AssertionError(f"{order.name} was held")
        env.flush_all()
        seconds = time.perf_counter() - begun
        found[mode].append((seconds, env.cr.sql_log_count - queries))
    result = {}
    for mode, taken in found.items():
        warm = taken[2:]
        result[f"{mode}_ms"] = 1000 * statistics.median(one[0] for one in warm)
        result[f"{mode}_queries"] = statistics.median(one[1] for one in warm)
    return result
