"""Log-Gabor fits on kernels whose parameters are known, against their naive twin, and on awkward atoms."""

import numpy as np
import pytest

from sparsecode import Dictionary
from sparsecode.dictionary.formulas import log_gabor
from sparsecode.receptive_fields import describe_log_gabor, fit_log_gabor, gabor
from sparsecode.receptive_fields.log_gabor_fitting import _Problem

NAMES = ("x0", "y0", "theta", "B_theta", "sf_0", "B_sf", "phase")


def random_kernels(size, n, rng):
    """Return the parameters of n kernels that lie well inside a patch."""
    return {
        "x0": rng.uniform(-0.15, 0.15, n) * size,
        "y0": rng.uniform(-0.15, 0.15, n) * size,
        "theta": rng.uniform(0, np.pi, n),
        "B_theta": np.deg2rad(rng.uniform(6, 45, n)),
        "sf_0": rng.uniform(2.2 / size, 0.45, n),
        "B_sf": rng.uniform(0.2, 0.7, n),
        "phase": rng.uniform(-np.pi, np.pi, n),
    }


def noisy(atoms, share, rng):
    noise = rng.standard_normal(atoms.shape)
    return atoms + np.sqrt(share * (atoms**2).sum((1, 2)) / (noise**2).sum((1, 2)))[:, None, None] * noise


def away(a, b, period):
    error = np.abs(a - b) % period
    return np.minimum(error, period - error)


def naive_fvu(atom, p):
    """Least squares on the even and the odd kernel and a constant, straight from the formula."""
    x0, y0, theta, *logarithms = p
    B_theta, sf_0, B_sf = np.exp(logarithms)
    common = {"theta": theta, "B_theta": B_theta, "sf_0": sf_0, "B_sf": B_sf, "x0": x0, "y0": y0}
    columns = [log_gabor(len(atom), phase=phase, **common).ravel() for phase in (0, -np.pi / 2)]
    columns = np.stack([*columns, np.ones(atom.size)], axis=1)
    weights = np.linalg.lstsq(columns, atom.ravel(), rcond=None)[0]
    return np.square(atom.ravel() - columns @ weights).sum()


@pytest.mark.parametrize("size", [5, 8])
def test_projection_and_descent_are_those_of_least_squares(size, rng):
    problem = _Problem(size, None, None)
    for _ in range(10):
        atom = rng.standard_normal((size, size))
        atom -= atom.mean()
        atom /= np.linalg.norm(atom)
        p = np.array([*rng.uniform(-1, 1, 2), rng.uniform(0, np.pi), *np.log(rng.uniform(0.2, 0.45, 3))])
        state = problem.project(atom.reshape(1, -1), p[None])
        assert state[0][0] == pytest.approx(naive_fvu(atom, p), abs=1e-12)
        nudges = 1e-5 * np.eye(6)
        slope = [(naive_fvu(atom, p + d) - naive_fvu(atom, p - d)) / 2e-5 for d in nudges]
        # Largest difference over 400 problems: 3e-10, the error of the finite difference.
        np.testing.assert_allclose(-2.0 * problem.linearise(state)[1][0], slope, atol=1e-6)


@pytest.mark.parametrize("parameters", [{}, {"n_orientations": 72, "B_theta": np.pi / 15}])
@pytest.mark.parametrize("fixed", [{}, {"sf_0": 0.4, "B_sf": 0.4}])
def test_recovers_the_published_banks(parameters, fixed):
    bank = Dictionary.log_gabor_bank(**parameters)
    fit = fit_log_gabor(bank, **fixed)
    assert fit.fvu.max() < 1e-15  # 1e-24
    assert away(fit.theta, bank.coords["theta"], np.pi).max() < 1e-6  # 2e-13
    np.testing.assert_allclose(fit.B_theta, bank.coords["B_theta"], rtol=1e-6)  # 5e-12
    phase = np.where(np.pi - fit.theta < 1e-6, -fit.phase, fit.phase)  # a rounding below half a turn
    np.testing.assert_allclose(phase, bank.coords["phase"], atol=1e-6)
    np.testing.assert_allclose([fit.sf_0, fit.B_sf], 0.4, rtol=1e-6)
    np.testing.assert_allclose([fit.x0, fit.y0], 0, atol=1e-6)
    np.testing.assert_allclose(fit.amplitude, 1, rtol=1e-6)
    np.testing.assert_allclose(fit.orientation[:2], [90, 90], atol=1e-6)


@pytest.mark.parametrize("size", [8, 12, 13, 16])
def test_recovers_random_kernels(size, rng):
    truth = random_kernels(size, 40, rng)
    fit = fit_log_gabor(-2.5 * log_gabor(size, **truth))
    assert np.mean(fit.fvu < 1e-10) > 0.97  # all of 800 of each size in 20 seeds
    found = fit.fvu < 1e-10
    for name in ("x0", "y0", "B_theta", "sf_0", "B_sf"):
        np.testing.assert_allclose(getattr(fit, name)[found], truth[name][found], atol=1e-4)
    assert away(fit.theta, truth["theta"], np.pi)[found].max() < 1e-4
    assert away(fit.phase, truth["phase"] + np.pi, 2 * np.pi)[found].max() < 1e-3
    np.testing.assert_allclose(fit.amplitude[found], 2.5, rtol=1e-4)


