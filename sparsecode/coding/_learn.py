"""Learning loop of `SparseCoder`: code a batch, or several blocks, then update the atoms."""

import math
import time
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .._core.history import EpochRecord
from .._core.progress import progress_bar
from .._core.samples import center
from ..learning.state import LearningState
from ..learning.statistics import Totals, gather, merge, merge_totals
from ..penalties import Penalty
from ..solvers._rows import NON_FINITE, Atoms
from ..solvers.matching_pursuit import Equaliser
from ._encode import CoderSettings, check_finite
from ._relaxation import relax
from ._sparsity import Amounts

#: Epochs without progress before learning stops; the objective of one epoch is a noisy figure when an
#: epoch has few batches.
WAIT = 3

#: Change of the weight, as a logarithm, within which the objectives of two epochs are compared.
SAME_WEIGHT = 0.05


class Preparation(NamedTuple):
    """What is done to rows before they are coded."""

    exponent: int  # learning sees the data times 2**-exponent
    constant: bool  # whether a constant atom codes the mean
    dtype: np.dtype

    def __call__(self, rows):
        """Return the rows as learning sees them."""
        if self.exponent:
            rows = np.ldexp(rows, -self.exponent)
        return (center(rows) if self.constant else rows).astype(self.dtype, copy=False)


class Work(NamedTuple):
    """What it takes to code a block: the same for all blocks between two updates of the atoms."""

    D: np.ndarray | Atoms
    gains: np.ndarray | Equaliser | None
    penalty: Penalty
    settings: CoderSettings
    prepare: Preparation
    measured: bool  # whether the amounts of a target are wanted


def code_block(work, rows):
    """Return `Statistics` of a block of checked rows, and its `Amounts`, if they are wanted."""
    return code_with(work, rows)[0]


def code_with(work, rows, init=None, weights=None):
    """Return what `code_block` does of rows that may have weights, and the codes, for codes to start from."""
    rows = work.prepare(rows)
    result = work.settings.solve(rows, work.D, work.penalty, work.gains, init)
    check_finite(result.status != NON_FINITE, rows.dtype)
    amounts = Amounts.of(rows, result.codes, result.square_error, weights) if work.measured else None
    half = getattr(work.gains, "half", None)
    return (gather(rows, result, weights=weights, half=half), amounts), result.codes


def merge_coded(first, second):
    """Return what `code_block` would say of two blocks together."""
    return merge(first[0], second[0]), first[1] and first[1].merge(second[1])


@dataclass
class Progress:
    """How far learning has come; together with the data and the settings it decides all that follows."""

    state: LearningState
    penalty: Penalty  # its weight moves, if there is a target
    n_before: int = 0  # epochs of earlier calls
    records: list = field(default_factory=list)
    done: int = 0  # blocks of the present epoch that have been taken in
    totals: Totals | None = None  # of these blocks
    replaced: int = 0
    seconds: float = 0.0
    n_rows: int = 0  # samples of the last epoch

    @property
    def comparable(self):
        """Records of the epochs that knew the penalty alone: those of l1 in its place have another objective."""
        return self.records[max(0, self.state.relaxed_epochs - self.n_before) :]


def learn(progress, source, settings, prepare, *, target=None, epochs, tol, verbose=0, after_update=None):
    """Run epochs over the blocks of a source, changing `progress`.

    Parameters
    ----------
    progress : Progress
    source : Batches, Blocks or StreamBlocks
    settings : CoderSettings
    prepare : Preparation
    target : Target or None
        Moves the weight of the penalty from update to update.
    epochs : int
        Largest number of passes.
    tol : float
        Stop when `WAIT` epochs have lowered the mean objective by no more than this share, not
        counting those that began with l1; 0 runs all epochs.
    verbose : int
    after_update : callable or None
        Called after each update.
    """
    with progress_bar(source.n_blocks, verbose=verbose, unit="block") as bar:
        while True:
            bar.reset()
            bar.update(progress.done)
            _run_epoch(progress, source, settings, prepare, target, bar, after_update)
            if len(progress.records) == epochs or (tol > 0 and has_settled(progress.comparable, tol)):
                break


def has_settled(records, tol):
    """Tell whether the last `WAIT` epochs have lowered the best objective by no more than the share `tol`.

    Only the latest epochs with about the same weight of the penalty count: a target moves it, and the objective
    with it.
    """
    if len(records) <= WAIT:
        return False
    objectives, weight = [], records[-1].alpha
    for record in reversed(records):
        if abs(math.log(record.alpha / weight)) > SAME_WEIGHT:  # not for NaN, where there is no weight
            break
        objectives.insert(0, record.objective)
    if len(objectives) <= WAIT:
        return False
    best = min(objectives[:-WAIT])
    return best - min(objectives[-WAIT:]) <= tol * abs(best)


def _run_epoch(progress, source, settings, prepare, target, bar, after_update):
    epoch, state = progress.n_before + len(progress.records), progress.state
    bar.set_description(f"learning, epoch {epoch + 1}", refresh=False)
    started = time.perf_counter() - progress.seconds
    totals = progress.totals or Totals.none(len(state.D))
    for numbers in source.rounds(epoch, progress.done):
        coding = progress.penalty, settings
        if state.n_relaxed:
            coding = relax(*coding, len(state.D))
            state.relaxed_epochs = epoch + 1
        work = Work(state.D, state.gains, *coding, prepare, target is not None)
        statistics, amounts = source.coded(work, numbers)
        progress.replaced += state.update(statistics)
        progress.totals = totals = merge_totals(totals, statistics.totals)
        if target is not None:
            progress.penalty = target.follow(progress.penalty, amounts, len(state.D))
        progress.done += len(numbers)
        progress.seconds = time.perf_counter() - started
        bar.update(len(numbers))
        objective = (0.5 * totals.square_error + totals.penalty) / totals.weight
        sparsity = totals.counts.mean() / totals.weight
        bar.set_postfix(objective=f"{objective:.4g}", sparsity=f"{sparsity:.3f}", refresh=False)
        if after_update is not None:
            after_update()
    progress.records.append(
        make_record(epoch, totals, progress.penalty, progress.replaced, time.perf_counter() - started)
    )
    progress.done, progress.totals, progress.replaced, progress.seconds, progress.n_rows = 0, None, 0, 0.0, totals.n


def make_record(epoch, totals, penalty, replaced, seconds, *, n_coefficients=None):
    """Return the record of an epoch with these totals, of codes of so many coefficients (None: one for each atom)."""
    n, n_coefficients = totals.weight, n_coefficients or len(totals.counts)
    return EpochRecord(
        epoch=epoch,
        objective=(0.5 * totals.square_error + totals.penalty) / n,
        data_term=0.5 * totals.square_error / n,
        penalty=totals.penalty / n,
        violation=totals.violation,
        sparsity=float(totals.counts.sum() / (n * n_coefficients)),
        alpha=getattr(penalty, "alpha", math.nan),
        stopped=totals.stopped,
        stalled=totals.stalled,
        dead=int(np.count_nonzero(totals.counts == 0)),
        replaced=replaced,
        seconds=seconds,
    )
