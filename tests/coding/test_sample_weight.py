"""`sample_weight`: weights of the mean objective, which repeated rows stand for too."""

import numpy as np
import pytest
import sklearn
from sklearn.pipeline import make_pipeline

from sparsecode import SparseCoder
from sparsecode.coding._sparsity import Amounts, resolve_alpha
from sparsecode.learning.statistics import gather
from sparsecode.penalties import L1
from sparsecode.preprocessing import PatchExtractor
from sparsecode.solvers import objective, solve

from .test_sparse_coder import synthetic


@pytest.fixture
def data(rng):
    X, D = synthetic(rng, n=300)
    return X, rng.integers(0, 4, 300), D


def coder(**params):
    return SparseCoder(12, **{"random_state": 0, "max_iter": 4, "tol": 0} | params)


@pytest.mark.nojit
def test_statistics_are_those_of_repeated_rows(data, dtype):
    X, weights, D = data[0].astype(dtype), np.maximum(data[1], 1), data[2].astype(dtype)
    repeated = np.repeat(X, weights, axis=0)
    found, expected = (
        gather(rows, solve(rows, D, L1(0.3), sparse_output=True), weights=w, half=0.5)
        for rows, w in ((X, weights.astype(float)), (repeated, None))
    )
    tolerance = 1e-12 if dtype == np.float64 else 3e-5
    for name in ("A", "B", "histogram"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=tolerance, atol=100 * tolerance)
    assert found.A.dtype == dtype
    assert (found.totals.n, found.totals.weight) == (len(X), len(repeated))
    for name in ("weight", "square_error", "penalty", "violation", "counts"):
        np.testing.assert_allclose(getattr(found.totals, name), getattr(expected.totals, name), rtol=1e-5)


#: Rules that know no number of rows, with all rows in one batch.
SAME = [
    {"batch_size": 1000, "learning": "gradient"},
    {"batch_size": 1000, "learning": "gradient", "homeostasis": "ols"},
    {"batch_size": 1000, "learning": "gradient", "penalty": "cel0", "homeostasis": "emp"},
    {"batch_size": 1000, "learning": "gradient", "n_nonzero_coefs": 2, "solver": "mp", "homeostasis": "heh"},
    {"learning": "mod"},
    {"learning": "mod", "n_nonzero_coefs": 2},
    {"learning": "k-svd", "n_nonzero_coefs": 2},
    {"learning": "k-svd", "penalty": "l0", "positive": True},
    {"batch_size": 1000, "learning": "gradient", "target_sparsity": 0.2},
    {
        "batch_size": 1000,
        "learning": "gradient",
        "alpha": 0.3,
        "alpha_scale": "max",
        "fit_dc": True,
        "homeostasis": None,
    },
]


@pytest.mark.parametrize("choice", SAME, ids=str)
def test_integer_weights_are_repeated_rows(data, choice):
    X, weights, _ = data
    X = X + 5e-3  # a target is approached in the end, and then met by codes that do not jump
    weighted = coder(**choice).fit(X, sample_weight=weights)
    repeated = coder(**choice).fit(np.repeat(X, weights, axis=0))
    np.testing.assert_allclose(weighted.components_, repeated.components_, atol=1e-6)
    if weighted.alpha_ is not None:
        assert weighted.alpha_ == pytest.approx(repeated.alpha_, rel=1e-6)
    for name in ("objective", "sparsity", "data_term"):
        np.testing.assert_allclose(weighted.history_[name], repeated.history_[name], rtol=1e-6)
    assert not np.allclose(weighted.components_, coder(**choice).fit(X).components_, atol=1e-3)


def test_learning_online_ends_at_the_same_objective(data):
    """Batches differ; so does how fast the first ones are forgotten."""
    X, weights, _ = data
    repeated = np.repeat(X, weights, axis=0)
    penalty = L1(0.3)
    settings = {"alpha": 0.3, "homeostasis": None, "max_iter": 60, "batch_size": 50}
    reached = []
    for rows, given in ((X, weights), (repeated, None), (X, None)):
        atoms = coder(**settings).fit(rows, sample_weight=given).components_
        reached.append(objective(repeated, atoms, solve(repeated, atoms, penalty).codes, penalty).mean())
    assert reached[0] == pytest.approx(reached[1], rel=1e-4)  # 1.11889, 1.11888; without weights 1.12007
    assert reached[0] < reached[2]


def test_weights_decide_what_is_learned(rng):
    """Rows of one kind with a hundredth of the weight leave the atoms to the others."""
    first, _ = synthetic(rng, n=400)
    second, D = synthetic(rng, n=400)
    X, weights = np.concatenate([first, second]), np.repeat([0.01, 1.0], 400)
    atoms = coder(max_iter=30).fit(X, sample_weight=weights).components_
    plain = coder(max_iter=30).fit(X).components_
    found, without = (np.abs(D @ found.T).max(axis=1).mean() for found in (atoms, plain))
    assert found > 0.98  # 0.999 over five seeds of the data
    assert without < 0.9  # 0.74 to 0.83


def test_weights_in_chunks_share_their_unit(data):
    X = data[0]
    settings = {"alpha": 0.3, "batch_size": 100, "homeostasis": None}
    expected, found = coder(**settings).partial_fit(X, sample_weight=np.repeat([1.0, 3.0, 3.0], 100)), coder(**settings)
    for start, weight in ((0, None), (100, 3.0), (200, np.full(100, 3))):
        found.partial_fit(X[start : start + 100], sample_weight=weight)
    assert np.array_equal(found.components_, expected.components_)
    assert not np.array_equal(found.components_, coder(**settings).partial_fit(X).components_)


