"""Streams that change little: events instead of frames."""

from .delta_encoder import DeltaEncoder

__all__ = ["DeltaEncoder"]
