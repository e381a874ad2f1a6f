"""Run in Odoo's shell: a company that duns, customers with late invoices, a run.

Every customer is due exactly one letter; some of them at a level that goes at most
once. The letters are queued, and nothing but the sending jobs is left to run.
"""

import os
import random
from datetime import timedelta

CUSTOMERS = int(os.environ["FAULTS_CUSTOMERS"])
EVERY = int(os.environ["FAULTS_ONCE"])
BATCH = 200
SENDING_CRONS = (
    "credit_management.ir_cron_send_letters",
    "credit_management.ir_cron_send_letters_too",
    "credit_management.ir_cron_supervise",
    "mail.ir_cron_mail_scheduler_action",
)
COMPANY = "Fault Trials"
FRIENDLY = "friendly"
ONCE = "once"  # customers with this reference follow the policy that sends once


def make_company(env):
    """Return a company of its own, with a chart of accounts, that sends."""
    vals = {
        "name": COMPANY,
        "email": "money@trials.test",
        "currency_id": env.ref("base.EUR").id,
    }
    if "iap_enrich_auto_done" in env["res.company"]._fields:
        vals["iap_enrich_auto_done"] = True  # ask no service on the internet
    company = env["res.company"].create(vals)
    env.user.company_ids += company
    admin = env.ref("base.user_admin")
    admin.company_ids += company
    admin.company_id = company
    admin.group_ids += env.ref("account.group_account_manager")
    env["account.chart.template"].try_loading(
        "generic_coa", company=company, install_demo=False
    )
    return company


def make_policies(env, company):
    """Make one policy of friendly levels and one that sends at most once."""
    env["credit.dunning.policy"].search([]).active = False
    text = env["mail.template"].create(
        {
            "name": "Text of a trial",
            "model_id": env["ir.model"]._get_id("credit.dunning.letter"),
            "subject": "Reminder of {{ object.company_id.name }}",
            "body_html": "<p>Please pay <t t-out='object.amount_total'/>.</p>",
            "lang": "{{ object.lang }}",
            "auto_delete": False,
        }
    )
    for name, once, domain in (
        ("Friendly", False, "[]"),
        ("Once", True, str([("ref", "=like", f"{ONCE}%")])),
    ):
        policy = env["credit.dunning.policy"].create(
            {
                "name": name,
                "company_id": company.id,
                "automatic": True,
                "working_days_only": False,
                "min_interval_days": 7,
                "partner_domain": domain,
                "level_ids": [
                    (
                        0,
                        0,
                        {
                            "name": f"{name} {number}",
                            "delay_days": delay,
                            "sequence": number,
                            "send_once": once,
                            "mail_template_id": text.id,
                        },
                    )
                    for number, delay in enumerate((3, 20, 40), start=1)
                ],
            }
        )
        if not once:
            company.credit_policy_id = policy
    company.write({"credit_mode": "live", "credit_tz": "Europe/Brussels"})


def make_customers(env, company, dice):
    """Make the customers and their late invoices, in batches."""
    today = company._credit_today()
    quiet = {"tracking_disable": True, "mail_create_nolog": True}
    for start in range(0, CUSTOMERS, BATCH):
        numbers = range(start, min(start + BATCH, CUSTOMERS))
        partners = (
            env["res.partner"]
            .with_context(**quiet, no_vat_validation=True)
            .create(
                [
                    {
                        "name": f"Customer {number:05d}",
                        "ref": f"{FRIENDLY if number % EVERY else ONCE}-{number:05d}",
                        "email": f"c{number:05d}@customers.test",
                        "is_company": True,
                        "company_id": company.id,
                    }
                    for number in numbers
                ]
            )
        )
        moves = (
            env["account.move"]
            .with_context(**quiet)
            .create(
                [
                    prepare_invoice(partner, today, dice)
                    for partner in partners
                    for _number in range(dice.choice((1, 1, 2)))
                ]
            )
        )
        moves.with_context(**quiet)._post(soft=False)
        env.cr.commit()


def prepare_invoice(partner, today, dice):
    """Return the values of an invoice that is late enough for the first level."""
    due = today - timedelta(days=dice.randint(4, 12))
    return {
        "move_type": "out_invoice",
        "partner_id": partner.id,
        "invoice_date": due - timedelta(days=30),
        "invoice_date_due": due,
        "invoice_payment_term_id": False,
        "invoice_line_ids": [
            (
                0,
                0,
                {
                    "name": "Work",
                    "price_unit": dice.randint(500, 90000) / 100,
                    "tax_ids": [(5,)],
                },
            )
        ],
    }


def keep_only_the_sending_crons(env):
    """Switch off every job but those that send, and what is queued already."""
    keep = [env.ref(name).id for name in SENDING_CRONS]
    env["ir.cron"].search([("id", "not in", keep)]).active = False
    env["ir.cron"].browse(keep).active = True
    env["mail.mail"].search([("state", "=", "outgoing")]).cancel()


def queue_run(env, company):
    """Propose, approve and queue the run of the trials."""
    run = env["credit.dunning.run"].create({"company_id": company.id})
    run.action_propose()
    run.action_approve_and_send()
    assert len(run.letter_ids) == CUSTOMERS, (len(run.letter_ids), CUSTOMERS)


def main(env):
    """Make all of it; the last line tells the caller that it worked."""
    dice = random.Random(CUSTOMERS)
    env["ir.mail_server"].search([]).active = False
    env["ir.mail_server"].create(
        {
            "name": "Sink of the trials",
            "smtp_host": "127.0.0.1",
            "smtp_port": 1,
            "smtp_encryption": "none",
            "smtp_authentication": "login",
            "sequence": 1,
        }
    )
    env["res.company"].search([]).credit_mode = "off"
    company = make_company(env)
    env = env(context=dict(env.context, allowed_company_ids=company.ids))
    company = company.with_env(env)
    make_policies(env, company)
    make_customers(env, company, dice)
    keep_only_the_sending_crons(env)
    queue_run(env, company)
    env.cr.commit()
    print("POPULATED", flush=True)


main(env)  # noqa: F821  the shell provides `env`
