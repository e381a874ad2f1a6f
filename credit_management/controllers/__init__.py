from . import address
from . import dispute
from . import export
from . import opened
from . import payment
from . import portal
from . import sent
from . import statement
