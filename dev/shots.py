"""Which pictures `make pictures` takes: a table, one line a picture.

To add one, add a line: a name, who looks, where, and what is clicked first. ``{names}``
in an address are numbers that the scene writes down
(`scripts/pictures_scene.py`, `find_records`).
"""

from dataclasses import dataclass

WIDE, NARROW = "wide", "narrow"
BOTH = (WIDE, NARROW)


@dataclass(frozen=True)
class Shot:
    """One picture, in each of its widths."""

    name: str  # of the file
    where: str  # path of the server, or `pdf:` and a path, or `mail:` and a key
    login: str = "accountant"  # nobody when empty
    steps: tuple = ()  # of (verb, words): button, click, fill, press, wait, scroll
    widths: tuple = BOTH
    lang: str = "en_US"
    company: str = "usd"  # or eur, or usd-eur: the companies that are active
    tall: bool = False  # as high as what it shows, not only the first screen
    there: str = ""  # what must be on the screen before it counts as opened

    def file(self, width):
        """Return the name of the file, from `static/description` on.

        >>> Shot("run", "odoo/dunning-runs").file(NARROW)
        'narrow/run.png'
        """
        return f"narrow/{self.name}.png" if width == NARROW else f"{self.name}.png"


LIST = ".o_list_view, .o_kanban_view"
FORM = ".o_form_view"
REPORT = ".o_graph_view, .o_pivot_view, .o_list_view, .o_kanban_view"
MODAL = ".modal .o_form_view"
PAGE = ".o_credit_portal"

