"""Trials in which many act at once: two servers, buttons, calls, and the ledger."""

import email
import random
import re
import threading
import time
from collections import Counter
from datetime import datetime
from email import policy

from dev.testing import free_port

from .servers import CRONS, Client, Database

CLIENTS = 4
GRACE = 2.0  # seconds a payment may be younger than the message that overlooks it
NUMBER = re.compile(r"INV/\d+/\d+")


class Crowd:
    """Clients that act on the same database until they are told to stop.

    :param choose: says what to do next: its name, and a function that does it and
        tells whether there was anything to do
    """

    def __init__(self, stage, ports, choose, pause=0.2):
        self.stage = stage
        self.pause = pause  # seconds between two acts of one client, on average
        self.ports = ports
        self.choose = choose
        self.done = Counter()
        self.reasons = Counter()
        self.refused = Counter()
        self.wanted = True
        self.threads = [
            threading.Thread(target=self.play, args=(number,), daemon=True)
            for number in range(CLIENTS)
        ]
        for thread in self.threads:
            thread.start()

    def play(self, number):
        """Act again and again; what the server refuses is counted, not an error."""
        stage = self.stage
        dice = random.Random(f"{stage.seed} client {number}")
        database = Database(stage.host, stage.name)
        port = self.ports[number % len(self.ports)]
        client = Client(port, stage.name).log_in()
        while self.wanted:
            what, act = self.choose(dice)
            try:
                self.done[what] += bool(act(client, database, dice))
            except (RuntimeError, OSError) as error:
                self.refused[what] += 1
                self.reasons[str(error).split("\n")[0]] += 1
            time.sleep(dice.uniform(0, 2 * self.pause))
        database.close()

    def stop(self):
        """Let everybody finish what they do."""
        self.wanted = False
        for thread in self.threads:
            thread.join(120)

    def describe(self):
        """Return what was done how often, in words."""
        words = [
            f"{what} {self.done[what]} (refused {self.refused[what]})"
            for what in sorted(self.done | self.refused)
        ]
        reasons = [f"“{text}” {count}" for text, count in self.reasons.most_common(6)]
        return ", ".join(words) + "; refused with: " + "; ".join(reasons)


# === TWO SERVERS, BUTTONS AND CALLS === #


def two_servers(stage, letters, proposed=60):
    """Two servers with their jobs, while users press every button that sends."""
    stage.take(letters)
    stage.put(stage.keys[-proposed:], "proposed")
    ports = (free_port(), free_port())
    stage.server(workers=1, http_port=ports[0])
    stage.server(workers=0, http_port=ports[1])
    crowd = Crowd(stage, ports, choose_button)
    try:
        stage.wake()
        stage.wait(lambda: not stage.left((*UNSENT, "proposed")), 600, 0.3)
    finally:
        crowd.stop()
    press_what_is_left(stage, ports[0])
    stage.settle()
    figures = stage.figures()
    figures.notes.append(crowd.describe())
    return figures


UNSENT = ("queued", "sending")


def choose_button(dice):
    """Return a button to press, or a call to make."""
    return dice.choice(list(BUTTONS.items()))


def letter_ids(database, dice, state, most=5):
    """Return a few letters in a state."""
    rows = database.run(
        "SELECT id FROM credit_dunning_letter WHERE state = %s ORDER BY id LIMIT 40",
        [state],
    )
    return [row[0] for row in dice.sample(rows, min(most, len(rows)))]


def send_now(client, database, dice):
    """Press Send Now on a few proposed letters, at times the same as others."""
    if ids := letter_ids(database, dice, "proposed"):
        client.call("credit.dunning.letter", "action_send_now", ids)
    return bool(ids)


def unqueue(client, database, dice):
    """Take a letter back into review."""
    if ids := letter_ids(database, dice, "queued", 1):
        client.call("credit.dunning.letter", "action_unqueue", ids)
    return bool(ids)


def send_run(client, database, _dice):
    """Press Send on the run that is being sent."""
    rows = database.run("SELECT id FROM credit_dunning_run")
    client.call("credit.dunning.run", "action_send", [row[0] for row in rows])
    return True


def run_job(client, database, dice):
    """Run one of the sending jobs by hand."""
    rows = database.run(
        "SELECT res_id FROM ir_model_data WHERE module || '.' || name = ANY(%s)",
        [list(CRONS)],
    )
    client.call("ir.cron", "method_direct_trigger", [dice.choice(rows)[0]])
    return True


def outgoing(database, dice):
    """Return mails that wait in the host's queue."""
    rows = database.run("SELECT id FROM mail_mail WHERE state = 'outgoing' LIMIT 40")
    return [row[0] for row in dice.sample(rows, min(10, len(rows)))]


def send_mails(client, database, dice):
    """Press Send Now in the host's list of mails."""
    if ids := outgoing(database, dice):
        client.call("mail.mail", "send", ids)
    return bool(ids)


