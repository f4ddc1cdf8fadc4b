r"""Method of optimal directions: all atoms at once, by least squares for fixed codes of all samples.

    D <- (A + ridge I)^{-1} B,    A = sum_i w_i^T w_i,    B = sum_i w_i^T x_i,    d_j <- d_j / ||d_j||,

with a ridge of `RIDGE` times its own diagonal for each atom. Dividing an atom by its norm stands for multiplying its
coefficients by it, which leaves the error as it is: where only the support of a code has a price, the objective falls,
but for the change of supports in the next epoch. Where the size of a coefficient has one, as with l1, atoms that grow
make codes cheaper, the norm takes that back, and no objective need fall.

After an update atoms that no sample used, and of two that are nearly equal the one used less, become the residuals of
the samples that were reconstructed worst, as in K-SVD. O(K^3 + K^2 F) an epoch beside the codes.

K. Engan, S. O. Aase and J. H. Husoy, "Method of optimal directions for frame design", ICASSP (1999).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, eigh, solve

from .ksvd import idle_atoms
from .state import LearningState
from .statistics import unit_residuals

#: Ridge, as a share of the diagonal of A, by the dtype of the sums: above what rounding leaves of them.
RIDGE = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 1e-5}


@dataclass
class ModState(LearningState):
    """The atoms alone: an update takes the statistics of all samples."""

    def update(self, statistics):
        """Take in the `Statistics` of all samples, coded with the atoms of the state; return how many were replaced."""
        self.n_steps += 1
        counts = statistics.totals.counts
        used = np.flatnonzero(counts)
        if used.size:
            ridge = RIDGE[statistics.A.dtype]
            atoms = _least_squares(statistics.A[np.ix_(used, used)], statistics.B[used], ridge)
            norms = np.linalg.norm(atoms, axis=1)
            found = norms > 0
            self.D[used[found]] = atoms[found] / norms[found, None]
        idle = idle_atoms(self.D, counts)
        return len(self.replace_atoms(idle, unit_residuals(statistics.worst, self.D))) if idle.size else 0


def _least_squares(A, B, ridge):
    """Return ``(A + ridge diag(A))^{-1} B`` in float64, for sums that rounding may have left without a square root."""
    A, B = A.astype(np.float64), B.astype(np.float64)
    scale = 1 / np.sqrt(np.diagonal(A))[:, None]
    A *= scale * scale.T
    A[np.diag_indices_from(A)] += ridge
    try:
        return scale * solve(A, scale * B, assume_a="pos")
    except LinAlgError:
        values, vectors = eigh(A)
        return scale * (vectors @ ((vectors.T @ (scale * B)) / np.maximum(values, ridge)[:, None]))
