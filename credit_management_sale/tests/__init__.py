from . import test_exposure
from . import test_hold
from . import test_hold_portal
from . import test_hold_tour
from . import test_room
