"""`DenseAssociativeMemory`: stored rows vote by how much they resemble the input, the more so the more they do."""

import math

import numpy as np
from scipy.special import softmax
from scipy.stats import binom

from .._core.arrays import as_dense
from .._core.validation import Integral, Interval, Real, StrOptions
from ._associative import SURE, AssociativeMemory, as_signs


class DenseAssociativeMemory(AssociativeMemory):
    r"""A Hopfield network whose energy is steeper than a square, so that it holds more than its features.

    With rows as signs, stored ones s_m and the state x, a step of all features at once is

        x_i <- sign(sum_m (h_mi + s_mi)^n - (h_mi - s_mi)^n),    h_mi = sum_{j != i} s_mj x_j,

    for the degree n: 2 is the network of Hopfield; or, with "softmax",

        x <- sign(S^T softmax(beta S x)),

    which is also the attention of transformers. Steps end when the state stays.

    Parameters
    ----------
    interaction : int or "softmax", default="softmax"
        Degree n, from 2 to 1000, or the exponential limit.
    beta : float, default=1.0
        Steepness of "softmax", > 0: if it is large, the most similar row is recalled.
    max_iter : int, default=10
        Steps at most.
    binarize : float or None, default=None
        Threshold above which features are active. None takes zeros and ones only.

    Attributes
    ----------
    rows_ : ndarray of shape (n_items_, n_features), bool
        The stored rows.
    n_items_ : int
        Stored rows.
    mean_active_ : float
        Mean number of ones of the stored rows.
    capacity_estimate_ : float
        Rows, half of whose features are active at random, of which 97 % of the features stay right in one step; with
        "softmax" those in the presence of which a single wrong feature is still put right. It is a law for such rows,
        which knows nothing of the stored ones but their width: of sparse rows, which all resemble each other, a few
        hundredths of it may be too many, and a warning says that the stored ones are of this kind.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, entries other than 0 and 1 with ``binarize=None``, X that is empty or not finite.

    Notes
    -----
    All rows are kept, as F bytes each and, while recalling, 8 F; a step takes O(M F) for M of them: a comparison with
    each. `partial_fit` copies what is stored: rows are better given in blocks. For random rows with half of the F
    features active, one step from a stored row has

        wrong features = Phi(-g(F - 1) / sqrt(M E g(h)^2)),    g(h) = (h + 1)^n - (h - 1)^n,

    with h the sum of F - 1 random signs; for n much smaller than F that is ``Phi(-sqrt(F^(n - 1) / (M (2 n - 3)!!)))``.

    With "softmax" all other rows together vote for a feature as it is in the cue; one wrong feature is put right while
    their votes ``M tanh(beta) cosh(beta)^F`` weigh less than the row itself, ``exp(beta (F - 2))``: for some
    ``(exp(beta) / cosh(beta))^F`` rows. That holds while many rows share in the votes, up to ``tanh(beta)`` of about
    ``1 - 2 / F``; beyond it the nearest row is recalled, and no rule tells a row with one wrong feature from others if
    there are more than ``2^F / (F + 1)``, which bounds all estimates.

    References
    ----------
    J. J. Hopfield, "Neural networks and physical systems with emergent collective computational abilities", PNAS
    79:2554 (1982). D. Krotov and J. J. Hopfield, "Dense associative memory for pattern recognition", NeurIPS (2016).
    H. Ramsauer et al., "Hopfield networks is all you need", ICLR (2021).

    Examples
    --------
    >>> from sparsecode.sdr import DenseAssociativeMemory, add_noise, random_sdrs
    >>> X = random_sdrs(200, 64, 32, random_state=0)
    >>> noisy = add_noise(X, 0.2, random_state=0)
    >>> [float((DenseAssociativeMemory(n).fit(X).recall(noisy) == X).mean().round(1)) for n in (2, "softmax")]
    [0.6, 1.0]
    """

    _parameter_constraints = {  # noqa: RUF012
        "interaction": [Interval(Integral, 2, 1000, closed="both"), StrOptions({"softmax"})],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
    }
    _names = ("rows",)

    def __init__(self, interaction="softmax", *, beta=1.0, max_iter=10, binarize=None):
        self.interaction = interaction
        self.beta = beta
        self.max_iter = max_iter
        self.binarize = binarize

    @property
    def rows_(self):
        """The stored rows."""
        return self._fitted()["rows"].copy()

    @property
    def capacity_estimate_(self):
        """Random rows that are recalled."""
        F, n = self._fitted()["rows"].shape[1], self.interaction
        self._warn_unless_half()
        nearest = F * math.log(2) - math.log(F + 1)
        rows = _softmax_rows(F, self.beta, nearest) if n == "softmax" else _power_rows(F, n)
        return math.exp(min(rows, nearest, 700.0))

    def _empty(self, n_features):
        return {"rows": np.zeros((0, n_features), bool)}

    def _learn(self, state, X):
        return {"rows": np.concatenate([state["rows"], as_dense(X)])}

    def _prepare(self, state):
        return as_signs(state["rows"])

    def _complete(self, stored, X):
        return np.array([self._settle(stored, x) for x in as_signs(X)], bool).reshape(X.shape)

    def _settle(self, stored, x):
        """Return where steps from a state lead."""
        for _ in range(self.max_iter):
            field = self._field(stored, x)
            new = np.where(field == 0, x, np.sign(field))
            if np.array_equal(new, x):
                break
            x = new
        return x > 0

    def _field(self, stored, x):
        """Return what drives each feature."""
        similarity = stored @ x
        if self.interaction == "softmax":
            return softmax(self.beta * similarity) @ stored
        n, others = self.interaction, similarity[:, None] - stored * x
        scale = 1 / stored.shape[1]  # so that powers do not overflow
        return ((scale * (others + stored)) ** n - (scale * (others - stored)) ** n).sum(axis=0)


def _power_rows(n_features, degree):
    """Return the logarithm of how many rows make as much noise as 97 % of the features bear."""
    similarity = 2.0 * np.arange(n_features) - (n_features - 1)  # of the other features, of which some agree
    field = ((similarity + 1) / n_features) ** degree - ((similarity - 1) / n_features) ** degree
    noise = binom.pmf(np.arange(n_features), n_features - 1, 0.5) @ field**2
    return 2 * math.log(max(abs(field[-1]), 1e-300)) - math.log(max(noise, 1e-300)) - 2 * math.log(SURE)


def _softmax_rows(n_features, beta, nearest):
    """Return the logarithm of how many rows weigh as much as one with a wrong feature, at most those of `nearest`."""
    slope = math.tanh(beta)
    rows = beta * (n_features - 2) - math.log(slope) - n_features * _log_cosh(beta)
    few = rows <= n_features * (beta * slope - _log_cosh(beta))  # those that count, as near as the row itself
    return nearest if few else rows


def _log_cosh(beta):
    return beta + math.log1p(math.exp(-2 * beta)) - math.log(2)
