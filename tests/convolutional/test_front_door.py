"""`solve_convolutional` as users meet it: errors, magnitudes, threads, several images, codes to start from."""

import signal
import sys
import threading
import time

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sparsecode.convolutional import SOLVERS, ConvolutionOperator, alpha_max, solve_convolutional
from sparsecode.penalties import CEL0, L0, L1, ElasticNet, KSparse, LogSum, WeightedL1
from sparsecode.solvers import duality_gap

from .problems import BOUNDARIES, make_operator

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 9, 8))


#: Each solver with a penalty that it takes.
EACH = [
    ("admm", L1(0.5)),
    ("fista", L1(0.5)),
    ("greedy", L1(0.5)),
    ("greedy", CEL0(0.3)),
    ("forward-backward", CEL0(0.3)),
]


def same(a, b):
    """Tell whether two results have the same bits."""
    parts = (a.codes.indptr, a.codes.indices, a.codes.data), (b.codes.indptr, b.codes.indices, b.codes.data)
    arrays = zip((*parts[0], *a[1:]), (*parts[1], *b[1:]), strict=True)
    return all(np.array_equal(one, other) for one, other in arrays)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": X.reshape(3, 8, 9)}, "must have shape .n_samples, 72. or .n_samples, 9, 8."),
        ({"X": X[0]}, "for one image give X.None."),
        ({"X": np.full((1, 72), np.nan)}, "contains NaN"),
        ({"X": np.full((1, 72), np.inf)}, "contains infinity"),
        ({"mask": np.ones((2, 9, 8), bool)}, "`mask` must be an array of bool of shape .3, 72. or .3, 9, 8."),
        ({"mask": np.full((3, 9, 8), 0.5)}, "`mask` must be an array of bool"),
        (
            {"mask": np.arange(3)[:, None, None] * np.ones((3, 9, 8)) != 1},
            "1 rows of `mask` .* first row 1",
        ),
        ({"penalty": KSparse(3)}, "no sum over coefficients"),
        ({"penalty": L1(-1.0)}, "`alpha` must be a positive"),
        ({"penalty": WeightedL1(1.0, [1, 2])}, "`weights` must be 3 positive"),
        ({"solver": "newton"}, "`solver` must be 'auto' or one of"),
        ({"solver": "admm", "penalty": CEL0(1.0)}, "for that use 'greedy', 'forward-backward'"),
        ({"tol": -1.0}, "`tol` must be"),
        ({"max_iter": 0}, "`max_iter` must be"),
        ({"init": np.zeros((3, 5))}, "`init` must have shape .3, 216."),
        ({"init": -np.ones((3, 216)), "penalty": L1(1.0, positive=True)}, "`init` has negative"),
    ],
)
def test_errors_say_what_is_allowed(changes, message):
    arguments = {"X": X, "D": make_operator("image"), "penalty": L1(0.5)} | changes
    with pytest.raises(ValueError, match=message):
        solve_convolutional(**arguments)


def test_errors_of_types():
    with pytest.raises(TypeError, match="`D` must be a ConvolutionOperator"):
        solve_convolutional(X, np.ones((2, 3, 3)), L1(0.5))
    with pytest.raises(TypeError, match="`penalty` must be a penalty"):
        solve_convolutional(X, make_operator("image"), 0.5)
    with pytest.raises(ValueError, match="kernels of 3 x 3 pixels are larger than the image of 2 x 9"):
        ConvolutionOperator(np.ones((2, 3, 3)), (2, 9))
    with pytest.raises(ValueError, match="4 channels, but kernels have 2"):
        ConvolutionOperator(make_operator("colour").dictionary, (7, 6, 4))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("solver", "penalty"), EACH, ids=repr)
