"""`PatchEncoder`: compared with loops over patches and regions; what it learns from; errors; classification."""

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sparsecode import Capabilities, Dictionary, Encoder, PatchEncoder, SparseCoder
from sparsecode._core.history import as_history
from sparsecode.coding import _patch_plan

from ..contracts.deltas import SendOnDelta


class Linear(Encoder):
    """The least encoder: products with fixed random atoms; remembers what it was given to learn from."""

    def __init__(self, n_components=3, random_state=None, input_shape=None):
        self.n_components = n_components
        self.random_state = random_state
        self.input_shape = input_shape

    def capabilities(self):
        return Capabilities("real", invertible=False, stateful=False, online=True)

    def fit(self, X, y=None):
        X = self._check_input(X, reset=True)
        self.seen_ = [X]
        self.atoms_ = np.random.default_rng(self.random_state).normal(size=(self.n_components, X.shape[1]))
        self.code_shape_, self.n_iter_, self.history_ = (self.n_components,), 1, as_history([])
        return self

    def partial_fit(self, X, y=None):
        if not hasattr(self, "seen_"):
            return self.fit(X)
        self.seen_ = [*self.seen_, self._check_input(X, reset=False)]
        return self

    def transform(self, X):
        return np.einsum("nf,kf->nk", self._check_input(X, reset=False), self.atoms_)


