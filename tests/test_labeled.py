"""Encoders for xarray: the same numbers, with names, coordinates and provenance; lazy with Dask."""

import io
import os

import numpy as np
import pytest
import xarray as xr
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

import sparsecode
from sparsecode import Dictionary, PatchEncoder, SparseCoder, groups_from_lengths, labeled

from .contracts.deltas import SendOnDelta
from .contracts.encoders import same_bits
from .contracts.winners import KWinners

pytestmark = pytest.mark.nojit


def movie(rng, dtype=np.float64):
    """Two trials of five images of 3 x 4, with all that can be said about them."""
    return xr.DataArray(
        rng.normal(size=(3, 2, 5, 4)).astype(dtype),
        dims=("y", "trial", "time", "x"),
        coords={
            "y": [0.0, 0.5, 1.0],
            "x": ("x", [10, 20, 30, 40], {"units": "px"}),
            "time": np.array(["2026-01-01", "2026-01-02", "2026-01-04", "2026-01-05", "2026-01-09"], "datetime64[ns]"),
            "stimulus": ("trial", ["left", "right"]),
            "depth": 3.5,
        },
        attrs={"units": "mV", "monitor": "CRT"},
        name="response",
    )


def rows(data, dim=("y", "x")):
    """The samples as rows, by hand."""
    return data.transpose("trial", "time", *dim).values.reshape(10, 12)


def coder(**params):
    return SparseCoder(5, **{"max_iter": 2, "random_state": 0, "input_shape": (3, 4)} | params)


# ---------------------------------------------------------------- numbers and names


def test_codes_have_the_bits_of_transform_and_keep_what_is_known(rng, dtype):
    data = movie(rng, dtype)
    encoder = labeled.fit(coder(), data, dim=("y", "x"))
    assert same_bits(encoder.components_, coder().fit(rows(data)).components_)
    codes = labeled.encode(encoder, data, dim=("y", "x"))
    assert codes.dims == ("trial", "time", "atom")
    assert same_bits(codes.values.reshape(10, 5), encoder.transform(rows(data)))
    assert set(codes.coords) == {"time", "stimulus", "depth"}
    for name in codes.coords:
        xr.testing.assert_identical(codes[name].drop_vars("atom", errors="ignore"), data[name])
    assert codes.name == "response"
    assert codes.attrs == {
        "monitor": "CRT",
        "encoder": repr(encoder),
        "sparsecode_version": sparsecode.__version__,
        "input_dims": "y, x",
        "input_sizes": [3, 4],
        "input_units": "mV",
    }
    assert data.attrs == {"units": "mV", "monitor": "CRT"}


def test_decoding_gives_back_the_form_of_the_data(rng, dtype):
    data = movie(rng, dtype)
    encoder = labeled.fit(coder(), data, dim=("y", "x"))
    codes = labeled.encode(encoder, data, dim=("y", "x"))
    again = labeled.decode(encoder, codes, like=data)
    assert again.dims == ("trial", "time", "y", "x")
    expected = encoder.inverse_transform(encoder.transform(rows(data)))
    assert same_bits(again.values.reshape(10, 12), expected)
    assert again.attrs == data.attrs
    xr.testing.assert_identical(again.coords.to_dataset(), data.transpose(*again.dims).coords.to_dataset())
    assert set(labeled.decode(encoder, codes).coords) == {"time", "stimulus", "depth"}
    xr.testing.assert_allclose(labeled.decode(encoder, codes.isel(trial=1)), again.isel(trial=1).drop_vars(["x", "y"]))
    sizes = labeled.encode(encoder, data, dim=("y", "x")).assign_attrs(input_sizes=np.array([3, 4]))
    assert labeled.decode(encoder, sizes).sizes == again.sizes


def test_codes_survive_a_file(rng):
    data = movie(rng)
    encoder = labeled.fit(coder(), data, dim=("y", "x"))
    codes = labeled.encode(encoder, data, dim=("y", "x"))
    file = io.BytesIO(bytes(codes.to_netcdf(engine="scipy")))
    with xr.open_dataarray(file, engine="scipy") as read:
        assert labeled.decode(encoder, read.load()).sizes == {"trial": 2, "time": 5, "y": 3, "x": 4}


def test_order_of_dim_is_the_order_of_features(rng):
    data = movie(rng)
    encoder = labeled.fit(coder(input_shape=None), data, dim=("x", "y"))
    codes = labeled.encode(encoder, data.transpose("x", "time", "y", "trial"), dim=("x", "y"))
    expected = encoder.transform(rows(data, ("x", "y"))).reshape(2, 5, -1)
    assert same_bits(codes.transpose("trial", "time", "atom").values, expected)
    assert labeled.decode(encoder, codes).dims == ("time", "trial", "x", "y")


