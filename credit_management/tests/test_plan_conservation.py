"""Whatever happens in the books, the sums of a plan are those of the ledger."""

import logging
import os
from collections import Counter
from unittest import SkipTest

from odoo.tests import freeze_time, tagged

from .common import TODAY
from .test_plan import PlanCommon

try:
    import hypothesis
    from hypothesis.stateful import run_state_machine_as_test

    from . import plan_stories
except ImportError:  # it is for developers, and nothing users need
    hypothesis = None

_logger = logging.getLogger(__name__)

# So many stories, of so many turns each at most; the same ones every time.
STORIES, TURNS = 16, 16
RATES = (1.0, 1.37, 0.83, 1.91)
SINCE = ("1900-01-01", "2026-04-25", "2026-05-20", "2026-07-01")


@tagged("post_install", "-at_install", "credit_full")
class TestPlanConservation(PlanCommon):
    """Told by hypothesis, with the books of the host.

    ``CREDIT_STORIES`` asks for more stories, ``CREDIT_SEED`` for other ones.
    """

    @classmethod
    def setUpClass(cls):
        if not hypothesis:
            raise SkipTest("hypothesis is lacking, which tells the stories")
        super().setUpClass()
        # Nobody reads what is tracked: stories take half of the time without.
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True))
        clock = freeze_time(f"{TODAY} 09:00:00")
        cls.clock = clock.start()
        cls.addClassCleanup(clock.stop)
        cls.currencies = {"own": cls.company.currency_id} | {
            code: cls.setup_other_currency(
                code,
                rounding=rounding,
                rates=[
                    (day, rate * scale) for day, rate in zip(SINCE, RATES, strict=True)
                ],
            )
            for code, rounding, scale in (
                ("CHF", 0.01, 1),
                ("JPY", 1.0, 150),
                ("KWD", 0.001, 0.3),
            )
        }

    def test_sums_are_those_of_the_ledger_whatever_happens(self):
        stories = plan_stories.PlanStories
        stories.case, stories.clock = self, self.clock
        stories.told, stories.moves_seen = Counter(), Counter()
        Plan = self.env.registry["credit.payment.plan"]
        write = Plan.write

        def note(plans, vals):
            for plan in plans if "state" in vals else ():
                stories.moves_seen[plan.state, vals["state"]] += 1
            return write(plans, vals)

        self.patch(Plan, "write", note)
        seed = os.environ.get("CREDIT_SEED")
        if seed:
            hypothesis.seed(int(seed))(stories)
        run_state_machine_as_test(
            stories,
            settings=hypothesis.settings(
                max_examples=int(os.environ.get("CREDIT_STORIES", STORIES)),
                stateful_step_count=TURNS,
                database=None,
                derandomize=not seed,
                # No shorter story is looked for: each turn takes a while.
                phases=[hypothesis.Phase.generate],
                deadline=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            ),
        )
        told, seen = stories.told, stories.moves_seen
        _logger.info(
            "%s turns of %s stories: %s; %s",
            told.total() - told["begin"],
            told["begin"],
            ", ".join(f"{count} {turn}" for turn, count in told.most_common()),
            ", ".join(f"{count} {a} to {b}" for (a, b), count in seen.most_common()),
        )
