"""Sparse maps as lists of the coefficients that are not zero."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array


class Entries(NamedTuple):
    """Coefficients that are not zero, in the order of their places among all maps in a row."""

    places: np.ndarray
    values: np.ndarray

    @classmethod
    def none(cls, dtype):
        """Return no entries."""
        return cls(np.empty(0, np.int64), np.empty(0, dtype))

    @classmethod
    def of_row(cls, codes, dtype):
        """Return those of a CSR array of one row."""
        codes = codes.sorted_indices()
        return cls(codes.indices.astype(np.int64), codes.data.astype(dtype))

    @classmethod
    def joined(cls, parts):
        """Join the entries of consecutive blocks of kernels."""
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def to_row(self, operator):
        """Return a CSR array of one row, which shares the values."""
        size = int(np.prod(operator.code_shape))
        places = self.places.astype(np.int32 if size < 2**31 else np.int64)
        return csr_array((self.values, places, np.array([0, len(places)], places.dtype)), shape=(1, size))
