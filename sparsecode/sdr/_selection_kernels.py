"""Kernels of the code selection algorithm: how familiarity turns support into chances to win."""

import math
from typing import NamedTuple

from .._core.jit import kernel

#: How much of the spread of supports counts: with 0.8, units that won more often win always where many inputs are
#: active; with 1, similar inputs get less similar codes.
SPREAD = 0.9


class Rule(NamedTuple):
    """A `Selection` as kernels see it: numbers only, of one type."""

    floor: float  # negative: from crosstalk
    expansion: float
    per_unit: float  # 0 or 1
    expansion_power: float
    slope: float
    centre: float
    relative: float  # 0 or 1
    baseline: float
    rectified: float  # 0 or 1
    support_power: float


def _crosstalk_floor(rule, mean_support, spread, chance, n_active, n_units):
    """Return the familiarity that the input would have by chance.

    From the support of all units: its standard deviation is that of units with equally many weights, or `spread`, that
    of units that do not have the most support of their module, if nine tenths of it are larger. And from their weights:
    `chance` is what a random input supports the unit with most weights of a module with, plus a standard deviation. The
    first tells nothing while few units have weights, the second nothing of inputs that share features.
    """
    floor = rule.floor
    if floor < 0.0:
        deviation = max(math.sqrt(max(mean_support * (1.0 - mean_support), 0.0) / n_active), SPREAD * spread)
        floor = mean_support + math.sqrt(2.0 * math.log(n_units)) * deviation + 0.02
        floor = max(floor, chance + math.sqrt(chance * (1.0 - chance) / n_active))
        floor = min(floor, max(0.97, 1.0 - 1.0 / n_active))
        if rule.support_power != 1.0:
            floor = floor**rule.support_power
    return floor


def _expansivity(rule, familiarity, floor, n_units):
    """Return the height that the chance of a unit with full support reaches, over that of one with none."""
    excess = max(familiarity - floor, 0.0) / (1.0 - floor)
    gain = rule.expansion
    if rule.per_unit != 0.0:
        gain *= n_units
    if rule.expansion_power != 0.0:
        gain *= excess**rule.expansion_power
    return rule.baseline + gain


def _likelihoods(rule, support, height, floor, out):
    """Write the unnormalised chance to win for each support."""
    slope, centre = rule.slope, rule.centre
    if rule.relative != 0.0:
        slope, centre = slope / (1.0 - floor), floor + centre * (1.0 - floor)
    for i in range(support.shape[0]):
        rise = 1.0 / (1.0 + math.exp(min(slope * (centre - support[i]), 700.0)))
        if rule.rectified != 0.0:
            full = support[i] >= 0.999
            out[i] = height if full else max(height * rise, rule.baseline)
        else:
            out[i] = (height - rule.baseline) * rise + rule.baseline


crosstalk_floor = kernel(_crosstalk_floor)
expansivity = kernel(_expansivity)
likelihoods = kernel(_likelihoods)
