"""Rules of learning by name, but for K-SVD, which changes codes as well as atoms."""

from .gradient import GradientState
from .mod import ModState
from .online import OnlineState

RULES = {"online": OnlineState, "gradient": GradientState, "mod": ModState}

#: Rules that need the codes of all samples for an update.
WHOLE = ("mod", "k-svd")
