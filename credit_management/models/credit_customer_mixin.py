from odoo import api, models
from odoo.exceptions import UserError, ValidationError


class CreditCustomerMixin(models.AbstractModel):
    """What is entered about a customer and counts in its figures.

    A model that uses it has a ``partner_id`` and a ``company_id``, with which a record
    stays, and says in ``_explain_stays`` what to do instead of moving one.
    """

    _name = "credit.customer.mixin"
    _description = "What Is Entered About a Customer"

    @api.constrains("partner_id")
    def _check_partner_id(self):
        for record in self:
            if record.partner_id != record.partner_id.commercial_partner_id:
                raise ValidationError(
                    self.env._(
                        "Credit is managed on %(customer)s, to which the contact"
                        " belongs. Choose that customer.",
                        customer=record.partner_id.commercial_partner_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._touch_customers()
        return records

    def write(self, vals):
        """Let everything be put right but whose it is.

        :raise UserError: another company
        """
        self.check_access("write")
        if (
            self
            and "company_id" in vals
            and self.company_id.ids != [vals["company_id"]]
        ):
            raise UserError(self._explain_stays())
        self._touch_customers()
        res = super().write(vals)
        self._touch_customers()
        return res

    def unlink(self):
        self.check_access("unlink")
        self._touch_customers()
        return super().unlink()

    def _touch_customers(self):
        """Have the figures of the customers looked at again."""
        for company, records in self.grouped("company_id").items():
            self.env["credit.profile"]._touch(company, records.partner_id)

    def _explain_stays(self):
        """Say that a record stays with its company, and what to do instead."""
        raise NotImplementedError
