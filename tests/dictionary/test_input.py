"""What comes in: arrays of every kind are taken by value, each broken invariant is refused."""

import dataclasses
import struct
import zlib

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr
from scipy.sparse import coo_array, csc_array, csr_array, csr_matrix

from sparsecode import Dictionary, FormatError

pytestmark = pytest.mark.nojit


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a.tolist(),
        lambda a: tuple(map(tuple, a)),
        lambda a: a.astype(">f8"),
        np.asfortranarray,
        lambda a: a[::-1, ::-1][::-1, ::-1],
        lambda a: np.broadcast_to(a, (1, *a.shape))[0],
        pd.DataFrame,
        pl.DataFrame,
        lambda a: a.astype(np.longdouble),
        lambda a: a.astype(np.float16),
        lambda a: a.astype(np.int8),
        lambda a: a.astype(np.uint64),
        lambda a: np.ma.masked_array(a),
    ],
)
def test_atoms_of_every_kind_are_taken_by_value(convert):
    atoms = np.array([[1.0, 0.0, 3.0], [2.0, 1.0, 0.0]])
    given = convert(atoms.copy())
    dictionary = Dictionary(given)
    assert dictionary == Dictionary(atoms)
    assert type(dictionary.atoms) is np.ndarray
    assert dictionary.atoms.flags.c_contiguous
    assert dictionary.atoms.dtype == np.dtype("float64")
    if isinstance(given, np.ndarray) and given.flags.writeable:
        given[...] = 7
        assert dictionary == Dictionary(atoms)


def test_mapped_files_are_read_once(tmp_path):
    np.save(tmp_path / "atoms.npy", np.eye(3))
    dictionary = Dictionary(np.load(tmp_path / "atoms.npy", mmap_mode="r"))
    np.load(tmp_path / "atoms.npy", mmap_mode="r+")[...] = 5
    assert dictionary == Dictionary(np.eye(3))


def test_locked_arrays_are_shared_among_dictionaries_only():
    locked = np.eye(3)
    locked.flags.writeable = False
    dictionary = Dictionary(locked)
    locked.flags.writeable = True
    locked[:] = 5
    assert dictionary == Dictionary(np.eye(3))
    assert dataclasses.replace(dictionary, attrs={"a": 1}).atoms is dictionary.atoms


@pytest.mark.parametrize("form", [csr_array, csc_array, coo_array, csr_matrix])
def test_sparse_atoms_become_canonical(form):
    atoms = csr_array(([1.0, 2.0, 0.0, 4.0], [2, 0, 1, 2], [0, 4, 4]), shape=(2, 3))  # unsorted, twice 2, a zero
    atoms.indices, atoms.indptr = atoms.indices.astype(np.int64), atoms.indptr.astype(np.int64)
    before = atoms.data.copy()
    dictionary = Dictionary(form(atoms))
    assert dictionary.atoms.toarray().tolist() == [[2, 0, 5], [0, 0, 0]]
    assert dictionary.atoms.indices.tolist() == [0, 2]
    assert isinstance(dictionary.atoms, csr_array)
    np.testing.assert_array_equal(atoms.data, before)
    assert dictionary == Dictionary(csr_array([[2, 0, 5], [0, 0, 0]]))


def test_sparse_indices_are_checked_before_compiled_code_sees_them():
    for indices, indptr in (([0, 9], [0, 1, 2]), ([0, -1], [0, 1, 2]), ([0, 1], [0, 2, 1])):
        atoms = csr_array(([1.0, 1.0], [0, 1], [0, 1, 2]), shape=(2, 3))
        atoms.indices[:], atoms.indptr[:] = indices, indptr
        with pytest.raises(ValueError, match="ind"):
            Dictionary(atoms)


