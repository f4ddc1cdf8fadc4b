"""From photographs to the rows that are coded: whitening, then patches."""

from .patches import PatchExtractor
from .whitening import Whitener

__all__ = ["PatchExtractor", "Whitener"]
