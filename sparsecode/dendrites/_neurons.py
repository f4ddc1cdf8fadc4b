"""What classifiers of neurons share: segments, each of one neuron, and their votes."""

from copy import copy

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted, validate_data

from .._core.arrays import summable
from .._core.labels import label_numbers, labels_from_file, labels_to_file
from .._core.online_classifier import OnlineClassifier
from .._core.validation import StrOptions
from ._overlaps import make_wiring, votes_of
from .segment_detector import DendriticSegmentDetector


class Neurons(OnlineClassifier):
    """Base of classifiers with the parameters `detector`, `vote` and `random_state`.

    A subclass has ``_neurons_of(numbers)``, the neurons of rows of numbered classes, -1 for rows that get no segment,
    ``_neuron_labels()``, the classes of neurons, and may have ``_check_classes(classes)``.
    """

    _parameter_constraints = {  # noqa: RUF012
        "detector": [DendriticSegmentDetector, None],
        "vote": [StrOptions({"soft", "hard"})],
        "random_state": ["random_state", np.random.Generator],
    }

    def _check_learned(self):
        if not len(self.detector_.owners_):
            raise ValueError("no row of X that would get a segment has a one: there is nothing to learn.")

    def _check_classes(self, classes):
        """Raise an error if there are not the classes that there should be."""

    def _start(self, classes):
        """Begin with no segments."""
        self._check_classes(classes)
        self.detector_, self.classes_ = self._new_detector(), classes

    def _new_detector(self):
        """Return a copy of the detector that was given."""
        detector = DendriticSegmentDetector() if self.detector is None else clone(self.detector)
        if detector.random_state is None:
            detector.random_state = self.random_state
        return detector

    def _learn(self, X, y, *, first, whole):
        """Learn checked rows."""
        neurons = self._neurons_of(label_numbers(y, self.classes_, of="y", among="classes")).astype(np.int32)
        if not first:
            self.detector_ = copy(self.detector_).set_params(**self._new_detector().get_params(deep=False))
        self.detector_ = self.detector_._after(X, neurons, self._neuron_labels().tolist(), first=first, whole=whole)
        self._sort()

    def _sort(self):
        """List synapses by neuron, so that votes are sums of neighbours."""
        store, detector = self.detector_._store, self.detector_
        order = np.argsort(store.owners, kind="stable")
        wiring = make_wiring(detector._synapses(connected=True)[order])
        self._sorted = wiring, detector.thresholds_[order].astype(np.int16), store.owners[order]

    def _votes(self, X):
        """Return the `Votes` of all neurons for rows of X, and their scores.

        A score is the votes of a neuron, and as a fraction of one the largest overlap among its segments: it decides
        between equal votes, and where no segment is active.
        """
        check_is_fitted(self)
        self._validate_params()
        X = validate_data(self, summable(X), accept_sparse="csr", dtype="numeric", order="C", reset=False)
        X = self.detector_._check_binary_input(X, reset=False)
        wiring, thresholds, owners = self._sorted
        votes = votes_of(wiring, X, thresholds, owners, len(self._neuron_labels()), self.detector_.n_jobs)
        counted = votes.excess if self.vote == "soft" else votes.n_active
        return votes, counted + votes.largest / (1.0 + self.detector_._store.cells.shape[1])

    def _get_fitted_state(self):
        return {"detector": self.detector_, "classes": labels_to_file(self.classes_)}, {}

    def _set_fitted_state(self, scalars, arrays):
        self.classes_, self.detector_ = labels_from_file(scalars["classes"]), scalars["detector"]
        if self.detector_._labels != self._neuron_labels().tolist():
            raise ValueError("the classes and the labels of the segments do not go together.")
        self._sort()