EYE = np.eye(2)
BAD = {
    "one axis": (ValueError, [[1, 2]], {}, r"at least 2 axes, got shape \(2,\); give a single atom as atom\[None\]"),
    "no atoms": (ValueError, [np.empty((0, 3))], {}, "at least one atom with at least one entry"),
    "no features": (ValueError, [np.empty((3, 0))], {}, "at least one atom with at least one entry"),
    "empty csr": (ValueError, [csr_array((0, 3))], {}, "at least one atom"),
    "nan": (ValueError, [[[1, 2], [np.nan, 1]]], {}, "1 of 2 atoms hold NaN or infinity.*the first of them atom 1"),
    "inf in csr": (ValueError, [csr_array([[1, 0], [0, np.inf]])], {}, "1 of 2 atoms hold NaN.*atom 1"),
    "complex": (TypeError, [EYE * 1j], {}, "real numbers, got dtype complex128"),
    "complex csr": (TypeError, [csr_array(EYE * 1j)], {}, "real numbers, got dtype complex128"),
    "strings": (TypeError, [[["a", "b"]]], {}, "real numbers, got dtype <U1"),
    "objects": (TypeError, [np.array([[None]])], {}, "real numbers, got dtype object"),
    "dates": (TypeError, [np.zeros((1, 1), "M8[s]")], {}, "real numbers"),
    "hidden": (ValueError, [np.ma.masked_equal(EYE, 0)], {}, "masked array with hidden entries"),
    "huge longdouble": (ValueError, [np.array([[1e300]], np.longdouble) ** 2], {}, "must be finite"),
    "dictionary": (TypeError, [Dictionary(EYE)], {}, "`atoms` is a Dictionary, .* dataclasses.replace"),
    "DataArray": (TypeError, [xr.DataArray(EYE)], {}, "`atoms` is a DataArray, .* use Dictionary.from_xarray"),
    "shapes of csr": (ValueError, [csr_array(EYE)], {"shapes": [[1], [1]]}, "sparse atoms need None"),
    "shapes of reals": (ValueError, [EYE], {"shapes": [[1.0], [1.0]]}, "must be integers of shape"),
    "shapes too few": (ValueError, [EYE], {"shapes": [[1]]}, r"of shape \(2, 1\).*got int64 of shape \(1, 1\)"),
    "shapes flat": (ValueError, [EYE], {"shapes": [1, 1]}, r"of shape \(2, 1\)"),
    "shape zero": (ValueError, [EYE], {"shapes": [[1], [0]]}, "between 1 and the extent"),
    "shape large": (ValueError, [EYE], {"shapes": [[3], [2]]}, "between 1 and the extent"),
    "padding": (
        ValueError,
        [EYE],
        {"shapes": [[1], [1]]},
        "zero outside `shapes`.*1 are not, the first of them atom 1",
    ),
    "dims too few": (ValueError, [EYE], {"dims": ("atom",)}, "must name the 2 axes"),
    "dims first": (ValueError, [EYE], {"dims": ("feature", "atom")}, "the first 'atom'"),
    "dims twice": (ValueError, [EYE], {"dims": ("atom", "atom")}, "different names"),
    "dims string": (ValueError, [EYE], {"dims": "atom"}, "must name the 2 axes"),
    "dims number": (ValueError, [EYE], {"dims": ("atom", 1)}, "different names"),
    "coords list": (TypeError, [EYE], {"coords": [1, 2]}, "must be a mapping of names to arrays, got list"),
    "coords name": (TypeError, [EYE], {"coords": {1: [1, 2]}}, "non-empty strings, got 1"),
    "coords no name": (TypeError, [EYE], {"coords": {"": [1, 2]}}, "non-empty strings"),
    "coords of axis": (ValueError, [EYE], {"coords": {"feature": [1, 2]}}, "may not be called 'feature'"),
    "coords atoms": (ValueError, [EYE], {"coords": {"atoms": [1, 2]}}, "may not be called 'atoms'"),
    "coords length": (ValueError, [EYE], {"coords": {"a": [1]}}, r"each of the 2 atoms, got shape \(1,\)"),
    "coords scalar": (ValueError, [EYE], {"coords": {"a": 1}}, r"each of the 2 atoms, got shape \(\)"),
    "coords axes": (ValueError, [EYE], {"coords": {"a": np.ones((2, 1, 1))}}, "one entry or one row"),
    "coords empty": (ValueError, [EYE], {"coords": {"a": np.ones((2, 0))}}, "one entry or one row"),
    "coords complex": (TypeError, [EYE], {"coords": {"a": [1j, 1]}}, "booleans, numbers or strings, got dtype complex"),
    "coords dates": (TypeError, [EYE], {"coords": {"a": np.zeros(2, "M8[s]")}}, "got dtype datetime64"),
    "coords objects": (TypeError, [EYE], {"coords": {"a": ["x", None]}}, "got dtype object"),
    "coords bytes": (TypeError, [EYE], {"coords": {"a": [b"x", b"y"]}}, "got dtype |S1"),
    "rows of names": (ValueError, [EYE], {"coords": {"atom": [["a"], ["b"]]}}, "coordinate 'atom' holds names"),
    "attrs list": (TypeError, [EYE], {"attrs": [1]}, "must be a mapping of names to scalars, got list"),
    "attrs name": (TypeError, [EYE], {"attrs": {1: 1}}, "non-empty strings, got 1"),
    "attrs array": (TypeError, [EYE], {"attrs": {"a": np.ones(2)}}, "'a' must be a bool, int, float or string, got nd"),
    "attrs none": (TypeError, [EYE], {"attrs": {"a": None}}, "got NoneType; .* what is not known is left out"),
}


@pytest.mark.parametrize("name", BAD)
def test_each_broken_invariant_is_refused(name):
    error, arguments, keywords, message = BAD[name]
    with pytest.raises(error, match=message):
        Dictionary(*arguments, **keywords)


