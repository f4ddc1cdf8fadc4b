"""`SparseCoder` with any penalty: targets, a fixed number of coefficients, debiasing, the constant atom, solvers."""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from sparsecode import Dictionary, SparseCoder
from sparsecode._core.history import EpochRecord
from sparsecode.coding._learn import has_settled
from sparsecode.coding._sparsity import Amounts, Target
from sparsecode.penalties import CEL0, L0, L1, MCP, SCAD, ElasticNet, KSparse, LHalf, LogSum, SparseEnvelope, WeightedL1
from sparsecode.solvers import duality_gap, objective, solve


@pytest.fixture(scope="module")
def atoms(patches):
    """144 atoms learned from patches, for speed from few of them."""
    return SparseCoder(144, alpha=0.5, max_iter=2, random_state=0, n_jobs=-1).fit(patches).components_


def relative_error(X, codes, D):
    return np.square(X - codes @ D).sum() / np.square(X).sum()


# ---------------------------------------------------------------- targets


@pytest.mark.parametrize("penalty", ["l1", "elastic-net", "cel0", "mcp", "scad", "l1/2", "l2/3", "log-sum"])
def test_target_sparsity_is_met_on_the_training_set(patches, atoms, penalty):
    X = patches[:1500]
    coder = SparseCoder(dictionary=atoms, penalty=penalty, target_sparsity=0.05, encode_tol=1e-5).fit(X)
    assert abs((coder.transform(X) != 0).mean() / 0.05 - 1) < 0.01
    assert coder.alpha_ == coder.penalty_.alpha > 0


@pytest.mark.parametrize("settings", [{}, {"debias": True}, {"penalty": "cel0"}])
def test_target_snr_is_met_on_the_training_set(patches, atoms, settings):
    X = patches[:1500]
    coder = SparseCoder(dictionary=atoms, target_snr=8.0, **settings).fit(X)
    error = relative_error(X, coder.transform(X), coder.components_)
    assert abs(-10 * np.log10(error) - 8.0) < 0.05


def test_targets_leave_the_mean_of_a_sample_out_where_a_constant_atom_codes_it(rng, patches, atoms):
    X = patches[:1500] + 5 * rng.normal(size=(1500, 1))
    coder = SparseCoder(dictionary=atoms, target_snr=8.0, fit_dc=True).fit(X)
    residual = X - coder.inverse_transform(coder.transform(X))
    signal = X - X.mean(axis=1, keepdims=True)
    assert abs(10 * np.log10(np.square(signal).sum() / np.square(residual).sum()) - 8.0) < 0.05
    coder = SparseCoder(40, target_sparsity=0.05, fit_dc=True, max_iter=2, random_state=0).fit(X)
    assert abs((coder.transform(X)[:, 1:] != 0).mean() / 0.05 - 1) < 0.01
    assert abs(coder.history_["sparsity"][-1] / 0.05 - 1) < 0.3  # of one epoch, which starts elsewhere


@pytest.mark.parametrize("target", [{"target_sparsity": 0.04}, {"target_snr": 6.0}])
@pytest.mark.parametrize("penalty", ["l1", "cel0"])
def test_targets_are_met_while_learning(patches, target, penalty):
    X = patches[:6000]
    coder = SparseCoder(100, penalty=penalty, max_iter=3, random_state=0, n_jobs=-1, **target).fit(X)
    codes = coder.transform(X)
    snr = -10 * np.log10(relative_error(X, codes, coder.components_))
    reached = {"target_sparsity": (codes != 0).mean(), "target_snr": snr}
    name, value = next(iter(target.items()))
    assert abs(reached[name] / value - 1) < 0.01
    # Atoms were learned from codes of about that sparsity: over seeds 0 to 4 the last epoch was within 8 percent.
    if name == "target_sparsity":
        assert abs(coder.history_["sparsity"][-1] / value - 1) < 0.15
    before = coder.alpha_
    assert coder.partial_fit(3 * X).alpha_ > before


