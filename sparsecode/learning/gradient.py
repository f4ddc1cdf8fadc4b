r"""Gradient learning of the atoms, as Olshausen and Field, and sparse Hebbian learning.

After batch t of n samples X with codes W, with ``A = W^T W`` and ``B = W^T X``,

    h = W^T (X - W D) / (n v) = (B - A D) / (n v),    h_j <- h_j - <h_j, d_j> d_j,    d_j <- d_j + eta_t h_j,
    eta_t = eta / sqrt(1 + (t - 1) / 10),

and atoms are divided by their norms. h_j is a sum over samples of the activity of atom j times the residual, which is
Hebb's rule for a unit that sees what the others leave unexplained; its part along the atom would only change the norm.
v is the mean square of a coefficient, over atoms, samples and batches (a moving average), so that `eta` has no unit:
with ``eta = 1`` an atom of mean activity would take a whole step towards the least-squares fit of the batch. Atoms that
are used less learn more slowly, and idle ones not at all: nothing replaces them. Homeostasis has to keep them in use.

Steps that fall let atoms settle; a step that is too long keeps them trembling. O(K^2 F) a batch.

B. A. Olshausen and D. J. Field, Nature 381 (1996); L. U. Perrinet, "Role of homeostasis in learning sparse
representations", Neural Comput. 22 (2010).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .atoms import products_with
from .state import LearningState

LEARNING_RATE = 0.3

#: Batches after which the step has fallen by the root of two.
SETTLING = 10

#: Share of a batch in the mean square of coefficients, once there were as many batches as it stands for.
RATE = 0.01


@dataclass
class GradientState(LearningState):
    """Atoms, and the mean square of their coefficients."""

    NUMBERS: ClassVar = (*LearningState.NUMBERS, "rate", "energy")

    rate: float = LEARNING_RATE
    energy: float = 0.0

    def update(self, statistics):
        """Take in the `Statistics` of one batch, coded with the atoms of the state; return 0: none is replaced."""
        D, A, B = self.D, statistics.A, statistics.B
        self.n_steps += 1
        energy = float(np.diagonal(A).mean(dtype=np.float64)) / statistics.totals.n
        self.energy += max(RATE, 1.0 / self.n_steps) * (energy - self.energy)
        if self.energy > 0:
            step = B - products_with(A, D)
            step -= np.einsum("kf,kf->k", step, D)[:, None] * D
            rate = self.rate / math.sqrt(1.0 + (self.n_steps - 1) / SETTLING)
            step *= D.dtype.type(rate / (statistics.totals.n * self.energy))
            step += D
            if self.positive:
                np.maximum(step, 0, out=step)
            norms = np.linalg.norm(step, axis=1)
            moved = norms > 0
            D[moved] = step[moved] / norms[moved, None]
        self.balance(statistics)
        return 0
