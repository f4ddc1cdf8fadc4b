"""`DeltaMLPClassifier` and `DeltaMLPRegressor`: perceptrons that are trained to change little from row to row."""

import numpy as np
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets

from .._core.labels import label_numbers, labels_from_file, labels_to_file
from .._core.training import ProbabilitiesMixin, check_two_classes, warn_if_falling
from .._core.validation import check_samples, fit_context, unchanged_on_failure
from ..encoder import sequences
from ._delta_mlp import DeltaMLP
from ._networks import layers_and_classes
from .layers import Activation


class DeltaMLPClassifier(ClassifierMixin, ProbabilitiesMixin, DeltaMLP):
    r"""Classify by a perceptron that takes few products on a stream: its layers get inputs that seldom change.

    The inputs a of each layer, X or the rectified outputs z of the layer before, are rounded to a step S,

        q = S round(a / S),    z = W q + b,

    and a row that follows another one in its sequence has a price,

        penalty * sum_l F_l sum_j |q_j(t) - q_j(t-1)| / sum_l F_l n_l,

    for layers l of n_l inputs and F_l outputs. The mean price of the rows that follow another one is lowered beside the
    mean cross-entropy of all rows. A network that is fed with the changes of q (`to_network`) takes F_l
    products for each that is not 0, and has the same outputs. Gradients pass the rounding as if it were not there
    (straight through).

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=128
        Units of the hidden layers.
    step : float or sequence of float, default=0.5
        Steps, >= 0, in standard deviations of the inputs of a layer as they are after training without steps; one for
        all layers with weights, or one for each. The first should be several times the noise of X. 0 does not round.
    penalty : float, default=1.0
        Price of changes, >= 0, with inputs in standard deviations of X. Rows that have nothing to do with each other
        should be sequences of their own (`groups`), or it should be 0.
    learn_step : bool, default=False
        Whether `step` is where steps begin that are learned. **Fragile** (see Notes).
    learning_rate_init : float, default=1e-3
        Steps of Adam.
    batch_size : int, default=128
        Rows of a step, at least two for the price to count.
    max_iter : int, default=200
        Epochs without rounding, at most.
    fine_tuning_iter : int, default=10
        Epochs with rounding and price, after these.
    tol : float, default=1e-4
        Epochs without rounding end when the loss has not improved by this much for `n_iter_no_change` of them.
    n_iter_no_change : int, default=10
    random_state : int, RandomState, Generator or None, default=None
        Seed of the first weights, and of the order of rows.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    step_ : ndarray of shape (n_layers,)
        In units of the inputs of each layer.
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of all layers, for inputs in units of X.
    intercepts_ : list of ndarray of shape (n_units,)
    loss_curve_ : list of float
        Mean cross-entropy in each epoch, in nats.
    n_iter_ : int
        Epochs, with rounding and without.
    history_ : structured ndarray of shape (n_iter_,)
        For each epoch: objective (as `loss_curve_`), sparsity (share of hidden units that are active, mean over rows),
        dead (hidden units that no row made active), seconds, changes (share of products for inputs that differ from
        those of the row before).
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, y of one class, and what is not finite.

    Warns
    -----
    ConvergenceWarning
        If the loss still falls after `max_iter` epochs.

    See Also
    --------
    DeltaNetwork : Runs trained networks on changes; its `calibrate` chooses thresholds for any of them.

    Notes
    -----
    Outputs for a row depend on that row only, so that learning needs no steps through time: rows are learned in pairs,
    each with the one before it, in a random order. An epoch costs as much as one of a plain perceptron.

    Films of digits with noise that follow one another (``gallery/plot_delta_network.py``; 128 and 64 units, five
    seeds): steps of (0.8, 0.3, 0.3) leave 6.0 to 6.3 times fewer products at 0.3 to 1.1 points less, ten epochs
    with a price of 20 leave 9.7 to 10.6 times fewer at 0.1 to 1.3 points more. With ``scheme="level"`` the same
    network takes 12.9 to 14.2 times fewer; outputs then depend on rows before.

    **Learned steps.** The gradient of a step has its sign reversed: the price of changes would be lowered by ever
    smaller steps otherwise, with as many changes. This is not the gradient of anything, and what it leads to
    depends much on `penalty`, the learning rate and the steps at the beginning; on these films it is 0.3 to 2.6
    points less than before, for 11 times fewer products.

    Inputs are shifted and divided by two numbers, mean and standard deviation of all entries of X, behind the first
    rounding. float32 if X is, float64 else; probabilities are float64. A seed gives the same bits whatever the number
    of threads.

    References
    ----------
    A. Yousefzadeh and M. Sifalakis, "Training for temporal sparsity in deep neural networks, application in video
    processing", arXiv:2107.07305 (2021). Y. Bengio, N. Leonard and A. Courville, "Estimating or propagating gradients
    through stochastic neurons for conditional computation", arXiv:1308.3432 (2013). D. P. Kingma and J. Ba, "Adam: a
    method for stochastic optimization", ICLR (2015).

    Examples
    --------
    Digits that are shown for four frames each, with noise.

    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sparsecode.temporal import DeltaMLPClassifier
    >>> digits, labels = load_digits(n_class=4, return_X_y=True)
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat(digits / 16, 4, axis=0) + 0.03 * rng.normal(size=(4 * len(digits), 64))
    >>> y, films = np.repeat(labels, 4), np.repeat(np.arange(len(digits)), 4)
    >>> train, test = films < 500, films >= 500
    >>> model = DeltaMLPClassifier(40, tol=0.05, random_state=0).fit(X[train], y[train], groups=films[train])
    >>> bool(model.score(X[test], y[test]) > 0.9)
    True
    >>> counts = model.to_network().ops_report(X[test], groups=films[test])
    >>> bool(counts.attrs["saving"] > 8)
    True
    """

    _classifies = True

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, groups=None, network=None):
        """Learn from all rows: without rounding until the loss no longer falls, then with it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row, as integers or strings (`groups_from_lengths`). None is one sequence.
        network : MLPClassifier or None, default=None
            A trained network with rectified hidden units, to learn on from with rounding, instead of the epochs
            without; `hidden_layer_sizes` do not count then.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X, y, _ = check_samples(self, X, y, numeric=False)
            check_classification_targets(y)
            self.classes_ = np.unique(y) if network is None else classes_of(network)
            check_two_classes(self.classes_)
            numbers = label_numbers(y, self.classes_, of="y", among="classes")
            best, falling = self._fit_to(X, numbers, len(self.classes_), groups, network)
        warn_if_falling(best, falling, self.max_iter)
        return self

    def predict_log_proba(self, X):
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return log_softmax(self._outputs(X), axis=1)

    def predict_sequences(self, X, groups=None):
        """Return the most probable label of each sequence: that of the mean probabilities of its rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row. None is one sequence.

        Returns
        -------
        ndarray of shape (n_sequences,)
            In the order of `groups`.
        """
        probabilities = self.predict_proba(X)
        parts = sequences(groups, len(probabilities))
        return self.classes_[[probabilities[rows].mean(axis=0).argmax() for rows, _ in parts]]

    def to_network(self):
        """Return the `DeltaNetwork` of what was learned: by changes, it gives the probabilities of the classes.

        They are those of `predict_proba` but where rounding takes an input of a layer to the other side between two
        steps.
        """
        return self._network(*self._weights(), [Activation("softmax")], classes=self.classes_)

    @property
    def _n_outputs(self):
        return len(self.classes_)

    def _parts_of(self, network, n_features):
        coefs, intercepts = super()._parts_of(network, n_features)
        if len(intercepts[-1]) == 1:  # the log-odds of the second class
            coefs[-1] = np.hstack([np.zeros_like(coefs[-1]), coefs[-1]])
            intercepts[-1] = np.r_[0, intercepts[-1]]
        return coefs, intercepts

    def _get_fitted_state(self):
        scalars, arrays = super()._get_fitted_state()
        return scalars | {"classes": labels_to_file(self.classes_)}, arrays

    def _set_fitted_state(self, scalars, arrays):
        self.classes_ = labels_from_file(scalars["classes"])
        super()._set_fitted_state(scalars, arrays)


class DeltaMLPRegressor(RegressorMixin, DeltaMLP):
    """Predict numbers by a perceptron that takes few products on a stream: its layers get inputs that seldom change.

    As `DeltaMLPClassifier`; beside the price of changes, half the squared error of the outputs is lowered, in standard
    deviations of each column of y. Outputs themselves are not rounded.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=128
        This and all others as for `DeltaMLPClassifier`.
    step : float or sequence of float, default=0.5
    penalty : float, default=1.0
    learn_step : bool, default=False
    learning_rate_init : float, default=1e-3
    batch_size : int, default=128
    max_iter : int, default=200
    fine_tuning_iter : int, default=10
    tol : float, default=1e-4
    n_iter_no_change : int, default=10
    random_state : int, RandomState, Generator or None, default=None
    verbose : int, default=0

    Attributes
    ----------
    step_, coefs_, intercepts_, n_iter_, n_features_in_, feature_names_in_
        As for `DeltaMLPClassifier`; the last weights give y in its own units.
    loss_curve_ : list of float
        Mean over the rows of half the squared error in each epoch, in standard deviations.
    history_ : structured ndarray of shape (n_iter_,)
        As for `DeltaMLPClassifier`.

    Raises
    ------
    ValueError
        For parameters out of range, and what is not finite.

    Warns
    -----
    ConvergenceWarning
        If the loss still falls after `max_iter` epochs.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.temporal import DeltaMLPRegressor
    >>> X = np.sin(np.linspace(0, 60, 3000)[:, None] * [1.0, 0.7, 0.4])
    >>> y = X[:, 0] * X[:, 1]
    >>> model = DeltaMLPRegressor(30, step=0.1, penalty=0.01, tol=1e-2, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _classifies = False

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, groups=None, network=None):
        """Learn from all rows: without rounding until the loss no longer falls, then with it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        groups : array-like of shape (n_samples,) or None, default=None
            The sequence of each row, as integers or strings (`groups_from_lengths`). None is one sequence.
        network : MLPRegressor or None, default=None
            A trained network with rectified hidden units, to learn on from with rounding, instead of the epochs
            without; `hidden_layer_sizes` do not count then.

        Returns
        -------
        self
        """
        with unchanged_on_failure(self):
            X, y, _ = check_samples(self, X, y, numeric=True)
            targets = y.reshape(len(y), -1).astype(np.float64)
            self._one_target = y.ndim == 1
            with np.errstate(over="ignore", invalid="ignore"):
                self._mean, self._deviation = targets.mean(axis=0), targets.std(axis=0)
            if not np.isfinite(self._deviation).all():
                raise ValueError("the variance of y is not finite; scale y.")
            self._deviation[self._deviation == 0] = 1
            targets = ((targets - self._mean) / self._deviation).astype(X.dtype)
            best, falling = self._fit_to(X, targets, targets.shape[1], groups, network)
        warn_if_falling(best, falling, self.max_iter)
        return self

    def predict(self, X):
        """Return the predicted numbers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        outputs = self._outputs(X) * self._deviation + self._mean
        return outputs[:, 0] if self._one_target else outputs

    def to_network(self):
        """Return the `DeltaNetwork` of what was learned: by changes, it gives what `predict` does, as columns."""
        return self._network(*self._weights(), [])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @property
    def _n_outputs(self):
        return len(self._mean)

    def _parts_of(self, network, n_features):
        coefs, intercepts = super()._parts_of(network, n_features)
        if network.out_activation_ != "identity" or len(intercepts[-1]) != self._n_outputs:
            raise ValueError(
                f"`network` must be an MLPRegressor of {self._n_outputs} outputs, got {len(intercepts[-1])} behind "
                f"{network.out_activation_!r}."
            )
        coefs[-1] = coefs[-1] / self._deviation
        intercepts[-1] = (intercepts[-1] - self._mean) / self._deviation
        return coefs, intercepts

    def _weights(self):
        coefs, intercepts = super()._weights()
        dtype = coefs[-1].dtype
        coefs[-1] = (coefs[-1] * self._deviation).astype(dtype)
        intercepts[-1] = (intercepts[-1] * self._deviation + self._mean).astype(dtype)
        return coefs, intercepts

    def _get_fitted_state(self):
        scalars, arrays = super()._get_fitted_state()
        arrays |= {"y_mean": self._mean, "y_deviation": self._deviation}
        return scalars | {"one_target": self._one_target}, arrays

    def _set_fitted_state(self, scalars, arrays):
        self._mean, self._deviation = arrays["y_mean"], arrays["y_deviation"]
        self._one_target = scalars["one_target"]
        super()._set_fitted_state(scalars, arrays)


def classes_of(network):
    """Return the classes of a trained network that tells one of them for each row."""
    classes = layers_and_classes(network)[1]
    n_outputs = len(network.intercepts_[-1])
    if classes is None or (network.out_activation_ != "softmax" and n_outputs > 1):
        raise ValueError(f"`network` must be a fitted MLPClassifier with one label for each row, got {network!r:.80}.")
    return np.asarray(network.classes_)
