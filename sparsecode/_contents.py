"""What files hold: dictionaries, encoders and their parameters, as JSON values and named arrays, and back.

Which class a name stands for is looked up in the tables of this module.
"""

import dataclasses
import importlib
import math
from collections.abc import Mapping

import numpy as np
from scipy.sparse import csr_array

from ._core.archive import FormatError
from .dictionary import Dictionary

#: Memories that are compared with the macrocolumn.
PEERS = ("BCPNN", "DenseAssociativeMemory", "KanervaMemory", "WillshawMemory")

#: Encoders and transformers that can be saved: class name -> module that has it. A class needs two methods:
#: ``_get_fitted_state()`` returns (scalars, arrays), two dicts by attribute name, and
#: ``_set_fitted_state(scalars, arrays)`` takes them back, with arrays that may be written.
ENCODERS = (
    dict.fromkeys(
        ("LCA", "LISTA", "PatchEncoder", "SAILnet", "SparseCoder", "TaskDrivenClassifier", "TaskDrivenRegressor"),
        "sparsecode.coding",
    )
    | {"ConvSparseCoder": "sparsecode.convolutional"}
    | dict.fromkeys(
        (
            "CategoryEncoder",
            "DateEncoder",
            "GridCellEncoder",
            "ImageThreshold",
            "KWinners",
            "MacrocolumnClassifier",
            "MacrocolumnHierarchy",
            "MacrocolumnMemory",
            "RandomDistributedScalarEncoder",
            "SDRNearestNeighbors",
            "ScalarEncoder",
            "SequenceHierarchy",
            "SequenceMemory",
            "SpatialPooler",
            *PEERS,
        ),
        "sparsecode.sdr",
    )
    | dict.fromkeys(
        (
            "ActiveDendriteClassifier",
            "ActiveDendritesMLPClassifier",
            "DendriticNeuron",
            "DendriticSegmentDetector",
            "SequencePredictor",
            "TemporalMemory",
        ),
        "sparsecode.dendrites",
    )
    | dict.fromkeys(
        (
            "DeltaEncoder",
            "DeltaMLPClassifier",
            "DeltaMLPRegressor",
            "DeltaNetwork",
            "IntegrateAndFire",
            "SpikingLCA",
            "SpikingMLPClassifier",
            "SpikingNetwork",
        ),
        "sparsecode.temporal",
    )
    | dict.fromkeys(("LocalContrastNormalizer", "TikhonovFilter"), "sparsecode.preprocessing")
)

#: Member names of arrays that belong to parameters of an encoder; all others are its fitted state.
_PARAMETER = "params_"


def _fields(dictionary):
    return {field.name: getattr(dictionary, field.name) for field in dataclasses.fields(dictionary)}


def describe_dictionary(dictionary):
    """Return header and arrays of a dictionary."""
    arrays = {}
    params = {name: encode(field, name, arrays) for name, field in _fields(dictionary).items()}
    return {"class": "Dictionary", "params": params, "scalars": {}}, arrays


def build_dictionary(header, arrays):
    """Return the dictionary that `describe_dictionary` has described."""
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


def describe_checkpoint(encoder, identity, progress):
    """Return header and arrays of a fitted encoder, with two dicts that say of which fit it is, and how far."""
    header, arrays = describe_encoder(encoder)
    extra = {"identity": identity, "progress": progress}
    header["scalars"] |= {name: encode(value, name, arrays) for name, value in extra.items()}
    return header, arrays


def build_checkpoint(header, arrays):
    """Return the encoder and the two dicts that `describe_checkpoint` has described."""
    unused, scalars = dict(arrays), dict(header["scalars"])
    identity, progress = (decode_mapping(scalars.pop(name), unused) for name in ("identity", "progress"))
    return build_encoder(header | {"scalars": scalars}, unused), identity, progress


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
    """Return the encoder that `describe_encoder` has described."""
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
    encoder = encoder_class(name)(**params)
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
    return name in ENCODERS and type(value) is encoder_class(name)


def encoder_class(name):
    """Return a class of `ENCODERS`."""
    return getattr(importlib.import_module(ENCODERS[name]), name)


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
    if type(value) is _selection_class():
        return {"$selection": dataclasses.asdict(value)}
    if _layer_classes().get(type(value).__name__) is type(value):
        return {"$layer": type(value).__name__, **_encode_layer(value, name, arrays)}
    if type(value) is _likelihood_class():
        return {"$likelihood": value.get_params()}
    what = name.removeprefix(_PARAMETER)
    raise TypeError(
        f"`{what}` is a {type(value).__name__}, which a file cannot hold: it holds numbers, strings, None, lists, "
        "tuples, dicts, arrays of numbers or strings, dictionaries, penalties, selections, layers, encoders and "
        "likelihoods of anomalies (for a generator, give its seed)."
    )


def _encode_layer(layer, name, arrays):
    return {key: encode(value, f"{name}_{key}", arrays) for key, value in _fields(layer).items()}


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
    if tags[0] not in _DECODERS or (rest and tags[0] not in ("$csr", "$encoder", "$layer", "$penalty")):
        raise FormatError(f"the header holds {tags!r:.100}, which this version does not know.")
    return _DECODERS[tags[0]](content, rest, arrays)


def decode_mapping(node, arrays):
    """Return the dict that a JSON value stands for, as `_decode`."""
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


def _decode_layer(name, fields, arrays):
    return _layer_classes()[name](**decode_mapping(fields, arrays))


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
    "$layer": _decode_layer,
    "$penalty": _decode_penalty,
    "$selection": lambda fields, rest, arrays: _selection_class()(**_decode(fields, arrays)),
    "$likelihood": lambda params, rest, arrays: _likelihood_class()(**_decode(params, arrays)),
}


def _selection_class():
    from .sdr import Selection

    return Selection


def _layer_classes():
    from .temporal import layers

    kinds = (layers.Activation, layers.Conv2D, layers.Dense, layers.Flatten, layers.Pool2D, layers.Residual)
    return {kind.__name__: kind for kind in kinds}


def _likelihood_class():
    from .dendrites import AnomalyLikelihood

    return AnomalyLikelihood


def _penalty_classes():
    from .penalties import PENALTIES  # loads Numba, which dictionaries do without

    return {penalty.__name__: penalty for penalty in PENALTIES.values()}
