from . import account_payment_term
from . import credit_exposure
from . import credit_profile
from . import res_partner
from . import sale_order
from . import sale_order_line