def test_one_sample_and_none(rng):
    data = movie(rng)
    encoder = labeled.fit(coder(), data, dim=("y", "x"))
    codes = labeled.encode(encoder, data, dim=("y", "x"))
    one = labeled.encode(encoder, data[:, 1, 2], dim=("y", "x"))
    assert one.dims == ("atom",)
    assert same_bits(one.values, codes[1, 2].values)
    assert same_bits(labeled.decode(encoder, one).values, labeled.decode(encoder, codes).values[1, 2])
    none = labeled.encode(encoder, data[:, :, :0], dim=("y", "x"))
    assert none.shape == (2, 0, 5)
    assert labeled.decode(encoder, none).shape == (2, 0, 3, 4)


def test_atoms_keep_their_coordinates(rng):
    data = xr.DataArray(rng.normal(size=(6, 9)), dims=("sample", "pixel"), coords={"theta": ("sample", np.arange(6))})
    atoms = Dictionary.gabor((3, 3), theta=[0, 1, 2], frequency=0.2, sigma_x=1, sigma_y=1)
    encoder = labeled.fit(SparseCoder(dictionary=atoms, alpha=0.1), data, dim="pixel")
    assert encoder.dictionary_ == atoms
    codes = labeled.encode(encoder, data, dim="pixel")
    np.testing.assert_array_equal(codes["frequency"], atoms.coords["frequency"])
    np.testing.assert_array_equal(codes["atom_theta"], [0, 1, 2])
    assert codes["theta"].dims == ("sample",)
    named = SparseCoder(dictionary=Dictionary(np.eye(9)[:2], coords={"atom": ["a", "b"]}), alpha=0.1)
    codes = labeled.encode(labeled.fit(named, data, dim="pixel"), data, dim="pixel")
    assert codes.sel(atom="b").dims == ("sample",)


def test_codes_of_codes(rng):
    data = movie(rng)
    first = labeled.fit(coder(), data, dim=("y", "x"))
    codes = labeled.encode(first, data, dim=("y", "x"))
    second = labeled.fit(SparseCoder(3, max_iter=2, random_state=0), codes, dim="atom")
    above = labeled.encode(second, codes, dim="atom")
    assert above.sizes == {"trial": 2, "time": 5, "atom": 3}
    assert same_bits(above.values, second.transform(codes.values.reshape(10, 5)).reshape(2, 5, 3))
    below = labeled.decode(second, above, like=codes)
    assert below.sizes == codes.sizes
    assert below.attrs == codes.attrs
    assert labeled.decode(first, below, like=data).attrs == data.attrs


def test_codes_of_several_axes_and_of_zeros_and_ones(rng):
    data = movie(rng)
    patches = PatchEncoder(SparseCoder(4, max_iter=2), 2, input_shape=(3, 4), random_state=0)
    codes = labeled.encode(labeled.fit(patches, data, dim=("y", "x")), data, dim=("y", "x"))
    assert codes.sizes == {"trial": 2, "time": 5, "sign": 2, "atom": 4, "region_y": 2, "region_x": 2}
    assert same_bits(codes.values.reshape(10, -1), patches.transform(rows(data)))
    winners = KWinners(binarize=0.0, sparse_output=True, random_state=0)
    codes = labeled.encode(labeled.fit(winners, data, dim=("y", "x")), data, dim=("y", "x"))
    assert codes.dtype == bool
    assert same_bits(codes.values.reshape(10, -1), winners.transform(rows(data)))
    framed = coder().set_output(transform="pandas")
    codes = labeled.encode(labeled.fit(framed, data, dim=("y", "x")), data, dim=("y", "x"))
    assert codes.shape == (2, 5, 5)


