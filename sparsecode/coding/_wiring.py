"""The neurons of an `LCA` circuit, and rows that are presented to them."""

from typing import NamedTuple

import numpy as np

from .._core.parallel import run_chunks
from .._core.products import aligned_empty, gram, kernel_array, row_products
from ..solvers.lca import longest_rate
from ._lca_kernels import Threshold, integrate_rows, make_room

#: Rows that a thread takes at a time.
CHUNK_ROWS = 64


class Potentials(NamedTuple):
    """State of the circuit between two moments of a stream."""

    potentials: np.ndarray  # of shape (n_components,)


class Trajectory(NamedTuple):
    """How a circuit settles on one sample; `LCA.trajectory` returns it.

    Attributes
    ----------
    time : ndarray of shape (n_steps + 1,)
        In time constants of the membrane.
    potentials : ndarray of shape (n_steps + 1, n_components)
        Membrane potentials, in units of the correlation of a sample with atoms of unit norm.
    codes : ndarray of shape (n_steps + 1, n_components)
        Coefficients of the atoms, the thresholds of the potentials.
    objective : ndarray of shape (n_steps + 1,)
        ``0.5 ||x - w D||^2 + pen(w)`` of the codes.
    """

    time: np.ndarray
    potentials: np.ndarray
    codes: np.ndarray
    objective: np.ndarray


class Wiring(NamedTuple):
    """The neurons of a circuit, for input of one dtype."""

    atoms: np.ndarray  # of unit norm; those that are zero stay so
    G: np.ndarray
    inverse_norms: np.ndarray
    levels: np.ndarray
    longest: float  # Euler step up to which soft thresholds settle monotonically

    @classmethod
    def of(cls, D, penalty, n_jobs=None):
        """Return the neurons of atoms D; levels of thresholds are those at which the penalty lets atoms in."""
        square_norms = np.square(D, dtype=np.float64).sum(axis=1)
        norms = np.sqrt(np.where(square_norms > 0, square_norms, 1.0))
        atoms = kernel_array((D / norms[:, None]).astype(D.dtype))
        levels = penalty.bind(square_norms, np.float64).entry / norms
        arrays = atoms, gram(atoms, n_jobs), (1 / norms).astype(D.dtype), levels.astype(D.dtype)
        return cls(*arrays, longest_rate(atoms))


class Pace(NamedTuple):
    """How neurons respond, and how time goes."""

    threshold: Threshold
    rate: np.floating
    n_steps: int
    cooling: np.floating


class Prepared(dict):
    """What is computed again when it is needed: copies and pickles start empty."""

    def __reduce__(self):
        return Prepared, ()


def integrate(wiring, pace, X, codes, *, u=None, heat=None, n_jobs=None):
    """Write the codes of rows; with potentials u, which change, they are moments of a stream."""
    dtype, K, carry = X.dtype, len(wiring.G), u is not None

    def prepare():
        C = aligned_empty((CHUNK_ROWS, K), dtype)
        start = np.ones(1, dtype) if heat is None else heat
        return make_room(K, dtype), C, u if carry else aligned_empty(K, dtype), start

    def integrate_chunk(start, end, stop, room, C, u, heat):
        C = C[: end - start]
        row_products(kernel_array(X[start:end]), wiring.atoms, C)
        state = carry, u, heat, room, stop
        integrate_rows(wiring.G, C, wiring.inverse_norms, *pace, *state, codes[start:end])

    run_chunks(integrate_chunk, len(X), n_jobs=1 if carry else n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
