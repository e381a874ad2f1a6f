"""What happened between the demo's companies and their customers in 18 months.

Plain values, no Odoo, no clock: days are counted from today (-3 = three days ago), so
the same story is told whatever the day. Each customer has its own random numbers; a
change to one leaves the others as they were.
"""

from dataclasses import dataclass, field
from random import Random

from .people import BEHAVIOURS, CUSTOMERS, PRODUCTS, TERMS

SEED = "credit"
FIRST_DAY = -545
LAST_MONTH, LAST_DAY = -27, -2
SILENT_SINCE = -250  # no payment from then on by those who stopped paying
LAST_DELIVERY = -75  # and not long after that nothing was sold to them any more
RUN_EVERY = 14  # days between the payment runs of those who have them


@dataclass(frozen=True)
class Payment:
    """Money for one instalment: when, and which share of what is left of it."""

    instalment: int
    day: int
    share: float = 1.0


@dataclass(frozen=True)
class CreditNote:
    """A credit note without tax: when, for how much, on which invoice if any."""

    customer: str
    day: int
    amount: float
    name: str = ""  # end of its XML id, demo_credit_note_<name>
    applied_to: str = ""  # name of an invoice

    @property
    def books(self):
        return customers_by_key()[self.customer].books[0]


@dataclass(frozen=True)
class UnappliedReceipt:
    """Money that nobody has matched with an invoice yet.

    It is a statement line of the bank, or a payment somebody registered.
    """

    customer: str  # and end of its XML id, demo_receipt_<customer>
    day: int
    amount: float = 0  # 0 = all that is overdue
    in_bank: bool = True

    @property
    def books(self):
        return customers_by_key()[self.customer].books[0]


@dataclass
class Invoice:
    """One invoice and what became of it."""

    customer: object
    books: str
    day: int
    lines: list  # (product key, quantity, price); without a key a round amount
    payments: list = field(default_factory=list)
    returned: tuple = ()  # (day, share of the amount) of the credit note
    name: str = ""  # end of its XML id, demo_invoice_<name>
    flag: str = ""  # "no_followup" or "blocked"

    @property
    def due_days(self):
        """Return the day each instalment is due."""
        return [self.day + days for days, _share in TERMS[self.customer.term]]

    @property
    def is_settled(self):
        """Return whether every instalment has been paid in full."""
        paid = {payment.instalment for payment in self.payments if payment.share == 1}
        return len(paid) == len(self.due_days)


@dataclass(frozen=True)
class Open:
    """An invoice that must be open today, so many days late (negative: not due)."""

    customer: str
    days_late: int
    amount: float = 0  # untaxed and without tax; 0 = as usual
    name: str = ""
    flag: str = ""
    paid_share: float = 0


OPEN = (
    # Due in three days, due today, and late by one to five days.
    Open("hofstra", -3),
    Open("zuiderzee", -3),
    Open("prairie", -3),
    Open("seidel", -3),
    Open("dekade", 0, name="due_today"),
    Open("lefevre", 0),
    Open("pennine", 0),
    Open("copper", 0),
    Open("vandermeer", 1),
    Open("maple", 1),
    Open("fournier", 2),
    Open("portal", 2),
    Open("fischhandel", 3),
    Open("brightwater", 3),
    Open("tremblay", 4),
    Open("thames", 4),
    Open("mehmet", 5),
    Open("maria", 5),
    # The portal's customer has something of every age.
    Open("portal", 16),
    Open("portal", 41),
    Open("brightwater", 13),
    Open("tremblay", 17),
    Open("maple", 28),
    # The first instalment is paid, the second is late, the third is not due or just.
    Open("lakeshore", 38, name="instalments", paid_share=1),
    Open("graanschuur", 66, paid_share=1),
    # Long overdue.
    Open("granite", 96),
    Open("granite", 171),
    Open("cardinal", 72),
    Open("highland", 104),
    Open("sunset", 118),
    Open("westkoel", 110),
    Open("garnier", 93),
    Open("lindenhof", 95),
    Open("debolder", 83),
    # One of each special case.
    Open("no_email", 18),
    Open("no_email", 47),
    Open("archived", 64, name="archived"),
    Open("bounced", 22),
    Open("bounced", 41),
    Open("net_credit", 15, 420.0, name="net_credit"),
    Open("foreign", 12),
    Open("foreign", 38),
    Open("small", 25, 7.5, name="small"),
    Open("unapplied_payment", 33, 1850.0, name="unapplied_payment"),
    Open("unmatched_receipt", 14, 980.0),
    Open("unmatched_receipt", 29, 1240.0),
    Open("covered_by_receipt", 9, 760.0, name="covered_by_receipt"),
    Open("no_followup", 52, name="no_followup", flag="no_followup"),
    Open("no_followup", 24, flag="no_followup"),
    Open("blocked", 27, name="blocked", flag="blocked"),
    Open("beaumont", 44, 2600.0, name="partial", paid_share=0.4),
    Open("vandermeer", 26, paid_share=0.5),
    Open("cardinal", 58, paid_share=0.3),
    Open("tulpenhof", 11, 380.0, name="credited"),
    Open("brightwater", 21, 450.0, name="credited_usd"),
)

