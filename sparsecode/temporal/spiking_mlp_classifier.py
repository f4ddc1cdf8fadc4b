"""`SpikingMLPClassifier`: a multilayer perceptron of leaky spiking neurons, trained by surrogate gradients."""

import math

import numpy as np
from scipy.special import log_softmax
from sklearn.utils.validation import check_is_fitted

from .._core.adam import Adam
from .._core.history import NetworkRecord, as_rows, from_rows
from .._core.labels import label_numbers, labels_from_file, labels_to_file
from .._core.rng import as_generator
from .._core.training import TRAINING, ProbabilitiesMixin, Scale, TrainedClassifier
from .._core.validation import Integral, Interval, Real, StrOptions, check_rows, fit_context
from ._surrogate_gradients import SURROGATES, Rules, initial_arrays, learn_epoch
from .layers import Activation, Dense
from .spiking_network import SpikingNetwork


class SpikingMLPClassifier(ProbabilitiesMixin, TrainedClassifier):
    r"""Classify by layers of leaky neurons that fire, which learn by gradients with a surrogate for that of a spike.

    A row is shown for `n_steps` steps, as a constant current. In a step t, neurons with inputs x(t), the spikes of the
    layer before, have the potential

        u(t) = exp(-1 / tau) (u(t-1) - s(t-1)) + W x(t) + b,    s(t) = [u(t) >= 1],

    so that a spike lowers it by the threshold. Scores of the classes are linear in the rates of the last layer. All are
    learned by back-propagation through time, with ds/du replaced by a function g(u - 1) that is not zero near the
    threshold, and without derivatives of what spikes subtract.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=128
        Neurons of the hidden layers.
    n_steps : int, default=10
        Steps for which a row is shown; may be changed after `fit`.
    tau : float or None, default=10.0
        Time constant of the leak in steps, > 0; None is no leak.
    surrogate : {"fast-sigmoid", "atan", "boxcar"}, default="fast-sigmoid"
        g(u), ``1 / (1 + 25 |u|)^2``, ``1 / (1 + (pi u)^2)``, or 1 where ``|u| < 0.5``, else 0.
    rate_penalty : float, default=0.0
        Weight of the mean share of neurons that fire in a step, >= 0, which is added to the loss.
    learning_rate_init : float, default=2e-3
        Steps of Adam.
    batch_size : int, default=64
        Rows of a step.
    max_iter : int, default=200
        Epochs of `fit`, at most; a call of `partial_fit` is one epoch.
    tol : float, default=1e-4
        `fit` ends when the cross-entropy has not improved by this much for `n_iter_no_change` epochs.
    n_iter_no_change : int, default=10
    random_state : int, RandomState, Generator or None, default=None
        Seed of the first weights, and of the order of rows.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of all layers.
    intercepts_ : list of ndarray of shape (n_units,)
    loss_curve_ : list of float
        Mean cross-entropy in each epoch, in nats.
    n_iter_ : int
        Epochs.
    history_ : structured ndarray of shape (n_iter_,)
        For each epoch: objective (as `loss_curve_`), sparsity (mean share of neurons that fire in a step), dead
        (neurons that no row made fire), seconds.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, y of one class, labels that are not among `classes`, and what is not finite.

    Warns
    -----
    ConvergenceWarning
        If the loss still falls after `max_iter` epochs of `fit`.

    See Also
    --------
    SpikingNetwork : Networks that were trained without spikes.

    Notes
    -----
    A step of learning costs n_steps products of spikes with all weights but those of the first and the last layer,
    which take one. Digits of scikit-learn, 128 neurons, means of three seeds: right for 0.9784 of the test rows with
    the default surrogate after 77 to 80 epochs, which take 2.5 s, while 42 % of the neurons fire in a step; 0.9790 with
    the other surrogates, 0.9778 with 4 steps; with "atan" and a `rate_penalty` of 2 for 0.9660, at 2.5 %.

    Inputs are shifted and divided by two numbers, mean and standard deviation of all entries of the first X. float32
    if the first X is, float64 else; probabilities are float64. A seed gives the same bits whatever the number of
    threads. Each call of `partial_fit` is an epoch over its rows; Adam keeps its means, and a file or a copy goes on as
    the original would.

    References
    ----------
    E. O. Neftci, H. Mostafa and F. Zenke, "Surrogate gradient learning in spiking neural networks", IEEE Signal
    Processing Magazine 36 (2019). D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR (2015).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sparsecode.temporal import SpikingMLPClassifier
    >>> X, y = load_digits(n_class=4, return_X_y=True)
    >>> model = SpikingMLPClassifier(40, tol=0.05, random_state=0).fit(X[:500], y[:500])
    >>> bool(model.score(X[500:], y[500:]) > 0.9)
    True
    """

    _parameter_constraints = {  # noqa: RUF012
        **TRAINING,
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "tau": [Interval(Real, 0, None, closed="neither"), None],
        "surrogate": [StrOptions(set(SURROGATES))],
        "rate_penalty": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes=128,
        *,
        n_steps=10,
        tau=10.0,
        surrogate="fast-sigmoid",
        rate_penalty=0.0,
        learning_rate_init=2e-3,
        batch_size=64,
        max_iter=200,
        tol=1e-4,
        n_iter_no_change=10,
        random_state=None,
        verbose=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.n_steps = n_steps
        self.tau = tau
        self.surrogate = surrogate
        self.rate_penalty = rate_penalty
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Forget everything and learn from all rows, until the loss no longer falls.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        self
        """
        return self._fit(X, y)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None):
        """Learn from further rows, in one epoch.

        The first call, or `fit`, fixes the layers; other parameters may change from call to call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels that there will be; needed in the first call.

        Returns
        -------
        self
        """
        return self._partial_fit(X, y, classes)

    def predict_log_proba(self, X):
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        self._validate_params()
        Z = self._scale.standardised(check_rows(self, X, reset=False), self._arrays[0].dtype)
        far = np.flatnonzero(~np.isfinite(Z).all(axis=1))
        if far.size:
            raise ValueError(f"row {far[0]} of X is too far from what was learned from; give X in the same units.")
        scores = self._network(Z, self.coefs_, self.intercepts_).transform(Z)
        return log_softmax(scores.astype(np.float64), axis=1)

    def to_network(self):
        """Return the `SpikingNetwork` of what was learned, for inputs in their own units, without its softmax.

        It counts operations, and can be exchanged with other programs.
        """
        check_is_fitted(self)
        coefs, intercepts = self.coefs_, self.intercepts_
        coefs[0], intercepts[0] = self._scale.unscaled(coefs[0], intercepts[0])
        return self._network(np.zeros((1, len(coefs[0])), coefs[0].dtype), coefs, intercepts)

    @property
    def coefs_(self):
        """Weights of all layers, for inputs in units of the first X."""
        check_is_fitted(self)
        return [W.T.copy() for W in self._arrays[::2]]

    @property
    def intercepts_(self):
        """Intercepts of all layers."""
        check_is_fitted(self)
        return [b.copy() for b in self._arrays[1::2]]

    def _start(self, X, classes):
        """Begin with random weights for checked rows."""
        self.classes_, self._scale = classes, Scale.of(X)
        self._seed = as_generator(self.random_state).integers(2**31, size=4).tolist()
        sizes = [X.shape[1], *self._layer_sizes(), len(classes)]
        self._arrays = initial_arrays(sizes, rng=np.random.default_rng(self._seed), dtype=X.dtype)
        self._adam, self._records = Adam(self._arrays, [self.learning_rate_init] * len(self._arrays)), []

    def _copy_weights(self):
        self._arrays = [array.copy() for array in self._arrays]

    def _rows_to_learn(self, X, y):
        return X, y

    def _learn(self, X, y, bar):
        """Learn from checked rows for an epoch; return the mean loss."""
        numbers = label_numbers(y, self.classes_, of="y", among="classes")
        Z, epoch = self._scale.standardised(X, self._arrays[0].dtype), len(self._records)
        kept = 1.0 if self.tau is None else math.exp(-1 / self.tau)
        rules = Rules(self.n_steps, kept, self.surrogate, self.rate_penalty)
        rng = np.random.default_rng([*self._seed, epoch])  # any epoch is reached without those before
        options = {"epoch": epoch, "batch_size": self.batch_size, "rng": rng, "bar": bar}
        record = learn_epoch(self._arrays, self._adam, Z, numbers, rules, **options)
        self._records = [*self._records, record]
        return record.objective

    def _network(self, X, coefs, intercepts):
        """Return the network with some weights, for rows like X."""
        layers = [part for W, b in zip(coefs, intercepts, strict=True) for part in (Dense(W, b), Activation("relu"))]
        options = {"n_steps": self.n_steps, "tau": self.tau, "classes": self.classes_}
        return SpikingNetwork(layers[:-1], threshold=1.0, initial="rest", **options).fit(X[:1])

    def _get_fitted_state(self):
        scalars = {
            "classes": labels_to_file(self.classes_),
            "seed": self._seed,
            "scale": list(self._scale),
            "steps": self._adam.t,
            "rates": self._adam.rates,
        }
        parts = {"parameter": self._arrays, "mean": self._adam.means, "square": self._adam.squares}
        arrays = {f"{name}_{i}": array for name, part in parts.items() for i, array in enumerate(part)}
        return scalars, arrays | {"records": as_rows(self._records)}

    def _set_fitted_state(self, scalars, arrays):
        self.classes_, self._seed = labels_from_file(scalars["classes"]), scalars["seed"]
        self._scale, n_arrays = Scale(*scalars["scale"]), len(scalars["rates"])
        parts = [[arrays[f"{name}_{i}"] for i in range(n_arrays)] for name in ("parameter", "mean", "square")]
        self._arrays, self._adam = parts[0], Adam(parts[0], scalars["rates"])
        _, self._adam.means, self._adam.squares = parts
        self._adam.t = scalars["steps"]
        self._records = from_rows(arrays["records"], NetworkRecord)
        sizes = [self.n_features_in_, *(len(b) for b in self._arrays[1::2])]
        fits = [W.shape == (n, m) for W, m, n in zip(self._arrays[::2], sizes[:-1], sizes[1:], strict=True)]
        shapes = [[(array.shape, array.dtype) for array in part] for part in parts]
        if not all(fits) or sizes[-1] != len(self.classes_) or not shapes[0] == shapes[1] == shapes[2]:
            raise ValueError("the parts of the network do not go together.")
