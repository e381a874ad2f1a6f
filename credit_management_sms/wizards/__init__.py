from . import credit_dunning_letter_preview
from . import credit_overview
from . import credit_start
