"""Who may reach which model and which field, from every side: trials S6 and S25."""

import re

from odoo import Command
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from .security_common import SecurityCommon
from .security_tables import (
    FIELDS_TOLD,
    IDS_TAKEN,
    MODELS_OF_NOBODY,
    MODELS_TOLD,
    MODELS_WITH_OWN_RULE,
    WINDOWS_OF_MANAGERS,
)

ADD_ON_NAME = "credit_management"
# Groups whose members may know what a customer owes and how we chase it.
CREDIT_GROUPS = {
    "credit_management.group_credit_user",
    "credit_management.group_credit_manager",
}
# One of each kind, where all of a kind would take too long.
ASKING = ("customer", "salesperson", "biller")
STRANGERS = ("public", "portal", "customer", "salesperson", "biller")
# As many probes, the first ones, read a value; the others guess at it.
READING_PROBES = 7
# Fields of our models that a customer or a colleague would like to know.
SECRETS = {
    "access_token",
    "amount_company",
    "body",
    "cause",
    "custom_text",
    "email_cc",
    "hold_reason",
    "level_id",
    "note",
    "minimum_amount",
    "overdue_amount",
    "pause_reason",
    "reason",
    "recipient_emails",
    "silence_reason",
}
# A value that a field of the type may have; text else.
GUESSES = {
    "boolean": True,
    "date": "2026-05-13",
    "integer": 7,
    "many2one": 1,
    "monetary": 7.0,
    "one2many": 1,
}
REFUSALS = {"AccessError", "ValueError", "UserError", "MissingError"}
# No record, none counted, or the highest of none.
NOTHING = re.compile(
    r"\[\]|0|\{'length': 0, 'records': \[\]\}|\{'datas': \[(\[''\])?\]\}"
    r"|\[\{'__extra_domain': \[\(1, '=', 1\)\], '\w+:max': (False|0|0\.0)\}\]"
)
LOGS = ("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")