SHOTS = (
    # The day of an accountant.
    Shot("customers", "odoo/credit-customers", there=LIST),
    Shot(
        "customers_cards",
        "odoo/credit-customers?view_type=kanban",
        there=".o_kanban_view",
        widths=(WIDE,),
    ),
    Shot("customer", "odoo/credit-customers/{late_profile}", there=FORM, tall=True),
    Shot("work_list", "odoo/credit-work", there=LIST),
    Shot("credit_reports", "odoo/credit-reports", widths=(WIDE,)),
    Shot("scores", "odoo/credit-scores", widths=(WIDE,)),
    Shot(
        "call",
        "odoo/credit-customers/{late_profile}",
        there=FORM,
        steps=(("button", "button:has-text('Log a Call')"), ("wait", MODAL)),
    ),
    Shot(
        "pause",
        "odoo/credit-customers/{late_profile}",
        there=FORM,
        steps=(("button", "button:has-text('Pause')"), ("wait", MODAL)),
    ),
    Shot(
        "next_letter",
        "odoo/credit-customers/{german_profile}",
        there=FORM,
        company="eur",
        steps=(("button", "button:has-text('Preview Next Letter')"), ("wait", MODAL)),
        tall=True,
    ),
    Shot(
        "timeline",
        "odoo/credit-customers/{late_profile}",
        there=FORM,
        steps=(("click", ".o_notebook .nav-link:has-text('Timeline')"),),
        tall=True,
    ),
    Shot("calls", "odoo/credit-calls", there=LIST, widths=(WIDE,)),
    Shot("runs", "odoo/dunning-runs", there=LIST, company="usd-eur"),
    Shot(
        "run",
        "odoo/dunning-runs/{review_run}",
        there=FORM,
        company="eur",
        tall=True,
    ),
    Shot(
        "letters",
        "odoo/dunning-letters",
        there=LIST,
        company="eur",
        steps=(
            ("click", ".o_searchview_dropdown_toggler"),
            ("click", ".o_group_by_menu .o_menu_item:has-text('Level')"),
            ("press", "Escape"),
        ),
        widths=(WIDE,),
    ),
    Shot("letter", "odoo/dunning-letters/{sent_letter}", there=FORM, tall=True),
    Shot(
        "preview",
        "odoo/dunning-letters/{review_letter}",
        there=FORM,
        company="eur",
        steps=(("button", "button[name=action_preview]"), ("wait", MODAL)),
        tall=True,
    ),
    Shot("trouble", "odoo/dunning-trouble", there=LIST, company="usd-eur"),
    Shot("to_print", "odoo/dunning-letters-to-print", there=LIST, company="usd-eur"),
    Shot("why_not_chased", "odoo/why-not-chased", there=LIST),
    Shot("exclusions", "odoo/dunning-exclusions", there=LIST),
    Shot("messages", "odoo/credit-messages", there=LIST, company="usd-eur"),
    Shot("promises", "odoo/promises", there=LIST),
    Shot("limit_requests", "odoo/credit-limits", "creditmanager", there=LIST),
    Shot("holds", "odoo/credit-holds", there=LIST, company="usd-eur"),
    Shot("hold", "odoo/credit-holds/{asked_hold}", there=FORM, tall=True),
    Shot(
        "credit_rules", "odoo/credit-rules", "creditmanager", there=LIST, widths=(WIDE,)
    ),
    Shot("order_on_hold", "odoo/sales/{held_order}", "seller", there=FORM),
    Shot("disputes", "odoo/disputes", there=".o_kanban_view"),
    Shot("dispute", "odoo/disputes/{late_dispute}", there=FORM, tall=True),
    Shot("dispute_cost", "odoo/dispute-cost", there=".o_graph_view", widths=(WIDE,)),
    Shot(
        "dispute_reasons",
        "odoo/dispute-reasons",
        "creditmanager",
        there=LIST,
        widths=(WIDE,),
    ),
    Shot(
        "dispute_page",
        "my/disputes/{portal_dispute}",
        "customer",
        there=PAGE,
        tall=True,
    ),
    Shot(
        "dispute_form",
        "my/invoices/{portal_invoice}/dispute",
        "customer",
        there=PAGE,
        tall=True,
    ),
    Shot("plans", "odoo/payment-plans", there=".o_kanban_view"),
    Shot("plan", "odoo/payment-plans/{late_plan}", there=FORM, tall=True),
    Shot(
        "plan_make",
        "odoo/payment-plans/{asked_plan}",
        there=FORM,
        steps=(
            ("button", "button:has-text('Propose Another')"),
            ("wait", MODAL),
        ),
    ),
    Shot(
        "plan_offers",
        "odoo/payment-plan-offers",
        "creditmanager",
        there=LIST,
        widths=(WIDE,),
    ),
    Shot(
        "plan_page", "my/payment-plans/{portal_plan}", "customer", there=PAGE, tall=True
    ),
    Shot("plan_form", "my/{plan_form}", "", there=PAGE, tall=True),
    Shot(
        "plan_pdf",
        "pdf:report/pdf/credit_management.report_credit_payment_plan/{portal_plan}",
        widths=(WIDE,),
    ),
    Shot(
        "absences", "odoo/credit-absences", "creditmanager", there=LIST, widths=(WIDE,)
    ),
    Shot(
        "opened_and_settled",
        "odoo/disputes-opened-and-settled",
        there=REPORT,
        widths=(WIDE,),
    ),
    Shot("statements", "odoo/credit-statements", there=LIST),
    Shot(
        "statement_make",
        "odoo/credit-customers/{portal_profile}",
        there=FORM,
        steps=(
            ("button", "button:has-text('Statement of Account')"),
            ("wait", MODAL),
        ),
        widths=(WIDE,),
    ),
    # What customers may owe.
    Shot(
        "exposure",
        "odoo/credit-customers/{insured_profile}",
        there=FORM,
        company="eur",
        steps=(
            ("click", ".o_notebook a:has-text('Exposure and Limit')"),
            ("scroll", ".o_notebook"),
        ),
    ),
    Shot(
        "insurance", "odoo/credit-insurance", there=LIST, company="eur", widths=(WIDE,)
    ),
    Shot("groups", "odoo/credit-groups", there=LIST, company="eur", widths=(WIDE,)),
    Shot("group", "odoo/credit-groups/{group}", there=FORM, company="eur"),
    # Reports.
    Shot("report_letters", "odoo/credit-letter-report", there=REPORT),
    Shot("report_overdue", "odoo/credit-overdue-report", there=REPORT),
    # Where an accountant already is.
    Shot("invoice", "odoo/customer-invoices/{late_invoice}", there=FORM),
    Shot("contact", "odoo/customers/{late_partner}", there=FORM),
    Shot("dashboard", "odoo/accounting", there=".o_kanban_view", login="admin"),
    # Configuration.
    Shot(
        "policies",
        "odoo/dunning-policies",
        login="creditmanager",
        there=LIST,
        widths=(WIDE,),
    ),
    Shot(
        "policy",
        "odoo/dunning-policies/{policy}",
        login="creditmanager",
        there=FORM,
        tall=True,
    ),
    Shot(
        "texts", "odoo/dunning-texts", login="creditmanager", there=LIST, widths=(WIDE,)
    ),
    Shot("settings", "odoo/credit-settings", login="admin", there=FORM, tall=True),
    Shot("guided_start", "odoo/credit-start", login="admin", there=FORM, tall=True),
    # In German.
    Shot(
        "customer_de",
        "odoo/credit-customers/{german_profile}",
        there=FORM,
        company="eur",
        lang="de_DE",
        widths=(WIDE,),
        tall=True,
    ),
    Shot(
        "run_de",
        "odoo/dunning-runs/{review_run}",
        there=FORM,
        company="eur",
        lang="de_DE",
        widths=(WIDE,),
        tall=True,
    ),
    # The customer.
    Shot("portal_home", "my", login="customer", there=".o_portal_my_home"),
    Shot("customer_page", "my/{portal_page}", login="", there=PAGE, tall=True),
    Shot(
        "customer_page_de",
        "my/{german_page}",
        login="",
        lang="de_DE",
        there=PAGE,
        widths=(WIDE,),
        tall=True,
    ),
    Shot(
        "pay",
        "my/{portal_page}",
        login="",
        there=PAGE,
        steps=(("click", "form[name=pay_overdue] button"), ("wait", "[name=chosen]")),
        tall=True,
    ),
    # This one pays: with `KEEP=1` nothing is left to pay for it and the one before.
    Shot(
        "paid",
        "my/{portal_page}",
        login="",
        there=PAGE,
        steps=(
            ("click", "form[name=pay_overdue] button"),
            ("wait", "[name=chosen]"),
            ("fill", "input[name=customer_input]", "4111 1111 1111 1111"),
            ("click", "button[name=o_payment_submit_button]"),
            ("wait", "[name=o_payment_status_alert]"),
        ),
        widths=(WIDE,),
    ),
    # What leaves.
    Shot("mail_en", "mail:{mail_en}", login="", tall=True),
    Shot("mail_nl", "mail:{mail_nl}", login="", tall=True, widths=(WIDE,)),
    Shot("mail_de", "mail:{mail_de}", login="", tall=True, widths=(WIDE,)),
    Shot("mail_fr", "mail:{mail_fr}", login="", tall=True, widths=(WIDE,)),
    Shot(
        "letter_pdf",
        "pdf:report/pdf/credit_management.report_credit_dunning_letter/{sent_letter}",
        widths=(WIDE,),
    ),
    Shot(
        "statement_pdf",
        "pdf:report/pdf/credit_management.report_credit_statement/{statement}",
        widths=(WIDE,),
    ),
    # At the end: by then the jobs of the server have run, and no alarm says otherwise.
    Shot("overview", "odoo/credit-overview", there=FORM, company="eur", tall=True),
    Shot(
        "overview_de",
        "odoo/credit-overview",
        there=FORM,
        company="eur",
        lang="de_DE",
        widths=(WIDE,),
        tall=True,
    ),
)
