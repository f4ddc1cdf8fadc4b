"""Gabor fits against their naive twin, on functions whose parameters are known, and on awkward atoms."""

import numpy as np
import pytest
from skimage.filters import gabor_kernel

from sparsecode.receptive_fields import fit_gabor, gabor, orientation_coverage
from sparsecode.receptive_fields._kernels import fit_rows, linearise, make_workspace, project
from sparsecode.receptive_fields.fitting import _bounds


def random_gabors(shape, n, rng):
    """Return the parameters of n Gabor functions that lie well inside a patch of this shape."""
    height, width = shape
    extent = max(shape)
    return {
        "x0": rng.uniform(-0.2, 0.2, n) * width,
        "y0": rng.uniform(-0.2, 0.2, n) * height,
        "theta": rng.uniform(0, np.pi, n),
        "frequency": rng.uniform(0.1, 0.35, n),
        "sigma_x": rng.uniform(0.12, 0.22, n) * extent,
        "sigma_y": rng.uniform(0.1, 0.3, n) * extent,
        "phase": rng.uniform(-np.pi, np.pi, n),
        "amplitude": rng.uniform(0.5, 2.0, n),
    }


def noisy(atoms, share, rng):
    """Add white noise that has this share of the energy of each atom."""
    noise = rng.standard_normal(atoms.shape)
    scale = np.sqrt(share * (atoms**2).sum(axis=(1, 2)) / (noise**2).sum(axis=(1, 2)))
    return atoms + scale[:, None, None] * noise


def angle_error(degrees, truth, period=180.0):
    error = np.abs(degrees - truth) % period
    return np.minimum(error, period - error)


def sketch(shape, p):
    """Return the two linear columns for the nonlinear parameters p, straight from the formula."""
    x0, y0, theta, log_sx, log_sy, f = p
    common = {"x0": x0, "y0": y0, "theta": theta, "frequency": f}
    sigmas = {"sigma_x": np.exp(log_sx), "sigma_y": np.exp(log_sy)}
    return np.stack([gabor(shape, **common, **sigmas, phase=phase).ravel() for phase in (0.0, -np.pi / 2)], axis=1)


def naive_fvu(shape, atom, p):
    columns = sketch(shape, p)
    weights = np.linalg.lstsq(columns, atom, rcond=None)[0]
    return ((atom - columns @ weights) ** 2).sum()


def random_problem(shape, rng):
    atom = rng.standard_normal(shape[0] * shape[1])
    p = np.array([*rng.uniform(-1, 1, 2), rng.uniform(-4, 4), *np.log(rng.uniform(0.8, 2.5, 2)), rng.uniform(0.1, 0.4)])
    return atom / np.linalg.norm(atom), p, make_workspace(*shape, 1, *_bounds(*shape))


@pytest.mark.nojit
def test_kernel_equals_least_squares(rng):
    shape = (6, 5)
    for k in range(10):
        atom, p, work = random_problem(shape, rng)
        p[5] = 0.0 if k == 0 else p[5]
        fvu = project(atom, p, work)
        # Largest difference over 2000 problems: 4e-16.
        assert fvu == pytest.approx(naive_fvu(shape, atom, p), abs=1e-13)
        # The amplitudes belong to the same residual: at most 2e-16 apart.
        residual = atom - sketch(shape, p) @ work.weight
        np.testing.assert_allclose(residual, work.columns[8], atol=1e-13)


@pytest.mark.nojit
def test_descent_is_the_gradient(rng):
    shape = (6, 5)
    for _ in range(5):
        atom, p, work = random_problem(shape, rng)
        project(atom, p, work)
        linearise(p, work)
        nudges = 1e-5 * np.eye(6)
        slope = [(naive_fvu(shape, atom, p + d) - naive_fvu(shape, atom, p - d)) / 2e-5 for d in nudges]
        # Largest difference over 450 problems: 2e-8, the error of the finite difference.
        np.testing.assert_allclose(-2.0 * work.descent, slope, atol=1e-6)


