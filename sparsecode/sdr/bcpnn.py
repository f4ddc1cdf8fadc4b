"""`BCPNN`: weights from the evidence that units give for one another, modules with one winner each."""

import numpy as np
from scipy.sparse import csr_array

from .._core.arrays import as_dense
from .._core.validation import Integral, Interval, Real
from ._associative import AssociativeMemory, most_items
from ._evidence import wrong_winners
from .layouts import to_winners

#: Share of wrong winners at the capacity.
WRONG = 0.03


class BCPNN(AssociativeMemory):
    r"""Associate codes with themselves by Bayesian weights: a confidence propagation network.

    Features are units of modules (hypercolumns) of K units, one of which wins. From the shares p of the stored rows,

        w_ij = log(p_ij / (p_i p_j)),    s_j = log p_j + sum_i x_i w_ij,

    where i and j are of different modules; the unit of each module with the largest s_j wins, until winners stay. The
    sibling with graded weights of `MacrocolumnMemory`, for codes that are given.

    Parameters
    ----------
    n_units : int, default=20
        Units K of a module; the number of features is a multiple of it.
    prior : float, default=1.0
        Rows of even chances that are counted in: ``p_ij = (n_ij + prior / K^2) / (n + prior)``, from 1e-100 to 1e100.
    max_iter : int, default=10
        Steps at most.
    binarize : float or None, default=None
        Threshold above which features are active. None takes zeros and ones only.

    Attributes
    ----------
    counts_ : ndarray of shape (n_features, n_features), int64
        Stored rows in which two units were active together.
    weights_ : ndarray of shape (n_features, n_features)
    bias_ : ndarray of shape (n_features,)
    n_items_ : int
        Stored rows.
    mean_active_ : float
        Mean number of ones of the stored rows.
    capacity_estimate_ : float
        Random codes of which whole cues recall 97 % of the winners in one step, with this `prior`.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, rows of a width that is no multiple of `n_units`, rows to store with several active
        units of a module, entries other than 0 and 1 with ``binarize=None``, X that is empty or not finite.

    Notes
    -----
    F^2 counts for F features, and as many real weights, which each call of `recall` computes from them; O(n_active F)
    for a step of a row. Rows to store have at most one active unit in each module; cues may have any, and what is
    recalled has a winner in each module. After M random codes, a wrong unit that is in m of them, by a binomial
    distribution, was seen n times with the winner of each other module, with n binomial of m and 1 / K; the right one
    once more. So the sums

        s = (2 - Q) log(m + prior / K) + sum_{q = 1}^{Q - 1} log(n_q + prior / K^2)

    have distributions that can be computed, and a winner is wrong if one of K - 1 such sums exceeds that of the right
    unit. `capacity_estimate_` is where 3 % of them are; measured are 2.1 to 3.3 % there, for 4 to 300 modules of 2 to
    50 units.

    References
    ----------
    A. Lansner and O. Ekeberg, "A one-layer feedback artificial neural network with a Bayesian learning rule", Int. J.
    Neural Syst. 1:77 (1989). A. Sandberg et al., "A Bayesian attractor network with incremental learning", Network
    13:179 (2002).

    Examples
    --------
    >>> from sparsecode.sdr import BCPNN, random_codes, subsample, to_dense
    >>> codes = random_codes(200, 30, 20, random_state=0)
    >>> X, part = (to_dense(c, n_units=20) for c in (codes, subsample(codes, 15, n_units=20, random_state=0)))
    >>> bool((BCPNN(20).fit(X).recall(part) == X).all())
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_units": [Interval(Integral, 1, None, closed="left")],
        "prior": [Interval(Real, 1e-100, 1e100, closed="both")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
    }

    _names = ("counts",)

    def __init__(self, n_units=20, *, prior=1.0, max_iter=10, binarize=None):
        self.n_units = n_units
        self.prior = prior
        self.max_iter = max_iter
        self.binarize = binarize

    @property
    def counts_(self):
        """Stored rows in which two units were active together."""
        return self._fitted()["counts"].astype(np.int64)

    @property
    def weights_(self):
        """Evidence that units give for one another."""
        together = self._fitted()["counts"] + self.prior / self._n_units**2
        alone = together.diagonal() + self.prior / self._n_units * (1 - 1 / self._n_units)
        weights = np.log(together * (self._n_items + self.prior) / (alone[:, None] * alone))
        modules = np.arange(len(alone)) // self._n_units
        return np.where(modules[:, None] == modules, 0.0, weights)

    @property
    def bias_(self):
        """Evidence for units by themselves."""
        alone = self._fitted()["counts"].diagonal() + self.prior / self._n_units
        return np.log(alone / (self._n_items + self.prior))

    @property
    def capacity_estimate_(self):
        """Random codes that are recalled."""
        self._fitted()
        K, Q = self._n_units, self.n_features_in_ // self._n_units
        if K == 1:
            return np.inf
        return most_items(lambda M: wrong_winners(M, Q, K, self.prior), WRONG)

    def _empty(self, n_features):
        self._n_units = int(self.n_units)
        if n_features % self._n_units:
            raise ValueError(
                f"X has {n_features} features, which are no modules of `n_units`={self.n_units} units: the number of "
                "features must be a multiple of it."
            )
        return {"counts": np.zeros((n_features, n_features))}

    def _store(self, X):
        to_winners(X, self._n_units)  # or an error says what is wrong
        super()._store(X)

    def _learn(self, state, X):
        X = X.astype(np.float64)
        return {"counts": state["counts"] + as_dense(X.T @ X)}

    def _prepare(self, state):
        return self.weights_, self.bias_

    def _complete(self, prepared, X):
        weights, bias = prepared
        for _ in range(self.max_iter):
            support = (bias + csr_array(X) @ weights).reshape(len(X), -1, self._n_units)
            new = (support.argmax(axis=2)[..., None] == np.arange(self._n_units)).reshape(X.shape)
            if np.array_equal(new, X):
                break
            X = new
        return new

    def _get_fitted_state(self):
        scalars, arrays = super()._get_fitted_state()
        return scalars | {"n_units": self._n_units}, arrays

    def _set_fitted_state(self, scalars, arrays):
        super()._set_fitted_state(scalars, arrays)
        self._n_units = scalars["n_units"]