def run_queue(client, _database, _dice):
    """Call the host's mail queue."""
    client.call("mail.mail", "process_email_queue", [])
    return True


BUTTONS = {
    "Send Now": send_now,
    "out of the queue": unqueue,
    "Send on the run": send_run,
    "run job by hand": run_job,
    "send mails": send_mails,
    "run mail queue": run_queue,
}


def press_what_is_left(stage, port):
    """Send the letters that somebody took back into review last."""
    client = Client(port, stage.name).log_in()
    ids = letter_ids(stage.database, stage.dice, "proposed", 1000)
    while ids:
        client.call("credit.dunning.letter", "action_send_now", ids)
        ids = letter_ids(stage.database, stage.dice, "proposed", 1000)


# === PAYING, EDITING, POSTING === #


class Ledger:
    """Clients that work on the invoices of the run, and when what was settled."""

    def __init__(self, stage):
        rows = stage.database.run(
            "SELECT DISTINCT move.id, move.name, letter.commercial_partner_id"
            " FROM credit_dunning_letter_line line"
            " JOIN credit_dunning_letter letter ON letter.id = line.letter_id"
            " JOIN account_move move ON move.id = line.move_id"
            " WHERE letter.key = ANY(%s) ORDER BY move.id",
            [stage.keys],
        )
        self.moves = rows
        self.settled = {}  # invoice number -> time at which it was known
        self.customers = set()  # who had something settled

    def choose(self, dice):
        """Return something to do to an invoice."""
        what = dice.choices(list(self.acts), (5, 1, 3, 2))[0]
        move = dice.choice(self.moves)
        return what, lambda client, *_others: self.do(what, move, client)

    def do(self, what, move, client):
        """Do one thing to one invoice, and note when it was settled by it."""
        move_id, name, customer = move
        settles = what in ("pay", "leave alone")
        if settles and name in self.settled:
            return False
        if settles:
            self.customers.add(customer)
        self.acts[what](self, client, move_id)
        if settles:
            self.settled.setdefault(name, time.time())
        return True

    def pay(self, client, move_id):
        """Pay an invoice in full by the host's own window."""
        context = {"active_model": "account.move", "active_ids": [move_id]}
        wizard = "account.payment.register"
        made = client.call(wizard, "create", {}, context=context)
        client.call(wizard, "action_create_payments", [made], context=context)

    def leave_alone(self, client, move_id):
        """Exclude an invoice from dunning."""
        client.call(
            *("credit.exclusion", "create"),
            {"scope": "invoice", "move_id": move_id, "reason": "Asked by phone"},
        )

    def edit(self, client, move_id):
        """Write on an invoice what may be written on a posted one."""
        client.call("account.move", "write", [move_id], {"narration": str(time.time())})

    def post(self, client, move_id):
        """Make and post a new invoice for the same customer."""
        made = client.call("account.move", "copy", [move_id])
        client.call("account.move", "action_post", made)

    acts = {"pay": pay, "leave alone": leave_alone, "edit": edit, "post": post}

    def find_wrong(self, sink):
        """Return the messages that claim what was settled a while before."""
        wrong = []
        for moment, file, recipients, *_ids in sink.lines():
            arrived = datetime.fromisoformat(moment).timestamp()
            for number in sorted(claims(sink.folder / file)):
                known = self.settled.get(number)
                if known and arrived - known > GRACE:
                    wrong.append((recipients, number, arrived - known))
        return wrong


def claims(path):
    """Return the numbers of the invoices a message names."""
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    return set(NUMBER.findall(message.get_body(("html", "plain")).get_content()))


def ledger_storm(stage, letters, slow=0.1):
    """Pay, edit, post and exclude the invoices of a run while it is sent."""
    stage.take(letters)
    stage.sink.answer(f"slow:{slow}")
    port = free_port()
    stage.server(workers=2, http_port=port)
    ledger = Ledger(stage)
    crowd = Crowd(stage, (port,), ledger.choose)
    began = time.monotonic()
    stage.wait(lambda: sum(crowd.done.values()) >= CLIENTS, 60)
    try:
        stage.wake()
        stage.settle()
    finally:
        crowd.stop()
    took = time.monotonic() - began
    figures = stage.figures(may_skip=ledger.customers)
    wrong = ledger.find_wrong(stage.sink)
    figures.wrong = len(wrong)
    figures.must(not wrong, f"{len(wrong)} wrong letters, e.g. {wrong[:2]}")
    figures.must(ledger.settled, "nothing was settled while the run was sent")
    figures.must(not figures.copies, f"{figures.copies} copies")
    figures.notes.append(
        f"{sum(crowd.done.values()) / took:.1f} acts/s: {crowd.describe()};"
        f" {figures.skipped} letters left out, settled before they went"
    )
    return figures
