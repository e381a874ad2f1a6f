from . import test_level
from . import test_hand_over
from . import test_faults
from . import test_security
