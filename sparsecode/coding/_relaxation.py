r"""The first codes of learning with a penalty that is not convex: those of l1.

Few units, chosen well, fit a sample with almost any atoms, so that penalties that count units are content with noise
and take tens of epochs to leave it. l1 leaves it within two. So learning begins with l1, whose weight is the
correlation at which a unit atom enters with the penalty itself:

    sqrt(2 alpha) ||w||_1    in the place of l0 and CEL0,    alpha ||w||_1    in that of MCP and SCAD.

Where the penalty has a slope at zero this is its tangent there, from which it bends down, so the objective falls when
its turn comes. What learning remembers, homeostasis and the weight that follows a target too, goes on.
"""

import numpy as np

from ..penalties import L1
from ..solvers.registry import SOLVERS

#: Samples for each atom that are coded with l1 first, and their largest share of all samples of a fit.
SAMPLES_AN_ATOM, LARGEST_SHARE = 200, 0.5


def count_relaxed(coder, penalty, n_components, n_expected=None, n_update=1):
    """Return how many samples are coded with l1 first: none unless "online" learns from noise or from data.

    `n_expected` are the samples of the whole fit, all epochs together, if that is known, and `n_update` the most that
    are coded with the same atoms: the last of l1 take all of them, and the share holds with them. Not where atoms are
    compared by their tables ("heh"), which only matching pursuit does.
    """
    begins = coder.learning == "online" and isinstance(coder.init, str) and coder.homeostasis != "heh"
    if not begins or penalty.convex or not penalty.separable:
        return 0
    count = SAMPLES_AN_ATOM * n_components
    if n_expected is None:
        return count
    return min(count, max(0, int(LARGEST_SHARE * n_expected) - n_update + 1))


def relax(penalty, settings, n_components):
    """Return l1 in the place of a penalty, and the settings of a coder for it."""
    weight = float(np.median(penalty.bind(np.ones(n_components), np.float64).entry))
    l1 = L1(weight, positive=bool(penalty.positive))
    if settings.solver != "auto" and not SOLVERS[settings.solver].takes(l1):
        settings = settings._replace(solver="auto")
    return l1, settings
