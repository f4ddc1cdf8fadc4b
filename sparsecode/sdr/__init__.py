"""Sparse distributed representations: binary codes with few ones, and memories of them."""

from .capacity import capacity, expected_fill, items_until_frozen, largest_fill, recall_accuracy
from .category import CategoryEncoder
from .date import DateEncoder
from .grid_cells import GridCellEncoder
from .image_threshold import ImageThreshold
from .macrocolumn import MacrocolumnMemory
from .random_distributed import RandomDistributedScalarEncoder
from .scalar import ScalarEncoder
from .selection import Selection, familiarity, local_support, similarity_curve, win_probabilities
from .spatial_pooler import SpatialPooler

__all__ = [
    "CategoryEncoder",
    "DateEncoder",
    "GridCellEncoder",
    "ImageThreshold",
    "MacrocolumnMemory",
    "RandomDistributedScalarEncoder",
    "ScalarEncoder",
    "Selection",
    "SpatialPooler",
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
