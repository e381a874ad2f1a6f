from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Override of `base`: merge the credit files before their keys clash.

        A customer has one file in a company; the host would delete the second one with
        its letters.
        """
        self.env["credit.profile"]._merge_partners(src_partners, dst_partner)
        self.env.registry.clear_cache()  # credit rules name customers
        return super()._update_foreign_keys(src_partners, dst_partner)