@pytest.mark.nojit
def test_recovers_one_small_function():
    truth = {"x0": 0.5, "y0": -0.3, "theta": 0.7, "frequency": 0.25, "sigma_x": 1.3, "sigma_y": 1.6, "phase": 1.0}
    fit = fit_gabor(3.0 * gabor((7, 7), **truth)[None])
    for name, value in truth.items():
        assert getattr(fit, name)[0] == pytest.approx(value, abs=1e-6)
    assert fit.amplitude[0] == pytest.approx(3.0, abs=1e-6)
    assert fit.fvu[0] < 1e-12


def test_same_convention_as_scikit_image():
    given = {"frequency": 0.2, "theta": 0.6, "sigma_x": 2.0, "sigma_y": 3.0}
    peer = gabor_kernel(**given, offset=0.4).real * 2 * np.pi * 2.0 * 3.0
    np.testing.assert_allclose(gabor(peer.shape, x0=0, y0=0, phase=0.4, **given), peer, atol=1e-15)


def test_parameters_are_broadcast():
    given = {"x0": 0, "y0": 0, "frequency": 0.2, "sigma_x": 1.5, "sigma_y": 2, "phase": 0}
    stack = gabor((5, 6), theta=np.array([[0.0], [1.0], [2.0]]), amplitude=[1.0, 2.0], **given)
    assert stack.shape == (3, 2, 5, 6)
    np.testing.assert_array_equal(stack[1, 1], gabor((5, 6), theta=1.0, amplitude=2.0, **given))


@pytest.mark.parametrize("shape", [(12, 12), (16, 16), (10, 17), (17, 10)])
def test_recovers_noisy_functions(rng, shape):
    truth = random_gabors(shape, 60, rng)
    fit = fit_gabor(noisy(gabor(shape, **truth), 0.01, rng))
    turned = angle_error(fit.orientation, 90.0 - np.rad2deg(truth["theta"]))
    # In comments: the largest value in 20 seeds of the four shapes.
    assert np.median(turned) < 0.5  # 0.18
    assert turned.max() < 3.0  # 1.24
    assert np.median(np.abs(fit.frequency / truth["frequency"] - 1)) < 0.01  # 0.004
    for name in ("x0", "y0", "sigma_x", "sigma_y", "amplitude"):
        assert np.median(np.abs(getattr(fit, name) - truth[name])) < 0.1  # 0.04
    assert np.all((fit.fvu > 0.006) & (fit.fvu < 0.0101))  # 0.0080 to 0.0100, since the fit follows some noise


def two_gabors(shape, n, rng):
    """Atoms that no single Gabor function fits."""
    return sum(weight * gabor(shape, **random_gabors(shape, n, rng)) for weight in (1.0, 0.7))


def best_of_random_starts(atoms, n_starts, rng):
    """Return the lowest FVU over many single starts, the search without any heuristics."""
    n, height, width = atoms.shape
    rows = atoms.reshape(n, -1) / np.linalg.norm(atoms, axis=(1, 2))[:, None]
    lower, upper = _bounds(height, width)
    low = np.array([-0.4 * width, -0.4 * height, 0.0, 0.0, 0.0, 0.05])
    high = np.array([0.4 * width, 0.4 * height, np.pi, np.log(0.4 * width), np.log(0.4 * width), 0.45])
    best = np.ones(n)
    for _ in range(n_starts):
        starts = rng.uniform(low, high, size=(n, 3, 6))
        fvu = np.empty(n)
        work = make_workspace(height, width, 3, lower, upper)
        fit_rows(rows, starts, np.empty((n, 6)), np.empty((n, 2)), fvu, work, np.zeros(1, np.int32))
        best = np.minimum(best, fvu)
    return best


def test_rarely_ends_in_a_local_minimum(rng):
    atoms = two_gabors((12, 12), 60, rng)
    excess = fit_gabor(atoms).fvu - best_of_random_starts(atoms, 15, rng)
    assert np.mean(excess > 0.01) < 0.1  # over 20 seeds 0.013 on average, at most 0.05


