"""`SAILnet`: spiking neurons that learn a sparse code by rules local to each synapse."""

import math
import time

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from .._core.history import as_history, as_rows, from_rows
from .._core.parallel import run_chunks
from .._core.products import aligned_empty, kernel_array, row_products
from .._core.progress import progress_bar
from .._core.rng import as_generator
from .._core.samples import as_shape
from .._core.validation import (
    Integral,
    Interval,
    Real,
    binary_exponent,
    check_sample_weight,
    fit_context,
    unchanged_on_failure,
)
from ..dictionary import Dictionary
from ..dictionary._fields import image_dims
from ..encoder import Capabilities, Encoder
from ._encode import decode
from ._local_rules import Batch, Network, Rules, SpikingRecord, Totals, updated
from ._spiking_kernels import count_spikes

#: Rows that a thread takes at a time.
CHUNK_ROWS = 64

#: Input beyond so many root mean squares of the training set counts as that much: all neurons are saturated anyway.
LARGEST_INPUT = 1e4


class SAILnet(Encoder):
    r"""Learn receptive fields by spiking neurons whose rules use what is at the synapse only: SAILnet.

    Leaky integrate-and-fire neurons are driven by the sample x through feed-forward weights Q and inhibit each other
    through lateral weights W when they fire,

        v <- v + dt (Q x - v - W s),    s_i = 1 and v_i <- 0 where v_i >= theta_i,

    and the code y counts the spikes of each neuron in `duration`. After each batch (means over it in brackets)

        W_ij     <- max(W_ij + inhibition_rate (<y_i y_j> - p^2), 0)    for i != j,
        Q_i      <- Q_i + weight_rate (<y_i x> - <y_i^2> Q_i),
        theta_i  <- theta_i + threshold_rate (<y_i> - p),

    so that neurons fire at the rate p, independently of each other, and Q becomes the input at which they fire.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of neurons; None means ``n_features``.
    target_rate : float, default=0.05
        The rate p, in spikes of a neuron for a sample.
    dt : float, default=0.1
        Euler step in time constants of the membrane, at most 1. A neuron fires at most once in a step.
    duration : float, default=5.0
        Time constants for which a sample is presented.
    inhibition_rate : float, default=1.0
        Learning rate of lateral weights.
    weight_rate : float, default=0.01
        Learning rate of feed-forward weights.
    threshold_rate : float, default=0.1
        Learning rate of thresholds.
    max_iter : int, default=20
        Epochs of learning.
    batch_size : int, default=100
        Samples between two updates.
    input_shape : tuple of int or None, default=None
        Shape of a sample, such as (12, 12).
    n_jobs : int or None, default=None
        Threads. Results do not depend on it, bit for bit.
    random_state : int, RandomState, Generator or None, default=None
        Seed of initial weights and of the order of samples.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Receptive fields, in units of X for a spike: ``scale_ * Q``.
    inhibition_ : ndarray of shape (n_components, n_components)
        Lateral weights W: symmetric, not negative.
    thresholds_ : ndarray of shape (n_components,)
    scale_ : float
        Root mean square of all features of the training set (of the first batch for `partial_fit`), by which input is
        divided. Learned weights and thresholds are those of divided input.
    dictionary_ : Dictionary
        Of `components_`.
    code_shape_ : tuple
    n_iter_ : int
        Epochs run.
    history_ : structured ndarray of shape (n_epochs,)
        For each epoch: objective (mean of ``0.5 ||x - y Q||^2`` in units of X, which learning does not minimise by
        itself), sparsity (share of counts that are not zero), rate (spikes of a neuron for a sample), rate_deviation
        (root mean square over neurons of ``rate - target_rate``, over `target_rate`), correlation (mean magnitude of
        the correlation of counts of two neurons), silent (neurons that did not fire), seconds.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range and X that is empty or not finite.

    Notes
    -----
    Samples should have zero mean, such as patches of whitened images (`Whitener`, `PatchExtractor` with
    ``center=True``). The authors also give each patch unit variance; here the scale is one for all, so that counts keep
    the contrast. A sample costs O(K F) for the drive and O(K (steps + spikes)) for the dynamics, an update O(K^2).
    The rules follow no gradient of one objective, and a reconstruction from counts is coarse: of natural patches with
    0.9 % of 144 neurons active its relative error is 0.63, that of non-negative CEL0 codes of the same atoms 0.48.
    Learning takes thousands of updates: lateral weights grow to the order of 100 before neurons fire at their rate. One
    moves Q at most to ``<y_i x> / <y_i^2>``, and thresholds stay positive, so that no input makes weights grow
    without bound.

    References
    ----------
    J. Zylberberg, J. T. Murphy and M. R. DeWeese, "A sparse coding model with synaptically local plasticity and spiking
    neurons can account for the diverse shapes of V1 simple cell receptive fields", PLoS Comput. Biol. 7(10):e1002250
    (2011).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.coding import SAILnet
    >>> rng = np.random.default_rng(0)
    >>> X = (rng.random((2000, 8)) < 0.1) @ rng.standard_normal((8, 16))
    >>> net = SAILnet(8, target_rate=0.1, batch_size=20, random_state=0).fit(X)
    >>> counts = net.transform(X)
    >>> counts.shape, bool(abs(counts.mean() - 0.1) < 0.02)
    ((2000, 8), True)
    """

    _parameter_constraints = {  # noqa: RUF012
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "target_rate": [Interval(Real, 0, None, closed="neither")],
        "dt": [Interval(Real, 0, 1, closed="right")],
        "duration": [Interval(Real, 0, None, closed="neither")],
        "inhibition_rate": [Interval(Real, 0, None, closed="left")],
        "weight_rate": [Interval(Real, 0, 1, closed="both")],
        "threshold_rate": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "input_shape": [tuple, list, Integral, None],
        "n_jobs": [Interval(Integral, None, -1, closed="right"), Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state", np.random.Generator],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components=None,
        *,
        target_rate=0.05,
        dt=0.1,
        duration=5.0,
        inhibition_rate=1.0,
        weight_rate=0.01,
        threshold_rate=0.1,
        max_iter=20,
        batch_size=100,
        input_shape=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.target_rate = target_rate
        self.dt = dt
        self.duration = duration
        self.inhibition_rate = inhibition_rate
        self.weight_rate = weight_rate
        self.threshold_rate = threshold_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.input_shape = input_shape
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def capabilities(self):
        """Return what codes are: counts of spikes, as real numbers."""
        return Capabilities("real", invertible=True, stateful=False, online=True, signed=False)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn from the rows of X, in an order that is drawn anew in each epoch.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the samples, >= 0, in the means of the rules and in `scale_`. Only their ratios count: an update
            is as large as the weights of its batch are.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X, weights = check_sample_weight(sample_weight, self._check_input(X, reset=True), mean_one=True)
            rng = as_generator(self.random_state)
            self._start(X, weights, rng)
            self._learn(X, self.max_iter, rng, weights)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Go on learning from the rows of X, once and in their order.

        The first call, or `fit`, fixes the number of neurons and the scale of the input. Chunks that are multiples of
        `batch_size` give the bits of one call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the samples, >= 0. Only their ratios within a batch count: what the samples of one batch weigh
            beside those of another is lost, and with ``batch_size=1`` all of it.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            self._validate_params()  # scikit-learn does it for the first call only
            first = not hasattr(self, "scale_")
            X, weights = check_sample_weight(sample_weight, self._check_input(X, reset=first))
            if first:
                begun = slice(self.batch_size)
                start_weights = None if weights is None else weights[begun]
                self._start(X[begun], start_weights, as_generator(self.random_state))
            self._learn(X, 1, None, weights)
        return self

    def transform(self, X):
        """Return the spike counts of the neurons for each row of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Whole numbers, with the dtype of X (float64 unless X is float32).
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_input(X, reset=False)
        return self._count(self._network.astype(X.dtype), X, self._scaled)

    def inverse_transform(self, X):
        """Return the reconstructions ``y Q`` of counts, in units of the data.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        return decode(self._check_codes(X), self.components_)

    @property
    def components_(self):
        """Receptive fields in units of the data."""
        return self._network.Q * self._network.Q.dtype.type(self.scale_)

    @property
    def inhibition_(self):
        """Lateral weights."""
        return self._network.inhibition.copy()

    @property
    def thresholds_(self):
        """Thresholds of the neurons."""
        return self._network.thresholds.copy()

    @property
    def dictionary_(self):
        """The receptive fields as a `Dictionary`."""
        check_is_fitted(self)
        shape = None if self.input_shape is None else as_shape(self.input_shape)
        return Dictionary.from_array(self.components_, shape=shape, dims=image_dims(shape))

    @property
    def code_shape_(self):
        """Shape of a code."""
        return (len(self._network.Q),)

    @property
    def n_iter_(self):
        """Epochs run."""
        return len(self._records)

    @property
    def history_(self):
        """A record for each epoch."""
        return as_history(self._records, SpikingRecord)

    def _start(self, X, weights, rng):
        """Set the network before learning, and the scale of the first rows."""
        self._network = Network.random(self.n_components or X.shape[1], X.shape[1], X.dtype, rng)
        self._records = []
        exponent = binary_exponent(X)
        squares = np.square(np.ldexp(X, -exponent), dtype=np.float64)
        size = np.sqrt(squares.mean() if weights is None else np.average(squares.mean(axis=1), weights=weights))
        if size == 0:
            raise ValueError("the first rows of X are all zero, and give no scale; begin with others.")
        self.scale_ = float(np.ldexp(size, exponent))

    def _learn(self, X, epochs, rng, weights):
        """Run epochs over the rows, shuffled if there is a generator."""
        network, records = self._network, list(self._records)
        rules = Rules(self.target_rate, self.inhibition_rate, self.weight_rate, self.threshold_rate)
        with progress_bar(epochs * -(-len(X) // self.batch_size), verbose=self.verbose) as bar:
            for _ in range(epochs):
                order = np.arange(len(X)) if rng is None else rng.permutation(len(X))
                totals, started = Totals(len(network.Q)), time.perf_counter()
                for places in gen_batches(len(X), self.batch_size):
                    rows = order[places]
                    samples = self._scaled(X[rows]).astype(network.Q.dtype, copy=False)
                    given = None if weights is None else weights[rows]
                    batch = Batch.of(samples, self._count(network, samples), given)
                    totals.add(batch, network.Q)
                    # Weights of mean one tell how much a batch has to say; those of `partial_fit` have no scale
                    size = len(samples) if rng is None else batch.total
                    network = updated(network, batch, rules, size / self.batch_size)
                    bar.update()
                record = totals.record(len(records), self.scale_, self.target_rate, time.perf_counter() - started)
                records.append(record)
                bar.set_postfix(rate=f"{record.rate:.3g}", correlation=f"{record.correlation:.3g}", refresh=False)
        self._network, self._records = network, records

    def _scaled(self, X):
        """Return rows in units of the scale."""
        return np.clip(X / np.float64(self.scale_), -LARGEST_INPUT, LARGEST_INPUT).astype(X.dtype)

    def _count(self, network, X, scale=None):
        """Return the spike counts of rows of the network's dtype, in units of the scale or brought there by `scale`."""
        Q, inhibition, thresholds = map(kernel_array, network)
        K, dtype = len(Q), X.dtype
        counts, leak = np.empty((len(X), K), dtype), dtype.type(self.dt)
        n_steps = max(1, math.ceil(self.duration / self.dt - 1e-9))

        def prepare():
            return aligned_empty((CHUNK_ROWS, K), dtype), aligned_empty(K, dtype), np.empty(K, np.int64)

        def count(start, end, stop, drive, v, fired):
            drive = drive[: end - start]
            rows = X[start:end] if scale is None else scale(X[start:end])
            row_products(kernel_array(rows), Q, drive)
            count_spikes(drive, inhibition, thresholds, leak, n_steps, v, fired, stop, counts[start:end])

        run_chunks(count, len(X), n_jobs=self.n_jobs, chunk_rows=CHUNK_ROWS, prepare=prepare)
        return counts

    def _get_fitted_state(self):
        arrays = self._network._asdict() | {"records": as_rows(self._records)}
        return {"scale": self.scale_}, arrays

    def _set_fitted_state(self, scalars, arrays):
        records = from_rows(arrays.pop("records"), SpikingRecord)
        network = Network(**arrays)
        K, F = network.Q.shape
        if (F, network.inhibition.shape, network.thresholds.shape) != (self.n_features_in_, (K, K), (K,)):
            raise ValueError("the weights of the network do not fit together.")
        self.scale_, self._network, self._records = float(scalars["scale"]), network, records
