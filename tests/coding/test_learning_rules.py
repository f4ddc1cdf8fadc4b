"""Rules of learning and of homeostasis in `SparseCoder`: what they take, keep, save and refuse."""

import numpy as np
import pytest

from sparsecode import SparseCoder, load, save
from sparsecode.metrics import match_atoms
from sparsecode.penalties import CEL0, L1, SparseEnvelope
from sparsecode.solvers import objective

from ..contracts.encoders import same_bits
from .test_sparse_coder import synthetic

#: Sparse Hebbian learning.
HEBBIAN = {"n_nonzero_coefs": 5, "solver": "mp", "learning": "gradient"}


def coder(n_components=40, **params):
    return SparseCoder(n_components, **{"max_iter": 3, "random_state": 0, "tol": 0} | params)


@pytest.mark.parametrize("learning", ["gradient", "mod"])
@pytest.mark.parametrize("choice", [{"alpha": 0.5}, {"penalty": "cel0", "alpha": 0.3}, {"n_nonzero_coefs": 5}], ids=str)
def test_the_objective_falls_whatever_the_penalty(patches, learning, choice, dtype):
    X = patches[:2000].astype(dtype)
    found = coder(learning=learning, max_iter=6, **choice).fit(X)
    assert found.components_.dtype == dtype
    np.testing.assert_allclose(np.linalg.norm(found.components_, axis=1), 1, rtol=1e-5)
    reached = objective(X, found.components_, found.transform(X), found.penalty_).mean()
    # In float64, in this order: 0.79, 0.69, 0.66 with "gradient", 0.68, 0.53, 0.52 with "mod"
    assert reached < 0.85 * found.history_["objective"][0]
    again = coder(learning=learning, max_iter=6, n_jobs=2, **choice).fit(X)
    assert same_bits(again.components_, found.components_)


@pytest.mark.parametrize("rule", [None, "hap", "emp", "ols", "heh"])
def test_sparse_hebbian_learning(patches, rule, tmp_path):
    X = patches[:3000]
    found = coder(homeostasis=rule, **HEBBIAN).fit(X)
    history = found.history_
    assert history["objective"][-1] < history["objective"][0]
    assert found.n_resampled_ == 0
    save(found, tmp_path / "coder.npz")
    again = load(tmp_path / "coder.npz")
    assert same_bits(again.partial_fit(X[:500]).components_, found.partial_fit(X[:500]).components_)
    assert again.history_["objective"][-1] == found.history_["objective"][-1]


def test_homeostasis_evens_out_the_use_of_atoms_while_learning(patches):
    """Coefficient of variation of frequencies in the codes that atoms are learned from."""
    X = patches[:10_000]
    plain = coder(100, homeostasis=None, max_iter=4, **HEBBIAN).fit(X)
    rates = (plain.transform(X) != 0).mean(axis=0)
    assert rates.std() / rates.mean() > 0.2  # 0.27
    # Over two seeds: 0.10 and 0.09, 0.06 and 0.07, 0.015 and 0.013
    for rule, bound in (("hap", 0.14), ("emp", 0.1), ("heh", 0.025)):
        usage = coder(100, homeostasis=rule, max_iter=4, **HEBBIAN).fit(X)._fit.state.homeostasis.usage
        assert usage.std() / usage.mean() < bound, rule


def test_histogram_equalisation_asks_for_matching_pursuit(patches):
    X = patches[:300]
    for choice in ({"alpha": 0.3}, {"n_nonzero_coefs": 3}, {"n_nonzero_coefs": 3, "solver": "ormp"}):
        for learning in ("online", "gradient"):
            with pytest.raises(ValueError, match="homeostasis='heh' .* it goes with solver='mp'"):
                coder(homeostasis="heh", learning=learning, **choice).fit(X)
    found = coder(homeostasis="heh", **HEBBIAN).fit(X)
    with pytest.raises(ValueError, match="not with solver='omp'"):
        found.set_params(solver="omp").partial_fit(X)
    assert found.transform(X).any()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"learning": "mod"}, "'ols' has no part in learning='mod', .* take 'online', or homeostasis='auto'"),
        ({"learning": "k-svd", "n_nonzero_coefs": 2}, "'ols' has no part in learning='k-svd'"),
        ({"penalty": SparseEnvelope(1.0)}, r"'ols' has no part in SparseEnvelope\(.*, which takes no gains"),
    ],
    ids=str,
)
def test_homeostasis_without_effect_is_refused(choice, message, patches):
    X = patches[:300]
    with pytest.raises(ValueError, match=message):
        coder(homeostasis="ols", **choice).fit(X)
    kept = [coder(homeostasis=rule, **choice).fit(X).components_ for rule in ("auto", None)]
    assert np.array_equal(*kept)


