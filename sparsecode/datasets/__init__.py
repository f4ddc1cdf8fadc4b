"""Photographs and films to learn from, without a download."""

from .films import drifting_images, video_frames
from .photographs import PHOTOGRAPHS, natural_images

__all__ = ["PHOTOGRAPHS", "drifting_images", "natural_images", "video_frames"]
