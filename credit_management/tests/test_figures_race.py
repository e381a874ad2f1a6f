"""What two transactions at once do to the figures: real cursors, committed rows."""

from contextlib import contextmanager

from odoo import SUPERUSER_ID, api, sql_db
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

BEFORE = "2001-02-03"  # the day of the figures that the other transaction wrote


@tagged("post_install", "-at_install")
class TestFiguresRace(TransactionCase):
    """Cursors of a test are one connection and never clash; these do, as workers do.

    What they commit is a customer of its own, and taken away again.
    """

    def setUp(self):
        super().setUp()
        with self._transaction() as env:
            cron = env.ref("credit_management.ir_cron_refresh_profiles")
            self.cron_id = cron.id
            self.known_triggers = self._triggers(env).ids
            partner = env["res.partner"].create({"name": "Race", "is_company": True})
            self.partner_id = partner.id
            profile = env["credit.profile"]._get_or_create(env.company, partner)
            self.profile_id = profile.id
        self.addCleanup(self._clean)

    @contextmanager
    def _transaction(self):
        """A transaction of its own that commits, as that of another worker."""
        with sql_db.db_connect(self.env.cr.dbname).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _triggers(self, env):
        return env["ir.cron.trigger"].search([("cron_id", "=", self.cron_id)])

    def _touches(self, env):
        return env["credit.profile.touch"].search(
            [("partner_id", "=", self.partner_id)]
        )

    def _clean(self):
        with self._transaction() as env:
            self._touches(env).unlink()
            env["credit.profile"].browse(self.profile_id).unlink()
            env["res.partner"].browse(self.partner_id).unlink()
            self._triggers(env).filtered(
                lambda trigger: trigger.id not in self.known_triggers
            ).unlink()

    def _refresh_while_another_does(self):
        """Work in a transaction in which the figures clash with another's."""
        with self._transaction() as env, mute_logger("odoo.sql_db"):
            profile = env["credit.profile"].browse(self.profile_id)
            self.assertFalse(profile.figures_date)  # what it sees is fixed from here
            with self._transaction() as other:
                other.cr.execute(
                    "UPDATE credit_profile SET figures_date = %s WHERE id = %s",
                    [BEFORE, self.profile_id],
                )
            profile.partner_id.ref = "work of the run"
            profile._refresh()

    def test_figures_that_another_wrote_meanwhile_do_not_undo_the_work(self):
        self._refresh_while_another_does()
        with self._transaction() as env:
            profile = env["credit.profile"].browse(self.profile_id)
            self.assertEqual(profile.partner_id.ref, "work of the run")
            self.assertEqual(str(profile.figures_date), BEFORE)

    def test_figures_lost_to_another_are_left_to_the_job(self):
        self._refresh_while_another_does()
        with self._transaction() as env:
            profile = env["credit.profile"].browse(self.profile_id)
            self.assertEqual(self._touches(env).company_id, profile.company_id)
            new = self._triggers(env).filtered(
                lambda trigger: trigger.id not in self.known_triggers
            )
            self.assertTrue(new)
            profile._refresh()  # as the job does, in a transaction of its own
            self.assertEqual(profile.figures_date, env.company._credit_today())

    def test_figures_that_nobody_else_writes_are_written_at_once(self):
        with self._transaction() as env:
            env["credit.profile"].browse(self.profile_id)._refresh()
        with self._transaction() as env:
            profile = env["credit.profile"].browse(self.profile_id)
            self.assertEqual(profile.figures_date, env.company._credit_today())
            self.assertFalse(self._touches(env))
