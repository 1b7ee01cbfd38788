"""From messages that came whenever they came to steps at a regular rate, by their header stamps.

A step is at ``start + k / rate``. What was measured is taken from the message nearest to the step; what was commanded
from the last message before the step's end, for that is what the arm was to reach by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from arvla_ros.episodes.layout import DatasetError

Times = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int64]

NS = 1_000_000_000


@dataclass(frozen=True)
class Timeline:
    """The steps of an episode.

    Attributes:
        steps: ``[T]`` times in ns, regular.
        rate_hz: steps a second.
    """

    steps: Times
    rate_hz: float

    @property
    def half_period_ns(self) -> int:
        """Half the time between two steps."""
        return round(NS / self.rate_hz / 2)

    @classmethod
    def common(cls, streams: Mapping[str, Times], rate_hz: float) -> Timeline:
        """Return the steps at which every stream speaks: from the last one's begin to the first one's end.

        Args:
            streams: stamps in ns by topic, in any order.
            rate_hz: steps a second.

        Raises:
            DatasetError: a stream is empty, or there is no step at which all speak; the message names the topic.
        """
        silent = [name for name, stamps in streams.items() if len(stamps) == 0]
        if silent:
            raise DatasetError(f"no message on {', '.join(silent)}")
        begin, end = (
            max(stamps.min() for stamps in streams.values()),
            min(stamps.max() for stamps in streams.values()),
        )
        period = NS / rate_hz
        if end - begin < period:
            late = max(streams, key=lambda name: streams[name].min())
            raise DatasetError(
                f"its topics speak together for {(end - begin) / NS:.2f} s, less than a step of {period / NS:g} s: "
                f"{late} begins last"
            )
        count = int((end - begin) / period) + 1
        return cls(begin + np.round(np.arange(count) * period).astype(np.int64), rate_hz)

    def nearest(self, stamps: Times) -> Indices:
        """Return for every step which of ``stamps`` (ascending) is nearest; of two equally near ones the earlier."""
        after = np.searchsorted(stamps, self.steps).clip(0, len(stamps) - 1)
        before = (after - 1).clip(0)
        closer = np.abs(stamps[before] - self.steps) <= np.abs(stamps[after] - self.steps)
        return np.where(closer, before, after).astype(np.int64)

    def gaps(self, stamps: Times) -> npt.NDArray[np.bool_]:
        """Return at which steps the nearest of ``stamps`` is farther than half a period away."""
        far: npt.NDArray[np.bool_] = np.abs(stamps[self.nearest(stamps)] - self.steps) > self.half_period_ns
        return far

    def last_before_end(self, stamps: Times) -> Indices:
        """Return for every step the last of ``stamps`` (ascending) before the next step; -1: none yet."""
        ends = self.steps + 2 * self.half_period_ns
        return (np.searchsorted(stamps, ends, side="left") - 1).astype(np.int64)


def ascending(stamps: Sequence[int]) -> tuple[Times, Indices]:
    """Return stamps in order, each once, and where in the sequence each was: messages may come twice or late."""
    ordered, places = np.unique(np.asarray(stamps, dtype=np.int64), return_index=True)
    return ordered, places.astype(np.int64)
