"""Who knocks, what must not be heard, and what must not move."""

from datetime import timedelta
from decimal import Decimal
from importlib import import_module

from odoo import Command
from odoo.tests import new_test_user
from odoo.tools import SQL

from ..logic import instalments
from . import security_tables
from .common import CreditCommon

ADD_ON = "odoo.addons.credit_management"
# Planted in what only the house may read, and in what only the customer may read too.
CANARY = "CANARYHOUSE"
CUSTOMER_CANARY = "CANARYCUSTOMER"
# Style sheets, sessions, presence: made by reading, and nobody's business. Price lists:
# the host sees to those of all companies whenever somebody creates no company at all.
TECHNICAL_TABLES = {
    "bus_bus",
    "ir_attachment",
    "ir_logging",
    "mail_presence",
    "product_pricelist",
    "res_device_log",
    "res_users_log",
    "res_users_settings",
}


# Tables to which bridges add theirs.
TABLES = (
    *("METHODS", "ROUTES", "FIELDS_TOLD", "TEXTS_RENDERED"),
    *("MODELS_TOLD", "MODELS_OF_NOBODY", "MODELS_WITH_OWN_RULE"),
)


def is_ours(cls):
    """Say whether a class was written in one of our add-ons."""
    return cls.__module__.startswith(ADD_ON)


