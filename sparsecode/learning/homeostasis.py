r"""Homeostasis: what lets atoms enter codes more or less easily while a dictionary is learned.

Without it a few atoms take most of the code and the others stay noise. Atom j of gain gamma_j enters a code at
1 / gamma_j of the correlation that its penalty asks for. With moving averages over batches of the frequency p_j of
atom j in codes and of the variance v_j of its coefficients,

* "hap" (activation probability):  gamma_j = log(p_j) / log(mean p);
* "emp" (a gate):  atom j waits, ``gamma_j = CLOSED``, while p_j > 1.05 mean p, and has gain 1 otherwise;
* "ols" (variance, as Olshausen and Field):  gamma_j <- gamma_j (v_j / mean v)^-0.02 after each batch, divided by the
  geometric mean of all gains. v_j is the mean square, since coefficients have no mean of their own to leave out;
* "heh" (histogram equalisation) has no gains: of the atoms whose correlation pays, matching pursuit takes that with
  the largest z_j(a) for its correlation a (over the norm of the atom), where z_j is a moving average of the
  distribution function of the magnitudes of coefficient j, zeros included. In equilibrium all atoms are as likely to be
  taken, with coefficients that are distributed alike.

The averages weigh the first 100 batches alike and decay by 0.01 a batch from then on; for "hap" an atom that was never
used counts as used by half a sample of those. "hap" evens out how often atoms are used, "ols" how strongly, and often
at the cost of frequencies that differ more. Perrinet's rules have the probability of an even use of all atoms where
these have the mean, which is the same for a fixed number of coefficients and needs no such number. Gains of "hap" and
"ols" are clipped to [1/2, 2]. The first batch gives "heh" the root mean square coefficient `half`; its functions start
as ``a / (a + half)``, which counts as one batch, and are kept at 129 equal distances of that. Between them they are
linear, from 0 at 0 on, so that an atom that is never used is not taken for next to nothing. All act in learning only;
codes of a learned dictionary have unit gains.

L. U. Perrinet, "An adaptive homeostatic algorithm for the unsupervised learning of visual features", Vision 3(3)
(2019); B. A. Olshausen and D. J. Field, Vision Res. 37 (1997).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from ..solvers.matching_pursuit import Equaliser
from .statistics import BINS

#: Share of a batch in the moving averages.
RATE = 0.01
LIMITS = (0.5, 2.0)
OLS_EXPONENT = -0.02

#: Share of the mean use from which on a gate closes, and the gain of an atom that waits.
EMP_SHARE, CLOSED = 1.05, 1e-6

RULES = ("emp", "hap", "heh", "ols")


@dataclass
class Homeostasis:
    """Moving averages and gains of the atoms; arrays are replaced, not changed."""

    rule: str
    usage: np.ndarray  # average frequency or variance of each atom
    gains: np.ndarray
    n_seen: int = 0
    half: float | None = None  # magnitude in the middle of the tables of "heh", known after the first batch
    tables: np.ndarray | None = None  # (n_components, BINS + 1)

    @classmethod
    def start(cls, rule, n_components):
        """Return the state before the first batch, with unit gains."""
        state = cls(rule, np.zeros(n_components), np.ones(n_components))
        if rule == "heh":
            state.tables = np.tile(np.linspace(0, 1, BINS + 1), (n_components, 1))
        return state

    def copy(self):
        """Return a state that can go on without changing this one."""
        return replace(self)

    @property
    def selection(self):
        """What solvers take as `gains`."""
        if self.tables is None:
            return self.gains
        return Equaliser(None if self.half is None else self.tables, self.half)

    def update(self, n_samples, weight, counts, squares, histogram=None):
        """Take in one batch.

        The sum of the weights of the samples, how many used each atom, the sums of squares of its coefficients, and for
        "heh" how many of these are in each bin; weighted, if samples have weights.
        """
        measure = (squares.astype(np.float64) if self.rule == "ols" else counts) / weight
        self.n_seen += 1
        # A plain mean until the window of the moving average is filled
        rate = max(RATE, 1.0 / self.n_seen)
        self.usage = self.usage + rate * (measure - self.usage)
        if self.rule == "heh":
            if self.half is not None:
                self._equalise(weight, counts, histogram)
            elif squares.any():
                self.half = math.sqrt(squares.sum(dtype=np.float64) / counts.sum())
        else:
            self._weigh(n_samples)

    def _weigh(self, n_samples):
        mean = self.usage.mean()
        if self.rule == "emp":
            self.gains = np.where(self.usage > EMP_SHARE * mean, CLOSED, 1.0)
            return
        if self.rule == "hap":
            if 0 < mean < 1:
                # An atom that was never used counts as used by less than one sample of those seen
                floor = 0.5 / (n_samples * min(self.n_seen, 1 / RATE))
                self.gains = np.log(np.clip(self.usage, floor, 1.0)) / np.log(mean)
        elif mean > 0:
            gains = self.gains * np.maximum(self.usage / mean, 1e-6) ** OLS_EXPONENT
            self.gains = gains / np.exp(np.log(gains).mean())  # or all of them would drift to the limit
        self.gains = np.clip(self.gains, *LIMITS)

    def _equalise(self, weight, counts, histogram):
        idle = weight - counts
        below = (idle[:, None] + np.cumsum(histogram, axis=1)) / weight
        rate = max(RATE, 1.0 / self.n_seen)
        tables = self.tables.copy()
        tables[:, 1:] += rate * (below - tables[:, 1:])
        self.tables = tables

    def forget(self, atoms):
        """Give replaced atoms the average usage and unit gain."""
        if len(atoms):
            self.usage, self.gains = self.usage.copy(), self.gains.copy()
            self.usage[atoms] = self.usage.mean()
            self.gains[atoms] = 1.0
            if self.tables is not None:
                self.tables = self.tables.copy()
                self.tables[atoms] = self.tables.mean(axis=0)
