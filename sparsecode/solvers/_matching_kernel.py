"""Kernel of matching pursuit; see `matching_pursuit` for the mathematics."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ._gram_kernels import find, largest, largest_correlation
from ._pursuit_kernel import ROUNDING
from ._rows import conclude, share


class Workspace(NamedTuple):
    """Work arrays of one thread."""

    g: np.ndarray  # correlations of the atoms with the residual
    score: np.ndarray
    bits: np.ndarray  # of the same memory as integers


def make_workspace(n_components, dtype):
    """Allocate the work arrays."""
    score = aligned_empty(n_components, dtype)
    return Workspace(aligned_empty(n_components, dtype), score, score.view(f"i{score.itemsize}"))


def _step(row, delta, scale, positive, g, score):
    """Take `delta` times an atom, whose row of the Gram matrix is given, off the correlations; score the atoms."""
    zero = g.dtype.type(0)
    for j in range(g.shape[0]):
        left = g[j] - delta * row[j]
        g[j] = left
        score[j] = (max(left, zero) if positive else abs(left)) * scale[j]


def _equalise(tables, half, floor, score):
    """Replace each score by the value of the table of its atom there; scores up to the floor become zero."""
    bins = tables.shape[1] - 1
    for j in range(score.shape[0]):
        size = score[j]
        if not size > floor:
            score[j] = 0
            continue
        place = size / (size + half) * score.dtype.type(bins)
        left = min(np.int64(place), bins - 1)
        below = tables[j, left]
        score[j] = below + (place - score.dtype.type(left)) * (tables[j, left + 1] - below)


def _remains(g, scale, inverse_norms, level, positive):
    """Return by how much the correlations exceed what an atom needs to be taken, over the norm of the atom."""
    worst = 0.0
    for j in range(g.shape[0]):
        if scale[j] > 0:
            size = np.float64(g[j] if positive else abs(g[j]))
            worst = max(worst, (size - level / np.float64(scale[j])) * np.float64(inverse_norms[j]))
    return worst


def _match_rows(
    G, C, square_norms, scale, inverse_norms, level, tables, half, most, positive, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Code all rows of C; W must be zero on entry."""
    eps = np.finfo(G.dtype).eps
    zero = G.dtype.type(0)
    for i in range(C.shape[0]):
        c = C[i]
        rounding = ROUNDING * eps * np.sqrt(square_norms[i])
        for j in range(c.shape[0]):
            work.g[j] = c[j]
        step(G[0], zero, scale, positive, work.g, work.score)
        k, n_iter = np.int64(0), np.int64(0)
        ended = True
        while k < most:
            if tables.shape[0] > 0:
                equalise(tables, half, work.g.dtype.type(max(level, rounding)), work.score)
            place = find(work.bits, largest(work.bits))
            size = abs(work.g[place])
            pays = work.score[place] > 0 and size * scale[place] > level and size * inverse_norms[place] > rounding
            ended = not pays
            if ended or n_iter >= max_iter:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            ended = True
            delta = work.g[place] * inverse_norms[place] * inverse_norms[place]
            before = W[i, place]
            after = before + delta
            W[i, place] = after
            k += np.int64(after != zero) - np.int64(before != zero)
            step(G[place], delta, scale, positive, work.g, work.score)
        left = remains(work.g, scale, inverse_norms, level, positive) if k < most else 0.0
        certificates[i] = share(left, largest_correlation(c, inverse_norms))
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(square_norms[i] + certificates[i], ended, not ended)


step = kernel(_step)
equalise = kernel(_equalise)
remains = kernel(_remains)
match_rows = kernel(_match_rows)
