"""Photographs to learn from, without a download."""

import os
from numbers import Integral
from pathlib import Path

import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".pgm", ".ppm", ".jp2")
SKIMAGE_PHOTOGRAPHS = ("camera", "grass", "gravel", "brick", "chelsea", "coffee", "rocket")
SKLEARN_PHOTOGRAPHS = ("china.jpg", "flower.jpg")

#: Names of the photographs that come with the libraries, in the order of `natural_images`.
PHOTOGRAPHS = (*SKIMAGE_PHOTOGRAPHS, *(name.partition(".")[0] for name in SKLEARN_PHOTOGRAPHS))

LEAST_SIDE = 16  # pixels; smaller images hold no patch that is worth coding


def natural_images(folder=None, *, side=None):
    """Return photographs as luminance images.

    Without `folder`: nine photographs that come inside scikit-image (camera, grass, gravel, brick, chelsea,
    coffee, rocket) and scikit-learn (china, flower), from 300 x 451 to 512 x 512 pixels. Nothing is downloaded.

    Parameters
    ----------
    folder : str or path-like, default=None
        Folder of your own images: its png, jpg, tif, bmp, webp, pgm, ppm and jp2 files, 8 or 16 bit, grey
        or colour, in the order of their names. Other files, hidden files and subfolders are passed over.
    side : int, default=None
        Side in pixels, at least 16, of images that are all of one shape: the central square of each, resized with
        smoothing where it shrinks. None leaves images as they are.

    Returns
    -------
    list of ndarray of shape (height, width)
        Luminance in [0, 1], float64. Without `side`, shapes differ from image to image.

    Raises
    ------
    FileNotFoundError
        If `folder` is not there.
    ValueError
        If `side` is too small, or `folder` is a file, holds no image file, or holds an image that cannot be read, is
        smaller than 16 x 16 pixels, has several pages, or has floating-point values outside [0, 1].

    Notes
    -----
    Luminance is 0.2125 R + 0.7154 G + 0.0721 B of the stored values (`skimage.color.rgb2gray`), without
    undoing their gamma. Transparent pixels are laid over white.

    Examples
    --------
    >>> from sparsecode.datasets import natural_images
    >>> images = natural_images()
    >>> len(images), images[0].shape, images[0].dtype
    (9, (512, 512), dtype('float64'))
    >>> {image.shape for image in natural_images(side=64)}
    {(64, 64)}
    """
    if side is not None and not (isinstance(side, Integral) and side >= LEAST_SIDE):
        raise ValueError(f"`side` must be an int of at least {LEAST_SIDE}, or None, got {side!r}.")
    images = _bundled() if folder is None else [_read(path) for path in _image_files(folder)]
    return images if side is None else [_central_square(image, side) for image in images]


def _bundled():
    from skimage import data
    from sklearn.datasets import load_sample_image

    photographs = [getattr(data, name)() for name in SKIMAGE_PHOTOGRAPHS]
    photographs += [load_sample_image(name) for name in SKLEARN_PHOTOGRAPHS]
    return [_luminance(photograph) for photograph in photographs]


def _central_square(image, side):
    from skimage.transform import resize

    n = min(image.shape)
    top, left = ((length - n) // 2 for length in image.shape)
    return resize(image[top : top + n, left : left + n], (side, side), anti_aliasing=n > side)


def _image_files(folder):
    if not isinstance(folder, str | os.PathLike):
        raise ValueError(f"`folder` must be a path or None, got {folder!r}.")
    folder = Path(folder)
    if not folder.exists():
        raise FileNotFoundError(f"`folder` does not exist: {str(folder)!r}. Give the path of a folder of images.")
    if not folder.is_dir():
        raise ValueError(f"`folder` is a file: {str(folder)!r}. Give the folder that holds it.")
    files = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    if not files:
        raise ValueError(
            f"`folder` holds no image file: {str(folder)!r}. Put images into it that end in {', '.join(SUFFIXES)}."
        )
    return files


def _read(path):
    from skimage import io

    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            pixels = io.imread(path)
        else:
            with path.open("rb") as stream:  # given the name, the readers leave broken files open
                pixels = io.imread(stream)
    except Exception as error:  # each image format has exceptions of its own
        raise ValueError(
            f"`folder` holds a file that cannot be read as an image: {str(path)!r} ({type(error).__name__}: {error}). "
            "Remove it, or save it again as PNG."
        ) from error
    try:
        image = _luminance(pixels)
    except ValueError as error:
        raise ValueError(f"`folder` holds an image that cannot be used: {str(path)!r}: {error}") from None
    if min(image.shape) < LEAST_SIDE:
        raise ValueError(
            f"`folder` holds an image that is too small: {str(path)!r} has {image.shape[0]} x {image.shape[1]} pixels, "
            f"at least {LEAST_SIDE} x {LEAST_SIDE} are needed. Remove it."
        )
    return image


def _luminance(pixels):
    """Return grey, grey + alpha, RGB or RGBA pixels of any integer or float type as luminance in [0, 1]."""
    from skimage.color import rgb2gray, rgba2rgb

    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] > 4):
        raise ValueError(f"its shape is {pixels.shape}. Save each page as a file of its own.")
    values = _unit_range(pixels)
    if values.ndim == 2:
        return values
    channels = values.shape[2]
    if channels == 1:
        return values[..., 0]
    if channels == 2:
        grey, alpha = values[..., 0], values[..., 1]
        return alpha * grey + (1.0 - alpha)
    return np.clip(rgb2gray(rgba2rgb(values) if channels == 4 else values), 0.0, 1.0)


def _unit_range(pixels):
    if pixels.dtype == bool:
        return pixels.astype(np.float64)
    if pixels.dtype.kind == "u":
        return pixels / np.float64(np.iinfo(pixels.dtype).max)
    low, high = float(pixels.min(initial=0)), float(pixels.max(initial=0))
    if pixels.dtype.kind == "i" and low >= 0 and high <= 65535:  # how some readers return 16 bit without a sign
        return pixels / 65535.0
    if pixels.dtype.kind == "f" and low >= 0 and high <= 1:
        return pixels.astype(np.float64)
    raise ValueError(
        f"its values are {pixels.dtype} from {low:g} to {high:g}. Rescale them to [0, 1], or save as 8 or 16 bit."
    )
