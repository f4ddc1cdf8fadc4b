"""The k largest values of each row win: `k_winners` of arrays; `KWinners`, which makes binary codes of real ones."""

import math
import time

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import real_matrix
from .._core.history import Recorded, WinnerRecord, as_rows, from_rows
from .._core.storing import Storing
from .._core.validation import (
    Integral,
    Interval,
    Real,
    RealNotInt,
    StrOptions,
    check_rows,
)
from ..encoder import Capabilities, Encoder
from ..solvers.top_k import statistical_top_k
from ._checks import check_shares, check_size, is_number
from ._ranking import dense_winners, largest, sparse_winners
from .layouts import csr_of_ones

__all__ = ["KWinners", "boost_factors", "k_winners"]


def k_winners(values, k, *, method="exact", least=0.0):
    r"""Return the k largest values of each row as ones.

    Parameters
    ----------
    values : array-like of shape (n_samples, n_components)
        Finite numbers.
    k : int
        Winners of a row, at least 1; all values may win if there are no more.
    method : {"exact", "statistical"}, default="exact"
        "exact" are k, of equal values the first; "statistical" are those above the threshold that k of them would
        exceed if they were Gaussian (`sparsecode.solvers.statistical_top_k`): about k, without sorting.
    least : float, default=0.0
        Only values above it win, so that fewer than k may; ``-inf`` lets any value win.

    Returns
    -------
    ndarray of shape (n_samples, n_components), bool

    Raises
    ------
    ValueError
        If `k` or `least` is out of range, the method unknown, or the values no finite 2-D array.

    Notes
    -----
    O(n_components) a row.

    Examples
    --------
    >>> from sparsecode.sdr import k_winners
    >>> k_winners([[0.1, 3.0, 2.0, 2.0], [0.0, -1.0, 0.5, 0.0]], 2).astype(int)
    array([[0, 1, 1, 0],
           [0, 0, 1, 0]])
    """
    k = check_size("k", k, whole=True)
    if not is_number(least) or math.isnan(least):
        raise ValueError(f"`least` must be a number, got {least!r:.60}.")
    if method not in ("exact", "statistical"):
        raise ValueError(f"there is no method {method!r:.60}; there are 'exact' and 'statistical'.")
    if np.ndim(values) == 2 and len(values) == 0:
        return np.zeros(np.shape(values), bool)
    values = real_matrix(values, "values")
    if method == "statistical" and k < values.shape[1]:
        return (statistical_top_k(values, k) > 0) & (values > least)
    return largest(values, k, least)


def boost_factors(duty_cycles, target, strength):
    r"""Return by what values are multiplied, so that units that win seldom win more often: ``exp(strength (t - d))``.

    Parameters
    ----------
    duty_cycles : array-like of float
        Shares d of the rows in which units won, in [0, 1].
    target : float
        Share t that is aimed at: with k winners of n units ``k / n``.
    strength : float
        0 is no boosting; at least 0.

    Returns
    -------
    ndarray, as `duty_cycles`

    Raises
    ------
    TypeError
        If `strength` is not a number.
    ValueError
        If a value is out of range, or a factor would be infinite.

    Examples
    --------
    >>> from sparsecode.sdr import boost_factors
    >>> boost_factors([0.0, 0.02, 0.5], target=0.02, strength=10.0).round(3)
    array([1.221, 1.   , 0.008])
    """
    check_size("strength", strength, least=0)
    with np.errstate(over="ignore"):
        factors = _boost(check_shares("duty_cycles", duty_cycles), check_shares("target", target), strength)
    if np.isinf(factors).any():
        raise ValueError(f"`strength`={strength!r} makes factors that are infinite: give at most 700.")
    return factors


def _boost(duty_cycles, target, strength):
    return np.exp(strength * (target - duty_cycles))


