"""Locally greedy coordinate descent: against dense solvers, naive twins, FISTA; what never rises; degenerate images."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from sparsecode.convolutional import ConvolutionOperator, greedy
from sparsecode.convolutional._greedy_kernels import correlate_segments
from sparsecode.convolutional._problem import BoundPenalty, ImageProblem
from sparsecode.convolutional._scale import find_extremes, fraction_of, largest_correlation
from sparsecode.penalties import CEL0, L0, L1, MCP, SCAD, ElasticNet, LHalf, LogSum, LTwoThirds
from sparsecode.solvers import duality_gap, solve

from ..reference.convolutional import best_move, dense_problem, sweep
from .problems import BOUNDARIES, KINDS, make_operator, make_penalties


def make_problem(operator, penalty, *, masked=False, tol=1e-9, max_iter=1000, seed=1, **settings):
    """A random image for an operator."""
    rng = np.random.default_rng(seed)
    D = operator
    image = D.as_image(rng.normal(size=np.prod(D.image_shape)).astype(D.dtype))
    mask = rng.random((1, *D.geometry.image_shape)) < 0.7 if masked else None
    known, image = D.geometry.known(mask), D.geometry.place(image)
    image = image if known is None else image * known
    bound = BoundPenalty.of(penalty, D)
    extremes = find_extremes(D, image, bound)
    settings |= {"fraction": fraction_of(penalty, extremes, D), "largest": largest_correlation(penalty, extremes, D)}
    return ImageProblem(D, image, known, bound, tol, max_iter, **settings)


def reference_norms(operator):
    """Squared norms by which the penalty knows each coefficient."""
    return np.repeat(operator.square_norms, np.prod(operator.map_shape))


# Convex penalties; test_l1_solvers compares them with dense solves


def test_the_certificate_is_the_gap_of_the_dense_problem():
    operator = make_operator("image", "mask")
    for penalty, dense_penalty in make_penalties(operator):
        for max_iter in (1, 2, 3):
            problem = make_problem(operator, penalty, masked=True, max_iter=max_iter)
            result = greedy.solve_greedy(problem)
            x, atoms = dense_problem(problem)
            gap = duality_gap(x[None], atoms, result.codes.toarray(), dense_penalty)[0] / problem.half_energy
            # It may be less, by the lower bounds of codes before
            assert 0 < result.certificate <= gap * (1 + 1e-9)


def test_float32_is_kept_and_certified():
    results = []
    for dtype, tol in ((np.float32, 2e-6), (np.float64, 1e-9)):
        problem = make_problem(make_operator("image", dtype=dtype), L1(0.5), tol=tol)
        results.append(greedy.solve_greedy(problem))
        assert results[-1].codes.dtype == dtype
        assert results[-1].status == 0
    objectives = [0.5 * result.square_error + result.penalty for result in results]
    # The floor of gaps in float32, and what the image is rounded to
    assert abs(objectives[0] - objectives[1]) <= 3e-6 * problem.half_energy


# All separable penalties

OTHERS = {
    "l0": L0(0.1),
    "l0 positive": L0(0.1, positive=True),
    "cel0": CEL0(0.1),
    "mcp": MCP(0.4, 3.0),
    "scad": SCAD(0.3, 3.7),
    "l1/2": LHalf(0.2),
    "l2/3": LTwoThirds(0.2),
    "log-sum": LogSum(0.1, 0.3),
}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", OTHERS)
def test_no_single_coefficient_improves_a_code(name, masked):
    operator, penalty = make_operator("image", "mask" if masked else "circular"), OTHERS[name]
    problem = make_problem(operator, penalty, masked=masked, tol=1e-8)
    result = greedy.solve_greedy(problem)
    assert result.status == 0
    x, atoms = dense_problem(problem)
    code, norms = result.codes.toarray()[0], reference_norms(operator)
    moves = [best_move(x, atoms, code, i, penalty, norms) for i in range(len(code))]
    violations, gains = np.transpose(moves)
    sizes = np.maximum(atoms @ x, 0) if penalty.positive else np.abs(atoms @ x)
    assert problem.largest == pytest.approx(np.max(sizes / np.sqrt(norms)))
    assert violations.max() <= 1.01e-8 * problem.largest
    assert gains.max() <= 1e-8 * problem.half_energy
    assert result.certificate == pytest.approx(violations.max() / problem.largest, rel=1e-3, abs=1e-13)
    assert 0 < np.count_nonzero(code) < len(code)


@pytest.mark.parametrize("penalty", [L1(0.4), ElasticNet(0.4, 0.5), *OTHERS.values()], ids=repr)
def test_the_objective_never_rises(penalty):
    operator = make_operator("image", seed=5)
    found, zeros = [], csr_array((1, np.prod(operator.code_shape)))  # or they would begin with other problems
    for max_iter in range(1, 25):
        result = greedy.solve_greedy(make_problem(operator, penalty, max_iter=max_iter, seed=7, init=zeros))
        found.append(0.5 * result.square_error + result.penalty)
    assert (np.diff(found) <= 1e-12 * found[0]).all()
    assert found[-1] < found[0]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("penalty", [L1(0.4), CEL0(0.1), LogSum(0.1, 0.3)], ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_sweeps_are_those_of_the_naive_twin(kind, penalty, masked):
    """Also at the border, where kernels reach around; each step lowers the objective or leaves it."""
    operator = make_operator(kind, seed=2)
    rng, n = np.random.default_rng(4), np.prod(operator.code_shape)
    start = rng.normal(size=n) * (rng.random(n) < 0.5)
    problem = make_problem(operator, penalty, masked=masked)
    descent = greedy._Descent(problem._replace(init=csr_array(start[None])))
    x, atoms = dense_problem(problem)
    energy = descent.refresh()
    np.testing.assert_allclose(energy, np.square(x - start @ atoms).sum(), rtol=1e-12)
    active, (rows, columns) = descent.active, operator.geometry.map_shape
    chosen = (active.places[:, 0] * rows + active.places[:, 1]) * columns + active.places[:, 2]
    norms = np.square(atoms[chosen]).sum(axis=1)
    np.testing.assert_allclose(active.norms, norms, rtol=1e-12)
    expected, objectives = sweep(x, atoms, start, chosen, penalty, reference_norms(operator))
    descent._iterate(active, 1, np.float64(0), np.zeros(1, np.int32))
    np.testing.assert_allclose(active.values, expected[chosen], atol=1e-11)
    assert (np.diff(objectives) <= 1e-12 * objectives[0]).all()
    # The residual that was kept up to date is that of the code, on repeated pixels as well
    kept = descent.residual.values.copy()
    descent.refresh()
    np.testing.assert_allclose(kept, descent.residual.values, atol=1e-11)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("penalty", [L1(0.4), CEL0(0.1), L1(0.3, positive=True)], ids=repr)
def test_segments_are_measured_as_by_the_naive_twin(penalty, masked):
    operator = make_operator("image", seed=2)
    rng, n = np.random.default_rng(4), np.prod(operator.code_shape)
    start = np.maximum(rng.normal(size=n), 0) * (rng.random(n) < 0.1)
    problem = make_problem(operator, penalty, masked=masked)._replace(init=csr_array(start[None]))
    descent = greedy._Descent(problem)
    descent.refresh()
    search, (rows, columns) = descent.search, operator.geometry.map_shape
    search.measure(descent.residual, descent.active, np.arange(search.n_segments))
    x, atoms = dense_problem(problem)
    places = np.stack(np.unravel_index(np.arange(n), (3, rows, columns)), axis=1)
    moves = np.array([best_move(x, atoms, start, i, penalty, reference_norms(operator)) for i in range(n)])
    for s in range(search.n_segments):
        inside = search.of(places) == s
        assert search.measures.worst[s] == pytest.approx(moves[inside, 0].max(), abs=1e-11)
        assert search.measures.gain[s] == pytest.approx(moves[inside, 1].max(), abs=1e-11)
        others = inside & (start == 0)
        if search.measures.norm[s] > 0:
            k, y, x_, _ = search.measures.place[s]
            i = (k * rows + y) * columns + x_
            assert others[i]
            assert moves[i, 1] == pytest.approx(moves[others, 1].max(), abs=1e-11)
        else:
            assert moves[others, 1].max() <= 1e-11
    assert search.measures.price.sum() == pytest.approx(penalty.value(start[None], reference_norms(operator))[0])


def test_correlations_of_segments():
    operator = make_operator("colour")
    descent = greedy._Descent(make_problem(operator, L1(0.5)))
    descent.refresh()
    search = descent.search
    chosen = np.arange(search.n_segments)
    positions = search.segments.height * search.segments.width
    patches, out = np.empty((positions, search.flat.shape[1])), np.zeros((len(chosen), positions, 3))
    image = descent.residual.values
    correlate_segments(image, search.flat, search.shape, chosen, search.segments, patches, out)
    maps = operator.correlate_grid(descent.problem.image)
    rows, columns = operator.geometry.map_shape
    corners = [(y, x) for y in range(0, rows, search.segments.height) for x in range(0, columns, search.segments.width)]
    for (y, x), found in zip(corners, out, strict=True):
        expected = maps[:, y : y + search.segments.height, x : x + search.segments.width].reshape(3, -1).T
        np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-12)


# Starts, scales, threads


def test_a_solution_is_where_the_descent_ends_at_once():
    for penalty in (L1(0.5), CEL0(0.1)):
        problem = make_problem(make_operator("image"), penalty)
        first = greedy.solve_greedy(problem)
        again = greedy.solve_greedy(problem._replace(init=first.codes, tol=1e-8))
        assert first.n_iter > 0
        assert again.n_iter == 0
        assert (again.codes != first.codes).nnz == 0


@pytest.mark.parametrize("scale", [1e-10, 1e10])
def test_tolerances_have_no_scale(scale):
    operator = make_operator("image")
    for penalty in (L1(0.5), CEL0(0.1)):
        problem = make_problem(operator, penalty, tol=1e-10)
        result = greedy.solve_greedy(problem)
        scaled = BoundPenalty.of(penalty.scaled(scale), operator)
        other = greedy.solve_greedy(
            problem._replace(image=problem.image * scale, penalty=scaled, largest=problem.largest * scale)
        )
        assert other.status == result.status == 0
        np.testing.assert_allclose(other.codes.toarray() / scale, result.codes.toarray(), atol=1e-4)


def test_threads_make_no_difference():
    operator = ConvolutionOperator(np.random.default_rng(0).normal(size=(4, 5, 5)), (40, 50))
    problem = make_problem(operator, L1(3.0), tol=1e-6)
    one, two = (greedy.solve_greedy(problem._replace(n_jobs=n)) for n in (1, 2))
    assert one.codes.nnz > 50
    np.testing.assert_array_equal(one.codes.indices, two.codes.indices)
    np.testing.assert_array_equal(one.codes.data, two.codes.data)
    assert one[1:] == two[1:]


# Degenerate input


def test_a_zero_image_has_a_zero_code():
    operator = make_operator("image")
    for penalty in (L1(0.5), CEL0(0.1)):
        problem = make_problem(operator, penalty)
        result = greedy.solve_greedy(problem._replace(image=np.zeros_like(problem.image)))
        assert (result.codes.nnz, result.certificate, result.status, result.n_iter) == (0, 0.0, 0, 0)


def test_an_image_of_which_nothing_is_known_has_a_zero_code():
    problem = make_problem(make_operator("image"), L1(0.5))
    nothing = problem._replace(image=np.zeros_like(problem.image), known=np.zeros((1, 9, 8), bool))
    assert greedy.solve_greedy(nothing).codes.nnz == 0


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("penalty", [L1(0.5), CEL0(0.1)], ids=repr)
def test_degenerate_kernels_and_images(penalty, boundary):
    """Zero, equal, opposite and one-pixel kernels, as large as the image, or all of one pixel; constant images."""
    rng = np.random.default_rng(0)
    kernels = rng.normal(size=(5, 3, 3))
    kernels[0] = 0
    kernels[2], kernels[3], kernels[4] = kernels[1], -2 * kernels[1], np.eye(3)[:, 1:2] @ np.eye(3)[1:2]
    for D, shape in ((kernels, (7, 8)), (kernels, (3, 3)), (rng.normal(size=(2, 1, 1)), (5, 6)), (kernels[:1], (7, 8))):
        operator = ConvolutionOperator(D, shape, boundary=boundary)
        for seed in (0, None):
            problem = make_problem(operator, penalty, seed=seed or 0, tol=1e-8)
            if seed is None:
                flat = np.ones_like(problem.image) * (1 if problem.known is None else problem.known)
                problem = problem._replace(image=flat)
            result = greedy.solve_greedy(problem)
            assert result.status == 0
            x, atoms = dense_problem(problem)
            if not penalty.convex:
                code, norms = result.codes.toarray()[0], reference_norms(operator)
                gains = [best_move(x, atoms, code, i, penalty, norms)[1] for i in range(len(code))]
                assert max(gains) <= 1e-8 * problem.half_energy
                continue
            dense = solve(x[None], atoms, penalty, tol=1e-10)
            expected = 0.5 * dense.square_error[0] + dense.penalty[0]
            assert 0.5 * result.square_error + result.penalty == pytest.approx(expected, abs=1e-8 * x @ x + 1e-12)
