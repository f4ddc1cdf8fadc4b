"""Kernels of locally greedy coordinate descent; see `greedy` for the mathematics.

Coefficients that are worked on are listed as entries: a row of `places` holds kernel, row, column, and the atom that
the penalty knows it by. The residual is kept on the grid and beyond it, as far as kernels reach around: those rows and
columns repeat the first ones, so that every kernel lies on adjacent pixels.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import row_products


class Residual(NamedTuple):
    """``M (s - D x)``."""

    values: np.ndarray  # (C, rows + h - 1, columns + w - 1)
    known: np.ndarray  # the same, 0 or 1; empty if all pixels are
    masked: bool
    rows: int  # of the grid
    columns: int


class Segments(NamedTuple):
    """How maps are cut into segments, which are counted row by row."""

    rows: int  # of a map
    columns: int
    height: int  # of a segment; the last ones may have less
    width: int
    across: int  # segments side by side


class Measures(NamedTuple):
    """What is known of each segment; the sums are over its entries."""

    ratio: np.ndarray  # largest ratio of a correlation and its threshold
    worst: np.ndarray  # largest violation
    gain: np.ndarray  # by how much its best coefficient, alone, lowers the objective
    slack: np.ndarray  # sum of ``entry |w|``
    fit: np.ndarray  # of ``w g``
    square: np.ndarray  # of ``w^2``
    price: np.ndarray  # of the penalty
    place: np.ndarray  # (n, 4): the best coefficient that is no entry
    norm: np.ndarray  # its squared norm, zero if there is none


def _correlation(values, taps, y, x):
    """Return the correlation of a kernel at (y, x)."""
    total = values.dtype.type(0)
    for c in range(taps.shape[0]):
        for a in range(taps.shape[1]):
            line, row = values[c, y + a, x : x + taps.shape[2]], taps[c, a]
            for b in range(row.shape[0]):
                total += line[b] * row[b]
    return total


def _subtract(residual, taps, y, x, change):
    """Subtract `change` times a kernel at (y, x), where it is known, from the residual."""
    values, known = residual.values, residual.known
    h, w = taps.shape[1:]
    inside = y >= h - 1 and y + h <= residual.rows and x >= w - 1 and x + w <= residual.columns
    # Elsewhere pixels are repeated one period away
    first, end = (4, 5) if inside else (0, 9)
    for shift in range(first, end):
        top, left = y + (shift // 3 - 1) * residual.rows, x + (shift % 3 - 1) * residual.columns
        a0, a1 = max(0, -top), min(h, values.shape[1] - top)
        b0, b1 = max(0, -left), min(w, values.shape[2] - left)
        if b0 >= b1:
            continue
        for c in range(taps.shape[0]):
            for a in range(a0, a1):
                line, row = values[c, top + a, left + b0 : left + b1], taps[c, a, b0:b1]
                if residual.masked:
                    seen = known[c, top + a, left + b0 : left + b1]
                    for b in range(row.shape[0]):
                        line[b] -= change * row[b] * seen[b]
                else:
                    for b in range(row.shape[0]):
                        line[b] -= change * row[b]


def _sweep_entries(residual, kernels, pen, places, norms, bound, stop, iterates):
    """Minimise over the entries in turn, from the first row of `iterates` to its last; return the largest violation.

    Each row takes the values after a sweep. The violation is that of the last sweep; where it is at most `bound`, the
    rest are left out. The number of the last row that was written is returned too, and the penalty of its values.
    """
    zero, one = type(bound)(0), type(bound)(1)
    worst = zero
    price = 0.0
    done = np.int64(0)
    for m in range(1, iterates.shape[0]):
        worst = zero
        price = 0.0
        before, after = iterates[m - 1], iterates[m]
        for i in range(places.shape[0]):
            k, y, x, j = places[i, 0], places[i, 1], places[i, 2], places[i, 3]
            step = one / norms[i]
            u = pen.prox(before[i] + step * correlation(residual.values, kernels[k], y, x), step, j)
            change = u - before[i]
            after[i] = u
            price += pen.value(u, j)
            if change != zero:
                subtract(residual, kernels[k], y, x, change)
                worst = max(worst, abs(change) * np.sqrt(norms[i]))
        done = np.int64(m)
        if not worst > bound or stop[0] != 0:
            break
    return worst, done, price


def _shift_entries(residual, kernels, places, changes):
    """Subtract what changes of the entries add to the image."""
    for i in range(places.shape[0]):
        subtract(residual, kernels[places[i, 0]], places[i, 1], places[i, 2], changes[i])


def _corners(segments, s):
    """Return the first row and column of a segment, and those after its last."""
    top, left = (s // segments.across) * segments.height, (s % segments.across) * segments.width
    return top, left, min(top + segments.height, segments.rows), min(left + segments.width, segments.columns)


def _correlate_segments(image, flat, shape, chosen, segments, patches, out):
    """Write correlations of kernels (K, C h w) with an image at all positions of segments: (chosen, positions, K)."""
    C, h, w = shape
    for i in range(chosen.shape[0]):
        top, left, bottom, right = corners(segments, chosen[i])
        n = np.int64(0)
        for y in range(top, bottom):
            for x in range(left, right):
                for line in range(C * h):
                    pixels, row = image[line // h, y + line % h, x : x + w], patches[n, line * w : line * w + w]
                    for b in range(w):
                        row[b] = pixels[b]
                n += 1
        row_products(patches[:n], flat, out[i][:n])


def _measure_segments(
    correlations, local_norms, masked, norms_of_kernels, least_norms, chosen, segments, pen, each, exact_level, ridge,
    places, norms, values, starts, level, measures,
):  # fmt: skip
    """Measure segments, and find the coefficient of each that lowers the objective most.

    `exact_level` tells whether nothing enters at or below the correlation ``pen.entry``, `each` whether the penalty
    has an atom for each coefficient. Nothing enters whose squared norm at known pixels is no more than `least_norms`.
    Entries of segment s are ``starts[s]`` to ``starts[s + 1]``.
    """
    zero, half, one = type(ridge)(0), type(ridge)(0.5), type(ridge)(1)
    n_positions = segments.rows * segments.columns
    for k in range(level.shape[0]):
        level[k] = pen.entry[0 if each else k] if exact_level else zero
    for i in range(chosen.shape[0]):
        s, g = chosen[i], correlations[i]
        top, left, bottom, right = corners(segments, s)
        ratio = worst = gain = slack = fit = square = price = 0.0
        for a in range(starts[s], starts[s + 1]):
            k, y, x, j = places[a, 0], places[a, 1], places[a, 2], places[a, 3]
            p = (y - top) * (right - left) + x - left
            w, norm, c = values[a], norms[a], g[p, k]
            g[p, k] = zero
            change = pen.prox(w + c / norm, one / norm, j) - w
            worst = max(worst, np.float64(abs(change) * np.sqrt(norm)))
            before = np.float64(pen.value(w, j))
            gain = max(gain, np.float64(change) * (c - half * norm * change) + (before - pen.value(w + change, j)))
            slope = c - ridge * w
            ratio = max(ratio, np.float64((slope if pen.positive else abs(slope)) / pen.entry[j]))
            slack += np.float64(pen.entry[j] * abs(w))
            fit += np.float64(w) * slope
            square += np.float64(w) * w
            price += before
        measures.slack[s], measures.fit[s], measures.square[s], measures.price[s] = slack, fit, square, price
        best = 0.0
        measures.norm[s] = zero
        for p in range((bottom - top) * (right - left)):
            y, x = top + p // (right - left), left + p % (right - left)
            row, near = g[p], local_norms[i, p] if masked else norms_of_kernels
            if each and exact_level:
                for k in range(level.shape[0]):
                    level[k] = pen.entry[k * n_positions + y * segments.columns + x]
            found = False
            for k in range(level.shape[0]):
                found |= (row[k] if pen.positive else abs(row[k])) > level[k]
            if not found:
                continue
            for k in range(level.shape[0]):
                size, norm = row[k] if pen.positive else abs(row[k]), near[k]
                if size <= level[k] or norm <= least_norms[k]:
                    continue
                j = k * n_positions + y * segments.columns + x if each else k
                ratio = max(ratio, np.float64(size / pen.entry[j]))
                # It moves by at most `size / norm`, which lowers the objective by at most half of `size` times that
                reach = np.float64(size / np.sqrt(norm))
                if reach <= worst and 0.5 * reach * reach <= best:
                    continue
                u = pen.prox(row[k] / norm, one / norm, j)
                worst = max(worst, np.float64(abs(u) * np.sqrt(norm)))
                fall = np.float64(u) * (row[k] - half * norm * u) - pen.value(u, j)
                if fall > best:
                    best, measures.norm[s] = fall, norm
                    place = measures.place[s]
                    place[0], place[1], place[2], place[3] = k, y, x, j
        measures.ratio[s], measures.worst[s], measures.gain[s] = ratio, worst, max(gain, best)


correlation = kernel(_correlation)
subtract = kernel(_subtract)
sweep_entries = kernel(_sweep_entries)
shift_entries = kernel(_shift_entries)
corners = kernel(_corners)
correlate_segments = kernel(_correlate_segments)
measure_segments = kernel(_measure_segments)
