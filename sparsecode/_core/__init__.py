"""Shared ground floor: Numba door, threads, random numbers, validation, history, progress."""