def test_stateful_encoders_scan_time_anew_for_each_sequence(rng):
    data = 5 + movie(rng).cumsum("time")
    encoder = labeled.fit(SendOnDelta(0.1), data, dim=("y", "x"))
    groups = groups_from_lengths([5, 5])
    assert encoder.scale_ == SendOnDelta(0.1).fit(rows(data), groups=groups).scale_
    assert all(map(same_bits, encoder.state_, SendOnDelta(0.1).fit(rows(data), groups=groups).state_))
    codes = labeled.encode(encoder, data, dim=("y", "x"))
    assert codes.dims == ("trial", "time", "code")
    assert same_bits(codes.values.reshape(10, 12), encoder.transform(rows(data), groups=groups))
    again = labeled.decode(encoder, codes)
    assert same_bits(
        again.values.reshape(10, 12), encoder.inverse_transform(codes.values.reshape(10, 12), groups=groups)
    )
    single = data.isel(trial=0).rename(time="frame")
    assert same_bits(labeled.encode(encoder, single, dim=("y", "x")).values, codes.values[0])
    moment = labeled.encode(encoder, data[:, 0, 0], dim=("y", "x"))
    assert same_bits(moment.values, codes.values[0, 0])
    with pytest.raises(ValueError, match=r"scans samples in time, which may be along any of \['trial', 'frame'\]"):
        labeled.encode(encoder, data.rename(time="frame"), dim=("y", "x"))


# ---------------------------------------------------------------- Dask


def test_chunks_stay_lazy_and_give_the_same_bits(rng, dtype):
    pytest.importorskip("dask.array", reason="dask is an extra")
    data = movie(rng, dtype)
    encoder = labeled.fit(coder(fit_dc=True), data, dim=("y", "x"))
    codes = labeled.encode(encoder, data, dim=("y", "x"))
    again = labeled.decode(encoder, codes, like=data)
    for chunks in ({"time": 2}, {"time": 1, "trial": 1}, {"trial": -1}):
        kept = clone(encoder).fit(rows(data))
        lazy = labeled.encode(kept, data.chunk(chunks), dim=("y", "x"))
        assert lazy.chunks is not None
        assert (lazy.dtype, lazy.sizes) == (codes.dtype, codes.sizes)
        back = labeled.decode(kept, lazy, like=data)
        assert back.chunks is not None
        kept.partial_fit(rows(data)[::-1])  # what is learned later does not change what was asked for
        xr.testing.assert_identical(lazy.compute(), codes)
        assert same_bits(lazy.values, codes.values)
        xr.testing.assert_identical(back.compute(), again)
        assert same_bits(back.values, again.values)


def test_nothing_is_coded_until_it_is_asked_for(rng):
    pytest.importorskip("dask.array", reason="dask is an extra")
    data = movie(rng)
    encoder = labeled.fit(coder(), data, dim=("y", "x"))
    spoilt = data.where(data["stimulus"] == "left").chunk(trial=1)
    lazy = labeled.encode(encoder, spoilt, dim=("y", "x"))
    assert same_bits(lazy[0].values, labeled.encode(encoder, data[:, 0], dim=("y", "x")).values)
    with pytest.raises(ValueError, match="contains NaN"):
        lazy.compute()


def test_what_must_be_in_one_chunk(rng):
    pytest.importorskip("dask.array", reason="dask is an extra")
    data = 5 + movie(rng)
    encoder = labeled.fit(coder(), data, dim=("y", "x"))
    with pytest.raises(ValueError, match=r"\['x'\] lie in several chunks, but a sample must be in one piece; use "
                                         r"\.chunk\({'x': -1}\) before"):  # fmt: skip
        labeled.encode(encoder, data.chunk(x=2), dim=("y", "x"))
    deltas = labeled.fit(SendOnDelta(0.1), data, dim=("y", "x"))
    with pytest.raises(
        ValueError, match=r"\['time'\] lie in several chunks, but the encoder carries its state along time"
    ):
        labeled.encode(deltas, data.chunk(time=2), dim=("y", "x"))
    codes = labeled.encode(deltas, data, dim=("y", "x"))
    lazy = labeled.encode(deltas, data.chunk(trial=1), dim=("y", "x"))
    assert same_bits(lazy.values, codes.values)
    with pytest.raises(ValueError, match=r"\['time'\] lie in several chunks"):
        labeled.decode(deltas, codes.chunk(time=2))
    assert labeled.encode(encoder, data.chunk(x=2).chunk(x=-1), dim=("y", "x")).chunks is not None


@pytest.mark.slow
@pytest.mark.compiled  # its processes import everything anew
def test_a_cluster_of_two_processes_gives_the_same_bits(rng):
    distributed = pytest.importorskip("distributed", reason="dask is an extra")
    data = movie(rng)
    encoder = labeled.fit(coder(fit_dc=True), data, dim=("y", "x"))
    codes = labeled.encode(encoder, data, dim=("y", "x"))
    again = labeled.decode(encoder, codes, like=data)
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(host="127.0.0.1", **options) as cluster, distributed.Client(cluster) as client:
        lazy = labeled.encode(encoder, data.chunk(time=1), dim=("y", "x"))
        back = labeled.decode(encoder, lazy, like=data)
        one, other = client.gather(client.compute([lazy, back]))
        assert len(set(client.run(os.getpid).values()) - {os.getpid()}) == 2
    assert same_bits(one.values, codes.values)
    assert same_bits(other.values, again.values)


