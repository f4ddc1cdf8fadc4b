"""Sparse maps pooled over the regions of an image, positive and negative parts apart."""

import math
from typing import NamedTuple

import numpy as np


class Pools(NamedTuple):
    """Regions of an image, and which of them a coefficient falls into: that in which its kernel is centred."""

    n_regions: tuple[int, int]  # down and across
    regions: np.ndarray  # (rows, columns) of a map, number of the region; -1 outside the image

    @classmethod
    def of(cls, geometry, grid):
        """Return the regions of a geometry, at most `grid` of them down and across."""
        axes = [
            _axis(*sides, geometry.boundary)
            for sides in zip(
                geometry.map_shape, geometry.image_shape, geometry.kernel_shape, geometry.origin, grid, strict=True
            )
        ]
        (down, ys), (across, xs) = axes
        regions = np.where((ys[:, None] < 0) | (xs < 0), -1, ys[:, None] * across + xs)
        return cls((down, across), regions)

    def pool(self, codes, n_kernels, kind, *, signed):
        """Return pooled codes (n, sign, K, regions) of a CSR array; there is one sign only if not `signed`."""
        n, n_regions = codes.shape[0], math.prod(self.n_regions)
        pooled = np.zeros((n, 1 + signed, n_kernels, n_regions), codes.dtype)
        images = np.repeat(np.arange(n), np.diff(codes.indptr))
        atoms, places = np.divmod(codes.indices, self.regions.size)
        regions, values = self.regions.reshape(-1)[places], codes.data
        inside = (regions >= 0) & ((values > 0) | signed)
        images, atoms, regions, values = (array[inside] for array in (images, atoms, regions, values))
        target = images, (values < 0).astype(np.int64), atoms, regions
        if kind == "max":
            np.maximum.at(pooled, target, np.abs(values))
            return pooled
        np.add.at(pooled, target, np.abs(values))
        return pooled / np.bincount(self.regions[self.regions >= 0], minlength=n_regions).astype(codes.dtype)


def _axis(n_positions, side, extent, origin, n_regions, boundary):
    """Return the number of regions along an axis, and the region of each position of a map, -1 outside the image."""
    positions = np.arange(n_positions)
    if boundary == "valid":
        ranks, n_ranks = positions, n_positions
    else:
        centres, n_ranks = positions - origin + extent // 2, side
        if boundary == "symmetric":
            ranks = np.where((centres >= 0) & (centres < side), centres, -1)
        else:
            ranks = centres % side if boundary == "circular" else np.clip(centres, 0, side - 1)
    n_regions = min(n_regions, n_ranks)
    starts = np.arange(1, n_regions) * n_ranks // n_regions
    return n_regions, np.where(ranks < 0, -1, np.searchsorted(starts, ranks, side="right"))
