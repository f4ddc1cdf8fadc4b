"""Encoders for `xarray.DataArray`: dimensions, coordinates and provenance go along, and Dask arrays stay lazy.

    codes = labeled.encode(encoder, data, dim=("y", "x"))
    images = labeled.decode(encoder, codes)

The numbers are those of ``encoder.transform`` and ``encoder.inverse_transform``, bit for bit. An array in chunks is
coded chunk by chunk, by whatever scheduler computes it, which is the way to more than one machine.
"""

import copy
import functools
import math

import numpy as np
import xarray as xr
from sklearn.utils.validation import check_is_fitted

from . import __version__
from ._core.samples import as_shape, groups_from_lengths
from .dictionary import Dictionary
from .encoder import Encoder, as_dense

__all__ = ["decode", "encode", "fit"]

#: Attributes of codes that are about their making.
PROVENANCE = ("encoder", "sparsecode_version", "input_dims", "input_sizes")


def fit(encoder, data, dim):
    """Fit an encoder to a DataArray, whose samples lie along all dimensions but `dim`.

    Parameters
    ----------
    encoder : Encoder
        Stateful encoders take the samples along "time", or along the only dimension that is left, as a sequence.
    data : xarray.DataArray
        Dask arrays are loaded: give a part that fits into memory, such as ``data.isel(sample=slice(0, 10_000))``, or
        rows of the array, ``data.data``, to `SparseCoder.fit_blocks`.
    dim : str or sequence of str
        Dimensions that make up one sample, in the order of the axes of `input_shape`.

    Returns
    -------
    Encoder
        The same, fitted.

    Raises
    ------
    TypeError, ValueError
        As `encode`, and as ``encoder.fit``.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> from sparsecode import SparseCoder, labeled
    >>> data = xr.DataArray(np.random.default_rng(0).normal(size=(3, 3, 90)), dims=("y", "x", "sample"))
    >>> coder = labeled.fit(SparseCoder(4, input_shape=(3, 3), max_iter=2), data, dim=("y", "x"))
    >>> coder.dictionary_.to_xarray()["atoms"].dims
    ('atom', 'y', 'x')
    """
    dims = _check_samples(encoder, data, dim)
    time = _time_dim(encoder, data.dims, dims)
    array = data.transpose(..., *time, *dims).values
    return encoder.fit(**_as_rows(array, len(dims), timed=bool(time)))


def encode(encoder, data, dim):
    """Return the codes of a DataArray, whose samples lie along all dimensions but `dim`.

    Parameters
    ----------
    encoder : fitted Encoder
        Stateful encoders scan the samples along "time", or along the only dimension that is left, from their initial
        state.
    data : xarray.DataArray
        Of numbers. A Dask array stays lazy; `dim`, and the time of stateful encoders, must each be one chunk.
    dim : str or sequence of str
        Dimensions that make up one sample, in the order of the axes of `input_shape`.

    Returns
    -------
    xarray.DataArray
        Its last dimensions are ``encoder.code_dims_``, "atom" for most encoders, with the coordinates of
        ``encoder.dictionary_`` (a name that is taken gets the prefix "atom_"). The other dimensions, their coordinates
        and the attributes are those of `data`; "units" become "input_units", and if `data` are codes themselves, what
        is known about their making gets this prefix too. New attributes are "encoder", "sparsecode_version",
        "input_dims" and "input_sizes", of which `decode` needs the last two.

    Raises
    ------
    TypeError
        If `encoder` is not an encoder, or `data` not a DataArray of numbers.
    ValueError
        If dimensions are missing, have the wrong sizes, are chunked, or bear the name of one of the codes.
    sklearn.exceptions.NotFittedError
        If the encoder is not fitted.

    See Also
    --------
    decode

    Examples
    --------
    >>> import xarray as xr
    >>> from sparsecode import Dictionary, SparseCoder, labeled
    >>> data = xr.DataArray([[4.0, 0.0], [1.0, 3.0]], dims=("time", "channel"), coords={"time": [0.1, 0.2]})
    >>> atoms = Dictionary([[1, 0], [0, 1], [0.6, 0.8]], coords={"ear": ["left", "right", "both"]})
    >>> coder = labeled.fit(SparseCoder(dictionary=atoms, alpha=1.0), data, dim="channel")
    >>> codes = labeled.encode(coder, data, dim="channel")
    >>> codes.dims, codes.sel(time=0.1).values.tolist(), codes["ear"].values.tolist()
    (('time', 'atom'), [3.0, 0.0, 0.0], ['left', 'right', 'both'])
    """
    dims = _check_samples(encoder, data, dim)
    check_is_fitted(encoder)
    sizes = [data.sizes[name] for name in dims]
    if math.prod(sizes) != encoder.n_features_in_:
        raise ValueError(
            f"`dim` {_table(dims, sizes)} makes samples of {math.prod(sizes)} features, but the encoder was fitted to "
            f"{encoder.n_features_in_}."
        )
    _check_axes(encoder, dims, tuple(sizes))
    time = _time_dim(encoder, data.dims, dims)
    made = dict(zip(encoder.code_dims_, encoder.code_shape_, strict=True))
    codes = _apply("transform", encoder, data, dims, time, made, encoder._code_dtype(data.dtype))
    codes = codes.assign_coords(_atom_coords(encoder, codes))
    codes.attrs = _as_input(data.attrs) | {
        "encoder": repr(encoder),
        "sparsecode_version": __version__,
        "input_dims": ", ".join(map(str, dims)),
        "input_sizes": sizes,
    }
    return codes


