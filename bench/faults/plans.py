"""Trials of payment plans: many submits at once, races, and kills amid charges."""

import configparser
import http.client
import json
import random
import re
import socketserver
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

from dev.steps import Failure
from dev.testing import free_port

from . import population
from .counting import Figures
from .kills import strike
from .servers import AlarmClock, Client

ADDONS = Path(__file__).parent / "addons"
JOBS = (
    "credit_management.ir_cron_collect_parts",
    "payment.cron_post_process_payment_tx",
)
WORKERS = 8
PATIENCE = 120
TURN = re.compile(r"(\d+) turns of (\d+) stories")


# === STORIES === #


def stories(stage, stories):
    """Tell random stories about plans against the books, as the add-on's test does."""
    log = stage.folder / "stories.log"
    environment = stage.host.environment()
    environment |= {"CREDIT_STORIES": str(stories), "CREDIT_SEED": str(stage.seed)}
    test = "/credit_management:TestPlanConservation"
    with open(log, "wb") as output:
        code = subprocess.run(
            stage.host.command(
                *("-d", stage.name, "--test-tags", test, "--stop-after-init"),
                *("--http-port", free_port(), "--log-handler", "odoo.models:WARNING"),
            ),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        ).returncode
    figures = Figures(seconds=time.monotonic() - stage.began)
    said = log.read_text(errors="replace")
    told = TURN.search(said)
    figures.must(not code, f"a story went wrong, see {log}")
    figures.must(told, f"no story was told, see {log}")
    if told:
        figures.notes.append(said[told.start() :].partition("\n")[0].strip())
    return figures


# === WHAT THE TRIALS NEED === #


class Provider:
    """A provider of payments: notes each charge when it comes, and answers later."""

    def __init__(self, stage, slowest=0.15):
        self.charges = []  # (reference, amount), in the order they came
        self.dice = random.Random(f"{stage.seed} provider")
        provider = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                reference, _tab, amount = self.rfile.readline().decode().partition("\t")
                if not amount.endswith("\n"):
                    return  # cut before all of it was there
                provider.charges.append((reference, float(amount)))
                time.sleep(provider.dice.uniform(0, slowest))
                try:
                    self.wfile.write(b"done\n")
                except OSError:
                    pass  # whoever asked is gone

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 50

        self.listener = Listener(("127.0.0.1", 0), Handler)
        self.port = self.listener.server_address[1]
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def count(self):
        """Return how many charges came."""
        return len(self.charges)

    def stop(self):
        """Listen no more."""
        self.listener.shutdown()
        self.listener.server_close()


def addons_option(host):
    """Return the options with which a server finds the provider of the trials."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(host.config)
    return ("--addons-path", f"{config['options']['addons_path']},{ADDONS}")


def prepare(stage, provider, plans=0, races=0):
    """Install the provider and make plans; return their ids."""
    stage.put(stage.keys, "skipped")
    log = stage.folder / "install.log"
    options = addons_option(stage.host)
    with open(log, "wb") as output:
        code = stage.host.call(
            *("-d", stage.name, "-i", "fault_provider", "--no-http"),
            *("--stop-after-init", *options),
            stdout=output,
            stderr=output,
        )
    if code:
        raise Failure(
            "The provider of the trials could not be installed.", f"See {log}."
        )
    sizes = {"FAULTS_PLANS": str(plans), "FAULTS_RACES": str(races)}
    said = population.run_script(
        stage.host, stage.name, "plans.py", options=options, **sizes
    )
    (line,) = [line for line in said.splitlines() if line.startswith("PLANS ")]
    stage.database.run(
        "INSERT INTO ir_config_parameter (key, value)"
        " VALUES ('fault_provider.port', %s)",
        [str(provider.port)],
    )
    stage.began = time.monotonic()
    return json.loads(line.removeprefix("PLANS "))


# === KILLS AMID CHARGES === #

CHARGES = """
    SELECT charge.line_id, charge.state, tx.reference, charge.amount::float
      FROM credit_payment_plan_charge charge
 LEFT JOIN payment_transaction tx ON tx.id = charge.transaction_id
     WHERE charge.plan_id = ANY(%s)
