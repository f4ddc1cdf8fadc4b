"""Save and load dictionaries and fitted encoders, exactly and without pickle.

A file is an archive (a zip of ``header.json`` and ``.npy`` members) that holds values only: numbers, strings
and arrays. Which class a file belongs to is looked up in tables of this module; no file can name code to run.
"""

import dataclasses
import importlib
import math
from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_array

from ._core.archive import FormatError, format_errors, read_archive, read_header, write_archive
from .dictionary import Dictionary

__all__ = ["FormatError", "inspect_file", "load", "save"]

#: Encoders that can be saved: class name -> module that has it. A class needs two methods:
#: ``_get_fitted_state()`` returns (scalars, arrays), two dicts by attribute name, and
#: ``_set_fitted_state(scalars, arrays)`` takes them back, with arrays that may be written.
ENCODERS = {"PatchEncoder": "sparsecode.coding", "SparseCoder": "sparsecode.coding"}

#: Member names of arrays that belong to parameters of an encoder; all others are its fitted state.
_PARAMETER = "params_"


def save(value, path):
    """Save a `Dictionary` or a fitted encoder in one file, which `load` gives back bit for bit.

    Parameters
    ----------
    value : Dictionary or fitted encoder
        Parameters of an encoder may be numbers, strings, None, lists, tuples, dicts, arrays, dictionaries,
        penalties and encoders; a random generator cannot be saved, its seed can.
    path : str or path-like
        File to write; ``.npz`` is the usual ending. It is replaced in one step: after a crash the old or the
        new file is there. A symbolic link is refused.

    Raises
    ------
    TypeError
        If `value` or one of its parameters cannot be saved.
    ValueError
        If names and strings take more than 1 MiB.
    sklearn.exceptions.NotFittedError
        If the encoder is not fitted.
    OSError
        If the file cannot be written.

    See Also
    --------
    load, inspect_file

    Notes
    -----
    The file is a zip of ``header.json`` and ``.npy`` members without compression, so that ``numpy.load`` reads
    its arrays, and so will any program in twenty years.

    Examples
    --------
    >>> import os, tempfile
    >>> import sparsecode
    >>> atoms = sparsecode.Dictionary.random(4, (3, 3), random_state=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "atoms.npz")
    ...     sparsecode.save(atoms, path)
    ...     sparsecode.load(path) == atoms
    True
    """
    if isinstance(value, Dictionary):
        arrays = {}
        params = {name: encode(field, name, arrays) for name, field in _fields(value).items()}
        write_archive(path, "dictionary", {"class": "Dictionary", "params": params, "scalars": {}}, arrays)
    else:
        write_archive(path, "encoder", *describe_encoder(value))


def load(path, *, kind=None):
    """Load what `save` has written: a `Dictionary` or a fitted encoder. A `Checkpoint` gives the encoder of its time.

    Parameters
    ----------
    path : str or path-like
    kind : {"dictionary", "encoder", "checkpoint"} or None, default=None
        Refuse a file that holds something else; None takes all.

    Returns
    -------
    Dictionary or encoder

    Raises
    ------
    FormatError
        If the file is damaged, comes from elsewhere, was written by a later version, or holds another `kind`.
    OSError
        If the file cannot be read.

    See Also
    --------
    save, inspect_file

    Notes
    -----
    Loading runs no code from the file, whoever wrote it, and takes no more memory than the file has bytes
    (twice that for an encoder). Checksums are compared.

    Examples
    --------
    >>> import os, tempfile
    >>> import sparsecode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "atoms.npz")
    ...     sparsecode.Dictionary.dct(8).save(path)
    ...     sparsecode.load(path)
    Dictionary(8 atoms of 8, float64, coords: frequency_feature)
    """
    header, arrays = read_archive(path, kind)
    with format_errors(path):
        if header["kind"] not in _BUILDERS:
            raise FormatError(f"holds {header['kind']!r:.60}, which this version does not know.")
        return _BUILDERS[header["kind"]](header, arrays)


def inspect_file(path):
    """Return the header of a saved file as a dict, without reading its arrays.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    dict
        "kind", "class", "params", "scalars"; "arrays" (dtype, shape, bytes and checksum of each); "writer"
        (versions) and "created" (UTC).

    Raises
    ------
    FormatError
        If the file is damaged, comes from elsewhere, or was written by a later version.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import os, tempfile
    >>> import sparsecode
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "atoms.npz")
    ...     sparsecode.Dictionary.random(4, (3, 3), random_state=0).save(path)
    ...     header = sparsecode.inspect_file(path)
    >>> header["kind"], header["arrays"]["atoms"]["shape"]
    ('dictionary', [4, 3, 3])
    """
    return read_header(path)