class KWinners(Storing, Recorded, Encoder):
    r"""Turn real codes into binary ones: the k coefficients of largest magnitude win.

    The bridge from any encoder of real codes, such as `sparsecode.SparseCoder`, to what takes sparse binary ones, such
    as `MacrocolumnMemory`. With boosting, units that won seldom win more easily: a unit with duty cycle d, the share of
    the last rows in which it won, is ranked by

        |x| exp(boost_strength (t - d)),    t = k / n_units.

    Parameters
    ----------
    n_winners : int or float, default=0.05
        Winners of a row, or their share of the features of X, in (0, 1), rounded and at least one. A coefficient of
        zero never wins, so that a row with fewer others has fewer winners, and an empty row none.
    sign : {"split", "absolute", "positive"}, default="split"
        "split" has two units for each feature, for positive and negative coefficients; "absolute" one for both;
        with "positive" only positive coefficients win.
    boost_strength : float, default=0.0
        How much the duty cycles count; 0 is no boosting.
    duty_period : int, default=1000
        Rows over which duty cycles are averaged: the weight of the past falls by ``1 - 1 / duty_period`` with each row.
    sparse_output : bool, default=False
        Whether codes are a CSR array.

    Attributes
    ----------
    duty_cycles_ : ndarray of code_shape_
        Share of the rows in which each unit won.
    n_winners_ : int
        Winners of a row, at most.
    code_shape_ : tuple
        ``(2, n_features)`` with "split", positive first, else ``(n_features,)``.
    n_iter_ : int
        Calls that learned duty cycles.
    history_ : structured ndarray of shape (n_iter_,)
        For each call: objective (how unevenly units win lately: 1 - the entropy of their shares in the sum of all duty
        cycles, over that of equal shares), sparsity of the codes of its rows, dead (units with a duty cycle of zero),
        seconds. Each call copies the list: give rows in blocks rather than one by one.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, and X that is empty or not finite.

    Notes
    -----
    The first call of `partial_fit`, or `fit`, fixes `sign`; the other parameters hold from the next call on.
    `fit` and `partial_fit` take rows in their order, each with the duty cycles of those before it, and chunks give the
    bits of one call; `transform` uses the duty cycles that were learned and changes nothing. Of equal magnitudes the
    first feature wins. O(n_features) a row; learning with boosting is serial, and takes some 70 us for 288 features.

    References
    ----------
    S. Ahmad and L. Scheinkman, "How can we be so dense? The benefits of using highly sparse representations",
    arXiv:1903.11257 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.sdr import KWinners
    >>> KWinners(2).fit_transform([[0.0, -3.0, 1.0, 2.0]]).astype(int)
    array([[0, 0, 0, 1, 0, 1, 0, 0]])
    >>> X = np.random.default_rng(0).normal(size=(2000, 50)) * np.linspace(1, 2, 50)
    >>> plain, boosted = (KWinners(5, sign="absolute", boost_strength=b).fit(X) for b in (0.0, 20.0))
    >>> plain.duty_cycles_.std().round(2), boosted.duty_cycles_.std().round(2)
    (np.float64(0.06), np.float64(0.01))
    """

    _record_class = WinnerRecord

    _parameter_constraints = {  # noqa: RUF012
        "n_winners": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="neither")],
        "sign": [StrOptions({"split", "absolute", "positive"})],
        "boost_strength": [Interval(Real, 0, None, closed="left")],
        "duty_period": [Interval(Integral, 1, None, closed="left")],
        "sparse_output": ["boolean"],
    }

    def __init__(self, n_winners=0.05, *, sign="split", boost_strength=0.0, duty_period=1000, sparse_output=False):
        self.n_winners = n_winners
        self.sign = sign
        self.boost_strength = boost_strength
        self.duty_period = duty_period
        self.sparse_output = sparse_output

    def capabilities(self):
        """Return what codes are: binary."""
        return Capabilities("binary", invertible=True, stateful=False, online=True, signed=False)

    def transform(self, X):
        """Return the winners of the rows of X.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or CSR array of shape (n_samples, prod(code_shape_)), bool
        """
        X = self._check_input(X, reset=False)
        self._validate_params()
        codes = self._codes(X)
        return codes if self.sparse_output else codes.toarray()

    def inverse_transform(self, X):
        """Return rows in which each winner has the mean of the values with which it won in the rows of fit.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, prod(code_shape_))
            Winners, as zeros and ones; with other entries the values are multiplied by them.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Zero where nothing wins. Units that have not won in fit have the mean magnitude of those that did.
        """
        codes = self._check_codes(X) * self._values()
        codes = np.asarray(codes.todense() if issparse(codes) else codes)
        return codes.reshape(len(codes), -1, self.n_features_in_).sum(axis=1)

    @property
    def duty_cycles_(self):
        """Share of the rows in which each unit won."""
        check_is_fitted(self)
        return self._duty.reshape(self.code_shape_).copy()

    @property
    def n_winners_(self):
        """Winners of a row, at most."""
        check_is_fitted(self)
        K = self.n_features_in_
        return min(self.n_winners, K) if isinstance(self.n_winners, Integral) else max(1, round(self.n_winners * K))

    @property
    def code_shape_(self):
        """Units, of both signs with "split"."""
        check_is_fitted(self)
        return (2, self.n_features_in_) if self._sign == "split" else (self.n_features_in_,)

    @property
    def code_dims_(self):
        """Names of the axes of `code_shape_`."""
        return ("sign", "code")[-len(self.code_shape_) :]

    def _start(self, n_features):
        self._sign = self.sign
        n_units = n_features * (1 + (self.sign == "split"))
        self._duty, self._n_seen, self._records = np.zeros(n_units), 0, []
        self._means, self._wins = np.zeros(n_units), np.zeros(n_units, np.int64)

    def _store(self, X):
        """Learn the duty cycles of checked rows, and the mean values of winners."""
        started, n_wins = time.perf_counter(), 0
        self._duty, self._means, self._wins = self._duty.copy(), self._means.copy(), self._wins.copy()
        boosted = self.boost_strength > 0
        codes = None if boosted else self._codes(X)
        for i in range(X.shape[0]):
            units = self._units(X[i : i + 1])[1] if boosted else codes.indices[codes.indptr[i] : codes.indptr[i + 1]]
            self._n_seen += 1
            weight = 1 / min(self._n_seen, self.duty_period)
            self._duty *= 1 - weight
            self._duty[units] += weight
            self._average(units, X, i)
            n_wins += len(units)
        shares = self._duty[self._duty > 0] / max(self._duty.sum(), 1e-300)
        entropy = -(shares * np.log(shares)).sum() / np.log(max(len(self._duty), 2))
        record = WinnerRecord(
            epoch=len(self._records),
            objective=float(1 - entropy) if len(shares) else 0.0,
            sparsity=n_wins / (X.shape[0] * len(self._duty)),
            dead=int((self._duty == 0).sum()),
            seconds=time.perf_counter() - started,
        )
        self._records = [*self._records, record]

    def _average(self, units, X, i):
        """Let the values of the winners of row i count in their means."""
        features = units % self.n_features_in_
        if issparse(X):
            row = slice(X.indptr[i], X.indptr[i + 1])
            values = X.data[row][np.searchsorted(X.indices[row], features)]
        else:
            values = X[i, features]
        self._wins[units] += 1
        share = 1 / self._wins[units]
        self._means[units] = self._means[units] * (1 - share) + values * share  # a sum could overflow

    def _values(self):
        """Return for what value each unit stands."""
        values, won = self._means.copy(), self._wins > 0
        largest = np.abs(values).max()
        usual = largest * np.mean(np.abs(values[won]) / largest) if largest > 0 else 0.0  # their sum could overflow
        values[~won] = usual
        if self._sign == "split":
            values[self.n_features_in_ :][~won[self.n_features_in_ :]] = -usual
        return values

    def _codes(self, X):
        """Return the codes of checked rows as a CSR array."""
        rows, units = self._units(X)
        counts = np.bincount(rows, minlength=X.shape[0])
        return csr_of_ones(counts, units[np.lexsort((units, rows))], len(self._duty))

    def _units(self, X):
        """Return rows and units of the winners, row by row."""
        rows, features, negative = (sparse_winners if issparse(X) else dense_winners)(X, *self._ranking())
        return rows, features + X.shape[1] * negative if self._sign == "split" else features

    def _ranking(self):
        """Return the number of winners, whether negative coefficients may win, and the factors of both signs or None.

        Factors are at most 1, so that nothing overflows.
        """
        factors = None
        if self.boost_strength > 0:
            factors = _boost(self._duty, self._duty.min(), self.boost_strength).reshape(-1, self.n_features_in_)
            factors = factors[0], factors[-1]
        return self.n_winners_, self._sign != "positive", factors

    def _check_rows(self, X, *, reset):
        return self._check_input(X, reset=reset)

    def _check_input(self, X, *, reset):
        if not reset:
            check_is_fitted(self)
        X = check_rows(self, X, reset=reset, accept_sparse="csr")
        if issparse(X):
            X = csr_array(X, copy=True)
            X.sum_duplicates()
        return X

    def _get_fitted_state(self):
        scalars = {"sign": self._sign, "n_seen": self._n_seen}
        return scalars, {
            "duty": self._duty,
            "means": self._means,
            "wins": self._wins,
            "records": as_rows(self._records),
        }

    def _set_fitted_state(self, scalars, arrays):
        self._sign, self._n_seen = scalars["sign"], scalars["n_seen"]
        self._duty, self._records = arrays["duty"], from_rows(arrays["records"], WinnerRecord)
        self._means, self._wins = arrays["means"], arrays["wins"]
        n_units = self.n_features_in_ * (1 + (self._sign == "split"))
        if any(array.shape != (n_units,) for array in (self._duty, self._means, self._wins)):
            raise ValueError("the duty cycles or means do not fit the number of features.")
