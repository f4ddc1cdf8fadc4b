"""`SequenceHierarchy`: memories of sequences on a grid, level upon level; higher ones keep codes for longer."""

import time
from copy import copy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import as_dense
from .._core.history import MemoryRecord
from .._core.storing import StoringSequences
from .._core.validation import Integral, Interval, Real, unchanged_on_failure
from ..encoder import Capabilities, sequences
from ._columns_in_time import HierarchyState, Level, parents_of, run_levels
from ._fields import dense_codes, recall_all
from ._learned_sequences import thresholds
from ._sequences import mark
from .hierarchy import MacrocolumnHierarchy
from .layouts import winners_to_csr
from .sequence_memory import SequenceMemory


class SequenceHierarchy(StoringSequences, MacrocolumnHierarchy):
    r"""Encode sequences of images by memories that see a window each, and memories of their codes, in one pass.

    A `MacrocolumnHierarchy` of `SequenceMemory`: each macrocolumn is supported by its input, by its own code of the row
    before, and by the codes that the macrocolumns above it had then,

        V_qk = U_qk^input_power H_qk^horizontal_power D_qk,    D_qk = (1 / n) sum_a d_(a)(qk)

    over the n active units above, whichever of the three there are. Codes of level l persist for 2^l times as many rows
    as those of the first: a code of a higher level stands for all codes below it in that time, and as their context it
    reaches further back than the row before.

    Parameters
    ----------
    windows : tuple of int, default=(3, 2)
        Side of the receptive fields of each level, in pixels on the first, in macrocolumns on others; at most that of
        the axis.
    strides : tuple of int or int, default=1
        Places between two fields, for each level, or for all. Fields at the border are pushed inwards.
    memories : SequenceMemory, list of SequenceMemory or None, default=None
        Macrocolumns of all levels, or one for each level; they are cloned, and their `persistence` is doubled with each
        level. None is ``SequenceMemory(10, 20, freeze_fraction="auto")``. Their ``backoff``, ``binarize``,
        ``sparse_output``, ``store_items``, ``n_jobs`` and ``random_state`` are not used.
    backoff : tuple of three floats or None, default=(0.9, 0.93, 0.96)
        What recall does where context misleads: if the familiarity by all three kinds of support is below the first,
        the better of the input with one other kind decides if its own is the second or more, and else the input alone
        if its own is the third. None is never.
    input_shape : tuple of int or None, default=None
        Shape of an image, such as (8, 8). None is a row of pixels.
    binarize : float or None, default=None
        Threshold above which pixels are active. None takes zeros and ones only.
    sparse_output : bool, default=False
        Whether codes are a CSR array.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the draws of all macrocolumns.

    Attributes
    ----------
    memories_ : list of list of SequenceMemory
        Those of each level, in the order of `grids_`.
    grids_ : list of tuple
        How the macrocolumns of each level are laid out.
    fields_ : list of ndarray of shape (n_macrocolumns, n_places)
        Pixels, or macrocolumns of the level below, that each of a level sees.
    state_ : HierarchyState
        Where `partial_fit` goes on.
    code_shape_ : tuple
        ``(n_macrocolumns, n_modules, n_units)`` of the last level.
    n_iter_ : int
        Calls that stored rows.
    history_ : structured ndarray of shape (n_iter_,)
        As of `MacrocolumnMemory`: means over all macrocolumns.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, as many `strides` or `memories` as there are no levels, entries other than 0 and 1
        with ``binarize=None``, X that is empty or not finite, and `groups` that are not one label for each row, or
        whose rows lie apart.

    Notes
    -----
    Rows go through all levels one by one, since the code above of one row is context for the next: some 7 us to store
    and 3 to recall for each row and each macrocolumn of 10 modules of 20 units. Each call copies all weights, so that
    `step` takes milliseconds. There are no threads. A row that is the one before once more changes no code that is not
    held.

    References
    ----------
    G. J. Rinkus, "Sparsey: event recognition via deep hierarchical sparse distributed codes", Front. Comput. Neurosci.
    8:160 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.sdr import SequenceHierarchy, SequenceMemory
    >>> frames = np.random.default_rng(0).random((8, 8, 8)) < 0.3
    >>> memory = SequenceMemory(20, 30)
    >>> hierarchy = SequenceHierarchy((4, 2), strides=(4, 1), memories=memory, input_shape=(8, 8), random_state=0)
    >>> codes = hierarchy.fit(frames).transform(frames)
    >>> [bool((codes[i] == codes[i + 1]).all()) for i in range(4)]
    [True, False, True, False]
    >>> bool((hierarchy.recall_sequence(frames[:1], 7) == frames[1:].reshape(7, -1)).all())
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        "windows": [tuple, list],
        "strides": [tuple, list, Integral],
        "memories": [SequenceMemory, tuple, list, None],
        "backoff": [tuple, list, None],
        "input_shape": [tuple, list, Integral, None],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "sparse_output": ["boolean"],
        "random_state": ["random_state", np.random.Generator],
    }

    _record_class, _memory_class, n_jobs = MemoryRecord, SequenceMemory, None

    def __init__(
        self,
        windows=(3, 2),
        *,
        strides=1,
        memories=None,
        backoff=(0.9, 0.93, 0.96),
        input_shape=None,
        binarize=None,
        sparse_output=False,
        random_state=None,
    ):
        self.windows = windows
        self.strides = strides
        self.memories = memories
        self.backoff = backoff
        self.input_shape = input_shape
        self.binarize = binarize
        self.sparse_output = sparse_output
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are: binary, of rows that are moments of time."""
        return Capabilities("binary", invertible=True, stateful=True, online=True, signed=False)

    def initial_state(self):
        """Return the `HierarchyState` before any row."""
        check_is_fitted(self)
        return HierarchyState.start([len(level) * level[0].code_shape_[0] for level in self.memories_],
                                    [len(level) for level in self.memories_])  # fmt: skip

    def step(self, x, state, learn=False):
        """Return the code of one row in its context, and the state after it.

        Parameters
        ----------
        x : array-like of shape (n_features,)
        state : HierarchyState
            Not changed.
        learn : bool, default=False
            Whether the row is stored. All weights are copied for it: `partial_fit` is for many rows.

        Returns
        -------
        code : ndarray of shape (n_macrocolumns * n_modules * n_units,), bool
        state : HierarchyState
        """
        x = self._check_binary_sample(x)
        self._validate_params()
        with unchanged_on_failure(self):
            winners, _, state = self._run(x, [(slice(0, 1), False)], state, learn=learn, backoff=self.backoff)
        return self._codes(winners).toarray()[0], state

    def transform(self, X, groups=None):
        """Return the codes of the last level that the rows of X recall, each in the context of those before.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features) or (n_samples, *input_shape)
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row; each begins without context. None is one sequence.

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_macrocolumns * n_modules * n_units), bool
        """
        codes = self._codes(self._recall(X, groups, self.backoff)[0])
        return codes if self.sparse_output else codes.toarray()

    def inverse_transform(self, X, groups=None):
        """Return the inputs that codes of the last level stand for, recalled level by level.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_macrocolumns * n_modules * n_units)
        groups : array-like of shape (n_samples,) or None, default=None
            Checked, and of no effect.

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool
            Pixels that at least half of the macrocolumns recall, of those that see them and have a code: those of all
            rows for which a code persists, since it recalls all codes below that it stands for.
        """
        sequences(groups, self._check_codes(X).shape[0])
        return super().inverse_transform(X)

    def familiarity(self, X, groups=None):
        """Return the familiarity G of each row in its context, mean over all macrocolumns that have a code.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features) or (n_samples, *input_shape)
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_samples,)
            From 0 to 1; 0 for rows without a code. Without `backoff`.
        """
        return self._recall(X, groups, None)[1]

    def recall_sequence(self, X, n_steps):
        """Return the inputs that follow a cue: codes of the first level lead to codes, without input.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_cues, n_features) or (n_cues, *input_shape)
            The cue: rows of one sequence.
        n_steps : int
            Rows to recall after the cue.

        Returns
        -------
        ndarray of shape (n_steps, n_features), bool
        """
        if not isinstance(n_steps, Integral) or n_steps < 1:
            raise ValueError(f"`n_steps` must be an integer >= 1, got {n_steps!r:.60}.")
        state, memories = self._recall(X, None, self.backoff)[2], self.memories_[0]
        codes = state.winners[: len(memories) * memories[0].code_shape_[0]].reshape(len(memories), -1)
        found = np.empty((n_steps, *codes.shape), np.int32)
        for step in range(n_steps):
            for m, memory in enumerate(memories):
                codes[m] = memory._next(codes[m : m + 1], state.n_rows[m : m + 1] + step)[0]
            found[step] = codes
        return self._pixels(found)

    def _begin(self, n_features):
        """Lay out empty macrocolumns."""
        self._start(n_features)
        self._parents = [parents_of(fields.places, len(memories)) for fields, memories in
                         zip(self._fields[1:], self.memories_, strict=False)] + [None]  # fmt: skip
        for level, (memories, fields) in enumerate(zip(self.memories_, self._fields, strict=True)):
            n_inputs, n_above = fields.places.shape[1], 0
            if level:
                n_inputs *= self.memories_[level - 1][0].n_modules * self.memories_[level - 1][0].n_units
            if self._parents[level] is not None:
                above = self.memories_[level + 1][0]
                n_above = self._parents[level].shape[1] * above.n_modules * above.n_units
            for memory in memories:
                memory.set_params(persistence=memory.persistence * 2**level)
                memory.n_features_in_ = n_inputs
                memory._begin(n_inputs, n_above)
        self.state_, self._group = self.initial_state(), None

    def _store(self, X, groups):
        """Store checked rows on all levels."""
        started, stored = time.perf_counter(), self._stored() if self._records else 0
        parts = sequences(groups, X.shape[0], previous=self._group)
        winners, found, self.state_ = self._run(X, parts, self.state_, learn=True, backoff=None)
        self._group = None if groups is None else np.asarray(groups)[-1:].tolist()[0]
        coded = winners[:, :, 0] >= 0
        record = MemoryRecord(
            epoch=len(self._records),
            objective=float(1 - found[coded.any(axis=1)].mean()) if coded.any() else 0.0,
            sparsity=float(coded.mean() / self.code_shape_[2]),
            stored=self._stored() - stored,
            fill=float(np.mean([memory.unit_fill_.mean() for level in self.memories_ for memory in level])),
            seconds=time.perf_counter() - started,
        )
        self._records = [*self._records, record]

    def _recall(self, X, groups, backoff):
        """Return the winners of the last level and the familiarity of each row, and the state after them."""
        check_is_fitted(self)
        self._validate_params()
        X = self._check_rows(X, reset=False)
        return self._run(X, sequences(groups, X.shape[0]), self.initial_state(), learn=False, backoff=backoff)

    def _run(self, X, parts, state, *, learn, backoff):
        """Store rows if they are to be learned, or recall them; return what `_recall` does."""
        steps = None if backoff is None else thresholds(backoff, 3)
        state = self.initial_state().filled(state)
        levels = Level.lay_out(self.memories_, self._fields, self._parents, state, steps)
        winners, found = run_levels(levels, as_dense(X), mark(parts, X.shape[0]), learn)
        if learn:
            self.memories_ = [list(map(copy, memories)) for memories in self.memories_]
            for level, memories in zip(levels, self.memories_, strict=True):
                for m, memory in enumerate(memories):
                    memory._trace, memory._horizontal, memory._top_down = level.trace_of(m)
                    memory._n_seen += X.shape[0]
        return winners, found, state

    def _recall_down(self, winners):
        active = dense_codes(winners.reshape(len(winners), -1), self.code_shape_[2])
        for level in range(len(self.memories_) - 1, -1, -1):
            below = self.memories_[level - 1][0].code_shape_ if level else (1, 1)
            n_places = len(self.memories_[level - 1]) if level else self.n_features_in_
            active = recall_all(self.memories_[level], self._fields[level].places, active, n_places, np.prod(below))
        return active

    def _codes(self, winners):
        """Return winners of the last level as a CSR array."""
        return winners_to_csr(winners.reshape(len(winners), -1), self.code_shape_[2])

    def _get_fitted_state(self):
        scalars, arrays = super()._get_fitted_state()
        return scalars | {"group": self._group}, arrays | {f"state_{n}": a for n, a in self.state_._asdict().items()}

    def _set_fitted_state(self, scalars, arrays):
        arrays = dict(arrays)
        state = HierarchyState(*(arrays.pop(f"state_{name}") for name in HierarchyState._fields))
        super()._set_fitted_state(scalars, arrays)
        self._parents = [parents_of(fields.places, len(memories)) for fields, memories in
                         zip(self._fields[1:], self.memories_, strict=False)] + [None]  # fmt: skip
        self.state_, self._group = self.initial_state().filled(state), scalars["group"]