"""
OPEN_PARTS = """
    SELECT count(*) FROM credit_payment_plan plan
     WHERE id = ANY(%s) AND NOT EXISTS (
           SELECT 1 FROM credit_payment_plan_charge charge
            WHERE charge.plan_id = plan.id AND charge.state IN ('done', 'unknown'))
"""
NOT_BOOKED = """
    SELECT count(*) FROM payment_transaction
     WHERE state = 'done' AND is_post_processed IS NOT TRUE
"""
BOOKED = """
    SELECT coalesce(sum(item.amount - line.amount_residual_currency), 0)::float
      FROM credit_payment_plan_item item
      JOIN account_move_line line ON line.id = item.move_line_id
     WHERE item.plan_id = ANY(%s)
"""


def charge_kills(stage, plans, kills):
    """Kill the worker that collects, again and again, while charges are on their way.

    Half of the blows fall within 150 ms after a charge reached the provider, which is
    while it makes up its mind or soon after; the others at any moment.
    """
    provider = Provider(stage)
    try:
        ids = prepare(stage, provider, plans)["collected"]
        server = stage.server(workers=1, options=addons_option(stage.host))
        stage.clock = AlarmClock(stage.host, stage.name, every=0.3, more=JOBS)
        stage.wait(provider.count, 120)
        for blow in range(kills):
            left = stage.database.value(OPEN_PARTS, [ids])
            if not left:
                break
            await_charge(stage, provider, left / (kills - blow + 1))
            stage.kills += strike(stage, server, 1, 9)
        collect_rest(stage, ids)
        return count_charges(stage, provider, ids)
    finally:
        provider.stop()


def await_charge(stage, provider, room):
    """Wait for the moment of the next blow: all fall while parts are charged."""
    dice = stage.dice
    aim = provider.count() + max(1, int(dice.uniform(0, 2 * room)))
    if dice.random() < 0.5:
        stage.wait(lambda: provider.count() >= aim, 15, 0.002)
        time.sleep(dice.uniform(0, 0.15))
    else:
        time.sleep(dice.uniform(0, 1.5))


def collect_rest(stage, ids):
    """Let the jobs end; what was on its way for half an hour is looked at again."""
    stage.wait(lambda: not stage.database.value(OPEN_PARTS, [ids]), 60, 0.2)
    stage.database.run(
        "UPDATE credit_payment_plan_charge"
        " SET create_date = create_date - interval '31 minutes'"
        " WHERE state = 'sending'"
    )
    stage.wait(lambda: not stage.database.value(OPEN_PARTS, [ids]), 120, 0.2)
    stage.wait(lambda: not stage.database.value(NOT_BOOKED), 120, 0.2)


def count_charges(stage, provider, ids):
    """Compare what reached the provider with what the database says."""
    came = Counter(reference for reference, _amount in provider.charges)
    rows = stage.database.run(CHARGES, [ids])
    figures = Figures(
        letters=len(ids),
        received=provider.count(),
        kills=stage.kills,
        seconds=time.monotonic() - stage.began,
    )
    known = {reference: state for _line, state, reference, _amount in rows}
    of_line = Counter()
    for line, _state, reference, _amount in rows:
        of_line[line] += came[reference]
    states = Counter(known.values())
    figures.copies = sum(max(number - 1, 0) for number in of_line.values())
    figures.most_copies = max(of_line.values(), default=0)
    figures.lost = sum(
        known.get(reference) not in ("done", "unknown") for reference in came
    )
    figures.silent = sum(
        state == "done" and not came[reference] for reference, state in known.items()
    )
    figures.unknown = figures.human = states["unknown"]
    figures.unknown_arrived = sum(
        state == "unknown" and came[reference] > 0 for reference, state in known.items()
    )
    figures.stuck = stage.database.value(OPEN_PARTS, [ids]) + states["sending"]
    done = sum(amount for _line, state, _reference, amount in rows if state == "done")
    booked = stage.database.value(BOOKED, [ids])
    figures.must(not figures.copies, f"{figures.copies} parts charged twice")
    figures.must(not figures.lost, f"{figures.lost} charges that nobody knows of")
    figures.must(not figures.silent, f"{figures.silent} charges that never came")
    figures.must(not figures.stuck, f"{figures.stuck} parts neither charged nor asked")
    figures.must(figures.kills > 0, "nothing was killed")
    figures.must(
        abs(done - booked) < 0.005, f"{done:.2f} collected, {booked:.2f} in the books"
    )
    figures.notes.append(
        f"{len(ids)} parts due, {figures.received} charges reached the provider,"
        f" {states['done']} known as done, {states['unknown']} as not known (of which"
        f" {figures.unknown_arrived} had reached it); {booked:.2f} in the books"
    )
    return figures


# === MANY SUBMITS AT ONCE === #


class Visitor:
    """A customer with a login."""

    def __init__(self, port, name):
        self.port = port
        self.cookie = ""
        token = self.find(self.get("/web/login"), "csrf_token")
        login = f"faults_{name}"
        form = {"login": login, "password": login, "csrf_token": token}
        status, _body = self.send("/web/login", form)
        if status != 303:
            raise Failure(f"{login} could not log in: {status}.")

    def find(self, body, name):
        """Return the value of a field of a form."""
        if name == "csrf_token":
            return re.search(r'csrf_token: "([^"]+)"', body)[1]
        found = re.search(rf'name="{name}"[^>]*value="([^"]+)"', body)
        if not found:
            text = " ".join(
                re.sub(r"(?s)<script.*?</script>|<[^>]*>", " ", body).split()
            )
            raise Failure(f"There is no field {name} on the page.", text[:500])
        return found[1]

    def ask(self, method, path, body=None, kind=None):
        """Send one request; return status and body."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE
        )
        headers = {"Cookie": self.cookie, "Accept-Language": "en"}
        if kind:
            headers["Content-Type"] = kind
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            for text in answer.headers.get_all("Set-Cookie") or ():
                if text.startswith("session_id="):
                    self.cookie = text.partition(";")[0]
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def get(self, path):
        """Open a page; return its text."""
        status, body = self.ask("GET", path)
        if status != 200:
            raise Failure(f"{path} answered {status}.")
        return body

    def send(self, path, form):
        """Send a form; return status and body."""
        kind = "application/x-www-form-urlencoded"
        return self.ask("POST", path, urlencode(form), kind)

    def call(self, path, **params):
        """Call a route by JSON-RPC; return a status: 400 for a refusal in words."""
        question = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        status, body = self.ask("POST", path, json.dumps(question), "application/json")
        if status != 200:
            return status, body
        error = json.loads(body).get("error")
        if not error:
            return 200, body
        name = error["data"]["name"].rpartition(".")[2]
        return (400 if name in ("ValidationError", "UserError") else 500), body


