"""The control timeline: which step a tick is, and in which step's interval a time stamp falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NS_PER_S = 1_000_000_000


class ClockJumpError(RuntimeError):
    """The clock went backwards: steps and anchors from before mean nothing now; reset."""


@dataclass(frozen=True)
class Tick:
    """One executed control tick.

    Attributes:
        step: its number.
        time_ns: when it ran.
        missed: steps between the tick before and this one that never ran.
        late_ns: how long after it was due it ran: the jitter of the timer.
    """

    step: int
    time_ns: int
    missed: int
    late_ns: int = 0


@dataclass(frozen=True)
class Anchor:
    """Where a capture time lies on the control timeline."""

    step: int
    from_future: bool  # the stamp lay more than a period ahead of the newest tick, and was clamped to it


class StepClock:
    """Counts the ticks of a fixed-rate timer since the last reset and keeps their times.

    Step ``k`` is due ``k`` periods after step 0. A late tick is executed once; the steps that it ran over are counted
    as missed and the index follows the clock, so that step differences stay differences of time. The first tick may
    itself have come late: an earlier phase seen later moves the grid back, so that its delay does not count for ever.
    """

    def __init__(self, rate_hz: float, memory: int = 4096) -> None:
        """Create a clock for ``rate_hz`` that knows the times of the last ``memory`` steps."""
        if not rate_hz > 0:
            raise ValueError(f"rate_hz {rate_hz} must be positive")
        self.period_ns = round(NS_PER_S / rate_hz)
        self._times: npt.NDArray[np.int64] = np.zeros(memory, dtype=np.int64)
        self.missed_total = 0
        self.reset(0)

    def reset(self, now_ns: int) -> None:
        """Forget all steps; the next tick is step 0, and stamps before ``now_ns`` have no anchor any more."""
        self.reset_ns = now_ns
        self.last_step = -1
        self._origin_ns = 0

    def tick(self, now_ns: int) -> Tick | None:
        """Enter the tick at ``now_ns``; None if the step that is due now has run already (the timer fired early).

        Raises:
            ClockJumpError: ``now_ns`` lies before the last tick.
        """
        if self.last_step < 0:
            self._origin_ns = now_ns
            self.last_step = 0
            self._times[0] = now_ns
            return Tick(0, now_ns, 0)
        if now_ns < self.time_ns(self.last_step):
            raise ClockJumpError(f"the clock went back by {(self.time_ns(self.last_step) - now_ns) / 1e9:.3f} s")
        step = max((now_ns - self._origin_ns) // self.period_ns, self.last_step + 1)
        if now_ns < self._due_ns(step) - self.period_ns // 2:
            return None
        self._origin_ns = min(self._origin_ns, now_ns - step * self.period_ns)
        missed = step - self.last_step - 1
        for skipped in range(max(self.last_step + 1, step - len(self._times) + 1), step):
            self._times[skipped % len(self._times)] = min(self._due_ns(skipped), now_ns)
        self._times[step % len(self._times)] = now_ns
        self.last_step = step
        self.missed_total += missed
        return Tick(step, now_ns, missed, now_ns - self._due_ns(step))

    def anchor(self, stamp_ns: int) -> Anchor | None:
        """Return the step whose tick interval holds a capture time; None if it lies before the last reset.

        A picture taken after the reset but before its first tick belongs to step -1. Call it after the first tick.
        """
        if stamp_ns < self.reset_ns or self.last_step < 0:
            return None
        newest_ns = self.time_ns(self.last_step)
        if stamp_ns >= newest_ns:
            return Anchor(self.last_step, from_future=stamp_ns > newest_ns + self.period_ns)
        step = min((stamp_ns - self._origin_ns) // self.period_ns, self.last_step - 1)
        # Real ticks jitter around the grid, so the interval that holds the stamp may be the neighbour's.
        while self.time_ns(step) > stamp_ns:
            step -= 1
        while self.time_ns(step + 1) <= stamp_ns:
            step += 1
        return Anchor(step, from_future=False)

    def time_ns(self, step: int) -> int:
        """Return when a step ran, or, outside of what is kept, when it was due."""
        if max(0, self.last_step - len(self._times) + 1) <= step <= self.last_step:
            return int(self._times[step % len(self._times)])
        return self._due_ns(step)

    def _due_ns(self, step: int) -> int:
        return self._origin_ns + step * self.period_ns
