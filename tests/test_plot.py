"""Figures show what they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from sparsecode.plot import mosaic, orientation_frequency
from sparsecode.receptive_fields import fit_gabor, gabor


def test_mosaic_places_atoms_in_rows_and_scales_each(rng):
    atoms = rng.normal(size=(5, 6))
    atoms[3] = 0
    canvas = mosaic(atoms, (2, 3), n_columns=2, ax=Figure().subplots()).images[0].get_array()
    assert canvas.shape == (10, 9)
    np.testing.assert_allclose(canvas[1:3, 5:8], atoms[1].reshape(2, 3) / np.abs(atoms[1]).max())
    assert not canvas[4:6, 5:8].any()
    assert np.isnan(np.ma.filled(canvas, np.nan)[0]).all()
    square = mosaic(rng.normal(size=(4, 3, 3)), ax=Figure().subplots()).images[0].get_array()
    assert square.shape == (9, 9)


def test_orientation_frequency_shows_the_well_fitted_atoms(rng):
    atoms = gabor((12, 12), x0=0, y0=0, theta=[0.3, 1.0], frequency=[0.1, 0.2], sigma_x=2.5, sigma_y=2.5, phase=1)
    fit = fit_gabor(np.concatenate([atoms, rng.normal(size=(1, 12, 12))]))
    ax = orientation_frequency(fit, ax=Figure().subplots(subplot_kw={"projection": "polar"}))
    angle, radius = ax.collections[0].get_offsets().T
    np.testing.assert_allclose(np.rad2deg(angle), fit.orientation[:2])
    np.testing.assert_allclose(radius, [0.1, 0.2], rtol=1e-3)
    assert "2 of 3 atoms" in ax.texts[-1].get_text()


def test_bad_input(rng):
    with pytest.raises(ValueError, match="cannot be drawn as patches of `shape`"):
        mosaic(rng.normal(size=(4, 6)), ax=Figure().subplots())
    with pytest.raises(ValueError, match="cannot be drawn"):
        mosaic(np.empty((0, 4)), ax=Figure().subplots())
    with pytest.raises(ValueError, match="`ax` must be polar axes"):
        orientation_frequency(fit_gabor(np.ones((1, 5, 5))), ax=Figure().subplots())
