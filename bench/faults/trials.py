"""Which trial is which function, and how large it is."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from dev import settings

from . import clocks, crowds, dirt, kills, mails, orders, plans


@dataclass
class Trial:
    """A trial: what it does, in words and as a function, and its size."""

    says: str
    function: Callable
    options: dict = field(default_factory=dict)


def size(name, usual):
    """Return a number the caller may set (`KILLS`, `CUSTOMERS`)."""
    return int(settings.text(name, str(usual)))


def customers(usual):
    """Return how many customers a trial has."""
    return {"customers": size("CUSTOMERS", usual)}


def storm(number, usual, workers):
    """Return the options of a storm of blows."""
    return customers(2000) | {
        "kills": size("KILLS", usual),
        "workers": workers,
        "number": number,
    }


TRIALS = {
    "kill-prefork": Trial(
        "kill -9 of workers at random moments",
        kills.kill_storm,
        storm(signal.SIGKILL, 100, 1),
    ),
    "kill-threaded": Trial(
        "kill -9 of a threaded server at random moments",
        kills.kill_storm,
        storm(signal.SIGKILL, 100, 0),
    ),
    "term-prefork": Trial(
        "SIGTERM to workers at random moments",
        kills.kill_storm,
        storm(signal.SIGTERM, 30, 1),
    ),
    "term-threaded": Trial(
        "SIGTERM to a threaded server at random moments",
        kills.kill_storm,
        storm(signal.SIGTERM, 30, 0),
    ),
}

MODES = {
    "refused": "nobody listens",
    "421": "the mail server is closing",
    "451": "greylisting at the recipient",
    "451-data": "refused for now after the message",
    "550": "no recipient is known",
    "550-data": "refused for good after the message",
    "half-bad": "half of the recipients are unknown",
    "cut": "cut before the message is kept",
    "lost": "cut after the message is kept",
    "hang": "no answer, the message is not kept",
    "stall": "no answer, the message is kept",
}
TRIALS |= {
    f"smtp-{name}": Trial(
        f"SMTP: {says}",
        mails.mail_fault,
        {"customers": 300, "mode": f"bad:{mails.HALF}" if name == "half-bad" else name},
    )
    for name, says in MODES.items()
}

TRIALS |= {
    "flood": Trial(
        "5 000 letters with the settings a server has by default",
        kills.flood,
        {"customers": 5000, "minutes": 30},
    ),
    "watchdog": Trial(
        "limit of 15 s for jobs, 1 s a message",
        kills.watchdog,
        {"customers": 300, "letters": 100},
    ),
    "postgres": Trial(
        "PostgreSQL crashes 3 times, 20 connections are cut",
        kills.postgres_faults,
        {"customers": 300, "restarts": 3, "terminations": 20},
    ),
    "two-servers": Trial(
        "two servers, and users who press every button that sends",
        crowds.two_servers,
        {"customers": 300, "letters": 300},
    ),
    "ledger": Trial(
        "four clients pay, edit, post and exclude the same invoices",
        crowds.ledger_storm,
        {"customers": 300, "letters": 300},
    ),
}

TRIALS |= {
    "clock": Trial(
        "the clock jumps: ahead, back, ten days off",
        clocks.clock,
        {"customers": 20, "plan": clocks.jumps},
    ),
    "daylight": Trial(
        "daylight saving time and time zones",
        clocks.clock,
        {"customers": 20, "plan": clocks.daylight},
    ),
}

TRIALS |= {
    "dirty": Trial(
        "odd things that ten years leave in a database",
        dirt.dirty_data,
        {"customers": 20},
    ),
}

TRIALS |= {
    "orders": Trial(
        "30 orders of a customer confirmed at the same moment",
        orders.confirmations,
        {"customers": 20, "orders": 30},
    ),
}

TRIALS |= {
    "plan-stories": Trial(
        "random stories about plans, against the books",
        plans.stories,
        {"customers": 20, "stories": size("STORIES", 200)},
    ),
    "plan-submits": Trial(
        "20 submits at once: propose, accept, consent, pay",
        plans.submits,
        {"customers": 300, "clients": 20},
    ),
    "plan-last-part": Trial(
        "the last part of a plan is paid while it is cancelled",
        plans.last_part,
        {"customers": 300, "races": 20},
    ),
    "plan-kills": Trial(
        "kill -9 amid charges of parts",
        plans.charge_kills,
        {"customers": 300, "plans": 150, "kills": size("KILLS", 50)},
    ),
}
