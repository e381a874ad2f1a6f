"""Lets plain pytest import the rules without Odoo.

The package of each add-on imports Odoo; the rules in its folder `logic` do not. An
empty package of that name, with the same folder, gives the way to them.
"""

import sys
import types

from . import settings

for name in settings.own_addons():
    if name not in sys.modules:
        package = types.ModuleType(name)
        package.__path__ = [str(settings.ROOT / name)]
        sys.modules[name] = package
