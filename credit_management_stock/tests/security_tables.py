"""What the bridge opens to the outside, beside the tables of ``credit_management``."""

# Whose goods these are is the host's to say.
METHODS = {"stock.picking.button_validate": "biller"}
FIELDS_TOLD = {"stock.picking.credit_hold_note": "base.group_user"}

MODELS_OF_NOBODY = {"credit.demo.deliveries"}


def make_records(test):
    """Return a record of each model whose methods are told above."""
    warehouse = (
        test.env["stock.warehouse"]
        .sudo()
        .search([("company_id", "=", test.company.id)], limit=1)
    )
    picking = (
        test.env["stock.picking"]
        .sudo()
        .create(
            {
                "picking_type_id": warehouse.out_type_id.id,
                "company_id": test.company.id,
            }
        )
    )
    return {"stock.picking": picking}
