from odoo import api, models

from odoo.addons.base.models.ir_actions_report import _wkhtml

# Without patched Qt wkhtmltopdf knows no resolution, and draws everything smaller.
UNPATCHED_ZOOM = 1.3012


def get_zoom(data):
    """Return by how much lengths are enlarged, so that millimetres are millimetres.

    :param data: the data of the report, with its ``report_type``
    """
    is_pdf = (data or {}).get("report_type") == "pdf"
    return UNPATCHED_ZOOM if is_pdf and not _wkhtml().is_patched_qt else 1


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
            "zoom": get_zoom(data),
        }
