"""Geometry of Gabor fits, and the classes of receptive fields that are known to be of one kind."""

import numpy as np
import pytest

from sparsecode.receptive_fields import GaborFit, classify_receptive_fields, fit_gabor, gabor
from sparsecode.receptive_fields.classes import CLASSES, _spectral_flatness

SHAPE = (16, 16)


def make_fit(**given):
    """Return fits with these parameters, broadcast, and ordinary values for the others."""
    ordinary = {"x0": 0, "y0": 0, "theta": 0, "frequency": 0.2, "sigma_x": 2, "sigma_y": 3, "phase": 0,
                "amplitude": 1, "fvu": 0}  # fmt: skip
    values = np.broadcast_arrays(*{**ordinary, **given}.values())
    return GaborFit(*(np.atleast_1d(value).astype(float) for value in values))


def noisy(atoms, share, rng):
    """Add white noise that has this share of the energy of each atom."""
    noise = rng.standard_normal(atoms.shape)
    scale = np.sqrt(share * (atoms**2).sum(axis=(1, 2)) / (noise**2).sum(axis=(1, 2)))
    return atoms + scale[:, None, None] * noise


def classify(atoms, **thresholds):
    return classify_receptive_fields(fit_gabor(atoms), atoms, **thresholds)


@pytest.mark.nojit
def test_envelope_in_periods():
    fit = make_fit(
        frequency=[0.2, 0.0, np.nan], sigma_x=[2, 2, np.nan], sigma_y=[3, 3, np.nan], theta=[1, np.nan, np.nan]
    )
    np.testing.assert_allclose(fit.nx, [0.4, 0, np.nan])
    np.testing.assert_allclose(fit.ny, [0.6, 0, np.nan])


@pytest.mark.nojit
def test_bandwidths_in_closed_form():
    constant = np.sqrt(2 * np.log(2)) / (2 * np.pi)
    assert constant == pytest.approx(0.1874, abs=1e-4)
    fit = make_fit(sigma_x=[2.0, 0.9, 3.0])
    np.testing.assert_allclose(fit.half_width(), np.rad2deg(np.arctan(constant / 0.6)))
    wide, narrow = np.log2((0.4 + constant) / (0.4 - constant)), np.log2((0.6 + constant) / (0.6 - constant))
    np.testing.assert_allclose(fit.octaves(), [wide, np.inf, narrow])
    # At the level 1 / sqrt(2) the Gaussian spectrum reaches sqrt(ln 2) / (2 pi sigma).
    half_power = np.sqrt(np.log(2)) / (2 * np.pi)
    np.testing.assert_allclose(fit.half_width(0.5**0.5), np.rad2deg(np.arctan(half_power / 0.6)))
    np.testing.assert_allclose(fit.octaves(0.5**0.5)[1], np.log2((0.18 + half_power) / (0.18 - half_power)))
    for level in (0, 1, 2, np.nan):
        with pytest.raises(ValueError, match="level must be a fraction of the largest response"):
            fit.octaves(level)
        with pytest.raises(ValueError, match="level must be a fraction of the largest response"):
            fit.half_width(level)


@pytest.mark.nojit
def test_bandwidths_of_blobs_and_zero_atoms():
    nothing = make_fit(**dict.fromkeys(("theta", "frequency", "sigma_x", "sigma_y", "phase"), np.nan), fvu=1)
    blob = make_fit(frequency=0, theta=np.nan)
    assert np.isnan(nothing.half_width()[0])
    assert np.isnan(nothing.octaves()[0])
    assert np.isnan(blob.half_width()[0])
    assert blob.octaves()[0] == np.inf


@pytest.mark.nojit
def test_who_is_in_the_plane():
    fit = make_fit(
        x0=[0, 5.1, 4.9, 0, 0, 0, 0, np.nan],
        y0=[0, 0, 0, -6.1, -5.9, 0, 0, np.nan],
        frequency=[0.2, 0.2, 0.2, 0.2, 0.2, 0.0416, 0.0417, np.nan],
    )
    expected = [True, False, True, False, True, False, True, False]
    np.testing.assert_array_equal(fit.in_nx_ny_plane((12, 10)), expected)
    assert not make_fit(frequency=0, theta=np.nan).in_nx_ny_plane((12, 10)).any()
    with pytest.raises(ValueError, match="shape must be two positive integers"):
        fit.in_nx_ny_plane(12)


@pytest.mark.nojit
def test_thresholds_decide():
    atoms = np.ones((6, 3, 3))
    atoms[1, 0, 0] = 2
    fit = make_fit(
        frequency=0.1,
        sigma_x=[1.5, 1.5, 4, 11, 4, 11],
        sigma_y=[2, 3, 4, 4, 4, 11],
        phase=[3, 3, 1.5, 0, 0, 0],
        fvu=[0, 0.1, 0.2, 0.29, 0.3, 0.9],
    )
    classes = classify_receptive_fields(fit, atoms)
    np.testing.assert_array_equal(classes, ["blob", "gabor", "gabor", "grating", "other", "other"])
    moved = classify_receptive_fields(fit, atoms, fvu=0.35, blob_ny=0.35, grating_nx=1.2)
    np.testing.assert_array_equal(moved, ["blob", "blob", "gabor", "gabor", "gabor", "other"])
    assert classify_receptive_fields(fit, atoms, blob_nx=0.1)[0] == "gabor"


