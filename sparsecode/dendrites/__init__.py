"""Active dendrites: few synapses on a segment that detect patterns in sparse activity, and when they can be trusted."""

from . import theory
from .anomaly_likelihood import AnomalyLikelihood
from .sequence_predictor import SequencePredictor
from .temporal_memory import TemporalMemory

__all__ = ["AnomalyLikelihood", "SequencePredictor", "TemporalMemory", "theory"]
