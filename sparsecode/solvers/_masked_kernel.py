"""Gram matrices of atoms as a row sees them, of whose features only some are known; rows are computed when needed."""

from typing import NamedTuple

import numpy as np

from ._gram_kernels import correlate


class KnownGram(NamedTuple):
    """``G_jk = scale_j scale_k (<d_j, d_k> over the known features of a row) - mean_j mean_k``, for `descend_rows`.

    Arrays of shape (n_rows, K) are prepared for the rows of a chunk; the others are work arrays of one thread, the last
    two those that `descend_rows` takes too.
    """

    mask: np.ndarray  # (n_rows, F)
    scale: np.ndarray  # (n_rows, K)
    mean: np.ndarray  # (n_rows, K); zero unless atoms are centred
    norms: np.ndarray  # (n_rows, K): the diagonal
    D: np.ndarray
    transposed: np.ndarray  # (F, K)
    zeros: np.ndarray  # (K,)
    G: np.ndarray
    entered: np.ndarray  # (K,): which rows of G are those of this row
    known: np.ndarray  # (F,): the known features
    place: np.ndarray  # (2,): the row, and the number of its known features
    weight: np.ndarray  # (F,)
    steps: np.ndarray  # (K,)
    inverse_norms: np.ndarray  # (K,)

    def begin(self, i, w):
        """Begin with row i: set the diagonal and its reciprocals, and let the atoms of its code enter."""
        n_known = np.int64(0)
        for f in range(self.mask.shape[1]):
            self.known[n_known] = f
            n_known += self.mask[i, f]
        self.place[0] = i
        self.place[1] = n_known
        for j in range(w.shape[0]):
            norm = self.norms[i, j]
            self.G[j, j] = norm
            self.entered[j] = 0
            self.steps[j] = 1 / norm if norm > 0 else 0.0
            self.inverse_norms[j] = 1 / np.sqrt(norm) if norm > 0 else 0.0
        for j in range(w.shape[0]):
            if w[j] != 0:
                self.enter(j)

    def enter(self, j):
        """Compute row j of G, unless it is there."""
        if self.entered[j] != 0:
            return
        i, n_known = self.place[0], self.place[1]
        scale, mean = self.scale[i, j], self.mean[i, j]
        for a in range(n_known):
            self.weight[a] = -scale * self.D[j, self.known[a]]
        correlate(self.transposed, self.zeros, self.known, self.weight, n_known, self.G[j])
        for k in range(self.zeros.shape[0]):
            self.G[j, k] = self.scale[i, k] * self.G[j, k] - mean * self.mean[i, k]
        self.G[j, j] = self.norms[i, j]
        self.entered[j] = 1
