"""Dictionaries as `xarray.Dataset` and back."""

import xarray as xr
from scipy.sparse import csr_array, issparse


def to_dataset(dictionary):
    """Return a Dataset with all fields of a dictionary."""
    coords = {
        name: (("atom",) if array.ndim == 1 else ("atom", f"{name}_entry"), array.copy())
        for name, array in dictionary.coords.items()
    }
    atoms = dictionary.atoms
    if issparse(atoms):
        about = {"feature_dim": dictionary.dims[1], "n_features": atoms.shape[1]}
        variables = {
            "atoms_data": ("entry", atoms.data.copy(), about),
            "atoms_indices": ("entry", atoms.indices.copy()),
            "atoms_indptr": ("border", atoms.indptr.copy()),
        }
    else:
        variables = {"atoms": (dictionary.dims, atoms.copy())}
    if dictionary.shapes is not None:
        variables["shapes"] = (("atom", "axis"), dictionary.shapes.copy())
    return xr.Dataset(variables, coords=coords, attrs=dict(dictionary.attrs))


def from_xarray(data):
    """Return the fields of a dictionary from a Dataset or a DataArray."""
    if not isinstance(data, xr.Dataset | xr.DataArray):
        raise TypeError(f"`data` must be an xarray Dataset or DataArray, got {type(data).__name__}; see from_array.")
    coords = {
        str(name): coord.transpose("atom", ...).values
        for name, coord in data.coords.items()
        if "atom" in coord.dims and coord.ndim <= 2
    }
    fields = {"coords": coords, "attrs": data.attrs}
    if isinstance(data, xr.DataArray):
        return fields | _dense(data)
    if "shapes" in data:
        fields["shapes"] = data["shapes"].transpose("atom", ...).values
    if "atoms" in data:
        return fields | _dense(data["atoms"])
    if "atoms_data" not in data:
        raise ValueError(f"the Dataset needs a variable 'atoms', got {sorted(map(str, data.data_vars))!r:.100}.")
    parts = tuple(data[f"atoms_{part}"].values for part in ("data", "indices", "indptr"))
    about = data["atoms_data"].attrs
    shape = (len(parts[2]) - 1, int(about["n_features"]))
    return fields | {"atoms": csr_array(parts, shape=shape), "dims": ("atom", about["feature_dim"])}


def _dense(array):
    if "atom" not in array.dims:
        raise ValueError(f"there is no dimension 'atom' among {array.dims}; rename the one along which the atoms lie.")
    array = array.transpose("atom", ...)
    return {"atoms": array.values, "dims": array.dims}
