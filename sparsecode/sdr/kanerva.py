"""`KanervaMemory`: counters at random addresses, those near an input take it up and give it back."""

import math

import numpy as np
from scipy.stats import binom

from .._core.rng import as_generator
from .._core.validation import Integral, Interval, Real
from ._associative import SURE, AssociativeMemory, as_signs
from .similarity import hamming


class KanervaMemory(AssociativeMemory):
    r"""Sparse distributed memory: rows are added to the counters of the random addresses near them.

    A location l with address a_l is active for the rows x whose Hamming distance to a_l is at most the radius. Its
    counters are raised by one for the ones of x, lowered for its zeros; recalled are the features whose counters,
    summed over the active locations, are positive.

    Parameters
    ----------
    n_locations : int, default=1000
        Locations L.
    activation : float, default=0.02
        Share p of the locations that are active, in (0, 1): the radius is the quantile p of the Hamming distance of
        random addresses.
    binarize : float or None, default=None
        Threshold above which features are active. None takes zeros and ones only.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the addresses.

    Attributes
    ----------
    addresses_ : ndarray of shape (n_locations, n_features), bool
    counters_ : ndarray of shape (n_locations, n_features), int64
    radius_ : int
    n_items_ : int
        Stored rows.
    mean_active_ : float
        Mean number of ones of the stored rows.
    capacity_estimate_ : float
        Rows of which 97 % of the features are right, from whole cues, if half of them are active at random.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, entries other than 0 and 1 with ``binarize=None``, X that is empty or not finite.

    Notes
    -----
    O(L F) for a row, addresses and counters. For M random rows half of whose F features are active the sum of the
    counters of a stored row is L p times what was stored, plus noise of the variance ``M L p^2 (1 + L p^2)``,

        wrong features = Phi(-sqrt(L / (M (1 + L p^2)))),

    a little less in fact for few features, where the distances of rows vary. A cue with errors activates other
    locations, the fewer of those of its row the smaller `activation` is. It is a memory of dense rows: sparse ones are
    so near to each other that they share most of their locations.

    References
    ----------
    P. Kanerva, "Sparse distributed memory", MIT Press (1988).

    Examples
    --------
    >>> from sparsecode.sdr import KanervaMemory, add_noise, random_sdrs
    >>> X = random_sdrs(50, 256, 128, random_state=0)
    >>> memory = KanervaMemory(random_state=0).fit(X)
    >>> float((memory.recall(add_noise(X, 0.05, random_state=0)) == X).mean().round(2)), memory.capacity_estimate_
    (0.98, 167)
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_locations": [Interval(Integral, 1, None, closed="left")],
        "activation": [Interval(Real, 0, 1, closed="neither")],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "random_state": ["random_state", np.random.Generator],
    }
    _names = ("addresses", "counters", "radius")

    def __init__(self, n_locations=1000, *, activation=0.02, binarize=None, random_state=None):
        self.n_locations = n_locations
        self.activation = activation
        self.binarize = binarize
        self.random_state = random_state

    @property
    def addresses_(self):
        """Addresses of the locations."""
        return self._fitted()["addresses"].copy()

    @property
    def counters_(self):
        """Counters of the locations."""
        return self._fitted()["counters"].copy()

    @property
    def radius_(self):
        """Hamming distance up to which a location is active."""
        return int(self._fitted()["radius"][0])

    @property
    def capacity_estimate_(self):
        """Random rows that are recalled."""
        n_locations, F = self.addresses_.shape
        share = float(binom.cdf(self.radius_, F, 0.5))
        return math.floor(n_locations / (SURE**2 * (1 + n_locations * share**2)))

    def _empty(self, n_features):
        shape = int(self.n_locations), n_features
        return {
            "addresses": as_generator(self.random_state).random(shape) < 0.5,
            "counters": np.zeros(shape, np.int64),
            "radius": np.array([binom.ppf(self.activation, n_features, 0.5)], np.int64),
        }

    def _learn(self, state, X):
        active = self._active(state, X)
        return state | {"counters": state["counters"] + (active.T @ as_signs(X)).astype(np.int64)}

    def _complete(self, state, X):
        return self._active(state, X) @ state["counters"].astype(np.float64) > 0

    def _active(self, state, X):
        """Return which locations are active for each row."""
        return (hamming(X, state["addresses"]) <= state["radius"]).astype(np.float64)
