from odoo import api, fields, models

from ..logic import exposure
from ..models.credit_exposure import PART_LABELS


class CreditExposureLine(models.TransientModel):
    """A document behind the exposure of a customer, at the moment somebody looked.

    What is shown adds up to the parts and to the total. It is made when asked for and
    thrown away later; the documents are the truth.
    """

    _name = "credit.exposure.line"
    _description = "Document Behind an Exposure"
    _order = "part_sequence, date, id"

    profile_id = fields.Many2one(
        "credit.profile", string="Credit File", required=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="profile_id.company_id")
    currency_id = fields.Many2one(related="company_id.currency_id")
    part = fields.Selection(PART_LABELS, required=True)
    part_sequence = fields.Integer(string="Order of the Part")
    name = fields.Char(string="Document")
    date = fields.Date(help="Due date, day of the document, or last day of a cover.")
    res_model = fields.Char(string="Document Model", required=True)
    res_id = fields.Many2oneReference(
        string="Document ID", model_field="res_model", required=True
    )
    document_currency_id = fields.Many2one("res.currency")
    document_amount = fields.Monetary(
        string="In Its Currency",
        currency_field="document_currency_id",
        help="What counts of the document, in its own currency.",
    )
    amount = fields.Monetary(help="What counts, in the currency of the company.")

    # === ACTION METHODS === #

    def action_open(self):
        """Open the document."""
        self.ensure_one()
        self.check_access("read")
        record = self.env[self.res_model].browse(self.res_id)
        if self.res_model == "account.move.line":
            record = record.move_id
        return record._get_records_action()

    # === BUSINESS METHODS === #

    @api.model
    def _make(self, profile, kinds=()):
        """Return the documents behind the exposure of a file, or some of its parts."""
        facts = (
            profile.with_company(profile.company_id)
            .env["credit.dunning.facts"]
            ._gather(
                profile.company_id,
                profile.company_id._credit_today(),
                profile.partner_id,
            )
        )
        found = self.env["credit.exposure"]._compute_exposures(
            facts, profile.partner_id
        )
        result, _limit = found[profile.partner_id.id]
        parts = [part for part in result.parts if not kinds or part.kind in kinds]
        ids = {}
        for part in parts:
            ids.setdefault(part.document[0], set()).add(part.document[1])
        described = {
            (model, id_): values
            for model, some in ids.items()
            for id_, values in self._describe_documents(model, sorted(some)).items()
        }
        # sudo: only the program makes them, for whoever was asked whether they may.
        lines_sudo = self.sudo().create(
            [
                {
                    "profile_id": profile.id,
                    "part": part.kind,
                    "part_sequence": exposure.PARTS.index(part.kind),
                    "res_model": part.document[0],
                    "res_id": part.document[1],
                    "amount": float(part.amount),
                }
                | self._weigh(described[part.document], part)
                for part in parts
            ]
        )
        return lines_sudo.sudo(False)

    @api.model
    def _weigh(self, values, part):
        """Return the values of a document, with what counts in its own currency."""
        values = dict(values)
        whole, whole_company = values.pop("whole", None), values.pop("company", None)
        if whole is not None and whole_company:
            share = float(part.amount) / whole_company
            currency = self.env["res.currency"].browse(values["document_currency_id"])
            values["document_amount"] = currency.round(whole * share)
        return values

    @api.model
    def _describe_documents(self, model, ids):
        """Return what to show of documents; extend for documents of your own.

        ``whole`` and ``company``: all that counts of it, in its currency and in that of
        the company, from which a part of it is told in its own currency.

        :return: dict id -> values
        """
        # sudo: who may read the file is told what it is made of; opening a document
        # is another matter, which the host decides.
        records_sudo = self.env[model].sudo().browse(ids)
        match model:
            case "account.move.line":
                return {
                    line.id: {
                        "name": line.move_id.name or line.name,
                        "date": line.date_maturity or line.date,
                        "document_currency_id": line.currency_id.id,
                        "whole": line.amount_residual_currency,
                        "company": line.amount_residual,
                    }
                    for line in records_sudo
                }
            case "account.move":
                return {
                    move.id: {
                        "name": move.display_name,
                        "date": move.invoice_date or move.date,
                        "document_currency_id": move.currency_id.id,
                        "whole": move.amount_total,
                        "company": move.amount_total_signed,
                    }
                    for move in records_sudo
                }
            case "credit.cover":
                return {
                    cover.id: {"name": cover._describe(), "date": cover.until}
                    for cover in records_sudo
                }
        return {
            record.id: {"name": record.display_name, "date": False}
            for record in records_sudo
        }
