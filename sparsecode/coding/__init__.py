"""Sparse coding of vectors: patches of images, or any rows of features."""

from .held_out import held_out_pixel_score
from .lca import LCA
from .patch_encoder import PatchEncoder
from .sailnet import SAILnet
from .sparse_coder import SparseCoder

__all__ = ["LCA", "PatchEncoder", "SAILnet", "SparseCoder", "held_out_pixel_score"]
