"""Active dendrites: few synapses on a segment that detect patterns in sparse activity, and when they can be trusted."""

from . import theory
from .active_dendrites_mlp import ActiveDendritesMLPClassifier

__all__ = ["ActiveDendritesMLPClassifier", "theory"]
