"""Every public method can be called by every login, with any ids: trial S7."""

import inspect
from copy import deepcopy

from odoo.exceptions import AccessError
from odoo.service.model import call_kw, get_public_method
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .security_common import CANARY, SecurityCommon, is_ours
from .security_tables import MAKES_OWN, METHODS

# From the least right to the most; who stands lower is refused.
RIGHTS = ("public", "portal", "salesperson", "biller", "collector", "manager", "system")
# What the methods that need more than records are given; else what `write` may write.
ARGUMENTS = {
    "credit.bureau.report.write": [{"note": "Other"}],
    "create": [{}],
    "web_read": [{"overdue_amount": {}, "pause_reason": {}}],
    "web_read_group": [[], ["level_id"]],
    "credit.dunning.level.write": [{"sequence": 5}],
    "credit.dunning.letter.line.write": [{"is_excluded": False}],
    "credit.dunning.policy.write": [{"sequence": 5}],
    "credit.profile.write": [{"pause_reason": "Other"}],
    "account.bank.statement.line.write": [{"payment_ref": "Other"}],
    "account.move.write": [{"ref": "Other"}],
    "credit.group.write": [{"note": "Other"}],
    "credit.group.web_read": [{"exposure_amount": {}}],
    "credit.cover.write": [{"note": "Other"}],
    "credit.limit.request.write": [{"reason": "Other"}],
    "credit.dispute.write": [{"priority": "1"}],
    "credit.dispute.line.write": [{"amount_accepted": 1}],
    "credit.exclusion.write": [{"until": False}],
    "sale.order.line.write": [{"name": "Other"}],
    "res.partner.write": [{"ref": "Other"}],
    "ir.attachment.write": [{"description": "Other"}],
    "credit.statement.write": [{"note": "Other"}],
    "res.company.write": [{"credit_stopped": True}],
    "write": [{"user_id": False}],
}
# What may come instead of the ids, and behind them.
SHAPES = (
    [],
    [None],
    [False],
    [[]],
    [[0]],
    [[-1]],
    [[2**31 - 1]],
    ["1"],
    [["x"]],
    [{}],
    [[[1]]],
    [[1], 1, 2, 3],
    [[1], {"state": "sent", "company_id": 1}],
    [[1], ["id"], [["id", ">", 0]]],
)
LOGS = (
    "odoo.addons.base.models.ir_model",
    "odoo.addons.base.models.ir_rule",
    "odoo.addons.mail.models.mail_thread",
    "odoo.models",
    "odoo.orm.models",
    "odoo.sql_db",
    "py.warnings",
)


