"""Is a partial covering index on the open items worth its price?

Read: what a proposal reads of the ledger, all of it and one batch of customers. Price:
time to build, size, and what it adds to posting and to reconciling.
"""

import statistics
import time

from . import generate
from .proposal import cpu_seconds

NAME = "bench_open_items"
CREATE = f"""
    CREATE INDEX {NAME} ON account_move_line (company_id, account_id, partner_id)
           INCLUDE (date_maturity, move_id, journal_id, currency_id, amount_residual,
                    amount_residual_currency, no_followup)
     WHERE parent_state = 'posted' AND reconciled IS NOT TRUE
           AND amount_residual_currency != 0"""


def measure(env, posted=1000):
    """Measure reads and writes without and with the index; nothing is kept."""
    drop(env)
    without = measure_once(env, posted)
    start = time.perf_counter()
    env.cr.execute(CREATE)
    env.cr.commit()
    built = time.perf_counter() - start
    vacuum(env)
    env.cr.execute("SELECT pg_relation_size(%s)", [NAME])
    size = env.cr.fetchone()[0]
    env.cr.execute(
        "SELECT pg_total_relation_size('account_move_line'), COUNT(*)"
        " FROM account_move_line"
    )
    table, lines = env.cr.fetchone()
    with_index = measure_once(env, posted)
    drop(env)
    return {
        "lines": lines,
        "build_seconds": built,
        "index_mb": size / 2**20,
        "table_mb": table / 2**20,
        "without": without,
        "with": with_index,
    }


def measure_once(env, posted):
    """Return medians of reading and writing as the indexes are now."""
    vacuum(env)
    company = env.company
    facts = env["credit.dunning.facts"]
    ids = facts._find_customer_ids(company)
    batch = env["res.partner"].browse(ids[: len(ids) // 2][-2000:])
    accounts = facts._get_receivable_accounts(company)
    plain = (
        "SELECT id, partner_id, date_maturity, amount_residual FROM account_move_line"
        " WHERE company_id = %s AND account_id = ANY(%s) AND parent_state = 'posted'"
        " AND reconciled IS NOT TRUE AND amount_residual_currency != 0"
        " AND date_maturity < %s"
    )

    def read_plain():
        env.cr.execute(plain, [company.id, accounts.ids, company._credit_today()])

    return {
        "plain_read": timed(env, read_plain, 7),
        "customers_read": timed(env, lambda: facts._find_customer_ids(company), 5),
        "batch_read": timed(env, lambda: facts._read_lines(company, batch), 5),
        "posting": timed(env, lambda: post(env, company, posted), 5),
        "reconciling": timed(env, lambda: reconcile(env, company, posted), 5),
    }


def timed(env, call, repeat):
    """Return the median of clock and of work, each turn rolled back."""
    rows = []
    for _turn in range(repeat):
        cpu, start = cpu_seconds(env), time.perf_counter()
        call()
        rows.append((time.perf_counter() - start, cpu_seconds(env) - cpu))
        env.cr.rollback()
        env.invalidate_all(flush=False)
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def post(env, company, items):
    """Write the rows of so many open items and their other lines."""
    generate.Generator(env, company, items, "X").run()


def reconcile(env, company, items):
    """Settle so many items, as the host's last statement of a reconciliation does."""
    env.cr.execute(
        """
        UPDATE account_move_line SET reconciled = TRUE, amount_residual = 0,
               amount_residual_currency = 0
         WHERE id IN (SELECT line.id FROM account_move_line line
                        JOIN account_account account ON account.id = line.account_id
                       WHERE account.account_type = 'asset_receivable'
                         AND line.company_id = %s AND NOT line.reconciled
                    ORDER BY line.id LIMIT %s)
        """,
        [company.id, items],
    )


def drop(env):
    env.cr.execute(f"DROP INDEX IF EXISTS {NAME}")
    env.cr.commit()


def vacuum(env):
    env.cr.commit()
    env.cr._cnx.autocommit = True
    env.cr.execute("VACUUM ANALYZE account_move_line")
    env.cr._cnx.autocommit = False
