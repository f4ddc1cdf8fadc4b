"""Sparse distributed representations: binary codes with few ones, and memories of them."""

from .capacity import capacity, expected_fill, items_until_frozen, largest_fill, recall_accuracy, sequence_capacity
from .hierarchy import MacrocolumnHierarchy
from .macrocolumn import MacrocolumnMemory
from .macrocolumn_classifier import MacrocolumnClassifier
from .selection import Selection, familiarity, local_support, similarity_curve, win_probabilities
from .sequence_memory import SequenceMemory

__all__ = [
    "MacrocolumnClassifier",
    "MacrocolumnHierarchy",
    "MacrocolumnMemory",
    "Selection",
    "SequenceMemory",
    "capacity",
    "expected_fill",
    "familiarity",
    "items_until_frozen",
    "largest_fill",
    "local_support",
    "recall_accuracy",
    "sequence_capacity",
    "similarity_curve",
    "win_probabilities",
]
