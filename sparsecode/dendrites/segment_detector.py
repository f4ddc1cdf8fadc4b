"""`DendriticSegmentDetector`: segments with few synapses each, which detect patterns of sparse activity."""

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from .._core.arrays import as_dense
from .._core.validation import Integral, Interval, Real, StrOptions, fit_context, unchanged_on_failure
from ..encoder import Capabilities, Encoder, available_if_capable
from ._detector_segments import MOST_SYNAPSES, SegmentsMixin
from ._overlaps import active_segments, overlaps_of


class DendriticSegmentDetector(SegmentsMixin, Encoder):
    r"""Detect patterns of sparse activity by segments of dendrites, each with a few synapses.

    A segment takes synapses onto some of the cells that are active in a pattern. With Q_j for the number of its
    connected synapses whose cells are active in a row, segment j is active if

        Q_j >= theta_j,

    whatever else is active. Where activity is sparse that takes few synapses, bears much noise, and hardly happens by
    accident: how seldom, `sparsecode.dendrites.theory` says for random rows. Rows of real data resemble each other, and
    segments answer to others some millions of times as often; so thresholds are calibrated on the rows themselves.

    Parameters
    ----------
    n_synapses : int, default=30
        Synapses onto each pattern, at random; all of its cells where it has fewer.
    threshold : int or "auto", default="auto"
        Connected synapses theta_j that must be active, of all segments. "auto" gives each segment the smallest one at
        which it answers to a share `false_positive_rate` of the rows of others, as measured, and of random ones.
    false_positive_rate : float, default=0.001
        That share, in (0, 1).
    patterns_per_segment : int, default=1
        Patterns that share a segment, which then has as many times `n_synapses`; of one owner if there are labels.
    match_threshold : int or None, default=None
        A row that so many potential synapses of a segment see does not become a pattern of its own: the segment that
        sees most of it learns it. None makes a pattern of every row.
    max_synapses : int or None, default=None
        Synapses of a segment at most. None is ``n_synapses * patterns_per_segment``. With more, a segment that learns
        rows takes more synapses, onto cells that are active in them.
    max_segments : int or None, default=None
        Segments at most: then the one that has not learned for longest is replaced. None sets no limit.
    initial_permanence : float, default=0.5
        Of new synapses, in (0, 1].
    permanence_threshold : float, default=0.3
        Permanence from which a synapse is connected, in (0, 1].
    permanence_increment, permanence_decrement : float, default=0.05
        By how much the permanences of the segment that learns a row grow where its cell is active, and fall elsewhere,
        in [0, 1]. A synapse whose permanence falls to zero is pruned; others grow in its place.
    permanence_punishment : float, default=0.0
        By how much permanences of active synapses fall in the strongest segment of another owner, if so many of them
        are active as `match_threshold` says; it needs that and labels.
    output : {"active", "overlap", "graded"}, default="active"
        Whether codes are the active segments, bool; all overlaps Q_j; or ``max(Q_j - theta_j + 1, 0)``, by how much
        active ones exceed their thresholds.
    binarize : float or None, default=None
        Threshold above which features are active. None takes zeros and ones only.
    sparse_output : bool, default=False
        Whether codes are a CSR array.
    n_jobs : int or None, default=None
        Threads. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the choice of synapses. That for a row depends on the seed and the number of rows before it.

    Attributes
    ----------
    dictionary_ : Dictionary or None
        The connected synapses of each segment, binary, with the coordinates "owner", "threshold" and "patterns"; None
        while there is no segment.
    permanences_ : csr_array of shape (n_segments, n_features), float32
        Of all synapses.
    thresholds_ : ndarray of shape (n_segments,), int
    owners_ : ndarray of shape (n_segments,)
        The label of the patterns of each segment; its number without labels.
    estimated_false_positive_rate_ : float
        Share of the segments that answer to a row of others, from those that were counted: up to 4096 rows by `fit`,
        and with ``threshold="auto"`` all rows by `partial_fit`, before they were learned. NaN if none was.
    expected_false_positive_rate_ : float
        The same for random rows, by the theory.
    mean_active_ : float
        Mean number of ones of the rows that have any.
    n_items_ : int
        Rows that were seen.
    n_replaced_ : int
        Segments that were replaced, since there were `max_segments`.
    code_shape_ : tuple
        ``(n_segments,)``.
    n_iter_ : int
        Calls that learned.
    history_ : structured ndarray of shape (n_iter_,)
        For each: objective (share of its rows with ones that became patterns), sparsity (the estimated rate), segments,
        synapses, seconds.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range or at odds, thresholds that `n_synapses` cannot reach, entries other than 0 and 1
        with ``binarize=None``, X that is empty or not finite, and no row with ones in `fit`.

    Warns
    -----
    UserWarning
        If at the thresholds of the theory segments answer to more than ten times as many rows of others; if no
        thresholds give the rate that is asked for; if segments have fewer synapses than `threshold`; if `fit` replaced
        segments.

    Notes
    -----
    Overlaps are counted along the lists of segments of each active cell: O(S + a s S / n) a row, for S segments of s
    synapses and a of n cells active; 100 000 segments of 20 synapses and a row of 40 of 2048 take some 0.1 ms. Where
    2.5 % of the cells are active and there are 512 rows, active segments of up to 31 synapses are found for 64 rows at
    once, by bits, in a time that does not depend on a. Storing a row takes O(a), but learning with `match_threshold`,
    and `partial_fit` with ``threshold="auto"``, read all S s synapses for it.

    Learning finds what recurs: of 20 patterns of 40 of 1000 cells, each seen 60 times with 30 % of its cells moved, a
    segment of 20 synapses (``match_threshold=8``) ends with 19.8 of them on the pattern, with 14.9 if permanences do
    not change, and detects it from half of its cells, at a threshold of 10, in 0.62 and in 0.16 of the cases (means of
    five seeds; 0.62 is what the theory gives for the pattern itself).

    A threshold of its own for each segment matters: of digits (2048 cells, 40 active, one segment of 30 synapses for
    each of 1257 images, means of five seeds) other images of its class set off 0.21 of the segments of that class, and
    0.145 with one threshold for all; other classes 0.8 and 0.7 in a thousand, where one was asked for.

    `transform` has a column for each segment: more of them after each `partial_fit`.

    References
    ----------
    S. Ahmad and J. Hawkins, "How do neurons operate on sparse distributed representations? A mathematical theory of
    sparsity, neurons and active dendrites", arXiv:1601.00720 (2016). J. Hawkins and S. Ahmad, "Why neurons have
    thousands of synapses, a theory of sequence memory in neocortex", Front. Neural Circuits 10:23 (2016).

    Examples
    --------
    >>> from sparsecode.dendrites import DendriticSegmentDetector
    >>> from sparsecode.sdr import add_noise, random_sdrs
    >>> X = random_sdrs(100, 1000, 40, random_state=0)
    >>> detector = DendriticSegmentDetector(n_synapses=20, threshold=8, random_state=0).fit(X)
    >>> codes = detector.transform(add_noise(X, 0.4, random_state=0))
    >>> int(codes.diagonal().sum()), int(codes.sum())
    (100, 100)
    >>> detector.expected_false_positive_rate_ < 1e-6
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_synapses": [Interval(Integral, 1, MOST_SYNAPSES, closed="both")],
        "threshold": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "false_positive_rate": [Interval(Real, 0, 1, closed="neither")],
        "patterns_per_segment": [Interval(Integral, 1, None, closed="left")],
        "match_threshold": [Interval(Integral, 1, None, closed="left"), None],
        "max_synapses": [Interval(Integral, 1, MOST_SYNAPSES, closed="both"), None],
        "max_segments": [Interval(Integral, 1, None, closed="left"), None],
        "initial_permanence": [Interval(Real, 0, 1, closed="right")],
        "permanence_threshold": [Interval(Real, 0, 1, closed="right")],
        "permanence_increment": [Interval(Real, 0, 1, closed="both")],
        "permanence_decrement": [Interval(Real, 0, 1, closed="both")],
        "permanence_punishment": [Interval(Real, 0, 1, closed="both")],
        "output": [StrOptions({"active", "overlap", "graded"})],
        "binarize": [Interval(Real, None, None, closed="neither"), None],
        "sparse_output": ["boolean"],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        n_synapses=30,
        *,
        threshold="auto",
        false_positive_rate=1e-3,
        patterns_per_segment=1,
        match_threshold=None,
        max_synapses=None,
        max_segments=None,
        initial_permanence=0.5,
        permanence_threshold=0.3,
        permanence_increment=0.05,
        permanence_decrement=0.05,
        permanence_punishment=0.0,
        output="active",
        binarize=None,
        sparse_output=False,
        n_jobs=None,
        random_state=None,
    ):
        self.n_synapses = n_synapses
        self.threshold = threshold
        self.false_positive_rate = false_positive_rate
        self.patterns_per_segment = patterns_per_segment
        self.match_threshold = match_threshold
        self.max_synapses = max_synapses
        self.max_segments = max_segments
        self.initial_permanence = initial_permanence
        self.permanence_threshold = permanence_threshold
        self.permanence_increment = permanence_increment
        self.permanence_decrement = permanence_decrement
        self.permanence_punishment = permanence_punishment
        self.output = output
        self.binarize = binarize
        self.sparse_output = sparse_output
        self.n_jobs = n_jobs
        self.random_state = random_state

    def capabilities(self):
        """Return what codes are: binary and invertible if they are active segments, real otherwise."""
        active = self.output == "active"
        return Capabilities(
            "binary" if active else "real", invertible=active, stateful=False, online=True, signed=False
        )

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Begin anew, make segments for the rows of X, and set thresholds.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or None, default=None
            Labels: rows of one label are no false positives of each other's segments, and share segments only among
            themselves. Real numbers are no labels and are passed over.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_binary_input(X, reset=True)
            self._learn_labelled(X, y, first=True, whole=True)
            if not self.code_shape_[0]:
                raise ValueError("no row of X has a one: there is nothing to take a segment from.")
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None):
        """Learn the rows of X too, in their order: however rows are split over calls, the bits are the same.

        The first call, or `fit`, fixes `random_state`, whether there are labels, and `max_synapses`, by default
        ``n_synapses * patterns_per_segment``: another one is an error. Other parameters hold from the next call on. A
        call that fails or is interrupted leaves the estimator as it was. `fit` makes the same segments as one call of
        this, but calibrates on all rows for each of them, not only on those that come after it.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._validate_params()  # scikit-learn does it for the first call only
            first = not hasattr(self, "_store")
            X = self._check_binary_input(X, reset=first)
            self._learn_labelled(X, y, first=first, whole=False)
        return self

    def transform(self, X):
        """Return what the segments say of the rows of X, as `output` has it.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray or CSR array of shape (n_samples, n_segments)
            bool, or the float type of X.
        """
        check_is_fitted(self)
        self._validate_params()
        dtype = self._code_dtype(getattr(X, "dtype", None))
        X = self._check_binary_input(X, reset=False)
        thresholds = self.thresholds_.astype(np.int16)
        if self.output == "active":
            codes = active_segments(self._wiring, X, thresholds, self.n_jobs)
        else:
            least = np.ones_like(thresholds) if self.output == "overlap" else thresholds
            codes = overlaps_of(self._wiring, X, least, self.n_jobs)
            if self.output == "graded":
                codes.data += 1 - thresholds[codes.indices]
            codes = codes.astype(dtype)
        return codes if self.sparse_output else codes.toarray()

    @available_if_capable("invertible")
    def inverse_transform(self, X):
        """Return the cells that active segments have connected synapses to.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_segments)
            Zeros and ones.

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool
        """
        codes = csr_array(self._check_codes(X))
        if not np.isin(codes.data, (0, 1)).all():
            raise ValueError("X must hold zeros and ones, the active segments, to be taken back to cells.")
        synapses = self._synapses(connected=True)
        return (codes.astype(np.int32) @ synapses.astype(bool).astype(np.int32)).toarray() > 0

    def _check_input(self, X, *, reset):
        """Return the zeros and ones that codes stand for, as numbers: `score` compares with them."""
        return as_dense(self._check_binary_input(X, reset=reset)).astype(np.float64)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