@pytest.mark.parametrize("size", [12, 16])
def test_recovers_noisy_kernels(size, rng):
    truth = random_kernels(size, 60, rng)
    fit = fit_log_gabor(noisy(log_gabor(size, **truth), 0.01, rng))
    assert np.all((fit.fvu > 0.007) & (fit.fvu < 0.0101))  # 0.0081 to 0.0099, ten seeds
    # In comments: the largest value in ten seeds
    turned = np.rad2deg(away(fit.theta, truth["theta"], np.pi))
    assert np.median(turned) < 0.4  # 0.26
    assert turned.max() < 5  # 2.0
    assert np.median(np.abs(fit.B_theta / truth["B_theta"] - 1)) < 0.03  # 0.013
    assert np.median(np.abs(fit.sf_0 / truth["sf_0"] - 1)) < 0.02  # 0.009
    assert np.median(np.abs(fit.B_sf / truth["B_sf"] - 1)) < 0.06  # 0.027


def test_fvu_is_that_of_the_formula(rng):
    atoms = np.concatenate([rng.standard_normal((10, 9, 9)), log_gabor(9, **random_kernels(9, 10, rng))])
    atoms[::2] += 0.5  # a mean that log-Gabor kernels do not have
    fit = fit_log_gabor(atoms)
    kernels = log_gabor(9, **{name: getattr(fit, name) for name in NAMES})
    squares = np.square(atoms - fit.amplitude[:, None, None] * kernels).sum((1, 2))
    np.testing.assert_allclose(fit.fvu, squares / np.square(atoms).sum((1, 2)), rtol=1e-9, atol=1e-12)
    assert np.all((fit.theta >= 0) & (fit.theta < np.pi) & (fit.phase > -np.pi) & (fit.phase <= np.pi))
    assert np.all((fit.B_theta > 0.999 * np.deg2rad(1)) & (fit.B_theta < 1.001 * np.pi / 2) & (fit.amplitude > 0))
    assert np.all((fit.sf_0 > 0.999 * 0.5 / 9) & (fit.sf_0 < 0.4991) & (fit.B_sf > 0.0499) & (fit.B_sf < 1.501))
    assert np.all(np.maximum(np.abs(fit.x0), np.abs(fit.y0)) <= 4.5)


def test_gabor_functions_and_noise(rng):
    bars = gabor((16, 16), x0=0.3, y0=-0.4, theta=[0.2, 1.4], frequency=0.2, sigma_x=1.8, sigma_y=2.2, phase=[0, 1])
    fit = fit_log_gabor(bars)
    np.testing.assert_allclose(fit.theta, [0.2, 1.4], atol=0.05)
    assert (fit.fvu < 0.1).all()
    assert fit_log_gabor(rng.standard_normal((20, 12, 12))).fvu.min() > 0.6  # the lowest FVU over ten seeds: 0.74


def test_scale_and_sign_change_only_amplitude_and_phase(rng):
    atoms = noisy(log_gabor(12, **random_kernels(12, 6, rng)), 0.1, rng)
    fit = fit_log_gabor(atoms)
    for factor in (-1.0, 3.7, 1e-200, -1e200):
        other = fit_log_gabor(factor * atoms)
        for name in ("x0", "y0", "theta", "B_theta", "sf_0", "B_sf", "fvu"):
            np.testing.assert_allclose(getattr(other, name), getattr(fit, name), atol=1e-8)
        np.testing.assert_allclose(other.amplitude, abs(factor) * fit.amplitude, rtol=1e-8)
        assert away(other.phase, fit.phase + (np.pi if factor < 0 else 0), 2 * np.pi).max() < 1e-8


def test_constant_atoms_have_no_parameters(rng):
    atoms = np.zeros((4, 6, 6))
    atoms[1] = log_gabor(6, theta=1, B_theta=0.3)
    atoms[2] = 0.1
    fit = fit_log_gabor(atoms)
    np.testing.assert_array_equal(fit.fvu[[0, 2, 3]], 1.0)
    assert all(np.isnan(values[[0, 2, 3]]).all() for values in fit[:-1])
    assert np.isfinite([values[1] for values in fit]).all()
    assert np.isnan(fit.half_width()[[0, 2, 3]]).all()
    assert np.isnan(fit.orientation[0])
    assert fit.well_fitted().tolist() == [False, True, False, False]


@pytest.mark.parametrize("size", [4, 5])
def test_awkward_atoms_give_finite_fits(size, rng):
    atoms = rng.standard_normal((6, size, size))
    atoms[0] = 0.0
    atoms[0, 0, 0] = 1.0
    atoms[1] = (-1.0) ** np.add.outer(np.arange(size), np.arange(size))
    atoms[2] = np.arange(size)
    atoms[3] = 1.0
    atoms[3, 0, 0] += 1e-6
    fit = fit_log_gabor(atoms)
    assert np.isfinite(fit).all()
    assert np.all((fit.fvu >= 0) & (fit.fvu <= 1))


