from . import res_company
from . import res_config_settings
from . import credit_profile
from . import credit_dunning_level
from . import credit_dunning_letter
from . import credit_dunning_letter_sms
from . import sms_sms
from . import sms_tracker
