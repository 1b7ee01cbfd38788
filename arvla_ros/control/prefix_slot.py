"""The one slot that holds the newest prefix, and the rules by which a prefix is taken or refused."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from arvla_ros.control.step_clock import NS_PER_S, StepClock

P = TypeVar("P")

# A stamp further ahead tells nothing about the picture's age; s. One up to this is taken as if of now, and counted.
_LONGEST_LEAD_S = 1.0
# Prefixes that come between two ticks: more than this, and the oldest are dropped unseen.
_MOST_WAITING = 4


@dataclass(frozen=True)
class HeldPrefix(Generic[P]):
    """A prefix and its place on the control timeline.

    Attributes:
        prefix: what perception made.
        stamp_ns: capture time of its image as the camera's clock tells it.
        captured_ns: the same, but never later than the tick that took it: ages count from here.
        anchor_step: the step whose tick interval holds the capture.
        ready_age_s: from capture to the finished prefix, on the clock of perception's host; -1: not known.
        first_used_s: from capture to the tick that took it.
    """

    prefix: P
    stamp_ns: int
    captured_ns: int
    anchor_step: int
    ready_age_s: float
    first_used_s: float


class _Waiting(NamedTuple, Generic[P]):
    prefix: P
    stamp_ns: int
    ready_age_s: float


class PrefixSlot(Generic[P]):
    """Newest wins, nothing queues up: prefixes wait here until the next tick anchors one of them.

    Anchoring happens at the tick, not at arrival, because the interval that holds a fresh stamp may still be open.
    ``offer`` may be called from any thread and takes no lock; everything else belongs to the thread that ticks.

    Attributes:
        held: the prefix in use.
        counts: what became of the prefixes that were offered.
    """

    def __init__(self) -> None:
        self.held: HeldPrefix[P] | None = None
        self.counts: Counter[str] = Counter()
        self._waiting: deque[_Waiting[P]] = deque(maxlen=_MOST_WAITING)

    def reset(self) -> None:
        """Forget the prefix held and those that wait."""
        self.held = None
        self._waiting.clear()

    def offer(self, prefix: P, stamp_ns: int, ready_age_s: float = -1.0) -> None:
        """Hand over a prefix whose image was captured at ``stamp_ns``; the next tick takes or refuses it."""
        self._waiting.append(_Waiting(prefix, stamp_ns, ready_age_s))

    def take(self, clock: StepClock) -> HeldPrefix[P] | None:
        """Hold the newest prefix that waits; return it, or None if there is no new one to use.

        Call it after the tick has been entered in the clock.
        """
        before = self.held
        while self._waiting:
            held = self._anchored(self._waiting.popleft(), clock)
            if held is not None:
                self.held = held
        return self.held if self.held is not before else None

    def _anchored(self, waiting: _Waiting[P], clock: StepClock) -> HeldPrefix[P] | None:
        """Return a prefix in its place, or None, counted, if it is refused."""
        now_ns = clock.time_ns(clock.last_step)
        # A camera whose clock is ahead must neither look fresh for longer nor shut out the pictures after it.
        captured_ns = min(waiting.stamp_ns, now_ns)
        anchor, held = clock.anchor(captured_ns), self.held
        if waiting.stamp_ns <= 0:
            return self._refuse("no_stamp")
        if waiting.stamp_ns > now_ns + _LONGEST_LEAD_S * NS_PER_S:
            return self._refuse("far_future")
        if anchor is None:
            return self._refuse("before_reset")
        if held is not None and (captured_ns <= held.captured_ns or waiting.stamp_ns == held.stamp_ns):
            return self._refuse("not_newer")
        self.counts["from_future"] += waiting.stamp_ns > now_ns + clock.period_ns
        self.counts["taken"] += 1
        age_s = (now_ns - captured_ns) / NS_PER_S
        ready_age_s = _plausible(waiting.ready_age_s)
        return HeldPrefix(waiting.prefix, waiting.stamp_ns, captured_ns, anchor.step, ready_age_s, age_s)

    def _refuse(self, reason: str) -> HeldPrefix[P] | None:
        self.counts[f"refused_{reason}"] += 1
        return None


def _plausible(age_s: float) -> float:
    """Return an age that another host has told, or -1 where it cannot be one."""
    return age_s if 0.0 <= age_s < 1e6 else -1.0
