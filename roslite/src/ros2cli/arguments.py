"""Numbers on the command line."""

from __future__ import annotations

import argparse


def positive_int(text: str) -> int:
    """Parse an integer of 1 or more."""
    return _bounded(int(text), at_least=1)


def unsigned_int(text: str) -> int:
    """Parse an integer of 0 or more."""
    return _bounded(int(text), at_least=0)


def positive_float(text: str) -> float:
    """Parse a number greater than 0."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not in the valid range (> 0.0)")
    return value


def unsigned_float(text: str) -> float:
    """Parse a number of 0 or more."""
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text} is less than zero")
    return value


def _bounded(value: int, at_least: int) -> int:
    if value < at_least:
        kind = "positive" if at_least else "non-negative"
        raise argparse.ArgumentTypeError(f"value must be a {kind} integer, not {value}")
    return value
