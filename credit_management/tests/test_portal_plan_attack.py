"""What strangers, forwarded links and changed forms do to payment plans: nothing."""

from datetime import timedelta
from decimal import Decimal

from lxml import html

from odoo import Command
from odoo.tests import JsonRpcException, freeze_time, tagged
from odoo.tools import mute_logger
from odoo.tools.misc import hash_sign

from ..logic import instalments
from ..models.credit_payment_plan_agreement import SCOPE
from ..models.credit_profile import PORTAL_WRITES_A_DAY
from .test_portal import XSS
from .test_portal_plan import FIRST, LOGS, SECOND, PortalPlanCommon

CONFIRM = "/my/payment-plans/accept/confirm"
PAGE_ERROR = "//p[@name='plan_error']"


class PlanAttackCommon(PortalPlanCommon):
    @classmethod
    def _foreign_plan(cls):
        """Return a plan of another customer, proposed by us."""
        parts = instalments.make_plan(Decimal(90), [FIRST, SECOND], Decimal("0.01"))
        plan = (
            cls.env["credit.payment.plan"]
            ._make(cls._get_profile(cls.other), cls.foreign_item, parts)
            .sudo(False)
        )
        plan.action_propose()
        return plan

    def _asked(self):
        """Return what the customer proposed with its login."""
        self._login(self.azure_user)
        self._propose_online(access_token=None)
        return self._plans()[-1]

    def _assert_error(self, response, status=400):
        """The page says in words what is wrong."""
        self.assertEqual(response.status_code, status)
        self.assertTrue(html.fromstring(response.content).xpath(PAGE_ERROR))

    def _count_mails(self):
        return self.env["mail.mail"].sudo().search_count([])