def by_hand(encoder, images, *, patch, stride, grid, pool):
    """The codes of images, patch by patch."""
    rows = []
    for image in images:
        tops = range(0, image.shape[0] - patch[0] + 1, stride[0])
        lefts = range(0, image.shape[1] - patch[1] + 1, stride[1])
        cut = [[image[y : y + patch[0], x : x + patch[1]].ravel() for x in lefts] for y in tops]
        codes = np.array([encoder.transform(row_of_patches) for row_of_patches in cut])
        if pool is None:
            rows.append(codes.transpose(2, 0, 1).ravel())
            continue
        grid = min(grid[0], len(tops)), min(grid[1], len(lefts))
        out = np.zeros((2, codes.shape[2], *grid))
        for i in range(grid[0]):
            for j in range(grid[1]):
                ys = slice(i * len(tops) // grid[0], (i + 1) * len(tops) // grid[0])
                xs = slice(j * len(lefts) // grid[1], (j + 1) * len(lefts) // grid[1])
                region = codes[ys, xs].reshape(-1, codes.shape[2])
                reduce = region.__class__.max if pool == "max" else region.__class__.mean
                out[0, :, i, j] = reduce(np.maximum(region, 0), axis=0)
                out[1, :, i, j] = reduce(np.maximum(-region, 0), axis=0)
        rows.append(out.ravel())
    return np.array(rows)


PLANS = [
    {"patch": (3, 3), "stride": (1, 1), "grid": (2, 2)},
    {"patch": (2, 5), "stride": (2, 3), "grid": (3, 1)},
    {"patch": (8, 4), "stride": (1, 2), "grid": (2, 3)},  # one position down
    {"patch": (1, 1), "stride": (3, 3), "grid": (9, 9)},
]


@pytest.mark.nojit
@pytest.mark.parametrize("block", [1, 500, 2**22])
@pytest.mark.parametrize("pool", ["max", "mean", None])
@pytest.mark.parametrize("plan", PLANS, ids=str)
def test_codes_are_those_of_loops(plan, pool, block, rng, monkeypatch):
    monkeypatch.setattr(_patch_plan, "BLOCK", block)
    images = rng.normal(size=(5, 8, 9))
    encoder = PatchEncoder(Linear(), plan["patch"], stride=plan["stride"], grid=plan["grid"], pool=pool,
                           input_shape=(8, 9), random_state=0)  # fmt: skip
    codes = encoder.fit_transform(images)
    np.testing.assert_allclose(codes, by_hand(encoder.encoder_, images, pool=pool, **plan), rtol=1e-12, atol=1e-14)
    assert codes.shape[1] == np.prod(encoder.code_shape_)


@pytest.mark.nojit
def test_blocks_do_not_change_a_bit(rng, monkeypatch, dtype):
    images = rng.normal(size=(9, 7, 7)).astype(dtype)
    for pool in ("max", None):  # means add up band by band
        encoder = PatchEncoder(SparseCoder(6, max_iter=1), 3, pool=pool, input_shape=(7, 7), random_state=0).fit(images)
        codes = []
        for block in (1, 300, 2**22):
            monkeypatch.setattr(_patch_plan, "BLOCK", block)
            codes.append(encoder.transform(images).tobytes())
        assert codes[0] == codes[1] == codes[2]


@pytest.mark.nojit
@pytest.mark.parametrize("block", [1, 300, 2**22])
def test_sparse_codes_of_patches_make_sparse_codes_of_images(block, rng, monkeypatch):
    images = rng.normal(size=(6, 7, 8))
    images[2:4] = images[1]  # stands still
    codes = []
    for sparse in (False, True):
        coder = SparseCoder(6, alpha=0.5, max_iter=1, sparse_output=sparse)
        encoder = PatchEncoder(coder, 3, stride=(2, 1), pool=None, input_shape=(7, 8), random_state=0).fit(images)
        monkeypatch.setattr(_patch_plan, "BLOCK", block)
        codes.append(encoder.transform(images))
        monkeypatch.undo()
    assert isinstance(codes[1], csr_array)
    assert codes[1].has_canonical_format
    np.testing.assert_array_equal(codes[1].toarray(), codes[0])
    np.testing.assert_array_equal(encoder.inverse_transform(codes[1]), encoder.inverse_transform(codes[0]))
    pooled = PatchEncoder(coder, 3, input_shape=(7, 8), random_state=0).fit(images)
    assert isinstance(pooled.transform(images), np.ndarray)


def test_memory_is_that_of_a_block(rng, monkeypatch):
    image = rng.normal(size=(1, 120, 120))
    encoder = PatchEncoder(SparseCoder(64, max_iter=1), 8, input_shape=(120, 120), n_patches=500, random_state=0)
    encoder.fit(image).transform(image)
    peaks = []
    for block in (2**16, 2**22):
        monkeypatch.setattr(_patch_plan, "BLOCK", block)
        tracemalloc.start()
        encoder.transform(image)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    # MiB. All patches and codes of the image are 12.5; 0.8 and 9.7 (a row of regions at a time) were measured.
    assert peaks[0] < 1.5
    assert peaks[1] > 6


@pytest.mark.nojit
def test_signals(rng):
    X = rng.normal(size=(6, 10))
    for parameters in ({"input_shape": None}, {"input_shape": 10}, {"input_shape": (10,)}):
        encoder = PatchEncoder(Linear(), 4, stride=2, random_state=0, **parameters).fit(X)
        assert (encoder.code_shape_, encoder.code_dims_) == ((2, 3, 2), ("sign", "code", "region"))
        images = X[:, None]
        expected = by_hand(encoder.encoder_, images, patch=(1, 4), stride=(1, 2), grid=(1, 2), pool="max")
        np.testing.assert_allclose(encoder.transform(X), expected, rtol=1e-12)
    short = PatchEncoder(Linear()).fit(X[:, :5])
    assert short.encoder_.n_features_in_ == 5
    with pytest.raises(ValueError, match=r"`patch_size`=8 is larger than the signals of `input_shape`=\(5,\)"):
        PatchEncoder(Linear(), input_shape=5).fit(X[:, :5])


# ---------------------------------------------------------------- reconstruction


@pytest.mark.nojit
@pytest.mark.parametrize(("size", "stride"), [(3, 1), ((2, 3), (2, 1)), (4, (3, 2))])
def test_images_come_back_from_codes_without_loss(size, stride, rng):
    images = rng.normal(size=(4, 10, 6))
    sides = (size, size) if isinstance(size, int) else size
    coder = SparseCoder(dictionary=Dictionary.dct(sides), alpha=1e-9)
    encoder = PatchEncoder(coder, size, stride=stride, pool=None, input_shape=(10, 6))
    codes = encoder.fit_transform(images)
    np.testing.assert_allclose(encoder.inverse_transform(codes).reshape(images.shape), images, atol=1e-8)
    assert encoder.score(images) > 1 - 1e-15


@pytest.mark.nojit
def test_pixels_are_means_over_patches(rng):
    X = rng.normal(size=(3, 6))
    encoder = PatchEncoder(SparseCoder(4, max_iter=1, fit_dc=True), 4, stride=2, pool=None, random_state=0).fit(X)
    codes = encoder.transform(X)
    patches = encoder.encoder_.inverse_transform(codes.reshape(3, 5, 2).swapaxes(1, 2).reshape(6, 5)).reshape(3, 2, 4)
    first, second = patches[:, 0], patches[:, 1]
    expected = np.concatenate([first[:, :2], (first[:, 2:] + second[:, :2]) / 2, second[:, 2:]], axis=1)
    np.testing.assert_allclose(encoder.inverse_transform(codes), expected, rtol=1e-12)


@pytest.mark.nojit
def test_pixels_outside_of_every_patch_are_told(rng):
    encoder = PatchEncoder(SparseCoder(4, max_iter=1), 2, stride=3, pool=None, input_shape=(5, 5), random_state=0)
    codes = encoder.fit_transform(rng.normal(size=(3, 5, 5)))
    with pytest.raises(ValueError, match="`stride`=.* leaves 9 pixels of image 0"):
        encoder.inverse_transform(codes)


# ---------------------------------------------------------------- what is learned from


@pytest.mark.nojit
def test_learns_from_different_patches_of_all_images(rng):
    images = np.arange(4 * 5 * 5, dtype=float).reshape(4, 5, 5)
    encoder = PatchEncoder(Linear(), 2, stride=4, input_shape=(5, 5), n_patches=20, random_state=0).fit(images)
    (rows,) = encoder.encoder_.seen_
    assert rows.shape == (20, 4)
    assert len(np.unique(rows[:, 0])) == 20
    assert all(np.array_equal(row - row[0], [0, 1, 5, 6]) for row in rows)
    assert len(np.unique(rows[:, 0] // 25)) == 4, "images"
    assert len(np.unique(rows[:, 0] % 25)) > 8, "positions, whatever the stride"
    everything = encoder.set_params(n_patches=1000).fit(images)
    assert np.array_equal(np.unique(everything.encoder_.seen_[0][:, 0]), np.sort(images[:, :4, :4].ravel()))
    first, second = encoder.set_params(n_patches=10).partial_fit(images).encoder_.seen_
    assert (len(first), len(second)) == (64, 10)
    third = encoder.partial_fit(images).encoder_.seen_[-1]
    assert not np.array_equal(second, third)


@pytest.mark.nojit
def test_the_given_encoder_is_cloned(rng):
    images = rng.normal(size=(4, 5, 5))
    own = Linear()
    encoder = PatchEncoder(own, 2, input_shape=(5, 5), random_state=7).fit(images)
    assert not hasattr(own, "n_features_in_")
    assert (own.random_state, own.input_shape) == (None, None)
    assert encoder.encoder_.input_shape == (2, 2)
    assert isinstance(encoder.encoder_.random_state, int)
    assert clone(encoder).fit(images).encoder_.random_state == encoder.encoder_.random_state
    assert clone(encoder).set_params(random_state=8).fit(images).encoder_.random_state != encoder.encoder_.random_state
    assert clone(encoder).set_params(encoder__random_state=3).fit(images).encoder_.random_state == 3
    nested = PatchEncoder(encoder=PatchEncoder(Linear(), 2, pool=None), patch_size=3, random_state=7).fit(images[0])
    assert nested.encoder_.encoder.random_state is not None


@pytest.mark.nojit
def test_dictionary_is_that_of_patches(rng):
    encoder = PatchEncoder(SparseCoder(6, max_iter=2), (2, 3), input_shape=(5, 5), random_state=0)
    encoder.fit(rng.normal(size=(9, 5, 5)))
    assert encoder.dictionary_.atom_shape == (2, 3)
    assert encoder.code_shape_ == (2, 6, 2, 2)
    assert encoder.n_iter_ == encoder.encoder_.n_iter_ == len(encoder.history_)


# ---------------------------------------------------------------- errors


@pytest.mark.nojit
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"patch_size": 6}, r"`patch_size`=6 is larger than the images of `input_shape`=\(5, 5\); lower it"),
        ({"patch_size": (2, 6)}, r"`patch_size`=\(2, 6\) is larger than the images"),
        ({"patch_size": (2, 2, 2)}, "`patch_size` must be an int >= 1, or two of them, down and across, got"),
        ({"patch_size": (0, 2)}, "`patch_size` must be an int >= 1"),
        ({"stride": (1.5, 2)}, "`stride` must be an int >= 1"),
        ({"grid": [2]}, "`grid` must be an int >= 1"),
        ({"stride": 0}, "'stride' parameter of PatchEncoder must be"),
        ({"pool": "sum"}, "'pool' parameter of PatchEncoder must be"),
        ({"encoder": "SparseCoder"}, "'encoder' parameter of PatchEncoder must be an instance of"),
        ({"encoder": SendOnDelta()}, "`encoder` is a SendOnDelta, for which rows are moments of time"),
        ({"encoder__alpha": -1}, "'alpha' parameter of SparseCoder"),
        ({"input_shape": (5, 5, 1)}, r"grey images, or the length of signals, got \(5, 5, 1\)\. Turn colour"),
    ],
)
def test_what_is_refused(parameters, message, rng):
    encoder = PatchEncoder(SparseCoder(4, max_iter=1), 3, input_shape=(5, 5)).set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        encoder.fit(rng.normal(size=(4, 25)))