def _fields(dictionary):
    return {field.name: getattr(dictionary, field.name) for field in dataclasses.fields(dictionary)}


def _build_dictionary(header, arrays):
    if header["class"] != "Dictionary" or header["scalars"]:
        raise FormatError("its header does not describe a dictionary.")
    unused = dict(arrays)
    fields = decode_mapping(header["params"], unused)
    if unused:
        raise FormatError(f"holds arrays that do not belong to the dictionary: {sorted(unused)!r:.100}.")
    return Dictionary(**fields)


def describe_encoder(encoder):
    """Return header and arrays of a fitted encoder."""
    from sklearn.utils.validation import check_is_fitted

    name = type(encoder).__name__
    if not _is_encoder(encoder):
        raise TypeError(
            f"a {name} cannot be saved; a Dictionary can, and these fitted encoders: {', '.join(sorted(ENCODERS))}."
        )
    check_is_fitted(encoder)
    arrays = {}
    params = _encode_params(encoder, _PARAMETER, arrays)
    scalars, state = _fitted_state(encoder)
    if any(key.startswith(_PARAMETER) for key in state):
        raise ValueError(f"fitted arrays of {name} may not have names that start with {_PARAMETER!r}.")
    scalars = {key: encode(value, _PARAMETER + key, arrays) for key, value in scalars.items()}
    return {"class": name, "params": params, "scalars": scalars}, arrays | state


def _encode_params(encoder, prefix, arrays):
    params = encoder.get_params(deep=False)
    return {key: encode(value, prefix + key, arrays) for key, value in params.items()}


def _fitted_state(encoder):
    """Return scalars and arrays of a fitted encoder, with what scikit-learn keeps."""
    scalars, state = encoder._get_fitted_state()
    scalars = scalars | {"n_features_in_": encoder.n_features_in_}
    if hasattr(encoder, "feature_names_in_"):
        scalars["feature_names_in_"] = encoder.feature_names_in_.tolist()
    return scalars, state


def build_encoder(header, arrays):
    unused = dict(arrays)
    encoder = _make_encoder(header["class"], decode_mapping(header["params"], unused))
    scalars = decode_mapping(header["scalars"], unused)
    foreign = [name for name in unused if name.startswith(_PARAMETER)]
    if foreign:
        raise FormatError(f"holds arrays that belong to no parameter: {foreign!r:.100}.")
    return _restore(encoder, scalars, unused)


def _make_encoder(name, params):
    if name not in ENCODERS:
        raise FormatError(f"holds an encoder {name!r:.60}, which this version does not know.")
    encoder = _encoder_class(name)(**params)
    encoder._validate_params()
    return encoder


def _restore(encoder, scalars, state):
    """Return the encoder in the state that `_fitted_state` has described."""
    encoder.n_features_in_ = scalars.pop("n_features_in_")
    if "feature_names_in_" in scalars:
        encoder.feature_names_in_ = np.array(scalars.pop("feature_names_in_"), dtype=object)
    # What is learned must be writable, as after fit.
    encoder._set_fitted_state(scalars, {name: array.copy() for name, array in state.items()})
    return encoder


def _is_encoder(value):
    name = type(value).__name__
    return name in ENCODERS and type(value) is _encoder_class(name)


def _encoder_class(name):
    return getattr(importlib.import_module(ENCODERS[name]), name)


def _build_from_checkpoint(header, arrays):
    from .checkpoint import read_contents

    return read_contents(header, arrays)[0]


_BUILDERS = {"dictionary": _build_dictionary, "encoder": build_encoder, "checkpoint": _build_from_checkpoint}


