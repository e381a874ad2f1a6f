{
    "name": "Credit Management: Deliveries",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "summary": "Deliveries wait when a credit rule says so",
    "author": "Credit Management Contributors",
    "license": "LGPL-3",
    "depends": ["credit_management_sale", "sale_stock"],
    "data": ["views/stock_picking_views.xml"],
    "demo": ["demo/credit_demo.xml"],
    "auto_install": True,
}
