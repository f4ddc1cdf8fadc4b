"""Bits of words, for kernels."""

import numpy as np

from .jit import kernel

#: Masks of every other bit, pair and half-octet, and a one in each octet.
ONES, PAIRS, HALVES = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
OCTETS = np.uint64(0x0101010101010101)


def _count_bits(x):
    """Return the number of ones of a word; compilers know these steps, and take the instruction if there is one.

    With sums instead of the product they do not, and a scan takes three times as long. `np.multiply` overflows silently
    where this is plain Python.
    """
    x = x - ((x >> np.uint64(1)) & ONES)
    x = (x & PAIRS) + ((x >> np.uint64(2)) & PAIRS)
    x = (x + (x >> np.uint64(4))) & HALVES
    return np.multiply(x, OCTETS) >> np.uint64(56)


def _first_bit(x):
    """Return the place of the lowest one of a word that is not 0; compilers know this too."""
    below = (x ^ (x - np.uint64(1))) >> np.uint64(1)  # ones in place of the zeros below the first one
    return np.int64(count_bits(below))


count_bits = kernel(_count_bits)
first_bit = kernel(_first_bit)
