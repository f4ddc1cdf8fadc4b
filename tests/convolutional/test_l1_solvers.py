"""ADMM and FISTA on maps against dense solves, their certificates, and what they make of degenerate input."""

import numpy as np
import pytest
import skimage.data

from sparsecode import Dictionary
from sparsecode.convolutional import ConvolutionOperator, alpha_max, solve_convolutional
from sparsecode.penalties import L1
from sparsecode.solvers import objective

from .problems import BOUNDARIES, KINDS, dense_objectives, make_operator, make_penalties

SOLVERS = ("admm", "fista", "greedy")


def test_a_photograph_with_oriented_kernels():
    """At 0.3 of the largest weight to 1e-4, against the dense problem; needs no download."""
    image = skimage.data.camera()[100:116, 200:216] / 255.0
    theta, B_theta = np.meshgrid(np.arange(3) * np.pi / 3, [0.2, 0.5], indexing="ij")
    bank = Dictionary.log_gabor(6, theta=theta, B_theta=B_theta).normalized()
    operator, X = ConvolutionOperator(bank, image.shape), (image - image.mean()).reshape(1, -1)
    penalty = L1(0.3 * alpha_max(X, operator, L1())[0])
    least = dense_objectives(operator, X, penalty)
    for solver in SOLVERS:
        result = solve_convolutional(X, operator, penalty, solver=solver, tol=1e-5)
        assert result.status[0] == 0
        np.testing.assert_allclose(0.5 * result.square_error + result.penalty, least, rtol=1e-4)
    assert 5 < result.codes.nnz < 100


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("masked", [False, True])
def test_objectives_are_those_of_a_dense_solve(kind, boundary, masked):
    operator, rng = make_operator(kind, boundary), np.random.default_rng(2)
    X = rng.standard_normal((2, int(np.prod(operator.image_shape))))
    mask = rng.random(X.shape) < 0.7 if masked else None
    for i, (penalty, dense) in enumerate(make_penalties(operator)):
        least = dense_objectives(operator, X, dense, mask)
        for solver in SOLVERS[i % 2 :] if masked else SOLVERS:
            result = solve_convolutional(X, operator, penalty, mask=mask, solver=solver, tol=1e-8, max_iter=20_000)
            assert (result.status == 0).all()
            found = 0.5 * result.square_error + result.penalty
            np.testing.assert_allclose(found, least, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:.* stopped at `max_iter`")
def test_the_certificate_bounds_the_distance_from_the_least_objective():
    operator, rng = make_operator("image"), np.random.default_rng(3)
    X = rng.standard_normal((2, 72))
    least, half = dense_objectives(operator, X, L1(0.5)), 0.5 * np.square(X).sum(axis=1)
    for solver in SOLVERS:
        for max_iter in (1, 3, 10, 30, 100):
            result = solve_convolutional(X, operator, L1(0.5), solver=solver, tol=0, max_iter=max_iter)
            excess = (0.5 * result.square_error + result.penalty - least) / half
            assert (excess >= -1e-12).all()
            assert (result.certificate >= excess - 1e-12).all()
            dense = objective(X, operator.as_linear_operator().T @ np.eye(72), result.codes, L1(0.5))
            np.testing.assert_allclose(0.5 * result.square_error + result.penalty, dense)
        assert (result.certificate < 1e-3).all()
