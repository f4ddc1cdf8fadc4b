"""The fields of a `Dictionary`: what is allowed, in the one form in which it is kept.

Arrays come out immutable, so that dictionaries can share them.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from scipy.sparse import csr_array, issparse

from .._core.immutable import immutable

_DEFAULT_DIMS = {2: ("feature",), 3: ("y", "x"), 4: ("channel", "y", "x")}

#: Names of the axes of an atom where samples are images in colour, as they are given to encoders.
IMAGE_DIMS = ("y", "x", "channel")

#: Variables of `Dictionary.to_xarray`, which coordinates may not be called.
RESERVED = ("atoms", "shapes", "atoms_data", "atoms_indices", "atoms_indptr")


def as_atoms(atoms):
    """Return atoms as a float32 or float64 array, or as a canonical CSR array that may also be bool."""
    array = _as_csr(atoms) if issparse(atoms) else _as_dense(atoms)
    if 0 in array.shape:
        raise ValueError(f"`atoms` must hold at least one atom with at least one entry, got shape {array.shape}.")
    entries = array.data if issparse(array) else array
    if entries.dtype.kind == "f" and not np.isfinite(entries).all():
        rows = array.tocoo().coords[0] if issparse(array) else np.arange(len(array))
        bad = rows[~np.isfinite(entries.reshape(len(rows), -1)).all(axis=1)]
        raise ValueError(
            f"`atoms` must be finite, but {len(np.unique(bad))} of {array.shape[0]} atoms hold NaN or infinity "
            f"(in {array.dtype}), the first of them atom {bad[0]}."
        )
    return array


def as_shapes(shapes, atoms):
    """Return the true extents as int64 (n_atoms, n_axes), or None; atoms must be zero outside of them."""
    if shapes is None:
        return None
    if issparse(atoms):
        raise ValueError("`shapes` is for dense atoms, which are padded; sparse atoms need None.")
    table = np.asarray(shapes)
    if table.dtype.kind not in "iu" or table.shape != (len(atoms), atoms.ndim - 1):
        raise ValueError(
            f"`shapes` must be integers of shape {(len(atoms), atoms.ndim - 1)}, one row of extents for each atom, "
            f"got {table.dtype} of shape {table.shape}."
        )
    extent = np.array(atoms.shape[1:])
    if (table < 1).any() or (table > extent).any():
        raise ValueError(f"`shapes` must lie between 1 and the extent {tuple(atoms.shape[1:])} of the array of atoms.")
    inside = np.ones(atoms.shape, dtype=bool)
    for axis, side in enumerate(extent):
        within = np.arange(side) < table[:, axis, None]
        inside &= within.reshape(len(atoms), *(side if other == axis else 1 for other in range(len(extent))))
    if atoms[~inside].any():
        bad = np.flatnonzero((~inside & (atoms != 0)).reshape(len(atoms), -1).any(axis=1))
        raise ValueError(
            f"`atoms` must be zero outside `shapes` (kernels start at index 0 of each axis), but {len(bad)} are not, "
            f"the first of them atom {bad[0]}."
        )
    return immutable(table.astype(np.int64))


def as_dims(dims, atoms):
    """Return the names of the axes, "atom" first."""
    if dims is None:
        spatial = _DEFAULT_DIMS.get(atoms.ndim) or tuple(f"axis_{axis}" for axis in range(1, atoms.ndim))
        return ("atom", *spatial)
    names = tuple(dims) if not isinstance(dims, str) else (dims,)
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise ValueError(f"`dims` must be different names of axes, got {names!r:.100}.")
    if len(names) != atoms.ndim or names[0] != "atom":
        raise ValueError(f"`dims` must name the {atoms.ndim} axes of the atoms, the first 'atom', got {names!r:.100}.")
    return names


def image_dims(shape):
    """Return the names of the axes of atoms for samples of a shape, an `input_shape`; None is the default."""
    return ("atom", *IMAGE_DIMS) if shape is not None and len(shape) == len(IMAGE_DIMS) else None


def as_coords(coords, n_atoms, dims):
    """Return the coordinates as a read-only mapping of arrays with one entry or row for each atom."""
    if not isinstance(coords, Mapping):
        raise TypeError(f"`coords` must be a mapping of names to arrays, got {type(coords).__name__}.")
    for name in coords:
        if not isinstance(name, str) or not name:
            raise TypeError(f"names in `coords` must be non-empty strings, got {name!r:.60}.")
        if name in (*dims[1:], *RESERVED):
            raise ValueError(
                f"a coordinate may not be called {name!r}, which names an axis or the atoms themselves; rename it."
            )
    return MappingProxyType({str(name): _as_coordinate(name, value, n_atoms) for name, value in coords.items()})


def as_attrs(attrs):
    """Return the attributes as a read-only mapping of plain Python scalars."""
    if not isinstance(attrs, Mapping):
        raise TypeError(f"`attrs` must be a mapping of names to scalars, got {type(attrs).__name__}.")
    return MappingProxyType({_attribute_name(name): _as_scalar(name, value) for name, value in attrs.items()})


def _as_dense(atoms):
    if hasattr(atoms, "dims") and hasattr(atoms, "coords"):
        raise TypeError(
            f"`atoms` is a {type(atoms).__name__}, whose names and coordinates would be lost; use "
            "Dictionary.from_xarray for xarray objects, dataclasses.replace to change a Dictionary."
        )
    array = np.asarray(atoms)
    _check_real(array.dtype, "atoms")
    if np.ma.is_masked(atoms):
        raise ValueError("`atoms` is a masked array with hidden entries; fill or drop them.")
    if array.ndim < 2:
        raise ValueError(
            f"`atoms` must have shape (n_atoms, *atom_shape), at least 2 axes, got shape {array.shape}; "
            "give a single atom as atom[None]."
        )
    with np.errstate(over="ignore"):  # infinity is refused, with the number of atoms
        return immutable(array if array.dtype in (np.float32, np.float64) else array.astype(np.float64))


def _as_csr(atoms):
    _check_real(atoms.dtype, "atoms")
    if atoms.ndim != 2:
        raise ValueError(f"sparse `atoms` must have shape (n_atoms, n_features), got {atoms.ndim} axes.")
    array = atoms.copy()
    if hasattr(array, "check_format"):
        array.check_format(full_check=True)  # compiled loops trust the indices
    array = csr_array(array)
    if array.dtype not in (bool, np.float32, np.float64):
        array = array.astype(np.float64)
    array.sum_duplicates()
    array.eliminate_zeros()
    limit = np.iinfo(np.int32).max
    if max(array.nnz, array.shape[1]) > limit:
        raise ValueError(
            f"sparse `atoms` have room for {limit} entries and features, got {array.nnz} and {array.shape[1]}."
        )
    indices, indptr = (immutable(part.astype(np.int32, copy=False)) for part in (array.indices, array.indptr))
    return csr_array((immutable(array.data), indices, indptr), shape=array.shape)


def _as_coordinate(name, value, n_atoms):
    array = np.asarray(value)
    if array.dtype.kind in "OT" and all(isinstance(item, str) for item in array.flat):
        array = array.astype(np.str_)
    if array.dtype.kind not in "biufU":
        raise TypeError(f"coordinate {name!r} must hold booleans, numbers or strings, got dtype {array.dtype}.")
    if array.ndim not in (1, 2) or len(array) != n_atoms or not array.size:
        raise ValueError(
            f"coordinate {name!r} needs one entry or one row for each of the {n_atoms} atoms, got shape {array.shape}."
        )
    if name == "atom" and array.ndim != 1:
        raise ValueError("coordinate 'atom' holds names of atoms and must have one axis, got two.")
    if array.dtype.kind == "U":  # no wider than needed: equal strings are equal arrays
        array = np.array(array.tolist(), dtype=np.str_)
    elif array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        array = array.astype(np.float32 if array.dtype.itemsize == 2 else np.float64)
    return immutable(array)


def _check_real(dtype, name):
    if dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must hold real numbers, got dtype {dtype}.")


def _attribute_name(name):
    if not isinstance(name, str) or not name:
        raise TypeError(f"names in `attrs` must be non-empty strings, got {name!r:.60}.")
    return str(name)


def _as_scalar(name, value):
    if isinstance(value, np.generic):
        value = value.item()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(
        f"attribute {name!r} must be a bool, int, float or string, got {type(value).__name__}; what belongs to single "
        "atoms goes into `coords`, what is not known is left out."
    )
