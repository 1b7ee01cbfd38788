"""Descriptions of what actions carry out."""

from .executable import Executable

__all__ = ["Executable"]
