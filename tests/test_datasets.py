"""Photographs: those that come with scikit-image and scikit-learn, and a folder of one's own."""

import socket

import numpy as np
import pytest
from PIL import Image
from skimage import io

from sparsecode.datasets import natural_images


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a download was tried")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


def save(folder, name, pixels):
    io.imsave(folder / name, pixels, check_contrast=False)


def test_bundled_photographs_need_no_network(no_network):
    images = natural_images()
    assert [image.shape for image in images] == [(512, 512)] * 4 + [(300, 451), (400, 600)] + [(427, 640)] * 3
    for image in images:
        assert image.dtype == np.float64
        assert image.min() >= 0
        assert 0.7 < image.max() <= 1  # 0.76 to 1
        assert image.std() > 0.1


def test_each_call_gives_arrays_of_its_own():
    first, again = natural_images(), natural_images()
    first[0][:] = 0
    assert again[0].max() > 0


def test_central_squares_of_one_size(tmp_path, rng):
    image = rng.random((40, 60))
    save(tmp_path, "a.png", np.uint8(255 * image))
    (square,) = natural_images(tmp_path, side=40)
    np.testing.assert_allclose(square, np.uint8(255 * image)[:, 10:50] / 255, atol=1e-12)
    (half,) = natural_images(tmp_path, side=np.int64(20))
    assert half.shape == (20, 20)
    assert square.min() < half.min() < half.mean() < half.max() < square.max()
    assert half.mean() == pytest.approx(square.mean(), abs=0.01)
    for bad in (15, 20.0, "20", True):
        with pytest.raises(ValueError, match="`side` must be an int of at least 16, or None"):
            natural_images(tmp_path, side=bad)


def test_folder_is_read_in_the_order_of_names(tmp_path, rng):
    grey = rng.integers(0, 256, (20, 30), dtype=np.uint8)
    for name in ("b.png", "a.TIF", "c.bmp"):
        save(tmp_path, name, grey if name != "a.TIF" else 255 - grey)
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_text("not an image")
    (tmp_path / "folder.png").mkdir()
    for folder in (tmp_path, str(tmp_path)):
        images = natural_images(folder)
        assert len(images) == 3
        np.testing.assert_allclose(images[0], 1 - grey / 255, atol=1e-15)
        np.testing.assert_allclose(images[1], grey / 255, atol=1e-15)
        np.testing.assert_allclose(images[2], grey / 255, atol=1e-15)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit(tmp_path, rng, suffix):
    grey = rng.integers(0, 65536, (20, 30), dtype=np.uint16)
    save(tmp_path, f"deep.{suffix}", grey)
    [image] = natural_images(tmp_path)
    np.testing.assert_allclose(image, grey / 65535, atol=1e-15)


def test_colour_and_transparency(tmp_path, rng):
    rgb = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    luminance = rgb @ [0.2125, 0.7154, 0.0721] / 255
    opaque = np.full((20, 30, 1), 255, np.uint8)
    save(tmp_path, "1_rgb.png", rgb)
    save(tmp_path, "2_opaque.png", np.concatenate([rgb, opaque], axis=2))
    save(tmp_path, "3_clear.png", np.concatenate([rgb, 0 * opaque], axis=2))
    save(tmp_path, "4_grey_alpha.png", np.concatenate([rgb[..., :1], 0 * opaque + 51], axis=2))
    save(tmp_path, "5_rgb.jpg", np.full((20, 30, 3), 128, np.uint8))
    first, second, third, fourth, fifth = natural_images(tmp_path)
    np.testing.assert_allclose(first, luminance, atol=1e-12)
    np.testing.assert_allclose(second, luminance, atol=1e-12)
    np.testing.assert_allclose(third, 1.0, atol=1e-12)  # white shows through
    np.testing.assert_allclose(fourth, 0.2 * rgb[..., 0] / 255 + 0.8, atol=1e-12)
    np.testing.assert_allclose(fifth, 128 / 255, atol=1e-12)


def test_other_pixel_types(tmp_path, rng):
    unit = rng.random((20, 30)).astype(np.float32)
    save(tmp_path, "1.tif", unit)
    save(tmp_path, "2.tif", (unit * 60_000).astype(np.int32))
    Image.fromarray(unit > 0.5).save(tmp_path / "3.png")  # one bit a pixel
    first, second, third = natural_images(tmp_path)
    np.testing.assert_array_equal(first, unit)
    np.testing.assert_allclose(second, unit * 60_000 / 65535, atol=1 / 65535)
    assert set(np.unique(third)) == {0.0, 1.0}


def test_folder_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`folder` does not exist: .*missing'\. Give the path of a folder"):
        natural_images(tmp_path / "missing")
    with pytest.raises(ValueError, match="`folder` must be a path or None, got 3"):
        natural_images(3)
    with pytest.raises(ValueError, match=r"`folder` holds no image file: .*Put images into it that end in \.png"):
        natural_images(tmp_path)
    (tmp_path / "file.txt").write_text("text")
    with pytest.raises(ValueError, match=r"`folder` is a file: .*file.txt'. Give the folder that holds it"):
        natural_images(tmp_path / "file.txt")


@pytest.mark.filterwarnings("ignore:The legacy:DeprecationWarning")  # readers that imageio tries last
@pytest.mark.parametrize("name", ["broken.png", "broken.jpg", "broken.tif", "broken.bmp"])
def test_unreadable_file_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is not an image")
    with pytest.raises(ValueError, match=f"cannot be read as an image: .*{name}.*Remove it, or save it again as PNG"):
        natural_images(tmp_path)


def test_truncated_file_is_named(tmp_path, rng):
    save(tmp_path, "cut.png", rng.integers(0, 256, (50, 50), dtype=np.uint8))
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cannot be read as an image: .*cut.png"):
        natural_images(tmp_path)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((20, 15), np.uint8), r"image.tif' has 20 x 15 pixels, at least 16 x 16 are needed. Remove it"),
        (np.full((20, 20), 7.5, np.float32), r"image.tif': its values are float32 from 0 to 7.5. Rescale them"),
        (np.full((20, 20), -5, np.int16), r"image.tif': its values are int16 from -5 to 0. Rescale them"),
        (np.zeros((7, 20, 20), np.uint8), r"image.tif': its shape is \(7, 20, 20\). Save each page as a file"),
        (np.full((20, 20), np.nan, np.float32), r"image.tif': its values are float32 from nan to nan"),
    ],
)
def test_unusable_image_is_named(tmp_path, pixels, message):
    save(tmp_path, "image.tif", pixels)
    with pytest.raises(ValueError, match="`folder` holds an image .*" + message):
        natural_images(tmp_path)
