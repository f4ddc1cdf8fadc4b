"""`MacrocolumnMemory`: an associative memory that stores an input in one trial, as a sparse code of winners."""

import time

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.storing import Storing
from .._core.validation import Integral, Interval, Real, StrOptions
from ..encoder import Capabilities, Encoder
from ._filling import freezing, limits, room, warn_if_all_is_known, warn_if_full
from ._learned import LearnedMixin
from ._novelty import NoveltyMixin
from ._similarity import common_ones
from ._trace import Rows, as_winners, recall, store
from .layouts import winners_to_csr
from .selection import SELECTIONS, Selection, as_selection


class MacrocolumnMemory(LearnedMixin, NoveltyMixin, Storing, Encoder):
    r"""Store binary inputs in one trial each, recall them from a part, and tell how familiar an input is.

    A Sparsey-style macrocolumn: Q modules of K units, with a binary weight from each of F inputs to each unit. A code
    is one winner in each module. For an input x with n active features the support of a unit and the familiarity are

        V_qk = (1 / n) sum_j x_j w_jqk,    G = (1 / Q) sum_q max_k V_qk,

    to recall, the units with most support win; to store, winners are drawn with chances that follow their support
    where the input is familiar and are even where it is novel (`Selection`), and the weights from all active features
    to all winners are set. So similar inputs get similar codes, and an input that comes again gets its own.

    Parameters
    ----------
    n_modules : int, default=70
        Modules Q: more make codes finer and average errors, at no gain in capacity.
    n_units : int, default=20
        Units K of a module: capacity is proportional to it.
    selection : str or Selection, default="adaptive"
        Rule of the chances, or the name of one: "adaptive", "rinkus2014", "sparseycore", "sparseypy", "vmu_demo",
        "rinkus2010". `Selection` says which constants are verified.
    active_bounds : tuple of two floats, default=(0.0, 1.0)
        Share of the features that must be active, at least and at most. Other rows are neither stored nor coded.
    freeze_fraction : float, "auto" or None, default=None
        Share of the weights of a unit above which it learns no more (a critical period). "auto" is 1.25 times the mean
        share of active features of the rows stored so far. None is for inputs that are like random ones; natural ones
        share features, and without freezing the units that win most become those that win always: all rows then look
        familiar, and recall mixes them. Frozen units still win. With many units (100 and more) a few rows freeze those
        that win, and hardly any other row is stored (`n_stored_`): of 1000 digits 5. A higher floor of familiarity,
        ``selection=Selection(floor=0.85)``, stores 63, and tells classes apart as well with 20 units or 100.
    lifetime : int or None, default=None
        Rows after which a weight that was not used again is gone. Weights of the code of a row that comes again while
        it is remembered (G = 1) last for ever. None keeps all. Not together with `freeze_fraction`, nor with
        ``on_duplicate="relearn"``, which would make weights last that are not those of the code.
    on_duplicate : {"skip", "relearn"}, default="skip"
        Whether a row with G = 1, an item that comes again or a part of one, keeps its code, or has a code drawn and
        stored again, as the algorithm has it. Winners then differ here and there each time: of items that come often,
        ten times in a row say, about half are recalled wrong.
    recall_threshold : float or "auto", default="auto"
        Share of the winners to which a feature must have a weight to be recalled by `inverse_transform`, relative to
        the feature that has most; in (0, 1]. "auto" is 0.9, but for each feature at least what it reaches by chance,
        plus three standard deviations: with the share p of all units to which it has a weight,
        ``Q p + 3 sqrt(Q p (1 - p))`` winners. It thus rises to 1 as the memory fills.
    familiarity_threshold : float or "auto", default="auto"
        Familiarity below which `predict` says that an input is novel; also ``offset_``. "auto" is halfway between 1 and
        `chance_familiarity_`, and thus rises as the memory fills: up to the capacity random rows are novel to it, and
        stored ones known, up to half of it also with a tenth of their features moved (near the capacity half of them
        and more). A fixed number does not do both: with 100 of 784 features, random rows have 0.33 when 5 % of the
        capacity is used, and 0.97 when all is.
    store_items : bool, default=False
        Whether the codes of all rows are kept, from the first on, for `likelihoods`.
    binarize : float or None, default=None
        Threshold above which features are active. None takes zeros and ones only.
    sparse_output : bool, default=False
        Whether codes are a CSR array.
    n_jobs : int or None, default=None
        Threads that recall; storing is serial. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the draws. Those of a row depend on the seed and the number of rows before it.

    Attributes
    ----------
    weights_ : ndarray of shape (n_features, n_modules, n_units), bool
    unit_fill_ : ndarray of shape (n_modules, n_units)
        Share of the weights of each unit that are set.
    frozen_ : ndarray of shape (n_modules, n_units), bool
        Units that learn no more.
    n_items_ : int
        Rows that were given a code.
    n_stored_ : int
        Those of them that were learned: not rows that kept the code they had (`on_duplicate`), nor rows of which more
        than half of the drawn winners were frozen. A winner that is frozen gives way to the unit that its module
        recalls, so that the code of such a row stands mostly for something else.
    codes_ : ndarray of shape (n_items_, n_modules), int
        The winners of each of these rows; with `store_items`.
    capacity_estimate_ : float
        Items of the mean number n of active features of those seen that 97 % of the modules recall right, if they are
        random: ``0.85 - 0.8 n / n_features`` times the law (`capacity`), or as many as are stored before units freeze,
        if these are fewer. Measured ones are 0.95 to 1.15 times as many, for n of 5 to 50 % of the features.
    chance_familiarity_ : float
        Familiarity of random rows of as many features, each active as often as it has weights; mean over 64 of them.
    offset_ : float
        Familiarity below which inputs are novel to `predict`.
    dictionary_ : Dictionary
        Of the templates of the units: the features from which they have weights.
    code_shape_ : tuple
        ``(n_modules, n_units)``.
    n_iter_ : int
        Calls that stored rows.
    history_ : structured ndarray of shape (n_iter_,)
        For each call: objective (mean ``1 - G`` of the rows before they were stored), sparsity, stored (rows, as in
        `n_stored_`), fill, seconds.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, entries other than 0 and 1 with ``binarize=None``, X that is empty or not finite.

    Warns
    -----
    UserWarning
        When more rows are stored than `capacity_estimate_`, more than half of the units are frozen, or without freezing
        nearly all rows would look familiar: what a random one lacks is less than 0.3 times what it lacks where a
        memory is full by the law.

    Notes
    -----
    The first call of `partial_fit`, or `fit`, fixes `n_modules`, `n_units`, `store_items` and `random_state`, of which
    later changes wait for `fit`, and whether weights have a `lifetime`. The others hold from the next call on.

    Storing and recalling take O(n Q K) for a row, whatever is stored: for n = 100 of 784 features and 70 modules of 20
    units 11 and 5 us, 3 for 256 rows and more. `partial_fit` copies the weights (F Q K bytes), so that an error leaves
    what is stored as it was; rows are better given in blocks. Ties go to the first unit. G asks how much of what is
    there is known, so a part of a stored input has G = 1 and its code. Of a chain of ever more similar inputs that are
    stored one after the other, each takes over most of the code before it: similarity of codes is that of a probe to
    what is stored.

    With the default rule, 97 % of the modules are right for fewer items than by the law (`capacity`), which takes codes
    as random: 0.87, 0.77, 0.7 and 0.46 times as many with 5, 13, 20 and 50 % of the features active. A memory of 70
    modules of 20 units holds 320 random inputs with 100 of 784 features; of 380 it has 0.91 of the modules right. It is
    no store of thousands of images, and below some 500 items a scan of all of them is as fast. Freezing costs most
    of that: units that freeze at half of their weights hold 63.

    References
    ----------
    G. J. Rinkus, "A cortical sparse distributed coding model linking mini- and macrocolumn-scale functionality", Front.
    Neuroanat. 4:17 (2010). G. J. Rinkus and J. Leveille, "Superposed episodic and semantic memory via sparse
    distributed representation", arXiv:1710.07829 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.sdr import MacrocolumnMemory
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((50, 200)) < 0.1
    >>> memory = MacrocolumnMemory(random_state=0).fit(X)
    >>> part = X & (rng.random(X.shape) < 0.5)
    >>> bool((memory.recall(part) == X).mean() > 0.999)
    True
    >>> novel = rng.random((50, 200)) < 0.1
    >>> memory.familiarity(X).mean().round(2), bool(memory.familiarity(novel).mean() < 0.6)
    (np.float64(1.0), True)
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_modules": [Interval(Integral, 1, None, closed="left")],
        "n_units": [Interval(Integral, 1, None, closed="left")],
        "selection": [StrOptions(set(SELECTIONS)), Selection],
        "active_bounds": [tuple, list],
        "freeze_fraction": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"}), None],
        "lifetime": [Interval(Integral, 1, None, closed="left"), None],
        "on_duplicate": [StrOptions({"relearn", "skip"})],
        "recall_threshold": [Interval(Real, 0, 1, closed="right"), StrOptions({"auto"})],
        "familiarity_threshold": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "store_items": ["boolean"],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "sparse_output": ["boolean"],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        n_modules=70,
        n_units=20,
        *,
        selection="adaptive",
        active_bounds=(0.0, 1.0),
        freeze_fraction=None,
        lifetime=None,
        on_duplicate="skip",
        recall_threshold="auto",
        familiarity_threshold="auto",
        store_items=False,
        binarize=None,
        sparse_output=False,
        n_jobs=None,
        random_state=None,
    ):
        self.n_modules = n_modules
        self.n_units = n_units
        self.selection = selection
        self.active_bounds = active_bounds
        self.freeze_fraction = freeze_fraction
        self.lifetime = lifetime
        self.on_duplicate = on_duplicate
        self.recall_threshold = recall_threshold
        self.familiarity_threshold = familiarity_threshold
        self.store_items = store_items
        self.binarize = binarize
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are: binary."""
        return Capabilities("binary", invertible=True, stateful=False, online=True, signed=False)

    def transform(self, X):
        """Return the codes that the rows of X recall: the units with most support.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_modules * n_units), bool
            A row that is empty, or out of `active_bounds`, has an empty code.
        """
        codes = winners_to_csr(self._recall(X)[0], self._n_units)
        return codes if self.sparse_output else codes.toarray()

    def inverse_transform(self, X):
        """Return the inputs that codes stand for: the features that most winners have a weight from.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_modules * n_units)

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool

        Raises
        ------
        ValueError
            If a row is no code of this memory.
        """
        return self._complete(as_winners(self._check_codes(X), *self.code_shape_))

    def recall(self, X):
        """Return what is stored and resembles each row of X most: ``inverse_transform(transform(X))``.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool
        """
        return self._complete(self._recall(X)[0])

    def familiarity(self, X):
        """Return the familiarity G of each row: 1 if all that is active in it was stored together.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            From 0 to 1; 0 for rows without a code.
        """
        return self._recall(X)[1]

    def likelihoods(self, X):
        """Return how much the code of each row agrees with that of each stored item: a belief over all of them.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_items_)
            Share of the modules with the same winner; about ``1 / n_units`` by chance.

        Raises
        ------
        AttributeError
            Without `store_items`.

        Notes
        -----
        O(n_samples n_items_ Q / K); the only method whose cost grows with what is stored.
        """
        winners, _ = self._recall(X)
        codes, stored = (winners_to_csr(w, self._n_units) for w in (winners, self.codes_))
        return common_ones(codes, stored, self.n_jobs) / self._n_modules

    def _fit_rows(self, X, *, first, for_recall=True):
        """Store rows, from nothing if they are the first; return their winners. Only recall needs room."""
        X = self._check_binary_input(X, reset=first)
        if first:
            self._start(X.shape[1])
        return self._store(X, for_recall=for_recall)

    def _store(self, X, *, for_recall=True):
        """Store checked rows; return their winners."""
        started, n_features = time.perf_counter(), X.shape[1]
        if self.lifetime is not None and self.freeze_fraction is not None:
            raise ValueError("`lifetime` and `freeze_fraction` exclude each other: weights that go need no freezing.")
        if self.lifetime is not None and self.on_duplicate == "relearn":
            raise ValueError(
                "`lifetime` goes with on_duplicate='skip' only: codes that are drawn again would last in place of the "
                "one that is recalled."
            )
        if (self.lifetime is not None) != (self._trace.stamps.size > 0):
            raise ValueError("`lifetime` cannot be changed between calls from None or to it; call `fit`.")
        before, n_stored = room(self), self.n_stored_
        rule, bounds = as_selection(self.selection).bind(), limits(self, n_features)
        freeze = freezing(self, n_features)
        self._trace, winners, found = store(self._trace, Rows(X), rule, bounds, freeze, self._seed, self._n_seen)
        self._note(winners)
        self._record(winners, found, self.n_stored_ - n_stored, started)
        if for_recall:
            warn_if_full(self, before)
        if not for_recall or room(self)[0]:
            warn_if_all_is_known(self, n_stored)
        return winners

    def _recall(self, X):
        """Return the winners and the familiarity of each row."""
        check_is_fitted(self)
        self._validate_params()
        X = self._check_binary_input(X, reset=False)
        rule = as_selection(self.selection).bind()
        return recall(self._trace, Rows(X), rule, limits(self, X.shape[1]), self.n_jobs)
