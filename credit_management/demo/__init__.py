from . import credit_demo
from . import disputes
from . import history
from . import limits
from . import plans
from . import promises