@tagged("post_install", "-at_install", "credit_once")
class TestSecurityModels(SecurityCommon):
    # === EACH MODEL HAS RIGHTS AND A RULE: S25 === #

    def test_each_model_gives_rights_to_credit_groups_only(self):
        for name in self._get_our_models():
            access = (
                self.env["ir.model.access"]
                .sudo()
                .search([("model_id.model", "=", name)])
            )
            groups = access.mapped(lambda line: line.group_id.get_external_id())
            with self.subTest(model=name):
                if name in MODELS_OF_NOBODY:
                    self.assertFalse(access)
                    continue
                self.assertTrue(access)
                self.assertTrue(all(line.group_id for line in access))
                found = {xmlid for ids in groups for xmlid in ids.values()}
                self.assertLessEqual(found, CREDIT_GROUPS | {MODELS_TOLD.get(name)})

    def test_each_model_keeps_companies_or_users_apart_by_a_rule_for_everybody(self):
        for name in self._get_our_models():
            if name in MODELS_OF_NOBODY:
                continue
            rules = self.env["ir.rule"].sudo().search([("model_id.model", "=", name)])
            domains = [rule.domain_force for rule in rules if not rule.groups]
            word = MODELS_WITH_OWN_RULE.get(name, "company_ids")
            with self.subTest(model=name):
                self.assertTrue(any(word in domain for domain in domains))
                # Rules of groups are joined by "or": one of them would open the model.
                self.assertFalse(rules.groups)
                for right in ("read", "write", "create", "unlink"):
                    self.assertTrue(all(rules.mapped(f"perm_{right}")), right)

    @mute_logger(*LOGS)
    def test_strangers_have_no_right_at_all_on_any_model(self):
        for name in self._get_our_models():
            for actor in STRANGERS:
                model = self.env[name].with_user(self.actors[actor])
                told = MODELS_TOLD.get(name)
                if told and model.env.user.has_group(told):
                    continue
                for right in ("read", "write", "create", "unlink"):
                    with self.subTest(model=name, actor=actor, right=right):
                        self.assertFalse(model.has_access(right))

    @mute_logger(*LOGS)
    def test_another_company_finds_none_of_our_records(self):
        for name, records in self.records.items():
            model = self.env[name].with_user(self.actors["foreign"])
            self.env.invalidate_all()
            with self.subTest(model=name):
                self.assertFalse(model.search([("id", "in", records.ids)]))
                with self.assertRaises(AccessError):
                    model.browse(records.ids).read(["display_name"])

    @mute_logger(*LOGS)
    def test_a_summary_shows_no_more_than_the_rows_it_is_made_of(self):
        """A view bypasses the rules of its tables: compare for each actor."""
        other_run = self._propose_elsewhere()
        self.env.invalidate_all()
        counts = {}
        for actor in (*STRANGERS, "foreign", "collector", "manager"):
            user = self.actors[actor]
            with self.subTest(actor=actor):
                shown = self._sum_up("credit.dunning.run.summary", user)
                base = self._sum_up("credit.dunning.letter", user)
                base += self._sum_up("credit.dunning.outcome", user)
                self.assertLessEqual(shown, base)
                counts[actor] = shown
        self.assertTrue(counts["collector"] and counts["foreign"])
        self.assertFalse(any(counts[actor] for actor in STRANGERS))
        self.assertTrue(other_run.summary_ids)

    def _propose_elsewhere(self):
        """Return a run of the other company, with something left alone."""
        self._create_late_invoice(
            20,
            99.0,
            company_id=self.other_company.id,
            journal_id=self.env["account.journal"]
            .search(
                [("company_id", "=", self.other_company.id), ("type", "=", "sale")],
                limit=1,
            )
            .id,
        )
        run = self.env["credit.dunning.run"].create(
            {"company_id": self.other_company.id, "date": self.today}
        )
        run.action_propose()
        return run

    def _sum_up(self, model_name, user):
        """Return how many rows behind a model the user may know of."""
        model = (
            self.env[model_name]
            .with_user(user)
            .with_context(allowed_company_ids=user.sudo().company_ids.ids)
        )
        if not model.has_access("read"):
            return 0
        if model_name == "credit.dunning.run.summary":
            return sum(model.search([]).mapped("count"))
        return model.search_count([("run_id", "!=", False)])

    # === FIELDS ON MODELS OF THE HOST: S6 === #

    def _get_fields_on_hosts(self):
        """Return the fields that we add to models of the host: model, name."""
        return [
            (model_name, name)
            for model_name, model in sorted(self.env.registry.items())
            if model_name not in self._get_our_models() and not model._abstract
            for name, field in model._fields.items()
            if any(module.startswith(ADD_ON_NAME) for module in field._modules)
            and not field.inherited
        ]

    def _get_told(self, model_name, name):
        """Return the group that may know a field, "" for all, None for a secret."""
        return FIELDS_TOLD.get(f"{model_name}.{name}", FIELDS_TOLD.get(model_name))

    def test_each_field_on_a_model_of_the_host_is_guarded_or_told_on_purpose(self):
        for model_name, name in self._get_fields_on_hosts():
            field = self.env[model_name]._fields[name]
            groups = set((field.groups or "").split(",")) - {""}
            with self.subTest(field=f"{model_name}.{name}"):
                told = self._get_told(model_name, name)
                if told is not None:
                    self.assertEqual(field.groups or "", told)
                else:
                    self.assertTrue(groups and groups <= CREDIT_GROUPS)

    # === EACH WAY TO READ A FIELD: S6 === #

    def _get_probes(self, model_name, name, records):
        """Return calls that would tell a field, or let one guess it: method, args."""
        field = self.env[model_name]._fields[name]
        own = [("id", "in", records.ids)]
        value = GUESSES.get(field.type, "x")
        probes = [
            ("read", [records.ids, [name]]),
            ("web_read", [records.ids, {name: {}}]),
            ("search_read", [own, [name]]),
            ("web_search_read", [own, {name: {}}]),
            ("export_data", [records.ids, [name]]),
            ("name_search", ["", own + [(name, "!=", value)]]),
            ("search", [own + [(name, "!=", value)]]),
            ("search_count", [own + [(name, "in", [value])]]),
            ("search", [own, 0, None, f"{name} desc"]),
            ("formatted_read_group", [own, [name], ["__count"]]),
            ("formatted_read_group", [own, [], [f"{name}:max"]]),
        ]
        if field.relational:
            target = self.env[field.comodel_name]
            inner = next(
                (n for n, f in target._fields.items() if f.store and f.type == "char"),
                "id",
            )
            probes += [
                ("search", [own + [(f"{name}.{inner}", "!=", "x")]]),
                ("search", [own + [(name, "any", [(inner, "!=", "x")])]]),
                ("export_data", [records.ids, [f"{name}/{inner}"]]),
                ("web_read", [records.ids, {name: {"fields": {inner: {}}}}]),
            ]
        return probes

    def _get_dotted_probes(self, model_name, name):
        """Return calls that reach the field through another model of the host."""
        value = GUESSES.get(self.env[model_name]._fields[name].type, "x")
        starts = {
            "account.move": self.invoice,
            "account.payment": self.env["account.payment"],
            "mail.message": self.profile.message_ids[-1:],
            "res.partner": self.actors["customer"].partner_id,
            "res.users": self.actors["customer"],
        }
        probes = []
        for other in starts:
            for path, field in self.env[other]._fields.items():
                if field.comodel_name == model_name and field.store:
                    dotted = f"{path}.{name}"
                    probes += [
                        (other, "search_count", [[(dotted, "!=", value)]]),
                        (other, "search", [[], 0, 1, dotted]),
                        (other, "formatted_read_group", [[], [dotted], ["__count"]]),
                        (other, "export_data", [starts[other].ids, [f"{path}/{name}"]]),
                    ]
                    break
        return probes

    def _ask(self, actor, model_name, method, args):
        """Return what a door answers: the result or the kind of refusal, as text."""
        model = self.env[model_name].with_user(self.actors[actor])
        self.env.invalidate_all()
        try:
            with self.env.cr.savepoint():
                return repr(call_kw(model, method, args, {}))
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def _ask_for_all_secrets(self):
        """Return each answer to each probe of each kind of stranger."""
        hosts = {
            "account.move": self.invoice + self.second_invoice,
            "account.move.line": self._receivable_line(self.invoice),
            "res.company": self.company,
            "res.partner": self.customer + self.second_invoice.partner_id,
        }
        answers = {}
        for model_name, name in self._get_fields_on_hosts():
            if self._get_told(model_name, name) == "":
                continue
            records = hosts.get(model_name)
            if not records:
                continue  # windows of the settings: nobody has one
            probes = [
                (model_name, *probe)
                for probe in self._get_probes(model_name, name, records)
            ]
            probes += self._get_dotted_probes(model_name, name)
            told = self._get_told(model_name, name)
            for actor in ASKING[:1] if told == "base.group_user" else ASKING:
                for probe in probes:
                    answers[actor, name, repr(probe)] = self._ask(actor, *probe)
        return answers

    @mute_logger(*LOGS, "odoo.orm.models", "odoo.models", "py.warnings")
    def test_no_way_of_reading_tells_a_secret_field_or_lets_one_guess_it(self):
        before = self._ask_for_all_secrets()
        for (actor, _name, probe), answer in before.items():
            with self.subTest(actor=actor, probe=probe):
                self.assertTrue(self._is_refused(answer), answer[:200])
        self._change_all_secrets()
        after = self._ask_for_all_secrets()
        self.assertEqual(before, after)
        self.assertGreater(len(before), 500)

    @mute_logger(*LOGS, "odoo.orm.models", "odoo.models", "py.warnings")
    def test_the_ways_of_reading_do_tell_those_who_may_know(self):
        """Else the tests above would pass with calls that nobody could make."""
        for records in (
            self.customer,
            self.invoice,
            self._receivable_line(self.invoice),
        ):
            model_name = records._name
            probes = self._get_probes(model_name, "credit_level_id", records)
            for method, args in probes[:READING_PROBES]:
                answer = self._ask("collector", model_name, method, args)
                with self.subTest(model=model_name, method=method):
                    self.assertFalse(self._is_refused(answer), answer[:200])

    def _is_refused(self, answer):
        """Say whether an answer says no, or nothing at all."""
        kind = answer.split(":")[0]
        return kind in REFUSALS or bool(NOTHING.fullmatch(answer))

    def _change_all_secrets(self):
        """Give every secret another value, where the strangers' own view stays."""
        self.letter.sudo()._reverse()
        self.profile._refresh()
        self.company.write(
            {
                "credit_mode": "simulate",
                "credit_stopped": True,
                "credit_pending_days": 3,
                "credit_tz": "Asia/Tokyo",
            }
        )

    @mute_logger(*LOGS)
    def test_secret_fields_are_not_even_named_to_strangers(self):
        for model_name, name in self._get_fields_on_hosts():
            if self._get_told(model_name, name) == "":
                continue
            told = self._get_told(model_name, name)
            for actor in STRANGERS[:3] if told == "base.group_user" else STRANGERS:
                model = self.env[model_name].with_user(self.actors[actor])
                with self.subTest(field=f"{model_name}.{name}", actor=actor):
                    self.assertNotIn(name, model.fields_get())

    # === FIELDS OF OUR OWN MODELS === #

    @mute_logger(*LOGS, "odoo.orm.models", "odoo.models", "py.warnings")
    def test_no_stranger_reads_a_field_of_our_models_from_any_side(self):
        for model_name, records in self.records.items():
            fields = self.env[model_name]._fields
            names = ["display_name", *(n for n in fields if n in SECRETS)]
            for name in names:
                for actor in ("portal", "salesperson", "foreign"):
                    for method, args in self._get_probes(model_name, name, records):
                        answer = self._ask(actor, model_name, method, args)
                        with self.subTest(
                            actor=actor, probe=(model_name, method, args)
                        ):
                            self.assertTrue(self._is_refused(answer), answer[:200])


