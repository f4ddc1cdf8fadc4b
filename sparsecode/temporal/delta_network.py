"""`DeltaNetwork`: a feed-forward network on a stream, which computes what has changed."""

import math
import time
from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.validation import Integral, Interval, Real, StrOptions, fit_context, unchanged_on_failure
from ..coding._wiring import Prepared
from ..encoder import Capabilities, Encoder, sequences
from ._calibration import largest_factor
from ._linear import RUNS
from ._operations import count_operations
from ._sklearn_networks import layers_and_classes
from ._streams import StreamMixin, StreamRecord, blocks, check_magnitude, check_state
from .layers import Conv2D, Dense, Residual, check_layers, follow, linear_layers


class NetworkState(NamedTuple):
    """What the layers of a network have received, and the sums that they keep up to date.

    Attributes
    ----------
    received : ndarray of shape (n_inputs,)
        Inputs of all linear layers, one after the other, as far as they were sent.
    sums : ndarray of shape (n_sums,)
        Their outputs.
    peaks : ndarray of shape (n_linear,)
        The largest change of an input of each since its sums were computed anew.
    n_rows : ndarray of shape (1,), int64
        Rows since the beginning.
    """

    received: np.ndarray
    sums: np.ndarray
    peaks: np.ndarray
    n_rows: np.ndarray


