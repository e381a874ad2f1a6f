from datetime import timedelta
from io import BytesIO
from unittest.mock import patch
from urllib.parse import quote

from lxml import html

from odoo import Command, fields
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account.tests.common import AccountTestInvoicingHttpCommon

from ..controllers import portal
from .common import CreditCommon

XSS = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
# Sessions and compiled style sheets are not what a visitor reads or changes.
TECHNICAL_TABLES = ("ir_attachment", "res_device_log", "bus_bus")


class CreditPortalCommon(CreditCommon, AccountTestInvoicingHttpCommon):
    """Customers, their logins and links, and what the page says as plain text."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._create_customer("Other")
        cls.azure_user = cls._create_portal_user("azure.contact", cls.customer)
        cls.other_user = cls._create_portal_user("other.contact", cls.other)

    @classmethod
    def _create_portal_user(cls, login, customer):
        contact = cls.env["res.partner"].create(
            {"name": login, "parent_id": customer.id}
        )
        return new_test_user(
            cls.env,
            login=login,
            groups="base.group_portal",
            partner_id=contact.id,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    @classmethod
    def _get_profile(cls, partner=None, company=None):
        return cls.env["credit.profile"]._get_or_create(
            company or cls.company, partner or cls.customer
        )

    def _get_link(self, profile=None):
        """Return path and token of the link that stands in letters."""
        profile = profile or self._get_profile()
        return profile._get_customer_url().removeprefix(profile.get_base_url())

    def _login(self, user):
        self.authenticate(user.login, user.login.ljust(8, "x"))

    def _open(self, path, **kwargs):
        """Return the page at a path, which must not be sent elsewhere or fail."""
        response = self.url_open(path, **kwargs)
        self.assertEqual(response.status_code, 200)
        self.assertIn("/my/credit", response.url)
        return html.fromstring(response.content)

    def _assert_sent_away(self, path, **kwargs):
        response = self.url_open(path, allow_redirects=False, **kwargs)
        self.assertEqual(response.status_code, 303, path[:200])
        self.assertURLEqual(response.headers["Location"], "/my")
        self.assertNotIn("Azure", response.text)
        return response

    @classmethod
    def _get_section(cls, page, currency="USD"):
        (section,) = page.xpath(f"//section[@data-currency='{currency}']")
        return section

    @classmethod
    def _get_text(cls, element):
        """Return what one reads there: no scripts, which carry random tokens."""
        words = "".join(element.xpath(".//text()[not(ancestor::script)]"))
        text = " ".join(words.replace("\ufeff", "").split())
        return text.replace("\xa0", " ")

    def _get_totals(self, page, currency="USD"):
        """Return the totals of a currency: name -> amount as text."""
        return {
            row.get("name"): self._get_amount(row)
            for row in self._get_section(page, currency).xpath(
                ".//table[@name='totals']//tr"
            )
        }

    def _get_rows(self, page, table, currency="USD"):
        """Return number and open amount of each row of a table, as text."""
        return [
            (
                self._get_text(
                    row.xpath(
                        "(./td[@name='number'] | ./td[1])[last()]"
                        "//*[self::a or self::strong]"
                    )[0]
                ),
                self._get_amount(row.xpath("./td[@name='open_amount']")[0]),
            )
            for row in self._get_section(page, currency).xpath(
                f".//table[@name='{table}']/tbody/tr"
            )
        ]

    def _get_amount(self, element):
        return self._get_text(element.xpath(".//*[@class='oe_currency_value']")[0])

    def _count_writes(self):
        """Return the rows written so far in this transaction, per table."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT relname, n_tup_ins + n_tup_upd + n_tup_del
              FROM pg_stat_xact_user_tables
             WHERE relname NOT IN %s
            """,
            [TECHNICAL_TABLES],
        )
        return dict(self.env.cr.fetchall())


@tagged("post_install", "-at_install")
class TestPortalAccess(CreditPortalCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._create_late_invoice(10, 250.0)
        cls.profile = cls._get_profile()

    # === BY LINK === #

    def test_the_link_of_a_letter_opens_the_page_without_a_login(self):
        page = self._open(self._get_link())
        self.assertEqual(
            self._get_rows(page, "overdue"), [(self.invoice.name, "250.00")]
        )
        self.assertIn("Azure", self._get_text(page))

    def test_a_wrong_token_opens_nothing_and_breaks_nothing(self):
        token = self._get_link().split("access_token=")[1]
        other_profile = self._get_profile(self.other)
        other_token = self._get_link(other_profile).split("access_token=")[1]
        path = f"/my/credit/{self.profile.id}"
        for query in (
            "",
            "?access_token",
            "?access_token=",
            "?access_token=None",
            "?access_token=False",
            "?access_token=0",
            "?access_token=[]",
            f"?access_token[]={token}",
            f"?access_token={token[:-1]}",
            f"?access_token={token}x",
            f"?access_token=%20{token}",
            f"?access_token={token.upper()}",
            f"?access_token=x&access_token={token}",
            f"?access_token={other_token}",
            f"?access_token={self.invoice._portal_ensure_token()}",
            "?access_token=" + quote("ünïcödé–トークン"),
            "?access_token=%ff%fe%00",
            "?access_token=%ed%a0%80",
            "?access_token=" + "x" * 10_000,
            f"?ACCESS_TOKEN={token}",
        ):
            with self.subTest(query=query[:60]):
                self._assert_sent_away(path + query)

    def test_a_file_sent_as_a_token_opens_nothing(self):
        self._assert_sent_away(
            f"/my/credit/{self.profile.id}",
            method="GET",
            files={"access_token": BytesIO(b"token")},
        )

    def test_a_file_that_does_not_exist_gets_the_same_answer(self):
        denied = self._assert_sent_away(f"/my/credit/{self.profile.id}?access_token=x")
        for number in (0, self.profile.id + 100_000, 2**31 - 1, 2**31, 10**30):
            with self.subTest(number=number):
                missing = self._assert_sent_away(f"/my/credit/{number}?access_token=x")
                self.assertEqual(missing.content, denied.content)
                self.assertEqual(
                    missing.headers["Location"], denied.headers["Location"]
                )

    def test_a_link_opens_one_file_only(self):
        token = self._get_link().split("access_token=")[1]
        other = self._get_profile(self.other)
        self._assert_sent_away(f"/my/credit/{other.id}?access_token={token}")

    def test_a_link_that_was_renewed_no_longer_opens_the_page(self):
        old = self._get_link()
        self.profile.sudo().access_token = False
        new = self._get_link()
        self.assertNotEqual(old, new)
        self._assert_sent_away(old)
        self._open(new)

    def test_a_file_that_never_had_a_link_opens_for_no_token(self):
        for token in ("", "False", "None", "null"):
            self._assert_sent_away(f"/my/credit/{self.profile.id}?access_token={token}")
        self.assertFalse(self.profile.sudo().access_token)

    def test_the_page_is_only_read(self):
        link = self._get_link()
        response = self.url_open(link, method="HEAD")
        self.assertEqual(response.status_code, 200)
        with mute_logger("odoo.http"):
            response = self.url_open(link, data={"access_token": "x"}, method="POST")
        self.assertEqual(response.status_code, 405)

    def test_odd_parameters_do_no_harm(self):
        self._open(self._get_link() + "&page=100000000000&lang=zz&debug=1&x[]=1&x=2")
        self._login(self.azure_user)
        for query in ("company_id=x", "company_id=", "company_id[]=1", "company_id=-1"):
            self._open(f"/my/credit?{query}")

    # === BY LOGIN === #

    def test_a_contact_of_the_customer_sees_the_page_without_a_link(self):
        self._login(self.azure_user)
        for path in ("/my/credit", f"/my/credit/{self.profile.id}"):
            page = self._open(path)
            self.assertEqual(
                self._get_rows(page, "overdue"), [(self.invoice.name, "250.00")]
            )

    def test_a_contact_of_another_customer_is_sent_away(self):
        self._login(self.other_user)
        self._assert_sent_away(f"/my/credit/{self.profile.id}")
        page = self._open("/my/credit")
        self.assertIn("Nothing is open", self._get_text(page))
        self.assertNotIn(self.invoice.name, self._get_text(page))
        page = self._open(f"/my/credit?company_id={self.company.id}")
        self.assertNotIn(self.invoice.name, self._get_text(page))

    def test_a_contact_who_moves_to_another_company_loses_access_at_once(self):
        self.azure_user.sudo().partner_id.parent_id = self.other
        self._login(self.azure_user)
        self._assert_sent_away(f"/my/credit/{self.profile.id}")

    def test_an_employee_needs_the_link(self):
        employee = new_test_user(
            self.env,
            login="employee",
            groups="base.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        employee.sudo().partner_id.parent_id = self.customer
        self._login(employee)
        self._assert_sent_away(f"/my/credit/{self.profile.id}")
        self.assertIn("Nothing is open", self._get_text(self._open("/my/credit")))
        self._open(self._get_link())

    def test_without_a_login_the_list_asks_for_one(self):
        response = self.url_open("/my/credit", allow_redirects=False)
        self.assertEqual(response.status_code, 303)
        self.assertIn("/web/login", response.headers["Location"])

    def test_the_page_is_there_before_the_file_was_made(self):
        self._create_late_invoice(5, 40.0, partner=self.other)
        self.env["credit.profile"].sudo().search(
            [("partner_id", "=", self.other.id)]
        ).unlink()
        self._login(self.other_user)
        page = self._open("/my/credit")
        self.assertEqual(self._get_totals(page)["overdue"], "40.00")
        self.assertFalse(
            self.env["credit.profile"].search([("partner_id", "=", self.other.id)])
        )

    # === WHAT LEAVES THE HOUSE === #

    def test_no_cache_no_index_and_no_other_site_keeps_the_address(self):
        self._login(self.azure_user)
        for path in (
            self._get_link(),
            "/my/credit",
            f"/my/credit/{self.profile.id}",
            f"/my/credit/{self._get_profile(self.other).id}?access_token=x",
        ):
            headers = self.url_open(path, allow_redirects=False).headers
            for name, value in PRIVATE.items():
                self.assertEqual(headers[name], value, path)

    def test_nothing_internal_is_shown(self):
        self.company.credit_user_id = self.env.user
        self.profile.write(
            {
                "pause_until": self._day(-10),
                "pause_reason": "SECRET pause",
                "email_cc": "secret.copy@example.com",
                "user_id": self.env.uid,
            }
        )
        self.profile.message_post(body="SECRET note")
        self.customer.comment = "SECRET comment"
        self.policy.name = "SECRET policy"
        self.env["credit.exclusion"].create(
            {
                "scope": "customer",
                "partner_id": self.customer.id,
                "company_id": self.company.id,
                "reason": "SECRET reason",
            }
        )
        text = self.url_open(self._get_link()).text.lower()
        self.assertIn(self.invoice.name.lower(), text)
        for word in ("secret", "paused", "excluded", self.env.user.name.lower()):
            self.assertNotIn(word, text)

    def test_names_are_shown_as_text(self):
        self.customer.name = f"Azure {XSS}"
        self.company.name = f"Company {XSS}"
        self.first.name = f"Level {XSS}"
        late = self._create_late_invoice(8, 30.0)
        late.write({"name": f"INV {XSS}", "payment_reference": f"REF {XSS}"})
        self._send_all_due()
        response = self.url_open(self._get_link())
        self.assertNotIn("<script>alert(", response.text)
        page = html.fromstring(response.content)
        self.assertFalse(
            page.xpath("//img[@src='x'] | //*[@onerror and not(self::script)]")
        )
        text = self._get_text(page)
        for name in ("Azure", "Company", "Level", "INV"):
            self.assertIn(f"{name} {XSS}", text)

    def test_reading_the_pages_writes_nothing(self):
        self._create_credit_note(20.0)
        self._send_all_due()
        link = self._get_link()
        self.invoice.sudo().access_token = False
        self._login(self.azure_user)
        paths = (link, "/my/credit", f"/my/credit/{self.profile.id}")
        for path in paths:
            self._open(path)  # whatever is made once, as style sheets, is made
        before = self._count_writes()
        for path in paths:
            self._open(path)
        self.make_jsonrpc_request(
            "/my/counters", {"counters": ["credit_overdue_count"]}
        )
        self.logout()
        self._open(link)
        self._assert_sent_away(f"/my/credit/{self.profile.id}?access_token=x")
        self.assertEqual(self._count_writes(), before)
        self.assertFalse(self.invoice.sudo().access_token)

    def test_a_guest_opens_invoices_that_have_a_link_of_their_own(self):
        self.invoice.sudo().access_token = False
        self.assertFalse(self._find_links(self._open(self._get_link())))
        token = self.invoice._portal_ensure_token()
        (link,) = self._find_links(self._open(self._get_link()))
        self.assertIn(token, link)
        response = self.url_open(link)
        self.assertIn(f"/my/invoices/{self.invoice.id}", response.url)

    def test_a_login_opens_invoices_without_a_token(self):
        self.invoice._portal_ensure_token()
        self._login(self.azure_user)
        (link,) = self._find_links(self._open("/my/credit"))
        self.assertEqual(link, f"/my/invoices/{self.invoice.id}")
        response = self.url_open(link)
        self.assertIn(f"/my/invoices/{self.invoice.id}", response.url)

    def test_an_invoice_is_paid_from_its_own_page_where_the_host_allows_it(self):
        self.invoice._portal_ensure_token()
        parameters = self.env["ir.config_parameter"].sudo()
        for enabled, count in (("False", 0), ("True", 1)):
            parameters.set_param("account_payment.enable_portal_payment", enabled)
            page = self._open(self._get_link())
            links = page.xpath(
                "//table[@name='overdue']//a[contains(@class,'btn')]/@href"
            )
            self.assertEqual(len(links), count)
        self.assertTrue(links[0].endswith("&payment=True#portal_pay"))
        self.assertIn(f"/my/invoices/{self.invoice.id}?access_token=", links[0])

    def _find_links(self, page):
        return page.xpath(
            "//table[@name='overdue']//td[@name='number']"
            "//a[not(@name='dispute')]/@href"
        )


@tagged("post_install", "-at_install", "credit_full")
class TestPortalAmounts(CreditPortalCommon):
    def _open_page(self, **kwargs):
        return self._open(self._get_link(**kwargs))

    def _create_transaction(self, move, amount, state):
        provider = self.env["payment.provider"].sudo().create({"name": "Provider"})
        return (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": provider.id,
                    "payment_method_id": self.env.ref(
                        "payment.payment_method_unknown"
                    ).id,
                    "reference": f"{move.name} {amount} {state}",
                    "amount": amount,
                    "currency_id": move.currency_id.id,
                    "partner_id": move.partner_id.id,
                    "invoice_ids": [Command.set(move.ids)],
                    "state": state,
                    "last_state_change": fields.Datetime.now(),
                }
            )
        )

    def test_due_today_is_not_overdue(self):
        self._create_late_invoice(0, 10.0)
        self._create_late_invoice(1, 20.0)
        page = self._open_page()
        self.assertEqual(self._get_totals(page)["overdue"], "20.00")
        self.assertEqual(self._get_totals(page)["upcoming"], "10.00")
        self.assertEqual(self._get_totals(page)["balance"], "30.00")

    def test_a_part_payment_lowers_what_is_open(self):
        invoice = self._create_late_invoice(10, 250.0)
        self._pay(invoice, 100.0)
        page = self._open_page()
        self.assertEqual(self._get_rows(page, "overdue"), [(invoice.name, "150.00")])
        self.assertIn("$ 250.00", self._get_text(self._get_section(page)))
        self.assertEqual(self._get_totals(page)["overdue"], "150.00")

    def test_what_is_paid_is_gone(self):
        self._pay(self._create_late_invoice(10, 250.0))
        page = self._open_page()
        self.assertFalse(page.xpath("//section[@data-currency]"))
        self.assertIn("Nothing is open", self._get_text(page))

    def test_of_instalments_only_the_late_one_is_overdue(self):
        terms = self.env["account.payment.term"].create(
            {
                "name": "Two halves",
                "line_ids": [
                    Command.create({"value_amount": 50, "nb_days": days})
                    for days in (10, 60)
                ],
            }
        )
        invoice = self._create_late_invoice(
            0,
            1000.0,
            invoice_date=self._day(30),
            invoice_payment_term_id=terms.id,
            invoice_date_due=False,
        )
        page = self._open_page()
        self.assertEqual(self._get_rows(page, "overdue"), [(invoice.name, "500.00")])
        self.assertEqual(self._get_rows(page, "upcoming"), [(invoice.name, "500.00")])
        self.assertIn("1/2", self._get_text(page.xpath("//table[@name='overdue']")[0]))
        days_late = page.xpath("//td[@name='days_late']")[0].text_content()
        self.assertEqual(days_late.strip(), "20")

    def test_credits_are_listed_and_taken_off_what_is_overdue(self):
        self._create_late_invoice(10, 250.0)
        self._create_late_invoice(-10, 80.0)
        note = self._create_credit_note(50.0)
        page = self._open_page()
        self.assertEqual(self._get_rows(page, "credits"), [(note.name, "-50.00")])
        self.assertEqual(
            self._get_totals(page),
            {
                "overdue": "250.00",
                "credits": "-50.00",
                "to_pay": "200.00",
                "upcoming": "80.00",
                "balance": "280.00",
            },
        )

    def test_credits_beyond_what_is_overdue_ask_for_nothing(self):
        self._create_late_invoice(10, 30.0)
        self._create_credit_note(50.0)
        totals = self._get_totals(self._open_page())
        self.assertEqual((totals["to_pay"], totals["balance"]), ("0.00", "-20.00"))

    def test_the_page_asks_for_what_the_letter_asked_for(self):
        self._create_late_invoice(10, 250.0)
        self._create_late_invoice(12, 99.99)
        self._create_late_invoice(-10, 80.0)
        self._create_credit_note(50.0)
        letter = self._send_all_due().letter_ids
        totals = self._get_totals(self._open_page())
        self.assertEqual(totals["to_pay"], f"{letter.amount_total:.2f}")

    def test_currencies_stand_apart_and_are_never_added(self):
        euro = self.setup_other_currency("EUR")
        self._create_late_invoice(10, 250.0)
        self._create_late_invoice(10, 70.0, currency_id=euro.id)
        self._create_credit_note(20.0, currency_id=euro.id)
        page = self._open_page()
        self.assertEqual(len(page.xpath("//section[@data-currency]")), 2)
        self.assertEqual(self._get_totals(page)["balance"], "250.00")
        self.assertEqual(self._get_totals(page, "EUR")["overdue"], "70.00")
        self.assertEqual(self._get_totals(page, "EUR")["balance"], "50.00")
        self.assertIn("70.00 €", self._get_text(page))
        self.assertNotIn("320", self._get_text(page))

    def test_a_payment_without_an_entry_is_in_process_and_not_claimed(self):
        invoice = self._create_late_invoice(10, 250.0)
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": 100.0,
                "invoice_ids": [Command.set(invoice.ids)],
            }
        )
        payment.outstanding_account_id = False  # no account, no entry
        payment.state = "in_process"
        self.assertFalse(payment.move_id)
        page = self._open_page()
        self.assertEqual(self._get_rows(page, "overdue"), [(invoice.name, "150.00")])
        self.assertEqual(
            self._get_amount(page.xpath("//*[@name='in_process']")[0]), "100.00"
        )
        self.assertEqual(self._get_totals(page)["balance"], "150.00")

    def test_no_button_pays_more_than_what_is_open(self):
        self.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "True"
        )
        invoice = self._create_late_invoice(10, 250.0)
        invoice._portal_ensure_token()
        self.assertTrue(self._open_page().xpath("//table//a[contains(@class,'btn')]"))
        self._create_transaction(invoice, 100.0, "pending")
        page = self._open_page()
        self.assertEqual(self._get_rows(page, "overdue"), [(invoice.name, "150.00")])
        self.assertFalse(page.xpath("//table//a[contains(@class,'btn')]"))

    def test_an_online_payment_that_is_pending_is_in_process_and_not_claimed(self):
        invoice = self._create_late_invoice(10, 250.0)
        self._create_transaction(invoice, 250.0, "pending")
        self.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "True"
        )
        invoice._portal_ensure_token()
        page = self._open_page()
        self.assertFalse(page.xpath("//table[@name='overdue']"))
        self.assertEqual(self._get_rows(page, "in_process"), [(invoice.name, "250.00")])
        self.assertEqual(self._get_totals(page)["overdue"], "0.00")
        self.assertEqual(self._get_totals(page)["balance"], "0.00")
        self.assertFalse(page.xpath("//table//a[contains(@class,'btn-primary')]"))
        self._login(self.azure_user)
        self.assertEqual(self._get_card_count(), 0)

    def test_a_pending_payment_that_never_came_is_owed_again(self):
        invoice = self._create_late_invoice(10, 250.0)
        transaction = self._create_transaction(invoice, 250.0, "pending")
        transaction.last_state_change -= timedelta(days=30)
        page = self._open_page()
        self.assertEqual(self._get_rows(page, "overdue"), [(invoice.name, "250.00")])

    def test_money_paid_out_is_no_claim_but_in_the_balance(self):
        note = self._create_credit_note(50.0)
        payment = self.env["account.payment"].create(
            {
                "payment_type": "outbound",
                "partner_type": "customer",
                "partner_id": self.customer.id,
                "amount": 50.0,
            }
        )
        payment.action_post()
        page = self._open_page()
        self.assertEqual(self._get_rows(page, "credits"), [(note.name, "-50.00")])
        self.assertEqual(
            self._get_rows(page, "paid_out"), [(payment.move_id.name, "50.00")]
        )
        self.assertEqual(self._get_totals(page)["overdue"], "0.00")
        self.assertEqual(self._get_totals(page)["balance"], "0.00")

    def test_two_companies_are_two_files(self):
        invoice = self._create_late_invoice(10, 250.0)
        profile = self._get_profile()
        company = self.setup_other_company(name="Second Company")["company"]
        theirs = self._create_invoice_of(company, 10, 40.0)
        their_profile = self._get_profile(company=company)
        self._login(self.azure_user)
        page = self._open("/my/credit")
        links = page.xpath("//*[@name='credit_files']/a/@href")
        self.assertCountEqual(
            links, [f"/my/credit/{profile.id}", f"/my/credit/{their_profile.id}"]
        )
        text = self._get_text(page)
        self.assertIn("$ 250.00", text)
        self.assertIn("$ 40.00", text)
        self.assertNotIn("290.00", text)
        for link, move, amount in (
            (profile.access_url, invoice, "250.00"),
            (their_profile.access_url, theirs, "40.00"),
        ):
            page = self._open(link)
            self.assertEqual(self._get_rows(page, "overdue"), [(move.name, amount)])
        self.assertIn("Second Company", self._get_text(page))
        self.assertEqual(self._get_card_count(), 2)

    def test_the_file_of_a_company_is_chosen_before_it_was_made(self):
        self._create_late_invoice(10, 250.0)
        company = self.setup_other_company(name="Second Company")["company"]
        self._create_invoice_of(company, 10, 40.0)
        self.env["credit.profile"].sudo().search(
            [("partner_id", "=", self.customer.id)]
        ).unlink()
        self._login(self.azure_user)
        links = self._open("/my/credit").xpath("//*[@name='credit_files']/a/@href")
        amounts = {self._get_totals(self._open(link))["overdue"] for link in links}
        self.assertEqual(amounts, {"250.00", "40.00"})

    def _create_invoice_of(self, company, days_late, amount):
        move = (
            self.env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.customer.id,
                    "invoice_date": self._day(days_late + 30),
                    "invoice_date_due": self._day(days_late),
                    "invoice_payment_term_id": False,
                    "invoice_line_ids": [
                        Command.create(
                            {"name": "Work", "price_unit": amount, "tax_ids": False}
                        )
                    ],
                }
            )
        )
        move.action_post()
        self.assertEqual(move.company_id, company)
        return move

    def test_the_card_on_the_home_page_counts_what_is_overdue(self):
        self._create_late_invoice(-5, 80.0)
        self._login(self.azure_user)
        self.assertEqual(self._get_card_count(), 0)
        self._create_late_invoice(10, 250.0)
        self._create_late_invoice(12, 250.0)
        self._create_late_invoice(12, 250.0, partner=self.other)
        self.assertEqual(self._get_card_count(), 2)
        page = html.fromstring(self.url_open("/my").content)
        self.assertTrue(
            page.xpath("//*[@id='portal_client_category']//a[@href='/my/credit']")
        )

    def _get_card_count(self):
        counters = {"counters": ["credit_overdue_count"]}
        return self.make_jsonrpc_request("/my/counters", counters)[
            "credit_overdue_count"
        ]

    def test_it_says_what_was_sent_and_when_the_next_message_goes(self):
        self._create_late_invoice(4, 250.0)
        self._send_all_due()
        page = self._open_page()
        (row,) = page.xpath("//section[@name='letters']//tbody/tr")
        cells = row.xpath("./td[1] | ./td[2]/span[1] | ./td[3] | ./td[4]")
        self.assertEqual(
            [self._get_text(cell) for cell in cells],
            ["05/13/2026", "Level at 3", "$ 250.00", "PDF Level at 3"],
        )
        self.assertEqual(
            self._get_text(page.xpath("//*[@name='next_step']")[0]),
            "If we receive no payment, the next message goes out on 05/19/2026.",
        )

    def test_a_letter_that_did_not_reach_the_customer_is_not_shown(self):
        self._create_late_invoice(4, 250.0)
        letters = self._send_all_due().letter_ids
        for values in ({"state": "failed"}, {"state": "reversed"}, {"is_test": True}):
            letters.sudo().write({"state": "sent", "is_test": False} | values)
            page = self._open_page()
            self.assertFalse(page.xpath("//section[@name='letters']"))

    def test_no_message_is_announced_that_will_not_go(self):
        self._create_late_invoice(4, 250.0)
        # Due today, it waits for a person unless the policy sends by itself.
        self.assertFalse(self._open_page().xpath("//*[@name='next_step']"))
        self.policy.automatic = True
        self.assertTrue(self._open_page().xpath("//*[@name='next_step']"))
        self.company.credit_stopped = True
        self.assertFalse(self._open_page().xpath("//*[@name='next_step']"))
        self.company.write({"credit_stopped": False, "credit_mode": "simulate"})
        self.assertFalse(self._open_page().xpath("//*[@name='next_step']"))
        self.company.credit_mode = "live"
        self.policy.level_ids[2:].unlink()
        self._send_all_due()
        self.assertFalse(self._open_page().xpath("//*[@name='next_step']"))

    def test_it_says_where_to_pay_and_what_to_write(self):
        bank = self.env["res.partner.bank"].create(
            {
                "acc_number": "NL02ABNA0123456789",
                "partner_id": self.company.partner_id.id,
                "company_id": self.company.id,
            }
        )
        first = self._create_late_invoice(10, 250.0)
        page = self._open_page()
        self.assertEqual(
            self._get_text(page.xpath("//*[@name='acc_number']")[0]), bank.acc_number
        )
        self.assertEqual(
            self._get_text(page.xpath("//*[@name='reference']")[0]),
            first.payment_reference,
        )
        second = self._create_late_invoice(9, 250.0)
        page = self._open_page()
        self.assertEqual(
            self._get_text(page.xpath("//*[@name='reference']")[0]),
            f"{first.name}, {second.name}",
        )
        self.assertIn("money@us.example.com", self._get_text(page))

    def test_a_very_long_table_ends_with_what_was_left_out(self):
        for days_late in range(10, 14):
            self._create_late_invoice(days_late, 100.0)
        with patch.object(portal, "ROWS_SHOWN", 3):
            page = self._open_page()
        self.assertEqual(len(self._get_rows(page, "overdue")), 3)
        (rest,) = page.xpath("//*[@name='rest']")
        self.assertIn("not listed: 1 · $ 100.00", self._get_text(rest))
        self.assertEqual(self._get_totals(page)["overdue"], "400.00")

    def test_a_guest_reads_the_page_in_the_language_of_the_customer(self):
        dutch = self.env["res.lang"]._activate_lang("nl_NL")
        if "website" in self.env:  # it offers languages of its own choice
            self.env["website"].sudo().search([]).language_ids |= dutch
        self.env.ref(
            "credit_management.portal_credit_page"
        ).sudo().update_field_translations(
            "arch_db", {"nl_NL": {"Statement of account": "Rekeningoverzicht"}}
        )
        self.customer.lang = "nl_NL"
        self._create_late_invoice(10, 1250.5)
        link = self._get_link()
        page = self._open(link)
        self.assertEqual(page.get("lang"), "nl-NL")
        self.assertEqual(self._get_text(page.xpath("//h1")[0]), "Rekeningoverzicht")
        self.assertEqual(self._get_totals(page)["overdue"], "1.250,50")
        self.assertIn("03-05-2026", self._get_text(page))

    def test_where_the_site_does_not_offer_that_language_the_page_is_in_its_own(self):
        self.env["res.lang"]._activate_lang("nl_NL")
        self.customer.lang = "nl_NL"
        self._create_late_invoice(10, 1250.5)
        nearest = patch.object(
            self.registry["ir.http"], "get_nearest_lang", lambda self, code: None
        )
        with nearest:
            page = self._open(self._get_link())
        self.assertEqual(page.get("lang"), "en-US")
        self.assertEqual(self._get_totals(page)["overdue"], "1,250.50")


@tagged("post_install", "-at_install")
class TestPortalOverdueInvoices(CreditPortalCommon):
    """The page of the host on which all overdue invoices are paid at once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "True"
        )
        cls.contact = cls.azure_user.sudo().partner_id
        method = cls.env.ref("payment.payment_method_unknown").sudo()
        cls.env["payment.provider"].sudo().create(
            {
                "name": "Provider",
                "company_id": cls.company.id,
                "state": "test",
                "is_published": True,
                "payment_method_ids": [Command.set(method.ids)],
            }
        )
        method.active = True

    def _open_overdue(self):
        return self.url_open("/my/invoices/overdue")

    def test_the_host_asks_for_the_residual_and_not_for_the_total(self):
        paid_in_part = self._create_late_invoice(10, 1000.0, partner=self.contact)
        self._create_late_invoice(10, 500.0, partner=self.contact)
        self._pay(paid_in_part, 400.0)
        self._login(self.azure_user)
        response = self._open_overdue()
        self.assertEqual(response.status_code, 200)
        page = html.fromstring(response.content)
        self.assertIn("1,100.00", self._get_text(page))
        self.assertNotIn("1,500.00", response.text)
        (form,) = page.xpath("//form[@id='o_payment_form']")
        self.assertEqual(float(form.get("data-amount")), 1100.0)

    def test_currencies_that_do_not_mix_lead_to_our_page(self):
        euro = self.setup_other_currency("EUR")
        self._create_late_invoice(10, 1000.0, partner=self.contact)
        self._create_late_invoice(10, 500.0, partner=self.contact, currency_id=euro.id)
        self._login(self.azure_user)
        response = self._open_overdue()
        self.assertEqual(response.status_code, 200)
        self.assertTrue(response.url.endswith("/my/credit"))

    def test_the_pages_of_the_host_show_the_way_to_all_that_is_open(self):
        invoice = self._create_late_invoice(10, 1000.0, partner=self.contact)
        self._pay(invoice, 400.0)
        token = invoice._portal_ensure_token()
        self._login(self.azure_user)
        path = f"/my/invoices/{invoice.id}"
        page = html.fromstring(self.url_open(path).content)
        (link,) = page.xpath("//a[starts-with(@href, '/my/credit?company_id=')]")
        self._open(link.get("href"))
        (form,) = page.xpath("//form[@id='o_payment_form']")
        self.assertEqual(float(form.get("data-amount")), 600.0)
        page = html.fromstring(self._open_overdue().content)
        self.assertTrue(page.xpath("//a[@href='/my/credit']"))
        # Whoever has the link of one invoice, has that of the invoice alone.
        self.logout()
        response = self.url_open(f"{path}?access_token={token}")
        self.assertIn("600.00", response.text)
        self.assertNotIn("/my/credit", response.text)

    def test_without_overdue_invoices_the_host_does_as_before(self):
        self._login(self.azure_user)
        self.assertTrue(self._open_overdue().url.endswith("/my/invoices"))


@tagged("post_install", "-at_install")
class TestPortalTour(AccountTestInvoicingHttpCommon):
    """On the clock of the browser, which does not stand still."""

    def test_a_customer_reads_the_page_and_opens_an_invoice(self):
        customer = self.partner_a
        company = self.company_data["company"]
        company.email = "money@example.com"
        today = company._credit_today()
        for days_late, amount in ((10, 250.0), (-10, 80.0)):
            move = self._create_invoice_one_line(
                price_unit=amount,
                tax_ids=[],
                partner_id=customer,
                invoice_payment_term_id=False,
                invoice_date=today - timedelta(days=40),
                invoice_date_due=today - timedelta(days=days_late),
                post=True,
            )
            move._portal_ensure_token()
        profile = self.env["credit.profile"]._get_or_create(company, customer)
        link = profile._get_customer_url().removeprefix(profile.get_base_url())
        self.start_tour(link, "credit_portal_tour")
