from odoo import fields, models
from odoo.tools import format_date

from ..logic import promise as rule
from ..logic.money import to_decimal

SHOWN_PROMISES = 3


class CreditProfilePromise(models.Model):
    """What a customer promised, and how such promises were kept."""

    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    promise_ids = fields.One2many(
        "credit.promise", "profile_id", string="Promises", readonly=True
    )
    promised_amount = fields.Monetary(
        string="Promised",
        readonly=True,
        help="Of the open items, what the customer promised to pay and may still pay in"
        " time.",
    )
    promise_count = fields.Integer(compute="_compute_promises")
    decided_promise_count = fields.Integer(compute="_compute_promises")
    broken_promise_count = fields.Integer(
        string="Broken Promises",
        compute="_compute_promises",
        help="So many promises of this customer were broken.",
    )
    promise_rate = fields.Float(
        string="Promises Kept (%)",
        compute="_compute_promises",
        digits=(16, 0),
        help="Promises that were kept in full, of those that are decided.",
    )
    promise_amount_rate = fields.Float(
        string="Promised Amounts Paid (%)",
        compute="_compute_promises",
        digits=(16, 0),
        help="What was paid in time, of what was promised and had to be paid.",
    )

    # === COMPUTE METHODS === #

    def _compute_promises(self):
        """Read how promises were kept, by one query."""
        groups = self.env["credit.promise"]._read_group(
            [("profile_id", "in", self.ids)],
            ["profile_id", "state"],
            ["__count", "amount_due_company:sum", "amount_kept_company:sum"],
        )
        found = {}
        for profile, *group in groups:
            found.setdefault(profile, []).append(group)
        for profile in self:
            states = found.get(profile, [])
            counts = {state: count for state, count, _due, _kept in states}
            profile.promise_count = sum(counts.values())
            profile.decided_promise_count = sum(
                count for state, count in counts.items() if state in rule.DECIDED_STATES
            )
            profile.broken_promise_count = counts.get(rule.BROKEN, 0)
            rate = rule.find_kept_rate(
                [
                    (state, count, to_decimal(due), to_decimal(kept))
                    for state, count, due, kept in states
                ]
            )
            profile.promise_rate = rate and float(rate.by_count * 100)
            profile.promise_amount_rate = rate and float(rate.by_amount * 100)

    # === ACTION METHODS === #

    def action_promise(self):
        """Open the window to note a promise of this customer."""
        self.ensure_one()
        self.check_access("write")
        return self.env["credit.promise.give"]._open_for(self)

    def action_view_promises(self):
        """Open the promises of this customer."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(
            "credit_management.credit_promise_action"
        )
        return action | {"domain": [("profile_id", "=", self.id)], "context": {}}

    # === BUSINESS METHODS === #

    def _prepare_call_facts(self):
        """Tell who calls what was promised last, and what became of it."""
        promises = self.env["credit.promise"].search(
            [("profile_id", "=", self.id), ("state", "!=", rule.WITHDRAWN)],
            limit=SHOWN_PROMISES,
        )
        labels = dict(promises._fields["state"]._description_selection(self.env))
        return super()._prepare_call_facts() | {
            "promises": [
                {
                    "day": format_date(self.env, promise.date),
                    "amount": promise.currency_id.format(promise.amount),
                    "state": labels[promise.state],
                }
                for promise in promises
            ]
        }

    def _find_promise_tasks(self):
        """Return the tasks about promises and payment plans that were not kept."""
        promises = self.env["credit.promise"].search(
            [
                ("profile_id", "in", self.ids),
                ("state", "in", (rule.BROKEN, rule.PARTLY_KEPT)),
            ]
        )
        plans = self.env["credit.payment.plan"].search(
            [("profile_id", "in", self.ids), ("state", "=", "broken")]
        )
        return self.env["mail.activity"].search(
            [
                "|",
                *(
                    "&",
                    ("res_model", "=", promises._name),
                    ("res_id", "in", promises.ids),
                ),
                *("&", ("res_model", "=", plans._name), ("res_id", "in", plans.ids)),
            ]
        )

    def _find_promisable(self):
        """Return the open items of the customer that nobody has promised yet."""
        self.ensure_one()
        items = self.open_item_ids.filtered(
            lambda item: item.amount_residual_currency > 0
        )
        standing = self.env["credit.promise"]._find_open(items)
        planned = self.env["credit.payment.plan"]._find_holding(items)
        return items - standing.line_ids.move_line_id - planned.item_ids.move_line_id
