"""Timers, and the rate that a loop sleeps by."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockChange, JumpThreshold, ROSClock, TimeJump
from rclpy.destroyable import Destroyable
from rclpy.duration import Duration
from rclpy.exceptions import InvalidHandle, ROSInterruptException

if TYPE_CHECKING:
    from rclpy.context import Context

FOREVER_NS = 2**63 - 1
_ANY_JUMP = JumpThreshold(min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1))


class Timer(Destroyable):
    """Calls back each period.

    It is due at multiples of the period from its start: a late call does not shift the next one, and periods that
    passed meanwhile are skipped. Where ``/clock`` begins to drive its clock, it waits for the rest of its period.
    """

    def __init__(
        self,
        callback: Callable[[], Any] | None,
        callback_group: CallbackGroup | None,
        timer_period_ns: int,
        clock: Clock,
        *,
        context: "Context | None" = None,
    ) -> None:
        if timer_period_ns < 0:
            raise ValueError("timer period must not be negative")
        self.callback = callback
        self.callback_group = callback_group
        self._clock = clock
        self._context = context
        self._period_ns = int(timer_period_ns)
        self._cancelled = False
        self._last_call_ns = clock.now_ns()
        self._next_call_ns = self._last_call_ns + self._period_ns
        self._remaining_ns: int | None = None
        self._jumps = clock.create_jump_callback(
            _ANY_JUMP, pre_callback=self._before_jump, post_callback=self._after_jump
        )

    @property
    def clock(self) -> Clock:
        """The clock whose time counts."""
        return self._clock

    @property
    def timer_period_ns(self) -> int:
        """The period in nanoseconds; a new one holds from the next call on."""
        self._check_usable()
        return self._period_ns

    @timer_period_ns.setter
    def timer_period_ns(self, value: int) -> None:
        self._check_usable()
        self._next_call_ns += int(value) - self._period_ns
        self._period_ns = int(value)
        self._wake()

    def is_ready(self) -> bool:
        """Whether it is due."""
        return not self._cancelled and self._ns_until_next_call() <= 0

    def is_canceled(self) -> bool:
        """Whether it was cancelled."""
        self._check_usable()
        return self._cancelled

    def cancel(self) -> None:
        """Stop until the next reset."""
        self._check_usable()
        self._cancelled = True
        self._wake()

    def reset(self) -> None:
        """Start anew: the next call is one period from now."""
        self._check_usable()
        self._cancelled = False
        self._next_call_ns = self._clock.now_ns() + self._period_ns
        self._wake()

    def time_since_last_call(self) -> int:
        """Return the nanoseconds since the last call."""
        self._check_usable()
        return self._clock.now_ns() - self._last_call_ns

    def time_until_next_call(self) -> int | None:
        """Return the nanoseconds until it is due, negative if it is late, None if it was cancelled."""
        self._check_usable()
        return None if self._cancelled else self._ns_until_next_call()

    def longest_wait_ns(self) -> int:
        """Return after how many nanoseconds, at the latest, somebody has to look whether it is due."""
        if self._cancelled or (isinstance(self._clock, ROSClock) and self._clock.ros_time_is_active):
            return FOREVER_NS
        return self._ns_until_next_call()

    def _ns_until_next_call(self) -> int:
        now = self._clock.now_ns()
        if self._next_call_ns - now > self._period_ns and now < self._last_call_ns:
            # The clock was set back: a simulation or a bag started anew.
            self._last_call_ns, self._next_call_ns = now, now + self._period_ns
        return self._next_call_ns - now

    def _before_jump(self) -> None:
        now = self._clock.now_ns()
        self._remaining_ns = self._next_call_ns - now if now else None

    def _after_jump(self, jump: TimeJump) -> None:
        now = self._clock.now_ns()
        if jump.clock_change is not ClockChange.ROS_TIME_NO_CHANGE and now and self._remaining_ns is not None:
            self._next_call_ns = now + self._remaining_ns
            self._last_call_ns = self._next_call_ns - self._period_ns
        if self.is_ready():
            self._wake()

    def take_work(self) -> Callable[[], Any] | None:
        """Return the callback if it is due, and set the next call to the first multiple of the period in the future."""
        if self._cancelled or self._ns_until_next_call() > 0:
            return None
        now = self._last_call_ns = self._clock.now_ns()
        self._next_call_ns += self._period_ns
        if self._next_call_ns < now:
            behind = now - self._next_call_ns
            skipped = 1 + (behind - 1) // self._period_ns if self._period_ns else 0
            self._next_call_ns = self._next_call_ns + skipped * self._period_ns if self._period_ns else now
        return self.callback

    def _wake(self) -> None:
        if self._context is not None:
            self._context.wake()

    def destroy(self) -> None:
        """Stop for good."""
        super().destroy()
        self._cancelled = True
        self._jumps.unregister()


class Rate:
    """Lets a loop in a thread of its own sleep until the next tick of a timer that an executor runs."""

    def __init__(self, timer: Timer, *, context: "Context") -> None:
        self._timer = timer
        self._context = context
        self._tick = threading.Condition()
        self._ticks = 0
        self._destroyed = False
        timer.callback = self._on_tick
        context.on_shutdown(self._on_tick)

    def _on_tick(self) -> None:
        with self._tick:
            self._ticks += 1
            self._tick.notify_all()

    def sleep(self) -> None:
        """Block until the next tick.

        Raises:
            ROSInterruptException: the context was shut down.
            RuntimeError: the rate was destroyed.
            InvalidHandle: its timer was destroyed.
        """
        if self._context.ok() and not self._destroyed and self._timer._destroyed:
            raise InvalidHandle("Rate cannot sleep because the timer has been destroyed")
        with self._tick:
            seen = self._ticks
            self._tick.wait_for(lambda: self._ticks != seen or self._destroyed or not self._context.ok())
        if not self._context.ok():
            raise ROSInterruptException
        if self._destroyed:
            raise RuntimeError("Rate cannot sleep because it has been destroyed")

    def destroy(self) -> None:
        """Wake all that sleep; they get an exception."""
        self._destroyed = True
        self._on_tick()
