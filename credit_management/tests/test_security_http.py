"""What the doors of the web server open: trials S1, S2, S3, S13, S15 and S20."""

import random
from urllib.parse import quote, urlsplit

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account.tests.common import AccountTestInvoicingHttpCommon

from .security_common import CANARY, CUSTOMER_CANARY, SecurityCommon, is_ours
from .security_tables import ROUTES, ROUTES_OF_HOST

HUGE = (0, 2**31 - 1, 2**31, 2**63, 10**30)
OFF_SITE = (
    "//evil.example.com",
    "/\\evil.example.com",
    "\\\\evil.example.com",
    "%2f%2fevil.example.com",
    "https://evil.example.com",
    "https:evil.example.com",
    "http:///evil.example.com",
    "javascript:alert(1)",
    "data:text/html,x",
    "/%0d%0aLocation:%20https://evil.example.com",
    "\r\nLocation: https://evil.example.com",
    "/my@evil.example.com",
    ".evil.example.com",
    "@evil.example.com",
    "///evil.example.com/%2e%2e",
    "/\t/evil.example.com",
    "ht\ttps://evil.example.com",
    "//evil%E3%80%82example.com",
    "/redirect?to=//evil.example.com",
    "?redirect=//evil.example.com",
)
PARAMETERS = (
    "access_token",
    "company_id",
    "redirect",
    "success_url",
    "landing_route",
    "page",
    "sortby",
    "filterby",
    "date_begin",
    "report_type",
    "download",
    "debug",
    "lang",
    "kwargs",
)
LOGS = (
    "odoo.http",
    "odoo.addons.base.models.ir_model",
    "odoo.addons.base.models.ir_rule",
    "odoo.addons.base.models.ir_qweb",
    "odoo.addons.mail.models.mail_thread",
    "werkzeug",
)


class SecurityHttpCommon(SecurityCommon, AccountTestInvoicingHttpCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_profile = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.other
        )
        cls.token = cls.profile.sudo().access_token
        cls.other_token = cls.other_profile.sudo()._portal_ensure_token()
        cls.invoice._portal_ensure_token()

    def _login(self, actor):
        """Come as an actor; the public is nobody."""
        if actor == "public":
            self.authenticate(None, None)
            return
        login = self.actors[actor].login
        self.authenticate(login, login.ljust(8, "x"))

    def _find_routes(self):
        """Return the routes that our controllers define or override, from the map."""
        found = {}
        for rule in self.env["ir.http"].routing_map().iter_rules():
            method = rule.endpoint.func
            classes = type(method.__self__).mro()
            if any(is_ours(cls) and method.__name__ in vars(cls) for cls in classes):
                found[rule.rule] = rule.endpoint.routing
        return found

    def _get_paths(self, route, profile_ids):
        """Return the addresses of a route, with each id where it takes one."""
        if "<" not in route:
            return [route]
        head, tail = route.split("<", 1)
        name, tail = tail.split(">", 1)
        tails = [tail]
        # The same kinds of ids, of what the route is about.
        own = {"int:dispute_id": self.dispute.id, "int:invoice_id": self.invoice.id}
        profile_ids = [
            own.get(name, id_) if id_ == self.profile.id else id_ for id_ in profile_ids
        ]
        for placeholder, values in self._get_further_values().items():
            tails = [
                tail.replace(placeholder, str(value))
                for tail in tails
                for value in (values if placeholder in tail else [""])
            ]
        return [f"{head}{id_}{tail}" for id_ in profile_ids for tail in tails]

    def _get_further_values(self):
        """Return what further parts of addresses take."""
        return {
            "<int:letter_id>": [self.letter.id],
            "<int:statement_id>": [self.statement.id],
            "<int:attachment_id>": [self.dispute_file.id],
            "<string:extension>": ["pdf", "xlsx", "exe"],
        }

    def _get_get_paths(self, profile_ids):
        """Return the addresses of our routes that answer to GET."""
        return [
            path
            for route, routing in sorted(self._find_routes().items())
            if routing["type"] == "http" and "GET" in (routing["methods"] or ["GET"])
            for path in self._get_paths(route, profile_ids)
        ]


