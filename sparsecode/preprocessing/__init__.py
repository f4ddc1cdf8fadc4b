"""From photographs to what is coded: whitening, local contrast, slow changes taken out, and patches."""

from .local_contrast import LocalContrastNormalizer
from .patches import PatchExtractor
from .tikhonov import TikhonovFilter
from .whitening import Whitener

__all__ = ["LocalContrastNormalizer", "PatchExtractor", "TikhonovFilter", "Whitener"]
