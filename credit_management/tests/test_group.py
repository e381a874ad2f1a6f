from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from .common import CreditCommon


@tagged("post_install", "-at_install", "credit_full")
class TestGroup(CreditCommon):
    """A parent, a subsidiary and one below that; a second company of ours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daughter = cls._create_customer("Daughter", parent_id=cls.customer.id)
        cls.grandchild = cls._create_customer("Grandchild", parent_id=cls.daughter.id)
        cls.stranger = cls._create_customer("Stranger")
        cls.customers = cls.customer + cls.daughter + cls.grandchild + cls.stranger
        cls.profiles = cls.env["credit.profile"]._get_or_create(
            cls.company, cls.customers
        )
        cls.group = cls.env["credit.group"].create(
            {
                "partner_id": cls.customer.id,
                "company_ids": [Command.set(cls.company.ids)],
                "currency_id": cls.company.currency_id.id,
                "credit_limit": 1000.0,
            }
        )

    def owe(self, **amounts):
        for name, amount in amounts.items():
            self._create_late_invoice(5, amount, getattr(self, name))

    def open_group(self):
        """Return what the group shows whoever opens it."""
        self.env.invalidate_all()
        names = ("exposure_amount", "available_credit", "limit_used", "file_count")
        [values] = self.group.web_read({name: {} for name in names})
        return tuple(values[name] for name in names)

    def test_all_below_the_parent_count_and_nobody_else(self):
        self.owe(customer=100.0, daughter=200.0, grandchild=300.0, stranger=5000.0)
        self.assertEqual(self.open_group(), (600.0, 400.0, 60.0, 3))
        self.assertEqual(
            self.group.profile_ids.partner_id,
            self.customer + self.daughter + self.grandchild,
        )
        for profile in self.profiles:
            with self.subTest(profile.partner_id.name):
                in_group = profile.partner_id != self.stranger
                self.assertEqual(bool(profile.group_id), in_group)
                self.assertEqual(profile.group_exposure_amount, 600.0 * in_group)

    def test_who_owes_less_than_nothing_lowers_the_whole(self):
        self.owe(customer=700.0)
        self._create_credit_note(200.0, self.daughter)
        self.assertEqual(self.open_group()[0], 500.0)

    def test_several_companies_and_currencies_add_up_in_that_of_the_group(self):
        other = self.setup_other_company()["company"]
        currency = self.setup_other_currency("EUR", rates=[("2016-01-01", 2.0)])
        other.currency_id = currency
        profile = self.env["credit.profile"]._get_or_create(other, self.daughter)
        self.owe(customer=100.0)
        # sudo: the other company keeps its own books.
        self.env["account.move"].sudo().with_company(other).create(
            {
                "move_type": "out_invoice",
                "partner_id": self.daughter.id,
                "invoice_date": self.today,
                "invoice_line_ids": [
                    Command.create({"name": "Work", "price_unit": 60, "tax_ids": False})
                ],
            }
        )
        self.assertEqual(self.open_group()[0], 100.0)
        self.group.sudo().company_ids += other
        self.assertEqual(self.open_group(), (130.0, 870.0, 13.0, 4))
        self.env.invalidate_all()
        files = (
            self.group.sudo()
            .with_context(allowed_company_ids=(self.company + other).ids)
            .profile_ids
        )
        self.assertIn(profile, files)
        self.assertEqual(sum(files.mapped("group_share_amount")), 130.0)
        self.assertEqual(self.group._compute_live(), 130)

    def test_files_of_companies_one_does_not_work_in_are_counted_but_not_listed(self):
        other = self.setup_other_company()["company"]
        self.env["credit.profile"]._get_or_create(other, self.daughter)
        self.group.sudo().company_ids += other
        user = new_test_user(
            self.env,
            login="credit_one_company",
            groups="credit_management.group_credit_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.env.invalidate_all()
        group = self.group.with_user(user)
        # Opened as the browser does: nothing of the other company is in the way.
        [values] = group.web_read(
            {
                "own_company_ids": {"fields": {"display_name": {}}},
                "other_company_count": {},
                "exposure_amount": {},
            }
        )
        self.assertEqual(
            [company["id"] for company in values["own_company_ids"]], self.company.ids
        )
        self.assertEqual(values["other_company_count"], 1)
        self.assertEqual(group.file_count, 4)
        self.assertEqual(group.profile_ids.company_id, self.company)

    def test_companies_one_does_not_work_in_stay_and_are_not_added(self):
        other, third, strange = (
            self.setup_other_company(name=name)["company"] for name in "BCD"
        )
        self.group.sudo().company_ids += other
        user = new_test_user(
            self.env,
            login="credit_manager_here",
            groups="credit_management.group_credit_manager",
            company_id=self.company.id,
            company_ids=[Command.set((self.company + third).ids)],
        )
        group = self.group.with_user(user)
        group.own_company_ids = third
        self.assertEqual(self.group.sudo().company_ids, other + third)
        with self.assertRaises(AccessError):
            group.company_ids = [Command.link(strange.id)]
        # The switcher of the browser shows less than one may see.
        group.own_company_ids = self.company + third
        here = group.with_context(allowed_company_ids=third.ids)
        [values] = here.web_read(
            {"own_company_ids": {"fields": {"display_name": {}}}, "profile_ids": {}}
        )
        self.assertEqual([one["id"] for one in values["own_company_ids"]], third.ids)
        here.own_company_ids = third
        self.assertEqual(self.group.sudo().company_ids, self.company + other + third)

    # === WHICH LIMIT === #

    def draft(self, amount, partner):
        return self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Work", "price_unit": amount, "tax_ids": False}
                    )
                ],
            }
        )

    def find_exceeded(self, document):
        return self.env["credit.exposure"]._find_exceeded_limit(document)

    def test_the_limit_of_the_group_comes_first(self):
        self.owe(customer=600.0, grandchild=300.0)
        daughter = self.daughter.with_company(self.company)
        daughter.credit_limit = 50.0
        document = self.draft(100.0, self.daughter)
        self.assertEqual(self.find_exceeded(document), "customer")
        daughter.credit_limit = 5000.0
        self.assertIsNone(self.find_exceeded(document))
        document.invoice_line_ids.price_unit = 100.01
        self.assertEqual(self.find_exceeded(document), "group")
        daughter.credit_limit = 50.0
        self.assertEqual(self.find_exceeded(document), "group")
        self.group.credit_limit = 0.0
        self.assertEqual(self.find_exceeded(document), "customer")

    def test_the_document_counts_once_for_the_group(self):
        self.company.credit_count_drafts = False
        self.owe(customer=900.0)
        document = self.draft(100.0, self.daughter)
        self.draft(500.0, self.daughter)
        self.assertIsNone(self.find_exceeded(document))
        self.assertEqual(self.group._compute_live(document), 1000)

    # === WHAT MAKES NO SENSE === #

    def test_a_customer_is_in_one_group_only(self):
        values = {"company_ids": [Command.set(self.company.ids)]}
        with self.assertRaises(ValidationError):
            self.env["credit.group"].create(values | {"partner_id": self.daughter.id})
        self.group.active = False
        self.env["credit.group"].create(values | {"partner_id": self.daughter.id})
        with self.assertRaises(ValidationError):
            self.group.active = True

    def test_a_contact_is_no_parent(self):
        contact = self.env["res.partner"].create(
            {"name": "Buyer", "parent_id": self.stranger.id}
        )
        with self.assertRaises(ValidationError):
            self.group.partner_id = contact

    def test_a_parent_of_another_company_is_refused(self):
        other = self.setup_other_company()["company"]
        self.stranger.company_id = other
        with self.assertRaises(ValidationError):
            self.group.partner_id = self.stranger

    def test_a_list_of_groups_takes_as_many_queries_as_one(self):
        more = self.env["credit.group"].create(
            [
                {"partner_id": self._create_customer(f"Parent {number}").id}
                for number in range(6)
            ]
        )
        counts = []
        for some in (self.group, self.group, self.group + more):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            some.mapped("exposure_amount")
            counts.append(self.cr.sql_log_count - before)
        self.assertLessEqual(counts[2], counts[1])
