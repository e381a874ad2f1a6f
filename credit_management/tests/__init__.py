from . import test_access
from . import test_demo
from . import test_letter
from . import test_logic_examples
from . import test_policy
from . import test_portal
from . import test_reports
from . import test_run