def test_bits_depend_neither_on_threads_nor_on_other_images(dtype, solver, penalty):
    operator = make_operator("image", "mask", dtype)
    settings = {"solver": solver, "tol": 1e-3}
    alone = [solve_convolutional(x[None], operator, penalty, **settings) for x in X]
    for n_jobs in (1, 2, 8):
        together = solve_convolutional(X, operator, penalty, n_jobs=n_jobs, **settings)
        assert together.codes.dtype == dtype
        for i, one in enumerate(alone):
            assert same(one, type(one)(together.codes[[i]], *(array[i : i + 1] for array in together[1:])))
    threaded = solve_convolutional(X[:1], operator, penalty, n_jobs=2, **settings)
    assert same(alone[0], threaded)


@pytest.mark.parametrize("solver", ["admm", "fista"])
def test_warm_starts_take_fewer_iterations(solver):
    operator = make_operator("image")
    settings = {"solver": solver, "tol": 1e-7, "max_iter": 5000}
    cold = solve_convolutional(X, operator, L1(0.5), **settings)
    warm = solve_convolutional(X, operator, L1(0.5), init=cold.codes, **settings)
    dense = solve_convolutional(X, operator, L1(0.5), init=cold.codes.toarray(), **settings)
    assert (warm.n_iter < cold.n_iter).all()
    assert same(warm, dense)
    assert (warm.certificate <= 1e-7).all()


