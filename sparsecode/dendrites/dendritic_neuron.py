"""`DendriticNeuron`: one neuron of many segments, which fires or does not."""

import numpy as np

from .._core.validation import Integral, Interval
from ._neurons import Neurons


class DendriticNeuron(Neurons):
    r"""Tell rows of one class from all others by one neuron of dendritic segments.

    Rows of the class `classes_[1]` get segments (`DendriticSegmentDetector`); the others have none, and only say how
    often a segment answers by accident. With the overlap Q_j of segment j and its threshold theta_j the neuron
    fires if

        sum_j v(Q_j) >= firing_threshold,    v(Q) = max(Q - theta_j + 1, 0) or [Q >= theta_j].

    Parameters
    ----------
    detector : DendriticSegmentDetector or None, default=None
        What makes the segments; it is cloned. None is ``DendriticSegmentDetector()``. Real inputs need its `binarize`.
        Parameters of it that are set later hold from the next call of `fit` or `partial_fit` on.
    vote : {"soft", "hard"}, default="hard"
        Whether segments count by how much they exceed their thresholds, or each once.
    firing_threshold : int, default=1
        Votes that make the neuron fire. By default one active segment does.
    random_state : int, RandomState, Generator or None, default=None
        Seed of the detector, where its own `random_state` is None.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The second one is the class that is detected.
    detector_ : DendriticSegmentDetector
        The segments.
    n_features_in_, feature_names_in_ : int, ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        For parameters out of range, X that the detector refuses, y of another length, other than two classes, and no
        row of the second class with ones in `fit`.

    Warns
    -----
    UserWarning
        As the detector.

    Notes
    -----
    `false_positive_rate` of the detector is that of a segment; of G segments, which resemble each other, up to G times
    as many rows set off any.

    `partial_fit` calibrates thresholds "auto" of a segment on the rows that come after it, `fit` on all rows.

    See Also
    --------
    ActiveDendriteClassifier : a neuron for each class, of which the strongest decides.
    sparsecode.dendrites.theory.any_match_rate : how often a neuron fires in random activity.

    References
    ----------
    S. Ahmad and J. Hawkins, "How do neurons operate on sparse distributed representations? A mathematical theory of
    sparsity, neurons and active dendrites", arXiv:1601.00720 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode.dendrites import DendriticNeuron
    >>> from sparsecode.sdr import add_noise, random_sdrs
    >>> X = random_sdrs(200, 1000, 40, random_state=0)
    >>> neuron = DendriticNeuron(random_state=0).fit(X, np.arange(200) < 100)
    >>> neuron.predict(add_noise(X[95:105], 0.3, random_state=0)).astype(int)
    array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    """

    _parameter_constraints = {  # noqa: RUF012
        **Neurons._parameter_constraints,
        "firing_threshold": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, detector=None, *, vote="hard", firing_threshold=1, random_state=None):
        self.detector = detector
        self.vote = vote
        self.firing_threshold = firing_threshold
        self.random_state = random_state

    def decision_function(self, X):
        """Return votes beyond the firing threshold; at zero and above the neuron fires.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Votes minus `firing_threshold`, and as a fraction the largest overlap.
        """
        return self._votes(X)[1][:, 0] - self.firing_threshold

    def predict(self, X):
        """Return `classes_[1]` for rows at which the neuron fires, `classes_[0]` for others.

        Parameters
        ----------
        X : array-like or CSR array of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        fires = self.decision_function(X) > 0
        return self.classes_[fires.astype(np.int64)]

    def _check_classes(self, classes):
        if len(classes) > 2:
            raise ValueError(
                f"Only binary classification is supported. The type of the target is multiclass: {classes!s:.60}; "
                "take ActiveDendriteClassifier, or y == the class to be detected."
            )
        if len(classes) < 2:
            raise ValueError(f"y has 1 class, {classes!s:.60}, but needs two: what is to be detected, and what is not.")

    def _neurons_of(self, numbers):
        return numbers - 1

    def _neuron_labels(self):
        return self.classes_[1:]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