def test_a_target_out_of_reach_says_what_can_be_reached(patches, atoms):
    with pytest.raises(ValueError, match=r"`target_snr=40` cannot be met: the densest codes reach [\d.]+ dB only"):
        SparseCoder(dictionary=atoms[:40], target_snr=40.0).fit(patches[:200])
    with pytest.raises(ValueError, match=r"`target_sparsity=0.9` cannot be met: the densest codes reach 0\.[\d]+ only"):
        SparseCoder(dictionary=np.tile(atoms, (2, 1)), target_sparsity=0.9).fit(patches[:200])
    with pytest.raises(ValueError, match="cannot be taken from X: all its rows are zero, or orthogonal to all atoms"):
        SparseCoder(dictionary=np.eye(3, 6), target_sparsity=0.1).fit(np.eye(6)[3:])


@pytest.mark.parametrize("target", [{"target_snr": 90.0}, {"target_sparsity": 0.9}], ids=str)
def test_a_target_out_of_reach_is_found_out_while_learning(patches, target):
    coder = SparseCoder(100, max_iter=1000, batch_size=50, random_state=0, **target)
    with pytest.raises(ValueError, match=r"cannot be met: the densest codes reach [\d.]+( dB)? only"):
        coder.fit(patches[:100, :36])
    assert not hasattr(coder, "components_")


def test_the_nearest_weight_is_taken_where_codes_jump():
    # Each row has four equal entries: none, or all of them, are admitted.
    X = np.tile(np.repeat(np.eye(3), 4, axis=1), (5, 1))
    with pytest.warns(
        ConvergenceWarning, match=r"`target_sparsity=0.25` is met up to 0.333 only: codes jump at alpha="
    ):
        coder = SparseCoder(dictionary=np.eye(12), penalty="l0", target_sparsity=0.25).fit(X)
    assert np.count_nonzero(coder.transform(X)) == 4 * len(X)


def test_weight_that_follows_a_target_is_bounded_and_moves_against_the_error():
    target = Target(sparsity=0.1)
    X, codes = np.eye(10), np.zeros((10, 10))

    def amounts(n_nonzero):
        codes.flat[:n_nonzero], codes.flat[n_nonzero:] = 1.0, 0.0
        return Amounts.of(X, csr_array(codes), np.zeros(10))

    for penalty in (L1(0.1), CEL0(0.1), WeightedL1(0.1, np.arange(1, 11))):
        assert target.follow(penalty, amounts(10), 10).alpha == 0.1
        factors = [target.follow(penalty, amounts(n), 10).alpha / 0.1 for n in (0, 5, 20, 100)]
        assert factors == sorted(factors)
        assert factors[1] < 1 < factors[2]
        np.testing.assert_allclose(factors[-1], np.exp(0.2 * penalty.degree))
        for _ in range(50):
            penalty = target.follow(penalty, amounts(5), 10)
        with pytest.raises(ValueError, match=r"`target_sparsity=0.1` cannot be met: the densest codes reach 0.05 only"):
            target.follow(penalty.replace(alpha=1e-15), amounts(5), 10)


@pytest.mark.nojit
def test_learning_stops_when_epochs_of_about_one_weight_no_longer_improve():
    def records(objectives, alphas):
        rest = dict.fromkeys(EpochRecord._fields, 0)
        return [EpochRecord(**rest | {"objective": o, "alpha": a}) for o, a in zip(objectives, alphas, strict=True)]

    flat, falling = [5.0, 4.0, 4.0, 4.0, 4.0], [5.0, 4.0, 3.0, 2.0, 1.0]
    for alpha in (0.3, np.nan):
        assert has_settled(records(flat, [alpha] * 5), 1e-3)
        assert not has_settled(records(falling, [alpha] * 5), 1e-3)
        assert not has_settled(records(flat[:3], [alpha] * 3), 1e-3)
    assert not has_settled(records(flat, [0.3, 0.4, 0.5, 0.6, 0.7]), 1e-3)
    assert not has_settled(records([1.0, 4.0, 4.0, 4.0], [0.1, 0.3, 0.3, 0.3]), 1e-3)
    assert has_settled(records([1.0, *flat], [0.1, *[0.3, 0.301] * 2, 0.3]), 1e-3)


