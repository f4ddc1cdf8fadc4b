"""How sparse codes are to be: the penalty, its weight, and the search for a weight that meets a target."""

import copy
import math
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches

from .._core.products import correlations
from .._core.validation import binary_exponent, callers_level
from ..penalties import L1, PENALTIES, ElasticNet, KSparse, Penalty, WeightedL1
from ..solvers._scales import rescale
from ._search import find_zero

#: Correlation at which atoms enter, as a share of the largest one, that no choice of the weight stands for.
DEFAULT_ENTRY = 0.2

#: Rows on which a weight that meets a target is searched for, at the most; also rows that are looked at together.
ROWS = 10_000

#: Relative error of the active fraction, and error of the signal-to-noise ratio in dB, at which a search ends.
SPARSITY_ERROR, SNR_ERROR = 0.005, 0.02

#: Error that is worth a warning where codes jump over the target.
MISSED = 0.05

#: How far the weight moves, as a power of the error of one batch.
FOLLOW = 0.2

NO_WEIGHT = (
    "The weight of the penalty cannot be taken from X: all its rows are zero, or orthogonal to all atoms. "
    'Give other rows, or a number for `alpha` with alpha_scale="absolute".'
)

#: Logarithm of the largest weight over the least one that is tried, for penalties of degree 1.
SPAN = 16.0


def make_penalty(penalty, *, alpha, n_nonzero_coefs, target_sparsity, target_snr, positive):
    """Return the penalty that the parameters of a coder stand for; its alpha is None where that is still to be found.

    Raises
    ------
    ValueError
        If the sparsity is chosen in two ways.
    """
    chosen = {"alpha": alpha, "n_nonzero_coefs": n_nonzero_coefs, "target_sparsity": target_sparsity,
              "target_snr": target_snr}  # fmt: skip
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if isinstance(penalty, KSparse):
        chosen["penalty=KSparse(...)"] = penalty.n_nonzero_coefs
    elif isinstance(penalty, Penalty) and penalty.alpha is not None:
        chosen["the alpha of `penalty`"] = penalty.alpha
    if len(chosen) > 1:
        raise ValueError(f"{' and '.join(chosen)} both say how sparse codes shall be; give one of them.")
    if n_nonzero_coefs is not None:
        if penalty not in (None, "k-sparse"):
            raise ValueError(f"`n_nonzero_coefs` goes with penalty='k-sparse' (or None), not with {penalty!r}.")
        return KSparse(int(n_nonzero_coefs), positive=positive)
    if penalty == "k-sparse":
        raise ValueError("penalty='k-sparse' needs `n_nonzero_coefs`.")
    if not isinstance(penalty, Penalty):
        penalty = PENALTIES["l1" if penalty is None else penalty]()
    changes = {"positive": bool(penalty.positive or positive)}
    if alpha is not None:
        changes["alpha"] = float(alpha)
    return copy.deepcopy(penalty).replace(**changes)  # arrays among the parameters stay the user's own


def resolve_alpha(penalty, X, atoms, alpha_scale, weights=None):
    """Return the penalty with its absolute weight, for training rows X and atoms (their number: to be learned).

    Rows may have weights.
    """
    if isinstance(penalty, KSparse) or (penalty.alpha is not None and alpha_scale == "absolute"):
        return penalty
    exponent = binary_exponent(X)
    learned = isinstance(atoms, int)
    norms = None if learned else np.square(atoms, dtype=np.float64).sum(axis=1)

    def alpha_max(penalty, share=1.0):
        largest = []
        for rows in gen_batches(len(X), ROWS):  # products of all rows, or their squares, may not fit in memory
            scaled = np.ldexp(X[rows], -exponent)
            if learned:  # the bound over atoms of unit norm
                largest.append(alpha_bound(penalty, share * np.linalg.norm(scaled, axis=1), atoms))
            else:
                largest.append(penalty.alpha_max(share * correlations(scaled, atoms), norms))
        return typical(np.concatenate(largest), weights)

    return rescale(take_weight(penalty, alpha_max), exponent)


def take_weight(penalty, alpha_max, entry=DEFAULT_ENTRY):
    """Return the penalty with its alpha as a fraction of ``alpha_max(penalty)``; by default atoms enter at `entry`.

    ``alpha_max(penalty, share)`` is that of data of which a share is left.
    """
    if isinstance(penalty, ElasticNet):
        penalty = penalty.for_correlations_of(alpha_max(L1(positive=penalty.positive)))
    weight = alpha_max(penalty, entry) if penalty.alpha is None else penalty.alpha * alpha_max(penalty)
    return penalty.replace(alpha=weight)


def alpha_bound(penalty, lengths, n_components):
    """Return the largest alpha_max that samples of some lengths can have with atoms of unit norm."""
    if isinstance(penalty, WeightedL1):
        return L1().alpha_max(lengths[:, None]) / penalty.check_weights(n_components).min()
    return penalty.alpha_max(lengths[:, None])


def typical(values, weights=None):
    """Return the median of the values that are not zero, in which one of weight 2 counts twice."""
    usable = values > 0
    if not usable.any():
        raise ValueError(NO_WEIGHT)
    if weights is None:
        return float(np.median(values[usable]))
    values, weights = values[usable], weights[usable]
    order = np.argsort(values, kind="stable")
    up_to = np.cumsum(weights[order])
    # The first value at which half of the weight is reached, and the first at which it is exceeded, up to rounding
    middle = np.searchsorted(up_to, 0.5 * up_to[-1] * np.array([1 - 1e-12, 1 + 1e-12]))
    return float(values[order[middle]].mean())


