from . import datasets, penalties, plot, preprocessing, receptive_fields, solvers
from .coding import SparseCoder
from .preprocessing import PatchExtractor, Whitener

__all__ = [
    "PatchExtractor",
    "SparseCoder",
    "Whitener",
    "datasets",
    "penalties",
    "plot",
    "preprocessing",
    "receptive_fields",
    "solvers",
]
