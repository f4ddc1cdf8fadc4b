"""Active dendrites: few synapses on a segment that detect patterns in sparse activity, and when they can be trusted."""

from . import theory
from .temporal_memory import TemporalMemory

__all__ = ["TemporalMemory", "theory"]
