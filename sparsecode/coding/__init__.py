"""Sparse coding of vectors: patches of images, or any rows of features."""

from .comparison import compare_coders
from .held_out import held_out_pixel_score
from .patch_encoder import PatchEncoder
from .sparse_coder import SparseCoder

__all__ = ["PatchEncoder", "SparseCoder", "compare_coders", "held_out_pixel_score"]
