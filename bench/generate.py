"""A ledger of any size, as true as the host would have written it, in seconds.

The host itself makes and posts one document of each kind. Its rows are then copied set
by set in SQL with other partners, numbers, days and amounts, so that every column the
host fills is filled, in this version of the host and in the next. What is copied is
checked: see ``check.py``.

Sizes count open receivable items. Ten a customer, a quarter of them overdue; every
second customer has an invoice in two instalments, every fifth a credit note that
nobody applied, every tenth a contact of its own on some invoices.
"""

from datetime import timedelta

from odoo import Command

ITEMS_A_CUSTOMER = 10
TERM_DAYS = 30
LATE_DAYS = 60  # an overdue item is late by one to so many days
PLAIN, INSTALMENTS, CREDIT = "plain", "instalments", "credit"
PROTOTYPE_AMOUNT = 200.0
# Columns of money: as a share of the total, the copies get the same share of theirs.
MOVE_MONEY = (
    "amount_untaxed",
    "amount_total",
    "amount_residual",
    "amount_untaxed_signed",
    "amount_untaxed_in_currency_signed",
    "amount_total_signed",
    "amount_total_in_currency_signed",
    "amount_residual_signed",
)
LINE_MONEY = (
    "debit",
    "credit",
    "balance",
    "amount_currency",
    "amount_residual",
    "amount_residual_currency",
    "price_unit",
    "price_subtotal",
    "price_total",
)


