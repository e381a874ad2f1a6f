from odoo import api, models


class CreditExposureLine(models.TransientModel):
    _inherit = "credit.exposure.line"

    @api.model
    def _describe_documents(self, model, ids):
        """Override: an order shows its day, and its rate gives its own amount."""
        described = super()._describe_documents(model, ids)
        if model == "sale.order":
            # sudo: as in the method that is extended.
            for order in self.env[model].sudo().browse(ids):
                described[order.id] |= {
                    "date": order.date_order.date(),
                    "document_currency_id": order.currency_id.id,
                    "whole": order.currency_rate or 1.0,
                    "company": 1.0,
                }
        return described
