"""`KanervaMemory`: counters at random addresses, those near an input take it up and give it back."""

import warnings

import numpy as np
from scipy.stats import binom, norm

from .._core.rng import as_generator
from .._core.validation import Integral, Interval, Real, callers_level
from ._associative import AssociativeMemory, as_signs, likely_counts, most_items
from .similarity import hamming

#: Share of wrong features at the capacity, and of rows that may be lost without a warning.
WRONG, LOST = 0.03, 0.01


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
    n_lost_ : int
        Rows that were given but have no active location, so that they are stored nowhere; more than 1 % of those of a
        call bring a warning.
    n_items_ : int
        Stored rows.
    mean_active_ : float
        Mean number of ones of the stored rows.
    capacity_estimate_ : float
        Rows of which 97 % of the features are right, from whole cues, if half of them are active at random: a law for
        such rows, which knows nothing of the stored ones. A warning says that these are sparser or denser.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, entries other than 0 and 1 with ``binarize=None``, X that is empty or not finite.

    Notes
    -----
    O(L F) for a row, addresses and counters. For M random rows half of whose F features are active the sum of the
    counters of a stored row with A active locations is A times what was stored, plus noise of the variance
    ``M A p (1 + A p)``, where A has a binomial distribution of L and p,

        wrong features = E_A Phi(-sqrt(A / (M p (1 + A p)))),

    or ``Phi(-sqrt(L / (M (1 + L p^2))))`` for many active locations; a little less in fact for few features, where the
    distances of rows vary. A share ``(1 - p)^L`` of the rows has none, is stored nowhere, and half of its features are
    wrong: L p should be well above 3. A cue with errors activates other
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
    (0.97, 163)
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_locations": [Interval(Integral, 1, None, closed="left")],
        "activation": [Interval(Real, 0, 1, closed="neither")],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "random_state": ["random_state", np.random.Generator],
    }
    _names = ("addresses", "counters", "radius", "n_lost")

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
    def n_lost_(self):
        """Rows without an active location."""
        return int(self._fitted()["n_lost"][0])

    @property
    def radius_(self):
        """Hamming distance up to which a location is active."""
        return int(self._fitted()["radius"][0])

    @property
    def capacity_estimate_(self):
        """Random rows that are recalled."""
        n_locations, F = self._fitted()["addresses"].shape
        self._warn_unless_half()
        share = float(binom.cdf(self.radius_, F, 0.5))
        return most_items(lambda M: expected_errors(M, n_locations, share), WRONG)

    def _empty(self, n_features):
        shape = int(self.n_locations), n_features
        return {
            "addresses": as_generator(self.random_state).random(shape) < 0.5,
            "counters": np.zeros(shape, np.int64),
            "n_lost": np.zeros(1, np.int64),
            "radius": np.array([binom.ppf(self.activation, n_features, 0.5)], np.int64),
        }

    def _learn(self, state, X):
        active = self._active(state, X)
        n_lost = state["n_lost"] + np.count_nonzero(~active.any(axis=1))
        return state | {"counters": state["counters"] + (active.T @ as_signs(X)).astype(np.int64), "n_lost": n_lost}

    def _store(self, X):
        before = self.n_lost_
        super()._store(X)
        n_lost = self.n_lost_ - before
        if n_lost > LOST * X.shape[0]:
            warnings.warn(
                f"{n_lost} of {X.shape[0]} rows have no active location and are stored nowhere: raise `n_locations` or "
                "`activation`, so that many locations are active for a row; now it is "
                f"{self.n_locations * self.activation:.3g} on average.",
                UserWarning,
                stacklevel=callers_level(),
            )

    def _prepare(self, state):
        return state | {"counters": state["counters"].astype(np.float64)}

    def _complete(self, state, X):
        return self._active(state, X) @ state["counters"] > 0

    def _active(self, state, X):
        """Return which locations are active for each row."""
        return (hamming(X, state["addresses"]) <= state["radius"]).astype(np.float64)


def expected_errors(n_items, n_locations, share):
    """Return the share of wrong features of rows half of whose features are active."""
    active, chances = likely_counts(n_locations, share)
    return float(chances @ norm.sf(np.sqrt(active / (n_items * share * (1 + active * share)))))
