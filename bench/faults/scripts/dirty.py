"""Run in Odoo's shell: the odd things that ten years leave in a database, and a run.

Each kind is one customer or more with late items. The run over all of it must end, and
each open item must stand in a letter or be left alone for a reason. Prints what became
of each kind as JSON.
"""

import json
import os
import traceback
from datetime import timedelta

MANY = int(os.environ.get("FAULTS_MANY", "500"))
LATE = 10
KINDS = {}
WAYS = []


def kind(function):
    """Remember a kind by its name."""
    WAYS.append(function)
    return function


class Maker:
    """Makes customers and their late items in the company of the trials."""

    def __init__(self, env):
        company = env["res.company"].search([("name", "=", "Fault Trials")])
        env.user.company_id = company
        context = dict(env.context, allowed_company_ids=company.ids)
        self.env = env(context=context | {"no_vat_validation": True})
        self.company = company.with_env(self.env)
        self.today = self.company._credit_today()

    def customer(self, name, **vals):
        """Return a new customer."""
        email = f"{name.lower().replace(' ', '.')}@odd.test"
        return self.env["res.partner"].create(
            {"name": name, "email": email, "company_id": self.company.id} | vals
        )

    def invoice(self, partner, amount=100.0, post=True, late=LATE, **vals):
        """Return a new invoice that is late."""
        due = self.today - timedelta(days=late)
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_date": due - timedelta(days=20),
                "invoice_date_due": due,
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    (0, 0, {"name": "x", "price_unit": amount, "tax_ids": [(5,)]})
                ],
            }
            | vals
        )
        if post:
            move.action_post()
        return move

    def currency(self, name, rounding, rate=None):
        """Return a currency, with or without a rate."""
        currency = (
            self.env["res.currency"]
            .with_context(active_test=False)
            .search([("name", "=", name)])
        )
        currency.write({"active": True, "rounding": rounding})
        currency.rate_ids.unlink()
        if rate:
            currency.rate_ids.create(
                {"currency_id": currency.id, "rate": rate, "name": "2020-01-01"}
            )
        return currency

    def sql(self, statement, *values):
        """Write what the host itself would refuse today."""
        self.env.flush_all()
        self.env.cr.execute(statement, values)
        self.env.invalidate_all()


@kind
def archived(make):
    """An archived customer with an open invoice."""
    partner = make.customer("Archived")
    make.invoice(partner)
    make.env.flush_all()
    make.sql("UPDATE res_partner SET active = FALSE WHERE id = %s", partner.id)
    return partner


@kind
def no_due_date(make):
    """An invoice that has lost its due date."""
    partner = make.customer("No due date")
    move = make.invoice(partner)
    make.sql(
        "UPDATE account_move_line SET date_maturity = NULL WHERE move_id = %s", move.id
    )
    make.sql("UPDATE account_move SET invoice_date_due = NULL WHERE id = %s", move.id)
    return partner


@kind
def due_in_1900(make):
    """An invoice that was due in 1900."""
    partner = make.customer("Due in 1900")
    move = make.invoice(partner)
    make.sql(
        "UPDATE account_move_line SET date_maturity = '1900-01-01' WHERE move_id = %s",
        move.id,
    )
    return partner


@kind
def only_credit(make):
    """A customer who has only a credit note."""
    partner = make.customer("Only credit")
    make.invoice(partner, move_type="out_refund")
    return partner


@kind
def more_credit(make):
    """A customer whose credit notes are worth more than the invoices."""
    partner = make.customer("More credit")
    make.invoice(partner, 100)
    make.invoice(partner, 250, move_type="out_refund")
    return partner


@kind
def no_rate(make):
    """A currency without any rate."""
    partner = make.customer("No rate")
    currency = make.currency("CHF", 0.01, 2.0)
    make.invoice(partner, currency_id=currency.id)
    currency.rate_ids.unlink()
    return partner


@kind
def inactive_currency(make):
    """A currency that was switched off."""
    partner = make.customer("Inactive currency")
    currency = make.currency("NOK", 0.01, 11.0)
    make.invoice(partner, currency_id=currency.id)
    make.env.flush_all()
    make.sql("UPDATE res_currency SET active = FALSE WHERE id = %s", currency.id)
    return partner


@kind
def yen(make):
    """A currency without decimals."""
    partner = make.customer("Yen")
    make.invoice(partner, 12345, currency_id=make.currency("JPY", 1.0, 160.0).id)
    return partner


@kind
def dinar(make):
    """A currency with three decimals."""
    partner = make.customer("Dinar")
    make.invoice(partner, 1.234, currency_id=make.currency("KWD", 0.001, 0.33).id)
    return partner


@kind
def merged(make):
    """Two customers that were merged, each with an invoice."""
    first, second = make.customer("Merged a"), make.customer("Merged b")
    make.invoice(first)
    make.invoice(second)
    wizard = make.env["base.partner.merge.automatic.wizard"].create({})
    wizard._merge((first + second).ids, first)
    return first


@kind
def parent_loop(make):
    """Contacts whose parents go round in a circle."""
    first = make.customer("Loop a", is_company=True)
    second = make.customer("Loop b", parent_id=first.id)
    make.invoice(second)
    make.sql("UPDATE res_partner SET parent_id = %s WHERE id = %s", second.id, first.id)
    return first


@kind
def nothing_known(make):
    """A customer without language, address and country."""
    partner = make.customer("Nothing known", email=False, lang=False, country_id=False)
    make.invoice(partner)
    return partner