@tagged("post_install", "-at_install")
class TestSecurityRoutes(SecurityHttpCommon):
    # === S1 === #

    def test_the_routes_are_those_of_the_table(self):
        found = {
            route: (
                routing["type"],
                routing["auth"],
                tuple(routing["methods"] or ()),
                bool(routing.get("readonly")),
            )
            for route, routing in self._find_routes().items()
        }
        self.assertEqual(found, ROUTES)

    def test_no_route_is_open_to_other_sites_or_without_a_database(self):
        for route, routing in self._find_routes().items():
            with self.subTest(route=route):
                self.assertTrue(routing.get("csrf", True))
                self.assertIn(routing["auth"], ("user", "public"))
                self.assertFalse(routing.get("cors"))
                self.assertFalse(routing.get("save_session") is False)

    # === S2 === #

    @mute_logger(*LOGS)
    def test_reading_changes_no_table_whoever_reads_what(self):
        profile_ids = (self.profile.id, self.other_profile.id, *HUGE)
        queries = ("", f"?access_token={self.token}", "?access_token=x")
        paths = [
            path + query
            for path in self._get_get_paths(profile_ids)
            for query in queries
        ]
        for actor in ("public", "customer", "portal", "salesperson", "collector"):
            self._login(actor)
            for path in paths[:1] + paths[-1:]:
                self.url_open(path, allow_redirects=False)  # style sheets are made
            before = self._hash_tables()
            for path in paths:
                for method in ("GET", "HEAD"):
                    self.url_open(path, method=method, allow_redirects=False)
            with self.subTest(actor=actor):
                self.assertEqual(self._get_changed_tables(before), [])

    # === S15 === #

    @mute_logger(*LOGS)
    def test_nobody_is_sent_to_another_site(self):
        own = urlsplit(self.base_url()).netloc
        for actor in ("public", "customer", "portal"):
            self._login(actor)
            for path in self._get_get_paths([self.profile.id]):
                for target in OFF_SITE:
                    query = "&".join(f"{p}={quote(target)}" for p in PARAMETERS)
                    response = self.url_open(f"{path}?{query}", allow_redirects=False)
                    location = urlsplit(response.headers.get("Location", ""))
                    with self.subTest(actor=actor, path=path, target=target):
                        self.assertIn(location.netloc, ("", own))
                        self.assertIn(location.scheme, ("", "http"))
                        self.assertFalse(location.path.startswith(("//", "/\\")))


