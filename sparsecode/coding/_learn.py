"""Learning loop of `SparseCoder`: encode a batch, update the atoms."""

import math
import time

import numpy as np
from scipy.sparse import csr_array

from .._core.history import EpochRecord
from .._core.progress import progress_bar
from ..learning.online import update
from ..learning.statistics import Totals, gather, merge_totals
from ..solvers._rows import NON_FINITE
from ._encode import check_finite

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
    totals, replaced = Totals.none(len(state.D)), 0
    for batch in batches:
        result = settings.solve(batch, state.D, penalty, state.gains)
        check_finite(result.status != NON_FINITE, batch.dtype)
        statistics = gather(batch, csr_array(result.codes), result)
        replaced += update(state, statistics)
        totals = merge_totals(totals, statistics.totals)
        if target is not None:
            penalty = target.follow(penalty, result, batch)
        bar.update()
        objective = (0.5 * totals.square_error + totals.penalty) / totals.n
        bar.set_postfix(objective=f"{objective:.4g}", sparsity=f"{totals.counts.mean() / totals.n:.3f}", refresh=False)
    return penalty, make_record(epoch, totals, penalty, replaced, time.perf_counter() - started)


def make_record(epoch, totals, penalty, replaced, seconds):
    """Return the record of an epoch with these totals."""
    n = totals.n
    return EpochRecord(
        epoch=epoch,
        objective=(0.5 * totals.square_error + totals.penalty) / n,
        data_term=0.5 * totals.square_error / n,
        penalty=totals.penalty / n,
        violation=totals.violation,
        sparsity=float(totals.counts.mean() / n),
        alpha=getattr(penalty, "alpha", math.nan),
        stopped=totals.stopped,
        stalled=totals.stalled,
        dead=int(np.count_nonzero(totals.counts == 0)),
        replaced=replaced,
        seconds=seconds,
    )
