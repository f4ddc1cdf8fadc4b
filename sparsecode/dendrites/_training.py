"""Epochs of learning of a network with active dendrites: mean cross-entropy, lowered by Adam."""

import time

import numpy as np
from scipy.special import log_softmax

from .._core.history import NetworkRecord
from ._network import backward, forward


def take_step(network, adam, X, numbers, contexts, which):
    """Change a network in place by a batch; return the sum of the losses before, and a `Trace` of each layer."""
    scores, outputs, traces = forward(network, X, contexts, which)
    logarithms, rows = log_softmax(scores, axis=1), np.arange(len(X))
    by_score = np.exp(logarithms)
    by_score[rows, numbers] -= 1
    by_score /= by_score.dtype.type(len(X))
    adam.step(network.arrays(), backward(network, traces, outputs, by_score, contexts, which))
    return -logarithms[rows, numbers].sum(dtype=np.float64), traces


def run_epoch(network, adam, X, numbers, contexts, which, *, epoch, batch_size, rng, bar):
    """Change a network in place by all rows, in a random order; return the record of the epoch.

    Parameters
    ----------
    network : Network
    adam : Adam
    X : ndarray of shape (n_rows, n_features)
    numbers : ndarray of int, shape (n_rows,)
        Classes.
    contexts : ndarray of shape (n_contexts, n_context_features)
    which : ndarray of int, shape (n_rows,)
        The context of each row.
    epoch, batch_size : int
    rng : numpy.random.Generator
    bar : tqdm.tqdm
    """
    started, loss, n_active = time.perf_counter(), 0.0, 0
    used = [np.zeros(len(layer.intercepts), bool) for layer in network.layers]
    order = rng.permutation(len(X))
    for start in range(0, len(X), batch_size):
        rows = order[start : start + batch_size]
        seen, of_rows = (np.unique(which[rows], return_inverse=True)) if len(contexts) > 1 else ([0], which[rows])
        with np.errstate(over="ignore", invalid="ignore"):  # told after the epoch
            of_batch, traces = take_step(network, adam, X[rows], numbers[rows], contexts[seen], of_rows)
        loss += of_batch
        for trace, layer_used in zip(traces, used, strict=True):
            n_active += np.count_nonzero(trace.active)
            layer_used |= trace.active.any(axis=0)
        bar.update()
        bar.set_postfix(loss=f"{of_batch / len(rows):.4g}", refresh=False)
    if not np.isfinite(loss) or not all(np.isfinite(square).all() for square in adam.squares):
        raise ValueError(
            f"the loss or its derivatives are not finite in epoch {epoch}: lower `learning_rate_init`, or scale X and "
            "`context`, whose entries differ by too many orders of magnitude among themselves or from those before."
        )
    n_units = sum(len(layer_used) for layer_used in used)
    return NetworkRecord(
        epoch=epoch,
        objective=float(loss / len(X)),
        sparsity=n_active / (len(X) * n_units),
        dead=n_units - sum(int(np.count_nonzero(layer_used)) for layer_used in used),
        seconds=time.perf_counter() - started,
    )
