from odoo import api, fields, models
from odoo.tools import SQL, format_date

SHOWN = 100  # the newest; older ones are in the lists of letters, calls and payments
ICONS = {
    "letter": "fa-envelope-o",
    "reversal": "fa-undo",
    "statement": "fa-file-text-o",
    "call": "fa-phone",
    "payment": "fa-money",
    "credit_note": "fa-reply",
    "exclusion": "fa-ban",
    "dispute": "fa-balance-scale",
    "promise": "fa-calendar-check-o",
    "plan": "fa-tasks",
    "limit": "fa-tachometer",
}


class CreditProfileHistory(models.Model):
    """All that passed between us and the customer, in one line of time.

    Letters with their levels, levels taken back, statements, calls, payments, credit
    notes and exclusions, read by one query.
    """

    _inherit = "credit.profile"  # pylint: disable=consider-merging-classes-inherited

    history = fields.Json(compute="_compute_history", string="Timeline")

    @api.depends_context("lang")
    def _compute_history(self):
        """Give each file its newest entries, ready to be shown.

        Each entry has the day, what it was, the amount, and the document to open.
        """
        self.history = False
        entries = {}
        for company, profiles in self.grouped("company_id").items():
            for row in self._read_history(company, profiles):
                entries.setdefault(row["profile_id"], []).append(row)
        for profile in self:
            profile.history = [
                self._prepare_history_entry(row) for row in entries.get(profile.id, [])
            ]

    @api.model
    def _prepare_history_entry(self, row):
        currency = self.env["res.currency"].browse(row["currency_id"])
        return {
            "key": f"{row['kind']}-{row['res_id']}",
            "day": format_date(self.env, row["day"]),
            "kind": row["kind"],
            "icon": ICONS.get(row["kind"], "fa-circle-o"),
            "title": self._say_history(row),
            "details": row["details"] or "",
            "amount": currency.format(float(row["amount"]))
            if row["amount"] is not None and currency
            else "",
            "res_model": row["res_model"],
            "res_id": row["res_id"],
        }

    @api.model
    def _say_history(self, row):
        """Say in a few words what an entry was."""
        results = dict(
            self.env["credit.call"]._fields["result"]._description_selection(self.env)
        )
        level = self.env["credit.dunning.level"].browse(row["level_id"])
        match row["kind"]:
            case "letter" if row["state"] == "failed":
                return self.env._("%(level)s: did not arrive", level=level.name)
            case "letter" if row["state"] == "unknown":
                return self.env._("%(level)s: fate not known", level=level.name)
            case "letter":
                return level.name
            case "reversal":
                return self.env._("%(level)s taken back", level=level.name)
            case "statement":
                return self.env._("Statement of account")
            case "call":
                return self.env._("Call: %(result)s", result=results[row["state"]])
            case "payment":
                return self.env._("Payment")
            case "credit_note":
                return self.env._("Credit note")
            case "exclusion":
                return self.env._("Left out of dunning")
            case "dispute":
                states = dict(
                    self.env["credit.dispute"]
                    ._fields["state"]
                    ._description_selection(self.env)
                )
                return self.env._("Dispute: %(state)s", state=states[row["state"]])
            case "promise":
                states = dict(
                    self.env["credit.promise"]
                    ._fields["state"]
                    ._description_selection(self.env)
                )
                return self.env._("Promise: %(state)s", state=states[row["state"]])
            case "plan":
                states = dict(
                    self.env["credit.payment.plan"]
                    ._fields["state"]
                    ._description_selection(self.env)
                )
                return self.env._("Payment plan: %(state)s", state=states[row["state"]])
        return row["kind"]

    @api.model
    def _read_history(self, company, profiles):
        """Read the newest entries of files of one company, newest first."""
        for name in ("credit.dunning.letter", "credit.statement", "credit.call"):
            self.env[name].flush_model()
        self.env["credit.dispute"].flush_model()
        self.env["credit.promise"].flush_model()
        self.env["credit.payment.plan"].flush_model()
        for name in ("account.move.line", "account.move", "credit.exclusion"):
            self.env[name].flush_model()
        accounts = self.env["credit.dunning.facts"]._get_receivable_accounts(company)
        return self.env.execute_query_dict(
            SQL(
                """
                SELECT * FROM (
                    SELECT entry.*,
                           ROW_NUMBER() OVER (
                               PARTITION BY profile_id
                               ORDER BY day DESC, moment DESC, res_id DESC) AS place
                      FROM (%s) entry
                     WHERE day IS NOT NULL) numbered
                 WHERE place <= %s
              ORDER BY profile_id, place
                """,
                SQL(" UNION ALL ").join(
                    self._get_history_sources(company, profiles, accounts)
                ),
                SHOWN,
            )
        )

    @api.model
    def _get_history_sources(self, company, profiles, accounts):
        """Return the queries that the timeline is made of; extend to add one."""
        values = {
            "company": company.id,
            "profiles": profiles.ids,
            "partners": profiles.partner_id.ids,
            "accounts": accounts.ids,
            "tz": company._credit_tz_name(),
        }
        return [
            SQL(
                """
                SELECT letter.profile_id, 'letter' AS kind,
                       COALESCE(letter.message_date, letter.write_date::date) AS day,
                       COALESCE(letter.sent_date, letter.write_date) AS moment,
                       letter.recipient_emails AS details,
                       NULLIF(COALESCE(NULLIF(letter.amount_total, 0),
                                       letter.amount_upcoming), 0)::numeric AS amount,
                       letter.currency_id, letter.level_id, letter.state,
                       'credit.dunning.letter' AS res_model, letter.id AS res_id
                  FROM credit_dunning_letter letter
                 WHERE letter.profile_id = ANY(%(profiles)s)
                   AND (letter.state IN ('sending', 'sent', 'unknown', 'failed')
                        OR letter.state = 'reversed' AND letter.sent_date IS NOT NULL)
                """,
                **values,
            ),
            SQL(
                """
                SELECT profile_id, 'reversal',
                       (reversed_date AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date,
                       reversed_date, NULL, NULL, NULL, level_id, state,
                       'credit.dunning.letter', id
                  FROM credit_dunning_letter
                 WHERE profile_id = ANY(%(profiles)s) AND state = 'reversed'
                   AND sent_date IS NOT NULL AND reversed_date IS NOT NULL
                """,
                **values,
            ),
            SQL(
                """
                SELECT profile_id, 'statement',
                       (sent_date AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date,
                       sent_date, recipient_email, NULL, NULL, NULL, state,
                       'credit.statement', id
                  FROM credit_statement
                 WHERE profile_id = ANY(%(profiles)s) AND sent_date IS NOT NULL
                """,
                **values,
            ),
            SQL(
                """
                SELECT profile_id, 'call',
                       (date AT TIME ZONE 'UTC' AT TIME ZONE %(tz)s)::date,
                       date, note, NULL, NULL, NULL, result, 'credit.call', id
                  FROM credit_call
                 WHERE profile_id = ANY(%(profiles)s)
                """,
                **values,
            ),
            SQL(
                """
                SELECT profile_id, 'dispute', opened_date, create_date,
                       name || ': ' || COALESCE(invoice_names, ''),
                       amount_disputed, currency_id, NULL, state,
                       'credit.dispute', id
                  FROM credit_dispute
                 WHERE profile_id = ANY(%(profiles)s)
                """,
                **values,
            ),
            SQL(
                """
                SELECT profile_id, 'plan', COALESCE(closed_date, start_date),
                       create_date, name || ': ' || COALESCE(invoice_names, ''),
                       amount, currency_id, NULL, state, 'credit.payment.plan', id
                  FROM credit_payment_plan
                 WHERE profile_id = ANY(%(profiles)s) AND state != 'draft'
                """,
                **values,
            ),
            SQL(
                """
                SELECT profile_id, 'promise', given_date, create_date,
                       name || ': ' || COALESCE(invoice_names, ''),
                       amount, currency_id, NULL, state, 'credit.promise', id
                  FROM credit_promise
                 WHERE profile_id = ANY(%(profiles)s)
                """,
                **values,
            ),
            SQL(
                """
                SELECT profile.id,
                       CASE WHEN journal.type = 'sale' THEN 'credit_note'
                            ELSE 'payment' END,
                       line.date, line.create_date,
                       COALESCE(move.ref, move.name), -line.amount_currency,
                       line.currency_id, NULL, NULL, 'account.move', move.id
                  FROM credit_profile profile
                  JOIN res_partner contact
                    ON contact.commercial_partner_id = profile.partner_id
                  JOIN account_move_line line ON line.partner_id = contact.id
                  JOIN account_move move ON move.id = line.move_id
                  JOIN account_journal journal ON journal.id = line.journal_id
                 WHERE profile.id = ANY(%(profiles)s)
                   AND contact.commercial_partner_id = ANY(%(partners)s)
                   AND line.company_id = %(company)s
                   AND line.account_id = ANY(%(accounts)s)
                   AND line.parent_state = 'posted'
                   AND line.balance < 0
                   AND (journal.type IN ('bank', 'cash', 'credit')
                        OR move.move_type = 'out_refund')
                """,
                **values,
            ),
            SQL(
                """
                SELECT profile.id, 'exclusion',
                       (exclusion.create_date AT TIME ZONE 'UTC'
                        AT TIME ZONE %(tz)s)::date,
                       exclusion.create_date, exclusion.reason, NULL, NULL, NULL, NULL,
                       'credit.exclusion', exclusion.id
                  FROM credit_profile profile
                  JOIN res_partner contact
                    ON contact.commercial_partner_id = profile.partner_id
                  JOIN credit_exclusion exclusion ON exclusion.partner_id = contact.id
                   AND exclusion.company_id = profile.company_id
                 WHERE profile.id = ANY(%(profiles)s)
                """,
                **values,
            ),
        ]
