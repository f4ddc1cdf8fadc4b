"""Passes over maps for the solvers in the Fourier domain: what lies between two transforms, in one loop.

Maps have the size of the grid, coefficients its first rows and columns; what lies beyond is held at zero. `weights` are
the slopes of an l1-type penalty at zero: (n_maps, 1, 1), or one for each coefficient, (n_maps, rows, columns).
"""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ..solvers._gram_kernels import largest


class Line(NamedTuple):
    """Work arrays of one thread, as long as a row of coefficients."""

    tau: np.ndarray
    ratio: np.ndarray
    bits: np.ndarray  # of the same memory as integers, whose largest value is found faster

    @classmethod
    def make(cls, length, dtype):
        """Allocate them."""
        ratio = aligned_empty(length, dtype)
        return cls(aligned_empty(length, dtype), ratio, ratio.view(f"i{ratio.itemsize}"))


def _add_products(spectra, transforms, total):
    """Add ``sum_k d_k v_k`` to `total`, (C, P), for spectra (K, C, P) and transforms (K, P)."""
    for k in range(spectra.shape[0]):
        v = transforms[k]
        for c in range(spectra.shape[1]):
            d, out = spectra[k, c], total[c]
            for p in range(out.shape[0]):
                out[p] += d[p] * v[p]


def _conjugate_products(spectra, q, out):
    """Write ``sum_c d_kc^* q_c`` to `out`, (K, P)."""
    for k in range(spectra.shape[0]):
        line, d, first = out[k], spectra[k, 0], q[0]
        for p in range(line.shape[0]):
            line[p] = np.conj(d[p]) * first[p]
        for c in range(1, spectra.shape[1]):
            d, other = spectra[k, c], q[c]
            for p in range(line.shape[0]):
                line[p] += np.conj(d[p]) * other[p]


def _thresholds(weights, step, k, y, line):
    """Write the thresholds ``step * weights`` of a line of coefficients."""
    source = weights[k, y if weights.shape[1] > 1 else 0]
    if source.shape[0] == 1:
        for x in range(line.shape[0]):
            line[x] = step * source[0]
    else:
        for x in range(line.shape[0]):
            line[x] = step * source[x]


def _largest_of(line):
    """Return the largest of the ratios, none of which is negative."""
    best = largest(line.bits)
    for x in range(line.bits.shape[0]):
        if line.bits[x] == best:
            return np.float64(line.ratio[x])
    return np.inf


def _start_maps(t, weights, step, ridge, positive, factor, extent, line, v):
    """Scale the multipliers ``t - y`` of states t with codes y by a factor, and write ``v = 2 y - t``."""
    one, two = type(t[0, 0, 0])(1), type(t[0, 0, 0])(2)
    shrink = one / (one + step * ridge)
    low = type(one)(-np.inf) if positive else -one
    for k in range(t.shape[0]):
        for y in range(t.shape[1]):
            state, ahead = t[k, y], v[k, y]
            inside = line.tau.shape[0] if y < extent else 0
            if inside > 0:
                thresholds(weights, step, k, y, line.tau)
            for x in range(inside):
                a, tau = state[x], line.tau[x]
                code = shrink * (a - min(max(a, low * tau), tau))
                a = code + factor * (a - code)
                state[x] = a
                ahead[x] = two * code - a
            for x in range(inside, t.shape[2]):
                state[x] *= factor
                ahead[x] = -state[x]


def _advance_maps(t, g, weights, step, ridge, positive, relax, extent, line, v, sums):
    """Take a step of Douglas-Rachford splitting with ``x = v + g``, and write the next v.

    `sums` are the largest ``|g| / tau``, and the sum of ``max(|g| - tau, 0)^2``.
    """
    zero, one, two = type(t[0, 0, 0])(0), type(t[0, 0, 0])(1), type(t[0, 0, 0])(2)
    shrink = one / (one + step * ridge)
    low = type(one)(-np.inf) if positive else -one
    mirror = zero if positive else -one
    for k in range(t.shape[0]):
        for y in range(t.shape[1]):
            state, change, ahead = t[k, y], g[k, y], v[k, y]
            over = zero
            inside = line.tau.shape[0] if y < extent else 0
            if inside > 0:
                thresholds(weights, step, k, y, line.tau)
            for x in range(inside):
                a, tau, c = state[x], line.tau[x], change[x]
                a += relax * (c + shrink * (a - min(max(a, low * tau), tau)) - a)
                state[x] = a
                ahead[x] = two * shrink * (a - min(max(a, low * tau), tau)) - a
                m = max(c, mirror * c)
                beyond = max(m - tau, zero)
                over += beyond * beyond
                line.ratio[x] = m / tau
            for x in range(inside, t.shape[2]):
                a = state[x] + relax * (change[x] - state[x])
                state[x] = a
                ahead[x] = -a
            if inside > 0:
                sums[0] = max(sums[0], largest_of(line))
            sums[1] += over