class DeltaNetwork(StreamMixin, Encoder):
    r"""Run a trained network on a stream: each linear layer gets the changes of its inputs, and corrects its sums.

    A layer z = a W + b remembers the input h that it has received so far. With the next input a,

        d = a - h  where |a - h| > threshold, else 0;    h <- h + d;    z <- z + d W,

    which takes products with the rows of W whose inputs have changed. All that is not linear is computed from z. So
    |a - h| <= threshold at all times, and with a threshold of 0 outputs are those of the network itself, up to
    rounding.

    Parameters
    ----------
    layers : sequence of layers
        `Dense`, `Conv2D`, `Activation`, `Pool2D`, `Flatten`, `Residual`, in their order.
    threshold : float or sequence of float, default=0.0
        Change of an input above which it is sent, >= 0, in units of `scale`; one for all linear layers, or one for
        each, those within a `Residual` too.
    scale : {"std", "absolute"}, default="std"
        Units of `threshold`: the standard deviation of all inputs of a layer, for the rows of fit, or those of the
        inputs.
    refresh_every : int or None, default=1000
        Rows after which sums are computed anew from h, so that rounding does not add up. They always are when an input
        has gone that was 64 times as large as all there are now. None is at no fixed time.
    input_shape : tuple of int or None, default=None
        Shape of a frame, (height, width) or (height, width, n_channels), for networks of images.

    Attributes
    ----------
    threshold_ : ndarray of shape (n_linear,)
        Of each linear layer, in units of its input.
    code_shape_ : tuple
        Shape of an output.
    n_iter_ : int
        1.
    history_ : structured ndarray of shape (1,)
        Mean of half the squared difference to outputs of the network itself, share of inputs that were sent, and
        seconds, for the rows of fit.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For layers that do not fit together or X, parameters out of range, and X that is not finite.

    See Also
    --------
    DeltaEncoder : Events of a stream itself.

    Notes
    -----
    A row takes a look at all inputs of each layer, and the products of those that were sent. A convolution computes
    whole windows anew where so many inputs have changed that this is less work. This is for streams, a row at a time:
    many rows at once, or independent ones, are faster by products of matrices (`dense`), and independent rows have
    larger differences than values.

    Errors: with thresholds t_l and 1-Lipschitz activations, the error E_l of the inputs of layer l obeys
    E_(l+1) <= ||W_l|| (E_l + t_l) in the maximum norm, for ||W_l|| the largest sum of |weights| of an output.

    References
    ----------
    P. O'Connor and M. Welling, "Sigma delta quantized networks", ICLR (2017). D. Neil, J. Lee, T. Delbruck and S.-C.
    Liu, "Delta networks for optimized recurrent network computation", ICML (2017). M. Parger, C. Tang, C. D. Twigg, C.
    Keskin, R. Wang and M. Steinberger, "DeltaCNN: end-to-end CNN inference of sparse frame differences in videos",
    CVPR (2022).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.temporal import Activation, DeltaNetwork, Dense
    >>> rng = np.random.default_rng(0)
    >>> layers = [Dense(rng.normal(size=(20, 30))), Activation("relu"), Dense(rng.normal(size=(30, 2)))]
    >>> X = np.cumsum(rng.normal(size=(100, 20)) * (rng.random((100, 20)) < 0.1), axis=0)
    >>> network = DeltaNetwork(layers).fit(X)
    >>> bool(np.allclose(network.transform(X), network.dense(X)))
    True
    >>> counts = network.count_operations(X)
    >>> bool(counts["delta"].sum() < 0.5 * counts["dense"].sum())
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        "layers": [list, tuple],
        "threshold": [Interval(Real, 0, None, closed="left"), "array-like"],
        "scale": [StrOptions({"absolute", "std"})],
        "refresh_every": [Interval(Integral, 1, None, closed="left"), None],
        "input_shape": [tuple, list, Integral, None],
    }

    def __init__(self, layers, *, threshold=0.0, scale="std", refresh_every=1000, input_shape=None):
        self.layers = layers
        self.threshold = threshold
        self.scale = scale
        self.refresh_every = refresh_every
        self.input_shape = input_shape

    @classmethod
    def from_sklearn(cls, network, X, **params):
        """Return the network of a fitted MLPClassifier or MLPRegressor, fitted to the rows of X.

        Parameters
        ----------
        network : MLPClassifier or MLPRegressor
        X : array-like of shape (n_samples, n_features)
        **params : dict
            `threshold` and the like.

        Returns
        -------
        DeltaNetwork
            Its outputs are those of ``predict_proba`` (of ``predict`` for a regressor), one column for each output of
            the network: for two classes one, the probability of the second.

        Raises
        ------
        ValueError
            If it is not such a network, or one of its activations is not known.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.neural_network import MLPClassifier
        >>> from sparsecode.temporal import DeltaNetwork
        >>> X, y = load_digits(return_X_y=True)
        >>> mlp = MLPClassifier((30,), tol=1.0, random_state=0).fit(X, y)
        >>> network = DeltaNetwork.from_sklearn(mlp, X, threshold=0.1)
        >>> network.transform(X[:2]).shape
        (2, 10)
        """
        layers, _ = layers_and_classes(network)
        return cls(layers, **params).fit(X)

    def capabilities(self):
        """Return what codes are: outputs of rows that are moments of time."""
        return Capabilities("real", invertible=False, stateful=True, online=False)

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, groups=None):
        """Check that the layers fit X, and fix the thresholds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : Ignored
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row, as integers or strings (`groups_from_lengths`). None is one sequence.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X = self._check_stream(X, reset=True)
            parts = sequences(groups, len(X))
            self._lay(self.layers, self.refresh_every)
            self.threshold_ = self._thresholds(X)
            started = time.perf_counter()
            squares, n_sent = self._measure(X, parts, self._dense(X))
            share = n_sent / (len(X) * sum(math.prod(shape) for shape, _ in self._shapes[1]))
            self._record = StreamRecord(0, squares / (2 * len(X)), share, time.perf_counter() - started)
        return self

    def transform(self, X, groups=None):
        """Return the outputs for the rows of X, each sequence from its beginning.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row. None is one sequence.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
            With the dtype of X (float64 unless X is float32).
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_stream(X, reset=False)
        return np.concatenate([out for _, out, _, _ in self._blocks(X, sequences(groups, len(X)))])

    def dense(self, X):
        """Return the outputs of the network itself: every row anew, by products of matrices.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
        """
        return self._dense(self._check_stream(X, reset=False))

    def initial_state(self):
        """Return the `NetworkState` before any row."""
        check_is_fitted(self)
        return self._begin(np.dtype(np.float64))

    def step(self, x, state, learn=False):
        """Return the outputs for one row, and the state after it.

        Parameters
        ----------
        x : array-like of shape (n_features,)
        state : NetworkState
            Not changed.
        learn : bool, default=False
            Has no effect.

        Returns
        -------
        outputs : ndarray of shape (n_outputs,)
        state : NetworkState
        """
        x = self._check_sample(x)
        check_magnitude(x)
        state = check_state(state, self._begin(x.dtype), self)
        return self._run(x, state)[0][0], state

    def calibrate(self, X, error, groups=None):
        """Multiply all thresholds by the largest factor, near enough, with which outputs have no larger error.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        error : float
            Pooled error of the outputs y, ``sum ||y - y_dense||^2 / sum ||y_dense - mean||^2``, > 0.
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If `error` is not a number > 0, the outputs do not differ, or thresholds are zero: begin with 0.1 or so.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_stream(X, reset=False)
        parts, outputs = sequences(groups, len(X)), self._dense(X)
        variance = np.square(outputs - outputs.mean(axis=0, dtype=np.float64)).sum()
        thresholds = self.threshold_

        def excess(factor):
            self.threshold_ = thresholds * factor
            return self._measure(X, parts, outputs)[0]

        with unchanged_on_failure(self):
            factor = largest_factor(excess, error, variance, thresholds)
            self.threshold_ = thresholds * factor
        return self

    def count_operations(self, X, groups=None):
        """Return how many products the rows of X take in each linear layer, by four ways to compute.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        xarray.Dataset
            Along "layer", means over rows but where said otherwise: "dense", all products of weights and inputs;
            "zero_skip", those with inputs of the network itself that are not 0; "delta", those with changes that were
            sent, first rows of sequences left out; "refresh", those of sums computed anew; "first", those of a first
            row; "compares", the inputs, each of which is looked at; "density", the share of inputs that were sent.
            The attribute "saving" is dense over delta and refresh, "error" the pooled error of outputs.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_stream(X, reset=False)
        return count_operations(self, X, sequences(groups, len(X)))

    @property
    def code_shape_(self):
        """Shape of an output."""
        check_is_fitted(self)
        return self._shapes[0]

    def _lay(self, layers, every):
        """Take layers and the time of refreshing, which later changes of the parameters do not touch."""
        self._every = every
        check_layers(layers)
        self._layers, self._prepared = tuple(layers), Prepared()
        self._shapes = shapes_of(self._layers, self._frame_shape())

    def _dense(self, X):
        """Return the outputs of the network itself for checked rows."""
        check_weights(linear_layers(self._layers), X.dtype)
        A = follow(self._layers, self._frames(X), lambda layer, A: layer.dense(A))
        check_outputs(A)
        return np.ascontiguousarray(A.reshape(len(A), -1))

    def _frame_shape(self):
        """Return the shape of a frame with its channels."""
        shape = self._sample_shape(False) or (self.n_features_in_,)
        return (*shape, 1) if len(shape) == 2 else shape

    def _frames(self, X):
        return X.reshape(len(X), *self._frame_shape())

    def _thresholds(self, X):
        """Return the thresholds of linear layers in units of their inputs."""
        n_linear, given = len(self._shapes[1]), np.asarray(self.threshold)
        if given.dtype.kind not in "iuf" or given.shape not in ((), (n_linear,)) or not (given >= 0).all():
            raise ValueError(
                f"`threshold` must be a number >= 0, or {n_linear} of them, one for each linear layer, got "
                f"{self.threshold!r:.80}."
            )
        units = np.ones(n_linear)
        if self.scale == "std" and given.any():
            inputs = []
            follow(self._layers, self._frames(X), lambda layer, A: inputs.append(A) or layer.dense(A))
            units = np.array([A.std(dtype=np.float64) for A in inputs])
        thresholds = given * units
        if not np.isfinite(thresholds).all():
            raise ValueError(f"`threshold` must be finite in units of the inputs, got {self.threshold!r:.80}.")
        return thresholds

    def _runs(self, dtype):
        """Return the linear layers at work in a dtype."""
        if dtype not in self._prepared:
            kinds = linear_layers(self._layers)
            check_weights(kinds, dtype)
            self._prepared[dtype] = [
                RUNS[type(layer)](layer, shape, dtype) for layer, (shape, _) in zip(kinds, self._shapes[1], strict=True)
            ]
        return self._prepared[dtype]

    def _begin(self, dtype):
        """Return the state before any row, in a dtype."""
        n_inputs, n_sums = (sum(math.prod(shape) for shape in shapes) for shapes in zip(*self._shapes[1], strict=True))
        peaks = np.zeros(len(self._shapes[1]), dtype)
        return NetworkState(np.zeros(n_inputs, dtype), np.zeros(n_sums, dtype), peaks, np.zeros(1, np.int64))

    def _run(self, X, state):
        """Return the outputs for rows, how many inputs were sent, and all inputs of linear layers; change the state."""
        dtype, at, n_sent, inputs = X.dtype, [0, 0, 0], 0, []
        runs, thresholds = self._runs(dtype), self.threshold_.astype(dtype)
        age = state.n_rows[0] + np.arange(len(X))
        every = self._every
        fresh = (age == 0) | (np.zeros(len(X), bool) if every is None else age % every == 0)

        def advance(layer, A):
            nonlocal n_sent
            number, first, start = at
            run = runs[number]
            at[:] = number + 1, first + run.n_inputs, start + run.n_sums
            limits = np.where(age == 0, dtype.type(0), thresholds[number])
            received, sums = state.received[first : at[1]], state.sums[start : at[2]]
            peak = state.peaks[number : number + 1]
            out, sent = run.advance(A, limits, fresh.astype(np.int64), received, sums, peak)
            n_sent += int(sent.sum())
            inputs.append(A)
            return out

        A = follow(self._layers, self._frames(X), advance)
        state.n_rows[0] += len(X)
        check_outputs(A)
        return A.reshape(len(A), -1), n_sent, inputs

    def _blocks(self, X, parts):
        """Yield rows, and what `_run` makes of them."""
        widest = max(math.prod(shape) for pair in self._shapes[1] for shape in pair)
        for rows, _ in parts:
            state = self._begin(X.dtype)
            for block in blocks(rows, widest):
                yield block, *self._run(X[block], state)

    def _measure(self, X, parts, outputs):
        """Return the sum of squared errors of outputs, and the number of inputs that were sent."""
        squares, n_sent = 0.0, 0
        for rows, out, sent, _ in self._blocks(X, parts):
            squares += np.square(out - outputs[rows], dtype=np.float64).sum()
            n_sent += sent
        return squares, n_sent

    def _get_fitted_state(self):
        scalars = {"record": list(self._record), "layers": list(self._layers), "every": self._every}
        return scalars, {"threshold": self.threshold_}

    def _set_fitted_state(self, scalars, arrays):
        self.threshold_, self._record = arrays["threshold"], StreamRecord(*scalars["record"])
        self._lay(scalars["layers"], scalars["every"])
        if self.threshold_.shape != (len(self._shapes[1]),):
            raise ValueError("the thresholds of the network do not fit its layers.")


def check_outputs(A):
    """Raise if sums have overflowed."""
    bad = np.flatnonzero(~np.isfinite(A.reshape(len(A), -1)).all(axis=1))
    if bad.size:
        raise ValueError(
            f"the outputs of {bad.size} rows overflow {A.dtype}, first row {bad[0]}: give X as float64, or scale it."
        )


def check_weights(layers, dtype):
    """Raise if weights are beyond a dtype."""
    for layer in layers:
        largest = max(np.abs(layer.weights).max(), np.abs(layer.bias).max())
        if largest > np.finfo(dtype).max:
            raise ValueError(f"{layer!r} has weights up to {largest:.1e}, beyond {dtype}; give X as float64.")


def shapes_of(layers, shape):
    """Return the shape of outputs for frames of a shape, and those of inputs and outputs of linear layers."""
    pairs = []
    for layer in layers:
        out = layer.out_shape(shape)
        if isinstance(layer, Residual):
            pairs += shapes_of(layer.layers, shape)[1]
        elif isinstance(layer, Dense | Conv2D):
            pairs.append((shape, out))
        shape = out
    if not pairs:
        raise ValueError(f"`layers` must have a Dense or Conv2D layer, got {layers!r:.80}.")
    return shape, pairs
