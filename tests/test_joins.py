"""What one room makes, the next one takes: whole ways from images to memories and back, as scikit-learn Pipelines."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from sparsecode import PatchEncoder, PatchExtractor, SparseCoder, Whitener, groups_from_lengths, load
from sparsecode.convolutional import ConvSparseCoder
from sparsecode.datasets import natural_images
from sparsecode.dendrites import ActiveDendriteClassifier, DendriticSegmentDetector
from sparsecode.sdr import KWinners, MacrocolumnMemory, SequenceMemory, k_winners
from sparsecode.temporal import DeltaEncoder, SpikingLCA

SIDE = 16


@pytest.fixture(scope="module")
def pieces():
    """120 pieces of three whitened photographs, float32."""
    photographs = natural_images(side=128)[1:4]  # grass, gravel, brick: no sky, which has no code
    extractor = PatchExtractor(SIDE, n_patches=120, center=True, random_state=0)
    return extractor.fit_transform(Whitener().fit_transform(photographs)).astype(np.float32)


def test_from_images_to_a_memory_and_back(pieces):
    X = pieces[:50]
    coder = SparseCoder(24, alpha=0.1, max_iter=2)
    patches = PatchEncoder(coder, 8, stride=4, pool=None, input_shape=(SIDE, SIDE), random_state=0)
    pipeline = make_pipeline(patches, KWinners(20), MacrocolumnMemory(random_state=0)).fit(X)
    winners = pipeline[:-1].transform(X)
    np.testing.assert_array_equal(pipeline[-1].recall(winners), winners)
    assert pipeline.score_samples(X).min() == 1
    restored, direct = pipeline.inverse_transform(pipeline.transform(X)), pipeline[:-1].inverse_transform(winners)
    np.testing.assert_array_equal(restored, direct)
    # Twenty coefficients, as their means: 0.55 of the variance is left
    assert np.square(X - restored).sum() < 0.7 * np.square(X).sum()
    again = clone(pipeline).fit(X)
    np.testing.assert_array_equal(again.transform(X), pipeline.transform(X))


def left_half(X):
    images = X.reshape(-1, SIDE, SIDE).copy()
    images[:, :, SIDE // 2 :] = 0
    return images.reshape(len(X), -1)


def overlap(a, b):
    """Mean Jaccard similarity of binary rows."""
    return ((a & b).sum(axis=1) / (a | b).sum(axis=1)).mean()


def test_a_memory_recalls_pieces_from_their_left_halves_and_knows_them_from_others(pieces):
    """Of five draws 0.58 to 0.78 exactly; overlap of cues 0.36 to 0.39, of what is recalled 0.79 to 0.88.

    Area between familiarity of stored and others 0.90 to 0.93.
    """
    stored, others = pieces[:50], pieces[50:]
    coder = SparseCoder(24, alpha=0.1, max_iter=2, random_state=0)
    patches = PatchEncoder(coder, 8, stride=4, pool=None, input_shape=(SIDE, SIDE), random_state=0)
    winners = make_pipeline(patches, KWinners(20, sign="positive"))
    memory = MacrocolumnMemory(random_state=0).fit(winners.fit_transform(stored))
    whole = winners.transform(stored)
    cues, novel = (k_winners(patches.transform(left_half(rows)), 10) for rows in (stored, others))
    recalled = memory.recall(cues)
    assert (recalled == whole).all(axis=1).mean() > 0.5
    assert overlap(cues, whole) < 0.45
    assert overlap(recalled, whole) > 0.7
    known = np.repeat([1, 0], [len(cues), len(novel)])
    assert roc_auc_score(known, np.r_[memory.familiarity(cues), memory.familiarity(novel)]) > 0.85


def test_winners_of_codes_are_recognised_by_dendrites():
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    coder = SparseCoder(24, alpha=2.0, max_iter=2)
    digits = PatchEncoder(coder, 4, input_shape=(8, 8), random_state=0)
    dendrites = ActiveDendriteClassifier(DendriticSegmentDetector(20, false_positive_rate=0.01), random_state=0)
    pipeline = make_pipeline(digits, KWinners(20, sign="positive"), dendrites)
    search = GridSearchCV(pipeline, {"kwinners__n_winners": [10, 30]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.8
    assert search.predict_proba(X[:5]).shape == (5, 10)


def test_codes_are_told_apart_better_than_pixels_and_by_dendrites_at_once():
    """Of five draws of 300 digits codes 0.89 to 0.98, pixels less by 0.013 to 0.05, dendrites 0.77 to 0.92."""
    X, y = load_digits(return_X_y=True)
    X, y = X[300:600], y[300:600]
    digits = PatchEncoder(SparseCoder(24, alpha=2.0, max_iter=2), 4, input_shape=(8, 8), random_state=1)
    dendrites = ActiveDendriteClassifier(DendriticSegmentDetector(20, false_positive_rate=0.01), random_state=1)
    regression = MaxAbsScaler(), LogisticRegression(max_iter=500)
    codes, pixels, at_once = (
        cross_val_score(make_pipeline(*steps), X, y, cv=2).mean()
        for steps in ((digits, *regression), regression, (digits, KWinners(30, sign="positive"), dendrites))
    )
    assert codes > pixels + 0.01
    assert at_once > 0.7


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def clips(rng, noise):
    """Two clips of a bar that moves over a still background, from the left and from above."""
    frames = np.tile(rng.normal(size=(32, 32)), (24, 1, 1))
    for t in range(12):
        frames[t, 8:24, 4 + 2 * t : 7 + 2 * t] += 4
        frames[12 + t, 4 + 2 * t : 7 + 2 * t, 8:24] += 4
    return frames + noise * rng.normal(size=frames.shape)


@pytest.mark.usefixtures("routing")
def test_from_clips_to_a_memory_of_sequences_and_back(tmp_path):
    rng, groups = np.random.default_rng(0), groups_from_lengths([12, 12])
    frames = clips(rng, 0.0)
    patches = PatchEncoder(SparseCoder(24, alpha=0.3, max_iter=2), 8, stride=4, pool=None, random_state=0)
    changes = DeltaEncoder(0.05, encoder=patches, input_shape=(32, 32))
    changes.set_fit_request(groups=True).set_transform_request(groups=True)
    memory = SequenceMemory(30, 20, random_state=0).set_fit_request(groups=True).set_transform_request(groups=True)
    winners = KWinners(30, boost_strength=5.0, duty_period=24)
    pipeline = make_pipeline(Whitener(), changes, winners, memory).fit(frames, groups=groups)
    seen = pipeline[:-1].transform(frames, groups=groups)
    np.testing.assert_array_equal(pipeline.transform(frames, groups=groups), memory.transform(seen, groups=groups))
    for start in (0, 12):
        replayed = memory.recall_sequence(seen[start : start + 1], 11)
        np.testing.assert_array_equal(replayed, seen[start + 1 : start + 12])
    images = pipeline[1:3].inverse_transform(memory.predict_next(seen, groups=groups))
    np.testing.assert_array_equal(images[:11], pipeline[1:3].inverse_transform(seen)[1:12])
    for step in pipeline.steps[1:]:
        step[1].save(tmp_path / "step.npz")
        copy = load(tmp_path / "step.npz")
        assert type(copy) is type(step[1])
    np.testing.assert_array_equal(copy.transform(seen, groups=groups), memory.transform(seen, groups=groups))


def test_one_dictionary_is_atoms_kernels_and_receptive_fields(pieces):
    X = pieces.astype(np.float64)
    rows = PatchExtractor(8, n_patches=2000, center=True, random_state=0).fit_transform(list(X.reshape(-1, SIDE, SIDE)))
    coder = SparseCoder(24, alpha=0.3, max_iter=3, input_shape=(8, 8), random_state=0).fit(rows)
    dictionary = coder.dictionary_
    images = X[:4]

    settings = {"input_shape": (SIDE, SIDE), "pool": None, "boundary": "valid", "alpha": 0.3, "encode_tol": 1e-4}
    convolution = ConvSparseCoder(dictionary=dictionary, **settings).fit(images)
    np.testing.assert_array_equal(convolution.dictionary_.atoms, dictionary.atoms)
    side_by_side = PatchExtractor(8, stride=8).fit(images.reshape(-1, SIDE, SIDE))
    patches = side_by_side.transform(images.reshape(-1, SIDE, SIDE))
    exact = SparseCoder(dictionary=dictionary, alpha=0.3).fit(patches)
    codes = exact.transform(patches)
    maps = np.zeros((4, *convolution.code_shape_))
    maps[:, :, ::8, ::8] = np.moveaxis(codes.reshape(4, 2, 2, 24), 3, 1)
    drawn = np.array(side_by_side.inverse_transform(exact.inverse_transform(codes)))
    np.testing.assert_allclose(convolution.inverse_transform(maps.reshape(4, -1)), drawn.reshape(4, -1), atol=1e-12)

    def objective(maps):
        error = images - convolution.inverse_transform(maps.reshape(4, -1))
        return 0.5 * np.square(error).sum() + 0.3 * np.abs(maps).sum()

    assert objective(convolution.transform(images)) < objective(maps)  # which is one way to place kernels

    neurons = SpikingLCA(dictionary, alpha=0.3, duration=400.0, dt=0.02).fit(patches)
    np.testing.assert_array_equal(neurons.dictionary_.atoms, dictionary.atoms)
    rates = neurons.transform(patches)
    assert np.square(rates - codes).sum() < 0.01 * np.square(codes).sum()
