from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_amount

from odoo.addons.credit_management.logic import credit_rules
from odoo.addons.credit_management.logic.money import to_decimal

# What changes how much an order counts, and for whom.
COUNTS = {
    "company_id",
    "currency_id",
    "date_order",
    "order_line",
    "partner_id",
    "partner_invoice_id",
    "pricelist_id",
    "state",
}
# What makes an order somebody else's: it is asked about as if it were new.
OWNERS = {"company_id", "partner_id", "partner_invoice_id"}
# Customers read their orders themselves; what the house thinks is not for them.
TOLD_TO = "base.group_user"
# Orders that were asked about in this transaction and may go on.
CLEARED = "credit_cleared_orders"


class SaleOrder(models.Model):
    """Asks the credit rules before an order goes on, whoever confirms it and how.

    Confirming is asked outside of all other modules, see ``_register_hook``: one that
    is held leaves nothing behind but its hold. Whatever else makes an order confirmed
    (an import, a program that writes the state, a line that is added) is asked where
    orders are written, and refused there.
    """

    _inherit = "sale.order"

    credit_hold_id = fields.Many2one(
        "credit.hold",
        compute="_compute_credit_hold",
        groups="credit_management.group_credit_user",
    )
    credit_hold_state = fields.Selection(
        [("held", "On Hold"), ("released", "Released"), ("refused", "Refused")],
        compute="_compute_credit_hold",
        search="_search_credit_hold_state",
        string="Credit",
        groups=TOLD_TO,
    )
    credit_status = fields.Selection(
        [
            ("warn", "Warned"),
            ("would_hold", "Would Be Held"),
            ("held", "On Hold"),
            ("released", "Released"),
            ("refused", "Refused"),
        ],
        compute="_compute_credit_status",
        string="Credit Check",
        groups=TOLD_TO,
    )
    credit_hold_note = fields.Text(compute="_compute_credit_status", groups=TOLD_TO)
    credit_checked_amount = fields.Monetary(
        readonly=True,
        copy=False,
        string="Amount Checked",
        help="What the order came to when it was last asked about.",
        groups=TOLD_TO,
    )

    # === COMPUTE METHODS === #

    @api.depends("state")
    def _compute_credit_hold(self):
        holds = self.env["credit.hold"]._find_live(self._origin)
        for order in self:
            hold_sudo = holds.get(order._origin.id)
            order.credit_hold_id = hold_sudo and hold_sudo.sudo(False)
            order.credit_hold_state = hold_sudo and hold_sudo.state

    @api.depends("state", "amount_total", "partner_invoice_id", "payment_term_id")
    @api.depends_context("uid", "lang")
    def _compute_credit_status(self):
        """Say how it stands, or what would happen on confirming: a check an order."""
        self.credit_status = self.credit_hold_note = False
        holds = self.env["credit.hold"]._find_live(self._origin)
        for order in self:
            hold_sudo = holds.get(order._origin.id)
            is_open = order.state in ("draft", "sent")
            if hold_sudo and (hold_sudo.state != "released" or not is_open):
                order.credit_status = hold_sudo.state
                order.credit_hold_note = order._describe_credit_hold(hold_sudo)
            elif (
                is_open
                and order._get_credit_mode() != "off"
                and order._origin.id
                and order.partner_invoice_id
            ):
                order._warn_of_credit(hold_sudo)

    @api.model
    def _sees_credit(self):
        """Whether who asks may open holds, even where the program reads for them."""
        return self.env.user.has_group("credit_management.group_credit_user")

    def _sees_credit_amounts(self):
        # sudo: what salespeople see is a choice of the company.
        return self._sees_credit() or self.company_id.sudo().credit_sales_amounts

    def _warn_of_credit(self, hold_sudo):
        """Say what would happen if the order were confirmed now."""
        result = self._credit_check()
        if result.verdict.verdict == credit_rules.PASS:
            return
        if hold_sudo and hold_sudo._is_valid_release(
            self.amount_total, result.is_by_hand
        ):
            self.credit_status = "released"
            self.credit_hold_note = hold_sudo._describe_state()
            return
        would_hold = result.holds and self._get_credit_mode() == "hold"
        self.credit_status = "would_hold" if would_hold else "warn"
        sees = self._sees_credit_amounts()
        check = self.env["credit.check"]
        lines = [" · ".join(check._list_reasons(result, sees))]
        if would_hold and sees:
            ways = check._list_ways_out(result)
            lines.append(self.env._("Would free it: %(ways)s", ways=" · ".join(ways)))
        if would_hold:
            lines.append(self._describe_credit_delay())
        self.credit_hold_note = "\n".join(filter(None, lines))

    def _describe_credit_hold(self, hold_sudo):
        """Say why the order is on hold, how that stands, and whom to ask."""
        lines = [hold_sudo._describe_state()]
        if hold_sudo.state == "held":
            if self._sees_credit_amounts():
                lines.append(hold_sudo.reasons)
            else:
                words = self.env["credit.check"]._get_short_words()
                held = hold_sudo.check_ids.filtered(
                    lambda check: check.verdict == credit_rules.HOLD
                )
                lines.append(
                    " · ".join(dict.fromkeys(words[check.kind] for check in held))
                )
            decider = hold_sudo._find_decider()
            if not decider._is_superuser():
                lines.append(self.env._("Ask %(name)s", name=decider.name))
        return "\n".join(filter(None, lines))

    def _describe_credit_delay(self):
        # sudo: how long decisions take is no secret.
        hours = self.env["credit.hold"].sudo()._estimate_delay(self.company_id)
        if hours is None:
            return ""
        if hours < 24:
            return self.env._(
                "Decisions take about %(hours)s hours.", hours=max(round(hours), 1)
            )
        return self.env._("Decisions take about %(days)s days.", days=round(hours / 24))

    def _search_credit_hold_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        states = [state for state in value if state]
        ids = self.env["credit.hold"]._search_documents(self._name, states)
        return Domain("id", "in", ids)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `sale`: confirmed orders are part of the exposure.

        :raise UserError: one that is made confirmed and would be held
        """
        orders = super().create(vals_list)
        orders._touch_credit()
        orders.filtered(lambda order: order.state == "sale")._credit_insist()
        return orders

    def write(self, vals):
        """Override of `sale`: see ``create``; who was to pay before is told, too."""
        if not COUNTS & set(vals):
            return super().write(vals)
        confirmed = self.filtered(lambda order: order.state == "sale")
        before = confirmed._get_credit_amounts()
        self._touch_credit()
        res = super().write(vals)
        self._touch_credit()
        if vals.get("state") == "sale":
            (self - confirmed)._credit_insist()
        if OWNERS & set(vals):
            confirmed._credit_insist(anew=True)
        else:
            confirmed._credit_check_growth(before)
        return res

    def unlink(self):
        """Override of `sale`: see ``create``; a quotation that is gone is not held."""
        self._touch_credit()
        self.check_access("unlink")
        holds = self.env["credit.hold"]._find_live(self)
        res = super().unlink()
        for hold_sudo in holds.values():
            hold_sudo._drop()
        return res

    # === ACTION METHODS === #

    def _action_cancel(self):
        """Override of `sale`: a cancelled order is not on hold."""
        res = super()._action_cancel()
        for hold_sudo in self.env["credit.hold"]._find_live(self).values():
            hold_sudo._drop()
        return res

    def action_credit_ask(self):
        """Open the window that asks for a release."""
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Ask for a Release"),
            "res_model": "credit.hold.ask",
            "view_mode": "form",
            "target": "new",
            "context": {"default_order_id": self.id},
        }

    def action_view_credit_hold(self):
        """Open the hold of this order."""
        self.ensure_one()
        self.check_access("read")
        self.credit_hold_id.check_access("read")
        return self.credit_hold_id._get_records_action()

    # === THE GATE === #

    def _register_hook(self):
        """Put the gate before all that modules do when an order is confirmed.

        An override in the chain would be called by those of other modules, which go on
        as if the order were confirmed when it is not: points are given, tickets are
        sent. Outermost, nothing of them runs. (Two ways were weighed: an error out of
        ``_confirmation_error_message`` stops all roads, too, but undoes the hold with
        the rest, and loses a payment whose order cannot be confirmed.)
        """
        super()._register_hook()
        cls = self.env.registry[self._name]

        def action_confirm(orders):
            """Override of `sale`: ask the credit rules first; see ``_credit_gate``."""
            return orders._credit_gate(
                lambda passed: super(cls, passed).action_confirm()
            )

        action_confirm._credit_gate = True
        cls.action_confirm = action_confirm

    def _unregister_hook(self):
        """Take the gate away again."""
        cls = self.env.registry[self._name]
        if hasattr(cls.__dict__.get("action_confirm"), "_credit_gate"):
            del cls.action_confirm
        return super()._unregister_hook()

    def _credit_gate(self, confirm):
        """Confirm the orders that may go on; hold the others, and say so.

        One after the other: the second one counts the first. What is held raises no
        error, so that its hold stays, a signature is kept and a payment is booked.

        :param confirm: function that confirms orders
        :return: True, or an action that tells what was held
        """
        if all(order._get_credit_mode() != "hold" for order in self):
            return confirm(self)
        res, held = True, self.browse()
        for order in self:
            error = order._confirmation_error_message()
            if error:
                raise UserError(error)
            if order._credit_may_go_on("confirm"):
                res = confirm(order)
            else:
                held |= order
        return held._tell_credit_held() if held else res

    def _credit_may_go_on(self, stage):
        """Ask the rules about an order, one of a customer at a time; hold it or not."""
        self.ensure_one()
        # sudo: how the company checks is no secret.
        if self._get_credit_mode() != "hold":
            return True
        result = self._credit_check_in_turn(stage == "deliver")
        # sudo: whether the order is held counts for whoever handles it.
        hold_sudo = self.env["credit.hold"].sudo().browse(result.hold_id)
        if not result.holds:
            if hold_sudo and hold_sudo.state != "released":
                hold_sudo._drop()
            self._credit_clear()
            return True
        if (
            hold_sudo
            and hold_sudo._is_valid_release(self.amount_total, result.is_by_hand)
            and (stage != "deliver" or hold_sudo._is_within_grace())
        ):
            self._credit_clear()
            return True
        self.env["credit.hold"]._stop(
            self, result, stage, sends_email=bool(self.env.context.get("send_email"))
        )
        return False

    def _credit_check_in_turn(self, at_delivery=False):
        """Ask the rules while no other order of the customer is asked about."""
        check = self.env["credit.check"]
        # sudo: whose turn it is.
        check.sudo()._lock(self.sudo().partner_invoice_id.commercial_partner_id)
        return check._check_document(self, at_delivery)

    def _credit_clear(self):
        """Note that an order may go on, for this transaction."""
        amount = self._get_credit_amount()
        if self.credit_checked_amount != amount:
            # sudo: whoever confirms an order need not write each field of it.
            self.sudo().credit_checked_amount = amount
        self.env.cr.precommit.data.setdefault(CLEARED, set()).update(self.ids)

    def _credit_insist(self, anew=False):
        """Refuse orders that became confirmed without being asked about.

        :param anew: ask again those that were asked about before
        :raise UserError: names the reasons, and what to do
        """
        cleared = self.env.cr.precommit.data.get(CLEARED, set())
        for order in self:
            if order._get_credit_mode() != "hold" or order.id in cleared and not anew:
                continue
            result = order._credit_check_in_turn()
            # sudo: whether the order is held counts for whoever handles it.
            hold_sudo = self.env["credit.hold"].sudo().browse(result.hold_id)
            if not result.holds or (
                hold_sudo
                and not anew
                and hold_sudo._is_valid_release(order.amount_total, result.is_by_hand)
            ):
                order._credit_clear()
                continue
            reasons = self.env["credit.check"]._list_reasons(
                result, order._sees_credit_amounts()
            )
            raise UserError(
                self.env._(
                    "%(order)s would be on hold: %(reasons)s. Leave it a quotation and"
                    " confirm it with its button: then a release can be asked for.",
                    order=order.display_name,
                    reasons=" · ".join(reasons),
                )
            )

    def _get_credit_amounts(self):
        """Return what confirmed orders came to when they were asked about."""
        return {
            # An order of before the check was switched on: as it is now.
            order.id: order.credit_checked_amount or order._get_credit_amount()
            for order in self
            if order._get_credit_mode() == "hold"
        }

    def _get_credit_amount(self):
        """Return what an order comes to, without what is added as goods go out.

        Expenses are charged on, carriage is written by the carrier, deposits are paid:
        none of them is a decision to sell more.
        """
        self.ensure_one()
        added = self.order_line.filtered(
            lambda line: (
                line.is_expense
                or line.is_downpayment
                or ("is_delivery" in line._fields and line.is_delivery)
            )
        )
        return self.amount_total - sum(added.mapped("price_total"))

    def _credit_check_growth(self, before):
        """Ask again about confirmed orders that grew by more than the company allows.

        :param before: dict order id -> amount at which it was asked about
        :raise RedirectWarning: it would be held; leads to the window that asks
        """
        for order in self:
            amount, checked = order._get_credit_amount(), before.get(order.id)
            if checked is None or order.state != "sale":
                continue
            # sudo: choices of the company.
            percent = order.company_id.sudo().credit_growth_percent
            if not credit_rules.must_ask_again(
                to_decimal(order.currency_id.round(checked)),
                to_decimal(order.currency_id.round(amount)),
                to_decimal(percent),
            ):
                continue
            result = order._credit_check_in_turn()
            # sudo: whether the order is held counts for whoever handles it.
            hold_sudo = self.env["credit.hold"].sudo().browse(result.hold_id)
            if not result.holds or (
                hold_sudo and hold_sudo._is_valid_release(amount, result.is_by_hand)
            ):
                order._credit_clear()
                continue
            reasons = self.env["credit.check"]._list_reasons(
                result, order._sees_credit_amounts()
            )
            raise RedirectWarning(
                self.env._(
                    "%(order)s cannot grow to %(amount)s: %(reasons)s.",
                    order=order.display_name,
                    amount=format_amount(self.env, amount, order.currency_id),
                    reasons=" · ".join(reasons),
                ),
                self.env.ref("credit_management_sale.credit_hold_ask_action").id,
                self.env._("Ask for a Release"),
                {"default_order_id": order.id, "default_amount": amount},
            )

    def _get_credit_prepaid_query(self, at_delivery=False):
        """Return the query that tells whether nothing of an order is sold on credit.

        What online payments cover is not (as the host's ``amount_paid`` counts them),
        nor what invoices that are paid cover, nor an order of nothing. An order whose
        payment terms mean payment at once is believed when it is confirmed, and seen
        to when the goods leave.
        """
        return SQL(
            """
            SELECT sale.amount_total <= 0
                   OR sale.amount_total <= (
                       SELECT COALESCE(SUM(tx.amount), 0)
                         FROM sale_order_transaction_rel link
                         JOIN payment_transaction tx ON tx.id = link.transaction_id
                        WHERE link.sale_order_id = sale.id
                          AND tx.state IN ('authorized', 'done'))
                   OR sale.amount_total <= (
                       SELECT COALESCE(SUM(move.amount_total - move.amount_residual), 0)
                         FROM account_move move
                        WHERE move.state = 'posted' AND move.move_type = 'out_invoice'
                          AND move.id IN (
                              SELECT item.move_id
                                FROM sale_order_line line
                                JOIN sale_order_line_invoice_rel link
                                  ON link.order_line_id = line.id
                                JOIN account_move_line item
                                  ON item.id = link.invoice_line_id
                               WHERE line.order_id = sale.id))
                   OR NOT %(at_delivery)s AND EXISTS (
                       SELECT FROM account_payment_term term
                        WHERE term.id = sale.payment_term_id
                          AND term.credit_passes) AS is_prepaid
              FROM sale_order sale
             WHERE sale.id = %(order)s
            """,
            at_delivery=at_delivery,
            order=self.id,
        )

    @api.model
    def _get_company_credit_mode(self, company):
        # sudo: how the company checks orders is no secret.
        return company.sudo().credit_check_orders

    def _get_credit_mode(self):
        return self._get_company_credit_mode(self.company_id)

    def _tell_credit_held(self):
        """Return what tells who confirmed that orders are on hold."""
        names = ", ".join(self.mapped("name"))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning",
                "sticky": True,
                "title": self.env._("On hold: %(orders)s", orders=names),
                "message": "\n".join(
                    dict.fromkeys(order.credit_hold_note or "" for order in self)
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # === WHAT A HOLD ASKS OF ITS DOCUMENT === #

    def _credit_check(self):
        """Return what the rules say of this order now; see ``credit.check``."""
        self.ensure_one()
        return self.env["credit.check"]._check_document(self)

    def _credit_is_stoppable(self, stage):
        """Whether there is still something to hold."""
        self.ensure_one()
        if stage == "confirm":
            return self.state in ("draft", "sent")
        return self.state == "sale"

    def _credit_go_on(self, hold):
        """Confirm an order that was released.

        What keeps it from being confirmed beside the hold is said on the order; the
        release stays.
        """
        self.ensure_one()
        if self.state not in ("draft", "sent") or hold.stage != "confirm":
            return
        error = self._confirmation_error_message()
        if error:
            self._credit_note(error)
            return
        order = self.with_company(self.company_id)
        if hold.sudo().sends_email:
            order._validate_order()
        else:
            order.action_confirm()

    def _credit_note(self, body):
        self.ensure_one()
        self._message_log(body=body)

    def _touch_credit(self):
        """Note that the confirmed orders among these change what customers may owe."""
        confirmed = self.filtered(lambda order: order.state == "sale")
        for company, orders in confirmed.grouped("company_id").items():
            # sudo: whoever sells may not read each invoice address.
            customers = orders.sudo().partner_invoice_id.commercial_partner_id
            self.env["credit.profile"]._touch(company, customers)
