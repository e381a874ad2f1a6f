from odoo import api, models


class CreditDunningLetterReport(models.AbstractModel):
    """Letters for post, each in the language of its contact."""

    _name = "report.credit_management.report_credit_dunning_letter"
    _description = "Letters for Post"

    @api.model
    def _get_report_values(self, docids, data=None):
        letters = self.env["credit.dunning.letter"].browse(docids)
        letters.check_access("read")
        return {
            "doc_ids": docids,
            "doc_model": letters._name,
            "docs": letters,
            "papers": letters._prepare_papers(),
        }
