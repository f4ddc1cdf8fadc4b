"""Sparse coding of vectors: patches of images, or any rows of features."""

from .held_out import held_out_pixel_score
from .patch_encoder import PatchEncoder
from .sparse_coder import SparseCoder
from .task_driven import TaskDrivenClassifier, TaskDrivenRegressor

__all__ = ["PatchEncoder", "SparseCoder", "TaskDrivenClassifier", "TaskDrivenRegressor", "held_out_pixel_score"]