def test_result_does_not_depend_on_neighbours_or_form(rng):
    atoms = noisy(log_gabor(10, **random_kernels(10, 40, rng)), 0.3, rng)
    fit = fit_log_gabor(atoms)
    locked = atoms.reshape(40, 100).copy()
    locked.flags.writeable = False
    again = fit_log_gabor(locked, (10, 10))
    alone = [fit_log_gabor(atoms[i : i + 1]) for i in (0, 17, 35)]
    for k, values in enumerate(fit):
        np.testing.assert_array_equal(values, again[k])
        np.testing.assert_allclose(values[[0, 17, 35]], np.concatenate([one[k] for one in alone]), rtol=1e-6, atol=1e-9)
    single = fit_log_gabor(atoms.astype(np.float32))
    np.testing.assert_allclose(single.fvu, fit.fvu, atol=1e-5)
    assert single.theta.dtype == np.float64


def test_kernels_of_different_sizes_are_fitted_at_their_extent():
    bank = Dictionary.log_gabor_bank(None, n_orientations=3, B_theta=[0.2, 0.4], sf_0=[0.4, 0.25])
    fit = fit_log_gabor(bank)
    assert fit.fvu.max() < 1e-15
    np.testing.assert_allclose(fit.sf_0, bank.coords["sf_0"], rtol=1e-6)
    np.testing.assert_allclose(fit.B_theta, bank.coords["B_theta"], rtol=1e-6)
    np.testing.assert_allclose([fit.x0, fit.y0], 0, atol=1e-6)


def test_widths_are_those_of_the_envelope():
    fit = fit_log_gabor(Dictionary.log_gabor(24, theta=0.4, B_theta=[0.1, 0.5, 1.3], sf_0=0.25))
    turn = np.deg2rad(fit.half_width(0.3))
    np.testing.assert_allclose(np.exp((np.cos(turn) - 1) / fit.B_theta**2)[:2], 0.3, rtol=1e-6)
    assert np.isnan(turn[2])  # never falls so low
    half = 2 ** (fit.octaves(0.3) / 2)
    f = np.stack([fit.peak_frequency / half, fit.peak_frequency, fit.peak_frequency * half])
    envelope = np.exp(-(np.log(f / fit.sf_0) ** 2) / (2 * fit.B_sf**2)) / f
    np.testing.assert_allclose(envelope / envelope[1], [[0.3] * 3, [1] * 3, [0.3] * 3], rtol=1e-9)
    with pytest.raises(ValueError, match="level must be a fraction"):
        fit.octaves(1.0)


def test_the_table_has_what_the_fit_says(rng):
    atoms = np.concatenate([log_gabor(10, **random_kernels(10, 5, rng)), np.zeros((1, 10, 10))])
    fit = fit_log_gabor(atoms, sf_0=0.3)
    table = describe_log_gabor(atoms, sf_0=0.3, level=0.7)
    for name in (*fit._fields, "orientation", "peak_frequency"):
        np.testing.assert_array_equal(table[name], getattr(fit, name))
    np.testing.assert_array_equal(table.orientation_bandwidth, np.rad2deg(fit.B_theta))
    np.testing.assert_array_equal(table.half_width, fit.half_width(0.7))
    np.testing.assert_array_equal(table.octaves, fit.octaves(0.7))
    assert all({"units", "long_name"} <= set(variable.attrs) for variable in table.data_vars.values())
    assert table.attrs == {"level": 0.7}
    np.testing.assert_allclose(table.sf_0, [0.3] * 5 + [np.nan])


@pytest.mark.parametrize(
    ("atoms", "options", "error", "message"),
    [
        (np.ones((2, 5, 6)), {}, ValueError, "log-Gabor kernels are square, .* have 5 by 6; cut or pad them"),
        (np.ones((2, 3, 3)), {}, ValueError, "of at least 4 by 4 pixels, but the atoms have 3 by 3"),
        (np.ones((2, 36)), {}, ValueError, r"shape=\(height, width\) is needed"),
        (np.full((1, 5, 5), np.nan), {}, ValueError, "atom 0 holds NaN"),
        (np.ones((1, 5, 5)), {"sf_0": 0.6}, ValueError, "`sf_0` must lie between 0.1 and 0.499 .*, got 0.6"),
        (np.ones((1, 5, 5)), {"B_sf": 0}, ValueError, "`B_sf` must lie between 0.05 and 1.5 .*, got 0"),
        (np.ones((1, 5, 5)), {"B_sf": np.nan}, ValueError, "`B_sf` must lie between"),
        (np.ones((1, 5, 5)), {"B_sf": "0.4"}, TypeError, "`B_sf` must be a number or None, got str"),
    ],
)
def test_bad_input(atoms, options, error, message):
    with pytest.raises(error, match=message):
        fit_log_gabor(atoms, **options)
