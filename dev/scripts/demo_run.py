"""Run in Odoo's shell by the demo: a dunning run and statements, sent to the sink.

Reads its parameters from the environment and writes what happened as JSON.
"""

import json
import os

CRONS = (
    "credit_management.ir_cron_send_letters",
    "credit_management.ir_cron_send_statements",
    "mail.ir_cron_mail_scheduler_action",
    "credit_management.ir_cron_supervise",
    "credit_management.ir_cron_refresh_profiles",
)
LOGINS = (
    ("accountant", "accountant"),
    ("creditmanager", "credit manager"),
    ("seller", "salesperson"),
    ("customer", "portal customer"),
    ("admin", "administrator"),
)
WAITING = ("queued", "sending")
STATEMENTS = 4
MOST_ROUNDS = 10


def point_to_sink(env):
    """Send all outgoing mail to the sink, and put our address into links."""
    values = {
        "name": "Mail sink of the host kit",
        "smtp_host": os.environ.get("KIT_MAIL_HOST", "127.0.0.1"),
        "smtp_port": int(os.environ["KIT_MAIL_PORT"]),
        "smtp_encryption": "none",
        "smtp_authentication": "login",
        "sequence": 1,
    }
    server = env["ir.mail_server"].search([("name", "=", values["name"])], limit=1)
    if server:
        server.write(values)
    else:
        env["ir.mail_server"].create(values)
    env["ir.config_parameter"].set_param("web.base.url", os.environ["KIT_ADDRESS"])


def send_run(env, company):
    """Propose, approve and send; return the run, or the last one when idle."""
    runs = env["credit.dunning.run"].with_company(company)
    company.credit_mode = "live"
    env.cr.commit()
    run = runs.create({"company_id": company.id})
    run.action_propose()
    if not run.letter_ids:
        env.cr.rollback()
        sent = [("company_id", "=", company.id), ("letter_ids.state", "=", "sent")]
        return runs.search(sent, order="id desc", limit=1), False
    run.action_approve()
    run.action_send()
    env.cr.commit()
    return run, True


def send_statements(env, company):
    """Send a statement of account to those who owe most, once."""
    statements = env["credit.statement"].with_company(company)
    sent = [("company_id", "=", company.id), ("state", "!=", "draft")]
    if statements.search_count(sent):
        return
    owing = [("company_id", "=", company.id), ("email", "!=", False)]
    profiles = env["credit.profile"].search(owing, limit=STATEMENTS)
    for kind, chosen in (("open", profiles[1:]), ("activity", profiles[:1])):
        if chosen:
            window = env["credit.statement.make"].with_company(company)
            window.create({"profile_ids": chosen.ids, "kind": kind}).action_send()
    env.cr.commit()


def empty_queues(env, run):
    """Run the crons that send until nothing waits."""
    for _round in range(MOST_ROUNDS):
        run.invalidate_recordset()
        waiting = [("state", "in", WAITING)]
        if not (
            run.letter_ids.filtered_domain(waiting)
            or env["credit.statement"].search_count(waiting)
            or env["mail.mail"].search_count([("state", "=", "outgoing")])
        ):
            return
        for name in CRONS:
            env.ref(name).method_direct_trigger()
            env.cr.commit()


def label(record, name):
    """Return the words a selection shows, or the value itself."""
    field = record._fields[name]
    if field.type == "selection":
        return dict(field._description_selection(record.env)).get(record[name])
    return str(record[name] or "")


def describe(run):
    """Return what a run sent and what it left alone, in plain values."""
    letters = [
        {
            "customer": letter.partner_id.display_name,
            "to": letter.recipient_emails or "",
            "level": letter.level_id.name or "",
            "amount": letter.currency_id.format(
                letter.amount_total or letter.amount_upcoming
            ),
            "state": label(letter, "state"),
        }
        for letter in run.letter_ids
    ]
    left_alone = {
        label(outcomes[:1], "reason"): len(outcomes)
        for reason, outcomes in run.outcome_ids.grouped("reason").items()
        if reason
    }
    name = run.display_name if run else ""
    return {"name": name, "letters": letters, "left_alone": left_alone}


def logins(env):
    """Return the demo's logins that exist."""
    users = env["res.users"].sudo().with_context(active_test=False)
    return [
        {"login": login, "role": role}
        for login, role in LOGINS
        if users.search_count([("login", "=", login)])
    ]


def main(env):
    """Do the demo's work and write the report: one run in each company."""
    point_to_sink(env)
    report = {"logins": logins(env), "runs": []}
    for company in env["res.company"].search([("chart_template", "!=", False)]):
        own = env(context=dict(env.context, allowed_company_ids=company.ids))
        own_company = own["res.company"].browse(company.id)
        run, fresh = send_run(own, own_company)
        send_statements(own, own_company)
        empty_queues(own, run)
        if run:
            about = {"fresh": fresh, "company": company.name}
            report["runs"].append(describe(run) | about)
        env.cr.commit()
    with open(os.environ["KIT_REPORT"], "w") as output:
        json.dump(report, output, indent=1, default=str)


if "env" in globals():  # the shell provides it; another script may import this one
    main(env)  # noqa: F821
