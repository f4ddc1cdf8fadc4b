"""Receptive fields of macrocolumns on a grid, and codes as inputs of the level above."""

from typing import NamedTuple

import numpy as np

from .layouts import winners_to_csr


class Fields(NamedTuple):
    """Which places of the level below each macrocolumn of a level sees."""

    places: np.ndarray  # (n_macrocolumns, places of a field)
    grid: tuple  # how the macrocolumns are laid out

    @classmethod
    def of(cls, shape, window, stride):
        """Return square fields every `stride` places, those at the end of an axis pushed inwards to cover it.

        A window that is larger than an axis is as large as the axis.
        """
        axes = []
        for side in shape:
            last = max(side - window, 0)
            starts = np.unique(np.append(np.arange(0, last + 1, stride), last))
            axes.append(starts[:, None] + np.arange(min(window, side)))
        numbers, n_axes = np.arange(np.prod(shape)).reshape(shape), len(shape)
        for axis, rows in enumerate(axes):
            numbers = np.take(numbers, rows, axis=2 * axis)
        grid = numbers.shape[::2]
        order = (*range(0, 2 * n_axes, 2), *range(1, 2 * n_axes, 2))
        return cls(np.ascontiguousarray(numbers.transpose(order).reshape(np.prod(grid), -1)), tuple(map(int, grid)))


def columns(places, width):
    """Return the columns of places that have `width` columns each."""
    return (places[:, None] * width + np.arange(width)).ravel()


def dense_codes(winners, n_units):
    """Return winners as rows of bool."""
    return winners_to_csr(winners, n_units).toarray()


def most_voted(votes, n_modules, n_units):
    """Return, for votes of shape (n, n_macrocolumns, Q * K), the unit of each module that has most; -1 without any."""
    votes = votes.reshape(*votes.shape[:2], n_modules, n_units)
    winners = votes.argmax(axis=3).astype(np.int32)
    winners[~votes.any(axis=(2, 3))] = -1
    return winners
