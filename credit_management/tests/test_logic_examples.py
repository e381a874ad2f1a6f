import doctest

from odoo.tests import BaseCase, tagged

from ..logic import (
    delivery,
    dunning,
    money,
    open_amount,
    policy,
    review,
    telling,
    work,
    workdays,
)


@tagged("post_install", "-at_install")
class TestLogicExamples(BaseCase):
    def test_the_examples_of_the_rules_hold(self):
        for module in (
            delivery,
            dunning,
            money,
            open_amount,
            policy,
            review,
            telling,
            work,
            workdays,
        ):
            result = doctest.testmod(module)
            self.assertTrue(result.attempted, module.__name__)
            self.assertFalse(result.failed, module.__name__)
