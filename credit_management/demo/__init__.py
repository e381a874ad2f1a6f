from . import credit_demo
from . import history