CREDIT_NOTES = (
    # More than the invoice it was applied to: the rest of it is still to be used.
    CreditNote("tulpenhof", -6, 560.0, "partly_applied", "credited"),
    CreditNote("brightwater", -9, 600.0, "partly_applied_usd", "credited_usd"),
    CreditNote("net_credit", -20, 900.0, "net_credit"),
)

UNAPPLIED_RECEIPTS = (
    UnappliedReceipt("unapplied_payment", -4, 1000.0, in_bank=False),
    UnappliedReceipt("unmatched_receipt", -1, 500.0),
    UnappliedReceipt("covered_by_receipt", -1),
)


def tell():
    """Return every invoice of the story, oldest first."""
    invoices = [
        invoice for customer in CUSTOMERS for invoice in _usual_business(customer)
    ]
    invoices += [_open_invoice(one) for one in OPEN]
    return sorted(invoices, key=lambda invoice: invoice.day)


def customers_by_key():
    """Return the customers by their key.

    >>> customers_by_key()["portal"].name
    'Redwood Outdoor Supply Inc.'
    """
    return {customer.key: customer for customer in CUSTOMERS}


def _usual_business(customer):
    """Yield the customer's orders, about evenly spread, with how each was paid."""
    random = Random(f"{SEED} {customer.key}")
    for number, day in enumerate(_order_days(customer, random)):
        invoice = Invoice(
            customer=customer,
            books=customer.books[number % len(customer.books)],
            day=day,
            lines=_lines(customer, random),
        )
        invoice.payments = _payments(invoice, random)
        if customer.returns_goods and number % 3 == 1:
            day = invoice.day + random.randint(4, 12)
            if day < 0:
                invoice.returned = (day, random.choice((0.1, 0.2, 0.25)))
        yield invoice


def _order_days(customer, random):
    """Return the days of the customer's orders; the last is of the last month."""
    is_lost = customer.behaviour == "stopped"
    last_day = LAST_DELIVERY if is_lost else LAST_MONTH
    step = (last_day - FIRST_DAY) / customer.orders
    days = [
        int(FIRST_DAY + (number + random.random()) * step)
        for number in range(customer.orders)
    ]
    if not is_lost:
        days[-1] = random.randint(LAST_MONTH, LAST_DAY)
    return days


def _open_invoice(one):
    """Return an invoice that is as late as the table says."""
    customer = customers_by_key()[one.customer]
    random = Random(f"{SEED} {one.customer} {one.days_late}")
    first_term = TERMS[customer.term][0][0]
    invoice = Invoice(
        customer=customer,
        books=customer.books[0],
        day=-one.days_late - first_term,
        lines=[("", 1, one.amount)] if one.amount else _lines(customer, random),
        name=one.name,
        flag=one.flag,
    )
    if one.paid_share:
        invoice.payments = [Payment(0, -one.days_late + 6, one.paid_share)]
    return invoice


def _lines(customer, random):
    """Return one or two goods that come near the customer's usual order, and a service.

    Half of the orders come without a service.
    """
    total = customer.size * random.uniform(0.5, 1.7)
    goods = [one for one in PRODUCTS if one.kind == "consu" and one.price <= total]
    chosen = random.sample(goods, min(random.choice((1, 2)), len(goods)))
    lines = [
        (product.key, max(1, round(total / len(chosen) / product.price)), product.price)
        for product in chosen
    ]
    if random.random() < 0.5:
        service = random.choice([one for one in PRODUCTS if one.kind == "service"])
        lines.append((service.key, random.randint(1, 4), service.price))
    return lines


def _payments(invoice, random):
    """Return what the customer has paid until yesterday."""
    customer = invoice.customer
    at_least, at_most = BEHAVIOURS[customer.behaviour]
    payments = []
    for instalment, due in enumerate(invoice.due_days):
        day = max(invoice.day + 1, due + random.randint(at_least, at_most))
        if customer.behaviour == "fortnight":
            day += -day % RUN_EVERY
        if customer.behaviour == "stopped" and day > SILENT_SINCE:
            continue
        if customer.pays_in_parts and random.random() < 0.4:
            payments.append(Payment(instalment, day, random.choice((0.4, 0.5))))
            day += random.randint(20, 45)
        payments.append(Payment(instalment, day))
    return [payment for payment in payments if payment.day < 0]
