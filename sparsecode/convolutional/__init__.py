"""Convolutional sparse coding: images and signals as sums of convolutions of kernels with sparse maps."""

from ._scale import alpha_max
from .balanced import balanced_steps
from .conv_sparse_coder import ConvSparseCoder
from .operator import ConvolutionOperator
from .registry import SOLVERS, solve_convolutional

__all__ = ["SOLVERS", "ConvSparseCoder", "ConvolutionOperator", "alpha_max", "balanced_steps", "solve_convolutional"]