def test_equal_weights_of_any_size_are_none(data):
    X = data[0]
    expected = coder().fit(X).components_
    for weight in (1, 7, 2.0**-1060, np.full(300, 1e300)):
        assert np.array_equal(coder().fit(X, sample_weight=weight).components_, expected)


def test_rows_without_weight_are_not_there(data):
    X, weights, _ = data
    X = X.copy()
    X[weights == 0] = 1e200
    kept = weights > 0
    expected = coder(init="data").fit(X[kept], sample_weight=weights[kept])
    assert np.array_equal(coder(init="data").fit(X, sample_weight=weights).components_, expected.components_)


def test_medians_and_amounts_are_those_of_repeated_rows(rng):
    for _ in range(50):
        X = rng.normal(size=(rng.integers(1, 9), 3))
        X[0] *= rng.random() < 0.5
        weights = rng.integers(1, 4, len(X))
        if X.any():
            found = resolve_alpha(L1(0.5), X, 2, "max", weights.astype(float)).alpha
            assert found == pytest.approx(resolve_alpha(L1(0.5), np.repeat(X, weights, axis=0), 2, "max").alpha)
        result = solve(X, np.eye(3), L1(0.3), sparse_output=True)
        again = solve(np.repeat(X, weights, axis=0), np.eye(3), L1(0.3), sparse_output=True)
        amounts = Amounts.of(X, result.codes, result.square_error, weights.astype(float))
        expected = Amounts.of(np.repeat(X, weights, axis=0), again.codes, again.square_error)
        np.testing.assert_allclose(amounts, expected._replace(n_entries=X.size))


def test_a_given_dictionary_takes_its_weight_from_weighted_rows(data):
    X, weights, D = data
    for choice in ({"alpha": 0.3, "alpha_scale": "max"}, {"target_snr": 8.0}):
        found = SparseCoder(dictionary=D, **choice).fit(X, sample_weight=weights).alpha_
        assert found == pytest.approx(SparseCoder(dictionary=D, **choice).fit(np.repeat(X, weights, axis=0)).alpha_)
        assert found != pytest.approx(SparseCoder(dictionary=D, **choice).fit(X).alpha_, rel=1e-6)


@pytest.mark.parametrize("learning", ["online", "gradient", "mod", "k-svd"])
def test_bad_weights(data, learning):
    X, weights, _ = data
    make = coder(n_nonzero_coefs=2, learning=learning, max_iter=1)
    for bad, message in (
        (weights - 1.0, "Negative values in data passed to `sample_weight`"),
        (0 * weights, "at least one non-zero"),
        (np.where(weights, np.nan, 1.0), "Input sample_weight contains NaN"),
        (weights[:5], r"sample_weight.shape == \(5,\), expected \(300,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            make.fit(X, sample_weight=bad)
    assert not hasattr(make, "components_")


def test_weights_of_chunks_must_keep_near_one(data):
    X = data[0]
    for weights in (np.full(300, 1e80), np.r_[1e-40, np.ones(299)]):
        with pytest.raises(
            ValueError, match="must be 0 or lie within 1e-12 and 1e12, got .*; divide the weights of all"
        ):
            coder().partial_fit(X, sample_weight=weights)
    assert np.isfinite(coder().fit(X.astype("f"), sample_weight=np.geomspace(1e-300, 1e300, 300)).components_).all()


def test_weights_are_routed(data):
    X, weights, _ = data
    with sklearn.config_context(enable_metadata_routing=True):
        step = coder().set_fit_request(sample_weight=True)
        routed = make_pipeline(step).fit(X, sample_weight=weights)
    assert np.array_equal(routed[0].components_, coder().fit(X, sample_weight=weights).components_)
    assert "sample_weight" not in PatchExtractor.fit.__code__.co_varnames
    codes = coder().fit_transform(X, sample_weight=weights)
    assert np.array_equal(codes, coder().fit(X, sample_weight=weights).transform(X))


@pytest.mark.parametrize("params", [{"alpha": 0.5}, {"target_sparsity": 0.2}])
def test_the_unit_of_weights_does_not_matter_to_partial_fit(rng, params):
    """Weights that sum to one in each call, or to little: gains and targets count samples."""
    X = rng.normal(size=(600, 10))
    weights = rng.uniform(0.5, 1.5, 600)

    def learned(unit):
        coder = SparseCoder(12, homeostasis="hap", random_state=0, **params)
        for rows in np.split(np.arange(600), 10):
            coder.partial_fit(X[rows], sample_weight=weights[rows] * unit)
        return coder

    found, other = learned(1.0), learned(2.0**-10)
    np.testing.assert_allclose(other.components_, found.components_, atol=1e-9)
    assert other.alpha_ == pytest.approx(found.alpha_, rel=1e-9)


def test_score_of_weighted_rows_is_that_of_repeated_ones(data, dtype):
    X, weights, D = data[0].astype(dtype), data[1], data[2]
    fitted = SparseCoder(dictionary=D, alpha=0.3).fit(X)
    expected = fitted.score(np.repeat(X, weights, axis=0))
    for factor in (1, 1e300, 1e-300):
        assert fitted.score(X, sample_weight=factor * weights) == pytest.approx(expected, rel=1e-12, abs=1e-6)
    assert fitted.score(X, sample_weight=np.ones(len(X))) == pytest.approx(fitted.score(X), rel=1e-9)
    assert abs(fitted.score(X) - expected) > 1e-4
    with pytest.raises(ValueError, match="rows of X that differ"):
        fitted.score(X, sample_weight=np.eye(len(X))[0])
    with pytest.raises(ValueError, match="Negative values"):
        fitted.score(X, sample_weight=-np.ones(len(X)))