def decode(encoder, codes, like=None):
    """Return the samples that codes stand for, with the dimensions that `encode` was given.

    Parameters
    ----------
    encoder : fitted Encoder
        With an `inverse_transform`.
    codes : xarray.DataArray
        As from `encode`, whose attributes say what dimensions a sample has. A Dask array stays lazy.
    like : xarray.DataArray or None, default=None
        Where the coordinates of those dimensions are taken from; usually the data that were encoded.

    Returns
    -------
    xarray.DataArray
        With the dimensions of samples last, and the attributes of the data that were encoded.

    Raises
    ------
    TypeError
        If `encoder` is not an encoder or has no `inverse_transform`, or `codes` are not a DataArray of numbers.
    ValueError
        If dimensions of the code are missing, have the wrong sizes or are chunked, or the attributes are lost.
    sklearn.exceptions.NotFittedError
        If the encoder is not fitted.

    See Also
    --------
    encode

    Examples
    --------
    >>> import xarray as xr
    >>> from sparsecode import SparseCoder, labeled
    >>> data = xr.DataArray([[4.0, 0.0]], dims=("time", "channel"), attrs={"units": "mV"})
    >>> coder = labeled.fit(SparseCoder(dictionary=[[1.0, 0.0], [0.0, 1.0]], alpha=1.0), data, dim="channel")
    >>> again = labeled.decode(coder, labeled.encode(coder, data, dim="channel"))
    >>> again.dims, again.values.tolist(), again.attrs
    (('time', 'channel'), [[3.0, 0.0]], {'units': 'mV'})
    """
    _check_kinds(encoder, codes, "codes")
    if like is not None:
        _check_kinds(encoder, like, "like")
    check_is_fitted(encoder)
    if not hasattr(encoder, "inverse_transform"):
        raise TypeError(f"`encoder` {encoder!r:.100} has no inverse_transform: see its capabilities().")
    dims = encoder.code_dims_
    _check_dims(codes, dims, "codes")
    if tuple(codes.sizes[name] for name in dims) != tuple(encoder.code_shape_):
        raise ValueError(
            f"`codes` have {_table(dims, [codes.sizes[name] for name in dims])}, but codes of this encoder have "
            f"{_table(dims, encoder.code_shape_)}."
        )
    time = _time_dim(encoder, codes.dims, dims)
    made = _sample_dims(encoder, codes)
    dtype = np.float32 if codes.dtype == np.float32 else np.float64
    samples = _apply("inverse_transform", encoder, codes, dims, time, made, dtype)
    samples.attrs = _of_input(codes.attrs)
    if like is not None:
        fitting = {name: coord for name, coord in like.coords.items() if coord.dims and set(coord.dims) <= set(made)}
        samples = samples.assign_coords(fitting)
    return samples


