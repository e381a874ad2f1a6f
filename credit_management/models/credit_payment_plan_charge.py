from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..logic import collection as rule

# A provider answers much sooner; who asked it has ended by then.
LONGEST_CALL = timedelta(minutes=30)
STATES = [
    (rule.SENDING, "On Its Way"),
    (rule.PENDING, "Pending"),
    (rule.DONE, "Collected"),
    (rule.FAILED, "Failed"),
    (rule.REFUSED, "Refused"),
    (rule.UNKNOWN, "Not Known"),
]


class CreditPaymentPlanCharge(models.Model):
    """A charge of a part of a plan through a provider: kept, whatever became of it.

    It is in the books before the provider is asked. If all breaks down in between it
    stands as "not known", and while it does, the database refuses another one.
    """

    _name = "credit.payment.plan.charge"
    _description = "Charge of a Part"
    _order = "date desc, id desc"
    _rec_name = "date"

    plan_id = fields.Many2one(
        "credit.payment.plan",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    line_id = fields.Many2one(
        "credit.payment.plan.line",
        string="Part",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="plan_id.company_id", store=True)
    currency_id = fields.Many2one(related="plan_id.currency_id", store=True)
    date = fields.Date(string="Charged On", required=True, readonly=True)
    amount = fields.Monetary(required=True, readonly=True)
    state = fields.Selection(
        STATES, default=rule.SENDING, required=True, readonly=True, index=True
    )
    transaction_id = fields.Many2one(
        "payment.transaction",
        string="Payment",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    reference = fields.Char(related="transaction_id.reference")
    message = fields.Char(
        string="What the Provider Said", readonly=True, help="In its own words."
    )

    _one_open_uniq = models.UniqueIndex(
        "(line_id) WHERE state IN ('sending', 'pending', 'unknown')",
        "This part is being charged already.",
    )

    # === ACTION METHODS === #

    def action_was_charged(self):
        """Note that a charge whose fate was not known had succeeded.

        :raise UserError: its fate is known
        """
        self._settle_unknown(rule.DONE)

    def action_was_not_charged(self):
        """Note that a charge whose fate was not known had failed: it is tried again.

        :raise UserError: its fate is known
        """
        self._settle_unknown(rule.FAILED)

    def _settle_unknown(self, state):
        self.check_access("read")
        if not self.env.user.has_group("credit_management.group_credit_manager"):
            raise AccessError(
                self.env._("Only a credit manager says what became of a charge.")
            )
        for charge in self:
            if charge.state != rule.UNKNOWN:
                raise UserError(
                    self.env._("What became of this charge is known already.")
                )
            # sudo: after the check; charges are written by what happens.
            charge.sudo()._set_state(state)
            labels = dict(self._fields["state"]._description_selection(self.env))
            charge.plan_id.message_post(
                body=self.env._(
                    "Charge of %(amount)s on %(day)s: %(state)s, says %(name)s.",
                    amount=charge.currency_id.format(charge.amount),
                    day=charge.date,
                    state=labels[state],
                    name=self.env.user.name,
                )
            )

    # === BUSINESS METHODS === #

    def _set_state(self, state, message=None):
        self.write({"state": state} | ({} if message is None else {"message": message}))

    @api.model
    def _get_open_domain(self):
        return [("state", "in", rule.OPEN_STATES)]

    def _follow(self, is_over=False):
        """Take over what providers said of charges whose fate is open.

        One that was on its way and of which nothing was heard is not known: the program
        ended in between. sudo: the program's.

        :param is_over: nobody is asking the provider any more
        """
        long_ago = fields.Datetime.now() - LONGEST_CALL
        for charge in self:
            tx_sudo = charge.transaction_id
            fate = rule.find_fate(tx_sudo.state, tx_sudo.state_message)
            is_lost = is_over or charge.create_date < long_ago
            if fate is None and charge.state == rule.SENDING and is_lost:
                fate = rule.UNKNOWN
            if fate and fate != charge.state:
                charge._set_state(fate, (tx_sudo.state_message or "")[:500])