@tagged("post_install", "-at_install", "credit_full")
class TestPlanAcceptAttack(PlanAttackCommon):
    """Accepting: once, in time, by who was asked, with what was mailed for it."""

    @mute_logger(*LOGS)
    def test_a_form_of_another_site_moves_nothing(self):
        proposed = self._proposed()
        token = proposed.sudo()._get_accept_token()
        self._login(self.azure_user)
        before = self._count_mails()
        for path, values in (
            (self._path(proposed, "/accept"), {"name": "X"}),
            (self._path(proposed, "/decline"), {"reason": "X"}),
            (self._path(proposed, "/link"), {}),
            (CONFIRM, {"token": token, "name": "X"}),
            (self._path(proposed, "/collect"), {"token_id": "1", "agree": "1"}),
            (self._path(proposed, "/collect/stop"), {}),
        ):
            for csrf_token in (None, "x"):
                with self.subTest(path=path, csrf_token=csrf_token):
                    response = self._send(path, csrf_token=csrf_token, **values)
                    self.assertEqual(response.status_code, 400)
                    self.assertFalse(
                        html.fromstring(response.content).xpath(PAGE_ERROR),
                        "the host refuses it before anything of ours runs",
                    )
        self.assertEqual(self._plans().state, "proposed")
        self.assertEqual(self._count_mails(), before)

    @mute_logger(*LOGS)
    def test_nothing_is_moved_by_opening_an_address(self):
        plan = self._proposed()
        token = plan.sudo()._get_accept_token()
        self._login(self.azure_user)
        for path in (
            self._path(plan, "/accept?name=X"),
            self._path(plan, "/decline"),
            self._path(plan, "/link"),
            self._path(plan, "/transaction/part"),
            f"{CONFIRM}?token={token}&name=X",
        ):
            with self.subTest(path=path):
                self.assertIn(self.url_open(path).status_code, (400, 404, 405, 415))
        self.assertEqual(self._plans().state, "proposed")

    @mute_logger(*LOGS)
    def test_it_is_accepted_once_whatever_is_sent_again(self):
        plan = self._proposed()
        tokens = [plan.sudo()._get_accept_token(), self._accept_link()]
        self._login(self.azure_user)
        self._send(self._path(plan, "/accept"), name="Anna")
        accepted = self._plans()
        kept = (accepted.accepted_date, accepted.accepted_hash, accepted.accepted_way)
        told = len(accepted.message_ids)
        self._assert_error(self._send(self._path(plan, "/accept"), name="Eve"))
        self.authenticate(None, None)
        for token in tokens:
            self._send(CONFIRM, token=token, name="Eve")
        accepted = self._plans()
        self.assertEqual(accepted.accepted_name, "Anna")
        self.assertEqual(
            (accepted.accepted_date, accepted.accepted_hash, accepted.accepted_way),
            kept,
        )
        self.assertEqual(len(accepted.message_ids), told)

    @mute_logger(*LOGS)
    def test_what_has_ended_is_not_accepted_with_a_login_either(self):
        plan = self._proposed()
        with freeze_time("2026-05-28 09:00:00"):
            self._login(self.azure_user)
            page = self._read(self._path(plan))
            self.assertFalse(page.xpath("//form[@name='accept']"))
            self._assert_error(self._send(self._path(plan, "/accept"), name="Anna"))
        self.assertEqual(self._plans().state, "proposed")
        # Nor when its last day has come but the day of its first part has passed.
        plan.sudo().answer_by = FIRST + timedelta(days=30)
        with freeze_time(f"{FIRST + timedelta(days=1)} 09:00:00"):
            self._login(self.azure_user)
            self._assert_error(self._send(self._path(plan, "/accept"), name="Anna"))
        self.assertEqual(self._plans().state, "proposed")

    @mute_logger(*LOGS)
    def test_only_what_was_mailed_for_it_accepts(self):
        plan = self._proposed()
        right = plan.sudo()._get_accept_token()
        env_sudo = self.env(su=True)
        email = self.customer.email
        signed = [
            hash_sign(env_sudo, scope, values, expiration_hours=hours)
            for scope, values, hours in (
                ("credit.address", [plan.id, email], 48),  # for something else
                (SCOPE, [plan.id, "eve@example.com"], 48),  # to somebody else
                (SCOPE, [plan.id + 10**6, email], 48),  # of no plan
            )
        ]
        tampered = [
            right[:position] + ("A" if right[position] != "A" else "B") + right[-rest:]
            for position, rest in ((5, len(right) - 6), (len(right) // 2, 3), (-3, 2))
        ]
        self.authenticate(None, None)
        for token in (
            self._plan_token(plan),
            self.token,
            self.foreign_token,
            right.swapcase(),
            right[::-1],
            right + right,
            *signed,
            *tampered,
        ):
            with self.subTest(token=token):
                response = self._send(CONFIRM, token=token, name="Eve")
                self.assertEqual(response.status_code, 200)
                self.assertIn("does not work any more", response.text)
        self.assertEqual(self._plans().state, "proposed")
        # What accepts opens no page of its own either.
        self._assert_sent_away(self._path(plan, f"?access_token={right}"))
        # The right one is not used up by all that.
        self._send(CONFIRM, token=right, name="Anna")
        self.assertEqual(self._plans().state, "active")

    @mute_logger(*LOGS)
    def test_a_link_accepts_the_plan_that_it_names_and_no_other(self):
        self._proposed()
        foreign = self._foreign_plan()
        self.authenticate(None, None)
        self._send(
            CONFIRM,
            token=foreign.sudo()._get_accept_token(),
            name="Other",
            plan_id=str(self._plans()[0].id),
        )
        own, foreign = self._plans()
        self.assertEqual((own.state, foreign.state), ("proposed", "active"))

    @mute_logger(*LOGS)
    def test_a_customer_accepts_no_proposal_of_its_own(self):
        asked = self._asked()
        response = self._send(self._path(asked, "/accept"), name="Anna")
        self._assert_error(response)
        self._assert_error(self._send(self._path(asked, "/link")))
        asked.sudo().answer_by = self.today + timedelta(days=9)
        token = asked.sudo()._get_accept_token()
        self._send(CONFIRM, token=token, name="Anna")
        self.assertEqual(self._plans().state, "proposed")

    @mute_logger(*LOGS)
    def test_who_has_the_link_takes_no_proposal_of_a_login_back(self):
        asked = self._asked()
        token = self._plan_token(asked)
        self.authenticate(None, None)
        self._send(self._path(asked, "/decline"), access_token=token)
        self.assertEqual(self._plans().state, "proposed")
        self._login(self.azure_user)
        self._send(self._path(asked, "/decline"))
        self.assertEqual(self._plans().state, "refused")

    @mute_logger(*LOGS)
    def test_what_runs_or_has_ended_is_neither_declined_nor_accepted(self):
        plan = self._running()
        self._login(self.azure_user)
        for state, move in (
            ("active", None),
            ("broken", plan.action_break),
        ):
            if move:
                move()
            for suffix in ("/decline", "/accept", "/link"):
                response = self._send(self._path(plan, suffix), name="X", reason="X")
                self.assertLess(response.status_code, 500)
            self.assertEqual(self._plans().state, state)

    @mute_logger(*LOGS)
    def test_a_draft_is_nobodys_to_see(self):
        plan = self._plan()
        token = self._plan_token(plan)
        self._login(self.azure_user)
        for path in ("", f"?access_token={token}", f"/pay?access_token={token}"):
            self._assert_sent_away(self._path(plan, path))
        self._send(self._path(plan, "/accept"), name="X", access_token=token)
        self.assertEqual(self._plans().state, "draft")

    @mute_logger(*LOGS)
    def test_who_left_the_customer_sees_and_accepts_nothing(self):
        plan = self._proposed()
        colleague = self._create_portal_user("azure.colleague", self.customer)
        self._login(colleague)
        self._read(self._path(plan))  # a contact of the same customer
        colleague.partner_id.parent_id = self.other
        self.env.flush_all()
        self._assert_sent_away(self._path(plan))
        self._send(self._path(plan, "/accept"), name="X")
        self._send(self._path(plan, "/decline"), reason="X")
        self.assertEqual(self._plans().state, "proposed")


@tagged("post_install", "-at_install", "credit_full")
class TestPlanPayAttack(PlanAttackCommon):
    """Paying: what the ledger says, by who may, with what is one's own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider.allow_tokenization = True
        cls.method.support_tokenization = True
        cls.stored = cls._store(cls.azure_user.partner_id, "4242")
        cls.foreign_stored = cls._store(cls.other_user.partner_id, "6666")

    def setUp(self):
        super().setUp()
        self.charged = charged = []
        self.patch(
            self.env.registry["payment.transaction"],
            "_send_payment_request",
            lambda transaction: charged.append(transaction.reference),
        )

    @classmethod
    def _store(cls, partner, details):
        return cls.env["payment.token"].create(
            {
                "provider_id": cls.provider.id,
                "payment_method_id": cls.method.id,
                "payment_details": details,
                "partner_id": partner.id,
                "provider_ref": details,
            }
        )

    def test_changed_amounts_begin_no_payment_however_they_are_written(self):
        plan = self._running()
        for amount in (
            *(-100.0, 0, 99.99, 100.01, 300.0, 1e308, -1e308, 10**400),
            *("NaN", "Infinity", "-Infinity", "1e2x", "100,00", "", None, XSS),
            *([100.0], {"amount": 100.0}, [], True),
        ):
            with self.subTest(amount=amount):
                self._assert_refused(plan, "part", amount)

    def test_further_keys_and_other_ways_begin_no_payment(self):
        plan = self._running()
        for key, value in (
            ("currency_id", self.setup_other_currency("CHF").id),
            ("partner_id", self.other.id),
            ("invoice_ids", [Command.set(self.foreign_invoice.ids)]),
            ("custom_create_values", {"amount": 1}),
            ("reference_prefix", "X"),
            ("state", "done"),
        ):
            with self.subTest(key=key):
                self._assert_refused(plan, "part", 100.0, **{key: value})
        for what in ("PART", "part ", "amount", "__class__", "0", XSS):
            with self.subTest(what=what):
                self._assert_refused(plan, what.replace("/", ""), 100.0)
        disabled = self.provider.copy({"state": "disabled"})
        for provider in (disabled.id, -1, "x", None, [self.provider.id]):
            with self.subTest(provider=provider):
                self._assert_refused(plan, "part", 100.0, provider_id=provider)

    def test_the_plan_of_somebody_else_is_not_paid_without_its_link(self):
        plan = self._running()
        own_tokens = (self.foreign_token, self._plan_token(self._foreign_plan()))
        for user in (None, self.other_user):
            if user:
                self._login(user)
            else:
                self.authenticate(None, None)
            for token in (None, "", "x", "é", ["x"], self.token, *own_tokens):
                with self.subTest(user=user and user.login, token=token):
                    self._assert_refused(plan, "part", 100.0, access_token=token)
        for plan_id in (0, plan.id + 10**6):
            with self.assertRaises(JsonRpcException), mute_logger("odoo.http"):
                self.make_jsonrpc_request(
                    f"/my/payment-plans/{plan_id}/transaction/part",
                    {"amount": 100.0, "access_token": self._plan_token(plan)},
                )

    def test_what_is_not_agreed_or_has_ended_takes_no_payment(self):
        plan = self._proposed()
        self._assert_refused(plan, "part", 100.0)
        page = self._read(
            self._path(plan, f"/pay?access_token={self._plan_token(plan)}")
        )
        self.assertFalse(page.xpath("//form[@id='o_payment_form']"))
        plan.action_activate()
        self._pay(self.invoice, 300.0)
        self.assertEqual(self._plans().state, "kept")
        self._assert_refused(plan, "part", 100.0)

    def _with_stored(self, plan, stored, **values):
        return {"flow": "token", "token_id": stored.id} | values

    def test_who_has_a_link_sees_and_charges_no_stored_way_to_pay(self):
        plan = self._running()
        of_customer = self._store(self.customer, "5555")
        self.authenticate(None, None)
        page = self._read(
            self._path(plan, f"/pay?access_token={self._plan_token(plan)}")
        )
        self.assertNotIn("5555", page.text_content())
        for stored in (of_customer, self.stored, self.foreign_stored):
            with self.subTest(stored=stored.payment_details):
                values = self._with_stored(plan, stored)
                self._assert_refused(plan, "part", 100.0, **values)
        self.assertFalse(self.charged)

    def test_who_has_a_link_stores_no_way_to_pay(self):
        plan = self._running()
        wish = {"tokenization_requested": True}
        self.authenticate(None, None)
        self.assertFalse(self._begin(plan, "part", 100.0, **wish).tokenize)
        self._login(self.azure_user)
        self.assertTrue(self._begin(plan, "part", 100.0, **wish).tokenize)

    def test_a_stored_way_to_pay_of_somebody_else_is_not_charged(self):
        plan = self._running()
        colleague = self._create_portal_user("azure.colleague", self.customer)
        for user, stored in (
            (colleague, self.stored),
            (self.azure_user, self.foreign_stored),
            (self.other_user, self.stored),
        ):
            self._login(user)
            with self.subTest(user=user.login):
                values = self._with_stored(plan, stored)
                self._assert_refused(plan, "part", 100.0, **values)
        for token_id in (0, -1, 10**12, "x", None, [self.stored.id]):
            with self.subTest(token_id=token_id):
                self._assert_refused(
                    plan, "part", 100.0, flow="token", token_id=token_id
                )
        self.assertFalse(self.charged)
        self._login(self.azure_user)
        values = self._with_stored(plan, self.stored, access_token=None)
        transaction = self._begin(plan, "part", 100.0, **values)
        self.assertEqual(self.charged, [transaction.reference])
        self.assertEqual(transaction.token_id, self.stored)
        self.assertEqual(transaction.amount, 100.0)

    def test_on_the_statement_neither(self):
        of_customer = self._store(self.customer, "5555")
        self.authenticate(None, None)
        path = f"/my/credit/{self.profile.id}/pay?currency=USD&items=overdue"
        page = self._open(f"{path}&access_token={self.token}")
        self.assertTrue(page.xpath("//form[@id='o_payment_form']"))
        self.assertNotIn("5555", page.text_content())
        before = self.env["payment.transaction"].sudo().search_count([])
        with self.assertRaises(JsonRpcException), mute_logger("odoo.http"):
            self.make_jsonrpc_request(
                f"/my/credit/{self.profile.id}/transaction/USD/overdue",
                {
                    "provider_id": self.provider.id,
                    "payment_method_id": self.method.id,
                    "token_id": of_customer.id,
                    "amount": 300.0,
                    "flow": "token",
                    "tokenization_requested": False,
                    "landing_route": "/my",
                    "is_validation": False,
                    "access_token": self.token,
                },
            )
        after = self.env["payment.transaction"].sudo().search_count([])
        self.assertEqual(after, before)
        self.assertFalse(self.charged)

    @mute_logger(*LOGS)
    def test_what_one_guesses_agrees_to_no_collecting(self):
        plan = self._running()
        self._login(self.azure_user)
        gone = self._store(self.azure_user.partner_id, "7777")
        gone.active = False
        elsewhere = self._store(self.azure_user.partner_id, "8888")
        elsewhere.provider_id = self.provider.copy({"state": "disabled"})
        for token_id in (
            *(0, -1, 10**30, "x", "", "١", XSS, f" {self.stored.id}"),
            *(gone.id, elsewhere.id, self.foreign_stored.id),
        ):
            with self.subTest(token_id=token_id):
                self._assert_error(
                    self._send(
                        self._path(plan, "/collect"),
                        token_id=str(token_id),
                        agree="1",
                        partner_id=str(self.other_user.partner_id.id),
                    )
                )
        self.assertFalse(self._plans().token_id)


@tagged("post_install", "-at_install", "credit_full")
class TestPlanFormAttack(PlanAttackCommon):
    """Proposing: odd values are answered in words, markup is text, floods end."""

    @mute_logger(*LOGS)
    def test_odd_days_counts_and_rhythms_are_refused_in_words(self):
        odd = {
            "first": (
                *(None, "", "0001-01-01", "1970-01-01", "2026-05-12", "2026-05-28"),
                *("9999-12-31", "2026-02-31", "20/05/2026", "2026-05-20T00:00"),
                *("٢٠٢٦-٠٥-٢٠", "-2026-05-20", "x" * 5000, XSS),
            ),
            "count": (
                *(None, "", "0", "1", "-3", "7", "999", "9" * 40, "3.0", "1e1"),
                *("NaN", "Infinity", "٣", " 3", "0x3", XSS),
            ),
            "rhythm": (None, "", "daily", "MONTHLY", "fixed", "x" * 5000, XSS),
        }
        for name, values in odd.items():
            for value in values:
                with self.subTest(name=name, value=value):
                    response = self._propose_online(**{name: value})
                    self._assert_error(response)
                    self.assertNotIn("<script>alert", response.text)
        self.assertFalse(self._plans())

    @mute_logger(*LOGS)
    def test_the_calculator_takes_as_little_and_writes_nothing(self):
        self.authenticate(None, None)
        before = self._count_writes()
        path = f"/my/credit/{self.profile.id}/plan?access_token={self.token}"
        good = {
            "items": str(self.item.id),
            "count": "3",
            "rhythm": "monthly",
            "first": str(FIRST),
        }
        for name, value in (
            ("items", str(self.foreign_item.id)),
            ("items", "-1"),
            ("count", "NaN"),
            ("count", "9" * 4000),
            ("first", "9999-12-31"),
            ("rhythm", XSS),
        ):
            query = good | {name: value}
            response = self.url_open(
                "&".join([path, *(f"{key}={value}" for key, value in query.items())])
            )
            with self.subTest(name=name, value=value):
                self._assert_error(response)
                self.assertNotIn("<script>alert", response.text)
        self.assertEqual(self._count_writes(), before)

    @mute_logger(*LOGS)
    def test_markup_is_text_wherever_it_is_shown_or_mailed(self):
        self.customer.name = XSS
        self._login(self.azure_user)
        self._propose_online(access_token=None, reason=XSS, key=XSS)
        asked = self._plans()
        self._send(self._path(asked, "/decline"), reason=XSS)
        self.assertEqual(asked.end_reason[:7], "<script")  # literally
        proposed = self._proposed()
        self._send(self._path(proposed, "/accept"), name=XSS)
        self.assertEqual(self._plans()[-1].state, "active")
        second = self._create_late_invoice(9, 300.0)
        offered = (
            self.env["credit.payment.plan"]
            ._make(
                self.profile,
                self._receivable_line(second),
                proposed.line_ids._to_parts(),
            )
            .sudo(False)
        )
        offered.action_propose()
        token = offered.sudo()._get_accept_token()
        pages = [
            self.url_open(path)
            for path in (
                self._path(asked),
                self._path(proposed),
                self._path(offered),
                "/my/payment-plans",
                "/my/credit",
                f"/my/credit/{self.profile.id}/plan",
                f"/my/payment-plans/accept?token={token}",
            )
        ]
        pages.append(self._send(CONFIRM, token=token, name=XSS))
        for page in pages:
            with self.subTest(url=page.url):
                self.assertLess(page.status_code, 400)
                self.assertNotIn("<script>alert", page.text)
                root = html.fromstring(page.content or b"<p/>")
                self.assertFalse(root.xpath("//img[@src='x']"))
        plans = self._plans()
        mails = self.env["mail.mail"].sudo().search([])
        bodies = [*plans.message_ids.mapped("body"), *mails.mapped("body_html")]
        self.assertGreater(len(bodies), 5)
        for body in bodies:
            self.assertNotIn("<script>alert", str(body))
            self.assertNotIn("<img src=x", str(body).replace('"', ""))
        for accepted in plans.filtered("accepted_name"):
            self.assertLessEqual(len(accepted.accepted_name), 100)

    @mute_logger(*LOGS)
    def test_two_hundred_posts_write_no_more_than_a_day_allows(self):
        plan = self._proposed()
        token = self._plan_token(plan)
        right = plan.sudo()._get_accept_token()
        self.authenticate(None, None)
        before = self._count_mails()
        codes = []
        for number in range(200):
            path, values = (
                (self._path(plan, "/link"), {"access_token": token}),
                (self._path(plan, "/decline"), {"access_token": token}),
                (self._path(plan, "/accept"), {"name": "X", "access_token": token}),
                (CONFIRM, {"token": right[:-1], "name": "X"}),
            )[number % 4 if number > PORTAL_WRITES_A_DAY + 20 else 0]
            codes.append(self._send(path, **values).status_code)
        self.assertLess(max(codes), 500)
        self.assertEqual(codes.count(429), codes[PORTAL_WRITES_A_DAY:].count(429))
        self.assertEqual(codes[PORTAL_WRITES_A_DAY], 429)
        self.assertEqual(self._count_mails() - before, PORTAL_WRITES_A_DAY)
        self.assertEqual(self._plans().state, "proposed")
        # What the day allows is spent for proposals, too.
        plan._decline("No", by_customer=True)
        self._assert_error(self._propose_online(), 429)
        self.assertEqual(len(self._plans()), 1)
