"""Epochs of learning of a network with active dendrites: mean cross-entropy, lowered by Adam."""

import numpy as np
from scipy.special import log_softmax

from .._core.training import run_epoch
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


def learn_epoch(network, adam, X, numbers, contexts, which, *, epoch, batch_size, rng, bar):
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

    def step(rows):
        seen, of_rows = (np.unique(which[rows], return_inverse=True)) if len(contexts) > 1 else ([0], which[rows])
        loss, traces = take_step(network, adam, X[rows], numbers[rows], contexts[seen], of_rows)
        return loss, [trace.active for trace in traces]

    batches = np.split(rng.permutation(len(X)), range(batch_size, len(X), batch_size))
    widths = [len(layer.intercepts) for layer in network.layers]
    advice = (
        "scale X and `context`, whose entries differ by too many orders of magnitude among themselves or from those "
        "before"
    )
    return run_epoch(batches, step, adam, widths, epoch=epoch, bar=bar, advice=advice)
