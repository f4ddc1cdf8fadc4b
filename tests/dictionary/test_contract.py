"""What holds for dictionaries of every kind."""

import copy
import dataclasses
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.sparse import coo_array, csc_array, csr_array, issparse
from sklearn.base import clone

from sparsecode import Dictionary, SparseCoder, load

from ..contracts.dictionaries import DICTIONARIES, arrays, content, dense

pytestmark = pytest.mark.nojit


@pytest.fixture(params=DICTIONARIES)
def dictionary(request):
    return DICTIONARIES[request.param]()


def test_fields_have_their_form(dictionary):
    atoms = dictionary.atoms
    assert atoms.dtype in ((np.float32, np.float64, bool) if issparse(atoms) else (np.float32, np.float64))
    assert atoms.ndim >= 2
    assert all(atoms.shape)
    assert len(dictionary) == atoms.shape[0]
    assert dictionary.atom_shape == atoms.shape[1:]
    assert dictionary.n_features == dense(dictionary).shape[1]
    assert dictionary.dims[0] == "atom"
    assert len(dictionary.dims) == atoms.ndim
    assert all(len(array) == len(dictionary) and array.ndim in (1, 2) for array in dictionary.coords.values())
    assert all(type(value) in (bool, int, float, str) for value in dictionary.attrs.values())
    assert np.isfinite(dense(dictionary)).all()
    if issparse(atoms):
        assert atoms.has_canonical_format
        assert atoms.indices.dtype == atoms.indptr.dtype == np.int32
        assert atoms.data.all()


def test_nothing_can_be_changed(dictionary):
    for name, array in arrays(dictionary).items():
        assert not array.flags.writeable, name
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    for name in ("gram", "norms"):
        with np.errstate(over="ignore"):
            derived = getattr(dictionary, name)
        for array in (derived.data, derived.indices) if issparse(derived) else (derived,):
            assert not array.flags.writeable, name
    with pytest.raises(dataclasses.FrozenInstanceError):
        dictionary.atoms = np.eye(2)
    with pytest.raises(TypeError):
        dictionary.coords["new"] = 1
    with pytest.raises(TypeError):
        dictionary.attrs["new"] = 1
    if issparse(dictionary.atoms):
        before = content(dictionary)
        with warnings.catch_warnings(action="ignore"), pytest.raises(ValueError, match="read-only"):
            dictionary.atoms[0, 0] = True
        assert content(dictionary) == before


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(dictionary, protocol):
    size = len(pickle.dumps(dictionary, protocol))
    with np.errstate(over="ignore"):
        _ = dictionary.gram, dictionary.norms, dictionary.coherence, dictionary.matrix, dictionary.content_hash
    again = pickle.loads(pickle.dumps(dictionary, protocol))  # noqa: S301
    assert content(again) == content(dictionary)
    assert again == dictionary
    assert len(pickle.dumps(dictionary, protocol)) == size, "derived values were pickled"
    for array in arrays(again).values():
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


def test_copies_are_the_dictionary_itself(dictionary):
    assert copy.copy(dictionary) is dictionary
    assert copy.deepcopy([dictionary])[0] is dictionary
    assert clone(SparseCoder(dictionary=dictionary)).dictionary is dictionary


def test_equal_by_content(dictionary, request):
    again = DICTIONARIES[request.node.callspec.params["dictionary"]]()
    assert again is not dictionary
    assert again == dictionary
    assert hash(again) == hash(dictionary)
    assert {dictionary: 1}[again] == 1
    others = [
        dataclasses.replace(dictionary, atoms=dense(dictionary) + 1, shapes=None, dims=None),
        dataclasses.replace(dictionary, dims=("atom", *(f"other_{name}" for name in dictionary.dims[1:]))),
        dataclasses.replace(dictionary, coords={**dictionary.coords, "new": np.zeros(len(dictionary))}),
        dataclasses.replace(dictionary, attrs={**dictionary.attrs, "new": 1}),
    ]
    assert all(other != dictionary for other in others)
    assert dictionary != "dictionary"


def test_xarray_round_trip(dictionary):
    data = dictionary.to_xarray()
    assert content(Dictionary.from_xarray(data)) == content(dictionary)
    assert all(data[name].dims[0] == "atom" for name in dictionary.coords)
    before = content(dictionary)
    for variable in data.variables.values():
        if variable.values.flags.writeable:
            variable.values[...] = np.ones((), variable.dtype)
    assert content(dictionary) == before, "the Dataset shares memory"