def test_a_target_with_few_samples_is_learned_as_well_as_its_weight_would_be(patches):
    X = patches[:500]
    make = {"n_components": 50, "batch_size": 100, "random_state": 0}
    coder = SparseCoder(target_sparsity=0.05, **make).fit(X)
    direct = SparseCoder(alpha=coder.alpha_, **make).fit(X)
    assert abs(coder.history_["sparsity"][-1] / 0.05 - 1) < 0.05
    values = [objective(X, c.components_, c.transform(X), coder.penalty_).sum() for c in (coder, direct)]
    assert values[0] < 1.02 * values[1], values


def test_all_epochs_are_run_without_a_tolerance(patches):
    coder = SparseCoder(10, alpha=0.5, tol=0, max_iter=40, random_state=0).fit(patches[:50])
    assert coder.n_iter_ == len(coder.history_) == 40
    assert SparseCoder(10, alpha=0.5, max_iter=80, random_state=0).fit(patches[:50]).n_iter_ < 80
    coder.partial_fit(patches[:50])
    assert coder.history_["epoch"].tolist() == list(range(41))
    assert (coder.history_["alpha"] == 0.5).all()


TWO = [
    {"alpha": 0.3, "target_sparsity": 0.1},
    {"alpha": 0.3, "n_nonzero_coefs": 2},
    {"target_snr": 3.0, "target_sparsity": 0.1},
    {"penalty": L1(0.3), "alpha": 0.2},
    {"penalty": CEL0(0.3), "target_snr": 5.0},
    {"penalty": KSparse(2), "alpha": 0.1},
    {"penalty": KSparse(2), "n_nonzero_coefs": 2},
]


@pytest.mark.nojit
@pytest.mark.parametrize("choice", TWO, ids=str)
def test_two_choices_of_the_sparsity_are_an_error(choice):
    with pytest.raises(ValueError, match="both say how sparse codes shall be; give one of them"):
        SparseCoder(**choice).fit(np.eye(4))


@pytest.mark.nojit
@pytest.mark.parametrize("penalty", [MCP(0.1, gamma=-1.0), SCAD(0.1, gamma=2.0), LogSum(0.1, eps=0.0), L1(-1.0)])
def test_parameters_of_a_penalty_are_checked_when_atoms_are_given(penalty):
    with pytest.raises(ValueError, match="`(gamma|eps|alpha)` must be"):
        SparseCoder(dictionary=np.eye(3), penalty=penalty).fit(np.eye(3))


def test_targets_of_periodic_data_are_those_of_all_rows():
    # A multiple of the period between the rows that are looked at would see one kind of rows only.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 8)) * np.tile([1, 9], 10_000)[:, None]
    D = rng.normal(size=(8, 8))
    codes = SparseCoder(dictionary=D, target_sparsity=0.3).fit_transform(X)
    np.testing.assert_allclose(np.count_nonzero(codes) / codes.size, 0.3, rtol=0.02)


@pytest.mark.parametrize("exponent", [-1000, 990])
def test_history_of_k_sparse_learning_at_extreme_scales(rng, exponent):
    coder = SparseCoder(8, n_nonzero_coefs=2, max_iter=3, random_state=0).fit(
        np.ldexp(rng.normal(size=(60, 6)), exponent)
    )
    assert np.isfinite(coder.components_).all()
    assert not any(np.isnan(coder.history_[name]).any() for name in coder.history_.dtype.names if name != "alpha")


