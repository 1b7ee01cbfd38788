"""The time that goes on while a bag is played."""

from __future__ import annotations

import threading
import time


class PlayClock:
    """Time of a bag: it starts somewhere, goes at a rate, can be stopped and can jump.

    Args:
        start: first time in nanoseconds.
        rate: how many seconds of the bag go by in one.
        paused: whether it stands still at first.
    """

    def __init__(self, start: int, rate: float, *, paused: bool) -> None:
        self._changed = threading.Condition()
        self._rate = rate
        self._paused = paused
        self._stopped = False
        self._skipped = 0
        self.jump(start)

    @property
    def rate(self) -> float:
        """How many seconds of the bag go by in one; greater than 0."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        with self._changed:
            self._jump(self.now())
            self._rate = rate

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        with self._changed:
            self._jump(self.now())
            self._paused = paused

    @property
    def stopped(self) -> bool:
        """Whether it was stopped for good."""
        return self._stopped

    def now(self) -> int:
        """Return the time in nanoseconds."""
        with self._changed:
            elapsed = 0.0 if self._paused else (time.monotonic_ns() - self._reference) * self._rate
            return self._start + int(elapsed)

    def jump(self, now: int) -> None:
        """Let it be another time."""
        with self._changed:
            self._jump(now)

    def _jump(self, now: int) -> None:
        self._start, self._reference = now, time.monotonic_ns()
        self._changed.notify_all()

    def skip(self) -> None:
        """End one :meth:`sleep_until` at once, and let it be the time that was waited for."""
        with self._changed:
            self._skipped += 1
            self._changed.notify_all()

    def stop(self) -> None:
        """End all waiting, for good."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def sleep_until(self, then: int) -> bool:
        """Wait until a time has come; return False if it was stopped before."""
        with self._changed:
            while not self._stopped:
                if self._skipped:
                    self._skipped -= 1
                    self._jump(then)
                    return True
                remaining = then - self.now()
                if remaining <= 0 and not self._paused:
                    return True
                self._changed.wait(None if self._paused else remaining / self._rate / 1e9)
            return False

    def sleep(self, seconds: float) -> bool:
        """Wait for real seconds; return False if it was stopped before."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._stopped, seconds)

    def wait_while_paused(self) -> None:
        """Wait until it goes on, or is stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not self._paused)