# ---------------------------------------------------------------- errors


def test_what_is_refused(rng):
    data = movie(rng)
    encoder = labeled.fit(coder(), data, dim=("y", "x"))
    codes = labeled.encode(encoder, data, dim=("y", "x"))
    with pytest.raises(TypeError, match=r"`encoder` must be an encoder such as SparseCoder\(\), got PCA"):
        labeled.encode(PCA(), data, dim=("y", "x"))
    with pytest.raises(TypeError, match=r"`data` must be an xarray\.DataArray, got ndarray"):
        labeled.encode(encoder, data.values, dim=("y", "x"))
    with pytest.raises(TypeError, match=r"got Dataset; choose a variable of it"):
        labeled.encode(encoder, data.to_dataset(), dim=("y", "x"))
    with pytest.raises(TypeError, match=r"`data` must hold real numbers, got dtype complex128"):
        labeled.fit(encoder, data * 1j, dim=("y", "x"))
    with pytest.raises(ValueError, match=r"`data` has no dimension 'z', 'w'; it has \('y', 'trial', 'time', 'x'\)"):
        labeled.encode(encoder, data, dim=("y", "z", "w"))
    for wrong in ((), ("x", "x")):
        with pytest.raises(ValueError, match="`dim` must name the dimensions of a sample, each once"):
            labeled.encode(encoder, data, dim=wrong)
    with pytest.raises(
        ValueError, match=r"`dim` \(x: 4, y: 3\) differs from `input_shape`=\(3, 4\).*order of its axes"
    ):
        labeled.encode(encoder, data, dim=("x", "y"))
    for named in (movie(rng), movie(rng).isel(x=slice(3))):
        atoms = Dictionary(np.ones((1, named.sizes["y"], named.sizes["x"])))
        given = labeled.fit(SparseCoder(dictionary=atoms), named, dim=("y", "x"))
        with pytest.raises(ValueError, match=r"differs from the axes \(y: 3, x: .\) of the atoms.*in their order"):
            labeled.encode(given, named, dim=("x", "y"))
    for dims, shape in ((("x", "y"), (4, 3)), (("y", "x", "time"), (3, 4, 5))):
        learned = labeled.fit(SparseCoder(2, input_shape=shape, max_iter=1), data, dim=dims)
        assert labeled.encode(learned, data, dim=dims).dims[-1] == "atom"
    with pytest.raises(
        ValueError, match=r"`dim` \(y: 3\) makes samples of 3 features, but the encoder was fitted to 12"
    ):
        labeled.encode(encoder, data, dim="y")
    with pytest.raises(NotFittedError):
        labeled.encode(coder(), data, dim=("y", "x"))
    with pytest.raises(ValueError, match=r"\['atom'\] are names that the result needs"):
        labeled.encode(encoder, data.rename(trial="atom"), dim=("y", "x"))
    with pytest.raises(ValueError, match=r"\['atom'\] are names that the result needs"):
        labeled.encode(encoder, data.rename(depth="atom"), dim=("y", "x"))
    with pytest.raises(NotFittedError):
        labeled.decode(coder(), codes)
    with pytest.raises(TypeError, match=r"`like` must be an xarray\.DataArray, got dict"):
        labeled.decode(encoder, codes, like={})
    with pytest.raises(TypeError, match=r"has no inverse_transform: see its capabilities\(\)"):
        labeled.decode(KWinners(binarize=0).fit(rows(data)), codes)
    with pytest.raises(ValueError, match=r"`codes` has no dimension 'atom'; it has"):
        labeled.decode(encoder, codes.rename(atom="feature"))
    with pytest.raises(ValueError, match=r"`codes` have \(atom: 4\), but codes of this encoder have \(atom: 5\)"):
        labeled.decode(encoder, codes[..., :4])
    with pytest.raises(ValueError, match=r"`codes` must have the attributes 'input_dims' and 'input_sizes'"):
        labeled.decode(encoder, codes.drop_attrs())
    with pytest.raises(ValueError, match=r"\['x'\] are names that the result needs"):
        labeled.decode(encoder, codes.rename(trial="x"))
