"""Results that single dictionaries give, beyond the contract."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.sparse import csr_array

from sparsecode import Dictionary, SparseCoder
from sparsecode.coding import SAILnet

from ..contracts.dictionaries import dense

pytestmark = pytest.mark.nojit

EYE = np.eye(2)


def test_concat_keeps_what_all_have():
    first = Dictionary(EYE, coords={"a": [1, 2], "b": [0.5, 1]}, attrs={"x": 1, "y": 2, "z": 3})
    second = Dictionary([[1, 1]], coords={"a": [0.5], "c": [1]}, attrs={"x": 1, "y": 2.0})
    joined = first.concat(second.astype("float32"))
    assert joined == Dictionary([*EYE, [1, 1]], coords={"a": [1, 2, 0.5]}, attrs={"x": 1})
    kernels = Dictionary.from_array([np.ones(2), np.ones(1)]).concat(Dictionary([[1, 2]]))
    assert kernels.shapes.tolist() == [[2], [1], [2]]


def test_kernels_of_different_sizes_are_joined_and_cropped(rng):
    sizes = [(3, 4), (5, 2), (1, 1)]
    parts = [Dictionary(rng.normal(size=(2, *size)), coords={"scale": [1, 2]}) for size in sizes]
    bank = parts[0].concat(*parts[1:])
    assert bank.atom_shape == (5, 4)
    assert bank.shapes.tolist() == [[3, 4]] * 2 + [[5, 2]] * 2 + [[1, 1]] * 2
    kernels = bank.to_list()
    assert bank == Dictionary.from_array(kernels, coords={"scale": [1, 2] * 3})
    for k, part in enumerate(parts):
        np.testing.assert_array_equal(kernels[2 * k], part.atoms[0])
        assert bank.select([2 * k, 2 * k + 1]).cropped() == part
    assert bank.select([4, 0]).cropped().atom_shape == (3, 4)
    assert bank.cropped() == bank
    assert parts[0].cropped() is parts[0]
    tones = Dictionary(np.ones((1, 3)), dims=("atom", "time")).concat(
        Dictionary(np.ones((1, 5)), dims=("atom", "time"))
    )
    assert tones.shapes.tolist() == [[3], [5]]


def test_channels_of_colour_patches_have_their_name(rng):
    coder = SparseCoder(4, input_shape=(6, 5, 3), max_iter=1, random_state=0).fit(rng.normal(size=(30, 6, 5, 3)))
    assert coder.dictionary_.dims == ("atom", "y", "x", "channel")
    small = SparseCoder(4, input_shape=(3, 3, 4), max_iter=1, random_state=0).fit(rng.normal(size=(30, 36)))
    assert small.dictionary_.dims == ("atom", "y", "x", "channel")
    network = SAILnet(4, input_shape=(4, 4, 3), max_iter=1, random_state=0).fit(rng.normal(size=(30, 4, 4, 3)))
    assert network.dictionary_.dims == ("atom", "y", "x", "channel")
    given = Dictionary(np.ones((1, 3, 6, 5)), dims=("atom", "channel", "y", "x"))
    assert SparseCoder(dictionary=given, alpha=0.1).fit(rng.normal(size=(30, 90))).dictionary_ == given
    added = SparseCoder(dictionary=given, alpha=0.1, fit_dc=True).fit(rng.normal(size=(30, 90)))
    assert (added.dictionary_.dims, len(added.dictionary_)) == (given.dims, 2)
    assert Dictionary(np.ones((1, 8, 8, 3))).dims == ("atom", "channel", "y", "x")  # whatever the sizes
    assert Dictionary(np.ones((1, 3, 6, 5))).dims == ("atom", "channel", "y", "x")
    assert Dictionary(np.ones((1, 8, 8, 8))).dims == ("atom", "channel", "y", "x")
    grey = SparseCoder(4, input_shape=(6, 5), max_iter=1, random_state=0).fit(rng.normal(size=(30, 6, 5)))
    assert grey.dictionary_.dims == ("atom", "y", "x")


@pytest.mark.parametrize("channel_last", [True, False])
def test_channels_are_drawn_one_below_the_other(channel_last):
    from matplotlib.figure import Figure

    atom = np.zeros((1, 6, 5, 3))
    atom[0, 2, 4, 1] = 1
    dims = ("atom", "y", "x", "channel") if channel_last else None
    dictionary = Dictionary(atom if channel_last else np.moveaxis(atom, 3, 1), dims=dims)
    canvas = dictionary.plot(n_columns=1, ax=Figure().subplots()).images[0].get_array()
    assert canvas.shape == (20, 7)
    assert np.unravel_index(np.nanargmax(canvas), canvas.shape) == (1 + 6 + 2, 1 + 4)


def test_normalized_to_the_largest_entry():
    dictionary = Dictionary([[3.0, -4.0], [0.0, 0.0], [1e-300, 0.0]])
    np.testing.assert_array_equal(dictionary.normalized("max").atoms, [[0.75, -1], [0, 0], [1, 0]])
    sparse = Dictionary(csr_array(dictionary.atoms)).normalized("max")
    np.testing.assert_array_equal(dense(sparse), [[0.75, -1], [0, 0], [1, 0]])


def test_from_xarray_of_a_data_array():
    data = xr.DataArray(
        np.arange(24.0).reshape(2, 3, 4),
        dims=("x", "y", "atom"),
        coords={"x": [1, 2], "gain": ("atom", [1, 2, 3, 4]), "run": 5},
        attrs={"units": "V"},
    )
    dictionary = Dictionary.from_xarray(data)
    assert dictionary.atom_shape == (2, 3)
    assert dictionary.dims == ("atom", "x", "y")
    assert dictionary.atoms[1, 1, 2] == data.values[1, 2, 1]
    assert {name: array.tolist() for name, array in dictionary.coords.items()} == {"gain": [1, 2, 3, 4]}
    assert dictionary.attrs == {"units": "V"}


def test_from_samples_is_seeded_and_takes_rows_as_they_are(rng):
    X = rng.normal(size=(50, 6)).round(1)
    for given in (X, pd.DataFrame(X), csr_array(X)):
        dictionary = Dictionary.from_samples(given, 20, random_state=1)
        rows = dictionary.coords["sample"]
        np.testing.assert_array_equal(dense(dictionary), X[rows])
        assert len(set(rows)) == 20
        assert dictionary == Dictionary.from_samples(given, 20, random_state=1)
        assert dictionary != Dictionary.from_samples(given, 20, random_state=2)
    repeated = np.repeat(np.concatenate([EYE, -EYE, 0 * EYE]), 5, axis=0)
    assert len(np.unique(dense(Dictionary.from_samples(repeated, 4)), axis=0)) == 4
    assert Dictionary.from_samples(X.astype(np.float32), 2, shape=(2, 3)).atoms.shape == (2, 2, 3)


def test_random_is_seeded():
    first = Dictionary.random(5, (2, 3), random_state=1)
    assert first == Dictionary.random(5, (2, 3), random_state=1)
    assert first != Dictionary.random(5, (2, 3), random_state=2)
    assert first == Dictionary.random(5, (2, 3), random_state=np.random.RandomState(1))
    assert first.atoms.mean() < 0.5


def test_an_encoder_takes_a_dictionary(rng):
    X = rng.normal(size=(7, 12))
    for dictionary in (Dictionary.dct((3, 4), 5), Dictionary(csr_array(np.eye(12)))):
        coder = SparseCoder(dictionary=dictionary, alpha=0.1).fit(X)
        np.testing.assert_array_equal(coder.components_, dense(dictionary))
        codes = coder.transform(X)
        decoded = dictionary.decode(codes).reshape(7, -1)
        np.testing.assert_allclose(decoded, coder.inverse_transform(codes), atol=1e-12)


def test_large_dictionaries_have_no_picture():
    dictionary = Dictionary.random(50, 5000, random_state=0)
    assert "<img" not in dictionary._repr_html_()
    assert "50 atoms of 5000" in dictionary._repr_html_()
    assert "&lt;" in Dictionary(EYE, coords={"<b>": [1, 2]})._repr_html_()


def test_plot_without_axes_makes_a_figure():
    import matplotlib.pyplot as plt

    ax = Dictionary.dct((4, 4)).plot(n_columns=8)
    assert ax.images[0].get_array().shape == (11, 41)
    plt.close(ax.figure)