@pytest.mark.nojit
def test_parameters_that_are_set_after_fit(rng):
    X = rng.normal(size=(6, 25))
    encoder = PatchEncoder(SparseCoder(4, max_iter=1, random_state=0), 3, input_shape=(5, 5), random_state=0).fit(X)
    other = clone(encoder).set_params(pool=None, stride=2).fit(X)
    encoder.set_params(pool=None, stride=2)
    assert np.array_equal(encoder.transform(X), other.transform(X)), "how patches are pooled needs no other fit"
    assert np.array_equal(encoder.inverse_transform(encoder.transform(X)), other.inverse_transform(other.transform(X)))
    with pytest.raises(ValueError, match=r"to patches of 4 pixels .* from patches of 9 of images of 25\. Call fit"):
        encoder.set_params(patch_size=2).transform(X)
    assert encoder.fit(X).transform(X).shape == (6, 16)


def test_blocks_that_do_not_converge_warn_once(rng, monkeypatch):
    X = rng.normal(size=(30, 64))
    encoder = PatchEncoder(SparseCoder(8, alpha=0.1, max_iter=1), 4, input_shape=(8, 8), random_state=0).fit(X)
    encoder.encoder_.set_params(encode_max_iter=1)
    monkeypatch.setattr(_patch_plan, "BLOCK", 1)
    with pytest.warns(ConvergenceWarning, match=f"of {30 * 25} rows stopped at `encode_max_iter`=1") as caught:
        encoder.transform(X)
    assert len(caught) == 1


