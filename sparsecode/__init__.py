"""Sparse coding and sparse distributed representations, fast on a plain CPU, with scikit-learn manners."""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
