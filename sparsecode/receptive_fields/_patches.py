"""Patches as arrays: their checks and the coordinates of their pixels, shared by all analyses."""

import numpy as np

from .._core.arrays import shaped_atoms

MIN_SIDE = 3


def pixel_coordinates(height, width):
    """Return x of shape (width,) to the right and y of shape (height, 1) down, in pixels from the patch centre."""
    return np.arange(width) - (width - 1) / 2, (np.arange(height) - (height - 1) / 2)[:, None]


def check_shape(shape):
    """Return (height, width) as two int."""
    sides = np.asarray(shape)
    if sides.shape != (2,) or sides.dtype.kind not in "iu" or sides.min() < 1:
        raise ValueError(f"shape must be two positive integers (height, width), got {shape!r}")
    return int(sides[0]), int(sides[1])


def check_atoms(atoms, shape):
    """Return the atoms as float64 patches (n_atoms, height, width)."""
    array = shaped_atoms(atoms)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"atoms must be real numbers, got an array of type {array.dtype}")
    if array.ndim not in (2, 3):
        raise ValueError(
            "atoms must have the shape (n_atoms, height * width) or (n_atoms, height, width), "
            f"got {array.ndim} dimension(s), shape {array.shape}"
        )
    if array.size == 0:
        raise ValueError(f"atoms must hold at least one atom, got an array of shape {array.shape}")
    if array.ndim == 2 and shape is None:
        raise ValueError(f"shape=(height, width) is needed for atoms given as rows, got atoms of shape {array.shape}")
    height, width = array.shape[1:] if shape is None else check_shape(shape)
    if array.ndim == 3 and array.shape[1:] != (height, width):
        raise ValueError(f"shape {(height, width)} does not agree with atoms of shape {array.shape}")
    if array.ndim == 2 and array.shape[1] != height * width:
        raise ValueError(
            f"shape {(height, width)} makes {height * width} pixels, but the atoms have {array.shape[1]} each"
        )
    check_sides(height, width)
    patches = array.reshape(-1, height, width).astype(np.float64, order="C")
    if not np.isfinite(patches).all():
        bad = int(np.flatnonzero(~np.isfinite(patches).all(axis=(1, 2)))[0])
        raise ValueError(f"atoms must be finite, but atom {bad} holds NaN or infinity")
    return patches


def check_sides(height, width):
    """Raise for patches too small to have a modulation."""
    if min(height, width) < MIN_SIDE:
        raise ValueError(f"patches must have at least {MIN_SIDE} by {MIN_SIDE} pixels, got {height} by {width}")
