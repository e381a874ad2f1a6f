from odoo import api, models

from .credit_dunning_letter_report import get_zoom


class CreditStatementReport(models.AbstractModel):
    """Statements of account, each in the language of its contact."""

    _name = "report.credit_management.report_credit_statement"
    _description = "Statement of Account Report"

    @api.model
    def _get_report_values(self, docids, data=None):
        statements = self.env["credit.statement"].browse(docids)
        values = (data or {}).get("credit_statement")
        if values and self.env.su:
            # One that is looked at and not kept: a customer's download.
            statements = statements.new(values)
        return {
            "doc_ids": docids,
            "doc_model": statements._name,
            "docs": statements,
            "contents": statements._prepare_content(),
            "zoom": get_zoom(data),
        }
