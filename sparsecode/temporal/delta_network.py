"""`DeltaNetwork`: a feed-forward network on a stream, which computes what has changed."""

import math
import time

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._core.validation import Integral, Interval, Real, StrOptions, check_rows, fit_context, unchanged_on_failure
from ..encoder import Capabilities, Encoder, sequences
from ._calibration import Calibration, calibrate_layers, check_later, scorer_of
from ._network_run import LabelsMixin, NetworkRun, StepsMixin
from ._networks import (
    FramesMixin,
    check_classes,
    fitted_classes,
    last_activation,
    layers_and_classes,
)
from ._operations import count_operations
from ._streams import StreamMixin, StreamRecord, as_thresholds


class DeltaNetwork(StepsMixin, LabelsMixin, FramesMixin, StreamMixin, Encoder):
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
        each, those within a `Residual` too. `calibrate` chooses them.
    scale : {"std", "absolute"}, default="std"
        Units of `threshold`: the standard deviation of all inputs of a layer, for the rows of fit, or those of the
        inputs.
    scheme : {"level", "quantizer"}, default="level"
        What is sent: changes beyond the threshold, as above, or all changes of inputs that are rounded to multiples of
        two thresholds, which makes the same largest error. That is for networks that were trained so
        (`DeltaMLPClassifier`): outputs for a row then do not depend on those before, but for rounding. For others
        "level" sends less, since noise between two levels is sent for ever.
    refresh_every : int or None, default=1000
        Rows after which sums are computed anew from h, so that rounding does not add up. They always are when an input
        has gone that was 64 times as large as all there are now. None is at no fixed time.
    classes : array-like of shape (n_classes,) or None, default=None
        Labels of the outputs, for `predict`, `predict_proba`, `score` and `calibrate`; two for one
        output.
    input_shape : tuple of int or None, default=None
        Shape of a frame, (height, width) or (height, width, n_channels), for networks of images.

    Attributes
    ----------
    threshold_ : ndarray of shape (n_linear,)
        Of each linear layer, in units of its input.
    calibration_ : Calibration or None
        What `calibrate` has reached: `score`, `dense_score` of the network itself, `loss`, their difference, and
        `saving`, all products over those that were taken, first rows and sums computed anew included. None without it.
    classes_ : ndarray of shape (n_classes,)
        Where `classes` are given.
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
    A row takes a look at all inputs of each layer, and the products of those that were sent. A convolution computes its
    whole image anew when more than 40 % of its inputs have changed, which is less work; of another convolution, with a
    rectifier at most between them, it looks only at sums that may have changed. This is for streams, a row at a time.
    Many rows at once, or independent ones, are faster by products of matrices (`dense`), and independent rows have
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
    >>> counts = network.ops_report(X)
    >>> bool(counts["delta"].sum() < 0.5 * counts["dense"].sum())
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        "layers": [list, tuple],
        "threshold": [Interval(Real, 0, None, closed="left"), "array-like"],
        "scale": [StrOptions({"absolute", "std"})],
        "scheme": [StrOptions({"level", "quantizer"})],
        "refresh_every": [Interval(Integral, 1, None, closed="left"), None],
        "classes": ["array-like", None],
        "input_shape": [tuple, list, Integral, None],
    }

    def __init__(
        self,
        layers,
        *,
        threshold=0.0,
        scale="std",
        scheme="level",
        refresh_every=1000,
        classes=None,
        input_shape=None,
    ):
        self.layers = layers
        self.threshold = threshold
        self.scale = scale
        self.scheme = scheme
        self.refresh_every = refresh_every
        self.classes = classes
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
        layers, classes = layers_and_classes(network)
        if network.out_activation_ == "logistic" and network.coefs_[-1].shape[1] > 1:
            classes = None  # several labels for each row
        return cls(layers, **{"classes": classes} | params).fit(X)

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
            self._lay(self.layers, self.refresh_every, self.scheme)
            self.threshold_, self.calibration_ = self._thresholds(X), None
            started = time.perf_counter()
            outputs, n_sent, _ = self._run.measure(X, parts, self.threshold_)
            squares = np.square(outputs - self._run.dense(X), dtype=np.float64).sum()
            share = n_sent.sum() / (len(X) * sum(self._run.n_inputs))
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
        X = check_rows(self, self._flatten(X, False), reset=False, finite=False)  # kernels refuse what is not finite
        return self._run.measure(X, sequences(groups, len(X)), self.threshold_)[0]

    def dense(self, X):
        """Return the outputs of the network itself: every row anew, by products of matrices.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)

        Raises
        ------
        ValueError
            For X that is not finite, and outputs that overflow. Sums within that overflow need not show in outputs: a
            rectifier turns -infinity into 0. `transform` refuses such rows.
        """
        check_is_fitted(self)
        return self._run.dense(self._check_stream(X, reset=False))

    def calibrate(self, X, y=None, *, max_loss=0.01, groups=None):
        """Choose the thresholds of all layers so that few products are left, and a score falls by little.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows like those to come, which the network has not learned from: what it has learned by heart stands more.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None, default=None
            What is right for the rows: labels where there are `classes`, else numbers. None is what the network itself
            gives.
        max_loss : float, default=0.01
            By how much the score may fall, > 0. It is the share of labels that are right or, without `classes`,
            ``1 - sum ||y - outputs||^2 / sum ||y - mean||^2``.
        groups : array-like of shape (n_samples,) or None, default=None

        Returns
        -------
        self
            With `threshold_` and `calibration_`. `history_` stays that of the rows of fit.

        Raises
        ------
        ValueError
            If `max_loss` is not a number > 0, y does not fit, no row follows another one, outputs or inputs of a layer
            are the same for all rows, no thresholds lose so little, or all do: nothing need be sent after first rows.

        Notes
        -----
        First all thresholds are one multiple of the standard deviations of the inputs of their layers, the largest that
        takes half of `max_loss`. Then, from the first layer to the last, that of a layer is raised by up to 16
        times, to where the fewest products are left within `max_loss`, and in the end all by one factor, if
        that leaves fewer. This takes ``51 + 8 n_linear`` runs over X; thresholds from before do not count. Few
        sequences tell little: thresholds for 150 films of digits that lost up to 0.01 lost 0.009 to 0.019 on
        others. Where what is right is the same for all rows of a sequence, it is best to send nothing after the
        first; give streams like those to come. A share of labels that are right says little about rare classes: one
        that is rarer than `max_loss` may get lost altogether.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_stream(X, reset=False)
        parts = sequences(groups, len(X))
        check_later(parts)
        own = self._run.dense(X)
        scorer = scorer_of(y, own, None if self.classes is None else fitted_classes(self))
        self.threshold_, self.calibration_ = calibrate_layers(self._run, X, parts, scorer, scorer(own), max_loss)
        return self

    def ops_report(self, X, groups=None):
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
            sent, and "refresh", those of sums computed anew instead, both over rows that are not the first of a
            sequence; "first", those of a first row; "compares", the inputs, each of which is looked at at most (a
            convolution skips what the one before has not touched); "density", the share of inputs that were sent, first
            rows left out. The attribute "saving" is dense over delta and refresh, "error" the pooled error of outputs.
            Means over rows of which there are none are NaN.

        Notes
        -----
        Sums are computed anew every `refresh_every` rows, when a large input has gone, and in a convolution when more
        than 40 % of the inputs have changed. A dense layer then skips inputs that are 0, a convolution does not.
        """
        check_is_fitted(self)
        self._validate_params()
        X = self._check_stream(X, reset=False)
        return count_operations(self._run, X, sequences(groups, len(X)), self.threshold_)

    @property
    def code_shape_(self):
        """Shape of an output."""
        check_is_fitted(self)
        return self._run.out_shape

    def _lay(self, layers, every, scheme):
        """Take what later changes of parameters do not touch."""
        self._run = NetworkRun(layers, self._frame_shape(), every, scheme == "quantizer")
        if self.classes is not None:
            n_outputs = math.prod(self._run.out_shape)
            self.classes_ = check_classes(self.classes, n_outputs, last_activation(self._run.layers))

    def _thresholds(self, X):
        """Return the thresholds of linear layers in units of their inputs."""
        units = np.ones(len(self._run.linear))
        if self.scale == "std" and np.any(self.threshold):
            units = self._run.deviations(X)
        return as_thresholds(self.threshold, units, "linear layer")

    def _get_fitted_state(self):
        run, told = self._run, self.calibration_
        scalars = {
            "record": list(self._record),
            "layers": list(run.layers),
            "every": run.every,
            "scheme": "quantizer" if run.quantizes else "level",
            "calibration": None if told is None else list(told),
        }
        return scalars, {"threshold": self.threshold_}

    def _set_fitted_state(self, scalars, arrays):
        self.threshold_, self._record = arrays["threshold"], StreamRecord(*scalars["record"])
        told = scalars["calibration"]
        self.calibration_ = None if told is None else Calibration(*told)
        self._lay(scalars["layers"], scalars["every"], scalars["scheme"])
        if self.threshold_.shape != (len(self._run.linear),):
            raise ValueError("the thresholds of the network do not fit its layers.")