def test_choices_that_do_not_go_together():
    with pytest.raises(ValueError, match=r"`n_nonzero_coefs` goes with penalty='k-sparse' \(or None\), not with 'l1'"):
        SparseCoder(penalty="l1", n_nonzero_coefs=2).fit(np.eye(4))
    with pytest.raises(ValueError, match="penalty='k-sparse' needs `n_nonzero_coefs`"):
        SparseCoder(penalty="k-sparse").fit(np.eye(4))
    with pytest.raises(ValueError, match="solver 'active-set' takes l1-type penalties, not CEL0"):
        SparseCoder(penalty="cel0", solver="active-set").fit(np.eye(4))
    with pytest.raises(ValueError, match=r"`SparseEnvelope` has no largest weight.* Give `alpha`"):
        SparseCoder(penalty="sparse-envelope").fit(np.eye(4))
    with pytest.raises(ValueError, match="`weights` must be 4 positive finite numbers"):
        SparseCoder(penalty=WeightedL1(0.1, [1, 2])).fit(np.eye(4))


# ---------------------------------------------------------------- penalties and solvers


@pytest.mark.parametrize("penalty", [CEL0(0.2), L0(0.2), MCP(0.4), LHalf(0.2), KSparse(4), SparseEnvelope(0.5, 5)])
def test_codes_are_those_of_the_solver(patches, atoms, penalty, dtype):
    X, D = patches[:50].astype(dtype), atoms.astype(dtype)
    coder = SparseCoder(dictionary=D, penalty=penalty).fit(X)
    codes = coder.transform(X)
    assert codes.dtype == dtype
    assert coder.penalty_ == penalty
    assert np.array_equal(codes, solve(X, D, penalty, tol=1e-8).codes)


def test_penalty_parameters_can_be_searched(patches, atoms):
    coder = SparseCoder(dictionary=atoms, penalty=CEL0(0.2)).set_params(penalty__alpha=0.5)
    assert coder.fit(patches[:10]).penalty_ == CEL0(0.5)
    assert coder.get_params()["penalty__alpha"] == 0.5


def test_default_weight_admits_at_a_fifth_of_the_largest_correlation(patches, atoms):
    X = patches[:301]
    largest = np.median(np.abs(X @ atoms.T).max(axis=1))
    for penalty, alpha in (("l1", 0.2 * largest), ("cel0", 0.5 * (0.2 * largest) ** 2), ("mcp", 0.2 * largest)):
        fitted = SparseCoder(dictionary=atoms, penalty=penalty).fit(X).alpha_
        # CEL0 squares: the median of squares is the square of the median for an odd number of rows.
        np.testing.assert_allclose(fitted, alpha, rtol=1e-6)


def test_weights_of_atoms_count_in_the_default_weight(patches, atoms):
    X, weights = patches[:400], np.linspace(2, 6, 50)
    settings = {"max_iter": 2, "random_state": 0}
    plain = SparseCoder(50, **settings).fit(X)
    coder = SparseCoder(50, penalty=WeightedL1(weights=weights), **settings).fit(X)
    np.testing.assert_allclose(coder.alpha_, plain.alpha_ / 2)
    codes = coder.transform(X)
    weights *= 100  # the user's array, not the coder's
    assert np.array_equal(coder.transform(X), codes)
    assert np.count_nonzero(codes) > 0
    with pytest.raises(ValueError, match="`weights` must be 20 positive finite numbers"):
        SparseCoder(20, penalty=WeightedL1(weights=weights)).fit(X)


#: Largest difference allowed at a scale, and measured: 255, (0, 0); 1e13, (2e-3, 2e-4), where 1 - l1_ratio has three
#: digits; 1e-13, (1e-6, 1e-15).
BOUNDS = {
    np.float32: [(255.0, 1e-5), (1e13, 1e-2), (1e-13, 1e-5)],
    np.float64: [(255.0, 1e-10), (1e13, 1e-2), (1e-13, 1e-10)],
}


