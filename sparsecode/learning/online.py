r"""Online dictionary learning from decayed sufficient statistics.

After batch t of n samples X with codes W,

    A <- beta_t A + W^T W / n,    B <- beta_t B + W^T X / n,
    beta_t = (1 - 1 / t)^rho,     rho = min(10, sqrt(n t / K)),

and one pass of block coordinate descent on the atoms (`update_atoms`) for these sums in place of those of all samples.
In the long run batch t weighs t^10 times as much as the first, so that codes of the first, random atoms are forgotten,
while the window that counts (the last tenth of the batches) grows and the atoms settle. It is sqrt(n t K) samples at
least, or the first windows would hold too few for so many atoms. An atom
that no sample used for `PATIENCE` times n_components samples is replaced by the residual of the batch's
worst-reconstructed sample.

J. Mairal, F. Bach, J. Ponce and G. Sapiro, "Online learning for matrix factorization and sparse coding",
J. Mach. Learn. Res. 11 (2010). An update costs O(K^2 F) and does not depend on the number of samples.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .atoms import update_atoms
from .state import LearningState
from .statistics import unit_residuals

#: Largest rho. After 6 epochs over 114 000 whitened patches (144 atoms, alpha 0.5) the objective on held-out
#: patches was 3.643 (rho = 2, 3 epochs), 3.615 (5), 3.607 (10), 3.604 (20).
FORGETTING = 10.0
PATIENCE = 10


@dataclass
class OnlineState(LearningState):
    """All that the next update reads."""

    ARRAYS: ClassVar = {"A": "KK", "B": "KF", "unused": "K"}

    A: np.ndarray = None
    B: np.ndarray = None
    unused: np.ndarray = None  # samples since each atom was last active

    def update(self, statistics):
        """Take in the `Statistics` of one batch, coded with the atoms of the state; return how many were replaced."""
        n = statistics.totals.n
        self.n_steps += 1
        self.n_relaxed = max(0, self.n_relaxed - n)
        dtype = self.D.dtype.type
        decay, share = dtype(decay_at(self.n_steps, n, len(self.D))), dtype(1.0 / n)
        for kept, new in ((self.A, statistics.A), (self.B, statistics.B)):
            kept *= decay
            kept += share * new
        update_atoms(self.D, self.A, self.B, positive=self.positive)
        self.unused += n
        self.unused[statistics.totals.counts > 0] = 0
        self.balance(statistics)
        return self._replace_dead_atoms(statistics)

    def _replace_dead_atoms(self, statistics):
        dead = np.flatnonzero(self.unused >= PATIENCE * len(self.D))
        if not dead.size:
            return 0
        dead = self.replace_atoms(dead, unit_residuals(statistics.worst, self.D, positive=self.positive))
        self.A[dead] = 0
        self.A[:, dead] = 0
        self.B[dead] = 0
        self.unused[dead] = 0
        return len(dead)


def decay_at(step, n_samples, n_components):
    """Return beta of a batch of samples, counted from 1."""
    return (1.0 - 1.0 / step) ** min(FORGETTING, math.sqrt(step * n_samples / n_components))
