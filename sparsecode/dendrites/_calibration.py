"""Thresholds of segments for a rate of false positives, from what they overlap with by accident."""

import warnings

import numpy as np

from .._core.validation import callers_level
from .theory import false_positive_rate, min_threshold

#: Share of the requested rate that overlaps of all segments together are taken to say about each one.
PRIOR = 0.1

#: A rate of so many times the expected one, of so many hits, is no accident.
VIOLATION, HITS = 10.0, 10


def exceedances(foreign):
    """Return how often each segment had at least each overlap, (n_segments, most + 2) float64."""
    counts = np.pad(foreign.astype(np.float64), ((0, 0), (0, 1)))
    return counts[:, ::-1].cumsum(axis=1)[:, ::-1]


def calibrated(foreign, target):
    r"""Return the smallest threshold of each segment at which its rate of false positives is `target`.

    Of N_j foreign rows H_j(theta) have an overlap of at least theta with segment j; its rate is taken to be

        (H_j(theta) + m p(theta)) / (N_j + m),    m = 0.1 / target,

    with the rate p of all segments together: m rows of them, in which 0.1 false positives are expected.
    """
    return (rates(foreign, target) <= target).argmax(axis=1)


def rates(foreign, target):
    """Return these rates of each segment for all thresholds, (n_segments, most + 2)."""
    above, weight = exceedances(foreign), PRIOR / target
    n_rows = above[:, :1]
    together = above.sum(axis=0) / max(n_rows.sum(), 1)
    return (above + weight * together) / (n_rows + weight)


def estimated_rate(foreign, thresholds, target):
    """Return the mean of these rates at the thresholds of segments, NaN if nothing was counted.

    What was counted alone, with thresholds calibrated on it, would look too good.
    """
    if not foreign.any():
        return float("nan")
    return float(np.take_along_axis(rates(foreign, target), np.asarray(thresholds)[:, None], axis=1).mean())


def theoretical(n_cells, n_active, sizes, target):
    """Return the smallest thresholds of segments of some sizes for a rate in random activity."""
    different, which = np.unique(sizes, return_inverse=True)
    return np.atleast_1d(min_threshold(n_cells, n_active, different, target))[which]


def expected_rate(n_cells, n_active, sizes, thresholds):
    """Return the mean rate of false positives of segments in random activity."""
    return float(np.mean(false_positive_rate(n_cells, n_active, sizes, thresholds))) if len(sizes) else 0.0


def measured_rate(foreign, thresholds):
    """Return how often segments reached thresholds in rows of others, as a share."""
    above = exceedances(foreign)
    reached = np.take_along_axis(above, thresholds[:, None], axis=1).sum()
    return float(reached / max(above[:, 0].sum(), 1))


def automatic(foreign, n_cells, n_active, sizes, target, of_theory):
    """Return thresholds: calibrated, at least those of the theory, at most all synapses; warn, also `of_theory`."""
    floor = theoretical(n_cells, n_active, sizes, target)
    needed = np.maximum(calibrated(foreign, target), floor)
    least = np.maximum(sizes, 1)
    if of_theory:
        of_random = np.minimum(floor, least)
        warn_if_theory_fails(foreign, of_random, target, expected_rate(n_cells, n_active, sizes, of_random))
    thresholds = np.clip(needed, 1, least)
    rate = estimated_rate(foreign, thresholds, target)
    if rate > target:
        unmet = np.count_nonzero((needed > least) & (sizes > 0))
        warnings.warn(
            f"{unmet} of {len(sizes)} segments answer to more than {target:g} of the rows of others even where all of "
            f"their synapses must be active, all segments to {rate:.2g}: there are rows that are alike but count as "
            "different (give labels `y`, or `match_threshold`, if they are the same pattern), or too few synapses "
            "(raise `n_synapses`), or too much is asked (raise `false_positive_rate`).",
            UserWarning,
            stacklevel=callers_level(),
        )
    return thresholds


def warn_if_theory_fails(foreign, thresholds, target, expected):
    """Say that rows are not random, if thresholds for random ones would not do."""
    rate = measured_rate(foreign, thresholds)
    if rate > max(target, VIOLATION * expected) and rate * foreign.sum(dtype=np.float64) >= HITS:
        warnings.warn(
            f"rows are far from random: thresholds of {np.median(thresholds):g}, at which segments would answer to "
            f"{expected:.2g} of random rows, let them answer to {rate:.2g} of the rows of others. Thresholds are "
            "calibrated on these instead; laws of sparsecode.dendrites.theory do not hold here.",
            UserWarning,
            stacklevel=callers_level(),
        )
