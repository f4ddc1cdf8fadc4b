"""Sparse distributed representations: binary codes with few ones, and memories of them."""

from .capacity import capacity, expected_fill, items_until_frozen, largest_fill, recall_accuracy
from .macrocolumn import MacrocolumnMemory
from .selection import Selection, familiarity, local_support, similarity_curve, win_probabilities

__all__ = [
    "MacrocolumnMemory",
    "Selection",
    "capacity",
    "expected_fill",
    "familiarity",
    "items_until_frozen",
    "largest_fill",
    "local_support",
    "recall_accuracy",
    "similarity_curve",
    "win_probabilities",
]
