"""Tuning to gratings against closed forms, symmetries, naive sums, and of sparse coders against linear ones."""

import numpy as np
import pytest

from sparsecode import SparseCoder
from sparsecode.receptive_fields import GaborFit, coder_tuning, gabor, linear_tuning

#: Both levels in use: half height and half power.
LEVELS = [0.5, 0.5**0.5]


def large_gabors(n, rng):
    """Return n Gabor functions on 32 by 32 pixels, with hardly anything outside, and their parameters."""
    nx, ny, frequency = rng.uniform(0.45, 0.6, n), rng.uniform(0.45, 0.9, n), rng.uniform(0.16, 0.25, n)
    parameters = {
        "x0": rng.uniform(-1, 1, n),
        "y0": rng.uniform(-1, 1, n),
        "theta": rng.uniform(0, np.pi, n),
        "frequency": frequency,
        "sigma_x": nx / frequency,
        "sigma_y": ny / frequency,
        "phase": rng.uniform(-np.pi, np.pi, n),
        "amplitude": rng.uniform(0.5, 2.0, n),
    }
    return gabor((32, 32), **parameters), GaborFit(**parameters, fvu=np.zeros(n))


def half_width_on_the_circle(fit, level):
    """Return where the Gaussian spectrum falls to `level` among wave vectors of the preferred length.

    ``nx^2 (1 - cos t)^2 + ny^2 sin(t)^2 = ln(1 / level) / (2 pi^2)``, a quadratic equation for cos t.
    """
    a, b, c = fit.nx**2, fit.ny**2, np.log(1 / level) / (2 * np.pi**2)
    return np.rad2deg(np.arccos((a - np.sqrt(a**2 - (a - b) * (a + b - c))) / (a - b)))


def apart(degrees, other):
    return np.abs((degrees - other + 90) % 180 - 90)


def edge(theta):
    """Return the derivative of a Gaussian, whose response to orientations is the absolute value of a cosine."""
    y, x = np.mgrid[-15.5:16, -15.5:16]
    return (x * np.cos(theta) + y * np.sin(theta)) * np.exp(-(x**2 + y**2) / (2 * 2.5**2))


@pytest.mark.nojit
def test_response_is_that_of_the_best_phase(rng):
    atoms = rng.standard_normal((3, 5, 4))
    tuning = linear_tuning(atoms, n_orientations=4, n_frequencies=3)
    np.testing.assert_allclose(tuning.orientations, [0, 45, 90, 135])
    np.testing.assert_allclose(tuning.frequencies, [0.1, np.sqrt(0.1 * 0.45), 0.45])
    for i, orientation in enumerate(np.deg2rad(tuning.orientations)):
        for j, frequency in enumerate(tuning.frequencies):
            for k, atom in enumerate(atoms):
                total = 0.0
                for (row, column), value in np.ndenumerate(atom):
                    # Up is the lower row; the wave runs perpendicular to the bars.
                    along = column * np.sin(orientation) + row * np.cos(orientation)
                    total += value * np.exp(-2j * np.pi * frequency * along)
                assert tuning.responses[k, i, j] == pytest.approx(abs(total), rel=1e-12)


@pytest.mark.nojit
@pytest.mark.parametrize("level", LEVELS)
def test_gabors_have_the_widths_of_their_spectra(rng, level):
    atoms, fit = large_gabors(40, rng)
    tuning = linear_tuning(atoms, n_orientations=180, n_frequencies=96)
    # In comments: the largest value in 20 seeds, both levels.
    assert apart(tuning.orientation, fit.orientation).max() < 0.51  # 0.499, half a step of the grid
    assert np.abs(np.log2(tuning.frequency / fit.frequency)).max() < 0.03  # 0.026
    ratio = tuning.half_width(level) / half_width_on_the_circle(fit, level)
    assert np.abs(ratio - 1).max() < 0.03  # 0.022
    assert abs(np.median(ratio) - 1) < 0.01  # 0.004
    assert np.abs(tuning.octaves(level) - fit.octaves(level)).max() < 0.004  # 0.0024
    # Across the preferred direction instead of on the circle: 1.3 to 4.1 % less in the median.
    assert 1.0 < np.median(tuning.half_width(level) / fit.half_width(level)) < 1.06


