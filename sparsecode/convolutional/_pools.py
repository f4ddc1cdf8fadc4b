"""Forms of codes: all maps, or maps pooled over the regions of an image, positive and negative parts apart."""

import math
from numbers import Integral
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


class CodeForm(NamedTuple):
    """Shape of codes, and how they are made of maps."""

    shape: tuple
    dims: tuple  # names of its axes
    n_kernels: int
    pools: Pools | None  # None for all maps
    kind: str | None  # how maps are pooled
    signed: bool

    @classmethod
    def of(cls, geometry, n_axes, n_kernels, pool, grid, *, signed):
        """Return the form for the parameters `pool` and `grid`, of signals (one axis) or images (two)."""
        sides = tuple(grid) if isinstance(grid, tuple | list) else (grid,) * n_axes
        if len(sides) != n_axes or not all(isinstance(side, Integral) and side >= 1 for side in sides):
            axes = "two of them, down and across" if n_axes == 2 else "a tuple of one, for signals"
            raise ValueError(f"`grid` must be an int >= 1, or {axes}, got {grid!r}.")
        if pool is None:
            dims = ("atom", "y", "x") if n_axes == 2 else ("atom", "position")
            return cls((n_kernels, *geometry.map_shape[2 - n_axes :]), dims, n_kernels, None, None, signed)
        pools = Pools.of(geometry, (1, *map(int, sides))[-2:])
        shape = (*((2,) if signed else ()), n_kernels, *pools.n_regions[2 - n_axes :])
        regions = ("region_y", "region_x") if n_axes == 2 else ("region",)
        dims = (*(("sign",) if signed else ()), "atom", *regions)
        return cls(shape, dims, n_kernels, pools, pool, signed)

    def of_maps(self, codes, *, sparse):
        """Return a CSR array of maps in this form; pooled codes are dense, others too unless they are to be sparse."""
        if self.pools is None:
            return codes if sparse else codes.toarray()
        pooled = self.pools.pool(codes, self.n_kernels, self.kind, signed=self.signed)
        return pooled.reshape(len(pooled), -1)


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
