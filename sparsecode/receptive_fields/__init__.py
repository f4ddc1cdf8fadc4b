"""Receptive fields: what learned atoms have in common with cells of the primary visual cortex."""

from .classes import classify_receptive_fields
from .description import describe_receptive_fields
from .fitting import fit_gabor
from .gabor import GaborFit, gabor, orientation_coverage
from .tuning import Tuning, coder_tuning, linear_tuning

__all__ = [
    "GaborFit",
    "Tuning",
    "classify_receptive_fields",
    "coder_tuning",
    "describe_receptive_fields",
    "fit_gabor",
    "gabor",
    "linear_tuning",
    "orientation_coverage",
]
