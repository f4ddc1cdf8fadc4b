"""`TemporalMemory`: cells of columns learn sequences, and predict what comes next."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.storing import StoringSequences
from .._core.validation import Integral, Interval, Real, unchanged_on_failure
from ..encoder import Capabilities, Encoder
from ._learned_segments import LearnedSegmentsMixin
from ._pooled_segments import silence
from ._temporal import TemporalState, as_csr


class TemporalMemory(LearnedSegmentsMixin, StoringSequences, Encoder):
    r"""Learn sequences of sparse binary rows by dendritic segments, and predict the columns of the next row.

    Each of the C columns, one for each feature, has K cells, and each cell has segments: sets of synapses to cells of
    the row before, with permanences in [0, 1], connected from `permanence_threshold` on. For the cells A that are
    active now, a segment d fires, and depolarizes its cell, if

        |connected_d & A| >= activation_threshold.

    In the next row, the depolarized cells of an active column become active; where there are none, the column was not
    predicted and all its cells do (it bursts). So what is active says where in which sequence the input stands, and
    one input has other cells in each context. In each active column, segments that fired are reinforced: synapses to
    cells that were active gain `permanence_increment`, others lose `permanence_decrement`, and up to
    `max_new_synapses` reach the cells that won before. A column that bursts lets the segment with most synapses to
    active cells learn, connected or not, if it has `min_threshold` of them, else a cell with the fewest segments grows
    a new one. Segments with `min_threshold` synapses to active cells, connected or not, in columns that
    did not come lose `predicted_segment_decrement` there.

    Parameters
    ----------
    cells_per_column : int, default=32
        Cells K of a column. One cell knows no context but the row before.
    activation_threshold : int, default=13
        Connected synapses to active cells with which a segment fires.
    min_threshold : int, default=10
        Synapses to active cells, connected or not, with which a segment may learn; at most `activation_threshold`.
    max_new_synapses : int, default=20
        Synapses to active cells up to which a segment grows when it learns; at least `activation_threshold`.
    initial_permanence : float, default=0.21
    permanence_threshold : float, default=0.5
        Permanence from which a synapse is connected, in (0, 1].
    permanence_increment : float, default=0.1
    permanence_decrement : float, default=0.1
        By how much permanences of a segment that learns grow and fall.
    predicted_segment_decrement : float, default=0.01
        By how much those of active synapses fall where a prediction was wrong. 0, the default elsewhere, never forgets
        what once followed. More than the share of rows in which it does follow times `permanence_increment` forgets it.
    max_segments_per_cell : int, default=255
        Beyond these, the segment of the cell goes that learned the longest time ago.
    max_synapses_per_segment : int, default=255
        Beyond these, the weakest synapse to a cell that did not win goes; at least `max_new_synapses`.
    max_segments : int, default=1000000
        Segments of all cells; beyond these, the one goes that learned the longest time ago.
    binarize : float or None, default=None
        Threshold above which columns are active. None takes zeros and ones only.
    sparse_output : bool, default=False
        Whether codes and predictions are CSR arrays.
    n_jobs : int or None, default=None
        Threads of what does not learn, each its own sequences; learning is serial. Results do not depend on it.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the cells and synapses that are drawn.

    Attributes
    ----------
    state_ : TemporalState
        Where `partial_fit` goes on.
    n_segments_, n_synapses_ : int
    n_items_ : int
        Rows that were learned.
    permanences_ : csr_array of shape (n_segments_, C * K), float32
        Of all synapses, by the cell that they come from.
    segment_cells_ : ndarray of shape (n_segments_,)
        The cell that each segment belongs to.
    dictionary_ : Dictionary
        Connected synapses of each segment, binary, with the coordinates "cell", "column" and "threshold"; None without
        segments.
    outcomes_ : structured ndarray of shape (n_samples,)
        For each row of the last call of `fit` or `partial_fit`, before it was learned: numbers of columns that were
        active, that had been predicted, and of those for which both holds (correct).
    code_shape_ : tuple
        ``(C, cells_per_column)``.
    n_iter_ : int
        Calls of `fit` and `partial_fit`.
    history_ : structured ndarray of shape (n_iter_,)
        For each call: objective (mean anomaly score), precision (share of the predicted columns that became active),
        sparsity of codes, segments and synapses after it, seconds.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range or out of order, entries other than 0 and 1 with ``binarize=None``, X that is empty
        or not finite, and `groups` that are not one label for each row, or whose rows lie apart.

    Warns
    -----
    UserWarning
        If rows have so few active columns that no segment can fire.

    Notes
    -----
    The algorithm is that of hierarchical temporal memory. Permanences are whole ten-thousandths, so that sums are exact
    and results the same everywhere; parameters are rounded to these. A synapse is gone once its permanence falls to
    zero, a segment once it has fewer than `min_threshold` synapses. A new synapse takes three reinforcements by default
    to be connected (0.21, 0.31, 0.41, 0.51), so that a sequence is predicted from its fifth presentation on.

    A row takes time in proportion to the synapses from active cells, which are listed by the cell that they come from,
    and to the segments that learn. With 100 000 segments of 40 synapses, 2048 columns of 32 cells and 40 active ones,
    one thread takes some 2000 random rows a second to learn and 8000 to code, 13 000 of known sequences. A synapse
    takes about 25 bytes.

    The first call of `fit` or `partial_fit` fixes `cells_per_column` and `random_state`; other parameters hold from the
    next call on, which copies all segments once.

    What is false when activity is random, and how thresholds bear noise, is told by `dendrites.theory`.

    References
    ----------
    J. Hawkins and S. Ahmad, "Why neurons have thousands of synapses, a theory of sequence memory in neocortex",
    Front. Neural Circuits 10:23 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import groups_from_lengths
    >>> from sparsecode.dendrites import TemporalMemory
    >>> letters = dict(zip("ABCDXY", np.eye(6).repeat(8, axis=1), strict=True))
    >>> words = ["ABCD", "XBCY"] * 30
    >>> X = np.array([letters[letter] for word in words for letter in word])
    >>> groups = groups_from_lengths([4] * len(words))
    >>> options = {"activation_threshold": 6, "min_threshold": 4, "max_new_synapses": 8}
    >>> memory = TemporalMemory(4, **options, predicted_segment_decrement=0.05, random_state=0).fit(X, groups=groups)
    >>> predicted = memory.predict_next(X[:8], groups=groups[:8])
    >>> ["".join(name for name, bits in letters.items() if (row @ bits) == 8) for row in predicted]
    ['B', 'C', 'D', '', 'B', 'C', 'Y', '']
    >>> memory.anomaly_score(X[[0, 1, 2, 7, 6, 7]]).tolist()
    [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    """

    _parameter_constraints = {  # noqa: RUF012
        "cells_per_column": [Interval(Integral, 1, None, closed="left")],
        "activation_threshold": [Interval(Integral, 1, None, closed="left")],
        "min_threshold": [Interval(Integral, 1, None, closed="left")],
        "max_new_synapses": [Interval(Integral, 1, None, closed="left")],
        "initial_permanence": [Interval(Real, 0, 1, closed="right")],
        "permanence_threshold": [Interval(Real, 0, 1, closed="right")],
        "permanence_increment": [Interval(Real, 0, 1, closed="both")],
        "permanence_decrement": [Interval(Real, 0, 1, closed="both")],
        "predicted_segment_decrement": [Interval(Real, 0, 1, closed="both")],
        "max_segments_per_cell": [Interval(Integral, 1, None, closed="left")],
        "max_synapses_per_segment": [Interval(Integral, 1, 2**15 - 1, closed="both")],
        "max_segments": [Interval(Integral, 1, 2**31 - 1, closed="both")],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "sparse_output": ["boolean"],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        cells_per_column=32,
        *,
        activation_threshold=13,
        min_threshold=10,
        max_new_synapses=20,
        initial_permanence=0.21,
        permanence_threshold=0.5,
        permanence_increment=0.1,
        permanence_decrement=0.1,
        predicted_segment_decrement=0.01,
        max_segments_per_cell=255,
        max_synapses_per_segment=255,
        max_segments=1_000_000,
        binarize=None,
        sparse_output=False,
        n_jobs=None,
        random_state=None,
    ):
        self.cells_per_column = cells_per_column
        self.activation_threshold = activation_threshold
        self.min_threshold = min_threshold
        self.max_new_synapses = max_new_synapses
        self.initial_permanence = initial_permanence
        self.permanence_threshold = permanence_threshold
        self.permanence_increment = permanence_increment
        self.permanence_decrement = permanence_decrement
        self.predicted_segment_decrement = predicted_segment_decrement
        self.max_segments_per_cell = max_segments_per_cell
        self.max_synapses_per_segment = max_synapses_per_segment
        self.max_segments = max_segments
        self.binarize = binarize
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are: binary, of rows that are moments of time."""
        return Capabilities("binary", invertible=False, stateful=True, online=True, signed=False)

    def initial_state(self):
        """Return the `TemporalState` before any row."""
        check_is_fitted(self)
        return TemporalState.start()

    def step(self, x, state, learn=False):
        """Return the code of one row in its context, and the state after it.

        Parameters
        ----------
        x : array-like of shape (n_features,)
        state : TemporalState
            Not changed.
        learn : bool, default=False
            Whether the row is learned. All segments are copied for it: `partial_fit` is for many rows.

        Returns
        -------
        code : ndarray of shape (n_features * cells_per_column,), bool
        state : TemporalState
        """
        x = self._check_binary_sample(x)
        self._validate_params()
        state, parts = self._check_state(state), [(slice(0, 1), False)]
        if learn:
            with unchanged_on_failure(self):
                found, state = self._take(x, parts, state)
        else:
            found, state = self._scan(x, parts, state)
        code = np.zeros(self._n_features_out, bool)
        code[found.cells] = True
        return code, state

    def transform(self, X, groups=None):
        """Return the cells that the rows of X make active, each row in the context of those before.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row; each begins without context. None is one sequence.

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_features * cells_per_column), bool
            Cell k of column c at ``c * cells_per_column + k``.
        """
        found = self._read(X, groups)
        return self._as_output(as_csr(found.cells, np.diff(found.ends), self._n_features_out))

    def predict_next(self, X, groups=None):
        """Return the columns that are predicted after each row of X.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_features), bool
            Row i is what is expected in row i + 1: the union, if several sequences may go on.
        """
        return self._as_output(self._read(X, groups, asked=True).predictions)

    def anomaly_score(self, X, groups=None):
        """Return the share of the active columns of each row that had not been predicted.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_samples,)
            From 0 to 1; 1 for the first row of a sequence, 0 for rows without active columns.
        """
        return self._read(X, groups).anomalies()

    def silence_cells(self, cells):
        """Take cells out for ever, as a lesion does: their segments go, and they are never active again.

        Parameters
        ----------
        cells : array-like of int
            Cell k of column c is ``c * cells_per_column + k``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no such cell.
        """
        store, cells = self._fitted(), np.asarray(cells)
        n_cells = len(store.first)
        whole = cells.ndim == 1 and (cells.dtype.kind in "iu" or not len(cells))
        if not whole or (len(cells) and not 0 <= cells.min() <= cells.max() < n_cells):
            raise ValueError(f"`cells` must be a list of whole numbers from 0 to {n_cells - 1}, got {cells!r:.80}.")
        cells = cells.astype(np.int64)
        self._segments = silence(store, cells)
        self.state_ = TemporalState(*(part[~np.isin(part, cells)] for part in self.state_))
        return self
