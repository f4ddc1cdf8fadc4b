"""Active dendrites: few synapses on a segment that detect patterns in sparse activity, and when they can be trusted."""

from . import theory
from .active_dendrite_classifier import ActiveDendriteClassifier
from .active_dendrites_mlp import ActiveDendritesMLPClassifier
from .anomaly_likelihood import AnomalyLikelihood
from .dendritic_neuron import DendriticNeuron
from .segment_detector import DendriticSegmentDetector
from .sequence_predictor import SequencePredictor
from .temporal_memory import TemporalMemory

__all__ = [
    "ActiveDendriteClassifier",
    "ActiveDendritesMLPClassifier",
    "AnomalyLikelihood",
    "DendriticNeuron",
    "DendriticSegmentDetector",
    "SequencePredictor",
    "TemporalMemory",
    "theory",
]
