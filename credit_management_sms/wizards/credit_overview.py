from dataclasses import replace

from odoo import api, models


class CreditOverview(models.TransientModel):
    _inherit = "credit.overview"

    @api.model
    def _gather_health(self, company):
        """Override of `credit_management`: SMS that are not taken wait as well."""
        health = super()._gather_health(company)
        Letter = self.env["credit.dunning.letter"]
        refused = [
            ("company_id", "=", company.id),
            ("sms_state", "=", "waiting"),
            ("sms_not_before", "!=", False),
            ("sms_reason", "!=", False),
        ]
        last = Letter.search(refused, order="id desc", limit=1)
        if not last:
            return health
        return replace(
            health,
            refused=health.refused + Letter.search_count(refused),
            refusal=self.env._("SMS: %(reason)s", reason=last.sms_reason),
        )

    @api.model
    def _get_job_names(self):
        """Override of `credit_management`: SMS go by a job of the host."""
        return (*super()._get_job_names(), "sms.ir_cron_sms_scheduler_action")
