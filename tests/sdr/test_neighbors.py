"""`SDRNearestNeighbors` against a scan by sets, and against scikit-learn."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.estimator_checks import parametrize_with_checks

from sparsecode import load, save
from sparsecode.sdr import SDRNearestNeighbors, add_noise, random_sdrs
from sparsecode.sdr._bits_kernels import METRICS

from ..reference import sdr as naive

nojit = pytest.mark.nojit


def some_rows(rng, n, n_features=70):
    """Rows of any number of ones, with an empty one, a full one, and equal ones."""
    X = rng.random((n, n_features)) < rng.random((n, 1))
    X[1], X[2], X[3] = False, True, X[0]
    return X


@nojit
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_features", [3, 70, 300])
def test_neighbors_are_those_of_the_naive_twin(rng, metric, n_features):
    X, queries = some_rows(rng, 30, n_features), some_rows(rng, 6, n_features)
    neighbors = SDRNearestNeighbors(metric=metric).fit(X)
    for k in (1, 5, 30):
        distances, indices = neighbors.kneighbors(queries, k)
        for i, query in enumerate(queries):
            expected = naive.nearest(query, X, k, metric)
            np.testing.assert_allclose(distances[i], expected[0], atol=1e-12)
            assert indices[i].tolist() == expected[1]


@nojit
@pytest.mark.parametrize("metric", METRICS)
def test_blocks_chunks_threads_and_layouts_make_no_difference(metric):
    rng = np.random.default_rng(1)
    X = some_rows(rng, 700, 40)  # three blocks
    queries = np.concatenate([some_rows(rng, 60, 40), X[:20]])
    expected = SDRNearestNeighbors(12, metric=metric).fit(X).kneighbors(queries)
    kinds = {
        "threads": SDRNearestNeighbors(12, metric=metric, n_jobs=2).fit(X),
        "csr": SDRNearestNeighbors(12, metric=metric).fit(csr_array(X)),
        "thresholds": SDRNearestNeighbors(12, metric=metric, binarize=0.5).fit(X * 0.7),
        "parts": SDRNearestNeighbors(12, metric=metric).partial_fit(X[:5]).partial_fit(X[5:300]).partial_fit(X[300:]),
    }
    for kind, neighbors in kinds.items():
        given = queries * 0.7 if kind == "thresholds" else csr_array(queries) if kind == "csr" else queries
        for found, wanted in zip(neighbors.kneighbors(given), expected, strict=True):
            assert found.tobytes() == wanted.tobytes(), kind
    np.testing.assert_array_equal(kinds["parts"].rows_, X)
    single = np.concatenate([kinds["parts"].kneighbors(query[None])[1] for query in queries])
    np.testing.assert_array_equal(single, expected[1])


@nojit
@pytest.mark.parametrize("metric", ["jaccard", "hamming"])
def test_distances_are_those_of_scikit_learn(rng, metric):
    X, queries = some_rows(rng, 50), some_rows(rng, 20)
    theirs = NearestNeighbors(n_neighbors=8, metric=metric, algorithm="brute").fit(X)
    ours = SDRNearestNeighbors(8, metric=metric).fit(X)
    scale = X.shape[1] if metric == "hamming" else 1  # theirs is a share
    np.testing.assert_allclose(ours.kneighbors(queries)[0], scale * theirs.kneighbors(queries)[0], atol=1e-12)
    np.testing.assert_allclose(ours.kneighbors()[0], scale * theirs.kneighbors()[0], atol=1e-12)
    graph = ours.kneighbors_graph(queries, 3, mode="distance").toarray()
    distances, indices = ours.kneighbors(queries, 3)
    np.testing.assert_array_equal(np.take_along_axis(graph, indices, axis=1), distances)
    assert (ours.kneighbors_graph(queries, 3).toarray()[np.arange(20)[:, None], indices] == 1).all()
    assert ours.kneighbors_graph(queries, 3).nnz == 60


@nojit
def test_stored_rows_are_no_neighbors_of_themselves():
    X = np.ones((6, 4), bool)
    X[5] = False
    neighbors = SDRNearestNeighbors(2).fit(X)
    distances, indices = neighbors.kneighbors()
    assert indices.tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1]]
    assert distances[:5].tolist() == [[0, 0]] * 5
    assert neighbors.kneighbors(return_distance=False).tolist() == indices.tolist()
    graph = neighbors.kneighbors_graph(mode="distance")
    assert graph.shape == (6, 6)
    assert graph.toarray()[5].tolist() == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_many_neighbors_are_those_of_a_list(metric, n_jobs, monkeypatch):
    rng = np.random.default_rng(2)
    X, queries = some_rows(rng, 600, 40), some_rows(rng, 70, 40)
    found = SDRNearestNeighbors(590, metric=metric, n_jobs=n_jobs).fit(X)
    expected = *found.kneighbors(queries), *found.kneighbors()
    monkeypatch.setattr("sparsecode.sdr.neighbors.MOST_LISTED", 3)
    for ours, theirs in zip((*found.kneighbors(queries), *found.kneighbors()), expected, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_noisy_rows_are_found():
    X = random_sdrs(2000, 512, 20, random_state=0)
    for metric in METRICS:
        found = SDRNearestNeighbors(1, metric=metric).fit(X).kneighbors(add_noise(X, 0.5, random_state=0))[1]
        assert (found[:, 0] == np.arange(2000)).all()


@nojit
def test_numbers_of_neighbors_are_checked(rng):
    X = some_rows(rng, 5)
    neighbors = SDRNearestNeighbors().fit(X)
    assert neighbors.kneighbors(X)[1].shape == (5, 5)
    with pytest.raises(ValueError, match="from 1 to 4, the number of stored rows other than a row itself, got 5"):
        neighbors.kneighbors()
    for wrong in (0, 6, 2.0, True):
        with pytest.raises(
            ValueError, match="`n_neighbors` must be an integer from 1 to 5, the number of stored rows,"
        ):
            neighbors.kneighbors(X, wrong)
    with pytest.raises(ValueError, match="`mode` must be 'connectivity' or 'distance', got 'both'"):
        neighbors.kneighbors_graph(X, mode="both")
    with pytest.raises(ValueError, match="zeros and ones only"):
        neighbors.kneighbors(X * 0.5)
    with pytest.raises(ValueError, match="X has 69 features, but SDRNearestNeighbors is expecting 70"):
        neighbors.partial_fit(X[:, 1:])
    assert neighbors.n_samples_fit_ == 5


def test_copies_find_the_same(rng, tmp_path):
    X = some_rows(rng, 300)
    neighbors = SDRNearestNeighbors(3).fit(X)
    save(neighbors, tmp_path / "neighbors.npz")
    expected = neighbors.kneighbors(X)
    for copy in (pickle.loads(pickle.dumps(neighbors)), load(tmp_path / "neighbors.npz")):  # noqa: S301
        for found, wanted in zip(copy.kneighbors(X), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
        again = clone(neighbors).fit(X).partial_fit(X[:7]).kneighbors(X)
        np.testing.assert_array_equal(copy.partial_fit(X[:7]).kneighbors(X)[1], again[1])


@parametrize_with_checks([SDRNearestNeighbors(1, binarize=0.0)])
def test_scikit_learn(estimator, check):
    check(estimator)