def test_gabors_on_the_default_grid(rng):
    atoms, fit = large_gabors(40, rng)
    tuning = linear_tuning(atoms)
    # In comments: the largest value in 20 seeds, both levels.
    assert apart(tuning.orientation, fit.orientation).max() < 2.51  # 2.4994
    for level in LEVELS:
        assert np.abs(tuning.half_width(level) / half_width_on_the_circle(fit, level) - 1).max() < 0.12  # 0.092
        assert np.abs(tuning.octaves(level) - fit.octaves(level)).max() < 0.05  # 0.036
    assert np.all(tuning.half_width(0.5**0.5) < tuning.half_width(0.5))


@pytest.mark.nojit
def test_single_edge_is_tuned_like_a_cosine():
    tuning = linear_tuning(np.stack([edge(0.0), edge(np.pi / 4)]), n_orientations=180)
    np.testing.assert_array_equal(tuning.orientation, [90.0, 45.0])
    # For |cos t| the integrals give 2 / 3, the sums of 180 values 3.4e-5 less.
    np.testing.assert_allclose(tuning.circular_variance, 2 / 3, atol=1e-4)
    np.testing.assert_allclose(tuning.half_width(), 60.0, atol=1e-5)  # 5e-8
    np.testing.assert_allclose(tuning.half_width(0.5**0.5), 45.0, atol=1e-5)  # 1.3e-7
    assert tuning.orthogonal_ratio.max() < 1e-12  # 1.6e-16


@pytest.mark.nojit
def test_scale_and_sign_do_not_matter(rng):
    atoms = rng.standard_normal((8, 9, 9))
    tuning = linear_tuning(atoms)
    for factor in (-1.0, 3.7, 1e-200, -1e200):
        other = linear_tuning(factor * atoms)
        np.testing.assert_array_equal(other.orientation, tuning.orientation)
        np.testing.assert_array_equal(other.frequency, tuning.frequency)
        np.testing.assert_allclose(other.responses, abs(factor) * tuning.responses, rtol=1e-9)
        for name in ("circular_variance", "orthogonal_ratio"):
            np.testing.assert_allclose(getattr(other, name), getattr(tuning, name), rtol=1e-9)
        np.testing.assert_allclose(other.half_width(), tuning.half_width(), rtol=1e-9)
        np.testing.assert_allclose(other.octaves(), tuning.octaves(), rtol=1e-9)


@pytest.mark.nojit
def test_turning_and_mirroring_atoms_turns_the_preference(rng):
    atoms = rng.standard_normal((20, 9, 9))
    tuning, turned = linear_tuning(atoms), linear_tuning(np.rot90(atoms, axes=(1, 2)))
    # Largest differences over 20 seeds: 6e-14 of the responses, 4e-14 degrees, 4e-16 of the variance.
    np.testing.assert_allclose(turned.responses, np.roll(tuning.responses, 18, axis=1), atol=1e-11)
    np.testing.assert_array_equal(turned.orientation, (tuning.orientation + 90) % 180)
    np.testing.assert_array_equal(turned.frequency, tuning.frequency)
    np.testing.assert_allclose(turned.circular_variance, tuning.circular_variance, atol=1e-12)
    np.testing.assert_allclose(turned.half_width(), tuning.half_width(), atol=1e-9)
    mirrored = linear_tuning(atoms[:, :, ::-1])
    np.testing.assert_array_equal(mirrored.orientation, (180 - tuning.orientation) % 180)


@pytest.mark.nojit
def test_grating_is_found_again():
    grid = linear_tuning(np.zeros((1, 32, 32)))
    orientation, frequency = np.deg2rad(grid.orientations[7]), grid.frequencies[15]
    y, x = np.mgrid[:32, :32]
    wave = np.cos(2 * np.pi * frequency * (x * np.sin(orientation) + y * np.cos(orientation)) + 0.3)
    tuning = linear_tuning(wave[None])
    assert tuning.orientation[0] == pytest.approx(35.0)
    assert tuning.frequency[0] == frequency
    assert tuning.orthogonal_ratio[0] < 0.01  # 0.006
    assert tuning.half_width()[0] < 10  # 8.0
    assert tuning.octaves()[0] < 0.5  # 0.40
    assert tuning.circular_variance[0] < 0.25  # 0.20: not 0, since 32 pixels spread the spectrum