class OutOfReachError(ValueError):
    """No weight of the penalty meets a target."""


class Amounts(NamedTuple):
    """What a target needs to know of samples and their codes."""

    nonzero: float  # these two are numbers of coefficients, and all sums are weighted, if samples have weights
    size: float
    n_entries: int  # the same without weights
    signal: float  # sum ||x||^2
    noise: float  # sum ||x - w D||^2
    longest: float  # max ||x||

    @classmethod
    def of(cls, X, codes, square_error, weights=None):
        """Return the amounts of rows, their codes (CSR, without stored zeros) and their errors."""
        longest = float(np.linalg.norm(X, axis=1).max())
        if weights is None:
            signal, noise = np.square(X, dtype=np.float64).sum(), square_error.sum()
            size = math.prod(codes.shape)
            return cls(codes.nnz, size, size, float(signal), float(noise), longest)
        signal = weights @ np.square(X, dtype=np.float64).sum(axis=1)
        nonzero, size = weights @ np.diff(codes.indptr), weights.sum() * codes.shape[1]
        noise = weights @ square_error
        return cls(float(nonzero), float(size), math.prod(codes.shape), float(signal), float(noise), longest)

    def merge(self, other):
        """Return the amounts of these samples and others together."""
        sums = (a + b for a, b in zip(self, other, strict=True))
        return Amounts(*sums)._replace(longest=max(self.longest, other.longest))


class Target:
    """A sparsity, or a signal-to-noise ratio, that the weight of a penalty shall bring about."""

    def __init__(self, *, sparsity=None, snr=None):
        self.sparsity = sparsity
        self.snr = snr

    def error(self, amounts):
        """Return the logarithm by which codes are too dense: of their number, or of the amplitude of the signal."""
        if self.sparsity is not None:
            unit = amounts.size / amounts.n_entries  # of the weights
            return math.log(max(amounts.nonzero, 0.5 * unit) / (self.sparsity * amounts.size))
        return math.log(10) / 20 * (signal_to_noise(amounts) - self.snr)

    def error_beyond_tolerance(self, amounts):
        """Return the error, or 0 if it is one at which a search ends."""
        if self.sparsity is None:
            tolerance = math.log(10) / 20 * SNR_ERROR
        else:
            nearest = math.log1p(0.5 / (self.sparsity * amounts.n_entries))  # of whole numbers
            tolerance = max(SPARSITY_ERROR, nearest)
        error = self.error(amounts)
        return error if abs(error) > tolerance else 0.0

    def follow(self, penalty, amounts, n_components):
        """Return the penalty with its weight moved a little against the error of one batch.

        Raises
        ------
        OutOfReachError
            If codes are too sparse at the least weight.
        """
        change = FOLLOW * penalty.degree * min(max(self.error(amounts), -1.0), 1.0)
        alpha = penalty.alpha * math.exp(change)
        if change < 0:
            highest = alpha_bound(penalty, np.array([amounts.longest]), n_components).max()
            if alpha < highest * math.exp(-SPAN * penalty.degree):
                raise self._out_of_reach(amounts)
        return penalty.replace(alpha=alpha)

    def search(self, penalty, alpha_max, encode):
        """Return the penalty with the weight that meets the target, by interpolation of its logarithm.

        Parameters
        ----------
        penalty : Penalty
        alpha_max : float
            A weight at which codes are too sparse.
        encode : callable
            Of a penalty; returns the Amounts of the rows and their codes.
        """
        if not alpha_max > 0:
            raise ValueError(NO_WEIGHT)
        top = math.log(alpha_max)
        tried = {}

        def error_at(place):
            amounts = tried[place] = encode(penalty.replace(alpha=math.exp(place)))
            return self.error_beyond_tolerance(amounts)

        place, stride = top - 2.0 * penalty.degree, 0.5 * penalty.degree
        least = top - SPAN * penalty.degree
        place, nearest = find_zero(error_at, place, stride, least=least, below=(top, -1.0))
        if place is None:
            raise self._out_of_reach(list(tried.values())[-1])
        found = penalty.replace(alpha=math.exp(place))
        if nearest > MISSED:
            warnings.warn(
                f"`{self}` is met up to {self.reached(tried[place])} only: codes jump at alpha={found.alpha:.6g}.",
                ConvergenceWarning,
                stacklevel=callers_level(),
            )
        return found

    def _out_of_reach(self, amounts):
        return OutOfReachError(f"`{self}` cannot be met: the densest codes reach {self.reached(amounts)} only.")

    def reached(self, amounts):
        """Return what codes have of what the target is about, in words."""
        if self.sparsity is not None:
            return f"{amounts.nonzero / amounts.size:.3g}"
        return f"{signal_to_noise(amounts):.3g} dB"

    def __str__(self):
        return f"target_sparsity={self.sparsity:g}" if self.sparsity is not None else f"target_snr={self.snr:g}"


def signal_to_noise(amounts):
    """Return the pooled signal-to-noise ratio of codes in decibels."""
    noise = max(amounts.noise, 1e-30 * amounts.signal)
    return 10 * math.log10(amounts.signal / noise) if amounts.signal > 0 else math.inf
