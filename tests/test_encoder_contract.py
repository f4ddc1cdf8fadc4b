"""What holds for every encoder, by what it says that it can do."""

import concurrent.futures
import copy
import io
import math
import pickle
import subprocess
import sys
import threading
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csc_array, csr_array, issparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sparsecode import Capabilities, Dictionary, _contents, load
from sparsecode.encoder import as_dense

from .contracts import deltas, labelled, winners
from .contracts.encoders import ENCODERS, can, cases, codes_of, content, make, same_bits

# One image alone may have a zero code, of which ConvSparseCoder warns
pytestmark = [pytest.mark.nojit, pytest.mark.filterwarnings("ignore:the codes of .* images are zero:UserWarning")]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Let the encoders of the tests be saved too."""
    monkeypatch.setitem(_contents.ENCODERS, "RandomWinners", winners.__name__)
    monkeypatch.setitem(_contents.ENCODERS, "SendOnDelta", deltas.__name__)
    monkeypatch.setitem(_contents.ENCODERS, "Labelled", labelled.__name__)


# ---------------------------------------------------------------- what there is


@cases()
def test_methods_are_there_where_they_hold(name):
    encoder, X = make(name)
    able = encoder.capabilities()
    assert type(able) is Capabilities
    assert able.code_kind in ("real", "binary", "event")
    assert all(type(value) is bool for value in able[1:])
    scores = able.invertible or getattr(encoder, "classes", None) is not None  # of samples, or of labels
    promised = {"inverse_transform": able.invertible, "score": scores, "partial_fit": able.online,
                "initial_state": able.stateful, "step": able.stateful}  # fmt: skip
    for instance in (encoder, clone(encoder).fit(X)):
        assert instance.capabilities() == able
        assert {method: hasattr(instance, method) for method in promised} == promised
    for method in [method for method, there in promised.items() if not there and method in dir(type(encoder))]:
        with pytest.raises(AttributeError) as error:
            getattr(encoder, method)
        assert "see its capabilities()" in str(error.value.__cause__)


@cases()
def test_fitted_attributes(name):
    encoder, X = make(name)
    assert encoder.fit(X) is encoder
    assert encoder.n_features_in_ == X.shape[1]
    assert type(encoder.code_shape_) is tuple
    assert all(isinstance(side, int) and side >= 1 for side in encoder.code_shape_)
    assert len(set(encoder.code_dims_)) == len(encoder.code_dims_) == len(encoder.code_shape_)
    assert isinstance(encoder.n_iter_, int)
    assert encoder.n_iter_ >= 1
    assert len(encoder.history_) <= encoder.n_iter_
    assert {"objective", "sparsity", "seconds"} <= set(encoder.history_.dtype.names)
    assert encoder.dictionary_ is None or type(encoder.dictionary_) is Dictionary
    if "atom" in encoder.code_dims_:
        assert len(encoder.dictionary_) == encoder.code_shape_[encoder.code_dims_.index("atom")]
    if hasattr(encoder, "components_") and encoder.capabilities().invertible:
        codes = codes_of(encoder, X)
        assert encoder.components_.shape == (codes.shape[1], X.shape[1])
        np.testing.assert_allclose(encoder.inverse_transform(codes), codes @ encoder.components_, atol=1e-12)


@cases()
def test_before_fit(name):
    encoder, X = make(name)
    for method, *y in (("transform",), ("inverse_transform",), ("score", None), ("save",)):
        with pytest.raises(NotFittedError):
            getattr(encoder, method)(X, *y) if hasattr(encoder, method) else encoder.transform(X)
    with pytest.raises(NotFittedError):
        encoder.get_feature_names_out()


# ---------------------------------------------------------------- codes


@cases()
def test_codes_are_of_their_kind(name, dtype):
    encoder, X = make(name)
    X = X.astype(dtype)
    codes = encoder.fit_transform(X)
    able = encoder.capabilities()
    assert codes.shape == (len(X), math.prod(encoder.code_shape_))
    assert codes.dtype == (bool if able.code_kind == "binary" else dtype)
    assert issparse(codes) == getattr(encoder, "sparse_output", False)
    assert not issparse(codes) or isinstance(codes, csr_array)
    assert as_dense(codes).any()
    assert np.isfinite(as_dense(codes)).all()
    assert as_dense(codes).min() < 0 if able.signed else as_dense(codes).min() >= 0
    if able.invertible:
        # Binary codes of numbers give back numbers
        of_numbers = able.code_kind == "binary" and not hasattr(encoder, "binarize")
        assert encoder.inverse_transform(codes).dtype == (np.float64 if of_numbers else codes.dtype)
        assert encoder.inverse_transform(codes).shape == X.shape


@cases(lambda case: not case.make().capabilities().stateful)
def test_a_row_does_not_depend_on_its_neighbours(name, dtype):
    encoder, X = make(name)
    X = np.concatenate([X] * (300 // len(X))).astype(dtype)  # some chunks for threads
    codes = codes_of(encoder.fit(X[:40]), X)
    for rows in (slice(0, 1), slice(1, 2), slice(5, 12), slice(100, None)):
        assert same_bits(codes_of(encoder, X[rows]), codes[rows])
        if encoder.capabilities().invertible:
            assert same_bits(encoder.inverse_transform(codes[rows]), encoder.inverse_transform(codes)[rows])


@cases(lambda case: case.ladder)
def test_denser_codes_err_less(name):
    errors, densities = [], []
    for params in ENCODERS[name].ladder:
        encoder, X = make(name, **params)
        codes = encoder.fit_transform(X)
        errors.append(np.square(X - encoder.inverse_transform(codes)).sum())
        densities.append(np.count_nonzero(codes))
    assert densities == sorted(set(densities))
    assert errors == sorted(set(errors), reverse=True)


@can("invertible")
def test_score_is_the_pooled_explained_variance(name):
    encoder, X = make(name)
    codes = encoder.fit_transform(X)
    recovered = encoder.inverse_transform(codes)
    coded = encoder._coded_part(X)  # X itself, unless codes leave means out
    expected = 1 - np.square(coded - recovered).sum() / np.square(coded - coded.mean(axis=0)).sum()
    assert encoder.score(X) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(encoder.inverse_transform(csr_array(codes)), recovered, atol=1e-12)
    with pytest.raises(ValueError, match=r"`score` needs rows of X that differ"):
        encoder.score(np.ones((3, X.shape[1])))
    with pytest.raises(ValueError, match=r"X has \d+ columns, but codes of this \w+ have \d+"):
        encoder.inverse_transform(codes[:, :-1])


# ---------------------------------------------------------------- copies


@cases()
def test_copies_give_the_same_bits(name, tmp_path):
    encoder, X = make(name)
    expected = codes_of(encoder.fit(X), X)
    buffer = io.BytesIO()
    joblib.dump(encoder, buffer)
    buffer.seek(0)
    encoder.save(tmp_path / "encoder.npz")
    copies = {
        "pickle": pickle.loads(pickle.dumps(encoder)),  # noqa: S301
        "joblib": joblib.load(buffer),
        "deepcopy": copy.deepcopy(encoder),
        "file": load(tmp_path / "encoder.npz"),
        "clone": clone(encoder).fit(X),
    }
    for way, other in copies.items():
        assert other is not encoder
        assert type(other) is type(encoder), way
        assert repr(other) == repr(encoder), way
        assert same_bits(codes_of(other, X), expected), way
        assert (other.n_iter_, other.code_shape_, other.n_features_in_) == (
            encoder.n_iter_, encoder.code_shape_, encoder.n_features_in_), way  # fmt: skip
        assert other.dictionary_ == encoder.dictionary_, way
        if hasattr(other, "partial_fit") and way != "clone":
            assert same_bits(codes_of(other.partial_fit(X), X), codes_of(copy.deepcopy(encoder).partial_fit(X), X)), way
    assert not hasattr(clone(encoder), "n_features_in_")


LOADER = """
import sys
from pathlib import Path
import numpy as np
from sparsecode import load
from sparsecode.encoder import as_dense
for path in Path(sys.argv[1]).glob("*.npz"):
    np.save(path.with_suffix(".codes.npy"), as_dense(load(path).transform(np.load(path.with_suffix(".X.npy")))))
