"""Where the rows of a fit come from: batches of an array in memory, or blocks that are read when their turn comes.

A source has ``n_blocks`` (None if that is not known), ``rounds(epoch, done)``, which yields the numbers of blocks that
are coded with the same atoms, after `done` blocks of the epoch, and ``coded(work, numbers)``, which returns what
`code_block` says of them, merged. It is merged by pairs of neighbours, so that the bits depend on the blocks and their
order alone, not on who has coded which.
"""

import contextlib
import copy
import itertools
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.utils import check_array

from .._core.samples import as_shape, flatten_input
from .._core.validation import binary_exponent
from ..solvers._rows import Atoms
from ..solvers.certificates import has_gap
from ._learn import code_block, code_with, merge_coded

#: Blocks from which the rows are taken on which a target is met.
SAMPLED = 20

#: Rows of an array, at equal distances, by which a checkpoint knows its data.
OUTLINED = 256

#: Bytes of a graph without atoms at which Dask warns that it is large.
DASK_GRAPH = 10_000_000


def merge_by_pairs(items, merge):
    """Return all items merged: the first with the second, the third with the fourth, then these pairs, and so on."""
    waiting = []  # pairs (items merged, result), each with fewer items than the one before
    for item in items:
        size = 1
        while waiting and waiting[-1][0] == size:
            item = merge(waiting.pop()[1], item)
            size *= 2
        waiting.append((size, item))
    _, merged = waiting.pop()
    while waiting:
        merged = merge(waiting.pop()[1], merged)
    return merged


#: Bytes that codes of a memory map may take: what is in a file may be too large for memory.
MAPPED_ROOM = 2**20


def is_mapped(array):
    """Tell whether the entries of an array are those of a file."""
    while array is not None and not isinstance(array, np.memmap):
        array = getattr(array, "base", None)
    return array is not None


