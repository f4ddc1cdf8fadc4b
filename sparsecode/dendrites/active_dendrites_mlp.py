"""`ActiveDendritesMLPClassifier`: a multilayer perceptron whose units are gated by dendrites that see a context."""

import numpy as np
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from .._core.products import correlations
from .._core.validation import check_rows, fit_context
from ._contexts import INFER
from ._contextual_network import ContextualNetwork
from ._network import forward


class ActiveDendritesMLPClassifier(ContextualNetwork):
    r"""Classify by a multilayer perceptron whose units are gated by dendrites and compete, for tasks in sequence.

    A hidden unit i has sparse weights W_i, and segments u_i1 .. u_iS that see a context c beside the input x. The
    segment j with the largest ``|u_ij . c|`` sets a gate, and the k units of a layer with the largest values win:

        v_i = (W_i . x + b_i) / (1 + exp(-u_ij . c)),    h_i = v_i if i wins, else 0.

    In each context another part of the network is active and learns, so that a new task takes less from those before.
    The context of a task is the mean of its inputs, its prototype; where the task of a row is not told, it is that of
    the nearest prototype. Without segments, winners and sparse weights it is a plain perceptron (see Examples).

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=512
        Units of the hidden layers.
    n_segments : int, default=10
        Segments of a unit; 0 is without gates.
    activation_density : float, default=0.05
        Share of the units of a layer that win, in (0, 1], rounded; below 1 at least one of them wins and one does not.
        A winner may have a negative value. With 1 nobody competes: all positive units are active (ReLU).
    weight_density : float, default=0.5
        Share of the inputs of a hidden unit that it is connected with, in (0, 1], drawn at random.
    learning_rate_init : float, default=1e-3
        Steps of Adam.
    batch_size : int, default=64
        Rows of a step.
    max_iter : int, default=200
        Epochs of `fit`, at most; a call of `partial_fit` is one epoch.
    tol : float, default=1e-4
        `fit` ends when the loss has not improved by this much for `n_iter_no_change` epochs.
    n_iter_no_change : int, default=10
    random_state : int, RandomState, Generator or None, default=None
        Seed of the first weights, and of the order of rows.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    contexts_ : ndarray of shape (n_contexts,)
        Labels of the contexts, sorted; None where contexts are given as vectors.
    prototypes_ : ndarray of shape (n_contexts, n_features)
        Mean of the rows of each context; None where contexts are given as vectors.
    coefs_ : list of ndarray of shape (n_inputs, n_units)
        Weights of the hidden layers, and of what reads the last of them.
    intercepts_ : list of ndarray of shape (n_units,)
    segments_ : list of ndarray of shape (n_units, n_segments, n_context_features)
        Weights of the segments of each hidden layer.
    loss_curve_ : list of float
        Mean cross-entropy in each epoch, in nats.
    n_iter_ : int
        Epochs.
    history_ : structured ndarray of shape (n_iter_,)
        For each epoch: objective (as `loss_curve_`), sparsity (share of hidden units that are active, mean over rows),
        dead (hidden units that no row made active), seconds.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, y of one class, labels that are not among `classes`, a context that is missing,
        not known, or of another kind than before, and a loss that is not finite.

    Warns
    -----
    ConvergenceWarning
        If the loss still falls after `max_iter` epochs of `fit`.
    UserWarning
        If most rows are nearer to the prototype of another context than their own.

    Notes
    -----
    **Learning.** Mean cross-entropy, gradient steps by Adam; winners and chosen segments are taken as they are in each
    step. A step costs O(batch_size * n_weights), and for segments O(n_units * n_segments * n_context_features), which
    is more for small inputs; float32 takes half the time of float64. Adam keeps its means over calls of `partial_fit`.

    **What it gives.** Ten tasks of digits of 8 x 8 pixels, the pixels in another order each, one after the other in 3
    epochs each; 768 units, means of three seeds (standard deviation 0.01). Share right of all tasks after the last:
    plain perceptron 0.57, dendrites only 0.72, winners only 0.82, both 0.88; each at the best of four learning rates
    (1e-4 to 3e-3; by the test digits) 0.64, 0.75, 0.82 and 0.88. With Adam begun anew at each task 0.54, 0.59, 0.82 and
    0.85. Dense weights are no worse: 0.84 with winners only, 0.88 with both. A single task is learned no better than by
    a plain perceptron: half of the digits to learn from, 0.971 with the defaults and 0.978 without dendrites and
    winners, in a fourteenth of the time.

    **Scales.** Inputs are shifted and divided by two numbers, mean and standard deviation of all entries of the first
    X, and so are context vectors; prototypes are in these units. Columns are not standardised one by one:
    `StandardScaler` does it, but takes away the means by which prototypes differ, if it sees all tasks.

    **Types.** float32 if the first X is, float64 else; probabilities are float64. Predictions of a row do not depend on
    other rows. A seed gives the same bits whatever the number of threads.

    **Streams.** Each call of `partial_fit` is an epoch over its rows, and moves the prototypes of their contexts first,
    which are means over all rows of all calls: several epochs over a task leave its prototype where it is. A file or a
    copy goes on as the original would.

    See Also
    --------
    sparsecode.sdr.MacrocolumnClassifier : one pass, binary inputs.
    sparsecode.sdr.k_winners : the competition alone.

    References
    ----------
    A. Iyer, K. Grewal, A. Velu, L. O. Souza, J. Forest and S. Ahmad, "Avoiding catastrophe: active dendrites enable
    multi-task learning in dynamic environments", Frontiers in Neurorobotics 16 (2022).

    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR (2015).

    Examples
    --------
    Two tasks, one after the other; the second has all pixels in another order.

    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sparsecode.dendrites import ActiveDendritesMLPClassifier
    >>> X, y = load_digits(n_class=5, return_X_y=True)
    >>> tasks = [X, X[:, np.random.default_rng(0).permutation(64)]]
    >>> model = ActiveDendritesMLPClassifier(256, random_state=0)
    >>> for task, rows in enumerate(tasks):
    ...     for epoch in range(5):
    ...         model = model.partial_fit(rows, y, classes=range(5), context=task)
    >>> bool(min(model.score(rows, y) for rows in tasks) > 0.9), model.contexts_
    (True, array([0, 1]))

    A plain perceptron, dendrites only, and winners only:

    >>> perceptron = ActiveDendritesMLPClassifier(n_segments=0, activation_density=1, weight_density=1)
    >>> dendrites = ActiveDendritesMLPClassifier(activation_density=1, weight_density=1)
    >>> winners = ActiveDendritesMLPClassifier(n_segments=0)
    """

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, context=None):
        """Forget everything and learn from all rows together, until the loss no longer falls.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        context : int, str, array-like of shape (n_samples,) or (n_samples, n_context_features), or None, default=None
            Labels of the contexts of rows, or one for all; or vectors that segments see, over their scale. None is
            one context for all rows.

        Returns
        -------
        self
        """
        return self._fit(X, y, context)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, context=None):
        """Learn from further rows, in one epoch.

        The first call, or `fit`, fixes the layers, their segments and their weights; learning rate and batch size may
        change from call to call.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels that there will be; needed in the first call.
        context : int, str, array-like of shape (n_samples,) or (n_samples, n_context_features), or None, default=None
            As in `fit`; labels may be new ones. None is the only context there is.

        Returns
        -------
        self
        """
        return self._partial_fit(X, y, classes, context)

    def predict_log_proba(self, X, context=INFER):
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        context : "infer", int, str or array-like, default="infer"
            Labels or vectors, as in `fit`; "infer" takes the context with the nearest prototype for each row.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        X = check_rows(self, X, reset=False)
        Z = self._scale.standardised(X, self._dtype)
        contexts, which = self._contexts.of_rows(context, Z)
        with np.errstate(over="ignore", invalid="ignore"):
            scores = forward(self._network, Z, contexts, which, correlations)[0].astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
        if bad.size:
            raise ValueError(
                f"{bad.size} rows have scores that are not finite, first row {bad[0]}: X or `context` is larger than "
                "what was learned from by many orders of magnitude; give them in the same units."
            )
        return log_softmax(scores, axis=1)

    def predict_proba(self, X, context=INFER):
        """Return the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        context : "infer", int, str or array-like, default="infer"
            As in `predict_log_proba`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return np.exp(self.predict_log_proba(X, context))

    def predict(self, X, context=INFER):
        """Return the most probable labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        context : "infer", int, str or array-like, default="infer"
            As in `predict_log_proba`.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        best = self.predict_log_proba(X, context).argmax(axis=1)
        return self.classes_[best]

    def infer_context(self, X):
        """Return the contexts with the nearest prototypes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Of `contexts_`.
        """
        check_is_fitted(self)
        X = check_rows(self, X, reset=False)
        if self.contexts_ is None:
            raise ValueError("contexts were given as vectors, for which there are no prototypes.")
        return self.contexts_[self._contexts.of_rows(INFER, self._scale.standardised(X, self._dtype))[1]]

    def score(self, X, y, sample_weight=None, context=INFER):
        """Return the share of labels that are right.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,) or None, default=None
        context : "infer", int, str or array-like, default="infer"
            As in `predict_log_proba`.

        Returns
        -------
        float
        """
        return accuracy_score(y, self.predict(X, context), sample_weight=sample_weight)
