"""Facts for the tests, with defaults for all that a test does not care about."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from credit_management.logic.dunning import (
    Credit,
    Customer,
    Level,
    OpenItem,
    Policy,
    decide,
)

TODAY = date(2026, 5, 20)  # a Wednesday
EUR, USD = "EUR", "USD"

NOTICE = Level("notice", -3, is_reminder=True)
FIRST = Level("first", 3)
SECOND = Level("second", 10)
THIRD = Level("third", 20)
POLICY = Policy(levels=(NOTICE, FIRST, SECOND, THIRD))


def days(count):
    return timedelta(days=count)


def make_item(ref=1, late=30, residual=100, **values):
    """An item of 100 EUR, late by so many days on ``TODAY``; negative: not due yet."""
    values = {"currency": EUR, "due_date": TODAY - days(late)} | values
    return OpenItem(ref=ref, residual=Decimal(residual), **values)


def make_item_at(level, sent_days_ago=30, **values):
    """An item whose message at this level of ``POLICY`` left so many days ago."""
    sent = POLICY.dunning_levels[: POLICY.dunning_levels.index(level) + 1]
    history = {
        "level": level.ref,
        "rank": len(sent),
        "level_date": TODAY - days(sent_days_ago),
        "earlier_levels": tuple(earlier.ref for earlier in sent[:-1]),
    }
    return make_item(**history | values)


def make_customer(*items, **values):
    return Customer(ref="customer", items=items, **values)


def make_credit(amount, ref="credit", currency=EUR):
    return Credit(ref=ref, currency=currency, amount=Decimal(amount))


def decide_one(item=None, policy=POLICY, today=TODAY, **values):
    """The outcome of one item, the only one of its customer."""
    customer = make_customer(item or make_item(), **values)
    return decide(customer, policy, today).outcomes[0]


def reason_of(item=None, policy=POLICY, today=TODAY, **values):
    return decide_one(item, policy, today, **values).reason


def decide_message(*items, policy=POLICY, today=TODAY, **values):
    """The only message of a decision."""
    (message,) = decide(make_customer(*items, **values), policy, today).messages
    return message


def refs_of(outcomes):
    return [outcome.item.ref for outcome in outcomes]


def chased_refs(decision):
    return {outcome.item.ref for outcome in decision.outcomes if outcome.is_chased}


def message_key(message, policy):
    """What there is one message for: contact, currency and perhaps the document."""
    document = message.chased[0].item.document if policy.bundle_by_document else None
    return message.contact, message.currency, document


def send(customer, decision, today):
    """The customer once the messages of a decision have left."""
    if not decision.messages:
        return customer
    items = tuple(_after_sending(outcome, today) for outcome in decision.outcomes)
    return replace(customer, items=items, last_message=today)


def _after_sending(outcome, today):
    item, level = outcome.item, outcome.level
    if not outcome.is_chased:
        return item
    if level.is_reminder:
        return replace(item, reminder=level.ref)
    earlier = (*item.earlier_levels, *([item.level] if item.level else []))
    return replace(
        item,
        level=level.ref,
        rank=outcome.rank,
        level_date=today,
        earlier_levels=earlier,
    )
