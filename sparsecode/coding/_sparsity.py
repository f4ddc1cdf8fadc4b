"""How sparse codes are to be: the penalty, its weight, and the search for a weight that meets a target."""

import math

import numpy as np

from .._core.validation import binary_exponent
from ..penalties import L1, PENALTIES, KSparse, Penalty, WeightedL1

#: Correlation at which atoms enter, as a share of the largest one, that no choice of the weight stands for.
DEFAULT_ENTRY = 0.2

#: Rows on which a weight that meets a target is searched for, at the most.
ROWS = 10_000

#: Relative error of the active fraction, and error of the signal-to-noise ratio in dB, at which a search ends.
SPARSITY_ERROR, SNR_ERROR = 0.005, 0.02

#: How far the weight moves, as a power of the error of one batch.
FOLLOW = 0.2


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
    return penalty.replace(**changes)


def resolve_alpha(penalty, X, atoms, alpha_scale):
    """Return the penalty with its absolute weight, for training rows X and atoms (None: to be learned)."""
    if isinstance(penalty, KSparse) or (penalty.alpha is not None and alpha_scale == "absolute"):
        return penalty
    exponent = binary_exponent(X)
    scaled = np.ldexp(X, -exponent)
    if atoms is None:  # the bound of alpha_max over atoms of unit norm
        bound = L1(positive=penalty.positive) if isinstance(penalty, WeightedL1) else penalty
        correlations, norms = np.linalg.norm(scaled, axis=1)[:, None], 1.0
    else:
        bound, correlations, norms = penalty, scaled @ atoms.T, np.square(atoms, dtype=np.float64).sum(axis=1)
    if penalty.alpha is None:
        alpha_max, fraction = bound.alpha_max(DEFAULT_ENTRY * correlations, norms), 1.0
    else:
        alpha_max, fraction = bound.alpha_max(correlations, norms), penalty.alpha
    alpha_max = alpha_max[alpha_max > 0]
    if not alpha_max.size:
        raise ValueError(
            "`alpha` cannot be a fraction of alpha_max, which is zero for all rows of X; give a number, "
            'with alpha_scale="absolute".'
        )
    return rescale(penalty.replace(alpha=fraction * float(np.median(alpha_max))), exponent)


def rescale(penalty, exponent, dtype=None):
    """Return the penalty for data that are multiplied by ``2**exponent``, within the range of `dtype` if given."""
    if exponent == 0:
        return penalty
    if not isinstance(penalty, L1 | WeightedL1):
        try:
            return penalty.scaled(math.ldexp(1.0, exponent))
        except (OverflowError, ValueError) as error:
            raise ValueError(
                f"X is of extreme magnitude, about 2**{abs(exponent)}, to which {penalty!r} cannot be scaled; scale X."
            ) from error
    # Their weights may be beyond the range of the penalty's own checks on either side
    try:
        alpha = math.ldexp(penalty.alpha, exponent)
    except OverflowError:
        alpha = math.inf
    if dtype is not None:
        limits = np.finfo(dtype)
        alpha = min(max(alpha, 1e3 * float(limits.tiny)), 1e-3 * float(limits.max))
    return penalty.replace(alpha=alpha)


class Target:
    """A sparsity, or a signal-to-noise ratio, that the weight of a penalty shall bring about."""

    def __init__(self, *, sparsity=None, snr=None):
        self.sparsity = sparsity
        self.snr = snr

    def error(self, result, X):
        """Return the logarithm by which codes are too dense: of their number, or of the amplitude of the signal."""
        if self.sparsity is not None:
            return math.log(max(np.count_nonzero(result.codes), 0.5) / (self.sparsity * result.codes.size))
        return math.log(10) / 20 * (signal_to_noise(result, X) - self.snr)

    @property
    def tolerance(self):
        """Largest error at which a search ends."""
        return SPARSITY_ERROR if self.sparsity is not None else math.log(10) / 20 * SNR_ERROR

    def follow(self, penalty, result, X):
        """Return the penalty with its weight moved a little against the error of one batch."""
        change = FOLLOW * penalty.degree * min(max(self.error(result, X), -1.0), 1.0)
        return penalty.replace(alpha=penalty.alpha * math.exp(change))

    def search(self, penalty, alpha_max, encode):
        """Return the penalty with the weight that meets the target, by interpolation of its logarithm.

        Parameters
        ----------
        penalty : Penalty
        alpha_max : float
            A weight at which codes are too sparse.
        encode : callable
            Of a penalty; returns the rows X and their SolveResult.
        """
        if not alpha_max > 0:
            raise ValueError(f"`{self}` cannot be met: all rows of X are zero, or orthogonal to all atoms.")
        top = math.log(alpha_max)
        dense, sparse = None, (top, -1.0)  # logarithms of weights with their errors, above and below zero
        place, stride = top - 2.0 * penalty.degree, 0.5 * penalty.degree
        for _ in range(60):
            alpha = math.exp(place)
            X, result = encode(penalty.replace(alpha=alpha))
            error = self.error(result, X)
            if abs(error) <= self.tolerance:
                break
            if error > 0:
                dense = (place, error)
            else:
                sparse = (place, error)
            if dense is None:
                place, stride = place - stride, 2 * stride
                if place < top - 35:
                    raise ValueError(f"`{self}` cannot be met: the densest codes reach {self.reached(result, X)} only.")
            elif sparse[0] - dense[0] < 1e-9:
                break
            else:
                share = dense[1] / (dense[1] - sparse[1])
                # Near an end of the bracket the interpolation may creep
                place = dense[0] + min(max(share, 0.1), 0.9) * (sparse[0] - dense[0])
        return penalty.replace(alpha=alpha)

    def reached(self, result, X):
        """Return what codes have of what the target is about, in words."""
        if self.sparsity is not None:
            return f"{np.count_nonzero(result.codes) / result.codes.size:.3g}"
        return f"{signal_to_noise(result, X):.3g} dB"

    def __str__(self):
        return f"target_sparsity={self.sparsity:g}" if self.sparsity is not None else f"target_snr={self.snr:g}"


def signal_to_noise(result, X):
    """Return the pooled signal-to-noise ratio of codes in decibels."""
    signal = np.square(X, dtype=np.float64).sum()
    noise = max(float(result.square_error.sum()), 1e-30 * signal)
    return 10 * math.log10(signal / noise) if signal > 0 else math.inf
