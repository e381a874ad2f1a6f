from urllib.parse import urlencode

from odoo import http
from odoo.http import request
from odoo.tools import consteq, format_date

from odoo.addons.account_payment.controllers.portal import PortalAccount

from ..logic import dunning, telling

# What one table shows; the rest is summed up below it and stands in the files of the
# statement.
ROWS_SHOWN = 50
# What a row needs, read at once: the host would read every column.
LINE_FIELDS = ("move_id", "currency_id", "date", "date_maturity", "amount_currency")
MOVE_FIELDS = (
    "name",
    "state",
    "move_type",
    "payment_state",
    "payment_reference",
    "invoice_date",
    "amount_total",
    "amount_residual",
    "access_token",
    "currency_id",
    "journal_id",
    "invoice_payment_term_id",
    "partner_bank_id",
    "transaction_ids",
)
REFERENCES_SHOWN = 5
# The address of the page opens it: no index, no cache and no other site may keep it.
PRIVATE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


class CreditWords:
    """Amounts and days as the widgets of the host show them, each made once."""

    def __init__(self, env):
        self.env = env
        self.known = {}

    def money(self, amount, currency):
        """Return an amount with its currency."""
        key = (currency.id, float(amount))
        if key not in self.known:
            self.known[key] = self.env["ir.qweb.field.monetary"].value_to_html(
                float(amount), {"display_currency": currency}
            )
        return self.known[key]

    def day(self, value):
        """Return a date, or nothing where there is none."""
        if value not in self.known:
            self.known[value] = value and format_date(self.env, value)
        return self.known[value]