def at_once(number, act):
    """Do something many times at the same moment; return what came of it."""
    answers, gate = [], threading.Barrier(number)

    def do(index):
        gate.wait(PATIENCE)
        answers.append(act(index))

    threads = [threading.Thread(target=do, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return answers


def submits(stage, clients):
    """Send each form of a plan many times at once: one effect, and clean answers."""
    provider = Provider(stage)
    figures = Figures()
    try:
        made = prepare(stage, provider)
        port = free_port()
        start_web(stage, port)
        for name in SUBMITS:
            SUBMITS[name](stage, figures, port, made, provider, clients)
    finally:
        provider.stop()
    figures.seconds = time.monotonic() - stage.began
    return figures


def start_web(stage, port):
    """Start a server whose workers answer customers; its jobs rest."""
    options = (*addons_option(stage.host), "--db-filter", f"^{stage.name}$")
    stage.server(workers=WORKERS, crons=0, http_port=port, options=options)
    Client(port, stage.name).log_in(PATIENCE)


def judge(figures, what, answers, effects, clients):
    """Note how it was answered and how often it had an effect."""
    statuses = Counter(status for status, _body in answers)
    said = ", ".join(
        f"{count} × {status}" for status, count in sorted(statuses.items())
    )
    figures.notes.append(f"{what}, {clients} at once: {said}; {effects} effect")
    figures.must(len(answers) == clients, f"{what}: {len(answers)} answers")
    figures.must(effects == 1, f"{what}: {effects} effects")
    wrong = [status for status in statuses if status >= 500]
    figures.must(not wrong, f"{what}: answered {wrong}")


def count_told(stage, plan, words):
    """Return how often the customer was told something of a plan."""
    return stage.database.value(
        "SELECT count(*) FROM mail_message WHERE model = 'credit.payment.plan'"
        " AND res_id = %s AND subject LIKE %s",
        [plan, f"%{words}"],
    )


def submit_proposals(stage, figures, port, made, _provider, clients):
    """One form sent many times; then many forms about the same."""
    about = made["logins"]["propose"]
    visitor = Visitor(port, "propose")
    page = f"/my/credit/{about['profile']}/plan"
    body = visitor.get(page)
    form = {
        "csrf_token": visitor.find(body, "csrf_token"),
        "items": str(about["items"][0]),
        "count": "3",
        "rhythm": "monthly",
        "first": visitor.find(body, "first"),
        "key": f"{stage.dice.getrandbits(128):032x}",
    }
    count = "SELECT count(*) FROM credit_payment_plan WHERE profile_id = %s"
    answers = at_once(clients, lambda _index: visitor.send(f"{page}/propose", form))
    effects = stage.database.value(count, [about["profile"]])
    judge(figures, "propose, one form", answers, effects, clients)
    stage.database.run(
        "WITH gone AS (UPDATE credit_payment_plan SET state = 'refused'"
        " WHERE profile_id = %s RETURNING id)"
        " UPDATE credit_payment_plan_item SET state = 'refused'"
        " WHERE plan_id IN (SELECT id FROM gone)",
        [about["profile"]],
    )
    answers = at_once(
        clients,
        lambda index: visitor.send(
            f"{page}/propose", form | {"key": form["key"][:-2] + f"{index:02d}"}
        ),
    )
    effects = stage.database.value(count, [about["profile"]]) - effects
    judge(figures, "propose, many forms", answers, effects, clients)


def submit_acceptances(stage, figures, port, made, _provider, clients):
    """One proposal accepted many times."""
    plan = made["logins"]["accept"]["plan"]
    visitor = Visitor(port, "accept")
    page = f"/my/payment-plans/{plan}"
    form = {"csrf_token": visitor.find(visitor.get(page), "csrf_token"), "name": "Anna"}
    answers = at_once(clients, lambda _index: visitor.send(f"{page}/accept", form))
    effects = count_told(stage, plan, "runs")
    judge(figures, "accept", answers, effects, clients)


def submit_consents(stage, figures, port, made, _provider, clients):
    """Collecting agreed to many times."""
    about = made["logins"]["consent"]
    visitor = Visitor(port, "consent")
    page = f"/my/payment-plans/{about['plan']}"
    form = {
        "csrf_token": visitor.find(visitor.get(page), "csrf_token"),
        "token_id": str(about["token"]),
        "agree": "on",
    }
    answers = at_once(clients, lambda _index: visitor.send(f"{page}/collect", form))
    effects = count_told(stage, about["plan"], "parts are collected")
    judge(figures, "consent", answers, effects, clients)


def submit_payments(stage, figures, port, made, provider, clients):
    """One part paid many times, by a stored way to pay."""
    visitor = Visitor(port, "pay")
    before = provider.count()
    answers = at_once(clients, lambda _index: pay(visitor, made, "pay", "part"))
    judge(figures, "pay", answers, provider.count() - before, clients)


def submit_item_payments(stage, figures, port, made, provider, clients):
    """What is open, in no plan, paid many times by a stored way to pay."""
    visitor = Visitor(port, "items")
    about = made["logins"]["items"]
    chosen = "-".join(map(str, about["items"]))
    path = f"/my/credit/{about['profile']}/transaction/{made['currency']}/{chosen}"
    visitor.get(f"/my/credit/{about['profile']}")  # so that it is not the first look
    before = provider.count()
    answers = at_once(
        clients,
        lambda _index: pay_by_token(visitor, made, about, path, about["open"]),
    )
    judge(figures, "pay items", answers, provider.count() - before, clients)


def pay(visitor, made, name, what):
    """Pay a part by the stored way."""
    about = made["logins"][name]
    path = f"/my/payment-plans/{about['plan']}/transaction/{what}"
    return pay_by_token(visitor, made, about, path, about["part"])


def pay_by_token(visitor, made, about, path, amount):
    """Pay by the stored way, as the host's form does."""
    return visitor.call(
        path,
        provider_id=made["provider"],
        payment_method_id=None,
        token_id=about["token"],
        amount=round(amount, 2),
        flow="token",
        tokenization_requested=False,
        landing_route="/my",
        is_validation=False,
    )


SUBMITS = {
    "propose": submit_proposals,
    "accept": submit_acceptances,
    "consent": submit_consents,
    "pay": submit_payments,
    "items": submit_item_payments,
}


# === THE LAST PART IS PAID WHILE THE PLAN IS CANCELLED === #

ENDED = """
    SELECT plan.state, plan.amount::float, coalesce(plan.amount_paid, 0)::float,
           sum(line.amount_residual)::float
      FROM credit_payment_plan plan
      JOIN credit_payment_plan_item item ON item.plan_id = plan.id
      JOIN account_move_line line ON line.id = item.move_line_id
     WHERE plan.id = %s GROUP BY plan.id
"""


def last_part(stage, races):
    """Pay the last part of plans while staff cancel them."""
    provider = Provider(stage)
    figures = Figures()
    ends = Counter()
    try:
        made = prepare(stage, provider, races=races)
        port = free_port()
        start_web(stage, port)
        staff = Client(port, stage.name).log_in()
        for number in range(races):
            race(stage, port, made, staff, f"race{number}", figures)
        stage.database.run(
            "UPDATE payment_transaction SET last_state_change ="
            " last_state_change - interval '1 hour'"
        )
        job = stage.database.value(
            "SELECT res_id FROM ir_model_data WHERE module || '.' || name = %s",
            [JOBS[1]],
        )
        staff.call("ir.cron", "method_direct_trigger", [job])
        for name, about in made["logins"].items():
            if name.startswith("race"):
                ends[judge_race(stage, figures, about)] += 1
    finally:
        provider.stop()
    figures.seconds = time.monotonic() - stage.began
    figures.notes.append(
        f"{races} plans: "
        + ", ".join(f"{count} {end}" for end, count in ends.most_common())
        + f"; {provider.count()} charges reached the provider"
    )
    return figures


def race(stage, port, made, staff, name, figures):
    """Let a customer pay and staff cancel, a few milliseconds apart."""
    visitor = Visitor(port, name)
    apart = stage.dice.uniform(-0.15, 0.15)
    answers = {}

    def act(index):
        if index:
            time.sleep(max(apart, 0))
            answers["pay"] = pay(visitor, made, name, "part")
            answers["poll"] = visitor.call("/payment/status/poll")
            return
        time.sleep(max(-apart, 0))
        try:
            staff.call(
                "credit.payment.plan", "action_cancel", [made["logins"][name]["plan"]]
            )
            answers["cancel"] = 200, ""
        except RuntimeError as error:
            answers["cancel"] = 400, str(error)

    at_once(2, act)
    for what in ("pay", "cancel"):
        status, body = answers.get(what, (500, "no answer"))
        figures.must(status < 500, f"{name}, {what}: {status} {body[:200]}")


def judge_race(stage, figures, about):
    """Say how it ended; note what must not be."""
    state, amount, paid, residual = stage.database.run(ENDED, [about["plan"]])[0]
    charged = stage.database.value(
        "SELECT coalesce(sum(amount), 0)::float FROM payment_transaction"
        " WHERE partner_id = %s AND state = 'done'",
        [about["partner"]],
    )
    what = f"plan {about['plan']}"
    figures.must(
        abs(amount - residual - charged) < 0.005,
        f"{what}: {charged} charged, {amount - residual} in the books",
    )
    figures.must(charged <= amount + 0.005, f"{what}: charged twice")
    figures.must(state in ("kept", "cancelled"), f"{what}: {state}, {paid} paid")
    if state == "kept":
        figures.must(abs(paid - charged) < 0.005, f"{what}: kept, {charged} charged")
        figures.must(abs(residual) < 0.005, f"{what}: kept, {residual} open")
    return f"{state}, {'paid' if charged else 'not paid'}"
