"""Whitened natural patches, and atoms learned from them, in four sizes."""

import functools

import numpy as np

from sparsecode import PatchExtractor, SparseCoder, Whitener
from sparsecode.datasets import natural_images
from sparsecode.penalties import L1
from sparsecode.solvers import solve

#: Pixels of a side of a patch, atoms, rows to code, rows and epochs to learn from.
SIZES = {
    (64, 128): (8, 20_000, 40_000, 3),
    (144, 288): (12, 20_000, 40_000, 3),
    (256, 1024): (16, 4000, 20_000, 2),
    (1024, 4096): (32, 400, 8000, 1),
}


@functools.cache
def patches(n_features):
    """Return rows to code and rows to learn from, centred, float64."""
    side, n_coded, n_learned, _ = next(size for (F, _), size in SIZES.items() if n_features == F)
    images = Whitener().fit_transform(natural_images())
    X = PatchExtractor(side, n_patches=n_coded + n_learned, center=True, random_state=0).fit_transform(images)
    return X[:n_coded], X[n_coded:]


@functools.cache
def problem(n_features, n_components):
    """Return rows to code and unit atoms learned with l1 and homeostasis, float64."""
    X, rest = patches(n_features)
    epochs = SIZES[n_features, n_components][-1]
    # In float32, for the time that 4096 atoms take
    learner = SparseCoder(n_components, alpha=0.5, max_iter=epochs, tol=0, encode_tol=1e-4, random_state=0, n_jobs=-1)
    D = learner.fit(rest.astype(np.float32)).components_.astype(np.float64)
    return X, D / np.linalg.norm(D, axis=1, keepdims=True)


def weight_for(X, D, active):
    """Return the weight of l1 with which a share `active` of the coefficients is not zero, by bisection."""
    X = X[:200]
    low, high = 0.0, np.abs(X @ D.T).max()
    for _ in range(20):
        alpha = 0.5 * (low + high)
        if (solve(X, D, L1(alpha), tol=1e-4, n_jobs=-1).codes != 0).mean() > active:
            low = alpha
        else:
            high = alpha
    return round(alpha, 6)


def evenly(X, D, alpha):
    """Return the rows in an order in which the first ones, however few, have as many active coefficients as all."""
    codes = solve(X, D, L1(alpha), tol=1e-4, n_jobs=-1, sparse_output=True).codes
    by_size = np.argsort(np.diff(codes.indptr), kind="stable")
    golden = np.arange(1, len(X) + 1) * (np.sqrt(5) - 1) / 2 % 1  # fills the interval evenly from the beginning
    return X[by_size[golden.argsort().argsort()]]