@pytest.mark.nojit
def test_blob_is_low_pass_without_orientation():
    blob = gabor((16, 16), x0=0, y0=0, theta=0, frequency=0, sigma_x=2, sigma_y=2, phase=0)
    tuning = linear_tuning(blob[None])
    assert tuning.circular_variance[0] == pytest.approx(1.0, abs=1e-9)
    assert tuning.orthogonal_ratio[0] == pytest.approx(1.0, abs=1e-9)
    assert np.isnan(tuning.half_width()[0])
    assert tuning.octaves()[0] == np.inf
    assert tuning.frequency[0] == 0.5 / 16


@pytest.mark.nojit
def test_single_pixel_passes_everything():
    atom = np.zeros((1, 7, 7))
    atom[0, 2, 3] = -1.0
    tuning = linear_tuning(atom)
    np.testing.assert_allclose(tuning.responses, 1.0)
    assert np.isnan(tuning.half_width()[0])
    assert np.isnan(tuning.octaves()[0])  # the band ends beyond the grid


@pytest.mark.nojit
def test_zero_atoms_have_no_tuning(rng):
    atoms = rng.standard_normal((3, 6, 6))
    atoms[1] = 0
    tuning = linear_tuning(atoms)
    names = ("orientation", "frequency", "circular_variance", "orthogonal_ratio")
    values = [*(getattr(tuning, name) for name in names), tuning.half_width(), tuning.octaves()]
    assert all(np.isnan(value[1]) for value in values)
    for value in values[:4]:
        assert np.isfinite(value[[0, 2]]).all()


def test_noise_is_hardly_tuned(rng):
    tuning = linear_tuning(rng.standard_normal((100, 12, 12)))
    assert 0.79 < np.median(tuning.circular_variance) < 0.9  # 20 seeds: 0.826 to 0.869
    assert 0.25 < np.median(tuning.orthogonal_ratio) < 0.45  # 20 seeds: 0.31 to 0.38


@pytest.mark.nojit
def test_form_of_the_input_does_not_matter(rng):
    atoms = rng.standard_normal((4, 8, 6))
    tuning = linear_tuning(atoms)
    rows = atoms.reshape(4, 48).astype(np.float32)
    rows.flags.writeable = False
    other = linear_tuning(rows, (8, 6))
    assert other.responses.dtype == np.float64
    np.testing.assert_allclose(other.responses, tuning.responses, atol=2e-5)  # 5e-7 over 20 seeds
    np.testing.assert_array_equal(linear_tuning(np.asfortranarray(atoms)).responses, tuning.responses)


@pytest.mark.nojit
@pytest.mark.parametrize("n_phases", [4, 6, 8])
def test_linear_coder_is_tuned_as_its_atoms(rng, n_phases):
    atoms = rng.standard_normal((5, 6, 7))
    expected = linear_tuning(atoms, n_orientations=8, n_frequencies=5)
    tuning = coder_tuning(
        lambda rows: rows @ atoms.reshape(5, -1).T, (6, 7), contrast=0.3, n_orientations=8, n_frequencies=5,
        n_phases=n_phases,
    )  # fmt: skip
    # Largest difference over 20 seeds: 1.2e-14.
    np.testing.assert_allclose(tuning.responses, expected.responses, atol=1e-12)
    np.testing.assert_array_equal(tuning.orientations, expected.orientations)
    np.testing.assert_array_equal(tuning.frequencies, expected.frequencies)


@pytest.mark.nojit
def test_only_the_positive_half_responds(rng):
    atoms = rng.standard_normal((3, 36))
    given = {"contrast": 1.0, "n_orientations": 4, "n_frequencies": 3}
    full = coder_tuning(lambda rows: rows @ atoms.T, (6, 6), **given)
    clipped = coder_tuning(lambda rows: np.maximum(rows @ atoms.T, 0), (6, 6), **given)
    np.testing.assert_array_equal(clipped.responses, full.responses)
    # A cell that answers to both polarities is modulated at twice the frequency: no F1.
    both = coder_tuning(lambda rows: np.abs(rows @ atoms.T), (6, 6), **given)
    assert both.responses.max() < 1e-12 * full.responses.max()