@tagged("post_install", "-at_install", "credit_full")
class TestSecurityIdentity(SecurityHttpCommon):
    """Whoever asks for whichever id hears only of what is theirs: S3."""

    def _get_targets(self):
        """Return addresses by which the records of a customer might be reached."""
        token = self.other_token
        ids = [self.profile.id]
        targets = [
            path + query
            for path in self._get_get_paths(ids)
            for query in (
                "",
                "?access_token=",
                "?access_token=x",
                f"?access_token={token}",
                f"?access_token[]={self.token}",
                f"?access_token={self.invoice.access_token}",
                f"?company_id={self.company.id}",
                f"?company_id={self.other_company.id}",
            )
            # The link of an invoice opens what is about that invoice.
            if f"invoices/{self.invoice.id}/" not in path
            or self.invoice.access_token not in query
        ]
        for name, records in sorted(self.records.items()):
            record = records[:1]
            for route in ROUTES_OF_HOST:
                targets.append(route.format(model=name, id=record.id, token=token))
        report = "credit_management.report_credit_dunning_letter"
        for kind in ("html", "text"):
            for record in (self.letter, self.open_letter):
                targets.append(f"/report/{kind}/{report}/{record.id}")
        return targets

    @mute_logger(*LOGS)
    def test_no_door_tells_a_stranger_of_a_customer(self):
        asked = 0
        for actor in ("public", "portal", "salesperson", "foreign"):
            self._login(actor)
            for path in self._get_targets():
                asked += 1
                response = self.url_open(path, allow_redirects=False)
                with self.subTest(actor=actor, path=path):
                    self.assertLess(response.status_code, 500)
                    self._assert_silent(response, actor)
        self.assertGreaterEqual(asked, 200)

    def _assert_silent(self, response, actor):
        """Check that an answer holds none of the planted words, in no part of it."""
        said = f"{response.headers} {response.url} {response.text}".upper()
        self.assertNotIn(CANARY, said)
        if actor in ("public", "portal"):
            self.assertNotIn(CUSTOMER_CANARY, said)
            self.assertNotIn(self.invoice.name.upper(), said)

    @mute_logger(*LOGS)
    def test_what_is_missing_and_what_is_forbidden_look_the_same(self):
        for actor in ("public", "portal", "salesperson", "foreign"):
            self._login(actor)
            answers = set()
            for profile_id in (self.profile.id, self.profile.id + 10**6, *HUGE):
                response = self.url_open(
                    f"/my/credit/{profile_id}?access_token=x", allow_redirects=False
                )
                answers.add(
                    (
                        response.status_code,
                        response.headers.get("Location"),
                        response.content,
                    )
                )
            with self.subTest(actor=actor):
                self.assertEqual(len(answers), 1)

    # === THE TALK ABOUT A CUSTOMER === #

    @mute_logger(*LOGS)
    def test_the_link_of_a_letter_opens_the_page_and_not_the_talk_in_the_house(self):
        """The host opens the talk to whoever holds the token of a record."""
        thread = {"thread_model": "credit.profile", "thread_id": self.profile.id}
        post = {"body": "From a stranger", "message_type": "comment"}
        asked = {
            "/mail/chatter_fetch": thread,
            "/portal/chatter_init": thread,
            "/mail/thread/messages": thread,
            "/mail/message/post": thread | {"post_data": post},
        }
        keys = (
            {},
            {"token": self.token},
            {"token": self.token, "pid": self.customer.id},
            {
                "pid": self.customer.id,
                "hash": self.profile.sudo()._sign_token(self.customer.id),
            },
        )
        for actor in ("public", "customer", "portal", "salesperson", "foreign"):
            self._login(actor)
            before = self._hash_tables()
            for route, params in asked.items():
                for key in keys:
                    response = self._ask_json(route, params | key)
                    with self.subTest(actor=actor, route=route, key=sorted(key)):
                        self.assertNotIn(CANARY, response.text.upper())
                        self.assertNotIn('"message_id"', response.text)
            self.assertEqual(self._get_changed_tables(before), [])

    @mute_logger(*LOGS)
    def test_the_talk_on_an_invoice_tells_its_customer_nothing_of_dunning(self):
        """We note each letter on the invoices; customers read along there."""
        notes = self.invoice.message_ids.filtered(
            lambda message: self.first.name in str(message.body)
        )
        self.assertTrue(notes)
        params = {"thread_model": "account.move", "thread_id": self.invoice.id}
        keys = ({}, {"token": self.invoice.access_token})
        for actor in ("public", "customer", "portal"):
            self._login(actor)
            for route in ("/mail/chatter_fetch", "/mail/thread/messages"):
                for key in keys:
                    response = self._ask_json(route, params | key)
                    with self.subTest(actor=actor, route=route, key=sorted(key)):
                        self.assertNotIn(self.first.name, response.text)
                        self.assertNotIn("777.00", response.text)

    def _ask_json(self, route, params):
        request = {"id": 0, "jsonrpc": "2.0", "method": "call", "params": params}
        return self.url_open(route, json=request)

    @mute_logger(*LOGS)
    def test_the_door_for_programs_tells_a_stranger_nothing(self):
        for actor in ("portal", "customer", "salesperson", "foreign"):
            self._login(actor)
            for name, records in self.records.items():
                for method, args in (
                    ("read", [records.ids]),
                    ("search_read", [[]]),
                    ("web_search_read", [[], {"display_name": {}}]),
                    ("name_search", [""]),
                    ("export_data", [records.ids, ["display_name"]]),
                ):
                    response = self._ask_json(
                        f"/web/dataset/call_kw/{name}/{method}",
                        {"model": name, "method": method, "args": args, "kwargs": {}},
                    )
                    said = response.text.upper()
                    with self.subTest(actor=actor, model=name, method=method):
                        self.assertNotIn(CANARY, said)
                        self.assertNotIn(CUSTOMER_CANARY, said)


