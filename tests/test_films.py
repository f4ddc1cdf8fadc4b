"""Films: read from files that tests write, and drifting photographs."""

import sys

import numpy as np
import pytest

from sparsecode.datasets import drifting_images, natural_images, video_frames


def write_film(path, frames, *, codec="ffv1", pixels="gray", written="gray"):
    """Write frames (n, height, width[, 3]) of uint8, without loss by default."""
    av = pytest.importorskip("av", reason="PyAV writes the films (pip install av)")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format=written)))
        container.mux(stream.encode())
    return path


@pytest.fixture
def grey(rng):
    return rng.integers(0, 256, (7, 24, 32), dtype=np.uint8)


def test_frames_of_a_film_without_loss(tmp_path, grey, rng):
    path = write_film(tmp_path / "grey.mkv", grey)
    for given in (path, str(path)):
        film = video_frames(given)
        assert film.dtype == np.float32
        np.testing.assert_array_equal(film, grey.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(video_frames(path, n_frames=2, step=3), film[[0, 3]])
    np.testing.assert_array_equal(video_frames(path, n_frames=100, step=2), film[::2])
    colored = rng.integers(0, 256, (3, 24, 32, 3), dtype=np.uint8)
    path = write_film(tmp_path / "colored.mkv", colored, pixels="bgr0", written="rgb24")
    np.testing.assert_array_equal(video_frames(path, color=True), colored.astype(np.float32) / np.float32(255))


def test_luma_of_compressed_films(tmp_path):
    """Their range is 16 to 235, which is stretched: within 1/255 of the greys that were written."""
    ramp = np.broadcast_to(np.arange(16, 240, 32, dtype=np.uint8)[:, None, None], (7, 32, 48))
    film = video_frames(write_film(tmp_path / "ramp.mp4", np.ascontiguousarray(ramp), codec="mpeg4", pixels="yuv420p"))
    np.testing.assert_allclose(film.mean(axis=(1, 2)), ramp[:, 0, 0] / 255, atol=1.5 / 255)


def test_frames_are_resized(tmp_path, grey):
    path = write_film(tmp_path / "film.mkv", grey)
    whole = video_frames(path)
    half = video_frames(path, shape=(12, 16))
    np.testing.assert_allclose(half, whole.reshape(7, 12, 2, 16, 2).mean(axis=(2, 4)), atol=1.01 / 255)
    np.testing.assert_array_equal(video_frames(path, shape=(None, 16)), half)
    np.testing.assert_array_equal(video_frames(path, shape=(12, None)), half)
    assert video_frames(path, shape=(48, 10), color=True).shape == (7, 48, 10, 3)
    np.testing.assert_array_equal(video_frames(path, shape=(None, None)), whole)


def test_files_that_are_no_films(tmp_path, grey):
    path = write_film(tmp_path / "film.mp4", grey, codec="mpeg4", pixels="yuv420p")
    (tmp_path / "half.mp4").write_bytes(path.read_bytes()[:500])
    (tmp_path / "notes.mp4").write_text("not a film")
    (tmp_path / "empty.mp4").touch()
    for name in ("half.mp4", "notes.mp4", "empty.mp4", "."):
        with pytest.raises(ValueError, match="cannot be read as a film"):
            video_frames(tmp_path / name)


def test_damaged_frames_are_not_returned(tmp_path):
    """Where bytes are lost, decoders fill in from other frames, and 20 come; frames that are skipped count as well."""
    waves = np.sin(np.add.outer(np.arange(20), np.add.outer(np.arange(64), np.arange(96)) / 7))
    frames = (127 + 100 * waves).astype(np.uint8)
    path = write_film(tmp_path / "film.mp4", frames, codec="mpeg4", pixels="yuv420p")
    assert len(video_frames(path)) == 20
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = np.random.default_rng(0).bytes(40)
    path.write_bytes(data)
    for step in (1, 19):
        with pytest.raises(ValueError, match=r"cannot be read as a film: .*frame \d+ is damaged"):
            video_frames(path, step=step)


def test_files_of_sound_only(tmp_path):
    av = pytest.importorskip("av", reason="PyAV writes the file (pip install av)")
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ValueError, match="there is no film in it"):
        video_frames(path)


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        video_frames(tmp_path / "none.mp4")
    (tmp_path / "film.mp4").touch()
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match=r'pip install "sparsecode\[video\]"'):
        video_frames(tmp_path / "film.mp4")


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"shape": 160}, r"`shape` must be \(height, width\)"),
        ({"shape": (0, 160)}, "`shape`"),
        ({"shape": (90.0, 160)}, "`shape`"),
        ({"n_frames": 0}, "`n_frames` must be an int >= 1"),
        ({"step": True}, "`step` must be an int >= 1"),
        ({"path": 3}, "`path` must be a path"),
    ],
)
def test_parameters_of_films_out_of_range(params, reason):
    with pytest.raises(ValueError, match=reason):
        video_frames(**{"path": "film.mp4"} | params)