def encode(value, name, arrays):
    """Return a JSON value that stands for `value`; its arrays are added to `arrays` under names like `name`."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, list | tuple):
        items = [encode(item, name, arrays) for item in value]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        pairs = [(key, encode(item, f"{name}_{key}", arrays)) for key, item in value.items()]
        return {"$dict": pairs} if any(key.startswith("$") for key in value) else dict(pairs)
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return {"$strings": value.tolist()}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"$array": _add(value, name, arrays)}
    if isinstance(value, csr_array):
        parts = {part: _add(getattr(value, part), f"{name}_{part}", arrays) for part in _CSR_PARTS}
        return {"$csr": parts, "shape": list(value.shape)}
    if isinstance(value, Dictionary):
        return {"$dictionary": {key: encode(field, f"{name}_{key}", arrays) for key, field in _fields(value).items()}}
    if _is_encoder(value):
        return {"$encoder": type(value).__name__, **_encode_inner(value, name, arrays)}
    if _penalty_classes().get(type(value).__name__) is type(value):
        params = {key: encode(param, f"{name}_{key}", arrays) for key, param in value.get_params(deep=False).items()}
        return {"$penalty": type(value).__name__, **params}
    what = name.removeprefix(_PARAMETER)
    raise TypeError(
        f"`{what}` is a {type(value).__name__}, which a file cannot hold: it holds numbers, strings, None, lists, "
        "tuples, dicts, arrays of numbers or strings, dictionaries, penalties and encoders (for a generator, give its "
        "seed)."
    )


def _encode_inner(encoder, name, arrays):
    """Return what stands for an encoder within another one, fitted or not."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    params = _encode_params(encoder, f"{name}__", arrays)
    try:
        check_is_fitted(encoder)
    except NotFittedError:
        return {"params": params}
    scalars, state = _fitted_state(encoder)
    parts = {"scalars": scalars, "state": state}
    parts = {
        part: {key: encode(value, f"{name}_{key}", arrays) for key, value in parts[part].items()} for part in parts
    }
    return {"params": params, **parts}


_CSR_PARTS = ("data", "indices", "indptr")


def _add(array, name, arrays):
    """Put an array under a free member name that resembles `name`; return the member name."""
    stem = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)[:56]
    member, count = stem, 1
    while member in arrays:
        count += 1
        member = f"{stem}_{count}"
    arrays[member] = array
    return member


def _decode(node, arrays):
    """Return the value that a JSON value stands for; arrays that it refers to are taken out of `arrays`."""
    if isinstance(node, list):
        return [_decode(item, arrays) for item in node]
    if not isinstance(node, dict):
        if isinstance(node, float) and not math.isfinite(node):
            raise FormatError("the header holds a number that is too large.")
        return node
    tags = [key for key in node if key.startswith("$")]
    if not tags:
        return {key: _decode(item, arrays) for key, item in node.items()}
    rest = dict(node)
    content = rest.pop(tags[0])
    if tags[0] not in _DECODERS or (rest and tags[0] not in ("$csr", "$encoder", "$penalty")):
        raise FormatError(f"the header holds {tags!r:.100}, which this version does not know.")
    return _DECODERS[tags[0]](content, rest, arrays)


def decode_mapping(node, arrays):
    mapping = _decode(node, arrays)
    if not isinstance(mapping, dict):
        raise FormatError("its header lists no names where it should.")
    return mapping


def _decode_float(text, rest, arrays):
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text]


def _decode_strings(items, rest, arrays):
    strings = np.array(items)
    if strings.dtype.kind != "U":
        raise FormatError("an array of strings holds something else.")
    return strings


def _decode_csr(parts, rest, arrays):
    data, indices, indptr = (arrays.pop(parts[part]) for part in _CSR_PARTS)
    return csr_array((data, indices, indptr), shape=tuple(rest["shape"]))


def _decode_encoder(name, rest, arrays):
    encoder = _make_encoder(name, decode_mapping(rest.pop("params"), arrays))
    if not rest:
        return encoder
    parts = {part: decode_mapping(rest.pop(part), arrays) for part in ("scalars", "state")}
    if rest or not all(isinstance(array, np.ndarray) for array in parts["state"].values()):
        raise FormatError("an encoder within another one is not understood.")
    return _restore(encoder, **parts)


def _decode_penalty(name, params, arrays):
    return _penalty_classes()[name](**decode_mapping(params, arrays))


_DECODERS = {
    "$float": _decode_float,
    "$tuple": lambda items, rest, arrays: tuple(_decode(items, arrays)),
    "$dict": lambda pairs, rest, arrays: {key: _decode(item, arrays) for key, item in pairs},
    "$strings": _decode_strings,
    "$array": lambda name, rest, arrays: arrays.pop(name),
    "$csr": _decode_csr,
    "$dictionary": lambda fields, rest, arrays: Dictionary(**decode_mapping(fields, arrays)),
    "$encoder": _decode_encoder,
    "$penalty": _decode_penalty,
}


def _penalty_classes():
    from .penalties import PENALTIES  # loads Numba, which dictionaries do without

    return {penalty.__name__: penalty for penalty in PENALTIES.values()}