@pytest.mark.parametrize("choice", [{}, {"alpha": 0.3, "alpha_scale": "max"}, {"target_sparsity": 0.1}], ids=str)
@pytest.mark.parametrize("learned", [False, True])
def test_elastic_net_with_a_weight_from_the_data_does_not_depend_on_their_scale(patches, atoms, dtype, choice, learned):
    X = patches[:300].astype(dtype)
    settings = {"max_iter": 2, "random_state": 0, "n_components": 40} if learned else {"dictionary": atoms}
    codes = {}
    for scale in (1.0, 255.0, 1e13, 1e-13):  # the last two are more than float32 takes as it is
        Y = (scale * X.astype(np.float64)).astype(dtype)
        codes[scale] = SparseCoder(penalty="elastic-net", **settings, **choice).fit(Y).transform(Y) / dtype(scale)
    for s in codes:
        print("DIFF", dtype.__name__, s, np.abs(codes[s] - codes[1.0]).max() / np.abs(codes[1.0]).max())
    size = np.abs(codes[1.0]).max()
    for scale, bound in BOUNDS[dtype]:
        assert np.abs(codes[scale] - codes[1.0]).max() < bound * size, scale
    assert SparseCoder(penalty=ElasticNet(0.3, l1_ratio=0.7), dictionary=atoms).fit(X).penalty_.l1_ratio == 0.7


def test_data_so_large_that_they_round_the_ridge_of_an_elastic_net_away_are_refused(patches, atoms):
    with pytest.raises(ValueError, match="`l1_ratio` would round the ridge away; scale them"):
        SparseCoder(dictionary=atoms, penalty="elastic-net").fit(1e16 * patches[:200])


def test_n_nonzero_coefs(patches, atoms):
    codes = SparseCoder(dictionary=atoms, n_nonzero_coefs=5).fit(patches[:100]).transform(patches[:100])
    pursuit = SparseCoder(dictionary=atoms, n_nonzero_coefs=5, solver="omp").fit(patches[:100]).transform(patches[:100])
    assert (np.count_nonzero(codes, axis=1) == 5).all()
    assert relative_error(patches[:100], codes, atoms) < relative_error(patches[:100], pursuit, atoms)
    many = SparseCoder(dictionary=atoms[:3], n_nonzero_coefs=50).fit(patches[:5]).transform(patches[:5])
    assert np.count_nonzero(many) == 15
    learned = SparseCoder(60, n_nonzero_coefs=4, max_iter=2, random_state=0).fit(patches[:3000])
    assert learned.alpha_ is None
    assert learned.history_["objective"][-1] < learned.history_["objective"][0]


# ---------------------------------------------------------------- debias and the constant atom


def test_debias_is_least_squares_on_the_support(patches, atoms):
    X = patches[:40]
    plain = SparseCoder(dictionary=atoms, alpha=0.6).fit(X).transform(X)
    codes = SparseCoder(dictionary=atoms, alpha=0.6, debias=True).fit(X).transform(X)
    assert np.array_equal(codes != 0, plain != 0)
    for x, w in zip(X, codes, strict=True):
        support = np.flatnonzero(w)
        expected = np.linalg.lstsq(atoms[support].T, x, rcond=None)[0]
        np.testing.assert_allclose(w[support], expected, atol=1e-11)
    positive = SparseCoder(dictionary=atoms, alpha=0.3, positive=True, debias=True).fit(X).transform(X)
    assert positive.min() == 0