def test_file_round_trip(dictionary, tmp_path):
    dictionary.save(tmp_path / "d.npz")
    for again in (Dictionary.load(tmp_path / "d.npz"), load(str(tmp_path / "d.npz"))):
        assert content(again) == content(dictionary)
        assert again == dictionary
    if not issparse(dictionary.atoms):
        np.testing.assert_array_equal(np.load(tmp_path / "d.npz")["atoms"], dictionary.atoms)


LOADER = """
import pickle, sys
from pathlib import Path
from sparsecode import Dictionary

folder = Path(sys.argv[1])
files = sorted(folder.glob("*.npz"))
for file in files:
    Dictionary.load(file)  # imports come first
    break

def refuse(*_args, **_options):
    raise AssertionError("pickle was used")

def watch(event, arguments):
    if event in ("exec", "compile", "import", "pickle.find_class", "os.system", "subprocess.Popen", "marshal.loads"):
        raise AssertionError(f"{event}: {arguments}")

pickle.loads = pickle.load = pickle.Unpickler = pickle._Unpickler = refuse
sys.addaudithook(watch)
for file in files:
    print(file.stem, Dictionary.load(file).content_hash)
"""


def test_files_load_in_another_process_to_the_same_bits_and_run_no_code(tmp_path):
    made = {name.replace(" ", "-"): make() for name, make in DICTIONARIES.items()}
    for name, dictionary in made.items():
        dictionary.save(tmp_path / f"{name}.npz")
    done = subprocess.run([sys.executable, "-c", LOADER, tmp_path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert dict(line.split() for line in done.stdout.splitlines()) == {n: d.content_hash for n, d in made.items()}


def test_content_hash_is_the_same_in_every_version():
    assert Dictionary([[1, 0], [0, 2]], coords={"name": ["a", "b"]}, attrs={"seed": 1}).content_hash.startswith(
        "820e3ecfc550a38b"
    )


def test_derived_quantities(dictionary):
    D = dense(dictionary).astype(np.longdouble)
    norms = np.sqrt((D**2).sum(axis=1))
    rtol = 1e-6 if dictionary.dtype == np.float32 else 1e-14
    np.testing.assert_allclose(dictionary.norms, norms, rtol=rtol)
    matrix = dictionary.matrix
    np.testing.assert_array_equal(matrix.toarray() if issparse(matrix) else matrix, dense(dictionary))
    with np.errstate(over="ignore"):
        gram = dictionary.gram.toarray() if issparse(dictionary.gram) else dictionary.gram
    finite = np.abs(D @ D.T) < np.finfo(np.float64).max
    np.testing.assert_allclose(gram[finite], (D @ D.T)[finite], rtol=10 * rtol, atol=10 * rtol)
    np.testing.assert_array_equal(gram, gram.T)
    alive = np.flatnonzero(norms)
    cosines = [abs(D[i] / norms[i] @ (D[j] / norms[j])) for i in alive for j in alive if i != j]
    assert dictionary.coherence == pytest.approx(float(max(cosines, default=0)), abs=10 * rtol)


def test_normalized(dictionary):
    normalized = dictionary.normalized()
    norms = np.linalg.norm(dense(normalized), axis=1)
    zero = ~dense(dictionary).any(axis=1)
    np.testing.assert_allclose(norms, ~zero, atol=1e-6 if dictionary.dtype == np.float32 else 1e-14)
    assert normalized.dtype == (np.float64 if dictionary.dtype == bool else dictionary.dtype)
    kept = dataclasses.replace(normalized, atoms=dictionary.atoms)
    assert kept == dictionary


@pytest.mark.parametrize(
    "index",
    [0, -1, slice(None), slice(None, None, -1), slice(0, 1), [0, 0], np.array([-1]), "mask", "frame"],
    ids=str,
)
def test_select(dictionary, index):
    mask = np.arange(len(dictionary)) % 2 == 0
    index = mask if isinstance(index, str) and index == "mask" else pd.Series(mask) if isinstance(index, str) else index
    rows = np.atleast_1d(np.arange(len(dictionary))[np.asarray(index) if not isinstance(index, slice) else index])
    selected = dictionary.select(index)
    assert len(selected) == len(rows)
    np.testing.assert_array_equal(dense(selected), dense(dictionary)[rows])
    for name, array in dictionary.coords.items():
        np.testing.assert_array_equal(selected.coords[name], array[rows])
    if dictionary.shapes is not None:
        np.testing.assert_array_equal(selected.shapes, dictionary.shapes[rows])
    assert (selected.dims, selected.attrs, selected.dtype) == (dictionary.dims, dictionary.attrs, dictionary.dtype)


def test_sorted(dictionary):
    ordered = dictionary.sorted(dictionary.norms)
    assert (np.diff(ordered.norms) >= 0).all()
    for name, array in dictionary.coords.items():
        if array.ndim == 1:
            order = sorted(range(len(array)), key=lambda i: (array[i] != array[i], array[i]))
            assert dictionary.sorted(name) == dictionary.select(order)


def test_concat_of_pieces_is_the_whole(dictionary):
    assert dictionary.concat() == dictionary
    doubled = dictionary.concat(dictionary, dictionary)
    assert len(doubled) == 3 * len(dictionary)
    for start in range(3):
        assert doubled.select(slice(start * len(dictionary), (start + 1) * len(dictionary))) == dictionary


def test_list_of_atoms_is_the_dictionary_again(dictionary):
    if issparse(dictionary.atoms):
        with pytest.raises(ValueError, match="for dense atoms"):
            dictionary.to_list()
        return
    kernels = dictionary.to_list()
    fields = {"dims": dictionary.dims, "coords": dictionary.coords, "attrs": dictionary.attrs}
    assert Dictionary.from_array(kernels, **fields) == dictionary.cropped() == dictionary
    for k, kernel in enumerate(kernels):
        np.testing.assert_array_equal(kernel, dictionary.select(k).cropped().atoms[0])
        assert not kernel.flags.writeable


def test_astype(dictionary):
    for dtype in ("float32", np.float64):
        if np.abs(dense(dictionary)).max() > np.finfo(np.float32).max and dtype == "float32":
            with pytest.raises(ValueError, match=r"`atoms` must be finite, but 1 of 3 atoms.*in float32.*atom 1"):
                dictionary.astype(dtype)
        else:
            cast = dictionary.astype(dtype)
            assert cast.dtype == dtype
            np.testing.assert_array_equal(dense(cast), dense(dictionary).astype(dtype))
    if dictionary.dtype == bool:
        assert dictionary.astype("float32").astype(bool) == dictionary


def test_decode(dictionary, rng):
    codes = rng.normal(size=(4, len(dictionary))) * (rng.random((4, len(dictionary))) < 0.5) * 1e-10
    expected = (codes @ dense(dictionary)).reshape(4, *dictionary.atom_shape)
    rtol = 1e-6 if dictionary.dtype == np.float32 else 1e-12
    tiny = 1e-10 * rtol
    for given in (codes, codes.tolist(), pd.DataFrame(codes), csr_array(codes), csc_array(codes), coo_array(codes)):
        decoded = dictionary.decode(given)
        assert decoded.dtype == np.float64
        np.testing.assert_allclose(decoded, expected, rtol=rtol, atol=tiny)
    np.testing.assert_allclose(dictionary.decode(codes[0]), expected[0], rtol=rtol, atol=tiny)
    np.testing.assert_allclose(
        dictionary.decode(codes.reshape(2, 2, -1)), expected.reshape(2, 2, *dictionary.atom_shape), rtol=rtol, atol=tiny
    )
    assert dictionary.decode(codes[:0]).shape == (0, *dictionary.atom_shape)
    counts = np.ones((1, len(dictionary)), dtype=bool)
    np.testing.assert_allclose(dictionary.decode(counts).ravel(), dense(dictionary).sum(axis=0), rtol=1e-5, atol=1e-6)
    single = dictionary.decode(codes.astype(np.float32))
    assert single.dtype == (np.float64 if dictionary.dtype == np.float64 else np.float32)


def test_arrays_of_numpy(dictionary):
    matrix = np.asarray(dictionary)
    assert matrix.shape == (len(dictionary), dictionary.n_features)
    np.testing.assert_array_equal(matrix, dense(dictionary))
    assert matrix.dtype == dictionary.dtype
    assert np.asarray(dictionary, dtype=np.longdouble).dtype == np.longdouble
    own = np.array(dictionary)
    own[...] = 1
    np.testing.assert_array_equal(dense(dictionary), matrix)
    if issparse(dictionary.atoms):
        with pytest.raises(ValueError, match="without a copy"):
            np.asarray(dictionary, copy=False)
    else:
        assert np.shares_memory(np.asarray(dictionary, copy=False), dictionary.atoms)
    np.testing.assert_array_equal(np.max(dictionary, axis=0), dense(dictionary).max(axis=0))


def test_representations(dictionary):
    text = repr(dictionary)
    assert text.startswith(f"Dictionary({len(dictionary)} ")
    assert len(text) < 200
    markup = dictionary._repr_html_()
    assert "data:image/png;base64,iVBOR" in markup
    assert len(markup) < 50_000
    canvas = dictionary.plot(ax=Figure().subplots()).images[0].get_array()
    assert np.isfinite(canvas).sum() >= dense(dictionary).size
    assert np.nanmax(np.abs(canvas)) == (1 if dense(dictionary).any() else 0)
