"""Payment plans of the past weeks: one in each state, so that the demo shows them all.

They go through the same doors as any other; only their days are put back. No mail is
made: nothing leaves while demo data are installed.
"""

from datetime import timedelta

from odoo import Command, api, models
from odoo.fields import Domain

from ..logic import instalments
from ..logic.money import to_decimal

# Of each company: state, source, made days ago, first part so many days from now,
# number of parts, how many of them were paid, what the customer said. What was refused
# or cancelled is about the invoice of the next one.
PLANS = (
    ("active", "staff", 34, -30, 4, 1, ""),
    ("proposed", "portal", 1, 7, 3, 0, "Our largest customer pays us next month."),
    ("late", "staff", 15, -12, 3, 0, ""),
    ("refused", "link", 6, 20, 6, 0, "We build a new workshop this year."),
    ("proposed", "staff", 2, 10, 4, 0, ""),
    ("broken", "staff", 40, -35, 3, 0, ""),
    ("kept", "staff", 60, -50, 2, 2, ""),
    ("cancelled", "staff", 20, 5, 2, 0, ""),
    ("draft", "staff", 0, 7, 5, 0, ""),
)
# What those cost that we propose: a fee, and interest a year.
COST = {"fee": 15.0, "rate": 5.0}


class CreditDemoPlans(models.AbstractModel):
    _name = "credit.demo.plans"
    _description = "Demo Payment Plans of Credit Management"

    @api.model
    def _build(self):
        """Make the plans, once, for the demo's companies."""
        other = self.env.ref("credit_management.demo_company_eur")
        if self.env["credit.payment.plan"].search_count([], limit=1):
            return
        for company in self.env.ref("base.main_company") + other:
            company.credit_portal_plans = True
            demo = self.with_company(company).with_context(
                allowed_company_ids=company.ids,
                tracking_disable=True,
                mail_activity_quick_update=True,
            )
            demo._set_terms(company)
            moves = demo._choose_invoices(company)
            following = iter(moves)
            move = None
            for plan in PLANS:
                move = move or next(following, None)
                if move:
                    made = demo._make_plan(company, move, *plan)
                    if plan[0] == "active":
                        demo._agree_to_collect(made)
                if plan[0] not in ("refused", "cancelled"):
                    move = None
            self.env["credit.dunning.outcome"].with_company(company)._evaluate(
                company, moves.commercial_partner_id
            )

    def _set_terms(self, company):
        """Offer two plans that need no answer; the larger one costs something."""
        company.credit_plan_product_id = self.env["product.product"].create(
            {
                "name": self.env._("Paying in parts"),
                "type": "service",
                "purchase_ok": False,
                "company_id": company.id,
                "taxes_id": [Command.set(company.account_sale_tax_id.ids)],
            }
        )
        Offer = self.env["credit.payment.plan.offer"]
        Offer.create(
            {
                "name": self.env._("Small amounts"),
                "company_id": company.id,
                "amount_from": 100,
                "amount_to": 2000,
                "most_parts": 3,
                "longest_days": 92,
            }
        )
        Offer.create(
            {
                "name": self.env._("Larger amounts"),
                "company_id": company.id,
                "amount_from": 2000.01,
                "amount_to": 50000,
                "most_parts": 6,
                "longest_days": 185,
                "fee": 15,
                "interest_rate": 5,
            }
        )

    def _choose_invoices(self, company):
        """Return late invoices without a dispute or a promise, first one a customer."""
        disputed = (
            self.env["credit.dispute.line"].search([("state", "!=", False)]).move_id
        )
        promised = (
            self.env["credit.promise.line"].search([("state", "=", "open")]).move_id
        )
        named = self.env["ir.model.data"].search(
            [("module", "=", "credit_management"), ("name", "=like", r"demo\_%")]
        )
        invoices, customers = (
            named.filtered(lambda one, model=model: one.model == model).mapped("res_id")
            for model in ("account.move", "res.partner")
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
                    ("id", "not in", [*invoices, *disputed.ids, *promised.ids]),
                    ("commercial_partner_id", "in", customers),
                    ("commercial_partner_id.active", "=", True),
                ]
            ),
            order="amount_residual desc, id",
        )
        portal = self.env.ref("credit_management.demo_partner_portal")
        of_customers = late.grouped("commercial_partner_id")
        first = of_customers.pop(portal, late.browse())[:1]
        each = first.union(*(moves[0] for moves in of_customers.values()))
        # Where there are few such customers, further invoices of them.
        return each + (late - each)

    def _make_plan(self, company, move, state, source, ago, ahead, count, paid, words):
        profile = self.env["credit.profile"]._get_or_create(
            company, move.commercial_partner_id
        )
        items = move.line_ids.filtered(
            lambda line: (
                line.account_id.account_type == "asset_receivable"
                and line.amount_residual_currency > 0
            )
        )
        today = company._credit_today()
        calendar = company._credit_calendar()
        total = to_decimal(
            items.currency_id.round(sum(items.mapped("amount_residual_currency")))
        )
        step = to_decimal(items.currency_id.rounding)
        wish = {"rhythm": instalments.MONTHLY, "count": count, "step": step}
        parts = instalments.design(
            total,
            first=today + timedelta(days=max(ahead, 0)),
            calendar=calendar,
            **wish,
        )
        Plan = self.env["credit.payment.plan"]
        values = {"source": source, "reason": words or False}
        if source == "staff" and state in ("draft", "proposed"):
            values |= COST
        if state in ("proposed", "refused") and source != "staff":
            plan = Plan._propose_online(profile, items, parts, **values)
        else:
            plan = Plan._make(profile, items, parts, **values)
        plan = plan.with_env(self.env).sudo()
        if state in ("active", "late", "broken", "kept", "cancelled"):
            plan._keep_agreement(profile.partner_id.name, "staff")
            plan._activate()
            days = instalments.find_days(
                today + timedelta(days=ahead),
                count,
                instalments.MONTHLY,
                calendar=calendar,
            )
            for line, day in zip(plan.line_ids, days, strict=True):
                line.date = day
            plan.active_date = today - timedelta(days=ago)
        elif state == "proposed" and source == "staff":
            plan._propose()
        elif state == "refused":
            plan._decline(self.env._("The first payment comes too late."))
        plan.start_date = today - timedelta(days=ago)
        for line in plan.line_ids[:paid]:
            self._pay(move, line.date - timedelta(days=1), line.amount)
        if state in ("active", "late", "broken", "kept"):
            plan._refresh(today)
        if state == "late":
            plan._warn(today)
        elif state == "broken":
            plan._break()
        elif state == "cancelled":
            plan._cancel(self.env._("The customer pays by another way."))
        return plan

    def _agree_to_collect(self, plan):
        """Let the buyer with the login agree, where there is something to pay with."""
        buyer = self.env.ref("credit_management.demo_user_customer").partner_id
        provider = self.env["payment.provider"].search(
            [
                ("code", "=", "demo"),
                ("state", "!=", "disabled"),
                ("company_id", "=", plan.company_id.id),
            ],
            limit=1,
        )
        if buyer.commercial_partner_id != plan.partner_id or not provider:
            return
        # Charges of it succeed; the field is of the provider's module.
        token = self.env["payment.token"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": provider.payment_method_ids[:1].id,
                "partner_id": buyer.id,
                "payment_details": "4242",
                "provider_ref": "demo",
                "demo_simulated_state": "done",
            }
        )
        plan._consent(token, buyer)

    def _pay(self, move, day, amount):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"payment_date": day, "payment_difference_handling": "open"})
        )
        wizard.amount = amount
        wizard._create_payments()
