"""A customer sees, proposes, accepts and pays a plan; nobody else does."""

import hashlib
import re
from datetime import date, timedelta
from decimal import Decimal
from unittest.mock import patch

from lxml import html

from odoo import Command, http
from odoo.exceptions import ValidationError
from odoo.tests import JsonRpcException, freeze_time, tagged
from odoo.tools import mute_logger

from ..logic import instalments
from ..models import credit_profile
from .test_portal import PRIVATE, XSS, CreditPortalCommon

LOGS = ("odoo.http", "werkzeug", "odoo.addons.base.models.ir_rule")
FIRST, SECOND, THIRD = date(2026, 5, 20), date(2026, 6, 22), date(2026, 7, 20)


class PortalPlanCommon(CreditPortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "True"
        )
        cls.company.write(
            {
                "credit_portal_plans": True,
                "credit_plan_most_parts": 6,
                "credit_plan_first_days": 14,
                "credit_plan_answer_days": 14,
                "credit_plan_grace_days": 3,
                "credit_plan_warning_days": 7,
                "credit_plan_notice_days": 3,
            }
        )
        cls.method = cls.env["payment.method"].create(
            {"name": "Method", "code": "credit_plan_method", "active": True}
        )
        cls.provider = cls.env["payment.provider"].create(
            {
                "name": "Provider",
                "company_id": cls.company.id,
                "state": "test",
                "is_published": True,
                "payment_method_ids": [Command.set(cls.method.ids)],
            }
        )
        cls.invoice = cls._create_late_invoice(12, 300.0)
        cls.item = cls._receivable_line(cls.invoice)
        cls.profile = cls._get_profile()
        cls.token = cls.profile._portal_ensure_token()
        cls.foreign_invoice = cls._create_late_invoice(12, 90.0, partner=cls.other)
        cls.foreign_item = cls._receivable_line(cls.foreign_invoice)
        cls.foreign_token = cls._get_profile(cls.other)._portal_ensure_token()

    @classmethod
    def _plan(cls, **values):
        parts = instalments.make_plan(
            Decimal(300), [FIRST, SECOND, THIRD], Decimal("0.01")
        )
        return (
            cls.env["credit.payment.plan"]
            ._make(cls.profile, cls.item, parts, **values)
            .sudo(False)
        )

    def _proposed(self):
        plan = self._plan()
        plan.action_propose()
        return plan

    def _running(self):
        plan = self._plan()
        plan.action_activate()
        return plan

    def _send(self, path, **values):
        """Send a form as a browser does."""
        if not self.session:
            self.authenticate(None, None)
        data = {"csrf_token": http.Request.csrf_token(self)} | values
        return self.url_open(
            path,
            data={key: value for key, value in data.items() if value is not None},
            allow_redirects=False,
            method="POST",
        )

    def _read(self, path):
        response = self.url_open(path, allow_redirects=False)
        self.assertEqual(response.status_code, 200, path)
        for name, value in PRIVATE.items():
            self.assertEqual(response.headers[name], value)
        return html.fromstring(response.content)

    def _path(self, plan, suffix=""):
        return f"/my/payment-plans/{plan.id}{suffix}"

    def _plan_token(self, plan):
        return plan.sudo()._portal_ensure_token()

    def _accept_link(self):
        """The token of the link in the newest mail that accepts."""
        mail = (
            self.env["mail.mail"]
            .sudo()
            .search([("subject", "like", "Please accept")], order="id desc", limit=1)
        )
        self.assertEqual(mail.email_to, self.customer.email)
        return re.search(r"token=([^\"&]+)", mail.body_html).group(1)

    def _propose_online(self, profile=None, **values):
        profile = profile or self.profile
        return self._send(
            f"/my/credit/{profile.id}/plan/propose",
            **{
                "access_token": self.token,
                "items": str(self.item.id),
                "count": "3",
                "rhythm": "monthly",
                "first": str(FIRST),
            }
            | values,
        )

    def _plans(self):
        self.env.invalidate_all()
        return self.env["credit.payment.plan"].search(
            [("company_id", "=", self.company.id)], order="id"
        )

    def _night(self, day):
        """What the job does, without its commits."""
        with freeze_time(f"{day} 09:00:00"):
            Plan_sudo = self.env["credit.payment.plan"].sudo()
            Plan_sudo._end_unanswered()
            Plan_sudo.search(
                [("state", "=", "active"), ("company_id", "=", self.company.id)]
            )._refresh(self.company._credit_today(), is_night=True)

    def _begin(self, plan, what, amount, **values):
        params = {
            "provider_id": self.provider.id,
            "payment_method_id": self.method.id,
            "token_id": None,
            "amount": amount,
            "flow": "redirect",
            "tokenization_requested": False,
            "landing_route": "https://evil.example.com/",
            "is_validation": False,
            "access_token": self._plan_token(plan),
        }
        result = self.make_jsonrpc_request(
            self._path(plan, f"/transaction/{what}"), params | values
        )
        return (
            self.env["payment.transaction"]
            .sudo()
            .search([("reference", "=", result["reference"])])
        )

    @mute_logger("odoo.http")
    def _assert_refused(self, plan, what, amount, **values):
        before = self.env["payment.transaction"].sudo().search_count([])
        with self.assertRaises(JsonRpcException):
            self._begin(plan, what, amount, **values)
        after = self.env["payment.transaction"].sudo().search_count([])
        self.assertEqual(after, before)


