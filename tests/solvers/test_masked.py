"""Codes of rows of which only some features are known: those of the known features."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from sparsecode import SparseCoder
from sparsecode._core.arrays import as_dense
from sparsecode.penalties import CEL0, L1, KSparse
from sparsecode.solvers import duality_gap, objective, solve
from sparsecode.solvers._proximal_kernels import descend_rows
from sparsecode.solvers.masked import debias_masked, takes_descent

from ..contracts.solvers import DATA, PENALTIES, planted
from ..reference.solvers import fixed_point_violation

DESCENT = [name for name, make in PENALTIES.items() if takes_descent(make(1))]


def masked_problem(name, make, dtype=np.float64, seed=0):
    """Rows with entries missing, some with one left, some with none missing; what is not known is NaN."""
    X, D = (A.astype(dtype) for A in DATA[name](seed))
    rng = np.random.default_rng(seed)
    mask = rng.random(X.shape) < 0.6
    mask[np.arange(len(X)), rng.integers(X.shape[1], size=len(X))] = True
    if len(X) > 3:
        mask[1] = mask[2] = True
        mask[3] = np.arange(X.shape[1]) == 0
    return np.where(mask, X, dtype(np.nan)), D, make(len(D)), mask


def test_which_penalties_have_a_descent_of_their_own():
    assert DESCENT == [
        "l1", "l1-positive", "weighted-l1", "elastic-net", "elastic-net-positive", "l0", "l0-positive", "cel0",
        "cel0-positive",
    ]  # fmt: skip


@pytest.mark.parametrize("penalty", DESCENT)
@pytest.mark.parametrize("name", DATA)
def test_results_are_those_of_the_known_features(name, penalty, dtype):
    """Objective, certificate and status are those of the problem that is cut to the known features."""
    X, D, penalty, mask = masked_problem(name, PENALTIES[penalty], dtype)
    result = solve(X, D, penalty, mask=mask)
    assert result.codes.dtype == dtype
    assert not result.status.any()
    assert result.n_iter.max() < 10_000
    for i, known in enumerate(mask):
        x, atoms, w = (A.astype(np.float64) for A in (X[i : i + 1, known], D[:, known], result.codes[i : i + 1]))
        half = max(0.5 * np.square(x).sum(), 1e-300)
        found = 0.5 * result.square_error[i] + result.penalty[i]
        # Rounding of codes: 3e-8 and 2e-15 at most over seeds 0 to 19
        rounding = {np.float32: 1e-6, np.float64: 1e-13}[dtype]
        assert abs(found - objective(x, atoms, w, penalty)[0]) < rounding * half
        if penalty.convex:
            certificate = duality_gap(x, atoms, w, penalty)[0] / half
        else:
            norms = np.linalg.norm(atoms, axis=1)
            largest = (np.abs(x @ atoms.T) / np.where(norms > 0, norms, 1)).max()
            certificate = fixed_point_violation(x, atoms, w, penalty)[0] / max(largest, 1e-300)
        assert certificate < {np.float32: 3e-5, np.float64: 1.01e-6}[dtype]
        assert abs(result.certificate[i] - certificate) < {np.float32: 3e-5, np.float64: 1e-9}[dtype]
        assert not w[0, ~atoms.any(axis=1)].any()
        assert w.min() >= 0 or not penalty.positive


@pytest.mark.parametrize("penalty", [*DESCENT, "mcp", "k-sparse", "l1/2"])
def test_codes_are_those_of_whole_rows_of_the_known_features(penalty):
    X, D, penalty, mask = masked_problem("planted", PENALTIES[penalty])
    solver = "greedy" if takes_descent(penalty) else "auto"
    parts = [
        solve(x[None, known], D[:, known], penalty, solver=solver, tol=1e-11) for x, known in zip(X, mask, strict=True)
    ]
    expected = np.concatenate([part.codes for part in parts])
    for name in {"auto", solver}:
        result = solve(X, D, penalty, mask=mask, solver=name, tol=1e-11)
        np.testing.assert_allclose(result.codes, expected, rtol=0, atol=1e-7)
        errors = np.concatenate([part.square_error for part in parts])
        np.testing.assert_allclose(result.square_error, errors, rtol=0, atol=1e-7)
    if solver == "auto":
        assert np.array_equal(result.codes, expected)


@pytest.mark.parametrize("penalty", ["l1", "cel0", "mcp"])
def test_nothing_missing_changes_nothing(penalty, dtype):
    X, D = (A.astype(dtype) for A in planted(n=30))
    penalty = PENALTIES[penalty](len(D))
    result = solve(X, D, penalty, mask=np.ones(X.shape, bool), solver="greedy", tol=1e-9)
    plain = solve(X, D, penalty, solver="greedy", tol=1e-9)
    assert all(np.array_equal(a, b) for a, b in zip(result, plain, strict=True))
    own = solve(X, D, penalty, mask=np.ones(X.shape, bool), tol=1e-9)
    plain = solve(X, D, penalty, tol=1e-9)
    assert all(np.array_equal(a, b) for a, b in zip(own, plain, strict=True))


@pytest.mark.parametrize("penalty", [*DESCENT, "mcp", "k-sparse"])
def test_complete_rows_have_the_codes_of_rows_without_a_mask(penalty, dtype):
    X, D = (A.astype(dtype) for A in planted(n=30))
    penalty = PENALTIES[penalty](len(D))
    mask = np.random.default_rng(2).random(X.shape) < 0.6
    mask[:, 0] = True
    mask[[3, 4, 20]] = True
    plain = solve(X, D, penalty)
    for sparse_output in (False, True):
        mixed = solve(X, D, penalty, mask=mask, sparse_output=sparse_output)
        whole = solve(X, D, penalty, mask=np.ones_like(mask), sparse_output=sparse_output)
        for rows, result in (([3, 4, 20], mixed), (slice(None), whole)):
            codes = as_dense(result.codes)
            assert np.array_equal(codes[rows], plain.codes[rows])
            assert all(np.array_equal(a[rows], b[rows]) for a, b in zip(result[1:], plain[1:], strict=True))
    rest = ~mask.all(axis=1)
    alone = solve(X[rest], D, penalty, mask=mask[rest], init=None)
    assert np.array_equal(as_dense(mixed.codes)[rest], alone.codes)
    again = solve(X, D, penalty, mask=mask, init=mixed.codes)
    assert np.abs(again.codes - as_dense(mixed.codes)).max() < 1e-3


@pytest.mark.parametrize("solver", ["auto", "active-set"])
def test_rows_do_not_depend_on_neighbours_threads_or_what_is_missing(solver, dtype):
    X, D = (A.astype(dtype) for A in planted(n=300))
    mask = np.random.default_rng(1).random(X.shape) < 0.6
    mask[:, 0] = True
    expected = solve(X, D, L1(0.3), mask=mask, solver=solver)
    threaded = solve(np.where(mask, X, np.inf), D, L1(0.3), mask=mask, solver=solver, n_jobs=2)
    sparse = solve(X, D, L1(0.3), mask=mask.astype(int).tolist(), solver=solver, sparse_output=True)
    assert all(np.array_equal(a, b) for a, b in zip(expected, threaded, strict=True))
    assert np.array_equal(sparse.codes.toarray(), expected.codes)
    assert all(np.array_equal(a, b) for a, b in zip(expected[1:], sparse[1:], strict=True))
    for rows in (slice(0, 1), slice(126, 131), slice(299, 300)):
        part = solve(X[rows], D, L1(0.3), mask=mask[rows], solver=solver)
        assert all(np.array_equal(a[rows], b) for a, b in zip(expected, part, strict=True))


@pytest.mark.parametrize("penalty", [L1(0.3), CEL0(0.05)])
def test_warm_starts_gains_and_few_passes(penalty):
    X, D, _, mask = masked_problem("planted", lambda K: None)
    cold = solve(X, D, penalty, mask=mask)
    again = solve(X, D, penalty, mask=mask, init=cold.codes)
    assert again.n_iter.max() <= 1
    np.testing.assert_allclose(again.codes, cold.codes, rtol=0, atol=1e-5)
    with_gains = solve(X, D, penalty, mask=mask, gains=np.full(len(D), 2.0))
    less = penalty.replace(alpha=penalty.alpha / 2**penalty.degree)
    np.testing.assert_allclose(with_gains.codes, solve(X, D, less, mask=mask).codes, rtol=0, atol=1e-9)
    stopped = solve(X, D, penalty, mask=mask, max_iter=1)
    assert stopped.n_iter.max() == 1
    assert set(stopped.status) == {0, 1}


def test_arrays_may_lie_in_memory_in_any_way():
    X, D, penalty, mask = masked_problem("planted", PENALTIES["cel0"])
    expected = solve(X, D, penalty, mask=mask)
    mask.flags.writeable = X.flags.writeable = False
    versions = len(descend_rows.signatures) if hasattr(descend_rows, "signatures") else 0
    for x, known in ((X, mask), (np.asfortranarray(X), np.asfortranarray(mask)), (X.tolist(), mask.tolist())):
        result = solve(x, np.asfortranarray(D), penalty, mask=known)
        assert all(np.array_equal(a, b) for a, b in zip(expected, result, strict=True))
    assert versions == (len(descend_rows.signatures) if versions else 0)


def test_what_is_refused():
    X, D = planted()
    mask = np.ones(X.shape, bool)
    for bad in (mask[:4], mask[0], np.full(X.shape, 2), mask.astype(float), "known"):
        with pytest.raises(ValueError, match=r"`mask` must be an array of bool of shape \(8, 12\), True where"):
            solve(X, D, L1(0.3), mask=bad)
    mask[[2, 5]] = False
    with pytest.raises(ValueError, match="2 rows of `mask` have no known entry, first row 2; leave such rows out"):
        solve(X, D, L1(0.3), mask=mask)
    X[0, 3] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        solve(X, D, L1(0.3), mask=np.ones(X.shape, bool))


@pytest.mark.parametrize("settings", [{}, {"penalty": "cel0"}, {"debias": True}, {"solver": "active-set"}])
@pytest.mark.parametrize("fit_dc", [False, True])
def test_coders_code_known_entries(settings, fit_dc, dtype):
    """With a constant atom the mean is that of the known entries; what is missing is predicted."""
    X, D = (A.astype(dtype) for A in planted(n=40))
    D -= D.mean(axis=1, keepdims=True)
    X = X + dtype(3 * fit_dc)
    mask = np.random.default_rng(1).random(X.shape) < 0.6
    mask[:, 0] = True
    coder = SparseCoder(dictionary=D, alpha=0.05, fit_dc=fit_dc, **settings).fit(X)
    codes = coder.transform(np.where(mask, X, np.nan), mask=mask)
    assert codes.dtype == dtype
    tolerance = 5e-3 if dtype == np.float32 else 2e-4
    own = settings | ({"solver": "greedy"} if settings.get("penalty") == "cel0" else {})
    for x, known, w in zip(X, mask, codes, strict=True):
        # Another way: a coder of the known features with atoms that are cut to them
        options = settings if known.all() else own
        part = SparseCoder(dictionary=D[:, known], alpha=0.05, fit_dc=fit_dc, **options).fit(x[None, known])
        expected = part.transform(x[None, known])[0]
        if fit_dc:
            expected[0] *= np.sqrt(len(x) / known.sum())
        np.testing.assert_allclose(w, expected, rtol=0, atol=tolerance)
    if fit_dc:
        residual = np.where(mask, X - coder.inverse_transform(codes), 0)
        assert np.abs(residual.sum(axis=1)).max() < (1e-4 if dtype == np.float32 else 1e-10)
    whole = coder.transform(X, mask=np.ones(X.shape, bool))
    np.testing.assert_allclose(whole, coder.transform(X), rtol=0, atol=tolerance)


def test_coders_take_images_extreme_rows_and_sparse_output(dtype):
    X, D = (A.astype(dtype) for A in planted(n=20))
    mask = np.random.default_rng(1).random(X.shape) < 0.7
    mask[:, 0] = True
    coder = SparseCoder(dictionary=D, n_nonzero_coefs=2, input_shape=(3, 4)).fit(X)
    codes = coder.transform(X.reshape(-1, 3, 4), mask=mask.reshape(-1, 3, 4))
    assert np.array_equal(codes, solve(X, D, KSparse(2), mask=mask, tol=1e-8).codes)
    large = np.ldexp(X, 80 if dtype == np.float32 else 800)
    coder = SparseCoder(dictionary=D, alpha=0.3).fit(X)
    codes = coder.transform(np.concatenate([X, large]), mask=np.concatenate([mask, mask]))
    assert np.array_equal(codes[:20], coder.transform(X, mask=mask))
    assert np.isfinite(codes).all()
    assert np.array_equal(coder.set_params(sparse_output=True).transform(X, mask=mask).toarray(), codes[:20])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        coder.transform(np.full_like(X, np.nan))


def test_debiased_codes_are_least_squares_over_known_entries():
    X, D = planted(n=10)
    mask = np.random.default_rng(1).random(X.shape) < 0.7
    mask[:, 0] = True
    codes = solve(X, D, L1(0.5), mask=mask).codes
    refit = debias_masked(np.where(mask, X, 0), D, codes, mask).codes
    for x, known, w, support in zip(X, mask, refit, codes != 0, strict=True):
        expected = np.linalg.lstsq(D[np.ix_(support, known)].T, x[known])[0]
        np.testing.assert_allclose(w[support], expected, atol=1e-8)


def test_columns_of_data_frames_are_checked():
    pd = pytest.importorskip("pandas")
    X, D = planted(n=10)
    mask = np.random.default_rng(1).random(X.shape) < 0.7
    mask[:, 0] = True
    names = [f"f{column}" for column in range(X.shape[1])]
    frame, known = (pd.DataFrame(array, columns=names) for array in (np.where(mask, X, np.nan), mask))
    coder = SparseCoder(dictionary=D, alpha=0.3).fit(pd.DataFrame(X, columns=names))
    codes = coder.transform(frame, mask=known)
    assert np.array_equal(codes, coder.transform(frame, mask=mask))
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        coder.transform(frame[names[::-1]], mask=known)
    with pytest.raises(ValueError, match=r"`mask` has columns \['f11', .*, but X has \['f0', .*the same order"):
        coder.transform(frame, mask=known[names[::-1]])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        coder.transform(frame, mask=np.ones_like(mask))
    with pytest.raises(ValueError, match="`mask` has columns"):
        SparseCoder(dictionary=D, alpha=0.3).fit(X).transform(frame, mask=known[names[::-1]])


def test_sparse_rows_are_refused_as_without_a_mask():
    X, D = planted()
    mask = np.ones(X.shape, bool)
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense data is required"):
        solve(csr_array(X), D, L1(0.3), mask=mask)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        SparseCoder(dictionary=D, alpha=0.3).fit(X).transform(csr_array(X), mask=mask)
