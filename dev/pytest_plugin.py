"""Lets plain pytest import the rules without Odoo.

The package `credit_management` imports Odoo; the rules in its folder `logic` do
not. An empty package of that name, with the same folder, gives the way to them.
"""

import sys
import types

from . import settings

if settings.PRODUCT not in sys.modules:
    package = types.ModuleType(settings.PRODUCT)
    package.__path__ = [str(settings.ROOT / settings.PRODUCT)]
    sys.modules[settings.PRODUCT] = package
