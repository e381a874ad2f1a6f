"""What the bridge opens to the outside, beside the tables of ``credit_management``."""

# Whose orders these are is the host's to say.
METHODS = {
    "sale.order.create": "system",
    "sale.order.line.create": "system",
    "sale.order.line.unlink": "system",
    "sale.order.line.write": "biller",
    "sale.order.unlink": "system",
    "sale.order.write": "biller",
}


def make_records(test):
    """Return a record of each model whose methods are told above."""
    order = (
        test.env["sale.order"]
        .sudo()
        .create({"partner_id": test.customer.id, "company_id": test.company.id})
    )
    line = order.order_line.create({"order_id": order.id, "name": "Goods"})
    return {"sale.order": order, "sale.order.line": line}