@tagged("post_install", "-at_install", "credit_full")
class TestPortalPlan(PortalPlanCommon):
    # === ACCEPTED === #

    def test_the_mailed_link_accepts_once_and_what_was_shown_is_kept(self):
        plan = self._proposed()
        self.assertEqual((plan.state, plan.answer_by), ("proposed", date(2026, 5, 27)))
        self.authenticate(None, None)
        token = self._accept_link()
        before = self._count_writes()
        page = self._read(f"/my/payment-plans/accept?token={token}")
        self.assertEqual(self._count_writes(), before, "programs follow links, too")
        shown = self._get_text(page.xpath("//div[@name='agreement']")[0])
        self.assertIn("$ 300.00", shown)
        confirm = "/my/payment-plans/accept/confirm"
        self.assertEqual(self._send(confirm, token=token, name=" ").status_code, 200)
        self.assertEqual(self._plans().state, "proposed")
        response = self._send(confirm, token=token, name="Anna Azure")
        self.assertEqual(response.status_code, 303)
        plan = self._plans()
        self.assertEqual(plan.state, "active")
        self.assertEqual(
            (plan.accepted_way, plan.accepted_name), ("link", "Anna Azure")
        )
        digest = hashlib.sha256(plan.accepted_text.encode()).hexdigest()
        self.assertEqual(plan.accepted_hash, digest)
        self.assertEqual(" ".join(plan.accepted_text.split()), shown)
        again = self._send(confirm, token=token, name="Other Name")
        self.assertIn("does not work any more", again.text)
        self.assertEqual(self._plans().accepted_name, "Anna Azure")

    def test_a_login_accepts_in_its_name(self):
        plan = self._proposed()
        self._login(self.azure_user)
        page = self._read(self._path(plan))
        self.assertEqual(
            page.xpath("//form[@name='accept']//input[@name='name']/@value"),
            [self.azure_user.name],
        )
        self._send(self._path(plan, "/accept"), name="Anna")
        plan = self._plans()
        self.assertEqual((plan.state, plan.accepted_way), ("active", "portal"))
        page = self._read(self._path(plan))
        self.assertIn("Accepted by Anna", self._get_text(page))
        self.assertIn(plan.name, self._get_text(self._read("/my/payment-plans")))

    @mute_logger(*LOGS)
    def test_a_forwarded_page_accepts_nothing(self):
        plan = self._proposed()
        token = self._plan_token(plan)
        self.authenticate(None, None)
        page = self._read(self._path(plan, f"?access_token={token}"))
        self.assertFalse(page.xpath("//form[@name='accept']"))
        self._send(self._path(plan, "/accept"), name="X", access_token=token)
        self._send("/my/payment-plans/accept/confirm", token=token, name="X")
        self._login(self.other_user)
        self._send(self._path(plan, "/accept"), name="X", access_token=token)
        self.assertEqual(self._plans().state, "proposed")
        mails = [("subject", "like", "Please accept")]
        before = self.env["mail.mail"].sudo().search_count(mails)
        self.authenticate(None, None)
        self._send(self._path(plan, "/link"), access_token=token)
        self.assertEqual(self.env["mail.mail"].sudo().search_count(mails), before + 1)
        self._accept_link()

    @mute_logger(*LOGS)
    def test_an_expired_or_changed_link_accepts_nothing(self):
        self._proposed()
        self.authenticate(None, None)
        token = self._accept_link()
        confirm = "/my/payment-plans/accept/confirm"
        for odd in (None, "", "x", "é", token[:-2], token + "x", "9" * 5000):
            self.assertLess(self._send(confirm, token=odd, name="X").status_code, 500)
        with freeze_time("2026-05-28 09:00:00"):
            self._send(confirm, token=token, name="X")
        self.customer.email = "new@example.com"
        self._send(confirm, token=token, name="X")
        self.assertEqual(self._plans().state, "proposed")
        self._night("2026-05-28")
        self.assertEqual(self._plans().state, "cancelled")

    def test_the_link_is_in_no_talk_that_staff_reads(self):
        plan = self._proposed()
        for message in plan.message_ids:
            self.assertNotIn("accept?token", message.body)

    def test_the_customer_declines_with_a_login(self):
        plan = self._proposed()
        self.authenticate(None, None)
        token = self._plan_token(plan)
        self._send(self._path(plan, "/decline"), access_token=token)
        self.assertEqual(self._plans().state, "proposed")
        self._login(self.azure_user)
        self._send(self._path(plan, "/decline"), reason="Too much")
        plan = self._plans()
        self.assertEqual((plan.state, plan.end_reason), ("refused", "Too much"))

    # === PROPOSED BY THE CUSTOMER === #

    def test_a_customer_calculates_proposes_and_staff_accepts(self):
        self._login(self.azure_user)
        page = self._open("/my/credit")
        (link,) = page.xpath("//a[@name='plan']/@href")
        page = self._read(link)
        self.assertEqual(
            page.xpath("//input[@name='items'][@checked]/@value"), [str(self.item.id)]
        )
        page = self._read(
            f"{link}?items={self.item.id}&count=3&rhythm=monthly&first={FIRST}"
            "&reason=Holidays"
        )
        self.assertFalse(self._plans(), "looking writes nothing")
        amounts = page.xpath("//table[@name='parts']//td[2]")
        self.assertEqual([self._get_amount(each) for each in amounts], ["100.00"] * 3)
        form = page.xpath("//form[@name='propose']//input")
        sent = {each.get("name"): each.get("value") for each in form}
        del sent["csrf_token"]
        response = self._send(f"{link}/propose", **sent)
        plan = self._plans()
        self.assertURLEqual(response.headers["Location"], self._path(plan))
        self.assertEqual((plan.state, plan.source), ("proposed", "portal"))
        self.assertEqual(plan.reason, "Holidays")
        self.assertEqual(plan.accepted_name, self.azure_user.name)
        # Sent twice by a double click, it is one.
        self._send(f"{link}/propose", **sent)
        self.assertEqual(self._plans(), plan)
        self.assertTrue(self._propose().letter_ids, "reminders go on until the answer")
        self.assertFalse(self._open("/my/credit").xpath("//a[@name='plan']"))
        plan.action_accept()
        self.assertEqual(plan.state, "active")

    def test_the_statement_does_not_ask_for_what_is_paid_in_parts(self):
        self._running()
        other = self._create_late_invoice(5, 100.0)
        page = self._open(self._get_link())
        totals = self._get_totals(page)
        self.assertEqual(totals["overdue"], "400.00")
        self.assertEqual(totals["planned"], "-300.00")
        self.assertEqual(totals["to_pay"], "100.00")
        ticked = page.xpath("//input[@name='items'][@checked]/@value")
        self.assertEqual(ticked, [str(self._receivable_line(other).id)])
        self.assertEqual(len(page.xpath("//div[@name='planned']")), 1)

    def test_staff_refuses_in_words_that_the_customer_reads(self):
        self._propose_online()
        plan = self._plans()
        self.assertEqual((plan.source, plan.accepted_name), ("link", False))
        window = self.env["credit.payment.plan.refuse"].browse(
            plan.action_refuse()["res_id"]
        )
        window.reason = "The first part comes too late"
        window.action_refuse()
        self.assertEqual(plan.state, "refused")
        page = self._read(self._path(plan, f"?access_token={self._plan_token(plan)}"))
        self.assertIn("comes too late", self._get_text(page))

    def test_staff_answers_by_another_plan(self):
        self._propose_online()
        asked = self._plans()
        window = self.env["credit.payment.plan.make"].browse(
            asked.action_counter()["res_id"]
        )
        window.part_count = 2
        counter = self.env["credit.payment.plan"].browse(window.action_make()["res_id"])
        self.assertEqual(asked.state, "proposed")
        counter.action_propose()
        self.assertEqual((asked.state, counter.state), ("refused", "proposed"))

    def test_the_company_sets_the_window(self):
        for values, status in (
            ({"count": "7"}, 400),
            ({"count": "1"}, 400),
            ({"first": "2026-05-28"}, 400),
            ({"first": "2026-05-12"}, 400),
            ({"rhythm": "daily"}, 400),
            ({"count": "6", "first": "2026-05-27"}, 303),
        ):
            with self.subTest(values=values):
                self.assertEqual(self._propose_online(**values).status_code, status)
        self._plans()._decline("No")
        self.company.credit_portal_plans = False
        response = self._propose_online()
        self.assertURLEqual(response.headers["Location"], "/my")
        self.assertFalse(self._open(self._get_link()).xpath("//a[@name='plan']"))

    def test_after_a_broken_one_a_person_decides(self):
        self._running().action_break()
        self.assertEqual(self._propose_online().status_code, 400)

    # === OFFERED === #

    def _offer(self, **values):
        return self.env["credit.payment.plan.offer"].create(
            {
                "name": "Small",
                "company_id": self.company.id,
                "amount_from": 100.0,
                "amount_to": 500.0,
                "most_parts": 3,
                "longest_days": 90,
                "first_now": True,
            }
            | values
        )

    def test_what_is_offered_runs_at_once_with_a_login(self):
        offer = self._offer()
        self._login(self.azure_user)
        page = self._read(f"/my/credit/{self.profile.id}/plan")
        self.assertIn(
            "up to 3 parts", self._get_text(page.xpath("//div[@name='offers']")[0])
        )
        self._propose_online(access_token=None, first=str(self.today))
        plan = self._plans()
        self.assertEqual((plan.state, plan.offer_id), ("active", offer))
        self.assertEqual(plan.accepted_name, self.azure_user.name)
        plan.action_cancel()
        self._propose_online(access_token=None, first=str(self.today))
        self.assertEqual(self._plans()[-1].state, "proposed", "once a year")

    def test_a_link_takes_no_offer(self):
        self._offer()
        self._propose_online(first=str(self.today))
        self.assertEqual(self._plans().state, "proposed")

    def test_what_is_beyond_the_offer_is_answered_by_a_person(self):
        self._offer()
        self._login(self.azure_user)
        for values in ({"first": str(FIRST)}, {"count": "4"}):
            sent = {"access_token": None, "first": str(self.today)} | values
            self._propose_online(**sent)
            plan = self._plans()[-1]
            self.assertEqual(plan.state, "proposed", values)
            plan._decline("No")

    def test_offers_that_overlap_are_refused(self):
        self._offer()
        with self.assertRaises(ValidationError):
            self._offer(amount_from=500.0, amount_to=0.0)
        self._offer(amount_from=500.01, amount_to=0.0)

    # === PAID === #

    def test_a_part_what_is_late_or_all_is_paid_at_what_the_ledger_says(self):
        plan = self._running()
        token = self._plan_token(plan)
        page = self._read(self._path(plan, f"?access_token={token}"))
        ways = page.xpath("//div[@name='ways']/a")
        self.assertEqual([self._get_amount(way) for way in ways], ["100.00", "300.00"])
        pay = self._read(ways[0].get("href"))
        self.assertEqual(
            self._get_amount(pay.xpath("//td[@name='total']")[0]), "100.00"
        )
        (route,) = pay.xpath("//form[@id='o_payment_form']/@data-transaction-route")
        self.assertEqual(route, self._path(plan, "/transaction/part"))
        tx = self._begin(plan, "part", 100.0)
        self.assertEqual(tx.amount, 100.0)
        self.assertEqual(tx.invoice_ids, self.invoice)
        self.assertNotIn("evil", tx.landing_route)
        self._pay(self.invoice, 100.0)
        self.assertEqual((plan.amount_paid, plan.next_date), (100.0, SECOND))
        with freeze_time("2026-07-25 09:00:00"):
            self.assertEqual(self._begin(plan, "late", 200.0).amount, 200.0)
        self._pay(self.invoice, 200.0)
        self.assertEqual(plan.state, "kept")

    def test_changed_amounts_begin_no_payment(self):
        plan = self._running()
        self._assert_refused(plan, "part", 1.0)
        self._assert_refused(plan, "part", 99999.0)
        self._assert_refused(plan, "late", 100.0)
        self._assert_refused(plan, "everything", 300.0)
        self._assert_refused(plan, "part", 100.0, access_token="x")
        self._assert_refused(plan, "part", 100.0, access_token=self.token)
        self._assert_refused(plan, "part", 100.0, provider_id=0)

    def test_a_plan_that_ended_takes_no_payment(self):
        plan = self._running()
        plan.action_cancel()
        self._assert_refused(plan, "part", 100.0)

    def test_while_a_payment_is_in_process_none_is_offered(self):
        plan = self._running()
        with freeze_time("2026-05-23 09:00:00"):
            self._begin(plan, "part", 100.0)._set_pending()
        if self.provider.code not in ("none", "custom"):
            self._assert_refused(plan, "part", 100.0)
        self._night("2026-05-25")
        self.assertFalse(plan.warned_until, "money is under way")

    def test_what_was_paid_and_is_not_in_the_books_yet_is_not_asked_for_again(self):
        plan = self._running()
        tx = self._begin(plan, "part", 100.0)
        tx._set_done()
        self._assert_refused(plan, "part", 100.0)
        self._assert_refused(plan, "all", 300.0)
        tx.is_post_processed = True  # whatever became of it: the ledger knows
        self.assertTrue(self._begin(plan, "part", 100.0))

    def test_what_stands_on_another_account_gets_a_plan_of_its_own(self):
        account = self.company_data["default_account_receivable"].copy()
        second = self._create_late_invoice(11, 80.0)
        second.button_draft()
        self._receivable_line(second).account_id = account
        second.action_post()
        item = self._receivable_line(second)
        self.assertEqual(item.account_id, account)
        self._login(self.azure_user)
        path = f"/my/credit/{self.profile.id}/plan"
        page = self._read(path)
        ticked = page.xpath("//form[@name='plan']//input[@name='items'][@checked]")
        self.assertEqual([each.get("value") for each in ticked], [str(self.item.id)])
        wish = f"count=3&rhythm=monthly&first={self.today}"
        both = f"{path}?items={self.item.id}&items={item.id}&{wish}"
        answer = self.url_open(both)
        self.assertEqual(answer.status_code, 400)
        self.assertIn(f"choose these first: {self.invoice.name}.", answer.text)
        self.assertNotIn(account.code, answer.text)
        self.assertEqual(
            self.url_open(f"{path}?items={item.id}&{wish}").status_code, 200
        )

    def test_who_pays_at_the_same_moment_waits_and_looks_again(self):
        plan = self._running()
        Plan, turns = self.env.registry[plan._name], []
        self.patch(Plan, "_take_turn", lambda one: turns.append(one.id))
        self._begin(plan, "part", 100.0)
        self.assertEqual(turns, plan.ids)

    # === REMINDED === #

    def test_parts_are_reminded_of_before_and_on_their_day_once_each(self):
        plan = self._running()

        def told():
            return len(
                plan.message_ids.filtered(
                    lambda message: "next part" in (message.subject or "")
                )
            )

        for day, count in (
            ("2026-05-16", 0),
            ("2026-05-17", 1),
            ("2026-05-18", 1),
            ("2026-05-20", 2),
            ("2026-05-20", 2),
            ("2026-05-21", 2),
        ):
            self._night(day)
            self.assertEqual(told(), count, day)

    def test_the_customer_is_told_in_its_language(self):
        self.env["res.lang"]._activate_lang("nl_NL")
        self.env["ir.module.module"]._load_module_terms(
            ["credit_management"], ["nl_NL"], overwrite=True
        )
        self.customer.lang = "nl_NL"
        plan = self._running()
        self.assertIn("Betalingsregeling", plan.accepted_text)

    # === ATTACKS === #

    @mute_logger(*LOGS)
    def test_others_see_and_move_nothing(self):
        plan = self._proposed()
        foreign = self._plan_token(plan)[:-1]
        tokens = (None, "", "x", "é", "False", self.token, self.foreign_token, foreign)
        for user in (None, self.other_user):
            if user:
                self._login(user)
            else:
                self.authenticate(None, None)
            for token in tokens:
                with self.subTest(user=user and user.login, token=token):
                    for suffix in ("", "/pay"):
                        self._assert_sent_away(
                            self._path(plan, f"{suffix}?access_token={token}")
                        )
                    for suffix in ("/accept", "/decline", "/link"):
                        response = self._send(
                            self._path(plan, suffix), access_token=token, name="X"
                        )
                        self.assertEqual(response.status_code, 303)
        self.assertEqual(self._plans().state, "proposed")
        for plan_id in (0, 10**30, plan.id + 10**6):
            self.assertLess(
                self.url_open(f"/my/payment-plans/{plan_id}").status_code, 500
            )

    @mute_logger(*LOGS)
    def test_other_customers_and_items_propose_nothing(self):
        for token in (None, "", "x", "é", self.foreign_token, self.token[:-1]):
            response = self._propose_online(access_token=token)
            self.assertURLEqual(response.headers["Location"], "/my")
        upcoming = self._receivable_line(self._create_late_invoice(-5, 10.0))
        for item in (self.foreign_item.id, upcoming.id, 0, -1, 10**30, "x", ""):
            response = self._propose_online(items=str(item))
            self.assertEqual(response.status_code, 400)
        for name, odd in (
            ("count", "٣"),
            ("count", "-3"),
            ("count", "9" * 40),
            ("first", "2026-02-31"),
            ("first", "x" * 5000),
            ("rhythm", XSS),
            ("items", XSS),
        ):
            response = self._propose_online(**{name: odd})
            self.assertEqual(response.status_code, 400)
            self.assertNotIn("<script>alert", response.text)
        for csrf_token in (None, "x"):
            response = self._propose_online(csrf_token=csrf_token)
            self.assertEqual(response.status_code, 400)
        self.assertFalse(self._plans())
        self._propose_online(
            items=[str(self.item.id), str(self.foreign_item.id)],
            state="active",
            source="staff",
            amount="1",
            reason=XSS,
        )
        plan = self._plans()
        self.assertEqual(plan.item_ids.move_line_id, self.item)
        self.assertEqual((plan.state, plan.source), ("proposed", "link"))
        page = self.url_open(
            self._path(plan, f"?access_token={self._plan_token(plan)}")
        )
        self.assertNotIn("<script>alert", page.text)

    @mute_logger(*LOGS)
    def test_a_flood_is_stopped_in_words_and_tomorrow_it_works_again(self):
        with patch.object(credit_profile, "PORTAL_WRITES_A_DAY", 2):
            codes = []
            for _again in range(3):
                codes.append(self._propose_online().status_code)
                for plan in self._plans():
                    if plan.state == "proposed":
                        plan._decline("No")
            self.assertEqual(codes, [303, 303, 429])
            self.profile.sudo().portal_date = self.today - timedelta(days=1)
            self.assertEqual(self._propose_online().status_code, 303)