@pytest.mark.parametrize("debias", [False, True])
def test_constant_atom_is_not_penalised(rng, atoms, patches, dtype, debias):
    X = (patches[:60] + rng.normal(size=(60, 1))).astype(dtype)
    D = (atoms[:50] + 0.01 * rng.normal(size=(50, 1))).astype(dtype)
    coder = SparseCoder(dictionary=D, alpha=0.3, fit_dc=True, debias=debias).fit(X)
    codes = coder.transform(X)
    assert codes.dtype == dtype
    assert codes.shape == (60, 51)
    assert coder.code_shape_ == (51,)
    assert np.ptp(coder.components_[0]) == 0
    np.testing.assert_allclose(np.linalg.norm(coder.components_[0]), 1, rtol=1e-6)
    residual = X - coder.inverse_transform(codes)
    # Measured: 5e-17 and 2e-8.
    np.testing.assert_allclose(residual.mean(axis=1), 0, atol=1e-14 if dtype == np.float64 else 1e-6)
    if not debias:
        # The optimum over both is that of the penalised part for centred rows and atoms.
        centred = (A - A.mean(axis=1, keepdims=True) for A in (X, D))
        bound = (2e-8 if dtype == np.float64 else 1e-5) * 0.5 * np.square(X).sum(axis=1)
        assert (duality_gap(*centred, codes[:, 1:], L1(0.3)) <= bound).all()


def test_learning_with_a_constant_atom_does_not_see_means(rng, patches):
    X = patches[:3000]
    make = {"n_components": 60, "alpha": 0.5, "max_iter": 2, "random_state": 0}
    still = SparseCoder(fit_dc=True, **make).fit(X)
    moved = SparseCoder(fit_dc=True, **make).fit(X + rng.normal(size=(3000, 1)))
    np.testing.assert_allclose(moved.components_, still.components_, atol=1e-9)
    np.testing.assert_allclose(still.components_[1:].sum(axis=1), 0, atol=1e-12)
    with pytest.raises(ValueError, match=r"`init` has atoms that are zero \(or constant, with fit_dc\)"):
        SparseCoder(init=np.ones((2, 144)), fit_dc=True, alpha=0.5).fit(X)


@pytest.mark.parametrize("penalty", ["l1", "elastic-net", "cel0", "mcp", "log-sum", KSparse(3)], ids=str)
@pytest.mark.parametrize("n_features", [7, 100, 147])
def test_constant_rows_and_atoms_are_nothing_beside_a_constant_atom(rng, patches, dtype, penalty, n_features):
    X, D = patches[:30, :n_features] / 5, patches[100:120, :n_features].copy()
    X = np.pad(X, ((0, 0), (0, n_features - X.shape[1])))
    D = np.pad(D, ((0, 0), (0, n_features - D.shape[1])))
    X[:5], D[7] = rng.normal(size=(5, 1)), 0.3  # none of them a number of few binary digits
    X, D = X.astype(dtype), D.astype(dtype)
    coder = SparseCoder(dictionary=D, penalty=penalty, fit_dc=True).fit(X)
    codes = coder.transform(X)
    assert not codes[:5, 1:].any()
    assert not codes[:, 8].any()
    assert codes[5:, 1:].any()
    np.testing.assert_allclose(coder.inverse_transform(codes)[:5], X[:5], rtol=1e-5 if dtype == np.float32 else 1e-13)
    with pytest.raises(ValueError, match="X has zero variance: every sample is constant"):
        SparseCoder(4, penalty=penalty, fit_dc=True).fit(X[:5])


