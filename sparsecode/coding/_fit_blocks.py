"""`SparseCoder.fit_blocks`: learning from data that do not fit in memory, and that goes on after a crash."""

import copy
from dataclasses import replace

from .._checkpoints import Checkpoint, CheckpointFolder, fingerprint
from .._core.history import as_rows, from_rows
from .._core.validation import Integral, fit_context, unchanged_on_failure
from ..learning.rules import WHOLE
from ..learning.statistics import Totals
from ..penalties._base import check_count
from ._blocks import BlockCheck, StreamBlocks, as_blocks, as_float_rows, errors_name
from ._fit import start_fit
from ._learn import Progress
from ._sparsity import ROWS

#: Parameters on which nothing that is learned depends.
FREE = ("n_jobs", "verbose", "sparse_output")


class BlockLearner:
    """Gives an estimator `fit_blocks`."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit_blocks(self, blocks, *, blocks_per_update=1, checkpoint=None):
        r"""Learn the atoms from blocks of rows, of which a few are in memory at a time.

        As `fit`, but for the order of samples: it goes through whole blocks, in an order that is drawn anew for each
        epoch, and takes the rows of a block together. Rows that lie side by side should therefore not resemble one
        another more than others do: shuffle them when they are written, or choose small blocks and a larger
        `blocks_per_update`.

        Parameters
        ----------
        blocks : array, Dask array, sequence of arrays or iterator of arrays
            * An array of shape (n_samples, n_features), such as a read-only ``np.memmap`` (or whatever can be sliced
              by rows and has `shape` and `dtype`): blocks of `batch_size` consecutive rows.
            * A Dask array that is chunked in rows only: each chunk is a block, which Dask's scheduler, or cluster,
              reads, codes and merges.
            * A sequence, such as a list of memory maps, or any object with ``__len__`` and ``__getitem__`` that reads
              a file: each item is a block of shape (n_rows, n_features).
            * An iterator of blocks: they are taken once, in their order, whatever `max_iter` says. With a penalty that
              is not convex l1 codes the first ``200 n_components`` samples, however few there are.

            A good block has some hundred to ten thousand rows. All must have one width and one dtype.
        blocks_per_update : int, default=1
            Blocks that are coded with the same atoms before these are updated with the sums of all: a larger batch,
            whose blocks may be coded at the same time by workers of Dask.
        checkpoint : Checkpoint or None, default=None
            Folder in which the state of the fit is saved. The same call, in this process or another one, goes on from
            there and ends with the same bits as a fit that was never interrupted (but for the seconds in `history_`);
            when the fit is complete, it returns at once. From an iterator, the blocks that were used are skipped.
            `random_state` must then be an int, or None, whose seed is drawn once and saved.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `blocks` are a table or something else that is not made of arrays.
        ValueError
            As `fit`; naming the block that is not finite, or of another width, of a dtype that would be rounded to
            that of the first, or many orders of magnitude larger; for a `dictionary`, with which nothing is left to
            learn, and a target with an iterator, whose rows cannot be seen again; for checkpoints of another fit, with
            what differs.
        FormatError
            If there are checkpoints, and none can be read. If only the newest ones cannot, the one before them is used
            with a warning.
        OSError
            If a checkpoint cannot be written; also before anything is learned.

        See Also
        --------
        sparsecode.Checkpoint, SparseCoder.partial_fit

        Notes
        -----
        Block 0 stands for all data where `fit` looks at all of them: for the weight of the penalty, if it comes from
        the data, ``init="data"``, the power of two of extreme magnitudes, and the dtype. A target is met at last on
        rows of blocks drawn at random, 10 000 of them at the most.

        With the statistics of a block, A (K, K) and B (K, F), an update is

            A <- beta_t A + sum_b A_b / n,    B <- beta_t B + sum_b B_b / n,    n = sum_b n_b,

        where the sums over the blocks of an update are taken by pairs of neighbours. So the same blocks give the same
        bits as array, memory map, sequence or Dask array, for any `n_jobs`, scheduler and number of workers; with
        ``blocks_per_update=P``, learning is that of one worker with P times larger batches.

        Memory: a block of n rows with its codes, n (F + K) numbers; statistics and state, K (K + F) numbers for each
        of 3 + log2(P) values (P values with Dask, P blocks from an iterator); K^2 for the solver. With K = 4096 and
        F = 1024 a value of K (K + F) numbers has 84 MB in float32. Nothing grows with the number of blocks.

        A fit that fails or is interrupted leaves the estimator as it was, and its checkpoints on disk.

        Examples
        --------
        >>> import numpy as np
        >>> from sparsecode import SparseCoder
        >>> X = np.random.default_rng(0).standard_normal((300, 16))
        >>> coder = SparseCoder(8, batch_size=100, max_iter=2, random_state=0)
        >>> atoms = coder.fit_blocks(X).components_
        >>> parts = [X[:100], X[100:200], X[200:]]  # each could be a file
        >>> bool((coder.fit_blocks(parts).components_ == atoms).all())
        True
        >>> coder.fit_blocks(part for part in parts).n_iter_
        1
        """
        per_update = check_count("blocks_per_update", blocks_per_update)
        self._refuse_for_blocks(checkpoint)
        with unchanged_on_failure(self):
            source = as_blocks(blocks, batch_size=self.batch_size, per_round=per_update, input_shape=self.input_shape)
            if isinstance(source, StreamBlocks) and (self.target_sparsity or self.target_snr):
                raise ValueError(
                    "a target cannot be met on the blocks of an iterator, which are seen once; give a sequence of "
                    "blocks, or `alpha` instead of `target_sparsity` and `target_snr`."
                )
            with errors_name(0):
                first = self._check_input(as_float_rows(source.read(0), self.input_shape), reset=True)
            session = Session(self, source, first, checkpoint, per_update)
            self._fit = session.run()
            self._fit.publish(self)
        return self

    def _refuse_for_blocks(self, checkpoint):
        if self.dictionary is not None:
            raise ValueError(
                "`dictionary` is given, so that there is nothing to learn from blocks; call fit with a part of the "
                "data, which fixes the weight of the penalty."
            )
        if self.learning in WHOLE:
            raise ValueError(
                f"learning={self.learning!r} needs the codes of all samples at once; take 'online' or 'gradient' for "
                "blocks, or fit with a part of the data."
            )
        if checkpoint is None:
            return
        if not isinstance(checkpoint, Checkpoint):
            raise TypeError(f"`checkpoint` must be a sparsecode.Checkpoint or None, got {checkpoint!r:.100}.")
        if self.random_state is not None and not isinstance(self.random_state, Integral):
            raise ValueError(
                f"`random_state` must be an int or None for a fit with checkpoints, got {self.random_state!r:.60}, "
                "whose state another process does not have."
            )


class Session:
    """One call of `fit_blocks`, from the first block or from a checkpoint."""

    def __init__(self, coder, source, first, checkpoint, per_update):
        self.coder = coder
        self.source = source
        self.folder = self.finished = None
        if checkpoint is not None:
            self.folder = CheckpointFolder(checkpoint, _identity(coder, source, first, per_update))
        saved = self.folder and self.folder.load()
        if saved is None:
            n_expected = source.n_blocks and coder.max_iter * source.n_blocks * len(first)
            self.fit, rng = _start(coder, first, n_expected, min(per_update, source.n_blocks or 1) * len(first))
            self.progress = self.fit.begin()
            self.fit = replace(self.fit, state=self.progress.state)  # or there would be two in memory
            source.seed = int(rng.integers(2**63))
        else:
            self._go_on(*saved)
        source.check = BlockCheck(first.shape[1], first.dtype, self.fit.exponent, coder.input_shape)

    def run(self):
        """Return the fit after the last epoch."""
        if self.finished:
            self._check_that_stream_ends()
            return self.fit
        coder, source, progress = self.coder, self.source, self.progress
        if self.folder is not None:
            self._save(self.fit.after(progress))  # a folder that cannot be written is told now, not in an hour
        epochs = 1 if source.n_blocks is None else coder.max_iter
        self.fit.learn(coder, source, progress, epochs=epochs, after_update=self.folder and self._save_if_due)
        fit = self.fit.after(progress)
        if fit.target is not None:
            fit = fit.meet_target(coder, source.sample(ROWS))
        if self.folder is not None:
            self._save(fit, finished=True)
        return fit

    def _check_that_stream_ends(self):
        """Refuse an iterator that has other blocks than the finished fit has seen."""
        if self.source.n_blocks is not None:
            return
        found = sum(1 for _ in self.source.iterator)
        if found != self.done:
            raise ValueError(
                f"the fit in the folder of `checkpoint` has ended with {self.done} blocks, but the iterator has "
                f"{found}; take partial_fit for more data, or another folder."
            )

    def _save_if_due(self):
        if self.folder.is_due:
            self._save(self.fit.after(self.progress))

    def _save(self, fit, *, finished=False):
        encoder, progress = copy.copy(self.coder), self.progress
        encoder._fit = fit
        fit.publish(encoder)
        contents = {name: getattr(progress, name) for name in ("penalty", "done", "replaced", "seconds")}
        contents |= {"seed": self.source.seed, "finished": finished, "records": as_rows(progress.records)}
        contents["totals"] = progress.totals and progress.totals._asdict()
        if finished and self.source.n_blocks is None:
            contents["done"] = self.source.taken
        self.folder.save(progress.state.n_steps + finished, encoder, contents)

    def _go_on(self, encoder, contents):
        """Take over what `_save` has saved."""
        contents = dict(contents)
        self.finished, self.source.seed = contents.pop("finished"), contents.pop("seed")
        self.fit = encoder._fit
        self.done = contents["done"]
        if not self.finished:
            records, totals = from_rows(contents.pop("records")), contents.pop("totals")
            totals = totals and Totals(**totals)
            self.progress = Progress(self.fit.state, **contents, records=records, totals=totals)
            self.fit = replace(self.fit, records=[])


def _start(coder, first, n_expected, n_update):
    """Return the fit before learning and its generator, as `start_fit`."""
    try:
        return start_fit(coder, first, n_expected=n_expected, n_update=n_update)
    except ValueError as error:
        error.add_note("What X is said to be is true of block 0, which stands for all blocks when the fit starts.")
        raise


def _identity(coder, source, first, per_update):
    """Return what the result depends on, in words."""
    params = coder.get_params(deep=False)
    identity = {f"`{name}`": fingerprint(value) for name, value in params.items() if name not in FREE}
    identity |= {"`blocks_per_update`": str(per_update), "the number of blocks": str(source.n_blocks)}
    identity["the first block"] = fingerprint(first)
    if source.n_blocks is not None:
        last = source.n_blocks - 1
        with errors_name(last):
            identity["the last block"] = fingerprint(as_float_rows(source.read(last), coder.input_shape))
        identity["the shape of the data, or some of their rows"] = fingerprint(source.outline())
    return identity