@pytest.mark.nojit
def test_spectral_flatness():
    atoms = np.zeros((4, 8, 8))
    atoms[0, 3, 5] = -2.0  # all frequencies alike
    atoms[1] = np.cos(2 * np.pi * np.arange(8) / 8)
    atoms[2] = 1.0
    np.testing.assert_allclose(_spectral_flatness(atoms), [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(_spectral_flatness(1e-200 * atoms), [1, 0, 0, 0], atol=1e-12)


def test_noise_and_zero_atoms_are_unlearned(rng):
    atoms = rng.standard_normal((40, 12, 12))
    atoms[7] = 0
    assert (classify(atoms) == "unlearned").all()  # 20 seeds: always
    assert (_spectral_flatness(rng.standard_normal((500, 12, 12))) > 0.3).all()  # 20 seeds: 0.355 at least
    assert (np.delete(classify(atoms, noise_flatness=1.0), 7) == "other").all()


def test_gabors_are_gabors(rng):
    n, f = 30, rng.uniform(0.15, 0.3, 30)
    atoms = gabor(
        SHAPE, x0=rng.uniform(-2, 2, n), y0=rng.uniform(-2, 2, n), theta=rng.uniform(0, np.pi, n), frequency=f,
        sigma_x=rng.uniform(0.25, 0.6, n) / f, sigma_y=rng.uniform(0.3, 0.8, n) / f, phase=rng.uniform(-3, 3, n),
    )  # fmt: skip
    assert (classify(noisy(atoms, 0.05, rng)) == "gabor").all()  # 20 seeds: always


def test_round_gaussians_are_blobs(rng):
    sigma = rng.uniform(1.2, 2.5, 30)
    atoms = gabor(
        SHAPE, x0=rng.uniform(-3, 3, 30), y0=rng.uniform(-3, 3, 30), theta=0, frequency=0, sigma_x=sigma,
        sigma_y=sigma * rng.uniform(0.8, 1.2, 30), phase=0,
    )  # fmt: skip
    assert (classify(noisy(atoms, 0.05, rng)) == "blob").all()  # 20 seeds: always


def test_waves_all_over_the_patch_are_gratings(rng):
    atoms = gabor(
        SHAPE, x0=0, y0=0, theta=rng.uniform(0, np.pi, 30), frequency=rng.uniform(0.2, 0.4, 30), sigma_x=50,
        sigma_y=50, phase=rng.uniform(-3, 3, 30),
    )  # fmt: skip
    assert (classify(noisy(atoms, 0.05, rng)) == "grating").all()  # 20 seeds: always


def test_single_edges_are_oriented(rng):
    y, x = np.mgrid[-7.5:8, -7.5:8]
    angle = rng.uniform(0, np.pi, (30, 1, 1))
    atoms = noisy((x * np.cos(angle) + y * np.sin(angle)) * np.exp(-(x**2 + y**2) / (2 * 2.5**2)), 0.02, rng)
    fit = fit_gabor(atoms)
    assert ((fit.nx < 0.2) & (fit.ny < 0.25)).all()  # as small as blobs
    assert (classify_receptive_fields(fit, atoms) == "gabor").all()  # 20 seeds: always


def test_crossings_are_neither(rng):
    given = {"x0": 0, "y0": 0, "frequency": 0.25, "sigma_x": 3, "sigma_y": 3}
    theta = rng.uniform(0, np.pi, 30)
    bars = [gabor(SHAPE, theta=theta + turn, phase=rng.uniform(-3, 3, 30), **given) for turn in (0, np.pi / 2)]
    assert (classify(noisy(bars[0] + bars[1], 0.02, rng)) == "other").all()  # FVU 0.48 to 0.51 in 20 seeds


def test_every_atom_gets_one_class(rng):
    atoms = noisy(gabor(SHAPE, x0=0, y0=0, theta=1, frequency=0.2, sigma_x=2, sigma_y=np.full(20, 3), phase=1), 1, rng)
    atoms *= 10.0 ** rng.integers(-100, 100, (20, 1, 1))
    fit = fit_gabor(atoms)
    classes = classify_receptive_fields(fit, atoms)
    assert classes.shape == (20,)
    assert set(classes) <= set(CLASSES)
    np.testing.assert_array_equal(classify_receptive_fields(fit, atoms.reshape(20, -1), SHAPE), classes)


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fit": make_fit(x0=[0, 1])}, "fit has 2 entries, but there are 1 atoms; fit these atoms"),
        ({"atoms": np.ones((1, 9))}, r"shape=\(height, width\) is needed"),
        ({"atoms": np.full((1, 3, 3), np.nan)}, "atom 0 holds NaN"),
        ({"blob_nx": -0.1}, r"blob_nx must be a finite number of at least 0, got -0\.1"),
        ({"noise_flatness": np.nan}, "noise_flatness must be a finite number of at least 0, got nan"),
        ({"fvu": "0.3"}, "fvu must be a finite number of at least 0, got '0.3'"),
        ({"fvu": 0.7}, r"noise_fvu must be at least fvu=0\.7, got 0\.6"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        classify_receptive_fields(**{"fit": make_fit(), "atoms": np.ones((1, 3, 3)), **given})
