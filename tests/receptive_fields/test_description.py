"""The table of receptive-field measures has what the functions behind it say."""

import numpy as np
import pytest

from sparsecode import Dictionary, SparseCoder
from sparsecode.receptive_fields import (
    classify_receptive_fields,
    coder_tuning,
    describe_receptive_fields,
    fit_gabor,
    gabor,
    linear_tuning,
)


@pytest.fixture(scope="module")
def atoms():
    rng = np.random.default_rng(0)
    bars = gabor((8, 9), x0=0, y0=0, theta=[0, 0.5, 1.1], frequency=0.2, sigma_x=1.8, sigma_y=2.2, phase=[0, 1, 2])
    blob = gabor((8, 9), x0=0, y0=0, theta=0, frequency=0, sigma_x=1.5, sigma_y=1.5, phase=0)
    return np.concatenate([bars, blob[None], rng.standard_normal((1, 8, 9)), np.zeros((1, 8, 9))])


@pytest.mark.parametrize("level", [0.5, 0.5**0.5])
def test_measures_are_those_of_the_functions(atoms, level):
    rows = atoms.reshape(6, -1)
    coder = SparseCoder(dictionary=rows, alpha=0.3).fit(rows)
    table = describe_receptive_fields(rows, (8, 9), coder=coder, contrast=0.7, level=level, n_jobs=2)
    fit = fit_gabor(atoms)
    for name in (*fit._fields, "nx", "ny", "orientation"):
        np.testing.assert_array_equal(table[name], getattr(fit, name))
    np.testing.assert_array_equal(table.gabor_half_width, fit.half_width(level))
    np.testing.assert_array_equal(table.gabor_octaves, fit.octaves(level))
    np.testing.assert_array_equal(table.in_nx_ny_plane, fit.in_nx_ny_plane((8, 9)))
    np.testing.assert_array_equal(table.receptive_field_class, classify_receptive_fields(fit, atoms))
    assert table.receptive_field_class.values.tolist()[3:] == ["blob", "unlearned", "unlearned"]
    tunings = {"linear": linear_tuning(atoms), "coder": coder_tuning(coder, (8, 9), contrast=0.7)}
    assert table.response.values.tolist() == list(tunings)
    for response, tuning in tunings.items():
        part = table.sel(response=response)
        np.testing.assert_array_equal(part.preferred_orientation, tuning.orientation)
        np.testing.assert_array_equal(part.preferred_frequency, tuning.frequency)
        np.testing.assert_array_equal(part.peak_response, tuning.responses.max(axis=(1, 2)))
        np.testing.assert_array_equal(part.circular_variance, tuning.circular_variance)
        np.testing.assert_array_equal(part.orthogonal_ratio, tuning.orthogonal_ratio)
        np.testing.assert_array_equal(part.half_width, tuning.half_width(level))
        np.testing.assert_array_equal(part.octaves, tuning.octaves(level))
    assert table.attrs == {"level": level, "fvu": 0.3, "height": 8, "width": 9, "contrast": 0.7}
    labels = {"in_nx_ny_plane", "receptive_field_class"}
    assert all("units" in table[name].attrs for name in set(table.data_vars) - labels)


def test_atoms_alone_and_atoms_that_are_zero(atoms):
    table = describe_receptive_fields(Dictionary(atoms))
    assert table.response.values.tolist() == ["linear"]
    zero = table.isel(atom=5)
    assert (zero.fvu.item(), zero.receptive_field_class.item()) == (1.0, "unlearned")
    assert np.isnan([zero.nx, zero.circular_variance.item(), zero.half_width.item()]).all()


def test_a_coder_needs_a_contrast_and_a_coefficient_for_each_atom(atoms):
    rows = atoms.reshape(6, -1)
    coder = SparseCoder(dictionary=rows, alpha=0.3).fit(rows)
    with pytest.raises(ValueError, match="`coder` and `contrast`, the amplitude of the gratings that it codes, go tog"):
        describe_receptive_fields(atoms, coder=coder)
    with pytest.raises(ValueError, match="`coder` and `contrast`"):
        describe_receptive_fields(atoms, contrast=1.0)
    with pytest.raises(ValueError, match="`coder` gives codes of 6 coefficients, but there are 5 atoms"):
        describe_receptive_fields(atoms[:5], coder=coder, contrast=1.0)
    part = describe_receptive_fields(atoms[:5], coder=lambda X: coder.transform(X)[:, :5], contrast=1.0)
    assert part.sizes == {"atom": 5, "response": 2}