class CreditPortal(PortalAccount):
    """The page on which a customer sees what is open, and what comes next.

    Portal users have no access to credit files. Who may see one is decided here, by
    the customer of the login or by the token in the address; the file is then read
    with sudo, and templates get plain values, never the file itself. Nothing here
    writes, whoever asks: scanners of mail follow every link.
    """

    # === HOME === #

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "credit_overdue_count" in counters:
            partner_sudo = self._get_credit_partner()
            values["credit_overdue_count"] = sum(
                len(self._sort_credit_items(facts)["overdue"])
                for facts in (
                    self._gather_credit_facts(company_sudo, partner_sudo)
                    for company_sudo in self._get_credit_companies(partner_sudo)
                )
            )
        return values

    # === PAGES === #

    @http.route(
        "/my/credit",
        type="http",
        auth="user",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_my_credit(self, company_id=None, **kwargs):
        """Show what is open at the one company, or from which companies to choose."""
        partner_sudo = self._get_credit_partner()
        companies_sudo = self._get_credit_companies(partner_sudo)
        chosen_sudo = companies_sudo.filtered(
            lambda company_sudo: str(company_sudo.id) == company_id
        )
        if len(companies_sudo) == 1:
            chosen_sudo = companies_sudo
        if chosen_sudo:
            return self._render_credit_page(chosen_sudo, partner_sudo)
        return self._render_credit_private(
            "credit_management.portal_my_credit",
            {
                "page_name": "credit",
                "files": self._prepare_credit_files(companies_sudo, partner_sudo),
            },
        )

    @http.route(
        "/my/credit/<int:profile_id>",
        type="http",
        auth="public",
        methods=["GET"],
        website=True,
        sitemap=False,
        readonly=True,
    )
    def portal_credit_page(self, profile_id, access_token=None, **kwargs):
        """Show one credit file to its customer, or to whoever has its link."""
        profile_sudo = self._get_credit_profile(profile_id, access_token)
        if not profile_sudo:
            # The same answer whether the file exists or not.
            return self._make_credit_private(request.redirect("/my"))
        partner_sudo = profile_sudo.partner_id
        self._speak_to_visitor(partner_sudo)
        return self._render_credit_page(profile_sudo.company_id, partner_sudo)

    @http.route()
    def portal_my_overdue_invoices(self, access_token=None, **kw):
        """Override of `account_payment`: no error page where invoices do not mix."""
        Move = request.env["account.move"]
        if Move.has_access("read"):
            overdue = Move.search(self._get_overdue_invoices_domain())
            if any(
                len(overdue[name]) > 1
                for name in ("partner_id", "company_id", "currency_id")
            ):
                return request.redirect("/my/credit")
        return super().portal_my_overdue_invoices(access_token=access_token, **kw)

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        """Override of `account`: show a customer the way to all that is open."""
        values = super()._invoice_get_page_view_values(invoice, access_token, **kwargs)
        is_own = invoice.commercial_partner_id == self._get_credit_partner()
        if is_own and invoice.is_sale_document(include_receipts=True):
            values["credit_url"] = f"/my/credit?company_id={invoice.company_id.id}"
        return values

    def _overdue_invoices_get_page_view_values(self, overdue_invoices, **kwargs):
        """Override of `account_payment`: ask for what is open, not for the totals."""
        values = super()._overdue_invoices_get_page_view_values(
            overdue_invoices, **kwargs
        )
        if "payment" in values:
            residual = sum(overdue_invoices.mapped("amount_residual"))
            amount = values["payment"]["currency"].round(residual)
            values["amount"] = values["payment"]["amount"] = amount
        return values

    # === WHO MAY SEE WHAT === #

    def _get_credit_partner(self):
        """Return the customer whose login this is; empty for employees and guests."""
        user = request.env.user
        # sudo: portal users may be contacts who cannot read their own company.
        partner_sudo = user.partner_id.sudo().commercial_partner_id
        return partner_sudo if user._is_portal() else partner_sudo.browse()

    def _get_credit_profile(self, profile_id, access_token):
        """Return the credit file, with sudo, that the visitor may see, or none."""
        # sudo: who may see the file is checked below, and by nothing else.
        Profile_sudo = request.env["credit.profile"].sudo()
        profile_sudo = Profile_sudo.search([("id", "=", profile_id)])
        own_sudo = self._get_credit_partner()
        is_own = own_sudo and own_sudo == profile_sudo.partner_id.commercial_partner_id
        if is_own or self._is_credit_token(profile_sudo, access_token):
            return profile_sudo
        return Profile_sudo

    def _is_credit_token(self, record_sudo, access_token):
        """Say whether a token opens a record, whatever was sent as a token."""
        token = record_sudo.access_token
        if not token or not isinstance(access_token, str):
            return False
        # ``consteq`` fails on text that is not ASCII; no token is.
        return access_token.isascii() and consteq(token, access_token)

    def _find_credit_profile(self, company_sudo, partner_sudo):
        """Return the credit file, with sudo, of a customer who was proved already."""
        return (
            request.env["credit.profile"]
            .sudo()  # sudo: only its address is told, to whom the page is shown
            .search(
                [
                    ("company_id", "=", company_sudo.id),
                    ("partner_id", "=", partner_sudo.id),
                ]
            )
        )

    def _get_credit_companies(self, partner_sudo):
        """Return the companies, with sudo, at which the customer has items open."""
        # sudo: invoices of companies that the login does not belong to are theirs too.
        groups = (
            request.env["account.move.line"]
            .sudo()
            ._read_group(
                [
                    ("partner_id", "in", partner_sudo.ids),
                    ("account_id.account_type", "=", "asset_receivable"),
                    ("parent_state", "=", "posted"),
                    ("reconciled", "=", False),
                    ("amount_residual_currency", "!=", 0),
                ],
                ["company_id"],
            )
        )
        company_ids = [company.id for (company,) in groups]
        companies_sudo = request.env["res.company"].sudo().browse(company_ids)
        return companies_sudo.sorted("name")

    def _speak_language_of(self, partner_sudo):
        """Answer a guest in the customer's language, as the letter did.

        If the site offers it: the layout of the host fails on any other.
        """
        code = request.env["ir.http"].get_nearest_lang(partner_sudo.lang)
        if code:
            request.update_context(lang=code)

    def _speak_to_visitor(self, partner_sudo):
        """Answer a guest in the customer's language; a login has one of its own."""
        if request.env.user._is_public():
            self._speak_language_of(partner_sudo)

    # === WHAT THE PAGE SHOWS === #

    def _prepare_credit_files(self, companies_sudo, partner_sudo):
        """Return what to choose from: a line for each company, an amount a currency."""
        # sudo: of the files of the visitor's own customer, only the address is told.
        profiles_sudo = (
            request.env["credit.profile"]
            .sudo()
            .search(
                [
                    ("partner_id", "=", partner_sudo.id),
                    ("company_id", "in", companies_sudo.ids),
                ]
            )
        )
        url_of = {
            profile_sudo.company_id: profile_sudo.access_url
            for profile_sudo in profiles_sudo
        }
        files = []
        for company_sudo in companies_sudo:
            facts = self._gather_credit_facts(company_sudo, partner_sudo)
            sections = self._prepare_credit_sections(company_sudo, facts)
            files.append(
                {
                    "company_name": company_sudo.name,
                    # The file is made by a job: until then the company does as well.
                    "url": url_of.get(
                        company_sudo, f"/my/credit?company_id={company_sudo.id}"
                    ),
                    "amounts": [
                        {key: section[key] for key in ("currency", "totals")}
                        for section in sections
                    ],
                }
            )
        return files

    def _prepare_credit_page_values(self, company_sudo, partner_sudo):
        """Return the values of the page; extend it to show more.

        Plain values only: scores, notes, policies and reasons are for the house. The
        file itself, with sudo, and the facts are for those who extend this; no template
        gets them.
        """
        facts = self._gather_credit_facts(company_sudo, partner_sudo)
        decisions = dict(facts.decide())
        stops = self._describe_credit_stops(facts, decisions)
        return {
            "profile_sudo": self._find_credit_profile(company_sudo, partner_sudo),
            "facts": facts,
            "page_name": "credit",
            "credit_company_name": company_sudo.name,
            # The head of the page carries the logo of the company that is owed.
            "res_company": company_sudo,
            "customer_name": partner_sudo.name,
            "today": facts.today,
            "sections": self._prepare_credit_sections(company_sudo, facts),
            "next_step": self._describe_credit_next_step(facts, decisions),
            "stops": stops["customer"],
            "stops_of_items": stops["items"],
            "reminder_contacts": {
                item.contact
                for customer in facts.customers.values()
                for item in customer.items
            },
            "contact": {
                "email": company_sudo.email,
                "phone": company_sudo.phone,
            },
        }

    def _gather_credit_facts(self, company_sudo, partner_sudo):
        """Return the facts from which dunning claims, so that the amounts agree."""
        return (
            request.env["credit.dunning.facts"]
            # sudo: the facts of one customer, whose page it is.
            .sudo()
            .with_company(company_sudo)
            ._gather(company_sudo, company_sudo._credit_today(), partner_sudo)
        )

    def _sort_credit_items(self, facts):
        """Return the items of the one customer by the table in which they belong."""
        kinds = {"overdue": [], "upcoming": [], "in_process": [], "paid_out": []}
        for customer in facts.customers.values():
            for item in customer.items:
                if item.withheld and any(
                    held.reason == dunning.REFUND_UNMATCHED for held in item.withheld
                ):
                    kind = "paid_out"
                elif item.residual <= item.under_way:
                    kind = "in_process"
                elif item.due_date and item.due_date < facts.today:
                    kind = "overdue"
                else:
                    kind = "upcoming"
                kinds[kind].append(item)
        return kinds

    def _prepare_credit_sections(self, company_sudo, facts):
        """Return the tables and totals of each currency; currencies never mix."""
        kinds = self._sort_credit_items(facts)
        credits_ = [
            credit
            for customer in facts.customers.values()
            for credit in customer.credits
        ]
        everything = [item for items in kinds.values() for item in items] + credits_
        sections = []
        for currency in (
            request.env["res.currency"]
            .browse(dict.fromkeys(record.currency for record in everything))
            .sorted("name")
        ):
            in_currency = {
                kind: [item for item in items if item.currency == currency.id]
                for kind, items in kinds.items()
            }
            in_currency["credits"] = [
                credit for credit in credits_ if credit.currency == currency.id
            ]
            sections.append(
                self._prepare_credit_section(company_sudo, facts, currency, in_currency)
            )
        return sections

    def _prepare_credit_section(self, company_sudo, facts, currency, kinds):
        """Return the tables, the totals and the way to pay of one currency."""
        invoices_paid_here = set()  # the first row of an invoice has its button
        read = self._read_credit_lines(kinds)
        tables = {
            kind: self._prepare_credit_table(facts, items, read, invoices_paid_here)
            for kind, items in kinds.items()
        }
        amounts = {
            kind: sum(map(self._get_open_amount, items), dunning.ZERO)
            for kind, items in kinds.items()
        }
        owed = amounts["overdue"] + amounts["upcoming"] + amounts["paid_out"]
        disputed = sum(
            (self._get_disputed_amount(facts, item) for item in kinds["overdue"]),
            dunning.ZERO,
        )
        planned = sum(
            (self._get_planned_amount(facts, item) for item in kinds["overdue"]),
            dunning.ZERO,
        )
        totals = {
            "overdue": amounts["overdue"],
            "credits": amounts["credits"],
            # As a letter would claim it.
            "to_pay": max(
                amounts["overdue"] - disputed - planned - amounts["credits"],
                dunning.ZERO,
            ),
            "disputed": disputed,
            "planned": planned,
            "upcoming": amounts["upcoming"],
            "paid_out": amounts["paid_out"],
            "balance": owed - amounts["credits"],
            "in_process": sum(
                (
                    item.under_way
                    for kind in kinds
                    if kind != "credits"
                    for item in kinds[kind]
                ),
                dunning.ZERO,
            ),
        }
        return {
            "currency": currency,
            "tables": tables,
            "totals": {key: float(amount) for key, amount in totals.items()},
            "pay": self._prepare_credit_payment(
                company_sudo, facts, currency, kinds["overdue"] or kinds["upcoming"]
            ),
        }

    def _get_open_amount(self, item):
        """Return what is open of an item, or the amount of a credit."""
        if isinstance(item, dunning.Credit):
            return item.amount
        return max(item.residual - item.under_way, dunning.ZERO)

    def _get_disputed_amount(self, facts, item):
        """Return what is in dispute of what is open of an item: nobody asks for it."""
        if isinstance(item, dunning.Credit):
            return dunning.ZERO
        disputed = dunning.get_disputed(item, facts.today)
        return min(disputed, self._get_open_amount(item))

    def _get_planned_amount(self, facts, item):
        """Return what a running plan asks for in parts, of what is open of an item."""
        planned = facts.planned.get(item.ref, dunning.ZERO)
        return min(planned, self._get_asked_amount(facts, item))

    def _get_asked_amount(self, facts, item):
        """Return what is open of an item and not in dispute."""
        return self._get_open_amount(item) - self._get_disputed_amount(facts, item)

    def _read_credit_lines(self, kinds):
        """Return what the tables show of the ledger, read for all of them at once.

        :return: dict of the lines by id, with sudo, which instalment each is, and the
            invoices that the login may open without a token
        """
        shown = [item.ref for items in kinds.values() for item in items[:ROWS_SHOWN]]
        # sudo: the items are the customer's own; rows hold what a customer may see.
        lines_sudo = request.env["account.move.line"].sudo().browse(shown)
        lines_sudo.fetch(LINE_FIELDS)
        moves_sudo = lines_sudo.move_id
        moves_sudo.fetch(MOVE_FIELDS)
        readable = request.env["account.move"]
        if not request.env.user._is_public():
            readable = readable.browse(moves_sudo.ids)._filtered_access("read")
        return {
            "lines": {line_sudo.id: line_sudo for line_sudo in lines_sudo},
            "instalments": self._get_credit_instalments(lines_sudo),
            "readable": set(readable.ids),
            "say": CreditWords(request.env),
        }

    def _prepare_credit_table(self, facts, items, read, invoices_paid_here):
        """Return the rows of a table, and what the rows left out come to."""
        shown, rest = items[:ROWS_SHOWN], items[ROWS_SHOWN:]
        rows = []
        for item in shown:
            line_sudo = read["lines"][item.ref]
            row = self._prepare_credit_row(
                facts, item, line_sudo, read["readable"], invoices_paid_here
            )
            row |= self._prepare_credit_words(read["say"], item, line_sudo)
            disputed = self._get_disputed_amount(facts, item)
            row["disputed_text"] = disputed and read["say"].money(
                disputed, line_sudo.currency_id
            )
            row["is_planned"] = item.ref in facts.planned
            row["instalment"], row["instalment_count"] = read["instalments"][item.ref]
            rows.append(row)
        return {
            "rows": rows,
            "rest_count": len(rest),
            "rest_amount": float(
                sum(
                    (self._get_open_amount(i) or i.under_way for i in rest),
                    dunning.ZERO,
                )
            ),
        }

    def _prepare_credit_row(self, facts, item, line_sudo, readable, invoices_paid_here):
        """Return what a row says of an item or of a credit."""
        move_sudo = line_sudo.move_id
        due_date = line_sudo.date_maturity
        url = self._get_credit_invoice_url(move_sudo, readable)
        open_amount = self._get_open_amount(item)
        in_process = getattr(item, "under_way", dunning.ZERO)
        payable = self._can_pay_credit_item(item, line_sudo)
        can_pay = bool(url and payable and move_sudo not in invoices_paid_here)
        if can_pay:
            invoices_paid_here.add(move_sudo)
        return {
            "ref": line_sudo.id,
            "name": move_sudo.name,
            "reference": move_sudo.payment_reference,
            "is_credit_note": move_sudo.move_type == "out_refund",
            "is_payment": move_sudo.journal_id.type in ("bank", "cash", "credit"),
            "url": url,
            "item": payable
            and self._get_asked_amount(facts, item) > 0
            and not self._has_credit_discount(facts, move_sudo)
            and line_sudo.id,
            "pay_url": can_pay and self._get_credit_pay_url(url),
            "date": move_sudo.invoice_date or line_sudo.date,
            "due_date": due_date,
            "days_late": max((facts.today - due_date).days, 0) if due_date else 0,
            "original_amount": abs(line_sudo.amount_currency),
            "in_process": float(in_process),
            "open_amount": float(open_amount),
        }

    def _can_pay_credit_item(self, item, line_sudo):
        """Tell whether an item may be paid online.

        With a payment in process the host would ask for more than what is open.
        """
        return bool(
            not isinstance(item, dunning.Credit)
            and self._get_open_amount(item) > 0
            and not item.under_way
            and line_sudo.move_id._has_to_be_paid()
        )

    def _has_credit_discount(self, facts, move_sudo):
        """Tell whether paying now costs less: then the invoice's own page asks less."""
        return (
            move_sudo.invoice_payment_term_id.early_discount
            and move_sudo._is_eligible_for_early_payment_discount(
                move_sudo.currency_id, facts.today
            )
        )

    def _prepare_credit_words(self, say, item, line_sudo):
        """Return amounts and days of a row as they are shown, twice at most each."""
        move_sudo, currency_sudo = line_sudo.move_id, line_sudo.currency_id
        in_process = getattr(item, "under_way", dunning.ZERO)
        return {
            "date_text": say.day(move_sudo.invoice_date or line_sudo.date),
            "due_text": say.day(line_sudo.date_maturity),
            "original_text": say.money(abs(line_sudo.amount_currency), currency_sudo),
            "in_process_text": in_process and say.money(in_process, currency_sudo),
            "open_text": say.money(self._get_open_amount(item), currency_sudo),
        }

    def _get_credit_instalments(self, lines_sudo):
        """Return, by line, which instalment of its invoice it is, and of how many."""
        terms_sudo = lines_sudo.search_fetch(
            [
                ("move_id", "in", lines_sudo.move_id.ids),
                ("display_type", "=", "payment_term"),
            ],
            ["move_id", "date", "date_maturity"],
        ).sorted(lambda term: (term.date_maturity or term.date, term.id))
        found = dict.fromkeys(lines_sudo.ids, (1, 1))
        for of_move_sudo in terms_sudo.grouped("move_id").values():
            for number, term_id in enumerate(of_move_sudo.ids, start=1):
                if term_id in found:
                    found[term_id] = (number, len(of_move_sudo))
        return found

    def _get_credit_invoice_url(self, move_sudo, readable):
        """Return the address of an invoice, if the visitor may open it.

        A token that exists is used; a page that is only read makes none.
        """
        if not move_sudo.is_sale_document(include_receipts=True):
            return False
        if move_sudo.id in readable:
            return move_sudo.access_url
        if move_sudo.access_token:
            return move_sudo.get_portal_url()
        return False

    def _get_credit_pay_url(self, url):
        """Return where the host opens its payment form for an invoice."""
        return f"{url}{'&' if '?' in url else '?'}payment=True#portal_pay"

    def _prepare_credit_payment(self, company_sudo, facts, currency, items):
        """Return to which account to pay, and what to write on the payment."""
        if not items:
            return None
        # Those that the table shows: of thousands, only the count matters.
        documents = list(dict.fromkeys(item.document for item in items))[:ROWS_SHOWN]
        # sudo: a customer may know where to pay, and its own invoice numbers.
        moves_sudo = request.env["account.move"].sudo().browse(documents)
        letter_sudo = (
            request.env["credit.dunning.letter"]
            .sudo()
            .new({"company_id": company_sudo.id, "currency_id": currency.id})
        )
        bank_sudo = moves_sudo.partner_bank_id[:1] or letter_sudo._choose_bank_account()
        if len(moves_sudo) == 1:
            references = [moves_sudo.payment_reference or moves_sudo.name]
        else:
            references = moves_sudo.mapped("name")
        return {
            "acc_number": bank_sudo.acc_number,
            "bank_name": bank_sudo.bank_name,
            "bank_bic": bank_sudo.bank_bic,
            "holder": bank_sudo.acc_holder_name or company_sudo.name,
            "reference": (
                ", ".join(references) if len(references) <= REFERENCES_SHOWN else False
            ),
        }

    def _may_credit_be_chased(self, facts):
        """Tell whether anything goes out at all: else nothing is announced."""
        return facts.company.credit_mode == "live" and not facts.company.credit_stopped

    def _describe_credit_next_step(self, facts, decisions):
        """Say when the next message goes, in words, or nothing if none is due to go."""
        if not self._may_credit_be_chased(facts):
            return False
        Profile_sudo = request.env["credit.profile"].sudo()
        for partner_id, decision in decisions.items():
            step = Profile_sudo._find_next_step(facts, partner_id, decision)
            day = step.get("next_action_date")
            level_sudo = (
                request.env["credit.dunning.level"]
                .sudo()
                .browse(step.get("next_level_id") or [])
            )
            if not day or not level_sudo._writes_to_customer():
                continue
            policy_sudo, _origin = facts.policies[partner_id]
            if day <= facts.today and not policy_sudo.automatic:
                continue  # it waits for a person, nobody knows how long
            return request.env._(
                "If we receive no payment, the next message goes out on %(day)s.",
                day=format_date(request.env, day),
            )
        return False

    def _describe_credit_stops(self, facts, decisions):
        """Say what keeps reminders from going, where the customer may know it.

        :return: dict of sentences about the customer, and of words by item
        """
        stops = {"customer": [], "items": {}}
        if not self._may_credit_be_chased(facts):
            return stops
        for partner_id, decision in decisions.items():
            customer = facts.customers[partner_id]
            for reason, until in telling.find_customer_stops(
                customer, decision, facts.today
            ):
                stops["customer"].append(self._say_credit_stop(reason, until))
            for ref, (reason, until) in telling.find_item_stops(
                decision, facts.today
            ).items():
                stops["items"][ref] = self._say_credit_stop(reason, until)
        return stops

    def _say_credit_stop(self, reason, until):
        """Put what stops reminders into words that are meant for the customer."""
        day = until and format_date(request.env, until)
        match reason:
            case dunning.PAUSED if day:
                return request.env._("We send you no reminders until %(day)s.", day=day)
            case dunning.PAUSED:
                return request.env._("We send you no reminders at the moment.")
            case dunning.PAYMENT_UNDER_WAY:
                return request.env._(
                    "A payment is in process: no reminder goes for what it pays."
                )
            case dunning.RECEIPT_UNMATCHED:
                return request.env._(
                    "We received money from you that we are still matching with your"
                    " invoices: no reminder goes until that is done."
                )
            case dunning.NET_CREDIT:
                return request.env._(
                    "Your credits cover what is overdue: no reminder goes."
                )
            case dunning.UNDELIVERABLE:
                return request.env._(
                    "Our last message did not reach you. Please tell us which address"
                    " is right."
                )
            case dunning.DISPUTED:
                return request.env._("We are looking into your question")
            case dunning.DISPUTE_ANSWERED if day:
                return request.env._("We answered: please pay by %(day)s", day=day)
            case dunning.PROMISED:
                return request.env._("You promised to pay: no reminder goes meanwhile")
            case dunning.PLANNED:
                return request.env._("You pay it in parts: no reminder goes meanwhile")
            case dunning.EXCLUDED if day:
                return request.env._("No reminder until %(day)s", day=day)
        return request.env._("No reminder at the moment")

    # === ANSWERS === #

    def _render_credit_page(self, company_sudo, partner_sudo, **more):
        values = self._prepare_credit_page_values(company_sudo, partner_sudo) | more
        del values["profile_sudo"], values["facts"]
        return self._render_credit_private(
            "credit_management.portal_credit_page", values
        )

    def _render_credit_private(self, template, values):
        values = self._prepare_portal_layout_values() | values
        # The host says the language of a page only with its website.
        values["html_data"] = {"lang": request.env.lang.replace("_", "-")}
        return self._make_credit_private(request.render(template, values))

    def _all_or_nothing(self):
        """Take back what was begun where it ends in an error that the page shows.

        The host commits what a page has written, however it answers.
        """
        return request.env.cr.savepoint()

    def _make_credit_private(self, response):
        response.headers.update(PRIVATE_HEADERS)
        return response

    def _make_credit_file(self, content, filename, mimetype="application/pdf"):
        """Answer with a file that no cache keeps and no browser takes for a page."""
        headers = {
            "Content-Type": mimetype,
            "Content-Disposition": http.content_disposition(filename),
            "X-Content-Type-Options": "nosniff",
            **PRIVATE_HEADERS,
        }
        return request.make_response(content, headers=list(headers.items()))

    def _get_credit_address(self, path, **query):
        """Return an address that what opened the page opens, too."""
        query["access_token"] = request.params.get("access_token")
        query = {key: value for key, value in query.items() if value}
        return f"{path}?{urlencode(query)}" if query else path
