from odoo import api, fields, models
from odoo.tools import format_amount

SELLERS = "sales_team.group_sale_salesman"


class ResPartner(models.Model):
    """Tells who sells whether another order of a customer would go on, and why not."""

    _inherit = "res.partner"

    credit_room = fields.Selection(
        [("yes", "Yes"), ("no", "No")],
        compute="_compute_credit_room",
        string="Room for Orders",
        groups=SELLERS,
        help="Whether another order on credit would go on, however small it is.",
    )
    credit_room_note = fields.Char(compute="_compute_credit_room", groups=SELLERS)

    # === COMPUTE METHODS === #

    @api.depends("commercial_partner_id")
    @api.depends_context("uid", "company", "lang")
    def _compute_credit_room(self):
        """Ask the rules as they are now, a check a customer: for a form, not a list."""
        self.credit_room = self.credit_room_note = False
        company = self.env.company
        if self.env["sale.order"]._get_company_credit_mode(company) == "off":
            return
        check = self.env["credit.check"]
        for partner in self:
            customer = partner._origin.commercial_partner_id
            if not customer:
                continue
            result = check._check_customer(company, customer)
            is_used_up = result.room is not None and result.room <= 0
            partner.credit_room = "no" if result.holds or is_used_up else "yes"
            partner.credit_room_note = partner._describe_credit_room(result, is_used_up)

    def _describe_credit_room(self, result, is_used_up):
        """Say why there is no room, what is on hold, and whom to ask.

        Amounts only where the company lets salespeople see them.
        """
        company = result.company
        # sudo: what salespeople see is a choice of the company.
        sees = (
            self.env["sale.order"]._sees_credit() or company.sudo().credit_sales_amounts
        )
        lines = []
        if result.holds:
            lines += self.env["credit.check"]._list_reasons(result, sees)
        elif is_used_up:
            lines.append(self.env._("The credit limit is used up"))
        elif sees and result.room is not None:
            room = format_amount(self.env, float(result.room), company.currency_id)
            lines.append(self.env._("%(amount)s free", amount=room))
        held = self._find_held_orders(company, result.customer)
        if held:
            names = ", ".join(held.mapped("name"))
            lines.append(self.env._("On hold: %(orders)s", orders=names))
        if result.holds or is_used_up or held:
            name = self._find_credit_adviser(company, result.customer)
            lines.append(self.env._("Ask %(name)s", name=name))
        return " · ".join(lines)

    @api.model
    def _find_held_orders(self, company, customer):
        """Return the orders of a customer on hold, of those that one may read."""
        # sudo: whoever sells may know that an order is on hold.
        holds_sudo = (
            self.env["credit.hold"]
            .sudo()
            .search(
                [
                    ("company_id", "=", company.id),
                    ("partner_id", "=", customer.id),
                    ("state", "=", "held"),
                    ("res_model", "=", "sale.order"),
                ]
            )
        )
        orders = self.env["sale.order"].browse(holds_sudo.mapped("res_id"))
        return orders.exists()._filtered_access("read")

    @api.model
    def _find_credit_adviser(self, company, customer):
        """Return the name of who knows about the credit of a customer."""
        # sudo: whom to ask is told to whoever sells; the file is not.
        company_sudo = company.sudo()
        profile_sudo = (
            self.env["credit.profile"]
            .sudo()
            .search(
                [("company_id", "=", company.id), ("partner_id", "=", customer.id)],
                limit=1,
            )
        )
        people = company_sudo.credit_hold_user_id
        people |= profile_sudo.user_id | company_sudo.credit_user_id
        person = profile_sudo._find_person(company_sudo, people)
        return self.env._("accounting") if person == self.env.user else person.name
