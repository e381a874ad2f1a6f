{
    "name": "Credit Management: Sales",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "summary": "Orders that are not invoiced yet are part of what a customer may owe",
    "author": "Credit Management Contributors",
    "license": "LGPL-3",
    "depends": ["credit_management", "sale"],
    "data": ["views/credit_profile_views.xml"],
    "auto_install": True,
    "post_init_hook": "post_init_hook",
}
