"""`SpatialPooler`: columns compete for binary inputs, and winners learn what they won."""

import time

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from .._core.history import PoolerRecord, Recorded, as_rows, from_rows
from .._core.rng import as_generator
from .._core.storing import Storing
from .._core.validation import Integral, Interval, Real, RealNotInt
from ..dictionary import Dictionary
from ..encoder import Capabilities, Encoder
from ._pooler_kernels import PoolerRule
from ._pooling import Pool, code, learn, make_pool, shape_of_input
from ._trace import Rows
from .layouts import csr_of_columns

#: Share of `permanence_threshold` by which the permanences of weak columns grow.
RAISE = 0.1


class SpatialPooler(Storing, Recorded, Encoder):
    r"""Code binary inputs by the few columns that overlap with them most, and let these learn what they won.

    A column has potential synapses to some inputs, each with a permanence in [0, 1]; those with a permanence of at
    least `permanence_threshold` are connected. For an input x with ones at some features

        overlap_c = number of connected synapses of column c to ones of x,
        score_c = overlap_c exp(-boost_strength d_c),

    for the duty cycle d_c, the share of the last rows that the column won. The columns with the largest scores win. To
    learn, they raise the permanences of their potential synapses to ones of x, and lower those to zeros. So columns
    come to stand for parts of inputs that occur together, at a sparsity that does not depend on that of x.

    Parameters
    ----------
    n_components : int, default=1024
        Columns.
    n_winners : int or float, default=0.05
        Columns that win, or their share, in (0, 1), rounded and at least one.
    n_blocks : int, default=1
        Blocks of columns, equally many each, that compete only among themselves, as macrocolumns do: local inhibition,
        by blocks rather than by neighbourhoods that overlap, which are slow and gave worse codes. Winners are shared
        out evenly, rounded and at least one for each block. With `potential_radius` the columns of a block have one
        window, so that each part of the input is coded; 1 is one competition of all.
    potential_fraction : float, default=0.5
        Share of the inputs of its window to which a column has potential synapses, drawn at random; in (0, 1].
    potential_radius : int or None, default=None
        The window of a column reaches so far on each side along each axis of `input_shape`, around a place drawn at
        random. None is the whole input.
    permanence_threshold : float, default=0.1
        Permanence from which a synapse is connected, in (0, 1). At first about half of them are.
    permanence_increment : float, default=0.05
    permanence_decrement : float, default=0.008
        By how much permanences of a winner grow, and fall, with each row.
    stimulus_threshold : int, default=0
        Overlap that a winner needs; one at least.
    boost_strength : float, default=10.0
        How much duty cycles count against a column; 0, the default elsewhere, is no boosting.
    duty_period : int, default=1000
        Rows over which duty cycles are averaged.
    least_duty : float, default=0.001
        Columns that could hardly ever win get stronger: in [0, 1], relative to the best column. After each row, all
        permanences of columns with ``overlap_duty_cycles_ < least_duty * overlap_duty_cycles_.max()`` are raised by a
        tenth of `permanence_threshold`. An overlap counts for these duty cycles from `stimulus_threshold` on (1 at
        least), whether the column wins or not. 0 raises none.
    max_iter : int, default=1
        Passes of `fit` over the rows.
    input_shape : tuple of int or None, default=None
        Shape of an input; rows are flattened. None for one axis.
    binarize : float or None, default=None
        Threshold above which features are ones. None takes zeros and ones only.
    sparse_output : bool, default=False
        Whether codes are a CSR array.
    n_jobs : int or None, default=None
        Threads of `transform`; learning is serial. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        Seed of potential synapses and first permanences.

    Attributes
    ----------
    permanences_ : csr_array of shape (n_components, n_features), float32
        Of the potential synapses, also where they are 0.
    dictionary_ : Dictionary
        The connected synapses of each column, binary.
    duty_cycles_ : ndarray of shape (n_components,)
        Share of the last rows that each column won.
    overlap_duty_cycles_ : ndarray of shape (n_components,)
        Share of the last rows in which its overlap was large enough to win.
    n_items_ : int
        Rows with ones that were learned from.
    code_shape_ : tuple
        ``(n_components,)``.
    n_iter_ : int
        Passes over rows.
    history_ : structured ndarray of shape (n_iter_,)
        For each pass: objective (share of the ones of a row that its winners do not see, mean over winners and rows),
        sparsity, used (share of columns that won at all), connected (share of potential synapses), seconds.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, entries other than 0 and 1 with ``binarize=None``, X that is empty or not finite.

    Notes
    -----
    The first call of `partial_fit`, or `fit`, fixes `n_components`, `n_blocks`, the potential synapses,
    `permanence_threshold` and `random_state`, of which later changes wait for `fit`. The others hold from the next call
    on.

    A row with n ones takes O(n C + k P) to learn, for C columns with P potential synapses and k winners, and O(n C) to
    code, as sums of bytes. Of equal scores the first column wins. Empty rows have empty codes, and nothing is learned
    from them.

    Learning has no objective that it must lower, and need not converge: with the default rates, the synapses to
    inputs that are ones in less than 0.008 / 0.058 = 14 % of the rows that a column wins go, the others stay. With
    30 % of the ones of random patterns moved, learned codes keep 0.92 of theirs, random synapses 0.37; learning
    alone gives 0.77 but makes codes of different patterns alike (0.41 in common, against 0.09), boosting alone 0.31
    and 0.04, both 0.03. What a classifier gains is by boosting: of digits 0.92 are right with random synapses and
    boosting. To a logistic regression they are worth about as much as the bits they code: 0.93 of digits are right,
    against 0.91 of bits, and 0.81 of Fashion-MNIST with 1024 columns, 0.83 with 4096, against 0.82. Without
    boosting few columns win all, and codes are worse than those of random synapses.

    References
    ----------
    Y. Cui, S. Ahmad and J. Hawkins, "The HTM spatial pooler: a neocortical algorithm for online sparse distributed
    coding", Front. Comput. Neurosci. 11:111 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.sdr import SpatialPooler
    >>> rng = np.random.default_rng(0)
    >>> classes = rng.random((5, 100)) < 0.2
    >>> X = classes[rng.integers(5, size=300)] ^ (rng.random((300, 100)) < 0.02)
    >>> pooler = SpatialPooler(200, random_state=0).fit(X)
    >>> codes = pooler.transform(classes)
    >>> codes.sum(axis=1).tolist()
    [10, 10, 10, 10, 10]
    """

    _record_class = PoolerRecord

    _parameter_constraints = {  # noqa: RUF012
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_winners": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0, 1, closed="neither")],
        "n_blocks": [Interval(Integral, 1, None, closed="left")],
        "potential_fraction": [Interval(Real, 0, 1, closed="right")],
        "potential_radius": [Interval(Integral, 0, None, closed="left"), None],
        "permanence_threshold": [Interval(Real, 0, 1, closed="neither")],
        "permanence_increment": [Interval(Real, 0, 1, closed="both")],
        "permanence_decrement": [Interval(Real, 0, 1, closed="both")],
        "stimulus_threshold": [Interval(Integral, 0, None, closed="left")],
        "boost_strength": [Interval(Real, 0, None, closed="left")],
        "duty_period": [Interval(Integral, 1, None, closed="left")],
        "least_duty": [Interval(Real, 0, 1, closed="both")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "input_shape": [tuple, list, Integral, None],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "sparse_output": ["boolean"],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        n_components=1024,
        *,
        n_winners=0.05,
        n_blocks=1,
        potential_fraction=0.5,
        potential_radius=None,
        permanence_threshold=0.1,
        permanence_increment=0.05,
        permanence_decrement=0.008,
        stimulus_threshold=0,
        boost_strength=10.0,
        duty_period=1000,
        least_duty=0.001,
        max_iter=1,
        input_shape=None,
        binarize=None,
        sparse_output=False,
        n_jobs=None,
        random_state=None,
    ):
        self.n_components = n_components
        self.n_winners = n_winners
        self.n_blocks = n_blocks
        self.potential_fraction = potential_fraction
        self.potential_radius = potential_radius
        self.permanence_threshold = permanence_threshold
        self.permanence_increment = permanence_increment
        self.permanence_decrement = permanence_decrement
        self.stimulus_threshold = stimulus_threshold
        self.boost_strength = boost_strength
        self.duty_period = duty_period
        self.least_duty = least_duty
        self.max_iter = max_iter
        self.input_shape = input_shape
        self.binarize = binarize
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are: binary."""
        return Capabilities("binary", invertible=False, stateful=False, online=True, signed=False)

    def transform(self, X):
        """Return the codes of the rows of X: the columns with the largest scores.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_components), bool
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_rows(X, reset=False)
        codes = csr_of_columns(code(self._pool, Rows(X), self._rule(), self.n_jobs), self.code_shape_[0])
        return codes if self.sparse_output else codes.toarray()

    @property
    def permanences_(self):
        """Permanences of the potential synapses."""
        pool = self._fitted()
        n_columns, n_potential = pool.pools.shape
        indptr = np.arange(n_columns + 1) * n_potential
        shape = n_columns, len(pool.connected)
        return csr_array((pool.permanences.ravel(), pool.pools.ravel(), indptr), shape=shape, copy=True)

    @property
    def dictionary_(self):
        """The connected synapses as a binary `Dictionary`."""
        return Dictionary(csr_array(self._fitted().connected.T.astype(bool)))

    @property
    def duty_cycles_(self):
        """Share of the last rows that each column won."""
        return self._fitted().duty.copy()

    @property
    def overlap_duty_cycles_(self):
        """Share of the last rows in which the overlap of each column was large enough."""
        return self._fitted().overlap_duty.copy()

    @property
    def n_items_(self):
        """Rows that were learned from."""
        return int(self._fitted().totals[0])

    @property
    def code_shape_(self):
        """The number of columns."""
        return (len(self._fitted().pools),)

    @property
    def _n_passes(self):
        return self.max_iter

    def _check_rows(self, X, *, reset):
        return self._check_binary_input(X, reset=reset)

    def _start(self, n_features):
        """Begin with random synapses."""
        shape = shape_of_input(self.input_shape, n_features)
        self._threshold, self._n_blocks = float(self.permanence_threshold), int(self.n_blocks)
        if self.n_components % self.n_blocks:
            raise ValueError(
                f"`n_components`={self.n_components} columns cannot be shared out evenly among `n_blocks`="
                f"{self.n_blocks}; make it a multiple."
            )
        self._pool = make_pool(
            as_generator(self.random_state),
            int(self.n_components),
            self._n_blocks,
            shape,
            self.potential_radius,
            self.potential_fraction,
            self._threshold,
        )
        self._records = []

    def _store(self, X):
        """Learn from checked rows."""
        started = time.perf_counter()
        self._pool, winners, explained = learn(self._pool, Rows(X), self._rule())
        coded = winners[winners[:, 0] >= 0]
        n_columns = len(self._pool.pools)
        record = PoolerRecord(
            epoch=len(self._records),
            objective=float(1 - explained[winners[:, 0] >= 0].mean()) if len(coded) else 0.0,
            sparsity=float((winners >= 0).mean() * winners.shape[1] / n_columns),
            used=len(np.unique(coded[coded >= 0])) / n_columns,
            connected=float((self._pool.permanences >= np.float32(self._threshold)).mean()),
            seconds=time.perf_counter() - started,
        )
        self._records = [*self._records, record]

    def _rule(self):
        """Return the parameters as kernels take them."""
        n_columns = len(self._pool.pools)
        given = self.n_winners
        n_winners = given if isinstance(given, Integral) else max(1, round(given * n_columns))
        of_block = max(1, round(n_winners / self._n_blocks))
        return PoolerRule(
            n_winners=min(int(of_block), n_columns // self._n_blocks),
            n_blocks=self._n_blocks,
            least=max(1, int(self.stimulus_threshold)),
            period=int(self.duty_period),
            boost=float(self.boost_strength),
            least_duty=float(self.least_duty),
            threshold=np.float32(self._threshold),
            increment=np.float32(self.permanence_increment),
            decrement=np.float32(self.permanence_decrement),
            raise_by=np.float32(RAISE * self._threshold),
        )

    def _fitted(self):
        check_is_fitted(self)
        return self._pool

    def _get_fitted_state(self):
        return {"threshold": self._threshold, "n_blocks": self._n_blocks}, self._pool._asdict() | {
            "records": as_rows(self._records)
        }

    def _set_fitted_state(self, scalars, arrays):
        arrays = dict(arrays)
        self._threshold, self._n_blocks = scalars["threshold"], scalars["n_blocks"]
        self._records = from_rows(arrays.pop("records"), PoolerRecord)
        self._pool = Pool(**arrays).copy()
        n_columns = len(self._pool.pools)
        if self._pool.connected.shape != (self.n_features_in_, n_columns) or self._pool.totals.shape != (1,):
            raise ValueError("the synapses of the pooler do not fit its shape.")
