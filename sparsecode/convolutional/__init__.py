"""Convolutional sparse coding: images and signals as sums of convolutions of kernels with sparse maps."""

from .conv_sparse_coder import ConvSparseCoder
from .operator import ConvolutionOperator
from .registry import solve_convolutional

__all__ = ["ConvSparseCoder", "ConvolutionOperator", "solve_convolutional"]
