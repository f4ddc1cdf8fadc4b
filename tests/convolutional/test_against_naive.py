"""Iterates of the solvers against twins that are one screen of NumPy."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.convolutional import ConvolutionOperator
from sparsecode.convolutional._descent import Descent
from sparsecode.convolutional._duality import lower_bound
from sparsecode.convolutional._entries import Entries
from sparsecode.convolutional._problem import BoundPenalty, ImageProblem
from sparsecode.convolutional.admm import RELAXATION, _Splitting
from sparsecode.convolutional.fista import solve_fista
from sparsecode.penalties import CEL0, L1, ElasticNet

from ..reference.fourier import circular_matrix, dual_objective, proximal_gradient, two_variable_admm

RNG = np.random.default_rng(0)


def make_problem(n_channels, penalty, dtype=np.float64):
    kernels, image = RNG.standard_normal((3, n_channels, 3, 2)), RNG.standard_normal((n_channels, 8, 8))
    dims = {"dims": ("atom", "channel", "y", "x")}
    D = Dictionary.from_array(kernels.astype(dtype), **dims)
    operator = ConvolutionOperator(D, (8, 8, n_channels))
    problem = ImageProblem(operator, image.astype(dtype), None, BoundPenalty.of(penalty, operator), 1e-6, 100)
    return problem, circular_matrix(kernels, (8, 8)), image.ravel()


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_one_state_is_the_alternating_direction_method(n_channels, dtype, atol):
    problem, D, s = make_problem(n_channels, L1(0.5), dtype)
    splitting = _Splitting(problem)
    splitting.begin()
    for n_iter in range(1, 21):
        splitting.step()
        if n_iter in (1, 2, 5, 20):
            code = splitting.entries().to_row(problem.operator).toarray()[0]
            twin = two_variable_admm(D, s, 0.5, splitting.rho, RELAXATION, n_iter)
            # In float32 they differ by up to 2e-6
            np.testing.assert_allclose(code, twin, atol=atol)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_division_by_frequency_is_the_inverse_of_a_matrix(n_channels):
    problem, D, _ = make_problem(n_channels, L1(0.5))
    splitting = _Splitting(problem)
    splitting.begin()
    passes = splitting.passes
    image = RNG.standard_normal((n_channels, 8, 8))
    found = passes.image(splitting._divide(passes.transform(image))).ravel()
    expected = np.linalg.solve(D @ D.T + splitting.rho * np.eye(len(D)), image.ravel())
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_rho_can_change_without_a_change_of_codes_and_multipliers():
    problem, _, _ = make_problem(1, ElasticNet(0.7, 0.6))
    splitting = _Splitting(problem)
    splitting.begin()
    for _ in range(5):
        splitting.step()
    code = splitting.entries()
    y = code.to_row(problem.operator).toarray().reshape(splitting.t.shape)
    multiplier = (splitting.t - y) * splitting.rho
    splitting.change_rho(0.3)
    after = splitting.entries()
    np.testing.assert_array_equal(after.places, code.places)
    np.testing.assert_allclose(after.values, code.values, atol=1e-13)
    np.testing.assert_allclose((splitting.t - y) * splitting.rho, multiplier, atol=1e-12)


@pytest.mark.parametrize("penalty", [L1(0.5), ElasticNet(0.5, 0.6), L1(0.5, positive=True)], ids=repr)
def test_bounds_are_those_of_the_best_dual_point_on_the_line(penalty):
    problem, D, s = make_problem(2, penalty)
    weight, ridge = float(problem.penalty.bound.entry[0]), float(problem.penalty.bound.ridge)
    for r in (RNG.standard_normal(s.shape), s, 0 * s):
        c = D.T @ r if penalty.positive else np.abs(D.T @ r)
        top, beyond = max(c.max(), 0) / weight, np.square(np.maximum(c - weight, 0)).sum()
        image = problem.image
        bound = lower_bound(image, r.reshape(image.shape), top, beyond, ridge)
        limit = 1 / top if top > 0 else 1.0
        scales = np.linspace(0, limit, 2001)
        if not penalty.positive:
            line = max(dual_objective(s, D, r, weight, 0, scale) for scale in scales * (1 - 1e-12))
            line = max(line, dual_objective(s, D, r, weight, ridge, 1.0) if ridge else line)
            np.testing.assert_allclose(bound, line, rtol=1e-5, atol=1e-12)
        assert bound <= problem.half_energy


@pytest.mark.parametrize("penalty", [L1(0.5), CEL0(0.3)], ids=repr)
def test_steps_without_momentum_are_plain_proximal_gradient_steps(penalty):
    problem, D, s = make_problem(2, penalty)
    step, norms = 0.9 / problem.operator.lipschitz, np.repeat(problem.operator.square_norms, 64)
    start = RNG.standard_normal(192) * (RNG.random(192) < 0.1)
    row = Entries(np.flatnonzero(start), start[start != 0]).to_row(problem.operator)
    descent = Descent(problem._replace(init=row), step)
    for _ in range(6):
        descent.take_step()
    twin = proximal_gradient(D, s, lambda z: penalty.prox(z[None], step, norms)[0], start, step, 6)
    np.testing.assert_allclose(descent.x.ravel(), twin, atol=1e-12)
    value = 0.5 * np.square(s - D @ twin).sum() + penalty.value(twin[None], norms)[0]
    np.testing.assert_allclose(descent.objective, value)


def test_gaps_are_not_negative_and_vanish():
    problem, _, _ = make_problem(1, L1(0.5))
    gaps = [solve_fista(problem._replace(tol=0.0, max_iter=n)).certificate for n in (1, 10, 100, 1000)]
    assert all(gap >= 0 for gap in gaps)
    assert gaps[-1] < 1e-12 < gaps[0]
