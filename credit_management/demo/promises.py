"""Promises of the past weeks: one in each state, so that the demo shows every end.

They go through the same doors as any other; only the day on which they were given is
put back. No mail is made: nothing leaves while demo data are installed.
"""

from datetime import timedelta

from odoo import api, models
from odoo.fields import Domain

# Of each company: state, given days ago, promised for so many days from now, who noted
# it, share of it that was paid, what was said.
PROMISES = (
    ("open", 1, 4, "portal", 0, ""),
    ("open", 3, 1, "staff", 0, "Waits for a payment of its own customer."),
    ("broken", 14, -6, "staff", 0, "Accounting is on holiday until then."),
    ("partly_kept", 16, -8, "staff", 0.4, "Pays in two parts."),
    ("kept", 12, -5, "portal", 1, ""),
    ("withdrawn", 5, 2, "staff", 0, "Will call again about another day."),
    ("open", 2, 9, "link", 0, ""),
    ("kept", 20, -12, "staff", 1, "The invoice was with the wrong person."),
)
PAID_BEFORE = 1  # days before the promised one


class CreditDemoPromises(models.AbstractModel):
    _name = "credit.demo.promises"
    _description = "Demo Promises of Credit Management"

    @api.model
    def _build(self):
        """Note the promises, once, for the demo's companies."""
        other = self.env.ref("credit_management.demo_company_eur")
        if self.env["credit.promise"].search_count([], limit=1):
            return
        for company in self.env.ref("base.main_company") + other:
            demo = self.with_company(company).with_context(
                allowed_company_ids=company.ids,
                tracking_disable=True,
                mail_activity_quick_update=True,
            )
            moves = demo._choose_invoices(company)
            for promise, move in zip(PROMISES, moves, strict=False):
                demo._note_promise(company, move, *promise)
            self.env["credit.dunning.outcome"].with_company(company)._evaluate(
                company, moves.commercial_partner_id
            )

    def _choose_invoices(self, company):
        """Return late invoices without a dispute, nothing paid of them, one a customer.

        The first one is of the customer who has a login, where there is one.
        """
        named = self.env["ir.model.data"].search(
            [("module", "=", "credit_management"), ("name", "=like", r"demo\_%")]
        )
        invoices, customers = (
            named.filtered(lambda one, model=model: one.model == model).mapped("res_id")
            for model in ("account.move", "res.partner")
        )
        disputed = (
            self.env["credit.dispute.line"].search([("state", "!=", False)]).move_id
        )
        late = self.env["account.move"].search(
            Domain(
                [
                    ("company_id", "=", company.id),
                    ("move_type", "=", "out_invoice"),
                    ("state", "=", "posted"),
                    ("payment_state", "=", "not_paid"),
                    ("invoice_date_due", "<", company._credit_today()),
                    ("amount_residual", ">", 100),
                    ("id", "not in", [*invoices, *disputed.ids]),
                    ("commercial_partner_id", "in", customers),
                    ("commercial_partner_id.active", "=", True),
                ]
            ),
            order="invoice_date_due, id",
        )
        portal = self.env.ref("credit_management.demo_partner_portal")
        of_customers = late.grouped("commercial_partner_id")
        first = of_customers.pop(portal, late.browse())[:1]
        return first.union(*(moves[0] for moves in of_customers.values()))

    def _note_promise(self, company, move, state, ago, ahead, source, share, words):
        profile = self.env["credit.profile"]._get_or_create(
            company, move.commercial_partner_id
        )
        items = move.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        today = company._credit_today()
        promise = self.env["credit.promise"]._give(
            profile, items, today, source=source, note=words
        )
        day = today + timedelta(days=ahead)
        calendar = company._credit_calendar()
        promise.write(
            {
                "given_date": today - timedelta(days=ago),
                "date": day,
                "last_date": calendar.add_working_days(day, promise.tolerance_days),
            }
        )
        promise.flush_recordset()
        if share:
            self._pay(move, day - timedelta(days=PAID_BEFORE), share)
        if state == "withdrawn":
            promise._withdraw("staff")
        promise.filtered(lambda one: one.state == "open")._decide(today)

    def _pay(self, move, day, share):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"payment_date": day, "payment_difference_handling": "open"})
        )
        wizard.amount = move.currency_id.round(move.amount_residual * share)
        wizard._create_payments()