@tagged("post_install", "-at_install", "credit_once")
class TestSecurityNestedIds(SecurityCommon):
    """An id inside what is written may be anybody's: trial S4."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.strange = cls._create_strange_records()

    @classmethod
    def _create_strange_records(cls):
        """Return records that belong to the other company, by model."""
        env, company = cls.env, cls.other_company
        journal = env["account.journal"].search(
            [("company_id", "=", company.id), ("type", "=", "sale")], limit=1
        )
        policy = cls._create_policy((1, 103), company_id=company.id)
        company.credit_policy_id = policy
        move = cls._create_late_invoice(
            6, 88.0, company_id=company.id, journal_id=journal.id
        )
        run = env["credit.dunning.run"].create({"company_id": company.id})
        run.action_propose()
        exclusion = env["credit.exclusion"].create(
            {"partner_id": cls.other.id, "company_id": company.id, "reason": "Other"}
        )
        records = (
            company,
            policy,
            policy.level_ids[-1],
            move,
            move.line_ids[:1],
            run,
            run.letter_ids,
            run.letter_ids.line_ids[:1],
            run.letter_ids.profile_id,
            exclusion,
            env["res.partner"].create({"name": "Theirs", "company_id": company.id}),
            env["res.partner.bank"].create(
                {"acc_number": "1", "partner_id": company.partner_id.id}
            ),
            # Not of another company, but of another model: as bad.
            env["mail.template"].create(
                {
                    "name": "Of logins",
                    "model_id": env["ir.model"]._get_id("res.users"),
                    "body_html": "<t t-out='object.login'/>",
                }
            ),
        )
        assert all(records), records
        return {record._name: record for record in records}

    def _get_pairs(self):
        """Return our records with each field that takes an id: record, name."""
        own = self.records | {
            "credit.dunning.run": self.open_run,
            "credit.dunning.letter": self.open_letter,
            "credit.dunning.letter.line": self.open_letter.line_ids[:1],
        }
        return [
            (record[:1], name)
            for record in own.values()
            for name, field in record._fields.items()
            if field.comodel_name in self.strange
            and field.store
            and not field.name.startswith(("message_", "activity_"))
        ]

    @mute_logger(*LOGS, "odoo.sql_db")
    def test_no_field_takes_the_id_of_a_record_of_another_company(self):
        pairs = self._get_pairs()
        self.assertGreater(len(pairs), 30)
        for record, name in pairs:
            field = record._fields[name]
            strange = self.strange[field.comodel_name]
            value = strange.id
            if field.type in ("one2many", "many2many"):
                value = [Command.link(strange.id)]
            for actor in ("collector", "manager"):
                if actor == "collector" and record._name in WINDOWS_OF_MANAGERS:
                    continue
                mine = self._get_mine(record, actor)
                self.env.invalidate_all()
                with self.subTest(field=str(field), actor=actor):
                    taken = self._is_taken(mine, name, value, strange)
                    self.assertEqual(taken, str(field) in IDS_TAKEN)

    def _get_mine(self, record, actor):
        """Return the record for the actor; of a window, one that the actor opened."""
        mine = record.with_user(self.actors[actor])
        if not record.is_transient():
            return mine
        return self._open_window(actor, record._name)

    def _is_taken(self, record, name, value, strange):
        """Say whether a record takes the value; leave it as it was."""
        try:
            with self.env.cr.savepoint() as savepoint:
                record.write({name: value})
                self.env.flush_all()
                taken = strange in record.sudo()[name]
                savepoint.rollback()
        except (AccessError, UserError, MissingError):
            taken = False
        self.env.invalidate_all(flush=False)
        return taken

    # === WHAT IS NOT THEIRS TO SET === #

    def test_what_nobody_may_write_nobody_creates_either(self):
        partner = self._create_customer("New")
        collector = self.actors["collector"]
        profiles = self.env["credit.profile"].with_user(collector)
        own = {"partner_id": partner.id, "company_id": self.company.id}
        for name, value in (
            ("access_token", "known"),
            ("overdue_amount", 1.0),
            ("open_amount", 1.0),
            ("level_id", self.third.id),
            ("last_letter_date", self.today),
            ("silence_reason", "paid"),
        ):
            with self.subTest(field=name), self.assertRaises(UserError):
                profiles.create(own | {name: value})
        self.assertTrue(profiles.create(own))

    def test_nobody_excludes_in_the_name_of_somebody_else(self):
        collector = self.actors["collector"]
        exclusions = self.env["credit.exclusion"].with_user(collector)
        values = {
            "partner_id": self.other.id,
            "company_id": self.company.id,
            "reason": "Because",
        }
        manager = self.actors["manager"]
        with self.assertRaises(UserError):
            exclusions.create(values | {"user_id": manager.id})
        exclusion = exclusions.create(values)
        self.assertEqual(exclusion.user_id, collector)
        with self.assertRaises(UserError):
            exclusion.user_id = manager
