"""Sparse coding of vectors: patches of images, or any rows of features."""

from .patch_encoder import PatchEncoder
from .sparse_coder import SparseCoder

__all__ = ["PatchEncoder", "SparseCoder"]
