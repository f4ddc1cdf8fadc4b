"""Receptive fields: what learned atoms have in common with cells of the primary visual cortex."""

from .gabor import GaborFit, fit_gabor, gabor, orientation_coverage

__all__ = ["GaborFit", "fit_gabor", "gabor", "orientation_coverage"]
