"""Receptive fields: what learned atoms have in common with cells of the primary visual cortex."""

from .classes import classify_receptive_fields
from .description import describe_receptive_fields
from .fitting import fit_gabor
from .gabor import GaborFit, gabor, orientation_coverage
from .log_gabor import LogGaborFit, describe_log_gabor
from .log_gabor_fitting import fit_log_gabor
from .tuning import Tuning, coder_tuning, linear_tuning

__all__ = [
    "GaborFit",
    "LogGaborFit",
    "Tuning",
    "classify_receptive_fields",
    "coder_tuning",
    "describe_log_gabor",
    "describe_receptive_fields",
    "fit_gabor",
    "fit_log_gabor",
    "gabor",
    "linear_tuning",
    "orientation_coverage",
]
