"""Formulas against naive twins, published norms and neighbouring functions."""

import numpy as np
import pytest
from scipy.fft import dct

from sparsecode import Dictionary
from sparsecode.dictionary.formulas import cosine_basis, difference_of_gaussians, log_gabor
from sparsecode.receptive_fields import fit_gabor, gabor

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


def test_log_gabor_banks_of_the_publication():
    """Norms and coherences that were computed from the published code."""
    grid = np.meshgrid(np.arange(12) * np.pi / 12, np.arange(1, 7) * np.pi / 36, [0, np.pi / 2], indexing="ij")
    theta, B_theta, phase = grid
    heterogeneous = Dictionary.log_gabor(12, theta=theta, B_theta=B_theta, phase=phase)
    theta, phase = np.meshgrid(np.arange(72) * np.pi / 72, [0, np.pi / 2], indexing="ij")
    homogeneous = Dictionary.log_gabor(12, theta=theta, B_theta=np.pi / 15, phase=phase)
    for bank, norms, coherence in (
        (heterogeneous, [1.519, 2.234, 3.928], 0.993),
        (homogeneous, [2.294, 2.471, 3.092], 0.992),
    ):
        assert len(bank) == 144
        np.testing.assert_allclose(np.quantile(bank.norms, [0, 0.5, 1]), norms, atol=1e-3)
        assert bank.coherence == pytest.approx(coherence, abs=6e-4)


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
