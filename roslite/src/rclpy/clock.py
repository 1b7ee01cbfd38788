"""Clocks: of the system, steady, and of ROS, which a simulation may drive."""

import time
from collections.abc import Callable
from enum import IntEnum
from threading import Event
from typing import TYPE_CHECKING

from rclpy.duration import Duration
from rclpy.exceptions import NotInitializedException
from rclpy.time import Time

if TYPE_CHECKING:
    from rclpy.context import Context

from rclpy.clock_type import ClockType

__all__ = ["Clock", "ClockChange", "ClockType", "ROSClock"]


class ClockChange(IntEnum):
    """How the source of ROS time changed."""

    ROS_TIME_NO_CHANGE = 1
    ROS_TIME_ACTIVATED = 2
    ROS_TIME_DEACTIVATED = 3
    SYSTEM_TIME_NO_CHANGE = 4


class Clock:
    """A clock; ``Clock(clock_type=ClockType.ROS_TIME)`` is a :class:`ROSClock`."""

    _clock_type: ClockType

    def __new__(cls, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> "Clock":
        """Make the kind of clock that is asked for."""
        if not isinstance(clock_type, ClockType):
            raise TypeError("Clock type must be a ClockType enum")
        self = super().__new__(ROSClock if clock_type is ClockType.ROS_TIME else cls)
        self._clock_type = clock_type
        return self

    @property
    def clock_type(self) -> ClockType:
        """What this clock shows."""
        return self._clock_type

    def __repr__(self) -> str:
        return f"Clock(clock_type={self.clock_type.name})"

    def now(self) -> Time:
        """Return the present time."""
        return Time(nanoseconds=self.now_ns(), clock_type=self.clock_type)

    def now_ns(self) -> int:
        """Return the present time in nanoseconds."""
        return time.monotonic_ns() if self.clock_type is ClockType.STEADY_TIME else time.time_ns()

    def sleep_until(self, until: Time, context: "Context | None" = None) -> bool:
        """Sleep until a time on this clock; return False if the context was shut down before.

        Raises:
            ValueError: the time is of another kind of clock.
            NotInitializedException: the context is not initialized.
        """
        if until.clock_type != self.clock_type:
            raise ValueError("until's clock type does not match this clock's type")
        from rclpy.utilities import get_default_context

        context = context or get_default_context()
        if not context.ok():
            raise NotInitializedException
        woken = Event()
        context.on_shutdown(woken.set)
        while context.ok() and (remaining := until.nanoseconds - self.now_ns()) > 0:
            woken.wait(min(remaining / 1e9, self._longest_nap))
        return context.ok()

    def sleep_for(self, rel_time: Duration, context: "Context | None" = None) -> bool:
        """Sleep for a while; return False if the context was shut down before."""
        return self.sleep_until(self.now() + rel_time, context)

    @property
    def _longest_nap(self) -> float:
        return 3600.0


class ROSClock(Clock):
    """The clock of ROS: the system's, or ``/clock`` where ``use_sim_time`` is set."""

    _override_ns: int | None = None
    _changed: Callable[[], None] | None = None

    def __new__(cls) -> "ROSClock":
        """Make a clock that shows the system's time."""
        clock = Clock.__new__(Clock, clock_type=ClockType.ROS_TIME)
        assert isinstance(clock, ROSClock)
        return clock

    @property
    def ros_time_is_active(self) -> bool:
        """Whether ``/clock`` drives this clock."""
        return self._override_ns is not None

    def now_ns(self) -> int:
        """Return the present time in nanoseconds."""
        return time.time_ns() if self._override_ns is None else self._override_ns

    def _set_ros_time_is_active(self, enabled: bool) -> None:
        if enabled != self.ros_time_is_active:
            self._override_ns = 0 if enabled else None

    def set_ros_time_override(self, time: Time) -> None:
        """Set the time that the clock shows while ROS time is active."""
        if not isinstance(time, Time):
            raise TypeError("Time must be specified as rclpy.time.Time. Received type: {type(time)}")
        if self.ros_time_is_active:
            self._override_ns = time.nanoseconds

    @property
    def _longest_nap(self) -> float:
        return 0.01 if self.ros_time_is_active else super()._longest_nap
