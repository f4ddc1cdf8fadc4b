"""Learning loop of `SparseCoder`: encode a batch, update the atoms."""

import math
import time

import numpy as np

from .._core.history import EpochRecord
from .._core.progress import progress_bar
from ..learning.online import update
from ..solvers._rows import NON_FINITE
from ._encode import check_finite, count_unconverged

#: Epochs without progress before learning stops; the objective of one epoch is a noisy figure when an
#: epoch has few batches.
WAIT = 3

#: Change of the weight, as a logarithm, within which the objectives of two epochs are compared.
SAME_WEIGHT = 0.05


def learn(state, X, penalty, settings, *, target=None, first=0, epochs, tol, batch_size, rng=None, verbose=0):
    """Run epochs over the rows of X, changing `state`; return the penalty and one record an epoch.

    Parameters
    ----------
    state : OnlineState
    X : ndarray of shape (n_samples, n_features)
    penalty : Penalty
    settings : CoderSettings
    target : Target or None
        Moves the weight of the penalty from batch to batch.
    first : int
        Number of the first epoch.
    epochs : int
        Largest number of passes.
    tol : float
        Stop when `WAIT` epochs have lowered the mean objective by no more than this share; 0 runs all epochs.
    batch_size : int
    rng : numpy.random.Generator or None
        Shuffles the rows of each epoch; None keeps their order.
    verbose : int
    """
    records = []
    n = len(X)
    starts = range(0, n, batch_size)
    with progress_bar(len(starts), verbose=verbose) as bar:
        for epoch in range(first, first + epochs):
            bar.reset()
            bar.set_description(f"learning, epoch {epoch + 1}", refresh=False)
            order = np.arange(n) if rng is None else rng.permutation(n)
            batches = (X[order[start : start + batch_size]] for start in starts)
            penalty, record = _run_epoch(state, epoch, batches, penalty, settings, target, bar)
            records.append(record)
            if tol > 0 and has_settled(records, tol):
                break
    return penalty, records


def has_settled(records, tol):
    """Tell whether the last `WAIT` epochs have lowered the best objective by no more than the share `tol`.

    Only the latest epochs with about the same weight of the penalty count: a target moves it, and the objective
    with it.
    """
    objectives, weight = [], records[-1].alpha
    for record in reversed(records):
        if abs(math.log(record.alpha / weight)) > SAME_WEIGHT:  # not for NaN, where there is no weight
            break
        objectives.insert(0, record.objective)
    if len(objectives) <= WAIT:
        return False
    best = min(objectives[:-WAIT])
    return best - min(objectives[-WAIT:]) <= tol * abs(best)


def _run_epoch(state, epoch, batches, penalty, settings, target, bar):
    started = time.perf_counter()
    n = data_term = cost = nonzero = stopped = stalled = replaced = 0
    violation = 0.0
    used = np.zeros(len(state.D), bool)
    for batch in batches:
        result = settings.solve(batch, state.D, penalty, state.gains)
        check_finite(result.status != NON_FINITE, batch.dtype)
        codes = result.codes.toarray()
        replaced += update(state, batch, codes, result.square_error)
        n += len(batch)
        data_term += 0.5 * result.square_error.sum()
        cost += result.penalty.sum()
        nonzero += result.codes.nnz
        used |= (codes != 0).any(axis=0)
        unconverged = count_unconverged(result)
        stopped += unconverged[0]
        stalled += unconverged[1]
        violation = max(violation, result.certificate.max())
        if target is not None:
            penalty = target.follow(penalty, result, batch)
        bar.update()
        bar.set_postfix(
            objective=f"{(data_term + cost) / n:.4g}", sparsity=f"{nonzero / (n * len(state.D)):.3f}", refresh=False
        )
    record = EpochRecord(
        epoch=epoch,
        objective=(data_term + cost) / n,
        data_term=data_term / n,
        penalty=cost / n,
        violation=violation,
        sparsity=nonzero / (n * len(state.D)),
        alpha=getattr(penalty, "alpha", math.nan),
        stopped=stopped,
        stalled=stalled,
        dead=np.count_nonzero(~used),
        replaced=replaced,
        seconds=time.perf_counter() - started,
    )
    return penalty, record
