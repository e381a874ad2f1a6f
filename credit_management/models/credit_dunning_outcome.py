from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..logic import dunning, work

KEEP_DAYS = 180
GC_BATCH = 10000
# Left alone, but not overdue: told on the customer, not listed one by one.
NOT_OVERDUE = {dunning.NOT_DUE, dunning.DUE_TODAY, dunning.PAID}

REASON_LABELS = [
    ("paid", "Paid"),
    ("payment_under_way", "Payment under way"),
    ("no_due_date", "No due date"),
    ("not_due", "Not due yet"),
    ("due_today", "Due today"),
    ("disputed", "Disputed"),
    ("dispute_answered", "Dispute rejected, time to pay"),
    ("promised", "Promised"),
    ("planned", "In a payment plan"),
    ("excluded", "Excluded"),
    ("no_followup", "Marked “no follow-up”"),
    ("blocked", "Payment blocked"),
    ("in_open_run", "Stands in an open run"),
    ("undeliverable", "Last letter undeliverable"),
    ("refund_unmatched", "Money paid out, not matched"),
    ("paused", "Customer paused"),
    ("archived", "Customer archived"),
    ("no_policy", "No dunning policy"),
    ("net_credit", "Credits cover what is overdue"),
    ("within_grace", "Within the days of grace"),
    ("last_level", "Last level done"),
    ("waiting", "Next level not reached"),
    ("receipt_unmatched", "Receipt in the bank not matched"),
    ("below_minimum", "Below the minimum amount"),
    ("too_soon", "Too soon after the last message"),
    ("not_working_day", "Not a working day"),
]
ACTOR_LABELS = [
    (work.COLLECTOR, "Collector"),
    (work.BOOKKEEPING, "Bookkeeping"),
    (work.MANAGER, "Credit Manager"),
    (work.CUSTOMER, "Customer"),
    (work.NOBODY, "Nobody: time does it"),
]
# These begin when the item becomes late; the others when something happens.
BEGIN_WITH_DUE_DATE = {
    dunning.NO_POLICY,
    dunning.NO_FOLLOWUP,
    dunning.WITHIN_GRACE,
    dunning.WAITING,
    dunning.LAST_LEVEL,
    dunning.BELOW_MINIMUM,
    dunning.NET_CREDIT,
    dunning.REFUND_UNMATCHED,
}