@tagged("post_install", "-at_install", "credit_full")
class TestSecurityTokens(SecurityHttpCommon):
    """A token opens one file, and stands where its customer reads it only: S13."""

    @mute_logger(*LOGS)
    def test_hundreds_of_guesses_open_nothing(self):
        dice = random.Random(13)
        letters = "0123456789abcdef-"
        self._login("public")
        opened = 0
        for _guess in range(300):
            token = list(self.token)
            for _change in range(dice.randint(1, 3)):
                place = dice.randrange(len(token))
                token[place] = dice.choice(letters.replace(token[place], ""))
            if dice.random() < 0.3:
                token = token[: dice.randrange(len(token))]
            guess = "".join(token)
            if guess == self.token:
                continue  # changed there and back
            response = self.url_open(
                f"/my/credit/{self.profile.id}?access_token={guess}",
                allow_redirects=False,
            )
            opened += response.status_code != 303
        self.assertEqual(opened, 0)
        link = f"/my/credit/{self.profile.id}?access_token={self.token}"
        self.assertEqual(self.url_open(link).status_code, 200)

    def test_a_mail_holds_the_token_of_its_own_customer_and_no_other(self):
        customers = [self._create_customer(f"Token {number}") for number in range(3)]
        for customer in customers:
            self._create_late_invoice(4, partner=customer)
        run = self._propose()
        run.action_approve_and_send()
        self._run_cron("ir_cron_send_letters")
        tokens = {
            letter: letter.profile_id.sudo().access_token for letter in run.letter_ids
        }
        self.assertEqual(len(set(tokens.values())), len(run.letter_ids))
        for letter, own in tokens.items():
            body = str(letter.sudo().mail_ids.body_html)
            self.assertIn(own, body)
            for token in set(tokens.values()) - {own}:
                self.assertNotIn(token, body)
            for invoice in self.env["account.move"].search(
                [("access_token", "!=", False)]
            ):
                if invoice.commercial_partner_id != letter.commercial_partner_id:
                    self.assertNotIn(invoice.access_token, body)

    def test_no_line_of_our_log_holds_a_token_or_an_address(self):
        customer = self._create_customer("Logged")
        self._create_late_invoice(4, partner=customer)
        with self.assertLogs("odoo.addons.credit_management", "DEBUG") as log:
            run = self._propose()
            run.action_approve_and_send()
            self._run_cron("ir_cron_send_letters")
            token = run.letter_ids.profile_id[:1].sudo()._portal_ensure_token()
            self.url_open(
                f"/my/credit/{run.letter_ids.profile_id[:1].id}?access_token={token}"
            )
        lines = "\n".join(log.output)
        for secret in (token, self.token, "logged@example.com", "Logged"):
            self.assertNotIn(secret, lines)


@tagged("post_install", "-at_install", "credit_full")
class TestSecurityFuzz(SecurityHttpCommon):
    """A thousand odd requests, always the same: no error page, no traceback: S20."""

    REQUESTS = 1000
    VALUES = (
        "",
        "0",
        "-1",
        "1e400",
        "NaN",
        "Infinity",
        "-0",
        "1" * 400,
        "10" * 20,
        "true",
        "None",
        "null",
        "[]",
        "{}",
        "[1,2]",
        '{"$ne":1}',
        "' OR 1=1 --",
        "1;DROP TABLE credit_profile",
        "id desc; --",
        "[('id','>',0)]",
        "../../etc/passwd",
        "{{7*7}}",
        "<script>alert(1)</script>",
        "%00",
        "%ff%fe",
        "%ed%a0%80",
        "%f0%9f%92%a9",
        "%e2%80%ae",
        "%0d%0aX-Evil:%201",
        "x" * 4000,
        "%",
        "%%%zz",
        "+" * 50,
        "2026-02-30",
        "0x1F",
        "１２",
    )

    @mute_logger(*LOGS)
    def test_a_thousand_odd_requests_break_nothing(self):
        dice = random.Random(20)
        routes = self._get_get_paths(["{}"])
        before = None
        for number in range(self.REQUESTS):
            if number % 250 == 0:
                self._login(
                    ("public", "customer", "portal", "collector")[number // 250]
                )
                self.url_open("/my/credit")
                before = before or self._hash_tables()
            path, options = self._make_odd(dice, routes)
            response = self.url_open(path, allow_redirects=False, **options)
            with self.subTest(number=number, path=path[:200], **options):
                self.assertLess(response.status_code, 500)
                self.assertNotIn("Traceback", response.text)
                self.assertNotIn("X-Evil", response.headers)
        self.assertEqual(self._get_changed_tables(before), [])

    def _make_odd(self, dice, routes):
        """Return an address and options of a request that nobody would send."""
        values = [*self.VALUES, self.token, str(self.profile.id)]
        number = dice.choice(
            [self.profile.id, self.other_profile.id, *HUGE, *values[:20]]
        )
        path = dice.choice(routes).format(number)
        query = []
        for _part in range(dice.randint(0, 5)):
            name = dice.choice(PARAMETERS) + dice.choice(("", "", "[]", "[a]", "."))
            query.append(f"{name}={dice.choice(values)}")
        options = {
            "method": dice.choice(("GET",) * 6 + ("HEAD", "POST", "PUT", "OPTIONS"))
        }
        if dice.random() < 0.2:
            options["headers"] = {
                dice.choice(("Accept-Language", "Cookie", "Referer", "Content-Type")): (
                    dice.choice(("zz", "x" * 3000, "session_id=x", "text/plain", "{}"))
                )
            }
        return f"{path}?{'&'.join(query)}", options
