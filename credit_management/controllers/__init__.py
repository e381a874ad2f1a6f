from . import export
from . import payment
from . import portal
from . import statement