def overlapping_gabors(rng):
    """Return a dictionary of 64 orientations, with random phases, that compete for every grating."""
    theta, phase = np.arange(64) * np.pi / 64, rng.uniform(-np.pi, np.pi, 64)
    atoms = gabor((9, 9), x0=0, y0=0, theta=theta, frequency=0.2, sigma_x=2, sigma_y=2, phase=phase).reshape(64, 81)
    return atoms / np.linalg.norm(atoms, axis=1, keepdims=True)


def test_sparse_coding_sharpens_tuning(rng):
    atoms = overlapping_gabors(rng)
    coder = SparseCoder(dictionary=atoms, alpha=0.3).fit(atoms)
    sparse, linear = coder_tuning(coder, (9, 9), contrast=1.0), linear_tuning(atoms, (9, 9))
    ratio = sparse.half_width() / linear.half_width()
    assert ratio.max() < 0.5  # 10 seeds: 0.27 to 0.35
    assert np.median(ratio) < 0.25  # 10 seeds: 0.16 to 0.18
    assert np.median(linear.circular_variance - sparse.circular_variance) > 0.03  # 10 seeds: 0.044 to 0.059
    same = coder_tuning(coder.transform, (9, 9), contrast=1.0)
    np.testing.assert_array_equal(same.responses, sparse.responses)


def test_silent_coder_has_no_tuning(rng):
    atoms = overlapping_gabors(rng)
    tuning = coder_tuning(SparseCoder(dictionary=atoms, alpha=1e3).fit(atoms), (9, 9), contrast=1.0)
    assert not tuning.responses.any()
    assert np.isnan(tuning.orientation).all()
    assert np.isnan(tuning.half_width()).all()


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"atoms": np.ones((2, 9))}, r"shape=\(height, width\) is needed"),
        ({"atoms": np.full((1, 3, 3), np.nan)}, "atom 0 holds NaN"),
        ({"atoms": np.ones((1, 2, 9))}, "at least 3 by 3 pixels"),
        ({"n_orientations": 35}, "n_orientations must be an even int of at least 4, got 35"),
        ({"n_orientations": 2}, "n_orientations must be an even int of at least 4, got 2"),
        ({"n_frequencies": 1}, "n_frequencies must be an int of at least 2, got 1"),
        ({"n_frequencies": 2.0}, r"n_frequencies must be an int of at least 2, got 2\.0"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        linear_tuning(**{"atoms": np.ones((1, 3, 3)), **given})


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"shape": (5, 2)}, "at least 3 by 3 pixels, got 5 by 2"),
        ({"shape": 5}, r"shape must be two positive integers \(height, width\), got 5"),
        ({"contrast": 0}, "contrast must be a positive finite number, got 0"),
        ({"contrast": np.inf}, "contrast must be a positive finite number, got inf"),
        ({"n_phases": 7}, "n_phases must be an even int of at least 4, got 7"),
        ({"coder": lambda rows: rows[1:]}, r"one code of constant length for each of 32 rows, got .* \(31, 9\)"),
        ({"coder": lambda rows: rows * np.nan}, "codes of gratings must be finite, but row 0"),
        ({"coder": lambda rows: rows[0]}, r"codes of gratings must have two dimensions .*, got shape \(9,\)"),
    ],
)
def test_bad_coders(given, message):
    defaults = {"coder": lambda rows: rows, "shape": (3, 3), "contrast": 1.0, "n_orientations": 4}
    with pytest.raises(ValueError, match=message):
        coder_tuning(**{**defaults, **given})


@pytest.mark.nojit
def test_bad_levels_and_types():
    tuning = linear_tuning(np.ones((1, 3, 3)))
    for level in (0, 1, -0.5, np.nan):
        with pytest.raises(ValueError, match="level must be a fraction of the largest response"):
            tuning.half_width(level)
        with pytest.raises(ValueError, match="level must be a fraction of the largest response"):
            tuning.octaves(level)
    with pytest.raises(TypeError, match="coder must be callable or have a method `transform`, got int"):
        coder_tuning(3, (3, 3), contrast=1.0)
