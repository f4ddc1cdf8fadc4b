"""`ActiveDendriteClassifier` and `DendriticNeuron`: votes, labels, chunks, rows that nobody knows, digits."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.stats import binom
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from sparsecode import load
from sparsecode.dendrites import ActiveDendriteClassifier, DendriticNeuron, DendriticSegmentDetector
from sparsecode.dendrites.theory import false_positive_rate
from sparsecode.sdr import KWinners, add_noise, random_sdrs

from .digits import sparse_digits


def detector_of(n_synapses=8, **params):
    return DendriticSegmentDetector(n_synapses, **params)


@pytest.mark.filterwarnings(r"ignore:\d+ of \d+ segments")
@parametrize_with_checks(
    [
        ActiveDendriteClassifier(detector_of(5, binarize=0.0), random_state=0),
        ActiveDendriteClassifier(detector_of(4, threshold=2, match_threshold=3, binarize=0.5, n_jobs=2), vote="hard"),
        DendriticNeuron(detector_of(5, binarize=0.0), random_state=0),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def some_classes(n_classes=4, n=12, moved=0.3):
    """Noisy versions of three patterns a class, in random order, one row empty."""
    patterns = random_sdrs(3 * n_classes, 150, 12, random_state=0)
    kinds = np.random.default_rng(0).permutation(np.repeat(np.arange(3 * n_classes), n))
    X = add_noise(patterns[kinds], moved, random_state=1)
    X[5] = False
    return X, kinds % n_classes


@pytest.mark.nojit
@pytest.mark.parametrize("vote", ["soft", "hard"])
def test_votes_are_those_of_the_segments(vote):
    X, y = some_classes()
    classifier = ActiveDendriteClassifier(detector_of(match_threshold=6), vote=vote, random_state=0).fit(X[:80], y[:80])
    detector = clone(classifier.detector).set_params(random_state=0).fit(X[:80], y[:80])
    assert classifier.detector_.dictionary_ == detector.dictionary_
    overlaps = detector.set_params(output="overlap").transform(X)
    active = overlaps >= detector.thresholds_
    beyond = np.maximum(overlaps - detector.thresholds_ + 1, 0)
    scores = np.zeros((len(X), 4))
    for c in range(4):
        own = detector.owners_ == c
        scores[:, c] = (beyond if vote == "soft" else active)[:, own].sum(axis=1) + overlaps[:, own].max(axis=1) / 9
    np.testing.assert_allclose(classifier.decision_function(X), scores, rtol=1e-12)
    np.testing.assert_array_equal(classifier.predict(csr_array(X)), scores.argmax(axis=1))
    np.testing.assert_array_equal(classifier.detects(X), active.any(axis=1))
    expected = (scores + 0.25) / (scores + 0.25).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.predict_proba(X), expected, rtol=1e-12)
    np.testing.assert_array_equal(classifier.predict_proba(X[5:6]), 0.25)
    assert classifier.score(X[80:], y[80:]) > 0.9

    positive = DendriticNeuron(detector_of(match_threshold=6), vote=vote, firing_threshold=2, random_state=0)
    positive.fit(X[:80], y[:80] == 2)
    overlaps = positive.detector_.set_params(output="overlap").transform(X)
    beyond = np.maximum(overlaps - positive.detector_.thresholds_ + 1, 0)
    votes = (beyond if vote == "soft" else beyond > 0).sum(axis=1)
    np.testing.assert_allclose(positive.decision_function(X), votes - 2 + overlaps.max(axis=1) / 9, rtol=1e-12)
    np.testing.assert_array_equal(positive.predict(X), votes >= 2)
    assert positive.detector_.owners_.tolist() == [True] * len(positive.detector_.owners_)


@pytest.mark.nojit
def test_two_classes_and_one():
    X, y = some_classes(2)
    classifier = ActiveDendriteClassifier(detector_of(), random_state=0).fit(X, y)
    lead = classifier.decision_function(X)
    assert lead.shape == y.shape
    np.testing.assert_array_equal(classifier.predict(X), lead > 0)
    shares = classifier.predict_proba(X)[:, 1]
    np.testing.assert_array_equal(np.sign(shares - 0.5), np.sign(lead))
    single = ActiveDendriteClassifier(detector_of(), random_state=0).fit(X, np.zeros(len(X)))
    assert not single.predict(X).any()
    np.testing.assert_array_equal(single.predict_proba(X), 1)


@pytest.mark.nojit
def test_chunks_copies_and_labels(tmp_path):
    X, y = some_classes()
    for names in (np.array(["d", "a", "c", "b"], dtype=object)[y], np.array([7, 5, 6, 9])[y]):
        classes = np.unique(names)
        make = ActiveDendriteClassifier(detector_of(match_threshold=7, permanence_punishment=0.1), random_state=0)
        whole = clone(make).partial_fit(X, names, classes=classes)
        parts = clone(make).partial_fit(X[:7], names[:7], classes=classes)
        parts.save(tmp_path / "classifier.npz")
        copies = [parts, pickle.loads(pickle.dumps(parts)), load(tmp_path / "classifier.npz")]  # noqa: S301
        for copy in copies:
            copy.partial_fit(csr_array(X[7:8]), names[7:8]).partial_fit(X[8:], names[8:], classes=names)
            assert copy.detector_.dictionary_ == whole.detector_.dictionary_
            np.testing.assert_array_equal(copy.predict_proba(X), whole.predict_proba(X))
            assert copy.predict(X[:3]).tolist() == whole.predict(X[:3]).tolist()
        assert whole.classes_.tolist() == classes.tolist()
        threads = clone(make).set_params(detector__n_jobs=2).partial_fit(X, names, classes=classes)
        np.testing.assert_array_equal(threads.predict_proba(X), whole.predict_proba(X))


@pytest.mark.nojit
def test_parameters_of_the_detector_hold_from_the_next_call_on(tmp_path):
    """As if they had been set for a detector that learns the same rows; what cannot be changed is said."""
    X, y = some_classes()
    classifier = ActiveDendriteClassifier(detector_of(n_synapses=7), random_state=0).partial_fit(
        X[:70], y[:70], range(4)
    )
    detector = detector_of(n_synapses=7).set_params(random_state=0).partial_fit(X[:70], y[:70])
    changes = {"threshold": 5, "match_threshold": 6, "permanence_decrement": 0.2, "max_segments": 90}
    for name, value in changes.items():
        classifier.set_params(**{f"detector__{name}": value})
    classifier.save(tmp_path / "classifier.npz")
    classifier.partial_fit(X[70:], y[70:])
    detector.set_params(**changes).partial_fit(X[70:], y[70:])
    for copy in (classifier, load(tmp_path / "classifier.npz").partial_fit(X[70:], y[70:])):
        assert copy.detector_.dictionary_ == detector.dictionary_
        assert set(copy.detector_.thresholds_) == {5}
        assert copy.detector_.n_items_ == len(X)
    before = pickle.dumps(classifier.detector_)
    with pytest.raises(ValueError, match="segments have room for 7 synapses, .* but it is 9 now"):
        classifier.set_params(detector__n_synapses=9).partial_fit(X, y)
    assert pickle.dumps(classifier.detector_) == before


@pytest.mark.nojit
def test_what_is_not_known_has_a_label_of_its_own():
    X, y = some_classes(moved=0.1)
    strangers = random_sdrs(200, 150, 12, random_state=9)
    for labels, unknown in (
        (y, -1),
        (np.array(list("abcd"))[y], "unknown"),
        (np.array(list("abcd"), object)[y], "none of them"),
    ):
        classifier = ActiveDendriteClassifier(detector_of(), unknown_label=unknown, random_state=0).fit(X, labels)
        found = classifier.predict(np.r_[X, strangers])
        known = classifier.detects(np.r_[X, strangers])
        assert set(found[~known]) == {unknown}
        assert unknown not in found[known]
        assert known[: len(X)].mean() > 0.95
        assert known[len(X) :].mean() < 0.2  # 144 segments at 1e-3: 0.13 if they were independent
        classifier.set_params(unknown_label=None)
        assert set(classifier.predict(strangers)) <= set(labels)
    for labels, unknown, message in (
        (y, 2, "`unknown_label`=2 is the label of a class"),
        (y, "none", "`unknown_label`='none' is of another kind"),
        (np.array(list("abcd"))[y], 5, "`unknown_label`=5 is of another kind"),
    ):
        with pytest.raises(ValueError, match=message):
            ActiveDendriteClassifier(detector_of(), unknown_label=unknown).fit(X, labels)


@pytest.mark.nojit
def test_what_is_wrong_is_said_and_changes_nothing():
    X, y = some_classes()
    with pytest.raises(ValueError, match="`classes` must be given in the first call"):
        ActiveDendriteClassifier(detector_of()).partial_fit(X, y)
    classifier = ActiveDendriteClassifier(detector_of(), random_state=0).fit(X, y)
    before = pickle.dumps(classifier)
    for wrong, message in (
        ((X, y + 1), "labels that are not among `classes`, such as '4'"),
        ((X, y, [0, 1]), "`classes` must be those of the first call"),
        ((X[:, 1:], y), "X has 149 features, but ActiveDendriteClassifier is expecting 150"),
        ((X * 0.5, y), "zeros and ones only"),
    ):
        with pytest.raises(ValueError, match=message):
            classifier.partial_fit(*wrong)
    assert pickle.dumps(classifier) == before
    with pytest.raises(ValueError, match="no row of X that would get a segment has a one"):
        classifier.fit(np.zeros((4, 150)), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="`threshold`=9 is more than the `n_synapses`=8"):
        classifier.set_params(detector=detector_of(threshold=9)).fit(X, y)
    with pytest.raises(ValueError, match="'n_synapses' parameter of DendriticSegmentDetector must be"):
        classifier.set_params(detector=detector_of(0)).fit(X, y)
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        DendriticNeuron(detector_of()).fit(X, y)
    with pytest.raises(ValueError, match="y has 1 class"):
        DendriticNeuron(detector_of()).fit(X, np.ones(len(X)))
    with pytest.raises(ValueError, match="no row of X that would get a segment has a one"):
        DendriticNeuron(detector_of()).fit(X * (y == 0)[:, None], y == 1)


@pytest.mark.nojit
def test_a_neuron_may_first_see_what_it_is_not_to_detect():
    X, y = some_classes()
    neuron = DendriticNeuron(detector_of(), random_state=0).partial_fit(X[y > 0], y[y > 0] == 0, classes=[False, True])
    assert not neuron.predict(X).any()
    neuron.partial_fit(X[y == 0], y[y == 0] == 0)
    assert neuron.detector_.code_shape_ == (X[y == 0].any(axis=1).sum(),)
    assert neuron.predict(X[y == 0]).mean() > 0.9


@pytest.mark.slow
def test_digits():
    """Means of five seeds: soft votes 0.969, hard ones 0.965, fewer segments 0.972, the nearest row 0.971.

    Standard deviations of a seed are 0.003 to 0.006.
    """
    right = []
    for seed in range(5):
        train, test, y_train, y_test = sparse_digits(seed)
        soft = ActiveDendriteClassifier(random_state=seed).fit(train, y_train)
        hard = ActiveDendriteClassifier(vote="hard", random_state=seed).fit(train, y_train)
        fewer = ActiveDendriteClassifier(DendriticSegmentDetector(match_threshold=15), random_state=seed)
        nearest = KNeighborsClassifier(1).fit(train.astype(float), y_train)
        right.append([model.score(test, y_test) for model in (soft, hard, fewer.fit(train, y_train), nearest)])
        assert fewer.detector_.code_shape_[0] < 600  # 519 in the mean, for 1257 rows
        sure = soft.predict_proba(test).max(axis=1)
        assert roc_auc_score(soft.predict(test) == y_test, sure) > 0.9
    soft, hard, fewer, nearest = np.mean(right, axis=0)
    assert soft > 0.96
    assert hard > 0.955
    assert fewer > 0.96
    assert nearest - soft < 0.012
    assert nearest > 0.96


@pytest.mark.slow
def test_hard_votes_err_as_counted():
    """Stored patterns of two classes: equal counts go to the own segment, whose overlap is largest.

    Five trials of 1000, within four standard errors of 0.010 and 0.286 (0.069 and 0.356 where a coin decides).
    """
    for n_cells in (700, 500):
        errors = []
        for seed in range(5):
            X, y = random_sdrs(1000, n_cells, 128, random_state=seed), np.repeat([0, 1], 500)
            detector = DendriticSegmentDetector(24, threshold=12)
            classifier = ActiveDendriteClassifier(detector, vote="hard", random_state=seed).fit(X, y)
            errors.append(1 - classifier.score(X, y))
        p, i = false_positive_rate(n_cells, 128, 24, 12), np.arange(500)
        expected = binom.pmf(i, 499, p) @ binom.sf(i + 1, 500, p)
        assert abs(np.mean(errors) - expected) < 4 * np.sqrt(expected * (1 - expected) / 5000)


@pytest.mark.slow
def test_pipeline_of_winners(rng):
    """Gaussian clusters by their largest projections: nearly all right, and CSR codes give the same."""
    centres = rng.normal(size=(6, 20))
    y = rng.integers(0, 6, 600)
    X = np.maximum((centres[y] + 0.4 * rng.normal(size=(600, 20))) @ rng.normal(size=(20, 800)), 0)
    labels = [
        make_pipeline(KWinners(30, sparse_output=sparse), ActiveDendriteClassifier(random_state=0))
        .fit(X[:300], y[:300])
        .predict(X[300:])
        for sparse in (False, True)
    ]
    np.testing.assert_array_equal(*labels)
    assert (labels[0] == y[300:]).mean() > 0.95


def test_unknown_labels_that_labels_cannot_be():
    X = random_sdrs(20, 200, 10, random_state=0)
    for y, label in ((np.arange(20) % 2 == 0, -1), ((np.arange(20) % 2).astype(np.uint8), -1)):
        with pytest.raises(ValueError, match="give y as int64 or strings"):
            ActiveDendriteClassifier(DendriticSegmentDetector(5), unknown_label=label).fit(X, y)
