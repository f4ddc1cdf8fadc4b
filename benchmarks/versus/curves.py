"""What learned atoms are worth over time, measured outside the clock."""

import time
from typing import NamedTuple

import numpy as np


class Curve(NamedTuple):
    """What a learner has reached, and after how many seconds of its own."""

    name: str
    points: list  # of (seconds, objective)

    def seconds_to(self, objective):
        """Return the time of the first point that is as low; infinity if there is none."""
        return next((seconds for seconds, reached in self.points if reached <= objective), np.inf)


def trace(name, atoms, measure, *, until, cap):
    """Follow atoms from an iterator until their objective is as low as `until`, or `cap` seconds are over."""
    points, total = [], 0.0
    while total < cap and not (points and points[-1][1] <= until):
        started = time.perf_counter()
        D = next(atoms, None)
        total += time.perf_counter() - started
        if D is None:
            break
        points.append((total, measure(D)))
    return Curve(name, points)


def fastest_points(points):
    """Return points, by time, without those that others of smaller values are as fast as."""
    kept = []
    for seconds, value in sorted(points):
        if not kept or value < kept[-1][1]:
            kept.append((seconds, value))
    return kept
