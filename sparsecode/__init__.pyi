from . import coding, datasets, penalties, plot, preprocessing, receptive_fields, solvers
from .coding import SparseCoder
from .preprocessing import PatchExtractor, Whitener

__version__: str

__all__ = [
    "PatchExtractor",
    "SparseCoder",
    "Whitener",
    "coding",
    "datasets",
    "penalties",
    "plot",
    "preprocessing",
    "receptive_fields",
    "solvers",
]
