from odoo import api, models

from .credit_dunning_letter_report import get_zoom


class CreditPaymentPlanReport(models.AbstractModel):
    """Agreements of payment plans, each as it was agreed."""

    _name = "report.credit_management.report_credit_payment_plan"
    _description = "Agreement of a Payment Plan"

    @api.model
    def _get_report_values(self, docids, data=None):
        plans = self.env["credit.payment.plan"].browse(docids)
        plans.check_access("read")
        return {
            "doc_ids": docids,
            "doc_model": plans._name,
            "docs": plans,
            "contents": [plan._prepare_agreement() for plan in plans],
            "zoom": get_zoom(data),
        }
