from odoo import fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

GROUP = "credit_management.group_credit_user"


class DigestDigest(models.Model):
    _inherit = "digest.digest"

    # The host shows whoever reads a digest which figures it has, and skips the value
    # of a figure that its reader may not see.
    kpi_credit_overdue = fields.Boolean("Overdue Receivables", groups="base.group_user")
    kpi_credit_overdue_value = fields.Monetary(
        compute="_compute_kpi_credit_overdue_value", groups=GROUP
    )
    kpi_credit_letters = fields.Boolean(
        "Dunning Letters Sent", groups="base.group_user"
    )
    kpi_credit_letters_value = fields.Integer(
        compute="_compute_kpi_credit_letters_value", groups=GROUP
    )
    kpi_credit_collected = fields.Boolean(
        "Collected after a Letter", groups="base.group_user"
    )
    kpi_credit_collected_value = fields.Monetary(
        compute="_compute_kpi_credit_collected_value", groups=GROUP
    )

    # === COMPUTE METHODS === #

    def _compute_kpi_credit_overdue_value(self):
        """What was overdue at the end of the time: open items past their due date.

        In the currency of the company, before credits that nobody has applied, as on
        the credit files: what was paid later was open then.
        """
        companies, _start, end = self._get_credit_period()
        self._set_credit_values(
            "kpi_credit_overdue_value",
            companies,
            """
            SELECT company_id, SUM(amount)
              FROM (SELECT line.company_id, line.amount_residual AS amount
                      FROM account_move_line line
                      JOIN account_account account ON account.id = line.account_id
                     WHERE line.company_id = ANY(%(companies)s)
                       AND account.account_type = 'asset_receivable'
                       AND line.parent_state = 'posted'
                       AND line.reconciled IS NOT TRUE AND line.amount_residual > 0
                       AND line.date <= %(end)s AND line.date_maturity < %(end)s
                 UNION ALL
                    SELECT line.company_id, part.amount
                      FROM account_partial_reconcile part
                      JOIN account_move_line line ON line.id = part.debit_move_id
                      JOIN account_account account ON account.id = line.account_id
                     WHERE line.company_id = ANY(%(companies)s)
                       AND account.account_type = 'asset_receivable'
                       AND line.parent_state = 'posted'
                       AND part.max_date > %(end)s
                       AND line.date <= %(end)s AND line.date_maturity < %(end)s) item
          GROUP BY company_id
        """,
            end=end,
        )

    def _compute_kpi_credit_letters_value(self):
        self._check_credit_access()
        # sudo: as the figures of the host, once its reader's group is known.
        self.sudo()._calculate_company_based_kpi(
            "credit.dunning.letter",
            "kpi_credit_letters_value",
            date_field="sent_date",
            additional_domain=[("is_test", "=", False)],
        )

    def _compute_kpi_credit_collected_value(self):
        """What was paid, in the time, on items that a letter had named before."""
        companies, start, end = self._get_credit_period()
        self._set_credit_values(
            "kpi_credit_collected_value",
            companies,
            """
            SELECT line.company_id, SUM(part.amount)
              FROM account_partial_reconcile part
              JOIN account_move_line line ON line.id = part.debit_move_id
              JOIN account_move_line paid ON paid.id = part.credit_move_id
              JOIN account_move entry ON entry.id = paid.move_id
             WHERE line.company_id = ANY(%(companies)s)
               AND part.max_date > %(start)s AND part.max_date <= %(end)s
               AND entry.move_type = 'entry'
               AND NOT EXISTS (SELECT FROM credit_dispute dispute
                                WHERE dispute.write_off_id = entry.id)
               AND EXISTS (SELECT FROM credit_dunning_letter_line told
                             JOIN credit_dunning_letter letter
                               ON letter.id = told.letter_id
                            WHERE told.move_line_id = line.id
                              AND told.kind IN ('chased', 'carried')
                              AND told.is_excluded IS NOT TRUE
                              AND letter.state IN ('sent', 'unknown')
                              AND letter.is_test IS NOT TRUE
                              AND letter.message_date <= part.max_date)
          GROUP BY line.company_id
        """,
            start=start,
            end=end,
        )

    def _compute_kpis_actions(self, company, user):
        res = super()._compute_kpis_actions(company, user)
        menu_id = self.env.ref("credit_management.credit_management_menu").id
        for name, action in {
            "kpi_credit_overdue": "credit_overdue_report_action",
            "kpi_credit_letters": "credit_letter_report_action",
            "kpi_credit_collected": "credit_letter_report_action",
        }.items():
            res[name] = f"credit_management.{action}?menu_id={menu_id}"
        return res

    # === BUSINESS METHODS === #

    def _check_credit_access(self):
        if not self.env.user.has_group(GROUP):
            raise AccessError(
                self.env._("Only members of the credit groups see this figure.")
            )

    def _get_credit_period(self):
        """Return companies, first day (not counted) and last day of the figures."""
        self._check_credit_access()
        start, end, companies = self._get_kpi_compute_parameters()
        return companies, *(
            fields.Datetime.to_datetime(moment).date() for moment in (start, end)
        )

    def _set_credit_values(self, name, companies, query, **days):
        """Set a figure of all these digests by one query, by company."""
        self.env.flush_all()
        rows = self.env.execute_query(SQL(query, companies=companies.ids, **days))
        amounts = dict(rows)
        for digest in self:
            company = digest.company_id or self.env.company
            digest[name] = amounts.get(company.id, 0)