def test_windows_drift_over_photographs():
    """By whole pixels frames are parts of the photograph; between them, means of such parts."""
    image = np.random.default_rng(0).random((40, 60))
    film = drifting_images(50, (16, 20), speed=1.5, images=[image], random_state=0)
    assert film.shape == (50, 16, 20)
    assert film.dtype == np.float32
    parts = np.lib.stride_tricks.sliding_window_view(image, (16, 20))
    change = np.abs(np.diff(film, axis=0)).mean(axis=(1, 2))
    assert (change > 0.05).all()  # 0.11 to 0.28
    for frame in film[::10]:
        distance = np.square(parts - frame).mean(axis=(2, 3))
        y, x = np.unravel_index(distance.argmin(), distance.shape)
        near = parts[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].reshape(-1, 16 * 20)
        weights, *_ = np.linalg.lstsq(near.T, frame.ravel().astype(float))
        np.testing.assert_allclose(weights @ near, frame.ravel(), atol=1e-6)
        assert weights.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(drifting_images(50, (16, 20), speed=1.5, images=[image], random_state=0), film)
    long = drifting_images(2000, (16, 20), speed=3, images=[image], random_state=0)  # turns back at borders
    assert (np.abs(np.diff(long, axis=0)).mean(axis=(1, 2)) > 0.05).all()


def test_discs_move_before_a_background_that_stands_still():
    film = drifting_images(60, (32, 48), speed=0, n_objects=2, object_speed=1.0, random_state=1)
    changes = np.abs(np.diff(film, axis=0)) > 1e-3
    assert 0.02 < changes.mean() < 0.15  # two discs of 8 pixels are 6.5 %; 0.04 to 0.09 for seeds 0 to 9
    background = np.median(film, axis=0)
    assert (np.abs(film - background).max(axis=0) < 1e-6).mean() > 0.1
    still = drifting_images(3, (32, 48), speed=0, random_state=1)
    assert (still == still[0]).all()
    noisy = drifting_images(30, (32, 48), speed=0, noise=0.01, random_state=1)
    assert noisy.std(axis=0).mean() == pytest.approx(0.01, rel=0.05)


def test_any_photograph_and_place():
    images = natural_images()
    for seed in range(40):
        film = drifting_images(4, (16, 24), speed=2, n_objects=1, images=images, random_state=seed)
        assert np.isfinite(film).all()
        assert 0 <= film.min() <= film.max() <= 1
    image = images[0][:17, :25]
    assert drifting_images(3, (16, 24), n_objects=1, images=[image], random_state=0).shape == (3, 16, 24)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"n_frames": 0}, "`n_frames` must be an int >= 1"),
        ({"shape": (4, 100)}, "of 8 pixels at least"),
        ({"shape": 64}, "`shape`"),
        ({"speed": -1.0}, "`speed` must be a number >= 0"),
        ({"n_objects": 1.5}, "`n_objects` must be an int >= 0"),
        ({"object_speed": np.nan}, "`object_speed`"),
        ({"noise": np.inf}, "`noise`"),
        ({"images": [np.zeros((64, 200))]}, r"larger than frames of 64 x 96 pixels, got \[\(64, 200\)\]"),
        ({"images": []}, "larger than frames"),
        ({"images": [np.full((80, 120), 200, np.uint8)]}, "floats from 0 to 1, got uint8, from 200 to 200; divide"),
        ({"images": [np.full((80, 120), np.nan)]}, "got float64, from nan to nan"),
        ({"images": [np.full((80, 120), 1.5)]}, "got float64, from 1.5 to 1.5"),
        ({"images": [np.ones((80, 120), complex)]}, "got complex128, others"),
        ({"images": [np.full((80, 120), "a", object)]}, "got object, others"),
    ],
)
def test_parameters_of_drifting_images_out_of_range(params, reason):
    with pytest.raises(ValueError, match=reason):
        drifting_images(**{"n_frames": 3} | params)
