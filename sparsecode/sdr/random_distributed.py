"""`RandomDistributedScalarEncoder`: numbers without bounds as random bits, shared by those that are near."""

import warnings

import numpy as np
from scipy.stats import binom
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import as_dense
from .._core.rng import as_generator
from .._core.validation import Integral, Interval, Real, StrOptions, callers_level
from ._columns import SHARED_CONSTRAINTS, ColumnEncoder, best_run, check_steps
from .layouts import csr_of_ones

#: Probability of a collision from which there is a warning; buckets of the range of the training data with "auto";
#: buckets that `inverse_transform` tries at the most, and buckets and scores that it holds at a time.
LIKELY, AUTO_BUCKETS, MOST_BUCKETS, BUCKETS, SCORES = 1e-3, 100, 2**22, 2**16, 2**22

HALF_RANGE = np.finfo(np.float64).max / 2


class RandomDistributedScalarEncoder(ColumnEncoder):
    r"""Code each number as bits that hashes scatter: near numbers share them, and no bounds need be known.

    A value x is in bucket ``i = floor((x - origin) / resolution)``, which has ones at the w places
    h(i), ..., h(i + w - 1). Every (2 w)-th bit is of one class, and h(k) is a bit of class k mod 2 w, by a 64-bit hash
    of k. So a code has exactly w ones, and codes of buckets at distance d share

        w - d                                            for d <= w, exactly,
        |w - d mod 2 w| * 2 w / n, expected,             for d > w,

    the latter w^2 / n in the mean over d, the overlap of random codes.

    Parameters
    ----------
    n_bits : int, default=512
        Bits n of a column, at least 2 `n_active`.
    n_active : int, default=16
        Ones w of a code.
    resolution : "auto", float or array-like of shape (n_features,), default="auto"
        Width of a bucket, of all columns or of each: values nearer than that may have one code, values `n_active` of
        them apart share nothing but what random codes share. "auto" is a hundredth of the range of the training data.
    handle_missing : {"error", "ignore"}, default="error"
        Whether NaN is an error, or has no ones.
    sparse_output : bool, default=False
        Whether codes are a CSR array.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the hashes.

    Attributes
    ----------
    resolution_ : ndarray of shape (n_features,)
    origin_ : ndarray of shape (n_features,)
        Where bucket 0 begins: at 0, and with ``resolution="auto"`` at the least value of the training data.
    collision_probability_ : float
        Chance that two values more than `n_active` buckets apart share half of their ones or more.
    code_shape_ : tuple
        ``(n_features, n_bits)``.
    dictionary_ : None
    n_iter_ : int
        1.
    history_ : structured ndarray of shape (0,)
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, values more than 2**44 buckets from the origin, infinity, and NaN unless it is
        ignored.

    Warns
    -----
    UserWarning
        If `collision_probability_` is more than 0.001.

    Notes
    -----
    O(w) a value, and nothing is kept of values that were seen, so that codes depend on the parameters, the seed and the
    resolution alone. Codes of different buckets differ for certain, unless their distance is a multiple of 2 w; then
    they are equal with probability ``(2 w / n)^w``, 5e-20 by default. Where all n bits are open to each hash, as is
    usual, a code may have less than w ones, and those of neighbours are equal with probability 1 / n and more.

    `inverse_transform` scores all buckets between the least and the largest value of the training data: O(B w^2 / n)
    for B of them.

    References
    ----------
    S. Purdy, "Encoding data for HTM systems", arXiv:1602.05925 (2016). The hash is SplitMix64: G. L. Steele,
    D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.sdr import RandomDistributedScalarEncoder
    >>> encoder = RandomDistributedScalarEncoder(resolution=0.5, random_state=0).fit([[0.0], [50.0]])
    >>> codes = encoder.transform([[3.0], [3.4], [4.0], [7.0], [1000.0]]).astype(int)
    >>> (codes @ codes[0]).tolist()
    [16, 16, 14, 8, 0]
    >>> encoder.inverse_transform(codes[:4]).ravel().tolist()
    [3.25, 3.25, 4.25, 7.25]
    >>> encoder.expected_overlap([0, 2, 8, 1000]).tolist()
    [16.0, 14.0, 8.0, 0.5]
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_bits": [Interval(Integral, 2, 2**31 - 1, closed="both")],
        "n_active": [Interval(Integral, 1, None, closed="left")],
        "resolution": [Interval(Real, 0, None, closed="neither"), "array-like", StrOptions({"auto"})],
        **SHARED_CONSTRAINTS,
        "random_state": ["random_state", np.random.Generator],
    }

    _scalars = ("code_shape_", "_n_active")
    _arrays = ("resolution_", "origin_", "_seeds", "_range")

    def __init__(
        self,
        n_bits=512,
        n_active=16,
        *,
        resolution="auto",
        handle_missing="error",
        sparse_output=False,
        random_state=None,
    ):
        self.n_bits = n_bits
        self.n_active = n_active
        self.resolution = resolution
        self.handle_missing = handle_missing
        self.sparse_output = sparse_output
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are: binary, and invertible up to half a bucket."""
        return super().capabilities()._replace(invertible=True)

    @property
    def collision_probability_(self):
        """Chance that far values share half of their ones or more."""
        return collision_probability(self.code_shape_[1], self._n_active)

    def expected_overlap(self, distance):
        """Return how many ones codes share whose buckets are at a distance, in the mean over seeds.

        Parameters
        ----------
        distance : array-like of int
            Between buckets; its sign does not matter.

        Returns
        -------
        ndarray
        """
        check_is_fitted(self)
        w, d = self._n_active, np.abs(np.asarray(distance))
        sizes = class_sizes(self.code_shape_[1], w)
        return np.where(d <= w, w - d, np.abs(w - d % (2 * w)) * np.mean(1 / sizes))

    def inverse_transform(self, X):
        """Return the values that codes stand for: the middle of the bucket that shares most ones with each.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features * n_bits)
            Codes, maybe with errors; other numbers than 0 and 1 weigh.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Within the range of the training data; NaN where a code has no ones.

        Raises
        ------
        ValueError
            If that range has more than 2**22 buckets.
        """
        codes, n_bits = self._check_codes(X), self.code_shape_[1]
        values = np.empty((codes.shape[0], self.code_shape_[0]))
        for feature, (first, last) in enumerate(self._range.tolist()):
            if last - first >= MOST_BUCKETS:
                raise ValueError(
                    f"the training data have {last - first + 1} buckets in column {feature}, too many to try for "
                    "`inverse_transform`; raise `resolution`."
                )
            best, bucket = self._best_buckets(codes[:, feature * n_bits : (feature + 1) * n_bits], feature, first, last)
            half = self.origin_[feature] / 2 + (bucket / 2 + 0.25) * self.resolution_[feature]
            middle = 2 * np.clip(half, -HALF_RANGE, HALF_RANGE)
            values[:, feature] = np.where(best > 0, middle, np.nan)
        return values

    def _best_buckets(self, codes, feature, first, last):
        """Return the largest score of each code among the buckets of a column, and the middle bucket with it."""
        best, begin, end = np.zeros(codes.shape[0]), *(np.full(codes.shape[0], first) for _ in range(2))
        for start in range(first, last + 1, BUCKETS):
            buckets = np.arange(start, min(start + BUCKETS, last + 1))
            ones = self._places(buckets[:, None], slice(feature, feature + 1))[:, 0]
            table = csr_of_ones(np.full(len(ones), self._n_active), ones.ravel(), codes.shape[1]).T.astype(np.float64)
            step = max(1, SCORES // max(len(ones), codes.shape[1]))
            for i in range(0, len(best), step):
                here = slice(i, i + step)
                score, one, other = best_run(as_dense(codes[here]).astype(np.float64) @ table)
                goes_on = (score == best[here]) & (one == 0) & (end[here] == start - 1)
                better = score > best[here]
                begin[here] = np.where(better, start + one, begin[here])
                end[here] = np.where(better | goes_on, start + other, end[here])
                best[here] = np.where(better, score, best[here])
        return best, (begin + end) // 2

    def _learn(self, X):
        n_features = X.shape[1]
        if self.n_bits < 2 * self.n_active:
            raise ValueError(
                f"`n_bits`={self.n_bits} must be at least 2 * `n_active`={2 * self.n_active}; values are told apart by "
                "some 32 * `n_active`."
            )
        low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
        low, high = np.nan_to_num(low), np.nan_to_num(high)  # of columns without any value
        self.origin_ = np.zeros(n_features)
        if isinstance(self.resolution, str):
            width = high / AUTO_BUCKETS - low / AUTO_BUCKETS
            self.origin_, self.resolution_ = low, np.where(width > 0, width, 1.0)
        else:
            self.resolution_ = as_widths(self.resolution, n_features)
        self._n_active, self.code_shape_ = int(self.n_active), (n_features, int(self.n_bits))
        self._seeds = as_generator(self.random_state).integers(0, 2**64, size=n_features, dtype=np.uint64)
        self._range = self._buckets(np.stack([low, high])).T.copy()
        self._warn_of_collisions()

    def _warn_of_collisions(self):
        chance = self.collision_probability_
        if chance > LIKELY:
            warnings.warn(
                f"codes of far values collide: with n_bits={self.n_bits} and n_active={self.n_active} they share half "
                f"of their ones with probability {chance:.2g}. Raise `n_bits`, or `n_active` and `n_bits` both.",
                stacklevel=callers_level(),
            )

    def _ones(self, X):
        there = ~np.isnan(X)
        buckets = self._buckets(np.where(there, X, self.origin_))
        n_features, n_bits = self.code_shape_
        columns = np.arange(n_features, dtype=np.int64)[:, None] * n_bits
        return self._places(buckets, slice(None)) + columns, there

    def _buckets(self, X):
        """Return the bucket of each value."""
        origin, width = self.origin_, self.resolution_
        with np.errstate(over="ignore"):
            distance = X - origin
            steps = np.where(np.isfinite(distance), distance / width, X / width - origin / width)
            check_steps(X, steps, "times its `resolution` away from the origin")
        return np.floor(steps).astype(np.int64)

    def _places(self, buckets, features):
        """Return the places of the ones of buckets (n, features), among the bits of a column: one more axis."""
        w = self._n_active
        k = buckets[..., None] + np.arange(w)
        part = k % (2 * w)
        hashes = splitmix64(k.astype(np.uint64), self._seeds[features, None])
        sizes = class_sizes(self.code_shape_[1], w)[part].astype(np.uint64)
        within = ((hashes >> np.uint64(32)) * sizes) >> np.uint64(32)
        return part + 2 * w * within.astype(np.int64)


def splitmix64(k, seed):
    """Return 64 bits that look random, for each integer and each seed (uint64)."""
    z = seed + (k + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def class_sizes(n_bits, n_active):
    """Return how many bits are in each of the ``2 * n_active`` classes: every ``2 * n_active``-th."""
    return (n_bits - 1 - np.arange(2 * n_active)) // (2 * n_active) + 1


def collision_probability(n_bits, n_active):
    """Return the chance that codes of far values share half of their ones, or more.

    At distance d they have ``|n_active - d mod 2 n_active|`` classes of bits in common, and the same bit in each with
    probability one over the size of the class, which is one of two.
    """
    w, half, sizes = n_active, -(-n_active // 2), class_sizes(n_bits, n_active)
    large = np.concatenate([[0], np.cumsum(np.tile(sizes > sizes[-1], 2))])  # large classes so far, twice around
    total = 0.0
    for shared in range(half, w + 1):
        starts = np.arange(2 * w)
        n_large, pairs = np.unique(large[starts + shared] - large[starts], return_counts=True)
        n_small = shared - n_large
        hits = np.arange(shared + 1)
        one = binom.pmf(hits, n_large[:, None], 1 / (sizes[-1] + 1))
        rest = binom.sf(half - 1 - hits, n_small[:, None], 1 / sizes[-1])
        distances = 1 if shared == w else 2  # w - shared and w + shared, of 2 w
        total += distances * float(pairs @ (one * rest).sum(axis=1))
    return total / (2 * w) ** 2


def as_widths(resolution, n_features):
    """Return the widths of the buckets of each column."""
    widths = np.asarray(resolution, dtype=np.float64)
    if widths.shape not in ((), (n_features,)):
        raise ValueError(f"`resolution` must be a number, or {n_features} of them, got shape {widths.shape}.")
    if not (np.isfinite(widths) & (widths > 0)).all():
        raise ValueError(f"`resolution` must be finite and > 0, got {resolution!r:.100}.")
    return np.broadcast_to(widths, n_features).copy()
