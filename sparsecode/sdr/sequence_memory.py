"""`SequenceMemory`: a memory that stores sequences in one pass, recalls them from a cue and goes on by itself."""

import time

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.storing import StoringSequences
from .._core.validation import Integral, Interval, Real, StrOptions, unchanged_on_failure
from ..encoder import Capabilities, Encoder, sequences
from ._filling import room, warn_if_full
from ._learned_sequences import LearnedSequencesMixin
from ._replay import ReplayMixin
from ._sequences import SequenceState
from ._trace import as_winners
from .layouts import winners_to_csr
from .selection import SELECTIONS, Selection


class SequenceMemory(ReplayMixin, LearnedSequencesMixin, StoringSequences, Encoder):
    r"""Store sequences of binary inputs in one pass, tell their order, and replay them from a cue.

    A Sparsey-style macrocolumn (`MacrocolumnMemory`) with horizontal weights from each of its units to those of other
    modules. For an input x with n active features and the code c of the row before, the support of a unit is

        U_qk = (1 / n) sum_j x_j w_jqk,    H_qk = 1 / (Q - 1) sum_(p != q) h_(p c_p)(qk),
        V_qk = U_qk^input_power H_qk^horizontal_power,

    at the first row of a sequence U alone, with the exponent of the `selection`. Winners are drawn or recalled by V as
    in `MacrocolumnMemory`; storing sets the weights from active features, and those from the winners of the row
    before, to all winners. So one input has different codes in different contexts, and a code leads to the next.

    Parameters
    ----------
    n_modules : int, default=70
        Modules Q, at least 2.
    n_units : int, default=20
        Units K of a module.
    selection : str or Selection, default="adaptive"
        Rule of the chances, or the name of one: see `Selection`. Its `support_power` is for first rows.
    input_power : float, default=1.0
        Exponent of the support by the input, beyond the first row, > 0.
    horizontal_power : float, default=1.0
        Exponent of the support by the row before, > 0.
    backoff : tuple of two floats or None, default=(0.93, 0.96)
        What recall does where the context misleads, as after rows that were left out: if the familiarity by V is below
        the first, and that by the input alone is the second or more, the input alone decides. Storing,
        `familiarity` and `score_sequences` never do it: an order that is new would not be seen. None is never.
    max_rivals : int, default=3
        Stored codes for which the code of the row before may stand, as after a row that several sequences begin with:
        of m of them each unit has a part of its support only, which recall multiplies by m. Of more, the row before is
        not asked. Rivals are units with 0.95 of the largest support of their module, which is half at least; their
        mean number is rounded.
    persistence : int, default=1
        Rows that keep the code of the first of them; all their inputs get weights to it. Recall keeps codes as long.
    active_bounds : tuple of two floats, default=(0.0, 1.0)
        Share of the features that must be active, at least and at most. Other rows are neither stored nor coded.
    freeze_fraction : float, "auto" or None, default=None
        Share of the weights from inputs to a unit above which it learns no more, no horizontal weights either; see
        `MacrocolumnMemory`.
    recall_threshold : float or "auto", default="auto"
        Share of the winners to which a feature must have a weight to be recalled; see `MacrocolumnMemory`.
    familiarity_threshold : float, default=0.5
        Familiarity by horizontal weights alone below which a code leads to nothing: predictions are empty there, and
        `recall_sequence` ends.
    store_items : bool, default=False
        Whether the codes of all rows are kept, as ``codes_``.
    binarize : float or None, default=None
        Threshold above which features are active. None takes zeros and ones only.
    sparse_output : bool, default=False
        Whether codes are a CSR array.
    n_jobs : int or None, default=None
        Threads that recall, each its own sequences; storing is serial. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the draws. Those of a row depend on the seed and the number of rows before it.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features, n_modules, n_units), bool
    horizontal_weights_ : ndarray of shape (n_modules, n_units, n_modules, n_units), bool
        From units of a row to those of the next.
    state_ : SequenceState
        Where `partial_fit` goes on.
    unit_fill_ : ndarray of shape (n_modules, n_units)
        Share of the weights from inputs to each unit that are set.
    frozen_ : ndarray of shape (n_modules, n_units), bool
    n_items_, n_stored_ : int
        Rows that were given a code, and those of them that were learned; see `MacrocolumnMemory`.
    codes_ : ndarray of shape (n_items_, n_modules), int
        With `store_items`.
    capacity_estimate_ : float
        Rows of random sequences that 97 % of the modules recall right: the least of 0.7 times the law
        (`sequence_capacity`), ``1 + 5 / n`` times the estimate of `MacrocolumnMemory` for as many items, since first
        rows have no context, and what is stored before units freeze. Measured ones are 0.9 to 1.15 times as many, for
        sequences of ten rows with n of 5 to 50 % of the features active.
    dictionary_ : Dictionary
        Of the templates of the units: the features from which they have weights.
    code_shape_ : tuple
        ``(n_modules, n_units)``.
    n_iter_ : int
        Calls of `fit` and `partial_fit`.
    history_ : structured ndarray of shape (n_iter_,)
        As of `MacrocolumnMemory`.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, entries other than 0 and 1 with ``binarize=None``, X that is empty or not finite,
        and `groups` that are not one label for each row, or whose rows lie apart.

    Warns
    -----
    UserWarning
        When more rows are stored than `capacity_estimate_`, or more than half of the units are frozen.

    Notes
    -----
    The first call of `partial_fit`, or `fit`, fixes `n_modules`, `n_units`, `store_items` and `random_state`.

    A row takes O(n Q K + Q^2 K), whatever is stored; for n = 100 of 784 features and 70 modules of 20 units 35 us to
    store and 11 to recall. Weights take F Q K + (Q K)^2 bytes. A row that is empty or out of bounds has no code and
    ends the context: the row after it is like a first one. A row that is the one before once more keeps its code, with
    nothing learned: of a picture that stands still one row is stored, and replay goes on to what comes after it. A
    sequence of one row is an item of `MacrocolumnMemory`, with the same code bit for bit. An input that was stored in
    one context has its code in any other, as what resembles it most; so does any input of a memory that is full, as
    one of few features is after some rows. Two sequences that share an
    input go on apart, since its codes differ. But after a cue that is all they share, nothing can tell them apart:
    winners of both are mixed.

    Random sequences of ten rows with 12 of 144 features active, Q = 9, K = 16: 22 sequences are recalled with 97 % of
    the modules right, and each scores higher than with its rows shuffled. That needs the input of each row. Replay by
    `recall_sequence` has horizontal weights alone, and little of them in nine modules: from the first rows of 10
    sequences it has 0.85 of the others right in all pixels, of 20 almost none. Modules help there, though not with
    input: 25 of them replay 14 sequences (0.99), and 20 (0.91).

    References
    ----------
    G. J. Rinkus, "Sparsey: event recognition via deep hierarchical sparse distributed codes", Front. Comput. Neurosci.
    8:160 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import groups_from_lengths
    >>> from sparsecode.sdr import SequenceMemory
    >>> X = np.random.default_rng(0).random((30, 144)) < 0.08
    >>> groups = groups_from_lengths([10, 10, 10])
    >>> memory = SequenceMemory(20, 16, random_state=0).fit(X, groups=groups)
    >>> bool((memory.recall_sequence(X[10:11], n_steps=9) == X[11:20]).all())
    True
    >>> shuffled = X[[0, 5, 3, 8, 1, 6, 9, 2, 7, 4]]
    >>> float(memory.score_sequences(X[:10])[0]), bool(memory.score_sequences(shuffled)[0] < 0.5)
    (1.0, True)
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_modules": [Interval(Integral, 2, None, closed="left")],
        "n_units": [Interval(Integral, 1, None, closed="left")],
        "selection": [StrOptions(set(SELECTIONS)), Selection],
        "input_power": [Interval(Real, 0, None, closed="neither")],
        "horizontal_power": [Interval(Real, 0, None, closed="neither")],
        "backoff": [tuple, list, None],
        "max_rivals": [Interval(Integral, 1, None, closed="left")],
        "persistence": [Interval(Integral, 1, None, closed="left")],
        "active_bounds": [tuple, list],
        "freeze_fraction": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"}), None],
        "recall_threshold": [Interval(Real, 0, 1, closed="right"), StrOptions({"auto"})],
        "familiarity_threshold": [Interval(Real, 0, 1, closed="both")],
        "store_items": ["boolean"],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "sparse_output": ["boolean"],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state", np.random.Generator],
    }

    #: Weights last, and a row that comes again in its context keeps its code.
    lifetime, on_duplicate = None, "skip"

    def __init__(
        self,
        n_modules=70,
        n_units=20,
        *,
        selection="adaptive",
        input_power=1.0,
        horizontal_power=1.0,
        backoff=(0.93, 0.96),
        max_rivals=3,
        persistence=1,
        active_bounds=(0.0, 1.0),
        freeze_fraction=None,
        recall_threshold="auto",
        familiarity_threshold=0.5,
        store_items=False,
        binarize=None,
        sparse_output=False,
        n_jobs=None,
        random_state=None,
    ):
        self.n_modules = n_modules
        self.n_units = n_units
        self.selection = selection
        self.input_power = input_power
        self.horizontal_power = horizontal_power
        self.backoff = backoff
        self.max_rivals = max_rivals
        self.persistence = persistence
        self.active_bounds = active_bounds
        self.freeze_fraction = freeze_fraction
        self.recall_threshold = recall_threshold
        self.familiarity_threshold = familiarity_threshold
        self.store_items = store_items
        self.binarize = binarize
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are: binary, of rows that are moments of time."""
        return Capabilities("binary", invertible=True, stateful=True, online=True, signed=False)

    def initial_state(self):
        """Return the `SequenceState` before any row."""
        check_is_fitted(self)
        return SequenceState.start(self._n_modules)

    def step(self, x, state, learn=False):
        """Return the code of one row in its context, and the state after it.

        Parameters
        ----------
        x : array-like of shape (n_features,)
        state : SequenceState
            Not changed.
        learn : bool, default=False
            Whether the row is stored. All weights are copied for it: `partial_fit` is for many rows.

        Returns
        -------
        code : ndarray of shape (n_modules * n_units,), bool
        state : SequenceState
        """
        x = self._check_binary_sample(x)
        self._validate_params()
        state = self._check_state(state)
        if learn:
            with unchanged_on_failure(self):
                winners, _, state = self._learn(x, [(slice(0, 1), False)], state)
                self._note(winners)
        else:
            winners, _, _, state = self._scan(x, [(slice(0, 1), False)], state, backoff=self.backoff)
        return winners_to_csr(winners, self._n_units).toarray()[0], state

    def transform(self, X, groups=None):
        """Return the codes that the rows of X recall, each in the context of those before.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row; each begins without context. None is one sequence.

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_modules * n_units), bool
            A row that is empty, or out of `active_bounds`, has an empty code.
        """
        codes = winners_to_csr(self._recall(X, groups)[0], self._n_units)
        return codes if self.sparse_output else codes.toarray()

    def inverse_transform(self, X, groups=None):
        """Return the inputs that codes stand for: the features that most winners have a weight from.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_modules * n_units)
        groups : array-like of shape (n_samples,) or None, default=None
            Checked, and of no effect.

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool

        Raises
        ------
        ValueError
            If a row is no code of this memory.
        """
        codes = self._check_codes(X)
        sequences(groups, codes.shape[0])
        return self._complete(as_winners(codes, *self.code_shape_))

    def recall(self, X, groups=None):
        """Return what is stored and resembles each row of X most: ``inverse_transform(transform(X, groups))``.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool
        """
        return self._complete(self._recall(X, groups)[0])

    def familiarity(self, X, groups=None):
        """Return the familiarity G of each row in its context: 1 if it was stored after what is before it.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        ndarray of shape (n_samples,)
            From 0 to 1; 0 for rows without a code. Without `backoff`.
        """
        return self._recall(X, groups, backoff=None)[1]

    def _store(self, X, groups):
        """Store checked rows."""
        started, before, n_stored = time.perf_counter(), room(self), self.n_stored_
        parts = sequences(groups, X.shape[0], previous=self._group)
        winners, found, self.state_ = self._learn(X, parts, self.state_)
        self._group = None if groups is None else np.asarray(groups)[-1:].tolist()[0]
        self._note(winners)
        self._record(winners, found, self.n_stored_ - n_stored, started)
        warn_if_full(self, before)

    def _recall(self, X, groups, backoff=()):
        """Return the winners, the familiarity and the place of each row in its sequence."""
        check_is_fitted(self)
        self._validate_params()
        X = self._check_binary_input(X, reset=False)
        parts = sequences(groups, X.shape[0])
        backoff = self.backoff if backoff == () else backoff
        return self._scan(X, parts, self.initial_state(), backoff=backoff)[:3]
