"""Where the patches of an image lie, in which regions they are pooled, and how they are pooled."""

import math
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.sparse import csr_array

from .._core.samples import as_shape

#: Entries of patches and codes that are in memory at a time.
BLOCK = 2**22


class Plan(NamedTuple):
    """Sizes down and across; a signal is an image one pixel high."""

    n_axes: int  # 1 for signals, 2 for images
    image: tuple
    patch: tuple
    stride: tuple
    grid: tuple

    @property
    def positions(self):
        """Patches down and across."""
        sizes = zip(self.image, self.patch, self.stride, strict=True)
        return tuple((side - patch) // stride + 1 for side, patch, stride in sizes)

    @property
    def regions(self):
        """Regions down and across."""
        return tuple(map(min, self.grid, self.positions))

    def own(self, pair):
        """Return sizes along the axes that the user knows."""
        return pair[-self.n_axes :]

    def windows(self, X):
        """Return the patches of rows as a view of shape (n, *positions, *patch)."""
        down, across = self.stride
        return sliding_window_view(X.reshape(-1, *self.image), self.patch, axis=(1, 2))[:, ::down, ::across]

    def changes(self, X):
        """Return whether patches of rows, (n, *positions), differ from those of the row before; those of a first do."""
        images = X.reshape(-1, *self.image)
        changed = np.ones(images.shape, dtype=bool)
        np.not_equal(images[1:], images[:-1], out=changed[1:])
        for axis in (1, 2):
            n, patch, stride = self.positions[axis - 1], self.patch[axis - 1], self.stride[axis - 1]
            changed = np.moveaxis(changed, axis, 0)
            seen = changed[: (n - 1) * stride + 1 : stride].copy()
            for k in range(1, patch):
                seen |= changed[k : k + (n - 1) * stride + 1 : stride]
            changed = np.moveaxis(seen, 0, axis)
        return changed

    def spans(self, axis):
        """Return the positions of each region along an axis, as slices."""
        n, n_regions = self.positions[axis], self.regions[axis]
        return [slice(i * n // n_regions, (i + 1) * n // n_regions) for i in range(n_regions)]

    def region_of(self, band):
        """Return the number of the row of regions in which rows of patches lie."""
        return next(i for i, span in enumerate(self.spans(0)) if span.start <= band.start < span.stop)

    def region_sizes(self):
        """Return the number of patches in each region, as an array of shape `regions`."""
        return np.outer(*([span.stop - span.start for span in self.spans(axis)] for axis in (0, 1)))

    def blocks(self, n_images, width):
        """Yield (images, rows of patches), as slices that make small blocks, each within a row of regions."""
        across = self.positions[1]
        n_patches = max(1, BLOCK // (math.prod(self.patch) + width))
        for span in self.spans(0):
            height = max(1, min(span.stop - span.start, n_patches // across))
            n_together = max(1, n_patches // (height * across))
            for top in range(span.start, span.stop, height):
                for first in range(0, n_images, n_together):
                    yield slice(first, first + n_together), slice(top, min(top + height, span.stop))


def sources(changed):
    """Return, for each image and place, the number of the patch that is seen there among those that changed.

    Those of the first image did.
    """
    numbers = np.cumsum(changed.reshape(-1)).reshape(changed.shape) - 1
    return np.maximum.accumulate(np.where(changed, numbers, 0), axis=0)


def sparse_rows(parts, n_images, positions, width):
    """Return the codes of all patches of images as a CSR array, a row for each image.

    Parameters
    ----------
    parts : iterable of (slice, slice, CSR array, ndarray)
        Images and rows of patches, codes of patches, and which of these is seen at each place.
    n_images : int
    positions : tuple of two ints
    width : int
        Of the code of a patch.
    """
    n_places, entries = math.prod(positions), []
    for images, band, codes, seen in parts:
        of_places = codes[seen.reshape(-1)].tocoo()
        image, down, across = np.unravel_index(of_places.row, seen.shape)
        place = (down + band.start) * positions[1] + across
        entries.append((of_places.data, image + images.start, of_places.col.astype(np.int64) * n_places + place))
    data, rows, columns = (np.concatenate(arrays) for arrays in zip(*entries, strict=True))
    codes = csr_array((data, (rows, columns)), shape=(n_images, width * n_places))
    codes.sum_duplicates()  # there are none, but SciPy 1.13 leaves entries out of order
    return codes


def make_plan(encoder, n_features):
    """Return the plan of a `PatchEncoder` for rows of a width."""
    shape = (n_features,) if encoder.input_shape is None else as_shape(encoder.input_shape)
    if len(shape) > 2:
        raise ValueError(
            f"`input_shape` must be (height, width) of grey images, or the length of signals, got {shape}. Turn colour "
            "into luminance first, for example by skimage.color.rgb2gray."
        )
    n_axes = len(shape)
    patch, stride, grid = (
        _each_axis(getattr(encoder, name), name, n_axes) for name in ("patch_size", "stride", "grid")
    )
    if encoder.input_shape is None:
        patch = (min(patch[0], n_features),)
    elif any(size > side for size, side in zip(patch, shape, strict=True)):
        raise ValueError(
            f"`patch_size`={encoder.patch_size!r} is larger than the {'images' if n_axes == 2 else 'signals'} of "
            f"`input_shape`={shape}; lower it."
        )
    one = (1,) * (2 - n_axes)
    return Plan(n_axes, one + shape, one + patch, one + stride, one + grid)


def _each_axis(value, name, n_axes):
    sizes = tuple(value) if isinstance(value, tuple | list) else (value,) * n_axes
    if len(sizes) != n_axes or not all(isinstance(size, Integral) and size >= 1 for size in sizes):
        axes = "two of them, down and across" if n_axes == 2 else "a tuple of one, for signals"
        raise ValueError(f"`{name}` must be an int >= 1, or {axes}, got {value!r}.")
    return tuple(int(size) for size in sizes)


def gather(target, codes, pool, *, signed):
    """Take codes of patches into the pools of their region.

    Parameters
    ----------
    target : ndarray of shape (n_images, 1, K), or (n_images, 2, K) if signed
        Largest parts so far, or sums so far.
    codes : ndarray of shape (n_images, down, across, K)
    pool : {"max", "mean"}
    signed : bool
    """
    if pool == "max":
        np.maximum(target[:, 0], codes.max(axis=(1, 2)), out=target[:, 0])
        if signed:
            np.maximum(target[:, 1], 0 - codes.min(axis=(1, 2)), out=target[:, 1])
        return
    parts = (np.maximum(codes, 0), np.maximum(0 - codes, 0)) if signed else (codes,)
    for i, part in enumerate(parts):
        target[:, i] += part.sum(axis=(1, 2), dtype=target.dtype)
