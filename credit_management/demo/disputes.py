"""Disputes of the past weeks: one in each state, so that the demo shows every end.

They go through the same doors as any other; only the day on which they began is put
back. No mail is made: nothing leaves while demo data are installed.
"""

from datetime import timedelta

from odoo import Command, api, models
from odoo.fields import Domain

# Of each company: state, reason, share of a line, days ago, who opened it, its words.
CASES = (
    ("new", "quality", 0.5, 1, "portal", "Half of the boxes arrived wet."),
    ("late", "price", 0.3, 12, "portal", "We agreed on 10 % less for this order."),
    ("waiting", "not_received", 1, 6, "link", "The second pallet is still missing."),
    ("accepted", "quantity", 0.25, 15, "portal", "Three out of twelve are missing."),
    ("rejected", "price", 0.4, 20, "portal", "The price of last year was lower."),
    ("withdrawn", "paid", 1, 18, "staff", "Says that it was paid in cash."),
    ("approval", "not_ordered", 1, 4, "staff", "Ordered twice by mistake."),
)
# What a customer writes by e-mail about one invoice more: it looks like a dispute.
WRITTEN = "Two of the boxes were damaged when they came. What shall we do?"
QUESTION = "Could you send us a photo of the delivery note?"
ANSWERS = {
    "accepted": "You are right, three were missing. Sorry about that.",
    "rejected": "The price list changed in January; the order confirmation shows it.",
    "withdrawn": "Thank you for looking again.",
    "approval": "We take the second delivery back.",
}


class CreditDemoDisputes(models.AbstractModel):
    _name = "credit.demo.disputes"
    _description = "Demo Disputes of Credit Management"

    @api.model
    def _build(self):
        """Open the disputes, once, for the demo's companies."""
        other = self.env.ref("credit_management.demo_company_eur")
        if self.env["credit.dispute"].search_count([], limit=1):
            return
        users = [
            self.env.ref(f"credit_management.demo_user_{name}")
            for name in ("accountant", "creditmanager")
        ]
        for reason in self.env["credit.dispute.reason"].search(
            [("user_ids", "=", False)]
        ):
            reason.user_ids = [Command.set([users[0].id])]
        for company in self.env.ref("base.main_company") + other:
            demo = self.with_company(company).with_context(
                allowed_company_ids=company.ids,
                tracking_disable=True,
                mail_activity_quick_update=True,
            )
            moves = demo._choose_invoices(company)
            for case, move in zip(CASES, moves, strict=False):
                demo._open_case(company, move, *case)
            for move in moves[len(CASES) : len(CASES) + 1]:
                demo._write_by_mail(move)

    def _choose_invoices(self, company):
        """Return late invoices, nothing paid of them, one a customer.

        The first one is of the customer who has a login, where there is one.
        """
        named = self.env["ir.model.data"].search(
            [("module", "=", "credit_management"), ("name", "=like", r"demo\_%")]
        )
        invoices, customers = (
            named.filtered(lambda one, model=model: one.model == model).mapped("res_id")
            for model in ("account.move", "res.partner")
        )
        today = company._credit_today()
        late = self.env["account.move"].search(
            Domain(
                [
                    ("company_id", "=", company.id),
                    ("move_type", "=", "out_invoice"),
                    ("state", "=", "posted"),
                    ("payment_state", "=", "not_paid"),
                    ("invoice_date_due", "<", today),
                    ("amount_residual", ">", 100),
                    ("id", "not in", invoices),
                    ("commercial_partner_id", "in", customers),
                    ("commercial_partner_id.active", "=", True),
                ]
            ),
            order="invoice_date_due desc, id",
        )
        portal = self.env.ref("credit_management.demo_partner_portal")
        of_customers = late.grouped("commercial_partner_id")
        first = of_customers.pop(portal, late.browse())[:1]
        return [*first, *(moves[0] for moves in of_customers.values())]

    def _open_case(self, company, move, state, reason, share, days, source, words):
        profile = self.env["credit.profile"]._get_or_create(
            company, move.commercial_partner_id
        )
        line = move.invoice_line_ids.filtered(lambda each: each.price_total > 0)[:1]
        amount = move.currency_id.round(line.price_total * share)
        reason = self.env.ref(f"credit_management.dispute_reason_{reason}")
        values = {"move": move, "invoice_line": line, "amount": amount}
        dispute = self.env["credit.dispute"]._open(
            profile, reason, [values], words, source=source
        )
        dispute.opened_date = company._credit_today() - timedelta(days=days)
        dispute.flush_recordset()  # what is settled keeps its deadline
        if source != "staff":
            dispute._hear_customer(
                words,
                dispute.contact_id
                if source == "portal"
                else self.env.ref("base.public_partner"),
                by_link=source == "link",
            )
        getattr(self, f"_go_to_{state}")(dispute)
        if dispute.closed_date:
            dispute.closed_date -= timedelta(days=days // 3)
            dispute.days_to_settle = (dispute.closed_date - dispute.opened_date).days

    def _write_by_mail(self, move):
        """Let a customer write about an invoice: in the inbox, nobody is notified."""
        customer = move.commercial_partner_id
        message = self.env["mail.message"].create(
            {
                "model": move._name,
                "res_id": move.id,
                "record_name": move.name,
                "message_type": "email",
                "subtype_id": self.env.ref("mail.mt_comment").id,
                "author_id": customer.id,
                "email_from": customer.email_formatted,
                "body": WRITTEN,
            }
        )
        self.env["credit.message"]._hear(move, message)

    def _go_to_new(self, dispute):
        dispute._tell_opened()

    def _go_to_late(self, dispute):
        dispute._move("in_progress")
        dispute._watch(dispute.company_id._credit_today())

    def _go_to_waiting(self, dispute):
        dispute._ask(QUESTION)

    def _go_to_accepted(self, dispute):
        dispute.cause_id = dispute.reason_id.cause_id
        dispute._accept(ANSWERS["accepted"], False)

    def _go_to_rejected(self, dispute):
        today = dispute.company_id._credit_today()
        dispute._reject(ANSWERS["rejected"], today + timedelta(days=3))
        # The same again: nobody has confirmed that it holds reminders back.
        line = dispute.line_ids
        again = self.env["credit.dispute"]._open(
            dispute.profile_id,
            dispute.reason_id,
            [
                {
                    "move": line.move_id,
                    "invoice_line": line.invoice_line_id,
                    "amount": line.amount,
                }
            ],
            dispute.description,
            source="portal",
        )
        again._tell_opened()

    def _go_to_withdrawn(self, dispute):
        dispute._withdraw(ANSWERS["withdrawn"])

    def _go_to_approval(self, dispute):
        dispute._move("in_progress")
        dispute.cause_id = self.env.ref("credit_management.dispute_cause_customer")
        dispute._ask_approval(ANSWERS["approval"], False)
