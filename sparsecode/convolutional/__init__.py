"""Convolutional sparse coding: images and signals as sums of convolutions of kernels with sparse maps."""

from .operator import ConvolutionOperator
from .registry import solve_convolutional

__all__ = ["ConvolutionOperator", "solve_convolutional"]