class SecurityCommon(CreditCommon):
    """Actors from nobody to manager, and a customer with one of everything."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._add_tables_of_bridges()
        cls.other = cls._create_customer("Other")
        cls.other_company = cls.setup_other_company()["company"]
        cls.actors = cls._create_actors()
        cls._create_one_of_everything()
        cls.records = cls._get_records()

    @classmethod
    def _add_tables_of_bridges(cls):
        """Add what our other add-ons open, where they are installed."""
        cls.bridge_tables = []
        for name in sorted(cls.env.registry._init_modules):
            if name.startswith("credit_management_"):
                tables = import_module(f"odoo.addons.{name}.tests.security_tables")
                cls.bridge_tables.append(tables)
                for table in TABLES:
                    theirs = getattr(tables, table, ())
                    getattr(security_tables, table).update(theirs)

    # === ACTORS === #

    @classmethod
    def _create_actors(cls):
        """Return users by what they are; each has no right but those named.

        The salesperson is an employee who edits contacts and exports; the biller also
        reads every invoice. Neither is in a credit group. The foreign manager works for
        another company.
        """
        return {
            "public": cls.env.ref("base.public_user"),
            "portal": cls._create_actor("portal", "base.group_portal", cls.other),
            "customer": cls._create_actor(
                "customer", "base.group_portal", cls.customer
            ),
            "salesperson": cls._create_actor(
                "salesperson",
                "base.group_user,base.group_partner_manager,base.group_allow_export",
            ),
            "biller": cls._create_actor(
                "biller",
                "base.group_user,account.group_account_invoice,base.group_allow_export",
            ),
            "foreign": cls._create_actor(
                "foreign",
                "base.group_user,credit_management.group_credit_manager,"
                "base.group_allow_export",
                company=cls.other_company,
            ),
            "collector": cls._create_actor(
                "collector",
                "base.group_user,credit_management.group_credit_user,"
                "base.group_allow_export",
            ),
            "manager": cls._create_actor(
                "manager", "base.group_user,credit_management.group_credit_manager"
            ),
        }

    @classmethod
    def _create_actor(cls, name, groups, customer=None, company=None):
        company = company or cls.company
        values = {}
        if customer:
            contact = cls.env["res.partner"].create(
                {"name": f"Contact {name}", "parent_id": customer.id}
            )
            values["partner_id"] = contact.id
        return new_test_user(
            cls.env,
            login=f"security_{name}",
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
            **values,
        )

    # === WHAT IS TO BE GUARDED === #

    @classmethod
    def _create_one_of_everything(cls):
        """Make a record of each model of ours, with a canary in every free text."""
        env = cls.env
        cls.customer.name = f"Azure {CUSTOMER_CANARY}"
        cls.policy.company_id = cls.company
        cls.first.activity_note = f"{CANARY} note"
        cls.first.activity_type_id = env.ref("mail.mail_activity_data_todo")
        cls.invoice = cls._create_late_invoice(4, 777.0)
        cls.profile = env["credit.profile"]._get_or_create(cls.company, cls.customer)
        cls.sent_run = cls._propose()
        cls.letter = cls.sent_run.letter_ids
        cls.letter.custom_text = f"<p>{CANARY} text</p>"
        cls.sent_run.action_approve_and_send()
        cls.letter.sudo()._hand_over()
        cls.letter.sudo()._set_sent()
        cls.exclusion = env["credit.exclusion"].create(
            {
                "scope": "invoice",
                "move_id": cls._create_late_invoice(9, 55.0).id,
                "company_id": cls.company.id,
                "reason": f"{CANARY} reason",
            }
        )
        cls.profile.write(
            {
                "pause_reason": f"{CANARY} pause",
                "email_cc": f"{CANARY}@example.com".lower(),
                "user_id": cls.actors["collector"].id,
            }
        )
        cls.profile._portal_ensure_token()
        second = cls._create_customer(f"Second {CUSTOMER_CANARY}")
        cls.second_invoice = cls._create_late_invoice(5, 333.0, partner=second)
        cls.open_run = cls._propose()
        cls.open_letter = cls.open_run.letter_ids
        cls.open_letter.custom_text = f"<p>{CANARY} text</p>"
        cls.open_run.sudo().hold_reason = f"{CANARY} hold"
        for record in (cls.profile, cls.letter, cls.sent_run, cls.policy):
            for subtype in ("mail.mt_comment", "mail.mt_note"):
                record.message_post(
                    body=f"{CANARY} talk",
                    subtype_xmlid=subtype,
                    message_type="comment",
                )
        cls.preview = env["credit.dunning.letter.preview"].create(
            {"letter_id": cls.open_letter.id}
        )
        cls.skip = env["credit.dunning.letter.skip"].create(
            {
                "letter_ids": [Command.set(cls.open_letter.ids)],
                "reason": f"{CANARY} skip",
            }
        )
        cls.statement = env["credit.statement"].create(
            {"profile_id": cls.profile.id, "note": f"{CANARY} note"}
        )
        cls.statement_make = env["credit.statement.make"].create(
            {
                "profile_ids": [Command.set(cls.profile.ids)],
                "note": f"{CANARY} note",
            }
        )
        cls.address_change = (
            env["credit.address.change"]
            .sudo()
            .create(
                {
                    "profile_id": cls.profile.id,
                    "email": f"{CANARY}@example.com",
                    "date": cls.today,
                    "number": 1,
                }
            )
            .sudo(False)
        )
        cls.start = env["credit.start"].create({})
        cls.call = env["credit.call"].create(
            {
                "profile_id": cls.profile.id,
                "note": f"{CANARY} call",
                "next_step": "none",
            }
        )
        cls.call_log = env["credit.call.log"].create(
            {"profile_id": cls.profile.id, "note": f"{CANARY} call"}
        )
        cls.exclude = env["credit.exclude"].create(
            {"profile_ids": cls.profile.ids, "reason": f"{CANARY} exclude"}
        )
        cls.pause = env["credit.pause"].create(
            {
                "profile_ids": [Command.set(cls.profile.ids)],
                "reason": f"{CANARY} pause",
            }
        )
        cls.next_letter = (
            env["credit.next.letter"]
            .sudo()
            .create(
                {
                    "profile_id": cls.profile.id,
                    "subject": f"{CANARY} subject",
                    "body": f"<p>{CANARY} body</p>",
                }
            )
            .sudo(False)
        )
        cls.overview = (
            env["credit.overview"]
            .sudo()
            .create(
                {
                    "company_ids": [Command.set(cls.company.ids)],
                    "age_ids": [
                        Command.create({"kind": "to_30", "company_id": cls.company.id})
                    ],
                    "level_ids": [
                        Command.create(
                            {"level_id": cls.first.id, "company_id": cls.company.id}
                        )
                    ],
                    "alarm_ids": [
                        Command.create(
                            {"code": "unknown", "count": 1, "cause": f"{CANARY} cause"}
                        )
                    ],
                }
            )
            .sudo(False)
        )
        cls.cover = env["credit.cover"].create(
            {
                "name": f"{CANARY} policy",
                "provider": f"{CANARY} insurer",
                "note": f"{CANARY} note",
                "partner_id": cls.customer.id,
                "company_id": cls.company.id,
                "amount": 5.0,
            }
        )
        cls.group = env["credit.group"].create(
            {
                "partner_id": cls.customer.id,
                "company_ids": [Command.set(cls.company.ids)],
                "currency_id": cls.company.currency_id.id,
                "note": f"{CANARY} note",
            }
        )
        cls.dispute_cause = env["credit.dispute.cause"].create(
            {"name": f"{CANARY} cause", "company_id": cls.company.id}
        )
        cls.dispute_reason = env["credit.dispute.reason"].create(
            {
                "name": f"{CUSTOMER_CANARY} reason",
                "company_id": cls.company.id,
                "cause_id": cls.dispute_cause.id,
            }
        )
        cls.dispute = (
            env["credit.dispute"]
            ._open(
                cls.profile,
                cls.dispute_reason,
                [{"move": cls.invoice, "amount": 7.0}],
                f"{CUSTOMER_CANARY} description",
                source="portal",
            )
            .sudo(False)
        )
        cls.dispute.message_post(
            body=f"{CANARY} talk",
            subtype_xmlid="mail.mt_note",
            message_type="comment",
        )
        cls.dispute._hear_customer(
            f"{CUSTOMER_CANARY} words",
            cls.customer,
            [("file.txt", CUSTOMER_CANARY.encode())],
        )
        cls.dispute_file = cls.dispute.message_ids.attachment_ids
        cls.customer_message = env["credit.message"].search(
            [("res_model", "=", "credit.dispute"), ("res_id", "=", cls.dispute.id)],
            limit=1,
        )
        cls.message_answer = env["credit.message.answer"].create(
            {
                "credit_message_id": cls.customer_message.id,
                "text": f"{CANARY} text",
            }
        )
        cls.dispute_open = env["credit.dispute.open"].create(
            {
                "profile_id": cls.profile.id,
                "reason_id": cls.dispute_reason.id,
                "description": f"{CANARY} description",
                "line_ids": [
                    Command.create({"move_id": cls.invoice.id, "name": f"{CANARY}"})
                ],
            }
        )
        cls.dispute_settle = env["credit.dispute.settle"].create(
            {
                "dispute_id": cls.dispute.id,
                "kind": "reject",
                "text": f"{CANARY} text",
            }
        )
        cls.promise = (
            env["credit.promise"]
            ._give(
                cls.profile,
                cls._receivable_line(cls._create_late_invoice(5, 77.0)),
                cls.company._credit_today(),
                note=f"{CANARY} note",
            )
            .sudo(False)
        )
        cls.promise_give = env["credit.promise.give"].create(
            {"profile_id": cls.profile.id, "note": f"{CANARY} note"}
        )
        cls.plan = (
            env["credit.payment.plan"]
            ._make(
                cls.profile,
                cls._receivable_line(cls._create_late_invoice(5, 78.0)),
                instalments.make_plan(
                    Decimal(78), [cls.company._credit_today()], Decimal(1)
                ),
                note=f"{CANARY} note",
            )
            .sudo(False)
        )
        cls.absence = env["credit.absence"].create(
            {
                "user_id": cls.actors["collector"].id,
                "substitute_id": cls.actors["manager"].id,
                "date_from": cls.company._credit_today() - timedelta(days=9),
                "date_to": cls.company._credit_today() - timedelta(days=8),
            }
        )
        cls.plan_charge = (
            env["credit.payment.plan.charge"]
            .sudo()
            .create(
                {
                    "plan_id": cls.plan.id,
                    "line_id": cls.plan.line_ids.id,
                    "date": cls.company._credit_today(),
                    "amount": 78,
                    "state": "unknown",
                    "message": f"{CANARY} message",
                }
            )
            .sudo(False)
        )
        cls.plan_make = env["credit.payment.plan.make"].create(
            {
                "profile_id": cls.profile.id,
                "note": f"{CANARY} note",
                "day_ids": [Command.create({"date": "2031-05-01", "amount": 5})],
            }
        )
        cls.plan_offer = env["credit.payment.plan.offer"].create(
            {"name": f"{CANARY} offer", "company_id": cls.company.id, "amount_to": 1.0}
        )
        cls.plan_refuse = env["credit.payment.plan.refuse"].create(
            {"plan_id": cls.plan.id, "reason": f"{CANARY} reason"}
        )
        cls.bureau_report = env["credit.bureau.report"].create(
            {
                "partner_id": cls.customer.id,
                "company_id": cls.company.id,
                "source": f"{CANARY} bureau",
                "note": f"{CANARY} note",
                "rating": 50,
            }
        )
        cls.review_of_score = env["credit.score.review"].create(
            {
                "profile_id": cls.profile.id,
                "risk_class": "C",
                "reason": f"{CANARY} reason",
                "until": cls.today,
            }
        )
        cls.score = (
            env["credit.score"]
            .sudo()
            .create(
                {
                    "profile_id": cls.profile.id,
                    "company_id": cls.company.id,
                    "date": cls.today,
                    "score": 50,
                    "risk_class": "D",
                }
            )
            .sudo(False)
        )
        cls.rule = env["credit.rule"].create(
            {
                "name": f"{CANARY} rule",
                "kind": "order_amount",
                "company_id": cls.company.id,
                "exclusion_ids": [
                    Command.create(
                        {
                            "partner_id": cls.customer.id,
                            "reason": f"{CANARY} reason",
                        }
                    )
                ],
            }
        )
        cls.hold = (
            env["credit.hold"]
            .sudo()
            .create(
                {
                    "name": f"{CANARY} document",
                    "res_model": "res.partner",
                    "res_id": cls.customer.id,
                    "stage": "confirm",
                    "profile_id": cls.profile.id,
                    "currency_id": cls.company.currency_id.id,
                    "date": "2026-05-13 08:00:00",
                    "asked_text": f"{CANARY} question",
                    "reason": f"{CANARY} reason",
                    "check_ids": [
                        Command.create(
                            {
                                "kind": "manual",
                                "verdict": "hold",
                                "rule_id": cls.rule.id,
                                "note": f"{CANARY} note",
                            }
                        )
                    ],
                }
            )
            .sudo(False)
        )
        cls.hold_decide = env["credit.hold.decide"].create(
            {
                "kind": "refuse",
                "hold_ids": [Command.set(cls.hold.ids)],
                "reason": f"{CANARY} reason",
            }
        )
        cls.customer.user_id = cls.actors["salesperson"]
        cls.limit_request = (
            env["credit.limit.request"]
            .with_user(cls.actors["collector"])
            .create(
                {
                    "partner_id": cls.customer.id,
                    "company_id": cls.company.id,
                    "asked_limit": 7.0,
                    "reason": f"{CANARY} reason",
                }
            )
            .with_env(env)
        )
        cls.limit_request.sudo().write(
            {"decision_reason": f"{CANARY} decision", "answer": f"{CANARY} answer"}
        )
        cls.limit_decide = env["credit.limit.decide"].create(
            {
                "request_id": cls.limit_request.id,
                "kind": "refuse",
                "reason": f"{CANARY} reason",
            }
        )
        cls.limit_ask = env["credit.limit.ask"].create(
            {
                "partner_id": cls.customer.id,
                "company_id": cls.company.id,
                "amount": 7.0,
                "reason": f"{CANARY} reason",
            }
        )
        cls.exposure_line = env["credit.exposure.line"]._make(cls.profile)
        cls.touch = env["credit.profile.touch"].sudo().search([], limit=1)
        env.flush_all()

    @classmethod
    def _get_our_models(cls):
        """Return the models that our add-ons define, as ``ir.model`` has them."""
        return sorted(
            name
            for name, model in cls.env.registry.items()
            if f"odoo.addons.{model._original_module}".startswith(ADD_ON)
        )

    @classmethod
    def _get_records(cls):
        """Return a record or more of each model of ours that has records."""
        env = cls.env
        records = {
            record._name: record
            for record in (
                cls.profile,
                cls.policy,
                cls.first,
                cls.sent_run + cls.open_run,
                cls.letter + cls.open_letter,
                cls.letter.line_ids + cls.open_letter.line_ids,
                env["credit.dunning.outcome"].search(
                    [("company_id", "=", cls.company.id)]
                ),
                cls.sent_run.summary_ids + cls.open_run.summary_ids,
                cls.exclusion,
                cls.preview,
                cls.skip,
                cls.statement,
                cls.statement_make,
                cls.start,
                cls.call,
                cls.call_log,
                cls.pause,
                cls.exclude,
                cls.next_letter,
                cls.address_change,
                cls.cover,
                cls.group,
                cls.exposure_line,
                cls.dispute,
                cls.dispute.line_ids,
                cls.dispute_cause,
                cls.dispute_reason,
                cls.dispute_open,
                cls.dispute_open.line_ids,
                cls.dispute_settle,
                cls.promise,
                cls.promise.line_ids,
                cls.promise_give,
                cls.plan,
                cls.plan.line_ids,
                cls.plan.item_ids,
                cls.plan_charge,
                cls.plan_make,
                cls.plan_make.day_ids,
                cls.plan_refuse,
                cls.plan_offer,
                cls.limit_request,
                cls.limit_decide,
                cls.limit_ask,
                cls.bureau_report,
                cls.review_of_score,
                cls.score,
                cls.rule,
                cls.rule.exclusion_ids,
                cls.hold,
                cls.hold.check_ids,
                cls.hold_decide,
                cls.customer_message,
                cls.message_answer,
                cls.overview,
                cls.overview.age_ids,
                cls.overview.alarm_ids,
                cls.overview.level_ids,
                cls.touch,
                env["credit.work.point"].create({"code": "review", "points": 7}),
                cls.absence,
                env["credit.dispute.report"].search(
                    [("company_id", "=", cls.company.id)]
                ),
                env["credit.letter.report"].search(
                    [("company_id", "=", cls.company.id)]
                ),
            )
        }
        assert all(records.values()), records
        return records

    # === WINDOWS === #

    def _get_window_values(self):
        """Return what simple windows are opened with, by model."""
        profiles = [Command.set(self.profile.ids)]
        letters = [Command.set(self.open_letter.ids)]
        holds = [Command.set(self.hold.ids)]
        return {
            "credit.call.log": {"profile_id": self.profile.id},
            "credit.dunning.letter.preview": {"letter_id": self.open_letter.id},
            "credit.dunning.letter.skip": {"letter_ids": letters, "reason": "Mine"},
            "credit.exclude": {"profile_ids": profiles, "reason": "Mine"},
            "credit.hold.decide": {
                "kind": "refuse",
                "hold_ids": holds,
                "reason": "Mine",
            },
            "credit.message.answer": {
                "credit_message_id": self.customer_message.id,
                "text": "Mine",
            },
            "credit.pause": {"profile_ids": profiles, "reason": "Mine"},
            "credit.start": {},
            "credit.statement.make": {"profile_ids": profiles},
        }

    def _open_window(self, actor, model_name):
        """Return a window that the actor opened: nobody may use those of others."""
        window = self.env[model_name].with_user(self.actors[actor])
        values = self._get_window_values().get(model_name)
        if values is not None:
            return window.create(values)
        match model_name:
            case "credit.next.letter":
                values = {"profile_id": self.profile.id}
                windows = window.sudo().create([values, values])
                windows[0].next_id = windows[1]
                return windows[0].sudo(False)
            case "credit.dispute.open" | "credit.dispute.open.line":
                values = {
                    "profile_id": self.profile.id,
                    "reason_id": self.dispute_reason.id,
                    "line_ids": [
                        Command.create({"move_id": self.invoice.id, "amount": 1.0})
                    ],
                }
                opened = (
                    self.env["credit.dispute.open"]
                    .with_user(self.actors[actor])
                    .create(values)
                )
                return opened.line_ids if model_name.endswith(".line") else opened
            case "credit.dispute.settle":
                return window.create(
                    {"dispute_id": self.dispute.id, "kind": "reject", "text": "Mine"}
                )
            case "credit.promise.give":
                return window.create(
                    {
                        "profile_id": self.profile.id,
                        "item_ids": [
                            Command.set(self._receivable_line(self.invoice).ids)
                        ],
                    }
                )
            case "credit.payment.plan.refuse":
                return window.create({"plan_id": self.plan.id, "reason": "Mine"})
            case "credit.payment.plan.make" | "credit.payment.plan.make.day":
                opened = (
                    self.env["credit.payment.plan.make"]
                    .with_user(self.actors[actor])
                    .create(
                        {
                            "profile_id": self.profile.id,
                            "day_ids": [Command.create({"date": "2031-05-01"})],
                        }
                    )
                )
                return opened.day_ids if model_name.endswith(".day") else opened
            case "credit.limit.ask":
                values = {"partner_id": self.customer.id, "amount": 7.0}
                return window.create(values | {"reason": "Mine"})
            case "credit.limit.decide":
                values = {"request_id": self.limit_request.id, "kind": "refuse"}
                return window.create(values | {"reason": "Mine"})
            case "credit.exposure.line":
                profile = self.profile.with_user(self.actors[actor])
                return window._make(profile)[:1]
            case "credit.overview":
                companies = [Command.set(self.company.ids)]
                return window.sudo().create({"company_ids": companies}).sudo(False)
            case (
                "credit.overview.age"
                | "credit.overview.alarm"
                | "credit.overview.level"
            ):
                overview = self._open_window(actor, "credit.overview")
                values = {"overview_id": overview.id, "company_id": self.company.id}
                values |= {
                    "credit.overview.age": {"kind": "to_30"},
                    "credit.overview.alarm": {"code": "failed"},
                    "credit.overview.level": {"level_id": self.first.id},
                }[model_name]
                return window.sudo().create(values).sudo(False)
        return self._open_limit_window(window)

    def _open_limit_window(self, window):
        match window._name:
            case "credit.limit.ask":
                values = {"partner_id": self.customer.id, "amount": 7.0}
            case "credit.limit.decide":
                values = {"request_id": self.limit_request.id, "kind": "refuse"}
            case name:
                raise AssertionError(name)
        return window.create(values | {"reason": "Mine"})

    # === WHAT MUST NOT MOVE === #

    def _hash_tables(self):
        """Return a fingerprint of the rows of each table of the database."""
        self.env.flush_all()
        cr = self.env.cr
        cr.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        names = sorted({name for (name,) in cr.fetchall()} - TECHNICAL_TABLES)
        cr.execute(
            SQL(" UNION ALL ").join(
                SQL(
                    "SELECT %s, COUNT(*), SUM(hashtextextended(t::text, 0)) FROM %s t",
                    name,
                    SQL.identifier(name),
                )
                for name in names
            )
        )
        return {name: (count, total) for name, count, total in cr.fetchall()}

    def _get_changed_tables(self, before):
        after = self._hash_tables()
        return sorted(name for name in after if after[name] != before.get(name))
