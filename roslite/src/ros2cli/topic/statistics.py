"""Statistics over the latest of many values."""

from __future__ import annotations

import statistics
from collections import deque


class Window:
    """The latest values, in nanoseconds.

    Args:
        size: how many are kept.
    """

    def __init__(self, size: int) -> None:
        self._values: deque[int] = deque(maxlen=size)
        self._fresh = False

    def add(self, value: int) -> None:
        """Add a value."""
        self._values.append(value)
        self._fresh = True

    def clear(self) -> None:
        """Forget all values."""
        self._values.clear()
        self._fresh = False

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._values)

    @property
    def mean(self) -> float:
        """The mean, in nanoseconds."""
        return statistics.fmean(self._values)

    def take_fresh(self) -> bool:
        """Whether a value came since the last call."""
        fresh, self._fresh = self._fresh, False
        return fresh

    def describe(self) -> str:
        """Return the spread, as `ros2 topic hz` and `delay` print it."""
        low, high = min(self._values) / 1e9, max(self._values) / 1e9
        deviation = statistics.pstdev(self._values, self.mean) / 1e9
        return f"\tmin: {low:.3f}s max: {high:.3f}s std dev: {deviation:.5f}s window: {len(self._values)}"