class Batches:
    """Batches of checked rows in memory, shuffled anew in each epoch if there is a generator.

    Rows may have `weights`. For rules that update atoms with the `whole` of the rows all are coded with the same atoms.

    With `repeated` epochs, codes of penalties that have one minimiser start from those of the epoch before. They are
    kept while they take up to half of the memory of the rows, and `MAPPED_ROOM` at most where the rows are in a file.
    Codes that start elsewhere end at other roundings: of a large file, and of the same rows in memory, the last bits
    of atoms may differ.
    """

    def __init__(self, X, batch_size, rng, *, repeated=False, whole=False, weights=None):
        self.X = X
        self.batch_size = batch_size
        self.weights = weights
        self.rng = rng
        self.room = min(X.nbytes / 2, MAPPED_ROOM if is_mapped(X) else np.inf) if repeated else 0
        self.n_blocks = -(-len(X) // batch_size)
        self.per_round = self.n_blocks if whole else 1
        self.order = self.codes = self.places = None
        self.coded_now, self.size = [], 0  # codes of this epoch, and their bytes

    def rounds(self, epoch, done):
        n = len(self.X)
        if self.room and self.coded_now:
            self.codes = vstack(self.coded_now, format="csr")
            self.coded_now, self.size = [], 0
            self.places = np.argsort(self.order)
        self.order = np.arange(n) if self.rng is None else self.rng.permutation(n)
        numbers = range(self.n_blocks)
        return (numbers[start : start + self.per_round] for start in range(done, self.n_blocks, self.per_round))

    def coded(self, work, numbers):
        if len(numbers) == 1:
            return self._coded(work, numbers[0])
        work = work._replace(D=Atoms.prepare(work.D, work.settings.n_jobs))  # once for all
        return merge_by_pairs((self._coded(work, number) for number in numbers), merge_coded)

    def _coded(self, work, number):
        start = number * self.batch_size
        rows = self.order[start : start + self.batch_size]
        if not has_gap(work.penalty):
            self.room, self.codes, self.coded_now = 0, None, []  # also what l1 left that came before
        init = None if self.codes is None else self.codes[self.places[rows]]
        weights = None if self.weights is None else self.weights[rows]
        statistics, codes = code_with(work, self.X[rows], init, weights)
        if self.room:
            self._keep(codes)
        return statistics

    def _keep(self, codes):
        self.coded_now.append(codes)
        self.size += codes.data.nbytes + codes.indices.nbytes
        if self.size > self.room:
            self.room, self.codes, self.coded_now = 0, None, []


class BlockCheck(NamedTuple):
    """What all blocks must have in common with the first one."""

    n_features: int
    dtype: np.dtype
    exponent: int  # of the power of two by which the fit scales its data
    input_shape: tuple | None

    def __call__(self, block):
        """Return a block as finite rows."""
        rows = as_float_rows(block, self.input_shape)
        if rows.shape[1] != self.n_features:
            raise ValueError(f"has {rows.shape[1]} features, but the first block has {self.n_features}.")
        given = getattr(block, "dtype", rows.dtype)
        if not np.can_cast(given, self.dtype):
            raise ValueError(
                f"is {given}, which would be rounded to the {self.dtype} of the first block; give all blocks the "
                "same dtype."
            )
        rows = rows.astype(self.dtype, copy=False)
        scale = binary_exponent(np.ldexp(rows, -self.exponent) if self.exponent else rows)
        if scale > 0:
            raise ValueError(
                f"is of extreme magnitude, about 2**{scale}, beside the first block; scale the data, or leave it out."
            )
        return rows


def as_float_rows(block, input_shape):
    """Return a block as finite float rows of its own."""
    if input_shape is not None:
        block = flatten_input(block, input_shape)
    if issparse(block):
        raise ValueError("is a sparse array; give its rows as a dense one, with `toarray`.")
    if np.ndim(block) != 2:
        raise ValueError(f"has shape {np.shape(block)}; each block must be an array of shape (n_samples, n_features).")
    return check_array(np.array(block, order="C", subok=False), dtype=[np.float64, np.float32])


@contextlib.contextmanager
def errors_name(number):
    """Let errors name the block that they come from."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"Block {number}: {error}") from error


def code_raw_block(work, check, number, block):
    """Return what `code_block` says of a block that nobody has looked at."""
    with errors_name(number):
        return code_block(work, check(block))


class Blocks:
    """Blocks that can be read in any order, as often as needed.

    Parameters
    ----------
    n_blocks : int
    per_round : int
        Blocks coded with the same atoms.
    """

    def __init__(self, n_blocks, per_round):
        if n_blocks == 0:
            raise ValueError("`blocks` are empty: give at least one block of rows.")
        self.n_blocks = n_blocks
        self.per_round = per_round
        self.seed = self.check = None  # set when the fit has begun

    def read(self, number):
        """Return a block; each kind of source has its own way."""
        raise NotImplementedError  # abstract

    def outline(self):
        """Return something small that other data rarely share; first and last block are compared anyway."""
        return np.empty(0)

    def rounds(self, epoch, done):
        order = np.random.default_rng([self.seed, epoch]).permutation(self.n_blocks).tolist()
        return (order[start : start + self.per_round] for start in range(done, self.n_blocks, self.per_round))

    def coded(self, work, numbers):
        work = work._replace(D=Atoms.prepare(work.D, work.settings.n_jobs))  # once for all blocks of the round
        parts = (code_raw_block(work, self.check, number, self.read(number)) for number in numbers)
        return merge_by_pairs(parts, merge_coded)

    def sample(self, n_rows):
        """Return some rows of blocks at random, checked, of `SAMPLED` blocks at least if there are as many."""
        rows, wanted, rng = [], n_rows, np.random.default_rng(0)
        share = -(-n_rows // min(SAMPLED, self.n_blocks))
        for number in rng.permutation(self.n_blocks).tolist():
            with errors_name(number):
                block = self.check(self.read(number))
            n = min(wanted, share, len(block))
            rows.append(block[np.sort(rng.choice(len(block), n, replace=False))])
            wanted -= n
            if not wanted:
                break
        return np.concatenate(rows)


class ArrayBlocks(Blocks):
    """Blocks of consecutive rows of an array, which may be a file that is mapped."""

    def __init__(self, array, batch_size, per_round):
        super().__init__(-(-array.shape[0] // batch_size), per_round)
        self.array = array
        self.batch_size = batch_size

    def read(self, number):
        return np.asarray(self.array[number * self.batch_size : (number + 1) * self.batch_size])

    def outline(self):
        rows = np.linspace(0, self.array.shape[0] - 1, OUTLINED).astype(np.int64)
        return np.concatenate([[self.array.shape[0]], *(np.ravel(self.array[row]) for row in rows.tolist())])


class SequenceBlocks(Blocks):
    """Blocks that a sequence gives by their number."""

    def __init__(self, sequence, per_round):
        super().__init__(len(sequence), per_round)
        self.sequence = sequence

    def read(self, number):
        return self.sequence[number]


class DaskBlocks(Blocks):
    """Chunks of a Dask array, coded and merged where its scheduler wants them to be."""

    def __init__(self, array, per_round):
        if any(len(chunks) > 1 for chunks in array.chunks[1:]):
            whole = {0: "auto"} | dict.fromkeys(range(1, array.ndim), -1)
            raise ValueError(
                f"`blocks` must be chunked in rows only, got chunks {array.chunks!r:.200}; give "
                f"blocks.rechunk({whole})."
            )
        self.chunks = array.to_delayed().ravel()
        self.sizes = array.chunks[0]
        super().__init__(len(self.chunks), per_round)

    def read(self, number):
        return self.chunks[number].compute()

    def outline(self):
        return np.asarray(self.sizes, dtype=np.float64)

    def coded(self, work, numbers):
        from dask import config, delayed

        # The atoms go to the workers, once a round: a graph of that size is no reason to be warned
        size = {"distributed.admin.large-graph-warning-threshold": DASK_GRAPH + work.D.nbytes}
        work, check = delayed(work, traverse=False), delayed(self.check, traverse=False)
        parts = [delayed(code_raw_block)(work, check, number, self.chunks[number]) for number in numbers]
        with config.set(size):
            return merge_by_pairs(parts, delayed(merge_coded)).compute()


class StreamBlocks:
    """Blocks of an iterator: once, in their order."""

    n_blocks = None

    def __init__(self, iterable, per_round):
        self.iterator = iter(iterable)
        self.per_round = per_round
        self.seed = self.check = None
        self.held = {}
        self.taken = 0

    def read(self, number):
        """Return a block of the present round, or the first one before there is any."""
        if number == 0 and not self.held:
            first = next(self.iterator, None)
            if first is None:
                raise ValueError("`blocks` are empty: the iterator gives no block.")
            self.iterator = itertools.chain([first], self.iterator)
            return first
        return self.held[number]

    def rounds(self, epoch, done):
        for used in range(done):
            if next(self.iterator, None) is None:
                raise ValueError(
                    f"`blocks` end after {used} blocks, but the checkpoint was saved after {done}; give the iterator "
                    "of that fit, from its beginning."
                )
        while True:
            # Copies, since readers of files may fill one array again and again
            taken = map(copy.deepcopy, itertools.islice(self.iterator, self.per_round))
            self.held = dict(enumerate(taken, done))
            if not self.held:
                return
            yield list(self.held)
            done += len(self.held)
            self.taken = done

    coded = Blocks.coded


def as_blocks(blocks, *, batch_size, per_round, input_shape):
    """Return the source that `blocks` are.

    Raises
    ------
    TypeError, ValueError
        If they cannot be blocks of rows.
    """
    if issparse(blocks) or isinstance(blocks, str | bytes | Mapping | set | frozenset) or hasattr(blocks, "columns"):
        raise TypeError(
            f"`blocks` must be an array, a Dask array, a sequence of arrays or an iterator of arrays, got "
            f"{type(blocks).__name__}; give its rows as an array."
        )
    if hasattr(blocks, "shape") and hasattr(blocks, "dtype"):
        n_axes = {2} if input_shape is None else {2, 1 + len(as_shape(input_shape))}
        if len(blocks.shape) not in n_axes:
            raise ValueError(
                f"`blocks` have shape {tuple(blocks.shape)}; an array must be (n_samples, n_features), or (n_samples, "
                "*input_shape) with the parameter `input_shape`. Several arrays can be given as a list."
            )
        if hasattr(blocks, "to_delayed"):
            return DaskBlocks(blocks, per_round)
        return ArrayBlocks(blocks, batch_size, per_round)
    if hasattr(blocks, "__len__") and hasattr(blocks, "__getitem__"):
        return SequenceBlocks(blocks, per_round)
    if isinstance(blocks, Iterable):
        return StreamBlocks(blocks, per_round)
    raise TypeError(f"`blocks` must be arrays of rows, got {type(blocks).__name__}.")
