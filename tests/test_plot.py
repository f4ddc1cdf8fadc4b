"""Figures show what they are given."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from sparsecode import Dictionary, SparseCoder
from sparsecode.plot import (
    activity_histogram,
    learning_curves,
    mosaic,
    nx_ny_plane,
    orientation_frequency,
    tuning_curves,
)
from sparsecode.receptive_fields import fit_gabor, gabor, linear_tuning


def pair_of_axes():
    return Figure().subplots(1, 2)


def drawn(ax):
    """Draw the whole figure, which fails for ticks and labels that cannot be placed; return the x tick labels."""
    ax.figure.canvas.draw()
    return [label.get_text() for label in ax.get_xticklabels() if label.get_text()]


def test_mosaic_places_atoms_in_rows_and_scales_each(rng):
    atoms = rng.normal(size=(5, 6))
    atoms[3] = 0
    canvas = mosaic(atoms, (2, 3), n_columns=2, ax=Figure().subplots()).images[0].get_array()
    assert canvas.shape == (10, 9)
    np.testing.assert_allclose(canvas[1:3, 5:8], atoms[1].reshape(2, 3) / np.abs(atoms[1]).max())
    assert not canvas[4:6, 5:8].any()
    assert np.isnan(np.ma.filled(canvas, np.nan)[0]).all()
    wide = mosaic(Dictionary(rng.normal(size=(2, 6, 24))), ax=Figure().subplots()).images[0].get_array()
    assert wide.shape == (2 * 7 + 1, 24 + 2)
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


def test_nx_ny_plane_shows_the_envelopes(rng):
    given = {"x0": 0, "y0": 0, "theta": [0.3, 1.0], "phase": 1}
    atoms = gabor((12, 12), frequency=[0.15, 0.2], sigma_x=2, sigma_y=[2, 3], **given)
    blob = gabor((12, 12), x0=0, y0=0, theta=0, phase=0, frequency=0, sigma_x=2, sigma_y=2)
    fit = fit_gabor(np.concatenate([atoms, blob[None], rng.normal(size=(1, 12, 12))]))
    ax = nx_ny_plane(fit, (12, 12), ax=Figure().subplots())
    np.testing.assert_allclose(ax.collections[0].get_offsets(), [[0.3, 0.3], [0.4, 0.6]], rtol=1e-6)
    assert ax.get_title().startswith("2 of 4 atoms")
    assert ax.get_xlim() == ax.get_ylim()
    drawn(ax)


def test_nx_ny_plane_of_nothing():
    ax = nx_ny_plane(fit_gabor(np.zeros((3, 6, 6))), (6, 6), ax=Figure().subplots())
    assert ax.get_title().startswith("0 of 3 atoms")
    drawn(ax)


def test_tuning_curves_are_relative_to_the_peak(rng):
    tuning = linear_tuning(5 * rng.normal(size=(3, 7, 7)))
    left, right = tuning_curves({"one": tuning, "two": tuning}, 2, axes=pair_of_axes())
    for ax, curves in ((left, tuning.orientation_curves), (right, tuning.frequency_curves)):
        assert len(ax.lines) == 2
        assert ax.lines[0].get_ydata().max() == 1
        n = curves.shape[1]
        np.testing.assert_allclose(ax.lines[1].get_ydata()[:n], curves[2] / curves[2].max())
    assert left.lines[0].get_xdata()[-1] == 180
    assert left.lines[0].get_ydata()[-1] == left.lines[0].get_ydata()[0]
    np.testing.assert_array_equal(right.lines[0].get_xdata(), tuning.frequencies)
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["one", "two"]
    assert left.lines[0].get_linestyle() != left.lines[1].get_linestyle()
    assert {"0.1", "0.2"} <= set(drawn(right))


def test_tuning_curves_of_a_zero_atom():
    left, right = tuning_curves(linear_tuning(np.zeros((1, 5, 5))), 0, axes=pair_of_axes())
    assert not left.lines
    assert not right.lines
    assert left.get_legend() is None
    drawn(right)


def test_activity_histogram_counts_atoms_and_samples(rng):
    codes = (rng.random((400, 30)) < np.linspace(0, 0.4, 30)).astype(float)
    codes[:, 0] = 0
    left, right = activity_histogram(codes, axes=pair_of_axes())
    assert sum(bar.get_height() for bar in left.patches) == 29
    assert left.get_title() == "1 of 30 atoms never active"
    assert left.get_xscale() == "log"
    heights = {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in right.patches}
    counts = np.bincount(codes.astype(int).sum(axis=1))
    assert {place: height for place, height in heights.items() if height} == {
        place: count for place, count in enumerate(counts) if count
    }
    assert f"mean {(codes != 0).sum(axis=1).mean():.3g}" in right.get_title()
    drawn(left)


@pytest.mark.parametrize("codes", [np.zeros((5, 3)), np.ones((5, 3)), np.ones((1, 1)), np.eye(3)])
def test_activity_histogram_of_even_rates(codes):
    left, right = activity_histogram(codes, axes=pair_of_axes())
    assert sum(bar.get_height() for bar in left.patches) == codes.any(axis=0).sum()
    assert sum(bar.get_height() for bar in right.patches) == len(codes)
    drawn(left)


def test_activity_histogram_has_few_bins_for_many_counts(rng):
    codes = np.tri(600, 600)
    _, right = activity_histogram(codes, axes=pair_of_axes())
    assert len(right.patches) <= 50
    assert sum(bar.get_height() for bar in right.patches) == 600


def test_learning_curves_show_the_history(rng):
    X = rng.normal(size=(100, 6))
    fits = {f"{k} atoms": SparseCoder(k, max_iter=k, tol=0, random_state=0).fit(X).history_ for k in (3, 5)}
    axes = learning_curves(fits, axes=Figure().subplots(2, 2))
    for ax, name in zip(axes, ("objective", "data_term", "penalty", "sparsity"), strict=True):
        for line, (label, history) in zip(ax.lines, fits.items(), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), history[name])
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, len(history) + 1))
            assert line.get_label() == label
    assert len(axes[0].get_legend().get_texts()) == 2
    alone = learning_curves(fits["3 atoms"][:1], axes=Figure().subplots(1, 4))
    assert alone[0].get_legend() is None
    assert drawn(alone[3])


def test_matplotlib_is_loaded_on_use_and_its_settings_are_left_alone():
    code = (
        "import sys; from sparsecode import plot; assert 'matplotlib' not in sys.modules\n"
        "import matplotlib; matplotlib.use('agg'); before = matplotlib.rcParams.copy()\n"
        "import numpy as np; from sparsecode.receptive_fields import fit_gabor, linear_tuning\n"
        "atoms = np.random.default_rng(0).normal(size=(4, 5, 5)); fit = fit_gabor(atoms)\n"
        "plot.mosaic(atoms); plot.orientation_frequency(fit); plot.nx_ny_plane(fit, (5, 5))\n"
        "axes = plot.tuning_curves(linear_tuning(atoms), 0); plot.activity_histogram(np.eye(3))\n"
        "axes[0].figure.canvas.draw(); print(matplotlib.rcParams == before)"
    )
    # The lowest versions of matplotlib call what newer versions of its own requirements deprecate
    strict = ["-W", "error", "-W", "ignore::DeprecationWarning"]
    done = subprocess.run([sys.executable, *strict, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "True", done.stderr


def test_bad_input(rng):
    with pytest.raises(ValueError, match="cannot be drawn as patches of `shape`"):
        mosaic(rng.normal(size=(4, 6)), ax=Figure().subplots())
    with pytest.raises(ValueError, match="cannot be drawn"):
        mosaic(np.empty((0, 4)), ax=Figure().subplots())
    with pytest.raises(ValueError, match="`ax` must be polar axes"):
        orientation_frequency(fit_gabor(np.ones((1, 5, 5))), ax=Figure().subplots())
    with pytest.raises(ValueError, match="cannot be drawn"):
        mosaic(np.ones((4, 3, 2)), (2, 3), ax=Figure().subplots())
    with pytest.raises(ValueError, match="`atoms` must be finite"):
        mosaic(np.full((1, 4), np.nan), ax=Figure().subplots())
    for atom in (1, -1):
        with pytest.raises(ValueError, match=f"`atom` must be from 0 to 0, got {atom}"):
            tuning_curves(linear_tuning(np.ones((1, 5, 5))), atom, axes=pair_of_axes())
    with pytest.raises(ValueError, match="the dict is empty"):
        tuning_curves({}, 0, axes=pair_of_axes())
    with pytest.raises(ValueError, match="codes must be finite"):
        activity_histogram([[np.nan, 1]], axes=pair_of_axes())
    with pytest.raises(ValueError, match="`axes` must be 2 axes, got 1"):
        activity_histogram(np.eye(2), axes=Figure().subplots())
    with pytest.raises(ValueError, match="`axes` must be 4 axes, got 2"):
        learning_curves(np.ones(1, [(name, float) for name in ("objective", "data_term", "penalty", "sparsity")]),
                        axes=pair_of_axes())  # fmt: skip
    for history in (
        np.ones(3),
        np.zeros(0, [("objective", float)]),
        SparseCoder(dictionary=np.eye(2)).fit(np.eye(2)).history_,
    ):
        with pytest.raises(ValueError, match="`history` must have epochs, with columns objective, data_term"):
            learning_curves(history, axes=Figure().subplots(2, 2))
