from . import base_partner_merge
from . import credit_call_log
from . import credit_dunning_letter_preview
from . import credit_dunning_letter_skip
from . import credit_next_letter
from . import credit_overview
from . import credit_pause
from . import credit_statement_make
