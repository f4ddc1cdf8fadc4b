from . import coding, datasets, metrics, penalties, plot, preprocessing, receptive_fields, solvers
from .coding import SparseCoder
from .dictionary import Dictionary
from .persistence import FormatError, inspect_file, load, save
from .preprocessing import PatchExtractor, Whitener

__version__: str

__all__ = [
    "Dictionary",
    "FormatError",
    "PatchExtractor",
    "SparseCoder",
    "Whitener",
    "coding",
    "datasets",
    "inspect_file",
    "load",
    "metrics",
    "penalties",
    "plot",
    "preprocessing",
    "receptive_fields",
    "save",
    "solvers",
]