def test_metadata_is_brought_into_one_form():
    dictionary = Dictionary(
        EYE,
        dims=["atom", "pixel"],
        coords={
            "wide": np.array(["a", "bc"], dtype="<U9"),
            "objects": pd.Series(["a", "bc"], dtype=object),
            "half": np.array([1, 2], dtype=np.float16),
            "swapped": np.array([1, 2], dtype=">i4"),
            "rows": [[1, 2], [3, 4]],
        },
        attrs={"a": np.float32(0.5), "b": np.bool_(True), "c": np.int8(3), "d": np.str_("x")},
    )
    assert dictionary.dims == ("atom", "pixel")
    assert {name: array.dtype.str for name, array in dictionary.coords.items()} == {
        "wide": "<U2",
        "objects": "<U2",
        "half": "<f4",
        "swapped": "<i4",
        "rows": "<i8",
    }
    assert [type(value) for value in dictionary.attrs.values()] == [float, bool, int, str]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda d: d.select([]), (IndexError, ValueError), "integer|selects no atom"),
        (lambda d: d.select(np.zeros(3, bool)), ValueError, "selects no atom"),
        (lambda d: d.select(3), IndexError, "out of bounds"),
        (lambda d: d.select([True]), IndexError, "boolean"),
        (lambda d: d.select([[0, 1]]), IndexError, "must have one axis, got 2"),
        (
            lambda d: d.sorted("size"),
            ValueError,
            "no coordinate 'size' to sort by; the coordinates are: 'scale', 'place'",
        ),
        (lambda d: d.sorted([1, 2]), ValueError, r"each of the 3 atoms, got shape \(2,\)"),
        (lambda d: d.sorted("place"), ValueError, r"got shape \(3, 2\)"),
        (lambda d: d.concat(np.eye(3)), TypeError, "only dictionaries can be joined, got ndarray"),
        (lambda d: d.concat(Dictionary(np.eye(2))), ValueError, "differ in shape, axes or sparsity"),
        (lambda d: d.concat(Dictionary(csr_array(np.eye(3)))), ValueError, "differ in shape, axes or sparsity"),
        (lambda d: d.concat(Dictionary(np.eye(3), dims=("atom", "t"))), ValueError, "differ in shape, axes"),
        (
            lambda d: d.concat(Dictionary(np.eye(3), coords={"scale": ["a"] * 3})),
            ValueError,
            "'scale' holds strings in",
        ),
        (
            lambda d: d.concat(Dictionary(np.eye(3), coords={"place": [1, 2, 3]})),
            ValueError,
            "rows of different lengths",
        ),
        (lambda d: d.normalized("l1"), ValueError, "`norm` must be 'l2' or 'max', got 'l1'"),
        (lambda d: Dictionary(csr_array(EYE)).to_list(), ValueError, "`to_list` is for dense atoms"),
        (lambda d: Dictionary(csr_array(EYE)).cropped(), ValueError, "`cropped` is for dense atoms"),
        (
            lambda d: Dictionary(np.ones((1, 3, 5, 5))).concat(Dictionary(np.ones((1, 1, 5, 5)))),
            ValueError,
            "other than 'feature' and 'channel': theirs are",
        ),
        (
            lambda d: Dictionary(csr_array(EYE), dims=("atom", "t")).concat(
                Dictionary(csr_array(np.eye(3)), dims=("atom", "t"))
            ),
            ValueError,
            "differ in shape, axes or sparsity",
        ),
        (lambda d: Dictionary.log_gabor_bank(n_orientations=0), ValueError, "`n_orientations` must be positive int"),
        (lambda d: Dictionary.log_gabor_bank(B_theta="wide"), ValueError, "`B_theta` must be a number or a sequence"),
        (lambda d: Dictionary.log_gabor_bank(phase=[]), ValueError, "`phase` must be a number or a sequence"),
        (lambda d: Dictionary.log_gabor_bank(None, sf_0=0.0), ValueError, "`sf_0` must lie between 0 and 0.5"),
        (lambda d: Dictionary.log_gabor_bank([8, 9]), ValueError, "one for each of the 1 entries of `sf_0`"),
        (lambda d: Dictionary.log_gabor_bank([8.5]), TypeError, "`size` must be an int, got float"),
        (lambda d: Dictionary.log_gabor_bank(normalization="l1"), ValueError, "'max', 'l2' or None, got 'l1'"),
        (lambda d: d.astype("int8"), ValueError, "must be float32, float64 or .* bool, got int8"),
        (lambda d: d.astype(bool), ValueError, "only sparse atoms whose entries are all 1"),
        (lambda d: Dictionary(csr_array([[2]])).astype(bool), ValueError, "only sparse atoms whose entries are all 1"),
        (lambda d: d.decode([1, 2]), ValueError, r"shape \(..., 3\), one coefficient for each atom, got shape \(2,\)"),
        (lambda d: d.decode(2.0), ValueError, r"got shape \(\)"),
        (lambda d: d.decode([1, 2, np.nan]), ValueError, "must be finite"),
        (lambda d: d.decode(csr_array([[1, np.inf, 0]])), ValueError, "must be finite"),
        (lambda d: d.decode(["a", "b", "c"]), TypeError, "real numbers, got dtype <U1"),
        (lambda d: d.decode([1j, 0, 0]), TypeError, "real numbers, got dtype complex"),
        (lambda d: Dictionary.from_xarray(np.eye(3)), TypeError, "Dataset or DataArray, got ndarray"),
        (lambda d: Dictionary.from_xarray(xr.DataArray(EYE)), ValueError, "no dimension 'atom' among .*rename"),
        (lambda d: Dictionary.from_xarray(xr.Dataset({"W": 1})), ValueError, r"needs a variable 'atoms', got \['W'\]"),
        (lambda d: Dictionary.from_array(EYE, shape=3), ValueError, "number of entries differs"),
        (lambda d: Dictionary.from_array(EYE, shape=(1, 0)), ValueError, "`shape` must be positive integers"),
        (lambda d: Dictionary.from_array(csr_array(EYE), shape=(1, 2)), ValueError, "`shape` is for dense atoms"),
        (lambda d: Dictionary.from_array([EYE, [1]]), ValueError, "the same number of axes"),
        (lambda d: Dictionary.random(0, 3), ValueError, "`n_atoms` must be positive integers, got 0"),
        (lambda d: Dictionary.random(2, 2.5), ValueError, "`shape` must be positive integers, got 2.5"),
        (lambda d: Dictionary.from_samples([[0, 0], [1, 1], [1, 1]], 2), ValueError, "X has 1 different rows"),
        (lambda d: Dictionary.from_samples([[0, np.nan]], 1), ValueError, "must be finite"),
        (lambda d: Dictionary.from_samples(1.0, 1), ValueError, "X has 0 different rows"),
        (lambda d: Dictionary.dct((4, 4), 3), ValueError, "at least `shape`"),
        (lambda d: Dictionary.dct((4, 4), (4, 4, 4)), ValueError, "at least `shape`"),
        (lambda d: Dictionary.log_gabor((8, 8), theta=0, B_theta=1), TypeError, "`size` must be an int, got tuple"),
        (lambda d: Dictionary.log_gabor(3, theta=0, B_theta=1), ValueError, "at least 4 pixels, got 3"),
        (lambda d: Dictionary.log_gabor(8, theta=0, B_theta=0), ValueError, "`B_theta` must lie between 0 and inf"),
        (
            lambda d: Dictionary.log_gabor(8, theta=0, B_theta=1, sf_0=0.5),
            ValueError,
            "`sf_0` must lie between 0 and 0.5",
        ),
        (lambda d: Dictionary.log_gabor(8, theta=np.nan, B_theta=1), ValueError, "`theta` must be finite"),
        (lambda d: Dictionary.log_gabor(8, theta=0.3, B_theta=1e-5), ValueError, "no frequency of a kernel"),
        (lambda d: Dictionary.gabor((8, 8), theta=0, frequency=0.1, sigma_x=0, sigma_y=1), ValueError, "sigma_x"),
        (
            lambda d: Dictionary.difference_of_gaussians((5, 5), sigma_center=2, sigma_surround=2),
            ValueError,
            "must be larger than `sigma_center`",
        ),
        (
            lambda d: Dictionary.difference_of_gaussians(5, sigma_center=1, sigma_surround=2),
            ValueError,
            "`shape` must have 2 sides",
        ),
    ],
)
def test_bad_calls(call, error, message):
    dictionary = Dictionary(np.eye(3), coords={"scale": [3, 1, 2], "place": np.eye(3)[:, :2]})
    with pytest.raises(error, match=message):
        call(dictionary)


def test_files_of_other_kinds_and_contents_are_refused(tmp_path):
    path = tmp_path / "d.npz"
    Dictionary(csr_array(np.eye(3))).save(path)
    data = path.read_bytes()
    for old, new in (
        (b'"kind": "dictionary"', b'"kind": "dictionarY"'),
        (b'"class": "Dictionary"', b'"class": "Dictionarx"'),
        (b'"$csr"', b'"$cst"'),
    ):
        assert old in data
        path.write_bytes(_signed(data.replace(old, new)))
        with pytest.raises(FormatError, match="d.npz"):
            Dictionary.load(path)


def _signed(data):
    """Give a changed zip of equal length the checksum of its header."""
    start = data.index(b"{")
    length = struct.unpack("<I", data[22:26])[0]
    old, new = data[14:18], struct.pack("<I", zlib.crc32(data[start : start + length]))
    return data.replace(old, new)
