r"""Exact error rates of dendritic segments on random sparse activity.

A population has n cells, of which a are active at a time. A segment has s synapses, onto cells that were active
together, and detects its pattern when at least theta of them are on. Activity is taken as random and uniform: real
activity is not, and a segment then answers wrongly far more often than these laws say (measure it).

All functions broadcast their arguments.
"""

from .inverses import max_noise, max_union, min_synapses, min_threshold, threshold_curve
from .matches import false_negative_rate, false_positive_rate, overlap_set_size, spontaneous_loss_rate
from .populations import any_match_rate, classification_error, prediction_quality
from .structure import structural_capacity
from .unions import union_containment_rate, union_false_positive_rate, union_size, union_size_distribution

__all__ = [
    "any_match_rate",
    "classification_error",
    "false_negative_rate",
    "false_positive_rate",
    "max_noise",
    "max_union",
    "min_synapses",
    "min_threshold",
    "overlap_set_size",
    "prediction_quality",
    "spontaneous_loss_rate",
    "structural_capacity",
    "threshold_curve",
    "union_containment_rate",
    "union_false_positive_rate",
    "union_size",
    "union_size_distribution",
]
