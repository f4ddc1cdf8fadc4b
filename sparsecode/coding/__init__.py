"""Sparse coding of vectors: patches of images, or any rows of features."""

from .comparison import compare_coders
from .held_out import held_out_pixel_score
from .lca import LCA
from .lista import LISTA
from .patch_encoder import PatchEncoder
from .sailnet import SAILnet
from .sparse_coder import SparseCoder
from .task_driven import TaskDrivenClassifier, TaskDrivenRegressor

__all__ = [
    "LCA",
    "LISTA",
    "PatchEncoder",
    "SAILnet",
    "SparseCoder",
    "TaskDrivenClassifier",
    "TaskDrivenRegressor",
    "compare_coders",
    "held_out_pixel_score",
]
