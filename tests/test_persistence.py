"""Fitted encoders in files: every kind of parameter, exact state, and nothing else."""

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from sparsecode import (
    Dictionary,
    FormatError,
    PatchEncoder,
    SparseCoder,
    _contents,
    inspect_file,
    load,
    persistence,
    save,
)
from sparsecode._core.archive import read_archive
from sparsecode._core.validation import Integral, Interval, fit_context
from sparsecode.penalties import L1

pytestmark = pytest.mark.nojit


class Toy(BaseEstimator):
    """The least that an encoder needs to be saved."""

    _parameter_constraints = {  # noqa: RUF012
        "n": [Interval(Integral, 1, None, closed="left")],
        "other": "no_validation",
    }

    def __init__(self, n=1, *, other=None):
        self.n = n
        self.other = other

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        self.n_features_in_ = np.shape(X)[1]
        self.mean_ = np.mean(X, axis=0)
        self.counts_ = np.arange(self.n)
        self.n_iter_ = 5
        self.losses_ = [0.5, np.inf]
        return self

    def _get_fitted_state(self):
        return {"n_iter_": self.n_iter_, "losses_": self.losses_}, {"mean_": self.mean_, "counts_": self.counts_}

    def _set_fitted_state(self, scalars, arrays):
        self.n_iter_, self.losses_ = scalars["n_iter_"], scalars["losses_"]
        self.mean_, self.counts_ = arrays["mean_"], arrays["counts_"]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(_contents.ENCODERS, "Toy", __name__)


def fitted(**params):
    return Toy(**params).fit(np.arange(6.0).reshape(3, 2))


PARAMETERS = {
    "none": None,
    "bool": True,
    "int": 2**70,
    "float": 0.1,
    "inf": -np.inf,
    "nan": np.nan,
    "string": "l1/2 ☃ \ud800",
    "list": [1, [2.5, None], "a"],
    "tuple": (8, (8, "x"), [1]),
    "dict": {"a": 1, "b": {"c": (1,)}},
    "dict of $": {"$array": "x", "$penalty": "L1"},
    "array": np.array([1.0, np.nan, -0.0]),
    "array of ints": np.arange(6, dtype=np.int16).reshape(2, 3),
    "array of strings": np.array([["a", "bcd"], ["", "µ"]]),
    "list of arrays": [np.ones(2), np.zeros(3)],
    "csr": csr_array(np.eye(3)),
    "dictionary": Dictionary.dct((2, 3)),
    "binary dictionary": Dictionary(csr_array(np.eye(3, dtype=bool)), attrs={"x": np.inf}),
    "encoder": Toy(n=2, other=Toy(n=3)),
    "fitted encoder": fitted(n=2, other={"toy": fitted(n=4)}),
    "penalty": L1(0.5, positive=True),
    "penalty of array": L1(np.array([0.5, 1.0])),
    "dict of all": {"penalty": L1(0.5), "dictionary": Dictionary(np.eye(2)), "array": np.ones(2)},
}


