from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .credit_dunning_facts import LIVE_STATES
from .credit_sql import say_comparison


class CreditDunningLetterLine(models.Model):
    """An item of a letter, frozen as the customer was told.

    What was told stays, whatever becomes of the invoice: number, dates and amounts are
    copies. Lines are written until the letter leaves, never after.
    """

    _name = "credit.dunning.letter.line"
    _description = "Dunning Letter Item"
    _inherit = ["credit.bulk.mixin"]
    _order = "letter_id, kind, date_maturity, id"
    _rec_name = "name"

    letter_id = fields.Many2one(
        "credit.dunning.letter", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="letter_id.company_id", store=True)
    partner_id = fields.Many2one(related="letter_id.commercial_partner_id", store=True)
    state = fields.Selection(related="letter_id.state", store=True)
    is_test = fields.Boolean(related="letter_id.is_test", store=True)
    move_line_id = fields.Many2one(
        "account.move.line", string="Item", ondelete="set null", index="btree_not_null"
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", ondelete="set null", index="btree_not_null"
    )
    kind = fields.Selection(
        [
            ("chased", "Rises to a Level"),
            ("carried", "Claimed Again"),
            ("credit", "Credit Not Applied"),
        ],
        required=True,
        default="chased",
    )
    name = fields.Char(string="Number")
    invoice_date = fields.Date()
    date_maturity = fields.Date(string="Due Date")
    days_late = fields.Integer(aggregator="max")
    currency_id = fields.Many2one(related="letter_id.currency_id", store=True)
    amount = fields.Monetary(
        string="Open Amount", help="Open at the time; a credit is negative."
    )
    disputed_amount = fields.Monetary(
        string="In Dispute",
        help="In dispute at the time: not part of what is asked for.",
    )
    amount_company = fields.Monetary(
        string="In Company Currency", currency_field="company_currency_id"
    )
    company_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Company Currency"
    )
    level_id = fields.Many2one("credit.dunning.level", ondelete="restrict", index=True)
    level_rank = fields.Integer(
        string="Levels So Far", help="How many dunning levels the item then has had."
    )
    is_reminder = fields.Boolean(default=False, string="Notice Before the Due Date")
    round = fields.Integer(
        default=1, help="How often the item began at the first level."
    )
    is_excluded = fields.Boolean(default=False, string="Left Out")
    excluded_reason = fields.Char()

    # At most one live line for an item at a level: no second reminder by accident.
    _live_uniq = models.UniqueIndex(
        "(move_line_id, level_id, round, is_test)"
        " WHERE kind = 'chased' AND is_excluded IS NOT TRUE AND state IN"
        " ('proposed', 'queued', 'sending', 'sent', 'unknown')",
        "This item stands in another letter at the same level. Send or reverse that"
        " letter first.",
    )

    # === CRUD METHODS === #

    def write(self, vals):
        """Let people leave items out, and only until the letter leaves."""
        if not self.env.su and (
            set(vals) - {"is_excluded", "excluded_reason"}
            or any(letter.state != "proposed" for letter in self.letter_id)
        ):
            raise UserError(
                self.env._(
                    "What a customer was told cannot be changed. Reverse the letter if"
                    " it was wrong."
                )
            )
        res = super().write(vals)
        if not self.env.su and "is_excluded" in vals:
            self.letter_id._mark_edited()
            for letter in self.letter_id:
                letter._follow_items()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_left(self):
        # The job that sends puts the items of its letter right at the last moment.
        loose = ("proposed", "skipped", "queued" if self.env.su else "skipped")
        if any(letter.state not in loose for letter in self.letter_id):
            raise UserError(
                self.env._("The items of a letter that left cannot be deleted.")
            )

    # === BUSINESS METHODS === #

    @api.model
    def _prepare_copied_values(self, letter_id, vals):
        """Return what the items of a new letter copy from it.

        :param vals: values of the letter
        """
        return {
            "letter_id": letter_id,
            "company_id": vals["company_id"],
            "partner_id": vals["commercial_partner_id"],
            "currency_id": vals["currency_id"],
            "state": vals.get("state", "proposed"),
            "is_test": vals["is_test"],
        }

    @api.model
    def _say_told(self, column, condition=None):
        """Return the SELECT of what letters that count told, by item or by invoice.

        The level is the highest one that was reached; a notice before the due date
        counts until the first level. The day is that of the last letter that named it.
        Letters of the test mode count while the company is in that mode, and no others.

        :param column: ``move_line_id`` or ``move_id``
        :param condition: narrows the letter items, which are called ``told``
        """
        self.env["credit.dunning.letter"].flush_model()
        self.flush_model()
        return SQL(
            """
            SELECT told.%(column)s AS id,
                   (ARRAY_AGG(told.level_id ORDER BY told.is_reminder,
                              told.level_rank DESC, told.id DESC)
                       FILTER (WHERE told.kind = 'chased'))[1] AS level_id,
                   MAX(letter.message_date) AS last_date
              FROM credit_dunning_letter_line told
              JOIN credit_dunning_letter letter ON letter.id = told.letter_id
              JOIN res_company company ON company.id = told.company_id
             WHERE told.%(column)s IS NOT NULL
               AND told.kind IN ('chased', 'carried')
               AND told.is_excluded IS NOT TRUE
               AND letter.state IN %(states)s
               AND letter.is_test = (company.credit_mode = 'redirect')
               AND %(condition)s
          GROUP BY told.%(column)s
            """,
            column=SQL.identifier(column),
            states=LIVE_STATES,
            condition=condition or SQL("TRUE"),
        )

    @api.model
    def _say_told_of(self, column, name, alias):
        """Return the expression for what letters told of one row of the ledger.

        :param name: ``level_id`` or ``last_date``
        """
        condition = SQL("told.%s = %s.id", SQL.identifier(column), alias)
        return SQL(
            "(SELECT found.%s FROM (%s) found)",
            SQL.identifier(name),
            self._say_told(column, condition),
        )

    @api.model
    def _search_told(self, column, name, operator, value):
        """Return the domain of a search by what letters told: one pass over them.

        :param name: ``level_id`` or ``last_date``
        :raise AccessError: the ORM does not ask who may use a search of this kind
        """
        self.check_access("read")
        expression = SQL("found.%s", SQL.identifier(name))
        known = SQL(
            "(SELECT found.id FROM (%s) found WHERE %s IS NOT NULL)",
            self._say_told(column),
            expression,
        )
        if operator == "in" and not all(value):
            wanted = [each for each in value if each]
            never = ~Domain("id", "in", known)
            if not wanted:
                return never
            return never | self._search_told(column, name, operator, wanted)
        condition = say_comparison(expression, operator, value)
        if condition is NotImplemented:
            return NotImplemented
        return Domain(
            "id",
            "in",
            SQL(
                "(SELECT found.id FROM (%s) found WHERE %s)",
                self._say_told(column),
                condition,
            ),
        )

    # === ACTION METHODS === #

    def action_toggle_excluded(self):
        """Leave the item out of its letter, or take it back in."""
        for line in self:
            line.is_excluded = not line.is_excluded

    def action_open_invoice(self):
        """Open the invoice of the item."""
        self.ensure_one()
        return self.move_id._get_records_action()
