"""k winners against their naive twins; duty cycles, boosting, and `KWinners` in a pipeline."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sparsecode import SparseCoder, load
from sparsecode.sdr import (
    KWinners,
    MacrocolumnHierarchy,
    MacrocolumnMemory,
    SequenceMemory,
    SpatialPooler,
    boost_factors,
    k_winners,
)
from sparsecode.solvers import statistical_top_k

from ..reference import sdr as naive


def places(rows):
    return [np.flatnonzero(row).tolist() for row in rows]


@pytest.mark.parametrize("k", [1, 3, 7, 8, 20])
@pytest.mark.parametrize("least", [0.0, -np.inf, 1.0])
def test_the_largest_values_win(rng, dtype, k, least):
    values = rng.normal(size=(40, 8)).round(1).astype(dtype)  # with equal ones
    values[0], values[1], values[2] = 0, -1, 2
    assert places(k_winners(values, k, least=least)) == [naive.winners(row, k, least) for row in values]


def test_more_rows_than_are_ranked_at_a_time(rng):
    values = rng.integers(0, 5, size=(600, 9))
    assert places(k_winners(values, 3)) == [naive.winners(row, 3) for row in values]


def test_statistical_winners_are_those_of_the_solver(rng):
    values = rng.normal(size=(300, 200))
    won = k_winners(values, 10, method="statistical")
    np.testing.assert_array_equal(won, statistical_top_k(values, 10) > 0)
    assert won.sum(axis=1).mean() == pytest.approx(10, abs=0.5)
    assert not k_winners(values - 100, 10, method="statistical").any()
    assert k_winners(values - 100, 10, method="statistical", least=-np.inf).sum() == won.sum()


def test_edges_of_winners():
    values = np.array([[1.0, -1.0, 2.0]])
    for k in (3, 4):
        for method in ("exact", "statistical"):
            assert k_winners(values, k, method=method).tolist() == [[True, False, True]]
    assert k_winners(np.zeros((0, 3)), 2).shape == (0, 3)
    assert k_winners(values, 2.0).tolist() == k_winners(values, 2.0, least=-np.inf).tolist() == [[True, False, True]]
    for wrong in (np.nan, "0"):
        with pytest.raises(ValueError, match="`least` must be a number"):
            k_winners(values, 1, least=wrong)
    with pytest.raises(ValueError, match="`strength`=1000.0 makes factors that are infinite: give at most 700"):
        boost_factors([0.0, 0.5], 1.0, 1000.0)
    assert boost_factors([0.0, 1.0], 0.0, 1e6).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (([[1.0, 2.0]], 0), "`k` must be an integer >= 1, got 0"),
        (([[1.0, 2.0]], 1.5), "`k` must be an integer >= 1"),
        (([[1.0, np.nan]], 1), "values must be finite"),
        (([1.0, 2.0], 1), "values must have two dimensions"),
    ],
)
def test_wrong_values_are_refused(args, message):
    with pytest.raises(ValueError, match=message):
        k_winners(*args)


def test_names_and_shares_are_checked():
    with pytest.raises(ValueError, match="there is no method 'topk'; there are 'exact' and 'statistical'"):
        k_winners([[1.0]], 1, method="topk")
    with pytest.raises(ValueError, match=r"`duty_cycles` must lie in \[0, 1\]"):
        boost_factors([1.5], 0.1, 1.0)
    with pytest.raises(ValueError, match="`strength` must be a finite number >= 0"):
        boost_factors([0.5], 0.1, -1.0)


def codes_like(rng, n=60, K=12):
    """Sparse real codes with signs, one row of zeros, units of different strength."""
    X = rng.normal(size=(n, K)) * (rng.random((n, K)) < 0.5) * np.linspace(0.5, 1.5, K)
    X[5] = 0
    return X


@pytest.mark.parametrize("sign", ["split", "absolute", "positive"])
@pytest.mark.parametrize("boost", [0.0, 5.0])
def test_learning_is_that_of_the_naive_twin(rng, sign, boost):
    X = codes_like(rng)
    twin = naive.Winners(12, 3, sign=sign, boost=boost, period=20)
    winners = KWinners(3, sign=sign, boost_strength=boost, duty_period=20)
    for part in (X[:1], X[1:40], X[40:]):
        for x in part:
            twin.learn(x)
        winners.partial_fit(part)
        np.testing.assert_allclose(winners.duty_cycles_.ravel(), twin.duty, atol=1e-12)
        assert places(winners.transform(X)) == [twin.code(x) for x in X]
    for unit, values in enumerate(twin.values):
        assert winners.inverse_transform(np.eye(len(twin.values))[[unit]])[0, unit % 12] == pytest.approx(
            np.mean(values), abs=1e-12
        )
    whole = KWinners(3, sign=sign, boost_strength=boost, duty_period=20).fit(csr_array(X))
    assert whole.duty_cycles_.tobytes() == winners.duty_cycles_.tobytes()
    units = np.eye(len(twin.values))
    assert whole.inverse_transform(units).tobytes() == winners.inverse_transform(units).tobytes()
    assert whole.code_shape_ == ((2, 12) if sign == "split" else (12,))
    assert whole.code_dims_ == (("sign", "code") if sign == "split" else ("code",))


def test_winners_stand_for_their_values():
    X = np.array([[3.0, 0.0, -2.0, 0.0], [5.0, 0.0, -6.0, 1.0]])
    winners = KWinners(2).fit(X)
    np.testing.assert_allclose(winners.inverse_transform(winners.transform(X)), [[4, 0, -4, 0]] * 2)
    np.testing.assert_allclose(winners.inverse_transform(csr_array(winners.transform(X))), [[4, 0, -4, 0]] * 2)
    never = np.zeros((1, 8))
    never[0, [1, 7]] = 1  # the first of positive, the second of negative values
    np.testing.assert_allclose(winners.inverse_transform(never), [[0, 4, 0, -4]])
    assert not KWinners(2).fit(np.zeros((2, 4))).inverse_transform(np.ones((1, 8))).any()
    largest = np.finfo(float).max
    huge = KWinners(2, sign="absolute").fit([[largest, largest, 0.0], [-largest, largest, 0.0]])
    np.testing.assert_allclose(huge.inverse_transform(np.eye(3)) / largest, np.diag([0.0, 1.0, 0.5]))


def test_duty_cycles_are_means_until_the_period():
    X = np.eye(4)[[0, 0, 1, 2]]
    winners = KWinners(1, sign="absolute").fit(X)
    np.testing.assert_allclose(winners.duty_cycles_, [0.5, 0.25, 0.25, 0])
    (record,) = winners.history_
    assert record["dead"] == 1
    assert record["sparsity"] == 0.25
    shares = np.array([0.5, 0.25, 0.25])
    assert record["objective"] == pytest.approx(1 + (shares * np.log(shares)).sum() / np.log(4))


def test_boosting_lets_all_units_win():
    """Spread of the duty cycles of 100 units, 10 winners, seeds 0 to 4: 0.058 to 0.061 without, 0.009 with 20."""
    for seed in range(2):
        X = np.random.default_rng(seed).normal(size=(3000, 100)) * np.linspace(1, 2, 100)
        spreads = [KWinners(10, sign="absolute", boost_strength=b).fit(X).duty_cycles_.std() for b in (0.0, 20.0)]
        assert spreads[1] < 0.3 * spreads[0]


def test_numbers_and_shares():
    X = np.ones((2, 40))
    assert KWinners(0.1).fit(X).n_winners_ == 4
    assert KWinners(0.001).fit(X).n_winners_ == 1
    assert KWinners(50).fit(X).n_winners_ == 40
    assert KWinners(0.1).fit_transform(X).sum(axis=1).tolist() == [4, 4]
    for wrong in (0, 1.0, 1.5, -0.1, "all"):
        with pytest.raises(ValueError, match="'n_winners' parameter of KWinners must be"):
            KWinners(wrong).fit(X)


def test_degenerate_rows():
    X = np.zeros((3, 5))
    winners = KWinners(2).fit(X)
    assert not winners.transform(X).any()
    assert not winners.transform(csr_array(X)).any()
    assert winners.history_["objective"][0] == 0
    assert not winners.duty_cycles_.any()
    extreme = np.array([[1e308, -1.7e308, 1e-320, 0, 5e-324]])
    for boost in (0.0, 50.0):
        won = KWinners(4, sign="absolute", boost_strength=boost).fit(extreme).transform(extreme)
        assert won.tolist() == [[True, True, True, False, True]]


def test_later_signs_wait_for_fit(rng):
    X = codes_like(rng)
    winners = KWinners(3).fit(X).set_params(sign="absolute")
    assert winners.partial_fit(X).code_shape_ == (2, 12)
    assert winners.transform(X).shape == (60, 24)
    assert winners.fit(X).code_shape_ == (12,)


@pytest.mark.parametrize("params", [{}, {"boost_strength": 10.0}, {"sign": "positive", "sparse_output": True}])
def test_copies_go_on_learning_as_if_nothing_had_happened(params, rng, tmp_path):
    X = codes_like(rng)
    winners = KWinners(3, duty_period=30, **params).fit(X[:30])
    winners.save(tmp_path / "winners.npz")
    for copy in (pickle.loads(pickle.dumps(winners)), load(tmp_path / "winners.npz")):  # noqa: S301
        other = pickle.loads(pickle.dumps(winners)).partial_fit(X[30:])  # noqa: S301
        copy.partial_fit(X[30:])
        assert copy.duty_cycles_.tobytes() == other.duty_cycles_.tobytes()
        assert copy.history_["objective"].tobytes() == other.history_["objective"].tobytes()


def test_from_patches_to_a_memory():
    """Real codes, winners, and a memory that knows what it has stored, in one pipeline."""
    rng = np.random.default_rng(0)
    atoms = rng.normal(size=(60, 36))
    X = (rng.normal(size=(40, 60)) * (rng.random((40, 60)) < 0.1)) @ atoms
    coder = SparseCoder(dictionary=atoms / np.linalg.norm(atoms, axis=1, keepdims=True), alpha=0.1, sparse_output=True)
    pipeline = make_pipeline(coder, KWinners(6, sparse_output=True), MacrocolumnMemory(30, 20, random_state=0)).fit(X)
    assert pipeline.score_samples(X).min() == 1
    noisy, other = X + 0.1 * rng.normal(size=X.shape), rng.permuted(X, axis=1)
    assert pipeline.score_samples(noisy).mean() > pipeline.score_samples(other).mean() + 0.2


@pytest.mark.nojit
@pytest.mark.parametrize("name", ["n_iter_", "history_", "duty_cycles_", "code_shape_"])
def test_nothing_is_known_before_fit(name):
    for encoder in (KWinners(), SpatialPooler(), MacrocolumnMemory(), SequenceMemory(), MacrocolumnHierarchy()):
        if hasattr(type(encoder), name):
            with pytest.raises(NotFittedError):
                getattr(encoder, name)
