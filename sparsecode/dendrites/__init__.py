"""Active dendrites: few synapses on a segment that detect patterns in sparse activity, and when they can be trusted."""

from . import theory
from .active_dendrite_classifier import ActiveDendriteClassifier
from .dendritic_neuron import DendriticNeuron
from .segment_detector import DendriticSegmentDetector

__all__ = ["ActiveDendriteClassifier", "DendriticNeuron", "DendriticSegmentDetector", "theory"]
