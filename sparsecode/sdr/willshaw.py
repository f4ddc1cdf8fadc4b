"""`WillshawMemory`: binary weights between features that were active together."""

import numpy as np

from .._core.arrays import as_dense
from .._core.validation import Integral, Interval, Real
from ._associative import AssociativeMemory, likely_counts, most_items
from ._ranking import largest

#: Wrong features that recall may add, over those of an item, at the capacity.
WRONG = 0.03


class WillshawMemory(AssociativeMemory):
    r"""Associate binary rows with themselves by binary weights: two features that were active together are connected.

        w_ij = max_m x_mi x_mj,    s_j = sum_i x_i w_ij,    recalled are the features with the largest s_j.

    The rule of learning of `MacrocolumnMemory`, whose codes are chosen for it, with the inputs for codes.

    Parameters
    ----------
    n_winners : int or None, default=None
        Features that are recalled, of equal sums the first; None are all with the largest sum, which for a part of a
        stored row is the number of its ones (Willshaw's threshold), and right where the cue has no wrong ones.
    binarize : float or None, default=None
        Threshold above which features are active. None takes zeros and ones only.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features, n_features), bool
    n_items_ : int
        Stored rows.
    mean_active_ : float
        Mean number of ones of the stored rows.
    capacity_estimate_ : float
        Random rows of as many ones of which whole cues bring 3 % of wrong features, over those of a row; inf if no
        number of them does.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, entries other than 0 and 1 with ``binarize=None``, X that is empty or not finite.

    Notes
    -----
    F^2 bytes for F features, a bit of information each, and 4 F^2 more while recalling. Rows are recalled by a product
    of dense matrices, O(F^2) each. After M random rows with k ones, feature j is in m of them, by a binomial
    distribution, and connected to a share ``1 - (1 - (k - 1) / (F - 1))^m`` of all others; it is added to what is
    recalled from a whole cue if it is connected to all k of its ones,

        wrong features = (F - k) E_m (1 - (1 - (k - 1) / (F - 1))^m)^k.

    With sparse rows (k about log F) that allows up to ln(2) / 2 = 0.35 bits for each weight.

    References
    ----------
    D. J. Willshaw, O. P. Buneman and H. C. Longuet-Higgins, "Non-holographic associative memory", Nature 222:960
    (1969). G. Palm, "On associative memory", Biol. Cybern. 36:19 (1980).

    Examples
    --------
    >>> from sparsecode.sdr import WillshawMemory, random_sdrs, subsample
    >>> X = random_sdrs(500, 1000, 15, random_state=0)
    >>> memory = WillshawMemory().fit(X)
    >>> bool((memory.recall(subsample(X, 10, random_state=0)) == X).all())
    True
    >>> memory.capacity_estimate_
    4078
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_winners": [Interval(Integral, 1, None, closed="left"), None],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
    }

    _names = ("weights",)

    def __init__(self, n_winners=None, *, binarize=None):
        self.n_winners = n_winners
        self.binarize = binarize

    @property
    def weights_(self):
        """The features that are connected."""
        return self._fitted()["weights"].copy()

    @property
    def capacity_estimate_(self):
        """Random rows that are recalled."""
        F, k = self.n_features_in_, self.mean_active_
        if k <= 1 or F - k <= WRONG * k:  # nothing is connected, or too few features could be wrong
            return np.inf
        return most_items(lambda M: expected_errors(M, F, k), WRONG * k)

    def _empty(self, n_features):
        return {"weights": np.zeros((n_features, n_features), bool)}

    def _learn(self, state, X):
        X = X.astype(np.float32)
        return {"weights": state["weights"] | (as_dense(X.T @ X) > 0)}

    def _prepare(self, state):
        return state["weights"].astype(np.float32)

    def _complete(self, weights, X):
        sums = X.astype(np.float32) @ weights
        if self.n_winners is not None:
            return largest(sums, self.n_winners, 0)
        return (sums == sums.max(axis=1, keepdims=True)) & (sums > 0)


def expected_errors(n_items, n_features, n_active):
    """Return how many features whole cues bring that are not of the item."""
    m, chances = likely_counts(n_items, n_active / n_features)
    reached = (1 - (1 - (n_active - 1) / (n_features - 1)) ** m) ** n_active
    return (n_features - n_active) * float(chances @ reached)
