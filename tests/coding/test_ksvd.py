"""SparseCoder(learning="k-svd"): what it recovers, keeps and refuses."""

import numpy as np
import pytest

from sparsecode import SparseCoder, load, save
from sparsecode.penalties import CEL0, L0, L1
from sparsecode.solvers import objective

from .test_sparse_coder import synthetic


def ksvd(n_components=None, **params):
    return SparseCoder(n_components, learning="k-svd", **{"random_state": 0, "max_iter": 30, "tol": 0} | params)


def test_recovers_planted_atoms():
    # Share of 12 atoms found up to a cosine of 0.99, seeds 0 to 9: 0.93 on average, 0.58 at the least, 1 at the most.
    shares = []
    for seed in range(4):  # 1, 1, 0.92, 1
        X, D = synthetic(np.random.default_rng(seed))
        found = ksvd(12, n_nonzero_coefs=2, random_state=seed).fit(X).components_
        shares.append((np.abs(D @ found.T).max(axis=1) > 0.99).mean())
    assert np.mean(shares) > 0.9


@pytest.mark.parametrize("choice", [{"n_nonzero_coefs": 3}, {"penalty": "cel0", "alpha": 0.3}, {"penalty": L0(0.3)}])
def test_the_best_atoms_of_all_epochs_are_kept(patches, choice, dtype):
    X = patches[:1500].astype(dtype)
    coder = ksvd(60, max_iter=6, n_jobs=2, **choice).fit(X)
    history = coder.history_
    assert coder.n_iter_ == len(history) == 6
    assert coder.components_.dtype == dtype
    np.testing.assert_allclose(np.linalg.norm(coder.components_, axis=1), 1, rtol=1e-5)
    codes = coder.transform(X)
    reached = objective(X, coder.components_, codes, coder.penalty_).mean()
    assert reached <= history["objective"].min() * (1 + 1e-6)
    assert reached < 0.9 * history["objective"][0]
    assert coder.n_resampled_ == history["replaced"].sum()
    assert (history["sparsity"] > 0).all()
    again = ksvd(60, max_iter=6, n_jobs=1, **choice).fit(X)
    assert np.array_equal(again.components_, coder.components_)
    assert np.array_equal(again.history_["objective"], history["objective"])


def test_an_epoch_that_makes_it_worse_is_not_kept(patches, monkeypatch):
    from sparsecode.coding import _ksvd

    improve, done = _ksvd.improve, []

    def spoil(D, *args, **kwargs):
        done.append(improve(D, *args, **kwargs))
        if len(done) == 3:
            D[:] = np.roll(D, 1, axis=1)
        return done[-1]

    X = patches[:800]
    expected = ksvd(30, n_nonzero_coefs=3, max_iter=2).fit(X).components_
    monkeypatch.setattr(_ksvd, "improve", spoil)
    assert np.array_equal(ksvd(30, n_nonzero_coefs=3, max_iter=3).fit(X).components_, expected)


def test_dead_atoms_are_replaced(patches):
    X = patches[:600].copy()
    X[:, 100:] = 0
    init = np.random.default_rng(0).normal(size=(30, 144))
    init[:4, :100], init[4:, 100:] = 0, 0  # four atoms where there is nothing
    coder = ksvd(init=init, n_nonzero_coefs=3, max_iter=4).fit(X)
    assert coder.history_["dead"].tolist() == [4, 0, 0, 0]
    assert coder.n_resampled_ == 4
    assert coder.transform(X).any(axis=0).all()


def test_positive_codes_learn_with_positive_coefficients(rng):
    X = np.abs(rng.normal(size=(300, 5)) * (rng.random((300, 5)) < 0.4)) @ np.abs(rng.normal(size=(5, 12)))
    coder = ksvd(5, n_nonzero_coefs=3, positive=True).fit(X)
    assert (coder.transform(X) >= 0).all()
    assert coder.history_["objective"][-1] < 0.5 * coder.history_["objective"][0]


def test_mean_extreme_scales_and_files(patches, tmp_path):
    X = patches[:400] + 3.0
    coder = ksvd(20, n_nonzero_coefs=3, fit_dc=True, max_iter=3).fit(X)
    huge = ksvd(20, n_nonzero_coefs=3, fit_dc=True, max_iter=3).fit(np.ldexp(X, 500))
    np.testing.assert_allclose(huge.components_, coder.components_, rtol=0, atol=1e-12)
    save(coder, tmp_path / "coder.npz")
    again = load(tmp_path / "coder.npz")
    assert np.array_equal(again.transform(X), coder.transform(X))
    assert np.array_equal(again.components_, coder.components_)
    assert np.array_equal(again.history_["objective"], coder.history_["objective"])
    assert again.n_resampled_ == coder.n_resampled_


def test_what_is_refused_says_why(patches):
    X = patches[:200]
    for refused in ({}, {"penalty": L1(0.3)}, {"penalty": "mcp"}):
        with pytest.raises(ValueError, match=r"'l0', 'cel0' and 'k-sparse', not for"):
            ksvd(10, **refused).fit(X)
    with pytest.raises(ValueError, match="give `alpha` or `n_nonzero_coefs`"):
        ksvd(10, penalty=CEL0(), target_sparsity=0.1).fit(X)
    with pytest.raises(AttributeError, match="partial_fit"):
        ksvd(10, n_nonzero_coefs=2).partial_fit(X)
    assert not ksvd().capabilities().online
    coder = ksvd(10, n_nonzero_coefs=2, max_iter=1).fit(X).set_params(learning="online")
    with pytest.raises(ValueError, match="`dictionary` or `learning` was changed"):
        coder.partial_fit(X)


def test_a_failed_fit_leaves_the_coder_as_it_was(patches):
    X = patches[:200]
    coder = ksvd(10, n_nonzero_coefs=2, max_iter=2).fit(X)
    before = coder.components_, coder.history_
    with pytest.raises(ValueError, match="not for"):
        coder.set_params(penalty="l1", n_nonzero_coefs=None).fit(X)
    assert coder.components_ is before[0]
    assert coder.history_ is before[1]
