"""What all rules of learning share: the state that the next update goes on from."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from .homeostasis import Homeostasis


@dataclass
class LearningState:
    """Atoms and what a rule remembers; `update` takes in the `Statistics` of samples coded with these atoms.

    A rule adds fields: arrays, which are changed in place, with their shapes in `ARRAYS` (K atoms of F features), and
    numbers, with their names in `NUMBERS`. So it is copied, saved and restored.
    """

    ARRAYS: ClassVar = {}
    NUMBERS: ClassVar = ("n_steps", "n_replaced", "positive", "n_relaxed", "relaxed_epochs")

    D: np.ndarray  # (n_components, n_features), unit-norm rows
    homeostasis: Homeostasis | None = None
    positive: bool = False  # whether atoms are kept non-negative
    n_steps: int = 0
    n_replaced: int = 0
    n_relaxed: int = 0  # samples that are still to be coded with l1 in the place of the penalty
    relaxed_epochs: int = 0  # epochs of the fit, the first ones, in which some were

    @classmethod
    def start(cls, D, homeostasis=None, *, positive=False, **numbers):
        """Return the state before the first batch, for unit-norm atoms D that become the state's own."""
        shapes = cls.shapes(D)
        arrays = {name: np.zeros(shape, np.int64 if name == "unused" else D.dtype) for name, shape in shapes.items()}
        return cls(D, homeostasis, bool(positive), **arrays, **numbers)

    @classmethod
    def shapes(cls, D):
        """Return the shapes of the rule's own arrays for atoms D."""
        sizes = dict(zip("KF", D.shape, strict=True))
        return {name: tuple(sizes[letter] for letter in shape) for name, shape in cls.ARRAYS.items()}

    def copy(self):
        """Return a state that can go on without changing this one."""
        arrays = {name: getattr(self, name).copy() for name in ("D", *self.ARRAYS)}
        return replace(self, homeostasis=self.homeostasis and self.homeostasis.copy(), **arrays)

    @property
    def gains(self):
        """What weights the atoms for the next batch, None if nothing does."""
        return self.homeostasis and self.homeostasis.selection

    def update(self, statistics):
        """Take in the `Statistics` of one batch, coded with the atoms of the state; return how many were replaced."""
        raise NotImplementedError  # abstract: the rule of learning

    def balance(self, statistics):
        """Let homeostasis take in a batch."""
        if self.homeostasis:
            totals = statistics.totals
            squares = np.diagonal(statistics.A)
            self.homeostasis.update(totals.n, totals.weight, totals.counts, squares, statistics.histogram)

    def replace_atoms(self, idle, fresh):
        """Give as many idle atoms new directions as there are; return which."""
        idle = idle[: len(fresh)]
        self.D[idle] = fresh[: len(idle)]
        if self.homeostasis:
            self.homeostasis.forget(idle)
        self.n_replaced += len(idle)
        return idle
