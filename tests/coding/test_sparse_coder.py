"""`SparseCoder`: codes, learning, parameters, scales, errors, and use in scikit-learn's tools."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import sparse_encode
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sparsecode import SparseCoder
from sparsecode.penalties import L0, L1, ElasticNet, KSparse, LHalf, LogSum
from sparsecode.solvers import duality_gap, objective


def synthetic(rng, n=1200, n_components=12, n_features=20, active=2):
    """Sparse combinations of random unit atoms, with the atoms."""
    D = rng.normal(size=(n_components, n_features))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    W = np.zeros((n, n_components))
    for row in W:
        row[rng.choice(n_components, active, replace=False)] = rng.normal(size=active) + 2 * rng.choice([-1, 1], active)
    return W @ D + 0.01 * rng.normal(size=(n, n_features)), D


def same_fit(a, b):
    seconds = [name for name in a.history_.dtype.names if name != "seconds"]
    return np.array_equal(a.components_, b.components_) and np.array_equal(a.history_[seconds], b.history_[seconds])


# ---------------------------------------------------------------- codes


def test_codes_equal_scikit_learn(patches):
    X, D = patches[:100], patches[1000:1100]
    codes = SparseCoder(dictionary=D, alpha=0.3).fit(X).transform(X)
    theirs = sparse_encode(X, D, algorithm="lasso_cd", alpha=0.3, max_iter=10_000)
    ours, peers = objective(X, D, codes, L1(0.3)), objective(X, D, theirs, L1(0.3))
    # scikit-learn stops at a gap of 1e-8 ||x||^2: it may be above, never below. Measured: 8e-9 above.
    assert (ours <= peers * (1 + 1e-12)).all()
    np.testing.assert_allclose(ours.sum(), peers.sum(), rtol=1e-6)


def test_certificate_holds_for_transform(patches, dtype):
    X, D = patches[:300].astype(dtype), patches[1000:1288].astype(dtype)
    codes = SparseCoder(dictionary=D, alpha=0.2, encode_tol=1e-5).fit(X).transform(X)
    assert codes.dtype == dtype
    assert (duality_gap(X, D, codes, L1(0.2)) <= 1.2e-5 * 0.5 * np.square(X, dtype=float).sum(axis=1)).all()


def test_dictionary_is_used_as_it_is(rng):
    D = rng.normal(size=(5, 8)) * 3
    coder = SparseCoder(dictionary=D, alpha=0.1).fit(rng.normal(size=(10, 8)))
    assert np.array_equal(coder.components_, D)
    assert not np.shares_memory(coder.components_, D)
    assert np.array_equal(coder.fit(D).components_, D)


# ---------------------------------------------------------------- learning


def test_finds_the_atoms_of_synthetic_data(rng):
    X, D = synthetic(rng)
    coder = SparseCoder(n_components=12, max_iter=200, tol=1e-6, batch_size=100, random_state=0).fit(X)
    match = np.abs(coder.components_ @ D.T).max(axis=0)
    # Over seeds 0 to 9 the least match was 0.995 in nine, and one atom was missed in one.
    assert match.min() > 0.98
    assert coder.score(X) > 0.8


def test_numpys_global_generator_is_left_alone_if_there_is_a_seed(rng):
    before = np.random.get_state()  # noqa: NPY002
    X, _ = synthetic(rng, n=200)
    SparseCoder(12, max_iter=1, random_state=0).fit(X).transform(X)
    assert str(np.random.get_state()) == str(before)  # noqa: NPY002


@pytest.mark.nojit
def test_small_fit_and_transform(rng, dtype):
    X = synthetic(rng, n=40, n_components=4, n_features=6, active=1)[0].astype(dtype)
    coder = SparseCoder(4, max_iter=2, batch_size=10, random_state=0).fit(X)
    codes = coder.transform(X)
    assert codes.dtype == coder.components_.dtype == dtype
    bound = 0.5 * np.square(X, dtype=np.float64).sum(axis=1)
    assert (duality_gap(X, coder.components_, codes, coder.penalty_) <= 1e-5 * bound).all()


def test_learning_lowers_the_objective_and_says_so(rng):
    X, _ = synthetic(rng)
    coder = SparseCoder(n_components=12, batch_size=100, random_state=0).fit(X)
    history = coder.history_
    assert history["objective"][-1] < 0.9 * history["objective"][0]
    np.testing.assert_allclose(history["objective"], history["data_term"] + history["penalty"])
    assert (history["violation"] <= coder.encode_tol).all()
    assert ((history["sparsity"] > 0) & (history["sparsity"] < 1)).all()
    assert len(history) == coder.n_iter_
    codes = coder.transform(X)
    final = objective(X, coder.components_, codes, coder.penalty_).mean()
    assert final <= history["objective"][-1]
    np.testing.assert_allclose(np.linalg.norm(coder.components_, axis=1), 1, rtol=1e-12)


def test_no_dead_atoms_when_there_are_too_many(rng):
    X, _ = synthetic(rng, n_components=4, active=1)
    coder = SparseCoder(n_components=30, batch_size=64, max_iter=30, tol=0, random_state=0).fit(X)
    assert coder.n_resampled_ == coder.history_["replaced"].sum() > 0
    # Over seeds 0 to 9 every atom is used when learning stops.
    assert coder.transform(X).any(axis=0).all()


@pytest.mark.parametrize("init", ["random", "data"])
def test_same_seed_same_bits_for_any_n_jobs_and_after_pickling(rng, init, dtype):
    X = synthetic(rng)[0].astype(dtype)
    make = SparseCoder(n_components=12, init=init, max_iter=3, batch_size=100, random_state=3)
    first = clone(make).fit(X)
    assert first.components_.dtype == dtype
    for n_jobs in (2, -1):
        other = clone(make).set_params(n_jobs=n_jobs).fit(X)
        assert same_fit(first, other)
        assert np.array_equal(first.transform(X), other.transform(X))
    thawed = pickle.loads(pickle.dumps(first))  # noqa: S301
    assert np.array_equal(first.transform(X), thawed.transform(X))
    assert same_fit(first.partial_fit(X), thawed.partial_fit(X))
    assert not same_fit(first, clone(make).set_params(random_state=4).fit(X))


def test_partial_fit_in_chunks_gives_the_bits_of_one_call(rng):
    X, _ = synthetic(rng, n=400)
    make = SparseCoder(n_components=12, alpha=0.2, batch_size=100, random_state=0)
    whole = clone(make).partial_fit(X)
    parts = clone(make)
    for start in (0, 100, 300):
        parts.partial_fit(X[start : {0: 100, 100: 300, 300: 400}[start]])
    assert np.array_equal(whole.components_, parts.components_)
    assert (whole.n_iter_, parts.n_iter_) == (1, 3)


def test_partial_fit_refuses_to_change_between_given_and_learned_atoms(rng):
    X, D = synthetic(rng)
    for first, then in ((D, None), (None, D)):
        coder = SparseCoder(12, dictionary=first, alpha=0.2, max_iter=1).fit(X)
        atoms = coder.components_
        with pytest.raises(ValueError, match="was changed since the first call"):
            coder.set_params(dictionary=then).partial_fit(X)
        assert coder.components_ is atoms
    given = SparseCoder(dictionary=D, alpha=0.2).partial_fit(X).partial_fit(X)
    assert np.array_equal(given.components_, D)


def test_given_init_is_not_changed(rng):
    X, D = synthetic(rng)
    init = 5 * D
    before = init.copy()
    coder = SparseCoder(init=init, alpha=0.1, max_iter=2).fit(X)
    assert coder.components_.shape == (12, 20)
    assert np.array_equal(init, before)


def test_positive_codes(rng):
    X, _ = synthetic(rng)
    assert SparseCoder(n_components=12, positive=True, max_iter=3, random_state=0).fit(X).transform(X).min() == 0


# ---------------------------------------------------------------- alpha


def test_alpha_scale(rng):
    X, D = synthetic(rng, n=101)
    X[:40] = 0
    norms = np.linalg.norm(X[40:], axis=1)
    fraction = SparseCoder(12, alpha=0.3, alpha_scale="max", max_iter=1, random_state=0).fit(X)
    np.testing.assert_allclose(fraction.alpha_, 0.3 * np.median(norms))
    np.testing.assert_allclose(SparseCoder(12, max_iter=1).fit(X).alpha_, 0.2 * np.median(norms))
    fixed = SparseCoder(alpha=0.3, alpha_scale="max", dictionary=D).fit(X)
    np.testing.assert_allclose(fixed.alpha_, 0.3 * np.median(np.abs(X[40:] @ D.T).max(axis=1)))
    assert SparseCoder(alpha=0.3, max_iter=1).fit(X).alpha_ == 0.3


# ---------------------------------------------------------------- scales of the data


@pytest.mark.parametrize("exponent", [-1060, -1000, -400, 300, 1000])
def test_extreme_scales_in_float64(patches, exponent):
    X, D = patches[:60], patches[500:600]
    codes = SparseCoder(dictionary=D, alpha=0.25).fit(X).transform(X)
    scale = 2.0**exponent
    extreme = SparseCoder(dictionary=D, alpha=0.25 * scale).fit(X * scale).transform(X * scale)
    # Subnormal input has lost digits: at 2**-1060 an entry of 1 keeps 14 bits.
    tolerance = 1e-12 if exponent > -1000 else 1e-2
    np.testing.assert_allclose(np.ldexp(extreme, -exponent), codes, rtol=0, atol=tolerance)


@pytest.mark.parametrize("exponent", [-120, -90, 90, 110])
def test_extreme_scales_in_float32(patches, exponent):
    X, D = patches[:60].astype(np.float32), patches[500:600].astype(np.float32)
    codes = SparseCoder(dictionary=D, alpha=0.25).fit(X).transform(X)
    scale = np.float32(2.0) ** exponent
    extreme = SparseCoder(dictionary=D, alpha=float(0.25 * scale)).fit(X * scale).transform(X * scale)
    assert extreme.dtype == np.float32
    np.testing.assert_allclose(np.ldexp(extreme, -exponent), codes, rtol=0, atol=1e-5)


@pytest.mark.parametrize("exponent", [-1030, -1000, 1000])
def test_learning_does_not_depend_on_the_scale(rng, exponent):
    X, _ = synthetic(rng)
    make = SparseCoder(n_components=12, max_iter=3, batch_size=100, random_state=0)
    plain, extreme = clone(make).fit(X), clone(make).fit(X * 2.0**exponent)
    # At 2**-1030 the samples themselves are rounded to 44 bits.
    np.testing.assert_allclose(extreme.components_, plain.components_, atol=1e-12 if exponent > -1030 else 1e-8)
    np.testing.assert_allclose(np.ldexp(extreme.alpha_, -exponent), plain.alpha_, rtol=1e-6)
    np.testing.assert_allclose(extreme.score(X * 2.0**exponent), plain.score(X), rtol=1e-6)


def test_rows_of_very_different_scales_in_one_call(patches):
    X, D = patches[:4] * np.array([[1e-150], [1.0], [1e6], [0.0]]), patches[500:600]
    codes = SparseCoder(dictionary=D, alpha=0.25).fit(X).transform(X)
    assert not codes[[0, 3]].any()
    alone = SparseCoder(dictionary=D, alpha=0.25).fit(X[1:2]).transform(X[1:2])
    np.testing.assert_allclose(codes[1:2], alone, atol=1e-12)


# ---------------------------------------------------------------- arrays of all kinds


@pytest.mark.parametrize("penalty", [L0(0.5), L0(0.5, positive=True), LHalf(0.5), LogSum(0.5), ElasticNet(0.5)])
def test_tiny_rows_are_zero_and_rows_too_large_for_the_penalty_are_named(penalty):
    coder = SparseCoder(dictionary=np.eye(3, dtype="f"), penalty=penalty).fit(np.eye(3, dtype="f"))
    rows = np.array([[3, 2, 1], [1e-30, 0, 0]], "f")
    codes = coder.transform(rows)
    assert np.array_equal(codes[:1], coder.transform(rows[:1]))
    assert codes[0].any()
    assert not codes[1].any()
    if isinstance(penalty, LogSum) or (isinstance(penalty, L0) and penalty.positive):
        with pytest.raises(
            ValueError, match=r"Row 1 of X is of extreme magnitude, about 2\*\*64, beside which L.*float32"
        ):
            coder.transform(np.array([[3, 2, 1], [1e15, 0, 0]], "f"))


def test_codes_of_scaled_rows_that_overflow_are_refused():
    coder = SparseCoder(dictionary=np.eye(2, dtype="f") * np.float32(1e-10), penalty=KSparse(1)).fit(
        np.eye(2, dtype="f")
    )
    with pytest.raises(ValueError, match="The codes of 1 rows overflow float32, first in row 1"):
        coder.transform(np.array([[1, 1], [1e30, 0]], "f"))


def test_any_kind_of_array_gives_the_same_bits(patches, tmp_path):
    X = patches[:50]
    coder = SparseCoder(dictionary=patches[500:580], alpha=0.3).fit(X)
    codes = coder.transform(X)
    file = tmp_path / "x.npy"
    np.save(file, X)
    frozen = np.load(file, mmap_mode="r")
    for other in (np.asfortranarray(X), X[::-1][::-1], frozen, X.tolist(), X.astype(">f8")):
        assert np.array_equal(coder.transform(other), codes)
    assert coder.transform(np.round(X * 100).astype(np.int16)).dtype == np.float64
    coder.components_.flags.writeable = False
    assert np.array_equal(coder.transform(frozen), codes)
    learned = SparseCoder(12, alpha=0.3, max_iter=1, random_state=0)
    atoms = learned.fit(X).components_
    for other in (np.asfortranarray(X), frozen):
        assert np.array_equal(learned.fit(other).components_, atoms)


# ---------------------------------------------------------------- tools of scikit-learn


def test_pipeline_and_grid_search(rng):
    X, _ = synthetic(rng, n=300)
    y = (X[:, 0] > 0).astype(int)
    pipeline = make_pipeline(StandardScaler(), SparseCoder(12, max_iter=3, random_state=0), LogisticRegression())
    search = GridSearchCV(pipeline, {"sparsecoder__alpha": [0.2, 1.0]}, cv=3, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.7
    frame = SparseCoder(12, max_iter=1).set_output(transform="pandas").fit_transform(X)
    assert frame.columns.tolist()[:2] == ["sparsecoder0", "sparsecoder1"]


def test_inverse_transform_and_score(rng):
    X, _ = synthetic(rng)
    coder = SparseCoder(12, max_iter=3, random_state=0).fit(X)
    codes = coder.transform(X)
    recovered = coder.inverse_transform(codes)
    np.testing.assert_allclose(recovered, codes @ coder.components_)
    expected = 1 - np.square(X - recovered).sum() / np.square(X - X.mean(axis=0)).sum()
    np.testing.assert_allclose(coder.score(X), expected)
    with pytest.raises(ValueError, match=r"X has 5 columns, but codes of this SparseCoder have 12"):
        coder.inverse_transform(codes[:, :5])
    with pytest.raises(ValueError, match=r"`score` needs rows of X that differ"):
        coder.score(X[:1])


# ---------------------------------------------------------------- errors and warnings

BAD_PARAMETERS = [
    ({"alpha": 0}, "alpha"),
    ({"alpha": -1.0}, "alpha"),
    ({"n_components": 0}, "n_components"),
    ({"n_components": 2.5}, "n_components"),
    ({"alpha_scale": "relative"}, "alpha_scale"),
    ({"init": "svd"}, "init"),
    ({"max_iter": 0}, "max_iter"),
    ({"batch_size": 0}, "batch_size"),
    ({"encode_max_iter": 0}, "encode_max_iter"),
    ({"encode_tol": -1e-3}, "encode_tol"),
    ({"tol": -1}, "tol"),
    ({"positive": "yes"}, "positive"),
    ({"n_jobs": "all"}, "n_jobs"),
    ({"n_jobs": 0}, "n_jobs"),
]


@pytest.mark.parametrize(("parameters", "name"), BAD_PARAMETERS)
def test_bad_parameters_are_named(parameters, name):
    with pytest.raises(ValueError, match=f"'{name}' parameter of SparseCoder must be"):
        SparseCoder(**parameters).fit(np.eye(4))
    coder = SparseCoder(alpha=0.1, max_iter=1).fit(np.eye(4)).set_params(**parameters)
    with pytest.raises(ValueError, match=f"'{name}' parameter of SparseCoder must be"):
        coder.transform(np.eye(4))


def test_an_unknown_parameter_is_refused():
    with pytest.raises(TypeError, match="lamda"):
        SparseCoder(lamda=1)
    with pytest.raises(ValueError, match="Invalid parameter 'lamda'"):
        SparseCoder().set_params(lamda=1)


BAD_DATA = [
    (np.empty((0, 4)), "0 sample"),
    (np.arange(5.0), "Expected 2D array, got 1D array"),
    (np.array([[1.0, np.nan]]), "contains NaN"),
    (np.array([[1.0, np.inf]]), "contains infinity"),
    (np.full((3, 4), 7.0), r"X has zero variance: every entry is 7\. Learning needs samples that differ"),
    (np.array([["a", "b"]]), "could not convert|Unable to convert"),
    (np.eye(2) * 1j, "Complex data not supported"),
]


@pytest.mark.parametrize(("X", "message"), BAD_DATA)
def test_bad_data(X, message):
    with pytest.raises(ValueError, match=message):
        SparseCoder(alpha=0.1).fit(X)


def test_nan_enters_through_no_door(rng):
    X, D = rng.normal(size=(9, 4)), np.full((2, 4), np.nan)
    for parameters in ({"dictionary": D}, {"init": D}):
        with pytest.raises(ValueError, match=f"Input {next(iter(parameters))} contains NaN"):
            SparseCoder(alpha=0.1, **parameters).fit(X)
    coder = SparseCoder(alpha=0.1).fit(X)
    for method in (coder.transform, coder.partial_fit, coder.inverse_transform, coder.score):
        with pytest.raises(ValueError, match="contains NaN"):
            method(D)


def test_wrong_widths(rng):
    X = rng.normal(size=(9, 4))
    with pytest.raises(ValueError, match=r"`dictionary` has atoms of 3 features, but X has 4 features; give atoms"):
        SparseCoder(dictionary=np.eye(3), alpha=0.1).fit(X)
    with pytest.raises(ValueError, match=r"`dictionary` must have shape \(n_components, 4\), got 1 dimensions"):
        SparseCoder(dictionary=np.ones(4), alpha=0.1).fit(X)
    with pytest.raises(ValueError, match=r"`init` has 4 atoms, but n_components=5; leave n_components=None"):
        SparseCoder(5, init=np.eye(4), alpha=0.1).fit(X)
    with pytest.raises(ValueError, match="`init` has atoms that are zero"):
        SparseCoder(init=np.zeros((2, 4)), alpha=0.1).fit(X)
    with pytest.raises(ValueError, match="X has 3 features, but SparseCoder is expecting 4 features"):
        SparseCoder(alpha=0.1).fit(X).transform(X[:, :3])
    with pytest.raises(ValueError, match="weight of the penalty cannot be taken from X: all its rows are zero"):
        SparseCoder(dictionary=np.eye(4)).fit(np.zeros((3, 4)))
    for size in (1e200, 1e-200):
        with pytest.raises(ValueError, match=r"squared norm leaves the range of float64.*scale `dictionary`"):
            SparseCoder(dictionary=np.eye(4) * size, alpha=0.1).fit(X)


def test_not_fitted():
    for method in ("transform", "inverse_transform", "score"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(SparseCoder(), method)(np.eye(3))


def test_a_failed_fit_leaves_the_estimator_as_it_was(rng):
    X, _ = synthetic(rng, n=100)
    coder = SparseCoder(12, alpha=0.2, max_iter=2, random_state=0).fit(X)
    before = copy.deepcopy(vars(coder))
    coder.set_params(dictionary=np.eye(3))
    for method in (coder.fit, coder.partial_fit):
        with pytest.raises(ValueError, match="features"):
            method(X[:, :7])
    coder.set_params(dictionary=None)
    assert same_fit(coder, SparseCoder(12, alpha=0.2, max_iter=2, random_state=0).fit(X))
    assert sorted(vars(coder)) == sorted(before)
    assert coder.n_features_in_ == 20
    fresh = SparseCoder(12, init=np.zeros((12, 20)))
    with pytest.raises(ValueError, match="init"):
        fresh.fit(X)
    assert not hasattr(fresh, "n_features_in_")


def test_one_convergence_warning_a_call(patches):
    X = patches[:600]
    coder = SparseCoder(144, alpha=0.1, encode_max_iter=2, max_iter=2, random_state=0)
    for method in (coder.fit, coder.transform, coder.partial_fit):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            method(X)
        assert [w.category for w in caught] == [ConvergenceWarning]
        assert "of 600 rows stopped at `encode_max_iter`=2" in str(caught[0].message)
        assert caught[0].filename == __file__


def test_silent_by_default_and_a_bar_on_request(rng, capsys):
    X, _ = synthetic(rng, n=100)
    SparseCoder(12, max_iter=2).fit(X)
    assert capsys.readouterr() == ("", "")
    SparseCoder(12, max_iter=2, verbose=1).fit(X)
    bar = capsys.readouterr().err
    assert "learning, epoch 2" in bar
    assert "objective=" in bar
    assert "sparsity=" in bar
