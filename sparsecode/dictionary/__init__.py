"""Dictionaries: atoms with what is known about them, as values."""

from .dictionary import Dictionary

__all__ = ["Dictionary"]
