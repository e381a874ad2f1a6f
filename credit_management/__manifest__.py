{
    "name": "Credit Management",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "summary": "Follow up late customers: dunning levels, runs, letters, customer page",
    "author": "Credit Management Contributors",
    "license": "LGPL-3",
    "application": True,
    "depends": ["account_payment"],
    "external_dependencies": {
        "python": ["lxml", "python-dateutil", "requests", "xlsxwriter"]
    },
    "data": [
        # Groups first: the access rights name them.
        "security/credit_management_groups.xml",
        "security/ir.model.access.csv",
        "security/credit_management_rules.xml",
        # The letter before the templates that stand in it.
        "report/credit_dunning_letter_templates.xml",
        "report/credit_statement_templates.xml",
        "report/credit_address_change_templates.xml",
        "data/mail_template_data.xml",
        "data/mail_activity_type_data.xml",
        "data/credit_dunning_policy_data.xml",
        "data/ir_cron_data.xml",
        # Wizards before the views whose buttons open them.
        "wizards/credit_dunning_letter_skip_views.xml",
        "wizards/credit_dunning_letter_preview_views.xml",
        "wizards/credit_overview_views.xml",
        "wizards/credit_statement_make_views.xml",
        "views/credit_dunning_level_views.xml",
        "views/credit_dunning_policy_views.xml",
        "views/credit_dunning_letter_views.xml",
        "views/credit_dunning_outcome_views.xml",
        "views/credit_dunning_run_views.xml",
        "views/credit_exclusion_views.xml",
        "views/credit_statement_views.xml",
        "views/credit_profile_views.xml",
        "views/account_bank_statement_line_views.xml",
        "views/account_move_views.xml",
        "views/account_move_line_views.xml",
        "views/res_partner_views.xml",
        "views/res_config_settings_views.xml",
        "views/portal_templates.xml",
        # Menus last: they open the actions above.
        "views/credit_management_menus.xml",
    ],
    "demo": ["demo/credit_demo.xml"],
    "assets": {
        "web.assets_backend": [
            "credit_management/static/src/components/**/*",
            "credit_management/static/src/scss/**/*",
        ],
        "web.assets_frontend": ["credit_management/static/src/interactions/**/*"],
        "web.assets_tests": ["credit_management/static/tests/tours/**/*"],
    },
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
}