class Generator:
    """Fills one company with customers and open items.

    :param items: how many open receivable items
    :param tag: tells the customers of one call from those of another
    """

    def __init__(self, env, company, items, tag="A"):
        context = {"tracking_disable": True, "allowed_company_ids": company.ids}
        self.env = env(context=dict(env.context, **context))
        self.cr = env.cr
        self.company = company
        self.customers = items // ITEMS_A_CUSTOMER
        self.tag = tag
        self.today = company._credit_today()
        self.columns = {}

    def run(self):
        """Make everything; the caller commits."""
        self.make_prototypes()
        self.plan()
        self.copy_partners()
        self.copy_moves()
        self.copy_lines()
        self.drop_prototypes()
        self.env.invalidate_all()

    # === PROTOTYPES === #

    def make_prototypes(self):
        """Let the host make a customer, its contact, and a document of each kind."""
        languages = self.env["res.lang"].search([], order="id").mapped("code")
        self.languages = languages
        partners = self.env["res.partner"]
        self.customer = partners.create(
            {
                "name": "Prototype",
                "is_company": True,
                "email": "prototype@example.com",
                "lang": languages[0],
                "country_id": self.env.ref("base.us").id,
                "street": "1 Long Street",
                "city": "Springfield",
                "zip": "12345",
                "customer_rank": 1,
            }
        )
        self.contact = partners.create(
            {
                "name": "Contact",
                "parent_id": self.customer.id,
                "email": "contact@example.com",
                "lang": languages[0],
                "type": "contact",
            }
        )
        terms = self.make_terms()
        self.documents = {
            PLAIN: self.make_document("out_invoice", terms[PLAIN]),
            INSTALMENTS: self.make_document("out_invoice", terms[INSTALMENTS]),
            CREDIT: self.make_document("out_refund", False),
        }
        self.env.flush_all()
        self.prefixes = {k: move.sequence_prefix for k, move in self.documents.items()}
        for move in self.documents.values():
            self.give_number_back(move)

    def give_number_back(self, move):
        """Call a prototype something else, so that no number is lost when it goes."""
        names = {"old": move.name, "new": f"PROTOTYPE/{move.id}", "id": move.id}
        self.cr.execute(
            """
            UPDATE account_move SET name = %(new)s, sequence_number = 0
             WHERE id = %(id)s;
            UPDATE account_move_line
               SET move_name = %(new)s, name = replace(name, %(old)s, %(new)s)
             WHERE move_id = %(id)s;
            """,
            names,
        )

    def make_terms(self):
        """Return a payment term of one date and one of two."""

        def line(percent, days):
            return Command.create(
                {"value": "percent", "value_amount": percent, "nb_days": days}
            )

        make = self.env["account.payment.term"].create
        return {
            PLAIN: make({"name": "One date", "line_ids": [line(100, TERM_DAYS)]}),
            INSTALMENTS: make(
                {
                    "name": "Two dates",
                    "line_ids": [line(50, TERM_DAYS), line(50, 2 * TERM_DAYS)],
                }
            ),
        }

    def make_document(self, move_type, term):
        """Return a posted document of one line, without tax."""
        move = self.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": self.customer.id,
                "invoice_date": self.today - timedelta(days=TERM_DAYS),
                "invoice_payment_term_id": term and term.id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Work as agreed",
                            "quantity": 1,
                            "price_unit": PROTOTYPE_AMOUNT,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
            }
        )
        move.action_post()
        return move

    def drop_prototypes(self):
        """Take the documents of the prototypes out of the ledger again."""
        ids = [move.id for move in self.documents.values()]
        self.cr.execute("DELETE FROM account_move_line WHERE move_id = ANY(%s)", [ids])
        self.cr.execute("DELETE FROM account_move WHERE id = ANY(%s)", [ids])

    # === THE PLAN: WHO OWES WHAT, AND SINCE WHEN === #

    def plan(self):
        """Write down all customers, documents and items to come, in temporary tables.

        Nothing is random: the same size makes the same ledger. Of those that can be
        late 27 in 100 are, which makes a quarter of all.
        """
        self.cr.execute(
            """
            DROP TABLE IF EXISTS plan_customer, plan_item, plan_document;
            CREATE TEMPORARY TABLE plan_customer AS
                SELECT k, nextval('res_partner_id_seq')::int AS id,
                       CASE WHEN k %% 10 = 1
                            THEN nextval('res_partner_id_seq')::int END AS contact_id
                  FROM generate_series(1, %(customers)s) AS k;
            CREATE TEMPORARY TABLE plan_item AS
                SELECT k, slot, kind, late, is_second,
                       5000 + mix / 7 %% 195000 AS cents,
                       -- both instalments belong to one document
                       CASE WHEN is_second THEN slot - 1 ELSE slot END AS first_slot
                  FROM (
                    SELECT k, slot, mix,
                           slot = 1 AND k %% 2 = 0 AS is_second,
                           CASE WHEN slot < 2 AND k %% 2 = 0 THEN %(instalments)s
                                WHEN slot = 9 AND k %% 5 = 0 THEN %(credit)s
                                ELSE %(plain)s END AS kind,
                           CASE WHEN slot = 1 AND k %% 2 = 0 OR mix %% 100 >= 27
                                     THEN -(mix / 100 %% (%(term)s + 1))
                                WHEN slot = 0 AND k %% 2 = 0
                                     THEN 1 + mix / 100 %% (%(term)s - 1)
                                ELSE 1 + mix / 100 %% %(late)s END AS late
                      FROM (
                        SELECT k, slot,
                               abs(hashint4(k * 10 + slot) / 2)::int AS mix
                          FROM generate_series(1, %(customers)s) AS k,
                               generate_series(0, 9) AS slot
                      ) AS mixed
                  ) AS shaped;
            CREATE TEMPORARY TABLE plan_document AS
                SELECT nextval('account_move_id_seq')::int AS id, document.*
                  FROM (
                SELECT k, first_slot, kind,
                       -- equal instalments: no rounding to share out
                       CASE WHEN kind = %(instalments)s THEN 2 * MIN(cents)
                            ELSE MIN(cents) END / 100.0 AS total,
                       -- credit notes are due at once
                       %(today)s::date - MAX(late)
                         - CASE WHEN kind = %(credit)s THEN 0 ELSE %(term)s END
                           AS invoice_date
                  FROM plan_item
              GROUP BY k, first_slot, kind
              ORDER BY invoice_date, k) AS document;
            ALTER TABLE plan_document ADD due date, ADD number int,
                                      ADD name varchar, ADD prefix varchar;
            UPDATE plan_document SET
                   invoice_date = LEAST(invoice_date, %(today)s),
                   due = LEAST(invoice_date, %(today)s)
                       + CASE kind WHEN %(plain)s THEN %(term)s
                                   WHEN %(instalments)s THEN 2 * %(term)s ELSE 0 END;
            """,
            {
                "customers": self.customers,
                "today": self.today,
                "late": LATE_DAYS,
                "term": TERM_DAYS,
                "plain": PLAIN,
                "instalments": INSTALMENTS,
                "credit": CREDIT,
            },
        )
        self.number()
        self.cr.execute("ANALYZE plan_customer, plan_item, plan_document")

    def number(self):
        """Give the documents the numbers the host would go on with."""
        for kind in (PLAIN, CREDIT):
            move = self.documents[kind]
            self.cr.execute(
                """
                WITH numbered AS (
                    SELECT id,
                           regexp_replace(%(prefix)s, '[0-9]{4}',
                               extract(year FROM invoice_date)::text) AS prefix,
                           row_number() OVER (
                               PARTITION BY extract(year FROM invoice_date)
                                   ORDER BY invoice_date, id) AS number
                      FROM plan_document
                     WHERE (kind = 'credit') = (%(kind)s = 'credit')
                )
                UPDATE plan_document document
                   SET prefix = numbered.prefix,
                       number = numbered.number + used.number,
                       name = numbered.prefix
                           || lpad((numbered.number + used.number)::text,
                                   greatest(5, length(
                                       (numbered.number + used.number)::text)), '0')
                  FROM numbered,
                       LATERAL (SELECT COALESCE(MAX(sequence_number), 0) AS number
                                  FROM account_move
                                 WHERE journal_id = %(journal)s
                                   AND sequence_prefix = numbered.prefix) AS used
                 WHERE document.id = numbered.id
                """,
                {
                    "prefix": self.prefixes[kind],
                    "kind": kind,
                    "journal": move.journal_id.id,
                },
            )

    # === COPIES === #

    def copy(self, table, changed, source):
        """Copy prototype rows, ``proto`` in ``source``, with some columns changed.

        :param changed: dict column -> SQL expression; the other columns stay
        """
        columns = self.get_columns(table)
        values = [changed.get(column, f'proto."{column}"') for column in columns]
        names = ", ".join(f'"{column}"' for column in columns)
        self.cr.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {source}"
        )

    def get_columns(self, table):
        """Return the columns of a table."""
        self.cr.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s"
            " AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [table],
        )
        return [name for (name,) in self.cr.fetchall()]

    def copy_partners(self):
        """Write customers with address and language, and some contacts."""
        languages = ", ".join(f"'{code}'" for code in self.languages)
        language = f"(ARRAY[{languages}])[1 + plan.k % {len(self.languages)}]"
        name = f"'Customer {self.tag}' || plan.k"
        email = f"'customer.{self.tag.lower()}' || plan.k || '@example.com'"
        self.copy(
            "res_partner",
            {
                "id": "plan.id",
                "name": name,
                "complete_name": name,
                "commercial_company_name": name,
                "commercial_partner_id": "plan.id",
                "email": email,
                "email_normalized": email,
                "lang": language,
            },
            "plan_customer plan"
            f" JOIN res_partner proto ON proto.id = {self.customer.id}"
            " ORDER BY plan.k",
        )
        contact = f"'contact.{self.tag.lower()}' || plan.k || '@example.com'"
        self.copy(
            "res_partner",
            {
                "id": "plan.contact_id",
                "parent_id": "plan.id",
                "complete_name": f"{name} || ', ' || proto.name",
                "commercial_company_name": name,
                "commercial_partner_id": "plan.id",
                "email": contact,
                "email_normalized": contact,
                "lang": language,
            },
            f"plan_customer plan JOIN res_partner proto ON proto.id = {self.contact.id}"
            " WHERE plan.contact_id IS NOT NULL ORDER BY plan.k",
        )

    def copy_moves(self):
        """Write the documents; three of a contact's customer name the contact."""
        partner = (
            "CASE WHEN document.first_slot BETWEEN 2 AND 4"
            " THEN COALESCE(customer.contact_id, customer.id) ELSE customer.id END"
        )
        changed = {
            "id": "document.id",
            "name": "document.name",
            "payment_reference": "CASE WHEN proto.payment_reference IS NOT NULL"
            " THEN document.name END",
            "sequence_number": "document.number",
            "sequence_prefix": "document.prefix",
            "partner_id": partner,
            "partner_shipping_id": partner,
            "commercial_partner_id": "customer.id",
            "invoice_partner_display_name": "partner.complete_name",
            "date": "document.invoice_date",
            "invoice_date": "document.invoice_date",
            "invoice_date_due": "document.due",
            "delivery_date": "CASE WHEN proto.delivery_date IS NOT NULL"
            " THEN document.invoice_date END",
            "taxable_supply_date": "CASE WHEN proto.taxable_supply_date IS NOT NULL"
            " THEN document.invoice_date END",
            "access_token": "NULL",
        }
        changed |= {
            name: f"proto.{name} / {PROTOTYPE_AMOUNT} * document.total"
            for name in MOVE_MONEY
        }
        for kind, move in self.documents.items():
            self.copy(
                "account_move",
                self.as_money("account_move", changed, MOVE_MONEY),
                "plan_document document"
                " JOIN plan_customer customer ON customer.k = document.k"
                f" JOIN res_partner partner ON partner.id = {partner}"
                f" JOIN account_move proto ON proto.id = {move.id}"
                f" WHERE document.kind = '{kind}' ORDER BY document.id",
            )

    def copy_lines(self):
        """Write the items and the lines against them."""
        due = (
            "CASE WHEN proto.display_type != 'payment_term' THEN NULL"
            " WHEN proto.date_maturity = proto_move.invoice_date_due"
            " THEN document.due"
            f" ELSE document.invoice_date + {TERM_DAYS} END"
        )
        changed = {
            "id": "nextval('account_move_line_id_seq')",
            "move_id": "document.id",
            "move_name": "document.name",
            "name": "replace(proto.name, proto_move.name, document.name)",
            "partner_id": "customer.id",
            "date": "document.invoice_date",
            "invoice_date": "document.invoice_date",
            "date_maturity": due,
        }
        changed |= {
            name: f"proto.{name} / {PROTOTYPE_AMOUNT} * document.total"
            for name in LINE_MONEY
        }
        for kind, move in self.documents.items():
            self.copy(
                "account_move_line",
                self.as_money("account_move_line", changed, LINE_MONEY),
                "plan_document document"
                " JOIN plan_customer customer ON customer.k = document.k"
                f" JOIN account_move proto_move ON proto_move.id = {move.id}"
                " JOIN account_move_line proto ON proto.move_id = proto_move.id"
                f" WHERE document.kind = '{kind}' ORDER BY document.id, proto.id",
            )

    def as_money(self, table, changed, names):
        """Round the shares to the cent: all are whole or half of whole cents."""
        return changed | {name: f"round({changed[name]}, 2)" for name in names}
