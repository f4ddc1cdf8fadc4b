"""Initial atoms."""

import numpy as np

from ..dictionary.algebra import unit_rows


def initial_atoms(X, n_components, init, rng, *, positive=False):
    """Return unit-norm atoms of shape (n_components, n_features) with the dtype of X, to be changed freely.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    n_components : int
    init : {"random", "data"} or ndarray of shape (n_components, n_features)
        Gaussian directions; distinct rows of X (completed by Gaussian directions where X has too few
        that are not zero); or atoms of the caller, which are copied.
    rng : numpy.random.Generator
    positive : bool, default=False
        Whether atoms are non-negative: magnitudes of Gaussian directions, positive parts of rows.
    """
    if isinstance(init, str):
        atoms = rng.standard_normal((n_components, X.shape[1])).astype(X.dtype)
        if positive:
            np.abs(atoms, out=atoms)
        if init == "data":
            usable = np.flatnonzero((X > 0).any(axis=1) if positive else X.any(axis=1))
            rows = rng.permutation(usable)[:n_components]
            atoms[: len(rows)] = np.maximum(X[rows], 0) if positive else X[rows]
    else:
        atoms = np.array(init, dtype=X.dtype, order="C")
    return unit_rows(atoms)[0]
