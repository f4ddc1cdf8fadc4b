"""The neurons of an `LCA` circuit, and rows that are presented to them."""

import math
import warnings
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._core.parallel import run_chunks
from .._core.products import aligned_empty, kernel_array, row_products
from .._core.validation import callers_level
from ..dictionary.algebra import unit_rows
from ..solvers._rows import Atoms
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

    atoms: Atoms  # of unit norm; those that are zero stay so
    inverse_norms: np.ndarray  # of the atoms as they are, 1 for those that are zero
    levels: np.ndarray
    longest: float  # Euler step up to which soft thresholds settle monotonically

    @classmethod
    def of(cls, D, penalty, n_jobs=None):
        """Return the neurons of atoms D; levels of thresholds are those at which the penalty lets atoms in."""
        unit, norms = unit_rows(D.astype(np.float64))
        atoms = Atoms.prepare(unit.astype(D.dtype), n_jobs)
        levels = penalty.bind(norms**2, np.float64).entry
        norms[norms == 0] = 1
        return cls(atoms, (1 / norms).astype(D.dtype), (levels / norms).astype(D.dtype), longest_rate(atoms.D))


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
    """Write the codes of rows; with potentials u, which change, they are moments of a stream.

    Return by which factors thresholds of the rows were still raised at the end, if they cool.
    """
    dtype, K, carry = X.dtype, len(wiring.levels), u is not None
    heats = np.ones(len(X)) if pace.cooling < 1 else None

    def prepare():
        C = aligned_empty((CHUNK_ROWS, K), dtype)
        start = np.ones(1, dtype) if heat is None else heat
        return make_room(K, dtype), C, u if carry else aligned_empty(K, dtype), start

    def integrate_chunk(start, end, stop, room, C, u, heat):
        C = C[: end - start]
        row_products(kernel_array(X[start:end]), wiring.atoms.D, C)
        if heats is not None:
            drive = C if pace.threshold.positive else np.abs(C)
            first = 0.5 * (drive / wiring.levels).max(axis=1)
            heats[start:end] = np.maximum(first * float(pace.cooling) ** pace.n_steps, 1)
        state = carry, u, heat, room, stop
        integrate_rows(wiring.atoms.G, C, wiring.inverse_norms, *pace, *state, codes[start:end])

    run_chunks(integrate_chunk, len(X), n_jobs=1 if carry else n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
    return heats


def trace(wiring, pace, x, codes, potentials, *, u, heat):
    """Write the codes and the potentials of a sample after each step, from the second row on; u and heat change."""

    def step_on(start, end, stop):
        for t in range(start + 1, end + 1):
            if stop[0]:
                return
            integrate(wiring, pace._replace(n_steps=1), x, codes[t : t + 1], u=u, heat=heat)
            potentials[t] = u

    # All steps in one thread: going to another one costs more than a step
    run_chunks(step_on, len(codes) - 1, n_jobs=1)


def warn_of_heat(heats, pace):
    """Warn where thresholds had not come down to their levels when the presentation was over."""
    if pace.cooling == 1 or not heats.max() > 1:
        return
    hottest, rate = float(heats.max()), float(pace.rate)
    needed = rate * pace.n_steps - rate * math.log(hottest) / math.log(pace.cooling)
    warnings.warn(
        f"thresholds of {np.count_nonzero(heats > 1)} of {len(heats)} rows were still falling when `duration` was "
        f"over, at up to {hottest:.3g} times their end: codes are sparser than `alpha` says. Set `duration` to more "
        f"than {needed:.3g}, so that the circuit can settle too, or give a smaller `anneal`.",
        ConvergenceWarning,
        stacklevel=callers_level(),
    )
