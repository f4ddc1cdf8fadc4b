"""Kernels of the circuit `LCA`: Euler steps of membrane potentials, for a number of steps."""

from typing import NamedTuple

import numpy as np

from .._core.jit import kernel
from .._core.products import aligned_empty
from ..solvers._gram_kernels import collect, correlate

#: Exponents beyond this are those of a number that is nothing beside one.
LARGEST_EXPONENT = 60.0


class Threshold(NamedTuple):
    """A thresholding function of Rozell's family; `steepness` 0 stands for an infinite one."""

    levels: np.ndarray
    shift: float  # 1 for soft, 0 for hard thresholds
    steepness: float  # in units of 1 / level
    positive: bool


class Room(NamedTuple):
    """Work arrays of one thread."""

    g: np.ndarray
    a: np.ndarray
    active: np.ndarray
    weight: np.ndarray


def make_room(n_components, dtype):
    """Allocate the work arrays."""
    g, a = aligned_empty(n_components, dtype), aligned_empty(n_components, dtype)
    return Room(g, a, np.empty(n_components, np.int64), aligned_empty(n_components, np.float64))


def _activate(u, heat, threshold, a):
    """Write the activities of potentials, at thresholds raised by the factor `heat`."""
    zero, one = type(heat)(0), type(heat)(1)
    for j in range(u.shape[0]):
        level = heat * threshold.levels[j]
        size = u[j] if threshold.positive else abs(u[j])
        above = max(size - threshold.shift * level, zero)
        if threshold.steepness == zero:
            above = above if size > level else zero
        else:
            exponent = min(threshold.steepness * (one - size / level), type(heat)(LARGEST_EXPONENT))
            above /= one + np.exp(exponent)
        a[j] = -above if u[j] < zero and above > zero else above


def _integrate_rows(G, C, inverse_norms, threshold, rate, n_steps, cooling, carry, u, heat, room, stop, W):
    """Let potentials u follow each row of C for `n_steps`; write the codes, of atoms as they are.

    Rows that do not carry on start from rest. Where `heat` is zero, thresholds start at half of the largest drive, or
    where they are if they do not cool.
    """
    zero, one = u.dtype.type(0), u.dtype.type(1)
    g, a = room.g, room.a
    for i in range(C.shape[0]):
        c = C[i]
        if not carry:
            heat[0] = zero
            for j in range(u.shape[0]):
                u[j] = zero
        if heat[0] == zero:
            heat[0] = one
            for j in range(u.shape[0]):
                size = c[j] if threshold.positive else abs(c[j])
                if cooling < one:
                    heat[0] = max(heat[0], u.dtype.type(0.5) * size / threshold.levels[j])
        for n in range(n_steps + 1):
            if n > 0:
                k = collect(a, room.active, room.weight)
                correlate(G, c, room.active, room.weight, k, g)
                for j in range(u.shape[0]):
                    u[j] += rate * (g[j] + a[j] - u[j])
                heat[0] = max(one, cooling * heat[0])
            activate(u, heat[0], threshold, a)
            if stop[0] != 0:
                return
        for j in range(u.shape[0]):
            W[i, j] = a[j] * inverse_norms[j] if abs(u[j]) < np.inf else np.nan  # which is below each threshold


activate = kernel(_activate)
integrate_rows = kernel(_integrate_rows)
