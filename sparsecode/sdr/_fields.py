"""Receptive fields of macrocolumns on a grid, and codes as inputs of the level above."""

from typing import NamedTuple

import numpy as np

from ._trace import DEVIATIONS, LEAST_SHARE
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


def recall_all(memories, places, active, n_places, width):
    """Return the features that units of macrocolumns stand for, of all codes that they make up together.

    Parameters
    ----------
    memories : list of SequenceMemory
        The macrocolumns of a level, which see the places ``places[m]``.
    active : ndarray of shape (n, n_macrocolumns * Q * K), bool
        Units, of which a module may have several.
    n_places, width : int
        Places of the level below, and features of each.

    Returns
    -------
    ndarray of shape (n, n_places * width), bool
        Those that half of the macrocolumns recall which see them and have active units: to which as many have weights
        as `recall_threshold` asks of one code, and more than by chance.
    """
    votes, voters = (np.zeros((len(active), n_places * width), np.int32) for _ in range(2))
    codes = active.reshape(len(active), len(memories), -1).astype(np.float32)
    for m, (memory, seen) in enumerate(zip(memories, places, strict=True)):
        sums, n_units = codes[:, m] @ memory._trace.weights.T.astype(np.float32), codes[:, m].sum(axis=1, keepdims=True)
        auto, share = memory.recall_threshold == "auto", memory._trace.weights.mean(axis=1)
        least = memory.code_shape_[0] * (LEAST_SHARE if auto else memory.recall_threshold)
        if auto:
            least = np.maximum(least, n_units * share + DEVIATIONS * np.sqrt(n_units * share * (1 - share)))
        at = columns(seen, width)
        votes[:, at] += (sums >= np.minimum(least, sums.max(axis=1, keepdims=True))) & (sums > 0)
        voters[:, at] += n_units > 0
    return 2 * votes >= np.maximum(voters, 1)


def most_voted(votes, n_modules, n_units):
    """Return, for votes of shape (n, n_macrocolumns, Q * K), the unit of each module that has most; -1 without any."""
    votes = votes.reshape(*votes.shape[:2], n_modules, n_units)
    winners = votes.argmax(axis=3).astype(np.int32)
    winners[~votes.any(axis=(2, 3))] = -1
    return winners
