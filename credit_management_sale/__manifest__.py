{
    "name": "Credit Management: Sales",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "summary": "Orders in the exposure, and on hold when a credit rule says so",
    "author": "Credit Management Contributors",
    "license": "LGPL-3",
    "depends": ["credit_management", "sale"],
    "data": [
        "security/ir.model.access.csv",
        "security/credit_management_sale_rules.xml",
        "wizards/credit_hold_ask_views.xml",
        "views/account_payment_term_views.xml",
        "views/credit_profile_views.xml",
        "views/sale_order_views.xml",
        "views/portal_templates.xml",
    ],
    "demo": ["demo/credit_demo.xml"],
    "assets": {
        "web.assets_tests": ["credit_management_sale/static/tests/tours/**/*"],
    },
    "auto_install": True,
    "post_init_hook": "post_init_hook",
}
