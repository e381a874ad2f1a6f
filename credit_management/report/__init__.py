from . import credit_dunning_letter_report
from . import credit_payment_plan_report
from . import credit_statement_report
