"""Streams that change little: events instead of frames, and networks that compute what has changed."""

from ._batch_norm import fold_batch_norm
from .delta_encoder import DeltaEncoder
from .delta_mlp import DeltaMLPClassifier, DeltaMLPRegressor
from .delta_network import DeltaNetwork
from .energy import modelled_energy
from .integrate_and_fire import IntegrateAndFire
from .layers import Activation, Conv2D, Dense, Flatten, Pool2D, Residual
from .nir_exchange import from_nir, to_nir
from .spike_codes import from_events, latency_spikes, phase_spikes, population_code, rate_spikes, to_events
from .spiking_lca import SpikingLCA
from .spiking_mlp_classifier import SpikingMLPClassifier
from .spiking_network import SpikingNetwork

__all__ = [
    "Activation",
    "Conv2D",
    "DeltaEncoder",
    "DeltaMLPClassifier",
    "DeltaMLPRegressor",
    "DeltaNetwork",
    "Dense",
    "Flatten",
    "IntegrateAndFire",
    "Pool2D",
    "Residual",
    "SpikingLCA",
    "SpikingMLPClassifier",
    "SpikingNetwork",
    "fold_batch_norm",
    "from_events",
    "from_nir",
    "latency_spikes",
    "modelled_energy",
    "phase_spikes",
    "population_code",
    "rate_spikes",
    "to_events",
    "to_nir",
]
