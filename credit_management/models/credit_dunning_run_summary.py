from odoo import fields, models
from odoo.tools import SQL

from .credit_dunning_outcome import REASON_LABELS


class CreditDunningRunSummary(models.Model):
    """Counts and amounts of a run, per level chased and per reason left alone."""

    _name = "credit.dunning.run.summary"
    _description = "Dunning Run Summary"
    _auto = False
    _order = "run_id, kind, sequence, id"
    _depends = {
        "credit.dunning.letter": [
            "run_id",
            "level_id",
            "state",
            "amount_company",
            "company_id",
        ],
        "credit.dunning.level": ["is_reminder"],
        "credit.dunning.letter.line": [
            "letter_id",
            "kind",
            "is_reminder",
            "is_excluded",
            "amount_company",
        ],
        "credit.dunning.outcome": ["run_id", "reason", "amount_company", "company_id"],
    }

    run_id = fields.Many2one("credit.dunning.run", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    kind = fields.Selection(
        [("level", "Chased"), ("reason", "Left Alone")], readonly=True
    )
    sequence = fields.Integer(readonly=True)
    level_id = fields.Many2one("credit.dunning.level", readonly=True)
    reason = fields.Selection(REASON_LABELS, readonly=True)
    count = fields.Integer(readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    is_reminder = fields.Boolean(related="level_id.is_reminder")
    amount = fields.Monetary(
        string="In Company Currency",
        readonly=True,
        help="Claimed; of notices before the due date, which claim nothing, what falls"
        " due soon.",
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT MIN(letter.id) * 2 AS id, letter.run_id, letter.company_id,
                   'level' AS kind, MIN(letter.level_rank) AS sequence,
                   letter.level_id, NULL AS reason, COUNT(*) AS count,
                   SUM(CASE WHEN level.is_reminder THEN COALESCE(upcoming.amount, 0)
                            ELSE letter.amount_company END) AS amount
              FROM credit_dunning_letter letter
              JOIN credit_dunning_level level ON level.id = letter.level_id
         LEFT JOIN LATERAL (
                   SELECT SUM(line.amount_company) AS amount
                     FROM credit_dunning_letter_line line
                    WHERE line.letter_id = letter.id AND line.is_reminder
                      AND line.kind = 'chased' AND line.is_excluded IS NOT TRUE
                   ) upcoming ON level.is_reminder
             WHERE letter.run_id IS NOT NULL AND letter.state != 'skipped'
          GROUP BY letter.run_id, letter.company_id, letter.level_id
         UNION ALL
            SELECT MIN(outcome.id) * 2 + 1, outcome.run_id, outcome.company_id,
                   'reason', 0, NULL::int, outcome.reason, COUNT(*),
                   SUM(outcome.amount_company)
              FROM credit_dunning_outcome outcome
             WHERE outcome.run_id IS NOT NULL
          GROUP BY outcome.run_id, outcome.company_id, outcome.reason
            """
        )

    def action_open(self):
        """Open the letters of the level, or the items left alone for the reason."""
        self.ensure_one()
        if self.kind == "level":
            action = self.env["ir.actions.actions"]._for_xml_id(
                "credit_management.credit_dunning_letter_action"
            )
            domain = [
                ("run_id", "=", self.run_id.id),
                ("level_id", "=", self.level_id.id),
                ("state", "!=", "skipped"),
            ]
            name = self.level_id.name
        else:
            action = self.env["ir.actions.actions"]._for_xml_id(
                "credit_management.credit_dunning_outcome_action"
            )
            domain = [("run_id", "=", self.run_id.id), ("reason", "=", self.reason)]
            labels = dict(self._fields["reason"]._description_selection(self.env))
            name = labels[self.reason]
        return action | {"domain": domain, "display_name": name, "context": {}}
