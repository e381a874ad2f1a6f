"""What a night costs that looks at all payment plans that run, however many there are.

Plans are copied as the ledger is: the add-on makes one, its rows are then copied in SQL
for other customers, one overdue invoice each. None is late and none is to be reminded
of: what is measured is that each is looked at.

Floor: plain SQL that reads what is open of the items of the plans and what credit notes
took off, and all open items of their customers, in the same batches, into Python.
"""

import statistics
import time
from datetime import timedelta
from decimal import Decimal

from odoo.addons.credit_management.logic import instalments

from . import generate, lists

BATCH = 1000  # as the job has it
DAYS = (15, 45, 75)
REPEAT = 3
LISTS = {
    "plans": "credit_management.credit_payment_plan_action",
    "invoices of the host": "account.action_move_out_invoice_type",
}
FLOOR = """
    SELECT item.plan_id, item.move_line_id, item.amount, item.credited_before,
           line.amount_residual_currency, line.parent_state,
           (SELECT SUM(match.debit_amount_currency)
              FROM account_partial_reconcile match
              JOIN account_move_line paying ON paying.id = match.credit_move_id
              JOIN account_move move
                ON move.id = paying.move_id AND move.move_type = 'out_refund'
             WHERE match.debit_move_id = item.move_line_id)
      FROM credit_payment_plan_item item
      JOIN account_move_line line ON line.id = item.move_line_id
     WHERE item.plan_id = ANY(%s)
"""
FLOOR_OPEN = """
    SELECT line.id, line.partner_id, line.move_id, line.date_maturity,
           line.amount_residual_currency, line.currency_id, move.payment_state
      FROM account_move_line line
      JOIN account_move move ON move.id = line.move_id
      JOIN account_account account ON account.id = line.account_id
     WHERE line.partner_id IN (SELECT partner_id FROM credit_payment_plan
                                WHERE id = ANY(%s))
       AND line.company_id = %s AND line.parent_state = 'posted'
       AND line.reconciled IS NOT TRUE
       AND account.account_type = 'asset_receivable'
"""


def measure(env, counts=(100, 1000, 10000)):
    """Return seconds and queries of a night by number of plans, and of the list."""
    ids = fill(env, env.company, max(counts))
    figures = []
    for count in counts:
        run_only(env, ids[:count])
        figures.append({"plans": count} | take_turns(env, ids[:count]))
    user = env.ref("base.user_admin")
    pages = {}
    for name, action in LISTS.items():
        model, view, domain = lists.describe(env, action)
        records = env[model].with_user(user).with_context(lang="en_US")
        wanted = lists.read_specification(records, view)

        def read_list(records=records, domain=domain, wanted=wanted):
            return records.web_search_read(
                domain, wanted, limit=lists.ROWS, count_limit=lists.COUNT_LIMIT
            )

        pages[name], found = lists.time_turns(env, read_list, 7)
        pages[name]["of"] = found["length"]
    return {"nights": figures, "lists": pages}


