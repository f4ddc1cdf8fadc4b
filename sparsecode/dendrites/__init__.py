"""Active dendrites: few synapses on a segment that detect patterns in sparse activity, and when they can be trusted."""

from . import theory
from .active_dendrites_mlp import ActiveDendritesMLPClassifier
from .anomaly_likelihood import AnomalyLikelihood
from .sequence_predictor import SequencePredictor
from .temporal_memory import TemporalMemory

__all__ = ["ActiveDendritesMLPClassifier", "AnomalyLikelihood", "SequencePredictor", "TemporalMemory", "theory"]