@tagged("post_install", "-at_install", "credit_once")
class TestSecurityMethods(SecurityCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        receipt = cls.env["account.bank.statement.line"].create(
            {
                "journal_id": cls.company_data["default_journal_bank"].id,
                "payment_ref": "thank you",
                "partner_id": cls.customer.id,
                "amount": 10.0,
                "date": cls.today,
            }
        )
        credited = cls._receivable_line(cls._create_late_invoice(5, 5.0))
        credit = cls._receivable_line(cls._create_credit_note(5.0))
        (credited + credit).reconcile()
        records = cls.records | {
            "account.partial.reconcile": credited.matched_credit_ids,
            "account.bank.statement.line": receipt,
            "account.journal": cls.company_data["default_journal_sale"],
            "account.move": cls.invoice,
            "account.move.line": cls._receivable_line(cls.invoice),
            "ir.attachment": cls.env["ir.attachment"].create(
                {
                    "name": "note.txt",
                    "raw": b"note",
                    "res_model": cls.letter._name,
                    "res_id": cls.letter.id,
                }
            ),
            "mail.mail": cls.letter.sudo().mail_ids,
            "res.company": cls.company,
            "res.partner": cls.invoice.partner_id,
        }
        for tables in cls.bridge_tables:
            if hasattr(tables, "make_records"):
                records |= tables.make_records(cls)
        cls.ids = {name: some[:1].ids for name, some in records.items()}

    # === FINDING THEM === #

    def _find_our_methods(self):
        """Return names of the public methods that our classes define: model.method."""
        return {
            f"{model_name}.{name}"
            for model_name, model in self.env.registry.items()
            for base in filter(is_ours, model.mro())
            for name, value in vars(base).items()
            if inspect.isfunction(value) and self._is_public(model_name, name)
        }

    def _find_all_methods(self, model_name):
        """Return names of the public methods of a model, the host's among them."""
        return [
            f"{model_name}.{name}"
            for name, _value in inspect.getmembers(
                self.env.registry[model_name], inspect.isfunction
            )
            if self._is_public(model_name, name)
        ]

    def _is_public(self, model_name, name):
        try:
            return bool(get_public_method(self.env[model_name], name))
        except AccessError:
            return False

    def _get_ids(self, name):
        """Return the id of a record that belongs to one customer of our company."""
        return self.ids.get(name.rsplit(".", 1)[0], [1])

    # === CALLING THEM === #

    def _call(self, actor, name, args):
        """Call a method as the RPC doors do; return its result or its error."""
        model_name, method = name.rsplit(".", 1)
        model = self.env[model_name].with_user(self.actors[actor])
        self.env.invalidate_all()
        try:
            with self.env.cr.savepoint():
                result = call_kw(model, method, list(args), {})
                self.env.flush_all()
        except Exception as error:  # whatever the doors would answer with
            result = error
        self.env.invalidate_all(flush=False)
        return result

    def _get_args(self, name):
        model_name, method = name.rsplit(".", 1)
        args = deepcopy(ARGUMENTS.get(name, ARGUMENTS.get(method, [])))
        if getattr(getattr(self.env.registry[model_name], method), "_api_model", False):
            return args
        return [self._get_ids(name), *args]

    def _make_own(self, actor, name):
        """Return ids of a window that the actor opened, where only that one counts."""
        model_name = name.rsplit(".", 1)[0]
        if not self.env[model_name].is_transient():
            return None
        return self._open_window(actor, model_name).ids

    # === OUR METHODS === #

    def test_each_public_method_stands_in_the_table_with_the_right_it_needs(self):
        self.assertEqual(self._find_our_methods(), set(METHODS))
        self.assertLessEqual(set(METHODS.values()), set(RIGHTS))

    @mute_logger(*LOGS)
    def test_who_lacks_the_right_is_refused_and_nothing_moves(self):
        before = self._hash_tables()
        for name, right in METHODS.items():
            for actor in RIGHTS[: RIGHTS.index(right)]:
                with self.subTest(method=name, actor=actor):
                    result = self._call(actor, name, self._get_args(name))
                    self.assertIsInstance(result, AccessError)
        self.assertEqual(self._get_changed_tables(before), [])

    @mute_logger(*LOGS)
    def test_who_has_the_right_in_another_company_only_is_refused_too(self):
        before = self._hash_tables()
        for name in METHODS:
            if name in MAKES_OWN or METHODS[name] == "public":
                continue
            with self.subTest(method=name):
                result = self._call("foreign", name, self._get_args(name))
                self.assertIsInstance(result, AccessError)
        self.assertEqual(self._get_changed_tables(before), [])

    @mute_logger(*LOGS)
    def test_the_right_in_the_table_is_enough(self):
        for name, right in METHODS.items():
            if right == "system":
                continue
            with self.subTest(method=name, actor=right):
                ids = self._make_own(right, name)
                args = [ids, *self._get_args(name)[1:]] if ids else None
                result = self._call(right, name, args or self._get_args(name))
                self.assertNotIsInstance(result, AccessError)

    @mute_logger(*LOGS)
    def test_odd_arguments_of_strangers_move_nothing_and_tell_nothing(self):
        before = self._hash_tables()
        for name in METHODS:
            for actor in ("public", "portal", "salesperson"):
                for args in SHAPES:
                    result = self._call(actor, name, args)
                    self.assertNotIn(CANARY, str(result).upper(), (name, actor, args))
        self.assertEqual(self._get_changed_tables(before), [])

    # === THE HOST'S METHODS ON OUR MODELS === #

    def _sweep_host_methods(self, *actors):
        """Call whatever the host lets one call on records of ours; return how often."""
        calls = 0
        for model_name in self.records:
            for name in self._find_all_methods(model_name):
                ids = self._get_ids(name)
                for args in ([ids], [ids, ["id", "display_name"]], [[], ids]):
                    for actor in actors:
                        calls += 1
                        result = self._call(actor, name, args)
                        self.assertNotIn(CANARY, str(result).upper(), (name, actor))
        return calls

    @mute_logger(*LOGS)
    def test_no_method_of_the_host_tells_or_moves_a_record_of_ours(self):
        before = self._hash_tables()
        self.assertGreater(self._sweep_host_methods("portal", "salesperson"), 1000)
        self.assertEqual(self._get_changed_tables(before), [])

    @mute_logger(*LOGS)
    def test_no_method_of_the_host_tells_or_moves_a_record_of_another_company(self):
        """They may make records of their own; the rows of ours stay as they are."""
        before = self._hash_rows()
        self.assertGreater(self._sweep_host_methods("foreign"), 1000)
        self.assertEqual(self._hash_rows(), before)

    def _hash_rows(self):
        """Return a fingerprint of our records, model by model."""
        self.env.flush_all()
        return {
            records._name: self.env.execute_query(
                SQL(
                    "SELECT hashtextextended(t::text, 0) FROM %s t WHERE id = ANY(%s)"
                    " ORDER BY id",
                    SQL.identifier(records._table),
                    records.ids,
                )
            )
            for records in self.records.values()
            if records._auto
        }
