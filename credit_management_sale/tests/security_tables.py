"""What the bridge opens to the outside, beside the tables of ``credit_management``."""

# Whose orders these are is the host's to say.
METHODS = {
    "sale.order.create": "salesperson",
    "sale.order.line.create": "salesperson",
    "sale.order.line.unlink": "salesperson",
    "sale.order.line.write": "salesperson",
    "sale.order.unlink": "salesperson",
    "sale.order.write": "salesperson",
}
MAKES_OWN = {"sale.order.create", "sale.order.line.create"}
