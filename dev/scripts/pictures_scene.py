"""Run in Odoo's shell by `make pictures`: what the pictures show happens here.

The demo's invoices are followed up by the methods that the buttons call; nothing is
written by hand that the product writes. Ends with the numbers of the records that the
table of pictures names (`dev/shots.py`).
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from odoo import fields

sys.path.insert(0, os.environ["KIT_ROOT"])
from dev.scripts.demo_run import (
    empty_queues,
    point_to_sink,
    send_statements,
)

REFUSED = "@granite"  # a mail server refuses these today
LEAVE_OUT = "maple"
IN_REVIEW = "lindenhof"  # a German customer whose letter is under review
LANGUAGES = ("en_US", "nl_NL", "de_DE", "fr_FR")


def customer(env, key):
    """Return the customer of the demo with that key."""
    return env.ref(f"credit_management.demo_partner_{key}")


def at_work(env, company):
    """Return the environment of the accountant at work in one company."""
    accountant = env["res.users"].search([("login", "=", "accountant")])
    return env(
        user=accountant.id,
        context=dict(env.context, allowed_company_ids=company.ids),
    )


def answer(mode):
    """Have the mail sink answer like this from now on."""
    (Path(os.environ["KIT_MAIL_FOLDER"]) / "mode").write_text(mode)


def propose(env, company):
    """Return the run of the night, or one by hand where it is too early for that."""
    run = at_work(env, company)["credit.dunning.run"].search(
        [("company_id", "=", company.id), ("state", "=", "proposed")], limit=1
    )
    if not run:
        run = run.create({"company_id": company.id})
        run.action_propose()
        env.cr.commit()
    return run


def follow_up(env, usd, eur):
    """Send the run of one company; leave that of the other one under review.

    Of the latter some letters go at once, one in each language, and one of them while
    the mail server hangs up: nobody knows whether it left.
    """
    sent = propose(env, usd)
    answer(f"bad:{REFUSED}")
    sent.action_approve()
    sent.action_send()
    env.cr.commit()
    empty_queues(env, sent)
    review = propose(env, eur)
    answer("lost")
    review.letter_ids.filtered("level_id.send_once")[-1:].action_send_now()
    env.cr.commit()
    empty_queues(env, review)
    answer("ok")
    first_of_each_language(review.letter_ids).action_send_now()
    env.cr.commit()
    empty_queues(env, review)
    return sent, review


def first_of_each_language(letters):
    """Return the letter of the highest level in each language, but that to keep."""
    kept = customer(letters.env, IN_REVIEW).id
    chosen = letters.browse()
    for lang in LANGUAGES:
        ready = letters.filtered(
            lambda letter, lang=lang: (
                letter.lang == lang
                and letter.state == "proposed"
                and not letter.is_reminder
                and letter.commercial_partner_id.id != kept
            )
        )
        chosen |= ready.sorted("level_rank")[-1:]
    return chosen


def decide_by_hand(env, usd, eur):
    """Do what an accountant does besides: pause one customer, exclude another."""
    own = at_work(env, eur)
    today = fields.Date.today()
    paused = own["credit.profile"]._get_or_create(eur, customer(own, "debolder"))
    paused.write(
        {
            "pause_until": today + timedelta(days=14),
            "pause_reason": "Kitchen is being rebuilt, agreed to wait",
        }
    )
    own = at_work(env, usd)
    own["credit.exclusion"].create(
        {
            "company_id": usd.id,
            "scope": "customer",
            "partner_id": customer(own, LEAVE_OUT).id,
            "reason": "Being handled by the lawyer",
            "until": today + timedelta(days=60),
        }
    )
    env.cr.commit()


def find_mail(env, lang):
    """Return the key of a letter that left in that language, of a high level."""
    letter = env["credit.dunning.letter"].search(
        [
            ("state", "=", "sent"),
            ("mail_ids", "!=", False),
            ("partner_id.lang", "=", lang),
        ],
        order="level_rank desc, id desc",
        limit=1,
    )
    return letter.key or ""


def find_records(env, usd, eur, sent, review):
    """Return the numbers that the table of pictures names."""
    letters = env["credit.dunning.letter"]
    profiles = env["credit.profile"]
    portal = profiles._get_or_create(usd, customer(env, "portal"))
    german = profiles._get_or_create(eur, customer(env, IN_REVIEW))
    letter = letters.search(
        [("profile_id", "=", german.id), ("run_id", "=", review.id)], limit=1
    )
    left = letters.search(
        [("run_id", "=", sent.id), ("state", "=", "sent")],
        order="level_rank desc, id desc",
        limit=1,
    )
    late = left.profile_id
    invoice = env["account.move"].search(
        [
            ("commercial_partner_id", "=", late.partner_id.id),
            ("move_type", "=", "out_invoice"),
            ("payment_state", "in", ("not_paid", "partial")),
            ("company_id", "=", usd.id),
        ],
        order="invoice_date_due",
        limit=1,
    )
    statement = env["credit.statement"].search(
        [("company_id", "=", eur.id), ("kind", "=", "open")], limit=1
    )
    disputes = env["credit.dispute"].search([("company_id", "=", usd.id)])
    of_portal = disputes.filtered(lambda one: one.profile_id == portal)[:1]
    policy = env.ref("credit_management.policy_business")
    asked = env["credit.hold"].search(
        [("company_id", "=", usd.id), ("asked_date", "!=", False)], limit=1
    )
    plans = env["credit.payment.plan"].search([("company_id", "=", usd.id)])
    of_portal_plan = plans.filtered(
        lambda plan: plan.profile_id == portal and plan.state == "active"
    )[:1]
    asked_plan = plans.filtered(
        lambda plan: plan.state == "proposed" and plan.source != "staff"
    )[:1]
    page = late._get_customer_url().partition("/my/")[2]
    mails = {f"mail_{lang[:2]}": find_mail(env, lang) for lang in LANGUAGES}
    return mails | {
        "usd": usd.id,
        "eur": eur.id,
        "sent_run": sent.id,
        "review_run": review.id,
        "review_letter": letter.id,
        "sent_letter": left.id,
        "portal_profile": portal.id,
        "portal_page": portal._get_customer_url().partition("/my/")[2],
        "german_page": german._get_customer_url().partition("/my/")[2],
        "late_profile": late.id,
        "asked_hold": asked.id,
        "held_order": asked.res_id,
        "late_partner": late.partner_id.id,
        "late_invoice": invoice.id,
        "german_profile": german.id,
        "insured_profile": profiles._get_or_create(eur, customer(env, "bergmann")).id,
        "group": env["credit.group"].search([], limit=1).id,
        "statement": statement.id,
        "late_dispute": disputes.filtered("escalated_date")[:1].id,
        "portal_dispute": of_portal.id,
        "portal_invoice": of_portal.move_ids.id,
        "late_plan": plans.filtered("warned_until")[:1].id,
        "asked_plan": asked_plan.id,
        "portal_plan": of_portal_plan.id,
        "plan_form": page.replace("?", "/plan?"),
        "policy": policy.id,
        "level": env.ref("credit_management.level_business_4").id,
    }


def main(env):
    """Play the scene and write down where its records are."""
    point_to_sink(env)
    usd = env.ref("base.main_company")
    eur = env.ref("credit_management.demo_company_eur")
    decide_by_hand(env, usd, eur)
    (usd + eur).credit_mode = "live"
    env.cr.commit()
    env.ref("credit_management.ir_cron_nightly_run").method_direct_trigger()
    env.cr.commit()  # to see what the job has committed
    sent, review = follow_up(env, usd, eur)
    for company in (usd, eur):
        send_statements(at_work(env, company), company)
    empty_queues(env, sent)
    env["credit.profile"].search([])._refresh()
    report = find_records(env, usd, eur, sent, review)
    env.cr.commit()
    with open(os.environ["KIT_REPORT"], "w") as output:
        json.dump(report, output, indent=1)


main(env)  # noqa: F821  the shell provides `env`