# ---------------------------------------------------------------- classification


def test_grid_search_over_the_encoder_within():
    X, y = load_digits(n_class=3, return_X_y=True)
    encoder = PatchEncoder(SparseCoder(8, max_iter=2), 4, input_shape=(8, 8), n_patches=1000, random_state=0)
    pipeline = make_pipeline(encoder, LogisticRegression(max_iter=1000))
    grid = {"patchencoder__encoder__alpha": [2.0, 20.0], "patchencoder__pool": ["max", "mean"]}
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X / 1.0, y)
    assert search.best_score_ > 0.95
    assert search.best_estimator_[0].encoder_.alpha == search.best_params_["patchencoder__encoder__alpha"]


@pytest.mark.slow
def test_patches_classify_digits_better_than_pixels():
    X, y = load_digits(return_X_y=True)
    X = X / 16
    right = []
    for seed in range(3):
        train, test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=seed, stratify=y)
        encoder = PatchEncoder(SparseCoder(32, max_iter=10), 4, input_shape=(8, 8), random_state=seed)
        models = [make_pipeline(first, LogisticRegression(max_iter=1000)) for first in (encoder, StandardScaler())]
        right.append([model.fit(train, y_train).score(test, y_test) for model in models])
    of_patches, of_pixels = np.mean(right, axis=0)
    # Over 10 seeds 98.3 % (spread 0.4) against 96.4 % (spread 0.6); the difference is 1.9 points (spread 0.5).
    assert of_patches > 0.975
    assert of_patches - of_pixels > 0.01
