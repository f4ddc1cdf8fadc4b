"""Active dendrites: few synapses on a segment that detect patterns in sparse activity, and when they can be trusted."""

from . import theory
from .segment_detector import DendriticSegmentDetector

__all__ = ["DendriticSegmentDetector", "theory"]
