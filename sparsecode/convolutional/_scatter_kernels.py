"""Sparse maps to images, kernel by kernel."""

from .._core.jit import kernel


def _add_kernels(places, values, kernels, rows, columns, grid):
    """Add ``values[i]`` times kernel k at (y, x) of a circular grid, for ``places[i] = (k rows + y) columns + x``."""
    n_channels, height, width = kernels.shape[1:]
    H, W = grid.shape[1:]
    for i in range(places.shape[0]):
        k, place = divmod(places[i], rows * columns)
        y, x = divmod(place, columns)
        # Columns before the kernel reaches around the grid
        before = min(width, W - x)
        for c in range(n_channels):
            for a in range(height):
                line, taps = grid[c, (y + a) % H], kernels[k, c, a]
                for b in range(before):
                    line[x + b] += values[i] * taps[b]
                for b in range(before, width):
                    line[x + b - W] += values[i] * taps[b]


add_kernels = kernel(_add_kernels)
