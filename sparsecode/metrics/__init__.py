"""Numbers that describe codes, reconstructions and dictionaries; arrays in, numbers out."""

from .activity import (
    L0Statistics,
    activation_entropy,
    activation_rates,
    active_fraction,
    dead_fraction,
    l0_statistics,
)
from .dictionaries import AtomMatch, match_atoms, shift_coherence, shift_cosines, stability
from .maps import OrientationHistogram, ResilienceCurve, orientation_histogram, resilience_curve
from .reconstruction import explained_variance, mean_cosine, norm_ratio, psnr, reconstruction_bias, relative_error, snr
from .sparseness import hoyer, treves_rolls

__all__ = [
    "AtomMatch",
    "L0Statistics",
    "OrientationHistogram",
    "ResilienceCurve",
    "activation_entropy",
    "activation_rates",
    "active_fraction",
    "dead_fraction",
    "explained_variance",
    "hoyer",
    "l0_statistics",
    "match_atoms",
    "mean_cosine",
    "norm_ratio",
    "orientation_histogram",
    "psnr",
    "reconstruction_bias",
    "relative_error",
    "resilience_curve",
    "shift_coherence",
    "shift_cosines",
    "snr",
    "stability",
    "treves_rolls",
]