def take_turns(env, ids):
    """Let a night and the floor look at the plans in turn."""
    nights, floors, queries = [], [], []
    for _turn in range(REPEAT):
        env.invalidate_all()
        before, begun = env.cr.sql_log_count, time.perf_counter()
        env["credit.payment.plan"]._cron_watch()
        nights.append(time.perf_counter() - begun)
        queries.append(env.cr.sql_log_count - before)
        begun = time.perf_counter()
        read_floor(env, ids)
        floors.append(time.perf_counter() - begun)
    env.cr.execute(
        "SELECT count(*) FROM credit_payment_plan"
        " WHERE id = ANY(%s) AND state = 'active' AND warned_date IS NULL",
        [ids],
    )
    if env.cr.fetchone()[0] != len(ids):
        raise SystemExit("Plans were ended or warned of: that is not to be measured.")
    return {
        "seconds": statistics.median(nights),
        "floor": statistics.median(floors),
        "queries": min(queries),
        "batches": -(-len(ids) // BATCH),
    }


def read_floor(env, ids):
    """Read the same facts plainly."""
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        env.cr.execute(FLOOR, [batch])
        env.cr.fetchall()
        env.cr.execute(FLOOR_OPEN, [batch, env.company.id])
        env.cr.fetchall()


def run_only(env, ids):
    """Let these plans run and no other."""
    for table, key in (
        ("credit_payment_plan", "id"),
        ("credit_payment_plan_item", "plan_id"),
    ):
        env.cr.execute(
            f"UPDATE {table} SET state = CASE WHEN {key} = ANY(%s)"
            " THEN 'active' ELSE 'cancelled' END",
            [ids],
        )
    env.cr.commit()
    env.invalidate_all()
    env.cr.execute("ANALYZE credit_payment_plan, credit_payment_plan_item")
    env.cr.commit()


def fill(env, company, count):
    """Make plans for customers with an overdue invoice; return their ids."""
    company.credit_mode = "live"
    env.cr.execute(
        """
        DROP TABLE IF EXISTS bench_plan;
        CREATE TEMPORARY TABLE bench_plan AS
            SELECT DISTINCT ON (line.partner_id)
                   line.partner_id, line.id AS line_id, line.move_id,
                   line.move_name AS name, line.date_maturity,
                   line.amount_residual_currency AS amount,
                   round(line.amount_residual_currency / 3, 2) AS part,
                   NULL::int AS profile_id, NULL::int AS plan_id
              FROM account_move_line line
              JOIN account_account account ON account.id = line.account_id
             WHERE line.company_id = %s AND line.parent_state = 'posted'
               AND account.account_type = 'asset_receivable'
               AND line.amount_residual_currency > 0
               AND NOT EXISTS (SELECT 1 FROM credit_profile profile
                                WHERE profile.partner_id = line.partner_id)
          ORDER BY line.partner_id, line.date_maturity, line.id
        """,
        [company.id],
    )
    first = make_first(env, company)
    env.cr.execute(
        """
        DELETE FROM bench_plan WHERE partner_id = %s;
        DELETE FROM bench_plan WHERE partner_id NOT IN (
            SELECT partner_id FROM bench_plan ORDER BY partner_id LIMIT %s);
        UPDATE bench_plan SET profile_id = nextval('credit_profile_id_seq'),
                              plan_id = nextval('credit_payment_plan_id_seq');
        """,
        [first.partner_id.id, count - 1],
    )
    copy_rows(generate.Generator(env, company, 0), first)
    env.cr.execute("SELECT plan_id FROM bench_plan ORDER BY plan_id")
    ids = first.ids + [row[0] for row in env.cr.fetchall()]
    env.cr.commit()
    env.invalidate_all()
    if len(ids) != count:
        raise SystemExit(f"Only {len(ids)} customers have something open.")
    return ids


def make_first(env, company):
    """Let the add-on make one plan and start it."""
    env.cr.execute("SELECT line_id FROM bench_plan ORDER BY partner_id LIMIT 1")
    item = env["account.move.line"].browse(env.cr.fetchone()[0])
    profile = env["credit.profile"]._get_or_create(company, item.partner_id)
    total = Decimal(str(round(item.amount_residual_currency, 2)))
    today = company._credit_today()
    parts = instalments.make_plan(
        total, [today + timedelta(days=days) for days in DAYS], Decimal("0.01")
    )
    plan = env["credit.payment.plan"]._make(profile, item, parts)
    plan.action_activate()
    env.flush_all()
    return plan


def copy_rows(maker, first):
    """Copy the rows of a plan for the other customers."""
    source = "bench_plan new JOIN {table} proto ON proto.{key} = {id}"
    maker.copy(
        "credit_profile",
        {
            "id": "new.profile_id",
            "partner_id": "new.partner_id",
            "access_token": "NULL",
        },
        source.format(table="credit_profile", key="id", id=first.profile_id.id),
    )
    maker.copy(
        "credit_payment_plan",
        {
            "id": "new.plan_id",
            "name": "proto.name || '-' || new.plan_id",
            "profile_id": "new.profile_id",
            "partner_id": "new.partner_id",
            "contact_id": "new.partner_id",
            "invoice_names": "new.name",
            "amount": "new.amount",
            "amount_left": "new.amount",
            "amount_company": "new.amount",
            "access_token": "NULL",
        },
        source.format(table="credit_payment_plan", key="id", id=first.id),
    )
    maker.copy(
        "credit_payment_plan_item",
        {
            "id": "nextval('credit_payment_plan_item_id_seq')",
            "plan_id": "new.plan_id",
            "move_line_id": "new.line_id",
            "move_id": "new.move_id",
            "name": "new.name",
            "date_maturity": "new.date_maturity",
            "amount": "new.amount",
        },
        source.format(table="credit_payment_plan_item", key="plan_id", id=first.id),
    )
    for index, line in enumerate(first.line_ids):
        maker.copy(
            "credit_payment_plan_line",
            {
                "id": "nextval('credit_payment_plan_line_id_seq')",
                "plan_id": "new.plan_id",
                "amount": "new.part" if index else "new.amount - 2 * new.part",
            },
            source.format(table="credit_payment_plan_line", key="id", id=line.id),
        )
