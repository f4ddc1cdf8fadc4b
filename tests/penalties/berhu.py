"""A penalty as a user writes it, outside of the package: the magnitude up to 1, and (u^2 + 1) / 2 beyond."""

from typing import NamedTuple

import numpy as np

from sparsecode.penalties import Penalty, separable


@separable
class BoundBerhu(NamedTuple):
    entry: np.ndarray
    positive: bool

    def cost(self, m, j):
        one, half = type(m)(1), type(m)(0.5)
        return self.entry[j] * (m if m < one else half * (m * m + one))

    def shrink(self, m, step, j):
        zero, one = type(m)(0), type(m)(1)
        tau = step * self.entry[j]
        return max(m - tau, zero) if m < one + tau else m / (one + tau)


class Berhu(Penalty):
    convex = True

    def __init__(self, alpha=None, *, positive=False):
        self.alpha = alpha
        self.positive = positive

    def _bind(self, squared_norms, dtype, gains):
        return BoundBerhu((self.alpha / gains).astype(dtype), self.positive)

    def _alpha_max(self, C, squared_norms):
        return C