"""


@pytest.mark.compiled  # all of them, and files know nothing of kernels
def test_files_give_the_same_bits_in_another_process(tmp_path):
    expected = {}
    for number, name in enumerate(ENCODERS):
        encoder, X = make(name)
        if type(encoder).__module__.startswith("sparsecode.") and name != "patches binary":
            encoder.fit(X).save(tmp_path / f"{number}.npz")
            np.save(tmp_path / f"{number}.X.npy", X)
            expected[number] = codes_of(encoder, X)
    done = subprocess.run([sys.executable, "-c", LOADER, tmp_path], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert len(expected) >= 10
    for number, codes in expected.items():
        assert same_bits(np.load(tmp_path / f"{number}.codes.npy"), as_dense(codes))


# ---------------------------------------------------------------- arrays and frames


@cases()
def test_any_kind_of_array_gives_the_same_bits(name, tmp_path):
    encoder, X = make(name)
    expected = codes_of(encoder.fit(X), X)
    np.save(tmp_path / "x.npy", X)
    kinds = {
        "memmap": np.load(tmp_path / "x.npy", mmap_mode="r"),
        "fortran": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "swapped": X.astype(">f8"),
        "list": X.tolist(),
        "frame": pd.DataFrame(X, columns=[f"pixel {i}" for i in range(X.shape[1])]),
    }
    shape = getattr(encoder, "input_shape", None)
    if shape is not None:
        kinds["native"] = X.reshape(-1, *shape)
        kinds["native fortran"] = np.asfortranarray(X.reshape(-1, *shape))
    if encoder.__sklearn_tags__().input_tags.sparse:
        kinds |= {"csr": csr_array(X), "csc": csc_array(X), "coo": csr_array(X).tocoo()}
    for kind, other in kinds.items():
        assert same_bits(codes_of(clone(encoder).fit(other), other), expected), kind
    frame = kinds["frame"]
    assert list(clone(encoder).fit(frame).feature_names_in_) == list(frame.columns)


@cases()
def test_set_output(name):
    encoder, X = make(name)
    codes = codes_of(encoder.fit(X), X)
    names = encoder.get_feature_names_out()
    assert len(set(names)) == len(names) == codes.shape[1]
    assert all(label.startswith(type(encoder).__name__.lower()) for label in names)
    for frame, library in (("pandas", pd), ("polars", pl)):
        encoder.set_output(transform=frame)
        if getattr(encoder, "sparse_output", False):
            with pytest.raises(ValueError, match="sparse"):
                encoder.transform(X)
            continue
        table = encoder.transform(X)
        assert isinstance(table, library.DataFrame)
        assert list(table.columns) == list(names)
        assert same_bits(table.to_numpy(), codes)
        if encoder.capabilities().invertible:
            encoder.score(X)


@cases(lambda case: getattr(case.make(), "input_shape", None) is not None)
def test_wrong_shapes_are_refused(name):
    encoder, X = make(name)
    height, width = encoder.input_shape
    native = X.reshape(-1, height, width)
    for wrong in (native[:, :-1], native.swapaxes(0, 2), native[..., None], X[:, :-1]):
        with pytest.raises(ValueError, match=rf"`input_shape`=\({height}, {width}\) asks for"):
            encoder.fit(wrong)
    for shape in ((0, 3), (), (2.5, 3), "ab", (-6, -5)):
        with pytest.raises(ValueError, match="input_shape"):
            clone(encoder).set_params(input_shape=shape).fit(X)


# ---------------------------------------------------------------- determinism


@cases()
def test_one_seed_gives_the_same_bits(name):
    encoder, X = make(name)
    expected = codes_of(encoder.fit(X), X)
    threads = [key for key in encoder.get_params() if key.rpartition("__")[2] == "n_jobs"]
    for n_jobs in (1, 2, -1):
        again = clone(encoder).set_params(**dict.fromkeys(threads, n_jobs)).fit(X)
        assert same_bits(codes_of(again, X), expected)
    assert same_bits(codes_of(again.fit(X[::-1]).fit(X), X), expected)


@cases(lambda case: "random_state" in case.make().get_params(deep=False))
def test_seeds_are_drawn_from_generators(name):
    encoder, X = make(name)
    for generator in (np.random.RandomState, np.random.default_rng):
        fits = [clone(encoder).set_params(random_state=generator(5)).fit(X) for _ in range(2)]
        assert same_bits(*(codes_of(fit, X) for fit in fits))


@cases()
def test_nothing_global_is_touched(name):
    encoder, X = make(name)
    state, filters = pickle.dumps(np.random.get_state()), list(warnings.filters)  # noqa: NPY002
    threads = threading.active_count()
    encoder.fit(X).transform(X)
    assert pickle.dumps(np.random.get_state()) == state  # noqa: NPY002
    assert warnings.filters == filters
    assert threading.active_count() == threads


@cases()
def test_reading_methods_change_nothing_and_work_in_threads(name):
    encoder, X = make(name)
    expected = encoder.fit(X).transform(X)
    before = content(encoder)
    X.flags.writeable = False

    def read(_):
        codes = encoder.transform(X)
        if encoder.capabilities().invertible:
            encoder.inverse_transform(codes)
            encoder.score(X)
        return codes

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(same_bits(codes, expected) for codes in pool.map(read, range(8)))
    assert content(encoder) == before


# ---------------------------------------------------------------- learning goes on


@cases(lambda case: case.chunk)
def test_chunks_give_the_bits_of_one_call(name):
    encoder, X = make(name)
    chunk = ENCODERS[name].chunk
    whole, parts = clone(encoder).partial_fit(X), clone(encoder)
    for start, stop in ((0, chunk), (chunk, 2 * chunk), (2 * chunk, None)):
        parts.partial_fit(X[start:stop])
    assert same_bits(codes_of(whole, X), codes_of(parts, X))
    assert whole.dictionary_ == parts.dictionary_
    if encoder.capabilities().stateful:
        assert all(map(same_bits, whole.state_, parts.state_))


@can("online")
def test_learning_goes_on_from_what_is_there(name):
    encoder, X = make(name)
    first = encoder.partial_fit(X)
    assert first is encoder
    kept = encoder.dictionary_
    bits = None if kept is None else (as_dense(kept.atoms.copy()), kept.content_hash)
    strict = getattr(encoder, "binarize", 0.0) is None
    other = np.roll(X, 1, axis=1) * (1 if strict else 3)
    encoder.partial_fit(other)
    assert encoder.n_features_in_ == X.shape[1]
    if bits is not None:
        np.testing.assert_array_equal(as_dense(kept.atoms), bits[0])
        assert not (kept.atoms.data if issparse(kept.atoms) else kept.atoms).flags.writeable
        assert encoder.fit(other).dictionary_ is not kept
        assert kept.content_hash == bits[1]
    assert same_bits(codes_of(clone(encoder).fit(X), X), codes_of(encoder.fit(X), X))
