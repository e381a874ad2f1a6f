"""Coming and going: what the add-on does to a large ledger it is installed on.

Tasks of `make bench ONLY=install`, each in a process of its own: `look` before and
after tells what is there and whether a row of the ledger was written again; `work`
runs the add-on once, `leave` uninstalls it, `trade` sees that the host still works.
"""

import time

from odoo import Command, fields

ADD_ON = "credit_management"
LEDGER = (
    "account_move",
    "account_move_line",
    "account_partial_reconcile",
    "account_payment",
    "res_partner",
    "sale_order",
)
# What a database has, beside rows: each query tells names.
THINGS = {
    "tables": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    "columns": "SELECT table_name || '.' || column_name"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "indexes": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": "SELECT conrelid::regclass || '.' || conname FROM pg_constraint",
    "triggers": "SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger"
    " WHERE NOT tgisinternal",
    "parameters": "SELECT key FROM ir_config_parameter",
    "jobs": "SELECT cron_name FROM ir_cron",
    "models": "SELECT model FROM ir_model",
    "fields": "SELECT model || '.' || name FROM ir_model_fields",
    "mail templates": "SELECT name ->> 'en_US' FROM mail_template",
    "views": "SELECT name || ' ' || coalesce(model, '') FROM ir_ui_view",
    "menus": "SELECT id::text FROM ir_ui_menu",
    "activity types": "SELECT name ->> 'en_US' FROM mail_activity_type",
    "rules": "SELECT id::text FROM ir_rule",
    "groups": "SELECT name ->> 'en_US' FROM res_groups",
    "names": "SELECT module || '.' || name FROM ir_model_data",
}


def look(env, label):
    """Return the names of what is there; keep the row versions of the ledger."""
    cr = env.cr
    found = {}
    for what, query in THINGS.items():
        cr.execute(query)
        found[what] = sorted({name for (name,) in cr.fetchall() if name})
    cr.execute("CREATE SCHEMA IF NOT EXISTS trial")
    for table in LEDGER:
        # A row that is written again gets another place and another version.
        cr.execute(
            f"CREATE TABLE trial.{label}_{table} AS"
            f" SELECT id, ctid::text || xmin::text AS version FROM {table}"
        )
    cr.commit()
    return found


def rewritten(env, one, other):
    """Return how many rows of each table were written between two looks."""
    counts = {}
    for table in LEDGER:
        env.cr.execute(
            f"SELECT count(*) FROM trial.{one}_{table} was"
            f" FULL JOIN trial.{other}_{table} became USING (id)"
            " WHERE was.version IS DISTINCT FROM became.version"
        )
        counts[table] = env.cr.fetchone()[0]
    return {"counts": counts}


def order(env):
    """Make an order with an invoice, as the host's users had before we came."""
    made = _sell(env, env["res.partner"].search([("name", "=", "Customer A1")]))
    env.cr.commit()
    invoices = env["account.move"].search_count([("move_type", "=", "out_invoice")])
    return made | {"invoices": invoices}


def _sell(env, partner):
    product = env["product.product"].create(
        {"name": "Hours", "type": "service", "invoice_policy": "order"}
    )
    sold = env["sale.order"].create(
        {
            "partner_id": partner.id,
            "order_line": [Command.create({"product_id": product.id})],
        }
    )
    sold.action_confirm()
    invoice = sold._create_invoices()
    invoice.invoice_date = fields.Date.today()
    invoice.action_post()
    return {"order": sold.id, "invoice": invoice.id}


def work(env):
    """Use everything once: a run that is sent, a statement, an exclusion, a profile."""
    company = env.company
    company.write(
        {"credit_mode": "redirect", "credit_redirect_email": "office@example.com"}
    )
    run = env["credit.dunning.run"].create({"company_id": company.id})
    start = time.monotonic()
    run._propose()
    env.cr.commit()
    proposing = time.monotonic() - start
    letters = run.letter_ids
    (letters - letters[:200])._skip("Not today")
    run.action_approve_and_send()
    letters[:200]._hand_over()
    letters[:200]._set_sent()
    env["credit.exclusion"].create(
        {
            "scope": "invoice",
            "move_id": letters[0].line_ids[0].move_id.id,
            "company_id": company.id,
            "reason": "Agreed",
        }
    )
    env["credit.statement"].create({"profile_id": letters[0].profile_id.id})
    letters[0].partner_id.type = "dunning"
    env.cr.commit()
    return {"letters": len(letters), "seconds": proposing}


def keep(env):
    """Return what an upgrade must keep: letters by level and state, and the rest."""
    counts = {}
    for name in (
        "credit.profile",
        "credit.exclusion",
        "credit.statement",
        "credit.dunning.run",
    ):
        counts[name] = env[name].search_count([])
    for level, state, count in env["credit.dunning.letter"]._read_group(
        [], ["level_id", "state"], ["__count"]
    ):
        counts[f"{level.name}, {state}"] = count
    return {"counts": counts}


def leave(env):
    """Uninstall the add-on, as the app list does."""
    start = time.monotonic()
    env["ir.module.module"].search([("name", "=", ADD_ON)]).button_immediate_uninstall()
    return {"seconds": time.monotonic() - start}


def trade(env, before):
    """Go on working: sell and post, reverse and pay what was there before."""
    partner = env["sale.order"].browse(before["order"]).partner_id
    made = _sell(env, partner)
    old = env["account.move"].browse(before["invoice"])
    env["account.payment.register"].with_context(
        active_model="account.move", active_ids=old.ids
    ).create({})._create_payments()
    env.cr.commit()
    return {"state": old.payment_state, "order": made["order"]}