@kind
def odd_emails(make):
    """Addresses with commas, quotes, umlauts, several in one field, and nonsense."""
    partners = make.env["res.partner"]
    for number, email in enumerate(
        (
            "a@odd.test, b@odd.test",
            '"Smith, John" <smith@odd.test>',
            "bücher@bücher.test",
            "no address at all",
            "a@b@c",
            " spaces@odd.test ",
            "<>",
            "x" * 200 + "@odd.test",
        )
    ):
        partner = make.customer(f"Odd e-mail {number}", email=email)
        make.invoice(partner)
        partners += partner
    return partners


@kind
def odd_names(make):
    """Names with line breaks, markup, templates, and no letters at all."""
    partners = make.env["res.partner"]
    for number, name in enumerate(
        (
            "Line\nBreak: yes\r\nBcc: all@odd.test",
            "<b>Bold</b> & \"quoted\" 'twice'",
            "{{ object.env }} ${x} %(y)s",
            "名前 🙂 עברית",
            ",",
        )
    ):
        partner = make.customer(name, email=f"name{number}@odd.test")
        make.invoice(partner)
        partners += partner
    return partners


@kind
def many_invoices(make):
    """One customer with very many open invoices."""
    partner = make.customer("Many invoices")
    first = make.invoice(partner, 10)
    moves = make.env["account.move"]
    for _number in range(MANY - 1):
        moves += first.copy({"invoice_date": first.invoice_date})
    moves.invoice_date_due = first.invoice_date_due
    moves._post(soft=False)
    return partner


@kind
def draft(make):
    """An invoice that was never posted."""
    partner = make.customer("Draft")
    make.invoice(partner, post=False)
    return partner


@kind
def cancelled(make):
    """A cancelled invoice."""
    partner = make.customer("Cancelled")
    make.invoice(partner, post=False).button_cancel()
    return partner


@kind
def legacy(make):
    """An invoice of before the host's present bookkeeping."""
    partner = make.customer("Legacy")
    move = make.invoice(partner)
    make.sql(
        "UPDATE account_move SET payment_state = 'invoicing_legacy' WHERE id = %s",
        move.id,
    )
    return partner


@kind
def blocked(make):
    """An invoice whose payment is blocked."""
    partner = make.customer("Blocked")
    make.invoice(partner).action_toggle_block_payment()
    return partner


@kind
def two_accounts(make):
    """Open items on two receivable accounts."""
    partner = make.customer("Two accounts")
    make.invoice(partner)
    account = make.env["account.account"].create(
        {
            "name": "Old receivables",
            "code": "121999",
            "account_type": "asset_receivable",
            "reconcile": True,
            "company_ids": [(6, 0, make.company.ids)],
        }
    )
    partner.property_account_receivable_id = account
    make.invoice(partner)
    return partner


@kind
def misc_entry(make):
    """A receivable that came in by a general entry: an opening balance."""
    partner = make.customer("Opening balance")
    company = make.company
    journal = make.env["account.journal"].search(
        [("type", "=", "general"), ("company_id", "=", company.id)], limit=1
    )
    other = make.env["account.account"].search(
        [("account_type", "=", "equity"), ("company_ids", "in", company.ids)], limit=1
    )
    receivable = partner.property_account_receivable_id
    make.env["account.move"].create(
        {
            "journal_id": journal.id,
            "date": make.today - timedelta(days=40),
            "line_ids": [
                (
                    0,
                    0,
                    {
                        "account_id": account.id,
                        "partner_id": partner.id,
                        "debit": debit,
                        "credit": credit,
                        "date_maturity": make.today - timedelta(days=LATE),
                    },
                )
                for account, debit, credit in (
                    (receivable, 80.0, 0.0),
                    (other, 0.0, 80.0),
                )
            ],
        }
    ).action_post()
    return partner


@kind
def tiny_and_huge(make):
    """One cent, and a very large amount."""
    partner = make.customer("Tiny and huge")
    make.invoice(partner, 0.01)
    make.invoice(partner, 9_999_999_999.99)
    return partner


@kind
def no_policy(make):
    """A customer whose own policy was archived."""
    partner = make.customer("No policy")
    policy = make.env["credit.dunning.policy"].search([], limit=1).copy()
    profile = make.env["credit.profile"]._get_or_create(make.company, partner)
    profile.policy_id = policy
    policy.active = False
    make.invoice(partner)
    return partner


def make_kinds(make):
    """Make every kind; one that the host itself refuses is named, not made."""
    refused = {}
    for way in WAYS:
        try:
            with make.env.cr.savepoint():
                KINDS[way.__name__] = way(make).ids
                make.env.flush_all()
        except Exception as error:
            make.env.invalidate_all(flush=False)
            refused[way.__name__] = f"{type(error).__name__}: {error}".split("\n")[0]
            traceback.print_exc()
    make.env.cr.commit()
    return refused


def main(env):
    """Make the kinds, propose and queue a run over all of them."""
    make = Maker(env)
    refused = make_kinds(make)
    make.env.cr.commit()
    run = make.env["credit.dunning.run"].create({"company_id": make.company.id})
    run.action_propose()
    run.action_approve_and_send()
    make.env.cr.commit()
    print("KINDS " + json.dumps({"kinds": KINDS, "refused": refused, "run": run.id}))
    print("POPULATED", flush=True)


main(env)  # noqa: F821  the shell provides `env`
