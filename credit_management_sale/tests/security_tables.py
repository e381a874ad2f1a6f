"""What the bridge opens to the outside, beside the tables of ``credit_management``."""

# Whose orders these are is the host's to say.
METHODS = {
    "credit.hold.ask.action_ask": "system",
    "sale.order.action_credit_ask": "biller",
    "sale.order.action_view_credit_hold": "collector",
    "sale.order.create": "system",
    "sale.order.line.create": "system",
    "sale.order.line.unlink": "system",
    "sale.order.line.write": "biller",
    "sale.order.unlink": "system",
    "sale.order.write": "biller",
}

# That an order is on hold, and what of it whoever sells may know.
FIELDS_TOLD = {
    "account.payment.term.credit_passes": "base.group_user",
    "res.partner.credit_room": "sales_team.group_sale_salesman",
    "res.partner.credit_room_note": "sales_team.group_sale_salesman",
    "sale.order.credit_checked_amount": "base.group_user",
    "sale.order.credit_hold_note": "base.group_user",
    "sale.order.credit_hold_state": "base.group_user",
    "sale.order.credit_status": "base.group_user",
}

MODELS_OF_NOBODY = {"credit.demo.orders"}
MODELS_TOLD = {"credit.hold.ask": "sales_team.group_sale_salesman"}
MODELS_WITH_OWN_RULE = {"credit.hold.ask": "user.id"}


def make_records(test):
    """Return a record of each model whose methods are told above."""
    order = (
        test.env["sale.order"]
        .sudo()
        .create({"partner_id": test.customer.id, "company_id": test.company.id})
    )
    line = order.order_line.create({"order_id": order.id, "name": "Goods"})
    ask = test.env["credit.hold.ask"].sudo().create({"order_id": order.id, "text": "x"})
    return {"sale.order": order, "sale.order.line": line, "credit.hold.ask": ask}
