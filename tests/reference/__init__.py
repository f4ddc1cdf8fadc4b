"""Naive twins of the kernels: loops and NumPy, one screen each."""
