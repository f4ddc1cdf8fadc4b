"""Pursuit of chunks of rows: atoms are looked for in float32, and in float64 where that does not tell which is best."""

from typing import NamedTuple

import numpy as np

from .._core.products import PANEL, aligned_empty, panel_products, panels, row_products
from ._codes import CHUNK_ROWS
from ._pursuit_kernel import make_workspace, pursue_rows
from ._single_pursuit_kernel import UNSURE, pursue_single_rows, unit_rows
from ._single_pursuit_kernel import make_workspace as make_single_workspace


class SingleAtoms(NamedTuple):
    """Atoms of unit norm in float32."""

    panels: np.ndarray
    G: np.ndarray  # (n_components, n_padded)

    @classmethod
    def of(cls, atoms):
        """Return those of a dictionary, which keeps them."""
        if "single" not in atoms.kept:
            inverse = atoms.inverse_norms.astype(np.float64)
            D = (atoms.D * inverse[:, None]).astype(np.float32)
            parts = panels(D)
            G = aligned_empty((len(D), len(parts) * PANEL), np.float32)
            G[:, len(D) :] = 0
            np.multiply(atoms.G, inverse * inverse[:, None], out=G[:, : len(D)], casting="same_kind")
            atoms.kept["single"] = cls(parts, G)
        return atoms.kept["single"]


class Search:
    """Pursuit as `Problem.run` calls it."""

    def __init__(self, problem, gains, level, dependence, recursive, most, tol, max_iter):
        atoms, dtype = problem.atoms, problem.atoms.D.dtype
        self.atoms, self.single, self.most = atoms, SingleAtoms.of(atoms), most
        scale = np.zeros(self.single.G.shape[1], np.float32)
        largest = gains.max() or 1.0  # only ratios count, and squares are to be in the range of float32
        scale[: len(gains)] = (gains / largest) ** 2
        ends = (recursive, most, tol, max_iter)
        self.arguments = (scale, atoms.inverse_norms, level / largest, dependence, dtype == np.float64, *ends)
        if dtype == np.float64:
            self.gram = atoms.G, atoms.inverse_norms
        else:
            self.gram = self.single.G, np.ones_like(atoms.norms)  # which is in the cache already
        floors = np.where(atoms.norms > 0, dependence * atoms.norms, 1).astype(dtype)
        scale, level = (gains**2, level**2) if recursive else (gains * atoms.inverse_norms, level)
        self.exact_arguments = (scale.astype(dtype), atoms.inverse_norms, level, floors, atoms.norms, *ends)

    def make_work(self):
        """Allocate the work arrays of one thread."""
        K, dtype = len(self.atoms.D), self.atoms.D.dtype
        work = make_single_workspace(self.single.G.shape[1], self.most)
        return work, make_workspace(K, self.most, dtype) if dtype == np.float64 else None

    def make_products(self):
        """Return what gives rows, atoms and correlations in both precisions."""
        D, single = self.atoms.D, self.single
        unit = aligned_empty((CHUNK_ROWS, D.shape[1]), np.float32)
        C = aligned_empty((CHUNK_ROWS, single.G.shape[1]), np.float32)
        sums = aligned_empty((4, PANEL), np.float32)

        def products(X):
            square_norms, n = np.empty(len(X)), len(X)
            unit_rows(X, square_norms, unit[:n])
            panel_products(unit[:n], single.panels, sums, C[:n])
            return *self.gram, X, D, single.G, C[:n], square_norms

        return products

    def pursue(self, G, shorts, X, D, unit, C, square_norms, works, stop, W, *outputs):
        """Code the rows of a chunk."""
        work, exact_work = works
        pursue_single_rows(G, shorts, X, D, unit, C, square_norms, *self.arguments, work, stop, W, *outputs)
        rows = np.flatnonzero(outputs[-1] == UNSURE)
        if rows.size and not stop[0]:
            C, part = np.empty((rows.size, len(D)), D.dtype), np.zeros((rows.size, len(D)), W.dtype)
            row_products(X[rows], D, C)
            parts = [array[rows] for array in outputs]
            parts[2][:] = 0  # passes
            pursue_rows(G, C, square_norms[rows], *self.exact_arguments, exact_work, stop, part, *parts)
            W[rows] = part
            for whole, piece in zip(outputs, parts, strict=True):
                whole[rows] = piece