def test_homeostasis_is_by_probability_unless_said_otherwise(patches):
    kept = [coder(homeostasis=rule).fit(patches[:300]).components_ for rule in ("auto", "hap", None)]
    assert np.array_equal(*kept[:2])
    assert not np.array_equal(*kept[1:])


def test_the_learning_rate_is_a_step(patches):
    X = patches[:1000]
    start, half, full, given, default = (
        coder(learning="gradient", alpha=0.5, max_iter=1, learning_rate=rate).fit(X).components_
        for rate in (1e-12, 1e-3, 2e-3, 0.3, None)
    )
    np.testing.assert_allclose(full - start, 2 * (half - start), atol=1e-3)
    assert np.linalg.norm(full - start) > 0.1
    assert same_bits(default, given)
    with pytest.raises(ValueError, match="'learning_rate' parameter of SparseCoder must be"):
        coder(learning_rate=0.0).fit(X)


def test_gradient_learning_does_not_depend_on_the_scale(rng):
    X, _ = synthetic(rng)
    settings = {"learning": "gradient", "n_nonzero_coefs": 2, "solver": "mp", "homeostasis": "heh"}
    plain, tiny, huge = (coder(12, **settings).fit(X * 2.0**exponent) for exponent in (0, -40, 900))
    for other in (tiny, huge):
        np.testing.assert_allclose(other.components_, plain.components_, atol=1e-12)


def test_rules_that_take_all_rows_have_no_batches(patches):
    for learning in ("mod", "k-svd"):
        found = coder(10, n_nonzero_coefs=2, learning=learning)
        assert not found.capabilities().online
        with pytest.raises(AttributeError, match="partial_fit"):
            found.partial_fit(patches[:100])
        with pytest.raises(ValueError, match="take 'online' or 'gradient' for blocks"):
            found.fit_blocks(patches[:100])


def test_mod_does_not_depend_on_batches(patches):
    X = patches[:1500]
    atoms = [coder(learning="mod", n_nonzero_coefs=4, batch_size=size).fit(X).components_ for size in (100, 5000)]
    np.testing.assert_allclose(*atoms, atol=1e-12)  # 2.5e-16


def test_mod_meets_a_target(patches):
    found = coder(learning="mod", penalty="cel0", target_sparsity=0.1).fit(patches[:2000])
    assert (found.transform(patches[:2000]) != 0).mean() == pytest.approx(0.1, rel=0.05)


def test_another_rule_needs_another_fit(patches):
    X = patches[:300]
    found = coder(alpha=0.5).partial_fit(X)
    before = found.components_
    with pytest.raises(ValueError, match="or between rules of learning; call fit"):
        found.set_params(learning="gradient").partial_fit(X)
    assert found.components_ is before
    found = coder(alpha=0.5, learning="mod").fit(X).set_params(learning="online")
    with pytest.raises(ValueError, match="or between rules of learning; call fit"):
        found.partial_fit(X)


# ---------------------------------------------------------------- atoms that are not negative

POSITIVE = [
    {"alpha": 0.2},
    {"alpha": 0.2, "positive": True, "init": "data"},
    {"alpha": 0.2, "learning": "gradient", "positive": True},
    {"n_nonzero_coefs": 2, "learning": "k-svd", "positive": True},
    {"n_nonzero_coefs": 2, "learning": "k-svd", "init": "data"},
]


@pytest.fixture
def parts(rng):
    """Sparse sums of non-negative atoms."""
    D = np.abs(rng.normal(size=(8, 12))) * (rng.random((8, 12)) < 0.4)
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    W = rng.exponential(size=(1500, 8)) * (rng.random((1500, 8)) < 0.25)
    return W @ D + 0.01 * rng.normal(size=(1500, 12)), D


@pytest.mark.parametrize("choice", POSITIVE, ids=str)
def test_atoms_are_not_negative(parts, choice, dtype):
    X = parts[0] - parts[0].mean(axis=0)
    found = coder(8, positive_dict=True, max_iter=20, batch_size=100, **choice).fit(X.astype(dtype))
    assert found.components_.min() >= 0
    np.testing.assert_allclose(np.linalg.norm(found.components_, axis=1), 1, rtol=1e-5)
    assert found.history_["objective"][-1] < found.history_["objective"][0]
    assert coder(8, max_iter=20, batch_size=100, **choice).fit(X.astype(dtype)).components_.min() < 0


def test_non_negative_parts_are_found(parts):
    X, D = parts
    for seed in range(3):  # least match over seeds 0 to 9: 0.999
        found = coder(8, positive=True, positive_dict=True, alpha=0.1, max_iter=60, random_state=seed).fit(X)
        assert np.abs(D @ found.components_.T).max(axis=1).min() > 0.99


