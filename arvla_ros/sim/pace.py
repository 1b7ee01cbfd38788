"""How fast simulated time passes beside real time."""

from __future__ import annotations

# After a stall the simulation catches up by this much at the most, rather than freezing the node with physics.
LONGEST_CATCH_UP_NS = 100_000_000


class Pace:
    """Counts how many periods of simulated time are due, at ``factor`` times real time."""

    def __init__(self, period_ns: int, factor: float, now_ns: int) -> None:
        """Start at ``now_ns`` of a clock that only goes forward; factor 0 is as fast as it can go."""
        self._period_ns, self._factor = period_ns, factor
        self._origin_ns = now_ns
        self._taken = 0

    def due(self, now_ns: int) -> int:
        """Return how many periods should be taken now; ``take`` says that one was."""
        if self._factor == 0:
            return 1
        behind_ns = round((now_ns - self._origin_ns) * self._factor) - self._taken * self._period_ns
        too_far_ns = behind_ns - LONGEST_CATCH_UP_NS
        if too_far_ns > 0:
            self._origin_ns += round(too_far_ns / self._factor)
        return max(0, min(behind_ns, LONGEST_CATCH_UP_NS) // self._period_ns)

    def take(self) -> None:
        """Count a period as taken."""
        self._taken += 1
