"""Learning loop of `SparseCoder`: encode a batch, update the atoms."""

import time

import numpy as np

from .._core.history import EpochRecord
from .._core.progress import progress_bar
from ..learning.online import update
from ..solvers.active_set import solve_rows
from ._encode import check_finite, count_unconverged, relative_gap

#: Epochs without progress before learning stops; the objective of one epoch is a noisy figure when an
#: epoch has few batches.
WAIT = 3


def learn(state, X, penalty, settings, *, epochs, tol, batch_size, rng=None, verbose=0):
    """Run epochs over the rows of X, changing `state`; return one record an epoch.

    Parameters
    ----------
    state : OnlineState
    X : ndarray of shape (n_samples, n_features)
    penalty : L1
    settings : dict
        Of the coder: tol, max_iter, n_jobs.
    epochs : int
        Largest number of passes.
    tol : float
        Stop when `WAIT` epochs have lowered the mean objective by no more than this share.
    batch_size : int
    rng : numpy.random.Generator or None
        Shuffles the rows of each epoch; None keeps their order.
    verbose : int
    """
    records = []
    n = len(X)
    starts = range(0, n, batch_size)
    with progress_bar(len(starts), verbose=verbose) as bar:
        for epoch in range(epochs):
            bar.reset()
            bar.set_description(f"learning, epoch {epoch + 1}", refresh=False)
            order = np.arange(n) if rng is None else rng.permutation(n)
            batches = (X[order[start : start + batch_size]] for start in starts)
            records.append(_run_epoch(state, epoch, batches, penalty, settings, bar))
            if _has_settled([record.objective for record in records], tol):
                break
    return records


def _has_settled(objectives, tol):
    """Tell whether the last `WAIT` epochs have lowered the best objective by no more than the share `tol`."""
    if len(objectives) <= WAIT:
        return False
    best = min(objectives[:-WAIT])
    return best - min(objectives[-WAIT:]) <= tol * abs(best)


def _run_epoch(state, epoch, batches, penalty, settings, bar):
    started = time.perf_counter()
    n = data_term = cost = nonzero = stopped = stalled = replaced = 0
    violation = 0.0
    for batch in batches:
        result = solve_rows(batch, state.D, penalty, **settings)
        check_finite(result, batch)
        replaced += update(state, batch, result.codes, result.square_error)
        n += len(batch)
        data_term += 0.5 * result.square_error.sum()
        cost += penalty.alpha * np.abs(result.codes).sum(dtype=np.float64)
        nonzero += np.count_nonzero(result.codes)
        unconverged = count_unconverged(result)
        stopped += unconverged[0]
        stalled += unconverged[1]
        violation = max(violation, relative_gap(result, batch).max())
        bar.update()
        bar.set_postfix(
            objective=f"{(data_term + cost) / n:.4g}", sparsity=f"{nonzero / (n * len(state.D)):.3f}", refresh=False
        )
    return EpochRecord(
        epoch=epoch,
        objective=(data_term + cost) / n,
        data_term=data_term / n,
        penalty=cost / n,
        violation=violation,
        sparsity=nonzero / (n * len(state.D)),
        stopped=stopped,
        stalled=stalled,
        replaced=replaced,
        seconds=time.perf_counter() - started,
    )
