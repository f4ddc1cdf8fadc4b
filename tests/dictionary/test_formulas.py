"""Formulas against naive twins, published norms and neighbouring functions."""

import numpy as np
import pytest
from scipy.fft import dct

from sparsecode import Dictionary
from sparsecode.dictionary.formulas import cosine_basis, difference_of_gaussians, log_gabor
from sparsecode.receptive_fields import fit_gabor, fit_log_gabor, gabor

pytestmark = pytest.mark.nojit


def log_gabor_twin(n, sf_0, B_sf, theta, B_theta, psi):
    """One kernel as published, on a centred grid: x along rows, phase with the other sign, energies normalised."""
    f_x, f_y = np.mgrid[0:n, 0:n] / n - (n // 2) / n
    f = np.sqrt(f_x**2 + f_y**2)
    f[n // 2, n // 2] = 1e-6
    env = 1 / f * np.exp(-0.5 * np.log(f / sf_0) ** 2 / B_sf**2)
    env = env * np.exp(np.cos(np.arctan2(f_y, f_x) - theta) / B_theta**2)
    env *= (1 - np.exp((f - 0.5) / (0.5 * 0.07))) * (f < 0.5) * (1 - np.exp(-0.5 * f**2 / (0.5 / n) ** 2))
    env = env * np.exp(-2j * np.pi * (n // 2) * (f_x + f_y))
    env *= np.sqrt(2) / np.sqrt((np.abs(env) ** 2).mean())
    x, y = np.mgrid[-1 : 1 : n * 1j, -1 : 1 : n * 1j]
    R = np.sqrt(x**2 + y**2)
    window = ((np.cos(np.pi * R) + 1) / 2 * (R < 1)) ** (1 / 3)
    kernel = np.fft.ifft2(np.fft.ifftshift(env * np.exp(-1j * psi))).real * window
    kernel -= np.median(kernel)
    return kernel / np.abs(kernel).max()


@pytest.mark.parametrize("size", [9, 12])
def test_log_gabor_agrees_with_its_twin(size, rng):
    theta, phase = rng.uniform(-4, 4, (2, 20))
    sf_0, B_sf, B_theta = rng.uniform(0.1, 0.4, 20), rng.uniform(0.2, 0.8, 20), rng.uniform(0.1, 1, 20)
    kernels = log_gabor(size, theta=theta, B_theta=B_theta, sf_0=sf_0, B_sf=B_sf, phase=phase)
    for k in range(20):
        twin = log_gabor_twin(size, sf_0[k], B_sf[k], theta[k], B_theta[k], -phase[k])
        # With x along columns the direction is measured from the other axis.
        np.testing.assert_allclose(kernels[k].T, twin, atol=1e-12)


HOMOGENEOUS = {"n_orientations": 72, "B_theta": np.pi / 15}

#: Of the heterogeneous and the homogeneous bank: norms (least, median, largest), |sum|, coherence, rank to 1e-6 of the
#: largest singular value, dimensions with 99.9 per cent of the energy of unit kernels, and largest and least sum of
#: power spectra on a grid of 256; all as computed from the published code.
PUBLISHED = [
    ({}, [1.519, 2.234, 3.928], 0.234, 0.993, 68, 23, [2414, 0.24]),
    (HOMOGENEOUS, [2.294, 2.471, 3.092], 0.042, 0.992, 48, 19, [2812, 0.05]),
]


@pytest.mark.parametrize(("parameters", "norms", "total", "coherence", "rank", "n_dims", "power"), PUBLISHED)
def test_log_gabor_banks_of_the_publication(parameters, norms, total, coherence, rank, n_dims, power):
    bank = Dictionary.log_gabor_bank(**parameters)
    assert len(bank) == 144
    np.testing.assert_allclose(np.quantile(bank.norms, [0, 0.5, 1]), norms, atol=1e-3)
    assert total - 1e-3 < np.abs(bank.matrix.sum(axis=1)).max() < total
    assert bank.coherence == pytest.approx(coherence, abs=6e-4)
    values = np.linalg.svd(bank.matrix, compute_uv=False)
    assert np.sum(values > 1e-6 * values[0]) == rank
    values = np.linalg.svd(bank.normalized().matrix, compute_uv=False)
    assert np.searchsorted(np.cumsum(values**2) / np.sum(values**2), 0.999) + 1 == n_dims
    spectrum = np.square(np.abs(np.fft.fft2(bank.atoms, (256, 256)))).sum(axis=0)
    assert spectrum.max() == pytest.approx(power[0], abs=0.5)
    assert spectrum.min() == pytest.approx(power[1], abs=0.005)


def test_banks_have_the_published_order():
    bank = Dictionary.log_gabor_bank()
    theta, B_theta, phase = (bank.coords[name].reshape(12, 6, 2) for name in ("theta", "B_theta", "phase"))
    np.testing.assert_array_equal(theta, np.linspace(0, np.pi, 12, endpoint=False)[:, None, None] + 0 * theta)
    np.testing.assert_array_equal(B_theta, np.linspace(0, np.pi / 6, 7)[1:, None] + 0 * B_theta)
    np.testing.assert_array_equal(phase, [0, np.pi / 2] + 0 * phase)
    assert set(bank.coords["sf_0"]) == set(bank.coords["B_sf"]) == {0.4}
    homogeneous = Dictionary.log_gabor_bank(**HOMOGENEOUS)
    theta = np.repeat(np.linspace(0, np.pi, 72, endpoint=False), 2)
    np.testing.assert_array_equal(homogeneous.coords["theta"], theta)
    np.testing.assert_allclose(np.rad2deg(homogeneous.coords["B_theta"]), 12)
    one = log_gabor(12, theta=bank.coords["theta"][17], B_theta=bank.coords["B_theta"][17], phase=np.pi / 2)
    np.testing.assert_array_equal(bank.atoms[17], one)


def test_banks_of_several_frequencies_have_sizes_of_their_own():
    bank = Dictionary.log_gabor_bank(None, n_orientations=4, B_theta=0.3, sf_0=[0.4, 0.25, 0.12], phase=0)
    assert bank.shapes.tolist() == [[12, 12]] * 4 + [[20, 20]] * 4 + [[40, 40]] * 4
    assert bank.coords["sf_0"].tolist() == [0.4] * 4 + [0.25] * 4 + [0.12] * 4
    for first, size, sf_0 in ((0, 12, 0.4), (4, 20, 0.25), (8, 40, 0.12)):
        part = bank.select(slice(first, first + 4)).cropped()
        assert part == Dictionary.log_gabor_bank(size, n_orientations=4, B_theta=0.3, sf_0=sf_0, phase=0)
        np.testing.assert_allclose(fit_log_gabor(part).sf_0, sf_0, rtol=1e-6)
    equal = Dictionary.log_gabor_bank(16, n_orientations=2, sf_0=[0.3, 0.4])
    assert equal.shapes is None
    assert equal.atom_shape == (16, 16)
    assert Dictionary.log_gabor_bank(np.array([12, 8]), n_orientations=1, sf_0=[0.3, 0.4]).shapes[:, 0].max() == 12


@pytest.mark.parametrize(("normalization", "power"), [("max", np.inf), ("l2", 2)])
def test_normalizations(normalization, power):
    bank = Dictionary.log_gabor_bank(n_orientations=3, normalization=normalization)
    np.testing.assert_allclose(np.linalg.norm(bank.matrix, power, axis=1), 1)
    plain = Dictionary.log_gabor_bank(n_orientations=3, normalization=None)
    np.testing.assert_allclose(plain.normalized(normalization).atoms, bank.atoms, atol=1e-14)
    # Unit energy before the window: norms 0.70 to 0.93
    assert 0.6 < plain.norms.min() < plain.norms.max() < 1


@pytest.mark.parametrize("size", [9, 12])
def test_half_a_turn_changes_the_sign_of_the_phase(size):
    theta = np.linspace(0, np.pi, 9)
    for phase, sign in ((0, 1), (np.pi / 2, -1)):
        turned = log_gabor(size, theta=theta + np.pi, B_theta=0.2, phase=phase)
        np.testing.assert_allclose(turned, sign * log_gabor(size, theta=theta, B_theta=0.2, phase=phase), atol=1e-13)


def test_log_gabor_moves_with_its_centre():
    still, moved = (log_gabor(33, theta=0.7, B_theta=0.4, sf_0=0.3, x0=x0, y0=y0) for x0, y0 in ((0, 0), (3, -2)))
    # The window stays, and takes more of one side
    np.testing.assert_allclose(moved[8:20, 13:25], still[10:22, 10:22], atol=0.02)
    assert np.unravel_index(np.abs(moved).argmax(), moved.shape) == (14, 19)


def test_a_log_gabor_has_the_orientation_and_phase_of_a_gabor():
    theta, phase = np.array([0.3, 1.0, 2.0, 2.8]), np.array([0.0, 1.0, -1.0, np.pi / 2])
    fit = fit_gabor(log_gabor(25, theta=theta, phase=phase, sf_0=0.15, B_theta=0.3))
    np.testing.assert_allclose(fit.theta, theta, atol=0.01)
    np.testing.assert_allclose(fit.frequency, 0.15, atol=0.01)
    np.testing.assert_allclose(fit.phase, phase, atol=0.1)
    assert (fit.fvu < 0.05).all()


def test_difference_of_gaussians_integrates_to_its_balance():
    fields = difference_of_gaussians(
        (41, 43), sigma_center=2.0, sigma_surround=3.5, surround=[1.0, 0.25], amplitude=[2.0, -1.0], x0=1.0, y0=-2.0
    )
    np.testing.assert_allclose(fields.sum(axis=(1, 2)), [0, -0.75], atol=1e-6)
    assert np.unravel_index(fields[0].argmax(), (41, 43)) == (18, 22)
    r = np.hypot(3, 4)
    value = 2 * (np.exp(-(r**2) / 8) / (8 * np.pi) - np.exp(-(r**2) / 24.5) / (24.5 * np.pi))
    assert fields[0, 18 + 4, 22 - 3] == pytest.approx(value)


def test_dct_is_orthonormal_and_agrees_with_scipy():
    np.testing.assert_allclose(cosine_basis(8, 8), dct(np.eye(8), type=2, norm="ortho", axis=0), atol=1e-14)
    square = Dictionary.dct((4, 5))
    np.testing.assert_allclose(square.gram, np.eye(20), atol=1e-14)
    over = Dictionary.dct((4, 5), 7)
    assert len(over) == 49
    np.testing.assert_allclose(over.norms, 1)
    np.testing.assert_allclose(over.matrix[1:].sum(axis=1), 0, atol=1e-13)
    k, m = 3, 2
    product = np.outer(cosine_basis(4, 7)[k], cosine_basis(5, 7)[m])
    np.testing.assert_allclose(over.atoms[7 * k + m], product)
    assert over.coords["frequency_y"][7 * k + m] == k / 14
    assert over.coords["frequency_x"][7 * k + m] == m / 14


def test_gabor_parameters_become_coordinates():
    bank = Dictionary.gabor((6, 7), theta=[0.0, 1.0], frequency=0.2, sigma_x=[[1.0], [2.0]], sigma_y=2)
    assert bank.coords["theta"].tolist() == [0, 1, 0, 1]
    assert bank.coords["sigma_x"].tolist() == [1, 1, 2, 2]
    assert bank.coords["amplitude"].tolist() == [1] * 4
    for k, atom in enumerate(bank.atoms):
        parameters = {name: values[k] for name, values in bank.coords.items()}
        np.testing.assert_array_equal(atom, gabor((6, 7), **parameters))
