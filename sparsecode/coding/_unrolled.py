r"""Iterations of ISTA as layers of a network, and their training.

Layer k, from codes w (zero before the first layer) of a sample x, with atoms D:

    r = x - w D,    z = w + r U,    w <- sign(z) max(|z| - theta_k, 0)        (max(z - theta_k, 0) if positive).

With ``U = step D^T`` and ``theta_k = step alpha`` it is an iteration of ISTA. Training lowers the squared error of
the codes of the last layer by Adam, with gradients that are written out by hand.
"""

import copy
import time
from dataclasses import dataclass

import numpy as np

from .._core.adam import Adam
from .._core.history import LayerRecord
from .._core.parallel import run_chunks
from .._core.products import aligned_copy, aligned_empty, kernel_array, row_products
from .._core.progress import progress_bar
from ..encoder import as_dense
from ..solvers._codes import CHUNK_ROWS


@dataclass
class Layers:
    """The network: atoms, the weights that all layers share, thresholds of layers and atoms."""

    D: np.ndarray  # (K, F)
    U: np.ndarray  # (F, K)
    theta: np.ndarray  # (n_layers, K)
    positive: bool

    @classmethod
    def of_ista(cls, D, entry, step, n_layers, *, positive):
        """Return the layers that are iterations of ISTA for thresholds `entry` times the step."""
        return cls(D, np.ascontiguousarray(step * D.T), np.repeat((step * entry)[None], n_layers, axis=0), positive)

    def astype(self, dtype):
        """Return the layers in a dtype."""
        return Layers(*(array.astype(dtype) for array in (self.D, self.U, self.theta)), self.positive)

    def shrink(self, Z, k):
        """Threshold the rows of Z in place."""
        if self.positive:
            Z -= self.theta[k]
            return np.maximum(Z, 0, out=Z)
        # Clipping is what the threshold takes away
        Z -= np.clip(Z, -self.theta[k], self.theta[k])
        return Z


def forward(layers, X):
    """Return the residuals that each layer starts from, and the codes that it gives."""
    residuals, codes, W = [], [], None
    for k in range(len(layers.theta)):
        R = X if W is None else X - W @ layers.D
        Z = R @ layers.U
        if W is not None:
            Z += W
        W = layers.shrink(Z, k)
        residuals.append(R)
        codes.append(W)
    return residuals, codes


def backward(layers, residuals, codes, by_code):
    """Return the derivatives by U and theta of a loss, for its derivatives by the codes of the last layer."""
    by_U, by_theta = np.zeros_like(layers.U), np.zeros_like(layers.theta)
    for k in reversed(range(len(codes))):
        by_z = by_code * (codes[k] != 0)
        by_theta[k] = -(by_z * np.sign(codes[k])).sum(axis=0)
        by_U += residuals[k].T @ by_z
        if k:
            by_code = by_z - (by_z @ layers.U.T) @ layers.D.T
    return by_U, by_theta


def run_layers(layers, X, n_jobs=None):
    """Return the codes of the last layer; the bits of a row depend on no other row, and on no number of threads."""
    K, F = layers.D.shape
    D, U = aligned_copy(layers.D.T), aligned_copy(layers.U.T)
    codes = np.empty((len(X), K), X.dtype)

    def prepare():
        return aligned_empty((CHUNK_ROWS, K), X.dtype), aligned_empty((CHUNK_ROWS, F), X.dtype)

    @np.errstate(over="ignore", invalid="ignore")  # here, since it is that of a thread; callers look at the codes
    def run_rows(start, end, stop, Z, R):
        rows, Z, R, W = kernel_array(X[start:end]), Z[: end - start], R[: end - start], codes[start:end]
        for k in range(len(layers.theta)):
            if k == 0:
                row_products(rows, U, W)
            else:
                row_products(W, D, R)
                np.subtract(rows, R, out=R)
                row_products(R, U, Z)
                W += Z
            layers.shrink(W, k)
            if stop[0]:
                return

    run_chunks(run_rows, len(X), n_jobs=n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
    return codes


def relative_error(layers, X, codes, n_jobs=None):
    """Return ``sum ||w - w*||^2 / sum ||w*||^2`` over rows, and the share of non-zero coefficients."""
    W, codes = run_layers(layers, X, n_jobs), as_dense(codes)
    total = np.square(codes, dtype=np.float64).sum()
    error = np.square(W - codes, dtype=np.float64).sum()
    return float(error / total if total > 0 else error), np.count_nonzero(W) / W.size


def train(layers, X, codes, held_out, *, epochs, batch_size, learning_rate, rng, n_jobs=None, verbose=0):
    """Return the layers with the least error on held-out rows, that error, the error before, and one record an epoch.

    Parameters
    ----------
    layers : Layers
        The first ones, which are among those to choose from.
    X : ndarray of shape (n_samples, n_features)
    codes : ndarray or csr_array of shape (n_samples, n_components)
        What the last layer shall give.
    held_out : pair of such arrays
    epochs : int
    batch_size : int
    learning_rate : float
        Step relative to the root mean square of the first weights; it falls along a half cosine.
    rng : numpy.random.Generator
    n_jobs : int or None
    verbose : int
    """
    best, before = layers, relative_error(layers, *held_out, n_jobs)[0]
    lowest, records = before, []
    size = float(codes.multiply(codes).sum()) / len(X) or 1.0
    layers = copy.deepcopy(layers)
    arrays = [layers.U, layers.theta]
    adam = Adam(arrays, [learning_rate * np.sqrt(np.square(array).mean()) for array in arrays])
    n_batches = -(-len(X) // batch_size)
    with progress_bar(epochs * n_batches, verbose=verbose) as bar:
        for epoch in range(epochs):
            started, total = time.perf_counter(), 0.0
            order = rng.permutation(len(X))
            for place in range(0, len(X), batch_size):
                rows = order[place : place + batch_size]
                residuals, outputs = forward(layers, X[rows])
                by_code = outputs[-1] - as_dense(codes[rows])
                total += 0.5 * np.square(by_code, dtype=np.float64).sum() / size
                by_code *= by_code.dtype.type(1 / (size * len(rows)))
                share = 0.5 * (1 + np.cos(np.pi * adam.t / (epochs * n_batches)))
                adam.step(arrays, backward(layers, residuals, outputs, by_code), share)
                np.maximum(layers.theta, 0, out=layers.theta)
                bar.update()
            error, sparsity = relative_error(layers, *held_out, n_jobs)
            if error < lowest:
                best, lowest = copy.deepcopy(layers), error
            bar.set_postfix(error=f"{error:.4g}", refresh=False)
            seconds = time.perf_counter() - started
            records.append(LayerRecord(epoch, total / len(X), error, sparsity, seconds))
    return best, lowest, before, records