class CreditDunningOutcome(models.Model):
    """An overdue item that was left alone, with the one reason why.

    Rows with a run tell what that run left alone; rows without one are the current
    state of the company, written by the last evaluation.
    """

    _name = "credit.dunning.outcome"
    _description = "Reason Left Alone"
    _inherit = ["credit.bulk.mixin"]
    _order = "run_id desc, partner_id, date_maturity, id"
    _rec_name = "move_line_id"

    run_id = fields.Many2one(
        "credit.dunning.run", index="btree_not_null", ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, index=True)
    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, index=True
    )
    move_line_id = fields.Many2one(
        "account.move.line", string="Item", ondelete="cascade", index="btree_not_null"
    )
    move_id = fields.Many2one("account.move", string="Invoice", ondelete="cascade")
    policy_id = fields.Many2one("credit.dunning.policy")
    level_id = fields.Many2one("credit.dunning.level", string="Level Reached")
    date_maturity = fields.Date(string="Due Date")
    days_late = fields.Integer(aggregator="max")
    currency_id = fields.Many2one("res.currency", required=True)
    amount = fields.Monetary(string="Open Amount", aggregator="sum_currency")
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    amount_company = fields.Monetary(
        string="In Company Currency", currency_field="company_currency_id"
    )
    reason = fields.Selection(REASON_LABELS, required=True, index=True)
    next_date = fields.Date(
        string="Could Be Chased From",
        help="First day on which this could change by itself. Empty: only a person, a"
        " payment or another document changes it.",
    )

    actor = fields.Selection(
        ACTOR_LABELS,
        string="Who Must Act",
        help="Who can change it: one of us, the customer, or nobody but time.",
    )
    since = fields.Date(
        help="Since when the item is left alone for this reason.",
    )

    # === BUSINESS METHODS === #

    @api.model
    def _prepare_values(self, facts, outcomes, known=None):
        """Return the values of the overdue items that were left alone.

        :param outcomes: pairs of (customer id, ``dunning.Outcome``)
        :param known: what the last evaluation said, see ``_read_present``
        """
        known = known or {}
        vals_list = []
        for partner_id, outcome in outcomes:
            if outcome.is_chased or outcome.reason in NOT_OVERDUE:
                continue
            item = outcome.item
            if item.due_date and item.due_date >= facts.today:
                continue
            row = facts.lines[item.ref]
            late = (facts.today - item.due_date).days if item.due_date else 0
            vals_list.append(
                {
                    "company_id": facts.company.id,
                    "partner_id": partner_id,
                    "move_line_id": item.ref,
                    "move_id": row["move_id"],
                    "policy_id": facts.policies[partner_id][0].id,
                    "level_id": item.level,
                    "date_maturity": item.due_date,
                    "days_late": late,
                    "currency_id": item.currency,
                    "amount": float(outcome.amount),
                    "amount_company": float(
                        facts.get_company_amount(item.ref, outcome.amount)
                    ),
                    "reason": outcome.reason,
                    "next_date": outcome.next_date,
                    "actor": work.find_actor(outcome.reason, outcome.next_date),
                    "since": known.get((item.ref, outcome.reason))
                    or self._find_since(item, outcome.reason, facts.today),
                }
            )
        return vals_list

    @api.model
    def _find_since(self, item, reason, today):
        """Return since when an item is left alone for a reason not noted before."""
        if reason not in BEGIN_WITH_DUE_DATE or not item.due_date:
            return today
        return min(item.level_date or dunning.days_after(item.due_date, 1), today)

    @api.model
    def _read_present(self, company, customers):
        """Return since when items are left alone, as the last evaluation has it.

        :return: dict (receivable line id, reason) -> day
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT move_line_id, reason, since FROM credit_dunning_outcome"
                " WHERE company_id = %s AND run_id IS NULL AND partner_id = ANY(%s)"
                " AND since IS NOT NULL",
                company.id,
                customers.ids,
            )
        )
        return {(line_id, reason): since for line_id, reason, since in rows}

    @api.model
    def _forget_present(self, company, customers):
        """Drop what the last evaluation said of customers, before the next one does."""
        self._forget(
            SQL(
                "company_id = %s AND run_id IS NULL AND partner_id = ANY(%s)",
                company.id,
                customers.ids,
            )
        )

    @api.model
    def _forget_run(self, run):
        """Drop what a run said, before it says it anew."""
        self._forget(SQL("run_id = %s", run.id))

    @api.model
    def _forget(self, condition):
        """Delete in one statement: nothing hangs on these rows."""
        self.check_access("unlink")
        self.flush_model()
        self.env.cr.execute(
            SQL("DELETE FROM credit_dunning_outcome WHERE %s", condition)
        )
        self.invalidate_model()

    @api.autovacuum
    def _gc_old_runs(self):
        """Forget why a run of long ago left items alone; its letters stay."""
        limit = fields.Date.today() - timedelta(days=KEEP_DAYS)
        old = self.search([("run_id.date", "<", limit)], limit=GC_BATCH)
        old.unlink()
        return len(old), len(old) == GC_BATCH

    # === ACTION METHODS === #

    def action_evaluate(self):
        """Decide anew for the companies one works in; nothing is proposed or sent."""
        self.check_access("read")
        for company in self.env.companies:
            self.with_company(company)._evaluate(company)
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_dunning_outcome_action"
        )
        return action | {"target": "main"}

    @api.model
    def _evaluate(self, company, partners=None):
        """Write why overdue items are left alone today, and the customers' figures."""
        Run = self.env["credit.dunning.run"]
        today = company._credit_today()
        for customers, facts in self.env["credit.dunning.facts"]._gather_in_batches(
            company, today, partners
        ):
            Run._write_decisions(facts, dict(facts.decide()), customers)
            self.env.flush_all()
            self.env.invalidate_all()

    def action_open_invoice(self):
        """Open the invoice of the item."""
        self.ensure_one()
        return self.move_id._get_records_action()

    def action_open_profile(self):
        """Open the credit file of the customer."""
        self.ensure_one()
        self.check_access("read")
        profile = self.env["credit.profile"]._get_or_create(
            self.company_id, self.partner_id
        )
        return profile._get_records_action()