def _shrink_maps(z, weights, step, ridge, positive, line, out):
    """Write the proximal point of maps z, (K, rows, columns) at least, of an l1-type penalty to `out`."""
    one = type(z[0, 0, 0])(1)
    shrink = one / (one + step * ridge)
    low = type(one)(-np.inf) if positive else -one
    for k in range(out.shape[0]):
        for y in range(out.shape[1]):
            thresholds(weights, step, k, y, line.tau)
            source, place = z[k, y], out[k, y]
            for x in range(place.shape[0]):
                a, tau = source[x], line.tau[x]
                place[x] = shrink * (a - min(max(a, low * tau), tau))


def _gradient_step(x, past, momentum, g, step, z):
    """Write ``x + momentum (x - past) + step g`` to z; g has the size of the grid."""
    for k in range(x.shape[0]):
        for y in range(x.shape[1]):
            now, before, slope, place = x[k, y], past[k, y], g[k, y], z[k, y]
            for i in range(now.shape[0]):
                place[i] = now[i] + momentum * (now[i] - before[i]) + step * slope[i]


def _settle(x, past, momentum, new, line, sums):
    """Make x the past and `new` the present; add up what restart and the fixed point need.

    `sums` are ``<z - new, new - x>``, which is positive where momentum points back, and the largest ``|new - z|``.
    """
    zero = type(x[0, 0, 0])(0)
    for k in range(x.shape[0]):
        for y in range(x.shape[1]):
            now, before, place = x[k, y], past[k, y], new[k, y]
            back = zero
            for i in range(now.shape[0]):
                change = place[i] - now[i]
                lead = momentum * (now[i] - before[i]) - change
                back += lead * change
                line.ratio[i] = abs(lead)
                before[i] = now[i]
                now[i] = place[i]
            sums[0] += back
            sums[1] = max(sums[1], largest_of(line))


def _measure_slopes(g, weights, positive, extent, line, sums):
    """Add up the largest ``|g| / weight`` of coefficients, and the sum of ``max(|g| - weight, 0)^2``."""
    zero = type(g[0, 0, 0])(0)
    mirror = zero if positive else -type(g[0, 0, 0])(1)
    for k in range(g.shape[0]):
        for y in range(extent):
            thresholds(weights, type(zero)(1), k, y, line.tau)
            over = zero
            change = g[k, y]
            for x in range(line.tau.shape[0]):
                m = max(change[x], mirror * change[x])
                beyond = max(m - line.tau[x], zero)
                over += beyond * beyond
                line.ratio[x] = m / line.tau[x]
            sums[0] = max(sums[0], largest_of(line))
            sums[1] += over


def _gather_entries(code, places, values):
    """Write place and value of all entries of a map that are not zero; return their number."""
    n, place = np.int64(0), np.int64(0)
    for y in range(code.shape[0]):
        line = code[y]
        for x in range(line.shape[0]):
            if line[x] != 0:
                places[n] = place + x
                values[n] = line[x]
                n += 1
        place += line.shape[0]
    return n


def _restart_maps(codes, slopes, weights, step, ridge, positive, factor, line, t):
    """Write states of given codes; multipliers are those of the penalty, slopes times `factor` where codes are zero.

    States beyond the coefficients stay as they are.
    """
    one = type(codes[0, 0, 0])(1)
    low = type(one)(-np.inf) if positive else -one
    for k in range(codes.shape[0]):
        for y in range(codes.shape[1]):
            thresholds(weights, step, k, y, line.tau)
            code, slope, state = codes[k, y], slopes[k, y], t[k, y]
            for x in range(code.shape[0]):
                tau = line.tau[x]
                u = min(max(factor * step * slope[x], low * tau), tau)
                u = tau + step * ridge * code[x] if code[x] > 0 else u
                u = step * ridge * code[x] - tau if code[x] < 0 else u
                state[x] = code[x] + u


add_products = kernel(_add_products)
conjugate_products = kernel(_conjugate_products)
thresholds = kernel(_thresholds)
largest_of = kernel(_largest_of)
start_maps = kernel(_start_maps)
advance_maps = kernel(_advance_maps)
shrink_maps = kernel(_shrink_maps)
gradient_step = kernel(_gradient_step)
settle = kernel(_settle)
measure_slopes = kernel(_measure_slopes)
gather_entries = kernel(_gather_entries)
restart_maps = kernel(_restart_maps)