def test_scale_and_sign_change_only_amplitude_and_phase(rng):
    atoms = noisy(gabor((12, 12), **random_gabors((12, 12), 12, rng)), 0.1, rng)
    fit = fit_gabor(atoms)
    for factor in (-1.0, 3.7, 1e-200, -1e200):
        other = fit_gabor(factor * atoms)
        # Largest differences over 20 seeds and these factors: 5e-14, and 3e-15 of the phase.
        for name in ("x0", "y0", "theta", "frequency", "sigma_x", "sigma_y", "fvu"):
            np.testing.assert_allclose(getattr(other, name), getattr(fit, name), atol=1e-10)
        np.testing.assert_allclose(other.amplitude, abs(factor) * fit.amplitude, rtol=1e-10)
        shift = np.pi if factor < 0 else 0.0
        assert angle_error(other.phase, fit.phase + shift, 2 * np.pi).max() < 1e-10


def test_canonical_ranges_and_fvu(rng):
    shape = (9, 9)
    functions = gabor(shape, **random_gabors(shape, 20, rng))
    noise = rng.standard_normal((20, *shape))
    edges = np.sign(np.arange(9) - 4)[None, None, :] * np.ones((1, 9, 1))
    atoms = np.concatenate([functions, noise, two_gabors(shape, 20, rng), edges])
    fit = fit_gabor(atoms)
    oriented = np.isfinite(fit.theta)
    assert oriented.sum() > 40
    np.testing.assert_array_equal(oriented, fit.frequency > 0)
    theta, phase, frequency = fit.theta[oriented], fit.phase[oriented], fit.frequency[oriented]
    assert np.all((theta >= 0) & (theta < np.pi) & (phase > -np.pi) & (phase <= np.pi) & (fit.amplitude[oriented] > 0))
    assert np.all((frequency <= 0.5) & (frequency * fit.sigma_x[oriented] > 0.0999))
    assert np.all((fit.orientation[oriented] >= 0) & (fit.orientation[oriented] < 180))
    assert np.all(np.maximum(np.abs(fit.x0), np.abs(fit.y0)) <= 0.75 * 9)
    assert np.all((np.minimum(fit.sigma_x, fit.sigma_y) > 0.3999) & (np.maximum(fit.sigma_x, fit.sigma_y) < 9.0001))
    # The FVU is that of the function with these parameters; largest difference over 20 seeds: 6e-10.
    parameters = {name: value[oriented] for name, value in fit._asdict().items() if name != "fvu"}
    squares = ((gabor(shape, **parameters) - atoms[oriented]) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(squares / (atoms[oriented] ** 2).sum(axis=(1, 2)), fit.fvu[oriented], atol=1e-7)


@pytest.mark.parametrize(("theta", "orientation"), [(0.0, 90.0), (np.pi / 2, 0.0), (np.pi / 4, 45.0), (2.0, None)])
def test_orientation_as_on_the_screen(theta, orientation):
    atom = gabor((11, 11), x0=0, y0=0, theta=theta, frequency=0.15, sigma_x=2, sigma_y=3, phase=0)
    found = fit_gabor(atom[None]).orientation[0]
    # Along a bar the function is constant: step along the reported direction, up being the lower row.
    angle = np.deg2rad(found)
    rows, cols = 5 - np.sin(angle) * np.arange(-2, 3), 5 + np.cos(angle) * np.arange(-2, 3)
    bar = gabor((11, 11), x0=0, y0=0, theta=theta, frequency=0.15, sigma_x=2, sigma_y=1e6, phase=0)
    along = [bar[round(r), round(c)] for r, c in zip(rows, cols, strict=True)]
    assert min(along) > 0.4  # the trough beside the bar is at -0.4
    if orientation is not None:
        assert angle_error(found, orientation) < 1e-6


@pytest.mark.parametrize("sign", [1, -1])
def test_blobs_have_no_orientation(rng, sign):
    truth = {**random_gabors((12, 12), 30, rng), "frequency": 0.0, "phase": 0.0}
    fit = fit_gabor(noisy(sign * gabor((12, 12), **truth), 0.01, rng))
    assert np.all(fit.frequency == 0)  # 20 seeds: always; with 10 % noise 5 % of them pass for Gabor functions
    assert np.isnan(fit.theta).all()
    assert np.isnan(fit.orientation).all()
    np.testing.assert_array_equal(fit.phase, 0.0 if sign > 0 else np.pi)
    short, long = np.sort([truth["sigma_x"], truth["sigma_y"]], axis=0)
    # Medians over 20 seeds: at most 0.024 and 0.035.
    assert np.median(np.abs(fit.sigma_x - short)) < 0.1
    assert np.median(np.abs(fit.sigma_y - long)) < 0.1
    assert fit.well_fitted().all()
    assert orientation_coverage(fit) == 0


def test_single_edge_keeps_its_direction():
    rows, cols = np.mgrid[-5.5:6, -5.5:6]
    for angle in (0.0, 0.5, 2.0):
        u = cols * np.cos(angle) + rows * np.sin(angle)
        fit = fit_gabor((u * np.exp(-(cols**2 + rows**2) / 8))[None])
        assert angle_error(np.rad2deg(fit.theta[0]), np.rad2deg(angle)) < 0.01  # at most 1.4e-4
        assert fit.frequency[0] * fit.sigma_x[0] == pytest.approx(0.1, rel=1e-6)
        assert abs(fit.phase[0]) == pytest.approx(np.pi / 2, abs=1e-6)
        assert fit.fvu[0] < 1e-4  # at most 5e-6


def test_zero_atoms(rng):
    atoms = np.zeros((3, 6, 6))
    atoms[1] = gabor((6, 6), x0=0, y0=0, theta=1, frequency=0.2, sigma_x=1, sigma_y=2, phase=0)
    fit = fit_gabor(atoms)
    np.testing.assert_array_equal(fit.fvu[[0, 2]], 1.0)
    assert all(np.isnan(values[[0, 2]]).all() for values in fit[:-1])
    assert np.isfinite([values[1] for values in fit]).all()
    assert orientation_coverage(fit) == 1
    np.testing.assert_array_equal(fit_gabor(np.zeros((2, 9)), (3, 3)).fvu, 1.0)


@pytest.mark.parametrize("shape", [(3, 3), (3, 20)])
def test_awkward_atoms_give_finite_fits(rng, shape):
    atoms = rng.standard_normal((6, *shape))
    atoms[0] = 1.0
    atoms[1] = 0.0
    atoms[1, 0, 0] = 1.0
    atoms[2] = (-1.0) ** np.add.outer(*map(np.arange, shape))
    atoms[3] = np.arange(shape[1])
    fit = fit_gabor(atoms)
    finite = [np.isfinite(values).all() for name, values in fit._asdict().items() if name != "theta"]
    assert all(finite)
    assert np.all((fit.fvu >= 0) & (fit.fvu <= 1))
    assert np.isnan(fit.theta[0])


def test_form_of_the_input_does_not_matter(rng):
    atoms = noisy(gabor((8, 6), **random_gabors((8, 6), 5, rng)), 0.01, rng)
    fit = fit_gabor(atoms)
    locked = atoms.reshape(5, 48)
    locked.flags.writeable = False
    before = atoms.copy()
    for other in (fit_gabor(locked, (8, 6)), fit_gabor(np.asfortranarray(atoms)), fit_gabor(atoms.tolist(), [8, 6])):
        for a, b in zip(fit, other, strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(atoms, before)
    for a, b in zip(fit, fit_gabor(atoms.astype(np.float32)), strict=True):
        assert b.dtype == np.float64
        np.testing.assert_allclose(a, b, atol=1e-5)  # at most 3e-7 over 20 seeds


def test_result_does_not_depend_on_threads_or_neighbours(rng):
    atoms = np.concatenate([two_gabors((10, 10), 30, rng), rng.standard_normal((10, 10, 10))])
    fit = fit_gabor(atoms)
    alone = [fit_gabor(atoms[i : i + 1]) for i in (0, 17, 35)]
    for k, values in enumerate(fit):
        np.testing.assert_array_equal(values, fit_gabor(atoms, n_jobs=2)[k])
        np.testing.assert_array_equal(values[[0, 17, 35]], np.concatenate([one[k] for one in alone]))


def test_noise_is_not_well_fitted(rng):
    fit = fit_gabor(rng.standard_normal((30, 12, 12)))
    assert not fit.well_fitted().any()  # the lowest FVU over 20 seeds: 0.73
    assert fit.well_fitted(1.0).all()
    assert orientation_coverage(fit) == 0


def test_kernel_stops_when_told(rng):
    atom, p, work = random_problem((6, 6), rng)
    fvu = np.full(1, -1.0)
    fit_rows(
        atom[None], p[None, None].repeat(2, 1), np.empty((1, 6)), np.empty((1, 2)), fvu, work, np.ones(1, np.int32)
    )
    assert fvu[0] == -1.0


def test_orientation_coverage_counts_bins():
    given = {"x0": 0, "y0": 0, "frequency": 0.2, "sigma_x": 2, "sigma_y": 2, "phase": 0}
    near_axes = np.deg2rad([-4.0, 0.0, 4.0, 86.0, 90.0, 94.0])
    fit = fit_gabor(gabor((11, 11), theta=near_axes, **given))
    for n_bins in (2, 4, 8, 9):
        assert orientation_coverage(fit, n_bins) == 2
    assert orientation_coverage(fit, 1) == 1
    all_round = fit_gabor(gabor((11, 11), theta=np.linspace(0, np.pi, 24, endpoint=False), **given))
    for n_bins in (1, 5, 8, 12):
        assert orientation_coverage(all_round, n_bins) == n_bins
    assert orientation_coverage(all_round, fvu=0.0) == 0


@pytest.mark.parametrize(
    ("atoms", "shape", "message"),
    [
        (np.ones(9), (3, 3), r"atoms must have the shape .*got 1 dimension"),
        (np.ones((2, 3, 3, 1)), None, r"atoms must have the shape .*got 4 dimension"),
        (np.ones((2, 9)), None, r"shape=\(height, width\) is needed"),
        (np.ones((2, 10)), (3, 3), r"shape \(3, 3\) makes 9 pixels, but the atoms have 10"),
        (np.ones((2, 3, 4)), (4, 3), r"shape \(4, 3\) does not agree with atoms of shape \(2, 3, 4\)"),
        (np.ones((2, 9)), 3, r"shape must be two positive integers \(height, width\), got 3"),
        (np.ones((2, 9)), (3.0, 3.0), "shape must be two positive integers"),
        (np.ones((2, 9)), (-3, -3), "shape must be two positive integers"),
        (np.ones((0, 3, 3)), None, r"at least one atom, got an array of shape \(0, 3, 3\)"),
        (np.ones((2, 0, 3)), None, "at least one atom"),
        (np.ones((2, 2, 8)), None, "at least 3 by 3 pixels, got 2 by 8"),
        (np.ones((2, 3, 3)) * [[[1.0]], [[np.nan]]], None, "atom 1 holds NaN or infinity"),
        (np.full((1, 3, 3), -np.inf), None, "atom 0 holds NaN or infinity"),
        (np.ones((1, 3, 3), complex), None, "atoms must be real numbers, got an array of type complex128"),
        ([["a", "b"]], (1, 2), "atoms must be real numbers"),
    ],
)
def test_bad_atoms(atoms, shape, message):
    with pytest.raises(ValueError, match=message):
        fit_gabor(atoms, shape)


def test_bad_parameters():
    given = {"x0": 0, "y0": 0, "theta": 0, "frequency": 0.2, "phase": 0}
    with pytest.raises(ValueError, match=r"sigma_y must be positive, got 0\.0"):
        gabor((5, 5), sigma_x=1, sigma_y=[1, 0], **given)
    with pytest.raises(ValueError, match="shape must be two positive integers"):
        gabor((5, 0), sigma_x=1, sigma_y=1, **given)
    fit = fit_gabor(np.zeros((1, 3, 3)))
    with pytest.raises(ValueError, match="n_bins must be an int of at least 1, got 0"):
        orientation_coverage(fit, 0)
