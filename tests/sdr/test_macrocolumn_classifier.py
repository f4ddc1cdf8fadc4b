"""`MacrocolumnClassifier`: counts of winners with classes, chunks, labels, and digits."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from sparsecode import load
from sparsecode.sdr import MacrocolumnClassifier, MacrocolumnMemory

from .inputs import noisy, random_items


def classifier_of(n_units=30, **params):
    return MacrocolumnClassifier(MacrocolumnMemory(8, n_units, store_items=True, **params), random_state=0)


@pytest.mark.filterwarnings("ignore:a random row of the same features")
@parametrize_with_checks(
    [
        MacrocolumnClassifier(MacrocolumnMemory(5, 20, binarize=0.0), random_state=0),
        MacrocolumnClassifier(MacrocolumnMemory(5, 20, binarize=0.5, freeze_fraction="auto"), random_state=0),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def some_classes(rng, n_classes=4, n=10):
    """Rows that are noisy versions of one row a class, two of them empty."""
    X = noisy(rng, np.repeat(random_items(rng, n_classes, 100, 12), n, axis=0), 0.3)
    order = rng.permutation(len(X))
    X, y = X[order], np.repeat(np.arange(n_classes), n)[order]
    X[[3, 17]] = False
    return X, y


@pytest.mark.nojit
def test_counts_are_of_winners_and_classes(rng):
    X, y = some_classes(rng)
    classifier = classifier_of(freeze_fraction=0.3).fit(X, y)
    coded = X.any(axis=1)
    codes, labels = classifier.memory_.codes_, y[coded]
    counts = np.zeros((4, 8, 30), int)
    for code, label in zip(codes, labels, strict=True):
        counts[label, range(8), code] += 1
    np.testing.assert_array_equal(classifier.unit_counts_, counts)
    np.testing.assert_array_equal(classifier.class_counts_, np.bincount(labels))
    winners = classifier.memory_.transform(X).reshape(-1, 8, 30).argmax(axis=2)
    expected = np.log(classifier.class_counts_) + np.zeros((len(X), 1))
    for i in np.flatnonzero(coded):
        for q, k in enumerate(winners[i]):
            expected[i] += np.log((counts[:, q, k] + 1 / 30) / (classifier.class_counts_ + 1))
    expected = np.exp(expected - expected.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier.predict_proba(X), expected, rtol=1e-9, atol=1e-300)
    np.testing.assert_array_equal(classifier.predict(X), expected.argmax(axis=1))
    assert classifier.score(X[coded], labels) > 0.9


@pytest.mark.nojit
def test_chunks_copies_and_labels(rng, tmp_path):
    X, y = some_classes(rng)
    names = np.array(["d", "a", "c", "b"], dtype=object)[y]
    whole = classifier_of().fit(X, names)
    parts = classifier_of().partial_fit(X[:7], names[:7], classes=["a", "b", "c", "d"])
    parts.save(tmp_path / "classifier.npz")
    copies = [parts, pickle.loads(pickle.dumps(parts)), load(tmp_path / "classifier.npz")]  # noqa: S301
    for copy in copies:
        copy.partial_fit(csr_array(X[7:8]), names[7:8]).partial_fit(X[8:], names[8:], classes=names)
        np.testing.assert_array_equal(copy.unit_counts_, whole.unit_counts_)
        np.testing.assert_array_equal(copy.predict_proba(X), whole.predict_proba(X))
        assert copy.predict(X[:2]).tolist() == whole.predict(X[:2]).tolist()
        assert copy.n_features_in_ == 100
    assert whole.classes_.tolist() == ["a", "b", "c", "d"]


@pytest.mark.nojit
def test_what_is_wrong_is_said_and_changes_nothing(rng):
    X, y = some_classes(rng)
    with pytest.raises(ValueError, match="`classes` must be given in the first call"):
        classifier_of().partial_fit(X, y)
    classifier = classifier_of().fit(X, y)
    before = pickle.dumps(classifier)
    for wrong, message in (
        ((X, y + 1), "labels that are not among `classes`, such as '4'"),
        ((X, y, [0, 1]), "`classes` must be those of the first call"),
        ((X[:, 1:], y), "X has 99 features, but MacrocolumnClassifier is expecting 100"),
        ((X * 0.5, y), "zeros and ones only"),
    ):
        with pytest.raises(ValueError, match=message):
            classifier.partial_fit(*wrong)
    with pytest.raises(ValueError, match="no row of X has a code"):
        classifier.fit(np.zeros((4, 100)), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="'smoothing' parameter of MacrocolumnClassifier must be"):
        clone(classifier).set_params(smoothing=0).fit(X, y)
    assert pickle.dumps(classifier) == before


def test_digits_need_freezing():
    """1000 digits: 0.84 to 0.88 of 797 others with "auto", 0.18 to 0.34 without (five seeds)."""
    X, y = load_digits(return_X_y=True)
    X = X > 7
    order = np.random.default_rng(0).permutation(len(X))
    seen, others = order[:1000], order[1000:]
    frozen = MacrocolumnClassifier(random_state=0).fit(X[seen], y[seen])
    assert frozen.score(X[others], y[others]) > 0.8
    with pytest.warns(UserWarning, match="a random row of the same features would have a familiarity of 1.00"):
        open_ended = MacrocolumnClassifier(MacrocolumnMemory(), random_state=0).fit(X[seen], y[seen])
    assert open_ended.score(X[others], y[others]) < 0.5


def test_a_first_chunk_may_have_no_codes(rng):
    X, y = rng.random((20, 30)) < 0.3, np.arange(20) % 2
    X[:4] = False
    whole = MacrocolumnClassifier(MacrocolumnMemory(5, 40), random_state=0).fit(X, y)
    chunks = MacrocolumnClassifier(MacrocolumnMemory(5, 40), random_state=0).partial_fit(X[:4], y[:4], classes=[0, 1])
    np.testing.assert_array_equal(chunks.predict_proba(X[4:6]), 0.5)
    chunks.partial_fit(X[4:], y[4:])
    np.testing.assert_array_equal(chunks.predict_proba(X), whole.predict_proba(X))
    with pytest.raises(ValueError, match="`classes` must be given"):
        MacrocolumnClassifier().partial_fit(X, y, classes=[])
