"""Sparse coding of vectors: patches of images, or any rows of features."""

from .sparse_coder import SparseCoder

__all__ = ["SparseCoder"]
