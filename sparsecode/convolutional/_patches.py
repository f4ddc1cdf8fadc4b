"""Patches of images that are as large as a kernel: to begin with, and in place of kernels that nobody uses."""

import numpy as np


def window_sums(plane, geometry):
    """Return the sums of a plane of the grid under a kernel at each position of a map, float64."""
    (rows, columns), (height, width) = geometry.map_shape, geometry.kernel_shape
    wrapped = np.pad(plane.astype(np.float64), ((0, height - 1), (0, width - 1)), mode="wrap")
    sums = np.pad(wrapped.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    sums = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    return sums[:rows, :columns]


def window_energies(grid, geometry, *, zero_mean=False):
    """Return squared norms of the patches of a grid (C, *grid_shape), of which means of channels may be subtracted."""
    energies = window_sums(np.square(grid, dtype=np.float64).sum(axis=0), geometry)
    floor = 1e-13 * energies.max()
    if zero_mean:
        n_pixels = np.prod(geometry.kernel_shape)
        energies -= sum(np.square(window_sums(plane, geometry)) for plane in grid) / n_pixels
    # Differences of running sums leave rounding where there is nothing
    return np.where(energies > floor, energies, 0)


def weighted_energies(grid, geometry, least, *, zero_mean=False):
    """Return `window_energies` over squares of the least weights of coefficients, which need no common unit."""
    least = least / np.min(least)
    return window_energies(grid, geometry, zero_mean=zero_mean) / least / least  # squares might overflow


def cut(grid, y, x, kernel_shape):
    """Return the part of a circular grid (C, rows, columns) under a kernel at (y, x)."""
    height, width = kernel_shape
    rows, columns = grid.shape[1:]
    return grid[:, (y + np.arange(height))[:, None] % rows, (x + np.arange(width)) % columns]


def worst_patches(residuals, geometry, n_patches, least=1.0, *, zero_mean=False):
    """Return the patches of residuals on the grid that do not overlap in an image, worst first.

    They have the largest norms over the least weight of a coefficient at their place: (*map_shape), or one for all.
    """
    found = []
    (height, width), n_each = geometry.kernel_shape, -(-n_patches // len(residuals))
    rows, columns = geometry.grid_shape
    for residual in residuals:
        energies = weighted_energies(residual, geometry, least, zero_mean=zero_mean)
        for _ in range(n_each):
            y, x = np.unravel_index(energies.argmax(), energies.shape)
            if not energies[y, x] > 0:
                break
            found.append((energies[y, x], cut(residual, y, x, geometry.kernel_shape)))
            near = (y + np.arange(1 - height, height)) % rows, (x + np.arange(1 - width, width)) % columns
            energies[np.ix_(*(places[places < n] for places, n in zip(near, energies.shape, strict=True)))] = 0
    return [patch for _, patch in sorted(found, key=lambda pair: -pair[0])]


def random_patch(grid, geometry, rng, least=1.0, *, zero_mean=False):
    """Return a patch of a grid at a random place, of no less than half of the mean energy over squared weights."""
    energies = weighted_energies(grid, geometry, least, zero_mean=zero_mean)
    y, x = np.unravel_index(rng.choice(np.flatnonzero(energies >= 0.5 * energies.mean())), energies.shape)
    return cut(grid, y, x, geometry.kernel_shape)
