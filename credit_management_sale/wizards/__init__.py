from . import credit_exposure_line
from . import credit_hold_ask
