"""Penalties that are not convex: objectives fall, ends are fixed points, and single coefficients cannot do better."""

import numpy as np
import pytest

from sparsecode.convolutional import SOLVERS, alpha_max, solve_convolutional
from sparsecode.penalties import CEL0, L0, L1, MCP, SCAD, LHalf, LogSum, LTwoThirds
from sparsecode.solvers import objective
from sparsecode.solvers.forward_backward import STEP_SHARE

from .problems import BOUNDARIES, make_operator

pytestmark = pytest.mark.filterwarnings("ignore:codes of .* depend on its step")

PENALTIES = [
    L0(0.5),
    CEL0(0.5),
    CEL0(0.5, positive=True),
    MCP(0.7),
    SCAD(0.7),
    LHalf(0.5),
    LTwoThirds(0.5),
    LogSum(0.5),
]


def images(operator, n=2):
    return np.random.default_rng(4).standard_normal((n, int(np.prod(operator.image_shape))))


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_objectives_never_rise(penalty):
    operator = make_operator("image")
    X, D = images(operator), operator.as_linear_operator().T @ np.eye(72)
    start = solve_convolutional(X, operator, L1(0.2), tol=1e-2).codes
    start = start.maximum(0) if penalty.positive else start
    before = objective(X, D, start, penalty)
    for max_iter in (1, 2, 4, 8, 32, 128):
        result = solve_convolutional(X, operator, penalty, init=start, tol=0, max_iter=max_iter)
        value = objective(X, D, result.codes, penalty)
        np.testing.assert_allclose(0.5 * result.square_error + result.penalty, value, rtol=1e-12)
        assert (value <= before * (1 + 1e-13)).all()
        before = value


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("penalty", [CEL0(0.5), LHalf(0.5)], ids=repr)
def test_codes_are_fixed_points(penalty, boundary):
    operator = make_operator("colour", boundary)
    X, rng = images(operator), np.random.default_rng(5)
    mask = rng.random(X.shape) < 0.8 if boundary == "circular" else None
    result = solve_convolutional(X, operator, penalty, mask=mask, tol=1e-8, max_iter=5000)
    assert (result.status == 0).all()
    step = STEP_SHARE / operator.lipschitz
    norms = np.repeat(operator.square_norms, np.prod(operator.map_shape))
    for x, code, keep in zip(X, result.codes.toarray(), [None] * 2 if mask is None else mask, strict=True):
        geometry = operator.geometry
        known = geometry.known(None if keep is None else operator.as_image(keep))
        image = geometry.place(operator.as_image(x))
        residual = image - operator.decode_maps(code.reshape(len(operator.kernels), *geometry.map_shape))
        residual = residual if known is None else residual * known
        slopes = operator.correlate_grid(residual).ravel()
        moved = penalty.prox((code + step * slopes)[None], step, norms)[0]
        # The step before it moved by less than the tolerance, relative to the largest correlation
        assert np.abs(moved - code).max() / step < 1e-7


def test_zero_codes_from_the_largest_alpha_on():
    operator = make_operator("image")
    X = images(operator)
    for penalty in PENALTIES:
        largest = alpha_max(X, operator, penalty)
        C = operator.correlate(X).reshape(2, 3, -1)
        by_hand = [penalty.alpha_max(c, operator.square_norms).max() for c in C.transpose(0, 2, 1)]
        np.testing.assert_allclose(largest, by_hand)
        with pytest.warns(UserWarning, match="the codes of 2 of 2 images are zero"):
            result = solve_convolutional(X, operator, penalty.replace(alpha=1.001 * largest.max()))
        assert result.codes.nnz == 0
        assert not result.certificate.any()


def test_cel0_from_the_start_of_its_own_beats_codes_of_l1():
    operator = make_operator("image")
    X, penalty = images(operator), CEL0(0.5)
    D = operator.as_linear_operator().T @ np.eye(72)
    lasso = solve_convolutional(X, operator, L1(1.0), tol=1e-6)
    result = solve_convolutional(X, operator, penalty)
    assert set(SOLVERS) >= {"admm", "fista", "forward-backward"}
    assert (objective(X, D, result.codes, penalty) < objective(X, D, lasso.codes, penalty)).all()
