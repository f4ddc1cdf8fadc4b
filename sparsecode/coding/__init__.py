"""Sparse coding of vectors: patches of images, or any rows of features."""

from .held_out import held_out_pixel_score
from .patch_encoder import PatchEncoder
from .sparse_coder import SparseCoder

__all__ = ["PatchEncoder", "SparseCoder", "held_out_pixel_score"]