def same(a, b):
    """Tell whether two parameters are of the same type and content."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, csr_array):
        return a.shape == b.shape and all(same(getattr(a, x), getattr(b, x)) for x in ("data", "indices", "indptr"))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, L1):
        return same(a.get_params(), b.get_params())
    if isinstance(a, Toy):
        return same(dict(sorted(vars(a).items())), dict(sorted(vars(b).items())))
    return a == b or (a != a and b != b)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_and_state_are_exact(name, tmp_path):
    encoder = fitted(n=3, other=PARAMETERS[name])
    save(encoder, tmp_path / "toy.npz")
    again = load(tmp_path / "toy.npz", kind="encoder")
    assert type(again) is Toy
    assert same(again.get_params(deep=False), encoder.get_params(deep=False))
    assert same({k: v for k, v in vars(again).items() if k.endswith("_")},
                {k: getattr(encoder, k) for k in vars(again) if k.endswith("_")})  # fmt: skip
    assert vars(again).keys() == vars(encoder).keys()
    again.mean_ += 1  # what is learned may go on
    np.testing.assert_array_equal(np.load(tmp_path / "toy.npz")["mean_"], encoder.mean_)


def test_numpy_scalars_become_plain(tmp_path):
    save(fitted(n=np.int64(2), other=np.float32(0.1)), tmp_path / "toy.npz")
    again = load(tmp_path / "toy.npz")
    assert type(again.n) is int
    assert again.other == np.float32(0.1)


def test_feature_names(tmp_path):
    encoder = fitted()
    encoder.feature_names_in_ = np.array(["a", "µ"], dtype=object)
    save(encoder, tmp_path / "toy.npz")
    names = load(tmp_path / "toy.npz").feature_names_in_
    assert names.dtype == object
    assert names.tolist() == ["a", "µ"]


def test_inspect_file(tmp_path):
    save(fitted(other=L1(0.5)), tmp_path / "toy.npz")
    header = inspect_file(tmp_path / "toy.npz")
    assert (header["kind"], header["class"]) == ("encoder", "Toy")
    assert header["params"] == {"n": 1, "other": {"$penalty": "L1", "alpha": 0.5, "positive": False}}
    assert header["scalars"] == {"n_iter_": 5, "losses_": [0.5, {"$float": "inf"}], "n_features_in_": 2}
    assert header["arrays"].keys() == {"mean_", "counts_"}


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.eye(2), TypeError, "a ndarray cannot be saved; a Dictionary can, and these fitted encoders: .*Toy"),
        (Toy(), NotFittedError, "not fitted"),
        (
            fitted(other=np.random.default_rng(0)),
            TypeError,
            "`other` is a Generator, .* .for a generator, give its seed",
        ),
        (fitted(other=print), TypeError, "`other` is a builtin_function_or_method, which a file cannot hold"),
        (fitted(other={1: 2}), TypeError, "`other` is a dict"),
        (fitted(other=[Toy(other=print)]), TypeError, "`other__other` is a builtin"),
        (fitted(other=[type("Toy", (Toy,), {})()]), TypeError, "`other` is a Toy"),
        (fitted(other=np.array([object()])), TypeError, "`other` is a ndarray"),
        (fitted(other=1j), TypeError, "`other` is a complex"),
        (type("L1", (), {})(), TypeError, "a L1 cannot be saved"),
        (type("Toy", (Toy,), {})().fit(np.eye(2)), TypeError, "a Toy cannot be saved"),
        (fitted(other=type("L1", (L1,), {})()), TypeError, "`other` is a L1"),
    ],
)
def test_what_cannot_be_saved(value, error, message, tmp_path):
    with pytest.raises(error, match=message):
        save(value, tmp_path / "toy.npz")
    assert list(tmp_path.iterdir()) == []


def test_fitted_names_that_could_be_parameters_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Toy, "_get_fitted_state", lambda self: ({}, {"params_x": np.ones(1)}))
    with pytest.raises(ValueError, match="may not have names that start with 'params_'"):
        save(fitted(), tmp_path / "toy.npz")


# Headers that were changed by somebody who can sign them


def resigned(path, header):
    """Write the archive anew with another header, and checksums that fit."""
    with zipfile.ZipFile(path) as file:
        members = [(name, file.read(name)) for name in file.namelist()[1:]]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in [("header.json", json.dumps(header)), *members]:
            file.writestr(name, data)
    path.write_bytes(buffer.getvalue())


def places(node, path=()):
    """Every place in a tree of dicts and lists."""
    yield path
    for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield from places(node[key], (*path, key))


def replaced(node, path, value):
    if not path:
        return value
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = replaced(node[path[0]], path[1:], value)
    return copy


STRANGE = [None, True, -1, 2**63, 0.5, "x", "", [], {}, [[]], {"$array": "atoms"}, {"$array": []}, {"$x": 1},
           {"$array": "mean_"}, {"$float": "1"}, {"$float": []}, {"$strings": [1]}, {"$strings": [["a"], "b"]},
           {"$csr": {}, "shape": [1, 1]}, {"$penalty": "Penalty"}, {"$penalty": "L1", "beta": 1}, {"$penalty": []},
           {"$dictionary": {"atoms": [[1]]}}, {"$dictionary": {}}, {"$tuple": 1}, {"$dict": [[[], 1]]}, {"$dict": 1},
           {"$array": "atoms", "$csr": 1}, {"$encoder": "Toy"}, {"$encoder": []},
           {"$encoder": "Toy", "params": {"n": 1, "other": None}, "scalars": {}},
           {"$encoder": "Toy", "params": {"n": 1, "other": None}, "scalars": {}, "state": {"mean_": 1}},
           {"$encoder": "os.system", "params": {}}]  # fmt: skip

SAVED = {
    "dictionary": lambda: Dictionary(
        [[1, 0], [2, 3]], shapes=[[1], [2]], coords={"n": ["a", "b"], "s": [1, 2]}, attrs={"x": 1}
    ),
    "csr": lambda: Dictionary(csr_array(np.eye(3)), coords={"s": np.ones(3)}),
    "encoder": lambda: fitted(
        n=2, other={"d": Dictionary(np.eye(2)), "p": L1(0.5), "c": csr_array(np.eye(2)), "t": (1,), "e": fitted()}
    ),
}


@pytest.mark.parametrize("name", SAVED)
def test_changed_headers_give_a_sound_object_or_a_format_error(name, tmp_path):
    path = tmp_path / "a.npz"
    value = SAVED[name]()
    save(value, path)
    header = inspect_file(path)
    refused = total = 0
    for place in places(header):
        for strange in STRANGE:
            resigned(path, replaced(header, place, strange))
            total += 1
            try:
                assert isinstance(load(path), type(value))
            except FormatError:
                refused += 1
    assert total > 500
    assert refused > 0.5 * total


def damaged(part, numbers):
    """A sparse dictionary with other numbers in one of its arrays."""

    def change(arrays):
        arrays[f"atoms_{part}"] = np.array(numbers, dtype=arrays[f"atoms_{part}"].dtype)

    return change


@pytest.mark.parametrize(
    "change",
    [
        damaged("indices", [0, 1, 3]),
        damaged("indices", [0, 1, -1]),
        damaged("indices", [0, 1]),
        damaged("indptr", [0, 1, 2, 4]),
        damaged("indptr", [0, 3, 2, 3]),
        damaged("indptr", [1, 1, 2, 3]),
        damaged("indptr", [0, -2, 2, 3]),
        damaged("indptr", [0, 1, 2, -3]),
        damaged("indptr", [0, 1, 2]),
        damaged("data", [1, np.nan, 1]),
        damaged("data", [[1, 1, 1]]),
        lambda arrays: arrays.pop("atoms_data"),
        lambda arrays: arrays.update(more=np.ones(1)),
    ],
)
def test_arrays_from_files_are_validated_like_any_others(change, tmp_path):
    path = tmp_path / "a.npz"
    save(Dictionary(csr_array(np.eye(3))), path)
    header, arrays = read_archive(path)
    arrays = dict(arrays)
    change(arrays)
    persistence.write_archive(path, "dictionary", {key: header[key] for key in ("class", "params", "scalars")}, arrays)
    with pytest.raises(FormatError, match=r"a\.npz: "):
        load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class": "Pipeline"}, "holds an encoder 'Pipeline', which this version does not know"),
        ({"class": "os.system"}, "holds an encoder 'os.system', which this version does not know"),
        ({"kind": "memory"}, "holds 'memory', which this version does not know"),
        ({"params": {"n": 0, "other": None}}, "`?n`?'? parameter of Toy must be an int"),
        ({"params": {"m": 1}}, "unexpected keyword argument 'm'"),
        ({"params": {"n": {"$module": "os"}}}, r"holds \['\$module'\], which this version does not know"),
        ({"scalars": {}}, "n_features_in_"),
        ({"scalars": {"n_features_in_": 2}}, "n_iter_"),
    ],
)
def test_changed_encoders_say_what_is_wrong(changes, message, tmp_path):
    path = tmp_path / "a.npz"
    save(fitted(), path)
    resigned(path, inspect_file(path) | changes)
    with pytest.raises(FormatError, match=message):
        load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": None},
        {"encoder": {"$encoder": "SparseCoder", "params": {}}},
        {"encoder": {"$encoder": "os.system", "params": {}}},
        {"seed": -1},
        {"seed": "x"},
        {"n_features_in_": 11},
    ],
    ids=str,
)
def test_an_encoder_within_another_one_must_be_sound(change, tmp_path):
    path = tmp_path / "a.npz"
    images = np.random.default_rng(0).normal(size=(5, 12))
    encoder = PatchEncoder(SparseCoder(3, max_iter=1), 2, input_shape=(3, 4), random_state=0).fit(images)
    encoder.save(path)
    header = inspect_file(path)
    assert load(path).transform(images).tobytes() == encoder.transform(images).tobytes()
    resigned(path, header | {"scalars": header["scalars"] | change})
    with pytest.raises(FormatError):
        load(path)


def test_every_registered_encoder_can_be_saved():
    for name in _contents.ENCODERS:
        encoder = _contents.encoder_class(name)
        assert encoder.__name__ == name
        assert callable(encoder._get_fitted_state)
        assert callable(encoder._set_fitted_state)


def test_what_is_loaded_works_without_numba():
    code = """
import os, sys, tempfile
import sparsecode
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "d.npz")
    sparsecode.Dictionary.dct((4, 4)).save(path)
    sparsecode.load(path)
print([name for name in ("numba", "sklearn", "xarray", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["[]"]


def test_a_saved_dictionary_serves_an_encoder(tmp_path):
    cosines = Dictionary.dct((2, 3), 4)
    cosines.save(tmp_path / "d.npz")
    X = np.random.default_rng(0).normal(size=(5, 6))
    coder = SparseCoder(dictionary=load(tmp_path / "d.npz"), alpha=0.1).fit(X)
    np.testing.assert_array_equal(coder.components_, cosines.matrix)
