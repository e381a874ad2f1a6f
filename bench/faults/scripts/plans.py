"""Run in Odoo's shell: customers of the trials pay in parts, and have logins.

The first plans are those of logins, in the states their trials begin with; the parts of
the others fall due today and are collected by the provider of the trials. Prints the
ids as JSON.
"""

import json
import os
from datetime import timedelta
from decimal import Decimal

from odoo.addons.credit_management.logic import instalments

COLLECTED = int(os.environ["FAULTS_PLANS"])
RACES = int(os.environ["FAULTS_RACES"])
LOGINS = ("propose", "accept", "consent", "pay", "items")
JOBS = (
    "credit_management.ir_cron_collect_parts",
    "payment.cron_post_process_payment_tx",
)


class Maker:
    """Makes plans in the company of the trials."""

    def __init__(self, env):
        company = env["res.company"].search([("name", "=", "Fault Trials")])
        env.user.company_id = company
        self.env = env(context=dict(env.context, allowed_company_ids=company.ids))
        self.company = company.with_env(self.env)
        self.today = self.company._credit_today()
        self.provider = self.make_provider()

    def make_provider(self):
        """Return the provider of the trials, with a journal for its money."""
        env = self.env
        method = env["payment.method"].create(
            {"name": "Card of the trials", "code": "faults_card", "active": True}
        )
        provider = env["payment.provider"].create(
            {
                "name": "Fault Trials",
                "code": "faults",
                "company_id": self.company.id,
                "state": "test",
                "is_published": True,
                "allow_tokenization": True,
                "payment_method_ids": [(6, 0, method.ids)],
            }
        )
        bank = env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1
        )
        env["account.payment.method.line"].create(
            {
                "name": "Fault Trials",
                "payment_method_id": env.ref(
                    "account.account_payment_method_manual_in"
                ).id,
                "journal_id": bank.id,
                "payment_provider_id": provider.id,
            }
        )
        return provider

    def items(self, customer):
        """Return what is open of a customer."""
        return self.env["account.move.line"].search(
            [
                ("partner_id", "=", customer.id),
                ("account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
                ("amount_residual", ">", 0),
            ]
        )

    def profile(self, customer):
        """Return the credit file of a customer."""
        return self.env["credit.profile"]._get_or_create(self.company, customer)

    def plan(self, customer, count=3):
        """Return the draft of a plan whose first part falls due today."""
        items = self.items(customer)
        total = Decimal(str(round(sum(items.mapped("amount_residual")), 2)))
        days = [self.today + timedelta(days=30 * index) for index in range(count)]
        parts = instalments.make_plan(total, days, Decimal("0.01"))
        return self.env["credit.payment.plan"]._make(
            self.profile(customer), items, parts
        )

    def token(self, customer):
        """Return a stored way to pay."""
        return self.env["payment.token"].create(
            {
                "provider_id": self.provider.id,
                "payment_method_id": self.provider.payment_method_ids[:1].id,
                "payment_details": "4242",
                "partner_id": customer.id,
                "provider_ref": f"card-{customer.id}",
            }
        )

    def login(self, customer, name):
        """Give a customer a login."""
        customer.lang = "en_US"
        self.env["res.users"].with_context(no_reset_password=True).create(
            {
                "name": name,
                "login": f"faults_{name}",
                "password": f"faults_{name}",
                "partner_id": customer.id,
                "company_id": self.company.id,
                "company_ids": [(6, 0, self.company.ids)],
                "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)],
            }
        )


def main(env):
    """Make all of it; the last line tells the caller that it worked."""
    env["ir.config_parameter"].set_param("account_payment.enable_portal_payment", True)
    for name in JOBS:
        env.ref(name).active = True
    make = Maker(env)
    make.company.credit_portal_plans = True
    wanted = [*LOGINS, *(f"race{number}" for number in range(RACES))]
    customers = make.env["res.partner"].search(
        [("company_id", "=", make.company.id), ("ref", "!=", False)],
        order="ref",
        limit=len(wanted) + COLLECTED,
    )
    made = {
        "provider": make.provider.id,
        "currency": make.company.currency_id.name,
        "logins": {},
        "collected": [],
    }
    for name, customer in zip(wanted, customers, strict=False):
        make.login(customer, name)
        about = {"profile": make.profile(customer).id, "partner": customer.id}
        about["items"] = make.items(customer).ids
        about["token"] = make.token(customer).id
        about["open"] = sum(make.items(customer).mapped("amount_residual"))
        if name not in ("propose", "items"):
            plan = make.plan(customer, 1 if name.startswith("race") else 3)
            plan._propose() if name == "accept" else plan.action_activate()
            about |= {"plan": plan.id, "part": plan.line_ids[0].amount}
        made["logins"][name] = about
    for number, customer in enumerate(customers[len(wanted) :]):
        plan = make.plan(customer)
        plan.action_activate()
        plan._consent(make.token(customer), customer)
        made["collected"].append(plan.id)
        if number % 50 == 0:
            make.env.cr.commit()
    make.env.cr.commit()
    print("PLANS " + json.dumps(made))
    print("POPULATED", flush=True)


main(env)  # noqa: F821  the shell provides `env`