def _apply(method, encoder, array, dims, time, made, dtype):
    """Return the DataArray that a method of the encoder makes of samples along `dims`.

    Parameters
    ----------
    method : {"transform", "inverse_transform"}
    encoder : fitted Encoder
    array : xarray.DataArray
    dims : tuple
        Dimensions of a sample, or of a code.
    time : tuple
        The dimension along which a stateful encoder scans, if there is one.
    made : dict
        Names and sizes of the dimensions that take their place.
    dtype : dtype
    """
    clash = [name for name in made if name not in dims and (name in array.dims or name in array.coords)]
    if clash:
        raise ValueError(
            f"{clash} are names that the result needs for dimensions of its own; rename them in the input."
        )
    spread = [name for name in (*time, *dims) if len(array.chunksizes.get(name, ())) > 1]
    if spread:
        why = "a sample must be in one piece" if spread[0] in dims else "the encoder carries its state along time"
        raise ValueError(f"{spread} lie in several chunks, but {why}; use .chunk({dict.fromkeys(spread, -1)}) before.")
    taken = {name: f"_{name}" for name in dims if name in made}
    array = array.rename(taken)
    core = [*time, *(taken.get(name, name) for name in dims)]
    shape = tuple(made.values())
    run = functools.partial(_run, method=method, n_axes=len(dims), timed=bool(time), shape=shape, dtype=dtype)
    in_chunks = {"output_sizes": made}
    if array.chunks is None:
        run = functools.partial(run, encoder=encoder)
    else:  # one object for all tasks, which later learning does not change
        from dask import delayed

        in_chunks["encoder"] = delayed(copy.deepcopy(encoder), traverse=False)
    return xr.apply_ufunc(
        run,
        array,
        input_core_dims=[core],
        output_core_dims=[[*time, *made]],
        dask="parallelized",
        output_dtypes=[dtype],
        dask_gufunc_kwargs=in_chunks,
    )


def _run(block, *, encoder, method, n_axes, timed, shape, dtype):
    """Return what a method of the encoder makes of a block of samples with `n_axes` axes."""
    before = block.shape[: block.ndim - n_axes]
    if 0 in before:
        return np.empty((*before, *shape), dtype)
    rows = _as_rows(block, n_axes, timed=timed)
    return as_dense(getattr(encoder, method)(**rows)).reshape(*before, *shape).astype(dtype, copy=False)