@pytest.mark.parametrize("exponent", [-560, 544])
@pytest.mark.parametrize(
    ("solver", "penalty"), [*EACH, ("greedy", L0(0.5)), ("greedy", LogSum(0.5)), ("forward-backward", LogSum(0.5))],
    ids=repr,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:codes of .* depend on its step")
def test_images_of_extreme_magnitude_are_scaled(exponent, solver, penalty):
    operator = make_operator("image")
    # Prices of l0 grow with the square of the image, and are floats too
    scale = np.ldexp(1.0, exponent if penalty.degree == 1 else exponent // 32 * 16 - 144)
    settings = {"solver": solver, "tol": 1e-5, "max_iter": 20_000}
    usual = solve_convolutional(X[:1], operator, penalty, **settings)
    result = solve_convolutional(X[:1] * scale, operator, penalty.scaled(scale), **settings)
    assert np.isfinite(result.codes.data).all()
    np.testing.assert_allclose((result.codes * (1 / scale)).toarray(), usual.codes.toarray(), atol=1e-6)


def test_images_that_are_nothing_beside_the_penalty_have_zero_codes():
    operator = make_operator("image")
    with pytest.warns(UserWarning, match="the codes of 2 of 3 images are zero, first of image 0"):
        result = solve_convolutional(X * np.array([1e-170, 1.0, 1e-170])[:, None, None], operator, L1(0.5))
    assert np.diff(result.codes.indptr).tolist()[::2] == [0, 0]
    assert result.codes.nnz > 0
    with pytest.raises(ValueError, match="float32"):
        solve_convolutional(X * 1e160, make_operator("image", dtype=np.float32), L1(0.5))


def test_degenerate_input():
    operator = make_operator("image")
    for images in (np.zeros((1, 72)), X[:1] * 0):
        result = solve_convolutional(images, operator, L1(0.5))
        assert (result.codes.nnz, result.certificate[0], result.status[0]) == (0, 0, 0)
    assert solve_convolutional(X[:0].reshape(0, 72), operator, L1(0.5)).codes.shape == (0, 216)
    kernels = operator.kernels[:, 0].copy()
    kernels[1] = 0
    twice = ConvolutionOperator(np.concatenate([kernels, kernels]), (9, 8))
    for solver in ("admm", "fista"):
        result = solve_convolutional(X, twice, L1(0.5), solver=solver, tol=1e-6, max_iter=5000)
        assert (result.status == 0).all()
        assert not result.codes.toarray().reshape(3, 6, 72)[:, [1, 4]].any()
    whole = ConvolutionOperator(RNG.standard_normal((2, 9, 8)), (9, 8), boundary="valid")
    assert (solve_convolutional(X, whole, L1(0.5), tol=1e-8, max_iter=5000).status == 0).all()
    zeros = ConvolutionOperator(np.zeros((2, 3, 3)), (9, 8))
    with pytest.warns(UserWarning, match="are zero"):
        assert solve_convolutional(X, zeros, L1(0.5)).codes.nnz == 0


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_gaps_vanish_and_codes_are_zero_from_the_largest_alpha_on(boundary):
    operator = make_operator("colour", boundary)
    images = RNG.standard_normal((2, 84))
    largest = alpha_max(images, operator, L1())
    result = solve_convolutional(images, operator, L1(0.99 * largest.min()))
    assert (result.codes.nnz > 0, (result.certificate >= 0).all()) == (True, True)
    with pytest.warns(UserWarning, match="2 of 2 images are zero"):
        assert solve_convolutional(images, operator, L1(largest.max())).codes.nnz == 0


def test_certificates_are_no_more_than_gaps_of_the_dense_dictionary():
    operator = make_operator("image")
    rows, D = X.reshape(3, 72), operator.as_linear_operator().T @ np.eye(72)
    for penalty in (L1(0.5), L1(0.5, positive=True), ElasticNet(0.5, 0.7)):
        result = solve_convolutional(X, operator, penalty, tol=1e-9, max_iter=5000)
        gaps = duality_gap(rows, D.T.T, result.codes, penalty) / (0.5 * np.square(rows).sum(axis=1))
        assert (gaps < 1e-3).all()
        assert (result.certificate <= 1e-9).all()


@pytest.mark.parametrize("value", [1e18, 1e200])
@pytest.mark.parametrize("solver", SOLVERS)
def test_what_is_not_known_has_no_part(solver, value):
    operator, mask = make_operator("image"), np.random.default_rng(0).random(X.shape) < 0.7
    penalty = CEL0(0.3) if solver == "forward-backward" else L1(0.3)
    found = solve_convolutional(np.where(mask, X, value), operator, penalty, solver=solver, mask=mask)
    expected = solve_convolutional(np.where(mask, X, 0.0), operator, penalty, solver=solver, mask=mask)
    assert (found.codes != expected.codes).nnz == 0
    assert expected.codes.nnz > 0
    np.testing.assert_array_equal(found.square_error, expected.square_error)
    np.testing.assert_array_equal(
        alpha_max(np.where(mask, X, value), operator, L1(), mask=mask), alpha_max(X, operator, L1(), mask=mask)
    )


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one thread on Windows")
@pytest.mark.parametrize(("solver", "penalty"), [*((name, L1(1e-4)) for name in SOLVERS), ("greedy", L0(1e-7)),
                                                 ("forward-backward", CEL0(1e-7))], ids=repr)  # fmt: skip
def test_ctrl_c_is_answered(solver, penalty):
    rng = np.random.default_rng(0)
    operator, images = ConvolutionOperator(rng.normal(size=(8, 9, 9)), (100, 120)), rng.normal(size=(1, 100, 120))
    with pytest.warns(ConvergenceWarning):
        solve_convolutional(images, operator, penalty, solver=solver, tol=0, max_iter=2)
    before, main, sent = signal.signal(signal.SIGINT, signal.default_int_handler), threading.main_thread().ident, []

    def interrupt():
        sent.append(time.monotonic())
        signal.pthread_kill(main, signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            solve_convolutional(images, operator, penalty, solver=solver, tol=0, max_iter=100_000)
    finally:
        signal.signal(signal.SIGINT, before)
    # 0.5 s is promised; twice that is allowed for a machine busy with other things
    assert time.monotonic() - sent[0] < 1.0


@pytest.mark.parametrize(("solver", "penalty"), EACH, ids=repr)
def test_images_that_did_not_converge_are_told_of_with_their_certificate(solver, penalty):
    operator = make_operator("image")
    kind = "relative duality gap" if penalty.convex else "relative fixed-point violation"
    with pytest.warns(ConvergenceWarning) as caught:
        result = solve_convolutional(X, operator, penalty.replace(alpha=0.01), solver=solver, tol=1e-6, max_iter=3)
    assert len(caught) == 1
    assert f"3 of 3 images stopped at `max_iter`=3 with a certificate above `tol`=1e-06: the largest {kind} is " in str(
        caught[0].message
    )
    assert f"is {result.certificate.max():.1e}" in str(caught[0].message)
    assert (result.status == 1).all()
