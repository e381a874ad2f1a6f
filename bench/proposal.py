"""What a proposal costs, against the least that the database itself asks for.

The floor reads the overdue items by customer and writes as many letters and lines, of
the same width, into the same tables, by plain SQL in bulk. It decides nothing, explains
nothing and keeps no figures; the proposal does all that.
"""

import os
import statistics
import time
from pathlib import Path

from psycopg2.extras import execute_values

LETTERS, LINES = "credit_dunning_letter", "credit_dunning_letter_line"
OWN_TABLES = (
    LETTERS,
    LINES,
    "credit_dunning_letter_res_partner_rel",
    "credit_dunning_outcome",
    "credit_profile",
)


def measure(env, repeat=3):
    """Measure proposal and floor in turn; return medians."""
    company = env.company
    clear(env)
    first = propose(env, company)
    rows = {table: read_rows(env, table) for table in (LETTERS, LINES)}
    result = {
        "first_seconds": first["seconds"],
        "letters": len(rows[LETTERS][1]),
        "lines": len(rows[LINES][1]),
        "explained": explained(env, company),
    }
    proposals, floors = [], []
    for _turn in range(repeat):
        clear(env)
        floors.append(floor(env, company, rows))
        clear(env)
        proposals.append(propose(env, company))
    result["proposal_seconds"] = median(proposals, "seconds")
    result["proposal_cpu"] = median(proposals, "cpu")
    result["queries"] = median(proposals, "queries")
    result["floor_seconds"] = median(floors, "seconds")
    result["floor_cpu"] = median(floors, "cpu")
    result["floor_read_seconds"] = median(floors, "read")
    result["proposals"] = [row["seconds"] for row in proposals]
    result["floors"] = [row["seconds"] for row in floors]
    return result


def peak(env):
    """Propose once in a process of its own, for its memory alone."""
    clear(env)
    done = propose(env, env.company)
    return {"seconds": done["seconds"], "queries": done["queries"]}


def fill(env):
    """Leave a proposal in the database, for the lists.

    The server gathers its statistics by itself within a minute; here nobody waits.
    """
    clear(env)
    propose(env, env.company)
    for table in OWN_TABLES:
        env.cr.execute(f"ANALYZE {table}")
    env.cr.commit()


def empty(env):
    """Take it away again."""
    clear(env)


def night(env):
    """Make a night as the job makes it: each batch committed."""
    clear(env)
    run = env["credit.dunning.run"]
    env.cr.execute("DELETE FROM credit_dunning_run WHERE is_nightly")
    batches, start = 0, time.perf_counter()
    last, longest = start, 0.0

    def commit():
        nonlocal batches, longest, last
        env.cr.commit()
        batches += 1
        now = time.perf_counter()
        longest = max(longest, now - last)
        last = now
        return True

    run._make_nightly_run(env.company, commit=commit)
    env.cr.commit()
    done = {
        "seconds": time.perf_counter() - start,
        "batches": batches,
        "longest_batch": longest,
    }
    clear(env)
    return done


def median(rows, name):
    """Return the median of one figure."""
    return statistics.median(row[name] for row in rows)


def propose(env, company):
    """Do what a job does: make a run, propose, commit."""
    env.invalidate_all()
    queries, cpu, start = env.cr.sql_log_count, cpu_seconds(env), time.perf_counter()
    run = env["credit.dunning.run"].create({"company_id": company.id})
    env.cr.commit()
    run._propose()
    env.cr.commit()
    return {
        "seconds": time.perf_counter() - start,
        "cpu": cpu_seconds(env) - cpu,
        "queries": env.cr.sql_log_count - queries,
    }


def cpu_seconds(env):
    """Return the work done so far by this process and its server process.

    On a machine that does other things too it says more than the clock. Where the
    server is on another machine only this process is counted.
    """
    server = Path(f"/proc/{env.cr._cnx.info.backend_pid}/stat")
    try:
        fields = server.read_text().rpartition(")")[2].split()
    except OSError:
        return time.process_time()
    ticks = int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def floor(env, company, rows):
    """Read the overdue items by customer; write the same letters and lines."""
    cpu, start = cpu_seconds(env), time.perf_counter()
    env.cr.execute(
        """
        SELECT customer.commercial_partner_id, line.id, line.move_id, move.name,
               line.date_maturity, line.currency_id, line.amount_residual_currency,
               line.amount_residual
          FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
          JOIN res_partner customer ON customer.id = line.partner_id
         WHERE line.company_id = %s
           AND line.account_id IN (SELECT id FROM account_account
                                    WHERE account_type = 'asset_receivable')
           AND line.parent_state = 'posted'
           AND line.reconciled IS NOT TRUE
           AND line.date_maturity < %s
      ORDER BY customer.commercial_partner_id, line.date_maturity
        """,
        [company.id, company._credit_today()],
    )
    env.cr.fetchall()
    read = time.perf_counter() - start
    for table in (LETTERS, LINES):
        names, values = rows[table]
        execute_values(
            env.cr._obj,
            f"INSERT INTO {table} ({names}) VALUES %s",
            values,
            page_size=1000,
        )
    env.cr.commit()
    return {
        "seconds": time.perf_counter() - start,
        "cpu": cpu_seconds(env) - cpu,
        "read": read,
    }


def read_rows(env, table):
    """Return the columns and rows of a table, to write them again."""
    env.cr.execute(f"SELECT * FROM {table} ORDER BY id")
    names = ", ".join(f'"{column.name}"' for column in env.cr.description)
    return names, env.cr.fetchall()


def clear(env):
    """Take letters and reasons away, as if nothing had been proposed today."""
    env.cr.execute("UPDATE credit_dunning_run SET state = 'cancelled'")
    env.cr.execute("DELETE FROM credit_dunning_letter_res_partner_rel")
    env.cr.execute(f"DELETE FROM {LINES}; DELETE FROM {LETTERS}")
    env.cr.execute("DELETE FROM credit_dunning_outcome WHERE run_id IS NOT NULL")
    env.cr.commit()
    env.invalidate_all(flush=False)
    env.cr._cnx.autocommit = True
    for table in OWN_TABLES:
        env.cr.execute(f"VACUUM ANALYZE {table}")
    env.cr._cnx.autocommit = False


def explained(env, company):
    """Check that each overdue item is in a letter or has a reason, and only one."""
    env.cr.execute(
        """
        SELECT COUNT(*), COUNT(*) FILTER (WHERE chased + left_alone != 1)
          FROM (
            SELECT item.id,
                   (SELECT COUNT(*) FROM credit_dunning_letter_line line
                     WHERE line.move_line_id = item.id
                       AND line.kind = 'chased') AS chased,
                   (SELECT COUNT(*) FROM credit_dunning_outcome reason
                     WHERE reason.move_line_id = item.id
                       AND reason.run_id IS NOT NULL) AS left_alone
              FROM account_move_line item
              JOIN account_account account ON account.id = item.account_id
             WHERE account.account_type = 'asset_receivable'
               AND item.company_id = %s AND item.parent_state = 'posted'
               AND NOT item.reconciled AND item.amount_residual > 0
               AND item.date_maturity < %s) AS items
        """,
        [company.id, company._credit_today()],
    )
    items, wrong = env.cr.fetchone()
    if wrong:
        raise SystemExit(f"{wrong} of {items} overdue items are not explained once")
    return items
