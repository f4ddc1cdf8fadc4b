"""Sparse distributed representations: encoders of values, operations, k winners, and memories of binary codes."""

from ..dendrites.theory import false_positive_rate, union_false_positive_rate, union_size
from .bcpnn import BCPNN
from .capacity import capacity, expected_fill, items_until_frozen, largest_fill, recall_accuracy, sequence_capacity
from .category import CategoryEncoder
from .date import DateEncoder
from .grid_cells import GridCellEncoder
from .hierarchy import MacrocolumnHierarchy
from .hopfield import DenseAssociativeMemory
from .image_threshold import ImageThreshold
from .kanerva import KanervaMemory
from .layouts import pack_bits, to_csr, to_dense, to_winners, unpack_bits
from .macrocolumn import MacrocolumnMemory
from .macrocolumn_classifier import MacrocolumnClassifier
from .neighbors import SDRNearestNeighbors
from .operations import add_noise, concat, drop_features, random_codes, random_sdrs, subsample, union
from .random_distributed import RandomDistributedScalarEncoder
from .scalar import ScalarEncoder
from .selection import Selection, familiarity, local_support, similarity_curve, win_probabilities
from .sequence_hierarchy import SequenceHierarchy
from .sequence_memory import SequenceMemory
from .similarity import code_overlap, hamming, jaccard, overlap
from .spatial_pooler import SpatialPooler
from .willshaw import WillshawMemory
from .winners import KWinners, boost_factors, k_winners

__all__ = [
    "BCPNN",
    "CategoryEncoder",
    "DateEncoder",
    "DenseAssociativeMemory",
    "GridCellEncoder",
    "ImageThreshold",
    "KWinners",
    "KanervaMemory",
    "MacrocolumnClassifier",
    "MacrocolumnHierarchy",
    "MacrocolumnMemory",
    "RandomDistributedScalarEncoder",
    "SDRNearestNeighbors",
    "ScalarEncoder",
    "Selection",
    "SequenceHierarchy",
    "SequenceMemory",
    "SpatialPooler",
    "WillshawMemory",
    "add_noise",
    "boost_factors",
    "capacity",
    "code_overlap",
    "concat",
    "drop_features",
    "expected_fill",
    "false_positive_rate",
    "familiarity",
    "hamming",
    "items_until_frozen",
    "jaccard",
    "k_winners",
    "largest_fill",
    "local_support",
    "overlap",
    "pack_bits",
    "random_codes",
    "random_sdrs",
    "recall_accuracy",
    "sequence_capacity",
    "similarity_curve",
    "subsample",
    "to_csr",
    "to_dense",
    "to_winners",
    "union",
    "union_false_positive_rate",
    "union_size",
    "unpack_bits",
    "win_probabilities",
]
