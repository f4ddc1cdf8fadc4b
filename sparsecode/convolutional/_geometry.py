"""Where kernels can lie on an image, and the circular grid on which they are convolved.

Inside this room an image is an array (C, H, W), a bank of kernels (K, C, h, w), and maps of coefficients are
(K, *map_shape): a signal has H = h = 1, and what has no channels has one. A coefficient at p = (i, j) adds the kernel
to pixels ``p`` to ``p + (h - 1, w - 1)`` of the grid. All boundaries are a circular convolution on a grid, of which
maps take the first `map_shape` positions and the image lies at `origin`.
"""

from typing import NamedTuple

import numpy as np
from scipy.fft import next_fast_len

#: What lies beyond the border of an image.
BOUNDARIES = ("circular", "valid", "symmetric", "mask")


class Geometry(NamedTuple):
    """Shapes of image, kernels, maps and grid, each (rows, columns)."""

    image_shape: tuple[int, int]
    kernel_shape: tuple[int, int]
    boundary: str
    map_shape: tuple[int, int]
    grid_shape: tuple[int, int]
    origin: tuple[int, int]

    @classmethod
    def of(cls, image_shape, kernel_shape, boundary):
        """Return the geometry of images and kernels of these shapes."""
        if boundary not in BOUNDARIES:
            raise ValueError(f"`boundary` must be one of {', '.join(map(repr, BOUNDARIES))}, got {boundary!r}.")
        if any(side < extent for side, extent in zip(image_shape, kernel_shape, strict=True)):
            raise ValueError(
                f"kernels of {_times(kernel_shape)} pixels are larger than the image of {_times(image_shape)}; give "
                "smaller kernels or larger images."
            )
        axes = [_axis(*sides, boundary) for sides in zip(image_shape, kernel_shape, strict=True)]
        map_shape, grid_shape, origin = (tuple(sides) for sides in zip(*axes, strict=True))
        return cls(tuple(image_shape), tuple(kernel_shape), boundary, map_shape, grid_shape, origin)

    def place(self, images):
        """Return images (..., H, W) on the grid: zeros around them, or their reflections if symmetric."""
        before = self.origin
        after = [g - o - s for g, o, s in zip(self.grid_shape, before, self.image_shape, strict=True)]
        widths = [(0, 0)] * (images.ndim - 2) + list(zip(before, after, strict=True))
        return np.pad(images, widths, mode="symmetric" if self.boundary == "symmetric" else "constant")

    def crop(self, grids):
        """Return the image within grids (..., *grid_shape), a view."""
        (y, x), (H, W) = self.origin, self.image_shape
        return grids[..., y : y + H, x : x + W]

    def known(self, mask=None):
        """Return which pixels of the grid the data term counts, as (1 or C, *grid_shape) bool, or None for all.

        `mask` is None or an array (1 or C, H, W) that is True where the image is known. Where maps cannot reach, zeros
        count as known.
        """
        if self.boundary != "mask":
            if mask is None:
                return None
            if self.boundary == "symmetric":
                return self.place(mask)
            beyond = np.ones((1, *self.grid_shape), bool)
            self.crop(beyond)[...] = False
            return self.place(mask) | beyond
        return self.place(np.ones((1, *self.image_shape), bool) if mask is None else mask)


def _axis(side, extent, boundary):
    """Return the length of a map, that of the grid, and where the image begins, along one axis."""
    border = extent - 1
    if boundary == "circular":
        return side, side, 0
    if boundary == "valid":
        return side - border, next_fast_len(side, real=True), 0
    if boundary == "symmetric":
        # No kernel that touches the image reaches around the grid
        length = next_fast_len(side + 2 * border, real=True)
        return length, length, border
    # What reaches around the grid falls on unknown pixels
    return side + border, next_fast_len(side + border, real=True), border


def _times(shape):
    return " x ".join(map(str, shape))
