r"""Homeostasis: gains that let atoms enter codes more or less easily while a dictionary is learned.

Without it a few atoms take most of the code and the others stay noise. Atom j of gain gamma_j enters a code at
1 / gamma_j of the correlation that its penalty asks for. With moving averages over batches of the frequency p_j of
atom j in codes and of the variance v_j of its coefficients,

* "hap" (activation probability):  gamma_j = log(p_j) / log(mean p);
* "ols" (variance, as Olshausen and Field):  gamma_j <- gamma_j (v_j / mean v)^-0.02 after each batch, divided by the
  geometric mean of all gains. v_j is the mean square, since coefficients have no mean of their own to leave out.

The averages weigh the first 100 batches alike and decay by 0.01 a batch from then on; an atom that was never used
counts as used by half a sample of those. "hap" evens out how often atoms are used, "ols" how strongly, and often at
the cost of frequencies that differ more. Perrinet's rule has the probability of an even use of all atoms where "hap"
has their mean, which is the same for a fixed number of coefficients and needs no such number. Gains are clipped to
[1/2, 2]. They act in learning only; codes of a learned dictionary have unit gains.

L. U. Perrinet, "An adaptive homeostatic algorithm for the unsupervised learning of visual features", Vision 3(3)
(2019); B. A. Olshausen and D. J. Field, Vision Res. 37 (1997).
"""

from dataclasses import dataclass, replace

import numpy as np

#: Share of a batch in the moving averages.
RATE = 0.01
LIMITS = (0.5, 2.0)
OLS_EXPONENT = -0.02

RULES = ("hap", "ols")


@dataclass
class Homeostasis:
    """Moving averages and gains of the atoms; arrays are replaced, not changed."""

    rule: str
    usage: np.ndarray  # average frequency or variance of each atom
    gains: np.ndarray
    n_seen: int = 0

    @classmethod
    def start(cls, rule, n_components):
        """Return the state before the first batch, with unit gains."""
        return cls(rule, np.zeros(n_components), np.ones(n_components))

    def copy(self):
        """Return a state that can go on without changing this one."""
        return replace(self)

    def update(self, n_samples, counts, squares):
        """Take in one batch: how many samples used each atom, and the sums of squares of its coefficients."""
        measure = (counts if self.rule == "hap" else squares.astype(np.float64)) / n_samples
        self.n_seen += 1
        # A plain mean until the window of the moving average is filled
        rate = max(RATE, 1.0 / self.n_seen)
        self.usage = self.usage + rate * (measure - self.usage)
        mean = self.usage.mean()
        if self.rule == "hap":
            if 0 < mean < 1:
                # An atom that was never used counts as used by less than one sample of those seen
                floor = 0.5 / (n_samples * min(self.n_seen, 1 / RATE))
                self.gains = np.log(np.clip(self.usage, floor, 1.0)) / np.log(mean)
        elif mean > 0:
            gains = self.gains * np.maximum(self.usage / mean, 1e-6) ** OLS_EXPONENT
            self.gains = gains / np.exp(np.log(gains).mean())  # or all of them would drift to the limit
        self.gains = np.clip(self.gains, *LIMITS)

    def forget(self, atoms):
        """Give replaced atoms the average usage and unit gain."""
        if len(atoms):
            self.usage, self.gains = self.usage.copy(), self.gains.copy()
            self.usage[atoms] = self.usage.mean()
            self.gains[atoms] = 1.0
