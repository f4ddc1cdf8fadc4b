"""Kernel of orthogonal matching pursuit and of its recursive variant; see `pursuit` for the mathematics.

Arrays of the work space with an entry for each atom are filled up to whole vectors with atoms that are zero.
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from .._core.vectors import (
    copy_end,
    fill,
    greatest,
    lanes,
    least,
    load,
    load_row,
    magnitude,
    maximum,
    padded,
    store,
    where,
)
from ._cholesky import solve_backward, solve_forward
from ._rows import conclude, share

#: Correlations below so many roundings of the norm of the sample are zero.
ROUNDING = 10.0

#: Atoms whose squared distance to the span of the active ones is a larger share of their squared norm are far from it.
FAR = 1e-2

#: Roundings of the square of what a combination of atoms adds up, below which its squared distance to an atom is noise.
NOISE = 4.0


class Workspace(NamedTuple):
    """Work arrays of one thread; the first k entries of `active` and those that follow it are in use."""

    norms: np.ndarray  # squared
    inverse_norms: np.ndarray
    floors: np.ndarray  # squared distances up to which atoms depend on the active ones
    g: np.ndarray  # correlations of the atoms with the residual
    distance: np.ndarray  # squared distances of the atoms to the span of the active ones
    scale: np.ndarray  # of the correlations that are compared, 0 where an atom cannot enter
    Q: np.ndarray  # correlations of all atoms with an orthonormal basis of that span
    end: np.ndarray  # what whole vectors leave of a row
    places: np.ndarray  # 0, 1, 2, ... of a vector
    part: np.ndarray  # how much of each row of Q is taken away from that of an atom that enters
    active: np.ndarray
    weight: np.ndarray
    y: np.ndarray  # coefficients of the sample on the basis
    L: np.ndarray  # Cholesky factor of the active Gram block; its diagonal holds reciprocals
    block: np.ndarray  # lower half of the active Gram block
    right: np.ndarray
    error: np.ndarray


def make_workspace(norms, inverse_norms, dependence, most):
    """Allocate the work arrays for at most `most` active atoms."""
    dtype, width = norms.dtype, padded(len(norms), norms.dtype)

    def filled_up(values, value):
        array = aligned_empty(width, dtype)
        array[: len(norms)], array[len(norms) :] = values, value
        return array

    return Workspace(
        norms=filled_up(norms, 0),
        inverse_norms=filled_up(inverse_norms, 0),
        floors=filled_up(np.where(norms > 0, dependence * norms, 1), 1),
        g=aligned_empty(width, dtype),
        distance=aligned_empty(width, dtype),
        scale=filled_up(0, 0),
        Q=aligned_empty((most, width + lanes(dtype)), dtype),  # rows a power of two apart would share places of a cache
        end=np.zeros(lanes(dtype), dtype),
        places=np.arange(lanes(dtype)).astype(dtype),
        part=np.empty(most, dtype),
        active=np.empty(most, np.int64),
        weight=np.empty(most),
        y=np.empty(most),
        L=np.empty((most, most)),
        block=np.empty((most, most)),
        right=np.empty(most),
        error=np.empty(most),
    )


def _start(c, scale, work):
    """Begin a row, where nothing is active; return the largest correlation over the norm of its atom."""
    size, whole = fill(c.dtype.type(0)), copy_end(c, work.end)
    for j in range(0, work.g.shape[0], work.places.shape[0]):
        g = load_row(c, j, whole, work.end)
        size = maximum(magnitude(g) * load(work.inverse_norms, j), size)
        store(work.g, j, g)
        store(work.distance, j, load(work.norms, j))
    for j in range(scale.shape[0]):
        work.scale[j] = scale[j]
    return np.float64(greatest(size))


def _worth(g, distance, scale, floor, recursive):
    """Return what the entry of each atom is worth."""
    part = g * scale
    return part * part / maximum(distance, floor) if recursive else magnitude(part)


def _first_place(value, start, work):
    """Return the largest value and its first place, from the best of each lane and where the vector begins it is of."""
    top = greatest(value)
    place = where(value == fill(top), start + load(work.places, 0), fill(work.places.dtype.type(np.inf)))
    return top, np.int64(least(place))


def _look(work, recursive):
    """Return the most that the entry of an atom is worth, and the atom."""
    dtype = work.g.dtype.type
    best, start = fill(dtype(0)), fill(dtype(0))
    for j in range(0, work.g.shape[0], work.places.shape[0]):
        found = worth(load(work.g, j), load(work.distance, j), load(work.scale, j), load(work.floors, j), recursive)
        start = where(found > best, fill(dtype(j)), start)
        best = maximum(found, best)
    return first_place(best, start, work)


def _measure_pivot(G, work, k, j):
    """Write the coefficients of atom j on the basis to row k of L; return its squared distance to the span."""
    pivot = np.float64(G[j, j])
    for a in range(k):
        part = np.float64(work.Q[a, j])
        work.L[k, a] = part
        pivot -= part * part
    return pivot


def _is_noise(work, k, pivot, j, eps):
    """Tell whether the squared distance of atom j to the span may be rounding of the sum that comes nearest to it.

    Among atoms that are nearly dependent weights of that sum are large, and so are errors of the distance.
    """
    if pivot > FAR * work.norms[j]:
        return False
    for a in range(k):
        work.right[a] = work.L[k, a]
    solve_backward(work.L, k, work.right, work.error)
    total = np.sqrt(np.float64(work.norms[j]))
    for a in range(k):
        total += abs(work.error[a]) * np.sqrt(np.float64(work.norms[work.active[a]]))
    return pivot <= NOISE * eps * total * total


def _enter(G, work, k, j, pivot, recursive):
    """Add atom j to the active ones: extend the basis, project the sample on it; return what `look` does."""
    dtype, products, row, inverse = work.g.dtype.type, G[j], work.Q[k], 1.0 / np.sqrt(pivot)
    for a in range(k):
        work.part[a] = work.L[k, a] * inverse
        work.block[k, a] = products[work.active[a]]
    work.block[k, k] = products[j]
    work.L[k, k] = inverse
    work.active[k] = j
    work.y[k] = work.g[j] * inverse
    shrink, step = fill(dtype(inverse)), fill(dtype(work.y[k]))
    best, start, whole = fill(dtype(0)), fill(dtype(0)), copy_end(products, work.end)
    for m in range(0, work.g.shape[0], work.places.shape[0]):
        q = load_row(products, m, whole, work.end) * shrink
        for a in range(k):
            q = q - fill(work.part[a]) * load(work.Q[a], m)
        g, distance = load(work.g, m) - step * q, load(work.distance, m) - q * q
        store(row, m, q)
        store(work.g, m, g)
        store(work.distance, m, distance)
        found = worth(g, distance, load(work.scale, m), load(work.floors, m), recursive)
        start = where(found > best, fill(dtype(m)), start)
        best = maximum(found, best)
    return first_place(best, start, work)


def _measure_error(c, work, k):
    """Write the correlations of the active atoms with the residual; return the largest over the norm of its atom."""
    for a in range(k):
        work.error[a] = c[work.active[a]]
    for a in range(k):
        total = 0.0
        for b in range(a):
            total += work.block[a, b] * work.weight[b]
            work.error[b] -= work.block[a, b] * work.weight[a]
        work.error[a] -= total + work.block[a, a] * work.weight[a]
    worst = 0.0
    for a in range(k):
        worst = max(worst, abs(work.error[a]) * work.inverse_norms[work.active[a]])
    return worst


def _solve_weights(c, work, k, bound):
    """Solve for the weights on the basis, once more where rounding leaves more than `bound`; return the violation."""
    solve_backward(work.L, k, work.y, work.weight)
    worst = measure_error(c, work, k)
    if worst <= bound:
        return worst
    solve_forward(work.L, k, work.error, work.right)
    solve_backward(work.L, k, work.right, work.error)
    for a in range(k):
        work.weight[a] += work.error[a]
    return measure_error(c, work, k)


def _pursue_rows(
    G, C, square_norms, scale, level, recursive, most, tol, max_iter, work, stop,
    W, certificates, costs, n_iters, statuses,
):  # fmt: skip
    """Code all rows of C; W must be zero on entry."""
    eps = np.finfo(G.dtype).eps
    for i in range(C.shape[0]):
        c = C[i]
        rounding = ROUNDING * eps * np.sqrt(square_norms[i])
        size = start(c, scale, work)
        top, place = look(work, recursive)
        k = np.int64(0)
        n_iter = n_iters[i]
        while True:
            ended = not (k < most and top > level and abs(work.g[place]) * work.inverse_norms[place] > rounding)
            if ended or n_iter >= max_iter:
                break
            if stop[0] != 0:
                return
            n_iter += 1
            work.scale[place] = 0
            pivot = measure_pivot(G, work, k, place)
            if pivot > work.floors[place] and not is_noise(work, k, pivot, place, eps):
                top, place = enter(G, work, k, place, pivot, recursive)
                k += 1
            else:
                top, place = look(work, recursive)
        certificates[i] = share(solve_weights(c, work, k, eps * size), size)
        for a in range(k):
            W[i, work.active[a]] = work.weight[a]
        costs[i] = 0.0
        n_iters[i] = n_iter
        statuses[i] = conclude(square_norms[i] + certificates[i], ended and certificates[i] <= tol, not ended)


start = kernel(_start)
worth = kernel(_worth)
first_place = kernel(_first_place)
look = kernel(_look)
measure_pivot = kernel(_measure_pivot)
is_noise = kernel(_is_noise)
enter = kernel(_enter)
measure_error = kernel(_measure_error)
solve_weights = kernel(_solve_weights)
pursue_rows = kernel(_pursue_rows)
