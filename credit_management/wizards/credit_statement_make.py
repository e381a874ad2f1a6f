import base64

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class CreditStatementMake(models.TransientModel):
    """Makes statements of account for the customers chosen, to print, keep or send."""

    _name = "credit.statement.make"
    _description = "Make Statements of Account"

    profile_ids = fields.Many2many(
        "credit.profile",
        string="Customers",
        required=True,
        default=lambda self: self._default_profile_ids(),
    )
    kind = fields.Selection(
        selection=lambda self: self._selection_kind(), default="open", required=True
    )
    date_from = fields.Date(
        string="From", default=lambda self: self._default_date_from()
    )
    date_to = fields.Date(
        string="Until", required=True, default=lambda self: self._default_date_to()
    )
    only_overdue = fields.Boolean(default=False, string="Overdue Items Only")
    note = fields.Text(string="Remark")
    without_email_count = fields.Integer(compute="_compute_without_email_count")
    file_data = fields.Binary(readonly=True)
    file_name = fields.Char(readonly=True)

    @api.model
    def _default_profile_ids(self):
        if self.env.context.get("active_model") == "credit.profile":
            return self.env.context.get("active_ids")
        return []

    @api.model
    def _selection_kind(self):
        return (
            self.env["credit.statement"]
            ._fields["kind"]
            ._description_selection(self.env)
        )

    @api.model
    def _default_date_from(self):
        return self.env.company._credit_today() + relativedelta(month=1, day=1)

    @api.model
    def _default_date_to(self):
        return self.env.company._credit_today()

    @api.depends("profile_ids")
    def _compute_without_email_count(self):
        facts = self.env["credit.dunning.facts"]
        for wizard in self:
            contact_ids = []
            for company, profiles in wizard.profile_ids.grouped("company_id").items():
                rows = [
                    {"customer_id": partner.id, "move_partner_id": partner.id}
                    for partner in profiles.partner_id
                ]
                contact_ids += facts._get_contacts(rows, company).values()
            contacts = self.env["res.partner"].browse(contact_ids)
            wizard.without_email_count = len(
                contacts.filtered(lambda contact: not contact.email_normalized)
            )

    def action_print(self):
        """Make the statements and show them as one PDF."""
        return self._make().action_print()

    def action_export(self):
        """Make the statements and hand out a workbook."""
        statements = self._make()
        name = statements._get_filename("xlsx") if len(statements) == 1 else None
        self.write(
            {
                "file_data": base64.b64encode(statements._render_xlsx()),
                "file_name": name or f"{self.env._('Statements')}.xlsx",
            }
        )
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/file_data"
            "?download=true&filename_field=file_name",
            "target": "download",
        }

    def action_send(self):
        """Make the statements and put them into the queue."""
        statements = self._make()
        statements.action_send()
        count = len(statements)
        missing = len(self.profile_ids - statements.profile_id)
        message = self.env._("%(count)s statements are on their way.", count=count)
        if missing:
            message = self.env._(
                "%(count)s statements are on their way. For %(missing)s customers none"
                " could be made: there is a task on their credit files.",
                count=count,
                missing=missing,
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if missing else "success",
                "message": message,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _make(self):
        self.ensure_one()
        self.profile_ids.check_access("read")
        if not self.profile_ids:
            raise UserError(self.env._("Choose at least one customer."))
        statements, errors = self.env["credit.statement"]._create_each(
            [
                {
                    "profile_id": profile.id,
                    "kind": self.kind,
                    "date_from": self.date_from if self.kind == "activity" else False,
                    "date_to": self.date_to,
                    "only_overdue": self.only_overdue,
                    "note": self.note,
                }
                for profile in self.profile_ids
            ]
        )
        if not statements:
            raise UserError("\n".join(errors))
        return statements
