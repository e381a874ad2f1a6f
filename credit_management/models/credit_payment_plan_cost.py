from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from ..logic import instalments
from ..logic.money import to_decimal


class CreditPaymentPlanCost(models.Model):
    """What paying in parts costs the customer: agreed with the plan, and an invoice.

    The invoice is made when the plan starts; it is one of the items of the plan from
    then on, so that the sums of the plan are those of the ledger.
    """

    _inherit = "credit.payment.plan"  # pylint: disable=consider-merging-classes-inherited

    cost = fields.Monetary(
        string="Cost of Paying in Parts",
        readonly=True,
        copy=False,
        help="Fee and interest, taxes included. Paid with the last part; invoiced when"
        " the plan starts.",
    )
    cost_net = fields.Monetary(string="Cost without Taxes", readonly=True, copy=False)
    cost_fee = fields.Monetary(
        string="Fee", readonly=True, copy=False, help="Without taxes."
    )
    cost_rate = fields.Float(
        string="Interest a Year (%)",
        digits=(6, 3),
        readonly=True,
        copy=False,
        help="On each part, from the day of the plan to the day of the part, by actual"
        " days over 365.",
    )
    cost_move_id = fields.Many2one(
        "account.move",
        string="Invoice of the Cost",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
    )

    # === BUSINESS METHODS === #

    @api.model
    def _may_charge(self, partner):
        """Tell whether a customer may be charged for paying in parts: only companies.

        For a private person a deferred payment that costs something is a consumer
        credit, with all that the law asks of one; free of charge it is none (Directive
        2008/48/EC, article 2(2)(j)).
        """
        return partner.commercial_partner_id.is_company

    @api.model
    def _find_cost(self, profile, currency, parts, fee, rate):
        """Return what paying in these parts costs, in their currency.

        :param parts: of what is open, without the cost
        :param fee: without taxes; ``rate`` percent a year
        :return: pair of the cost without taxes, and with them
        :raise UserError: the company has not said which product it is sold as
        """
        nothing = instalments.ZERO, instalments.ZERO
        if not (fee or rate) or not self._may_charge(profile.partner_id):
            return nothing
        net = instalments.find_cost(
            parts,
            profile.company_id._credit_today(),
            to_decimal(fee),
            to_decimal(rate),
            to_decimal(currency.rounding),
        )
        if not net:
            return nothing
        product, taxes = self._find_cost_taxes(profile.company_id, profile.partner_id)
        # sudo: whose taxes they are; the customer may be one the user cannot open
        total = taxes.compute_all(
            float(net), currency, product=product, partner=profile.partner_id.sudo()
        )["total_included"]
        return net, to_decimal(currency.round(total))

    @api.model
    def _find_cost_taxes(self, company, partner):
        """Return the product of the cost, and its taxes for a customer, with sudo.

        :raise UserError: no product is set
        """
        # sudo: how a company invoices is read for whoever makes or takes a plan.
        product_sudo = company.sudo().credit_plan_product_id.with_company(company)
        if not product_sudo:
            raise UserError(
                self.env._(
                    "Choose in the settings of %(company)s as which product the cost of"
                    " payment plans is invoiced.",
                    company=company.name,
                )
            )
        position_sudo = (
            self.env["account.fiscal.position"]
            .sudo()
            .with_company(company)
            ._get_fiscal_position(partner.sudo())
        )
        taxes_sudo = product_sudo.taxes_id._filter_taxes_by_company(company)
        return product_sudo, position_sudo.map_tax(taxes_sudo)

    def _say_cost(self):
        """Return the lines of the agreement about the cost, in its language."""
        self.ensure_one()
        if self.currency_id.is_zero(self.cost):
            return []
        return [
            self.env._(
                "Paying in parts costs %(cost)s, taxes included (fee %(fee)s, interest"
                " %(rate)s %% a year); it is part of the last part, and is invoiced.",
                cost=self.currency_id.format(self.cost),
                fee=self.currency_id.format(self.cost_fee),
                rate=formatLang(self.env, self.cost_rate, digits=2),
            )
        ]

    def _invoice_cost(self):
        """Make the invoice of the cost, once, and cover it by the plan.

        The caller locked the plan. sudo: the program's, whoever lets the plan start.

        :raise UserError: taxes changed since, so that it is not what was agreed
        """
        self.ensure_one()
        if self.currency_id.is_zero(self.cost) or self.cost_move_id:
            return
        company, today = self.company_id, self.company_id._credit_today()
        product, taxes = self._find_cost_taxes(company, self.partner_id)
        spoken = self._speak()
        parts = self.line_ids._to_parts()
        move = (
            self.env["account.move"]
            .with_company(company)
            .with_context(default_move_type="out_invoice")
            .create(
                {
                    "move_type": "out_invoice",
                    "company_id": company.id,
                    "partner_id": self.partner_id.id,
                    "currency_id": self.currency_id.id,
                    "invoice_date": today,
                    "invoice_payment_term_id": False,
                    "invoice_date_due": parts[-1].day,
                    "invoice_origin": self.name,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "product_id": product.id,
                                "name": spoken.env._(
                                    "Payment plan %(name)s: cost of paying in parts",
                                    name=self.name,
                                ),
                                "quantity": 1,
                                "price_unit": self.cost_net,
                                "tax_ids": [Command.set(taxes.ids)],
                            }
                        )
                    ],
                }
            )
        )
        item = move.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        if len(item) != 1 or self.currency_id.compare_amounts(
            move.amount_total, self.cost
        ):
            raise UserError(
                self.env._(
                    "The invoice of the cost of %(name)s would be %(invoice)s, agreed"
                    " is %(cost)s: taxes changed since. Cancel the plan and make a new"
                    " one.",
                    name=self.name,
                    invoice=self.currency_id.format(move.amount_total),
                    cost=self.currency_id.format(self.cost),
                )
            )
        # One account for all of a plan, whatever the customer has now.
        item.account_id = self.account_id
        move._post(soft=False)
        self.write(
            {
                "cost_move_id": move.id,
                "item_ids": [
                    Command.create(
                        {
                            "move_line_id": item.id,
                            "move_id": move.id,
                            "name": move.name,
                            "date_maturity": item.date_maturity,
                            "amount": self.cost,
                        }
                    )
                ],
            }
        )
        self._message_log(
            body=self.env._(
                "The cost of paying in parts, %(amount)s, is invoiced: %(invoice)s.",
                amount=self.currency_id.format(self.cost),
                invoice=move._get_html_link(),
            )
        )