def test_idle_atoms_are_replaced_by_non_negative_ones(parts):
    X, init = parts[0].copy(), np.random.default_rng(0).random((10, 12))
    X[:, 8:] = 0
    init[:3, :8], init[3:, 8:] = 0, 0  # three atoms where there is nothing
    for choice in ({"alpha": 0.3, "batch_size": 50}, {"n_nonzero_coefs": 1, "learning": "k-svd"}):
        found = coder(None, init=init, positive=True, positive_dict=True, max_iter=4, **choice).fit(X)
        assert found.n_resampled_ == 3
        assert found.components_.min() >= 0
        assert found.transform(X).any(axis=0).all()


def test_what_positive_atoms_refuse(parts):
    X, D = parts
    for choice, message in (
        ({"learning": "mod"}, "learning='mod' solves for all atoms at once"),
        ({"fit_dc": True}, "`fit_dc` makes atoms without a mean"),
        ({"init": D - 0.1, "n_components": None}, "`init` has negative entries, which `positive_dict` forbids"),
        ({"positive_dict": "yes"}, "'positive_dict' parameter of SparseCoder must be"),
    ):
        with pytest.raises(ValueError, match=message):
            coder(**{"n_components": 8, "positive_dict": True, "alpha": 0.3} | choice).fit(X)
    assert coder(None, init=D, alpha=0.3, positive_dict=True).fit(X).components_.min() >= 0


def test_objectives_are_those_of_codes(patches):
    """Records of gradient learning without gains are means of the objective over the epoch."""
    X = patches[:500]
    for penalty in (L1(0.5), CEL0(0.3)):
        settings = {"penalty": penalty, "learning": "gradient", "learning_rate": 1e-12, "homeostasis": None}
        found = coder(max_iter=1, **settings).fit(X)
        expected = objective(X, found.components_, found.transform(X), penalty).mean()
        np.testing.assert_allclose(found.history_["objective"][0], expected, rtol=1e-6)


# ---------------------------------------------------------------- recovery


def planted(seed, n=8000, n_components=64, n_features=32, active=4, snr=20.0):
    """Sums of four random unit atoms of 64 in 32 dimensions, with Gaussian coefficients and noise; and the atoms."""
    rng = np.random.default_rng(seed)
    D = rng.normal(size=(n_components, n_features))
    D /= np.linalg.norm(D, axis=1, keepdims=True)
    W = np.zeros((n, n_components))
    for w in W:
        w[rng.choice(n_components, active, replace=False)] = rng.normal(size=active)
    signal, noise = W @ D, rng.normal(size=(n, n_features))
    return signal + noise * 10 ** (-snr / 20) * np.linalg.norm(signal) / np.linalg.norm(noise), D


#: Shares recovered with seeds 0 to 5; of 64 atoms one is 0.016. What is missed is found twice.
RECOVERY = {
    # 0.953, 1, 0.922, 0.984, 1, 0.953; with the default coder 0.88 to 0.97
    "k-svd": {"learning": "k-svd", "solver": "omp", "max_iter": 40},
    # 1, 0.953, 0.953, 1, 0.969, 0.953; from random atoms 0.969, 0.969, 0.953, 0.953, 1, 0.922
    "online": {"solver": "omp", "init": "data", "max_iter": 20},
    # 1 with all; with "hap" 0.84 to 0.98, without homeostasis 0.86 to 0.95
    "hebbian": {"learning": "gradient", "solver": "mp", "homeostasis": "heh", "max_iter": 20},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RECOVERY)
def test_planted_dictionaries_are_recovered(name):
    """Recovered is an absolute cosine above 0.99 (Aharon, Elad and Bruckstein: 1 - |cosine| below 0.01)."""
    shares = []
    for seed in range(4):
        X, D = planted(seed)
        found = coder(64, n_nonzero_coefs=4, **RECOVERY[name] | {"random_state": seed}).fit(X)
        shares.append((match_atoms(found.components_, D).cosine > 0.99).mean())
    assert np.mean(shares) > 0.95, shares


def test_parameters_of_other_rules_are_refused(rng):
    X = rng.normal(size=(20, 5))
    with pytest.raises(ValueError, match="`learning_rate` belongs to learning='gradient', not to 'online'"):
        SparseCoder(4, alpha=0.3, learning_rate=0.1).fit(X)
    with pytest.raises(ValueError, match="`dictionary` has negative entries, which `positive_dict` forbids"):
        SparseCoder(dictionary=-np.eye(5), alpha=0.3, positive_dict=True).fit(X)
