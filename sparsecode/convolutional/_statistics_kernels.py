"""Correlations of sparse maps with each other and with an image, from the coefficients that are not zero."""

from .._core.jit import kernel


def _correlate_entries(first, last, atoms, places, values, starts, rows, columns, weight, phi):
    """Add ``weight x_k(p) x_j(p + e)`` to ``phi[k, j, e]`` for the entries p from first to last and all j and e.

    Entries are sorted by their places on a circular grid; those of a place begin at ``starts[place]``. Shifts e go
    from ``-(h - 1)`` to ``h - 1``, and phi begins with the least.
    """
    reach_y, reach_x = (phi.shape[2] - 1) // 2, (phi.shape[3] - 1) // 2
    for i in range(first, last):
        y, x = divmod(places[i], columns)
        value, own = weight * values[i], phi[atoms[i]]
        for dy in range(-reach_y, reach_y + 1):
            line = (y + dy) % rows * columns
            dx = -reach_x
            while dx <= reach_x:
                # Up to the end of the line, beyond which it goes on at its beginning
                begin = line + (x + dx) % columns
                more = min(reach_x - dx, line + columns - 1 - begin)
                shift = dx + reach_x - begin
                for p in range(starts[begin], starts[begin + more + 1]):
                    own[atoms[p], dy + reach_y, places[p] + shift] += value * values[p]
                dx += more + 1


def _add_patches(first, last, atoms, places, values, grid, weight, psi):
    """Add ``weight x_k(p) s(p + q)`` to ``psi[k, :, q]`` for the entries p from first to last and all q of a kernel."""
    n_channels, height, width = psi.shape[1:]
    rows, columns = grid.shape[1:]
    for i in range(first, last):
        y, x = divmod(places[i], columns)
        value = weight * values[i]
        before = min(width, columns - x)
        for c in range(n_channels):
            for a in range(height):
                line, sums = grid[c, (y + a) % rows], psi[atoms[i], c, a]
                for b in range(before):
                    sums[b] += value * line[x + b]
                for b in range(before, width):
                    sums[b] += value * line[x + b - columns]


correlate_entries = kernel(_correlate_entries)
add_patches = kernel(_add_patches)
