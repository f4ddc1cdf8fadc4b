from . import (
    coding,
    convolutional,
    datasets,
    dendrites,
    encoder,
    labeled,
    labs,
    metrics,
    penalties,
    plot,
    preprocessing,
    receptive_fields,
    sdr,
    solvers,
    temporal,
)
from ._checkpoints import Checkpoint
from .coding import PatchEncoder, SparseCoder
from .convolutional import ConvSparseCoder
from .dictionary import Dictionary
from .encoder import Capabilities, Encoder, groups_from_lengths
from .persistence import FormatError, inspect_file, load, save
from .preprocessing import PatchExtractor, Whitener

__version__: str

__all__ = [
    "Capabilities",
    "Checkpoint",
    "ConvSparseCoder",
    "Dictionary",
    "Encoder",
    "FormatError",
    "PatchEncoder",
    "PatchExtractor",
    "SparseCoder",
    "Whitener",
    "coding",
    "convolutional",
    "datasets",
    "dendrites",
    "encoder",
    "groups_from_lengths",
    "inspect_file",
    "labeled",
    "labs",
    "load",
    "metrics",
    "penalties",
    "plot",
    "preprocessing",
    "receptive_fields",
    "save",
    "sdr",
    "solvers",
    "temporal",
]
