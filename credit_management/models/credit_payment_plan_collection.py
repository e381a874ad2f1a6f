import hashlib
import logging
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..logic import collection as rule
from ..logic import plan

_logger = logging.getLogger(__name__)


class CreditPaymentPlanCollection(models.Model):
    """Collects the parts of a plan by itself, where the customer agreed to it.

    By the host's providers and the way to pay that the customer has stored there. The
    customer agrees on the page of the plan, logged in, and can take it back there at
    any time.
    """

    _inherit = "credit.payment.plan"  # pylint: disable=consider-merging-classes-inherited

    token_id = fields.Many2one(
        "payment.token",
        string="Collected From",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The way to pay that the customer has stored, and agreed to.",
    )
    consent_date = fields.Datetime(string="Agreed On", readonly=True, copy=False)
    consent_name = fields.Char(string="Agreed By", readonly=True, copy=False)
    consent_text = fields.Text(string="Agreed Text", readonly=True, copy=False)
    consent_hash = fields.Char(string="Agreed Text, SHA-256", readonly=True, copy=False)
    charge_ids = fields.One2many(
        "credit.payment.plan.charge", "plan_id", string="Charges", readonly=True
    )
    has_charge_trouble = fields.Boolean(
        string="Collection Needs a Person",
        readonly=True,
        copy=False,
        help="A charge failed for the last time, or nobody knows what became of it.",
    )

    # === ACTION METHODS === #

    def action_stop_collection(self):
        """Collect nothing more by itself; the plan goes on."""
        self.check_access("write")
        for record in self.filtered("token_id"):
            record._end_consent(
                self.env._("%(name)s ended it.", name=self.env.user.name)
            )

    # === CONSENT === #

    def _get_consent_words(self, token_sudo):
        """Return what the customer agrees to, in the language of this environment."""
        self.ensure_one()
        return self.env._(
            "I agree that %(company)s collects the parts of payment plan %(name)s on"
            " the days they fall due, from %(method)s, until it is paid. I can take"
            " this back on this page at any time.",
            company=self.company_id.sudo().name,  # sudo: known to its customers
            name=self.name,
            method=token_sudo.display_name,
        )

    def _find_tokens(self, partner):
        """Return, with sudo, the stored ways to pay of a person that fit the plan.

        :param partner: who is logged in; only what is stored for that person
        """
        self.ensure_one()
        # sudo: providers are the company's, tokens those of the person.
        providers_sudo = (
            self.env["payment.provider"]
            .sudo()
            ._get_compatible_providers(
                self.company_id.id,
                partner.id,
                self.amount_left,
                currency_id=self.currency_id.id,
                force_tokenization=True,
            )
        )
        return (
            self.env["payment.token"]
            .sudo()
            ._get_available_tokens(providers_sudo.ids, partner.id)
        )

    def _consent(self, token_sudo, partner):
        """Note that the customer agreed; called with sudo, who may is checked.

        Agreed to once more it stays as it was.

        :param token_sudo: of ``_find_tokens``
        :raise UserError: the plan does not run
        """
        self.ensure_one()
        self._lock()
        if self.state != plan.ACTIVE:
            raise UserError(self.env._("Only parts of a plan that runs are collected."))
        if self.token_id == token_sudo:
            return
        text = self._get_consent_words(token_sudo)
        self.write(
            {
                "token_id": token_sudo.id,
                "consent_date": fields.Datetime.now(),
                "consent_name": partner.name,
                "consent_text": text,
                "consent_hash": hashlib.sha256(text.encode()).hexdigest(),
                "has_charge_trouble": False,
            }
        )
        spoken = self._speak()
        spoken._post_to_customer(
            spoken.env._("Payment plan %(name)s: parts are collected", name=self.name),
            spoken.env._(
                "From now on the parts are collected from %(method)s on the days they"
                " fall due. You can take this back on the page of the plan.",
                method=token_sudo.display_name,
            ),
        )

    def _end_consent(self, reason):
        """Collect nothing more; the caller checked who may.

        :param reason: for us, in a sentence
        """
        for record in self.sudo():  # sudo: what was agreed is the program's to write
            if not record.token_id:
                continue
            record.token_id = False
            record._message_log(
                body=record.env._(
                    "Parts are not collected any more: %(reason)s", reason=reason
                )
            )
            spoken = record._speak()
            spoken._post_to_customer(
                spoken.env._(
                    "Payment plan %(name)s: parts are not collected", name=record.name
                ),
                spoken.env._(
                    "The parts are not collected any more. Please pay each by its day."
                ),
            )

    # === CHARGING === #

    @api.model
    def _cron_collect(self):
        """Charge the parts that fall due, plan by plan.

        One by one: a provider is asked about each, and what it said is kept before the
        next one. Plans where nothing is due are not looked at.
        """
        commit_progress = self.env["ir.cron"]._commit_progress
        domain = self._get_collected_domain()
        ids = self.search(domain, order="next_date, id").ids
        commit_progress(remaining=len(ids))
        for plan_id in ids:
            record = self.browse(plan_id).try_lock_for_update().filtered_domain(domain)
            if record:
                record.with_company(record.company_id)._collect()
            if not commit_progress(1):
                return

    @api.model
    def _get_collected_domain(self):
        """Return the domain of plans of which something may be charged."""
        # Somewhere it is tomorrow already; each plan is asked with its company's day.
        tomorrow = fields.Date.today() + timedelta(days=1)
        return [
            ("state", "=", plan.ACTIVE),
            ("token_id", "!=", False),
            ("next_date", "<=", tomorrow),
        ]

    def _collect(self):
        """Charge the parts of a plan that fall due; commits what it does.

        sudo: the program's.
        """
        self.ensure_one()
        company = self.company_id
        if not company._credit_may_write():
            return
        today = company._credit_today()
        self.charge_ids.filtered_domain(self.charge_ids._get_open_domain())._follow()
        self._refresh(today)
        if self.state != plan.ACTIVE:
            return
        token = self.token_id
        if not token.active or token.provider_id.state == "disabled":
            self._end_consent(
                self.env._(
                    "the way to pay, %(method)s, is not there any more.",
                    method=token.display_name,
                )
            )
            return
        for line, due in self._find_due(today):
            begun = self.charge_ids.filtered(lambda one, line=line: one.line_id == line)
            charges = [
                rule.Charge(charge.date, charge.state) for charge in begun.sorted("id")
            ]
            decision = rule.decide_charge(due, line.date, charges, today)
            if decision == rule.CHARGE:
                self._charge(line, due, today)
            if decision == rule.GIVE_UP:
                self._ask_about_charges()
        if rule.UNKNOWN in self.charge_ids.mapped("state"):
            self._ask_about_charges()

    def _find_due(self, today):
        """Return what is to be charged of each part: open, and not under way yet."""
        ((_account, standings),) = self._find_standings(today).values()
        under_way = self._read_under_way(today).get(self.id, plan.ZERO)
        due = []
        for line in self.line_ids.sorted(lambda line: (line.date, line.id)):
            remaining = standings[line.id].remaining
            taken = min(under_way, remaining)  # it pays the oldest part first
            under_way -= taken
            due.append((line, remaining - taken))
        return due

    def _charge(self, line, amount, today):
        """Charge a part, once, and keep what the provider said."""
        charge = self._begin_charge(line, amount, today)
        # What is begun is in the books before money moves: if all breaks down from
        # here on, nobody charges it a second time.
        self.env["ir.cron"]._commit_progress()
        try:
            charge.transaction_id._charge_with_token()
            self.env.flush_all()
        except Exception:
            # Whatever a provider's module raises: the money may have moved.
            _logger.exception("Charge %s of plan %s broke down", charge.id, self.id)
            self.env.cr.rollback()
        charge._follow(is_over=True)
        if charge.state in (rule.FAILED, rule.REFUSED):
            self._tell_failed(charge)
        elif charge.state == rule.DONE:
            self.env.ref("payment.cron_post_process_payment_tx")._trigger()
        self.env["ir.cron"]._commit_progress()

    def _begin_charge(self, line, amount, today):
        """Return the charge, with the transaction of the host, not sent yet."""
        token = self.token_id
        Transaction = self.env["payment.transaction"]
        # As the host has it: what is paid is put on the oldest invoice first.
        moves = self.item_ids.sorted(
            lambda item: (item.date_maturity or today, item.id)
        ).move_id
        transaction = Transaction.create(
            {
                "provider_id": token.provider_id.id,
                "payment_method_id": token.payment_method_id.id,
                "reference": Transaction._compute_reference(
                    token.provider_id.code, prefix=self.name.replace("/", "-")
                ),
                "amount": float(amount),
                "currency_id": self.currency_id.id,
                "partner_id": token.partner_id.id,
                "token_id": token.id,
                "operation": "offline",
                "invoice_ids": [
                    Command.set(
                        moves.filtered(
                            lambda move: move.payment_state not in ("paid", "reversed")
                        ).ids
                    )
                ],
            }
        )
        return self.env["credit.payment.plan.charge"].create(
            {
                "plan_id": self.id,
                "line_id": line.id,
                "date": today,
                "amount": float(amount),
                "transaction_id": transaction.id,
            }
        )

    def _tell_failed(self, charge):
        """Tell the customer that a part could not be collected, and what to do."""
        spoken = self._speak()
        spoken._post_to_customer(
            spoken.env._(
                "Payment plan %(name)s: a part was not collected", name=self.name
            ),
            spoken.env._(
                "%(amount)s, due on %(day)s, could not be collected from %(method)s."
                " Please pay it on the page of the plan.",
                amount=self.currency_id.format(charge.amount),
                day=format_date(spoken.env, charge.line_id.date),
                method=self.token_id.display_name,
            ),
        )

    def _ask_about_charges(self):
        """Give the collector one task about charges that need a person."""
        if self.has_charge_trouble:
            return
        self.has_charge_trouble = True
        self._ask_collector(
            lambda env: env._("A part of a payment plan could not be collected")
        )