@pytest.mark.parametrize("exponent", {"f4": [-125, -80, 70, 120], "f8": [-1000, -600, 530, 1015]}.items(), ids=str)
def test_a_constant_atom_at_extreme_scales(patches, atoms, exponent):
    dtype, exponents = exponent
    X, D = patches[:40].astype(dtype) + np.arange(40, dtype=dtype)[:, None] / 40, atoms[:60].astype(dtype)
    settings = {"n_nonzero_coefs": 4, "fit_dc": True}
    coder, learner = (
        SparseCoder(dictionary=D, **settings).fit(X),
        SparseCoder(10, max_iter=2, random_state=0, **settings),
    )
    codes, learned = coder.transform(X), learner.fit(X).components_
    for e in exponents:
        np.testing.assert_allclose(np.ldexp(coder.transform(np.ldexp(X, e)), -e), codes, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(learner.fit(np.ldexp(X, e)).components_, learned, atol=1e-3)


# ---------------------------------------------------------------- dictionaries and shapes


def test_dictionary_objects_and_input_shape(patches, atoms):
    D = Dictionary.from_array(atoms, shape=(12, 12))
    coder = SparseCoder(dictionary=D, alpha=0.5).fit(patches[:20])
    assert coder.dictionary_ == D
    assert SparseCoder(dictionary=atoms, alpha=0.5).fit(patches[:20]).dictionary_.atom_shape == (144,)
    shaped = SparseCoder(dictionary=D, alpha=0.5, input_shape=(12, 12)).fit(patches[:20].reshape(20, 12, 12))
    assert np.array_equal(shaped.transform(patches[:20]), coder.transform(patches[:20]))
    assert np.array_equal(shaped.transform(patches[:20].reshape(20, 12, 12)), coder.transform(patches[:20]))
    with pytest.raises(ValueError, match=r"X has shape \(20, 9, 16\), but `input_shape`=\(12, 12\) asks for"):
        shaped.transform(patches[:20].reshape(20, 9, 16))


# ---------------------------------------------------------------- homeostasis


def entropy(usage):
    share = usage / usage.sum()
    return -(share[share > 0] * np.log(share[share > 0])).sum() / np.log(len(share))


@pytest.mark.parametrize("penalty", [L1(0.5), CEL0(0.3), KSparse(5)])
def test_homeostasis_evens_out_the_use_of_atoms(patches, penalty):
    """Measured entropies without, with HAP, with OLS: 0.998, 0.999, 0.993; 0.995, 0.997, 0.998; 0.988, 0.994, 0.989."""
    X, gained = patches[:10_000], []
    for seed in range(2):
        usage = {}
        for rule in (None, "hap", "ols"):
            settings = {"homeostasis": rule, "max_iter": 3, "random_state": seed, "encode_tol": 1e-5}
            coder = SparseCoder(100, penalty=penalty, n_jobs=-1, **settings).fit(X)
            usage[rule] = (coder.transform(X) != 0).mean(axis=0)
            assert usage[rule].min() > 0.005, "no atom is dead; measured: 0.011 and more"
        gained.append([entropy(usage[rule]) - entropy(usage[None]) for rule in ("hap", "ols")])
    hap, ols = np.transpose(gained)
    assert hap.min() > 0, gained
    assert hap.mean() > ols.mean() or isinstance(penalty, CEL0), gained


def test_gains_act_in_learning_only(patches):
    coder = SparseCoder(60, alpha=0.5, max_iter=2, random_state=0).fit(patches[:3000])
    codes = coder.transform(patches[:50])
    assert np.array_equal(codes, solve(patches[:50], coder.components_, L1(0.5), tol=1e-8).codes)
    assert np.ptp(coder._fit.state.homeostasis.gains) > 0
    plain = SparseCoder(60, alpha=0.5, max_iter=2, random_state=0, homeostasis=None).fit(patches[:3000])
    assert not np.array_equal(plain.components_, coder.components_)


@pytest.mark.parametrize(
    ("penalty", "rule"),
    [
        *itertools.product([L1(0.5), CEL0(0.3), MCP(0.5), LHalf(0.3), KSparse(6)], ["hap", "ols", "emp"]),
        (SparseEnvelope(0.5, 6), "auto"),  # takes no gains
    ],
)
def test_every_coder_learns_with_homeostasis(patches, penalty, rule):
    X = patches[:800]
    coder = SparseCoder(40, penalty=penalty, homeostasis=rule, max_iter=3, random_state=0, encode_tol=1e-5).fit(X)
    assert np.isfinite(coder.components_).all()
    np.testing.assert_allclose(np.linalg.norm(coder.components_, axis=1), 1, rtol=1e-12)
    assert coder.history_["objective"][-1] < coder.history_["objective"][0]
    first = objective(X, np.eye(40, 144), solve(X, np.eye(40, 144), penalty, tol=1e-5).codes, penalty)
    assert objective(X, coder.components_, coder.transform(X), penalty).sum() < first.sum()
