"""Delta encoders around other encoders: codes of what receivers have, of changed rows and patches only."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from sparsecode import PatchEncoder, SparseCoder, load
from sparsecode.datasets import drifting_images
from sparsecode.encoder import as_dense
from sparsecode.sdr import KWinners, MacrocolumnMemory, SequenceMemory
from sparsecode.temporal import DeltaEncoder

IMAGES = [np.random.default_rng(seed).random((24, 24)) for seed in (0, 1)]


def film(n_frames=12, side=16, seed=0):
    """A square that moves over a still background with faint noise."""
    rng = np.random.default_rng(seed)
    frames = np.repeat(rng.normal(size=(1, side, side)), n_frames, axis=0) + 0.01 * rng.normal(
        size=(n_frames, side, side)
    )
    for t in range(n_frames):
        frames[t, 2:6, t % 12 : t % 12 + 4] += 3
    return frames


def patch_encoder(**params):
    coder = SparseCoder(10, alpha=0.3, max_iter=2, random_state=0)
    return PatchEncoder(coder, patch_size=4, stride=4, pool=None, input_shape=(16, 16), random_state=0, **params)


@pytest.fixture
def coded(monkeypatch):
    """Counts of the rows that sparse coders are given to encode."""
    counts, transform = [], SparseCoder.transform

    def count(self, X, **options):
        counts.append(len(X))
        return transform(self, X, **options)

    monkeypatch.setattr(SparseCoder, "transform", count)
    return counts


@pytest.mark.parametrize("make", [patch_encoder, lambda: SparseCoder(12, alpha=0.3, max_iter=1, random_state=0)])
def test_codes_are_those_of_what_receivers_have(make, monkeypatch):
    frames = film().reshape(12, -1)
    frames[5] = frames[4]
    encoder = DeltaEncoder(0.1, encoder=make()).fit(frames)
    plain = DeltaEncoder(0.1).fit(frames)
    held = plain.inverse_transform(plain.transform(frames))
    expected = encoder.encoder_.transform(held)
    np.testing.assert_array_equal(encoder.transform(frames), expected)
    monkeypatch.setattr("sparsecode.temporal._streams.BLOCK", 3 * frames.shape[1])
    np.testing.assert_array_equal(encoder.transform(frames), expected)
    np.testing.assert_array_equal(encoder.inverse_transform(expected), encoder.encoder_.inverse_transform(expected))


def test_codes_may_be_sparse_all_the_way(monkeypatch):
    frames = film().reshape(12, -1)
    coder = SparseCoder(10, alpha=0.3, max_iter=2, sparse_output=True, random_state=0)
    patches = PatchEncoder(coder, 4, stride=4, pool=None, input_shape=(16, 16), random_state=0)
    dense = DeltaEncoder(0.1, encoder=patch_encoder()).fit_transform(frames)
    for sparse in (False, True):
        encoder = DeltaEncoder(0.1, encoder=patches, sparse_output=sparse).fit(frames)
        monkeypatch.setattr("sparsecode.temporal._streams.BLOCK", 5 * frames.shape[1])
        codes = encoder.transform(frames)
        monkeypatch.undo()
        assert isinstance(codes, csr_array if sparse else np.ndarray)
        np.testing.assert_array_equal(as_dense(codes), dense)


def test_only_what_has_changed_is_coded(coded):
    frames = film().reshape(12, -1)
    encoder = DeltaEncoder(0.1, encoder=patch_encoder()).fit(frames)
    del coded[:]
    codes = encoder.transform(frames)
    # 16 patches of the first frame, then those of two rows that the square enters or leaves
    assert sum(coded) < 0.45 * 16 * len(frames)
    del coded[:]
    state, steps = encoder.initial_state(), []
    for x in frames:
        code, state = encoder.step(x, state)
        steps.append(code.copy())
        code *= 0  # what is handed out is no part of the state
    np.testing.assert_array_equal(steps, codes)
    assert sum(coded) < 0.45 * 16 * len(frames)


def test_images_that_stand_still_are_coded_once(coded):
    images = np.repeat(film(3), [4, 1, 3], axis=0)
    encoder = patch_encoder().fit(images)
    del coded[:]
    codes = encoder.transform(images)
    assert sum(coded) == 3 * 16
    np.testing.assert_array_equal(codes, np.concatenate([encoder.transform(image[None]) for image in images]))


def test_the_whole_way_to_a_memory_of_sequences():
    frames = film().reshape(12, -1)
    codes = DeltaEncoder(0.1, encoder=patch_encoder()).fit_transform(frames)
    bits = KWinners(0.05, sign="absolute").fit_transform(codes)
    memory = SequenceMemory(20, 16, random_state=0).fit(bits)
    np.testing.assert_array_equal(memory.recall_sequence(bits[:1], 11), bits[1:])


def test_memories_of_what_has_changed():
    """Winners among the changes of a film: the sequence is recalled, and each moment from a part of its changes."""
    frames = drifting_images(14, (16, 16), speed=0.5, n_objects=1, images=IMAGES, random_state=0).reshape(14, -1)
    events = DeltaEncoder(0.05).fit_transform(frames)[1:]  # without the first frame, which is sent whole
    assert 0.15 < (events == 0).mean() < 0.5  # 0.30; 0.24 and 0.25 for two other films
    bits = KWinners(0.1, sign="absolute").fit_transform(events)
    assert bits.sum(axis=1).tolist() == [26] * 13
    sequence = SequenceMemory(20, 16, random_state=0).fit(bits)
    np.testing.assert_array_equal(sequence.recall_sequence(bits[:1], 12), bits[1:])
    moments = MacrocolumnMemory(40, 20, random_state=0).fit(bits)
    noisy = bits & (np.random.default_rng(0).random(bits.shape) < 0.8)
    assert (moments.recall(noisy) == bits).mean() > 0.99  # 0.996, 1 and 1 for three films


def test_encoders_of_streams_are_refused(tmp_path):
    frames = film().reshape(12, -1)
    with pytest.raises(ValueError, match="`encoder` is a DeltaEncoder, which is itself for streams"):
        DeltaEncoder(encoder=DeltaEncoder()).fit(frames)
    encoder = DeltaEncoder(0.1, encoder=patch_encoder()).fit(frames)
    encoder.save(tmp_path / "encoder.npz")
    np.testing.assert_array_equal(load(tmp_path / "encoder.npz").transform(frames), encoder.transform(frames))
