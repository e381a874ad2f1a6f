from odoo import api, fields, models
from odoo.tools import SQL


class CreditLetterReport(models.Model):
    """One row a letter that left: what it claimed, and what was paid after it.

    Not a table: asked of letters and matchings whenever somebody looks.
    """

    _name = "credit.letter.report"
    _description = "Dunning Letter Analysis"
    _auto = False
    _order = "message_date desc, id desc"
    _rec_name = "letter_id"

    _depends = {
        "credit.dunning.letter": [
            "amount_company",
            "commercial_partner_id",
            "company_id",
            "is_test",
            "level_id",
            "level_rank",
            "message_date",
            "policy_id",
            "state",
            "user_id",
        ],
        "credit.dunning.letter.line": [
            "is_excluded",
            "kind",
            "letter_id",
            "move_line_id",
        ],
        "account.partial.reconcile": [
            "amount",
            "credit_move_id",
            "debit_move_id",
            "max_date",
        ],
        "account.move.line": ["move_id"],
        "account.move": ["move_type"],
        "credit.dispute": ["write_off_id"],
        "res.company": ["currency_id"],
        "res.partner": ["country_id"],
    }

    letter_id = fields.Many2one("credit.dunning.letter", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    country_id = fields.Many2one("res.country", readonly=True)
    user_id = fields.Many2one("res.users", string="Collector", readonly=True)
    policy_id = fields.Many2one("credit.dunning.policy", readonly=True)
    level_id = fields.Many2one("credit.dunning.level", readonly=True)
    level_rank = fields.Integer(string="Levels So Far", readonly=True, aggregator="avg")
    message_date = fields.Date(string="Sent On", readonly=True)
    item_count = fields.Integer(string="Items", readonly=True)
    amount = fields.Monetary(
        string="Claimed",
        readonly=True,
        help="Overdue items less credits, in the currency of the company.",
    )
    paid_amount = fields.Monetary(
        string="Paid after the Letter",
        readonly=True,
        help="Receipts on the items of the letter from its day on, until another letter"
        " named them: each receipt counts for one letter. Credit notes do not count.",
    )

    @property
    def _table_query(self):
        return SQL(
            """
            WITH told AS (
                SELECT line.letter_id, line.move_line_id, letter.message_date,
                       LEAD(letter.message_date) OVER (
                           PARTITION BY line.move_line_id
                           ORDER BY letter.message_date, letter.id) AS next_date
                  FROM credit_dunning_letter_line line
                  JOIN credit_dunning_letter letter ON letter.id = line.letter_id
                 WHERE letter.state IN ('sent', 'unknown')
                   AND letter.is_test IS NOT TRUE
                   AND line.kind IN ('chased', 'carried')
                   AND line.is_excluded IS NOT TRUE),
            paid AS (
                SELECT told.letter_id, SUM(part.amount) AS amount
                  FROM told
                  JOIN account_partial_reconcile part
                    ON part.debit_move_id = told.move_line_id
                   AND part.max_date >= told.message_date
                   AND (told.next_date IS NULL OR part.max_date < told.next_date)
                  JOIN account_move_line receipt ON receipt.id = part.credit_move_id
                  JOIN account_move entry ON entry.id = receipt.move_id
                 WHERE entry.move_type = 'entry'
                   AND NOT EXISTS (SELECT FROM credit_dispute dispute
                                    WHERE dispute.write_off_id = entry.id)
              GROUP BY told.letter_id),
            counted AS (
                SELECT letter_id, COUNT(*) AS items FROM told GROUP BY letter_id)
            SELECT letter.id, letter.id AS letter_id, letter.company_id,
                   company.currency_id, letter.commercial_partner_id AS partner_id,
                   partner.country_id, letter.user_id, letter.policy_id,
                   letter.level_id, letter.level_rank, letter.message_date,
                   COALESCE(counted.items, 0)::int AS item_count,
                   letter.amount_company AS amount,
                   COALESCE(paid.amount, 0) AS paid_amount
              FROM credit_dunning_letter letter
              JOIN res_company company ON company.id = letter.company_id
              JOIN res_partner partner ON partner.id = letter.commercial_partner_id
         LEFT JOIN counted ON counted.letter_id = letter.id
         LEFT JOIN paid ON paid.letter_id = letter.id
             WHERE letter.state IN ('sent', 'unknown')
               AND letter.is_test IS NOT TRUE
            """
        )

    # === ACTION METHODS === #

    @api.readonly
    def action_open_letter(self):
        """Open the letter."""
        self.ensure_one()
        self.check_access("read")
        return self.letter_id._get_records_action()