def _as_rows(array, n_axes, *, timed):
    """Return samples as the arguments X and, where rows are moments of several sequences, groups."""
    n_samples = math.prod(array.shape[: array.ndim - n_axes])
    arguments = {"X": array.reshape(n_samples, -1)}
    if timed:
        length = array.shape[array.ndim - n_axes - 1]
        arguments["groups"] = groups_from_lengths([length] * (n_samples // length))
    return arguments


def _as_input(attrs):
    """Return attributes of data as they are called in attributes of its codes."""

    def rename(name):
        about_data = name in ("units", *PROVENANCE) or str(name).startswith("input_")
        return f"input_{name}" if about_data else name

    return {rename(name): value for name, value in attrs.items()}


def _of_input(attrs):
    """Return attributes of data from those of its codes."""
    kept = {name: value for name, value in attrs.items() if name not in PROVENANCE}
    return {name.removeprefix("input_") if isinstance(name, str) else name: value for name, value in kept.items()}


def _check_kinds(encoder, data, name):
    if not isinstance(encoder, Encoder):
        raise TypeError(f"`encoder` must be an encoder such as SparseCoder(), got {type(encoder).__name__}.")
    if not isinstance(data, xr.DataArray):
        hint = "; choose a variable of it" if isinstance(data, xr.Dataset) else ""
        raise TypeError(f"`{name}` must be an xarray.DataArray, got {type(data).__name__}{hint}.")
    if data.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must hold real numbers, got dtype {data.dtype}.")


def _check_dims(array, dims, name):
    missing = [dim for dim in dims if dim not in array.dims]
    if missing:
        raise ValueError(f"`{name}` has no dimension {', '.join(map(repr, missing))}; it has {tuple(array.dims)}.")


def _check_samples(encoder, data, dim):
    """Return `dim` as a tuple, after checks of what comes before fit."""
    _check_kinds(encoder, data, "data")
    dims = (dim,) if isinstance(dim, str) else tuple(dim)
    if not dims or len(set(dims)) < len(dims):
        raise ValueError(f"`dim` must name the dimensions of a sample, each once, got {dim!r}.")
    _check_dims(data, dims, "data")
    sizes = tuple(data.sizes[name] for name in dims)
    shape = getattr(encoder, "input_shape", None)
    if shape is not None and len(dims) > 1 and sizes != as_shape(shape):
        raise ValueError(
            f"`dim` {_table(dims, sizes)} differs from `input_shape`={shape} of the encoder; give the dimensions in "
            "the order of its axes."
        )
    return dims


def _check_axes(encoder, dims, sizes):
    """Refuse samples whose axes are those of the atoms of a fitted encoder in another order."""
    dictionary = getattr(encoder, "dictionary_", None)
    if dictionary is None:
        return
    axes = dictionary.dims[1:]
    # Atoms that were learned, or given as a plain array, have names that mean nothing
    named = isinstance(getattr(encoder, "dictionary", None), Dictionary)
    # Kernels of images in colour have their channels first, where images have them last
    places = [tuple(name for name in names if name != "channel") for names in (axes, dims)]
    if dictionary.n_features == math.prod(sizes):
        places = [axes, dims]
    turned = named and places[0] != places[1] and set(places[0]) == set(places[1])
    same_size = len(axes) == len(dims) and math.prod(sizes) == dictionary.n_features
    if turned or (same_size and sizes != dictionary.atom_shape):
        raise ValueError(
            f"`dim` {_table(dims, sizes)} differs from the axes {_table(axes, dictionary.atom_shape)} of the atoms of "
            "the encoder; give the dimensions in their order."
        )


def _time_dim(encoder, all_dims, dims):
    """Return the dimension along which a stateful encoder scans, as a tuple; () for others."""
    others = [name for name in all_dims if name not in dims]
    if not encoder.capabilities().stateful or not others:
        return ()
    if "time" in others:
        return ("time",)
    if len(others) > 1:
        raise ValueError(
            f"{type(encoder).__name__} scans samples in time, which may be along any of {others}; rename the dimension "
            "of time to 'time', and the others are sequences of their own."
        )
    return tuple(others)


def _sample_dims(encoder, codes):
    """Return names and sizes of the dimensions of a sample, from the attributes of its codes."""
    names = str(codes.attrs.get("input_dims", "")).split(", ")
    sizes = np.atleast_1d(codes.attrs.get("input_sizes", ())).tolist()
    if len(names) != len(sizes) or math.prod(sizes) != encoder.n_features_in_:
        raise ValueError(
            "`codes` must have the attributes 'input_dims' and 'input_sizes' that `encode` has given to codes of this "
            f"encoder, got {codes.attrs.get('input_dims')!r} and {codes.attrs.get('input_sizes')!r}; arithmetic of "
            "xarray keeps attributes with xarray.set_options(keep_attrs=True)."
        )
    return dict(zip(names, sizes, strict=True))


def _atom_coords(encoder, codes):
    """Return what the dictionary of the encoder knows about its atoms, as coordinates of codes."""
    atoms = encoder.dictionary_
    if "atom" not in codes.dims or atoms is None or codes.sizes["atom"] != len(atoms):
        return {}
    taken = {*codes.dims, *codes.coords} - {"atom"}
    flat = {name: values for name, values in atoms.coords.items() if values.ndim == 1}
    return {f"atom_{name}" if name in taken else name: ("atom", values) for name, values in flat.items()}


def _table(dims, sizes):
    return f"({', '.join(f'{name}: {size}' for name, size in zip(dims, sizes, strict=True))})"
