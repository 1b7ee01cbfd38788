"""The one slot that holds the newest prefix, and the rules by which a prefix is taken or refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Generic, TypeVar

from arvla_ros.control.step_clock import StepClock

P = TypeVar("P")


@dataclass(frozen=True)
class HeldPrefix(Generic[P]):
    """A prefix with the capture time of its image and its place on the control timeline."""

    prefix: P
    stamp_ns: int
    anchor_step: int


class PrefixSlot(Generic[P]):
    """Newest wins, nothing queues up: a prefix waits here until the next tick anchors it.

    Anchoring happens at the tick, not at arrival, because the interval that holds a fresh stamp may still be open.
    """

    def __init__(self) -> None:
        self.held: HeldPrefix[P] | None = None
        self.counts: Counter[str] = Counter()
        self._waiting: tuple[P, int] | None = None

    def reset(self) -> None:
        """Forget the prefix held and the one that waits."""
        self.held = None
        self._waiting = None

    def offer(self, prefix: P, stamp_ns: int) -> bool:
        """Take a prefix whose image was captured at ``stamp_ns``, or refuse it: not newer than the one at hand."""
        newest_ns = self._waiting[1] if self._waiting else self.held.stamp_ns if self.held else None
        if newest_ns is not None and stamp_ns <= newest_ns:
            self.counts["refused_not_newer"] += 1
            return False
        self._waiting = (prefix, stamp_ns)
        return True

    def take(self, clock: StepClock) -> HeldPrefix[P] | None:
        """Anchor the prefix that waits and hold it; return it, or None if there is no new one to use."""
        if self._waiting is None:
            return None
        prefix, stamp_ns = self._waiting
        self._waiting = None
        anchor = clock.anchor(stamp_ns)
        if anchor is None:
            self.counts["refused_before_reset"] += 1
            return None
        self.counts["from_future"] += anchor.from_future
        self.counts["taken"] += 1
        self.held = HeldPrefix(prefix, stamp_ns, anchor.step)
        return self.held
