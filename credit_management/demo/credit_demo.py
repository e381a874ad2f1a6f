import logging
import time
from datetime import timedelta

from odoo import Command, api, fields, models

from . import people, story
from .bookkeeping import Bookkeeper

_logger = logging.getLogger(__name__)

QUIET = {  # nobody is told of what is built here
    "tracking_disable": True,
    "mail_create_nosubscribe": True,
    "mail_create_nolog": True,
    "mail_notrack": True,
    "no_reset_password": True,
}
DOLLARS_FOR_A_EURO = (1.04, 1.08, 1.12, 1.09, 1.15, 1.17)  # month by month, in turn
KEPT_NAMES = "__credit_management_demo__"  # while the add-on is not installed
VAT_RATE = 21
BANK_ACCOUNT = "NL91 ABNA 0417 1643 00"  # the specimen of the Dutch IBAN
INVOICE_MAILBOX = {
    "en_US": "payables",
    "nl_NL": "crediteuren",
    "de_DE": "buchhaltung",
    "fr_FR": "comptabilite",
}


class CreditDemo(models.AbstractModel):
    """Builds the demo: two companies, their customers, and 18 months of business.

    What it builds is told in `story` and `people`; `bookkeeping` enters it.
    """

    _name = "credit.demo"
    _description = "Demo Data of Credit Management"

    @api.model
    def _build(self):
        """Build it all, once. Every date is relative to today."""
        self._take_back()
        if self.env.ref("credit_management.demo_company_eur", raise_if_not_found=False):
            return
        start = time.monotonic()
        try:
            self.with_context(**QUIET)._build_everything(
                fields.Date.context_today(self)
            )
            self._count_invoices()
            self.env.flush_all()
        except Exception:
            self._uncounted_invoices().clear()
            raise
        _logger.info("Demo built in %.1f s", time.monotonic() - start)

    def _build_everything(self, today):
        self._activate_languages()
        companies = {
            people.USD: self._prepare_company_usd(),
            people.EUR: self._create_company_eur(),
        }
        self._create_rates(companies.values(), today)
        users = self._create_users(companies)
        terms = self._create_terms()
        products = self._create_products(companies)
        partners = self._create_customers(companies, terms, users["seller"])
        self._create_portal_user(companies[people.USD], partners["portal"])
        invoices = story.tell()
        for books, company in companies.items():
            self._book(
                Bookkeeper(books, company, today, partners, products, terms),
                [invoice for invoice in invoices if invoice.books == books],
            )
        self._insure(companies[people.EUR], partners, today)
        (partners["archived"] + partners["archived"].child_ids).action_archive()
        partners["bounced"].message_bounce = 4

    def _activate_languages(self):
        """Activate the customers' languages, with the host's terms in them."""
        languages = self.env["res.lang"].with_context(active_test=False)
        languages.search([("code", "in", people.LANGUAGES)]).action_unarchive()

    def _count_invoices(self):
        """Count the invoices per customer now, not after the commit as the host does.

        Demo data that fail are rolled back, and their customers with them; counting
        for those afterwards would stop the installation itself.
        """
        counts = self._uncounted_invoices()
        for partner in self.env["res.partner"].browse(counts):
            partner.customer_rank += counts[partner.id]
        counts.clear()

    def _uncounted_invoices(self):
        """Return what the host is to count after the commit, by id of the customer."""
        key = "account.res.partner.increase_rank.customer_rank"
        return self.env.cr.postcommit.data.get(key, {})

    # === COMING AND GOING === #

    @api.model
    def _let_go(self):
        """Leave the demo to its companies when the add-on is uninstalled.

        The host deletes what has an XML id of the add-on: users and posted invoices
        would go, but not the customers or the company.
        """
        self._move_names("credit_management", KEPT_NAMES)

    @api.model
    def _take_back(self):
        """Take back what an earlier installation of the add-on left behind."""
        names = self._move_names(KEPT_NAMES, "credit_management").grouped("model")
        for model, records in names.items():
            records = self.env[model].browse(records.mapped("res_id")).exists()
            if model == "res.users":
                for user in records.filtered(lambda user: user.login in people.USERS):
                    _name, groups = people.USERS[user.login]
                    user.group_ids += self._find_groups(*groups)
            elif model == "res.partner":
                contacts = records.child_ids.filtered(lambda one: one.type == "other")
                contacts.type = "dunning"

    def _move_names(self, module, other_module):
        """Give the XML ids of the demo to another module; return them."""
        names = self.env["ir.model.data"].search(
            [("module", "=", module), ("name", "=like", r"demo\_%")]
        )
        names.module = other_module
        names.flush_recordset()  # they are looked up by SQL
        return names

    # === COMPANIES === #

    def _prepare_company_usd(self):
        """Return the main company, able to invoice."""
        company = self.env.ref("base.main_company")
        if not company.chart_template:
            self._load_chart(company)
        company.account_use_credit_limit = True
        return company

    def _create_company_eur(self):
        """Return a new company in the Netherlands, with its chart and its bank."""
        netherlands, euro = self.env.ref("base.nl"), self.env.ref("base.EUR")
        euro.active = True
        # In a running database a company in a country would install that country's
        # localization, in the middle of this; not so in install mode.
        company = (
            self.env["res.company"]
            .with_context(install_mode=True)
            .create(
                {
                    "name": "Lage Landen Trading BV",
                    "street": "Veemarktkade 8",
                    "zip": "5222 AE",
                    "city": "'s-Hertogenbosch",
                    "country_id": netherlands.id,
                    "currency_id": euro.id,
                }
            )
        )
        self._load_chart(company)
        company.write(
            {
                # The generic chart makes every company American.
                "currency_id": euro.id,
                "account_fiscal_country_id": netherlands.id,
                "account_use_credit_limit": True,
                # Only now: a new company with an address would be looked up online.
                "email": "info@lage-landen.example.com",
                "phone": people.PHONES["NL"].format(10),
            }
        )
        company.partner_id.write({"lang": "nl_NL", "tz": "Europe/Amsterdam"})
        self._make_taxes_dutch(company)
        self.env["account.journal"].with_company(company).search(
            [("company_id", "=", company.id), ("type", "=", "bank")], limit=1
        ).set_bank_account(BANK_ACCOUNT)
        self.env.ref("base.user_admin").company_ids += company
        self._name_records({"company_eur": company})
        return company

    def _load_chart(self, company):
        # Not `try_loading`: while the registry loads it wants the host's own demo
        # invoices in every company, and warns without them.
        self.env["account.chart.template"]._load("generic_coa", company, False)

    def _make_taxes_dutch(self, company):
        """Turn the sample taxes of the generic chart into Dutch VAT."""
        country = company.account_fiscal_country_id
        env = company.with_company(company).env
        groups = env["account.tax.group"].search([("company_id", "=", company.id)])
        groups.country_id = country
        taxes = env["account.tax"].search([("company_id", "=", company.id)])
        taxes.country_id = country
        usual = taxes.filtered("amount")
        usual.amount = VAT_RATE
        for lang, _name in env["res.lang"].get_installed():
            usual.with_context(lang=lang).name = f"{VAT_RATE}%"
            usual.tax_group_id.with_context(lang=lang).name = f"{VAT_RATE}%"
        env["account.fiscal.position"].search(
            [("company_id", "=", company.id), ("country_id", "!=", False)]
        ).country_id = country

    def _create_rates(self, companies, today):
        """Give each company the rates of the other's currency for 19 months."""
        dollar, euro = self.env.ref("base.USD"), self.env.ref("base.EUR")
        values = []
        for company in companies:
            own = company.currency_id
            if own not in (dollar, euro):
                continue
            other = dollar if own == euro else euro
            for month in range(20):
                rate = DOLLARS_FOR_A_EURO[month % len(DOLLARS_FOR_A_EURO)]
                day = today - timedelta(days=30 * month)
                for currency, value in (
                    (own, 1),
                    (other, rate if own == euro else 1 / rate),
                ):
                    values.append(
                        {
                            "company_id": company.id,
                            "currency_id": currency.id,
                            "name": day,
                            "rate": value,
                        }
                    )
        self.env["res.currency.rate"].create(values)

    # === PEOPLE === #

    def _create_users(self, companies):
        """Return the users by login; the password is the login."""
        users = {}
        for login, (name, groups) in people.USERS.items():
            users[login] = self.env["res.users"].create(
                {
                    "name": name,
                    "login": login,
                    "password": login,
                    "email": f"{login}@lage-landen.example.com",
                    "lang": "en_US",
                    "tz": "Europe/Amsterdam",
                    "company_id": companies[people.USD].id,
                    "company_ids": [
                        Command.set([one.id for one in companies.values()])
                    ],
                    "group_ids": [
                        Command.set(self._find_groups("base.group_user", *groups).ids)
                    ],
                }
            )
        self._name_records({f"user_{login}": user for login, user in users.items()})
        return users

    def _insure(self, company, partners, today):
        """Insure two customers, one no more, enter reports, and make a group."""
        self.env["credit.cover"].create(
            [
                {
                    "name": "POL-2231-07",
                    "provider": "Atlas Kreditversicherung",
                    "partner_id": partners["bergmann"].id,
                    "company_id": company.id,
                    "amount": 50000,
                    "percentage": 90,
                    "since": today - timedelta(days=200),
                    "until": today + timedelta(days=165),
                },
                {
                    "name": "POL-2231-02",
                    "provider": "Atlas Kreditversicherung",
                    "partner_id": partners["rheinufer"].id,
                    "company_id": company.id,
                    "amount": 20000,
                    "percentage": 85,
                    "since": today - timedelta(days=400),
                    "until": today - timedelta(days=35),
                },
                {
                    "name": "G-118",
                    "kind": "guarantee",
                    "provider": "Volksbank Mosel",
                    "partner_id": partners["lindenhof"].id,
                    "company_id": company.id,
                    "amount": 5000,
                },
            ]
        )
        self.env["credit.bureau.report"].create(
            [
                {
                    "source": "Handelsauskunft Rhein",
                    "partner_id": partners["bergmann"].id,
                    "company_id": company.id,
                    "date": today - timedelta(days=75),
                    "has_rating": True,
                    "rating": 78,
                    "limit_amount": 60000,
                    "equity_amount": 840000,
                    "working_capital_amount": 310000,
                },
                {
                    "source": "Kredietbureau Zuid",
                    "partner_id": partners["debolder"].id,
                    "company_id": company.id,
                    "date": today - timedelta(days=20),
                    "has_rating": True,
                    "rating": 22,
                    "limit_amount": 1500,
                    "note": "Two payment defaults registered this year.",
                },
            ]
        )
        parent = self.env["res.partner"].create(
            {
                "name": "Rhein-Main Beteiligungen GmbH",
                "is_company": True,
                "street": "Mainzer Landstraße 301",
                "zip": "60326",
                "city": "Frankfurt am Main",
                "country_id": self.env.ref("base.de").id,
                "lang": "de_DE",
            }
        )
        for member in partners["bergmann"] + partners["rheinufer"]:
            # The host gives who gets a parent the parent's address.
            address = {name: member[name] for name in ("street", "zip", "city")}
            country = member.country_id
            member.parent_id = parent
            member.write(address | {"country_id": country.id})
        self._name_records({"partner_parent": parent})
        self.env["credit.group"].create(
            {
                "partner_id": parent.id,
                "company_ids": [Command.set(company.ids)],
                "currency_id": company.currency_id.id,
                "credit_limit": 75000,
            }
        )

    def _find_groups(self, *xmlids):
        groups = self.env["res.groups"]
        for xmlid in xmlids:
            groups += self.env.ref(xmlid, raise_if_not_found=False) or groups.browse()
        return groups

    def _create_customers(self, companies, terms, salesperson):
        """Return the customers, with their contacts, by key."""
        customers = people.CUSTOMERS
        records = self.env["res.partner"].create(
            [
                self._prepare_customer_values(customer, number, salesperson)
                for number, customer in enumerate(customers)
            ]
        )
        partners = {
            customer.key: partner
            for customer, partner in zip(customers, records, strict=True)
        }
        self.env["res.partner"].create(
            [
                values
                for customer in customers
                for values in self._prepare_contacts_values(
                    customer, partners[customer.key]
                )
            ]
        )
        for customer in customers:
            for books in customer.books:
                # Limits that were filled in before: nobody asked for them here.
                partners[customer.key].with_company(companies[books]).with_context(
                    credit_limit_door=True
                ).write(
                    {
                        "property_payment_term_id": terms[customer.term].id,
                        "credit_limit": customer.limit,
                        "trust": customer.trust,
                    }
                )
        self._name_records({f"partner_{key}": one for key, one in partners.items()})
        return partners

    def _prepare_customer_values(self, customer, number, salesperson):
        if customer.email == "info":
            email = f"info@{customer.domain}"
        else:
            email = customer.email
        return {
            **self._prepare_address_values(customer),
            "name": customer.name,
            "is_company": bool(customer.contacts),
            "lang": customer.lang,
            "email": email,
            "phone": people.PHONES[customer.address[3]].format(100 + number),
            "ref": f"C{1001 + number}",
            "user_id": salesperson.id if number % 2 else False,
        }

    def _prepare_address_values(self, customer):
        street, zip_code, city, country_code, *state = customer.address
        country = self.env["res.country"].search([("code", "=", country_code)])
        return {
            "street": street,
            "zip": zip_code,
            "city": city,
            "country_id": country.id,
            "state_id": country.state_ids.filtered(lambda one: [one.code] == state).id,
        }

    def _prepare_contacts_values(self, customer, partner):
        """Return the buyer, accounts payable, and who handles reminders, if any."""
        kinds = ("contact", "invoice", "dunning")
        for kind, name in zip(kinds, customer.contacts, strict=False):
            mailbox = people.slug(name).replace("-", ".")
            values = {
                "parent_id": partner.id,
                "type": kind,
                "name": name,
                "lang": customer.lang,
            }
            if kind == "invoice":
                mailbox = INVOICE_MAILBOX[customer.lang]
                values["function"] = people.ACCOUNTS_PAYABLE[customer.lang]
            if kind != "contact":  # contacts share the address of their company
                values |= self._prepare_address_values(customer)
            if customer.email == "info":
                values["email"] = f"{mailbox}@{customer.domain}"
            yield values

    def _create_portal_user(self, company, partner):
        """Let the buyer of that customer log in on the portal."""
        user = self.env["res.users"].create(
            {
                "partner_id": partner.child_ids.filtered(
                    lambda one: one.type == "contact"
                )[:1].id,
                "login": "customer",
                "password": "customer",
                "company_id": company.id,
                "company_ids": [Command.set(company.ids)],
                "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
            }
        )
        self._name_records({"user_customer": user})

    # === CATALOGUE AND TERMS === #

    def _create_products(self, companies):
        """Return the products by key, named in every language."""
        taxes = [company.account_sale_tax_id.id for company in companies.values()]
        records = self.env["product.product"].create(
            [
                {
                    "name": product.name,
                    "type": product.kind,
                    "list_price": product.price,
                    "taxes_id": [Command.set([tax for tax in taxes if tax])],
                    "supplier_taxes_id": [Command.clear()],
                }
                for product in people.PRODUCTS
            ]
        )
        products = {}
        for product, record in zip(people.PRODUCTS, records, strict=True):
            names = dict(zip(people.LANGUAGES, product.names, strict=True))
            record.product_tmpl_id.update_field_translations("name", names)
            products[product.key] = record
        self._name_records({f"product_{key}": one for key, one in products.items()})
        return products

    def _create_terms(self):
        """Return the payment terms by key: the host's own, and one in instalments."""
        instalments = self.env["account.payment.term"].create(
            {
                "name": "3 instalments: 30, 60 and 90 days",
                "note": "Payment terms: 40% after 30 days, 30% after 60 and 90 days",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": share, "nb_days": days}
                    )
                    for days, share in people.TERMS["instalments"]
                ],
            }
        )
        self._name_records({"term_instalments": instalments})
        return {
            "instalments": instalments,
            **{
                key: self.env.ref(f"account.account_payment_term_{key}days")
                for key in people.TERMS
                if key != "instalments"
            },
        }

    # === BUSINESS === #

    def _book(self, keeper, invoices):
        """Enter the story of one company: goods, credit notes, money, odd cases."""
        moves = keeper.invoice(invoices)
        named = {
            invoice.name: move
            for invoice, move in zip(invoices, moves, strict=True)
            if invoice.name
        }
        self._name_records({f"invoice_{name}": move for name, move in named.items()})
        keeper.take_back(invoices, moves)
        self._book_credit_notes(keeper, named)
        keeper.receive(invoices, moves)
        for invoice, move in zip(invoices, moves, strict=True):
            if invoice.flag == "no_followup":
                move.no_followup = True
            elif invoice.flag == "blocked":
                move.action_toggle_block_payment()
        self._book_receipts(keeper, moves)

    def _book_credit_notes(self, keeper, named):
        """Enter the credit notes that are not simply goods of one invoice."""
        notes = [one for one in story.CREDIT_NOTES if one.books == keeper.books]
        moves = keeper.credit(
            [
                (
                    keeper.partner(note.customer),
                    note.day,
                    note.amount,
                    self.env["account.tax"],
                    named.get(note.applied_to),
                )
                for note in notes
            ]
        )
        self._name_records(
            {
                f"credit_note_{note.name}": move
                for note, move in zip(notes, moves, strict=True)
            }
        )

    def _book_receipts(self, keeper, moves):
        """Enter the money that nobody has matched with an invoice yet."""
        for receipt in story.UNAPPLIED_RECEIPTS:
            if receipt.books != keeper.books:
                continue
            partner = keeper.partner(receipt.customer)
            overdue = moves.filtered(
                lambda move, customer=partner: (
                    move.commercial_partner_id == customer
                    and move.invoice_date_due < keeper.today
                    and move.amount_residual
                )
            )
            amount = receipt.amount or sum(overdue.mapped("amount_residual"))
            reference = " ".join(overdue.mapped("name"))
            receive = (
                keeper.receive_unmatched
                if receipt.in_bank
                else keeper.receive_unapplied
            )
            record = receive(partner, receipt.day, amount, reference)
            self._name_records({f"receipt_{receipt.customer}": record})

    def _name_records(self, records):
        """Give records an XML id of the add-on, each beginning with `demo_`."""
        self.env["ir.model.data"]._update_xmlids(
            [
                {
                    "xml_id": f"credit_management.demo_{name}",
                    "record": record,
                    "noupdate": True,
                }
                for name, record in records.items()
            ]
        )
